"""The twenty nearest who may be asked, beside Redis GEOSEARCH over the same places.

Ours walks an index and then looks at duty, freshness, skills, cap, open questions and scope, inside a transaction; the
peer knows places only. Both are asked from this process over loopback, in turn of each of the same random points, so that
whatever else the machine does hits both; what each takes on its server is measured besides.
"""

import functools
import random
import statistics
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

from redis import Redis
from sqlalchemy import Engine, text

from bench.dispatch import percentile
from bench.mainjob import private_redis
from bench.place import durable, fresh_database
from core import database
from dispatch import able, candidates
from dispatch.candidates import Habits
from dispatch.crowd import WALKS
from geo.fix import LonLat

KEY, PEER = "chakan:bench:nearest", "GEOSEARCH, places only"
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
    with fresh_database(superuser=True) as url, private_redis() as peer_url, Redis.from_url(peer_url) as peer:
        engine = database.connect(url, name="chakan-bench")
        print(durable(url))
        with engine.connect() as connection:
            # Nobody grows stale while the crowd grows.
            now = connection.execute(text("SELECT now()")).scalar_one()
        there = 0
        medians: dict[int, list[float]] = {}
        for size in sizes:
            began = time.perf_counter()
            populate(engine, there, size, now)
            copy_to(peer, engine)
            print(f"{size:,} positions, loaded in {time.perf_counter() - began:.0f} s")
            there = size
            asked = ask(engine, peer, rounds, questions, now)
            medians[size] = [statistics.median(ms for pair in asked for ms in pair[side]) for side in (0, 1)]
            lines += figures(size, asked)
            if size == JUDGED:
                lines += inside(engine, peer, rounds * questions, now)
                lines += decided(engine, rounds * questions // 3, now)
        lines.append(grown(medians))
        engine.dispose()
    return {"figures": lines}


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


def ask(engine: Engine, redis: Redis, rounds: int, questions: int, now: datetime) -> Asked:
    """Milliseconds of each question to us and to the peer, who are asked of each place in turn."""
    dice = random.Random(11)
    sessions = database.sessions(engine)
    with engine.connect() as connection:
        radius_km = radius(connection.execute(text("SELECT count(*) FROM last_position")).scalar_one())
    asked: Asked = []
    for _ in range(rounds + 1):
        ours: list[float] = []
        theirs: list[float] = []
        with sessions.begin() as session:
            for number in range(questions):
                place = anywhere(dice)
                told: dict[str, Any] = {
                    "org_path": SCOPE,
                    "heard_since": now - STALE,
                    "now": now,
                    "needs": NEEDS,
                    "limit": MOST,
                }
                pair = [
                    (ours, functools.partial(able.nearest, session, place, **told)),
                    (theirs, functools.partial(search, redis, place, radius_km)),
                ]
                for spent_ms, question in pair if number % 2 else reversed(pair):
                    began = time.perf_counter()
                    found = question()
                    spent_ms.append(1000 * (time.perf_counter() - began))
                    assert len(found) == MOST
        asked.append((ours, theirs))
    return asked[1:]  # the first round warms caches and plans


def anywhere(dice: random.Random) -> LonLat:
    """A place in the box, away from its edge."""
    return LonLat(WEST + WIDE * dice.uniform(0.05, 0.95), SOUTH + HIGH * dice.uniform(0.05, 0.95))


def radius(count: int) -> float:
    """The peer's radius, km. It holds about sixty: narrower misses, wider only costs it time."""
    return float((60 * 111.2 * WIDE * 85.0 * HIGH / count / 3.1416) ** 0.5)


def search(redis: Redis, place: LonLat, radius_km: float) -> list[Any]:
    """The peer's question."""
    found: Any = redis.geosearch(
        KEY, longitude=place.lon, latitude=place.lat, radius=radius_km, unit="km", sort="ASC", count=MOST,
        withdist=True,
    )  # fmt: skip
    return list(found)


def figures(size: int, asked: Asked) -> list[dict[str, Any]]:
    """Median and tail, and the median of the rounds' ratios of medians."""
    ours, theirs = (sorted(ms for one in side for ms in one) for side in zip(*asked, strict=True))
    ratio = statistics.median(statistics.median(one) / statistics.median(other) for one, other in asked)
    judged = size == JUDGED
    lines = [
        figure(f"20 nearest able of {size:,}, {told}", "ms", of(ours), peer=of(theirs), name=PEER)
        for told, of in (("p50", statistics.median), ("p99", lambda side: percentile(side, 99)))
    ]
    goal: dict[str, Any] = {"goal": 2, "holds": ratio <= 2} if judged else {}
    metric = f"20 nearest able of {size:,}, p50 ÷ GEOSEARCH, median of rounds"
    return [*lines, figure(metric, "×", ratio, peer=1.0, name=PEER, **goal)]


def inside(engine: Engine, redis: Redis, questions: int, now: datetime) -> list[dict[str, Any]]:
    """The database's own time of the question, planning included, without the way there and back; the peer's mean too."""
    dice, ours = random.Random(13), []
    places = [anywhere(dice) for _ in range(questions)]
    with engine.connect() as connection, closing(connection.connection.cursor()) as cursor:
        for place in places:
            asked = able.Asked(place, SCOPE, now - STALE, now, NEEDS, MOST)
            cursor.execute("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) " + able.ON_THE_MAP, asked.told())
            ((told,),) = (row[0] for row in cursor.fetchall())
            ours.append(told["Planning Time"] + told["Execution Time"])
            assert told["Plan"]["Actual Rows"] >= MOST
    before = spent(redis)
    for place in places:
        search(redis, place, radius(JUDGED))
    mean_ms = (spent(redis) - before) / 1000 / questions
    p50, p99 = statistics.median(ours), percentile(sorted(ours), 99)
    return [
        figure(f"20 nearest able of {JUDGED:,}, in the database, p50", "ms", p50, peer=mean_ms,
               name="GEOSEARCH in its server, mean"),
        figure(f"20 nearest able of {JUDGED:,}, in the database, p99", "ms", p99, goal=5, holds=p99 <= 5),
    ]  # fmt: skip


def decided(engine: Engine, questions: int, now: datetime) -> list[dict[str, Any]]:
    """The dispatcher's own question, all that his record tells of the first walk's people: in the database, and whole."""
    dice, inner, outer = random.Random(17), [], []
    habits = Habits({}, 1200.0, 8.0)
    with database.sessions(engine).begin() as session:
        for _ in range(questions):
            place = anywhere(dice)
            told = {
                "now": now,
                "today": candidates.start_of_day(now),
                "places": [place.ewkt()],
                "walk": WALKS[0],
            }
            plan = text("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) " + candidates.AROUND)
            (said,) = session.execute(plan, told).scalar_one()
            inner.append(said["Planning Time"] + said["Execution Time"])
            began = time.perf_counter()
            people = candidates.read_people(session, now, habits, around=[place], walk=WALKS[0])
            outer.append(1000 * (time.perf_counter() - began))
            assert len(people) == WALKS[0]
    p99 = percentile(sorted(inner), 99)
    name = f"{WALKS[0]} nearest with all a decision weighs, of {JUDGED:,}"
    return [
        figure(f"{name}, in the database, p50", "ms", statistics.median(inner)),
        figure(f"{name}, in the database, p99", "ms", p99, goal=5, holds=p99 <= 5),
        figure(f"{name}, in Python, p50", "ms", statistics.median(outer)),
    ]


def spent(redis: Redis) -> float:
    """Microseconds the peer's server has spent on such questions."""
    told: Any = redis.info("commandstats")
    return float(told.get("cmdstat_geosearch", {}).get("usec", 0))


def grown(medians: dict[int, list[float]]) -> dict[str, Any]:
    """How many times slower the largest is than the smallest, of ours and of the peer."""
    small, large = min(medians), max(medians)
    times, peer = (after / before for before, after in zip(medians[small], medians[large], strict=True))
    metric = f"{large:,} positions ÷ {small:,}, p50"
    return figure(metric, "×", times, peer=peer, name=PEER, goal=1.5, holds=times <= 1.5)


def figure(
    metric: str, unit: str, ours: float, *, peer: float | None = None, name: str = "none known",
    goal: float | None = None, holds: bool | None = None,
) -> dict[str, Any]:  # fmt: skip
    """One line of the result."""
    return {
        "metric": metric, "unit": unit, "ours": round(ours, 3), "peer": None if peer is None else round(peer, 3),
        "peer_name": name, "ratio": None if not peer else round(ours / peer, 2), "goal": goal, "holds": holds,
    }  # fmt: skip
