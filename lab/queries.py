"""What a real day left in the tables: reports, surveyors, shifts, fixes, offers, and what became of them. Read only."""

from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

# Every promise counts from the end of the call; a report keyed in later is taken to have come in then.
REPORTS = """
SELECT t.id, c.report_no, t.needs, COALESCE(c.call_ended_at, c.reported_at) AS at, o.path, c.cause, c.line,
       ST_X(CAST(c.place AS geometry)) AS lon, ST_Y(CAST(c.place AS geometry)) AS lat,
       (SELECT extract(epoch FROM a.completed_at - a.arrived_at) FROM assignment AS a
         WHERE a.task_id = t.id AND a.completed_at > a.arrived_at ORDER BY a.id DESC LIMIT 1) AS scene_s
  FROM task AS t
  JOIN claim AS c ON c.id = t.claim_id AND c.place IS NOT NULL
  JOIN organisation AS o ON o.id = t.org_id AND o.path LIKE :scope
 WHERE t.kind = 'survey' AND c.reported_at >= CAST(:start AS timestamptz) - interval '1 hour' AND c.reported_at < :end
   AND COALESCE(c.call_ended_at, c.reported_at) >= :start AND COALESCE(c.call_ended_at, c.reported_at) < :end
 ORDER BY at, t.id
 LIMIT :most
"""

# Whoever worked for the insurer that day, neighbours included: the cascade asks them too. Who was asked without a shift
# in the books was there all day.
CREW = """
SELECT s.id, s.skills, s.max_open, o.path, h.started_at, h.ended_at
  FROM surveyor AS s
  JOIN organisation AS o ON o.id = s.org_id AND o.path LIKE :root
  LEFT JOIN shift AS h ON h.surveyor_id = s.id AND h.started_at < :end AND (h.ended_at IS NULL OR h.ended_at > :start)
 WHERE h.id IS NOT NULL
    OR EXISTS (SELECT FROM assignment AS a WHERE a.surveyor_id = s.id AND a.accepted_at >= :start AND a.accepted_at < :end)
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
SELECT o.task_id, o.surveyor_id, o.state, o.made_at, o.settled_at, o.expires_at, o.delivered_at
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


def rows(session: Session, sql: str, **given: Any) -> list[Row[Any]]:
    """The rows of one of the questions above."""
    return list(session.execute(text(sql), given))
