"""What the trackers' doors share: who the device is, and taking what it sent."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from flask import g, request
from sqlalchemy.orm import Session

from api import auth, parts
from api.dots import show_dot
from api.phones import note_app
from core.errors import ChakanError, Denied, Unsigned
from geo import service
from geo.fix import Fix
from geo.reading import Malformed
from geo.taking import Taken
from staff import devices
from staff.accounts import Actor
from staff.models import Device

# A phone that was away for a day sends thousands: others must not wait for one long transaction (G-09).
CHUNK = 500
MOST_ITEMS = 10_000


class NotUnderstood(ChakanError):
    """A body the app itself never sends."""

    code, kind = "malformed", "malformed"


class TooLarge(ChakanError):
    code, kind = "too_large", "too_large"


@dataclass
class Read:
    """What could be read of a body: fixes, and how many items could not, by reason."""

    fixes: Sequence[Fix] = ()
    unread: Counter[str] = field(default_factory=Counter)


def read_each(items: Iterable[Any], one: Callable[[Any], Fix | None]) -> Read:
    """Reads items one by one; `one` returns None for an item that carries no place, and raises Malformed."""
    fixes: list[Fix] = []
    unread: Counter[str] = Counter()
    for item in items:
        try:
            fix = one(item)
        except Malformed as error:
            unread[error.reason] += 1
        else:
            if fix is not None:
                fixes.append(fix)
    return Read(fixes, unread)


def json_body() -> Any:
    """The JSON of the body, whatever its content type. Raises NotUnderstood."""
    return decode(request.get_data())


def decode(body: bytes) -> Any:
    """The JSON of a body; NotUnderstood when it is none. NaN is let through."""
    try:
        return msgspec.json.decode(body)  # four times as quick, and strict
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NotUnderstood("the body is not JSON") from error


def basic_device() -> Actor:
    """The device of HTTP Basic: its id and its token. Raises Unsigned."""
    given = request.authorization
    if given is None or given.type != "basic" or not given.username or not given.password:
        raise Unsigned("sign in with the device's id and token")
    actor = _by_token(given.password)
    if actor is None or str(actor.device_id) != given.username.strip():
        raise Unsigned("sign in with the device's id and token")
    return sign_in(actor)


def bearer_device() -> Actor:
    """The device of a bearer token. Raises Unsigned."""
    secret = auth.bearer()
    actor = _by_token(secret) if secret is not None else None
    if actor is None:
        raise Unsigned("sign in with the device's token")
    return sign_in(actor)


def tracker_device(tracker_id: str) -> Actor | None:
    """The device of a Traccar id, or None."""
    if not 1 <= len(tracker_id) <= 200:
        return None
    with parts().sessions.begin() as session:
        actor = devices.by_tracker_id(session, tracker_id)
    return None if actor is None else sign_in(actor)


def _by_token(secret: str) -> Actor | None:
    if len(secret) > 200:
        return None
    with parts().sessions.begin() as session:
        return devices.by_token(session, secret)


def sign_in(actor: Actor) -> Actor:
    """Makes the device the actor of this request."""
    g.actor = actor
    return actor


def is_label(named: str | None, device_id: int | None) -> bool:
    """Whether the name in a body is none, a label, or the device's own: whether it surely names no other device."""
    return named is None or not named.isascii() or not named.isdigit() or named == str(device_id)


def refuse_other_device(session: Session, actor: Actor, named: str | None) -> None:
    """Refuses a body that names another paired device (G-11); a name that is no device's id is a label."""
    if is_label(named, actor.device_id):
        return
    number = int(named) if named is not None and len(named) <= 19 else 0
    if named is not None and number < 2**63 and session.get(Device, number) is not None:
        raise Denied("the body names another device")


def take(actor: Actor, read: Read, *, chunk: int = CHUNK, most: int = MOST_ITEMS) -> Taken:
    """Stores what was read, some hundreds a commit, all of them before the answer; returns the whole of it."""
    if len(read.fixes) + read.unread.total() > most:
        raise TooLarge("send smaller batches", most=most)
    if actor.device_id is None:
        raise Unsigned("positions come from a paired device")
    whole = Taken(0, {}, {}, None)
    for start in range(0, max(1, len(read.fixes)), chunk):
        taken = service.take(
            g.sessions,
            actor.person_id,
            actor.device_id,
            read.fixes[start : start + chunk],
            unread=read.unread if start == 0 else None,
        )
        whole = whole.plus(taken)
    note_app(g.sessions, actor.device_id, request.headers.get("User-Agent"))
    show_dot(actor, whole)
    return whole
