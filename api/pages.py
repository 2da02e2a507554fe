"""The pages of the web applications: built files from web/dist, with the headers that keep them safe."""

from pathlib import Path

from flask import Response, make_response, redirect, send_from_directory
from flask.typing import ResponseReturnValue

from api.door import Door, Strict, Text, public

bp = Door("pages", tag="Pages", prefix="")

DIST = Path(__file__).parent.parent / "web" / "dist"

# MapLibre draws from blob workers; the photographs are shown from blobs before they are sent; raster maps are images.
POLICY = (
    "default-src 'self'; script-src 'self'; worker-src 'self' blob:; style-src 'self' 'unsafe-inline';"
    " img-src 'self' blob: data: https:; connect-src 'self' blob: https:; font-src 'self' data:;"
    " object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
SAFE_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    # The customer's page is named by a secret: it must not travel to the map provider.
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "geolocation=(self), camera=(self), microphone=(), screen-wake-lock=(self)",
    "Cache-Control": "no-cache",
}


def lost(path: str) -> Response:
    """The answer to a person at an address that is none: the page meant, or the front door, which says so."""
    meant = path.rstrip("/").lower()
    if meant in ("/desk", "/phone", "/review"):
        return make_response(redirect(meant))
    answer = page("index.html")
    answer.status_code = 404
    return answer


class SlugPath(Strict):
    """The slug in the path."""

    slug: Text


def page(name: str) -> Response:
    """A built page with its headers."""
    answer = send_from_directory(DIST, name, max_age=0)
    for header, value in SAFE_HEADERS.items():
        answer.headers[header] = value
    return answer


@bp.get("/", doc_ui=False)
@public
def home() -> ResponseReturnValue:
    """Sign-in, and the way to one's own screen."""
    return page("index.html")


@bp.get("/desk", doc_ui=False)
@public
def desk() -> ResponseReturnValue:
    """The seat's and the dispatcher's screen; its data is locked, its code is not."""
    return page("desk.html")


@bp.get("/desk/playback", doc_ui=False)
@public
def playback() -> ResponseReturnValue:
    """A link to a moment of the past, handed on from desk to desk."""
    return page("desk.html")


@bp.get("/phone", doc_ui=False)
@public
def phone() -> ResponseReturnValue:
    """The surveyor's phone."""
    return page("phone.html")


@bp.get("/review", doc_ui=False)
@public
def review() -> ResponseReturnValue:
    """The adjuster's screen."""
    return page("review.html")


@bp.get("/t/", doc_ui=False)
@public
def track_of_nothing() -> ResponseReturnValue:
    """A link cut off on its way through a message: the customer is told so in his own words."""
    return page("track.html")


@bp.get("/t/<slug>", doc_ui=False)
@public
def track(path: SlugPath) -> ResponseReturnValue:
    """The customer's page."""
    return page("track.html")


@bp.get("/api/docs", doc_ui=False)
@public
def docs() -> ResponseReturnValue:
    """The way to the API's pages."""
    return redirect("/api/swagger")
