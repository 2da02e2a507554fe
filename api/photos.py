"""Photos going out: albums, copies to look at, originals as evidence, annotations."""

import tempfile
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any

from flask import Response, g, request
from flask.typing import ResponseReturnValue
from pydantic import ConfigDict, Field, model_validator

from api import access, parts, present
from api.door import EVERYBODY, Door, Page, Strict, clean, roles
from api.photo_show import AlbumOut, ListOut, PhotoOut, Shown
from claims.models import Claim
from media import album, evidence, pack, queries, review
from media.errors import CopyNotReady, NoSuchObject
from media.models import Annotation, Photo
from media.storage import PIECE_BYTES, PREVIEW_PX, THUMB_PX, copy_key

bp = Door("photos", tag="Photos")

EVIDENCE = ("adjuster", "supervisor", "admin")
MAX_JSON_TEXTS = 500
# Whatever is inside the file, a browser may only ever see pixels in it (U-16).
HARMLESS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
}
Documented = dict[str | int | HTTPStatus, Any]
PIXELS = {"schema": {"type": "string", "format": "binary"}}
IMAGE: Documented = {
    200: {"description": "a JPEG", "content": {"image/jpeg": PIXELS}},
    304: {"description": "the copy you have is good"},
}
ORIGINAL: Documented = {
    200: {"description": "the very bytes received", "content": dict.fromkeys(pack.ENDINGS, PIXELS)}
}
PACK: Documented = {200: {"description": "a ZIP file", "content": {"application/zip": PIXELS}}}


class ClaimPath(Strict):
    """An id in the path."""

    claim_id: int = Field(ge=1, lt=2**63)


class PhotoPath(Strict):
    """An id in the path."""

    photo_id: int = Field(ge=1, lt=2**63)


def harmless_json(value: Any, budget: list[int] | None = None) -> Any:
    """Refuses text that PostgreSQL cannot hold, and more of it than anybody writes by hand."""
    budget = budget if budget is not None else [MAX_JSON_TEXTS]
    budget[0] -= 1
    if budget[0] < 0:
        raise ValueError("too many values")
    if isinstance(value, str):
        if len(value) > 10_000:
            raise ValueError("a text is too long")
        clean(value)
    elif isinstance(value, list):
        for part in value:
            harmless_json(part, budget)
    elif isinstance(value, dict):
        for name, part in value.items():
            clean(name)
            harmless_json(part, budget)
    return value


