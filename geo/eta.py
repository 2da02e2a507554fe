"""How long until on scene. Straight line today; a road engine answers behind the same two functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from geo.fix import LonLat, metres_between
from staff.rules import Known

# Roads wind: in Chinese cities the way driven is about a third longer than the crow's. 25 km/h is a city by
# day.
WINDING = 1.35
URBAN_KMH = 25.0

# key, default, least, most, unit, title
SETTINGS = (
    ("eta_speed_kmh", 25, 5, 120, "km/h", "直线估算车速", "Speed for straight-line times"),
    ("eta_winding_pct", 135, 100, 300, "%", "绕行系数", "Road length as percent of the straight line"),
)
KNOWN = {
    key: Known(key, default, "int", zh, en, least, most, unit=unit)
    for key, default, least, most, unit, zh, en in SETTINGS
}


@dataclass(frozen=True)
class Eta:
    """A drive: seconds and metres by road, and who says so."""

    seconds: int
    distance_m: int
    provider: str


class Provider(Protocol):
    """A road engine: times from many starts to one place, in the order of the starts."""

    def to(self, place: LonLat, starts: Sequence[LonLat]) -> list[Eta]: ...


def of_distance(straight_m: float, *, speed_kmh: float = URBAN_KMH, winding: float = WINDING) -> Eta:
    """The estimate for a straight-line distance already known, as from the nearest query."""
    distance_m = straight_m * winding
    return Eta(round(distance_m / (speed_kmh / 3.6)), round(distance_m), "straight_line")


def straight_line(a: LonLat, b: LonLat, *, speed_kmh: float = URBAN_KMH, winding: float = WINDING) -> Eta:
    """Straight line × winding ÷ speed: the last resort, marked as such by its provider."""
    return of_distance(metres_between(a, b), speed_kmh=speed_kmh, winding=winding)


@dataclass(frozen=True)
class StraightLine:
    """The provider that needs no roads."""

    speed_kmh: float = URBAN_KMH
    winding: float = WINDING

    def to(self, place: LonLat, starts: Sequence[LonLat]) -> list[Eta]:
        """One estimate per start."""
        return [
            straight_line(start, place, speed_kmh=self.speed_kmh, winding=self.winding) for start in starts
        ]
