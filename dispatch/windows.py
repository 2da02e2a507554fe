"""One window: every job that waits, weighed against everybody who could go, solved together, then asked one by one.

Reading and choosing hold no lock and no transaction across a road engine; each question is its own short transaction in
which the database is the referee. Who loses a race there is decided about again, with what is true by then.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from claims import catastrophes, limits
from core import clock
from core.database import Sessions
from dispatch import asking, candidates, explain, matching, policy, queries
from dispatch.candidates import Habits, Someone
from dispatch.costs import Waiting, answers, root_of
from dispatch.crowd import LOOKED_AT, Candidate, look, straight
from dispatch.matching import Considered, Matched
from dispatch.policy import Policy
from geo import staleness
from geo.eta import Engine, Eta
from geo.fix import LonLat
from staff import rules

log = logging.getLogger(__name__)

# Up to so many jobs the nearest query walks outward from each; a larger window reads everybody once.
FEW = 4
WALKS = (240, 2_400, 24_000, 100_000)
# Above so many people with a position the nearest query is the shortlist for large windows too.
EVERYBODY = 10_000
# Nobody drives faster than this as the crow flies: who is farther out than the best cost times this cannot be better.
FASTEST_MPS = 30.0
# Somebody chosen went home or was asked by another sweeper in the same moment: decide again. Twice in a row is odd.
TRIES = 3


@dataclass(frozen=True)
class Seen:
    """A job as it was when it was weighed, under its organisation's rules."""

    job: Waiting
    rule: Policy
    round: int
    pending: bool
    unreached: int = 0

    @property
    def used_up(self) -> bool:
        """Whether the machine has asked often enough."""
        return self.rule.used_up(self.round, self.unreached)


@dataclass
class Spoken:
    """The road times of a window, and who told them."""

    engine: Engine
    rules: dict[LonLat, Policy]
    said: Counter[str] = field(default_factory=Counter)

    def __call__(self, places: Sequence[LonLat], starts: Sequence[LonLat]) -> NDArray[np.float64]:
        """Seconds [starts, places]; the straight line of each job's own organisation is the last resort."""
        found = np.empty((len(starts), len(places)))
        last = [straight(self.rules[place]) for place in places]
        for line in dict.fromkeys(last):
            at = [k for k, other in enumerate(last) if other == line]
            drives = self.engine.table([places[k] for k in at], starts, last=line)
            found[:, at] = drives.seconds
            if drives.by.size:
                counts = np.bincount(drives.by.ravel(), minlength=len(drives.names))
                self.said.update({name: int(n) for name, n in zip(drives.names, counts, strict=True) if n})
        return found

    @property
    def provider(self) -> str:
        """Who told most of them."""
        return self.said.most_common(1)[0][0] if self.said else "straight_line"


