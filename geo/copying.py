"""Rows of history in PostgreSQL's binary COPY format: nothing is written as text and read again.

Format: https://www.postgresql.org/docs/current/sql-copy.html, «Binary Format». Times are microseconds since 2000 UTC.
"""

import struct
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from operator import itemgetter

from geo.fix import Fix

COLUMNS = (
    "surveyor_id", "device_id", "fixed_at", "received_at", "lon", "lat", "source", "accuracy_m", "speed_mps",
    "heading_deg", "altitude_m", "battery", "seq", "phone_at",
)  # fmt: skip
HEAD = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
TAIL = struct.pack(">h", -1)
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
DAY_US = 86_400_000_000
MICROSECOND = timedelta(microseconds=1)
FIRST_DAY = EPOCH.date()

# The seven optional columns at the end, each with its type's letter; where it is missing, its size of -1 says NULL.
OPTIONAL = "ffffhqq"
FIXED = 15  # how many values come before them


def microseconds(at: datetime) -> int:
    """An aware time as PostgreSQL stores it: whole microseconds since 2000-01-01 UTC."""
    return (at - EPOCH) // MICROSECOND


def day_of(at: datetime) -> date:
    """The UTC day whose table a fix belongs to."""
    return FIRST_DAY + timedelta(days=microseconds(at) // DAY_US)


Pick = Callable[[tuple[object, ...]], tuple[object, ...]]


@cache
def _shape(missing: int, word: int) -> tuple[Callable[..., bytes], Pick]:
    """How a row is packed whose missing optional columns are the set bits and whose `source` has so many bytes."""
    kinds, picked = "", list(range(FIXED))
    for number, kind in enumerate(OPTIONAL):
        gone = missing >> number & 1
        kinds += "i" if gone else f"i{kind}"
        at = FIXED + 2 * number
        picked += [FIXED + 2 * len(OPTIONAL)] if gone else [at, at + 1]
    return struct.Struct(f">hiqiqiqiqididi{word}s{kinds}").pack, itemgetter(*picked)


@cache
def _source(word: str) -> bytes:
    return word.encode()


# A row whose optional columns are all there but altitude and `phone_at`, as nearly every phone sends it: packed in one
# call, where `_shape` builds two tuples first.
USUAL = struct.Struct(">hiqiqiqiqididi5sifififiihiqi").pack


def row(surveyor_id: int, device_id: int, fix: Fix, fixed_us: int, received_us: int) -> bytes:
    """One fix as a tuple of COPY. Raises struct.error for what no column could hold."""
    accuracy, speed, heading = fix.accuracy_m, fix.speed_mps, fix.heading_deg
    altitude, battery, seq, phone_at = fix.altitude_m, fix.battery, fix.seq, fix.phone_at
    if (
        altitude is None
        and phone_at is None
        and fix.source == "phone"
        and None not in (accuracy, speed, heading, battery, seq)
    ):
        return USUAL(
            14, 8, surveyor_id, 8, device_id, 8, fixed_us, 8, received_us, 8, fix.lon, 8, fix.lat, 5, b"phone",
            4, accuracy, 4, speed, 4, heading, -1, 2, battery, 8, seq, -1,
        )  # fmt: skip
    source = _source(fix.source)
    missing = (
        (accuracy is None)
        | (speed is None) << 1
        | (heading is None) << 2
        | (altitude is None) << 3
        | (battery is None) << 4
        | (seq is None) << 5
        | (phone_at is None) << 6
    )
    phone_us = None if phone_at is None else microseconds(phone_at)
    word = len(source)
    pack, pick = _shape(missing, word)
    values = (
        14, 8, surveyor_id, 8, device_id, 8, fixed_us, 8, received_us, 8, fix.lon, 8, fix.lat, word, source,
        4, accuracy, 4, speed, 4, heading, 4, altitude, 2, battery, 8, seq, 8, phone_us, -1,
    )  # fmt: skip
    return pack(*pick(values))


def by_day(rows: Iterable[tuple[int, int, Fix]], received_at: datetime) -> dict[date, bytes]:
    """The COPY bodies of (surveyor, device, fix), one for each UTC day the fixes lie in.

    Rows keep their order: sorted by surveyor the index takes them a third faster.
    """
    received_us = microseconds(received_at)
    days: dict[int, list[bytes]] = {}
    for surveyor_id, device_id, fix in rows:
        fixed_us = microseconds(fix.fixed_at)
        day = fixed_us // DAY_US
        packed = row(surveyor_id, device_id, fix, fixed_us, received_us)
        if day in days:
            days[day].append(packed)
        else:
            days[day] = [packed]
    return {FIRST_DAY + timedelta(days=day): _whole(packed) for day, packed in sorted(days.items())}


def _whole(packed: Sequence[bytes]) -> bytes:
    return HEAD + b"".join(packed) + TAIL
