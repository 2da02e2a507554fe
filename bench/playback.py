"""Opening a day of the past: the picture of a moment, the day's bars, and the first ten minutes of what followed.

A day of a large branch: a thousand surveyors who report every half minute for twelve hours, two thousand jobs with all
versions of their rows. Measured through the API's own functions, database and encoding included, without the network.
"""

import statistics
import time
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

import claims.models  # noqa: F401  every table must be known, or the database cannot be emptied
import media.models  # noqa: F401
import notify.models  # noqa: F401
from api import packing
from bench.place import durable, fresh_database
from core import clock, database
from dispatch import past_queries, playback
from geo import store
from staff import organisations, service, shifts

SURVEYORS, JOBS, EVERY_S, HOURS = 1000, 2000, 30, 12
GOAL_S = 2.0

FIXES = """
INSERT INTO position (surveyor_id, device_id, fixed_at, received_at, lon, lat, accuracy_m, speed_mps, heading_deg, source)
SELECT s.id, 1, t.at + s.n * interval '20 milliseconds', t.at + s.n * interval '20 milliseconds' + interval '2 seconds',
       121.2 + (s.n % 40) * 0.012 + 0.004 * sin(extract(epoch FROM t.at) / 600 + s.n),
       31.0 + (s.n / 40) * 0.018 + 0.004 * cos(extract(epoch FROM t.at) / 600 + s.n), 8, 6, 90, 'phone'
  FROM generate_series(CAST(:start AS timestamptz), :end, make_interval(secs => :every_s)) AS t (at)
 CROSS JOIN (SELECT id, row_number() OVER (ORDER BY id) AS n FROM surveyor) AS s
"""
# The duties of the day begin before it, as in life.
ON_DUTY = """
UPDATE desk_past SET span = tstzrange(CAST(:start AS timestamptz) - interval '1 hour', NULL)
 WHERE kind = 'surveyor' AND upper_inf(span)
"""
CLAIMS = """
INSERT INTO claim (org_id, report_no, line, state, reported_at, reporter_phone, reporter_phone_typed, place, place_text, needs)
SELECT :org_id, 'D' || n, 'motor', 'open', CAST(:start AS timestamptz) + n * :apart, '0', '0',
       ST_SetSRID(ST_MakePoint(121.2 + (n % 50) * 0.01, 31.0 + (n / 50) * 0.01), 4326)::geography, '某路口', '{motor}'
  FROM generate_series(0, :jobs - 1) AS n
"""
TASKS = """
INSERT INTO task (claim_id, org_id, state, state_since, needs) SELECT id, org_id, 'pending', reported_at, '{motor}' FROM claim
"""
CLOCKS = """
INSERT INTO clock (claim_id, kind, start_event, start_at, limit_s, due_at)
SELECT id, kind, 'claim.reported', reported_at, 600, reported_at + interval '10 minutes'
  FROM claim CROSS JOIN unnest(ARRAY['dispatch', 'contact', 'arrival']) AS kind
"""
# Eight versions of a task and three of a clock, five minutes apart: an ordinary job takes forty minutes.
STEPS = """
INSERT INTO desk_past (kind, ref, owner, span, matters, body)
SELECT p.kind, p.ref, p.owner,
       tstzrange(c.reported_at + s.n * interval '5 minutes', c.reported_at + (s.n + 1) * interval '5 minutes'),
       p.kind = 'task', p.body || jsonb_build_object('state', s.state)
  FROM desk_past AS p
  JOIN claim AS c ON c.id = p.owner
  JOIN (VALUES ('task', 0, 'pending'), ('task', 1, 'offered'), ('task', 2, 'accepted'), ('task', 3, 'contacted'),
               ('task', 4, 'en_route'), ('task', 5, 'on_scene'), ('task', 6, 'on_scene'), ('task', 7, 'submitted'),
               ('clock', 0, 'running'), ('clock', 1, 'running'), ('clock', 2, 'met')) AS s (kind, n, state)
    ON s.kind = p.kind
 WHERE p.kind IN ('task', 'clock') AND upper_inf(p.span)
"""
# What the triggers wrote just now is the end of each story.
ENDS = """
UPDATE desk_past AS p SET span = CASE WHEN p.kind IN ('task', 'clock')
           THEN tstzrange(c.reported_at + interval '40 minutes', NULL) ELSE tstzrange(c.reported_at, NULL) END,
       body = CASE WHEN p.kind = 'task' THEN p.body || '{"state": "approved"}' ELSE p.body END,
       matters = false
  FROM claim AS c
 WHERE c.id = p.owner AND upper_inf(p.span) AND p.kind IN ('task', 'clock', 'claim')
"""


def main(quick: bool) -> dict[str, Any]:
    """Measures; `quick` lays a third of the day's positions."""
    with fresh_database() as url:
        engine = database.connect(url, pool_size=2, name="chakan-bench")
        sessions = database.sessions(engine)
        with sessions.begin() as session:
            session.execute(text("SET LOCAL statement_timeout = 0"))
            noon = lay(session, 1 if quick else 3)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as link:
            link.execute(text("VACUUM ANALYZE position"))
            link.execute(text("VACUUM ANALYZE desk_past"))
        print(durable(url))
        took = {name: [] for name in ("open", "picture", "chunk")}  # type: dict[str, list[float]]
        for turn in range(7):
            at = noon + timedelta(minutes=7 * turn)
            one, two, size = look(sessions, at)
            took["picture"].append(one)
            took["chunk"].append(two)
            took["open"].append(one + two)
        with sessions() as session:
            rows = session.execute(text("SELECT count(*) FROM position")).scalar_one()
            kept = session.execute(text("SELECT count(*) FROM desk_past")).scalar_one()
        engine.dispose()
    print(f"{rows:,} positions, {kept:,} versions; the last chunk has {size / 1e6:.2f} MB")
    return {
        "figures": [
            figure("opening a day, p50", statistics.median(took["open"]), GOAL_S),
            figure("opening a day, worst of 7", max(took["open"]), None),
            figure("the picture of a moment and the bars, p50", statistics.median(took["picture"]), None),
            figure("ten minutes of what followed, p50", statistics.median(took["chunk"]), None),
        ]
    }


def lay(session: Session, thirds: int) -> datetime:
    """The people, their day, and the jobs; returns a busy moment of it."""
    now = clock.read(session)
    start = (now - timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    root = organisations.add(session, None, "head", "HQ", "总公司")
    for n in range(SURVEYORS):
        new = service.NewPerson(f"s{n}", f"查勘{n}", ("surveyor",), skills=("motor",))
        who = service.add_person(session, root, new, by=None, now=now)
        session.flush()
        shifts.set_duty(session, who.id, True, now=now)
    session.flush()
    session.execute(text(ON_DUTY), {"start": start})
    store.ensure_partitions(session, now.date())
    noon = start + timedelta(hours=5)
    begun = noon - timedelta(hours=HOURS * thirds / 6)
    span = {"start": begun, "end": begun + timedelta(hours=HOURS * thirds / 3), "every_s": EVERY_S}
    session.execute(text(FIXES), span)
    apart = timedelta(hours=HOURS) / JOBS
    session.execute(text(CLAIMS), {"org_id": root.id, "start": start, "apart": apart, "jobs": JOBS})
    for statement in (TASKS, CLOCKS, STEPS, ENDS):
        session.execute(text(statement))
    return noon


def look(sessions: Any, at: datetime) -> tuple[float, float, int]:
    """What the page asks when it opens: seconds for the picture with the bars, for the first chunk, and its size."""
    begun = time.perf_counter()
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    with sessions.begin() as session:
        tasks = playback.tasks_then(session, "/", at)
        people = playback.surveyors_then(session, "/", at, max_accuracy_m=200)
        past_queries.day(session, "/", day, day + timedelta(days=1), 900)
    packing.encode({"tasks": tasks, "surveyors": people})
    assert len(people) == SURVEYORS and len(tasks) > 50
    assert sum(card["position"] is not None for card in people) == SURVEYORS
    shown = time.perf_counter()
    end = at + timedelta(minutes=10)
    with sessions.begin() as session:
        ids = [person.id for person in past_queries.people_then(session, "/", end)]
        moves = store.moves(session, ids, at, end, step_s=5, max_accuracy_m=200)
        turns = playback.turns(session, "/", at, end)
    told = packing.encode([(m.surveyor_id, m.received_at, m.lon, m.lat) for m in moves])
    told += packing.encode([turn.card for turn in turns])
    assert len(moves) > SURVEYORS * 15 and turns
    return shown - begun, time.perf_counter() - shown, len(told)


def figure(metric: str, ours_s: float, goal_s: float | None) -> dict[str, Any]:
    """One line of the result."""
    return {
        "metric": metric, "unit": "s", "ours": round(ours_s, 3), "peer": None, "peer_name": "none known",
        "ratio": None if goal_s is None else round(goal_s / max(ours_s, 1e-6), 2), "goal": goal_s,
        "holds": None if goal_s is None else ours_s <= goal_s,
    }  # fmt: skip
