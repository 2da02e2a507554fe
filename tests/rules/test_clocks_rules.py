"""The ten-minute clock and the others, as rules: limits, ladders, starts, predictions."""

from datetime import timedelta

import pytest

from claims import limits
from tests.factories import utc

NOW = utc(2026, 11, 22, 8)
M = timedelta(minutes=1)
RULE = limits.DEFAULTS


def ladder(plan):
    return [(rung.stage, rung.after / M) for rung in plan.rungs]


def test_the_contact_ladder_warns_at_six_and_eight_breaks_at_ten_and_rises_at_twenty():
    plan = limits.contact_plan(RULE)
    assert plan.limit == 10 * M
    assert ladder(plan) == [("warn_1", 6), ("warn_2", 8), ("breach", 10), ("branch_head", 20)]


def test_a_short_limit_drops_the_warnings_that_would_come_with_the_breach():
    assert ladder(limits.contact_plan(RULE | {"contact_limit_min": 7})) == [
        ("warn_1", 6),
        ("breach", 7),
        ("branch_head", 20),
    ]
    assert ladder(limits.contact_plan(RULE | {"contact_limit_min": 5, "contact_branch_head_min": 5})) == [
        ("breach", 5)
    ]


def test_dispatch_has_five_minutes():
    assert limits.dispatch_plan(RULE).limit == 5 * M


@pytest.mark.parametrize(("kind", "limit_min"), [("urban", 30), ("suburb", 60)])
def test_arrival_is_by_kind_of_area(kind, limit_min):
    plan = limits.arrival_plan(RULE, kind)
    assert plan is not None and plan.limit == limit_min * M


def test_a_remote_arrival_is_as_agreed():
    assert limits.arrival_plan(RULE, "remote") is None


def test_the_promise_starts_when_the_customer_puts_the_phone_down():
    assert limits.report_end(NOW - 2 * M, NOW - M, NOW) == NOW - M
    assert limits.report_end(NOW - 2 * M, None, NOW) == NOW - 2 * M
    assert limits.report_end(NOW - M, NOW - 2 * M, NOW) == NOW - M
    assert limits.report_end(NOW + M / 2, None, NOW) == NOW


def test_a_report_keyed_in_hours_late_starts_its_clocks_on_receipt():
    assert limits.start_of(NOW - 30 * M, NOW, 30 * M) == (NOW - 30 * M, "report_end")
    assert limits.start_of(NOW - 31 * M, NOW, 30 * M) == (NOW, "received")


def test_every_rule_has_a_default_within_its_own_bounds():
    for known in limits.KNOWN.values():
        if known.kind == "int":
            assert known.least is not None and known.most is not None
            assert known.least <= known.default <= known.most, known.key
        if known.kind == "choice":
            assert known.default in known.choices
        assert known.zh and known.en
