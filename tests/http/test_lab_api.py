"""Trying rules through the door: who may, what can be tried, one at a time, and the way from the order to the figures."""

import pytest

from dispatch import tries
from dispatch.models import RuleTry
from tests import factories


def test_a_try_is_taken_in_at_once_and_shown_with_its_progress(as_, session):
    answer = as_("dispatcher").post("/lab/tries", json={"changes": {"offer_ttl_s": 60}, "days": 3})
    assert answer.status_code == 202
    assert (answer.json["state"], answer.json["progress"], answer.json["simulated"]) == ("waiting", 0, True)
    shown = as_("supervisor").get(f"/lab/tries/{answer.json['id']}")
    assert shown.json["changes"] == {"offer_ttl_s": 60} and shown.json["result"] is None
    assert session.get(RuleTry, int(answer.json["id"])).days == 3


@pytest.mark.parametrize("role", ["seat", "adjuster", "surveyor"])
def test_only_who_minds_the_rules_may_try_them(as_, role):
    assert as_(role).post("/lab/tries", json={"changes": {"offer_ttl_s": 60}}).status_code == 403
    assert as_(role).get("/lab/tries/1").status_code == 403


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"offer_ttl_s": 1}, "from 10 to 900"),
        ({"offer_ttl_s": "soon"}, "a whole number"),
        ({"no_such": 1}, "no such rule"),
        ({"sms_sign": "x"}, ""),
    ],
)
def test_what_cannot_be_tried_is_refused_by_its_name(as_, changes, says):
    answer = as_("admin").post("/lab/tries", json={"changes": changes})
    assert answer.status_code == 422
    assert answer.json["errors"][0]["path"] == f"changes.{next(iter(changes))}"
    assert says in answer.json["errors"][0]["message"]


def test_one_organisation_tries_one_thing_at_a_time(as_, session):
    admin = as_("admin")
    first = admin.post("/lab/tries", json={"changes": {"offer_ttl_s": 60}})
    again = admin.post("/lab/tries", json={"changes": {"offer_ttl_s": 70}})
    assert (again.status_code, again.json["code"]) == (409, "try_running")
    assert again.json["facts"]["try_id"] == first.json["id"]
    tries.take(session, int(first.json["id"]), factories.utc(2026, 11, 1))
    tries.finish(session, int(first.json["id"]), {"figures": {}})
    session.commit()
    assert admin.post("/lab/tries", json={"changes": {"offer_ttl_s": 70}}).status_code == 202


def test_a_try_of_another_part_of_the_tree_is_not_there(as_, session):
    head = factories.default_organisation(session)
    here, there = factories.organisation(session, parent=head), factories.organisation(session, parent=head)
    session.commit()
    made = as_("admin", org=here).post("/lab/tries", json={"changes": {"offer_ttl_s": 60}})
    assert as_("admin", org=there).get(f"/lab/tries/{made.json['id']}").status_code == 404
    assert as_("admin", org=head).get(f"/lab/tries/{made.json['id']}").status_code == 200
    assert (
        as_("admin", org=there)
        .post("/lab/tries", json={"org_id": str(here.id), "changes": {"offer_ttl_s": 60}})
        .status_code
        == 404
    )


def test_a_try_can_be_cancelled_by_whoever_may_ask_and_the_next_may_start(as_, session):
    made = as_("admin").post("/lab/tries", json={"changes": {"offer_ttl_s": 60}}).json
    for _ in range(2):
        answer = as_("dispatcher").post(f"/lab/tries/{made['id']}/cancel")
        assert (answer.status_code, answer.json["state"]) == (200, "cancelled")
    assert as_("admin").post("/lab/tries", json={"changes": {"offer_ttl_s": 70}}).status_code == 202


@pytest.mark.parametrize("role", ["seat", "adjuster", "surveyor"])
def test_only_who_minds_the_rules_may_cancel_or_list(as_, role):
    made = as_("admin").post("/lab/tries", json={"changes": {"offer_ttl_s": 60}}).json
    assert as_(role).post(f"/lab/tries/{made['id']}/cancel").status_code == 403
    assert as_(role).get("/lab/tries").status_code == 403


def test_a_job_hears_at_its_next_beat_that_its_try_is_wanted_no_more(as_, session):
    made = as_("admin").post("/lab/tries", json={"changes": {"offer_ttl_s": 60}}).json
    ident = int(made["id"])
    tries.take(session, ident, factories.utc(2026, 11, 1))
    assert tries.beat(session, ident, 0.2)
    session.commit()
    as_("admin").post(f"/lab/tries/{ident}/cancel")
    assert not tries.beat(session, ident, 0.3)
    tries.finish(session, ident, {"figures": {}})
    session.commit()
    assert as_("admin").get(f"/lab/tries/{ident}").json["state"] == "cancelled"
    assert tries.take(session, ident, factories.utc(2026, 11, 2)) is None


def test_whoever_comes_back_finds_what_runs_and_what_was_tried_before(as_, session):
    head = factories.default_organisation(session)
    here, there = factories.organisation(session, parent=head), factories.organisation(session, parent=head)
    session.commit()
    first = as_("admin", org=here).post("/lab/tries", json={"changes": {"offer_ttl_s": 60}}).json
    as_("admin", org=here).post(f"/lab/tries/{first['id']}/cancel")
    as_("admin", org=here).post("/lab/tries", json={"changes": {"offer_ttl_s": 70}})
    found = as_("supervisor", org=here).get("/lab/tries").json["items"]
    assert [(one["state"], one["changes"]["offer_ttl_s"]) for one in found] == [
        ("waiting", 70),
        ("cancelled", 60),
    ]
    assert found[0]["asked_by"]
    assert as_("supervisor", org=there).get("/lab/tries").json["items"] == []
    assert as_("admin", org=there).post(f"/lab/tries/{found[0]['id']}/cancel").status_code == 404


def test_the_name_the_door_wakes_is_the_labs_job():
    from api import lab as door
    from core import queues
    from lab import jobs

    assert queues.resolve(door.JOB) is jobs.run_try


def test_every_rule_that_can_be_tried_is_one_the_replay_reads():
    from api.lab import TRIABLE
    from lab.ours import DEFAULTS

    assert DEFAULTS.keys() >= TRIABLE
