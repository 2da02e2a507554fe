"""`chakan test`: a private PostgreSQL and Redis, a browser, pytest, and everything gone again afterwards."""

import os
import signal
import sys
import time

from launch import browser, processes, welcome
from launch.board import Board
from launch.places import ROOT, TEST_DATA, Places
from launch.site import Site, held, open_site, start_engines
from launch.supervise import Program, Supervisor

PATIENCE_S = 8.0
# One more than there are processors: browsers, phones and lines are waited for a third of the time.
PROCESSES = min(4, (os.cpu_count() or 2) + 1)
DEFAULT = ("-n", str(PROCESSES), "--dist", "loadgroup", "-m", "not slow")


def test(arguments: list[str]) -> int:
    """Runs pytest with the arguments (without any: all but the slow ones, in a few processes). Returns pytest's exit code."""
    places = Places(TEST_DATA)
    places.make()
    with held(places):
        with Board() as board:
            site = open_site(places, board, test=True)
            chromium = browser.ensure(places, board)
        env = processes.full(
            {
                "CHAKAN_TEST_DATABASE_URL": site.database_url,
                "CHAKAN_TEST_REDIS_URL": site.redis_url,
                "CHAKAN_CHROMIUM": str(chromium),
            }
        )
        command = [sys.executable, "-m", "pytest", *(arguments or DEFAULT)]
        return _run(places, site, Program("pytest", command, env, ROOT, once=True, terminal=True))


def _run(places: Places, site: Site, pytest: Program) -> int:
    with Supervisor(places.log, lambda name, line: None) as supervisor:
        start_engines(supervisor, site)
        if supervisor.stopping():
            return 130
        child = supervisor.start(pytest)
        supervisor.run_until(lambda: not child.alive, every_s=1.0)
        if supervisor.stopping():
            welcome.say("Stopping the tests …")
            # The terminal sent Ctrl-C to pytest too: it reports what it has before it goes.
            wait_s = PATIENCE_S if supervisor.signal == signal.SIGINT else 0
            limit = time.monotonic() + wait_s
            while child.alive and time.monotonic() < limit:
                supervisor.turn(0.1)
        supervisor.stop_all()
        return 130 if child.exit_code is None else child.exit_code % 256
