"""The stream process: server-sent events on gevent. Reads Redis only, never the database.

What a viewer may see it asks of the API with the viewer's own credentials, so there is one door, not two.
"""

import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import gevent
import httpx
from gevent.event import Event
from redis import Redis, RedisError

from core import live
from core.settings import Settings

log = logging.getLogger(__name__)

# Changes of one card within this time are sent once: 40 or 10,000 moving dots cost the same number of wake-ups.
BATCH_S = 0.3
COMMENT_S = 15.0
RECHECK_S = 5.0
FORGET_SCOPE_S = 60.0
CREDENTIALS = ("HTTP_AUTHORIZATION", "HTTP_COOKIE")

Environ = dict[str, Any]
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Scope:
    """What a viewer may see. `only` is his own id when he is nothing but a surveyor."""

    org_path: str
    only: str | None


@dataclass(eq=False)
class Viewer:
    """An open stream: changes waiting for it, newest per card, so the buffer never outgrows the picture."""

    scope: Scope
    box: Box | None
    waiting: dict[tuple[str, str], dict[str, Any] | None] = field(default_factory=dict)
    last_id: str = "0-0"
    stale: bool = False
    redraw: bool = False
    woken: Event = field(default_factory=Event)


def sees(scope: Scope, box: Box | None, kind: str, org_path: str, card: dict[str, Any] | None) -> bool:
    """Whether a card belongs on a viewer's screen. A card that left must be told to everyone in scope."""
    if not org_path.startswith(scope.org_path):
        return False
    if card is None:
        return True
    if scope.only is not None:
        people = (card.get("surveyor") or {}, (card.get("offer") or {}).get("surveyor") or {})
        return kind == "task" and any(person.get("id") == scope.only for person in people)
    place = (card.get("position") or {}) if kind == "surveyor" else card
    if box is None or place.get("lon") is None:
        return True
    west, south, east, north = box
    return bool(west <= place["lon"] <= east and south <= place["lat"] <= north)


def event(name: str, data: Any, ident: str | None = None) -> bytes:
    """One server-sent event."""
    head = f"id: {ident}\n" if ident else ""
    return f"{head}event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def box_of(query: str) -> Box | None:
    """The `bbox=west,south,east,north` of a query, or None when absent or unreadable."""
    try:
        west, south, east, north = (float(x) for x in parse_qs(query).get("bbox", [""])[0].split(","))
    except ValueError:
        return None
    return west, south, east, north


class Hub:
    """Reads the feed once for everybody."""

    def __init__(self, redis: Redis) -> None:
        # redis-py types every answer as bytes or text or nothing; ours decodes, so it is text.
        self.redis: Any = redis
        self.viewers: set[Viewer] = set()
        self.last_id = "$"

    def run(self) -> None:
        """Follows the feed for ever; Redis going away and coming back is a normal day."""
        while True:
            try:
                self._follow()
            except RedisError as error:
                log.warning("live feed unreachable", extra={"error": type(error).__name__})
                for viewer in list(self.viewers):
                    viewer.stale, viewer.redraw = True, True
                    viewer.woken.set()
                gevent.sleep(1)

    def _follow(self) -> None:
        newest = self.redis.xinfo_stream(live.STREAM) if self.redis.exists(live.STREAM) else None
        self.last_id = newest["last-generated-id"] if newest else "0-0"
        for viewer in list(self.viewers):
            if viewer.redraw:
                viewer.woken.set()
        while True:
            if not live.healthy(self.redis):
                # Emptied: the sweeper lays the picture anew within seconds; draw from that.
                self._wait_for_picture()
            for _, entries in self.redis.xread({live.STREAM: self.last_id}, count=2000, block=1000) or []:
                for ident, fields in entries:
                    self.last_id = ident
                    self._spread(ident, fields)

    def _wait_for_picture(self) -> None:
        while not self.redis.exists(live.EPOCH):
            gevent.sleep(0.5)
        self.last_id = "0-0"
        for viewer in list(self.viewers):
            viewer.redraw = True
            viewer.woken.set()

    def _spread(self, ident: str, fields: dict[str, str]) -> None:
        body = json.loads(fields["body"])
        for viewer in list(self.viewers):
            if sees(viewer.scope, viewer.box, fields["kind"], body["org_path"], body["card"]):
                viewer.waiting[(fields["kind"], fields["key"])] = body["card"]
                viewer.last_id = ident
                viewer.woken.set()

    def picture(self, viewer: Viewer) -> bytes:
        """The snapshot event: every card the viewer may see now."""
        newest = self.redis.xrevrange(live.STREAM, count=1)
        viewer.last_id = newest[0][0] if newest else "0-0"
        cards: dict[str, list[Any]] = {"surveyor": [], "task": []}
        for kind in ("surveyor", "task"):
            for text in self.redis.hvals(live.shelf(kind)):
                body = json.loads(text)
                if sees(viewer.scope, viewer.box, kind, body["org_path"], body["card"]):
                    cards[kind].append(body["card"])
        data = {
            "surveyors": cards["surveyor"],
            "tasks": cards["task"],
            "server_time": datetime.now(UTC).isoformat(),
        }
        return event("snapshot", data, viewer.last_id)

    def missed(self, viewer: Viewer, since: str) -> bool:
        """Queues what happened after `since`; False when the feed no longer reaches back that far."""
        first = self.redis.xrange(live.STREAM, count=1)
        if not first or order(first[0][0]) > order(since):
            return False
        for ident, fields in self.redis.xrange(live.STREAM, min=f"({since}"):
            body = json.loads(fields["body"])
            if sees(viewer.scope, viewer.box, fields["kind"], body["org_path"], body["card"]):
                viewer.waiting[(fields["kind"], fields["key"])] = body["card"]
            viewer.last_id = ident
        return True


