"""Offers, assignments, contacts, decisions."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Created, Id, Ref

OPEN = text("state = 'open'")
ACTIVE = text("ended_at IS NULL")


class Decision(Base):
    """Why somebody was asked: everyone considered, in order, and why each other was passed over."""

    __tablename__ = "decision"
    __table_args__ = (Index("ix_decision_task_id", "task_id", "id"),)
    id: Mapped[Id]
    task_id: Mapped[Ref] = mapped_column(ForeignKey("task.id"))
    at: Mapped[datetime]
    kind: Mapped[str]  # auto | manual
    radius_m: Mapped[int | None]
    provider: Mapped[str]  # which ETA spoke: straight_line | roads | …
    chosen_id: Mapped[Ref | None]
    candidates: Mapped[list[Any]]
    made_by: Mapped[Ref | None]
    reason: Mapped[str | None]


class Offer(Base):
    """A question to one surveyor with a deadline. One open a task, one open a surveyor: the index is the referee."""

    __tablename__ = "offer"
    __table_args__ = (
        Index("uq_offer_open_task", "task_id", unique=True, postgresql_where=OPEN),
        Index("uq_offer_open_surveyor", "surveyor_id", unique=True, postgresql_where=OPEN),
        Index("ix_offer_due", "expires_at", postgresql_where=OPEN),
        Index("ix_offer_task_id", "task_id"),
    )
    id: Mapped[Id]
    task_id: Mapped[Ref] = mapped_column(ForeignKey("task.id"))
    surveyor_id: Mapped[Ref] = mapped_column(ForeignKey("surveyor.id"))
    decision_id: Mapped[Ref | None] = mapped_column(ForeignKey("decision.id"))
    state: Mapped[str] = mapped_column(
        server_default="open"
    )  # open | accepted | declined | expired | withdrawn
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    decline_reason: Mapped[str | None]
    round: Mapped[int]
    rank: Mapped[int]
    distance_m: Mapped[int]
    eta_s: Mapped[int]


class Assignment(Base):
    """The accepted duty. One active a task; a trigger refuses one beyond the surveyor's cap (migration 0004)."""

    __tablename__ = "assignment"
    __table_args__ = (
        Index("uq_assignment_active_task", "task_id", unique=True, postgresql_where=ACTIVE),
        Index("ix_assignment_active_surveyor", "surveyor_id", postgresql_where=ACTIVE),
        Index("ix_assignment_task_id", "task_id"),
        Index("ix_assignment_surveyor_id", "surveyor_id", "accepted_at"),
    )
    id: Mapped[Id]
    task_id: Mapped[Ref] = mapped_column(ForeignKey("task.id"))
    surveyor_id: Mapped[Ref] = mapped_column(ForeignKey("surveyor.id"))
    offer_id: Mapped[Ref | None] = mapped_column(ForeignKey("offer.id"))
    accepted_at: Mapped[datetime]
    contacted_at: Mapped[datetime | None]
    departed_at: Mapped[datetime | None]
    arrived_at: Mapped[datetime | None]
    arrival_proof: Mapped[dict[str, Any] | None]
    appointment_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    report: Mapped[dict[str, Any] | None]
    eta_s: Mapped[int | None]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None]  # done | reassigned | handed_over | cancelled
    assigned_by: Mapped[Ref | None]
    reason: Mapped[str | None]


class SceneWatch(Base):
    """What the track says of a held job: since when he is at the scene, and when he left it again."""

    __tablename__ = "scene_watch"
    assignment_id: Mapped[Ref] = mapped_column(ForeignKey("assignment.id"), primary_key=True)
    checked_at: Mapped[datetime]
    came_at: Mapped[datetime | None]
    left_at: Mapped[datetime | None]


class Contact(Base):
    """A try to speak to the reporter. Only `answered` stops the contact clock."""

    __tablename__ = "contact"
    __table_args__ = (UniqueConstraint("task_id", "device_id", "seq"),)
    id: Mapped[Id]
    task_id: Mapped[Ref] = mapped_column(ForeignKey("task.id"), index=True)
    surveyor_id: Mapped[Ref] = mapped_column(ForeignKey("surveyor.id"))
    device_id: Mapped[Ref | None]
    seq: Mapped[Ref | None]
    channel: Mapped[str]
    result: Mapped[str]  # answered | no_answer | refused | wrong_number
    at: Mapped[Created]
    device_at: Mapped[datetime | None]
    marks: Mapped[list[str]] = mapped_column(
        server_default=text("'{}'")
    )  # before_dispatch, not_assigned, unverified
