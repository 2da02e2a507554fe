"""Answers that come later rest on what Granian is known to do; should it change, positions wait in threads again."""

from typing import Any

import pytest
from granian.server import mp

from api import later


@pytest.fixture
def as_shipped(monkeypatch: pytest.MonkeyPatch) -> Any:
    theirs = getattr(mp, later.NAME)
    monkeypatch.setattr(mp, later.NAME, theirs)
    return theirs


class Door:
    def __init__(self, answers: bool) -> None:
        self.answers, self.given = answers, []  # type: ignore[var-annotated]

    def later(self, environ: Any, say: Any, usual: Any) -> bool:
        self.given.append(environ)
        if self.answers:
            say(200, [], b"later")
        return self.answers


class Proto:
    said: Any = None

    def response_bytes(self, status: int, headers: Any, body: bytes) -> None:
        self.said = status, body


def app(environ: Any, respond: Any) -> Any:
    respond("404 NOT FOUND", [])
    return [b"usual"]


def served(door: Any, **options: Any) -> Any:
    def application(environ: Any, respond: Any) -> Any:
        return app(environ, respond)

    application.short_door = door  # type: ignore[attr-defined]
    return getattr(mp, later.NAME)(application, options.pop("scope", {}), **options)


def asked(run: Any) -> Any:
    proto = Proto()
    run(proto, {"REQUEST_METHOD": "GET", "PATH_INFO": "/"})
    return proto.said


def test_this_granian_lets_answers_come_later_and_serves_the_rest_itself(as_shipped: Any) -> None:
    assert later.install() and later.install()
    assert asked(served(Door(answers=True))) == (200, b"later")
    assert asked(served(Door(answers=False))) == (404, b"usual")
    assert asked(served(None)) == (404, b"usual")


def test_behind_a_prefix_or_with_a_log_of_all_requests_granian_serves_alone(as_shipped: Any) -> None:
    later.install()
    door = Door(answers=True)
    run = served(door, scope={"url_path_prefix": "/x"})
    proto = Proto()
    run(proto, {"REQUEST_METHOD": "GET", "PATH_INFO": "/x/"})
    assert (proto.said, door.given) == ((404, b"usual"), [])


def test_a_granian_not_as_known_is_left_alone(as_shipped: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def other(app: Any, options: Any) -> Any:
        return app

    monkeypatch.setattr(mp, later.NAME, other)
    assert not later.install()
    assert getattr(mp, later.NAME) is other
