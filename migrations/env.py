"""Runs migrations inside one transaction under an advisory lock, with time-outs so that a busy table is not blocked."""

from alembic import context
from geoalchemy2 import alembic_helpers
from sqlalchemy import create_engine, text

import claims.models  # noqa: F401
import core.models  # noqa: F401
import dispatch.models  # noqa: F401
import geo.models  # noqa: F401
import media.models  # noqa: F401
import notify.models  # noqa: F401
import staff.models  # noqa: F401
from core.database import Base

MIGRATION_LOCK = 0x43484B4E


def ours(obj: object, name: str | None, kind: str, reflected: bool, compare_to: object) -> bool:
    """Leaves PostGIS's own tables and the day partitions of `position` alone."""
    if kind == "table" and name is not None and (name == "spatial_ref_sys" or name.startswith("position_2")):
        return False
    return bool(alembic_helpers.include_object(obj, name, kind, reflected, compare_to))  # type: ignore[no-untyped-call]


def run() -> None:
    engine = create_engine(context.config.attributes["url"])
    with engine.begin() as connection:
        connection.execute(text("SET lock_timeout = '10s'"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
        context.configure(connection=connection, target_metadata=Base.metadata, include_object=ours)
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
