"""A surveyor with a phone in a real browser: what every phone test does before its own story begins."""

import hashlib
import io
import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from PIL import Image, ImageDraw, ImageFilter
from sqlalchemy import select

from claims.models import Task
from core.database import Sessions
from dispatch.models import Assignment, Contact
from geo.models import LastPosition
from media.models import Photo
from staff import service
from tests import factories

# Where the loss of `factories.claim` is, and a street corner about two kilometres away.
LOSS = {"longitude": factories.LON, "latitude": factories.LAT, "accuracy": 8}
# A loaded machine runs five servers, a browser and other tests at once; what matters here is that it ends.
PATIENCE_MS = 60_000
AWAY = {"longitude": factories.LON + 0.02, "latitude": factories.LAT + 0.012, "accuracy": 12}


@dataclass
class Phone:
    """One phone: its browser context, the page on it, and the surveyor it belongs to."""

    context: Any
    page: Any
    sessions: Sessions
    surveyor: Any
    errors: list[str] = field(default_factory=list)

    def pair(self) -> "Phone":
        """Types a fresh pairing code, as the dispatcher reads it out."""
        self.page.goto("/phone")
        self.page.fill("input[name=code]", code_for(self.sessions, self.surveyor))
        self.page.click("form button[type=submit]")
        self.page.wait_for_selector("[data-testid=duty]")
        return self

    def on_duty(self) -> "Phone":
        """Goes on duty and waits until the server has heard of it and of a position."""
        self.page.click("[data-testid=duty][aria-checked=false]")
        self.page.wait_for_selector("[data-testid=tracking].green")
        self.synced()
        self.look_until(self.heard_of, what="his first position at the server")
        return self

    def heard_of(self) -> bool:
        """Whether the server has a position of him."""
        with self.sessions() as session:
            return session.get(LastPosition, self.surveyor.id) is not None

    def look_until(self, look: Callable[[], Any], seconds: float = PATIENCE_MS / 1000, what: str = "") -> Any:
        """Asks until the answer is true, and lets the page's routes and events come in meanwhile; bounded."""
        return until(look, seconds, what, pause=lambda: self.page.wait_for_timeout(150))

    def accept(self) -> str:
        """Waits for the offer, takes it; the id of the job that opens."""
        self.page.wait_for_selector("[data-testid=offer]", timeout=PATIENCE_MS)
        self.page.click("[data-testid=accept]")
        self.state("accepted")
        return str(self.page.url.rsplit("/", 1)[1])

    def ring(self, result: str = "answered") -> None:
        """Rings the customer and says what came of it."""
        self.page.click("[data-testid=call]")
        self.page.click(f"[data-testid=outcome-{result}]")

    def depart(self) -> None:
        """Sets off; the choice of maps that opens is closed again."""
        self.page.click("[data-testid=depart]")
        self.page.wait_for_selector(".sheet")
        self.page.keyboard.press("Escape")
        self.state("en_route")

    def arrive(self) -> None:
        """Stands at the loss and says so."""
        self.context.set_geolocation(LOSS)
        self.page.wait_for_function("() => document.querySelector('.place-text')?.textContent.includes(' m')")
        self.page.click("[data-testid=arrive]")
        self.state("on_scene")

    def on_scene(self) -> str:
        """The whole way from the offer to the scene; the job's id."""
        task = self.accept()
        self.ring()
        self.state("contacted")
        self.depart()
        self.arrive()
        self.synced()
        return task

    def state(self, wanted: str) -> None:
        """Waits until the job on the screen is in that state."""
        self.page.wait_for_selector(f"[data-testid=job][data-state={wanted}]")

    def shoot(self, shot: str, *photos: bytes, source: str = "camera") -> None:
        """Takes photographs of a shot."""
        files = [
            {"name": f"{shot}{n}.jpg", "mimeType": "image/jpeg", "buffer": one}
            for n, one in enumerate(photos)
        ]
        self.page.set_input_files(f"[data-testid={source}-{shot}]", files)

    def waiting(self, count: int) -> None:
        """Waits until that many things wait to be sent."""
        self.page.wait_for_selector(f"[data-testid=sync][data-waiting='{count}']", timeout=PATIENCE_MS)

    def synced(self) -> None:
        """Waits until nothing waits and the server was reached."""
        # What is being written down counts from the tap on; a breath, so that the page has drawn that.
        self.page.wait_for_timeout(60)
        self.page.wait_for_selector(
            "[data-testid=sync][data-waiting='0'][data-writing='0'][data-offline=false]", timeout=PATIENCE_MS
        )

    def offline(self, is_so: bool) -> None:
        """Pulls the network cable, or puts it back."""
        self.context.set_offline(is_so)


