"""Opaque 256-bit tokens: shown once, stored as SHA-256."""

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from staff.models import Token

SESSION_LIFE = timedelta(hours=12)
API_LIFE = timedelta(days=365)
PREFIX = "ck_"


def make() -> str:
    """A new token."""
    return PREFIX + secrets.token_urlsafe(32)


def digest(token: str) -> bytes:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).digest()


def issue(
    session: Session,
    kind: str,
    person_id: int,
    *,
    now: datetime,
    life: timedelta | None,
    label: str = "",
    device_id: int | None = None,
) -> tuple[Token, str]:
    """Creates a token row and returns it with the secret, which nobody can read again."""
    secret = make()
    token = Token(
        kind=kind,
        sha256=digest(secret),
        person_id=person_id,
        device_id=device_id,
        label=label,
        created_at=now,
        expires_at=now + life if life else None,
    )
    session.add(token)
    session.flush()
    return token, secret
