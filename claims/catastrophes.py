"""Which catastrophe 大灾 is in force over a place, and the limits it brings: for new claims only (S-18).

A claim is stamped with the catastrophe it is reported in and keeps its limits for good, also for the clocks that start
later and after the catastrophe is over. A claim reported before keeps its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from claims import limits
from claims.models import Catastrophe, Claim
from staff.rules import Known

KNOWN: dict[str, Known] = {
    k.key: k
    for k in (
        Known("cat_contact_limit_min", 30, "int", "大灾首次联系时限", "First contact limit in a catastrophe", 1, 720,
              unit="min"),
        Known("cat_arrive_limit_min", 0, "int", "大灾到达时限（0=按约定）", "Arrival limit in a catastrophe (0 = as agreed)",
              0, 2880, unit="min"),
        Known("cat_dispatch_limit_min", 15, "int", "大灾派工时限", "Dispatch limit in a catastrophe", 1, 720, unit="min"),
        Known("cat_max_open", 15, "int", "大灾在手案件上限", "Open jobs a surveyor in a catastrophe", 1, 60),
        Known("cat_offer_rounds", 6, "int", "大灾自动派单次数", "Offers before the dispatcher's queue in a catastrophe", 1, 20),
        Known("cat_bundle_radius_m", 800, "int", "大灾并案查勘距离", "Losses visited together lie within", 50, 10_000, unit="m"),
        Known("cat_bundle_most", 6, "int", "大灾并案查勘上限", "Losses visited together at most", 1, 20),
        Known("cat_propose_times", 5, "int", "大灾建议启动倍数", "A catastrophe is proposed at so many times the normal hour",
              2, 50, unit="×"),
        Known("cat_propose_floor", 4, "int", "大灾建议：平时每小时至少按", "Fewest reports taken as a normal hour", 1, 1000),
        Known("cat_confirm_min", 10, "int", "大灾申请等待复核", "A request waits for the second person", 1, 120, unit="min"),
    )
}  # fmt: skip
DEFAULTS: dict[str, Any] = {key: known.default for key, known in KNOWN.items()}

# The same hour in so many weeks back says what is normal now: fewer and one storm would be the rule itself.
WEEKS = 8
HOUR = timedelta(hours=1)

_FORCE = """
SELECT k.id, k.name, k.state, k.area_id, k.rule, k.max_open, o.path,
       ARRAY(SELECT b.path FROM organisation AS b WHERE b.id = ANY(k.borrowed) ORDER BY b.path) AS borrowed
  FROM catastrophe AS k
  JOIN organisation AS o ON o.id = k.org_id
"""
# The narrowest first: an area's before its organisation's, a branch's before the head office's.
_NARROWEST = " ORDER BY k.area_id IS NULL, length(o.path) DESC LIMIT 1"

OVER = f"""
{_FORCE}
 WHERE k.state IN ('on', 'released') AND :path LIKE o.path || '%'
   AND (k.area_id IS NULL OR k.area_id = :area_id)
{_NARROWEST}
"""

OVER_TASKS = """
WITH in_force AS (FORCE WHERE k.state IN ('on', 'released'))
SELECT DISTINCT ON (t.id) t.id AS task_id, k.*
  FROM in_force AS k
  JOIN organisation AS h ON h.path LIKE k.path || '%'
  JOIN task AS t ON t.org_id = h.id AND t.id = ANY(:ids)
  JOIN claim AS c ON c.id = t.claim_id
 WHERE k.area_id IS NULL OR k.area_id = c.area_id
 ORDER BY t.id, k.area_id IS NULL, length(k.path) DESC
