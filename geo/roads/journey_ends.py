"""The two ends of a journey: in which states a place is left and reached, and what the rest of its edge costs."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import routingkit_cch as cch
from numpy.typing import NDArray

from geo.roads.network import Floats, Network
from geo.roads.snaps import Snap, Snaps
from geo.roads.turns import Ints, StateGraph

if TYPE_CHECKING:
    from geo.roads.graph import Roads

PER_S = 1_000  # whole milliseconds
CLOSED_MS = 2**31 - 1  # the library's infinity
LONGEST_MS = 24 * 3600 * PER_S  # for one edge, so that no sum over a city overflows before it is infinite
Longs = NDArray[np.int64]
Ends = list[tuple[int, int]]  # (state, milliseconds)


class Weights(NamedTuple):
    """The seconds in force: milliseconds of each edge, and the hierarchy customised to them."""

    edge_ms: Longs
    metric: cch.CCHMetric


def weigh(hierarchy: cch.CCH, network: Network, edge_seconds: Floats) -> Weights:
    """Customises the hierarchy. Raises ValueError unless every edge has its positive seconds."""
    if edge_seconds.shape != network.start.shape or not (edge_seconds > 0).all():
        raise ValueError(f"one positive number of seconds for each of {len(network.start)} edges is needed")
    ms = np.where(np.isfinite(edge_seconds), np.rint(np.minimum(edge_seconds * PER_S, LONGEST_MS)), CLOSED_MS)
    edge_ms = np.maximum(ms, 1).astype(np.int64)
    return Weights(edge_ms, cch.CCHMetric(hierarchy, edge_ms[network.states.arc_edge].tolist()))


class Entries(NamedTuple):
    """The states from which each edge may be entered: `state[first[e] : first[e + 1]]`."""

    first: Longs
    state: Ints

    @classmethod
    def of(cls, states: StateGraph, edges: int) -> "Entries":
        """Groups the arcs of a state graph by edge. Every edge has at least one."""
        order = np.argsort(states.arc_edge, kind="stable")
        first = np.searchsorted(states.arc_edge[order], np.arange(edges + 1))
        return cls(first.astype(np.int64), states.tail[order].astype(np.int32))

    def least(self, of_state: Floats) -> Floats:
        """For each edge the least value among the states it may be entered from."""
        return np.asarray(np.minimum.reduceat(of_state[self.state], self.first[:-1]))

    def at(self, edge: int) -> list[int]:
        """The states from which one edge may be entered."""
        found: list[int] = self.state[self.first[edge] : self.first[edge + 1]].tolist()
        return found


class Blind(NamedTuple):
    """The blind ends of roads, by edge: `ahead` when all one can do at its end is turn, `behind` when whoever enters it
    at its start has just turned there. Nobody who starts or ends on such an edge needs that end."""

    ahead: NDArray[np.bool_]
    behind: NDArray[np.bool_]

    @classmethod
    def of(cls, network: Network) -> "Blind":
        """Counts the edges that leave and reach each node."""
        nodes, two_way = len(network.lon), network.twin >= 0
        exits, entries = (np.bincount(ends, minlength=nodes) for ends in (network.start, network.end))
        return cls(two_way & (exits[network.end] == 1), two_way & (entries[network.start] == 1))


def leaving(place: Snap, roads: "Roads", weights: Weights, *, blind: bool = False) -> Ends:
    """The states in which a place is left, with the milliseconds until then; blind ends only when asked for."""
    found: Ends = []
    for edge, ahead in ((place.edge, 1.0 - place.share), (int(roads.network.twin[place.edge]), place.share)):
        if edge >= 0 and weights.edge_ms[edge] < CLOSED_MS and (blind or not roads.blind.ahead[edge]):
            state = int(roads.network.states.after[edge])
            found.append((state, round(ahead * float(weights.edge_ms[edge]))))
    return found


def arriving(place: Snap, roads: "Roads", weights: Weights, *, blind: bool = False) -> Ends:
    """The states from which a place is reached, with the milliseconds that takes; blind ends only when asked for."""
    found: Ends = []
    for edge, ahead in ((place.edge, place.share), (int(roads.network.twin[place.edge]), 1.0 - place.share)):
        # From the blind end of a road only he comes who went past the place before.
        if edge >= 0 and weights.edge_ms[edge] < CLOSED_MS and (blind or not roads.blind.behind[edge]):
            ms = round(ahead * float(weights.edge_ms[edge]))
            found += [(state, ms) for state in roads.entries.at(edge)]
    return found


class Layer(NamedTuple):
    """For some places one way to know them: place `place[r]` is `ms[r]` from state `states[at[r]]` of its Pins."""

    place: Longs | slice
    at: Longs
    ms: Floats


class Pins:
    """The ends of many places, ready for a sweep: the states asked for, and how each place follows from them.

    A place is the least of all its layers: the two directions of a road, the several states a junction may be in."""

    def __init__(self, places: Snaps, weights: Weights | None, rows: tuple[Longs, Longs, Floats]) -> None:
        owner, state, ms = rows  # the rows of one place lie together
        self.places, self.weights = places, weights
        states, at = _distinct(state)
        self.states: list[int] = states.tolist()
        begin = np.flatnonzero(np.concatenate([[True], owner[1:] != owner[:-1]]))[: len(owner)]
        nth = np.arange(len(owner)) - np.repeat(begin, np.diff(np.append(begin, len(owner))))
        self.layers = []
        for number in range(int(nth.max(initial=-1)) + 1):
            rows_of = np.flatnonzero(nth == number)
            whole = len(rows_of) == len(places)
            place = slice(None) if whole else owner[rows_of]
            self.layers.append(Layer(place, at[rows_of], ms[rows_of]))

    @classmethod
    def everywhere(cls, states: int) -> "Pins":
        """Pins every state, in order: the sweep then tells the distance of the whole graph."""
        every = np.arange(states, dtype=np.int64)
        none = Snaps(np.zeros(0, np.int32), np.zeros(0), np.zeros(0))
        return cls(none, None, (every, every, np.zeros(states)))

    def seconds(self, found: list[int | None], direct: tuple[Longs, Floats]) -> Floats:
        """Seconds of each place from what a sweep found; `direct` are places on the same edge, and their milliseconds."""
        best = self.least(numbers(found))
        rows, ms = direct
        best[rows] = np.minimum(best[rows], ms)
        return best / PER_S

    def least(self, reached: Floats) -> Floats:
        """Milliseconds of each place from those of each state; shape [..., states] to [..., places]."""
        best = np.full((*reached.shape[:-1], len(self.places)), np.inf)
        for layer in self.layers:
            best[..., layer.place] = np.minimum(best[..., layer.place], reached[..., layer.at] + layer.ms)
        return best


def _distinct(values: Longs) -> tuple[Longs, Longs]:
    """np.unique with the inverse, by marking instead of sorting where the values are dense: a fifth of the time."""
    size = int(values.max(initial=-1)) + 1
    if size > 64 * len(values):
        return np.unique(values, return_inverse=True)
    seen = np.zeros(size, dtype=np.bool_)
    seen[values] = True
    number = np.cumsum(seen) - 1
    return np.flatnonzero(seen), number[values]


def numbers(found: list[int | None]) -> Floats:
    """What the library found, unreachable as infinite."""
    try:
        return np.fromiter(found, dtype=np.int64, count=len(found)).astype(np.float64)
    except TypeError:  # a None among them: somewhere there is no way. Rare, and three times as slow
        values = np.array(found, dtype=np.float64)  # None becomes nan
        values[np.isnan(values)] = np.inf
        return values


def of_this_graph(places: Snaps, roads: "Roads") -> Snaps:
    """The places; raises ValueError when they were snapped to another graph: their edges are other roads here."""
    if places.graph is not None and places.graph is not roads.network:
        raise ValueError("the places were snapped to another road graph")
    return places


def pins(places: Snaps, roads: "Roads", weights: Weights, *, leaving: bool) -> Pins:
    """The pinned ends of places that are left, or reached; kept with the places until the weights change.

    Raises ValueError for places of another graph."""
    of_this_graph(places, roads)
    kept = places.pinned.get(leaving)
    if kept is None or kept.weights is not weights:
        kept = Pins(
            places,
            weights,
            _leaving(places, roads, weights) if leaving else _arriving(places, roads, weights),
        )
        places.pinned[leaving] = kept
    return kept


def _sides(places: Snaps, roads: "Roads", weights: Weights) -> tuple[Longs, Longs, Floats]:
    """Each place once on its edge and once on the twin: whose, which edge, and the share of it that lies behind."""
    owner = np.repeat(np.arange(len(places)), 2)
    edge, behind = np.full(len(owner), -1, dtype=np.int64), np.zeros(len(owner))
    edge[::2], behind[::2] = places.edge, places.share
    edge[1::2] = np.where(places.edge >= 0, roads.network.twin[places.edge], -1)
    behind[1::2] = 1.0 - places.share
    open_ = edge >= 0
    open_[open_] = weights.edge_ms[edge[open_]] < CLOSED_MS
    return owner[open_], edge[open_], behind[open_]


def _leaving(places: Snaps, roads: "Roads", weights: Weights) -> tuple[Longs, Longs, Floats]:
    owner, edge, behind = _sides(places, roads, weights)
    through = ~roads.blind.ahead[edge]
    owner, edge, behind = owner[through], edge[through], behind[through]
    state = roads.network.states.after[edge].astype(np.int64)
    return owner, state, np.rint((1.0 - behind) * weights.edge_ms[edge])


def _arriving(places: Snaps, roads: "Roads", weights: Weights) -> tuple[Longs, Longs, Floats]:
    owner, edge, behind = _sides(places, roads, weights)
    through = ~roads.blind.behind[edge]
    owner, edge, behind = owner[through], edge[through], behind[through]
    begin, size = roads.entries.first[edge], roads.entries.first[edge + 1] - roads.entries.first[edge]
    step = np.arange(int(size.sum())) - np.repeat(np.cumsum(size) - size, size)
    state = roads.entries.state[np.repeat(begin, size) + step].astype(np.int64)
    return np.repeat(owner, size), state, np.repeat(np.rint(behind * weights.edge_ms[edge]), size)


def direct(
    places: Snaps, other: Snap, roads: "Roads", weights: Weights, *, leaving: bool
) -> tuple[Longs, Floats]:
    """The places that lie on the edge of `other`, and the milliseconds along it where that needs no turning round."""
    twin = int(roads.network.twin[other.edge])
    rows = np.flatnonzero((places.edge == other.edge) | ((places.edge == twin) & (twin >= 0)))
    share = np.where(places.edge[rows] == other.edge, places.share[rows], 1.0 - places.share[rows])
    ahead = other.share - share if leaving else share - other.share
    along, against = (_along(weights, edge, np.abs(ahead)) for edge in (other.edge, twin))
    return rows, np.minimum(np.where(ahead >= 0, along, np.inf), np.where(ahead <= 0, against, np.inf))


def _along(weights: Weights, edge: int, shares: Floats) -> Floats:
    """Milliseconds for shares of an edge; infinite on none and on a closed one."""
    if edge < 0 or weights.edge_ms[edge] >= CLOSED_MS:
        return np.full(len(shares), np.inf)
    return np.rint(shares * float(weights.edge_ms[edge]))
