"""Dispatch as rules: lifecycles, rings, order of asking, reasons."""

from dataclasses import replace
from datetime import timedelta

import pytest

from claims import errors as claim_errors
from claims import states
from claims.states import CLAIM, TASK, ClaimState, TaskState
from dispatch import costs, explain, field, policy
from dispatch.costs import Standing, Waiting
from dispatch.crowd import Candidate
from dispatch.errors import OfferSettled
from dispatch.policy import Policy, Ring
from dispatch.states import OFFER, OfferState, next_offer
from geo.fix import LonLat
from tests.factories import utc

NOW = utc(2026, 11, 22, 8)
RULE = Policy.of(policy.DEFAULTS)
HERE = LonLat(116.4, 39.91)


@pytest.mark.parametrize("state", list(OfferState))
def test_an_offer_has_exactly_one_outcome(state):
    assert set(OFFER) == set(OfferState)
    if state is OfferState.OPEN:
        assert OFFER[state] == set(OfferState) - {OfferState.OPEN}
        return
    for wanted in OfferState:
        with pytest.raises(OfferSettled) as refused:
            next_offer(state, wanted)
        assert refused.value.facts == {"state": state}


def test_the_tables_know_every_state_and_lead_only_to_known_ones():
    assert set(TASK) == set(TaskState)
    assert set(CLAIM) == set(ClaimState)


@pytest.mark.parametrize(
    ("now", "to"),
    [("pending", "on_scene"), ("offered", "submitted"), ("accepted", "submitted"), ("contacted", "approved"),
     ("submitted", "pending"), ("approved", "returned"), ("cancelled", "pending"), ("en_route", "submitted")],
)  # fmt: skip
def test_a_job_cannot_skip_a_state(now, to):
    with pytest.raises(claim_errors.TaskState) as refused:
        states.next_task(now, TaskState(to))
    assert refused.value.code == "task_state"
    assert refused.value.facts == {"state": now, "wanted": to}


def test_arriving_without_a_departure_or_a_contact_is_allowed():
    for now in ("accepted", "contacted", "en_route"):
        assert states.next_task(now, TaskState.ON_SCENE) == "on_scene"


def test_a_settled_claim_can_only_be_reopened():
    assert CLAIM[ClaimState.WITHDRAWN] == {ClaimState.REOPENED}
    with pytest.raises(claim_errors.ClaimState):
        states.next_claim("approved", ClaimState.WITHDRAWN)


def test_own_people_near_by_come_first_and_the_parents_people_farther_out():
    assert policy.rings(RULE, "/1/2/3/") == (
        Ring(10_000, "/1/2/3/"), Ring(30_000, "/1/2/"), Ring(80_000, "/1/2/")
    )  # fmt: skip


def test_the_root_widens_only_in_radius():
    assert [ring.scope for ring in policy.rings(RULE, "/1/")] == ["/1/"] * 3


def test_of_equals_the_longest_idle_is_asked():
    # (soonest_s, idle_s, id)
    assert policy.first_among([(100, 5, 1), (101, 900, 2), (400, 9000, 3)]) == [1, 0, 2]


def test_a_minute_nearer_beats_an_hour_of_waiting():
    assert policy.first_among([(100, 3600, 1), (40, 0, 2)]) == [1, 0]


def standing(**given):
    base = {"id": 1, "place": HERE, "org_path": "/1/2/", "skills": frozenset({"motor"})}
    return Standing(**(base | given))


def against(**given):
    job = Waiting(7, HERE, "/1/2/", RULE.weights, frozenset({"motor"}))
    return costs.words(int(costs.survey([job], [standing(**given)]).bars[0, 0]))


def test_nothing_stands_against_an_able_surveyor():
    assert against() == []


def test_every_reason_is_said_not_only_the_first():
    assert against(on_duty=False, open_jobs=5) == ["off_duty", "at_cap"]


def test_an_exact_two_minutes_is_still_fresh():
    assert against(age_s=120.0) == []
    assert against(age_s=120.1) == ["stale"]


def somebody(ident, distance_m=1000, **given):
    base = Candidate(ident, "李", HERE, distance_m, 200, 200, 5, 0, 0, "/1/2/", "straight_line")
    return replace(base, **given)


def test_the_record_accounts_for_everybody_with_one_word_each():
    chosen, far, busy = somebody(1), somebody(2, 2000), somebody(3, 500, open_jobs=2)
    away = somebody(4, reasons=("off_duty", "stale"))
    lines = explain.account([chosen, far, busy], [chosen, away], chosen)
    assert [(entry["surveyor_id"], entry["rank"], entry["outcome"], entry["reason"]) for entry in lines] == [
        ("1", 1, "chosen", None), ("2", 2, "passed_over", "farther"), ("3", 3, "passed_over", "busier"),
        ("4", 4, "passed_over", "off_duty"),
    ]  # fmt: skip


def test_somebody_ranked_before_the_chosen_was_taken_meanwhile():
    first, second = somebody(1), somebody(2)
    lines = explain.account([first, second], [], second)
    assert lines[0]["reason"] == "taken_meanwhile"
    assert lines[1]["outcome"] == "chosen"


def test_the_nearer_one_who_waited_less_is_told_so():
    chosen, nearer = somebody(1, 1000, idle_s=900), somebody(2, 990)
    assert explain.why_not(nearer, chosen) == "less_idle"


def test_a_record_holds_no_name_and_no_coordinate():
    entry = explain.line(somebody(1), 1, "chosen", None)
    assert not {"name", "lon", "lat", "place"} & entry.keys()


@pytest.mark.parametrize(
    ("channel", "former", "device_at", "marks"),
    [("privacy_number", False, NOW, []), ("phone", False, NOW, ["unverified"]), ("privacy_number", True, None, ["not_assigned"]),
     ("privacy_number", False, NOW - timedelta(seconds=1), ["before_dispatch"])],
)  # fmt: skip
def test_a_contact_is_marked_for_what_is_odd_about_it(channel, former, device_at, marks):
    assert field.contact_marks(channel, former, device_at, NOW) == marks


def test_every_dispatch_rule_has_a_default_within_its_own_bounds():
    for known in policy.KNOWN.values():
        if known.kind == "int":
            assert known.least <= known.default <= known.most, known.key
        if known.kind == "choice":
            assert known.default in known.choices, known.key
        assert known.zh and known.en
