"""Claims through the door: taken in once, masked, scoped, amended, assigned."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, func, select, text

from claims.models import Claim, Task
from dispatch import sweep
from dispatch.models import Assignment
from tests import factories

LON, LAT = factories.LON, factories.LAT


def stamp(**ago):
    return (datetime.now(UTC) - timedelta(**ago)).isoformat().replace("+00:00", "Z")


def report(**given):
    """The body of api.md's example, a moment ago."""
    body = {
        "reported_at": stamp(seconds=70), "call_ended_at": stamp(seconds=2),
        "reporter": {"name": "报案人", "phone": "13800001234", "relation": "insured"},
        "loss": {
            "at": stamp(minutes=10), "position": {"lon": LON, "lat": LAT}, "place": "长安街与某路口", "cause": "collision",
            "injured": 0, "movable": True, "scene_left": False,
        },
        "line": "motor", "policy_no": "P1", "items": [{"kind": "own_vehicle", "plate": "京A12345", "vin": None}],
        "needs": ["motor"], "external_no": None, "note": "",
    }  # fmt: skip
    return body | given


@pytest.fixture
def seat(as_):
    return as_("seat")


@pytest.fixture
def dispatcher(as_):
    return as_("dispatcher")


def opened(client, **given):
    answer = client.post("/claims", json=report(**given), idem=True)
    assert answer.status_code == 201, answer.json
    return answer.json


def test_the_contracts_example_is_taken_in(seat):
    body = opened(seat)
    assert set(body) >= {"id", "report_no", "state", "clocks", "duplicates"}
    assert (body["state"], body["duplicates"], body["marks"]) == ("open", [], [])
    clocks = {clock["kind"]: clock for clock in body["clocks"]}
    assert set(clocks) == {"dispatch", "contact", "arrival"}
    contact = clocks["contact"]
    assert (contact["state"], contact["predicted"], contact["limit_s"], contact["stopped_at"]) == (
        "running",
        "ok",
        600,
        None,
    )
    due, start = (datetime.fromisoformat(contact[k]) for k in ("due_at", "start_at"))
    assert due - start == timedelta(minutes=10)


def test_two_facts_are_enough(seat, as_):
    answer = as_("integration").post(
        "/claims", json={"reporter": {"phone": "95518"}, "loss": {"place": "东门外"}}, idem=True
    )
    assert answer.status_code == 201
    assert answer.json["marks"] == ["odd_phone", "no_position"]


