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
from dispatch import coverage, finishing, foresight, matching, policy
from dispatch.costs import Standing, Waiting
from dispatch.finishing import InHand, Said
from dispatch.foresight import Held
from dispatch.posts import Moving
from dispatch.sweep import Pace
from geo import eta
from geo.fix import LonLat
from lab.cast import Case, Mate, stands
from lab.day import Day
from lab.net import Seconds
from lab.simulate import Sim
from staff.rules import Known

DEFAULTS: dict[str, Any] = policy.DEFAULTS | limits.DEFAULTS | coverage.DEFAULTS
KNOWN: dict[str, Known] = eta.KNOWN | policy.KNOWN | limits.KNOWN | coverage.KNOWN


@dataclass
class Ours:
    """Chakan's dispatcher. `settings`: rules by key where they differ from the defaults."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    name: str = "ours"
    every_s: float | None = 15.0

    def __post_init__(self) -> None:
        values = DEFAULTS | dict(self.settings)
        self.rule = policy.Policy.of(values)
        self.moving = Moving.of(values)
        # A report that stands alone is decided about at once; in a crowd the sweeper's own pace gathers them.
        self.window_s = 0.0
        self.clock_s = 0.0
        self.pace = Pace(lambda: self.clock_s)
        self.ttl_s = self.rule.offer_ttl.total_seconds()
        self.unseen_s = None if self.rule.unseen is None else self.rule.unseen.total_seconds()
        self.contact_s = limits.minutes(values["contact_limit_min"]).total_seconds()
        self.arrive_s = limits.minutes(values["arrive_limit_urban_min"]).total_seconds()

    def decide(self, sim: Sim) -> None:
        """One round of the sweeper: what is foreseen late is taken back, then the window is matched."""
        self._foresee(sim)
        if not sim.waiting:
            return
        self.clock_s = sim.now
        gather_s = self.pace.wait_s(len(sim.waiting), self.rule.window_s)
        if gather_s > 0:
            sim.look_soon(gather_s)
            return
        self.pace.solved(len(sim.waiting))
        drives, people = self.roads(sim), self.people(sim)
        jobs = [self.waiting(sim, sim.cases[loss]) for loss in sim.waiting]
        matched = matching.match(jobs, people, drives)
        for row, column in enumerate(matched.chosen.tolist()):
            if column >= 0:
                ranked = matched.ranked(row, 12)
                rank = next((n for n, c in enumerate(ranked, 1) if c.person == column), len(ranked) + 1)
                believed = next((c.soonest_s for c in ranked if c.person == column), 0.0)
                sim.offer(
                    jobs[row].id, people[column].id, self.ttl_s, rank, sim.now + believed, self.unseen_s
                )

    def roads(self, sim: Sim) -> "Roads":
        """The road times it decides by."""
        return Roads(sim.day, sim.day.known_s, sim.now, true=False)

    def people(self, sim: Sim) -> list[Standing]:
        """Everybody at work."""
        return [self.standing(sim, mate) for mate in sim.mates if mate.on_duty or mate.jobs]

    def _foresee(self, sim: Sim) -> None:
        """Takes back what is foreseen late while another could be in time, where the rules let the machine act alone.

        Accepted jobs only under `auto`: a proposal waits for a dispatcher, and the lab has none.
        """
        rule = self.rule.foresight
        held = [self.asked(sim, sim.cases[loss]) for loss in sim.offered] if rule.offers else []
        held += [self.held(sim, sim.cases[loss]) for loss in sim.held] if rule.held == "auto" else []
        if not any(foresight.may_switch(one) and foresight.foresee(one) for one in held):
            return
        for switch in foresight.switches(held, self.people(sim), self.roads(sim)):
            loss = held[switch.held].job.id
            if held[switch.held].accepted_ago_s is None:
                sim.withdraw(loss)
            else:
                sim.give_back(loss)

    def asked(self, sim: Sim, case: Case) -> Held:
        """A job somebody is being asked about."""
        asked = case.asked[-1]
        holder = self.standing(sim, sim.mates[asked.person])
        return Held(
            self.waiting(sim, case), holder, self.rule.foresight, None,
            answer_left_s=max(0.0, asked.until_s - sim.now),
            unseen_ago_s=sim.now - asked.at_s if asked.fetched_s > sim.now else None,
            unseen_left_s=max(0.0, min(asked.reach_s, asked.until_s) - sim.now), switches=case.switches,
        )  # fmt: skip

    def waiting(self, sim: Sim, case: Case) -> Waiting:
        """A claim as the window sees it."""
        loss, waited = case.loss, sim.now - case.loss.at_s
        asked = {
            a.person: a.outcome
            for a in case.asked[case.since :]
            if a.outcome in ("declined", "expired", "unreached")
        }
        return Waiting(
            loss.no, sim.day.places[loss.place], loss.org, self.rule.weights, frozenset(loss.needs), waited,
            None if case.contacted_s is not None else self.contact_s - waited, self.arrive_s - waited, asked=asked,
        )  # fmt: skip

    def standing(self, sim: Sim, mate: Mate) -> Standing:
        """A surveyor as the database shows him."""
        person = mate.person
        seen, age_s = sim.seen_at(person.no)
        here = sim.day.places[seen] if isinstance(seen, int) else seen
        free_s, free_at = self._free(sim, mate, mate.jobs, here) if mate.jobs else (0.0, None)
        silences, since = self._silence(sim, person.no)
        return Standing(
            person.no, here, person.org, person.skills, age_s, mate.on_duty, mate.question is not None, len(mate.jobs),
            person.max_open, free_s, free_at,
            0.0 if mate.jobs else sim.now - mate.idle_since_s, mate.done, silences, since,
            sim.unreached_since(person.no), person.ping_s,
        )  # fmt: skip

    def held(self, sim: Sim, case: Case) -> Held:
        """A job somebody has accepted and not set out for."""
        mate = sim.mates[case.holder or 0]
        holder = self.standing(sim, mate)
        before = mate.jobs[: mate.jobs.index(case.loss.no)]
        begins_s, start = self._free(sim, mate, before, holder.place) if before else (0.0, holder.place)
        drive = float(self.roads(sim)([sim.day.places[case.loss.place]], [start])[0, 0])
        return Held(
            self.waiting(sim, case), holder, self.rule.foresight, begins_s + drive, case.contacted_s is not None,
            accepted_ago_s=sim.now - (case.accepted_s or sim.now), switches=case.switches,
        )  # fmt: skip

    def _free(self, sim: Sim, mate: Mate, jobs: Sequence[int], here: LonLat) -> tuple[float, LonLat]:
        """When and where he will have done some of his jobs, as the production walks through them."""
        usual = {str(loss): sim.day.losses[loss].usual_scene_s for loss in jobs}
        in_hand = [self._in_hand(sim, mate, loss) for loss in jobs]
        free = finishing.free(in_hand, here, usual, 0.0, self.rule.weights.speed_mps)
        return free.in_s, free.at or here

    def _in_hand(self, sim: Sim, mate: Mate, loss: int) -> InHand:
        """An accepted job with the times the database holds. Its kind stands for itself: usual times are known by cause."""
        case, day = sim.cases[loss], sim.day
        gone = case.departed_s
        drive = (
            day.between_s(mate.drives[-1].start, loss, true=False) * day.slow(gone)
            if gone is not None
            else None
        )
        return InHand(
            str(loss), day.places[case.loss.place], sim.now - (case.accepted_s or sim.now),
            None if gone is None else sim.now - gone,
            None if case.arrived_s is None else sim.now - case.arrived_s, drive,
            said=None if case.said_s is None else Said(case.word_s, sim.now - case.said_s),
        )  # fmt: skip

    def _silence(self, sim: Sim, person: int) -> tuple[int, float]:
        """Offers in a row he let run out, and how long ago the last was."""
        count, last = sim.silences.get(person, (0, 0.0))
        return count, sim.now - last if count else 0.0


class Roads:
    """The map's road times between places, as the engine of drive times would give them at this hour."""

    def __init__(self, day: Day, between_s: Seconds, now: float, *, true: bool) -> None:
        self.day, self.between_s, self.slow, self.true = day, between_s, day.slow(now), true

    def __call__(self, places: Sequence[LonLat], starts: Sequence[LonLat]) -> NDArray[np.float64]:
        """Seconds [starts, places]; inf where no road leads."""
        index = self.day.index
        targets = np.array([index[place] for place in places], dtype=np.int64)
        rows = np.array([index.get(start, -1) for start in starts], dtype=np.int64)
        homes = len(self.day.places) - len(self.day.losses)
        found = self.between_s[rows[:, None], targets[None, :] - homes].astype(np.float64)
        elsewhere = np.flatnonzero(rows < 0)
        if len(elsewhere):
            spots = self.day.net.spots([starts[int(n)] for n in elsewhere])
            found[elsewhere] = self.day.net.matrix(
                spots, [self.day.spots[n] for n in targets], true=self.true
            )
        return found * self.slow


