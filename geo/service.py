"""Use cases of this room: take fixes, keep the days of history, lay the base map."""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import psycopg2
from sqlalchemy.exc import OperationalError

from core import clock, database, metrics
from core.database import Sessions
from core.errors import ChakanError
from geo import filters, queries, store, tiles
from geo.fix import Fix
from geo.ledger import Ledger
from geo.taking import Batch, Taken, take_together

log = logging.getLogger(__name__)

CHORES_EVERY = timedelta(hours=1)
LOCK_NOT_AVAILABLE = "55P03"


def take(
    sessions: Sessions,
    surveyor_id: int,
    device_id: int,
    fixes: Sequence[Fix],
    now: datetime | None = None,
    *,
    unread: Mapping[str, int] | None = None,
) -> Taken:
    """Stores a batch of one device: history first, then the dot if it may move. Committed before it returns.

    Safe to repeat, to arrive late and out of order. `received_at` is always the database's time. `unread`
    counts, by reason, what of the batch could not even be read: it is refused with the others. Many batches
    of many devices share a transaction in `geo.group`.
    """
    batch = Batch(surveyor_id, device_id, fixes, unread or {})
    taken = None
    try:
        taken = _take(sessions, batch, now, careful=False)
    except psycopg2.Error as error:
        if store.lacks_partition(error):
            log.warning("a day of positions was missing; is the sweeper running?")
            keep_days(sessions, now)
        elif not isinstance(error, psycopg2.errors.UniqueViolation):
            raise database.wrapped(error) from None
    if taken is None:
        taken = _take(sessions, batch, now, careful=True)
    count(taken)
    return taken


def count(*committed: Taken) -> None:
    """Adds committed batches to the counters of this process."""
    verdicts = Counter({"kept": sum(taken.kept for taken in committed)})
    for taken in committed:
        if taken.refused:
            verdicts.update(taken.refused)
    for verdict, number in verdicts.items():
        metrics.FIXES.labels(verdict).inc(number)


def _take(sessions: Sessions, batch: Batch, now: datetime | None, *, careful: bool) -> Taken:
    with sessions.begin() as session:
        driver = session.connection().connection.driver_connection
        if driver is None:
            raise RuntimeError("the session has no connection")
        with driver.cursor() as cursor:
            (outcome,) = take_together(Ledger(cursor), [batch], now, careful=careful)
        if isinstance(outcome, ChakanError):
            raise outcome
    return outcome


def keep_days(
    sessions: Sessions, now: datetime | None = None, *, ahead_days: int = 8, behind_days: int = 8
) -> int:
    """Makes the day tables around today that are missing; returns how many."""
    with sessions.begin() as session:
        today = clock.read(session, now).astimezone(UTC).date()
        return store.ensure_partitions(session, today, ahead_days, behind_days)


def mark_quiet(sessions: Sessions, now: datetime | None = None) -> int:
    """Takes dots not heard of lately out of the way of who looks for the nearest; returns how many. Safe to leave out."""
    done = 0
    while True:
        with sessions.begin() as session:
            some = store.mark_quiet(session, clock.read(session, now))
        done += some
        if some < store.QUIET_AT_ONCE:
            return done


def forget_old_tracks(sessions: Sessions, now: datetime | None = None) -> int:
    """Forgets tracks past their keeping time, each organisation by its own rule; returns the whole days.

    A day goes whole at its end, an hour early because this runs once an hour: so every fix of it is gone at
    most 24 h after its time (P19).
    """
    with sessions.begin() as session:
        today = (clock.read(session, now).astimezone(UTC) + CHORES_EVERY).date()
        keep = queries.track_keep_days(session)
        longest = max(keep.values(), default=filters.DEFAULTS["track_keep_days"])
        store.forget(session, today - timedelta(days=longest))
        for org_id, days in keep.items():
            if days < longest:
                store.forget(session, today - timedelta(days=days), org_id)
    try:
        with sessions.begin() as session:
            dropped = store.drop_partitions(session, today - timedelta(days=longest))
    except OperationalError as error:
        if getattr(error.orig, "pgcode", None) != LOCK_NOT_AVAILABLE:
            raise
        log.warning("old days of positions are being read; forgotten at the next round")
        return 0
    if dropped:
        log.info("days of positions forgotten", extra={"days": len(dropped)})
    return len(dropped)


def chores(sessions: Sessions, now: datetime | None = None) -> dict[str, int]:
    """What the sweeper does for this room once in a while: tables for the days to come made, old tracks forgotten.

    What was done is left in a row the doctor shows (`heartbeat`, part position-days).
    """
    done = {"made": keep_days(sessions, now), "forgotten": forget_old_tracks(sessions, now)}
    with sessions.begin() as session:
        days = [partition.day.isoformat() for partition in store.partitions(session)]
        queries.note_days(session, first=min(days, default=None), last=max(days, default=None), **done)
    return done


def lay_base_map(sessions: Sessions, label: str, label_en: str, lines: Iterable[tiles.MapLine]) -> int:
    """Replaces the offline base map; returns how many features it has. `label` says what the map shows."""
    with sessions.begin() as session:
        return tiles.lay(session, label, label_en, lines)
