"""Who is near: the nearest query (PostGIS KNN), how each stands, and what stands against each who is looked at.

The query never locks what it walks. `ORDER BY place <-> point LIMIT n FOR UPDATE` fails on PostgreSQL 15 with "attempted
to lock invisible tuple": ids are materialised first, and the chosen row is locked by its primary key (`hold`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from dispatch import finishing, learning_queries, policy
from dispatch.costs import Standing, root_of
from dispatch.finishing import CAREFUL, InHand, Said, Trust
from dispatch.policy import Policy, Ring
from geo import staleness
from geo.fix import LonLat
from geo.staleness import Seen

CHINA = timezone(timedelta(hours=8))

# Two decisions make this quick whatever the planner believes. First the walk alone, with nothing to estimate: an index
# scan in order of distance, cut at LIMIT. Then facts by primary key about those few. With the conditions inside the walk
# a wrong estimate made PostgreSQL join everybody with everybody: 3 s instead of 5 ms at 5,000 surveyors. The points are
# bind constants, without which the index cannot be walked in order.
_NEAR = """
WITH near AS MATERIALIZED (
  SELECT DISTINCT ON (k.surveyor_id) k.surveyor_id, k.lon, k.lat, k.fixed_at, k.received_at, k.accuracy_m, k.speed_mps,
         k.heading_deg
    FROM unnest(CAST(:places AS text[])) AS w (place)
   CROSS JOIN LATERAL (
         SELECT p.surveyor_id, p.lon, p.lat, p.fixed_at, p.received_at, p.accuracy_m, p.speed_mps, p.heading_deg
           FROM last_position AS p
          ORDER BY p.place <-> CAST(w.place AS geography)
          LIMIT :walk) AS k
   ORDER BY k.surveyor_id
)
"""
_EVERYBODY = """
WITH near AS MATERIALIZED (
  SELECT p.surveyor_id, p.lon, p.lat, p.fixed_at, p.received_at, p.accuracy_m, p.speed_mps, p.heading_deg
    FROM last_position AS p
    JOIN surveyor AS s ON s.id = p.surveyor_id
    JOIN organisation AS o ON o.id = s.org_id
   WHERE o.path LIKE ANY(:scopes)
)
"""
_THESE = """
WITH near AS MATERIALIZED (
  SELECT p.surveyor_id, p.lon, p.lat, p.fixed_at, p.received_at, p.accuracy_m, p.speed_mps, p.heading_deg
    FROM last_position AS p
   WHERE p.surveyor_id = ANY(:ids)
)
"""
_FACTS = """
SELECT n.surveyor_id, n.lon, n.lat, n.fixed_at, n.received_at, n.accuracy_m, n.speed_mps, n.heading_deg,
       s.on_duty, s.skills, s.on_duty_since,
       -- In a catastrophe those it covers may hold more; whoever may hold nothing holds nothing then either.
       CASE WHEN s.max_open = 0 THEN 0
            ELSE GREATEST(s.max_open, (SELECT max(u.max_open) FROM surge AS u WHERE o.path LIKE u.path || '%'))
        END AS max_open,
       s.shift_until, s.silences, s.silent_at, s.unreached, r.name, r.disabled_at IS NOT NULL AS disabled, o.path,
       o.kind = 'firm' AS firm, h.jobs, w.idle_since, w.today,
       EXISTS (SELECT FROM offer AS f WHERE f.surveyor_id = n.surveyor_id AND f.state = 'open') AS has_offer
  FROM near AS n
  JOIN surveyor AS s ON s.id = n.surveyor_id
  JOIN person AS r ON r.id = n.surveyor_id
  JOIN organisation AS o ON o.id = s.org_id
  LEFT JOIN LATERAL (
       SELECT json_agg(json_build_array(t.id, c.line, ST_X(c.place::geometry), ST_Y(c.place::geometry),
                       extract(epoch FROM CAST(:now AS timestamptz) - a.accepted_at),
                       extract(epoch FROM CAST(:now AS timestamptz) - a.departed_at),
                       extract(epoch FROM CAST(:now AS timestamptz) - a.arrived_at),
                       COALESCE(a.drive_s, a.eta_s),
                       extract(epoch FROM a.appointment_at - CAST(:now AS timestamptz)),
                       extract(epoch FROM a.done_by_at - a.done_said_at),
                       extract(epoch FROM CAST(:now AS timestamptz) - a.done_said_at))) AS jobs
         FROM assignment AS a
         JOIN task AS t ON t.id = a.task_id
         JOIN claim AS c ON c.id = t.claim_id
        WHERE a.surveyor_id = n.surveyor_id AND a.ended_at IS NULL AND a.completed_at IS NULL) AS h ON s.on_duty
  LEFT JOIN LATERAL (
       SELECT (array_agg(COALESCE(a.completed_at, a.ended_at) ORDER BY a.accepted_at DESC))[1] AS idle_since,
              count(*) FILTER (WHERE a.accepted_at >= :today) AS today
         FROM (SELECT a.accepted_at, a.completed_at, a.ended_at FROM assignment AS a
                WHERE a.surveyor_id = n.surveyor_id ORDER BY a.accepted_at DESC LIMIT 30) AS a) AS w ON s.on_duty
 ORDER BY n.surveyor_id
