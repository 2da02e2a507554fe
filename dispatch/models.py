"""Offers, assignments, contacts, decisions."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import TSTZRANGE, Range
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Created, Id, Ref

OPEN = text("state = 'open'")
ACTIVE = text("ended_at IS NULL")
TRYING = text("state IN ('waiting', 'running')")


class Decision(Base):
    """Why somebody was asked: everyone considered, in order, and why each other was passed over."""

    __tablename__ = "decision"
    __table_args__ = (Index("ix_decision_task_id", "task_id", "id"),)
    id: Mapped[Id]
    task_id: Mapped[Ref] = mapped_column(ForeignKey("task.id"))
    at: Mapped[datetime]
    kind: Mapped[str]  # auto | manual | switch | proposal
    radius_m: Mapped[int | None]
    provider: Mapped[str]  # which ETA spoke: straight_line | roads | …
    chosen_id: Mapped[Ref | None]
    candidates: Mapped[list[Any]]
    made_by: Mapped[Ref | None]
    reason: Mapped[str | None]
    # Of a switch or a proposal: from, clock, why, late_s, gain_s.
    facts: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))


class Offer(Base):
    """A question to one surveyor with a deadline. One open a task, one open a surveyor: the index is the referee."""

    __tablename__ = "offer"
    __table_args__ = (
        Index("uq_offer_open_task", "task_id", unique=True, postgresql_where=OPEN),
        Index("uq_offer_open_surveyor", "surveyor_id", unique=True, postgresql_where=OPEN),
        Index("ix_offer_due", "expires_at", postgresql_where=OPEN),
        Index("ix_offer_task_id", "task_id"),
        Index(
            "ix_offer_made_at", "made_at", postgresql_using="brin", postgresql_with={"autosummarize": True}
        ),
    )
    id: Mapped[Id]
    task_id: Mapped[Ref] = mapped_column(ForeignKey("task.id"))
    surveyor_id: Mapped[Ref] = mapped_column(ForeignKey("surveyor.id"))
    decision_id: Mapped[Ref | None] = mapped_column(ForeignKey("decision.id"))
    state: Mapped[str] = mapped_column(
        server_default="open"
    )  # open | accepted | declined | expired | unreached | withdrawn
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    # When a phone that can show it first got it, and until when one must have; no such end: None.
    delivered_at: Mapped[datetime | None]
    reach_by: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    decline_reason: Mapped[str | None]
    round: Mapped[int]
    rank: Mapped[int]
    distance_m: Mapped[int]
    eta_s: Mapped[int]
    # Of `eta_s`, which counts from the question on, the drive alone, and who told it: roads | straight_line | …
    drive_s: Mapped[int | None]
    eta_by: Mapped[str | None]


class Assignment(Base):
    """The accepted duty. One active a task; a trigger refuses one beyond the surveyor's cap (migration 0004)."""

    __tablename__ = "assignment"
    __table_args__ = (
        Index("uq_assignment_active_task", "task_id", unique=True, postgresql_where=ACTIVE),
        Index("ix_assignment_active_surveyor", "surveyor_id", postgresql_where=ACTIVE),
        Index(
            "ix_assignment_in_hand",
            "surveyor_id",
            postgresql_where=text("COALESCE(ended_at, completed_at) IS NULL"),
        ),
        Index("ix_assignment_task_id", "task_id"),
        Index("ix_assignment_surveyor_id", "surveyor_id", "accepted_at"),
        Index(
            "ix_assignment_accepted_at",
            "accepted_at",
            postgresql_using="brin",
            postgresql_with={"autosummarize": True},
        ),
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
    # His own word on when the job will be done, and when he gave it.
    done_by_at: Mapped[datetime | None]
    done_said_at: Mapped[datetime | None]
    report: Mapped[dict[str, Any] | None]
    eta_s: Mapped[int | None]
    drive_s: Mapped[int | None]
    eta_by: Mapped[str | None]
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


class ServiceTime(Base):
    """How long a survey takes on scene, by insurer and line: the median of what was, learned nightly."""

    __tablename__ = "service_time"
    root_id: Mapped[Ref] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    line: Mapped[str] = mapped_column(primary_key=True)
    median_s: Mapped[int]
    jobs: Mapped[int]
    learned_at: Mapped[datetime]


class OwnWord(Base):
    """How far people's own word on when they are done comes true, by insurer: the median of taken ÷ said, learned nightly.

    `spread`: the standard deviation of the logarithm of that quotient.
    """

    __tablename__ = "own_word"
    root_id: Mapped[Ref] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    takes: Mapped[float]
    spread: Mapped[float]
    jobs: Mapped[int]
    learned_at: Mapped[datetime]


class Milestone(Base):
    """What a report needs of a claim that was settled at `closed_at`; derived, see dispatch/milestones.py."""

    __tablename__ = "milestone"
    claim_id: Mapped[Ref] = mapped_column(ForeignKey("claim.id"), primary_key=True)
    closed_at: Mapped[datetime]
    begun_at: Mapped[datetime]
    offered_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    contacted_at: Mapped[datetime | None]
    arrived_at: Mapped[datetime | None]
    submitted_at: Mapped[datetime | None]
    approved_at: Mapped[datetime | None]
    withdrawn: Mapped[bool]
    # No clock, or none that has been judged: None.
    dispatch_kept: Mapped[bool | None]
    dispatch_excused: Mapped[bool]
    contact_kept: Mapped[bool | None]
    contact_excused: Mapped[bool]
    arrival_kept: Mapped[bool | None]
    arrival_excused: Mapped[bool]
    assessment_kept: Mapped[bool | None]
    assessment_excused: Mapped[bool]


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


class RuleTry(Base):
    """Rules as they would be, to be played on the last days. `result` holds figures before and after, all simulated."""

    __tablename__ = "rule_try"
    __table_args__ = (Index("uq_rule_try_active", "org_id", unique=True, postgresql_where=TRYING),)
    id: Mapped[Id]
    org_id: Mapped[Ref] = mapped_column(ForeignKey("organisation.id"))
    asked_by: Mapped[Ref] = mapped_column(ForeignKey("person.id"))
    changes: Mapped[dict[str, Any]]
    days: Mapped[int]
    state: Mapped[str] = mapped_column(server_default="waiting")
    attempts: Mapped[int] = mapped_column(server_default="0")
    progress: Mapped[float] = mapped_column(server_default="0")
    beat_at: Mapped[datetime | None]
    created_at: Mapped[Created]
    done_at: Mapped[datetime | None]
    result: Mapped[dict[str, Any] | None]
    error: Mapped[str | None]


class Bundle(Base):
    """Losses near each other in a catastrophe, visited by one surveyor: his yes to the lead is his yes to all."""

    __tablename__ = "bundle"
    __table_args__ = (
        Index("uq_bundle_open_lead", "lead_id", unique=True, postgresql_where=OPEN),
        CheckConstraint("state IN ('open','taken','dissolved')", name="state"),
    )
    id: Mapped[Id]
    catastrophe_id: Mapped[Ref] = mapped_column(ForeignKey("catastrophe.id"), index=True)
    lead_id: Mapped[Ref] = mapped_column(ForeignKey("task.id"))
    state: Mapped[str] = mapped_column(server_default="open")
    made_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    surveyor_id: Mapped[Ref | None] = mapped_column(ForeignKey("surveyor.id"))


class BundleTask(Base):
    """A companion of a bundle's lead. In one open bundle at most: the index is the referee."""

    __tablename__ = "bundle_task"
    __table_args__ = (
        Index("uq_bundle_task_open", "task_id", unique=True, postgresql_where=text("outcome IS NULL")),
        CheckConstraint("outcome IN ('taken','left')", name="outcome"),
    )
    bundle_id: Mapped[Ref] = mapped_column(ForeignKey("bundle.id"), primary_key=True)
    task_id: Mapped[Ref] = mapped_column(ForeignKey("task.id"), primary_key=True)
    place_no: Mapped[int]
    outcome: Mapped[str | None]


class MoveUp(Base):
    """A free surveyor asked to wait elsewhere, and what he said. One open a surveyor."""

    __tablename__ = "move_up"
    __table_args__ = (
        Index("uq_move_up_open_surveyor", "surveyor_id", unique=True, postgresql_where=OPEN),
        Index("ix_move_up_org_id", "org_id", "made_at"),
        CheckConstraint("state IN ('open','accepted','declined','expired','withdrawn')", name="state"),
    )
    id: Mapped[Id]
    surveyor_id: Mapped[Ref] = mapped_column(ForeignKey("surveyor.id"))
    org_id: Mapped[Ref] = mapped_column(ForeignKey("organisation.id"))
    lon: Mapped[float]
    lat: Mapped[float]
    place_text: Mapped[str | None]
    state: Mapped[str] = mapped_column(server_default="open")
    made_by: Mapped[Ref] = mapped_column(ForeignKey("person.id"))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    decline_reason: Mapped[str | None]
    within_s: Mapped[int]
    drive_s: Mapped[int]
    covered_before: Mapped[float]
    covered_after: Mapped[float]
    provider: Mapped[str]


class DeskPast(Base):
    """A version of a row that a card is made of, and the time it was valid for. Written by triggers (migration 0015)."""

    __tablename__ = "desk_past"
    __table_args__ = (
        Index(
            "uq_desk_past_present",
            "kind",
            "ref",
            "owner",
            unique=True,
            postgresql_where=text("upper_inf(span)"),
        ),
        Index("ix_desk_past_owner", "owner"),
        Index("ix_desk_past_then", "span", postgresql_using="gist", postgresql_where=text("matters")),
        Index("ix_desk_past_begun", func.lower(text("span"))),
    )
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    kind: Mapped[str]  # task | claim | item | duplicate | clock | offer | assignment | surveyor
    ref: Mapped[Ref]
    owner: Mapped[Ref]  # the claim; of an offer or assignment the task; of a surveyor himself
    span: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    matters: Mapped[bool]  # an open job, an open offer, an active duty, a surveyor
    body: Mapped[dict[str, Any]]
