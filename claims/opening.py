"""A report taken in, in one statement: claim, items, marks of likeness, clocks with their ladders, job, timeline, events.

Written one by one they were ten round trips, and those, not the rows, were what a report cost in a burst.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from claims import timeline
from claims.duplicates import Likeness
from claims.errors import ExternalNoTaken
from claims.models import Clock
from claims.states import TaskState
from core import outbox
from staff.accounts import Actor

INJURY_PRIORITY = 10

OPEN = """
WITH opened AS (
  INSERT INTO claim (org_id, area_id, insurer_id, report_no, external_no, line, state, reported_at, call_ended_at,
                     reporter_name, reporter_phone, reporter_phone_typed, reporter_relation, loss_at, place_text, place,
                     place_source, cause, injured, movable, scene_left, policy_no, needs, note, marks, catastrophe_id,
                     created_by, created_at, version)
  SELECT :org_id, :area_id, :insurer_id, :report_day || lpad(n, greatest(6, length(n)), '0'), :external_no, :line, :state,
         :reported_at, :call_ended_at, :reporter_name, :reporter_phone, :reporter_phone_typed, :reporter_relation,
         :loss_at, :place_text, CAST(:place AS geography), :place_source, :cause, :injured, :movable, :scene_left,
         :policy_no, :needs, :note, :marks, :catastrophe_id, :created_by, :now, 1
    FROM CAST(nextval('report_no_seq') AS text) AS n
  RETURNING id, report_no
),
concerned AS (
  INSERT INTO claim_item (claim_id, kind, plate, plate_key, vin, description)
  SELECT o.id, i.kind, i.plate, i.plate_key, i.vin, i.description
    FROM opened AS o,
         jsonb_to_recordset(CAST(:items AS jsonb))
           AS i (kind text, plate text, plate_key text, vin text, description text)
),
resembled AS (
  INSERT INTO claim_duplicate (claim_id, other_id, reasons)
  SELECT o.id, a.other_id, a.reasons
    FROM opened AS o, jsonb_to_recordset(CAST(:alike AS jsonb)) AS a (other_id bigint, reasons text[])
),
started AS (
  INSERT INTO clock (claim_id, kind, start_event, start_at, limit_s, due_at)
  SELECT o.id, k.kind, k.start_event, k.start_at, k.limit_s, k.due_at
    FROM opened AS o,
         jsonb_to_recordset(CAST(:clocks AS jsonb))
           AS k (kind text, start_event text, start_at timestamptz, limit_s integer, due_at timestamptz)
  RETURNING id, kind
),
laddered AS (
  INSERT INTO escalation (clock_id, stage, due_at, state)
  SELECT s.id, r.stage, r.due_at, r.state
    FROM started AS s
    JOIN jsonb_to_recordset(CAST(:rungs AS jsonb)) AS r (kind text, stage text, due_at timestamptz, state text)
      ON r.kind = s.kind
),
job AS (
  INSERT INTO task (claim_id, org_id, kind, state, state_since, needs, priority, next_try_at, unassigned_reason, created_at)
  SELECT o.id, :org_id, 'survey', :task_state, :now, :needs, :priority, :next_try_at, :unassigned_reason, :now
    FROM opened AS o
  RETURNING id
),
noted AS (
  INSERT INTO claim_event (claim_id, task_id, kind, at, actor_id, actor_kind, facts)
  SELECT o.id, j.id, 'claim.opened', :now, :actor_id, :actor_kind,
         jsonb_build_object('report_no', o.report_no) || CAST(:facts AS jsonb)
    FROM opened AS o, job AS j
),
told AS (
  INSERT INTO outbox (event, payload)
  SELECT e.event, jsonb_build_object('claim_id', o.id, 'task_id', j.id) || e.more
    FROM opened AS o, job AS j,
         (VALUES (1, 'claim.opened', CAST('{}' AS jsonb)),
                 (2, 'task.unassigned', jsonb_build_object('reason', CAST(:unassigned_reason AS text))))
           AS e (n, event, more)
   WHERE e.n = 1 OR CAST(:unassigned_reason AS text) IS NOT NULL
   ORDER BY e.n
)
SELECT o.id, o.report_no, j.id AS task_id, (SELECT jsonb_object_agg(s.kind, s.id) FROM started AS s) AS clock_ids,
       pg_notify(:events, ''), CASE WHEN :task_state = 'pending' THEN pg_notify(:tasks, '') END
  FROM opened AS o, job AS j
"""


@dataclass(frozen=True)
class Rows:
    """What a report becomes: values by column, without the ids that only the database knows."""

    claim: dict[str, Any]
    task: dict[str, Any]
    items: Sequence[dict[str, Any]]
    clocks: Sequence[dict[str, Any]]
    rungs: Sequence[dict[str, Any]]  # of all clocks; `kind` names whose
    alike: Sequence[Likeness]


@dataclass(frozen=True)
class Written:
    """The ids that were given, and the clocks that run."""

    claim_id: int
    report_no: str
    task_id: int
    clocks: tuple[Clock, ...]


def write(session: Session, actor: Actor, rows: Rows, now: datetime) -> Written:
    """Writes them all and wakes whoever waits for them. Raises ExternalNoTaken."""
    claim = rows.claim
    actor_id, actor_kind = timeline.who(actor)
    facts = {"marks": claim["marks"]}
    if claim["catastrophe_id"] is not None:
        facts["catastrophe_id"] = str(claim["catastrophe_id"])
    given = claim | rows.task | {
        "now": now,
        "actor_id": actor_id,
        "actor_kind": actor_kind,
        "items": _json(rows.items),
        "alike": _json([{"other_id": other.claim_id, "reasons": other.reasons} for other in rows.alike]),
        "clocks": _json(rows.clocks),
        "rungs": _json(rows.rungs),
        "facts": _json(facts),
        "events": outbox.CHANNEL,
        "tasks": outbox.TASKS_CHANNEL,
    }  # fmt: skip
    try:
        row = session.execute(text(OPEN), given).one()
    except IntegrityError as error:
        if error.orig is None or error.orig.diag.constraint_name != "uq_claim_external_no":  # type: ignore[attr-defined]
            raise
        # The same number sent twice in the same moment: the index decides, the caller is told which.
        raise ExternalNoTaken("a claim with that number exists") from error
    clocks = tuple(Clock(id=row.clock_ids[clock["kind"]], claim_id=row.id, **clock) for clock in rows.clocks)
    return Written(row.id, row.report_no, row.task_id, clocks)


def task_row(pinned: bool, injured: int, now: datetime) -> dict[str, Any]:
    """The survey job. Without a position nobody can be nearest: it goes to the dispatcher, never to (0, 0)."""
    return {
        "task_state": str(TaskState.PENDING if pinned else TaskState.UNASSIGNED),
        "priority": INJURY_PRIORITY if injured else 0,
        "next_try_at": now if pinned else None,
        "unassigned_reason": None if pinned else "no_position",
    }


def _json(value: Any) -> str:
    return json.dumps(value, default=_text, ensure_ascii=False)


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a report")
