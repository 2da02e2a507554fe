"""What a person chose to see on the desk: his alone, kept on the server."""

from typing import Literal

from flask import g
from flask.typing import ResponseReturnValue
from pydantic import Field

from api.door import EVERYBODY, Door, Strict, Text, roles
from staff import preferences

bp = Door("preferences", tag="Session")


class KeyPath(Strict):
    """Which page's choices."""

    key: Literal["desk"]


class DeskView(Strict):
    """The choices of the desk. What is left out is as at first."""

    area: Text = ""
    riskOnly: bool = False
    showOff: bool = False
    layout: Literal["map", "columns"] = "map"
    sound: bool = False
    notify: bool = False
    folded: list[Text] = Field(default=[], max_length=20)
    marks: Literal["auto", "normal", "large", "huge"] = "auto"
    layers: list[Text] = Field(default=[], max_length=20)


@bp.get("/me/preferences/<key>")
@roles(*EVERYBODY)
def read(path: KeyPath) -> ResponseReturnValue:
    """What the caller chose; `value` is empty when he chose nothing yet."""
    with g.sessions.begin() as session:
        return {"value": preferences.read(session, g.actor.person_id, path.key)}


@bp.put("/me/preferences/<key>")
@roles(*EVERYBODY)
def keep(path: KeyPath, body: DeskView) -> ResponseReturnValue:
    """Keeps what the caller chose, for every desk he sits down at."""
    with g.sessions.begin() as session:
        preferences.keep(session, g.actor.person_id, path.key, body.model_dump(exclude_defaults=True))
    return {}
