"""The surveyor's jobs: what his phone needs to work offline, and what he reports."""

from typing import Any, Literal

from flask import g
from flask.typing import ResponseReturnValue
from pydantic import Field

from api import access, claim_show, present
from api.claims import Shown
from api.door import Door, LongText, Strict, Text, roles
from api.fields import DatumWanted, FromPhone, Moment, PositionIn, position
from claims import queries as claims
from claims.models import Task
from core import clock
from dispatch import assignments, bundles, catastrophe_queries, delivery_queries, moving, scene
from dispatch import board_queries as dispatch
from geo.fix import LonLat
from media import album

bp = Door("assignments", tag="Jobs")


class TaskPath(Strict):
    """An id in the path."""

    task_id: int = Field(ge=1, lt=2**63)


class ContactIn(FromPhone):
    """A try to speak to the reporter; only `answered` stops the contact clock."""

    channel: Literal["phone", "privacy_number", "sms", "wechat", "other"] = "phone"
    result: Literal["answered", "no_answer", "refused", "wrong_number"]


class ArriveIn(FromPhone):
    """On scene: proven by a position near the loss, by the track, or explained by a reason."""

    position: PositionIn | None = None
    reason: LongText | None = Field(None, max_length=500)


class AppointIn(Strict):
    """The time agreed with the customer; null calls it off. The phone's own clock goes into `sent_at` here."""

    at: Moment | None
    sent_at: Moment | None = None
    seq: int | None = Field(None, ge=0, lt=2**63)


class DoneByIn(FromPhone):
    """When he says the job will be done, and the seconds he named for it; null takes his word back."""

    done_by_at: Moment | None
    for_s: int | None = Field(None, ge=1, le=43_200)


class SurveyReport(Strict):
    """The surveyor's report."""

    summary: LongText = Field(min_length=1, max_length=4000)
    liability: Text | None = None
    first_scene: bool | None = None
    risk_points: list[Text] = Field([], max_length=20)
    no_photo_reason: LongText | None = Field(None, max_length=500)


class SubmitIn(FromPhone):
    """The survey is done."""

    report: SurveyReport


class HandOverIn(FromPhone):
    """Why the job is given back."""

    reason: LongText = Field(min_length=1, max_length=500)


def _offer(row: Any, place: Any, now: Any, datum: str, with_it: list[Any]) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "task_id": str(row.task_id),
        "claim_id": str(row.claim_id),
        "report_no": row.report_no,
        "expires_at": present.time(row.expires_at),
        "expires_in_s": max(0, round((row.expires_at - now).total_seconds())),
        "distance_m": row.distance_m,
        "eta_s": row.eta_s,
        "round": row.round,
        "place": row.place_text,
        "position": position(place, datum),
        "cause": row.cause,
        "line": row.line,
        "injured": row.injured,
        "movable": row.movable,
        # What a yes brings besides: losses near by, visited in one go (catastrophe).
        "bundle": [
            {
                "task_id": str(other.task_id),
                "report_no": other.report_no,
                "place": other.place_text,
                "cause": other.cause,
            }
            for other in with_it
        ],
    }


def _task(row: Any, place: Any, datum: str) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "claim_id": str(row.claim_id),
        "report_no": row.report_no,
        "state": row.state,
        "line": row.line,
        "cause": row.cause,
        "note": row.note,
        "place": row.place_text,
        "position": position(place, datum),
        "reporter": {
            "name": row.reporter_name,
            "phone": row.reporter_phone,
            "relation": row.reporter_relation,
        },
        "injured": row.injured,
        "movable": row.movable,
        "scene_left": row.scene_left,
        "loss_at": present.time(row.loss_at),
        "policy_no": row.policy_no,
        "accepted_at": present.time(row.accepted_at),
        "contacted_at": present.time(row.contacted_at),
        "departed_at": present.time(row.departed_at),
        "arrived_at": present.time(row.arrived_at),
        "appointment_at": present.time(row.appointment_at),
        "done_by_at": present.time(row.done_by_at),
        "report": row.report,
    }


def _seen(known: scene.Seen | None) -> dict[str, Any]:
    """What the track says: at the scene since, left it at."""
    known = known or scene.Seen()
    return {"near_since": present.time(known.came_at), "left_at": present.time(known.left_at)}


def catastrophe(over: Any) -> dict[str, Any] | None:
    """What a surveyor must know of the catastrophe he works in: its name, the limits, whether he is lent."""
    if over is None:
        return None
    return {
        "id": str(over.id),
        "name": over.name,
        "since": present.time(over.on_at),
        "contact_limit_min": over.rule["contact_limit_min"],
        "max_open": over.max_open,
        "borrowed": over.borrowed,
    }


def move_up(asked: Any) -> dict[str, Any] | None:
    """The request to wait elsewhere that he may still answer."""
    if asked is None:
        return None
    return {
        "id": str(asked.id),
        "position": position(LonLat(asked.lon, asked.lat)),
        "place": asked.place_text,
        "drive_s": asked.drive_s,
        "expires_at": present.time(asked.expires_at),
    }


