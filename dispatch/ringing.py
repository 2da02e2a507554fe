"""Which events make whose phone look again: a ring names a kind of thing and an id, never what happened to it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from core.bell import Ring
from core.models import Outbox

# By the first word of an event: what is to be looked at, and which id of the event names it.
KINDS: Mapping[str, tuple[str, str]] = {
    "offer": ("offer", "offer_id"),
    "task": ("job", "task_id"),
    "assignment": ("job", "task_id"),
    "claim": ("job", "claim_id"),
    "photo": ("photo", "photo_id"),
    "surveyor": ("shift", "surveyor_id"),
    "move_up": ("move", "move_id"),
    "catastrophe": ("catastrophe", "catastrophe_id"),
}
# His own phone just sent it, and nothing is known of it yet; or just fetched it.
OWN = frozenset({"photo.stored", "offer.delivered"})

# Who holds a job of these claims, or is asked for one now.
CONCERNED = """
SELECT t.claim_id, a.surveyor_id FROM task AS t JOIN assignment AS a ON a.task_id = t.id AND a.ended_at IS NULL
 WHERE t.claim_id = ANY(:ids)
 UNION
SELECT t.claim_id, o.surveyor_id FROM task AS t JOIN offer AS o ON o.task_id = t.id AND o.state = 'open'
 WHERE t.claim_id = ANY(:ids)
"""

# A catastrophe shows on the phones of its organisation's people, wherever in its tree they are.
BELOW = """
SELECT r.id AS org_id, s.id AS surveyor_id
  FROM organisation AS r
  JOIN organisation AS g ON g.path LIKE r.path || '%'
  JOIN surveyor AS s ON s.org_id = g.id AND s.on_duty
 WHERE r.id = ANY(:ids)
"""


def rings(session: Session, events: Sequence[Outbox]) -> list[Ring]:
    """Who is to look again after these events, each once for each thing, in the order of the events."""
    told = [event for event in events if event.event.split(".")[0] in KINDS and event.event not in OWN]
    by_claim = _whose(session, CONCERNED, "claim_id", told)
    by_org = _whose(session, BELOW, "org_id", [e for e in told if e.event.startswith("catastrophe.")])
    found: dict[Ring, None] = {}
    for event in told:
        what, name = KINDS[event.event.split(".")[0]]
        facts: dict[str, Any] = event.payload
        people = {facts["surveyor_id"]} if facts.get("surveyor_id") else set()
        # What happens to a claim concerns whoever has it in hand, also when the event names another.
        people |= by_claim.get(facts.get("claim_id", 0), set())
        if what == "catastrophe":
            people |= by_org.get(facts["org_id"], set())
        found |= dict.fromkeys(Ring(who, what, str(facts.get(name) or "")) for who in sorted(people))
    return list(found)


def _whose(session: Session, query: str, name: str, events: Iterable[Outbox]) -> dict[int, set[int]]:
    """Surveyors by the id that events bear under that name."""
    ids = sorted({event.payload[name] for event in events if event.payload.get(name)})
    found: dict[int, set[int]] = {}
    if ids:
        for ident, surveyor_id in session.execute(text(query), {"ids": ids}):
            found.setdefault(ident, set()).add(surveyor_id)
    return found
