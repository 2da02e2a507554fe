"""Reads and writes of catastrophe mode: who is near a surge, what waits in it, which losses are visited together."""

from datetime import datetime
from typing import Any

from sqlalchemy import and_, exists, or_, select, text
from sqlalchemy.orm import Session

from claims.models import Claim, Task
from dispatch import policy
from dispatch.models import Bundle, BundleTask
from geo import store
from staff.models import Organisation

ON = """
SELECT k.id, k.org_id, k.area_id, o.path,
       ARRAY(SELECT b.path FROM organisation AS b WHERE k.state = 'on' AND b.id = ANY(k.borrowed)) AS borrowed
  FROM catastrophe AS k
  JOIN organisation AS o ON o.id = k.org_id
 WHERE k.state IN ('on', 'released')
 ORDER BY k.area_id IS NULL, length(o.path) DESC
"""

# Whose people help here now: lent to the asker's own branch, to one above it or to one below it.
LENT = """
SELECT DISTINCT b.path
  FROM catastrophe AS k
  JOIN organisation AS o ON o.id = k.org_id
  JOIN organisation AS b ON b.id = ANY(k.borrowed)
 WHERE k.state = 'on' AND (CAST(:path AS text) LIKE o.path || '%' OR o.path LIKE CAST(:path AS text) || '%')
   AND b.path NOT LIKE CAST(:path AS text) || '%'
 ORDER BY b.path
"""

# Only those with nothing in hand and nothing asked: whoever is busy does not make a visit of one's own possible.
FREE = """
SELECT count(*)
  FROM surveyor AS s
  JOIN organisation AS o ON o.id = s.org_id AND o.path LIKE ANY(:scopes)
 WHERE s.on_duty
   AND NOT EXISTS (SELECT FROM offer AS f WHERE f.surveyor_id = s.id AND f.state = 'open')
   AND NOT EXISTS (SELECT FROM assignment AS a
                    WHERE a.surveyor_id = s.id AND a.ended_at IS NULL AND a.completed_at IS NULL)
"""

SETTLED = """
UPDATE bundle SET state = 'dissolved', settled_at = :now
 WHERE id IN (SELECT b.id
                FROM bundle AS b
                JOIN task AS t ON t.id = b.lead_id
                JOIN catastrophe AS k ON k.id = b.catastrophe_id
               WHERE b.state = 'open'
                 AND (t.state NOT IN ('pending', 'offered', 'unassigned')
                      OR (t.state = 'unassigned' AND NOT t.unassigned_reason = ANY(:reasons))
                      OR (k.state = 'over' AND t.state <> 'offered'))
                 FOR UPDATE OF b SKIP LOCKED)
"""

# A companion somebody holds locked is left for the next round: waiting for it here could close a circle of locks.
LEFT = """
WITH freed AS MATERIALIZED (
  SELECT m.bundle_id, m.task_id
    FROM bundle_task AS m
    JOIN bundle AS b ON b.id = m.bundle_id AND b.state <> 'open'
    JOIN task AS t ON t.id = m.task_id
   WHERE m.outcome IS NULL
     FOR NO KEY UPDATE OF t SKIP LOCKED
),
noted AS (
  UPDATE bundle_task AS m SET outcome = 'left'
    FROM freed AS f WHERE m.bundle_id = f.bundle_id AND m.task_id = f.task_id
)
UPDATE task AS t SET next_try_at = :now FROM freed AS f
 WHERE t.id = f.task_id AND t.state IN ('pending', 'unassigned') RETURNING t.id
"""


def lent_to(session: Session, org_path: str) -> tuple[str, ...]:
    """The paths of other organisations whose people a catastrophe lends to this part of the tree now."""
    return tuple(session.scalars(text(LENT), {"path": org_path}))


COMPANIONS = """
SELECT b.lead_id, b.id AS bundle_id, m.task_id, m.place_no, c.id AS claim_id, c.report_no, c.cause, c.place_text
  FROM bundle AS b
  JOIN bundle_task AS m ON m.bundle_id = b.id AND m.outcome IS NULL
  JOIN task AS t ON t.id = m.task_id AND t.state IN ('pending', 'unassigned')
  JOIN claim AS c ON c.id = t.claim_id
 WHERE b.lead_id = ANY(:ids) AND b.state = 'open'
 ORDER BY b.lead_id, m.place_no
"""

