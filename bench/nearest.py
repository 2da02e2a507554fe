"""The twenty nearest who may be asked, beside Redis GEOSEARCH over the same places.

Ours walks an index and then looks at duty, freshness, skills, cap, open questions and scope, inside a transaction; the
peer knows places only. Both are asked from here, one after the other in the same rounds, from the same random points.
"""

import os
import random
import statistics
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from redis import Redis, RedisError
from sqlalchemy import Engine, text

from bench.dispatch import percentile
from bench.place import durable, fresh_database
from core import clock, database
from dispatch import able
from geo.fix import LonLat

KEY = "chakan:bench:nearest"
JUDGED = 100_000
WEST, SOUTH, WIDE, HIGH = 115.4, 39.4, 2.1, 1.7  # a box like Beijing's
# 40 % on duty, 70 % heard of lately, 3 of 4 with the skill, some at their cap.
CROWD = """
WITH o AS (SELECT id FROM organisation WHERE parent_id IS NULL LIMIT 1),
p AS (
  INSERT INTO person (org_id, username, name, roles)
  SELECT o.id, 'n' || n, '查勘员', '{surveyor}' FROM o, generate_series(:first, :last) AS n RETURNING id, org_id
), s AS (
  INSERT INTO surveyor (id, org_id, skills, on_duty, on_duty_since, max_open)
  SELECT id, org_id, CASE WHEN random() < 0.75 THEN '{motor,agri}'::text[] ELSE '{motor}' END, random() < 0.4, now(),
         CASE WHEN random() < 0.1 THEN 0 ELSE 5 END FROM p
)
INSERT INTO last_position (surveyor_id, place, lon, lat, fixed_at, received_at, device_id, source)
SELECT id, CAST('SRID=4326;POINT(' || lon || ' ' || lat || ')' AS geography), lon, lat, at, at, 0, 'phone'
  FROM (SELECT id, :west + random() * :wide AS lon, :south + random() * :high AS lat,
               now() - CASE WHEN random() < 0.7 THEN 0 ELSE 3600 END * interval '1 s' AS at FROM p) AS x
"""


def main(quick: bool) -> dict[str, Any]:
    """Measures 10,000, 100,000 and, in the long form, 1,000,000 positions; `quick` ends within 50 s."""
    sizes = (10_000, 100_000) if quick else (10_000, 100_000, 1_000_000)
    rounds, questions = (5, 60) if quick else (7, 300)
    lines: list[dict[str, Any]] = []
    with fresh_database() as url:
        engine = database.connect(url, name="chakan-bench")
        redis = Redis.from_url(os.environ.get("CHAKAN_TEST_REDIS_URL", "redis://127.0.0.1:6379/0"))
        print(durable(url))
        peer = here(redis)
        there, medians = 0, {}
        for size in sizes:
            populate(engine, there, size)
            there = size
            if peer:
                copy_to(redis, engine)
            ours, theirs = ask(engine, redis if peer else None, rounds, questions)
            medians[size] = statistics.median(ours)
            lines += figures(size, ours, theirs)
            if size == JUDGED:
                lines.append(inside(engine, rounds * questions))
        lines.append(grown(medians))
        if peer:
            redis.delete(KEY)
        engine.dispose()
    return {"figures": lines}


def here(redis: Redis) -> bool:
    """Whether the peer is here."""
    try:
        return bool(redis.ping())
    except RedisError:
        return False


def populate(engine: Engine, there: int, size: int) -> None:
    """Surveyors up to `size`, over one city's box."""
    box = {"west": WEST, "south": SOUTH, "wide": WIDE, "high": HIGH}
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(
            text(
                "INSERT INTO organisation (kind, code, name, path) SELECT 'head', 'NEAR', '量测', '/1/'"
                " WHERE NOT EXISTS (SELECT FROM organisation)"
            )
        )
        connection.execute(text(CROWD), {"first": there, "last": size - 1, **box})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("VACUUM ANALYZE person, surveyor, last_position"))


def copy_to(redis: Redis, engine: Engine) -> None:
    """The same places for the peer."""
    redis.delete(KEY)
    said: Callable[..., Any] = redis.execute_command
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT lon, lat, surveyor_id FROM last_position")).all()
    for start in range(0, len(rows), 5_000):
        values = [value for row in rows[start : start + 5_000] for value in row]
        said("GEOADD", KEY, *values)


