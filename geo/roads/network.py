"""From ways to directed edges between junctions: lengths, free-flow seconds, shapes, turn bans, islands marked."""

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo.errors import BadExtract
from geo.roads import turn_rules, turns
from geo.roads.car_tags import CLASS_NO
from geo.roads.osm import Extract
from geo.roads.turns import Ints, StateGraph

Floats = NDArray[np.float64]
METRES_PER_DEGREE = 111_195.0797  # of a great circle on the mean sphere, as in geo.fix
SHORTEST_M = 0.1
# A part from which the rest cannot be reached and back is kept when it is a real island with roads of its own.
KEPT_SHARE, KEPT_EDGES = 0.02, 500


@dataclass(frozen=True, eq=False)
class Network:
    """Directed edges between nodes and the state graph that respects the turn bans.

    A two-way road is two edges, each the other's `twin` (-1 where there is none). The shape of edge e is the rows
    first[e] … first[e+1]-1 of `shape`, (lon, lat) in its direction. `seconds` is free flow, delays at its end included.
    """

    lon: Floats
    lat: Floats
    node_id: NDArray[np.int64]
    start: Ints
    end: Ints
    twin: Ints
    length_m: Floats
    seconds: Floats
    road_class: NDArray[np.int8]
    way: NDArray[np.int64]
    first: NDArray[np.int64]
    shape: Floats
    states: StateGraph


@dataclass(frozen=True)
class Made:
    """A network and what a person wants to know about its making."""

    network: Network
    counts: dict[str, int]


def make(extract: Extract) -> Made:
    """Builds the network of an extract. Raises BadExtract when no two places reach each other."""
    counts = Counter(extract.counts)
    places = _places(extract)
    anchors = _anchors(extract, places)
    network, loops = _edges(extract, places, anchors)
    if len(loops):  # a road from a junction back to itself: two edges tell its two ends apart
        anchors[loops] = True
        network, _ = _edges(extract, places, anchors)
    net = _net(network)
    banned = set(turn_rules.bans(extract.restrictions, net, counts))
    around = turns.turning_back(banned, network.start, network.end, network.twin)
    states = turns.expand(len(network.lon), network.start, network.end, banned | around)
    whole = replace(network, states=states)
    kept, parts = without_islands(whole)
    counts.update(
        ways=len(extract.ways), restrictions=len(extract.restrictions), turn_bans=len(banned), u_turn_bans=len(around),
        edges_read=len(network.start), islands=parts - 1, island_edges=len(network.start) - len(kept.start),
    )  # fmt: skip
    return Made(kept, dict(counts))


class Places(NamedTuple):
    """Where the places of an extract lie in the graph: `ids` are the nodes, sorted; a place is the node `end` for what
    leads to it and `begin` for what goes on from it. The two differ only at a closed barrier."""

    ids: NDArray[np.int64]
    begin: NDArray[np.int64]
    end: NDArray[np.int64]


def _places(extract: Extract) -> Places:
    """Numbers the nodes. At a closed barrier every way has two ends of its own (negative ids) that never meet."""
    refs = extract.refs.copy()
    closed = np.array([ident for ident, stop in extract.stops.items() if stop.closed], dtype=np.int64)
    rows = np.flatnonzero(np.isin(refs, closed))
    refs[rows] = -1 - 2 * np.arange(len(rows))
    ids, numbers = np.unique(np.concatenate([refs, refs[rows] - 1]), return_inverse=True)
    end, begin = numbers[: len(refs)], numbers[: len(refs)].copy()
    begin[rows] = numbers[len(refs) :]
    return Places(ids, begin, end)


def _anchors(extract: Extract, places: Places) -> NDArray[np.bool_]:
    """The places where edges begin or end: ends of ways, nodes of several ways, barriers, and where turns are banned."""
    ids, at = places.ids, places.end
    found = (np.bincount(at, minlength=len(ids)) > 1)[at]
    found[extract.first[:-1]] = True
    found[extract.first[1:] - 1] = True
    special = {ident for rule in extract.restrictions for ident in rule.via_nodes}
    special |= {ident for ident, stop in extract.stops.items() if not stop.closed}
    wanted = np.isin(ids, np.fromiter(special, dtype=np.int64, count=len(special))) | (ids < 0)
    return np.asarray(found | wanted[at])


