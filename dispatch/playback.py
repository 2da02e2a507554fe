"""The desk as it was: the cards of any moment, rebuilt from what was known then, and what changed within a span."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from geoalchemy2 import WKBElement
from sqlalchemy.orm import Session

from claims.queries import in_order
from dispatch import board
from dispatch import past_queries as queries
from geo import store

# Columns of a version's body that are moments.
MOMENTS = frozenset(
    {
        "state_since", "reported_at", "start_at", "due_at", "stopped_at", "breached_at", "expires_at", "accepted_at",
        "appointment_at", "completed_at", "ended_at", "made_at", "delivered_at", "departed_at", "done_by_at",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Version:
    """A row as it was from `begun` until `ended` (None: still so)."""

    kind: str
    ref: int
    owner: int
    begun: datetime
    ended: datetime | None
    row: SimpleNamespace

    def holds(self, at: datetime) -> bool:
        """Whether it was so at a moment."""
        return self.begun <= at and (self.ended is None or at < self.ended)


def read(body: dict[str, Any]) -> SimpleNamespace:
    """A version's columns with their types."""
    return SimpleNamespace(
        **{
            name: datetime.fromisoformat(value) if name in MOMENTS and value is not None else value
            for name, value in body.items()
        }
    )


def version(found: Any) -> Version:
    """A version from its row of the history."""
    return Version(found.kind, found.ref, found.owner, found.begun, found.ended, read(found.body))


class Files:
    """The versions of some claims and their tasks, to be asked for the card of a task at any moment of a span."""

    def __init__(self, session: Session, tasks: dict[int, int], start: datetime, end: datetime) -> None:
        self.tasks = tasks
        owners = list({*tasks, *tasks.values()})
        self.by_owner: dict[int, list[Version]] = defaultdict(list)
        found = [version(row) for row in queries.versions(session, owners, start, end)] if owners else []
        holders = {v.row.surveyor_id for v in found if v.kind in ("offer", "assignment")}
        if holders:
            found += [version(row) for row in queries.versions(session, list(holders), start, end)]
        for one in found:
            self.by_owner[one.owner].append(one)
        self.names = queries.names(session, holders)
        areas = {v.row.area_id for v in found if v.kind == "claim" and v.row.area_id is not None}
        self.areas = queries.area_names(session, areas)

    def instants(self, task_id: int, after: datetime, until: datetime) -> list[datetime]:
        """When something of a task's card changed."""
        own = [*self.by_owner[task_id], *self.by_owner[self.tasks[task_id]]]
        mine = (v for v in own if v.kind != "task" or v.ref == task_id)
        return sorted({v.begun for v in mine if after < v.begun <= until})

    def _at(self, owner: int, kind: str, at: datetime) -> list[Any]:
        return [v.row for v in self.by_owner[owner] if v.kind == kind and v.holds(at)]

    def task(self, task_id: int, at: datetime) -> tuple[int, dict[str, Any] | None] | None:
        """The organisation and the card of a task at a moment; no card when it was settled; None when it was not yet."""
        claim_id = self.tasks[task_id]
        task = next((t for t in self._at(claim_id, "task", at) if t.id == task_id), None)
        claim = next(iter(self._at(claim_id, "claim", at)), None)
        if task is None or claim is None:
            return None
        if task.state in board.GONE:
            return task.org_id, None
        place = None if claim.place is None else store.read_point(WKBElement(claim.place, extended=True))
        clocks = in_order(self._at(claim_id, "clock", at))
        return task.org_id, board.task_shown(self._row(task, claim, at), place, clocks)

    def _row(self, task: Any, claim: Any, at: datetime) -> SimpleNamespace:
        items = sorted(self._at(claim.id, "item", at), key=lambda i: i.id)
        offer = next((o for o in self._at(task.id, "offer", at) if o.state == "open"), None)
        duties = [
            a for a in self._at(task.id, "assignment", at) if a.ended_at is None or a.end_reason == "done"
        ]
        held = max(duties, key=lambda a: (a.ended_at is None, a.id), default=None)
        holder = next(iter(self._at(held.surveyor_id, "surveyor", at)), None) if held else None
        return SimpleNamespace(
            **vars(task),
            report_no=claim.report_no,
            line=claim.line,
            reported_at=claim.reported_at,
            cause=claim.cause,
            place_text=claim.place_text,
            injured=claim.injured,
            marks=claim.marks,
            area=self.areas.get(claim.area_id),
            plate=next((item.plate for item in items if item.plate), None),
            duplicate=bool(self._at(claim.id, "duplicate", at)),
            holder_id=held.surveyor_id if held else None,
            holder_name=self.names.get(held.surveyor_id) if held else None,
            holder_on_duty=holder.on_duty if holder else None,
            **_known(
                held,
                "",
                ("appointment_at", "accepted_at", "departed_at", "done_by_at", "eta_s", "drive_s", "eta_by"),
            ),
            **_known(offer, "", ("made_at", "delivered_at")),
            **_known(offer, "offer_", ("eta_s", "drive_s", "eta_by")),
            offer_id=offer.id if offer else None,
            asked_id=offer.surveyor_id if offer else None,
            asked_name=self.names.get(offer.surveyor_id) if offer else None,
            expires_at=offer.expires_at if offer else None,
            offer_round=offer.round if offer else None,
        )


