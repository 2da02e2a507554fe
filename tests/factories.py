"""Good rows with no arguments. Each takes the session first and flushes; the caller commits."""

import itertools
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import argon2
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core import clock
from staff import devices, organisations, service, shifts, tokens
from staff.accounts import Actor, actor_of
from staff.models import Organisation, Person, Surveyor, Token

counter = itertools.count(1)
# 演示城市's centre; nothing depends on the exact place.
LON, LAT = 116.40, 39.91
PASSWORD = "correct horse battery"


def organisation(
    session: Session, *, parent: Organisation | None = None, kind: str = "branch"
) -> Organisation:
    """The root when there is none and no parent is given, else a node below the parent or the root."""
    root = session.scalars(select(Organisation).where(Organisation.parent_id.is_(None))).first()
    if root is None:
        root = organisations.add(session, None, "head", "HQ", "总公司")
        if parent is None and kind == "branch":
            return root
    return organisations.add(session, parent or root, kind, f"B{next(counter)}", "分公司")


def default_organisation(session: Session) -> Organisation:
    """The root of the tree."""
    root = session.scalars(select(Organisation).where(Organisation.parent_id.is_(None))).first()
    return root or organisation(session)


def person(
    session: Session,
    *,
    roles: tuple[str, ...] = ("seat",),
    org: Organisation | None = None,
    authority_fen: int = 500_000,
    password: str | None = None,
    **given: Any,
) -> Person:
    """Somebody with a role."""
    n = next(counter)
    new = service.NewPerson(
        username=given.pop("username", f"user{n}"),
        name=given.pop("name", "张三"),
        roles=roles,
        authority_fen=authority_fen,
        **given,
    )
    made = service.add_person(
        session, org or default_organisation(session), new, by=None, now=clock.read(session)
    )
    made.password_hash = hashed(password) if password else None
    return made


@cache
def hashed(password: str) -> str:
    """A real hash of the real kind, but of the smallest cost: a fifth of a second of processor at every sign-in, by design."""
    return argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(password)


def api_token(session: Session, who: Person) -> str:
    """An API token of a person."""
    return tokens.issue(session, "api", who.id, now=clock.read(session), life=timedelta(days=1))[1]


def actor(session: Session, who: Person) -> Actor:
    """The actor a person is when he comes with an API token."""
    token = session.scalars(select(Token).where(Token.person_id == who.id, Token.kind == "api")).first()
    if token is None:
        api_token(session, who)
        token = session.scalars(select(Token).where(Token.person_id == who.id)).one()
    return actor_of(session, token, who)


def surveyor(
    session: Session,
    *,
    lon: float | None = LON,
    lat: float | None = LAT,
    on_duty: bool = True,
    age_s: float = 5,
    skills: tuple[str, ...] = ("motor",),
    max_open: int = 5,
    org: Organisation | None = None,
    name: str = "李查勘",
) -> Surveyor:
    """A surveyor on duty whose last position is `age_s` seconds old (lon=None: never heard of)."""
    who = person(session, roles=("surveyor",), org=org, name=name, skills=skills, max_open=max_open)
    row = session.get_one(Surveyor, who.id)
    now = clock.read(session)
    if on_duty:
        shifts.set_duty(session, row.id, True, now=now - timedelta(hours=1))
    if lon is not None and lat is not None:
        put_at(session, row, lon, lat, now - timedelta(seconds=age_s))
    session.flush()
    return row


def put_at(session: Session, who: Surveyor, lon: float, lat: float, at: datetime) -> None:
    """Sets the last position, WGS-84, as if a fix had just been taken."""
    session.execute(
        text(
            "INSERT INTO last_position (surveyor_id, place, lon, lat, fixed_at, received_at, device_id, accuracy_m, source)"
            " VALUES (:id, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)::geography, :lon, :lat, :at, :at, 0, 10, 'phone')"
            " ON CONFLICT (surveyor_id) DO UPDATE SET (place, lon, lat, fixed_at, received_at)"
            " = (EXCLUDED.place, EXCLUDED.lon, EXCLUDED.lat, EXCLUDED.fixed_at, EXCLUDED.received_at)"
        ),
        {"id": who.id, "lon": lon, "lat": lat, "at": at},
    )


