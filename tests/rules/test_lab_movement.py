"""Simulated surveyors stay on roads, keep to the speed limit more or less, and their phones are as imperfect as real ones."""

import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
import shapely

from geo.fix import LonLat, metres_between
from lab.citymap import City
from lab.movement import Habits, Mover, Roads, movers

START = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)  # nine in the morning in the city


@pytest.fixture(scope="module")
def roads(city: City) -> Roads:
    return Roads(city)


@pytest.fixture(scope="module")
def tree(roads: Roads) -> shapely.STRtree:
    """All roads as lines in metres."""
    ends = [
        np.column_stack([roads.x_m[side], roads.y_m[side]]) for side in (roads.city.start, roads.city.end)
    ]
    return shapely.STRtree(shapely.linestrings(np.stack(ends, axis=1)))


def metres_off(tree: shapely.STRtree, roads: Roads, place: LonLat) -> float:
    """How far a place is from the nearest road."""
    x, y = roads.plane.to_m(np.array(place.lon), np.array(place.lat))
    return float(tree.query_nearest(shapely.Point(float(x), float(y)), return_distance=True)[1][0])


def run(mover: Mover, seconds: int, step: int = 1, start: datetime = START) -> list[datetime]:
    return [start + timedelta(seconds=s) for s in range(step, seconds + 1, step)]


def test_the_nearest_node_is_the_nearest(city, roads):
    rng = np.random.default_rng(3)
    for _ in range(20):
        place = LonLat(float(rng.uniform(113.9, 114.1)), float(rng.uniform(32.33, 32.47)))
        found = metres_between(city.at(roads.nearest_node(place)), place)
        best = min(metres_between(city.at(n), place) for n in roads.nodes_near(place, found + 50))
        assert found == pytest.approx(best, rel=0.005)


def test_a_path_follows_edges_and_takes_the_time_it_says(city, roads):
    rng = np.random.default_rng(4)
    for a, b in rng.integers(0, len(city.lon), (20, 2)).tolist():
        path = roads.path(a, b)
        assert path[0] == a and path[-1] == b
        edges = [roads.edge(p, q) for p, q in pairwise(path)]
        assert sum(city.length_m[e] / city.speed_mps[e] for e in edges) == pytest.approx(roads.seconds(a, b))


def test_a_one_way_is_never_driven_backwards(city, roads):
    with pytest.raises(KeyError):
        edge = int(np.flatnonzero(city.one_way)[0])
        roads.edge(int(city.end[edge]), int(city.start[edge]))


def test_a_drive_is_on_the_road_and_below_the_limit(city, roads, tree):
    rng = np.random.default_rng(6)
    top = 0.0
    for a, b in rng.integers(0, len(city.lon), (8, 2)).tolist():
        track = roads.drive(a, b, START, hurry=3.0, seed=9)
        assert track.position(START) == city.at(a)
        assert metres_between(track.position(track.arrive), city.at(b)) < 0.5
        path = roads.path(a, b)
        limits = {(p, q): float(city.limit_mps[roads.edge(p, q)]) for p, q in pairwise(path)}
        for share in np.linspace(0.01, 0.99, 60):
            now = START + timedelta(seconds=float(share * track.duration_s))
            here = track.moment(now)
            assert metres_off(tree, roads, track.position(now)) < 1.0
            ahead = track.node_ahead(now)
            limit = max(limit for (_, end), limit in limits.items() if end == ahead)
            assert here.speed_mps <= limit * 1.3 + 0.1
            top = max(top, here.speed_mps)
    assert top > 10


def test_the_same_drive_is_the_same_and_rush_hour_is_slower(roads):
    night = datetime(2026, 11, 22, 19, 0, tzinfo=UTC)  # three in the morning in the city
    rush = datetime(2026, 11, 22, 0, 15, tzinfo=UTC)
    first, again = roads.drive(10, 4_000, rush, seed=1), roads.drive(10, 4_000, rush, seed=1)
    assert list(first.at_s) == list(again.at_s)
    total = [sum(roads.drive(10, 4_000, t, seed=s).duration_s for s in range(8)) for t in (night, rush)]
    assert total[1] > 1.2 * total[0]


def test_a_surveyor_patrols_near_home_and_stays_on_roads(roads, tree):
    home = LonLat(114.0, 32.42)
    mover = Mover(roads, home, seed=5, start=START, habits=Habits(patrol_radius_m=2_000, wait_s=(20, 60)))
    states, places = set(), []
    for now in run(mover, 3_600, 5):
        mover.advance(now)
        states.add(mover.state)
        places.append(mover.place())
    assert states == {"waiting", "patrolling"}
    assert max(metres_off(tree, roads, p) for p in places) < 1.0
    assert max(metres_between(home, p) for p in places) < 4_500
    assert len(set(places)) > 50


