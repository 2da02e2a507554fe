"""A whole window: filters, road times, costs and the optimum of 500 jobs and 2,000 people, beside two textbook ways.

Peers in the same run, on the same jobs, people and road times: *first come, nearest ten* (each report in turn takes the
soonest by road of its ten nearest free in a straight line, as most systems do), and *dense* (every pair's road time and
scipy's dense assignment). Rounds are interleaved; a ratio is the median of the rounds' ratios. Road times are those of
Porto when its extract is at hand (CHAKAN_SHARED, or ../shared beside the repository; CHAKAN_ROADS names a data folder with
a graph), else the straight line.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from dispatch import costs, matching
from dispatch.costs import Standing, Waiting, Weights
from dispatch.matching import Drives
from geo.eta import Engine
from geo.fix import LonLat
from geo.roads import building
from geo.roads.own import OwnRoads

SHARED = Path(os.environ.get("CHAKAN_SHARED") or Path(__file__).parents[1].parent / "shared")
EXTRACT = SHARED / "data" / "porto" / "porto.osm.pbf"
GOAL_S = 0.3
OPTIMUM_GOAL = 1.01
# Porto: where the road graph is, and where people are scattered when there is none.
CENTRE, SPREAD_DEG = LonLat(-8.62, 41.16), (0.055, 0.035)
NEAREST = 10


def main(quick: bool) -> dict[str, Any]:
    """Measures windows of several sizes; `quick` ends within 50 s."""
    with tempfile.TemporaryDirectory() as folder:
        engine, roads = engine_of(Path(folder))
        rounds = 3 if quick else 15
        sizes = (
            [(1, 2000), (50, 500), (500, 2000)]
            if quick
            else [(1, 2000), (1, 10_000), (50, 500), (500, 400), (500, 2000)]
        )
        print(f"road times: {roads}")
        figures = [figure for jobs, people in sizes for figure in window(engine.matrix, jobs, people, rounds)]
        figures += chosen_against_optimum(engine.matrix, 40 if quick else 400)
    return {"figures": figures, "notes": {"road_times": roads}}


def engine_of(folder: Path) -> tuple[Engine, str]:
    """An engine on the roads of Porto when the extract (or a built graph) is at hand, else the straight line."""
    built = os.environ.get("CHAKAN_ROADS")
    if built:
        return Engine([OwnRoads(Path(built))]), "roads of Porto"
    if not EXTRACT.is_file():
        return Engine(), "straight line (no extract at hand)"
    building.from_osm(EXTRACT, folder / "roads")
    return Engine([OwnRoads(folder)]), "roads of Porto"


def town(jobs: int, people: int, seed: int) -> tuple[list[Waiting], list[Standing]]:
    """Jobs and people scattered over a city: three branches, a fifth of the people on a job, some off duty or unskilled."""
    dice = np.random.default_rng(seed)
    weights = Weights()

    def somewhere() -> LonLat:
        dx, dy = dice.normal(0, SPREAD_DEG)
        return LonLat(CENTRE.lon + dx, CENTRE.lat + dy)

    skills = frozenset({"motor"})
    wanted = [
        Waiting(k, somewhere(), f"/1/{2 + k % 3}/", weights, skills, waited_s=float(dice.uniform(0, 300)),
                contact_left_s=float(dice.uniform(300, 600)), arrival_left_s=float(dice.uniform(900, 1800)))
        for k in range(jobs)
    ]  # fmt: skip
    there = [
        Standing(10_000 + k, somewhere(), f"/1/{2 + k % 3}/", skills if k % 11 else frozenset(), on_duty=k % 9 > 0,
                 age_s=float(dice.uniform(0, 90)), open_jobs=int(k % 5 == 0), free_in_s=900.0 * (k % 5 == 0),
                 free_at=somewhere() if k % 5 == 0 else None, idle_s=float(dice.uniform(0, 7200)),
                 jobs_today=int(dice.integers(0, 8)))
        for k in range(people)
    ]  # fmt: skip
    return wanted, there


def window(drives: Drives, jobs: int, people: int, rounds: int) -> list[dict[str, Any]]:
    """One size: our time and cost beside the two peers'."""
    took: dict[str, list[float]] = {"ours": [], "first come": [], "dense": []}
    worked: list[float] = []
    cost: dict[str, float] = {}
    ways: dict[str, Callable[..., float]] = {"ours": ours, "first come": first_come, "dense": dense}
    for turn in range(rounds + 1):
        wanted, there = town(jobs, people, 7)
        for name, way in ways.items():
            began, busy = time.perf_counter(), time.process_time()
            cost[name] = way(wanted, there, drives)
            if turn and name == "ours":
                worked.append(time.process_time() - busy)
            if turn:  # the first round warms caches: snapped places, compiled loops
                took[name].append(time.perf_counter() - began)
    mine = statistics.median(took["ours"])
    size = f"{jobs} × {people:,}"
    goal = GOAL_S if (jobs, people) == (500, 2000) else None
    return [
        # Judged by the processor time of all threads together: on a machine with nothing else to do the wall shows less.
        figure(f"window {size}, filters, roads, costs, optimum", statistics.median(worked) * 1000, "ms", None, "", None,
               goal and goal * 1000, goal is None or statistics.median(worked) <= goal),
        figure(f"window {size}, the same by the wall", mine * 1000, "ms", None, "", None, None, True),
        figure(f"window {size}, beside every pair and a dense solver", mine * 1000, "ms", statistics.median(took["dense"]) * 1000,
               "every pair by road, linear_sum_assignment", ratio(took["dense"], took["ours"]), None, True),
        figure(f"window {size}, its cost beside the dense optimum", cost["ours"], "s", cost["dense"], "the same",
               cost["ours"] / cost["dense"], None, cost["ours"] <= cost["dense"] * OPTIMUM_GOAL),
        figure(f"window {size}, its cost beside first come", cost["ours"], "s", cost["first come"],
               "first come, ten nearest, soonest by road", cost["first come"] / cost["ours"], None, True),
    ]  # fmt: skip


