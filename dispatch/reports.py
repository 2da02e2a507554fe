"""Figures for supervisors: how long each leg took and how many promises were kept; how each person works.

Percentiles as well as counts; excused cases (an agreed later time, a withdrawn claim) are held apart, never deleted.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from dispatch.milestones import BY_INDEX, FACTS

# In the order of a claim's life. The second word is the clock that judges the leg, if one does.
LEGS = (
    ("report_offer", None),
    ("report_accept", "dispatch"),
    ("report_contact", "contact"),
    ("contact_arrival", None),
    ("report_arrival", "arrival"),
    ("arrival_submit", None),
    ("submit_approve", "assessment"),
    ("report_approve", None),
)

# A supervisor's day and hour are the customer's: the one place below the screens where local time decides.
LOCAL = "c.reported_at AT TIME ZONE 'Asia/Shanghai'"
GROUPS = {
    "": "NULL::text",
    "area": "c.area",
    "day": f"to_char({LOCAL}, 'YYYY-MM-DD')",
    "hour": f"to_char({LOCAL}, 'HH24')",
    "line": "c.line",
    "organisation": "c.org",
}

LEG_ROWS = """
  SELECT c.grp, l.place, round(date_part('epoch', l.until - l.since) * 10) AS tenths, l.kept, l.excused, count(*) AS n
    FROM (SELECT c.*, {group} AS grp FROM facts AS c OFFSET 0) AS c
   CROSS JOIN LATERAL (VALUES
         (1, begun_at, offered_at, NULL::boolean, withdrawn),
         (2, begun_at, accepted_at, dispatch_kept, dispatch_excused),
         (3, begun_at, contacted_at, contact_kept, contact_excused),
         (4, contacted_at, arrived_at, NULL, withdrawn OR arrival_excused),
         (5, begun_at, arrived_at, arrival_kept, arrival_excused),
         (6, arrived_at, submitted_at, NULL, withdrawn),
         (7, submitted_at, approved_at, assessment_kept, assessment_excused),
         (8, begun_at, approved_at, NULL, withdrawn)
         ) AS l (place, since, until, kept, excused)
   GROUP BY c.grp, l.place, tenths, l.kept, l.excused
"""

# Of millions of legs a list of how many took so many tenths of a second is short: no sort, nothing spilt to disk.
# `upto`: how many measured ones took as long or less. Percentiles are percentile_cont's: between two neighbours in the order,
# in proportion; the n-th from 0 is the first whose `upto` is beyond n.
FIGURES = """
, counted AS (
  SELECT grp, GROUPING(grp) = 1 AS total, place, tenths, kept, excused, sum(n) AS n,
         COALESCE(tenths >= 0, false) AND NOT excused AS measured
    FROM leg_rows
   GROUP BY GROUPING SETS ((place, tenths, kept, excused), (grp, place, tenths, kept, excused))
), ranked AS (
  SELECT *, sum(n) FILTER (WHERE measured) OVER (PARTITION BY total, grp, place ORDER BY measured DESC, tenths) AS upto,
         sum(n) FILTER (WHERE measured) OVER (PARTITION BY total, grp, place) AS cases
    FROM counted
), picked AS (
  SELECT total, grp, place, q, q * (max(cases) - 1) AS rank,
         min(tenths) FILTER (WHERE measured AND upto > floor(q * (cases - 1))) AS low,
         min(tenths) FILTER (WHERE measured AND upto > ceil(q * (cases - 1))) AS high
    FROM ranked
   CROSS JOIN (VALUES (0.5), (0.9), (0.99)) AS p (q)
   GROUP BY total, grp, place, q
), percentiles AS (
  SELECT total, grp, place, array_agg((low + (high - low) * (rank - floor(rank))::float8) / 10 ORDER BY q) AS percentiles
    FROM picked
   WHERE low IS NOT NULL
   GROUP BY total, grp, place
), sums AS (
  SELECT total, grp, place,
         COALESCE(sum(n) FILTER (WHERE measured), 0)::bigint AS count,
         COALESCE(sum(n) FILTER (WHERE kept IS NOT NULL AND NOT excused), 0)::bigint AS judged,
         COALESCE(sum(n) FILTER (WHERE kept AND NOT excused), 0)::bigint AS kept,
         COALESCE(sum(n) FILTER (WHERE excused AND (tenths >= 0 OR place IN (2, 3, 5, 7))), 0)::bigint AS excused
    FROM ranked
   GROUP BY total, grp, place
)
SELECT s.*, p.percentiles
  FROM sums AS s
  LEFT JOIN percentiles AS p ON p.total = s.total AND p.grp IS NOT DISTINCT FROM s.grp AND p.place = s.place
 ORDER BY s.total DESC, s.grp NULLS FIRST, s.place
