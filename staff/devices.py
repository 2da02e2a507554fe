"""Phones and trackers: pairing by short code, device tokens, revocation."""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core import audit
from staff import accounts, tokens
from staff.accounts import Actor
from staff.errors import BadPairingCode
from staff.models import Device, PairingCode, Person, Surveyor, Token

CODE_LIFE = timedelta(minutes=10)
# No 0/O, 1/I/L: the code is read aloud over the telephone.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
CODE_LENGTH = 8


@dataclass(frozen=True)
class Paired:
    """A fresh device with its secrets, shown once."""

    device: Device
    surveyor: Person
    token: str
    tracker_id: str


def pairing_code(session: Session, surveyor_id: int, *, made_by: int, now: datetime) -> tuple[str, datetime]:
    """Makes a one-use code for a surveyor, good for ten minutes."""
    code = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
    expires_at = now + CODE_LIFE
    session.add(
        PairingCode(
            sha256=tokens.digest(code), surveyor_id=surveyor_id, made_by=made_by, expires_at=expires_at
        )
    )
    audit.append(session, made_by, "device.code_made", "surveyor", surveyor_id, now=now)
    return code, expires_at


def clean_code(typed: str) -> str:
    """A code as people type it: any case, with spaces or dashes."""
    return "".join(c for c in typed.upper() if c.isalnum())


def pair(session: Session, typed: str, *, label: str, now: datetime) -> Paired:
    """Turns a code into a device. Raises BadPairingCode when it is unknown, used or late."""
    code = session.get(PairingCode, tokens.digest(clean_code(typed)), with_for_update=True)
    if code is None or code.used_at is not None or code.expires_at <= now:
        raise BadPairingCode("that code is unknown, used, or older than ten minutes")
    code.used_at = now
    return add(session, code.surveyor_id, label=label, now=now)


def add(session: Session, surveyor_id: int, *, label: str, now: datetime) -> Paired:
    """Creates a device of a surveyor with its token and tracker id."""
    tracker_id = secrets.token_hex(16)
    device = Device(
        surveyor_id=surveyor_id, label=label, tracker_sha256=tokens.digest(tracker_id), paired_at=now
    )
    session.add(device)
    session.flush()
    _, secret = tokens.issue(
        session, "device", surveyor_id, now=now, life=None, label=label, device_id=device.id
    )
    audit.append(session, surveyor_id, "device.paired", "device", device.id, now=now)
    return Paired(device, session.get_one(Person, surveyor_id), secret, tracker_id)


def revoke(session: Session, device_id: int, *, by: int, now: datetime) -> None:
    """Ends a device and every token of it at once."""
    device = session.get_one(Device, device_id, with_for_update=True)
    device.revoked_at = device.revoked_at or now
    for token in session.scalars(
        select(Token).where(Token.device_id == device_id, Token.revoked_at.is_(None))
    ):
        token.revoked_at = now
    audit.append(session, by, "device.revoked", "device", device_id, now=now)


def by_token(session: Session, secret: str) -> Actor | None:
    """The actor of a device token, or None."""
    actor = accounts.by_token(session, secret)
    return actor if actor is not None and actor.kind == "device" else None


def by_tracker_id(session: Session, tracker_id: str) -> Actor | None:
    """The actor of a Traccar id, or None when it is unknown or its device revoked."""
    row = session.execute(
        text(
            "SELECT t.id AS token_id, d.id AS device_id FROM device AS d JOIN token AS t ON t.device_id = d.id"
            " WHERE d.tracker_sha256 = :sha256 AND d.revoked_at IS NULL AND t.revoked_at IS NULL LIMIT 1"
        ),
        {"sha256": tokens.digest(tracker_id)},
    ).one_or_none()
    if row is None:
        return None
    token = session.get_one(Token, row.token_id)
    person = session.get_one(Person, token.person_id)
    return None if person.disabled_at else accounts.actor_of(session, token, person)


SENDERS = """
SELECT t.sha256 AS digest, d.surveyor_id, d.id AS device_id, t.id AS token_id
  FROM token AS t
  JOIN device AS d ON d.id = t.device_id AND d.revoked_at IS NULL
  JOIN person AS p ON p.id = t.person_id AND p.disabled_at IS NULL AND 'surveyor' = ANY(p.roles)
 WHERE t.sha256 = ANY(:tokens) AND t.kind = 'device' AND t.revoked_at IS NULL
   AND (t.expires_at IS NULL OR t.expires_at > clock_timestamp())
 UNION ALL
SELECT DISTINCT ON (d.id) d.tracker_sha256, d.surveyor_id, d.id, t.id
  FROM device AS d
  JOIN token AS t ON t.device_id = d.id AND t.revoked_at IS NULL
  JOIN person AS p ON p.id = t.person_id AND p.disabled_at IS NULL AND 'surveyor' = ANY(p.roles)
 WHERE d.tracker_sha256 = ANY(:trackers) AND d.revoked_at IS NULL
"""


def senders(
    session: Session, tokens: Sequence[bytes], trackers: Sequence[bytes]
) -> list[tuple[bytes, int, int, int]]:
    """Who may send positions, of many at once: digest, surveyor, device, token, by the digests of tokens and Traccar ids."""
    rows = session.execute(text(SENDERS), {"tokens": list(tokens), "trackers": list(trackers)})
    return [(bytes(row.digest), row.surveyor_id, row.device_id, row.token_id) for row in rows]


# Whoever was heard of or paired last will most likely speak next; a site of a million devices has many that never do.
LATELY = """
WITH lately AS MATERIALIZED (
  SELECT id, surveyor_id, tracker_sha256, app
    FROM device
   WHERE revoked_at IS NULL AND greatest(seen_at, paired_at) > clock_timestamp() - CAST(:within AS interval)
   ORDER BY greatest(seen_at, paired_at) DESC
   LIMIT :most)
SELECT t.sha256 AS by_token, d.tracker_sha256 AS by_tracker, d.surveyor_id, d.id AS device_id, t.id AS token_id, d.app
  FROM lately AS d
  JOIN token AS t ON t.device_id = d.id AND t.kind = 'device' AND t.revoked_at IS NULL
   AND (t.expires_at IS NULL OR t.expires_at > clock_timestamp())
  JOIN person AS p ON p.id = t.person_id AND p.disabled_at IS NULL AND 'surveyor' = ANY(p.roles)
"""
LATELY_WITHIN, LATELY_AT_ONCE = timedelta(days=7), 1_000


def senders_lately(session: Session, most: int) -> Iterator[Sequence[Any]]:
    """Who may send and spoke or was paired in the last days, the latest `most` devices, a thousand at a time.

    Of each: digests of token and Traccar id, surveyor, device, token, what the app calls itself (or None).
    """
    rows = session.execute(
        text(LATELY),
        {"within": LATELY_WITHIN, "most": most},
        execution_options={"yield_per": LATELY_AT_ONCE},
    )
    yield from rows.partitions()


def surveyor_of(session: Session, actor: Actor) -> Surveyor | None:
    """The surveyor row of an actor, or None when he is not one."""
    return session.get(Surveyor, actor.person_id)
