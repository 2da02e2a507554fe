"""Who may be asked now, nearest first: the short list a dispatcher picks from by hand."""

from typing import Any

from flask import g
from flask.typing import ResponseReturnValue
from pydantic import Field

from api import present
from api.door import Door, Strict, Text, roles
from core import clock
from dispatch import able, candidates, policy
from geo import datum
from geo.datum import Datum

bp = Door("able", tag="Dispatch")


class Question(Strict):
    """Who may be asked to go to a place? `needs` are skills with commas."""

    lon: float = Field(ge=-180, le=180)
    lat: float = Field(ge=-90, le=90)
    datum: Datum = "wgs84"
    needs: Text = Field("", examples=["motor"])
    limit: int = Field(20, ge=1, le=100)


def show(found: able.Able) -> dict[str, Any]:
    """Somebody who may be asked."""
    return {
        "surveyor": {"id": str(found.surveyor_id), "name": found.name},
        "distance_m": found.distance_m,
        "age_s": found.age_s,
        "open_jobs": found.open_jobs,
        "max_open": found.max_open,
    }


@bp.get("/nearest/able")
@roles("seat", "dispatcher", "supervisor", "admin", "integration")
def nearest_able(query: Question) -> ResponseReturnValue:
    """Those on duty, heard of lately, with the skills, below their cap and with no open offer; nearest first."""
    place = datum.to_wgs84(query.lon, query.lat, query.datum)
    with g.sessions.begin() as session:
        now = clock.read(session)
        found = able.nearest(
            session,
            place,
            org_path=g.actor.org_path,
            heard_since=candidates.heard_since(policy.read(session, g.actor.org_id), now),
            now=now,
            needs=[part for part in query.needs.split(",") if part],
            limit=query.limit,
        )
    return {"items": [show(one) for one in found], "next": None, "server_time": present.time(now)}
