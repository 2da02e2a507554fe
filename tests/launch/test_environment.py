"""The environment: from a lock with hashes, over a network that fails, told plainly when it fails for good."""

import configparser
import functools
import hashlib
import http.server
import io
import re
import shutil
import subprocess
import sys
import threading
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from launch import environment, shell
from launch.board import Board
from launch.errors import CannotStart
from launch.places import ROOT

WHEEL = "tinything-1.0-py3-none-any.whl"
# Pip is slow on a machine that does something else too.
pytestmark = pytest.mark.timeout(300)
LOCKS = [ROOT / environment.LOCK, ROOT / environment.LOCK_DEV]


@functools.cache
def wheel() -> bytes:
    """A real wheel of one line."""
    packed = io.BytesIO()
    about = "tinything-1.0.dist-info"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("tinything.py", "ANSWER = 42\n")
        archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: tinything\nVersion: 1.0\n")
        archive.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{about}/RECORD", "")
    return packed.getvalue()


class Index(http.server.ThreadingHTTPServer):
    """A package index that drops its first `failures` connections in the middle of the answer."""

    failures = 0
    asked = 0


class Answers(http.server.BaseHTTPRequestHandler):
    """What the index says."""

    server: Index

    def do_GET(self) -> None:
        self.server.asked += 1
        body = wheel() if self.path.endswith(".whl") else f'<a href="/files/{WHEEL}">{WHEEL}</a>'.encode()
        self.send_response(200)
        self.send_header(
            "Content-Type", "application/octet-stream" if self.path.endswith(".whl") else "text/html"
        )
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.server.failures:
            self.server.failures -= 1
            self.wfile.write(body[: len(body) // 2])
            self.connection.close()
            return
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keeps the test's output clean."""


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Index]:
    """A running index that pip uses, and nothing else of this machine's configuration."""
    server = Index(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/simple")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setattr(shell, "PAUSES_S", (0.1, 0.1))
    yield server
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture(scope="module")
def with_pip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that has pip and nothing else, to start from: making one takes seconds."""
    folder = tmp_path_factory.mktemp("base") / ".venv"
    venv.create(folder, with_pip=True)
    return folder


@pytest.fixture
def tree(empty_tree: Path, with_pip: Path) -> Path:
    """A tree whose environment was begun, as an interrupted start leaves it: pip is there, the packages are not."""
    shutil.copytree(with_pip, empty_tree / ".venv", symlinks=True)
    return empty_tree


@pytest.fixture
def empty_tree(tmp_path: Path) -> Path:
    """A tree whose locks ask for the one package."""
    folder = tmp_path / "tree"
    folder.mkdir()
    line = f"tinything==1.0 \\\n    --hash=sha256:{hashlib.sha256(wheel()).hexdigest()}\n"
    (folder / environment.LOCK).write_text(line, encoding="utf-8")
    (folder / environment.LOCK_DEV).write_text(line, encoding="utf-8")
    return folder


def make(tree: Path) -> io.StringIO:
    """Makes the environment of the tree and returns what the board showed."""
    shown = io.StringIO()
    with Board(shown) as board:
        environment.ensure(board, home=tree / ".venv", tree=tree)
    return shown


def test_an_environment_is_made_over_a_network_that_drops_connections(index: Index, empty_tree: Path) -> None:
    index.failures = 2
    make(empty_tree)
    assert index.failures == 0
    assert environment.ready(home=empty_tree / ".venv", tree=empty_tree)
    check = [empty_tree / ".venv" / "bin" / "python", "-c", "import tinything; assert tinything.ANSWER == 42"]
    assert shell.run(check, empty_tree / "check.log") == 0


def test_a_ready_environment_asks_the_network_nothing_and_a_new_lock_renews_it(
    index: Index, tree: Path
) -> None:
    make(tree)
    before = index.asked
    assert make(tree).getvalue() == ""
    assert index.asked == before
    (tree / environment.LOCK).write_text(
        (tree / environment.LOCK).read_text() + "# newer\n", encoding="utf-8"
    )
    assert not environment.ready(home=tree / ".venv", tree=tree)
    make(tree)
    assert environment.ready(home=tree / ".venv", tree=tree)


def test_a_file_with_another_hash_is_refused(index: Index, tree: Path) -> None:
    wrong = f"tinything==1.0 \\\n    --hash=sha256:{'0' * 64}\n"
    (tree / environment.LOCK).write_text(wrong, encoding="utf-8")
    with pytest.raises(CannotStart, match=r"(?i)hash"):
        make(tree)
    assert not environment.ready(home=tree / ".venv", tree=tree)
    assert index.asked < 6, "a forged file is no reason to try again"


def test_a_dead_network_is_named_with_the_last_words_and_what_to_do(
    index: Index, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setattr(environment, "RETRIES", "0")
    with pytest.raises(CannotStart) as failed:
        make(tree)
    assert "Installing the Python packages failed (tried 3 times)" in str(failed.value)
    assert "PIP_INDEX_URL" in str(failed.value)
    assert str(tree / ".venv" / "install.log") in str(failed.value)


def test_a_broken_environment_is_made_anew(index: Index, tree: Path) -> None:
    make(tree)
    python = tree / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nonexistent/python3")
    assert not environment.ready(home=tree / ".venv", tree=tree)
    make(tree)
    assert environment.ready(home=tree / ".venv", tree=tree)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_names_no_place_and_pins_every_package_with_hashes(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert not re.search(
        r"https?://|file:|--index-url|--extra-index-url|--find-links|^-f ", text, re.MULTILINE
    )
    packages = re.findall(r"^(\S[^\n]*?) \\$", text, re.MULTILINE)
    assert len(packages) > 50 and all("==" in package for package in packages)
    assert len(re.findall(r"==.*\\\n    --hash=sha256:", text)) == len(packages)


def test_the_locks_hold_every_dependency_and_agree_with_each_other() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    wanted = config["options"]["install_requires"].split("\n") + config["options.extras_require"][
        "dev"
    ].split("\n")
    names = {re.split(r"[><=;\[ ]", line.strip())[0] for line in wanted if line.strip()}
    pins = [dict(re.findall(r"^([a-z0-9-]+)==([^\s;]+)", path.read_text(), re.MULTILINE)) for path in LOCKS]
    assert names <= pins[1].keys()
    assert {name: pins[1].get(name) for name in pins[0]} == pins[0]


def test_the_launcher_needs_nothing_but_the_standard_library_before_the_environment_exists() -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); import cli, launch.begin, launch.environment, launch.engines;"
        "cli.parser(); print([m for m in sys.modules if 'site-packages' in (getattr(sys.modules[m], '__file__', '') or '')])"
    )
    said = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert said == "[]\n"
