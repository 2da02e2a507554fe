"""People, organisations, devices, pairing, shifts."""

import io
from typing import Any
from urllib.parse import urlencode

import segno
from flask import g
from flask.typing import ResponseReturnValue
from pydantic import Field

from api import access, parts, present
from api.door import EVERYBODY, Door, IdText, LongText, Page, Strict, Text, id_of, public, roles
from api.fields import Moment
from core import clock, live
from staff import queries, service
from staff.devices import CODE_LENGTH

bp = Door("staff", tag="Staff")


class PersonIn(Strict):
    """A new person."""

    username: Text = Field(min_length=2)
    name: Text = Field(min_length=1)
    org_id: IdText
    roles: list[Text] = Field(max_length=7)
    password: LongText | None = None
    phone: Text | None = None
    email: Text | None = None
    authority_fen: int = Field(0, ge=0, le=10**12)
    lang: Text = "zh-CN"
    skills: list[Text] = Field(["motor"], max_length=20)
    max_open: int = Field(5, ge=0, le=50)


class PersonChange(Strict):
    """What changes about a person. An empty telephone number or address takes it away."""

    name: Text | None = Field(None, min_length=1)
    org_id: IdText | None = None
    phone: Text | None = None
    email: Text | None = None
    roles: list[Text] | None = Field(None, max_length=7)
    authority_fen: int | None = Field(None, ge=0, le=10**12)
    skills: list[Text] | None = Field(None, max_length=20)
    max_open: int | None = Field(None, ge=0, le=50)
    password: LongText | None = None
    disabled: bool | None = None


class People(Page):
    """The query of the people list."""

    q: Text = ""
    role: Text = ""


class OrganisationIn(Strict):
    """A new node of the tree."""

    parent_id: IdText
    kind: Text
    code: Text = Field(min_length=1)
    name: Text = Field(min_length=1)


class Duty(Strict):
    """On or off duty. A phone also sends its clock and counter."""

    on: bool
    until: Moment | None = Field(None, description="when the shift ends, when that is known")
    at: Text | None = None
    seq: int | None = Field(None, ge=0, lt=2**63)


class Code(Strict):
    """A pairing code as typed or scanned."""

    code: Text = Field(max_length=40)
    label: Text = ""


class PersonPath(Strict):
    """An id in the path."""

    person_id: int = Field(ge=1, lt=2**63)


class SurveyorPath(Strict):
    """An id in the path."""

    surveyor_id: int = Field(ge=1, lt=2**63)


class DevicePath(Strict):
    """An id in the path."""

    device_id: int = Field(ge=1, lt=2**63)


def show_person(row: Any) -> dict[str, Any]:
    """A line of the people list; telephone and address for who may change them."""
    return {
        "id": str(row.id),
        "username": row.username,
        "name": row.name,
        "roles": row.roles,
        "org": {"id": str(row.org_id), "name": row.org_name},
        "phone": row.phone if "admin" in g.actor.roles else present.phone(row.phone),
        "email": row.email if "admin" in g.actor.roles else None,
        "authority_fen": row.authority_fen,
        "disabled_at": present.time(row.disabled_at),
        "surveyor": None
        if row.skills is None
        else {"skills": row.skills, "max_open": row.max_open, "on_duty": row.on_duty, "devices": row.devices},
    }


@bp.get("/people")
@roles("admin", "dispatcher", "supervisor")
def people(query: People) -> ResponseReturnValue:
    """People of one's own part of the tree."""
    with g.sessions.begin() as session:
        rows = queries.people(
            session, g.actor.org_path, q=query.q, role=query.role, after=query.after_id, limit=query.limit
        )
    return present.items(rows, show_person, query.limit)


@bp.post("/people")
@roles("admin")
def add_person(body: PersonIn) -> ResponseReturnValue:
    """Adds a person."""
    given = body.model_dump(exclude={"org_id"})
    given |= {"roles": tuple(body.roles), "skills": tuple(body.skills)}
    person_id = service.create_person(g.sessions, g.actor, id_of(body.org_id), service.NewPerson(**given))
    return {"id": str(person_id)}, 201


@bp.patch("/people/<int:person_id>")
@roles("admin")
def change_person(path: PersonPath, body: PersonChange) -> ResponseReturnValue:
    """Changes name, organisation, telephone, roles, authority, skills, password, or ends the account."""
    given = body.model_dump(exclude_none=True)
    for name, made in (("roles", tuple), ("skills", tuple), ("org_id", id_of)):
        if name in given:
            given[name] = made(given[name])
    service.change_person(g.sessions, g.actor, path.person_id, service.Change(**given))
    live.doubt_access(parts().redis, path.person_id)
    return "", 204