# One statement for all organisations: the last hour and the same hour of earlier weeks, each through the index on time.
COUNTS = """
WITH hours AS (
  SELECT n, at FROM unnest(CAST(:starts AS timestamptz[])) WITH ORDINALITY AS h (at, n)
)
SELECT c.org_id, o.path, h.n, count(*) AS reports
  FROM hours AS h
  JOIN claim AS c ON c.reported_at >= h.at AND c.reported_at < h.at + interval '1 hour'
  JOIN organisation AS o ON o.id = c.org_id AND o.path LIKE :scope
 GROUP BY c.org_id, o.path, h.n
"""

# One look along the index for each organisation, however many claims it has.
FIRST_REPORTS = """
SELECT o.id AS org_id, c.at
  FROM unnest(CAST(:ids AS bigint[])) AS o (id)
 CROSS JOIN LATERAL (SELECT min(c.reported_at) AS at FROM claim AS c WHERE c.org_id = o.id) AS c
"""

SHOWN = """
SELECT k.*, o.name AS org_name, o.path, a.name AS area_name, a.name_en AS area_name_en,
       (SELECT count(*) FROM claim AS c WHERE c.catastrophe_id = k.id) AS claims,
       (SELECT count(*) FROM claim AS c JOIN task AS t ON t.claim_id = c.id
         WHERE c.catastrophe_id = k.id AND t.state IN ('pending', 'offered', 'unassigned')) AS waiting,
       (SELECT count(*) FROM bundle AS b WHERE b.catastrophe_id = k.id AND b.state = 'taken') AS visits,
       (SELECT count(*) FROM bundle AS b JOIN bundle_task AS m ON m.bundle_id = b.id AND m.outcome = 'taken'
         WHERE b.catastrophe_id = k.id) AS companions,
       ARRAY(SELECT jsonb_build_object('id', CAST(b.id AS text), 'name', b.name)
               FROM organisation AS b WHERE b.id = ANY(k.borrowed) ORDER BY b.name) AS borrowed_orgs
  FROM catastrophe AS k
  JOIN organisation AS o ON o.id = k.org_id
  LEFT JOIN area AS a ON a.id = k.area_id
 WHERE o.path LIKE :scope
   AND (CAST(:id AS bigint) IS NULL OR k.id = :id)
   AND (:all OR k.state IN ('proposed', 'requested', 'on', 'released'))
   AND (:after = 0 OR k.id < :after)
 ORDER BY k.id DESC
 LIMIT :limit
"""

STEPS = """
SELECT s.*, p.name AS requested_name, q.name AS settled_name
  FROM catastrophe_step AS s
  JOIN person AS p ON p.id = s.requested_by
  LEFT JOIN person AS q ON q.id = s.settled_by
 WHERE s.catastrophe_id = ANY(:ids)
 ORDER BY s.id
"""

NEIGHBOURS = """
SELECT o.id, o.name,
       (SELECT count(*) FROM surveyor AS s JOIN organisation AS h ON h.id = s.org_id
         WHERE s.on_duty AND h.path LIKE o.path || '%') AS on_duty
  FROM organisation AS o
  JOIN organisation AS me ON me.id = :org_id AND me.parent_id = o.parent_id
 WHERE o.id <> me.id
 ORDER BY o.name
"""

# The catastrophe a surveyor works in: his own organisation's, or the one he is borrowed for.
OVER_PERSON = """
SELECT k.id, k.name, k.on_at, k.max_open, k.rule,
       NOT (h.path LIKE o.path || '%') AS borrowed
  FROM surveyor AS s
  JOIN organisation AS h ON h.id = s.org_id
  JOIN catastrophe AS k ON k.state IN ('on', 'released')
  JOIN organisation AS o ON o.id = k.org_id
 WHERE s.id = :id
   AND (h.path LIKE o.path || '%'
        OR (k.state = 'on' AND EXISTS (SELECT FROM organisation AS b
                                        WHERE b.id = ANY(k.borrowed) AND h.path LIKE b.path || '%')))
 ORDER BY h.path LIKE o.path || '%' DESC, k.on_at DESC
 LIMIT 1
"""


def catastrophes_on(session: Session) -> list[Any]:
    """The catastrophes in force, the narrowest first, with the paths of those borrowed."""
    return list(session.execute(text(ON)).all())


