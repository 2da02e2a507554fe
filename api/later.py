"""Positions whose request needs no thread while they wait: read, put in the queue, answered by the writer.

A thread that waits for the commit must be woken after it, get the interpreter from whoever has it and hand it on: of the
processor time of a ping that was the greater part (0034). Granian calls a function with the means to answer (`proto`) and
does not mind when they are used after the function returned; WSGI itself knows no such thing. So the wrapper that Granian
puts around a WSGI application is wrapped once more. Where that is not as known, or under another server, nothing is lost
but speed: the thread waits, as `ShortDoor.__call__` lets it.
"""

import inspect
import logging
from collections.abc import Callable
from typing import Any

from api.short_door import ShortDoor
from api.short_ways import Environ

log = logging.getLogger(__name__)

# What Granian's process calls to wrap an application, and how it calls it.
NAME, ASKED = "_wsgi_call_wrap", ["callback", "scope_opts", "access_log_fmt"]

Run = Callable[[Any, Environ], Any]


def install() -> bool:
    """To be called in a Granian process before it serves; says whether answers may come later there."""
    try:
        from granian.server import mp
    except ImportError:
        return False
    theirs = getattr(mp, NAME, None)
    if getattr(theirs, "is_ours", False):
        return True
    if theirs is None or list(inspect.signature(theirs).parameters) != ASKED:
        log.warning("this Granian is not as known: every position waits in a thread of its own")
        return False

    def ours(callback: Any, scope_opts: dict[str, Any], access_log_fmt: Any = None) -> Run:
        usual: Run = theirs(callback, scope_opts, access_log_fmt)
        door = getattr(callback, "short_door", None)
        # A log of all requests would not know of these, and a prefix would have to be taken off their addresses.
        return (
            usual
            if door is None or access_log_fmt or scope_opts.get("url_path_prefix")
            else runner(door, usual)
        )

    ours.is_ours = True  # type: ignore[attr-defined]
    setattr(mp, NAME, ours)
    return True


def runner(door: ShortDoor, usual: Run) -> Run:
    """What Granian calls for each request: positions by the short door, everything else as it would itself."""

    def run(proto: Any, environ: Environ) -> None:
        if not door.later(environ, proto.response_bytes, lambda: usual(proto, environ)):
            usual(proto, environ)

    return run