"""

PEOPLE = """
WITH team AS MATERIALIZED (
  SELECT s.id, p.name, s.org_id, o.name AS org
    FROM surveyor AS s
   CROSS JOIN LATERAL (SELECT o.name, o.path FROM organisation AS o WHERE o.id = s.org_id OFFSET 0) AS o
   CROSS JOIN LATERAL (SELECT p.name FROM person AS p WHERE p.id = s.id OFFSET 0) AS p
   WHERE o.path LIKE :scope
), asked AS (
  SELECT o.surveyor_id AS id, count(*) AS offers,
         count(*) FILTER (WHERE o.state = 'accepted') AS accepted,
         count(*) FILTER (WHERE o.state = 'declined') AS declined,
         count(*) FILTER (WHERE o.state = 'expired') AS expired,
         count(*) FILTER (WHERE o.state = 'unreached') AS unreached,
         percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM o.settled_at - o.made_at))
           FILTER (WHERE o.state IN ('accepted', 'declined')) AS answer_p50_s
    FROM offer AS o
   WHERE o.made_at >= :start AND o.made_at < :end AND (o.surveyor_id IN (SELECT id FROM team)) IS TRUE
   GROUP BY o.surveyor_id
), duties AS (
  SELECT d.surveyor_id AS id, d.completed_at,
         -- Judged by what he could do: not for a limit broken before the job was his, nor after it was taken from him.
         CASE WHEN k.contact_due <= d.accepted_at THEN NULL
              WHEN d.contacted_at IS NOT NULL THEN d.contacted_at <= k.contact_due
              WHEN k.contact_broken AND k.contact_due < COALESCE(d.ended_at, :end) THEN false END AS contact_kept,
         CASE WHEN k.arrival_due <= d.accepted_at THEN NULL
              WHEN d.arrived_at IS NOT NULL THEN d.arrived_at <= k.arrival_due
              WHEN k.arrival_broken AND k.arrival_due < COALESCE(d.ended_at, :end) THEN false END AS arrival_kept
    FROM assignment AS d
   CROSS JOIN LATERAL (SELECT t.claim_id FROM task AS t WHERE t.id = d.task_id OFFSET 0) AS t
   CROSS JOIN LATERAL (
         SELECT max(k.due_at) FILTER (WHERE k.kind = 'contact') AS contact_due,
                bool_or(k.breached_at IS NOT NULL) FILTER (WHERE k.kind = 'contact') AS contact_broken,
                max(k.due_at) FILTER (WHERE k.kind = 'arrival') AS arrival_due,
                bool_or(k.breached_at IS NOT NULL) FILTER (WHERE k.kind = 'arrival') AS arrival_broken
           FROM clock AS k WHERE k.claim_id = t.claim_id OFFSET 0) AS k
   WHERE d.accepted_at >= :start AND d.accepted_at < :end AND (d.surveyor_id IN (SELECT id FROM team)) IS TRUE
), worked AS (
  SELECT id, count(*) AS jobs, count(*) FILTER (WHERE completed_at IS NOT NULL) AS completed,
         count(contact_kept) AS contact_judged, count(*) FILTER (WHERE contact_kept) AS contact_kept,
         count(arrival_kept) AS arrival_judged, count(*) FILTER (WHERE arrival_kept) AS arrival_kept
    FROM duties
   GROUP BY id
), shot AS (
  SELECT f.person_id AS id, count(*) AS photos, count(*) FILTER (WHERE r.returned) AS returned
    FROM photo AS f
   CROSS JOIN LATERAL (
         SELECT EXISTS (SELECT FROM photo_review AS r
                         WHERE r.photo_id = f.id AND r.verdict = 'sent_back') AS returned OFFSET 0) AS r
   WHERE f.received_at >= :start AND f.received_at < :end AND NOT f.customer
     AND (f.person_id IN (SELECT id FROM team)) IS TRUE
   GROUP BY f.person_id
), thanked AS (
  SELECT h.surveyor_id AS id, count(*) AS ratings, avg(r.stars) AS stars
    FROM rating AS r
   CROSS JOIN LATERAL (
         SELECT d.surveyor_id
           FROM (SELECT t.id FROM task AS t WHERE t.claim_id = r.claim_id OFFSET 0) AS t
          CROSS JOIN LATERAL (
                SELECT d.id, d.surveyor_id FROM assignment AS d
                 WHERE d.task_id = t.id AND (d.ended_at IS NULL OR d.end_reason = 'done') OFFSET 0) AS d
          ORDER BY d.id DESC LIMIT 1) AS h
   WHERE r.at >= :start AND r.at < :end AND (h.surveyor_id IN (SELECT id FROM team)) IS TRUE
   GROUP BY h.surveyor_id
), figures AS (
  SELECT id, name, org_id, org, NULL::bigint AS offers, NULL::bigint AS accepted, NULL::bigint AS declined,
         NULL::bigint AS expired, NULL::bigint AS unreached,
         NULL::float8 AS answer_p50_s, NULL::bigint AS jobs, NULL::bigint AS completed,
         NULL::bigint AS contact_judged, NULL::bigint AS contact_kept, NULL::bigint AS arrival_judged,
         NULL::bigint AS arrival_kept, NULL::bigint AS photos, NULL::bigint AS returned, NULL::bigint AS ratings,
         NULL::numeric AS stars
    FROM team
   UNION ALL
  SELECT id, NULL, NULL, NULL, offers, accepted, declined, expired, unreached, answer_p50_s, NULL, NULL, NULL, NULL, NULL, NULL,
         NULL, NULL, NULL, NULL
    FROM asked
   UNION ALL
  SELECT id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, jobs, completed, contact_judged, contact_kept, arrival_judged,
         arrival_kept, NULL, NULL, NULL, NULL
    FROM worked
   UNION ALL
  SELECT id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, photos, returned, NULL,
         NULL
    FROM shot
   UNION ALL
  SELECT id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, ratings,
         stars
    FROM thanked
)
-- Of each figure and surveyor there is one row at most: the sum is that row's value.
SELECT id, max(name) AS name, max(org_id) AS org_id, max(org) AS org,
       COALESCE(sum(offers), 0)::bigint AS offers, COALESCE(sum(accepted), 0)::bigint AS accepted,
       COALESCE(sum(declined), 0)::bigint AS declined, COALESCE(sum(expired), 0)::bigint AS expired,
       COALESCE(sum(unreached), 0)::bigint AS unreached, max(answer_p50_s) AS answer_p50_s,
       COALESCE(sum(jobs), 0)::bigint AS jobs, COALESCE(sum(completed), 0)::bigint AS completed,
       COALESCE(sum(contact_judged), 0)::bigint AS contact_judged,
       COALESCE(sum(contact_kept), 0)::bigint AS contact_kept,
       COALESCE(sum(arrival_judged), 0)::bigint AS arrival_judged,
       COALESCE(sum(arrival_kept), 0)::bigint AS arrival_kept,
       COALESCE(sum(photos), 0)::bigint AS photos, COALESCE(sum(returned), 0)::bigint AS photos_returned,
       COALESCE(sum(ratings), 0)::bigint AS ratings, max(stars) AS stars
  FROM figures
 GROUP BY id
 ORDER BY max(org), max(name), id
