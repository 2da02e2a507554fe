"""Our own policy, played: the production's cost, matching and foresight, called with a simulated clock.

This file only translates. What a surveyor knows of himself (a survey's true length, how the roads really are) stays
with the day; the policy gets what the database would hold: positions with their age, accepted jobs with their times.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from claims import limits
from dispatch import finishing, foresight, matching, policy
from dispatch.costs import Standing, Waiting
from dispatch.finishing import InHand
from dispatch.foresight import Held
from geo.fix import LonLat
from lab.cast import Case, Mate
from lab.simulate import Sim

ORG = "/1/"
import os
HOLD=float(os.environ.get("HOLD","0")); RES=int(os.environ.get("RES","0")); INFL=float(os.environ.get("INFL","1"))
DEFAULTS: dict[str, Any] = policy.DEFAULTS | limits.DEFAULTS


@dataclass
class Ours:
    """Chakan's dispatcher. `settings`: rules by key where they differ from the defaults."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    name: str = "ours"
    every_s: float | None = 15.0

    def __post_init__(self) -> None:
        values = DEFAULTS | dict(self.settings)
        self.rule = policy.Policy.of(values)
        self.window_s = self.rule.window_s
        self.ttl_s = self.rule.offer_ttl.total_seconds()
        self.contact_s = limits.minutes(values["contact_limit_min"]).total_seconds()
        self.arrive_s = limits.minutes(values["arrive_limit_urban_min"]).total_seconds()

    def decide(self, sim: Sim) -> None:
        """One round of the sweeper: what is foreseen late is taken back, then the window is matched."""
        if not sim.waiting and (self.rule.foresight.held == "off" or not sim.held):
            return
        drives = Roads(sim)
        people = [self.standing(sim, mate) for mate in sim.mates if mate.person.on_duty(sim.now) or mate.jobs]
        self._foresee(sim, people, drives)
        jobs = [self.waiting(sim, sim.cases[loss]) for loss in sim.waiting]
        if not jobs:
            return
        matched = matching.match(jobs, people, drives)
        for row, column in enumerate(matched.chosen.tolist()):
            if column >= 0:
                if HOLD and people[column].free_in_s > 45 and jobs[row].waited_s < HOLD: continue
                ranked = matched.ranked(row, 12)
                rank = next((n for n, c in enumerate(ranked, 1) if c.person == column), len(ranked) + 1)
                believed = next((c.soonest_s for c in ranked if c.person == column), 0.0)
                sim.offer(jobs[row].id, people[column].id, self.ttl_s, rank, sim.now + believed)

    def _foresee(self, sim: Sim, people: list[Standing], drives: "Roads") -> None:
        if self.rule.foresight.held == "off" or not sim.held:
            return
        held = [self.held(sim, sim.cases[loss], people) for loss in sim.held]
        for switch in foresight.switches(held, people, drives):
            sim.give_back(held[switch.held].job.id)

    def waiting(self, sim: Sim, case: Case) -> Waiting:
        """A claim as the window sees it."""
        loss, waited = case.loss, sim.now - case.loss.at_s
        asked = {
            a.person: a.outcome for a in case.asked[case.since :] if a.outcome in ("declined", "expired")
        }
        return Waiting(
            loss.no, sim.day.places[loss.place], ORG, self.rule.weights, frozenset(loss.needs), waited,
            None if case.contacted_s is not None else self.contact_s - waited, self.arrive_s - waited, asked=asked,
        )  # fmt: skip

    def standing(self, sim: Sim, mate: Mate) -> Standing:
        """A surveyor as the database shows him."""
        person = mate.person
        seen, age_s = sim.seen_at(person.no)
        here = sim.day.places[seen] if isinstance(seen, int) else seen
        on_duty = person.on_duty(sim.now)
        free = self._free(sim, mate, here) if mate.jobs else None
        silences, since = self._silence(sim, person.no)
        return Standing(
            person.no, here, ORG, person.skills, age_s, on_duty, mate.question is not None, len(mate.jobs),
            person.max_open, 0.0 if free is None else free.in_s, None if free is None else free.at,
            0.0 if mate.jobs else sim.now - mate.idle_since_s, mate.done, silences, since, person.ping_s,
        )  # fmt: skip

    def held(self, sim: Sim, case: Case, people: Sequence[Standing]) -> Held:
        """A job somebody has accepted and not set out for."""
        holder = next(p for p in people if p.id == case.holder)
        mate = sim.mates[holder.id]
        jobs = [in_hand(sim, loss) for loss in mate.jobs]
        which = mate.jobs.index(case.loss.no)
        begins_s, start = finishing.arrival_s(
            jobs, which, holder.place, {}, self._usual(sim, mate), self.rule.weights.speed_mps
        )
        drive = float(Roads(sim)([sim.day.places[case.loss.place]], [start])[0, 0])
        return Held(
            self.waiting(sim, case), holder, self.rule.foresight, begins_s + drive, case.contacted_s is not None,
            accepted_ago_s=sim.now - (case.accepted_s or sim.now), switches=case.switches,
        )  # fmt: skip

    def _free(self, sim: Sim, mate: Mate, here: LonLat) -> finishing.Free:
        if RES:
            from proto import residual
            t=0.0; c=sim.cases[mate.jobs[0]]; sp=sim.day.human.service_spread
            if mate.doing=="on_scene": t=residual(c.loss.usual_scene_s, sp, sim.now-mate.on_scene_s)
            elif mate.doing=="driving":
                d=mate.drives[-1]; t=max(60.,d.depart_s+sim.day.known_s[d.start,d.loss]*sim.day.slow(sim.now)-sim.now)+c.loss.usual_scene_s
            else: t=30+sim.day.known_s[mate.at,mate.jobs[0]]*sim.day.slow(sim.now)+c.loss.usual_scene_s
            prev=c.loss.place
            for j in mate.jobs[1:]:
                c=sim.cases[j]; t+=sim.day.known_s[prev,j]*sim.day.slow(sim.now)+c.loss.usual_scene_s; prev=c.loss.place
            return finishing.Free(t*INFL, sim.day.places[prev])
        jobs = [in_hand(sim, loss) for loss in mate.jobs]
        return finishing.free(jobs, here, {}, self._usual(sim, mate), self.rule.weights.speed_mps)

    def _usual(self, sim: Sim, mate: Mate) -> float:
        """The usual time on scene of what he is at: learnt by line in production, known by cause here."""
        return float(np.mean([sim.day.losses[loss].usual_scene_s for loss in mate.jobs]))

    def _silence(self, sim: Sim, person: int) -> tuple[int, float]:
        """Offers in a row he let run out, and how long ago the last was."""
        count, last = sim.silences.get(person, (0, 0.0))
        return count, sim.now - last if count else 0.0


