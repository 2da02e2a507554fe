"""One supervisor: starts programs, keeps their logs, restarts what dies, stops everything cleanly."""

import logging
import logging.handlers
import os
import resource
import selectors
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType

from core import parent
from launch.account import Account

LOG_BYTES, LOG_FILES = 10 * 1024 * 1024, 5
STEADY_S = 10.0
FIRST_PAUSE_S, KILLED_PAUSE_S, LONGEST_PAUSE_S = 0.1, 0.8, 10.0
LINE_BYTES = 64 * 1024
STOP_APPS_S, STOP_ENGINES_S = 5.0, 3.5
MOST_HANDLES = 16_384

Heard = Callable[[str, str], None]


@dataclass(frozen=True)
class Program:
    """One program to keep running. `engine`: stopped after the others. `once`: it is not started again.

    `nice` steps aside for the others (0 to 19); `terminal` hands it our own terminal instead of a log.
    """

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    engine: bool = False
    once: bool = False
    terminal: bool = False
    nice: int = 0


@dataclass
class Child:
    """A program and what has become of it."""

    program: Program
    log: logging.Logger
    process: subprocess.Popen[bytes] | None = None
    began: float = 0.0
    starts: int = 0
    pause_s: float = FIRST_PAUSE_S
    due: float = 0.0
    exit_code: int | None = None
    rest: bytes = b""
    said: deque[str] = field(default_factory=lambda: deque(maxlen=12))

    @property
    def alive(self) -> bool:
        """Whether its process runs."""
        return self.process is not None


