"""Days of 100,000 claims in the tables: what the desk asks all day, and a burst of 50 reports a second on top of them.

Every question is put to the site while it is empty and again when the claims are there. What takes longer in proportion to
all the claims there ever were is a bill that every insurer gets one day; the answers of its first weeks hide it.
"""

import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import Engine, text

import media.models  # noqa: F401  every table must be known, or the database cannot be emptied
import notify.models  # noqa: F401
from bench import archive, burst
from bench.dispatch import CENTRE, SPREAD_DEG
from bench.mainjob import private_redis
from bench.place import durable, fresh_database
from core import clock, database
from core.database import Sessions
from dispatch import milestones
from lab.recording import signed
from staff import organisations
from staff.models import Organisation
from tests import site as sites

A_DAY = 100_000
BRANCHES = 40
ROLES = ("dispatcher", "adjuster", "supervisor")
ASKED, QUICK_ASKED = 9, 3
SCREEN_GOAL_S, REPORT_GOAL_S = 0.5, 10.0


@dataclass(frozen=True)
class Question:
    """What somebody asks the desk for. `goal_s`: within which he must have it at the full size."""

    name: str
    role: str
    path: str
    goal_s: float = SCREEN_GOAL_S

    @property
    def times(self) -> int:
        """How often it is asked at the full size: what may take seconds only a few times."""
        return ASKED if self.goal_s < 1 else QUICK_ASKED


def main(quick: bool) -> dict[str, Any]:
    """Measures both; `quick` lays a fifth of a day and ends within 50 s on an idle machine, the full form five whole days."""
    claims, days = (A_DAY // 5, 0.2) if quick else (A_DAY * 5, 5.0)
    with (
        fresh_database(superuser=True) as url,
        private_redis() as redis_url,
        tempfile.TemporaryDirectory(prefix="chakan-day-") as folder,
    ):
        engine = database.connect(url, pool_size=4, name="chakan-bench")
        sessions = database.sessions(engine)
        seat = burst.seat(sessions)
        with sessions.begin() as session:
            head, now = session.query(Organisation).one(), clock.read(session)
            tokens = {role: signed(session, head, role, now) for role in ROLES} | {"seat": seat}
            # Made last, it gets the fewest claims, and hardly any of the newest.
            small = [
                organisations.add(session, head, "branch", f"B{n}", f"分公司{n}") for n in range(BRANCHES)
            ][-1]
            tokens["small branch"] = signed(session, small, "admin", now)
        site = sites.build(Path(folder), url, redis_url)
        try:
            sites.start_all(site, 120)
            print(f"{durable(url)}; {claims:,} claims of {days:g} days to come")
            found = list(questions(claims, days))
            empty = [took(site.url, tokens, one, QUICK_ASKED) for one in found]
            lay(engine, claims, days)
            keep(sessions, days)
            full = [took(site.url, tokens, one, QUICK_ASKED if quick else one.times) for one in found]
            sent = burst.burst(site.url, seat, burst.QUICK_SECONDS if quick else burst.SECONDS)
            reckoned = burst.reckon(engine, sent)
        finally:
            site.stop()
            engine.dispose()
    lines = [figure(one, claims, *times) for one, *times in zip(found, empty, full, strict=True)]
    return {"figures": lines + burst.figures(sent, reckoned)}


def lay(engine: Engine, claims: int, days: float) -> None:
    """Lays the claims, and says how far it is."""
    began = time.monotonic()

    def tell(done: int) -> None:
        print(f"\r{done:,} of {claims:,} claims laid, {time.monotonic() - began:.0f} s", end="", flush=True)

    place = (CENTRE.lon, CENTRE.lat, 2 * SPREAD_DEG)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        archive.lay(connection, claims, days, datetime.now(UTC) - timedelta(minutes=2), place, tell)
        size = connection.execute(
            text("SELECT pg_size_pretty(pg_database_size(current_database()))")
        ).scalar_one()
    print(f"; database {size}")


def keep(sessions: Sessions, days: float) -> None:
    """Keeps what reports need of the laid claims, as the worker of chores does every hour."""
    began = time.monotonic()
    kept = milestones.keep(sessions, int(days) + 1)
    print(f"{kept:,} claims' milestones kept in {time.monotonic() - began:.0f} s")


def questions(claims: int, days: float) -> Iterator[Question]:
    """What is asked: lists, searches for somebody of long ago and for nobody, and the counts of a day and of all days."""
    old, someone = archive.BASE + claims // 3, archive.someone(claims // 3)
    now = datetime.now(UTC)
    today, ever = (
        f"from={_time(now - timedelta(days=d))}&to={_time(now)}" for d in (min(1.0, days), days + 1)
    )
    yield Question("newest claims", "seat", "/claims?limit=50")
    yield Question("newest claims of a small branch", "small branch", "/claims?limit=50")
    yield Question("claims with a broken limit", "seat", "/claims?breached=true")
    yield Question("search: end of a telephone number", "seat", f"/claims?q={someone.phone[-8:]}")
    yield Question("search: a plate", "seat", f"/claims?q={someone.plate}")
    yield Question("search: a common name", "seat", f"/claims?q={someone.name}")
    yield Question("search: a common name in a small branch", "small branch", f"/claims?q={someone.name}")
    yield Question("search: what nobody has", "seat", "/claims?q=nothinglikeit")
    yield Question(
        "alike, while a report is typed", "seat", f"/duplicates?phone={someone.phone}&lon=114&lat=32.4"
    )
    yield Question("an old claim", "seat", f"/claims/{old}")
    yield Question("board", "dispatcher", "/board")
    yield Question("alarms nobody has seen", "dispatcher", "/escalations")
    yield Question("pulse of the reports", "dispatcher", "/catastrophes/pulse")
    yield Question("review queue", "adjuster", "/review/queue")
    yield Question("legs of a day", "supervisor", f"/reports/legs?{today}", REPORT_GOAL_S)
    yield Question("people of a day", "supervisor", f"/reports/people?{today}", REPORT_GOAL_S)
    yield Question("legs of all days", "supervisor", f"/reports/legs?{ever}", REPORT_GOAL_S)


def _time(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


def took(url: str, tokens: dict[str, str], one: Question, times: int) -> float:
    """Median seconds of an answer. An old claim is not there while the site is empty: 404 then."""
    headers = {"Authorization": f"Bearer {tokens[one.role]}"}
    spent: list[float] = []
    with httpx.Client(base_url=f"{url}/api/v1", headers=headers, timeout=90) as client:
        for _ in range(times):
            began = time.perf_counter()
            answer = client.get(one.path)
            spent.append(time.perf_counter() - began)
            assert answer.status_code in (200, 404), (one.path, answer.status_code, answer.text[:200])
    return statistics.median(spent)


def figure(one: Question, claims: int, empty_s: float, full_s: float) -> dict[str, Any]:
    """One line of the result."""
    return {
        "metric": f"{one.name}, {claims:,} claims, p50", "unit": "s", "ours": round(full_s, 3), "peer": round(empty_s, 3),
        "peer_name": "the same, empty", "ratio": round(full_s / max(empty_s, 1e-6), 1), "goal": one.goal_s,
        "holds": full_s <= one.goal_s,
    }  # fmt: skip
