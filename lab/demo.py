"""The life of the demonstration: an honest client of the public API, with the secrets of demo.json and nothing else.

Forty surveyors drive and answer, a seat reports a loss every twenty seconds, adjusters review. Run as
`python -m lab.demo` beside a running site; it outlives restarts of the API and ends on SIGTERM.
"""

import json
import logging
import os
import random
import signal
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy.exc import SQLAlchemyError

from core import logs
from core.settings import Settings
from geo.fix import Fix, LonLat
from lab import casework, history
from lab.demand import DEMO_POLICY, Demand
from lab.movement import Mover, Roads, movers
from lab.phones import PROTOCOLS, Phone, Refused, checked
from lab.scenes import Scenes
from media.storage import LocalStorage

log = logging.getLogger("demo")

SEED = 7
LONG_AGO = datetime.min.replace(tzinfo=UTC)
REPORT_EVERY_S = 20.0
REVIEW_EVERY_S = 6.0
# A human who reports a loss may want to answer for the surveyor himself: the simulation lets him go first.
HUMAN_FIRST_S = (30.0, 55.0)
ADJUSTER_FEN = 500_000  # what the demonstration's first adjuster may approve (lab/seed.py)


@dataclass
class Plan:
    """What a simulated surveyor will do next about one job."""

    at: datetime
    act: Callable[[], None]


@dataclass
class Person:
    """A simulated surveyor: a phone, a car, a temper."""

    phone: Phone
    mover: Mover
    rng: random.Random
    ours: set[str]
    scenes: Scenes
    pool: ThreadPoolExecutor
    plans: dict[str, Plan] = field(default_factory=dict)
    waiting: list[Fix] = field(default_factory=list)
    next_fix: datetime = LONG_AGO
    next_look: datetime = LONG_AGO
    busy_with: str | None = None

    def step(self, now: datetime) -> None:
        """One second of life."""
        self.mover.advance(now)
        if now >= self.next_fix:
            self._locate(now)
        if now >= self.next_look and not self.mover.silent:
            self.next_look = now + timedelta(seconds=self.rng.uniform(4, 6))
            self._look(now)
        for key, plan in list(self.plans.items()):
            if now >= plan.at and not self.mover.silent:
                del self.plans[key]
                self._try(plan.act)

    def _locate(self, now: datetime) -> None:
        self.next_fix = now + timedelta(seconds=6 if self.mover.state != "waiting" else 15)
        fix = self.mover.fix_at(now)
        if fix is None:
            return
        self.waiting.append(fix)
        if self.phone.protocol in ("phone", "overland") and len(self.waiting) < 2:
            return
        fixes, self.waiting = self.waiting, []
        self._try(lambda: self.phone.send(fixes))

    def _try(self, act: Callable[[], Any]) -> None:
        """The network and the server may say no: the next look at the jobs decides anew."""
        try:
            act()
        except Refused as refusal:
            log.info("refused", extra={"status": refusal.status, "code": refusal.code})
        except httpx.HTTPError as error:
            log.info("no answer", extra={"error": type(error).__name__})

    def _look(self, now: datetime) -> None:
        jobs: dict[str, Any] = {}
        self._try(lambda: jobs.update(self.phone.get("/me/jobs")))
        known = set()
        for offer in jobs.get("offers", []):
            key = f"offer {offer['id']}"
            known.add(key)
            if key not in self.plans:
                self._answer(key, offer, now)
        for task in jobs.get("tasks", []):
            key = f"task {task['id']} {task['state']}"
            known.add(key)
            if key not in self.plans:
                self._proceed(key, task, now)
        if jobs:
            self.plans = {key: plan for key, plan in self.plans.items() if key in known}

    def _later(self, key: str, now: datetime, seconds: tuple[float, float], act: Callable[[], None]) -> None:
        self.plans[key] = Plan(now + timedelta(seconds=self.rng.uniform(*seconds)), act)

    def _answer(self, key: str, offer: dict[str, Any], now: datetime) -> None:
        mood = self.rng.random()
        path = f"/offers/{offer['id']}"
        if offer["claim_id"] not in self.ours:
            self._later(key, now, HUMAN_FIRST_S, lambda: self.phone.post(f"{path}/accept"))
        elif mood < 0.05:
            self._later(key, now, (3600, 3600), lambda: None)  # silent: the offer runs out
        elif mood < 0.12:
            reason = self.rng.choice(("busy", "too_far", "other"))
            self._later(key, now, (4, 20), lambda: self.phone.post(f"{path}/decline", reason=reason))
        else:
            self._later(key, now, (3, 25), lambda: self.phone.post(f"{path}/accept"))

    def _proceed(self, key: str, task: dict[str, Any], now: datetime) -> None:
        state, path = task["state"], f"/tasks/{task['id']}"
        if state == "accepted":
            tried = any(c["result"] != "answered" for c in task.get("contacts", []))
            result = "answered" if tried or self.rng.random() < 0.9 else "no_answer"
            self._later(
                key,
                now,
                (15, 120),
                lambda: self.phone.post(f"{path}/contact", channel="phone", result=result),
            )
        elif self.busy_with not in (None, task["id"]):
            return  # one visit at a time
        elif state == "contacted":
            self.busy_with = task["id"]
            self._later(key, now, (4, 20), lambda: self._depart(path, task))
        elif state == "en_route":
            self.busy_with = task["id"]
            self._drive(key, path, task, now)
        elif state in ("on_scene", "returned"):
            self.busy_with = task["id"]
            self.mover.stay(now, now + timedelta(minutes=3))
            self._later(key, now, (20, 60), lambda: self._photograph(path, task))

    def _depart(self, path: str, task: dict[str, Any]) -> None:
        self.phone.post(f"{path}/depart")
        if task.get("position"):
            self.mover.go_to(LonLat(task["position"]["lon"], task["position"]["lat"]), datetime.now(UTC))

    def _drive(self, key: str, path: str, task: dict[str, Any], now: datetime) -> None:
        """Drives there; arrives when the car does, or at once when the job has no place to drive to."""
        place = task.get("position")
        if place is None:
            self._later(
                key, now, (30, 60), lambda: self.phone.post(f"{path}/arrive", reason="地点由客户电话说明")
            )
            return
        if self.mover.state != "driving":
            self.mover.go_to(LonLat(place["lon"], place["lat"]), now)
        at = (self.mover.arrives_at or now) + timedelta(seconds=self.rng.uniform(5, 20))
        here = {
            "lon": place["lon"] + self.rng.uniform(-3e-4, 3e-4),
            "lat": place["lat"] + self.rng.uniform(-3e-4, 3e-4),
        }
        self.plans[key] = Plan(at, lambda: self.phone.post(f"{path}/arrive", position=here))

    def _photograph(self, path: str, task: dict[str, Any]) -> None:
        # Off the beat of the other phones: drawing and sending photographs takes seconds.
        self.pool.submit(self._try, lambda: self._send_photos(path, task))

    def _send_photos(self, path: str, task: dict[str, Any]) -> None:
        here = self.mover.place()
        for shot in casework.shots_to_take(task, self.rng):
            photo = self.scenes.photo(task, shot, here, self.rng)
            self.phone.upload(task["id"], shot, photo, taken_at=datetime.now(UTC), lon=here.lon, lat=here.lat)
            time.sleep(self.rng.uniform(0.5, 2))
        self.phone.post(f"{path}/submit", report=casework.survey_report(task, self.rng))
        self.busy_with = None
        self.next_look = datetime.now(UTC)


