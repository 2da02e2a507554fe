"""What the desk does by hand: give a job to a person, send it out again, drop the case."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from claims import catastrophes, service, states, timeline
from claims import queries as claims
from claims.models import Task
from claims.states import ClaimState, TaskState
from core import audit, clock, outbox
from core.database import Sessions
from core.errors import Invalid
from dispatch import answers, beside
from dispatch.beside import Looked
from dispatch.errors import AlreadyAssigned, NotASurveyor, refereed
from dispatch.holding import active, again, end, last_of, task_locked
from dispatch.models import Assignment
from geo.eta import Engine
from staff.accounts import Actor
from staff.models import Organisation, Person, Surveyor

# Two dispatchers who decide in the same moment do not see each other: the second is told, not obeyed.
UNSEEN = timedelta(seconds=2)


def assign_by_hand(
    sessions: Sessions,
    task_id: int,
    surveyor_id: int,
    reason: str,
    actor: Actor,
    now: datetime | None = None,
    *,
    replaces: int | None = None,
    engine: Engine | None = None,
) -> int:
    """Gives the job to a person the dispatcher names, taking it from whoever holds it; returns the assignment's id.

    `replaces` is the surveyor the dispatcher saw holding it. Without it, somebody given the job by another hand in the
    last two seconds, or while this request waited, is not overruled unseen (S-01): AlreadyAssigned.
    `engine` tells the drives; without one they are straight lines.
    Raises Invalid without a reason, NotASurveyor, AtCap, claims.errors.TaskState.
    """
    if not reason.strip():
        raise Invalid.field("reason", "say why")
    # No transaction is open while a road engine thinks; who stands where a moment earlier is near enough for a record.
    looked = beside.look(sessions, task_id, surveyor_id, engine or Engine(), now)
    with sessions.begin() as session, refereed():
        before = active(session, task_id)
        seen = before.id if before is not None else None
        task = task_locked(session, task_id)
        now = clock.read(session, now)
        _may_be_sent(session, actor, surveyor_id, task.id)
        states.next_task(task.state, TaskState.ACCEPTED)
        old = active(session, task_id, lock=True)
        _not_unseen(old, seen, actor, replaces, now)
        if old is not None and old.surveyor_id == surveyor_id:
            raise AlreadyAssigned("he holds the job already", surveyor_id=str(surveyor_id))
        answers.withdraw_open(session, task, actor, now)
        if old is not None:
            end(session, task, old, "reassigned", reason, actor, now)
        return _assign(session, task, surveyor_id, reason, actor, now, old, looked)


def _not_unseen(
    old: Assignment | None, seen: int | None, actor: Actor, replaces: int | None, now: datetime
) -> None:
    """Refuses to overrule an assignment the dispatcher cannot have seen."""
    if old is None or replaces == old.surveyor_id:
        return
    fresh_by_other = old.assigned_by not in (None, actor.person_id) and now - old.accepted_at < UNSEEN
    if old.id != seen or fresh_by_other or replaces is not None:
        raise AlreadyAssigned("somebody else was given the job meanwhile", surveyor_id=str(old.surveyor_id))


def _may_be_sent(session: Session, actor: Actor, surveyor_id: int, task_id: int) -> None:
    """Raises NotASurveyor unless he is of the actor's part of the tree, or borrowed for the place of the job."""
    force = catastrophes.over_task(session, task_id)
    scopes = (actor.org_path, *(force.borrowed if force is not None else ()))
    row = session.execute(
        select(Surveyor.id)
        .join(Person, Person.id == Surveyor.id)
        .join(Organisation, Organisation.id == Surveyor.org_id)
        .where(
            Surveyor.id == surveyor_id,
            Person.disabled_at.is_(None),
            or_(*(Organisation.path.startswith(path) for path in scopes)),
        )
    ).first()
    if row is None:
        raise NotASurveyor(
            "nobody of that id can be sent", errors=[{"path": "surveyor_id", "message": "unknown"}]
        )


