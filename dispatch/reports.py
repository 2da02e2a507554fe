"""Figures for supervisors: how long each leg took and how many promises were kept; how each person works.

Percentiles as well as counts; excused cases (an agreed later time, a withdrawn claim) are held apart, never deleted.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

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

# A claim's milestones; a leg is a difference of two. A clock's own start is the start of the promise: a report keyed
# in hours after the call is measured from when we had it. LATERAL … OFFSET 0: each claim's few rows come by index.
MILESTONES = """
WITH cohort AS (
  SELECT c.id, c.state, c.line, c.reported_at, c.call_ended_at, c.closed_at, o.name AS org, a.name AS area
    FROM claim AS c
    JOIN organisation AS o ON o.id = c.org_id
    LEFT JOIN area AS a ON a.id = c.area_id
   WHERE o.path LIKE :scope AND c.reported_at >= :start AND c.reported_at < :end
), facts AS (
  SELECT c.*, COALESCE(k.begun_at, c.call_ended_at, c.reported_at) AS begun_at,
         asked.offered_at, gone.accepted_at, gone.contacted_at, gone.arrived_at, gone.submitted_at,
         CASE WHEN c.state IN ('approved', 'closed') THEN c.closed_at END AS approved_at,
         c.state = 'withdrawn' AS withdrawn,
         k.dispatch_kept, COALESCE(k.dispatch_excused, false) AS dispatch_excused,
         k.contact_kept, COALESCE(k.contact_excused, false) AS contact_excused,
         k.arrival_kept, COALESCE(k.arrival_excused, false) AS arrival_excused,
         k.assessment_kept, COALESCE(k.assessment_excused, false) AS assessment_excused
    FROM cohort AS c
   CROSS JOIN LATERAL (
         SELECT min(o.made_at) AS offered_at
           FROM (SELECT t.id FROM task AS t WHERE t.claim_id = c.id OFFSET 0) AS t
          CROSS JOIN LATERAL (SELECT o.made_at FROM offer AS o WHERE o.task_id = t.id OFFSET 0) AS o) AS asked
   CROSS JOIN LATERAL (
         SELECT min(d.accepted_at) AS accepted_at, min(d.contacted_at) AS contacted_at,
                min(d.arrived_at) AS arrived_at, min(d.completed_at) AS submitted_at
           FROM (SELECT t.id FROM task AS t WHERE t.claim_id = c.id OFFSET 0) AS t
          CROSS JOIN LATERAL (SELECT * FROM assignment AS d WHERE d.task_id = t.id OFFSET 0) AS d) AS gone
   CROSS JOIN LATERAL (
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
)
"""

# A planner that last looked when a table was empty reads all of it for each claim: 10,000 claims took over 30 s
# instead of 2 on the day a system is filled. So there is always an index to walk, and nothing for it to order: what
# belongs to a row is looked up by LATERAL … OFFSET 0, whether somebody is of the team in a hash (IN … IS TRUE becomes no
# join), and sets are brought together by UNION ALL.
BY_INDEX = text("SET LOCAL enable_seqscan = off")

LEG_ROWS = """
  SELECT {group} AS grp, l.place, extract(epoch FROM l.until - l.since) AS seconds, l.kept, l.excused
    FROM facts AS c
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
"""

FIGURES = """
SELECT grp, GROUPING(grp) = 1 AS total, place,
       count(*) FILTER (WHERE seconds >= 0 AND NOT excused) AS count,
       percentile_cont(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (ORDER BY seconds)
         FILTER (WHERE seconds >= 0 AND NOT excused) AS percentiles,
       count(*) FILTER (WHERE kept IS NOT NULL AND NOT excused) AS judged,
       count(*) FILTER (WHERE kept AND NOT excused) AS kept,
       count(*) FILTER (WHERE excused AND (seconds >= 0 OR place IN (2, 3, 5, 7))) AS excused
  FROM leg_rows
 GROUP BY GROUPING SETS ((place), (place, grp))
 ORDER BY total DESC, grp NULLS FIRST, place
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
    return f"{MILESTONES.rstrip()}, leg_rows AS ({LEG_ROWS.replace('{group}', GROUPS[by])}) {FIGURES}"


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
