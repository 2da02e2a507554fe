"""Reads of what the desk knew: versions of rows that were valid at a moment or changed within a span."""

from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

SCOPE = "SELECT id FROM organisation WHERE path LIKE :scope"

OPEN_THEN = """
SELECT ref, owner, body
  FROM desk_past
 WHERE matters AND kind = 'task' AND span @> :at
   AND CAST(body ->> 'org_id' AS bigint) IN (SELECT id FROM organisation WHERE path LIKE :scope)
 ORDER BY ref
"""

VERSIONS = """
SELECT kind, ref, owner, lower(span) AS begun, upper(span) AS ended, body
  FROM desk_past
 WHERE owner = ANY(:owners) AND span && tstzrange(:start, :end, '[]')
 ORDER BY id
"""

# Duties and questions of surveyors are found by the moment, which the index answers, not by the surveyor.
HELD_THEN = """
SELECT kind, ref, owner, lower(span) AS begun, upper(span) AS ended, body
  FROM desk_past
 WHERE matters AND kind IN ('offer', 'assignment') AND span && tstzrange(:start, :end, '[]')
"""

PEOPLE_THEN = """
SELECT h.ref AS id, h.body, p.name
  FROM desk_past AS h
  JOIN person AS p ON p.id = h.ref AND (p.disabled_at IS NULL OR p.disabled_at > :at)
 WHERE h.matters AND h.kind = 'surveyor' AND h.span @> :at
   AND CAST(h.body ->> 'org_id' AS bigint) IN (SELECT id FROM organisation WHERE path LIKE :scope)
 ORDER BY h.ref
"""

TOUCHED = """
SELECT DISTINCT kind, ref, owner, CAST(body ->> 'surveyor_id' AS bigint) AS surveyor_id
  FROM desk_past
 WHERE lower(span) > :start AND lower(span) <= :end
"""

CLAIMS_OF = "SELECT id, claim_id FROM task WHERE id = ANY(:tasks) OR claim_id = ANY(:claims)"
NAMES = "SELECT id, name FROM person WHERE id = ANY(:ids)"
AREAS = "SELECT id, name FROM area WHERE id = ANY(:ids)"

DAY = """
SELECT floor(extract(epoch FROM c.reported_at - :start) / :step_s)::integer AS bucket, 'reports' AS what, count(*) AS n
  FROM claim AS c
 WHERE c.reported_at >= :start AND c.reported_at < :end AND c.org_id IN (SELECT id FROM organisation WHERE path LIKE :scope)
 GROUP BY 1
 UNION ALL
SELECT floor(extract(epoch FROM k.breached_at - :start) / :step_s)::integer, 'breaches', count(*)
  FROM clock AS k
  JOIN claim AS c ON c.id = k.claim_id AND c.org_id IN (SELECT id FROM organisation WHERE path LIKE :scope)
 WHERE k.breached_at >= :start AND k.breached_at < :end
 GROUP BY 1
"""

# Nobody looks at a day whose tracks are gone.
FORGET = "DELETE FROM desk_past WHERE upper(span) < :before"


def open_tasks_then(session: Session, scope: str, at: datetime) -> list[Any]:
    """The jobs below a scope that were open at a moment, as they were."""
    return list(session.execute(text(OPEN_THEN), {"scope": scope + "%", "at": at}).all())


def versions(session: Session, owners: list[int], start: datetime, end: datetime) -> list[Any]:
    """All versions valid at some time of a span that belong to these claims, tasks or surveyors."""
    given = {"owners": owners, "start": start, "end": end}
    return list(session.execute(text(VERSIONS), given).all())


def held_then(session: Session, start: datetime, end: datetime) -> list[Any]:
    """Open offers and active duties at some time of a span."""
    return list(session.execute(text(HELD_THEN), {"start": start, "end": end}).all())


def people_then(session: Session, scope: str, at: datetime) -> list[Any]:
    """The surveyors below a scope at a moment, as they were."""
    return list(session.execute(text(PEOPLE_THEN), {"scope": scope + "%", "at": at}).all())


def touched(session: Session, start: datetime, end: datetime) -> list[Any]:
    """What changed after `start` and not after `end`."""
    return list(session.execute(text(TOUCHED), {"start": start, "end": end}).all())


def tasks_of(session: Session, tasks: list[int], claims: list[int]) -> dict[int, int]:
    """Task → claim of these tasks and of all tasks of these claims."""
    return {
        row.id: row.claim_id for row in session.execute(text(CLAIMS_OF), {"tasks": tasks, "claims": claims})
    }


def organisations_below(session: Session, scope: str) -> set[int]:
    """The ids of the organisations below a scope."""
    return set(session.execute(text(SCOPE), {"scope": scope + "%"}).scalars())


def names(session: Session, ids: set[int]) -> dict[int, str]:
    """People's names."""
    return {row.id: row.name for row in session.execute(text(NAMES), {"ids": list(ids)})}


def area_names(session: Session, ids: set[int]) -> dict[int, str]:
    """Areas' names."""
    return {row.id: row.name for row in session.execute(text(AREAS), {"ids": list(ids)})}


def day(session: Session, scope: str, start: datetime, end: datetime, step_s: int) -> list[Any]:
    """Reports and broken promises in steps of a span, by number of the step."""
    given = {"scope": scope + "%", "start": start, "end": end, "step_s": step_s}
    return list(session.execute(text(DAY), given).all())


def forget(session: Session, before: datetime) -> int:
    """Deletes versions that ended before a moment."""
    return int(session.execute(text(FORGET), {"before": before}).rowcount)  # type: ignore[attr-defined]
