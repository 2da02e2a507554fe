"""The short way for usual fixes says what the long way says, or nothing."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from api.pings import FixIn, _fix, _usual

MOMENTS = st.sampled_from(
    [datetime(2026, 1, 15, 3, tzinfo=UTC), datetime(2026, 1, 15, 3, tzinfo=timezone(timedelta(hours=8)))]
)


def about(least: float, most: float) -> st.SearchStrategy[float]:
    """Readings in the range, at its ends and just beyond."""
    return st.one_of(
        st.floats(least, most, allow_nan=False), st.sampled_from([least, most, least - 0.0004, most + 0.6])
    )


@given(
    at=MOMENTS,
    lon=st.floats(-180, 180),
    lat=st.floats(-90, 90),
    accuracy_m=about(0.001, 100_000),
    speed_mps=about(0, 350),
    heading_deg=about(0, 360),
    battery=about(0, 100),
    seq=st.sampled_from([0, 7, 2**63 - 1]),
)
def test_both_ways_make_the_same_fix(at, lon, lat, accuracy_m, speed_mps, heading_deg, battery, seq):
    item = FixIn(
        at=at, lon=lon, lat=lat, accuracy_m=accuracy_m, speed_mps=speed_mps, heading_deg=heading_deg, battery=battery,
        seq=seq,
    )  # fmt: skip
    short = _usual(item)
    assert short is None or short == _fix(item)


def test_a_usual_fix_does_take_the_short_way():
    assert _usual(FixIn(at=datetime(2026, 1, 15, tzinfo=UTC), lon=116.4, lat=39.9, accuracy_m=5.0, speed_mps=8.2,
                        heading_deg=90.0, battery=77, seq=3)) is not None  # fmt: skip
