"""Where is somebody whose last fix is old? Judged on taxis: their fix at t, and where they really were at t + age.

The true arrival at a loss is the road time from where the taxi really was, times the error that a real journey of that
length had. Both come from taxis whose speeds were not learned, and the drift's numbers are fitted on the other taxis again
for each fold, by the procedure that gave the ones in geo/staleness.py."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from bench.trips import EVERY_S, FOLDS, Driven
from geo import staleness
from geo.fix import LonLat
from geo.roads import mapmatch
from geo.roads.graph import Roads
from geo.roads.nearby import Longs
from geo.roads.network import Floats

AGES_S = (0, 15, 30, 60, 90, 120, 180, 240, 300)
LOSSES, MOMENTS = 60, 8
NEAREST_S, FARTHEST_S = 20.0, 3_600.0
FITTED_ON = 6_000  # cases, drawn from those of the other folds


class Numbers(NamedTuple):
    """What is fitted; the defaults are the ones in force."""

    drift_s: float = staleness.DRIFT_S
    settles_s: float = staleness.SETTLES_S
    ahead: float = staleness.AHEAD
    aside: float = staleness.ASIDE
    drift_low: float = staleness.DRIFT_LOW
    drift_high: float = staleness.DRIFT_HIGH
    road_low: float = staleness.ROAD_SPREAD["roads"][0]
    road_high: float = staleness.ROAD_SPREAD["roads"][1]


@dataclass(frozen=True)
class Cases:
    """Old fixes and what became of them: said is the road time from the fix, came the true time of arrival."""

    fold: Longs
    age_s: Floats
    speed_mps: Floats
    towards: Floats
    said_s: Floats
    came_s: Floats

    def take(self, rows: NDArray[np.bool_] | Longs) -> "Cases":
        """Some of them."""
        return Cases(
            self.fold[rows], self.age_s[rows], self.speed_mps[rows], self.towards[rows], self.said_s[rows], self.came_s[rows]
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.fold)


class Band(NamedTuple):
    """Median and 80 % interval of each case."""

    low: Floats
    median: Floats
    high: Floats


def arrivals(cases: Cases, numbers: Numbers) -> Band:
    """`staleness.arrival` for many cases at once, with any numbers; a test holds the two together."""
    n = numbers
    drift = n.drift_s * (1.0 - np.exp(-cases.age_s / n.settles_s))
    heads = np.where(cases.speed_mps >= staleness.HEADING_MPS, cases.towards, 0.0)
    square = cases.said_s**2 + n.aside * drift**2 - 2 * n.ahead * cases.said_s * drift * heads
    median = np.sqrt(np.maximum(square, 0.0))
    least = staleness.LEAST_SPREAD_S**2
    below = np.sqrt((n.road_low * median) ** 2 + (n.drift_low * drift) ** 2 + least)
    above = np.sqrt((n.road_high * median) ** 2 + (n.drift_high * drift) ** 2 + least)
    return Band(np.maximum(0.0, median - below), median, median + above)


def cases_of(roads: Roads, driven: list[Driven], errors: list[Floats], random: np.random.Generator) -> Cases:
    """Old fixes of every trip. `errors[f]`: [journeys, 2], road time and true ÷ road time, of fold f, learned from the others.

    `roads` has learned weights in force.
    """
    moments, here, later = [], [], []
    for one in driven:
        t = one.trip
        metres = mapmatch.steps_m(t.lon, t.lat)
        if len(t.at_s) < 12:
            continue
        for i in random.integers(2, len(t.at_s) - 1, MOMENTS):
            for age in AGES_S:
                j = int(i) + int(age // EVERY_S)
                if j >= len(t.at_s) or (metres[i - 1 : j] > mapmatch.FASTEST_MPS * EVERY_S).any():
                    break
                moments.append((t.fold, float(age), float(metres[i - 1] / EVERY_S)))
                here.append((t.lon[i - 1], t.lat[i - 1], t.lon[i], t.lat[i]))
                later.append(LonLat(float(t.lon[j]), float(t.lat[j])))
    where = np.array(here)
    losses = [
        LonLat(float(t.lon[0]), float(t.lat[0]))
        for t in (driven[int(k)].trip for k in random.integers(0, len(driven), LOSSES))
    ]
    pick = random.integers(0, LOSSES, len(moments))
    said, then = _road_times(roads, where, later, losses, pick)
    fold, age_s, speed = (np.array(column) for column in zip(*moments, strict=True))
    good = np.isfinite(said) & np.isfinite(then) & (said >= NEAREST_S) & (said < FARTHEST_S)
    came = np.maximum(then, staleness.LEAST_SPREAD_S) * _like(fold.astype(np.int64), then, errors, random)
    cases = Cases(fold.astype(np.int64), age_s, speed, _towards(where, losses, pick), said, came)
    return cases.take(good)


def _road_times(
    roads: Roads, where: Floats, later: list[LonLat], losses: list[LonLat], pick: Longs
) -> tuple[Floats, Floats]:
    """Road times to its loss from where each was seen, and from where he really was later."""
    seen, true = roads.snap([LonLat(float(x), float(y)) for x, y in where[:, 2:]]), roads.snap(later)
    said, then = np.full(len(pick), np.inf), np.full(len(pick), np.inf)
    for number, target in enumerate(roads.snap(losses)):
        rows = np.flatnonzero(pick == number)
        said[rows] = roads.seconds_to(seen.take(rows), target)
        then[rows] = roads.seconds_to(true.take(rows), target)
    return said, then


def _towards(where: Floats, losses: list[LonLat], pick: Longs) -> Floats:
    goal = np.array(losses)[pick]
    shrink = np.cos(np.radians(where[:, 3]))
    east, north = (where[:, 2] - where[:, 0]) * shrink, where[:, 3] - where[:, 1]
    goal_east, goal_north = (goal[:, 0] - where[:, 2]) * shrink, goal[:, 1] - where[:, 3]
    size = np.hypot(east, north) * np.hypot(goal_east, goal_north)
    return np.asarray((east * goal_east + north * goal_north) / np.maximum(size, 1e-12))


def _like(fold: Longs, road_s: Floats, errors: list[Floats], random: np.random.Generator) -> Floats:
    """For each road time the error that some real journey about as long had, of the same fold's taxis."""
    found = np.ones(len(fold))
    for f in range(FOLDS):
        known = errors[f][np.argsort(errors[f][:, 0])]
        rows = np.flatnonzero(fold == f)
        at = np.searchsorted(known[:, 0], road_s[rows]) + random.integers(-30, 31, len(rows))
        found[rows] = known[np.clip(at, 0, len(known) - 1), 1]
    return found


