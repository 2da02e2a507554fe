"""What works by itself, as the desk shows it."""

import os
import subprocess
from datetime import UTC, timedelta

import pytest
from sqlalchemy import text

import worker
from core import clock
from geo import service


def test_the_days_of_positions_are_shown_with_what_was_done_last(as_, session, sessions):
    service.chores(sessions)
    shown = as_("admin").get("/system").json
    today = clock.read(session).astimezone(UTC).date()
    days = shown["days"]
    assert days["last"] >= (today + timedelta(days=7)).isoformat() and days["ahead"] >= 7
    assert (days["missing"], days["made"], days["keep_days"]) == ([], 0, 90)
    assert days["size_bytes"] > 0 and days["done_at"] is not None
    assert (shown["parked"], shown["redis"]) == (0, "ok")


def test_a_day_that_is_lacking_is_named(as_, session):
    tomorrow = clock.read(session).astimezone(UTC).date() + timedelta(days=1)
    session.execute(text(f"DROP TABLE position_{tomorrow:%Y%m%d}"))
    session.commit()
    assert as_("supervisor").get("/system").json["days"]["missing"] == [tomorrow.isoformat()]


def test_a_sweeper_that_was_killed_is_forgotten_by_its_heir(session):
    gone, alive = subprocess.Popen(["true"]), os.getpid()
    gone.wait()
    for part in (f"here-{gone.pid}", f"here-{alive}", f"elsewhere-{gone.pid}"):
        session.execute(
            text("INSERT INTO heartbeat VALUES (:part, clock_timestamp(), '{}')"), {"part": f"sweeper-{part}"}
        )
    worker.bury(session, "here")
    left = session.scalars(text("SELECT part FROM heartbeat WHERE part LIKE 'sweeper%' ORDER BY part")).all()
    assert left == [f"sweeper-elsewhere-{gone.pid}", f"sweeper-here-{alive}"]


def test_a_sweeper_that_stopped_is_late(as_, session):
    beats = (
        "INSERT INTO heartbeat VALUES ('sweeper-a', clock_timestamp(), '{}'),"
        " ('sweeper-b', clock_timestamp() - interval '1 minute', '{}')"
    )
    session.execute(text(beats))
    session.commit()
    shown = as_("admin").get("/system").json["sweepers"]
    assert [(one["part"], one["late"]) for one in shown] == [("sweeper-a", False), ("sweeper-b", True)]


@pytest.mark.parametrize("role", ["seat", "dispatcher", "surveyor", "adjuster", "integration"])
def test_it_is_for_who_runs_the_site(as_, role):
    assert as_(role).get("/system").status_code == 403
