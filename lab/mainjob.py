"""The main job on real input: recorded taxi trips as surveyors' phones, losses at real trip ends, every fix and claim in a ledger.

Time is pressed together by `factor`: the phones' clocks, people's reactions, the offer window and the clocks of the
promise alike, so that an hour of the recording makes the same story in minutes. Only the server is as slow as it is.
"""

import csv
import json
import os
import queue
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy.orm import Session

from core import clock
from core.database import Sessions
from geo.fix import Fix, LonLat, metres_between
from lab import seed
from lab.phones import Phone, Protocol, Refused, checked, rfc3339
from staff import organisations, rules, service, shifts, tokens
from staff.models import Organisation, Surveyor

STEP_S = 15  # between two fixes of the recording
# OwnTracks and two forms of Traccar speak in whole seconds: pressed harder than this, two fixes would fall into one.
MOST_FACTOR = 15
FORMS: tuple[tuple[Protocol, ...], ...] = (
    ("owntracks",),
    ("traccar_query", "traccar_form", "traccar_json"),
    ("overland",),
)
BATCH = 4
TWICE, OUT_OF_ORDER, LATE = 0.05, 0.05, 0.02
SILENT, DECLINING = 0.05, 0.07
DRIVE_MPS = 15.0  # from the end of a trip to the start of the next, which nobody recorded
LOOK_EVERY_S = 3.0
TRY_FOR_S = 90.0
FixKey = tuple[int, datetime]  # device, time as the wire format can say it


@dataclass(frozen=True)
class Script:
    """How much is replayed; `longest` leaves out trips with more fixes than that."""

    phones: int
    trips: int
    claims: int
    factor: float
    longest: int = 10_000
    patience_s: float = 900.0

    def __post_init__(self) -> None:
        if not 1 <= self.factor <= MOST_FACTOR:
            raise ValueError(f"the factor must lie between 1 and {MOST_FACTOR}")


@dataclass(frozen=True)
class Trip:
    """A recorded trip: a place every fifteen seconds. `reported`: a loss is reported at its end."""

    number: str
    places: tuple[LonLat, ...]
    reported: bool = False


@dataclass
class Ledger:
    """What the clients themselves say they did; many threads write, each under the lock."""

    promised: dict[FixKey, LonLat] = field(default_factory=dict)
    sent: int = 0
    repeats: int = 0
    retried: int = 0
    shuffled: int = 0
    late: int = 0
    given_up: list[str] = field(default_factory=list)
    opened: dict[str, set[str]] = field(default_factory=dict)  # trip → ids of the claims answered
    repeated_reports: int = 0
    redispatched: int = 0
    deeds: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True)
class Cast:
    """The secrets of those who act."""

    seat: str
    dispatcher: str
    devices: tuple[dict[str, Any], ...]


def read_trips(path: Path, script: Script) -> list[Trip]:
    """The first trips of the recording that fit, by start; losses spread evenly over those long enough to end somewhere."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: (int(row["TIMESTAMP"]), row["TRIP_ID"]))
    found = [(row["TRIP_ID"], tuple(LonLat(*place) for place in json.loads(row["POLYLINE"]))) for row in rows]
    chosen = [(number, places) for number, places in found if 2 <= len(places) <= script.longest][: script.trips]
    if len(chosen) < max(script.phones, script.claims):
        raise ValueError(f"{path.name} holds {len(chosen)} trips that fit: too few for {script}")
    n, of = script.claims, len(chosen)
    return [Trip(number, places, i * n // of != (i + 1) * n // of) for i, (number, places) in enumerate(chosen)]


def rosters(trips: Sequence[Trip], script: Script) -> list[list[tuple[float, Trip]]]:
    """Each phone's trips with the second of the replay each one starts at.

    A trip goes to the phone that ends nearest to its start among the ten that are free soonest; whole seconds keep the
    clocks of the trackers apart.
    """
    step_s = STEP_S / script.factor
    chains: list[list[tuple[float, Trip]]] = [[(float(n % 4), trip)] for n, trip in enumerate(trips[: script.phones])]

    def free_at(chain: list[tuple[float, Trip]]) -> float:
        return chain[-1][0] + len(chain[-1][1].places) * step_s

    for trip in trips[script.phones :]:
        soonest = sorted(chains, key=free_at)[:10]
        chain = min(soonest, key=lambda c: metres_between(c[-1][1].places[-1], trip.places[0]))
        away_m = metres_between(chain[-1][1].places[-1], trip.places[0])
        chain.append((float(int(free_at(chain) + away_m / DRIVE_MPS / script.factor) + 3), trip))
    return chains


def cast(sessions: Sessions, script: Script) -> Cast:
    """An organisation whose clocks run as fast as the replay, a seat, a dispatcher, and a paired phone for each surveyor."""
    with sessions.begin() as session:
        now = clock.read(session)
        head = organisations.add(session, None, "head", "REPLAY", "回放总公司")
        for key, value in pressed(script.factor).items():
            rules.change(session, head.id, key, value, by=0)
        devices = []
        for number in range(script.phones):
            new = service.NewPerson(
                username=f"phone{number:03d}", name=f"查勘{number:03d}", roles=("surveyor",), skills=("motor",)
            )
            person = service.add_person(session, head, new, by=None, now=now)
            shifts.set_duty(session, person.id, True, now=now - timedelta(hours=1))
            devices.append(seed.phone(session, session.get_one(Surveyor, person.id), now, simulated=True))
        return Cast(signed(session, head, "seat", now), signed(session, head, "dispatcher", now), tuple(devices))


def pressed(factor: float) -> dict[str, int]:
    """The organisation's rules by key: windows shortened as time is, within the bounds each rule allows."""
    return {
        "fix_speed_mps": min(350, round(50 * factor)),
        "offer_ttl_s": max(10, round(90 / factor)),
        "dispatch_limit_min": max(1, round(5 / factor)),
        "contact_limit_min": max(1, round(10 / factor)),
        "contact_warn_1_min": max(1, round(6 / factor)),
        "contact_warn_2_min": max(1, round(8 / factor)),
    }


