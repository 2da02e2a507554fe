"""Cards: what the desk and the live feed show of a job and of a surveyor. A few queries for any number of cards."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from claims import intake
from claims import queries as claims
from claims.models import Clock
from core import clock
from core.live import Change
from dispatch import board_queries as queries
from dispatch.board_queries import Board
from geo import staleness

# Nobody is there yet: a time of arrival is still ahead.
TO_COME = frozenset({"offered", "accepted", "contacted", "en_route"})
# A job that is settled leaves the live picture.
GONE = frozenset({"approved", "cancelled"})


def moment(at: datetime | None) -> str | None:
    """RFC 3339 in UTC with milliseconds, or None."""
    return (
        None if at is None else at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


def who(ident: int | None, name: str | None, **more: Any) -> dict[str, Any] | None:
    """A person on a card, or None."""
    return None if ident is None else {"id": str(ident), "name": name or "", **more}


def clock_card(row: Clock | Any) -> dict[str, Any]:
    """A clock as shown everywhere."""
    return {
        "id": str(row.id),
        "kind": row.kind,
        "start_event": row.start_event,
        "start_at": moment(row.start_at),
        "due_at": moment(row.due_at),
        "limit_s": row.limit_s,
        "stopped_at": moment(row.stopped_at),
        "breached_at": moment(row.breached_at),
        "state": row.state,
        "predicted": row.predicted,
    }


def arrives(row: Any) -> dict[str, Any] | None:
    """When the one asked or holding the job will be there as far as it was foreseen, or None: median and 80 % interval.

    Until he sets out it counts from the question, with what he had in hand; from then on from his departure. `by` names who
    told the drive. An agreed time counts before it: then there is nothing to foresee.
    """
    asked = row.offer_id is not None
    eta_s, by = (row.offer_eta_s, row.offer_eta_by) if asked else (row.eta_s, row.eta_by)
    drive_s = row.offer_drive_s if asked else row.drive_s
    begun = row.made_at if asked else row.departed_at or row.accepted_at
    if row.state not in TO_COME or eta_s is None or begun is None or (row.appointment_at and not asked):
        return None
    drive_s = eta_s if drive_s is None else drive_s
    by = by or "straight_line"
    low_s, high_s = staleness.road_interval(drive_s, by)
    before = timedelta(seconds=0 if not asked and row.departed_at is not None else max(0, eta_s - drive_s))
    low, median, high = (moment(begun + before + timedelta(seconds=s)) for s in (low_s, drive_s, high_s))
    return {
        "at": median,
        "low_at": low,
        "high_at": high,
        "by": by,
        "under_way": not asked and row.departed_at is not None,
    }


def task_shown(row: Any, place: Any, clocks: Sequence[Any]) -> dict[str, Any]:
    """A job's card from its row, the loss location, and its clocks."""
    offer = None
    if row.offer_id is not None:
        offer = {
            "id": str(row.offer_id),
            "surveyor": who(row.asked_id, row.asked_name),
            "expires_at": moment(row.expires_at),
            # When a phone of his first got it; none has yet: nothing.
            "delivered_at": moment(row.delivered_at),
            "round": row.offer_round,
        }
    return {
        "id": str(row.id),
        "claim_id": str(row.claim_id),
        "report_no": row.report_no,
        "line": row.line,
        "state": row.state,
        "state_since": moment(row.state_since),
        "org_id": str(row.org_id),
        "area": row.area,
        "place": row.place_text,
        "lon": place.lon if place else None,
        "lat": place.lat if place else None,
        "reported_at": moment(row.reported_at),
        "cause": row.cause,
        "injured": row.injured,
        "plate": intake.masked_plate(row.plate),
        "unassigned_reason": row.unassigned_reason,
        "surveyor": who(row.holder_id, row.holder_name, on_duty=row.holder_on_duty),
        "offer": offer,
        "appointment_at": moment(row.appointment_at),
        "arrives": arrives(row),
        # His own word on when the job will be done.
        "done_by_at": moment(row.done_by_at),
        "clocks": [clock_card(c) for c in clocks],
        "priority": row.priority,
        "round": row.round,
        "duplicate": row.duplicate,
        "marks": row.marks,
    }


def _tasks(session: Session, rows: Sequence[Any]) -> list[tuple[Any, dict[str, Any]]]:
    ids = [row.claim_id for row in rows]
    places, clocks = claims.places_of(session, ids), claims.clocks_of(session, ids)
    return [(row, task_shown(row, places.get(row.claim_id), clocks[row.claim_id])) for row in rows]


