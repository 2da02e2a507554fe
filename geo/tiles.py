"""The offline base map: laid once from a city's lines, served as Mapbox vector tiles by PostGIS."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.errors import BadTile
from geo.fix import LonLat

Heat = Literal["loss", "position"]
MOST_ZOOM = 22
CHINA = (73.0, 18.0, 135.5, 54.0)  # west, south, east, north: what a map without any data shows
ROWS_A_STATEMENT = 2000
# The extent is a row of its own that no zoom ever draws.
NEVER_DRAWN = 99


class MapLine(Protocol):
    """A feature to lay; kind is motorway … street, water, park or area; `wkt` is WGS-84."""

    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def name_en(self) -> str: ...
    @property
    def min_zoom(self) -> int: ...
    @property
    def wkt(self) -> str: ...


@dataclass(frozen=True)
class MapInfo:
    """What the base map shows and where it lies, WGS-84."""

    label: str
    label_en: str
    centre: LonLat
    bbox: tuple[float, float, float, float]  # west, south, east, north


LAY = """
INSERT INTO base_line (kind, name, name_en, min_zoom, shape)
SELECT f.kind, f.name, f.name_en, f.min_zoom, ST_Transform(ST_GeomFromText(f.wkt, 4326), 3857)
  FROM jsonb_to_recordset(CAST(:rows AS jsonb))
    AS f (kind text, name text, name_en text, min_zoom smallint, wkt text)
"""
LAY_EXTENT = """
INSERT INTO base_line (kind, name, name_en, min_zoom, shape)
SELECT 'extent', :label, :label_en, :never, ST_SetSRID(ST_Envelope(ST_Extent(shape)::geometry), 3857)
  FROM base_line
HAVING count(*) > 0
"""

# A pixel is 1/256 of a tile and the grid has 16 steps in it: half a pixel of simplification cannot be seen.
TILE = """
WITH tile AS (
  SELECT ST_TileEnvelope(:z, :x, :y) AS box, ST_TileEnvelope(:z, :x, :y, margin => 64.0 / 4096) AS wide
), shown AS (
  SELECT b.kind, b.name, b.name_en,
         ST_AsMVTGeom(
             ST_Simplify(b.shape, (ST_XMax(t.box) - ST_XMin(t.box)) / 512, true), t.box, 4096, 64, true
         ) AS geom
    FROM tile AS t
    JOIN base_line AS b ON b.shape && t.wide
   WHERE b.min_zoom <= :z
)
SELECT COALESCE((SELECT ST_AsMVT(f, 'water', 4096, 'geom') FROM shown AS f WHERE f.kind = 'water'), '')
    || COALESCE((SELECT ST_AsMVT(f, 'park', 4096, 'geom') FROM shown AS f WHERE f.kind = 'park'), '')
    || COALESCE((SELECT ST_AsMVT(f, 'area', 4096, 'geom') FROM shown AS f WHERE f.kind = 'area'), '')
    || COALESCE((SELECT ST_AsMVT(f, 'road', 4096, 'geom') FROM shown AS f
                  WHERE f.kind NOT IN ('water', 'park', 'area')), '')
