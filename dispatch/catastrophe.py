"""Catastrophe mode 大灾: asked for by one person, switched by a second, taken back step by step the same way.

A request that nobody confirms in time lapses. New limits reach new claims only (claims/catastrophes.py); who is borrowed
may be asked for any job there; losses near each other are visited together (bundles.py).
Lock order: the catastrophe, then its step; the time is read after the locks.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from claims import catastrophes, intake, limits
from claims.catastrophes import Force
from claims.models import Catastrophe, CatastropheStep
from core import audit, clock, outbox
from core.database import Sessions
from core.errors import Invalid, Missing
from dispatch.errors import CatastropheStands, FourEyes, NoStep, OutOfTurn, StepPending, refereed
from dispatch.policy import Ring
from geo.models import Area
from staff import rules
from staff.accounts import Actor
from staff.models import Organisation

LIVE = ("proposed", "requested", "on", "released")
# What a step makes of a catastrophe, and what must stand before it.
BECOMES = {"switch_on": "on", "release": "released", "restore": "over"}
MOST_BORROWED = 50


@dataclass(frozen=True)
class Wanted:
    """What is to be switched: where, why, with whose help; None takes the organisation's own setting."""

    org_id: int
    name: str
    reason: str
    area_id: int | None = None
    borrow: tuple[int, ...] = ()
    contact_limit_min: int | None = None
    arrive_limit_min: int | None = None
    max_open: int | None = None


def widen(rings: Sequence[Ring], force: Force | None) -> tuple[Ring, ...]:
    """The same rings, open to the people of the borrowed organisations too."""
    if force is None or not force.borrowed:
        return tuple(rings)
    return tuple(replace(ring, also=force.borrowed) for ring in rings)


def request(sessions: Sessions, actor: Actor, wanted: Wanted, now: datetime | None = None) -> int:
    """Asks for catastrophe mode; it counts from the moment a second person confirms. Returns its id.

    What the system proposed for the same place is taken up by this. Raises Missing for an organisation the actor does
    not see, Invalid, CatastropheStands, StepPending.
    """
    if not wanted.name.strip() or not wanted.reason.strip():
        raise Invalid.field("name" if not wanted.name.strip() else "reason", "say what and why")
    with sessions.begin() as session, refereed():
        org = _organisation(session, actor, wanted.org_id)
        _check_area(session, org, wanted.area_id)
        borrowed = _borrowed(session, org, wanted.borrow)
        given = _given(session, org.id, wanted)
        row = _standing(session, org.id, wanted.area_id)
        now = clock.read(session, now)
        if row is not None and row.state != "proposed":
            raise CatastropheStands("there is one already", catastrophe_id=str(row.id), state=row.state)
        rule = catastrophes.limits_in(limits.read(session, org.id), given)
        if row is None:
            row = Catastrophe(org_id=org.id, area_id=wanted.area_id, made_at=now)
        row.name, row.reason = intake.clean(wanted.name), intake.clean(wanted.reason)
        row.state, row.borrowed = "requested", borrowed
        row.rule, row.max_open = rule, int(given["cat_max_open"])
        session.add(row)
        session.flush()
        _ask(session, row, "switch_on", row.reason, actor, given, now)
        return row.id


def _given(session: Session, org_id: int, wanted: Wanted) -> dict[str, Any]:
    """The organisation's catastrophe settings, with what the request says instead. Raises Invalid."""
    given = rules.values(session, org_id, catastrophes.DEFAULTS)
    for key, value in (
        ("cat_contact_limit_min", wanted.contact_limit_min),
        ("cat_arrive_limit_min", wanted.arrive_limit_min),
        ("cat_max_open", wanted.max_open),
    ):
        if value is None:
            continue
        known = catastrophes.KNOWN[key]
        if not (known.least or 0) <= value <= (known.most or value):
            raise Invalid.field(key.removeprefix("cat_"), f"from {known.least} to {known.most}")
        given[key] = value
    return given


def _ask(
    session: Session,
    row: Catastrophe,
    step: str,
    reason: str,
    actor: Actor,
    given: dict[str, Any],
    now: datetime,
) -> CatastropheStep:
    asked = CatastropheStep(
        catastrophe_id=row.id,
        step=step,
        reason=reason,
        requested_by=actor.person_id,
        requested_at=now,
        expires_at=now + timedelta(minutes=int(given["cat_confirm_min"])),
    )
    session.add(asked)
    session.flush()
    _told(session, row, "requested", actor.person_id, now, step=step, step_id=str(asked.id))
    return asked


