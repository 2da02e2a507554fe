"""The drivers against real servers on loopback: HTTP gateway, SMTP server, chat room, webhook receiver."""

import base64
import hashlib
import hmac
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from aiosmtpd.controller import Controller

from core.errors import Invalid
from notify import chat, webhook
from notify.errors import Permanent, Transient, Unsure
from notify.mail import SmtpMail
from notify.message import Letter
from notify.sms.http import HttpSms
from notify.sms.outbox import VisibleOutbox
from notify.webhook import Webhook
from tests.site import free_port

SMS = Letter(
    message_id=4711,
    channel="sms",
    address="+8613800138000",
    template="report_taken",
    values={"report_no": "CK1", "slug": "abc", "minutes": 3},
    title="待人工调度 CK1",
    text="【查勘】您的报案CK1已受理",
    lang="zh-CN",
    signature="查勘",
)


@dataclass
class Gateway:
    """A provider that answers as told: a status, or "hang_up" after it has read (and taken) the message."""

    url: str = ""
    answers: list = field(default_factory=list)
    headers: dict = field(default_factory=dict)
    body: bytes = b'{"id": "p-9"}'
    seen: list = field(default_factory=list)

    def texted(self):
        """Message ids by how often a phone would have rung, at a provider that knows our ids."""
        return {given["id"] for _, _, given in self.seen}


@pytest.fixture
def gateway():
    made = Gateway()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            made.seen.append((self.path, dict(self.headers), json.loads(raw)))
            made.raw = raw
            answer = made.answers.pop(0) if made.answers else 200
            if answer == "hang_up":
                self.close_connection = True
                return
            self.send_response(answer)
            for name, value in made.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(made.body)))
            self.end_headers()
            self.wfile.write(made.body)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_address[1]}/sms"
    yield made
    server.shutdown()
    server.server_close()
    thread.join(timeout=5)


def test_the_gateway_gets_number_template_values_text_and_our_id(gateway):
    assert HttpSms(gateway.url, "secret", knows_ids=True).send(SMS) == "p-9"
    (_, headers, given) = gateway.seen[0]
    assert headers["Idempotency-Key"] == "4711" and headers["Authorization"] == "Bearer secret"
    assert given == {
        "id": "4711",
        "to": "+8613800138000",
        "template": "report_taken",
        "lang": "zh-CN",
        "params": {"report_no": "CK1", "slug": "abc", "minutes": "3"},
        "signature": "查勘",
        "text": "【查勘】您的报案CK1已受理",
    }


@pytest.mark.parametrize("body", [b"", b"OK", b"[1]", b"{}", b'{"id": null}', b"\xff"])
def test_a_gateway_that_says_nothing_useful_has_still_taken_the_message(gateway, body):
    gateway.body = body
    assert HttpSms(gateway.url, "", knows_ids=True).send(SMS) is None
    assert "Authorization" not in gateway.seen[0][1]


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_gateway_that_is_busy_is_worth_another_try(gateway, status):
    gateway.answers = [status]
    with pytest.raises(Transient, match=f"gateway_{status}"):
        HttpSms(gateway.url, "", knows_ids=True).send(SMS)


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 403, 404, 422])
def test_a_gateway_that_refuses_or_points_elsewhere_is_not_asked_again(gateway, status):
    gateway.answers, gateway.headers = [status], {"Location": gateway.url + "/elsewhere"}
    with pytest.raises(Permanent, match=f"gateway_{status}"):
        HttpSms(gateway.url, "", knows_ids=True).send(SMS)
    assert len(gateway.seen) == 1, "a redirect would carry the number away"


@pytest.mark.parametrize(
    ("given", "seconds"), [("120", 120), ("99999", 600), ("Fri, 01 Jan 2027", None), ("", None)]
)
def test_the_wait_a_gateway_asks_for_is_taken_up_to_ten_minutes(gateway, given, seconds):
    gateway.answers, gateway.headers = [429], {"Retry-After": given}
    with pytest.raises(Transient) as caught:
        HttpSms(gateway.url, "", knows_ids=True).send(SMS)
    assert caught.value.retry_after_s == seconds


