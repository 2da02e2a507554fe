"""Who transfers, and where a transfer stands."""

from dataclasses import dataclass
from datetime import datetime

from media.models import Upload
from staff.accounts import Actor


@dataclass(frozen=True)
class Sender:
    """Who transfers: a signed-in actor, or the customer of one claim. `marks` go onto the photo (e.g. after_reassign)."""

    actor: Actor | None
    claim_id: int | None = None
    marks: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Who it is, in one word without a name."""
        return f"person:{self.actor.person_id}" if self.actor else f"claim:{self.claim_id}"

    @property
    def customer(self) -> bool:
        """Whether it is the customer behind his link."""
        return self.actor is None


@dataclass(frozen=True)
class Standing:
    """Where a transfer stands: bytes safe on disk, of how many, until when, and the photo it became."""

    key: str
    offset: int
    length: int | None
    expires_at: datetime
    photo_id: int | None = None
    sha256: str | None = None


def standing(row: Upload, offset: int, photo_id: int | None = None) -> Standing:
    """The standing of a transfer."""
    photo_id = photo_id or row.photo_id
    return Standing(
        row.key, offset, row.length, row.expires_at, photo_id, row.meta["sha256"] if photo_id else None
    )
