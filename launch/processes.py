"""The processes of Chakan and what they are told."""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from launch.places import ROOT, Places
from launch.site import Site
from launch.supervise import Program

# How much each queue steps aside: a thumbnail costs a second of a core that an offer may want.
QUEUES = {"offers": 0, "messages": 0, "photos": 5, "chores": 10}
# Each relayed live viewer holds a thread that sleeps (api/live.py), and so do 40 slow uploads (api/body.py), 160 bodies that
# are still coming in (api/patience.py) and 48 positions that wait for their commit (geo/group.py); the others answer
# requests whatever happens. Granian starts a thread when it is needed and ends it when it has been idle, so a site
# without viewers pays for none.
RELAYED_VIEWERS = 240
RELAYED_BELLS = 1200
API_THREADS = RELAYED_VIEWERS + RELAYED_BELLS + 40 + 160 + 48 + 32


def environment(
    site: Site, *, public_url: str, api_url: str, live_port: int, demo: bool, roads: Path | None
) -> dict[str, str]:
    """The CHAKAN_ variables handed to every process."""
    told = {
        "CHAKAN_DATABASE_URL": site.database_url,
        "CHAKAN_REDIS_URL": site.redis_url,
        "CHAKAN_SECRET_KEY": os.environ.get("CHAKAN_SECRET_KEY") or site.secrets["secret_key"],
        "CHAKAN_DATA": str(site.places.data),
        "CHAKAN_PUBLIC_URL": public_url,
        "CHAKAN_API_URL": api_url,
        "CHAKAN_LIVE_URL": f"http://127.0.0.1:{live_port}",
        "CHAKAN_DEMO": "1" if demo else "0",
        "PROMETHEUS_MULTIPROC_DIR": str(_empty_metrics(site.places)),
    }
    if roads:
        told["CHAKAN_ROADS"] = str(roads.resolve())
    return told


def _empty_metrics(places: Places) -> Path:
    """The folder of the counters. Emptied: those of processes that are gone would be added up for ever."""
    folder = places.run / "metrics"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def full(told: Mapping[str, str]) -> dict[str, str]:
    """The whole environment of a process of ours."""
    # Without its cache of compiled modules each of nine processes would compile everything again at every start.
    base = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PYTHONDONTWRITEBYTECODE", "PYTHONHOME")
    }
    return {**base, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "MALLOC_ARENA_MAX": "4", **told}


def python(name: str, told: Mapping[str, str], *arguments: str, once: bool = False, nice: int = 0) -> Program:
    """A program that is a Python module of the environment we run in."""
    return Program(name, [sys.executable, *arguments], full(told), ROOT, once=once, nice=nice)


def door(told: Mapping[str, str], host: str, port: int) -> Program:
    """The API and the pages."""
    options = [
        "--interface",
        "wsgi",
        "--factory",
        "--no-ws",
        "--workers",
        "1",
        "--blocking-threads",
        str(API_THREADS),
    ]
    # A worker that dies takes the whole server along, and the supervisor starts it again at once: granian's own
    # respawn waits 3.5 s. A worker that is still sending a live stream must not hold up the end.
    options += ["--workers-kill-timeout", "3", "--log-level", "warning", "--backlog", "2048"]
    return python("api", told, "-m", "granian", *options, "--host", host, "--port", str(port), "wsgi:api")


def live(told: Mapping[str, str], port: int) -> Program:
    """The stream of server-sent events, behind the door."""
    options = ["-k", "gevent", "-w", "1", "--worker-connections", "4000", "--graceful-timeout", "2"]
    options += ["--log-level", "warning", "--no-control-socket", "-b", f"127.0.0.1:{port}"]
    return python("live", told, "-m", "gunicorn", *options, "wsgi:live()")


def sweeper(told: Mapping[str, str]) -> Program:
    """The keeper of every deadline."""
    return python("sweeper", told, "-m", "worker", "sweep")


def workers(told: Mapping[str, str]) -> list[Program]:
    """One RQ worker for each queue: a thumbnail never waits in front of an offer."""
    return [
        python(f"worker-{queue}", told, "-m", "worker", "rq", queue, nice=nice)
        for queue, nice in QUEUES.items()
    ]


def demonstration(told: Mapping[str, str]) -> Program:
    """The simulated surveyors and reporters."""
    return python("demo", told, "-m", "lab.demo", nice=10)


def roads(told: Mapping[str, str], source: str, folder: Path) -> Program:
    """Builds the road graph while the site already serves; steps aside for everybody."""
    return python("roads", told, "-m", "launch.roads", source, str(folder), once=True, nice=10)


def first_start(told: Mapping[str, str]) -> Program:
    """Migrations, first administrator, demonstration data."""
    return python("setup", told, "-m", "launch.firststart", once=True)
