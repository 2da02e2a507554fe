"""How long until on scene: road engines in order of preference, the straight line last, and who of them spoke."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.errors import BadSettings
from geo import remote, staleness
from geo.asking import Line
from geo.fix import LonLat, metres_between
from geo.roads.own import OwnRoads
from geo.table import Provider, RouterFailed, Seconds, Table, crow_m
from staff.rules import Known

# Roads wind: in Chinese cities the way driven is about a third longer than the crow's. 25 km/h is a city by
# day.
WINDING = 1.35
URBAN_KMH = 25.0
# All that the slow and the dead together may cost one question.
DEADLINE_S = 0.3
STRAIGHT_LINE = "straight_line"

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
    """A drive: seconds (the median), metres by road, who says so, and the interval that holds 8 drives of 10.

    The interval is about the road only; `geo.staleness` widens it by the age of the position the drive begins at.
    """

    seconds: int
    distance_m: int
    provider: str
    low_s: int
    high_s: int

    @classmethod
    def of(cls, seconds: float, distance_m: float, provider: str) -> "Eta":
        """With the interval that the provider's errors have."""
        low, high = staleness.road_interval(seconds, provider)
        return cls(round(seconds), round(distance_m), provider, round(low), round(high))


def of_distance(straight_m: float, *, speed_kmh: float = URBAN_KMH, winding: float = WINDING) -> Eta:
    """The estimate for a straight-line distance already known, as from the nearest query."""
    distance_m = straight_m * winding
    return Eta.of(distance_m / (speed_kmh / 3.6), distance_m, STRAIGHT_LINE)


def straight_line(a: LonLat, b: LonLat, *, speed_kmh: float = URBAN_KMH, winding: float = WINDING) -> Eta:
    """Straight line × winding ÷ speed: the last resort, marked as such by its provider."""
    return of_distance(metres_between(a, b), speed_kmh=speed_kmh, winding=winding)


@dataclass(frozen=True)
class StraightLine:
    """The provider that needs no roads and always answers."""

    speed_kmh: float = URBAN_KMH
    winding: float = WINDING
    name: str = STRAIGHT_LINE
    remote: bool = False

    def to(self, place: LonLat, starts: Sequence[LonLat]) -> list[Eta]:
        """One estimate per start."""
        return [
            straight_line(start, place, speed_kmh=self.speed_kmh, winding=self.winding) for start in starts
        ]

    def table(self, places: Sequence[LonLat], starts: Sequence[LonLat]) -> Table:
        """Every cell."""
        metres = crow_m(starts, places) * self.winding
        return Table(metres / (self.speed_kmh / 3.6), metres)


@dataclass(frozen=True)
class Drives:
    """The answer of an engine: seconds [starts, places] (inf: unreachable), road metres, and who said each.

    `by` holds indexes into `names`.
    """

    seconds: Seconds
    metres: Seconds
    by: NDArray[np.int8]
    names: tuple[str, ...]

    def eta(self, start: int, place: int = 0) -> Eta | None:
        """One drive, or None when there is no way."""
        seconds = float(self.seconds[start, place])
        if math.isinf(seconds):
            return None
        metres = float(self.metres[start, place])
        return Eta.of(seconds, metres, self.names[int(self.by[start, place])])


class RoutingSettings(Protocol):
    """What an engine must be told; `core.settings.Settings` has it all."""

    @property
    def data(self) -> Path: ...
    @property
    def routing(self) -> str: ...
    @property
    def osrm_url(self) -> str: ...
    @property
    def valhalla_url(self) -> str: ...
    @property
    def amap_url(self) -> str: ...
    @property
    def amap_key(self) -> str: ...


