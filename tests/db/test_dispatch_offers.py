"""Offers: asked in order, answered once, judged by the database's time; nobody left means the dispatcher's queue."""

import threading
import time
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text

from claims.models import Claim, ClaimEvent, Clock, Task
from core.errors import Invalid, Missing
from core.models import Outbox
from dispatch import assignments, board_queries, offers, sweep
from dispatch.errors import AtCap, OfferSettled
from dispatch.models import Assignment, Decision, Offer
from staff import rules, shifts
from staff.models import Surveyor
from tests import factories

LON, LAT = factories.LON, factories.LAT
S = timedelta(seconds=1)


@pytest.fixture
def who(session):
    """The actor of a surveyor."""

    def who(surveyor_id):
        actor = factories.actor(session, session.get_one(factories.Person, surveyor_id))
        session.commit()
        return actor

    return who


def offers_of(session, claim=None):
    session.expire_all()
    return list(session.scalars(select(Offer).order_by(Offer.id)))


def task_of(session, claim):
    return factories.task_of(session, claim)


def move_time(session, seconds):
    """Makes every open offer and position as if `seconds` had passed for the offers alone."""
    session.execute(
        text("UPDATE offer SET expires_at = expires_at - make_interval(secs => :s) WHERE state = 'open'"),
        {"s": seconds},
    )
    session.commit()


def refresh_positions(session):
    session.execute(
        text("UPDATE last_position SET fixed_at = clock_timestamp(), received_at = clock_timestamp()")
    )
    session.commit()


def test_the_nearest_able_is_asked_with_ninety_seconds(session, sessions):
    factories.surveyor(session, lon=LON + 0.05)
    near = factories.surveyor(session, lon=LON + 0.01)
    claim = factories.claim(session)
    swept = sweep.tick(sessions)
    assert (swept.offered, swept.unassigned, swept.more) == (1, 0, False)
    offer = offers_of(session)[0]
    task = task_of(session, claim)
    assert (offer.surveyor_id, offer.state, offer.round, offer.rank) == (near.id, "open", 1, 1)
    assert offer.expires_at - offer.made_at == 90 * S
    assert (task.state, task.round, task.next_try_at) == ("offered", 1, None)
    assert session.scalars(select(Outbox.event).order_by(Outbox.id)).all()[-1] == "offer.made"


def test_the_record_names_everybody_considered_and_why_not(session, sessions):
    far = factories.surveyor(session, lon=LON + 0.05)
    near = factories.surveyor(session, lon=LON + 0.01)
    off = factories.surveyor(session, on_duty=False)
    old = factories.surveyor(session, age_s=900)
    factories.claim(session)
    sweep.tick(sessions)
    decision = session.scalars(select(Decision)).one()
    said = {int(c["surveyor_id"]): (c["outcome"], c["reason"]) for c in decision.candidates}
    assert said == {
        near.id: ("chosen", None), far.id: ("passed_over", "farther"), off.id: ("passed_over", "off_duty"),
        old.id: ("passed_over", "stale"),
    }  # fmt: skip
    assert (decision.chosen_id, decision.kind, decision.provider, decision.radius_m) == (
        near.id,
        "auto",
        "straight_line",
        10_000,
    )
    assert offers_of(session)[0].decision_id == decision.id
    home = next(c for c in decision.candidates if c["reason"] == "off_duty")
    assert home["distance_m"] is None and home["eta_s"] is None


def test_one_surveyor_is_asked_one_thing_at_a_time(session, sessions):
    near, far = factories.surveyor(session), factories.surveyor(session, lon=LON + 0.05)
    factories.claim(session)
    factories.claim(session)
    sweep.tick(sessions)
    assert sorted(o.surveyor_id for o in offers_of(session)) == sorted([near.id, far.id])


def test_fifty_claims_at_one_mans_door_are_spread_or_queued(session, sessions):
    for i in range(10):
        factories.surveyor(session, lon=LON + i * 0.001)
    for _ in range(50):
        factories.claim(session)
    while sweep.tick(sessions).more:
        pass
    made = offers_of(session)
    assert len({o.surveyor_id for o in made}) == len(made) == 10
    states = dict(session.execute(select(Task.state, func.count()).group_by(Task.state)).all())
    assert states == {"offered": 10, "unassigned": 40}


