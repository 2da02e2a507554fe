"""Whoever is killed takes along everything it started: servers, their workers, the decoder, a program that does not listen."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core import parent

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120)]
ROOT = Path(__file__).parent.parent.parent
GONE_S = 6.0

# A supervisor as `chakan up` has it, over a whole site; a photo is being decoded, and one program is deaf.
SUPERVISOR = """
import os, signal, sys, threading, time
from pathlib import Path
import httpx
from launch.supervise import Program, Supervisor
from tests import site as sites

folder, database_url, redis_url = sys.argv[1:]
site = sites.build(Path(folder), database_url, redis_url, workers=())
deaf = "import signal, time; [signal.signal(n, signal.SIG_IGN) for n in (1, 2, 15)]; time.sleep(99)"
decodes = '''
import os, sys, threading, time
from pathlib import Path
from media.sandbox import Decoder
os.mkfifo(sys.argv[1])
decoder = Decoder()
# A file that never ends: the child that reads it is in the middle of its photo.
threading.Thread(target=decoder.make, args=(Path(sys.argv[1]), Path(".")), daemon=True).start()
time.sleep(99)
'''
programs = {**site.commands, "deaf": [sys.executable, "-c", deaf],
            "decodes": [sys.executable, "-c", decodes, folder + "/fifo"]}
(Path(folder) / "log").mkdir()
with Supervisor(Path(folder) / "log", lambda name, line: None) as supervisor:
    for name, command in programs.items():
        supervisor.start(Program(name, command, site.env, sites.ROOT))
    def ready():
        try:
            return httpx.get(site.url + "/livez", timeout=1).status_code == 200 and httpx.get(
                site.env["CHAKAN_LIVE_URL"] + "/livez", timeout=1).status_code == 200
        except httpx.HTTPError:
            return False
    supervisor.run_until(ready, 60)
    print("ready", flush=True)
    supervisor.run_until(lambda: False)
"""


def descendants(ancestor: int) -> dict[int, str]:
    """Every process below that one, with its command line."""
    above, words = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            above[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            words[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue  # it ended just now
    found: dict[int, str] = {}
    layer = {ancestor}
    while layer := {pid for pid, over in above.items() if over in layer}:
        found |= {pid: words[pid] for pid in layer}
    return found


def alive(pid: int) -> bool:
    """Whether it runs: one that waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def left_after(pids: dict[int, str]) -> list[str]:
    """Who still runs after some seconds."""
    limit = time.monotonic() + GONE_S
    while any(map(alive, pids)) and time.monotonic() < limit:
        time.sleep(0.05)
    left = [pid for pid in pids if alive(pid)]
    for pid in left:
        os.kill(pid, signal.SIGKILL)  # told, not left to the next run
    return [pids[pid] for pid in left]


def test_a_killed_supervisor_leaves_nobody_behind(database_url, redis_url, redis, engine, tmp_path):
    process = subprocess.Popen(
        parent.tied([sys.executable, "-c", SUPERVISOR, str(tmp_path), database_url, redis_url]),
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    ours: dict[int, str] = {}
    try:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        limit = time.monotonic() + 20
        # The decoder and its child for the photo are there too.
        while sum("media.decoder" in words for words in ours.values()) < 2:
            assert time.monotonic() < limit, ours
            time.sleep(0.1)
            ours = descendants(process.pid)
    finally:
        process.kill()
    process.communicate(timeout=10)
    told = " ".join(ours.values())
    assert all(word in told for word in ("granian", "gunicorn", "worker sweep", "SIG_IGN"))
    # A server and its worker, twice, and each of the others.
    assert len(ours) >= 9
    assert left_after(ours) == []


def test_what_a_killed_test_run_started_ends_with_it():
    script = (
        "import subprocess, sys, time; from core import parent;"
        "p = subprocess.Popen(parent.tied([sys.executable, '-c', 'import time; time.sleep(99)']));"
        "print(p.pid, flush=True); time.sleep(99)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    child = int(process.stdout.readline())
    assert alive(child)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=10)
    assert left_after({child: "the child"}) == []


def test_who_starts_after_his_parent_is_gone_ends_at_once():
    nobody = subprocess.run([sys.executable, "-c", ""], check=True)
    late = f"from core import parent; parent.end_with({os.getpid() + 10**7}); print('went on')"
    told = subprocess.run(
        [sys.executable, "-c", late],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
    )
    assert nobody.returncode == 0 and told.returncode == 1 and told.stdout == b""
