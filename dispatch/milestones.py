"""A claim's milestones, counted from its rows once it is settled and kept in a row of their own.

What a report of many days needs of a claim lies in five tables, ten rows or so. Those of a settled claim change no more,
so a report of a year does not look at them again: it reads one narrow row a claim. A kept row is believed only while the
claim says that it was settled at the same moment; a claim that is open again, or has no row yet, is counted anew.
"""

from datetime import datetime, timedelta

from sqlalchemy import text

from core import clock
from core.database import Sessions

# A planner that last looked when a table was empty reads all of it for each claim: 10,000 claims took over 30 s
# instead of 2 on the day a system is filled. So there is always an index to walk, and nothing for it to order: what
# belongs to a row is looked up by LATERAL … OFFSET 0, whether somebody is of the team in a hash (IN … IS TRUE becomes no
# join), and sets are brought together by UNION ALL.
BY_INDEX = text("SET LOCAL enable_seqscan = off")

# What a leg begins or ends with, and what each clock says of its promise.
KEPT = (
    "begun_at, offered_at, accepted_at, contacted_at, arrived_at, submitted_at, approved_at, withdrawn, "
    "dispatch_kept, dispatch_excused, contact_kept, contact_excused, arrival_kept, arrival_excused, "
    "assessment_kept, assessment_excused"
)
OVER = "c.state IN ('approved', 'closed', 'withdrawn')"
BELIEVED = "m.claim_id = c.id AND m.closed_at = c.closed_at AND " + OVER


def filled(sql: str) -> str:
    """`sql` with the names and conditions above in the places of theirs."""
    parts = {
        "kept": KEPT,
        "kept anew": ", ".join(f"{name} = EXCLUDED.{name}" for name in KEPT.split(", ")),
        "over": OVER,
        "believed": BELIEVED,
        "counted": COUNTED,
    }
    for name, part in parts.items():
        sql = sql.replace("{" + name + "}", part)
    return sql


# A clock's own start is the start of the promise: a report keyed in hours after the call is measured from when we had it.
# LATERAL … OFFSET 0: each claim's few rows come by index, whatever the planner believes.
COUNTED = """
  SELECT COALESCE(k.begun_at, c.call_ended_at, c.reported_at) AS begun_at,
         asked.offered_at, gone.accepted_at, gone.contacted_at, gone.arrived_at, gone.submitted_at,
         CASE WHEN c.state IN ('approved', 'closed') THEN c.closed_at END AS approved_at,
         c.state = 'withdrawn' AS withdrawn,
         k.dispatch_kept, COALESCE(k.dispatch_excused, false) AS dispatch_excused,
         k.contact_kept, COALESCE(k.contact_excused, false) AS contact_excused,
         k.arrival_kept, COALESCE(k.arrival_excused, false) AS arrival_excused,
         k.assessment_kept, COALESCE(k.assessment_excused, false) AS assessment_excused
    FROM (
         SELECT min(o.made_at) AS offered_at
           FROM (SELECT t.id FROM task AS t WHERE t.claim_id = c.id OFFSET 0) AS t
          CROSS JOIN LATERAL (SELECT o.made_at FROM offer AS o WHERE o.task_id = t.id OFFSET 0) AS o) AS asked
   CROSS JOIN (
         SELECT min(d.accepted_at) AS accepted_at, min(d.contacted_at) AS contacted_at,
                min(d.arrived_at) AS arrived_at, min(d.completed_at) AS submitted_at
           FROM (SELECT t.id FROM task AS t WHERE t.claim_id = c.id OFFSET 0) AS t
          CROSS JOIN LATERAL (SELECT * FROM assignment AS d WHERE d.task_id = t.id OFFSET 0) AS d) AS gone
   CROSS JOIN (
         SELECT min(v.start_at) FILTER (WHERE v.kind = 'dispatch') AS begun_at,
                bool_or(v.kept) FILTER (WHERE v.kind = 'dispatch') AS dispatch_kept,
                bool_or(v.excused) FILTER (WHERE v.kind = 'dispatch') AS dispatch_excused,
                bool_or(v.kept) FILTER (WHERE v.kind = 'contact') AS contact_kept,
                bool_or(v.excused) FILTER (WHERE v.kind = 'contact') AS contact_excused,
                bool_or(v.kept) FILTER (WHERE v.kind = 'arrival') AS arrival_kept,
                bool_or(v.excused) FILTER (WHERE v.kind = 'arrival') AS arrival_excused,
                bool_or(v.kept) FILTER (WHERE v.kind = 'assessment') AS assessment_kept,
                bool_or(v.excused) FILTER (WHERE v.kind = 'assessment') AS assessment_excused
           FROM (SELECT k.kind, k.start_at,
                        CASE WHEN k.breached_at IS NOT NULL THEN false WHEN k.state = 'met' THEN true END AS kept,
                        k.breached_at IS NULL
                          AND (k.state = 'void' OR k.stop_event = 'withdrawn' OR k.pauses <> '[]') AS excused
                   FROM clock AS k WHERE k.claim_id = c.id) AS v) AS k
"""

