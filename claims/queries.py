"""Reads of the claims room, and the row locks its use cases take (never FOR UPDATE on a row others refer to)."""

from datetime import datetime, timedelta, timezone
from typing import Any

from sqlalchemy import Select, select, text
from sqlalchemy.orm import Session

from claims.limits import ORDER
from claims.models import Claim, ClaimItem, Clock, Escalation, Task
from core.errors import Conflict, Missing
from geo import store
from geo.fix import LonLat
from staff.models import Organisation

# Report numbers carry the date people see on the wall.
CHINA = timezone(timedelta(hours=8))


class NotFired(Conflict):
    """The escalation has nothing to acknowledge yet."""

    code = "not_fired"


def report_day(now: datetime) -> str:
    """How report numbers of a day begin: CK and the date in China. A running number makes them unique."""
    return f"CK{now.astimezone(CHINA):%y%m%d}"


def _locked(statement: Select[Any], *, skip: bool = False) -> Any:
    # FOR NO KEY UPDATE: a plain FOR UPDATE would block, and deadlock with, every insert that refers to the row.
    return statement.with_for_update(key_share=True, skip_locked=skip).execution_options(
        populate_existing=True
    )


def task_for_update(session: Session, task_id: int, *, skip_locked: bool = False) -> Task | None:
    """The task under a row lock; None when absent, or busy with `skip_locked`."""
    return session.scalars(_locked(select(Task).where(Task.id == task_id), skip=skip_locked)).one_or_none()


def open_task_for_update(session: Session, claim_id: int) -> Task | None:
    """The claim's unsettled task under a row lock."""
    statement = select(Task).where(Task.claim_id == claim_id, Task.state.not_in(("approved", "cancelled")))
    return session.scalars(_locked(statement)).one_or_none()


def claim_for_update(session: Session, claim_id: int) -> Claim:
    """The claim under a row lock. Raises Missing."""
    claim: Claim | None = session.scalars(_locked(select(Claim).where(Claim.id == claim_id))).one_or_none()
    if claim is None:
        raise Missing("no such claim")
    return claim


def escalation_for_update(session: Session, scope: str, escalation_id: int) -> tuple[Escalation, int]:
    """A fired escalation below `scope` under a row lock, and its claim. Raises Missing, NotFired."""
    row = session.execute(
        select(Escalation, Clock.claim_id)
        .join(Clock, Clock.id == Escalation.clock_id)
        .join(Claim, Claim.id == Clock.claim_id)
        .join(Organisation, Organisation.id == Claim.org_id)
        .where(Escalation.id == escalation_id, Organisation.path.startswith(scope))
        .with_for_update(of=Escalation)
    ).one_or_none()
    if row is None:
        raise Missing("no such escalation")
    if row[0].state != "fired":
        raise NotFired("the escalation has not fired", state=row[0].state)
    return row[0], row[1]


def by_external_no(session: Session, scope: str, external_no: str) -> Any:
    """Id and report number of the claim another system knows by that number, below `scope`, or None."""
    return session.execute(
        select(Claim.id, Claim.report_no)
        .join(Organisation, Organisation.id == Claim.org_id)
        .where(Claim.external_no == external_no, Organisation.path.startswith(scope))
        .order_by(Claim.id)
        .limit(1)
    ).one_or_none()


def place_of(session: Session, claim_id: int) -> LonLat | None:
    """The loss location."""
    return places_of(session, [claim_id]).get(claim_id)


def ground_of(session: Session, task: Task) -> tuple[Claim, LonLat | None, str]:
    """What a decision about a task stands on: its claim, the loss location, the path of its organisation."""
    lon, lat = store.lonlat_of(Claim.place)
    row = session.execute(
        select(Claim, lon, lat, Organisation.path)
        .join(Organisation, Organisation.id == task.org_id)
        .where(Claim.id == task.claim_id)
    ).one()
    return row[0], None if row[1] is None else LonLat(row[1], row[2]), row[3]


def places_of(session: Session, claim_ids: list[int]) -> dict[int, LonLat]:
    """The loss locations of several claims."""
    lon, lat = store.lonlat_of(Claim.place)
    rows = session.execute(
        select(Claim.id, lon, lat).where(Claim.id.in_(claim_ids), Claim.place.is_not(None))
    )
    return {row[0]: LonLat(row[1], row[2]) for row in rows}


def in_order(clocks: list[Any]) -> list[Any]:
    """Clocks in the order of the work."""
    return sorted(clocks, key=lambda clock: ORDER.get(clock.kind, len(ORDER)))


def clocks_of(session: Session, claim_ids: list[int]) -> dict[int, list[Clock]]:
    """The clocks of several claims, each list in the order of the work."""
    found: dict[int, list[Clock]] = {claim_id: [] for claim_id in claim_ids}
    for clock in session.scalars(select(Clock).where(Clock.claim_id.in_(claim_ids))):
        found[clock.claim_id].append(clock)
    return {claim_id: in_order(clocks) for claim_id, clocks in found.items()}


def items_of(session: Session, claim_ids: list[int]) -> dict[int, list[ClaimItem]]:
    """The items of several claims."""
    found: dict[int, list[ClaimItem]] = {claim_id: [] for claim_id in claim_ids}
    for item in session.scalars(
        select(ClaimItem).where(ClaimItem.claim_id.in_(claim_ids)).order_by(ClaimItem.id)
    ):
        found[item.claim_id].append(item)
    return found


