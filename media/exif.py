"""What a camera wrote into the file: time, place, make. Hostile or broken fields are simply missing."""

import math
import struct
import unicodedata
from datetime import datetime
from typing import Any, Protocol

GPS_IFD, EXIF_IFD = 0x8825, 0x8769
DATE_TIME, MAKE, MODEL, ORIENTATION, SOFTWARE = 0x0132, 0x010F, 0x0110, 0x0112, 0x0131
DATE_TIME_ORIGINAL, OFFSET_TIME_ORIGINAL = 0x9003, 0x9011
LAT_REF, LAT, LON_REF, LON = 1, 2, 3, 4
MAX_TEXT = 100
FIRST_YEAR, LAST_YEAR = 1980, 2100
# Everything a parser of other people's bytes may raise.
BROKEN = (
    ValueError, TypeError, LookupError, struct.error, SyntaxError, OSError, AttributeError, ArithmeticError, EOFError,
    RecursionError,
)  # fmt: skip


class Tags(Protocol):
    """The part of Pillow's Exif that is used here."""

    def get(self, tag: int, /) -> Any: ...

    def get_ifd(self, tag: int, /) -> dict[int, Any]: ...


def read(tags: Tags) -> dict[str, Any]:
    """The fields that can be read: time (naive ISO), offset, lon, lat, make, model, software, orientation."""
    details, gps = _ifd(tags, EXIF_IFD), _ifd(tags, GPS_IFD)
    found = {
        "time": time_of(details.get(DATE_TIME_ORIGINAL) or _tag(tags, DATE_TIME)),
        "offset": offset_of(details.get(OFFSET_TIME_ORIGINAL)),
        "lon": degrees(gps.get(LON), gps.get(LON_REF), "W", 180),
        "lat": degrees(gps.get(LAT), gps.get(LAT_REF), "S", 90),
        "make": words(_tag(tags, MAKE)),
        "model": words(_tag(tags, MODEL)),
        "software": words(_tag(tags, SOFTWARE)),
        "orientation": orientation(_tag(tags, ORIENTATION)),
    }
    if found["lon"] is None or found["lat"] is None or (found["lon"], found["lat"]) == (0.0, 0.0):
        found["lon"] = found["lat"] = None
    return {name: value for name, value in found.items() if value is not None}


def _tag(tags: Tags, tag: int) -> Any:
    try:
        return tags.get(tag)
    except BROKEN:
        return None


def _ifd(tags: Tags, tag: int) -> dict[int, Any]:
    try:
        return dict(tags.get_ifd(tag))
    except BROKEN:
        return {}


def words(value: Any) -> str | None:
    """Text without control or direction characters, at most 100."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        return None
    kept = "".join(c for c in value if unicodedata.category(c)[0] != "C" or c == " ").strip()
    return kept[:MAX_TEXT] or None


def time_of(value: Any) -> str | None:
    """`2026:11:22 08:00:00` as naive ISO; zeros and nonsense are nothing."""
    text = words(value)
    if text is None:
        return None
    try:
        read = datetime.strptime(text[:19], "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007 - a camera knows no zone
    except ValueError:
        return None
    # The ends of the calendar overflow the first sum made with them.
    return read.isoformat() if FIRST_YEAR <= read.year <= LAST_YEAR else None


def offset_of(value: Any) -> str | None:
    """`+08:00`, when it is one."""
    text = words(value)
    try:
        return text if text and datetime.strptime(text, "%z").utcoffset() is not None else None
    except ValueError:
        return None


def degrees(parts: Any, ref: Any, negative: str, most: float) -> float | None:
    """Degrees, minutes, seconds as signed degrees; 0/0 rationals and other nonsense are nothing."""
    try:
        d, m, s = (float(part) for part in parts)
        value = d + m / 60 + s / 3600
    except BROKEN:
        return None
    if not math.isfinite(value) or not 0 <= value <= most:
        return None
    return -value if (words(ref) or "").upper().startswith(negative) else value


def orientation(value: Any) -> int | None:
    """1…8; anything else, such as 9, is nothing."""
    return value if isinstance(value, int) and 1 <= value <= 8 else None
