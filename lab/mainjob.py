"""The main job on real input: recorded taxi trips as surveyors' phones, losses at real trip ends, a ledger of everything.

Time is pressed together by `factor`: the phones' clocks, people's reactions, the offer window and the clocks of the
promise alike, so that an hour of the recording makes the same story in minutes. Only the server is as slow as it is.
"""

import os
import queue
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from core.database import Sessions
from geo.fix import Fix, LonLat
from lab.phones import Phone, Protocol, Refused, checked
from lab.recording import STEP_S, Script, Trip, cast, report_of, rosters

FORMS: tuple[tuple[Protocol, ...], ...] = (
    ("owntracks",),
    ("traccar_query", "traccar_form", "traccar_json"),
    ("overland",),
)
BATCH = 4
SAY_EVERY_S = 15.0
TWICE, OUT_OF_ORDER, LATE = 0.05, 0.05, 0.02
GOLDEN = (5**0.5 - 1) / 2
SILENT, DECLINING = 0.05, 0.07
SEATS = 4
PARKED_EVERY_S = 20.0
LOOK_EVERY_S = 3.0
TRY_FOR_S = 90.0
FixKey = tuple[int, datetime]  # device, time as the wire format can say it


@dataclass
class Ledger:
    """What the clients themselves say they did; many threads write, each under the lock."""

    promised: dict[FixKey, LonLat] = field(default_factory=dict)
    sent: int = 0
    repeats: int = 0
    retried: int = 0
    shuffled: int = 0
    late: int = 0
    carried: int = 0  # batches
    given_up: list[str] = field(default_factory=list)
    opened: dict[str, set[str]] = field(default_factory=dict)  # trip → ids of the claims answered
    repeated_reports: int = 0
    redispatched: int = 0
    deeds: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)


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
            # Steps of the golden ratio: of a few dozen batches too some are late, some overtaken and some repeated.
            luck = self.ledger.carried * GOLDEN % 1
            self.ledger.carried += 1
            for fix in fixes:
                self.ledger.promised[device, wire_time(self.phone.protocol, fix.fixed_at)] = fix.position()
        if luck < LATE:
            with self.ledger.lock:
                self.ledger.late += len(fixes)
            self.held.append((time.monotonic() + self.rng.uniform(5, 30), fixes))
            return
        if luck < LATE + OUT_OF_ORDER:
            with self.ledger.lock:
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
        # Its own dice: the same batches of a trip go astray in every run, however busy the machine is.
        self.network = Network(phone, replay.ledger, random.Random(1000 + number))
        self.plans: dict[str, tuple[float, Callable[[], Any]]] = {}
        self.next_look = time.monotonic() + self.rng.uniform(0, LOOK_EVERY_S)
        self.travelled = threading.Event()

    def run(self) -> None:
        """Drives every trip, then goes on working until the replay is over."""
        batch: list[Fix] = []
        for start_s, trip in self.roster:
            for number, place in enumerate(trip.places):
                at = self.replay.began + timedelta(
                    seconds=start_s + number * STEP_S / self.replay.script.factor
                )
                self._work_until(at)
                batch.append(Fix(at, None, place.lon, place.lat, accuracy_m=8.0, battery=80))
                if len(batch) == BATCH or number == len(trip.places) - 1:
                    self.network.carry(batch)
                    batch = []
            if trip.reported:
                self.replay.losses.put(trip)
        self.network.let_go(all_of_it=True)
        self.travelled.set()
        self._wait_parked()
        self.network.let_go(all_of_it=True)

    def _wait_parked(self) -> None:
        """Works on where the last trip ended; a parked phone tells its place too, or it could not be asked any more."""
        place, next_fix = self.roster[-1][1].places[-1], time.monotonic() + PARKED_EVERY_S
        while not self.replay.over.wait(0.2):
            self._work()
            if time.monotonic() >= next_fix:
                next_fix = time.monotonic() + PARKED_EVERY_S
                self.network.carry(
                    [Fix(datetime.now(UTC), None, place.lon, place.lat, accuracy_m=8.0, battery=80)]
                )

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
            "accepted": (
                (15, 120),
                lambda: phone.post(f"{path}/contact", channel="phone", result="answered"),
            ),
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

    def run(self, settled: Callable[[], bool], say: Callable[[str], None] = lambda words: None) -> float:
        """Replays everything, then waits until `settled()` or out of patience; returns the seconds it took.

        `say` hears every quarter of a minute how far it is.
        """
        forms = [FORMS[n % 3][n // 3 % len(FORMS[n % 3])] for n in range(self.script.phones)]
        phones = [
            Phone(self.http, given, form) for given, form in zip(self.people.devices, forms, strict=True)
        ]
        crew = [
            Surveying(self, phone, roster, number)
            for number, (phone, roster) in enumerate(
                zip(phones, rosters(self.trips, self.script), strict=True)
            )
        ]
        desks = [
            threading.Thread(target=act, name=act.__name__, daemon=True)
            for act in (*[self._report] * SEATS, self._dispatch)
        ]
        begun = time.monotonic()
        with self.http:
            for thread in (*desks, *crew):
                thread.start()
            until, next_word = begun + self.script.patience_s, begun + SAY_EVERY_S
            while time.monotonic() < until and not (
                all(one.travelled.is_set() for one in crew) and settled()
            ):
                time.sleep(0.25)
                if time.monotonic() > next_word:
                    next_word += SAY_EVERY_S
                    home = sum(one.travelled.is_set() for one in crew)
                    say(
                        f"{time.monotonic() - begun:4.0f} s: {len(self.ledger.opened)} of {self.script.claims} losses reported,"
                        f" {home} of {len(crew)} phones through with their trips"
                    )
            self.over.set()
            for thread in (*desks, *crew):
                thread.join(timeout=max(1.0, until + 60 - time.monotonic()))
        return time.monotonic() - begun

    def _call(self, token: str, method: str, path: str, key: str = "", **body: Any) -> Any:
        headers = {"Authorization": f"Bearer {token}"} | ({"Idempotency-Key": key} if key else {})
        return checked(self.http.request(method, f"/api/v1{path}", json=body or None, headers=headers)).json()

    def _report(self) -> None:
        """A seat: a report for every loss; some are sent twice, as when the answer got lost."""
        rng = random.Random()
        while not self.over.is_set():
            try:
                trip = self.losses.get(timeout=0.2)
            except queue.Empty:
                continue
            body = report_of(trip)
            twice = rng.random() < TWICE
            for _ in range(2 if twice else 1):
                self._send_report(trip, body)
            with self.ledger.lock:
                self.ledger.repeated_reports += twice

    def _send_report(self, trip: Trip, body: dict[str, Any]) -> None:
        key = f"trip-{trip.number}"
        answer = insist(
            lambda: self._call(self.people.seat, "POST", "/claims", key, **body), self.ledger, "claim", 0
        )
        if answer is not None:
            with self.ledger.lock:
                self.ledger.opened.setdefault(trip.number, set()).add(answer["id"])

    def _dispatch(self) -> None:
        """The dispatcher: sends out again what nobody took in all rounds."""
        while not self.over.wait(2.0):
            try:
                board = self._call(self.people.dispatcher, "GET", "/board?state=unassigned")["items"]
                for card in board:
                    if card["unassigned_reason"] in ("nobody_on_duty", "nobody_in_reach"):
                        continue  # goes out by itself
                    path = f"/claims/{card['claim_id']}/redispatch"
                    self._call(
                        self.people.dispatcher,
                        "POST",
                        path,
                        f"again-{os.urandom(8).hex()}",
                        reason="无人接单，重新派单",
                    )
                    self.ledger.redispatched += 1
            except (Refused, httpx.HTTPError) as error:
                with self.ledger.lock:
                    self.ledger.deeds[f"dispatcher: {type(error).__name__}"] += 1
