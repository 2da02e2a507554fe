"""The set-up before anything runs: together, plainly wrong, and without leftovers when it is interrupted."""

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from launch import begin
from launch.errors import CannotStart
from tests.launch.test_supervise import gone_within

Script = Callable[..., "subprocess.Popen[str]"]


def test_jobs_run_at_the_same_time_and_the_first_failure_is_the_answer() -> None:
    began = time.monotonic()
    begin.together([lambda: time.sleep(0.6), lambda: time.sleep(0.6)])
    assert time.monotonic() - began < 1.1

    def fail() -> None:
        raise CannotStart("no network")

    with pytest.raises(CannotStart, match="no network"):
        begin.together([fail])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_set_up_leaves_nothing_running(
    script: Script, tmp_path: Path, number: signal.Signals
) -> None:
    process = script(
        """
import os, signal, sys
from pathlib import Path
from launch import begin, shell
here = Path(os.environ["HERE"])
signal.signal(signal.SIGTERM, begin._interrupt)
code = "import os, time; print(os.getpid(), flush=True); time.sleep(99)"
def job():
    shell.run([sys.executable, "-c", code], here / "log", heard=lambda line: print(line, flush=True))
try:
    begin.together([job])
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
    )
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    process.send_signal(number)
    assert "interrupted" in process.communicate(timeout=15)[0]
    assert gone_within(pid, 3)
