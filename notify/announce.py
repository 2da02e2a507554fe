"""What concerns no single claim: a catastrophe switched, a surveyor asked to wait elsewhere. Written down as messages are."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from core import clock
from core.database import Sessions
from core.settings import Settings
from notify import draft, message, queries, rows


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
        written = [rows.add_webhook(session, int(payload["org_id"]), event, payload, now)]
        if event == "move_up.asked":
            written.append(_to_mover(session, settings, int(payload["move_id"]), int(payload["org_id"]), now))
        return [message_id for message_id in written if message_id is not None]


def _to_mover(session: Session, settings: Settings, move_id: int, org_id: int, now: datetime) -> int | None:
    """A text to whom the desk asks to wait elsewhere; worthless once the request has run out."""
    move = queries.move(session, move_id)
    person = None if move is None else queries.person(session, move.surveyor_id)
    if move is None or person is None or not person.phone or not draft.mobile(person.phone):
        return None
    place = move.place_text or ("the marked place" if person.lang == "en" else "地图所示位置")
    values = {"place": place, "minutes": max(1, round(move.drive_s / 60))}
    signature = str(draft.rules_of(session, org_id)["sms_signature"])
    return rows.add(
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
