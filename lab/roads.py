"""Shortest drives through a city: travel times, paths, and a track that says where the car is at any moment."""

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import atan2, degrees, hypot

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from geo.fix import LonLat
from lab.citymap import CLASS_NO, City, Floats, Ints, Plane

TREE_BYTES = 40_000_000  # memory for remembered trees; 12 bytes a node
# How much slower the roads are by the hour of the day, midnight first (morning and evening rush).
SLOWER = (
    0.92, 0.92, 0.92, 0.92, 0.92, 0.94, 1.00, 1.25, 1.38, 1.20, 1.08, 1.06,
    1.08, 1.06, 1.06, 1.08, 1.15, 1.32, 1.40, 1.22, 1.08, 1.02, 0.96, 0.94,
)  # fmt: skip
MAX_OVER_LIMIT = 1.15  # the fastest driver of the lab, compared with the limit
RED_LIGHT_SHARE, RED_LIGHT_S = 0.30, (6.0, 38.0)


class Unreachable(ValueError):
    """There is no way by road between two nodes."""


@dataclass(frozen=True)
class Moment:
    """Where a car is at one moment: metres on the city's plane, speed and heading (None when it stands)."""

    x_m: float
    y_m: float
    speed_mps: float
    heading_deg: float | None


@dataclass(frozen=True)
class Track:
    """A drive: breakpoints on the plane with the second each is reached; between them the car rolls evenly."""

    plane: Plane
    depart: datetime
    nodes: tuple[int, ...]
    x_m: Sequence[float]
    y_m: Sequence[float]
    at_s: Sequence[float]
    length_m: float

    @property
    def arrive(self) -> datetime:
        """When the drive ends."""
        return self.depart + timedelta(seconds=self.at_s[-1])

    @property
    def duration_s(self) -> float:
        """Seconds from start to end."""
        return self.at_s[-1]

    def moment(self, now: datetime) -> Moment:
        """Where the car is; before the start it stands at the first point, after the end at the last."""
        t = (now - self.depart).total_seconds()
        if t <= 0 or len(self.at_s) < 2:
            return Moment(self.x_m[0], self.y_m[0], 0.0, None)
        if t >= self.at_s[-1]:
            return Moment(self.x_m[-1], self.y_m[-1], 0.0, None)
        i = bisect_right(self.at_s, t) - 1
        dx, dy = self.x_m[i + 1] - self.x_m[i], self.y_m[i + 1] - self.y_m[i]
        span = self.at_s[i + 1] - self.at_s[i]
        share, far = (t - self.at_s[i]) / span, hypot(dx, dy)
        heading = degrees(atan2(dx, dy)) % 360 if far > 0.1 else None
        return Moment(self.x_m[i] + share * dx, self.y_m[i] + share * dy, far / span, heading)

    def position(self, now: datetime) -> LonLat:
        """Where the car is, in degrees."""
        here = self.moment(now)
        return self.plane.lonlat(here.x_m, here.y_m)

    def node_ahead(self, now: datetime) -> int:
        """The node the car reaches next; the last one when it has arrived."""
        t = (now - self.depart).total_seconds()
        i = bisect_right(self.at_s, t)
        return self.nodes[min(i, len(self.nodes) - 1)]