def test_a_gateway_that_is_down_is_worth_another_try():
    with pytest.raises(Transient):
        HttpSms(f"http://127.0.0.1:{free_port()}/", "", knows_ids=False).send(SMS)


@pytest.mark.parametrize(("knows_ids", "kind"), [(True, Transient), (False, Unsure)])
def test_after_a_lost_answer_only_a_gateway_that_knows_our_ids_is_asked_again(gateway, knows_ids, kind):
    gateway.answers = ["hang_up"]
    with pytest.raises(kind):
        HttpSms(gateway.url, "", knows_ids=knows_ids).send(SMS)


@pytest.mark.parametrize("url", ["", "ftp://127.0.0.1/x", "nonsense", "http://[::1"])
def test_a_gateway_address_that_cannot_be_is_a_lasting_fault(url):
    with pytest.raises(Permanent):
        HttpSms(url, "", knows_ids=True).send(SMS)


def test_the_visible_outbox_logs_a_masked_number(caplog):
    with caplog.at_level("INFO"):
        assert VisibleOutbox().send(SMS) is None
    assert caplog.records[0].to == "138****8000"
    assert "13800138000" not in str(caplog.records[0].__dict__) and "受理" not in caplog.text


# Mail


class Postbox:
    """An SMTP server's mind: keeps what it took, refuses what the test wants refused."""

    def __init__(self):
        self.mails, self.answer = [], "250 taken"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 fine"

    async def handle_DATA(self, server, session, envelope):
        self.mails.append(envelope)
        return self.answer


