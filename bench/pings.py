"""Positions in, over HTTP and durable: beside the textbook's Flask handler, and beside raw COPY into the same table.

Server, database and load generator share this machine's processors. The handlers run under the same Granian with the
same options over the same database; rounds are interleaved and the median of the rounds' ratios counts. Processor time of
server and database stands beside the wall clock: it says what the work costs, whoever else uses the machine. OwnTracks
Recorder, when it is installed here, is measured too (it flushes nothing to disk).
"""

import io
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from bench import cost, recorder
from bench.cost import Cost
from bench.dispatch import Town, percentile
from bench.load import Heard, Plan, run
from bench.place import durable, fresh_database
from bench.server import add_devices, keys_of, serving
from core import database
from geo import copying
from geo.fix import Fix
from geo.ledger import table_of
from launch.errors import CannotStart

CONNECTIONS = 32
BATCH = 100
CREW, BATCHERS = 3_000, 200
OLDEST_DAYS = 60  # long before anything phones speak of
COPY_EACH = 250
# As many batches as wait for each of the server's two writers when 32 connections send.
GROUP = CONNECTIONS // 2


@dataclass(frozen=True)
class Size:
    """How long and how large: the quick form ends within 50 s on a quiet machine."""

    rounds: int
    seconds: float
    crowd: int  # surveyors of the large site
    history: int  # rows of the large past
    busy_s: float


QUICK = Size(2, 1.0, 20_000, 500_000, 3.0)
FULL = Size(5, 3.0, 1_000_000, 10_000_000, 15.0)
TEXTBOOK, BY_HAND = "Flask, ORM, one commit a request", "Flask, SQL by hand, one commit a request"


class Track:
    """Where a load of batches stands, so that no fix is ever sent twice. One fix a request is always of the moment."""

    def __init__(self, engine: Engine, hours_ago: float = 20.0) -> None:
        self.engine, self.start, self.turn = engine, time.time() - hours_ago * 3600, 0

    def run(self, port: int, kind: str, keys: str, seconds: float, **more: Any) -> tuple[Heard, Cost]:
        """One stretch of load that goes on where the last ended, and what it cost."""
        many = kind == "positions"
        plan = Plan(
            port, kind, keys, more.pop("connections", CONNECTIONS), seconds, turn=self.turn,
            start=self.start if many else None, batch=BATCH if many else 1, step_s=0.5,
            build_ahead=int(seconds * 900) if many else 0, **more,
        )  # fmt: skip
        heard, spent = cost.of(self.engine, port, lambda: run(plan))
        self.turn = heard.turn
        return heard, spent


# What can be measured by itself (`--only`).
PARTS = ("few", "many", "batches", "busy", "flat")


