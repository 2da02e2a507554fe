"""Positions in: a phone's own batches. Committed before the answer; the answer carries the news."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from flask import g, request
from flask.typing import ResponseReturnValue
from pydantic import BaseModel

from api import present
from api.door import Door, roles
from api.dots import show_dot
from api.laid_out import laid_out
from api.phones import note_app
from api.protocols import intake
from core import clock
from core.errors import ChakanError, Denied
from dispatch import delivery_queries
from geo import datum, gpx, reading, service
from geo.columns import LEAST_FIXES, Columns
from geo.datum import Datum
from geo.errors import BadPlace
from geo.fix import Fix
from geo.reading import Malformed
from geo.taking import Taken

bp = Door("pings", tag="Positions")

MOST_FIXES = 1000
# A point with a watch's extensions has some three hundred bytes; the file is read as it comes, never held as a whole.
MOST_GPX_BYTES = 64 * 1024 * 1024
GPX_CHUNK = 2000

FieldError = dict[str, str]


class FixIn(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A fix as a phone sends it. Without the collector's book-keeping: a batch makes a thousand and none holds another."""

    at: Annotated[datetime, msgspec.Meta(tz=True)]
    lon: float
    lat: float
    accuracy_m: float | None = None
    speed_mps: float | None = None
    heading_deg: float | None = None
    altitude_m: float | None = None
    battery: float | None = None
    seq: int | None = None
    datum: str = "wgs84"


class Envelope(msgspec.Struct):
    """A batch whose items are looked at one by one: one bad fix must not cost the others."""

    fixes: list[msgspec.Raw]


class Whole(msgspec.Struct):
    """A batch in which every fix is what it should be: nearly all are, and are read in one go."""

    fixes: list[FixIn]


class NotJson(ChakanError):
    code, kind = "malformed", "malformed"


class BadBatch(ChakanError):
    """None of the fixes can be read."""

    code, kind = "invalid", "invalid"


class TooManyFixes(ChakanError):
    code, kind = "too_many_fixes", "too_large"


class FixDoc(BaseModel):
    """A fix. `at` is the phone's clock, RFC 3339; the place is WGS-84 unless `datum` says otherwise."""

    at: datetime
    lon: float
    lat: float
    accuracy_m: float | None = None
    speed_mps: float | None = None
    heading_deg: float | None = None
    altitude_m: float | None = None
    battery: float | None = None
    seq: int | None = None
    datum: Datum = "wgs84"


class TakenDoc(BaseModel):
    """What became of the batch: `kept` + the sum of `refused` is its size.

    `track_only` counts, among the kept, what may not move the dot. `offers` wait for this surveyor's answer.
    """

    kept: int
    refused: dict[str, int]
    track_only: dict[str, int]
    offers: list[str]
    errors: list[dict[str, str]]
    server_time: datetime


BATCH = {
    "type": "object",
    "required": ["fixes"],
    "properties": {"fixes": {"type": "array", "maxItems": MOST_FIXES, "items": FixDoc.model_json_schema()}},
}
BODY = {"content": {"application/json": {"schema": BATCH}}, "required": True}
GPX_BODY = {"content": {"application/gpx+xml": {"schema": {"type": "string"}}}, "required": True}

one = msgspec.json.Decoder(FixIn)
many = msgspec.json.Decoder(Envelope)
whole = msgspec.json.Decoder(Whole)


def read_batch(body: bytes) -> tuple[intake.Read, list[FieldError]]:
    """What can be read of a body, and what is wrong with the rest. Raises NotJson, BadBatch, TooManyFixes."""
    items: Sequence[Any]
    try:
        items = whole.decode(body).fixes
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        items = _one_by_one(body)
    if len(items) > MOST_FIXES:
        raise TooManyFixes(f"at most {MOST_FIXES} fixes in a batch", most=MOST_FIXES, given=len(items))
    columns = _columns(items)
    if columns is not None:
        return intake.Read(columns), []
    fixes: list[Fix] = []
    errors: list[FieldError] = []
    unread: Counter[str] = Counter()
    for number, item in enumerate(items):
        try:
            fixes.append(_usual(item) or _fix(item))
        except Malformed as error:
            path = f"fixes[{number}].{error.path}".rstrip(".")
            errors.append({"path": path, "message": error.message})
            unread[error.reason] += 1
    return intake.Read(fixes, unread), errors


