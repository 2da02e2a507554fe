"""What a surveyor reports while he holds a job: rung, gone, arrived, agreed a time, done, or given back.

The server's clock decides deadlines; the phone's time is kept beside it. Everything may be said twice.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from claims import clocks, limits, states, timeline
from claims import queries as claims
from claims.models import Claim, Task
from claims.states import ClaimState, TaskState
from core import clock, outbox
from core.database import Sessions
from core.errors import Invalid, Missing
from dispatch import candidates, policy, scene
from dispatch.errors import ArrivalUnproven
from dispatch.holding import active, again, end, handed_in, last_of, mine, task_locked, told
from dispatch.models import Assignment, Contact
from geo import filters, store
from geo.fix import LonLat, metres_between
from staff.accounts import Actor

CHANNELS = ("phone", "privacy_number", "sms", "wechat", "other")
RESULTS = ("answered", "no_answer", "refused", "wrong_number")
# Older than this a position does not say where somebody is now.
HERE_S = 300
DWELL_SEARCH = timedelta(minutes=30)


def contacted(
    sessions: Sessions,
    task_id: int,
    surveyor_id: int,
    channel: str,
    result: str,
    actor: Actor,
    device_at: datetime | None = None,
    seq: int | None = None,
    now: datetime | None = None,
) -> None:
    """Records a try to speak to the reporter. Only `answered`, by who holds the job, stops the contact clock.

    A former assignee's call is kept with its author and marked; it stops the clock only if the setting says so.
    Raises Missing when he never had the job, Invalid for an unknown channel or result.
    """
    _one_of("channel", channel, CHANNELS)
    _one_of("result", result, RESULTS)
    with sessions.begin() as session:
        task = task_locked(session, task_id)
        now = clock.read(session, now)
        held = active(session, task_id, lock=True)
        last = (
            held
            if held is not None and held.surveyor_id == surveyor_id
            else last_of(session, task_id, surveyor_id)
        )
        if last is None:
            raise Missing("no such task")
        former = last is not held
        marks = contact_marks(channel, former, device_at, last.accepted_at)
        values = {
            "task_id": task_id, "surveyor_id": surveyor_id, "device_id": actor.device_id, "seq": seq, "channel": channel,
            "result": result, "at": now, "device_at": device_at, "marks": marks,
        }  # fmt: skip
        new = session.execute(
            insert(Contact).values(values).on_conflict_do_nothing().returning(Contact.id)
        ).first()
        if new is None:
            return
        facts: dict[str, Any] = {
            "channel": channel,
            "result": result,
            "marks": marks,
            "surveyor_id": str(surveyor_id),
        }
        timeline.record(session, task.claim_id, "task.contact_tried", now, actor, task.id, device_at, **facts)
        if result == "answered":
            _answered(session, task, last, former, actor, device_at, now)


def contact_marks(channel: str, former: bool, device_at: datetime | None, accepted_at: datetime) -> list[str]:
    """What is odd about a contact: `not_assigned`, `before_dispatch` by the phone's clock, `unverified` without a record."""
    marks = ["not_assigned"] if former else []
    if device_at is not None and device_at < accepted_at:
        marks.append("before_dispatch")
    if channel != "privacy_number":
        marks.append("unverified")
    return marks


def _answered(
    session: Session,
    task: Task,
    assignment: Assignment,
    former: bool,
    actor: Actor,
    device_at: datetime | None,
    now: datetime,
) -> None:
    if former and not limits.read(session, task.org_id)["former_contact_counts"]:
        return
    first = assignment.contacted_at is None
    assignment.contacted_at = assignment.contacted_at or now
    if not former and task.state == TaskState.ACCEPTED:
        states.move_task(task, TaskState.CONTACTED, now)
    clocks.stop_clock(session, task.claim_id, "contact", "answered", now)
    if first:
        told(session, "task.contacted", task, assignment, actor, device_at, now)


def depart(
    sessions: Sessions,
    task_id: int,
    surveyor_id: int,
    actor: Actor,
    device_at: datetime | None = None,
    now: datetime | None = None,
) -> None:
    """He is on his way. Raises Missing, NotYours, claims.errors.TaskState."""
    with sessions.begin() as session:
        task = task_locked(session, task_id)
        now = clock.read(session, now)
        held = mine(session, task, surveyor_id)
        if task.state == TaskState.EN_ROUTE:
            return
        states.move_task(task, TaskState.EN_ROUTE, now)
        held.departed_at = held.departed_at or now
        told(session, "task.departed", task, held, actor, device_at, now)


