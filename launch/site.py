"""One data folder: its secrets, its lock, its database engines."""

import fcntl
import os
import secrets
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from launch import engines, redis
from launch.board import Board
from launch.errors import CannotStart
from launch.places import Places, read_json, write_json
from launch.postgres import SUPERUSER, Cluster
from launch.supervise import Program, Supervisor

NAMES = ("secret_key", "superuser", "database", "redis")
ENGINES_READY_S = 60.0  # a crashed database reads its journal first


@dataclass(frozen=True)
class Site:
    """The engines of a data folder; `cluster` and `redis` are None where the person named his own."""

    places: Places
    cluster: Cluster | None
    redis: redis.Redis | None
    database_url: str
    redis_url: str
    secrets: dict[str, str]

    def programs(self) -> list[Program]:
        """The engines to supervise."""
        found = []
        if self.cluster:
            c = self.cluster
            command, drop = c.command(), c.account
            found.append(Program("postgres", command, c.env, Path("/"), drop, signal.SIGINT, engine=True))
        if self.redis:
            r = self.redis
            env = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"}
            found.append(Program("redis", r.command(), env, r.folder, r.account, engine=True))
        return found

    def answers(self) -> bool:
        """Whether both engines take requests. A Redis of the person's own may come later: nothing depends on it."""
        return reachable(self._knock()) and (self.redis is None or self.redis.answers())

    def _knock(self) -> str:
        if self.cluster is None:
            return self.database_url
        return self.cluster.url(SUPERUSER, self.secrets["superuser"], "postgres")


def open_site(places: Places, board: Board, *, test: bool = False, private: bool = False) -> Site:
    """Finds or makes everything the engines need, short of starting them.

    `private` never looks at CHAKAN_DATABASE_URL: a bench that wipes its database must not find a real one there.
    """
    home, account = engines.home_of(places)
    if home != places.data and account:
        board.say(f"  The database lies in {home}: the account {account.name} cannot enter {places.data}")
    known = _secrets(places, home)
    prefix = "CHAKAN_TEST_" if test else "CHAKAN_"
    database_url = "" if private else os.environ.get(f"{prefix}DATABASE_URL", "")
    redis_url = "" if private else os.environ.get(f"{prefix}REDIS_URL", "")
    site = Site(places, None, None, _with_driver(database_url), redis_url, known)
    if not database_url:
        programs = engines.ensure_postgres(places, board)
        cluster = Cluster.at(programs, home, account, port=redis.free_port() if test else 0, fast=test)
        cluster.create(known["superuser"], places.log / "initdb.log")
        cluster.configure()
        own = SUPERUSER, known["superuser"], "postgres"
        ours = "chakan", known["database"], "chakan"
        site = replace(site, cluster=cluster, database_url=cluster.url(*(own if test else ours)))
    if not redis_url:
        server = redis.Redis(
            engines.redis_program(), home, account, redis.free_port(), known["redis"], durable=not test
        )
        server.configure()
        site = replace(site, redis=server, redis_url=server.url)
    return site


def start_engines(supervisor: Supervisor, site: Site) -> None:
    """Starts the engines and waits until they answer. Raises CannotStart with their last words."""
    for program in site.programs():
        supervisor.start(program)
    began = time.monotonic()
    patience_s = float(os.environ.get("CHAKAN_ENGINES_READY_S") or ENGINES_READY_S)
    if supervisor.run_until(site.answers, patience_s) or supervisor.stopping():
        return
    silent = [c for c in supervisor.children.values() if c.program.engine and c.said]
    words = "\n".join(f"    {c.program.name}: {line}" for c in silent for line in list(c.said)[-4:])
    named = f"The database at {without_password(site.database_url)} does"
    what = "The database engines do" if site.cluster else named
    waited_s = time.monotonic() - began
    raise CannotStart(f"{what} not answer after {waited_s:.0f} s.\n{words}\n  Logs: {site.places.log}")


