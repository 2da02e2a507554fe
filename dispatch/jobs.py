"""What RQ calls: wake-ups only. The sweeper does the same by query, so each is safe to lose and to repeat."""

from typing import Any

from core import wiring
from dispatch import milestones, offers


def offer_next(payload: dict[str, Any]) -> None:
    """Asks the next candidate of the event's task."""
    offers.offer_next(wiring.sessions, payload["task_id"])


def keep_milestones(days: int) -> None:
    """Keeps what reports need of the claims settled in the last `days` days."""
    milestones.keep(wiring.sessions, days)
