"""Taking fixes: the batches of many surveyors in one transaction, each judged and followed as if it were alone.

History goes in by COPY (a few fixes by INSERT, in the last round trip), which cannot skip what is already there. So a
fix goes that way only when it is newer than every stored one of its surveyor (`last_position.newest_at`, read under the
surveyor's turn); a late one is inserted with ON CONFLICT. The primary key stays the referee: should the shortcut ever be
wrong, the transaction is taken back and done again with no shortcut (`careful`).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

import msgspec

from core.errors import ChakanError, Missing, Unsigned
from geo import filters
from geo.clock_offset import PhoneClock
from geo.columns import Columns, moment, newest, oldest, time_of
from geo.copying import Stretch
from geo.crowd import Crowd
from geo.dot import DIGIT_M, walk
from geo.filters import Duty, Limits
from geo.fix import Fix
from geo.ledger import SEEN_EVERY, Asked, Ledger, Opening, Written
from geo.store import Row
from geo.story import NEAR_M

# For longer arrays NumPy lets go of the interpreter at every call, and somebody else has it before the next.
MOST_ROWS = 500
OFF_DUTY = Duty(False, ())
# Every backlog is late, and how late positions arrive is told elsewhere.
UNCOUNTED = {"late"}


@dataclass(frozen=True)
class Batch:
    """What one device sent at once. `token_id` is what it signed with, to be asked again; 0: already checked.

    `app` is what its app calls itself, if that is to be noted.
    """

    surveyor_id: int
    device_id: int
    fixes: Sequence[Fix]
    unread: Mapping[str, int]
    token_id: int = 0
    app: str | None = None


@dataclass(frozen=True)
class Taken:
    """What became of a batch. `kept` + the sum of `refused` is its size.

    `track_only` counts, within `kept`, what may not move the dot. `last` is the fix the dot moved to, or
    None. `at` is the database's time of it.
    """

    kept: int
    refused: dict[str, int]
    track_only: dict[str, int]
    last: Fix | None
    at: datetime | None = None

    def plus(self, later: "Taken") -> "Taken":
        """This batch and the one after it as one."""
        return Taken(
            self.kept + later.kept,
            dict(Counter(self.refused) + Counter(later.refused)),
            dict(Counter(self.track_only) + Counter(later.track_only)),
            later.last or self.last,
            later.at or self.at,
        )


Outcome = Taken | ChakanError


class Settings(Protocol):
    """Where the filter settings of organisations come from: the database itself, or a short memory of it."""

    def limits(self, ledger: Ledger, org_ids: Iterable[int]) -> Mapping[int, Limits]:
        """The settings of these organisations."""


class Read:
    """The settings as they are now."""

    def limits(self, ledger: Ledger, org_ids: Iterable[int]) -> Mapping[int, Limits]:
        """Asks the database."""
        return ledger.limits(org_ids)


@dataclass
class Turn:
    """One batch on its way through."""

    batch: Batch
    opening: Opening
    now: datetime
    limits: Limits
    learned: PhoneClock | None = None
    # What is asked of all usual batches together (`_ask_crowd`). None: to be asked of this one by itself.
    span: tuple[datetime, datetime] | None = None
    duty: Duty | None = None
    all_plain: bool | None = None
    all_led: bool | None = None
    good: Sequence[Fix] = ()
    refused: dict[str, int] = field(default_factory=dict)
    fresh: Sequence[Fix] = ()


def take_together(
    ledger: Ledger,
    batches: Sequence[Batch],
    now: datetime | None = None,
    *,
    settings: Settings | None = None,
    careful: bool = False,
) -> list[Outcome]:
    """Stores batches of different surveyors: history first, then the dots that may move. Answers in their order.

    Runs inside the ledger's transaction, and commits it when that is the ledger's to do. A batch nobody may send is
    answered by its error and costs the others nothing. Raises psycopg2.IntegrityError when a day's table is missing
    or, without `careful`, when a fix was there after all.
    """
    openings = ledger.open([Asked(b.surveyor_id, b.device_id, b.token_id) for b in batches])
    outcomes: list[Outcome | Turn] = []
    org_ids = {o.org_id for o in openings if o is not None and o.signed}
    limits = (settings or Read()).limits(ledger, org_ids) if org_ids else {}
    for batch, opening in zip(batches, openings, strict=True):
        if opening is None:
            outcomes.append(Missing("no such surveyor"))
        elif not opening.signed:
            outcomes.append(Unsigned("sign in first"))
        else:
            # The database read its clock once for all: one value, so that it is written as text only once.
            now = now or opening.now
            outcomes.append(Turn(batch, opening, now, limits[opening.org_id]))
    turns = sorted((t for t in outcomes if isinstance(t, Turn)), key=lambda t: t.batch.surveyor_id)
    _ask_crowd(ledger, turns)
    for turn in turns:
        by_true_time(turn)
        turn.good, turn.refused = judge(ledger, turn)
    _store(ledger, turns, careful=careful)
    taken = {id(turn): _follow(ledger, turn) for turn in turns}
    _write(ledger, [(turn, taken[id(turn)]) for turn in turns])
    return [taken[id(one)] if isinstance(one, Turn) else one for one in outcomes]


def _ask_crowd(ledger: Ledger, turns: Sequence[Turn]) -> None:
    """Asks of all usual batches together what they would be asked one by one, and notes the answers."""
    usual: list[tuple[Turn, Columns]] = []
    rows = 0
    for turn in turns:
        if type(turn.batch.fixes) is Columns:
            if rows + len(turn.batch.fixes) > MOST_ROWS:
                _ask_together(ledger, usual)
                usual, rows = [], 0
            usual.append((turn, turn.batch.fixes))
            rows += len(turn.batch.fixes)
    _ask_together(ledger, usual)


def _ask_together(ledger: Ledger, usual: Sequence[tuple[Turn, Columns]]) -> None:
    if len(usual) < 2:
        return
    crowd = Crowd([fixes for _, fixes in usual])
    bounds: list[filters.Plain] = []
    for (turn, _), first, last in zip(usual, *crowd.spans(), strict=True):
        turn.span = moment(first), moment(last)
        turn.duty = _duty(ledger, turn)
        bounds.append(filters.Plain.of(turn.now, turn.duty, turn.limits))
    # Who has no dot is led by nothing: what is said of him is not used.
    dots = [turn.opening.dot or fixes[-1] for turn, fixes in usual]
    limits = [turn.limits for turn, _ in usual]
    late = [turn.now - turn.limits.late for turn, _ in usual]
    plain = crowd.plain(bounds, filters.NULL_ISLAND_DEG)
    led = crowd.led(dots, late, limits, NEAR_M, DIGIT_M)
    for (turn, _), turn_plain, turn_led in zip(usual, plain, led, strict=True):
        turn.all_plain, turn.all_led = turn_plain, turn_led


def by_true_time(turn: Turn) -> None:
    """Corrects the batch's times where the phone's clock is known to be wrong; learns from the send itself."""
    opening, batch = turn.opening, turn.batch
    if not opening.on_duty or not batch.fixes:
        return
    # A recorded file carries the satellites' time, not the phone's; columns come from phones only.
    if type(batch.fixes) is not Columns and batch.fixes[0].source == "gpx":
        return
    known = opening.clock.learn(turn.span[1] if turn.span else newest(batch.fixes), turn.now)
    if known is not opening.clock:
        turn.learned = known
    if known.offset_s:
        turn.batch = replace(batch, fixes=[known.correct(fix) for fix in batch.fixes])
        # What was asked was asked of other times.
        turn.span = turn.duty = turn.all_plain = turn.all_led = None


def judge(ledger: Ledger, turn: Turn) -> tuple[Sequence[Fix], dict[str, int]]:
    """The fixes that may be kept, in order of time and each time once, and why the others may not."""
    batch, now, limits = turn.batch, turn.now, turn.limits
    refused = dict(batch.unread)
    if turn.all_plain:
        return batch.fixes, refused
    duty = turn.duty or _duty(ledger, turn)
    plain = filters.Plain.of(now, duty, limits)
    if turn.all_plain is None and plain.lets_all(batch.fixes):
        return batch.fixes, refused
    good: dict[datetime, Fix] = {}
    for fix in batch.fixes:
        reasons = [] if plain.lets(fix) else filters.rejections(fix, now, duty, limits)
        if not reasons and fix.fixed_at in good:
            reasons = ["duplicate"]
        if reasons:
            refused[reasons[0]] = refused.get(reasons[0], 0) + 1
        else:
            good[fix.fixed_at] = fix
    return [good[at] for at in sorted(good)], refused


def _duty(ledger: Ledger, turn: Turn) -> Duty:
    opening, batch, limits = turn.opening, turn.batch, turn.limits
    if not opening.on_duty or not batch.fixes:
        return OFF_DUTY
    since = opening.on_duty_since or datetime.min.replace(tzinfo=UTC) + limits.before_shift
    first = turn.span[0] if turn.span else oldest(batch.fixes)
    if first >= since - limits.before_shift:
        return Duty(True, ((since, None),))
    return Duty(True, (*ledger.shifts_since(batch.surveyor_id, first), (since, None)))


def _store(ledger: Ledger, turns: Sequence[Turn], *, careful: bool) -> None:
    """History: what is surely new is appended, the rest by INSERT … ON CONFLICT; `fresh` is what was not there yet."""
    late: list[tuple[Turn, Fix]] = []
    new: list[Stretch] = []
    for turn in turns:
        known = None if careful else turn.opening.newest_at
        if turn.good and known is not None and known < time_of(turn.good, 0):
            turn.fresh = turn.good
        else:
            late += [(turn, fix) for fix in turn.good if known is None or fix.fixed_at <= known]
            turn.fresh = [fix for fix in turn.good if known is not None and fix.fixed_at > known]
        if turn.fresh:
            new.append((turn.batch.surveyor_id, turn.batch.device_id, turn.fresh))
    if new:
        ledger.append(new, turns[0].now)
    if late:
        rows = [(turn.batch.surveyor_id, turn.batch.device_id, fix) for turn, fix in late]
        stored = ledger.insert(rows, turns[0].now)
        _sort_in(late, stored)


def _sort_in(late: Sequence[tuple[Turn, Fix]], stored: set[tuple[int, int, datetime]]) -> None:
    for turn in {id(turn): turn for turn, _ in late}.values():
        batch = turn.batch
        ahead = {fix.fixed_at for fix in turn.fresh}
        turn.fresh = [
            fix
            for fix in turn.good
            if fix.fixed_at in ahead or (batch.surveyor_id, batch.device_id, fix.fixed_at) in stored
        ]
        if len(turn.fresh) < len(turn.good):
            again = len(turn.good) - len(turn.fresh)
            turn.refused["duplicate"] = turn.refused.get("duplicate", 0) + again


def _follow(ledger: Ledger, turn: Turn) -> Taken:
    """Where the dot stops after the new fixes, which are already in the track."""
    fresh = turn.fresh
    if not fresh:
        return Taken(0, turn.refused, {}, None, turn.now)
    if fresh is turn.batch.fixes and turn.all_led and turn.opening.dot is not None:
        return Taken(
            len(fresh), turn.refused, {}, msgspec.structs.replace(fresh[-1], received_at=turn.now), turn.now
        )
    if turn.all_led is False:
        fresh = list(fresh)  # not asked a second time
    end = time_of(fresh, -1) + timedelta(microseconds=1)
    dot, held = walk(
        turn.opening.dot,
        fresh,
        lambda since: ledger.track(turn.batch.surveyor_id, since, end),
        turn.now,
        turn.limits,
    )
    if dot is not None:
        dot = msgspec.structs.replace(dot, received_at=turn.now)
    return Taken(len(fresh), turn.refused, dict(held), dot, turn.now)


def _write(ledger: Ledger, done: Sequence[tuple[Turn, Taken]]) -> None:
    dots: list[Row] = []
    latest: dict[int, datetime] = {}
    refused: dict[tuple[int, str], tuple[int, int]] = {}
    seen: list[int] = []
    clocks: dict[int, PhoneClock] = {}
    apps: dict[int, str] = {}
    for turn, taken in done:
        batch, opening = turn.batch, turn.opening
        if taken.last is not None:
            dots.append(Row(batch.surveyor_id, batch.device_id, taken.last))
        last_at = time_of(turn.fresh, -1) if turn.fresh else None
        if last_at is not None and (opening.newest_at is None or last_at > opening.newest_at):
            latest[batch.surveyor_id] = last_at
        for reason in taken.refused.keys() | (taken.track_only.keys() - UNCOUNTED):
            told = taken.refused.get(reason, 0), taken.track_only.get(reason, 0)
            refused[batch.device_id, reason] = told
        if opening.seen_at is None or turn.now - opening.seen_at > SEEN_EVERY:
            seen.append(batch.device_id)
        if batch.app is not None:
            apps[batch.device_id] = batch.app
        if turn.learned is not None:
            clocks[batch.device_id] = turn.learned
    now = done[0][0].now if done else datetime.now(UTC)
    ledger.write(Written(dots, latest, refused, seen, clocks, apps), now, now.astimezone(UTC).date())