@dataclass(frozen=True)
class Window:
    """Jobs, people, and the optimum between them."""

    seen: tuple[Seen, ...]
    people: tuple[Someone, ...]
    matched: Matched
    provider: str
    _ranked: dict[int, list[Candidate]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def chosen(self, i: int) -> Candidate | None:
        """Who is to be asked for job i."""
        k = int(self.matched.chosen[i])
        return (
            None if k < 0 else next(c for c in self.ranked(i) if c.surveyor_id == self.people[k].standing.id)
        )

    def ranked(self, i: int) -> list[Candidate]:
        """The able for job i, cheapest first; as many as a record holds and the chosen one in any case."""
        if i not in self._ranked:
            # Weighed once: to the one to be asked and to the record of him they are the same.
            self._ranked[i] = [self._weighed(i, c) for c in self.matched.ranked(i, explain.CONSIDERED)]
        return self._ranked[i]

    def around(self, i: int) -> list[Candidate]:
        """The nearest of the insurer's people in any state, with what stands against each."""
        ground, root = self.matched.ground, root_of(self.seen[i].job.org_path)
        nearest = np.argsort(ground.distance_m[i], kind="stable")
        own = [int(k) for k in nearest if self.people[k].standing.org_path.startswith(root)]
        return [self._looked_at(i, k) for k in own[:LOOKED_AT]]

    def in_vain(self) -> dict[str, list[int]]:
        """Jobs already in the dispatcher's queue for whom nobody is left, by the reason that holds now.

        Under a backlog whoever comes free is weighed against hundreds of them; they must not cost a transaction each.
        """
        found: dict[str, list[int]] = {}
        for i, seen in enumerate(self.seen):
            if self.matched.chosen[i] < 0 and not seen.pending and not seen.used_up:
                found.setdefault(self._why_nobody(seen), []).append(seen.job.id)
        return found

    def _why_nobody(self, seen: Seen) -> str:
        scope = policy.rings(seen.rule, seen.job.org_path)[-1].scope
        there = (one.standing for one in self.people if one.standing.org_path.startswith(scope))
        anybody = any(s.on_duty and s.age_s <= seen.rule.stale_s for s in there)
        return "nobody_in_reach" if anybody else "nobody_on_duty"

    @cached_property
    def taken(self) -> frozenset[int]:
        """Whom this window asks for one of its jobs."""
        return frozenset(self.people[int(k)].standing.id for k in self.matched.chosen if k >= 0)

    def _weighed(self, i: int, c: Considered) -> Candidate:
        one, job = self.people[c.person], self.seen[i].job
        there = Eta.of(c.drive_s, c.distance_m, self.provider)
        candidate = _with(look(one, job.place, c.distance_m, there, ()), c)
        return _promising(candidate, job, answers(one.standing))

    def _looked_at(self, i: int, k: int) -> Candidate:
        ground, rule = self.matched.ground, self.seen[i].rule
        there = straight(rule).to(
            self.seen[i].job.place, [self.people[k].standing.free_at or self.people[k].standing.place]
        )
        place, far = self.seen[i].job.place, float(ground.distance_m[i, k])
        return look(self.people[k], place, far, there[0], self.matched.reasons(i, k))


def _with(candidate: Candidate, c: Considered) -> Candidate:
    return Candidate(**{**vars(candidate), "terms": c.terms, "cost_s": c.cost_s, "step": c.step})


def _promising(candidate: Candidate, job: Waiting, answers: float) -> Candidate:
    """With the chances that he speaks to the customer and is on scene before the promises end."""
    weights, contact, arrive = job.weights, job.contact_left_s, job.arrival_left_s
    asks_s = weights.busy_answer_s if candidate.open_jobs else weights.answer_s
    there = candidate.there.after(candidate.soonest_s - candidate.eta_s)
    return replace(
        candidate,
        asked=job.asked.get(candidate.surveyor_id),
        contact_p=None if contact is None else staleness.contact_in_time(answers, asks_s, contact),
        arrive_p=None if arrive is None else staleness.arrive_in_time(there, arrive),
    )


def solve(
    sessions: Sessions, task_ids: Sequence[int], engine: Engine, now: datetime | None = None
) -> dict[int, int | None]:
    """Decides about these jobs together; the offer of each, or None when nobody was asked.

    Safe to call at any moment by anybody: a job that is busy, or not waiting any more, is left alone.
    """
    outcome: dict[int, int | None] = dict.fromkeys(task_ids)
    left = list(task_ids)
    for _ in range(TRIES):
        window = _weigh(sessions, left, engine, now)
        left = []
        waits = window.in_vain()
        for reason, ids in waits.items():
            asking.wait_on(sessions, ids, reason, now)
        again = {ident for ids in waits.values() for ident in ids}
        for i, seen in enumerate(window.seen):
            if seen.job.id in again:
                continue
            try:
                outcome[seen.job.id] = _settle(sessions, window, i, now)
            except asking.Lost:
                left.append(seen.job.id)
            except Exception as error:
                if isinstance(error, DBAPIError) and error.connection_invalidated:
                    raise
                failed(error, seen.job.id)
        if not left:
            break
    return outcome


def failed(error: Exception, task_id: int) -> None:
    """One poisoned job must not hold up the jobs behind it; it stays due. A driver's text holds places: not logged."""
    known = not isinstance(error, DBAPIError)
    log.error(
        "offer failed",
        extra={"task_id": task_id, "error": type(error).__name__},
        exc_info=error if known else None,
    )


def _settle(sessions: Sessions, window: Window, i: int, now: datetime | None) -> int | None:
    seen, chosen = window.seen[i], window.chosen(i)
    if seen.used_up:
        asking.hand_to_dispatcher(sessions, seen.job.id, seen.round, "rounds_used", now)
        return None
    lines = explain.account(window.ranked(i), window.around(i), chosen, window.taken)
    if chosen is None:
        asking.nobody(sessions, seen.job.id, seen.round, seen.rule, lines, window.provider, now)
        return None
    return asking.put(sessions, seen.job.id, seen.round, seen.rule, chosen, lines, now, seen.job.also)


def _weigh(sessions: Sessions, task_ids: Sequence[int], engine: Engine, now: datetime | None) -> Window:
    with sessions.begin() as session:
        moment = clock.read(session, now)
        seen = read_jobs(session, task_ids, moment)
        crowd = Around(session, seen, moment)
        people = crowd.first()
    jobs = [one.job for one in seen]
    while True:
        spoken = Spoken(engine, {one.job.place: one.rule for one in seen})
        # Who has used up his questions is not weighed: his job would take somebody from another.
        able = [k for k, one in enumerate(seen) if not one.used_up]
        matched = matching.match(jobs, [one.standing for one in people], spoken, only=able)
        if crowd.enough(matched, people, able):
            return Window(tuple(seen), tuple(people), matched, spoken.provider)
        with sessions.begin() as session:
            people = crowd.farther(session)


def read_jobs(session: Session, task_ids: Sequence[int], now: datetime) -> list[Seen]:
    """The jobs that still wait and have a place, most urgent first. One without goes to the dispatcher at once."""
    rows = queries.waiting_jobs(session, list(task_ids))
    waits = [row for row in rows if asking.awaiting(row.state, row.unassigned_reason)]
    for row in waits:
        if row.lon is None:
            asking.unplaced(session, row.id, now)
    return _seen(session, [row for row in waits if row.lon is not None], now)


def facts(session: Session, task_ids: Sequence[int], now: datetime) -> list[Seen]:
    """The same of jobs in any state, those with a place."""
    rows = queries.waiting_jobs(session, list(task_ids))
    return _seen(session, [row for row in rows if row.lon is not None], now)


def _seen(session: Session, rows: Sequence[Any], now: datetime) -> list[Seen]:
    ids = [row.id for row in rows]
    asked, forces = candidates.asked_before(session, ids), catastrophes.over_tasks(session, ids)
    # A claim reported in a catastrophe is judged by its rules, also beside others of the same organisation.
    known: dict[tuple[int, int | None], Policy] = {}
    found = []
    for row in rows:
        try:
            if (row.org_id, row.catastrophe_id) not in known:
                values = rules.values(session, row.org_id, policy.DEFAULTS | limits.DEFAULTS)
                values |= catastrophes.of_claim(session, row.catastrophe_id)
                known[row.org_id, row.catastrophe_id] = Policy.of(values)
        except (ValueError, TypeError, KeyError) as error:
            failed(error, row.id)
            continue
        rule = known[row.org_id, row.catastrophe_id]
        job = Waiting(
            id=row.id,
            place=LonLat(row.lon, row.lat),
            org_path=row.path,
            weights=rule.weights,
            needs=frozenset(row.needs),
            waited_s=(now - row.created_at).total_seconds(),
            contact_left_s=_left(row.contact_due, now),
            arrival_left_s=_left(row.arrival_due, now),
            priority=row.priority,
            asked=asked.get(row.id, {}),
            also=forces[row.id].borrowed if row.id in forces else (),
        )
        found.append(Seen(job, rule, row.round, row.state == "pending", row.unreached))
    return found


def _left(due_at: datetime | None, now: datetime) -> float | None:
    return None if due_at is None else (due_at - now).total_seconds()


class Around:
    """Whom a window looks at: walked outward while somebody farther could still be better, or everybody at once."""

    def __init__(self, session: Session, seen: Sequence[Seen], now: datetime) -> None:
        self.session, self.seen, self.now = session, seen, now
        self.places = [one.job.place for one in seen]
        self.walks = iter(WALKS)
        self.walked: int | None = None
        self.habits = habits(session, seen) if seen else None

    def first(self) -> list[Someone]:
        """The first look."""
        return self.farther(self.session)

    def farther(self, session: Session) -> list[Someone]:
        """A wider look."""
        if self.habits is None:
            return []
        if len(self.seen) > FEW and session.execute(text(candidates.COUNT)).scalar_one() <= EVERYBODY:
            self.walked = None
            scopes = sorted({root_of(one.job.org_path) for one in self.seen})
            return candidates.read_people(session, self.now, self.habits, scopes=scopes)
        self.walked = next(self.walks)
        return candidates.read_people(session, self.now, self.habits, around=self.places, walk=self.walked)

    def enough(self, matched: Matched, people: Sequence[Someone], able: Sequence[int]) -> bool:
        """Whether nobody farther out could be better for any of the jobs."""
        walk = self.walked
        if walk is None or len(people) < walk or walk == WALKS[-1]:
            return True
        reached_m = np.partition(matched.ground.distance_m, walk - 1, axis=1)[:, walk - 1]
        return all(reached_m[i] >= self._needed_m(matched, i) for i in able)

    def _needed_m(self, matched: Matched, i: int) -> float:
        widest = max(self.seen[i].rule.weights.ring_m)
        k = int(matched.chosen[i])
        if k < 0:
            return widest
        at = np.flatnonzero((matched.rows == i) & (matched.cols == k))
        return min(widest, float(matched.cost_s[at[0]]) * FASTEST_MPS)


def habits(session: Session, seen: Sequence[Seen]) -> Habits:
    """What says when somebody is free; one insurer's, for one insurer's jobs are in a window as a rule."""
    return Habits.learned(session, seen[0].job.org_path, seen[0].rule)