def main(quick: bool, only: Sequence[str] = PARTS) -> dict[str, Any]:
    """Measures all of it, or the parts named; `quick` ends within 50 s. Raises CannotStart for a part there is not."""
    if unknown := set(only) - set(PARTS):
        raise CannotStart(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    size = QUICK if quick else FULL
    lines: list[dict[str, Any]] = []
    with fresh_database() as url, tempfile.TemporaryDirectory() as folder:
        engine = database.connect(url, pool_size=24, name="chakan-bench")
        add_devices(engine, CREW)
        print(f"{CREW:,} surveyors with devices, {durable(url)}, load {os.getloadavg()[0]:.1f}")
        few, many = (keys_of(engine, Path(folder), count, 1000) for count in (100, 1000))
        # Batches speak of the past, so they come from phones that have not told of the present: else all would be late.
        fresh, fresher = (keys_of(engine, Path(folder), BATCHERS, first=first) for first in (1000, 2000))
        with serving("wsgi:api", url) as ours:
            if {"few", "many"} & set(only):
                with serving("bench.textbook:app", url) as textbook:
                    for part, keys, devices in (("few", few, 100), ("many", many, 1000)):
                        if part in only:
                            lines += singles(ours, textbook, keys, engine, size, TEXTBOOK, devices)
            if not quick and "few" in only:
                with serving("bench.textbook:by_hand", url) as by_hand:
                    lines += singles(ours, by_hand, few, engine, size, BY_HAND)
            if "batches" in only:
                lines += batches(ours, engine, fresh, size)
            if "busy" in only:
                greatest = lines[0]["ours"] if "few" in only else greatest_of(ours, engine, few, size)
                lines += busy(ours, engine, many, greatest / 2, size)
            if "flat" in only:
                lines += flat(ours, engine, Path(folder), fresher, size)
        engine.dispose()
    print(f"load {os.getloadavg()[0]:.1f}")
    return {"figures": lines}


Stretch = tuple[Heard, Cost]


def greatest_of(ours: int, engine: Engine, keys: str, size: Size) -> float:
    """Requests a second of 100 devices, for a part that is measured without that one."""
    track = Track(engine)
    track.run(ours, "owntracks", keys, 0.5)
    return track.run(ours, "owntracks", keys, size.seconds)[0].per_s


def singles(
    ours: int, theirs: int, keys: str, engine: Engine, size: Size, peer: str, devices: int = 100
) -> list[dict[str, Any]]:
    """OwnTracks, one fix a request, each of the moment it is sent; interleaved with a peer."""
    track = Track(engine)
    mine: list[Stretch] = []
    others: list[Stretch] = []
    for port in (ours, theirs):
        # Warm up: connections, plans, and every device heard once.
        track.run(port, "owntracks", keys, 0.5 if devices <= 100 else 2.0)
    for _ in range(size.rounds):
        mine.append(track.run(ours, "owntracks", keys, size.seconds))
        others.append(track.run(theirs, "owntracks", keys, size.seconds))
    lines = beside(f"one fix a request, {devices} devices", mine, others, peer)
    if peer == TEXTBOOK:
        lines += recorder.figures(keys, devices, statistics.median(h.per_s for h, _ in mine), size.seconds)
    return lines


def beside(name: str, mine: list[Stretch], others: list[Stretch], peer: str) -> list[dict[str, Any]]:
    """Requests a second beside a peer's, and the median of the rounds' ratios; the same of processor time."""
    for heard, _ in (*mine, *others):
        assert set(heard.statuses) == {"200"}, heard.statuses
    pairs = list(zip(mine, others, strict=True))
    ratio = statistics.median(a.per_s / b.per_s for (a, _), (b, _) in pairs)
    cheaper = statistics.median(b.total_us / a.total_us for (_, a), (_, b) in pairs)
    speed, theirs = (statistics.median(heard.per_s for heard, _ in who) for who in (mine, others))
    for who, stretches in (("ours", mine), (peer, others)):
        print(f"{name}, {who}: {stretches[-1][1]}")
    judged = {"goal": 4, "holds": ratio >= 4} if peer == TEXTBOOK else {}
    return [
        figure(name, "req/s", round(speed), peer=round(theirs), peer_name=peer, ratio=round(ratio, 2)),
        figure(f"{name}, ÷ peer", "×", round(ratio, 2), peer=1.0, peer_name=peer, ratio=round(ratio, 2), **judged),
        figure(f"{name}, processor a request", "µs", round(median_us(mine)), peer=round(median_us(others)), peer_name=peer,
               ratio=round(cheaper, 2)),
        figure(f"{name}, processor a request of the load generator", "µs",
               round(statistics.median(spent.generator_us for _, spent in mine)),
               peer=round(statistics.median(spent.generator_us for _, spent in others)), peer_name=peer),
        figure(f"{name}, p99", "ms", round(statistics.median(h.p99_ms for h, _ in mine), 1),
               peer=round(statistics.median(h.p99_ms for h, _ in others), 1), peer_name=peer),
    ]  # fmt: skip


def median_us(stretches: list[Stretch]) -> float:
    """Server's and database's processor time of a request."""
    return statistics.median(spent.total_us for _, spent in stretches)


def batches(ours: int, engine: Engine, keys: str, size: Size) -> list[dict[str, Any]]:
    """A hundred fixes a request, beside COPY of the same rows into the same day's table."""
    track = Track(engine)
    heard_once(track, ours, keys)
    mine: list[Stretch] = []
    theirs: list[float] = []
    small: list[float] = []
    for number in range(size.rounds):
        heard, spent = track.run(ours, "positions", keys, size.seconds)
        assert set(heard.statuses) == {"200"}, heard.statuses
        mine.append((heard, spent))
        theirs.append(raw_copy(engine, track.start, size.seconds / 2, 2 * number))
        small.append(
            raw_copy(engine, track.start, size.seconds / 2, 2 * number + 1, phones=GROUP, each=BATCH)
        )
    print(f"batches of {BATCH}: {mine[-1][1]}")
    speeds = [heard.per_s * BATCH for heard, _ in mine]
    speed, peer = statistics.median(speeds), "COPY BINARY, one writer, no HTTP"
    ratio = statistics.median(a / b for a, b in zip(speeds, theirs, strict=True))
    beside_small = statistics.median(a / b for a, b in zip(speeds, small, strict=True))
    return [
        figure("batches of 100, history and dot", "fix/s", round(speed), peer=round(statistics.median(theirs)),
               peer_name=peer, ratio=round(ratio, 2), goal=60_000, holds=speed >= 60_000),
        figure("batches of 100, ÷ raw COPY", "×", round(ratio, 2), peer=1.0, peer_name=peer, ratio=round(ratio, 2),
               goal=0.5, holds=ratio >= 0.5),
        figure(f"batches of 100, ÷ raw COPY in commits of {GROUP * BATCH:,}", "×", round(beside_small, 2),
               peer=round(statistics.median(small)), peer_name=peer, ratio=round(beside_small, 2)),
        figure("batches of 100, processor a fix", "µs", round(median_us(mine) / BATCH, 1)),
    ]  # fmt: skip


def heard_once(track: Track, port: int, keys: str) -> None:
    """Lets every device send once: looking up whose a secret is costs more than all that comes after."""
    devices = len(Path(keys).read_text().splitlines())
    begun = track.turn
    for seconds in (0.5, 1.0, 2.0, 4.0, 8.0):
        track.run(port, "positions", keys, seconds)
        if track.turn - begun >= devices:
            return


def raw_copy(
    engine: Engine,
    start: float,
    seconds: float,
    number: int,
    *,
    phones: int = BATCHERS,
    each: int = COPY_EACH,
) -> float:
    """Rows a second of plain COPY into the day's table with its indexes, one durable commit each `phones` × `each` rows."""
    first, now = datetime.fromtimestamp(start, UTC), datetime.now(UTC)
    day = copying.day_of(first)
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    took, commits = 0.0, 0
    columns = ", ".join(copying.COLUMNS)
    link = engine.raw_connection()
    while took < seconds:
        # Nobody's ids and moments no phone had, in the order ours come in: some more of the day of each of 200 phones,
        # so that the key's index grows in 200 places, as it does under batches.
        laps = [divmod(commits * phones + n, BATCHERS) for n in range(phones)]
        further = {
            lap: [
                Fix(midnight + timedelta(hours=number, seconds=(lap * each + n) * 0.1), None, 121.4, 31.2,
                    9.5, 15.0, 90.5, None, 80, "phone", n)
                for n in range(each)
            ]
            for lap in {lap for lap, _ in laps}
        }  # fmt: skip
        stretches = sorted((-(who + 1), 7, lap) for lap, who in laps)
        (body,) = copying.by_day(
            [(who, device, further[lap]) for who, device, lap in stretches], now
        ).values()
        began = time.perf_counter()
        cursor = link.cursor()
        cursor.copy_expert(
            f"COPY {table_of(day)} ({columns}) FROM STDIN (FORMAT binary)", io.BytesIO(body), 1 << 20
        )
        link.commit()
        took += time.perf_counter() - began
        commits += 1
    link.close()
    return commits * phones * each / took


def busy(ours: int, engine: Engine, keys: str, per_s: float, size: Size) -> list[dict[str, Any]]:
    """Half of the greatest rate while reports are taken and offers made; then three times it, to be shed."""
    track = Track(engine)
    town = Town(engine, surveyors=1000)
    heard: list[Heard] = []

    def load(rate: float, connections: int) -> threading.Thread:
        def go() -> None:
            heard.append(
                track.run(ours, "owntracks", keys, size.busy_s, per_s=rate, connections=connections)[0]
            )

        thread = threading.Thread(target=go)
        thread.start()
        return thread

    with town:
        town.traffic(2.0, per_s=5)
        pings = load(per_s, CONNECTIONS)
        steady = town.traffic(size.busy_s, per_s=5)
        pings.join()
        # More connections than may wait, each sending as soon as it is due.
        flood = load(per_s * 6, 96)
        flooding = town.traffic(size.busy_s, per_s=5)
        flood.join()
    calm, shed = heard
    waits = steady.waits()
    # No offer at all was longer in coming than anybody waited for it.
    p99 = percentile(waits, 99) if waits else size.busy_s + 3.0
    taken = percentile(sorted(flooding.took_s), 99)
    return [
        figure("ping at half the greatest rate, dispatch running, p99", "ms", round(calm.p99_ms, 1), goal=100,
               holds=calm.p99_ms <= 100 and set(calm.statuses) == {"200"}),
        figure("report to offer under these pings, p99", "s", round(p99, 3), goal=1, holds=p99 <= 1),
        figure("flood of three times the greatest rate, pings sent away", "%",
               round(100 * shed.statuses.get("503", 0) / max(1, shed.answered), 1), holds=set(shed.statuses) <= {"200", "503"}),
        figure("taking a report in the flood, p99", "s", round(taken, 3), goal=2,
               holds=flooding.failed == 0 and taken <= 2),
    ]  # fmt: skip


def flat(ours: int, engine: Engine, folder: Path, few: str, size: Size) -> list[dict[str, Any]]:
    """The cost of a fix with a few thousand surveyors, with very many, and over a long past; by processor time."""
    track = Track(engine, 22.5)

    def measured(keys: str) -> list[Stretch]:
        heard_once(track, ours, keys)
        return [track.run(ours, "positions", keys, size.seconds / 2) for _ in range(size.rounds)]

    thousands = measured(few)
    began = time.perf_counter()
    for first in range(CREW, size.crowd, 100_000):
        add_devices(engine, min(100_000, size.crowd - first), first)
        print(
            f"{min(size.crowd, first + 100_000):,} surveyors after {time.perf_counter() - began:.0f} s",
            flush=True,
        )
    spread = keys_of(engine, folder, BATCHERS, size.crowd, first=2000)
    crowded = measured(spread)
    began = time.perf_counter()
    fill(engine, size.history)
    print(f"{size.history:,} rows of history after {time.perf_counter() - began:.0f} s", flush=True)
    aged = measured(spread)
    return [
        dearer(f"cost of a fix, {size.crowd:,} surveyors ÷ 3,000", thousands, crowded),
        dearer(f"cost of a fix, {size.history:,} rows of history ÷ none", crowded, aged),
    ]


def dearer(name: str, before: list[Stretch], after: list[Stretch]) -> dict[str, Any]:
    """How many times dearer a fix became, by the processor; the wall clock beside it."""
    times = median_us(after) / median_us(before)
    speeds = [statistics.median(heard.per_s * BATCH for heard, _ in who) for who in (before, after)]
    print(
        f"{name}: {median_us(before) / BATCH:.1f} → {median_us(after) / BATCH:.1f} µs a fix,"
        f" {speeds[0]:,.0f} → {speeds[1]:,.0f} fixes/s"
    )
    return figure(name, "×", round(times, 2), goal=1.3, holds=times <= 1.3)


def fill(engine: Engine, rows: int, days: int = 10) -> None:
    """A past of so many rows over `days` days, long before those the phones speak of."""
    today = datetime.now(UTC).date()
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET statement_timeout = 0"))
        for back in range(OLDEST_DAYS, OLDEST_DAYS + days):
            day = today - timedelta(days=back)
            table = table_of(day)
            # A bench before this one, on the same private server, left the day behind.
            connection.execute(text(f"DROP TABLE IF EXISTS {table}"))
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
