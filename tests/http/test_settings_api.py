"""The rules of an organisation through the door: who reads, who sets, what fits, where a value comes from."""

import pytest

from api.settings import KNOWN, ROOMS
from core.models import AuditEntry
from staff import rules
from tests import factories


def setting(client, key, query=""):
    """One item of the settings list."""
    return next(item for item in client.get(f"/settings{query}").json["items"] if item["key"] == key)


def test_every_rule_of_every_room_is_listed_with_titles_and_defaults(as_):
    answer = as_("admin").get("/settings").json
    assert {item["key"] for item in answer["items"]} == set(KNOWN)
    assert [room["key"] for room in answer["rooms"]] == [key for key, *_ in ROOMS]
    assert all(item["zh"] and item["en"] and item["version"] == 0 for item in answer["items"])
    assert all(item["value"] == item["default"] for item in answer["items"])
    assert setting(as_("seat"), "contact_limit_min")["value"] == 10


def test_no_two_rooms_use_the_same_key():
    assert sum(len(book) for *_, book in ROOMS) == len(KNOWN)


def test_a_default_fits_its_own_bounds():
    from api.settings import checked

    for rule in KNOWN.values():
        assert checked(rule, rule.default, "") == rule.default


def test_a_rule_counts_for_the_organisation_and_all_below_until_one_sets_its_own(as_, session):
    head = factories.default_organisation(session)
    branch = factories.organisation(session, parent=head)
    session.commit()
    admin, below = as_("admin"), as_("admin", org=branch)
    changed = admin.put("/settings/contact_limit_min", json={"value": 12})
    assert changed.status_code == 200 and changed.json["set_here"] and changed.json["version"] == 1
    item = setting(below, "contact_limit_min")
    assert (item["value"], item["set_here"], item["from_org"]["name"]) == (12, False, "总公司")
    below.put("/settings/contact_limit_min", json={"value": 15})
    assert setting(below, "contact_limit_min")["value"] == 15
    assert setting(admin, "contact_limit_min")["value"] == 12
    assert setting(admin, "contact_limit_min", f"?org_id={branch.id}")["value"] == 15
    cleared = below.delete("/settings/contact_limit_min")
    assert (cleared.json["value"], cleared.json["set_here"]) == (12, False)
    assert below.delete("/settings/contact_limit_min").status_code == 200
    assert rules.value(session, branch.id, "contact_limit_min", 10) == 12


def test_every_change_is_audited_with_the_old_and_the_new_value(as_, session):
    admin = as_("admin")
    admin.put("/settings/offer_ttl_s", json={"value": 60})
    admin.put("/settings/offer_ttl_s", json={"value": 45})
    admin.delete("/settings/offer_ttl_s")
    entries = (
        session.query(AuditEntry).filter(AuditEntry.action.startswith("rule.")).order_by(AuditEntry.seq).all()
    )
    assert [(e.action, e.facts["old"], e.facts.get("new"), e.actor_id) for e in entries] == [
        ("rule.changed", None, 60, admin.person.id),
        ("rule.changed", 60, 45, admin.person.id),
        ("rule.cleared", 45, None, admin.person.id),
    ]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("contact_limit_min", 0), ("contact_limit_min", 100_000), ("contact_limit_min", "10"), ("contact_limit_min", True),
        ("contact_limit_min", 10.5), ("contact_limit_min", None), ("contact_start", "whenever"), ("offer_sms", 1),
        ("offer_sms", "yes"), ("sms_signature", "字"), ("sms_signature", "字" * 13), ("sms_signature", "【查勘】"),
        ("sms_signature", 5), ("sms_signature", "a\u0000b"), ("webhook_url", "javascript:alert(1)"),
        ("webhook_url", "http://example.com/x"), ("webhook_url", "https://127.0.0.1/x"), ("webhook_url", "https://[::1]/"),
        ("webhook_url", "https://169.254.169.254/"), ("webhook_url", "https://user:pw@example.com/"),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_refused_by_name(as_, key, value):
    answer = as_("admin").put(f"/settings/{key}", json={"value": value})
    assert (answer.status_code, answer.json["code"]) == (422, "invalid")
    assert any("value" in error["path"] for error in answer.json["errors"])


@pytest.mark.parametrize(
    ("key", "value"),
    [("contact_limit_min", 1), ("contact_start", "accepted"), ("offer_sms", False), ("sms_signature", "某某财险"),
     ("webhook_url", "https://core.example.com/hook?key=1"), ("webhook_url", "")],
)  # fmt: skip
def test_a_value_that_fits_is_kept_as_it_is(as_, key, value):
    admin = as_("admin")
    assert admin.put(f"/settings/{key}", json={"value": value}).json["value"] == value
    assert setting(admin, key)["value"] == value


def test_a_setting_that_does_not_exist_cannot_be_made_up(as_):
    assert as_("admin").put("/settings/nonsense", json={"value": 1}).status_code == 404
    assert as_("admin").delete("/settings/nonsense").status_code == 404


def test_an_admin_of_a_branch_touches_nothing_above_or_beside_it(as_, session):
    head = factories.default_organisation(session)
    branch, other = (factories.organisation(session, parent=head) for _ in range(2))
    session.commit()
    admin = as_("admin", org=branch)
    for org in (head, other):
        assert (
            admin.put("/settings/offer_ttl_s", json={"value": 60, "org_id": str(org.id)}).status_code == 404
        )
        assert admin.get(f"/settings?org_id={org.id}").status_code == 404
        assert admin.get(f"/settings/webhook/secret?org_id={org.id}").status_code == 404
    assert admin.get(f"/settings?org_id={2**63}").status_code == 404


def test_people_read_settings_but_not_the_webhooks_address(as_):
    as_("admin").put("/settings/webhook_url", json={"value": "https://core.example.com/hook?key=1"})
    assert "key=1" not in as_("dispatcher").get("/settings").text
    assert as_("dispatcher").put("/settings/offer_ttl_s", json={"value": 60}).status_code == 403
    assert as_("dispatcher").get("/settings/webhook/secret").status_code == 403


def test_the_key_of_webhooks_is_one_for_each_organisation(as_, session):
    branch = factories.organisation(session, parent=factories.default_organisation(session))
    session.commit()
    admin = as_("admin")
    own = admin.get("/settings/webhook/secret").json["secret"]
    theirs = admin.get(f"/settings/webhook/secret?org_id={branch.id}").json["secret"]
    assert own.startswith("whsec_") and own != theirs
