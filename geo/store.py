"""Positions and places in PostGIS. The only SQL of this room that says `ST_`, besides tiles.py."""

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from geoalchemy2 import WKBElement, WKTElement
from sqlalchemy import BindParameter, ColumnElement, func, text
from sqlalchemy.orm import Session

from geo.fix import Fix, LonLat
from geo.models import Area


class Row(NamedTuple):
    """A fix with whose it is."""

    surveyor_id: int
    device_id: int
    fix: Fix


Key = tuple[int, int, datetime]  # surveyor, device, fixed_at

# Lists through psycopg2 run at 19,000 rows a second, array text at 54,000: hence the casts.
NEW = """
INSERT INTO position (surveyor_id, device_id, fixed_at, received_at, lon, lat, accuracy_m, speed_mps,
                      heading_deg, altitude_m, battery, source, seq, phone_at)
SELECT *
  FROM unnest(CAST(:surveyor_id AS bigint[]), CAST(:device_id AS bigint[]), CAST(:fixed_at AS timestamptz[]),
              CAST(:received_at AS timestamptz[]), CAST(:lon AS float8[]), CAST(:lat AS float8[]),
              CAST(:accuracy_m AS real[]), CAST(:speed_mps AS real[]), CAST(:heading_deg AS real[]),
              CAST(:altitude_m AS real[]), CAST(:battery AS smallint[]), CAST(:source AS text[]),
              CAST(:seq AS bigint[]), CAST(:phone_at AS timestamptz[]))
"""
HISTORY = f"""{NEW}    ON CONFLICT (surveyor_id, fixed_at, device_id) DO NOTHING
RETURNING surveyor_id, device_id, fixed_at
"""

# `place` carries the GiST index, and writing it anew costs twice the update (no HOT). It is allowed to trail
# the exact lon/lat by LAZY_M metres, so that a parked car's jitter never touches the index; distances shown
# use lon/lat.
LAZY_M = 100
LAST = """
INSERT INTO last_position AS p (surveyor_id, place, lon, lat, fixed_at, received_at, device_id, accuracy_m,
                                speed_mps, heading_deg, battery, source, newest_at)
SELECT f.surveyor_id, ST_SetSRID(ST_MakePoint(f.lon, f.lat), 4326)::geography, f.lon, f.lat, f.fixed_at,
       f.received_at, f.device_id, f.accuracy_m, f.speed_mps, f.heading_deg, f.battery, f.source, f.newest_at
  FROM unnest(CAST(:surveyor_id AS bigint[]), CAST(:device_id AS bigint[]), CAST(:fixed_at AS timestamptz[]),
              CAST(:received_at AS timestamptz[]), CAST(:lon AS float8[]), CAST(:lat AS float8[]),
              CAST(:accuracy_m AS real[]), CAST(:speed_mps AS real[]), CAST(:heading_deg AS real[]),
              CAST(:battery AS smallint[]), CAST(:source AS text[]), CAST(:newest_at AS timestamptz[]))
    AS f (surveyor_id, device_id, fixed_at, received_at, lon, lat, accuracy_m, speed_mps, heading_deg,
          battery, source, newest_at)
    ON CONFLICT (surveyor_id) DO UPDATE
   SET place = CASE WHEN power((ST_X(p.place::geometry) - EXCLUDED.lon) * cos(radians(EXCLUDED.lat)), 2)
                       + power(ST_Y(p.place::geometry) - EXCLUDED.lat, 2) < power(:lazy_m / 111195.0, 2)
                    THEN p.place ELSE EXCLUDED.place END,
       lon = EXCLUDED.lon, lat = EXCLUDED.lat, fixed_at = EXCLUDED.fixed_at,
       received_at = EXCLUDED.received_at, device_id = EXCLUDED.device_id, accuracy_m = EXCLUDED.accuracy_m,
       speed_mps = EXCLUDED.speed_mps, heading_deg = EXCLUDED.heading_deg, battery = EXCLUDED.battery,
       source = EXCLUDED.source, newest_at = GREATEST(p.newest_at, EXCLUDED.newest_at), heard_lately = true
 WHERE p.fixed_at < EXCLUDED.fixed_at
RETURNING surveyor_id
"""

# No rule lets a position count that is older than an hour (`stale_offer_s`); five minutes for clocks that read on.
LATELY = timedelta(hours=1)
QUIET_AT_ONCE = 20_000
QUIET = """
WITH quiet AS MATERIALIZED (
  SELECT surveyor_id FROM last_position
   WHERE heard_lately AND (fixed_at < :before OR received_at < :before)
   LIMIT :limit FOR UPDATE SKIP LOCKED)
UPDATE last_position AS p SET heard_lately = false FROM quiet AS q WHERE p.surveyor_id = q.surveyor_id
"""

