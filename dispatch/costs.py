"""What it costs to send somebody, in seconds of customer waiting, and what forbids it. Pure: arrays in, arrays out.

The lab runs exactly this file with a simulated clock, so nothing here knows a database, a setting's key or the time:
every time is given as seconds from now. The arithmetic is on whole windows at once (a window of 500 jobs and 2,000
people is a million pairs): first the bars, which are cheap, then the terms of the pairs that are left.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from geo.fix import LonLat

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Every reason not to ask somebody, the plainest first: the first that holds is the one word shown.
REASONS = (
    "off_duty", "stale", "lacks_skill", "held_before", "declined_before", "silent_before", "unreached_before",
    "has_open_offer", "at_cap", "resting", "over_hours", "firm_not_allowed", "outside_scope", "out_of_radius", "shift_ends",
    "unreachable",
)  # fmt: skip
BIT: Mapping[str, int] = {reason: 1 << place for place, reason in enumerate(REASONS)}

# The parts of a cost, all in seconds, none negative, in the order they are shown.
TERMS = (
    "drive", "in_hand", "late_contact", "late_arrival", "silence", "load", "area", "hole", "idle", "cascade", "again",
)  # fmt: skip

# These three rank before they weigh. A step of the cascade outweighs any drive: neighbours are asked only when own people
# cannot go. Who let this job's offer run out comes after everybody else, neighbours and firms included. And leaving a job
# unserved costs more than any pair: as many as possible are asked in each window.
CASCADE_S = 1_000_000.0
AGAIN_S = 4_000_000.0
UNSERVED_S = 20_000_000.0
# To compare two late jobs, an unserved one is taken to be served in an hour.
LATER_S = 3_600.0
# A position is wrong by about this share of its age in driving time, a road time by this share of itself.
AGE_SHARE, DRIVE_SHARE, LEAST_SPREAD_S = 0.5, 0.25, 30.0
CONTACT_SPREAD_S = 60.0
# Half an hour's wait for the next one to come over is as much of a hole as we count; four hours idle is idle enough.
MOST_GAP_S, IDLE_ENOUGH_S = 1_800.0, 14_400.0
SILENCE_HALVES_S = 1_800.0
# One phone in twenty says nothing though nothing was wrong with it before.
SILENT_SHARE = 0.05
# A phone that did not fetch a question and has not looked since counts as so many unanswered ones, which time does not
# soften: it is deaf three times in four.
DEAF = 5.0


@dataclass(frozen=True)
class Weights:
    """How an organisation weighs a choice. Seconds, metres, or shares where the name says so; the defaults of policy.py.

    `ring_m`: the cascade's radii. The first holds the organisation's own people, the others its parent's too.
    """

    stale_s: float = 120.0
    ring_m: tuple[float, float, float] = (10_000.0, 30_000.0, 80_000.0)
    late_share: float = 2.0  # seconds of waiting that a second of expected lateness is worth
    load_s: float = 10.0  # for each job today above the others' mean
    area_s: float = 60.0  # for somebody of another organisation, within one step of the cascade
    hole_share: float = 0.02  # of the time the next nearest free one needs to come over
    ageing_share: float = 0.5  # seconds gained for each second already waited
    priority_s: float = 600.0  # for each point of a job's priority
    idle_s: float = 15.0  # of equals the longest idle: never worth more than this
    offer_ttl_s: float = 90.0
    unseen_s: float = (
        30.0  # when an offer that no phone has fetched is put to the next one; `offer_ttl_s`: no such rule
    )
    answer_s: float = 30.0  # from the question to the call, when all goes well
    busy_answer_s: float = 180.0  # the same of somebody who is on another job
    rest_s: float = 0.0  # between handing in a job and the next question; 0: no rule
    duty_most_s: float = 0.0  # on duty no longer than this; 0: no rule
    firms: Literal["never", "overflow", "always"] = "overflow"
    speed_mps: float = 25 / 3.6 / 1.35  # straight line: speed over winding


@dataclass(frozen=True, slots=True)
class Waiting:
    """A job that waits for somebody. `…_left_s`: until its clock is due, negative when overdue, None without a clock."""

    id: int
    place: LonLat
    org_path: str
    weights: Weights
    needs: frozenset[str] = frozenset()
    waited_s: float = 0.0
    contact_left_s: float | None = None
    arrival_left_s: float | None = None
    priority: int = 0
    # Whom the job was put to since it was last sent out: declined | expired | unreached | held (gave it back, or lost it).
    asked: Mapping[int, str] = field(default_factory=dict)
    # Organisations whose people are lent for this job: they count as its own (catastrophe).
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """How a surveyor stands now. `free_in_s` and `free_at`: when and where he has done what he has in hand."""

    id: int
    place: LonLat
    org_path: str
    skills: frozenset[str] = frozenset()
    age_s: float = 0.0
    on_duty: bool = True
    has_offer: bool = False
    open_jobs: int = 0
    max_open: int = 5
    free_in_s: float = 0.0
    free_at: LonLat | None = None
    idle_s: float = 0.0
    jobs_today: int = 0
    silences: int = 0  # offers in a row that he let run out, …
    silent_s: float = 0.0  # … the last of them so long ago
    unreached: int = 0  # offers in a row that no phone of his fetched, since one last looked
    ping_s: float = 45.0  # how often his phone is heard of when all is well
    on_duty_s: float = 0.0
    rested_s: float | None = None  # since he handed in the last job; None: none yet
    shift_left_s: float | None = None  # None: no end is planned
    firm: bool = False
    demand: float = 1.0  # what a hole where he stands would cost, against the city's mean
    free_by: str | None = None  # whose figure `free_in_s` is: own | usual | mixed; None: he holds nothing


def root_of(path: str) -> str:
    """The insurer's own path: the first node."""
    return "/" + path.strip("/").split("/")[0] + "/"


