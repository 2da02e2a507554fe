"""Our policy with the free moved up: the production's choice of posts, asked of simulated people who may say no."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from dispatch import coverage, posts
from dispatch.coverage import Floats, Grid
from geo.fix import LonLat
from lab.cast import Mate
from lab.day import Day
from lab.net import Spot
from lab.ours import Ours
from lab.simulate import Sim

HISTORY_H = 3.0  # the past of a thrown day is of hours like its own


@dataclass(frozen=True)
class Town:
    """Hexagons over where reports come from, what to expect in each, and how far it is between them on empty roads."""

    grid: Grid
    places: tuple[LonLat, ...]
    demand: Floats
    between_s: Floats
    spots: Sequence[Spot]  # snapped once: a minute's look would cost more in snapping than in roads

    @classmethod
    def of(cls, day: Day) -> "Town":
        """From the reports before the day."""
        reports = np.array(day.history).reshape(-1, 2)
        grid = coverage.grid_over(reports)
        places = tuple(LonLat(*row) for row in grid.centres.tolist())
        demand = coverage.demand(grid, reports, np.ones(len(reports), dtype=np.bool_), HISTORY_H)
        spots = day.net.spots(places)
        between = day.net.matrix(spots, spots, true=False).astype(np.float64)
        return cls(grid, places, demand, between, spots)


@dataclass
class OursMoving(Ours):
    """The same dispatcher, who also asks free people to wait where the next reports will wait least for them."""

    name: str = "ours_moving"
    _town: Town | None = field(default=None, repr=False)
    _next_s: float = 0.0

    def decide(self, sim: Sim) -> None:
        """Jobs first; once a minute, who might wait better elsewhere."""
        super().decide(sim)
        if sim.now >= self._next_s and sim.day.history:
            self._next_s = sim.now + posts.EVERY_S
            self.move_up(sim)

    def move_up(self, sim: Sim) -> None:
        """Asks whom the production would ask."""
        day = sim.day
        town = self._town = self._town or Town.of(day)
        rule, mates = self.moving, [mate for mate in sim.mates if mate.on_duty]
        people = [
            (mate, one) for mate in mates if (one := self.standing(sim, mate)).age_s <= self.rule.stale_s
        ]
        # Who is on his way to wait counts where he will wait.
        places = [
            self._place(day, way.to) if (way := mate.moving(sim.now)) else one.free_at or one.place
            for mate, one in people
        ]
        near = [k for k, (_, one) in enumerate(people) if one.free_in_s <= posts.SOON_S]
        if not near:
            return
        slow = day.slow(sim.now)
        starts = day.net.spots([places[k] for k in near])
        times = day.net.matrix(starts, town.spots, true=False).astype(np.float64) * slow
        free_in = np.array([people[k][1].free_in_s for k in near])
        movers = [n for n, k in enumerate(near) if self._may_move(sim, people[k][0])]
        there = posts.soonest(times, free_in)
        cells = posts.worth_looking(town.grid, town.demand, there, self.rule.weights.speed_mps)
        reach = town.between_s[cells] * slow
        for move in posts.moves(
            town.demand, times, free_in, movers, cells, reach, drive_share=rule.drive_share, most=rule.most
        ):
            mate = people[near[move.surveyor]][0]
            sim.ask_move(mate.person.no, town.places[move.cell], rule.answer_s)

    def _may_move(self, sim: Sim, mate: Mate) -> bool:
        asked = mate.move_asked_s
        calm = asked is None or sim.now - asked >= self.moving.rest_s
        idle = mate.doing == "idle" and not mate.jobs and mate.question is None
        return idle and calm and mate.moving(sim.now) is None

    @staticmethod
    def _place(day: Day, to: int | LonLat) -> LonLat:
        return to if isinstance(to, LonLat) else day.places[to]
