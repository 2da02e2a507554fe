"""Group commit: batches of many waiting requests share one transaction, and each is answered only after its commit.

One commit a request cannot be quicker than the disk's flush; a commit for all who wait meanwhile is, and nobody waits
longer for it. A group never holds two batches of one surveyor, so each is judged exactly as if it had come alone. If a
group fails for one member's sake, each is tried alone and only that member hears of it.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg2
from sqlalchemy import Engine

from core import database
from core.errors import Busy, TooMany
from geo import service, store
from geo.filters import Limits
from geo.ledger import Ledger
from geo.taking import Batch, Outcome, Taken, take_together

log = logging.getLogger(__name__)

# A transaction takes this much at most, so that the first in it does not wait for a crowd.
MOST_BATCHES, MOST_FIXES = 200, 3_000
# While one group is written, another begins beside it only for so many: a few are cheaper in the group after it, and many
# should not wait for the disk's flush. Nor should a few wait longer than this for one that hangs on a lock.
LEAST_BESIDE, BESIDE_AFTER_S = 8, 0.1
# A limit somebody changed, or a shift's grace, counts after this long at the latest.
REMEMBER_S = 5.0
# Longer than any statement may run: a request must not wait for ever for a writer that died.
GIVE_UP_S, LOOK_S = 40.0, 5.0


class Remembered:
    """The filter settings of organisations, forgotten after five seconds."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self.now_s = now_s
        self.known: dict[int, tuple[float, Limits]] = {}

    def limits(self, ledger: Ledger, org_ids: Iterable[int]) -> Mapping[int, Limits]:
        """The settings of these organisations, asked for only if they are not known or were for too long."""
        wanted, since = set(org_ids), self.now_s() - REMEMBER_S
        unknown = [org for org in wanted if self.known.get(org, (since, None))[0] <= since]
        if unknown:
            read_at = self.now_s()
            self.known |= {org: (read_at, limits) for org, limits in ledger.limits(unknown).items()}
        return {org: self.known[org][1] for org in wanted}


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
    ) -> None:
        self.engine, self.news, self.moved = engine, news, moved
        self.writers, self.most, self.most_outside, self.oldest_s = writers, most, most_outside, oldest_s
        self.least_beside, self.beside_after_s = least_beside, beside_after_s
        self.writing, self.outside = 0, 0
        self.settings = Remembered()
        self.queue: deque[Ticket] = deque()
        self.held: dict[int, Ticket] = {}  # by id(): waiting or being written
        self.changed = threading.Condition()
        self.threads: list[threading.Thread] = []
        self.stopping = False
        self.ended = threading.Event()

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
            while not self._may_begin():
                if self.stopping:
                    return []
                # Nobody wakes it for what has only grown old.
                self.changed.wait(self.beside_after_s)
            self.writing += 1
            group = chosen(self.queue)
            if self._may_begin():
                self.changed.notify()
            return group


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


class Writer:
    """One connection that is kept, and its prepared statements."""

    def __init__(
        self,
        engine: Engine,
        settings: Remembered,
        news: News | None,
        leave: Callable[[Sequence[Ticket]], None] = lambda tickets: None,
    ) -> None:
        self.engine, self.settings, self.news, self.leave = engine, settings, news, leave
        self.link: Any = None

    def write(self, tickets: Sequence[Ticket]) -> list[int]:
        """Commits the tickets and lets each go; returns the surveyors whose dots moved."""
        try:
            outcomes, told = self._commit(tickets)
        except Exception as error:  # noqa: BLE001 - carried over to the requests' own threads, which raise it
            self._take_back()
            if len(tickets) > 1 and self.link is not None:
                log.warning("a group of positions failed; each alone", extra={"error": type(error).__name__})
                return [moved for ticket in tickets for moved in self.write([ticket])]
            failure = database.wrapped(error) if isinstance(error, psycopg2.Error) else error
            self.leave(tickets)
            for ticket in tickets:
                ticket.settle(failure, [])
            return []
        moved = []
        service.count(*(outcome for outcome in outcomes if isinstance(outcome, Taken)))
        self.leave(tickets)
        for ticket, outcome in zip(tickets, outcomes, strict=True):
            if isinstance(outcome, Taken) and outcome.last is not None:
                moved.append(ticket.batch.surveyor_id)
            ticket.settle(outcome, told.get(ticket.batch.surveyor_id, []))
        return moved

    def close(self) -> None:
        """Gives the connection up; the next group makes a new one."""
        link, self.link = self.link, None
        if link is not None:
            link.close()

    def _commit(self, tickets: Sequence[Ticket]) -> tuple[list[Outcome], Mapping[int, list[int]]]:
        """Commits, again after what can be put right: a missing day, a fix that was there, a lost connection.

        When the connection ends during the commit nobody knows whether it held; then the second try finds every
        fix there and stores none twice.
        """
        careful = False
        for last in (False, False, True):
            try:
                return self._once(tickets, careful=careful)
            except psycopg2.Error as error:
                self._take_back()
                if last:
                    raise
                if store.lacks_partition(error):
                    log.warning("a day of positions was missing; is the sweeper running?")
                    service.keep_days(database.sessions(self.engine))
                elif isinstance(error, psycopg2.errors.UniqueViolation):
                    careful = True
                elif self.link is not None:
                    raise
        raise RuntimeError("three tries ended without an outcome")

    def _once(
        self, tickets: Sequence[Ticket], *, careful: bool
    ) -> tuple[list[Outcome], Mapping[int, list[int]]]:
        """One transaction, committed by the ledger's last words."""
        if self.link is None:
            self.link = database.kept_connection(self.engine)
            with self.link.cursor() as cursor:
                Ledger(cursor, kept=True).prepare()
        with self.link.cursor() as cursor:
            ledger = Reporting(cursor, self.news, [t.batch.surveyor_id for t in tickets if t.news])
            batches = [ticket.batch for ticket in tickets]
            outcomes = take_together(ledger, batches, settings=self.settings, careful=careful)
        return outcomes, ledger.told

    def _take_back(self) -> None:
        """Ends a transaction that failed; a connection that cannot do even that is given up."""
        try:
            if self.link is not None:
                self.link.cursor().execute("ROLLBACK")
        except psycopg2.Error:
            self.close()


class Reporting(Ledger):
    """A ledger that reads the news just before it commits."""

    def __init__(self, cursor: Any, news: News | None, surveyor_ids: Sequence[int]) -> None:
        super().__init__(cursor, kept=True)
        self.news, self.surveyor_ids = news, surveyor_ids
        self.told: Mapping[int, list[int]] = {}

    def write(self, *given: Any) -> None:
        """As a ledger writes."""
        if self.news is not None and self.surveyor_ids:
            self.told = self.news(self.cursor, self.surveyor_ids)
        super().write(*given)