@bp.get("/me/jobs", responses={200: Shown})
@roles("surveyor")
def my_jobs(query: DatumWanted) -> ResponseReturnValue:
    """Open offers and jobs in hand, with all a phone needs to work without a network. An offer shown here is delivered."""
    me = g.actor.person_id
    with g.sessions.begin() as session:
        now = clock.read(session)
        delivery_queries.deliver(session, me, now)
        offers, tasks = dispatch.my_offers(session, me, now), dispatch.my_tasks(session, me)
        ids = [row.claim_id for row in (*offers, *tasks)]
        places, clocks, items = (
            claims.places_of(session, ids),
            claims.clocks_of(session, ids),
            claims.items_of(session, ids),
        )
        contacts = dispatch.contacts_of(session, [row.id for row in tasks])
        seen = scene.seen(session, [row.id for row in tasks])
        with_it = bundles.companions(session, [row.task_id for row in offers])
        over, asked = catastrophe_queries.over_person(session, me), moving.mine(session, me, now)
        photos = album.of_phone(session, [(row.id, row.line, row.cause) for row in tasks])
    shown = [
        _task(row, places.get(row.claim_id), query.datum)
        | {
            "items": [claim_show.item(item) for item in items[row.claim_id]],
            "clocks": claim_show.clocks(clocks[row.claim_id]),
            "contacts": [claim_show.contact(tried, name) for tried, name in contacts[row.id]],
            **_seen(seen.get(row.id)),
            **photos[row.id],
        }
        for row in tasks
    ]
    return {
        "offers": [
            _offer(row, places.get(row.claim_id), now, query.datum, with_it[row.task_id]) for row in offers
        ],
        "tasks": shown,
        "catastrophe": catastrophe(over),
        "move": move_up(asked),
        "server_time": present.time(now),
    }


def _mine(task_id: int) -> int:
    """The task, if the actor holds or held it. His own id."""
    with g.sessions.begin() as session:
        access.task_of(session, g.actor, task_id, mine=True)
    return int(g.actor.person_id)


def _after(task_id: int) -> dict[str, Any]:
    """The job and the clocks after a step."""
    with g.sessions.begin() as session:
        task = session.get_one(Task, task_id)
        rows = claims.clocks_of(session, [task.claim_id])[task.claim_id]
        return {"task": {"id": str(task.id), "state": task.state}, "clocks": claim_show.clocks(rows)}


@bp.post("/tasks/<int:task_id>/contact", responses={200: Shown})
@roles("surveyor", idempotent=True)
def contact(path: TaskPath, body: ContactIn) -> ResponseReturnValue:
    """Records a try to speak to the reporter."""
    me = _mine(path.task_id)
    assignments.contacted(
        g.sessions, path.task_id, me, body.channel, body.result, g.actor, device_at=body.at, seq=body.seq
    )
    return _after(path.task_id)


@bp.post("/tasks/<int:task_id>/contact/take_back", responses={200: Shown})
@roles("surveyor", idempotent=True)
def take_back(path: TaskPath, body: FromPhone) -> ResponseReturnValue:
    """Takes an `answered` back that was tapped by mistake, within a minute: the contact clock goes on. Later: 409 `too_late`."""
    assignments.take_back_answer(g.sessions, path.task_id, _mine(path.task_id), g.actor, device_at=body.at)
    return _after(path.task_id)


@bp.post("/tasks/<int:task_id>/depart", responses={200: Shown})
@roles("surveyor", idempotent=True)
def depart(path: TaskPath, body: FromPhone) -> ResponseReturnValue:
    """On the way."""
    assignments.depart(g.sessions, path.task_id, _mine(path.task_id), g.actor, device_at=body.at)
    return _after(path.task_id)


@bp.post("/tasks/<int:task_id>/arrive", responses={200: Shown})
@roles("surveyor", idempotent=True)
def arrive(path: TaskPath, body: ArriveIn) -> ResponseReturnValue:
    """On scene. Without a position near the loss a reason is needed: 422 `arrival_unproven`."""
    here = body.position.place() if body.position else None
    me = _mine(path.task_id)
    assignments.arrive(
        g.sessions, path.task_id, me, g.actor, position=here, reason=body.reason, device_at=body.at
    )
    return _after(path.task_id)


@bp.post("/tasks/<int:task_id>/appoint", responses={200: Shown})
@roles("surveyor", idempotent=True)
def appoint(path: TaskPath, body: AppointIn) -> ResponseReturnValue:
    """A time agreed with the customer: the arrival clock moves there, the contact clock does not. Null calls it off."""
    assignments.appoint(
        g.sessions, path.task_id, _mine(path.task_id), body.at, g.actor, device_at=body.sent_at
    )
    return _after(path.task_id)


@bp.post("/tasks/<int:task_id>/done_by", responses={200: Shown})
@roles("surveyor", idempotent=True)
def done_by(path: TaskPath, body: DoneByIn) -> ResponseReturnValue:
    """His own word on when the job will be done: whom to ask next counts with it instead of the usual time on scene."""
    assignments.done_by(
        g.sessions, path.task_id, _mine(path.task_id), body.done_by_at, g.actor, body.for_s, device_at=body.at
    )
    return _after(path.task_id)


@bp.post("/tasks/<int:task_id>/submit", responses={200: Shown})
@roles("surveyor", idempotent=True)
def submit(path: TaskPath, body: SubmitIn) -> ResponseReturnValue:
    """Hands the report in; photos still on their way keep coming."""
    report = body.report.model_dump(exclude_none=True)
    assignments.submit(g.sessions, path.task_id, _mine(path.task_id), report, g.actor, device_at=body.at)
    return _after(path.task_id)


@bp.post("/tasks/<int:task_id>/hand_over", responses={200: Shown})
@roles("surveyor", idempotent=True)
def hand_over(path: TaskPath, body: HandOverIn) -> ResponseReturnValue:
    """Gives the job back; the next candidate is asked, the photos stay."""
    assignments.hand_over(
        g.sessions, path.task_id, _mine(path.task_id), body.reason, g.actor, device_at=body.at
    )
    return _after(path.task_id)
