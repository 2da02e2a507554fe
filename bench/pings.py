"""Positions in, over HTTP and durable: beside the textbook's Flask handler, and beside raw COPY into the same table.

Server, database and load generator share this machine's processors. Both handlers run under the same Granian with the
same options over the same database; rounds are interleaved and the median of the rounds' ratios counts. OwnTracks
Recorder, when it is installed here, is measured too (it flushes nothing to disk).
"""

import io
import statistics
import tempfile
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from bench import recorder
from bench.dispatch import Town, percentile
from bench.load import Heard, Plan, run
from bench.place import durable, fresh_database
from bench.server import add_devices, keys_of, serving
from core import database
from geo import copying
from geo.fix import Fix
from geo.ledger import table_of

CONNECTIONS = 32
BATCH = 100
COPY_ROWS = 50_000


@dataclass(frozen=True)
class Size:
    """How long and how large: the quick form ends within 50 s on a quiet machine."""

    rounds: int
    seconds: float
    crowd: int  # surveyors of the large site
    history: int  # rows of the large past
    busy_s: float


QUICK = Size(3, 1.2, 20_000, 500_000, 5.0)
FULL = Size(5, 4.0, 1_000_000, 20_000_000, 30.0)


class Track:
    """Where each kind of load stands, so that no fix is ever sent twice."""

    def __init__(self) -> None:
        self.start = time.time() - 20 * 3600
        self.number = 0

    def run(self, port: int, kind: str, keys: str, seconds: float, **more: Any) -> Heard:
        """One stretch of load that goes on where the last ended."""
        many = kind == "positions"
        heard = run(
            Plan(
                port, kind, keys, CONNECTIONS, seconds, start=self.start, number=self.number,
                batch=BATCH if many else 1, step_s=0.5 if many else 1.0,
                build_ahead=int(seconds * 900) if many else 0, **more,
            )
        )  # fmt: skip
        self.number = heard.sent_by_device
        return heard


def main(quick: bool) -> dict[str, Any]:
    """Measures all of it; `quick` ends within 50 s."""
    size = QUICK if quick else FULL
    with fresh_database() as url, tempfile.TemporaryDirectory() as folder:
        engine = database.connect(url, pool_size=24, name="chakan-bench")
        add_devices(engine, 1000)
        print(f"1,000 surveyors with devices, {durable(url)}")
        few, many = (keys_of(engine, Path(folder), count, 1000) for count in (100, 1000))
        with serving("wsgi:api", url) as ours:
            with serving("bench.textbook:app", url) as textbook:
                lines = singles(ours, textbook, few, many, size)
            lines += batches(ours, engine, many, size)
            lines += busy(ours, engine, many, lines[0]["ours"] / 2, size)
            lines += flat(ours, engine, Path(folder), many, size)
        engine.dispose()
    return {"figures": lines}


def singles(ours: int, textbook: int, few: str, many: str, size: Size) -> list[dict[str, Any]]:
    """OwnTracks, one fix a request: 100 devices and 1,000."""
    lines = []
    for devices, keys in ((100, few), (1000, many)):
        track = Track()
        speeds: dict[str, list[Heard]] = {"ours": [], "textbook": []}
        for port in (ours, textbook):
            track.run(port, "owntracks", keys, 0.5)  # warm up: connections, plans, caches
        for _ in range(size.rounds):
            speeds["ours"].append(track.run(ours, "owntracks", keys, size.seconds))
            speeds["textbook"].append(track.run(textbook, "owntracks", keys, size.seconds))
        lines += beside(f"one fix a request, {devices} devices", speeds)
        lines += recorder.figures(
            keys, devices, statistics.median(h.per_s for h in speeds["ours"]), size.seconds
        )
    return lines