# Of claims below `:scope` reported in [:start, :end): `facts` with the milestones of each, its line, area and branch.
FACTS = filled(
    """
cohort AS NOT MATERIALIZED (
  SELECT c.id, c.state, c.line, c.reported_at, c.call_ended_at, c.closed_at, o.name AS org, a.name AS area
    FROM claim AS c
    JOIN organisation AS o ON o.id = c.org_id
    LEFT JOIN area AS a ON a.id = c.area_id
   WHERE o.path LIKE :scope AND c.reported_at >= :start AND c.reported_at < :end
), facts AS (
  SELECT c.line, c.reported_at, c.org, c.area, m.*
    FROM cohort AS c
   CROSS JOIN LATERAL (SELECT {kept} FROM milestone AS m WHERE {believed} OFFSET 0) AS m
   UNION ALL
  SELECT c.line, c.reported_at, c.org, c.area, m.*
    FROM cohort AS c
   CROSS JOIN LATERAL ({counted}) AS m
   WHERE (SELECT true FROM milestone AS m WHERE {believed}) IS NULL
)
"""
)

# Settled for an hour, with nobody at work any more and no clock that could still break.
KEEP = filled(
    """
INSERT INTO milestone (claim_id, closed_at, {kept})
SELECT c.id, c.closed_at, m.*
  FROM claim AS c
 CROSS JOIN LATERAL ({counted}) AS m
 WHERE c.reported_at >= :start AND c.reported_at < :end AND {over} AND c.closed_at < :settled_before
   AND (SELECT true FROM milestone AS m WHERE {believed}) IS NULL
   AND NOT EXISTS (SELECT FROM clock AS k WHERE k.claim_id = c.id AND k.state = 'running')
   AND NOT EXISTS (SELECT FROM task AS t JOIN assignment AS d ON d.task_id = t.id
                    WHERE t.claim_id = c.id AND COALESCE(d.ended_at, d.completed_at) IS NULL)
    ON CONFLICT (claim_id) DO UPDATE SET closed_at = EXCLUDED.closed_at, {kept anew}
"""
)
SETTLED_FOR = timedelta(hours=1)
# One transaction a stretch: a busy hour of a large insurer is some ten thousand claims, half a second.
STRETCH = timedelta(hours=1)


def keep(sessions: Sessions, days: int, now: datetime | None = None) -> int:
    """Keeps the milestones of settled claims reported in the last `days` days; how many.

    Safe to repeat, and to run twice at once.
    """
    with sessions.begin() as session:
        now = now or clock.read(session)
    kept, start = 0, now - timedelta(days=days)
    while start < now:
        told = {"start": start, "end": start + STRETCH, "settled_before": now - SETTLED_FOR}
        with sessions.begin() as session:
            session.execute(BY_INDEX)
            kept += session.execute(text(KEEP), told).rowcount  # type: ignore[attr-defined]
        start += STRETCH
    return kept
