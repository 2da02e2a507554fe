"""Reads of this room. What happened upstairs is read as SQL, never imported."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

CLAIM = """
SELECT c.id, c.org_id, o.path AS org_path, c.report_no, c.state, c.created_at, c.closed_at, c.reporter_phone,
       COALESCE(NULLIF(c.place_text, ''), a.name, '') AS place, l.slug,
       k.name AS catastrophe, CAST(k.rule ->> 'contact_limit_min' AS integer) AS longer_wait_min
  FROM claim AS c
  JOIN organisation AS o ON o.id = c.org_id
  LEFT JOIN catastrophe AS k ON k.id = c.catastrophe_id
  LEFT JOIN area AS a ON a.id = c.area_id
  LEFT JOIN customer_link AS l ON l.claim_id = c.id
 WHERE c.id = :claim_id
"""

PERSON = "SELECT id, name, phone, email, lang FROM person WHERE id = :person_id AND disabled_at IS NULL"

# The nearest organisation with somebody in the role answers: a head office is not rung for every branch.
NEAREST_WITH_ROLE = """
SELECT p.id, p.name, p.phone, p.email, p.lang
  FROM person AS p
  JOIN organisation AS o ON o.id = p.org_id
 WHERE :role = ANY(p.roles) AND p.disabled_at IS NULL AND :path LIKE o.path || '%'
   AND length(o.path) = (SELECT max(length(n.path))
                           FROM organisation AS n
                           JOIN person AS q ON q.org_id = n.id
                          WHERE :role = ANY(q.roles) AND q.disabled_at IS NULL AND :path LIKE n.path || '%')
 ORDER BY p.id
"""

# Until a phone has fetched it, it ends when one must have.
OFFER = """
SELECT id, surveyor_id, state, made_at, distance_m,
       CASE WHEN delivered_at IS NULL THEN LEAST(expires_at, reach_by) ELSE expires_at END AS expires_at
  FROM offer WHERE id = :offer_id
"""

# Only what may still be answered is worth a text.
MOVE = """
SELECT id, surveyor_id, place_text, drive_s, made_at, expires_at FROM move_up WHERE id = :move_id AND state = 'open'
"""

ACTIVE = """
SELECT a.id, a.surveyor_id, a.accepted_at, a.departed_at, a.arrived_at, COALESCE(a.drive_s, a.eta_s) AS drive_s,
       t.state AS task_state
  FROM assignment AS a
  JOIN task AS t ON t.id = a.task_id
 WHERE a.task_id = :task_id AND a.ended_at IS NULL
"""

ENDED = """
SELECT id, ended_at
  FROM assignment
 WHERE task_id = :task_id AND surveyor_id = :surveyor_id AND ended_at IS NOT NULL
 ORDER BY id DESC
 LIMIT 1
"""

CLOCK = """
SELECT k.id, k.kind, k.state, k.due_at, k.stopped_at, e.fired_at, a.surveyor_id
  FROM clock AS k
  LEFT JOIN escalation AS e ON e.clock_id = k.id AND e.stage = :stage
  LEFT JOIN task AS t ON t.claim_id = k.claim_id AND t.state NOT IN ('approved', 'cancelled')
  LEFT JOIN assignment AS a ON a.task_id = t.id AND a.ended_at IS NULL
 WHERE k.id = :clock_id
"""

CONTACT_DUE = "SELECT due_at FROM clock WHERE claim_id = :claim_id AND kind = 'contact' AND state = 'running'"

TASK = "SELECT id, state, state_since, unassigned_reason FROM task WHERE id = :task_id"

SUBMITTED = """
SELECT max(a.completed_at) AS at
  FROM assignment AS a
  JOIN task AS t ON t.id = a.task_id
 WHERE t.id = :task_id AND t.state IN ('submitted', 'approved')
"""

SENT_BACK = """
SELECT r.id, r.reason, r.at
  FROM photo_review AS r
  JOIN photo AS p ON p.id = r.photo_id AND p.verdict = 'sent_back'
 WHERE r.photo_id = :photo_id AND r.verdict = 'sent_back'
 ORDER BY r.id DESC
 LIMIT 1
"""

MESSAGES = """
SELECT m.*, c.report_no
  FROM message AS m
  JOIN organisation AS o ON o.id = m.org_id
  LEFT JOIN claim AS c ON c.id = m.claim_id
 WHERE o.path LIKE :scope
   AND (:after = 0 OR m.id < :after)
   AND (:claim_id = 0 OR m.claim_id = :claim_id)
   AND (:state = '' OR m.state = :state)
   AND (:channel = '' OR m.channel = :channel)
   AND (:audience = '' OR m.audience = :audience)
   AND (:template = '' OR m.template = :template)
 ORDER BY m.id DESC
 LIMIT :limit