def ask_step(
    sessions: Sessions, actor: Actor, catastrophe_id: int, step: str, reason: str, now: datetime | None = None
) -> int:
    """Asks for the next step back: `release` sends the borrowed home, `restore` brings the normal limits back.

    Returns the step's id. Asked again by the same person it answers the same. Raises Missing, Invalid, OutOfTurn,
    StepPending.
    """
    if step not in ("release", "restore"):
        raise Invalid.field("step", "one of release, restore")
    if not reason.strip():
        raise Invalid.field("reason", "say why")
    with sessions.begin() as session, refereed():
        row = _locked(session, actor, catastrophe_id)
        now = clock.read(session, now)
        open_step = _open_step(session, row.id)
        if open_step is not None and open_step.expires_at > now:
            if open_step.step == step and open_step.requested_by == actor.person_id:
                return open_step.id
            raise StepPending("a step is being asked for already", step=open_step.step)
        if open_step is not None:
            _lapse(session, row, open_step, now)
        if not may_follow(row.state, bool(row.borrowed), step):
            raise OutOfTurn(f"not while it is {row.state}", state=row.state)
        given = rules.values(session, row.org_id, catastrophes.DEFAULTS)
        return _ask(session, row, step, intake.clean(reason), actor, given, now).id


def may_follow(state: str, borrowed: bool, step: str) -> bool:
    """Whether a step may follow: the borrowed go home first, and only then, or with nobody borrowed, the limits."""
    if step == "switch_on":
        return state == "requested"
    if step == "release":
        return state == "on" and borrowed
    return state == "released" or (state == "on" and not borrowed)


def confirm(sessions: Sessions, actor: Actor, catastrophe_id: int, now: datetime | None = None) -> str:
    """The second person says yes: the step counts from now. Returns the new state. Said twice it answers the same.

    Raises Missing, FourEyes (who asked cannot confirm), NoStep (settled, or run out).
    """
    with sessions.begin() as session, refereed():
        row = _locked(session, actor, catastrophe_id)
        now = clock.read(session, now)
        step = _open_step(session, row.id)
        if step is None:
            last = _last_step(session, row.id)
            if last is not None and last.state == "confirmed" and last.settled_by == actor.person_id:
                return row.state
            raise NoStep("nothing waits to be confirmed", state=row.state)
        if step.requested_by == actor.person_id:
            raise FourEyes("a second person must confirm", requested_by=str(step.requested_by))
        if now < step.expires_at:
            _settle(session, step, "confirmed", actor, now)
            _become(session, row, BECOMES[step.step], now)
            _told(session, row, "confirmed", actor.person_id, now, step=step.step, step_id=str(step.id))
            outbox.wake(session, outbox.TASKS_CHANNEL)  # who is borrowed may be asked at once
            return row.state
        _lapse(session, row, step, now)
    raise NoStep("the time to confirm is over", state="expired")


def refuse(
    sessions: Sessions, actor: Actor, catastrophe_id: int, reason: str, now: datetime | None = None
) -> str:
    """Says no to what is asked for, or takes one's own request back, or waves a proposal away. Returns the state.

    Raises Missing, Invalid without a reason, NoStep.
    """
    if not reason.strip():
        raise Invalid.field("reason", "say why")
    with sessions.begin() as session:
        row = _locked(session, actor, catastrophe_id)
        now = clock.read(session, now)
        step = _open_step(session, row.id)
        if step is None and row.state != "proposed":
            last = _last_step(session, row.id)
            if last is not None and last.state == "refused" and last.settled_by == actor.person_id:
                return row.state
            raise NoStep("nothing waits to be confirmed", state=row.state)
        if step is not None:
            _settle(session, step, "refused", actor, now)
            step.settle_reason = intake.clean(reason)
        if row.state in ("proposed", "requested"):
            row.state = "dropped"
        _told(session, row, "refused", actor.person_id, now, step=step.step if step else "propose")
        return row.state


def expire(sessions: Sessions, now: datetime | None = None) -> int:
    """Ends the requests nobody confirmed in time; returns how many."""
    with sessions.begin() as session:
        moment = clock.read(session, now)
        due = session.execute(
            select(Catastrophe, CatastropheStep)
            .join(CatastropheStep, CatastropheStep.catastrophe_id == Catastrophe.id)
            .where(CatastropheStep.state == "open", CatastropheStep.expires_at <= moment)
            .with_for_update(key_share=True, skip_locked=True)
        ).all()
        for row, step in due:
            _lapse(session, row, step, moment)
        return len(due)


