"""Photos coming in by tus 1.0: creation, creation-with-upload, defer-length, expiration, checksum, termination.

The same functions serve the customer's link (`answer` with a customer's `Sender`), under his own address.
"""

import functools
from http import HTTPStatus
from typing import Any

from flask import Response, g, jsonify, make_response, request
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from api import access, body, errors, parts, present
from api.door import Door, Strict, public, roles
from api.photo_show import ReceiptOut
from claims.models import Task
from core.database import Sessions
from core.errors import ChakanError, Invalid
from core.settings import Settings
from media import queries, service, upload
from media.errors import BadUpload, ChecksumMismatch, UploadLocked
from media.sender import Sender, Standing
from media.upload import Checksum, Declared
from staff.accounts import Actor

bp = Door("uploads", tag="Uploads (tus 1.0)")

BASE = "/api/v1/uploads"
BYTES = "application/offset+octet-stream"
SENDERS = ("surveyor", "seat", "dispatcher", "adjuster")
TUS = {"Tus-Resumable": upload.VERSION, "Cache-Control": "no-store"}
# Two statuses that only tus knows: WebDAV's "locked" and its own "checksum mismatch".
OWN_STATUS: dict[type[ChakanError], int] = {UploadLocked: 423, ChecksumMismatch: 460}


class UploadPath(Strict):
    """The upload's unguessable key in the path."""

    key: str = Field(max_length=100)


class TusHeader(BaseModel):
    """What every tus request carries."""

    tus_resumable: str | None = Field(None, alias="Tus-Resumable", description="1.0.0", examples=["1.0.0"])

    @classmethod
    def model_json_schema(cls, *given: Any, **named: Any) -> dict[str, Any]:
        """The schema, made once: flask-openapi asks for it at every request, and making it takes a millisecond."""
        return super().model_json_schema(*given, **named) if given or named else _schema(cls)


@functools.cache
def _schema(model: type[TusHeader]) -> dict[str, Any]:
    return BaseModel.model_json_schema.__func__(model)  # type: ignore[attr-defined, no-any-return]


class CreationHeader(TusHeader):
    """The headers of a creation."""

    upload_length: str | None = Field(None, alias="Upload-Length", examples=["2097152"])
    upload_defer_length: str | None = Field(None, alias="Upload-Defer-Length", examples=["1"])
    upload_metadata: str | None = Field(
        None,
        alias="Upload-Metadata",
        description="`task`, `shot`, `filename`, `filetype`, `sha256` (whole file, a must), `taken_at`, `lon`, `lat`,"
        " `accuracy`, `seq`; each `name base64`, separated by commas",
    )
    upload_checksum: str | None = Field(
        None, alias="Upload-Checksum", description="`sha1` or `sha256`, then base64"
    )


class PatchHeader(TusHeader):
    """The headers of a continuation."""

    upload_offset: str | None = Field(None, alias="Upload-Offset", examples=["0"])
    upload_length: str | None = Field(
        None, alias="Upload-Length", description="once, after Upload-Defer-Length"
    )
    upload_checksum: str | None = Field(
        None, alias="Upload-Checksum", description="`sha1` or `sha256`, then base64"
    )


RAW = {"schema": {"type": "string", "format": "binary"}}
# The second type is for generic clients of this document: it is understood as a mistake and answered with 415.
OCTETS = {"content": {BYTES: RAW, "application/octet-stream": RAW}}
EXTRA: dict[str | int | HTTPStatus, Any] = {
    412: {"description": "another tus version; `Tus-Version` names ours"},
    423: {"description": "another request is writing to this upload"},
    460: {"description": "the bytes do not match Upload-Checksum"},
    507: {"description": "the photo storage is full; what arrived is kept"},
}


def answer(sender_of: Any, base: str, key: str | None = None) -> Response:
    """Answers any tus request. `sender_of(declared)` says who sends (declared None: about an upload that exists)."""
    method = request.headers.get("X-HTTP-Method-Override", request.method).upper()
    try:
        _agree_on_version(method)
        reply = _act(method, sender_of, base, key)
    except ChakanError as error:
        status = OWN_STATUS.get(type(error)) or errors.STATUS[error.kind]
        reply = errors.problem(status, error.code, error.detail, facts=error.facts, errors=error.errors)
        if error.code == "tus_version":
            reply.status_code = 412
            reply.headers["Tus-Version"] = upload.VERSION
    for name, value in TUS.items():
        reply.headers[name] = value
    return reply


