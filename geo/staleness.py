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


# How the true drive spreads around what a provider says: tenth and ninetieth of a hundred, as a share of the median.
ROAD_SPREAD = {
    "roads": (0.74, 1.38),
    "osrm": (0.70, 1.45),
    "valhalla": (0.70, 1.45),
    "amap": (0.75, 1.35),
    "straight_line": (0.60, 1.65),
}
# Half a minute of lights and turning round is uncertain even next door.
LEAST_S = 30.0


def road_interval(seconds: float, provider: str) -> tuple[float, float]:
    """The seconds that hold eight of ten drives for which the provider says `seconds`."""
    low, high = ROAD_SPREAD.get(provider, ROAD_SPREAD["straight_line"])
    return max(0.0, seconds * low - LEAST_S * (1 - low)), seconds * high + LEAST_S * (high - 1)
