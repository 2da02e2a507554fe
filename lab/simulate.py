"""The event loop: one day, one policy, a simulated clock. Every claim ends done, or unserved when nobody ever went.

The loop knows people and roads; whom to ask is the policy's business alone, which sees what a dispatcher would see.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Protocol

from claims.states import TaskState
from dispatch.states import OfferState, next_offer
from geo.fix import LonLat
from lab.cast import Asked, Case, Drive, Mate, seen_at, stands
from lab.day import Day

T = TaskState
# A surveyor on scene is talking to somebody: he looks at his phone, and rings, later than an idle one.
BUSY_FACTOR = 1.6
# Long after the last report nothing more is to be expected: who has not been served then never is.
PATIENCE_S = 8 * 3_600.0


class Policy(Protocol):
    """Whom to ask. `every_s`: how often it wants to look while somebody waits; None looks only when something happens."""

    name: str
    every_s: float | None
    window_s: float

    def decide(self, sim: "Sim") -> None: ...


@dataclass
class Sim:
    """A day in play. Policies read it and call `offer`, `broadcast`, `give_back`, `ask_move`.

    `words`: the share of surveys whose surveyor says when he will be done; None: as the day's people do.
    """

    day: Day
    policy: Policy
    progress: Callable[[float], None] = lambda share: None
    words: float | None = None
    now: float = 0.0
    cases: list[Case] = field(init=False)
    mates: list[Mate] = field(init=False)
    waiting: dict[int, None] = field(default_factory=dict)  # losses that want somebody, in order
    offered: dict[int, None] = field(default_factory=dict)  # losses one person is being asked about
    held: dict[int, None] = field(default_factory=dict)  # losses accepted, nobody under way yet
    silences: dict[int, tuple[int, float]] = field(
        default_factory=dict
    )  # offers in a row run out, when the last did
    unreached: dict[int, tuple[int, float]] = field(
        default_factory=dict
    )  # the same of those no phone fetched
    left: int = field(init=False)
    looks: int = 0
    _events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = field(default_factory=list)
    _order: Any = field(default_factory=count)
    _look_at: float | None = None

    def __post_init__(self) -> None:
        self.cases = [Case(loss) for loss in self.day.losses]
        self.mates = [Mate(person, person.home) for person in self.day.people]
        self.left = len(self.cases)
        for loss in self.day.losses:
            self.at(loss.at_s, self._reported, loss.no)
        for mate in self.mates:
            for number, (start, end) in enumerate(mate.person.shifts):
                self.at(start, self._begins, mate, number)
                if end < float("inf"):
                    self.at(end, self._ends, mate)

    def run(self) -> list[Case]:
        """Plays the day to its end."""
        last = max((loss.at_s for loss in self.day.losses), default=0.0)
        tell, handled = 0.0, 0
        while self._events and self.left:
            at, _, act, args = heapq.heappop(self._events)
            if at > last + PATIENCE_S:
                break
            self.now = at
            act(*args)
            handled += 1
            if handled % 500 == 0 and at / max(1.0, last) >= tell + 0.02:
                tell = at / max(1.0, last)
                self.progress(min(1.0, tell))
        self.progress(1.0)
        return self.cases

    def at(self, when: float, act: Callable[..., None], *args: Any) -> None:
        """Something that will happen."""
        heapq.heappush(self._events, (max(when, self.now), next(self._order), act, args))

    def look_soon(self, after_s: float | None = None) -> None:
        """The policy looks after its window; one look is enough for everything that happens meanwhile."""
        when = self.now + (self.policy.window_s if after_s is None else after_s)
        if self._look_at is None or self._look_at > when or self._look_at < self.now:
            self._look_at = when
            self.at(when, self._look, when)

    def _look(self, when: float) -> None:
        if self._look_at != when:
            return  # an earlier look was asked for meanwhile
        self._look_at = None
        self.looks += 1
        self.policy.decide(self)
        if self.policy.every_s is not None and (self.waiting or self.offered or self.held):
            self.look_soon(self.policy.every_s)

    # What the policy may do

    def offer(
        self,
        loss: int,
        person: int,
        ttl_s: float,
        rank: int = 1,
        believed_s: float = 0.0,
        unseen_s: float | None = None,
    ) -> bool:
        """Asks one surveyor, alone. False when he or the claim is being asked already: the index would have said no.

        `unseen_s`: it ends then unless his phone has fetched it; None: a question lives its whole time.
        """
        case, mate = self.cases[loss], self.mates[person]
        if not case.waits or mate.question is not None:
            return False
        asked = self._ask(case, person, self.now + ttl_s, rank, believed_s)
        mate.question = loss
        case.move(T.OFFERED)
        self.waiting.pop(loss, None)
        self.offered[loss] = None
        answers_s, fetch_s, says = self._answer(loss, person, len(case.asked) - 1)
        asked.fetched_s = self.now + fetch_s
        if unseen_s is not None:
            asked.reach_s = self.now + unseen_s
        if asked.fetched_s >= asked.reach_s:
            self.at(asked.reach_s, self._answered, loss, person, asked, OfferState.UNREACHED)
        elif answers_s < ttl_s:
            self.at(self.now + answers_s, self._answered, loss, person, asked, says)
        else:
            self.at(self.now + ttl_s, self._answered, loss, person, asked, OfferState.EXPIRED)
        return True

    def broadcast(self, loss: int, people: list[int]) -> None:
        """Asks many at once; the first to accept has it. Nothing runs out; the claim stays open to all."""
        case = self.cases[loss]
        for person in people:
            asked = self._ask(case, person, float("inf"), 1, 0.0)
            delay_s, _, says = self._answer(loss, person, 0)
            self.at(
                self.now + delay_s + self.day.extra_s(loss, person), self._first, loss, person, asked, says
            )

    def withdraw(self, loss: int) -> None:
        """Takes a question back; the claim is to be had again."""
        case = self.cases[loss]
        asked = case.asked[-1]
        asked.outcome, asked.settled_s = str(next_offer(asked.outcome, OfferState.WITHDRAWN)), self.now
        self.mates[asked.person].question = None
        case.switches += 1
        case.move(T.PENDING)
        self.offered.pop(loss, None)
        self.waiting[loss] = None

    def give_back(self, loss: int) -> bool:
        """Takes a job from who holds it, before he sets out. A call already made stays made."""
        case = self.cases[loss]
        if loss not in self.held or case.holder is None:
            return False
        mate = self.mates[case.holder]
        if mate.now_at == loss:
            return False  # he is turning the key
        mate.jobs.remove(loss)
        case.holder, case.accepted_s = None, None
        case.switches += 1
        case.since = len(case.asked)
        case.move(T.PENDING)
        self.held.pop(loss)
        self.waiting[loss] = None
        return True

    def ask_move(self, person: int, place: LonLat, ttl_s: float) -> bool:
        """Asks a free surveyor to wait elsewhere: a request, never a duty. A job offered meanwhile comes first."""
        mate = self.mates[person]
        if mate.doing != "idle" or mate.jobs or not mate.on_duty or mate.moving(self.now):
            return False
        mate.move_asked_s = self.now
        mate.moves += 1
        heard = mate.person.muted_until(self.now) or self.now
        if heard - self.now < ttl_s and not self.day.stays(person, mate.moves):
            self.at(
                heard + self.day.move_answer_s(person, mate.moves),
                self._moves_up,
                mate,
                place,
                mate.move_asked_s,
            )
        return True

    def _moves_up(self, mate: Mate, place: LonLat, asked_s: float) -> None:
        if mate.doing != "idle" or mate.jobs or not mate.on_duty or mate.move_asked_s != asked_s:
            return
        start = stands(mate, self.day, self.now)
        way = self.day.way(start, place)
        if len(way.lon):
            drive_s = way.at_s[-1] * self.day.slow(self.now)
            mate.set_out(Drive(start, place, self.now, self.now + drive_s))
            mate.moved_m += way.metres

    def _halt(self, mate: Mate) -> None:
        """Who was on the way to wait elsewhere stops: he has a job."""
        move = mate.moving(self.now)
        if move is None:
            return
        here = stands(mate, self.day, self.now)
        way = self.day.way(move.start, move.to)
        mate.moved_m -= way.metres * (move.arrive_s - self.now) / max(1e-9, move.arrive_s - move.depart_s)
        mate.drives[-1] = Drive(move.start, here, move.depart_s, self.now)

    def seen_at(self, person: int) -> tuple[int | LonLat, float]:
        """Where somebody is believed to be, and how old that belief is."""
        return seen_at(self.mates[person], self.day, self.now)

    def unreached_since(self, person: int) -> int:
        """Offers in a row no phone of his fetched, since it last spoke: then it looks for what is new."""
        count, last = self.unreached.get(person, (0, 0.0))
        return count if count and self.mates[person].person.heard_s(self.now) < last else 0

    # What happens

    def _reported(self, loss: int) -> None:
        self.waiting[loss] = None
        self.look_soon()

    def _begins(self, mate: Mate, shift: int) -> None:
        mate.on_duty = True
        if mate.doing == "idle" and shift > 0:
            # A new shift begins where he lives; drives of before say nothing any more.
            mate.at, mate.drives = mate.person.home, []
        mate.idle_since_s = self.now
        self.look_soon()

    def _ends(self, mate: Mate) -> None:
        """He takes no new jobs; what he holds he brings to an end."""
        mate.on_duty = False

    def _ask(self, case: Case, person: int, until_s: float, rank: int, believed_s: float) -> Asked:
        asked = Asked(person, self.now, until_s, rank, believed_s=believed_s)
        case.asked.append(asked)
        if case.first_asked_s is None:
            case.first_asked_s = self.now
        return asked

    def _answer(self, loss: int, person: int, attempt: int) -> tuple[float, float, OfferState]:
        """After how long he answers and his phone has the question, and what he says. A mute phone has it when it speaks."""
        deed = self.day.deeds.get((loss, person))
        if deed is not None and deed.outcome != OfferState.WITHDRAWN:
            never = float("inf")
            if deed.outcome == OfferState.UNREACHED:
                return never, never, OfferState.EXPIRED
            silent = deed.outcome == OfferState.EXPIRED
            fetch_s = self.day.human.fetch_s if deed.fetch_s is None else deed.fetch_s
            says = OfferState(deed.outcome)
            return (never, fetch_s, says) if silent else (deed.answer_s, min(fetch_s, deed.answer_s), says)
        mate = self.mates[person]
        heard = mate.person.muted_until(self.now) or self.now
        delay_s = self.day.answer_s(loss, attempt) * (BUSY_FACTOR if mate.doing == "on_scene" else 1.0)
        fetched = heard + self.day.fetch_s(loss, attempt, delay_s)
        fetched = mate.person.muted_until(fetched) or fetched
        answered = heard + delay_s
        answered = mate.person.muted_until(answered) or answered
        says = OfferState.DECLINED if self.day.declines(loss, person) else OfferState.ACCEPTED
        return answered - self.now, fetched - self.now, says

    def _answered(self, loss: int, person: int, asked: Asked, says: OfferState) -> None:
        if asked.outcome != "open":
            return
        case = self.cases[loss]
        asked.outcome, asked.settled_s = str(next_offer(asked.outcome, says)), self.now
        self.mates[person].question = None
        self.offered.pop(loss, None)
        if says is OfferState.UNREACHED:
            self.unreached[person] = self.unreached_since(person) + 1, self.now
        elif says is OfferState.EXPIRED:
            self.silences[person] = self.silences.get(person, (0, 0.0))[0] + 1, self.now
        else:
            self.silences.pop(person, None)
        if says is OfferState.ACCEPTED:
            self._accepted(case, person)
        else:
            case.move(T.PENDING)
            self.waiting[loss] = None
        self.look_soon()

    def _first(self, loss: int, person: int, asked: Asked, says: OfferState) -> None:
        """Somebody of many answers: if the claim is still to be had and he is free, it is his."""
        case, mate = self.cases[loss], self.mates[person]
        if asked.outcome != "open":
            return
        if not case.waits or mate.doing != "idle" or not mate.on_duty:
            asked.outcome, asked.settled_s = "too_late", self.now
            return
        asked.outcome, asked.settled_s = str(says), self.now
        if says is OfferState.ACCEPTED:
            case.move(T.OFFERED)
            self.waiting.pop(loss, None)
            self._accepted(case, person)

    def _accepted(self, case: Case, person: int) -> None:
        mate, loss = self.mates[person], case.loss.no
        case.move(T.ACCEPTED)
        case.holder, case.accepted_s = person, self.now
        mate.jobs.append(loss)
        mate.had.add(loss)
        self.held[loss] = None
        deed = self.day.deeds.get((loss, person))
        ring_s = self.day.ring_s(loss) * (BUSY_FACTOR if mate.doing == "on_scene" else 1.0)
        ring_s = ring_s if deed is None or deed.ring_s is None else deed.ring_s
        if case.contacted_s is None:
            self.at(self.now + ring_s, self._rings, loss, person)
        if mate.doing == "idle":
            self._settle(mate)

    def _settle(self, mate: Mate) -> None:
        """Turns to the next job: at once, or a moment after he took it."""
        case = self.cases[mate.jobs[0]]
        self._halt(mate)
        mate.doing = "settling"
        deed = self.day.deeds.get((case.loss.no, mate.person.no))
        settle_s = self.day.settle_s(case.loss.no) if deed is None or deed.settle_s is None else deed.settle_s
        ready = (case.accepted_s or self.now) + settle_s
        self.at(max(self.now, ready), self._departs, mate, case)

    def _rings(self, loss: int, person: int) -> None:
        case = self.cases[loss]
        if case.contacted_s is not None or case.holder != person:
            return
        case.rings += 1
        if not self.day.heard(loss, case.rings):
            self.at(self.now + self.day.human.again_s, self._rings, loss, person)
            return
        case.contacted_s = self.now
        if case.state == T.ACCEPTED:
            case.move(T.CONTACTED)

    def _departs(self, mate: Mate, case: Case) -> None:
        loss = case.loss.no
        start = stands(mate, self.day, self.now)
        deed = self.day.deeds.get((loss, mate.person.no))
        known = None if deed is None or mate.astray else deed.drive_s
        drive_s = self.day.drive_s(start, loss, self.now) if known is None else known
        case.departed_s = self.now
        case.move(T.EN_ROUTE)
        self.held.pop(loss, None)
        mate.set_out(Drive(start, case.loss.place, self.now, self.now + drive_s, loss))
        mate.driven_s += drive_s
        mate.driven_m += self.day.way(start, case.loss.place).metres
        self.at(self.now + drive_s, self._arrives, mate, case)

    def _arrives(self, mate: Mate, case: Case) -> None:
        case.arrived_s = mate.on_scene_s = self.now
        if case.contacted_s is None:
            case.contacted_s = self.now  # he stands before the customer
        case.move(T.ON_SCENE)
        mate.doing, mate.at = "on_scene", case.loss.place
        self.at(self.now + case.loss.scene_s, self._finishes, mate, case)
        human = self.day.human
        if self.day.speaks(case.loss.no, human.words if self.words is None else self.words):
            self.at(self.now + human.word_after_s, self._says, case, 0)

    def _says(self, case: Case, attempt: int) -> None:
        """He says how long he still needs, and again when that has passed."""
        if case.state != T.ON_SCENE or case.arrived_s is None:
            return
        left_s = case.arrived_s + case.loss.scene_s - self.now
        case.said_s, case.word_s = self.now, self.day.word_s(case.loss.no, left_s, attempt)
        self.at(self.now + case.word_s, self._says, case, attempt + 1)

    def _finishes(self, mate: Mate, case: Case) -> None:
        case.done_s = self.now
        case.move(T.SUBMITTED)
        self.left -= 1
        mate.jobs.pop(0)
        mate.done += 1
        mate.worked_s += self.now - mate.on_scene_s
        mate.doing, mate.idle_since_s = "idle", self.now
        if mate.jobs:
            self._settle(mate)
        self.look_soon()


def play(
    day: Day,
    policy: Policy,
    progress: Callable[[float], None] = lambda share: None,
    *,
    words: float | None = None,
) -> Sim:
    """Plays a day under a policy to its end. `words`: of so many surveys the surveyor says when he will be done."""
    sim = Sim(day, policy, progress, words)
    sim.run()
    return sim
