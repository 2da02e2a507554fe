"""An SMS gateway spoken to over HTTP: one JSON POST a message. The format is in docs/messages.md."""

from typing import Any

import httpx

from notify.errors import Permanent, Transient, Unsure
from notify.message import Letter

# Shorter than the lease on a message, so that a slow gateway never lets two senders work on one.
TIMEOUT = httpx.Timeout(8.0, connect=3.0)
MAX_ANSWER = 64 * 1024
MAX_WAIT_S = 600


def body(letter: Letter) -> dict[str, Any]:
    """What the gateway gets: the registered template with its values, and the same as plain text."""
    return {
        "id": str(letter.message_id),
        "to": letter.address,
        "template": letter.template,
        "lang": letter.lang,
        "params": {name: str(value) for name, value in letter.values.items()},
        "signature": letter.signature,
        "text": letter.text,
    }


def retry_after_s(answer: httpx.Response) -> int | None:
    """The seconds a busy provider asks us to wait, at most ten minutes."""
    given = answer.headers.get("Retry-After", "")
    return min(int(given), MAX_WAIT_S) if given.isdigit() else None


def judge(answer: httpx.Response) -> str | None:
    """The provider's id of an accepted message. Raises Transient when busy, Permanent when refused."""
    if answer.status_code in (408, 425, 429) or answer.status_code >= 500:
        raise Transient(f"gateway_{answer.status_code}", retry_after_s(answer))
    if not answer.is_success:
        # A redirect is refused too: it could lead the customers' numbers anywhere.
        raise Permanent(f"gateway_{answer.status_code}")
    try:
        given = answer.json()
    except ValueError:
        return None
    provider_id = given.get("id") if isinstance(given, dict) else None
    return str(provider_id)[:200] if provider_id is not None else None


class HttpSms:
    """A gateway. `knows_ids`: it drops repeats of our message id, so that we may ask again."""

    name = "http"

    def __init__(self, url: str, token: str, *, knows_ids: bool) -> None:
        self._url = url
        self._token = token
        self._knows_ids = knows_ids

    def send(self, letter: Letter) -> str | None:
        """Posts the message. Raises Transient, Permanent, or Unsure after a lost answer."""
        headers = {"Idempotency-Key": str(letter.message_id)}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        try:
            answer = httpx.post(
                self._url, json=body(letter), headers=headers, timeout=TIMEOUT, follow_redirects=False
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Transient(type(error).__name__) from error
        except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise Permanent("gateway_url") from error
        except httpx.HTTPError as error:
            # The request may have arrived: only a gateway that knows our ids may be asked again.
            raise (Transient if self._knows_ids else Unsure)(type(error).__name__) from error
        return judge(answer)
