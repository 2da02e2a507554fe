"""A day planned by somebody who has read it to the end, and played like any other: what is within reach of foresight.

He knows every report before it comes, every road, survey and answer; but he asks the same phones. Nobody is asked before the
report, off duty, or while his phone is mute, and who would say no is not asked; answering, turning the key, driving and
surveying take what they take. His plan is played by the event loop, so it can be done. It is a good plan, not proven the best:
the best lies between it and the bound, which leaves the phones out. What is between this plan and `all_seeing` is the price of
not knowing the future; between the plan and the bound, of mute phones and of what the bound gives away.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from lab.day import Day, Person
from lab.simulate import BUSY_FACTOR, Sim

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ROUNDS = 60
# What a plan knows of a claim that nobody has been found for yet: about so long after the report somebody is there.
FIRST_GUESS_S = 240.0
# A predecessor other than in the best plan so far must be cheaper by this: too many changes at once undo each other.
FIRST_LOYALTY_S, LEAST_LOYALTY_S = 4.0, 0.25
NEVER_S = 1e7


@dataclass(frozen=True)
class Facts:
    """The day as columns. Rows of `drive_s` are where somebody may come from: each person's home, then each claim."""

    report: Floats
    scene: Floats
    begin: Floats  # of each person's first shift
    calm: Floats  # [people, claims]: when he could turn the key if he is asked as soon as he can be
    busy: Floats  # the same of somebody asked on another scene
    asked: Floats  # [people, claims]: as soon as he can be
    drive_s: Floats  # true, on empty roads
    pace: Floats
    start_hour: float


@dataclass(frozen=True)
class Plan:
    """`before[j]`: the row claim j is reached from; `who[j]` does it and arrives at `arrive[j]`, seconds of the day."""

    before: Ints
    who: Ints
    arrive: Floats
    mean_s: float


def facts(day: Day) -> Facts:
    """Reads the day, its phones included."""
    losses, people = day.losses, day.people
    shape = (len(people), len(losses))
    asked, calm, busy = np.full(shape, np.inf), np.full(shape, np.inf), np.full(shape, np.inf)
    for loss in losses:
        answer, settle = day.answer_s(loss.no, 0), day.settle_s(loss.no)
        for p, person in enumerate(people):
            if day.declines(loss.no, person.no) or not set(loss.needs) <= person.skills:
                continue
            at = askable(person, loss.at_s)
            if at is None:
                continue
            asked[p, loss.no] = at
            calm[p, loss.no] = _heard(person, at + answer) + settle
            busy[p, loss.no] = _heard(person, at + answer * BUSY_FACTOR) + settle
    traffic = np.array([day.traffic(loss.no) for loss in losses])
    rows = [person.home for person in people] + [loss.place for loss in losses]
    drive = day.true_s[rows].astype(np.float64) * traffic[None, :]
    own = np.arange(len(losses))
    drive[len(people) + own, own] = np.inf
    return Facts(
        np.array([loss.at_s for loss in losses]),
        np.array([loss.scene_s for loss in losses]),
        np.array([person.shifts[0][0] if person.shifts else np.inf for person in people]),
        calm, busy, asked, drive, np.array(day.slower), day.start_hour,
    )  # fmt: skip


def askable(person: Person, since: float) -> float | None:
    """The first moment not before `since` at which he is on duty and his phone speaks; None when there is none."""
    for start, end in person.shifts:
        at = max(start, since)
        while at < end:
            speaks = person.muted_until(at)
            if speaks is None:
                return at
            at = speaks
    return None


def _heard(person: Person, at: float) -> float:
    return person.muted_until(at) or at


def plan(day: Day, rounds: int = ROUNDS) -> Plan:
    """A good plan of the day. Each round matches claims with predecessors as they stand in the best plan so far."""
    seen = facts(day)
    claims = len(seen.report)
    best = Plan(np.full(claims, -1), np.full(claims, -1), seen.report + FIRST_GUESS_S, np.inf)
    loyalty = FIRST_LOYALTY_S
    for _ in range(rounds):
        cost = _cost(seen, best)
        held = np.flatnonzero(best.before >= 0)
        cost[best.before[held], held] -= loyalty
        rows, columns = linear_sum_assignment(cost)
        before = np.full(claims, -1)
        before[columns] = rows
        tried = mended(seen, walk(seen, before))
        if tried.mean_s < best.mean_s - 1e-6:
            best = tried
            loyalty = max(LEAST_LOYALTY_S, loyalty / 2)
        else:
            loyalty *= 1.7
        if loyalty > 600.0:
            break
    return best