def signed(session: Session, head: Organisation, role: str, now: datetime) -> str:
    """An API token of a new person with that role."""
    new = service.NewPerson(username=f"replay-{role}", name="回放", roles=(role,))
    person = service.add_person(session, head, new, by=None, now=now)
    return tokens.issue(session, "api", person.id, now=now, life=timedelta(days=1), label="replay")[1]


def wire_time(protocol: Protocol, at: datetime) -> datetime:
    """The time as the format can say it: whole seconds, or milliseconds in Traccar's JSON."""
    micro = at.microsecond // 1000 * 1000 if protocol == "traccar_json" else 0
    return at.replace(microsecond=micro)


class Network:
    """What lies between a phone and the server: repeats some batches, shuffles some, holds some back."""

    def __init__(self, phone: Phone, ledger: Ledger, rng: random.Random) -> None:
        self.phone, self.ledger, self.rng = phone, ledger, rng
        self.overtaken: list[list[Fix]] = []
        self.held: list[tuple[float, list[Fix]]] = []

    def carry(self, fixes: list[Fix]) -> None:
        """Takes a batch; it reaches the server now, after the next one, twice, or much later."""
        device = int(self.phone.secrets["device_id"])
        with self.ledger.lock:
            for fix in fixes:
                self.ledger.promised[device, wire_time(self.phone.protocol, fix.fixed_at)] = fix.position()
        luck = self.rng.random()
        if luck < LATE:
            self.ledger.late += len(fixes)
            self.held.append((time.monotonic() + self.rng.uniform(5, 30), fixes))
            return
        if luck < LATE + OUT_OF_ORDER:
            self.ledger.shuffled += len(fixes)
            self.overtaken.append(fixes[::-1])
            return
        self._deliver(fixes)
        if luck < LATE + OUT_OF_ORDER + TWICE:
            with self.ledger.lock:
                self.ledger.repeats += len(fixes)
            self._deliver(fixes)
        waiting, self.overtaken = self.overtaken, []
        for batch in waiting:
            self._deliver(batch)

    def let_go(self, *, all_of_it: bool = False) -> None:
        """Delivers what was held back long enough, or everything."""
        now = time.monotonic()
        due = [batch for at, batch in self.held if all_of_it or at <= now]
        self.held = [] if all_of_it else [entry for entry in self.held if entry[0] > now]
        if all_of_it:
            due, self.overtaken = due + self.overtaken, []
        for batch in due:
            self._deliver(batch)

    def _deliver(self, fixes: list[Fix]) -> None:
        """One fix a request or one batch a request, each tried again until the server has answered."""
        whole = [fixes] if self.phone.protocol == "overland" else [[fix] for fix in fixes]
        for part in whole:
            with self.ledger.lock:
                self.ledger.sent += len(part)
            insist(lambda part=part: self.phone.send(part), self.ledger, "fix", len(part))  # type: ignore[misc]


