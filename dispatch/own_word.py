"""A surveyor's own word on when he will be done: one tap, changed or taken back as often as he likes."""

from datetime import datetime, timedelta

from core import clock
from core.database import Sessions
from core.errors import Invalid
from dispatch.holding import handed_in, mine, task_locked, told
from staff.accounts import Actor

# Nobody knows today how long he will need tomorrow.
FARTHEST = timedelta(hours=12)


def done_by(
    sessions: Sessions,
    task_id: int,
    surveyor_id: int,
    at: datetime | None,
    actor: Actor,
    for_s: int | None = None,
    device_at: datetime | None = None,
    now: datetime | None = None,
) -> None:
    """Notes when he says the job will be done, the drive to it included; None takes his word back.

    `for_s`: how many seconds he named, so that a tap that waited for a network counts from when it was tapped; without it
    the phone's clock says when that was. Never before he took the job nor after it arrives here. A moment that has passed
    meanwhile is kept: it says that he is late. Of a job he has handed in nothing is changed. Raises Missing, NotYours,
    Invalid for a time before the job was his or more than twelve hours ahead.
    """
    with sessions.begin() as session:
        task = task_locked(session, task_id)
        now = clock.read(session, now)
        if handed_in(session, task, surveyor_id):
            return
        held = mine(session, task, surveyor_id)
        if at is not None and not held.accepted_at < at <= now + FARTHEST:
            raise Invalid.field("done_by_at", "lies before the job was his or more than twelve hours ahead")
        if held.done_by_at == at:
            return
        held.done_by_at, held.done_said_at = at, None
        if at is not None:
            tapped = at - timedelta(seconds=for_s) if for_s is not None else device_at or now
            held.done_said_at = min(now, max(held.accepted_at, tapped))
        told(session, "task.done_by", task, held, actor, device_at, now, done_by_at=at)