@pytest.fixture
def postbox():
    box = Postbox()
    controller = Controller(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    box.url = f"smtp://127.0.0.1:{controller.port}"
    yield box
    controller.stop()


def mail_to(address):
    return Letter(**{**SMS.__dict__, "channel": "mail", "address": address})


def test_a_mail_arrives_in_chinese_with_an_id_of_its_own(postbox):
    from email import message_from_bytes, policy

    assert (
        SmtpMail(postbox.url, "chakan@example.com").send(mail_to("desk@example.com"))
        == "<chakan-4711@example.com>"
    )
    mail = message_from_bytes(postbox.mails[0].original_content, policy=policy.default)
    assert mail["Subject"] == "【查勘】待人工调度 CK1" and mail["To"] == "desk@example.com"
    assert mail["Message-ID"] == "<chakan-4711@example.com>" and mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content().strip() == SMS.text


def test_an_unknown_mailbox_is_a_lasting_fault(postbox):
    with pytest.raises(Permanent, match="smtp_550"):
        SmtpMail(postbox.url, "chakan@example.com").send(mail_to("nobody@example.com"))


@pytest.mark.parametrize(("answer", "kind"), [("451 later", Transient), ("554 never", Permanent)])
def test_what_the_mail_server_says_decides_about_another_try(postbox, answer, kind):
    postbox.answer = answer
    with pytest.raises(kind, match=f"smtp_{answer[:3]}"):
        SmtpMail(postbox.url, "chakan@example.com").send(mail_to("desk@example.com"))


def test_a_mail_server_that_is_down_is_worth_another_try():
    with pytest.raises(Transient):
        SmtpMail(f"127.0.0.1:{free_port()}", "chakan@example.com").send(mail_to("desk@example.com"))


def test_a_password_is_never_sent_in_the_clear(postbox):
    url = postbox.url.replace("smtp://", "smtp://user:secret@")
    with pytest.raises(Permanent, match="smtp_not_supported"):
        SmtpMail(url, "chakan@example.com").send(mail_to("desk@example.com"))
    assert postbox.mails == []


def test_an_address_cannot_add_headers(postbox):
    with pytest.raises(Permanent, match="bad_address"):
        SmtpMail(postbox.url, "chakan@example.com").send(mail_to("a@example.com\r\nBcc: b@example.com"))
    assert postbox.mails == []


# Chat

# Apprise's PGP helper still mentions a module Python 3.13 dropped.
CHATTY = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


@CHATTY
def test_a_chat_room_gets_headline_and_text(gateway):
    urls = gateway.url.replace("http://", "json://")
    (room,) = chat.rooms(urls)
    letter = Letter(**{**SMS.__dict__, "channel": "chat", "address": room})
    assert chat.AppriseChat(urls).send(letter) is None
    assert (gateway.seen[0][2]["title"], gateway.seen[0][2]["message"]) == (SMS.title, SMS.text)


@CHATTY
def test_a_chat_room_that_refuses_is_tried_again_and_one_taken_down_is_not(gateway):
    urls = gateway.url.replace("http://", "json://")
    (room,) = chat.rooms(urls)
    gateway.answers = [500]
    with pytest.raises(Transient):
        chat.AppriseChat(urls).send(Letter(**{**SMS.__dict__, "channel": "chat", "address": room}))
    with pytest.raises(Permanent, match="no_such_room"):
        chat.AppriseChat("").send(Letter(**{**SMS.__dict__, "channel": "chat", "address": room}))


# Webhooks


def hook(url, message_id=12):
    text = json.dumps({"type": "claim.opened", "data": {"claim_id": "5"}})
    values = {"org_id": "77"}
    return Letter(message_id, "webhook", url, "claim.opened", values, "", text, "en", "查勘")


def test_an_event_is_signed_so_that_the_receiver_can_trust_it(gateway):
    Webhook("key", "127.0.0.1").send(hook(gateway.url))
    (_, headers, _) = gateway.seen[0]
    secret = base64.b64decode(webhook.shown_secret("key", 77).removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + gateway.raw
    wanted = "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == wanted and headers["webhook-id"] == "12"
    assert webhook.shown_secret("key", 78) != webhook.shown_secret("key", 77)


@pytest.mark.parametrize(
    "url",
    ["https://127.0.0.1/x", "https://localhost/x", "https://[::1]/x", "https://10.0.0.8/x", "https://192.168.1.1/x",
     "https://169.254.169.254/latest/meta-data", "https://0.0.0.0/x", "https://[::ffff:127.0.0.1]/x",
     "https://2130706433/x", "https://100.64.0.1/x"],
)  # fmt: skip
def test_nobody_reaches_into_our_network_through_a_webhook(url):
    with pytest.raises(Permanent, match="webhook_private_address"):
        Webhook("key", "").send(hook(url))


def test_a_webhook_without_tls_is_refused_unless_the_operator_listed_the_host(gateway):
    with pytest.raises(Permanent, match="webhook_needs_https"):
        Webhook("key", "").send(hook("http://example.com/x"))
    assert Webhook("key", "other 127.0.0.1").send(hook(gateway.url)) is None


def test_a_webhook_follows_no_redirect(gateway):
    gateway.answers, gateway.headers = [302], {"Location": gateway.url + "/elsewhere"}
    with pytest.raises(Permanent, match="gateway_302"):
        Webhook("key", "127.0.0.1").send(hook(gateway.url))
    assert len(gateway.seen) == 1


def test_a_receiver_that_is_away_is_tried_again():
    with pytest.raises(Transient):
        Webhook("key", "127.0.0.1").send(hook(f"http://127.0.0.1:{free_port()}/x"))


@pytest.mark.parametrize(
    "url", ["ftp://a.cn/x", "javascript:alert(1)", "https://", "https://user:pw@a.cn/", "https://a.cn:port/"]
)
def test_an_address_that_is_no_webhook_is_refused_when_it_is_set(url):
    with pytest.raises(Invalid):
        webhook.split(url)
