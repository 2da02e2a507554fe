"""A track as stops, drives and gaps; coming to a place and leaving it."""

from datetime import UTC, datetime, timedelta
from random import Random

from geo.fence import Fence, Visit
from geo.fix import Fix, LonLat
from geo.stops import Drive, Gap, Stop, gaps, told

T0 = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
HERE = LonLat(116.40, 39.91)


def at(minutes: float, north_m: float, accuracy_m: float = 10) -> Fix:
    return Fix(
        T0 + timedelta(minutes=minutes), None, HERE.lon, HERE.lat + north_m / 111_195, accuracy_m=accuracy_m
    )


def day(*parts: tuple[float, float, float, float]) -> list[Fix]:
    """Parts (from minute, to minute, from metre, to metre), four fixes a minute."""
    found = []
    for start, end, here, there in parts:
        steps = round((end - start) * 4)
        found += [at(start + n / 4, here + (there - here) * n / steps) for n in range(steps)]
    return found


class TestStopsAndTrips:
    def test_a_morning_is_stop_drive_stop(self) -> None:
        parts = told(day((0, 10, 0, 0), (10, 20, 0, 6000), (20, 40, 6000, 6000)))
        assert [type(p) for p in parts] == [Stop, Drive, Stop]
        stop, drive, _ = parts
        assert isinstance(stop, Stop) and isinstance(drive, Drive)
        assert abs((stop.end - stop.start) - timedelta(minutes=10)) < timedelta(minutes=1)
        assert 5800 < drive.metres < 6100

    def test_a_red_light_is_no_stop(self) -> None:
        assert [type(p) for p in told(day((0, 5, 0, 3000), (5, 6.5, 3000, 3000), (6.5, 10, 3000, 6000)))] == [
            Drive
        ]

    def test_drift_of_a_parked_car_is_one_stop(self) -> None:
        rng = Random(3)
        parked = [at(n / 4, rng.gauss(0, 15)) for n in range(240)]
        assert [type(p) for p in told(parked)] == [Stop]

    def test_one_fix_astray_does_not_cut_a_stop(self) -> None:
        fixes = day((0, 20, 0, 0))
        fixes[40] = at(10, 300)
        assert len([p for p in told(fixes) if isinstance(p, Stop)]) == 1

    def test_a_silence_elsewhere_is_a_gap_and_parked_it_is_none(self) -> None:
        moved = told([*day((0, 5, 0, 0)), *day((25, 30, 9000, 9000))])
        assert [type(p) for p in moved] == [Stop, Gap, Stop]
        assert [type(p) for p in told([*day((0, 5, 0, 0)), *day((25, 30, 0, 0))])] == [Stop]

    def test_a_jump_is_left_out(self) -> None:
        fixes = day((0, 10, 0, 0))
        fixes.insert(20, at(4.99, 90_000))
        assert [type(p) for p in told(fixes)] == [Stop]

    def test_nothing_told_is_nothing(self) -> None:
        assert told([]) == []
        assert gaps([], T0, T0 + timedelta(minutes=30)) == [Gap(T0, T0 + timedelta(minutes=30))]

    def test_gaps_name_the_silences_of_a_shift(self) -> None:
        fixes = [*day((0, 5, 0, 0)), *day((20, 30, 0, 0))]
        found = gaps(fixes, T0, T0 + timedelta(minutes=30))
        assert [round((g.end - g.start).total_seconds() / 60) for g in found] == [15]


class TestFence:
    def test_he_comes_stays_and_leaves(self) -> None:
        track = day((0, 10, 9000, 0), (10, 30, 0, 0), (30, 40, 0, 9000))
        (visit,) = Fence(HERE).visits(track)
        assert visit.left is not None
        assert timedelta(minutes=9) < visit.came - T0 <= timedelta(minutes=10)
        assert timedelta(minutes=30) < visit.left - T0 < timedelta(minutes=31)

    def test_he_is_still_there(self) -> None:
        (visit,) = Fence(HERE).visits(day((0, 10, 9000, 0), (10, 30, 0, 0)))
        assert visit.left is None

    def test_driving_by_is_no_visit(self) -> None:
        assert Fence(HERE).visits(day((0, 10, -6000, 6000))) == []

    def test_a_jump_away_is_no_leaving(self) -> None:
        track = day((0, 20, 0, 0))
        track[40] = at(10, 2000)
        assert Fence(HERE).visits(track) == [Visit(T0)]

    def test_walking_round_the_block_is_no_leaving(self) -> None:
        assert Fence(HERE).visits(day((0, 5, 0, 0), (5, 8, 0, 300), (8, 12, 300, 0), (12, 20, 0, 0))) == [
            Visit(T0)
        ]

    def test_a_basement_without_signal_is_no_leaving(self) -> None:
        assert Fence(HERE).visits([*day((0, 5, 0, 0)), *day((45, 50, 0, 0))]) == [Visit(T0)]

    def test_he_may_come_twice(self) -> None:
        track = day((0, 5, 0, 0), (5, 15, 0, 9000), (15, 25, 9000, 0), (25, 30, 0, 0))
        assert [v.left is None for v in Fence(HERE).visits(track)] == [False, True]
