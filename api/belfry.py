"""The bells of the stream process: one open line of a phone each, rung by the name of what changed."""

import random
import time
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from gevent.event import Event

from api import packing
from core import metrics
from core.bell import ACCESS, EVERYBODY, KEPT_RINGS

# Lines a surveyor may hold. A phone that lost its network leaves a dead one behind; the oldest makes way.
MOST_EACH = 3
# What may wait for a phone that does not read; beyond it, it is told to look at everything.
MOST_WAITING = 32
# So many phones rung at once ask at once; more are asked to spread, this much each.
FEW, SPREAD_MS, LONGEST_SPREAD_MS = 20, 3.0, 4_000
# After his access came into doubt a listener asks again within this time; when everybody's did, within the second.
DOUBT_S, EVERYBODY_DOUBT_S = 0.5, 4.0
ALL = ("all", "")
Place = tuple[int, int]


class Rung(NamedTuple):
    """An entry of the feed: its place there, whose phone, what, which."""

    place: Place
    who: str
    what: str
    ident: str


@dataclass(eq=False)
class Bell:
    """A phone's open line and what it has not been told yet. `ask_at` (monotonic): when to ask for its right again."""

    who: str
    ask_at: float
    waiting: dict[tuple[str, str], Place] = field(default_factory=dict)
    spread_ms: int = 0
    ended: str = ""
    woken: Event = field(default_factory=Event)

    def push(self, what: tuple[str, str], place: Place, spread_ms: int = 0) -> None:
        """Notes a ring; the same again costs nothing."""
        if len(self.waiting) >= MOST_WAITING and what not in self.waiting:
            self.waiting.clear()
            what = ALL
        self.waiting.pop(what, None)
        self.waiting[what] = place
        self.spread_ms = max(self.spread_ms, spread_ms)
        self.woken.set()

    def end(self, why: str) -> None:
        """Closes the line, telling why."""
        self.ended = self.ended or why
        self.woken.set()

    def take(self) -> bytes:
        """Everything that waits, as one write."""
        told = [
            _event({"what": what, "id": ident, "spread_ms": self.spread_ms}, place)
            for (what, ident), place in self.waiting.items()
        ]
        self.waiting.clear()
        self.spread_ms = 0
        return b"".join(told)


class Belfry:
    """Everybody who listens, and the newest rings for those who come back."""

    def __init__(self) -> None:
        self.bells: dict[str, list[Bell]] = defaultdict(list)
        self.recent: deque[Rung] = deque(maxlen=KEPT_RINGS)
        self.last: Place = (0, 0)
        self.fresh: list[Rung] = []
        self.open = 0

    def everybody(self) -> Iterator[Bell]:
        """All open lines."""
        return iter([bell for of_one in self.bells.values() for bell in of_one])

    def hang(self, bell: Bell) -> None:
        """A phone begins to listen; beyond so many lines of one person the oldest ends."""
        lines = self.bells[bell.who]
        lines.append(bell)
        self._count(1)
        for old in lines[:-MOST_EACH]:
            old.end("replaced")

    def take_down(self, bell: Bell) -> None:
        """A phone listens no more."""
        lines = self.bells[bell.who]
        if bell in lines:
            lines.remove(bell)
            self._count(-1)
        if not lines:
            del self.bells[bell.who]

    def _count(self, more: int) -> None:
        self.open += more
        metrics.BELLS.set(self.open)

    # -- the feed ------------------------------------------------------------------------------------------------

    def learn(self, entries: list[tuple[Place, Mapping[str, str]]]) -> None:
        """Takes the feed's history in place of ours, oldest first; whoever listens looks at everything."""
        self.recent.clear()
        self.fresh.clear()
        self.recent.extend(_rung(place, fields) for place, fields in entries)
        self.last = entries[-1][0] if entries else (0, 0)
        bells = list(self.everybody())
        for bell in bells:
            bell.push(ALL, self.last, spread_of(len(bells)))

    def hear(self, place: Place, fields: Mapping[str, str]) -> None:
        """An entry of the feed; `ring` passes it on."""
        rung = _rung(place, fields)
        self.last = place
        self.recent.append(rung)
        self.fresh.append(rung)

    def ring(self) -> None:
        """Passes on what was heard since, and spreads those who are rung at the same moment."""
        fresh, self.fresh = self.fresh, []
        spread_ms = spread_of(sum(len(self.bells.get(who, ())) for who in {rung.who for rung in fresh}))
        for rung in fresh:
            if rung.what == ACCESS:
                self._doubt(rung.who)
            else:
                for bell in self.bells.get(rung.who, ()):
                    bell.push((rung.what, rung.ident), rung.place, spread_ms)

    def _doubt(self, who: str) -> None:
        """Whoever is meant asks for his right again, not all in the same instant."""
        meant = self.everybody() if who == EVERYBODY else iter(self.bells.get(who, ()))
        within_s = EVERYBODY_DOUBT_S if who == EVERYBODY else DOUBT_S
        for bell in meant:
            bell.ask_at = min(bell.ask_at, time.monotonic() + random.uniform(0, within_s))  # noqa: S311
            bell.woken.set()

    def silence(self) -> None:
        """The feed is away: nobody would hear of a change, nor of a right withdrawn. The phones ask by themselves."""
        for bell in self.everybody():
            bell.end("away")

    def greet(self, bell: Bell, since: str) -> bytes:
        """The first words to a listener: what he missed since, or that he is to look at everything."""
        after = _place(since)
        if after is None or not self._covers(after):
            return _event({"what": "all", "id": "", "spread_ms": 0}, self.last)
        for rung in self.recent:
            if rung.place > after and rung.who == bell.who and rung.what != ACCESS:
                bell.push((rung.what, rung.ident), rung.place)
        return packing.event("resumed", b"{}", _text(after)) + bell.take()

    def _covers(self, after: Place) -> bool:
        if after > self.last:
            return False
        # The oldest we know of must be one he knew, unless the feed never was longer.
        return after == self.last or bool(self.recent and self.recent[0].place <= after)


def spread_of(count: int) -> int:
    """Over how many ms so many phones spread their questions; 0 for a few."""
    return 0 if count <= FEW else min(LONGEST_SPREAD_MS, int(count * SPREAD_MS))


def _rung(place: Place, fields: Mapping[str, str]) -> Rung:
    return Rung(place, fields["who"], fields["what"], fields["id"])


def _event(facts: Mapping[str, str | int], place: Place) -> bytes:
    return packing.event("ring", packing.encode(facts), _text(place))


def _text(place: Place) -> str:
    return f"{place[0]}-{place[1]}"


def _place(text: str) -> Place | None:
    first, _, second = text.partition("-")
    fits = first.isascii() and first.isdigit() and second.isascii() and second.isdigit()
    return (int(first), int(second)) if fits and len(text) < 50 else None
