"""The pure rules of the figures: periods, percentages, cells no spreadsheet runs. No database."""

from datetime import UTC, datetime, timedelta

import pytest

from api.reports import LEG_WORDS, Period, moment, period, safe
from core.errors import Invalid
from dispatch.reports import LEGS, percent

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


def asked(**given):
    return Period.model_validate({name.rstrip("_"): value for name, value in given.items()})


def test_the_usual_period_is_the_last_week():
    assert period(asked(), NOW) == (NOW - timedelta(days=7), NOW)


def test_a_date_is_a_day_in_china_and_the_last_day_is_included():
    start, end = period(asked(from_="2026-11-21", to="2026-11-21"), NOW)
    assert start == datetime(2026, 11, 20, 16, tzinfo=UTC) and end - start == timedelta(days=1)


def test_a_time_keeps_its_offset():
    assert moment("to", "2026-11-22T08:00:00+08:00", end=True) == datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    "given",
    [
        {"from_": "2026-11-22", "to": "2026-11-20"},
        {"from_": "2026-11-22T00:00:00Z", "to": "2026-11-22T00:00:00Z"},
        {"from_": "2025-01-01", "to": "2026-11-22"},
        {"from_": "2026-11-22T00:00:00"},
        {"from_": "yesterday"},
        {"from_": "2026-02-30"},
        {"to": "0001-01-01"},
        {"to": "9999-12-31"},
        {"to": "9999-12-31T23:59:59-14:00"},
    ],
)
def test_a_period_that_makes_no_sense_is_refused_by_name(given):
    with pytest.raises(Invalid) as caught:
        period(asked(**given), NOW)
    assert caught.value.errors[0]["path"] in ("from", "to")


@pytest.mark.parametrize(
    ("part", "whole", "shown"), [(0, 0, None), (0, 3, 0.0), (1, 3, 33.3), (2, 2, 100.0), (9999, 10000, 99.9)]
)
def test_percentages_never_round_a_broken_promise_away(part, whole, shown):
    assert percent(part, whole) == shown


@pytest.mark.parametrize("evil", ["=cmd|' /C calc'!A0", "+1", "-1+2", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_no_cell_is_run_by_a_spreadsheet(evil):
    assert safe(evil) == "'" + evil


@pytest.mark.parametrize(
    ("cell", "shown"), [("张三", "张三"), (-3, -3), (1.5, 1.5), (None, ""), ("a=b", "a=b")]
)
def test_harmless_cells_stay_as_they_are(cell, shown):
    assert safe(cell) == shown


def test_every_leg_has_a_name_in_both_languages():
    assert [name for name, _ in LEGS] == list(LEG_WORDS)
    assert all(zh and en for zh, en in LEG_WORDS.values())
