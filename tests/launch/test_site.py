"""A data folder: one holder at a time, private secrets, real engines that keep personal data out of their logs."""

import os
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from launch import account, engines, postgres, redis, site
from launch.account import Account, socket_folder
from launch.board import Board
from launch.errors import CannotStart
from launch.places import Places, write_json

SUPERUSER = "postgres"
PASSWORD = "of the tests"


@pytest.fixture
def running(
    places: Places, programs: postgres.Programs, engine_account: Account | None
) -> Iterator[postgres.Cluster]:
    """A private cluster made and started as `chakan up` does it; its log is `data/log/postgres.log`."""
    cluster = postgres.Cluster.at(programs, places.data, engine_account)
    cluster.create(PASSWORD, places.log / "initdb.log")
    cluster.configure()
    drop = engine_account.drop() if engine_account else {}
    with (places.log / "postgres.log").open("wb") as log:
        process = subprocess.Popen(
            cluster.command(), stdout=log, stderr=log, env=cluster.env, cwd="/", **drop
        )
        try:
            url = cluster.url(SUPERUSER, PASSWORD, "postgres")
            limit = time.monotonic() + 30
            while not site.reachable(url):
                assert process.poll() is None, (places.log / "postgres.log").read_text()
                assert time.monotonic() < limit
                time.sleep(0.05)
            yield cluster
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(10) == 0


def link(cluster: postgres.Cluster) -> "psycopg2.extensions.connection":
    """A connection as the superuser."""
    return psycopg2.connect(site.dsn(cluster.url(SUPERUSER, PASSWORD, "postgres")))