def test_accepting_makes_the_assignment_and_stops_the_dispatch_clock(session, sessions, who):
    offer = factories.offer(session)
    assignment_id = offers.accept(sessions, offer.id, offer.surveyor_id, who(offer.surveyor_id))
    session.expire_all()
    assignment = session.get_one(Assignment, assignment_id)
    task = session.get_one(Task, offer.task_id)
    assert (assignment.surveyor_id, assignment.offer_id, assignment.ended_at) == (
        offer.surveyor_id,
        offer.id,
        None,
    )
    assert (task.state, session.get_one(Claim, task.claim_id).state) == ("accepted", "surveying")
    clocks = {c.kind: c.state for c in session.scalars(select(Clock))}
    assert (clocks["dispatch"], clocks["contact"]) == ("met", "running")
    payload = session.scalars(select(Outbox.payload).where(Outbox.event == "offer.accepted")).one()
    assert payload == {
        "claim_id": task.claim_id, "task_id": task.id, "offer_id": offer.id, "surveyor_id": offer.surveyor_id,
        "assignment_id": assignment_id,
    }  # fmt: skip


def test_accepting_twice_gives_the_same_answer(session, sessions, who):
    offer = factories.offer(session)
    me = who(offer.surveyor_id)
    first = offers.accept(sessions, offer.id, offer.surveyor_id, me)
    assert offers.accept(sessions, offer.id, offer.surveyor_id, me) == first
    assert session.scalar(select(func.count()).select_from(Assignment)) == 1


def test_an_expired_offer_cannot_be_accepted_even_before_a_sweeper_saw_it(session, sessions, who):
    offer = factories.offer(session)
    me = who(offer.surveyor_id)
    with pytest.raises(OfferSettled) as refused:
        offers.accept(sessions, offer.id, offer.surveyor_id, me, now=offer.expires_at)
    assert refused.value.facts == {"state": "expired"}
    assert offers.accept(
        sessions, offer.id, offer.surveyor_id, me, now=offer.expires_at - timedelta(milliseconds=1)
    )


def test_the_phones_clock_decides_nothing(session, sessions, who):
    offer = factories.offer(session)
    me = who(offer.surveyor_id)
    early = offer.made_at - timedelta(hours=24)
    move_time(session, 91)
    with pytest.raises(OfferSettled):
        offers.accept(sessions, offer.id, offer.surveyor_id, me, device_at=early)


def test_another_mans_offer_does_not_exist_for_me(session, sessions, who):
    offer = factories.offer(session)
    stranger = factories.surveyor(session)
    with pytest.raises(Missing):
        offers.accept(sessions, offer.id, stranger.id, who(stranger.id))
    with pytest.raises(Missing):
        offers.decline(sessions, offer.id, stranger.id, "busy", who(stranger.id))


def test_a_settled_offer_says_how_it_was_settled(session, sessions, who):
    offer = factories.offer(session)
    me = who(offer.surveyor_id)
    offers.decline(sessions, offer.id, offer.surveyor_id, "busy", me)
    with pytest.raises(OfferSettled) as refused:
        offers.accept(sessions, offer.id, offer.surveyor_id, me)
    assert refused.value.facts == {"state": "declined"}


def test_accepting_after_the_claim_was_withdrawn_says_so(session, sessions, who):
    offer = factories.offer(session)
    seat = factories.actor(session, factories.person(session))
    session.commit()
    assignments.withdraw(sessions, session.get_one(Task, offer.task_id).claim_id, "误报", seat)
    with pytest.raises(OfferSettled) as refused:
        offers.accept(sessions, offer.id, offer.surveyor_id, who(offer.surveyor_id))
    assert refused.value.facts == {"state": "withdrawn"}


