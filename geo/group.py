"""Group commit: batches of many waiting requests share one transaction, and each is answered only after its commit.

One commit a request cannot be quicker than the disk's flush; a commit for all who wait meanwhile is, and nobody waits
longer for it. A group never holds two batches of one surveyor, so each is judged exactly as if it had come alone. If a
group fails for one member's sake, each is tried alone and only that member hears of it.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Engine

from geo.taking import Batch, Taken
from geo.waiting import News, Tell, Ticket, Wait, not_written, too_many
from geo.writer import Remembered, Writer

log = logging.getLogger(__name__)

# A transaction takes this much at most, so that the first in it does not wait for a crowd.
MOST_BATCHES, MOST_FIXES = 200, 3_000
# While one group is written, another begins beside it only for so many: a few are cheaper in the group after it, and many
# should not wait for the disk's flush. Nor should a few wait longer than this for one that hangs on a lock.
LEAST_BESIDE, BESIDE_AFTER_S = 8, 0.1
# A group of fewer begins no sooner after the last one began: where pings come steadily, a third of the processor was spent
# on transactions of one or two. A ping after a pause waits for nobody.
GATHER_S = 0.004
# Longer than any statement may run: a request must not wait for ever for a writer that died.
GIVE_UP_S, LOOK_S = 40.0, 5.0


class Group:
    """Takes batches from request threads and commits them together. One a process, with threads of its own.

    `most` batches wait at once, none of them longer than `oldest_s` before newcomers are sent away (429): positions
    come again, a claim does not. `news` reads, in the same transaction, what the answers tell the surveyors;
    `moved` hears whose dots moved, after the commit.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        news: News | None = None,
        moved: Callable[[Sequence[int]], None] = lambda ids: None,
        writers: int = 2,
        most: int = 48,
        most_outside: int = 12,
        oldest_s: float = 1.0,
        least_beside: int = LEAST_BESIDE,
        beside_after_s: float = BESIDE_AFTER_S,
        gather_s: float = GATHER_S,
    ) -> None:
        self.engine, self.news, self.moved = engine, news, moved
        self.writers, self.most, self.most_outside, self.oldest_s = writers, most, most_outside, oldest_s
        self.least_beside, self.beside_after_s, self.gather_s = least_beside, beside_after_s, gather_s
        self.writing, self.outside, self.began_s = 0, 0, 0.0
        self.settings = Remembered()
        self.queue: deque[Ticket] = deque()
        self.held: dict[int, Ticket] = {}  # by id(): waiting or being written
        self.changed = threading.Condition()
        self.threads: list[threading.Thread] = []
        self.stopping = False
        self.ended = threading.Event()

    def begin(self) -> None:
        """Begins the writers ahead of the first batch, each with its connection."""
        with self.changed:
            self._start()

    def crowded(self, beside: int = 0) -> bool:
        """Whether a newcomer should come again later. `beside`: so many were let in and are still on their way here."""
        if len(self.held) + beside >= self.most or self.outside >= self.most_outside:
            return True
        # Copied in one step: asked without the lock, an iterator would meet tickets that come and go (an answer of 500).
        oldest = next(iter(list(self.held.values())), None)
        return oldest is not None and time.monotonic() - oldest.came_s > self.oldest_s

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Around a request for positions that is written by itself, by a connection of the pool.

        `most_outside` of them at once: beyond that every newcomer is sent away, or a flood of them would hold the
        connections that reports need. Raises TooMany.
        """
        with self.changed:
            if self.crowded():
                raise too_many()
            self.outside += 1
        try:
            yield
        finally:
            with self.changed:
                self.outside -= 1

    def submit(self, batch: Batch, *, news: bool = False, insist: bool = False) -> tuple[Taken, list[int]]:
        """Waits until the batch is committed; returns what became of it and, if asked, the surveyor's open offers.

        Raises TooMany when too many wait (`insist`: a later part of what was let in), Busy when the writer does not
        answer, and what the batch itself deserves.
        """
        wait = Wait()
        self.submit_later(batch, wait, news=news, insist=insist)
        if not wait.waiting.acquire(timeout=2 * GIVE_UP_S):
            raise not_written()
        if wait.outcome is None:
            raise RuntimeError("a batch was let go without an outcome")
        outcome, offers = wait.outcome
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome, offers

    def submit_later(self, batch: Batch, tell: Tell, *, news: bool = False, insist: bool = False) -> None:
        """Returns at once; `tell` hears after the commit what became of the batch, in a thread that others wait for.

        It may hear twice. Raises TooMany as `submit`.
        """
        ticket = Ticket(batch, news, time.monotonic(), tell)
        with self.changed:
            if not insist and self.crowded():
                raise too_many()
            self._start()
            self.queue.append(ticket)
            self.held[id(ticket)] = ticket
            if self._may_begin():
                self.changed.notify()

    def stop(self) -> None:
        """Ends the writers after what waits was written."""
        with self.changed:
            self.stopping = True
            self.changed.notify_all()
        self.ended.set()
        for thread in self.threads:
            thread.join(timeout=10)

    def _start(self) -> None:
        # Only now: a server may build the application and then fork, and threads do not survive that.
        if not self.threads:
            works = [self._give_up_on, *[self._write_on] * self.writers]
            self.threads = [threading.Thread(target=w, name="positions-writer", daemon=True) for w in works]
            for thread in self.threads:
                thread.start()

    def _write_on(self) -> None:
        writer = Writer(self.engine, self.settings, self.news, self._leave)
        writer.make_ready()
        while tickets := self._next():
            try:
                moved = writer.write(tickets)
            finally:
                with self.changed:
                    self.writing -= 1
            if moved:
                self._tell(moved)
        writer.close()

    def _leave(self, tickets: Sequence[Ticket]) -> None:
        """Makes room before the answers go out: whoever is answered may send again at once."""
        with self.changed:
            for ticket in tickets:
                self.held.pop(id(ticket), None)

    def _give_up_on(self) -> None:
        """Answers those whose writer died or hangs: no thread waits for them that would notice."""
        while not self.ended.wait(LOOK_S):
            before = time.monotonic() - GIVE_UP_S
            late = [ticket for ticket in list(self.held.values()) if ticket.came_s < before]
            self._leave(late)
            for ticket in late:
                ticket.settle(not_written(), [])

    def _tell(self, moved: Sequence[int]) -> None:
        try:
            self.moved(moved)
        except Exception:
            # The positions are stored and answered; the live map is redrawn by the sweeper.
            log.exception("the live map was not told")

    def _may_begin(self) -> bool:
        if not self.writing or not self.queue:
            return bool(self.queue)
        waited_s = time.monotonic() - self.queue[0].came_s
        return len(self.queue) >= self.least_beside or waited_s > self.beside_after_s

    def _next(self) -> list[Ticket]:
        """The tickets of the next transaction, oldest first; empty when it is time to stop."""
        with self.changed:
            while True:
                while not self._may_begin():
                    if self.stopping:
                        return []
                    # Nobody wakes it for what has only grown old.
                    self.changed.wait(self.beside_after_s)
                self.writing += 1
                self._gather()
                if self.queue:
                    break
                self.writing -= 1  # the other writer took them meanwhile
            self.began_s = time.monotonic()
            group = chosen(self.queue)
            if self._may_begin():
                self.changed.notify()
            return group

    def _gather(self) -> None:
        """Waits for more where few wait and the last group has only just begun; woken when there are enough."""
        rest_s = self.began_s + self.gather_s - time.monotonic()
        if rest_s > 0 and len(self.queue) < self.least_beside and not self.stopping:
            self.changed.wait(rest_s)


def chosen(queue: deque[Ticket]) -> list[Ticket]:
    """Takes the next group out of the queue: oldest first, one batch of a surveyor, so much at most."""
    group: list[Ticket] = []
    stay: list[Ticket] = []
    surveyors: set[int] = set()
    fixes = 0
    while queue and len(group) < MOST_BATCHES and fixes < MOST_FIXES:
        ticket = queue.popleft()
        if ticket.batch.surveyor_id in surveyors:
            stay.append(ticket)
            continue
        surveyors.add(ticket.batch.surveyor_id)
        group.append(ticket)
        fixes += len(ticket.batch.fixes)
    queue.extendleft(reversed(stay))
    return group
