"""What is shown of jobs and people: cards of the board and the map, a claim's job with its offers, a surveyor's own jobs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from claims.models import Task
from dispatch.models import Assignment, Contact, Offer
from staff.models import Person

_TASKS = """
SELECT t.id, t.claim_id, t.state, t.state_since, t.org_id, t.unassigned_reason, t.priority, t.round, t.needs,
       c.report_no, c.line, c.reported_at, c.cause, c.place_text, c.injured, c.movable, c.marks, a.name AS area,
       g.path AS org_path,
       (SELECT i.plate FROM claim_item AS i WHERE i.claim_id = c.id AND i.plate IS NOT NULL ORDER BY i.id LIMIT 1) AS plate,
       EXISTS (SELECT FROM claim_duplicate AS d WHERE d.claim_id = c.id) AS duplicate,
       h.surveyor_id AS holder_id, hp.name AS holder_name, hs.on_duty AS holder_on_duty, h.appointment_at,
       h.done_by_at, h.accepted_at, h.departed_at, h.eta_s, h.drive_s, h.eta_by, f.made_at, f.eta_s AS offer_eta_s,
       f.drive_s AS offer_drive_s, f.eta_by AS offer_eta_by,
       f.id AS offer_id, f.surveyor_id AS asked_id, fp.name AS asked_name, f.expires_at, f.delivered_at, f.round AS offer_round
  FROM task AS t
  JOIN claim AS c ON c.id = t.claim_id
  JOIN organisation AS g ON g.id = t.org_id
  LEFT JOIN area AS a ON a.id = c.area_id
  LEFT JOIN LATERAL (SELECT s.surveyor_id, s.appointment_at, s.done_by_at, s.accepted_at, s.departed_at, s.eta_s,
                            s.drive_s, s.eta_by
                       FROM assignment AS s
                      WHERE s.task_id = t.id AND (s.ended_at IS NULL OR s.end_reason = 'done')
                      ORDER BY s.ended_at IS NULL DESC, s.id DESC LIMIT 1) AS h ON true
  LEFT JOIN person AS hp ON hp.id = h.surveyor_id
  LEFT JOIN surveyor AS hs ON hs.id = h.surveyor_id
  LEFT JOIN offer AS f ON f.task_id = t.id AND f.state = 'open'
  LEFT JOIN person AS fp ON fp.id = f.surveyor_id
"""


TASKS_BY_ID = f"{_TASKS} WHERE t.id = ANY(:ids)"


OPEN_TASKS = f"{_TASKS} WHERE t.state NOT IN ('approved', 'cancelled')"


BOARD = f"""
{_TASKS}
 WHERE g.path LIKE :scope AND t.state NOT IN ('approved', 'cancelled')
   AND (CAST(:states AS text[]) IS NULL OR t.state = ANY(:states))
   AND (CAST(:area_id AS bigint) IS NULL OR c.area_id = :area_id)
   AND (CAST(:line AS text) IS NULL OR c.line = :line)
   AND (:q = '' OR c.report_no ILIKE :like OR c.place_text ILIKE :like OR hp.name ILIKE :like OR fp.name ILIKE :like
        OR EXISTS (SELECT FROM claim_item AS i WHERE i.claim_id = c.id AND i.plate_key LIKE upper(:like)))
   AND t.id > :after
 ORDER BY t.id
 LIMIT :limit
"""


_SURVEYORS = """
SELECT s.id, p.name, s.org_id, o.path AS org_path, s.on_duty, s.skills, s.max_open, l.lon, l.lat, l.fixed_at,
       l.received_at, l.accuracy_m, l.speed_mps, l.heading_deg, l.battery, l.source,
       (SELECT count(*) FROM assignment AS a
         WHERE a.surveyor_id = s.id AND a.ended_at IS NULL AND a.completed_at IS NULL) AS open_jobs,
       EXISTS (SELECT FROM offer AS f WHERE f.surveyor_id = s.id AND f.state = 'open') AS offered
  FROM surveyor AS s
  JOIN person AS p ON p.id = s.id AND p.disabled_at IS NULL
  JOIN organisation AS o ON o.id = s.org_id
  LEFT JOIN last_position AS l ON l.surveyor_id = s.id
"""


SURVEYORS_BY_ID = f"{_SURVEYORS} WHERE s.id = ANY(:ids)"


SURVEYORS = f"""
{_SURVEYORS}
 WHERE o.path LIKE ANY(:scopes) AND s.id > :after
   AND (CAST(:west AS float8) IS NULL
        OR (l.lon BETWEEN :west AND :east AND l.lat BETWEEN :south AND :north))
 ORDER BY s.id
 LIMIT :limit
