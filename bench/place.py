"""Where a bench measures: a fresh, migrated database on a real server that keeps its promises (fsync on)."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import create_engine, make_url, text

from core import database
from core.database import Base


@contextmanager
def fresh_database(*, superuser: bool = False) -> Iterator[str]:
    """The URL of an empty database: on the server of CHAKAN_TEST_DATABASE_URL, else on a private one started for it.

    `superuser`: for a bench that lays rows of a million people and lets foreign keys sleep meanwhile.
    """
    given = os.environ.get("CHAKAN_TEST_DATABASE_URL")
    if not given:
        yield from _private(superuser)
        return
    name = f"chakan_bench_{secrets.token_hex(4)}"
    server = create_engine(given, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    url = make_url(given).set(database=name).render_as_string(hide_password=False)
    try:
        database.upgrade(url)
        yield url
    finally:
        with server.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        server.dispose()


def _private(superuser: bool) -> Iterator[str]:
    from launch.board import Board
    from launch.places import ROOT, Places
    from launch.postgres import SUPERUSER
    from launch.site import held, open_site, prepare_database, start_engines
    from launch.supervise import Supervisor

    places = Places(ROOT / ".chakan-bench")
    places.make()
    with held(places):
        with Board() as board:
            site = open_site(places, board, private=True)
        with Supervisor(places.log, lambda name, line: None) as supervisor:
            start_engines(supervisor, site)
            prepare_database(site)
            database.upgrade(site.database_url)
            empty(site.database_url)
            try:
                if superuser and site.cluster is not None:
                    yield site.cluster.url(SUPERUSER, site.secrets["superuser"], "chakan")
                else:
                    yield site.database_url
            finally:
                supervisor.stop_all()


def empty(url: str) -> None:
    """Takes every row away, as an earlier bench left them; the audit's guard sleeps meanwhile."""
    engine = create_engine(url)
    tables = ", ".join(t.name for t in Base.metadata.sorted_tables)
    with engine.begin() as connection:
        if tables:
            connection.execute(text("ALTER TABLE audit_entry DISABLE TRIGGER USER"))
            connection.execute(text(f"TRUNCATE {tables} CASCADE"))
            connection.execute(text("ALTER TABLE audit_entry ENABLE TRIGGER USER"))
    engine.dispose()


def durable(url: str) -> str:
    """What the server promises about a commit, for the line under the figures."""
    engine = create_engine(url)
    with engine.connect() as connection:
        names = ("fsync", "synchronous_commit")
        said = ", ".join(f"{name} {connection.execute(text(f'SHOW {name}')).scalar_one()}" for name in names)
        version = connection.execute(text("SHOW server_version")).scalar_one()
    engine.dispose()
    return f"PostgreSQL {version}, {said}"