def test_the_same_request_twice_is_one_claim(seat, session):
    body = report()
    first = seat.post("/claims", json=body, key="k1")
    again = seat.post("/claims", json=body, key="k1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.data == again.data
    assert again.headers["Idempotent-Replay"] == "true"
    assert session.scalar(select(func.count()).select_from(Claim)) == 1
    assert seat.post("/claims", json=report(note="other"), key="k1").json["code"] == "idempotency_mismatch"
    assert seat.post("/claims", json=body).json["code"] == "idempotency_key_missing"


@pytest.mark.parametrize(
    ("change", "path"),
    [({"reporter": {}}, "reporter.phone"), ({"reporter": {"phone": "x"}}, "reporter.phone"), ({"loss": {}}, "loss.place"),
     ({"line": "ship"}, "line"), ({"reported_at": "yesterday"}, "reported_at"), ({"reported_at": 1_700_000_000}, "reported_at"),
     ({"reported_at": "2026-11-22T08:00:00"}, "reported_at"), ({"reported_at": "2099-01-01T00:00:00Z"}, "reported_at"),
     ({"reported_at": "0001-01-01T00:00:00Z"}, "reported_at"), ({"loss": {"position": {"lon": 0, "lat": 0}}}, "loss.position"),
     ({"loss": {"position": {"lon": 39.9, "lat": 116.4}}}, "loss.position.lat"), ({"unknown": 1}, "unknown"),
     ({"note": "x" * 4001}, "note"), ({"items": [{"kind": "ghost"}]}, "items.0.kind"), ({"note": "a\x00b"}, "note"),
     ({"loss": {"position": {"lon": 116, "lat": 39, "datum": "mars"}}}, "loss.position.datum"),
     ({"loss": {"place": "x", "injured": -1}}, "loss.injured"),
     ({"loss": {"place": "x", "at": "2090-01-01T00:00:00Z"}}, "loss.at")],
)  # fmt: skip
def test_what_is_wrong_is_named_by_its_field(seat, change, path):
    answer = seat.post("/claims", json=report(**change), idem=True)
    assert answer.status_code == 422, answer.json
    assert path in [error["path"] for error in answer.json["errors"]], answer.json
    assert answer.content_type == "application/problem+json"


def test_a_place_in_the_maps_datum_is_kept_in_wgs84(seat):
    gcj = opened(seat, loss={"position": {"lon": LON, "lat": LAT, "datum": "gcj02"}})
    shown = seat.get(f"/claims/{gcj['id']}").json["loss"]
    assert shown["given_in"] == "gcj02"
    assert abs(shown["position"]["lon"] - LON) > 0.003
    back = seat.get(f"/claims/{gcj['id']}?datum=gcj02").json["loss"]["position"]
    assert (back["lon"], back["lat"]) == pytest.approx((LON, LAT), abs=1e-7)


def test_the_list_masks_what_the_file_shows(seat):
    body = opened(seat)
    line = seat.get("/claims").json["items"][0]
    assert line["reporter"] == {"name": "报*人", "phone": "138****1234"}
    assert line["plate"] == "京A·**345"
    whole = seat.get(f"/claims/{body['id']}").json
    assert whole["reporter"]["phone"] == "+8613800001234"
    assert whole["items"][0]["plate"] == "京A12345"


@pytest.mark.parametrize(
    ("role", "full"), [("dispatcher", True), ("adjuster", True), ("supervisor", False), ("admin", False)]
)
def test_the_full_number_is_for_those_who_ring(seat, as_, role, full):
    body = opened(seat)
    phone = as_(role).get(f"/claims/{body['id']}").json["reporter"]["phone"]
    assert phone == ("+8613800001234" if full else "138****1234")


def test_a_surveyor_sees_the_number_only_while_he_holds_the_job(seat, session, sessions, as_device):
    surveyor = factories.surveyor(session)
    session.commit()
    phone = as_device(surveyor)
    body = opened(seat)
    assert phone.get(f"/claims/{body['id']}").status_code == 404
    sweep.tick(sessions)
    asked = phone.get(f"/claims/{body['id']}")
    assert (asked.status_code, asked.json["reporter"]["phone"]) == (200, "138****1234")
    offer_id = asked.json["task"]["offers"][0]["id"]
    assert phone.post(f"/offers/{offer_id}/accept", json={}, idem=True).status_code == 200
    held = phone.get(f"/claims/{body['id']}").json
    assert held["reporter"]["phone"] == "+8613800001234"
    assert held["customer_link"] is None


def test_a_claim_of_another_branch_is_missing(seat, session, as_):
    body = opened(seat)
    factories.default_organisation(session)
    branch = factories.organisation(session)
    session.commit()
    stranger = as_("dispatcher", org=branch)
    for path in ("", "/timeline", "/decision"):
        assert stranger.get(f"/claims/{body['id']}{path}").status_code == 404
    for path, json in (("withdraw", {"reason": "x"}), ("redispatch", {"reason": "x"}),
                       ("assign", {"reason": "x", "surveyor_id": "1"})):  # fmt: skip
        assert stranger.post(f"/claims/{body['id']}/{path}", json=json).status_code == 404
    assert stranger.patch(f"/claims/{body['id']}", json={"note": "x"}).status_code == 404
    assert stranger.get("/claims").json["items"] == []
    assert stranger.get("/board").json["items"] == []


def test_the_list_pages_and_filters(seat):
    ids = [opened(seat, note=str(i))["id"] for i in range(3)]
    first = seat.get("/claims?limit=2").json
    assert [item["id"] for item in first["items"]] == ids[:0:-1]
    second = seat.get(f"/claims?limit=2&after={first['next']}").json
    assert ([item["id"] for item in second["items"]], second["next"]) == (ids[:1], None)
    assert seat.get("/claims?state=approved").json["items"] == []
    assert len(seat.get("/claims?q=a12345").json["items"]) == 3
    assert seat.get("/claims?breached=true").json["items"] == []
    assert seat.get("/claims?state=nonsense").status_code == 422


def test_a_repeat_report_answers_with_what_it_looks_like(seat):
    first = opened(seat)
    second = opened(seat)
    assert [(d["claim_id"], d["reasons"]) for d in second["duplicates"]] == [
        (first["id"], ["near", "phone", "plate"])
    ]
    shown = seat.get(f"/claims/{first['id']}").json["duplicates"]
    assert [d["claim_id"] for d in shown] == [second["id"]]


def test_hints_come_while_typing(seat):
    first = opened(seat)
    hints = seat.get("/duplicates?plate=京a12345").json["items"]
    assert [(h["claim_id"], h["reasons"]) for h in hints] == [(first["id"], ["plate"])]
    near = seat.get(f"/duplicates?lon={LON}&lat={LAT}&phone=138 0000 1234").json["items"]
    assert near[0]["reasons"] == ["near", "phone"]
    assert seat.get("/duplicates").json["items"] == []


def test_the_timeline_tells_who_did_what(seat, dispatcher):
    body = opened(seat)
    dispatcher.patch(f"/claims/{body['id']}", json={"note": "b"})
    events = seat.get(f"/claims/{body['id']}/timeline").json["items"]
    assert [e["kind"] for e in events] == ["claim.opened", "claim.amended"]
    assert events[0]["actor"]["kind"] == "person"
    assert events[1]["facts"] == {"fields": ["note"]}


def test_the_official_number_is_linked_later(seat, as_):
    integration = as_("integration")
    body = opened(seat)
    changed = integration.patch(f"/claims/{body['id']}", json={"external_no": "RDAA2026N1", "version": 1})
    assert (changed.status_code, changed.json["external_no"], changed.json["version"]) == (
        200,
        "RDAA2026N1",
        2,
    )
    again = integration.patch(f"/claims/{body['id']}", json={"note": "x", "version": 1})
    assert (again.status_code, again.json["code"]) == (409, "version_moved")
    known = integration.post("/claims", json=report(external_no="RDAA2026N1"), idem=True)
    assert (known.status_code, known.json["code"], known.json["facts"]["claim_id"]) == (
        409,
        "external_no_taken",
        body["id"],
    )


def test_a_pin_set_later_sends_the_job_out(seat, session, sessions):
    factories.surveyor(session)
    session.commit()
    body = opened(seat, loss={"place": "不详"})
    assert seat.get(f"/claims/{body['id']}").json["task"]["unassigned_reason"] == "no_position"
    seat.patch(f"/claims/{body['id']}", json={"loss": {"position": {"lon": LON, "lat": LAT}}})
    sweep.tick(sessions)
    assert seat.get(f"/claims/{body['id']}").json["task"]["state"] == "offered"


def test_the_dispatcher_assigns_reassigns_and_reads_why(seat, dispatcher, session, sessions):
    near, far = factories.surveyor(session), factories.surveyor(session, lon=LON + 0.1)
    session.commit()
    body = opened(seat)
    sweep.tick(sessions)
    answer = dispatcher.post(
        f"/claims/{body['id']}/assign", json={"surveyor_id": str(far.id), "reason": "客户指定"}
    )
    assert (answer.status_code, answer.json["task"]["state"]) == (200, "accepted")
    assert {c["kind"]: c["state"] for c in answer.json["clocks"]}["dispatch"] == "met"
    moved = dispatcher.post(
        f"/claims/{body['id']}/assign", json={"surveyor_id": str(near.id), "reason": "更近"}
    )
    assert moved.status_code == 200
    same = dispatcher.post(
        f"/claims/{body['id']}/assign", json={"surveyor_id": str(near.id), "reason": "更近"}
    )
    assert (same.status_code, same.json["code"]) == (409, "already_assigned")
    decisions = dispatcher.get(f"/claims/{body['id']}/decision").json["decisions"]
    assert [d["kind"] for d in decisions] == ["manual", "manual", "auto"]
    auto = decisions[-1]
    assert auto["chosen"] == {"id": str(near.id), "name": "李查勘"}
    assert auto["provider"] == "straight_line"
    assert [(c["surveyor"]["id"], c["rank"], c["outcome"], c["reason"]) for c in auto["candidates"]] == [
        (str(near.id), 1, "chosen", None), (str(far.id), 2, "passed_over", "farther")
    ]  # fmt: skip
    whole = dispatcher.get(f"/claims/{body['id']}").json["task"]
    assert [a["end_reason"] for a in whole["assignments"]] == ["reassigned", None]
    assert whole["offers"][0]["state"] == "withdrawn"


def test_a_seat_may_not_assign(seat):
    body = opened(seat)
    answer = seat.post(f"/claims/{body['id']}/assign", json={"surveyor_id": "1", "reason": "x"})
    assert answer.status_code == 403


def test_nobody_can_be_sent_who_is_no_surveyor(seat, dispatcher):
    body = opened(seat)
    answer = dispatcher.post(f"/claims/{body['id']}/assign", json={"surveyor_id": "1", "reason": "x"})
    assert (answer.status_code, answer.json["code"]) == (422, "not_a_surveyor")


def test_a_withdrawn_claim_stays_to_be_read(seat, session):
    body = opened(seat)
    answer = seat.post(f"/claims/{body['id']}/withdraw", json={"reason": "客户销案"})
    assert (answer.status_code, answer.json["state"], answer.json["close_reason"]) == (
        200,
        "withdrawn",
        "客户销案",
    )
    assert answer.json["task"]["state"] == "cancelled"
    assert seat.post(f"/claims/{body['id']}/redispatch", json={"reason": "x"}).status_code == 403
    assert session.scalars(select(Task.state)).one() == "cancelled"


def test_the_board_shows_open_jobs_with_their_clocks(seat, dispatcher, session, sessions):
    surveyor = factories.surveyor(session)
    session.commit()
    first, second = opened(seat), opened(seat)
    sweep.tick(sessions)
    cards = {card["claim_id"]: card for card in dispatcher.get("/board").json["items"]}
    asked = cards[first["id"]]
    assert (asked["state"], asked["plate"], asked["lon"], asked["lat"]) == ("offered", "京A·**345", LON, LAT)
    assert asked["offer"]["surveyor"] == {"id": str(surveyor.id), "name": "李查勘"}
    assert [clock["kind"] for clock in asked["clocks"]] == ["dispatch", "contact", "arrival"]
    assert cards[second["id"]]["unassigned_reason"] in ("nobody_in_reach", "nobody_on_duty")
    assert cards[second["id"]]["duplicate"] is True
    only = dispatcher.get("/board?state=unassigned").json["items"]
    assert [card["claim_id"] for card in only] == [second["id"]]
    assert dispatcher.get("/board?state=nonsense").status_code == 422
    seat.post(f"/claims/{first['id']}/withdraw", json={"reason": "x"})
    assert first["id"] not in {card["claim_id"] for card in dispatcher.get("/board").json["items"]}


def test_alarms_are_listed_until_somebody_says_he_has_seen_them(seat, dispatcher, session, sessions):
    body = opened(seat)
    session.execute(text("UPDATE escalation SET due_at = now() - interval '1 minute' WHERE stage = 'warn_1'"))
    session.commit()
    sweep.tick(sessions)
    alarms = dispatcher.get("/escalations").json["items"]
    assert [(a["stage"], a["clock"]["kind"], a["claim_id"]) for a in alarms] == [
        ("warn_1", "contact", body["id"])
    ]
    seen = dispatcher.post(f"/escalations/{alarms[0]['id']}/acknowledge")
    again = dispatcher.post(f"/escalations/{alarms[0]['id']}/acknowledge")
    assert seen.status_code == 200
    assert seen.json == again.json
    assert dispatcher.get("/escalations").json["items"] == []
    assert len(dispatcher.get("/escalations?all=true").json["items"]) == 1
    waiting = session.execute(text("SELECT id FROM escalation WHERE state = 'waiting' LIMIT 1")).scalar_one()
    assert dispatcher.post(f"/escalations/{waiting}/acknowledge").json["code"] == "not_fired"
    assert dispatcher.post("/escalations/1/acknowledge").status_code == 404


def test_text_with_control_characters_is_stored_clean(seat):
    body = opened(seat, note="a\u202eb\x07c", loss={"place": "路\u200b口"})
    whole = seat.get(f"/claims/{body['id']}").json
    assert (whole["note"], whole["loss"]["place"]) == ("abc", "路口")


def test_nothing_of_the_callers_person_reaches_the_log(seat, caplog, session, sessions):
    caplog.set_level(0)
    factories.surveyor(session)
    session.commit()
    opened(seat)
    sweep.tick(sessions)
    assert "3800001234" not in caplog.text and "京A12345" not in caplog.text and str(LON) not in caplog.text
    assert session.scalar(select(func.count()).select_from(Assignment)) == 0


def test_a_report_costs_a_dozen_statements_and_one_connection(as_, app):
    """What a report costs in a burst are its round trips: this is where one more is noticed."""
    seat, seen, engine = as_("seat"), [], app.extensions["chakan"].engine

    def note(connection, cursor, statement, *rest):
        seen.append((connection.connection.dbapi_connection, statement))

    event.listen(engine, "before_cursor_execute", note)
    try:
        assert opened(seat)["state"] == "open"
    finally:
        event.remove(engine, "before_cursor_execute", note)
    work = [s for _, s in seen if not s.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK"))]
    assert len(work) <= 11, work
    assert len({connection for connection, _ in seen}) == 1
