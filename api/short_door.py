"""A short way in for positions, in front of Flask: who, decode, write with others, answer. Nothing else.

A ping a second from everybody is most of what the server hears, and Flask's own machinery costs more than the rest of
a ping. So the four addresses of positions are answered here when all is as usual. Whatever is not (a stranger, another
device's name, a body nobody can read, an Idempotency-Key, a form nobody sends) goes on to Flask with its body, and is
judged and answered there: there is one set of errors, and it is Flask's.
"""

import hashlib
import io
import json
import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from sqlalchemy.exc import SQLAlchemyError

from api import auth, errors, health, pings
from api.patience import Patience
from api.phones import knows_app, note_app
from api.protocols import intake
from api.short_ways import TRACKER, WAYS, Elsewhere, Environ, Given, Understand, body_of
from core.database import Sessions
from core.errors import Busy, ChakanError, TooMany, Unsigned
from geo.group import Group, too_many
from geo.taking import Batch, Outcome, Taken
from staff import devices

log = logging.getLogger(__name__)

Respond = Callable[..., Any]

MOST_KNOWN = 100_000


class Signed(NamedTuple):
    """Whose device it is, and by which token."""

    surveyor_id: int
    device_id: int
    token_id: int


class KnownDevices:
    """Which device a secret belongs to, by the secret's digest.

    Nothing here says that a device may still send: the transaction that writes asks that again, so a revoked token is
    refused at once, however long it is remembered here.
    """

    def __init__(self, sessions: Sessions, most: int = MOST_KNOWN) -> None:
        self.sessions, self.most = sessions, most
        self.known: dict[bytes, Signed] = {}

    def find(self, kind: bytes, secret: str) -> tuple[bytes, Signed]:
        """The device and what it is remembered by. Raises Elsewhere for a stranger."""
        if not 1 <= len(secret) <= 200:
            raise Elsewhere
        key = kind + hashlib.sha256(secret.encode()).digest()
        found = self.known.get(key)
        if found is None:
            found = self._ask(kind, secret)
            if len(self.known) >= self.most:
                self.known.clear()
            self.known[key] = found
        return key, found

    def forget(self, key: bytes) -> None:
        """Asks again next time."""
        self.known.pop(key, None)

    def _ask(self, kind: bytes, secret: str) -> Signed:
        look = devices.by_tracker_id if kind == TRACKER else devices.by_token
        with self.sessions.begin() as session:
            actor = look(session, secret)
        if actor is None or actor.device_id is None or not actor.has("surveyor"):
            raise Elsewhere
        return Signed(actor.person_id, actor.device_id, actor.token_id)


Headers = list[tuple[str, str]]
Say = Callable[[int, Headers, bytes], None]


class Visit:
    """A request on its short way: when it came, what it is called, how it is answered."""

    def __init__(self, endpoint: str, environ: Environ, say: Say) -> None:
        self.endpoint, self.environ, self.say = endpoint, environ, say
        self.began = time.perf_counter()
        self.request_id = auth.request_id(environ.get("HTTP_X_REQUEST_ID", ""))
        self.given: Given
        self.key: bytes
        self.who: Signed
        self.long_way: Callable[[], None]

    def answer(self, status: int, headers: Headers, body: bytes) -> None:
        """Answers, and counts it."""
        health.record(self.endpoint, status, time.perf_counter() - self.began, self.request_id)
        headers += [("Content-Length", str(len(body))), ("X-Request-Id", self.request_id)]
        self.say(status, headers, body)

    def taken(self, taken: Taken, offers: list[int]) -> None:
        """Answers what was committed."""
        kind, body = self.given.answer(taken, offers)
        self.answer(200, [("Content-Type", kind)], body)

    def refuse(self, error: ChakanError) -> None:
        """Sends it away by itself: Flask has no part in it."""
        status, headers, body = _refusal(error)
        self.answer(status, list(headers.items()), body)


# What a request is marked with that must not come back here: it was judged, and Flask answers.
LONG_WAY = "chakan.long_way"


