"""Asking one provider: at once when it is ours, under a deadline and behind a breaker when it is far away."""

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from geo.breaker import Breaker
from geo.fix import LonLat
from geo.table import Provider, RouterFailed, Table, crow_m

log = logging.getLogger(__name__)

# So many calls to one provider may be on their way at once, from all threads of the process.
CALLS = 8
PARALLEL = 4


@dataclass(frozen=True)
class Part:
    """A call to make: which starts and which places of the question."""

    rows: list[int]
    columns: list[int]


class Line:
    """The line to a provider, with its breaker and its free hands."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.breaker = Breaker()
        self.hands = threading.BoundedSemaphore(CALLS)

    def ask(self, places: Sequence[LonLat], starts: Sequence[LonLat], until: float) -> Table:
        """What the provider knows, NaN for the rest. Never raises; a remote one is waited for until `until` only."""
        if not self.provider.remote:
            return self._at_once(places, starts)
        blank = Table.blank(len(starts), len(places))
        now = time.monotonic()
        if now >= until or not self.breaker.allows(now):
            return blank
        parts = list(_parts(self.provider, places, starts))
        answered = self._together(parts, places, starts, until, blank)
        if answered:
            self.breaker.succeeded()
        return blank

    def _at_once(self, places: Sequence[LonLat], starts: Sequence[LonLat]) -> Table:
        try:
            return self.provider.table(places, starts)
        except RouterFailed:
            return Table.blank(len(starts), len(places))

    def _together(
        self, parts: list[Part], places: Sequence[LonLat], starts: Sequence[LonLat], until: float, into: Table
    ) -> bool:
        """Makes the calls side by side and writes what comes back in time; whether the provider is well."""
        todo = deque(parts)
        came: queue.SimpleQueue[tuple[Part, Table | RouterFailed]] = queue.SimpleQueue()

        def work() -> None:
            try:
                while todo and time.monotonic() < until:
                    try:
                        part = todo.popleft()
                    except IndexError:
                        return
                    came.put((part, self._call(part, places, starts)))
            finally:
                self.hands.release()

        # Daemons, never joined: a thread stuck in a dead name server must not hold up anybody, not even the exit.
        workers = 0
        while workers < min(PARALLEL, len(parts)) and self.hands.acquire(blocking=False):
            threading.Thread(target=work, daemon=True, name=f"eta-{self.provider.name}").start()
            workers += 1
        if not workers:
            return self._gone("no free hand")
        answered = False
        for _ in parts:
            try:
                part, answer = came.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                return answered or self._gone("no answer in time")
            if isinstance(answer, RouterFailed):
                if answer.sick:
                    return self._gone(str(answer))
                continue
            answered = True
            cells = np.ix_(part.rows, part.columns)
            into.seconds[cells], into.metres[cells] = answer.seconds, answer.metres
        return True

    def _call(self, part: Part, places: Sequence[LonLat], starts: Sequence[LonLat]) -> Table | RouterFailed:
        try:
            return self.provider.table([places[j] for j in part.columns], [starts[i] for i in part.rows])
        except RouterFailed as error:
            return error
        except Exception as error:
            log.exception("routing provider broke", extra={"provider": self.provider.name})
            return RouterFailed(type(error).__name__)

    def _gone(self, why: str) -> bool:
        if self.breaker.failed(time.monotonic()):
            log.warning(
                "routing provider left alone for a while",
                extra={"provider": self.provider.name, "error": why},
            )
        return False


def _parts(provider: Provider, places: Sequence[LonLat], starts: Sequence[LonLat]) -> Iterator[Part]:
    """The calls that make up a question; of too many starts only the nearest are asked about."""
    batch, wide = getattr(provider, "batch_starts", 100), getattr(provider, "batch_places", 1)
    order = list(range(len(starts)))
    most = getattr(provider, "most_starts", len(order))
    if len(order) > most:
        near = np.argsort(crow_m(starts, places).min(axis=1), kind="stable")
        order = [int(i) for i in near[:most]]
    for first in range(0, len(order), batch):
        rows = order[first : first + batch]
        for left in range(0, len(places), wide):
            yield Part(rows, list(range(left, min(left + wide, len(places)))))
