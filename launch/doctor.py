"""`chakan doctor`: one line for each thing that must be right, exit code 1 when one is not."""

import os
import platform
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from launch import browser, engines, environment, postgres, revisions, roads
from launch.places import ROOT, Places, read_json
from launch.site import dsn, saved_environment, without_password

FREE_BYTES, FREE_SHARE = 2 * 1024**3, 0.05
DAYS_AHEAD = 2
SWEEPER_LATE_S, OUTBOX_LATE_S, SKEW_S = 10.0, 30.0, 2.0

LAGS = """
SELECT extract(epoch FROM clock_timestamp()),
       (SELECT extract(epoch FROM clock_timestamp() - max(beat_at)) FROM heartbeat WHERE part LIKE 'sweeper%'),
       (SELECT extract(epoch FROM clock_timestamp() - min(created_at)) FROM outbox WHERE relayed_at IS NULL),
       (SELECT count(*) FROM delivery WHERE state = 'parked'),
       (SELECT facts FROM heartbeat WHERE part = 'position-days'),
       (SELECT count(*) FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
         WHERE i.inhparent = 'position'::regclass
           AND c.relname > 'position_' || to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYYMMDD'))
"""


@dataclass(frozen=True)
class Finding:
    """One line. `ok` None is worth knowing and not wrong."""

    name: str
    ok: bool | None
    text: str

    def line(self) -> str:
        """The finding as a person reads it."""
        return f"{ {True: '✓', False: '✗', None: '·'}[self.ok] } {self.name:<13} {self.text}"


def examine(data: Path) -> int:
    """Prints every finding; 1 when something is wrong."""
    places = Places(data.resolve())
    told = {
        **saved_environment(places),
        **{n: v for n, v in os.environ.items() if n.startswith("CHAKAN_") and v},
    }
    wrong = False
    for finding in findings(places, told):
        print(finding.line(), flush=True)
        wrong |= finding.ok is False
    return 1 if wrong else 0


def findings(places: Places, told: dict[str, str]) -> Iterator[Finding]:
    """Everything there is to say about the machine and what runs on the data folder."""
    yield Finding("python", sys.version_info >= (3, 11), f"{platform.python_version()} ({sys.executable})")
    yield _environment()
    yield _programs(places)
    yield _processes(places)
    yield from _database(told)
    yield _redis(told)
    yield _door(places)
    yield _roads(places)
    yield _disk(places)
    yield _secrets(places)
    yield _browser(places)
    built = (ROOT / "web" / "dist" / "index.html").exists()
    yield Finding(
        "front end",
        built,
        "web/dist is there" if built else "web/dist is missing: cd web && npm install && npm run build",
    )


def _environment() -> Finding:
    if not environment.is_ours():
        return Finding("environment", None, f"not made by this tree: {sys.prefix}")
    if environment.ready():
        return Finding("environment", True, "matches requirements.lock")
    return Finding("environment", False, "does not match requirements.lock; any ./chakan command renews it")


def _programs(places: Places) -> Finding:
    found = postgres.find(engines.package_homes(places.data))
    if found:
        return Finding(
            "programs", True, f"PostgreSQL {found.version} with PostGIS, {found.origin} ({found.folder})"
        )
    return Finding(
        "programs",
        None,
        "no PostgreSQL with PostGIS on this machine (needed unless CHAKAN_DATABASE_URL is set)",
    )


def _processes(places: Places) -> Finding:
    state = read_json(places.state)
    if not saved_environment(places):
        return Finding("processes", False, f"nothing runs on {places.data}")
    gone = [name for name, entry in state["processes"].items() if not (entry["pid"] and _alive(entry["pid"]))]
    again = [
        f"{name} {entry['starts'] - 1}×" for name, entry in state["processes"].items() if entry["starts"] > 1
    ]
    text = f"{len(state['processes']) - len(gone)} of {len(state['processes'])} run at {state['url']}"
    text += f"; down: {', '.join(gone)}" if gone else ""
    return Finding("processes", not gone, text + (f"; restarted: {', '.join(again)}" if again else ""))


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _database(told: dict[str, str]) -> Iterator[Finding]:
    url = told.get("CHAKAN_DATABASE_URL", "")
    if not url:
        yield Finding("database", False, "unknown: nothing runs, and CHAKAN_DATABASE_URL is not set")
        return
    import psycopg2

    try:
        link = psycopg2.connect(dsn(url), connect_timeout=5, options="-c statement_timeout=5000")
    except psycopg2.OperationalError as error:
        yield Finding("database", False, f"{without_password(url)}: {type(error).__name__}")
        return
    with link, link.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('server_version'), (SELECT extversion FROM pg_extension WHERE extname = 'postgis')"
        )
        server, postgis = cursor.fetchone()
        yield Finding(
            "database", postgis is not None, f"PostgreSQL {server}, PostGIS {postgis or 'is missing'}"
        )
    at, head = revisions.current(url), revisions.head()
    yield Finding(
        "migrations",
        at == head,
        f"at {at}" + ("" if at == head else f", the tree is at {head}: chakan db upgrade"),
    )
    if at == head:
        yield from _lags(link)
    link.close()


