"""What no policy can beat: a relaxation that knows the whole day beforehand.

Every claim is reached from somewhere: from the place where somebody's shift began, or from the claim he did before. A
schedule therefore gives each claim a different predecessor, and its surveyor can set out neither before he is ready there nor
before the claim was reported, the first asked had made up his mind, and he had turned the key. The cheapest assignment of
predecessors under those lower limits costs no more than any schedule of any policy.

Relaxed, and so in its favour: nobody declines, no phone is ever mute, nobody lacks a skill or a place in his list, shifts
never end, a predecessor is ready as early as anybody could have made it, and the predecessors need not form chains.
It bounds the mean time from the report to the arrival on the true roads of that day, over all its claims, among policies in
which surveyors stand where their last job ended and a drive once begun is driven to its end.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from lab.day import Day

ROUNDS = 12
LONGEST_WAIT_H = 2  # a drive in town is shorter than that: waiting longer never pays


@dataclass(frozen=True)
class Bound:
    """The least mean seconds from report to arrival, and the least for each claim alone."""

    mean_s: float
    each_s: NDArray[np.float64]


def clairvoyant(day: Day) -> Bound:
    """The bound of a day. Claims nobody can reach by road are left out."""
    losses = day.losses
    if not losses:
        return Bound(0.0, np.zeros(0))
    report = np.array([loss.at_s for loss in losses])
    ready = report + [day.answer_s(loss.no, 0) + day.settle_s(loss.no) for loss in losses]
    starts = [(start, person.home) for person in day.people for start, _ in person.shifts]
    begin = np.array([start for start, _ in starts])
    from_home = _drives(day, [home for _, home in starts])
    from_loss = _drives(day, [loss.place for loss in losses])
    np.fill_diagonal(from_loss, np.inf)
    scene = np.array([loss.scene_s for loss in losses])
    first = there(day, np.maximum(begin[:, None], ready[None, :]), from_home)
    arrive = ready + np.minimum(from_home.min(axis=0), from_loss.min(axis=0)) * min(day.slower)
    for _ in range(ROUNDS):
        after = there(day, np.maximum((arrive + scene)[:, None], ready[None, :]), from_loss)
        better = np.maximum(arrive, np.minimum(first.min(axis=0), after.min(axis=0)))
        settled = np.allclose(better, arrive, atol=0.5)
        arrive = better
        if settled:
            break
    after = there(day, np.maximum((arrive + scene)[:, None], ready[None, :]), from_loss)
    cost = np.vstack([first, after]) - report[None, :]
    reached = np.isfinite(cost).any(axis=0)
    cost = np.where(np.isfinite(cost[:, reached]), cost[:, reached], 1e7)
    rows, columns = linear_sum_assignment(cost)
    each = np.full(len(losses), np.nan)
    each[np.flatnonzero(reached)[columns]] = cost[rows, columns]
    return Bound(float(np.nanmean(each)), each)


def _drives(day: Day, places: list[int]) -> NDArray[np.float64]:
    """True seconds on empty roads [places, losses]."""
    traffic = np.array([day.traffic(loss.no) for loss in day.losses])
    drives: NDArray[np.float64] = day.true_s[places].astype(np.float64) * traffic[None, :]
    return drives


def there(day: Day, ready_s: NDArray[np.float64], drive_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """The earliest arrival of who may set out from a moment on: perhaps he had better wait until the rush is over."""
    pace = np.array(day.slower)
    hour = np.floor(day.start_hour + ready_s / 3_600.0).astype(np.int64)
    best: NDArray[np.float64] = ready_s + drive_s * pace[hour % len(pace)]
    if np.ptp(pace) == 0:
        return best
    for step in range(1, LONGEST_WAIT_H + 1):
        begin = (hour + step - day.start_hour) * 3_600.0
        np.minimum(best, begin + drive_s * pace[(hour + step) % len(pace)], out=best)
    return best
