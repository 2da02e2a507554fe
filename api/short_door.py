"""A short way in for positions, in front of Flask: who, decode, write with others, answer. Nothing else.

A ping a second from everybody is most of what the server hears, and Flask's own machinery costs more than the rest of
a ping. So the four addresses of positions are answered here when all is as usual. Whatever is not (a stranger, another
device's name, a body nobody can read, an Idempotency-Key, a form nobody sends) goes on to Flask with its body, and is
judged and answered there: there is one set of errors, and it is Flask's.
"""

import io
import json
import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from api import auth, errors, health, pings
from api.patience import Patience
from api.phones import app_noted, new_app
from api.protocols import intake
from api.senders import Senders, Signed, key_of
from api.short_ways import LOST_AT_4XX, WAYS, Elsewhere, Environ, Given, Understand, body_of
from core.database import Sessions
from core.errors import Busy, ChakanError, TooMany, Unsigned
from geo.group import Group
from geo.taking import Batch, Outcome, Taken
from geo.waiting import too_many

log = logging.getLogger(__name__)

Respond = Callable[..., Any]

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
        self.app: str | None = None  # what its app calls itself, if that is to be noted
        self.long_way: Callable[[], None]

    def parts(self) -> list[Batch]:
        """What it brings, as much a batch as one transaction takes."""
        who, read = self.who, self.given.read
        size = pings.MOST_FIXES if self.given.news else intake.CHUNK
        whole = Batch(who.surveyor_id, who.device_id, read.fixes, read.unread, who.token_id, self.app)
        if len(read.fixes) <= size:
            return [whole]
        first = replace(whole, fixes=read.fixes[:size])
        rest = range(size, len(read.fixes), size)
        return [first, *(replace(first, fixes=read.fixes[n : n + size], unread={}, app=None) for n in rest)]

    def answer(self, status: int, headers: Headers, body: bytes) -> None:
        """Answers, and counts it."""
        health.record(self.endpoint, status, time.perf_counter() - self.began, self.request_id)
        headers += [("Content-Length", str(len(body))), ("X-Request-Id", self.request_id)]
        self.say(status, headers, body)

    def taken(self, taken: Taken, offers: list[int]) -> None:
        """Answers what was committed."""
        if self.app is not None:
            app_noted(self.who.device_id, self.app)
        kind, body = self.given.answer(taken, offers)
        self.answer(200, [("Content-Type", kind)], body)

    def refuse(self, error: ChakanError) -> None:
        """Sends it away by itself: Flask has no part in it."""
        if isinstance(error, TooMany) and self.endpoint in LOST_AT_4XX:
            error = Busy(error.detail, **error.facts)
        status, headers, body = _refusal(error)
        self.answer(status, list(headers.items()), body)


# What a request is marked with that must not come back here: it was judged, and Flask answers.
LONG_WAY = "chakan.long_way"


class ShortDoor:
    """The WSGI application in front of `app`. Metrics, request ids and limits are those of the long way."""

    def __init__(self, app: Any, sessions: Sessions, group: Group) -> None:
        self.app, self.group = app, group
        self.patience: Patience | None = None  # stands in front, so it is made after this
        self.senders = Senders(sessions)

    def begin(self) -> None:
        """Makes ready in the background what the first positions would wait for. Once, in the process that serves."""
        self.group.begin()
        self.senders.look_ahead()

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
            self._know(visit, self.senders.find(visit.key))
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
            who = self.senders.known.get(visit.key)
            if who is None:
                self.senders.find_later(visit.key, lambda found: self._lead_on(visit, found))
            else:
                self._know(visit, who)
                self._send_in(visit, self._wait)
        except (TooMany, Busy) as error:
            visit.refuse(error)
        except (Elsewhere, ChakanError, SQLAlchemyError):
            _go_on(visit)
        return True

    def _lead_on(self, visit: Visit, who: Signed | None) -> None:
        """A stranger is known now, or not at all. Other strangers wait for this thread."""
        try:
            if who is None:
                raise Elsewhere
            self._know(visit, who)
            # It was counted when it came, so it is not sent away now.
            self._send_in(visit, lambda visit: _in_a_thread(self._wait_or_go_on, visit), insist=True)
        except (TooMany, Busy) as error:
            visit.refuse(error)
        except Exception as error:
            # Else nobody would answer; Flask meets the same and says it.
            if not isinstance(error, Elsewhere | ChakanError):
                log.exception("a stranger was not led on")
            _in_a_thread(_go_on, visit)

    def _enter(self, visit: Visit, understand: Understand) -> None:
        """Reads the request. Raises TooMany, Elsewhere and what Flask should say."""
        if self.group.crowded(len(self.senders.strangers)):
            raise too_many()
        visit.given = given = understand(visit.environ, body_of(visit.environ))
        if len(given.read.fixes) + given.read.unread.total() > intake.MOST_ITEMS:
            raise Elsewhere
        visit.key = key_of(given.kind, given.secret)

    def _know(self, visit: Visit, who: Signed) -> None:
        """Knows the sender. Raises Elsewhere when the request names another."""
        visit.who, given = who, visit.given
        if given.must_be is not None and given.must_be != str(who.device_id):
            raise Elsewhere
        if not intake.is_label(given.named, who.device_id):
            raise Elsewhere
        visit.app = new_app(who.device_id, visit.environ.get("HTTP_USER_AGENT"))

    def _send_in(self, visit: Visit, wait: Callable[[Visit], None], *, insist: bool = False) -> None:
        """Puts what one transaction takes into the queue; `wait` sees to what needs several."""
        parts = visit.parts()
        if len(parts) > 1:
            wait(visit)
            return

        def told(outcome: Outcome | BaseException, offers: list[int]) -> None:
            if isinstance(outcome, Taken):
                visit.taken(outcome, offers)
            elif isinstance(outcome, TooMany | Busy):
                visit.refuse(outcome)
            else:
                if isinstance(outcome, Unsigned):
                    self.senders.forget(visit.key)
                # The others of this commit do not wait for what Flask has to say to one of them.
                _in_a_thread(_go_on, visit)

        self.group.submit_later(parts[0], told, news=visit.given.news, insist=insist)

    def _wait_or_go_on(self, visit: Visit) -> None:
        try:
            self._wait(visit)
        except (TooMany, Busy) as error:
            visit.refuse(error)
        except (ChakanError, SQLAlchemyError):
            _go_on(visit)

    def _wait(self, visit: Visit) -> None:
        """As `intake.take`: some hundreds a commit, all of them before the answer."""
        whole, offers = Taken(0, {}, {}, None), list[int]()
        try:
            for number, part in enumerate(visit.parts()):
                taken, offers = self.group.submit(part, news=visit.given.news, insist=number > 0)
                whole = whole.plus(taken) if number else taken
        except Unsigned:
            self.senders.forget(visit.key)
            raise
        visit.taken(whole, offers)


def _in_a_thread(work: Callable[[Visit], None], visit: Visit) -> None:
    threading.Thread(target=work, args=(visit,), name="positions-doubt", daemon=True).start()


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
