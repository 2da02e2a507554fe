"""A phone's clock: wrong by hours it is learned, late it is not mistaken for wrong (G-18, P11)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.clock_offset import PhoneClock
from geo.fix import Fix

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


def sends(
    offset_s: float, delays: list[float], every_s: float = 30, known: PhoneClock | None = None
) -> PhoneClock:
    """A phone whose clock is off by that much, sending its newest fix after each delay."""
    known = known or PhoneClock()
    for n, delay in enumerate(delays):
        received = NOW + timedelta(seconds=every_s * n)
        known = known.learn(received + timedelta(seconds=offset_s - delay), received)
    return known


@pytest.mark.parametrize("hours", [8, -8, 24, -24, 5.5, -1])
def test_a_clock_wrong_by_hours_is_learned_exactly(hours: float) -> None:
    known = sends(hours * 3600, [1, 3, 2, 9, 1, 2, 4])
    assert known.offset_s == hours * 3600
    assert known.learned_at is not None


@pytest.mark.parametrize("every_s", [1, 2, 5, 12, 15, 60, 300])
@pytest.mark.parametrize("offset_s", [10_800, -120, -3600])
def test_a_wrong_clock_is_learned_however_often_the_phone_speaks(every_s: float, offset_s: float) -> None:
    """Every 12 s, five sends never spanned two minutes: a clock two minutes slow was never learned."""
    known = sends(offset_s, [1, 3, 2] * 60, every_s=every_s)
    assert abs(known.offset_s - offset_s) <= 2
    within = 200 if every_s < 30 else 5 * every_s
    enough = round(within / every_s) + 1
    assert sends(offset_s, [1, 3, 2] * (enough // 3 + 1), every_s=every_s).offset_s == known.offset_s


def test_a_phone_that_speaks_every_second_is_not_written_down_every_second() -> None:
    known, changes = PhoneClock(), 0
    for n in range(100):
        at = NOW + timedelta(seconds=n)
        known, before = known.learn(at - timedelta(seconds=300), at), known
        changes += known is not before
    assert changes <= 11


def test_a_clock_of_1970_or_2099_too() -> None:
    off = -1024 * 7 * 86_400
    assert abs(sends(off, [1, 1, 2, 1, 1]).offset_s - off) <= 2
    assert abs(sends(3_000_000_000, [1, 1, 2]).offset_s - 3_000_000_000) <= 2


def test_a_right_clock_is_never_written_down() -> None:
    known = PhoneClock()
    for ahead in (-80, -5, 0, 30, 59):
        assert known.learn(NOW + timedelta(seconds=ahead), NOW) is known


@given(st.lists(st.floats(0, 60), min_size=8, max_size=8))
def test_a_clock_ahead_is_learned_soon_whatever_the_delays(delays: list[float]) -> None:
    known = sends(8 * 3600, [min(d, 20) for d in delays])
    assert known.offset_s == 8 * 3600


class TestLateIsNotWrong:
    def test_a_day_without_network_sent_in_pieces(self) -> None:
        """Each piece ends later by its own clock: the difference shrinks, and nothing is learned."""
        known = PhoneClock()
        for n in range(40):
            received = NOW + timedelta(seconds=5 * n)
            known = known.learn(NOW - timedelta(hours=8) + timedelta(minutes=12 * n), received)
        assert known.offset_s == 0

    def test_a_slow_line_that_is_late_by_differing_times(self) -> None:
        assert sends(0, [600, 900, 300, 1200, 700, 400, 1100]).offset_s == 0

    def test_one_late_batch_proves_nothing(self) -> None:
        assert sends(0, [8 * 3600]).offset_s == 0
        assert sends(0, [8 * 3600, 8 * 3600, 1, 2, 1]) == PhoneClock()

    def test_a_burst_within_seconds_is_no_proof(self) -> None:
        assert sends(-8 * 3600, [1] * 8, every_s=2).offset_s == 0

    @given(st.lists(st.floats(91, 40_000), min_size=3, max_size=30))
    def test_only_delays_that_stay_the_same_for_two_minutes_look_like_a_wrong_clock(
        self, delays: list[float]
    ) -> None:
        known = sends(0, delays)
        alike = any(max(delays[n : n + 5]) - min(delays[n : n + 5]) <= 30 for n in range(len(delays) - 4))
        assert known.offset_s == 0 or alike


class TestSetRightAgain:
    def test_the_first_right_send_ends_it(self) -> None:
        known = sends(8 * 3600, [1, 1, 1, 1])
        assert known.offset_s
        later = NOW + timedelta(hours=1)
        assert known.learn(later - timedelta(seconds=2), later).offset_s == 0

    def test_another_wrong_time_replaces_the_first(self) -> None:
        known = sends(3600, [1, 2, 1], known=sends(8 * 3600, [1, 1, 1, 1]))
        assert known.offset_s in (8 * 3600, 3600)
        later = [known := known.learn(NOW + timedelta(hours=3, seconds=30 * n), NOW + timedelta(hours=2, seconds=30 * n))
                 for n in range(4)]  # fmt: skip
        assert later[-1].offset_s == 3600

    def test_a_known_offset_does_not_wander(self) -> None:
        """A correction that moved by a second would store a repeated batch twice."""
        known = sends(8 * 3600 + 7, [1, 1, 1, 1])
        first = known.offset_s
        assert sends(8 * 3600 + 7, [1, 40, 3, 60, 2, 1], known=known).offset_s == first


def test_the_phones_own_time_stays_beside_the_true_one() -> None:
    fix = Fix(NOW + timedelta(hours=8), None, 116.4, 39.9)
    true = PhoneClock(8 * 3600, NOW).correct(fix)
    assert (true.fixed_at, true.phone_at) == (NOW, fix.fixed_at)
    assert PhoneClock().correct(fix) is fix
    assert PhoneClock(-(10**12), NOW).correct(fix) is fix  # beyond the years there are
