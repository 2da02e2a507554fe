"""How long a start takes: on a clean machine, on one where nothing may be installed, and the second time.

Clean: a copy of the tree, an empty HOME, no environment, no data folder. The engines are the machine's own when it
has them; "unpacked" fetches PostgreSQL and PostGIS as packages instead, which is what a user without root gets.
`quick` lends the copy this tree's environment, so it measures the first data folder and the second start only.
"""

import contextlib
import os
import queue
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from launch.errors import CannotStart
from launch.places import ENVIRONMENT, ROOT

CLEAN_GOAL_S = 120.0
WARM_GOAL_S = 5.0
PATIENCE_S = 300.0
KEPT = (
    "PATH",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "SSL_CERT_FILE",
    "PIP_CERT",
    "PIP_INDEX_URL",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
)


def main(quick: bool) -> dict[str, Any]:
    """Measures the starts; the peer is the goal."""
    figures = []
    with tempfile.TemporaryDirectory(prefix="chakan-start-") as folder:
        tree = copy_of_the_tree(Path(folder) / "tree")
        if quick:
            (tree / ".venv").symlink_to(ENVIRONMENT)
            figures.append(figure("first start, environment ready", started(tree, "one"), CLEAN_GOAL_S))
        else:
            figures.append(figure("clean start", started(tree, "one"), CLEAN_GOAL_S))
        figures.append(
            figure("warm start", min(started(tree, "one") for _ in range(1 if quick else 3)), WARM_GOAL_S)
        )
        if not quick:
            other = copy_of_the_tree(Path(folder) / "other")
            figures.append(
                figure("clean start, packages unpacked", started(other, "two", prefer="unpack"), CLEAN_GOAL_S)
            )
            figures.append(
                figure("warm start, packages unpacked", started(other, "two", prefer="unpack"), WARM_GOAL_S)
            )
    return {"figures": figures}


def figure(metric: str, ours_s: float, goal_s: float) -> dict[str, Any]:
    """One line of the result; the ratio says how many times faster than the goal."""
    return {
        "metric": metric,
        "unit": "s",
        "ours": round(ours_s, 2),
        "peer": goal_s,
        "peer_name": "goal",
        "ratio": round(goal_s / ours_s, 2),
        "goal": goal_s,
        "holds": ours_s <= goal_s,
    }


def copy_of_the_tree(into: Path) -> Path:
    """What a fresh clone would hold, changes not yet committed included."""
    told = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard", "-z"],
        capture_output=True,
        text=True,
        check=False,
    )
    if told.returncode != 0:
        skip = shutil.ignore_patterns(".git", ".venv*", ".chakan*", "node_modules", "__pycache__")
        return Path(shutil.copytree(ROOT, into, ignore=skip))
    for name in told.stdout.split("\0"):
        source = ROOT / name
        if name and source.is_file():
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, into / name)
    return into


def started(tree: Path, data: str, prefer: str = "") -> float:
    """Seconds from the command to the ready line; everything is stopped again."""
    with running(tree, data, prefer) as took_s:
        return took_s


@contextlib.contextmanager
def running(tree: Path, data: str, prefer: str) -> Iterator[float]:
    """A started instance, stopped at the end. Yields how long the start took, in seconds."""
    home = tree.parent / "home"
    home.mkdir(exist_ok=True)
    env = {name: os.environ[name] for name in KEPT if name in os.environ}
    env |= {"HOME": str(home), "CHAKAN_PREFER": prefer, "PIP_NO_CACHE_DIR": "1"}
    began = time.monotonic()
    process = subprocess.Popen(
        [str(tree / "chakan"), "up", "--port", "0", "--data", str(tree / f".chakan-{data}")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=env,
        text=True,
        encoding="utf-8",
    )
    lines: queue.Queue[tuple[float, str | None]] = queue.Queue()
    reader = threading.Thread(target=_listen, args=(process, lines), daemon=True)
    reader.start()
    try:
        yield _ready_at(lines, began) - began
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        reader.join(5)


def _listen(process: "subprocess.Popen[str]", lines: "queue.Queue[tuple[float, str | None]]") -> None:
    for line in process.stdout or ():
        lines.put((time.monotonic(), line.rstrip("\n")))
    lines.put((time.monotonic(), None))


def _ready_at(lines: "queue.Queue[tuple[float, str | None]]", began: float) -> float:
    said: list[str] = []
    while time.monotonic() < began + PATIENCE_S:
        try:
            at, line = lines.get(timeout=1)
        except queue.Empty:
            continue
        if line is None:
            break
        said.append(line)
        if line.startswith("Ready: "):
            return at
    raise CannotStart("The instance did not start:\n" + "\n".join(f"    {line}" for line in said[-12:]))
