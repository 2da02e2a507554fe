"""The message list and sending again, through the door."""

import pytest

from core.models import AuditEntry
from notify import service
from notify.models import Message
from tests import factories, rows


@pytest.fixture
def sent(session, sessions, settings):
    """A text to a customer that a provider refused."""
    claim = rows.claim(session)
    session.commit()
    service.tell(sessions, settings, "claim.opened", {"claim_id": claim.id})
    message = session.query(Message).one()
    message.state, message.last_error = "failed", "gateway_400"
    session.commit()
    return message


@pytest.mark.parametrize("role", ["dispatcher", "supervisor", "admin"])
def test_the_desk_reads_messages_with_masked_numbers(as_, sent, role):
    answer = as_(role).get("/messages")
    assert answer.status_code == 200
    (item,) = answer.json["items"]
    assert item["address"] == "138****8000" and "13800138000" not in answer.text
    assert item["text"].startswith("【查勘】您的报案") and item["last_error"] == "gateway_400"
    assert (item["state"], item["channel"], item["audience"], item["pieces"]) == (
        "failed",
        "sms",
        "customer",
        2,
    )
    assert answer.json["next"] is None


def test_messages_of_another_branch_are_not_seen(as_, session, sent):
    branch = factories.organisation(session, parent=factories.default_organisation(session))
    session.commit()
    assert as_("dispatcher", org=branch).get("/messages").json["items"] == []
    assert as_("dispatcher", org=branch).post(f"/messages/{sent.id}/resend").status_code == 404


@pytest.mark.parametrize(
    ("query", "found"),
    [("state=failed", 1), ("state=sent", 0), ("channel=sms", 1), ("channel=mail", 0), ("audience=customer", 1),
     ("template=report_taken", 1), ("template=settled", 0), ("claim_id=1", 0)],
)  # fmt: skip
def test_messages_are_filtered(as_, sent, query, found):
    assert len(as_("dispatcher").get(f"/messages?{query}").json["items"]) == found


def test_messages_come_in_pages_newest_first(as_, session, sessions, settings):
    for _ in range(5):
        claim = rows.claim(session)
        session.commit()
        service.tell(sessions, settings, "claim.opened", {"claim_id": claim.id})
    client, seen, after = as_("dispatcher"), [], ""
    for _ in range(4):
        page = client.get(f"/messages?limit=2{after}").json
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert len(seen) == 5 and seen == sorted(seen, reverse=True)


def test_a_failed_message_is_sent_again_once_per_key_and_audited(as_, session, sent):
    client = as_("dispatcher")
    first = client.post(f"/messages/{sent.id}/resend", key="k1")
    again = client.post(f"/messages/{sent.id}/resend", key="k1")
    assert first.status_code == 201 and first.json == again.json
    busy = client.post(f"/messages/{sent.id}/resend", key="k2")
    assert (busy.status_code, busy.json["code"]) == (409, "message_waiting")
    assert session.query(Message).count() == 2
    entry = session.query(AuditEntry).filter_by(action="message.resent").one()
    assert entry.actor_id == client.person.id


def test_a_supervisor_reads_but_does_not_send(as_, sent):
    assert as_("supervisor").post(f"/messages/{sent.id}/resend").status_code == 403


def test_texts_are_shown_as_they_are_filed_with_the_carrier(as_):
    answer = as_("admin").get("/messages/templates").json
    taken = next(item for item in answer["items"] if item["code"] == "report_taken")
    assert taken["texts"]["zh-CN"].endswith("http://127.0.0.1:8000/t/{slug}")
    assert taken["variables"] == ["report_no", "slug"] and answer["signature"] == "查勘"


@pytest.mark.parametrize("query", ["limit=0", "limit=9999", "after=x", "state=%00", "nonsense=1"])
def test_a_query_that_makes_no_sense_is_refused(as_, query):
    assert as_("dispatcher").get(f"/messages?{query}").status_code == 422