def _lags(link: Any) -> Iterator[Finding]:
    before = time.time()
    with link, link.cursor() as cursor:
        cursor.execute(LAGS)
        now, sweeper_s, outbox_s, parked, days, ahead = cursor.fetchone()
    skew_s = float(now) - (before + time.time()) / 2
    text = "never seen" if sweeper_s is None else f"last seen {float(sweeper_s):.1f} s ago"
    yield Finding("sweeper", sweeper_s is not None and float(sweeper_s) <= SWEEPER_LATE_S, text)
    late_s = float(outbox_s or 0)
    yield Finding("outbox", late_s <= OUTBOX_LATE_S, f"oldest unsent {late_s:.1f} s")
    yield Finding("deliveries", parked == 0, f"{parked} given up" if parked else "none given up")
    yield _days(days, ahead)
    yield Finding("clock", abs(skew_s) <= SKEW_S, f"database and host differ by {abs(skew_s):.2f} s")


def _days(kept: dict[str, Any] | None, ahead: int) -> Finding:
    """Whether positions have a table for tomorrow, and when the sweeper last saw to it."""
    text = f"tables for {ahead} days to come"
    if kept is None:
        text += "; the sweeper has not seen to them within the hour"
    else:
        text += f", {kept['first']} to {kept['last']}; last time {kept['made']} made, {kept['forgotten']} forgotten"
    return Finding("position days", ahead >= DAYS_AHEAD, text)


def _redis(told: dict[str, str]) -> Finding:
    url = told.get("CHAKAN_REDIS_URL", "")
    if not url:
        return Finding("redis", False, "unknown: nothing runs, and CHAKAN_REDIS_URL is not set")
    import redis

    try:
        client = redis.Redis.from_url(url, socket_timeout=3, socket_connect_timeout=3)
        about: Any = client.info("server")
    except redis.RedisError as error:
        return Finding("redis", False, f"{without_password(url)}: {type(error).__name__}")
    name, version = about.get("server_name", "redis"), about.get("valkey_version") or about["redis_version"]
    return Finding("redis", True, f"{name} {version}")


def _door(places: Places) -> Finding:
    url = str(read_json(places.state).get("url", ""))
    parts = urlsplit(url)
    if not parts.hostname:
        return Finding("door", False, "not open")
    began = time.monotonic()
    try:
        with socket.create_connection((parts.hostname, parts.port or 80), timeout=3) as link:
            link.sendall(f"GET /readyz HTTP/1.0\r\nHost: {parts.netloc}\r\n\r\n".encode())
            status = link.recv(64).split(b" ")[1].decode()
    except (OSError, IndexError) as error:
        return Finding("door", False, f"{url} does not answer ({type(error).__name__})")
    return Finding(
        "door", status == "200", f"/readyz says {status} in {(time.monotonic() - began) * 1000:.0f} ms"
    )


def _roads(places: Places) -> Finding:
    from core.errors import ChakanError
    from geo.roads.graph import Roads

    facts = roads.in_force(places.data)
    if not facts:
        return Finding("roads", None, roads.said(facts))
    began = time.monotonic()
    try:
        Roads.open(roads.folder_of(places.data))
    except ChakanError as error:
        return Finding("roads", False, str(error))
    return Finding(
        "roads", True, f"{roads.said(facts)}; opened in {(time.monotonic() - began) * 1000:.0f} ms"
    )


def _disk(places: Places) -> Finding:
    folder = places.data if places.data.exists() else places.data.parent
    usage = shutil.disk_usage(folder)
    enough = usage.free >= FREE_BYTES and usage.free / usage.total >= FREE_SHARE
    return Finding("disk", enough, f"{usage.free / 1024**3:.1f} GiB free of {usage.total / 1024**3:.0f}")


def _secrets(places: Places) -> Finding:
    kept = [places.secrets, places.demo, places.first_sign_in, places.state]
    loose = [path.name for path in kept if path.exists() and path.stat().st_mode & 0o077]
    return Finding(
        "secrets",
        not loose,
        f"others can read {', '.join(loose)}" if loose else "only readable by their owner",
    )


def _browser(places: Places) -> Finding:
    found = browser.find(places)
    return Finding("browser", True if found else None, str(found or "none; ./chakan test fetches one"))
