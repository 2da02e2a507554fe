"""Rows with given times, written straight into the tables: for reports and messages, which only read them."""

import itertools
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from claims.models import Claim, ClaimItem, Clock, Escalation, Task
from core import clock
from dispatch.models import Assignment, Offer
from tests import factories

numbers = itertools.count(1)


def claim(session: Session, at: datetime | None = None, **given: Any) -> Claim:
    """A claim reported at `at` (now) by a mobile number."""
    at = at or clock.read(session)
    defaults: dict[str, Any] = {
        "org_id": factories.default_organisation(session).id,
        "report_no": f"CK261122{next(numbers):04d}",
        "line": "motor",
        "reported_at": at,
        "created_at": at,
        "reporter_name": "王报案",
        "reporter_phone": "+8613800138000",
        "reporter_phone_typed": "138 0013 8000",
        "place_text": "建设路与人民路路口",
        "needs": ["motor"],
    }
    row = Claim(**(defaults | given))
    session.add(row)
    session.flush()
    return row


def item(session: Session, of: Claim, plate: str) -> ClaimItem:
    """A vehicle of a claim."""
    row = ClaimItem(claim_id=of.id, kind="own_vehicle", plate=plate, plate_key=plate)
    session.add(row)
    session.flush()
    return row


def task(session: Session, of: Claim, **given: Any) -> Task:
    """The survey job of a claim."""
    defaults: dict[str, Any] = {
        "claim_id": of.id,
        "org_id": of.org_id,
        "state": "pending",
        "state_since": of.reported_at,
        "needs": of.needs,
    }
    row = Task(**(defaults | given))
    session.add(row)
    session.flush()
    return row


def offer(session: Session, of: Task, surveyor_id: int, at: datetime, **given: Any) -> Offer:
    """An open offer of ninety seconds."""
    defaults: dict[str, Any] = {
        "task_id": of.id,
        "surveyor_id": surveyor_id,
        "made_at": at,
        "expires_at": at + timedelta(seconds=90),
        "round": 1,
        "rank": 1,
        "distance_m": 2340,
        "eta_s": 600,
    }
    row = Offer(**(defaults | given))
    session.add(row)
    session.flush()
    return row


def assignment(session: Session, of: Task, surveyor_id: int, at: datetime, **given: Any) -> Assignment:
    """A duty accepted at `at`."""
    defaults: dict[str, Any] = {"task_id": of.id, "surveyor_id": surveyor_id, "accepted_at": at}
    row = Assignment(**(defaults | given))
    session.add(row)
    session.flush()
    return row


def clock_of(session: Session, of: Claim, kind: str, minutes: int, **given: Any) -> Clock:
    """A clock that started with the report."""
    defaults: dict[str, Any] = {
        "claim_id": of.id,
        "kind": kind,
        "start_event": "report_end",
        "start_at": of.reported_at,
        "limit_s": minutes * 60,
        "due_at": of.reported_at + timedelta(minutes=minutes),
    }
    row = Clock(**(defaults | given))
    session.add(row)
    session.flush()
    return row


def fired(session: Session, of: Clock, stage: str, at: datetime) -> Escalation:
    """A rung that has fired."""
    row = Escalation(clock_id=of.id, stage=stage, due_at=at, state="fired", fired_at=at)
    session.add(row)
    session.flush()
    return row


def explain(session: Session, sql: str) -> str:
    """The plan of a query after fresh statistics."""
    session.execute(text("ANALYZE"))
    return "\n".join(session.scalars(text(f"EXPLAIN {sql}")))


MANY = """
WITH c AS (
  INSERT INTO claim (org_id, report_no, line, state, reported_at, reporter_phone, reporter_phone_typed, needs)
  SELECT :org_id, 'M' || n, 'motor', 'surveying', CAST(:at AS timestamptz) + n * interval '1 second', '+8613800138000', '', '{}'
    FROM generate_series(1, :n) AS n
  RETURNING id, reported_at
), t AS (
  INSERT INTO task (claim_id, org_id, state, state_since, needs)
  SELECT id, :org_id, 'contacted', reported_at, '{}' FROM c
  RETURNING id, claim_id, state_since AS at
), k AS (
  INSERT INTO clock (claim_id, kind, start_event, start_at, limit_s, due_at, stopped_at, state)
  SELECT c.id, kind, 'report_end', c.reported_at, 600, c.reported_at + interval '10 min', c.reported_at + interval '5 min', 'met'
    FROM c CROSS JOIN (VALUES ('dispatch'), ('contact'), ('arrival')) AS kinds (kind)
)
INSERT INTO assignment (task_id, surveyor_id, accepted_at, contacted_at, completed_at)
SELECT id, :surveyor_id, at + interval '1 min', at + interval '5 min', at + interval '50 min' FROM t
"""


def many_claims(session: Session, org_id: int, surveyor_id: int, at: datetime, n: int) -> None:
    """`n` claims a second apart, each contacted after five minutes."""
    session.execute(text(MANY), {"org_id": org_id, "surveyor_id": surveyor_id, "at": at, "n": n})
    session.flush()
