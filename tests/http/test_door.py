"""The door is locked by default, says no in one voice, and answers a repeat with the same words."""

import threading

import pytest

from api.door import EVERYBODY
from staff.models import ROLES, Person
from tests import factories

PERSON = {"username": "zhao", "name": "赵某", "roles": ["seat"], "password": factories.PASSWORD}


def routes(app):
    """Every (method, path, view) of the application with 1 for each argument."""
    for rule in app.url_map.iter_rules():
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
            arguments = {
                name: 1 if "int" in str(rule._converters[name]).lower() else "x" for name in rule.arguments
            }
            yield method, rule.build(arguments, append_unknown=False)[1], app.view_functions[rule.endpoint]


def test_strangers_are_turned_away_from_every_locked_route(app, stranger):
    locked = [(m, p) for m, p, view in routes(app) if not getattr(view, "is_public", False)]
    assert len(locked) > 30
    answers = {(m, p): stranger.open(p, method=m).status_code for m, p in locked}
    assert {k: v for k, v in answers.items() if v != 401} == {}


PUBLIC = {
    ("GET", "/livez"), ("GET", "/readyz"), ("POST", "/api/v1/session"), ("POST", "/api/v1/devices/pair"),
}  # fmt: skip


def test_what_is_public_is_public_on_purpose(app):
    public = {(m, p) for m, p, view in routes(app) if getattr(view, "is_public", False)}
    surprises = {
        (m, p)
        for m, p in public - PUBLIC
        if not p.startswith(
            ("/t/", "/api/v1/t/", "/api/v1/ingest/", "/api/docs", "/api/swagger", "/api/v1/openapi.json")
        )
        and not (
            m == "GET"
            and p in ("/", "/desk", "/desk/playback", "/phone", "/review", "/api/", "/api", "/sw.js")
        )
    }
    assert {s for s in surprises if not s[1].startswith("/api/")} == set()
    assert {s for s in surprises if s[1].startswith("/api/v1")} == set()


@pytest.mark.parametrize("role", ROLES)
def test_every_route_refuses_the_roles_it_does_not_name(app, sessions, as_, as_device, role):
    if role == "surveyor":
        with sessions.begin() as session:
            surveyor = factories.surveyor(session)
        client = as_device(surveyor)  # positions come from a paired device
    else:
        client = as_(role)
    refused, admitted = {}, {}
    for method, path, view in routes(app):
        allowed = getattr(view, "allowed", None)
        if allowed is None or "/live" in path or path == "/api/v1/me/bell":
            continue
        if (method, path) == ("DELETE", "/api/v1/session"):  # would end the very token that asks
            continue
        status = client.open(path, method=method, idem=True, json={}).status_code
        (admitted if role in allowed else refused)[(method, path)] = status
    assert {k: v for k, v in refused.items() if v != 403} == {}
    # A 403 for an admitted role may only come from the rows, never from the door; 5xx from nowhere.
    assert {k: v for k, v in admitted.items() if v in (401, 403) or v >= 500} == {}


def test_everybody_means_every_role():
    assert set(EVERYBODY) == set(ROLES)


def test_a_session_cookie_writes_only_with_its_csrf_value(app, sessions):
    with sessions.begin() as session:
        factories.person(session, username="qian", roles=("admin",), password=factories.PASSWORD)
    browser = app.test_client()
    answer = browser.post("/api/v1/session", json={"username": "qian", "password": factories.PASSWORD})
    assert answer.status_code == 200
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie
    assert browser.get("/api/v1/me").json["person"]["username"] == "qian"
    refused = browser.post("/api/v1/tokens", json={"label": "x"})
    assert (refused.status_code, refused.json["code"]) == (403, "csrf")
    made = browser.post("/api/v1/tokens", json={"label": "x"}, headers={"X-CSRF-Token": answer.json["csrf"]})
    assert made.status_code == 201
    gone = browser.delete("/api/v1/session", headers={"X-CSRF-Token": answer.json["csrf"]})
    assert gone.status_code == 204
    browser.set_cookie("chakan", cookie.split("=", 1)[1].split(";")[0])
    assert browser.get("/api/v1/me").status_code == 401


def test_wrong_passwords_are_counted_even_under_an_idempotency_key(app, sessions, stranger):
    with sessions.begin() as session:
        factories.person(session, username="sun", password=factories.PASSWORD)
    wrong = {"username": "sun", "password": "wrong password"}
    codes = [stranger.post("/session", json=wrong, key="same").json["code"] for _ in range(6)]
    assert codes == ["bad_sign_in"] * 5 + ["account_locked"]


