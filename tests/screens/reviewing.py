"""A claim with photographs before an adjuster in a real browser."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

import httpx
from sqlalchemy import text

from core.database import Sessions
from dispatch import assignments
from lab import pictures
from lab.scenes import with_comment
from staff.accounts import Actor
from staff.models import Person, Surveyor
from tests import factories
from tests.screens import phone as kit
from tests.screens.phone import PATIENCE_MS
from tests.uploading import Tus

MOMENT = datetime(2026, 1, 15, 3, tzinfo=UTC)
SMALL = (640, 480)


def scene(shot: str, mark: str = "", size: tuple[int, int] = SMALL, seed: int = 7) -> bytes:
    """A drawn photograph of a shot; another mark makes another file of the same view."""
    return with_comment(view(shot, size, seed), f"{shot} {mark}")


@cache
def view(shot: str, size: tuple[int, int], seed: int) -> bytes:
    """The drawing itself, made once a test process."""
    lon, lat = factories.LON, factories.LAT + 0.0004
    return pictures.picture(
        shot, seed, plate="豫A3K57P", vin="LSVAU2180N2183294", taken_at=MOMENT, lon=lon, lat=lat, size=size
    )


class Sender(httpx.Client):
    """Speaks the words `Tus` knows from Flask's test client."""

    def patch(self, url: Any, *, data: bytes, headers: dict[str, str]) -> httpx.Response:  # type: ignore[override]
        """Sends bytes."""
        return self.request("PATCH", url, content=data, headers=headers)


@dataclass
class Case:
    """One claim in the hands of a surveyor, and his device's way to the server."""

    claim: Any
    task_id: int
    surveyor: Surveyor
    actor: Actor
    url: str
    token: str
    sessions: Sessions

    def snap(self, shot: str, mark: str = "", **how: Any) -> str:
        """Uploads a photograph of a shot; its id."""
        with Sender(
            base_url=self.url, headers={"Authorization": f"Bearer {self.token}"}, timeout=30, verify=False
        ) as client:
            tus = Tus(client, base="/api/v1/uploads")
            return tus.send(scene(shot, mark, **how), self.task_id, shot=shot, filename=f"{shot}.jpg")

    def hand_in(self) -> None:
        """The surveyor is there and hands his report in."""
        with self.sessions.begin() as session:
            there = text("UPDATE task SET state = 'on_scene' WHERE id = :id AND state = 'accepted'")
            session.execute(there, {"id": self.task_id})
        assignments.submit(
            self.sessions, self.task_id, self.surveyor.id, {"summary": "追尾，前部受损"}, self.actor
        )


def case(site: Any, sessions: Sessions, *shots: str, **given: Any) -> Case:
    """A claim given to a fresh surveyor, with one photograph of each shot."""
    with sessions.begin() as session:
        surveyor = factories.surveyor(session)
        actor = factories.actor(session, session.get_one(Person, surveyor.id))
        token = factories.device(session, surveyor)[1]
    of = kit.claim(sessions, **given)
    kit.desk(site, sessions, "dispatcher")(
        "POST", f"/claims/{of.id}/assign", {"surveyor_id": str(surveyor.id), "reason": "就近"}
    )
    with sessions() as session:
        task_id = int(factories.task_of(session, of).id)
    made = Case(of, task_id, surveyor, actor, site.url, token, sessions)
    for shot in shots:
        made.snap(shot)
    return made


@dataclass
class Desk:
    """Somebody signed in at the review desk."""

    page: Any
    who: Person
    errors: list[str] = field(default_factory=list)

    def open(self, of: Case) -> "Desk":
        """Chooses a claim in the queue and waits for its album."""
        self.page.click(f".r-row:has-text('{of.claim.report_no}')")
        self.page.wait_for_selector(f".r-head h1:has-text('{of.claim.report_no}')")
        self.page.wait_for_selector(".r-strip li")
        return self

    def take(self, of: Case) -> "Desk":
        """Opens a claim and takes it, by key."""
        self.open(of)
        self.page.keyboard.press("t")
        self.page.wait_for_selector(".r-head button:has-text('放回')")
        return self

    def key(self, *keys: str) -> None:
        """Presses keys one after the other."""
        for one in keys:
            self.page.keyboard.press(one)

    def verdicts(self) -> list[str]:
        """The verdicts along the strip."""
        return [str(one.get_attribute("data-verdict")) for one in self.page.query_selector_all(".r-thumb")]


def sit_down(
    browser: Any,
    sessions: Sessions,
    path: str = "/review",
    roles: tuple[str, ...] = ("adjuster",),
    **given: Any,
) -> Desk:
    """Signs in through the sign-in page and lands on a screen."""
    authority = given.pop("authority_fen", 500_000)
    with sessions.begin() as session:
        who = factories.person(
            session,
            roles=roles,
            password=factories.PASSWORD,
            name=given.pop("name", "王核损"),
            authority_fen=authority,
        )
    context = browser(**given)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    desk = Desk(page, who)
    page.on("pageerror", lambda error: desk.errors.append(str(error)))
    page.goto(f"/?next={path}")
    page.fill("input[name=username]", who.username)
    page.fill("input[name=password]", factories.PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url(re.compile(rf"^[^?]*{path}"))
    return desk
