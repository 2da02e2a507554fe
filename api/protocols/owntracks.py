"""OwnTracks in HTTP mode: one JSON message a request, HTTP Basic, answered with a JSON array."""

from typing import Any

from flask import g, request
from flask.typing import ResponseReturnValue

from api.door import Door, public
from api.errors import problem
from api.protocols import intake
from core.errors import Unsigned
from geo import reading
from geo.fix import Fix
from geo.reading import KMH_MPS, Malformed

bp = Door("owntracks", tag="Positions")

MESSAGE = {
    "type": "object",
    "required": ["_type"],
    "properties": {
        "_type": {"type": "string", "examples": ["location"]},
        "lat": {"type": "number"},
        "lon": {"type": "number"},
        "tst": {"type": "integer", "description": "epoch seconds"},
        "acc": {"type": "number", "description": "metres"},
        "alt": {"type": "number"},
        "vel": {"type": "number", "description": "km/h"},
        "cog": {"type": "number"},
        "batt": {"type": "number", "description": "percent"},
    },
}
BODY = {"content": {"application/json": {"schema": MESSAGE}}}
# The answer is a list of messages to the app: commands, cards, friends. We have none yet.
ANSWER = {
    "description": "messages to the app",
    "content": {"application/json": {"schema": {"type": "array"}}},
}


def fix_of(message: Any) -> Fix | None:
    """The fix of a `location` message; None for the other kinds, which are accepted and ignored.

    `vel` is km/h. acc, alt, cog and vel are left out when they are zero, so absent means unknown.
    """
    if not isinstance(message, dict) or not isinstance(message.get("_type"), str):
        raise Malformed("_type", "missing")
    if message["_type"] == "encrypted":
        # Nobody here has the key; unsaid, the phone would stay grey and nobody would know why.
        raise Malformed("_type", "encrypted by the app", "encrypted")
    if message["_type"] != "location":
        return None
    lon, lat = reading.place(message.get("lon"), message.get("lat"))
    return reading.fix(
        reading.epoch(message.get("tst"), path="tst"),
        lon,
        lat,
        source="owntracks",
        accuracy_m=message.get("acc"),
        speed_mps=reading.scaled(message.get("vel"), KMH_MPS),
        heading_deg=message.get("cog"),
        altitude_m=message.get("alt"),
        battery=message.get("batt"),
    )


def read(body: bytes) -> intake.Read:
    """What a body that is not empty tells. Raises NotUnderstood."""
    given = intake.decode(body)
    return intake.read_each(given if isinstance(given, list) else [given], fix_of)


@bp.post("/ingest/owntracks", responses={200: ANSWER}, request_body=BODY)
@public
def owntracks() -> ResponseReturnValue:
    """Takes an OwnTracks message. HTTP Basic: user name is the device id, password the device token.

    A message that cannot be read is counted and answered like the others: what is refused is sent for ever, or, by an
    iPhone, thrown away with an alarm on its screen. When the server is busy the answer is 503, after which it is kept.
    """
    try:
        actor = intake.basic_device()
    except Unsigned as error:
        # Some clients send their password only when asked for it in their own terms.
        answer = problem(401, error.code, error.detail)
        answer.headers["WWW-Authenticate"] = 'Basic realm="chakan", charset="UTF-8"'
        return answer
    with g.sessions.begin() as session:
        intake.refuse_other_device(session, actor, request.headers.get("X-Limit-D") or request.args.get("d"))
    if not request.get_data():
        return [], 200  # a zero-length body is legal
    intake.take(actor, read(request.get_data()))
    return [], 200
