"""The twenty nearest who may be asked, beside Redis GEOSEARCH over the same places.

Ours walks an index and then looks at duty, freshness, skills, cap, open questions and scope, inside a transaction; the
peer knows places only. Both are asked from this process over loopback, in the same interleaved rounds, from the same
random points; what each takes on its server is measured besides.
"""

import os
import random
import statistics
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

from redis import Redis, RedisError
from sqlalchemy import Engine, text

from bench.dispatch import percentile
from bench.place import durable, fresh_database
from core import database
from dispatch import able
from geo.fix import LonLat

KEY = "chakan:bench:nearest"
JUDGED = 100_000
WEST, SOUTH, WIDE, HIGH = 115.4, 39.4, 2.1, 1.7  # a box like Beijing's
SCOPE, NEEDS, MOST, STALE = "/1/", ("agri",), 20, timedelta(seconds=600)

# 40 % are on duty: of those 7 in 10 were heard of just now, the others twenty minutes ago; 3 in 4 have the skill; one in
# ten is at his cap of one job, four in ten of the others hold one or two jobs; three in a hundred have a question open.
# Who is off duty was last heard of when he went home, some time in the last sixteen hours: what a phone sends off duty
# is refused. So 17 of 100 may be asked, and the hint of the last hour stands at 43 of 100.
# With foreign keys and triggers asleep: claims, tasks and histories of a million people are not what is measured here.
CROWD = (
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL session_replication_role = replica",
    "SELECT setseed(0.11)",
    """
    CREATE TEMPORARY TABLE crowd ON COMMIT DROP AS
    SELECT id, 1 AS org_id, :west + random() * :wide AS lon, :south + random() * :high AS lat, random() < 0.75 AS skilled,
           duty,
           CASE WHEN NOT duty THEN CAST(:at AS timestamptz) - random() * interval '16 hours'
                WHEN random() < 0.7 THEN :at ELSE CAST(:at AS timestamptz) - interval '20 minutes' END AS at,
           duty AND random() < 0.1 AS full_up, duty AND random() < 0.4 AS busy, duty AND random() < 0.03 AS asked
      FROM (SELECT id, random() < 0.4 AS duty FROM generate_series(CAST(:first AS bigint), :last) AS id OFFSET 0) AS n
    """,
    """
    INSERT INTO person (id, org_id, username, name, roles)
    SELECT id, org_id, 'n' || id, '查勘员', '{surveyor}' FROM crowd
    """,
    """
    INSERT INTO surveyor (id, org_id, skills, on_duty, on_duty_since, max_open)
    SELECT id, org_id, CASE WHEN skilled THEN '{motor,agri}'::text[] ELSE '{motor}' END, duty,
           CASE WHEN duty THEN now() END, CASE WHEN full_up THEN 1 ELSE 5 END
      FROM crowd
    """,
    """
    INSERT INTO last_position (surveyor_id, place, lon, lat, fixed_at, received_at, device_id, source, heard_lately)
    SELECT id, ST_SetSRID(ST_MakePoint(lon, lat), 4326)::geography, lon, lat, at, at, 0, 'phone',
           at > (SELECT max(at) FROM crowd) - interval '65 minutes'
      FROM crowd
    """,
    """
    INSERT INTO assignment (id, task_id, surveyor_id, accepted_at)
    SELECT id * 2 + k, id * 2 + k, id, now()
      FROM crowd, generate_series(0, 1) AS k
     WHERE (full_up AND k = 0) OR (busy AND NOT full_up AND k <= id % 2)
    """,
    """
    INSERT INTO offer (id, task_id, surveyor_id, state, made_at, expires_at, round, rank, distance_m, eta_s)
    SELECT id, id, id, 'open', now(), now(), 1, 1, 0, 0 FROM crowd WHERE asked
    """,
)
TABLES = "person, surveyor, last_position, assignment, offer"


def main(quick: bool) -> dict[str, Any]:
    """Measures 10,000, 100,000 and, in the long form, 1,000,000 positions; `quick` ends within 50 s."""
    sizes = (10_000, 100_000) if quick else (10_000, 100_000, 1_000_000)
    rounds, questions = (7, 60) if quick else (9, 200)
    lines: list[dict[str, Any]] = []
    with fresh_database(superuser=True) as url:
        engine = database.connect(url, name="chakan-bench")
        redis = Redis.from_url(os.environ.get("CHAKAN_TEST_REDIS_URL", "redis://127.0.0.1:6379/0"))
        print(durable(url))
        with engine.connect() as connection:
            # Nobody grows stale while the crowd grows.
            now = connection.execute(text("SELECT now()")).scalar_one()
        peer = redis if here(redis) else None
        there, medians = 0, {}
        for size in sizes:
            began = time.perf_counter()
            populate(engine, there, size, now)
            if peer is not None:
                copy_to(peer, engine)
            print(f"{size:,} positions, loaded in {time.perf_counter() - began:.0f} s")
            there = size
            asked = ask(engine, peer, rounds, questions, now)
            medians[size] = statistics.median(ms for ours, _ in asked for ms in ours)
            lines += figures(size, asked)
            if size == JUDGED:
                lines += inside(engine, peer, rounds * questions, now)
        lines.append(grown(medians))
        if peer is not None:
            peer.delete(KEY)
        engine.dispose()
    return {"figures": lines}


def here(redis: Redis) -> bool:
    """Whether the peer is here."""
    try:
        return bool(redis.ping())
    except RedisError:
        return False


