"""A whole running site for tests: real servers, workers and sweeper on free ports over the test's database."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from core import parent
from launch.processes import API_THREADS

ROOT = Path(__file__).parent.parent
STOP_S = 1.5
# A process is tied to the thread that started it: this one lives as long as the tests, a test's own may not.
STARTER = ThreadPoolExecutor(1, "starter")


def answers(url: str, seconds: float = 2) -> bool:
    """Whether somebody at that address says 200. No httpx: each of its calls reads all certificates of the machine first."""
    at = urlsplit(url)
    line = http.client.HTTPConnection(at.netloc, timeout=seconds)
    try:
        line.request("GET", at.path)
        return line.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        line.close()


def free_port() -> int:
    """A port nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Site:
    """The running processes by name; `url` is the one address of everything."""

    url: str
    data: Path
    env: dict[str, str]
    commands: dict[str, list[str]]
    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def start(self, name: str) -> None:
        """Starts one process, its output into the data folder."""
        with (self.data / f"{name}.log").open("ab") as log:

            def start() -> "subprocess.Popen[bytes]":
                return subprocess.Popen(
                    parent.tied(self.commands[name]), cwd=ROOT, env=self.env, stdout=log, stderr=log,
                    start_new_session=True,
                )  # fmt: skip

            self.running[name] = STARTER.submit(start).result()

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Kills one process and whatever it forked."""
        process = self.running.pop(name)
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return
        process.wait(timeout=15)

    def wait(self, seconds: float = 90) -> None:
        """Waits until the site takes reports and its sweeper beats."""
        deadline = time.monotonic() + seconds
        with httpx.Client(base_url=self.url, timeout=2) as client:
            while time.monotonic() < deadline:
                try:
                    answer = client.get("/readyz")
                    if answer.status_code == 200 and answer.json()["sweeper"] == "ok":
                        return
                except httpx.HTTPError:
                    pass  # not listening yet
                time.sleep(0.2)
        raise TimeoutError("the site did not start:\n" + "\n".join(self.tail(name) for name in self.commands))

    def wait_alive(self, seconds: float = 60) -> None:
        """Waits until the API answers."""
        deadline = time.monotonic() + seconds
        while not answers(f"{self.url}/livez"):
            if time.monotonic() > deadline:
                raise TimeoutError(self.tail("api"))
            time.sleep(0.1)

    def tail(self, name: str, size: int = 2000) -> str:
        """The end of a process's log."""
        path = self.data / f"{name}.log"
        return f"--- {name}\n" + (path.read_text(errors="replace")[-size:] if path.exists() else "")

    def stop(self) -> None:
        """Ends everything: asked together, and killed when it takes long over its streams."""
        for process in self.running.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_S
        while time.monotonic() < deadline and any(p.poll() is None for p in self.running.values()):
            time.sleep(0.02)
        for name in list(self.running):
            self.kill(name)


def build(
    data: Path,
    database_url: str,
    redis_url: str,
    *,
    workers: tuple[str, ...] = ("offers", "messages", "photos"),
) -> Site:
    """Describes a site; `start_all` runs it."""
    port, live_port = free_port(), free_port()
    url = f"http://127.0.0.1:{port}"
    (data / "metrics").mkdir(parents=True, exist_ok=True)
    env = os.environ | {
        "CHAKAN_DATABASE_URL": database_url,
        "CHAKAN_REDIS_URL": redis_url,
        "CHAKAN_SECRET_KEY": "tests only",
        "CHAKAN_DATA": str(data),
        "CHAKAN_PUBLIC_URL": url,
        "CHAKAN_LIVE_URL": f"http://127.0.0.1:{live_port}",
        "PROMETHEUS_MULTIPROC_DIR": str(data / "metrics"),
        "PYTHONWARNINGS": "",
    }
    granian = [sys.executable, "-m", "granian", "--interface", "wsgi", "--factory", "wsgi:api"]
    gunicorn = [
        sys.executable,
        "-m",
        "gunicorn",
        "-k",
        "gevent",
        "-w",
        "1",
        "--worker-connections",
        "4000",
        "-b",
        f"127.0.0.1:{live_port}",
        "--graceful-timeout",
        "2",
        "wsgi:live()",
    ]
    commands = {
        "api": [
            *granian,
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--blocking-threads",
            str(API_THREADS),
            "--no-ws",
            "--workers-kill-timeout",
            "3",
        ],
        "live": gunicorn,
        "sweeper": [sys.executable, "-m", "worker", "sweep"],
        **{f"worker-{name}": [sys.executable, "-m", "worker", "rq", name] for name in workers},
    }
    return Site(url, data, env, commands)


def start_all(site: Site, seconds: float = 90) -> Site:
    """Runs every process and waits, `seconds` at most, until the site is ready."""
    for name in site.commands:
        site.start(name)
    site.wait(seconds)
    return site
