"""From driven roads to speeds: observed over expected seconds, level by level, each shrunk to 1 as far as it is noise.

The strength of the shrinkage is not set but estimated (empirical Bayes, by the method of moments, as R. DerSimonian and
N. Laird weigh studies in "Meta-analysis in clinical trials", Controlled Clinical Trials 7, 1986): the spread between
drives of one group says how noisy a group's ratio is, the spread between groups what is left to explain.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from geo.fix import LonLat
from geo.roads import mapmatch, speeds
from geo.roads.graph import Roads
from geo.roads.mapmatch import Steps
from geo.roads.nearby import Longs
from geo.roads.network import Floats, Network
from geo.roads.speeds import LEVELS, Factors, Speeds
from geo.table import crow_m

# How the time of a step is shared out among its roads depends on what is learned: so it is done a few times.
ROUNDS = 3
# Seconds of driving that weigh as much as knowing nothing: bounds of what the moments may say.
LEAST_S, MOST_S = 30.0, 5_000.0
# A single road is learned from at least so many drives: fewer say more about a person than about the road.
DRIVES_A_ROAD = 2
SHORTEST_S = 0.05
START_STOP_S = (0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0)


class Journey(NamedTuple):
    """A whole drive from a place to a place, as it was really driven. `began_s` in Unix seconds, `crow_m` straight."""

    start: LonLat
    end: LonLat
    began_s: float
    took_s: float
    crow_m: float
    driven_m: float


def journeys(at_s: Floats, lon: Floats, lat: Floats) -> list[Journey]:
    """The drives of a track that are long enough to judge a drive time by: two minutes and half a kilometre."""
    found = []
    for rows in mapmatch.drives(at_s, lon, lat):
        a, b = int(rows[0]), int(rows[-1])
        start, end = LonLat(float(lon[a]), float(lat[a])), LonLat(float(lon[b]), float(lat[b]))
        took, straight = float(at_s[b] - at_s[a]), float(crow_m([start], [end])[0, 0])
        if took >= 120 and straight >= 500:
            driven = float(mapmatch.steps_m(lon[rows], lat[rows]).sum())
            found.append(Journey(start, end, float(at_s[a]), took, straight, driven))
    return found


def learn(steps: Steps, network: Network, about: dict[str, Any]) -> Speeds:
    """The factors that explain what was driven. `steps.began_s` is Unix seconds."""
    free_s = np.maximum(network.seconds[steps.edge] * steps.metres / network.length_m[steps.edge], SHORTEST_S)
    hours = speeds.week_hours(steps.began_s)
    keys = {
        name: np.unique(level.keys(level.of_edge(network)[steps.edge], hours), return_inverse=True)
        for name, level in LEVELS.items()
    }
    count = int(steps.step.max()) + 1 if len(steps.step) else 0
    expected, overall, levels = free_s, 1.0, dict[str, Factors]()
    for _ in range(ROUNDS if count else 0):
        whole = np.bincount(steps.step, weights=expected, minlength=count)
        observed = expected / whole[steps.step] * steps.took_s
        overall = float(observed.sum() / free_s.sum())
        expected = free_s * overall
        for name, (unique, row) in keys.items():
            factor, drives = shrunk(row, observed, expected, steps.drive)
            known = drives >= (DRIVES_A_ROAD if name == "road" else 1)
            factor = np.where(known, factor, 1.0)
            levels[name] = Factors(unique[known], factor[known].astype(np.float32))
            expected = expected * factor[row]
    return Speeds(overall, 0.0, levels, about)


def shrunk(group: Longs, observed: Floats, expected: Floats, drive: Longs) -> tuple[Floats, Longs]:
    """Observed ÷ expected of each group, drawn towards 1 by as much as it is noise; and how many drives it stands on."""
    size = int(group.max()) + 1
    seen, wanted = (np.bincount(group, weights=w, minlength=size) for w in (observed, expected))
    pair, row = np.unique(group * (int(drive.max()) + 1) + drive, return_inverse=True)
    owner = pair // (int(drive.max()) + 1)
    drives = np.bincount(owner, minlength=size)
    ratio = seen / wanted
    seen_by, wanted_by = (np.bincount(row, weights=w) for w in (observed, expected))
    spare = len(pair) - size  # degrees of freedom within the groups
    if spare < 5 or size < 2:
        return (seen + MOST_S) / (wanted + MOST_S), drives
    noise = float((((seen_by - ratio[owner] * wanted_by) ** 2) / wanted_by).sum()) / spare
    weight = wanted / max(noise, 1e-9)
    between = max((float((weight * (ratio - 1.0) ** 2).sum()) - size) / float(weight.sum()), 1e-9)
    strength = float(np.clip(noise / between, LEAST_S, MOST_S))
    return (seen + strength) / (wanted + strength), drives


def calibrate(found: Speeds, roads: Roads, driven: Sequence[Journey]) -> Speeds:
    """Makes whole journeys come out right in the median: the quickest way is always a little quicker than the one driven.

    Also finds what setting off and parking cost. Changes the weights in force in `roads`.
    """
    said = predict(found, roads, driven)
    took = np.array([j.took_s for j in driven])
    fits = np.isfinite(said) & (said > 0)
    if np.count_nonzero(fits) < 20:
        return found
    said, took = said[fits] - found.start_stop_s, took[fits]
    tries = []
    for extra in START_STOP_S:
        factor = float(np.median(np.maximum(took - extra, 1.0) / said))
        tries.append((float(np.median(np.abs((said * factor + extra) / took - 1.0))), extra, factor))
    _, extra, factor = min(tries)
    return replace(found, overall=found.overall * factor, start_stop_s=extra)


def predict(found: Speeds | None, roads: Roads, driven: Sequence[Journey]) -> Floats:
    """What the roads would have said for each journey at its hour, infinite for no way; None: at free flow."""
    said = np.full(len(driven), np.inf)
    starts, ends = roads.snap([j.start for j in driven]), roads.snap([j.end for j in driven])
    hours = [speeds.week_hour(j.began_s) for j in driven]
    laid = None if found is None else found.on(roads.network)
    for hour in sorted(set(hours)):
        roads.customise(roads.network.seconds if laid is None else laid.edge_seconds(hour))
        for i in (i for i, h in enumerate(hours) if h == hour):
            said[i] = roads.seconds_to([starts[i]], ends[i])[0] + (
                0.0 if found is None else found.start_stop_s
            )
    return said


class Errors(NamedTuple):
    """How wrong predicted times are: shares of the true time, seconds, and the median ratio (1: no bias)."""

    journeys: int
    median: float
    p90: float
    bias: float
    median_s: float
    p90_s: float

    @classmethod
    def of(cls, said: Floats, took: Floats) -> "Errors":
        """Of those that were answered."""
        fits = np.isfinite(said)
        if not fits.any():
            return cls(0, *[float("nan")] * 5)
        off = np.abs(said[fits] - took[fits])
        share, ratio = off / took[fits], said[fits] / took[fits]
        return cls(
            int(np.count_nonzero(fits)), float(np.median(share)), float(np.percentile(share, 90)),
            float(np.median(ratio)), float(np.median(off)), float(np.percentile(off, 90)),
        )  # fmt: skip
