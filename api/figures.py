"""How far behind the machine is, asked of the database at each scrape: one gauge a duty, in seconds."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from core import clock, metrics
from geo import store

# Each is the age of the oldest thing that should have happened by now; nothing overdue is 0.
LAGS = """
SELECT 'relay' AS duty, min(created_at) AS since FROM outbox WHERE relayed_at IS NULL
UNION ALL SELECT 'delivery', min(due_at) FROM delivery WHERE state = 'waiting'
UNION ALL SELECT 'message', min(due_at) FROM message WHERE state = 'waiting'
UNION ALL SELECT 'photo', min(due_at) FROM photo WHERE state = 'received'
UNION ALL SELECT 'dispatch', min(next_try_at) FROM task WHERE state = 'pending'
UNION ALL SELECT 'offer', min(expires_at) FROM offer WHERE state = 'open'
UNION ALL SELECT 'clock', min(due_at) FROM escalation WHERE state = 'waiting'
"""
AGES = f"""
SELECT duty, GREATEST(0, extract(epoch FROM clock_timestamp() - since)) AS age_s
  FROM ({LAGS}) AS lags
"""  # noqa: S608
PARKED = "SELECT count(*) FROM delivery WHERE state = 'parked'"


def measure(session: Session) -> None:
    """Sets the gauges."""
    for row in session.execute(text(AGES)):
        metrics.LAG.labels(row.duty).set(float(row.age_s or 0))
    metrics.PARKED.set(session.execute(text(PARKED)).scalar_one())
    today = clock.read(session).date()
    metrics.DAYS_AHEAD.set(sum(1 for day in store.partitions(session) if day.day > today))