def ours(jobs: list[Waiting], people: list[Standing], drives: Drives) -> float:
    """Our window; what it costs in all."""
    matched = matching.match(jobs, people, drives)
    return worth(matched.chosen, matched)


def worth(chosen: NDArray[np.int64], matched: matching.Matched) -> float:
    """The cost of a choice without its ranks, and an hour for every job that gets nobody."""
    weighed = matched.cost_s - matched.parts["cascade"] - matched.parts["again"]
    of = {(int(r), int(c)): float(v) for r, c, v in zip(matched.rows, matched.cols, weighed, strict=True)}
    return sum(of.get((i, int(c)), costs.LATER_S) for i, c in enumerate(chosen))


def dense(jobs: list[Waiting], people: list[Standing], drives: Drives) -> float:
    """Every pair by road and costed, scipy's dense assignment: what one writes first."""
    ground = costs.survey(jobs, people)
    rows, cols = (index.astype(np.int64) for index in np.nonzero(ground.bars == 0))
    seconds = drives([j.place for j in jobs], [p.free_at or p.place for p in people])
    parts = costs.terms(ground, rows, cols, seconds[cols, rows])
    table = np.full((len(jobs), len(people) + len(jobs)), 1e12)
    table[rows, cols] = costs.total(parts)
    table[np.arange(len(jobs)), len(people) + np.arange(len(jobs))] = ground.unserved_s
    took, given = linear_sum_assignment(table)
    chosen = np.full(len(jobs), -1, dtype=np.int64)
    chosen[took] = np.where(given < len(people), given, -1)
    whole = matching.Matched(
        ground, chosen, rows, cols, seconds[cols, rows], parts, costs.total(parts), ground.unserved_s
    )
    return worth(chosen, whole)


