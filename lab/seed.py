"""The demonstration's organisation, people, phones, areas and base map; its secrets go into demo.json.

Refuses a database that holds anything real. The three days of history are `lab.history`'s, while the site already runs.
"""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import select, text
from sqlalchemy.orm import Session

import claims.models  # noqa: F401
import dispatch.models  # noqa: F401
import media.models  # noqa: F401
import notify.models  # noqa: F401
from core import clock, database
from core.errors import ChakanError
from core.settings import Settings
from geo import service as geo
from geo.fix import LonLat
from geo.models import Area
from lab import casework
from lab.city import base_layers
from lab.citymap import City
from lab.movement import Roads, movers
from staff import accounts, devices, organisations, rules, service, tokens
from staff.models import Device, Organisation, Person, Surveyor, Token

SURVEYORS = 40
# The last ones are never played by the simulation: a visitor may pair his own phone and be one of them.
FREE_FOR_VISITORS = 5
SEED = 7
SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏"
ROOT_CODE = "DEMO"

# role → (user name, shown name, roles, what he may approve in fen)
USERS: dict[str, tuple[str, str, tuple[str, ...], int]] = {
    "seat": ("seat", "演示坐席", ("seat",), 0),
    "dispatcher": ("dispatcher", "演示调度员", ("dispatcher",), 0),
    "adjuster": ("adjuster", "演示定损员", ("adjuster",), 500_000),
    "adjuster_senior": ("adjuster2", "演示核损主管", ("adjuster", "supervisor"), 20_000_000),
    "supervisor": ("supervisor", "演示主管", ("supervisor",), 0),
    "admin": ("demo-admin", "演示管理员", ("admin",), 0),
    "integration": ("core-system", "演示核心系统", ("integration",), 0),
}


class HoldsRealData(ChakanError):
    """The demonstration never enters a database that somebody works with."""

    code, kind = "holds_real_data", "conflict"


@dataclass(frozen=True)
class Branch:
    """A sub-branch and the districts it works in."""

    org: Organisation
    areas: tuple[Area, ...]


def seed(settings: Settings) -> None:
    """Makes the demonstration once, and demo.json whenever it is missing. Raises HoldsRealData."""
    engine = database.connect(settings.database_url, name="chakan-seed")
    sessions = database.sessions(engine)
    path = settings.data / "demo.json"
    with sessions.begin() as session:
        refuse_real(session)
        known = session.scalar(select(Organisation).where(Organisation.code == ROOT_CODE)) is not None
    if known and path.exists():
        engine.dispose()
        return
    city = casework.city_of(settings.roads)
    if not known:
        geo.lay_base_map(sessions, *label_of(city), base_layers(city))
        with sessions.begin() as session:
            people(session, city)
    with sessions.begin() as session:
        given = hand_out(session, settings.public_url)
    write_private(path, given)
    engine.dispose()


def refuse_real(session: Session) -> None:
    """Raises HoldsRealData when a claim or a person outside the demonstration is there."""
    found = session.execute(
        text(
            "SELECT EXISTS (SELECT FROM claim AS c JOIN organisation AS o ON o.id = c.org_id WHERE o.path NOT LIKE :demo),"
            " EXISTS (SELECT FROM person AS p JOIN organisation AS o ON o.id = p.org_id"
            "          WHERE o.path NOT LIKE :demo AND p.username <> 'admin')"
        ),
        {"demo": demo_path(session) + "%"},
    ).one()
    if any(found):
        raise HoldsRealData(
            "this database holds real claims or people; the demonstration needs one of its own"
        )


def demo_path(session: Session) -> str:
    """The path of the demonstration's root; a path nobody has when there is none."""
    return session.scalar(select(Organisation.path).where(Organisation.code == ROOT_CODE)) or "-"


def label_of(city: City) -> tuple[str, str]:
    """What the map says it shows, in Chinese and English."""
    return city.label or city.name, city.name_en or city.name