def populate(engine: Engine, there: int, size: int, now: datetime) -> None:
    """Surveyors up to `size`, over one city's box."""
    box = {"west": WEST, "south": SOUTH, "wide": WIDE, "high": HIGH}
    span = box | {"first": there + 1, "last": size, "at": now}
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO organisation (id, kind, code, name, path) SELECT 1, 'head', 'NEAR', '量测', '/1/'"
                " WHERE NOT EXISTS (SELECT FROM organisation)"
            )
        )
        for statement in CROWD:
            connection.execute(text(statement), span if ":first" in statement else {})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text(f"VACUUM ANALYZE {TABLES}"))


def copy_to(redis: Redis, engine: Engine) -> None:
    """The same places for the peer."""
    redis.delete(KEY)
    said: Callable[..., Any] = redis.execute_command
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT lon, lat, surveyor_id FROM last_position")).all()
    for start in range(0, len(rows), 5_000):
        values = [value for row in rows[start : start + 5_000] for value in row]
        said("GEOADD", KEY, *values)


Asked = list[tuple[list[float], list[float]]]


def ask(engine: Engine, redis: Redis | None, rounds: int, questions: int, now: datetime) -> Asked:
    """Milliseconds of each question to us and to the peer, by interleaved rounds."""
    dice = random.Random(11)
    sessions = database.sessions(engine)
    said: Callable[..., Any] = redis.execute_command if redis is not None else lambda *words: None
    with engine.connect() as connection:
        radius_km = radius(connection.execute(text("SELECT count(*) FROM last_position")).scalar_one())
    asked: Asked = []
    for _ in range(rounds + 1):
        points = [anywhere(dice) for _ in range(questions)]
        ours, theirs = [], []
        with sessions.begin() as session:
            for place in points:
                began = time.perf_counter()
                found = able.nearest(
                    session, place, org_path=SCOPE, heard_since=now - STALE, now=now, needs=NEEDS, limit=MOST
                )
                ours.append(1000 * (time.perf_counter() - began))
                assert len(found) == MOST
        for place in points if redis is not None else ():
            began = time.perf_counter()
            said(*search(place, radius_km))
            theirs.append(1000 * (time.perf_counter() - began))
        asked.append((ours, theirs))
    return asked[1:]  # the first round warms caches and plans


def anywhere(dice: random.Random) -> LonLat:
    """A place in the box, away from its edge."""
    return LonLat(WEST + WIDE * dice.uniform(0.05, 0.95), SOUTH + HIGH * dice.uniform(0.05, 0.95))


def radius(count: int) -> float:
    """The peer's radius, km. It holds about sixty: narrower misses, wider only costs it time."""
    return float((60 * 111.2 * WIDE * 85.0 * HIGH / count / 3.1416) ** 0.5)


def search(place: LonLat, radius_km: float) -> list[Any]:
    """The peer's question."""
    within = ["BYRADIUS", radius_km, "km", "ASC", "COUNT", MOST, "WITHDIST"]
    return ["GEOSEARCH", KEY, "FROMLONLAT", place.lon, place.lat, *within]


def figures(size: int, asked: Asked) -> list[dict[str, Any]]:
    """Median and tail, and the median of the rounds' ratios of medians."""
    ours, theirs = (sorted(ms for one in side for ms in one) for side in zip(*asked, strict=True))
    peers = (statistics.median(theirs), percentile(theirs, 99)) if theirs else (None, None)
    name = "GEOSEARCH, places only" if theirs else "no Redis here"
    lines = [
        figure(f"20 nearest able of {size:,}, p50", "ms", statistics.median(ours), peer=peers[0], name=name),
        figure(f"20 nearest able of {size:,}, p99", "ms", percentile(ours, 99), peer=peers[1], name=name),
    ]
    if theirs:
        ratio = statistics.median(statistics.median(one) / statistics.median(other) for one, other in asked)
        judged = size == JUDGED
        lines.append(
            figure(f"20 nearest able of {size:,}, p50 ÷ GEOSEARCH, median of rounds", "×", ratio, peer=1.0, name=name,
                   goal=2 if judged else None, holds=ratio <= 2 if judged else None)
        )  # fmt: skip
    return lines


def inside(engine: Engine, redis: Redis | None, questions: int, now: datetime) -> list[dict[str, Any]]:
    """The database's own time of the question, planning included, without the way there and back; the peer's mean too."""
    dice, ours, mean_ms = random.Random(13), [], None
    places = [anywhere(dice) for _ in range(questions)]
    with engine.connect() as connection, closing(connection.connection.cursor()) as cursor:
        for place in places:
            asked = able.Asked(place, SCOPE, now - STALE, now, NEEDS, MOST)
            cursor.execute("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) " + able.ON_THE_MAP, asked.told())
            ((told,),) = (row[0] for row in cursor.fetchall())
            ours.append(told["Planning Time"] + told["Execution Time"])
            assert told["Plan"]["Actual Rows"] >= MOST
    if redis is not None:
        said: Callable[..., Any] = redis.execute_command
        before = spent(redis)
        for place in places:
            said(*search(place, radius(JUDGED)))
        mean_ms = (spent(redis) - before) / 1000 / questions
    p50, p99 = statistics.median(ours), percentile(sorted(ours), 99)
    return [
        figure(f"20 nearest able of {JUDGED:,}, in the database, p50", "ms", p50, peer=mean_ms,
               name="GEOSEARCH in its server, mean"),
        figure(f"20 nearest able of {JUDGED:,}, in the database, p99", "ms", p99, goal=5, holds=p99 <= 5),
    ]  # fmt: skip


def spent(redis: Redis) -> float:
    """Microseconds the peer's server has spent on such questions."""
    told: Any = redis.info("commandstats")
    return float(told.get("cmdstat_geosearch", {}).get("usec", 0))


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
