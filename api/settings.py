"""The rules of an organisation: what may be set, to what, where a value comes from; every change audited."""

import ipaddress
from typing import Any

from flask import g
from flask.typing import ResponseReturnValue
from pydantic import Field
from sqlalchemy.orm import Session

from api import parts, present
from api.door import Door, IdText, LongText, Strict, id_of, roles
from claims import catastrophes, limits
from core.errors import Invalid, Missing
from dispatch import coverage, dayplan
from dispatch import policy as dispatch_policy
from geo import eta, filters
from media import assessment
from notify import message, webhook
from notify import policy as notify_policy
from staff import rules
from staff.models import Organisation
from staff.rules import Known

bp = Door("settings", tag="Settings")

READERS = ("seat", "dispatcher", "adjuster", "supervisor", "admin")
# In the order a settings page shows them.
ROOMS: tuple[tuple[str, str, str, dict[str, Known]], ...] = (
    ("clocks", "时限", "Limits", limits.KNOWN),
    ("dispatch", "派单", "Dispatch", dispatch_policy.KNOWN),
    ("catastrophe", "大灾模式", "Catastrophe mode", catastrophes.KNOWN),
    ("planning", "日程与覆盖", "Day plan and coverage", dayplan.KNOWN | coverage.KNOWN),
    ("eta", "到达时间估算", "Time estimates", eta.KNOWN),
    ("positions", "定位", "Positions", filters.KNOWN),
    ("messages", "消息", "Messages", notify_policy.KNOWN),
    ("review", "审核", "Review", assessment.KNOWN),
)
KNOWN: dict[str, Known] = {key: known for _, _, _, room in ROOMS for key, known in room.items()}
# An address may carry a key of another system.
FOR_ADMINS = {"webhook_url"}


class OrgQuery(Strict):
    """Which organisation; one's own without it."""

    org_id: IdText | None = None


class KeyPath(Strict):
    """The key of a rule."""

    key: str = Field(max_length=60)


class Change(Strict):
    """The new value."""

    org_id: IdText | None = None
    value: bool | int | LongText


def organisation(session: Session, org_id: str | None) -> Organisation:
    """The organisation asked for. Raises Missing outside one's own part of the tree."""
    found = session.get(Organisation, id_of(org_id) if org_id else g.actor.org_id)
    if found is None or not found.path.startswith(g.actor.org_path):
        raise Missing("no such organisation")
    return found


def known(key: str) -> Known:
    """The rule of a key. Raises Missing for a key that does not exist."""
    if key not in KNOWN:
        raise Missing("no such setting")
    return KNOWN[key]


def checked(rule: Known, value: Any, inside: str) -> Any:
    """The value, fit for its rule. Raises Invalid naming what is wrong. `inside`: hosts the operator trusts."""
    fitting = rules.fit(rule, value)
    if rule.kind == "text":
        if message.REFUSED.search(fitting):
            raise Invalid.field("value", "no control characters, no 【】¥★^&√")
        if rule.key == "webhook_url" and fitting:
            _public(fitting, inside)
    return fitting


def _public(url: str, inside: str) -> None:
    """A webhook goes over TLS to a public host; names are looked up again at each sending."""
    target = webhook.split(url)
    if webhook.allowed(target, inside):
        return
    if target.scheme != "https":
        raise Invalid.field("value", "an https address")
    try:
        address = ipaddress.ip_address(target.hostname or "")
    except ValueError:
        return
    if not address.is_global:
        raise Invalid.field("value", "an address outside the private networks")


def shown(rule: Known, room: str, default: Any, found: Any, org: Organisation) -> dict[str, Any]:
    """A rule with its value, and where the value comes from."""
    hidden = rule.key in FOR_ADMINS and not g.actor.has("admin")
    value = default if found is None else found.value
    return {
        "key": rule.key,
        "room": room,
        "kind": rule.kind,
        "zh": rule.zh,
        "en": rule.en,
        "unit": rule.unit,
        "least": rule.least,
        "most": rule.most,
        "choices": list(rule.choices),
        "default": default,
        "value": None if hidden else value,
        "set_here": found is not None and found.org_id == org.id,
        "from_org": None if found is None else {"id": str(found.org_id), "name": found.org_name},
        "version": 0 if found is None else found.version,
        "changed_at": None if found is None else present.time(found.changed_at),
        "changed_by": None if found is None or found.changed_by is None else str(found.changed_by),
    }


def everything(session: Session, org: Organisation) -> list[dict[str, Any]]:
    """Every rule of an organisation, room by room."""
    found = rules.origins(session, org.id, list(KNOWN))
    return [
        shown(rule, room, rule.default, found.get(key), org)
        for room, _, _, book in ROOMS
        for key, rule in book.items()
    ]


@bp.get("/settings")
@roles(*READERS)
def settings(query: OrgQuery) -> ResponseReturnValue:
    """Every setting of an organisation, its value, and which organisation set it."""
    with g.sessions.begin() as session:
        org = organisation(session, query.org_id)
        items = everything(session, org)
    return {
        "org": {"id": str(org.id), "name": org.name},
        "rooms": [{"key": key, "zh": zh, "en": en} for key, zh, en, _ in ROOMS],
        "items": items,
        "next": None,
    }


@bp.put("/settings/<string:key>")
@roles("admin")
def change(path: KeyPath, body: Change) -> ResponseReturnValue:
    """Sets a rule for an organisation and everything below it; clocks that run keep their limits."""
    rule = known(path.key)
    value = checked(rule, body.value, parts().settings.webhook_hosts)
    with g.sessions.begin() as session:
        org = organisation(session, body.org_id)
        rules.change(session, org.id, rule.key, value, by=g.actor.person_id)
        return _one(session, org, rule)


@bp.delete("/settings/<string:key>")
@roles("admin")
def clear(path: KeyPath, query: OrgQuery) -> ResponseReturnValue:
    """Takes an organisation's own value away: the one above it, or the default, counts again."""
    rule = known(path.key)
    with g.sessions.begin() as session:
        org = organisation(session, query.org_id)
        rules.clear(session, org.id, rule.key, by=g.actor.person_id)
        return _one(session, org, rule)


def _one(session: Session, org: Organisation, rule: Known) -> dict[str, Any]:
    return next(item for item in everything(session, org) if item["key"] == rule.key)


@bp.get("/settings/webhook/secret")
@roles("admin")
def webhook_secret(query: OrgQuery) -> ResponseReturnValue:
    """The key that signs an organisation's webhooks, as Standard Webhooks libraries take it."""
    with g.sessions.begin() as session:
        org = organisation(session, query.org_id)
    return {"org_id": str(org.id), "secret": webhook.shown_secret(parts().settings.secret_key, org.id)}
