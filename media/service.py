"""Resumable transfers: begin, stand, receive, end."""

import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy.orm import Session

from claims import states
from claims.models import Task
from core.database import Sessions
from core.errors import Missing
from media import queries, upload
from media.errors import (
    BadUpload,
    ChecksumMismatch,
    HashMismatch,
    NotAPhoto,
    OffsetConflict,
    StorageFull,
    TooManyPhotos,
    TooSlow,
    UnreadablePhoto,
    UploadGone,
    UploadTooLarge,
)
from media.finishing import MAX_PHOTOS, finish
from media.models import Upload
from media.partial import Partial, Writer
from media.sender import Sender, Standing, standing
from media.storage import Storage
from media.upload import Checksum, Declared

MAX_OPEN_UPLOADS = 400
# What a kill or a half-open socket may cost in bytes sent again: the offset's row trails the file by this much at most.
CHECKPOINT_BYTES = 4 * 1024 * 1024
CHECKPOINT_S = 2.0
LEASE = timedelta(seconds=30)

Pump = Callable[[Callable[[bytes], None]], None]


def each(pieces: Iterable[bytes]) -> Pump:
    """A pump of pieces that are here already."""

    def pump(take: Callable[[bytes], None]) -> None:
        for piece in pieces:
            take(piece)

    return pump


def begin_upload(
    sessions: Sessions,
    sender: Sender,
    declared: Declared,
    length: int | None,
    *,
    max_bytes: int,
    customer: bool = False,
    now: datetime | None = None,
) -> Standing:
    """Opens a transfer to a task (a customer's: to his claim's newest task). Raises Missing, TooManyPhotos, UploadTooLarge."""
    if customer != sender.customer:
        raise ValueError("a sender without an actor is the customer, and says so")
    if length is not None and length > max_bytes:
        raise UploadTooLarge(f"a photo has at most {max_bytes} bytes", max_bytes=max_bytes)
    if length == 0:
        raise UnreadablePhoto("an empty file is no photo")
    with sessions.begin() as session:
        task = _task_for(session, sender, declared)
        crowd = queries.crowd(session, task.claim_id)
        now = now or crowd.now
        if crowd.photos >= MAX_PHOTOS:
            raise TooManyPhotos(f"a claim has at most {MAX_PHOTOS} photos", limit=MAX_PHOTOS)
        if crowd.uploads >= MAX_OPEN_UPLOADS:
            raise TooManyPhotos("too many uploads to this claim are under way", limit=MAX_OPEN_UPLOADS)
        row = Upload(
            key=secrets.token_urlsafe(24),
            task_id=task.id,
            person_id=sender.actor.person_id if sender.actor else None,
            device_id=sender.actor.device_id if sender.actor else None,
            customer=sender.customer,
            length=length,
            meta=replace(declared, marks=(*declared.marks, *_marks(sender, task))).stored(),
            created_at=now,
            expires_at=now + upload.LIFE,
        )
        session.add(row)
        session.flush()
        return standing(row, 0)


def _task_for(session: Session, sender: Sender, declared: Declared) -> Task:
    if sender.claim_id is not None:
        task = queries.newest_task(session, sender.claim_id)
    else:
        task = session.get(Task, declared.task_id) if declared.task_id else None
    if task is None:
        raise Missing("no such task")
    return task


def _marks(sender: Sender, task: Task) -> tuple[str, ...]:
    """A photo that comes when the job is over is kept, and says so."""
    return (*sender.marks, "after_settlement") if task.state in states.SETTLED else sender.marks


def find(sessions: Sessions, sender: Sender, key: str, now: datetime | None = None) -> Upload:
    """The sender's own transfer. Raises Missing for a stranger's, UploadGone when it is over."""
    if not upload.KEY.match(key):
        raise Missing("no such upload")
    with sessions.begin() as session:
        found = queries.upload_and_time(session, key)
        if found is None or not _owns(sender, *found[:2]):
            raise Missing("no such upload")
        row, now = found[0], now or found[2]
        if row.state in ("gone", "refused") or (row.state == "open" and row.expires_at <= now):
            raise UploadGone("this upload was ended, refused, or has expired; begin a new one")
        return row


def _owns(sender: Sender, row: Upload, claim_id: int) -> bool:
    if sender.actor is not None:
        return row.person_id == sender.actor.person_id and not row.customer
    return row.customer and claim_id == sender.claim_id


def stand(sessions: Sessions, folder: Path, storage: Storage, sender: Sender, key: str) -> Standing:
    """How far a transfer got (HEAD). Finishes one whose bytes are all here but whose last answer was never given."""
    row = find(sessions, sender, key)
    if row.state == "done":
        return standing(row, row.length or 0)
    partial = Partial(folder, key)
    row, offset = _stored(sessions, row, partial)
    if row.state == "done":
        return standing(row, offset)
    if row.length is not None and offset == row.length:
        return finish(sessions, storage, partial, sender, row)
    return standing(row, offset)