def arrive(
    sessions: Sessions,
    task_id: int,
    surveyor_id: int,
    actor: Actor,
    position: LonLat | None = None,
    reason: str | None = None,
    device_at: datetime | None = None,
    now: datetime | None = None,
) -> None:
    """He is on scene: proven by his position, by his track, or explained by a reason. A departure is implied.

    Raises Missing, NotYours, ArrivalUnproven, claims.errors.TaskState.
    """
    with sessions.begin() as session:
        task = task_locked(session, task_id)
        now = clock.read(session, now)
        held = mine(session, task, surveyor_id)
        if task.state == TaskState.ON_SCENE:
            return
        states.next_task(task.state, TaskState.ON_SCENE)
        proof = _proof(session, task, surveyor_id, position, reason, now)
        implied = held.departed_at is None
        held.departed_at, held.arrived_at, held.arrival_proof = held.departed_at or now, now, proof
        states.move_task(task, TaskState.ON_SCENE, now)
        clocks.stop_clock(session, task.claim_id, "arrival", "arrived", now)
        told(
            session,
            "task.arrived",
            task,
            held,
            actor,
            device_at,
            now,
            proof=proof["kind"],
            implied_departure=implied,
        )


def _proof(
    session: Session, task: Task, surveyor_id: int, position: LonLat | None, reason: str | None, now: datetime
) -> dict[str, Any]:
    place = claims.place_of(session, task.claim_id)
    if place is None:
        return {"kind": "unpinned", "reason": reason}
    rule = policy.read(session, task.org_id)
    here = position or candidates.position_of(session, surveyor_id, since=now - timedelta(seconds=HERE_S))
    distance_m = round(metres_between(here, place)) if here is not None else None
    if distance_m is not None and distance_m <= rule.arrive_within_m:
        return {"kind": "position", "distance_m": distance_m, "source": "given" if position else "tracked"}
    fixes = store.track(session, surveyor_id, now - DWELL_SEARCH, now)
    came = filters.at_place(fixes, place, radius_m=rule.dwell_m, for_s=rule.dwell_s)
    if came is None:
        came = scene.came(session, surveyor_id, task.id)
    if came is not None:
        return {"kind": "dwell", "since": came.isoformat()}
    if reason and reason.strip():
        return {"kind": "reason", "reason": reason.strip(), "distance_m": distance_m}
    raise ArrivalUnproven(
        "no position near the loss; give a reason", distance_m=distance_m, within_m=rule.arrive_within_m
    )


def submit(
    sessions: Sessions,
    task_id: int,
    surveyor_id: int,
    report: dict[str, Any],
    actor: Actor,
    device_at: datetime | None = None,
    now: datetime | None = None,
) -> None:
    """Hands the report in: his duty is done, a place under his cap is free, the assessment clock runs.

    Raises Missing, NotYours, claims.errors.TaskState.
    """
    with sessions.begin() as session:
        task = task_locked(session, task_id)
        now = clock.read(session, now)
        if handed_in(session, task, surveyor_id):
            return
        held = mine(session, task, surveyor_id)
        states.move_task(task, TaskState.SUBMITTED, now)
        held.completed_at, held.report = held.completed_at or now, report
        end(session, task, held, "done", None, actor, now)
        claim = claims.claim_for_update(session, task.claim_id)
        _to_assessing(claim, now)
        clocks.stop_clock(session, claim.id, "arrival", "submitted", now)
        clocks.start_assessment(session, claim, now)
        told(session, "task.submitted", task, held, actor, device_at, now)
        outbox.wake(session, outbox.TASKS_CHANNEL)  # somebody is free again: a waiting job may go out


def _to_assessing(claim: Claim, now: datetime) -> None:
    if claim.state in (ClaimState.SURVEYING, ClaimState.REOPENED):
        states.move_claim(claim, ClaimState.ASSESSING, now)


def hand_over(
    sessions: Sessions,
    task_id: int,
    surveyor_id: int,
    reason: str,
    actor: Actor,
    device_at: datetime | None = None,
    now: datetime | None = None,
) -> None:
    """Gives the job back, with a reason; the next candidate is asked, the photos stay. Said twice it answers the same."""
    if not reason.strip():
        raise Invalid.field("reason", "say why")
    with sessions.begin() as session:
        task = task_locked(session, task_id)
        now = clock.read(session, now)
        last = last_of(session, task_id, surveyor_id)
        if last is not None and last.end_reason == "handed_over":
            return
        held = mine(session, task, surveyor_id)
        states.next_task(task.state, TaskState.PENDING)
        end(session, task, held, "handed_over", reason, actor, now)
        again(session, task, now)
        facts: dict[str, Any] = {"surveyor_id": str(surveyor_id)}
        timeline.record(
            session, task.claim_id, "task.handed_over", now, actor, task.id, device_at, reason=reason, **facts
        )
        outbox.append(
            session,
            "task.handed_over",
            claim_id=task.claim_id,
            task_id=task.id,
            surveyor_id=surveyor_id,
            reason=reason,
        )


def _one_of(path: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise Invalid.field(path, "one of " + ", ".join(known))
