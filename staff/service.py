"""Use cases of the staff room: each is one transaction."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import audit, clock
from core.database import Sessions
from core.errors import Invalid, Missing
from staff import accounts, devices, organisations, shifts, tokens
from staff.accounts import Actor
from staff.errors import BadSignIn, NameTaken, OwnAccount, WrongPassword
from staff.models import ROLES, Organisation, Person, Surveyor, Token

LONGEST_SHIFT = timedelta(days=2)


@dataclass(frozen=True)
class NewPerson:
    """What an administrator types about somebody new. `skills` and `max_open` count for surveyors."""

    username: str
    name: str
    roles: tuple[str, ...]
    password: str | None = None
    phone: str | None = None
    email: str | None = None
    authority_fen: int = 0
    lang: str = "zh-CN"
    skills: tuple[str, ...] = ("motor",)
    max_open: int = 5


def checked_roles(roles: Iterable[str]) -> list[str]:
    """The roles, or Invalid naming the unknown one."""
    listed = list(dict.fromkeys(roles))
    for role in listed:
        if role not in ROLES:
            raise Invalid.field("roles", f"{role!r} is not one of {', '.join(ROLES)}")
    if not listed:
        raise Invalid.field("roles", "at least one role is needed")
    return listed


def add_person(
    session: Session, org: Organisation, new: NewPerson, *, by: int | None, now: datetime
) -> Person:
    """Creates a person, and his surveyor row when he is one. Raises NameTaken, WeakPassword, Invalid."""
    roles = checked_roles(new.roles)
    if session.scalar(select(Person.id).where(Person.username == new.username)) is not None:
        raise NameTaken("that user name is taken")
    person = Person(
        org_id=org.id,
        username=new.username,
        name=new.name,
        phone=new.phone,
        email=new.email,
        roles=roles,
        password_hash=accounts.hash_password(new.password) if new.password else None,
        authority_fen=new.authority_fen,
        lang=new.lang,
    )
    session.add(person)
    session.flush()
    if "surveyor" in roles:
        session.add(Surveyor(id=person.id, org_id=org.id, skills=list(new.skills), max_open=new.max_open))
        session.flush()
    audit.append(session, by, "person.added", "person", person.id, now=now, roles=roles)
    return person


def create_person(sessions: Sessions, actor: Actor, org_id: int, new: NewPerson) -> int:
    """Adds a person to an organisation the actor sees."""
    with sessions.begin() as session:
        org = _organisation(session, actor, org_id)
        return add_person(session, org, new, by=actor.person_id, now=clock.read(session)).id


def _organisation(session: Session, actor: Actor, org_id: int | None) -> Organisation:
    org = session.get(Organisation, org_id)
    if org is None or not org.path.startswith(actor.org_path):
        raise Missing("no such organisation")
    return org


def disable_person(sessions: Sessions, actor: Actor, person_id: int) -> None:
    """Ends an account at once: tokens are revoked, a shift is closed."""
    with sessions.begin() as session:
        now = clock.read(session)
        disable(session, person_of(session, actor, person_id), by=actor.person_id, now=now)


def disable(session: Session, person: Person, *, by: int | None, now: datetime) -> None:
    """The part of `disable_person` that the command line shares."""
    person.disabled_at = person.disabled_at or now
    for token in session.scalars(
        select(Token).where(Token.person_id == person.id, Token.revoked_at.is_(None))
    ):
        token.revoked_at = now
    if session.get(Surveyor, person.id) is not None:
        shifts.set_duty(session, person.id, False, now=now)
    audit.append(session, by, "person.disabled", "person", person.id, now=now)


def person_of(session: Session, actor: Actor, person_id: int) -> Person:
    """A person in the actor's scope, or Missing."""
    person = session.scalars(
        select(Person)
        .join(Organisation, Organisation.id == Person.org_id)
        .where(Person.id == person_id, Organisation.path.startswith(actor.org_path))
    ).one_or_none()
    if person is None:
        raise Missing("no such person")
    return person


@dataclass(frozen=True)
class Change:
    """What changes about a person; None: as it is. An empty telephone number or address takes it away."""

    name: str | None = None
    org_id: int | None = None
    phone: str | None = None
    email: str | None = None
    roles: tuple[str, ...] | None = None
    authority_fen: int | None = None
    skills: tuple[str, ...] | None = None
    max_open: int | None = None
    password: str | None = None
    disabled: bool | None = None


def change_person(sessions: Sessions, actor: Actor, person_id: int, change: Change) -> None:
    """Changes what is given. A new password, other roles or another organisation end the person's web sessions.

    Raises OwnAccount, Missing, Invalid, WeakPassword.
    """
    if person_id == actor.person_id and (change.disabled or (change.roles and "admin" not in change.roles)):
        raise OwnAccount("somebody else must end your account or take your rights")
    with sessions.begin() as session:
        now = clock.read(session)
        person = person_of(session, actor, person_id)
        rights = (person.org_id, set(person.roles))
        _put(person, change)
        if change.org_id is not None:
            person.org_id = _organisation(session, actor, change.org_id).id
        _put_surveyor(session, person, change)
        if change.password is not None or rights != (person.org_id, set(person.roles)):
            session.query(Token).filter_by(person_id=person.id, kind="session", revoked_at=None).update(
                {"revoked_at": now}
            )
        facts: dict[str, Any] = {
            "roles": person.roles,
            "authority_fen": person.authority_fen,
            "password": change.password is not None,
            "org_id": person.org_id,
            # What they are is the person's own: the audit says that they changed.
            "changed": [name for name in ("name", "phone", "email") if getattr(change, name) is not None],
        }
        audit.append(session, actor.person_id, "person.changed", "person", person.id, now=now, **facts)
        if change.disabled is True:
            disable(session, person, by=actor.person_id, now=now)
        elif change.disabled is False:
            person.disabled_at = None


