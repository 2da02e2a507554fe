"""What the machine would have said, by road, beside a dispatcher's own choice: looked up before, recorded with it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from claims import catastrophes
from claims import queries as claims
from claims.models import Task
from core import clock
from core.database import Sessions
from dispatch import catastrophe, explain, policy
from dispatch.crowd import Candidate, Crowd, Job, by_road
from dispatch.models import Decision
from geo.eta import Engine
from staff.accounts import Actor


@dataclass(frozen=True)
class Looked:
    """Who is around a job, soonest by road first, and the named one among them, or from afar; None: nobody knows where he is."""

    around: tuple[Candidate, ...] = ()
    chosen: Candidate | None = None


def look(
    sessions: Sessions, task_id: int, surveyor_id: int, engine: Engine, now: datetime | None = None
) -> Looked:
    """The people around a job with their drives, and the named one's drive. Nobody for a job that is absent or not placed."""
    with sessions.begin() as session:
        task = session.get(Task, task_id)
        place, path = None, ""
        if task is not None:
            _, place, path = claims.ground_of(session, task)
        if task is None or place is None:
            return Looked()
        rule = policy.read(session, task.org_id)
        ring = catastrophe.widen(policy.rings(rule, path), catastrophes.over_task(session, task.id))[-1]
        job = Job(place, tuple(task.needs), path, task.id, task.round)
        crowd = Crowd(session, job, rule, clock.read(session, now))
        found = crowd.around(ring)
        known = any(c.surveyor_id == surveyor_id for c in found)
        named = None if known else crowd.one(surveyor_id, ring)
    timed = by_road(found if named is None else [*found, named], place, rule, engine)
    chosen = next((c for c in timed if c.surveyor_id == surveyor_id), None)
    if chosen is not None and "unreachable" in chosen.reasons:
        # Somebody knows a way the roads do not: the straight line is all that can be said of it.
        chosen = next(c for c in (*found, named) if c is not None and c.surveyor_id == surveyor_id)
    around = tuple(c for c in timed if known or c.surveyor_id != surveyor_id)
    return Looked(around, chosen)


def record(
    session: Session,
    task: Task,
    surveyor_id: int,
    reason: str,
    actor: Actor,
    now: datetime,
    looked: Looked,
) -> None:
    """Keeps what the machine would have said beside the dispatcher's choice, and who told the times."""
    chosen = looked.chosen
    lines = [_line(c, i + 1, c.surveyor_id == surveyor_id) for i, c in enumerate(looked.around)]
    if not any(entry["outcome"] == "chosen" for entry in lines):
        lines.insert(0, _from_afar(surveyor_id, chosen))
    session.add(
        Decision(
            task_id=task.id,
            at=now,
            kind="manual",
            radius_m=None,
            provider=_provider(looked),
            chosen_id=surveyor_id,
            candidates=lines,
            made_by=actor.person_id,
            reason=reason,
        )
    )


def _provider(looked: Looked) -> str:
    if looked.chosen is not None:
        return looked.chosen.provider
    return looked.around[0].provider if looked.around else "none"


def _line(candidate: Candidate, rank: int, chosen: bool) -> dict[str, Any]:
    if chosen:
        return explain.line(candidate, rank, "chosen", "by_hand")
    return explain.line(
        candidate, rank, "passed_over", candidate.reasons[0] if candidate.reasons else "not_picked"
    )


def _from_afar(surveyor_id: int, chosen: Candidate | None) -> dict[str, Any]:
    """The line of somebody who was not among those around: beyond them, or nobody knows where he is."""
    if chosen is not None:
        return explain.line(chosen, 0, "chosen", "by_hand")
    return {"surveyor_id": str(surveyor_id), "rank": 0, "distance_m": None, "eta_s": None, "age_s": None,
            "outcome": "chosen", "reason": "by_hand", "reasons": []}  # fmt: skip
