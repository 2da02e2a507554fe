"""Reads of the dispatch room: cards for the board, a claim's job with its offers, a surveyor's own jobs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from claims.models import Claim, Clock, Task
from core import outbox
from dispatch.finishing import CAREFUL, Trust
from dispatch.models import Assignment, Contact, Offer, OwnWord, ServiceTime
from geo import store
from staff.models import Organisation, Person, Surveyor

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


def job_for_update(session: Session, task_id: int) -> Any:
    """The task under its row lock with all a decision stands on; None when it is absent or busy.

    The id of the decision to be is drawn here, so that offer and decision can be written in one statement.
    """
    lon, lat = store.lonlat_of(Claim.place)
    return session.execute(
        select(
            Task,
            Claim.created_at,
            Claim.catastrophe_id,
            lon.label("lon"),
            lat.label("lat"),
            Organisation.path,
            func.clock_timestamp().label("now"),
            func.chakan_id().label("decision_id"),
        )
        .join(Claim, Claim.id == Task.claim_id)
        .join(Organisation, Organisation.id == Task.org_id)
        .where(Task.id == task_id)
        .with_for_update(of=Task, key_share=True, skip_locked=True)
        .execution_options(populate_existing=True)
    ).one_or_none()


def waiting_jobs(session: Session, task_ids: list[int]) -> list[Any]:
    """What a window knows of the jobs that wait: task, place, path of its organisation, line, due times of its clocks."""
    lon, lat = store.lonlat_of(Claim.place)

    def due(kind: str) -> Any:
        return (
            select(Clock.due_at)
            .where(Clock.claim_id == Task.claim_id, Clock.kind == kind, Clock.stopped_at.is_(None))
            .scalar_subquery()
            .label(f"{kind}_due")
        )

    return list(
        session.execute(
            select(
                Task.id,
                Task.org_id,
                Task.state,
                Task.unassigned_reason,
                Task.round,
                Task.unreached,
                Task.needs,
                Task.priority,
                Task.created_at,
                Claim.catastrophe_id,
                lon.label("lon"),
                lat.label("lat"),
                Organisation.path,
                due("contact"),
                due("arrival"),
            )
            .join(Claim, Claim.id == Task.claim_id)
            .join(Organisation, Organisation.id == Task.org_id)
            .where(Task.id.in_(task_ids))
            .order_by(Task.priority.desc(), Task.created_at, Task.id)
        ).all()
    )


def service_times(session: Session, root_ids: list[int]) -> dict[int, dict[str, int]]:
    """Learned seconds on scene by insurer and line."""
    found: dict[int, dict[str, int]] = {}
    for row in session.execute(
        select(ServiceTime.root_id, ServiceTime.line, ServiceTime.median_s).where(
            ServiceTime.root_id.in_(root_ids)
        )
    ):
        found.setdefault(row.root_id, {})[row.line] = row.median_s
    return found


def learned_lately(session: Session, *, hours: int) -> bool:
    """Whether the times on scene were learned within so many hours."""
    sql = "SELECT COALESCE(max(learned_at) > clock_timestamp() - make_interval(hours => :hours), false) FROM service_time"
    return bool(session.execute(text(sql), {"hours": hours}).scalar_one())


LEARN = """
INSERT INTO service_time (root_id, line, median_s, jobs, learned_at)
SELECT CAST(split_part(o.path, '/', 2) AS bigint), c.line,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM a.completed_at - a.arrived_at))::integer,
       count(*), clock_timestamp()
  FROM assignment AS a
  JOIN task AS t ON t.id = a.task_id
  JOIN claim AS c ON c.id = t.claim_id
  JOIN organisation AS o ON o.id = c.org_id
 WHERE a.completed_at > clock_timestamp() - make_interval(days => :days) AND a.completed_at > a.arrived_at
 GROUP BY 1, 2
HAVING count(*) >= :enough
    ON CONFLICT (root_id, line) DO UPDATE
       SET (median_s, jobs, learned_at) = (EXCLUDED.median_s, EXCLUDED.jobs, EXCLUDED.learned_at)
RETURNING line
"""


def learn_service_times(session: Session, *, days: int, enough: int) -> int:
    """Writes the median seconds on scene of each insurer and line with enough finished surveys; how many there are."""
    return len(session.execute(text(LEARN), {"days": days, "enough": enough}).all())


def trust(session: Session, root_id: int) -> Trust:
    """How far the word of an insurer's people on their own end comes true; careful defaults until that was learned."""
    row = session.get(OwnWord, root_id)
    return CAREFUL if row is None else Trust(row.takes, row.spread)


