"""Road times for the lab: what the dispatcher believes of the roads, and what the roads do to those who drive them.

Two weights lie on one network: `known` is the map's, `true` is what a driver meets. A policy only ever sees the first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from routingkit_cch import CCH, CCHManyToOne, CCHMetric, CCHQuery, compute_order_inertial
from scipy.spatial import cKDTree

from geo.eta import URBAN_KMH, WINDING
from geo.fix import LonLat
from lab.citymap import City, Plane

Seconds = NDArray[np.float32]
Spot = Any  # a place on a network, in the network's own form
TICK_S = 0.1  # weights are whole tenths of a second
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

    label: str
    plane: Plane
    real: bool

    def spot(self, place: LonLat) -> Spot: ...

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

    def spot(self, place: LonLat) -> LonLat:
        """The place itself."""
        return place

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


class StreetNet:
    """The streets of a lab city: a customizable contraction hierarchy over its corners, weighed twice."""

    def __init__(self, city: City, seed: int = 1, *, spread: float = 1.0) -> None:
        """`spread` scales how wrong the map is; 0 makes it right."""
        self.label, self.plane, self.real = city.label, city.plane, not city.generated
        self.city = city
        known_s = city.length_m / city.speed_mps
        factor = unevenness(city.lon[city.start], city.lat[city.start], self.plane, seed, spread)
        self.true_s = known_s * factor
        tail, head = city.start.tolist(), city.end.tolist()
        order = compute_order_inertial(len(city.lon), tail, head, city.lat.tolist(), city.lon.tolist())
        self._cch = CCH(order, tail, head, False)
        self._metric = {
            False: CCHMetric(self._cch, ticks(known_s)),
            True: CCHMetric(self._cch, ticks(self.true_s)),
        }

    @cached_property
    def _tree(self) -> cKDTree:
        x_m, y_m = self.plane.to_m(self.city.lon, self.city.lat)
        return cKDTree(np.column_stack([x_m, y_m]))

    def spot(self, place: LonLat) -> int:
        """The nearest corner."""
        x, y = self.plane.to_m(np.array(place.lon), np.array(place.lat))
        return int(self._tree.query((float(x), float(y)))[1])

    def matrix(self, starts: Sequence[int], targets: Sequence[int], *, true: bool) -> Seconds:
        """Seconds [starts, targets]."""
        found = np.full((len(starts), len(targets)), np.inf, dtype=np.float32)
        if starts and targets:
            query = CCHManyToOne(self._metric[true], list(starts))
            for column, target in enumerate(targets):
                found[:, column] = [
                    np.inf if far is None else far * TICK_S for far in query.distances_to(target)
                ]
        return found

    def way(self, start: int, target: int) -> Way:
        """The truly fastest way, corner by corner."""
        found = CCHQuery(self._metric[True]).run(start, target)
        nodes, edges = found.node_path or [start], found.arc_path
        at = np.concatenate([[0.0], np.cumsum(self.true_s[edges])]) if edges else np.zeros(1)
        return Way(
            self.city.lon[nodes].tolist(),
            self.city.lat[nodes].tolist(),
            at.tolist(),
            float(self.city.length_m[edges].sum()) if edges else 0.0,
        )


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


def ticks(seconds: NDArray[np.float64]) -> list[int]:
    """Weights as the hierarchy takes them, never zero."""
    return np.maximum(1, np.rint(seconds / TICK_S)).astype(np.int64).tolist()


def metres_between_all(plane: Plane, starts: Sequence[LonLat], targets: Sequence[LonLat]) -> Seconds:
    """Metres in a straight line [starts, targets]."""
    a, b = np.array(starts, dtype=np.float64), np.array(targets, dtype=np.float64)
    ax, ay = plane.to_m(a[:, 0], a[:, 1])
    bx, by = plane.to_m(b[:, 0], b[:, 1])
    return np.hypot(ax[:, None] - bx[None, :], ay[:, None] - by[None, :]).astype(np.float32)
