"""What a played day comes to: promises kept, waiting, driving, fairness, and why those who waited longest waited.

Every figure here is simulated. Times are minutes from the report unless the name says otherwise.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from claims.states import TaskState
from lab.bound import Bound
from lab.cast import Case
from lab.simulate import Sim

Floats = NDArray[np.float64]
CONTACT_MIN, ARRIVE_MIN = 10.0, 30.0
# In the order of the work; the longest of them is the reason shown.
REASONS = ("nobody_free", "silent_phone", "unreached_phone", "declined", "behind_another_job", "long_drive")
NEVER = float("inf")


@dataclass(frozen=True)
class Figures:
    """One policy on one day. `contact_kept`, `arrive_kept`: shares of all claims, those never served included."""

    policy: str
    seed: int
    claims: int
    served: int
    contact_kept: float
    arrive_kept: float
    arrive_mean: float
    arrive_p50: float
    arrive_p90: float
    arrive_p99: float
    contact_p50: float
    contact_p99: float
    asked_per_claim: float
    drive_mean: float
    km_per_claim: float
    jobs_spread: float  # coefficient of variation of jobs per hour on duty
    gini: float
    switches: int
    bound_mean: float | None = None
    moves_per_claim: float = 0.0
    moved_km_per_claim: float = 0.0  # on top of km_per_claim

    def row(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Waited:
    """A claim that waited long: the hour of the day (past 24: the days after), minutes to arrival (None: never), its parts,
    and the longest of them as the reason."""

    no: int
    at_h: float
    cause: str
    arrive_min: float | None
    reason: str
    parts_min: Mapping[str, float]
    report_no: str = ""


@dataclass(frozen=True)
class Estimate:
    """A mean over days with its 95 % interval (Student's t); no interval from fewer than three days."""

    mean: float
    low: float
    high: float


def figures(sim: Sim, bound: Bound | None = None) -> Figures:
    """The figures of a played day."""
    contact, arrive = minutes(sim, "contacted_s"), minutes(sim, "arrived_s")
    served = np.isfinite(arrive)
    cases = sim.cases
    drives = [_gap(case.departed_s, case.arrived_s) for case in cases if case.arrived_s is not None]
    rates = job_rates(sim)
    return Figures(
        policy=sim.policy.name,
        seed=sim.day.seed,
        claims=len(cases),
        served=int(served.sum()),
        contact_kept=_share(contact <= CONTACT_MIN),
        arrive_kept=_share(arrive <= ARRIVE_MIN),
        arrive_mean=_mean(np.minimum(arrive, _horizon(sim))),
        arrive_p50=_at(arrive, 50),
        arrive_p90=_at(arrive, 90),
        arrive_p99=_at(arrive, 99),
        contact_p50=_at(contact, 50),
        contact_p99=_at(contact, 99),
        asked_per_claim=sum(len(case.asked) for case in cases) / max(1, len(cases)),
        drive_mean=float(np.mean(drives)) / 60 if drives else 0.0,
        km_per_claim=sum(mate.driven_m for mate in sim.mates) / 1_000 / max(1, int(served.sum())),
        jobs_spread=float(rates.std() / rates.mean()) if len(rates) and rates.mean() > 0 else 0.0,
        gini=gini(rates),
        switches=sum(case.switches for case in cases),
        bound_mean=None if bound is None else bound.mean_s / 60,
        moves_per_claim=sum(mate.moves for mate in sim.mates) / max(1, len(cases)),
        moved_km_per_claim=sum(mate.moved_m for mate in sim.mates) / 1_000 / max(1, int(served.sum())),
    )


def minutes(sim: Sim, what: str) -> Floats:
    """Minutes from each report to an event of its claim; infinite when it never came."""
    found = [(getattr(case, what), case.loss.at_s) for case in sim.cases]
    return np.array([NEVER if at is None else (at - start) / 60 for at, start in found], dtype=np.float64)


def job_rates(sim: Sim) -> Floats:
    """Jobs done per hour on duty, of everybody who had at least an hour."""
    end = max(sim.now, 1.0)
    found = []
    for mate in sim.mates:
        hours = sum(max(0.0, min(stop, end) - start) for start, stop in mate.person.shifts) / 3_600
        if hours >= 1:
            found.append(mate.done / hours)
    return np.array(found, dtype=np.float64)


def gini(values: Floats) -> float:
    """0: all the same; towards 1: one does everything."""
    if not len(values) or values.sum() <= 0:
        return 0.0
    ordered = np.sort(values)
    rank = np.arange(1, len(ordered) + 1)
    return float((2 * rank - len(ordered) - 1) @ ordered / (len(ordered) * ordered.sum()))


def waited_longest(sim: Sim, limit: int = 20) -> list[Waited]:
    """The claims that waited longest, and why."""
    arrive = minutes(sim, "arrived_s")
    order = np.argsort(-np.where(np.isfinite(arrive), arrive, 1e9), kind="stable")[:limit]
    return [_waited(sim, sim.cases[int(i)]) for i in order]


def reasons(sim: Sim, over_min: float = ARRIVE_MIN) -> Counter[str]:
    """For the claims later than a limit: how many for each reason."""
    late = np.flatnonzero(minutes(sim, "arrived_s") > over_min)
    return Counter(_waited(sim, sim.cases[int(i)]).reason for i in late)


def _waited(sim: Sim, case: Case) -> Waited:
    parts = parts_min(sim, case)
    arrive = None if case.arrived_s is None else (case.arrived_s - case.loss.at_s) / 60
    reason = max(REASONS, key=lambda name: parts[name])
    return Waited(
        case.loss.no, sim.day.start_hour + case.loss.at_s / 3_600, case.loss.cause, arrive, reason, parts
    )


def parts_min(sim: Sim, case: Case) -> dict[str, float]:
    """Where a claim's time went: nobody to ask, asked in vain, in the queue of who took it, on the road."""
    end = sim.now if case.accepted_s is None else case.accepted_s
    vain = {"expired": 0.0, "unreached": 0.0, "declined": 0.0}
    # Broadcasts overlap: their time is no chain of questions, and counts as nobody free.
    chain = [asked for asked in case.asked if asked.until_s < NEVER]
    for asked in chain:
        if asked.outcome in vain:
            vain[asked.outcome] += asked.settled_s - asked.at_s
    answering = sum(asked.settled_s - asked.at_s for asked in chain if asked.outcome == "accepted")
    free_s = max(0.0, end - case.loss.at_s - sum(vain.values()) - answering)
    return {
        "nobody_free": free_s / 60,
        "silent_phone": vain["expired"] / 60,
        "unreached_phone": vain["unreached"] / 60,
        "declined": vain["declined"] / 60,
        "behind_another_job": _gap(case.accepted_s, case.departed_s) / 60,
        "long_drive": _gap(case.departed_s, case.arrived_s) / 60,
    }


def states(sim: Sim) -> Counter[str]:
    """In which state each claim ended: each in exactly one."""
    return Counter(str(case.state) for case in sim.cases)


def ended(sim: Sim) -> bool:
    """Whether every claim was surveyed."""
    return all(case.state == TaskState.SUBMITTED for case in sim.cases)


def estimate(values: Sequence[float]) -> Estimate:
    """A mean with its interval."""
    data = np.array(values, dtype=np.float64)
    mean = float(data.mean())
    if len(data) < 3 or not np.isfinite(mean):
        return Estimate(mean, mean, mean)
    half = float(stats.t.ppf(0.975, len(data) - 1)) * float(data.std(ddof=1)) / len(data) ** 0.5
    return Estimate(mean, mean - half, mean + half)


def _horizon(sim: Sim) -> float:
    """What a claim nobody ever reached counts as: the time until the day was broken off."""
    last = max((case.loss.at_s for case in sim.cases), default=0.0)
    return max(0.0, sim.now - last) / 60 + ARRIVE_MIN


def _gap(start: float | None, end: float | None) -> float:
    return 0.0 if start is None or end is None else end - start


def _share(hits: NDArray[np.bool_]) -> float:
    return float(hits.mean()) if len(hits) else 1.0


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else 0.0


def _at(values: Floats, percent: float) -> float:
    """A percentile; infinite when the claim at that place was never served."""
    return float(np.percentile(values, percent, method="higher")) if len(values) else 0.0
