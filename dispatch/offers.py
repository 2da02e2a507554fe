"""Offers: one door to asking and to the answers."""

from datetime import datetime

from core.database import Sessions
from dispatch import windows
from dispatch.answers import accept, decline, expire_offers, take_on, withdraw_open
from geo.eta import Engine

__all__ = ["accept", "decline", "expire_offers", "offer_next", "take_on", "withdraw_open"]


def offer_next(
    sessions: Sessions, task_id: int, now: datetime | None = None, engine: Engine | None = None
) -> int | None:
    """Decides about one job alone: the offer's id, or None when nobody was asked."""
    return windows.solve(sessions, [task_id], engine or Engine(), now)[task_id]