def _stored(sessions: Sessions, row: Upload, partial: Partial) -> tuple[Upload, int]:
    """The transfer and how many of its bytes are safe here.

    After a crash the file may be longer than what was synced, or (power cut) shorter than the row: the smaller is safe.
    """
    length = partial.length()
    if 0 < length >= row.received:
        return row, row.received
    # No file, or too short a one: another request may have finished this very transfer since the row was read, and an
    # answer of 0 would make the phone send the whole photo again.
    with sessions.begin() as session:
        fresh = queries.upload_by_key(session, row.key)
    if fresh is not None and fresh.state == "done":
        return fresh, fresh.length or 0
    return row, min(row.received, partial.length())


def receive(
    sessions: Sessions,
    folder: Path,
    storage: Storage,
    sender: Sender,
    key: str,
    offset: int,
    pump: Pump,
    *,
    max_bytes: int,
    announced: int | None = None,
    length: int | None = None,
    checksum: Checksum | None = None,
    now: datetime | None = None,
) -> Standing:
    """Appends bytes to a transfer and finishes it with the last one. What arrived before a broken connection is kept.

    `pump` hands the body to the function it is given, piece by piece. `announced` is the Content-Length, `length` the
    Upload-Length of a transfer that began without one.
    """
    row = find(sessions, sender, key, now)
    partial = Partial(folder, key)
    stored = row.length or 0
    if row.state != "done":
        _settle_length(row, length, max_bytes)
        row, stored = _stored(sessions, row, partial)
    if row.state == "done":
        if offset != stored or announced:
            raise OffsetConflict("this upload is complete", offset=stored)
        return standing(row, offset)
    if offset != stored:
        raise OffsetConflict(f"{stored} bytes are stored", offset=stored)
    most = row.length if row.length is not None else max_bytes
    if announced is not None and offset + announced > most:
        raise _beyond(row, max_bytes)
    with partial.writer(offset) as writer:
        _append(sessions, writer, row, pump, most, max_bytes, checksum)
        if row.length is None or writer.position < row.length:
            return standing(row, writer.position)
        writer.sync()
        try:
            return finish(sessions, storage, partial, sender, row, now=now)
        except (HashMismatch, NotAPhoto, UnreadablePhoto):
            raise
        except Exception:
            # The store or the database is away: the bytes are here, the phone need not send them again.
            _save(sessions, writer, row)
            raise


def _settle_length(row: Upload, length: int | None, max_bytes: int) -> None:
    if length is None:
        return
    if row.length is not None and row.length != length:
        raise BadUpload("Upload-Length was given before and is another")
    if length > max_bytes:
        raise UploadTooLarge(f"a photo has at most {max_bytes} bytes", max_bytes=max_bytes)
    row.length = length


def _beyond(row: Upload, max_bytes: int) -> BadUpload | UploadTooLarge:
    if row.length is not None:
        return BadUpload("more bytes than Upload-Length announced", length=row.length)
    return UploadTooLarge(f"a photo has at most {max_bytes} bytes", max_bytes=max_bytes)


def _append(
    sessions: Sessions,
    writer: Writer,
    row: Upload,
    pump: Pump,
    most: int,
    max_bytes: int,
    checksum: Checksum | None,
) -> None:
    start = saved = writer.position
    saved_at = time.monotonic()

    def take(piece: bytes) -> None:
        nonlocal saved, saved_at
        if writer.position + len(piece) > most:
            raise _beyond(row, max_bytes)
        writer.write(piece)
        if checksum is not None:
            checksum.add(piece)
        elif writer.position - saved >= CHECKPOINT_BYTES or time.monotonic() - saved_at >= CHECKPOINT_S:
            saved, saved_at = _save(sessions, writer, row), time.monotonic()

    try:
        pump(take)
        if checksum is not None:
            checksum.check()
    except (TooSlow, StorageFull):
        # The row of bytes that wait for their checksum stays where it was; the next writer drops them.
        if checksum is None:
            _save(sessions, writer, row)
        raise
    except (ChecksumMismatch, BadUpload, UploadTooLarge):
        writer.cut(start)
        raise
    # The last byte's offset is recorded with the photo itself, or by `receive` when that fails.
    if writer.position != saved and writer.position != row.length:
        _save(sessions, writer, row)


def _save(sessions: Sessions, writer: Writer, row: Upload) -> int:
    """Puts the bytes on disk, then their number in the row: never the other way round (P6, U-07)."""
    position = writer.sync()
    with sessions.begin() as session:
        row.received, row.expires_at = position, queries.save_offset(session, row, position, upload.LIFE)
    return position


def end_upload(sessions: Sessions, folder: Path, sender: Sender, key: str) -> None:
    """Ends a transfer and frees its bytes (DELETE). A photo it has become stays: evidence is not deleted."""
    row = find(sessions, sender, key)
    with sessions.begin() as session:
        queries.upload_for_update(session, row.id).state = "gone"
    Partial(folder, key).remove()


def due_photos(session: Session, now: datetime, limit: int) -> list[int]:
    """Photos whose copies are overdue, leased to the caller."""
    return queries.lease_photos(session, now, LEASE, limit)