def people(session: Session, city: City) -> None:
    """Organisations in a tree, areas, people in every role, forty surveyors near where they live."""
    now = clock.read(session)
    root = organisations.add(session, None, "head", ROOT_CODE, "演示财险总公司")
    rules.change(session, root.id, "demo", True, by=0)
    organisations.add(session, root, "firm", "DEMO-F1", "演示公估公司")
    halves = [
        organisations.add(session, root, "branch", f"DEMO-{n}", name)
        for n, name in enumerate(("演示东分公司", "演示西分公司"))
    ]
    branches = quarters(session, city, halves)
    for username, name, roles, authority_fen in USERS.values():
        new = service.NewPerson(username=username, name=name, roles=roles, authority_fen=authority_fen)
        service.add_person(session, root, new, by=None, now=now)
    for number, mover in enumerate(movers(city, Roads(city), SURVEYORS, seed=SEED, start=now)):
        district = city.district_at(mover.home)
        home = next(
            (b for b in branches if district and district.name in [a.name for a in b.areas]), branches[0]
        )
        skills = (
            ("motor", "property", "agri", "assist")
            if number % 4 == 0
            else ("motor", "property")
            if number % 2
            else ("motor",)
        )
        name = f"{SURNAMES[number % len(SURNAMES)]}{number + 1:02d}"
        new = service.NewPerson(
            username=f"surveyor{number + 1:02d}", name=name, roles=("surveyor",), skills=skills
        )
        service.add_person(session, home.org, new, by=None, now=now)


def quarters(session: Session, city: City, halves: list[Organisation]) -> list[Branch]:
    """Two sub-branches in the east, two in the west, each with the districts of its quarter."""
    found: list[Branch] = []
    middle = city.centre
    for east, half in zip((True, False), halves, strict=True):
        for north in (True, False):
            code = f"{half.code}-{'N' if north else 'S'}"
            org = organisations.add(
                session,
                half,
                "sub_branch",
                code,
                half.name.replace("分公司", "北支公司" if north else "南支公司"),
            )
            mine = [d for d in city.districts if quarter(d.rings, middle) == (east, north)]
            areas = tuple(
                Area(org_id=org.id, name=d.name, name_en=d.name_en, kind=d.kind, shape=f"SRID=4326;{d.wkt()}")
                for d in mine
            )
            session.add_all(areas)
            found.append(Branch(org, areas))
    session.flush()
    return found


def quarter(rings: tuple[Any, ...], middle: LonLat) -> tuple[bool, bool]:
    """Whether the middle of a district lies east, and north, of the city's."""
    lon, lat = np.concatenate(rings).mean(axis=0)
    return bool(lon >= middle.lon), bool(lat >= middle.lat)


def hand_out(session: Session, url: str) -> dict[str, Any]:
    """Fresh passwords, tokens and devices for everybody; what was handed out before ends."""
    now = clock.read(session)
    demo = (
        select(Person.id)
        .join(Organisation, Organisation.id == Person.org_id)
        .where(Organisation.path.startswith(demo_path(session)))
    )
    session.query(Token).filter(Token.person_id.in_(demo), Token.revoked_at.is_(None)).update(
        {"revoked_at": now}, synchronize_session=False
    )
    session.query(Device).filter(Device.surveyor_id.in_(demo), Device.revoked_at.is_(None)).update(
        {"revoked_at": now}, synchronize_session=False
    )
    users = {}
    for role, (username, *_) in USERS.items():
        person = session.scalars(select(Person).where(Person.username == username, Person.id.in_(demo))).one()
        password = secrets.token_urlsafe(9)
        person.password_hash = accounts.hash_password(password)
        _, token = tokens.issue(session, "api", person.id, now=now, life=tokens.API_LIFE, label="demo.json")
        users[role] = {"username": username, "password": password, "token": token}
    surveyors = session.scalars(select(Surveyor).where(Surveyor.id.in_(demo)).order_by(Surveyor.id)).all()
    played = len(surveyors) - FREE_FOR_VISITORS
    phones = [phone(session, surveyor, now, simulated=n < played) for n, surveyor in enumerate(surveyors)]
    return {"url": url, "users": users, "devices": phones}


def phone(session: Session, surveyor: Surveyor, now: Any, *, simulated: bool) -> dict[str, Any]:
    """A paired device of a surveyor with every secret of it."""
    paired = devices.add(session, surveyor.id, label="演示手机", now=now)
    return {
        "surveyor_id": str(surveyor.id),
        "name": paired.surveyor.name,
        "simulated": simulated,
        "device_id": str(paired.device.id),
        "token": paired.token,
        "owntracks": {"username": str(paired.device.id), "password": paired.token},
        "traccar_id": paired.tracker_id,
        "overland_token": paired.token,
    }


def write_private(path: Path, value: dict[str, Any]) -> None:
    """Writes JSON that only its owner can read, whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(
        os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
    ) as file:
        json.dump(value, file, ensure_ascii=False, indent=1)
    draft.replace(path)