def device(session: Session, who: Surveyor) -> tuple[Any, str]:
    """A paired device and its token."""
    paired = devices.add(session, who.id, label="测试机", now=clock.read(session))
    return paired.device, paired.token


def area(
    session: Session,
    *,
    lon: float = LON,
    lat: float = LAT,
    half_deg: float = 0.2,
    kind: str = "urban",
    **given: Any,
) -> Any:
    """A square service area around a point."""
    from geo.models import Area

    w, s, e, n = lon - half_deg, lat - half_deg, lon + half_deg, lat + half_deg
    ring = f"(({w} {s}, {e} {s}, {e} {n}, {w} {n}, {w} {s}))"
    org = given.pop("org", None) or default_organisation(session)
    row = Area(
        org_id=org.id, name=given.pop("name", "城区"), kind=kind, shape=f"SRID=4326;MULTIPOLYGON({ring})"
    )
    session.add(row)
    session.flush()
    return row


def utc(*parts: int) -> datetime:
    """An aware UTC time."""
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


def claim(session: Session, *, lon: float | None = LON, lat: float | None = LAT, **given: Any) -> Any:
    """A claim with its task and clocks, as the seat opens it (`by=` an actor, `now=` a time). Committed."""
    from claims.models import Claim
    from claims.service import Notice, open_claim
    from core import database
    from geo.fix import LonLat

    by = given.pop("by", None) or actor(session, person(session, roles=("seat",)))
    session.commit()
    now = given.pop("now", None)
    place = LonLat(lon, lat) if lon is not None and lat is not None else None
    given = {
        "reporter_phone": f"138{next(counter):08d}",
        "place_text": "建设路与人民路路口",
        "line": "motor",
    } | given
    opened = open_claim(database.sessions(session.get_bind()), by, Notice(place=place, **given), now=now)  # type: ignore[arg-type]
    return session.get_one(Claim, opened.claim_id)


def task_of(session: Session, of: Any) -> Any:
    """The survey job of a claim, as it stands now."""
    from claims.models import Task

    session.expire_all()
    return session.scalars(select(Task).where(Task.claim_id == of.id).order_by(Task.id.desc()).limit(1)).one()


def offer(session: Session, *, of: Any = None, to: Surveyor | None = None, delivered: bool = True) -> Any:
    """An open offer of a claim's job to the nearest surveyor, as the sweeper makes it, and his phone fetched it. Committed.

    Beside a running site its sweeper may be quicker; then the offer is the sweeper's.
    """
    from core import database
    from dispatch.delivery_queries import deliver
    from dispatch.models import Offer
    from dispatch.offers import offer_next

    if to is None:
        surveyor(session)
    of = of or claim(session)
    session.commit()
    task_id = task_of(session, of).id
    offer_next(database.sessions(session.get_bind()), task_id)  # type: ignore[arg-type]
    made = session.scalars(select(Offer).where(Offer.task_id == task_id, Offer.state == "open")).one()
    if delivered:
        deliver(session, made.surveyor_id, made.made_at)
        session.commit()
    return made


def assignment(session: Session, *, of: Any = None, to: Surveyor | None = None) -> Any:
    """An accepted job. Committed."""
    from core import database
    from dispatch.models import Assignment
    from dispatch.offers import accept

    made = offer(session, of=of, to=to)
    who = actor(session, session.get_one(Person, made.surveyor_id))
    session.commit()
    taken = accept(database.sessions(session.get_bind()), made.id, made.surveyor_id, who)  # type: ignore[arg-type]
    return session.get_one(Assignment, taken)
