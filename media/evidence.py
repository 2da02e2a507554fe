"""Handing out an original: only when its bytes still have the hash they came with, and never unrecorded."""

import hashlib
import logging

from core import audit
from core.database import Sessions
from media.errors import EvidenceDamaged, NoSuchObject
from media.models import Photo
from media.storage import Storage
from staff.accounts import Actor

log = logging.getLogger(__name__)


def original(sessions: Sessions, storage: Storage, actor: Actor, photo: Photo) -> bytes:
    """The bytes of the original, checked from the first to the last. Raises EvidenceDamaged, which is recorded."""
    data = whole(storage, photo)
    action = "photo.original_seen" if data is not None else "photo.damage_found"
    with sessions.begin() as session:
        audit.append(session, actor.person_id, action, "photo", photo.id, sha256=photo.sha256.hex())
    if data is None:
        log.error("evidence damaged", extra={"photo_id": photo.id, "claim_id": photo.claim_id})
        raise EvidenceDamaged("the stored original is not what was received; this has been recorded")
    return data


def whole(storage: Storage, photo: Photo) -> bytes | None:
    """The stored bytes, or None when they are missing or no longer what was received."""
    try:
        with storage.open(photo.object_key) as file:
            # Read once: what is checked and what is handed out must be the same bytes. A photo has at most 20 MB.
            data = file.read()
    except NoSuchObject:
        return None
    return data if hashlib.sha256(data).digest() == photo.sha256 else None
