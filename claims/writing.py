"""Rows from a notice: the claim, its items, its survey job."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from claims import intake, limits, queries
from claims.errors import ExternalNoTaken
from claims.models import Claim, ClaimItem, Task
from claims.notice import Item, Notice
from claims.states import ClaimState, TaskState
from staff.accounts import Actor

INJURY_PRIORITY = 10


def write_claim(
    session: Session,
    actor: Actor,
    notice: Notice,
    org_id: int,
    area: Any,
    rule: dict[str, Any],
    now: datetime,
) -> tuple[Claim, list[ClaimItem]]:
    phone = intake.phone(notice.reporter_phone)
    reported_at = notice.reported_at or now
    marks = [*phone.marks]
    marks += intake.time_marks(reported_at, notice.call_ended_at, notice.loss_at, late_after(rule))
    ended_at = limits.report_end(reported_at, notice.call_ended_at, now)
    if limits.start_of(ended_at, now, limits.minutes(rule["backdated_after_min"]))[1] == "received":
        marks.append("backdated")
    if notice.place is None:
        marks.append("no_position")
    claim = Claim(
        org_id=org_id,
        area_id=area.id if area is not None else None,
        report_no=queries.next_report_no(session, now),
        external_no=notice.external_no,
        line=notice.line,
        state=str(ClaimState.OPEN),
        reported_at=reported_at,
        call_ended_at=notice.call_ended_at,
        reporter_name=cleaned(notice.reporter_name),
        reporter_phone=phone.key,
        reporter_phone_typed=phone.shown,
        reporter_relation=cleaned(notice.reporter_relation),
        loss_at=notice.loss_at,
        place_text=cleaned(notice.place_text),
        place=notice.place.ewkt() if notice.place else None,
        place_source=notice.place_source if notice.place else None,
        cause=cleaned(notice.cause),
        injured=notice.injured,
        movable=notice.movable,
        scene_left=notice.scene_left,
        policy_no=cleaned(notice.policy_no),
        needs=list(notice.needs if notice.needs is not None else (notice.line,)),
        note=intake.clean(notice.note),
        marks=[],
        created_by=actor.person_id,
        created_at=now,
        version=1,
    )
    session.add(claim)
    try:
        session.flush()
    except IntegrityError as error:
        # The same number sent twice in the same moment: the index decides, the caller is told which.
        raise ExternalNoTaken("a claim with that number exists") from error
    items, odd = write_items(session, claim.id, notice.items)
    claim.marks = list(dict.fromkeys(marks + odd))
    return claim, items


def late_after(rule: dict[str, Any]) -> timedelta:
    """How long after the loss a report is a late one."""
    return limits.minutes(int(rule["late_report_h"]) * 60)


def cleaned(text: str | None) -> str | None:
    """Clean text, or None when nothing is left of it."""
    return intake.clean(text) or None if text is not None else None


def write_items(
    session: Session, claim_id: int, items: tuple[Item, ...]
) -> tuple[list[ClaimItem], list[str]]:
    """Adds the items; returns them and what is odd about their plates and VINs."""
    rows, marks = [], []
    for item in items:
        plate = intake.plate(item.plate) if item.plate and item.plate.strip() else None
        vin = intake.vin(item.vin) if item.vin and item.vin.strip() else None
        marks += [*(plate.marks if plate else ()), *(vin.marks if vin else ())]
        rows.append(
            ClaimItem(
                claim_id=claim_id,
                kind=item.kind,
                plate=plate.shown if plate else None,
                plate_key=plate.key if plate else None,
                vin=vin.key if vin else None,
                description=intake.clean(item.description),
            )
        )
    session.add_all(rows)
    session.flush()
    return rows, marks


def write_task(session: Session, claim: Claim, notice: Notice, now: datetime) -> Task:
    """The survey job. Without a position nobody can be nearest: it goes to the dispatcher, never to (0, 0)."""
    pinned = notice.place is not None
    task = Task(
        claim_id=claim.id,
        org_id=claim.org_id,
        kind="survey",
        state=str(TaskState.PENDING if pinned else TaskState.UNASSIGNED),
        state_since=now,
        needs=list(claim.needs),
        priority=INJURY_PRIORITY if claim.injured else 0,
        round=0,
        next_try_at=now if pinned else None,
        unassigned_reason=None if pinned else "no_position",
        created_at=now,
    )
    session.add(task)
    session.flush()
    return task
