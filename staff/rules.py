"""Settings of an organisation: the nearest ancestor that has one wins, else the default in code."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from core import audit
from core.errors import Invalid
from staff.models import Rule

NEAREST = """
SELECT r.key, r.value, r.version
  FROM organisation AS o
  JOIN organisation AS a ON o.path LIKE a.path || '%'
  JOIN rule AS r ON r.org_id = a.id AND r.key = ANY(:keys)
 WHERE o.id = :org_id
 ORDER BY length(a.path)
"""


@dataclass(frozen=True)
class Known:
    """A setting that exists: its default, bounds and titles. `kind`: int, bool, choice, text."""

    key: str
    default: Any
    kind: str
    zh: str
    en: str
    least: int | None = None
    most: int | None = None
    choices: tuple[str, ...] = ()
    unit: str = ""


def fit(rule: Known, value: Any) -> Any:
    """The value when it is of the rule's kind and within its bounds. Raises Invalid naming `value` and what would do."""
    if rule.kind == "bool":
        if not isinstance(value, bool):
            raise Invalid.field("value", "true or false")
        return value
    if rule.kind == "int":
        if isinstance(value, bool) or not isinstance(value, int):
            raise Invalid.field("value", "a whole number")
        return _within(rule, value, value)
    if not isinstance(value, str):
        raise Invalid.field("value", "a text")
    if rule.kind == "choice":
        if value not in rule.choices:
            raise Invalid.field("value", "one of " + ", ".join(rule.choices))
        return value
    return _within(rule, len(value), value)


def _within(rule: Known, size: int, value: Any) -> Any:
    least, most = rule.least, rule.most
    if (least is not None and size < least) or (most is not None and size > most):
        what = "characters" if rule.kind == "text" else rule.unit
        raise Invalid.field("value", f"from {least} to {most} {what}".rstrip())
    return value


def values(session: Session, org_id: int, defaults: dict[str, Any]) -> dict[str, Any]:
    """The values of several keys for one organisation in one query."""
    rows = session.execute(text(NEAREST), {"org_id": org_id, "keys": list(defaults)}).all()
    # Rows come from the root down, so a nearer organisation overwrites a farther one.
    return defaults | {row.key: row.value for row in rows}


def value(session: Session, org_id: int, key: str, default: Any) -> Any:
    """The value of one key for one organisation."""
    return values(session, org_id, {key: default})[key]


def change(session: Session, org_id: int, key: str, new: Any, *, by: int) -> Rule:
    """Sets a rule and writes the audit entry. Callers have checked `new` against the key's `Known`."""
    rule = session.query(Rule).filter_by(org_id=org_id, key=key).with_for_update().one_or_none()
    if rule is None:
        rule = Rule(org_id=org_id, key=key, value=new, changed_by=by)
        session.add(rule)
        old = None
    else:
        old, rule.value, rule.changed_by, rule.version = rule.value, new, by, rule.version + 1
    session.flush()
    audit.append(session, by, "rule.changed", "organisation", org_id, key=key, old=old, new=new)
    return rule


ORIGINS = """
SELECT DISTINCT ON (r.key) r.key, r.value, r.version, r.changed_at, r.changed_by, a.id AS org_id, a.name AS org_name
  FROM organisation AS o
  JOIN organisation AS a ON o.path LIKE a.path || '%'
  JOIN rule AS r ON r.org_id = a.id AND r.key = ANY(:keys)
 WHERE o.id = :org_id
 ORDER BY r.key, length(a.path) DESC
"""


def origins(session: Session, org_id: int, keys: list[str]) -> dict[str, Any]:
    """For each key somebody set: the value that counts for the organisation, who set it and where."""
    rows = session.execute(text(ORIGINS), {"org_id": org_id, "keys": keys})
    return {row.key: row for row in rows}


def clear(session: Session, org_id: int, key: str, *, by: int) -> bool:
    """Takes an organisation's own value away and writes the audit entry; returns whether there was one."""
    rule = session.query(Rule).filter_by(org_id=org_id, key=key).with_for_update().one_or_none()
    if rule is None:
        return False
    session.delete(rule)
    session.flush()
    audit.append(session, by, "rule.cleared", "organisation", org_id, key=key, old=rule.value)
    return True
