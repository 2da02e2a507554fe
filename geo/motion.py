"""How far a car can have come: what makes a move between two fixes unlikely, and what makes it impossible."""

from collections.abc import Sequence
from math import cos, hypot, radians, sin
from typing import TYPE_CHECKING, NamedTuple

from geo.fix import EARTH_RADIUS_M, Fix, LonLat, metres_between

if TYPE_CHECKING:
    from geo.filters import Limits

# What a phone that names no accuracy is taken to have, when two fixes are compared.
UNKNOWN_ACCURACY_M = 30.0
# Harder than a car on the road speeds up or brakes for seconds on end.
HARD_MPSS = 2.8
# Of 25,000 legs of recorded taxi trips, 15 s each, 995 in 1,000 were no longer than the one before plus this times ½t².
UNTOLD_MPSS = 1.8
# The speed a phone tells comes from the Doppler shift, not from its places: it stays true when a place jumps.
STANDING_MPS, MOVING_MPS = 1.5, 2.0
# After a longer silence nothing but the greatest speed limits where somebody is.
REMEMBERED_S = 75.0
# So long a car may go on speeding up, or braking.
BURST_S = 15.0
# Between fixes of a few seconds the blur itself may be misjudged by as much.
LEAST_SLACK_M = 60.0
STEADY_DIGITS = 7
STUCK_FIXES = 3
METRES_A_DEGREE = radians(EARTH_RADIUS_M)


def blur_m(*fixes: Fix) -> float:
    """Metres the fixes may be off together, by their own word."""
    return sum(UNKNOWN_ACCURACY_M if f.accuracy_m is None else f.accuracy_m for f in fixes)


def chance_m(*fixes: Fix) -> float:
    """Metres the fixes are likely off together: errors of two fixes seldom point apart."""
    return hypot(*(UNKNOWN_ACCURACY_M if f.accuracy_m is None else f.accuracy_m for f in fixes))


def apart_m(earlier: Fix, later: Fix) -> float:
    """Metres between two fixes that cannot be explained by their blur; never below zero."""
    return max(0.0, metres_between(earlier.position(), later.position()) - blur_m(earlier, later))


def seconds(earlier: Fix, later: Fix) -> float:
    """Seconds between two fixes by the phone's clock, never below zero."""
    return max(0.0, (later.fixed_at - earlier.fixed_at).total_seconds())


def reachable(earlier: Fix, later: Fix, limits: "Limits") -> bool:
    """Whether one can lead to the other; what either may be off by counts in the traveller's favour."""
    reach_m = blur_m(earlier, later) + limits.max_speed_mps * seconds(earlier, later)
    return around_m(earlier, later) <= reach_m or (
        metres_between(earlier.position(), later.position()) <= reach_m
    )


def around_m(earlier: Fix, later: Fix) -> float:
    """Metres along the meridian and then as along the equator: never shorter than straight, and known without a sine."""
    return (abs(later.lon - earlier.lon) + abs(later.lat - earlier.lat)) * METRES_A_DEGREE


def strain(earlier: Fix, later: Fix, limits: "Limits", before_mps: float | None = None) -> float:
    """How far a move is from what the phone says of its speed, as a share of what a car can do: up to 1 is likely.

    With speed and heading told at both ends the way expected is their mean velocity times the time, and the most a car can
    differ is ¼at² (hard acceleration, then hard braking). A phone that tells none may go as fast as before (`before_mps`)
    plus ½at². After a silence only the greatest speed counts. What the fixes may be off by counts in their favour.
    """
    for_s = seconds(earlier, later)
    way = told_way(earlier, later)
    if way is not None:
        east, north = offset_m(earlier, later)
        off_m = hypot(east - way.east_m, north - way.north_m)
        return max(0.0, off_m - chance_m(earlier, later)) / way.slack_m
    pace = earlier.speed_mps if earlier.speed_mps is not None else before_mps
    if pace is not None and for_s <= REMEMBERED_S:
        metres = metres_between(earlier.position(), later.position())
        over = max(0.0, metres - pace * for_s - chance_m(earlier, later))
        return over / slack_m(UNTOLD_MPSS / 2, for_s)
    return apart_m(earlier, later) / max(LEAST_SLACK_M, limits.max_speed_mps * for_s)