class Desk:
    """The people at desks: a seat who reports, adjusters who review."""

    def __init__(self, http: httpx.Client, users: dict[str, Any], demand: Demand, ours: set[str]) -> None:
        self.http, self.users, self.demand, self.ours = http, users, demand, ours
        self.rng = random.Random(SEED)
        self.next_report = time.monotonic() + 2
        self.next_review = time.monotonic() + 5
        self.ready_at: dict[str, float] = {}

    def call(self, role: str, method: str, path: str, **body: Any) -> Any:
        """One call as a person of that role."""
        headers = {
            "Authorization": f"Bearer {self.users[role]['token']}",
            "Idempotency-Key": uuid.uuid4().hex,
        }
        answer = checked(self.http.request(method, f"/api/v1{path}", json=body or None, headers=headers))
        return answer.json() if answer.content else None

    def step(self) -> None:
        """Reports and reviews when it is time."""
        if time.monotonic() >= self.next_report:
            self.next_report = time.monotonic() + self.rng.expovariate(1 / REPORT_EVERY_S)
            self._report()
        if time.monotonic() >= self.next_review:
            self.next_review = time.monotonic() + REVIEW_EVERY_S
            self._review()

    def _report(self) -> None:
        now = datetime.now(UTC)
        body = self.demand.report_at(now - timedelta(seconds=self.rng.uniform(40, 110))).body()
        body["call_ended_at"] = now.isoformat()
        self.ours.add(self.call("seat", "POST", "/claims", **body)["id"])

    def _review(self) -> None:
        for job in self.call("adjuster", "GET", "/review/queue?limit=50")["items"]:
            task = job["task"]["id"]
            # An adjuster needs a minute or two, and leaves what is still on scene alone.
            ready = self.ready_at.setdefault(task, time.monotonic() + self.rng.uniform(40, 150))
            if job["task"]["state"] != "submitted" or time.monotonic() < ready:
                continue
            claim = self.call("adjuster", "GET", f"/claims/{job['claim_id']}")
            if not str(claim.get("policy_no") or "").startswith(DEMO_POLICY):
                continue
            self._settle(job, claim)

    def _settle(self, job: dict[str, Any], claim: dict[str, Any]) -> None:
        if job.get("reviewer") is None:
            self.call("adjuster", "POST", f"/review/{job['task']['id']}/take")
        photos = self.call("adjuster", "GET", f"/claims/{claim['id']}/photos?limit=200")["items"]
        waiting = [p for p in photos if p["verdict"] == "waiting"]
        first_look = all(p["verdict"] == "waiting" for p in photos)
        if first_look and waiting and self.rng.random() < 0.12:
            bad = self.rng.choice(waiting)
            reason = self.rng.choice(("blurred", "dark", "too_far", "plate_unreadable"))
            self.call(
                "adjuster", "POST", f"/photos/{bad['id']}/send_back", reason=reason, note="请在现场补拍一张"
            )
            self.ready_at[job["task"]["id"]] = time.monotonic() + 30
            return
        for photo in waiting:
            self.call("adjuster", "POST", f"/photos/{photo['id']}/approve")
        lines = casework.damage_lines(claim, self.rng)
        self.call("adjuster", "PUT", f"/claims/{claim['id']}/assessment", lines=lines, note="")
        self.call(
            "adjuster_senior" if casework.total(lines) > ADJUSTER_FEN else "adjuster",
            "POST",
            f"/claims/{claim['id']}/approve",
        )


