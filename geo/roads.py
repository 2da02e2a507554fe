"""Travel times by road, inside the process: a customizable contraction hierarchy over the state graph (geo/turns.py).

Every time is a whole number of milliseconds inside and seconds outside, so a time equals Dijkstra's to the last digit.
Safe for threads: the weights in force are one object that is replaced as a whole, and each thread has query objects
of its own, because the library ties them to the thread that made them."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import routingkit_cch as cch
from numpy.typing import NDArray

from geo import road_build, road_ends, road_files, snapping
from geo.car_tags import CLASS_NO
from geo.errors import NoRoads
from geo.fix import LonLat
from geo.network import Floats, Network
from geo.reach import Reach
from geo.road_ends import Ends, Entries, Pins, Weights
from geo.route import Route, route
from geo.snaps import Snap, SnapCache, Snaps

__all__ = ["NoRoads", "Reach", "Roads", "Route", "Snap", "SnapCache", "Snaps"]


class Roads:
    """The roads of one region, open for questions. Times are seconds; a place without a road reaches nothing."""

    def __init__(
        self, network: Network, grid: snapping.Grid, order: NDArray[np.uint32], facts: dict[str, Any]
    ) -> None:
        self.network, self.grid, self.facts = network, grid, facts
        self.version = str(facts.get("build", ""))
        states = network.states
        self.entries = Entries.of(states, len(network.start))
        # Not filtered by "always infinite" arcs: customise may close any road and open it again.
        self._cch = cch.CCH(order.tolist(), states.tail.tolist(), states.head.tolist(), False)
        self._weights = self._weigh(network.seconds)
        self._everywhere = Pins.everywhere(len(states.state_node))
        self._own = _Own()

    @classmethod
    def open(cls, folder: Path) -> "Roads":
        """Opens the graph in force in `<data folder>/roads`. Raises NoRoads."""
        facts, arrays = road_files.load(folder)
        return cls(road_build.network_of(arrays), road_build.grid_of(arrays), arrays["order"], facts)

    @classmethod
    def of(cls, network: Network, facts: dict[str, Any] | None = None) -> "Roads":
        """A graph that lives in memory only: of a generated city, or of a test."""
        states = network.states
        order = cch.compute_order_inertial(
            len(states.state_node), states.tail.tolist(), states.head.tolist(),
            network.lat[states.state_node].tolist(), network.lon[states.state_node].tolist(),
        )  # fmt: skip
        grid = snapping.index(network, network.road_class != CLASS_NO["ferry"])
        return cls(network, grid, np.array(order, dtype=np.uint32), facts or {})

    @staticmethod
    def current(folder: Path) -> str:
        """Which build is in force in the folder, empty for none: differs from `version` when a new one was built."""
        return road_files.current(folder)

    @property
    def edge_s(self) -> Floats:
        """The seconds of each edge in force now, to the millisecond."""
        return self._weights.edge_ms / road_ends.PER_S

    def snap(self, places: Sequence[LonLat]) -> Snaps:
        """The nearest road of each place; none for a place more than snapping.FARTHEST_M from every road."""
        at = np.array(places, dtype=np.float64).reshape(-1, 2)
        return Snaps(*snapping.nearest(self.grid, at[:, 0], at[:, 1]))

    def customise(self, edge_seconds: Floats) -> None:
        """Puts new seconds in force for every edge; questions under way are answered with the old ones.

        Shape [edges], positive, infinite closes an edge. Raises ValueError otherwise."""
        self._weights = self._weigh(edge_seconds)

    def seconds_to(self, sources: Sequence[Snap | None], target: Snap | None) -> Floats:
        """Seconds from each source to the target, infinite where there is no way."""
        weights, starts = self._weights, Snaps.of(sources)
        if target is None or not len(starts):
            return np.full(len(starts), np.inf)
        ends = road_ends.pins(starts, self, weights, leaving=True)
        found = self._own.to_pinned(ends, weights, road_ends.arriving(target, self, weights))
        return ends.seconds(found, road_ends.direct(starts, target, self, weights, leaving=True))

    def seconds_from(self, source: Snap | None, targets: Sequence[Snap | None]) -> Floats:
        """Seconds from the source to each target, infinite where there is no way."""
        weights, goals = self._weights, Snaps.of(targets)
        if source is None or not len(goals):
            return np.full(len(goals), np.inf)
        ends = road_ends.pins(goals, self, weights, leaving=False)
        found = self._own.from_pinned(ends, weights, road_ends.leaving(source, self, weights))
        return ends.seconds(found, road_ends.direct(goals, source, self, weights, leaving=False))

    def many_to_one(self, sources: Sequence[Snap | None], target: Snap | None) -> list[float | None]:
        """Seconds from each source to the target, None where there is no way."""
        return _with_none(self.seconds_to(sources, target))

    def one_to_many(self, source: Snap | None, targets: Sequence[Snap | None]) -> list[float | None]:
        """Seconds from the source to each target, None where there is no way."""
        return _with_none(self.seconds_from(source, targets))

    def matrix(self, sources: Sequence[Snap | None], targets: Sequence[Snap | None]) -> Floats:
        """Seconds, shape [len(sources), len(targets)], infinite where there is no way.

        The longer side is pinned and the shorter one asked, place by place."""
        starts, goals = Snaps.of(sources), Snaps.of(targets)
        found = np.full((len(starts), len(goals)), np.inf)
        if len(starts) >= len(goals):
            for column, goal in enumerate(goals):
                found[:, column] = self.seconds_to(starts, goal)
        else:
            for row, start in enumerate(starts):
                found[row] = self.seconds_from(start, goals)
        return found

    def path(self, source: Snap | None, target: Snap | None) -> Route | None:
        """The quickest way from source to target; None when there is none."""
        if source is None or target is None:
            return None
        return route(source, target, self, self._weights, cch.CCHQuery(self._weights.metric))

    def soonest(self, sources: Sequence[Snap | None], ready_s: Floats | None = None) -> Floats:
        """Seconds until the first of the sources can be in the middle of each edge, shape [edges], infinite for never.

        `ready_s` is when each source may start."""
        weights, starts = self._weights, Snaps.of(sources)
        wait_ms = np.zeros(len(starts)) if ready_s is None else np.rint(ready_s * road_ends.PER_S)
        begun: dict[int, int] = {}
        for number in np.flatnonzero(np.isfinite(wait_ms)).tolist():
            start = starts[number]
            for state, ms in () if start is None else road_ends.leaving(start, self, weights):
                begun[state] = min(begun.get(state, ms + int(wait_ms[number])), ms + int(wait_ms[number]))
        if not begun:
            return np.full(len(self.network.start), np.inf)
        found = self._own.from_pinned(self._everywhere, weights, list(begun.items()))
        middle = self.entries.least(road_ends.numbers(found)) + weights.edge_ms / 2
        rows = np.flatnonzero(starts.edge >= 0)
        own, twin = starts.edge[rows], self.network.twin
        ahead = 0.5 - starts.share[rows]
        aside = np.where((ahead >= 0) | (twin[own] >= 0), np.abs(ahead) * weights.edge_ms[own], np.inf)
        np.minimum.at(middle, own, aside + wait_ms[rows])
        both = np.flatnonzero(twin >= 0)
        middle[both] = np.minimum(
            middle[both], middle[twin[both]]
        )  # it is the same place, whichever way one comes
        return middle / road_ends.PER_S

    def reach(self, place: LonLat, within_s: float, *, towards: bool = True) -> Reach | None:
        """Everything within `within_s` seconds of a place: who can get there (`towards`), or where one can get from it.

        None for a place without a road near."""
        at = self.snap([place])[0]
        if at is None:
            return None
        weights = self._weights
        if towards:
            pairs = road_ends.arriving(at, self, weights)
            found = road_ends.numbers(self._own.to_pinned(self._everywhere, weights, pairs))
            ms_end = found[self.network.states.after]
            ms_start = ms_end + weights.edge_ms
        else:
            pairs = road_ends.leaving(at, self, weights)
            found = road_ends.numbers(self._own.from_pinned(self._everywhere, weights, pairs))
            ms_start = self.entries.least(found)
            ms_end = ms_start + weights.edge_ms
        return Reach(
            self.network, at, within_s, towards, ms_start / road_ends.PER_S, ms_end / road_ends.PER_S
        )

    def _weigh(self, edge_seconds: Floats) -> Weights:
        return road_ends.weigh(self._cch, self.network, np.asarray(edge_seconds, dtype=np.float64))


class _Own(threading.local):
    """The query objects of one thread, for the pins they were last asked about."""

    def __init__(self) -> None:
        self._many: tuple[Pins, Weights, cch.CCHManyToOne] | None = None
        self._one: tuple[Pins, Weights, cch.CCHOneToMany] | None = None

    def to_pinned(self, pins: Pins, weights: Weights, goals: Ends) -> list[int | None]:
        """Milliseconds from each pinned state to the nearest of the goals."""
        if not pins.states or not goals:  # the library takes no empty list
            return [None] * len(pins.states)
        if self._many is None or self._many[1] is not weights:
            self._many = (pins, weights, cch.CCHManyToOne(weights.metric, pins.states))
        elif self._many[0] is not pins:
            self._many[2].repin_sources(pins.states)
            self._many = (pins, weights, self._many[2])
        return self._many[2].distances_to_multi(goals)

    def from_pinned(self, pins: Pins, weights: Weights, starts: Ends) -> list[int | None]:
        """Milliseconds from the nearest of the starts to each pinned state."""
        if not pins.states or not starts:
            return [None] * len(pins.states)
        if self._one is None or self._one[1] is not weights:
            self._one = (pins, weights, cch.CCHOneToMany(weights.metric, pins.states))
        elif self._one[0] is not pins:
            self._one[2].repin_targets(pins.states)
            self._one = (pins, weights, self._one[2])
        return self._one[2].distances_from_multi(starts)


def _with_none(seconds: Floats) -> list[float | None]:
    found: list[float | None] = seconds.tolist()
    if not np.isfinite(seconds).all():
        return [None if value == np.inf else value for value in found]
    return found
