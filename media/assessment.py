"""Damage priced: versions of lines in fen, and approval within one's money authority."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from claims import clocks, states, timeline
from claims import queries as claims
from claims.models import Claim, Task
from claims.states import ClaimState, TaskState
from core import audit, clock, outbox
from core.database import Sessions
from core.errors import Invalid, Missing
from media import queries, shots
from media.errors import (
    BeyondAuthority,
    NoAssessment,
    NotReviewable,
    PhotosWaiting,
    ShotsMissing,
    VersionConflict,
)
from media.models import Assessment
from staff import rules
from staff.accounts import Actor
from staff.rules import Known

ACTIONS = ("replace", "repair", "paint", "labour", "other")
MAX_LINES = 200
MAX_TOTAL_FEN = 10**13

KNOWN = {
    known.key: known
    for known in (
        Known(
            "require_shots",
            False,
            "bool",
            "缺必拍项时不得通过",
            "Refuse approval while required shots are missing",
        ),
    )
}


@dataclass(frozen=True)
class Line:
    """One position of the assessment. Money in fen, whole quantities."""

    item: str
    part: str
    action: str
    qty: int
    unit_fen: int
    note: str = ""

    @property
    def total_fen(self) -> int:
        """Quantity × unit price."""
        return self.qty * self.unit_fen


def total_fen(lines: list[Line]) -> int:
    """The sum of the lines. Raises Invalid when a line or the sum makes no sense."""
    if len(lines) > MAX_LINES:
        raise Invalid.field("lines", f"at most {MAX_LINES}")
    for n, line in enumerate(lines):
        if line.action not in ACTIONS:
            raise Invalid.field(f"lines.{n}.action", f"one of {', '.join(ACTIONS)}")
        if line.qty < 1 or line.unit_fen < 0:
            raise Invalid.field(f"lines.{n}", "a quantity is at least 1, a price at least 0")
    total = sum(line.total_fen for line in lines)
    if total > MAX_TOTAL_FEN:
        raise Invalid.field("lines", "the total is beyond reason")
    return total


def newest(session: Session, claim_id: int) -> Assessment | None:
    """The version that counts."""
    versions = queries.assessments(session, claim_id)
    return versions[0] if versions else None


def save(
    sessions: Sessions,
    actor: Actor,
    claim_id: int,
    lines: list[Line],
    note: str = "",
    *,
    based_on: int | None = None,
    now: datetime | None = None,
) -> Assessment:
    """Adds a version. With `based_on` only when that is still the newest. Raises VersionConflict."""
    total = total_fen(lines)
    try:
        with sessions.begin() as session:
            now = clock.read(session, now)
            claim = claims.claim_for_update(session, claim_id)
            if claim.state in (ClaimState.APPROVED, ClaimState.CLOSED, ClaimState.WITHDRAWN):
                raise NotReviewable(f"a claim that is {claim.state} is not assessed", state=claim.state)
            last = newest(session, claim_id)
            version = last.version if last else 0
            if based_on is not None and based_on != version:
                raise VersionConflict("somebody saved a newer version", version=version)
            row = Assessment(
                claim_id=claim_id,
                version=version + 1,
                lines=[asdict(line) | {"total_fen": line.total_fen} for line in lines],
                total_fen=total,
                note=note,
                by_id=actor.person_id,
                at=now,
            )
            session.add(row)
            session.flush()
            facts: dict[str, Any] = {"version": row.version, "total_fen": total}
            timeline.record(session, claim_id, "assessment.saved", now, actor, **facts)
            outbox.append(session, "assessment.saved", claim_id=claim_id, version=row.version)
            return row
    except IntegrityError as error:
        raise VersionConflict("somebody saved a version at the same moment") from error


def approve(sessions: Sessions, actor: Actor, claim_id: int, now: datetime | None = None) -> Assessment:
    """Approves the claim within the actor's authority: claim and task settled, clocks stopped, one commit.

    Raises BeyondAuthority, PhotosWaiting, ShotsMissing, NoAssessment, NotReviewable.
    """
    with sessions.begin() as session:
        now = clock.read(session, now)
        task = claims.open_task_for_update(session, claim_id) or queries.newest_task(session, claim_id)
        claim = claims.claim_for_update(session, claim_id)
        last = newest(session, claim_id)
        if last is not None and last.total_fen > actor.authority_fen:
            raise BeyondAuthority(
                "the total is beyond your authority",
                total_fen=last.total_fen,
                authority_fen=actor.authority_fen,
            )
        if task is None:
            raise Missing("the claim has no survey job")
        if task.state != TaskState.SUBMITTED:
            raise NotReviewable(f"the survey is {task.state}, not submitted", state=task.state)
        unfinished = _ready(session, claim, task)
        if last is None:
            raise NoAssessment("price the damage first")
        last.approved_by, last.approved_at = actor.person_id, now
        _settle(session, actor, claim, task, last, unfinished, now)
        return last


def _ready(session: Session, claim: Claim, task: Task) -> list[str]:
    """Refuses while photos wait for a verdict or a retake; returns the required shots that are missing."""
    rows = queries.verdict_counts(session, [task.id])
    waiting = sum(r.n for r in rows if r.verdict == "waiting")
    unanswered = sum(r.unanswered for r in rows)
    if waiting or unanswered:
        raise PhotosWaiting("photos wait for a verdict or a retake", waiting=waiting, sent_back=unanswered)
    missing = [shot.code for shot in missing_shots(session, claim, task)]
    if missing and rules.value(session, claim.org_id, "require_shots", KNOWN["require_shots"].default):
        raise ShotsMissing("required shots are missing; ask for them or waive them", shots=missing)
    return missing


def missing_shots(session: Session, claim: Claim, task: Task) -> list[shots.Shot]:
    """The required shots of a task that are neither there nor waived."""
    taken: dict[str, int] = {}
    for row in queries.verdict_counts(session, [task.id]):
        if row.verdict != "sent_back":
            taken[row.shot] = taken.get(row.shot, 0) + row.n
    waived = [w.shot for w in queries.waivers(session, [task.id])]
    return shots.missing(claim.line, claim.cause, taken, waived)


def _settle(
    session: Session,
    actor: Actor,
    claim: Claim,
    task: Task,
    last: Assessment,
    missing: list[str],
    now: datetime,
) -> None:
    states.move_task(task, TaskState.APPROVED, now)
    states.move_claim(claim, ClaimState.APPROVED, now)
    for kind in clocks.ORDER:
        clocks.stop_clock(session, claim.id, kind, "approved", now)
    facts: dict[str, Any] = {"version": last.version, "total_fen": last.total_fen, "missing_shots": missing}
    timeline.record(session, claim.id, "claim.approved", now, actor, task.id, **facts)
    audit.append(session, actor.person_id, "claim.approved", "claim", claim.id, now=now, **facts)
    surveyor_id = queries.surveyor_of(session, task.id)
    outbox.append(session, "task.approved", claim_id=claim.id, task_id=task.id, surveyor_id=surveyor_id)
    outbox.append(session, "claim.approved", claim_id=claim.id, task_id=task.id)
