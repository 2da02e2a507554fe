"""A surveyor's day: the jobs he holds in the order that drives least, appointments kept to the minute. Pure.

The order comes from day_order.py, which treats agreed times as hard windows; the times come from walking it once. The job
in hand is first, whatever else would be nearer. A job that fits nowhere is named with its reason, never squeezed in.
Times are aware datetimes; the drive matrix is in seconds, row and column 0 the start, then the stops.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dispatch import day_order
from dispatch.day_order import Job
from geo.fix import LonLat
from staff.rules import Known

KNOWN: dict[str, Known] = {
    k.key: k
    for k in (
        Known("shift_h", 10, "int", "班次时长（日程）", "Length of a shift, for the day plan", 1, 24, unit="h"),
        Known("appointment_slack_min", 15, "int", "预约最多晚到", "An appointment is kept when at most later by", 0, 120,
              unit="min"),
        Known("visit_motor_min", 30, "int", "现场查勘时长：车险", "Time on scene: motor", 5, 480, unit="min"),
        Known("visit_property_min", 60, "int", "现场查勘时长：财产险", "Time on scene: property", 5, 480, unit="min"),
        Known("visit_agri_min", 90, "int", "现场查勘时长：农险", "Time on scene: agriculture", 5, 480, unit="min"),
        Known("visit_assist_min", 30, "int", "现场时长：救援", "Time on scene: assistance", 5, 480, unit="min"),
    )
}  # fmt: skip
DEFAULTS: dict[str, Any] = {key: known.default for key, known in KNOWN.items()}

Seconds = NDArray[np.float64]

# VROOM serves whatever it can of the highest priority first: an appointment is worth any number of other jobs.
PINNED, PROMISED, OPEN = 100, 10, 1
# Past this a window is no window; VROOM counts in whole seconds from the start of the plan.
FAR_S = 7 * 24 * 3600
UNREACHABLE_S = 10 * FAR_S
# An estimate that is used up says nothing more: somebody on scene longer than usual is done in about this.
LEAST_LEFT = timedelta(minutes=5)
MOST_STOPS = 60


@dataclass(frozen=True)
class Stop:
    """A job to visit. `appointment_at` was agreed with the customer and stays; `due_at` is a promise and may be late."""

    task_id: int
    place: LonLat | None
    service: timedelta
    appointment_at: datetime | None = None
    due_at: datetime | None = None


@dataclass(frozen=True)
class Day:
    """Who is planned: from when, until when, and which stop he has in hand (on his way to it, or there since)."""

    now: datetime
    until: datetime
    slack: timedelta = timedelta(minutes=15)
    in_hand: int | None = None
    on_scene_since: datetime | None = None


@dataclass(frozen=True)
class Visit:
    """A stop with its times: arrive, begin (an appointment waits for its hour), end."""

    task_id: int
    arrive_at: datetime
    begin_at: datetime
    end_at: datetime
    drive: timedelta
    pinned: bool
    in_hand: bool
    late: timedelta

    @property
    def wait(self) -> timedelta:
        """Time to spare before an appointment."""
        return self.begin_at - self.arrive_at


@dataclass(frozen=True)
class Left:
    """A job that fits nowhere, why, and which other job stands against it.

    no_place, unreachable, appointment_missed (its time is over or out of reach), appointments_clash, after_shift,
    no_room (it would cost an appointment).
    """

    task_id: int
    reason: str
    against: int | None = None


@dataclass(frozen=True)
class Plan:
    """The visits in order, what is left, and the seconds driven."""

    visits: tuple[Visit, ...]
    left: tuple[Left, ...]
    drive: timedelta


def service(values: Mapping[str, Any], line: str) -> timedelta:
    """How long a survey of a line takes on scene, by the organisation's settings."""
    key = f"visit_{line}_min"
    return timedelta(minutes=int(values[key if key in KNOWN else "visit_motor_min"]))


def plan(day: Day, stops: Sequence[Stop], drive_s: Seconds) -> Plan:
    """The day's plan. `drive_s` [n + 1, n + 1] seconds, 0 the start, then `stops` in order; inf where there is no way.

    No appointment is ever moved: it is kept within `slack`, or named in `left`. Promises (`due_at`) are kept as far as
    that is possible without breaking an appointment, then as little late as the order allows. Raises ValueError for a
    matrix of another size and beyond MOST_STOPS.
    """
    if drive_s.shape != (len(stops) + 1, len(stops) + 1) or len(stops) > MOST_STOPS:
        raise ValueError("one row and column for the start and each stop, at most sixty stops")
    left, rest, first, at, free = _in_hand(day, stops, drive_s)
    order, beyond = _ordered(day, stops, drive_s, rest, at, free)
    visits = ([first] if first is not None else []) + _walk(day, stops, drive_s, order, at, free)
    last = (order[-1] + 1, visits[-1].end_at) if order else (at, free)
    left += [_why(day, stops, drive_s, i, at, free, last) for i in beyond]
    driven = sum((visit.drive for visit in visits), timedelta(0))
    return Plan(tuple(visits), tuple(left), driven)


def _in_hand(
    day: Day, stops: Sequence[Stop], drive_s: Seconds
) -> tuple[list[Left], list[int], Visit | None, int, datetime]:
    """What cannot be planned at all, what can, the visit in hand, and where and when the rest begins (matrix row)."""
    left, rest = [], []
    first, at, free = None, 0, day.now
    for i, stop in enumerate(stops):
        held = stop.task_id == day.in_hand
        if held and day.on_scene_since is not None:
            end = max(day.on_scene_since + stop.service, day.now + LEAST_LEFT)
            first = Visit(
                stop.task_id, day.on_scene_since, day.on_scene_since, end, timedelta(0),
                stop.appointment_at is not None, True, _late(stop, day.on_scene_since, day.slack),
            )  # fmt: skip
            at, free = i + 1, end
        elif stop.place is None:
            left.append(Left(stop.task_id, "no_place"))
        elif not np.isfinite(drive_s[:, i + 1]).any() or (not np.isfinite(drive_s[0, i + 1]) and held):
            left.append(Left(stop.task_id, "unreachable"))
        elif held:
            first = _visit(day, stop, day.now, float(drive_s[0, i + 1]), in_hand=True)
            at, free = i + 1, first.end_at
        else:
            rest.append(i)
    return left, rest, first, at, free


