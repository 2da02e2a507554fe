"""A day to play policies on: losses, people, their phones and habits, and the roads between all places that matter.

Seconds count from the day's start. Nothing here knows a policy: the day is thrown once, and every policy meets the same.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from geo.fix import LonLat
from lab import dice
from lab.net import Net, Seconds, Spot, Way, metres_between_all

# The throws, told apart: a claim's answer delay is not its surveyor's.
ANSWER, EXTRA, DECLINE, RING, HEARD, SETTLE, TRAFFIC, SERVICE, SPELL, PHASE, SPEAKS, WORD, MOVE, FETCH = (
    range(14)
)


@dataclass(frozen=True)
class Human:
    """How people and phones are; times in seconds, chances from 0 to 1.

    `silent` is the share of the time a phone says nothing at all: no position goes out and no offer is seen. `hidden` is
    the share it has no signal for a short while, as in a basement. A phone that speaks fetches an offer `fetch_s` after the
    question on average (its bell, or its asking every twenty seconds); of a share `asleep` the page sleeps until a text has
    woken its owner, who then answers at once. `words` is the share of surveys whose surveyor says on
    scene how long he still needs: after `word_after_s`, and again when he is not done by then. It takes him `word_takes` times
    what he says, `word_spread` apart (standard deviation of the logarithm). 0: nobody says anything.
    """

    answer_s: float = 12.0
    answer_spread: float = 0.5
    extra_s: float = 15.0
    decline: float = 0.05
    stays: float = 0.2  # says no when asked to wait elsewhere
    ring_s: float = 35.0
    heard: float = 0.92
    again_s: float = 120.0
    settle_s: float = 60.0
    fetch_s: float = 3.0
    asleep: float = 0.10
    silent: float = 0.20
    silent_spell_s: float = 1_500.0
    hidden: float = 0.03
    hidden_spell_s: float = 80.0
    ping_s: float = 20.0
    traffic_spread: float = 0.12
    service_min: float = 32.0
    service_spread: float = 0.35
    words: float = 0.0
    word_after_s: float = 240.0
    word_takes: float = 1.1
    word_spread: float = 0.25


ORG = "/1/"
# What the phone offers to say with one tap: minutes until the job is done.
CHOICES_S = tuple(60.0 * minutes for minutes in (5, 10, 20, 40))


@dataclass(frozen=True)
class Track:
    """Recorded fixes of a phone in order of time: where he was while he did what he did then."""

    at_s: tuple[float, ...]
    places: tuple[LonLat, ...]

    def at(self, now: float) -> tuple[LonLat, float] | None:
        """The newest fix not after `now`, and when it was taken."""
        i = bisect_right(self.at_s, now) - 1
        return (self.places[i], self.at_s[i]) if i >= 0 else None


@dataclass(frozen=True)
class Deed:
    """What somebody really did about a claim: his answer and after how long; then the seconds of each step, if it came."""

    outcome: str
    answer_s: float
    accepted_at_s: float | None = None
    ring_s: float | None = None
    settle_s: float | None = None
    drive_s: float | None = None
    fetch_s: float | None = None  # until a phone of his had it


@dataclass(frozen=True)
class Loss:
    """A claim of the day. `place` indexes the day's places; `scene_s` is how long the survey will truly take."""

    no: int
    at_s: float
    place: int
    scene_s: float
    usual_scene_s: float
    needs: tuple[str, ...] = ()
    cause: str = ""
    org: str = ORG


@dataclass(frozen=True)
class Person:
    """A surveyor: where his shifts begin, when he is on duty (start, end), what he can do, and when his phone is mute."""

    no: int
    home: int
    shifts: tuple[tuple[float, float], ...]
    skills: frozenset[str] = frozenset()
    max_open: int = 5
    mute: tuple[tuple[float, float], ...] = ()
    ping_s: float = 20.0
    phase_s: float = 0.0
    org: str = ORG
    track: "Track | None" = None

    def muted_until(self, now: float) -> float | None:
        """When the phone speaks again; None when it speaks now."""
        at = bisect_right(self.mute, (now, float("inf"))) - 1
        return self.mute[at][1] if at >= 0 and now < self.mute[at][1] else None

    def heard_s(self, now: float) -> float:
        """When the newest position that has reached the server was taken."""
        ping = now - (now - self.phase_s) % self.ping_s
        at = bisect_right(self.mute, (ping, float("inf"))) - 1
        return min(ping, self.mute[at][0]) if at >= 0 and ping < self.mute[at][1] else ping

    def on_duty(self, now: float) -> bool:
        """Whether a shift is on."""
        return any(start <= now < end for start, end in self.shifts)