def _lapse(session: Session, row: Catastrophe, step: CatastropheStep, now: datetime) -> None:
    step.state, step.settled_at = "expired", now
    if row.state == "requested":
        row.state = "dropped"
    session.flush()
    _told(session, row, "lapsed", None, now, step=step.step, step_id=str(step.id))


def _settle(session: Session, step: CatastropheStep, state: str, actor: Actor, now: datetime) -> None:
    step.state, step.settled_by, step.settled_at = state, actor.person_id, now
    session.flush()


def _become(session: Session, row: Catastrophe, state: str, now: datetime) -> None:
    row.state = state
    if state == "on":
        row.on_at = now
    elif state == "released":
        row.released_at = now
    else:
        row.over_at = now
    session.flush()


def _told(
    session: Session, row: Catastrophe, what: str, person_id: int | None, now: datetime, **facts: Any
) -> None:
    """Audit and outbox of whatever happens to a catastrophe."""
    scope = {"org_id": str(row.org_id), "area_id": str(row.area_id) if row.area_id else None}
    audit.append(
        session,
        person_id,
        f"catastrophe.{what}",
        "catastrophe",
        row.id,
        actor_kind="person" if person_id else "system",
        now=now,
        state=row.state,
        **scope,
        **facts,
    )
    outbox.append(
        session, f"catastrophe.{what}", catastrophe_id=row.id, org_id=row.org_id, state=row.state, **facts
    )


def told_of_proposal(session: Session, row: Catastrophe, now: datetime) -> None:
    """The record of what the system proposed by itself."""
    _told(session, row, "proposed", None, now, seen=row.seen, normal=row.normal)


def _organisation(session: Session, actor: Actor, org_id: int) -> Organisation:
    org = session.get(Organisation, org_id)
    if org is None or not org.path.startswith(actor.org_path):
        raise Missing("no such organisation")
    if org.kind == "firm":
        # Limits reach the claims of an organisation, and a firm has none: it would be told of a mode that changes nothing.
        raise Invalid.field("org_id", "an outside firm has no claims of its own: its insurer switches")
    return org


def _check_area(session: Session, org: Organisation, area_id: int | None) -> None:
    if area_id is None:
        return
    area = session.get(Area, area_id)
    owner = session.get(Organisation, area.org_id) if area is not None else None
    if owner is None or not owner.path.startswith(org.path):
        raise Invalid.field("area_id", "no area of this organisation")


def _borrowed(session: Session, org: Organisation, ids: Iterable[int]) -> list[int]:
    """The organisations to borrow from, checked: of the same insurer and not one's own."""
    wanted = sorted(set(ids))
    if len(wanted) > MOST_BORROWED:
        raise Invalid.field("borrow", f"at most {MOST_BORROWED}")
    found = session.scalars(select(Organisation).where(Organisation.id.in_(wanted))).all()
    root = "/" + org.path.strip("/").split("/")[0] + "/"
    fit = [
        o.id
        for o in found
        if o.path.startswith(root) and not o.path.startswith(org.path) and not org.path.startswith(o.path)
    ]
    if len(fit) < len(wanted):
        raise Invalid.field("borrow", "only organisations of the same insurer, and not one's own")
    return sorted(fit)


def _standing(session: Session, org_id: int, area_id: int | None) -> Catastrophe | None:
    return session.scalars(
        select(Catastrophe)
        .where(
            Catastrophe.org_id == org_id,
            Catastrophe.area_id.is_not_distinct_from(area_id),
            Catastrophe.state.in_(LIVE),
        )
        .with_for_update()
    ).one_or_none()


def _locked(session: Session, actor: Actor, catastrophe_id: int) -> Catastrophe:
    row = session.get(Catastrophe, catastrophe_id, with_for_update={"key_share": True})
    if row is None:
        raise Missing("no such catastrophe")
    _seen(session, actor, row)
    return row


def _seen(session: Session, actor: Actor, row: Catastrophe) -> None:
    org = session.get_one(Organisation, row.org_id)
    if not org.path.startswith(actor.org_path):
        raise Missing("no such catastrophe")


def _open_step(session: Session, catastrophe_id: int) -> CatastropheStep | None:
    return session.scalars(
        select(CatastropheStep)
        .where(CatastropheStep.catastrophe_id == catastrophe_id, CatastropheStep.state == "open")
        .with_for_update()
    ).one_or_none()


def _last_step(session: Session, catastrophe_id: int) -> CatastropheStep | None:
    return session.scalars(
        select(CatastropheStep)
        .where(CatastropheStep.catastrophe_id == catastrophe_id)
        .order_by(CatastropheStep.id.desc())
        .limit(1)
    ).one_or_none()
