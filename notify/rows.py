"""Rows of messages, each written once however often its event is told."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from notify import queries, webhook
from notify.models import Message


def add(session: Session, **row: Any) -> int | None:
    """The id of the new row; None when this was told already: `once` names what and whom."""
    statement = insert(Message).values(**row).on_conflict_do_nothing(index_elements=["once"])
    return session.execute(statement.returning(Message.id)).scalar_one_or_none()


def add_webhook(
    session: Session,
    org_id: int,
    event: str,
    payload: Mapping[str, Any],
    now: datetime,
    claim_id: int | None = None,
) -> int | None:
    """The event for the insurer's own systems, signed when it is sent; None where none listens or it was told already."""
    hook = queries.hook(session, org_id)
    if hook is None or not hook.url:
        return None
    facts = dict(payload)
    # The relay adds the event's own id: two amendments of one claim are two events with the same facts.
    event_id = facts.pop("event_id", None) or json.dumps(facts, sort_keys=True)
    return add(
        session,
        org_id=org_id,
        claim_id=claim_id,
        once=f"webhook:{event}:{event_id}",
        audience="system",
        channel="webhook",
        address=hook.url,
        template=event,
        values={"org_id": str(hook.org_id)},
        text=json.dumps(webhook.event_body(event, now, facts), ensure_ascii=False),
        lang="en",
        created_at=now,
        due_at=now,
        stale_at=now + webhook.LIFE,
    )
