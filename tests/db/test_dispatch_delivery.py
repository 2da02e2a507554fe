"""An offer that no phone of the one asked ever fetched ends early, and is no silence of his."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from claims.models import ClaimEvent
from core.models import Outbox
from dispatch import assignments, delivery_queries, explain, offers, sweep, switching
from dispatch.errors import OfferSettled
from dispatch.models import Offer
from geo.eta import Engine
from staff.models import Surveyor
from tests import factories

LON = factories.LON
S = timedelta(seconds=1)


def later(session, seconds):
    """Makes every open offer as if it had been made so much earlier."""
    session.execute(
        text(
            "UPDATE offer SET made_at = made_at - make_interval(secs => :s), expires_at = expires_at - make_interval(secs => :s),"
            " reach_by = reach_by - make_interval(secs => :s) WHERE state = 'open'"
        ),
        {"s": seconds},
    )
    session.execute(
        text("UPDATE last_position SET fixed_at = clock_timestamp(), received_at = clock_timestamp()")
    )
    session.commit()


def offers_of(session):
    session.expire_all()
    return list(session.scalars(select(Offer).order_by(Offer.id)))


def looks(sessions, surveyor_id):
    """His phone asks what is new."""
    with sessions.begin() as session:
        return delivery_queries.offer_ids(
            session, surveyor_id, session.scalar(select(text("clock_timestamp()")))
        )


@pytest.fixture
def two(session):
    """The nearest, another farther out, and a claim."""
    first, second = factories.surveyor(session), factories.surveyor(session, lon=LON + 0.02)
    claim = factories.claim(session)
    session.commit()
    return first, second, claim


def test_a_phone_that_fetches_nothing_costs_the_customer_half_a_minute(session, sessions, two):
    first, second, claim = two
    sweep.tick(sessions)
    later(session, 29)
    assert sweep.tick(sessions).expired == 0
    later(session, 2)
    swept = sweep.tick(sessions)
    assert (swept.expired, swept.offered) == (1, 1)
    assert [(o.surveyor_id, o.state, o.delivered_at) for o in offers_of(session)] == [
        (first.id, "unreached", None), (second.id, "open", None)
    ]  # fmt: skip
    task = factories.task_of(session, claim)
    assert (task.round, task.unreached) == (1, 1)
    person = session.get_one(Surveyor, first.id)
    assert (person.silences, person.unreached) == (0, 1)
    kinds = list(session.scalars(select(ClaimEvent.kind).where(ClaimEvent.claim_id == claim.id)))
    assert kinds.count("offer.unreached") == 1 and "offer.expired" not in kinds
    assert (
        session.scalar(select(Outbox.payload).where(Outbox.event == "offer.unreached"))["surveyor_id"]
        == first.id
    )


def test_an_offer_fetched_in_time_lives_its_whole_time(session, sessions, two):
    first, _, claim = two
    sweep.tick(sessions)
    assert len(looks(sessions, first.id)) == len(looks(sessions, first.id)) == 1
    later(session, 80)
    assert sweep.tick(sessions).expired == 0
    later(session, 11)
    sweep.tick(sessions)
    assert offers_of(session)[0].state == "expired"
    person = session.get_one(Surveyor, first.id)
    assert (person.silences, person.unreached) == (1, 0)
    kinds = list(session.scalars(select(ClaimEvent.kind).where(ClaimEvent.claim_id == claim.id)))
    assert kinds.count("offer.delivered") == 1


@pytest.mark.parametrize("seconds", [0, 90, 120])
def test_without_the_rule_or_above_the_whole_time_nothing_ends_early(session, sessions, two, rule, seconds):
    rule("offer_unseen_s", seconds)
    sweep.tick(sessions)
    assert offers_of(session)[0].reach_by is None
    later(session, 89)
    assert sweep.tick(sessions).expired == 0
    later(session, 2)
    sweep.tick(sessions)
    assert offers_of(session)[0].state == "expired"


def test_a_phone_that_is_late_finds_nothing_and_its_yes_is_told_why(session, sessions, two):
    first = two[0]
    sweep.tick(sessions)
    later(session, 31)
    offer = offers_of(session)[0]
    me = factories.actor(session, session.get_one(factories.Person, first.id))
    session.commit()
    for _ in range(2):  # before the sweeper saw it, and after
        assert looks(sessions, first.id) == []
        with pytest.raises(OfferSettled) as refused:
            offers.accept(sessions, offer.id, first.id, me)
        assert refused.value.facts == {"state": "unreached"}
        sweep.tick(sessions)
    assert [o.state for o in offers_of(session)] == ["unreached", "open"]


def test_a_phone_that_came_back_may_be_asked_again_before_farther_ones(session, sessions, two):
    first, second, claim = two
    sweep.tick(sessions)
    later(session, 31)
    looks(sessions, first.id)
    sweep.tick(sessions)
    assert [o.surveyor_id for o in offers_of(session)] == [first.id, second.id]
    looks(sessions, first.id)
    later(session, 31)
    sweep.tick(sessions)
    assert [(o.surveyor_id, o.state) for o in offers_of(session)] == [
        (first.id, "unreached"), (second.id, "unreached"), (first.id, "open")
    ]  # fmt: skip
    shown = explain.shown(session, factories.task_of(session, claim).id, str)[0]["candidates"]
    assert {one["surveyor"]["id"]: one["reason"] for one in shown} == {
        str(first.id): None, str(second.id): "unreached_before"
    }  # fmt: skip


def test_a_deaf_phone_is_asked_by_nobody_elses_job_while_another_is_near(session, sessions, two):
    first, second, _ = two
    sweep.tick(sessions)
    later(session, 31)
    sweep.tick(sessions)
    offer = offers_of(session)[1]
    me = factories.actor(session, session.get_one(factories.Person, second.id))
    third = factories.surveyor(session, lon=LON + 0.001)
    session.commit()
    offers.accept(sessions, offer.id, second.id, me)
    factories.claim(session)
    session.commit()
    sweep.tick(sessions)
    assert offers_of(session)[-1].surveyor_id == third.id
    assert first.id != third.id


def test_only_the_time_that_passed_counts_until_the_dispatcher_takes_over(session, sessions):
    factories.surveyor(session)
    claim = factories.claim(session)
    session.commit()
    for _ in range(12):
        sweep.tick(sessions)
        later(session, 31)
    sweep.tick(sessions)
    task = factories.task_of(session, claim)
    assert (task.state, task.unassigned_reason) == ("unassigned", "rounds_used")
    assert [o.state for o in offers_of(session)] == ["unreached"] * 9
    by = factories.actor(session, factories.person(session))
    session.commit()
    assignments.redispatch(sessions, task.id, "再派一次", by)
    sweep.tick(sessions)
    assert len(offers_of(session)) == 10


def test_who_goes_home_unreached_uses_no_round_and_is_no_deaf_phone(session, sessions, two):
    sweep.tick(sessions)
    session.execute(text("UPDATE surveyor SET on_duty = false WHERE id = :id"), {"id": two[0].id})
    session.commit()
    sweep.tick(sessions)
    assert [o.state for o in offers_of(session)] == ["withdrawn", "open"]
    assert session.get_one(Surveyor, two[0].id).unreached == 0


def test_an_offer_the_phone_has_not_got_is_given_to_another_before_it_costs_the_contact(
    session, sessions, two, rule
):
    first, second, _ = two
    rule("offer_unseen_s", 0)
    rule("offer_ttl_s", 300)
    sweep.tick(sessions)
    later(session, 25)
    session.execute(
        text("UPDATE clock SET due_at = clock_timestamp() + interval '350 seconds' WHERE kind = 'contact'")
    )
    session.commit()
    assert switching.look(sessions, Engine()) == 1
    assert [(o.surveyor_id, o.state) for o in offers_of(session)] == [
        (first.id, "withdrawn"), (second.id, "open")
    ]  # fmt: skip
    facts = session.scalar(select(ClaimEvent.facts).where(ClaimEvent.kind == "task.switched"))
    assert facts["why"] == "not_reached"
