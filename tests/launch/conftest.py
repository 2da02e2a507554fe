"""What the launcher's tests share: data folders, real programs, scripts that run a supervisor of their own."""

import os
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from launch import account, postgres
from launch.engines import package_homes
from launch.places import ROOT, Places


@pytest.fixture
def places() -> Iterator[Places]:
    """An empty data folder. Not pytest's: every other pytest on the machine shuts that one to the engines' account."""
    with tempfile.TemporaryDirectory(prefix="chakan-launch-") as folder:
        found = Places(Path(folder) / "data")
        Path(folder).chmod(0o711)
        found.make()
        yield found


@pytest.fixture
def programs(places: Places) -> postgres.Programs:
    """The PostgreSQL of this machine."""
    found = postgres.find(package_homes(places.data))
    if found is None:
        pytest.skip("no PostgreSQL with PostGIS here; ./chakan test brings one")
    return found


@pytest.fixture
def engine_account() -> account.Account | None:
    """Who runs the engines here."""
    return account.unprivileged()


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., "subprocess.Popen[str]"]:
    """Starts a Python script in a process of its own: a supervisor wants the main thread and the signals."""

    def start(text: str, **env: str) -> "subprocess.Popen[str]":
        path = tmp_path / "script.py"
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return subprocess.Popen(
            [sys.executable, str(path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "HERE": str(tmp_path), **env},
            text=True,
        )

    return start