def test_a_private_cluster_has_postgis_listens_only_on_its_socket_and_syncs_to_disk(
    running: postgres.Cluster,
) -> None:
    connection = link(running)
    with connection, connection.cursor() as cursor:
        cursor.execute("CREATE EXTENSION postgis")
        cursor.execute(
            "SELECT ST_Distance('SRID=4326;POINT(116 40)'::geography, 'SRID=4326;POINT(116 41)'::geography)"
        )
        assert 110_000 < cursor.fetchone()[0] < 112_000
        shown = {}
        for name in (
            "listen_addresses",
            "fsync",
            "full_page_writes",
            "data_checksums",
            "password_encryption",
            "jit",
        ):
            cursor.execute(f"SHOW {name}")
            shown[name] = cursor.fetchone()[0]
    connection.close()
    assert shown == {
        "listen_addresses": "",
        "fsync": "on",
        "full_page_writes": "on",
        "data_checksums": "on",
        "password_encryption": "scram-sha-256",
        "jit": "off",
    }
    assert stat.S_IMODE(running.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(running.sockets.stat().st_mode) == 0o700


def test_a_wrong_password_is_said_plainly_and_never_shown(running: postgres.Cluster) -> None:
    with pytest.raises(CannotStart) as refused:
        site.reachable(running.url(SUPERUSER, "secret-guess", "postgres"))
    assert "refuses the password" in str(refused.value)
    assert "secret-guess" not in str(refused.value)


def test_personal_data_of_failed_statements_stays_out_of_the_log(
    running: postgres.Cluster, places: Places
) -> None:
    connection = link(running)
    with connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE person (phone text UNIQUE, age integer CHECK (age > 0))")
        cursor.execute("INSERT INTO person VALUES ('13800001234', 1)")
    for statement in (
        "INSERT INTO person VALUES ('13800001234', 2)",
        "INSERT INTO person VALUES ('13900005678', -1)",
    ):
        with pytest.raises(psycopg2.IntegrityError), connection, connection.cursor() as cursor:
            cursor.execute(statement)
    connection.close()
    log = (places.log / "postgres.log").read_text(encoding="utf-8")
    assert "duplicate key value" in log and "violates check constraint" in log
    assert "1380000" not in log and "1390000" not in log


def test_an_interrupted_making_of_the_cluster_can_be_repeated(
    places: Places, programs: postgres.Programs, engine_account: Account | None
) -> None:
    cluster = postgres.Cluster.at(programs, places.data, engine_account)
    half = places.data / "postgres.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("99\n", encoding="utf-8")
    cluster.create(PASSWORD, places.log / "initdb.log")
    assert postgres.version_of(places.data) == programs.version
    assert not half.exists() and not (places.data / "postgres.secret").exists()


def test_a_cluster_of_a_version_that_is_not_here_is_not_touched_and_the_way_out_is_named(
    places: Places,
) -> None:
    (places.data / "postgres").mkdir()
    (places.data / "postgres" / "PG_VERSION").write_text("13\n", encoding="utf-8")
    with pytest.raises(CannotStart, match="PostgreSQL 13 cluster"):
        engines._postgis(["postgresql-15-postgis-3", "postgresql-17-postgis-3"], 13)
    assert engines._postgis(
        ["postgresql-15-postgis-3", "postgresql-17-postgis-3", "postgresql-17"], None
    ).startswith("postgresql-17")


def test_a_long_path_gets_a_short_socket_folder_that_nobody_else_prepared(
    tmp_path: Path, engine_account: Account | None
) -> None:
    home = tmp_path / ("deep" * 30)
    home.mkdir()
    folder = socket_folder(home, engine_account)
    try:
        assert str(folder).startswith("/tmp/chakan-") and stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert socket_folder(home, engine_account) == folder
        folder.chmod(0o777)
        with pytest.raises(CannotStart, match="not ours"):
            socket_folder(home, engine_account)
    finally:
        shutil.rmtree(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root drops privileges")
def test_a_data_folder_the_account_cannot_enter_sends_the_database_elsewhere(tmp_path: Path) -> None:
    shut = tmp_path / "shut"
    shut.mkdir(mode=0o700)
    (shut / "data").mkdir()
    who = account.unprivileged()
    assert who is not None and who.uid != 0
    home = account.engines_home(shut / "data", who)
    try:
        assert home.parent == Path("/var/lib") and who.may_enter(home)
    finally:
        home.rmdir()


def test_redis_wants_its_password_and_keeps_what_it_was_told(
    places: Places, engine_account: Account | None
) -> None:
    server = redis.Redis(engines.redis_program(), places.data, engine_account, redis.free_port(), "pass-word")
    server.configure()
    assert "pass-word" not in " ".join(server.command())
    drop = engine_account.drop() if engine_account else {}

    def started() -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(
            server.command(), stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT, **drop
        )
        limit = time.monotonic() + 10
        while not server.answers() and time.monotonic() < limit:
            time.sleep(0.02)
        assert server.answers()
        return process

    import redis as client

    for expected in (None, b"kept"):
        process = started()
        with client.Redis.from_url(server.url) as known:
            assert known.get("word") == expected
            known.set("word", "kept")
        with client.Redis(port=server.port) as stranger, pytest.raises(client.AuthenticationError):
            stranger.get("word")
        process.terminate()
        assert process.wait(10) == 0


def test_a_data_folder_is_held_once_and_the_second_is_told_where_the_first_runs(places: Places) -> None:
    with site.held(places):
        with pytest.raises(CannotStart, match=rf"kill {os.getpid()}$"), site.held(places):
            pytest.fail("two held the same folder")  # a bench holds it too, and writes no state
        write_json(
            places.state, {"pid": 4711, "url": "http://127.0.0.1:8000", "environment": {"CHAKAN_X": "1"}}
        )
        assert site.saved_environment(places) == {"CHAKAN_X": "1"}
        with (
            pytest.raises(CannotStart, match=r"already runs .*4711.*http://127\.0\.0\.1:8000"),
            site.held(places),
        ):
            pytest.fail("two held the same folder")
    assert not places.state.exists()
    with site.held(places):
        pass


def test_a_state_left_behind_by_a_crash_is_not_taken_for_a_running_instance(places: Places) -> None:
    places.lock.touch()
    write_json(places.state, {"pid": 1, "environment": {"CHAKAN_X": "1"}})
    assert site.saved_environment(places) == {}


def test_secrets_are_made_once_are_private_and_are_missed_when_they_are_lost(places: Places) -> None:
    first = site._secrets(places, places.data)
    assert stat.S_IMODE(places.secrets.stat().st_mode) == 0o600
    assert site._secrets(places, places.data) == first
    assert all(len(value) >= 43 for value in first.values()) and len(set(first.values())) == len(first)
    (places.data / "postgres").mkdir()
    (places.data / "postgres" / "PG_VERSION").write_text("15\n", encoding="utf-8")
    places.secrets.unlink()
    with pytest.raises(CannotStart, match=r"secrets\.json is gone"):
        site._secrets(places, places.data)


def test_engines_named_by_the_environment_are_used_and_none_is_made(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAKAN_DATABASE_URL", "postgres://me:word@db.example:5432/chakan")
    monkeypatch.setenv("CHAKAN_REDIS_URL", "redis://cache.example/0")
    with Board() as board:
        found = site.open_site(places, board)
    assert found.programs() == []
    assert found.database_url == "postgresql+psycopg2://me:word@db.example:5432/chakan"
    assert site.without_password(found.database_url) == "postgresql+psycopg2://db.example:5432/chakan"
    assert not (places.data / "postgres").exists()


def test_a_private_site_never_takes_the_database_of_the_environment(
    places: Places, programs: postgres.Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAKAN_DATABASE_URL", "postgresql://real:word@db.example/insurer")
    monkeypatch.setenv("CHAKAN_REDIS_URL", "redis://real.example/0")
    with Board() as board:
        found = site.open_site(places, board, private=True)
    assert "example" not in found.database_url + found.redis_url
    assert [program.name for program in found.programs()] == ["postgres", "redis"]
