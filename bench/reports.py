"""The supervisors' figures over 10,000 claims, on a day like any other and on the day a system is filled.

On that day the planner last counted while the tables were empty, and believes it. The bench makes that day: rows are
written, deleted and counted as none, then written again with nobody to count them.
"""

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, text
from sqlalchemy.orm import Session

from bench.place import durable, fresh_database
from core import database
from dispatch import reports

CLAIMS, SURVEYORS, BRANCHES = 10_000, 1_000, 40
END = datetime(2026, 11, 22, 8, tzinfo=UTC)
START = END - timedelta(days=30)
SCOPE = "/1/"
TABLES = ("clock", "assignment", "offer", "task", "claim", "surveyor", "person", "organisation")

# With foreign keys and triggers asleep: how a claim comes to be is not what is measured here.
FILL = (
    "SET LOCAL session_replication_role = replica",
    """
    INSERT INTO organisation (id, kind, code, name, path)
    SELECT n, CASE n WHEN 1 THEN 'head' ELSE 'branch' END, 'B' || n, '机构' || n,
           CASE n WHEN 1 THEN '/1/' ELSE '/1/' || n || '/' END
      FROM generate_series(1, :branches) AS n
    """,
    """
    INSERT INTO person (id, org_id, username, name, roles)
    SELECT n, 1 + n % :branches, 'u' || n, '查勘员', '{surveyor}' FROM generate_series(1, :surveyors) AS n
    """,
    "INSERT INTO surveyor (id, org_id, skills) SELECT id, org_id, '{motor}' FROM person",
    """
    INSERT INTO claim (id, org_id, report_no, line, reported_at, created_at, reporter_name, reporter_phone,
                       reporter_phone_typed, place_text, needs, state, closed_at)
    SELECT n, 1 + n % :branches, 'R' || n, 'motor', at, at, '王', '+8613800138000', '', '', '{motor}',
           CASE n % 5 WHEN 0 THEN 'surveying' ELSE 'approved' END, at + interval '3 hours'
      FROM (SELECT n, :end - random() * interval '20 days' AS at FROM generate_series(1, :claims) AS n) AS x
    """,
    """
    INSERT INTO task (id, claim_id, org_id, state, state_since, needs)
    SELECT id, id, org_id, 'accepted', reported_at, needs FROM claim
    """,
    """
    INSERT INTO offer (id, task_id, surveyor_id, state, made_at, expires_at, settled_at, round, rank, distance_m, eta_s)
    SELECT id * 2 + k, id, 1 + (id * 7 + k) % :surveyors, CASE k WHEN 1 THEN 'accepted' ELSE 'expired' END,
           reported_at + k * interval '1 minute', reported_at + interval '3 minutes', reported_at + interval '2 minutes',
           1, 1, 0, 0
      FROM claim, generate_series(0, 1) AS k
    """,
    """
    INSERT INTO assignment (id, task_id, surveyor_id, accepted_at, contacted_at, arrived_at, completed_at, ended_at, end_reason)
    SELECT id, id, 1 + (id * 7 + 1) % :surveyors, reported_at + interval '2 minutes', reported_at + interval '6 minutes',
           reported_at + interval '25 minutes', reported_at + interval '1 hour', closed_at, 'done'
      FROM claim
    """,
    """
    INSERT INTO clock (id, claim_id, kind, start_event, limit_s, start_at, due_at, state, stopped_at, stop_event)
    SELECT id * 4 + k, id, (ARRAY['dispatch', 'contact', 'arrival', 'assessment'])[k + 1], 'reported', 1800, reported_at,
           reported_at + interval '30 minutes', 'met', reported_at + interval '10 minutes', 'done'
      FROM claim, generate_series(0, 3) AS k
    """,
)


def main(quick: bool) -> dict[str, Any]:
    """Measures both days; `quick` asks seven times instead of 25 and ends within 50 s."""
    lines: list[dict[str, Any]] = []
    with fresh_database(superuser=True) as url:
        engine = database.connect(url, name="chakan-bench")
        print(durable(url))
        with engine.begin() as connection:
            for table in TABLES:  # nobody comes to count meanwhile
                connection.execute(text(f"ALTER TABLE {table} SET (autovacuum_enabled = false)"))
            unbelieved(connection, CLAIMS)
        lines += measured(engine, "on the day of filling", 7 if quick else 25)
        with engine.begin() as connection:
            count(connection)
        lines += measured(engine, "counted", 7 if quick else 25)
        engine.dispose()
    return {"figures": lines}


def unbelieved(connection: Connection, claims: int) -> None:
    """Claims and all that hangs on them, in tables the planner takes for empty though they have pages."""
    fill(connection, claims)
    for table in TABLES:
        connection.execute(text(f"DELETE FROM {table}"))
    count(connection)
    fill(connection, claims)
    connection.execute(text("SET LOCAL session_replication_role = origin"))


def fill(connection: Connection, claims: int) -> None:
    """So many claims, each asked twice, surveyed and mostly approved, with its four clocks."""
    sizes = {"claims": claims, "surveyors": SURVEYORS, "branches": BRANCHES, "end": END}
    for statement in FILL:
        connection.execute(text(statement), {name: sizes[name] for name in sizes if f":{name}" in statement})


def count(connection: Connection) -> None:
    """Tells the planner how much there is."""
    connection.execute(text(f"ANALYZE {', '.join(TABLES)}"))


def measured(engine: Engine, day: str, times: int) -> list[dict[str, Any]]:
    """Seconds of each report, asked in turns; the first turn warms the caches."""
    asked: dict[str, Callable[[Session], object]] = {
        "legs by day": lambda session: reports.legs(session, SCOPE, START, END, "day"),
        "people": lambda session: reports.people(session, SCOPE, START, END),
    }
    took: dict[str, list[float]] = {name: [] for name in asked}
    for _ in range(times + 1):
        for name, ask in asked.items():
            with Session(engine) as session:
                began = time.perf_counter()
                assert ask(session)
                took[name].append(time.perf_counter() - began)
    return [
        figure(f"{name}, {CLAIMS:,} claims, {day}, p50", statistics.median(s[1:])) for name, s in took.items()
    ]


def figure(metric: str, seconds: float) -> dict[str, Any]:
    """One line of the result."""
    return {
        "metric": metric, "unit": "s", "ours": round(seconds, 3), "peer": None, "peer_name": "none known", "ratio": None,
        "goal": 2, "holds": seconds <= 2,
    }  # fmt: skip