def _cost(seen: Facts, guess: Plan) -> Floats:
    """Seconds from each claim's report to the arrival from each row, as the rows stand in a plan."""
    people, claims = seen.calm.shape
    clock = np.concatenate([seen.begin, guess.arrive + seen.scene])
    on_scene = np.concatenate([np.full(people, np.inf), guess.arrive])
    who = np.concatenate([np.arange(people), guess.who])
    known = who >= 0
    ready = np.empty((people + claims, claims))
    ready[known] = _ready(seen, who[known], on_scene[known], clock[known])
    # Who will have done a claim that nobody has yet is not known: as if his phone spoke.
    ready[~known] = np.nanmin(np.where(np.isfinite(seen.calm), seen.calm, np.nan), axis=0)
    leave = np.maximum(clock[:, None], ready)
    cost = leave + seen.drive_s * _pace(seen, leave) - seen.report[None, :]
    return np.where(np.isfinite(cost), np.minimum(cost, NEVER_S), NEVER_S)


def _ready(seen: Facts, who: Ints, on_scene: Floats, clock: Floats) -> Floats:
    asked = seen.asked[who]
    surveying = (asked >= on_scene[:, None]) & (asked < clock[:, None])
    found: Floats = np.where(surveying, seen.busy[who], seen.calm[who])
    return found


def _pace(seen: Facts, leave: Floats) -> Floats:
    hour = np.floor(seen.start_hour + np.where(np.isfinite(leave), leave, 0.0) / 3_600.0).astype(np.int64)
    found: Floats = seen.pace[hour % len(seen.pace)]
    return found


def mended(seen: Facts, tried: Plan) -> Plan:
    """The same with every claim that hung on itself (a ring of predecessors) put at the end of somebody's day."""
    people = len(seen.begin)
    for loss in np.flatnonzero(tried.who < 0):
        if not np.isfinite(seen.drive_s[:, loss]).any():
            continue
        before = tried.before.copy()
        before[loss] = -1
        clock = np.concatenate([seen.begin, tried.arrive + seen.scene])
        who = np.concatenate([np.arange(people), tried.who])
        last = np.ones(len(who), dtype=bool)
        last[before[before >= 0]] = False
        rows = np.flatnonzero(last & (who >= 0))
        leave = np.maximum(clock[rows], seen.calm[who[rows], loss])
        there = leave + seen.drive_s[rows, loss] * _pace(seen, leave)
        if np.isfinite(there).any():
            before[loss] = rows[int(np.argmin(there))]
            tried = walk(seen, before)
    return tried


def walk(seen: Facts, before: Ints) -> Plan:
    """What a choice of predecessors comes to when everybody does his claims in turn; `who` -1: nobody ever gets there."""
    people, claims = seen.calm.shape
    after = np.full(people + claims, -1)
    after[before[before >= 0]] = np.flatnonzero(before >= 0)
    who, arrive = np.full(claims, -1), seen.report + FIRST_GUESS_S
    front = np.arange(people)
    clock, on_scene, row = seen.begin.copy(), np.full(people, np.inf), np.arange(people)
    while len(front):
        goes = after[row] >= 0
        front, row, clock, on_scene = front[goes], row[goes], clock[goes], on_scene[goes]
        to = after[row]
        asked = seen.asked[front, to]
        surveying = (asked >= on_scene) & (asked < clock)
        ready = np.where(surveying, seen.busy[front, to], seen.calm[front, to])
        leave = np.maximum(clock, ready)
        there = leave + seen.drive_s[row, to] * _pace(seen, leave)
        who[to], arrive[to] = front, there
        row, on_scene, clock = people + to, there, there + seen.scene[to]
    who[~np.isfinite(arrive)] = -1
    waits = np.where(who >= 0, arrive - seen.report, NEVER_S)
    return Plan(before, who, np.where(who >= 0, arrive, seen.report + FIRST_GUESS_S), float(waits.mean()))


@dataclass
class Foreknown:
    """Plays a plan of the whole day. Not a policy anybody could run."""

    name: str = "foreknown"
    every_s: float | None = 1.0
    window_s: float = 0.0
    ttl_s: float = 3_600.0
    _plan: Plan | None = field(default=None, repr=False)

    def decide(self, sim: Sim) -> None:
        """Asks whom the plan names, as soon as he can be asked and has said yes to what he does before."""
        planned = self._plan = self._plan or plan(sim.day)
        people = len(sim.mates)
        for loss in list(sim.waiting):
            who, before = int(planned.who[loss]), int(planned.before[loss]) - people
            if who < 0:
                continue  # no road leads there
            mate = sim.mates[who]
            comes_next = before < 0 or sim.cases[before].accepted_s is not None
            if comes_next and mate.on_duty and mate.person.muted_until(sim.now) is None:
                sim.offer(loss, who, self.ttl_s)