@dataclass
class AllSeeing(Ours):
    """The same choice by somebody who sees the present as it is, or parts of it: `sees` names which.

    `phones`: which are mute now. `ends`: how long each survey will truly take. `roads`: the roads as they are, each way's
    traffic included where a drive in hand is concerned. Nobody could run it: the differences between one part less and
    one more say what not knowing that part costs.
    """

    name: str = "all_seeing"
    sees: frozenset[str] = frozenset({"phones", "ends", "roads"})

    def roads(self, sim: Sim) -> Roads:
        """The roads as they are."""
        return (
            Roads(sim.day, sim.day.true_s, sim.now, true=True) if "roads" in self.sees else super().roads(sim)
        )

    def people(self, sim: Sim) -> list[Standing]:
        """Only those whose phones speak."""
        people = super().people(sim)
        if "phones" not in self.sees:
            return people
        return [one for one in people if sim.mates[one.id].person.muted_until(sim.now) is None]

    def _free(self, sim: Sim, mate: Mate, jobs: Sequence[int], here: LonLat) -> tuple[float, LonLat]:
        if "ends" not in self.sees:
            return super()._free(sim, mate, jobs, here)
        day, first = sim.day, sim.cases[jobs[0]]
        if mate.doing == "on_scene":
            clock = mate.on_scene_s + first.loss.scene_s - sim.now
        elif mate.doing == "driving":
            clock = mate.drives[-1].arrive_s + first.loss.scene_s - sim.now
        else:
            clock = day.drive_s(stands(mate, day, sim.now), jobs[0], sim.now) + first.loss.scene_s
        at = first.loss.place
        for loss in jobs[1:]:
            clock += day.drive_s(at, loss, sim.now) + day.losses[loss].scene_s
            at = day.losses[loss].place
        return clock, day.places[at]
