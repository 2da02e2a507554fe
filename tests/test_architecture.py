"""The house stands as docs/house says: imports go downstairs, libraries stay in their rooms, SQL in its places."""

import ast
import importlib
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STOREYS = ["core", "staff", "geo|notify", "claims", "dispatch|media", "api", "lab"]  # cellar first
ROOMS = [room for storey in STOREYS for room in storey.split("|")]
KEPT_TO = {
    "flask": {"api"},
    "flask_openapi": {"api"},
    "PIL": {"media", "lab"},
    "shapely": {"geo", "lab"},
    "rq": {"core"},
    "vroom": {"dispatch"},
    "scipy": {"dispatch", "geo", "lab"},  # in geo: which roads reach which, and what fits whole journeys
    "osmium": {"geo", "lab"},
    "routingkit_cch": {"geo"},
    "geocoordinates_ffi": {"geo"},
}
SOURCES = sorted(p for room in ROOMS for p in (ROOT / room).rglob("*.py"))
FORBIDDEN_NAMES = {"utils.py", "helpers.py", "common.py", "manager.py"}
# ST_ calls: the position store, the tiles, the nearest query, and this file's own words.
SPATIAL = {"geo/store.py", "geo/tiles.py", "dispatch/candidates.py"}


def below(room: str) -> set[str]:
    """The rooms a room may import."""
    allowed: set[str] = set()
    for storey in STOREYS:
        if room in storey.split("|"):
            return allowed
        allowed |= set(storey.split("|"))
    raise KeyError(room)


def imported(path: Path) -> set[str]:
    """Top-level names a file imports, inside functions too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.split(".")[0])
    return names


def label(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=label)
def test_imports_go_downstairs(path):
    home = path.relative_to(ROOT).parts[0]
    uphill = (imported(path) & set(ROOMS)) - below(home) - {home}
    assert not uphill, f"{home} may not import {uphill}"


@pytest.mark.parametrize("path", SOURCES, ids=label)
def test_libraries_stay_in_their_rooms(path):
    home = path.relative_to(ROOT).parts[0]
    strays = {name for name in imported(path) if home not in KEPT_TO.get(name, {home})}
    assert not strays, f"{home} may not import {strays}"


def test_no_room_has_a_junk_drawer():
    assert [label(p) for p in SOURCES if p.name in FORBIDDEN_NAMES] == []


def test_spatial_sql_lives_in_three_files():
    spatial = re.compile(r"\bST_[A-Z]\w+\(")
    strays = [
        label(p) for p in SOURCES if spatial.search(p.read_text(encoding="utf-8")) and label(p) not in SPATIAL
    ]
    # The lab writes a made-up past straight into the tables, which is its whole purpose.
    assert [s for s in strays if not s.startswith("lab/")] == []


@pytest.mark.parametrize("room", ROOMS)
def test_each_room_is_imported_from_this_repository(room):
    assert Path(importlib.import_module(room).__file__).is_relative_to(ROOT)


def test_importing_the_door_makes_no_connection(monkeypatch):
    import socket

    def refuse(*args, **given):
        raise AssertionError("a connection was made on import")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    for name in ("wsgi", "worker", "cli"):
        sys.modules.pop(name, None)
        importlib.import_module(name)
