"""Claims, their items, duplicate marks, survey tasks, clocks, escalations, and the timeline."""

from datetime import datetime
from typing import Any

from geoalchemy2 import Geography
from sqlalchemy import ARRAY, BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, Created, Id, Ref

OPEN_TASK = text("state NOT IN ('approved', 'cancelled')")
# What a claim is searched by, with its plates: any part of three letters or more comes by index.
WRITTEN = ("report_no", "external_no", "reporter_phone", "reporter_name", "place_text", "policy_no")
TRIGRAMS = "gin_trgm_ops"


class Claim(Base):
    """A case, from first notice to approval. `place` is the loss location, WGS-84, or null until somebody pins it."""

    __tablename__ = "claim"
    __table_args__ = (
        # The hour beside the place: a look for the same accident must not read every loss there ever was at a busy crossing.
        Index(
            "ix_claim_place_at",
            "place",
            text("COALESCE(loss_at, reported_at)"),
            postgresql_using="gist",
        ),
        Index(
            "uq_claim_external_no",
            "org_id",
            "external_no",
            unique=True,
            postgresql_where=text("external_no IS NOT NULL"),
        ),
        Index("ix_claim_state_reported_at", "state", "reported_at"),
        Index("ix_claim_reporter_phone", "reporter_phone"),
        Index(
            "ix_claim_catastrophe_id",
            "catastrophe_id",
            postgresql_where=text("catastrophe_id IS NOT NULL"),
        ),
        Index("ix_claim_insurer_id", "insurer_id", postgresql_where=text("insurer_id IS NOT NULL")),
        Index("ix_claim_org_id_reported_at", "org_id", "reported_at"),
        Index(
            "ix_claim_found_by",
            *WRITTEN,
            postgresql_using="gin",
            postgresql_ops=dict.fromkeys(WRITTEN, TRIGRAMS),
        ),
    )
    id: Mapped[Id]
    org_id: Mapped[Ref] = mapped_column(ForeignKey("organisation.id"))
    area_id: Mapped[Ref | None] = mapped_column(ForeignKey("area.id"))
    # 通赔: the branch that insures, when another branch surveys where the loss happened; it sees the claim.
    insurer_id: Mapped[Ref | None] = mapped_column(ForeignKey("organisation.id"))
    report_no: Mapped[str] = mapped_column(unique=True)
    external_no: Mapped[str | None]
    line: Mapped[str]  # motor | property | agri | assist
    state: Mapped[str] = mapped_column(server_default="open")
    reported_at: Mapped[datetime] = mapped_column(index=True)
    call_ended_at: Mapped[datetime | None]
    reporter_name: Mapped[str | None]
    reporter_phone: Mapped[str]  # E.164 when it parses, else digits
    reporter_phone_typed: Mapped[str]
    reporter_relation: Mapped[str | None]
    loss_at: Mapped[datetime | None]
    place_text: Mapped[str | None]
    place: Mapped[Any | None] = mapped_column(Geography("POINT", 4326, spatial_index=False))
    place_source: Mapped[str | None]  # datum it came in: wgs84 | gcj02 | bd09
    cause: Mapped[str | None]
    injured: Mapped[int] = mapped_column(server_default="0")
    movable: Mapped[bool | None]
    scene_left: Mapped[bool | None]
    policy_no: Mapped[str | None]
    needs: Mapped[list[str]]
    note: Mapped[str] = mapped_column(server_default="")
    marks: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))  # late_report, odd_plate, …
    created_by: Mapped[Ref | None]
    created_at: Mapped[Created]
    version: Mapped[int] = mapped_column(server_default="1")
    closed_at: Mapped[datetime | None]
    close_reason: Mapped[str | None]
    # The catastrophe it was reported in: its clocks keep those limits for good (S-18).
    catastrophe_id: Mapped[Ref | None] = mapped_column(ForeignKey("catastrophe.id"))


