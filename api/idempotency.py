"""Idempotency-Key: an idempotent request is ONE database transaction, its answer stored in the same commit.

A crash before the commit leaves nothing; a crash after it leaves the answer for the repeat (D-01, D-02, P10).
"""

import hashlib
from datetime import timedelta

from flask import Flask, Response, g, make_response, request
from sqlalchemy import Connection, delete, select, text
from sqlalchemy.orm import Session

from api import outer
from core import database
from core.errors import ChakanError
from core.models import IdempotencyKey

KEPT = timedelta(days=7)


class KeyMissing(ChakanError):
    code, kind = "idempotency_key_missing", "malformed"


class KeyBad(ChakanError):
    code, kind = "idempotency_key_bad", "malformed"


class KeyMismatch(ChakanError):
    code, kind = "idempotency_mismatch", "invalid"


class KeyBusy(ChakanError):
    code, kind = "idempotency_busy", "conflict"


def fingerprint() -> bytes:
    """What makes two requests the same: method, path, body."""
    return hashlib.sha256(
        f"{request.method} {request.full_path}\n".encode() + request.get_data(cache=True)
    ).digest()


def actor_name() -> str:
    """Keys of different people never meet."""
    return f"person:{g.actor.person_id}" if g.actor else "public:" + (request.remote_addr or "")


def begin() -> Response | None:
    """Goes on in the outer transaction; returns the stored answer when the key was used before."""
    if not outer.repeatable():
        return None
    key = request.headers.get(outer.HEADER)
    if key is None:
        if getattr(outer.view_of(), "needs_key", False):
            raise KeyMissing("send an Idempotency-Key header, new for each action, the same for its repeats")
        return None
    if not 1 <= len(key) <= 200 or not key.isprintable():
        raise KeyBad("an Idempotency-Key has 1 to 200 printable characters")
    return _reserve(key)


def _reserve(key: str) -> Response | None:
    connection = outer.connection()
    lock = int.from_bytes(hashlib.sha256(f"{actor_name()}\n{key}".encode()).digest()[:8], "big", signed=True)
    if not connection.execute(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": lock}).scalar_one():
        raise KeyBusy("the first request with this key is still running", retry_after_s=1)
    with Session(connection) as session:
        seen = session.scalars(
            select(IdempotencyKey).where(IdempotencyKey.actor == actor_name(), IdempotencyKey.key == key)
        ).one_or_none()
    if seen is None:
        g.idempotency_key, g.fingerprint = key, fingerprint()
        g.sessions = database.sessions(connection)
        return None
    if seen.fingerprint != fingerprint():
        raise KeyMismatch("this Idempotency-Key was used for another request")
    answer = make_response(seen.body, seen.status)
    answer.content_type = seen.content_type
    answer.headers["Idempotent-Replay"] = "true"
    return answer


def store(answer: Response) -> Response:
    """Commits the request together with its answer, or takes everything back when it failed."""
    connection: Connection | None = g.get("outer")
    key = g.pop("idempotency_key", None)
    if connection is None or key is None:
        return answer
    if answer.status_code >= 400:
        return answer
    connection.execute(
        IdempotencyKey.__table__.insert().values(  # type: ignore[attr-defined]
            actor=actor_name(),
            key=key,
            fingerprint=g.fingerprint,
            status=answer.status_code,
            body=answer.get_data(),
            content_type=answer.content_type,
        )
    )
    g.outer_transaction.commit()
    return answer


def forget_old(session: Session, now_minus_kept: object) -> None:
    """Deletes answers older than seven days."""
    session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < now_minus_kept))


def install(app: Flask) -> None:
    """Registers the hooks; after the guard, so that the actor is known."""
    app.before_request(begin)
    app.after_request(store)

    @app.teardown_request
    def close(error: BaseException | None) -> None:
        # Rolls back whatever was not committed by store().
        outer.close()
