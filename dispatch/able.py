"""The nearest who may be asked now: on duty, heard of, skilled, below their cap, with no question open.

One question on a kept plan (`chakan_able`, migration 0018): a walk in order of distance over those heard of lately, each
looked at by key, until enough are found. It walks the plane of a map. Where the map's distance leaves a doubt who is
among the nearest, or somebody may have been heard of longer ago, `chakan_able_anywhere` walks everybody on the globe.
"""

import math
import operator
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from typing import Any, NamedTuple

import psycopg2
from sqlalchemy.orm import Session

from core.database import wrapped
from geo.fix import EARTH_RADIUS_M, LonLat, metres_between
from geo.store import LATELY

ASK = "SELECT * FROM {}(%s::geography, %s::timestamptz, %s::timestamptz, %s::text, %s::text[], %s::integer)"
ON_THE_MAP, ON_THE_GLOBE = ASK.format("chakan_able"), ASK.format("chakan_able_anywhere")
FAR_M, FLAT_DEG = 7, 8  # columns of the answer
# So many more than asked for are fetched: without somebody farther out nothing is known of those not met.
SPARE = 2
# Beyond this latitude the map stretches too fast to be worth asking.
FLAT_TO_DEG = 75.0


class Able(NamedTuple):
    """Somebody who may be asked: how far in a straight line, how old his position is, what he holds."""

    surveyor_id: int
    name: str
    place: LonLat
    distance_m: int
    age_s: int
    open_jobs: int
    max_open: int


class Asked(NamedTuple):
    """The question. `heard_since` is the oldest a position may be."""

    place: LonLat
    org_path: str
    heard_since: datetime
    now: datetime
    needs: Sequence[str] = ()
    limit: int = 20

    def told(self) -> tuple[Any, ...]:
        """What the statements are told."""
        scope, most = self.org_path + "%", self.limit + SPARE
        return (self.place.ewkt(), self.now, self.heard_since, scope, list(self.needs), most)


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
    asked = Asked(place, org_path, heard_since, now, needs, limit)
    found = on_the_map(session, asked) if now - heard_since <= LATELY else None
    if found is None:
        found = _read(_rows(session, ON_THE_GLOBE, asked), asked)
    found.sort(key=operator.attrgetter("distance_m", "surveyor_id"))
    return found


def on_the_map(session: Session, asked: Asked) -> list[Able] | None:
    """The nearest of those heard of lately, in no order; None where the map leaves a doubt who they are."""
    rows = _rows(session, ON_THE_MAP, asked)
    if len(rows) == asked.limit + SPARE:
        sure_m = surely_m(asked.place, max(row[FLAT_DEG] for row in rows))
        if sorted(row[FAR_M] for row in rows)[asked.limit - 1] > sure_m:
            return None
    return _read(rows, asked)


def surely_m(place: LonLat, flat_deg: float) -> float:
    """Metres that who is farther than so many degrees on the map is surely away on the globe.

    A degree of Mercator's map is cos(latitude) of a degree of the equator, so it is shortest at the edge towards the pole.
    Zero where the map has a seam or stretches without measure.
    """
    edge_deg = abs(place.lat) + flat_deg
    if edge_deg > FLAT_TO_DEG or abs(place.lon) + flat_deg > 180:
        return 0.0
    return EARTH_RADIUS_M * math.radians(flat_deg) * math.cos(math.radians(edge_deg)) * (1 - 1e-9)


def _rows(session: Session, sql: str, asked: Asked) -> list[tuple[Any, ...]]:
    try:
        # Past SQLAlchemy's rows and statements, which cost as much as the answer itself.
        with closing(session.connection().connection.cursor()) as cursor:
            cursor.execute(sql, asked.told())
            return list(cursor.fetchall())
    except psycopg2.Error as error:
        raise wrapped(error) from error


def _read(rows: list[tuple[Any, ...]], asked: Asked) -> list[Able]:
    place = asked.place
    rows.sort(key=operator.itemgetter(FAR_M))
    found = []
    for ident, lon, lat, age_s, name, open_jobs, max_open, _, _ in rows[: asked.limit]:
        here = LonLat(lon, lat)
        away_m = round(metres_between(here, place))
        found.append(Able(ident, name, here, away_m, round(max(0.0, age_s)), open_jobs, max_open))
    return found
