"""The dot's walk, against a slower and simpler telling of the same rules."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import cos, hypot, radians

from hypothesis import given, settings
from hypothesis import strategies as st

from geo.dot import Witness, doubt, follows, walk
from geo.filters import Limits, track_only
from geo.fix import Fix

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
LIMITS = Limits()
# Home, and two places no car reaches in the minutes of a test: 300 km and 1,000 km away.
PLACES = {"home": (116.40, 39.91), "far": (119.00, 38.10), "wild": (104.06, 30.57)}


def at(second: int, place: str = "home", accuracy_m: float | None = 10) -> Fix:
    lon, lat = PLACES[place]
    return Fix(NOW - timedelta(hours=2) + timedelta(seconds=second), None, lon, lat, accuracy_m=accuracy_m)


def stored(track: Sequence[Fix]):  # type: ignore[no-untyped-def]
    return lambda since: [f for f in sorted(track, key=lambda f: f.fixed_at) if f.fixed_at >= since]


def go(dot: Fix | None, *fresh: Fix, before: Sequence[Fix] = ()) -> tuple[Fix | None, dict[str, int]]:
    moved, held = walk(dot, fresh, stored([*before, *fresh]), NOW, LIMITS)
    return moved, dict(held)


def test_the_first_good_fix_is_the_dot() -> None:
    assert go(None, at(0)) == (at(0), {})


def test_the_dot_stops_at_the_newest_good_fix() -> None:
    assert go(at(0), at(15), at(30), at(45, accuracy_m=900)) == (at(30), {"imprecise": 1})


def test_a_jump_does_not_move_the_dot_and_the_way_back_does() -> None:
    assert go(at(0), at(15, "far"), at(30)) == (at(30), {"impossible_speed": 1})


def test_a_jump_at_the_end_leaves_the_dot_where_it_was() -> None:
    assert go(at(0), at(15), at(30, "far")) == (at(15), {"impossible_speed": 1})


def test_five_minutes_of_the_same_story_are_believed() -> None:
    told = [at(60 * n, "far") for n in range(1, 6)]
    assert go(at(0), *told) == (None, {"impossible_speed": 5})
    last = at(360, "far")
    assert go(at(0), *told, last) == (last, {"impossible_speed": 5})


def test_a_story_may_come_in_several_batches() -> None:
    told = [at(60 * n, "far") for n in range(1, 6)]
    assert go(at(0), at(360, "far"), before=told) == (at(360, "far"), {})


def test_few_fixes_are_no_story_however_long_it_lasts() -> None:
    assert go(at(0), *[at(400 * n, "far") for n in range(1, 5)])[0] is None
    assert go(at(0), *[at(400 * n, "far") for n in range(1, 6)])[0] == at(2000, "far")


def test_a_story_that_contradicts_itself_is_not_believed() -> None:
    told = [at(60 * n, "far" if n % 2 else "wild") for n in range(1, 30)]
    assert go(at(0), *told) == (None, {"impossible_speed": 29})


def test_a_frozen_dot_comes_free_again() -> None:
    """The first fix of a day was false; the surveyor must not be lost until a car could have driven from there."""
    moved, _ = go(at(0, "wild"), *[at(15 * n) for n in range(1, 30)])
    assert moved == at(15 * 29)


def plain(dot: Fix | None, fresh: Sequence[Fix], track: Sequence[Fix]) -> Fix | None:
    """The same rules told slowly: from scratch for every fix, over everything that is stored."""

    def possible(a: Fix, b: Fix) -> bool:
        east = (a.lon - b.lon) * 111_195 * cos(radians((a.lat + b.lat) / 2))
        metres = hypot(east, (a.lat - b.lat) * 111_195)
        return metres < 1000 or metres < 50 * (b.fixed_at - a.fixed_at).total_seconds()

    now_at = dot
    for fix in fresh:
        if fix.accuracy_m is not None and fix.accuracy_m > 200:
            continue
        if now_at is not None and fix.fixed_at <= now_at.fixed_at:
            continue
        if now_at is not None and not possible(now_at, fix):
            run: list[Fix] = []
            for f in sorted(track, key=lambda f: f.fixed_at):
                if now_at.fixed_at < f.fixed_at <= fix.fixed_at and (f.accuracy_m or 0) <= 200:
                    run = [*run, f] if run and possible(run[-1], f) else [f]
            if len(run) < 5 or run[-1].fixed_at - run[0].fixed_at < timedelta(seconds=300):
                continue
        now_at = fix
    return None if now_at is dot else now_at


fixes = st.builds(
    at,
    st.integers(0, 120).map(lambda n: 15 * n),
    st.sampled_from(["home", "home", "home", "far", "wild"]),
    st.sampled_from([10.0, 10.0, 10.0, None, 500.0]),
)
batches = st.lists(
    st.lists(fixes, max_size=40, unique_by=lambda f: f.fixed_at).map(
        lambda b: sorted(b, key=lambda f: f.fixed_at)
    ),
    max_size=6,
)


@settings(max_examples=100)
@given(batches)
def test_the_walk_is_the_plain_telling_and_never_goes_back(given: list[list[Fix]]) -> None:
    dot: Fix | None = None
    track: dict[datetime, Fix] = {}
    for batch in given:
        fresh = [f for f in batch if f.fixed_at not in track]
        track |= {f.fixed_at: f for f in fresh}
        expected = plain(dot, fresh, list(track.values()))
        moved, held = walk(dot, fresh, stored(list(track.values())), NOW, LIMITS)
        assert moved == expected
        assert len(fresh) - sum(held.values()) >= (moved is not None)
        assert moved is None or dot is None or moved.fixed_at > dot.fixed_at
        dot = moved or dot


def told(
    ago_s: float, north_m: float, east_m: float, given: tuple[float | None, float | None, float | None]
) -> Fix:
    east = east_m / 111_195 / cos(radians(39.91))
    return Fix(NOW - timedelta(seconds=ago_s), None, 116.40 + east, 39.91 + north_m / 111_195, *given)


readings = st.tuples(
    st.sampled_from([None, 1.0, 10.0, 200.0, 900.0]),
    st.sampled_from([None, 0.0, 1.4, 2.0, 2.1, 9.0, 30.0]),
    st.sampled_from([None, 0.0, 90.0, 180.0]),
)
steps = st.one_of(st.sampled_from([0.0, 0.005, 0.05, 0.1, 1.0]), st.floats(-200, 200))


@settings(max_examples=400)
@given(
    st.sampled_from([0.5, 1.0, 5.0, 15.0, 74.0, 76.0, 600.0, 90_000.0]),
    st.sampled_from([-30.0, 0.0, 3_600.0]),
    steps,
    steps,
    readings,
    readings,
)
def test_what_surely_follows_is_let_through_by_every_rule_and_needs_no_track(
    for_s: float, ago_s: float, north_m: float, east_m: float, before: tuple[float], after: tuple[float]
) -> None:
    dot, fix = told(ago_s + for_s, 0, 0, before), told(ago_s, north_m, east_m, after)  # type: ignore[arg-type]

    def never(since: datetime) -> Sequence[Fix]:
        raise AssertionError("the track was asked for")

    if follows(dot, fix, NOW - LIMITS.late, LIMITS):
        assert track_only(fix, dot, NOW, LIMITS) == []
        assert doubt(dot, fix, Witness(never, LIMITS), LIMITS) is None


def test_the_short_look_lets_the_usual_step_through_and_never_one_that_hangs() -> None:
    usual, hung = told(1, 8, 0, (10, 8, 0)), told(0, 8, 0, (10, 8, 0))
    assert follows(told(2, 0, 0, (10, 8, 0)), usual, NOW - LIMITS.late, LIMITS)
    assert not follows(usual, hung, NOW - LIMITS.late, LIMITS)
