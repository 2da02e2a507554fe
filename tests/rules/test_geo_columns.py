"""A batch as columns says what the way fix by fix says, or «not surely»; and surely often enough to be worth having."""

import math
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import pings
from geo import copying, dot
from geo.columns import LEAST_FIXES, Columns, newest, oldest
from geo.filters import Duty, Limits, Plain
from geo.fix import Fix
from geo.motion import METRES_A_DEGREE
from geo.reading import Malformed

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LIMITS = Limits()


def batch(
    *changes: dict[str, Any], count: int = 12, step_s: float = 1.0, start: datetime | None = None
) -> list[dict[str, Any]]:
    """A usual batch as a phone sends it, its first fixes changed."""
    begun = start or NOW - timedelta(minutes=10)
    fixes: list[dict[str, Any]] = [
        {
            "at": (begun + timedelta(seconds=n * step_s)).isoformat(), "lon": 121.4 + n * 1e-5, "lat": 31.2 + n * 1e-4,
            "accuracy_m": 9.5, "speed_mps": 12.25, "heading_deg": 7.125, "battery": 80, "seq": n,
        }
        for n in range(count)
    ]  # fmt: skip
    for fix, change in zip(fixes, changes, strict=False):
        fix |= change
    return fixes


def body(fixes: Sequence[dict[str, Any]]) -> bytes:
    return msgspec.json.encode({"fixes": fixes})


def one_by_one(fixes: Sequence[dict[str, Any]]) -> list[Fix | str]:
    """Each fix read by itself: the fix, or the reason it cannot be read."""
    found: list[Fix | str] = []
    for item in fixes:
        try:
            found.append(pings._fix(msgspec.Raw(msgspec.json.encode(item))))
        except Malformed as error:
            found.append(error.reason)
    return found


def columns(*changes: dict[str, Any], **more: Any) -> Columns:
    read, _ = pings.read_batch(body(batch(*changes, **more)))
    assert isinstance(read.fixes, Columns)
    return read.fixes


def about(least: float, most: float) -> st.SearchStrategy[Any]:
    """Readings in the range, at its ends, just beyond them, halves of a thousandth, whole numbers, and none."""
    return st.one_of(
        st.floats(least, most),
        st.integers(math.ceil(least), math.floor(most)),
        st.integers(math.ceil(least * 1000), math.floor(most * 1000)).map(lambda n: n / 1000 + 0.0005),
        st.sampled_from([None, least, most, least - 0.0004, most + 0.6, 0, -0.0, -1]),
    )


ZONES = st.sampled_from([UTC, timezone(timedelta(hours=8)), timezone(-timedelta(hours=11, minutes=30))])
CHANGE = st.fixed_dictionaries(
    {},
    optional={
        "at": st.one_of(
            st.builds(lambda s, zone: (NOW + timedelta(seconds=s)).astimezone(zone).isoformat(), st.floats(-9e5, 9e5), ZONES),
            st.sampled_from(["0001-01-01T00:00:00+08:00", "9999-12-31T23:59:59-11:00", "1969-12-31T23:59:59.999999Z"]),
        ),
        "lon": about(-180, 180).filter(lambda v: v is not None), "lat": about(-90, 90).filter(lambda v: v is not None),
        "accuracy_m": about(0.001, 100_000), "speed_mps": about(0, 350), "heading_deg": about(0, 360),
        "altitude_m": about(-1000, 20_000), "battery": about(0, 100),
        "seq": st.sampled_from([None, 0, -3, 2**63 - 1, 2**63, 2**64]), "datum": st.sampled_from(["wgs84", "gcj02", "mars"]),
    },
)  # fmt: skip


@given(changes=st.lists(CHANGE, max_size=12))
def test_both_ways_read_the_same_fixes(changes: list[dict[str, Any]]) -> None:
    given_fixes = batch(*changes)
    read, errors = pings.read_batch(body(given_fixes))
    told = one_by_one(given_fixes)
    assert list(read.fixes) == [fix for fix in told if isinstance(fix, Fix)]
    assert read.unread == Counter(reason for reason in told if isinstance(reason, str))
    assert len(errors) == read.unread.total()
    assert all(fix.fixed_at.tzinfo is UTC for fix in read.fixes)


LACKING = st.dictionaries(
    st.sampled_from(["accuracy_m", "speed_mps", "heading_deg", "altitude_m", "battery", "seq"]), st.none()
)


@given(changes=st.lists(LACKING | st.just({"altitude_m": 4.25}), max_size=30), midnight=st.booleans())
def test_both_ways_pack_the_same_rows(changes: list[dict[str, Any]], midnight: bool) -> None:
    """Missing readings, alone, in all fixes and mixed, and a batch over midnight."""
    start = NOW.replace(hour=23, minute=59, second=52) if midnight else None
    first, second = columns(*changes, start=start), columns(*changes[::-1], count=9)
    ways = [
        copying.by_day([(7, 8, form(first)), (9, -(2**40), form(second))], NOW)
        for form in (lambda c: c, list)  # type: ignore[var-annotated]
    ]
    assert ways[0] == ways[1]
    assert len(ways[0]) == 1 + midnight


@pytest.mark.parametrize(
    "gone", [(), ("accuracy_m", "speed_mps", "heading_deg", "altitude_m", "battery", "seq")]
)
def test_rows_of_which_all_lack_a_reading_are_packed_alike(gone: tuple[str, ...]) -> None:
    lacking = columns(*[dict.fromkeys(gone)] * 12)
    assert copying.by_day([(7, 8, lacking)], NOW) == copying.by_day([(7, 8, list(lacking))], NOW)