class ClaimItem(Base):
    """A vehicle, person or thing concerned."""

    __tablename__ = "claim_item"
    __table_args__ = (
        Index("ix_claim_item_plate_key", "plate_key"),
        Index(
            "ix_claim_item_found_by",
            "plate_key",
            postgresql_using="gin",
            postgresql_ops={"plate_key": TRIGRAMS},
        ),
    )
    id: Mapped[Id]
    claim_id: Mapped[Ref] = mapped_column(ForeignKey("claim.id"), index=True)
    kind: Mapped[str]  # own_vehicle | third_vehicle | person | property | animal | field
    plate: Mapped[str | None]
    plate_key: Mapped[str | None]  # upper case, no spaces or dots, for comparing
    vin: Mapped[str | None]
    description: Mapped[str] = mapped_column(server_default="")


class ClaimDuplicate(Base):
    """A mark, never a merge: this claim looks like that one, for these reasons."""

    __tablename__ = "claim_duplicate"
    claim_id: Mapped[Ref] = mapped_column(ForeignKey("claim.id"), primary_key=True)
    other_id: Mapped[Ref] = mapped_column(ForeignKey("claim.id"), primary_key=True)
    reasons: Mapped[list[str]]
    created_at: Mapped[Created]


class Task(Base):
    """The survey job of a claim: what dispatch hands out. At most one open a claim."""

    __tablename__ = "task"
    __table_args__ = (
        Index("uq_task_open_claim", "claim_id", unique=True, postgresql_where=OPEN_TASK),
        Index("ix_task_due", "next_try_at", postgresql_where=text("state = 'pending'")),
        Index("ix_task_state", "state"),
        CheckConstraint(
            "state IN ('pending','offered','accepted','contacted','en_route','on_scene','submitted','approved',"
            "'returned','unassigned','cancelled')",
            name="state",
        ),
    )
    id: Mapped[Id]
    claim_id: Mapped[Ref] = mapped_column(ForeignKey("claim.id"), index=True)
    org_id: Mapped[Ref] = mapped_column(ForeignKey("organisation.id"), index=True)
    kind: Mapped[str] = mapped_column(server_default="survey")
    state: Mapped[str] = mapped_column(server_default="pending")
    state_since: Mapped[datetime]
    needs: Mapped[list[str]]
    priority: Mapped[int] = mapped_column(server_default="0")
    round: Mapped[int] = mapped_column(server_default="0")  # offers made so far by itself
    unreached: Mapped[int] = mapped_column(server_default="0")  # and how many besides that no phone fetched
    next_try_at: Mapped[datetime | None]
    unassigned_reason: Mapped[str | None]  # no_position | nobody_on_duty | nobody_in_reach | rounds_used
    switches: Mapped[int] = mapped_column(
        server_default="0"
    )  # taken from a holder for a foreseen breach, so often
    switched_at: Mapped[datetime | None]
    reviewer_id: Mapped[Ref | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[Created]


class Clock(Base):
    """A deadline as a row. `start_at` and `due_at` are facts; `state` is running, met, breached, paused or void."""

    __tablename__ = "clock"
    __table_args__ = (
        UniqueConstraint("claim_id", "kind"),
        Index("ix_clock_running", "due_at", postgresql_where=text("state = 'running'")),
        Index("ix_clock_broken", "claim_id", postgresql_where=text("breached_at IS NOT NULL")),
    )
    id: Mapped[Id]
    claim_id: Mapped[Ref] = mapped_column(ForeignKey("claim.id"), index=True)
    kind: Mapped[str]  # dispatch | contact | arrival | assessment
    start_event: Mapped[str]
    start_at: Mapped[datetime]
    limit_s: Mapped[int]
    due_at: Mapped[datetime]
    stopped_at: Mapped[datetime | None]
    stop_event: Mapped[str | None]
    breached_at: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(server_default="running")
    predicted: Mapped[str] = mapped_column(server_default="ok")  # ok | at_risk | late
    pauses: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    rule_version: Mapped[int] = mapped_column(server_default="1")


class Escalation(Base):
    """A rung of a clock's ladder, made with the clock, fired once by the sweeper."""

    __tablename__ = "escalation"
    __table_args__ = (
        UniqueConstraint("clock_id", "stage"),
        Index("ix_escalation_waiting", "due_at", postgresql_where=text("state = 'waiting'")),
        Index(
            "ix_escalation_unseen", "id", postgresql_where=text("state = 'fired' AND acknowledged_at IS NULL")
        ),
    )
    id: Mapped[Id]
    clock_id: Mapped[Ref] = mapped_column(ForeignKey("clock.id"))
    stage: Mapped[str]  # warn_1 | warn_2 | breach | branch_head
    due_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(server_default="waiting")  # waiting | fired | void
    fired_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[Ref | None]


class ClaimEvent(Base):
    """The timeline: every event of a claim, who did it, when by our clock and by his."""

    __tablename__ = "claim_event"
    __table_args__ = (Index("ix_claim_event_claim_id", "claim_id", "id"),)
    id: Mapped[Id]
    claim_id: Mapped[Ref] = mapped_column(ForeignKey("claim.id"))
    task_id: Mapped[Ref | None]
    kind: Mapped[str]
    at: Mapped[datetime]
    device_at: Mapped[datetime | None]
    actor_id: Mapped[Ref | None]
    actor_kind: Mapped[str]  # person | device | system | customer
    facts: Mapped[dict[str, Any]]


class Catastrophe(Base):
    """A surge 大灾 of one organisation, or of one of its areas, and the limits it brought.

    proposed (by the system) → requested (by a person) → on (a second one confirmed) → released (who was borrowed went
    home) → over; or dropped. `rule` holds the settings in force instead of the organisation's own, for new claims.
    """

    __tablename__ = "catastrophe"
    __table_args__ = (
        Index(
            "uq_catastrophe_live",
            "org_id",
            "area_id",
            unique=True,
            postgresql_where=text("state NOT IN ('over', 'dropped')"),
            postgresql_nulls_not_distinct=True,
        ),
        CheckConstraint("state IN ('proposed','requested','on','released','over','dropped')", name="state"),
        CheckConstraint("max_open > 0", name="max_open"),
    )
    id: Mapped[Id]
    org_id: Mapped[Ref] = mapped_column(ForeignKey("organisation.id"))
    area_id: Mapped[Ref | None] = mapped_column(ForeignKey("area.id"))
    name: Mapped[str]
    reason: Mapped[str]
    state: Mapped[str]
    rule: Mapped[dict[str, Any]]
    max_open: Mapped[int]
    borrowed: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    seen: Mapped[int | None]  # reports in the last hour when it was proposed
    normal: Mapped[int | None]  # and in a normal hour like it
    made_at: Mapped[datetime]
    on_at: Mapped[datetime | None]
    released_at: Mapped[datetime | None]
    over_at: Mapped[datetime | None]


class CatastropheStep(Base):
    """One step asked for by one person and settled by another: the check is the referee of the four eyes."""

    __tablename__ = "catastrophe_step"
    __table_args__ = (
        Index(
            "uq_catastrophe_step_open", "catastrophe_id", unique=True, postgresql_where=text("state = 'open'")
        ),
        CheckConstraint("step IN ('switch_on','release','restore')", name="step"),
        CheckConstraint("state IN ('open','confirmed','refused','expired')", name="state"),
        CheckConstraint(
            "state <> 'confirmed' OR (settled_by IS NOT NULL AND settled_by <> requested_by)",
            name="four_eyes",
        ),
    )
    id: Mapped[Id]
    catastrophe_id: Mapped[Ref] = mapped_column(ForeignKey("catastrophe.id"), index=True)
    step: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="open")
    reason: Mapped[str]
    requested_by: Mapped[Ref] = mapped_column(ForeignKey("person.id"))
    requested_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    settled_by: Mapped[Ref | None] = mapped_column(ForeignKey("person.id"))
    settled_at: Mapped[datetime | None]
    settle_reason: Mapped[str | None]