def open_phone(browser: Any, sessions: Sessions, *, surveyor: Any = None, **given: Any) -> Phone:
    """A fresh phone of a new surveyor who is off duty and was never heard of."""
    if surveyor is None:
        with sessions.begin() as session:
            surveyor = factories.surveyor(session, on_duty=False, lon=None)
    context = browser(phone=True, geolocation=given.pop("geolocation", AWAY), **given)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    phone = Phone(context, page, sessions, surveyor)
    page.on("pageerror", lambda error: phone.errors.append(str(error)))
    # Headless Chromium has no dialler; a tel: link would only open an error page.
    context.add_init_script(
        "addEventListener('click', (e) => { if (e.target.closest('a[href^=\"tel:\"]')) e.preventDefault(); }, true)"
    )
    return phone


def code_for(sessions: Sessions, surveyor: Any) -> str:
    """A pairing code of a surveyor."""
    return service.make_pairing_code(sessions, surveyor.id, by=surveyor.id)[0]


def desk(site: Any, sessions: Sessions, *roles: str) -> Callable[..., Any]:
    """Somebody at a desk, through the same door as everybody: `ask("POST", path, body)` answers the JSON."""
    with sessions.begin() as session:
        token = factories.api_token(session, factories.person(session, roles=roles))

    def ask(method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid.uuid4().hex}
        url = f"{site.url}/api/v1{path}"
        answer = httpx.request(method, url, json=body, headers=headers, timeout=20, verify=False)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    return ask


def claim(sessions: Sessions, **given: Any) -> Any:
    """A claim at the usual place."""
    with sessions() as session:
        return factories.claim(session, **given)


def photo(seed: int = 1, *, kib: int = 120, blurred: bool = False) -> bytes:
    """A JPEG of at least `kib` KiB that no other seed makes."""
    dice = random.Random(seed)
    picture = Image.new("RGB", (1200, 900), (120, 130, 140))
    pen = ImageDraw.Draw(picture)
    for _ in range(250):
        x, y = dice.randint(0, 1200), dice.randint(0, 900)
        pen.rectangle(
            [x, y, x + dice.randint(4, 120), y + dice.randint(4, 90)], fill=tuple(dice.randbytes(3))
        )
    if blurred:
        picture = picture.filter(ImageFilter.GaussianBlur(22))
    made = io.BytesIO()
    picture.save(made, "JPEG", quality=92)
    # A JPEG may carry application segments; padding there makes it as large as a real camera's.
    body, wanted = made.getvalue(), kib * 1024
    segments = b""
    while len(body) + len(segments) < wanted:
        segments += b"\xff\xeb\xff\xff" + dice.randbytes(65533)
    return body[:2] + segments + body[2:]


def sha256(photo: bytes) -> str:
    """The digest the phone must have made at the shutter."""
    return hashlib.sha256(photo).hexdigest()


def until(
    look: Any, seconds: float = 90, what: str = "", pause: Callable[[], Any] = lambda: time.sleep(0.15)
) -> Any:
    """Asks until the answer is true; bounded."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        pause()
    raise AssertionError(f"not within {seconds} s: {what}")


def photos_of(sessions: Sessions, task_id: str) -> list[Photo]:
    """The photographs the server has of a job, in the order of the phone's counter."""
    with sessions() as session:
        return list(session.scalars(select(Photo).where(Photo.task_id == int(task_id)).order_by(Photo.seq)))


def contacts_of(sessions: Sessions, task_id: str) -> list[Contact]:
    """The tries to reach the customer."""
    with sessions() as session:
        return list(
            session.scalars(select(Contact).where(Contact.task_id == int(task_id)).order_by(Contact.id))
        )


def assignment_of(sessions: Sessions, task_id: str) -> Assignment:
    """The newest assignment of a job."""
    with sessions() as session:
        rows = select(Assignment).where(Assignment.task_id == int(task_id)).order_by(Assignment.id.desc())
        return session.scalars(rows.limit(1)).one()


def task_state(sessions: Sessions, task_id: str) -> str:
    """The job's state at the server."""
    with sessions() as session:
        return session.get_one(Task, int(task_id)).state