class Roads:
    """The road network of a city, ready for questions about times and ways."""

    def __init__(self, city: City) -> None:
        self.city = city
        self.plane = city.plane
        self.x_m, self.y_m = self.plane.to_m(city.lon, city.lat)
        self._tree = cKDTree(np.column_stack([self.x_m, self.y_m]))
        seconds = city.length_m / city.speed_mps
        order = np.lexsort((seconds, city.end, city.start))
        first = np.ones(len(order), dtype=np.bool_)
        same = (np.diff(city.start[order]) == 0) & (np.diff(city.end[order]) == 0)
        first[1:] = ~same  # of two parallel edges only the faster counts; a sparse matrix would add them up
        self._edges = order[first]
        size = len(city.lon)
        start, end = city.start[self._edges], city.end[self._edges]
        self._graph = csr_array((seconds[self._edges], (start, end)), shape=(size, size))
        self._edge_of: dict[tuple[int, int], int] = dict(
            zip(zip(start.tolist(), end.tolist(), strict=True), self._edges.tolist(), strict=True)
        )
        self._trees: OrderedDict[int, tuple[Floats, Ints]] = OrderedDict()
        main = city.road_class <= CLASS_NO["secondary"]
        self._lights = np.bincount(city.end[main], minlength=size) >= 3

    def nearest_node(self, place: LonLat) -> int:
        """The node closest to a place in a straight line."""
        x, y = self.plane.to_m(np.array(place.lon), np.array(place.lat))
        return int(self._tree.query((float(x), float(y)))[1])

    def nodes_near(self, place: LonLat, radius_m: float) -> list[int]:
        """Nodes within a radius of a place, nearest first is not promised."""
        x, y = self.plane.to_m(np.array(place.lon), np.array(place.lat))
        return sorted(self._tree.query_ball_point((float(x), float(y)), radius_m))

    def seconds(self, a: int, b: int) -> float:
        """Free-flow travel time between two nodes; infinite when there is no way."""
        return float(self._from(a)[0][b])

    def seconds_from(self, a: int) -> Floats:
        """Free-flow travel times from a node to every node."""
        return self._from(a)[0]

    def path(self, a: int, b: int) -> list[int]:
        """The nodes of the fastest way from a to b, both included. Raises Unreachable."""
        before = self._from(a)[1]
        nodes = [b]
        while nodes[-1] != a:
            step = int(before[nodes[-1]])
            if step < 0:
                raise Unreachable(f"no way from node {a} to node {b}")
            nodes.append(step)
        return nodes[::-1]

    def length_m(self, path: list[int]) -> float:
        """The metres of a path."""
        return float(sum(self.city.length_m[self.edge(a, b)] for a, b in pairwise(path)))

    def edge(self, a: int, b: int) -> int:
        """The (fastest) edge from one node to the next."""
        return self._edge_of[a, b]

    def slower(self, now: datetime) -> float:
        """How much longer a drive takes at this hour of the city's day."""
        local = now + self.city.utc_offset
        hour = local.hour + local.minute / 60
        low = int(hour)
        return SLOWER[low] + (hour - low) * (SLOWER[(low + 1) % 24] - SLOWER[low])

    def drive(
        self,
        a: int,
        b: int,
        depart: datetime,
        *,
        hurry: float = 1.0,
        seed: int = 0,
        start: Moment | None = None,
    ) -> Track:
        """The drive from a to b: hour of day, red lights and a little unsteadiness included.

        `hurry` above 1 is a faster driver; `start` is where the car is when it is not yet at node a."""
        path = self.path(a, b)
        rng = np.random.default_rng((seed, a, b, int(depart.timestamp())))
        edges = [self.edge(p, q) for p, q in pairwise(path)]
        speed = self.city.speed_mps[edges] * hurry / self.slower(depart) * rng.uniform(0.85, 1.15, len(edges))
        speed = np.minimum(speed, self.city.limit_mps[edges] * MAX_OVER_LIMIT)
        hops = (np.hypot(np.diff(self.x_m[path]), np.diff(self.y_m[path])) / speed).tolist()
        lights = self._lights[path] & (rng.random(len(path)) < RED_LIGHT_SHARE)
        waits = rng.uniform(*RED_LIGHT_S, len(path)).tolist()
        return self._track(path, hops, lights.tolist(), waits, depart, start)

    def _track(
        self, path: list[int], hops: list[float], lights: list[bool], waits: list[float], depart: datetime,
        start: Moment | None,
    ) -> Track:  # fmt: skip
        nodes, at = [path[0]], [0.0]
        x, y = [float(self.x_m[path[0]])], [float(self.y_m[path[0]])]
        if start is not None:
            away = hypot(x[0] - start.x_m, y[0] - start.y_m)
            if away > 0.5:
                nodes, at = [path[0], path[0]], [0.0, away / max(start.speed_mps, 4.0)]
                x, y = [start.x_m, x[0]], [start.y_m, y[0]]
        length = hypot(x[-1] - x[0], y[-1] - y[0])
        for i, hop in enumerate(hops, 1):
            length += hypot(float(self.x_m[path[i]]) - x[-1], float(self.y_m[path[i]]) - y[-1])
            stops = [at[-1] + max(hop, 0.05)]
            if lights[i] and i < len(hops):
                stops.append(stops[0] + waits[i])
            for second in stops:
                nodes.append(path[i])
                at.append(second)
                x.append(float(self.x_m[path[i]]))
                y.append(float(self.y_m[path[i]]))
        return Track(self.plane, depart, tuple(nodes), x, y, at, length)

    def _from(self, a: int) -> tuple[Floats, Ints]:
        """Times and predecessors from a node; the latest trees are kept."""
        if a in self._trees:
            self._trees.move_to_end(a)
            return self._trees[a]
        times, before = dijkstra(self._graph, indices=a, return_predecessors=True)
        self._trees[a] = times, before
        if len(self._trees) > max(8, TREE_BYTES // (12 * len(times))):
            self._trees.popitem(last=False)
        return times, before
