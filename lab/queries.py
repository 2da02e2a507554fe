"""What a real day left in the tables: reports, surveyors, shifts, fixes, offers, and what became of them. Read only."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

# The moment the machine could first ask: when the report was in the database, place and all.
REPORTS = """
SELECT t.id, t.needs, t.created_at, o.path, c.cause, c.line,
       ST_X(CAST(c.place AS geometry)) AS lon, ST_Y(CAST(c.place AS geometry)) AS lat,
       (SELECT extract(epoch FROM a.completed_at - a.arrived_at) FROM assignment AS a
         WHERE a.task_id = t.id AND a.completed_at > a.arrived_at ORDER BY a.id DESC LIMIT 1) AS scene_s
  FROM task AS t
  JOIN claim AS c ON c.id = t.claim_id AND c.place IS NOT NULL
  JOIN organisation AS o ON o.id = t.org_id AND o.path LIKE :scope
 WHERE t.kind = 'survey' AND t.created_at >= :start AND t.created_at < :end
 ORDER BY t.created_at, t.id
 LIMIT :most
"""

# Whoever worked for the insurer that day, neighbours included: the cascade asks them too.
CREW = """
SELECT s.id, s.skills, s.max_open, o.path, h.started_at, h.ended_at
  FROM shift AS h
  JOIN surveyor AS s ON s.id = h.surveyor_id
  JOIN organisation AS o ON o.id = s.org_id AND o.path LIKE :root
 WHERE h.started_at < :end AND (h.ended_at IS NULL OR h.ended_at > :start)
 ORDER BY s.id, h.started_at
"""

# One fix for every `step` seconds of each surveyor is enough to know where he was.
FIXES = """
SELECT DISTINCT ON (p.surveyor_id, floor(extract(epoch FROM p.fixed_at) / :step))
       p.surveyor_id, p.fixed_at, p.lon, p.lat
  FROM position AS p
 WHERE p.fixed_at >= :start AND p.fixed_at < :end AND p.surveyor_id = ANY(:ids)
 ORDER BY p.surveyor_id, floor(extract(epoch FROM p.fixed_at) / :step), p.fixed_at DESC
"""

OFFERS = """
SELECT o.task_id, o.surveyor_id, o.state, o.made_at, o.settled_at, o.expires_at
  FROM offer AS o
 WHERE o.task_id = ANY(:tasks)
 ORDER BY o.made_at, o.id
"""

DUTIES = """
SELECT a.task_id, a.surveyor_id, a.accepted_at, a.contacted_at, a.departed_at, a.arrived_at
  FROM assignment AS a
 WHERE a.task_id = ANY(:tasks)
 ORDER BY a.accepted_at, a.id
"""

# Where somebody was last before the day began, for those who have no fix in it.
BEFORE = """
SELECT l.surveyor_id, l.lon, l.lat FROM last_position AS l WHERE l.surveyor_id = ANY(:ids)
"""

BUSY_DAYS = """
SELECT date_trunc('day', t.created_at + make_interval(hours => :hours)) AS day, count(*) AS reports
  FROM task AS t JOIN organisation AS o ON o.id = t.org_id AND o.path LIKE :scope
 WHERE t.kind = 'survey' AND t.created_at >= :start AND t.created_at < :end
 GROUP BY 1 ORDER BY 1
"""


def rows(session: Session, sql: str, **given: Any) -> list[Row[Any]]:
    """The rows of one of the questions above."""
    return list(session.execute(text(sql), given))


def now_of(session: Session) -> datetime:
    """The database's time."""
    found: datetime = session.execute(text("SELECT clock_timestamp()")).scalar_one()
    return found
