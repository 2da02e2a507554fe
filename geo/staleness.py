"""A position has an age: a state (nobody is sent by a dot that stopped talking) and a spread (where is he by now?).

Who drives has moved since his last fix by some seconds of driving, the *drift*, in a direction that is only half known.
The true drive from where he is now spreads around what the roads say from where he was: its median is found by the law of
cosines with the drift for a side, its interval is as wide as the errors of the road and of the drift together. The numbers
were fitted on the taxis of Porto and judged on other taxis (`chakan bench eta`, docs/eta.md).
"""

import math
from dataclasses import dataclass
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


# How far below and above the median the tenth and the ninetieth of a hundred true drives lie, as a share of it.
ROAD_SPREAD = {
    "roads": (0.26, 0.36),
    "osrm": (0.30, 0.45),
    "valhalla": (0.30, 0.45),
    "amap": (0.25, 0.36),
    "straight_line": (0.42, 0.75),
}
# Lights and parking are uncertain even next door.
LEAST_SPREAD_S = 15.0

# The drift: DRIFT_S × (1 − e^(−age ÷ SETTLES_S)) seconds of driving. Somebody parked without a job hardly drifts at all.
DRIFT_S, SETTLES_S = 330.0, 110.0
PARKED_SHARE = 0.15
# How much of the drift goes where the car was heading, and how much lengthens the drive whatever its direction.
AHEAD, ASIDE = 0.34, 0.77
# The drift's share in the interval, below and above.
DRIFT_LOW, DRIFT_HIGH = 0.60, 1.09
# A car slower than this heads nowhere.
HEADING_MPS = 2.0
# Metres of a bad fix, in seconds of driving.
CITY_MPS = 7.0
LN_9 = math.log(9.0)


@dataclass(frozen=True)
class Seen:
    """What is known of a position besides its place. `towards` is the cosine between heading and the way to the place.

    1: he was driving towards it, -1: away from it, None: not known or standing. `parked`: he has nothing to drive to.
    """

    age_s: float
    accuracy_m: float | None = None
    speed_mps: float | None = None
    towards: float | None = None
    parked: bool = False


@dataclass(frozen=True)
class Arrival:
    """When somebody will be there, in seconds from now: median, and the interval that holds 8 of 10."""

    median_s: float
    low_s: float
    high_s: float

    def within(self, seconds: float) -> float:
        """The probability of being there in that time: logistic on each side, 0.1 at `low_s` and 0.9 at `high_s`."""
        if seconds <= 0:
            return 0.0
        side = self.high_s - self.median_s if seconds >= self.median_s else self.median_s - self.low_s
        return 1.0 / (
            1.0 + math.exp(-LN_9 * min(40.0, max(-40.0, (seconds - self.median_s) / max(side, 1e-6))))
        )

    def after(self, wait_s: float) -> "Arrival":
        """The same when he can only set off in so many seconds."""
        return Arrival(self.median_s + wait_s, self.low_s + wait_s, self.high_s + wait_s)


def drift_s(seen: Seen) -> float:
    """Seconds of driving that somebody has typically moved since his fix."""
    moved = DRIFT_S * (1.0 - math.exp(-max(0.0, seen.age_s) / SETTLES_S))
    return moved * PARKED_SHARE if seen.parked else moved


def arrival(drive_s: float, provider: str, seen: Seen) -> Arrival:
    """The arrival of somebody who sets off now, when the road says `drive_s` from where he was last seen."""
    drift = drift_s(seen)
    heads = seen.towards if seen.towards is not None and (seen.speed_mps or 0.0) >= HEADING_MPS else 0.0
    square = drive_s**2 + ASIDE * drift**2 - 2 * AHEAD * drive_s * drift * heads
    median = math.sqrt(max(square, 0.0))
    low, high = ROAD_SPREAD.get(provider, ROAD_SPREAD["straight_line"])
    blur = (seen.accuracy_m or 0.0) / CITY_MPS
    below = math.hypot(low * median, DRIFT_LOW * drift, blur, LEAST_SPREAD_S)
    above = math.hypot(high * median, DRIFT_HIGH * drift, blur, LEAST_SPREAD_S)
    return Arrival(median, max(0.0, median - below), median + above)


def road_interval(seconds: float, provider: str) -> tuple[float, float]:
    """The seconds that hold eight of ten drives for which the provider says `seconds`, from a place that is certain."""
    sure = arrival(seconds, provider, Seen(0.0))
    return sure.low_s, sure.high_s


def towards(lon: float, lat: float, heading_deg: float | None, to_lon: float, to_lat: float) -> float | None:
    """The cosine between a heading (degrees from north, clockwise) and the bearing of a place near by; WGS-84."""
    east = (to_lon - lon) * math.cos(math.radians(lat))
    north = to_lat - lat
    if heading_deg is None or (east == 0 and north == 0):
        return None
    heading = math.radians(heading_deg)
    return (math.sin(heading) * east + math.cos(heading) * north) / math.hypot(east, north)


def contact_in_time(answers: float, ask_s: float, left_s: float) -> float:
    """The probability of speaking to the customer before the promise ends.

    `answers` is the chance that he answers at all; `ask_s` the typical seconds from the offer to the first call; an answer
    comes ever later with a constant hazard, so that half of those who answer do so by `ask_s`.
    """
    if left_s <= 0:
        return 0.0
    return min(1.0, max(0.0, answers)) * (1.0 - math.exp(-math.log(2.0) * left_s / max(ask_s, 1.0)))


def arrive_in_time(found: Arrival, left_s: float) -> float:
    """The probability of being on scene before the promise ends."""
    return found.within(left_s)
