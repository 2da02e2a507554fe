"""Who goes where: all the jobs that wait against everybody who could go, solved to the optimum. Pure, as costs.py is.

Each job gets at most one person and each person at most one question; an unserved job costs more than any admissible
pair, so as many as possible are asked, and of the ways to do that the cheapest is taken. Road times are asked of
`drives`, the only thing that is called: `drives(places, starts)` gives seconds [starts, places], inf where no road leads.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dispatch import costs
from dispatch.costs import BIT, Floats, Ground, Ints, Standing, Waiting
from geo.fix import LonLat

Drives = Callable[[Sequence[LonLat], Sequence[LonLat]], NDArray[np.float64]]

# Up to so many pairs every one gets its road time; a single report against 10,000 people is within it.
ALL_PAIRS = 40_000
# In a larger window each job looks at its so many soonest, as the crow flies with what they have in hand.
SHORTLIST = 40
# Jobs near each other share their people: road times are asked for blocks of about so many jobs.
BLOCK = 24


@dataclass(frozen=True)
class Considered:
    """Somebody weighed for a job. `terms` in seconds; their sum is `cost_s`."""

    person: int  # index into the window's people
    cost_s: float
    drive_s: float
    soonest_s: float
    distance_m: float
    step: int
    terms: dict[str, float]


@dataclass(frozen=True)
class Matched:
    """A window solved. `chosen[i]`: index of the person for job i, -1 when nobody is left for it."""

    ground: Ground
    chosen: Ints
    rows: Ints  # the pairs weighed: jobs[rows[n]] × people[cols[n]]
    cols: Ints
    drive_s: Floats
    parts: dict[str, Floats]
    cost_s: Floats
    unserved_s: Floats  # what leaving each job for the next window would cost

    def ranked(self, job: int, limit: int | None = None) -> list[Considered]:
        """Everybody weighed for a job, cheapest first; of equals the lower id.

        With a limit so many of them, and the chosen one in any case.
        """
        at = np.flatnonzero(self.rows == job)
        ids = np.array([self.ground.people[c].id for c in self.cols[at]])
        order = at[np.lexsort((ids, self.cost_s[at]))]
        if limit is not None:
            taken = np.arange(len(order)) < limit
            order = order[taken | (self.cols[order] == self.chosen[job])]
        return [self._considered(int(n)) for n in order]

    def reasons(self, job: int, person: int) -> list[str]:
        """What forbids the pair, by name; empty when he could be asked."""
        return costs.words(int(self.ground.bars[job, person]))

    def only(self, job: int) -> "Matched":
        """The same for one job alone."""
        ground, at = self.ground, np.flatnonzero(self.rows == job)
        alone = Ground(
            [ground.jobs[job]],
            ground.people,
            ground.bars[[job]],
            ground.step[[job]],
            ground.distance_m[[job]],
            ground.approach_m[[job]],
            ground.free_in_s,
            ground.unserved_s[[job]],
        )
        parts = {name: values[at] for name, values in self.parts.items()}
        return Matched(
            alone,
            self.chosen[[job]],
            np.zeros(len(at), dtype=np.int64),
            self.cols[at],
            self.drive_s[at],
            parts,
            self.cost_s[at],
            self.unserved_s[[job]],
        )

    def _considered(self, n: int) -> Considered:
        i, j = int(self.rows[n]), int(self.cols[n])
        parts = {name: float(self.parts[name][n]) for name in costs.TERMS}
        return Considered(
            person=j,
            cost_s=float(self.cost_s[n]),
            drive_s=float(self.drive_s[n]),
            soonest_s=parts["in_hand"] + parts["drive"],
            distance_m=float(self.ground.distance_m[i, j]),
            step=int(self.ground.step[i, j]),
            terms=parts,
        )


def match(
    jobs: Sequence[Waiting], people: Sequence[Standing], drives: Drives, *, only: Sequence[int] | None = None
) -> Matched:
    """Solves one window. `only`: the jobs that may be given to somebody; the others are looked at and left."""
    ground = costs.survey(jobs, people)
    rows, cols = pairs(ground)
    if only is not None and len(only) < len(jobs):
        kept = np.isin(rows, np.array(only, dtype=np.int64))
        rows, cols = rows[kept], cols[kept]
    drive = road_times(ground, rows, cols, drives)
    _bar_by_road(ground, rows, cols, drive)
    kept = ground.bars[rows, cols] == 0
    rows, cols, drive = rows[kept], cols[kept], drive[kept]
    parts = costs.terms(ground, rows, cols, drive)
    cost = costs.total(parts)
    unserved = ground.unserved_s + _least_rank(len(jobs), rows, parts)
    return Matched(
        ground, assign(rows, cols, cost, unserved, len(people)), rows, cols, drive, parts, cost, unserved
    )


def _least_rank(jobs: int, rows: Ints, parts: dict[str, Floats]) -> Floats:
    """The steps of the cascade each job must take in any case.

    They rank the people of one job, never one job against another: a job whose own people are all away would lose every
    neighbour to the newcomers for ever.
    """
    least = np.full(jobs, np.inf)
    np.minimum.at(least, rows, parts["cascade"] + parts["again"])
    return np.where(np.isfinite(least), least, 0.0)


def pairs(ground: Ground) -> tuple[Ints, Ints]:
    """The pairs worth a road time: every admissible one, or in a large window each job's soonest as the crow flies."""
    jobs, people = ground.bars.shape
    open_to = ground.bars == 0
    if jobs * people <= ALL_PAIRS or people <= SHORTLIST or jobs == 1:
        rows, cols = np.nonzero(open_to)
        return rows.astype(np.int64), cols.astype(np.int64)
    speed = np.array([job.weights.speed_mps for job in ground.jobs])
    soonest = ground.approach_m / speed[:, None] + ground.free_in_s + costs.CASCADE_S * ground.step
    soonest[~open_to] = np.inf
    near = np.argpartition(soonest, SHORTLIST, axis=1)[:, :SHORTLIST]
    rows = np.repeat(np.arange(jobs, dtype=np.int64), SHORTLIST)
    cols = near.ravel().astype(np.int64)
    kept = open_to[rows, cols]
    return rows[kept], cols[kept]


