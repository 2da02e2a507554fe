"""The database: engine, sessions, the declarative base, and the migrations."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import psycopg2
from sqlalchemy import BigInteger, Connection, Engine, MetaData, create_engine, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT, TIMESTAMP
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column, sessionmaker

type_map = {
    datetime: TIMESTAMP(timezone=True),
    dict[str, Any]: JSONB,
    list[Any]: JSONB,
    list[str]: ARRAY(TEXT),
    str: TEXT,
}

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """All tables of all rooms."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = type_map


# Time-ordered, not guessable from a neighbour, made by the database (migration 0001_core).
Id = Annotated[int, mapped_column(BigInteger, primary_key=True, server_default=text("chakan_id()"))]
Ref = Annotated[int, mapped_column(BigInteger)]
Created = Annotated[datetime, mapped_column(server_default=text("clock_timestamp()"))]

Sessions = sessionmaker[Session]

MIGRATIONS = Path(__file__).parent.parent / "migrations"


def connect(url: str, *, pool_size: int = 5, name: str = "chakan") -> Engine:
    """Makes the engine. A statement may run 30 s, a forgotten transaction 30 s, a wait for a lock 5 s."""
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=4,
        pool_timeout=5,
        pool_pre_ping=True,
        # An error's text would carry the row's values, somebody's phone among them, into the log (P18).
        hide_parameters=True,
        connect_args={
            "application_name": name,
            "connect_timeout": 5,
            "options": "-c timezone=UTC -c lock_timeout=5s -c statement_timeout=30s"
            " -c idle_in_transaction_session_timeout=30s",
        },
    )


def sessions(bind: Engine | Connection) -> Sessions:
    """A factory of sessions: `with factory.begin() as session:` is one use case."""
    if isinstance(bind, Connection):
        return sessionmaker(bind, expire_on_commit=False, join_transaction_mode="create_savepoint")
    return sessionmaker(bind, expire_on_commit=False)


def wrapped(error: psycopg2.Error) -> DBAPIError:
    """A driver's own error as SQLAlchemy would raise it: answered and logged like those, without the row's values."""
    kind = OperationalError if isinstance(error, psycopg2.OperationalError) else DBAPIError
    return kind("", {}, error, hide_parameters=True)


def kept_connection(engine: Engine) -> Any:
    """A driver connection of the caller's own, with the engine's settings: autocommit, never back in the pool."""
    lent = engine.raw_connection()
    connection: Any = lent.driver_connection
    lent.detach()
    connection.autocommit = True
    return connection


def _alembic(url: str) -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    return config


def upgrade(url: str, revision: str = "head") -> None:
    """Runs the migrations up to `revision`; several callers at once are safe (advisory lock)."""
    from alembic import command

    command.upgrade(_alembic(url), revision)


def downgrade(url: str, revision: str = "base") -> None:
    """Runs the migrations down to `revision`."""
    from alembic import command

    command.downgrade(_alembic(url), revision)


def current(url: str) -> str | None:
    """The revision the database stands at, or None for an empty one."""
    from alembic.migration import MigrationContext

    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()


def head() -> str:
    """The newest revision in the tree."""
    from alembic.script import ScriptDirectory

    return str(ScriptDirectory.from_config(_alembic("")).get_current_head())
