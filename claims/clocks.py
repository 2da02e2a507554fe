"""The clocks: started with their ladder, stopped by the server's time, fired once by whichever sweeper comes first.

Lock order inside this file: clock, then its escalations. The database's time is the only judge.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from claims import limits, queries, timeline
from claims.limits import Plan
from claims.models import Claim, Clock, Escalation, Task
from core import metrics, outbox

RUNNING, MET, BREACHED, VOID = "running", "met", "breached", "void"
ORDER = limits.ORDER
CALLED_OFF = "appointment_off"


def start(
    session: Session, claim_id: int, plan: Plan, event: str, start_at: datetime, now: datetime
) -> Clock:
    """Starts a clock with its ladder."""
    return start_all(session, claim_id, [plan], event, start_at, now)[0]


def start_all(
    session: Session, claim_id: int, plans: list[Plan], event: str, start_at: datetime, now: datetime
) -> list[Clock]:
    """Starts clocks with their ladders: two statements however many."""
    rows = [{"claim_id": claim_id} | row(plan, event, start_at) for plan in plans]
    clocks = {clock.kind: clock for clock in session.scalars(insert(Clock).returning(Clock), rows)}
    ladders = [
        {"clock_id": clocks[plan.kind].id} | rung for plan in plans for rung in rungs(plan, start_at, now)
    ]
    session.execute(insert(Escalation), ladders)
    return [clocks[plan.kind] for plan in plans]


def row(plan: Plan, event: str, start_at: datetime) -> dict[str, Any]:
    """A running clock, by column, without whose it is."""
    return {
        "kind": plan.kind,
        "start_event": event,
        "start_at": start_at,
        "limit_s": int(plan.limit.total_seconds()),
        "due_at": start_at + plan.limit,
        "state": RUNNING,
        "predicted": "ok",
    }


def rungs(plan: Plan, start_at: datetime, now: datetime) -> list[dict[str, Any]]:
    """The ladder of a clock, by column, without whose it is."""
    passed = [rung for rung in plan.rungs if start_at + rung.after <= now]
    return [
        {
            "stage": rung.stage,
            "due_at": start_at + rung.after,
            # Of rungs already passed at birth only the highest speaks, and the breach: one alarm about one fact.
            "state": VOID if rung in passed[:-1] and rung.stage != "breach" else "waiting",
        }
        for rung in plan.rungs
    ]


def plans_of_report(rule: dict[str, Any], line: str, area_kind: str) -> list[Plan]:
    """The clocks a report starts by itself: dispatch always, contact and arrival when their start is the report's end."""
    rule = limits.of_line(rule, line)
    plans: list[Plan | None] = [limits.dispatch_plan(rule)]
    if rule["contact_start"] == "report_end":
        plans.append(limits.contact_plan(rule))
    if rule["arrive_start"] == "report_end":
        plans.append(limits.arrival_plan(rule, area_kind))
    return [plan for plan in plans if plan is not None]


def start_on(session: Session, claim: Claim, event: str, at: datetime, rule: dict[str, Any]) -> None:
    """Starts the clocks whose setting says they start at `event` (`assigned`, `accepted`). The first time counts."""
    if event not in (rule["contact_start"], rule["arrive_start"]):
        return
    rule = limits.of_line(rule, claim.line)
    running = set(session.scalars(select(Clock.kind).where(Clock.claim_id == claim.id)))
    if rule["contact_start"] == event and "contact" not in running:
        start(session, claim.id, limits.contact_plan(rule), event, at, at)
    if rule["arrive_start"] == event and "arrival" not in running:
        plan = limits.arrival_plan(rule, area_kind_of(session, claim))
        if plan is not None:
            start(session, claim.id, plan, event, at, at)


def start_assessment(session: Session, claim: Claim, at: datetime) -> None:
    """Starts the assessment clock at the first report of the survey; roadside assistance assesses nothing."""
    if claim.line == limits.ASSIST:
        return
    if locked(session, claim.id, "assessment") is None:
        start(
            session, claim.id, limits.assessment_plan(limits.read(session, claim.org_id)), "submitted", at, at
        )


