"""A surveyor's day: appointments stay, what does not fit is named, and few jobs are driven in the best order there is."""

import itertools
import time
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from dispatch import dayplan
from dispatch.dayplan import Day, Stop
from geo.fix import LonLat

NOW = datetime(2026, 11, 26, 1, tzinfo=UTC)
MIN = timedelta(minutes=1)
HERE = LonLat(114.0, 32.4)


def day(hours=10, **given):
    return Day(NOW, NOW + timedelta(hours=hours), **given)


def stop(n, at=None, due=None, minutes=30):
    return Stop(n, HERE, minutes * MIN, NOW + at * MIN if at is not None else None,
                NOW + due * MIN if due is not None else None)  # fmt: skip


def line(*minutes):
    """Drives between places on a line, given by minutes from the start."""
    x = np.array([0.0, *minutes]) * 60
    return np.abs(x[:, None] - x[None])


def order(plan):
    return [visit.task_id for visit in plan.visits]


def test_jobs_are_visited_in_the_order_that_drives_least():
    plan = dayplan.plan(day(), [stop(1), stop(2), stop(3)], line(30, 10, 20))
    assert order(plan) == [2, 3, 1] and plan.drive == 30 * MIN and plan.left == ()
    first = plan.visits[0]
    assert (first.arrive_at, first.end_at, first.drive) == (NOW + 10 * MIN, NOW + 40 * MIN, 10 * MIN)


def test_an_appointment_is_kept_to_the_minute_and_others_go_around_it():
    plan = dayplan.plan(day(), [stop(1, at=60), stop(2), stop(3)], line(10, 5, 12))
    pinned = next(visit for visit in plan.visits if visit.task_id == 1)
    assert pinned.pinned and pinned.begin_at == NOW + 60 * MIN and pinned.late == timedelta(0)
    assert pinned.wait == pinned.begin_at - pinned.arrive_at and len(plan.visits) == 3


def test_inserting_a_job_never_moves_an_appointment():
    stops = [stop(1, at=45), stop(2, at=150), stop(3)]
    before = dayplan.plan(day(), stops, line(10, 20, 5))
    after = dayplan.plan(day(), [*stops, stop(4), stop(5, due=60)], line(10, 20, 5, 15, 8))
    times = [{v.task_id: v.begin_at for v in plan.visits if v.pinned} for plan in (before, after)]
    assert times[0] == times[1] == {1: NOW + 45 * MIN, 2: NOW + 150 * MIN}
    assert sorted(order(after)) == [1, 2, 3, 4, 5]


def test_the_job_in_hand_comes_first_whatever_is_nearer():
    plan = dayplan.plan(day(in_hand=2), [stop(1), stop(2)], line(1, 20))
    assert order(plan) == [2, 1] and plan.visits[0].in_hand
    there = day(in_hand=2, on_scene_since=NOW - 20 * MIN)
    plan = dayplan.plan(there, [stop(1), stop(2)], line(1, 20))
    assert (plan.visits[0].end_at, plan.visits[0].drive) == (NOW + 10 * MIN, timedelta(0))
    assert plan.visits[1].arrive_at == NOW + 29 * MIN


def test_a_promise_is_kept_before_a_nearer_job_and_is_late_rather_than_dropped():
    kept = dayplan.plan(day(), [stop(1), stop(2, due=25)], line(5, 20))
    assert order(kept) == [2, 1] and kept.visits[0].late == timedelta(0)
    late = dayplan.plan(day(), [stop(1, due=10)], line(30))
    assert late.visits[0].late == 20 * MIN and late.left == ()


@pytest.mark.parametrize(
    ("stops", "drives", "hours", "reason"),
    [
        ([stop(1, at=10)], (60,), 10, "appointment_missed"),
        ([stop(1)], (30,), 0.9, "after_shift"),
        ([Stop(1, None, 30 * MIN)], (30,), 10, "no_place"),
        ([stop(1)], (np.inf,), 10, "unreachable"),
    ],
)
def test_what_cannot_be_done_is_named(stops, drives, hours, reason):
    with np.errstate(invalid="ignore"):
        matrix = np.nan_to_num(line(*drives), nan=0.0, posinf=np.inf)
    plan = dayplan.plan(day(hours), stops, matrix)
    assert plan.visits == () and [left.reason for left in plan.left] == [reason]


def test_two_appointments_that_exclude_each_other_name_each_other():
    plan = dayplan.plan(day(), [stop(1, at=60), stop(2, at=70)], line(10, 50))
    (kept,), (left,) = plan.visits, plan.left
    assert left.reason == "appointments_clash" and {kept.task_id, left.task_id} == {1, 2}
    assert left.against == kept.task_id


def test_nothing_to_do_is_an_empty_plan():
    assert dayplan.plan(day(), [], np.zeros((1, 1))).visits == ()
    with pytest.raises(ValueError, match="one row and column"):
        dayplan.plan(day(), [stop(1)], np.zeros((1, 1)))


def shortest_by_trying(stops, drive_s, slack):
    """Seconds driven in the best order, by trying them all; None when an appointment breaks in every one."""
    best = None
    for tried in itertools.permutations(range(len(stops))):
        free, at, driven, kept = NOW, 0, 0.0, True
        for i in tried:
            driven += drive_s[at, i + 1]
            begin = free + timedelta(seconds=drive_s[at, i + 1])
            if stops[i].appointment_at is not None:
                begin = max(begin, stops[i].appointment_at)
                kept &= begin <= stops[i].appointment_at + slack
            free, at = begin + stops[i].service, i + 1
        if kept and (best is None or driven < best):
            best = driven
    return best


@pytest.mark.parametrize("seed", range(20))
def test_few_jobs_are_driven_in_the_best_order_there_is(seed):
    random = np.random.default_rng(seed)
    x = random.uniform(0, 2400, (6, 2))
    drive_s = np.rint(np.abs(x[:, None] - x[None]).sum(-1))
    stops = [stop(1, at=int(random.integers(20, 200))), *(stop(n) for n in range(2, 6))]
    best = shortest_by_trying(stops, drive_s, 0 * MIN) or shortest_by_trying(stops, drive_s, 15 * MIN)
    plan = dayplan.plan(day(24), stops, drive_s)
    if best is None:
        assert plan.left
    else:
        assert plan.drive.total_seconds() == pytest.approx(best, abs=3) and len(plan.visits) == 5


def test_the_same_day_is_planned_the_same_way_twice():
    random = np.random.default_rng(7)
    x = random.uniform(0, 2400, (13, 2))
    drive_s = np.abs(x[:, None] - x[None]).sum(-1)
    stops = [stop(n, at=90 if n == 3 else None, due=60 if n % 4 == 0 else None) for n in range(1, 13)]
    begun = time.perf_counter()
    plans = [dayplan.plan(day(), stops, drive_s) for _ in range(3)]
    assert plans[0] == plans[1] == plans[2] and time.perf_counter() - begun < 30
