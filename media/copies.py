"""Making the copies of a photo: the work behind the job, safe to repeat, in two short transactions around the decoder."""

import logging
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from core import clock, outbox
from core.database import Sessions
from geo.fix import LonLat
from media import flags, queries
from media.errors import NoSuchObject
from media.models import Photo
from media.partial import full_is_said
from media.sandbox import Decoder, DecoderDied
from media.storage import PIECE_BYTES, PREVIEW_PX, THUMB_PX, Storage, copy_key, pieces_of

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 3
# Attempts that never reached a verdict (worker killed, disk full) are not the photo's fault; but not for ever.
GIVE_UP_AFTER = 20
LEASE = timedelta(seconds=30)
RETRY = timedelta(seconds=10)
FILES = (("preview.jpg", PREVIEW_PX), ("thumb.jpg", THUMB_PX))


def make_copies(
    sessions: Sessions, storage: Storage, decoder: Decoder, photo_id: int, now: datetime | None = None
) -> str | None:
    """Makes preview and thumbnail, reads EXIF, sets flags. Returns the photo's new state, or None when nothing was due."""
    with sessions.begin() as session:
        now = clock.read(session, now)
        photo = session.get(Photo, photo_id, with_for_update=queries.LOCK)
        if photo is None or photo.state != "received":
            return None
        if photo.attempts >= GIVE_UP_AFTER:
            return _give_up(session, photo, "gave_up")
        photo.attempts += 1
        photo.due_at = now + LEASE
        key, sha256, attempts = photo.object_key, photo.sha256, photo.attempts
    answer = _decode(storage, decoder, key, sha256)
    if "ok" in answer:
        return _settle(sessions, photo_id, answer["ok"], now)
    last = answer["final"] or (attempts >= MAX_ATTEMPTS and answer["failed"] != "decoder_died")
    log.warning(
        "photo not decoded", extra={"photo_id": photo_id, "reason": answer["failed"], "attempts": attempts}
    )
    return (
        _damaged(sessions, photo_id, answer["failed"]) if last else _again(sessions, photo_id, now, attempts)
    )


def _decode(storage: Storage, decoder: Decoder, key: str, sha256: bytes) -> dict[str, Any]:
    """Decodes and stores the copies, with no transaction open meanwhile."""
    with tempfile.TemporaryDirectory(prefix="chakan-photo-") as folder:
        out = Path(folder)
        try:
            with local_file(storage, key, out) as source:
                answer = decoder.make(source, out)
        except NoSuchObject:
            return {"failed": "original_missing", "final": True}
        except DecoderDied:
            return {"failed": "decoder_died", "final": False}
        if "ok" in answer:
            for name, edge_px in FILES:
                with full_is_said():
                    storage.put(copy_key(sha256, edge_px), pieces_of(out / name))
        return answer


@contextmanager
def local_file(storage: Storage, key: str, folder: Path) -> Iterator[Path]:
    """The object as a file on this machine; copied only when the store is elsewhere."""
    with storage.open(key) as stored:
        name = getattr(stored, "name", None)
        if isinstance(name, str) and Path(name).is_file():
            yield Path(name)
            return
        copy = folder / "original"
        with copy.open("wb") as file:
            shutil.copyfileobj(stored, file, PIECE_BYTES)
        yield copy


def _settle(sessions: Sessions, photo_id: int, made: dict[str, Any], now: datetime) -> str | None:
    with sessions.begin() as session:
        photo = queries.photo_for_update(session, photo_id)
        if photo.state != "received":
            return None  # a second run of the same job was quicker
        place, loss_at = queries.loss_of(session, photo.claim_id)
        position = LonLat(photo.lon, photo.lat) if photo.lon is not None and photo.lat is not None else None
        facts = flags.Facts(
            photo.taken_at, photo.received_at, position, photo.accuracy_m, made["exif"], place, loss_at
        )
        photo.width, photo.height, photo.exif, photo.phash = (
            made["width"],
            made["height"],
            made["exif"],
            made["phash"],
        )
        photo.flags = list(dict.fromkeys([*photo.flags, *made["marks"], *flags.flags(facts)]))
        photo.state = "damaged" if "truncated" in made["marks"] else "processed"
        outbox.append(
            session, "photo.processed", claim_id=photo.claim_id, task_id=photo.task_id, photo_id=photo.id
        )
        return photo.state


def _damaged(sessions: Sessions, photo_id: int, reason: str) -> str:
    with sessions.begin() as session:
        photo = queries.photo_for_update(session, photo_id)
        return _give_up(session, photo, reason) if photo.state == "received" else photo.state


def _give_up(session: Session, photo: Photo, reason: str) -> str:
    """The original stays as evidence; there is nothing to look at, and the record says why."""
    photo.state = "damaged"
    photo.flags = [*photo.flags, "no_preview", reason]
    outbox.append(
        session, "photo.processed", claim_id=photo.claim_id, task_id=photo.task_id, photo_id=photo.id
    )
    return photo.state


def _again(sessions: Sessions, photo_id: int, now: datetime, attempts: int) -> str:
    with sessions.begin() as session:
        photo = queries.photo_for_update(session, photo_id)
        photo.due_at = now + RETRY * attempts
        return photo.state
