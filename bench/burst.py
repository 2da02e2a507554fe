"""A catastrophe's burst at the real door: 50 reports a second by POST /claims, then who is missing and who is there twice.

The whole site runs as in life (API, live, workers, sweeper) on a database that keeps its promises. Reports are sent at a
fixed rate whether or not earlier ones were answered, each with the insurer's own number; one in twenty is sent twice with
the same key, as a call centre does when an answer is late. Afterwards the numbers sent are compared, one by one, with
those in the tables. 100,000 reports a day are 1.16 a second; a burst of 50 is 43 times that.
"""

import http.client
import json
import queue
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Engine, text

import media.models  # noqa: F401  every table must be known, or the database cannot be emptied
import notify.models  # noqa: F401
from bench.dispatch import CENTRE, SPREAD_DEG, percentile, populate
from bench.mainjob import private_redis
from bench.place import durable, fresh_database
from core import clock, database
from core.database import Sessions
from lab.recording import signed
from staff.models import Organisation
from tests import site as sites

RATE, A_DAY = 50.0, 100_000
SECONDS, QUICK_SECONDS = 30.0, 8.0
SURVEYORS, SEATS = 1_000, 48
TWICE = 0.05
TRY_FOR_S = 60.0
P99_GOAL_S = 2.0


@dataclass
class Sent:
    """What the seats say: every number they sent, and what they were told."""

    numbers: set[str] = field(default_factory=set)
    answered: dict[str, set[str]] = field(default_factory=dict)
    took_s: list[float] = field(default_factory=list)
    retried: int = 0
    repeats: int = 0
    given_up: int = 0
    behind_s: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


def main(quick: bool) -> dict[str, Any]:
    """Measures the burst; `quick` ends within 50 s on an idle machine."""
    with (
        fresh_database() as url,
        private_redis() as redis_url,
        tempfile.TemporaryDirectory(prefix="chakan-burst-") as folder,
    ):
        engine = database.connect(url, pool_size=4, name="chakan-bench")
        token = seat(database.sessions(engine))
        site = sites.build(Path(folder), url, redis_url)
        try:
            sites.start_all(site, 120)
            print(f"{SURVEYORS:,} surveyors on duty, {durable(url)}")
            sent = burst(site.url, token, QUICK_SECONDS if quick else SECONDS)
            found = reckon(engine, sent)
        finally:
            site.stop()
            engine.dispose()
    print(
        f"{len(sent.numbers)} reports at {RATE:g}/s: {sent.repeats} sent twice, {sent.retried} tried again,"
        f" {sent.given_up} given up, {sent.behind_s:.1f} s behind at the end"
    )
    return {"figures": figures(sent, found)}


def seat(sessions: Sessions) -> str:
    """An insurer with its surveyors, and the token of a seat."""
    populate(sessions, SURVEYORS, random.Random(7))
    with sessions.begin() as session:
        return signed(session, session.query(Organisation).one(), "seat", clock.read(session))


def burst(url: str, token: str, seconds: float) -> Sent:
    """Sends at the fixed rate; returns when every report was answered or given up."""
    sent, dice = Sent(), random.Random(11)
    waiting: queue.Queue[tuple[float, dict[str, Any], bool] | None] = queue.Queue()
    seats = [
        threading.Thread(target=_seat, args=(url, token, waiting, sent), daemon=True) for _ in range(SEATS)
    ]
    for one in seats:
        one.start()
    began = time.monotonic()
    for n in range(round(RATE * seconds)):
        due = began + n / RATE
        time.sleep(max(0.0, due - time.monotonic()))
        waiting.put((due, report(n, dice), dice.random() < TWICE))
    for _ in seats:
        waiting.put(None)
    for one in seats:
        one.join(TRY_FOR_S * 2)
    sent.behind_s = max(0.0, time.monotonic() - began - seconds)
    return sent