def parent_of(path: str) -> str:
    """The parent's path: the root is its own parent."""
    upper = path.rstrip("/").rpartition("/")[0] + "/"
    return path if upper == "/" else upper


@dataclass(frozen=True)
class Ground:
    """Bars, steps of the cascade and straight metres of every pair [jobs, people], and what belongs to one side only."""

    jobs: Sequence[Waiting]
    people: Sequence[Standing]
    bars: NDArray[np.uint32]
    step: NDArray[np.uint8]
    distance_m: Floats
    approach_m: Floats  # from where he will be free
    free_in_s: Floats
    unserved_s: Floats


def survey(jobs: Sequence[Waiting], people: Sequence[Standing]) -> Ground:
    """Judges every pair by all that needs no road: filters by name, the cascade, straight distances."""
    distance = metres([j.place for j in jobs], [p.place for p in people])
    approach = distance
    moved = [k for k, p in enumerate(people) if p.free_at is not None]
    if moved and jobs:
        approach = distance.copy()
        approach[:, moved] = metres(
            [j.place for j in jobs], [people[k].free_at or people[k].place for k in moved]
        )
    bars, step = _bars(jobs, people, distance)
    return Ground(
        jobs,
        people,
        bars,
        step,
        distance,
        approach,
        np.array([p.free_in_s for p in people], dtype=np.float64),
        np.array([_unserved(j) for j in jobs], dtype=np.float64),
    )


def metres(places: Sequence[LonLat], others: Sequence[LonLat]) -> Floats:
    """Straight metres [places, others], by the ellipsoid's two radii at the place: within 0.1 % up to 100 km."""
    here = np.radians(np.array(places, dtype=np.float64).reshape(-1, 2))
    there = np.radians(np.array(others, dtype=np.float64).reshape(-1, 2))
    north, east = radii(here[:, 1])
    dy = (there[None, :, 1] - here[:, None, 1]) * north[:, None]
    dx = (there[None, :, 0] - here[:, None, 0]) * east[:, None]
    return np.sqrt(dx * dx + dy * dy)


def radii(lat_rad: Floats) -> tuple[Floats, Floats]:
    """Metres per radian northward and eastward at a latitude, WGS-84 (meridian radius; prime vertical × cosine)."""
    a, e2 = 6_378_137.0, 0.006_694_379_990_14
    bend = 1 - e2 * np.sin(lat_rad) ** 2
    return a * (1 - e2) / bend**1.5, a / np.sqrt(bend) * np.cos(lat_rad)