"""

# Who comes and when, for the customer. The newest duty counts: the active one, else the finished one.
PROGRESS = """
SELECT c.id AS claim_id, c.org_id, c.report_no, c.state AS claim_state, c.reported_at, c.closed_at,
       k.name AS catastrophe, CAST(k.rule ->> 'contact_limit_min' AS integer) AS longer_wait_min,
       COALESCE(NULLIF(c.place_text, ''), a.name) AS place,
       t.id AS task_id, t.state AS task_state,
       d.surveyor_id, d.accepted_at, d.contacted_at, d.departed_at, d.arrived_at, d.completed_at, d.eta_s, d.drive_s,
       d.appointment_at,
       p.name AS surveyor_name,
       lp.lon, lp.lat, lp.fixed_at, lp.received_at,
       EXISTS (SELECT FROM rating AS r WHERE r.claim_id = c.id) AS rated
  FROM claim AS c
  LEFT JOIN area AS a ON a.id = c.area_id
  LEFT JOIN catastrophe AS k ON k.id = c.catastrophe_id
  LEFT JOIN LATERAL (
        SELECT t.id, t.state FROM task AS t
         WHERE t.claim_id = c.id
         ORDER BY t.id DESC LIMIT 1) AS t ON TRUE
  LEFT JOIN LATERAL (
        SELECT d.* FROM assignment AS d
         WHERE d.task_id = t.id AND (d.ended_at IS NULL OR d.end_reason = 'done')
         ORDER BY d.id DESC LIMIT 1) AS d ON TRUE
  LEFT JOIN person AS p ON p.id = d.surveyor_id
  LEFT JOIN last_position AS lp ON lp.surveyor_id = d.surveyor_id
 WHERE c.id = :claim_id
"""


HOOK = """
SELECT a.id AS org_id, r.value #>> '{}' AS url
  FROM organisation AS o
  JOIN organisation AS a ON o.path LIKE a.path || '%'
  JOIN rule AS r ON r.org_id = a.id AND r.key = 'webhook_url'
 WHERE o.id = :org_id
 ORDER BY length(a.path) DESC
 LIMIT 1
"""


@dataclass(frozen=True)
class ClaimFacts:
    """What texts say about a claim. `reporter_phone` goes to a driver and nowhere else."""

    id: int
    org_id: int
    org_path: str
    report_no: str
    state: str
    created_at: datetime
    closed_at: datetime | None
    reporter_phone: str
    place: str
    slug: str | None
    catastrophe: str | None = None
    longer_wait_min: int | None = None


@dataclass(frozen=True)
class PersonFacts:
    """How to reach one of us."""

    id: int
    name: str
    phone: str | None
    email: str | None
    lang: str


def claim(session: Session, claim_id: int) -> ClaimFacts | None:
    """The claim, or None when it is gone."""
    row = session.execute(text(CLAIM), {"claim_id": claim_id}).one_or_none()
    return None if row is None else ClaimFacts(**row._mapping)


def person(session: Session, person_id: int) -> PersonFacts | None:
    """A person who may still be told things."""
    row = session.execute(text(PERSON), {"person_id": person_id}).one_or_none()
    return None if row is None else PersonFacts(**row._mapping)


def nearest_with_role(session: Session, role: str, org_path: str) -> list[PersonFacts]:
    """The people of the nearest organisation, upwards from `org_path`, that has anybody in the role."""
    rows = session.execute(text(NEAREST_WITH_ROLE), {"role": role, "path": org_path})
    return [PersonFacts(**row._mapping) for row in rows]


def offer(session: Session, offer_id: int) -> Any:
    """The offer's state, times and distance."""
    return session.execute(text(OFFER), {"offer_id": offer_id}).one_or_none()


def active_assignment(session: Session, task_id: int) -> Any:
    """Who holds the task now, or None."""
    return session.execute(text(ACTIVE), {"task_id": task_id}).one_or_none()


def ended_assignment(session: Session, task_id: int, surveyor_id: int) -> Any:
    """The last duty of somebody at a task that is over, or None."""
    args = {"task_id": task_id, "surveyor_id": surveyor_id}
    return session.execute(text(ENDED), args).one_or_none()


def clock_stage(session: Session, clock_id: int, stage: str) -> Any:
    """A clock, when the stage fired, and who holds the job."""
    return session.execute(text(CLOCK), {"clock_id": clock_id, "stage": stage}).first()


def contact_due(session: Session, claim_id: int) -> datetime | None:
    """When the running contact clock is due."""
    return session.execute(text(CONTACT_DUE), {"claim_id": claim_id}).scalar_one_or_none()


def task(session: Session, task_id: int) -> Any:
    """A task's state, since when, and why nobody has it."""
    return session.execute(text(TASK), {"task_id": task_id}).one_or_none()


def submitted_at(session: Session, task_id: int) -> datetime | None:
    """When the survey was handed in, None when it was taken back since."""
    return session.execute(text(SUBMITTED), {"task_id": task_id}).scalar_one_or_none()


def sent_back(session: Session, photo_id: int) -> Any:
    """The newest send-back of a photo that still stands."""
    return session.execute(text(SENT_BACK), {"photo_id": photo_id}).one_or_none()


def messages(session: Session, scope: str, **wanted: Any) -> list[Any]:
    """Messages of the tree below `scope`, newest first."""
    given = {
        "after": 0,
        "claim_id": 0,
        "state": "",
        "channel": "",
        "audience": "",
        "template": "",
        "limit": 50,
    } | wanted
    return list(session.execute(text(MESSAGES), given | {"scope": scope + "%"}).all())


def move(session: Session, move_id: int) -> Any:
    """A request to wait elsewhere while it may be answered, or None."""
    return session.execute(text(MOVE), {"move_id": move_id}).one_or_none()


def hook(session: Session, org_id: int) -> Any:
    """The webhook of an organisation and who set it: its key signs, so that one receiver needs one key."""
    return session.execute(text(HOOK), {"org_id": org_id}).one_or_none()


def progress(session: Session, claim_id: int) -> Any:
    """Everything the customer's page draws on, for one claim."""
    return session.execute(text(PROGRESS), {"claim_id": claim_id}).one()
