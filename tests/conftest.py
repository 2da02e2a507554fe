"""One real database and one real Redis for each test process; every test starts from empty tables."""

import os
import secrets
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from redis import Redis
from sqlalchemy import Connection, Engine, create_engine, make_url, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from core import database, parent
from core.database import Base, Sessions
from core.settings import Settings
from tests import factories

# Of a test run that is killed nothing stays behind: not this process, nor the site it started (tests/site.py).
if "PYTEST_XDIST_WORKER" in os.environ:
    parent.end_with(os.getppid())

# How long an example takes says more about the other processes of the machine than about the code.
hypothesis.settings.register_profile("chakan", deadline=None)
hypothesis.settings.load_profile("chakan")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Who runs what where the tests run in several processes."""
    from tests.shares import Shares

    return Shares(config, log) if config.getvalue("dist") == "loadgroup" else None


def worker_number() -> int:
    """0 without xdist, 1… with it."""
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw-1").removeprefix("gw")) + 1


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    """A migrated database of this test process alone, dropped at the end."""
    given = os.environ.get("CHAKAN_TEST_DATABASE_URL")
    if not given:
        pytest.exit("run the tests with ./chakan test, or set CHAKAN_TEST_DATABASE_URL", returncode=2)
    name = f"chakan_test_{worker_number()}_{secrets.token_hex(4)}"
    server = create_engine(given, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    url = make_url(given).set(database=name).render_as_string(hide_password=False)
    database.upgrade(url)
    yield url
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@pytest.fixture(scope="session")
def redis_url() -> str:
    """A Redis database number of this test process alone."""
    given = os.environ.get("CHAKAN_TEST_REDIS_URL")
    if not given:
        pytest.exit("run the tests with ./chakan test, or set CHAKAN_TEST_REDIS_URL", returncode=2)
    number = int(os.environ.get("CHAKAN_TEST_REDIS_DB", worker_number()))
    return f"{given.rsplit('/', 1)[0]}/{number}"


@pytest.fixture(scope="session")
def real_engine(database_url: str) -> Iterator[Engine]:
    """The engine of this test process."""
    engine = database.connect(database_url, pool_size=40, name="chakan-test")
    yield engine
    engine.dispose()


# Emptying the few tables a test wrote to takes a tenth of the time that truncating all of them takes, but leaves dead rows
# behind; beyond so many bytes the tables are cut to nothing.
BLOATED = 2 << 20


def every_table() -> list[str]:
    """All tables, whom others point at first."""
    return [t.name for t in Base.metadata.sorted_tables]


@contextmanager
def unheard(engine: Engine) -> Iterator[Connection]:
    """A transaction in which no trigger speaks."""
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        yield connection


def wipe(engine: Engine) -> None:
    """Empties every table; triggers sleep meanwhile because the audit refuses to forget."""
    # A sweeper of a running site may hold rows while we ask for whole tables: one of the two is sent away and comes again.
    for attempt in range(10):
        try:
            with unheard(engine) as connection:
                _empty(connection, every_table())
            return
        except OperationalError:
            if attempt == 9:
                raise
            time.sleep(0.2)


def _empty(connection: Connection, names: list[str]) -> None:
    size = connection.scalar(text(SIZE), {"names": names})
    if size > BLOATED:
        _cut(connection, names)
        return
    # Who writes at this moment ends first, and what he wrote is seen here.
    connection.execute(text(f"LOCK TABLE {', '.join(names)} IN EXCLUSIVE MODE"))
    filled = connection.execute(text("SELECT " + ", ".join(f"EXISTS (SELECT FROM {n})" for n in names))).one()
    for name, some in zip(names, filled, strict=True):
        if some:
            connection.execute(text(f"DELETE FROM {name}"))


def _cut(connection: Connection, names: list[str]) -> None:
    connection.execute(text(f"TRUNCATE {', '.join(names)} CASCADE"))


# Partitions hold the rows of the table that bears the name.
SIZE = """
SELECT coalesce(sum(pg_relation_size(c.oid)), 0) FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
WHERE c.relkind = 'r' AND (c.relname = ANY (:names) OR i.inhparent = ANY (SELECT oid FROM pg_class WHERE relname = ANY (:names)))
"""


@pytest.fixture
def engine(real_engine: Engine) -> Iterator[Engine]:
    """The engine, over tables that are empty again after the test."""
    yield real_engine
    wipe(real_engine)


@pytest.fixture
def bare(engine: Engine) -> None:
    """Tables without a single page, as on the first day: deleted rows leave pages behind, and the planner counts them."""
    with unheard(engine) as connection:
        _cut(connection, every_table())


@pytest.fixture
def sessions(engine: Engine) -> Sessions:
    """The factory the use cases take. Commits are real."""
    return database.sessions(engine)


@pytest.fixture
def real_sessions(sessions: Sessions) -> Sessions:
    """The same, named where a test depends on other connections seeing its commits."""
    return sessions


@pytest.fixture
def session(sessions: Sessions) -> Iterator[Session]:
    """A session for arranging and looking. Commit before somebody else must see it."""
    with sessions() as session:
        yield session


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    """An empty Redis."""
    client = Redis.from_url(redis_url, socket_timeout=2)
    client.flushdb()
    yield client
    client.flushdb()
    client.close()


@pytest.fixture
def storage(tmp_path: Path) -> Any:
    """A photo store in a folder of the test."""
    from media.storage import LocalStorage

    return LocalStorage(tmp_path / "photos")


@pytest.fixture
def settings(database_url: str, redis_url: str, tmp_path: Path) -> Settings:
    """Settings of a small site."""
    return Settings(
        database_url=database_url,
        redis_url=redis_url,
        secret_key="tests only",
        data=tmp_path,
        public_url="http://127.0.0.1:8000",
    )


@pytest.fixture(scope="session")
def door() -> Callable[[Any], Any]:
    """The application, built once a test process: a tenth of a second for its two hundred addresses."""
    from api import create_app

    built: list[Any] = []

    def open_with(parts: Any) -> Any:
        if not built:
            built.append(create_app(parts))
        built[0].extensions["chakan"] = parts
        return built[0]

    return open_with


@pytest.fixture
def app(
    door: Callable[[Any], Any],
    settings: Settings,
    engine: Engine,
    sessions: Sessions,
    redis: Redis,
    storage: Any,
) -> Iterator[Any]:
    """The whole door over the test's database, as it was built once the test is over."""
    from api import Parts

    app = door(Parts(settings, engine, sessions, redis, storage))
    inside, known = app.wsgi_app, dict(app.extensions)
    yield app
    app.wsgi_app, app.extensions = inside, known


