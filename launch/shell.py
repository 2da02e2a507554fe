"""Running other programs: with a log, with retries, and with their last words when they fail."""

import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from launch.errors import CannotStart

PAUSES_S = (2.0, 6.0)
# What runs at this moment, so that an interrupted set-up leaves no pip behind that goes on writing.
RUNNING: "set[subprocess.Popen[str]]" = set()
LAST_WORDS = 8


def run(
    command: Sequence[str | Path],
    log: Path,
    env: Mapping[str, str] | None = None,
    heard: Callable[[str], None] | None = None,
    cwd: Path | None = None,
) -> int:
    """Runs the command, appends its output to `log`, hands each line to `heard`, returns its exit code."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as out:
        out.write(f"\n$ {' '.join(map(str, command))}\n")
        out.flush()
        with subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(env) if env is not None else None,
            cwd=cwd,
            text=True,
            encoding="utf-8",
            errors="replace",
        ) as process:
            RUNNING.add(process)
            for line in process.stdout or ():
                out.write(line)
                if heard:
                    heard(line.rstrip("\n"))
        RUNNING.discard(process)
        return process.returncode


def stop_running(patience_s: float = 5.0) -> None:
    """Asks whatever runs to stop. apt-get finishes the package it is at; the others end at once."""
    for process in list(RUNNING):
        process.terminate()
    limit = time.monotonic() + patience_s
    while any(process.poll() is None for process in RUNNING) and time.monotonic() < limit:
        time.sleep(0.05)


def last_words(log: Path, lines: int = LAST_WORDS) -> str:
    """The end of a log, indented, for an error message."""
    if not log.exists():
        return "    (nothing was printed)"
    said = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return "\n".join(f"    {line[:200]}" for line in said[-lines:])


def run_or_explain(
    what: str,
    command: Sequence[str | Path],
    log: Path,
    env: Mapping[str, str] | None = None,
    heard: Callable[[str], None] | None = None,
    cwd: Path | None = None,
    pauses_s: Sequence[float] | None = None,
    hopeless: Callable[[], bool] = lambda: False,
) -> None:
    """Runs the command, again after each pause while it fails, unless that is hopeless. Raises CannotStart."""
    pauses_s = PAUSES_S if pauses_s is None else pauses_s
    tries = 0
    for pause_s in (*pauses_s, None):
        tries += 1
        if run(command, log, env, heard, cwd) == 0:
            return
        if hopeless():
            break
        if pause_s is not None:
            if heard:
                heard(f"failed, trying again in {pause_s:.0f} s")
            time.sleep(pause_s)
    often = f" (tried {tries} times)" if tries > 1 else ""
    raise CannotStart(f"{what} failed{often}. It said last:\n{last_words(log)}\n  The whole log: {log}")
