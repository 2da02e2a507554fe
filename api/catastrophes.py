"""Catastrophe mode 大灾 through the door: asked for by one, confirmed by another, taken back step by step."""

from collections import defaultdict
from typing import Any, Literal

from flask import g
from flask.typing import ResponseReturnValue
from pydantic import Field

from api import present
from api.claims import ListOut, Reason, Shown
from api.door import Door, IdText, Page, Strict, Text, id_of, roles
from core import clock
from core.errors import Missing
from dispatch import catastrophe, catastrophe_queries, surge
from dispatch.catastrophe import Wanted
from notify import message
from staff.models import Organisation

bp = Door("catastrophes", tag="Catastrophe")

READERS = ("seat", "dispatcher", "adjuster", "supervisor", "admin")
SWITCHERS = ("dispatcher", "supervisor")
MOST_SHOWN = 24


class ListWanted(Page):
    """The query of the list; without `all` only what is not over."""

    all: bool = False


class CatastropheIn(Strict):
    """What is to be switched. What is left out comes from the organisation's settings."""

    org_id: IdText | None = Field(None, description="one's own without it")
    area_id: IdText | None = Field(None, description="only this service area")
    name: Text = Field(min_length=1, max_length=MOST_SHOWN, examples=["台风“海葵”"])
    reason: Text = Field(min_length=1, max_length=200)
    borrow: list[IdText] = Field([], max_length=50, description="organisations whose people help")
    contact_limit_min: int | None = None
    arrive_limit_min: int | None = Field(None, description="0: as agreed with the customer")
    max_open: int | None = None

    def wanted(self, own_org_id: int) -> Wanted:
        """The request as the room takes it."""
        return Wanted(
            org_id=id_of(self.org_id) if self.org_id else own_org_id,
            area_id=id_of(self.area_id) if self.area_id else None,
            # The name goes into texts the insurer signs: no link, no number, no signature marks.
            name=message.clean(self.name),
            reason=self.reason,
            borrow=tuple(id_of(one) for one in self.borrow),
            contact_limit_min=self.contact_limit_min,
            arrive_limit_min=self.arrive_limit_min,
            max_open=self.max_open,
        )


class StepIn(Reason):
    """The next step back: who is borrowed goes home (`release`), then the normal limits return (`restore`)."""

    step: Literal["release", "restore"]


class CatastrophePath(Strict):
    """An id in the path."""

    catastrophe_id: int = Field(ge=1, lt=2**63)


class PulseWanted(Strict):
    """Which organisation; one's own without it."""

    org_id: IdText | None = None


def show_step(row: Any) -> dict[str, Any]:
    """A step: who asked, until when it may be confirmed, who settled it."""
    return {
        "id": str(row.id),
        "step": row.step,
        "state": row.state,
        "reason": row.reason,
        "requested_by": {"id": str(row.requested_by), "name": row.requested_name},
        "requested_at": present.time(row.requested_at),
        "expires_at": present.time(row.expires_at),
        "settled_by": {"id": str(row.settled_by), "name": row.settled_name} if row.settled_by else None,
        "settled_at": present.time(row.settled_at),
        "settle_reason": row.settle_reason,
        "mine": row.requested_by == g.actor.person_id,
    }


def show(row: Any, steps: list[Any]) -> dict[str, Any]:
    """A catastrophe with its steps."""
    area = None
    if row.area_id:
        area = {"id": str(row.area_id), "name": row.area_name, "name_en": row.area_name_en}
    return {
        "id": str(row.id),
        "org": {"id": str(row.org_id), "name": row.org_name},
        "area": area,
        "name": row.name,
        "reason": row.reason,
        "state": row.state,
        "limits": row.rule,
        "max_open": row.max_open,
        "borrowed": row.borrowed_orgs,
        "seen": row.seen,
        "normal": row.normal,
        "made_at": present.time(row.made_at),
        "on_at": present.time(row.on_at),
        "released_at": present.time(row.released_at),
        "over_at": present.time(row.over_at),
        "claims": row.claims,
        "waiting": row.waiting,
        "visits": row.visits,
        "companions": row.companions,
        "steps": [show_step(step) for step in steps],
        "pending": next((show_step(step) for step in steps if step.state == "open"), None),
    }