class Engine:
    """Providers in order, the straight line last. One a process; safe between threads.

    What a provider does not know the next one is asked. Remote ones share one deadline for a question and rest behind a
    breaker after failures, so that none of them can hold up an offer.
    """

    def __init__(
        self,
        providers: Sequence[Provider] = (),
        last: StraightLine | None = None,
        *,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self.last = last or StraightLine()
        self.deadline_s = deadline_s
        self.lines = [Line(provider) for provider in providers]

    @classmethod
    def from_settings(cls, settings: RoutingSettings, *, deadline_s: float = DEADLINE_S) -> "Engine":
        """The providers that the settings name. Raises BadSettings."""
        return cls([_made(word, settings, deadline_s) for word in _order(settings)], deadline_s=deadline_s)

    def to(
        self, place: LonLat, starts: Sequence[LonLat], *, last: StraightLine | None = None
    ) -> list[Eta | None]:
        """The drive from each start to a place; None where there is no way. `last`: an organisation's own straight line."""
        drives = self.table([place], starts, last=last)
        return [drives.eta(i) for i in range(len(starts))]

    def matrix(
        self, places: Sequence[LonLat], starts: Sequence[LonLat], *, last: StraightLine | None = None
    ) -> Seconds:
        """Seconds, float64 [starts, places]; inf where there is no way."""
        return self.table(places, starts, last=last).seconds

    def table(
        self, places: Sequence[LonLat], starts: Sequence[LonLat], *, last: StraightLine | None = None
    ) -> Drives:
        """Every drive from the starts to the places, and who spoke for each."""
        last = last or self.last
        names = (*(line.provider.name for line in self.lines), last.name)
        whole = Table.blank(len(starts), len(places))
        by = np.full(whole.seconds.shape, len(names) - 1, dtype=np.int8)
        if not whole.seconds.size:
            return Drives(whole.seconds, whole.metres, by, names)
        until = time.monotonic() + self.deadline_s
        for number, line in enumerate(self.lines):
            rows = unanswered(whole)
            if not rows:
                break
            fill(whole, by, rows, line.ask(places, [starts[i] for i in rows], until), number)
        rows = unanswered(whole)
        straight = last.table(places, [starts[i] for i in rows])
        fill(whole, by, rows, straight, len(names) - 1)
        gaps = np.isnan(whole.metres)
        if gaps.any():  # a provider that tells times only
            whole.metres[gaps] = (crow_m(starts, places) * last.winding)[gaps]
        return Drives(whole.seconds, whole.metres, by, names)

    def states(self) -> dict[str, str]:
        """Each provider's breaker: closed, open or trying."""
        now = time.monotonic()
        return {line.provider.name: line.breaker.state(now) for line in self.lines}


def unanswered(whole: Table) -> list[int]:
    """The starts with a place nobody knows the way to yet."""
    return [int(i) for i in np.flatnonzero(np.isnan(whole.seconds).any(axis=1))]


def fill(whole: Table, by: NDArray[np.int8], rows: list[int], part: Table, number: int) -> None:
    """Writes what a provider knows into the cells nobody has answered yet."""
    new = np.isnan(whole.seconds[rows]) & ~np.isnan(part.seconds)
    for target, source in ((whole.seconds, part.seconds), (whole.metres, part.metres)):
        target[rows] = np.where(new, source, target[rows])
    by[rows] = np.where(new, np.int8(number), by[rows])


# What `CHAKAN_ROUTING` may name.
WORDS = ("roads", "osrm", "valhalla", "amap")


def _order(settings: RoutingSettings) -> list[str]:
    """The providers wanted, in order; by default roads of our own, then whatever has an address."""
    wanted = settings.routing.replace(",", " ").split()
    if unknown := [word for word in wanted if word not in WORDS]:
        raise BadSettings(f"CHAKAN_ROUTING does not know {unknown[0]!r}; it may name {', '.join(WORDS)}")
    if wanted:
        return list(dict.fromkeys(wanted))
    return ["roads", *(word for word in ("osrm", "valhalla") if getattr(settings, f"{word}_url"))]


def _made(word: str, settings: RoutingSettings, deadline_s: float) -> Provider:
    if word == "roads":
        return OwnRoads(settings.data)
    needs = "amap_key" if word == "amap" else f"{word}_url"
    given: str = getattr(settings, needs)
    if not given:
        raise BadSettings(f"CHAKAN_ROUTING names {word}: set CHAKAN_{needs.upper()}")
    if word == "amap":
        return remote.Amap(settings.amap_url, given, deadline_s=deadline_s)
    return (remote.Osrm if word == "osrm" else remote.Valhalla)(given, deadline_s=deadline_s)


__all__ = [
    "DEADLINE_S",
    "KNOWN",
    "Drives",
    "Engine",
    "Eta",
    "Provider",
    "RouterFailed",
    "StraightLine",
    "Table",
]
