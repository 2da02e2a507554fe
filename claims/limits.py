"""The rules of the clocks: known settings with their defaults (domain notes §4), and what follows from them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from staff import rules
from staff.rules import Known

KNOWN: dict[str, Known] = {
    k.key: k
    for k in (
        Known("dispatch_limit_min", 5, "int", "派工时限", "Dispatch limit", 1, 240, unit="min"),
        Known("contact_limit_min", 10, "int", "首次联系时限", "First contact limit", 1, 240, unit="min"),
        Known("contact_start", "report_end", "choice", "联系时限起算点", "Contact clock starts at",
              choices=("report_end", "assigned", "accepted")),
        Known("contact_warn_1_min", 6, "int", "联系预警一（查勘员）", "First contact warning", 1, 240, unit="min"),
        Known("contact_warn_2_min", 8, "int", "联系预警二（调度）", "Second contact warning", 1, 240, unit="min"),
        Known("contact_branch_head_min", 20, "int", "联系超时上报负责人", "Contact escalates to branch head", 1, 480,
              unit="min"),
        Known("former_contact_counts", False, "bool", "原查勘员联系亦算", "A former assignee's call counts"),
        Known("arrive_start", "report_end", "choice", "到达时限起算点", "Arrival clock starts at",
              choices=("report_end", "assigned", "accepted")),
        Known("arrive_limit_urban_min", 30, "int", "到达时限（城区）", "Arrival limit, urban", 1, 1440, unit="min"),
        Known("arrive_limit_suburb_min", 60, "int", "到达时限（郊县）", "Arrival limit, suburb", 1, 1440, unit="min"),
        Known("arrive_limit_remote_min", 0, "int", "到达时限（偏远，0=按约定）", "Arrival limit, remote (0 = as agreed)",
              0, 2880, unit="min"),
        Known("assist_contact_limit_min", 5, "int", "救援：首次联系时限", "Roadside assistance: first contact limit", 1, 240,
              unit="min"),
        Known("assist_arrive_limit_urban_min", 40, "int", "救援：到达时限（城区）", "Roadside assistance: arrival, urban",
              1, 1440, unit="min"),
        Known("assist_arrive_limit_suburb_min", 60, "int", "救援：到达时限（郊县）", "Roadside assistance: arrival, suburb",
              1, 1440, unit="min"),
        Known("assist_arrive_limit_remote_min", 120, "int", "救援：到达时限（偏远，0=按约定）",
              "Roadside assistance: arrival, remote (0 = as agreed)", 0, 2880, unit="min"),
        Known("nationwide_claims", True, "bool", "通赔：由出险地机构查勘", "Nationwide claims: surveyed where the loss lies"),
        Known("assess_limit_h", 24, "int", "定损时限", "Assessment limit", 1, 720, unit="h"),
        Known("late_report_h", 48, "int", "迟报标记", "Late report mark", 1, 720, unit="h"),
        Known("backdated_after_min", 30, "int", "补录报案阈值", "A report is keyed in late after", 5, 1440, unit="min"),
        Known("duplicate_window_h", 72, "int", "重复报案：时间窗", "Duplicate window", 1, 720, unit="h"),
        Known("duplicate_near_m", 300, "int", "重复报案：距离", "Duplicate distance", 10, 5000, unit="m"),
        Known("duplicate_near_min", 120, "int", "重复报案：同地时间差", "Duplicate time at one place", 5, 2880,
              unit="min"),
    )
}  # fmt: skip

# From this share of its time on a running clock is shown as at risk: six of the ten minutes, the first warning.
AT_RISK = 0.6

# The clocks in the order of the work.
ORDER = {"dispatch": 0, "contact": 1, "arrival": 2, "assessment": 3}

DEFAULTS: dict[str, Any] = {key: known.default for key, known in KNOWN.items()}


@dataclass(frozen=True)
class Rung:
    """A stage of a ladder: how long after the clock's start it is due."""

    stage: str
    after: timedelta


@dataclass(frozen=True)
class Plan:
    """A clock to be: its limit and its ladder. The rung `breach` is always at the limit."""

    kind: str
    limit: timedelta
    rungs: tuple[Rung, ...]


def read(session: Session, org_id: int) -> dict[str, Any]:
    """Every clock rule of an organisation, in one query."""
    return rules.values(session, org_id, DEFAULTS)


def minutes(value: Any) -> timedelta:
    """A setting in minutes as a duration."""
    return timedelta(minutes=int(value))


def _simple(kind: str, limit: timedelta) -> Plan:
    return Plan(kind, limit, (Rung("breach", limit),))


# 非事故救援: a task kind of its own, on the same clocks with its own limits. Nothing is assessed, so no clock runs for it.
ASSIST = "assist"


def of_line(rule: dict[str, Any], line: str) -> dict[str, Any]:
    """The rules as they hold for a line: roadside assistance has its own limits, warned at the same shares of them."""
    if line != ASSIST:
        return rule
    share = int(rule["assist_contact_limit_min"]) / int(rule["contact_limit_min"])
    own = {key.removeprefix("assist_"): value for key, value in rule.items() if key.startswith("assist_")}
    warned = {
        key: max(1, round(int(rule[key]) * share)) for key in ("contact_warn_1_min", "contact_warn_2_min")
    }
    return rule | own | warned


def contact_plan(rule: dict[str, Any]) -> Plan:
    """The ten-minute clock: two warnings below the limit, the breach, then the branch head."""
    limit = minutes(rule["contact_limit_min"])
    rungs = [Rung("breach", limit)]
    for stage in ("warn_1", "warn_2"):
        after = minutes(rule[f"contact_{stage}_min"])
        # A warning at or after the limit would come with the breach and say less.
        if after < limit:
            rungs.append(Rung(stage, after))
    head = minutes(rule["contact_branch_head_min"])
    if head > limit:
        rungs.append(Rung("branch_head", head))
    return Plan("contact", limit, tuple(sorted(rungs, key=lambda rung: rung.after)))


def dispatch_plan(rule: dict[str, Any]) -> Plan:
    """From the report to the first acceptance."""
    return _simple("dispatch", minutes(rule["dispatch_limit_min"]))


def arrival_plan(rule: dict[str, Any], area_kind: str) -> Plan | None:
    """From the report to the scene; None when the area's rule is "as agreed": an appointment starts that clock."""
    limit = minutes(rule[f"arrive_limit_{area_kind}_min"])
    return _simple("arrival", limit) if limit else None


def assessment_plan(rule: dict[str, Any]) -> Plan:
    """From the surveyor's report to the approval."""
    return _simple("assessment", timedelta(hours=int(rule["assess_limit_h"])))


def report_end(reported_at: datetime, call_ended_at: datetime | None, now: datetime) -> datetime:
    """When the customer put the phone down: the strict start of every promise. Never after `now`."""
    return min(max(reported_at, call_ended_at or reported_at), now)


def start_of(ended_at: datetime, now: datetime, backdated_after: timedelta) -> tuple[datetime, str]:
    """Where the clocks of a report start, and the event's name.

    A report keyed in long after the call (paper, an outage of another system) would be born breached on every clock
    and wake everybody at once: its clocks start when we receive it, and the claim is marked `backdated`.
    """
    if now - ended_at > backdated_after:
        return now, "received"
    return ended_at, "report_end"
