"""A real city: every time equals Dijkstra's on the same graph; skipped, saying so, where the data folder is absent."""

import os
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from geo.fix import LonLat
from geo.roads import journey_ends, network, osm, turns
from geo.roads.graph import Roads, Snap, Snaps

SHARED = Path(os.environ.get("CHAKAN_SHARED") or Path(__file__).resolve().parents[3] / "shared")
CITIES = {"small": "china/shenzhen_longgang.osm", "large": "porto/porto.osm.pbf"}


def opened(name: str) -> Roads:
    path = SHARED / "data" / CITIES[name]
    if not path.exists():
        pytest.skip(f"{path.name} is not here: the shared data folder is absent")
    return Roads.of(network.make(osm.read(path)).network)


@pytest.fixture(scope="module")
def longgang() -> Roads:
    return opened("small")


@pytest.fixture(scope="module")
def porto() -> Roads:
    return opened("large")


def lowest(roads: Roads) -> csr_array:
    """The state graph as a matrix of milliseconds; of parallel arcs the quicker counts."""
    states = roads.network.states
    ms = np.rint(roads.edge_s * journey_ends.PER_S)[states.arc_edge]
    order = np.lexsort((ms, states.head, states.tail))
    first = np.ones(len(order), dtype=bool)
    first[1:] = (np.diff(states.tail[order]) != 0) | (np.diff(states.head[order]) != 0)
    kept, size = order[first], len(states.state_node)
    return csr_array((ms[kept], (states.tail[kept], states.head[kept])), shape=(size, size))


def of_dijkstra(roads: Roads, graph: csr_array, source: Snap, targets: Snaps) -> list[float]:
    """Seconds from a source to the targets by scipy's search, both directions of both edges tried one by one."""
    twin, after = roads.network.twin, roads.network.states.after
    ms = np.rint(roads.edge_s * journey_ends.PER_S)
    best = np.full(len(targets), np.inf)
    for edge, ahead in ((source.edge, 1 - source.share), (int(twin[source.edge]), source.share)):
        if edge < 0:
            continue
        away = dijkstra(graph, indices=int(after[edge])) + round(ahead * ms[edge])
        for row, target in enumerate(targets):
            for last, share in ((target.edge, target.share), (int(twin[target.edge]), 1 - target.share)):
                if last < 0:
                    continue
                if last == edge and share >= 1 - ahead:
                    best[row] = min(best[row], round((share - (1 - ahead)) * ms[edge]))
                for state in roads.entries.at(last):
                    best[row] = min(best[row], away[state] + round(share * ms[last]))
    return (best / journey_ends.PER_S).tolist()


def compare(roads: Roads, sources: int, targets: int) -> None:
    rng = np.random.default_rng(11)
    edges = len(roads.network.start)
    places = Snaps(
        rng.integers(0, edges, sources + targets).astype(np.int32),
        rng.random(sources + targets),
        np.zeros(sources + targets),
    )
    starts, goals = places[:sources], places[sources:]
    graph, found = lowest(roads), roads.matrix(starts, goals)
    for row, start in enumerate(starts):
        want = of_dijkstra(roads, graph, start, goals)
        assert found[row].tolist() == want
        assert roads.seconds_from(start, goals).tolist() == want


def test_times_equal_dijkstra_to_the_millisecond(longgang):
    compare(longgang, 12, 40)


@pytest.mark.slow
def test_ten_thousand_pairs_of_a_city_equal_dijkstra_to_the_millisecond(porto):
    compare(porto, 100, 100)


@pytest.mark.slow
def test_bans_of_a_real_city_lengthen_ways_and_shorten_none(porto):
    net = porto.network
    free = Roads.of(replace(net, states=turns.expand(len(net.lon), net.start, net.end, ())))
    rng = np.random.default_rng(4)
    places = Snaps(rng.integers(0, len(net.start), 300).astype(np.int32), rng.random(300), np.zeros(300))
    longer = porto.matrix(places, places) - free.matrix(places, places)
    assert (longer >= 0).all()
    assert 0.005 < (longer > 0).mean() < 0.9


def test_learned_weights_are_in_force_at_once_for_every_thread(longgang):
    rng = np.random.default_rng(2)
    free, places = longgang.network.seconds, Snaps(
        rng.integers(0, len(longgang.network.start), 60).astype(np.int32), rng.random(60), np.zeros(60)
    )  # fmt: skip
    before = longgang.matrix(places, places)
    stop, wrong = threading.Event(), []

    def ask() -> None:
        while not stop.is_set():
            now = longgang.seconds_to(places, places[7])
            if not any(np.allclose(now, before[:, 7] * factor, atol=0.5) for factor in (1, 2)):
                wrong.append(now)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for factor in (2, 1, 2, 1, 2):
        longgang.customise(free * factor)
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong
    assert longgang.matrix(places, places) == pytest.approx(before * 2, abs=0.5)
    longgang.customise(free)
    assert (longgang.matrix(places, places) == before).all()


def test_a_ring_holds_what_is_within_reach_and_leaves_out_what_is_not(longgang):
    shapely = pytest.importorskip("shapely")
    net = longgang.network
    place = LonLat(*np.median(net.shape, axis=0))
    target = longgang.snap([place])[0]
    middles = Snaps(
        np.arange(len(net.start), dtype=np.int32), np.full(len(net.start), 0.5), np.zeros(len(net.start))
    )
    for towards in (True, False):
        reach = longgang.reach(place, 150.0, towards=towards)
        ring = shapely.geometry.shape(reach.ring())
        assert ring.is_valid and not ring.is_empty
        seconds = longgang.seconds_to(middles, target) if towards else longgang.seconds_from(target, middles)
        points = shapely.points([net.shape[a : a + 2].mean(axis=0) for a in net.first[:-1]])
        inside = shapely.contains(ring, points)
        assert inside[seconds < 135].mean() > 0.97
        assert inside[seconds > 300].mean() < 0.1


def test_a_ring_around_a_place_without_roads_is_none(longgang):
    assert longgang.reach(LonLat(0.0, 0.0), 600) is None


def test_the_line_of_a_way_leads_from_place_to_place(longgang):
    places = [LonLat(*longgang.network.shape[i]) for i in (10, -10)]
    source, target = longgang.snap(places)
    way = longgang.path(source, target)
    assert way is not None and len(way.line) > len(way.edges)
    ends = [LonLat(*way.line[0]), LonLat(*way.line[-1])]
    assert longgang.snap(ends)[0].off_m < 0.5
    assert way.line[0] == pytest.approx(np.array(places[0]), abs=1e-5)
    assert way.line[-1] == pytest.approx(np.array(places[1]), abs=1e-5)
    steps = (
        np.hypot(*(np.diff(way.line, axis=0) * [np.cos(np.radians(places[0].lat)), 1]).T)
        * network.METRES_PER_DEGREE
    )
    assert steps.sum() == pytest.approx(way.length_m, rel=0.003)
