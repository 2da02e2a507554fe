"""One transaction for a whole request that may be repeated: who asks, the work, the answer kept for the repeat.

Whoever needs it first begins it, and that is the guard: a connection of its own for who asks would be drawn from the
pool, tried, and given back before the work draws another.
"""

import inspect
from typing import Any

from flask import current_app, g, request
from sqlalchemy import Connection

from api import parts

HEADER = "Idempotency-Key"


def view_of() -> Any:
    """The function that will answer, as its module wrote it: marks set after its registration count too."""
    view = current_app.view_functions.get(request.endpoint or "")
    return None if view is None else inspect.unwrap(view)


def repeatable() -> bool:
    """Whether the answer of this request may be kept under a key; some views keep their own."""
    view = view_of()
    return request.method == "POST" and view is not None and not getattr(view, "own_replay", False)


def concerns() -> bool:
    """Whether this request bears such a key."""
    return HEADER in request.headers and repeatable()


def connection() -> Connection:
    """The request's connection, its transaction begun."""
    if "outer" not in g:
        g.outer = parts().engine.connect()
        g.outer_transaction = g.outer.begin()
    return g.outer  # type: ignore[no-any-return]


def close() -> None:
    """Rolls back whatever was not committed, and gives the connection back."""
    taken = g.pop("outer", None)
    if taken is not None:
        taken.close()
