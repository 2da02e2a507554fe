"""What does not fit together: hints for the adjuster, never a verdict, never a refusal (F64, U-27)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from geo.fix import LonLat, metres_between

FAR_M = 1000.0
AHEAD = timedelta(minutes=2)
SKEW = timedelta(minutes=10)
BEFORE = timedelta(minutes=10)
ZONES_H = (-12.0, 14.0)


@dataclass(frozen=True)
class Facts:
    """What is known of a photo: by the phone beside it, by the camera inside it, by our clock; and of the loss."""

    taken_at: datetime | None
    received_at: datetime
    position: LonLat | None
    accuracy_m: float | None
    exif: Mapping[str, Any]
    loss_place: LonLat | None
    loss_at: datetime | None


def flags(facts: Facts) -> list[str]:
    """Every reason to look twice: far_from_loss, position_differs, clock_skew, before_loss."""
    inside = camera_position(facts.exif)
    return [
        name
        for name, holds in (
            ("far_from_loss", far_from_loss(facts, inside)),
            (
                "position_differs",
                bool(facts.position and inside and metres_between(facts.position, inside) > FAR_M),
            ),
            ("clock_skew", clock_skew(facts)),
            ("before_loss", before_loss(facts)),
        )
        if holds
    ]


def camera_position(exif: Mapping[str, Any]) -> LonLat | None:
    """Where the camera says it was."""
    return LonLat(exif["lon"], exif["lat"]) if "lon" in exif and "lat" in exif else None


def far_from_loss(facts: Facts, inside: LonLat | None) -> bool:
    """Whether either position is more than a kilometre from the loss, the phone's own doubt taken off."""
    if facts.loss_place is None:
        return False
    doubt_m = min(facts.accuracy_m or 0.0, FAR_M)
    outside = (
        facts.position is not None and metres_between(facts.position, facts.loss_place) - doubt_m > FAR_M
    )
    return outside or (inside is not None and metres_between(inside, facts.loss_place) > FAR_M)


def camera_times(exif: Mapping[str, Any]) -> tuple[datetime, datetime] | None:
    """The earliest and latest moment the camera's clock can mean: one moment when it wrote its zone, else any zone's."""
    if "time" not in exif:
        return None
    said = datetime.fromisoformat(exif["time"])
    if "offset" in exif:
        moment = datetime.fromisoformat(exif["time"] + exif["offset"])
        return moment, moment
    local = said.replace(tzinfo=UTC)
    return local - timedelta(hours=ZONES_H[1]), local - timedelta(hours=ZONES_H[0])


def clock_skew(facts: Facts) -> bool:
    """Whether the phone's clock is ahead of ours, or disagrees with the camera's in the same phone."""
    if facts.taken_at is None:
        return False
    if facts.taken_at - facts.received_at > AHEAD:
        return True
    times = camera_times(facts.exif)
    if times is None:
        return False
    earliest, latest = times
    if not earliest - SKEW <= facts.taken_at <= latest + SKEW:
        return True
    if earliest == latest:
        return False
    # No zone was written: a true clock is off by whole half hours.
    rest = (facts.taken_at - earliest) % timedelta(minutes=30)
    return min(rest, timedelta(minutes=30) - rest) > SKEW


def before_loss(facts: Facts) -> bool:
    """Whether phone or camera say that the photo is older than the loss."""
    if facts.loss_at is None:
        return False
    times = camera_times(facts.exif)
    moments = [t for t in (facts.taken_at, times[1] if times else None) if t is not None]
    return any(moment < facts.loss_at - BEFORE for moment in moments)
