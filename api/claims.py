"""Claims: taken in, read, amended, withdrawn; the dispatcher's hand on their survey jobs."""

from typing import Any

from flask import g
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, ConfigDict, Field

from api import access, claim_show, parts, present
from api.claim_in import ClaimChange, ClaimIn
from api.door import Door, IdText, Page, Strict, Text, id_of, roles
from api.fields import DatumWanted, Moment
from claims import finding, queries, service
from claims.models import Task
from claims.states import ClaimState
from core.errors import Missing
from dispatch import assignments, explain
from geo import staleness
from geo.staleness import Seen

bp = Door("claims", tag="Claims")

DESK = ("seat", "dispatcher", "adjuster", "supervisor", "admin", "integration")


class ClaimPath(Strict):
    """An id in the path."""

    claim_id: int = Field(ge=1, lt=2**63)


class ClaimsWanted(Page):
    """The query of the claim list."""

    state: ClaimState | None = None
    area: IdText | None = None
    q: Text = Field("", description="report number, plate, phone, name, place, policy")
    breached: bool | None = Field(
        None, description="only claims with (true) or without (false) a broken promise"
    )


class Reason(Strict):
    """Why."""

    reason: Text = Field(min_length=1, max_length=200, examples=["客户要求"])


class AssignIn(Reason):
    """Who is to go, and why. `replaces` is the surveyor the dispatcher saw holding the job."""

    surveyor_id: IdText
    replaces: IdText | None = None


class AppointmentIn(Strict):
    """When, null: not any more. `seen` is the appointment the desk had before it; another one by now is a conflict."""

    at: Moment | None
    seen: Moment | None = None


class Shown(BaseModel):
    """A JSON object; fields may be added."""

    model_config = ConfigDict(extra="allow")


class ClockOut(Shown):
    """A named clock of the service promise."""

    id: str
    kind: str = Field(examples=["contact"])
    start_at: str
    due_at: str
    stopped_at: str | None
    breached_at: str | None
    state: str = Field(examples=["running"])
    predicted: str = Field(examples=["ok"])
    limit_s: int


class AlikeOut(Shown):
    """Another report that may tell of the same loss."""

    claim_id: str
    report_no: str
    reasons: list[str] = Field(examples=[["plate", "near"]])


class OpenedOut(Shown):
    """A report taken in."""

    id: str
    report_no: str = Field(examples=["CK261122000001"])
    state: str
    task_id: str
    clocks: list[ClockOut]
    duplicates: list[AlikeOut]
    marks: list[str] = Field(examples=[["late_report"]])


class ListOut(Shown):
    """A page of a list."""

    items: list[dict[str, Any]]
    next: str | None


@bp.post("/claims", responses={201: OpenedOut})
@roles("seat", "integration", "dispatcher", idempotent=True)
def open_claim(body: ClaimIn) -> ResponseReturnValue:
    """Takes a report in; the nearest surveyor is asked within a second."""
    return claim_show.opened(service.open_claim(g.sessions, g.actor, body.notice())), 201


@bp.get("/claims", responses={200: ListOut})
@roles(*DESK)
def claims(query: ClaimsWanted) -> ResponseReturnValue:
    """Claims of one's own part of the tree, newest first."""
    wanted = finding.Wanted(
        scope=g.actor.org_path,
        state=query.state,
        area_id=id_of(query.area) if query.area else None,
        q=query.q,
        breached=query.breached,
        after=query.after_id,
        limit=query.limit,
    )
    with g.sessions.begin() as session:
        rows = finding.claims(session, wanted)
        clocks = queries.clocks_of(session, [row.id for row in rows])
    return present.items(rows, lambda row: claim_show.line(row, clocks[row.id]), query.limit)


@bp.get("/claims/<int:claim_id>", responses={200: Shown})
@roles(*DESK, "surveyor")
def claim(path: ClaimPath, query: DatumWanted) -> ResponseReturnValue:
    """The whole file: facts, items, clocks, job with offers and assignments, duplicates."""
    return _whole(path.claim_id, query.datum)


def _whole(claim_id: int, datum: str = "wgs84") -> dict[str, Any]:
    with g.sessions.begin() as session:
        row = access.claim_seen_by(session, g.actor, claim_id)
        return claim_show.whole(session, g.actor, row, datum)


@bp.get("/claims/<int:claim_id>/timeline", responses={200: ListOut})
@roles(*DESK, "surveyor")
def timeline(path: ClaimPath, query: Page) -> ResponseReturnValue:
    """Every event of the claim in order: what, who, when by our clock and by his."""
    with g.sessions.begin() as session:
        access.claim_seen_by(session, g.actor, path.claim_id)
        rows = queries.timeline(session, path.claim_id, after=query.after_id, limit=query.limit)
    return present.items(rows, claim_show.event, query.limit)


