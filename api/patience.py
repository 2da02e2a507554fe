"""How long a body may take. Uploads have their own rules (api/body.py); every other body is read by the thread that answers.

Whoever says "a thousand bytes follow" and falls silent would hold that thread for ever: the server has no limit (0027). So
so many bodies are read at once, in all and of one address, and one thread watches them and ends the connection of whoever
says nothing more. The read then returns what came, and the request is answered as any cut off one is.
"""

import io
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from api import lines
from core.errors import Busy

log = logging.getLogger(__name__)

# launch/processes.py gives the API so many threads more than everything else needs.
MOST_READING, MOST_READING_EACH = 160, 64
# Not a byte for so long.
QUIET_S = 20.0
# A body that trickles: so long for its beginning, then as on the slowest line, but never longer than the last.
BEGINNING_S, LEAST_BYTES_A_S, LONGEST_S = 30.0, 250, 180.0
LOOK_S = 1.0

Environ = dict[str, Any]


class Patience:
    """The WSGI application in front of everything that reads bodies."""

    def __init__(self, app: Any, *, quiet_s: float | None = None) -> None:
        self.app = app
        self.quiet_s = QUIET_S if quiet_s is None else quiet_s
        self.reading: dict[int, Reading] = {}
        self.watcher: threading.Thread | None = None
        self.starting = threading.Lock()

    def __call__(self, environ: Environ, respond: Callable[..., Any]) -> Iterable[bytes]:
        """Watches the body of a request."""
        self.watch(environ)
        return self.app(environ, respond)  # type: ignore[no-any-return]

    def watch(self, environ: Environ) -> None:
        """Puts the watched body in the place of the server's, unless it is watched or was read already."""
        if environ.get("CONTENT_LENGTH", "0") != "0" or "HTTP_TRANSFER_ENCODING" in environ:
            source = environ["wsgi.input"]
            if isinstance(source, Watched | io.BytesIO):
                return
            who = lines.caller(environ)
            if who is not None:
                environ["wsgi.input"] = Watched(source, self, who, _length(environ))

    @contextmanager
    def one(self, who: lines.Caller, length: int) -> Iterator[None]:
        """One read. Raises Busy when too many bodies are read already."""
        others = len(self.reading)
        if others >= MOST_READING or (
            others >= MOST_READING_EACH
            and sum(other.who.address == who.address for other in list(self.reading.values()))
            >= MOST_READING_EACH
        ):
            raise Busy("too many requests are coming in at once; try again in a moment", retry_after_s=2)
        if self.watcher is None:
            self._watch()
        me = threading.get_ident()
        self.reading[me] = Reading(who, length)
        try:
            yield
        finally:
            del self.reading[me]

    def _watch(self) -> None:
        with self.starting:
            if self.watcher is None:
                self.watcher = threading.Thread(target=self._look_for_ever, name="patience", daemon=True)
                self.watcher.start()

    def _look_for_ever(self) -> None:
        while True:
            time.sleep(LOOK_S)
            try:
                self.look()
            except Exception:
                # Without this thread silent senders would take the server's threads one by one.
                log.exception("could not look for silent senders")

    def look(self) -> None:
        """Ends the connections of those who said nothing for too long, and of those who trickle."""
        now = time.monotonic()
        late: dict[tuple[str, int], list[Reading]] = defaultdict(list)
        for reading in list(self.reading.values()):
            if now - reading.who.began >= self.quiet_s:
                late[reading.who.address, reading.who.port].append(reading)
        for readings in late.values():
            newest = max((reading.who for reading in readings), key=lambda who: who.began)
            lines.end_silent(newest, self.quiet_s, len(readings))
            endless = [reading.who for reading in readings if now - reading.who.began > reading.longest_s]
            if endless:
                lines.end_slow(max(endless, key=lambda who: who.began), len(endless))


class Reading:
    """A body that is being read."""

    def __init__(self, who: lines.Caller, length: int) -> None:
        self.who = who
        self.longest_s = min(BEGINNING_S + length / LEAST_BYTES_A_S, LONGEST_S)


def _length(environ: Environ) -> int:
    given = environ.get("CONTENT_LENGTH", "")
    return int(given) if given.isascii() and given.isdigit() else 0


class Watched:
    """A `wsgi.input` each read of which is known to the one who watches. `bare` is the server's own."""

    def __init__(self, bare: Any, patience: Patience, who: lines.Caller, length: int) -> None:
        self.bare, self.patience, self.who, self.length = bare, patience, who, length

    def read(self, size: int = -1, /) -> bytes:
        """As the server's."""
        with self.patience.one(self.who, self.length):
            told: bytes = self.bare.read() if size < 0 else self.bare.read(size)
            return told

    def readline(self, size: int = -1, /) -> bytes:
        """As the server's."""
        with self.patience.one(self.who, self.length):
            told: bytes = self.bare.readline()
            return told

    def readlines(self, hint: int = -1, /) -> list[bytes]:
        """As the server's."""
        return self.read().splitlines(keepends=True)

    def __iter__(self) -> Iterator[bytes]:
        """Line by line."""
        while line := self.readline():
            yield line
