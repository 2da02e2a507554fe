"""Losses near each other, visited together in a catastrophe: one question, one yes, one visit plan.

Only the oldest of a cluster, its lead, is offered; the companions are held back meanwhile. A yes to the lead gives him the
companions in the same commit, as far as his cap reaches; whatever else becomes of the lead lets them go at once. Each job
still gets its own assignment under its own lock, so the referees of "one winner" are the same as ever.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from claims import catastrophes, timeline
from claims.models import Task
from core import clock, outbox
from core.database import Sessions
from dispatch import catastrophe_queries as queries
from dispatch.models import Assignment, Bundle, BundleTask
from geo.fix import EARTH_RADIUS_M, LonLat
from staff import rules

# Companions are let go by the sweeper as soon as their lead is settled; should every sweeper die, they wake by themselves.
HELD = timedelta(minutes=15)
# One round looks at so many waiting jobs of a catastrophe: the distances of all pairs fit in a moment.
LOOKED_AT = 1000

TakeOn = Callable[[Session, Task, Assignment, datetime], None]


@dataclass(frozen=True)
class Spot:
    """A waiting job where it lies. Only jobs that need the same skills are visited together."""

    task_id: int
    place: LonLat
    needs: frozenset[str] = frozenset()


def size_wanted(waiting: int, free: int, most: int) -> int:
    """How many losses one visit holds: as many as there are jobs for each free surveyor, up to `most`.

    While there is somebody for everybody each customer gets his own: bundling then would only make people wait.
    """
    return max(1, min(most, -(-waiting // max(1, free))))


def cluster(spots: Sequence[Spot], radius_m: float, most: int) -> list[list[int]]:
    """Groups of up to `most` spots, as indexes: a lead, then those within `radius_m` of it, nearest first.

    The order of `spots` is the order of leads (oldest and most urgent first); everybody is in at most one group, and a
    group of one is left out. Distances are straight, in metres, on a plane good to 0.1 % over a city.
    """
    if most < 2 or len(spots) < 2:
        return []
    lon = np.radians([s.place.lon for s in spots])
    lat = np.radians([s.place.lat for s in spots])
    x, y = EARTH_RADIUS_M * lon * np.cos(lat.mean()), EARTH_RADIUS_M * lat
    taken = np.zeros(len(spots), dtype=bool)
    groups = []
    for lead, spot in enumerate(spots):
        if taken[lead]:
            continue
        away_m = np.hypot(x - x[lead], y - y[lead])
        near = [
            int(i)
            for i in np.argsort(away_m, kind="stable")
            if i != lead and not taken[i] and away_m[i] <= radius_m and spots[i].needs == spot.needs
        ][: most - 1]
        if near:
            taken[[lead, *near]] = True
            groups.append([lead, *near])
    return groups


def form(sessions: Sessions, now: datetime | None = None) -> int:
    """Lets go of companions whose lead is settled, then bundles what waits; returns how many bundles were made.

    Costs one query while there is no catastrophe. Safe to call by any number of sweepers.
    """
    with sessions.begin() as session:
        moment = clock.read(session, now)
        queries.let_go(session, moment)
        forces = queries.catastrophes_on(session)
    return sum(_form_in(sessions, force, now) for force in forces)


def _form_in(sessions: Sessions, force: Any, now: datetime | None) -> int:
    with sessions.begin() as session:
        moment = clock.read(session, now)
        given = rules.values(session, force.org_id, catastrophes.DEFAULTS)
        waiting = queries.to_bundle(session, force, moment, LOOKED_AT)
        if len(waiting) < 2:
            return 0
        free = queries.free_people(session, force)
        most = size_wanted(len(waiting), free, int(given["cat_bundle_most"]))
        spots = [Spot(row.id, LonLat(row.lon, row.lat), frozenset(row.needs)) for row in waiting]
        groups = cluster(spots, float(given["cat_bundle_radius_m"]), most)
        for group in groups:
            _hold_together(session, force.id, [waiting[i] for i in group], moment)
        return len(groups)


def _hold_together(session: Session, catastrophe_id: int, rows: list[Any], now: datetime) -> None:
    lead, *others = rows
    bundle = Bundle(catastrophe_id=catastrophe_id, lead_id=lead.id, made_at=now)
    session.add(bundle)
    session.flush()
    session.add_all(
        BundleTask(bundle_id=bundle.id, task_id=o.id, place_no=n) for n, o in enumerate(others, 1)
    )
    session.flush()
    queries.hold_back(session, [o.id for o in others], now + HELD)
    for row in rows:
        facts: dict[str, Any] = {"bundle_id": str(bundle.id), "lead_id": str(lead.id), "size": len(rows)}
        timeline.record(session, row.claim_id, "task.bundled", now, None, row.id, **facts)


def take(session: Session, lead: Task, assignment: Assignment, now: datetime, take_on: TakeOn) -> list[int]:
    """Gives him who accepted the lead its companions too; returns their assignments' ids.

    Called in the accepting transaction, the lead's task and offer locked. A companion that somebody holds locked, that
    is no longer waiting, or that is beyond his cap is left and goes out by itself.
    """
    bundle = session.scalars(
        select(Bundle).where(Bundle.lead_id == lead.id, Bundle.state == "open").with_for_update()
    ).one_or_none()
    if bundle is None:
        return []
    made = []
    for task in queries.companions_for_update(session, bundle.id):
        given = _assign(session, task, assignment, now)
        if given is None:
            break
        take_on(session, task, given, now)
        _told(session, task, given, bundle.id, assignment.offer_id, now)
        made.append((task.id, given.id))
    bundle.state, bundle.settled_at, bundle.surveyor_id = "taken", now, assignment.surveyor_id
    session.flush()
    queries.mark_taken(session, bundle.id, [task_id for task_id, _ in made])
    outbox.wake(session, outbox.TASKS_CHANNEL)  # the sweeper frees at once what he could not take
    return [ident for _, ident in made]


def _assign(session: Session, task: Task, lead: Assignment, now: datetime) -> Assignment | None:
    """The companion's own assignment; None when a referee says no (his cap, or somebody holds it)."""
    given = Assignment(task_id=task.id, surveyor_id=lead.surveyor_id, accepted_at=now, reason="bundle")
    try:
        with session.begin_nested():
            session.add(given)
            session.flush()
    except IntegrityError:
        return None
    return given


def _told(
    session: Session, task: Task, given: Assignment, bundle_id: int, offer_id: int | None, now: datetime
) -> None:
    facts: dict[str, Any] = {
        "surveyor_id": str(given.surveyor_id),
        "assignment_id": str(given.id),
        "bundle_id": str(bundle_id),
    }
    timeline.record(session, task.claim_id, "offer.accepted", now, None, task.id, **facts)
    outbox.append(
        session,
        "offer.accepted",
        claim_id=task.claim_id,
        task_id=task.id,
        offer_id=offer_id,
        surveyor_id=given.surveyor_id,
        assignment_id=given.id,
    )


def companions(session: Session, lead_ids: Sequence[int]) -> dict[int, list[Any]]:
    """What comes with the lead of an open offer: claim, place in words and cause, in the order of visiting."""
    found: dict[int, list[Any]] = {ident: [] for ident in lead_ids}
    for row in queries.companions_of(session, list(lead_ids)) if lead_ids else []:
        found[row.lead_id].append(row)
    return found
