"""What the past teaches: how long surveys take, and how far a surveyor's own word is to be trusted."""

from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from dispatch.finishing import CAREFUL, Trust
from dispatch.models import OwnWord, ServiceTime


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
