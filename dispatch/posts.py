"""Where the free had better wait: the moves after which the next reports will wait least for somebody. Pure, the lab runs it.

`coverage.best_move` asks whom nobody reaches in time; in a town where everybody is reached, this asks how soon. A free
surveyor's place is worth what an average report would wait longer without him. By Little's law, while he is free about as
many reports come as there are free people: the seconds a move saves an average report, times the free, are what it brings
in all; against them stands the drive, weighed by a setting.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dispatch.coverage import Floats, Grid

# Longer than this is "nobody": one lonely corner must not draw everybody to it.
MOST_WAIT_S = 1_800.0
# So many places to wait at are looked at by road, chosen on the straight line so that they do not lie together.
POSTS = 12
# Among so many cells at most, evenly spread: to the next of them it is a few streets.
LOOKED_AT = 120
# Who is busy for longer than this says nothing about the reports of the next minutes.
SOON_S = 900.0
# Nobody is sent farther than this for the sake of an average.
MOST_DRIVE_S = 600.0
# A move must bring all customers together this much; less is not worth a question.
LEAST_WORTH_S = 30.0
# How often it is looked at: in a minute a dozen people have come free or gone.
EVERY_S = 60.0


@dataclass(frozen=True)
class Moving:
    """How an organisation moves its free people up; the defaults of coverage.py.

    `rest_s`: nobody is asked again before; `most`: requests in one look; `answer_s`: a request waits so long.
    """

    ask: bool = False
    drive_share: float = 0.4
    rest_s: float = 600.0
    most: int = 4
    answer_s: float = 300.0

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> "Moving":
        """From rules by key."""
        return cls(
            ask=value["move_up"] == "ask",
            drive_share=int(value["move_up_drive_pct"]) / 100,
            rest_s=int(value["move_up_rest_min"]) * 60.0,
            most=int(value["move_up_most"]),
            answer_s=int(value["move_up_min"]) * 60.0,
        )


@dataclass(frozen=True)
class Post:
    """A move: which surveyor (row) to which cell; mean seconds a report waits for the soonest, before and after it."""

    surveyor: int
    cell: int
    before_s: float
    after_s: float
    drive_s: float

    @property
    def saved_s(self) -> float:
        """What an average report waits less."""
        return self.before_s - self.after_s


def soonest(times: Floats, free_in_s: Floats) -> Floats:
    """Seconds until each could be in each cell [people, cells]: his drive after he is free, at most MOST_WAIT_S."""
    there: Floats = np.minimum(times + free_in_s[:, None], MOST_WAIT_S)
    return there


def mean_wait_s(demand: Floats, there: Floats) -> float:
    """Seconds an average report waits for the soonest."""
    if not len(there) or demand.sum() <= 0:
        return MOST_WAIT_S
    return float(there.min(axis=0) @ demand / demand.sum())


def worth_looking(
    grid: Grid, demand: Floats, there: Floats, speed_mps: float, most: int = POSTS
) -> list[int]:
    """Cells where one more person would save most on the straight line, each taken before the next is looked for."""
    if not len(grid) or demand.sum() <= 0:
        return []
    weight = demand / demand.sum()
    first = there.min(axis=0) if len(there) else np.full(len(grid), MOST_WAIT_S)
    cells = np.arange(0, len(grid), -(-len(grid) // LOOKED_AT))
    straight = grid.apart(grid.centres[cells], grid.centres) / speed_mps
    found: list[int] = []
    for _ in range(min(most, len(cells))):
        saved = np.maximum(0.0, first[None, :] - straight) @ weight
        best = int(np.argmax(saved))
        if saved[best] <= 0:
            break
        found.append(int(cells[best]))
        first = np.minimum(first, straight[best])
    return found


def moves(
    demand: Floats,
    times: Floats,
    free_in_s: Floats,
    movers: Sequence[int],
    posts: Sequence[int],
    reach: Floats,
    *,
    drive_share: float,
    most: int,
) -> list[Post]:
    """The moves worth asking for, best first, each judged as if those before it were done.

    `times` [people, cells] and `reach` [posts, cells] are seconds by road; `movers` are the rows that may be asked.
    `drive_share`: how many seconds of waiting a second of driving counts as.
    """
    if demand.sum() <= 0 or not len(times):
        return []
    weight = demand / demand.sum()
    there, left = soonest(times, free_in_s), list(movers)
    free = int((free_in_s <= 0).sum())
    posts_at = np.asarray(posts, dtype=np.int64)
    found: list[Post] = []
    while left and len(posts_at) and len(found) < most:
        after = _after(weight, there, left, reach)
        drive = times[np.asarray(left, dtype=np.int64)[:, None], posts_at[None, :]]
        before = float(there.min(axis=0) @ weight)
        worth = (before - after) * free - drive_share * drive
        worth[~(drive <= MOST_DRIVE_S)] = -np.inf
        i, j = divmod(int(np.argmax(worth)), len(posts_at))
        if not worth[i, j] > LEAST_WORTH_S:
            break
        who = left.pop(i)
        found.append(Post(who, int(posts_at[j]), before, float(after[i, j]), float(drive[i, j])))
        there[who] = np.minimum(reach[j], MOST_WAIT_S)
    return found


def _after(weight: Floats, there: Floats, movers: Sequence[int], reach: Floats) -> Floats:
    """Mean seconds to the soonest with each mover at each post instead of where he is [movers, posts]."""
    who: NDArray[np.int64] = there.argmin(axis=0)
    cells = np.arange(there.shape[1])
    first = there[who, cells]
    second = np.partition(there, 1, axis=0)[1] if len(there) > 1 else np.full(len(cells), MOST_WAIT_S)
    found = np.empty((len(movers), len(reach)))
    # Where he is not the first, moving him away costs nothing: only the cells that are his are counted anew.
    others = np.minimum(first[None, :], reach)
    base = others @ weight
    for k, mover in enumerate(movers):
        mine = np.flatnonzero(who == mover)
        found[k] = base + (np.minimum(second[mine][None, :], reach[:, mine]) - others[:, mine]) @ weight[mine]
    return found