def test_a_dispatched_surveyor_drives_from_where_he_is_and_arrives_when_he_said(roads):
    mover = Mover(roads, LonLat(114.0, 32.42), seed=6, start=START, habits=Habits(wait_s=(5, 20)))
    now = START + timedelta(seconds=200)
    mover.advance(now)
    before = mover.place()
    loss = LonLat(114.05, 32.39)
    arrival = mover.go_to(loss, now)
    assert metres_between(before, mover.place()) < 1.0  # no jump
    previous = before
    for step in range(1, int((arrival - now).total_seconds())):
        mover.advance(now + timedelta(seconds=step))
        assert metres_between(previous, mover.place()) < 45  # never faster than a car
        previous = mover.place()
    assert mover.state == "driving"
    mover.advance(arrival + timedelta(seconds=1))
    assert mover.state == "waiting"
    assert metres_between(mover.place(), loss) < 400


def test_he_can_be_told_to_stay_and_goes_on_afterwards(roads):
    mover = Mover(roads, LonLat(114.0, 32.42), seed=7, start=START, habits=Habits(wait_s=(5, 10)))
    until = START + timedelta(minutes=30)
    mover.stay(START + timedelta(seconds=30), until)
    mover.advance(until - timedelta(seconds=1))
    there = mover.place()
    assert mover.state == "waiting"
    mover.advance(until + timedelta(minutes=5))
    assert mover.place() != there


def test_time_does_not_run_backwards(roads):
    mover = Mover(roads, LonLat(114.0, 32.42), seed=8, start=START)
    mover.advance(START + timedelta(minutes=20))
    there = mover.place()
    mover.advance(START)
    assert mover.place() == there


def test_fixes_err_as_much_as_they_admit(roads):
    crew = [Mover(roads, LonLat(114.0, 32.42), seed=s, start=START) for s in range(12)]
    within, accuracy, battery = [], [], []
    for mover in crew:
        for now in run(mover, 7_200, 60):
            fix = mover.fix_at(now)
            assert fix is not None and fix.fixed_at == now
            within.append(metres_between(mover.place(), fix.position()) <= fix.accuracy_m)
            accuracy.append(fix.accuracy_m)
            battery.append(fix.battery)
            assert (fix.heading_deg is None) == (mover.state == "waiting" or fix.speed_mps == 0.0)
    assert 0.60 < float(np.mean(within)) < 0.76  # a claimed radius holds 68 %
    good = [a for a in accuracy if a <= 30]
    bad = [a for a in accuracy if a > 30]
    assert min(accuracy) >= 5 and len(good) > 0.85 * len(accuracy)
    assert bad and all(60 <= a <= 200 for a in bad)
    assert all(0 <= b <= 100 for b in battery)
    assert [f.seq for f in (crew[0].fix_at(START + timedelta(hours=3)),) if f] == [121]


def test_a_phone_that_loses_its_signal_says_nothing_and_comes_back(roads):
    habits = Habits(silence_gap_s=300, silence_s=(60, 120))
    mover = Mover(roads, LonLat(114.0, 32.42), seed=9, start=START, habits=habits)
    heard = [mover.fix_at(now) is not None for now in run(mover, 3_600, 10)]
    assert 0.4 < float(np.mean(heard)) < 0.98
    changes = sum(a != b for a, b in pairwise(heard))
    assert changes >= 6
    loud = Mover(roads, LonLat(114.0, 32.42), seed=9, start=START)
    assert all(loud.fix_at(now) is not None for now in run(loud, 3_600, 30))
    loud.silence(START + timedelta(hours=1), START + timedelta(hours=2))
    assert loud.fix_at(START + timedelta(minutes=61)) is None
    assert loud.fix_at(START + timedelta(minutes=121)) is not None


def test_a_crew_is_spread_over_the_districts_and_the_same_for_the_same_seed(city, roads):
    crew, again = (movers(city, roads, 40, seed=1, start=START) for _ in range(2))
    assert [m.home for m in crew] == [m.home for m in again]
    homes = {d.name for m in crew if (d := city.district_at(m.home))}
    assert len(homes) >= 8
    late = START + timedelta(minutes=10)
    assert [m.fix_at(late) for m in crew] == [m.fix_at(late) for m in again]


def test_what_forty_surveyors_cost_a_second_is_printed(city, roads):
    crew = movers(city, roads, 40, seed=2, start=START)
    began = time.perf_counter()
    for second in range(300):
        for mover in crew:
            mover.fix_at(START + timedelta(seconds=second))
    print(f"\n40 movers, one second: {(time.perf_counter() - began) / 300 * 1e3:.2f} ms (goal 2 ms)")