class Way(NamedTuple):
    """The way a phone's speeds lead to, and how far off it may be, in metres."""

    east_m: float
    north_m: float
    slack_m: float


def told_way(earlier: Fix, later: Fix) -> Way | None:
    """The mean of the told velocities times the time; None without speed and heading, or after a silence."""
    for_s, start, end = seconds(earlier, later), velocity(earlier), velocity(later)
    if start is None or end is None or for_s > REMEMBERED_S:
        return None
    east, north = (start[0] + end[0]) / 2 * for_s, (start[1] + end[1]) / 2 * for_s
    return Way(east, north, slack_m(HARD_MPSS / 4, for_s))


def offset_m(earlier: Fix, later: Fix) -> tuple[float, float]:
    """East and north from one fix to the other, on a plane: for places a few kilometres apart."""
    east = (later.lon - earlier.lon) * METRES_A_DEGREE * cos(radians(earlier.lat))
    return east, (later.lat - earlier.lat) * METRES_A_DEGREE


def pace_mps(earlier: Fix, later: Fix) -> float | None:
    """Metres a second between two fixes beyond their blur; None when they are of the same moment."""
    for_s = seconds(earlier, later)
    return apart_m(earlier, later) / for_s if for_s > 0 else None


def slack_m(mpss: float, for_s: float) -> float:
    """How far a car may differ from the way expected: by t² at first, slower later, for nobody speeds up for a minute."""
    return max(LEAST_SLACK_M, mpss * for_s * min(for_s, BURST_S))


def velocity(fix: Fix) -> tuple[float, float] | None:
    """East and north in m/s as the phone tells them; standing still needs no heading. None when it does not say."""
    if fix.speed_mps is None:
        return None
    if fix.speed_mps < STANDING_MPS:
        return 0.0, 0.0
    if fix.heading_deg is None:
        return None
    angle = radians(fix.heading_deg)
    return fix.speed_mps * sin(angle), fix.speed_mps * cos(angle)


def digits(fix: Fix) -> tuple[float, float]:
    """The place to seven digits: about a centimetre."""
    return round(fix.lon, STEADY_DIGITS), round(fix.lat, STEADY_DIGITS)


def stuck(earlier: Fix, later: Fix) -> bool:
    """Whether the place stands still to the last digit while both fixes say that the phone moves."""
    moving = all(f.speed_mps is not None and f.speed_mps > MOVING_MPS for f in (earlier, later))
    return moving and digits(earlier) == digits(later)


def swapped(dot: Fix, fix: Fix, limits: "Limits") -> bool:
    """Whether the place makes sense once longitude and latitude change places."""
    if not -90 <= fix.lon <= 90:
        return False
    turned = metres_between(dot.position(), LonLat(fix.lat, fix.lon)) - blur_m(dot, fix)
    return turned <= limits.max_speed_mps * seconds(dot, fix)


def since_stuck(track: Sequence[Fix], dot: Fix) -> Fix:
    """The first of the run of fixes up to the dot that have its very place; the dot itself when it is fewer than three."""
    first, count = dot, 0
    for fix in reversed(track):
        if fix.fixed_at > dot.fixed_at:
            continue
        if digits(fix) != digits(dot):
            break
        first, count = fix, count + 1
    return first if count >= STUCK_FIXES else dot


def speed_before(track: Sequence[Fix], dot: Fix, limits: "Limits") -> float | None:
    """The mean speed of the leg that led to the dot, in m/s; None when no fix is near enough before it."""
    for fix in reversed(track):
        if fix.fixed_at >= dot.fixed_at:
            continue
        for_s = seconds(fix, dot)
        if for_s > REMEMBERED_S:
            return None
        if reachable(fix, dot, limits):  # a jump between the two says nothing
            return metres_between(fix.position(), dot.position()) / for_s
    return None
