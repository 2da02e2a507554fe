"""The writer of a group's batches: one kept connection, one transaction, tried again where that can help."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import psycopg2
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from core import database
from geo import service, store
from geo.filters import Limits
from geo.ledger import Ledger
from geo.taking import Outcome, Taken, take_together
from geo.waiting import News, Ticket

log = logging.getLogger(__name__)

# A limit somebody changed, or a shift's grace, counts after this long at the latest.
REMEMBER_S = 5.0


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

    def make_ready(self) -> None:
        """Connects and has the statements planned, so that the first group need not wait for it."""
        try:
            self._connect()
        except (psycopg2.Error, SQLAlchemyError) as error:
            # The first group tries again, and those in it hear of it.
            log.warning("no connection for positions yet", extra={"error": type(error).__name__})
            self.close()

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
        self._connect()
        with self.link.cursor() as cursor:
            ledger = Reporting(cursor, self.news, [t.batch.surveyor_id for t in tickets if t.news])
            batches = [ticket.batch for ticket in tickets]
            outcomes = take_together(ledger, batches, settings=self.settings, careful=careful)
        return outcomes, ledger.told

    def _connect(self) -> None:
        if self.link is None:
            self.link = database.kept_connection(self.engine)
            with self.link.cursor() as cursor:
                Ledger(cursor, kept=True).prepare()

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