def _bars(
    jobs: Sequence[Waiting], people: Sequence[Standing], distance: Floats
) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
    shape = (len(jobs), len(people))
    bars, step = np.zeros(shape, dtype=np.uint32), np.zeros(shape, dtype=np.uint8)
    place = {p.id: k for k, p in enumerate(people)}
    always, view = _always(people), _View(people)
    alike: dict[tuple[tuple[str, ...], frozenset[str], Weights], list[int]] = {}
    for i, job in enumerate(jobs):
        alike.setdefault(((job.org_path, *job.also), job.needs, job.weights), []).append(i)
    for ((path, *lent), needs, weights), rows in alike.items():
        # What jobs of one kind have in common is judged once: a city has thousands of jobs and a handful of kinds.
        common = always | view.against(needs, weights)
        helps = np.any([view.within(other) for other in (path, *lent)], axis=0)
        own, near = helps, helps | view.within(parent_of(path))
        firm = view.firm if weights.firms == "overflow" else np.zeros(shape[1], dtype=bool)
        far = distance[rows] > max(weights.ring_m)
        bars[rows] = common | np.where(near, 0, BIT["outside_scope"]) | np.where(far, BIT["out_of_radius"], 0)
        wide = path != parent_of(path)
        beyond = ~own[None, :] | (distance[rows] > min(weights.ring_m)) if wide else np.zeros_like(far)
        step[rows] = beyond.astype(np.uint8) + firm.astype(np.uint8)
    for i, job in enumerate(jobs):
        for who, how in job.asked.items():
            if who in place:
                bars[i, place[who]] |= _asked(how)
    return bars, step


def _asked(how: str) -> int:
    # Silence is no refusal: it moves him to the end (AGAIN_S) instead of barring him.
    return {"declined": BIT["declined_before"], "held": BIT["held_before"]}.get(how, 0)


def _always(people: Sequence[Standing]) -> NDArray[np.uint32]:
    """What stands against somebody whatever the job."""
    found = np.zeros(len(people), dtype=np.uint32)
    for k, p in enumerate(people):
        if not p.on_duty:
            found[k] |= BIT["off_duty"]
        if p.has_offer:
            found[k] |= BIT["has_open_offer"]
        if p.open_jobs >= p.max_open:
            found[k] |= BIT["at_cap"]
    return found


class _View:
    """The people as columns, each read once."""

    def __init__(self, people: Sequence[Standing]) -> None:
        self.paths = np.array([p.org_path for p in people])
        self.skills = [p.skills for p in people]
        self.age = np.array([p.age_s for p in people])
        self.duty = np.array([p.on_duty_s for p in people])
        self.rested = np.array([np.inf if p.rested_s is None else p.rested_s for p in people])
        self.firm = np.array([p.firm for p in people], dtype=bool)

    def within(self, scope: str) -> NDArray[np.bool_]:
        return np.char.startswith(self.paths, scope) if len(self.paths) else np.zeros(0, dtype=bool)

    def against(self, needs: frozenset[str], weights: Weights) -> NDArray[np.uint32]:
        lacking = np.array([not needs <= skills for skills in self.skills], dtype=bool)
        found = np.where(lacking, BIT["lacks_skill"], 0) | np.where(
            self.age > weights.stale_s, BIT["stale"], 0
        )
        if weights.rest_s:
            found |= np.where(self.rested < weights.rest_s, BIT["resting"], 0)
        if weights.duty_most_s:
            found |= np.where(self.duty > weights.duty_most_s, BIT["over_hours"], 0)
        if weights.firms == "never":
            found |= np.where(self.firm, BIT["firm_not_allowed"], 0)
        return found.astype(np.uint32)


def _unserved(job: Waiting) -> float:
    """What it costs to let a job wait for the next window: it grows with its age, so that nobody starves."""
    w = job.weights
    late = late_s(LATER_S, job.contact_left_s) + late_s(LATER_S, _arrival_left(job))
    return UNSERVED_S + w.late_share * late + w.ageing_share * job.waited_s + w.priority_s * job.priority


