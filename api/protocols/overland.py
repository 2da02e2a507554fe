"""Overland: batches of GeoJSON points, a bearer token, answered with {"result":"ok"}."""

from typing import Any

from flask import g, request
from flask.typing import ResponseReturnValue

from api.door import Door, public
from api.protocols import intake
from geo import reading
from geo.fix import Fix
from geo.reading import Malformed

bp = Door("overland", tag="Positions")

FEATURE = {
    "type": "object",
    "properties": {
        "type": {"const": "Feature"},
        "geometry": {
            "type": "object",
            "properties": {
                "type": {"const": "Point"},
                "coordinates": {"type": "array", "items": {"type": "number"}, "minItems": 2},
            },
        },
        "properties": {"type": "object", "properties": {"timestamp": {"type": "string"}}},
    },
}
SCHEMA = {
    "type": "object",
    "required": ["locations"],
    "properties": {"locations": {"type": "array", "items": FEATURE}},
}
BODY = {"content": {"application/json": {"schema": SCHEMA}}, "required": True}
ANSWER = {
    "description": "taken",
    "content": {
        "application/json": {"schema": {"type": "object", "properties": {"result": {"const": "ok"}}}}
    },
}


def fix_of(feature: Any) -> Fix | None:
    """The fix of a GeoJSON feature; None for a note. Speeds are m/s; below zero means invalid; `battery_level` is 0 to 1.

    A note (`action`, a trip that ended) is written now beside the last place the app knew, however old: believed, it
    would make a dot that stands still look fresh.
    """
    about = _part(feature, "properties")
    if "action" in about or about.get("type") == "trip":
        return None
    geometry = _part(feature, "geometry")
    place = geometry.get("coordinates")
    if geometry.get("type") != "Point" or not isinstance(place, list) or len(place) < 2:
        raise Malformed("geometry", "not a point")
    lon, lat = reading.place(place[0], place[1])
    return reading.fix(
        reading.instant(about.get("timestamp")),
        lon,
        lat,
        source="overland",
        accuracy_m=about.get("horizontal_accuracy"),
        speed_mps=about.get("speed"),
        heading_deg=about.get("course"),
        altitude_m=about.get("altitude"),
        battery=reading.scaled(about.get("battery_level"), 100),
    )


def _part(feature: Any, name: str) -> dict[str, Any]:
    part = feature.get(name) if isinstance(feature, dict) else None
    if not isinstance(part, dict):
        raise Malformed(name, "missing")
    return part


def named_device(locations: list[Any]) -> str | None:
    """The `device_id` the batch names, if any."""
    for feature in locations:
        about = feature.get("properties") if isinstance(feature, dict) else None
        named = about.get("device_id") if isinstance(about, dict) else None
        if isinstance(named, str) and named:
            return named
    return None


def read(body: bytes) -> tuple[intake.Read, str | None]:
    """What a body tells, and the device it names. Raises NotUnderstood."""
    given = intake.decode(body)
    locations = given.get("locations") if isinstance(given, dict) else None
    if not isinstance(locations, list):
        raise intake.NotUnderstood("locations: a list is needed")
    # With a long queue the oldest are sent first, and the place of now beside them.
    newest = [given["current"]] if isinstance(given.get("current"), dict) else []
    return intake.read_each([*locations, *newest], fix_of), named_device(locations)


@bp.post("/ingest/overland", responses={200: ANSWER}, request_body=BODY)
@public
def overland() -> ResponseReturnValue:
    """Takes a batch of Overland. `Authorization: Bearer` is the device token.

    Anything but {"result":"ok"} makes the app keep the batch and send it again, so what cannot be read is
    only counted.
    """
    actor = intake.bearer_device()
    taken, named = read(request.get_data())
    with g.sessions.begin() as session:
        intake.refuse_other_device(session, actor, named)
    intake.take(actor, taken)
    return {"result": "ok"}