def insist(act: Callable[[], Any], ledger: Ledger, what: str, weight: int = 1) -> Any:
    """Does it until the server answers; a refusal is an answer. None when it gave up, which the ledger then says."""
    until = time.monotonic() + TRY_FOR_S
    while True:
        try:
            return act()
        except Refused as refusal:
            with ledger.lock:
                ledger.given_up.append(f"{what}: {refusal}")
            return None
        except httpx.HTTPError as error:
            with ledger.lock:
                if time.monotonic() > until:
                    ledger.given_up.append(f"{what}: {type(error).__name__}")
                    return None
                # It may have been taken and only the answer lost: the server must then find the double.
                ledger.retried += weight
            time.sleep(0.5)


class Surveying(threading.Thread):
    """A surveyor's day: his phone follows the recorded trips, he answers offers, rings, goes and reports."""

    def __init__(self, replay: "Replay", phone: Phone, roster: list[tuple[float, Trip]], number: int) -> None:
        super().__init__(name=f"phone-{number}", daemon=True)
        self.replay, self.phone, self.roster = replay, phone, roster
        self.rng = random.Random(number)
        self.network = Network(phone, replay.ledger, self.rng)
        self.plans: dict[str, tuple[float, Callable[[], Any]]] = {}
        self.next_look = time.monotonic() + self.rng.uniform(0, LOOK_EVERY_S)
        self.travelled = threading.Event()

    def run(self) -> None:
        """Drives every trip, then goes on working until the replay is over."""
        batch: list[Fix] = []
        for start_s, trip in self.roster:
            for number, place in enumerate(trip.places):
                at = self.replay.began + timedelta(seconds=start_s + number * STEP_S / self.replay.script.factor)
                self._work_until(at)
                batch.append(Fix(at, None, place.lon, place.lat, accuracy_m=8.0, battery=80))
                if len(batch) == BATCH or number == len(trip.places) - 1:
                    self.network.carry(batch)
                    batch = []
            if trip.reported:
                self.replay.losses.put(trip)
        self.network.let_go(all_of_it=True)
        self.travelled.set()
        while not self.replay.over.wait(0.2):
            self._work()

    def _work_until(self, at: datetime) -> None:
        while True:
            self._work()
            left_s = (at - datetime.now(UTC)).total_seconds()
            if left_s <= 0:
                return
            time.sleep(min(left_s, 0.25))

    def _work(self) -> None:
        now = time.monotonic()
        self.network.let_go()
        for key, (at, act) in list(self.plans.items()):
            if at <= now:
                del self.plans[key]
                self._do(key, act)
        if now >= self.next_look:
            self._look()
            self.next_look = time.monotonic() + LOOK_EVERY_S * self.rng.uniform(0.7, 1.3)

    def _do(self, key: str, act: Callable[[], Any]) -> None:
        """One deed. What fails is looked at again: the server's answer to the next look decides."""
        try:
            act()
        except (Refused, httpx.HTTPError) as error:
            word = error.code if isinstance(error, Refused) else type(error).__name__
            with self.replay.ledger.lock:
                self.replay.ledger.deeds[f"{key.split()[0]}: {word}"] += 1

    def _look(self) -> None:
        jobs: dict[str, Any] = {}
        self._do("look", lambda: jobs.update(self.phone.get("/me/jobs")))
        for offer in jobs.get("offers", ()):
            self._plan(f"offer {offer['id']}", *self._answer(f"/offers/{offer['id']}"))
        for task in jobs.get("tasks", ()):
            step = self._step(task["state"], f"/tasks/{task['id']}")
            if step is not None:
                self._plan(f"{task['state']} {task['id']}", *step)

    def _plan(self, key: str, seconds: tuple[float, float], act: Callable[[], Any]) -> None:
        if key not in self.plans:
            wait_s = self.rng.uniform(*seconds) / self.replay.script.factor
            self.plans[key] = (time.monotonic() + wait_s, act)

    def _answer(self, path: str) -> tuple[tuple[float, float], Callable[[], Any]]:
        luck = self.rng.random()
        if luck < SILENT:
            return (36_000, 36_000), lambda: None
        if luck < SILENT + DECLINING:
            reason = self.rng.choice(("busy", "too_far", "other"))
            return (4, 20), lambda: self.phone.post(f"{path}/decline", reason=reason)
        return (3, 25), lambda: self.phone.post(f"{path}/accept")

    def _step(self, state: str, path: str) -> tuple[tuple[float, float], Callable[[], Any]] | None:
        phone, report = self.phone, {"summary": "回放：现场查勘完毕", "no_photo_reason": "回放不拍照"}
        steps: dict[str, tuple[tuple[float, float], Callable[[], Any]]] = {
            "accepted": ((15, 120), lambda: phone.post(f"{path}/contact", channel="phone", result="answered")),
            "contacted": ((5, 60), lambda: phone.post(f"{path}/depart")),
            "en_route": ((120, 400), lambda: phone.post(f"{path}/arrive", reason="回放：行车轨迹为历史记录")),
            "on_scene": ((60, 200), lambda: phone.post(f"{path}/submit", report=report)),
        }
        return steps.get(state)


