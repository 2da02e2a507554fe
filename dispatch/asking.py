"""Asking: a question to one surveyor with a deadline. Two writers may try; the partial unique indexes pick the winner.

Lock order of this room: task, offer, surveyor, clock, escalation. Deadlines are judged by the database's time, read
after the locks are held.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from claims import clocks, limits, states, timeline
from claims import queries as claims
from claims.models import Claim, Task
from claims.states import TaskState
from core import clock, metrics, outbox
from core.database import Sessions
from dispatch import candidates, explain, policy
from dispatch.candidates import Candidate, Crowd, Job
from dispatch.models import Decision
from dispatch.policy import Policy, Ring
from staff import rules


@dataclass(frozen=True)
class Ground:
    """What a decision stands on: the job, its claim, the people around and the rules in force."""

    task: Task
    claim: Claim
    crowd: Crowd
    rule: Policy
    rings: tuple[Ring, ...]
    values: dict[str, Any]


def offer_next(sessions: Sessions, task_id: int, now: datetime | None = None) -> int | None:
    """Asks the next able surveyor, or hands the job to the dispatcher's queue when nobody is left.

    Returns the offer's id, or None when nobody was asked. Safe to call at any moment by anybody: a task that is busy or
    not waiting is left alone.
    """
    with sessions.begin() as session:
        task = claims.task_for_update(session, task_id, skip_locked=True)
        if task is None or not awaiting(task):
            return None
        return offer_in(session, task, clock.read(session, now))


def awaiting(task: Task) -> bool:
    """Whether the machine may ask somebody for this job."""
    if task.state == TaskState.PENDING:
        return True
    return task.state == TaskState.UNASSIGNED and task.unassigned_reason in policy.SELF_HEALING


def offer_in(session: Session, task: Task, now: datetime) -> int | None:
    """The heart of `offer_next`. The caller holds the task's lock."""
    claim, place, path = claims.ground_of(session, task)
    if place is None:
        leave(session, task, "no_position", now)
        return None
    values = rules.values(session, task.org_id, policy.DEFAULTS | limits.DEFAULTS)
    rule = Policy.of(values)
    if task.round >= rule.rounds_max:
        leave(session, task, "rounds_used", now)
        return None
    job = Job(place, tuple(task.needs), path, task.id, task.round)
    crowd = Crowd(session, job, rule, now)
    ground = Ground(task, claim, crowd, rule, policy.rings(rule, path), values)
    # First those not asked yet, in every ring; only then those who let an earlier offer run out.
    for again in (False, True) if task.round else (False,):
        for ring in ground.rings:
            able = crowd.able(ring, again=again)
            offer_id = _ask_one(session, ground, ring, able, now) if able else None
            if offer_id is not None:
                return offer_id
    _nobody(session, ground, now)
    return None


def _ask_one(
    session: Session, ground: Ground, ring: Ring, able: list[Candidate], now: datetime
) -> int | None:
    """Offers the job to the first of the able who is still free."""
    for rank, candidate in enumerate(able):
        offer_id = _insert(session, ground, candidate, rank + 1, now)
        if offer_id is None:
            continue  # another job asked him in this very moment: the index said no, the next one is asked
        # The offer first, then the surveyor, as an accept does it: the other way round the two wait for each other.
        if not candidates.hold(session, candidate.surveyor_id):
            session.execute(text("DELETE FROM offer WHERE id = :id"), {"id": offer_id})
            continue  # he has just gone home
        around = ground.crowd.around(ring)
        decision = _record(
            session, ground, ring, explain.account(able, around, candidate), candidate, None, now
        )
        session.execute(
            text("UPDATE offer SET decision_id = :decision WHERE id = :id"),
            {"decision": decision.id, "id": offer_id},
        )
        _tell_offered(session, ground, candidate, offer_id, now)
        return offer_id
    return None


# Not an ORM insert with a savepoint: losing to another job is normal in a burst and must cost one statement.
INSERT = """
INSERT INTO offer (task_id, surveyor_id, state, made_at, expires_at, round, rank, distance_m, eta_s)
VALUES (:task_id, :surveyor_id, 'open', :now, :expires_at, :round, :rank, :distance_m, :eta_s)
    ON CONFLICT DO NOTHING
RETURNING id
"""