def test_a_decline_goes_to_the_next_at_once_and_never_back(session, sessions, who):
    first, second = factories.surveyor(session), factories.surveyor(session, lon=LON + 0.02)
    claim = factories.claim(session)
    sweep.tick(sessions)
    offer = offers_of(session)[0]
    assert offer.surveyor_id == first.id
    offers.decline(sessions, offer.id, first.id, "off_road", who(first.id))
    offers.decline(sessions, offer.id, first.id, "off_road", who(first.id))
    assert task_of(session, claim).state == "pending"
    sweep.tick(sessions)
    made = offers_of(session)
    assert [(o.surveyor_id, o.state, o.decline_reason) for o in made] == [
        (first.id, "declined", "off_road"), (second.id, "open", None)
    ]  # fmt: skip
    offers.decline(sessions, made[1].id, second.id, "busy", who(second.id))
    sweep.tick(sessions)
    task = task_of(session, claim)
    assert (task.state, task.unassigned_reason) == ("unassigned", "nobody_in_reach")
    sweep.tick(sessions)
    assert len(offers_of(session)) == 2


def test_an_unknown_reason_to_decline_is_refused(session, sessions, who):
    offer = factories.offer(session)
    with pytest.raises(Invalid):
        offers.decline(sessions, offer.id, offer.surveyor_id, "lazy", who(offer.surveyor_id))


def test_silence_goes_to_the_next_by_itself(session, sessions):
    first, second = factories.surveyor(session), factories.surveyor(session, lon=LON + 0.02)
    factories.claim(session)
    sweep.tick(sessions)
    move_time(session, 91)
    swept = sweep.tick(sessions)
    assert (swept.expired, swept.offered) == (1, 1)
    assert [(o.surveyor_id, o.state) for o in offers_of(session)] == [
        (first.id, "expired"),
        (second.id, "open"),
    ]


def test_the_only_man_is_asked_again_and_after_three_silences_the_dispatcher_is_told(session, sessions):
    factories.surveyor(session)
    claim = factories.claim(session)
    for _ in range(4):
        refresh_positions(session)
        sweep.tick(sessions)
        move_time(session, 91)
    refresh_positions(session)
    sweep.tick(sessions)
    assert [o.state for o in offers_of(session)] == ["expired"] * 3
    task = task_of(session, claim)
    assert (task.state, task.unassigned_reason) == ("unassigned", "rounds_used")
    assert session.scalars(select(Outbox.payload).where(Outbox.event == "task.unassigned")).one() == {
        "claim_id": claim.id, "task_id": task.id, "reason": "rounds_used"
    }  # fmt: skip
    sweep.tick(sessions)
    assert len(offers_of(session)) == 3


def test_nobody_at_work_is_told_at_once_and_heals_when_somebody_comes(session, sessions):
    gone = factories.surveyor(session, on_duty=False)
    claim = factories.claim(session)
    assert sweep.tick(sessions).unassigned == 1
    task = task_of(session, claim)
    assert (task.state, task.unassigned_reason) == ("unassigned", "nobody_on_duty")
    decision = session.scalars(select(Decision)).one()
    assert (decision.chosen_id, decision.reason) == (None, "nobody_on_duty")
    with sessions.begin() as s:
        shifts.set_duty(s, gone.id, True, now=task.state_since)
        s.execute(text("UPDATE task SET next_try_at = now() - interval '1 second'"))
    refresh_positions(session)
    assert sweep.tick(sessions).offered == 1
    assert task_of(session, claim).state == "offered"
    assert session.scalar(select(func.count()).where(ClaimEvent.kind == "task.unassigned")) == 1


def test_a_vain_try_is_told_once_and_repeated_ever_more_rarely(session, sessions):
    claim = factories.claim(session)
    sweep.tick(sessions)
    task = task_of(session, claim)
    for after_s, pause_s in ((0, 5), (100, 10), (3600, 60)):
        now = task.state_since + after_s * S
        session.execute(text("UPDATE task SET next_try_at = NULL"))
        session.commit()
        assert offers.offer_next(sessions, task.id, now=now) is None
        assert task_of(session, claim).next_try_at == now + pause_s * S
    assert session.scalar(select(func.count()).select_from(Decision)) == 1
    assert session.scalar(select(func.count()).where(ClaimEvent.kind == "task.unassigned")) == 1


def test_the_ring_widens_from_ten_to_thirty_to_eighty_kilometres(session, sessions):
    far = factories.surveyor(session, lon=LON + 0.6)  # 51 km
    factories.claim(session)
    sweep.tick(sessions)
    assert offers_of(session)[0].surveyor_id == far.id
    assert session.scalars(select(Decision.radius_m)).one() == 80_000


