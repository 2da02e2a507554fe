"""The live stream's door inside the API: what a viewer may see, and a relay to the stream process.

One address must serve everything without a web server in front, so the API hands the bytes of the stream through.
A site with many viewers routes /api/v1/live straight to the stream process (deploy/nginx.conf).
"""

import threading
from collections.abc import Iterator

import httpx
from flask import Response, g, request
from flask.typing import ResponseReturnValue

from api import parts
from api.access import DESK
from api.door import EVERYBODY, Door, roles
from core.errors import Busy
from core.live import SSE_HEADERS

bp = Door("live", tag="Live")

# A relayed viewer holds one thread of the API; the rest of the threads stay free for everything else.
MOST_RELAYED = 40
relayed = threading.BoundedSemaphore(MOST_RELAYED)
PASSED_ON = ("Authorization", "Cookie", "Last-Event-ID")


@bp.get("/live/scope")
@roles(*EVERYBODY)
def scope() -> ResponseReturnValue:
    """What the caller may see in the stream: an organisation path, and for a mere surveyor only himself."""
    return {"org_path": g.actor.org_path, "only": None if g.actor.has(*DESK) else str(g.actor.person_id)}


@bp.get(
    "/live",
    responses={
        200: {"description": "a stream", "content": {"text/event-stream": {"schema": {"type": "string"}}}}
    },
)
@roles(*EVERYBODY)
def stream() -> ResponseReturnValue:
    """Server-sent events: snapshot, surveyor, task, clock, gone, stale. Last-Event-ID resumes; bbox narrows."""
    url = parts().settings.live_url
    if not url:
        raise Busy("the live stream is not running", retry_after_s=5)
    if not relayed.acquire(blocking=False):
        raise Busy("too many viewers through this door", retry_after_s=5, most=MOST_RELAYED)
    try:
        client = httpx.Client(timeout=httpx.Timeout(5, read=40))
        wanted = client.build_request(
            "GET",
            f"{url}/api/v1/live",
            params=request.args.to_dict(),
            headers={name: request.headers[name] for name in PASSED_ON if name in request.headers},
        )
        upstream = client.send(wanted, stream=True)
    except httpx.HTTPError as error:
        relayed.release()
        raise Busy("the live stream is away for the moment", retry_after_s=2) from error
    if upstream.status_code != 200:
        body = upstream.read()
        close(client, upstream)
        return Response(
            body, upstream.status_code, content_type="application/problem+json", headers={"Retry-After": "2"}
        )
    answer = Response(pump(client, upstream), direct_passthrough=True)
    for name, value in SSE_HEADERS:
        answer.headers[name] = value
    return answer


def pump(client: httpx.Client, upstream: httpx.Response) -> Iterator[bytes]:
    """Hands the bytes through until either side ends."""
    try:
        yield from upstream.iter_raw()
    except httpx.HTTPError:
        # The stream process went away: the viewer's EventSource reconnects by itself.
        return
    finally:
        close(client, upstream)


def close(client: httpx.Client, upstream: httpx.Response) -> None:
    """Gives the thread's place back."""
    upstream.close()
    client.close()
    relayed.release()
