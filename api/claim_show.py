"""What the API shows of a claim: a line of the list, the whole file, its timeline."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from api import present
from api.fields import position
from claims import queries as claims
from claims import service
from claims.duplicates import Likeness
from claims.models import Claim, ClaimItem, Clock, Task
from dispatch import board
from dispatch import board_queries as dispatch
from geo.models import Area
from notify.models import CustomerLink
from staff.accounts import Actor
from staff.models import Organisation

# Who sees the reporter's number in full: those who ring him, and who speaks with him about the settlement.
RINGS_HIM = ("seat", "dispatcher", "adjuster")


def clocks(rows: Sequence[Clock]) -> list[dict[str, Any]]:
    """Clocks in their natural order."""
    return [board.clock_card(row) for row in rows]


def likeness(other: Likeness) -> dict[str, Any]:
    """Another claim that looks the same."""
    return {
        "claim_id": str(other.claim_id),
        "report_no": other.report_no,
        "reported_at": present.time(other.reported_at),
        "reasons": list(other.reasons),
        "place": other.place,
        "state": other.state,
    }


def opened(done: service.Opened) -> dict[str, Any]:
    """The answer to a report."""
    return {
        "id": str(done.claim_id),
        "report_no": done.report_no,
        "state": done.state,
        "task_id": str(done.task_id),
        "clocks": clocks(done.clocks),
        "duplicates": [likeness(other) for other in done.duplicates],
        "marks": list(done.marks),
    }


def line(row: Any, of: Sequence[Clock]) -> dict[str, Any]:
    """A line of the list, personal data masked."""
    return {
        "id": str(row.id),
        "report_no": row.report_no,
        "line": row.line,
        "state": row.state,
        "reported_at": present.time(row.reported_at),
        "place": row.place_text,
        "area": row.area,
        "reporter": {"name": present.name(row.reporter_name), "phone": present.phone(row.reporter_phone)},
        "plate": present.plate(row.plate),
        "task": {"id": str(row.task_id), "state": row.task_state} if row.task_id else None,
        "surveyor": board.who(row.surveyor_id, row.surveyor_name),
        "clocks": clocks(of),
        "marks": row.marks,
    }


def item(row: ClaimItem) -> dict[str, Any]:
    """A thing concerned."""
    return {
        "id": str(row.id),
        "kind": row.kind,
        "plate": row.plate,
        "vin": row.vin,
        "description": row.description,
    }


def _offer(row: Any, name: str) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "surveyor": board.who(row.surveyor_id, name),
        "state": row.state,
        "made_at": present.time(row.made_at),
        "expires_at": present.time(row.expires_at),
        "delivered_at": present.time(row.delivered_at),
        "reach_by": present.time(row.reach_by),
        "settled_at": present.time(row.settled_at),
        "decline_reason": row.decline_reason,
        "distance_m": row.distance_m,
        "eta_s": row.eta_s,
        "round": row.round,
    }


def _assignment(row: Any, name: str) -> dict[str, Any]:
    times = (
        "accepted_at",
        "contacted_at",
        "departed_at",
        "arrived_at",
        "appointment_at",
        "done_by_at",
        "completed_at",
        "ended_at",
    )
    return {
        "id": str(row.id),
        "surveyor": board.who(row.surveyor_id, name),
        **{field: present.time(getattr(row, field)) for field in times},
        "arrival_proof": row.arrival_proof,
        "report": row.report,
        "end_reason": row.end_reason,
        "assigned_by": present.ident(row.assigned_by),
        "reason": row.reason,
    }


def contact(row: Any, name: str) -> dict[str, Any]:
    """A try to speak to the reporter."""
    return {
        "id": str(row.id),
        "surveyor": board.who(row.surveyor_id, name),
        "channel": row.channel,
        "result": row.result,
        "at": present.time(row.at),
        "device_at": present.time(row.device_at),
        "marks": row.marks,
    }


def task(session: Session, row: Task | None) -> dict[str, Any] | None:
    """The survey job with everything that was tried."""
    if row is None:
        return None
    return {
        "id": str(row.id),
        "state": row.state,
        "state_since": present.time(row.state_since),
        "round": row.round,
        "priority": row.priority,
        "unassigned_reason": row.unassigned_reason,
        "queue_place": dispatch.queue_place(session, row),
        "offers": [_offer(offer, name) for offer, name in dispatch.offers_of(session, row.id)],
        "assignments": [_assignment(held, name) for held, name in dispatch.assignments_of(session, row.id)],
        "contacts": [contact(tried, name) for tried, name in dispatch.contacts_of(session, [row.id])[row.id]],
    }


def may_ring(session: Session, actor: Actor, job: Task | None) -> bool:
    """Whether the reporter's full number is the actor's business: desk roles, or the surveyor who holds the job now."""
    if actor.has(*RINGS_HIM):
        return True
    holders = dispatch.assignments_of(session, job.id) if job is not None else []
    return any(held.surveyor_id == actor.person_id and held.ended_at is None for held, _ in holders)


def reporter(claim: Claim, full: bool) -> dict[str, Any]:
    """Who rang. The number in full only for those who ring him."""
    return {
        "name": claim.reporter_name if full else present.name(claim.reporter_name),
        "phone": claim.reporter_phone if full else present.phone(claim.reporter_phone),
        "phone_typed": claim.reporter_phone_typed if full else None,
        "relation": claim.reporter_relation,
    }


def whole(session: Session, actor: Actor, claim: Claim, datum: str) -> dict[str, Any]:
    """The whole file as the actor may see it."""
    job = service.open_task_of(session, claim.id)
    org = session.get_one(Organisation, claim.org_id)
    area = session.get(Area, claim.area_id) if claim.area_id else None
    slug = session.scalar(select(CustomerLink.slug).where(CustomerLink.claim_id == claim.id))
    place = claims.place_of(session, claim.id)
    return {
        "id": str(claim.id),
        "report_no": claim.report_no,
        "external_no": claim.external_no,
        "state": claim.state,
        "version": claim.version,
        "line": claim.line,
        "org": {"id": str(org.id), "name": org.name},
        "insuring_org": _insurer(session, claim),
        # 通赔: who only insures sees it; who goes is the surveying branch's to decide.
        "dispatched_here": org.path.startswith(actor.org_path),
        "area": {"id": str(area.id), "name": area.name, "kind": area.kind} if area is not None else None,
        "reported_at": present.time(claim.reported_at),
        "call_ended_at": present.time(claim.call_ended_at),
        "created_at": present.time(claim.created_at),
        "closed_at": present.time(claim.closed_at),
        "close_reason": claim.close_reason,
        "reporter": reporter(claim, may_ring(session, actor, job)),
        "loss": {
            "at": present.time(claim.loss_at),
            "position": position(place, datum),
            "given_in": claim.place_source,
            "place": claim.place_text,
            "cause": claim.cause,
            "injured": claim.injured,
            "movable": claim.movable,
            "scene_left": claim.scene_left,
        },
        "policy_no": claim.policy_no,
        "needs": claim.needs,
        "note": claim.note,
        "marks": claim.marks,
        "items": [item(row) for row in claims.items_of(session, [claim.id])[claim.id]],
        "clocks": clocks(claims.clocks_of(session, [claim.id])[claim.id]),
        "task": task(session, job),
        "duplicates": [
            {"claim_id": str(row.claim_id), "report_no": row.report_no, "reasons": row.reasons}
            for row in claims.alike(session, actor.org_path, claim.id)
        ],
        "customer_link": f"/t/{slug}"
        if slug and actor.has("seat", "dispatcher", "adjuster", "supervisor", "admin")
        else None,
    }


def _insurer(session: Session, claim: Claim) -> dict[str, Any] | None:
    """The branch that insures, when another one surveys (通赔)."""
    if claim.insurer_id is None:
        return None
    found = session.get_one(Organisation, claim.insurer_id)
    return {"id": str(found.id), "name": found.name}


def event(row: Any) -> dict[str, Any]:
    """A line of the timeline."""
    return {
        "id": str(row.id),
        "at": present.time(row.at),
        "device_at": present.time(row.device_at),
        "kind": row.kind,
        "task_id": present.ident(row.task_id),
        "actor": {"id": present.ident(row.actor_id), "name": row.actor_name or "", "kind": row.actor_kind},
        "facts": row.facts,
    }
