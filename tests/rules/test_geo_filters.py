"""Which fixes are kept, which may move the dot, what a track proves."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo import filters
from geo.filters import DEFAULTS, KNOWN, Duty, Limits, at_place, oddities, reachable, rejections, track_only
from geo.fix import Fix, LonLat, metres_between

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
HERE = LonLat(116.40, 39.91)
LIMITS = Limits()
ON = Duty(True, ((NOW - timedelta(days=30), None),))
OFF = Duty(False, ())


offsets = st.integers(-100, 800_000)
degrees = st.sampled_from(
    [-180.1, -180.0, -90.0, -0.001, -0.0009, 0.0, 0.0009, 0.001, 39.9, 90.0, 90.1, 180.0, 180.1]
)
accuracies = st.sampled_from([None, 1.0, 200.0, 5000.0, 5000.1, 1e9])


@given(
    ago_s=offsets,
    lon=degrees,
    lat=degrees,
    accuracy_m=accuracies,
    since_s=st.integers(0, 800_000),
    on=st.booleans(),
)
def test_the_short_look_lets_in_only_what_has_no_reason_against_it(
    ago_s: int, lon: float, lat: float, accuracy_m: float | None, since_s: int, on: bool
) -> None:
    duty = Duty(on, ((NOW - timedelta(seconds=since_s), None),))
    one = Fix(NOW - timedelta(seconds=ago_s), None, lon, lat, accuracy_m)
    plain = filters.Plain.of(NOW, duty, LIMITS)
    if plain.lets(one):
        assert rejections(one, NOW, duty, LIMITS) == []
    assert plain.lets_all([one]) == plain.lets(one)
    assert not plain.lets_all([one, one])


def fix(ago_s: float = 0, north_m: float = 0, accuracy_m: float | None = 10, **given: object) -> Fix:
    return Fix(
        fixed_at=NOW - timedelta(seconds=ago_s),
        received_at=None,
        lon=given.pop("lon", HERE.lon),  # type: ignore[arg-type]
        lat=given.pop("lat", HERE.lat + north_m / 111_195),  # type: ignore[arg-type]
        accuracy_m=accuracy_m,
        **given,  # type: ignore[arg-type]
    )


def test_a_good_fix_has_nothing_against_it() -> None:
    assert rejections(fix(), NOW, ON, LIMITS) == []
    assert track_only(fix(), None, NOW, LIMITS) == []


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (fix(lon=0.0, lat=0.0), "zero"),
        (fix(lon=0.0009, lat=-0.0009), "zero"),
        (fix(lat=90.1), "out_of_range"),
        (fix(lon=float("nan")), "out_of_range"),
        (fix(lat=float("inf")), "out_of_range"),
        (fix(ago_s=-61), "from_the_future"),
        (fix(ago_s=7 * 86400 + 1), "too_old"),
        (fix(accuracy_m=50_000), "imprecise"),
    ],
)
def test_each_refusal_has_its_name(given: Fix, reason: str) -> None:
    assert rejections(given, NOW, ON, LIMITS) == [reason]


def test_a_minute_ahead_is_still_believed() -> None:
    assert rejections(fix(ago_s=-60), NOW, ON, LIMITS) == []


def test_off_duty_is_the_only_word_said_off_duty() -> None:
    assert rejections(fix(lat=99, ago_s=-900), NOW, OFF, LIMITS) == ["off_duty"]


def test_every_reason_is_said_not_only_the_first() -> None:
    assert rejections(fix(lat=99, ago_s=-900, accuracy_m=1e6), NOW, ON, LIMITS) == [
        "out_of_range",
        "from_the_future",
        "imprecise",
    ]


@pytest.mark.parametrize(
    ("ago_min", "kept"),
    [
        (10, True),  # in this shift
        (70, True),  # ten minutes before it began: the phone told us late
        (100, False),  # in the pause
        (130, True),  # in the shift before
        (195, True),  # at the grace of the earlier one
        (260, False),  # at night
    ],
)
def test_a_late_fix_belongs_to_a_shift_or_is_refused(ago_min: int, kept: bool) -> None:
    morning = (NOW - timedelta(minutes=180), NOW - timedelta(minutes=120))
    duty = Duty(True, (morning, (NOW - timedelta(minutes=60), None)))
    assert (rejections(fix(ago_s=ago_min * 60), NOW, duty, LIMITS) == []) is kept


def test_a_shift_has_no_grace_at_its_end() -> None:
    duty = Duty(True, ((NOW - timedelta(hours=9), NOW - timedelta(hours=1)), (NOW, None)))
    assert not duty.covers(NOW - timedelta(minutes=59), timedelta(minutes=30))
    assert duty.covers(NOW - timedelta(minutes=60), timedelta(minutes=30))


@pytest.mark.parametrize(
    ("given", "last", "reasons"),
    [
        (fix(ago_s=10), fix(ago_s=10), ["late"]),
        (fix(ago_s=10), fix(ago_s=9), ["late"]),
        (fix(ago_s=86401), None, ["late"]),
        (fix(accuracy_m=201), fix(ago_s=60), ["imprecise"]),
        (fix(accuracy_m=200), fix(ago_s=60), []),
        (fix(accuracy_m=None), fix(ago_s=60), []),
        (fix(north_m=200_000), fix(ago_s=60), ["impossible_speed"]),
        (fix(north_m=2_900), fix(ago_s=60), []),
        (fix(ago_s=61, accuracy_m=999), fix(ago_s=60), ["late", "imprecise"]),
    ],
)
def test_what_stays_in_the_track_only(given: Fix, last: Fix | None, reasons: list[str]) -> None:
    assert track_only(given, last, NOW, LIMITS) == reasons


def test_fifty_metres_a_second_is_the_limit_and_accuracy_counts_in_favour() -> None:
    assert reachable(fix(ago_s=60), fix(north_m=3_015), LIMITS)
    assert not reachable(fix(ago_s=60), fix(north_m=3_025), LIMITS)
    assert reachable(fix(ago_s=60, accuracy_m=150), fix(north_m=3_155), LIMITS)


def test_the_limits_are_settings() -> None:
    strict = Limits.of({"fix_speed_mps": 10, "fix_accuracy_m": 50})
    assert not reachable(fix(ago_s=60), fix(north_m=700), strict)
    assert track_only(fix(accuracy_m=51), None, NOW, strict) == ["imprecise"]
    assert Limits.of({}) == Limits()


def test_every_default_lies_within_its_bounds() -> None:
    for key, known in KNOWN.items():
        assert known.least is not None and known.most is not None
        assert known.least <= DEFAULTS[key] <= known.most
        assert known.zh and known.en


@given(st.floats(-180, 180), st.floats(-90, 90), st.floats(-180, 180), st.floats(-90, 90))
def test_distance_is_total_symmetric_and_bounded(
    lon_a: float, lat_a: float, lon_b: float, lat_b: float
) -> None:
    a, b = LonLat(lon_a, lat_a), LonLat(lon_b, lat_b)
    assert 0 <= metres_between(a, b) <= 20_015_200
    assert metres_between(a, b) == pytest.approx(metres_between(b, a), abs=1e-6)


class TestArrival:
    def stay(self, *points: tuple[float, float]) -> list[Fix]:
        """Fixes (seconds from the start, metres from the place), in order."""
        return [
            Fix(NOW + timedelta(seconds=at), None, HERE.lon, HERE.lat + metres / 111_195, accuracy_m=10)
            for at, metres in points
        ]

    def test_a_minute_within_200_metres_is_an_arrival_at_its_first_moment(self) -> None:
        came = at_place(self.stay((0, 900), (15, 150), (45, 30), (75, 20), (90, 10)), HERE)
        assert came == NOW + timedelta(seconds=15)

    def test_driving_by_is_no_arrival(self) -> None:
        assert (
            at_place(self.stay((0, 900), (15, 150), (30, 20), (45, 180), (60, 400), (75, 900)), HERE) is None
        )

    def test_a_stay_that_was_left_begins_anew(self) -> None:
        assert at_place(self.stay((0, 50), (30, 500), (45, 50), (100, 50)), HERE) is None
        assert at_place(self.stay((0, 50), (30, 500), (45, 50), (105, 50)), HERE) == NOW + timedelta(
            seconds=45
        )

    def test_a_long_silence_proves_nothing(self) -> None:
        assert at_place(self.stay((0, 50), (301, 50)), HERE) is None
        assert at_place(self.stay((0, 50), (299, 50)), HERE) == NOW

    def test_an_imprecise_fix_neither_proves_nor_breaks_a_stay(self) -> None:
        near, far, still = self.stay((0, 50), (30, 900), (60, 50))
        blurred = Fix(far.fixed_at, None, far.lon, far.lat, accuracy_m=1500)
        assert at_place([near, blurred, still], HERE) == NOW
        assert at_place([blurred], HERE, for_s=0) is None

    def test_nobody_arrives_without_fixes(self) -> None:
        assert at_place([], HERE) is None


class TestOddities:
    def test_one_jump_is_an_accident_two_in_a_row_are_a_flag(self) -> None:
        still = [fix(ago_s=s) for s in (300, 240)]
        assert oddities([*still, fix(ago_s=180, north_m=200_000)], LIMITS) == []
        assert oddities([*still, fix(ago_s=180, north_m=200_000), fix(ago_s=120)], LIMITS) == [
            "impossible_jumps"
        ]

    def test_the_same_seven_digits_for_an_hour_while_moving_are_too_steady(self) -> None:
        steady = [fix(ago_s=4000 - 60 * n, speed_mps=8.0) for n in range(62)]
        assert oddities(steady, LIMITS) == ["too_steady"]
        assert oddities(steady[:60], LIMITS) == []

    def test_a_parked_car_is_not_too_steady(self) -> None:
        assert oddities([fix(ago_s=8000 - 60 * n, speed_mps=0.0) for n in range(120)], LIMITS) == []
        assert oddities([fix(ago_s=8000 - 60 * n) for n in range(120)], LIMITS) == []

    def test_a_moving_car_is_not_too_steady(self) -> None:
        assert (
            oddities([fix(ago_s=8000 - 60 * n, north_m=400 * n, speed_mps=7.0) for n in range(120)], LIMITS)
            == []
        )


def test_the_reasons_are_words_of_one_list() -> None:
    """Counters, pages and documents share these words; a new one needs a place in each."""
    folder = Path(filters.__file__ or "").parent
    source = "".join(
        (folder / name).read_text(encoding="utf-8") for name in ("filters.py", "dot.py", "story.py")
    )
    words = {a or b for a, b in re.findall(r'append\("(\w+)"\)|return \[?"(\w+)"', source)}
    assert words == {
        "off_duty", "out_of_range", "zero", "from_the_future", "too_old", "imprecise", "late", "impossible_speed",
        "impossible_jumps", "too_steady", "swapped", "unlikely_move",
    }  # fmt: skip
    root = folder.parent
    document = (root / "docs" / "positions.md").read_text(encoding="utf-8")
    assert [word for word in words if f"`{word}`" not in document] == []
    labels = (root / "web" / "shared" / "reasons.ts").read_text(encoding="utf-8")
    assert [word for word in words if labels.count(f" {word}: ") != 2] == []


@pytest.mark.parametrize(("lon", "lat"), [(0.0, 39.9), (116.4, 0.0)])
def test_half_a_place_is_no_place(lon: float, lat: float) -> None:
    assert rejections(fix(lon=lon, lat=lat), NOW, ON, LIMITS) == ["zero"]


def test_a_swapped_place_has_its_own_name() -> None:
    porto = fix(ago_s=60, lon=-8.61, lat=41.15)
    assert track_only(fix(lon=41.15, lat=-8.61), porto, NOW, LIMITS) == ["swapped"]
    assert track_only(fix(lon=41.15, lat=-18.61), porto, NOW, LIMITS) == ["impossible_speed"]
    assert rejections(fix(lon=39.91, lat=116.40), NOW, ON, LIMITS) == ["out_of_range"]
