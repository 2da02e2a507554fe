"""The short way to the newest migration agrees with alembic's own."""

from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from core import database
from launch import revisions
from launch.errors import CannotStart


def test_the_head_found_by_reading_is_the_one_alembic_finds() -> None:
    assert revisions.head() == database.head()


def test_the_database_is_asked_without_sqlalchemy(database_url: str) -> None:
    assert revisions.current(database_url) == database.current(database_url) == revisions.head()


def test_an_empty_database_stands_nowhere(database_url: str) -> None:
    engine = create_engine(database_url, isolation_level="AUTOCOMMIT")
    empty = "chakan_test_empty_revision"
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {empty}"))
        connection.execute(text(f"CREATE DATABASE {empty}"))
        assert revisions.current(engine.url.set(database=empty).render_as_string(hide_password=False)) is None
        connection.execute(text(f"DROP DATABASE {empty}"))
    engine.dispose()


def test_every_way_of_writing_a_revision_is_read_and_two_ends_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text('revision, down_revision = "a", None\n', encoding="utf-8")
    (tmp_path / "b.py").write_text('revision: str = "b"\ndown_revision: str | None = "a"\n', encoding="utf-8")
    (tmp_path / "c.py").write_text('revision = "c"\ndown_revision = "a"\n', encoding="utf-8")
    with pytest.raises(CannotStart, match=r"ends in .*'b', 'c'"):
        revisions.head(tmp_path)
    (tmp_path / "d.py").write_text('revision, down_revision = "d", ("b", "c")\n', encoding="utf-8")
    assert revisions.head(tmp_path) == "d"