"""
AROUND, EVERYBODY, THESE = _NEAR + _FACTS, _EVERYBODY + _FACTS, _THESE + _FACTS

COUNT = "SELECT count(*) FROM last_position"

ON_DUTY = """
SELECT EXISTS (SELECT FROM surveyor AS s
                 JOIN organisation AS o ON o.id = s.org_id
                 JOIN last_position AS p ON p.surveyor_id = s.id
                WHERE s.on_duty AND o.path LIKE ANY(:scopes) AND p.fixed_at >= :heard_since
                  AND p.received_at >= :heard_since)
"""

# Jobs that wait for somebody, and for whom somebody now stands free. Few are free when jobs wait, so they come first.
WAITING = """
WITH free AS MATERIALIZED (
  SELECT s.id, p.place, s.skills, o.path,
         greatest(s.on_duty_since, (SELECT max(COALESCE(a.completed_at, a.ended_at)) FROM assignment AS a
                                     WHERE a.surveyor_id = s.id AND a.accepted_at > :day_ago)) AS since
    FROM surveyor AS s
    JOIN last_position AS p ON p.surveyor_id = s.id
    JOIN organisation AS o ON o.id = s.org_id
   WHERE s.on_duty AND p.fixed_at >= :heard_since AND p.received_at >= :heard_since
     AND NOT EXISTS (SELECT FROM offer AS f WHERE f.surveyor_id = s.id AND f.state = 'open')
     AND s.max_open > 0
     AND GREATEST(s.max_open, (SELECT max(u.max_open) FROM surge AS u WHERE o.path LIKE u.path || '%'))
         > (SELECT count(*) FROM assignment AS a
             WHERE a.surveyor_id = s.id AND a.ended_at IS NULL AND a.completed_at IS NULL)
)
SELECT t.id
  FROM task AS t
  JOIN claim AS c ON c.id = t.claim_id AND c.place IS NOT NULL
  JOIN organisation AS h ON h.id = t.org_id
 WHERE t.state = 'unassigned' AND t.unassigned_reason = ANY(:reasons)
   -- A companion goes out with its lead (bundles.py).
   AND NOT EXISTS (SELECT FROM bundle_task AS m WHERE m.task_id = t.id AND m.outcome IS NULL)
   AND EXISTS (SELECT FROM free AS f
                -- Who has just come free is shown every waiting job, not only those whose next vain try is due.
                WHERE (t.next_try_at IS NULL OR t.next_try_at <= :now OR f.since > :just_now)
                  AND f.skills @> t.needs AND ST_DWithin(f.place, c.place, :reach_m)
                  AND (f.path LIKE CASE WHEN h.parent_id IS NULL THEN h.path
                                        ELSE regexp_replace(h.path, '[0-9]+/$', '') END || '%'
                       OR EXISTS (SELECT FROM catastrophe AS k
                                    JOIN organisation AS w ON w.id = k.org_id AND h.path LIKE w.path || '%'
                                    JOIN organisation AS b ON b.id = ANY(k.borrowed) AND f.path LIKE b.path || '%'
                                   WHERE k.state = 'on' AND (k.area_id IS NULL OR k.area_id = c.area_id)))
                  AND NOT EXISTS (SELECT FROM (SELECT q.surveyor_id, q.state FROM offer AS q
                                                WHERE q.task_id = t.id AND q.state <> 'withdrawn'
                                                ORDER BY q.id DESC LIMIT t.round + t.unreached) AS q
                                   WHERE q.surveyor_id = f.id AND q.state = 'declined')
                  AND NOT EXISTS (SELECT FROM assignment AS a WHERE a.task_id = t.id AND a.surveyor_id = f.id))
 ORDER BY t.priority DESC, t.created_at
 LIMIT :limit
