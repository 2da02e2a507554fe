"""GPX 1.1 tracks in and out: `<trkpt lat lon><ele/><time/></trkpt>` and nothing else of the format."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from xml.parsers import expat
from xml.sax.saxutils import escape

from geo import reading
from geo.errors import BadGpx
from geo.fix import Fix
from geo.reading import Malformed

# A silence this long begins a new segment: a viewer must not draw a line through it.
NEW_SEGMENT = timedelta(minutes=5)
MOST_POINTS = 10_000


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
        self.root = ""
        self.point: dict[str, str] | None = None
        self.field = ""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        tag = name.rpartition(":")[2]
        self.root = self.root or tag
        if tag == "trkpt":
            self.point = {"lat": attributes.get("lat", ""), "lon": attributes.get("lon", "")}
        self.field = tag if self.point is not None and tag in ("time", "ele") else ""

    def text(self, data: str) -> None:
        if self.point is not None and self.field:
            self.point[self.field] = (self.point.get(self.field, "") + data)[:64]

    def end(self, name: str) -> None:
        self.field = ""
        if name.rpartition(":")[2] != "trkpt" or self.point is None:
            return
        point, self.point = self.point, None
        if len(self.fixes) + self.unread.total() >= MOST_POINTS:
            raise BadGpx(f"a file has at most {MOST_POINTS} points")
        try:
            lon, lat = reading.place(point["lon"], point["lat"])
            at = reading.instant(point.get("time"), path="time")
        except Malformed as error:
            self.unread[error.reason] += 1
            return
        self.fixes.append(reading.fix(at, lon, lat, source="gpx", altitude_m=point.get("ele")))

    def refuse(self, *_: object) -> None:
        raise BadGpx("a GPX file has no document type")


def read(body: bytes) -> tuple[list[Fix], Counter[str]]:
    """The points of a GPX file that can be read, and how many cannot, by reason. Raises BadGpx."""
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = reader.refuse
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise BadGpx("the file is not XML") from error
    if reader.root != "gpx":
        raise BadGpx("the file is not GPX")
    return reader.fixes, reader.unread
