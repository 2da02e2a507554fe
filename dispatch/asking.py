"""Asking: a question to one surveyor with a deadline. Two writers may try; the partial unique indexes pick the winner.

Lock order of this room: task, offer, surveyor, clock, escalation. Deadlines are judged by the database's time, read
after the locks are held.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from claims import catastrophes, clocks, states, timeline
from claims import queries as claims
from claims.models import Claim, Task
from claims.states import TaskState
from core import clock, metrics, outbox
from core.database import Sessions
from dispatch import candidates, catastrophe, policy, queries
from dispatch.crowd import Candidate
from dispatch.models import Decision
from dispatch.policy import Policy, Ring


class Lost(Exception):
    """The chosen one went home, took a job or was asked something else while he was being chosen: decide again."""


def awaiting(state: str, unassigned_reason: str | None) -> bool:
    """Whether the machine may ask somebody for this job."""
    if state == TaskState.PENDING:
        return True
    return state == TaskState.UNASSIGNED and unassigned_reason in policy.SELF_HEALING


def put(
    sessions: Sessions,
    task_id: int,
    round_seen: int,
    rule: Policy,
    candidate: Candidate,
    lines: Sequence[dict[str, Any]],
    now: datetime | None = None,
    also: Sequence[str] = (),
) -> int | None:
    """Puts the question to the chosen one; the offer's id, or None when the job was dealt with meanwhile. Raises Lost.

    `also`: the paths of organisations whose people are lent for this job.
    """
    with sessions.begin() as session:
        row = _still_waiting(session, task_id, round_seen)
        if row is None:
            return None
        at = now or row.now
        return ask(session, row, rule, candidate, lines, at, also)


def ask(
    session: Session,
    row: Any,
    rule: Policy,
    candidate: Candidate,
    lines: Sequence[dict[str, Any]],
    at: datetime,
    also: Sequence[str] = (),
    **why: str,
) -> int:
    """The question itself, in the caller's transaction, which holds the task. Raises Lost: roll back."""
    offer_id = queries.ask(session, _question(row, rule, candidate, lines, at, also) | why)
    if offer_id is None:
        raise Lost  # another job asked him in this very moment: the index said no
    # The offer first, then the surveyor, as an accept does it: the other way round the two wait for each other.
    if not candidates.hold(session, candidate.surveyor_id):
        raise Lost
    _offered(session, row, rule, at)
    return offer_id


def _still_waiting(session: Session, task_id: int, round_seen: int) -> Any:
    """The task under its lock when nothing has happened to it since it was weighed."""
    row = queries.job_for_update(session, task_id)
    if row is None or row.lon is None or row.Task.round != round_seen:
        return None
    return row if awaiting(row.Task.state, row.Task.unassigned_reason) else None


def _question(
    row: Any,
    rule: Policy,
    candidate: Candidate,
    lines: Sequence[dict[str, Any]],
    at: datetime,
    also: Sequence[str],
) -> dict[str, Any]:
    task: Task = row.Task
    states.next_task(task.state, TaskState.OFFERED)
    return {
        "task_id": task.id,
        "claim_id": task.claim_id,
        "surveyor_id": candidate.surveyor_id,
        "decision_id": row.decision_id,
        "now": at,
        "expires_at": at + rule.offer_ttl,
        "reach_by": at + rule.unseen if rule.unseen else None,
        "round": task.round + 1,
        "rank": next((line["rank"] for line in lines if line["outcome"] == "chosen"), 1),
        "distance_m": candidate.distance_m,
        "eta_s": candidate.soonest_s,
        "drive_s": candidate.eta_s,
        "eta_by": candidate.provider,
        "radius_m": ring_of(rule, row.path, candidate, also).radius_m,
        "provider": candidate.provider,
        "candidates": json.dumps(list(lines)),
    }


def ring_of(rule: Policy, path: str, candidate: Candidate, also: Sequence[str] = ()) -> Ring:
    """The first ring that holds somebody; who is lent (`also`: paths of organisations) belongs to every ring."""
    rings = policy.rings(rule, path)
    lent = candidate.org_path.startswith(tuple(also))
    found = (
        r
        for r in rings
        if (lent or candidate.org_path.startswith(r.scope)) and candidate.distance_m <= r.radius_m
    )
    return next(found, rings[-1])


def _offered(session: Session, row: Any, rule: Policy, at: datetime) -> None:
    task: Task = row.Task
    if task.round == 0:
        metrics.OFFER_WAIT.observe(max(0.0, (at - row.created_at).total_seconds()))
    metrics.OFFERS.labels("made").inc()
    if rule.clock_starts_at_asking:
        claim = session.get_one(Claim, task.claim_id)
        clocks.start_on(session, claim, "assigned", at, catastrophes.limits_of(session, claim))


def tell(session: Session, event: str, task: Task, offer_id: int, surveyor_id: int, **more: Any) -> None:
    """Writes an offer's event to the outbox."""
    ids = {"claim_id": task.claim_id, "task_id": task.id, "offer_id": offer_id, "surveyor_id": surveyor_id}
    outbox.append(session, event, **ids, **more)


def nobody(
    sessions: Sessions,
    task_id: int,
    round_seen: int,
    rule: Policy,
    lines: Sequence[dict[str, Any]],
    provider: str,
    now: datetime | None = None,
) -> None:
    """Nobody is left: the dispatcher's queue, with the reason and an account of those who are near."""
    with sessions.begin() as session:
        row = _still_waiting(session, task_id, round_seen)
        if row is None:
            return
        at = now or row.now
        force = catastrophes.over_task(session, task_id)
        ring = catastrophe.widen(policy.rings(rule, row.path), force)[-1]
        anybody = candidates.anybody_on_duty(session, ring, rule, at)
        reason = "nobody_in_reach" if anybody else "nobody_on_duty"
        if row.Task.state == TaskState.PENDING:
            session.add(
                Decision(
                    id=row.decision_id,
                    task_id=task_id,
                    at=at,
                    kind="auto",
                    radius_m=ring.radius_m,
                    provider=provider,
                    candidates=list(lines),
                    reason=reason,
                )
            )
        leave(session, row.Task, reason, at)


def hand_to_dispatcher(
    sessions: Sessions, task_id: int, round_seen: int, reason: str, now: datetime | None = None
) -> None:
    """Puts a job that nobody should be asked for any more into the dispatcher's queue."""
    with sessions.begin() as session:
        row = _still_waiting(session, task_id, round_seen)
        if row is not None:
            leave(session, row.Task, reason, now or row.now)


def unplaced(session: Session, task_id: int, now: datetime) -> None:
    """A job without a position: nobody can be nearest to it."""
    task = claims.task_for_update(session, task_id, skip_locked=True)
    if task is not None and awaiting(task.state, task.unassigned_reason):
        leave(session, task, "no_position", clock.read(session, now))


def wait_on(sessions: Sessions, task_ids: Sequence[int], reason: str, now: datetime | None = None) -> None:
    """Tried in vain again: jobs that are in the dispatcher's queue stay there, the next try ever more rarely."""
    with sessions.begin() as session:
        wanted = {
            "ids": list(task_ids),
            "reason": reason,
            "now": clock.read(session, now),
            "least": RETRY_LEAST_S,
            "most": RETRY_MOST_S,
            "healing": list(policy.SELF_HEALING),
        }
        queries.still_waiting(session, wanted)


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
