"""The supervisor: what dies comes back, what is told to stop stops, nothing outlives it."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

Script = Callable[..., "subprocess.Popen[str]"]

BEGINNING = """
import os, signal, sys, time
from pathlib import Path
from launch.supervise import Program, Supervisor
here = Path(os.environ["HERE"])
(here / "log").mkdir(exist_ok=True)
heard = []
def program(name, code, **given):
    return Program(name, [sys.executable, "-c", code], dict(os.environ), here, **given)
"""


def alive(pid: int) -> bool:
    """Whether the process is there and is not a zombie waiting to be collected."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone_within(pid: int, seconds: float) -> bool:
    """Waits for a process to end."""
    limit = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < limit:
        time.sleep(0.05)
    return not alive(pid)


def test_a_killed_program_is_started_again_at_once_and_one_that_fails_is_given_longer_and_longer(
    script: Script,
) -> None:
    process = script(
        BEGINNING
        + """
with Supervisor(here / "log", lambda name, line: heard.append(line)) as supervisor:
    steady = supervisor.start(program("steady", "import time; time.sleep(60)"))
    supervisor.start(program("broken", "import sys; print('no luck'); sys.exit(7)"))
    for _ in range(3):
        old = steady.process.pid
        os.kill(old, signal.SIGKILL)
        began = time.monotonic()
        assert supervisor.run_until(lambda: steady.alive and steady.process.pid != old, 5)
        print("back after", time.monotonic() - began < 1.5)
    supervisor.run_until(lambda: supervisor.children["broken"].starts == 4, 10)
    broken = supervisor.children["broken"]
    print("pauses", broken.pause_s >= 0.8, "said", list(broken.said)[0])
    print([line for line in heard if "ended (7)" in line][0])
"""
    )
    said = process.communicate(timeout=30)[0]
    assert said.count("back after True") == 3, said
    assert "pauses True said no luck" in said
    assert "broken ended (7), starting again in 0.2 s" in said
    assert process.returncode == 0


def test_everything_stops_within_ten_seconds_even_a_program_that_does_not_listen(
    script: Script, tmp_path: Path
) -> None:
    process = script(
        BEGINNING
        + """
deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.signal(signal.SIGINT, signal.SIG_IGN)"
polite = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: (print('bye', flush=True), sys.exit(0)))"
with Supervisor(here / "log", lambda name, line: None) as supervisor:
    for name, code, engine in (("deaf", deaf, False), ("polite", polite, False), ("engine", deaf, True)):
        supervisor.start(program(name, code + "; print('up', flush=True); time.sleep(99)", engine=engine))
    supervisor.run_until(lambda: all(c.said for c in supervisor.children.values()), 10)
    print(*(c.process.pid for c in supervisor.children.values()), flush=True)
    supervisor.run_until(lambda: False)
print("clean end")
"""
    )
    assert process.stdout is not None
    pids = [int(word) for word in process.stdout.readline().split()]
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert "clean end" in process.communicate(timeout=20)[0]
    assert time.monotonic() - began < 10
    assert len(pids) == 3 and not any(alive(pid) for pid in pids)
    assert (tmp_path / "log" / "polite.log").read_text(encoding="utf-8") == "up\nbye\n"


def test_a_killed_supervisor_takes_its_programs_along(script: Script) -> None:
    process = script(
        BEGINNING
        + """
with Supervisor(here / "log", lambda name, line: None) as supervisor:
    child = supervisor.start(program("orphan", "import time; time.sleep(99)"))
    print(child.process.pid, flush=True)
    supervisor.run_until(lambda: False)
"""
    )
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=10)
    assert gone_within(pid, 5)


def test_what_a_dying_program_leaves_behind_is_ended_before_it_is_started_again(script: Script) -> None:
    process = script(
        BEGINNING
        + """
leaves = "import subprocess, sys; p = subprocess.Popen(['sleep', '99']); print(p.pid, flush=True); sys.exit(1)"
with Supervisor(here / "log", lambda name, line: None) as supervisor:
    child = supervisor.start(program("parent", leaves))
    supervisor.run_until(lambda: child.starts >= 2, 10)
    print(child.said[0], flush=True)
"""
    )
    said = process.communicate(timeout=20)[0]
    assert gone_within(int(said.split()[0]), 2), said


def test_a_one_time_program_is_not_started_again_and_its_code_is_known(script: Script) -> None:
    process = script(
        BEGINNING
        + """
with Supervisor(here / "log", lambda name, line: None) as supervisor:
    child = supervisor.start(program("once", "import sys; sys.stdout.write('no newline'); sys.exit(3)", once=True))
    supervisor.run_until(lambda: not child.alive, 10)
    supervisor.run_until(lambda: False, 1)
    print(child.starts, child.exit_code, list(child.said))
"""
    )
    assert process.communicate(timeout=20)[0] == "1 3 ['no newline']\n"


def test_a_flood_without_a_line_end_is_cut_into_pieces(script: Script, tmp_path: Path) -> None:
    process = script(
        BEGINNING
        + """
flood = "import sys; [sys.stdout.write('x' * 4096) for _ in range(100)]; sys.stdout.flush()"
with Supervisor(here / "log", lambda name, line: None) as supervisor:
    child = supervisor.start(program("flood", flood, once=True))
    supervisor.run_until(lambda: not child.alive, 10)
    print(max(len(line) for line in child.said) < 300_000)
"""
    )
    assert process.communicate(timeout=20)[0] == "True\n"
    assert (tmp_path / "log" / "flood.log").read_text(encoding="utf-8").count("x") == 409_600