class Client:
    """A signed test client: `idem=True` adds a fresh Idempotency-Key, `key=` a given one."""

    def __init__(self, app: Any, token: str | None, person: Any = None, device: Any = None) -> None:
        self.flask = app.test_client()
        self.token, self.person, self.device = token, person, device

    def open(
        self, path: str, *, method: str, idem: bool = False, key: str | None = None, **given: Any
    ) -> Any:
        headers = dict(given.pop("headers", {}))
        if self.token:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        if idem or key:
            headers["Idempotency-Key"] = key or uuid.uuid4().hex
        full = (
            path
            if path.startswith(("/api/", "/t/", "/livez", "/readyz", "/metrics")) or path == "/"
            else f"/api/v1{path}"
        )
        return self.flask.open(full, method=method, headers=headers, **given)

    def get(self, path: str, **given: Any) -> Any:
        return self.open(path, method="GET", **given)

    def post(self, path: str, **given: Any) -> Any:
        return self.open(path, method="POST", **given)

    def put(self, path: str, **given: Any) -> Any:
        return self.open(path, method="PUT", **given)

    def patch(self, path: str, **given: Any) -> Any:
        return self.open(path, method="PATCH", **given)

    def delete(self, path: str, **given: Any) -> Any:
        return self.open(path, method="DELETE", **given)

    def head(self, path: str, **given: Any) -> Any:
        return self.open(path, method="HEAD", **given)

    def options(self, path: str, **given: Any) -> Any:
        return self.open(path, method="OPTIONS", **given)


@pytest.fixture
def stranger(app: Any) -> Client:
    """A client that is nobody."""
    return Client(app, None)


@pytest.fixture
def as_(app: Any, sessions: Sessions) -> Callable[..., Client]:
    """`as_("seat")` signs in as a new person of that role in the default organisation (or `org=`)."""

    def sign(*roles: str, org: Any = None, **given: Any) -> Client:
        with sessions.begin() as session:
            person = factories.person(session, roles=roles, org=org, **given)
            token = factories.api_token(session, person)
        return Client(app, token, person)

    return sign


@pytest.fixture
def as_device(app: Any, sessions: Sessions) -> Callable[[Any], Client]:
    """`as_device(surveyor)` is a phone paired with that surveyor."""

    def pair(surveyor: Any) -> Client:
        with sessions.begin() as session:
            device, token = factories.device(session, surveyor)
        return Client(app, token, surveyor, device)

    return pair
