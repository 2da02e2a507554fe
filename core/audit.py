"""The audit chain: who did what to which row; each entry's hash covers the one before."""

import hashlib
import json
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core import clock
from core.models import AuditEntry

GENESIS = b"\0" * 32
# Serialises writers: two entries with the same predecessor would fork the chain.
CHAIN_LOCK = 0x43414B41


def entry_hash(
    prev: bytes, at: datetime, actor_id: int | None, action: str, subject: str, facts: dict[str, Any]
) -> bytes:
    """SHA-256 over the predecessor's hash and a canonical JSON form of the entry."""
    body = json.dumps([at.isoformat(), actor_id, action, subject, facts], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(prev + body.encode()).digest()


def append(
    session: Session,
    actor_id: int | None,
    action: str,
    subject_kind: str,
    subject_id: int | None,
    *,
    actor_kind: str = "person",
    now: datetime | None = None,
    **facts: Any,
) -> None:
    """Adds an entry in the caller's transaction. `facts` hold ids and words, never a name, phone or plate."""
    at = clock.read(session, now)
    session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": CHAIN_LOCK})
    prev = session.scalar(select(AuditEntry.hash).order_by(AuditEntry.seq.desc()).limit(1)) or GENESIS
    subject = f"{subject_kind}:{subject_id}"
    session.add(
        AuditEntry(
            at=at,
            actor_id=actor_id,
            actor_kind=actor_kind,
            action=action,
            subject_kind=subject_kind,
            subject_id=subject_id,
            facts=facts,
            prev_hash=prev,
            hash=entry_hash(prev, at, actor_id, action, subject, facts),
        )
    )
    session.flush()


def first_break(session: Session) -> int | None:
    """The `seq` of the first entry that does not follow from its predecessor, or None when the chain is whole."""
    prev = GENESIS
    for entry in session.query(AuditEntry).order_by(AuditEntry.seq).yield_per(1000):
        subject = f"{entry.subject_kind}:{entry.subject_id}"
        if entry.prev_hash != prev:
            return entry.seq
        if entry.hash != entry_hash(prev, entry.at, entry.actor_id, entry.action, subject, entry.facts):
            return entry.seq
        prev = entry.hash
    return None
