"""A surveyor's day from the tables: what he holds, where he is, how long his shift is; planned afresh at each question."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from claims import queries as claims
from claims.models import Claim, Task
from claims.states import TaskState
from core import clock
from core.database import Sessions
from dispatch import board_queries, dayplan, learning_queries
from dispatch.dayplan import Day, Plan, Stop
from geo import eta, staleness
from geo.eta import Engine, StraightLine
from geo.fix import LonLat
from staff import organisations, rules
from staff.models import Shift, Surveyor

# Older than this a position is no place to start a day from.
START_AGE_S = 3600.0


@dataclass(frozen=True)
class Facts:
    """What a plan stands on, read in one transaction. `over_shift`: his shift is longer than the usual one already."""

    day: Day
    stops: tuple[Stop, ...]
    rows: dict[int, Any]
    places: dict[int, LonLat | None]
    start: LonLat | None
    start_age_s: float | None
    on_duty: bool
    over_shift: bool
    straight: StraightLine


@dataclass(frozen=True)
class Planned:
    """A plan with the facts it stands on and who said the drives."""

    facts: Facts
    plan: Plan
    provider: str


def of(
    sessions: Sessions,
    engine: Engine,
    surveyor_id: int,
    *,
    with_task: int | None = None,
    now: datetime | None = None,
) -> Planned:
    """Plans his day from now on. `with_task` adds a job he does not hold, to see what it would do to the others.

    Nothing is written: an appointment stays where the customer agreed to it whatever comes in.
    """
    with sessions.begin() as session:
        facts = _facts(session, surveyor_id, with_task, clock.read(session, now))
    # No transaction is open while a road engine thinks.
    drive_s, provider = _drives(engine, facts)
    return Planned(facts, dayplan.plan(facts.day, facts.stops, drive_s), provider)


def _facts(session: Session, surveyor_id: int, with_task: int | None, now: datetime) -> Facts:
    surveyor = session.get_one(Surveyor, surveyor_id)
    values = rules.values(
        session, surveyor.org_id, dayplan.DEFAULTS | {k: known.default for k, known in eta.KNOWN.items()}
    )
    held = [row for row in board_queries.my_tasks(session, surveyor_id) if row.state != TaskState.SUBMITTED]
    rows = {row.id: row for row in held}
    if with_task is not None and with_task not in rows:
        rows[with_task] = _asked_for(session, with_task)
    ids = [row.claim_id for row in rows.values()]
    places, clocks = claims.places_of(session, ids), claims.clocks_of(session, ids)
    due = {
        claim_id: next((c.due_at for c in found if c.kind == "arrival" and c.stopped_at is None), None)
        for claim_id, found in clocks.items()
    }
    # Times on scene learned from finished jobs count before the settings.
    root_id = organisations.ancestors(organisations.path_of(session, surveyor.org_id))[0]
    learned = learning_queries.service_times(session, [root_id]).get(root_id, {})
    stops = [
        Stop(
            row.id,
            places.get(row.claim_id),
            timedelta(seconds=learned[row.line])
            if row.line in learned
            else dayplan.service(values, row.line),
            row.appointment_at if row.appointment_at and not row.arrived_at else None,
            due.get(row.claim_id),
        )
        for row in rows.values()
    ]
    start, age = _start(session, surveyor_id, now)
    until, over = _until(session, surveyor, timedelta(hours=int(values["shift_h"])), now)
    in_hand, since = in_hand_of(held)
    slack = timedelta(minutes=int(values["appointment_slack_min"]))
    return Facts(
        Day(now, until, slack, in_hand, since),
        tuple(stops[: dayplan.MOST_STOPS]),
        rows,
        {row.id: places.get(row.claim_id) for row in rows.values()},
        start,
        age,
        surveyor.on_duty,
        over,
        StraightLine(float(values["eta_speed_kmh"]), int(values["eta_winding_pct"]) / 100),
    )


def in_hand_of(held: Sequence[Any]) -> tuple[int | None, datetime | None]:
    """The job he is at, with since when, or else the one he is driving to."""
    scenes = [row for row in held if row.state == TaskState.ON_SCENE and row.arrived_at is not None]
    if scenes:
        last = max(scenes, key=lambda row: row.arrived_at)
        return last.id, last.arrived_at
    driving = [row for row in held if row.state == TaskState.EN_ROUTE and row.departed_at is not None]
    return (max(driving, key=lambda row: row.departed_at).id, None) if driving else (None, None)


def _asked_for(session: Session, task_id: int) -> Any:
    """A job nobody gave him yet, in the shape of one he holds."""
    columns = (Claim.report_no, Claim.line, Claim.cause, Claim.place_text, Claim.reported_at)
    row = session.execute(
        select(Task.id, Task.claim_id, Task.state, *columns)
        .join(Claim, Claim.id == Task.claim_id)
        .where(Task.id == task_id)
    ).one()
    return _Row({**row._mapping, "appointment_at": None, "arrived_at": None, "departed_at": None})


class _Row:
    """A row with fields of its own."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self.__dict__.update(fields)


def _start(session: Session, surveyor_id: int, now: datetime) -> tuple[LonLat | None, float | None]:
    row = next(iter(board_queries.surveyors_by_id(session, [surveyor_id])), None)
    if row is None or row.lon is None or not row.on_duty:
        return None, None
    age = staleness.age_s(now, row.fixed_at, row.received_at)
    return (LonLat(row.lon, row.lat), age) if age <= START_AGE_S else (None, age)


def _until(session: Session, who: Surveyor, length: timedelta, now: datetime) -> tuple[datetime, bool]:
    """The planned end of the shift he is on, else the usual length of one. Who is on longer is planned for another one."""
    started = session.scalars(
        select(Shift.started_at).where(Shift.surveyor_id == who.id, Shift.ended_at.is_(None))
    ).one_or_none()
    until = who.shift_until or (started or now) + length
    return (until, False) if until > now else (now + length, True)


def _drives(engine: Engine, facts: Facts) -> tuple[np.ndarray[Any, np.dtype[np.float64]], str]:
    """Seconds between the start and every stop; without a start the first drive counts nothing. And who said so."""
    size = len(facts.stops) + 1
    drive_s = np.full((size, size), np.inf)
    np.fill_diagonal(drive_s, 0.0)
    known = [i for i, stop in enumerate(facts.stops) if stop.place is not None]
    places = [place for i in known if (place := facts.stops[i].place) is not None]
    if not places:
        return drive_s, "none"
    starts = ([facts.start] if facts.start is not None else []) + places
    table = engine.table(places, starts, last=facts.straight)
    columns = [i + 1 for i in known]
    rows = ([0] if facts.start is not None else []) + columns
    drive_s[np.ix_(rows, columns)] = table.seconds
    if facts.start is None:
        drive_s[0, columns] = 0.0
    np.fill_diagonal(drive_s, 0.0)
    return drive_s, table.names[int(table.by.min())] if table.by.size else "none"
