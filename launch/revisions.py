"""Which migration the tree ends at and where a database stands, without importing SQLAlchemy: a warm start has 5 s."""

import ast
from pathlib import Path

from launch.errors import CannotStart
from launch.places import ROOT
from launch.site import dsn

VERSIONS = ROOT / "migrations" / "versions"


def head(folder: Path = VERSIONS) -> str:
    """The newest revision: the one that no other builds on. Raises CannotStart when there is not exactly one."""
    revisions: set[str] = set()
    built_on: set[str] = set()
    for path in sorted(folder.glob("*.py")):
        names = _names(path)
        if revision := names.get("revision"):
            revisions.update(revision)
            built_on.update(names.get("down_revision", ()))
    ends = revisions - built_on
    if len(ends) != 1:
        raise CannotStart(f"{folder} must end in one migration and ends in {sorted(ends) or 'none'}")
    return ends.pop()


def _names(path: Path) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for statement in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.AnnAssign) and statement.value is not None:
            pairs = _pairs(statement.target, statement.value)
        elif isinstance(statement, ast.Assign):
            pairs = _pairs(statement.targets[0], statement.value)
        else:
            continue
        for target, value in pairs:
            if isinstance(target, ast.Name):
                found[target.id] = _strings(value)
    return found


def _pairs(target: ast.expr, value: ast.expr) -> list[tuple[ast.expr, ast.expr]]:
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        return list(zip(target.elts, value.elts, strict=True))
    return [(target, value)]


def _strings(value: ast.expr) -> tuple[str, ...]:
    parts = value.elts if isinstance(value, ast.Tuple) else [value]
    return tuple(
        part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)
    )


def current(url: str) -> str | None:
    """The revision the database stands at, or None when it holds no migrations yet."""
    import psycopg2

    link = psycopg2.connect(dsn(url), connect_timeout=5)
    try:
        with link.cursor() as cursor:
            cursor.execute("SELECT to_regclass('alembic_version')")
            if cursor.fetchone()[0] is None:
                return None
            cursor.execute("SELECT version_num FROM alembic_version")
            row = cursor.fetchone()
            return str(row[0]) if row else None
    finally:
        link.close()