def fit(cases: Cases) -> Numbers:
    """The numbers whose tenth, fiftieth and ninetieth are least wrong (pinball loss of the logarithms, Nelder and Mead)."""
    truth = np.log(cases.came_s)

    def loss(values: Floats) -> float:
        if (values <= 0).any():
            return 1e9
        band = arrivals(cases, Numbers(*values))
        total = 0.0
        for share, said in zip((0.1, 0.5, 0.9), band, strict=True):
            off = truth - np.log(np.maximum(said, 5.0))
            total += float(np.where(off > 0, share * off, (share - 1) * off).mean())
        return total

    options = {"maxiter": 1200, "maxfev": 1200, "adaptive": True}
    return Numbers(
        *(float(v) for v in minimize(loss, np.array(Numbers()), method="Nelder-Mead", options=options).x)
    )


def held_out(cases: Cases, random: np.random.Generator) -> Band:
    """Each fold's arrivals by numbers fitted on the other folds."""
    columns = [np.empty(len(cases)) for _ in range(3)]
    for f in range(FOLDS):
        others = np.flatnonzero(cases.fold != f)
        some = random.choice(others, min(FITTED_ON, len(others)), replace=False)
        rows = np.flatnonzero(cases.fold == f)
        for column, values in zip(columns, arrivals(cases.take(rows), fit(cases.take(some))), strict=True):
            column[rows] = values
    return Band(*columns)


def covered(cases: Cases, band: Band, rows: NDArray[np.bool_] | None = None) -> float:
    """The share of true arrivals inside the interval."""
    inside = (cases.came_s >= band.low) & (cases.came_s <= band.high)
    return float(inside.mean() if rows is None else inside[rows].mean())


def reliability(cases: Cases, band: Band, random: np.random.Generator) -> list[tuple[float, float, int]]:
    """Promises around the arrival: for each tenth of said probability what was said, how often it came true, how many."""
    left = band.median * np.exp(random.normal(0.0, 0.5, len(cases)))
    side = np.where(left >= band.median, band.high - band.median, band.median - band.low)
    said = 1.0 / (
        1.0 + np.exp(-staleness.LN_9 * np.clip((left - band.median) / np.maximum(side, 1e-6), -40, 40))
    )
    kept = cases.came_s <= left
    tenth = np.minimum((said * 10).astype(int), 9)
    return [
        (float(said[tenth == k].mean()), float(kept[tenth == k].mean()), int((tenth == k).sum()))
        for k in range(10)
        if (tenth == k).any()
    ]
