"""A position is a distribution that grows with its age."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo import staleness
from geo.staleness import Arrival, Seen, arrival

DRIVES = st.floats(0, 7200, allow_nan=False)
AGES = st.floats(0, 3600, allow_nan=False)
SEEN = st.builds(
    Seen,
    age_s=AGES,
    accuracy_m=st.none() | st.floats(0, 500),
    speed_mps=st.none() | st.floats(0, 40),
    towards=st.none() | st.floats(-1, 1),
    parked=st.booleans(),
)


@given(DRIVES, SEEN, st.sampled_from([*staleness.ROAD_SPREAD, "new"]))
def test_the_median_lies_in_the_interval_and_the_probabilities_at_its_ends_are_a_tenth_and_nine_tenths(
    drive, seen, by
):
    found = arrival(drive, by, seen)
    assert 0 <= found.low_s <= found.median_s < found.high_s < 20_000
    assert found.within(found.high_s) == pytest.approx(0.9)
    if found.low_s > 0:
        assert found.within(found.low_s) == pytest.approx(0.1)


@given(DRIVES, SEEN, st.floats(0, 10_000), st.floats(0, 10_000))
def test_more_time_is_never_less_likely(drive, seen, one, other):
    found = arrival(drive, "roads", seen)
    less, more = sorted((one, other))
    assert 0.0 <= found.within(less) <= found.within(more) <= 1.0


@given(DRIVES, AGES, AGES)
def test_an_older_position_is_never_more_certain(drive, one, other):
    younger, older = sorted((one, other))
    a, b = (arrival(drive, "roads", Seen(age)) for age in (younger, older))
    assert b.high_s - b.low_s >= (a.high_s - a.low_s) * 0.999 or b.low_s == 0.0
    assert b.high_s >= a.high_s


def test_a_new_position_is_only_as_uncertain_as_the_road():
    low, high = staleness.road_interval(600, "roads")
    assert (low, high) == pytest.approx((600 * 0.74, 600 * 1.36), rel=0.02)
    assert staleness.road_interval(600, "straight_line")[1] > high


def test_who_drove_towards_the_loss_is_nearer_by_now_and_who_drove_away_is_farther():
    there, away, unknown = (
        arrival(600, "roads", Seen(90, speed_mps=10, towards=t)).median_s for t in (1.0, -1.0, None)
    )
    assert there < 600 < unknown < away


def test_a_standing_car_heads_nowhere():
    assert arrival(600, "roads", Seen(90, speed_mps=0.5, towards=1.0)) == arrival(600, "roads", Seen(90))


def test_a_parked_surveyor_is_where_he_was():
    parked, driving = arrival(600, "roads", Seen(120, parked=True)), arrival(600, "roads", Seen(120))
    assert parked.median_s == pytest.approx(600, abs=5)
    assert parked.high_s - parked.low_s < 0.85 * (driving.high_s - driving.low_s)


def test_next_door_and_long_unheard_of_is_anywhere():
    found = arrival(10, "roads", Seen(300))
    assert found.median_s > 200 and found.low_s < 150


def test_a_bad_fix_widens_the_interval():
    good, bad = (arrival(300, "roads", Seen(0, accuracy_m=m)) for m in (5, 400))
    assert bad.high_s > good.high_s + 10 and bad.low_s < good.low_s - 10


def test_waiting_moves_the_whole_arrival():
    assert Arrival(100, 50, 200).after(30) == Arrival(130, 80, 230)


def test_towards_is_the_cosine_between_heading_and_bearing():
    assert staleness.towards(121, 31, 0, 121, 32) == pytest.approx(1)
    assert staleness.towards(121, 31, 90, 121, 32) == pytest.approx(0, abs=1e-9)
    assert staleness.towards(121, 31, 225, 121.01, 31 + 0.01 * math.cos(math.radians(31))) == pytest.approx(
        -1, abs=1e-3
    )
    assert staleness.towards(121, 31, None, 121, 32) is None
    assert staleness.towards(121, 31, 10, 121, 31) is None


def test_contact_is_as_likely_as_the_answer_and_the_time_left():
    assert staleness.contact_in_time(0.9, 60, 0) == 0
    assert staleness.contact_in_time(0.9, 60, 60) == pytest.approx(0.45)
    assert staleness.contact_in_time(0.9, 60, 3600) == pytest.approx(0.9)
    assert staleness.contact_in_time(5, 60, 1e9) == 1


def test_a_promise_that_is_over_is_not_kept():
    assert staleness.arrive_in_time(arrival(60, "roads", Seen(10)), 0) == 0


@pytest.mark.parametrize(
    ("age", "usable"), [(None, False), (0, True), (120, True), (120.1, False), (1e6, False)]
)
def test_nobody_is_asked_by_a_position_beyond_the_limit(age, usable):
    assert staleness.usable_for_offer(age) is usable


def test_the_bench_judges_the_same_arrivals_that_are_in_force():
    import numpy as np

    from bench import drift

    ages, drives, toward = (
        np.array(v, dtype=float) for v in ([0, 30, 120, 300], [60, 300, 900, 1500], [1, -1, 0.3, 0])
    )
    speed = np.array([10.0, 1.0, 5.0, 20.0])
    cases = drift.Cases(np.zeros(4, dtype=np.int64), ages, speed, toward, drives, drives)
    band = drift.arrivals(cases, drift.Numbers())
    for i in range(4):
        seen = Seen(ages[i], speed_mps=speed[i], towards=toward[i])
        assert (band.median[i], band.low[i], band.high[i]) == pytest.approx(
            tuple(getattr(arrival(drives[i], "roads", seen), n) for n in ("median_s", "low_s", "high_s"))
        )
