"""Catastrophe mode through the door: who may ask, who may confirm, what a phone and a customer see of it."""

import pytest

from claims.models import Claim
from dispatch import sweep
from notify import links
from tests import factories

BODY = {"name": "台风", "reason": "暴雨内涝", "contact_limit_min": 40}


@pytest.fixture
def one(as_):
    return as_("dispatcher", name="甲")


@pytest.fixture
def two(as_):
    return as_("supervisor", name="乙")


def asked(client, **more):
    answer = client.post("/catastrophes", json=BODY | more, idem=True)
    assert answer.status_code == 201, answer.json
    return answer.json


def test_it_takes_two_and_says_who_and_until_when(one, two):
    ident = asked(one)["id"]
    seen = two.get("/catastrophes").json["items"][0]
    assert (seen["state"], seen["limits"]["contact_limit_min"], seen["max_open"]) == ("requested", 40, 15)
    assert seen["pending"]["requested_by"]["name"] == "甲" and seen["pending"]["mine"] is False
    assert one.get("/catastrophes").json["items"][0]["pending"]["mine"] is True
    refused = one.post(f"/catastrophes/{ident}/confirm", idem=True)
    assert (refused.status_code, refused.json["code"]) == (403, "four_eyes")
    on = two.post(f"/catastrophes/{ident}/confirm", idem=True).json
    assert (on["state"], on["pending"], on["steps"][0]["settled_by"]["name"]) == ("on", None, "乙")
    assert two.post(f"/catastrophes/{ident}/confirm", idem=True).json["state"] == "on"


def test_the_way_back_is_asked_and_confirmed_too(one, two):
    ident = asked(one)["id"]
    two.post(f"/catastrophes/{ident}/confirm", idem=True)
    early = one.post(f"/catastrophes/{ident}/steps", json={"step": "release", "reason": "x"}, idem=True)
    assert (early.status_code, early.json["code"]) == (409, "out_of_turn")
    step = one.post(f"/catastrophes/{ident}/steps", json={"step": "restore", "reason": "雨停"}, idem=True)
    assert step.status_code == 201 and step.json["pending"]["step"] == "restore"
    assert (
        two.post(f"/catastrophes/{ident}/refuse", json={"reason": "再等等"}, idem=True).json["state"] == "on"
    )
    again = two.post(f"/catastrophes/{ident}/confirm", idem=True)
    assert (again.status_code, again.json["code"]) == (409, "no_step")
    two.post(f"/catastrophes/{ident}/steps", json={"step": "restore", "reason": "雨停"}, idem=True)
    assert one.post(f"/catastrophes/{ident}/confirm", idem=True).json["state"] == "over"
    assert one.get("/catastrophes").json["items"] == []
    assert [s["state"] for s in one.get("/catastrophes?all=true").json["items"][0]["steps"]] == [
        "confirmed", "refused", "confirmed"]  # fmt: skip


@pytest.mark.parametrize("role", ["seat", "adjuster", "admin", "integration"])
def test_only_dispatchers_and_supervisors_switch(as_, one, role):
    ident = asked(one)["id"]
    other = as_(role)
    assert other.post("/catastrophes", json=BODY, idem=True).status_code == 403
    assert other.post(f"/catastrophes/{ident}/confirm", idem=True).status_code == 403
    assert other.get("/catastrophes").status_code == (403 if role == "integration" else 200)


def test_another_branch_neither_sees_nor_confirms_it(session, as_, one):
    ident = asked(one)["id"]
    branch = factories.organisation(session, kind="sub_branch")
    session.commit()
    elsewhere = as_("dispatcher", org=branch)
    assert elsewhere.get("/catastrophes").json["items"] == []
    assert elsewhere.get(f"/catastrophes/{ident}").status_code == 404
    assert elsewhere.post(f"/catastrophes/{ident}/confirm", idem=True).status_code == 404


@pytest.mark.parametrize(
    "bad", [{"name": ""}, {"reason": ""}, {"borrow": ["1"]}, {"contact_limit_min": 0}, {"shape": "round"}]
)
def test_a_bad_wish_names_its_field(one, bad):
    answer = one.post("/catastrophes", json=BODY | bad, idem=True)
    assert answer.status_code == 422 and next(iter(bad)) in str(answer.json["errors"])


def test_the_pulse_tells_the_last_hour_beside_a_normal_one(session, one):
    factories.claim(session)
    found = one.get("/catastrophes/pulse").json
    assert (found["seen"], found["normal"], found["times"], found["surging"]) == (1, 4, 5, False)


def test_a_phone_and_a_customer_are_told(session, sessions, one, two, as_device, stranger):
    man = factories.surveyor(session)
    session.commit()
    two.post(f"/catastrophes/{asked(one)['id']}/confirm", idem=True)
    claims = [factories.claim(session, lon=factories.LON + i / 1000) for i in range(3)]
    sweep.tick(sessions)
    phone = as_device(man)
    seen = phone.get("/me/jobs").json
    assert seen["catastrophe"]["name"] == "台风" and seen["catastrophe"]["borrowed"] is False
    assert len(seen["offers"]) == 1 and len(seen["offers"][0]["bundle"]) == 2
    accepted = phone.post(f"/offers/{seen['offers'][0]['id']}/accept", json={"seq": 1}, idem=True)
    assert accepted.status_code == 200 and len(phone.get("/me/jobs").json["tasks"]) == 3
    with sessions.begin() as writing:
        slug = links.keep(writing, claims[0].id, writing.get_one(Claim, claims[0].id).created_at)
    page = stranger.get(f"/api/v1/t/{slug}").json
    assert page["photos_first"] is True and "台风" in page["messages"]


def test_the_first_text_names_the_longer_wait(session, sessions, settings, one, two):
    from notify import service
    from notify.models import Message

    two.post(f"/catastrophes/{asked(one)['id']}/confirm", idem=True)
    claim = factories.claim(session)
    service.tell(sessions, settings, "claim.opened", {"claim_id": claim.id})
    session.expire_all()
    message = session.query(Message).filter_by(claim_id=claim.id, channel="sms").one()
    assert message.template == "report_taken_catastrophe"
    assert "因台风报案集中" in message.text and "40分钟内" in message.text and "/t/" in message.text
