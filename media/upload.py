"""The rules of tus 1.0 as pure functions: headers in, values out. Nothing here touches a disk or a database."""

import base64
import hashlib
import hmac
import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from core.errors import Invalid
from media import shots
from media.errors import BadChecksum, BadUpload, ChecksumMismatch

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,creation-defer-length,expiration,checksum,termination"
ALGORITHMS = ("sha1", "sha256")
LIFE = timedelta(days=7)
MAX_METADATA_BYTES = 8 * 1024
MAX_FILENAME = 120
FIRST_YEAR, LAST_YEAR = 1970, 2100
KEY = re.compile(r"^[A-Za-z0-9_-]{32}$")
SHA256 = re.compile(r"^[0-9a-f]{64}$")
NAME = re.compile(r"^[\x21-\x2b\x2d-\x7e]{1,60}$")  # printable ASCII without space and comma


@dataclass(frozen=True)
class Declared:
    """What the phone says about the file: never trusted as a path, never as a type."""

    sha256: str
    shot: str
    filename: str
    task_id: int | None = None
    filetype: str | None = None
    taken_at: datetime | None = None
    lon: float | None = None
    lat: float | None = None
    accuracy_m: float | None = None
    seq: int | None = None
    marks: tuple[str, ...] = field(default=())

    def stored(self) -> dict[str, Any]:
        """The form kept in the upload's row."""
        return {
            "sha256": self.sha256, "shot": self.shot, "filename": self.filename, "filetype": self.filetype,
            "taken_at": self.taken_at.isoformat() if self.taken_at else None,
            "lon": self.lon, "lat": self.lat, "accuracy_m": self.accuracy_m, "seq": self.seq, "marks": list(self.marks),
        }  # fmt: skip

    @classmethod
    def of_row(cls, meta: Mapping[str, Any]) -> "Declared":
        """Reads the stored form back."""
        taken_at = datetime.fromisoformat(meta["taken_at"]) if meta.get("taken_at") else None
        given = {name: meta.get(name) for name in ("filetype", "lon", "lat", "accuracy_m", "seq")}
        return cls(
            meta["sha256"],
            meta["shot"],
            meta["filename"],
            taken_at=taken_at,
            marks=tuple(meta["marks"]),
            **given,
        )


def parse_metadata(header: str) -> dict[str, str]:
    """Decodes `Upload-Metadata`: comma-separated `name base64`. Raises BadUpload."""
    if len(header) > MAX_METADATA_BYTES:
        raise BadUpload("Upload-Metadata is too long")
    found: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in header.split(","))):
        name, _, value = pair.partition(" ")
        if not NAME.match(name) or name in found:
            raise BadUpload("Upload-Metadata names must be plain and different")
        try:
            found[name] = base64.b64decode(value.strip(), validate=True).decode()
        except ValueError as error:  # not ASCII, not base64, not UTF-8: each is a kind of ValueError
            raise BadUpload(f"Upload-Metadata {name} is not base64 of UTF-8 text") from error
    return found


def declared(meta: Mapping[str, str]) -> Declared:
    """Reads the metadata. Raises Invalid naming the field; only `sha256` is a must (and `task`, which the door checks)."""
    sha256 = meta.get("sha256", "").strip().lower()
    if not SHA256.match(sha256):
        raise Invalid.field("sha256", "the SHA-256 of the whole file in hex is a must")
    lon, lat = _number(meta, "lon", 180), _number(meta, "lat", 90)
    together = lon is not None and lat is not None and (lon, lat) != (0.0, 0.0)
    return Declared(
        sha256=sha256,
        shot=shots.known(meta.get("shot")),
        filename=clean_filename(meta.get("filename", "")),
        task_id=_whole(meta, "task"),
        filetype=(meta.get("filetype") or "")[:100].replace("\0", "") or None,
        taken_at=_time(meta, "taken_at"),
        lon=lon if together else None,
        lat=lat if together else None,
        accuracy_m=_number(meta, "accuracy", 1e7) if together else None,
        seq=_whole(meta, "seq"),
        # Picked from the gallery instead of taken with the camera: the adjuster should know.
        marks=("gallery",) if meta.get("source") == "gallery" else (),
    )


def clean_filename(given: str) -> str:
    """A name fit to show: last part of any path, no control or direction characters, at most 120. Never used on disk."""
    name = re.split(r"[/\\]", given)[-1]
    name = "".join(c for c in name if unicodedata.category(c)[0] != "C").strip(" .")
    return name[:MAX_FILENAME] or "photo"


def _number(meta: Mapping[str, str], name: str, most: float) -> float | None:
    """A finite number within ±most; what a phone writes when it does not know (NaN, -1 accuracy) is nothing."""
    try:
        value = float(meta.get(name, ""))
    except ValueError:
        return None
    return (
        value
        if math.isfinite(value) and abs(value) <= most and not (name == "accuracy" and value < 0)
        else None
    )


def _whole(meta: Mapping[str, str], name: str) -> int | None:
    value = meta.get(name, "").strip()
    if not value:
        return None
    if not (value.isascii() and value.isdigit() and len(value) <= 19 and int(value) < 2**63):
        raise Invalid.field(name, "not a whole number")
    return int(value)


def _time(meta: Mapping[str, str], name: str) -> datetime | None:
    value = meta.get(name, "").strip()
    if not value:
        return None
    try:
        read = datetime.fromisoformat(value)
        read = read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise Invalid.field(name, "not an RFC 3339 time") from error
    # A phone whose clock stands in another century says nothing about when the photo was taken.
    return read if FIRST_YEAR <= read.year <= LAST_YEAR else None


def whole_number(header: str | None, name: str) -> int | None:
    """A header that is a non-negative whole number, or None when absent. Raises BadUpload."""
    if header is None:
        return None
    value = header.strip()
    if not (value.isascii() and value.isdigit() and len(value) <= 15):
        raise BadUpload(f"{name} is not a whole number")
    return int(value)


class Checksum:
    """The `Upload-Checksum` of one request: fed with its bytes, judged at the end."""

    def __init__(self, header: str) -> None:
        algorithm, _, value = header.strip().partition(" ")
        if algorithm not in ALGORITHMS:
            raise BadChecksum(f"the checksum algorithm is one of {', '.join(ALGORITHMS)}")
        try:
            self._wanted = base64.b64decode(value.strip(), validate=True)
        except ValueError as error:
            raise BadChecksum("Upload-Checksum is not base64") from error
        self._sum = hashlib.new(algorithm, usedforsecurity=False)

    def add(self, piece: bytes) -> None:
        """Takes the next bytes in."""
        self._sum.update(piece)

    def check(self) -> None:
        """Raises ChecksumMismatch unless the bytes were the announced ones."""
        if not hmac.compare_digest(self._sum.digest(), self._wanted):
            raise ChecksumMismatch("the bytes do not match Upload-Checksum; they were thrown away")


def http_date(at: datetime) -> str:
    """An RFC 9110 date, as `Upload-Expires` wants it."""
    return at.astimezone(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
