"""What deciding reads and writes: the jobs that wait, the question put to somebody, silence, what is held or due."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from claims.models import Claim, Clock, Task
from core import outbox
from geo import store
from staff.models import Organisation, Surveyor


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