def _put(person: Person, change: Change) -> None:
    if change.name is not None:
        person.name = change.name
    if change.phone is not None:
        person.phone = change.phone or None
    if change.email is not None:
        person.email = change.email or None
    if change.roles is not None:
        person.roles = checked_roles(change.roles)
    if change.authority_fen is not None:
        person.authority_fen = change.authority_fen
    if change.password is not None:
        person.password_hash = accounts.hash_password(change.password)
        person.failed_signins, person.locked_until = 0, None


def _put_surveyor(session: Session, person: Person, change: Change) -> None:
    surveyor = session.get(Surveyor, person.id)
    if surveyor is None and "surveyor" in person.roles:
        surveyor = Surveyor(id=person.id, org_id=person.org_id, skills=["motor"])
        session.add(surveyor)
        session.flush()
    if surveyor is None:
        return
    surveyor.org_id = person.org_id
    if change.skills is not None:
        surveyor.skills = list(change.skills)
    if change.max_open is not None:
        surveyor.max_open = change.max_open


def change_own_password(sessions: Sessions, actor: Actor, current: str, new: str) -> None:
    """A new password by its owner; ends his other web sessions. Raises WrongPassword, WeakPassword or AccountLocked."""
    hashed = accounts.hash_password(new)
    with sessions.begin() as session:
        username = session.get_one(Person, actor.person_id).username
    try:
        accounts.prove(sessions, username, current)
    except BadSignIn as error:
        raise WrongPassword("the present password is wrong") from error
    with sessions.begin() as session:
        now = clock.read(session)
        session.get_one(Person, actor.person_id).password_hash = hashed
        session.query(Token).filter(
            Token.person_id == actor.person_id,
            Token.kind == "session",
            Token.revoked_at.is_(None),
            Token.id != actor.token_id,
        ).update({"revoked_at": now})
        audit.append(session, actor.person_id, "password.changed", "person", actor.person_id, now=now)


def sign_out(sessions: Sessions, actor: Actor) -> None:
    """Revokes the token the actor came with."""
    with sessions.begin() as session:
        session.get_one(Token, actor.token_id).revoked_at = clock.read(session)


def new_api_token(sessions: Sessions, actor: Actor, label: str) -> tuple[int, str]:
    """Makes an API token with the actor's own rights."""
    with sessions.begin() as session:
        now = clock.read(session)
        token, secret = tokens.issue(
            session, "api", actor.person_id, now=now, life=tokens.API_LIFE, label=label
        )
        audit.append(session, actor.person_id, "token.made", "token", token.id, now=now)
        return token.id, secret


def set_shift(
    sessions: Sessions,
    surveyor_id: int,
    on: bool,
    *,
    by: int,
    now: datetime | None = None,
    until: datetime | None = None,
) -> bool:
    """Puts a surveyor on or off duty, `until` when it is known; returns whether it changed.

    Raises Invalid for an end that has passed or lies more than two days ahead.
    """
    with sessions.begin() as session:
        now = clock.read(session, now)
        if until is not None and not now < until <= now + LONGEST_SHIFT:
            raise Invalid.field("until", "lies in the past or more than two days ahead")
        changed = shifts.set_duty(session, surveyor_id, on, now=now, until=until)
        if changed and by != surveyor_id:
            audit.append(session, by, "shift.set", "surveyor", surveyor_id, now=now, on=on)
        return changed


def make_pairing_code(sessions: Sessions, surveyor_id: int, *, by: int) -> tuple[str, datetime]:
    """A short code that pairs a phone with a surveyor."""
    with sessions.begin() as session:
        return devices.pairing_code(session, surveyor_id, made_by=by, now=clock.read(session))


def pair_device(sessions: Sessions, typed: str, *, label: str) -> devices.Paired:
    """Redeems a pairing code."""
    with sessions.begin() as session:
        return devices.pair(session, typed, label=label, now=clock.read(session))


def revoke_device(sessions: Sessions, device_id: int, *, by: int) -> None:
    """Ends a device at once."""
    with sessions.begin() as session:
        devices.revoke(session, device_id, by=by, now=clock.read(session))


def add_organisation(
    sessions: Sessions, actor: Actor, parent_id: int, kind: str, code: str, name: str
) -> int:
    """Adds a node below one the actor sees."""
    with sessions.begin() as session:
        parent = session.get(Organisation, parent_id)
        if parent is None or not parent.path.startswith(actor.org_path):
            raise Missing("no such organisation")
        node = organisations.add(session, parent, kind, code, name)
        audit.append(session, actor.person_id, "organisation.added", "organisation", node.id)
        return node.id


def ensure_first_admin(sessions: Sessions) -> tuple[str, str] | None:
    """On an empty database makes the root organisation and an administrator; returns (username, password) once."""
    with sessions.begin() as session:
        if session.scalar(select(func.count()).select_from(Person)):
            return None
        root = session.scalars(select(Organisation).where(Organisation.parent_id.is_(None))).first()
        root = root or organisations.add(session, None, "head", "HQ", "总公司")
        password = secrets.token_urlsafe(12)
        new = NewPerson(username="admin", name="管理员", roles=("admin", "supervisor"), password=password)
        add_person(session, root, new, by=None, now=clock.read(session))
        return new.username, password