class Supervisor:
    """Runs in the main thread: the kernel ends children whose starting thread is gone (PR_SET_PDEATHSIG)."""

    def __init__(self, logs: Path, heard: Heard, changed: Callable[[], None] = lambda: None) -> None:
        self.children: dict[str, Child] = {}
        self.signal = 0
        self._stopping = False
        self._asked = 0
        self._logs = logs
        self._heard = heard
        self._changed = changed
        self._selector = selectors.DefaultSelector()
        self._woken, self._wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._selector.register(self._woken, selectors.EVENT_READ, None)

    def __enter__(self) -> "Supervisor":
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) != signal.SIG_IGN:  # nohup and background jobs mean it
                signal.signal(number, self._ask_to_stop)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None
    ) -> None:
        self.stop_all()
        signal.set_wakeup_fd(-1)

    def _ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True
        self.signal = number
        self._asked += 1

    def stopping(self) -> bool:
        """Whether somebody asked it to stop (`signal` says how) or it is stopping already."""
        return self._stopping

    def start(self, program: Program) -> Child:
        """Starts a program and keeps it running."""
        child = self.children[program.name] = Child(program, self._logger(program.name))
        self._spawn(child)
        return child

    def run_until(
        self, done: Callable[[], bool], within_s: float = float("inf"), every_s: float = 0.05
    ) -> bool:
        """Supervises until `done` says so. False when asked to stop or out of time."""
        limit = time.monotonic() + within_s
        while not self._stopping:
            if done():
                return True
            if time.monotonic() >= limit:
                return False
            self.turn(every_s)
        return False

    def turn(self, timeout_s: float) -> None:
        """One round: read what was said, notice who ended, restart who is due."""
        for key, _ in self._selector.select(self._patience(timeout_s)):
            if key.data is None:
                self._drain_wakeups()
            else:
                self._read(key.data)
        for child in list(self.children.values()):
            if child.process is not None and child.process.poll() is not None:
                self._ended(child)
            elif child.process is None and child.due and not self._stopping and time.monotonic() >= child.due:
                self._spawn(child)

    def stop_all(self) -> None:
        """Stops the applications, then the engines; whoever does not listen in time is killed. Under 10 s."""
        self._stopping = True
        for engines, patience_s in ((False, STOP_APPS_S), (True, STOP_ENGINES_S)):
            group = [c for c in self.children.values() if c.program.engine == engines]
            for child in group:
                self._signal(child, child.program.stop_signal)
            limit, asked = time.monotonic() + patience_s, self._asked  # asked once more: no more patience
            while any(c.alive for c in group) and time.monotonic() < limit and self._asked == asked:
                self.turn(0.05)
            for child in group:
                self._signal(child, signal.SIGKILL)
            limit = time.monotonic() + 2
            while any(c.alive for c in group) and time.monotonic() < limit:
                self.turn(0.05)

    def _patience(self, timeout_s: float) -> float:
        waits = [c.due - time.monotonic() for c in self.children.values() if c.process is None and c.due]
        return max(0.0, min([timeout_s, *waits]))

    def _drain_wakeups(self) -> None:
        try:
            while os.read(self._woken, 4096):
                pass
        except BlockingIOError:
            return

    def _spawn(self, child: Child) -> None:
        program = child.program
        terminal = program.terminal
        ours = os.getpid()
        # An engine must have its own way to end, or its next start takes long. Everybody else may be killed at any moment,
        # and whoever is deaf or in the middle of something long would go on over the next start's tables and queues.
        last_word = program.stop_signal if program.engine else signal.SIGKILL

        def die_with_us() -> None:
            parent.end_with(ours, last_word)
            os.nice(program.nice)
            # A thousand phones and desks that listen hold two handles each; the usual limit is 1,024 in all.
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            if 0 <= soft < MOST_HANDLES:
                resource.setrlimit(
                    resource.RLIMIT_NOFILE, (MOST_HANDLES if hard < 0 else min(MOST_HANDLES, hard), hard)
                )

        child.process = subprocess.Popen(
            list(program.command),
            stdin=None if terminal else subprocess.DEVNULL,
            stdout=None if terminal else subprocess.PIPE,
            stderr=None if terminal else subprocess.STDOUT,
            env=dict(program.env),
            cwd=program.cwd,
            start_new_session=not terminal,
            preexec_fn=die_with_us,  # the supervisor has one thread
            **(program.account.drop() if program.account else {}),
        )
        child.began, child.due = time.monotonic(), 0.0
        child.starts += 1
        if child.process.stdout is not None:
            os.set_blocking(child.process.stdout.fileno(), False)
            self._selector.register(child.process.stdout, selectors.EVENT_READ, child)
        self._changed()

    def _read(self, child: Child) -> None:
        pipe = child.process.stdout if child.process else None
        if pipe is None:
            return
        try:
            data = os.read(pipe.fileno(), 65536)
        except BlockingIOError:
            return
        if not data:
            self._selector.unregister(pipe)
            pipe.close()
            return
        *lines, child.rest = (child.rest + data).split(b"\n")
        for line in lines:
            self._take_line(child, line)
        if len(child.rest) > LINE_BYTES:
            self._take_line(child, child.rest)
            child.rest = b""

    def _take_line(self, child: Child, line: bytes) -> None:
        text = line.decode("utf-8", "replace").rstrip()
        if text:
            child.log.info(text)
            child.said.append(text)
            self._heard(child.program.name, text)

    def _ended(self, child: Child) -> None:
        assert child.process is not None  # noqa: S101  the caller has just polled it
        pipe = child.process.stdout
        if pipe is not None and not pipe.closed:
            # Its own children may hold the pipe open; what it said itself is there already.
            for _ in range(64):
                before = child.rest, len(child.said)
                self._read(child)
                if pipe.closed or before == (child.rest, len(child.said)):
                    break
            if not pipe.closed:
                self._selector.unregister(pipe)
                pipe.close()
        self._take_line(child, child.rest)
        child.rest, child.exit_code = b"", child.process.returncode
        if not child.program.terminal:
            self._signal(child, signal.SIGKILL)  # what it leaves behind would hold its port
        child.process = None
        if not child.program.once and not self._stopping:
            self._plan_restart(child)
        self._changed()

    def _plan_restart(self, child: Child) -> None:
        code = child.exit_code or 0
        steady = time.monotonic() - child.began > STEADY_S
        # Killed from outside, it is wanted back at once; ending by itself again and again, it needs a person.
        longest_s = KILLED_PAUSE_S if code < 0 else LONGEST_PAUSE_S
        child.pause_s = FIRST_PAUSE_S if steady else min(longest_s, child.pause_s * 2)
        child.due = time.monotonic() + child.pause_s
        how = f"was killed ({-code})" if code < 0 else f"ended ({code})"
        text = f"{child.program.name} {how}, starting again in {child.pause_s:.1f} s"
        child.log.warning(text)
        self._heard("supervisor", text)

    @staticmethod
    def _signal(child: Child, number: signal.Signals) -> None:
        process = child.process
        if process is None:
            return
        try:
            if number == signal.SIGKILL and not child.program.terminal:
                os.killpg(process.pid, number)
            else:
                os.kill(process.pid, number)
        except ProcessLookupError:
            return

    def _logger(self, name: str) -> logging.Logger:
        logger = logging.Logger(name)
        handler = logging.handlers.RotatingFileHandler(
            self._logs / f"{name}.log", maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8"
        )
        handler.setFormatter(logging.Formatter("%(message)s"))
        logger.addHandler(handler)
        return logger
