"""Travel times by road, inside the process: a customizable contraction hierarchy over the state graph (turns.py).

Every time is a whole number of milliseconds inside and seconds outside, so a time equals Dijkstra's to the last digit.
Safe for threads: the weights in force are one object that is replaced as a whole, and each thread has query objects
of its own, because the library ties them to the thread that made them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import routingkit_cch as cch

from geo.errors import NoRoads
from geo.fix import LonLat
from geo.roads import building, files, journey_ends, pool, snapping, turns
from geo.roads.car_tags import CLASS_NO
from geo.roads.journey_ends import Blind, Entries, Pins, Weights
from geo.roads.matrix import Matrices
from geo.roads.network import Floats, Network
from geo.roads.reach import Reach
from geo.roads.route import Route, route
from geo.roads.snaps import Snap, SnapCache, Snaps

__all__ = ["NoRoads", "Reach", "Roads", "Route", "Snap", "SnapCache", "Snaps"]


class Roads:
    """The roads of one region, open for questions. Times are seconds; a place without a road reaches nothing."""

    def __init__(self, network: Network, grid: snapping.Grid, facts: dict[str, Any]) -> None:
        """`network` has its states in the order of contraction (turns.in_order)."""
        self.network, self.grid, self.facts = network, grid, facts
        self.version = str(facts.get("build", ""))
        states = network.states
        self.entries = Entries.of(states, len(network.start))
        self.blind = Blind.of(network)
        # Not filtered by "always infinite" arcs: customise may close any road and open it again.
        order = list(range(len(states.state_node)))
        self._cch = cch.CCH(order, states.tail.tolist(), states.head.tolist(), False)
        self._weights = self._weigh(network.seconds)
        self._everywhere = Pins.everywhere(len(states.state_node))
        self._matrices = Matrices(self)

    @classmethod
    def open(cls, folder: Path) -> "Roads":
        """Opens the graph in force in `<data folder>/roads`. Raises NoRoads."""
        facts, arrays = files.load(folder)
        return cls(building.network_of(arrays), building.grid_of(arrays), facts)

    @classmethod
    def of(cls, network: Network, facts: dict[str, Any] | None = None) -> "Roads":
        """A graph that lives in memory only: of a generated city, or of a test."""
        states = network.states
        order = cch.compute_order_inertial(
            len(states.state_node), states.tail.tolist(), states.head.tolist(),
            network.lat[states.state_node].tolist(), network.lon[states.state_node].tolist(),
        )  # fmt: skip
        grid = snapping.index(network, network.road_class != CLASS_NO["ferry"])
        ordered = turns.in_order(states, np.array(order, dtype=np.uint32))
        return cls(replace(network, states=ordered), grid, facts or {})

    @staticmethod
    def current(folder: Path) -> str:
        """Which build is in force in the folder, empty for none: differs from `version` when a new one was built."""
        return files.current(folder)

    @property
    def edge_s(self) -> Floats:
        """The seconds of each edge in force now, to the millisecond."""
        return self._weights.edge_ms / journey_ends.PER_S

    def snap(self, places: Sequence[LonLat]) -> Snaps:
        """The nearest road of each place; none for a place more than snapping.FARTHEST_M from every road."""
        at = np.array(places, dtype=np.float64).reshape(-1, 2)
        return Snaps(*snapping.nearest(self.grid, at[:, 0], at[:, 1]), self.network)

    def customise(self, edge_seconds: Floats) -> None:
        """Puts new seconds in force for every edge; questions under way are answered with the old ones.

        Shape [edges], positive, infinite closes an edge. Raises ValueError otherwise."""
        self._weights = self._weigh(edge_seconds)

    def seconds_to(self, sources: Sequence[Snap | None], target: Snap | None) -> Floats:
        """Seconds from each source to the target, infinite where there is no way."""
        weights, starts = self._weights, Snaps.of(sources)
        if target is None or not len(starts):
            return np.full(len(starts), np.inf)
        ends = journey_ends.pins(starts, self, weights, leaving=True)
        found = pool.OWN.to_pinned(ends, weights, journey_ends.arriving(target, self, weights))
        return ends.seconds(found, journey_ends.direct(starts, target, self, weights, leaving=True))

    def seconds_from(self, source: Snap | None, targets: Sequence[Snap | None]) -> Floats:
        """Seconds from the source to each target, infinite where there is no way."""
        weights, goals = self._weights, Snaps.of(targets)
        if source is None or not len(goals):
            return np.full(len(goals), np.inf)
        ends = journey_ends.pins(goals, self, weights, leaving=False)
        found = pool.OWN.from_pinned(ends, weights, journey_ends.leaving(source, self, weights))
        return ends.seconds(found, journey_ends.direct(goals, source, self, weights, leaving=False))

    def many_to_one(self, sources: Sequence[Snap | None], target: Snap | None) -> list[float | None]:
        """Seconds from each source to the target, None where there is no way."""
        return _with_none(self.seconds_to(sources, target))

    def one_to_many(self, source: Snap | None, targets: Sequence[Snap | None]) -> list[float | None]:
        """Seconds from the source to each target, None where there is no way."""
        return _with_none(self.seconds_from(source, targets))

    def matrix(self, sources: Sequence[Snap | None], targets: Sequence[Snap | None]) -> Floats:
        """Seconds, shape [len(sources), len(targets)], infinite where there is no way.

        The longer side is pinned and the shorter one asked, place by place."""
        return self._matrices.seconds(Snaps.of(sources), Snaps.of(targets), self._weights)

    def path(self, source: Snap | None, target: Snap | None) -> Route | None:
        """The quickest way from source to target; None when there is none."""
        if source is None or target is None:
            return None
        return route(source, target, self, self._weights, cch.CCHQuery(self._weights.metric))

    def soonest(self, sources: Sequence[Snap | None], ready_s: Floats | None = None) -> Floats:
        """Seconds until the first of the sources can be in the middle of each edge, shape [edges], infinite for never.

        `ready_s` is when each source may start."""
        weights, starts = self._weights, journey_ends.of_this_graph(Snaps.of(sources), self)
        wait_ms = np.zeros(len(starts)) if ready_s is None else np.rint(ready_s * journey_ends.PER_S)
        begun: dict[int, int] = {}
        for number in np.flatnonzero(np.isfinite(wait_ms)).tolist():
            start = starts[number]
            for state, ms in () if start is None else journey_ends.leaving(start, self, weights, blind=True):
                begun[state] = min(begun.get(state, ms + int(wait_ms[number])), ms + int(wait_ms[number]))
        if not begun:
            return np.full(len(self.network.start), np.inf)
        found = pool.OWN.from_pinned(self._everywhere, weights, list(begun.items()))
        middle = self.entries.least(journey_ends.numbers(found)) + weights.edge_ms / 2
        rows = np.flatnonzero(starts.edge >= 0)
        own, twin = starts.edge[rows], self.network.twin
        ahead = 0.5 - starts.share[rows]
        aside = np.where((ahead >= 0) | (twin[own] >= 0), np.abs(ahead) * weights.edge_ms[own], np.inf)
        np.minimum.at(middle, own, aside + wait_ms[rows])
        both = np.flatnonzero(twin >= 0)
        middle[both] = np.minimum(
            middle[both], middle[twin[both]]
        )  # it is the same place, whichever way one comes
        return middle / journey_ends.PER_S

    def reach(self, place: LonLat, within_s: float, *, towards: bool = True) -> Reach | None:
        """Everything within `within_s` seconds of a place: who can get there (`towards`), or where one can get from it.

        None for a place without a road near."""
        at = self.snap([place])[0]
        if at is None:
            return None
        weights = self._weights
        if towards:
            pairs = journey_ends.arriving(at, self, weights, blind=True)
            found = journey_ends.numbers(pool.OWN.to_pinned(self._everywhere, weights, pairs))
            ms_end = found[self.network.states.after]
            ms_start = ms_end + weights.edge_ms
        else:
            pairs = journey_ends.leaving(at, self, weights, blind=True)
            found = journey_ends.numbers(pool.OWN.from_pinned(self._everywhere, weights, pairs))
            ms_start = self.entries.least(found)
            ms_end = ms_start + weights.edge_ms
        return Reach(
            self.network, at, within_s, towards, ms_start / journey_ends.PER_S, ms_end / journey_ends.PER_S
        )

    def _weigh(self, edge_seconds: Floats) -> Weights:
        return journey_ends.weigh(self._cch, self.network, np.asarray(edge_seconds, dtype=np.float64))


def _with_none(seconds: Floats) -> list[float | None]:
    found: list[float | None] = seconds.tolist()
    if not np.isfinite(seconds).all():
        return [None if value == np.inf else value for value in found]
    return found
