"""A process that ends with the one that started it, even when that one was killed and could tell nobody.

Linux tells a process when the *thread* that forked it ends (PR_SET_PDEATHSIG); children of a child do not inherit that, so
each level asks for itself. A pipe that everybody watches would need a thread in each, and PostgreSQL watches none.
"""

import ctypes
import os
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


def end_with(parent: int, number: signal.Signals = signal.SIGKILL) -> None:
    """Asks for that signal when the parent ends; ends at once when it already has. `parent`: its process id."""
    LIBC.prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        os._exit(1)


def end_with_server() -> None:
    """For a worker process of a server: it ends with the server's own process. Elsewhere it does nothing."""
    import multiprocessing

    server = multiprocessing.parent_process()
    if server is not None and server.pid is not None:
        end_with(server.pid)


def tied(command: list[str]) -> list[str]:
    """The command, run so that it is killed when the calling thread is gone: for tests and benches, that may be killed."""
    return [sys.executable, "-I", "-S", str(Path(__file__).resolve()), str(os.getpid()), *command]


if __name__ == "__main__":
    end_with(int(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606  the caller's own command