ALIKE = """
SELECT c.id AS claim_id, c.report_no, d.reasons
  FROM (SELECT other_id AS id, reasons FROM claim_duplicate WHERE claim_id = :claim_id
         UNION ALL
        SELECT claim_id, reasons FROM claim_duplicate WHERE other_id = :claim_id) AS d
  JOIN claim AS c ON c.id = d.id
  JOIN organisation AS o ON o.id = c.org_id
 WHERE o.path LIKE :scope
 ORDER BY c.id
"""


def alike(session: Session, scope: str, claim_id: int) -> list[Any]:
    """Claims marked as like this one, in both directions, as far as the viewer sees them."""
    return list(session.execute(text(ALIKE), {"claim_id": claim_id, "scope": scope + "%"}).all())


TIMELINE = """
SELECT e.id, e.at, e.device_at, e.kind, e.task_id, e.actor_id, e.actor_kind, p.name AS actor_name, e.facts
  FROM claim_event AS e
  LEFT JOIN person AS p ON p.id = e.actor_id
 WHERE e.claim_id = :claim_id AND e.id > :after
 ORDER BY e.id
 LIMIT :limit
"""


def timeline(session: Session, claim_id: int, *, after: int = 0, limit: int = 200) -> list[Any]:
    """Every event of a claim in order."""
    return list(session.execute(text(TIMELINE), {"claim_id": claim_id, "after": after, "limit": limit}).all())


ESCALATIONS = """
SELECT e.id, e.stage, e.due_at, e.fired_at, e.acknowledged_at, p.name AS acknowledged_by, k.id AS clock_id, k.kind,
       k.due_at AS clock_due_at, k.stopped_at, k.state AS clock_state, c.id AS claim_id, c.report_no, t.id AS task_id,
       t.state AS task_state
  FROM escalation AS e
  JOIN clock AS k ON k.id = e.clock_id
  JOIN claim AS c ON c.id = k.claim_id
  JOIN organisation AS o ON o.id = c.org_id
  LEFT JOIN person AS p ON p.id = e.acknowledged_by
  LEFT JOIN LATERAL (SELECT t.id, t.state FROM task AS t WHERE t.claim_id = c.id
                      ORDER BY t.state IN ('approved', 'cancelled'), t.id DESC LIMIT 1) AS t ON true
 WHERE o.path LIKE :scope AND e.state = 'fired' AND (:after = 0 OR e.id < :after)
   {only}
 ORDER BY e.id DESC
 LIMIT :limit
"""


def escalations(
    session: Session, scope: str, *, everything: bool = False, after: int = 0, limit: int = 100
) -> list[Any]:
    """Fired escalations below a scope, newest first; without `everything` only those nobody has acknowledged."""
    args = {"scope": scope + "%", "after": after, "limit": limit}
    # Named, not asked of a parameter, or its own small index could not serve it.
    statement = ESCALATIONS.format(only="" if everything else "AND e.acknowledged_at IS NULL")
    return list(session.execute(text(statement), args).all())


# One statement for the whole batch: after an outage thousands are due at once, and a round trip each would take minutes.
# Both rows are locked without ever waiting: a clock that is just being stopped is left for the next tick.
FIRE = """
WITH due AS MATERIALIZED (
  SELECT e.id, e.stage, e.due_at, k.id AS clock_id, k.claim_id, k.kind,
         CASE WHEN e.stage LIKE 'warn%' THEN 'clock.warned' ELSE 'clock.breached' END AS event
    FROM escalation AS e
    JOIN clock AS k ON k.id = e.clock_id
   WHERE e.state = 'waiting' AND e.due_at <= :now AND k.stopped_at IS NULL AND k.state IN ('running', 'breached')
   ORDER BY e.due_at
   LIMIT :limit
     FOR NO KEY UPDATE OF e, k SKIP LOCKED
),
fired AS (
  UPDATE escalation AS e SET state = 'fired', fired_at = :now FROM due WHERE e.id = due.id
),
broken AS (
  UPDATE clock AS k SET state = 'breached', breached_at = k.due_at, predicted = 'late'
    FROM due WHERE k.id = due.clock_id AND due.stage = 'breach'
),
noted AS (
  INSERT INTO claim_event (claim_id, kind, at, actor_kind, facts)
  SELECT claim_id, event, :now, 'system', jsonb_build_object('clock', kind, 'stage', stage, 'due_at', due_at) FROM due
),
told AS (
  INSERT INTO outbox (event, payload)
  SELECT event, jsonb_build_object('claim_id', claim_id, 'clock_id', clock_id, 'stage', stage) FROM due ORDER BY due_at
)
SELECT kind, stage FROM due
"""


def fire_due(session: Session, now: datetime, limit: int) -> list[Any]:
    """Fires the rungs that are due with all that follows; returns kind and stage of each."""
    return list(session.execute(text(FIRE), {"now": now, "limit": limit}).all())


FORESEEN = """
WITH risky AS MATERIALIZED (
  SELECT k.id
    FROM clock AS k
   WHERE k.state = 'running' AND k.predicted = 'ok'
     AND :now >= k.start_at + (k.due_at - k.start_at) * :share
   LIMIT :limit
     FOR NO KEY UPDATE SKIP LOCKED
),
foreseen AS (
  UPDATE clock AS k SET predicted = 'at_risk' FROM risky WHERE k.id = risky.id RETURNING k.id, k.claim_id
)
INSERT INTO outbox (event, payload)
SELECT 'clock.foreseen', jsonb_build_object('claim_id', claim_id, 'clock_id', id) FROM foreseen
RETURNING id
"""


def foresee(session: Session, now: datetime, share: float, limit: int) -> int:
    """Marks running clocks of which `share` of the time is used as `at_risk`; returns how many."""
    return len(session.execute(text(FORESEEN), {"now": now, "share": share, "limit": limit}).all())
