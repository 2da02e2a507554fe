"""Playing a day: the same seed is the same day, nothing is lost, nobody beats the bound, the peers keep their own rules."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from claims.states import TaskState
from core.errors import Invalid
from dispatch.finishing import left_s
from geo.fix import LonLat
from lab import bound, charts, dice, foreknown, measure, policies, replay, report, runs
from lab.cast import seen_at
from lab.citymap import Plane
from lab.day import Human, Person, merged, mute_spells
from lab.moving import OursMoving
from lab.net import RoadNet, StraightNet
from lab.ours import AllSeeing, Ours
from lab.simulate import Sim, play
from lab.throw import Plan, throw
from tests import squares

CENTRE = LonLat(114.0, 32.4)
NET = StraightNet(Plane(CENTRE), wrong=1.1)


class Square:
    """Losses anywhere in a square of about 12 km."""

    hours = (1.0,) * 24

    def throw(self, rng, count):
        east, north = rng.uniform(-0.06, 0.06, count), rng.uniform(-0.055, 0.055, count)
        return [
            (LonLat(CENTRE.lon + x, CENTRE.lat + y), "motor", "collision")
            for x, y in zip(east, north, strict=True)
        ]


def day(seed=1, **plan):
    return throw(NET, Square(), Plan(**{"surveyors": 24, "hours": 4.0, "load": 0.8} | plan), seed)


EVERY = [Ours, OursMoving, policies.Nearest, policies.TopFive, policies.Broadcast]


def story(sim):
    return [
        (
            case.holder,
            case.accepted_s,
            case.contacted_s,
            case.arrived_s,
            case.done_s,
            [a.person for a in case.asked],
        )
        for case in sim.cases
    ]


@pytest.mark.parametrize("policy", EVERY)
def test_the_same_seed_is_played_the_same_way(policy):
    assert story(play(day(), policy())) == story(play(day(), policy()))


def test_another_seed_is_another_day():
    assert [x.at_s for x in day(1).losses] != [x.at_s for x in day(2).losses]


@pytest.mark.parametrize("policy", EVERY)
@pytest.mark.parametrize("load", [0.8, 1.3])
def test_every_claim_ends_in_exactly_one_state_and_is_surveyed_once(policy, load):
    sim = play(day(load=load), policy())
    assert sum(measure.states(sim).values()) == len(sim.day.losses)
    done = [case for case in sim.cases if case.state == TaskState.SUBMITTED]
    never = [case for case in sim.cases if case.state != TaskState.SUBMITTED]
    assert sum(mate.done for mate in sim.mates) == len(done)
    for case in done:
        steps = (case.loss.at_s, case.accepted_s, case.departed_s, case.arrived_s, case.done_s)
        assert list(steps) == sorted(steps)
        assert sum(asked.outcome == "accepted" for asked in case.asked) == 1 + case.switches
    # Only the policy that never looks beyond its radius may leave somebody standing.
    assert not never or policy is policies.Broadcast


@pytest.mark.parametrize("policy", EVERY)
def test_nobody_does_two_things_at_once(policy):
    sim = play(day(load=1.1), policy())
    for mate in sim.mates:
        mine = sorted(
            (case.departed_s, case.done_s)
            for case in sim.cases
            if case.holder == mate.person.no and case.done_s
        )
        assert all(before[1] <= after[0] for before, after in pairwise(mine))


@pytest.mark.parametrize("load", [0.5, 0.95])
def test_no_policy_arrives_sooner_than_the_bound(load):
    for seed in (1, 2):
        played = day(seed, load=load)
        least = bound.clairvoyant(played).mean_s / 60
        for policy in [one for one in EVERY if one is not OursMoving]:  # who moves up is outside the bound
            assert measure.figures(play(played, policy())).arrive_mean >= least


def test_the_bound_is_met_when_everybody_stands_ready_and_nothing_is_unknown():
    calm = Human(silent=0, hidden=0, decline=0, heard=1, traffic_spread=0)
    quiet = throw(
        replace(NET, wrong=1.0),
        Square(),
        Plan(surveyors=60, hours=2, load=None, claims=6, rush=False),
        3,
        calm,
    )
    found = measure.figures(play(quiet, Ours({"hole_weight_pct": 0, "load_weight_s": 0, "idle_weight_s": 0})))
    assert found.arrive_mean == pytest.approx(bound.clairvoyant(quiet).mean_s / 60, rel=0.02)


def test_a_day_on_real_roads_is_played_under_the_maps_times_and_driven_under_the_true_ones():
    """Both weights answer for places snapped once: a second reading of the graph refuses them."""
    net = RoadNet(squares.city(), "squares", real=False)
    network = squares.ROADS.network

    class Junctions:
        hours = (1.0,) * 24

        def throw(self, rng, count):
            at = rng.integers(0, len(network.lon), count)
            return [(LonLat(float(network.lon[i]), float(network.lat[i])), "motor", "collision") for i in at]

    played = throw(net, Junctions(), Plan(surveyors=4, hours=1.0, load=0.8), 1)
    assert not np.array_equal(played.known_s, played.true_s)
    sim = play(played, Ours())
    assert all(case.done_s is not None for case in sim.cases)
    assert bound.clairvoyant(played).mean_s / 60 <= measure.figures(sim).arrive_mean


def test_ours_decides_at_once_about_a_report_that_stands_alone():
    sim = play(day(load=None, claims=3), Ours())
    assert all(case.first_asked_s == case.loss.at_s for case in sim.cases)


@pytest.mark.parametrize("load", [0.6, 1.1])
def test_a_plan_of_the_whole_day_can_be_done_and_lies_between_the_bound_and_every_policy(load):
    for seed in (1, 2):
        played = day(seed, load=load)
        planned = foreknown.plan(played)
        sim = play(played, foreknown.Foreknown())
        found = measure.figures(sim).arrive_mean * 60
        # The event loop, which knows nothing of plans, comes to the same: a second passes between two looks.
        assert found == pytest.approx(planned.mean_s, abs=1.5)
        assert [case.holder for case in sim.cases] == planned.who.tolist()
        assert bound.clairvoyant(played).mean_s <= planned.mean_s
        for policy in (*[one for one in EVERY if one is not OursMoving], AllSeeing):
            assert planned.mean_s <= measure.figures(play(played, policy())).arrive_mean * 60


def test_a_plan_asks_nobody_who_could_not_answer():
    played = day(3)
    sim = play(played, foreknown.Foreknown())
    for case in sim.cases:
        (asked,) = case.asked
        person = sim.mates[asked.person].person
        assert asked.at_s >= case.loss.at_s and person.on_duty(asked.at_s)
        assert person.muted_until(asked.at_s) is None and asked.outcome == "accepted"


def test_each_part_of_the_present_is_known_by_one_who_is_named_after_it():
    assert runs.MAKERS["all_seeing"]({}).sees == {"phones", "ends", "roads"}
    for name, sees in (("sees_phones", {"phones"}), ("sees_ends", {"phones", "ends"})):
        made = runs.MAKERS[name]({})
        assert (made.name, made.sees) == (name, sees)


def test_who_moves_up_keeps_the_laws_of_the_day_and_stops_for_a_job():
    played = day(2, load=0.7)
    sim = play(played, OursMoving())
    assert story(sim) == story(play(day(2, load=0.7), OursMoving()))
    moved = [mate for mate in sim.mates if mate.moved_m > 0]
    assert moved and all(mate.moves >= 1 for mate in moved)
    for mate in sim.mates:
        # One drive after the other: who is halted on his way sets out from there.
        assert all(a.arrive_s <= b.depart_s + 1e-6 for a, b in pairwise(mate.drives))
    for case in sim.cases:
        assert case.state == TaskState.SUBMITTED
    found = measure.figures(sim)
    assert found.moved_km_per_claim > 0 and found.moves_per_claim > 0


def test_a_move_is_a_request_that_a_fifth_refuse_and_a_mute_phone_never_shows():
    played = day(4, load=None, claims=1)
    sim = Sim(played, Ours())
    for mate in sim.mates:
        mate.on_duty = True
        assert sim.ask_move(mate.person.no, CENTRE, 300.0)
    sim.run()
    stood = [mate for mate in sim.mates if not any(drive.loss is None for drive in mate.drives)]
    refused = {m.person.no for m in sim.mates if played.stays(m.person.no, 1)}
    mute = {m.person.no for m in sim.mates if (m.person.muted_until(0.0) or 0.0) >= 300.0}
    assert {m.person.no for m in stood} >= refused and refused | mute
    assert len(stood) < len(sim.mates)


def test_a_mute_phone_is_not_heard_and_answers_when_it_speaks_again():
    person = Person(1, 0, ((0.0, 1e9),), mute=((100.0, 400.0),), ping_s=20.0)
    assert person.heard_s(99.0) == 80.0
    assert person.heard_s(300.0) == 100.0
    assert person.muted_until(300.0) == 400.0
    assert person.heard_s(401.0) == 400.0


def test_a_mute_phone_costs_half_a_minute_and_one_that_speaks_never_loses_its_question():
    sim = play(day(load=0.95), Ours())
    asked = [(case, a) for case in sim.cases for a in case.asked]
    deaf = [a for _, a in asked if a.outcome == "unreached"]
    assert deaf and {round(a.settled_s - a.at_s, 6) for a in deaf} == {30.0}
    assert all(a.fetched_s >= a.reach_s for a in deaf)
    assert all(a.fetched_s < a.reach_s for _, a in asked if a.outcome in ("accepted", "declined", "expired"))
    whole = play(day(load=0.95), Ours({"offer_unseen_s": 0}))
    assert not [a for case in whole.cases for a in case.asked if a.outcome == "unreached"]
    lost = sum(measure.parts_min(sim, case)["unreached_phone"] for case in sim.cases)
    assert lost == pytest.approx(len(deaf) / 2)


def test_about_a_fifth_of_the_phones_are_mute_at_any_time():
    human, hour = Human(hidden=0.0), 3_600.0
    spells = [mute_spells(human, 1, n, 10 * hour) for n in range(400)]
    share = np.mean(
        [sum(min(b, 10 * hour) - max(a, 0) for a, b in mine if a < 10 * hour) for mine in spells]
    ) / (10 * hour)
    assert share == pytest.approx(0.2, abs=0.03)
    assert merged([(5, 9), (1, 6), (20, 30)]) == ((1, 9), (20, 30))


def test_the_peers_ask_whom_their_rules_name():
    played = day()
    near = play(played, policies.Broadcast())
    asked = [a for case in near.cases for a in case.asked]
    assert asked and all(a.outcome in ("accepted", "declined", "too_late", "open") for a in asked)
    old = play(played, policies.TopFive())
    assert {a.outcome for case in old.cases for a in case.asked} >= {"accepted", "expired"}


def test_ours_never_asks_somebody_whose_position_is_older_than_the_limit():
    asked = []

    class Watched(Ours):
        def decide(self, sim):
            before = {case.loss.no: len(case.asked) for case in sim.cases}
            super().decide(sim)
            for case in sim.cases:
                asked.extend(
                    seen_at(sim.mates[a.person], sim.day, sim.now)[1]
                    for a in case.asked[before[case.loss.no] :]
                )

    play(day(), Watched())
    assert asked and max(asked) <= Ours().rule.stale_s


def test_what_is_left_of_a_survey_does_not_run_out_before_it_ends():
    assert left_s(1_800, 0) == 1_800
    left = [left_s(1_800, t) for t in (300, 900, 1_500, 1_800, 2_400, 3_600)]
    assert left == sorted(left, reverse=True)
    assert left_s(1_800, 1_800) > 400
    draws = 1_800 * np.exp(np.random.default_rng(1).normal(0, 0.35, 400_000) - 0.35**2 / 2)
    assert left_s(1_800, 1_500) == pytest.approx(float((draws[draws > 1_500] - 1_500).mean()), rel=0.02)


def test_throws_belong_to_their_names():
    assert dice.chance(1, 2, 3) == dice.chance(1, 2, 3) != dice.chance(1, 3, 2)
    assert np.mean([dice.chance(7, n) for n in range(4_000)]) == pytest.approx(0.5, abs=0.02)


def test_a_rule_that_does_not_exist_cannot_be_tried():
    with pytest.raises(Invalid, match="no such rule"):
        runs.parsed(["offer_ttl=60"])
    assert runs.parsed(["offer_ttl_s=60", "foresee_offers=false"]) == {
        "offer_ttl_s": 60,
        "foresee_offers": False,
    }


def test_the_report_needs_nothing_else_and_says_that_it_is_simulated():
    played = day()
    least = bound.clairvoyant(played)
    both = [report.Played.of(name, [play(played, make({}))], [least]) for name, make in runs.MAKERS.items()]
    page = report.html("试", ["事实 <b>facts</b>"], both)
    assert "模拟 SIMULATED" in page and "&lt;b&gt;" in page
    assert not [word for word in ("http://", "https://", "src=", "<script") if word in page]
    figures = json.loads(runs.as_json([], both))
    assert figures["simulated"] is True and all(one["simulated"] for one in figures["policies"])


def test_words_change_what_ours_believes_and_nothing_of_the_day():
    played = day(load=1.1)
    silent, told = play(played, Ours()), play(played, Ours(), words=1.0)
    assert all(case.said_s is None for case in silent.cases)
    said = [case for case in told.cases if case.said_s is not None]
    assert len(said) > len(told.cases) / 2 and {case.word_s for case in said} <= {
        300.0,
        600.0,
        1200.0,
        2400.0,
    }
    assert story(silent) != story(told)
    assert [c.loss for c in silent.cases] == [c.loss for c in told.cases]
    half = play(played, policies.Nearest(), words=0.5)
    assert 0.3 < np.mean([case.said_s is not None for case in half.cases]) < 0.7
    assert story(play(played, policies.Nearest())) == story(half)


@pytest.mark.parametrize(
    ("pair", "says"),
    [("offer_ttl_s=99999", "from 10 to"), ("offer_ttl_s=-1", "from 10 to"), ("offer_ttl_s=soon", "not like"),
     ("foresee_offers=perhaps", "not like"), ("foresee_held=never", "one of")],
)  # fmt: skip
def test_a_rule_beyond_its_bounds_cannot_be_tried(pair, says):
    with pytest.raises(Invalid, match=says):
        runs.parsed([pair])


@pytest.mark.parametrize(
    ("name", "plan", "more"),
    [("load", {"load": float("nan")}, {}), ("load", {"load": float("inf")}, {}), ("load", {"load": 1e9}, {}),
     ("claims", {"claims": 0}, {}), ("claims", {"claims": 10**9}, {}), ("surveyors", {"surveyors": 0}, {}),
     ("from-hour", {"start_hour": 30.0}, {}), ("hours", {"hours": float("nan")}, {}), ("seeds", {}, {"seeds": 0}),
     ("silent", {}, {"human": Human(silent=1.0)}), ("words", {}, {"human": Human(words=2.0)}),
     ("trips", {}, {"trips": Path("nowhere.csv")})],
)  # fmt: skip
def test_a_day_that_cannot_be_is_refused_by_its_name(name, plan, more):
    with pytest.raises(Invalid) as refused:
        runs.Asked(plan=Plan(**plan), **more)
    assert refused.value.errors[0]["path"] == name


def test_a_report_that_cannot_be_written_is_said_before_the_play(tmp_path):
    runs.writable(tmp_path / "report.html")
    for wrong in (tmp_path, tmp_path / "nowhere" / "report.html"):
        with pytest.raises(Invalid, match="cannot be written"):
            runs.writable(wrong)
        with pytest.raises(Invalid, match="cannot be written"):
            runs.write(wrong, "试", [], [report.Played.of("ours", [play(day(hours=0.5), Ours())], [None])])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("most", [0.02, 0.22, 1.0, 2.1, 6.0, 20, 60, 99, 144])
def test_an_axis_has_round_numbers(most):
    found = charts.ticks(most)
    assert 3 <= len(found) <= 7 and found[0] == 0 and found[-1] <= most
    assert all(len(f"{value:g}") <= 5 for value in found)


def test_two_days_are_too_few_for_a_sure_difference_of_kilometres():
    two = [[play(day(seed, hours=1.0), policy()) for seed in (1, 2)] for policy in (Ours, policies.Nearest)]
    assert not replay.compare(*two)["km_per_claim"].sure