def _arrival_left(job: Waiting) -> float:
    # "As agreed" is no clock yet; without one the job would come after every other for ever.
    return LATER_S - job.waited_s if job.arrival_left_s is None else job.arrival_left_s


def late_s(after_s: float, left_s: float | None) -> float:
    """Seconds late of something that happens in `after_s` and is due in `left_s`."""
    return 0.0 if left_s is None else max(0.0, after_s - left_s)


def expected_late(mean_s: Floats, left_s: Floats, spread_s: Floats) -> Floats:
    """E[max(0, X - left)] of a normal X: what one should expect to be late, seconds.

    The textbook partial expectation m·Φ(m/σ) + σ·φ(m/σ) with m = mean - left. Smooth, so a job that will just be in
    time is worth a little more care than one that has an hour.
    """
    from scipy.special import ndtr

    m = mean_s - left_s
    z = np.clip(m / spread_s, -30, 30)
    # The two parts cancel to nothing far on the safe side; rounding must not make that a negative cost.
    late: Floats = np.maximum(0.0, m * ndtr(z) + spread_s * np.exp(-z * z / 2) / np.sqrt(2 * np.pi))
    return late


def spread(drive_s: Floats, age_s: Floats) -> Floats:
    """One standard deviation of an arrival, seconds: the road's part and the position's."""
    return np.maximum(LEAST_SPREAD_S, np.hypot(DRIVE_SHARE * drive_s, AGE_SHARE * age_s))


def holes(people: Sequence[Standing], weights: Weights) -> Floats:
    """For each, the seconds the next nearest free one needs to come over to where he stands; 0 for who is not free."""
    found = np.zeros(len(people))
    free = [k for k, p in enumerate(people) if p.on_duty and not p.open_jobs and not p.has_offer]
    if not free:
        return found
    if len(free) == 1:
        found[free] = MOST_GAP_S
    else:
        from scipy.spatial import cKDTree

        here = np.radians(np.array([people[k].place for k in free]))
        north, east = radii(np.array([here[:, 1].mean()]))
        distance, _ = cKDTree(np.column_stack((here[:, 0] * east, here[:, 1] * north))).query(
            np.column_stack((here[:, 0] * east, here[:, 1] * north)), k=2
        )
        found[free] = np.minimum(distance[:, 1] / weights.speed_mps, MOST_GAP_S)
    weighed: Floats = found * np.array([p.demand for p in people])
    return weighed


def terms(ground: Ground, rows: Ints, cols: Ints, drive_s: Floats) -> dict[str, Floats]:
    """The named parts of the cost of each pair (rows[n], cols[n]), seconds; their sum is the cost."""
    jobs, people = ground.jobs, ground.people
    age = np.array([p.age_s for p in people])[cols]
    in_hand = ground.free_in_s[cols]
    busy = np.array([p.open_jobs > 0 for p in people])[cols]
    w = {
        name: np.array([getattr(job.weights, name) for job in jobs], dtype=np.float64)[rows]
        for name in (
            "late_share",
            "load_s",
            "area_s",
            "hole_share",
            "idle_s",
            "offer_ttl_s",
            "unseen_s",
            "answer_s",
            "busy_answer_s",
        )
    }
    contact_left = np.array([np.inf if j.contact_left_s is None else j.contact_left_s for j in jobs])[rows]
    arrival_left = np.array([_arrival_left(j) for j in jobs])[rows]
    quiet, deaf = _silence(people)
    silence = quiet[cols] * w["offer_ttl_s"] + deaf[cols] * w["unseen_s"]
    contact = np.where(busy, w["busy_answer_s"], w["answer_s"]) + silence
    idle = np.array([p.idle_s for p in people])[cols]
    hole = holes(people, jobs[0].weights) if jobs else np.zeros(0)
    return {
        "drive": drive_s,
        "in_hand": in_hand,
        "late_contact": w["late_share"] * _late_contact(contact, contact_left),
        "late_arrival": w["late_share"]
        * expected_late(in_hand + drive_s, arrival_left, spread(drive_s, age)),
        "silence": silence,
        "load": w["load_s"] * _load(people)[cols],
        "area": w["area_s"] * _foreign(jobs, people, rows, cols),
        "hole": w["hole_share"] * hole[cols],
        "idle": w["idle_s"] * (1 - np.minimum(idle, IDLE_ENOUGH_S) / IDLE_ENOUGH_S),
        "cascade": CASCADE_S * ground.step[rows, cols],
        "again": AGAIN_S * _silent_before(jobs, people, rows, cols),
    }


