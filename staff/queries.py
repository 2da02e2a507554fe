"""Reads of the staff room."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

PEOPLE = """
SELECT p.id, p.username, p.name, p.phone, p.email, p.roles, p.authority_fen, p.lang, p.disabled_at,
       o.id AS org_id, o.name AS org_name, s.skills, s.max_open, s.on_duty,
       (SELECT count(*) FROM device AS d WHERE d.surveyor_id = p.id AND d.revoked_at IS NULL) AS devices
  FROM person AS p
  JOIN organisation AS o ON o.id = p.org_id
  LEFT JOIN surveyor AS s ON s.id = p.id
 WHERE o.path LIKE :scope AND p.id > :after
   AND (:q = '' OR p.name ILIKE '%' || :q || '%' OR p.username ILIKE '%' || :q || '%')
   AND (:role = '' OR :role = ANY(p.roles))
 ORDER BY p.id
 LIMIT :limit
"""

ORGANISATIONS = (
    "SELECT id, parent_id, kind, code, name, path FROM organisation WHERE path LIKE :scope ORDER BY path"
)

DEVICES = """
SELECT d.id, d.surveyor_id, d.label, d.paired_at, d.seen_at, d.revoked_at,
       (SELECT COALESCE(jsonb_object_agg(r.reason, r.count), '{}') FROM fix_refusal AS r
         WHERE r.device_id = d.id AND r.count > 0 AND r.day = (clock_timestamp() AT TIME ZONE 'UTC')::date) AS refused_today
  FROM device AS d
  JOIN surveyor AS s ON s.id = d.surveyor_id
  JOIN organisation AS o ON o.id = s.org_id
 WHERE o.path LIKE :scope AND (:surveyor_id = 0 OR d.surveyor_id = :surveyor_id)
 ORDER BY d.id
"""


def people(
    session: Session, scope: str, *, q: str = "", role: str = "", after: int = 0, limit: int = 100
) -> list[Any]:
    """People below `scope` in order of id."""
    args = {"scope": scope + "%", "q": q, "role": role, "after": after, "limit": limit}
    return list(session.execute(text(PEOPLE), args).all())


def organisations(session: Session, scope: str) -> list[Any]:
    """The tree below `scope`, parents before children."""
    return list(session.execute(text(ORGANISATIONS), {"scope": scope + "%"}).all())


def devices(session: Session, scope: str, surveyor_id: int = 0) -> list[Any]:
    """Devices below `scope` with what was refused of them today."""
    return list(session.execute(text(DEVICES), {"scope": scope + "%", "surveyor_id": surveyor_id}).all())
