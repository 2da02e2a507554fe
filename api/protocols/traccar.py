"""Traccar Client and OsmAnd-style trackers: query, form, and the JSON shapes of client 9, on one address."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import Response, g, request
from flask.typing import ResponseReturnValue

from api.door import Door, public
from api.errors import problem
from api.protocols import intake
from core import clock
from geo import reading
from geo.fix import Fix
from geo.reading import KNOT_MPS, Malformed

bp = Door("traccar", tag="Positions")

FIELDS = (
    "id",
    "deviceid",
    "timestamp",
    "lat",
    "lon",
    "location",
    "speed",
    "bearing",
    "altitude",
    "accuracy",
    "batt",
)
QUERY = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in FIELDS]
FORM = {"type": "object", "properties": {name: {"type": "string"} for name in FIELDS}}
FLAT = {"type": "object", "properties": {name: {} for name in FIELDS}}
NESTED = {
    "type": "object",
    "required": ["device_id", "location"],
    "properties": {"device_id": {"type": "string"}, "location": {"type": "object"}},
}
BODY = {
    "content": {
        "application/x-www-form-urlencoded": {"schema": FORM},
        "application/json": {"schema": {"anyOf": [NESTED, FLAT, {"type": "array"}]}},
    }
}
ANSWER = {"description": "taken", "content": {"text/plain": {"schema": {"type": "string"}}}}
FALSE = {"false", "0", "no"}


def flat_fix(given: Mapping[str, Any], now: datetime) -> Fix | None:
    """The fix of a query, a form or flat JSON; None for a heartbeat. Knots, and percent of battery."""
    place = place_of(given)
    if place is None:
        return None
    lon, lat = reading.place(*place)
    if str(given.get("valid", "true")).lower() in FALSE:
        raise Malformed("valid", "the receiver itself calls this fix invalid")
    heading = given.get("bearing")
    return reading.fix(
        moment(given.get("timestamp"), now),
        lon,
        lat,
        source="traccar",
        accuracy_m=given.get("accuracy"),
        speed_mps=reading.scaled(given.get("speed"), KNOT_MPS),
        heading_deg=given.get("heading") if heading is None else heading,
        altitude_m=given.get("altitude"),
        battery=given.get("batt"),
    )


def place_of(given: Mapping[str, Any]) -> tuple[Any, Any] | None:
    """Longitude and latitude as text, or None when there is none: a heartbeat."""
    if given.get("lat") is not None and given.get("lon") is not None:
        return given["lon"], given["lat"]
    if isinstance(given.get("location"), str):
        lat, _, lon = given["location"].partition(",")
        return lon, lat
    return None


def moment(value: Any, now: datetime) -> datetime:
    """Epoch seconds, milliseconds from 2^31 on, ISO 8601, `yyyy-MM-dd HH:mm:ss`; without any it is now."""
    if value is None or value == "":
        return now
    if reading.number(value) is not None:
        return reading.epoch(value)
    return reading.instant(value)


def nested_fix(given: Mapping[str, Any], now: datetime) -> Fix | None:
    """The fix of client 9's JSON; None without coordinates. m/s, battery 0 to 1, -1 means unknown."""
    location = given.get("location")
    if not isinstance(location, Mapping):
        raise Malformed("location", "missing")
    coords = location.get("coords")
    if coords is None:
        return None
    if not isinstance(coords, Mapping):
        raise Malformed("location.coords", "not an object")
    lon, lat = reading.place(coords.get("longitude"), coords.get("latitude"), path="location.coords")
    battery = location.get("battery")
    level = battery.get("level") if isinstance(battery, Mapping) else None
    return reading.fix(
        moment(location.get("timestamp"), now),
        lon,
        lat,
        source="traccar",
        accuracy_m=coords.get("accuracy"),
        speed_mps=coords.get("speed"),
        heading_deg=coords.get("heading"),
        altitude_m=coords.get("altitude"),
        battery=reading.scaled(level, 100),
    )


def json_fix(given: Any, now: datetime) -> Fix | None:
    """The fix of one JSON object in either shape."""
    if not isinstance(given, Mapping):
        raise Malformed("", "not an object")
    return nested_fix(given, now) if isinstance(given.get("location"), Mapping) else flat_fix(given, now)


def id_of(given: Mapping[str, Any]) -> str:
    """The tracker id under any of its three names, or empty."""
    for name in ("id", "deviceid", "device_id"):
        if given.get(name) is not None:
            return str(given[name]).strip()
    return ""


@bp.post(
    "/ingest/traccar", responses={200: ANSWER}, openapi_extensions={"parameters": QUERY}, request_body=BODY
)
@public
def traccar() -> ResponseReturnValue:
    """Takes what Traccar Client sends: query, form or JSON. `id` is the tracker id of the pairing.

    An unknown id is 400, in JSON 404, as the apps expect. What cannot be read is counted and answered 200: a
    refused message would be sent for ever.
    """
    if request.mimetype == "application/json":
        given = intake.json_body()
        items = given if isinstance(given, list) else [given]
        return _take(items, json_id(items), unknown=404)
    fields = request.values.to_dict()
    return _take([fields], id_of(fields), unknown=400)


@bp.get("/ingest/traccar", responses={200: ANSWER}, openapi_extensions={"parameters": QUERY})
@public
def traccar_by_query() -> ResponseReturnValue:
    """The same by GET: the oldest clients and hardware trackers."""
    fields = request.args.to_dict()
    return _take([fields], id_of(fields), unknown=400)


def json_id(items: list[Any]) -> str:
    """The one id of a JSON body; an array may not mix devices (G-11)."""
    ids = {id_of(item) for item in items if isinstance(item, Mapping)}
    return ids.pop() if len(ids) == 1 else ""


def _take(items: list[Any], tracker_id: str, *, unknown: int) -> ResponseReturnValue:
    actor = intake.tracker_device(tracker_id)
    if actor is None:
        return problem(unknown, "unknown_device", "no device is paired under this id")
    with g.sessions.begin() as session:
        now = clock.read(session)
    intake.take(actor, intake.read_each(items, lambda item: json_fix(item, now)))
    return Response("", 200, content_type="text/plain")