"""

# A free surveyor faster than this is not parked, whatever he holds.
MOVING_MPS = 2.0
# Within so long of coming free somebody is shown all that waits.
JUST_S = 5

# FOR SHARE waits for a shift that is just ending and then looks again: nobody is asked who has just gone home (P9).
HOLD = """
SELECT s.id FROM surveyor AS s
 WHERE s.id = :id AND s.on_duty AND s.max_open > 0
   AND GREATEST(s.max_open, (SELECT max(u.max_open) FROM surge AS u
                               JOIN organisation AS o ON o.path LIKE u.path || '%' AND o.id = s.org_id))
       > (SELECT count(*) FROM assignment AS a
                      WHERE a.surveyor_id = s.id AND a.ended_at IS NULL AND a.completed_at IS NULL)
   FOR SHARE
"""


@dataclass(frozen=True)
class Someone:
    """A row of the nearest query made ready: who he is, how he stands, what he has in hand by task, how his dot moved."""

    name: str
    standing: Standing
    in_hand: Mapping[int, InHand]
    accuracy_m: float | None = None
    speed_mps: float | None = None
    heading_deg: float | None = None

    def seen_from(self, place: LonLat) -> Seen:
        """What his position says to who asks when he will be at a place: its age, accuracy, speed, and whether he comes nearer.

        Somebody with work in hand sets out from where that ends: which way he drives now says nothing of it.
        """
        standing = self.standing
        if standing.open_jobs:
            return Seen(standing.age_s, self.accuracy_m)
        here = standing.place
        comes = staleness.towards(here.lon, here.lat, self.heading_deg, place.lon, place.lat)
        return Seen(
            standing.age_s,
            self.accuracy_m,
            self.speed_mps,
            comes,
            parked=(self.speed_mps or 0.0) < MOVING_MPS,
        )


@dataclass(frozen=True)
class Habits:
    """What one must know to say when somebody is free: usual seconds on scene by line, the default, straight speed.

    And how far people's own word of their end comes true.
    """

    service_s: Mapping[str, float]
    default_s: float
    speed_mps: float
    trust: Trust = CAREFUL

    @classmethod
    def of(
        cls, rule: Policy, service_s: Mapping[str, float] | None = None, trust: Trust = CAREFUL
    ) -> "Habits":
        """Under an organisation's rules."""
        return cls(service_s or {}, rule.busy_job_s, rule.weights.speed_mps, trust)

    @classmethod
    def learned(cls, session: Session, org_path: str, rule: Policy) -> "Habits":
        """With what the insurer above an organisation has learned of its own people."""
        root_id = int(root_of(org_path).strip("/"))
        services = learning_queries.service_times(session, [root_id]).get(root_id)
        return cls.of(rule, services, learning_queries.trust(session, root_id))


def read_people(
    session: Session,
    now: datetime,
    habits: Habits,
    *,
    around: Sequence[LonLat] = (),
    walk: int = 0,
    scopes: Sequence[str] = (),
    ids: Sequence[int] = (),
) -> list[Someone]:
    """People with a last position: the `walk` nearest of each place, or everybody below `scopes`, or those `ids`."""
    args: dict[str, Any] = {"now": now, "today": start_of_day(now)}
    if around:
        sql, args = AROUND, args | {"places": [place.ewkt() for place in around], "walk": walk}
    elif ids:
        sql, args = THESE, args | {"ids": list(ids)}
    else:
        sql, args = EVERYBODY, args | {"scopes": [scope + "%" for scope in scopes]}
    return [_someone(row, now, habits) for row in session.execute(text(sql), args)]


def start_of_day(now: datetime) -> datetime:
    """Midnight in China, where a working day begins."""
    return now.astimezone(CHINA).replace(hour=0, minute=0, second=0, microsecond=0)


def _someone(row: Any, now: datetime, habits: Habits) -> Someone:
    here = LonLat(row.lon, row.lat)
    in_hand = {ident: _in_hand(*facts) for ident, *facts in row.jobs or ()}
    free = None
    if in_hand:
        free = finishing.free(
            list(in_hand.values()), here, habits.service_s, habits.default_s, habits.speed_mps, habits.trust
        )
    idle_since = row.idle_since or row.on_duty_since
    standing = Standing(
        id=row.surveyor_id,
        place=here,
        org_path=row.path,
        skills=frozenset(row.skills),
        age_s=staleness.age_s(now, row.fixed_at, row.received_at),
        on_duty=row.on_duty and not row.disabled,
        has_offer=row.has_offer,
        open_jobs=len(in_hand),
        max_open=row.max_open,
        free_in_s=free.in_s if free else 0.0,
        free_at=free.at if free else None,
        free_by=free.by if free else None,
        idle_s=_since(now, idle_since) if idle_since is not None and not in_hand else 0.0,
        jobs_today=row.today or 0,
        silences=row.silences,
        silent_s=_since(now, row.silent_at) if row.silent_at is not None else 0.0,
        unreached=row.unreached,
        on_duty_s=_since(now, row.on_duty_since) if row.on_duty_since is not None else 0.0,
        rested_s=_since(now, row.idle_since) if row.idle_since is not None else None,
        shift_left_s=(row.shift_until - now).total_seconds() if row.shift_until is not None else None,
        firm=row.firm,
    )
    return Someone(row.name, standing, in_hand, row.accuracy_m, row.speed_mps, row.heading_deg)


