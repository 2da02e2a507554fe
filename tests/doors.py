"""The two ways in for positions: Flask's own, and the short one in front of it, over the same application."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import wsgi

DOORS = ("flask", "short")


@contextmanager
def opened(app: Any, which: str) -> Iterator[Any]:
    """The application with one of the two doors; the short one's threads end with it."""
    if which == "flask":
        yield app
        return
    behind, door = app.wsgi_app, wsgi.open_short_door(app)
    door.answered = 0
    answer = door._answer

    def counted(given: Any) -> Any:
        found = answer(given)
        door.answered += 1
        return found

    door._answer = counted
    app.extensions["short door"] = door
    try:
        yield app
    finally:
        door.group.stop()
        door.group.moved.__self__.stop()
        app.wsgi_app = behind