@dataclass(frozen=True, eq=False)
class Day:
    """Losses in order of time, people, and the seconds between their places as believed and as they are."""

    net: Net
    human: Human
    seed: int
    places: tuple[LonLat, ...]
    losses: tuple[Loss, ...]
    people: tuple[Person, ...]
    end_s: float
    slower: tuple[float, ...] = (1.0,) * 24  # by hour from the day's start
    start_hour: float = 0.0
    deeds: dict[tuple[int, int], Deed] = field(
        default_factory=dict
    )  # of a recorded day, by claim and surveyor
    history: tuple[LonLat, ...] = ()  # where reports came from before this day
    _ways: dict[tuple[int | LonLat, int | LonLat], Way] = field(default_factory=dict)

    @cached_property
    def spots(self) -> Sequence[Spot]:
        """The places on the network."""
        return self.net.spots(self.places)

    @cached_property
    def taken(self) -> dict[int, tuple[tuple[int, float], ...]]:
        """Of a recorded day: which claims each surveyor took, and when."""
        found: dict[int, list[tuple[int, float]]] = {}
        for (loss, person), deed in self.deeds.items():
            if deed.accepted_at_s is not None:
                found.setdefault(person, []).append((loss, deed.accepted_at_s))
        return {person: tuple(sorted(mine, key=lambda one: one[1])) for person, mine in found.items()}

    @cached_property
    def index(self) -> dict[LonLat, int]:
        """Which place a point is. Claims come last in `places`, in order."""
        return {place: number for number, place in enumerate(self.places)}

    @cached_property
    def _targets(self) -> list[int]:
        return [loss.place for loss in self.losses]

    @cached_property
    def true_s(self) -> Seconds:
        """Free-flow seconds as they are [places, losses]."""
        return self._between(true=True)

    @cached_property
    def known_s(self) -> Seconds:
        """Free-flow seconds as the map has them [places, losses]."""
        return self._between(true=False)

    @cached_property
    def straight_m(self) -> Seconds:
        """Metres in a straight line [places, losses]."""
        return metres_between_all(self.net.plane, self.places, [self.places[i] for i in self._targets])

    def _between(self, *, true: bool) -> Seconds:
        return self.net.matrix(self.spots, [self.spots[i] for i in self._targets], true=true)

    def slow(self, now: float) -> float:
        """How much longer the roads take at this time of the day than when they are empty; everybody knows it."""
        return self.slower[int(self.start_hour + now / 3_600.0) % len(self.slower)]

    def traffic(self, loss: int) -> float:
        """What nobody knows beforehand about the way to a loss."""
        spread = self.human.traffic_spread
        return dice.lognormal(np.exp(-(spread**2) / 2), spread, self.seed, TRAFFIC, loss)

    def drive_s(self, start: int | LonLat, loss: int, now: float) -> float:
        """How long the drive takes that sets out now."""
        return self.between_s(start, loss, true=True) * self.slow(now) * self.traffic(loss)

    def between_s(self, start: int | LonLat, loss: int, *, true: bool) -> float:
        """Free-flow seconds to a loss, from a place of the day or from anywhere."""
        if isinstance(start, LonLat):
            target = [self.spots[self.losses[loss].place]]
            return float(self.net.matrix(self.net.spots([start]), target, true=true)[0, 0])
        return float((self.true_s if true else self.known_s)[start, loss])

    def way(self, start: int | LonLat, to: int | LonLat) -> Way:
        """The way of a drive between places; remembered, because policies repeat each other's drives."""
        key = start, to
        if key not in self._ways:
            self._ways[key] = self.net.way(self._spot(start), self._spot(to))
        return self._ways[key]

    def _spot(self, place: int | LonLat) -> Spot:
        return self.net.spots([place])[0] if isinstance(place, LonLat) else self.spots[place]

    def answer_s(self, loss: int, attempt: int) -> float:
        """Seconds until the `attempt`-th asked about a loss has made up his mind."""
        return dice.lognormal(self.human.answer_s, self.human.answer_spread, self.seed, ANSWER, loss, attempt)

    def fetch_s(self, loss: int, attempt: int, answer_s: float) -> float:
        """Seconds until the phone of the `attempt`-th asked has the offer, if it speaks: never after the answer."""
        if dice.chance(self.seed, FETCH, loss, attempt, 0) < self.human.asleep:
            return answer_s
        return min(answer_s, dice.exponential(self.human.fetch_s, self.seed, FETCH, loss, attempt, 1))

    def extra_s(self, loss: int, person: int) -> float:
        """What somebody asked together with others takes longer: perhaps another one goes."""
        return dice.exponential(self.human.extra_s, self.seed, EXTRA, loss, person)

    def declines(self, loss: int, person: int) -> bool:
        """Whether somebody says no to a loss."""
        return dice.chance(self.seed, DECLINE, loss, person) < self.human.decline

    def stays(self, person: int, time: int) -> bool:
        """Whether somebody asked for the `time`-th time to wait elsewhere says no."""
        return dice.chance(self.seed, MOVE, person, time, 0) < self.human.stays

    def move_answer_s(self, person: int, time: int) -> float:
        """From that question to turning the key."""
        human = self.human
        answer = dice.lognormal(human.answer_s, human.answer_spread, self.seed, MOVE, person, time, 1)
        return answer + dice.lognormal(human.settle_s, 0.4, self.seed, MOVE, person, time, 2)

    def ring_s(self, loss: int) -> float:
        """From the acceptance to the first ring."""
        return dice.lognormal(self.human.ring_s, 0.5, self.seed, RING, loss)

    def heard(self, loss: int, attempt: int) -> bool:
        """Whether the customer picks up."""
        return dice.chance(self.seed, HEARD, loss, attempt) < self.human.heard

    def speaks(self, loss: int, words: float) -> bool:
        """Whether the surveyor of a loss says when he will be done, where a share `words` of them do."""
        return dice.chance(self.seed, SPEAKS, loss) < words

    def word_s(self, loss: int, left_s: float, attempt: int) -> float:
        """The seconds he says he still needs when `left_s` are left: wrong by his habit, and one of what his phone offers."""
        human = self.human
        factor = dice.lognormal(human.word_takes, human.word_spread, self.seed, WORD, loss, attempt)
        return min(CHOICES_S, key=lambda one: abs(one - left_s / factor))

    def settle_s(self, loss: int) -> float:
        """From the acceptance to turning the key."""
        return dice.lognormal(self.human.settle_s, 0.4, self.seed, SETTLE, loss)