# A word of less than a minute is a farewell, not an estimate. Medians and quantiles: one forgotten job must not move it.
LEARN_WORDS = """
INSERT INTO own_word (root_id, takes, spread, jobs, learned_at)
SELECT root_id, greatest(:least_takes, least(:most_takes, exp(percentile_cont(0.5) WITHIN GROUP (ORDER BY quotient)))),
       greatest(:least_spread, least(:most_spread,
                (percentile_cont(0.84) WITHIN GROUP (ORDER BY quotient)
                 - percentile_cont(0.16) WITHIN GROUP (ORDER BY quotient)) / 2)), count(*), clock_timestamp()
  FROM (SELECT CAST(split_part(o.path, '/', 2) AS bigint) AS root_id,
               ln(extract(epoch FROM a.completed_at - a.done_said_at)
                  / extract(epoch FROM a.done_by_at - a.done_said_at)) AS quotient
          FROM assignment AS a
          JOIN task AS t ON t.id = a.task_id
          JOIN claim AS c ON c.id = t.claim_id
          JOIN organisation AS o ON o.id = c.org_id
         WHERE a.completed_at > clock_timestamp() - make_interval(days => :days) AND a.completed_at > a.done_said_at
           AND a.done_by_at > a.done_said_at + interval '1 minute') AS words
 GROUP BY root_id
HAVING count(*) >= :enough
    ON CONFLICT (root_id) DO UPDATE
       SET (takes, spread, jobs, learned_at) = (EXCLUDED.takes, EXCLUDED.spread, EXCLUDED.jobs, EXCLUDED.learned_at)
RETURNING root_id
"""


def learn_words(session: Session, wanted: dict[str, Any]) -> int:
    """Writes how far each insurer's people come true with enough words; how many insurers there are."""
    return len(session.execute(text(LEARN_WORDS), wanted).all())


# The question in one statement: offer, record, task, timeline, event, wake-up. Losing to another job is normal in a burst
# and must cost one round trip and leave nothing behind, so everything hangs on the offer's own row.
ASK = """
WITH asked AS (
  INSERT INTO offer (task_id, surveyor_id, decision_id, state, made_at, expires_at, reach_by, round, rank, distance_m,
                     eta_s, drive_s, eta_by)
  VALUES (:task_id, :surveyor_id, :decision_id, 'open', :now, :expires_at, :reach_by, :round, :rank, :distance_m,
          :eta_s, :drive_s, :eta_by)
      ON CONFLICT DO NOTHING
  RETURNING id
),
recorded AS (
  INSERT INTO decision (id, task_id, at, kind, radius_m, provider, chosen_id, candidates, reason, facts)
  SELECT :decision_id, :task_id, :now, :kind, :radius_m, :provider, :surveyor_id, CAST(:candidates AS jsonb), :reason,
         CAST(:facts AS jsonb)
    FROM asked
),
moved AS (
  UPDATE task SET state = 'offered', state_since = :now, round = :round, next_try_at = NULL, unassigned_reason = NULL
    FROM asked WHERE task.id = :task_id
),
noted AS (
  INSERT INTO claim_event (claim_id, task_id, kind, at, actor_kind, facts)
  SELECT :claim_id, :task_id, 'offer.made', :now, 'system',
         jsonb_build_object('offer_id', CAST(id AS text), 'surveyor_id', CAST(CAST(:surveyor_id AS bigint) AS text),
                            'round', CAST(:round AS integer), 'expires_at', CAST(:expires_at AS timestamptz))
    FROM asked
),
told AS (
  INSERT INTO outbox (event, payload)
  SELECT 'offer.made',
         jsonb_build_object('claim_id', CAST(:claim_id AS bigint), 'task_id', CAST(:task_id AS bigint), 'offer_id', id,
                            'surveyor_id', CAST(:surveyor_id AS bigint))
    FROM asked
)
SELECT id, pg_notify(:channel, '') FROM asked
"""


def ask(session: Session, question: dict[str, Any]) -> int | None:
    """Puts the question; returns the offer's id, or None when somebody else's question is already open."""
    given = {"kind": "auto", "reason": None, "facts": "{}", "channel": outbox.CHANNEL} | question
    row = session.execute(text(ASK), given).one_or_none()
    return None if row is None else int(row.id)


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