def first_come(jobs: list[Waiting], people: list[Standing], drives: Drives) -> float:
    """Each report in turn takes, of its ten nearest who are still free, the soonest by road."""
    ground = costs.survey(jobs, people)
    chosen = np.full(len(jobs), -1, dtype=np.int64)
    taken = np.zeros(len(people), dtype=bool)
    starts = [p.free_at or p.place for p in people]
    pairs: list[tuple[int, int]] = []
    seconds: list[float] = []
    for i in np.argsort([-job.waited_s for job in jobs]):
        able = np.flatnonzero((ground.bars[i] == 0) & ~taken)
        if not len(able):
            continue
        near = able[np.argsort(ground.distance_m[i, able])[:NEAREST]]
        there = drives([jobs[i].place], [starts[k] for k in near])[:, 0] + ground.free_in_s[near]
        best = int(np.argmin(there))
        chosen[i], taken[near[best]] = near[best], True
        pairs.append((int(i), int(near[best])))
        seconds.append(float(there[best] - ground.free_in_s[near[best]]))
    rows, cols = (np.array(side, dtype=np.int64) for side in zip(*pairs, strict=True))
    parts = costs.terms(ground, rows, cols, np.array(seconds))
    whole = matching.Matched(
        ground, chosen, rows, cols, np.array(seconds), parts, costs.total(parts), ground.unserved_s
    )
    return worth(chosen, whole)


def chosen_against_optimum(drives: Drives, reports: int) -> list[dict[str, Any]]:
    """Single reports: arrival of the chosen ÷ of the soonest by road of everybody able.

    With the weights of fairness and coverage at zero this says whether looking for the soonest finds him; with the
    defaults, what sparing the busy and covering the town cost the customer.
    """
    soonest = Weights(load_s=0.0, area_s=0.0, hole_share=0.0, idle_s=0.0)
    waits: dict[str, list[float]] = {"soonest": [], "defaults": [], "straight": [], "best": []}
    for seed in range(reports):
        jobs, people = town(1, 300, 1000 + seed)
        free = [
            replace(p, open_jobs=0, free_in_s=0.0, free_at=None, org_path="/1/2/", age_s=5.0) for p in people
        ]
        for name, weights in (("soonest", soonest), ("defaults", Weights())):
            matched = matching.match([replace(jobs[0], org_path="/1/2/", weights=weights)], free, drives)
            able = np.flatnonzero(matched.ground.bars[0] == 0)
            seconds = drives([jobs[0].place], [free[k].place for k in able])[:, 0]
            waits[name].append(seconds[np.searchsorted(able, matched.chosen[0])])
        waits["straight"].append(seconds[np.argmin(matched.ground.distance_m[0, able])])
        waits["best"].append(seconds.min())
    best = sum(waits["best"])
    over = {name: sum(values) / best for name, values in waits.items()}
    peer = "nearest in a straight line"
    return [
        figure("arrival of the chosen ÷ soonest by road", over["soonest"], "×", over["straight"], peer,
               over["straight"] / over["soonest"], OPTIMUM_GOAL, over["soonest"] <= OPTIMUM_GOAL),
        figure("the same with fairness and coverage weighed", over["defaults"], "×", over["straight"], peer,
               over["straight"] / over["defaults"], None, True),
    ]  # fmt: skip


def ratio(theirs: list[float], mine: list[float]) -> float:
    """The median of the rounds' ratios."""
    return statistics.median(a / b for a, b in zip(theirs, mine, strict=True))


def figure(
    metric: str,
    mine: float,
    unit: str,
    peer: float | None,
    peer_name: str,
    times: float | None,
    goal: float | None,
    holds: bool,
) -> dict[str, Any]:
    """One line of the result."""
    return {
        "metric": metric,
        "unit": unit,
        "ours": round(mine, 3),
        "peer": None if peer is None else round(peer, 3),
        "peer_name": peer_name,
        "ratio": None if times is None else round(times, 3),
        "goal": goal,
        "holds": bool(holds),
    }
