"""The main job on real input: a whole site, recorded taxi trips as phones, losses at real trip ends, and a reckoning.

The phones speak OwnTracks, Traccar (query, form, JSON) and Overland; the network repeats, shuffles and delays what they
send. What the clients say they sent is compared, fix by fix and claim by claim, with what lies in the database. The
trips are read from CHAKAN_PORTO, else from ../shared/data/porto/trips_train.csv (ECML/PKDD 2015, CC BY 4.0).
"""

import os
import secrets
import subprocess
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

import claims.models  # noqa: F401  every table must be known, or the database cannot be emptied
import dispatch.models  # noqa: F401
import media.models  # noqa: F401
import notify.models  # noqa: F401
from bench.place import durable, fresh_database
from core import database, parent
from lab.mainjob import FixKey, Ledger, Replay
from lab.recording import Script, pressed, read_trips
from launch import engines, redis
from launch.errors import CannotStart
from launch.places import ROOT
from tests import site as sites

TRIPS = ROOT.parent / "shared" / "data" / "porto" / "trips_train.csv"
# Trips of up to a quarter of an hour: a single one of three hours would keep the whole run waiting.
FULL = Script(phones=110, trips=440, claims=220, factor=10, longest=60)
QUICK = Script(phones=100, trips=100, claims=40, factor=15, longest=26, patience_s=120)
OFFER_GOAL_S = 1.0
LOOK_EVERY_S = 0.05

SEEN = "SELECT DISTINCT t.claim_id FROM offer AS o JOIN task AS t ON t.id = o.task_id"
CLOCKS = """
SELECT kind, count(*) AS running, count(*) FILTER (WHERE stopped_at IS NOT NULL) AS stopped,
       count(*) FILTER (WHERE stopped_at <= due_at) AS kept
  FROM clock GROUP BY kind
"""
WAITING = "SELECT count(*) FROM clock WHERE kind = 'contact' AND stopped_at IS NULL"
FIXES = "SELECT device_id, fixed_at, lon, lat FROM position"
REFUSED = "SELECT reason, sum(count) FROM fix_refusal WHERE count > 0 GROUP BY reason"
TWO_WINNERS = """
SELECT count(*) FROM (SELECT FROM offer WHERE state = 'accepted' GROUP BY task_id, round HAVING count(*) > 1
                       UNION ALL
                      SELECT FROM assignment WHERE ended_at IS NULL GROUP BY task_id HAVING count(*) > 1) AS x
"""


@dataclass
class Watch:
    """Another connection that looks, twenty times a second, which claims have an offer it can see."""

    engine: Engine
    seen: dict[int, datetime] = field(default_factory=dict)
    over: threading.Event = field(default_factory=threading.Event)

    def look(self) -> None:
        """Runs until `over`; times are the database's."""
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as link:
            while not self.over.wait(LOOK_EVERY_S):
                ids = set(link.execute(text(SEEN)).scalars()) - self.seen.keys()
                if ids:
                    at = link.execute(text("SELECT clock_timestamp()")).scalar_one()
                    self.seen |= dict.fromkeys(ids, at)


@dataclass(frozen=True)
class Outcome:
    """The reckoning of a run. `lost` and `doubled` come from comparing sets, not counts."""

    script: Script
    took_s: float
    fixes: dict[str, int]
    refused: dict[str, int]
    claims: dict[str, int]
    waits_s: list[float]
    trouble: list[str]


def main(quick: bool) -> dict[str, Any]:
    """Measures the whole; `quick` ends within 50 s on an idle machine."""
    script = QUICK if quick else FULL
    path = Path(os.environ.get("CHAKAN_PORTO") or TRIPS)
    if not path.exists():
        raise CannotStart(f"The recording {path} is not there; set CHAKAN_PORTO=…/trips_train.csv")
    with (
        fresh_database() as url,
        private_redis() as redis_url,
        tempfile.TemporaryDirectory(prefix="chakan-mainjob-") as folder,
    ):
        site = sites.build(Path(folder), url, redis_url)
        try:
            sites.start_all(site, 120)
            engine = database.connect(url, pool_size=4, name="chakan-bench")
            print(f"{script.phones} phones, {durable(url)}")
            outcome = replay(site.url, engine, script, path)
            engine.dispose()
        finally:
            site.stop()
    tell(outcome)
    return {"figures": figures(outcome)}