def _late_contact(contact: Floats, left: Floats) -> Floats:
    found = np.zeros_like(contact)
    timed = np.isfinite(left)
    found[timed] = expected_late(contact[timed], left[timed], np.full(int(timed.sum()), CONTACT_SPREAD_S))
    return found


def _silence(people: Sequence[Standing]) -> tuple[Floats, Floats]:
    """The chances that each lets the next offer run out: by keeping quiet, and because no phone of his hears it.

    Before his phone is looked at: Laplace's rule over his unanswered offers, forgotten by half every half hour, and over
    those no phone fetched. Then Bayes' rule: a phone that is well is heard of every `ping_s`, so a dot that grew old belongs
    to a dead one ever more likely. Who keeps quiet costs the whole time to answer, a ghost only the time to find it out.
    """
    streak = np.array(
        [p.silences * 0.5 ** (p.silent_s / SILENCE_HALVES_S) if p.silences else 0.0 for p in people]
    )
    known = streak + DEAF * np.array([p.unreached for p in people])
    dead = (known + 2 * SILENT_SHARE) / (known + 2.0)
    overdue = np.array([max(0.0, p.age_s - p.ping_s) / p.ping_s for p in people])
    chance = dead / (dead + (1 - dead) * np.exp(-overdue))
    quiet = streak / (known + 2.0)
    return quiet, chance - quiet


def answers(one: Standing) -> float:
    """The chance that somebody answers the next question."""
    quiet, deaf = _silence([one])
    return float(1.0 - quiet[0] - deaf[0])


def _load(people: Sequence[Standing]) -> Floats:
    """Jobs today above the mean of those on duty."""
    today = np.array([p.jobs_today for p in people], dtype=np.float64)
    working = np.array([p.on_duty for p in people], dtype=bool)
    mean = float(today[working].mean()) if working.any() else 0.0
    return np.maximum(0.0, today - mean)


def _codes(words: Sequence[str]) -> tuple[list[str], Ints]:
    found: dict[str, int] = {}
    codes = np.array([found.setdefault(word, len(found)) for word in words], dtype=np.int64)
    return list(found), codes


def _foreign(jobs: Sequence[Waiting], people: Sequence[Standing], rows: Ints, cols: Ints) -> Floats:
    """1 where he belongs to another organisation than the job's own and those below it."""
    theirs, job_code = _codes([j.org_path for j in jobs])
    his, person_code = _codes([p.org_path for p in people])
    foreign = np.array([[not path.startswith(own) for path in his] for own in theirs], dtype=np.float64)
    return foreign.reshape(len(theirs), len(his))[job_code[rows], person_code[cols]]


def _silent_before(jobs: Sequence[Waiting], people: Sequence[Standing], rows: Ints, cols: Ints) -> Floats:
    """1 where he let this job's offer run out since it was last sent out."""
    asked = {i: job.asked for i, job in enumerate(jobs) if job.asked}
    if not asked:
        return np.zeros(len(rows))
    return np.array(
        [
            r in asked and in_vain(asked[r].get(people[c].id), people[c])
            for r, c in zip(rows, cols, strict=True)
        ],
        dtype=np.float64,
    )


def in_vain(how: str | None, one: Standing) -> bool:
    """Whether who was asked about a job before comes after everybody else: he kept silent, or still cannot be reached.

    A phone that has looked since is well again: nobody is to lose a job for a tunnel.
    """
    return how == "expired" or (how == "unreached" and one.unreached > 0)


def total(parts: Mapping[str, Floats]) -> Floats:
    """The cost: the sum of its parts."""
    cost: Floats = np.sum([parts[name] for name in TERMS], axis=0)
    return cost


def words(bars: int) -> list[str]:
    """Every reason in a pair's bars, the plainest first."""
    return [reason for reason in REASONS if bars & BIT[reason]]
