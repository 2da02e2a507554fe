"""Travel times in small random cities, beside a search that remembers everything it drove."""

import heapq
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geo.roads import plain_network, turns
from geo.roads.graph import Roads, Snap
from geo.roads.network import keep

SMALL = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def cities(draw):
    """Nodes, directed edges (some two-way), bans of two to four edges, and places on edges."""
    nodes = draw(st.integers(2, 6))
    roads = draw(
        st.lists(
            st.tuples(st.integers(0, nodes - 1), st.integers(0, nodes - 1), st.integers(1, 40), st.booleans()),
            min_size=2, max_size=12,
        )
    )  # fmt: skip
    edges = []
    for a, b, seconds, both in roads:
        if a != b:
            edges += [(a, b, float(seconds), not both)] + ([(b, a, float(seconds), False)] if both else [])
    if not edges:
        edges = [(0, 1, 5.0, False), (1, 0, 5.0, False)]
    bans = set()
    for wish in draw(st.lists(st.lists(st.integers(0, 99), min_size=2, max_size=4), max_size=6)):
        run = [wish[0] % len(edges)]
        for number in wish[1:]:
            onward = [e for e, edge in enumerate(edges) if edge[0] == edges[run[-1]][1]]
            if onward:
                run.append(onward[number % len(onward)])
        if len(run) >= 2:
            bans.add(tuple(run))
    places = draw(
        st.lists(st.tuples(st.integers(0, len(edges) - 1), st.integers(0, 8)), min_size=2, max_size=5)
    )
    return nodes, edges, bans, [Snap(e, eighths / 8, 0.0) for e, eighths in places]


def network_of(nodes, edges, bans):
    rng = np.random.default_rng(5)
    start, end = (np.array([e[i] for e in edges], dtype=np.int32) for i in (0, 1))
    seconds = np.array([e[2] for e in edges])
    return plain_network.network(
        rng.uniform(0, 0.01, nodes), rng.uniform(0, 0.01, nodes), start, end, seconds * 10, seconds,
        np.zeros(len(edges), np.int8), bans=bans, one_way=np.array([e[3] for e in edges]),
    )  # fmt: skip


def brute_force(network, bans, source, target):
    """Dijkstra over whole histories: the last three edges driven, which is what a ban of four can need."""
    sides = [(target.edge, target.share), (int(network.twin[target.edge]), 1 - target.share)]
    best, seen, heap = np.inf, set(), []
    twin = int(network.twin[source.edge])
    for edge, at in ((source.edge, source.share), (twin, 1 - source.share)):
        if edge >= 0:
            best = min([best] + [(s - at) * network.seconds[edge] for e, s in sides if e == edge and s >= at])
            heapq.heappush(heap, ((1 - at) * network.seconds[edge], (edge,)))
    while heap:
        spent, driven = heapq.heappop(heap)
        if driven in seen:
            continue
        seen.add(driven)
        for edge in np.flatnonzero(network.start == network.end[driven[-1]]).tolist():
            history = (*driven, edge)
            if any(history[-size:] in bans for size in (2, 3, 4)):
                continue
            best = min([best] + [spent + s * network.seconds[edge] for e, s in sides if e == edge])
            heapq.heappush(heap, (spent + network.seconds[edge], history[-3:]))
    return best


@SMALL
@given(cities())
def test_every_time_is_that_of_the_best_permitted_way(city):
    nodes, edges, bans, places = city
    network = network_of(nodes, edges, bans)
    roads = Roads.of(network)
    want = [[brute_force(network, bans, a, b) for b in places] for a in places]
    assert roads.matrix(places, places) == pytest.approx(np.array(want), abs=0.003)
    few = places[:1]
    assert roads.matrix(few, places)[0] == pytest.approx(np.array(want[0]), abs=0.003)
    for a, source in enumerate(places):
        for b, target in enumerate(places):
            route = roads.path(source, target)
            assert (route is None) == (want[a][b] == np.inf)
            if route is not None:
                assert_drivable(network, bans, route, want[a][b])


