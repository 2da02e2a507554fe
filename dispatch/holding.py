"""Who holds a job: the assignment in force, the one before, how one ends, how the job goes out again."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from claims import queries as claims
from claims import states, timeline
from claims.models import Task
from claims.states import TaskState
from core import outbox
from core.errors import Missing
from dispatch.errors import NotYours
from dispatch.models import Assignment
from staff.accounts import Actor


def task_locked(session: Session, task_id: int) -> Task:
    """The task under a row lock. Raises Missing."""
    task = claims.task_for_update(session, task_id)
    if task is None:
        raise Missing("no such task")
    return task


def active(session: Session, task_id: int, *, lock: bool = False) -> Assignment | None:
    """The assignment in force of a task."""
    statement = select(Assignment).where(Assignment.task_id == task_id, Assignment.ended_at.is_(None))
    if lock:
        statement = statement.with_for_update(key_share=True).execution_options(populate_existing=True)
    return session.scalars(statement).one_or_none()


def last_of(session: Session, task_id: int, surveyor_id: int | None = None) -> Assignment | None:
    """The newest assignment of a task, or of a task and a person."""
    statement = select(Assignment).where(Assignment.task_id == task_id)
    if surveyor_id is not None:
        statement = statement.where(Assignment.surveyor_id == surveyor_id)
    return session.scalars(
        statement.order_by(Assignment.accepted_at.desc(), Assignment.id.desc()).limit(1)
    ).one_or_none()


def mine(session: Session, task: Task, surveyor_id: int) -> Assignment:
    """The assignment in force, which must be his. Raises Missing when he never had the job, NotYours when no longer."""
    held = active(session, task.id, lock=True)
    if held is not None and held.surveyor_id == surveyor_id:
        return held
    last = last_of(session, task.id, surveyor_id)
    if last is None:
        raise Missing("no such task")
    raise NotYours("the job is no longer yours", state=task.state, end_reason=last.end_reason)


def handed_in(session: Session, task: Task, surveyor_id: int) -> bool:
    """Whether he has handed the job in already: what he says of it again changes nothing."""
    if task.state not in (TaskState.SUBMITTED, TaskState.APPROVED):
        return False
    last = last_of(session, task.id)
    return last is not None and last.surveyor_id == surveyor_id and last.end_reason == "done"


def end(
    session: Session,
    task: Task,
    assignment: Assignment,
    why: str,
    reason: str | None,
    actor: Actor | None,
    now: datetime,
) -> None:
    """Ends an assignment; the caller moves the task. The surveyor's phone drops the job, his photos stay."""
    assignment.ended_at, assignment.end_reason = now, why
    session.flush()
    facts: dict[str, Any] = {
        "surveyor_id": str(assignment.surveyor_id),
        "assignment_id": str(assignment.id),
        "end_reason": why,
    }
    timeline.record(session, task.claim_id, "assignment.ended", now, actor, task.id, reason=reason, **facts)
    outbox.append(
        session,
        "assignment.ended",
        claim_id=task.claim_id,
        task_id=task.id,
        surveyor_id=assignment.surveyor_id,
        reason=why,
    )


def again(session: Session, task: Task, now: datetime) -> None:
    """The job waits for a first candidate again: nobody counts as asked."""
    if task.state != TaskState.PENDING:
        states.move_task(task, TaskState.PENDING, now)
    task.round, task.unreached, task.next_try_at = 0, 0, now
    outbox.wake(session, outbox.TASKS_CHANNEL)


def close_settled(session: Session, now: datetime, limit: int = 100) -> int:
    """Ends what is still in force of jobs that were approved or cancelled elsewhere; returns how many."""
    rows = session.execute(
        select(Assignment, Task)
        .join(Task, Task.id == Assignment.task_id)
        .where(Assignment.ended_at.is_(None), Task.state.in_([str(s) for s in states.SETTLED]))
        .limit(limit)
        .with_for_update(of=Assignment, key_share=True, skip_locked=True)
    ).all()
    for assignment, task in rows:
        end(
            session,
            task,
            assignment,
            "done" if task.state == TaskState.APPROVED else "cancelled",
            None,
            None,
            now,
        )
    return len(rows)


def told(
    session: Session,
    event: str,
    task: Task,
    held: Assignment,
    actor: Actor,
    device_at: datetime | None,
    now: datetime,
    **facts: Any,
) -> None:
    """Timeline and outbox of a step of his."""
    who = str(held.surveyor_id)
    timeline.record(session, task.claim_id, event, now, actor, task.id, device_at, surveyor_id=who, **facts)
    outbox.append(session, event, claim_id=task.claim_id, task_id=task.id, surveyor_id=held.surveyor_id)
