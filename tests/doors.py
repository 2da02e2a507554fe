"""The ways in for positions: Flask's own, the short one in front of it, and that one with answers that come later."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import wsgi
from api import later

DOORS = ("flask", "short", "later")


class Proto:
    """What a server answers a request with, as Granian's: from any thread, once."""

    def __init__(self) -> None:
        self.said: tuple[int, list[tuple[str, str]], bytes] | None = None
        self.answered = threading.Event()

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        if self.said is None:
            self.said = status, headers, body
            self.answered.set()


def as_granian(door: Any, app: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """A WSGI application that answers as a server would that lets answers come later."""

    def usual(proto: Proto, environ: dict[str, Any]) -> None:
        told: list[Any] = []
        body = b"".join(app(environ, lambda status, headers, *rest: told.extend((status, headers))))
        proto.response_bytes(int(told[0].split(" ")[0]), list(told[1]), body)

    run = later.runner(door, usual)

    def application(environ: dict[str, Any], respond: Callable[..., Any]) -> Iterable[bytes]:
        proto = Proto()
        run(proto, environ)
        assert proto.answered.wait(30), "nobody answered"
        assert proto.said is not None
        status, headers, body = proto.said
        respond(f"{status} OK", headers)
        return [body]

    return application


@contextmanager
def opened(app: Any, which: str) -> Iterator[Any]:
    """The application with one of the two doors; the short one's threads end with it."""
    if which == "flask":
        yield app
        return
    behind, door = app.wsgi_app, wsgi.open_short_door(app)
    door.answered = 0
    ways = {"short": "_wait", "later": "_send_in"}
    enter = getattr(door, ways[which])

    def counted(visit: Any, *how: Any, **more: Any) -> Any:
        taken = visit.taken

        def said(*given: Any) -> None:
            door.answered += 1
            taken(*given)

        visit.taken = said
        return enter(visit, *how, **more)

    setattr(door, ways[which], counted)
    if which == "later":
        app.wsgi_app = as_granian(door, app.wsgi_app)
    app.extensions["short door"] = door
    try:
        yield app
    finally:
        door.senders.stop()
        door.group.stop()
        door.group.moved.__self__.stop()
        app.wsgi_app = behind