TRACK = """
SELECT fixed_at, received_at, lon, lat, accuracy_m, speed_mps, heading_deg, altitude_m, battery, source, seq,
       phone_at
  FROM position
 WHERE surveyor_id = :surveyor_id AND fixed_at >= :start AND fixed_at < :end
 ORDER BY fixed_at, device_id
 LIMIT :limit
"""


def array(values: Iterable[object]) -> str:
    """A PostgreSQL array literal of numbers, times or plain words; None becomes NULL."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def times(values: Iterable[datetime | None]) -> str:
    """A PostgreSQL array literal of times."""
    return array([None if value is None else value.isoformat() for value in values])


def _columns(rows: Sequence[Row], received_at: datetime | None) -> dict[str, object]:
    fixes = [row.fix for row in rows]
    # One transaction receives all of its fixes at one moment, which is then turned into text only once.
    at = received_at or (fixes[0].received_at if fixes else None)
    if at is not None and (received_at is not None or all(f.received_at is at for f in fixes)):
        received = array([at.isoformat()] * len(rows))
    else:
        received = times([f.received_at for f in fixes])
    return {
        "surveyor_id": array([row.surveyor_id for row in rows]),
        "device_id": array([row.device_id for row in rows]),
        "fixed_at": times([f.fixed_at for f in fixes]),
        "received_at": received,
        "lon": array([f.lon for f in fixes]),
        "lat": array([f.lat for f in fixes]),
        "accuracy_m": array([f.accuracy_m for f in fixes]),
        "speed_mps": array([f.speed_mps for f in fixes]),
        "heading_deg": array([f.heading_deg for f in fixes]),
        "battery": array([f.battery for f in fixes]),
        "source": array([f.source for f in fixes]),
    }


def history_columns(rows: Sequence[Row], received_at: datetime | None = None) -> dict[str, object]:
    """What HISTORY is told; without `received_at` each fix brings its own. `source` must be a plain word."""
    return _columns(rows, received_at) | {
        "altitude_m": array([row.fix.altitude_m for row in rows]),
        "seq": array([row.fix.seq for row in rows]),
        "phone_at": times([row.fix.phone_at for row in rows]),
    }


def last_columns(rows: Sequence[Row], newest: Mapping[int, datetime]) -> dict[str, object]:
    """What LAST is told of at most one row a surveyor. `newest` is each surveyor's newest stored fix, if known."""
    return _columns(rows, None) | {
        "newest_at": times(newest.get(row.surveyor_id) for row in rows),
        "lazy_m": LAZY_M,
    }


def insert_history(session: Session, rows: Sequence[Row]) -> set[Key]:
    """Stores fixes; returns the keys of those that were not there yet. `source` must be a plain word."""
    if not rows:
        return set()
    stored = session.execute(text(HISTORY), history_columns(rows))
    return {(r.surveyor_id, r.device_id, r.fixed_at) for r in stored}


def move_last(session: Session, rows: Iterable[Row]) -> set[int]:
    """Moves dots forward, never back; returns the surveyors whose dot moved. One write per surveyor."""
    newest: dict[int, Row] = {}
    for row in rows:
        kept = newest.get(row.surveyor_id)
        if kept is None or row.fix.fixed_at > kept.fix.fixed_at:
            newest[row.surveyor_id] = row
    if not newest:
        return set()
    # In order of id: two writers then wait for each other instead of deadlocking.
    ordered = [newest[key] for key in sorted(newest)]
    return set(session.execute(text(LAST), last_columns(ordered, {})).scalars())


def mark_quiet(session: Session, now: datetime, limit: int = QUIET_AT_ONCE) -> int:
    """Takes dots not heard of lately out of the way of who looks for the nearest; returns how many."""
    # Skipping who is locked: a ping that comes meanwhile neither waits for this nor is undone by it.
    done = session.execute(text(QUIET), {"before": now - LATELY - timedelta(minutes=5), "limit": limit})
    return int(done.rowcount)  # type: ignore[attr-defined]


def track(
    session: Session, surveyor_id: int, start: datetime, end: datetime, *, limit: int = 100_000
) -> list[Fix]:
    """A surveyor's positions from `start` up to but not including `end`, in order of the phone's clock."""
    span = {"surveyor_id": surveyor_id, "start": start, "end": end, "limit": limit}
    return [Fix(**row._mapping) for row in session.execute(text(TRACK), span)]


