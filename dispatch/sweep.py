"""The sweeper's round: every deadline and every waiting job, found by query. Any number of copies may run at once."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import DBAPIError

from claims import clocks
from core import clock
from core.database import Sessions
from dispatch import candidates, holding, offers, queries, scene

log = logging.getLogger(__name__)

# A round ends after this long so that the next one can look at the clocks first again.
ROUND_S = 1.0
BATCH = 200
# How far and how old may be what makes a waiting job worth another try; the organisation's own rules decide then.
REACH_M = 200_000
HEARD_S = 300


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


def tick(sessions: Sessions, now: datetime | None = None) -> Swept:
    """One round: fire what is due, end what ran out, ask for what waits. Deadlines come first."""
    until = time.monotonic() + ROUND_S
    with sessions.begin() as session:
        moment = clock.read(session, now)
        fired = clocks.fire_due(session, moment, BATCH)
    with sessions.begin() as session:
        foreseen = clocks.foresee(session, moment)
        closed = holding.close_settled(session, moment)
    expired = offers.expire_offers(sessions, now, BATCH)
    offered, unassigned, left = _ask_for(sessions, _pending, now, until)
    scene.watch(sessions, now)
    again, _, left_waiting = _ask_for(sessions, _waiting, now, until)
    more = fired >= BATCH or len(expired) >= BATCH or left or left_waiting
    return Swept(fired, foreseen, len(expired), offered + again, unassigned, closed, more)


def _pending(sessions: Sessions, now: datetime | None) -> list[int]:
    with sessions.begin() as session:
        return queries.pending(session, clock.read(session, now), BATCH)


def _waiting(sessions: Sessions, now: datetime | None) -> list[int]:
    with sessions.begin() as session:
        moment = clock.read(session, now)
        return candidates.waiting(session, moment, reach_m=REACH_M, stale_s=HEARD_S, limit=BATCH)


def _ask_for(
    sessions: Sessions,
    find: Callable[[Sessions, datetime | None], list[int]],
    now: datetime | None,
    until: float,
) -> tuple[int, int, bool]:
    """Offers the jobs that `find` names; how many were offered, how many were not, and whether some are left."""
    offered = refused = 0
    jobs = find(sessions, now)
    for done, task_id in enumerate(jobs):
        if time.monotonic() > until:
            return offered, refused, done < len(jobs)
        try:
            found = offers.offer_next(sessions, task_id, now)
        except Exception as error:
            if isinstance(error, DBAPIError) and error.connection_invalidated:
                raise
            # One poisoned job must not hold up the jobs behind it; it stays due. A driver's text holds places: not logged.
            known = not isinstance(error, DBAPIError)
            log.error(
                "offer failed", extra={"task_id": task_id, "error": type(error).__name__}, exc_info=known
            )
            continue
        offered, refused = offered + (found is not None), refused + (found is None)
    return offered, refused, len(jobs) >= BATCH and offered > 0
