"""Batches asked together hear what each hears alone; a batch laid out in one go is the batch read fix by fix."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import pings
from api.laid_out import laid_out
from geo import dot
from geo.columns import BOUNDS, EPOCH, LEAST_FIXES, MICROSECOND, Columns, microseconds
from geo.crowd import Crowd
from geo.filters import NULL_ISLAND_DEG, Duty, Limits, Plain
from geo.fix import Fix

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
NAMES = pings.FixIn.__struct_fields__

LIMITS = st.builds(
    Limits,
    behind=st.sampled_from([timedelta(seconds=s) for s in (300, 600, 1e6)]),
    ahead=st.sampled_from([timedelta(0), timedelta(seconds=60)]),
    late=st.sampled_from([timedelta(seconds=590), timedelta(hours=24)]),
    max_accuracy_m=st.sampled_from([9.0, 200.0]),
    useless_accuracy_m=st.sampled_from([9.0, 5000.0]),
    max_speed_mps=st.sampled_from([3.0, 50.0]),
)
STEP = st.sampled_from([0.0, 1e-7, 2e-6, 1e-4, 2e-4, 3e-4, 5e-3, -121.4])
READING = st.sampled_from([None, 0.0, 1.5, 2.5, 15.0])
WALK = st.lists(
    st.tuples(STEP, STEP, st.sampled_from([-1.0, 0.0, 0.000001, 1.0, 20.0]), READING, st.sampled_from([None, 5.0, 9.5, 6000.0])),
    min_size=1, max_size=9,
)  # fmt: skip
# Mostly what a phone says: else no batch would ever be sure.
CALM = st.integers(1, 9).map(lambda n: [(1e-5, 0.0, 1.0, 1.5, 5.0)] * n)


def table_of(rows: list[list[float | None]]) -> Any:
    return np.array(rows, dtype=np.float64)


def batch_of(begun: datetime, walk: list[tuple[float, float, float, float | None, float | None]]) -> Columns:
    at, lon, lat = begun, 121.4, 31.2
    us, rows = [], []
    for east, north, for_s, speed, accuracy in walk:
        # `Columns.usual` lets nothing off the globe in.
        at, lon, lat = at + timedelta(seconds=for_s), max(-180.0, lon + east), max(-90.0, lat + north)
        us.append((at - EPOCH) // MICROSECOND)
        rows.append([lon, lat, accuracy, speed, None, None, None])
    return Columns(np.array(us, dtype=np.int64), table_of(rows).T, np.full(len(us), -1))


@st.composite
def crowds(draw: st.DrawFn) -> list[tuple[Columns, Fix, Plain, Limits]]:
    found = []
    for _ in range(draw(st.integers(1, 6))):
        limits = draw(LIMITS | st.just(Limits()))
        begun = NOW - timedelta(seconds=draw(st.sampled_from([600.0, 599.5, 10.0, -59.0, 90_000.0])))
        batch = batch_of(begun, draw(CALM | WALK))
        start = Fix(
            begun - timedelta(seconds=draw(st.sampled_from([0.0, 1.0]))),
            None,
            121.4,
            31.2,
            9.0,
            draw(READING),
        )
        duty = Duty(draw(st.sampled_from([True, True, True, False])), ((NOW - timedelta(hours=3), None),))
        found.append((batch, start, Plain.of(NOW, duty, limits), limits))
    return found


@given(members=crowds())
def test_batches_asked_together_hear_what_each_hears_alone(
    members: list[tuple[Columns, Fix, Plain, Limits]],
) -> None:
    batches, dots, bounds, limits = (list(part) for part in zip(*members, strict=True))
    crowd = Crowd(batches)
    assert crowd.spans() == ([int(b.us.min()) for b in batches], [int(b.us.max()) for b in batches])
    assert crowd.plain(bounds, NULL_ISLAND_DEG) == [
        p.lets_all(list(b)) for b, p in zip(batches, bounds, strict=True)
    ]
    since = [NOW - one.late for one in limits]
    led = crowd.led(dots, since, limits, dot.NEAR_M, dot.DIGIT_M)
    alone = [
        dot.led(d, list(b), 0, s, n) == len(b)
        for b, d, s, n in zip(batches, dots, since, limits, strict=True)
    ]
    assert led == alone


def test_usual_batches_are_surely_let_through_and_followed() -> None:
    batches = [
        batch_of(NOW - timedelta(seconds=60 + n), [(1e-5, 0.0, 1.0, 1.5, 5.0)] * (n + 1)) for n in range(12)
    ]
    crowd, limits = Crowd(batches), Limits()
    plain = Plain.of(NOW, Duty(True, ((NOW - timedelta(hours=3), None),)), limits)
    dots = [Fix(NOW - timedelta(seconds=60 + n), None, 121.4, 31.2, 9.0, 1.5) for n in range(12)]
    assert crowd.plain([plain] * 12, NULL_ISLAND_DEG) == [True] * 12
    assert crowd.led(dots, [NOW - limits.late] * 12, [limits] * 12, dot.NEAR_M, dot.DIGIT_M) == [True] * 12


AT = st.integers(-(10**9), 4 * 10**9).map(lambda s: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=s))
NUMBER = st.sampled_from(
    [None, 0, 5, 127, 128, 192, 203, 255, 256, 65_535, 65_536, 2**32, 2**63 - 1, 2**63, 2**64, -1, -33]
)
ITEM = st.fixed_dictionaries(
    {"at": AT | AT.map(lambda at: at.replace(microsecond=5)), "lon": st.floats(-400, 400), "lat": st.floats(-90, 90)},
    optional={
        **{name: st.none() | st.floats(allow_nan=False) for name, _, _ in BOUNDS[2:]},
        "seq": NUMBER, "datum": st.sampled_from(["wgs84", "wgs85", "gcj02", "", "wgs"]),
    },
)  # fmt: skip


@given(items=st.lists(ITEM, min_size=1, max_size=4), alike=st.booleans(), times=st.integers(1, 9))
def test_a_batch_laid_out_says_what_its_fixes_say(
    items: list[dict[str, Any]], alike: bool, times: int
) -> None:
    """Fixes of one shape or of any; what lies beyond a table is left to the other way."""
    if alike:
        items = items[:1] * (times + len(items))
    fixes = [pings.FixIn(**item) for item in items]
    found = laid_out(fixes, NAMES)
    usual = all(f.seq is None or 0 <= f.seq < 2**63 for f in fixes) and all(f.datum == "wgs84" for f in fixes)
    if not usual or len({(f.seq is None, f.battery is None) for f in fixes}) > 1:
        assert found is None
    elif alike and fixes[0].at.year >= 1970:
        assert found is not None
    if found is not None:
        us, table, seq = found
        assert us.tolist() == [microseconds(f.at) for f in fixes]
        assert seq.tolist() == [-1 if f.seq is None else f.seq for f in fixes]
        told = table_of([[getattr(f, name) for f in fixes] for name, _, _ in BOUNDS])
        assert told.tobytes() == table.tobytes() or np.array_equal(told, table, equal_nan=True)
        assert np.array_equal(np.signbit(told[~np.isnan(told)]), np.signbit(table[~np.isnan(table)]))


def test_rows_whose_lengths_only_add_up_are_not_taken_for_a_table() -> None:
    """One fix lacks a reading, another has one more: together as long as two alike."""
    base: dict[str, Any] = {"at": NOW, "lon": 1.0, "lat": 2.0, "accuracy_m": 3.0, "battery": 4.0, "seq": 5}
    lacks, more = base | {"accuracy_m": None}, base | {"altitude_m": 7.0}
    for items in ([base, lacks, more], [base, more, lacks], [lacks, more, base]):
        assert laid_out([pings.FixIn(**item) for item in items], NAMES) is None


@pytest.mark.parametrize(
    "lacking",
    [(), ("altitude_m",), ("accuracy_m", "speed_mps", "heading_deg", "altitude_m", "battery", "seq")],
)
@pytest.mark.parametrize("first", [0, 120, 200, 300, 70_000])
def test_a_usual_batch_is_laid_out(lacking: tuple[str, ...], first: int) -> None:
    fixes = []
    for n in range(LEAST_FIXES * 3):
        told: dict[str, Any] = {name: math.pi * n for name, _, _ in BOUNDS} | {"seq": first + n}
        fixes.append(
            pings.FixIn(at=NOW + timedelta(milliseconds=500 * n + 1), **(told | dict.fromkeys(lacking)))
        )
    crossing = "seq" not in lacking and first == 120
    assert (laid_out(fixes, NAMES) is None) == crossing
