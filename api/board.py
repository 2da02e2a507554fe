"""The dispatcher's board, the alarms nobody has seen yet, and reports that look like one being typed."""

from typing import Any

from flask import g
from flask.typing import ResponseReturnValue
from pydantic import Field

from api import claim_show, present
from api.claim_in import Line
from api.claims import ListOut, Shown
from api.door import Door, IdText, Page, Strict, Text, id_of, roles
from api.fields import Moment
from claims import duplicates, intake, limits, queries, service
from claims.duplicates import Trait
from claims.states import TaskState
from core import clock
from core.errors import Invalid
from dispatch import board as cards
from dispatch.board_queries import Board
from geo import datum
from geo.datum import Datum

bp = Door("board", tag="Board")

READERS = ("seat", "dispatcher", "adjuster", "supervisor", "admin")


class BoardWanted(Page):
    """What the board is narrowed by. `state` may be several, separated by commas."""

    limit: int = Field(500, ge=1, le=2000)
    state: Text = Field("", examples=["unassigned,offered"])
    area: IdText | None = None
    line: Line | None = None
    q: Text = ""

    def states(self) -> tuple[str, ...]:
        """The states asked for. Raises Invalid for an unknown one."""
        wanted = tuple(word for word in self.state.split(",") if word)
        if not set(wanted) <= {str(s) for s in TaskState}:
            raise Invalid.field("state", "any of " + ", ".join(TaskState))
        return wanted


class DuplicateWanted(Strict):
    """What is known so far of a report being typed."""

    plate: Text = Field("", max_length=40)
    phone: Text = Field("", max_length=40)
    lon: float | None = Field(None, ge=-180, le=180, allow_inf_nan=False)
    lat: float | None = Field(None, ge=-90, le=90, allow_inf_nan=False)
    at: Moment | None = None
    datum: Datum = "wgs84"


class EscalationsWanted(Page):
    """The query of the alarm list."""

    all: bool = Field(False, description="also those somebody has acknowledged")


class EscalationPath(Strict):
    """An id in the path."""

    escalation_id: int = Field(ge=1, lt=2**63)


@bp.get("/board", responses={200: ListOut})
@roles(*READERS)
def board(query: BoardWanted) -> ResponseReturnValue:
    """Every job that is not settled, with its countdowns, of one's own part of the tree."""
    wanted = Board(
        scope=g.actor.org_path,
        states=query.states(),
        area_id=id_of(query.area) if query.area else None,
        line=query.line,
        q=query.q,
        after=query.after_id,
        limit=query.limit,
    )
    with g.sessions.begin() as session:
        shown = cards.board_cards(session, wanted)
    return present.items(shown, lambda card: card, query.limit)


@bp.get("/duplicates", responses={200: ListOut})
@roles("seat", "dispatcher", "integration")
def alike(query: DuplicateWanted) -> ResponseReturnValue:
    """Claims that may tell of the same loss, while the report is being typed."""
    place = None
    if query.lon is not None and query.lat is not None:
        place = datum.to_wgs84(query.lon, query.lat, query.datum)
    plate = intake.plate(query.plate).key if query.plate else ""
    with g.sessions.begin() as session:
        at = query.at or clock.read(session)
        trait = Trait((plate,) if plate else (), intake.phone(query.phone).key, place, at)
        found = duplicates.find(session, g.actor.org_path, limits.read(session, g.actor.org_id), trait)
    return {"items": [claim_show.likeness(other) for other in found], "next": None}


def show_escalation(row: Any) -> dict[str, Any]:
    """A line of the alarm list."""
    return {
        "id": str(row.id),
        "stage": row.stage,
        "due_at": present.time(row.due_at),
        "fired_at": present.time(row.fired_at),
        "acknowledged_at": present.time(row.acknowledged_at),
        "acknowledged_by": row.acknowledged_by,
        "clock": {
            "id": str(row.clock_id),
            "kind": row.kind,
            "due_at": present.time(row.clock_due_at),
            "stopped_at": present.time(row.stopped_at),
            "state": row.clock_state,
        },
        "claim_id": str(row.claim_id),
        "report_no": row.report_no,
        "task": {"id": str(row.task_id), "state": row.task_state} if row.task_id else None,
    }


@bp.get("/escalations", responses={200: ListOut})
@roles("dispatcher", "supervisor", "admin")
def escalations(query: EscalationsWanted) -> ResponseReturnValue:
    """Alarms that fired, newest first; without `all` only those nobody has acknowledged."""
    with g.sessions.begin() as session:
        rows = queries.escalations(
            session, g.actor.org_path, everything=query.all, after=query.after_id, limit=query.limit
        )
    return present.items(rows, show_escalation, query.limit)


@bp.post("/escalations/<int:escalation_id>/acknowledge", responses={200: Shown})
@roles("dispatcher", "supervisor")
def acknowledge(path: EscalationPath) -> ResponseReturnValue:
    """Says that somebody has seen it; the first one counts."""
    at = service.acknowledge(g.sessions, g.actor, path.escalation_id)
    return {"id": str(path.escalation_id), "acknowledged_at": present.time(at)}