def test_the_same_key_and_body_is_one_effect_and_the_same_answer(as_):
    admin = as_("admin")
    body = PERSON | {"org_id": str(admin.person.org_id)}
    first = admin.post("/people", json=body, key="k1")
    again = admin.post("/people", json=body, key="k1")
    assert first.status_code == again.status_code == 201
    assert first.data == again.data
    assert "Idempotent-Replay" not in first.headers
    assert again.headers["Idempotent-Replay"] == "true"
    assert [p["username"] for p in admin.get("/people?q=zhao").json["items"]] == ["zhao"]


def test_the_same_key_with_another_body_is_a_mismatch(as_):
    admin = as_("admin")
    body = PERSON | {"org_id": str(admin.person.org_id)}
    admin.post("/people", json=body, key="k2")
    other = admin.post("/people", json=body | {"username": "other"}, key="k2")
    assert (other.status_code, other.json["code"]) == (422, "idempotency_mismatch")


def test_two_requests_with_one_key_at_once_make_one_person(app, as_):
    admin = as_("admin")
    body = PERSON | {"org_id": str(admin.person.org_id)}
    answers = []

    def send():
        answers.append(admin.post("/people", json=body, key="k3"))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    statuses = sorted({a.status_code for a in answers})
    assert statuses in ([201], [201, 409])
    assert all(a.json["code"] == "idempotency_busy" for a in answers if a.status_code == 409)
    assert len(admin.get("/people?q=zhao").json["items"]) == 1


def test_a_refused_request_leaves_its_key_free(as_):
    admin = as_("admin")
    body = PERSON | {"org_id": str(admin.person.org_id)}
    short = admin.post("/people", json=body | {"password": "short"}, key="k4")
    assert (short.status_code, short.json["code"]) == (422, "weak_password")
    assert admin.post("/people", json=body, key="k4").status_code == 201


def test_unknown_fields_and_wrong_types_are_named(as_):
    admin = as_("admin")
    answer = admin.post("/people", json=PERSON | {"org_id": "1", "is_root": True, "max_open": "many"})
    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    assert {e["path"] for e in answer.json["errors"]} == {"is_root", "max_open"}


def test_what_is_not_json_is_400(as_):
    admin = as_("admin")
    answer = admin.post("/people", data="{not json", content_type="application/json")
    assert answer.status_code == 400
    assert "Traceback" not in answer.text


def test_another_branch_does_not_exist(sessions, as_):
    with sessions.begin() as session:
        root = factories.default_organisation(session)
        left, right = (factories.organisation(session, parent=root) for _ in range(2))
        theirs = factories.surveyor(session, org=right)
    dispatcher = as_("dispatcher", org=left)
    assert dispatcher.post(f"/surveyors/{theirs.id}/pairing").status_code == 404
    assert dispatcher.get(f"/surveyors/{theirs.id}/devices").status_code == 404
    assert theirs.id not in [int(p["id"]) for p in dispatcher.get("/people").json["items"]]


def test_pairing_hands_out_every_secret_once_and_revoking_ends_it(sessions, as_, stranger):
    with sessions.begin() as session:
        surveyor = factories.surveyor(session)
    dispatcher = as_("dispatcher")
    made = dispatcher.post(f"/surveyors/{surveyor.id}/pairing").json
    assert made["qr_svg"].startswith("<svg") and made["url"].endswith(
        "#pair=" + made["code"].replace("-", "")
    )
    paired = stranger.post("/devices/pair", json={"code": made["code"].lower(), "label": "小米"})
    assert paired.status_code == 201
    assert stranger.post("/devices/pair", json={"code": made["code"]}).status_code == 404
    phone = {"Authorization": f"Bearer {paired.json['token']}"}
    assert stranger.get("/me", headers=phone).json["device"]["label"] == "小米"
    assert dispatcher.delete(f"/devices/{paired.json['device']['id']}").status_code == 204
    assert stranger.get("/me", headers=phone).status_code == 401


def test_a_device_token_is_only_a_surveyor(sessions, as_device):
    with sessions.begin() as session:
        surveyor = factories.surveyor(session)
        session.get_one(Person, surveyor.id).roles = ["surveyor", "admin"]
    assert as_device(surveyor).get("/people").status_code == 403


def test_request_ids_come_back_and_rubbish_ones_are_replaced(stranger):
    assert stranger.get("/livez", headers={"X-Request-Id": "abc-123"}).headers["X-Request-Id"] == "abc-123"
    assert stranger.get("/livez", headers={"X-Request-Id": "a b<c>"}).headers["X-Request-Id"] != "a b<c>"
