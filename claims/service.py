"""Use cases of the claims room: take a report in, amend it, withdraw it, see an alarm."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from claims import catastrophes, clocks, duplicates, insuring, intake, limits, queries, states, timeline
from claims.amending import amend
from claims.duplicates import Likeness, Trait
from claims.errors import ExternalNoTaken
from claims.models import Claim, ClaimDuplicate, ClaimItem, Task
from claims.notice import Item, Notice, Opened, check
from claims.states import ClaimState, TaskState
from claims.writing import write_claim, write_task
from core import audit, clock, outbox
from core.database import Sessions
from staff import organisations
from staff.accounts import Actor

__all__ = ["Item", "Notice", "Opened", "acknowledge", "amend", "open_claim", "open_task_of", "withdraw_in"]


def open_claim(sessions: Sessions, actor: Actor, notice: Notice, now: datetime | None = None) -> Opened:
    """Takes a report in: claim, items, task, clocks, duplicate marks, timeline and event in one commit.

    Raises Invalid (no place, no phone), FromTheFuture, ExternalNoTaken.
    """
    with sessions.begin() as session:
        now = clock.read(session, now)
        check(notice, now)
        _refuse_known_number(session, actor, notice)
        at = insuring.home(
            session, actor, notice.place, notice.insuring_org_id, limits.read(session, actor.org_id)
        )
        area, path = at.area, organisations.path_of(session, at.org_id)
        surge = catastrophes.in_force(session, path, area.id if area is not None else None)
        rule = limits.read(session, at.org_id) | (surge.rule if surge is not None else {})
        claim, items = write_claim(session, actor, notice, at.org_id, area, rule, now)
        claim.insurer_id = at.insurer_id
        _stamp(claim, surge)
        alike = _mark_duplicates(session, actor, claim, items, notice, rule)
        ended_at = limits.report_end(claim.reported_at, claim.call_ended_at, now)
        kind = area.kind if area is not None else "urban"
        started = clocks.start_clocks(session, claim, rule, kind, ended_at, now)
        task = write_task(session, claim, notice, now)
        facts: dict[str, Any] = {} if surge is None else {"catastrophe_id": str(surge.id)}
        timeline.record(
            session,
            claim.id,
            "claim.opened",
            now,
            actor,
            task.id,
            report_no=claim.report_no,
            marks=claim.marks,
            **facts,
        )
        outbox.append(session, "claim.opened", claim_id=claim.id, task_id=task.id)
        if task.state == TaskState.PENDING:
            outbox.wake(session, outbox.TASKS_CHANNEL)
        else:
            outbox.append(
                session, "task.unassigned", claim_id=claim.id, task_id=task.id, reason=task.unassigned_reason
            )
        opened = Opened(
            claim.id, claim.report_no, task.id, tuple(alike), claim.state, tuple(started), tuple(claim.marks)
        )
    return opened


def _refuse_known_number(session: Session, actor: Actor, notice: Notice) -> None:
    if notice.external_no is None:
        return
    known = queries.by_external_no(session, actor.org_path, notice.external_no)
    if known is not None:
        raise ExternalNoTaken(
            "a claim with that number exists", claim_id=str(known.id), report_no=known.report_no
        )


def _stamp(claim: Claim, surge: catastrophes.Force | None) -> None:
    """Marks a claim reported in a catastrophe: its clocks keep those limits, whatever is switched later."""
    if surge is not None:
        claim.catastrophe_id = surge.id
        claim.marks = [*claim.marks, "catastrophe"]


def _mark_duplicates(
    session: Session, actor: Actor, claim: Claim, items: list[ClaimItem], notice: Notice, rule: dict[str, Any]
) -> list[Likeness]:
    plates = tuple(item.plate_key for item in items if item.plate_key)
    trait = Trait(plates, claim.reporter_phone, notice.place, claim.loss_at or claim.reported_at)
    alike = duplicates.find(session, actor.org_path, rule, trait, except_id=claim.id)
    for other in alike:
        session.add(ClaimDuplicate(claim_id=claim.id, other_id=other.claim_id, reasons=list(other.reasons)))
    return alike


def withdraw_in(
    session: Session, actor: Actor, claim: Claim, task: Task | None, reason: str, now: datetime
) -> None:
    """The claims half of a withdrawal: case, task and clocks. `dispatch.assignments.withdraw` is the whole of it."""
    states.move_claim(claim, ClaimState.WITHDRAWN, now)
    claim.close_reason = intake.clean(reason)
    claim.version += 1
    if task is not None:
        states.move_task(task, TaskState.CANCELLED, now)
    clocks.void_clocks(session, claim.id, now)
    timeline.record(
        session, claim.id, "claim.withdrawn", now, actor, task.id if task else None, reason=claim.close_reason
    )
    audit.append(session, actor.person_id, "claim.withdrawn", "claim", claim.id, now=now)
    outbox.append(session, "claim.withdrawn", claim_id=claim.id, task_id=task.id if task else None)


def acknowledge(
    sessions: Sessions, actor: Actor, escalation_id: int, now: datetime | None = None
) -> datetime:
    """Notes who has seen a fired escalation; the first one counts. Raises Missing, Conflict when it has not fired."""
    with sessions.begin() as session:
        now = clock.read(session, now)
        rung, claim_id = queries.escalation_for_update(session, actor.org_path, escalation_id)
        if rung.acknowledged_at is None:
            rung.acknowledged_at, rung.acknowledged_by = now, actor.person_id
            timeline.record(session, claim_id, "clock.acknowledged", now, actor, stage=rung.stage)
            outbox.append(
                session, "clock.acknowledged", claim_id=claim_id, clock_id=rung.clock_id, stage=rung.stage
            )
        return rung.acknowledged_at


def open_task_of(session: Session, claim_id: int) -> Task | None:
    """The claim's job that is not settled, or its last one."""
    return session.scalars(
        select(Task)
        .where(Task.claim_id == claim_id)
        .order_by(Task.state.in_([str(s) for s in states.SETTLED]), Task.id.desc())
        .limit(1)
    ).one_or_none()