def area_kind_of(session: Session, claim: Claim) -> str:
    """urban, suburb or remote; a claim outside every area is held to the strict limit."""
    if claim.area_id is None:
        return "urban"
    return str(
        session.execute(text("SELECT kind FROM area WHERE id = :id"), {"id": claim.area_id}).scalar_one()
    )


def locked(session: Session, claim_id: int, kind: str) -> Clock | None:
    """The clock under a row lock."""
    return session.scalars(
        select(Clock)
        .where(Clock.claim_id == claim_id, Clock.kind == kind)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one_or_none()


def stop_clock(session: Session, claim_id: int, kind: str, event: str, at: datetime) -> Clock | None:
    """Stops a clock; a second stop changes nothing. Returns it, or None when the claim has no such clock."""
    clock = locked(session, claim_id, kind)
    if clock is None or clock.stopped_at is not None or clock.state == VOID:
        return clock
    clock.stopped_at, clock.stop_event = at, event
    if clock.state == RUNNING and at <= clock.due_at:
        clock.state, clock.predicted = MET, "ok"
    elif clock.state == RUNNING:
        # The sweeper was away when it fell due: the breach is recorded all the same, with its true time.
        breach(session, clock, at)
    _silence(session, clock.id)
    return clock


def go_on(session: Session, claim_id: int, kind: str, stopped_at: datetime) -> Clock | None:
    """Lets a clock that was stopped by mistake at `stopped_at` run on with what is left of its ladder.

    Its due time and a breach already recorded stay. A clock stopped by something else is left alone.
    """
    clock = locked(session, claim_id, kind)
    if clock is None or clock.stopped_at != stopped_at:
        return clock
    clock.stopped_at, clock.stop_event = None, None
    if clock.state == MET:
        clock.state = RUNNING
    session.flush()
    # What the stop silenced lay ahead of it; a rung that was void before has passed its time.
    session.execute(
        text(
            "UPDATE escalation SET state = 'waiting' WHERE clock_id = :id AND state = 'void' AND due_at > :stopped_at"
        ),
        {"id": clock.id, "stopped_at": stopped_at},
    )
    return clock


def void_clocks(session: Session, claim_id: int, at: datetime) -> None:
    """Ends every running clock of a withdrawn claim without a verdict; a breach already recorded stays."""
    clocks = session.scalars(
        select(Clock)
        .where(Clock.claim_id == claim_id, Clock.stopped_at.is_(None))
        .order_by(Clock.id)
        .with_for_update(key_share=True)
    )
    for clock in clocks:
        clock.stopped_at, clock.stop_event = at, "withdrawn"
        if clock.state == RUNNING:
            clock.state = VOID
        _silence(session, clock.id)


def _silence(session: Session, clock_id: int) -> None:
    session.flush()
    session.execute(
        text("UPDATE escalation SET state = 'void' WHERE clock_id = :id AND state = 'waiting'"),
        {"id": clock_id},
    )


def breach(session: Session, clock: Clock, now: datetime) -> None:
    """Records the breach once, with its true due time, whoever notices it first."""
    clock.state, clock.breached_at, clock.predicted = BREACHED, clock.due_at, "late"
    rung = session.scalars(
        select(Escalation)
        .where(Escalation.clock_id == clock.id, Escalation.stage == "breach")
        .with_for_update()
    ).one()
    if rung.state == "waiting":
        _fire(session, clock, rung, now)


def agree(session: Session, claim: Claim, at: datetime, now: datetime) -> Clock | None:
    """Moves the arrival clock to a time agreed with the customer. A breach already recorded stays a breach."""
    clock = locked(session, claim.id, "arrival")
    if clock is None:
        # The area's rule is "as agreed": this is the agreement.
        limit = max(at - now, timedelta(0))
        plan = Plan("arrival", limit, (limits.Rung("breach", limit),))
        return start(session, claim.id, plan, "appointed", now, now)
    if clock.state == VOID and clock.stop_event == CALLED_OFF:
        clock.state, clock.due_at = RUNNING, at
        go_on(session, claim.id, "arrival", stopped_at=clock.stopped_at or now)
    if clock.state != RUNNING:
        return clock
    if clock.due_at <= now:
        breach(session, clock, now)
        return clock
    _move_due(session, clock, at, now, "appointment")
    return clock


def call_off(session: Session, claim: Claim, now: datetime) -> Clock | None:
    """The agreed time is off: the arrival clock has its own limit again, from now on when that has passed meanwhile.

    Where the area's rule is "as agreed" there is no other limit: the clock rests until the next agreement.
    """
    clock = locked(session, claim.id, "arrival")
    if clock is None or clock.state != RUNNING:
        return clock
    if clock.due_at <= now:
        breach(session, clock, now)
        return clock
    if clock.start_event == "appointed":
        clock.state, clock.stopped_at, clock.stop_event = VOID, now, CALLED_OFF
        _silence(session, clock.id)
        return clock
    limit = timedelta(seconds=clock.limit_s)
    due_at = clock.start_at + limit
    _move_due(session, clock, due_at if due_at > now else now + limit, now, CALLED_OFF)
    return clock


def _move_due(session: Session, clock: Clock, to: datetime, now: datetime, reason: str) -> None:
    clock.pauses = [
        *clock.pauses,
        {"at": str(now), "from": str(clock.due_at), "to": str(to), "reason": reason},
    ]
    clock.due_at, clock.predicted = to, "ok"
    session.flush()
    session.execute(
        text(
            "UPDATE escalation SET due_at = :at WHERE clock_id = :id AND stage = 'breach' AND state = 'waiting'"
        ),
        {"at": to, "id": clock.id},
    )


def fire_due(session: Session, now: datetime, limit: int = 200) -> int:
    """Fires the rungs that are due, each once; returns how many. Several sweepers at once share the work."""
    rows = queries.fire_due(session, now, limit)
    for row in rows:
        metrics.CLOCKS.labels(row.kind, row.stage).inc()
    if rows:
        outbox.wake(session, outbox.CHANNEL)
    return len(rows)


def _fire(session: Session, clock: Clock, rung: Escalation, now: datetime) -> None:
    rung.state, rung.fired_at = "fired", now
    metrics.CLOCKS.labels(clock.kind, rung.stage).inc()
    event = "clock.warned" if rung.stage.startswith("warn") else "clock.breached"
    facts: dict[str, Any] = {"clock": clock.kind, "stage": rung.stage, "due_at": rung.due_at}
    timeline.record(session, clock.claim_id, event, now, None, **facts)
    outbox.append(session, event, claim_id=clock.claim_id, clock_id=clock.id, stage=rung.stage)


def foresee(session: Session, now: datetime, limit: int = 500) -> int:
    """Marks running clocks whose time is mostly used as `at_risk`; returns how many changed."""
    found = queries.foresee(session, now, limits.AT_RISK, limit)
    if found:
        outbox.wake(session, outbox.CHANNEL)
    return found


def expect_arrival(session: Session, claim_id: int, eta_at: datetime) -> None:
    """Predicts the arrival clock from the expected time on scene: `late` when that is after its due time."""
    clock = locked(session, claim_id, "arrival")
    if clock is not None and clock.state == RUNNING and eta_at > clock.due_at:
        clock.predicted = "late"


def predict_arrival(session: Session, claim_id: int, late: bool) -> None:
    """Keeps what is foreseen of the arrival clock true, second by second, and tells the desk when it changes."""
    clock = locked(session, claim_id, "arrival")
    if clock is None or clock.state != RUNNING or (clock.predicted == "late") == late:
        return
    # What is not late any more may still be at risk: the next look at the time used says so.
    clock.predicted = "late" if late else "ok"
    outbox.append(session, "clock.foreseen", claim_id=claim_id, clock_id=clock.id)


def of_task(session: Session, task: Task) -> list[Clock]:
    """The clocks of a task's claim in their natural order."""
    clocks = session.scalars(select(Clock).where(Clock.claim_id == task.claim_id))
    return sorted(clocks, key=lambda clock: limits.ORDER.get(clock.kind, len(limits.ORDER)))
