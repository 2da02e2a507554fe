"""A loop that works when PostgreSQL notifies it and at least every so often; it outlives a restarted database."""

import logging
import select
import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg2
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

log = logging.getLogger(__name__)

RETRY_S = 1.0


class Loop(threading.Thread):
    """Calls `work()` after each NOTIFY on `channel` and at least every `every_s` seconds.

    `work` returns True when it left something undone, and is called again at once. What it raises is logged and the
    loop goes on: one poisoned row must not stop every deadline behind it.
    """

    def __init__(
        self, name: str, engine: Engine, channel: str | None, every_s: float, work: Callable[[], bool]
    ) -> None:
        super().__init__(name=name, daemon=True)
        self.engine, self.channel, self.every_s, self.work = engine, channel, every_s, work
        self.stopping = threading.Event()

    def run(self) -> None:
        """Works until stop()."""
        while not self.stopping.is_set():
            try:
                self._listen()
            except (SQLAlchemyError, psycopg2.Error) as error:
                log.warning(
                    "loop lost the database", extra={"loop": self.name, "error": type(error).__name__}
                )
                self.stopping.wait(RETRY_S)

    def stop(self) -> None:
        """Ends the loop after the work in hand."""
        self.stopping.set()

    def _listen(self) -> None:
        connection: Any = None
        if self.channel:
            # Its own connection for ever: a LISTEN dies with the pool's reset.
            connection = psycopg2.connect(
                self.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
            )
            connection.autocommit = True
            connection.cursor().execute(f"LISTEN {self.channel}")
        try:
            while not self.stopping.is_set():
                self._once()
                self._wait(connection)
        finally:
            if connection is not None:
                connection.close()

    def _once(self) -> None:
        try:
            while self.work() and not self.stopping.is_set():
                pass
        except (SQLAlchemyError, psycopg2.Error) as error:
            if getattr(error, "connection_invalidated", False):
                raise
            log.exception("loop work failed", extra={"loop": self.name})
        except Exception:
            log.exception("loop work failed", extra={"loop": self.name})

    def _wait(self, connection: Any) -> None:
        if connection is None:
            self.stopping.wait(self.every_s)
            return
        until = time.monotonic() + self.every_s
        while (left := until - time.monotonic()) > 0 and not self.stopping.is_set():
            if select.select([connection], [], [], min(left, 0.5))[0]:
                connection.poll()
                if connection.notifies:
                    connection.notifies.clear()
                    return