def beside(name: str, speeds: dict[str, list[Heard]]) -> list[dict[str, Any]]:
    """Requests a second beside the textbook's, and the median of the rounds' ratios."""
    for heard in (*speeds["ours"], *speeds["textbook"]):
        assert set(heard.statuses) == {"200"}, heard.statuses
    ratios = [a.per_s / b.per_s for a, b in zip(speeds["ours"], speeds["textbook"], strict=True)]
    mine, theirs = (statistics.median(h.per_s for h in speeds[who]) for who in ("ours", "textbook"))
    ratio = statistics.median(ratios)
    p99 = statistics.median(h.p99_ms for h in speeds["ours"])
    peer = "Flask, one commit a request"
    return [
        figure(name, "req/s", round(mine), peer=round(theirs), peer_name=peer, ratio=round(ratio, 2)),
        figure(f"{name}, ÷ textbook", "×", round(ratio, 2), peer=1.0, peer_name=peer, ratio=round(ratio, 2),
               goal=4, holds=ratio >= 4),
        figure(f"{name}, p99", "ms", round(p99, 1),
               peer=round(statistics.median(h.p99_ms for h in speeds["textbook"]), 1), peer_name=peer),
    ]  # fmt: skip


def batches(ours: int, engine: Engine, keys: str, size: Size) -> list[dict[str, Any]]:
    """A hundred fixes a request, beside COPY of the same rows into the same day's table."""
    track = Track()
    track.run(ours, "positions", keys, 1.0)
    mine, theirs = [], []
    for number in range(size.rounds):
        heard = track.run(ours, "positions", keys, size.seconds)
        assert set(heard.statuses) == {"200"}, heard.statuses
        mine.append(heard.per_s * BATCH)
        theirs.append(raw_copy(engine, track.start, size.seconds / 2, number))
    ratio = statistics.median(a / b for a, b in zip(mine, theirs, strict=True))
    speed, peer = statistics.median(mine), "COPY BINARY, one writer, no HTTP"
    return [
        figure("batches of 100, history and dot", "fix/s", round(speed), peer=round(statistics.median(theirs)),
               peer_name=peer, ratio=round(ratio, 2), goal=60_000, holds=speed >= 60_000),
        figure("batches of 100, ÷ raw COPY", "×", round(ratio, 2), peer=1.0, peer_name=peer, ratio=round(ratio, 2),
               goal=0.5, holds=ratio >= 0.5),
    ]  # fmt: skip


def raw_copy(engine: Engine, start: float, seconds: float, number: int) -> float:
    """Rows a second of plain COPY into the day's table with its indexes, one durable commit each 50,000 rows."""
    first, now = datetime.fromtimestamp(start, UTC), datetime.now(UTC)
    day = copying.day_of(first)
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    took = rows = 0.0
    columns = ", ".join(copying.COLUMNS)
    link = engine.raw_connection()
    while took < seconds:
        # Nobody's ids, and moments no phone had: each key is new, sorted as ours are.
        keys = range(COPY_ROWS)
        fixes = [
            (-(number * 1000 + n // 50 + 1), int(rows), Fix(midnight + timedelta(seconds=n % 50), None, 121.4, 31.2,
             9.5, 15.0, 90.5, None, 80, "phone", n))
            for n in keys
        ]  # fmt: skip
        (body,) = copying.by_day(fixes, now).values()
        began = time.perf_counter()
        cursor = link.cursor()
        cursor.copy_expert(
            f"COPY {table_of(day)} ({columns}) FROM STDIN (FORMAT binary)", io.BytesIO(body), 1 << 20
        )
        link.commit()
        took += time.perf_counter() - began
        rows += COPY_ROWS
    link.close()
    return rows / took


