"""What RQ calls: wake-ups only. The sweeper does the same by query, so each is safe to lose and to repeat."""

from typing import Any

from core import wiring
from dispatch import offers


def offer_next(payload: dict[str, Any]) -> None:
    """Asks the next candidate of the event's task."""
    offers.offer_next(wiring.sessions, payload["task_id"])
