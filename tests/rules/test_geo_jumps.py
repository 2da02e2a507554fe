"""A labelled set of fixes: 1 % of the jumps may move the dot, 0.5 % of the good fixes may fail to."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from geo.dot import walk
from geo.filters import Limits
from geo.fix import Fix, LonLat
from lab import judging, misreadings
from lab.judging import FINDS, MEANT, judge

MOST_SURVIVING_PCT, MOST_DROPPED_PCT = 1.0, 0.5
PORTO = Path(__file__).resolve().parents[3] / "shared" / "data" / "porto" / "trips_train.csv"
NOW = misreadings.moment()
HERE = LonLat(116.40, 39.91)


@pytest.fixture(scope="module")
def small() -> judging.Score:
    """The set that comes with the repository: 150 made-up drives."""
    return judge(misreadings.drives(misreadings.made_up(3, 150, 60), 3, NOW))


def test_jumps_stay_out_and_good_fixes_in(small: judging.Score) -> None:
    assert small.jumps > 400 and small.good > 10_000
    assert small.survived_pct() <= MOST_SURVIVING_PCT, dict(small.survived)
    assert small.dropped_pct() <= MOST_DROPPED_PCT, dict(small.dropped)


@pytest.mark.parametrize(
    ("reason", "least_pct"),
    [(word, 99.0) for word in MEANT if word not in ("impossible_speed", "unlikely_move")]
    + [("impossible_speed", 90.0), ("unlikely_move", 40.0)],
)
def test_a_reason_is_given_to_what_it_is_meant_for(
    small: judging.Score, reason: str, least_pct: float
) -> None:
    assert small.given[reason] == 0 or small.precision(reason) >= least_pct


@pytest.mark.parametrize("fault", [f for f in FINDS if f not in ("frozen_mute", "multipath")])
def test_nearly_every_fault_gets_its_reason(small: judging.Score, fault: str) -> None:
    assert small.faults[fault] > 0
    assert small.recall(fault) >= 97.0


def test_the_set_is_the_same_every_time() -> None:
    one, two = (misreadings.drives(misreadings.made_up(3, 2, 30), 5, NOW) for _ in range(2))
    assert one == two
    assert misreadings.drives(misreadings.made_up(3, 2, 30), 6, NOW) != one


def test_a_filter_that_lets_everything_through_is_found_out() -> None:
    """The check itself can fail."""
    drives = misreadings.drives(misreadings.made_up(1, 20, 60), 1, NOW)
    blind = Limits(max_speed_mps=1e9, max_accuracy_m=1e9, useless_accuracy_m=1e9)
    assert judge(drives, blind).survived_pct() > 10
    strict = Limits(max_speed_mps=5)
    assert judge(drives, strict).dropped_pct() > 5


def test_real_trips_with_faults_put_in() -> None:
    if not PORTO.exists():
        pytest.skip("the recorded trips are not here: the shared data folder is absent")
    trips = misreadings.recorded(PORTO)
    assert len(trips) > 500
    scores = [judge(misreadings.drives(trips, seed, NOW)) for seed in (3,)]
    jumps, good = sum(s.jumps for s in scores), sum(s.good for s in scores)
    assert jumps > 1_000 and good > 30_000
    assert 100 * sum(s.survived.total() for s in scores) / jumps <= MOST_SURVIVING_PCT
    assert 100 * sum(s.dropped.total() for s in scores) / good <= MOST_DROPPED_PCT


def drive(*steps: tuple[float, float, float | None], every_s: int = 15) -> list[Fix]:
    """Fixes (metres east, metres north, told speed) heading north."""
    return [
        Fix(
            NOW + timedelta(seconds=every_s * n),
            None,
            *misreadings.shifted(HERE, east, north),
            10,
            speed,
            0.0,
        )
        for n, (east, north, speed) in enumerate(steps)
    ]


def since(track: list[Fix]) -> Callable[[datetime], list[Fix]]:
    """What `walk` asks the store for."""
    return lambda start: [fix for fix in track if fix.fixed_at >= start]


def held(fixes: list[Fix]) -> list[int]:
    """Which of the fixes did not move the dot, sent one by one."""
    dot: Fix | None = None
    found = []
    for n, fix in enumerate(fixes):
        moved, _ = walk(dot, [fix], since(fixes[: n + 1]), NOW, Limits())
        dot = moved or dot
        if moved is None:
            found.append(n)
    return found


class TestJumpsACarCouldMake:
    def test_a_reflection_off_a_house_does_not_move_a_slow_car(self) -> None:
        assert held(drive((0, 0, 4), (0, 60, 4), (500, 120, 4), (520, 180, 4), (0, 240, 4), (0, 300, 4))) == [
            2,
            3,
        ]

    def test_a_fast_road_is_no_jump(self) -> None:
        assert held(drive(*[(0, 480 * n, 32) for n in range(12)])) == []

    def test_a_car_that_tells_no_speed_may_still_drive_off(self) -> None:
        assert held(drive((0, 0, None), (0, 5, None), (0, 190, None), (0, 420, None), (0, 650, None))) == []

    def test_after_a_tunnel_far_is_good(self) -> None:
        before, after = drive((0, 0, 20), (0, 300, 20)), drive((0, 4000, 20), (0, 4300, 20))
        later = timedelta(seconds=200)
        moved = [Fix(f.fixed_at + later, None, f.lon, f.lat, 10, f.speed_mps, f.heading_deg) for f in after]
        assert held([*before, *moved]) == []

    def test_a_long_told_jump_is_believed_in_the_end(self) -> None:
        steps = [(0.0, 0.0, 0.5)] * 3 + [(600.0, 20.0 * n, 0.5) for n in range(8)]
        assert held(drive(*steps)) == [3, 4, 5, 6, 7]

    def test_the_same_reading_again_is_no_second_witness(self) -> None:
        steps = [(0.0, 0.0, 0.5)] * 3 + [(600.0, 0.0, 0.5)] * 12
        assert held(drive(*steps)) == list(range(3, 15))

    def test_a_place_that_hangs_while_the_phone_says_it_drives_ages(self) -> None:
        steps = [(0.0, 0.0, 12.0), (0.0, 180.0, 12.0), *[(0.0, 180.0, 12.0)] * 5, (0.0, 1260.0, 12.0)]
        assert held(drive(*steps)) == [2, 3, 4, 5, 6]

    def test_a_batch_says_what_single_fixes_say(self) -> None:
        for drive_ in misreadings.drives(misreadings.made_up(4, 12, 50), 9, NOW):
            fixes = sorted({t.fix.fixed_at: t.fix for t in drive_.told if t.fault not in ("clock", "null_island")}.values(),
                           key=lambda f: f.fixed_at)  # fmt: skip
            one: Fix | None = None
            for n, fix in enumerate(fixes):
                moved, _ = walk(one, [fix], since(fixes[: n + 1]), NOW, Limits())
                one = moved or one
            whole, _ = walk(None, fixes, since(fixes), NOW, Limits())
            assert whole == one
