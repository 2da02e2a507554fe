"""Rows from a notice: the claim and its items, by column."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from claims import intake, limits, queries
from claims.catastrophes import Force
from claims.insuring import Home
from claims.models import ClaimItem
from claims.notice import Item, Notice
from claims.states import ClaimState
from staff.accounts import Actor


def claim_row(
    actor: Actor, notice: Notice, at: Home, surge: Force | None, marks: list[str], now: datetime
) -> dict[str, Any]:
    """The claim, by column. One reported in a catastrophe bears its stamp: its clocks keep those limits for good.

    `marks`: of everything but the telephone and the catastrophe, which are known here.
    """
    phone = intake.phone(notice.reporter_phone)
    return {
        "org_id": at.org_id,
        "area_id": at.area.id if at.area is not None else None,
        "insurer_id": at.insurer_id,
        "report_day": queries.report_day(now),
        "external_no": notice.external_no,
        "line": notice.line,
        "state": str(ClaimState.OPEN),
        "reported_at": notice.reported_at or now,
        "call_ended_at": notice.call_ended_at,
        "reporter_name": cleaned(notice.reporter_name),
        "reporter_phone": phone.key,
        "reporter_phone_typed": phone.shown,
        "reporter_relation": cleaned(notice.reporter_relation),
        "loss_at": notice.loss_at,
        "place_text": cleaned(notice.place_text),
        "place": notice.place.ewkt() if notice.place else None,
        "place_source": notice.place_source if notice.place else None,
        "cause": cleaned(notice.cause),
        "injured": notice.injured,
        "movable": notice.movable,
        "scene_left": notice.scene_left,
        "policy_no": cleaned(notice.policy_no),
        "needs": list(notice.needs if notice.needs is not None else (notice.line,)),
        "note": intake.clean(notice.note),
        "marks": [*phone.marks, *marks, *(["catastrophe"] if surge else [])],
        "catastrophe_id": surge.id if surge else None,
        "created_by": actor.person_id,
    }


def marks_of(
    notice: Notice, rule: dict[str, Any], start_event: str, odd: list[str], now: datetime
) -> list[str]:
    """What is odd about times, place and, told by `odd`, the items. `start_event`: of the report's clocks."""
    marks = intake.time_marks(
        notice.reported_at or now, notice.call_ended_at, notice.loss_at, late_after(rule)
    )
    if start_event == "received":
        marks.append("backdated")
    if notice.place is None:
        marks.append("no_position")
    return list(dict.fromkeys(marks + odd))


def late_after(rule: dict[str, Any]) -> timedelta:
    """How long after the loss a report is a late one."""
    return limits.minutes(int(rule["late_report_h"]) * 60)


def cleaned(text: str | None) -> str | None:
    """Clean text, or None when nothing is left of it."""
    return intake.clean(text) or None if text is not None else None


def item_rows(items: tuple[Item, ...]) -> tuple[list[dict[str, Any]], list[str]]:
    """The items by column, without whose they are, and what is odd about their plates and VINs."""
    rows, marks = [], []
    for item in items:
        plate = intake.plate(item.plate) if item.plate and item.plate.strip() else None
        vin = intake.vin(item.vin) if item.vin and item.vin.strip() else None
        marks += [*(plate.marks if plate else ()), *(vin.marks if vin else ())]
        rows.append(
            {
                "kind": item.kind,
                "plate": plate.shown if plate else None,
                "plate_key": plate.key if plate else None,
                "vin": vin.key if vin else None,
                "description": intake.clean(item.description),
            }
        )
    return rows, marks


def write_items(session: Session, claim_id: int, items: tuple[Item, ...]) -> list[str]:
    """Adds the items; returns what is odd about their plates and VINs."""
    rows, marks = item_rows(items)
    session.add_all(ClaimItem(claim_id=claim_id, **row) for row in rows)
    session.flush()
    return marks
