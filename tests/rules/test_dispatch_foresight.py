"""Foreseen breaches: acted upon before they happen, each switch for a reason, and never to and fro."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from dispatch import foresight
from dispatch.foresight import Foresight, Held
from geo.fix import LonLat
from tests.rules.test_dispatch_matching import HERE, job, somebody, straight

AUTO = Foresight(held="auto")
DEG_S = 85_500 * 1.35 / (25 / 3.6)  # seconds of driving for a degree of longitude at this latitude, about


def held(**given):
    base = {"job": job(1, contact_left_s=300.0, arrival_left_s=1200.0), "holder": somebody(9, 0.05), "rule": AUTO,
            "arrive_in_s": 600.0, "contacted": True, "accepted_ago_s": 60.0}  # fmt: skip
    return Held(**(base | given))


def switched(one, *people):
    return [
        (people[s.person].id, s.foreseen.clock, s.foreseen.why)
        for s in foresight.switches([one], people, straight)
    ]


def test_who_will_be_in_time_keeps_his_job_however_near_another_stands():
    assert switched(held(), somebody(2)) == []


def test_a_job_that_will_be_late_goes_to_who_can_be_in_time():
    assert switched(held(arrive_in_s=2000.0), somebody(2, 0.02)) == [(2, "arrival", "will_arrive_late")]


def test_nobody_is_switched_for_one_who_would_be_late_himself():
    assert switched(held(arrive_in_s=5000.0), somebody(2, 0.12)) == []


def test_a_breach_that_has_happened_is_the_escalations_business():
    assert switched(held(job=job(arrival_left_s=-1.0), arrive_in_s=2000.0), somebody(2)) == []


def test_a_small_gain_is_no_reason():
    late = held(job=job(1, arrival_left_s=700.0), arrive_in_s=760.0)
    assert switched(late, somebody(2, 0.04)) == []
    assert switched(late, somebody(2, 0.02)) == [(2, "arrival", "will_arrive_late")]


def test_silence_after_accepting_is_seen_before_the_ten_minutes_are_over():
    silent = held(contacted=False, accepted_ago_s=239.0)
    assert switched(silent, somebody(2, 0.02)) == []
    silent = replace(silent, accepted_ago_s=241.0)
    assert switched(silent, somebody(2, 0.02)) == [(2, "contact", "silent_after_accepting")]
    assert switched(replace(silent, contacted=True), somebody(2, 0.02)) == []


def test_a_phone_that_is_gone_is_not_waited_for():
    lost = held(contacted=False, accepted_ago_s=70.0, holder=somebody(9, 0.05, age_s=301.0))
    assert foresight.foresee(lost) is not None
    assert foresight.foresee(replace(lost, holder=somebody(9, age_s=10.0))) is None


def test_a_question_no_phone_has_got_is_taken_for_lost_after_a_phones_asking_interval():
    asked = held(
        accepted_ago_s=None, contacted=False, answer_left_s=270.0, unseen_left_s=270.0, unseen_ago_s=30.0,
        job=job(1, contact_left_s=380.0),
    )  # fmt: skip
    # Its end, 90 s of the next one and his 30 s to ring: 10 s too late; one who has it may still answer in time.
    assert switched(asked, somebody(2, 0.02)) == [(2, "contact", "not_reached")]
    assert switched(replace(asked, unseen_ago_s=None), somebody(2, 0.02)) == []
    assert switched(replace(asked, unseen_ago_s=19.0), somebody(2, 0.02)) == []
    # With little of its time left the deadline itself is as quick.
    assert (
        switched(replace(asked, unseen_left_s=20.0, job=job(1, contact_left_s=120.0)), somebody(2, 0.02))
        == []
    )


def test_an_unanswered_question_is_taken_back_when_the_call_would_come_too_late():
    asked = held(accepted_ago_s=None, contacted=False, answer_left_s=80.0, job=job(1, contact_left_s=100.0))
    assert switched(asked, somebody(2, 0.02)) == [(2, "contact", "not_answering")]
    assert switched(replace(asked, job=job(1, contact_left_s=130.0)), somebody(2, 0.02)) == []
    assert switched(replace(asked, rule=replace(AUTO, offers=False)), somebody(2, 0.02)) == []


@pytest.mark.parametrize(
    "given",
    [{"switches": 2}, {"switched_ago_s": 119.0}, {"rule": replace(AUTO, held="off")}],
)
def test_each_guard_alone_holds_a_switch_back(given):
    assert switched(held(arrive_in_s=2000.0), somebody(2, 0.02)) != []
    assert switched(held(arrive_in_s=2000.0, **given), somebody(2, 0.02)) == []


def test_neighbours_and_people_who_were_silent_are_not_worth_a_switch():
    late = held(arrive_in_s=2000.0)
    assert switched(late, somebody(2, 0.02, org_path="/1/3/")) == []
    assert switched(replace(late, job=replace(late.job, asked={2: "expired"})), somebody(2, 0.02)) == []


def test_two_late_jobs_do_not_go_to_the_same_one():
    both = [held(arrive_in_s=2000.0), held(job=job(2, 0.01, arrival_left_s=1200.0), arrive_in_s=2400.0)]
    found = foresight.switches(both, [somebody(2, 0.02)], straight)
    assert len(found) == 1


class Wobbling(RuleBasedStateMachine):
    """A day of one job between three surveyors whose estimates jump about; the clock goes on second by second."""

    @initialize(left=st.floats(600, 2400))
    def begin(self, left):
        self.now, self.left = 0.0, left
        self.people = {k: somebody(k, 0.01 * k) for k in (1, 2, 3)}
        self.holder, self.accepted_at, self.contacted = 1, 0.0, False
        self.switched = []
        self.off_by = dict.fromkeys(self.people, 0.0)

    @rule(seconds=st.floats(1, 90))
    def time_passes(self, seconds):
        self.now += seconds
        self.look()

    @rule(who=st.sampled_from([1, 2, 3]), dx=st.floats(-0.15, 0.15))
    def somebody_moves(self, who, dx):
        place = LonLat(HERE.lon + dx, HERE.lat)
        self.people[who] = replace(self.people[who], place=place)
        self.look()

    @rule(who=st.sampled_from([1, 2, 3]), seconds=st.floats(0, 3000))
    def an_estimate_jumps(self, who, seconds):
        self.off_by[who] = seconds
        self.look()

    @rule(who=st.sampled_from([1, 2, 3]), age_s=st.floats(0, 600))
    def a_phone_is_quiet(self, who, age_s):
        self.people[who] = replace(self.people[who], age_s=age_s)

    @rule()
    def he_rings(self):
        self.contacted = True

    @rule(times=st.integers(1, 30))
    def the_sweeper_looks(self, times):
        for _ in range(times):
            self.now += 1.0
            self.look()

    def drives(self, places, starts):
        return straight(places, starts)

    def look(self):
        holder = self.people[self.holder]
        arrive = float(straight([HERE], [holder.place])[0, 0]) + max(0.0, self.off_by[self.holder])
        one = Held(
            job=job(1, contact_left_s=600.0 - self.now, arrival_left_s=self.left - self.now),
            holder=holder,
            rule=AUTO,
            arrive_in_s=arrive,
            contacted=self.contacted,
            accepted_ago_s=self.now - self.accepted_at,
            switched_ago_s=self.now - self.switched[-1][0] if self.switched else None,
            switches=len(self.switched),
        )
        others = [p for k, p in self.people.items() if k != self.holder]
        for switch in foresight.switches([one], others, self.drives):
            before = foresight.foresee(one)
            assert before is not None and before.late_s > 0
            assert switch.gain_s >= AUTO.gain_s
            self.switched.append((self.now, self.holder, others[switch.person].id))
            self.holder, self.accepted_at, self.contacted = others[switch.person].id, self.now, False

    @invariant()
    def never_flaps(self):
        if not hasattr(self, "switched"):
            return
        times = [at for at, _, _ in self.switched]
        assert len(times) <= AUTO.most
        assert all(b - a >= AUTO.hold_s for a, b in itertools.pairwise(times))
        assert all(frm != to for _, frm, to in self.switched)


def day(guards, seconds=900):
    """Whom a job goes to while, second by second, now this estimate is late and now the other: the worst of wobbling."""
    people = {k: somebody(k, 0.01 * k) for k in (1, 2)}
    holder, switched, last = 1, 0, None
    for now in range(seconds):
        one = held(
            job=job(1, contact_left_s=None, arrival_left_s=1500.0 - now), holder=people[holder], rule=guards,
            arrive_in_s=2500.0 - now, switched_ago_s=None if last is None else float(now - last), switches=switched,
        )  # fmt: skip
        other = [people[3 - holder]]
        if foresight.switches([one], other, straight):
            holder, switched, last = 3 - holder, switched + 1, now
    return switched


def test_what_would_flap_without_the_guards_does_not_with_them():
    assert day(replace(AUTO, hold_s=0.0, most=10_000), seconds=60) == 60
    assert day(replace(AUTO, most=10_000)) == 8
    assert day(AUTO) == AUTO.most


Wobbling.TestCase.settings = settings(
    max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
test_however_the_estimates_wobble_a_job_does_not_go_to_and_fro = Wobbling.TestCase
