"""Whose a secret is: remembered, and for many strangers asked together.

After a restart every phone is a stranger, and all of them speak within a second. Asked one by one, each by a thread with a
transaction of its own, they kept everybody waiting for longer than a second; so those who come meanwhile share a question,
and those who spoke in the last days are asked for at the start, before they come.
"""

import hashlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from api.phones import app_noted
from api.short_ways import TOKEN, TRACKER, Elsewhere
from core.database import Sessions
from staff import devices

log = logging.getLogger(__name__)

MOST_KNOWN = 100_000
# So many devices, with two secrets each, leave half of the room to those who are met later.
MOST_AHEAD = MOST_KNOWN // 4


class Signed(NamedTuple):
    """Whose device it is, and by which token."""

    surveyor_id: int
    device_id: int
    token_id: int


# What a stranger's question ends with: his device, or None for «let Flask judge».
Tell = Callable[[Signed | None], None]


class Senders:
    """Which device a secret belongs to, by the secret's digest.

    Nothing here says that a device may still send: the transaction that writes asks that again, so a revoked token is
    refused at once, however long it is remembered here.
    """

    def __init__(self, sessions: Sessions, most: int = MOST_KNOWN) -> None:
        self.sessions, self.most = sessions, most
        self.known: dict[bytes, Signed] = {}
        self.strangers: deque[tuple[bytes, Tell]] = deque()
        self.changed = threading.Condition()
        self.thread: threading.Thread | None = None
        self.stopping = False

    def find(self, key: bytes) -> Signed:
        """The device, asked for at once by this thread if it is not known. Raises Elsewhere for a stranger to the database."""
        found = self.known.get(key) or self._ask([key]).get(key)
        if found is None:
            raise Elsewhere
        return found

    def find_later(self, key: bytes, tell: Tell) -> None:
        """Returns at once; `tell` hears in a thread that other strangers wait for, and raises nothing."""
        with self.changed:
            if self.thread is None:
                self.thread = threading.Thread(target=self._ask_on, name="positions-strangers", daemon=True)
                self.thread.start()
            self.strangers.append((key, tell))
            self.changed.notify()

    def look_ahead(self) -> threading.Thread:
        """Remembers those who spoke lately, in a thread that nobody waits for; returns it."""
        thread = threading.Thread(target=self._look_ahead, name="positions-ahead", daemon=True)
        thread.start()
        return thread

    def _look_ahead(self) -> None:
        try:
            with self.sessions.begin() as session:
                for some in devices.senders_lately(session, self.most * MOST_AHEAD // MOST_KNOWN):
                    for by_token, by_tracker, *whose, app in some:
                        signed = Signed(*whose)
                        self.known[TOKEN + bytes(by_token)] = signed
                        self.known[TRACKER + bytes(by_tracker)] = signed
                        if app:
                            app_noted(signed.device_id, app)
        except Exception as error:  # noqa: BLE001 - each is looked up when he comes
            log.warning("senders were not looked up ahead", extra={"error": type(error).__name__})

    def stop(self) -> None:
        """Ends the thread after what waits was asked."""
        with self.changed:
            self.stopping = True
            self.changed.notify()
        if self.thread is not None:
            self.thread.join(timeout=10)

    def forget(self, key: bytes) -> None:
        """Asks again next time."""
        self.known.pop(key, None)

    def _ask_on(self) -> None:
        while True:
            with self.changed:
                while not self.strangers:
                    if self.stopping:
                        return
                    self.changed.wait()
                some = list(self.strangers)
                self.strangers.clear()
            found: dict[bytes, Signed] = {}
            try:
                found = self._ask([key for key, _ in some])
            except Exception as error:  # noqa: BLE001 - Flask finds the same and says it to each
                log.warning("strangers were not looked up", extra={"error": type(error).__name__})
            for key, tell in some:
                tell(found.get(key))

    def _ask(self, keys: Sequence[bytes]) -> dict[bytes, Signed]:
        by_token = [key[1:] for key in keys if key[:1] != TRACKER]
        by_tracker = [key[1:] for key in keys if key[:1] == TRACKER]
        with self.sessions.begin() as session:
            rows = devices.senders(session, by_token, by_tracker)
        digests = {key[1:]: key for key in keys}
        found = {digests[digest]: Signed(*whose) for digest, *whose in rows}
        if len(self.known) + len(found) > self.most:
            self.known.clear()
        self.known |= found
        return found


def key_of(kind: bytes, secret: str) -> bytes:
    """What a secret is remembered by. Raises Elsewhere for one nobody was given."""
    if not 1 <= len(secret) <= 200:
        raise Elsewhere
    return kind + hashlib.sha256(secret.encode()).digest()