def _in_hand(
    line: str,
    lon: float | None,
    lat: float | None,
    accepted: float,
    departed: float | None,
    arrived: float | None,
    eta_s: float | None,
    appointment: float | None,
    said_for: float | None,
    said_ago: float | None,
) -> InHand:
    place = None if lon is None or lat is None else LonLat(lon, lat)
    said = None if said_for is None or said_ago is None else Said(said_for, said_ago)
    return InHand(line, place, accepted, departed, arrived, eta_s, appointment, said)


def _since(now: datetime, then: datetime) -> float:
    return max(0.0, (now - then).total_seconds())


ASKED = """
SELECT t.id AS task_id, x.surveyor_id, x.how
  FROM task AS t
 CROSS JOIN LATERAL (
       -- Whom the job was put to since it was last sent out: its newest offers; …
       SELECT newest.surveyor_id, newest.state AS how
         FROM (SELECT o.surveyor_id, o.state FROM offer AS o
                WHERE o.task_id = t.id AND o.state <> 'withdrawn'
                ORDER BY o.id DESC LIMIT t.round + t.unreached) AS newest
        WHERE newest.state IN ('declined', 'expired', 'unreached')
        UNION ALL
       -- … and who gave it back or lost it.
       SELECT a.surveyor_id, 'held' FROM assignment AS a WHERE a.task_id = t.id AND a.ended_at IS NOT NULL) AS x
 WHERE t.id = ANY(:ids)
 ORDER BY t.id, x.how
"""


def asked_before(session: Session, task_ids: Sequence[int]) -> dict[int, dict[int, str]]:
    """For each task, who was asked in vain: declined, expired, held or unreached; the weightiest word counts."""
    found: dict[int, dict[int, str]] = {}
    for row in session.execute(text(ASKED), {"ids": list(task_ids)}):
        # In the order of the words: declined, expired, held, unreached. A later silence does not undo a refusal.
        said = found.setdefault(row.task_id, {})
        if row.how == "held" or row.surveyor_id not in said:
            said[row.surveyor_id] = row.how
    return found


def heard_since(rule: Policy, now: datetime) -> datetime:
    """The oldest a position may be for its owner to be asked."""
    return now - timedelta(seconds=rule.stale_s)


def anybody_on_duty(session: Session, ring: Ring, rule: Policy, now: datetime) -> bool:
    """Whether anybody at all of a ring's organisations is at work and heard of."""
    scopes = [f"{path}%" for path in (ring.scope, *ring.also)]
    args = {"scopes": scopes, "heard_since": heard_since(rule, now)}
    return bool(session.execute(text(ON_DUTY), args).scalar_one())


def hold(session: Session, surveyor_id: int) -> bool:
    """Keeps the surveyor on duty until the transaction ends; False when he has just gone."""
    return session.execute(text(HOLD), {"id": surveyor_id}).first() is not None


def position_of(session: Session, surveyor_id: int, since: datetime | None = None) -> LonLat | None:
    """Where a surveyor was last, if he was heard of since then."""
    row = session.execute(
        text(
            "SELECT lon, lat FROM last_position WHERE surveyor_id = :id"
            " AND (CAST(:since AS timestamptz) IS NULL OR least(fixed_at, received_at) >= :since)"
        ),
        {"id": surveyor_id, "since": since},
    ).one_or_none()
    return None if row is None else LonLat(row.lon, row.lat)


def waiting(session: Session, now: datetime, *, reach_m: int, stale_s: int, limit: int) -> list[int]:
    """Unassigned jobs for which somebody free now stands in reach, oldest first within priority."""
    args = {
        "now": now,
        "day_ago": now - timedelta(days=1),
        "just_now": now - timedelta(seconds=JUST_S),
        "heard_since": now - timedelta(seconds=stale_s),
        "reach_m": reach_m,
        "reasons": list(policy.SELF_HEALING),
        "limit": limit,
    }
    return [row.id for row in session.execute(text(WAITING), args)]