def road_times(ground: Ground, rows: Ints, cols: Ints, drives: Drives) -> Floats:
    """Seconds by road of each pair, from where the person will be free to the loss; inf where no road leads."""
    found = np.full(len(rows), np.inf)
    starts = [p.free_at or p.place for p in ground.people]
    for block in _blocks(ground, rows, cols):
        jobs, people = np.unique(rows[block]), np.unique(cols[block])
        seconds = drives([ground.jobs[i].place for i in jobs], [starts[j] for j in people])
        found[block] = seconds[np.searchsorted(people, cols[block]), np.searchsorted(jobs, rows[block])]
    return found


def _blocks(ground: Ground, rows: Ints, cols: Ints) -> Iterator[Ints]:
    """The pairs in groups whose jobs lie together, so that a block of road times is nearly full."""
    everything = np.arange(len(rows), dtype=np.int64)
    jobs, people = ground.bars.shape
    if jobs * people <= ALL_PAIRS:
        if len(rows):
            yield everything
        return
    group = np.empty(jobs, dtype=np.int64)
    for number, members in enumerate(_halved(np.array([job.place for job in ground.jobs]), np.arange(jobs))):
        group[members] = number
    of_pair = group[rows]
    order = np.argsort(of_pair, kind="stable")
    for part in np.split(order, np.flatnonzero(np.diff(of_pair[order])) + 1):
        if len(part):
            yield part


def _halved(places: Floats, members: Ints) -> Iterator[Ints]:
    if len(members) <= BLOCK:
        yield members
        return
    here = places[members]
    axis = int(np.argmax(here.max(axis=0) - here.min(axis=0)))
    order = members[np.argsort(here[:, axis], kind="stable")]
    yield from _halved(places, order[: len(order) // 2])
    yield from _halved(places, order[len(order) // 2 :])


def _bar_by_road(ground: Ground, rows: Ints, cols: Ints, drive: Floats) -> None:
    """What only the road can tell: no way there, or not before his shift ends."""
    ground.bars[rows, cols] |= np.where(np.isfinite(drive), 0, BIT["unreachable"]).astype(np.uint32)
    left = np.array([np.inf if p.shift_left_s is None else p.shift_left_s for p in ground.people])[cols]
    late = ground.free_in_s[cols] + drive > left
    ground.bars[rows, cols] |= np.where(late & np.isfinite(drive), BIT["shift_ends"], 0).astype(np.uint32)


def assign(rows: Ints, cols: Ints, cost: Floats, unserved: Floats, people: int) -> Ints:
    """The cheapest way to give each job one person or leave it, each person at most one job: exact.

    Jonker-Volgenant's shortest augmenting paths on the sparse pairs, with a slot of its own for each job to stay in.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import min_weight_full_bipartite_matching

    jobs = len(unserved)
    chosen = np.full(jobs, -1, dtype=np.int64)
    if jobs == 0 or len(rows) == 0:
        return chosen
    slot = np.arange(jobs, dtype=np.int64)
    value = np.concatenate((cost, unserved))
    # A stored zero would count as no edge at all; lifting every cost alike changes no choice, each job takes just one.
    value = value - value.min() + 1.0
    where = (np.concatenate((rows, slot)), np.concatenate((cols, people + slot)))
    graph = csr_array((value, where), shape=(jobs, people + jobs))
    took, given = min_weight_full_bipartite_matching(graph)
    served = given < people
    chosen[took[served]] = given[served]
    return chosen
