"""The live stream's door inside the API: what a viewer may see, where he looks, and a relay to the stream process.

One address must serve everything without a web server in front, so the API hands the bytes of the stream through: a
thread that sleeps in one read for each viewer, and nothing else of his (docs/decisions/0022-live-relay.md).
A site with many viewers routes /api/v1/live straight to the stream process (deploy/nginx.conf).
"""

import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlencode, urlsplit

from flask import Response, g, request
from flask.typing import ResponseReturnValue
from pydantic import Field

from api import parts
from api.access import DESK
from api.door import EVERYBODY, Door, Strict, Text, roles
from core import live
from core.errors import Busy, Invalid
from core.live import SSE_HEADERS
from dispatch import catastrophe_queries

bp = Door("live", tag="Live")

# launch/processes.py gives the API so many threads more than everything else needs.
MOST_RELAYED = 240
relayed = threading.BoundedSemaphore(MOST_RELAYED)
PASSED_ON = ("Authorization", "Cookie", "Last-Event-ID")
CONNECT_S = 5.0
# The stream says something at least every 15 s.
SILENCE_S = 40.0
PIECE = 64 * 1024


class ViewIn(Strict):
    """Where a viewer looks now: west, south, east, north in degrees WGS-84. `stream` is named in his snapshot."""

    stream: Text = Field(min_length=8, max_length=64)
    bbox: tuple[float, float, float, float] = Field(examples=[[116.2, 39.7, 116.6, 40.1]])


class LiveWanted(Strict):
    """The query of the stream. `batch=1` asks for packed moves, see docs/live.md."""

    bbox: Text | None = Field(None, examples=["116.2,39.7,116.6,40.1"])
    batch: bool = False


@bp.get("/live/scope")
@roles(*EVERYBODY)
def scope() -> ResponseReturnValue:
    """What the caller may see in the stream: an organisation path, and for a mere surveyor only himself.

    `lent` are the paths of those whose surveyors help his organisation in a catastrophe.
    """
    if not g.actor.has(*DESK):
        return {"org_path": g.actor.org_path, "only": str(g.actor.person_id), "lent": []}
    with g.sessions.begin() as session:
        lent = catastrophe_queries.lent_to(session, g.actor.org_path)
    return {"org_path": g.actor.org_path, "only": None, "lent": list(lent)}


@bp.post("/live/view")
@roles(*EVERYBODY)
def look(body: ViewIn) -> ResponseReturnValue:
    """Turns one's own open `batch` stream to another part of the map, without a new connection.

    The name of a stream is a secret of its viewer: it shows nobody more than that viewer may see anyway.
    """
    west, south, east, north = body.bbox
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise Invalid.field("bbox", "west,south,east,north in degrees")
    if not live.look(parts().redis, body.stream, body.bbox):
        raise Busy("the live feed is away for the moment", retry_after_s=5)
    return {}


@bp.get(
    "/live",
    responses={
        200: {"description": "a stream", "content": {"text/event-stream": {"schema": {"type": "string"}}}}
    },
)
@roles(*EVERYBODY)
def stream(query: LiveWanted) -> ResponseReturnValue:
    """Server-sent events: snapshot, surveyor, task, clock, gone, stale; at most one message a second.

    Last-Event-ID resumes; bbox narrows. With `batch=1` moves come packed in `surveyors` events (docs/live.md).
    """
    wanted = {"batch": "1" if query.batch else "", "bbox": query.bbox or ""}
    return relay("/api/v1/live?" + urlencode({n: v for n, v in wanted.items() if v}), relayed, MOST_RELAYED)


def relay(address: str, places: threading.BoundedSemaphore, most: int) -> ResponseReturnValue:
    """Hands a stream of the stream process through, with the caller's own credentials. Raises Busy without a place."""
    url = parts().settings.live_url
    if not url:
        raise Busy("the live stream is not running", retry_after_s=5)
    if not places.acquire(blocking=False):
        raise Busy("too many viewers through this door", retry_after_s=5, most=most)
    headers = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
    try:
        upstream = Upstream(url, address, headers, places)
    except OSError as error:
        places.release()
        raise Busy("the live stream is away for the moment", retry_after_s=2) from error
    if upstream.status != 200:
        body = b"".join(upstream)
        return Response(
            body,
            upstream.status,
            content_type="application/problem+json",
            headers={"Retry-After": "2"},
        )
    answer = Response(upstream, direct_passthrough=True)
    for name, value in SSE_HEADERS:
        answer.headers[name] = value
    return answer


class Upstream:
    """One viewer's connection to the stream process: a socket and the bytes that come out of it.

    HTTP/1.0, so that the body is simply what follows. An HTTP client would cost a megabyte a viewer for its TLS settings.
    Raises OSError when the stream process is away.
    """

    def __init__(
        self, url: str, address: str, headers: dict[str, str], places: threading.BoundedSemaphore
    ) -> None:
        where = urlsplit(url)
        self.places = places
        self.plug = socket.create_connection((where.hostname, where.port or 80), timeout=CONNECT_S)
        self.open = True
        try:
            lines = [f"GET {address} HTTP/1.0", f"Host: {where.netloc}"]
            lines += [f"{name}: {value}" for name, value in headers.items()]
            # Header values cannot hold line breaks: the server in front of us refuses those.
            self.plug.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
            self.status, self.rest = self._head()
            self.plug.settimeout(SILENCE_S)
        except (OSError, ValueError) as error:
            self.plug.close()
            raise OSError("no answer from the stream") from error

    def _head(self) -> tuple[int, bytes]:
        told = b""
        while b"\r\n\r\n" not in told:
            piece = self.plug.recv(PIECE)
            if not piece:
                raise ValueError("the stream ended before it began")
            told += piece
        head, _, rest = told.partition(b"\r\n\r\n")
        return int(head.split(b" ", 2)[1]), rest

    def __iter__(self) -> Iterator[bytes]:
        """The bytes of the body until either side ends."""
        try:
            if self.rest:
                yield self.rest
            while piece := self.plug.recv(PIECE):
                yield piece
        except OSError:
            # The stream process went away: the viewer's EventSource reconnects by itself.
            return
        finally:
            self.close()

    def close(self) -> None:
        """Gives the thread's place back, once."""
        if self.open:
            self.open = False
            self.plug.close()
            self.places.release()