"""


@dataclass(frozen=True)
class Board:
    """What a board is narrowed by."""

    scope: str
    states: tuple[str, ...] = ()
    area_id: int | None = None
    line: str | None = None
    q: str = ""
    after: int = 0
    limit: int = 500


def tasks_by_id(session: Session, ids: list[int]) -> list[Any]:
    """Rows for the cards of these tasks."""
    return list(session.execute(text(TASKS_BY_ID), {"ids": ids}).all())


def open_tasks(session: Session) -> list[Any]:
    """Rows for the cards of every job that is not settled."""
    return list(session.execute(text(OPEN_TASKS)).all())


def board(session: Session, wanted: Board) -> list[Any]:
    """Rows for a viewer's board."""
    escaped = wanted.q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    args = {
        "scope": wanted.scope + "%",
        "states": list(wanted.states) or None,
        "area_id": wanted.area_id,
        "line": wanted.line,
        "q": wanted.q,
        "like": f"%{escaped}%",
        "after": wanted.after,
        "limit": wanted.limit,
    }
    return list(session.execute(text(BOARD), args).all())


def surveyors_by_id(session: Session, ids: list[int]) -> list[Any]:
    """Rows for the cards of these surveyors."""
    return list(session.execute(text(SURVEYORS_BY_ID), {"ids": ids}).all())


def surveyors(
    session: Session,
    scope: str,
    *,
    also: Sequence[str] = (),
    box: tuple[float, float, float, float] | None = None,
    after: int = 0,
    limit: int = 20_000,
) -> list[Any]:
    """Rows for the cards of everybody below a scope, or below one of `also`, inside `box` (west, south, east, north)."""
    west, south, east, north = box if box is not None else (None, None, None, None)
    args = {
        "scopes": [path + "%" for path in (scope, *also)],
        "after": after,
        "limit": limit,
        "west": west,
        "south": south,
        "east": east,
        "north": north,
    }
    return list(session.execute(text(SURVEYORS), args).all())


def offers_of(session: Session, task_id: int) -> list[Any]:
    """The offers of a task with the names of the asked, in order."""
    return list(
        session.execute(
            select(Offer, Person.name)
            .join(Person, Person.id == Offer.surveyor_id)
            .where(Offer.task_id == task_id)
            .order_by(Offer.id)
        ).all()
    )


def assignments_of(session: Session, task_id: int) -> list[Any]:
    """The assignments of a task with the names of their holders, in order."""
    return list(
        session.execute(
            select(Assignment, Person.name)
            .join(Person, Person.id == Assignment.surveyor_id)
            .where(Assignment.task_id == task_id)
            .order_by(Assignment.accepted_at, Assignment.id)
        ).all()
    )


def contacts_of(session: Session, task_ids: list[int]) -> dict[int, list[Any]]:
    """The contacts of several tasks with the names of the callers, in order."""
    found: dict[int, list[Any]] = {task_id: [] for task_id in task_ids}
    rows = session.execute(
        select(Contact, Person.name)
        .join(Person, Person.id == Contact.surveyor_id)
        .where(Contact.task_id.in_(task_ids))
        .order_by(Contact.at, Contact.id)
    )
    for contact, name in rows:
        found[contact.task_id].append((contact, name))
    return found


MY_OFFERS = """
SELECT o.id, o.task_id, o.expires_at, o.distance_m, o.eta_s, o.round, t.claim_id, c.report_no, c.line, c.cause,
       c.place_text, c.injured, c.movable
  FROM offer AS o
  JOIN task AS t ON t.id = o.task_id
  JOIN claim AS c ON c.id = t.claim_id
 WHERE o.surveyor_id = :me AND o.state = 'open' AND o.expires_at > :now AND o.delivered_at IS NOT NULL
 ORDER BY o.expires_at
"""


MY_TASKS = """
SELECT a.id AS assignment_id, a.accepted_at, a.contacted_at, a.departed_at, a.arrived_at, a.appointment_at,
       a.done_by_at, a.done_said_at, a.report,
       t.id, t.claim_id, t.state, c.report_no, c.line, c.cause, c.note, c.place_text, c.reporter_name, c.reporter_phone,
       c.reporter_phone_typed, c.reporter_relation, c.injured, c.movable, c.scene_left, c.loss_at, c.policy_no
  FROM assignment AS a
  JOIN task AS t ON t.id = a.task_id
  JOIN claim AS c ON c.id = t.claim_id
 WHERE a.surveyor_id = :me AND a.ended_at IS NULL
 ORDER BY a.accepted_at
"""


def my_offers(session: Session, surveyor_id: int, now: Any) -> list[Any]:
    """The questions put to a surveyor that he may still answer and a phone of his has got (`delivery.deliver`)."""
    return list(session.execute(text(MY_OFFERS), {"me": surveyor_id, "now": now}).all())


def my_tasks(session: Session, surveyor_id: int) -> list[Any]:
    """The jobs a surveyor holds, oldest first."""
    return list(session.execute(text(MY_TASKS), {"me": surveyor_id}).all())


PLACE = """
SELECT count(*) FROM task AS o
 WHERE o.org_id = :org_id AND o.state IN ('pending', 'unassigned')
   AND (o.priority > :priority OR (o.priority = :priority AND (o.created_at, o.id) <= (:created_at, :id)))
"""


def queue_place(session: Session, task: Task) -> int | None:
    """How many jobs of the same organisation wait up to and including this one; None when it does not wait."""
    if task.state not in ("pending", "unassigned"):
        return None
    args = {"org_id": task.org_id, "priority": task.priority, "created_at": task.created_at, "id": task.id}
    return int(session.execute(text(PLACE), args).scalar_one())