class Replay:
    """One run against a running site."""

    def __init__(self, url: str, sessions: Sessions, script: Script, trips: Sequence[Trip]) -> None:
        self.script, self.ledger, self.trips = script, Ledger(), trips
        self.over, self.losses = threading.Event(), queue.Queue[Trip]()
        self.people = cast(sessions, script)
        limits = httpx.Limits(max_connections=48, max_keepalive_connections=48)
        self.http = httpx.Client(base_url=url, timeout=httpx.Timeout(30, pool=None), limits=limits)
        self.began = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)

    def run(self, settled: Callable[[], bool]) -> float:
        """Replays everything, then waits until `settled()` or out of patience; returns the seconds it took."""
        forms = [FORMS[n % 3][n // 3 % len(FORMS[n % 3])] for n in range(self.script.phones)]
        phones = [Phone(self.http, given, form) for given, form in zip(self.people.devices, forms, strict=True)]
        crew = [
            Surveying(self, phone, roster, number)
            for number, (phone, roster) in enumerate(zip(phones, rosters(self.trips, self.script), strict=True))
        ]
        desks = [threading.Thread(target=act, name=act.__name__, daemon=True) for act in (self._report, self._dispatch)]
        begun = time.monotonic()
        with self.http:
            for thread in (*desks, *crew):
                thread.start()
            until = begun + self.script.patience_s
            while time.monotonic() < until and not (all(one.travelled.is_set() for one in crew) and settled()):
                time.sleep(0.25)
            self.over.set()
            for thread in (*desks, *crew):
                thread.join(timeout=max(1.0, until + 60 - time.monotonic()))
        return time.monotonic() - begun

    def _call(self, token: str, method: str, path: str, key: str = "", **body: Any) -> Any:
        headers = {"Authorization": f"Bearer {token}"} | ({"Idempotency-Key": key} if key else {})
        return checked(self.http.request(method, f"/api/v1{path}", json=body or None, headers=headers)).json()

    def _report(self) -> None:
        """The seat: a report for every loss; some are sent twice, as when the answer got lost."""
        rng, number = random.Random(3), 0
        while not self.over.is_set():
            try:
                trip = self.losses.get(timeout=0.2)
            except queue.Empty:
                continue
            number += 1
            body = report_of(trip, number)
            twice = rng.random() < TWICE
            for _ in range(2 if twice else 1):
                answer = insist(
                    lambda body=body, trip=trip: self._call(self.people.seat, "POST", "/claims", f"trip-{trip.number}", **body),  # type: ignore[misc]
                    self.ledger,
                    "claim",
                    0,
                )
                if answer is not None:
                    self.ledger.opened.setdefault(trip.number, set()).add(answer["id"])
            self.ledger.repeated_reports += twice

    def _dispatch(self) -> None:
        """The dispatcher: sends out again what nobody took in all rounds."""
        while not self.over.wait(2.0):
            try:
                board = self._call(self.people.dispatcher, "GET", "/board?state=unassigned")["items"]
                for card in board:
                    if card["unassigned_reason"] in ("nobody_on_duty", "nobody_in_reach"):
                        continue  # goes out by itself
                    path = f"/claims/{card['claim_id']}/redispatch"
                    self._call(self.people.dispatcher, "POST", path, f"again-{os.urandom(8).hex()}", reason="无人接单，重新派单")
                    self.ledger.redispatched += 1
            except (Refused, httpx.HTTPError) as error:
                with self.ledger.lock:
                    self.ledger.deeds[f"dispatcher: {type(error).__name__}"] += 1


def report_of(trip: Trip, number: int) -> dict[str, Any]:
    """The report of a loss where the trip ended; the caller is invented, the place is real."""
    now, place = datetime.now(UTC), trip.places[-1]
    return {
        "reported_at": rfc3339(now - timedelta(seconds=1)),
        "call_ended_at": rfc3339(now),
        "reporter": {"name": "回放报案人", "phone": f"1380013{number:04d}"},
        "loss": {"position": {"lon": place.lon, "lat": place.lat}, "place": "行程终点", "cause": "collision"},
        "line": "motor",
        "external_no": trip.number,
    }
