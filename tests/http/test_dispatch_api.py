"""The phone's side through the door: asked, accepted, rung, gone, arrived, handed in; each said twice is once."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, text

from claims.models import ClaimEvent
from dispatch import sweep
from dispatch.models import Assignment, Contact
from tests import factories

LON, LAT = factories.LON, factories.LAT


@pytest.fixture
def surveyor(session):
    row = factories.surveyor(session)
    session.commit()
    return row


@pytest.fixture
def phone(as_device, surveyor):
    return as_device(surveyor)


@pytest.fixture
def asked(session, sessions, surveyor):
    """A claim whose job is offered to the surveyor."""
    claim = factories.claim(session, cause="collision", note="小心", injured=1)
    sweep.tick(sessions)
    return claim


def jobs(phone, **query):
    answer = phone.get("/me/jobs", query_string=query)
    assert answer.status_code == 200, answer.json
    return answer.json


def at(**ahead):
    return (datetime.now(UTC) + timedelta(**ahead)).isoformat()


@pytest.fixture
def held(phone, asked):
    """The id of the task, accepted."""
    offer = jobs(phone)["offers"][0]
    answer = phone.post(f"/offers/{offer['id']}/accept", json={"at": at(), "seq": 1}, idem=True)
    assert answer.status_code == 200, answer.json
    return answer.json["task_id"]


def test_a_phone_sees_the_question_with_its_countdown(phone, asked):
    seen = jobs(phone)
    offer = seen["offers"][0]
    assert seen["tasks"] == []
    assert (offer["claim_id"], offer["injured"], offer["cause"], offer["line"]) == (
        str(asked.id),
        1,
        "collision",
        "motor",
    )
    assert 80 <= offer["expires_in_s"] <= 90
    assert offer["position"] == {"lon": LON, "lat": LAT, "datum": "wgs84"}
    assert "reporter" not in offer


def test_an_accepted_job_brings_all_a_phone_needs_offline(phone, held, asked):
    seen = jobs(phone, datum="gcj02")
    task = seen["tasks"][0]
    assert seen["offers"] == []
    assert (task["id"], task["state"], task["note"]) == (held, "accepted", "小心")
    assert task["reporter"]["phone"].startswith("+86138")
    assert task["position"]["datum"] == "gcj02" and task["position"]["lon"] != LON
    assert {"code", "zh", "en", "required", "taken"} <= task["shots"][0].keys()
    assert [c["kind"] for c in task["clocks"]] == ["dispatch", "contact", "arrival"]
    assert task["photos"] == [] and task["contacts"] == []


def test_accepting_answers_with_the_assignment_and_the_same_again(phone, asked, session):
    offer = jobs(phone)["offers"][0]
    first = phone.post(f"/offers/{offer['id']}/accept", json={"at": at(), "seq": 1}, key="a")
    assert first.json["offer"] == {"id": offer["id"], "state": "accepted"}
    assert (
        phone.post(f"/offers/{offer['id']}/accept", json={"at": at(), "seq": 2}, key="b").json == first.json
    )
    assert session.scalar(select(func.count()).select_from(Assignment)) == 1


def test_too_late_is_a_conflict_with_the_state(phone, asked, session):
    offer = jobs(phone)["offers"][0]
    session.execute(text("UPDATE offer SET expires_at = now() - interval '1 second'"))
    session.commit()
    answer = phone.post(f"/offers/{offer['id']}/accept", json={}, idem=True)
    assert (answer.status_code, answer.json["code"], answer.json["facts"]) == (
        409,
        "offer_settled",
        {"state": "expired"},
    )
    assert jobs(phone)["offers"] == []


def test_a_refused_request_leaves_its_key_free_for_a_better_one(phone, asked, session):
    offer = jobs(phone)["offers"][0]
    assert phone.post(f"/offers/{offer['id']}/decline", json={"reason": "lazy"}, key="k").status_code == 422
    done = phone.post(
        f"/offers/{offer['id']}/decline", json={"reason": "busy", "at": at(), "seq": 3}, key="k"
    )
    assert (done.status_code, done.json["offer"]["state"]) == (200, "declined")
    assert jobs(phone)["offers"] == []


def test_another_phones_offer_is_missing(as_device, session, asked, phone):
    offer = jobs(phone)["offers"][0]
    stranger = factories.surveyor(session, lon=None)
    session.commit()
    answer = as_device(stranger).post(f"/offers/{offer['id']}/accept", json={}, idem=True)
    assert answer.status_code == 404


def test_a_phone_post_needs_its_key(phone, asked):
    offer = jobs(phone)["offers"][0]
    answer = phone.post(f"/offers/{offer['id']}/accept", json={})
    assert (answer.status_code, answer.json["code"]) == (400, "idempotency_key_missing")


def test_the_way_of_a_job_on_the_phone(phone, held, session):
    tried = phone.post(
        f"/tasks/{held}/contact",
        json={"channel": "phone", "result": "no_answer", "at": at(), "seq": 2},
        idem=True,
    )
    assert tried.json["task"]["state"] == "accepted"
    rung = phone.post(f"/tasks/{held}/contact", json={"result": "answered", "at": at(), "seq": 3}, idem=True)
    assert rung.json["task"] == {"id": held, "state": "contacted"}
    assert {c["kind"]: c["state"] for c in rung.json["clocks"]}["contact"] == "met"
    assert phone.post(f"/tasks/{held}/depart", json={"seq": 4}, idem=True).json["task"]["state"] == "en_route"
    when = at(hours=3)
    agreed = phone.post(f"/tasks/{held}/appoint", json={"at": when, "sent_at": at(), "seq": 5}, idem=True)
    arrival = next(c for c in agreed.json["clocks"] if c["kind"] == "arrival")
    assert datetime.fromisoformat(arrival["due_at"]) == pytest.approx(
        datetime.fromisoformat(when), abs=timedelta(seconds=1)
    )
    arrived = phone.post(
        f"/tasks/{held}/arrive", json={"position": {"lon": LON, "lat": LAT}, "at": at(), "seq": 6}, idem=True
    )
    assert arrived.json["task"]["state"] == "on_scene"
    done = at(minutes=20)
    told = phone.post(
        f"/tasks/{held}/done_by", json={"done_by_at": done, "for_s": 1200, "at": at(), "seq": 7}, idem=True
    )
    assert told.json["task"]["state"] == "on_scene"
    assert datetime.fromisoformat(jobs(phone)["tasks"][0]["done_by_at"]) == pytest.approx(
        datetime.fromisoformat(done), abs=timedelta(seconds=1)
    )
    far = phone.post(f"/tasks/{held}/done_by", json={"done_by_at": at(hours=14), "seq": 8}, idem=True)
    assert (far.status_code, far.json["errors"][0]["path"]) == (422, "done_by_at")
    body = {
        "report": {"summary": "左前门凹陷", "first_scene": True, "risk_points": ["夜间单车"]},
        "at": at(),
        "seq": 7,
    }
    done = phone.post(f"/tasks/{held}/submit", json=body, idem=True)
    assert done.json["task"]["state"] == "submitted"
    assert {c["kind"]: c["state"] for c in done.json["clocks"]} == {
        "dispatch": "met", "contact": "met", "arrival": "met", "assessment": "running"
    }  # fmt: skip
    assert jobs(phone)["tasks"] == []
    assert session.scalars(select(Contact.seq).order_by(Contact.id)).all() == [2, 3]
    device_times = session.scalars(
        select(ClaimEvent.device_at).where(ClaimEvent.kind == "task.arrived")
    ).all()
    assert device_times[0] is not None


def test_a_phone_with_a_wrong_clock_changes_no_deadline(phone, held, session):
    answer = phone.post(
        f"/tasks/{held}/contact", json={"result": "answered", "at": at(hours=-24), "seq": 2}, idem=True
    )
    contact = next(c for c in answer.json["clocks"] if c["kind"] == "contact")
    assert contact["state"] == "met"
    stopped = datetime.fromisoformat(contact["stopped_at"])
    assert abs(datetime.now(UTC) - stopped) < timedelta(minutes=1)
    assert session.scalars(select(Contact.marks)).one() == ["before_dispatch", "unverified"]


def test_an_arrival_without_proof_asks_for_a_reason(phone, held):
    far = {"position": {"lon": LON + 0.1, "lat": LAT}}
    refused = phone.post(f"/tasks/{held}/arrive", json=far, idem=True)
    assert (refused.status_code, refused.json["code"]) == (422, "arrival_unproven")
    assert refused.json["facts"]["within_m"] == 300
    assert phone.post(f"/tasks/{held}/arrive", json=far | {"reason": "修理厂"}, idem=True).status_code == 200


def test_a_skipped_state_is_a_conflict(phone, held):
    refused = phone.post(f"/tasks/{held}/submit", json={"report": {"summary": "x"}}, idem=True)
    assert (refused.status_code, refused.json["code"]) == (409, "task_state")


def test_a_job_given_back_leaves_the_phone(phone, held):
    done = phone.post(f"/tasks/{held}/hand_over", json={"reason": "车坏了"}, idem=True)
    assert (done.status_code, done.json["task"]["state"]) == (200, "pending")
    assert jobs(phone)["tasks"] == []
    assert phone.post(f"/tasks/{held}/depart", json={}, idem=True).json["code"] == "not_assigned"


@pytest.mark.parametrize(
    ("step", "body"),
    [("contact", {"result": "answered"}), ("contact/take_back", {}), ("depart", {}), ("arrive", {}),
     ("appoint", {"at": "2030-01-01T00:00:00Z"}),
     ("done_by", {"done_by_at": None}),
     ("submit", {"report": {"summary": "x"}}), ("hand_over", {"reason": "x"})],
)  # fmt: skip
def test_a_job_that_is_not_mine_is_missing(phone, as_device, session, held, step, body):
    stranger = factories.surveyor(session, lon=None)
    session.commit()
    assert as_device(stranger).post(f"/tasks/{held}/{step}", json=body, idem=True).status_code == 404
    assert phone.post(f"/tasks/1/{step}", json=body, idem=True).status_code == 404


def test_the_desk_cannot_act_as_a_surveyor(as_, held):
    assert as_("dispatcher", "admin").post(f"/tasks/{held}/depart", json={}, idem=True).status_code == 403


def offered(session):
    session.rollback()
    return session.execute(text("SELECT delivered_at FROM offer ORDER BY id DESC LIMIT 1")).scalar_one()


def test_an_offer_is_delivered_when_the_phone_first_reads_it_and_the_desk_sees_it(phone, as_, asked, session):
    desk = as_("dispatcher")
    before = desk.get(f"/claims/{asked.id}").json["task"]["offers"][0]
    assert before["delivered_at"] is None and before["reach_by"] is not None
    assert desk.get("/board").json["items"][0]["offer"]["delivered_at"] is None
    jobs(phone)
    first = offered(session)
    jobs(phone)
    assert first is not None and offered(session) == first
    assert desk.get(f"/claims/{asked.id}").json["task"]["offers"][0]["delivered_at"] is not None
    assert desk.get("/board").json["items"][0]["offer"]["delivered_at"] is not None


def test_too_late_to_be_reached_is_a_conflict_that_says_so(phone, asked, session):
    offer_id = session.execute(text("SELECT id FROM offer")).scalar_one()
    session.execute(text("UPDATE offer SET reach_by = now() - interval '1 second'"))
    session.commit()
    assert jobs(phone)["offers"] == []
    answer = phone.post(f"/offers/{offer_id}/accept", json={}, idem=True)
    assert (answer.status_code, answer.json["code"], answer.json["facts"]) == (
        409,
        "offer_settled",
        {"state": "unreached"},
    )


def test_the_desk_agrees_a_time_the_phone_sees_it_and_another_desk_is_not_overruled(phone, as_, held, asked):
    desk, when = as_("seat"), at(hours=3)
    before = desk.post(f"/claims/{asked.id}/appointment", json={"at": when}, idem=True)
    assert before.status_code == 200, before.json
    shown = jobs(phone)["tasks"][0]["appointment_at"]
    assert datetime.fromisoformat(shown) - datetime.fromisoformat(when) < timedelta(milliseconds=1)
    other = as_("dispatcher").post(f"/claims/{asked.id}/appointment", json={"at": at(hours=5)}, idem=True)
    assert (other.status_code, other.json["code"]) == (409, "appointment_moved")
    off = desk.post(f"/claims/{asked.id}/appointment", json={"at": None, "seen": shown}, idem=True)
    assert off.status_code == 200 and jobs(phone)["tasks"][0]["appointment_at"] is None
    past = desk.post(f"/claims/{asked.id}/appointment", json={"at": at(hours=-1)}, idem=True)
    assert (past.status_code, past.json["errors"][0]["path"]) == (422, "at")


@pytest.mark.parametrize("role", ["adjuster", "supervisor", "admin"])
def test_only_who_speaks_to_customers_agrees_times(as_, held, asked, role):
    assert as_(role).post(f"/claims/{asked.id}/appointment", json={"at": None}, idem=True).status_code == 403
