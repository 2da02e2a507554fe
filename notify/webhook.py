"""Events pushed to the insurer's own systems, signed after Standard Webhooks, ids only."""

import base64
import hashlib
import hmac
import ipaddress
import socket
import time
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import SplitResult, urlsplit

import httpx

from core.errors import Invalid
from notify.errors import Permanent, Transient
from notify.message import Letter
from notify.sms.http import TIMEOUT, judge

# An event older than this is no news: its receiver asks the API instead.
LIFE = timedelta(hours=24)


def secret(secret_key: str, org_id: int) -> bytes:
    """The signing key of an organisation, derived so that nothing more has to be kept."""
    return hmac.new(secret_key.encode(), f"webhook:{org_id}".encode(), hashlib.sha256).digest()


def shown_secret(secret_key: str, org_id: int) -> str:
    """The signing key as Standard Webhooks libraries take it."""
    return "whsec_" + base64.b64encode(secret(secret_key, org_id)).decode()


def signature(key: bytes, message_id: int, at: int, body: str) -> str:
    """`v1,` and the base64 HMAC-SHA-256 over id, time and body."""
    signed = hmac.new(key, f"{message_id}.{at}.{body}".encode(), hashlib.sha256).digest()
    return "v1," + base64.b64encode(signed).decode()


def event_body(event: str, at: datetime, payload: dict[str, Any]) -> dict[str, Any]:
    """The JSON of an event: what happened, when, to which ids (as text, like everywhere in the API)."""
    data = {
        name: str(value) if name.endswith("_id") and value is not None else value
        for name, value in payload.items()
    }
    return {"type": event, "timestamp": at.isoformat(), "data": data}


def split(url: str) -> SplitResult:
    """The parts of a webhook address. Raises Invalid unless it is http(s) with a host and no user in it."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise Invalid.field("value", "not an address") from error
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username or parts.password:
        raise Invalid.field("value", "an https address, without a user name")
    return parts


def allowed(parts: SplitResult, inside: str) -> bool:
    """Whether the operator listed this host: only then may it be private or without TLS."""
    return (parts.hostname or "") in inside.split()


def reachable(parts: SplitResult, inside: str) -> str:
    """The IP address to talk to. Raises Permanent for a private one: nobody probes our network through us."""
    if parts.scheme != "https" and not allowed(parts, inside):
        raise Permanent("webhook_needs_https")
    try:
        found = socket.getaddrinfo(
            parts.hostname, parts.port or (443 if parts.scheme == "https" else 80), type=socket.SOCK_STREAM
        )
    except (OSError, UnicodeError) as error:
        raise Transient("webhook_unknown_host") from error
    addresses = [str(item[4][0]) for item in found]
    if not allowed(parts, inside) and not all(
        ipaddress.ip_address(a.split("%")[0]).is_global for a in addresses
    ):
        raise Permanent("webhook_private_address")
    return addresses[0]


class Webhook:
    """Posts to the address of a message, over the very IP that was checked; never follows a redirect."""

    name = "webhook"

    def __init__(self, secret_key: str, inside: str) -> None:
        self._secret_key = secret_key
        self._inside = inside

    def send(self, letter: Letter) -> str | None:
        """Posts the event; the receiver drops repeats by `webhook-id`."""
        parts = split(letter.address)
        ip = reachable(parts, self._inside)
        # The time of this try, not of the event: receivers refuse what is older than five minutes.
        at, org_id = int(time.time()), int(letter.values["org_id"])
        host = f"[{ip}]" if ":" in ip else ip
        url = parts._replace(netloc=host if parts.port is None else f"{host}:{parts.port}").geturl()
        headers = {
            "Host": parts.netloc,
            "Content-Type": "application/json",
            "webhook-id": str(letter.message_id),
            "webhook-timestamp": str(at),
            "webhook-signature": signature(
                secret(self._secret_key, org_id), letter.message_id, at, letter.text
            ),
        }
        try:
            with httpx.Client(timeout=TIMEOUT, trust_env=False) as client:
                answer = client.post(
                    url,
                    content=letter.text.encode(),
                    headers=headers,
                    extensions={"sni_hostname": parts.hostname},
                )
        except httpx.HTTPError as error:
            raise Transient(type(error).__name__) from error
        judge(answer)
        return None
