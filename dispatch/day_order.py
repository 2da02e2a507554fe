"""The order in which one person visits jobs with windows, driving least: VROOM, proven best while the jobs are few. Pure.

Times are whole seconds from the start; `costs` holds drives in seconds, row 0 the start, row `number` each job.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

# Five is VROOM's deepest search: milliseconds for the jobs of a day, seconds for the forty of a catastrophe.
DEEP, SHALLOW, MANY = 5, 1, 20
# So many jobs are tried in every order that could still be shorter: 200 random days of six jobs showed VROOM's own order
# to be a few minutes longer than the best once. More jobs than this in one day are a catastrophe's.
PROVEN = 9


class Job(NamedTuple):
    """A job to place: its row in `costs`, seconds on scene, the first and last second it may begin, and its weight.

    Jobs of the highest weight are served first; VROOM takes 0 to 100.
    """

    number: int
    service_s: int
    opens: int
    closes: int
    weight: int


def shortest(costs: NDArray[np.float64], jobs: Sequence[Job], end_s: int) -> list[int]:
    """Job numbers in the order of visiting, everything done by `end_s`. What fits nowhere is missing."""
    if not jobs or end_s <= 0:
        return []
    order = _vroom(costs, jobs, end_s)
    if not 1 < len(order) <= PROVEN:
        return order
    known = {job.number: job for job in jobs}
    return _proven(costs.tolist(), [known[number] for number in order], end_s)


def _vroom(costs: NDArray[np.float64], jobs: Sequence[Job], end_s: int) -> list[int]:
    vroom = _library()
    problem = vroom.Input()
    problem.set_durations_matrix("car", costs.astype(np.uint32))
    problem.add_vehicle(vroom.Vehicle(1, start=0, time_window=vroom.TimeWindow(0, end_s)))
    for job in jobs:
        window = vroom.TimeWindow(job.opens, job.closes)
        problem.add_job(
            vroom.Job(
                job.number,
                location=job.number,
                default_service=job.service_s,
                priority=job.weight,
                time_windows=[window],
            )
        )
    # One thread: a worker has other things to do, and two threads need not find the same order twice.
    found = problem.solve(exploration_level=DEEP if len(jobs) <= MANY else SHALLOW, nb_threads=1).to_dict()
    steps = [step for route in found["routes"] for step in route["steps"]]
    return [int(step["id"]) for step in steps if step["type"] == "job"]


@lru_cache(maxsize=1)
def _library() -> Any:
    # It brings pandas along: a process that never plans a day need not load either.
    import vroom

    return vroom


def _proven(costs: list[list[float]], given: Sequence[Job], end_s: int) -> list[int]:
    """The order of the same jobs that drives least, by branch and bound from the order given."""
    best = [job.number for job in given]
    best_s = _driven(costs, best)
    # What is left drives at least the cheapest way into each of its jobs.
    rows = [0, *best]
    least = {to: min(costs[at][to] for at in rows if at != to) for to in best}

    def go(at: int, time_s: float, driven: float, rest: tuple[Job, ...], order: list[int]) -> None:
        nonlocal best, best_s
        if not rest:
            if driven < best_s:
                best, best_s = order, driven
            return
        if driven + sum(least[job.number] for job in rest) >= best_s:
            return
        for n, job in enumerate(rest):
            begin = max(time_s + costs[at][job.number], job.opens)
            if begin > job.closes or begin + job.service_s > end_s:
                continue
            left = rest[:n] + rest[n + 1 :]
            go(
                job.number,
                begin + job.service_s,
                driven + costs[at][job.number],
                left,
                [*order, job.number],
            )

    go(0, 0.0, 0.0, tuple(given), [])
    return best


def _driven(costs: list[list[float]], order: Sequence[int]) -> float:
    return sum(costs[a][b] for a, b in zip([0, *order[:-1]], order, strict=True))
