"""A first notice as it came in, and what makes one impossible to act on."""

from dataclasses import dataclass
from datetime import datetime

from claims import intake
from claims.duplicates import Likeness
from claims.errors import FromTheFuture
from claims.models import Clock
from claims.states import ClaimState
from core.errors import Invalid
from geo.fix import LonLat

LINES = ("motor", "property", "agri", "assist")


@dataclass(frozen=True)
class Item:
    """A vehicle, person or thing concerned, as typed."""

    kind: str = "own_vehicle"
    plate: str | None = None
    vin: str | None = None
    description: str = ""


@dataclass(frozen=True)
class Notice:
    """A first notice of loss as it came in. `place` is WGS-84; `place_source` the datum it came in."""

    reporter_phone: str
    reported_at: datetime | None = None
    call_ended_at: datetime | None = None
    reporter_name: str | None = None
    reporter_relation: str | None = None
    loss_at: datetime | None = None
    place: LonLat | None = None
    place_source: str = "wgs84"
    place_text: str | None = None
    cause: str | None = None
    injured: int = 0
    movable: bool | None = None
    scene_left: bool | None = None
    line: str = "motor"
    policy_no: str | None = None
    items: tuple[Item, ...] = ()
    needs: tuple[str, ...] | None = None  # None: what the line needs
    external_no: str | None = None
    note: str = ""
    insuring_org_id: int | None = None  # 通赔: who insures; None: who takes the report


@dataclass(frozen=True)
class Opened:
    """What the seat is told: the case, its job, its clocks, and what it looks like."""

    claim_id: int
    report_no: str
    task_id: int
    duplicates: tuple[Likeness, ...]
    state: str = ClaimState.OPEN
    clocks: tuple[Clock, ...] = ()
    marks: tuple[str, ...] = ()


def check(notice: Notice, now: datetime) -> None:
    """Refuses only what nobody could act on: no way to ring back, no place at all, a time that has not come."""
    if not intake.phone(notice.reporter_phone).key:
        raise Invalid.field("reporter.phone", "holds no digit")
    if notice.place is None and not (notice.place_text or "").strip():
        raise Invalid.field("loss.place", "give a position or a place")
    if notice.place is not None:
        check_place(notice.place)
    if notice.line not in LINES:
        raise Invalid.field("line", "one of " + ", ".join(LINES))
    for path, at in (
        ("reported_at", notice.reported_at),
        ("call_ended_at", notice.call_ended_at),
        ("loss.at", notice.loss_at),
    ):
        if intake.ahead(at, now):
            message = "lies in the future"
            raise FromTheFuture(
                f"{path}: {message}", errors=[{"path": path, "message": message}], now=str(now)
            )


def check_place(place: LonLat) -> None:
    """Refuses what is not on earth, and (0, 0), which is what a broken client sends for "unknown"."""
    if not (-180 <= place.lon <= 180 and -90 <= place.lat <= 90):
        raise Invalid.field("loss.position", "longitude first, then latitude, in degrees")
    if place == (0, 0):
        raise Invalid.field(
            "loss.position", "0, 0 is no place of loss; leave the position out when it is unknown"
        )
