"""The nearest who may be asked now: on duty, heard of, skilled, below their cap, with no question open.

Three steps, so that a wrong estimate cannot cost seconds: the walk alone, an index scan in order of distance cut at
LIMIT; then one look at each surveyor by primary key; then, in order of distance and only until enough are found, the
two dearer questions (how many jobs he holds, whether somebody asked him already).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from geo import staleness
from geo.fix import LonLat, metres_between

# When a fifth of a crew may be asked, the first walk is enough for twenty 24 times in 25, the second for the others.
WALKS = (150, 400, 4_000, 40_000)

ABLE = """
WITH near AS MATERIALIZED (
  SELECT p.surveyor_id, p.lon, p.lat, p.fixed_at, p.received_at, p.place <-> CAST(:place AS geography) AS far
    FROM last_position AS p
   ORDER BY p.place <-> CAST(:place AS geography)
   LIMIT :walk
)
SELECT n.surveyor_id, n.lon, n.lat, n.fixed_at, n.received_at, s.name, s.open_jobs, s.max_open
  FROM (SELECT * FROM near WHERE fixed_at >= :heard_since AND received_at >= :heard_since ORDER BY far OFFSET 0) AS n
 CROSS JOIN LATERAL (
       SELECT s.max_open, r.name,
              (SELECT count(*) FROM assignment AS a
                WHERE a.surveyor_id = n.surveyor_id AND a.ended_at IS NULL AND a.completed_at IS NULL) AS open_jobs
         FROM surveyor AS s
         JOIN person AS r ON r.id = s.id AND r.disabled_at IS NULL
         JOIN organisation AS o ON o.id = s.org_id AND o.path LIKE :scope
        WHERE s.id = n.surveyor_id AND s.on_duty AND s.skills @> CAST(:needs AS text[])
          AND NOT EXISTS (SELECT FROM offer AS f WHERE f.surveyor_id = s.id AND f.state = 'open')
       OFFSET 0) AS s
 WHERE s.open_jobs < s.max_open
 LIMIT :limit
"""

FIND = text(ABLE)


@dataclass(frozen=True)
class Able:
    """Somebody who may be asked: how far in a straight line, how old his position is, what he holds."""

    surveyor_id: int
    name: str
    place: LonLat
    distance_m: int
    age_s: int
    open_jobs: int
    max_open: int


def nearest(
    session: Session,
    place: LonLat,
    *,
    org_path: str,
    heard_since: datetime,
    now: datetime,
    needs: Sequence[str] = (),
    limit: int = 20,
) -> list[Able]:
    """The nearest who may be asked, by distance; WGS-84. `heard_since` is the oldest a position may be."""
    args = question(place, org_path, heard_since, needs, limit)
    rows: Sequence[Any] = ()
    for walk in WALKS:
        rows = session.execute(FIND, args | {"walk": walk}).all()
        if len(rows) >= limit:
            break
    return sorted((_able(row, place, now) for row in rows), key=lambda one: (one.distance_m, one.surveyor_id))


def question(
    place: LonLat, org_path: str, heard_since: datetime, needs: Sequence[str], limit: int
) -> dict[str, Any]:
    """What ABLE is told besides how far it may walk."""
    return {
        "place": place.ewkt(), "heard_since": heard_since, "scope": org_path + "%", "needs": list(needs), "limit": limit,
    }  # fmt: skip


def _able(row: Any, place: LonLat, now: datetime) -> Able:
    here = LonLat(row.lon, row.lat)
    age_s = round(staleness.age_s(now, row.fixed_at, row.received_at))
    return Able(
        row.surveyor_id,
        row.name,
        here,
        round(metres_between(here, place)),
        age_s,
        row.open_jobs,
        row.max_open,
    )