def busy(ours: int, engine: Engine, keys: str, per_s: float, size: Size) -> list[dict[str, Any]]:
    """Half of the greatest rate while reports are taken and offers made; then three times it, to be shed."""
    track = Track()
    track.start = time.time() - 3000
    town = Town(engine, surveyors=1000)
    heard: list[Heard] = []
    with town:
        town.traffic(2.0, per_s=5)
        pings = threading.Thread(
            target=lambda: heard.append(track.run(ours, "owntracks", keys, size.busy_s, per_s=per_s))
        )
        pings.start()
        steady = town.traffic(size.busy_s, per_s=5)
        pings.join()
        town.settle(steady, 3.0)
        flood = threading.Thread(
            target=lambda: heard.append(flooded(track, ours, keys, per_s * 6, size.busy_s))
        )
        flood.start()
        flooding = town.traffic(size.busy_s, per_s=5)
        flood.join()
    calm, shed = heard
    p99 = percentile(steady.waits(), 99)
    taken = percentile(sorted(flooding.took_s), 99)
    return [
        figure("ping at half the greatest rate, dispatch running, p99", "ms", round(calm.p99_ms, 1), goal=100,
               holds=calm.p99_ms <= 100 and set(calm.statuses) == {"200"}),
        figure("report to offer under these pings, p99", "s", round(p99, 3), goal=1, holds=p99 <= 1),
        figure("flood of three times the greatest rate, pings sent away", "%",
               round(100 * shed.statuses.get("429", 0) / max(1, shed.answered), 1), holds=set(shed.statuses) <= {"200", "429"}),
        figure("taking a report in the flood, p99", "s", round(taken, 3), goal=2,
               holds=flooding.failed == 0 and taken <= 2),
    ]  # fmt: skip


def flooded(track: Track, port: int, keys: str, per_s: float, seconds: float) -> Heard:
    """More connections than may wait, each sending as soon as it is due."""
    plan = Plan(port, "owntracks", keys, 96, seconds, start=track.start, number=track.number, per_s=per_s)
    return run(plan)


def flat(ours: int, engine: Engine, folder: Path, few: str, size: Size) -> list[dict[str, Any]]:
    """The cost of a fix with a thousand surveyors, with very many, and over a long past."""
    track, lines = Track(), []
    track.start -= 3600 * 2.5

    def speed(keys: str) -> float:
        track.run(ours, "positions", keys, 1.0)
        return statistics.median(
            track.run(ours, "positions", keys, size.seconds / 2).per_s * BATCH for _ in range(size.rounds)
        )

    before = speed(few)
    for first in range(1000, size.crowd, 100_000):
        add_devices(engine, min(100_000, size.crowd - first), first)
    spread = keys_of(engine, folder, 1000, size.crowd)
    after = speed(spread)
    lines.append(dearer(f"cost of a fix, {size.crowd:,} surveyors ÷ 1,000", before, after))
    before = after
    fill(engine, size.history)
    after = speed(spread)
    lines.append(dearer(f"cost of a fix, {size.history:,} rows of history ÷ none", before, after))
    return lines


def dearer(name: str, before: float, after: float) -> dict[str, Any]:
    """How many times dearer a fix became."""
    times = before / after
    print(f"{name}: {before:,.0f} → {after:,.0f} fixes/s")
    return figure(name, "×", round(times, 2), goal=1.3, holds=times <= 1.3)


def fill(engine: Engine, rows: int, days: int = 20) -> None:
    """A past of so many rows over twenty days before those the phones speak of."""
    today = datetime.now(UTC).date()
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET statement_timeout = 0"))
        for back in range(10, 10 + days):
            day = today - timedelta(days=back)
            table = table_of(day)
            connection.execute(text(f"CREATE TABLE {table} (LIKE position)"))
            connection.execute(
                text(
                    f"INSERT INTO {table} SELECT n % 10000, CAST(:day AS timestamptz) + n / 10000 * interval '10 s', 7,"
                    " now(), 121.4, 31.2, 9.5, 15, 90, NULL, 80, 'phone', n FROM generate_series(0, :rows) AS n"
                ),
                {"day": f"{day} 00:00:00+00", "rows": rows // days - 1},
            )
            span = f"FROM ('{day} 00:00:00+00') TO ('{day + timedelta(days=1)} 00:00:00+00')"
            connection.execute(text(f"ALTER TABLE position ATTACH PARTITION {table} FOR VALUES {span}"))


def figure(metric: str, unit: str, ours: float, **more: Any) -> dict[str, Any]:
    """One line of the result."""
    return {
        "metric": metric, "unit": unit, "ours": ours, "peer": None, "peer_name": "none known", "ratio": None,
        "goal": None, "holds": None, **more,
    }  # fmt: skip
