"""Catastrophe mode without a database: limits only ever grow, surges are counted fairly, bundles are small and near."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claims import catastrophes, limits
from dispatch import bundles, catastrophe, surge
from dispatch.bundles import Spot
from dispatch.policy import Ring
from geo.fix import LonLat, metres_between

NOW = datetime(2026, 9, 1, 8, tzinfo=UTC)
OWN = limits.DEFAULTS
GIVEN = catastrophes.DEFAULTS


def test_a_catastrophe_brings_thirty_minutes_and_arrival_as_agreed():
    rule = catastrophes.limits_in(OWN, GIVEN)
    assert (rule["contact_limit_min"], rule["contact_warn_1_min"], rule["contact_warn_2_min"]) == (30, 18, 24)
    assert rule["contact_branch_head_min"] == 60 and rule["dispatch_limit_min"] == 15
    assert [rule[f"arrive_limit_{kind}_min"] for kind in ("urban", "suburb", "remote")] == [0, 0, 0]


def test_a_catastrophe_never_makes_a_limit_stricter():
    slow = OWN | {"contact_limit_min": 45, "dispatch_limit_min": 20, "arrive_limit_suburb_min": 240}
    rule = catastrophes.limits_in(slow, GIVEN | {"cat_arrive_limit_min": 120})
    assert (rule["contact_limit_min"], rule["dispatch_limit_min"]) == (45, 20)
    assert [rule[f"arrive_limit_{kind}_min"] for kind in ("urban", "suburb", "remote")] == [120, 240, 0]


def test_the_plan_of_a_claim_in_a_catastrophe_has_its_ladder_below_the_new_limit():
    plan = limits.contact_plan(OWN | catastrophes.limits_in(OWN, GIVEN))
    assert [(r.stage, r.after // timedelta(minutes=1)) for r in plan.rungs] == [
        ("warn_1", 18), ("warn_2", 24), ("breach", 30), ("branch_head", 60)]  # fmt: skip


@pytest.mark.parametrize(
    ("counts", "floor", "normal"),
    [([], 4, 4), ([1, 2, 1], 4, 4), ([9, 10, 11, 300], 4, 10), ([6] * 8, 4, 6), ([0, 0, 40], 4, 4)],
)
def test_a_normal_hour_is_the_median_of_its_twins_and_no_less_than_the_floor(counts, floor, normal):
    assert catastrophes.normal_hour(counts, floor) == normal


@pytest.mark.parametrize(("seen", "proposed"), [(49, False), (50, True), (51, True)])
def test_a_proposal_comes_at_five_times_the_normal_hour(seen, proposed):
    twins = dict.fromkeys(catastrophes.same_hours(NOW), 10)
    assert surge.pulse_of(seen, twins, NOW - timedelta(weeks=20), GIVEN, NOW).surging is proposed


def test_weeks_before_the_first_report_are_no_history():
    twins = dict.fromkeys(catastrophes.same_hours(NOW)[:2], 10)
    young = surge.pulse_of(30, twins, NOW - timedelta(weeks=2, hours=2), GIVEN, NOW)
    old = surge.pulse_of(30, twins, NOW - timedelta(weeks=20), GIVEN, NOW)
    assert (young.normal, young.surging) == (10, False)
    assert (old.normal, old.surging) == (4, True)


def test_the_way_back_has_an_order():
    assert catastrophe.may_follow("on", True, "release") and not catastrophe.may_follow("on", True, "restore")
    assert catastrophe.may_follow("released", True, "restore")
    assert catastrophe.may_follow("on", False, "restore") and not catastrophe.may_follow(
        "on", False, "release"
    )
    assert not any(
        catastrophe.may_follow("over", b, s) for b in (True, False) for s in ("release", "restore")
    )


def test_borrowed_people_belong_to_every_ring():
    force = catastrophes.Force(1, "台风", "/1/2/", None, borrowed=("/1/3/",))
    ring = catastrophe.widen([Ring(1000, "/1/2/")], force)[0]
    assert ring.holds("/1/2/9/") and ring.holds("/1/3/") and not ring.holds("/1/4/")
    assert not catastrophe.widen([Ring(1000, "/1/2/")], None)[0].holds("/1/3/")


@pytest.mark.parametrize(
    ("waiting", "free", "most", "size"),
    [(5, 10, 6, 1), (10, 10, 6, 1), (11, 10, 6, 2), (60, 10, 6, 6), (600, 10, 6, 6), (3, 0, 6, 3)],
)
def test_a_visit_holds_no_more_than_the_shortage_asks_for(waiting, free, most, size):
    assert bundles.size_wanted(waiting, free, most) == size


def spot(n, east_m=0.0, needs=("motor",)):
    return Spot(n, LonLat(114.0 + east_m / 93_000, 32.4), frozenset(needs))


def test_a_lead_takes_the_nearest_of_its_kind_along():
    spots = [spot(0), spot(1, 700), spot(2, 200), spot(3, 300, ("agri",)), spot(4, 5000), spot(5, 5100)]
    assert bundles.cluster(spots, 800, 3) == [[0, 2, 1], [4, 5]]
    assert bundles.cluster(spots, 800, 1) == []


@given(
    st.lists(st.tuples(st.floats(113.9, 114.1), st.floats(32.3, 32.5)), max_size=40),
    st.integers(2, 6),
    st.floats(100, 5000),
)
def test_nobody_is_in_two_bundles_and_none_is_too_large_or_too_wide(places, most, radius_m):
    spots = [Spot(i, LonLat(*place)) for i, place in enumerate(places)]
    groups = bundles.cluster(spots, radius_m, most)
    members = [i for group in groups for i in group]
    assert len(members) == len(set(members)) and all(2 <= len(group) <= most for group in groups)
    for lead, *others in groups:
        assert all(metres_between(spots[lead].place, spots[i].place) <= radius_m * 1.01 + 1 for i in others)