def order(ident: str) -> tuple[int, int]:
    """A stream id as numbers. Raises ValueError when it is not one."""
    first, _, second = ident.partition("-")
    return int(first), int(second or 0)


class Gate:
    """Asks the API what a viewer may see, and asks again when access may have changed."""

    def __init__(self, settings: Settings, redis: Redis) -> None:
        self.url = f"{settings.internal_api_url}/api/v1/live/scope"
        self.redis = redis
        self.client = httpx.Client(timeout=5, limits=httpx.Limits(max_connections=50))

    def ask(self, environ: Environ) -> Scope | int:
        """The viewer's scope, or the status to refuse him with."""
        headers = {name[5:].title(): environ[name] for name in CREDENTIALS if environ.get(name)}
        try:
            answer = self.client.get(self.url, headers=headers)
        except httpx.HTTPError:
            return 503
        if answer.status_code != 200:
            return answer.status_code if answer.status_code in (401, 403) else 503
        scope = answer.json()
        return Scope(scope["org_path"], scope["only"])

    def epoch(self) -> str | None:
        """Changes whenever somebody's access did; None while Redis is away."""
        try:
            return str(self.redis.get(live.AUTH_EPOCH))
        except RedisError:
            return None


class Stream:
    """The WSGI application of the live process."""

    def __init__(self, settings: Settings, redis: Redis) -> None:
        self.gate = Gate(settings, redis)
        self.hub = Hub(redis)
        self.reader: gevent.Greenlet | None = None

    def __call__(self, environ: Environ, start: Callable[..., Any]) -> Iterable[bytes]:
        """Answers GET /api/v1/live, and /livez for the supervisor."""
        if environ["PATH_INFO"] == "/livez":
            start("200 OK", [("Content-Type", "text/plain")])
            return [b"ok"]
        if environ["PATH_INFO"] != "/api/v1/live" or environ["REQUEST_METHOD"] != "GET":
            return refuse(start, 404)
        if self.reader is None:
            self.reader = gevent.spawn(self.hub.run)
        scope = self.gate.ask(environ)
        if isinstance(scope, int):
            return refuse(start, scope)
        start("200 OK", live.SSE_HEADERS)
        return self._events(environ, Viewer(scope, box_of(environ.get("QUERY_STRING", ""))))

    def _events(self, environ: Environ, viewer: Viewer) -> Iterator[bytes]:
        self.hub.viewers.add(viewer)
        try:
            yield b"retry: 2000\n\n"
            yield from self._opening(environ, viewer)
            yield from self._following(environ, viewer)
        finally:
            self.hub.viewers.discard(viewer)

    def _opening(self, environ: Environ, viewer: Viewer) -> Iterator[bytes]:
        try:
            since = environ.get("HTTP_LAST_EVENT_ID", "")
            if since and self._resumes(viewer, since):
                viewer.woken.set()  # what he missed goes out now, not with the next change
            else:
                yield self.hub.picture(viewer)
        except RedisError:
            viewer.stale = viewer.redraw = True
            yield event("stale", {"since": datetime.now(UTC).isoformat()})

    def _resumes(self, viewer: Viewer, since: str) -> bool:
        try:
            return self.hub.missed(viewer, since)
        except ValueError:
            return False

    def _following(self, environ: Environ, viewer: Viewer) -> Iterator[bytes]:
        said = checked = asked = time.monotonic()
        epoch = self.gate.epoch()
        while True:
            viewer.woken.wait(timeout=1)
            now = time.monotonic()
            if now - checked >= RECHECK_S:
                checked, newest = now, self.gate.epoch()
                if newest is None or newest != epoch or now - asked >= FORGET_SCOPE_S:
                    epoch, asked = newest, now
                    scope = self.gate.ask(environ)
                    if scope in (401, 403):
                        yield event("gone", {"kind": "session", "id": ""})
                        return
                    if isinstance(scope, Scope):
                        viewer.scope = scope
            if viewer.woken.is_set():
                gevent.sleep(BATCH_S)
                for message in self._flush(viewer):
                    said = now
                    yield message
            if now - said >= COMMENT_S:
                said = now
                yield b": still here\n\n"

    def _flush(self, viewer: Viewer) -> Iterator[bytes]:
        viewer.woken.clear()
        if viewer.redraw:
            try:
                picture = self.hub.picture(viewer)
            except RedisError:
                viewer.woken.set()
                if viewer.stale:
                    viewer.stale = False
                    yield event("stale", {"since": datetime.now(UTC).isoformat()})
                gevent.sleep(1)
                return
            viewer.redraw = viewer.stale = False
            viewer.waiting.clear()
            yield picture
            return
        waiting, viewer.waiting = viewer.waiting, {}
        last = viewer.last_id
        for (kind, key), card in waiting.items():
            yield event("gone", {"kind": kind, "id": key}, last) if card is None else event(kind, card, last)


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
    return [json.dumps(body).encode()]
