"""Asking: a question to one surveyor with a deadline. Two writers may try; the partial unique indexes pick the winner.

Lock order of this room: task, offer, surveyor, clock, escalation. Deadlines are judged by the database's time, read
after the locks are held.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from claims import catastrophes, clocks, limits, states, timeline
from claims.models import Claim, Task
from claims.states import TaskState
from core import metrics, outbox
from core.database import Sessions
from dispatch import candidates, catastrophe, explain, policy, queries
from dispatch.candidates import Candidate, Crowd, Job
from dispatch.models import Decision
from dispatch.policy import Policy, Ring
from geo.fix import LonLat
from staff import rules

# Somebody chosen went home in the same moment: decide again, with what is true now. Twice in a row is already odd.
TRIES = 3


class WentHome(Exception):
    """The chosen one ended his shift while he was being chosen; the decision is taken back."""


@dataclass(frozen=True)
class Ground:
    """What a decision stands on: the job, the people around and the rules in force."""

    task: Task
    reported_at: datetime
    crowd: Crowd
    rule: Policy
    rings: tuple[Ring, ...]
    values: dict[str, Any]
    decision_id: int
    now: datetime


def offer_next(sessions: Sessions, task_id: int, now: datetime | None = None) -> int | None:
    """Asks the next able surveyor, or hands the job to the dispatcher's queue when nobody is left.

    Returns the offer's id, or None when nobody was asked. Safe to call at any moment by anybody: a task that is busy or
    not waiting is left alone.
    """
    for _ in range(TRIES):
        try:
            with sessions.begin() as session:
                return _decide(session, task_id, now)
        except WentHome:
            continue
    return None


def awaiting(task: Task) -> bool:
    """Whether the machine may ask somebody for this job."""
    if task.state == TaskState.PENDING:
        return True
    return task.state == TaskState.UNASSIGNED and task.unassigned_reason in policy.SELF_HEALING


def _decide(session: Session, task_id: int, now: datetime | None) -> int | None:
    row = queries.job_for_update(session, task_id)
    if row is None or not awaiting(row.Task):
        return None
    task, now = row.Task, now or row.now
    if row.lon is None:
        leave(session, task, "no_position", now)
        return None
    values = rules.values(session, task.org_id, policy.DEFAULTS | limits.DEFAULTS)
    values |= catastrophes.of_claim(session, row.catastrophe_id)
    rule = Policy.of(values)
    if task.round >= rule.rounds_max:
        leave(session, task, "rounds_used", now)
        return None
    job = Job(LonLat(row.lon, row.lat), tuple(task.needs), row.path, task.id, task.round)
    crowd = Crowd(session, job, rule, now)
    rings = catastrophe.widen(policy.rings(rule, row.path), catastrophes.over_task(session, task.id))
    ground = Ground(task, row.created_at, crowd, rule, rings, values, row.decision_id, now)
    # First those not asked yet, in every ring; only then those who let an earlier offer run out.
    for again in (False, True) if task.round else (False,):
        for ring in rings:
            offer_id = _ask_one(session, ground, ring, crowd.able(ring, again=again))
            if offer_id is not None:
                return offer_id
    _nobody(session, ground)
    return None


def _ask_one(session: Session, ground: Ground, ring: Ring, able: list[Candidate]) -> int | None:
    """Offers the job to the first of the able who is still free."""
    around = ground.crowd.around(ring) if able else []
    for rank, candidate in enumerate(able):
        lines = explain.account(able, around, candidate)
        offer_id = queries.ask(session, _question(ground, ring, candidate, rank + 1, lines))
        if offer_id is None:
            continue  # another job asked him in this very moment: the index said no, the next one is asked
        # The offer first, then the surveyor, as an accept does it: the other way round the two wait for each other.
        if not candidates.hold(session, candidate.surveyor_id):
            raise WentHome
        _offered(session, ground)
        return offer_id
    return None


def _question(
    ground: Ground, ring: Ring, candidate: Candidate, rank: int, lines: list[dict[str, Any]]
) -> dict[str, Any]:
    states.next_task(ground.task.state, TaskState.OFFERED)
    return {
        "task_id": ground.task.id,
        "claim_id": ground.task.claim_id,
        "surveyor_id": candidate.surveyor_id,
        "decision_id": ground.decision_id,
        "now": ground.now,
        "expires_at": ground.now + ground.rule.offer_ttl,
        "round": ground.task.round + 1,
        "rank": rank,
        "distance_m": candidate.distance_m,
        "eta_s": candidate.eta_s,
        "radius_m": ring.radius_m,
        "provider": candidate.provider,
        "candidates": json.dumps(lines),
    }


def _offered(session: Session, ground: Ground) -> None:
    if ground.task.round == 0:
        metrics.OFFER_WAIT.observe(max(0.0, (ground.now - ground.reported_at).total_seconds()))
    metrics.OFFERS.labels("made").inc()
    if "assigned" in (ground.values["contact_start"], ground.values["arrive_start"]):
        claim = session.get_one(Claim, ground.task.claim_id)
        clocks.start_on(session, claim, "assigned", ground.now, ground.values)


def tell(session: Session, event: str, task: Task, offer_id: int, surveyor_id: int, **more: Any) -> None:
    """Writes an offer's event to the outbox."""
    ids = {"claim_id": task.claim_id, "task_id": task.id, "offer_id": offer_id, "surveyor_id": surveyor_id}
    outbox.append(session, event, **ids, **more)


def _nobody(session: Session, ground: Ground) -> None:
    """Nobody is left: the dispatcher's queue, with the reason and an account of those who are near."""
    ring = ground.rings[-1]
    anybody = candidates.anybody_on_duty(session, ring, ground.rule, ground.now)
    reason = "nobody_in_reach" if anybody else "nobody_on_duty"
    if ground.task.state == TaskState.PENDING:
        session.add(
            Decision(
                id=ground.decision_id,
                task_id=ground.task.id,
                at=ground.now,
                kind="auto",
                radius_m=ring.radius_m,
                provider="straight_line",
                candidates=explain.account((), ground.crowd.around(ring), None),
                reason=reason,
            )
        )
    leave(session, ground.task, reason, ground.now)


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
