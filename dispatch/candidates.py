"""Who is near: the nearest query (PostGIS KNN) and what stands against each who is looked at.

The query never locks what it walks. `ORDER BY place <-> point LIMIT n FOR UPDATE` fails on PostgreSQL 15 with "attempted
to lock invisible tuple": ids are materialised first, and the chosen row is locked by its primary key (`hold`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from dispatch import policy
from dispatch.policy import Policy, Ring
from geo import eta, staleness
from geo.eta import Eta
from geo.fix import LonLat

# The walk outward from the loss: so many of anybody at a time, until the ring is covered or somebody able is found.
WALKS = (60, 600, 6_000, 60_000)
# How many the decision record accounts for besides the able.
LOOKED_AT = 30

# Two decisions make this quick whatever the planner believes. First the walk alone, with nothing to estimate: an index
# scan in order of distance, cut at LIMIT. Then facts by primary key about those few. With the conditions inside the walk
# a wrong estimate made PostgreSQL join everybody with everybody: 3 s instead of 5 ms at 5,000 surveyors. The point is a
# bind constant, without which the index cannot be walked in order.
AROUND = """
WITH near AS MATERIALIZED (
  SELECT p.surveyor_id, p.place, p.lon, p.lat, p.fixed_at, p.received_at
    FROM last_position AS p
   ORDER BY p.place <-> CAST(:place AS geography)
   LIMIT :walk
),
asked AS MATERIALIZED (
  -- Whom the job was put to since it was last sent out (its newest `round` offers), and who gave it back or lost it.
  SELECT x.surveyor_id, min(x.state) FILTER (WHERE x.state <> 'held') AS state, bool_or(x.state = 'held') AS held
    FROM (SELECT newest.surveyor_id, newest.state
            FROM (SELECT o.surveyor_id, o.state FROM offer AS o
                   WHERE o.task_id = :task_id AND o.state <> 'withdrawn'
                   ORDER BY o.id DESC LIMIT :round) AS newest
           WHERE newest.state IN ('declined', 'expired')
           UNION ALL
          SELECT a.surveyor_id, 'held' FROM assignment AS a WHERE a.task_id = :task_id AND a.ended_at IS NOT NULL) AS x
   GROUP BY x.surveyor_id
)
SELECT n.surveyor_id, n.lon, n.lat, n.fixed_at, n.received_at,
       ST_Distance(n.place, CAST(:place AS geography)) AS distance_m,
       s.on_duty, s.skills, s.on_duty_since,
       -- In a catastrophe those it covers may hold more; whoever may hold nothing holds nothing then either.
       CASE WHEN s.max_open = 0 THEN 0
            ELSE GREATEST(s.max_open, (SELECT max(u.max_open) FROM surge AS u WHERE o.path LIKE u.path || '%'))
        END AS max_open, r.name, r.disabled_at IS NOT NULL AS disabled, o.path,
       (SELECT count(*) FROM assignment AS a
         WHERE a.surveyor_id = n.surveyor_id AND a.ended_at IS NULL AND a.completed_at IS NULL) AS open_jobs,
       (SELECT COALESCE(a.completed_at, a.ended_at) FROM assignment AS a
         WHERE a.surveyor_id = n.surveyor_id ORDER BY a.accepted_at DESC LIMIT 1) AS idle_since,
       EXISTS (SELECT FROM offer AS f WHERE f.surveyor_id = n.surveyor_id AND f.state = 'open') AS has_offer,
       q.state AS asked, COALESCE(q.held, false) AS held
  FROM near AS n
  JOIN surveyor AS s ON s.id = n.surveyor_id
  JOIN person AS r ON r.id = n.surveyor_id
  JOIN organisation AS o ON o.id = s.org_id
  LEFT JOIN asked AS q ON q.surveyor_id = n.surveyor_id
 ORDER BY distance_m, n.surveyor_id
