"""Coverage with the one move that helps most, requests to move up, and the day plan of a surveyor."""

from typing import Any, Literal

from flask import g
from flask.typing import ResponseReturnValue
from pydantic import Field

from api import access, parts, present
from api.claims import ListOut, Shown
from api.door import Door, IdText, Page, Strict, Text, id_of, roles
from api.fields import FromPhone, PositionIn, position
from core.errors import Missing
from dispatch import day, moving
from dispatch.coverage_map import Picture
from dispatch.day import Planned
from geo.fix import LonLat
from staff.models import Organisation, Person

bp = Door("planning", tag="Coverage and day plans")


class CoverageWanted(Strict):
    """For which organisation (one's own without it), and within how many minutes somebody is to be there."""

    org_id: IdText | None = None
    within_min: int = Field(30, ge=5, le=120)


class DayWanted(Strict):
    """`with_task`: a job he does not hold, to see what it would do to the rest of his day."""

    with_task: IdText | None = None


class SurveyorPath(Strict):
    """An id in the path."""

    surveyor_id: int = Field(ge=1, lt=2**63)


class MovePath(Strict):
    """An id in the path."""

    move_id: int = Field(ge=1, lt=2**63)


class MoveIn(Strict):
    """Whom to ask to wait where; `within_min` and the shares are what the coverage said and are kept as the record."""

    surveyor_id: IdText
    position: PositionIn
    place: Text = Field("", max_length=120)
    within_min: int = Field(30, ge=5, le=120)
    drive_s: int = Field(0, ge=0, le=86_400)
    covered_before: float = Field(0, ge=0, le=1)
    covered_after: float = Field(0, ge=0, le=1)
    provider: Text = Field("", max_length=40)


class MoveDeclined(FromPhone):
    """Why not."""

    reason: Literal["busy", "too_far", "rest", "other"]


def whole(seconds: float) -> int | None:
    """Seconds as answered; None where nobody ever gets there."""
    return round(seconds) if seconds < 1e9 else None


def show_cover(picture: Picture) -> dict[str, Any]:
    """The picture: hexagons as [lon, lat, expected reports an hour, seconds to the soonest or null], shares, the move."""
    ground = picture.ground
    cells = [
        [round(lon, 5), round(lat, 5), round(expected, 4), whole(first)]
        for (lon, lat), expected, first in zip(
            ground.grid.centres.tolist(), ground.demand.tolist(), picture.cover.first.tolist(), strict=True
        )
    ]
    return {
        "at": present.time(picture.at),
        "took_ms": picture.took_ms,
        "provider": picture.provider,
        "cell_m": ground.grid.cell_m,
        "within_s": picture.within_s,
        "reports": ground.reports,
        "weeks": ground.weeks,
        "demand_per_h": round(float(ground.demand.sum()), 3),
        "shares": {str(limit): round(share, 4) for limit, share in picture.shares.items()},
        "on_duty": len(picture.people),
        "cells": cells,
        "move": show_best(picture),
    }


def show_best(picture: Picture) -> dict[str, Any] | None:
    """The one move that helps most, or None."""
    move, who = picture.move, picture.mover()
    if move is None or who is None or picture.target is None:
        return None
    return {
        "surveyor": {"id": str(who.id), "name": who.name},
        "from": position(who.place),
        "to": position(picture.target),
        "drive_s": round(move.drive_s),
        "gain_per_h": round(move.gain, 3),
        "covered_before": round(move.before, 4),
        "covered_after": round(move.after, 4),
        "sooner_s": round(move.sooner_s, 1),
        "within_s": picture.within_s,
    }


def show_move(row: Any) -> dict[str, Any]:
    """A request to move up as the desk sees it."""
    return {
        "id": str(row.id),
        "surveyor": {"id": str(row.surveyor_id), "name": row.surveyor_name},
        "position": position(LonLat(row.lon, row.lat)),
        "place": row.place_text,
        "state": row.state,
        "made_by": {"id": str(row.made_by), "name": row.made_name},
        "made_at": present.time(row.made_at),
        "expires_at": present.time(row.expires_at),
        "settled_at": present.time(row.settled_at),
        "decline_reason": row.decline_reason,
        "within_s": row.within_s,
        "drive_s": row.drive_s,
        "covered_before": row.covered_before,
        "covered_after": row.covered_after,
        "provider": row.provider,
    }


@bp.get("/coverage", responses={200: Shown})
@roles("dispatcher", "supervisor", "admin")
def coverage(query: CoverageWanted) -> ResponseReturnValue:
    """Where somebody free could be in time and where not, weighted by the reports to expect, and the best move."""
    with g.sessions.begin() as session:
        org = session.get(Organisation, id_of(query.org_id) if query.org_id else g.actor.org_id)
        if org is None or not org.path.startswith(g.actor.org_path):
            raise Missing("no such organisation")
    built = parts()
    return show_cover(built.atlas.picture(g.sessions, built.drive_times, org, query.within_min * 60))