def test_a_mixture_of_columns_and_fixes_loses_none() -> None:
    some = columns()
    mixed = copying.by_day([(1, 2, some), (3, 4, list(some)), (5, 6, some)], NOW)
    apart = [copying.by_day([(who, who + 1, list(some))], NOW) for who in (1, 5, 3)]
    (day,) = mixed
    inner = slice(len(copying.HEAD), -len(copying.TAIL))
    assert mixed[day][inner] == b"".join(one[day][inner] for one in apart)


@given(
    changes=st.lists(CHANGE, max_size=12),
    since_s=st.sampled_from([600.0, 599.5, 1e7]),
    open_since_s=st.floats(0, 1e6),
    on=st.booleans(),
    useless_m=st.sampled_from([9.0, 5000.0]),
)
def test_both_ways_let_the_same_batches_through(
    changes: list[dict[str, Any]], since_s: float, open_since_s: float, on: bool, useless_m: float
) -> None:
    read, _ = pings.read_batch(body(batch(*changes)))
    limits = Limits(behind=timedelta(seconds=since_s), useless_accuracy_m=useless_m)
    plain = Plain.of(NOW, Duty(on, ((NOW - timedelta(seconds=open_since_s), None),)), limits)
    assert plain.lets_all(read.fixes) == plain.lets_all(list(read.fixes))


STEP = st.sampled_from([0.0, 1e-7, 2e-6, 1e-4, 5e-4, 2e-3])


@given(
    moves=st.lists(st.tuples(STEP, STEP, st.sampled_from([0.2, 1.0, 5.0, 20.0])), min_size=LEAST_FIXES, max_size=14),
    speeds=st.lists(st.sampled_from([None, 0.0, 1.5, 2.0, 2.5, 15.0]), min_size=15, max_size=15),
    accuracy_m=st.sampled_from([None, 200, 200.001]),
    ago=st.sampled_from([timedelta(0), timedelta(hours=23, minutes=59), timedelta(hours=25)]),
    swap=st.booleans(),
)  # fmt: skip
def test_both_ways_lead_the_dot_over_the_same_batches(
    moves: list[tuple[float, float, float]],
    speeds: list[float | None],
    accuracy_m: float | None,
    ago: timedelta,
    swap: bool,
) -> None:
    at, lon, lat = NOW - timedelta(minutes=10) - ago, 121.4, 31.2
    dot_fix = Fix(at, None, lon, lat, 9.0, speeds[0])
    changes = []
    for (east, north, for_s), speed in zip(moves, speeds[1:], strict=False):
        at, lon, lat = at + timedelta(seconds=for_s), lon + east, lat + north
        changes.append(
            {"at": at.isoformat(), "lon": lon, "lat": lat, "speed_mps": speed, "accuracy_m": accuracy_m}
        )
    if swap:
        changes[2], changes[3] = changes[3], changes[2]
    fresh = columns(*changes, count=len(changes))
    since = NOW - LIMITS.late
    surely = fresh.all_led(dot_fix, since, LIMITS, dot.NEAR_M, dot.DIGIT_M)
    assert surely == (dot.led(dot_fix, list(fresh), 0, since, LIMITS) == len(fresh))


@pytest.mark.parametrize("edge", [0, 1e-9, -1e-9])
def test_the_fence_between_sure_and_not_is_the_same(edge: float) -> None:
    """Just as far as the dot may surely move, a hair less, a hair more."""
    step = dot.NEAR_M / METRES_A_DEGREE + edge
    start = Fix(NOW - timedelta(minutes=11), None, 121.4, 31.2, 9.0, None)
    changes = [{"lon": 121.4 + step, "lat": 31.2 + n * 1e-9, "speed_mps": None} for n in range(12)]
    fresh = columns(*changes)
    since = NOW - LIMITS.late
    surely = fresh.all_led(start, since, LIMITS, dot.NEAR_M, dot.DIGIT_M)
    assert surely == (dot.led(start, list(fresh), 0, since, LIMITS) == len(fresh))


def test_a_usual_batch_goes_as_columns_all_the_way() -> None:
    fresh, start = columns(), Fix(NOW - timedelta(minutes=10, seconds=1), None, 121.4, 31.1999, 9.0, 12.0)
    plain = Plain.of(NOW, Duty(True, ((NOW - timedelta(hours=3), None),)), LIMITS)
    assert plain.lets_all(fresh)
    assert fresh.all_led(start, NOW - LIMITS.late, LIMITS, dot.NEAR_M, dot.DIGIT_M)
    moved, held = dot.walk(start, fresh, lambda since: pytest.fail("the track was asked for"), NOW, LIMITS)
    assert (moved, held) == (fresh[-1], Counter())


def test_columns_are_a_sequence_of_fixes() -> None:
    some = columns({"accuracy_m": None, "seq": None})
    fixes = list(some)
    assert [some[n] for n in range(len(some))] == fixes and some[-1] == fixes[-1]
    assert list(some[3:9]) == fixes[3:9] and len(some[3:9]) == 6
    assert (
        (oldest(some), newest(some))
        == (oldest(fixes), newest(fixes))
        == (fixes[0].fixed_at, fixes[-1].fixed_at)
    )
    assert fixes[0].accuracy_m is None and fixes[0].seq is None and fixes[1].seq == 1
    with pytest.raises(IndexError):
        some[99]


def test_a_few_fixes_never_become_columns() -> None:
    read, _ = pings.read_batch(body(batch(count=LEAST_FIXES - 1)))
    assert isinstance(read.fixes, list)
