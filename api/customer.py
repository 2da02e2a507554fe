"""The customer's page: who comes, when, his own photos, his rating. Public by an unguessable slug."""

from datetime import datetime
from typing import Any

from flask import Response, g, request
from flask.typing import ResponseReturnValue
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from api import limiting, present, uploads
from api.door import Door, LongText, Strict, Text, public
from claims import timeline
from claims.models import Claim
from core import clock
from geo import eta, staleness, store
from geo.fix import LonLat
from notify import links, message, queries
from notify.errors import NoSuchLink
from staff import rules

bp = Door("customer", tag="Customer")

# A page refreshes every few seconds; a whole family may watch from one address.
READS, READS_PER_S = 120, 60
# Trying slugs is hopeless at 128 bits; this keeps it from costing us anything either.
MISSES, MISSES_PER_S = 30, 60
RATINGS, RATINGS_PER_S = 5, 3600
UPLOADS, UPLOADS_PER_S = 60, 3600

STEPS = ("reported", "assigned", "contacted", "en_route", "on_scene", "surveyed", "settled")
SENTENCES = {
    "reported": (
        "正在为您安排查勘员，请保持电话畅通。",
        "We are finding a surveyor. Please keep your phone at hand.",
    ),
    "assigned": (
        "查勘员已接单，会尽快与您电话联系。",
        "A surveyor has taken your case and will call you soon.",
    ),
    "contacted": (
        "查勘员已与您联系，将按约定前往现场。",
        "The surveyor has spoken to you and will come as agreed.",
    ),
    "en_route": ("查勘员正在前往现场。", "The surveyor is on the way."),
    "on_scene": ("查勘员已到达现场。", "The surveyor is on scene."),
    "surveyed": ("现场查勘已完成，正在定损。", "The survey is done; the damage is being assessed."),
    "settled": (
        "案件已审核完成，后续赔付事宜会与您联系。",
        "Your claim is approved; we will contact you about the payment.",
    ),
    "withdrawn": ("本案已销案。", "This claim has been withdrawn."),
}
# In a catastrophe the page says what the text said: how long, and that photos help.
LONGER = {
    "reported": (
        "因{event}报案集中，查勘员将在{minutes}分钟内与您联系并约定查勘时间，敬请谅解。请先上传现场照片，可加快处理。",
        "Because of {event} many people need us: a surveyor will call within {minutes} min and agree a time"
        " with you. Sending photos now speeds things up.",
    ),
    "assigned": (
        "查勘员已接单，会与您电话约定查勘时间。因{event}报案集中，可能比平时久一些；现在上传照片可加快处理。",
        "A surveyor has taken your case and will call to agree a time. Because of {event} it may take longer"
        " than usual; sending photos now speeds things up.",
    ),
}


class SlugPath(Strict):
    """The slug of the link."""

    slug: str = Field(max_length=64)


class UploadPath(Strict):
    """The slug and the key of a transfer."""

    slug: str = Field(max_length=64)
    key: str = Field(max_length=100)


class Lang(Strict):
    """The language of the sentence on top."""

    lang: Text = "zh-CN"


class RatingIn(Strict):
    """One to five stars, and a word if he likes."""

    stars: int = Field(ge=1, le=5)
    comment: LongText = Field("", max_length=500)


def claim_behind(slug: str) -> int:
    """The claim behind a slug, within the limits for strangers; no transaction is open while Redis counts."""
    limiting.hold("track", READS, READS_PER_S, request.remote_addr or "", slug)
    try:
        with g.sessions.begin() as session:
            return links.claim_of(session, slug)
    except NoSuchLink:
        limiting.hold("track-miss", MISSES, MISSES_PER_S, request.remote_addr or "")
        raise


def steps(row: Any) -> dict[str, datetime | None]:
    """When each step was reached. A step that was skipped on the way stays without a time."""
    settled = row.closed_at if row.claim_state in ("approved", "closed") else None
    times = (
        row.reported_at,
        row.accepted_at,
        row.contacted_at,
        row.departed_at,
        row.arrived_at,
        row.completed_at,
    )
    return dict(zip(STEPS, (*times, settled), strict=True))


def state_of(row: Any, reached: dict[str, datetime | None]) -> str:
    """The furthest step reached, or withdrawn."""
    if row.claim_state == "withdrawn":
        return "withdrawn"
    return next(key for key in reversed(STEPS) if reached[key] is not None)


def eta_s(
    row: Any, place: LonLat | None, speed: dict[str, Any], age_s: float | None, now: datetime
) -> int | None:
    """Seconds until he is there: from where he is while that is known, else what is left of the estimate."""
    if place is None or staleness.state(age_s) in ("stale", "never"):
        if row.departed_at is None:
            return None
        left = (row.departed_at - now).total_seconds() + (row.drive_s or row.eta_s or 0)
        return int(left) if left > 0 else None
    return eta.straight_line(
        LonLat(row.lon, row.lat),
        place,
        speed_kmh=float(speed["eta_speed_kmh"]),
        winding=float(speed["eta_winding_pct"]) / 100,
    ).seconds