def listed(rows: list[Any]) -> list[dict[str, Any]]:
    """Rows with their steps."""
    with g.sessions.begin() as session:
        found = catastrophe_queries.steps(session, [row.id for row in rows])
    steps: dict[int, list[Any]] = defaultdict(list)
    for step in found:
        steps[step.catastrophe_id].append(step)
    return [show(row, steps[row.id]) for row in rows]


def one(catastrophe_id: int) -> dict[str, Any]:
    """One as it stands now. Raises Missing outside one's own part of the tree."""
    with g.sessions.begin() as session:
        rows = catastrophe_queries.shown(session, g.actor.org_path, ident=catastrophe_id)
    if not rows:
        raise Missing("no such catastrophe")
    return listed(rows)[0]


@bp.get("/catastrophes", responses={200: ListOut})
@roles(*READERS)
def catastrophes(query: ListWanted) -> ResponseReturnValue:
    """What is proposed, asked for or in force in one's own part of the tree, newest first."""
    with g.sessions.begin() as session:
        now = clock.read(session)
        rows = catastrophe_queries.shown(
            session, g.actor.org_path, everything=query.all, after=query.after_id, limit=query.limit
        )
    items = listed(rows)
    following = items[-1]["id"] if len(items) == query.limit else None
    return {"items": items, "next": following, "server_time": present.time(now)}


@bp.get("/catastrophes/pulse", responses={200: Shown})
@roles(*READERS)
def pulse(query: PulseWanted) -> ResponseReturnValue:
    """Reports of the last hour beside a normal one, and the neighbours one may borrow from."""
    with g.sessions.begin() as session:
        org = session.get(Organisation, id_of(query.org_id) if query.org_id else g.actor.org_id)
        if org is None or not org.path.startswith(g.actor.org_path):
            raise Missing("no such organisation")
        found = surge.pulse(session, org.id, org.path, clock.read(session))
        near = catastrophe_queries.neighbours(session, org.id)
    return {
        "org": {"id": str(org.id), "name": org.name},
        "seen": found.seen,
        "normal": found.normal,
        "times": found.times,
        "surging": found.surging,
        "neighbours": [{"id": str(o.id), "name": o.name, "on_duty": o.on_duty} for o in near],
    }


@bp.get("/catastrophes/<int:catastrophe_id>", responses={200: Shown})
@roles(*READERS)
def shown(path: CatastrophePath) -> ResponseReturnValue:
    """One with all its steps."""
    return one(path.catastrophe_id)


@bp.post("/catastrophes", responses={201: Shown})
@roles(*SWITCHERS)
def ask(body: CatastropheIn) -> ResponseReturnValue:
    """Asks for catastrophe mode; nothing changes until a second person confirms."""
    return one(catastrophe.request(g.sessions, g.actor, body.wanted(g.actor.org_id))), 201


@bp.post("/catastrophes/<int:catastrophe_id>/confirm", responses={200: Shown})
@roles(*SWITCHERS)
def confirm(path: CatastrophePath) -> ResponseReturnValue:
    """The second person's yes to what is asked for: 403 `four_eyes` for who asked himself."""
    catastrophe.confirm(g.sessions, g.actor, path.catastrophe_id)
    return one(path.catastrophe_id)


@bp.post("/catastrophes/<int:catastrophe_id>/refuse", responses={200: Shown})
@roles(*SWITCHERS)
def refuse(path: CatastrophePath, body: Reason) -> ResponseReturnValue:
    """No to what is asked for or proposed, or one's own request taken back."""
    catastrophe.refuse(g.sessions, g.actor, path.catastrophe_id, body.reason)
    return one(path.catastrophe_id)


@bp.post("/catastrophes/<int:catastrophe_id>/steps", responses={201: Shown})
@roles(*SWITCHERS)
def step_back(path: CatastrophePath, body: StepIn) -> ResponseReturnValue:
    """Asks for the next step back to normal; it too needs a second person."""
    catastrophe.ask_step(g.sessions, g.actor, path.catastrophe_id, body.step, body.reason)
    return one(path.catastrophe_id), 201
