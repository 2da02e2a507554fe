"""Playback: the desk of any moment as it was known then, and what followed. Each look is audited: tracks are in it."""

from datetime import datetime, timedelta
from typing import Any

from flask import Response, g
from flask.typing import ResponseReturnValue
from pydantic import Field
from sqlalchemy.orm import Session

from api import packing, present
from api.door import Door, Strict, Text, roles
from api.fields import Moment
from core import audit, clock
from core.errors import Invalid
from dispatch import past_queries, playback
from geo import queries as places
from geo import store

bp = Door("playback", tag="Playback")

WATCHERS = ("dispatcher", "supervisor", "admin")
LONGEST = timedelta(hours=1)
LONGEST_DAY = timedelta(days=1, hours=1)
BAR_S = 900
# So many moves a surveyor and answer: a chunk of ten minutes at a move every ten seconds.
MOST_MOVES = 60_000


class Why(Strict):
    """`reason`: why one looks at where everybody was; a word like those the desk offers, or one's own. Kept in the audit."""

    reason: Text | None = Field(None, min_length=2, examples=["complaint"])


class At(Why):
    """A moment that is over."""

    at: Moment


class Chunk(Why):
    """A span of at most an hour; `step_s` thins the moves to one a surveyor and step."""

    start: Moment = Field(alias="from")
    end: Moment = Field(alias="to")
    step_s: int = Field(5, ge=1, le=600)


class DayWanted(Strict):
    """A span of at most a day."""

    start: Moment = Field(alias="from")
    end: Moment = Field(alias="to")


def span(start: datetime, end: datetime, longest: timedelta) -> None:
    """Raises Invalid for a span that ends before it begins or is too long."""
    if not start < end:
        raise Invalid.field("to", "later than `from`")
    if end - start > longest:
        raise Invalid.field("to", f"at most {longest.total_seconds() / 3600:.0f} h after `from`")


def look(session: Session, start: datetime, end: datetime, reason: str | None) -> None:
    """Writes down who looked at everybody's movements, of when and why (P19). Raises Invalid without a reason."""
    if reason is None:
        raise Invalid.field("reason", "say why you look at where everybody was; it is written down")
    audit.append(
        session,
        g.actor.person_id,
        "playback.seen",
        "organisation",
        g.actor.org_id,
        start=start.isoformat(),
        end=end.isoformat(),
        reason=reason,
    )


def answer(body: dict[str, Any]) -> Response:
    """A large answer, encoded at once."""
    return Response(packing.encode(body), content_type="application/json")


def accuracy(session: Session) -> float:
    """What is good enough for a dot here."""
    return places.limits_of(session, g.actor.org_id).max_accuracy_m


@bp.get("/playback")
@roles(*WATCHERS)
def picture(query: At) -> ResponseReturnValue:
    """The desk at a moment: jobs, clocks, and where everybody was as far as had been received then."""
    with g.sessions.begin() as session:
        if query.at > clock.read(session):
            raise Invalid.field("at", "not in the future")
        look(session, query.at, query.at, query.reason)
        tasks = playback.tasks_then(session, g.actor.org_path, query.at)
        people = playback.surveyors_then(
            session, g.actor.org_path, query.at, max_accuracy_m=accuracy(session)
        )
    return answer({"at": present.time(query.at), "tasks": tasks, "surveyors": people})


@bp.get("/playback/moves")
@roles(*WATCHERS)
def moves(query: Chunk) -> ResponseReturnValue:
    """What followed: moves `[surveyor, received, seen, lon, lat, accuracy_m, speed_mps, heading_deg]`, times in ms after
    `from`, surveyor by its place in `ids`; and turns, the cards that changed and when."""
    span(query.start, query.end, LONGEST)
    with g.sessions.begin() as session:
        look(session, query.start, query.end, query.reason)
        people = past_queries.people_then(session, g.actor.org_path, query.end)
        ids = [person.id for person in people]
        seconds = (query.end - query.start).total_seconds()
        step_s = max(query.step_s, len(ids) * seconds / MOST_MOVES)
        found = store.moves(
            session, ids, query.start, query.end, step_s=step_s, max_accuracy_m=accuracy(session)
        )
        told = playback.turns(session, g.actor.org_path, query.start, query.end)
    where = {ident: n for n, ident in enumerate(ids)}

    def after_ms(at: datetime) -> int:
        return round((at - query.start).total_seconds() * 1000)

    rows = [
        (
            where[m.surveyor_id], after_ms(m.received_at), after_ms(min(m.fixed_at, m.received_at)),
            round(m.lon, 6), round(m.lat, 6), m.accuracy_m, m.speed_mps, m.heading_deg,
        )
        for m in found
    ]  # fmt: skip
    return answer(
        {
            "from": present.time(query.start),
            "to": present.time(query.end),
            "step_s": step_s,
            "ids": [str(i) for i in ids],
            "moves": sorted(rows, key=lambda row: row[1]),
            "turns": [
                {"at": present.time(t.at), "kind": t.kind, "id": str(t.ident), "card": t.card} for t in told
            ],
        }
    )


@bp.get("/playback/day")
@roles(*WATCHERS)
def day(query: DayWanted) -> ResponseReturnValue:
    """How a day went, in quarters of an hour: reports that came in, promises that were broken."""
    span(query.start, query.end, LONGEST_DAY)
    count = -(-int((query.end - query.start).total_seconds()) // BAR_S)
    bars: dict[str, list[int]] = {"reports": [0] * count, "breaches": [0] * count}
    with g.sessions.begin() as session:
        for row in past_queries.day(session, g.actor.org_path, query.start, query.end, BAR_S):
            bars[row.what][min(row.bucket, count - 1)] = row.n
    return {"from": present.time(query.start), "step_s": BAR_S, **bars}
