"""From tracks to roads to speeds, in a small square city whose true speeds are known."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from geo.fix import LonLat
from geo.roads import learning, speeds
from geo.roads.car_tags import CLASS_NO
from geo.roads.learning import Errors, Journey
from geo.roads.mapmatch import Matcher, Steps, drives
from geo.roads.network import METRES_PER_DEGREE
from geo.roads.speeds import Speeds
from tests.squares import BLOCK_M, EDGE, FREE_MPS, MONDAY, ROADS, SIDE, city, driven, free, staircase


@pytest.mark.parametrize("seed", range(6))
def test_a_noisy_track_is_matched_to_the_roads_it_was_driven_on(seed):
    at, lon, lat, edges = driven(staircase(14), 7.0, free, seed)
    found = Matcher(ROADS.network, ROADS.grid).match(at, lon, lat)
    # At a junction, where the track begins and ends, one road is as likely as the other.
    middle = [edge for edge in dict.fromkeys(found.edge.tolist()) if edge in edges[1:-1]]
    assert middle == edges[1:-1]
    assert len(set(found.edge.tolist()) - set(edges)) <= 2
    assert found.metres.sum() == pytest.approx((at[-1] - at[0]) * FREE_MPS, abs=90)
    took = found.took_s[np.unique(found.step, return_index=True)[1]]
    assert took.sum() == pytest.approx(at[-1] - at[0], abs=8)


def test_a_banned_turn_is_not_what_was_driven():
    first, second = EDGE[0, 1], EDGE[1, 1 + SIDE]
    banned = city(((first, second),))
    at, lon, lat, _ = driven(staircase(6), 7.0, free)
    found = Matcher(banned.network, banned.grid).match(at, lon, lat).edge.tolist()
    assert (first, second) not in list(pairwise(found))


def test_a_way_beyond_its_limit_is_not_found_and_the_same_edge_backwards_is_a_slip_of_a_few_metres():
    matcher = Matcher(ROADS.network, ROADS.grid)
    near, far, back = (EDGE[1, 2], 0.5), (EDGE[9, 10], 0.5), (EDGE[0, 1], 0.45)
    found = matcher.ways(EDGE[0, 1], 0.5, [near, far, back, (EDGE[0, 1], 0.8)], 500.0)
    assert found[0] == (200.0, [(EDGE[0, 1], 100.0), (EDGE[1, 2], 100.0)])
    assert found[1] is None
    assert found[2] == (0.0, [(EDGE[0, 1], 0.0)])
    assert found[3] is not None and found[3][0] == pytest.approx(60.0)


def test_a_drive_begins_when_the_car_leaves_and_ends_when_it_stays():
    parked = np.zeros(20)
    metres = np.concatenate(
        [parked, np.arange(1, 11) * 150.0, np.full(20, 1500.0), 1500 + np.arange(1, 11) * 150.0]
    )
    at = np.arange(len(metres)) * 15.0
    lon = 121.0 + metres / METRES_PER_DEGREE / np.cos(np.radians(31.0))
    first, second = drives(at, lon, np.full(len(at), 31.0))
    assert (at[first[0]], at[first[-1]]) == (19 * 15.0, 29 * 15.0)
    assert at[second[-1]] == at[-1]


def test_a_jump_is_left_out_and_a_silence_cuts():
    at = np.array([0.0, 15, 30, 45, 60, 1000, 1015, 1030])
    metres = np.array([0.0, 150, 300_000, 300, 450, 9000, 9150, 9300])
    lon = 121.0 + metres / METRES_PER_DEGREE / np.cos(np.radians(31.0))
    assert [rows.tolist() for rows in drives(at, lon, np.full(8, 31.0))] == [[0, 1, 3, 4], [5, 6, 7]]


def week_of_driving(seconds_of, count: int, hour: int = 0, seed: int = 0) -> tuple[Steps, list[Journey]]:
    matcher = Matcher(ROADS.network, ROADS.grid)
    random = np.random.default_rng(hour + 100 * seed)
    parts, whole = [], []
    for i in range(count):
        begin = int(random.integers(0, 4)) + SIDE * int(random.integers(0, 4))
        at, lon, lat, _ = driven(
            staircase(14, begin),
            7.0,
            seconds_of,
            i + 100 * seed,
            began_s=MONDAY + hour * 3600 + 7 * 86_400 * (i % 3),
        )
        parts.append(matcher.match(at, lon, lat))
        whole += learning.journeys(at, lon, lat)
    return Steps.together(parts), whole


def slow_main(edge: int) -> float:
    """What this city is really like: main roads three times as slow as they should be, streets half as slow again."""
    return free(edge) * (3.0 if ROADS.network.road_class[edge] == CLASS_NO["primary"] else 1.5)


def test_true_speeds_are_learned_from_noisy_tracks():
    steps, whole = week_of_driving(slow_main, 40)
    found = learning.learn(steps, ROADS.network, {"version": "v1"})
    seconds = found.on(ROADS.network).edge_seconds(0)
    driven_on = np.bincount(steps.edge, minlength=len(seconds)) > 30
    truth = np.array([slow_main(edge) for edge in range(len(seconds))])
    assert np.median(np.abs(seconds / truth - 1)[driven_on]) < 0.1
    took = np.array([j.took_s for j in whole])
    before, after = (Errors.of(learning.predict(m, ROADS, whole), took) for m in (None, found))
    assert after.median < before.median / 3
    assert after.journeys == len(whole) == 40


def test_calibration_takes_the_bias_out_and_finds_what_parking_costs():
    parts, whole = zip(*(week_of_driving(slow_main, 5, seed=seed) for seed in range(8)), strict=True)
    parked = [[j._replace(took_s=j.took_s * 1.2 + 60.0) for j in one] for one in whole]
    found = learning.taught(list(zip(parts, parked, strict=True)), ROADS, {})
    every = [j for one in parked for j in one]
    said = Errors.of(learning.predict(found, ROADS, every), np.array([j.took_s for j in every]))
    assert said.bias == pytest.approx(1.0, abs=0.02)
    assert found.start_stop_s > 0


def ways_of_a_city(random: np.random.Generator, count: int) -> learning.Ways:
    """Ways whose seconds are right on the whole and too spread road by road: quick ones too quick, slow ones too slow."""
    km = random.uniform(1.0, 12.0, count)
    pace = random.uniform(60.0, 200.0, count)
    took = (130.0 + 0.6 * (pace - 130.0)) * km + 40.0
    return learning.Ways(pace * km, km, took * random.lognormal(0.0, 0.15, count))


def test_speeds_spread_too_far_are_drawn_together_by_seconds_a_kilometre():
    found = learning.calibrate(Speeds(1.0, 0.0, {}, {}), ways_of_a_city(np.random.default_rng(3), 600))
    assert found.overall == pytest.approx(0.6, abs=0.1)
    assert found.per_km_s == pytest.approx(0.4 * 130.0, rel=0.25)
    assert found.start_stop_s == pytest.approx(40.0, abs=20.0)


def test_one_journey_of_ten_with_a_long_stop_in_it_does_not_make_all_slow():
    seen = ways_of_a_city(np.random.default_rng(4), 600)
    took = seen.took_s * np.where(np.arange(600) % 10 == 0, 3.0, 1.0)
    plain, stopped = (
        learning.calibrate(Speeds(1.0, 0.0, {}, {}), one) for one in (seen, seen._replace(took_s=took))
    )
    said = [s.overall * seen.seconds + s.per_km_s * seen.km + s.start_stop_s for s in (plain, stopped)]
    assert np.median(said[1] / said[0]) == pytest.approx(1.0, abs=0.04)


def test_where_all_roads_are_equally_fast_seconds_stay_seconds():
    km = np.random.default_rng(5).uniform(1.0, 12.0, 200)
    found = learning.calibrate(Speeds(1.0, 0.0, {}, {}), learning.Ways(100.0 * km, km, 120.0 * km))
    assert found.overall == pytest.approx(1.2, abs=0.02)
    assert found.per_km_s == pytest.approx(0.0, abs=1.0)


def test_nobody_is_calibrated_on_ways_learned_from_himself(monkeypatch):
    people = [(week_of_driving(slow_main, 2, seed=seed)[0], []) for seed in range(5)]
    taught = []
    monkeypatch.setattr(learning, "learn", lambda steps, *_: taught.append(len(steps.step)))
    monkeypatch.setattr(learning, "ways", lambda *_: learning.ways_of([]))
    learning.unseen(people, ROADS)
    whole = [len(steps.step) for steps, _ in people]
    # Four parts, dealt in turn: the first and the last person share one.
    assert taught == [sum(whole) - w for w in (whole[0] + whole[4], *whole[1:4])]


def test_the_rush_hour_is_slower_than_the_night():
    night, _ = week_of_driving(free, 30, hour=2)
    rush, _ = week_of_driving(lambda edge: 2.5 * free(edge), 30, hour=8)
    found = learning.learn(Steps.together([night, rush]), ROADS.network, {}).on(ROADS.network)
    seen = np.unique(night.edge)
    ratio = (found.edge_seconds(8) / found.edge_seconds(2))[seen]
    assert np.median(ratio) == pytest.approx(2.5, rel=0.15)


def test_one_odd_drive_does_not_change_a_group_and_a_hundred_that_agree_do():
    random = np.random.default_rng(1)
    group = np.repeat(np.arange(40), 50)
    expected = np.full(len(group), 60.0)
    drive = np.arange(len(group))
    truth = np.where(group == 0, 2.0, 1.0)
    observed = expected * truth * random.lognormal(0, 0.4, len(group))
    few = np.concatenate([np.flatnonzero(group != 1), np.flatnonzero(group == 1)[:1]])
    observed[few[-1]] = 600.0
    factor, drives_of = learning.shrunk(group[few], observed[few], expected[few], drive[few])
    assert factor[0] == pytest.approx(2.0, rel=0.15)
    assert factor[1] < 4.0, "one drive ten times too slow is not ten times the factor"
    assert drives_of[1] == 1 and drives_of[0] == 50
    assert np.abs(factor[2:] - 1).max() < 0.25


def test_pure_noise_teaches_nothing():
    random = np.random.default_rng(2)
    group = np.repeat(np.arange(200), 6)
    expected = np.full(len(group), 60.0)
    observed = expected * random.lognormal(-0.125, 0.5, len(group))
    factor, _ = learning.shrunk(group, observed, expected, np.arange(len(group)))
    assert np.abs(factor - 1).max() < 0.1


def test_a_single_road_is_learned_from_more_than_one_drive_only():
    at, lon, lat, _ = driven(staircase(14), 7.0, lambda edge: 4 * free(edge))
    steps = Matcher(ROADS.network, ROADS.grid).match(at, lon, lat)
    assert len(learning.learn(steps, ROADS.network, {}).levels["road"].key) == 0
    two = learning.learn(Steps.together([steps] * 2), ROADS.network, {})
    assert len(two.levels["road"].key) >= 14


def test_nothing_driven_is_free_flow():
    found = learning.learn(Steps.of([]), ROADS.network, {})
    assert found.on(ROADS.network).edge_seconds(100) == pytest.approx(ROADS.network.seconds)
    assert learning.calibrate(found, learning.ways_of([])) is found
    assert learning.taught([], ROADS, {}).overall == 1.0


def test_what_was_learned_is_stored_and_read_back_the_same(tmp_path):
    steps, _ = week_of_driving(slow_main, 12)
    found = replace(learning.learn(steps, ROADS.network, {"version": "v7"}), per_km_s=12.0)
    found.save(tmp_path)
    back = speeds.load(tmp_path)
    assert back is not None and back.version == "v7"
    assert back.on(ROADS.network).edge_seconds(9) == pytest.approx(found.on(ROADS.network).edge_seconds(9))
    assert back.per_km_s == 12.0
    assert speeds.load(tmp_path / "nowhere") is None


def test_the_week_begins_on_monday_in_utc():
    assert speeds.week_hour(MONDAY) == 0
    assert speeds.week_hour(1_372_662_000.0) == 7  # Monday 1 July 2013, 07:00
    assert speeds.week_hours(np.array([MONDAY - 1, MONDAY + 3600.0])).tolist() == [167, 1]


def test_a_journey_is_judged_only_when_it_is_two_minutes_and_half_a_kilometre():
    at, lon, lat, _ = driven(staircase(14), 7.0, free)
    (one,) = learning.journeys(at, lon, lat)
    assert one.took_s == pytest.approx(14 * BLOCK_M / FREE_MPS, abs=15)
    assert one.start == pytest.approx(LonLat(lon[0], lat[0]))
    short = at < at[0] + 60
    assert learning.journeys(at[short], lon[short], lat[short]) == []
