"""What a person chose to see: kept for him, so that it is the same at the next desk."""

from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from staff.models import Preference

KEYS = ("desk",)


def read(session: Session, person_id: int, key: str) -> dict[str, Any]:
    """What he chose; empty when he chose nothing yet."""
    found = session.scalar(
        select(Preference.value).where(Preference.person_id == person_id, Preference.key == key)
    )
    return found or {}


def keep(session: Session, person_id: int, key: str, value: dict[str, Any]) -> None:
    """Replaces what he chose; choosing nothing forgets it."""
    if not value:
        session.execute(delete(Preference).where(Preference.person_id == person_id, Preference.key == key))
        return
    row = insert(Preference).values(person_id=person_id, key=key, value=value)
    session.execute(
        row.on_conflict_do_update(index_elements=["person_id", "key"], set_={"value": row.excluded.value})
    )