def _known(row: Any, prefix: str, names: Sequence[str]) -> dict[str, Any]:
    """Columns of a version, None where it was written before they were kept."""
    return {prefix + name: getattr(row, name, None) for name in names}


def tasks_then(session: Session, scope: str, at: datetime) -> list[dict[str, Any]]:
    """The cards of the jobs that were open at a moment, as they were shown then."""
    found = {row.ref: row.owner for row in queries.open_tasks_then(session, scope, at)}
    files = Files(session, found, at, at)
    shown = (files.task(task_id, at) for task_id in found)
    return [one[1] for one in shown if one is not None and one[1] is not None]


def surveyors_then(
    session: Session, scope: str, at: datetime, *, max_accuracy_m: float
) -> list[dict[str, Any]]:
    """The cards of the surveyors at a moment: duty, jobs, and the newest position that had been received."""
    people = queries.people_then(session, scope, at)
    held = [v for v in map(version, queries.held_then(session, at, at)) if v.holds(at)]
    offered = {v.row.surveyor_id for v in held if v.kind == "offer"}
    jobs = count(v.row.surveyor_id for v in held if v.kind == "assignment")
    places = store.positions_then(session, [p.id for p in people], at, max_accuracy_m=max_accuracy_m)
    return [
        board.surveyor_shown(
            surveyor_row(p.id, p.name, p.body, places.get(p.id), p.id in offered, jobs.get(p.id, 0)), at
        )
        for p in people
    ]


def count(ids: Iterable[int]) -> dict[int, int]:
    """How often each occurs."""
    counted: dict[int, int] = defaultdict(int)
    for one in ids:
        counted[one] += 1
    return counted


def surveyor_row(
    ident: int, name: str, body: dict[str, Any], place: Any, offered: bool, open_jobs: int
) -> SimpleNamespace:
    """What a surveyor's card is made of."""
    names = (
        "lon",
        "lat",
        "fixed_at",
        "received_at",
        "accuracy_m",
        "speed_mps",
        "heading_deg",
        "battery",
        "source",
    )
    return SimpleNamespace(
        id=ident, name=name, org_id=body["org_id"], on_duty=body["on_duty"], skills=body["skills"],
        max_open=body["max_open"], offered=offered, open_jobs=open_jobs,
        **{n: getattr(place, n) if place is not None else None for n in names},
    )  # fmt: skip


@dataclass(frozen=True)
class Turn:
    """Something that changed: the card of a task (None: settled), or a surveyor's duty and jobs."""

    at: datetime
    kind: str
    ident: int
    card: dict[str, Any] | None


def turns(session: Session, scope: str, start: datetime, end: datetime) -> list[Turn]:
    """What changed after `start` and not after `end`, in order of time."""
    found = queries.touched(session, start, end)
    seen = queries.organisations_below(session, scope)
    told = _task_turns(session, found, seen, start, end) + _surveyor_turns(session, found, seen, start, end)
    return sorted(told, key=lambda turn: turn.at)


def _task_turns(
    session: Session, found: Sequence[Any], seen: set[int], start: datetime, end: datetime
) -> list[Turn]:
    by_task = {r.owner for r in found if r.kind in ("offer", "assignment")}
    by_claim = {r.owner for r in found if r.kind not in ("offer", "assignment", "surveyor")}
    files = Files(session, queries.tasks_of(session, list(by_task), list(by_claim)), start, end)
    told = []
    for task_id in files.tasks:
        for at in files.instants(task_id, start, end):
            shown = files.task(task_id, at)
            if shown is not None and shown[0] in seen:
                told.append(Turn(at, "task", task_id, shown[1]))
    return told


def _surveyor_turns(
    session: Session, found: Sequence[Any], seen: set[int], start: datetime, end: datetime
) -> list[Turn]:
    ids = {r.ref for r in found if r.kind == "surveyor"} | {r.surveyor_id for r in found if r.surveyor_id}
    if not ids:
        return []
    own = defaultdict(list)
    for row in queries.versions(session, list(ids), start, end):
        own[row.ref].append(version(row))
    for row in queries.held_then(session, start, end):
        held = version(row)
        if held.row.surveyor_id in ids:
            own[held.row.surveyor_id].append(held)
    told = []
    for ident, kept in own.items():
        edges = {v.begun for v in kept} | {v.ended for v in kept if v.ended is not None}
        for at in sorted(edge for edge in edges if start < edge <= end):
            now = [v for v in kept if v.holds(at)]
            body = next((v.row for v in now if v.kind == "surveyor"), None)
            if body is not None and body.org_id in seen:
                told.append(Turn(at, "surveyor", ident, _duty(body, now)))
    return told


def _duty(body: Any, now: Sequence[Version]) -> dict[str, Any]:
    jobs = sum(v.kind == "assignment" for v in now)
    offered = any(v.kind == "offer" for v in now)
    return {
        "on_duty": body.on_duty,
        "state": board.surveyor_state(body.on_duty, "fresh", offered, jobs),
        "open_jobs": jobs,
        "max_open": body.max_open,
        "skills": body.skills,
    }
