"""The administration commands: each opens one transaction on the instance's database and calls the staff room."""

import argparse
import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from launch.errors import CannotStart
from launch.places import Places
from launch.site import saved_environment

if TYPE_CHECKING:
    from core.database import Sessions
    from staff.models import Person

# The command line is nobody's account; the audit shows it as actor 0.
COMMAND_LINE = 0
Answer = dict[str, Any]


def administer(given: argparse.Namespace) -> Answer:
    """Runs one administration command. Raises CannotStart with a plain message when it is refused."""
    from core.errors import ChakanError

    adopt(given.data)
    try:
        return JOBS[given.words](given)
    except ChakanError as error:
        raise CannotStart(f"{error.code}: {error}") from error


def adopt(data: Path) -> None:
    """Takes over the environment of the running instance, unless one is named by CHAKAN_DATABASE_URL."""
    if os.environ.get("CHAKAN_DATABASE_URL"):
        return
    found = saved_environment(Places(data.resolve()))
    if not found:
        raise CannotStart(
            f"Nothing runs on {data}. Start it with `chakan up`, name its folder with --data, or set CHAKAN_DATABASE_URL."
        )
    os.environ.update(found)


def connect() -> "Sessions":
    """The sessions of the adopted instance."""
    from core import database

    return database.sessions(
        database.connect(os.environ["CHAKAN_DATABASE_URL"], pool_size=1, name="chakan-cli")
    )


def doubt_access() -> None:
    """Makes open streams of the adopted instance ask again; they do so every minute anyway."""
    from core import live, queues

    if url := os.environ.get("CHAKAN_REDIS_URL"):
        live.doubt_access(queues.connect(url))


def _person(session: Any, username: str) -> "Person":
    from sqlalchemy import select

    from core.errors import Missing
    from staff.models import Person

    found: Person | None = session.scalars(select(Person).where(Person.username == username)).one_or_none()
    if found is None:
        raise Missing(f"nobody is called {username}")
    return found


def _surveyor(username: str) -> tuple["Sessions", int]:
    from core.errors import Missing
    from staff.models import Surveyor

    sessions = connect()
    with sessions() as session:
        person = _person(session, username)
        if session.get(Surveyor, person.id) is None:
            raise Missing(f"{username} is not a surveyor")
        return sessions, person.id


def db_upgrade(given: argparse.Namespace) -> Answer:
    """Runs the migrations."""
    from core import database

    url = os.environ["CHAKAN_DATABASE_URL"]
    database.upgrade(url, given.to)
    return {"revision": database.current(url)}


def db_downgrade(given: argparse.Namespace) -> Answer:
    """Undoes migrations."""
    from core import database

    url = os.environ["CHAKAN_DATABASE_URL"]
    database.downgrade(url, given.to)
    return {"revision": database.current(url)}


def db_current(given: argparse.Namespace) -> Answer:
    """Where the database stands and where the tree ends."""
    from core import database

    at, head = database.current(os.environ["CHAKAN_DATABASE_URL"]), database.head()
    return {"revision": at, "head": head, "ok": at == head}


def db_seed(given: argparse.Namespace) -> Answer:
    """Fills the database with the demonstration; refuses where real claims are."""
    from core.settings import Settings
    from lab.seed import seed

    seed(Settings.from_env(os.environ))
    return {"seeded": True}


def staff_add(given: argparse.Namespace) -> Answer:
    """Adds a person; a generated password is shown once."""
    from sqlalchemy import select

    from core import clock
    from core.errors import Missing
    from staff.models import Organisation
    from staff.service import NewPerson, add_person

    typed = sys.stdin.readline().rstrip("\n") if given.password_stdin else ""
    password = typed or secrets.token_urlsafe(12)
    new = NewPerson(
        given.username, given.name, tuple(given.role), password, authority_fen=given.authority_fen
    )
    wanted = Organisation.code == given.org if given.org else Organisation.parent_id.is_(None)
    with connect().begin() as session:
        org = session.scalars(select(Organisation).where(wanted).order_by(Organisation.id)).first()
        if org is None:
            raise Missing(
                f"no organisation has the code {given.org}" if given.org else "there is no organisation yet"
            )
        person = add_person(session, org, new, by=None, now=clock.read(session))
        answer: Answer = {"id": str(person.id), "username": person.username, "roles": list(person.roles)}
    return answer if typed else answer | {"password": password}


def staff_token(given: argparse.Namespace) -> Answer:
    """Makes an API token with the person's own rights; it is shown once."""
    from core import audit, clock
    from staff import tokens

    with connect().begin() as session:
        now, person = clock.read(session), _person(session, given.username)
        token, secret = tokens.issue(
            session, "api", person.id, now=now, life=tokens.API_LIFE, label=given.label
        )
        audit.append(session, COMMAND_LINE, "token.made", "token", token.id, actor_kind="system", now=now)
        return {"id": str(token.id), "token": secret}


def staff_disable(given: argparse.Namespace) -> Answer:
    """Ends an account at once."""
    from core import clock
    from staff.service import disable

    with connect().begin() as session:
        person = _person(session, given.username)
        disable(session, person, by=None, now=clock.read(session))
        answer = {"id": str(person.id), "disabled": True}
    doubt_access()
    return answer


def device_pair(given: argparse.Namespace) -> Answer:
    """A short code for a surveyor's phone."""
    from staff.service import make_pairing_code

    sessions, surveyor_id = _surveyor(given.username)
    code, expires_at = make_pairing_code(sessions, surveyor_id, by=COMMAND_LINE)
    return {"code": code, "expires_at": expires_at.isoformat()}


def device_revoke(given: argparse.Namespace) -> Answer:
    """Ends a device at once."""
    from sqlalchemy.exc import NoResultFound

    from core.errors import Missing
    from staff.service import revoke_device

    try:
        revoke_device(connect(), given.device, by=COMMAND_LINE)
    except NoResultFound as error:
        raise Missing(f"there is no device {given.device}") from error
    doubt_access()
    return {"id": str(given.device), "revoked": True}


def shift(given: argparse.Namespace) -> Answer:
    """Puts a surveyor on or off duty."""
    from staff.service import set_shift

    sessions, surveyor_id = _surveyor(given.username)
    changed = set_shift(sessions, surveyor_id, given.state == "on", by=COMMAND_LINE)
    return {"id": str(surveyor_id), "on_duty": given.state == "on", "changed": changed}


def audit_verify(given: argparse.Namespace) -> Answer:
    """Checks that every audit entry follows from the one before."""
    from core import audit

    with connect()() as session:
        broken = audit.first_break(session)
    return {"ok": broken is None, "first_break": broken}


JOBS: dict[str, Callable[[argparse.Namespace], Answer]] = {
    "db upgrade": db_upgrade,
    "db downgrade": db_downgrade,
    "db current": db_current,
    "db seed": db_seed,
    "staff add": staff_add,
    "staff token": staff_token,
    "staff disable": staff_disable,
    "device pair": device_pair,
    "device revoke": device_revoke,
    "shift": shift,
    "audit verify": audit_verify,
}
