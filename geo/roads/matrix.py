"""Many places to many: one side pinned, the other asked place by place, the answers put together block by block."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from geo.roads import journey_ends
from geo.roads.journey_ends import PER_S, Ends, Pins, Weights
from geo.roads.network import Floats
from geo.roads.pool import OWN
from geo.roads.snaps import Snap, Snaps

if TYPE_CHECKING:
    from geo.roads.graph import Roads

BLOCK = 64  # sweeps put together at a time: bounds the memory, and is a fair share for a thread
WORTH_THREADS = 50_000  # pairs; below that a second thread costs more than it brings
THREADS = 2

Sweep = Callable[[Pins, Weights, Ends], list[int | None]]


class Matrices:
    """Answers matrices of one graph. The library lets other threads run while it sweeps, so large ones use two."""

    def __init__(self, roads: "Roads") -> None:
        self._roads = roads
        self._threads: ThreadPoolExecutor | None = None

    def seconds(self, sources: Snaps, targets: Snaps, weights: Weights) -> Floats:
        """Shape [len(sources), len(targets)]. The longer side is pinned."""
        leaving = len(sources) >= len(targets)
        pinned, asked = (sources, targets) if leaving else (targets, sources)
        pins = journey_ends.pins(pinned, self._roads, weights, leaving=leaving)
        found = np.full((len(asked), len(pinned)), np.inf)
        blocks = [slice(at, min(at + BLOCK, len(asked))) for at in range(0, len(asked), BLOCK)]

        def fill(block: slice) -> None:
            found[block] = self._block(pins, pinned, asked[block], weights, leaving)

        if found.size >= WORTH_THREADS and len(blocks) > 1:
            list(self._pool().map(fill, blocks))
        else:
            for block in blocks:
                fill(block)
        return found.T if leaving else found

    def _pool(self) -> ThreadPoolExecutor:
        """Made on first use: a process that forks before then takes no dead threads along."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="roads")
        return self._threads

    def _block(self, pins: Pins, pinned: Snaps, asked: Snaps, weights: Weights, leaving: bool) -> Floats:
        roads = self._roads
        ends = journey_ends.arriving if leaving else journey_ends.leaving
        sweep: Sweep = OWN.to_pinned if leaving else OWN.from_pinned
        reached = np.full((len(asked), len(pins.states)), np.inf)
        for row, place in enumerate(asked):
            if place is not None and pins.states:
                reached[row] = journey_ends.numbers(sweep(pins, weights, ends(place, roads, weights)))
        ms = pins.least(reached)
        for row, place in self._neighbours(pinned, asked):
            columns, along = journey_ends.direct(pinned, place, roads, weights, leaving=leaving)
            ms[row, columns] = np.minimum(ms[row, columns], along)
        return ms / PER_S

    def _neighbours(self, pinned: Snaps, asked: Snaps) -> list[tuple[int, Snap]]:
        """The places asked for that share a road with a pinned one: only there may the direct drive be shorter."""
        twin = self._roads.network.twin
        edges = np.concatenate([pinned.edge, twin[pinned.edge[pinned.edge >= 0]]])
        near = np.flatnonzero(np.isin(asked.edge, edges) & (asked.edge >= 0)).tolist()
        return [(row, place) for row in near if (place := asked[row]) is not None]