"""

# Squares of a 32nd of a tile: about what an eye can tell apart when they are drawn as blots.
HEAT_CELLS = 32
# This turns points of a tile into counted squares; the points come from the query in front of it.
SQUARES = """
, square AS (
  SELECT floor((ST_X(p.at) - ST_XMin(t.box)) / (ST_XMax(t.box) - ST_XMin(t.box)) * :cells) AS x,
         floor((ST_Y(p.at) - ST_YMin(t.box)) / (ST_YMax(t.box) - ST_YMin(t.box)) * :cells) AS y, count(*) AS n
    FROM tile AS t
    JOIN point AS p ON p.at && t.box
   GROUP BY 1, 2
), shown AS (
  SELECT s.n, ST_AsMVTGeom(ST_SetSRID(ST_MakePoint(
             ST_XMin(t.box) + (s.x + 0.5) / :cells * (ST_XMax(t.box) - ST_XMin(t.box)),
             ST_YMin(t.box) + (s.y + 0.5) / :cells * (ST_YMax(t.box) - ST_YMin(t.box))), 3857), t.box) AS geom
    FROM square AS s, tile AS t
)
SELECT COALESCE((SELECT ST_AsMVT(f, :layer, 4096, 'geom') FROM shown AS f), '')
"""
LOSSES = """
WITH tile AS (SELECT ST_TileEnvelope(:z, :x, :y) AS box), point AS (
  SELECT ST_Transform(c.place::geometry, 3857) AS at
    FROM claim AS c
    JOIN organisation AS o ON o.id = c.org_id AND o.path LIKE :scope
   CROSS JOIN tile AS t
   WHERE c.place && ST_Transform(t.box, 4326)::geography AND c.reported_at >= :start AND c.reported_at < :end
)
"""
# Positions are counted, not shown: no square says whose they were. Partitions are pruned by the time.
POSITIONS = """
WITH tile AS (SELECT ST_TileEnvelope(:z, :x, :y) AS box), edge AS (
  SELECT ST_XMin(g) AS west, ST_YMin(g) AS south, ST_XMax(g) AS east, ST_YMax(g) AS north
    FROM (SELECT ST_Transform(box, 4326) AS g FROM tile) AS w
), point AS (
  SELECT ST_Transform(ST_SetSRID(ST_MakePoint(p.lon, p.lat), 4326), 3857) AS at
    FROM position AS p
    JOIN surveyor AS s ON s.id = p.surveyor_id
    JOIN organisation AS o ON o.id = s.org_id AND o.path LIKE :scope
   CROSS JOIN edge AS e
   WHERE p.fixed_at >= :start AND p.fixed_at < :end AND p.lon BETWEEN e.west AND e.east
     AND p.lat BETWEEN e.south AND e.north
)
"""
# A gap of five minutes or a kilometre is not a road that was driven: the line is broken there.
TRACKS = """
WITH tile AS (SELECT ST_TileEnvelope(:z, :x, :y) AS box), fix AS (
  SELECT p.surveyor_id, p.fixed_at, ST_Transform(ST_SetSRID(ST_MakePoint(p.lon, p.lat), 4326), 3857) AS at,
         lag(p.fixed_at) OVER w AS before, lag(p.lon) OVER w AS lon, lag(p.lat) OVER w AS lat, p.lon AS x, p.lat AS y
    FROM position AS p
   WHERE p.surveyor_id = :surveyor_id AND p.fixed_at >= :start AND p.fixed_at < :end
  WINDOW w AS (ORDER BY p.fixed_at)
), part AS (
  SELECT *, count(*) FILTER (WHERE before IS NULL OR fixed_at - before > interval '5 minutes'
                                OR power((x - lon) * cos(radians(y)), 2) + power(y - lat, 2) > power(0.009, 2))
            OVER (ORDER BY fixed_at) AS leg
    FROM fix
), line AS (
  SELECT surveyor_id, leg, min(fixed_at) AS begun, ST_MakeLine(at ORDER BY fixed_at) AS shape
    FROM part GROUP BY surveyor_id, leg HAVING count(*) > 1
), shown AS (
  SELECT l.surveyor_id::text AS surveyor, extract(epoch FROM l.begun)::bigint AS begun,
         ST_AsMVTGeom(ST_Simplify(l.shape, (ST_XMax(t.box) - ST_XMin(t.box)) / 512, true), t.box, 4096, 64, true) AS geom
    FROM line AS l
    JOIN tile AS t ON l.shape && t.box
)
SELECT COALESCE((SELECT ST_AsMVT(f, 'track', 4096, 'geom') FROM shown AS f), '')
"""

EXTENT = """
SELECT name, name_en, ST_XMin(g) AS west, ST_YMin(g) AS south, ST_XMax(g) AS east, ST_YMax(g) AS north
  FROM (SELECT name, name_en, ST_Transform(shape, 4326) AS g
          FROM base_line
         WHERE kind = 'extent'
         LIMIT 1) AS e
