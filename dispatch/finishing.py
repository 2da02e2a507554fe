"""When and where somebody will be done with what he has in hand: a busy man near the end beats a free one far away. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import erfc, exp, log, sqrt
from typing import Literal

from geo.fix import LonLat, metres_between

# However long he has been there: he is not gone before he has packed up.
LEAST_LEFT_S = 120.0
# Who is two hours past his own word is not done in two minutes: of the overrun at least so much is still to come.
OVERRUN_SHARE = 0.1
# How far surveys of one kind differ: standard deviation of the logarithm of their length.
SPREAD = 0.35
# An agreed time beyond this is a gap in which another job fits.
FAR_APPOINTMENT_S = 7_200.0

Seconds = Mapping[str, float]
# Whose figure says when somebody is free: his own, what surveys of the kind usually take, or both for several jobs.
Figure = Literal["own", "usual", "mixed"]


@dataclass(frozen=True, slots=True)
class Trust:
    """What people's own word is worth: they take `takes` times what they say (median), `spread` apart.

    `spread` is the standard deviation of the logarithm. The defaults stand until enough words were seen to come true
    (learning.py). They are careful: people underrate what is left of their own work (the planning fallacy; Buehler, Griffin
    and Ross, 1994), and who is believed to be free too soon keeps a customer waiting, who is believed so too late does not.
    """

    takes: float = 1.15
    spread: float = 0.30

    @property
    def mean(self) -> float:
        """The mean of what people take by what they say: that of a lognormal."""
        return self.takes * exp(self.spread**2 / 2)


CAREFUL = Trust()


@dataclass(frozen=True, slots=True)
class Said:
    """His own word on a job: that it would be done `for_s` after he said so, which was `ago_s` ago."""

    for_s: float
    ago_s: float

    def left_s(self, trust: Trust) -> float:
        """What is left by his word, seconds from now: E[T - ago | T > ago] of a T that spreads around what he said.

        His word ages as an estimate by kind does: before its end it counts down; overrun, what is left does not fall to nothing
        but grows again with the overrun (who is late on his own word will be later yet). Never below LEAST_LEFT_S.
        """
        left = left_s(max(LEAST_LEFT_S, self.for_s) * trust.mean, max(0.0, self.ago_s), trust.spread)
        return max(LEAST_LEFT_S, OVERRUN_SHARE * (self.ago_s - self.for_s), left)


@dataclass(frozen=True, slots=True)
class InHand:
    """A job somebody holds and has not handed in. `…_ago_s`: seconds since, None: not yet. `eta_s`: the drive foreseen."""

    line: str
    place: LonLat | None
    accepted_ago_s: float
    departed_ago_s: float | None = None
    arrived_ago_s: float | None = None
    eta_s: float | None = None
    appointment_in_s: float | None = None
    said: Said | None = None


@dataclass(frozen=True, slots=True)
class Free:
    """From when on and where somebody is free, and by whose figure; `at` None: where he is now."""

    in_s: float
    at: LonLat | None
    by: Figure = "usual"


def free(
    jobs: Sequence[InHand],
    here: LonLat,
    service_s: Seconds,
    default_s: float,
    speed_mps: float,
    trust: Trust = CAREFUL,
) -> Free:
    """Walks through the jobs in the order he will do them: what he is at, then as he took them.

    `service_s`: usual seconds on scene by line, `default_s` for a line without history. Where he has said himself when he
    will be done, his word replaces that (`trust`: as far as such words come true); not even his word ends a job before he
    has driven there. Drives between the jobs are straight-line ones at `speed_mps`: it is an order of magnitude, the drive
    to the new job is not.
    """
    at, clock_s = here, 0.0
    words: set[bool] = set()
    for job in sorted(
        jobs, key=lambda j: (j.arrived_ago_s is None, j.departed_ago_s is None, -j.accepted_ago_s)
    ):
        if (
            job.appointment_in_s is not None
            and job.arrived_ago_s is None
            and job.appointment_in_s > FAR_APPOINTMENT_S
        ):
            continue
        words.add(job.said is not None)
        clock_s = _done_s(job, at, clock_s, service_s.get(job.line, default_s), speed_mps, trust)
        at = job.place or at
    by: Figure = "usual" if True not in words else "own" if words == {True} else "mixed"
    return Free(clock_s, None if at is here else at, by)


def _done_s(job: InHand, at: LonLat, clock_s: float, work_s: float, speed_mps: float, trust: Trust) -> float:
    """Seconds until a job is done by somebody who turns to it in `clock_s` from `at`."""
    if job.arrived_ago_s is not None:
        if job.said is not None:
            return max(clock_s + LEAST_LEFT_S, job.said.left_s(trust))
        return clock_s + (left_s(work_s, job.arrived_ago_s) if work_s else 0.0)
    there_s = max(clock_s + _drive_s(job, at, clock_s, speed_mps), job.appointment_in_s or 0.0)
    if job.said is not None:
        return max(there_s + LEAST_LEFT_S, job.said.left_s(trust))
    return there_s + work_s


def left_s(mean_s: float, elapsed_s: float, spread: float = SPREAD) -> float:
    """What is left on average of a lognormal time of which so much has passed: E[T - t | T > t], seconds.

    `spread` is the standard deviation of the logarithm. Who is half an hour into a usual half hour is not done at once:
    to believe so made every busy man look free, and cost a tenth of the time to arrive (lab, 80 % load).
    """
    if elapsed_s < 1.0:
        return mean_s
    begin = (log(elapsed_s) - log(mean_s)) / spread + spread / 2
    later = _above(begin)
    if later < 1e-9:
        # So far out the quotient drowns in rounding; what it tends to there is t·σ² ÷ (ln t - μ).
        return max(LEAST_LEFT_S, elapsed_s * spread / begin)
    return max(LEAST_LEFT_S, mean_s * _above(begin - spread) / later - elapsed_s)


def _above(z: float) -> float:
    """The chance that a standard normal value is larger."""
    return erfc(z / sqrt(2)) / 2


def _drive_s(job: InHand, at: LonLat, clock_s: float, speed_mps: float) -> float:
    # What was foreseen for the one he is driving to now counts down; for the others, the way from where he will be.
    if clock_s == 0.0 and job.eta_s is not None and job.departed_ago_s is not None:
        return max(LEAST_LEFT_S, job.eta_s - job.departed_ago_s)
    return metres_between(at, job.place) / speed_mps if job.place is not None else job.eta_s or 0.0


def arrival_s(
    jobs: Sequence[InHand],
    which: int,
    here: LonLat,
    service_s: Seconds,
    default_s: float,
    speed_mps: float,
    trust: Trust = CAREFUL,
) -> tuple[float, LonLat]:
    """Seconds until he sets out for jobs[which], and from where: what he does before it, by the same order."""
    target = jobs[which]
    before = [
        j for j in jobs
        if j is not target and (
            j.arrived_ago_s is not None
            or (target.departed_ago_s is None and (j.departed_ago_s is not None or j.accepted_ago_s > target.accepted_ago_s))
        )
    ]  # fmt: skip
    done = free(before, here, service_s, default_s, speed_mps, trust)
    return done.in_s, done.at or here
