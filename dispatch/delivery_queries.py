"""When a question reaches a phone: marked once, by whatever first tells the phone of it. The row decides, not the message.

A bell, a text and a tracker's answer say nothing that could be answered, so they are no delivery.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from core import outbox

# The conditions are judged again on the row as it is once its lock is held: who comes after the deadline's own
# transaction finds it settled, and the deadline that comes after this one finds it delivered.
_DELIVER = """
WITH got AS (
  UPDATE offer AS o SET delivered_at = {now}
   WHERE {whose} AND o.state = 'open' AND o.delivered_at IS NULL AND o.expires_at > {now}
     AND (o.reach_by IS NULL OR o.reach_by > {now})
  RETURNING o.id, o.task_id, o.surveyor_id
),
noted AS (
  INSERT INTO claim_event (claim_id, task_id, kind, at, actor_kind, facts)
  SELECT t.claim_id, t.id, 'offer.delivered', {now}, 'system',
         jsonb_build_object('offer_id', CAST(g.id AS text), 'surveyor_id', CAST(g.surveyor_id AS text))
    FROM got AS g JOIN task AS t ON t.id = g.task_id
),
told AS (
  INSERT INTO outbox (event, payload)
  SELECT 'offer.delivered',
         jsonb_build_object('claim_id', t.claim_id, 'task_id', t.id, 'offer_id', g.id, 'surveyor_id', g.surveyor_id)
    FROM got AS g JOIN task AS t ON t.id = g.task_id
)
SELECT count(*), (SELECT pg_notify({channel}, '') FROM got LIMIT 1) FROM got
"""
TO_HIM = _DELIVER.format(now="CAST(:now AS timestamptz)", whose="o.surveyor_id = :me", channel=":channel")
# With the positions of hundreds of phones in one transaction nobody is waited for: the phone asks again at once.
TO_MANY = _DELIVER.format(
    now="CAST(%(now)s AS timestamptz)",
    whose="o.id IN (SELECT f.id FROM offer AS f WHERE f.id = ANY(%(ids)s) AND f.state = 'open'"
    " ORDER BY f.id FOR NO KEY UPDATE SKIP LOCKED)",
    channel="%(channel)s",
)
HEARD = "UPDATE surveyor SET unreached = 0 WHERE id = :me AND unreached > 0"
ANSWERABLE = """
SELECT id FROM offer
 WHERE surveyor_id = :me AND state = 'open' AND delivered_at IS NOT NULL AND expires_at > :now
 ORDER BY id
"""
WAITING = """
SELECT surveyor_id, id, delivered_at IS NULL AS unseen, clock_timestamp() AS now
  FROM offer
 WHERE state = 'open' AND surveyor_id = ANY(%s) AND expires_at > clock_timestamp()
   AND (delivered_at IS NOT NULL OR reach_by IS NULL OR reach_by > clock_timestamp())
 ORDER BY id
"""
UNREACHED = "UPDATE surveyor SET unreached = unreached + 1 WHERE id = :id"


def deliver(session: Session, surveyor_id: int, now: datetime) -> None:
    """His phone looks for what is new: what waits for his answer is delivered, and he can be reached again."""
    session.execute(text(TO_HIM), {"me": surveyor_id, "now": now, "channel": outbox.CHANNEL})
    session.execute(text(HEARD), {"me": surveyor_id})


def offer_ids(session: Session, surveyor_id: int, now: datetime) -> list[int]:
    """The ids of the questions he may answer: the news a ping's answer carries. They are delivered with it."""
    deliver(session, surveyor_id, now)
    return list(session.scalars(text(ANSWERABLE), {"me": surveyor_id, "now": now}))


def offers_waiting(cursor: Any, surveyor_ids: Sequence[int]) -> dict[int, list[int]]:
    """The same for many surveyors at once, on the plain cursor that positions are written with."""
    cursor.execute(WAITING, (list(surveyor_ids),))
    rows = cursor.fetchall()
    unseen = [ident for _, ident, unseen, _ in rows if unseen]
    if unseen:
        cursor.execute(TO_MANY, {"ids": unseen, "now": rows[0][3], "channel": outbox.CHANNEL})
    found: dict[int, list[int]] = {}
    for surveyor_id, ident, _, _ in rows:
        found.setdefault(surveyor_id, []).append(ident)
    return found


def note_unreached(session: Session, surveyor_id: int) -> None:
    """No phone of his fetched the question: until one looks again it is not to be counted on."""
    session.execute(text(UNREACHED), {"id": surveyor_id})
