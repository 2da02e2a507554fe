"""Changing one's own password, and what an administrator may not do to himself."""

import pytest

from staff import accounts
from staff.errors import BadSignIn
from tests import factories

NEW = "a quite new word 9"


@pytest.fixture
def signed_in(app, sessions):
    """Somebody at the desk, signed in by name and password; the client and his CSRF token."""
    with sessions.begin() as session:
        factories.person(session, username="sun", password=factories.PASSWORD)
    client = app.test_client()
    answer = client.post("/api/v1/session", json={"username": "sun", "password": factories.PASSWORD})
    return client, {"X-CSRF-Token": answer.json["csrf"], "Idempotency-Key": "k"}


def change(signed_in, current: str, new: str):
    client, headers = signed_in
    return client.post("/api/v1/me/password", json={"current": current, "new": new}, headers=headers)


def test_who_changes_his_password_stays_signed_in_and_his_other_sessions_end(app, sessions, signed_in):
    _, elsewhere = accounts.sign_in(sessions, "sun", factories.PASSWORD)
    other = app.test_client()
    other.set_cookie("chakan", elsewhere)
    assert other.get("/api/v1/me").status_code == 200
    assert change(signed_in, factories.PASSWORD, NEW).status_code == 204
    assert signed_in[0].get("/api/v1/me").status_code == 200
    assert other.get("/api/v1/me").status_code == 401
    assert accounts.sign_in(sessions, "sun", NEW)[0].has("seat")
    with pytest.raises(BadSignIn):
        accounts.sign_in(sessions, "sun", factories.PASSWORD)


def test_the_present_password_is_asked_for_and_guessing_it_locks_the_account(signed_in):
    answers = [change(signed_in, "wrong password", NEW) for _ in range(6)]
    assert [one.json["code"] for one in answers] == ["wrong_password"] * 5 + ["account_locked"]
    # A page takes 401 for the end of the session; this person is signed in.
    assert answers[0].status_code == 422


def test_a_short_password_is_refused(signed_in):
    assert change(signed_in, factories.PASSWORD, "short").json["code"] == "weak_password"


def test_nobody_changes_a_password_without_being_signed_in(app):
    answer = app.test_client().post("/api/v1/me/password", json={"current": "x", "new": NEW})
    assert answer.status_code == 401


def test_an_administrator_cannot_end_himself_nor_his_own_rights(as_):
    admin = as_("admin")
    path = f"/people/{admin.person.id}"
    for change in ({"disabled": True}, {"roles": ["seat"]}):
        refused = admin.patch(path, json=change)
        assert (refused.status_code, refused.json["code"]) == (409, "own_account")
    assert admin.patch(path, json={"authority_fen": 100}).status_code == 204
