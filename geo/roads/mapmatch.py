"""Which roads a track was driven on: a hidden Markov model over the candidate roads of each fix.

After P. Newson and J. Krumm, "Hidden Markov Map Matching Through Noise and Sparseness", ACM SIGSPATIAL GIS 2009: how far
a fix lies off a road says how unlikely that road is, and a way between two roads that differs much from the straight line
between the fixes says how unlikely it is that both are right. Turn bans hold on the way.
"""

from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from typing import NamedTuple

import numpy as np

from geo.roads import nearby
from geo.roads.nearby import Candidates, Longs
from geo.roads.network import METRES_PER_DEGREE, Floats, Network
from geo.roads.snapping import Grid

# A phone in a street is right to about this much.
SIGMA_M = 12.0
# How far the way and the straight line between two fixes typically differ.
DETOUR_M = 40.0
# No way longer than this is looked for; so far back a candidate may slip: the noise of a car that stands.
LONGEST_M = 3_000.0
SLIP_M = 30.0
# Fixes nearer together tell nothing new; a silence or a stay of so long ends a drive; nothing goes faster.
STEP_M = 25.0
GAP_S = 150.0
FASTEST_MPS = 45.0
NEVER = float("-inf")

Pieces = list[tuple[int, float]]  # (edge, metres driven on it), in the order driven
Way = tuple[float, Pieces]  # metres in all


class Steps(NamedTuple):
    """What was driven: each row is a stretch of one road within one step from fix to fix.

    Rows of one `step` follow each other in the order driven; `metres` is driven on `edge` within it; `began_s` and
    `took_s` are of the whole step. `drive` numbers the drives: runs of fixes without a long stay or silence.
    """

    drive: Longs
    step: Longs
    edge: Longs
    metres: Floats
    began_s: Floats
    took_s: Floats

    @classmethod
    def together(cls, parts: Sequence["Steps"]) -> "Steps":
        """Several matched tracks as one, numbered on."""
        drive = step = 0
        moved = []
        for part in parts:
            if len(part.step):
                moved.append(part._replace(drive=part.drive + drive, step=part.step + step))
                drive, step = int(moved[-1].drive.max()) + 1, int(moved[-1].step.max()) + 1
        return cls(*(np.concatenate(rows) for rows in zip(*moved, strict=True))) if moved else cls.of([])

    @classmethod
    def of(cls, rows: Sequence[tuple[int, int, int, float, float, float]]) -> "Steps":
        """From plain rows."""
        whole = np.array(rows, dtype=np.float64).reshape(-1, 6)
        numbers = whole[:, :3].astype(np.int64)
        return cls(numbers[:, 0], numbers[:, 1], numbers[:, 2], whole[:, 3], whole[:, 4], whole[:, 5])


class Reached(NamedTuple):
    """How a candidate is best reached: total score, which candidate before it, the way between them."""

    score: float
    before: int
    pieces: Pieces


class Fix(NamedTuple):
    """One fix of a drive in the trellis: which it is, and each candidate's score and way back."""

    number: int
    scores: list[float]
    reached: list[Reached | None]


