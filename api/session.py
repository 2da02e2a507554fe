"""Signing in and out, and who I am."""

from typing import Any

from flask import g, jsonify, make_response
from flask.typing import ResponseReturnValue

from api import auth, parts, present
from api.door import EVERYBODY, Door, LongText, Strict, Text, public, roles
from core import live
from geo import queries as geo_queries
from staff import accounts, devices, organisations, service
from staff.accounts import Actor
from staff.models import Device, Organisation, Person

bp = Door("session", tag="Session")


class SignIn(Strict):
    """Name and password."""

    username: Text
    password: LongText


class OwnPassword(Strict):
    """The present password and the new one."""

    current: LongText
    new: LongText


class NewToken(Strict):
    """What the token is for, in the holder's words."""

    label: Text = ""


def me(session: Any, actor: Actor) -> dict[str, Any]:
    """Everything a page needs to know about its user."""
    person = session.get_one(Person, actor.person_id)
    org = session.get_one(Organisation, actor.org_id)
    surveyor = devices.surveyor_of(session, actor)
    device = session.get(Device, actor.device_id) if actor.device_id else None
    return {
        "person": {
            "id": str(person.id),
            "name": person.name,
            "username": person.username,
            "roles": sorted(actor.roles),
            "org": {
                "id": str(org.id),
                "name": org.name,
                "kind": org.kind,
                "path": organisations.path_of(session, org.id),
            },
            "authority_fen": actor.authority_fen,
            "lang": person.lang,
        },
        "device": {"id": str(device.id), "label": device.label} if device else None,
        "surveyor": None
        if surveyor is None
        else {
            "id": str(surveyor.id),
            "on_duty": surveyor.on_duty,
            "on_duty_since": present.time(surveyor.on_duty_since),
            "shift_until": present.time(surveyor.shift_until),
            "skills": surveyor.skills,
            "max_open": surveyor.max_open,
            "tracking": geo_queries.tracking(session, surveyor.id),
        },
        "csrf": auth.csrf_for(g.secret) if actor.kind == "session" else None,
    }


@bp.post("/session")
@public
def sign_in(body: SignIn) -> ResponseReturnValue:
    """Opens a web session and sets its cookie."""
    actor, secret = accounts.sign_in(g.sessions, body.username, body.password)
    g.secret = secret
    with g.sessions.begin() as session:
        answer = make_response(jsonify(me(session, actor)), 200)
    auth.set_cookie(answer, secret)
    return answer


# A stored answer would hand out the old session; and a failed try must be counted even under a key.
sign_in.own_replay = True


@bp.delete("/session")
@roles(*EVERYBODY)
def sign_out() -> ResponseReturnValue:
    """Ends the session or token that asked."""
    service.sign_out(g.sessions, g.actor)
    live.doubt_access(parts().redis, g.actor.person_id)
    answer = make_response("", 204)
    answer.delete_cookie(auth.COOKIE, path="/")
    return answer


@bp.post("/me/password")
@roles("seat", "dispatcher", "surveyor", "adjuster", "supervisor", "admin")
def own_password(body: OwnPassword) -> ResponseReturnValue:
    """A new password for oneself; the present one is asked for, and one's other web sessions end."""
    service.change_own_password(g.sessions, g.actor, body.current, body.new)
    live.doubt_access(parts().redis, g.actor.person_id)
    return "", 204


# As for signing in: a wrong password must be counted even under a key.
own_password.own_replay = True


@bp.get("/me")
@roles(*EVERYBODY)
def who_am_i() -> ResponseReturnValue:
    """The signed-in person, his device, his duty."""
    with g.sessions.begin() as session:
        return me(session, g.actor)


@bp.post("/tokens")
@roles("seat", "dispatcher", "adjuster", "supervisor", "admin", "integration")
def new_token(body: NewToken) -> ResponseReturnValue:
    """Makes an API token with one's own rights; the secret is shown once."""
    token_id, secret = service.new_api_token(g.sessions, g.actor, body.label)
    return {"id": str(token_id), "token": secret}, 201
