"""What the photo worker calls by name. Each takes ids and may run twice."""

from typing import Any

from core import wiring
from media import copies, sandbox


def process(photo_id: int) -> None:
    """Makes the copies of a photo; safe to repeat: the copies' keys are the original's digest."""
    copies.make_copies(wiring.sessions, wiring.storage, sandbox.shared(), photo_id)


def process_all(photo_ids: list[int]) -> None:
    """The same of several: the sweeper hands over lists, of photos with one in each."""
    for photo_id in photo_ids:
        process(photo_id)


def on_stored(payload: dict[str, Any]) -> None:
    """Listens to `photo.stored`."""
    process(payload["photo_id"])
