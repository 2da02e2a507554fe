"""Rows in PostgreSQL's binary COPY: read back bit for bit in the database test, laid out here."""

import struct
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from geo import copying
from geo.fix import Fix

AT = datetime(2026, 11, 22, 23, 59, 59, 999_999, tzinfo=UTC)


def test_times_are_whole_microseconds_whatever_the_zone_or_the_century() -> None:
    east = AT.astimezone(timezone(timedelta(hours=8)))
    assert copying.microseconds(AT) == copying.microseconds(east) == 848_707_199_999_999
    assert copying.microseconds(datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC)) == -1_000_000


def test_the_day_is_the_utc_day() -> None:
    assert copying.day_of(AT) == date(2026, 11, 22)
    assert copying.day_of(datetime(2026, 11, 23, 7, 59, tzinfo=timezone(timedelta(hours=8)))) == date(
        2026, 11, 22
    )


def test_a_batch_over_midnight_is_two_bodies() -> None:
    fixes = [Fix(AT + timedelta(seconds=n), None, 1.0, 2.0) for n in (0, 1, 2)]
    bodies = copying.by_day([(1, 2, fixes)], AT)
    assert list(bodies) == [date(2026, 11, 22), date(2026, 11, 23)]
    assert all(b.startswith(copying.HEAD) and b.endswith(copying.TAIL) for b in bodies.values())


def test_what_is_missing_has_a_size_of_minus_one() -> None:
    row = copying.row(1, 2, Fix(AT, None, 1.0, 2.0, source="phone"), 5, 6)
    assert row.endswith(struct.pack(">i5s7i", 5, b"phone", *[-1] * 7))


def test_what_a_wrong_clock_said_goes_last() -> None:
    row = copying.row(1, 2, Fix(AT, None, 1.0, 2.0, phone_at=AT), 5, 6)
    assert row.endswith(struct.pack(">iq", 8, copying.microseconds(AT)))


def test_what_no_column_holds_is_refused() -> None:
    with pytest.raises(struct.error):
        copying.row(1, 2, Fix(AT, None, 1.0, 2.0, seq=2**63), 5, 6)