class ShortDoor:
    """The WSGI application in front of `app`. Metrics, request ids and limits are those of the long way."""

    def __init__(self, app: Any, sessions: Sessions, group: Group) -> None:
        self.app, self.group = app, group
        self.patience: Patience | None = None  # stands in front, so it is made after this
        self.known = KnownDevices(sessions)

    def __call__(self, environ: Environ, respond: Respond) -> Iterable[bytes]:
        way = WAYS.get((environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")))
        if way is None:
            return self.app(environ, respond)  # type: ignore[no-any-return]
        said: list[bytes] = []

        def say(status: int, headers: Headers, body: bytes) -> None:
            respond(f"{status} {errors.TITLES.get(status, 'OK')}", headers)
            said.append(body)

        visit = Visit(way[0], environ, say)
        try:
            if LONG_WAY in environ:
                raise Elsewhere
            self._enter(visit, way[1])
            self._wait(visit)
        except (TooMany, Busy) as error:
            visit.refuse(error)
        except (Elsewhere, ChakanError, SQLAlchemyError):
            environ.setdefault("HTTP_X_REQUEST_ID", visit.request_id)
            # One whose body is still on its way is not counted: a dozen slow senders would hold every place for ever.
            if not isinstance(environ["wsgi.input"], io.BytesIO):
                return self.app(environ, respond)  # type: ignore[no-any-return]
            try:
                with self.group.alone():
                    return self.app(environ, respond)  # type: ignore[no-any-return]
            except TooMany as error:
                visit.refuse(error)
        return said

    def later(self, environ: Environ, say: Say, usual: Callable[[], None]) -> bool:
        """Takes a request whose thread need not wait: `say` answers after the commit, from the writer's thread.

        False: not an address of ours. What Flask must answer goes through `usual`, which answers as a server does.
        """
        way = WAYS.get((environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")))
        if way is None:
            return False
        visit = Visit(way[0], environ, say)
        visit.long_way = usual
        try:
            if self.patience is not None:
                self.patience.watch(environ)
            self._enter(visit, way[1])
            if self._is_one_part(visit):
                self._send_in(visit)
            else:
                self._wait(visit)
        except (TooMany, Busy) as error:
            visit.refuse(error)
        except (Elsewhere, ChakanError, SQLAlchemyError):
            _go_on(visit)
        return True

    def _enter(self, visit: Visit, understand: Understand) -> None:
        """Reads the request and knows its sender. Raises TooMany, Elsewhere and what Flask should say."""
        if self.group.crowded():
            raise too_many()
        visit.given = given = understand(visit.environ, body_of(visit.environ))
        visit.key, visit.who = self.known.find(given.kind, given.secret)
        if given.must_be is not None and given.must_be != str(visit.who.device_id):
            raise Elsewhere
        if not intake.is_label(given.named, visit.who.device_id):
            raise Elsewhere

    def _is_one_part(self, visit: Visit) -> bool:
        """Whether one transaction takes it all, and nothing is to be noted of the app beside it."""
        most = pings.MOST_FIXES if visit.given.news else intake.CHUNK
        return len(visit.given.read.fixes) <= most and knows_app(
            visit.who.device_id, visit.environ.get("HTTP_USER_AGENT")
        )

    def _send_in(self, visit: Visit) -> None:
        who, read = visit.who, visit.given.read
        if len(read.fixes) + read.unread.total() > intake.MOST_ITEMS:
            raise Elsewhere

        def told(outcome: Outcome | BaseException, offers: list[int]) -> None:
            if isinstance(outcome, Taken):
                visit.taken(outcome, offers)
            elif isinstance(outcome, TooMany | Busy):
                visit.refuse(outcome)
            else:
                if isinstance(outcome, Unsigned):
                    self.known.forget(visit.key)
                # The others of this commit do not wait for what Flask has to say to one of them.
                threading.Thread(target=_go_on, args=(visit,), name="positions-doubt", daemon=True).start()

        batch = Batch(who.surveyor_id, who.device_id, read.fixes, read.unread, who.token_id)
        self.group.submit_later(batch, told, news=visit.given.news)

    def _wait(self, visit: Visit) -> None:
        try:
            taken, offers = self._take(visit.who, visit.given)
        except Unsigned:
            self.known.forget(visit.key)
            raise
        self._note_app(visit.who.device_id, visit.environ.get("HTTP_USER_AGENT"))
        visit.taken(taken, offers)

    def _note_app(self, device_id: int, app: str | None) -> None:
        try:
            note_app(self.known.sessions, device_id, app)
        except SQLAlchemyError as error:
            # The fixes are stored: they must not go Flask's way once more for the sake of a name. The next send tells it again.
            log.warning("an app's name was not kept", extra={"error": type(error).__name__})

    def _take(self, who: Signed, given: Given) -> tuple[Taken, list[int]]:
        """As `intake.take`: some hundreds a commit, all of them before the answer."""
        fixes, size = given.read.fixes, pings.MOST_FIXES if given.news else intake.CHUNK
        if len(fixes) + given.read.unread.total() > intake.MOST_ITEMS:
            raise Elsewhere
        whole, offers = Taken(0, {}, {}, None), list[int]()
        for start in range(0, max(1, len(fixes)), size):
            part = Batch(
                who.surveyor_id,
                who.device_id,
                fixes[start : start + size],
                given.read.unread if start == 0 else {},
                who.token_id,
            )
            taken, offers = self.group.submit(part, news=given.news, insist=start > 0)
            whole = taken if start == 0 else whole.plus(taken)
        return whole, offers


def _go_on(visit: Visit) -> None:
    """Lets Flask answer what came by `later`."""
    environ = visit.environ
    environ.setdefault("HTTP_X_REQUEST_ID", visit.request_id)
    environ[LONG_WAY] = True
    visit.long_way()


def _refusal(error: ChakanError) -> tuple[int, dict[str, str], bytes]:
    status = errors.STATUS[error.kind]
    said, headers = errors.problem_parts(status, error.code, error.detail, error.facts, error.errors)
    return status, headers, json.dumps(said, ensure_ascii=False, sort_keys=True).encode()
