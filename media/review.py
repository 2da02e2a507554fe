"""The desk's second look: who reviews, what is approved, what goes back to the surveyor, what may be left out.

Lock order: task, then photo. One reviewer holds a task; the row lock decides who came first.
"""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from claims import queries as claims
from claims import states, timeline
from claims.models import Task
from claims.states import TaskState
from core import audit, clock, outbox
from core.database import Sessions
from core.errors import Invalid, Missing
from media import queries
from media.errors import NotReviewable, Taken
from media.models import Annotation, Photo, PhotoReview, ShotWaiver
from staff.accounts import Actor
from staff.models import Person

REASONS = (
    "blurred", "dark", "wrong_shot", "plate_unreadable", "vin_unreadable", "too_far", "too_close", "not_this_claim",
    "missing_shot", "other",
)  # fmt: skip
REVIEWABLE = states.HELD | {TaskState.SUBMITTED}


def _task(session: Session, task_id: int, actor: Actor, *, mine: bool = True) -> Task:
    """The task under its row lock, open for review and not in another reviewer's hands."""
    task = claims.task_for_update(session, task_id)
    if task is None:
        raise Missing("no such task")
    if TaskState(task.state) not in REVIEWABLE:
        raise NotReviewable(f"a task that is {task.state} is not reviewed", state=task.state)
    if mine and task.reviewer_id not in (None, actor.person_id):
        holder = session.get_one(Person, task.reviewer_id)
        raise Taken("another reviewer holds this task", reviewer={"id": str(holder.id), "name": holder.name})
    return task


def _take(session: Session, task: Task, actor: Actor, now: datetime) -> None:
    if task.reviewer_id is None:
        task.reviewer_id = actor.person_id
        timeline.record(session, task.claim_id, "review.taken", now, actor, task.id)


def take(sessions: Sessions, actor: Actor, task_id: int, now: datetime | None = None) -> Task:
    """Makes the actor the task's reviewer; repeating it changes nothing. Raises Taken."""
    with sessions.begin() as session:
        task = _task(session, task_id, actor)
        _take(session, task, actor, clock.read(session, now))
        return task


def release(sessions: Sessions, actor: Actor, task_id: int, now: datetime | None = None) -> Task:
    """Gives a task back to the queue: its reviewer himself, or a supervisor for somebody who is away."""
    with sessions.begin() as session:
        now = clock.read(session, now)
        task = _task(session, task_id, actor, mine=not actor.has("supervisor"))
        if task.reviewer_id is not None:
            held_by, task.reviewer_id = task.reviewer_id, None
            timeline.record(
                session, task.claim_id, "review.released", now, actor, task.id, reviewer_id=str(held_by)
            )
        return task


def _photo(session: Session, photo_id: int, actor: Actor, now: datetime) -> tuple[Task, Photo]:
    task_id = session.get_one(Photo, photo_id).task_id
    task = _task(session, task_id, actor)
    _take(session, task, actor, now)
    return task, queries.photo_for_update(session, photo_id)


def approve_photo(sessions: Sessions, actor: Actor, photo_id: int, now: datetime | None = None) -> Photo:
    """Accepts a photo; repeating it changes nothing."""
    with sessions.begin() as session:
        now = clock.read(session, now)
        task, photo = _photo(session, photo_id, actor, now)
        if photo.verdict == "approved":
            return photo
        photo.verdict = "approved"
        session.add(PhotoReview(photo_id=photo.id, verdict="approved", by_id=actor.person_id, at=now))
        timeline.record(session, task.claim_id, "photo.approved", now, actor, task.id, photo_id=str(photo.id))
        outbox.append(session, "photo.approved", claim_id=task.claim_id, task_id=task.id, photo_id=photo.id)
        return photo


def send_back(
    session: Session,
    actor: Actor,
    photo_id: int,
    *,
    reason: str,
    note: str = "",
    region: dict[str, Any] | None = None,
    now: datetime | None = None,
) -> Task:
    """Asks for a retake, in the caller's transaction.

    The caller gives a job already handed in back to its surveyor in the same transaction (dispatch is a sibling).
    """
    if reason not in REASONS:
        raise Invalid.field("reason", f"one of {', '.join(REASONS)}")
    now = clock.read(session, now)
    task, photo = _photo(session, photo_id, actor, now)
    photo.verdict = "sent_back"
    verdict = {"verdict": "sent_back", "reason": reason, "note": note, "region": region}
    session.add(PhotoReview(photo_id=photo.id, by_id=actor.person_id, at=now, **verdict))
    surveyor_id = queries.surveyor_of(session, task.id)
    facts: dict[str, Any] = {"photo_id": str(photo.id), "shot": photo.shot, "reason": reason}
    timeline.record(session, task.claim_id, "photo.sent_back", now, actor, task.id, **facts)
    outbox.append(
        session,
        "photo.sent_back",
        claim_id=task.claim_id,
        task_id=task.id,
        photo_id=photo.id,
        surveyor_id=surveyor_id,
        reason=reason,
    )
    session.flush()
    return task


def ask_for(
    session: Session,
    actor: Actor,
    task_id: int,
    *,
    shots: list[str],
    note: str = "",
    now: datetime | None = None,
) -> Task:
    """Asks for shots that are not there at all, in the caller's transaction; the caller gives the job back."""
    now = clock.read(session, now)
    task = _task(session, task_id, actor)
    _take(session, task, actor, now)
    timeline.record(session, task.claim_id, "shots.asked_for", now, actor, task.id, shots=shots, note=note)
    session.flush()
    return task


def waive(
    sessions: Sessions, actor: Actor, task_id: int, shots: list[str], reason: str, now: datetime | None = None
) -> None:
    """Excuses required shots with a reason; audited. Repeating it changes nothing."""
    with sessions.begin() as session:
        now = clock.read(session, now)
        task = _task(session, task_id, actor)
        _take(session, task, actor, now)
        for shot in shots:
            if session.get(ShotWaiver, (task.id, shot)) is not None:
                continue
            session.add(ShotWaiver(task_id=task.id, shot=shot, reason=reason, by_id=actor.person_id, at=now))
            timeline.record(
                session, task.claim_id, "shot.waived", now, actor, task.id, shot=shot, reason=reason
            )
            audit.append(session, actor.person_id, "shot.waived", "task", task.id, now=now, shot=shot)


def annotate(
    sessions: Sessions, actor: Actor, photo_id: int, body: dict[str, Any], now: datetime | None = None
) -> Annotation:
    """Keeps a W3C Web Annotation on a photo."""
    with sessions.begin() as session:
        photo = session.get_one(Photo, photo_id)
        now = clock.read(session, now)
        row = Annotation(photo_id=photo.id, body=body, by_id=actor.person_id, at=now)
        session.add(row)
        session.flush()
        timeline.record(
            session, photo.claim_id, "photo.annotated", now, actor, photo.task_id, photo_id=str(photo.id)
        )
        return row
