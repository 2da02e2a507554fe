"""The list of claims and the search in it: a few pages read, however many claims there are."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from claims.models import WRITTEN


@dataclass(frozen=True)
class Wanted:
    """What a list of claims is narrowed by."""

    scope: str
    state: str | None = None
    area_id: int | None = None
    q: str = ""
    breached: bool | None = None
    after: int = 0
    limit: int = 50


# How many of the newest claims are looked through before an index is asked: what many claims have in common, a branch or a
# word, fills its page from them, and a list of all that have it would be the whole table. Of what is rarer, an index knows
# all in no time, while a walk back through the claims would only end at the first one there ever was.
LOOKED_THROUGH = 5_000
TRIGRAM = 3  # letters; a shorter word has no index: the claims are read

LIST = """
SELECT c.id, c.report_no, c.line, c.state, c.reported_at, c.place_text, a.name AS area, c.reporter_name,
       c.reporter_phone, c.marks, t.id AS task_id, t.state AS task_state, p.id AS surveyor_id, p.name AS surveyor_name,
       (SELECT i.plate FROM claim_item AS i WHERE i.claim_id = c.id AND i.plate IS NOT NULL ORDER BY i.id LIMIT 1) AS plate
  FROM {among} AS c
  JOIN organisation AS o ON o.id = c.org_id
  LEFT JOIN area AS a ON a.id = c.area_id
  LEFT JOIN LATERAL (SELECT t.id, t.state FROM task AS t WHERE t.claim_id = c.id
                      ORDER BY t.state IN ('approved', 'cancelled'), t.id DESC LIMIT 1) AS t ON true
  LEFT JOIN LATERAL (SELECT s.surveyor_id FROM assignment AS s
                      WHERE s.task_id = t.id AND (s.ended_at IS NULL OR s.end_reason = 'done')
                      ORDER BY s.ended_at IS NULL DESC, s.id DESC LIMIT 1) AS s ON true
  LEFT JOIN person AS p ON p.id = s.surveyor_id
 WHERE (o.path LIKE :scope OR EXISTS (SELECT FROM organisation AS n WHERE n.id = c.insurer_id AND n.path LIKE :scope))
   {only}
 ORDER BY c.id DESC
 LIMIT :limit
"""
HOLDS_IT = " OR ".join(f"c.{name} ILIKE :like" for name in WRITTEN)
ON_ITEMS = "SELECT i.claim_id FROM claim_item AS i WHERE i.plate_key LIKE upper(:like)"
NEWEST = "(SELECT * FROM claim AS c WHERE :after = 0 OR c.id < :after ORDER BY c.id DESC LIMIT :newest)"
HOLDS = f" AND ({HOLDS_IT} OR EXISTS ({ON_ITEMS} AND i.claim_id = c.id))"
# Each branch along its own index of trigrams; one OR over both tables would read all of both.
FOUND = f" AND c.id IN (SELECT c.id FROM claim AS c WHERE {HOLDS_IT} UNION ALL {ON_ITEMS})"  # noqa: S608  our own words
BROKEN = "EXISTS (SELECT FROM clock AS k WHERE k.claim_id = c.id AND k.breached_at IS NOT NULL)"
OURS = "SELECT array_agg(id) FILTER (WHERE path LIKE :scope) AS orgs, bool_and(path LIKE :scope) AS all FROM organisation"
# The branches by their ids: of these the planner knows how many claims they have. OFFSET 0: put in order when they are
# found, not looked for in that order.
OF_BRANCHES = """(
  SELECT * FROM claim AS c WHERE (c.org_id = ANY(:orgs) OR c.insurer_id = ANY(:orgs)) {only}
  OFFSET 0)"""


def claims(session: Session, wanted: Wanted) -> list[Any]:
    """Claims below a scope, newest first."""
    escaped = wanted.q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    args: dict[str, Any] = {
        "scope": wanted.scope + "%", "after": wanted.after, "like": f"%{escaped}%", "limit": wanted.limit,
        "newest": LOOKED_THROUGH,
    }  # fmt: skip
    conditions = ["AND c.id < :after"] if wanted.after else []
    for name, value in (("state", wanted.state), ("area_id", wanted.area_id)):
        if value is not None:
            conditions.append(f"AND c.{name} = :{name}")
            args[name] = value
    if wanted.breached is not None:
        conditions.append(f"AND {BROKEN}" if wanted.breached else f"AND NOT {BROKEN}")
    only = " ".join(conditions)

    def ask(among: str, only: str) -> list[Any]:
        return list(session.execute(text(LIST.format(among=among, only=only)), args).all())

    found = ask(NEWEST, only + HOLDS if wanted.q else only)
    if len(found) == wanted.limit:
        return found
    if wanted.q:
        only += FOUND if len(wanted.q) >= TRIGRAM else HOLDS
    ours = session.execute(text(OURS), args).one()
    if ours.all:
        return ask("claim", only)
    args["orgs"] = ours.orgs or []
    return ask(OF_BRANCHES.format(only=only), "")