@contextmanager
def private_redis() -> Iterator[str]:
    """A Redis of this bench alone, started and stopped."""
    with tempfile.TemporaryDirectory(prefix="chakan-redis-") as folder:
        server = redis.Redis(
            engines.redis_program(),
            Path(folder),
            None,
            redis.free_port(),
            secrets.token_hex(16),
            durable=False,
        )
        server.configure()
        process = subprocess.Popen(
            parent.tied(server.command()), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            until = time.monotonic() + 30
            while not server.answers():
                if time.monotonic() > until:
                    raise CannotStart("Redis did not start.")
                time.sleep(0.1)
            yield server.url
        finally:
            process.terminate()
            process.wait(15)


def replay(url: str, engine: Engine, script: Script, path: Path) -> Outcome:
    """Replays against the running site at `url` whose database is `engine`'s, and reckons."""
    run = Replay(url, database.sessions(engine), script, read_trips(path, script))
    watch = Watch(engine)
    watching = threading.Thread(target=watch.look, name="watch", daemon=True)
    watching.start()

    def settled() -> bool:
        with engine.connect() as link:
            return len(run.ledger.opened) == script.claims and link.execute(text(WAITING)).scalar_one() == 0

    try:
        took_s = run.run(settled, lambda words: print(words, flush=True))
    finally:
        watch.over.set()
        watching.join(10)
    return reckon(engine, script, run.ledger, watch.seen, took_s)


def reckon(
    engine: Engine, script: Script, ledger: Ledger, seen: dict[int, datetime], took_s: float
) -> Outcome:
    """Compares the clients' ledger with the database."""
    with engine.connect() as link:
        stored = Counter[FixKey]()
        moved = 0
        for device, at, lon, lat in link.execute(text(FIXES)):
            stored[device, at] += 1
            place = ledger.promised.get((device, at))
            moved += place is not None and (abs(place.lon - lon) > 2e-6 or abs(place.lat - lat) > 2e-6)
        refused = {str(reason): int(count) for reason, count in link.execute(text(REFUSED))}
        rows = link.execute(text("SELECT id, external_no, created_at FROM claim")).all()
        clocks = {row.kind: row for row in link.execute(text(CLOCKS))}
        winners = int(link.execute(text(TWO_WINNERS)).scalar_one())
    lost = len(ledger.promised.keys() - stored.keys())
    doubled = stored.total() - len(stored) + len(stored.keys() - ledger.promised.keys())
    fixes = {
        "true": len(ledger.promised), "sent": ledger.sent, "kept": stored.total(), "refused": sum(refused.values()),
        "repeats": ledger.repeats, "retried": ledger.retried, "shuffled": ledger.shuffled, "late": ledger.late,
        "lost": lost, "doubled": doubled, "misplaced": moved,
    }  # fmt: skip
    trips = Counter(row.external_no for row in rows)
    answered_twice = sum(len(ids) - 1 for ids in ledger.opened.values())
    claims = {
        "reported": len(ledger.opened), "stored": len(rows), "offered": len(seen), "repeated": ledger.repeated_reports,
        "lost": len(ledger.opened.keys() - trips.keys()),
        "doubled": len(rows) - len(trips) + len(trips.keys() - ledger.opened.keys()) + answered_twice,
        "two winners": winners, "redispatched": ledger.redispatched,
    }  # fmt: skip
    for kind, name in (("dispatch", "accepted"), ("contact", "contacted")):
        claims[name] = clocks[kind].stopped if kind in clocks else 0
        claims[f"{name} in time"] = clocks[kind].kept if kind in clocks else 0
    waits = sorted((seen[row.id] - row.created_at).total_seconds() for row in rows if row.id in seen)
    trouble = ledger.given_up + [f"{what} × {count}" for what, count in ledger.deeds.items()]
    return Outcome(script, took_s, fixes, refused, claims, waits, trouble)


def tell(outcome: Outcome) -> None:
    """Prints the whole reckoning."""
    script, rules = outcome.script, pressed(outcome.script.factor)
    print(f"time pressed together {script.factor:g}-fold, {outcome.took_s:.0f} s; rules: {rules}")
    print("claims: " + ", ".join(f"{name} {count}" for name, count in outcome.claims.items()))
    print("fixes: " + ", ".join(f"{name} {count}" for name, count in outcome.fixes.items()))
    print(
        "refused: " + (", ".join(f"{reason} {count}" for reason, count in outcome.refused.items()) or "none")
    )
    for line in outcome.trouble[:20]:
        print(f"  answered otherwise: {line}")


def figures(outcome: Outcome) -> list[dict[str, Any]]:
    """The lines of the result."""
    waits, claims, fixes = outcome.waits_s, outcome.claims, outcome.fixes
    found = [
        figure("report → offer seen, median", "s", at_share(waits, 0.5)),
        figure("report → offer seen, p99", "s", at_share(waits, 0.99), OFFER_GOAL_S),
        figure("claims lost", "claims", claims["lost"], 0),
        figure("claims doubled or won twice", "claims", claims["doubled"] + claims["two winners"], 0),
        figure("fixes lost", "fixes", fixes["lost"], 0),
        figure("fixes doubled or misplaced", "fixes", fixes["doubled"] + fixes["misplaced"], 0),
    ]
    counts = ("reported", "offered", "accepted", "accepted in time", "contacted", "contacted in time")
    return [figure(f"claims {name}", "claims", claims[name]) for name in counts] + [
        figure(f"fixes {name}", "fixes", fixes[name]) for name in ("sent", "kept", "refused")
    ] + found  # fmt: skip


def at_share(ordered: list[float], share: float) -> float | None:
    """The value so far up the ordered list; None of an empty one."""
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 3) if ordered else None


def figure(metric: str, unit: str, ours: float | None, goal: float | None = None) -> dict[str, Any]:
    """One line; no open-source system has such a figure, so the goal is the peer."""
    holds = None if goal is None else ours is not None and ours <= goal
    return {
        "metric": metric, "unit": unit, "ours": ours, "peer": goal, "peer_name": None if goal is None else "goal",
        "ratio": round(goal / ours, 2) if goal and ours else None, "goal": goal, "holds": holds,
    }  # fmt: skip
