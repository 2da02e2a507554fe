"""Moving up 移防: a free surveyor is asked to wait elsewhere; he says yes or no, and the record says what it would bring.

It is a request, never a duty: it holds no place under his cap, and a job offered to him meanwhile comes first.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from core import audit, clock, outbox
from core.database import Sessions
from core.errors import Invalid, Missing
from dispatch import board_queries, coverage
from dispatch.errors import MoveSettled, NotFree, refereed
from dispatch.models import MoveUp
from geo.fix import LonLat
from staff import rules
from staff.accounts import Actor
from staff.models import Organisation, Person, Surveyor

DECLINE_REASONS = ("busy", "too_far", "rest", "other")


@dataclass(frozen=True)
class Wanted:
    """Whom to ask, where to wait, and what the coverage was said to gain by it."""

    surveyor_id: int
    place: LonLat
    place_text: str
    within_s: int
    drive_s: int
    covered_before: float
    covered_after: float
    provider: str


def ask(sessions: Sessions, actor: Actor, wanted: Wanted, now: datetime | None = None) -> int:
    """Asks him to move up; returns the request's id. Raises Missing, NotFree, MovePending."""
    with sessions.begin() as session, refereed():
        org = _org_of(session, actor, wanted.surveyor_id)
        return _put(session, org.id, actor.person_id, wanted, clock.read(session, now))


def ask_by_rule(sessions: Sessions, org_id: int, by: int, wanted: Wanted, now: datetime | None = None) -> int:
    """The same asked by the machine, in the name of the person `by` who saved the rule. Raises NotFree, MovePending."""
    with sessions.begin() as session, refereed():
        return _put(session, org_id, by, wanted, clock.read(session, now), by_rule=True)


def _put(
    session: Session, org_id: int, by: int, wanted: Wanted, now: datetime, *, by_rule: bool = False
) -> int:
    row = next(iter(board_queries.surveyors_by_id(session, [wanted.surveyor_id])), None)
    if row is None or not row.on_duty or row.open_jobs or row.offered:
        raise NotFree("he is off duty, has a job in hand or is being asked")
    values = rules.values(session, org_id, coverage.DEFAULTS)
    move = MoveUp(
        surveyor_id=wanted.surveyor_id,
        org_id=org_id,
        lon=wanted.place.lon,
        lat=wanted.place.lat,
        place_text=wanted.place_text.strip() or None,
        made_by=by,
        made_at=now,
        expires_at=now + timedelta(minutes=int(values["move_up_min"])),
        within_s=wanted.within_s,
        drive_s=wanted.drive_s,
        covered_before=wanted.covered_before,
        covered_after=wanted.covered_after,
        provider=wanted.provider,
    )
    session.add(move)
    session.flush()
    facts: dict[str, Any] = {"surveyor_id": str(wanted.surveyor_id), "within_s": wanted.within_s}
    if by_rule:
        facts["by_rule"] = True
    audit.append(session, by, "move_up.asked", "move_up", move.id, now=now, **facts)
    outbox.append(session, "move_up.asked", move_id=move.id, surveyor_id=wanted.surveyor_id, org_id=org_id)
    return move.id


@dataclass(frozen=True)
class Latest:
    """The newest request to somebody: when it was made, whether he said yes, where to, and when he should be there."""

    made_at: datetime
    accepted: bool
    place: LonLat
    there_at: datetime


def latest(session: Session, since: datetime) -> dict[int, Latest]:
    """The newest request of everybody asked since then, by surveyor."""
    rows = session.scalars(select(MoveUp).where(MoveUp.made_at >= since).order_by(MoveUp.made_at))
    return {
        row.surveyor_id: Latest(
            row.made_at,
            row.state == "accepted",
            LonLat(row.lon, row.lat),
            (row.settled_at or row.made_at) + timedelta(seconds=row.drive_s),
        )
        for row in rows
    }