PENDING = """
SELECT id
  FROM task
 WHERE state = 'pending' AND next_try_at <= :now
 ORDER BY priority DESC, created_at, id
 LIMIT :limit
"""


def pending(session: Session, now: datetime, limit: int) -> list[int]:
    """The jobs that wait for a first or next candidate, oldest first within priority."""
    return [row.id for row in session.execute(text(PENDING), {"now": now, "limit": limit})]


STILL_WAITING = """
UPDATE task
   SET unassigned_reason = :reason,
       next_try_at = CAST(:now AS timestamptz)
                   + make_interval(secs => least(:most, greatest(:least, extract(epoch FROM :now - state_since) / 10)))
  FROM (SELECT id FROM task
         WHERE id = ANY(:ids) AND state = 'unassigned' AND unassigned_reason = ANY(:healing)
           FOR NO KEY UPDATE SKIP LOCKED) AS t
 WHERE task.id = t.id
"""


def still_waiting(session: Session, wanted: dict[str, Any]) -> None:
    """Puts off the next vain try of jobs that are in the dispatcher's queue already: one statement for all of them."""
    session.execute(text(STILL_WAITING), wanted)


HELD = """
SELECT t.id, t.claim_id, t.state, t.switches, t.switched_at, COALESCE(a.surveyor_id, f.surveyor_id) AS holder_id,
       f.id AS offer_id, f.made_at, f.expires_at, f.delivered_at, f.reach_by,
       a.id AS assignment_id, a.accepted_at, a.contacted_at, a.departed_at,
       (SELECT k.predicted FROM clock AS k
         WHERE k.claim_id = t.claim_id AND k.kind = 'arrival' AND k.state = 'running') AS arrival_predicted
  FROM task AS t
  LEFT JOIN offer AS f ON f.task_id = t.id AND f.state = 'open' AND f.expires_at > :now
       AND (f.delivered_at IS NOT NULL OR f.reach_by IS NULL OR f.reach_by > :now)
  LEFT JOIN assignment AS a ON a.task_id = t.id AND a.ended_at IS NULL
 WHERE t.state IN ('offered', 'accepted', 'contacted', 'en_route') AND (f.id IS NOT NULL OR a.id IS NOT NULL)
   AND EXISTS (SELECT FROM clock AS k
                WHERE k.claim_id = t.claim_id AND k.kind IN ('contact', 'arrival') AND k.state = 'running' AND k.due_at > :now)
 ORDER BY t.id
 LIMIT :limit
"""


def held_jobs(session: Session, now: datetime, limit: int) -> list[Any]:
    """Jobs somebody considers or holds, with a clock that can still be kept, and how they stand."""
    return list(session.execute(text(HELD), {"now": now, "limit": limit}).all())


SILENT = """
UPDATE surveyor SET silences = silences + 1, silent_at = :now WHERE id = :id
"""
ANSWERED = "UPDATE surveyor SET silences = 0, silent_at = NULL WHERE id = :id AND silences > 0"


def note_silence(session: Session, surveyor_id: int, now: datetime) -> None:
    """He let an offer run out: the next choice counts with it."""
    session.execute(text(SILENT), {"id": surveyor_id, "now": now})


def note_answer(session: Session, surveyor_id: int) -> None:
    """He answered: what was silent before is forgotten."""
    session.execute(text(ANSWERED), {"id": surveyor_id})


DUE_OFFERS = """
SELECT o.id, o.task_id
  FROM offer AS o
 WHERE o.state = 'open'
   AND (o.expires_at <= :now OR (o.delivered_at IS NULL AND o.reach_by <= :now)
        OR EXISTS (SELECT FROM surveyor AS s WHERE s.id = o.surveyor_id AND NOT s.on_duty))
 ORDER BY o.expires_at
 LIMIT :limit
"""


def due_offers(session: Session, now: datetime, limit: int) -> list[Any]:
    """Open offers whose time is up, that reached no phone in time, or whose surveyor has gone home."""
    return list(session.execute(text(DUE_OFFERS), {"now": now, "limit": limit}).all())


def on_duty(session: Session, surveyor_id: int) -> bool:
    """Whether somebody is at work."""
    return bool(session.scalar(select(Surveyor.on_duty).where(Surveyor.id == surveyor_id)))


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
