"""Trying rules on days that were: who asked for which change, how far the replay is, and what it came to.

The room above (the lab) does the work. What goes between is this row: the door writes it, the lab's job takes it, and a
job that died is taken again by the next, because a row says so and not a queue.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core import audit
from core.errors import Conflict
from dispatch.models import TRYING, RuleTry
from staff.models import Person

WAITING, RUNNING, DONE, FAILED, CANCELLED = "waiting", "running", "done", "failed", "cancelled"
# The job says how far it is at least this often; a silent one is dead and another takes over.
BEAT = timedelta(seconds=90)
ATTEMPTS = 3


class TryRunning(Conflict):
    """This organisation is trying something already. Facts: `try_id`."""

    code = "try_running"


def ask(session: Session, org_id: int, changes: dict[str, Any], days: int, by: int) -> RuleTry:
    """Wants changed rules tried. Raises TryRunning while an earlier try of the organisation is not over."""
    row = RuleTry(org_id=org_id, asked_by=by, changes=changes, days=days)
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError as error:
        running = session.scalars(select(RuleTry.id).where(RuleTry.org_id == org_id, TRYING)).first()
        raise TryRunning("a try of this organisation is running", try_id=str(running)) from error
    audit.append(session, by, "rule.tried", "organisation", org_id, changes=changes, days=days)
    return row


def take(session: Session, try_id: int, now: datetime) -> RuleTry | None:
    """Gives the try to this job: when it waits, or its last job has died. None when another has it, or it is over."""
    row = session.scalars(
        select(RuleTry).where(RuleTry.id == try_id).with_for_update(skip_locked=True)
    ).one_or_none()
    if row is None or row.state not in (WAITING, RUNNING):
        return None
    if row.state == RUNNING and row.beat_at is not None and row.beat_at > now - BEAT:
        return None
    if row.attempts >= ATTEMPTS:
        row.state, row.error, row.done_at = FAILED, "gave_up", now
        return None
    row.state, row.attempts, row.progress, row.beat_at = RUNNING, row.attempts + 1, 0.0, now
    return row


def cancel(session: Session, row: RuleTry, by: int, now: datetime) -> None:
    """Nobody wants it any more; the job finds out at its next beat. Of a try that is over nothing is changed."""
    session.refresh(row, with_for_update=True)
    if row.state not in (WAITING, RUNNING):
        return
    row.state, row.done_at = CANCELLED, now
    audit.append(session, by, "rule.try_cancelled", "organisation", row.org_id, try_id=str(row.id))


def latest(session: Session, org_id: int, limit: int = 20) -> list[tuple[RuleTry, str]]:
    """The newest tries of an organisation, newest first, each with the name of who asked."""
    found = session.execute(
        select(RuleTry, Person.name)
        .join(Person, Person.id == RuleTry.asked_by)
        .where(RuleTry.org_id == org_id)
        .order_by(RuleTry.id.desc())
        .limit(limit)
    )
    return [(row, name) for row, name in found]


def beat(session: Session, try_id: int, progress: float) -> bool:
    """Says how far it is, 0 to 1; False: it is wanted no more.

    A replay on real roads counts in numbers that the database does not know.
    """
    told = session.execute(
        update(RuleTry)
        .where(RuleTry.id == try_id, RuleTry.state == RUNNING)
        .values(progress=float(progress), beat_at=text("clock_timestamp()"))
    )
    return bool(told.rowcount)  # type: ignore[attr-defined]


def finish(session: Session, try_id: int, result: dict[str, Any] | None, error: str | None = None) -> None:
    """Writes what it came to, or the word for why it could not be done."""
    session.execute(
        update(RuleTry)
        .where(RuleTry.id == try_id, RuleTry.state == RUNNING)
        .values(
            state=FAILED if error else DONE,
            progress=1.0,
            result=result,
            error=error,
            done_at=text("clock_timestamp()"),
        )
    )


def due(session: Session, now: datetime, limit: int = 10) -> list[int]:
    """Tries nobody works at: their wake-up was lost, or their job has died."""
    silent = RuleTry.beat_at < now - BEAT
    fresh = RuleTry.created_at < now - timedelta(seconds=5)
    return list(
        session.scalars(
            select(RuleTry.id)
            .where(((RuleTry.state == WAITING) & fresh) | ((RuleTry.state == RUNNING) & silent))
            .order_by(RuleTry.id)
            .limit(limit)
        )
    )
