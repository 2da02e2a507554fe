"""Who is near a place, and from where it can be reached in time: by road, with how sure each time is."""

from collections.abc import Sequence
from typing import Any

from flask import g
from flask.typing import ResponseReturnValue
from pydantic import Field

from api import access, parts, present
from api.claims import Shown
from api.door import Door, IdText, Strict, Text, id_of, roles
from core import clock
from core.errors import Invalid
from dispatch import catastrophe_queries, crowd, policy
from dispatch.crowd import Candidate
from geo import datum, rings, store
from geo.datum import Datum

bp = Door("nearest", tag="Surveyors")

# The nearest in a straight line are not the soonest by road: so many times as many are timed as are shown.
TIMED = 3
MOST_MINUTES, MOST_RINGS = 120, 4
MOST_PEOPLE = 200
# Nobody drives faster than this, so nobody farther off is inside a ring.
FASTEST_KMH = 120


class Question(Strict):
    """Who is nearest to a place? `needs` are skills with commas."""

    lon: float = Field(ge=-180, le=180)
    lat: float = Field(ge=-90, le=90)
    datum: Datum = "wgs84"
    needs: Text = Field("", examples=["motor"])
    limit: int = Field(10, ge=1, le=100)
    surveyor: IdText | None = Field(None, description="somebody on duty to be told of however far he is")
    radius_m: int | None = Field(None, ge=1, le=1_000_000)


class ReachWanted(Strict):
    """From where can a claim's place be reached in so many minutes?"""

    claim: IdText
    minutes: Text = Field("10,30", examples=["10,30"])

    def seconds(self) -> list[int]:
        """The times asked for, shortest first. Raises Invalid."""
        words = [word for word in self.minutes.split(",") if word]
        if not words or len(words) > MOST_RINGS or not all(w.isascii() and w.isdigit() for w in words):
            raise Invalid.field("minutes", f"one to {MOST_RINGS} whole numbers with commas")
        asked = sorted({int(word[:6]) for word in words})
        if asked[0] < 1 or asked[-1] > MOST_MINUTES:
            raise Invalid.field("minutes", f"1 to {MOST_MINUTES}")
        return [60 * minutes for minutes in asked]


def show_near(found: Candidate, rank: int) -> dict[str, Any]:
    """Somebody near: how far, how old his position is, and what stands against asking him."""
    there = found.there
    return {
        "surveyor": {"id": str(found.surveyor_id), "name": found.name},
        "rank": rank,
        "distance_m": found.distance_m,
        "eta_s": found.eta_s,
        "eta_low_s": round(there.low_s),
        "eta_high_s": round(there.high_s),
        "eta_by": found.provider,
        "soonest_s": found.soonest_s,
        "age_s": found.age_s,
        "open_jobs": found.open_jobs,
        "free_by": found.free_by,
        "borrowed": not found.org_path.startswith(g.actor.org_path),
        "provider": found.provider,
        "outcome": "passed_over" if found.reasons else "able",
        "reason": found.reasons[0] if found.reasons else None,
        "reasons": list(found.reasons),
    }


@bp.get("/nearest")
@roles("seat", "dispatcher", "supervisor", "admin", "integration")
def nearest(query: Question) -> ResponseReturnValue:
    """Who is nearest to a place, whatever his state, soonest by road first, the long silent last: time, age, reasons."""
    place = datum.to_wgs84(query.lon, query.lat, query.datum)
    needs = tuple(part for part in query.needs.split(",") if part)
    named = id_of(query.surveyor) if query.surveyor else None
    with g.sessions.begin() as session:
        now = clock.read(session)
        rule = policy.read(session, g.actor.org_id)
        found = crowd.near(
            session,
            place,
            org_path=g.actor.org_path,
            org_id=g.actor.org_id,
            needs=needs,
            radius_m=query.radius_m,
            limit=query.limit * TIMED,
            also=catastrophe_queries.lent_to(session, g.actor.org_path),
            named=named,
            now=now,
        )
    everybody = crowd.silent_last(crowd.by_road(found, place, rule, parts().drive_times))
    timed = everybody[: query.limit]
    timed += [one for one in everybody[query.limit :] if one.surveyor_id == named]
    return {
        "items": [show_near(one, rank) for rank, one in enumerate(timed, 1)],
        "next": None,
        "server_time": present.time(now),
    }


@bp.get("/reach", responses={200: Shown})
@roles("dispatcher", "supervisor")
def reach(query: ReachWanted) -> ResponseReturnValue:
    """From where a claim's place is reached in time, as GeoJSON in WGS-84, and who is inside, soonest first.

    `by` says who drew it: `roads`, or `straight_line` for circles. A person is inside when his median time is; `chances`
    are the probabilities of being there within each of the times.
    """
    seconds = query.seconds()
    with g.sessions.begin() as session:
        claim = access.claim_seen_by(session, g.actor, id_of(query.claim))
        place = store.read_point(claim.place)
        if place is None:
            raise Invalid.field("claim", "this claim has no place yet")
        now = clock.read(session)
        rule = policy.read(session, claim.org_id)
        found = crowd.near(
            session,
            place,
            org_path=g.actor.org_path,
            org_id=claim.org_id,
            radius_m=round(seconds[-1] * FASTEST_KMH / 3.6),
            limit=MOST_PEOPLE,
            also=catastrophe_queries.lent_to(session, g.actor.org_path),
            now=now,
        )
    drawn = rings.around(parts().drive_times, place, seconds, last=crowd.straight(rule))
    inside = [
        one for one in crowd.by_road(found, place, rule, parts().drive_times) if one.eta_s <= seconds[-1]
    ]
    inside = [one for one in inside if "unreachable" not in one.reasons]
    return {
        "type": "FeatureCollection",
        "by": drawn.by,
        "claim_id": str(claim.id),
        "features": [
            {"type": "Feature", "properties": {"minutes": s // 60, "by": drawn.by}, "geometry": shape}
            for s, shape in zip(seconds, drawn.shapes, strict=True)
        ],
        "people": [show_inside(one, rank, seconds) for rank, one in enumerate(inside, 1)],
        "server_time": present.time(now),
    }


def show_inside(found: Candidate, rank: int, seconds: Sequence[int]) -> dict[str, Any]:
    """Somebody inside the rings, with the chance of being there within each of the times."""
    there = found.there
    return show_near(found, rank) | {"chances": [round(there.within(s), 3) for s in seconds]}
