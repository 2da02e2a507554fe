"""The bell: what a thousand idle phones cost the site, and how soon a phone hears that something of its surveyor changed.

Phones listen twice: at the stream process itself, as behind a web server that routes there, and through the one address
of the site, as `chakan up` serves them. A ring is timed from before the commit of its event until the phone has read it;
outbox, relay, Redis and stream are those of a running site.
"""

import asyncio
import multiprocessing
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from redis import Redis
from sqlalchemy import Engine, text

import claims.models  # noqa: F401  every table must be known, or the database cannot be emptied
import dispatch.models  # noqa: F401
import media.models  # noqa: F401
import notify.models  # noqa: F401
from bench import watchers
from bench.dispatch import percentile
from bench.mainjob import private_redis
from bench.place import fresh_database
from bench.server import add_devices
from core import clock, database, live, outbox
from launch.errors import CannotStart
from tests import site as sites

PHONES, TOGETHER = 1000, 25
RINGS, RING_EVERY_S = 60, 0.05
POLL_S, ASKED = 5.0, 200
PATIENCE_S = 20.0


@dataclass
class Cost:
    """What the phones cost two processes: shares of a core while nothing happens, KB a phone."""

    open: int = 0
    live_share: float = 0.0
    api_share: float = 0.0
    live_kb: float = 0.0
    api_kb: float = 0.0
    waits_s: list[float] = field(default_factory=list)
    all_s: float = float("nan")


def main(quick: bool) -> dict[str, Any]:
    """Measures both ways; `quick` ends within 50 s on an idle machine."""
    idle_s = 16.0 if quick else 60.0
    with (
        fresh_database() as url,
        private_redis() as redis_url,
        tempfile.TemporaryDirectory(prefix="chakan-bell-") as folder,
    ):
        engine = database.connect(url, pool_size=2, name="chakan-bench")
        add_devices(engine, PHONES)
        site = sites.build(Path(folder), url, redis_url, workers=())
        try:
            start(site, redis_url)
            straight = listen(site, site.env["CHAKAN_LIVE_URL"], engine, idle_s)
            relayed = listen(site, site.url, engine, idle_s)
            polled = asking(site)
        finally:
            site.stop()
            engine.dispose()
    by_asking = figure(f"asking every {POLL_S:.0f} s instead, of a core", "%", polled * 100, None, None)
    return {"figures": [*of("at the stream", straight), *of("through the one address", relayed), by_asking]}


def start(site: sites.Site, redis_url: str) -> None:
    """The API, the stream process and the sweeper."""
    for name in ("api", "live", "sweeper"):
        site.start(name)
    deadline = time.monotonic() + 60
    redis: Redis = Redis.from_url(redis_url)
    while watchers.knock(site.url) != 200 or not redis.exists(live.EPOCH):
        if time.monotonic() > deadline:
            raise CannotStart("the site does not start:\n" + "".join(map(site.tail, site.commands)))
        time.sleep(0.1)


def listen(site: sites.Site, url: str, engine: Engine, idle_s: float) -> Cost:
    """All phones listen there: first nothing happens, then some are rung, then all of them at once."""
    groups = {name: site.running[name].pid for name in ("live", "api")}
    for n in range(3):
        watchers.knock(site.url)  # whatever is loaded at the first request is not a phone's cost
        time.sleep(0.1 * n)
    before_kb = {name: memory_kb(group) for name, group in groups.items()}
    cost = Cost()
    with Phones(url) as phones:
        time.sleep(2)
        # What the phones ask at their beginning is over; threads of it have ended or belong to the lines.
        cost.live_kb, cost.api_kb = (
            (memory_kb(groups[name]) - before_kb[name]) / PHONES for name in ("live", "api")
        )
        used = {name: watchers.cpu_s(group) for name, group in groups.items()}
        began = time.monotonic()
        time.sleep(idle_s)
        took = time.monotonic() - began
        cost.live_share, cost.api_share = (
            (watchers.cpu_s(groups[name]) - used[name]) / took for name in ("live", "api")
        )
        told = {}
        ids = surveyors(engine)
        for n in range(1, RINGS + 1):
            told[n] = tell(engine, [(ids[n * 7 % len(ids)], n)])
            time.sleep(RING_EVERY_S)
        everybody = tell(engine, [(who, RINGS + n) for n, who in enumerate(ids, 1)])
        heard, cost.open = phones.finish(RINGS + len(ids))
    cost.waits_s = sorted(heard[n] - at for n, at in told.items() if n in heard)
    cost.waits_s += [PATIENCE_S] * (RINGS - len(cost.waits_s))
    late = [at for n, at in heard.items() if n > RINGS]
    cost.all_s = max(late) - everybody if len(late) == len(ids) else PATIENCE_S
    return cost


def asking(site: sites.Site) -> float:
    """The share of a core that as many phones cost which ask for their jobs every few seconds instead."""
    group = site.running["api"].pid
    with httpx.Client(base_url=f"{site.url}/api/v1") as client:
        client.get("/me/jobs", headers={"Authorization": "Bearer bench-0"}).raise_for_status()
        used = watchers.cpu_s(group)
        for n in range(ASKED):
            client.get("/me/jobs", headers={"Authorization": f"Bearer bench-{n}"}).raise_for_status()
        return (watchers.cpu_s(group) - used) / ASKED * PHONES / POLL_S


