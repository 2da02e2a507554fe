"""A decoded batch as arrays, without touching its fixes one by one.

Taking ten fields out of each of a hundred structs costs more than decoding them did. msgspec writes all of them out as
msgpack in one call; where every fix is written in the same shape, the bytes are a table of rows of one width, and NumPy
reads its columns where they lie. The shape is that of the first fix, and every byte that tells a value's kind is compared.
Format: https://github.com/msgpack/msgpack/blob/master/spec.md.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from geo.columns import BOUNDS, Floats, Whole

# By a value's first byte: how many bytes it takes with it. A time of whole seconds, one of nanoseconds and seconds, a
# double, nothing, whole numbers of 1, 2, 4 and 8 bytes, a word of five letters. What is not named here has no place.
SIZES = {0xD6: 6, 0xD7: 10, 0xCB: 9, 0xC0: 1, 0xCC: 2, 0xCD: 3, 0xCE: 5, 0xCF: 9, 0xA5: 6}
WHOLE = {0xCC: ">u1", 0xCD: ">u2", 0xCE: ">u4", 0xCF: ">u8"}
NOTHING, SMALL, TEXT = 0xC0, 0x00, 0xA5
SMALLER_THAN = 0x80  # a whole number that is its own first byte
FIRST_YEAR_US = 946_684_800_000_000  # from 1970 to 2000
SECONDS_BITS = 34
WGS84 = b"wgs84"

encode = msgspec.msgpack.Encoder().encode


class Shape(NamedTuple):
    """Rows of one width: the places of their values, and of the bytes that must be as in the first."""

    row: "np.dtype[np.void]"
    alike: NDArray[np.intp]
    nothing: frozenset[str]


@lru_cache(256)
def _shape(names: tuple[str, ...], kinds: tuple[int, ...]) -> Shape:
    formats: list[str] = []
    offsets: list[int] = []
    alike: list[int] = []
    told: list[str] = []
    spot = 1
    for name, kind in zip(names, kinds, strict=True):
        spot += 1 + len(name)
        size = SIZES.get(kind, 1)
        # A time's second byte says that it is one; of a word each letter counts.
        alike += range(spot, spot + {0xD6: 2, 0xD7: 2, TEXT: size, SMALL: 0}.get(kind, 1))
        if kind not in (NOTHING, TEXT):
            told.append(name)
            head = {0xD6: 2, 0xD7: 2, SMALL: 0}.get(kind, 1)
            offsets.append(spot + head)
            formats.append({0xD6: ">u4", 0xD7: ">u8", 0xCB: ">f8", SMALL: "u1", **WHOLE}[kind])
        spot += size
    row = np.dtype({"names": told, "formats": formats, "offsets": offsets, "itemsize": spot})
    return Shape(row, np.array(alike), frozenset(names) - set(told))


def _kinds(names: Sequence[str], body: bytes, spot: int) -> tuple[int, ...] | None:
    """The kinds of the values of the first row, which begins at `spot`; None for one that has no place in a table."""
    kinds = []
    spot += 1
    for name in names:
        spot += 1 + len(name)
        kind = body[spot]
        if kind < SMALLER_THAN:
            kind = SMALL
        elif kind not in SIZES:
            return None
        kinds.append(kind)
        spot += SIZES.get(kind, 1)
    return tuple(kinds) if body[spot - 6 : spot] == b"\xa5" + WGS84 else None


def laid_out(items: Sequence[Any], names: tuple[str, ...]) -> tuple[Whole, Floats, Whole] | None:
    """Times in microseconds since 2000 UTC, readings in the order of BOUNDS, numbers, as `Columns` holds them.

    `names` are the fields of the items' struct: `at`, the readings, `seq`, `datum`. None when the fixes are not all of one
    shape (a reading that only some have, numbers of different size) or not all WGS-84: that says nothing.
    """
    try:
        body = encode(items)
    except OverflowError:
        return None
    head = 1 if len(items) < 16 else 3
    kinds = _kinds(names, body, head)
    if kinds is None:
        return None
    shape = _shape(names, kinds)
    width = shape.row.itemsize
    if len(body) != head + width * len(items):
        return None
    every = np.frombuffer(body, np.uint8, offset=head).reshape(len(items), width).take(shape.alike, axis=1)
    if (every != every[0]).any():
        return None
    rows = np.frombuffer(body, shape.row, offset=head)
    seq = np.full(len(rows), -1, dtype=np.int64) if "seq" in shape.nothing else rows["seq"].astype(np.int64)
    # An own first byte may be another kind's; and a number beyond those of PostgreSQL turns around.
    if kinds[names.index("seq")] == SMALL and seq.max() >= SMALLER_THAN:
        return None
    if kinds[names.index("seq")] == 0xCF and seq.min() < 0:
        return None
    table = np.empty((len(BOUNDS), len(rows)))
    for number, (name, _, _) in enumerate(BOUNDS):
        table[number] = np.nan if name in shape.nothing else rows[name]
    return _microseconds(rows["at"]), table, seq


def _microseconds(at: NDArray[Any]) -> Whole:
    if at.dtype.itemsize == 4:
        return at.astype(np.int64) * 1_000_000 - FIRST_YEAR_US
    told = at.astype(np.uint64)
    seconds = (told & np.uint64((1 << SECONDS_BITS) - 1)).astype(np.int64)
    nanoseconds = (told >> np.uint64(SECONDS_BITS)).astype(np.int64)
    return seconds * 1_000_000 + nanoseconds // 1000 - FIRST_YEAR_US