@bp.patch("/claims/<int:claim_id>", responses={200: Shown})
@roles("seat", "dispatcher", "integration")
def amend(path: ClaimPath, body: ClaimChange) -> ResponseReturnValue:
    """Changes what is given; a position pinned for a job that had none sends it out."""
    with g.sessions.begin() as session:
        access.claim_seen_by(session, g.actor, path.claim_id)
    service.amend(g.sessions, g.actor, path.claim_id, body.changes(), version=body.version)
    return _whole(path.claim_id)


@bp.post("/claims/<int:claim_id>/withdraw", responses={200: Shown})
@roles("seat", "dispatcher", "integration")
def withdraw(path: ClaimPath, body: Reason) -> ResponseReturnValue:
    """Drops the case: job, offer and clocks end with it."""
    with g.sessions.begin() as session:
        access.claim_seen_by(session, g.actor, path.claim_id)
    assignments.withdraw(g.sessions, path.claim_id, body.reason, g.actor)
    return _whole(path.claim_id)


def _job(claim_id: int) -> int:
    """The claim's unsettled survey job."""
    with g.sessions.begin() as session:
        access.claim_dispatched_by(session, g.actor, claim_id)
        task = service.open_task_of(session, claim_id)
        if task is None:
            raise Missing("the claim has no survey job")
        return task.id


@bp.post("/claims/<int:claim_id>/assign", responses={200: Shown})
@roles("dispatcher")
def assign(path: ClaimPath, body: AssignIn) -> ResponseReturnValue:
    """Gives the job to a named person, taking it from whoever holds it; the reason is kept and audited."""
    replaces = id_of(body.replaces) if body.replaces else None
    task_id, person_id = _job(path.claim_id), id_of(body.surveyor_id)
    assignment_id = assignments.assign_by_hand(
        g.sessions, task_id, person_id, body.reason, g.actor, replaces=replaces, engine=parts().drive_times
    )
    return _after(task_id) | {"assignment_id": str(assignment_id)}


@bp.post("/claims/<int:claim_id>/redispatch", responses={200: Shown})
@roles("dispatcher")
def redispatch(path: ClaimPath, body: Reason) -> ResponseReturnValue:
    """Sends the job out again from the beginning."""
    task_id = _job(path.claim_id)
    assignments.redispatch(g.sessions, task_id, body.reason, g.actor)
    return _whole(path.claim_id)


@bp.post("/claims/<int:claim_id>/appointment", responses={200: Shown})
@roles("dispatcher", "seat")
def appointment(path: ClaimPath, body: AppointmentIn) -> ResponseReturnValue:
    """Agrees a time with the customer for whoever holds the job, moves it, or with null calls it off; his phone is told."""
    task_id = _job(path.claim_id)
    assignments.arrange(g.sessions, task_id, body.at, body.seen, g.actor)
    return _whole(path.claim_id)


def _after(task_id: int) -> dict[str, Any]:
    """The job and its claim's clocks after an action."""
    with g.sessions.begin() as session:
        task = session.get_one(Task, task_id)
        rows = queries.clocks_of(session, [task.claim_id])[task.claim_id]
        return {
            "claim_id": str(task.claim_id),
            "task": {"id": str(task.id), "state": task.state},
            "clocks": claim_show.clocks(rows),
        }


@bp.get("/claims/<int:claim_id>/decision", responses={200: Shown})
@roles("dispatcher", "supervisor", "admin")
def decision(path: ClaimPath) -> ResponseReturnValue:
    """Who was considered, in which order, with which time, and why each other was passed over; newest first."""
    with g.sessions.begin() as session:
        access.claim_seen_by(session, g.actor, path.claim_id)
        task = service.open_task_of(session, path.claim_id)
        found = explain.shown(session, task.id, present.time) if task is not None else []
    return {"decisions": [with_intervals(one) for one in found]}


def with_intervals(decision: dict[str, Any]) -> dict[str, Any]:
    """A decision in which every drive time says how sure it is and who says so."""
    lines = []
    for line in decision["candidates"]:
        if line.get("eta_s") is not None and "eta_low_s" not in line:
            by = line.get("eta_by") or decision["provider"]
            seen = Seen(line.get("age_s") or 0, parked=not line.get("open_jobs"))
            there = staleness.arrival(line["eta_s"], by, seen)
            line = line | {"eta_low_s": round(there.low_s), "eta_high_s": round(there.high_s), "eta_by": by}
        lines.append(line)
    return decision | {"candidates": lines}