class OtherVersion(ChakanError):
    code, kind = "tus_version", "malformed"


def _agree_on_version(method: str) -> None:
    if method != "GET" and request.headers.get("Tus-Resumable") != upload.VERSION:
        raise OtherVersion(f"send Tus-Resumable: {upload.VERSION}")


def _act(method: str, sender_of: Any, base: str, key: str | None) -> Response:
    if method == "POST" and key is None:
        return create(sender_of, base)
    if key is None or method not in ("HEAD", "GET", "PATCH", "DELETE"):
        return errors.problem(405, "method_not_allowed", "tus knows POST, HEAD, PATCH and DELETE here")
    sender = sender_of(None)
    if method == "PATCH":
        return append(sender, key)
    if method == "DELETE":
        service.end_upload(g.sessions, parts().settings.uploads, sender, key)
        return make_response("", 204)
    return status(sender, key)


def discover() -> Response:
    """What this server speaks: the answer to OPTIONS."""
    reply = make_response("", 204)
    reply.headers["Tus-Resumable"] = reply.headers["Tus-Version"] = upload.VERSION
    reply.headers["Tus-Extension"] = upload.EXTENSIONS
    reply.headers["Tus-Max-Size"] = str(parts().settings.max_upload_bytes)
    reply.headers["Tus-Checksum-Algorithm"] = ",".join(upload.ALGORITHMS)
    return reply


def create(sender_of: Any, base: str) -> Response:
    """Opens a transfer, and takes its first bytes when they come along."""
    declared = upload.declared(upload.parse_metadata(request.headers.get("Upload-Metadata", "")))
    length = upload.whole_number(request.headers.get("Upload-Length"), "Upload-Length")
    if (length is None) == (request.headers.get("Upload-Defer-Length") != "1"):
        raise BadUpload("send either Upload-Length or Upload-Defer-Length: 1")
    sender = sender_of(declared)
    settings = parts().settings
    standing = service.begin_upload(
        g.sessions, sender, declared, length, max_bytes=settings.max_upload_bytes, customer=sender.customer
    )
    where = f"{base}/{standing.key}"
    if request.mimetype == BYTES and body.length_of(request.environ) != 0:
        try:
            standing = _receive(g.sessions, settings, sender, standing.key, 0)
        except ChakanError as error:
            # The transfer exists all the same: the phone may go on with it.
            error.facts.setdefault("upload", where)
            raise
    reply = show(standing, 201)
    reply.headers["Location"] = where
    return reply


def status(sender: Sender, key: str) -> Response:
    """How far a transfer is."""
    standing = service.stand(g.sessions, parts().settings.uploads, parts().storage, sender, key)
    reply = show(standing, 200)
    reply.set_data(jsonify(receipt(standing)).get_data())
    reply.content_type = "application/json"
    return reply


def append(sender: Sender, key: str) -> Response:
    """Takes the next bytes of a transfer."""
    if request.mimetype != BYTES:
        return errors.problem(415, "wrong_type", f"send Content-Type: {BYTES}")
    offset = upload.whole_number(request.headers.get("Upload-Offset"), "Upload-Offset")
    if offset is None:
        raise BadUpload("Upload-Offset is missing")
    return show(_receive(g.sessions, parts().settings, sender, key, offset), 204)


def _receive(sessions: Sessions, settings: Settings, sender: Sender, key: str, offset: int) -> Standing:
    given = request.headers.get("Upload-Checksum")
    patching = request.method == "PATCH" or "X-HTTP-Method-Override" in request.headers
    return service.receive(
        sessions,
        settings.uploads,
        parts().storage,
        sender,
        key,
        offset,
        functools.partial(body.pump, request.environ, sender.name),
        max_bytes=settings.max_upload_bytes,
        announced=body.length_of(request.environ),
        length=upload.whole_number(request.headers.get("Upload-Length"), "Upload-Length")
        if patching
        else None,
        checksum=Checksum(given) if given else None,
    )


