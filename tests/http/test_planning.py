"""Coverage, moving up and day plans through the door, over real rows and the straight line."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from core import clock
from dispatch import assignments, coverage_map, moving, offers, policy, sweep
from dispatch.models import MoveUp
from geo.fix import LonLat
from tests import factories

LON, LAT = factories.LON, factories.LAT
HISTORY = """
INSERT INTO claim (org_id, report_no, line, reported_at, reporter_phone, reporter_phone_typed, needs, place)
SELECT :org, 'H' || :name || n, 'motor', now() - (n % 28) * interval '1 day', '1', '1', '{}',
       ST_SetSRID(ST_MakePoint(:lon + (n % 10) * 0.002, :lat + (n / 10 % 10) * 0.002), 4326)::geography
  FROM generate_series(1, :n) AS n
"""


@pytest.fixture
def town(session):
    """Reports of a month in two quarters, and three people who all stand in the first."""
    org = factories.default_organisation(session)
    for name, lon, n in (("a", LON, 300), ("b", LON + 0.12, 300)):
        session.execute(text(HISTORY), {"org": org.id, "name": name, "lon": lon, "lat": LAT, "n": n})
    people = [factories.surveyor(session, lon=LON + 0.005, name=f"张{n}") for n in "一二三"]
    session.commit()
    return people


def test_coverage_names_the_hole_and_the_move_that_fills_it(as_, town):
    found = as_("dispatcher").get("/coverage?within_min=15").json
    assert found["provider"] == "straight_line" and found["cell_m"] >= 400 and found["on_duty"] == 3
    assert 0.4 < found["shares"]["600"] <= found["shares"]["1800"] <= 1
    far = [cell for cell in found["cells"] if cell[0] > LON + 0.11]
    assert far and all(cell[3] > 900 for cell in far)
    move = found["move"]
    assert move["surveyor"]["id"] in {str(p.id) for p in town} and move["to"]["lon"] > LON + 0.05
    assert move["covered_after"] - move["covered_before"] > 0.3
    assert found["took_ms"] < 20_000


def test_where_everybody_is_in_reach_the_move_named_is_the_one_after_which_reports_wait_least(as_, session):
    org = factories.default_organisation(session)
    for name, lon in (("a", LON), ("b", LON + 0.03)):
        session.execute(text(HISTORY), {"org": org.id, "name": name, "lon": lon, "lat": LAT, "n": 300})
    people = [factories.surveyor(session, lon=LON + 0.005, name=f"张{n}") for n in "一二三"]
    session.commit()
    found = as_("dispatcher").get("/coverage?within_min=30").json
    move = found["move"]
    assert found["shares"]["1800"] == 1.0 and move["gain_per_h"] == 0
    assert move["sooner_s"] > 5 and move["to"]["lon"] > LON + 0.015
    assert int(move["surveyor"]["id"]) in {one.id for one in people}
    assert move["covered_before"] == move["covered_after"] == 1.0


def test_coverage_counts_the_busy_where_and_when_their_work_ends(session, sessions, as_, town):
    claim = factories.claim(session, lon=LON + 0.125)
    sweep.tick(sessions)
    offer, who = session.execute(text("SELECT id, surveyor_id FROM offer WHERE state = 'open'")).one()
    actor = factories.actor(session, session.get_one(factories.Person, who))
    session.commit()
    offers.accept(sessions, offer, who, actor)
    assignments.depart(sessions, factories.task_of(session, claim).id, who, actor)
    org = factories.default_organisation(session)
    people = coverage_map.people_of(session, org.path, policy.Policy.of(policy.DEFAULTS), clock.read(session))
    busy = next(one for one in people if one.id == who)
    assert busy.place == pytest.approx((LON + 0.125, LAT), abs=1e-6) and not busy.free
    assert busy.free_in_s > 1_200 and [one.free_in_s for one in people if one.id != who] == [0.0, 0.0]


def test_coverage_of_an_empty_town_is_empty(as_):
    found = as_("supervisor").get("/coverage").json
    assert found["cells"] == [] and found["move"] is None


@pytest.mark.parametrize("role", ["seat", "adjuster", "integration"])
def test_who_may_not_look_at_coverage_or_days(as_, town, role):
    client = as_(role)
    for path in ("/coverage", "/moves", f"/surveyors/{town[0].id}/day"):
        assert client.get(path).status_code == 403


def test_a_request_to_move_up_is_asked_seen_answered_and_kept(as_, as_device, town):
    desk, phone = as_("dispatcher"), as_device(town[0])
    body = {"surveyor_id": str(town[0].id), "position": {"lon": LON + 0.12, "lat": LAT}, "place": "东站",
            "within_min": 15, "drive_s": 900, "covered_before": 0.5, "covered_after": 0.9}  # fmt: skip
    made = desk.post("/moves", json=body, idem=True)
    assert made.status_code == 201
    again = desk.post("/moves", json=body, idem=True)
    assert (again.status_code, again.json["code"]) == (409, "move_pending")
    asked = phone.get("/me/jobs").json["move"]
    assert (asked["place"], asked["drive_s"]) == ("东站", 900)
    other = as_device(town[1])
    assert other.post(f"/moves/{asked['id']}/accept", json={}, idem=True).status_code == 404
    assert phone.post(f"/moves/{asked['id']}/accept", json={}, idem=True).json["state"] == "accepted"
    assert phone.post(f"/moves/{asked['id']}/accept", json={}, idem=True).status_code == 200
    late = phone.post(f"/moves/{asked['id']}/decline", json={"reason": "busy"}, idem=True)
    assert (late.status_code, late.json["code"]) == (409, "move_settled")
    kept = desk.get("/moves").json["items"][0]
    assert (kept["state"], kept["covered_after"], kept["surveyor"]["name"]) == ("accepted", 0.9, "张一")
    assert phone.get("/me/jobs").json["move"] is None


def test_nobody_busy_or_of_another_branch_is_asked_to_move(session, sessions, as_, town):
    body = {"surveyor_id": str(town[0].id), "position": {"lon": LON, "lat": LAT}}
    branch = factories.organisation(session, kind="sub_branch")
    session.commit()
    strange = as_("dispatcher", org=branch)
    assert strange.post("/moves", json=body, idem=True).status_code == 404
    desk = as_("dispatcher")
    claim = factories.claim(session)
    actor = factories.actor(session, desk.person)
    session.commit()
    assignments.assign_by_hand(sessions, factories.task_of(session, claim).id, town[0].id, "近", actor)
    refused = desk.post("/moves", json=body, idem=True)
    assert (refused.status_code, refused.json["code"]) == (409, "not_free")


def test_a_request_runs_out_by_itself(session, sessions, as_, town):
    desk = as_("dispatcher")
    wanted = moving.Wanted(town[0].id, LonLat(LON, LAT), "", 600, 0, 0.0, 0.0, "")
    actor = factories.actor(session, desk.person)
    session.commit()
    ident = moving.ask(sessions, actor, wanted)
    later = clock.read(session) + timedelta(minutes=6)
    assert moving.expire(sessions, now=later) == 1
    session.expire_all()
    assert session.get_one(MoveUp, ident).state == "expired"


@pytest.fixture
def busy(session, sessions):
    """A surveyor with three jobs: one agreed for a time, one he is driving to, one just taken."""
    man = factories.surveyor(session, name="赵四")
    who = factories.actor(session, session.get_one(factories.Person, man.id))
    session.commit()
    tasks = []
    for n in range(3):
        claim = factories.claim(session, lon=LON + 0.01 * (n + 1))
        sweep.tick(sessions)
        offer = session.execute(text("SELECT id FROM offer WHERE state = 'open'")).scalar_one()
        session.commit()
        offers.accept(sessions, offer, man.id, who)
        tasks.append(factories.task_of(session, claim))
    at = clock.read(session) + timedelta(hours=3)
    session.commit()
    assignments.appoint(sessions, tasks[0].id, man.id, at, who)
    assignments.depart(sessions, tasks[2].id, man.id, who)
    return man, [str(task.id) for task in tasks], at


def test_a_day_has_the_job_in_hand_first_and_the_appointment_at_its_hour(as_, as_device, busy):
    man, (agreed, taken, driving), at = busy
    found = as_("dispatcher").get(f"/surveyors/{man.id}/day").json
    assert [v["task_id"] for v in found["visits"]] == [driving, taken, agreed] and found["left"] == []
    first, _, last = found["visits"]
    assert (first["in_hand"], last["pinned"], last["late_s"]) == (True, True, 0)
    assert last["begin_at"][:19] == at.isoformat()[:19] and last["wait_s"] > 0
    assert found["provider"] == "straight_line" and found["surveyor"]["name"] == "赵四"
    mine = as_device(man).get("/me/day").json
    assert [v["task_id"] for v in mine["visits"]] == [driving, taken, agreed]


def test_a_job_he_does_not_hold_can_be_tried_in_his_day(session, as_, busy):
    man, tasks, at = busy
    other = factories.task_of(session, factories.claim(session, lon=LON + 0.02))
    desk = as_("dispatcher")
    found = desk.get(f"/surveyors/{man.id}/day?with_task={other.id}").json
    assert {v["task_id"] for v in found["visits"]} == {*tasks, str(other.id)}
    pinned = next(v for v in found["visits"] if v["pinned"])
    assert pinned["begin_at"][:19] == at.isoformat()[:19]
    assert desk.get(f"/surveyors/{man.id}/day?with_task=12").status_code == 404


def test_a_day_is_his_own_or_his_desk_s(session, as_, as_device, busy):
    man = busy[0]
    other = factories.surveyor(session)
    branch = factories.organisation(session, kind="sub_branch")
    session.commit()
    strange = as_("dispatcher", org=branch)
    assert as_device(other).get(f"/surveyors/{man.id}/day").status_code == 404
    assert strange.get(f"/surveyors/{man.id}/day").status_code == 404
    assert as_device(man).get(f"/surveyors/{man.id}/day").status_code == 200