def ask(engine: Engine, redis: Redis | None, rounds: int, questions: int) -> tuple[list[float], list[float]]:
    """Milliseconds of each question to us and to the peer, in interleaved rounds."""
    dice = random.Random(11)
    sessions = database.sessions(engine)
    ours: list[float] = []
    theirs: list[float] = []
    said: Callable[..., Any] = redis.execute_command if redis is not None else lambda *words: None
    with engine.connect() as connection:
        count = connection.execute(text("SELECT count(*) FROM last_position")).scalar_one()
    # The peer's radius holds about sixty: narrower misses, wider only costs it time.
    radius_km = (60 * 111.2 * WIDE * 85.0 * HIGH / count / 3.1416) ** 0.5
    for number in range(rounds + 1):
        points = [
            LonLat(WEST + WIDE * dice.uniform(0.05, 0.95), SOUTH + HIGH * dice.uniform(0.05, 0.95))
            for _ in range(questions)
        ]
        mine, others = [], []
        with sessions.begin() as session:
            now = clock.read(session)
            for place in points:
                began = time.perf_counter()
                found = able.nearest(
                    session,
                    place,
                    org_path="/1/",
                    heard_since=now - timedelta(seconds=600),
                    now=now,
                    needs=("agri",),
                )
                mine.append(1000 * (time.perf_counter() - began))
                assert len(found) == 20
        for place in points if redis is not None else ():
            began = time.perf_counter()
            said(
                "GEOSEARCH", KEY, "FROMLONLAT", place.lon, place.lat, "BYRADIUS", radius_km, "km", "ASC",
                "COUNT", 20, "WITHDIST",
            )  # fmt: skip
            others.append(1000 * (time.perf_counter() - began))
        if number:  # the first round warms caches and plans
            ours += mine
            theirs += others
    return ours, theirs


def figures(size: int, ours: list[float], theirs: list[float]) -> list[dict[str, Any]]:
    """Median and tail, and the ratio to the peer's median."""
    p50, p99 = statistics.median(ours), percentile(sorted(ours), 99)
    peer = statistics.median(theirs) if theirs else None
    tail = percentile(sorted(theirs), 99) if theirs else None
    name = "GEOSEARCH, places only" if theirs else "no Redis here"
    lines = [
        figure(f"20 nearest able of {size:,}, p50", "ms", p50, peer=peer, name=name),
        figure(f"20 nearest able of {size:,}, p99", "ms", p99, peer=tail, name=name),
    ]  # fmt: skip
    if peer is not None:
        ratio = p50 / peer
        lines.append(
            figure(f"20 nearest able of {size:,}, p50 ÷ GEOSEARCH", "×", ratio, peer=1.0, name=name,
                   goal=2 if size == JUDGED else None, holds=ratio <= 2 if size == JUDGED else None)
        )  # fmt: skip
    return lines


def inside(engine: Engine, questions: int) -> dict[str, Any]:
    """The database's own time of the query, planning included, without the way there and back."""
    dice, took = random.Random(13), []
    with engine.connect() as connection:
        now = connection.execute(text("SELECT now()")).scalar_one()
        for _ in range(questions):
            place = LonLat(WEST + WIDE * dice.uniform(0.05, 0.95), SOUTH + HIGH * dice.uniform(0.05, 0.95))
            args = able.question(place, "/1/", now - timedelta(seconds=600), ("agri",), 20)
            spent = 0.0
            for walk in able.WALKS:
                told = connection.execute(
                    text("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) " + able.ABLE), args | {"walk": walk}
                ).scalar_one()[0]
                spent += told["Planning Time"] + told["Execution Time"]
                if told["Plan"]["Actual Rows"] >= 20:
                    break
            took.append(spent)
    p99 = percentile(sorted(took), 99)
    print(f"inside the database: p50 {statistics.median(took):.2f} ms, p99 {p99:.2f} ms")
    return figure(f"20 nearest able of {JUDGED:,}, in the database, p99", "ms", p99, goal=5, holds=p99 <= 5)


def grown(medians: dict[int, float]) -> dict[str, Any]:
    """How many times slower the largest is than the smallest."""
    small, large = min(medians), max(medians)
    times = medians[large] / medians[small]
    return figure(f"{large:,} positions ÷ {small:,}, p50", "×", times, goal=1.5, holds=times <= 1.5)


def figure(
    metric: str, unit: str, ours: float, *, peer: float | None = None, name: str = "none known",
    goal: float | None = None, holds: bool | None = None,
) -> dict[str, Any]:  # fmt: skip
    """One line of the result."""
    return {
        "metric": metric, "unit": unit, "ours": round(ours, 3), "peer": None if peer is None else round(peer, 3),
        "peer_name": name, "ratio": None if not peer else round(ours / peer, 2), "goal": goal, "holds": holds,
    }  # fmt: skip