def report(n: int, dice: random.Random) -> dict[str, Any]:
    """A loss somewhere around the centre, with the insurer's own number."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    lon = CENTRE.lon + dice.uniform(-SPREAD_DEG, SPREAD_DEG)
    lat = CENTRE.lat + dice.uniform(-SPREAD_DEG, SPREAD_DEG)
    return {
        "reported_at": now,
        "call_ended_at": now,
        "reporter": {"name": "量测", "phone": f"138{dice.randrange(10**8):08d}"},
        "loss": {"position": {"lon": lon, "lat": lat}, "place": "路口", "cause": "collision"},
        "line": "motor",
        "external_no": f"BURST{n:06d}",
    }


def _seat(
    url: str, token: str, waiting: "queue.Queue[tuple[float, dict[str, Any], bool] | None]", sent: Sent
) -> None:
    line = _line(url, token)
    while (order := waiting.get()) is not None:
        due, body, twice = order
        number = body["external_no"]
        with sent.lock:
            sent.numbers.add(number)
        claim = _post(line, body, sent)
        with sent.lock:
            sent.took_s.append(time.monotonic() - due)
            sent.answered.setdefault(number, set()).update([claim] if claim else [])
        if twice:
            again = _post(line, body, sent)
            with sent.lock:
                sent.repeats += 1
                sent.answered[number].update([again] if again else [])


# The generator shares the two cores with what it measures: the standard library asks for a third of httpx's time.
Line = Callable[[bytes, str], tuple[int, bytes]]


def _line(url: str, token: str) -> Line:
    """A kept connection that posts a report under a key and returns status and body; it dials again after an error."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def post(body: bytes, key: str) -> tuple[int, bytes]:
        try:
            connection.request("POST", "/api/v1/claims", body, headers | {"Idempotency-Key": key})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            raise

    return post


def _post(line: Line, body: dict[str, Any], sent: Sent) -> str | None:
    """Sends until it is taken: the same key each time, so that a lost answer makes no second claim."""
    until = time.monotonic() + TRY_FOR_S
    packed = json.dumps(body).encode()
    while time.monotonic() < until:
        try:
            status, answer = line(packed, body["external_no"])
        except (OSError, http.client.HTTPException):
            status, answer = 0, b""
        if status in (200, 201):
            return str(json.loads(answer)["id"])
        with sent.lock:
            sent.retried += 1
        time.sleep(0.2)
    with sent.lock:
        sent.given_up += 1
    return None


@dataclass(frozen=True)
class Found:
    """What lies in the tables."""

    lost: int
    doubled: int
    contradicted: int  # numbers whose two answers named different claims
    strangers: int  # claims nobody sent
    without_task: int


def reckon(engine: Engine, sent: Sent) -> Found:
    """Compares what was sent with what is there, number by number."""
    with engine.connect() as connection:
        rows = (
            connection.execute(text("SELECT external_no FROM claim WHERE external_no LIKE 'BURST%'"))
            .scalars()
            .all()
        )
        bare = connection.execute(
            text(
                "SELECT count(*) FROM claim AS c WHERE NOT EXISTS (SELECT FROM task AS t WHERE t.claim_id = c.id)"
            )
        ).scalar_one()
    there = Counter(rows)
    return Found(
        lost=len(sent.numbers - there.keys()),
        doubled=sum(count - 1 for count in there.values()),
        contradicted=sum(len(ids) > 1 for ids in sent.answered.values()),
        strangers=len(there.keys() - sent.numbers),
        without_task=int(bare),
    )


def figures(sent: Sent, found: Found) -> list[dict[str, Any]]:
    """Lost, doubled, and how long an answer took, counted from when the report was due to go out."""
    took = sorted(sent.took_s)
    p99 = percentile(took, 99)
    rate = len(took) / (len(sent.numbers) / RATE + sent.behind_s)
    lost = found.lost + found.without_task + sent.given_up
    doubled = found.doubled + found.contradicted + found.strangers
    return [
        figure("lost", lost, "", 0, lost == 0),
        figure("doubled", doubled, "", 0, doubled == 0),
        figure("taken in the burst", rate, "/s", RATE * 0.95, rate >= RATE * 0.95),
        figure("answer, p50", percentile(took, 50), "s", None, None),
        figure("answer, p99", p99, "s", P99_GOAL_S, p99 <= P99_GOAL_S),
        figure("reports a day at this rate", rate * 86_400, "", A_DAY, rate * 86_400 >= A_DAY),
    ]


def figure(metric: str, ours: float, unit: str, goal: float | None, holds: bool | None) -> dict[str, Any]:
    """One line of the result."""
    return {
        "metric": f"{metric}, burst of {RATE:g} a second",
        "unit": unit,
        "ours": round(ours, 3),
        "peer": None,
        "peer_name": "none known",
        "ratio": None,
        "goal": goal,
        "holds": holds,
    }
