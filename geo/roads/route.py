"""One way from place to place: its edges in the order driven, its seconds, its line on the map."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geo.roads import journey_ends
from geo.roads.network import Floats, Network
from geo.roads.snaps import Snap
from geo.roads.turns import Ints

if TYPE_CHECKING:
    import routingkit_cch as cch

    from geo.roads.graph import Roads
    from geo.roads.journey_ends import Weights


@dataclass(frozen=True, eq=False)
class Route:
    """Edges in the order driven; the first is entered at `first_share` and the last left at `last_share`."""

    edges: Ints
    first_share: float
    last_share: float
    seconds: float
    length_m: float
    line: Floats  # [points, 2], (lon, lat)

    def driven(self) -> list[tuple[int, float, float]]:
        """(edge, share where it is entered, share where it is left) of each edge."""
        last = len(self.edges) - 1
        return [
            (int(edge), self.first_share if i == 0 else 0.0, self.last_share if i == last else 1.0)
            for i, edge in enumerate(self.edges)
        ]


def route(
    source: Snap, target: Snap, roads: "Roads", weights: "Weights", query: "cch.CCHQuery"
) -> Route | None:
    """The quickest way; None when there is none. `query` is a fresh one of this thread."""
    along = _along(source, target, roads, weights)
    starts, goals = (
        journey_ends.leaving(source, roads, weights),
        journey_ends.arriving(target, roads, weights),
    )
    round_about = None
    if starts and goals:
        found = query.run_multi(starts, goals)
        if found.distance is not None and (along is None or found.distance < along[0]):
            round_about = found.distance, found.node_path, found.arc_path
        del found  # the library refuses the next question while an answer lives
    if round_about is not None:
        return _through(source, target, roads, weights, *round_about)
    return None if along is None else _made(roads.network, [along[1]], along[2], along[3], along[0])


def _along(
    source: Snap, target: Snap, roads: "Roads", weights: "Weights"
) -> tuple[int, int, float, float] | None:
    """Milliseconds, edge and shares of the drive that never leaves the edge; None when it would have to turn round."""
    best = None
    twin = int(roads.network.twin[source.edge])
    for edge, start in ((source.edge, source.share), (twin, 1.0 - source.share)):
        if edge < 0 or weights.edge_ms[edge] >= journey_ends.CLOSED_MS:
            continue
        goal = target.share if target.edge == edge else None
        if target.edge == int(roads.network.twin[edge]):
            goal = 1.0 - target.share
        if goal is not None and goal >= start:
            ms = round((goal - start) * float(weights.edge_ms[edge]))
            best = (ms, edge, start, goal) if best is None or ms < best[0] else best
    return best


def _through(
    source: Snap, target: Snap, roads: "Roads", weights: "Weights", ms: int, nodes: list[int], arcs: list[int]
) -> Route:
    net = roads.network
    middle = [int(edge) for edge in net.states.arc_edge[np.array(arcs, dtype=np.int64)]]
    twins = int(net.twin[source.edge]), int(net.twin[target.edge])
    sum_ms = sum(int(weights.edge_ms[edge]) for edge in middle)
    starts = ((source.edge, source.share), (twins[0], 1.0 - source.share))
    goals = ((target.edge, target.share), (twins[1], 1.0 - target.share))
    for first, enters in starts:
        for last, leaves in goals:
            if first < 0 or last < 0 or int(net.states.after[first]) != nodes[0]:
                continue
            begin, finish = (float(weights.edge_ms[edge]) for edge in (first, last))
            parts_ms = round((1.0 - enters) * begin) + round(leaves * finish)
            if nodes[-1] in roads.entries.at(last) and parts_ms + sum_ms == ms:
                return _made(net, [first, *middle, last], enters, leaves, ms)
    raise AssertionError("a way begins and ends on the edges it was asked for")


def _made(net: Network, edges: list[int], enters: float, leaves: float, ms: int) -> Route:
    last = len(edges) - 1
    shares = [(enters if i == 0 else 0.0, leaves if i == last else 1.0) for i in range(len(edges))]
    length_m = sum((b - a) * float(net.length_m[e]) for e, (a, b) in zip(edges, shares, strict=True))
    pieces = [line_of(net, e, a, b) for e, (a, b) in zip(edges, shares, strict=True)]
    line = np.vstack([pieces[0], *(piece[1:] for piece in pieces[1:])])
    return Route(np.array(edges, dtype=np.int32), enters, leaves, ms / journey_ends.PER_S, length_m, line)


def line_of(net: Network, edge: int, enters: float = 0.0, leaves: float = 1.0) -> Floats:
    """The part of an edge's line between two shares, at least two points."""
    points = np.asarray(net.shape[net.first[edge] : net.first[edge + 1]])
    if enters <= 0.0 and leaves >= 1.0:
        return points
    shrink = np.cos(np.radians(points[:, 1].mean()))
    steps = np.hypot(np.diff(points[:, 0]) * shrink, np.diff(points[:, 1]))
    at = np.concatenate([[0.0], np.cumsum(steps)])
    at /= max(float(at[-1]), 1e-12)
    inner = points[(at > enters) & (at < leaves)]
    ends = np.column_stack([np.interp([enters, leaves], at, points[:, axis]) for axis in (0, 1)])
    return np.vstack([ends[:1], inner, ends[1:]])
