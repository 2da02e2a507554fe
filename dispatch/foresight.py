"""The clock that sees its own breach: who will be late, and whether another could still be in time. Pure, as costs.py is.

A job is taken from somebody only when all of this holds: he is foreseen late, another is foreseen in time, the other is
sooner by a fixed gain, the last switch is some time ago, and the job has not been switched too often. Each of the last
three alone would let two surveyors pass a job to and fro while the estimates wobble around the limit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from dispatch import matching
from dispatch.costs import Standing, Waiting
from dispatch.matching import Drives, Matched

Clock = Literal["contact", "arrival"]

# An unanswered question is taken back for less: nobody has set out yet.
OFFER_GAIN_S = 30.0
# He whose phone has not been heard of for so long will not ring the customer either.
LOST_S = 300.0
# A phone that works fetches a question within seconds, and asks by itself every twenty: after that it is taken for deaf.
DEAF_AFTER_S = 20.0
# A new estimate that is late by less than this is no reason to move: road times are not that exact.
SLACK_S = 30.0


@dataclass(frozen=True)
class Foresight:
    """When an organisation acts on a foreseen breach. `gain_s`, `hold_s`, `most`: the three guards against flapping."""

    offers: bool = True
    held: Literal["off", "propose", "auto"] = "propose"
    uncontacted_s: float = 240.0
    gain_s: float = 180.0
    hold_s: float = 120.0
    most: int = 2


@dataclass(frozen=True, slots=True)
class Held:
    """A job somebody was asked for or has accepted. Times are seconds from now; `…_ago_s` backwards.

    `accepted_ago_s` None: he has not answered yet and may until `answer_left_s` from now. `unseen_ago_s`: asked so long
    ago and no phone of his has fetched it; None: one has. Unless one does the question ends in `unseen_left_s`.
    `contacted`: the customer was rung. `arrive_in_s`: when the holder will be on scene, None: it cannot be said.
    """

    job: Waiting
    holder: Standing
    rule: Foresight
    arrive_in_s: float | None
    contacted: bool = False
    departed: bool = False
    answer_left_s: float = 0.0
    unseen_ago_s: float | None = None
    unseen_left_s: float = 0.0
    accepted_ago_s: float | None = None
    switched_ago_s: float | None = None
    switches: int = 0

    @property
    def deaf(self) -> bool:
        """Whether the question is as good as lost: he was asked, and no phone of his will tell him."""
        return self.accepted_ago_s is None and (self.unseen_ago_s or 0.0) >= DEAF_AFTER_S


@dataclass(frozen=True)
class Foreseen:
    """What will happen if nothing is done. `late_s` > 0 is a breach; `why` names what it follows from."""

    clock: Clock
    late_s: float
    why: Literal["silent_after_accepting", "not_answering", "not_reached", "will_arrive_late"]


@dataclass(frozen=True)
class Switch:
    """A job to take from its holder, and who could do it: the index of the person, what is gained, and why."""

    held: int
    person: int
    gain_s: float
    foreseen: Foreseen
    matched: Matched
    row: int = 0  # the job's place in `matched`, which holds every job that was late together

    def only(self) -> Matched:
        """The matching as far as it is about this job."""
        return self.matched.only(self.row)


def foresee(held: Held) -> Foreseen | None:
    """The breach that is coming for this job, None when none is: the contact clock first, then the arrival clock."""
    return _contact(held) or _arrival(held)


def _contact(held: Held) -> Foreseen | None:
    left = held.job.contact_left_s
    if held.contacted or left is None or left < 0:
        # What is broken already is the escalation's business: no switch mends it.
        return None
    asks = held.job.weights.answer_s
    if held.deaf:
        # Then somebody else is asked, who may take his whole time to answer.
        late = held.unseen_left_s + held.job.weights.offer_ttl_s + asks - left
        return Foreseen("contact", late, "not_reached") if late > 0 else None
    if held.accepted_ago_s is None:
        # He may still answer, at the last moment as likely as now; then he rings.
        late = held.answer_left_s + asks - left
        # Waiting out one who is as good as lost costs what another would need.
        return Foreseen("contact", late, "not_answering") if late > 0 else None
    if held.accepted_ago_s < held.rule.uncontacted_s and held.holder.age_s < LOST_S:
        return None
    # Silent for so long already: that he rings within the next as many seconds is not to be counted on.
    late = max(asks, held.accepted_ago_s) - left
    return Foreseen("contact", max(late, 1.0), "silent_after_accepting")


def _arrival(held: Held) -> Foreseen | None:
    left = held.job.arrival_left_s
    if left is None or left < 0 or held.arrive_in_s is None:
        return None
    late = held.arrive_in_s - left
    return Foreseen("arrival", late, "will_arrive_late") if late > SLACK_S else None


def may_switch(held: Held) -> bool:
    """The guards that do not depend on who else there is."""
    rule = held.rule
    if held.accepted_ago_s is None and not rule.offers:
        return False
    if held.accepted_ago_s is not None and rule.held == "off":
        return False
    if held.switches >= rule.most:
        return False
    return held.switched_ago_s is None or held.switched_ago_s >= rule.hold_s


def in_time(held: Held, clock: Clock, person: Standing, soonest_s: float) -> bool:
    """Whether somebody else would keep the clock that is about to be broken, and not break the other one for it."""
    weights = held.job.weights
    answer = weights.busy_answer_s if person.open_jobs else weights.answer_s
    contact, arrival = held.job.contact_left_s, held.job.arrival_left_s
    rings = held.contacted or contact is None or contact < 0 or answer <= contact
    comes = arrival is None or arrival < 0 or soonest_s <= arrival
    # A job already too late for the scene may still be rung for in time, and the other way round.
    return rings if clock == "contact" and not comes else rings and comes


def gain(held: Held, foreseen: Foreseen, person: Standing, soonest_s: float) -> float:
    """Seconds by which the other is sooner at what is about to be late; for a silent holder, what is left is at stake."""
    if foreseen.clock == "arrival":
        return (held.arrive_in_s or 0.0) - soonest_s
    weights = held.job.weights
    answer = weights.busy_answer_s if person.open_jobs else weights.answer_s
    if held.accepted_ago_s is not None:
        return max(held.accepted_ago_s, held.rule.uncontacted_s) - answer
    # What a deaf phone was asked comes to the same other person, only later.
    return held.unseen_left_s if held.deaf else held.answer_left_s + weights.answer_s - answer


def switches(held: Sequence[Held], people: Sequence[Standing], drives: Drives) -> list[Switch]:
    """The jobs to take from their holders now, one person for at most one of them, by the same matching as ever."""
    late = [(k, seen) for k, h in enumerate(held) if may_switch(h) and (seen := foresee(h)) is not None]
    if not late:
        return []
    matched = matching.match([_without_holder(held[k]) for k, _ in late], people, drives)
    found = []
    for row, (k, seen) in enumerate(late):
        if matched.chosen[row] < 0:
            continue
        best = next(c for c in matched.ranked(row) if c.person == matched.chosen[row])
        person = people[best.person]
        gained = gain(held[k], seen, person, best.soonest_s)
        # Neither neighbours nor people who were silent before are worth a switch: it would come back.
        calm = best.step == 0 and best.terms["again"] == 0
        if calm and gained >= _least_gain(held[k]) and in_time(held[k], seen.clock, person, best.soonest_s):
            found.append(Switch(k, best.person, gained, seen, matched, row))
    return found


def _least_gain(held: Held) -> float:
    return held.rule.gain_s if held.accepted_ago_s is not None else min(held.rule.gain_s, OFFER_GAIN_S)


def _without_holder(held: Held) -> Waiting:
    job = held.job
    return Waiting(
        job.id, job.place, job.org_path, job.weights, job.needs, job.waited_s, job.contact_left_s, job.arrival_left_s,
        job.priority, {**job.asked, held.holder.id: "held"},
    )  # fmt: skip
