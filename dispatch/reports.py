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
# in hours after the call is measured from when we had it. LATERAL: each claim's few rows come by index.
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
           FROM task AS t JOIN offer AS o ON o.task_id = t.id WHERE t.claim_id = c.id) AS asked
   CROSS JOIN LATERAL (
         SELECT min(d.accepted_at) AS accepted_at, min(d.contacted_at) AS contacted_at,
                min(d.arrived_at) AS arrived_at, min(d.completed_at) AS submitted_at
           FROM task AS t JOIN assignment AS d ON d.task_id = t.id WHERE t.claim_id = c.id) AS gone
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
# instead of 2 on the day a system is filled. These queries always have an index to walk.
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
WITH team AS (
  SELECT s.id, p.name, o.id AS org_id, o.name AS org
    FROM surveyor AS s
    JOIN person AS p ON p.id = s.id
    JOIN organisation AS o ON o.id = s.org_id
   WHERE o.path LIKE :scope
), asked AS (
  SELECT o.surveyor_id AS id, count(*) AS offers,
         count(*) FILTER (WHERE o.state = 'accepted') AS accepted,
         count(*) FILTER (WHERE o.state = 'declined') AS declined,
         count(*) FILTER (WHERE o.state = 'expired') AS expired,
         percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM o.settled_at - o.made_at))
           FILTER (WHERE o.state IN ('accepted', 'declined')) AS answer_p50_s
    FROM offer AS o JOIN team ON team.id = o.surveyor_id
   WHERE o.made_at >= :start AND o.made_at < :end
   GROUP BY o.surveyor_id
), duties AS (
  SELECT d.surveyor_id AS id, d.completed_at,
         -- Judged by what he could do: not for a limit broken before the job was his, nor after it was taken from him.
         CASE WHEN kc.due_at <= d.accepted_at THEN NULL
              WHEN d.contacted_at IS NOT NULL THEN d.contacted_at <= kc.due_at
              WHEN kc.breached_at IS NOT NULL AND kc.due_at < COALESCE(d.ended_at, :end) THEN false END AS contact_kept,
         CASE WHEN ka.due_at <= d.accepted_at THEN NULL
              WHEN d.arrived_at IS NOT NULL THEN d.arrived_at <= ka.due_at
              WHEN ka.breached_at IS NOT NULL AND ka.due_at < COALESCE(d.ended_at, :end) THEN false END AS arrival_kept
    FROM assignment AS d
    JOIN team ON team.id = d.surveyor_id
    JOIN task AS t ON t.id = d.task_id
    LEFT JOIN clock AS kc ON kc.claim_id = t.claim_id AND kc.kind = 'contact'
    LEFT JOIN clock AS ka ON ka.claim_id = t.claim_id AND ka.kind = 'arrival'
   WHERE d.accepted_at >= :start AND d.accepted_at < :end
), worked AS (
  SELECT id, count(*) AS jobs, count(*) FILTER (WHERE completed_at IS NOT NULL) AS completed,
         count(contact_kept) AS contact_judged, count(*) FILTER (WHERE contact_kept) AS contact_kept,
         count(arrival_kept) AS arrival_judged, count(*) FILTER (WHERE arrival_kept) AS arrival_kept
    FROM duties
   GROUP BY id
), shot AS (
  SELECT f.person_id AS id, count(*) AS photos,
         count(*) FILTER (WHERE EXISTS (SELECT FROM photo_review AS r
                                         WHERE r.photo_id = f.id AND r.verdict = 'sent_back')) AS returned
    FROM photo AS f JOIN team ON team.id = f.person_id
   WHERE f.received_at >= :start AND f.received_at < :end AND NOT f.customer
   GROUP BY f.person_id
), thanked AS (
  SELECT h.surveyor_id AS id, count(*) AS ratings, avg(r.stars) AS stars
    FROM rating AS r
   CROSS JOIN LATERAL (
         SELECT d.surveyor_id FROM assignment AS d JOIN task AS t ON t.id = d.task_id
          WHERE t.claim_id = r.claim_id AND (d.ended_at IS NULL OR d.end_reason = 'done')
          ORDER BY d.id DESC LIMIT 1) AS h
    JOIN team ON team.id = h.surveyor_id
   WHERE r.at >= :start AND r.at < :end
   GROUP BY h.surveyor_id
)
SELECT team.id, team.name, team.org_id, team.org,
       COALESCE(asked.offers, 0) AS offers, COALESCE(asked.accepted, 0) AS accepted,
       COALESCE(asked.declined, 0) AS declined, COALESCE(asked.expired, 0) AS expired, asked.answer_p50_s,
       COALESCE(worked.jobs, 0) AS jobs, COALESCE(worked.completed, 0) AS completed,
       COALESCE(worked.contact_judged, 0) AS contact_judged, COALESCE(worked.contact_kept, 0) AS contact_kept,
       COALESCE(worked.arrival_judged, 0) AS arrival_judged, COALESCE(worked.arrival_kept, 0) AS arrival_kept,
       COALESCE(shot.photos, 0) AS photos, COALESCE(shot.returned, 0) AS photos_returned,
       COALESCE(thanked.ratings, 0) AS ratings, thanked.stars
  FROM team
  LEFT JOIN asked ON asked.id = team.id
  LEFT JOIN worked ON worked.id = team.id
  LEFT JOIN shot ON shot.id = team.id
  LEFT JOIN thanked ON thanked.id = team.id
 ORDER BY team.org, team.name, team.id
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


def legs(session: Session, org_path: str, start: datetime, end: datetime, by: str = "") -> Legs:
    """The legs of claims reported in [start, end) below `org_path`, in all and `by` one of GROUPS."""
    # The group is one of our own words, never the caller's text.
    rows_sql = LEG_ROWS.replace("{group}", GROUPS[by])
    sql = f"{MILESTONES.rstrip()}, leg_rows AS ({rows_sql}) {FIGURES}"
    session.execute(BY_INDEX)
    rows = session.execute(text(sql), {"scope": org_path + "%", "start": start, "end": end}).all()
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
