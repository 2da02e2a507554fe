"""What concerns no claim: catastrophes to the insurer's systems, a request to wait elsewhere to the surveyor."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from core import clock
from core.models import Outbox
from dispatch import moving
from dispatch.moving import Wanted
from geo.fix import LonLat
from notify import announce
from notify.models import Message
from staff import rules
from staff.models import Person
from tests import factories
from worker import LISTENERS


@pytest.fixture
def asked(session, sessions):
    """A free surveyor asked to move up; the event as the outbox has it."""
    man = factories.surveyor(session)
    session.get_one(Person, man.id).phone = "+8613800138000"
    by = factories.actor(session, factories.person(session, roles=("dispatcher",)))
    session.commit()
    wanted = Wanted(man.id, LonLat(116.5, 39.9), "东站", 600, 840, 0.6, 0.8, "roads")
    moving.ask(sessions, by, wanted)
    return session.scalars(select(Outbox).where(Outbox.event == "move_up.asked")).one()


def told(session):
    session.expire_all()
    return list(session.scalars(select(Message).order_by(Message.id)))


def test_who_is_asked_to_move_up_gets_a_text_once_and_it_ends_with_the_request(
    session, sessions, settings, asked
):
    for _ in range(2):
        announce.announce(sessions, settings, "move_up.asked", asked.payload | {"event_id": asked.id})
    (text_,) = told(session)
    assert (text_.audience, text_.channel, text_.address, text_.claim_id) == (
        "surveyor",
        "sms",
        "+8613800138000",
        None,
    )
    assert "东站" in text_.text and "14" in text_.text
    ends = session.execute(text("SELECT expires_at FROM move_up")).scalar_one()
    assert text_.stale_at == ends > clock.read(session)


def test_a_request_already_answered_is_not_texted(session, sessions, settings, asked):
    session.execute(text("UPDATE move_up SET state = 'withdrawn', settled_at = now()"))
    session.commit()
    assert announce.announce(sessions, settings, "move_up.asked", asked.payload) == []


def test_an_event_without_a_claim_goes_to_the_systems_of_its_organisation(session, sessions, settings, asked):
    org_id = int(asked.payload["org_id"])
    rules.change(session, org_id, "webhook_url", "https://claims.example.com/hook", by=0)
    session.commit()
    at = clock.read(session)
    facts = {"catastrophe_id": 7, "org_id": org_id, "state": "on", "step": "on", "event_id": 99}
    announce.announce(sessions, settings, "catastrophe.confirmed", facts, now=at)
    (hook,) = told(session)
    body = json.loads(hook.text)
    assert (hook.channel, hook.template, hook.org_id) == ("webhook", "catastrophe.confirmed", org_id)
    assert body["type"] == "catastrophe.confirmed"
    assert body["data"] == {"catastrophe_id": "7", "org_id": str(org_id), "state": "on", "step": "on"}
    assert hook.stale_at == at + timedelta(hours=24)


def test_every_event_of_catastrophes_and_requests_has_its_listener():
    for event in ("requested", "confirmed", "refused", "lapsed", "proposed"):
        assert f"catastrophe.{event}" in LISTENERS
    for event in ("asked", "accepted", "declined", "withdrawn"):
        assert f"move_up.{event}" in LISTENERS