""".replace("FORCE", _FORCE)

OVER_TASK = f"""
{_FORCE}
  JOIN task AS t ON t.id = :task_id
  JOIN claim AS c ON c.id = t.claim_id
  JOIN organisation AS h ON h.id = t.org_id AND h.path LIKE o.path || '%'
 WHERE k.state IN ('on', 'released') AND (k.area_id IS NULL OR k.area_id = c.area_id)
{_NARROWEST}
"""


@dataclass(frozen=True)
class Force:
    """A catastrophe in force over a place. `borrowed` are the paths of the organisations whose people help."""

    id: int
    name: str
    path: str
    area_id: int | None
    rule: dict[str, Any] = field(default_factory=dict)
    max_open: int = 0
    borrowed: tuple[str, ...] = ()
    contact_limit_min: int = 0


def limits_in(normal: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings a catastrophe brings, by the keys they replace. Only ever longer than `normal`, never stricter.

    `normal` are the organisation's own clock rules, `given` the values of KNOWN. The two warnings keep their share of
    the contact limit; the branch head is told at twice the limit, as in normal times.
    """
    contact = max(int(normal["contact_limit_min"]), int(given["cat_contact_limit_min"]))
    rule = {
        "contact_limit_min": contact,
        "contact_warn_1_min": round(contact * 0.6),
        "contact_warn_2_min": round(contact * 0.8),
        "contact_branch_head_min": max(int(normal["contact_branch_head_min"]), 2 * contact),
        "dispatch_limit_min": max(int(normal["dispatch_limit_min"]), int(given["cat_dispatch_limit_min"])),
        "offer_rounds_max": int(given["cat_offer_rounds"]),
    }
    for kind in ("urban", "suburb", "remote"):
        key = f"arrive_limit_{kind}_min"
        rule[key] = later(int(normal[key]), int(given["cat_arrive_limit_min"]))
    return rule


def later(a_min: int, b_min: int) -> int:
    """The longer of two arrival limits in minutes, where 0 means as agreed with the customer."""
    return 0 if 0 in (a_min, b_min) else max(a_min, b_min)


def normal_hour(counts: list[int], floor: int) -> int:
    """Reports of a normal hour: the median of the same hour in earlier weeks, never below `floor`.

    The median, because a storm eight weeks ago must not raise what is normal. Weeks without history count as none.
    """
    return max(floor, round(median(counts)) if counts else 0)


def surging(seen: int, normal: int, times: int) -> bool:
    """Whether the last hour's reports call for a proposal: at least `times` the normal hour."""
    return seen >= times * normal


def same_hours(now: datetime) -> list[datetime]:
    """The starts of the last hour's twins: one, two, … weeks ago."""
    return [now - HOUR - timedelta(weeks=week) for week in range(1, WEEKS + 1)]


def _force(row: Any) -> Force:
    return Force(
        id=row.id,
        name=row.name,
        path=row.path,
        area_id=row.area_id,
        rule=dict(row.rule),
        max_open=row.max_open,
        borrowed=tuple(row.borrowed or ()) if row.state == "on" else (),
        contact_limit_min=int(row.rule["contact_limit_min"]),
    )


def in_force(session: Session, org_path: str, area_id: int | None) -> Force | None:
    """The catastrophe over an organisation's place, the narrowest when several are; None in normal times."""
    row = session.execute(text(OVER), {"path": org_path, "area_id": area_id}).one_or_none()
    return None if row is None else _force(row)


def over_task(session: Session, task_id: int) -> Force | None:
    """The catastrophe over the place of a job now, whenever it was reported: whose people may help."""
    row = session.execute(text(OVER_TASK), {"task_id": task_id}).one_or_none()
    return None if row is None else _force(row)


def over_tasks(session: Session, task_ids: list[int]) -> dict[int, Force]:
    """The same for many jobs in one query; jobs in normal times are missing."""
    rows = session.execute(text(OVER_TASKS), {"ids": task_ids})
    return {row.task_id: _force(row) for row in rows}


def of_claim(session: Session, catastrophe_id: int | None) -> dict[str, Any]:
    """The settings that stand instead of the organisation's own for a claim reported in a catastrophe; else none."""
    return {} if catastrophe_id is None else dict(session.get_one(Catastrophe, catastrophe_id).rule)


def limits_of(session: Session, claim: Claim) -> dict[str, Any]:
    """The clock rules of a claim: its organisation's, overlaid by those of the catastrophe it was reported in."""
    return limits.read(session, claim.org_id) | of_claim(session, claim.catastrophe_id)