def in_hand(sim: Sim, loss: int) -> InHand:
    """An accepted job with the times the database holds."""
    case, now = sim.cases[loss], sim.now
    day = sim.day

    def ago(at: float | None) -> float | None:
        return None if at is None else now - at

    mate = sim.mates[case.holder or 0]
    eta = None
    if case.departed_s is not None and mate.drives:
        eta = float(day.known_s[mate.drives[-1].start, loss]) * day.slow(case.departed_s)
    return InHand(
        "motor",
        day.places[case.loss.place],
        now - (case.accepted_s or now),
        ago(case.departed_s),
        ago(case.arrived_s),
        eta,
    )


class Roads:
    """The map's road times between places, as the engine of drive times would give them at this hour."""

    def __init__(self, sim: Sim) -> None:
        self.day, self.slow = sim.day, sim.day.slow(sim.now)

    def __call__(self, places: Sequence[LonLat], starts: Sequence[LonLat]) -> NDArray[np.float64]:
        """Seconds [starts, places]; inf where no road leads."""
        index = self.day.index
        targets = np.array([index[place] for place in places], dtype=np.int64)
        rows = np.array([index.get(start, -1) for start in starts], dtype=np.int64)
        homes = len(self.day.places) - len(self.day.losses)
        found = self.day.known_s[rows[:, None], targets[None, :] - homes].astype(np.float64)
        elsewhere = np.flatnonzero(rows < 0)
        if len(elsewhere):
            spots = [self.day.net.spot(starts[int(n)]) for n in elsewhere]
            found[elsewhere] = self.day.net.matrix(spots, [self.day.spots[n] for n in targets], true=False)
        return found * self.slow
