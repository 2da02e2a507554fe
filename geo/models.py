"""Positions, the last one of everybody, areas, the offline base map, refusal counters."""

from datetime import date, datetime
from typing import Any

from geoalchemy2 import Geography, Geometry
from sqlalchemy import BigInteger, Computed, ForeignKey, Index, SmallInteger, text
from sqlalchemy.dialects.postgresql import DOUBLE_PRECISION, JSONB, REAL
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import UserDefinedType

from core.database import Base, Created, Id, Ref


class Point(UserDefinedType[str]):
    """PostgreSQL's own plane point."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Its name in SQL."""
        return "POINT"


# Else a database that is read back does not know the type.
ischema_names["point"] = Point


class Position(Base):
    """History of accepted fixes, WGS-84, partitioned by UTC day of `fixed_at` (migration 0003)."""

    __tablename__ = "position"
    __table_args__ = (
        Index("ix_position_fixed_at", "fixed_at", postgresql_using="brin"),
        {"postgresql_partition_by": "RANGE (fixed_at)"},
    )
    surveyor_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    fixed_at: Mapped[datetime] = mapped_column(primary_key=True)
    device_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    received_at: Mapped[datetime]
    lon: Mapped[float] = mapped_column(DOUBLE_PRECISION)
    lat: Mapped[float] = mapped_column(DOUBLE_PRECISION)
    accuracy_m: Mapped[float | None] = mapped_column(REAL)
    speed_mps: Mapped[float | None] = mapped_column(REAL)
    heading_deg: Mapped[float | None] = mapped_column(REAL)
    altitude_m: Mapped[float | None] = mapped_column(REAL)
    battery: Mapped[int | None] = mapped_column(SmallInteger)  # percent
    source: Mapped[str]  # phone | owntracks | traccar | overland
    seq: Mapped[Ref | None]
    phone_at: Mapped[datetime | None]  # what the phone said, where its clock was wrong


class LastPosition(Base):
    """The newest good position of a surveyor; never goes back in `fixed_at`."""

    __tablename__ = "last_position"
    __table_args__ = (
        Index("ix_last_position_place", "place", postgresql_using="gist"),
        Index(
            "ix_last_position_heard_lately",
            "flat",
            postgresql_using="spgist",
            postgresql_where=text("heard_lately"),
        ),
    )
    surveyor_id: Mapped[Ref] = mapped_column(ForeignKey("surveyor.id"), primary_key=True)
    place: Mapped[Any] = mapped_column(Geography("POINT", 4326, spatial_index=False))
    # `place` on Mercator's plane, which the nearest are walked along (migration 0020_flat).
    flat: Mapped[Any] = mapped_column(Point, Computed("chakan_flat(place)", persisted=True))
    lon: Mapped[float] = mapped_column(DOUBLE_PRECISION)
    lat: Mapped[float] = mapped_column(DOUBLE_PRECISION)
    fixed_at: Mapped[datetime]
    received_at: Mapped[datetime]
    device_id: Mapped[Ref]
    accuracy_m: Mapped[float | None] = mapped_column(REAL)
    speed_mps: Mapped[float | None] = mapped_column(REAL)
    heading_deg: Mapped[float | None] = mapped_column(REAL)
    battery: Mapped[int | None] = mapped_column(SmallInteger)
    source: Mapped[str]
    newest_at: Mapped[
        datetime | None
    ]  # of every stored fix, those that may not move the dot too; None: not known
    # A hint: false only where the position is older than `store.LATELY`, true also where nobody looked yet.
    heard_lately: Mapped[bool] = mapped_column(server_default="true")


class FixRefusal(Base):
    """How many fixes of a device were refused on a UTC day, by reason, and how many were `held`: kept, but not for the dot."""

    __tablename__ = "fix_refusal"
    device_id: Mapped[Ref] = mapped_column(ForeignKey("device.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int]
    held: Mapped[int] = mapped_column(server_default="0")


class DeviceClock(Base):
    """What is known of a phone's clock: its offset, and the sends that do not fit it (`geo/clock_offset.py`)."""

    __tablename__ = "device_clock"
    device_id: Mapped[Ref] = mapped_column(ForeignKey("device.id"), primary_key=True)
    offset_s: Mapped[Ref] = mapped_column(server_default="0")
    learned_at: Mapped[datetime | None]
    sends: Mapped[Any] = mapped_column(JSONB, server_default=text("'[]'"))


class Area(Base):
    """A service area 责任区 of an organisation, with its arrival limit class."""

    __tablename__ = "area"
    __table_args__ = (Index("ix_area_shape", "shape", postgresql_using="gist"),)
    id: Mapped[Id]
    org_id: Mapped[Ref] = mapped_column(ForeignKey("organisation.id"), index=True)
    name: Mapped[str]
    name_en: Mapped[str] = mapped_column(server_default="")
    kind: Mapped[str] = mapped_column(server_default="urban")  # urban | suburb | remote
    shape: Mapped[Any] = mapped_column(Geography("MULTIPOLYGON", 4326, spatial_index=False))
    created_at: Mapped[Created]


class BaseLine(Base):
    """A line or polygon of the offline base map, served as vector tiles."""

    __tablename__ = "base_line"
    __table_args__ = (Index("ix_base_line_shape", "shape", postgresql_using="gist"),)
    id: Mapped[Id]
    kind: Mapped[str]
    name: Mapped[str]
    name_en: Mapped[str]
    min_zoom: Mapped[int] = mapped_column(SmallInteger)
    shape: Mapped[Any] = mapped_column(Geometry("GEOMETRY", 3857, spatial_index=False))


class RoadLesson(Base):
    """One learning of road speeds from tracks: asked for, under way, done, kept (nothing better was learned) or failed."""

    __tablename__ = "road_lesson"
    # One at a time: the second asker finds the first.
    __table_args__ = (
        Index(
            "uq_road_lesson_open",
            text("(true)"),
            unique=True,
            postgresql_where=text("state IN ('due', 'running')"),
        ),
        Index("ix_road_lesson_asked_at", "asked_at"),
    )
    id: Mapped[Id]
    asked_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(server_default="due")
    since: Mapped[datetime]
    until: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    version: Mapped[str | None]
    figures: Mapped[dict[str, Any] | None]