def test_beyond_eighty_kilometres_nobody_is_in_reach(session, sessions):
    factories.surveyor(session, lon=LON + 1.2)
    claim = factories.claim(session)
    sweep.tick(sessions)
    assert task_of(session, claim).unassigned_reason == "nobody_in_reach"
    assert session.scalars(select(Decision)).one().candidates[0]["reason"] == "out_of_radius"


def test_own_people_are_asked_before_the_neighbours_and_the_neighbours_before_nobody(session, sessions, who):
    factories.default_organisation(session)
    branch, other = factories.organisation(session), factories.organisation(session)
    factories.area(session, org=branch)
    neighbour = factories.surveyor(session, org=other)
    own = factories.surveyor(session, org=branch, lon=LON + 0.05)
    seat = factories.actor(session, factories.person(session, org=factories.default_organisation(session)))
    claim = factories.claim(session, by=seat)
    assert claim.org_id == branch.id
    sweep.tick(sessions)
    first = offers_of(session)[0]
    assert first.surveyor_id == own.id
    offers.decline(sessions, first.id, own.id, "busy", who(own.id))
    sweep.tick(sessions)
    assert offers_of(session)[1].surveyor_id == neighbour.id
    said = {c["surveyor_id"]: c["reason"] for c in session.get_one(Decision, first.decision_id).candidates}
    assert said[str(neighbour.id)] == "outside_scope"


def test_somebody_at_his_cap_is_not_asked_and_cannot_accept(session, sessions, who):
    one = factories.surveyor(session, max_open=1)
    offer = factories.offer(session, to=one)
    session.execute(text("UPDATE surveyor SET max_open = 0"))
    session.commit()
    with pytest.raises(AtCap):
        offers.accept(sessions, offer.id, one.id, who(one.id))
    assert session.get_one(Offer, offer.id).state == "open"
    session.execute(text("UPDATE surveyor SET max_open = 1"))
    session.commit()
    offers.accept(sessions, offer.id, one.id, who(one.id))
    second = factories.claim(session)
    sweep.tick(sessions)
    assert task_of(session, second).state == "unassigned"


def test_going_off_duty_takes_the_question_back_without_using_a_round(session, sessions):
    first, second = factories.surveyor(session), factories.surveyor(session, lon=LON + 0.02)
    claim = factories.claim(session)
    sweep.tick(sessions)
    with sessions.begin() as s:
        shifts.set_duty(s, first.id, False, now=task_of(session, claim).state_since)
    swept = sweep.tick(sessions)
    assert (swept.expired, swept.offered) == (1, 1)
    assert [(o.surveyor_id, o.state) for o in offers_of(session)] == [
        (first.id, "withdrawn"),
        (second.id, "open"),
    ]
    assert task_of(session, claim).round == 1


def test_who_was_silent_is_still_known_after_a_question_was_taken_back(session, sessions, who):
    first = factories.surveyor(session)
    second = factories.surveyor(session, lon=LON + 0.02)
    third = factories.surveyor(session, lon=LON + 0.04)
    factories.claim(session)
    sweep.tick(sessions)
    offers.decline(sessions, offers_of(session)[0].id, first.id, "busy", who(first.id))
    sweep.tick(sessions)
    with sessions.begin() as s:
        shifts.set_duty(s, second.id, False, now=offers_of(session)[1].made_at)
    sweep.tick(sessions)
    assert [o.surveyor_id for o in offers_of(session)] == [first.id, second.id, third.id]


def test_the_contact_clock_may_start_when_somebody_is_asked_or_accepts(session, sessions, who):
    seat = factories.actor(session, factories.person(session))
    for start in ("assigned", "accepted"):
        rules.change(session, seat.org_id, "contact_start", start, by=seat.person_id)
        session.commit()
        surveyor = factories.surveyor(session)
        offer = factories.offer(session, to=surveyor)
        claim_id = session.get_one(Task, offer.task_id).claim_id
        asked = select(Clock).where(Clock.claim_id == claim_id, Clock.kind == "contact")
        clock = session.scalars(asked).one_or_none()
        if start == "assigned":
            assert clock is not None and clock.start_at == offer.made_at
        else:
            assert clock is None
        taken = offers.accept(sessions, offer.id, offer.surveyor_id, who(offer.surveyor_id))
        session.expire_all()
        clock = session.scalars(asked).one()
        when = offer.made_at if start == "assigned" else session.get_one(Assignment, taken).accepted_at
        assert (clock.start_event, clock.start_at) == (start, when)