"""

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
  SELECT s.id, p.place, s.skills, o.path
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
   AND (t.next_try_at IS NULL OR t.next_try_at <= :now)
   AND EXISTS (SELECT FROM free AS f
                WHERE f.skills @> t.needs AND ST_DWithin(f.place, c.place, :reach_m)
                  AND (f.path LIKE CASE WHEN h.parent_id IS NULL THEN h.path
                                        ELSE regexp_replace(h.path, '[0-9]+/$', '') END || '%'
                       OR EXISTS (SELECT FROM catastrophe AS k
                                    JOIN organisation AS w ON w.id = k.org_id AND h.path LIKE w.path || '%'
                                    JOIN organisation AS b ON b.id = ANY(k.borrowed) AND f.path LIKE b.path || '%'
                                   WHERE k.state = 'on' AND (k.area_id IS NULL OR k.area_id = c.area_id)))
                  AND NOT EXISTS (SELECT FROM (SELECT q.surveyor_id, q.state FROM offer AS q
                                                WHERE q.task_id = t.id AND q.state <> 'withdrawn'
                                                ORDER BY q.id DESC LIMIT t.round) AS q
                                   WHERE q.surveyor_id = f.id AND q.state = 'declined')
                  AND NOT EXISTS (SELECT FROM assignment AS a WHERE a.task_id = t.id AND a.surveyor_id = f.id))
 ORDER BY t.priority DESC, t.created_at
 LIMIT :limit
"""

# FOR SHARE waits for a shift that is just ending and then looks again: nobody is asked who has just gone home (P9).
HOLD = "SELECT id FROM surveyor WHERE id = :id AND on_duty FOR SHARE"


@dataclass(frozen=True)
class Job:
    """What is asked of a candidate: where, with which skills, for which task (0: nobody's, a question only)."""

    place: LonLat
    needs: tuple[str, ...]
    org_path: str
    task_id: int = 0
    round: int = 0


@dataclass(frozen=True)
class Candidate:
    """Somebody looked at. `reasons` name what stands against asking him; empty means he may be asked."""

    surveyor_id: int
    name: str
    place: LonLat
    distance_m: int
    eta_s: int
    soonest_s: int
    age_s: int
    open_jobs: int
    idle_s: int
    org_path: str
    provider: str
    reasons: tuple[str, ...] = ()


def against(row: Any, job: Job, ring: Ring, stale_s: int, now: datetime) -> list[str]:
    """Every reason not to ask somebody; an empty list means he may be asked."""
    reasons = []
    if not row.on_duty or row.disabled:
        reasons.append("off_duty")
    if age_s(row, now) > stale_s:
        reasons.append("stale")
    if not set(job.needs) <= set(row.skills):
        reasons.append("lacks_skill")
    if row.held:
        reasons.append("held_before")
    if row.asked == "declined":
        reasons.append("declined_before")
    if row.asked == "expired":
        reasons.append("silent_before")
    if row.has_offer:
        reasons.append("has_open_offer")
    if row.open_jobs >= row.max_open:
        reasons.append("at_cap")
    if not ring.holds(row.path):
        reasons.append("outside_scope")
    if row.distance_m > ring.radius_m:
        reasons.append("out_of_radius")
    return reasons


def age_s(row: Any, now: datetime) -> int:
    """Seconds since the position was true, by the older of the phone's clock and ours."""
    return round(staleness.age_s(now, row.fixed_at, row.received_at))


class Crowd:
    """The people around a loss, nearest first, walked outward only as far as somebody asks."""

    def __init__(self, session: Session, job: Job, rule: Policy, now: datetime) -> None:
        self.session, self.job, self.rule, self.now = session, job, rule, now
        self._rows: list[Any] = []
        self._walked = 0
        self._all = False

    def able(self, ring: Ring, *, again: bool = False) -> list[Candidate]:
        """Those inside the ring who may be asked, soonest first. `again`: also those who let an offer run out.

        The walk goes on until nobody farther out could be sooner: not even a free man at its edge, driving straight here.
        """
        pardoned = {"silent_before"} if again else set()
        while True:
            rows = [row for row in self._rows if not set(self._against(row, ring)) - pardoned]
            found = ranked(rows, self.rule, self.now, [()] * len(rows))
            if found and found[0].soonest_s <= drive(self._reached_m(), self.rule).seconds:
                return found
            if not self._farther(ring.radius_m):
                return found

    def around(self, ring: Ring, limit: int = LOOKED_AT) -> list[Candidate]:
        """The nearest of the insurer's people in any state, with what stands against each."""
        while len(self._own()) < limit and self._farther(None):
            pass
        rows = self._own()[:limit]
        return ranked(rows, self.rule, self.now, [tuple(self._against(row, ring)) for row in rows])

    def _own(self) -> list[Any]:
        root = root_of(self.job.org_path)
        return [row for row in self._rows if row.path.startswith(root)]

    def _against(self, row: Any, ring: Ring) -> list[str]:
        return against(row, self.job, ring, self.rule.stale_s, self.now)

    def _reached_m(self) -> float:
        return self._rows[-1].distance_m if self._rows else 0.0

    def _farther(self, radius_m: float | None) -> bool:
        """Walks on; False when everybody was met or the walk already reaches beyond `radius_m`."""
        longer = next((walk for walk in WALKS if walk > self._walked), None)
        if self._all or longer is None or (radius_m is not None and self._reached_m() > radius_m):
            return False
        args = {
            "place": self.job.place.ewkt(),
            "task_id": self.job.task_id,
            "round": self.job.round,
            "walk": longer,
        }
        self._rows = list(self.session.execute(text(AROUND), args).all())
        self._walked, self._all = longer, len(self._rows) < longer
        return True


