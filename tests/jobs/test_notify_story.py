"""The whole course of a claim through the real rooms: what the customer is told, and what his page shows, step by step."""

import itertools

import pytest

from claims.models import Task
from core import outbox, queues, wiring
from dispatch import sweep
from notify.models import Message
from tests import factories
from worker import LISTENERS

MINE = {
    event: [duty for duty in duties if duty[1].startswith("notify.")] for event, duties in LISTENERS.items()
}


@pytest.fixture
def world(settings, sessions, redis, storage):
    """This process, plugged together as worker.py does it."""
    wiring.fill(settings, sessions, redis, storage)
    return sessions


def deliver(sessions):
    """The relay and the message worker, until nothing is left to do."""
    for _ in range(20):
        events = outbox.relay(sessions, MINE)
        due = outbox.lease_due(sessions)
        for duty in due:
            queues.run_delivery(duty.delivery_id)
        if not events and not due:
            return
    raise AssertionError("the outbox does not come to an end")


def texts(session, audience="customer"):
    session.expire_all()
    found = session.query(Message).filter_by(audience=audience).order_by(Message.id)
    return [message.template for message in found]


def test_the_customer_is_told_at_every_key_node_and_his_page_keeps_up(
    as_, as_device, stranger, session, world
):
    surveyor = factories.surveyor(session, name="赵一鸣", lon=factories.LON + 0.05)
    session.get_one(factories.Person, surveyor.id).phone = "+8613900139000"
    session.commit()
    phone, seq = as_device(surveyor), itertools.count(1)

    def act(path, **body):
        answer = phone.post(path, json={"seq": next(seq)} | body, idem=True)
        assert answer.status_code == 200, answer.text
        deliver(world)

    report = {
        "reporter": {"name": "王先生", "phone": "13800138000"},
        "loss": {
            "position": {"lon": factories.LON, "lat": factories.LAT},
            "place": "建设路",
            "cause": "collision",
        },
        "line": "motor",
    }
    reported_at = phone.get("/me/jobs").json["server_time"]
    seat = as_("seat")
    claim_id = seat.post("/claims", json=report | {"reported_at": reported_at}, idem=True).json["id"]
    deliver(world)
    slug = seat.get(f"/claims/{claim_id}").json["customer_link"].removeprefix("/t/")

    def page():
        return stranger.get(f"/api/v1/t/{slug}").json

    assert texts(session) == ["report_taken"] and page()["state"] == "reported"
    sweep.tick(world)
    deliver(world)
    assert texts(session, "surveyor") == ["offer_made"]
    (offer,) = phone.get("/me/jobs").json["offers"]
    task = f"/tasks/{offer['task_id']}"
    act(f"/offers/{offer['id']}/accept")
    assert page()["state"] == "assigned" and page()["surveyor"]["name"] == "赵师傅"
    act(f"{task}/contact", channel="phone", result="answered")
    assert page()["state"] == "contacted" and page()["surveyor"]["position"] is None
    act(f"{task}/depart")
    assert page()["state"] == "en_route" and page()["surveyor"]["position"] is not None
    assert page()["surveyor"]["eta_s"] > 60
    act(f"{task}/arrive", reason="地下车库没有信号")
    assert page()["state"] == "on_scene" and page()["surveyor"]["position"] is None
    act(f"{task}/submit", report={"summary": "前保险杠受损", "no_photo_reason": "客户已离场"})
    assert page()["state"] == "surveyed"
    adjuster = as_("adjuster", authority_fen=10**8)
    line = {
        "item": "标的车",
        "part": "前保险杠",
        "action": "replace",
        "qty": 1,
        "unit_fen": 120000,
        "note": "",
    }
    put = adjuster.put(f"/claims/{claim_id}/assessment", json={"lines": [line], "note": ""})
    assert put.status_code == 200, put.text
    missing = [shot["code"] for shot in adjuster.get(f"/claims/{claim_id}/photos").json["missing"]]
    if missing:
        waived = adjuster.post(
            f"/review/{offer['task_id']}/waive", json={"shots": missing, "reason": "客户已离场"}
        )
        assert waived.status_code == 200, waived.text
    approved = adjuster.post(f"/claims/{claim_id}/approve")
    assert approved.status_code == 200, approved.text
    deliver(world)
    assert page()["state"] == "settled" and page()["surveyor"] is None
    assert stranger.post(f"/api/v1/t/{slug}/rating", json={"stars": 5}).status_code == 201
    deliver(world)
    assert texts(session) == ["report_taken", "surveyor_assigned", "on_the_way", "survey_done", "settled"]
    legs = {leg["leg"]: leg for leg in as_("supervisor").get("/reports/legs").json["totals"]}
    assert all(leg["count"] == 1 for leg in legs.values()), legs
    (row,) = as_("supervisor").get("/reports/people").json["items"]
    assert (row["offers"], row["accepted"], row["contact_kept_pct"], row["rating_avg"]) == (1, 1, 100.0, 5.0)
    parked = outbox.lease_due(world)
    assert parked == []


def test_a_withdrawn_claim_calls_the_surveyor_back_and_ends_the_page(as_, stranger, session, world):
    duty = factories.assignment(session)
    session.get_one(factories.Person, duty.surveyor_id).phone = "+8613900139000"
    session.commit()
    deliver(world)
    task = session.get_one(type(duty), duty.id).task_id
    claim_id = session.get_one(Task, task).claim_id
    done = as_("dispatcher", "seat").post(f"/claims/{claim_id}/withdraw", json={"reason": "客户放弃"})
    assert done.status_code == 200, done.text
    deliver(world)
    assert "task_cancelled" in texts(session, "surveyor")
    slug = as_("seat").get(f"/claims/{claim_id}").json["customer_link"].removeprefix("/t/")
    page = stranger.get(f"/api/v1/t/{slug}").json
    assert page["state"] == "withdrawn" and page["surveyor"] is None
