"""Places on roads: one, many, and those already known. Shares run 0..1 along a directed edge."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, overload

import numpy as np

from geo.fix import LonLat
from geo.roads.network import Floats, Network
from geo.roads.turns import Ints

if TYPE_CHECKING:
    from geo.roads.graph import Roads
    from geo.roads.journey_ends import Pins


class Snap(NamedTuple):
    """A place on a directed edge; `share` 0..1 along it, `off_m` metres from the road. On a two-way road the other
    direction is as near: every question counts both."""

    edge: int
    share: float
    off_m: float


class Snaps(Sequence[Snap | None]):
    """Many places on roads, kept as arrays; edge -1 is a place with no road near. Never changed once made: what is
    worked out for one (the pinned ends) is kept with it."""

    def __init__(self, edge: Ints, share: Floats, off_m: Floats, graph: Network | None = None) -> None:
        self.edge, self.share, self.off_m = edge, share, off_m
        self.graph = graph  # of which the edges are numbers; None where the caller answers for it
        self.pinned: dict[bool, Pins] = {}  # whether left or reached → the ends (geo.roads.journey_ends.pins)

    @classmethod
    def of(cls, places: Sequence[Snap | None]) -> "Snaps":
        """The arrays of a plain sequence; what is already one is returned as it is."""
        if isinstance(places, Snaps):
            return places
        none = Snap(-1, 0.0, float("inf"))
        rows = [none if place is None else place for place in places]
        edge, share, off_m = zip(*rows, strict=True) if rows else ((), (), ())
        return cls(
            np.array(edge, dtype=np.int32),
            np.array(share, dtype=np.float64),
            np.array(off_m, dtype=np.float64),
        )

    def take(self, rows: Iterable[int]) -> "Snaps":
        """Some of them, in the order asked for."""
        at = np.fromiter(rows, dtype=np.int64)
        return Snaps(self.edge[at], self.share[at], self.off_m[at], self.graph)

    def __len__(self) -> int:
        return len(self.edge)

    @overload
    def __getitem__(self, at: int) -> Snap | None: ...
    @overload
    def __getitem__(self, at: slice) -> "Snaps": ...
    def __getitem__(self, at: int | slice) -> "Snap | Snaps | None":
        if isinstance(at, slice):
            return Snaps(self.edge[at], self.share[at], self.off_m[at], self.graph)
        edge = int(self.edge[at])
        return None if edge < 0 else Snap(edge, float(self.share[at]), float(self.off_m[at]))

    def __iter__(self) -> Iterator[Snap | None]:
        rows = zip(self.edge.tolist(), self.share.tolist(), self.off_m.tolist(), strict=True)
        return (None if edge < 0 else Snap(edge, share, off_m) for edge, share, off_m in rows)


class SnapCache:
    """Snaps every place once: a surveyor's when his position changes, a loss's when it is reported.

    Bounded, safe for threads, and of one graph: a new graph gets a new cache. The same places asked for again give
    the same Snaps, so that ends pinned for one loss serve the next."""

    REMEMBERED = 4

    def __init__(self, roads: "Roads", size: int = 100_000) -> None:
        self.roads, self.size = roads, size
        self._slot: dict[LonLat, int] = {}  # where in the arrays; the oldest place makes room
        self._place: list[LonLat | None] = [None] * size
        self._known = Snaps(np.full(size, -1, np.int32), np.zeros(size), np.zeros(size), roads.network)
        self._next = 0
        self._recent: list[tuple[list[LonLat], Snaps]] = []
        self._lock = threading.Lock()

    def snaps(self, places: Sequence[LonLat]) -> Snaps:
        """Where the places lie on the roads, in their order."""
        wanted = list(places)
        with self._lock:
            for asked, answer in self._recent:
                if asked == wanted:
                    return answer
            found, missing = self._look(wanted)
        if missing:
            self._learn(missing, self.roads.snap(missing))
            with self._lock:
                found, missing = self._look(wanted)
            if missing:  # pushed out by others meanwhile, or more places than the cache holds
                found = self.roads.snap(wanted)
        with self._lock:
            self._recent = [(wanted, found), *self._recent[: self.REMEMBERED - 1]]
        return found

    def snap(self, place: LonLat) -> Snap | None:
        """Where one place lies on the roads."""
        with self._lock:
            slot = self._slot.get(place)
            if slot is not None:
                return self._known[slot]
        fresh = self.roads.snap([place])
        self._learn([place], fresh)
        return fresh[0]

    def _look(self, wanted: list[LonLat]) -> tuple[Snaps, list[LonLat]]:
        """What is known of the places, and which are not."""
        slots = [self._slot.get(place, -1) for place in wanted]
        missing = (
            [place for place, slot in zip(wanted, slots, strict=True) if slot < 0] if -1 in slots else []
        )
        return self._known.take(slots), list(dict.fromkeys(missing))

    def _learn(self, places: list[LonLat], found: Snaps) -> None:
        with self._lock:
            slots = []
            for place in places[: self.size]:
                slot = self._slot.get(place, -1)
                if slot < 0:
                    slot, self._next = self._next, (self._next + 1) % self.size
                    oldest = self._place[slot]
                    if oldest is not None:
                        del self._slot[oldest]
                    self._slot[place], self._place[slot] = slot, place
                slots.append(slot)
            known, count = self._known, len(slots)
            known.edge[slots], known.share[slots] = found.edge[:count], found.share[:count]
            known.off_m[slots] = found.off_m[:count]
