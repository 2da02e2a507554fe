"""Light viewers of the live stream: a process of its own that holds many open streams and notes when what came."""

import asyncio
import json
import multiprocessing
import os
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

TOGETHER = 25
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Seen:
    """What a crowd saw: viewers still open at the end, messages, bytes a viewer and second, delays in seconds."""

    open: int = 0
    messages: int = 0
    kb_a_s: float = 0.0
    most_a_second: float = 0.0
    p50_s: float = float("nan")
    p99_s: float = float("nan")
    delays: list[float] = field(default_factory=list)


class Crowd:
    """Viewers in a process of their own; inside the `with` all of them are connected and have their picture."""

    def __init__(self, url: str, token: str, count: int, box: str) -> None:
        fresh = multiprocessing.get_context("spawn")
        self.ours, theirs = fresh.Pipe()
        self.process = fresh.Process(target=watch, args=(theirs, url, token, count, box), daemon=True)

    def __enter__(self) -> "Crowd":
        self.process.start()
        said = self.ours.recv() if self.ours.poll(120) else "silence"
        if said != "ready":
            raise TimeoutError(f"the viewers do not connect: {said}")
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.join(timeout=10)

    def count_from_now(self) -> None:
        """Forgets what came before."""
        self.ours.send("begin")

    def finish(self) -> Seen:
        """What was seen since."""
        self.ours.send("end")
        seen: Seen = self.ours.recv()
        return seen


def watch(pipe: Any, url: str, token: str, count: int, box: str) -> None:
    """The process: connects, says so, counts between `begin` and `end`."""
    asyncio.run(Room(pipe, url, token, box).run(count))


class Room:
    """Everybody in one event loop."""

    def __init__(self, pipe: Any, url: str, token: str, box: str) -> None:
        self.pipe, self.where = pipe, urlsplit(url)
        self.ask = (
            f"GET /api/v1/live?batch=1&bbox={box} HTTP/1.1\r\nHost: {self.where.netloc}\r\n"
            f"Authorization: Bearer {token}\r\n\r\n"
        ).encode()
        self.ready, self.open, self.counting = 0, 0, False
        self.seen, self.bytes, self.began = Seen(), 0, 0.0
        self.turns = asyncio.Semaphore(TOGETHER)

    async def run(self, count: int) -> None:
        """Until the parent says `end`."""
        tasks = [asyncio.create_task(self.follow()) for _ in range(count)]
        while self.ready < count:
            await asyncio.sleep(0.05)
            if broken := [task.exception() for task in tasks if task.done()]:
                self.pipe.send(f"{self.ready} of {count} are in, then {broken[0]!r}")
                return
        self.pipe.send("ready")
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self.pipe.recv)
        self.counting, self.began = True, time.monotonic()
        await loop.run_in_executor(None, self.pipe.recv)
        self.counting = False
        took_s = time.monotonic() - self.began
        delays = sorted(self.seen.delays)
        self.seen.open = self.open
        self.seen.kb_a_s = self.bytes / count / took_s / 1000
        self.seen.most_a_second = self.seen.messages / count / took_s
        if delays:
            self.seen.p50_s = delays[len(delays) // 2]
            self.seen.p99_s = delays[min(len(delays) - 1, len(delays) * 99 // 100)]
        self.seen.delays = []
        self.pipe.send(self.seen)
        for task in tasks:
            task.cancel()

    async def follow(self) -> None:
        """One viewer: the head, the picture, then the seconds."""
        async with self.turns:
            reader, writer = await asyncio.open_connection(self.where.hostname, self.where.port, limit=2**24)
            writer.write(self.ask)
            head = await reader.readuntil(b"\r\n\r\n")
            if b" 200 " not in head.split(b"\r\n", 1)[0]:
                raise ConnectionError(head.decode("latin-1")[:200])
            told = b""
            while b"event: snapshot" not in told:
                told = told[-200:] + await reader.read(2**16)
        self.ready += 1
        self.open += 1
        try:
            while told := await reader.read(2**18):
                if self.counting:
                    self.note(told)
        finally:
            self.open -= 1

    def note(self, told: bytes) -> None:
        """A piece of a stream: its size, and how old a second's message is on arrival."""
        self.bytes += len(told)
        at = told.find(b'event: surveyors\ndata: {"t":')
        if at >= 0:
            self.seen.messages += 1
            digits = told[at + 28 : at + 41]
            self.seen.delays.append(time.time() - int(digits) / 1000)


def knock(url: str) -> int:
    """The status of the site's own health, 0 when nobody answers."""
    try:
        with urllib.request.urlopen(f"{url}/livez", timeout=2) as answer:
            return int(answer.status)
    except (urllib.error.URLError, OSError):
        return 0


def ping(url: str, token: str, lon: float, lat: float, at: float) -> None:
    """One fix of the real surveyor over HTTP."""
    when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at % 1 * 1000):03}Z"
    body = {"fixes": [{"at": when, "lon": lon, "lat": lat, "accuracy_m": 5}]}
    request = urllib.request.Request(
        f"{url}/api/v1/positions",
        data=json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {token}", "Content-Type": "application/json", "Idempotency-Key": when,
        },
    )  # fmt: skip
    with urllib.request.urlopen(request, timeout=10) as answer:
        kept = json.load(answer)
    if kept["kept"] != 1:
        raise RuntimeError(f"the ping was not kept: {kept['refused']}")


def cpu_s(group: int) -> float:
    """Seconds of processor time that a process and its children have used."""
    total = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended just now
        if int(words[2]) == group:
            total += int(words[11]) + int(words[12])
    return total / TICKS


def renderers_mb() -> list[float]:
    """What each of our Chromium's page processes holds for itself."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            told = path.read_bytes()
            if b"--type=renderer" not in told or not descends(path.parent, os.getpid()):
                continue
            rollup = (path.parent / "smaps_rollup").read_text()
        except OSError:
            continue  # it ended just now
        lines = dict(line.split(":", 1) for line in rollup.splitlines() if ":" in line)
        found.append(int(lines["Pss"].split()[0]) / 1024)
    return found


def chromium_s(kind: str) -> float:
    """Seconds of processor time of our Chromium's processes of a kind: renderer, gpu-process."""
    total = 0
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if f"--type={kind}".encode() not in path.read_bytes() or not descends(path.parent, os.getpid()):
                continue
            words = (path.parent / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended just now
        total += int(words[11]) + int(words[12])
    return total / TICKS


def descends(folder: Path, ancestor: int) -> bool:
    """Whether a process has ours among its ancestors."""
    pid = int(folder.name)
    while pid > 1:
        if pid == ancestor:
            return True
        pid = int((Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])
    return False