def _insert(session: Session, ground: Ground, candidate: Candidate, rank: int, now: datetime) -> int | None:
    row = session.execute(
        text(INSERT),
        {
            "task_id": ground.task.id,
            "surveyor_id": candidate.surveyor_id,
            "now": now,
            "expires_at": now + ground.rule.offer_ttl,
            "round": ground.task.round + 1,
            "rank": rank,
            "distance_m": candidate.distance_m,
            "eta_s": candidate.eta_s,
        },
    ).one_or_none()
    return None if row is None else int(row.id)


def _record(
    session: Session,
    ground: Ground,
    ring: Ring,
    lines: list[dict[str, Any]],
    chosen: Candidate | None,
    reason: str | None,
    now: datetime,
) -> Decision:
    decision = Decision(
        task_id=ground.task.id,
        at=now,
        kind="auto",
        radius_m=ring.radius_m,
        provider=chosen.provider if chosen else "straight_line",
        chosen_id=chosen.surveyor_id if chosen else None,
        candidates=lines,
        made_by=None,
        reason=reason,
    )
    session.add(decision)
    session.flush()
    return decision


def _tell_offered(
    session: Session, ground: Ground, candidate: Candidate, offer_id: int, now: datetime
) -> None:
    task, claim = ground.task, ground.claim
    if task.round == 0:
        metrics.OFFER_WAIT.observe(max(0.0, (now - claim.created_at).total_seconds()))
    metrics.OFFERS.labels("made").inc()
    states.move_task(task, TaskState.OFFERED, now)
    task.round += 1
    clocks.start_on(session, claim, "assigned", now, ground.values)
    facts: dict[str, Any] = {
        "offer_id": str(offer_id),
        "surveyor_id": str(candidate.surveyor_id),
        "round": task.round,
    }
    expires_at = now + ground.rule.offer_ttl
    timeline.record(session, claim.id, "offer.made", now, None, task.id, **facts, expires_at=expires_at)
    tell(session, "offer.made", task, offer_id, candidate.surveyor_id)


def tell(session: Session, event: str, task: Task, offer_id: int, surveyor_id: int, **more: Any) -> None:
    """Writes an offer's event to the outbox."""
    outbox.append(
        session,
        event,
        claim_id=task.claim_id,
        task_id=task.id,
        offer_id=offer_id,
        surveyor_id=surveyor_id,
        **more,
    )


def _nobody(session: Session, ground: Ground, now: datetime) -> None:
    """Nobody is left: the dispatcher's queue, with the reason and an account of those who are near."""
    ring = ground.rings[-1]
    anybody = candidates.anybody_on_duty(session, ring.scope, ground.rule, now)
    reason = "nobody_in_reach" if anybody else "nobody_on_duty"
    if ground.task.state == TaskState.PENDING:
        around = ground.crowd.around(ring)
        _record(session, ground, ring, explain.account((), around, None), None, reason, now)
    leave(session, ground.task, reason, now)


# A job tried in vain is not tried again at every tick; the longer it waits the rarer, so that none starves the others.
RETRY_LEAST_S, RETRY_MOST_S = 5, 60


def leave(session: Session, task: Task, reason: str, now: datetime) -> None:
    """Puts a job into the dispatcher's queue; told once, not at every vain try."""
    waited_s = (now - task.state_since).total_seconds()
    if task.state != TaskState.UNASSIGNED:
        states.move_task(task, TaskState.UNASSIGNED, now)
        task.unassigned_reason = reason
        timeline.record(session, task.claim_id, "task.unassigned", now, None, task.id, reason=reason)
        outbox.append(session, "task.unassigned", claim_id=task.claim_id, task_id=task.id, reason=reason)
        waited_s = 0.0
    task.unassigned_reason = reason
    pause_s = min(RETRY_MOST_S, max(RETRY_LEAST_S, waited_s / 10))
    task.next_try_at = now + timedelta(seconds=pause_s) if reason in policy.SELF_HEALING else None