class Matcher:
    """Matches tracks to one network. Not safe between threads."""

    def __init__(self, network: Network, grid: Grid) -> None:
        self.network, self.grid = network, grid
        states = network.states
        self._length: list[float] = network.length_m.tolist()
        self._after: list[int] = states.after.tolist()
        self._leaving: list[list[tuple[int, int]]] = [[] for _ in range(len(states.state_node))]
        rows = zip(states.tail.tolist(), states.head.tolist(), states.arc_edge.tolist(), strict=True)
        for tail, head, edge in rows:
            self._leaving[tail].append((head, edge))

    def match(self, at_s: Floats, lon: Floats, lat: Floats) -> Steps:
        """The roads driven along a track, in order of time. What no road explains is left out.

        `at_s` is seconds of any clock, not falling; WGS-84 degrees.
        """
        found: list[tuple[int, int, int, float, float, float]] = []
        step = 0
        for number, rows in enumerate(drives(at_s, lon, lat)):
            times = at_s[rows]
            for one, other, pieces in self._drive(times, lon[rows], lat[rows]):
                began, took = float(times[one]), float(times[other] - times[one])
                found += [(number, step, edge, metres, began, took) for edge, metres in pieces]
                step += 1
        return Steps.of(found)

    def _drive(self, at_s: Floats, lon: Floats, lat: Floats) -> Iterator[tuple[int, int, Pieces]]:
        """The best chain of roads of one drive, cut where nothing leads on: fix, next fix, way."""
        near = nearby.near(self.network, self.grid, lon, lat)
        chain: list[Fix] = []
        for i in range(len(at_s)):
            first, stop = int(near.first[i]), int(near.first[i + 1])
            if first == stop:
                continue
            said: list[float] = (-0.5 * (near.off_m[first:stop] / SIGMA_M) ** 2).tolist()
            if chain:
                last = chain[-1]
                apart_m = float(steps_m(lon[[last.number, i]], lat[[last.number, i]])[0])
                reached = self._onward(near, last, i, apart_m, float(at_s[i] - at_s[last.number]))
                if any(reached):
                    scores = [NEVER if r is None else r.score + s for r, s in zip(reached, said, strict=True)]
                    chain.append(Fix(i, scores, reached))
                    continue
                yield from _unwound(chain)
            chain = [Fix(i, said, [None] * len(said))]
        yield from _unwound(chain)

    def _onward(
        self, near: Candidates, last: Fix, here: int, apart_m: float, took_s: float
    ) -> list[Reached | None]:
        """How each candidate of this fix is best reached from those of the last one; None when it is not."""
        begin, first, stop = int(near.first[last.number]), int(near.first[here]), int(near.first[here + 1])
        limit_m = min(LONGEST_M, 2 * apart_m + 200.0, FASTEST_MPS * took_s + 100.0)
        targets = list(zip(near.edge[first:stop].tolist(), near.share[first:stop].tolist(), strict=True))
        found: list[Reached | None] = [None] * len(targets)
        for number, score in enumerate(last.scores):
            if score == NEVER:
                continue
            row = begin + number
            ways = self.ways(int(near.edge[row]), float(near.share[row]), targets, limit_m)
            for j, way in enumerate(ways):
                if way is not None:
                    total = score - abs(way[0] - apart_m) / DETOUR_M
                    best = found[j]
                    if best is None or total > best.score:
                        found[j] = Reached(total, number, way[1])
        return found

    def ways(
        self, edge: int, share: float, targets: Sequence[tuple[int, float]], limit_m: float
    ) -> list[Way | None]:
        """The shortest permitted way from a place on a directed edge to each target; None beyond `limit_m`. Dijkstra."""
        length = self._length
        found: list[Way | None] = [None] * len(targets)
        wanted: dict[int, list[int]] = {}
        for j, (goal, at) in enumerate(targets):
            ahead = (at - share) * length[edge]
            if goal == edge and ahead >= -SLIP_M:
                found[j] = max(0.0, ahead), [(edge, max(0.0, ahead))]
            else:
                wanted.setdefault(goal, []).append(j)
        rest = (1.0 - share) * length[edge]
        begin = self._after[edge]
        best, came, open_ = {begin: rest}, dict[int, tuple[int, int]](), [(rest, begin)]
        while open_ and wanted:
            so_far, state = heappop(open_)
            if so_far > limit_m:
                break
            if so_far > best[state]:
                continue
            for head, by in self._leaving[state]:
                for j in wanted.pop(by, ()):
                    part = targets[j][1] * length[by]
                    found[j] = so_far + part, [(edge, rest), *self._back(state, came), (by, part)]
                to = so_far + length[by]
                if to <= limit_m and to < best.get(head, limit_m + 1.0):
                    best[head], came[head] = to, (state, by)
                    heappush(open_, (to, head))
        return found

    def _back(self, state: int, came: dict[int, tuple[int, int]]) -> Pieces:
        way: Pieces = []
        while state in came:
            state, by = came[state]
            way.append((by, self._length[by]))
        return way[::-1]


def _unwound(chain: list[Fix]) -> Iterator[tuple[int, int, Pieces]]:
    if len(chain) < 2:
        return
    found = []
    k = int(np.argmax(chain[-1].scores))
    for one, other in zip(chain[-2::-1], chain[:0:-1], strict=True):
        if (reached := other.reached[k]) is not None:
            found.append((one.number, other.number, reached.pieces))
            k = reached.before
    yield from reversed(found)


def steps_m(lon: Floats, lat: Floats) -> Floats:
    """Metres from each place to the next, on the mean sphere, for places not far apart."""
    shrink = np.cos(np.radians((lat[1:] + lat[:-1]) / 2))
    return np.asarray(np.hypot(np.diff(lon) * shrink, np.diff(lat)) * METRES_PER_DEGREE)


def drives(at_s: Floats, lon: Floats, lat: Floats) -> Iterator[Longs]:
    """The fixes worth matching, as indexes, drive by drive: no jumps, no crowd of fixes while standing, no long silence."""
    kept: list[int] = []
    for i in range(len(at_s)):
        if kept:
            last = kept[-1]
            took_s = float(at_s[i] - at_s[last])
            if took_s > GAP_S:
                yield from _worth(kept)
                kept = [i]
                continue
            gap_m = float(steps_m(lon[[last, i]], lat[[last, i]])[0])
            if gap_m < STEP_M and len(kept) == 1:
                kept = [i]  # a drive begins when the car leaves, not when it was parked
                continue
            if gap_m < STEP_M or gap_m > took_s * FASTEST_MPS:
                continue
        kept.append(i)
    yield from _worth(kept)


def _worth(kept: list[int]) -> Iterator[Longs]:
    if len(kept) > 2:
        yield np.array(kept, dtype=np.int64)