@bp.get("/organisations")
@roles(*EVERYBODY)
def organisations() -> ResponseReturnValue:
    """One's own part of the tree, parents first."""
    with g.sessions.begin() as session:
        rows = queries.organisations(session, g.actor.org_path)
    shown = [
        {
            "id": str(r.id),
            "parent_id": present.ident(r.parent_id),
            "kind": r.kind,
            "code": r.code,
            "name": r.name,
        }
        for r in rows
    ]
    return {"items": shown, "next": None}


@bp.post("/organisations")
@roles("admin")
def add_organisation(body: OrganisationIn) -> ResponseReturnValue:
    """Adds a node to the tree."""
    node_id = service.add_organisation(
        g.sessions, g.actor, id_of(body.parent_id), body.kind, body.code, body.name
    )
    return {"id": str(node_id)}, 201


@bp.post("/me/shift")
@roles("surveyor", idempotent=True)
def my_shift(body: Duty) -> ResponseReturnValue:
    """Goes on or off duty. Positions are taken only on duty."""
    service.set_shift(g.sessions, g.actor.person_id, body.on, by=g.actor.person_id, until=body.until)
    return {"on_duty": body.on}


@bp.post("/surveyors/<int:surveyor_id>/shift")
@roles("dispatcher", "admin")
def others_shift(path: SurveyorPath, body: Duty) -> ResponseReturnValue:
    """Puts a surveyor on or off duty from the desk; audited."""
    with g.sessions.begin() as session:
        access.surveyor_seen_by(session, g.actor, path.surveyor_id)
    service.set_shift(g.sessions, path.surveyor_id, body.on, by=g.actor.person_id, until=body.until)
    return {"on_duty": body.on}


@bp.post("/surveyors/<int:surveyor_id>/pairing")
@roles("dispatcher", "admin")
def pairing(path: SurveyorPath) -> ResponseReturnValue:
    """A short code and QR that turn a phone into this surveyor's device; ten minutes, one use."""
    with g.sessions.begin() as session:
        access.surveyor_seen_by(session, g.actor, path.surveyor_id)
    code, expires_at = service.make_pairing_code(g.sessions, path.surveyor_id, by=g.actor.person_id)
    # The code rides in the fragment: it reaches neither a server's log nor a Referer.
    url = f"{parts().settings.public_url}/phone#pair={code}"
    svg = io.BytesIO()
    segno.make(url, error="m").save(svg, kind="svg", scale=5, border=2, xmldecl=False)
    shown = f"{code[: CODE_LENGTH // 2]}-{code[CODE_LENGTH // 2 :]}"
    return {
        "code": shown,
        "expires_at": present.time(expires_at),
        "qr_svg": svg.getvalue().decode(),
        "url": url,
    }, 201


@bp.post("/devices/pair")
@public
def pair(body: Code) -> ResponseReturnValue:
    """Redeems a pairing code; the answer holds every secret of the new device, once."""
    paired = service.pair_device(g.sessions, body.code, label=body.label)
    base = parts().settings.public_url
    device_id = str(paired.device.id)
    track = f"{base}/api/v1/ingest"
    setup = urlencode({"url": f"{track}/overland", "token": paired.token, "device_id": device_id})
    return {
        "token": paired.token,
        "device": {"id": device_id, "label": paired.device.label},
        "surveyor": {"id": str(paired.surveyor.id), "name": paired.surveyor.name},
        "owntracks": {"url": f"{track}/owntracks", "username": device_id, "password": paired.token},
        "traccar": {"url": f"{track}/traccar", "id": paired.tracker_id},
        "overland": {"url": f"{track}/overland", "token": paired.token, "setup": f"overland://setup?{setup}"},
    }, 201


# A stored answer would keep the secrets readable for a week.
pair.own_replay = True


@bp.get("/surveyors/<int:surveyor_id>/devices")
@roles("dispatcher", "admin", "supervisor")
def devices(path: SurveyorPath) -> ResponseReturnValue:
    """The devices of a surveyor: last seen, and what was refused of them today by reason."""
    with g.sessions.begin() as session:
        access.surveyor_seen_by(session, g.actor, path.surveyor_id)
        rows = queries.devices(session, g.actor.org_path, path.surveyor_id)
        server_time = present.time(clock.read(session))
    shown = [
        {
            "id": str(r.id),
            "label": r.label,
            "paired_at": present.time(r.paired_at),
            "seen_at": present.time(r.seen_at),
            "revoked_at": present.time(r.revoked_at),
            "refused_today": r.refused_today,
        }
        for r in rows
    ]
    return {"items": shown, "next": None, "server_time": server_time}


@bp.delete("/devices/<int:device_id>")
@roles("dispatcher", "admin")
def revoke(path: DevicePath) -> ResponseReturnValue:
    """Ends a device at once: a lost or stolen phone."""
    with g.sessions.begin() as session:
        surveyor_id = access.device_seen_by(session, g.actor, path.device_id).surveyor_id
    service.revoke_device(g.sessions, path.device_id, by=g.actor.person_id)
    live.doubt_access(parts().redis, surveyor_id)
    return "", 204