def drive(straight_m: float, rule: Policy) -> Eta:
    """The drive over a straight-line distance, by the organisation's settings."""
    return eta.of_distance(straight_m, speed_kmh=rule.speed_kmh, winding=rule.winding)


def ranked(
    rows: Sequence[Any], rule: Policy, now: datetime, reasons: Sequence[Sequence[str]]
) -> list[Candidate]:
    """Turns rows into candidates, soonest first, by what `geo.eta` says of the drive."""
    drives = [drive(row.distance_m, rule) for row in rows]
    found = [
        Candidate(
            surveyor_id=row.surveyor_id,
            name=row.name,
            place=LonLat(row.lon, row.lat),
            distance_m=round(row.distance_m),
            eta_s=there.seconds,
            soonest_s=policy.soonest(there.seconds, row.open_jobs, rule.busy_job_s),
            age_s=age_s(row, now),
            open_jobs=row.open_jobs,
            idle_s=_idle_s(row, now),
            org_path=row.path,
            provider=there.provider,
            reasons=tuple(why),
        )
        for row, there, why in zip(rows, drives, reasons, strict=True)
    ]
    order = policy.first_among([(c.soonest_s, c.idle_s, c.surveyor_id) for c in found])
    return [found[i] for i in order]


def _idle_s(row: Any, now: datetime) -> int:
    since = row.idle_since or row.on_duty_since
    return max(0, round((now - since).total_seconds())) if since is not None and row.open_jobs == 0 else 0


def heard_since(rule: Policy, now: datetime) -> datetime:
    """The oldest a position may be for its owner to be asked."""
    return now - timedelta(seconds=rule.stale_s)


def root_of(path: str) -> str:
    """The insurer's own path: the first node."""
    return "/" + path.strip("/").split("/")[0] + "/"


def anybody_on_duty(session: Session, ring: Ring, rule: Policy, now: datetime) -> bool:
    """Whether anybody at all of a ring's organisations is at work and heard of."""
    args = {
        "scopes": [f"{path}%" for path in (ring.scope, *ring.also)],
        "heard_since": heard_since(rule, now),
    }
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
        "heard_since": now - timedelta(seconds=stale_s),
        "reach_m": reach_m,
        "reasons": list(policy.SELF_HEALING),
        "limit": limit,
    }
    return [row.id for row in session.execute(text(WAITING), args)]


def near(
    session: Session,
    place: LonLat,
    *,
    org_path: str,
    org_id: int,
    needs: Sequence[str] = (),
    radius_m: int | None = None,
    limit: int = 10,
    now: datetime,
) -> list[Candidate]:
    """A question only: the nearest on duty whom the asker sees, soonest first, each with age, time and reasons.

    Who is off duty is left out: nobody may find him by asking around a point (P19).
    """
    rule = policy.read(session, org_id)
    ring = Ring(radius_m if radius_m is not None else max(rule.rings_km) * 1000, org_path)
    crowd = Crowd(session, Job(place, tuple(needs), org_path), rule, now)
    seen: list[Candidate] = []
    for walk in WALKS:
        everybody = crowd.around(ring, walk)
        seen = [c for c in everybody if not {"off_duty", "outside_scope", "out_of_radius"} & set(c.reasons)]
        if len(seen) >= limit or len(everybody) < walk:
            break
    return seen[:limit]
