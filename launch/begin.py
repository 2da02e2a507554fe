"""The first thing every command does: makes sure it runs in the environment, with what the command needs."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from launch import engines, environment, shell
from launch.board import Board
from launch.errors import CannotStart
from launch.places import ENVIRONMENT, PYTHON, Places


def enter(arguments: list[str], *, dev: bool = False, engines_for: Path | None = None) -> None:
    """Returns inside a current environment, or makes one and starts the same command again inside it.

    With `engines_for` (a data folder) PostgreSQL is fetched at the same time as the Python packages.
    """
    if not environment.is_ours():
        return
    inside = Path(sys.prefix) == ENVIRONMENT
    if environment.ready(dev):
        if not inside:
            _again(arguments)
        return
    signal.signal(signal.SIGTERM, _interrupt)
    with Board() as board:
        board.say("Chakan: setting up (once) …")
        jobs: list[Callable[[], object]] = [lambda: environment.ensure(board, dev)]
        if engines_for is not None:
            places = Places(engines_for.resolve())
            places.make()
            jobs.append(lambda: engines.ensure_postgres(places, board))
        together(jobs)
    _again(arguments)


def together(jobs: list[Callable[[], object]]) -> None:
    """Runs the jobs at the same time and raises the first thing that went wrong."""
    wrong: list[BaseException] = []

    def guarded(job: Callable[[], object]) -> None:
        try:
            job()
        except BaseException as error:  # noqa: BLE001  carried to the main thread, which raises it
            wrong.append(error)

    threads = [threading.Thread(target=guarded, args=(job,), daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    try:
        while any(thread.is_alive() for thread in threads) and not wrong:
            threads[0].join(0.1)
            time.sleep(0.1)
    except KeyboardInterrupt:
        shell.stop_running()
        raise
    if wrong:
        shell.stop_running()
        raise wrong[0]


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _again(arguments: list[str]) -> None:
    program = Path(sys.argv[0]).resolve()
    if os.environ.get("CHAKAN_STARTED_AGAIN") == str(os.getpid()):
        raise CannotStart(
            f"The environment in {ENVIRONMENT} cannot be used; delete that folder and try again."
        )
    os.environ["CHAKAN_STARTED_AGAIN"] = str(os.getpid())
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(  # noqa: S606  no shell is wanted
        PYTHON, [str(PYTHON), str(program), *arguments]
    )
