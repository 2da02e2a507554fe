"""The rules of dispatch: known settings, the rings that widen, and who comes first among the able."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from claims.models import Task
from dispatch.costs import Weights, parent_of
from dispatch.foresight import Foresight
from geo import eta
from staff import rules
from staff.rules import Known

__all__ = [
    "DECLINE_REASONS",
    "DEFAULTS",
    "KNOWN",
    "Foresight",
    "Policy",
    "Ring",
    "Weights",
    "parent_of",
    "read",
    "rings",
]

KNOWN: dict[str, Known] = {
    k.key: k
    for k in (
        Known("offer_ttl_s", 90, "int", "接单时限", "An offer expires after", 10, 900, unit="s"),
        Known(
            "offer_unseen_s",
            30,
            "int",
            "派单未送达改派（0=不提前）",
            "An offer no phone fetched ends after (0 = never early)",
            0,
            900,
            unit="s",
        ),
        Known("offer_rounds_max", 3, "int", "自动派单次数", "Offers before the dispatcher's queue", 1, 20),
        Known(
            "stale_offer_s",
            120,
            "int",
            "派单所需位置时效",
            "Position no older than, to be asked",
            15,
            3600,
            unit="s",
        ),
        Known(
            "radius_1_km",
            10,
            "int",
            "派单半径一（本机构）",
            "First ring, own organisation",
            1,
            500,
            unit="km",
        ),
        Known(
            "radius_2_km",
            30,
            "int",
            "派单半径二（含上级机构）",
            "Second ring, parent's people too",
            1,
            500,
            unit="km",
        ),
        Known(
            "radius_3_km",
            80,
            "int",
            "派单半径三（含上级机构）",
            "Third ring, parent's people too",
            1,
            1000,
            unit="km",
        ),
        Known("busy_job_min", 20, "int", "在手案件预计剩余", "An open job takes another", 0, 240, unit="min"),
        Known(
            "match_window_ms",
            1000,
            "int",
            "合并派单窗口",
            "Reports matched together within",
            0,
            5000,
            unit="ms",
        ),
        Known(
            "late_weight_pct", 200, "int", "权重：预计超时", "Weight: expected lateness", 0, 1000, unit="%"
        ),
        Known(
            "load_weight_s",
            10,
            "int",
            "权重：今日任务多于平均（每件）",
            "Weight: each job today above the mean",
            0,
            3600,
            unit="s",
        ),
        Known(
            "area_weight_s",
            60,
            "int",
            "权重：非本机构人员",
            "Weight: somebody of another organisation",
            0,
            3600,
            unit="s",
        ),
        Known(
            "hole_weight_pct",
            2,
            "int",
            "权重：留下覆盖空洞",
            "Weight: leaving a hole in coverage",
            0,
            200,
            unit="%",
        ),
        Known("ageing_pct", 50, "int", "权重：已等待时间", "Weight: time already waited", 0, 500, unit="%"),
        Known(
            "idle_weight_s",
            15,
            "int",
            "权重：空闲久者优先（至多）",
            "Weight: longest idle first, at most",
            0,
            600,
            unit="s",
        ),
        Known(
            "rest_between_min",
            0,
            "int",
            "两件任务间休息（0=不限）",
            "Rest between two jobs (0 = no rule)",
            0,
            240,
            unit="min",
        ),
        Known(
            "duty_most_h",
            0,
            "int",
            "连续在岗上限（0=不限）",
            "On duty at most (0 = no rule)",
            0,
            48,
            unit="h",
        ),
        Known(
            "firms_use",
            "overflow",
            "choice",
            "公估机构人员",
            "Outside firms' people",
            choices=("never", "overflow", "always"),
        ),
        Known(
            "foresee_offers",
            True,
            "bool",
            "预见超时：未应答派单自动改派",
            "Foreseen breach: re-offer unanswered jobs",
        ),
        Known(
            "foresee_held",
            "propose",
            "choice",
            "预见超时：已接任务",
            "Foreseen breach: accepted jobs",
            choices=("off", "propose", "auto"),
        ),
        Known(
            "uncontacted_after_s",
            240,
            "int",
            "接单后未联系视为失联",
            "No call after accepting counts as silence",
            60,
            3600,
            unit="s",
        ),
        Known("switch_gain_s", 180, "int", "改派至少提前", "A switch must gain at least", 30, 3600, unit="s"),
        Known(
            "switch_hold_s", 120, "int", "两次改派间隔", "Between two switches of one job", 0, 3600, unit="s"
        ),
        Known("switch_most", 2, "int", "每案自动改派次数上限", "Switches of one job at most", 0, 20),
        Known("arrive_within_m", 300, "int", "到达判定距离", "On scene within", 20, 5000, unit="m"),
        Known("arrive_dwell_m", 200, "int", "停留判定距离", "Dwell radius", 20, 5000, unit="m"),
        Known("arrive_dwell_s", 60, "int", "停留判定时长", "Dwell time", 10, 1800, unit="s"),
    )
}

# The speed and winding of straight-line times are geo's settings; they decide whom we ask, so they are read here too.
DEFAULTS: dict[str, Any] = {key: known.default for key, known in (KNOWN | eta.KNOWN).items()}

# A quarter of a minute is about 80 m of street: no reason to pass over who has waited longer.
TIE_S = 15

DECLINE_REASONS = ("busy", "too_far", "off_road", "unsafe", "other")
# A job that waits because nobody is there goes out by itself when somebody appears; these are those reasons.
SELF_HEALING = ("nobody_on_duty", "nobody_in_reach")


@dataclass(frozen=True)
class Ring:
    """How far to look, and among whose people: the paths of organisations begin with `scope`.

    `also` are the paths of organisations borrowed in a catastrophe.
    """

    radius_m: int
    scope: str
    also: tuple[str, ...] = ()

    def holds(self, org_path: str) -> bool:
        """Whether somebody of that organisation belongs to the ring."""
        return org_path.startswith((self.scope, *self.also))


@dataclass(frozen=True)
class Policy:
    """The settings of one organisation as values to decide by."""

    offer_ttl: timedelta
    unseen: (
        timedelta | None
    )  # an offer no phone has fetched by then is put to the next one; None: no such rule
    rounds_max: int
    stale_s: int
    rings_km: tuple[int, int, int]
    busy_job_s: int
    arrive_within_m: int
    dwell_m: int
    dwell_s: int
    speed_kmh: float
    winding: float
    window_s: float
    weights: Weights
    foresight: Foresight
    # Whether a clock starts when somebody is asked; false where the clocks' rules were not read with these.
    clock_starts_at_asking: bool

    @classmethod
    def of(cls, value: dict[str, Any]) -> "Policy":
        """From rules by key."""
        return cls(
            offer_ttl=timedelta(seconds=int(value["offer_ttl_s"])),
            unseen=_unseen(value),
            rounds_max=int(value["offer_rounds_max"]),
            stale_s=int(value["stale_offer_s"]),
            rings_km=(int(value["radius_1_km"]), int(value["radius_2_km"]), int(value["radius_3_km"])),
            busy_job_s=int(value["busy_job_min"]) * 60,
            arrive_within_m=int(value["arrive_within_m"]),
            dwell_m=int(value["arrive_dwell_m"]),
            dwell_s=int(value["arrive_dwell_s"]),
            speed_kmh=float(value["eta_speed_kmh"]),
            winding=int(value["eta_winding_pct"]) / 100,
            window_s=int(value["match_window_ms"]) / 1000,
            weights=_weights(value),
            foresight=Foresight(
                offers=bool(value["foresee_offers"]),
                held=value["foresee_held"],
                uncontacted_s=float(value["uncontacted_after_s"]),
                gain_s=float(value["switch_gain_s"]),
                hold_s=float(value["switch_hold_s"]),
                most=int(value["switch_most"]),
            ),
            clock_starts_at_asking="assigned" in (value.get("contact_start"), value.get("arrive_start")),
        )

    def used_up(self, asked: int, unreached: int) -> bool:
        """Whether the dispatcher is to take over: after so many questions, or the time they would have taken.

        Of a question nobody could hear only the part of its time that passed counts: else three dead phones would end the
        search after a minute and a half, and a city without a network would be asked for ever.
        """
        share = 1.0 if self.unseen is None else self.unseen / self.offer_ttl
        return asked + unreached * share >= self.rounds_max


def _unseen(value: dict[str, Any]) -> timedelta | None:
    """Not below the time to answer it would end nothing."""
    unseen_s = int(value["offer_unseen_s"])
    return timedelta(seconds=unseen_s) if 0 < unseen_s < int(value["offer_ttl_s"]) else None


def _weights(value: dict[str, Any]) -> Weights:
    first, second, third = sorted(float(value[f"radius_{n}_km"]) * 1000 for n in (1, 2, 3))
    return Weights(
        stale_s=float(value["stale_offer_s"]),
        ring_m=(first, second, third),
        late_share=int(value["late_weight_pct"]) / 100,
        load_s=float(value["load_weight_s"]),
        area_s=float(value["area_weight_s"]),
        hole_share=int(value["hole_weight_pct"]) / 100,
        ageing_share=int(value["ageing_pct"]) / 100,
        idle_s=float(value["idle_weight_s"]),
        offer_ttl_s=float(value["offer_ttl_s"]),
        unseen_s=(_unseen(value) or timedelta(seconds=int(value["offer_ttl_s"]))).total_seconds(),
        rest_s=int(value["rest_between_min"]) * 60.0,
        duty_most_s=int(value["duty_most_h"]) * 3600.0,
        firms=value["firms_use"],
        speed_mps=float(value["eta_speed_kmh"]) / 3.6 / (int(value["eta_winding_pct"]) / 100),
    )


def read(session: Session, org_id: int) -> Policy:
    """The policy of an organisation, in one query."""
    return Policy.of(rules.values(session, org_id, DEFAULTS))


def window_s(session: Session, task_id: int) -> float:
    """How long reports are gathered that come in a crowd, by the rule of a job's organisation."""
    key = "match_window_ms"
    org_id = session.scalar(select(Task.org_id).where(Task.id == task_id))
    value = KNOWN[key].default if org_id is None else rules.value(session, org_id, key, KNOWN[key].default)
    return int(value) / 1000


def rings(policy: Policy, path: str) -> tuple[Ring, ...]:
    """Own people near by first; then farther, where the parent's other people count as much as one's own."""
    first, *wider = sorted(policy.rings_km)
    return (Ring(first * 1000, path), *(Ring(km * 1000, parent_of(path)) for km in wider))


def first_among(ranked: Sequence[tuple[int, int, int]]) -> list[int]:
    """The order of asking, as indexes, for (soonest_s, idle_since_s, id): soonest first; of equals the longest idle.

    Without the second key the man next to the depot is always asked and the one beside him never (S-22).
    """
    return sorted(
        range(len(ranked)), key=lambda i: (ranked[i][0] // TIE_S, -ranked[i][1], ranked[i][0], ranked[i][2])
    )
