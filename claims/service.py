"""Use cases of the claims room: take a report in, amend it, withdraw it, see an alarm."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from claims import (
    catastrophes,
    clocks,
    duplicates,
    insuring,
    intake,
    limits,
    opening,
    queries,
    states,
    timeline,
)
from claims.amending import amend
from claims.duplicates import Trait
from claims.errors import ExternalNoTaken
from claims.models import Claim, Task
from claims.notice import Item, Notice, Opened, check
from claims.states import ClaimState, TaskState
from claims.writing import claim_row, item_rows, marks_of
from core import audit, clock, outbox
from core.database import Sessions
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
        own = limits.read(session, actor.org_id)
        at = insuring.home(session, actor, notice.place, notice.insuring_org_id, own)
        surge = catastrophes.in_force(session, at.path, at.area.id if at.area is not None else None)
        rule = own if at.org_id == actor.org_id else limits.read(session, at.org_id)
        rule = rule | (surge.rule if surge is not None else {})
        rows = _rows(session, actor, notice, at, surge, rule, now)
        written = opening.write(session, actor, rows, now)
        return Opened(
            written.claim_id,
            written.report_no,
            written.task_id,
            tuple(rows.alike),
            rows.claim["state"],
            written.clocks,
            tuple(rows.claim["marks"]),
        )


def _rows(
    session: Session,
    actor: Actor,
    notice: Notice,
    at: insuring.Home,
    surge: catastrophes.Force | None,
    rule: dict[str, Any],
    now: datetime,
) -> opening.Rows:
    items, odd = item_rows(notice.items)
    ended_at = limits.report_end(notice.reported_at or now, notice.call_ended_at, now)
    start_at, event = limits.start_of(ended_at, now, limits.minutes(rule["backdated_after_min"]))
    claim = claim_row(actor, notice, at, surge, marks_of(notice, rule, event, odd, now), now)
    plans = clocks.plans_of_report(rule, notice.line, at.area.kind if at.area is not None else "urban")
    trait = Trait(
        tuple(item["plate_key"] for item in items if item["plate_key"]),
        claim["reporter_phone"],
        notice.place,
        notice.loss_at or claim["reported_at"],
    )
    return opening.Rows(
        claim,
        opening.task_row(notice.place is not None, notice.injured, now),
        items,
        [clocks.row(plan, event, start_at) for plan in plans],
        [{"kind": plan.kind} | rung for plan in plans for rung in clocks.rungs(plan, start_at, now)],
        duplicates.find(session, actor.org_path, rule, trait),
    )


def _refuse_known_number(session: Session, actor: Actor, notice: Notice) -> None:
    if notice.external_no is None:
        return
    known = queries.by_external_no(session, actor.org_path, notice.external_no)
    if known is not None:
        raise ExternalNoTaken(
            "a claim with that number exists", claim_id=str(known.id), report_no=known.report_no
        )


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
