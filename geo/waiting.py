"""A batch that waits for its commit, and what is said to those who cannot."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from core.errors import Busy, TooMany
from geo.taking import Batch, Outcome

log = logging.getLogger(__name__)

# What became of a batch, and the surveyor's open offers if they were asked for.
Tell = Callable[[Outcome | BaseException, list[int]], None]
News = Callable[[Any, Sequence[int]], Mapping[int, list[int]]]


class Ticket:
    """A batch that waits, and who is told what became of it."""

    __slots__ = ("batch", "came_s", "news", "tell")

    def __init__(self, batch: Batch, news: bool, came_s: float, tell: Tell) -> None:
        self.batch, self.news, self.came_s, self.tell = batch, news, came_s, tell

    def settle(self, outcome: Outcome | BaseException, news: list[int]) -> None:
        """Tells it. Whoever is told may not keep the others waiting: an error there is logged and ends nothing."""
        try:
            self.tell(outcome, news)
        except Exception:
            log.exception("what became of positions could not be told")


class Wait:
    """For a thread that waits. The lock is taken until the outcome is there: cheaper to wait for than an event."""

    __slots__ = ("outcome", "waiting")

    def __init__(self) -> None:
        self.outcome: tuple[Outcome | BaseException, list[int]] | None = None
        self.waiting = threading.Lock()
        self.waiting.acquire()

    def __call__(self, outcome: Outcome | BaseException, news: list[int]) -> None:
        """Lets the thread go on; what is told a second time is not heard."""
        if self.outcome is None:
            self.outcome = (outcome, news)
            self.waiting.release()


def too_many() -> TooMany:
    """What a newcomer hears while too many wait."""
    return TooMany("too many positions at once; send them again in a moment", retry_after_s=2)


def not_written() -> Busy:
    """What a batch hears that no writer took care of."""
    return Busy("positions are not being written; try again", retry_after_s=5)
