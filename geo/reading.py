"""From what an app says to a Fix: no-numbers become None, units become metres and seconds."""

import math
from datetime import UTC, datetime
from typing import Any

from geo.fix import Fix

KNOT_MPS = 1852 / 3600
KMH_MPS = 1 / 3.6
# Beyond these a reading is an app's way of saying it does not know.
MOST_SPEED_MPS = 350.0
LEAST_ALTITUDE_M, MOST_ALTITUDE_M = -1000.0, 20_000.0
MOST_SEQ = 2**63 - 1


class Malformed(ValueError):
    """An item that cannot be a fix; `path` names the field, `reason` the counter."""

    def __init__(self, path: str, message: str, reason: str = "malformed") -> None:
        super().__init__(message)
        self.path, self.message, self.reason = path, message, reason


def number(value: Any) -> float | None:
    """A finite float from a number or its text; None for anything else, NaN and Infinity included."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def scaled(value: Any, factor: float) -> float | None:
    """A number that is never below zero, in another unit; below zero is how apps say «unknown»."""
    found = number(value)
    return None if found is None or found < 0 else found * factor


def place(lon: Any, lat: Any, *, path: str = "") -> tuple[float, float]:
    """Longitude and latitude on earth, or Malformed naming the wrong one."""
    if type(lon) is float and type(lat) is float and -180 <= lon <= 180 and -90 <= lat <= 90:
        return lon, lat
    dot = f"{path}." if path else ""
    for name, value, most in (("lon", lon, 180.0), ("lat", lat, 90.0)):
        found = number(value)
        if found is None:
            raise Malformed(f"{dot}{name}", "not a finite number")
        if abs(found) > most:
            raise Malformed(
                f"{dot}{name}", f"outside -{most:g} to {most:g}; longitude comes first", "out_of_range"
            )
    return float(lon), float(lat)


def thousandth(value: float | None) -> float | None:
    """Rounded to the thousandth; None stays None."""
    return None if value is None else round(value, 3)


def fix(
    fixed_at: datetime,
    lon: float,
    lat: float,
    *,
    source: str,
    accuracy_m: Any = None,
    speed_mps: Any = None,
    heading_deg: Any = None,
    altitude_m: Any = None,
    battery: Any = None,
    seq: int | None = None,
) -> Fix:
    """A Fix whose optional readings are sane or None. `battery` is percent; accuracy 0 means unknown.

    Readings are kept to the thousandth: PostgreSQL refuses a `real` as small as 1e-60, and no phone means one.
    Raises Malformed when the moment lies outside the calendar.
    """
    try:
        # PostgreSQL refuses a zone farther than 16 hours from Greenwich, which a time in text may well name.
        fixed_at = fixed_at.astimezone(UTC)
    except OverflowError as error:
        raise Malformed("at", "outside the calendar") from error
    heading = _reading(heading_deg, 360)
    altitude = None if altitude_m is None else thousandth(number(altitude_m))
    charge = _reading(battery, 100)
    return Fix(
        fixed_at,
        None,
        lon,
        lat,
        _accuracy(accuracy_m),
        _reading(speed_mps, MOST_SPEED_MPS),
        None if heading is None else heading % 360,
        altitude if altitude is not None and LEAST_ALTITUDE_M <= altitude <= MOST_ALTITUDE_M else None,
        None if charge is None else round(charge),
        source,
        seq if seq is not None and 0 <= seq <= MOST_SEQ else None,
    )


def _reading(value: Any, most: float) -> float | None:
    """A number from 0 to `most`, to the thousandth; None for anything else."""
    if value is None:
        return None
    found = value if type(value) in (float, int) else number(value)
    if found is None or not 0 <= found <= most + 1:
        return None
    found = round(float(found), 3)
    return found if found <= most else None


def _accuracy(value: Any) -> float | None:
    if type(value) in (float, int) and 0 < value < 1e9:
        return round(float(value), 3) or None
    return min(thousandth(scaled(value, 1)) or 0.0, 1e9) or None


def epoch(value: Any, *, path: str = "timestamp") -> datetime:
    """An aware UTC time from epoch seconds, or milliseconds from 2^31 on (Traccar's rule)."""
    found = number(value)
    if found is None:
        raise Malformed(path, "not an epoch time")
    if found >= 2**31:
        found /= 1000
    try:
        return datetime.fromtimestamp(found, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Malformed(path, "not an epoch time") from error


def instant(value: Any, *, path: str = "timestamp") -> datetime:
    """An aware UTC time from ISO 8601 text, `Z`, `+08:00` and `+0800` alike; without a zone it is UTC."""
    if not isinstance(value, str):
        raise Malformed(path, "not a time")
    try:
        found = datetime.fromisoformat(value.strip())
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Malformed(path, "not a time") from error
