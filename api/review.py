"""The review desk: queue, verdicts, damage lines, approval within a money authority."""

from typing import Annotated, Any, Literal

from flask import g, request
from flask.typing import ResponseReturnValue
from pydantic import AfterValidator, Field
from sqlalchemy.orm import Session

from api import access, present
from api.door import EVERYBODY, Door, Strict, Text, roles
from api.photo_show import ApprovedOut, AssessmentOut, BriefOut, ListOut, VersionOut
from api.photos import ClaimPath, PhotoPath, harmless_json
from claims import queries as claims
from core import clock
from core.errors import Invalid
from dispatch import assignments
from dispatch.board import clock_card
from media import album, assessment, queries, review
from media.assessment import Line
from media.models import Assessment

bp = Door("review", tag="Review")

Reason = Literal[
    "blurred", "dark", "wrong_shot", "plate_unreadable", "vin_unreadable", "too_far", "too_close", "not_this_claim",
    "missing_shot", "other",
]  # fmt: skip
Action = Literal["replace", "repair", "paint", "labour", "other"]
ShotCode = Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,39}$", examples=["vin"])]
READERS = ("adjuster", "supervisor", "admin")


class TaskPath(Strict):
    """An id in the path."""

    task_id: int = Field(ge=1, lt=2**63)


class Queue(Strict):
    """How much of the queue."""

    limit: int = Field(200, ge=1, le=500)


class SendBackIn(Strict):
    """Why the shot has to be taken again; `region` is a W3C selector of the spot."""

    reason: Reason
    note: Text = ""
    region: Annotated[dict[str, Any] | None, AfterValidator(harmless_json)] = None


class AskIn(Strict):
    """Shots the surveyor has to add."""

    shots: list[ShotCode] = Field(min_length=1, max_length=40)
    note: Text = ""


class WaiveIn(Strict):
    """Shots this job does without, and why."""

    shots: list[ShotCode] = Field(min_length=1, max_length=40)
    reason: Text = Field(min_length=1)


class LineIn(Strict):
    """One position; money in fen."""

    item: Text = ""
    part: Text = Field(min_length=1)
    action: Action
    qty: int = Field(1, ge=1, le=9999)
    unit_fen: int = Field(ge=0, le=10**10)
    note: Text = ""


class AssessmentIn(Strict):
    """All lines of the new version."""

    lines: list[LineIn] = Field(max_length=assessment.MAX_LINES)
    note: Text = ""


def brief(session: Session, task_id: int) -> dict[str, Any]:
    """What the actions on a task answer."""
    return album.task_brief(session, task_id)


def show_assessment(versions: list[Assessment]) -> dict[str, Any]:
    """The newest version and the list of all; version 0 when nothing was priced yet."""
    newest = versions[0] if versions else None
    return {
        "version": newest.version if newest else 0,
        "lines": newest.lines if newest else [],
        "total_fen": newest.total_fen if newest else 0,
        "note": newest.note if newest else "",
        "approved_at": present.time(newest.approved_at) if newest else None,
        "versions": [
            {
                "version": v.version, "total_fen": v.total_fen, "note": v.note, "lines": v.lines,
                "by": {"id": str(v.by_id)}, "at": present.time(v.at),
            }
            for v in versions
        ],
    }  # fmt: skip


@bp.get("/review/queue", responses={200: ListOut})
@roles(*READERS)
def queue(query: Queue) -> ResponseReturnValue:
    """Jobs with something to look at in one's own part of the tree: the clock that ends first comes first."""
    with g.sessions.begin() as session:
        rows = queries.review_queue(session, g.actor.org_path, query.limit)
        clocks = claims.clocks_of(session, [row.claim_id for row in rows])
        shown = [
            album.queue_row(row, [clock_card(c) for c in clocks.get(row.claim_id, [])], present.time)
            for row in rows
        ]
    return {"items": shown, "next": None}


@bp.post("/review/<int:task_id>/take", responses={200: BriefOut})
@roles("adjuster")
def take(path: TaskPath) -> ResponseReturnValue:
    """Makes the task one's own; 409 `taken` when a colleague was first."""
    with g.sessions.begin() as session:
        access.task_of(session, g.actor, path.task_id)
    review.take(g.sessions, g.actor, path.task_id)
    return _brief(path.task_id)


@bp.post("/review/<int:task_id>/release", responses={200: BriefOut})
@roles("adjuster", "supervisor")
def release(path: TaskPath) -> ResponseReturnValue:
    """Gives the task back to the queue; a supervisor may do it for somebody who is away."""
    with g.sessions.begin() as session:
        access.task_of(session, g.actor, path.task_id)
    review.release(g.sessions, g.actor, path.task_id)
    return _brief(path.task_id)