def show(standing: Standing, code: int) -> Response:
    """The tus headers of a standing."""
    reply = make_response("", code)
    reply.headers["Upload-Offset"] = str(standing.offset)
    if standing.length is not None:
        reply.headers["Upload-Length"] = str(standing.length)
    else:
        reply.headers["Upload-Defer-Length"] = "1"
    if standing.photo_id is None:
        reply.headers["Upload-Expires"] = upload.http_date(standing.expires_at)
    else:
        reply.headers["Photo-Id"] = str(standing.photo_id)
        reply.headers["Photo-Sha256"] = standing.sha256 or ""
    return reply


def receipt(standing: Standing) -> dict[str, Any]:
    """The same as JSON. The phone deletes its own copy only on a receipt with the photo's id and digest."""
    return {
        "offset": standing.offset,
        "length": standing.length,
        "expires_at": present.time(standing.expires_at),
        "photo_id": present.ident(standing.photo_id),
        "sha256": standing.sha256,
    }


def sender_for(session: Session, actor: Actor, declared: Declared | None) -> Sender:
    """The signed-in sender: whoever holds or held the job, or the desk of the claim. Raises Missing for others."""
    if declared is None:
        return Sender(actor)
    if declared.task_id is None:
        raise Invalid.field("task", "the task in Upload-Metadata is a must")
    if not actor.has("seat", "dispatcher", "adjuster"):
        task = access.task_of(session, actor, declared.task_id, mine=True)
        return Sender(actor, marks=_marks(session, actor, task))
    access.task_of(session, actor, declared.task_id)
    return Sender(actor)


def _marks(session: Session, actor: Actor, task: Task) -> tuple[str, ...]:
    """Photos taken before the job went to somebody else still come home, but say so (O-06)."""
    return () if queries.still_holds(session, task.id, actor.person_id) else ("after_reassign",)


def signed_sender(declared: Declared | None) -> Sender:
    """The sender of this signed-in request."""
    with parts().sessions.begin() as session:
        return sender_for(session, g.actor, declared)


def customer_sender(claim_id: int) -> Any:
    """The sender behind a customer's link: his claim's newest task, whatever the metadata says."""
    return lambda _declared: Sender(None, claim_id=claim_id)


@bp.route("/uploads", methods=["OPTIONS"])
@bp.route("/uploads/<string:key>", methods=["OPTIONS"])
@public
def options(key: str = "") -> Response:
    """What the upload server speaks."""
    return discover()


@bp.post(
    "/uploads",
    request_body=OCTETS,
    responses={201: {"description": "open; `Location` is its address"}, **EXTRA},
)
@roles(*SENDERS)
def create_upload(header: CreationHeader) -> Response:
    """Opens a resumable upload (tus creation). With a body of type application/offset+octet-stream it takes that too."""
    return answer(signed_sender, BASE)


@bp.get(
    "/uploads/<string:key>",
    responses={200: ReceiptOut, **EXTRA},
)
@roles(*SENDERS)
def upload_status(path: UploadPath) -> Response:
    """How far an upload is: `HEAD` as tus wants it, `GET` the same with a JSON receipt."""
    return answer(signed_sender, BASE, path.key)


@bp.patch(
    "/uploads/<string:key>",
    request_body=OCTETS,
    responses={204: {"description": "stored up to `Upload-Offset`; `Photo-Id` with the last bytes"}, **EXTRA},
)
@roles(*SENDERS)
def continue_upload(path: UploadPath, header: PatchHeader) -> Response:
    """Takes the next bytes. The last ones answer after fsync and commit."""
    return answer(signed_sender, BASE, path.key)


@bp.delete("/uploads/<string:key>", responses={204: {"description": "ended"}, **EXTRA})
@roles(*SENDERS)
def end_upload(path: UploadPath, header: TusHeader) -> Response:
    """Ends an upload. A photo it became stays."""
    return answer(signed_sender, BASE, path.key)


@bp.post(
    "/uploads/<string:key>",
    request_body=OCTETS,
    responses={204: {"description": "as PATCH or DELETE"}, **EXTRA},
)
@roles(*SENDERS)
def overridden_upload(path: UploadPath, header: PatchHeader) -> Response:
    """For networks that only let GET and POST through: `X-HTTP-Method-Override: PATCH`, `DELETE` or `HEAD`."""
    return answer(signed_sender, BASE, path.key)


# tus is safe to repeat by itself; reading the body for a fingerprint would undo the streaming.
for view in (create_upload, overridden_upload):
    view.own_replay = True