"""


@dataclass(frozen=True)
class Leg:
    """One leg of one group. Seconds are of finished, not excused cases; `kept` is of the `judged` ones."""

    leg: str
    group: str | None
    count: int
    p50_s: float | None
    p90_s: float | None
    p99_s: float | None
    judged: int
    kept: int | None
    kept_pct: float | None
    excused: int


@dataclass(frozen=True)
class Legs:
    """The figures of every leg together, and by group when one was asked for."""

    totals: list[Leg]
    groups: list[Leg]


def percent(part: int, whole: int) -> float | None:
    """One decimal; nothing when there is nothing to divide by. 999 of 1000 is never shown as 100."""
    if whole == 0:
        return None
    shown = round(100 * part / whole, 1)
    return 99.9 if shown == 100 and part < whole else shown


def legs_sql(by: str = "") -> str:
    """The statement of `legs`. `by` is one of GROUPS, our own words, never the caller's text."""
    return f"WITH {FACTS}, leg_rows AS ({LEG_ROWS.replace('{group}', GROUPS[by])}) {FIGURES}"


def legs(session: Session, org_path: str, start: datetime, end: datetime, by: str = "") -> Legs:
    """The legs of claims reported in [start, end) below `org_path`, in all and `by` one of GROUPS."""
    session.execute(BY_INDEX)
    rows = session.execute(text(legs_sql(by)), {"scope": org_path + "%", "start": start, "end": end}).all()
    found = [(row.total, _leg(row)) for row in rows]
    known = {leg.leg: leg for total, leg in found if total}
    totals = [
        known.get(name, Leg(name, None, 0, None, None, None, 0, _none_or_zero(judge), None, 0))
        for name, judge in LEGS
    ]
    return Legs(totals, [leg for total, leg in found if not total] if by else totals)