def _visit(day: Day, stop: Stop, free: datetime, drive_s: float, *, in_hand: bool = False) -> Visit:
    drive = timedelta(seconds=round(drive_s))
    arrive = free + drive
    begin = max(arrive, stop.appointment_at) if stop.appointment_at is not None else arrive
    late = _late(stop, begin, day.slack)
    pinned = stop.appointment_at is not None
    return Visit(stop.task_id, arrive, begin, begin + stop.service, drive, pinned, in_hand, late)


def _late(stop: Stop, begin: datetime, slack: timedelta) -> timedelta:
    if stop.appointment_at is not None:
        return max(timedelta(0), begin - stop.appointment_at - slack)
    return timedelta(0) if stop.due_at is None else max(timedelta(0), begin - stop.due_at)


def _walk(
    day: Day, stops: Sequence[Stop], drive_s: Seconds, order: Sequence[int], at: int, free: datetime
) -> list[Visit]:
    """Earliest times along an order; leaving as soon as he is free keeps every window the order keeps."""
    visits = []
    for i in order:
        visit = _visit(day, stops[i], free, float(drive_s[at, i + 1]))
        visits.append(visit)
        at, free = i + 1, visit.end_at
    return visits


def _ordered(
    day: Day, stops: Sequence[Stop], drive_s: Seconds, rest: list[int], at: int, free: datetime
) -> tuple[list[int], list[int]]:
    """The order of visiting and what fits nowhere.

    At first an appointment is kept to the minute and a promise is a window; only what cannot be kept so opens up: the
    appointment by its slack, the promise for good.
    """
    kept = {i for i in rest if stops[i].due_at is not None or stops[i].appointment_at is not None}
    for last in (False, False, False, True):
        kept = set() if last else kept
        order = _solve(day, stops, drive_s, rest, kept, at, free)
        beyond = [i for i in rest if i not in order]
        if not kept & set(beyond):
            break
        kept -= set(beyond)
    return order, beyond


def _solve(
    day: Day,
    stops: Sequence[Stop],
    drive_s: Seconds,
    rest: list[int],
    kept: set[int],
    at: int,
    free: datetime,
) -> list[int]:
    """The order VROOM finds for one vehicle; jobs it cannot serve are missing from it."""
    if not rest:
        return []
    rows = [at, *(i + 1 for i in rest)]
    costs = np.where(np.isfinite(drive_s), np.rint(drive_s), UNREACHABLE_S)[np.ix_(rows, rows)]
    end_s = max(0, _seconds(day.until - free))
    jobs = [_job(day, n, stops[i], i in kept, free) for n, i in enumerate(rest, 1)]
    return [
        rest[n - 1]
        for n in day_order.shortest(costs, [job for job in jobs if job.closes >= job.opens], end_s)
    ]


def _job(day: Day, number: int, stop: Stop, kept: bool, free: datetime) -> Job:
    """A stop in seconds from `free`; its window is empty (closes before it opens) when its time is over."""
    service_s = round(stop.service.total_seconds())
    if stop.appointment_at is not None:
        opens = max(0, _seconds(stop.appointment_at - free))
        last = stop.appointment_at + (timedelta(0) if kept else day.slack)
        return Job(number, service_s, opens, _seconds(last - free), PINNED)
    if kept and stop.due_at is not None:
        return Job(number, service_s, 0, _seconds(stop.due_at - free), PROMISED)
    return Job(number, service_s, 0, FAR_S, PROMISED if stop.due_at is not None else OPEN)


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())


def _why(
    day: Day,
    stops: Sequence[Stop],
    drive_s: Seconds,
    i: int,
    at: int,
    free: datetime,
    last: tuple[int, datetime],
) -> Left:
    """The one word why a job fits nowhere, and the other appointment when two exclude each other.

    `at`, `free`: where and when the plan begins; `last`: where and when it ends.
    """
    stop = stops[i]
    direct = float(drive_s[at, i + 1])
    if not np.isfinite(direct):
        return Left(stop.task_id, "unreachable")
    alone = _visit(day, stop, free, direct)
    if stop.appointment_at is not None:
        if alone.late:
            return Left(stop.task_id, "appointment_missed")
        for n, other in enumerate(stops):
            if (
                n != i
                and other.appointment_at is not None
                and not _both(day, stops, drive_s, (i, n), at, free)
            ):
                return Left(stop.task_id, "appointments_clash", other.task_id)
    at_end = _visit(day, stop, last[1], float(drive_s[last[0], i + 1]) if last[0] != i + 1 else 0.0)
    if alone.end_at > day.until or (stop.appointment_at is None and at_end.end_at > day.until):
        return Left(stop.task_id, "after_shift")
    return Left(stop.task_id, "no_room" if stop.appointment_at is None else "appointments_clash")


def _both(
    day: Day, stops: Sequence[Stop], drive_s: Seconds, pair: tuple[int, int], at: int, free: datetime
) -> bool:
    """Whether two appointments can both be kept, in either order, with nothing between."""
    for order in (pair, pair[::-1]):
        if at - 1 in order:
            continue
        if not any(visit.late for visit in _walk(day, stops, drive_s, order, at, free)):
            return True
    return at - 1 in pair
