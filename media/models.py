"""Uploads, photos, review verdicts, annotations, assessments."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import DOUBLE_PRECISION, REAL
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Created, Id, Ref


class Upload(Base):
    """A resumable transfer, not yet a photo. `received` is what is on disk and fsynced."""

    __tablename__ = "upload"
    __table_args__ = (Index("ix_upload_expires_at", "expires_at", postgresql_where=text("state = 'open'")),)
    id: Mapped[Id]
    key: Mapped[str] = mapped_column(unique=True)  # unguessable name in the URL and on disk
    task_id: Mapped[Ref] = mapped_column(ForeignKey("task.id"), index=True)
    person_id: Mapped[Ref | None] = mapped_column(ForeignKey("person.id"))
    device_id: Mapped[Ref | None]
    customer: Mapped[bool] = mapped_column(server_default="false")
    length: Mapped[int | None] = mapped_column(BigInteger)
    received: Mapped[int] = mapped_column(BigInteger, server_default="0")
    meta: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(server_default="open")  # open | done | gone | refused
    photo_id: Mapped[Ref | None]
    created_at: Mapped[Created]
    expires_at: Mapped[datetime]


class Photo(Base):
    """Evidence. The original is never rewritten; `object_key` is derived from its SHA-256."""

    __tablename__ = "photo"
    __table_args__ = (
        UniqueConstraint("task_id", "sha256"),
        Index("ix_photo_unprocessed", "due_at", postgresql_where=text("state = 'received'")),
        Index("ix_photo_sha256", "sha256"),
        Index(
            "ix_photo_received_at",
            "received_at",
            postgresql_using="brin",
            postgresql_with={"autosummarize": True},
        ),
    )
    id: Mapped[Id]
    claim_id: Mapped[Ref] = mapped_column(ForeignKey("claim.id"), index=True)
    task_id: Mapped[Ref] = mapped_column(ForeignKey("task.id"), index=True)
    shot: Mapped[str]
    seq: Mapped[Ref | None]
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    object_key: Mapped[str]
    filename: Mapped[str]
    content_type: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    width: Mapped[int]
    height: Mapped[int]
    state: Mapped[str] = mapped_column(server_default="received")  # received | processed | damaged
    verdict: Mapped[str] = mapped_column(server_default="waiting")  # waiting | approved | sent_back
    taken_at: Mapped[datetime | None]  # phone's clock
    received_at: Mapped[Created]
    lon: Mapped[float | None] = mapped_column(DOUBLE_PRECISION)
    lat: Mapped[float | None] = mapped_column(DOUBLE_PRECISION)
    accuracy_m: Mapped[float | None] = mapped_column(REAL)
    exif: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    flags: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    phash: Mapped[int | None] = mapped_column(BigInteger)
    person_id: Mapped[Ref | None]
    device_id: Mapped[Ref | None]
    customer: Mapped[bool] = mapped_column(server_default="false")
    attempts: Mapped[int] = mapped_column(server_default="0")
    due_at: Mapped[Created]


class PhotoReview(Base):
    """A verdict on a photo; the newest counts. A send-back names its reason and reaches the phone."""

    __tablename__ = "photo_review"
    id: Mapped[Id]
    photo_id: Mapped[Ref] = mapped_column(ForeignKey("photo.id"), index=True)
    verdict: Mapped[str]  # approved | sent_back
    reason: Mapped[str | None]
    note: Mapped[str] = mapped_column(server_default="")
    region: Mapped[dict[str, Any] | None]
    by_id: Mapped[Ref] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime]
    answered_by: Mapped[Ref | None]  # the photo that answered the send-back


class Annotation(Base):
    """A W3C Web Annotation on a photo."""

    __tablename__ = "annotation"
    id: Mapped[Id]
    photo_id: Mapped[Ref] = mapped_column(ForeignKey("photo.id"), index=True)
    body: Mapped[dict[str, Any]]
    by_id: Mapped[Ref]
    at: Mapped[Created]


class Assessment(Base):
    """A version of the damage lines; the highest version counts; money in fen."""

    __tablename__ = "assessment"
    __table_args__ = (UniqueConstraint("claim_id", "version"),)
    id: Mapped[Id]
    claim_id: Mapped[Ref] = mapped_column(ForeignKey("claim.id"))
    version: Mapped[int]
    lines: Mapped[list[Any]]
    total_fen: Mapped[Ref]
    note: Mapped[str] = mapped_column(server_default="")
    by_id: Mapped[Ref]
    at: Mapped[Created]
    approved_by: Mapped[Ref | None]
    approved_at: Mapped[datetime | None]


class ShotWaiver(Base):
    """A required shot this job does without, and who said why."""

    __tablename__ = "shot_waiver"
    task_id: Mapped[Ref] = mapped_column(ForeignKey("task.id"), primary_key=True)
    shot: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str]
    by_id: Mapped[Ref] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime]