class AnnotationIn(Strict):
    """A W3C Web Annotation; members beyond these are kept as they are."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "example": {
                "@context": "http://www.w3.org/ns/anno.jsonld",
                "type": "Annotation",
                "body": [{"type": "TextualBody", "value": "前保险杠开裂", "purpose": "commenting"}],
                "target": {"selector": {"type": "FragmentSelector", "value": "xywh=pixel:100,120,300,200"}},
            }
        },
    )
    type: str = Field(pattern="^Annotation$")
    target: dict[str, Any] | list[Any] | str
    body: dict[str, Any] | list[Any] | str | None = None

    @model_validator(mode="after")
    def _harmless(self) -> "AnnotationIn":
        harmless_json(self.model_dump())
        return self


@bp.get("/claims/<int:claim_id>/photos", responses={200: AlbumOut})
@roles(*EVERYBODY)
def claim_photos(path: ClaimPath, query: Page) -> ResponseReturnValue:
    """The album of a claim in capture order, with verdicts, flags, and the required shots that are missing."""
    with g.sessions.begin() as session:
        claim = access.claim_seen_by(session, g.actor, path.claim_id)
        photos = album.in_capture_order(queries.photos(session, claim.id))
        ids = [photo.id for photo in photos]
        start = ids.index(query.after_id) + 1 if query.after_id in ids else 0
        page = photos[start : start + query.limit]
        more = start + query.limit < len(photos)
        return {
            "items": album.cards(session, claim, page, present.time),
            "next": str(page[-1].id) if more else None,
            "missing": album.missing(session, claim),
        }


@bp.get("/photos/<int:photo_id>", responses={200: PhotoOut})
@roles(*EVERYBODY)
def photo(path: PhotoPath) -> ResponseReturnValue:
    """One photo; what the camera wrote into the file is shown to evidence roles only."""
    with g.sessions.begin() as session:
        row = access.photo_seen_by(session, g.actor, path.photo_id)
        claim = session.get_one(Claim, row.claim_id)
        shown = album.cards(session, claim, [row], present.time)[0]
    return shown | ({"exif": row.exif} if g.actor.has(*EVIDENCE) else {})


@bp.get("/photos/<int:photo_id>/preview", responses=IMAGE)
@roles(*EVERYBODY)
def preview(path: PhotoPath) -> ResponseReturnValue:
    """The photo at screen size: re-encoded, upright, without metadata."""
    return _copy(path.photo_id, PREVIEW_PX)


@bp.get("/photos/<int:photo_id>/thumb", responses=IMAGE)
@roles(*EVERYBODY)
def thumb(path: PhotoPath) -> ResponseReturnValue:
    """The photo at list size: re-encoded, upright, without metadata."""
    return _copy(path.photo_id, THUMB_PX)


@bp.get("/photos/<int:photo_id>/original", responses=ORIGINAL)
@roles(*EVIDENCE)
def original(path: PhotoPath) -> ResponseReturnValue:
    """The untouched original, its hash checked on the way out, as an attachment; every look is audited."""
    with g.sessions.begin() as session:
        row = access.photo_seen_by(session, g.actor, path.photo_id)
    data = evidence.original(g.sessions, parts().storage, g.actor, row)
    answer = _harmless(Response(data, mimetype=row.content_type))
    name = f"photo-{row.id}.{pack.ENDINGS.get(row.content_type, 'bin')}"
    answer.headers["Content-Disposition"] = f"attachment; filename={name}"
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


@bp.get("/claims/<int:claim_id>/evidence.zip", responses=PACK)
@roles(*EVIDENCE)
def evidence_pack(path: ClaimPath) -> ResponseReturnValue:
    """The evidence pack: originals, manifest, custody log, and a verifier that runs offline. Making one is audited."""
    with g.sessions.begin() as session:
        claim = access.claim_seen_by(session, g.actor, path.claim_id)
        name = f"evidence-{claim.report_no}.zip"
    # On the disk of the photos, not in memory: two hundred originals are four gigabytes.
    file = tempfile.TemporaryFile(dir=_pack_folder())  # noqa: SIM115  closed by the response
    try:
        pack.write(g.sessions, parts().storage, g.actor, path.claim_id, file)
        size = file.tell()
        file.seek(0)
    except BaseException:
        file.close()
        raise
    answer = _harmless(Response(_pieces(file), mimetype="application/zip", direct_passthrough=True))
    answer.content_length = size
    answer.headers["Content-Disposition"] = f"attachment; filename={name}"
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(PIECE_BYTES):
            yield piece


def _pack_folder() -> Path:
    folder = parts().settings.uploads
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _copy(photo_id: int, edge_px: int) -> Response:
    with g.sessions.begin() as session:
        row = access.photo_seen_by(session, g.actor, photo_id)
    tag = f"{row.sha256.hex()}-{edge_px}"
    answer = (
        Response(b"", 304)
        if tag in request.if_none_match
        else Response(_read(row, edge_px), mimetype="image/jpeg")
    )
    answer.set_etag(tag)
    # The bytes behind a digest never change; but only this person's browser may keep them.
    answer.headers["Cache-Control"] = "private, max-age=31536000, immutable"
    return _harmless(answer)


def _read(row: Photo, edge_px: int) -> bytes:
    try:
        with parts().storage.open(copy_key(row.sha256, edge_px)) as file:
            data: bytes = file.read()
            return data
    except NoSuchObject as error:
        raise CopyNotReady("there is no copy to look at yet", state=row.state) from error


def _harmless(answer: Response) -> Response:
    for name, value in HARMLESS.items():
        answer.headers[name] = value
    return answer


def show_annotation(row: Annotation) -> dict[str, Any]:
    """An annotation with its id, author and time, as W3C names them."""
    return row.body | {"id": str(row.id), "creator": {"id": str(row.by_id)}, "created": present.time(row.at)}


@bp.get("/photos/<int:photo_id>/annotations", responses={200: ListOut})
@roles(*EVERYBODY)
def annotations(path: PhotoPath) -> ResponseReturnValue:
    """The W3C Web Annotations of a photo, oldest first."""
    with g.sessions.begin() as session:
        row: Photo = access.photo_seen_by(session, g.actor, path.photo_id)
        rows = queries.annotations(session, row.id)
    return {"items": [show_annotation(r) for r in rows], "next": None}


@bp.post("/photos/<int:photo_id>/annotations", responses={201: Shown})
@roles("adjuster", "supervisor")
def annotate(path: PhotoPath, body: AnnotationIn) -> ResponseReturnValue:
    """Pins a W3C Web Annotation to a region of a photo."""
    with g.sessions.begin() as session:
        access.photo_seen_by(session, g.actor, path.photo_id)
    given = body.model_dump(mode="json", exclude_none=True)
    return show_annotation(review.annotate(g.sessions, g.actor, path.photo_id, given)), 201