def to_bundle(session: Session, force: Any, now: datetime, limit: int) -> list[Any]:
    """Waiting jobs inside a catastrophe nobody was asked about yet, under their row locks, oldest first.

    Injured people are nobody's companion, and a job already bundled is left alone.
    """
    lon, lat = store.lonlat_of(Claim.place)
    bundled = or_(
        exists().where(Bundle.lead_id == Task.id, Bundle.state == "open"),
        exists().where(BundleTask.task_id == Task.id, BundleTask.outcome.is_(None)),
    )
    statement = (
        select(Task.id, Task.claim_id, Task.needs, lon.label("lon"), lat.label("lat"))
        .join(Claim, Claim.id == Task.claim_id)
        .join(Organisation, Organisation.id == Task.org_id)
        .where(Task.round == 0, Task.priority == 0)
        .where(
            or_(
                and_(Task.state == "pending", Task.next_try_at <= now),
                # A backlog is made of these: nobody is free, so whoever comes free next had better take several.
                and_(Task.state == "unassigned", Task.unassigned_reason.in_(policy.SELF_HEALING)),
            )
        )
        .where(Claim.place.is_not(None), Organisation.path.startswith(force.path), ~bundled)
        .order_by(Task.created_at, Task.id)
        .limit(limit)
        .with_for_update(of=Task, key_share=True, skip_locked=True)
    )
    if force.area_id is not None:
        statement = statement.where(Claim.area_id == force.area_id)
    return list(session.execute(statement).all())


def free_people(session: Session, force: Any) -> int:
    """How many of those who may serve a catastrophe have nothing in hand."""
    scopes = [f"{path}%" for path in (force.path, *force.borrowed)]
    return int(session.execute(text(FREE), {"scopes": scopes}).scalar_one())


def hold_back(session: Session, task_ids: list[int], until: datetime) -> None:
    """Keeps jobs from being offered by themselves until then."""
    session.execute(
        text("UPDATE task SET next_try_at = :until WHERE id = ANY(:ids)"), {"ids": task_ids, "until": until}
    )


def let_go(session: Session, now: datetime) -> int:
    """Dissolves bundles whose lead went another way, and frees companions not taken; returns how many were freed."""
    session.execute(text(SETTLED), {"now": now, "reasons": list(policy.SELF_HEALING)})
    return len(session.execute(text(LEFT), {"now": now}).all())


def companions_for_update(session: Session, bundle_id: int) -> list[Task]:
    """The companions still waiting, in the order of visiting, under row locks; what is locked elsewhere is left out."""
    return list(
        session.scalars(
            select(Task)
            .join(BundleTask, BundleTask.task_id == Task.id)
            .where(BundleTask.bundle_id == bundle_id, BundleTask.outcome.is_(None))
            .where(Task.state.in_(("pending", "unassigned")))
            .order_by(BundleTask.place_no)
            .with_for_update(of=Task, key_share=True, skip_locked=True)
            .execution_options(populate_existing=True)
        )
    )


def mark_taken(session: Session, bundle_id: int, task_ids: list[int]) -> None:
    """Notes which companions went with the lead."""
    session.execute(
        text("UPDATE bundle_task SET outcome = 'taken' WHERE bundle_id = :id AND task_id = ANY(:tasks)"),
        {"id": bundle_id, "tasks": task_ids},
    )


def companions_of(session: Session, lead_ids: list[int]) -> list[Any]:
    """The companions of open bundles by their leads, in the order of visiting."""
    return list(session.execute(text(COMPANIONS), {"ids": lead_ids}).all())


def counts(session: Session, scope: str, starts: list[datetime]) -> list[Any]:
    """Reports by organisation below `scope` in the hours beginning at `starts` (n counts from 1)."""
    args = {"starts": store.times(starts), "scope": scope + "%"}
    return list(session.execute(text(COUNTS), args).all())


def first_reports(session: Session, org_ids: list[int]) -> dict[int, datetime]:
    """When each organisation had its first report: weeks before it are no history."""
    rows = session.execute(
        text(FIRST_REPORTS),
        {"ids": org_ids},
    )
    return {row.org_id: row.at for row in rows if row.at is not None}


def shown(
    session: Session,
    scope: str,
    *,
    ident: int | None = None,
    everything: bool = False,
    after: int = 0,
    limit: int = 50,
) -> list[Any]:
    """Catastrophes of a part of the tree, newest first; without `everything` only those that are not over."""
    args = {
        "scope": scope + "%",
        "id": ident,
        "all": everything or ident is not None,
        "after": after,
        "limit": limit,
    }
    return list(session.execute(text(SHOWN), args).all())


def steps(session: Session, ids: list[int]) -> list[Any]:
    """The steps of several catastrophes with the names of who asked and who settled, in order."""
    return list(session.execute(text(STEPS), {"ids": ids}).all())


def neighbours(session: Session, org_id: int) -> list[Any]:
    """The organisations under the same parent, with how many are on duty there: whom one may borrow from."""
    return list(session.execute(text(NEIGHBOURS), {"org_id": org_id}).all())


def over_person(session: Session, surveyor_id: int) -> Any:
    """The catastrophe a surveyor works in, or None."""
    return session.execute(text(OVER_PERSON), {"id": surveyor_id}).one_or_none()