def assert_drivable(network, bans, route, seconds):
    """The edges follow one another, break no ban, and take as long as was said."""
    edges = route.edges.tolist()
    assert all(network.end[a] == network.start[b] for a, b in pairwise(edges))
    assert not any(
        tuple(edges[i : i + size]) in bans for size in (2, 3, 4) for i in range(len(edges) - size + 1)
    )
    spent = sum((b - a) * network.seconds[e] for e, a, b in route.driven())
    assert route.seconds == pytest.approx(seconds, abs=0.003)
    assert spent == pytest.approx(seconds, abs=0.003)


@SMALL
@given(cities(), st.lists(st.booleans(), min_size=24, max_size=24))
def test_closed_roads_are_not_driven_and_open_again(city, closed):
    nodes, edges, bans, places = city
    network = network_of(nodes, edges, bans)
    roads = Roads.of(network)
    before = roads.matrix(places, places)
    slow = network.seconds.copy()
    slow[np.array(closed[: len(edges)])] = np.inf
    roads.customise(slow)
    for source in places:
        for target in places:
            route = roads.path(source, target)
            assert route is None or np.isfinite(slow[route.edges]).all()
            assert roads.many_to_one([source], target) == [None if route is None else route.seconds]
    roads.customise(network.seconds)
    assert (roads.matrix(places, places) == before).all()


@SMALL
@given(cities())
def test_reach_and_soonest_agree_with_the_matrix(city):
    nodes, edges, bans, places = city
    network = network_of(nodes, edges, bans)
    roads = Roads.of(network)
    middles = [Snap(e, 0.5, 0.0) for e in range(len(edges))]
    want = roads.matrix(places, middles).min(axis=0)
    assert roads.soonest(places) == pytest.approx(want, abs=0.003)


def test_a_graph_without_bans_does_not_grow():
    start, end = np.array([0, 1], np.int32), np.array([1, 0], np.int32)
    assert len(turns.expand(2, start, end, ()).state_node) == 2


def test_a_ban_must_be_a_drive():
    start, end = np.array([0, 2], np.int32), np.array([1, 3], np.int32)
    with pytest.raises(ValueError, match="follow"):
        turns.expand(4, start, end, [(0, 1)])


def test_a_u_turn_does_not_get_round_a_ban_but_a_dead_end_may_be_turned_in():
    # 0 → 1 → 2 → 3 in a row, both ways; 1 → 4 to the left is banned from 0.
    pairs = [(0, 1), (1, 2), (2, 3), (1, 4)]
    edges = [(a, b, 10.0, False) for a, b in pairs] + [(b, a, 10.0, False) for a, b in pairs]
    bans = {(0, 3)}
    plain = network_of(5, edges, bans)
    around = turns.turning_back(bans, plain.start, plain.end, plain.twin)
    assert Roads.of(plain).many_to_one([Snap(0, 0.0, 0.0)], Snap(3, 1.0, 0.0)) == [40.0]
    strict = Roads.of(network_of(5, edges, bans | around))
    # Past the banned corner, past the next junction, and only at the dead end round and back.
    assert strict.many_to_one([Snap(0, 0.0, 0.0)], Snap(3, 1.0, 0.0)) == [60.0]


def test_what_is_cut_away_leaves_the_rest_as_it_was():
    edges = [(0, 1, 5.0, False), (1, 0, 5.0, False), (1, 2, 5.0, True), (2, 0, 5.0, True), (0, 3, 5.0, True)]
    network = network_of(4, edges, {(0, 2)})
    wanted = np.array([True, True, True, True, False])
    less = keep(network, wanted, network.states.state_node != 3)
    assert len(less.lon) == 3 and len(less.start) == 4
    places = [Snap(e, 0.25, 0.0) for e in range(4)]
    assert (Roads.of(less).matrix(places, places) == Roads.of(network).matrix(places, places)).all()
