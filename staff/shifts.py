"""Who is on duty: an open shift, mirrored in `surveyor.on_duty` for the nearest query."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import outbox
from staff.models import Shift, Surveyor


def set_duty(
    session: Session,
    surveyor_id: int,
    on: bool,
    *,
    now: datetime,
    kind: str = "normal",
    until: datetime | None = None,
) -> bool:
    """Opens or closes the shift; returns whether anything changed. Saying it twice is harmless.

    `until`: when he means to go home, so that he is not sent anywhere he could not reach before; said again it counts anew.
    """
    surveyor = session.get_one(Surveyor, surveyor_id, with_for_update=True)
    if not on or until is not None:
        surveyor.shift_until = until if on else None
    if surveyor.on_duty == on:
        return False
    surveyor.on_duty, surveyor.on_duty_since = on, now if on else None
    if on:
        session.add(Shift(surveyor_id=surveyor_id, kind=kind, started_at=now))
    else:
        shift = session.scalars(
            select(Shift).where(Shift.surveyor_id == surveyor_id, Shift.ended_at.is_(None))
        ).one()
        shift.ended_at = now
    outbox.append(session, "surveyor.shift", surveyor_id=surveyor_id, on=on)
    if on:
        outbox.wake(session, outbox.TASKS_CHANNEL)
    return True
