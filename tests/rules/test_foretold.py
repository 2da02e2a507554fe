"""Forecasts beside what came of them: who says it right, who is too sure, and when nothing can be said."""

import math
import random

import pytest

from dispatch import foretold
from dispatch.foretold import FEW, LEAST, Foretold, judge, wilson


def of(rows, measure):
    return next(one for one in judge(rows) if one.measure == measure)


def chances(said, true, n, **more):
    """`n` questions said to be kept with `said`, of which the share `true` was."""
    return [Foretold(9, contact_p=said, contact_kept=k < round(true * n), **more) for k in range(n)]


def test_what_happens_as_often_as_said_is_honest():
    rows = chances(0.9, 0.9, 100) + chances(0.3, 0.3, 100)
    found = of(rows, "contact")
    assert found.verdict == "honest" and found.count == 200
    assert [(round(p.said, 1), round(p.came_true, 1)) for p in found.curve] == [(0.3, 0.3), (0.9, 0.9)]


@pytest.mark.parametrize(("true", "verdict"), [(0.5, "too_sure"), (0.99, "too_careful")])
def test_what_happens_less_or_more_often_than_said_is_called_so(true, verdict):
    assert of(chances(0.8, true, 200), "contact").verdict == verdict


def test_few_cases_judge_nothing_and_show_nothing():
    found = of(chances(0.9, 0.1, LEAST - 1), "contact")
    assert (found.verdict, found.count, found.whole, found.curve) == ("too_few", LEAST - 1, None, [])
    assert of(chances(0.9, 0.1, LEAST), "contact").verdict == "too_sure"


def test_a_part_with_few_cases_is_marked_as_uncertain():
    rows = chances(0.9, 0.9, LEAST, age_s=5) + chances(0.9, 1.0, FEW - 1, age_s=70)
    assert [(p.since, p.few) for p in of(rows, "contact").by_age] == [(0, False), (60, True)]


def test_a_promise_that_was_never_said_or_never_decided_is_left_out():
    rows = [Foretold(9, contact_p=None, contact_kept=True)] * 50 + [Foretold(9, contact_p=0.9)] * 50
    assert of(rows, "contact").count == 0


def driven(took_s, *, low=80.0, mid=100.0, high=140.0, hour=9, age_s=20.0, wait_s=0.0):
    return Foretold(
        hour,
        age_s,
        low_s=low,
        mid_s=mid,
        high_s=high,
        wait_s=wait_s,
        drive_s=took_s,
        arrival_s=took_s + wait_s,
    )


def test_a_span_that_holds_eight_of_ten_is_honest_and_its_edges_are_told():
    rows = [driven(s) for s in [50] * 10 + [90] * 30 + [110] * 50 + [200] * 10]
    found = of(rows, "drive")
    assert found.verdict == "honest"
    assert (found.whole.said, found.whole.came_true, found.earlier, found.later) == (0.8, 0.8, 0.1, 0.1)
    assert found.off_s == 10


def test_a_span_too_narrow_is_too_sure():
    assert of([driven(300)] * 20 + [driven(100)] * 20, "drive").verdict == "too_sure"


def test_what_he_had_to_do_first_belongs_to_the_arrival_and_not_to_the_drive():
    rows = [driven(100, wait_s=600.0)] * LEAST
    assert of(rows, "arrival").whole.came_true == 1.0 and of(rows, "drive").whole.came_true == 1.0


def test_a_sample_drawn_from_the_forecast_lies_on_the_line():
    rng = random.Random(5)

    def draw():
        u = rng.random()
        side = 40.0 if u > 0.5 else 20.0
        return 100.0 + side * math.log(u / (1 - u)) / math.log(9)

    found = of([driven(draw()) for _ in range(4_000)], "drive")
    assert len(found.curve) == 9
    assert all(abs(p.said - p.came_true) < 0.03 for p in found.curve)


def test_a_decision_that_kept_no_middle_still_judges_the_span():
    found = of([driven(100, mid=None)] * LEAST, "drive")
    assert [round(p.said, 1) for p in found.curve] == [0.1, 0.9] and found.off_s is None


def test_hours_are_those_of_the_day_and_empty_ones_are_left_out():
    found = of([driven(100, hour=h) for h in (3, 17) for _ in range(20)], "arrival")
    assert [(p.since, p.count) for p in found.by_hour] == [(3, 20), (17, 20)]


def test_the_interval_of_a_share_is_wilsons():
    low, high = wilson(8, 10)
    assert (round(low, 3), round(high, 3)) == (0.490, 0.943)
    assert wilson(0, 0) == (0.0, 1.0) and wilson(5, 5)[1] == 1.0


def test_an_old_clock_that_runs_ahead_counts_as_fresh():
    assert of(chances(0.9, 0.9, LEAST, age_s=-3), "contact").by_age[0].since == foretold.AGES_S[0]
