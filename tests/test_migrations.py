"""Migrations run up, down and up again, and agree with the models."""

import secrets

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from geoalchemy2 import alembic_helpers
from sqlalchemy import create_engine, inspect, make_url, text

from core import database
from core.database import Base


@pytest.fixture
def empty_url(database_url):
    """A database of this test alone."""
    name = f"chakan_migrate_{secrets.token_hex(4)}"
    server = create_engine(database_url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield make_url(database_url).set(database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


def ours(obj, name, kind, reflected, compare_to):
    if kind == "table" and name and (name == "spatial_ref_sys" or name.startswith("position_2")):
        return False
    return alembic_helpers.include_object(obj, name, kind, reflected, compare_to)


def test_migrations_go_up_down_and_up_again(empty_url):
    database.upgrade(empty_url)
    assert database.current(empty_url) == database.head()
    database.downgrade(empty_url)
    engine = create_engine(empty_url)
    left = set(inspect(engine).get_table_names()) - {"spatial_ref_sys", "alembic_version"}
    assert left == set()
    database.upgrade(empty_url)
    assert database.current(empty_url) == database.head()
    engine.dispose()


def test_models_and_migrations_agree(real_engine):
    with real_engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": ours})
        assert compare_metadata(context, Base.metadata) == []


def test_ids_are_positive_distinct_and_ordered_by_time(real_engine):
    with real_engine.connect() as connection:
        made = [connection.execute(text("SELECT chakan_id()")).scalar_one() for _ in range(50)]
        many = connection.execute(
            text("SELECT count(DISTINCT chakan_id()) FROM generate_series(1, 4000)")
        ).scalar_one()
    assert all(0 < n < 2**63 for n in made)
    assert [n >> 22 for n in made] == sorted(n >> 22 for n in made)
    assert many == 4000