def answer(
    sessions: Sessions,
    move_id: int,
    surveyor_id: int,
    *,
    yes: bool,
    reason: str = "",
    now: datetime | None = None,
) -> str:
    """His yes or no; returns the state. Said twice it answers the same. Raises Missing, Invalid, MoveSettled."""
    if not yes and reason not in DECLINE_REASONS:
        raise Invalid.field("reason", "one of " + ", ".join(DECLINE_REASONS))
    state = "accepted" if yes else "declined"
    with sessions.begin() as session:
        move = session.get(MoveUp, move_id, with_for_update=True)
        if move is None or move.surveyor_id != surveyor_id:
            raise Missing("no such request")
        now = clock.read(session, now)
        if move.state == state:
            return state
        if move.state != "open":
            raise MoveSettled(f"the request is {move.state}", state=move.state)
        if now >= move.expires_at:
            raise MoveSettled("the time to answer is over", state="expired")
        _settle(session, move, state, now)
        move.decline_reason = None if yes else reason
        return state


def withdraw(sessions: Sessions, actor: Actor, move_id: int, now: datetime | None = None) -> str:
    """Takes a request back. Raises Missing, MoveSettled."""
    with sessions.begin() as session:
        move = session.get(MoveUp, move_id, with_for_update=True)
        if move is None:
            raise Missing("no such request")
        _org_of(session, actor, move.surveyor_id)
        now = clock.read(session, now)
        if move.state == "withdrawn":
            return move.state
        if move.state != "open":
            raise MoveSettled(f"the request is {move.state}", state=move.state)
        _settle(session, move, "withdrawn", now)
        audit.append(session, actor.person_id, "move_up.withdrawn", "move_up", move.id, now=now)
        return move.state


def _settle(session: Session, move: MoveUp, state: str, now: datetime) -> None:
    move.state, move.settled_at = state, now
    outbox.append(
        session, f"move_up.{state}", move_id=move.id, surveyor_id=move.surveyor_id, org_id=move.org_id
    )


def expire(sessions: Sessions, now: datetime | None = None) -> int:
    """Ends the requests nobody answered, and those to people who are no longer free for it; returns how many."""
    with sessions.begin() as session:
        moment = clock.read(session, now)
        gone = session.execute(
            update(MoveUp)
            .where(MoveUp.state == "open", MoveUp.expires_at <= moment)
            .values(state="expired", settled_at=moment)
            .returning(MoveUp.id)
        )
        return len(gone.all())


def mine(session: Session, surveyor_id: int, now: datetime) -> MoveUp | None:
    """The request a surveyor may still answer."""
    return session.scalars(
        select(MoveUp).where(
            MoveUp.surveyor_id == surveyor_id, MoveUp.state == "open", MoveUp.expires_at > now
        )
    ).one_or_none()


LATELY = """
SELECT m.*, p.name AS surveyor_name, q.name AS made_name
  FROM move_up AS m
  JOIN organisation AS o ON o.id = m.org_id AND o.path LIKE :scope
  JOIN person AS p ON p.id = m.surveyor_id
  JOIN person AS q ON q.id = m.made_by
 WHERE (:after = 0 OR m.id < :after)
 ORDER BY m.id DESC
 LIMIT :limit
"""


def lately(session: Session, scope: str, *, after: int = 0, limit: int = 50) -> list[Any]:
    """Requests below a scope, newest first, with names."""
    return list(session.execute(text(LATELY), {"scope": scope + "%", "after": after, "limit": limit}).all())


def _org_of(session: Session, actor: Actor, surveyor_id: int) -> Organisation:
    org = session.scalars(
        select(Organisation)
        .join(Surveyor, Surveyor.org_id == Organisation.id)
        .join(Person, Person.id == Surveyor.id)
        .where(Surveyor.id == surveyor_id, Person.disabled_at.is_(None))
    ).one_or_none()
    if org is None or not org.path.startswith(actor.org_path):
        raise Missing("no such surveyor")
    return org
