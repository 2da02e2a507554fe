"""Reports that look like another: marked with the reasons, never merged, never turned away."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CompoundSelect, func, literal, select, union_all
from sqlalchemy.orm import Session

from claims import limits
from claims.models import Claim, ClaimItem
from geo import store
from geo.fix import LonLat
from staff.models import Organisation


@dataclass(frozen=True)
class Likeness:
    """Another claim and why it looks the same: `plate`, `phone`, `near`."""

    claim_id: int
    report_no: str
    reported_at: datetime
    reasons: tuple[str, ...]
    place: str | None
    state: str


@dataclass(frozen=True)
class Trait:
    """What a report is compared by. `at` is the loss time, or the report's when unknown."""

    plates: tuple[str, ...]
    phone: str
    place: LonLat | None
    at: datetime


def _seen(trait: Trait, near_m: int, near: timedelta) -> CompoundSelect[Any]:
    """Three narrow look-ups, each on its own index; a place counts only for about the same hour."""
    parts = [
        select(ClaimItem.claim_id.label("id"), literal("plate").label("reason")).where(
            ClaimItem.plate_key.in_(trait.plates or [""])
        ),
        select(Claim.id, literal("phone")).where(
            Claim.reporter_phone == trait.phone, literal(trait.phone) != ""
        ),
    ]
    if trait.place is not None:
        when = func.coalesce(Claim.loss_at, Claim.reported_at)
        parts.append(
            select(Claim.id, literal("near")).where(
                store.within_m(Claim.place, store.point(trait.place), near_m),
                when.between(trait.at - near, trait.at + near),
            )
        )
    return union_all(*parts)


def find(
    session: Session, scope: str, rule: dict[str, Any], trait: Trait, *, except_id: int = 0
) -> list[Likeness]:
    """Claims below `scope` that may tell of the same loss, newest first."""
    window = timedelta(hours=int(rule["duplicate_window_h"]))
    seen = _seen(trait, int(rule["duplicate_near_m"]), limits.minutes(rule["duplicate_near_min"])).subquery()
    rows = session.execute(
        select(
            Claim.id,
            Claim.report_no,
            Claim.reported_at,
            Claim.place_text,
            Claim.state,
            func.array_agg(seen.c.reason),
        )
        .join(seen, seen.c.id == Claim.id)
        .join(Organisation, Organisation.id == Claim.org_id)
        .where(
            Organisation.path.startswith(scope),
            Claim.id != except_id,
            Claim.state != "withdrawn",
            Claim.reported_at.between(trait.at - window, trait.at + window),
        )
        .group_by(Claim.id)
        .order_by(Claim.reported_at.desc())
        .limit(20)
    ).all()
    return [Likeness(r[0], r[1], r[2], tuple(sorted(set(r[5]))), r[3], r[4]) for r in rows]
