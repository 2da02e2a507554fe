"""Reads what was foretold in the decisions of a period, and what the rows say became of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from dispatch.foretold import MOST, Foretold
from dispatch.milestones import BY_INDEX

# By the organisation of the job, not of the claim: who serves a claim of another region made the forecast.
# A lot by the number of the question: the same period shows the same figures at every look.
# A clock that stood still, or was given up with the claim, judges nothing; nor does a visit at an agreed hour.
ASKED = """
WITH picked AS MATERIALIZED (
  SELECT o.id, o.task_id, o.decision_id, o.state, o.made_at, t.claim_id, count(*) OVER () AS asked
    FROM offer AS o
   CROSS JOIN LATERAL (SELECT t.claim_id, t.org_id FROM task AS t WHERE t.id = o.task_id OFFSET 0) AS t
   CROSS JOIN LATERAL (SELECT g.path FROM organisation AS g WHERE g.id = t.org_id OFFSET 0) AS g
   WHERE o.made_at >= :start AND o.made_at < :end AND o.decision_id IS NOT NULL
     AND o.state IN ('accepted', 'declined', 'expired', 'unreached') AND g.path LIKE :scope
   ORDER BY hashint8(o.id)
   LIMIT :most
)
SELECT p.asked, date_part('hour', p.made_at AT TIME ZONE 'Asia/Shanghai')::int AS hour,
       d.line, a.appointment_at IS NULL AS free,
       CASE WHEN k.contact_due IS NULL THEN NULL
            WHEN p.state <> 'accepted' THEN false
            WHEN a.contacted_at IS NOT NULL THEN a.contacted_at <= k.contact_due
            WHEN COALESCE(a.ended_at, :now) >= k.contact_due THEN false END AS contact_kept,
       CASE WHEN k.arrival_due IS NULL THEN NULL
            WHEN a.arrived_at IS NOT NULL THEN a.arrived_at <= k.arrival_due
            WHEN COALESCE(a.ended_at, :now) >= k.arrival_due THEN false END AS arrive_kept,
       CASE WHEN a.arrived_at > a.departed_at
            THEN date_part('epoch', a.arrived_at - a.departed_at) END AS drive_s,
       date_part('epoch', a.arrived_at - p.made_at) AS arrival_s
  FROM picked AS p
 CROSS JOIN LATERAL (
       SELECT jsonb_path_query_first(d.candidates, '$[*] ? (@.outcome == "chosen")') AS line
         FROM decision AS d WHERE d.id = p.decision_id OFFSET 0) AS d
  LEFT JOIN LATERAL (
       SELECT a.* FROM assignment AS a WHERE a.task_id = p.task_id AND a.offer_id = p.id OFFSET 0) AS a ON true
 CROSS JOIN LATERAL (
       SELECT max(k.due_at) FILTER (WHERE k.kind = 'contact') AS contact_due,
              max(k.due_at) FILTER (WHERE k.kind = 'arrival' AND a.id IS NOT NULL) AS arrival_due
         FROM clock AS k
        WHERE k.claim_id = p.claim_id AND k.pauses = '[]' AND k.state <> 'void'
          AND k.stop_event IS DISTINCT FROM 'withdrawn' OFFSET 0) AS k
"""


@dataclass(frozen=True)
class Asked:
    """How many questions the period has, and those looked at that carry a forecast."""

    asked: int
    looked_at: int
    rows: list[Foretold]


def read(
    session: Session, org_path: str, start: datetime, end: datetime, now: datetime, most: int = MOST
) -> Asked:
    """The questions of jobs below `org_path` asked in [start, end) and settled by an answer or by silence."""
    session.execute(BY_INDEX)
    told = {"scope": org_path + "%", "start": start, "end": end, "now": now, "most": most}
    found = session.execute(text(ASKED), told).all()
    return Asked(
        found[0].asked if found else 0,
        len(found),
        [_foretold(row) for row in found if row.line is not None and "eta_high_s" in row.line],
    )


def _foretold(row: Any) -> Foretold:
    line = row.line
    eta_s, soonest_s = line.get("eta_s"), line.get("soonest_s")
    return Foretold(
        hour=row.hour,
        age_s=line.get("age_s"),
        contact_p=line.get("contact_p"),
        contact_kept=row.contact_kept,
        arrive_p=line.get("arrive_p"),
        arrive_kept=row.arrive_kept if row.free else None,
        low_s=line.get("eta_low_s"),
        mid_s=line.get("eta_mid_s"),
        high_s=line.get("eta_high_s"),
        wait_s=0.0 if eta_s is None or soonest_s is None else float(soonest_s - eta_s),
        drive_s=row.drive_s if row.free else None,
        arrival_s=row.arrival_s if row.free else None,
    )
