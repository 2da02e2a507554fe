"""Foreseen breaches, acted upon: every second the clocks of jobs in hand are predicted anew (`foresight` decides what follows).

Who might do it instead is weighed as in any window. A switch is one transaction: taken back, asked anew, explained.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from claims import clocks, states, timeline
from claims.states import TaskState
from core import clock, metrics, outbox
from core.database import Sessions
from dispatch import answers, asking, candidates, explain, finishing, foresight, holding, queries, windows
from dispatch.candidates import Habits, Someone
from dispatch.foresight import Held, Switch
from dispatch.models import Decision
from dispatch.windows import Seen, Spoken, Window
from geo.eta import Engine
from geo.fix import LonLat, metres_between

log = logging.getLogger(__name__)

BATCH = 2_000
# A drive that would be in time at half the speed of the crow's way needs no road to be believed.
SURE = 2.0
# So many nearest of each late job are looked at: a switch to somebody beyond them would not gain enough.
WALK = 240


@dataclass(frozen=True)
class InDoubt:
    """A job in hand: its row when it was read, the job under its rules, who holds it, and what is foreseen."""

    row: Any
    seen: Seen
    holder: Someone
    held: Held


def look(sessions: Sessions, engine: Engine, now: datetime | None = None) -> int:
    """Predicts every job in hand and switches what must be; returns how many were switched or proposed."""
    with sessions.begin() as session:
        moment = clock.read(session, now)
        jobs = _read(session, moment)
    if jobs is None:
        return 0
    doubts = _predict(jobs, engine, moment)
    _mark(sessions, doubts)
    late = [d for d in doubts if foresight.may_switch(d.held) and foresight.foresee(d.held) is not None]
    if not late:
        return 0
    with sessions.begin() as session:
        habits = windows.habits(session, [d.seen for d in late])
        people = candidates.read_people(
            session, moment, habits, around=[d.seen.job.place for d in late], walk=WALK
        )
    spoken = Spoken(engine, {d.seen.job.place: d.seen.rule for d in late})
    found = foresight.switches([d.held for d in late], [one.standing for one in people], spoken)
    return sum(_act(sessions, late, people, switch, spoken.provider, now) for switch in found)


@dataclass(frozen=True)
class Jobs:
    """Jobs in hand as read: their rows, the jobs under their rules, the holders, and what says when those are free."""

    rows: Sequence[Any]
    seen: dict[int, Seen]
    holders: dict[int, Someone]
    habits: Habits


def _read(session: Session, now: datetime) -> Jobs | None:
    rows = queries.held_jobs(session, now, BATCH)
    if not rows:
        return None
    seen = {one.job.id: one for one in windows.facts(session, [row.id for row in rows], now)}
    rows = [row for row in rows if row.id in seen]
    if not rows:
        return None
    habits = windows.habits(session, list(seen.values()))
    ids = sorted({row.holder_id for row in rows})
    holders = {one.standing.id: one for one in candidates.read_people(session, now, habits, ids=ids)}
    return Jobs([row for row in rows if row.holder_id in holders], seen, holders, habits)


def _predict(jobs: Jobs, engine: Engine, now: datetime) -> list[InDoubt]:
    """When each holder will be on scene, by road where the straight line leaves a doubt."""
    rows, seen, holders = jobs.rows, jobs.seen, jobs.holders
    sets_out = [_sets_out(row, seen[row.id], holders[row.holder_id], jobs.habits) for row in rows]
    arrive = [
        in_s + metres_between(start, seen[row.id].job.place) / seen[row.id].job.weights.speed_mps
        for row, (in_s, start) in zip(rows, sets_out, strict=True)
    ]
    near = [
        k
        for k, row in enumerate(rows)
        if (left := seen[row.id].job.arrival_left_s) is not None and 0 <= left < SURE * arrive[k]
    ]
    for k, drive_s in zip(
        near, _drives(engine, [(sets_out[k][1], seen[rows[k].id]) for k in near]), strict=True
    ):
        arrive[k] = sets_out[k][0] + drive_s
    return [_doubt(row, seen[row.id], holders[row.holder_id], arrive[k], now) for k, row in enumerate(rows)]


def _sets_out(row: Any, seen: Seen, holder: Someone, habits: Habits) -> tuple[float, LonLat]:
    """Seconds until the holder sets out for this job, and from where."""
    standing = holder.standing
    if row.id not in holder.in_hand:
        return standing.free_in_s, standing.free_at or standing.place
    jobs = list(holder.in_hand.values())
    which = list(holder.in_hand).index(row.id)
    speed = seen.job.weights.speed_mps
    return finishing.arrival_s(
        jobs, which, standing.place, habits.service_s, seen.rule.busy_job_s, speed, habits.trust
    )


def _drives(engine: Engine, pairs: Sequence[tuple[LonLat, Seen]]) -> list[float]:
    """Seconds by road of each pair: asked in blocks of neighbours, the diagonal is what is wanted."""
    found = np.empty(len(pairs))
    order = sorted(
        range(len(pairs)), key=lambda k: (round(pairs[k][1].job.place.lon, 2), pairs[k][1].job.place.lat)
    )
    for at in (order[k : k + 16] for k in range(0, len(order), 16)):
        spoken = Spoken(engine, {pairs[k][1].job.place: pairs[k][1].rule for k in at})
        found[at] = np.diagonal(spoken([pairs[k][1].job.place for k in at], [pairs[k][0] for k in at]))
    return [float(s) for s in found]


def _doubt(row: Any, seen: Seen, holder: Someone, arrive_in_s: float, now: datetime) -> InDoubt:
    def ago(then: datetime | None) -> float | None:
        return None if then is None else (now - then).total_seconds()

    held = Held(
        job=seen.job,
        holder=holder.standing,
        rule=seen.rule.foresight,
        # A dot that stopped talking does not say when he will be there.
        arrive_in_s=arrive_in_s if holder.standing.age_s < foresight.LOST_S else None,
        contacted=row.contacted_at is not None,
        departed=row.departed_at is not None,
        answer_left_s=max(0.0, -(ago(row.expires_at) or 0.0)) if row.assignment_id is None else 0.0,
        unseen_ago_s=ago(row.made_at) if row.delivered_at is None else None,
        unseen_left_s=max(0.0, -(ago(row.reach_by or row.expires_at) or 0.0)),
        accepted_ago_s=ago(row.accepted_at),
        switched_ago_s=ago(row.switched_at),
        switches=row.switches,
    )
    return InDoubt(row, seen, holder, held)


def _mark(sessions: Sessions, doubts: Sequence[InDoubt]) -> None:
    """Writes what is foreseen of arrival clocks where it changed, with a band in which the old word stays."""
    for doubt in doubts:
        left, arrive = doubt.held.job.arrival_left_s, doubt.held.arrive_in_s
        if doubt.row.arrival_predicted is None or left is None or left < 0 or arrive is None:
            continue
        was = doubt.row.arrival_predicted == "late"
        if abs(arrive - left) > foresight.SLACK_S and (arrive > left) != was:
            with sessions.begin() as session:
                clocks.predict_arrival(session, doubt.row.claim_id, arrive > left)


def _act(
    sessions: Sessions,
    late: Sequence[InDoubt],
    people: Sequence[Someone],
    switch: Switch,
    provider: str,
    now: datetime | None,
) -> bool:
    doubt = late[switch.held]
    try:
        with sessions.begin() as session:
            row = _unchanged(session, doubt)
            if row is None:
                return False
            at = now or row.now
            window = Window((doubt.seen,), tuple(people), switch.only(), provider)
            proposes = doubt.row.assignment_id is not None and doubt.held.rule.held == "propose"
            (_propose if proposes else _switch)(session, row, doubt, switch, window, at)
    except asking.Lost:
        return False  # he was asked or went home meanwhile; the next second sees it
    metrics.SWITCHES.labels("proposed" if proposes else "switched", switch.foreseen.why).inc()
    return True


def _unchanged(session: Session, doubt: InDoubt) -> Any:
    """The task under its lock when nothing has happened to it since it was looked at."""
    row = queries.job_for_update(session, doubt.row.id)
    if row is None or (row.Task.state, row.Task.switches, row.Task.switched_at) != (
        doubt.row.state,
        doubt.row.switches,
        doubt.row.switched_at,
    ):
        return None
    held = holding.active(session, row.Task.id, lock=True)
    same = (held.id if held else None, held.contacted_at if held else None)
    return row if same == (doubt.row.assignment_id, doubt.row.contacted_at) else None


def _facts(doubt: InDoubt, switch: Switch, to: int) -> dict[str, Any]:
    """What explains a switch, for record and timeline: ids, words and seconds."""
    return {
        "from": str(doubt.row.holder_id),
        "to": str(to),
        "clock": switch.foreseen.clock,
        "why": switch.foreseen.why,
        "late_s": round(switch.foreseen.late_s),
        "gain_s": round(switch.gain_s),
    }


def _switch(session: Session, row: Any, doubt: InDoubt, switch: Switch, window: Window, at: datetime) -> None:
    """Takes the job from its holder and asks the other one, in one commit."""
    task = row.Task
    to = window.chosen(0)
    if to is None:
        raise asking.Lost
    if doubt.row.assignment_id is None:
        answers.withdraw_open(session, task, None, at)
        task.round -= 1  # he may still have answered: no round is used
        states.move_task(task, TaskState.PENDING, at)
    else:
        held = holding.active(session, task.id, lock=True)
        if held is not None:
            holding.end(session, task, held, "reassigned", switch.foreseen.why, None, at)
        holding.again(session, task, at)
    task.switches, task.switched_at = task.switches + 1, at
    session.flush()
    facts = _facts(doubt, switch, to.surveyor_id)
    lines = explain.account(window.ranked(0), window.around(0), to)
    asking.ask(
        session,
        row,
        doubt.seen.rule,
        to,
        lines,
        at,
        doubt.seen.job.also,
        kind="switch",
        reason=switch.foreseen.why,
        facts=json.dumps(facts),
    )
    timeline.record(session, task.claim_id, "task.switched", at, None, task.id, **facts)
    outbox.append(
        session, "task.switched", claim_id=task.claim_id, task_id=task.id, surveyor_id=doubt.row.holder_id
    )


def _propose(
    session: Session, row: Any, doubt: InDoubt, switch: Switch, window: Window, at: datetime
) -> None:
    """Tells the dispatcher who could still be in time; he decides."""
    task = row.Task
    to = window.chosen(0)
    if to is None:
        raise asking.Lost
    task.switches, task.switched_at = task.switches + 1, at
    facts = _facts(doubt, switch, to.surveyor_id)
    session.add(
        Decision(
            id=row.decision_id,
            task_id=task.id,
            at=at,
            kind="proposal",
            radius_m=asking.ring_of(doubt.seen.rule, row.path, to, doubt.seen.job.also).radius_m,
            provider=window.provider,
            chosen_id=to.surveyor_id,
            candidates=explain.account(window.ranked(0), window.around(0), to),
            reason=switch.foreseen.why,
            facts=facts,
        )
    )
    timeline.record(session, task.claim_id, "task.switch_proposed", at, None, task.id, **facts)
    outbox.append(session, "task.switch_proposed", claim_id=task.claim_id, task_id=task.id)