def prepare_database(site: Site) -> None:
    """Makes the role, the database and its extensions in a private cluster, once."""
    done = read_json(site.places.prepared)
    if site.cluster is None or done.get("cluster"):
        return
    import psycopg2
    from psycopg2 import sql

    name, password = sql.Identifier("chakan"), sql.Literal(site.secrets["database"])
    with _superuser(site, "postgres") as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = 'chakan'")
        verb = sql.SQL("ALTER" if cursor.fetchone() else "CREATE")
        cursor.execute(sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(verb, name, password))
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = 'chakan'")
        if not cursor.fetchone():
            cursor.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, name))
        cursor.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
    with _superuser(site, "chakan") as cursor:
        try:
            cursor.execute(
                "CREATE EXTENSION IF NOT EXISTS postgis; CREATE EXTENSION IF NOT EXISTS btree_gist"
            )
        except psycopg2.Error as error:
            raise CannotStart(f"PostGIS cannot be loaded: {str(error).strip()}") from error
    write_json(site.places.prepared, done | {"cluster": True})


@contextmanager
def _superuser(site: Site, database: str) -> Iterator[Any]:
    import psycopg2

    assert site.cluster is not None  # noqa: S101  callers have looked
    link = psycopg2.connect(
        dsn(site.cluster.url(SUPERUSER, site.secrets["superuser"], database)), connect_timeout=5
    )
    try:
        link.autocommit = True
        with link.cursor() as cursor:
            yield cursor
    finally:
        link.close()


def reachable(url: str) -> bool:
    """Whether the database takes a connection."""
    import psycopg2

    try:
        psycopg2.connect(dsn(url), connect_timeout=2).close()
    except psycopg2.OperationalError as error:
        if "password authentication failed" in str(error):
            raise CannotStart(
                f"The database at {without_password(url)} refuses the password. If secrets.json was lost, "
                "put it back from your backup, or start with another --data folder."
            ) from error
        return False
    return True


def dsn(url: str) -> str:
    """The URL as libpq understands it."""
    scheme, rest = url.split("://", 1)
    return f"{scheme.split('+')[0]}://{rest}"


def _with_driver(url: str) -> str:
    """Names the driver: SQLAlchemy 2.1 would take psycopg 3 for a bare postgresql://, which is not installed."""
    scheme, mark, rest = url.partition("://")
    return f"postgresql+psycopg2://{rest}" if mark and scheme in ("postgres", "postgresql") else url


def without_password(url: str) -> str:
    """The URL as it may be shown."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def _secrets(places: Places, home: Path) -> dict[str, str]:
    """The generated passwords; made once, never logged."""
    known = {name: str(value) for name, value in read_json(places.secrets).items()}
    if missing := [name for name in NAMES if name not in known]:
        if (home / "postgres" / "PG_VERSION").exists():
            raise CannotStart(f"{places.secrets} is gone or incomplete, and the database in {home} needs it.")
        known |= {name: secrets.token_urlsafe(32) for name in missing}
        write_json(places.secrets, dict(known))
    return known


@contextmanager
def held(places: Places) -> Iterator[None]:
    """Keeps the data folder for this process; the kernel lets go of it however we end. Raises CannotStart."""
    with places.lock.open("a+") as lock:
        lock.seek(0)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            state = read_json(places.state)
            where = f" at {state['url']}" if state.get("url") else ""
            # A bench or a test run holds the folder too, and writes no state.
            pid = state.get("pid") or lock.read().strip() or "?"
            raise CannotStart(
                f"Chakan already runs on {places.data} (process {pid}){where}.\n"
                f"  Stop it with Ctrl-C where it runs, or: kill {pid}"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        try:
            yield
        finally:
            places.state.unlink(missing_ok=True)


def saved_environment(places: Places) -> dict[str, str]:
    """The CHAKAN_ variables of the instance that runs on this data folder; empty when none does."""
    state = read_json(places.state)
    if not _held(places):
        return {}
    return {str(name): str(value) for name, value in state.get("environment", {}).items()}


def _held(places: Places) -> bool:
    if not places.lock.exists():
        return False
    with places.lock.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
