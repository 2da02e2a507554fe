"""When somebody is free: his own word before what such surveys usually take, as far as it may be believed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.finishing import CAREFUL, LEAST_LEFT_S, InHand, Said, Trust, arrival_s, free, left_s
from geo.fix import LonLat, metres_between

HERE, SCENE, NEXT = LonLat(116.40, 39.90), LonLat(116.42, 39.90), LonLat(116.45, 39.90)
SPEED = 5.0
USUAL = {"motor": 1_800.0}
EXACT = Trust(1.0, 0.1)


def free_in(*jobs, trust=CAREFUL):
    return free(jobs, HERE, USUAL, 1_200.0, SPEED, trust)


def on_scene(ago_s=600.0, said=None):
    return InHand("motor", SCENE, ago_s + 900.0, ago_s + 600.0, ago_s, said=said)


def test_his_own_word_replaces_what_such_surveys_usually_take():
    assert free_in(on_scene()).in_s == left_s(1_800.0, 600.0)
    told = free_in(on_scene(said=Said(300.0, 0.0)))
    assert told.in_s == pytest.approx(300.0 * CAREFUL.mean)
    assert (free_in(on_scene()).by, told.by, told.at) == ("usual", "own", SCENE)


def test_words_of_some_jobs_only_are_told_apart():
    later = InHand("motor", NEXT, 60.0)
    both = free_in(on_scene(said=Said(300.0, 0.0)), later)
    drive = metres_between(SCENE, NEXT) / SPEED
    assert (both.by, both.at) == ("mixed", NEXT)
    assert both.in_s == pytest.approx(300.0 * CAREFUL.mean + drive + 1_800.0)


def test_a_word_counts_down_and_grows_again_once_it_is_overrun():
    left = [Said(1_200.0, ago).left_s(EXACT) for ago in (0, 300, 600, 1_000, 1_200, 1_800, 3_600, 7_200)]
    assert left[0] > left[1] > left[2] > left[3] > left[4] > 0
    assert left[5] < left[6] < left[7]
    careful = [Said(1_200.0, ago).left_s(CAREFUL) for ago in (1_200, 1_500, 1_800, 3_600, 7_200, 10_800)]
    assert careful[3] < careful[4] < careful[5] < 3_600
    assert all(one >= LEAST_LEFT_S for one in left)
    draws = np.random.default_rng(1).lognormal(np.log(1_200.0), EXACT.spread, 200_000)
    assert left[3] == pytest.approx(float((draws[draws > 1_000] - 1_000).mean()), rel=0.02)


@given(st.floats(-600, 86_400), st.floats(-60, 200_000), st.floats(0.5, 3), st.floats(0.1, 0.8))
def test_whatever_was_said_something_is_left_and_it_is_finite(for_s, ago_s, takes, spread):
    left = Said(for_s, ago_s).left_s(Trust(takes, spread))
    assert LEAST_LEFT_S <= left < 1e7


def test_not_even_his_word_ends_a_job_before_he_has_driven_there():
    there = InHand("motor", NEXT, 60.0, said=Said(300.0, 60.0))
    drive = metres_between(HERE, NEXT) / SPEED
    assert free_in(there).in_s == pytest.approx(drive + LEAST_LEFT_S)
    patient = InHand("motor", NEXT, 60.0, said=Said(7_200.0, 0.0))
    assert free_in(patient).in_s == pytest.approx(7_200.0 * CAREFUL.mean)
    agreed = InHand("motor", NEXT, 60.0, appointment_in_s=3_600.0, said=Said(300.0, 0.0))
    assert free_in(agreed).in_s == pytest.approx(3_600.0 + LEAST_LEFT_S)


def test_who_is_believed_less_is_taken_to_need_longer():
    job = on_scene(said=Said(600.0, 0.0))
    hopeful, honest = free_in(job, trust=Trust(1.6, 0.3)), free_in(job, trust=Trust(1.0, 0.3))
    assert hopeful.in_s == pytest.approx(1.6 * honest.in_s)


def test_the_next_arrival_is_foreseen_by_his_word_too():
    jobs = [on_scene(said=Said(300.0, 0.0)), InHand("motor", NEXT, 60.0)]
    in_s, start = arrival_s(jobs, 1, HERE, USUAL, 1_200.0, SPEED)
    assert (in_s, start) == (pytest.approx(300.0 * CAREFUL.mean), SCENE)
