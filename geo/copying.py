"""Rows of history in PostgreSQL's binary COPY format: nothing is written as text and read again.

Format: https://www.postgresql.org/docs/current/sql-copy.html, «Binary Format». Times are microseconds since 2000 UTC.
"""

import struct
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo.columns import EPOCH, Columns, microseconds
from geo.fix import Fix

COLUMNS = (
    "surveyor_id", "device_id", "fixed_at", "received_at", "lon", "lat", "source", "accuracy_m", "speed_mps",
    "heading_deg", "altitude_m", "battery", "seq", "phone_at",
)  # fmt: skip
HEAD = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
TAIL = struct.pack(">h", -1)
DAY_US = 86_400_000_000
FIRST_DAY = EPOCH.date()

# The seven optional columns at the end, each with its type's letter; where it is missing, its size of -1 says NULL.
OPTIONAL = "ffffhqq"
FIXED = 15  # how many values come before them


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


Stretch = tuple[int, int, Sequence[Fix]]  # surveyor, device, fixes


def by_day(stretches: Sequence[Stretch], received_at: datetime) -> dict[date, bytes]:
    """The COPY bodies of stretches, one for each UTC day the fixes lie in.

    Stretches keep their order, but for columns, which go first: sorted by surveyor the index takes rows a third faster.
    """
    received_us = microseconds(received_at)
    days: dict[int, list[bytes]] = {}
    columns = [(who, device, fixes) for who, device, fixes in stretches if type(fixes) is Columns]
    for day, packed in _packed(columns, received_us) if columns else ():
        days.setdefault(day, []).append(packed)
    for surveyor_id, device_id, fixes in stretches:
        if type(fixes) is Columns:
            continue
        for fix in fixes:
            fixed_us = microseconds(fix.fixed_at)
            day = fixed_us // DAY_US
            packed = row(surveyor_id, device_id, fix, fixed_us, received_us)
            if day in days:
                days[day].append(packed)
            else:
                days[day] = [packed]
    return {FIRST_DAY + timedelta(days=day): _whole(packed) for day, packed in sorted(days.items())}


class Layout(NamedTuple):
    """Rows of one width: the tuple of COPY with its sizes filled in, and which bytes an optional column takes."""

    kind: np.dtype[np.void]
    blank: NDArray[np.void]
    taken: dict[str, slice]


# The optional columns in order: where `Columns.table` holds them, and their type.
TABLED = (("accuracy_m", 2, ">f4"), ("speed_mps", 3, ">f4"), ("heading_deg", 4, ">f4"), ("altitude_m", 5, ">f4"),
          ("battery", 6, ">i2"), ("seq", -1, ">i8"))  # fmt: skip


@cache
def _layout(gone: frozenset[str]) -> Layout:
    """How rows are laid out when the columns in `gone` are missing from every one of them."""
    told = [(name, kind) for name, _, kind in TABLED if name not in gone]
    eights = [(name, ">i8") for name in ("surveyor_id", "device_id", "fixed_at", "received_at")]
    values = dict([*eights, ("lon", ">f8"), ("lat", ">f8"), ("source", "S5"), *told])
    fields: list[tuple[str, str]] = [("columns", ">i2")]
    for name in COLUMNS:
        fields += [(f"{name} size", ">i4"), *([(name, values[name])] if name in values else [])]
    kind = np.dtype(fields)
    blank = np.zeros(1, kind)
    blank["columns"], blank["source"] = len(COLUMNS), b"phone"
    taken = {}
    for name in COLUMNS:
        size = kind[name].itemsize if name in values else -1
        blank[f"{name} size"] = size
        if name in values:
            start: int = kind.fields[name][1]  # type: ignore[index]
            taken[name] = slice(start, start + size)
    return Layout(kind, blank, taken)


def _packed(stretches: Sequence[tuple[int, int, Columns]], received_us: int) -> Iterator[tuple[int, bytes]]:
    """The rows of columns, by day; as `row` packs each."""
    sizes = [len(columns) for _, _, columns in stretches]
    us = np.concatenate([columns.us for _, _, columns in stretches])
    table = np.concatenate([columns.table for _, _, columns in stretches], axis=1)
    seq = np.concatenate([columns.seq for _, _, columns in stretches])
    missing = {name: seq < 0 if name == "seq" else np.isnan(table[at]) for name, at, _ in TABLED}
    layout = _layout(frozenset(name for name, none in missing.items() if none.all()))
    rows = np.repeat(layout.blank, len(us))
    rows["surveyor_id"] = np.repeat(np.array([who for who, _, _ in stretches], dtype=np.int64), sizes)
    rows["device_id"] = np.repeat(np.array([device for _, device, _ in stretches], dtype=np.int64), sizes)
    rows["fixed_at"], rows["received_at"] = us, received_us
    rows["lon"], rows["lat"] = table[0], table[1]
    bytes_of = rows.view(np.uint8).reshape(len(us), layout.kind.itemsize)
    kept = None
    for name, at, _ in TABLED:
        if name not in layout.taken:
            continue
        values: NDArray[Any] = seq if name == "seq" else table[at]
        none = missing[name]
        if none.any():
            # NULL is a size of -1 and no bytes after it.
            values = np.where(none, 0, values)
            rows[f"{name} size"][none] = -1
            kept = np.ones(bytes_of.shape, dtype=bool) if kept is None else kept
            kept[none, layout.taken[name]] = False
        rows[name] = values
    day = us // DAY_US
    for number in np.unique(day).tolist():
        of_day = day == number
        part = bytes_of[of_day]
        yield number, (part if kept is None else part[kept[of_day]]).tobytes()


def _whole(packed: Sequence[bytes]) -> bytes:
    return HEAD + b"".join(packed) + TAIL
