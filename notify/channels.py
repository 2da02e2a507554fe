"""Channels: what a driver is, and which one the settings ask for."""

from collections.abc import Mapping
from typing import Protocol

from core.settings import Settings
from notify.chat import AppriseChat
from notify.errors import Permanent
from notify.mail import SmtpMail
from notify.message import Letter
from notify.sms.http import HttpSms
from notify.sms.outbox import VisibleOutbox
from notify.webhook import Webhook


class Driver(Protocol):
    """Hands one letter over. Returns the provider's own id, if it gives one; raises a SendFailed."""

    name: str

    def send(self, letter: Letter) -> str | None: ...


def drivers(settings: Settings) -> dict[str, Driver]:
    """One driver a channel, as the settings say. Cheap to make: nothing connects before `send`."""
    visible = VisibleOutbox()
    return {
        "sms": HttpSms(
            settings.sms_gateway_url, settings.sms_gateway_token, knows_ids=settings.sms_gateway_knows_ids
        )
        if settings.sms_driver == "http"
        else visible,
        "mail": SmtpMail(settings.mail_smtp, settings.mail_from)
        if settings.mail_driver == "smtp"
        else visible,
        "chat": AppriseChat(settings.chat_urls) if settings.chat_urls else visible,
        "webhook": Webhook(settings.secret_key, settings.webhook_hosts),
    }


def driver_for(available: Mapping[str, Driver], channel: str) -> Driver:
    """The driver of a channel. Raises Permanent for a channel nobody serves."""
    if channel not in available:
        raise Permanent("no_driver")
    return available[channel]
