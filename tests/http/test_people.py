"""An administrator changes who somebody is, where he belongs and how he is reached."""

import pytest

from core.models import AuditEntry
from staff import organisations
from staff.models import Person, Surveyor
from tests import factories


@pytest.fixture
def admin(as_):
    return as_("admin")


@pytest.fixture
def branch(session):
    node = organisations.add(session, factories.default_organisation(session), "branch", "NAN", "南区")
    session.commit()
    return node


def read(session, kind, ident):
    session.expire_all()
    return session.get_one(kind, ident)


def patch(admin, person, **change):
    return admin.patch(f"/people/{person.id}", json=change)


def test_a_new_telephone_and_name_are_what_the_list_shows(admin, session):
    his = factories.surveyor(session)
    session.commit()
    assert patch(admin, his, name="周新", phone="+8613911112222", email="zhou@example.com").status_code == 204
    (line,) = [one for one in admin.get("/people").json["items"] if one["id"] == str(his.id)]
    assert (line["name"], line["phone"], line["email"]) == ("周新", "+8613911112222", "zhou@example.com")
    assert patch(admin, his, phone="", email="").status_code == 204
    assert read(session, Person, his.id).phone is None


def test_others_see_a_masked_number_and_no_address(admin, as_, session):
    his = factories.surveyor(session)
    session.commit()
    patch(admin, his, phone="+8613911112222", email="zhou@example.com")
    (line,) = [one for one in as_("dispatcher").get("/people").json["items"] if one["id"] == str(his.id)]
    assert (line["phone"], line["email"]) == ("139****2222", None)


def test_who_moves_to_another_branch_moves_as_a_surveyor_too_and_signs_in_again(admin, as_, session, branch):
    mover = as_("surveyor")
    assert patch(admin, mover.person, org_id=str(branch.id)).status_code == 204
    assert read(session, Person, mover.person.id).org_id == branch.id
    assert read(session, Surveyor, mover.person.id).org_id == branch.id


@pytest.mark.parametrize("change", [{"skills": ["motor", "agri"]}, {"roles": ["surveyor"]}, {"name": "周"}])
def test_a_change_that_takes_no_right_leaves_people_signed_in(app, admin, session, change):
    with session.begin():
        person = factories.person(session, username="zhou", password=factories.PASSWORD, roles=("surveyor",))
    client = app.test_client()
    client.post("/api/v1/session", json={"username": "zhou", "password": factories.PASSWORD})
    assert patch(admin, person, **change).status_code == 204
    assert client.get("/api/v1/me").status_code == 200
    assert patch(admin, person, roles=["seat"]).status_code == 204
    assert client.get("/api/v1/me").status_code == 401


def test_nobody_is_moved_out_of_ones_sight(as_, session, branch):
    local = as_("admin", org=branch)
    his = factories.surveyor(session, org=branch)
    session.commit()
    head = factories.default_organisation(session)
    assert patch(local, his, org_id=str(head.id)).status_code == 404
    assert read(session, Surveyor, his.id).org_id == branch.id


def test_an_empty_name_is_refused_by_name(admin, session):
    his = factories.surveyor(session)
    session.commit()
    answer = patch(admin, his, name="")
    assert (answer.status_code, answer.json["errors"][0]["path"]) == (422, "name")


def test_the_audit_says_what_changed_and_not_to_what(admin, session):
    his = factories.surveyor(session)
    session.commit()
    patch(admin, his, name="周新", phone="+8613911112222")
    row = session.query(AuditEntry).filter_by(action="person.changed").one()
    assert row.facts["changed"] == ["name", "phone"]
    assert "13911112222" not in str(row.facts)
