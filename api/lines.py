"""The connections of this server as the kernel sees them: which one has gone silent, and how to end it.

Granian gives a request no socket, its `wsgi.input` no time limit, and a request that ends while a thread still reads its
body stops the whole process until that connection dies (0027). So the connection is found by what the kernel knows of it.
"""

import os
import socket
import stat
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Places in Linux' struct tcp_info: ms since we last sent and last received data, bytes received, segments of data sent.
SENT_MS, RECEIVED_MS, RECEIVED_BYTES, SEGMENTS_SENT, INFO_BYTES = 44, 52, 128, 156, 160
# Whoever is looked at for trickling: so long, and slow is less than this in that time or nothing for so long before.
SAMPLE_S, SAMPLE_BYTES, SAMPLE_QUIET_S = 1.0, 500, 5.0


@dataclass(frozen=True)
class Caller:
    """Who sends a request, as far as the server tells: his address and our port; and since when (monotonic)."""

    address: str
    port: int
    began: float = field(default_factory=time.monotonic)


@dataclass(frozen=True)
class Line:
    """An open connection: seconds since its last bytes came in and since ours went out; whether we ever said anything."""

    plug: socket.socket
    peer: Any
    received_s: float
    sent_s: float
    received_bytes: int
    answered: bool

    def is_asking(self) -> bool:
        """Whether something came after the last thing we said: a request that has no answer yet."""
        return self.received_s < self.sent_s or not self.answered

    def end(self) -> None:
        """Tells the server that no more will come. What it still has to say can be said."""
        with suppress(OSError):  # the peer hung up just now
            self.plug.shutdown(socket.SHUT_RD)


def caller(environ: dict[str, Any]) -> Caller | None:
    """The peer of a request, before any proxy's word for it; None when the server does not say."""
    address = environ.get("werkzeug.proxy_fix.orig", environ).get("REMOTE_ADDR", "")
    port = str(environ.get("SERVER_PORT", ""))
    return Caller(address, int(port)) if address and port.isdigit() else None


def end_silent(who: Caller, quiet_s: float, most: int = 1) -> int:
    """Ends connections of `who` that ask since then or longer and are silent for `quiet_s`; says how many.

    Several that fit are all due: each request that waits for such a one calls again until its own is ended.
    """
    with lines_of(who) as found:
        return _end([line for line in found if line.received_s >= quiet_s], who, most)


def end_slow(who: Caller, most: int = 1) -> int:
    """Ends connections of `who` that ask since then or longer and trickle; looks at them for a second."""
    with lines_of(who) as found:
        before = {line.peer: line.received_bytes for line in found}
    time.sleep(SAMPLE_S)
    with lines_of(who) as found:
        slow = [
            line
            for line in found
            if line.peer in before
            and (
                0 < line.received_bytes - before[line.peer] < SAMPLE_BYTES
                or line.received_s >= SAMPLE_QUIET_S
            )
        ]
        return _end(slow, who, most)


def _end(found: list[Line], who: Caller, most: int) -> int:
    age_s = time.monotonic() - who.began
    # Nothing was said to him since the request began (the kernel counts in steps of some milliseconds).
    due = [line for line in found if line.is_asking() and line.sent_s >= age_s - 0.1]
    # What came long before the request belongs to another one, which still works on its answer.
    due.sort(key=lambda line: (max(0.0, line.received_s - age_s - 1), -line.received_s))
    for line in due[:most]:
        line.end()
    return len(due[:most])


@contextmanager
def lines_of(who: Caller) -> Iterator[list[Line]]:
    """The connections of a peer to our port; closed afterwards, which leaves the server's own handles open."""
    found: list[Line] = []
    try:
        for plug in own_sockets():
            line = _line(plug, who)
            if line is None:
                plug.close()
            else:
                found.append(line)
        yield found
    finally:
        for line in found:
            line.plug.close()


def own_sockets() -> Iterator[socket.socket]:
    """Another handle on each socket of this process; the caller closes it."""
    for entry in Path("/proc/self/fd").iterdir():
        try:
            handle = int(entry.name)
            if not stat.S_ISSOCK(os.fstat(handle).st_mode):
                continue
            plug = socket.socket(fileno=os.dup(handle))
        except OSError:
            continue  # closed between the listing and the look
        yield plug


def _line(plug: socket.socket, who: Caller) -> Line | None:
    try:
        if plug.family not in (socket.AF_INET, socket.AF_INET6) or plug.type != socket.SOCK_STREAM:
            return None
        peer = plug.getpeername()
        if plug.getsockname()[1] != who.port or peer[0] != who.address:
            return None
        told = plug.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, INFO_BYTES)
        (sent_ms,) = struct.unpack_from("=I", told, SENT_MS)
        (received_ms,) = struct.unpack_from("=I", told, RECEIVED_MS)
        (received,) = struct.unpack_from("=Q", told, RECEIVED_BYTES)
        (segments,) = struct.unpack_from("=I", told, SEGMENTS_SENT)
    except (OSError, struct.error):
        return None  # it listens, or is gone
    return Line(plug, peer, received_ms / 1000, sent_ms / 1000, received, segments > 0)
