"""Who is asking: sign-in, passwords, and the actor behind a token."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Literal

import argon2
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core import clock
from core.database import Sessions
from staff import tokens
from staff.errors import AccountLocked, BadSignIn, WeakPassword
from staff.models import Organisation, Person, Token

HASHER = argon2.PasswordHasher()
MIN_PASSWORD = 10
FREE_TRIES = 5
LONGEST_LOCK = timedelta(minutes=15)


@dataclass(frozen=True)
class Actor:
    """Somebody signed in, with what he may see: rows whose organisation path starts with `org_path`."""

    person_id: int
    org_id: int
    org_path: str
    roles: frozenset[str]
    kind: Literal["session", "api", "device"]
    device_id: int | None
    token_id: int
    name: str
    authority_fen: int
    lang: str

    def has(self, *roles: str) -> bool:
        """Whether the actor holds any of the roles."""
        return not self.roles.isdisjoint(roles)


def hash_password(password: str) -> str:
    """Argon2id. Raises WeakPassword below ten characters."""
    if len(password) < MIN_PASSWORD:
        raise WeakPassword(f"a password has at least {MIN_PASSWORD} characters")
    return HASHER.hash(password)


def lock_after(failures: int, now: datetime) -> datetime | None:
    """Until when an account rests after that many wrong passwords in a row: doubling from 30 s to 15 min."""
    if failures < FREE_TRIES:
        return None
    wait: timedelta = min(timedelta(seconds=30) * 2 ** min(failures - FREE_TRIES, 10), LONGEST_LOCK)
    return now + wait


@cache
def _nobody() -> str:
    """What is verified against when the name is unknown, so that the time of the answer tells nothing."""
    return HASHER.hash("nobody has this password")


def _matches(hashed: str | None, password: str) -> bool:
    nobody = (
        _nobody()
    )  # also for a known name: the first answer of a process must tell no more than the others
    try:
        return HASHER.verify(hashed or nobody, password) and hashed is not None
    except argon2.exceptions.VerifyMismatchError:
        return False


def prove(sessions: Sessions, username: str, password: str, *, now: datetime | None = None) -> int:
    """Whose name and password these are. Raises BadSignIn or AccountLocked; failures are counted in the account's row."""
    with sessions.begin() as session:
        now = clock.read(session, now)
        person = session.scalars(select(Person).where(Person.username == username)).one_or_none()
        locked = bool(person and person.locked_until and person.locked_until > now)
        hashed = person.password_hash if person and not person.disabled_at else None
        person_id = person.id if person else None
    if locked:
        raise AccountLocked("too many wrong passwords; try again later", retry_after_s=60)
    # Hashing takes tens of milliseconds: no transaction is held meanwhile.
    matched = _matches(hashed, password)
    if person_id is None:
        raise BadSignIn("the name or the password is wrong")
    with sessions.begin() as session:
        person = session.get_one(Person, person_id, with_for_update=True)
        if matched:
            person.failed_signins, person.locked_until = 0, None
        else:
            person.failed_signins += 1
            person.locked_until = lock_after(person.failed_signins, now)
    if not matched:
        raise BadSignIn("the name or the password is wrong")
    return person_id


def sign_in(
    sessions: Sessions, username: str, password: str, *, now: datetime | None = None
) -> tuple[Actor, str]:
    """Opens a web session. Raises BadSignIn or AccountLocked."""
    person_id = prove(sessions, username, password, now=now)
    with sessions.begin() as session:
        now = clock.read(session, now)
        token, secret = tokens.issue(session, "session", person_id, now=now, life=tokens.SESSION_LIFE)
        return actor_of(session, token, session.get_one(Person, person_id)), secret


def actor_of(session: Session, token: Token, person: Person) -> Actor:
    """The actor a token stands for."""
    path = session.execute(select(Organisation.path).where(Organisation.id == person.org_id)).scalar_one()
    return Actor(
        person_id=person.id,
        org_id=person.org_id,
        org_path=path,
        roles=frozenset(person.roles) if token.kind != "device" else frozenset(person.roles) & {"surveyor"},
        kind=token.kind,  # type: ignore[arg-type]
        device_id=token.device_id,
        token_id=token.id,
        name=person.name,
        authority_fen=person.authority_fen,
        lang=person.lang,
    )


WHO_HOLDS = """
SELECT t.id, t.kind, t.device_id, p.id AS person_id, p.org_id, o.path, p.roles, p.name, p.authority_fen, p.lang
  FROM token AS t
  JOIN person AS p ON p.id = t.person_id AND p.disabled_at IS NULL
  JOIN organisation AS o ON o.id = p.org_id
  LEFT JOIN device AS d ON d.id = t.device_id
 WHERE t.sha256 = :sha256 AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > clock_timestamp())
   AND d.revoked_at IS NULL
"""


def by_token(session: Session, secret: str) -> Actor | None:
    """The actor behind a token, or None when it is unknown, expired or revoked, or its person disabled."""
    row = session.execute(text(WHO_HOLDS), {"sha256": tokens.digest(secret)}).one_or_none()
    if row is None:
        return None
    roles = frozenset(row.roles)
    return Actor(
        person_id=row.person_id,
        org_id=row.org_id,
        org_path=row.path,
        roles=roles & {"surveyor"} if row.kind == "device" else roles,
        kind=row.kind,
        device_id=row.device_id,
        token_id=row.id,
        name=row.name,
        authority_fen=row.authority_fen,
        lang=row.lang,
    )
