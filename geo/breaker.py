"""A breaker: who failed a few times in a row is left alone for a while, then tried with one call."""

import threading

FAILURES = 3
FIRST_REST_S = 10.0
LONGEST_REST_S = 300.0


class Breaker:
    """Closed, open or trying. Times are seconds of a clock that only goes forward; safe between threads."""

    def __init__(self, failures: int = FAILURES, rest_s: float = FIRST_REST_S) -> None:
        self._most, self._first_s = failures, rest_s
        self._lock = threading.Lock()
        self._failed = 0
        self._rest_s = rest_s
        self._until: float | None = None
        self._trying = False

    def allows(self, now: float) -> bool:
        """Whether a call may be made now. While it is open, one call is let through after each rest."""
        with self._lock:
            if self._until is None:
                return True
            if now < self._until or self._trying:
                return False
            self._trying = True
            return True

    def succeeded(self) -> None:
        """A call was answered: closed again."""
        with self._lock:
            self._failed, self._until, self._trying, self._rest_s = 0, None, False, self._first_s

    def failed(self, now: float) -> bool:
        """A call was not answered; returns whether the breaker opened with this one. Each failed trial doubles the rest."""
        with self._lock:
            self._failed += 1
            if self._until is None and self._failed < self._most:
                return False
            opened = self._until is None
            self._rest_s = self._first_s if opened else min(LONGEST_REST_S, self._rest_s * 2)
            self._until, self._trying = now + self._rest_s, False
            return opened

    def state(self, now: float) -> str:
        """closed, open or trying."""
        with self._lock:
            if self._until is None:
                return "closed"
            return "trying" if self._trying or now >= self._until else "open"
