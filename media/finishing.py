"""A complete transfer becomes a photo.

Bytes fsynced → digest and header checked → linked into the store, its folder fsynced → photo, timeline and outbox in one
commit → answer. A crash between any two steps leaves a transfer that the next HEAD or PATCH completes.
"""

import logging
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from claims import timeline
from core import audit, outbox
from core.database import Sessions
from media import header, queries
from media.errors import HashMismatch, NotAPhoto, OffsetConflict, TooManyPhotos, UnreadablePhoto
from media.header import Header
from media.models import Upload
from media.partial import Partial, full_is_said
from media.sender import Sender, Standing, standing
from media.storage import Storage, WholeFile, digest, original_key
from media.upload import Declared

log = logging.getLogger(__name__)

MAX_PHOTOS = 200
# The wake-up comes by the outbox; the sweeper looks at a photo only when that got lost.
FIRST_SWEEP = timedelta(seconds=15)


def finish(
    sessions: Sessions,
    storage: Storage,
    partial: Partial,
    sender: Sender,
    row: Upload,
    now: datetime | None = None,
) -> Standing:
    """Turns a complete transfer into a photo. Raises HashMismatch, NotAPhoto or UnreadablePhoto and ends the transfer."""
    declared = Declared.of_row(row.meta)
    try:
        sha256 = digest(partial.path)
        if sha256.hex() != declared.sha256:
            raise HashMismatch("the file is not the one that was hashed on the phone; send it again")
        found = header.read(partial.path)
    except FileNotFoundError:
        # Another request finished this very transfer a moment ago and took the file away.
        return _finished_by_another(sessions, row)
    except (HashMismatch, NotAPhoto, UnreadablePhoto) as error:
        _refuse(sessions, row.id)
        partial.remove()
        log.info("upload refused", extra={"upload_id": row.id, "code": error.code})
        raise
    with full_is_said():
        if storage.put(original_key(sha256), WholeFile(partial.path, sha256)) != declared.sha256:
            raise OSError("the photo store kept other bytes than it was given")
    photo_id = _store_photo(sessions, sender, row, declared, sha256, found, now)
    partial.remove()
    return replace(standing(row, row.length or 0, photo_id), sha256=declared.sha256)


def _finished_by_another(sessions: Sessions, row: Upload) -> Standing:
    with sessions.begin() as session:
        fresh = queries.upload_by_key(session, row.key)
    if fresh is None or fresh.photo_id is None:
        raise OffsetConflict("no bytes are stored", offset=0)
    return standing(fresh, fresh.length or 0)


def _refuse(sessions: Sessions, upload_id: int) -> None:
    with sessions.begin() as session:
        row = queries.upload_for_update(session, upload_id)
        if row.state == "open":
            row.state = "refused"


def _store_photo(
    sessions: Sessions,
    sender: Sender,
    row: Upload,
    declared: Declared,
    sha256: bytes,
    found: Header,
    now: datetime | None,
) -> int:
    """The photo, its timeline event and its outbox row in one commit. The same bytes for the same task are one photo."""
    with sessions.begin() as session:
        held = queries.lock_upload(session, row.id)
        if held.photo_id is not None:
            return int(held.photo_id)
        now = now or held.now
        stored = queries.insert_photo(session, _values(row, declared, sha256, found, now))
        if stored is None:
            photo_id = _known(session, row.task_id, sha256, now)
        elif stored.before >= MAX_PHOTOS:
            raise TooManyPhotos(f"a claim has at most {MAX_PHOTOS} photos", limit=MAX_PHOTOS)
        else:
            photo_id = stored.id
            _tell(session, sender, stored.claim_id, row.task_id, photo_id, declared, now)
        # A length that came with the last bytes is in no row yet.
        queries.close_upload(session, row.id, photo_id, row.length or 0)
        if stored is not None:
            # Last, because the chain's lock lets one writer on at a time until the commit.
            by, kind = (sender.actor.person_id, "person") if sender.actor else (None, "customer")
            audit.append(
                session, by, "photo.stored", "photo", photo_id, actor_kind=kind, now=now, sha256=sha256.hex()
            )
        return photo_id


def _known(session: Session, task_id: int, sha256: bytes, now: datetime) -> int:
    """The photo these bytes are already; one whose file had been lost is looked at again (U-12)."""
    photo = queries.photo_of_bytes(session, task_id, sha256)
    if "original_missing" in photo.flags:
        photo.flags = [flag for flag in photo.flags if flag not in ("original_missing", "no_preview")]
        photo.state, photo.attempts, photo.due_at = "received", 0, now
        outbox.append(session, "photo.stored", claim_id=photo.claim_id, task_id=task_id, photo_id=photo.id)
    return photo.id


def _values(
    row: Upload, declared: Declared, sha256: bytes, found: Header, now: datetime
) -> dict[str, object]:
    return {
        "task_id": row.task_id, "shot": declared.shot, "seq": declared.seq, "sha256": sha256,
        "object_key": original_key(sha256), "filename": declared.filename, "content_type": found.content_type,
        "size_bytes": row.length, "width": found.width, "height": found.height, "taken_at": declared.taken_at,
        "received_at": now, "due_at": now + FIRST_SWEEP, "lon": declared.lon, "lat": declared.lat,
        "accuracy_m": declared.accuracy_m, "flags": list(declared.marks), "person_id": row.person_id,
        "device_id": row.device_id, "customer": row.customer,
    }  # fmt: skip


def _tell(
    session: Session,
    sender: Sender,
    claim_id: int,
    task_id: int,
    photo_id: int,
    declared: Declared,
    now: datetime,
) -> None:
    """The retake's answer to a send-back, the custody facts (digest at the shutter = digest here), and the event."""
    answered = queries.answer_send_back(session, task_id, declared.shot, photo_id)
    timeline.record(
        session,
        claim_id,
        "photo.stored",
        now,
        sender.actor,
        task_id,
        declared.taken_at,
        actor_kind="customer" if sender.customer else None,
        photo_id=str(photo_id),
        shot=declared.shot,
        sha256=declared.sha256,
        retake_of=str(answered) if answered else None,
    )
    outbox.append(session, "photo.stored", claim_id=claim_id, task_id=task_id, photo_id=photo_id)
