"""A position has an age, and the age is a state: nobody is sent by a dot that stopped talking."""

from datetime import datetime
from typing import Literal

Freshness = Literal["fresh", "amber", "stale", "never"]

AMBER_S = 120
RED_S = 300


def age_s(now: datetime, fixed_at: datetime, received_at: datetime) -> float:
    """Seconds since the position was true: by the older of the phone's clock and ours, never below zero."""
    return max(0.0, (now - min(fixed_at, received_at)).total_seconds())


def state(age: float | None, *, amber_s: float = AMBER_S, red_s: float = RED_S) -> Freshness:
    """fresh up to `amber_s`, amber up to `red_s`, then stale; never when there is no position at all."""
    if age is None:
        return "never"
    if age <= amber_s:
        return "fresh"
    return "amber" if age <= red_s else "stale"


def usable_for_offer(age: float | None, *, stale_offer_s: float = AMBER_S) -> bool:
    """Whether somebody may be asked by this position: 0 offers to a ghost (P9)."""
    return age is not None and age <= stale_offer_s
