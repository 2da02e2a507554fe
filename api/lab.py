"""Trying rules on the last days before they are saved: asked for here, done by the lab's job, looked at here."""

from typing import Any

from flask import g
from flask.typing import ResponseReturnValue
from pydantic import Field
from sqlalchemy.orm import Session

from api import parts, present
from api.door import Door, IdText, LongText, Strict, roles
from api.settings import KNOWN, OrgQuery, checked, organisation
from core import clock, queues
from core.errors import Invalid, Missing
from core.queues import Work
from dispatch import policy, tries
from dispatch.models import RuleTry
from geo import eta
from staff.models import Organisation, Person

bp = Door("lab", tag="Lab")

TRIERS = ("dispatcher", "supervisor", "admin")
# The rules a replay reads; to change another one in it would show no difference and be believed.
TRIABLE = policy.KNOWN.keys() | eta.KNOWN.keys() | {"contact_limit_min", "arrive_limit_urban_min"}
JOB = "lab.jobs.run_try"


class NewTry(Strict):
    """Rules by key as they would be, and on how many of the last days to try them."""

    org_id: IdText | None = None
    changes: dict[str, bool | int | LongText] = Field(min_length=1, max_length=20)
    days: int = Field(7, ge=1, le=28)


class TryPath(Strict):
    """The id of a try."""

    try_id: int


@bp.post("/lab/tries")
@roles(*TRIERS)
def ask(body: NewTry) -> ResponseReturnValue:
    """Wants rules tried on the last days; the answer comes at once, the figures when the replay is done."""
    changes = {key: _fit(key, value) for key, value in body.changes.items()}
    with g.sessions.begin() as session:
        org = organisation(session, body.org_id)
        row = tries.ask(session, org.id, changes, body.days, g.actor.person_id)
        session.refresh(row)
        shown = _shown(row, g.actor.name)
    # The row is the order; the queue is only the wake-up, and the sweeper comes back to the row.
    queues.enqueue(parts().redis, Work.CHORES, JOB, row.id)
    return shown, 202


@bp.get("/lab/tries")
@roles(*TRIERS)
def several(query: OrgQuery) -> ResponseReturnValue:
    """The newest tries of an organisation, newest first: what runs now and who asked for it, and what was tried before."""
    with g.sessions.begin() as session:
        org = organisation(session, query.org_id)
        return {"items": [_shown(row, by) for row, by in tries.latest(session, org.id)], "next": None}


@bp.get("/lab/tries/<int:try_id>")
@roles(*TRIERS)
def one(path: TryPath) -> ResponseReturnValue:
    """How far a try is, and what it came to. Every figure in it is simulated."""
    with g.sessions.begin() as session:
        return _shown(*_mine(session, path.try_id))


@bp.post("/lab/tries/<int:try_id>/cancel")
@roles(*TRIERS)
def cancel(path: TryPath) -> ResponseReturnValue:
    """Ends a try that waits or runs; the replay stops within a second or two. One that is over stays as it is."""
    with g.sessions.begin() as session:
        row, by = _mine(session, path.try_id)
        tries.cancel(session, row, g.actor.person_id, clock.read(session))
        return _shown(row, by)


def _mine(session: Session, try_id: int) -> tuple[RuleTry, str]:
    """A try in one's own part of the tree, and who asked for it. Raises Missing."""
    row = session.get(RuleTry, try_id)
    org = None if row is None else session.get(Organisation, row.org_id)
    if row is None or org is None or not org.path.startswith(g.actor.org_path):
        raise Missing("no such try")
    return row, session.get_one(Person, row.asked_by).name


@bp.get("/lab/triable")
@roles(*TRIERS)
def triable() -> ResponseReturnValue:
    """The keys of the rules that can be tried."""
    return {"keys": sorted(TRIABLE)}


def _fit(key: str, value: Any) -> Any:
    if key not in KNOWN:
        raise Invalid.field(f"changes.{key}", "no such rule")
    if key not in TRIABLE:
        raise Invalid.field(f"changes.{key}", "a replay does not read this rule")
    try:
        return checked(KNOWN[key], value, parts().settings.webhook_hosts)
    except Invalid as error:
        raise Invalid.field(f"changes.{key}", error.errors[0]["message"]) from error


def _shown(row: RuleTry, by: str) -> dict[str, Any]:
    return {
        "asked_by": by,
        "id": str(row.id),
        "org_id": str(row.org_id),
        "changes": row.changes,
        "days": row.days,
        "state": row.state,
        "progress": round(row.progress, 3),
        "created_at": present.time(row.created_at),
        "done_at": None if row.done_at is None else present.time(row.done_at),
        "simulated": True,
        "result": row.result,
        "error": row.error,
    }