"""
AREAS_EXTENT = """
SELECT ST_XMin(e) AS west, ST_YMin(e) AS south, ST_XMax(e) AS east, ST_YMax(e) AS north
  FROM (SELECT ST_Extent(a.shape::geometry) AS e
          FROM area AS a
          JOIN organisation AS o ON o.id = a.org_id
         WHERE o.path LIKE :scope) AS x
 WHERE e IS NOT NULL
"""


def lay(session: Session, label: str, label_en: str, lines: Iterable[MapLine]) -> int:
    """Replaces the base map; returns how many features it has now."""
    session.execute(text("DELETE FROM base_line"))
    count = 0
    for rows in batched_rows(lines):
        session.execute(text(LAY), {"rows": json.dumps(rows, ensure_ascii=False)})
        count += len(rows)
    session.execute(text(LAY_EXTENT), {"label": label, "label_en": label_en, "never": NEVER_DRAWN})
    return count


def batched_rows(lines: Iterable[MapLine]) -> Iterator[list[dict[str, Any]]]:
    """The lines as JSON rows, some thousands at a time."""
    rows: list[dict[str, Any]] = []
    for line in lines:
        rows.append({n: getattr(line, n) for n in ("kind", "name", "name_en", "min_zoom", "wkt")})
        if len(rows) == ROWS_A_STATEMENT:
            yield rows
            rows = []
    if rows:
        yield rows


def base_tile(session: Session, z: int, x: int, y: int) -> bytes:
    """A tile with the layers road, water, park and area; empty where there is nothing. Raises BadTile."""
    return bytes(session.execute(text(TILE), _checked(z, x, y)).scalar_one())


def _checked(z: int, x: int, y: int) -> dict[str, int]:
    if not (0 <= z <= MOST_ZOOM and 0 <= x < 2**z and 0 <= y < 2**z):
        raise BadTile("no such tile")
    return {"z": z, "x": x, "y": y}


def heat_tile(
    session: Session, org_path: str, z: int, x: int, y: int, *, of: Heat, start: datetime, end: datetime
) -> bytes:
    """Losses or positions of a span and a part of the tree, counted by small squares; layer `loss` or `position`."""
    given = {"scope": org_path + "%", "start": start, "end": end, "cells": HEAT_CELLS, "layer": of}
    points = {"loss": LOSSES, "position": POSITIONS}[of]
    return bytes(session.execute(text("".join((points, SQUARES))), _checked(z, x, y) | given).scalar_one())


def track_tile(
    session: Session, surveyor_id: int, z: int, x: int, y: int, *, start: datetime, end: datetime
) -> bytes:
    """A surveyor's driven lines of a span, layer `track`; each piece has surveyor and begun (seconds since 1970)."""
    given = {"surveyor_id": surveyor_id, "start": start, "end": end}
    return bytes(session.execute(text(TRACKS), _checked(z, x, y) | given).scalar_one())


def map_info(session: Session, org_path: str) -> MapInfo:
    """The extent of the base map; without one that of the service areas; without any the country."""
    row = session.execute(text(EXTENT)).one_or_none()
    if row is not None:
        return _info(row.name, row.name_en, (row.west, row.south, row.east, row.north))
    row = session.execute(text(AREAS_EXTENT), {"scope": org_path + "%"}).one_or_none()
    return _info("", "", (row.west, row.south, row.east, row.north) if row is not None else CHINA)


def _info(label: str, label_en: str, bbox: tuple[float, float, float, float]) -> MapInfo:
    west, south, east, north = bbox
    return MapInfo(label, label_en, LonLat((west + east) / 2, (south + north) / 2), bbox)