def _none_or_zero(judge: str | None) -> int | None:
    return None if judge is None else 0


def _leg(row: Any) -> Leg:
    name, judge = LEGS[row.place - 1]
    p50, p90, p99 = (round(float(p), 1) for p in row.percentiles) if row.percentiles else (None, None, None)
    return Leg(
        leg=name,
        group=row.grp,
        count=row.count,
        p50_s=p50,
        p90_s=p90,
        p99_s=p99,
        judged=row.judged,
        kept=None if judge is None else row.kept,
        kept_pct=percent(row.kept, row.judged),
        excused=row.excused,
    )


def people(session: Session, org_path: str, start: datetime, end: datetime) -> list[dict[str, Any]]:
    """How each surveyor below `org_path` did in [start, end)."""
    session.execute(BY_INDEX)
    rows = session.execute(text(PEOPLE), {"scope": org_path + "%", "start": start, "end": end})
    return [_person(row) for row in rows]


def _person(row: Any) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "name": row.name,
        "org": {"id": str(row.org_id), "name": row.org},
        "offers": row.offers,
        "accepted": row.accepted,
        "declined": row.declined,
        "expired": row.expired,
        # Asked while no phone of his could be reached: his phone's doing, so it is not held against his acceptances.
        "unreached": row.unreached,
        "accepted_pct": percent(row.accepted, row.accepted + row.declined + row.expired),
        "answer_p50_s": None if row.answer_p50_s is None else round(float(row.answer_p50_s), 1),
        "jobs": row.jobs,
        "completed": row.completed,
        "contact_judged": row.contact_judged,
        "contact_kept_pct": percent(row.contact_kept, row.contact_judged),
        "arrival_judged": row.arrival_judged,
        "arrival_kept_pct": percent(row.arrival_kept, row.arrival_judged),
        "photos": row.photos,
        "photos_returned": row.photos_returned,
        "photos_returned_pct": percent(row.photos_returned, row.photos),
        "ratings": row.ratings,
        "rating_avg": None if row.stars is None else round(float(row.stars), 2),
    }
