"""Telling the live map that a dot moved: at once for one request, or together for many."""

import logging
import threading
import time
from collections.abc import Sequence

from flask import g
from redis import Redis
from sqlalchemy.exc import SQLAlchemyError

from api import parts
from core import live
from core.database import Sessions
from dispatch import board
from geo.taking import Taken
from staff.accounts import Actor

log = logging.getLogger(__name__)

# A dot that moves oftener is shown where it stands by then: a viewer hears once a second, and drawing a card costs as much
# processor as taking a ping. Drawing takes at most a quarter of the time.
EVERY_S, REST = 0.5, 3.0
MOST_AT_ONCE = 1_000
# Cards are drawn without a pause for so many: whoever answers a ping meanwhile waits for the interpreter until they are done,
# or for its switch interval of 5 ms, each time he gave it up.
DRAWN_AT_ONCE, PAUSE_S = 100, 0.001


def show_dot(actor: Actor, taken: Taken) -> None:
    """Publishes the surveyor's card after a commit. Redis being away is harmless: the sweeper draws anew."""
    if taken.last is None:
        return
    with g.sessions.begin() as session:
        changes = board.surveyor_changes(session, [actor.person_id])
    live.publish(parts().redis, changes)


class Dots:
    """Publishes the cards of those who moved, each as often as anybody could look; a thread of its own.

    The first after a pause goes out at once. What is lost with the process or with Redis comes with the
    sweeper's next picture.
    """

    def __init__(self, sessions: Sessions, redis: Redis) -> None:
        self.sessions, self.redis = sessions, redis
        self.waiting: dict[int, None] = {}
        self.changed = threading.Condition()
        self.thread: threading.Thread | None = None
        self.stopping = threading.Event()

    def moved(self, surveyor_ids: Sequence[int]) -> None:
        """Notes who moved; returns at once."""
        with self.changed:
            if self.thread is None:
                self.thread = threading.Thread(target=self._show_on, name="dots", daemon=True)
                self.thread.start()
            self.waiting.update(dict.fromkeys(surveyor_ids))
            self.changed.notify()

    def stop(self) -> None:
        """Ends the thread."""
        self.stopping.set()
        with self.changed:
            self.changed.notify()
        if self.thread is not None:
            self.thread.join(timeout=5)

    def _show_on(self) -> None:
        while not self.stopping.is_set():
            with self.changed:
                while not self.waiting and not self.stopping.is_set():
                    self.changed.wait()
                ids = list(self.waiting)[:MOST_AT_ONCE]
                for surveyor_id in ids:
                    del self.waiting[surveyor_id]
            began = time.monotonic()
            for start in range(0, len(ids), DRAWN_AT_ONCE):
                self._show(ids[start : start + DRAWN_AT_ONCE])
                time.sleep(PAUSE_S)
            self.stopping.wait(max(EVERY_S, REST * (time.monotonic() - began)))

    def _show(self, ids: Sequence[int]) -> None:
        try:
            with self.sessions.begin() as session:
                changes = board.surveyor_changes(session, ids)
        except SQLAlchemyError as error:
            log.warning("dots not drawn", extra={"error": type(error).__name__})
            return
        live.publish(self.redis, changes)
