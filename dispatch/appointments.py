"""Times agreed with the customer: by the surveyor or by the desk, moved, called off, kept when the job changes hands.

An appointment is the customer's, not the surveyor's: whoever takes the job over inherits it.
"""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from claims import clocks, states
from claims import queries as claims
from claims.models import Task
from claims.states import TaskState
from core import clock
from core.database import Sessions
from core.errors import Invalid
from dispatch.errors import AppointmentMoved, NobodyHolds
from dispatch.holding import active, mine, task_locked, told
from dispatch.models import Assignment
from staff.accounts import Actor

FARTHEST = timedelta(days=30)
BEFORE_SCENE = (TaskState.ACCEPTED, TaskState.CONTACTED, TaskState.EN_ROUTE)


def appoint(
    sessions: Sessions,
    task_id: int,
    surveyor_id: int,
    at: datetime | None,
    actor: Actor,
    device_at: datetime | None = None,
    now: datetime | None = None,
) -> None:
    """The surveyor agrees a time: the arrival clock moves there, the contact clock does not. None calls it off.

    Raises Missing, NotYours, Invalid for a time past or beyond thirty days, claims.errors.TaskState once on scene.
    """
    with sessions.begin() as session:
        task = task_locked(session, task_id)
        now = clock.read(session, now)
        held = mine(session, task, surveyor_id)
        _set(session, task, held, at, actor, device_at, now)


def arrange(
    sessions: Sessions,
    task_id: int,
    at: datetime | None,
    seen: datetime | None,
    actor: Actor,
    now: datetime | None = None,
) -> None:
    """The desk agrees a time for whoever holds the job; his phone is told. None calls it off.

    `seen` is the time the desk had before it, to the millisecond: two people at once do not overrule each other unseen.
    Raises NobodyHolds, AppointmentMoved, Invalid, claims.errors.TaskState.
    """
    with sessions.begin() as session:
        task = task_locked(session, task_id)
        now = clock.read(session, now)
        held = active(session, task_id, lock=True)
        if held is None:
            raise NobodyHolds("nobody holds the job: an appointment needs somebody to keep it")
        if _ms(held.appointment_at) == _ms(at):
            return
        if _ms(held.appointment_at) != _ms(seen):
            raise AppointmentMoved("another time was agreed meanwhile", appointment_at=held.appointment_at)
        _set(session, task, held, at, actor, None, now)


def _set(
    session: Session,
    task: Task,
    held: Assignment,
    at: datetime | None,
    actor: Actor,
    device_at: datetime | None,
    now: datetime,
) -> None:
    if at is not None and not now < at <= now + FARTHEST:
        raise Invalid.field("at", "lies in the past or more than thirty days ahead")
    if task.state not in BEFORE_SCENE:
        states.next_task(task.state, TaskState.EN_ROUTE)
    if held.appointment_at == at:
        return
    held.appointment_at = at
    claim = claims.claim_for_update(session, task.claim_id)
    if at is not None:
        clocks.agree(session, claim, at, now)
        told(session, "task.appointed", task, held, actor, device_at, now, appointment_at=at)
    else:
        clocks.call_off(session, claim, now)
        told(session, "task.appointment_off", task, held, actor, device_at, now)


def inherit(session: Session, task: Task, assignment: Assignment, now: datetime) -> None:
    """Who takes a job over keeps what was agreed with the customer, unless its time has passed."""
    before = session.scalars(
        select(Assignment)
        .where(Assignment.task_id == task.id, Assignment.id != assignment.id)
        .order_by(Assignment.accepted_at.desc(), Assignment.id.desc())
        .limit(1)
    ).one_or_none()
    if before is not None and before.appointment_at is not None and before.appointment_at > now:
        assignment.appointment_at = before.appointment_at


def _ms(at: datetime | None) -> int | None:
    """As times are shown: to the millisecond."""
    return None if at is None else int(at.timestamp() * 1_000)