@bp.post("/review/<int:task_id>/ask", responses={200: BriefOut})
@roles("adjuster")
def ask(path: TaskPath, body: AskIn) -> ResponseReturnValue:
    """Sends the job back to the same surveyor for shots that are not there."""
    with g.sessions.begin() as session:
        access.task_of(session, g.actor, path.task_id)
    with g.sessions.begin() as session:
        review.ask_for(session, g.actor, path.task_id, shots=body.shots, note=body.note)
        assignments.reopen_in(session, path.task_id, g.actor, clock.read(session))
    return _brief(path.task_id)


@bp.post("/review/<int:task_id>/waive", responses={200: BriefOut})
@roles("adjuster")
def waive(path: TaskPath, body: WaiveIn) -> ResponseReturnValue:
    """Does without required shots, with a reason; audited."""
    with g.sessions.begin() as session:
        access.task_of(session, g.actor, path.task_id)
    review.waive(g.sessions, g.actor, path.task_id, body.shots, body.reason)
    return _brief(path.task_id)


def _brief(task_id: int) -> dict[str, Any]:
    with g.sessions.begin() as session:
        return brief(session, task_id)


@bp.post("/photos/<int:photo_id>/approve", responses={200: BriefOut})
@roles("adjuster")
def approve_photo(path: PhotoPath) -> ResponseReturnValue:
    """Accepts a photo."""
    with g.sessions.begin() as session:
        access.photo_seen_by(session, g.actor, path.photo_id)
    row = review.approve_photo(g.sessions, g.actor, path.photo_id)
    return _brief(row.task_id) | {"photo": {"id": str(row.id), "verdict": row.verdict}}


@bp.post("/photos/<int:photo_id>/send_back", responses={200: BriefOut})
@roles("adjuster")
def send_back(path: PhotoPath, body: SendBackIn) -> ResponseReturnValue:
    """Asks the same surveyor for a retake; a job already handed in comes back to him as `returned`."""
    with g.sessions.begin() as session:
        access.photo_seen_by(session, g.actor, path.photo_id)
    # The verdict and the job's way back are one commit: neither is true without the other.
    with g.sessions.begin() as session:
        task = review.send_back(
            session, g.actor, path.photo_id, reason=body.reason, note=body.note, region=body.region
        )
        assignments.reopen_in(session, task.id, g.actor, clock.read(session))
    return _brief(task.id) | {"photo": {"id": str(path.photo_id), "verdict": "sent_back"}}


@bp.get("/claims/<int:claim_id>/assessment", responses={200: AssessmentOut})
@roles(*EVERYBODY)
def read_assessment(path: ClaimPath) -> ResponseReturnValue:
    """The damage lines: the newest version and all before it."""
    with g.sessions.begin() as session:
        claim = access.claim_seen_by(session, g.actor, path.claim_id)
        return show_assessment(queries.assessments(session, claim.id))


@bp.put("/claims/<int:claim_id>/assessment", responses={200: VersionOut})
@roles("adjuster")
def write_assessment(path: ClaimPath, body: AssessmentIn) -> ResponseReturnValue:
    """Saves a new version. `If-Match: 3` saves only when 3 is still the newest, else 409 `version_conflict`."""
    with g.sessions.begin() as session:
        access.claim_seen_by(session, g.actor, path.claim_id)
    lines = [Line(**line.model_dump()) for line in body.lines]
    saved = assessment.save(g.sessions, g.actor, path.claim_id, lines, body.note, based_on=_if_match())
    return {"version": saved.version, "total_fen": saved.total_fen, "lines": saved.lines}


def _if_match() -> int | None:
    given = request.headers.get("If-Match", "").strip().removeprefix("W/").strip('"')
    if not given or given == "*":
        return None
    if not (given.isascii() and given.isdigit() and len(given) < 10):
        raise Invalid.field("If-Match", "the version number that was read")
    return int(given)


@bp.post("/claims/<int:claim_id>/approve", responses={200: ApprovedOut})
@roles("adjuster")
def approve_claim(path: ClaimPath) -> ResponseReturnValue:
    """Approves the claim within one's authority: 403 `beyond_authority`, 409 while photos wait for a verdict or retake."""
    with g.sessions.begin() as session:
        access.claim_seen_by(session, g.actor, path.claim_id)
    done = assessment.approve(g.sessions, g.actor, path.claim_id)
    return {
        "id": str(path.claim_id),
        "state": "approved",
        "version": done.version,
        "total_fen": done.total_fen,
        "approved_at": present.time(done.approved_at),
    }
