"""The timeline: every event of a claim, written in the transaction that made it happen."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from claims.models import ClaimEvent
from staff.accounts import Actor


def record(
    session: Session,
    claim_id: int,
    kind: str,
    at: datetime,
    actor: Actor | None,
    task_id: int | None = None,
    device_at: datetime | None = None,
    actor_kind: str | None = None,
    **facts: Any,
) -> None:
    """Adds an event. `actor` None is the system (or `actor_kind`, e.g. customer). `facts` hold ids and words only."""
    actor_id, actor_kind = (None, actor_kind or "system") if actor is None else who(actor)
    session.add(
        ClaimEvent(
            claim_id=claim_id,
            task_id=task_id,
            kind=kind,
            at=at,
            device_at=device_at,
            actor_id=actor_id,
            actor_kind=actor_kind,
            facts={
                name: value.isoformat() if isinstance(value, datetime) else value
                for name, value in facts.items()
            },
        )
    )


def who(actor: Actor) -> tuple[int, str]:
    """The person behind an event, and whether his phone spoke for him."""
    return actor.person_id, "device" if actor.kind == "device" else "person"