def _edges(extract: Extract, places: Places, anchors: NDArray[np.bool_]) -> tuple[Network, NDArray[np.int64]]:
    """The edges between neighbouring anchors of every way, and the middles of those that end where they begin."""
    ids, cuts = places.ids, np.flatnonzero(anchors)
    way_at = np.repeat(np.arange(len(extract.ways)), np.diff(extract.first))
    same = way_at[cuts[:-1]] == way_at[cuts[1:]]
    a, b = cuts[:-1][same], cuts[1:][same]
    loop = places.begin[a] == places.end[b]
    middles = ((a + b) // 2)[loop & (b - a >= 2)]
    a, b = a[~loop], b[~loop]
    node_a, node_b = places.begin[a], places.end[b]
    along = _along_m(extract.lon, extract.lat)
    way = way_at[a]
    length_m = np.maximum(along[b] - along[a], SHORTEST_M)
    whole_m = np.maximum(along[extract.first[1:] - 1] - along[extract.first[:-1]], SHORTEST_M)
    fixed = np.array([np.nan if d.fixed_s is None else d.fixed_s for d in extract.drives])
    delay = _delays(extract, ids)
    speeds = np.array([(d.forward_mps, d.backward_mps) for d in extract.drives])
    road_class = np.array([CLASS_NO[d.road_class] for d in extract.drives], dtype=np.int8)
    columns, sides = [], []
    for side, (begin, finish) in enumerate(((node_a, node_b), (node_b, node_a))):
        open_ = np.flatnonzero(speeds[way, side] > 0)
        mps = speeds[way[open_], side]
        timetable = fixed[way[open_]] * length_m[open_] / whole_m[way[open_]]
        seconds = np.where(np.isnan(timetable), length_m[open_] / mps, timetable) + delay[finish[open_]]
        columns.append((begin[open_], finish[open_], length_m[open_], seconds, way[open_], open_))
        sides.append(np.full(len(open_), side))
    start, end, length, seconds, ways, piece = (
        np.concatenate(column) for column in zip(*columns, strict=True)
    )
    sided = np.concatenate(sides)
    first, shape = _shapes(extract, a[piece], b[piece], sided)
    used, numbered = np.unique(np.concatenate([start, end]), return_inverse=True)
    place = np.empty(len(ids), dtype=np.int64)
    place[places.begin] = place[places.end] = np.arange(len(places.end))
    network = Network(
        lon=extract.lon[place[used]], lat=extract.lat[place[used]], node_id=ids[used],
        start=numbered[: len(start)].astype(np.int32), end=numbered[len(start) :].astype(np.int32),
        twin=_twins(piece, sided), length_m=length, seconds=seconds, road_class=road_class[ways],
        way=np.array(extract.ways, dtype=np.int64)[ways], first=first, shape=shape,
        states=turns.expand(0, np.zeros(0, np.int32), np.zeros(0, np.int32), ()),
    )  # fmt: skip
    return network, middles


def _along_m(lon: Floats, lat: Floats) -> Floats:
    """Metres driven from the first place to each; jumps between ways do no harm because only differences count."""
    half_lat, half_lon = np.radians(np.diff(lat)) / 2, np.radians(np.diff(lon)) / 2
    chord = (
        np.sin(half_lat) ** 2
        + np.cos(np.radians(lat[:-1])) * np.cos(np.radians(lat[1:])) * np.sin(half_lon) ** 2
    )
    metres = 2 * np.degrees(np.arcsin(np.sqrt(np.minimum(chord, 1.0)))) * METRES_PER_DEGREE
    return np.concatenate([[0.0], np.cumsum(metres)])


def _delays(extract: Extract, ids: NDArray[np.int64]) -> Floats:
    """Seconds lost at each node by lights, gates and tolls."""
    found = np.zeros(len(ids))
    slow = {ident: stop.delay_s for ident, stop in extract.stops.items() if stop.delay_s}
    if slow:
        known = np.fromiter(slow, dtype=np.int64, count=len(slow))
        rows = np.searchsorted(ids, known)
        here = (rows < len(ids)) & (ids[np.minimum(rows, len(ids) - 1)] == known)
        found[rows[here]] = np.array(list(slow.values()))[here]
    return found


def _twins(piece: NDArray[np.int64], side: NDArray[np.int64]) -> Ints:
    """For each edge the edge of the same piece of road in the other direction."""
    found = np.full(len(piece), -1, dtype=np.int32)
    edge_of = np.full((int(piece.max(initial=0)) + 1, 2), -1, dtype=np.int32)
    edge_of[piece, side] = np.arange(len(piece), dtype=np.int32)
    found[:] = edge_of[piece, 1 - side]
    return found


def _shapes(
    extract: Extract, a: NDArray[np.int64], b: NDArray[np.int64], side: NDArray[np.int64]
) -> tuple[NDArray[np.int64], Floats]:
    """The points of each edge in its own direction."""
    size = b - a + 1
    first = np.concatenate([[0], np.cumsum(size)]).astype(np.int64)
    step = np.arange(first[-1]) - np.repeat(first[:-1], size)
    forward = np.repeat(a, size) + step
    backward = np.repeat(b, size) - step
    rows = np.where(np.repeat(side, size) == 0, forward, backward)
    return first, np.column_stack([extract.lon[rows], extract.lat[rows]])


def _net(network: Network) -> turn_rules.Net:
    edges_of: dict[int, list[int]] = defaultdict(list)
    leaving: dict[int, list[int]] = defaultdict(list)
    for edge, (way, start) in enumerate(zip(network.way.tolist(), network.start.tolist(), strict=True)):
        edges_of[way].append(edge)
        leaving[start].append(edge)
    node_of = {ident: number for number, ident in enumerate(network.node_id.tolist())}
    return turn_rules.Net(network.start, network.end, network.twin, edges_of, node_of, leaving)


def without_islands(network: Network) -> tuple[Network, int]:
    """Only the edges on which one can come from and go on to a sizeable part of the network, and how many parts there were."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    states = network.states
    size = len(states.state_node)
    links = coo_array(
        (np.ones(len(states.tail), dtype=np.int8), (states.tail, states.head)), shape=(size, size)
    )
    count, label = connected_components(links.tocsr(), directed=True, connection="strong")
    inside = label[states.tail] == label[states.head]
    arcs_in = np.bincount(label[states.tail[inside]], minlength=count)
    if not arcs_in.any():
        raise BadExtract("no two places reach each other by road")
    large = arcs_in >= max(min(KEPT_EDGES, int(arcs_in.max())), int(arcs_in.max() * KEPT_SHARE))
    edges = np.zeros(len(network.start), dtype=np.bool_)
    edges[states.arc_edge[inside & large[label[states.tail]]]] = True
    return keep(network, edges, large[label]), int(np.count_nonzero(arcs_in))


def keep(network: Network, edges: NDArray[np.bool_], states_wanted: NDArray[np.bool_]) -> Network:
    """The network cut down to some edges and states; nodes and states that lose all their arcs go too."""
    old = network.states
    arcs = edges[old.arc_edge] & states_wanted[old.tail] & states_wanted[old.head]
    nodes = np.zeros(len(network.lon), dtype=np.bool_)
    nodes[network.start[edges]] = nodes[network.end[edges]] = True
    nodes_all = np.zeros(len(old.state_node), dtype=np.bool_)
    nodes_all[: len(network.lon)] = nodes
    touched = nodes_all.copy()
    touched[old.after[edges]] = True
    touched[old.tail[arcs]] = touched[old.head[arcs]] = True
    new_edge, new_node, new_state = (np.cumsum(mask) - 1 for mask in (edges, nodes, touched))
    rows = np.flatnonzero(edges)
    size = np.diff(network.first)[rows]
    first = np.concatenate([[0], np.cumsum(size)]).astype(np.int64)
    points = np.repeat(network.first[rows], size) + np.arange(first[-1]) - np.repeat(first[:-1], size)
    twin = network.twin[rows]
    states = StateGraph(
        state_node=new_node[old.state_node[touched]].astype(np.int32),
        tail=new_state[old.tail[arcs]].astype(np.int32), head=new_state[old.head[arcs]].astype(np.int32),
        arc_edge=new_edge[old.arc_edge[arcs]].astype(np.int32), after=new_state[old.after[rows]].astype(np.int32),
    )  # fmt: skip
    return Network(
        lon=network.lon[nodes], lat=network.lat[nodes], node_id=network.node_id[nodes],
        start=new_node[network.start[rows]].astype(np.int32), end=new_node[network.end[rows]].astype(np.int32),
        twin=np.where((twin >= 0) & edges[twin], new_edge[twin], -1).astype(np.int32),
        length_m=network.length_m[rows], seconds=network.seconds[rows], road_class=network.road_class[rows],
        way=network.way[rows], first=first, shape=network.shape[points], states=states,
    )  # fmt: skip