def surveyor(
    session: Session, row: Any, place: LonLat | None, state: str, lang: str, now: datetime
) -> dict[str, Any] | None:
    """Who comes, by surname; where he is only while he is on his way here; nothing once he has left."""
    if row.surveyor_id is None or state in ("reported", "withdrawn", "settled"):
        return None
    under_way = state == "en_route" and row.task_state == "en_route"
    shown: dict[str, Any] = {
        "name": message.courtesy_name(row.surveyor_name or "", lang),
        "eta_s": None,
        "eta_kind": None,
        "appointment_at": present.time(row.appointment_at),
        "position": None,
        "updated_age_s": None,
    }
    if state not in ("assigned", "contacted", "en_route"):
        return shown
    age = None if row.lon is None else staleness.age_s(now, row.fixed_at, row.received_at)
    speed = rules.values(session, row.org_id, {key: known.default for key, known in eta.KNOWN.items()})
    shown["eta_s"] = eta_s(row, place, speed, age, now)
    if shown["eta_s"] is not None:
        # Before he leaves it is the drive, not a promise: the page must be able to say so.
        shown["eta_kind"] = "under_way" if under_way else "if_leaves_now"
    if under_way and age is not None:
        shown["updated_age_s"] = round(age)
        if staleness.state(age) != "stale":
            shown["position"] = {"lon": round(row.lon, 5), "lat": round(row.lat, 5)}
    return shown


def sentence(row: Any, state: str, lang: str) -> str:
    """What stands on top of the page; in a catastrophe it names the longer wait."""
    english = lang == "en"
    if row.catastrophe and state in LONGER:
        return LONGER[state][english].format(event=row.catastrophe, minutes=row.longer_wait_min)
    return SENTENCES[state][english]


def _place(session: Session, claim_id: int) -> LonLat | None:
    lon, lat = store.lonlat_of(Claim.place)
    row = session.execute(select(lon, lat).where(Claim.id == claim_id)).one()
    return None if row[0] is None else LonLat(*row)


@bp.get("/t/<string:slug>")
@public
def track(path: SlugPath, query: Lang) -> ResponseReturnValue:
    """The state of one's own claim."""
    claim_id = claim_behind(path.slug)
    with g.sessions.begin() as session:
        now = clock.read(session)
        row = queries.progress(session, claim_id)
        reached = steps(row)
        state = state_of(row, reached)
        place = _place(session, row.claim_id)
        coming = surveyor(session, row, place, state, query.lang, now)
    return {
        "report_no": row.report_no,
        "state": state,
        "steps": [{"key": key, "at": present.time(at)} for key, at in reached.items()],
        "surveyor": coming,
        "place": row.place,
        # His own place, so that the page can draw how the surveyor comes nearer.
        "loss": {"lon": place.lon, "lat": place.lat} if place else None,
        "rated": row.rated,
        "messages": sentence(row, state, query.lang),
        # The customer is asked for his own photos before anybody comes.
        "photos_first": bool(row.catastrophe) and state in ("reported", "assigned", "contacted"),
        "server_time": present.time(now),
    }


@bp.post("/t/<string:slug>/rating")
@public
def rate(path: SlugPath, body: RatingIn) -> ResponseReturnValue:
    """Takes the rating, once."""
    limiting.hold("rating", RATINGS, RATINGS_PER_S, path.slug)
    claim_behind(path.slug)
    with g.sessions.begin() as session:
        now = clock.read(session)
        claim_id = links.rate(session, path.slug, body.stars, body.comment, now)
        timeline.record(session, claim_id, "rating.given", now, None, actor_kind="customer", stars=body.stars)
    return {"rated": True}, 201


def _transfer(slug: str, key: str | None = None) -> Response:
    return uploads.answer(uploads.customer_sender(claim_behind(slug)), f"/api/v1/t/{slug}/uploads", key)


@bp.route("/t/<string:slug>/uploads", methods=["OPTIONS"])
@bp.route("/t/<string:slug>/uploads/<string:key>", methods=["OPTIONS"])
@public
def options(slug: str, key: str = "") -> Response:
    """What the upload server speaks."""
    return uploads.discover()


@bp.post(
    "/t/<string:slug>/uploads",
    request_body=uploads.OCTETS,
    responses={201: {"description": "open"}, **uploads.EXTRA},
)
@public
def create_upload(path: SlugPath, header: uploads.CreationHeader) -> Response:
    """Opens a transfer of the customer's own photo; `task` in the metadata is not asked for (tus creation)."""
    limiting.hold("customer-upload", UPLOADS, UPLOADS_PER_S, path.slug)
    return _transfer(path.slug)


@bp.get(
    "/t/<string:slug>/uploads/<string:key>",
    responses={200: {"description": "how far it is"}, **uploads.EXTRA},
)
@public
def upload_status(path: UploadPath) -> Response:
    """How far a transfer is: `HEAD` as tus wants it, `GET` with a JSON receipt."""
    return _transfer(path.slug, path.key)


@bp.patch(
    "/t/<string:slug>/uploads/<string:key>",
    request_body=uploads.OCTETS,
    responses={204: {"description": "stored up to `Upload-Offset`"}, **uploads.EXTRA},
)
@public
def continue_upload(path: UploadPath, header: uploads.PatchHeader) -> Response:
    """Takes the next bytes."""
    return _transfer(path.slug, path.key)


@bp.delete(
    "/t/<string:slug>/uploads/<string:key>", responses={204: {"description": "ended"}, **uploads.EXTRA}
)
@public
def end_upload(path: UploadPath, header: uploads.TusHeader) -> Response:
    """Ends a transfer. A photo it became stays."""
    return _transfer(path.slug, path.key)


@bp.post(
    "/t/<string:slug>/uploads/<string:key>",
    request_body=uploads.OCTETS,
    responses={204: {"description": "as PATCH or DELETE"}, **uploads.EXTRA},
)
@public
def overridden_upload(path: UploadPath, header: uploads.PatchHeader) -> Response:
    """`X-HTTP-Method-Override` for networks that only let GET and POST through."""
    return _transfer(path.slug, path.key)


# tus is safe to repeat by itself; reading the body for a fingerprint would undo the streaming.
for view in (create_upload, overridden_upload):
    view.own_replay = True


@bp.after_request
def hide(answer: Response) -> Response:
    """The slug is a secret: no cache keeps what it shows, no search engine lists it."""
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Robots-Tag"] = "noindex"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer
