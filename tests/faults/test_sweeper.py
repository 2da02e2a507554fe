"""P3, P4: the sweeper as a real process. Several copies, killed, frozen, without Redis: no deadline lost, none fired twice."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from core import parent
from tests import factories

ROOT = Path(__file__).parent.parent.parent
NOWHERE = "redis://127.0.0.1:1/0"

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120)]


@pytest.fixture
def sweepers(database_url, redis_url, redis, tmp_path):
    """`start(redis_url=…)` runs `worker.py sweep`; everything it started is killed afterwards, by its own id."""
    started = []

    def start(redis=redis_url):
        env = os.environ | {
            "CHAKAN_DATABASE_URL": database_url, "CHAKAN_REDIS_URL": redis, "CHAKAN_SECRET_KEY": "tests only",
            "CHAKAN_DATA": str(tmp_path), "PYTHONPATH": str(ROOT),
        }  # fmt: skip
        log = (tmp_path / f"sweeper-{len(started)}.log").open("wb")
        process = subprocess.Popen(
            parent.tied([sys.executable, "-m", "worker", "sweep"]),
            cwd=ROOT,
            env=env,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        started.append((process, log))
        return process

    yield start
    for process, log in started:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGCONT)
            process.kill()
        process.wait(timeout=10)
        log.close()


def ask(sessions, sql, **args):
    with sessions.begin() as session:
        return session.execute(text(sql), args).scalar_one()


def wait_for(what, seconds):
    """Waits until `what()` is true; returns how long it took."""
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        if what():
            return time.monotonic() - begun
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s")


def awake(sessions, copies=1):
    wait_for(
        lambda: (
            ask(sessions, "SELECT count(*) FROM heartbeat WHERE beat_at > now() - interval '5 s'") >= copies
        ),
        30,
    )


def offered(sessions):
    return ask(sessions, "SELECT count(*) FROM offer")


def test_a_report_is_offered_as_soon_as_it_is_committed(session, sessions, sweepers):
    sweepers()
    awake(sessions)
    factories.surveyor(session)
    factories.claim(session)
    wait_for(lambda: offered(sessions) == 1, 5)
    waited_s = ask(
        sessions,
        "SELECT extract(epoch FROM o.made_at - c.created_at) FROM offer AS o JOIN task AS t ON t.id = o.task_id"
        " JOIN claim AS c ON c.id = t.claim_id",
    )
    # How fast is the bench's to say (bench/dispatch.py); here only that nobody had to come and ask.
    assert 0 <= waited_s < 5


@pytest.mark.parametrize("end", ["refused", "flushed"])
def test_dispatch_and_clocks_go_on_without_redis(session, sessions, sweepers, redis, end):
    sweepers(NOWHERE if end == "refused" else redis_of(redis))
    awake(sessions)
    factories.surveyor(session)
    claim = factories.claim(session)
    if end == "flushed":
        redis.flushdb()  # its own database number: FLUSHALL would also empty those of other test processes
    wait_for(lambda: offered(sessions) == 1, 10)
    with sessions.begin() as s:
        s.execute(text("UPDATE offer SET expires_at = clock_timestamp()"))
        s.execute(text("UPDATE escalation SET due_at = clock_timestamp() WHERE stage = 'warn_1'"))
        s.execute(
            text("UPDATE last_position SET fixed_at = clock_timestamp(), received_at = clock_timestamp()")
        )
    wait_for(lambda: ask(sessions, "SELECT count(*) FROM offer WHERE state = 'expired'") == 1, 10)
    wait_for(lambda: ask(sessions, "SELECT count(*) FROM escalation WHERE state = 'fired'") == 1, 10)
    assert factories.task_of(session, claim).state in ("pending", "offered")


def redis_of(client):
    given = client.connection_pool.connection_kwargs
    return f"redis://{given['host']}:{given['port']}/{given['db']}"


def overdue(session, claims):
    """Makes every rung of `claims` new claims an hour overdue, as after an outage of an hour."""
    for _ in range(claims):
        factories.claim(session)
    session.execute(
        text("UPDATE clock SET start_at = start_at - interval '1 hour', due_at = due_at - interval '1 hour'")
    )
    session.execute(text("UPDATE escalation SET due_at = due_at - interval '1 hour'"))
    session.commit()


FIRED = """
SELECT count(*) FROM claim_event WHERE kind IN ('clock.warned', 'clock.breached')
"""
TWICE = """
SELECT count(*) FROM (SELECT FROM claim_event WHERE kind IN ('clock.warned', 'clock.breached')
                       GROUP BY claim_id, facts->>'clock', facts->>'stage' HAVING count(*) > 1) AS x