def guarded(act: Callable[[], None], what: str) -> None:
    """Lets one failed step pass: the site may be restarting."""
    try:
        act()
    except Refused as refusal:
        log.info("refused", extra={"what": what, "status": refusal.status, "code": refusal.code})
    except httpx.HTTPError as error:
        log.info("no answer", extra={"what": what, "error": type(error).__name__})


def crew(
    http: httpx.Client, given: dict[str, Any], roads: Roads, ours: set[str], pool: ThreadPoolExecutor
) -> list[Person]:
    """The simulated surveyors, each in his car."""
    devices = given["devices"]
    cars = movers(roads.city, roads, len(devices), seed=SEED, start=datetime.now(UTC))
    scenes = Scenes(SEED)
    return [
        Person(
            Phone(http, secrets, PROTOCOLS[number % len(PROTOCOLS)]),
            car,
            random.Random(SEED * 100 + number),
            ours,
            scenes,
            pool,
        )
        for number, (secrets, car) in enumerate(zip(devices, cars, strict=True))
        if secrets["simulated"]
    ]


def live(data: Path, stop: threading.Event) -> None:
    """Lives until `stop`."""
    given = json.loads((data / "demo.json").read_text(encoding="utf-8"))
    city = casework.city_of(os.environ.get("CHAKAN_ROADS", ""))
    roads, ours = Roads(city), set[str]()
    limits = httpx.Limits(max_connections=12, max_keepalive_connections=12)
    with (
        httpx.Client(base_url=given["url"], timeout=20, limits=limits) as http,
        ThreadPoolExecutor(2) as pool,
    ):
        people = crew(http, given, roads, ours, pool)
        for person in people:
            guarded(lambda person=person: person.phone.post("/me/shift", on=True), "shift")  # type: ignore[misc]
        threading.Thread(target=past, args=(roads, stop), daemon=True, name="history").start()
        desk = Desk(http, given["users"], Demand(city, seed=int(time.time()), by_hour=False), ours)
        while not stop.wait(0.2):
            now = datetime.now(UTC)
            for person in people:
                person.step(now)
            guarded(desk.step, "desk")
        pool.shutdown(wait=False, cancel_futures=True)


def past(roads: Roads, stop: threading.Event) -> None:
    """Writes the three days before, once, while the site already lives."""
    settings = Settings.from_env(os.environ)
    try:
        history.write(settings, LocalStorage(settings.photos), roads, stop=stop.is_set)
    except SQLAlchemyError:
        log.exception("history failed")


def main() -> None:
    """Entry point of `python -m lab.demo`."""
    logs.set_up(logging.WARNING)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    while not stop.is_set():
        try:
            live(Path(os.environ["CHAKAN_DATA"]), stop)
        except (httpx.HTTPError, OSError) as error:
            log.warning("demo waits for the site", extra={"error": type(error).__name__})
            stop.wait(3)


if __name__ == "__main__":
    main()
