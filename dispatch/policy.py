"""The rules of dispatch: known settings, the rings that widen, and who comes first among the able."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from geo import eta
from staff import rules
from staff.rules import Known

KNOWN: dict[str, Known] = {
    k.key: k
    for k in (
        Known("offer_ttl_s", 90, "int", "接单时限", "An offer expires after", 10, 900, unit="s"),
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
    rounds_max: int
    stale_s: int
    rings_km: tuple[int, int, int]
    busy_job_s: int
    arrive_within_m: int
    dwell_m: int
    dwell_s: int
    speed_kmh: float
    winding: float

    @classmethod
    def of(cls, value: dict[str, Any]) -> "Policy":
        """From rules by key."""
        return cls(
            offer_ttl=timedelta(seconds=int(value["offer_ttl_s"])),
            rounds_max=int(value["offer_rounds_max"]),
            stale_s=int(value["stale_offer_s"]),
            rings_km=(int(value["radius_1_km"]), int(value["radius_2_km"]), int(value["radius_3_km"])),
            busy_job_s=int(value["busy_job_min"]) * 60,
            arrive_within_m=int(value["arrive_within_m"]),
            dwell_m=int(value["arrive_dwell_m"]),
            dwell_s=int(value["arrive_dwell_s"]),
            speed_kmh=float(value["eta_speed_kmh"]),
            winding=int(value["eta_winding_pct"]) / 100,
        )


def read(session: Session, org_id: int) -> Policy:
    """The policy of an organisation, in one query."""
    return Policy.of(rules.values(session, org_id, DEFAULTS))


def parent_of(path: str) -> str:
    """The parent's path: the root is its own parent."""
    upper = path.rstrip("/").rpartition("/")[0] + "/"
    return path if upper == "/" else upper


def rings(policy: Policy, path: str) -> tuple[Ring, ...]:
    """Own people near by first; then farther, where the parent's other people count as much as one's own."""
    first, *wider = sorted(policy.rings_km)
    return (Ring(first * 1000, path), *(Ring(km * 1000, parent_of(path)) for km in wider))


def soonest(drive_s: int, open_jobs: int, busy_job_s: int) -> int:
    """Seconds until somebody could be there: what he has in hand, then the drive."""
    return open_jobs * busy_job_s + drive_s


def first_among(ranked: Sequence[tuple[int, int, int]]) -> list[int]:
    """The order of asking, as indexes, for (soonest_s, idle_since_s, id): soonest first; of equals the longest idle.

    Without the second key the man next to the depot is always asked and the one beside him never (S-22).
    """
    return sorted(
        range(len(ranked)), key=lambda i: (ranked[i][0] // TIE_S, -ranked[i][1], ranked[i][0], ranked[i][2])
    )
