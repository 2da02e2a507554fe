"""Foreseen breaches in the database: switched or proposed in one commit, explained, and left alone when anything moved."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from claims.models import ClaimEvent, Clock, Task
from core.models import Outbox
from dispatch import offers, sweep, switching
from dispatch.models import Assignment, Decision, Offer
from geo.eta import Engine
from tests import factories

LON, LAT = factories.LON, factories.LAT
ENGINE = Engine()
M = timedelta(minutes=1)


def accepted(session, claim, who):
    """The job of a claim, accepted by somebody just now."""
    made = factories.offer(session, of=claim, to=who)
    assert made.surveyor_id == who.id
    actor = factories.actor(session, session.get_one(factories.Person, who.id))
    session.commit()
    return actor, made


def taken(session, sessions, claim, who):
    actor, made = accepted(session, claim, who)
    return offers.accept(sessions, made.id, who.id, actor)


def look(sessions, session, after=0 * M):
    session.execute(
        text("UPDATE last_position SET fixed_at = :t, received_at = :t"), {"t": _now(session) + after}
    )
    session.commit()
    found = switching.look(sessions, ENGINE, _now(session) + after)
    session.expire_all()
    return found


def _now(session):
    return session.execute(text("SELECT clock_timestamp()")).scalar_one()


@pytest.fixture
def late(session, sessions):
    """A job whose holder is 40 minutes away, its customer rung, and somebody free round the corner who came later."""
    far = factories.surveyor(session, lon=LON + 0.14)
    claim = factories.claim(session)
    taken(session, sessions, claim, far)
    session.execute(text("UPDATE assignment SET contacted_at = clock_timestamp()"))
    session.execute(text("UPDATE task SET state = 'contacted'"))
    near = factories.surveyor(session, lon=LON + 0.01)
    session.commit()
    return claim, far, near


def test_by_default_the_dispatcher_is_told_who_could_be_in_time(session, sessions, late):
    claim, far, near = late
    assert look(sessions, session) == 1
    task = factories.task_of(session, claim)
    decision = session.scalars(select(Decision).order_by(Decision.id.desc())).first()
    assert (decision.kind, decision.chosen_id, decision.reason) == ("proposal", near.id, "will_arrive_late")
    assert (
        decision.facts["from"] == str(far.id)
        and decision.facts["late_s"] > 0
        and decision.facts["gain_s"] >= 180
    )
    assert (task.state, task.switches) == ("contacted", 1)
    assert (
        session.scalars(select(Assignment.surveyor_id).where(Assignment.ended_at.is_(None))).one() == far.id
    )
    assert session.scalars(select(Clock.predicted).where(Clock.kind == "arrival")).one() == "late"
    assert "task.switch_proposed" in session.scalars(select(Outbox.event)).all()
    # Said once, not every second.
    assert look(sessions, session) == 0


def test_when_the_rule_says_so_the_job_is_taken_and_the_other_one_asked_in_one_commit(
    session, sessions, late, rule
):
    claim, far, near = late
    rule("foresee_held", "auto")
    assert look(sessions, session) == 1
    task = factories.task_of(session, claim)
    offer = session.scalars(select(Offer).where(Offer.state == "open")).one()
    assert (task.state, task.switches, task.round, offer.surveyor_id) == ("offered", 1, 1, near.id)
    old = session.scalars(select(Assignment)).one()
    assert (old.surveyor_id, old.end_reason) == (far.id, "reassigned")
    decision = session.get_one(Decision, offer.decision_id)
    assert (decision.kind, decision.reason, decision.facts["clock"]) == (
        "switch",
        "will_arrive_late",
        "arrival",
    )
    said = {int(c["surveyor_id"]): c["reason"] for c in decision.candidates}
    assert (said[near.id], said[far.id]) == (None, "held_before")
    event = session.scalars(select(ClaimEvent).where(ClaimEvent.kind == "task.switched")).one()
    assert event.facts["to"] == str(near.id)
    assert look(sessions, session) == 0


def test_a_job_in_time_is_left_where_it_is(session, sessions, rule):
    rule("foresee_held", "auto")
    near = factories.surveyor(session, lon=LON + 0.02)
    taken(session, sessions, factories.claim(session), near)
    factories.surveyor(session)
    session.commit()
    assert look(sessions, session) == 0
    assert session.scalars(select(Clock.predicted).where(Clock.kind == "arrival")).one() == "ok"


def test_silence_after_accepting_is_acted_upon_before_the_ten_minutes_are_over(session, sessions, rule):
    rule("foresee_held", "auto")
    silent = factories.surveyor(session)
    claim = factories.claim(session)
    taken(session, sessions, claim, silent)
    other = factories.surveyor(session, lon=LON + 0.01)
    session.commit()
    assert look(sessions, session, 3 * M) == 0
    assert look(sessions, session, 5 * M) == 1
    offer = session.scalars(select(Offer).where(Offer.state == "open")).one()
    assert offer.surveyor_id == other.id
    contact = session.scalars(select(Clock).where(Clock.kind == "contact")).one()
    assert offer.made_at < contact.due_at - 4 * M


def test_an_unanswered_question_is_given_to_another_before_the_contact_limit(session, sessions, rule):
    rule("offer_ttl_s", 600)
    asked = factories.surveyor(session)
    claim = factories.claim(session)
    factories.offer(session, of=claim, to=asked)
    other = factories.surveyor(session, lon=LON + 0.01)
    session.commit()
    assert look(sessions, session, 1 * M) == 1
    made = session.scalars(select(Offer).order_by(Offer.id)).all()
    assert [(o.surveyor_id, o.state) for o in made] == [(asked.id, "withdrawn"), (other.id, "open")]
    assert factories.task_of(session, claim).round == 1
    assert session.get_one(Decision, made[1].decision_id).facts["why"] == "not_answering"


def test_what_moved_meanwhile_is_left_alone(session, sessions, late, rule, monkeypatch):
    claim, _, near = late
    rule("foresee_held", "auto")
    read = switching._read

    def and_then_he_arrives(s, now):
        found = read(s, now)
        with sessions.begin() as other:
            other.execute(text("UPDATE task SET state = 'en_route'"))
        return found

    monkeypatch.setattr(switching, "_read", and_then_he_arrives)
    assert look(sessions, session) == 0
    assert session.scalar(select(Offer.id).where(Offer.surveyor_id == near.id)) is None
    assert factories.task_of(session, claim).switches == 0


def test_the_prediction_is_taken_back_when_he_is_in_time_after_all(session, sessions, late):
    _, far, near = late
    look(sessions, session)
    factories.put_at(session, far, LON + 0.01, LAT, _now(session))
    session.commit()
    look(sessions, session)
    assert session.scalars(select(Clock.predicted).where(Clock.kind == "arrival")).one() == "ok"
    assert near.id


def test_an_unanswered_offer_is_remembered_and_an_answer_forgets_it(session, sessions):
    who = factories.surveyor(session)
    made = factories.offer(session, to=who)
    session.execute(text("UPDATE offer SET expires_at = clock_timestamp() - interval '1 s'"))
    session.commit()
    sweep.tick(sessions)
    session.refresh(who)
    assert who.silences == 1 and who.silent_at is not None
    again = session.scalars(select(Offer).where(Offer.state == "open", Offer.id != made.id)).one()
    actor = factories.actor(session, session.get_one(factories.Person, who.id))
    session.commit()
    offers.accept(sessions, again.id, who.id, actor)
    session.refresh(who)
    assert (who.silences, who.silent_at) == (0, None)
    assert session.scalars(select(Task.state)).one() == "accepted"
