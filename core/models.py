"""Tables every room leans on: outbox and deliveries, idempotency keys, audit, job heartbeat."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Identity, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Created, Id, Ref


class Outbox(Base):
    """An event, committed with the change it tells of."""

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_unrelayed", "id", postgresql_where=text("relayed_at IS NULL")),)
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    event: Mapped[str]
    payload: Mapped[dict[str, Any]]
    created_at: Mapped[Created]
    relayed_at: Mapped[datetime | None]


class Delivery(Base):
    """One listener's duty towards one event: done, waiting for a try, or parked after too many."""

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("outbox_id", "listener"),
        Index("ix_delivery_due", "due_at", postgresql_where=text("state = 'waiting'")),
    )
    id: Mapped[Id]
    outbox_id: Mapped[Ref]
    listener: Mapped[str]
    queue: Mapped[str]
    event: Mapped[str]
    payload: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(server_default="waiting")
    attempts: Mapped[int] = mapped_column(server_default="0")
    due_at: Mapped[Created]
    done_at: Mapped[datetime | None]
    last_error: Mapped[str | None]


class IdempotencyKey(Base):
    """The answer already given to a request, kept seven days."""

    __tablename__ = "idempotency_key"
    actor: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    content_type: Mapped[str]
    created_at: Mapped[Created] = mapped_column(index=True)


class AuditEntry(Base):
    """Who did what, chained by hash. Never updated, never deleted (the database refuses)."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index("ix_audit_entry_subject", "subject_kind", "subject_id"),)
    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime]
    actor_id: Mapped[Ref | None]
    actor_kind: Mapped[str]
    action: Mapped[str]
    subject_kind: Mapped[str]
    subject_id: Mapped[Ref | None]
    facts: Mapped[dict[str, Any]]
    prev_hash: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class Heartbeat(Base):
    """When a long-running part was last alive; the doctor and /readyz read it."""

    __tablename__ = "heartbeat"
    part: Mapped[str] = mapped_column(primary_key=True)
    beat_at: Mapped[datetime]
    facts: Mapped[dict[str, Any]]
