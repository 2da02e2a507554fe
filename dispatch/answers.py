"""Answers: an offer is accepted, declined, runs out or is taken back. Deadlines are judged by the database's time.

Lock order, as everywhere in this room: task, offer, surveyor, claim, clock, escalation; the time is read after the locks.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from claims import catastrophes, clocks, states, timeline
from claims import queries as claims
from claims.models import Task
from claims.states import ClaimState, TaskState
from core import clock, metrics, outbox
from core.database import Sessions
from core.errors import Invalid, Missing
from dispatch import appointments, bundles, delivery_queries, policy, queries
from dispatch.asking import tell
from dispatch.errors import OfferSettled, refereed
from dispatch.models import Assignment, Offer
from dispatch.states import OfferState, settle
from staff.accounts import Actor


def accept(
    sessions: Sessions,
    offer_id: int,
    surveyor_id: int,
    actor: Actor,
    device_at: datetime | None = None,
    now: datetime | None = None,
) -> int:
    """Takes the job; returns the assignment's id. Said twice it answers the same (S-04).

    Raises Missing (not his offer), OfferSettled (too late, withdrawn, …), AtCap, AlreadyAssigned.
    """
    with sessions.begin() as session, refereed():
        task, offer = _locked(session, offer_id, surveyor_id)
        now = clock.read(session, now)
        if offer.state == OfferState.ACCEPTED:
            return _assignment_of(session, offer_id)
        _still_open(offer, now)
        settle(offer, OfferState.ACCEPTED, now)
        offer.delivered_at = offer.delivered_at or now
        queries.note_answer(session, surveyor_id)
        assignment = Assignment(
            task_id=task.id,
            surveyor_id=surveyor_id,
            offer_id=offer.id,
            accepted_at=now,
            eta_s=offer.eta_s,
            drive_s=offer.drive_s,
            eta_by=offer.eta_by,
        )
        session.add(assignment)
        session.flush()
        take_on(session, task, assignment, now)
        bundles.take(session, task, assignment, now, take_on)
        facts: dict[str, Any] = {
            "offer_id": str(offer.id),
            "surveyor_id": str(surveyor_id),
            "assignment_id": str(assignment.id),
        }
        timeline.record(session, task.claim_id, "offer.accepted", now, actor, task.id, device_at, **facts)
        tell(session, "offer.accepted", task, offer.id, surveyor_id, assignment_id=assignment.id)
        metrics.OFFERS.labels("accepted").inc()
        return assignment.id


def take_on(session: Session, task: Task, assignment: Assignment, now: datetime) -> None:
    """What follows from somebody holding the job: states, the dispatch clock, the arrival foreseen."""
    claim = claims.claim_for_update(session, task.claim_id)
    states.move_task(task, TaskState.ACCEPTED, now)
    if claim.state in (ClaimState.OPEN, ClaimState.REOPENED):
        states.move_claim(claim, ClaimState.SURVEYING, now)
    clocks.stop_clock(session, claim.id, "dispatch", "accepted", now)
    values = catastrophes.limits_of(session, claim)
    clocks.start_on(session, claim, "assigned", now, values)
    clocks.start_on(session, claim, "accepted", now, values)
    appointments.inherit(session, task, assignment, now)
    if assignment.eta_s is not None:
        clocks.expect_arrival(session, claim.id, now + timedelta(seconds=assignment.eta_s))


def decline(
    sessions: Sessions,
    offer_id: int,
    surveyor_id: int,
    reason: str,
    actor: Actor,
    device_at: datetime | None = None,
    now: datetime | None = None,
    note: str = "",
) -> None:
    """Says no, with a reason; the next candidate is asked at once. Said twice it answers the same.

    Raises Missing, OfferSettled, Invalid for an unknown reason.
    """
    if reason not in policy.DECLINE_REASONS:
        raise Invalid.field("reason", "one of " + ", ".join(policy.DECLINE_REASONS))
    with sessions.begin() as session:
        task, offer = _locked(session, offer_id, surveyor_id)
        now = clock.read(session, now)
        if offer.state == OfferState.DECLINED:
            return
        _still_open(offer, now)
        settle(offer, OfferState.DECLINED, now)
        offer.delivered_at = offer.delivered_at or now
        queries.note_answer(session, surveyor_id)
        offer.decline_reason = reason
        facts: dict[str, Any] = {"offer_id": str(offer.id), "surveyor_id": str(surveyor_id), "reason": reason}
        timeline.record(
            session, task.claim_id, "offer.declined", now, actor, task.id, device_at, **facts, note=note
        )
        tell(session, "offer.declined", task, offer.id, surveyor_id)
        metrics.OFFERS.labels("declined").inc()
        back_to_pool(session, task, now)


def back_to_pool(session: Session, task: Task, now: datetime) -> None:
    """The offer came to nothing: the job waits for the next candidate, from this moment."""
    states.move_task(task, TaskState.PENDING, now)
    task.next_try_at = now
    outbox.wake(session, outbox.TASKS_CHANNEL)


def expire_offers(sessions: Sessions, now: datetime | None = None, limit: int = 100) -> list[int]:
    """Ends the offers whose time is up, that no phone fetched in time, and of people off duty; returns their tasks.

    One small transaction each: an accept that holds its task is waited for by nobody, the next tick comes back to it.
    """
    with sessions.begin() as session:
        moment = clock.read(session, now)
        due = queries.due_offers(session, moment, limit)
    return [row.task_id for row in due if _expire(sessions, row.id, row.task_id, now)]


def _expire(sessions: Sessions, offer_id: int, task_id: int, now: datetime | None) -> bool:
    with sessions.begin() as session:
        task = claims.task_for_update(session, task_id, skip_locked=True)
        if task is None:
            return False
        offer = _offer_for_update(session, offer_id)
        moment = clock.read(session, now)
        outcome = None if offer is None else _outcome(session, offer, moment)
        if offer is None or outcome is None:
            return False
        settle(offer, outcome, moment)
        event = f"offer.{outcome}"
        facts: dict[str, Any] = {
            "offer_id": str(offer.id),
            "surveyor_id": str(offer.surveyor_id),
            "expires_at": offer.expires_at,
        }
        timeline.record(session, task.claim_id, event, moment, None, task.id, **facts)
        tell(session, event, task, offer.id, offer.surveyor_id)
        metrics.OFFERS.labels(str(outcome)).inc()
        if outcome is OfferState.EXPIRED:
            queries.note_silence(session, offer.surveyor_id, moment)
        else:
            task.round -= 1  # he went home, or nobody could hear: no round is used
        if outcome is OfferState.UNREACHED:
            delivery_queries.note_unreached(session, offer.surveyor_id)
            task.unreached += 1
        if task.state == TaskState.OFFERED:
            back_to_pool(session, task, moment)
        return True


def _outcome(session: Session, offer: Offer, now: datetime) -> OfferState | None:
    """What an open offer has come to; None: it was settled meanwhile, or a phone fetched it just before its lock was taken."""
    if offer.state != OfferState.OPEN:
        return None
    if _unreached(offer, now):
        return OfferState.UNREACHED
    if offer.expires_at <= now:
        return OfferState.EXPIRED
    return None if queries.on_duty(session, offer.surveyor_id) else OfferState.WITHDRAWN


def _unreached(offer: Offer, now: datetime) -> bool:
    return offer.delivered_at is None and offer.reach_by is not None and offer.reach_by <= now


def withdraw_open(session: Session, task: Task, actor: Actor | None, now: datetime) -> Offer | None:
    """Takes back the unanswered offer of a task, if any. The caller holds the task's lock."""
    offer = session.scalars(
        select(Offer)
        .where(Offer.task_id == task.id, Offer.state == "open")
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if offer is None:
        return None
    settle(offer, OfferState.WITHDRAWN, now)
    facts: dict[str, Any] = {"offer_id": str(offer.id), "surveyor_id": str(offer.surveyor_id)}
    timeline.record(session, task.claim_id, "offer.withdrawn", now, actor, task.id, **facts)
    tell(session, "offer.withdrawn", task, offer.id, offer.surveyor_id)
    metrics.OFFERS.labels("withdrawn").inc()
    session.flush()
    return offer


def _locked(session: Session, offer_id: int, surveyor_id: int) -> tuple[Task, Offer]:
    """The task, then the offer, under row locks. Raises Missing when the offer is not his."""
    seen = session.execute(
        select(Offer.task_id).where(Offer.id == offer_id, Offer.surveyor_id == surveyor_id)
    ).scalar_one_or_none()
    if seen is None:
        raise Missing("no such offer")
    task = claims.task_for_update(session, seen)
    offer = _offer_for_update(session, offer_id)
    if task is None or offer is None:
        raise Missing("no such offer")
    return task, offer


def _offer_for_update(session: Session, offer_id: int) -> Offer | None:
    return session.scalars(
        select(Offer)
        .where(Offer.id == offer_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()


def _still_open(offer: Offer, now: datetime) -> None:
    if offer.state != OfferState.OPEN:
        raise OfferSettled(f"the offer is {offer.state}", state=offer.state)
    if _unreached(offer, now):
        raise OfferSettled("the offer reached no phone in time", state=str(OfferState.UNREACHED))
    if now >= offer.expires_at:
        raise OfferSettled("the time to answer is over", state=str(OfferState.EXPIRED))


def _assignment_of(session: Session, offer_id: int) -> int:
    return session.execute(select(Assignment.id).where(Assignment.offer_id == offer_id)).scalar_one()
