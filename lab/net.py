"""Road times for the lab: what the dispatcher believes of the roads, and what the roads do to those who drive them.

Two weights lie on one network: `known` is the map's, `true` is what a driver meets. A policy only ever sees the first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from geo.eta import URBAN_KMH, WINDING
from geo.fix import LonLat
from geo.roads import plain_network
from geo.roads.graph import Roads
from lab.citymap import City, Plane

Seconds = NDArray[np.float32]
Spot = Any  # a place on a network, in the network's own form
OSM_LABEL = "© OpenStreetMap contributors, ODbL 1.0"
# A street is not as fast as the map says: the spread of one stretch, and of everything in a square of the town.
STRETCH_SPREAD, SQUARE_SPREAD, SQUARE_M = 0.25, 0.15, 2_000.0


@dataclass(frozen=True)
class Way:
    """A drive from place to place: degrees WGS-84 and the true free-flow second each point is reached; metres in all."""

    lon: Sequence[float]
    lat: Sequence[float]
    at_s: Sequence[float]
    metres: float


class Net(Protocol):
    """A network that answers for many places at once; unreachable is infinite. Seconds are free flow."""

    @property
    def label(self) -> str: ...

    @property
    def plane(self) -> Plane: ...

    @property
    def real(self) -> bool: ...

    def spots(self, places: Sequence[LonLat]) -> Sequence[Spot]: ...

    def matrix(self, starts: Sequence[Spot], targets: Sequence[Spot], *, true: bool) -> Seconds: ...

    def way(self, start: Spot, target: Spot) -> Way: ...


@dataclass(frozen=True)
class StraightNet:
    """No roads at all: the crow's way, a third longer, at one speed. `wrong`: the true time over the believed one."""

    plane: Plane
    speed_kmh: float = URBAN_KMH
    winding: float = WINDING
    wrong: float = 1.0
    label: str = "直线 straight line"
    real: bool = False

    def spots(self, places: Sequence[LonLat]) -> Sequence[LonLat]:
        """The places themselves."""
        return places

    def matrix(self, starts: Sequence[LonLat], targets: Sequence[LonLat], *, true: bool) -> Seconds:
        """Seconds [starts, targets]."""
        a, b = self._metres(starts), self._metres(targets)
        far = np.hypot(a[:, None, 0] - b[None, :, 0], a[:, None, 1] - b[None, :, 1])
        pace = self.winding / (self.speed_kmh / 3.6) * (self.wrong if true else 1.0)
        return (far * pace).astype(np.float32)

    def way(self, start: LonLat, target: LonLat) -> Way:
        """Straight on."""
        seconds = float(self.matrix([start], [target], true=True)[0, 0])
        far = float(np.hypot(*(self._metres([start])[0] - self._metres([target])[0])))
        return Way((start.lon, target.lon), (start.lat, target.lat), (0.0, seconds), far * self.winding)

    def _metres(self, places: Sequence[LonLat]) -> NDArray[np.float64]:
        points = np.array(places, dtype=np.float64).reshape(-1, 2)
        return np.column_stack(self.plane.to_m(points[:, 0], points[:, 1]))


class RoadNet:
    """The production's road graph, weighed twice: as the map has it, and as it is."""

    def __init__(self, known: Roads, label: str, *, real: bool, seed: int = 1, spread: float = 1.0) -> None:
        """`spread` scales how wrong the map is."""
        self.label, self.real = label, real
        # The very same network, not a second reading of it: a place is snapped once and asked about under both weights.
        true = Roads(known.network, known.grid, known.facts)
        self._roads = {False: known, True: true}
        network = true.network
        self.plane = Plane(LonLat(float(network.lon.mean()), float(network.lat.mean())))
        start = network.start
        true.customise(
            network.seconds * unevenness(network.lon[start], network.lat[start], self.plane, seed, spread)
        )

    @classmethod
    def of_city(cls, city: City, seed: int = 1) -> "RoadNet":
        """The streets of a lab city."""
        drawn = plain_network.network(
            city.lon, city.lat, city.start, city.end, city.length_m, city.length_m / city.speed_mps,
            city.road_class, one_way=city.one_way,
        )  # fmt: skip
        return cls(Roads.of(drawn), city.label, real=not city.generated, seed=seed)

    @classmethod
    def open(cls, folder: Path, seed: int = 1, *, spread: float = 1.0) -> "RoadNet":
        """A graph built by `chakan roads build`. Raises geo.errors.NoRoads."""
        return cls(Roads.open(folder), OSM_LABEL, real=True, seed=seed, spread=spread)

    def spots(self, places: Sequence[LonLat]) -> Sequence[Spot]:
        """Each place on the road nearest to it."""
        return self._roads[False].snap(places)

    def matrix(self, starts: Sequence[Spot], targets: Sequence[Spot], *, true: bool) -> Seconds:
        """Seconds [starts, targets]."""
        return self._roads[true].matrix(starts, targets).astype(np.float32)

    def way(self, start: Spot, target: Spot) -> Way:
        """The truly fastest way."""
        found = self._roads[True].path(start, target)
        if found is None:
            return Way((), (), (0.0,), 0.0)
        line = np.asarray(found.line, dtype=np.float64)
        x_m, y_m = self.plane.to_m(line[:, 0], line[:, 1])
        along = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x_m), np.diff(y_m)))])
        at = along / max(1e-9, float(along[-1])) * found.seconds
        return Way(line[:, 0].tolist(), line[:, 1].tolist(), at.tolist(), float(found.length_m))


def unevenness(
    lon: NDArray[np.float64], lat: NDArray[np.float64], plane: Plane, seed: int, spread: float
) -> NDArray[np.float64]:
    """How much longer each stretch really takes than the map says; 1 on average over a stretch's town."""
    rng = np.random.default_rng((seed, 71))
    x_m, y_m = plane.to_m(lon, lat)
    squares = np.column_stack([np.floor(x_m / SQUARE_M), np.floor(y_m / SQUARE_M)]).astype(np.int64)
    _, square = np.unique(squares, axis=0, return_inverse=True)
    town = rng.normal(0.0, SQUARE_SPREAD * spread, int(square.max()) + 1)[square.ravel()]
    own = rng.normal(0.0, STRETCH_SPREAD * spread, len(lon))
    level = (SQUARE_SPREAD**2 + STRETCH_SPREAD**2) * spread**2 / 2
    return np.exp(town + own - level)


def metres_between_all(plane: Plane, starts: Sequence[LonLat], targets: Sequence[LonLat]) -> Seconds:
    """Metres in a straight line [starts, targets]."""
    a, b = np.array(starts, dtype=np.float64), np.array(targets, dtype=np.float64)
    ax, ay = plane.to_m(a[:, 0], a[:, 1])
    bx, by = plane.to_m(b[:, 0], b[:, 1])
    return np.hypot(ax[:, None] - bx[None, :], ay[:, None] - by[None, :]).astype(np.float32)