# Partition pruning needs a lower end; who was not heard of for two days has no place worth showing.
THEN = """
SELECT s.id, p.lon, p.lat, p.fixed_at, p.received_at, p.accuracy_m, p.speed_mps, p.heading_deg, p.battery, p.source
  FROM unnest(CAST(:ids AS bigint[])) AS s (id)
 CROSS JOIN LATERAL (
       SELECT *
         FROM position AS q
        WHERE q.surveyor_id = s.id AND q.fixed_at > CAST(:at AS timestamptz) - interval '2 days'
          AND q.fixed_at <= CAST(:at AS timestamptz) + interval '1 minute' AND q.received_at <= :at
          AND (q.accuracy_m IS NULL OR q.accuracy_m <= :max_accuracy_m)
        ORDER BY q.fixed_at DESC
        LIMIT 1) AS p
"""
# A fix that came more than a quarter of an hour late is part of a track, it moved no dot worth playing.
MOVES = """
SELECT DISTINCT ON (surveyor_id, bucket) surveyor_id, fixed_at, received_at, lon, lat, accuracy_m, speed_mps,
       heading_deg, floor(extract(epoch FROM received_at) / :step_s)::bigint AS bucket
  FROM position
 WHERE fixed_at > CAST(:start AS timestamptz) - interval '15 minutes'
   AND fixed_at <= CAST(:end AS timestamptz) + interval '1 minute'
   AND received_at > :start AND received_at <= :end
   AND surveyor_id = ANY(:ids)
   AND (accuracy_m IS NULL OR accuracy_m <= :max_accuracy_m)
 ORDER BY surveyor_id, bucket, fixed_at DESC
"""


def positions_then(
    session: Session, ids: Sequence[int], at: datetime, *, max_accuracy_m: float
) -> dict[int, Any]:
    """The newest position of each surveyor that had been received at a moment and was good enough for a dot."""
    given = {"ids": array(ids), "at": at, "max_accuracy_m": max_accuracy_m}
    return {row.id: row for row in session.execute(text(THEN), given)}


def moves(
    session: Session,
    ids: Sequence[int],
    start: datetime,
    end: datetime,
    *,
    step_s: float,
    max_accuracy_m: float,
) -> list[Any]:
    """Positions received after `start` and not after `end`, at most one a surveyor and step, by our clock."""
    given = {
        "ids": list(ids),
        "start": start,
        "end": end,
        "step_s": step_s,
        "max_accuracy_m": max_accuracy_m,
    }
    return list(session.execute(text(MOVES), given).all())


def ensure_partitions(session: Session, today: date, ahead_days: int = 8, behind_days: int = 8) -> int:
    """Makes the missing day partitions around `today` (UTC); returns how many. Many may call it at once."""
    span = {"first": today - timedelta(days=behind_days), "last": today + timedelta(days=ahead_days)}
    return int(session.execute(text("SELECT chakan_position_days(:first, :last)"), span).scalar_one())


@dataclass(frozen=True)
class Partition:
    """One day of history: the UTC day and its table."""

    day: date
    table: str


PARTITIONS = """
SELECT c.relname
  FROM pg_inherits AS i
  JOIN pg_class AS c ON c.oid = i.inhrelid
 WHERE i.inhparent = 'position'::regclass
 ORDER BY c.relname
"""


def partitions(session: Session) -> list[Partition]:
    """The days there are tables for, oldest first."""
    names = session.execute(text(PARTITIONS)).scalars()
    return [Partition(datetime.strptime(n[-8:], "%Y%m%d").replace(tzinfo=UTC).date(), n) for n in names]


HISTORY_BYTES = """
SELECT COALESCE(sum(pg_total_relation_size(inhrelid)), 0) FROM pg_inherits WHERE inhparent = 'position'::regclass
"""


def history_bytes(session: Session) -> int:
    """How many bytes all days of history take on the disk, with their indexes."""
    return int(session.execute(text(HISTORY_BYTES)).scalar_one())


DROP_WAIT_MS = 300


def drop_partitions(session: Session, before: date) -> list[date]:
    """Forgets every day before `before` (UTC): the whole table goes, so nothing of it can be read again.

    Gives up with OperationalError (lock not available) rather than hold up the pings; try again later.
    """
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('position_days'))"))
    # Dropping a day locks the whole of `position`: while it waits for a long reader every ping waits behind it.
    session.execute(text(f"SET LOCAL lock_timeout = '{DROP_WAIT_MS}ms'"))
    old = [p for p in partitions(session) if p.day < before]
    for partition in old:
        # The name comes from the catalogue and its form was checked above; a table name cannot be a
        # parameter.
        session.execute(text(f"DROP TABLE {partition.table}"))
    return [p.day for p in old]


FORGET_TRACKS = """
DELETE FROM position
 WHERE fixed_at < :before AND surveyor_id IN (SELECT id FROM surveyor WHERE org_id = :org_id)
"""
FORGET_DOTS = """
DELETE FROM last_position
 WHERE fixed_at < :before AND surveyor_id IN (SELECT id FROM surveyor WHERE org_id = :org_id)
"""
FORGET_ALL_DOTS = "DELETE FROM last_position WHERE fixed_at < :before"
FORGET_COUNTS = "DELETE FROM fix_refusal WHERE day < :before"


