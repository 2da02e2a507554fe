"""Reports that look like another: marked with the reasons, never merged, never turned away."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    BindParameter,
    DateTime,
    Integer,
    Select,
    Text,
    any_,
    bindparam,
    func,
    literal,
    select,
    union_all,
)
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


def _alike() -> Select[*tuple[Any, ...]]:
    """Three narrow look-ups, each on its own index, as one statement; a place counts only for about the same hour.

    Built once: putting it together cost more processor time for each report than running it.
    """
    when = func.coalesce(Claim.loss_at, Claim.reported_at)
    phone, place = bindparam("phone", type_=Text), bindparam("place", type_=Text)
    seen = union_all(
        select(ClaimItem.claim_id.label("id"), literal("plate").label("reason")).where(
            ClaimItem.plate_key == any_(bindparam("plates", type_=ARRAY(Text)))
        ),
        select(Claim.id, literal("phone")).where(Claim.reporter_phone == phone, phone != ""),
        select(Claim.id, literal("near")).where(
            store.within_m(Claim.place, place, bindparam("near_m", type_=Integer)),
            when.between(_moment("near_from"), _moment("near_to")),
        ),
    ).subquery()
    return (
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
            Organisation.path.startswith(bindparam("scope", type_=Text)),
            Claim.id != bindparam("except_id", type_=BigInteger),
            Claim.state != "withdrawn",
            Claim.reported_at.between(_moment("since"), _moment("until")),
        )
        .group_by(Claim.id)
        .order_by(Claim.reported_at.desc())
        .limit(20)
    )


def _moment(name: str) -> BindParameter[datetime]:
    return bindparam(name, type_=DateTime(timezone=True))


ALIKE = _alike()


def find(
    session: Session, scope: str, rule: dict[str, Any], trait: Trait, *, except_id: int = 0
) -> list[Likeness]:
    """Claims below `scope` that may tell of the same loss, newest first."""
    window, near = (
        timedelta(hours=int(rule["duplicate_window_h"])),
        limits.minutes(rule["duplicate_near_min"]),
    )
    given = {
        "plates": list(trait.plates),
        "phone": trait.phone,
        "place": trait.place.ewkt() if trait.place else None,
        "near_m": int(rule["duplicate_near_m"]),
        "near_from": trait.at - near,
        "near_to": trait.at + near,
        "scope": scope,
        "except_id": except_id,
        "since": trait.at - window,
        "until": trait.at + window,
    }
    rows = session.execute(ALIKE, given).all()
    return [Likeness(r[0], r[1], r[2], tuple(sorted(set(r[5]))), r[3], r[4]) for r in rows]
