"""The sweeper's round: every deadline and every waiting job, found by query. Any number of copies may run at once."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from claims import clocks
from core import clock
from core.database import Sessions
from dispatch import (
    bundles,
    candidates,
    catastrophe,
    holding,
    offers,
    policy,
    queries,
    quiet_queries,
    scene,
    windows,
)
from geo.eta import Engine

BATCH = 500
# How far and how old may be what makes a waiting job worth another try; the organisation's own rules decide then.
REACH_M = 200_000
HEARD_S = 300
# So many jobs within one window are a crowd: the next ones wait for the window's end and are matched together.
CROWD = 16
# With nothing in motion a whole round is had so often: for what one look does not see, as a request nobody confirmed.
REST_S = 5.0


def warm_up() -> None:
    """Loads what the first match would else wait for; the API and the other workers match nothing and never load it."""
    from scipy import spatial, special  # noqa: F401
    from scipy.sparse import csgraph  # noqa: F401


@dataclass(frozen=True)
class Swept:
    """What one round did. `more`: something is left that need not wait for the next wake-up."""

    fired: int = 0
    foreseen: int = 0
    expired: int = 0
    offered: int = 0
    unassigned: int = 0
    closed: int = 0
    more: bool = False


class Pace:
    """When a window is solved: at once while reports come singly, once a window while they come in crowds.

    Matching together pays when jobs compete; a report that stands alone would only lose the time. One a process.
    """

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._solved: deque[tuple[float, int]] = deque()

    def wait_s(self, jobs: int, window_s: float) -> float:
        """Seconds until the window closes for so many waiting jobs; 0: solve now."""
        now = self._now_s()
        while self._solved and now - self._solved[0][0] >= window_s:
            self._solved.popleft()
        if not self._solved or jobs + sum(n for _, n in self._solved) < CROWD:
            return 0.0
        return max(0.0, self._solved[-1][0] + window_s - now)

    def solved(self, jobs: int) -> None:
        """Notes that so many jobs were decided about just now."""
        self._solved.append((self._now_s(), jobs))


class Rest:
    """When a round may be left out: nothing was in motion and the last whole round is not long ago. One a process."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._whole: float | None = None
        self.resting = False  # what the other loops of the process go by

    def may_skip(self, in_motion: bool) -> bool:
        """Whether to leave this round out; otherwise it counts as begun."""
        now = self._now_s()
        self.resting = not in_motion
        if not in_motion and self._whole is not None and now - self._whole < REST_S:
            return True
        self._whole = now
        return False


def in_motion(sessions: Sessions) -> bool:
    """Whether anything is there that a round could move now."""
    with sessions.begin() as session:
        return quiet_queries.in_motion(session)


def tick(
    sessions: Sessions, engine: Engine | None = None, now: datetime | None = None, pace: Pace | None = None
) -> Swept:
    """One round: fire what is due, end what ran out, ask for what waits. Deadlines come first.

    `pace`: when a window may open; without one every call is a window.
    """
    engine = engine or Engine()
    with sessions.begin() as session:
        moment = clock.read(session, now)
        fired = clocks.fire_due(session, moment, BATCH)
    with sessions.begin() as session:
        foreseen = clocks.foresee(session, moment)
        closed = holding.close_settled(session, moment)
    expired = offers.expire_offers(sessions, now, BATCH)
    catastrophe.expire(sessions, now)
    bundles.form(sessions, now)
    pending, waiting = _due(sessions, now)
    offered = unassigned = 0
    left = False
    if pending or waiting:
        jobs = [*pending, *waiting]
        if pace is None or pace.wait_s(len(jobs), _window_s(sessions, jobs[0])) <= 0:
            outcome = windows.solve(sessions, jobs, engine, now)
            if pace is not None:
                pace.solved(len(jobs))
            offered = sum(offer is not None for offer in outcome.values())
            unassigned = sum(outcome.get(task_id) is None for task_id in pending)
            left = max(len(pending), len(waiting)) >= BATCH and offered > 0
    scene.watch(sessions, now)
    more = fired >= BATCH or len(expired) >= BATCH or left
    return Swept(fired, foreseen, len(expired), offered, unassigned, closed, more)


def _due(sessions: Sessions, now: datetime | None) -> tuple[list[int], list[int]]:
    """Jobs that wait for a first or next candidate, and those for whom somebody has come free."""
    with sessions.begin() as session:
        moment = clock.read(session, now)
        return (
            queries.pending(session, moment, BATCH),
            candidates.waiting(session, moment, reach_m=REACH_M, stale_s=HEARD_S, limit=BATCH),
        )


def _window_s(sessions: Sessions, task_id: int) -> float:
    """The window of the most urgent job's organisation."""
    with sessions.begin() as session:
        return policy.window_s(session, task_id)