@bp.get("/moves", responses={200: ListOut})
@roles("dispatcher", "supervisor", "admin")
def moves(query: Page) -> ResponseReturnValue:
    """Requests to move up in one's own part of the tree, newest first."""
    with g.sessions.begin() as session:
        rows = moving.lately(session, g.actor.org_path, after=query.after_id, limit=query.limit)
    return present.items(rows, show_move, query.limit)


@bp.post("/moves", responses={201: Shown})
@roles("dispatcher", "supervisor")
def ask_to_move(body: MoveIn) -> ResponseReturnValue:
    """Asks a free surveyor to wait elsewhere. He sees it on his phone and may say no."""
    wanted = moving.Wanted(
        surveyor_id=id_of(body.surveyor_id),
        place=body.position.place(),
        place_text=body.place,
        within_s=body.within_min * 60,
        drive_s=body.drive_s,
        covered_before=body.covered_before,
        covered_after=body.covered_after,
        provider=body.provider,
    )
    return {"id": str(moving.ask(g.sessions, g.actor, wanted)), "state": "open"}, 201


@bp.post("/moves/<int:move_id>/withdraw", responses={200: Shown})
@roles("dispatcher", "supervisor")
def withdraw_move(path: MovePath) -> ResponseReturnValue:
    """Takes a request back."""
    return {"id": str(path.move_id), "state": moving.withdraw(g.sessions, g.actor, path.move_id)}


@bp.post("/moves/<int:move_id>/accept", responses={200: Shown})
@roles("surveyor", idempotent=True)
def accept_move(path: MovePath, body: FromPhone) -> ResponseReturnValue:
    """He goes there."""
    state = moving.answer(g.sessions, path.move_id, g.actor.person_id, yes=True)
    return {"id": str(path.move_id), "state": state}


@bp.post("/moves/<int:move_id>/decline", responses={200: Shown})
@roles("surveyor", idempotent=True)
def decline_move(path: MovePath, body: MoveDeclined) -> ResponseReturnValue:
    """He does not, and says why."""
    state = moving.answer(g.sessions, path.move_id, g.actor.person_id, yes=False, reason=body.reason)
    return {"id": str(path.move_id), "state": state}


def show_day(planned: Planned, who: dict[str, str]) -> dict[str, Any]:
    """The plan: visits in order with their times, what fits nowhere and why, and what it stands on."""
    facts, plan = planned.facts, planned.plan
    start = position(facts.start)
    if start is not None:
        start["age_s"] = round(facts.start_age_s or 0)
    return {
        "surveyor": who,
        "from": present.time(facts.day.now),
        "until": present.time(facts.day.until),
        "on_duty": facts.on_duty,
        "over_shift": facts.over_shift,
        "slack_s": round(facts.day.slack.total_seconds()),
        "start": start,
        "provider": planned.provider,
        "drive_s": round(plan.drive.total_seconds()),
        "visits": [
            {
                **_job(planned, visit.task_id),
                "pinned": visit.pinned,
                "in_hand": visit.in_hand,
                "arrive_at": present.time(visit.arrive_at),
                "begin_at": present.time(visit.begin_at),
                "end_at": present.time(visit.end_at),
                "drive_s": round(visit.drive.total_seconds()),
                "wait_s": round(visit.wait.total_seconds()),
                "late_s": round(visit.late.total_seconds()),
            }
            for visit in plan.visits
        ],
        "left": [
            {
                **_job(planned, left.task_id),
                "reason": left.reason,
                "against": _job(planned, left.against) if left.against is not None else None,
            }
            for left in plan.left
        ],
    }


def _job(planned: Planned, task_id: int) -> dict[str, Any]:
    row = planned.facts.rows[task_id]
    return {
        "task_id": str(task_id),
        "claim_id": str(row.claim_id),
        "report_no": row.report_no,
        "line": row.line,
        "cause": row.cause,
        "state": row.state,
        "place": row.place_text,
        "position": position(planned.facts.places.get(task_id)),
        "appointment_at": present.time(row.appointment_at),
    }


@bp.get("/surveyors/<int:surveyor_id>/day", responses={200: Shown})
@roles("dispatcher", "supervisor", "admin", "surveyor")
def surveyor_day(path: SurveyorPath, query: DayWanted) -> ResponseReturnValue:
    """The rest of a surveyor's day, planned now: own or of one's part of the tree."""
    with g.sessions.begin() as session:
        surveyor = access.surveyor_seen_by(session, g.actor, path.surveyor_id)
        name = session.get_one(Person, surveyor.id).name
        extra = None
        if query.with_task is not None:
            extra = access.task_of(session, g.actor, id_of(query.with_task)).id
    planned = day.of(g.sessions, parts().drive_times, surveyor.id, with_task=extra)
    return show_day(planned, {"id": str(surveyor.id), "name": name})


@bp.get("/me/day", responses={200: Shown})
@roles("surveyor")
def my_day() -> ResponseReturnValue:
    """One's own day: the jobs in visiting order with their times."""
    planned = day.of(g.sessions, parts().drive_times, g.actor.person_id)
    return show_day(planned, {"id": str(g.actor.person_id), "name": g.actor.name})