def _assign(
    session: Session,
    task: Task,
    surveyor_id: int,
    reason: str,
    actor: Actor,
    now: datetime,
    old: Assignment | None,
    looked: Looked,
) -> int:
    beside.record(session, task, surveyor_id, reason, actor, now, looked)
    chosen = looked.chosen
    assignment = Assignment(
        task_id=task.id,
        surveyor_id=surveyor_id,
        accepted_at=now,
        assigned_by=actor.person_id,
        reason=reason,
        eta_s=chosen.soonest_s if chosen else None,
        drive_s=chosen.eta_s if chosen else None,
        eta_by=chosen.provider if chosen else None,
    )
    session.add(assignment)
    session.flush()
    answers.take_on(session, task, assignment, now)
    facts: dict[str, Any] = {
        "surveyor_id": str(surveyor_id),
        "assignment_id": str(assignment.id),
        "instead_of": str(old.surveyor_id) if old else None,
    }
    timeline.record(session, task.claim_id, "task.assigned", now, actor, task.id, reason=reason, **facts)
    audit.append(session, actor.person_id, "task.assigned", "task", task.id, now=now, **facts)
    outbox.append(
        session,
        "task.assigned",
        claim_id=task.claim_id,
        task_id=task.id,
        assignment_id=assignment.id,
        surveyor_id=surveyor_id,
    )
    return assignment.id


def redispatch(
    sessions: Sessions, task_id: int, reason: str, actor: Actor, now: datetime | None = None
) -> None:
    """Sends the job out again from the beginning: takes it from whoever holds or considers it.

    Raises Invalid without a reason, claims.errors.TaskState after the report is in.
    """
    if not reason.strip():
        raise Invalid.field("reason", "say why")
    with sessions.begin() as session:
        task = task_locked(session, task_id)
        now = clock.read(session, now)
        if task.state != TaskState.PENDING:
            states.next_task(task.state, TaskState.PENDING)
        answers.withdraw_open(session, task, actor, now)
        old = active(session, task_id, lock=True)
        if old is not None:
            end(session, task, old, "reassigned", reason, actor, now)
        again(session, task, now)
        timeline.record(session, task.claim_id, "task.redispatched", now, actor, task.id, reason=reason)
        audit.append(session, actor.person_id, "task.redispatched", "task", task.id, now=now)
        outbox.append(session, "task.redispatched", claim_id=task.claim_id, task_id=task.id)


def withdraw(
    sessions: Sessions, claim_id: int, reason: str, actor: Actor, now: datetime | None = None
) -> None:
    """Drops the case: offer, assignment, task and clocks end in one commit. Said twice it answers the same."""
    if not reason.strip():
        raise Invalid.field("reason", "say why")
    with sessions.begin() as session:
        task = claims.open_task_for_update(session, claim_id)
        claim = claims.claim_for_update(session, claim_id)
        now = clock.read(session, now)
        if claim.state == ClaimState.WITHDRAWN:
            return
        states.next_claim(claim.state, ClaimState.WITHDRAWN)
        if task is not None:
            answers.withdraw_open(session, task, actor, now)
            held = active(session, task.id, lock=True)
            if held is not None:
                end(session, task, held, "cancelled", reason, actor, now)
        service.withdraw_in(session, actor, claim, task, reason, now)


def reopen_for_retake(
    sessions: Sessions, task_id: int, actor: Actor, now: datetime | None = None
) -> int | None:
    """A photo was sent back: the job is `returned` and the last surveyor has it again, whatever his load.

    Returns the assignment's id; None when there is nobody to give it back to (the dispatcher's queue shows it).
    A job still on scene stays as it is. Said twice it answers the same.
    """
    with sessions.begin() as session:
        return reopen_in(session, task_id, actor, clock.read(session, now))


def reopen_in(session: Session, task_id: int, actor: Actor, now: datetime) -> int | None:
    """The same in the caller's transaction: the verdict on the photo and the job's return are one commit."""
    task = task_locked(session, task_id)
    held = active(session, task_id, lock=True)
    if task.state == TaskState.SUBMITTED:
        states.move_task(task, TaskState.RETURNED, now)
    if held is not None or task.state != TaskState.RETURNED:
        return held.id if held is not None else None
    last = last_of(session, task_id)
    if last is None or last.end_reason != "done":
        return None
    # `completed_at` stays: the cap counts only jobs never handed in, so a retake is never refused for it.
    last.ended_at, last.end_reason = None, None
    session.flush()
    facts: dict[str, Any] = {"surveyor_id": str(last.surveyor_id), "assignment_id": str(last.id)}
    timeline.record(session, task.claim_id, "task.returned", now, actor, task.id, **facts)
    outbox.append(
        session, "task.returned", claim_id=task.claim_id, task_id=task.id, surveyor_id=last.surveyor_id
    )
    return last.id
