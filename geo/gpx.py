"""GPX 1.1 tracks in and out: `<trkpt lat lon><ele/><time/></trkpt>` and nothing else of the format."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol
from xml.parsers import expat
from xml.sax.saxutils import escape

from geo import reading
from geo.errors import BadGpx
from geo.fix import Fix
from geo.reading import Malformed

# A silence this long begins a new segment: a viewer must not draw a line through it.
NEW_SEGMENT = timedelta(minutes=5)
# A watch records a point a second: a shift of twelve hours has 43,200.
MOST_POINTS = 100_000
MOST_ERRORS = 100


class Source(Protocol):
    """A file being read: bytes as they come."""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes, none at the end."""


class Recorded(NamedTuple):
    """The points that can be read, how many cannot, by reason, and what is wrong with the first of those, by field."""

    fixes: list[Fix]
    unread: Counter[str]
    errors: list[dict[str, str]]


def write(name: str, fixes: Sequence[Fix]) -> str:
    """A GPX file of one track, WGS-84, times in UTC."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<gpx version="1.1" creator="Chakan" xmlns="http://www.topografix.com/GPX/1/1">',
        f"<trk><name>{escape(name)}</name><trkseg>",
    ]
    before: datetime | None = None
    for fix in fixes:
        if before is not None and fix.fixed_at - before > NEW_SEGMENT:
            lines.append("</trkseg><trkseg>")
        before = fix.fixed_at
        height = "" if fix.altitude_m is None else f"<ele>{fix.altitude_m:.1f}</ele>"
        time = fix.fixed_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        lines.append(f'<trkpt lat="{fix.lat:.7f}" lon="{fix.lon:.7f}">{height}<time>{time}</time></trkpt>')
    lines.append("</trkseg></trk></gpx>\n")
    return "\n".join(lines)


class _Reader:
    """Collects track points; refuses document types, so no entity is ever expanded."""

    def __init__(self) -> None:
        self.fixes: list[Fix] = []
        self.unread: Counter[str] = Counter()
        self.errors: list[dict[str, str]] = []
        self.root = ""
        self.point: dict[str, str] | None = None
        self.depth = 0
        self.field = ""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        tag = name.rpartition(":")[2]
        self.root = self.root or tag
        if tag == "trkpt":
            self.point, self.depth = (
                {name: attributes[name] for name in ("lat", "lon") if name in attributes},
                0,
            )
        elif self.point is not None:
            # A sensor's extension may hold a height or a time of its own.
            self.depth += 1
            self.field = tag if self.depth == 1 and tag in ("time", "ele") else ""

    def text(self, data: str) -> None:
        if self.point is not None and self.field:
            self.point[self.field] = (self.point.get(self.field, "") + data)[:64]

    def end(self, name: str) -> None:
        self.field = ""
        if self.point is None:
            return
        if name.rpartition(":")[2] != "trkpt":
            self.depth -= 1
            return
        point, self.point = self.point, None
        number = len(self.fixes) + self.unread.total()
        if number >= MOST_POINTS:
            raise BadGpx(f"a file has at most {MOST_POINTS} points", most=MOST_POINTS)
        try:
            self.fixes.append(_fix(point))
        except Malformed as error:
            self.unread[error.reason] += 1
            if len(self.errors) < MOST_ERRORS:
                self.errors.append({"path": f"trkpt[{number}].{error.path}", "message": error.message})

    def refuse(self, *_: object) -> None:
        raise BadGpx("a GPX file has no document type")


def _fix(point: dict[str, str]) -> Fix:
    """The fix of a point. Raises Malformed naming the field."""
    for field in ("lon", "lat", "time"):
        if not point.get(field, "").strip():
            raise Malformed(field, "missing")
    lon, lat = reading.place(point["lon"], point["lat"])
    at = reading.instant(point["time"], path="time")
    return reading.fix(at, lon, lat, source="gpx", altitude_m=point.get("ele"))


def read(source: bytes | Source) -> Recorded:
    """The points of a GPX file. Raises BadGpx, also for one without any track point."""
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = reader.refuse
    try:
        if isinstance(source, bytes):
            parser.Parse(source, True)
        else:
            parser.ParseFile(source)
    except expat.ExpatError as error:
        raise BadGpx(
            f"the file is not XML: line {error.lineno}, column {error.offset}", line=error.lineno
        ) from error
    except (ValueError, LookupError) as error:
        raise BadGpx("the file is not XML in an encoding that is known") from error
    if reader.root != "gpx":
        raise BadGpx("the file is not GPX", errors=[{"path": "gpx", "message": "missing"}])
    if not reader.fixes and not reader.unread:
        raise BadGpx("the file holds no track points", errors=[{"path": "trkpt", "message": "missing"}])
    return Recorded(reader.fixes, reader.unread, reader.errors)
