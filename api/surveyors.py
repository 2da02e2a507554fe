"""Where everyone is: cards, tracks (every look is logged), and who is nearest."""

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Response, g
from flask.typing import ResponseReturnValue
from pydantic import AwareDatetime, Field
from sqlalchemy.orm import Session

from api import access, present
from api.door import Door, IdText, Page, Strict, Text, roles
from core import audit, clock
from core.errors import Invalid
from dispatch import board, catastrophe_queries
from geo import datum, filters, gpx, queries, store
from geo.datum import Datum
from geo.fix import Fix, LonLat
from staff.models import Surveyor

bp = Door("surveyors", tag="Surveyors")

LONGEST_TRACK = timedelta(days=31)
MOST_IN_FILE = 100_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Years in which arithmetic on a time cannot overflow, and no track lies outside.
LEAST, MOST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
GPX = "application/gpx+xml"
STATES = ("off", "idle", "offered", "busy", "stale")


class Wanted(Page):
    """The query of the list. `bbox` is west,south,east,north; `state` may name several, with commas."""

    bbox: Text | None = Field(None, examples=["116.2,39.7,116.6,40.1"])
    state: Text | None = Field(None, examples=["idle,busy"])
    datum: Datum = "wgs84"

    def box(self) -> tuple[float, float, float, float] | None:
        """The four numbers. Raises Invalid."""
        if self.bbox is None:
            return None
        try:
            west, south, east, north = (float(part) for part in self.bbox.split(","))
            datum.checked(west, south)
            datum.checked(east, north)
        except ValueError as error:
            raise Invalid.field("bbox", "west,south,east,north in degrees") from error
        return west, south, east, north

    def states(self) -> set[str]:
        """The states asked for; empty means all. Raises Invalid."""
        asked = {part for part in (self.state or "").split(",") if part}
        if not asked <= set(STATES):
            raise Invalid.field("state", "of " + ", ".join(STATES))
        return asked


class SurveyorPath(Strict):
    """An id in the path."""

    surveyor_id: int = Field(ge=1, lt=2**63)


class Span(Strict):
    """The time of a track: the last 24 hours unless `from` and `to` say otherwise; at most 31 days.

    `reason`: why one looks at somebody else's track; a word like those the desk offers, or one's own. Kept in the audit.
    """

    reason: Text | None = Field(None, min_length=2, examples=["complaint"])
    start: AwareDatetime | None = Field(None, alias="from", ge=LEAST, le=MOST)
    end: AwareDatetime | None = Field(None, alias="to", ge=LEAST, le=MOST)
    datum: Datum = "wgs84"

    def span(self, now: datetime) -> tuple[datetime, datetime]:
        """From and to, in UTC. Raises Invalid."""
        end = (self.end or now).astimezone(UTC)
        start = (self.start or end - timedelta(days=1)).astimezone(UTC)
        if start > end:
            raise Invalid.field("from", "later than `to`")
        if end - start > LONGEST_TRACK:
            raise Invalid.field("from", f"more than {LONGEST_TRACK.days} days before `to`")
        return start, end


class TrackWanted(Span):
    """A page of a track; `after` is the `next` of the page before."""

    limit: int = Field(2000, ge=1, le=10_000)
    after: IdText | None = None


def in_datum(place: dict[str, Any] | None, wanted: Datum) -> dict[str, Any] | None:
    """A shown place in the datum asked for."""
    if place is None or wanted == "wgs84":
        return place
    moved = datum.from_wgs84(LonLat(place["lon"], place["lat"]), wanted)
    return {**place, "lon": moved.lon, "lat": moved.lat, "datum": wanted}


@bp.get("/surveyors")
@roles("seat", "dispatcher", "supervisor", "admin", "adjuster")
def surveyors(query: Wanted) -> ResponseReturnValue:
    """Cards of the surveyors of one's own part of the tree, and of those lent to it. Off duty a card has no position."""
    box, states = query.box(), query.states()
    with g.sessions.begin() as session:
        now = clock.read(session)
        found = board.surveyors_board(
            session,
            g.actor.org_path,
            also=catastrophe_queries.lent_to(session, g.actor.org_path),
            box=box,
            after=query.after_id,
            limit=query.limit,
            now=now,
        )
    shown = [
        {**card, "position": in_datum(card["position"], query.datum)}
        for card in found
        # Who is off duty must not be found by drawing boxes around where he was last.
        if (not states or card["state"] in states) and (box is None or card["position"] is not None)
    ]
    following = found[-1]["id"] if len(found) == query.limit else None
    return {"items": shown, "next": following, "server_time": present.time(now)}


