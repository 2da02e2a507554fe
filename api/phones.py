"""A surveyor's phones as the desk sees them: last fix, app, battery, delays, refusals, gaps, and why he is grey.

Nothing here says where he is: no look at a track, so no reason is asked for.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import g
from flask.typing import ResponseReturnValue
from sqlalchemy import text
from sqlalchemy.orm import Session

from api import access, present
from api.door import Door, roles
from api.staff import SurveyorPath
from core import clock
from core.database import Sessions
from geo import diagnosis, queries, staleness, store
from geo.diagnosis import Cause, Heard, Phone
from geo.fix import Fix
from staff.models import Surveyor

bp = Door("phones", tag="Surveyors")

LOOK_BACK = timedelta(hours=24)
# What an app calls itself is kept when it changes; most requests cost a look into this.
_apps: dict[int, str] = {}
MOST_KNOWN, LONGEST_NAME = 50_000, 120


def new_app(device_id: int, user_agent: str | None) -> str | None:
    """What the app of a device calls itself if that is to be noted; None when it says nothing or what is known."""
    name = (user_agent or "")[:LONGEST_NAME].replace("\0", "")
    return name if name and _apps.get(device_id) != name else None


def app_noted(device_id: int, name: str) -> None:
    """Remembers that the device's row says so."""
    if len(_apps) >= MOST_KNOWN:
        _apps.clear()
    _apps[device_id] = name


def note_app(sessions: Sessions, device_id: int, user_agent: str | None) -> None:
    """Keeps what the app of a device calls itself, when that is new."""
    name = new_app(device_id, user_agent)
    if name is None:
        return
    with sessions.begin() as session:
        session.execute(
            text("UPDATE device SET app = :name WHERE id = :id AND app IS DISTINCT FROM :name"),
            {"id": device_id, "name": name},
        )
    app_noted(device_id, name)


def heard(session: Session, who: Surveyor, now: datetime) -> tuple[Heard, list[Any]]:
    """All that is known of a surveyor's phones, and the rows it comes from."""
    rows = queries.phones(session, who.id, now.astimezone(UTC).date())
    start = max(who.on_duty_since or now - LOOK_BACK, now - LOOK_BACK)
    # Off duty nothing is taken, and what was taken before is nobody's business here.
    track = store.track(session, who.id, start, now) if who.on_duty else []
    phones = [
        Phone(
            row.id,
            row.revoked_at,
            row.seen_at,
            row.offset_s or 0,
            row.refused.get(str(now.astimezone(UTC).date()), {}),
            row.held.get(str(now.astimezone(UTC).date()), {}),
        )
        for row in rows
    ]
    dot = queries.last(session, who.id) if who.on_duty else None
    return Heard(now, who.on_duty, who.on_duty_since, dot, phones, track), rows


def show_cause(cause: Cause) -> dict[str, Any]:
    """A cause and what it rests on."""
    facts = {
        name: present.time(value) if isinstance(value, datetime) else value
        for name, value in cause.facts.items()
    }
    return {"cause": cause.name, "facts": facts}


def show_last(dot: Fix | None, now: datetime) -> dict[str, Any] | None:
    """The last fix without its place."""
    if dot is None:
        return None
    age = staleness.age_s(now, dot.fixed_at, dot.received_at or now)
    return {
        "at": present.time(dot.fixed_at), "received_at": present.time(dot.received_at), "age_s": round(age),
        "state": staleness.state(age), "source": dot.source, "battery": dot.battery, "accuracy_m": dot.accuracy_m,
    }  # fmt: skip


def show_phone(row: Any) -> dict[str, Any]:
    """One device. `refused` and `held` (kept, but not for the dot) are by UTC day and reason, the newest seven days."""
    return {
        "id": str(row.id), "label": row.label, "app": row.app, "paired_at": present.time(row.paired_at),
        "seen_at": present.time(row.seen_at), "revoked_at": present.time(row.revoked_at),
        "clock": {"offset_s": row.offset_s or 0, "learned_at": present.time(row.learned_at)}, "refused": row.refused,
        "held": row.held,
    }  # fmt: skip


@bp.get("/surveyors/<int:surveyor_id>/tracking")
@roles("dispatcher", "supervisor", "admin", "surveyor")
def tracking(path: SurveyorPath) -> ResponseReturnValue:
    """Why is this surveyor grey? The likeliest cause first, and what it rests on. One's own, or of one's part of the tree."""
    with g.sessions.begin() as session:
        who = access.surveyor_seen_by(session, g.actor, path.surveyor_id)
        now = clock.read(session)
        known, rows = heard(session, who, now)
    return {
        "surveyor_id": str(path.surveyor_id),
        "on_duty": known.on_duty,
        "on_duty_since": present.time(known.on_duty_since),
        "causes": [show_cause(cause) for cause in diagnosis.causes(known)],
        "last": show_last(known.dot, now),
        "delays": diagnosis.spread(known.track),
        "gaps": [
            {"from": present.time(gap.start), "to": present.time(gap.end)}
            for gap in diagnosis.silences(known)
        ],
        "fixes": len(known.track),
        "devices": [show_phone(row) for row in rows],
        "server_time": present.time(now),
    }
