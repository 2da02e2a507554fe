"""The stream process: server-sent events on gevent. Reads Redis only, never the database.

What a viewer may see it asks of the API with the viewer's own credentials, so there is one door, not two.
"""

import random
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import parse_qs

import gevent
import httpx
from redis import Redis

from api import packing
from api.belfry import Bell
from api.groups import Scope, Viewer
from api.hub import Hub
from core import live
from core.settings import Settings

COMMENT_S = 15.0
# After a change of somebody's access every viewer asks again within this time, not all in the same instant.
RECHECK_S = 2.0
# With Redis away nobody tells of changes, so every viewer asks by himself.
BLIND_RECHECK_S = 4.0
FORGET_SCOPE_S = 60.0
RETRY_MS = 2000
# How long the first viewers of a new process wait for its first look at Redis.
FIRST_PICTURE_S = 2.0
# What the kernel may hold for a viewer who does not read; the rest waits with us and is counted.
SEND_BUFFER_BYTES = 128 * 1024
# A bell says nothing that anybody could misuse, and whoever's access changes is told of by name: a thousand phones ask
# rarely by themselves, and are told rarely that the line lives.
BELL_RECHECK_S, BELL_COMMENT_S = 180.0, 20.0
BELL_BUFFER_BYTES = 8 * 1024
UNHEARD_MS = 40_000
LIVE, BELL = "/api/v1/live", "/api/v1/me/bell"
CREDENTIALS = ("HTTP_AUTHORIZATION", "HTTP_COOKIE")

Environ = dict[str, Any]


class Gate:
    """Asks the API what a viewer may see, and asks again when access may have changed."""

    def __init__(self, settings: Settings) -> None:
        self.url = f"{settings.internal_api_url}/api/v1"
        self.client = httpx.Client(timeout=5, limits=httpx.Limits(max_connections=50))

    def ask(self, environ: Environ) -> Scope | int:
        """The viewer's scope, or the status to refuse him with."""
        scope = self._get("/live/scope", environ)
        if isinstance(scope, int):
            return scope
        return Scope(scope["org_path"], scope["only"], tuple(scope.get("lent", ())))

    def ask_whose(self, environ: Environ) -> str | int:
        """The id of the surveyor whose bell may be listened to, or the status to refuse with."""
        found = self._get("/me/bell/scope", environ)
        return found if isinstance(found, int) else str(found["surveyor_id"])

    def _get(self, path: str, environ: Environ) -> dict[str, Any] | int:
        headers = {name[5:].title(): environ[name] for name in CREDENTIALS if environ.get(name)}
        try:
            answer = self.client.get(self.url + path, headers=headers)
        except httpx.HTTPError:
            return 503
        if answer.status_code != 200:
            return answer.status_code if answer.status_code in (401, 403) else 503
        found: dict[str, Any] = answer.json()
        return found