"""
WRONG_TIME = """
SELECT count(*) FROM escalation AS e JOIN clock AS k ON k.id = e.clock_id
 WHERE e.stage = 'breach' AND (k.breached_at IS DISTINCT FROM k.due_at OR e.due_at <> k.due_at)
"""


def test_after_an_hour_of_outage_everything_overdue_fires_once_with_its_true_time(
    session, sessions, sweepers
):
    overdue(session, 60)
    began = time.monotonic()
    for _ in range(3):
        sweepers()
    wait_for(lambda: ask(sessions, "SELECT count(*) FROM escalation WHERE state = 'waiting'") == 0, 30)
    print(
        f"\n{ask(sessions, FIRED)} rungs fired in {time.monotonic() - began:.1f} s, three sweepers starting cold"
    )
    assert ask(sessions, FIRED) == 60 * 6
    assert ask(sessions, TWICE) == 0
    assert ask(sessions, WRONG_TIME) == 0


def test_a_killed_sweeper_is_no_loss_while_another_lives(session, sessions, sweepers):
    first, second = sweepers(), sweepers()
    awake(sessions, 2)
    for _ in range(6):
        factories.surveyor(session)
    for i in range(6):
        factories.claim(session)
        if i == 2:
            os.kill(first.pid, signal.SIGKILL)
    took = wait_for(lambda: offered(sessions) == 6, 15)
    assert second.poll() is None
    assert took < 15
    assert (
        ask(sessions, "SELECT count(*) FROM (SELECT FROM offer GROUP BY task_id HAVING count(*) > 1) AS x")
        == 0
    )


def test_a_sweeper_killed_at_work_leaves_nothing_half_done(session, sessions, sweepers):
    overdue(session, 40)
    victim = sweepers()
    wait_for(lambda: ask(sessions, FIRED) > 0, 30)
    os.kill(victim.pid, signal.SIGKILL)
    victim.wait(timeout=10)
    sweepers()
    wait_for(lambda: ask(sessions, "SELECT count(*) FROM escalation WHERE state = 'waiting'") == 0, 30)
    assert (ask(sessions, FIRED), ask(sessions, TWICE), ask(sessions, WRONG_TIME)) == (40 * 6, 0, 0)


def test_a_frozen_sweeper_wakes_up_to_work_already_done(session, sessions, sweepers):
    frozen, other = sweepers(), sweepers()
    awake(sessions, 2)
    os.kill(frozen.pid, signal.SIGSTOP)
    factories.surveyor(session)
    overdue(session, 3)
    wait_for(lambda: ask(sessions, FIRED) == 18, 20)
    os.kill(frozen.pid, signal.SIGCONT)
    time.sleep(2)
    assert ask(sessions, FIRED) == 18
    assert offered(sessions) == 1
    assert frozen.poll() is None and other.poll() is None


def test_a_backend_killed_in_the_middle_of_dispatch_costs_a_moment(session, sessions, sweepers):
    sweepers()
    awake(sessions)
    for _ in range(4):
        factories.surveyor(session)
    for _ in range(4):
        factories.claim(session)
        with sessions.begin() as s:
            s.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name = 'chakan-sweep' AND datname = current_database()"
                )
            ).all()
    assert wait_for(lambda: offered(sessions) == 4, 15) < 15
    assert ask(sessions, "SELECT count(*) FROM task WHERE state = 'offered'") == 4


def test_a_burst_of_reports_is_taken_whole_and_each_has_its_place(session, sessions, sweepers):
    sweepers()
    awake(sessions)
    for i in range(20):
        factories.surveyor(session, lon=factories.LON + i * 0.002)
    by = factories.actor(session, factories.person(session))
    session.commit()
    for _ in range(60):
        factories.claim(session, by=by)
    states = "SELECT count(*) FROM task WHERE state = ANY(:states)"
    wait_for(lambda: ask(sessions, states, states=["pending"]) == 0, 30)
    assert ask(sessions, states, states=["offered"]) == 20
    assert ask(sessions, states, states=["unassigned"]) == 40
    oldest = ask(
        sessions,
        "SELECT max(x.n) FROM (SELECT t.state, row_number() OVER (ORDER BY t.created_at) AS n FROM task AS t) AS x"
        " WHERE x.state = 'offered'",
    )
    assert (
        oldest <= 25
    )  # the first come are the first asked, give or take who was being opened at the same moment
