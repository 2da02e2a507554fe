"""People at the desk in a real browser: what every desk test does before its own story begins."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

# A foreign key names a table of another room: SQLAlchemy must have seen every room before tables are emptied.
import geo.models  # noqa: F401
import media.models  # noqa: F401
import notify.models  # noqa: F401
from claims.models import Claim, Task
from core.database import Sessions
from dispatch.models import Assignment, Offer
from tests import factories

PASSWORD = "a long enough word 7"
# A loaded machine runs five servers, a browser and other tests at once; what matters here is that it ends.
PATIENCE_MS = 60_000


@dataclass
class Desk:
    """One person at a desk: the browser context, its page, and what the page complained of."""

    context: Any
    page: Any
    errors: list[str] = field(default_factory=list)

    def open(self, address: str) -> "Desk":
        """Goes to a page of the desk, such as `report` or `claims`, and waits until it stands."""
        self.page.goto(f"/desk#/{address}")
        self.page.wait_for_selector(".top nav a[aria-current=page]", timeout=PATIENCE_MS)
        return self

    def sees(self, selector: str, text: str = "") -> Any:
        """Waits until something is on the screen; returns it."""
        found = self.page.locator(selector, has_text=text) if text else self.page.locator(selector)
        found.first.wait_for(timeout=PATIENCE_MS)
        return found.first

    def loses(self, selector: str, text: str = "") -> None:
        """Waits until something has left the screen."""
        found = self.page.locator(selector, has_text=text) if text else self.page.locator(selector)
        found.first.wait_for(state="hidden", timeout=PATIENCE_MS)

    def press(self, selector: str, text: str = "") -> None:
        """Presses something once it can be pressed. A click by event: the map may keep a software renderer busy for seconds."""
        found = self.sees(selector, text)
        until(found.is_enabled)  # unlike a finger, an event also reaches what is still disabled
        found.dispatch_event("click")


def somebody(sessions: Sessions, *roles: str, **given: Any) -> Any:
    """A person who can sign in with PASSWORD."""
    with sessions() as session:
        who = factories.person(session, roles=roles, password=PASSWORD, **given)
        session.commit()
        session.refresh(who)
        session.expunge(who)
        return who


def sit_down(browser: Callable[..., Any], sessions: Sessions, *roles: str, **given: Any) -> Desk:
    """A person of these roles, signed in, before a blank page."""
    who = somebody(sessions, *roles)
    context = browser(**given)
    answer = context.request.post("/api/v1/session", data={"username": who.username, "password": PASSWORD})
    assert answer.status == 200, answer.text()
    desk = Desk(context, context.new_page())
    desk.page.set_default_timeout(PATIENCE_MS)
    desk.page.on("pageerror", lambda error: desk.errors.append(str(error)))
    desk.page.on("console", lambda told: desk.errors.append(told.text) if told.type == "error" else None)
    return desk


def surveyor(sessions: Sessions, **given: Any) -> Any:
    """A surveyor on duty near the loss, heard of five seconds ago."""
    with sessions() as session:
        row = factories.surveyor(session, **given)
        session.commit()
        session.refresh(row)
        session.expunge(row)
        return row


def until(ask: Callable[[], Any], seconds: float = 60) -> Any:
    """The first true answer, asked again and again."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := ask():
            return found
        time.sleep(0.2)
    raise AssertionError("it did not happen in time")


def claims_of(sessions: Sessions) -> list[Any]:
    """Every claim there is."""
    with sessions() as session:
        return list(session.scalars(select(Claim).order_by(Claim.id)))


def holder(sessions: Sessions, claim_id: int) -> int | None:
    """Who holds the claim's job now."""
    with sessions() as session:
        query = select(Assignment.surveyor_id).join(Task, Task.id == Assignment.task_id)
        return session.scalar(query.where(Task.claim_id == claim_id, Assignment.ended_at.is_(None)))


def asked(sessions: Sessions, claim_id: int) -> list[int]:
    """Who was asked about the claim so far."""
    with sessions() as session:
        query = select(Offer.surveyor_id).join(Task, Task.id == Offer.task_id)
        return list(session.scalars(query.where(Task.claim_id == claim_id).order_by(Offer.id)))


def say_why(page: Any, reason: str = "evidence") -> None:
    """Answers the question that stands before playback."""
    why = page.get_by_role("dialog")
    why.get_by_role("combobox").select_option(reason)
    why.get_by_role("button", name="开始回放").click()