def task_cards(session: Session, task_ids: Iterable[int]) -> list[dict[str, Any]]:
    """The cards of these jobs."""
    return [card for _, card in _tasks(session, queries.tasks_by_id(session, list(task_ids)))]


def task_card(session: Session, task_id: int) -> dict[str, Any] | None:
    """The card of a job, or None when there is no such job."""
    return next(iter(task_cards(session, [task_id])), None)


def board_cards(session: Session, wanted: Board) -> list[dict[str, Any]]:
    """The jobs of a viewer's board."""
    return [card for _, card in _tasks(session, queries.board(session, wanted))]


def surveyor_state(on_duty: bool, freshness: str, offered: bool, open_jobs: int) -> str:
    """off, stale, offered, busy or idle: what decides whether he may be asked comes first."""
    if not on_duty:
        return "off"
    if freshness in ("stale", "never"):
        return "stale"
    if offered:
        return "offered"
    return "busy" if open_jobs else "idle"


def surveyor_shown(row: Any, now: datetime) -> dict[str, Any]:
    """A surveyor's card from his row, as of a moment."""
    age = None if row.fixed_at is None else staleness.age_s(now, row.fixed_at, row.received_at)
    freshness = staleness.state(age)
    position = None
    # Off duty nobody is looked at: the dot goes when the shift ends, whatever the table still holds (P19).
    if row.lon is not None and row.on_duty:
        position = {
            "lon": row.lon,
            "lat": row.lat,
            "fixed_at": moment(row.fixed_at),
            "received_at": moment(row.received_at),
            "accuracy_m": row.accuracy_m,
            "speed_mps": row.speed_mps,
            "heading_deg": row.heading_deg,
            "battery": row.battery,
            "source": row.source,
        }
    return {
        "id": str(row.id),
        "name": row.name,
        "org_id": str(row.org_id),
        "on_duty": row.on_duty,
        "state": surveyor_state(row.on_duty, freshness, row.offered, row.open_jobs),
        "position": position,
        "age_s": None if age is None else round(age),
        "freshness": freshness,
        "open_jobs": row.open_jobs,
        "max_open": row.max_open,
        "skills": row.skills,
    }


def surveyor_cards(session: Session, ids: Iterable[int], now: datetime | None = None) -> list[dict[str, Any]]:
    """The cards of these surveyors."""
    now = clock.read(session, now)
    return [surveyor_shown(row, now) for row in queries.surveyors_by_id(session, list(ids))]


def surveyor_card(session: Session, surveyor_id: int, now: datetime | None = None) -> dict[str, Any] | None:
    """The card of a surveyor, or None when there is no such surveyor or his account has ended."""
    return next(iter(surveyor_cards(session, [surveyor_id], now)), None)


def surveyors_board(
    session: Session,
    scope: str,
    *,
    also: Sequence[str] = (),
    box: tuple[float, float, float, float] | None = None,
    after: int = 0,
    limit: int = 20_000,
    now: datetime | None = None,
) -> list[dict[str, Any]]:
    """The cards of everybody below a scope, and of those lent to it from below one of `also`."""
    now = clock.read(session, now)
    return [
        surveyor_shown(row, now)
        for row in queries.surveyors(session, scope, also=also, box=box, after=after, limit=limit)
    ]


def task_changes(session: Session, task_ids: Iterable[int]) -> list[Change]:
    """Changes for the live feed: the cards of these jobs, None for those that are settled."""
    rows = _tasks(session, queries.tasks_by_id(session, list(task_ids)))
    return [
        Change("task", card["id"], row.org_path, None if row.state in GONE else card) for row, card in rows
    ]


def open_task_changes(session: Session) -> list[Change]:
    """The whole picture of jobs."""
    return [
        Change("task", card["id"], row.org_path, card)
        for row, card in _tasks(session, queries.open_tasks(session))
    ]


def surveyor_changes(session: Session, ids: Iterable[int], now: datetime | None = None) -> list[Change]:
    """Changes for the live feed: the cards of these surveyors."""
    now = clock.read(session, now)
    rows = queries.surveyors_by_id(session, list(ids))
    return [Change("surveyor", str(row.id), row.org_path, surveyor_shown(row, now)) for row in rows]


def all_surveyor_changes(session: Session, now: datetime | None = None) -> list[Change]:
    """The whole picture of surveyors."""
    now = clock.read(session, now)
    return [
        Change("surveyor", str(row.id), row.org_path, surveyor_shown(row, now))
        for row in queries.surveyors(session, "/")
    ]