def _one_by_one(body: bytes) -> Sequence[Any]:
    """The items of a body, not yet read. Raises NotJson, BadBatch."""
    try:
        return many.decode(body).fixes
    except msgspec.ValidationError as error:
        raise BadBatch(
            "fixes: a list is needed", errors=[{"path": "fixes", "message": str(error)}]
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _lenient(body)


def _lenient(body: bytes) -> list[Any]:
    """The items of a body with NaN, Infinity or 1e400 in it, which are no JSON but come from real phones."""
    try:
        given = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NotJson("the body is not JSON") from error
    if not isinstance(given, dict) or not isinstance(given.get("fixes"), list):
        raise BadBatch("fixes: a list is needed", errors=[{"path": "fixes", "message": "a list is needed"}])
    return list(given["fixes"])


def _columns(items: Sequence[Any]) -> Columns | None:
    """The whole batch when every fix is usual; None says nothing: ask for each fix by itself."""
    if len(items) < LEAST_FIXES or type(items[0]) is not FixIn:
        return None
    found = laid_out(items, FixIn.__struct_fields__)
    if found is not None:
        return Columns.usual(*found)
    told = zip(*map(msgspec.structs.astuple, items), strict=True)
    ats, lons, lats, accuracies, speeds, headings, altitudes, batteries, seqs, datums = told
    if set(datums) != {"wgs84"}:
        return None
    return Columns.listed(ats, (lons, lats, accuracies, speeds, headings, altitudes, batteries), seqs)


def _usual(item: Any) -> Fix | None:
    """The fix when every reading is one a phone usually makes; None says nothing: ask `_fix`.

    Nearly all are, and for them the same values come out of `reading.fix`, which looks at each in a call of its own.
    """
    if type(item) is not FixIn or item.datum != "wgs84" or item.altitude_m is not None:
        return None
    at, lon, lat, seq = item.at, item.lon, item.lat, item.seq
    accuracy_m, speed_mps, heading_deg, battery = (
        item.accuracy_m,
        item.speed_mps,
        item.heading_deg,
        item.battery,
    )
    if accuracy_m is None or speed_mps is None or heading_deg is None or battery is None or seq is None:
        return None
    if (
        at.tzinfo is UTC
        and -180 <= lon <= 180
        and -90 <= lat <= 90
        and 0.001 <= accuracy_m <= 100_000
        and 0 <= speed_mps <= reading.MOST_SPEED_MPS
        and 0 <= heading_deg < 359
        and 0 <= battery <= 100
        and 0 <= seq <= reading.MOST_SEQ
    ):
        return Fix(
            at, None, lon, lat, round(accuracy_m, 3), round(speed_mps, 3), round(heading_deg, 3), None, round(battery),
            "phone", seq,
        )  # fmt: skip
    return None


def _fix(item: Any) -> Fix:
    given = item if isinstance(item, FixIn) else _given(item)
    lon, lat = reading.place(given.lon, given.lat)
    if given.datum != "wgs84":
        lon, lat = _wgs84(lon, lat, given.datum)
    return reading.fix(
        given.at,
        lon,
        lat,
        source="phone",
        accuracy_m=given.accuracy_m,
        speed_mps=given.speed_mps,
        heading_deg=given.heading_deg,
        altitude_m=given.altitude_m,
        battery=given.battery,
        seq=given.seq,
    )


def _given(item: Any) -> FixIn:
    try:
        return one.decode(item) if isinstance(item, msgspec.Raw) else msgspec.convert(item, FixIn)
    except RecursionError as error:
        raise Malformed("", "nested too deep") from error
    except msgspec.MsgspecError as error:
        message, _, path = str(error).partition(" - at `$.")
        raise Malformed(path.rstrip("`"), message) from error


def _wgs84(lon: float, lat: float, given: str) -> tuple[float, float]:
    if given not in datum.DATUMS:
        raise Malformed("datum", "one of " + ", ".join(datum.DATUMS))
    try:
        return datum.to_wgs84(lon, lat, given)
    except BadPlace as error:
        raise Malformed("lon", error.detail, "out_of_range") from error


@bp.post("/positions.gpx", responses={200: TakenDoc}, request_body=GPX_BODY)
@roles("surveyor")
def positions_gpx() -> ResponseReturnValue:
    """Takes a GPX file recorded by the surveyor himself, as after a day without any network. Same rules.

    Track points only, each with its time; up to 100,000 of them and 64 MB. A point that cannot be read is named in `errors`.
    """
    if g.actor.device_id is None:
        raise Denied("positions come from a paired device")
    request.max_content_length = MOST_GPX_BYTES
    fixes, unread, wrong = gpx.read(request.stream)
    taken = intake.take(g.actor, intake.Read(fixes, unread), chunk=GPX_CHUNK, most=gpx.MOST_POINTS)
    if not fixes:
        raise BadBatch("none of the points can be read", errors=wrong)
    return answer(taken, wrong)


# Safe to repeat by itself: what is there counts as a duplicate. One transaction for all of it would make others wait.
positions_gpx.own_replay = True


@bp.post("/positions", responses={200: TakenDoc}, request_body=BODY)
@roles("surveyor")
def positions() -> ResponseReturnValue:
    """Takes up to 1,000 fixes of the phone that signs; committed before the answer.

    Late, repeated and out-of-order fixes are normal. Off duty nothing is stored. A fix that cannot be read is
    named in `errors` and counted as `malformed`; when none can be read the answer is 422.
    """
    if g.actor.device_id is None:
        raise Denied("positions come from a paired device")
    read, errors = read_batch(request.get_data(cache=False))
    taken = service.take(g.sessions, g.actor.person_id, g.actor.device_id, read.fixes, unread=read.unread)
    if errors and not read.fixes:
        raise BadBatch("none of the fixes can be read", errors=errors[:100])
    note_app(g.sessions, g.actor.device_id, request.headers.get("User-Agent"))
    show_dot(g.actor, taken)
    return answer(taken, errors)


def answer(taken: Taken, errors: list[FieldError]) -> dict[str, Any]:
    """What became of the fixes, and the news."""
    with g.sessions.begin() as session:
        now = clock.read(session)
        offers = delivery_queries.offer_ids(session, g.actor.person_id, now)
    return said(taken, offers, errors, now)


def said(
    taken: Taken, offers: Sequence[int], errors: list[FieldError], now: datetime | None
) -> dict[str, Any]:
    """The body of the answer."""
    return {
        "kept": taken.kept,
        "refused": taken.refused,
        "track_only": taken.track_only,
        "offers": [str(offer_id) for offer_id in offers],
        "errors": errors,
        "server_time": present.time(now),
    }
