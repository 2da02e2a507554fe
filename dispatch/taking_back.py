"""A tap on "answered" that was a mistake, taken back: the contact clock goes on from where it was."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from claims import clocks, errors, states
from claims.states import TaskState
from core import clock
from core.database import Sessions
from dispatch.errors import TooLateToTakeBack
from dispatch.holding import mine, task_locked, told
from dispatch.models import Contact
from staff.accounts import Actor

# A slip of the thumb is noticed at once; what is noticed later is no slip.
TAKE_BACK = timedelta(seconds=60)
# What a tap may need to arrive when the network is there.
ON_ITS_WAY = timedelta(seconds=30)
# In a dead zone the phone's own clock says how soon it was; past this the customer has long been told that he was rung.
LATEST = timedelta(minutes=15)
TAKEN_BACK = "taken_back"


def in_time(at: datetime, now: datetime, tapped_at: datetime | None, device_at: datetime | None) -> bool:
    """Whether the answer recorded at `at` may still be taken back at `now`.

    `tapped_at`, `device_at`: the phone's clock at the one tap and at the other; they count when the network was away.
    """
    if now - at <= TAKE_BACK + ON_ITS_WAY:
        return True
    if tapped_at is None or device_at is None:
        return False
    return timedelta(0) <= device_at - tapped_at <= TAKE_BACK and now - at <= LATEST


def take_back_answer(
    sessions: Sessions,
    task_id: int,
    surveyor_id: int,
    actor: Actor,
    device_at: datetime | None = None,
    now: datetime | None = None,
) -> None:
    """Takes back that the reporter answered: the call stays on record, marked, and the contact clock runs on with its ladder.

    Its due time does not move, so what was breached meanwhile is breached. Said again it changes nothing.
    Raises Missing, NotYours, claims.errors.TaskState once he is on his way, TooLateToTakeBack.
    """
    with sessions.begin() as session:
        task = task_locked(session, task_id)
        now = clock.read(session, now)
        held = mine(session, task, surveyor_id)
        if held.contacted_at is None:
            return
        if task.state != TaskState.CONTACTED:
            raise errors.TaskState(
                "he is on his way already", state=task.state, wanted=str(TaskState.ACCEPTED)
            )
        call = _answered(session, task_id, surveyor_id, held.accepted_at)
        if call is None or not in_time(held.contacted_at, now, call.device_at, device_at):
            raise TooLateToTakeBack("the time to take the answer back is over", seconds=TAKE_BACK.seconds)
        call.marks = [*call.marks, TAKEN_BACK]
        clocks.go_on(session, task.claim_id, "contact", stopped_at=held.contacted_at)
        held.contacted_at = None
        states.move_task(task, TaskState.ACCEPTED, now)
        told(session, "task.contact_taken_back", task, held, actor, device_at, now)


def _answered(session: Session, task_id: int, surveyor_id: int, since: datetime) -> Contact | None:
    """The first answered call of his in this duty: the one that stopped the clock."""
    return session.scalars(
        select(Contact)
        .where(
            Contact.task_id == task_id,
            Contact.surveyor_id == surveyor_id,
            Contact.result == "answered",
            Contact.at >= since,
            ~Contact.marks.contains([TAKEN_BACK]),
        )
        .order_by(Contact.id)
        .limit(1)
    ).one_or_none()