def mute_spells(human: Human, seed: int, person: int, end_s: float) -> tuple[tuple[float, float], ...]:
    """When a phone is mute: long silences and short losses of signal, in order, without overlap."""
    spells: list[tuple[float, float]] = []
    for kind, (share, mean) in enumerate(
        ((human.silent, human.silent_spell_s), (human.hidden, human.hidden_spell_s))
    ):
        if share <= 0:
            continue
        gap = mean * (1 - share) / share
        # It begins somewhere in the middle: a share of the phones is mute already.
        now, n = -dice.chance(seed, SPELL, person, kind, 0) * (gap + mean), 1
        while now < end_s:
            now += dice.exponential(gap, seed, SPELL, person, kind, n)
            stop = now + dice.exponential(mean, seed, SPELL, person, kind, n + 1)
            if stop > 0:
                spells.append((now, stop))
            now, n = stop, n + 2
    return merged(spells)


def merged(spells: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Spells in order, overlapping ones made one."""
    found: list[tuple[float, float]] = []
    for start, end in sorted(spells):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return tuple(found)


def shifts_for(
    count: int, crew: Sequence[int], start_hour: float, hours: float
) -> list[tuple[tuple[float, float], ...]]:
    """Shifts so that `crew[hour]` people are on duty in each hour of the day; those of the last hour stay to the end.

    Who is on duty in the quietest hour is on duty always; the others come and go in blocks of hours.
    """
    spans: list[list[tuple[float, float]]] = [[] for _ in range(count)]
    whole = int(np.ceil(hours))
    for step in range(whole):
        need = min(count, crew[int(start_hour + step) % 24])
        for person in range(need):
            begin, end = step * 3_600.0, float("inf") if step == whole - 1 else (step + 1) * 3_600.0
            if spans[person] and spans[person][-1][1] == begin:
                spans[person][-1] = spans[person][-1][0], end
            else:
                spans[person].append((begin, end))
    return [tuple(span) for span in spans]
