"""The bytes of a request as they arrive, without letting a silent sender hold the request.

A WSGI server's `read` blocks until it has what was asked for or the connection ends; over a half-open connection that
is never. So a thread of its own reads and writes, and the request watches it with a limit: when a phone falls silent its
connection is ended, the read with it, what arrived is kept and the answer says where to go on (U-04, U-30).
"""

import functools
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from api import lines
from core.errors import Busy
from media.errors import TooSlow

# Small pieces for slow phones, so that little is lost and slowness is noticed; larger ones for fast lines.
LEAST_PIECE, FIRST_PIECE, MOST_PIECE, RACING_PIECE = 256, 4 * 1024, 64 * 1024, 1024 * 1024
RACING_S, QUICK_S, SLOW_S = 0.005, 0.05, 1.0
STALL_S = 30.0
# A 2G phone sends about 2,500 bytes a second; below a tenth of that somebody is only holding the door.
MIN_BYTES_PER_S = 250
WINDOW_S = 20.0
# A slow body holds one of the server's threads (launch/processes.py): the others stay free for reports and offers.
MAX_RECEIVING, MAX_RECEIVING_EACH = 40, 6
MAX_READERS = 512
# How often a silent connection is looked for until its read has ended.
END_S = 0.5
# A peer that is gone without a word is noticed after 30 + 3 × 10 s.
IDLE_S, PROBE_S, PROBES = 30, 10, 3


Sink = Callable[[bytes], None]


class Input(Protocol):
    """What `wsgi.input` can do."""

    def read(self, size: int, /) -> bytes: ...


class Slots:
    """How many bodies are received at once, in all and of each sender."""

    def __init__(self, total: int, each: int) -> None:
        self._total, self._each = total, each
        self._lock = threading.Lock()
        self._taken: Counter[str] = Counter()

    @contextmanager
    def one(self, who: str) -> Iterator[None]:
        """Holds one place. Raises Busy when all, or the sender's own, are taken."""
        with self._lock:
            if self._taken.total() >= self._total or self._taken[who] >= self._each:
                raise Busy("too many uploads at once; try again in a moment", retry_after_s=2)
            self._taken[who] += 1
        try:
            yield
        finally:
            with self._lock:
                self._taken[who] -= 1
                self._taken += Counter()  # drops those at zero


_slots = Slots(MAX_RECEIVING, MAX_RECEIVING_EACH)
_readers = threading.BoundedSemaphore(MAX_READERS)


def length_of(environ: dict[str, Any]) -> int | None:
    """The Content-Length, or None for a chunked body."""
    given = environ.get("CONTENT_LENGTH", "")
    return int(given) if given.isascii() and given.isdigit() else None


def pump(environ: dict[str, Any], who: str, sink: Sink, *, stall_s: float = STALL_S) -> None:
    """Hands the body to `sink` piece by piece, until its end or the connection's.

    Raises TooSlow, Busy when too many are sending, and whatever `sink` raises.
    """
    length = length_of(environ)
    if length == 0 or (length is None and not environ.get("wsgi.input_terminated")):
        return
    notice_dead_peers()
    source = environ["wsgi.input"]
    with _slots.one(who):
        # Not the watched one of api/patience.py: the rules of an upload are these.
        reader = Reader(getattr(source, "bare", source), length, sink, frozen_by(environ))
        reader.start()
        reader.watch(stall_s)


def frozen_by(environ: dict[str, Any]) -> lines.Caller | None:
    """Whose connection must be ended before the request may be, or None.

    Granian stops the whole process when a request ends during a read of its body, until that connection is gone.
    """
    return lines.caller(environ) if environ.get("SERVER_SOFTWARE") == "Granian" else None


class Reader:
    """Reads and hands on in its own thread; the request only watches that it gets on."""

    def __init__(
        self, source: Input, length: int | None, sink: Sink, caller: lines.Caller | None = None
    ) -> None:
        self.source, self.left, self.sink, self.caller = source, length, sink, caller
        self.turn = threading.Lock()
        self.done = threading.Event()
        self.stopped = False
        self.taken = 0
        self.heard_at = time.monotonic()
        self.failure: BaseException | None = None

    def start(self) -> None:
        """Starts the thread. Raises Busy when too many are still stuck on dead connections."""
        if not _readers.acquire(blocking=False):
            raise Busy("too many uploads at once; try again in a moment", retry_after_s=5)
        try:
            threading.Thread(target=self.run, name="upload-reader", daemon=True).start()
        except RuntimeError as error:
            _readers.release()
            raise Busy("too many uploads at once; try again in a moment", retry_after_s=5) from error

    def run(self) -> None:
        """Reads until the end, the loss of the connection, or nobody wants more."""
        try:
            self._read()
        except BaseException as error:  # noqa: BLE001 - carried over to the request's own thread, which raises it
            self.failure = error
        finally:
            _readers.release()
            self.done.set()

    def _read(self) -> None:
        size = FIRST_PIECE
        while self.left != 0:
            begun = time.monotonic()
            piece = self._next(size)
            with self.turn:
                if not piece or self.stopped:
                    return
                self.sink(piece)
            self.heard_at = time.monotonic()
            self.taken += len(piece)
            size = next_size(size, self.heard_at - begun)

    def _next(self, size: int) -> bytes:
        try:
            piece = self.source.read(size if self.left is None else min(size, self.left))
        except (OSError, ValueError):
            # A server's own way to say that the connection is gone; the sender resumes from what arrived.
            return b""
        if self.left is not None:
            self.left -= len(piece)
        return piece

    def watch(self, stall_s: float) -> None:
        """Waits for the end. Raises TooSlow after `stall_s` of silence or a window below the least rate."""
        window_began, before = time.monotonic(), 0
        while not self.done.wait(timeout=min(stall_s, 1.0)):
            now = time.monotonic()
            if now - self.heard_at > stall_s:
                self._stop("the sender fell silent; go on from Upload-Offset")
            if now - window_began > WINDOW_S:
                if self.taken - before < MIN_BYTES_PER_S * (now - window_began):
                    self._stop("the sender is too slow; go on from Upload-Offset")
                window_began, before = now, self.taken
        if self.failure is not None:
            raise self.failure

    def _stop(self, why: str) -> None:
        with self.turn:  # whatever the thread still reads goes nowhere
            self.stopped = True
        # The place is kept until the read has ended: never more of them than there are places.
        while self.caller is not None and not self.done.is_set():
            lines.end_slow(self.caller)
            self.done.wait(END_S)
        raise TooSlow(why, retry_after_s=1)


def next_size(size: int, took_s: float) -> int:
    """The next piece: larger after a quick one, smaller after a slow one."""
    if took_s < RACING_S:
        return min(size * 16, RACING_PIECE)
    if took_s < QUICK_S:
        return min(size * 4, MOST_PIECE)
    if took_s > SLOW_S:
        return max(size // 4, LEAST_PIECE)
    return size


@functools.cache
def notice_dead_peers() -> int:
    """Turns keep-alive probes on for this process's listening sockets, which accepted connections inherit.

    Without them a phone that vanished leaves its connection, and the thread reading it, for ever. Returns how many.
    """
    found = 0
    for plug in lines.own_sockets():
        with plug, suppress(OSError):
            found += _probe_through(plug)
    return found


def _probe_through(listener: socket.socket) -> bool:
    if listener.family not in (socket.AF_INET, socket.AF_INET6):
        return False
    if not listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        return False
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, IDLE_S)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, PROBE_S)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, PROBES)
    return True
