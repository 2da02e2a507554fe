"""The bytes of the live stream: rows, moves of a cell, events. Encoded once, shared by every viewer they concern."""

import base64
import math
import struct
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec

# A cell is a square of degrees: a city's view is a handful of them, and a move costs one encoding a cell.
CELL_DEG = 0.25
# A view of more cells than this is a view of everything.
MOST_CELLS = 400
STEPS = 65535

# number (24 bits), x and y within the cell, age, accuracy, heading, speed: eleven bytes, where a card takes six hundred.
MOVE = struct.Struct("<HBHHBBBB")

Box = tuple[float, float, float, float]
Cell = tuple[int, int]

# The columns of a surveyor's row; `n` is the number that moves name him by, good for this stream process only.
COLUMNS = (
    "n", "id", "name", "org_id", "state", "on_duty", "open_jobs", "max_open", "skills", "freshness",
    "lon", "lat", "fixed_at", "received_at", "accuracy_m", "speed_mps", "heading_deg", "battery", "source",
)  # fmt: skip

encode = msgspec.json.encode
decode = msgspec.json.decode


def cell_of(lon: float, lat: float) -> Cell:
    """The cell a place lies in, WGS-84 degrees."""
    return math.floor(lon / CELL_DEG), math.floor(lat / CELL_DEG)


def cells_of(box: Box) -> frozenset[Cell] | None:
    """The cells a view touches; None when it is so wide that it is everything."""
    west, south, east, north = box
    (x0, y0), (x1, y1) = cell_of(west, south), cell_of(east, north)
    if x1 < x0 or y1 < y0 or (x1 - x0 + 1) * (y1 - y0 + 1) > MOST_CELLS:
        return None
    return frozenset((x, y) for x in range(x0, x1 + 1) for y in range(y0, y1 + 1))


def read_box(text: str) -> Box | None:
    """The `west,south,east,north` of a query, or None when absent or unreadable."""
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        return None
    fair = all(math.isfinite(x) for x in (west, south, east, north)) and west <= east and south <= north
    return (west, south, east, north) if fair else None


def row(number: int, card: dict[str, Any]) -> bytes:
    """A surveyor's whole card as a row of COLUMNS, JSON."""
    place = card["position"] or {}
    values = [
        number, card["id"], card["name"], card["org_id"], card["state"], card["on_duty"], card["open_jobs"],
        card["max_open"], card["skills"], card["freshness"], *(place.get(name) for name in COLUMNS[10:]),
    ]  # fmt: skip
    return encode(values)


def instant(text: str | None) -> float:
    """Seconds since 1970 of an RFC 3339 time; 0 when there is none."""
    return datetime.fromisoformat(text).timestamp() if text else 0.0


def age_byte(age_s: float) -> int:
    """Seconds up to 127, then steps of 32 s up to an hour: what freshness needs and no more."""
    whole = max(0, int(age_s))
    return whole if whole < 128 else min(255, 128 + (whole - 128) // 32)


def move(number: int, cell: Cell, place: dict[str, Any], now_s: float) -> bytes:
    """A move as eleven bytes. Age by the older of the phone's clock and ours; unknown accuracy, heading, speed are 255."""
    x = round((place["lon"] / CELL_DEG - cell[0]) * STEPS)
    y = round((place["lat"] / CELL_DEG - cell[1]) * STEPS)
    seen = min(instant(place["fixed_at"]), instant(place.get("received_at") or place["fixed_at"]))
    accuracy, speed, heading = place.get("accuracy_m"), place.get("speed_mps"), place.get("heading_deg")
    return MOVE.pack(
        number & 0xFFFF,
        number >> 16 & 0xFF,
        min(STEPS, max(0, x)),
        min(STEPS, max(0, y)),
        age_byte(now_s - seen),
        255 if accuracy is None else min(254, round(accuracy)),
        255 if heading is None else int(heading % 360 / 2),
        255 if speed is None else min(254, round(speed * 2)),
    )


def fragment(cell: Cell, moves: Iterable[bytes]) -> bytes:
    """The moves of a cell as an element of `cells`: `[x, y, base64]`."""
    return b'[%d,%d,"%s"]' % (cell[0], cell[1], base64.b64encode(b"".join(moves)))


def event(name: str, data: bytes, ident: str | None = None) -> bytes:
    """One server-sent event; `data` is JSON without line breaks."""
    head = f"id: {ident}\n" if ident else ""
    return f"{head}event: {name}\ndata: ".encode() + data + b"\n\n"


def batch(now_s: float, cells: Iterable[bytes], rows: Iterable[bytes], ident: str | None = None) -> bytes:
    """The one event of a second: moves by cell, and whole rows of those of whom more changed than the place."""
    data = b'{"t":%d,"cells":[%s],"rows":[%s]}' % (now_s * 1000, b",".join(cells), b",".join(rows))
    return event("surveyors", data, ident)


def view(now_s: float, box: Box, cells: Iterable[bytes]) -> bytes:
    """The answer to a viewer who turned elsewhere: everybody in the cells that are new to him."""
    data = b'{"t":%d,"box":%s,"cells":[%s]}' % (now_s * 1000, encode(box), b",".join(cells))
    return event("view", data)


def stamp() -> str:
    """Now, RFC 3339 in UTC."""
    return datetime.now(UTC).isoformat()