def show_fix(fix: Fix, wanted: Datum) -> dict[str, Any]:
    """A position of a track."""
    return {
        "at": present.time(fix.fixed_at),
        "received_at": present.time(fix.received_at),
        **(in_datum({"lon": fix.lon, "lat": fix.lat}, wanted) or {}),
        "accuracy_m": fix.accuracy_m,
        "speed_mps": fix.speed_mps,
        "heading_deg": fix.heading_deg,
        "altitude_m": fix.altitude_m,
        "battery": fix.battery,
        "source": fix.source,
        **({} if fix.phone_at is None else {"phone_at": present.time(fix.phone_at)}),
    }


def look(
    session: Session, surveyor_id: int, start: datetime, end: datetime, form: str, reason: str | None
) -> Surveyor:
    """Lets the actor look at a track and writes down that he did, and why: it is personal data (PIPL 28).

    His own track everybody sees without a reason. Raises Missing, Invalid without a reason.
    """
    row = access.surveyor_seen_by(session, g.actor, surveyor_id)
    own = surveyor_id == g.actor.person_id
    if not own and reason is None:
        raise Invalid.field("reason", "say why you look at somebody's track; he can read it")
    audit.append(
        session,
        g.actor.person_id,
        "track.seen",
        "surveyor",
        surveyor_id,
        start=start.isoformat(),
        end=end.isoformat(),
        form=form,
        reason="own" if own else reason,
    )
    return row


def page_of(fixes: list[Fix], limit: int) -> tuple[list[Fix], str | None]:
    """A page out of one fix more than a page, and its cursor. Fixes of the same moment stay together."""
    if len(fixes) <= limit:
        return fixes, None
    page = fixes[:limit]
    while len(page) > 1 and page[-1].fixed_at == fixes[limit].fixed_at:
        page.pop()
    return page, str((page[-1].fixed_at - EPOCH) // timedelta(microseconds=1))


@bp.get("/surveyors/<int:surveyor_id>/track")
@roles("dispatcher", "supervisor", "admin", "surveyor")
def track(path: SurveyorPath, query: TrackWanted) -> ResponseReturnValue:
    """The positions of a surveyor in order of time, own or of one's part of the tree. Each look is audited.

    `flags` are hints for a person: impossible_jumps, too_steady.
    """
    with g.sessions.begin() as session:
        start, end = query.span(clock.read(session))
        row = look(session, path.surveyor_id, start, end, "list", query.reason)
        limits = queries.limits_of(session, row.org_id)
        if query.after is not None:
            since = EPOCH + timedelta(microseconds=min(int(query.after), 10**16) + 1)
            start = max(start, since)
        fixes = store.track(session, path.surveyor_id, start, end, limit=query.limit + 1)
    page, following = page_of(fixes, query.limit)
    return {
        "items": [show_fix(fix, query.datum) for fix in page],
        "next": following,
        "flags": filters.oddities(page, limits),
    }


@bp.get(
    "/surveyors/<int:surveyor_id>/track.gpx",
    responses={200: {"description": "GPX 1.1", "content": {GPX: {"schema": {"type": "string"}}}}},
)
@roles("dispatcher", "supervisor", "admin", "surveyor")
def track_gpx(path: SurveyorPath, query: Span) -> ResponseReturnValue:
    """The same as a GPX 1.1 file. Each look is audited."""
    with g.sessions.begin() as session:
        start, end = query.span(clock.read(session))
        look(session, path.surveyor_id, start, end, "gpx", query.reason)
        fixes = store.track(session, path.surveyor_id, start, end, limit=MOST_IN_FILE + 1)
    if len(fixes) > MOST_IN_FILE:
        raise Invalid.field("from", f"more than {MOST_IN_FILE} positions; ask for fewer days")
    answer = Response(gpx.write(f"{path.surveyor_id} {start:%Y-%m-%d}", fixes), content_type=GPX)
    answer.headers["Content-Disposition"] = f'attachment; filename="track-{path.surveyor_id}.gpx"'
    answer.headers["Cache-Control"] = "no-store"
    return answer
