"""The bell of a surveyor's phone: an open line that only says «look again», so that an offer's seconds are not waited away."""

import threading

from flask import g
from flask.typing import ResponseReturnValue

from api.door import Door, roles
from api.live import relay

bp = Door("bell", tag="Live")

# launch/processes.py gives the API so many threads more than everything else needs.
MOST_RELAYED = 1200
relayed = threading.BoundedSemaphore(MOST_RELAYED)


@bp.get("/me/bell/scope")
@roles("surveyor")
def bell_scope() -> ResponseReturnValue:
    """Whose bell the caller may listen to: his own."""
    return {"surveyor_id": str(g.actor.person_id)}


@bp.get(
    "/me/bell",
    responses={
        200: {"description": "a stream", "content": {"text/event-stream": {"schema": {"type": "string"}}}}
    },
)
@roles("surveyor")
def bell() -> ResponseReturnValue:
    """Server-sent events: `ring` {what, id, spread_ms} says that something of one's own changed, never what.

    `what` is offer, job, photo, shift, move, catastrophe or all; many who are rung at once spread their questions over
    `spread_ms`. A comment every 20 s shows that the line lives; Last-Event-ID resumes with what was missed.
    """
    return relay("/api/v1/me/bell", relayed, MOST_RELAYED)