class Stream:
    """The WSGI application of the live process."""

    def __init__(self, settings: Settings, redis: Redis) -> None:
        self.gate = Gate(settings)
        self.hub = Hub(redis)
        self.reader: gevent.Greenlet | None = None

    def __call__(self, environ: Environ, start: Callable[..., Any]) -> Iterable[bytes]:
        """Answers GET /api/v1/live and /api/v1/me/bell, and /livez for the supervisor."""
        path = environ["PATH_INFO"]
        if path == "/livez":
            start("200 OK", [("Content-Type", "text/plain")])
            return [b"ok"]
        if path not in (LIVE, BELL) or environ["REQUEST_METHOD"] != "GET":
            return refuse(start, 404)
        if self.reader is None:
            self.reader = gevent.spawn(self.hub.run)
        if path == BELL:
            return self._bell(environ, start)
        scope = self.gate.ask(environ)
        if isinstance(scope, int):
            return refuse(start, scope)
        start("200 OK", live.SSE_HEADERS)
        return self._events(environ, scope, self._viewer(environ))

    def _viewer(self, environ: Environ) -> Viewer:
        query = parse_qs(environ.get("QUERY_STRING", ""))
        box = packing.read_box(query.get("bbox", [""])[0])
        packed = query.get("batch", [""])[0] in ("1", "true")
        plug = environ.get("gunicorn.socket")
        if plug is not None:
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        viewer = Viewer(packed, box, plug)
        viewer.cells = packing.cells_of(box) if packed and box else None
        return viewer

    def _events(self, environ: Environ, scope: Scope, viewer: Viewer) -> Iterator[bytes]:
        self.hub.ready.wait(FIRST_PICTURE_S)
        self.hub.join(viewer, scope)
        try:
            yield b"retry: %d\n\n" % random.randint(RETRY_MS // 2, RETRY_MS * 2)  # noqa: S311
            since = environ.get("HTTP_LAST_EVENT_ID", "")
            if not (since and self.hub.resume(viewer, since)):
                self.hub.greet(viewer)
            yield from self._following(environ, scope, viewer)
        finally:
            self.hub.leave(viewer)

    def _following(self, environ: Environ, scope: Scope, viewer: Viewer) -> Iterator[bytes]:
        said = asked = time.monotonic()
        epoch, due = self.hub.auth_epoch, 0.0
        while not viewer.dropped:
            viewer.woken.wait(timeout=1)
            now = time.monotonic()
            if epoch != self.hub.auth_epoch and not due:
                due = now + random.uniform(0, RECHECK_S)  # noqa: S311
            blind = self.hub.auth_epoch is None and now - asked >= BLIND_RECHECK_S
            if (due and now >= due) or blind or now - asked >= FORGET_SCOPE_S:
                epoch, due, asked = self.hub.auth_epoch, 0.0, now
                answer = self.gate.ask(environ)
                if answer in (401, 403):
                    yield packing.event("gone", packing.encode({"kind": "session", "id": ""}))
                    return
                if isinstance(answer, Scope) and answer != scope:
                    scope = answer
                    self.hub.join(viewer, scope)
                    self.hub.greet(viewer)
            if told := viewer.take():
                said = now
                yield told
            elif now - said >= COMMENT_S:
                said = now
                # A page hears events only: to it a line on which nothing passes any more looks like a quiet night.
                yield packing.event("still", b"{}") if viewer.packed else b": still here\n\n"

    # -- bells ---------------------------------------------------------------------------------------------------

    def _bell(self, environ: Environ, start: Callable[..., Any]) -> Iterable[bytes]:
        self.hub.ready.wait(FIRST_PICTURE_S)
        if self.hub.away:
            # Before anybody is asked: a thousand phones that come back must cost nothing until there is something to hear.
            return refuse(start, 503)
        whose = self.gate.ask_whose(environ)
        if isinstance(whose, int):
            return refuse(start, whose)
        plug = environ.get("gunicorn.socket")
        if plug is not None:
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BELL_BUFFER_BYTES)
            # A phone without a network says no good-bye: what it does not take in time ends the line.
            plug.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNHEARD_MS)
        start("200 OK", live.SSE_HEADERS)
        kept = {name: environ[name] for name in CREDENTIALS if environ.get(name)}
        return self._ringing(kept, Bell(whose, next_ask()), environ.get("HTTP_LAST_EVENT_ID", ""))

    def _ringing(self, environ: Environ, bell: Bell, since: str) -> Iterator[bytes]:
        belfry = self.hub.belfry
        belfry.hang(bell)
        try:
            yield b"retry: %d\n\n" % random.randint(RETRY_MS // 2, RETRY_MS * 2) + belfry.greet(bell, since)  # noqa: S311
            said = time.monotonic()
            while not bell.ended:
                due = min(bell.ask_at, said + BELL_COMMENT_S)
                bell.woken.wait(timeout=max(0.0, due - time.monotonic()))
                bell.woken.clear()
                now = time.monotonic()
                if now >= bell.ask_at and not self._may_listen(environ, bell):
                    break
                told = bell.take()
                if told or now - said >= BELL_COMMENT_S:
                    said = now
                    yield told or b":\n\n"
            yield packing.event("gone", packing.encode({"why": bell.ended}))
        finally:
            belfry.take_down(bell)

    def _may_listen(self, environ: Environ, bell: Bell) -> bool:
        """Asks again; False when the line is to end. A door that does not answer is asked again soon."""
        bell.ask_at = next_ask()
        whose = self.gate.ask_whose(environ)
        if whose in (401, 403) or (isinstance(whose, str) and whose != bell.who):
            bell.end("session")
        elif isinstance(whose, int):
            bell.ask_at = time.monotonic() + BLIND_RECHECK_S
        return not bell.ended


def next_ask() -> float:
    """When a listener is asked for his right the next time, whatever happens (monotonic)."""
    return time.monotonic() + BELL_RECHECK_S * random.uniform(0.8, 1.2)  # noqa: S311


def refuse(start: Callable[..., Any], status: int) -> list[bytes]:
    """A problem+json refusal of the stream."""
    words = {401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 503: "Service Unavailable"}
    body = {
        "type": "about:blank", "title": words[status], "status": status, "facts": {}, "errors": [],
        "code": {401: "unsigned", 403: "denied", 404: "not_found", 503: "busy"}[status], "detail": words[status],
    }  # fmt: skip
    headers = [("Content-Type", "application/problem+json")] + (
        [("Retry-After", "2")] if status == 503 else []
    )
    start(f"{status} {words[status]}", headers)
    return [packing.encode(body)]