def forget(session: Session, before: date, org_id: int | None = None) -> None:
    """Deletes what is left of before a UTC day: an organisation's positions and dots, or everybody's old dots.

    Everybody's old positions go by the day, see `drop_partitions`.
    """
    midnight = datetime(before.year, before.month, before.day, tzinfo=UTC)
    if org_id is not None:
        session.execute(text(FORGET_TRACKS), {"org_id": org_id, "before": midnight})
        session.execute(text(FORGET_DOTS), {"org_id": org_id, "before": midnight})
    else:
        session.execute(text(FORGET_ALL_DOTS), {"before": midnight})
        session.execute(text(FORGET_COUNTS), {"before": before})


def lacks_partition(error: BaseException | None) -> bool:
    """Whether a driver's error says that a fix found no day to lie in: the sweeper was away for more than a week."""
    diag = getattr(error, "diag", None)
    state = getattr(diag, "sqlstate", None)
    if state == "42P01":  # the day's own table, which COPY names
        return "position_2" in str(diag.message_primary)  # type: ignore[union-attr]
    return state == "23514" and diag.table_name == "position" and diag.constraint_name is None  # type: ignore[union-attr]


def point(place: LonLat) -> WKTElement:
    """A place as a value to store in a geography column."""
    return WKTElement(f"POINT({place.lon} {place.lat})", srid=4326)


def lonlat_of(column: Any) -> tuple[ColumnElement[float], ColumnElement[float]]:
    """Longitude and latitude of a geography point column, to select."""
    as_geometry = func.geometry(column)
    return func.ST_X(as_geometry), func.ST_Y(as_geometry)


def _geography(place: LonLat | WKTElement | BindParameter[str]) -> ColumnElement[Any]:
    # Text instead of a WKTElement: the latter becomes a geometry, and a geography index is not used for that.
    if isinstance(place, WKTElement):
        return func.ST_GeogFromText(f"SRID={place.srid};{place.data}")
    return func.ST_GeogFromText(place.ewkt() if isinstance(place, LonLat) else place)


def within_m(
    column: Any, place: LonLat | WKTElement | BindParameter[str], metres: float | BindParameter[int]
) -> ColumnElement[bool]:
    """Whether a geography column lies within so many metres of a place; uses its GiST index. A parameter is an EWKT text."""
    return func.ST_DWithin(column, _geography(place), metres)


def distance_m(column: Any, place: LonLat | WKTElement) -> ColumnElement[float]:
    """Metres on the ellipsoid between a geography column and a place."""
    return func.ST_Distance(column, _geography(place))


def read_point(value: WKBElement | WKTElement | str | None) -> LonLat | None:
    """A place from a point column of a row, without asking the database again. None stays None.

    A column just assigned still holds the text or WKTElement that was put in; both forms are understood.
    """
    if value is None:
        return None
    if isinstance(value, WKBElement):
        raw = bytes.fromhex(value.data) if isinstance(value.data, str) else bytes(value.data)
        order = "<" if raw[0] == 1 else ">"
        has_srid = struct.unpack_from(order + "I", raw, 1)[0] & 0x20000000
        return LonLat(*struct.unpack_from(order + "dd", raw, 9 if has_srid else 5))
    words = (value.data if isinstance(value, WKTElement) else value).rpartition("(")[2].rstrip(") ").split()
    return LonLat(float(words[0]), float(words[1]))


AREA_AT = """
SELECT a.id
  FROM area AS a
  JOIN organisation AS o ON o.id = a.org_id
 WHERE o.path LIKE :scope AND ST_Covers(a.shape, CAST(:place AS geography))
 ORDER BY ST_Area(a.shape), a.id
 LIMIT 1
"""
AREAS = """
SELECT a.id, a.org_id, o.name AS org_name, a.name, a.name_en, a.kind, a.created_at,
       ST_AsGeoJSON(a.shape, 7) AS shape, round(ST_Area(a.shape)) AS area_m2
  FROM area AS a
  JOIN organisation AS o ON o.id = a.org_id
 WHERE o.path LIKE :scope AND a.id > :after AND (:id = 0 OR a.id = :id)
 ORDER BY a.id
 LIMIT :limit
"""


def area_covering(session: Session, org_path: str, place: LonLat) -> Area | None:
    """The smallest service area below an organisation path that covers a place."""
    args = {"scope": org_path + "%", "place": place.ewkt()}
    found = session.execute(text(AREA_AT), args).scalar_one_or_none()
    return None if found is None else session.get(Area, found)


def areas(
    session: Session, org_path: str, *, after: int = 0, limit: int = 500, area_id: int = 0
) -> list[Any]:
    """Service areas below an organisation path with their shapes as GeoJSON text."""
    args = {"scope": org_path + "%", "after": after, "limit": limit, "id": area_id}
    return list(session.execute(text(AREAS), args).all())
