"""What a position's request says on its short way: who sends, which fixes, how it wants to be answered.

Whatever is not as usual raises Elsewhere, and Flask judges and answers it.
"""

import base64
import binascii
import io
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import msgspec

from api import pings
from api.protocols import intake, overland, owntracks, traccar
from geo.taking import Taken

Environ = dict[str, Any]

MOST_BYTES = 4 * 1024 * 1024  # as Flask's MAX_CONTENT_LENGTH
MOST_FORM_BYTES = 64 * 1024
# What an app may leave out and only the database can tell; such a message takes the long way.
UNKNOWN_TIME = datetime.min.replace(tzinfo=UTC)
# Which kind of secret it carries.
TOKEN, TRACKER = b"d", b"t"


class Elsewhere(Exception):
    """Not the usual case: Flask answers."""


class Given(NamedTuple):
    """A request that was understood."""

    kind: bytes
    secret: str
    read: intake.Read
    answer: Callable[[Taken, list[int]], tuple[str, bytes]]
    named: str | None = None
    must_be: str | None = None  # the device id HTTP Basic gives as the user
    news: bool = False


def body_of(environ: Environ) -> bytes:
    """The body, put back so that Flask may read it too. Raises Elsewhere for one without a sane length."""
    length = environ.get("CONTENT_LENGTH") or ""
    if not length and environ["REQUEST_METHOD"] == "GET" and "HTTP_TRANSFER_ENCODING" not in environ:
        return b""
    if not (length.isascii() and length.isdigit()) or int(length) > MOST_BYTES:
        raise Elsewhere
    body: bytes = environ["wsgi.input"].read(int(length))
    environ["wsgi.input"] = io.BytesIO(body)
    if len(body) != int(length) or "HTTP_IDEMPOTENCY_KEY" in environ:
        raise Elsewhere
    return body


def _authorization(environ: Environ, scheme: str) -> str:
    kind, _, value = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if kind.lower() != scheme or not value.strip():
        raise Elsewhere
    return str(value.strip())


def _fields(text: str) -> dict[str, str]:
    """The fields of a query or form, the first of each name. Raises Elsewhere for what is not plain ASCII."""
    if not text.isascii():
        raise Elsewhere
    fields: dict[str, str] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        fields.setdefault(name, value)
    return fields


def _mimetype(environ: Environ) -> str:
    return str(environ.get("CONTENT_TYPE") or "").partition(";")[0].strip().lower()


def understand_positions(environ: Environ, body: bytes) -> Given:
    """Our own phone page."""
    secret = _authorization(environ, "bearer")
    read, wrong = pings.read_batch(body)
    if wrong and not read.fixes:
        raise Elsewhere

    def answer(taken: Taken, offers: list[int]) -> tuple[str, bytes]:
        return JSON, msgspec.json.encode(pings.said(taken, offers, wrong, taken.at))

    return Given(TOKEN, secret, read, answer, news=True)


def understand_gpx(environ: Environ, body: bytes) -> Given:
    """A recorded file: always Flask's, but counted and sent away here as the others are."""
    raise Elsewhere


def understand_owntracks(environ: Environ, body: bytes) -> Given:
    """One message, HTTP Basic."""
    if not body:
        raise Elsewhere
    try:
        plain = base64.b64decode(_authorization(environ, "basic"), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Elsewhere from error
    name, _, secret = plain.partition(":")
    named = environ.get("HTTP_X_LIMIT_D") or _fields(environ.get("QUERY_STRING", "")).get("d")
    read = owntracks.read(body)
    return Given(TOKEN, secret, read, lambda taken, offers: (JSON, b"[]\n"), named, must_be=name.strip())


def understand_overland(environ: Environ, body: bytes) -> Given:
    """A batch of GeoJSON points, a bearer token."""
    secret = _authorization(environ, "bearer")
    read, named = overland.read(body)
    return Given(TOKEN, secret, read, lambda taken, offers: (JSON, b'{"result":"ok"}\n'), named)


def understand_traccar(environ: Environ, body: bytes) -> Given:
    """Query, form, JSON or a JSON array."""
    if environ["REQUEST_METHOD"] == "POST" and _mimetype(environ) == "application/json":
        found = intake.decode(body)
        items = found if isinstance(found, list) else [found]
        tracker_id = traccar.json_id(items)
    else:
        fields = _form(environ, body) if body else {}
        fields |= _fields(environ.get("QUERY_STRING", ""))
        items, tracker_id = [fields], traccar.id_of(fields)
    read = intake.read_each(items, lambda item: traccar.json_fix(item, UNKNOWN_TIME))
    if any(fix.fixed_at is UNKNOWN_TIME for fix in read.fixes):
        raise Elsewhere
    return Given(TRACKER, tracker_id, read, lambda taken, offers: ("text/plain; charset=utf-8", b""))


def _form(environ: Environ, body: bytes) -> dict[str, str]:
    if environ["REQUEST_METHOD"] != "POST" or _mimetype(environ) != "application/x-www-form-urlencoded":
        raise Elsewhere
    if len(body) > MOST_FORM_BYTES or not body.isascii():
        raise Elsewhere
    return _fields(body.decode())


JSON = "application/json"
# Whose app throws away what is answered 4xx: OwnTracks on iOS deletes the message and shows an alarm, and keeps it at 5xx.
LOST_AT_4XX = frozenset({"owntracks.owntracks"})
Understand = Callable[[Environ, bytes], Given]
Way = tuple[str, Understand]
WAYS: Mapping[tuple[str, str], Way] = {
    ("POST", "/api/v1/positions"): ("pings.positions", understand_positions),
    ("POST", "/api/v1/positions.gpx"): ("pings.positions_gpx", understand_gpx),
    ("POST", "/api/v1/ingest/owntracks"): ("owntracks.owntracks", understand_owntracks),
    ("POST", "/api/v1/ingest/overland"): ("overland.overland", understand_overland),
    ("POST", "/api/v1/ingest/traccar"): ("traccar.traccar", understand_traccar),
    ("GET", "/api/v1/ingest/traccar"): ("traccar.traccar_by_query", understand_traccar),
}
