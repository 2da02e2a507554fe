"""Who asks: a bearer token or the session cookie; then whether the view lets him in."""

import hashlib
import hmac
import random
import time

from flask import Flask, Response, g, request
from sqlalchemy.orm import Session

from api import outer, parts
from core.errors import ChakanError, Denied, Unsigned
from staff import accounts
from staff.accounts import Actor

COOKIE = "chakan"
SAFE = {"GET", "HEAD", "OPTIONS"}


class BadCsrf(ChakanError):
    code, kind = "csrf", "denied"


def csrf_for(secret: str) -> str:
    """The value a page must send back in X-CSRF-Token: bound to its session, unknown to other sites."""
    key = parts().settings.secret_key.encode()
    return hmac.new(key, secret.encode(), hashlib.sha256).hexdigest()


def bearer() -> str | None:
    """The token of the Authorization header, if any."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" and token.strip() else None


def authenticate() -> Actor | None:
    """The actor of this request, or None for a stranger. A cookie counts for writing only with its CSRF value."""
    secret = bearer()
    by_cookie = secret is None and COOKIE in request.cookies
    if by_cookie:
        secret = request.cookies[COOKIE]
    if not secret or len(secret) > 200:
        return None
    with Session(outer.connection()) if outer.concerns() else parts().sessions.begin() as session:
        actor = accounts.by_token(session, secret)
    writes = by_cookie and request.method not in SAFE
    if (
        actor
        and writes
        and not hmac.compare_digest(request.headers.get("X-CSRF-Token", ""), csrf_for(secret))
    ):
        raise BadCsrf("the X-CSRF-Token header is missing or wrong")
    if actor:
        g.secret = secret
    return actor


def guard() -> None:
    """Runs before every view: the door is locked unless the view says otherwise."""
    view = outer.view_of()
    g.actor = None
    g.sessions = parts().sessions
    if view is None:
        return
    if getattr(view, "is_public", False):
        return
    allowed = getattr(view, "allowed", None)
    actor = authenticate()
    if actor is None:
        raise Unsigned("sign in first")
    if allowed is None or not actor.has(*allowed):
        raise Denied("your role does not allow this", needs=sorted(allowed or ()))
    g.actor = actor


def set_cookie(answer: Response, secret: str) -> None:
    """Puts the session cookie on an answer."""
    answer.set_cookie(
        COOKIE,
        secret,
        max_age=12 * 3600,
        httponly=True,
        samesite="Lax",
        secure=parts().settings.secure_cookies,
        path="/",
    )


def request_id(given: str) -> str:
    """The caller's X-Request-Id when it is harmless, else a new one."""
    if 0 < len(given) <= 64 and given.isascii() and given.replace("-", "").isalnum():
        return given
    # A name, not a secret: asking the kernel for it would let another thread take the interpreter in the middle of a ping.
    return f"{random.getrandbits(64):016x}"


def install(app: Flask) -> None:
    """Registers the guard and the request id."""

    @app.before_request
    def begin() -> None:
        g.request_id = request_id(request.headers.get("X-Request-Id", ""))
        g.started = time.perf_counter()
        guard()

    @app.after_request
    def end(answer: Response) -> Response:
        answer.headers["X-Request-Id"] = g.get("request_id", "")
        return answer
