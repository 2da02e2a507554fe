"""The people around a place, as the desk asks for them: nearest first, each with what stands against him."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy.orm import Session

from dispatch import costs, policy
from dispatch.candidates import Habits, Someone, asked_before, read_people
from dispatch.costs import Ground, Waiting, root_of
from dispatch.policy import Policy, Ring
from geo import eta, staleness
from geo.eta import Engine, Eta, StraightLine
from geo.fix import LonLat
from geo.staleness import Arrival, Seen

# The walk outward from the loss: so many of anybody at a time, until the ring is covered or somebody able is found.
WALKS = (60, 600, 6_000, 60_000)
# A position that is certain.
SURE = Seen(0.0)
# What is said of who was asked about the job before, in vain.
BEFORE: Mapping[str, str] = {"expired": "silent_before", "unreached": "unreached_before"}
# How many the decision record accounts for besides the able.
LOOKED_AT = 30


@dataclass(frozen=True)
class Job:
    """What is asked of a candidate: where, with which skills, for which task (0: nobody's, a question only)."""

    place: LonLat
    needs: tuple[str, ...]
    org_path: str
    task_id: int = 0
    round: int = 0


@dataclass(frozen=True)
class Candidate:
    """Somebody looked at. `reasons` name what stands against asking him; empty means he may be asked.

    `terms`: the parts of his cost in seconds when he was weighed against others; `step` of the cascade he stands on.
    `start`: from where he would drive; `seen`: what his position says beside its place.
    `contact_p`, `arrive_p`: how likely he keeps the promises, None: not weighed, or no such promise runs.
    `asked`: what became of asking him about this very job before.
    `free_by`: whose figure says when he is done with what he holds (own | usual | mixed; None: he holds nothing).
    """

    surveyor_id: int
    name: str
    place: LonLat
    distance_m: int
    eta_s: int
    soonest_s: int
    age_s: int
    open_jobs: int
    idle_s: int
    org_path: str
    provider: str
    reasons: tuple[str, ...] = ()
    terms: Mapping[str, float] = field(default_factory=dict)
    cost_s: float | None = None
    step: int = 0
    firm: bool = False
    free_by: str | None = None
    asked: str | None = None
    contact_p: float | None = None
    arrive_p: float | None = None
    start: LonLat | None = None
    seen: Seen = SURE

    @property
    def there(self) -> Arrival:
        """When he would be there setting out at once, and how sure that is, given all his position says."""
        return staleness.arrival(self.eta_s, self.provider, self.seen)


class Crowd:
    """The people around a loss, nearest first, walked outward only as far as somebody asks. For questions by hand."""

    def __init__(
        self,
        session: Session,
        job: Job,
        rule: Policy,
        now: datetime,
    ) -> None:
        self.session, self.job, self.rule, self.now = session, job, rule, now
        self.habits = Habits.learned(session, job.org_path, rule)
        self.asked = asked_before(session, [job.task_id]).get(job.task_id, {}) if job.task_id else {}
        self._people: list[Someone] = []
        self._metres: list[float] = []
        self._walked = 0
        self._all = False

    def one(self, surveyor_id: int, ring: Ring) -> Candidate | None:
        """One person wherever he is, with what stands against him; None when nobody knows where he is."""
        people = read_people(self.session, self.now, self.habits, ids=[surveyor_id])
        return next(iter(self._judged(ring, people)), None)

    def able(self, ring: Ring, *, again: bool = False) -> list[Candidate]:
        """Those inside the ring who may be asked, soonest first. `again`: also those who let an offer run out.

        The walk goes on until nobody farther out could be sooner: not even a free man at its edge, driving straight here.
        """
        pardoned = set(BEFORE.values()) if again else set()
        while True:
            found = [c for c in self._judged(ring) if not set(c.reasons) - pardoned]
            if found and found[0].soonest_s <= drive(self._reached_m(), self.rule).seconds:
                return found
            if not self._farther(ring.radius_m):
                return found

    def around(self, ring: Ring, limit: int = LOOKED_AT) -> list[Candidate]:
        """The nearest of the insurer's people in any state, with what stands against each."""
        root = root_of(self.job.org_path)
        while sum(one.standing.org_path.startswith(root) for one in self._people) < limit and self._farther(
            None
        ):
            pass
        own = [c for c in self._judged(ring) if c.org_path.startswith(root)]
        nearest = {c.surveyor_id for c in sorted(own, key=lambda c: (c.distance_m, c.surveyor_id))[:limit]}
        return [c for c in own if c.surveyor_id in nearest]

    def _judged(self, ring: Ring, people: list[Someone] | None = None) -> list[Candidate]:
        people = self._people if people is None else people
        # One ring at a time, as asked: no step of the cascade lies inside it.
        radius_m = float(ring.radius_m)
        weights = replace(self.rule.weights, ring_m=(radius_m, radius_m, radius_m))
        wanted = Waiting(
            self.job.task_id,
            self.job.place,
            ring.scope,
            weights,
            frozenset(self.job.needs),
            asked=self.asked,
            also=ring.also,
        )
        ground = costs.survey([wanted], [one.standing for one in people])
        found = [self._candidate(ground, people, k, ring) for k in range(len(people))]
        order = policy.first_among([(c.soonest_s, c.idle_s, c.surveyor_id) for c in found])
        return [found[k] for k in order]

    def _candidate(self, ground: Ground, people: list[Someone], k: int, ring: Ring) -> Candidate:
        one = people[k]
        reasons = costs.words(int(ground.bars[0, k]))
        how = self.asked.get(one.standing.id)
        if costs.in_vain(how, one.standing):
            reasons.append(BEFORE[how or ""])
        if not ring.holds(one.standing.org_path) and "outside_scope" not in reasons:
            reasons.append("outside_scope")
        there = drive(float(ground.approach_m[0, k]), self.rule)
        return look(one, self.job.place, float(ground.distance_m[0, k]), there, reasons)

    def _reached_m(self) -> float:
        return max(self._metres, default=0.0)

    def _farther(self, radius_m: float | None) -> bool:
        """Walks on; False when everybody was met or the walk already reaches beyond `radius_m`."""
        longer = next((walk for walk in WALKS if walk > self._walked), None)
        if self._all or longer is None or (radius_m is not None and self._reached_m() > radius_m):
            return False
        self._people = read_people(self.session, self.now, self.habits, around=[self.job.place], walk=longer)
        self._metres = [
            float(m) for m in costs.metres([self.job.place], [one.standing.place for one in self._people])[0]
        ]
        self._walked, self._all = longer, len(self._people) < longer
        return True


def look(one: Someone, place: LonLat, distance_m: float, there: Eta, reasons: Sequence[str]) -> Candidate:
    """Somebody as he is shown: his distance now, the drive from where he will be free, what stands against him."""
    standing = one.standing
    return Candidate(
        surveyor_id=standing.id,
        name=one.name,
        place=standing.place,
        distance_m=round(distance_m),
        eta_s=there.seconds,
        soonest_s=round(standing.free_in_s) + there.seconds,
        age_s=round(standing.age_s),
        open_jobs=standing.open_jobs,
        idle_s=round(standing.idle_s),
        org_path=standing.org_path,
        provider=there.provider,
        reasons=tuple(reasons),
        firm=standing.firm,
        free_by=standing.free_by,
        start=standing.free_at,
        seen=one.seen_from(place),
    )


def drive(straight_m: float, rule: Policy) -> Eta:
    """The drive over a straight-line distance, by the organisation's settings."""
    return eta.of_distance(straight_m, speed_kmh=rule.speed_kmh, winding=rule.winding)


def straight(rule: Policy) -> StraightLine:
    """The organisation's own straight line: the last provider an engine asks."""
    return StraightLine(rule.speed_kmh, rule.winding)


def by_road(found: Sequence[Candidate], place: LonLat, rule: Policy, engine: Engine) -> list[Candidate]:
    """The same people with road times, soonest first; who cannot get there says so. Called outside a transaction."""
    drives = engine.to(place, [c.start or c.place for c in found], last=straight(rule))
    timed = [
        replace(c, reasons=(*c.reasons, "unreachable"))
        if there is None
        else replace(
            c, eta_s=there.seconds, soonest_s=c.soonest_s - c.eta_s + there.seconds, provider=there.provider
        )
        for c, there in zip(found, drives, strict=True)
    ]
    order = policy.first_among([(c.soonest_s, c.idle_s, c.surveyor_id) for c in timed])
    return [timed[k] for k in order]


def silent_last(found: Sequence[Candidate]) -> list[Candidate]:
    """The same order, but after all others those not heard of lately: where they are, and so their times, is a guess."""
    return sorted(found, key=lambda c: "stale" in c.reasons)


def near(
    session: Session,
    place: LonLat,
    *,
    org_path: str,
    org_id: int,
    needs: Sequence[str] = (),
    radius_m: int | None = None,
    limit: int = 10,
    also: Sequence[str] = (),
    named: int | None = None,
    now: datetime,
) -> list[Candidate]:
    """A question only: the nearest on duty whom the asker sees, soonest first, the long silent last, each with age,
    time and reasons.

    `also`: paths of organisations whose people are lent to the asker's; `named`: somebody to be told of however far he is.
    Who is off duty is left out: nobody may find him by asking around a point (P19).
    """
    rule = policy.read(session, org_id)
    ring = Ring(radius_m if radius_m is not None else max(rule.rings_km) * 1000, org_path, tuple(also))
    crowd = Crowd(session, Job(place, tuple(needs), org_path), rule, now)
    seen: list[Candidate] = []
    for walk in WALKS:
        everybody = crowd.around(ring, walk)
        seen = [c for c in everybody if not {"off_duty", "outside_scope", "out_of_radius"} & set(c.reasons)]
        if sum("stale" not in c.reasons for c in seen) >= limit or len(everybody) < walk:
            break
    seen = silent_last(seen)[:limit]
    if named is not None and named not in {c.surveyor_id for c in seen}:
        one = crowd.one(named, ring)
        if one is not None and not {"off_duty", "outside_scope"} & set(one.reasons):
            seen.append(one)
    return seen
