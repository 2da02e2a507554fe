"""What concerns no single claim: a catastrophe switched, a surveyor asked to wait elsewhere. Written down as messages are."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from core import clock
from core.database import Sessions
from core.settings import Settings
from notify import draft, message, queries, webhook
from notify.models import Message


def announce(
    sessions: Sessions,
    settings: Settings,
    event: str,
    payload: Mapping[str, Any],
    now: datetime | None = None,
) -> list[int]:
    """Writes the messages an event of an organisation calls for; returns the ids of the new ones. Safe to repeat."""
    with sessions.begin() as session:
        now = clock.read(session, now)
        written = [_hook(session, event, dict(payload), now)]
        if event == "move_up.asked":
            written.append(_to_mover(session, settings, int(payload["move_id"]), int(payload["org_id"]), now))
        return [message_id for message_id in written if message_id is not None]


def _hook(session: Session, event: str, payload: dict[str, Any], now: datetime) -> int | None:
    """The event for the insurer's own systems, signed when it is sent."""
    org_id = int(payload["org_id"])
    hook = queries.hook(session, org_id)
    if hook is None or not hook.url:
        return None
    event_id = payload.pop("event_id", None) or json.dumps(payload, sort_keys=True)
    return _insert(
        session,
        org_id=org_id,
        once=f"webhook:{event}:{event_id}",
        audience="system",
        channel="webhook",
        address=hook.url,
        template=event,
        values={"org_id": str(hook.org_id)},
        text=json.dumps(webhook.event_body(event, now, payload), ensure_ascii=False),
        lang="en",
        created_at=now,
        due_at=now,
        stale_at=now + webhook.LIFE,
    )


def _to_mover(session: Session, settings: Settings, move_id: int, org_id: int, now: datetime) -> int | None:
    """A text to whom the desk asks to wait elsewhere; worthless once the request has run out."""
    move = queries.move(session, move_id)
    person = None if move is None else queries.person(session, move.surveyor_id)
    if move is None or person is None or not person.phone or not draft.mobile(person.phone):
        return None
    place = move.place_text or ("the marked place" if person.lang == "en" else "地图所示位置")
    values = {"place": place, "minutes": max(1, round(move.drive_s / 60))}
    signature = str(draft.rules_of(session, org_id)["sms_signature"])
    return _insert(
        session,
        org_id=org_id,
        once=f"move_up_asked:{move.id}:surveyor:sms:{person.phone}",
        audience="surveyor",
        channel="sms",
        address=person.phone,
        template="move_up_asked",
        values=values,
        text=message.sms("move_up_asked", values, person.lang, base=settings.public_url, signature=signature),
        lang=person.lang,
        created_at=now,
        due_at=now,
        stale_at=move.expires_at,
    )


def _insert(session: Session, **row: Any) -> int | None:
    """The id of the new row; None when this was told already."""
    statement = insert(Message).values(**row).on_conflict_do_nothing(index_elements=["once"])
    return session.execute(statement.returning(Message.id)).scalar_one_or_none()
