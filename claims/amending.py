"""Changing a claim: what is given, and nothing else."""

from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from claims import insuring, intake, limits, queries, states, timeline
from claims.errors import ExternalNoTaken, FromTheFuture, VersionMoved
from claims.models import Claim, Task
from claims.notice import check_place
from claims.states import TaskState
from claims.writing import cleaned, late_after, write_items
from core import audit, clock, outbox
from core.database import Sessions
from core.errors import Invalid
from geo.fix import LonLat
from staff.accounts import Actor
from staff.models import Organisation

PLAIN = {
    "reporter_name", "reporter_relation", "place_text", "cause", "injured", "movable", "scene_left", "policy_no", "note",
    "external_no", "loss_at", "call_ended_at",
}  # fmt: skip


def amend(
    sessions: Sessions,
    actor: Actor,
    claim_id: int,
    changes: dict[str, Any],
    *,
    version: int | None = None,
    now: datetime | None = None,
) -> int:
    """Changes what is given of a claim; returns its new version. The caller has checked that the actor sees it.

    `changes` holds names of `Notice`; a place pinned for a job that had none sends it out.
    Raises VersionMoved, ExternalNoTaken, Invalid, FromTheFuture.
    """
    with sessions.begin() as session:
        # Task before claim, as everywhere: the other order meets an accept half way.
        task = queries.open_task_for_update(session, claim_id)
        claim = queries.claim_for_update(session, claim_id)
        now = clock.read(session, now)
        if version is not None and version != claim.version:
            raise VersionMoved("somebody changed the claim meanwhile", version=claim.version)
        rule = limits.read(session, claim.org_id)
        _apply(session, actor, claim, task, changes, rule, now)
        claim.version += 1
        try:
            session.flush()
        except IntegrityError as error:
            raise ExternalNoTaken("a claim with that number exists") from error
        names = sorted(changes)
        timeline.record(session, claim.id, "claim.amended", now, actor, fields=names)
        audit.append(session, actor.person_id, "claim.amended", "claim", claim.id, now=now, fields=names)
        outbox.append(session, "claim.amended", claim_id=claim.id)
        return claim.version


def _apply(
    session: Session,
    actor: Actor,
    claim: Claim,
    task: Task | None,
    changes: dict[str, Any],
    rule: dict[str, Any],
    now: datetime,
) -> None:
    for path, name in (("loss.at", "loss_at"), ("call_ended_at", "call_ended_at")):
        if intake.ahead(changes.get(name), now):
            raise FromTheFuture(
                f"{path}: lies in the future", errors=[{"path": path, "message": "lies in the future"}]
            )
    for name in PLAIN & changes.keys():
        value = changes[name]
        if name == "note":
            value = value or ""
        setattr(claim, name, cleaned(value) if isinstance(value, str) and name != "note" else value)
    if changes.get("reporter_phone"):
        phone = intake.phone(changes["reporter_phone"])
        if not phone.key:
            raise Invalid.field("reporter.phone", "holds no digit")
        claim.reporter_phone, claim.reporter_phone_typed = phone.key, phone.shown
        claim.marks = [m for m in claim.marks if m != "odd_phone"] + list(phone.marks)
    if changes.get("items") is not None:
        session.execute(text("DELETE FROM claim_item WHERE claim_id = :id"), {"id": claim.id})
        odd = write_items(session, claim.id, changes["items"])
        kept = [m for m in claim.marks if m not in ("odd_plate", "odd_vin", "vin_check")]
        claim.marks = list(dict.fromkeys(kept + odd))
    if changes.get("place") is not None:
        _pin(session, actor, claim, task, changes["place"], changes.get("place_source", "wgs84"), now)
    late = intake.time_marks(claim.reported_at, claim.call_ended_at, claim.loss_at, late_after(rule))
    claim.marks = [m for m in claim.marks if m not in ("late_report", "call_times_odd")] + late


def _pin(
    session: Session, actor: Actor, claim: Claim, task: Task | None, place: LonLat, source: str, now: datetime
) -> None:
    """Sets the loss location. A job nobody could be nearest to may now be offered."""
    check_place(place)
    claim.place, claim.place_source = place.ewkt(), source
    area = insuring.area_of(session, actor.org_path, place, limits.read(session, claim.org_id))
    claim.area_id = area.id if area is not None else None
    claim.marks = [m for m in claim.marks if m != "no_position"]
    if task is None:
        return
    if area is not None and task.state in (TaskState.UNASSIGNED, TaskState.PENDING):
        insurer = session.get_one(Organisation, claim.insurer_id or claim.org_id)
        claim.org_id = task.org_id = area.org_id
        # Who had the case so far goes on seeing it.
        claim.insurer_id = insuring.insurer_beside(session, insurer, area.org_id)
    if task.state == TaskState.UNASSIGNED:
        states.move_task(task, TaskState.PENDING, now)
        task.round, task.unreached, task.next_try_at = 0, 0, now
        outbox.wake(session, outbox.TASKS_CHANNEL)