def surveyors(engine: Engine) -> list[int]:
    """The ids of the phones' owners."""
    with engine.connect() as connection:
        return list(connection.scalars(text("SELECT id FROM surveyor ORDER BY id")))


def tell(engine: Engine, whom: list[tuple[int, int]]) -> float:
    """Commits an event for each of them; says when the commit began."""
    with database.sessions(engine).begin() as session:
        clock.read(session)
        for surveyor_id, number in whom:
            outbox.append(session, "move_up.withdrawn", move_id=number, surveyor_id=surveyor_id)
        session.flush()
        return time.time()


def memory_kb(group: int) -> float:
    """What a process and its children hold for themselves."""
    total = 0.0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(path.read_text().rpartition(")")[2].split()[2]) != group:
                continue
            rollup = (path.parent / "smaps_rollup").read_text()
        except OSError:
            continue  # it ended just now
        lines = dict(line.split(":", 1) for line in rollup.splitlines() if ":" in line)
        total += int(lines["Pss"].split()[0])
    return total


# -- the phones --------------------------------------------------------------------------------------------------------


class Phones:
    """A thousand phones in a process of their own; inside the `with` all of them listen."""

    def __init__(self, url: str) -> None:
        fresh = multiprocessing.get_context("spawn")
        self.ours, theirs = fresh.Pipe()
        self.process = fresh.Process(target=hold, args=(theirs, url), daemon=True)

    def __enter__(self) -> "Phones":
        self.process.start()
        said = self.ours.recv() if self.ours.poll(120) else "silence"
        if said != "ready":
            raise TimeoutError(f"the phones do not connect: {said}")
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.join(timeout=10)

    def finish(self, count: int) -> tuple[dict[int, float], int]:
        """When which ring was heard, once so many were; and how many lines are open."""
        self.ours.send(count)
        heard: tuple[dict[int, float], int] = self.ours.recv()
        return heard


def hold(pipe: Any, url: str) -> None:
    """The process: connects, says so, hears until it has heard enough."""
    asyncio.run(Room(pipe, url).run())


class Room:
    """All phones in one event loop."""

    def __init__(self, pipe: Any, url: str) -> None:
        self.pipe, self.where = pipe, urlsplit(url)
        self.heard: dict[int, float] = {}
        self.ready, self.open = 0, 0
        self.turns = asyncio.Semaphore(TOGETHER)

    async def run(self) -> None:
        """Until so many rings were heard as the parent wants, or none comes any more."""
        tasks = [asyncio.create_task(self.follow(n)) for n in range(PHONES)]
        while self.ready < PHONES:
            await asyncio.sleep(0.05)
            if broken := [task.exception() for task in tasks if task.done()]:
                self.pipe.send(f"{self.ready} of {PHONES} listen, then {broken[0]!r}")
                return
        self.pipe.send("ready")
        wanted = await asyncio.get_running_loop().run_in_executor(None, self.pipe.recv)
        until = time.monotonic() + PATIENCE_S
        while len(self.heard) < wanted and time.monotonic() < until:
            await asyncio.sleep(0.05)
        self.pipe.send((self.heard, self.open))
        for task in tasks:
            task.cancel()

    async def follow(self, number: int) -> None:
        """One phone."""
        async with self.turns:
            reader, writer = await asyncio.open_connection(self.where.hostname, self.where.port)
            writer.write(
                f"GET /api/v1/me/bell HTTP/1.1\r\nHost: {self.where.netloc}\r\n"
                f"Authorization: Bearer bench-{number}\r\n\r\n".encode()
            )
            head = await reader.readuntil(b"\r\n\r\n")
            if b" 200 " not in head.split(b"\r\n", 1)[0]:
                raise ConnectionError(head.decode("latin-1")[:200])
            await reader.readuntil(b"event: ring")
            await reader.readuntil(b"\n\n")
        self.ready += 1
        self.open += 1
        try:
            while line := await reader.readline():
                if line.startswith(b"data: ") and b'"move"' in line:
                    self.heard[int(line.partition(b'"id":"')[2].partition(b'"')[0])] = time.time()
        finally:
            self.open -= 1


# -- figures -----------------------------------------------------------------------------------------------------------


def figure(metric: str, unit: str, ours: float, goal: float | None, holds: bool | None) -> dict[str, Any]:
    """One line of the result."""
    return {
        "metric": metric, "unit": unit, "ours": round(ours, 3), "peer": None, "peer_name": "none known",
        "ratio": round(goal / ours, 2) if goal and ours else None, "goal": goal, "holds": holds,
    }  # fmt: skip


def of(where: str, cost: Cost) -> list[dict[str, Any]]:
    """The figures of one way."""
    share, kb = (cost.live_share + cost.api_share) * 100, cost.live_kb + cost.api_kb
    p50, p99 = percentile(cost.waits_s, 50), percentile(cost.waits_s, 99)
    there = cost.open == PHONES
    return [
        figure(f"{where}: idle phones that listen", "", cost.open, PHONES, there),
        figure(f"{where}: of a core while idle", "%", share, 5.0, there and share <= 5),
        figure(f"{where}: memory a phone", "KB", kb, 256, there and kb <= 256),
        figure(f"{where}: commit to ring, p50", "s", p50, None, None),
        figure(f"{where}: commit to ring, p99", "s", p99, 1.0, p99 <= 1.0),
        figure(f"{where}: all rung at once, the last", "s", cost.all_s, 3.0, cost.all_s <= 3),
    ]
