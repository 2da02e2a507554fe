"""From driven roads to speeds: observed over expected seconds, level by level, each shrunk to 1 as far as it is noise.

The strength of the shrinkage is not set but estimated (empirical Bayes, by the method of moments, as R. DerSimonian and
N. Laird weigh studies in "Meta-analysis in clinical trials", Controlled Clinical Trials 7, 1986): the spread between
drives of one group says how noisy a group's ratio is, the spread between groups what is left to explain.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import nnls

from geo.fix import LonLat
from geo.roads import mapmatch, speeds
from geo.roads.graph import Roads, Snaps
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
# Whole journeys are judged at speeds learned from the other parts of the people, never from oneself.
PARTS = 4
# Fewer journeys than these calibrate nothing.
LEAST_WAYS = 20
# A journey's worth of belief that a second learned is a second: where all roads are equally fast, nothing else
# tells seconds from kilometres.
BELIEF = 0.5
# Least absolute shares by reweighting: a journey off by less than this weighs like one that is off by it.
FLOOR, REWEIGHINGS = 0.03, 40


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


class Ways(NamedTuple):
    """Journeys beside the quickest ways for them: seconds and kilometres of the way, seconds the journey took."""

    seconds: Floats
    km: Floats
    took_s: Floats


Person = tuple[Steps, Sequence[Journey]]


def taught(people: Sequence[Person], roads: Roads, about: dict[str, Any]) -> Speeds:
    """Speeds from what some people drove, calibrated on their whole journeys. Changes the weights in force in `roads`."""
    found = learn(Steps.together([steps for steps, _ in people]), roads.network, about)
    return calibrate(found, unseen(people, roads))


def unseen(people: Sequence[Person], roads: Roads) -> Ways:
    """The ways of everybody's journeys at speeds learned from others, of one person alone at his own.

    What was learned from a journey tells that journey too well: calibrated on it, the ways of strangers would come out
    too quick."""
    parts = min(PARTS, len(people))
    found = []
    for part in range(parts):
        others = [steps for i, (steps, _) in enumerate(people) if i % parts != part]
        journeys_of = [j for _, driven in people[part::parts] for j in driven]
        teachers = others or [steps for steps, _ in people]
        found.append(ways(learn(Steps.together(teachers), roads.network, {}), roads, journeys_of))
    return Ways(*(np.concatenate(column) for column in zip(*found, strict=True))) if found else ways_of([])


def calibrate(found: Speeds, seen: Ways) -> Speeds:
    """Makes whole journeys come out right in the median: least absolute shares of the true time over seconds learned,
    kilometres and setting off.

    Of many ways the quickest in the model is chosen, so it leads over roads the model thinks too quick: a part of every
    kilometre that all roads share draws the quick and the slow together."""
    if len(seen.took_s) < LEAST_WAYS:
        return found
    terms = np.column_stack([seen.seconds, seen.km, np.ones(len(seen.km))]) / seen.took_s[:, None]
    weight = np.ones(len(terms))
    typical = float(np.median(1.0 / terms[:, 0]))
    for _ in range(REWEIGHINGS):
        belief = float(np.sqrt(BELIEF * np.mean(weight**2)))
        rows = np.vstack([terms * weight[:, None], [belief, 0.0, 0.0]])
        fit, _ = nnls(rows, np.append(weight, belief * typical))
        weight = 1.0 / np.sqrt(np.maximum(np.abs(terms @ fit - 1.0), FLOOR))
    factor, per_km_s, start_stop_s = (fit * float(np.median(1.0 / (terms @ fit)))).tolist()
    return replace(found, overall=found.overall * factor, per_km_s=per_km_s, start_stop_s=start_stop_s)


def ways(found: Speeds, roads: Roads, driven: Sequence[Journey]) -> Ways:
    """The quickest way for each journey at its hour, without setting off and parking; those without a way are left out."""
    starts, ends = _ends(roads, driven)
    rows = []
    for i in _hour_by_hour(found, roads, driven):
        way = roads.path(starts[i], ends[i])
        if way is not None and way.seconds > 0:
            rows.append((way.seconds, way.length_m / 1000, driven[i].took_s))
    return ways_of(rows)


def ways_of(rows: Sequence[tuple[float, float, float]]) -> Ways:
    """From plain rows."""
    return Ways(*np.array(rows, dtype=np.float64).reshape(-1, 3).T)


def predict(found: Speeds | None, roads: Roads, driven: Sequence[Journey]) -> Floats:
    """What the roads would have said for each journey at its hour, infinite for no way; None: at free flow."""
    said = np.full(len(driven), np.inf)
    starts, ends = _ends(roads, driven)
    start_stop_s = 0.0 if found is None else found.start_stop_s
    for i in _hour_by_hour(found, roads, driven):
        said[i] = roads.seconds_to([starts[i]], ends[i])[0] + start_stop_s
    return said


def _ends(roads: Roads, driven: Sequence[Journey]) -> tuple[Snaps, Snaps]:
    return roads.snap([j.start for j in driven]), roads.snap([j.end for j in driven])


def _hour_by_hour(found: Speeds | None, roads: Roads, driven: Sequence[Journey]) -> Iterator[int]:
    """The numbers of the journeys, each while the speeds of its hour are in force."""
    hours = np.array([speeds.week_hour(j.began_s) for j in driven], dtype=np.int64)
    laid = None if found is None else found.on(roads.network)
    for hour in np.unique(hours).tolist():
        roads.customise(roads.network.seconds if laid is None else laid.edge_seconds(hour))
        yield from np.flatnonzero(hours == hour).tolist()


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
