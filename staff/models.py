"""Organisations, people, surveyors, devices, tokens, shifts, rules."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Created, Id, Ref

ROLES = ("seat", "dispatcher", "surveyor", "adjuster", "supervisor", "admin", "integration")


class Organisation(Base):
    """A node of the insurer's tree. `path` is '/id/id/' from the root, so that a scope is a prefix."""

    __tablename__ = "organisation"
    __table_args__ = (Index("ix_organisation_path", "path", postgresql_ops={"path": "text_pattern_ops"}),)
    id: Mapped[Id]
    parent_id: Mapped[Ref | None] = mapped_column(ForeignKey("organisation.id"))
    kind: Mapped[str]  # head | branch | sub_branch | firm
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    path: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[Created]


class Person(Base):
    """Somebody who may sign in. Money authority is what he may approve, in fen."""

    __tablename__ = "person"
    # Only for who looks for the nearest (migration 0018), as ix_surveyor_on_duty.
    __table_args__ = (
        Index(
            "ix_person_able", "id", postgresql_include=["name"], postgresql_where=text("disabled_at IS NULL")
        ),
    )
    id: Mapped[Id]
    org_id: Mapped[Ref] = mapped_column(ForeignKey("organisation.id"), index=True)
    username: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    phone: Mapped[str | None]
    email: Mapped[str | None]
    roles: Mapped[list[str]]
    password_hash: Mapped[str | None]
    authority_fen: Mapped[Ref] = mapped_column(server_default="0")
    lang: Mapped[str] = mapped_column(server_default="zh-CN")
    failed_signins: Mapped[int] = mapped_column(server_default="0")
    locked_until: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    created_at: Mapped[Created]


class Surveyor(Base):
    """A person who goes to the scene; same id as the person."""

    __tablename__ = "surveyor"
    __table_args__ = (
        CheckConstraint("max_open >= 0", name="max_open"),
        Index(
            "ix_surveyor_on_duty",
            "id",
            postgresql_include=["org_id", "skills", "max_open"],
            postgresql_where=text("on_duty"),
        ),
    )
    id: Mapped[Ref] = mapped_column(ForeignKey("person.id"), primary_key=True)
    org_id: Mapped[Ref] = mapped_column(ForeignKey("organisation.id"), index=True)
    skills: Mapped[list[str]]
    max_open: Mapped[int] = mapped_column(server_default="5")
    on_duty: Mapped[bool] = mapped_column(server_default="false")
    on_duty_since: Mapped[datetime | None]
    shift_until: Mapped[datetime | None]  # when he means to go home; nobody is sent beyond it
    silences: Mapped[int] = mapped_column(server_default="0")  # offers in a row that he let run out
    silent_at: Mapped[datetime | None]
    # Offers in a row that no phone of his fetched, since his phone last looked for what is new.
    unreached: Mapped[int] = mapped_column(server_default="0")


class Device(Base):
    """A phone or tracker of one surveyor. Secrets are kept as SHA-256 only; `seq_seen` orders its operations."""

    __tablename__ = "device"
    id: Mapped[Id]
    surveyor_id: Mapped[Ref] = mapped_column(ForeignKey("surveyor.id"), index=True)
    label: Mapped[str]
    tracker_sha256: Mapped[bytes] = mapped_column(
        LargeBinary, unique=True
    )  # of the Traccar id, a secret in a URL
    paired_at: Mapped[Created]
    seen_at: Mapped[datetime | None]
    seq_seen: Mapped[Ref] = mapped_column(server_default="0")
    app: Mapped[str | None]  # what the app that spoke last calls itself, version included
    revoked_at: Mapped[datetime | None]


class Token(Base):
    """A credential: web session, API token or device token. Only its SHA-256 is stored."""

    __tablename__ = "token"
    id: Mapped[Id]
    kind: Mapped[str]  # session | api | device
    sha256: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    person_id: Mapped[Ref] = mapped_column(ForeignKey("person.id"), index=True)
    device_id: Mapped[Ref | None] = mapped_column(ForeignKey("device.id"), index=True)
    label: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[Created]
    seen_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class PairingCode(Base):
    """A short code shown on the desk that turns a phone into a device; ten minutes, one use."""

    __tablename__ = "pairing_code"
    sha256: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    surveyor_id: Mapped[Ref] = mapped_column(ForeignKey("surveyor.id"))
    made_by: Mapped[Ref]
    created_at: Mapped[Created]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Shift(Base):
    """A period on duty. Open while `ended_at` is null; at most one open a surveyor."""

    __tablename__ = "shift"
    __table_args__ = (
        Index("uq_shift_open", "surveyor_id", unique=True, postgresql_where=text("ended_at IS NULL")),
        Index("ix_shift_surveyor_id", "surveyor_id", "started_at"),
    )
    id: Mapped[Id]
    surveyor_id: Mapped[Ref] = mapped_column(ForeignKey("surveyor.id"))
    kind: Mapped[str] = mapped_column(server_default="normal")
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Rule(Base):
    """A setting of an organisation; the nearest ancestor wins; defaults live in code (`claims.limits`, …)."""

    __tablename__ = "rule"
    __table_args__ = (UniqueConstraint("org_id", "key"),)
    id: Mapped[Id]
    org_id: Mapped[Ref] = mapped_column(ForeignKey("organisation.id"))
    key: Mapped[str]
    value: Mapped[Any] = mapped_column(JSONB)
    version: Mapped[int] = mapped_column(server_default="1")
    changed_by: Mapped[Ref | None]
    changed_at: Mapped[Created]


class Preference(Base):
    """What a person chose to see on a page, such as the filters of the desk. Nothing depends on it."""

    __tablename__ = "preference"
    person_id: Mapped[Ref] = mapped_column(ForeignKey("person.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[dict[str, Any]]
    changed_at: Mapped[Created]
