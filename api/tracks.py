"""A day of a surveyor as stops, drives and gaps, and who looked at his tracks."""

from datetime import datetime
from typing import Any

from flask import g
from flask.typing import ResponseReturnValue
from pydantic import Field
from sqlalchemy import text

from api import access, present
from api.door import Door, Strict, roles
from api.staff import SurveyorPath
from api.surveyors import MOST_IN_FILE, Span, in_datum, look
from core import clock
from core.errors import Denied, Invalid
from geo import queries, stops, store
from geo.datum import Datum
from geo.stops import Drive, Gap, Stop

bp = Door("tracks", tag="Surveyors")

LOOKS = """
SELECT a.seq, a.at, a.actor_id, p.name, a.facts
  FROM audit_entry AS a
  LEFT JOIN person AS p ON p.id = a.actor_id
 WHERE a.subject_kind = 'surveyor' AND a.subject_id = :surveyor_id AND a.action = 'track.seen'
   AND (:before = 0 OR a.seq < :before)
 ORDER BY a.seq DESC
 LIMIT :limit
"""


class LooksWanted(Strict):
    """A page of looks, newest first; `before` is the `next` of the page before."""

    limit: int = Field(50, ge=1, le=200)
    before: int = Field(0, ge=0, lt=2**63)


def show_part(part: Stop | Drive | Gap, wanted: Datum) -> dict[str, Any]:
    """A stop with its place, a drive with its length, a gap."""
    shown: dict[str, Any] = {"from": present.time(part.start), "to": present.time(part.end)}
    if isinstance(part, Stop):
        place = in_datum({"lon": part.place.lon, "lat": part.place.lat}, wanted)
        return {"kind": "stop", **shown, "place": place, "fixes": part.fixes}
    if isinstance(part, Drive):
        return {"kind": "drive", **shown, "metres": part.metres, "fixes": part.fixes}
    return {"kind": "gap", **shown}


@bp.get("/surveyors/<int:surveyor_id>/track/day")
@roles("dispatcher", "supervisor", "admin", "surveyor")
def day(path: SurveyorPath, query: Span) -> ResponseReturnValue:
    """The track of a time as stops, drives and gaps. A look at a track like any other: audited, with its reason."""
    with g.sessions.begin() as session:
        start, end = query.span(clock.read(session))
        row = look(session, path.surveyor_id, start, end, "day", query.reason)
        limits = queries.limits_of(session, row.org_id)
        fixes = store.track(session, path.surveyor_id, start, end, limit=MOST_IN_FILE + 1)
    if len(fixes) > MOST_IN_FILE:
        raise Invalid.field("from", f"more than {MOST_IN_FILE} positions; ask for fewer days")
    parts = stops.told(fixes, limits)
    metres = sum(part.metres for part in parts if isinstance(part, Drive))
    return {"items": [show_part(part, query.datum) for part in parts], "next": None, "metres": metres}


def show_look(row: Any) -> dict[str, Any]:
    """One look: who, when, why, at which time, in which form."""
    moments = {
        name: datetime.fromisoformat(row.facts[key]) for name, key in (("from", "start"), ("to", "end"))
    }
    return {
        "at": present.time(row.at),
        "by": {"id": present.ident(row.actor_id), "name": row.name},
        "reason": row.facts.get("reason"),
        "form": row.facts.get("form"),
        **{name: present.time(at) for name, at in moments.items()},
    }


@bp.get("/surveyors/<int:surveyor_id>/looks")
@roles("supervisor", "admin", "surveyor")
def looks(path: SurveyorPath, query: LooksWanted) -> ResponseReturnValue:
    """Who looked at a surveyor's tracks, and why, newest first: for himself, and for those who supervise the lookers."""
    with g.sessions.begin() as session:
        access.surveyor_seen_by(session, g.actor, path.surveyor_id)
        if path.surveyor_id != g.actor.person_id and not g.actor.has("supervisor", "admin"):
            raise Denied("only a supervisor reads who looked at others")
        args = {"surveyor_id": path.surveyor_id, "before": query.before, "limit": query.limit}
        rows = session.execute(text(LOOKS), args).all()
    following = str(rows[-1].seq) if len(rows) == query.limit else None
    return {"items": [show_look(row) for row in rows], "next": following}
