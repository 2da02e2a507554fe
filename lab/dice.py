"""Chances that belong to a thing, not to the order of asking: the same claim and surveyor always throw the same.

Two policies played on one day meet the same people on the same morning (common random numbers); what differs between
them is then the policy, not the luck.
"""

from math import exp, log, pi, sin, sqrt

MASK = (1 << 64) - 1


def chance(seed: int, *names: int) -> float:
    """A number in [0, 1) that only depends on its names (splitmix64 over them)."""
    state = seed & MASK
    for name in names:
        state = (state ^ (name & MASK)) * 0x9E3779B97F4A7C15 & MASK
        state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & MASK
        state = (state ^ state >> 27) * 0x94D049BB133111EB & MASK
        state ^= state >> 31
    return (state >> 11) / float(1 << 53)


def exponential(mean: float, seed: int, *names: int) -> float:
    """An exponential waiting time."""
    return -mean * log(1.0 - chance(seed, *names))


def lognormal(median: float, spread: float, seed: int, *names: int) -> float:
    """A lognormal value; `spread` is the standard deviation of its logarithm."""
    radius = sqrt(-2.0 * log(1.0 - chance(seed, *names, 1)))
    return median * exp(spread * radius * sin(2.0 * pi * chance(seed, *names, 2)))
