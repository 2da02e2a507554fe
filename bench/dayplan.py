"""A surveyor's day planned again when a job comes in, and a town's coverage with its best move: how long each takes.

Both run exactly the code of the door, over made-up days and a made-up town, one processor, no network. The drive matrix is
given, as the engine of drive times would give it. Times are processor time of the one thread that works, so that a busy
machine does not count against the code. A day is judged against trying every order (that is the peer): the
quality figure is the worst ratio of seconds driven over days of six jobs with one appointment.
"""

import itertools
import statistics
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dispatch import coverage, dayplan
from dispatch.dayplan import Day, Stop
from geo.fix import LonLat

Floats = NDArray[np.float64]

NOW = datetime(2026, 11, 26, 1, tzinfo=UTC)
HERE = LonLat(-8.61, 41.15)
SLACK = timedelta(minutes=15)
GOAL_S = 1.0


def main(quick: bool) -> dict[str, Any]:
    """Measures both; `quick` ends within 50 s."""
    days = 40 if quick else 200
    dayplan.plan(Day(NOW, NOW + timedelta(hours=10)), *a_day(0, 3))  # the library is loaded once a process
    figures = []
    for jobs in (6, 12, 20, 40):
        took, moved = insertions(jobs, days if jobs < 40 else days // 2)
        figures.append(
            figure(f"insert a job into a day of {jobs}, p99", percentile(took, 99) * 1000, "ms", 1000)
        )
        if moved:
            raise AssertionError(f"{moved} appointments were moved by an insertion")
    print(f"{days} days each; an appointment moved by an insertion: 0")
    worst, same = against_every_order(days)
    figures.append(figure("driven ÷ best of every order, worst day", worst, "×", 1.0, digits=3))
    print(f"{same} of {days} days of six jobs are driven in the best order there is")
    figures += coverage_figures(300, 5 if quick else 15) + coverage_figures(2000, 5 if quick else 15)
    return {"figures": figures}


def figure(metric: str, ours: float, unit: str, goal: float, *, digits: int = 1) -> dict[str, Any]:
    """One line: smaller is better, and the goal is the most it may be."""
    return {
        "metric": metric,
        "unit": unit,
        "ours": round(ours, digits),
        "peer": None,
        "peer_name": None,
        "ratio": None,
        "goal": goal,
        "holds": round(ours, digits) <= goal,
    }


def percentile(values: list[float], percent: float) -> float:
    """The value below which so many percent lie."""
    return float(np.percentile(values, percent))


def a_day(seed: int, jobs: int) -> tuple[list[Stop], Floats]:
    """Made-up jobs over 40 minutes of town, every fifth agreed for a time, and the drives between all."""
    dice = np.random.default_rng(seed)
    places = dice.uniform(0, 1200, (jobs + 1, 2))
    drive_s = np.rint(np.abs(places[:, None] - places[None]).sum(-1))
    stops = []
    for n in range(jobs):
        agreed = NOW + timedelta(minutes=int(dice.integers(40, 420))) if n % 5 == 0 else None
        due = NOW + timedelta(minutes=int(dice.integers(30, 90))) if agreed is None and n % 3 == 0 else None
        stops.append(Stop(n + 1, HERE, timedelta(minutes=20), agreed, due))
    return stops, drive_s


def insertions(jobs: int, days: int) -> tuple[list[float], int]:
    """Seconds to plan a day anew with one job more, and how many appointments it moved from where they were kept."""
    took, moved = [], 0
    for seed in range(days):
        stops, drive_s = a_day(seed, jobs + 1)
        day = Day(NOW, NOW + timedelta(hours=12), SLACK)
        before = dayplan.plan(day, stops[:-1], drive_s[:-1, :-1])
        begun = time.process_time()
        after = dayplan.plan(day, stops, drive_s)
        took.append(time.process_time() - begun)
        agreed = {stop.task_id: stop.appointment_at for stop in stops}
        for plan in (before, after):
            moved += sum(
                not at <= visit.begin_at <= at + SLACK
                for visit in plan.visits
                if (at := agreed[visit.task_id]) is not None
            )
    return took, moved


def against_every_order(days: int) -> tuple[float, int]:
    """The worst ratio of seconds driven to the best order's, and on how many days they are the same."""
    worst, same = 1.0, 0
    for seed in range(days):
        stops, drive_s = a_day(1000 + seed, 6)
        stops = [Stop(s.task_id, s.place, s.service, s.appointment_at) for s in stops[:2]] + [
            Stop(s.task_id, s.place, s.service) for s in stops[2:]
        ]
        plan = dayplan.plan(Day(NOW, NOW + timedelta(hours=24), SLACK), stops, drive_s)
        best = best_order(stops, drive_s, timedelta(0))
        best = best if best is not None else best_order(stops, drive_s, SLACK)
        if best is None or len(plan.visits) < len(stops):
            same += best is None
            continue
        ratio = plan.drive.total_seconds() / best
        worst, same = max(worst, ratio), same + (ratio < 1.0005)
    return worst, same


def best_order(stops: list[Stop], drive_s: Floats, slack: timedelta) -> float | None:
    """Seconds driven in the best order that keeps the appointments, by trying them all."""
    best = None
    for order in itertools.permutations(range(len(stops))):
        free, at, driven = NOW, 0, 0.0
        for i in order:
            leg = float(drive_s[at, i + 1])
            agreed = stops[i].appointment_at
            begin = free + timedelta(seconds=leg)
            if agreed is not None:
                if begin > agreed + slack:
                    break
                begin = max(begin, agreed)
            driven, free, at = driven + leg, begin + stops[i].service, i + 1
        else:
            best = driven if best is None else min(best, driven)
    return best


def coverage_figures(people: int, rounds: int) -> list[dict[str, Any]]:
    """Seconds for the slow part (hexagons, demand) and for the picture with its best move, straight-line drives."""
    dice = np.random.default_rng(people)
    reports = np.column_stack([dice.normal(-8.61, 0.05, 60_000), dice.normal(41.16, 0.035, 60_000)])
    such = dice.random(60_000) < 1 / 24
    begun = time.process_time()
    grid = coverage.grid_over(reports)
    demand = coverage.demand(grid, reports, such, 120)
    slow_s = time.process_time() - begun
    took = []
    for _ in range(rounds):
        where = np.column_stack([dice.normal(-8.60, 0.03, people), dice.normal(41.15, 0.02, people)])
        begun = time.process_time()
        picture(grid, demand, where)
        took.append(time.process_time() - begun)
    print(f"coverage: {len(grid)} hexagons of {grid.cell_m:.0f} m, {people} surveyors")
    return [
        figure(f"coverage of {people} surveyors with the best move, median", statistics.median(took), "s",
               GOAL_S, digits=3),
        figure(f"hexagons and demand from 60,000 reports ({people})", slow_s, "s", GOAL_S, digits=3),
    ]  # fmt: skip


def picture(grid: coverage.Grid, demand: Floats, where: Floats) -> None:
    """What a desk asks for, but for the roads."""
    speed = 25 / 3.6 / 1.35
    seen = coverage.cover(grid.apart(where, grid.centres) / speed, np.zeros(len(where)))
    found = coverage.targets(grid, demand, seen, 600, speed)
    spots = grid.centres[found]
    coverage.best_move(
        demand,
        seen,
        600,
        range(len(where)),
        grid.apart(spots, grid.centres) / speed,
        grid.apart(where, spots) / speed,
        3600,
    )
