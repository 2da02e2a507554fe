"""Use cases of this room: take fixes, keep the days of history, lay the base map."""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import msgspec
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from core import clock, metrics
from core.database import Sessions
from core.errors import Missing
from geo import filters, queries, store, tiles
from geo.dot import walk
from geo.filters import Duty, Limits
from geo.fix import Fix
from geo.store import Row
from staff.models import Device

log = logging.getLogger(__name__)

# A phone that speaks every few seconds need not write its own row every time.
SEEN_EVERY = timedelta(seconds=60)
CHORES_EVERY = timedelta(hours=1)
LOCK_NOT_AVAILABLE = "55P03"


@dataclass(frozen=True)
class Batch:
    """What one device sent at once."""

    surveyor_id: int
    device_id: int
    fixes: Sequence[Fix]
    unread: Mapping[str, int]


@dataclass(frozen=True)
class Taken:
    """What became of a batch. `kept` + the sum of `refused` is its size.

    `track_only` counts, within `kept`, what may not move the dot. `last` is the fix the dot moved to, or
    None.
    """

    kept: int
    refused: dict[str, int]
    track_only: dict[str, int]
    last: Fix | None

    def plus(self, later: "Taken") -> "Taken":
        """This batch and the one after it as one."""
        return Taken(
            self.kept + later.kept,
            dict(Counter(self.refused) + Counter(later.refused)),
            dict(Counter(self.track_only) + Counter(later.track_only)),
            later.last or self.last,
        )


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
    counts, by reason, what of the batch could not even be read: it is refused with the others.
    """
    batch = Batch(surveyor_id, device_id, fixes, unread or {})
    try:
        taken = _take(sessions, batch, now)
    except IntegrityError as error:
        if not store.lacks_partition(error):
            raise
        log.warning("a day of positions was missing; is the sweeper running?")
        keep_days(sessions, now)
        taken = _take(sessions, batch, now)
    metrics.FIXES.labels("kept").inc(taken.kept)
    for reason, count in taken.refused.items():
        metrics.FIXES.labels(reason).inc(count)
    return taken


def _take(sessions: Sessions, batch: Batch, now: datetime | None) -> Taken:
    surveyor_id, device_id = batch.surveyor_id, batch.device_id
    with sessions.begin() as session:
        opening = queries.opening(session, surveyor_id, device_id)
        if opening is None:
            raise Missing("no such surveyor")
        now = now or opening.now
        limits = Limits.of(opening.rules)
        batch = by_true_time(session, batch, opening, now)
        good, refused = judge(session, batch, opening, now, limits)
        stamped = [msgspec.structs.replace(fix, received_at=now) for fix in good]
        fresh_keys = store.insert_history(session, [Row(surveyor_id, device_id, fix) for fix in stamped])
        fresh = [fix for fix in stamped if (surveyor_id, device_id, fix.fixed_at) in fresh_keys]
        if len(fresh) < len(stamped):
            refused["duplicate"] += len(stamped) - len(fresh)
        dot, held = follow(session, surveyor_id, fresh, now, limits)
        if dot is not None:
            store.move_last(session, [Row(surveyor_id, device_id, dot)])
        store.count_refusals(session, device_id, now.astimezone(UTC).date(), refused)
        if opening.seen_at is None or now - opening.seen_at > SEEN_EVERY:
            session.execute(update(Device).where(Device.id == device_id).values(seen_at=now))
    return Taken(len(fresh), dict(refused), dict(held), dot)


def by_true_time(session: Session, batch: Batch, opening: queries.Opening, now: datetime) -> Batch:
    """The batch with its times corrected where the phone's clock is known to be wrong; learns from the send itself."""
    # A recorded file carries the satellites' time, not the phone's.
    if not opening.on_duty or not batch.fixes or batch.fixes[0].source == "gpx":
        return batch
    known = opening.clock.learn(max(fix.fixed_at for fix in batch.fixes), now)
    if known is not opening.clock:
        queries.keep_clock(session, batch.device_id, known)
    if known.offset_s == 0:
        return batch
    return replace(batch, fixes=[known.correct(fix) for fix in batch.fixes])


def judge(
    session: Session, batch: Batch, opening: queries.Opening, now: datetime, limits: Limits
) -> tuple[list[Fix], Counter[str]]:
    """The fixes that may be kept, in order of time and each time once, and why the others may not."""
    refused = Counter(batch.unread)
    duty = _duty(session, batch, opening, limits)
    good: dict[datetime, Fix] = {}
    for fix in batch.fixes:
        reasons = filters.rejections(fix, now, duty, limits)
        if not reasons and fix.fixed_at in good:
            reasons = ["duplicate"]
        if reasons:
            refused[reasons[0]] += 1
        else:
            good[fix.fixed_at] = fix
    return [good[at] for at in sorted(good)], refused


def _duty(session: Session, batch: Batch, opening: queries.Opening, limits: Limits) -> Duty:
    if not opening.on_duty or not batch.fixes:
        return Duty(False, ())
    since = opening.on_duty_since or datetime.min.replace(tzinfo=UTC) + limits.before_shift
    oldest = min(fix.fixed_at for fix in batch.fixes)
    if oldest >= since - limits.before_shift:
        return Duty(True, ((since, None),))
    return Duty(True, (*queries.shifts_since(session, batch.surveyor_id, oldest), (since, None)))


def follow(
    session: Session, surveyor_id: int, fresh: Sequence[Fix], now: datetime, limits: Limits
) -> tuple[Fix | None, Counter[str]]:
    """Where the dot stops after these new fixes, which are already in the track."""
    if not fresh:
        return None, Counter()
    end = fresh[-1].fixed_at + timedelta(microseconds=1)
    return walk(
        queries.last(session, surveyor_id),
        fresh,
        lambda since: store.track(session, surveyor_id, since, end),
        now,
        limits,
    )


def keep_days(
    sessions: Sessions, now: datetime | None = None, *, ahead_days: int = 8, behind_days: int = 8
) -> int:
    """Makes the day tables around today that are missing; returns how many."""
    with sessions.begin() as session:
        today = clock.read(session, now).astimezone(UTC).date()
        return store.ensure_partitions(session, today, ahead_days, behind_days)


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
    """What the sweeper does for this room once an hour: tomorrow's tables made, old tracks forgotten."""
    return {"made": keep_days(sessions, now), "forgotten": forget_old_tracks(sessions, now)}


def lay_base_map(sessions: Sessions, label: str, label_en: str, lines: Iterable[tiles.MapLine]) -> int:
    """Replaces the offline base map; returns how many features it has. `label` says what the map shows."""
    with sessions.begin() as session:
        return tiles.lay(session, label, label_en, lines)