def test_the_longest_idle_of_two_at_the_same_distance_is_asked(session, sessions):
    new, idle = factories.surveyor(session), factories.surveyor(session)
    session.execute(
        text("UPDATE surveyor SET on_duty_since = now() - interval '3 hours' WHERE id = :id"), {"id": idle.id}
    )
    factories.claim(session)
    sweep.tick(sessions)
    assert offers_of(session)[0].surveyor_id == idle.id
    assert new.id != idle.id


def test_the_injured_and_then_the_oldest_come_first(session, sessions):
    factories.surveyor(session)
    older = factories.claim(session)
    newer = factories.claim(session)
    hurt = factories.claim(session, injured=1)
    sweep.tick(sessions)
    assert task_of(session, hurt).state == "offered"
    assert {task_of(session, c).state for c in (older, newer)} == {"unassigned"}


def test_of_many_waiting_jobs_the_oldest_gets_the_first_man_who_is_free(session, sessions):
    waiting = [factories.claim(session) for _ in range(4)]
    sweep.tick(sessions)
    factories.surveyor(session)
    session.execute(text("UPDATE task SET next_try_at = now()"))
    session.commit()
    sweep.tick(sessions)
    assert [task_of(session, c).state for c in waiting] == [
        "offered",
        "unassigned",
        "unassigned",
        "unassigned",
    ]


@pytest.mark.timeout(60)
def test_somebody_who_goes_home_while_he_is_being_chosen_is_not_asked(session, sessions):
    first, second = factories.surveyor(session), factories.surveyor(session, lon=LON + 0.02)
    task_id = task_of(session, factories.claim(session)).id
    leaving = sessions()
    leaving.execute(text("UPDATE surveyor SET on_duty = false WHERE id = :id"), {"id": first.id})
    made = []
    asking = threading.Thread(target=lambda: made.append(offers.offer_next(sessions, task_id)))
    asking.start()
    waiting = (
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%FOR SHARE%'"
    )
    while asking.is_alive() and not session.execute(text(waiting)).scalar_one():
        session.rollback()
        time.sleep(0.02)
    leaving.commit()
    asking.join(timeout=30)
    leaving.close()
    offer = offers_of(session)
    assert [(o.id, o.surveyor_id, o.state) for o in offer] == [(made[0], second.id, "open")]
    assert session.scalar(select(func.count()).select_from(Decision)) == 1


def test_every_waiting_job_knows_its_place_in_the_queue(session, sessions):
    factories.surveyor(session)
    asked, first, second = (factories.claim(session) for _ in range(3))
    hurt = factories.claim(session, injured=2)
    factories.claim(session, place_text="x", lon=None)
    while sweep.tick(sessions).more:
        pass
    places = [board_queries.queue_place(session, task_of(session, c)) for c in (hurt, asked, first, second)]
    assert places == [None, 1, 2, 3]


def test_one_poisoned_job_does_not_hold_up_the_others(session, sessions, caplog):
    factories.surveyor(session)
    bad, good = factories.claim(session), factories.claim(session)
    # A rule nobody can read as a number: deciding about this branch's job fails every time.
    branch = factories.organisation(session)
    session.execute(
        text("INSERT INTO rule (org_id, key, value) VALUES (:org, 'offer_ttl_s', '\"soon\"')"),
        {"org": branch.id},
    )
    session.execute(
        text("UPDATE task SET org_id = :org WHERE claim_id = :id"), {"org": branch.id, "id": bad.id}
    )
    session.commit()
    sweep.tick(sessions)
    assert task_of(session, bad).state == "pending"
    assert task_of(session, good).state == "offered"
    assert "offer failed" in caplog.text


def test_a_surveyor_never_heard_of_again_is_no_candidate(session, sessions):
    factories.surveyor(session, age_s=121)
    claim = factories.claim(session)
    sweep.tick(sessions)
    assert task_of(session, claim).unassigned_reason == "nobody_on_duty"
    assert session.get_one(Surveyor, session.scalars(select(Surveyor.id)).one()).on_duty
