"""Messages to people, the customer's link, his rating."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Created, Id, Ref


class Message(Base):
    """One text to one address over one channel. `once` makes an event tell a person at most once."""

    __tablename__ = "message"
    __table_args__ = (
        Index("ix_message_due", "due_at", postgresql_where=text("state = 'waiting'")),
        Index("ix_message_created_at", "created_at"),
    )
    id: Mapped[Id]
    org_id: Mapped[Ref] = mapped_column(ForeignKey("organisation.id"))
    claim_id: Mapped[Ref | None] = mapped_column(ForeignKey("claim.id"), index=True)
    once: Mapped[str] = mapped_column(unique=True)
    audience: Mapped[str]  # customer | surveyor | dispatcher | branch_head | system
    channel: Mapped[str]  # sms | chat | mail | webhook
    address: Mapped[str]
    template: Mapped[str]
    values: Mapped[dict[str, Any]]
    text: Mapped[
        str
    ]  # the full text as the person reads it; what was said stays on record when templates change
    lang: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="waiting")  # waiting | sent | failed | dropped
    attempts: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[Created]
    due_at: Mapped[Created]
    stale_at: Mapped[datetime | None]
    leased_until: Mapped[datetime | None]  # one sender at a time; `attempts` is the fencing number
    sent_at: Mapped[datetime | None]
    driver: Mapped[str | None]
    provider_id: Mapped[str | None]
    last_error: Mapped[str | None]


class CustomerLink(Base):
    """The unguessable page of one claim for its reporter; expires."""

    __tablename__ = "customer_link"
    slug: Mapped[str] = mapped_column(primary_key=True)
    claim_id: Mapped[Ref] = mapped_column(ForeignKey("claim.id"), unique=True)
    created_at: Mapped[Created]
    expires_at: Mapped[datetime]


class Rating(Base):
    """What the customer thought of the service, one to five; the first of a claim counts."""

    __tablename__ = "rating"
    __table_args__ = (CheckConstraint("stars BETWEEN 1 AND 5", name="stars"),)
    claim_id: Mapped[Ref] = mapped_column(ForeignKey("claim.id"), primary_key=True)
    stars: Mapped[int]
    comment: Mapped[str] = mapped_column(server_default="")
    at: Mapped[Created]
