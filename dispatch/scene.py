"""Who came to his scene and who left it, by his own track: an arrival suggested and proven, a leaving told (F37).

The sweeper looks at held jobs whose surveyor was heard of since the last look, so a batch that comes hours late counts too.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from claims import queries as claims
from claims import timeline
from claims.states import TaskState
from core import clock, outbox
from core.database import Sessions
from dispatch import policy
from geo import store
from geo.fence import Fence, Visit

# A track older than this is history, not an arrival.
LOOK_BACK = timedelta(hours=24)
# A look costs a read of the track: each job at most this often, and late batches at least this often.
EVERY_S, LATE_EVERY_S = 10, 120
BATCH = 50

# Heard of since the last look, or long enough ago that a late batch may lie in the track.
DUE = """
SELECT a.id, a.task_id, a.surveyor_id, a.accepted_at, a.arrived_at, t.claim_id, t.org_id, t.state,
       w.came_at, w.left_at
  FROM assignment AS a
  JOIN task AS t ON t.id = a.task_id
  JOIN claim AS c ON c.id = t.claim_id AND c.place IS NOT NULL
  JOIN last_position AS p ON p.surveyor_id = a.surveyor_id
  LEFT JOIN scene_watch AS w ON w.assignment_id = a.id
 WHERE a.ended_at IS NULL AND t.state = ANY(:states)
   AND (w.checked_at IS NULL
     OR (w.checked_at <= :every AND p.received_at > w.checked_at)
     OR w.checked_at <= :late)
 ORDER BY w.checked_at NULLS FIRST, a.id
 LIMIT :limit
   FOR UPDATE OF a SKIP LOCKED
"""

CHECKED = """
INSERT INTO scene_watch AS w (assignment_id, checked_at, came_at, left_at)
VALUES (:id, :now, :came_at, :left_at)
    ON CONFLICT (assignment_id) DO UPDATE
   SET checked_at = EXCLUDED.checked_at, came_at = EXCLUDED.came_at, left_at = EXCLUDED.left_at
"""

CAME = """
SELECT w.came_at
  FROM scene_watch AS w
  JOIN assignment AS a ON a.id = w.assignment_id
 WHERE a.surveyor_id = :surveyor_id AND a.task_id = :task_id AND a.ended_at IS NULL
"""

WATCHED = """
SELECT a.task_id, w.came_at, w.left_at
  FROM scene_watch AS w
  JOIN assignment AS a ON a.id = w.assignment_id
 WHERE a.ended_at IS NULL AND a.task_id = ANY(:tasks)
"""

ON_THE_WAY = (TaskState.ACCEPTED, TaskState.CONTACTED, TaskState.EN_ROUTE)
LOOKED_AT = (*ON_THE_WAY, TaskState.ON_SCENE, TaskState.RETURNED)


@dataclass(frozen=True)
class Seen:
    """What is known of a held job: since when he is there by his track, when he left again."""

    came_at: datetime | None = None
    left_at: datetime | None = None


def watch(sessions: Sessions, now: datetime | None = None) -> int:
    """Looks at the held jobs that are due for a look; returns how many stood otherwise than before."""
    with sessions.begin() as session:
        moment = clock.read(session, now)
        args = {
            "states": [str(state) for state in LOOKED_AT],
            "every": moment - timedelta(seconds=EVERY_S),
            "late": moment - timedelta(seconds=LATE_EVERY_S),
            "limit": BATCH,
        }
        return sum(_look(session, row, moment) for row in session.execute(text(DUE), args).all())


def _look(session: Session, row: Any, now: datetime) -> bool:
    place = claims.place_of(session, row.claim_id)
    if place is None:
        return False
    rule = policy.read(session, row.org_id)
    start = max(row.accepted_at, now - LOOK_BACK)
    fixes = store.track(session, row.surveyor_id, start, now + timedelta(seconds=1))
    before = Seen(row.came_at, row.left_at)
    stays = Fence(place, rule.dwell_m, rule.dwell_s).visits(fixes)
    after = judged(before, stays, row.arrived_at)
    args = {"id": row.id, "now": now, "came_at": after.came_at, "left_at": after.left_at}
    session.execute(text(CHECKED), args)
    if after.came_at != before.came_at and row.state in ON_THE_WAY:
        _tell(session, "task.near", row, now, since=after.came_at)
    if after.left_at is not None and after.left_at != before.left_at and row.arrived_at is not None:
        _tell(session, "task.left", row, now, left_at=after.left_at)
    return after != before


def judged(before: Seen, stays: list[Visit], arrived_at: datetime | None) -> Seen:
    """What the stays add to what is known: he came at the first of them, and left when the newest has ended.

    An arrival by word alone counts as a coming for the leaving only if the track shows a stay too: a phone that lost its
    signal in a basement has not left.
    """
    if not stays:
        return before
    newest = stays[-1]
    came = before.came_at or stays[0].came
    if arrived_at is not None and newest.left is not None and newest.left < arrived_at:
        return Seen(came, before.left_at)
    return Seen(came, newest.left)


def _tell(session: Session, event: str, row: Any, now: datetime, **facts: Any) -> None:
    who = str(row.surveyor_id)
    timeline.record(session, row.claim_id, event, now, None, row.task_id, surveyor_id=who, **facts)
    outbox.append(session, event, claim_id=row.claim_id, task_id=row.task_id, surveyor_id=row.surveyor_id)


def came(session: Session, surveyor_id: int, task_id: int) -> datetime | None:
    """Since when the track shows him at the scene of a job he holds, however late that was told."""
    args = {"surveyor_id": surveyor_id, "task_id": task_id}
    return session.execute(text(CAME), args).scalar_one_or_none()


def seen(session: Session, tasks: list[int]) -> dict[int, Seen]:
    """What is known of several held jobs, by task."""
    rows = session.execute(text(WATCHED), {"tasks": tasks})
    return {row.task_id: Seen(row.came_at, row.left_at) for row in rows}
