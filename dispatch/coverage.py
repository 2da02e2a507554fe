"""Coverage: where nobody can be in time, weighted by how many reports to expect there, and the one move that helps most.

Pure: arrays in, arrays out. A town is a lattice of hexagons; demand is reports an hour in each, from history of the same
hour; times are seconds by road from each surveyor to each hexagon's centre. Distances on the lattice are on a plane around
its middle, good to 0.5 % over a city.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo.fix import EARTH_RADIUS_M
from staff.rules import Known

KNOWN: dict[str, Known] = {
    k.key: k
    for k in (
        Known("coverage_weeks", 8, "int", "覆盖图：历史周数", "Coverage: weeks of history", 1, 52),
        Known("move_up_min", 5, "int", "移防请求等待答复", "A request to move up waits", 1, 60, unit="min"),
        Known(
            "move_up", "propose", "choice", "空闲人员移防", "Moving the free up", choices=("propose", "ask")
        ),
        Known(
            "move_up_drive_pct",
            40,
            "int",
            "移防：行驶一秒折合等待",
            "Moving up: a second driven counts as waiting",
            0,
            1000,
            unit="%",
        ),
        Known(
            "move_up_rest_min",
            10,
            "int",
            "移防：同一人两次请求间隔",
            "Moving up: between two requests to one person",
            0,
            480,
            unit="min",
        ),
        Known(
            "move_up_most",
            4,
            "int",
            "移防：每分钟至多请求",
            "Moving up: requests a minute at most",
            1,
            20,
        ),
    )
}  # fmt: skip
DEFAULTS: dict[str, Any] = {key: known.default for key, known in KNOWN.items()}

Floats = NDArray[np.float64]

# From fine to coarse, distance between neighbouring centres: the first whose cells are few enough is taken.
CELLS_M = (400, 500, 700, 1000, 1400, 2000, 2800, 4000, 5600, 8000, 11_200, 16_000, 32_000, 64_000)
MOST_CELLS = 1500
# A new site's few reports: hexagons finer than the reports are many would be a rash of dots.
LEAST_CELLS = 80
# The reports of an hour say little about one hexagon: they are worth as much as this many of all hours together.
SHRINK = 50.0
# A lone report far outside must not stretch the lattice over half a province.
TAIL = 0.005
# A better place is looked for among this many: those that would cover most on a straight line.
TARGETS = 60
# A move must be worth a tenth of a percent of all demand; less is a dispatcher's time wasted.
LEAST_SHARE = 0.001


@dataclass(frozen=True)
class Grid:
    """Centres of hexagons, degrees WGS-84 [cells, 2] longitude first, and the metres between neighbouring centres."""

    centres: Floats
    cell_m: float

    def __len__(self) -> int:
        return len(self.centres)

    def plane(self, lonlat: Floats) -> Floats:
        """Metres east and north of the lattice's middle [n, 2]."""
        lon, lat = np.radians(lonlat[:, 0]), np.radians(lonlat[:, 1])
        middle = np.radians(self.centres.mean(axis=0)) if len(self.centres) else np.zeros(2)
        return EARTH_RADIUS_M * np.column_stack([(lon - middle[0]) * math.cos(middle[1]), lat - middle[1]])

    def apart(self, a: Floats, b: Floats) -> Floats:
        """Straight metres from each of `a` to each of `b`, degrees in, [len(a), len(b)]."""
        one, two = self.plane(a), self.plane(b)
        return np.hypot(one[:, None, 0] - two[None, :, 0], one[:, None, 1] - two[None, :, 1])

    def cell_of(self, lonlat: Floats) -> NDArray[np.int64]:
        """The nearest centre of each place."""
        from scipy.spatial import cKDTree

        if not len(lonlat) or not len(self.centres):
            return np.zeros(len(lonlat), dtype=np.int64)
        _, nearest = cKDTree(self.plane(self.centres)).query(self.plane(lonlat))
        return np.asarray(nearest, dtype=np.int64)


def lattice(west: float, south: float, east: float, north: float, cell_m: float) -> Floats:
    """Centres of a hexagonal lattice over a box in degrees [n, 2]; rows are offset by half a cell, points up."""
    lat = (south + north) / 2
    step_x = math.degrees(cell_m / (EARTH_RADIUS_M * math.cos(math.radians(lat))))
    step_y = math.degrees(cell_m * math.sqrt(3) / 2 / EARTH_RADIUS_M)
    rows = max(1, math.ceil((north - south) / step_y) + 1)
    columns = max(1, math.ceil((east - west) / step_x) + 1)
    row, column = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    lon = west + (column + 0.5 * (row % 2)) * step_x
    return np.column_stack([lon.ravel(), (south + row * step_y).ravel()])


def grid_over(reports: Floats, most: int = MOST_CELLS) -> Grid:
    """The finest lattice of at most `most` hexagons over where reports come from, degrees [n, 2]; empty without any.

    Only hexagons with a report in them or beside them are kept: nobody needs to stand in the sea.
    """
    if not len(reports):
        return Grid(np.zeros((0, 2)), float(CELLS_M[0]))
    low, high = np.quantile(reports, [TAIL, 1 - TAIL], axis=0)
    inside = reports[((reports >= low) & (reports <= high)).all(axis=1)]
    reports = inside if len(inside) else reports
    most = min(most, max(LEAST_CELLS, len(reports)))
    for cell_m in CELLS_M:
        grid = _kept(reports, low, high, cell_m, most)
        if grid is not None:
            return grid
    raise ValueError("the places lie farther apart than any country")


def _kept(reports: Floats, low: Floats, high: Floats, cell_m: float, most: int) -> Grid | None:
    from scipy.spatial import cKDTree

    span_m = np.radians(high - low) * EARTH_RADIUS_M
    if (span_m[0] / cell_m + 2) * (span_m[1] / cell_m + 2) > 40 * most:
        return None  # too many to look at, let alone to keep
    margin = math.degrees(cell_m / EARTH_RADIUS_M)
    whole = Grid(
        lattice(low[0] - margin, low[1] - margin, high[0] + margin, high[1] + margin, cell_m), cell_m
    )
    away, _ = cKDTree(whole.plane(reports)).query(
        whole.plane(whole.centres), distance_upper_bound=1.2 * cell_m
    )
    near = np.isfinite(away)
    return Grid(whole.centres[near], cell_m) if near.sum() <= most else None


def demand(grid: Grid, reports: Floats, of_this_hour: NDArray[np.bool_], hours: float) -> Floats:
    """Reports to expect an hour in each hexagon now [cells].

    `reports` are places of the past in degrees, `of_this_hour` marks those of the same hour of the same kind of day,
    `hours` how many such hours the past holds. How many: the mean of such hours. Where: their places, shrunk towards the
    places of all hours (SHRINK reports' worth), each spread over its own and the neighbouring hexagons.
    """
    if not len(grid) or not len(reports):
        return np.zeros(len(grid))
    near = np.exp(-((grid.apart(grid.centres, grid.centres) / grid.cell_m) ** 2))
    near /= near.sum(axis=0, keepdims=True)
    cells = grid.cell_of(reports)
    everywhere = near @ np.bincount(cells, minlength=len(grid)).astype(float)
    now = near @ np.bincount(cells[of_this_hour], minlength=len(grid)).astype(float)
    share = (now + SHRINK * everywhere / everywhere.sum()) / (of_this_hour.sum() + SHRINK)
    return np.asarray(share * of_this_hour.sum() / max(hours, 1.0))


@dataclass(frozen=True)
class Cover:
    """Per hexagon: seconds until the soonest could be there and the second soonest (inf: nobody), and who the first is."""

    first: Floats
    second: Floats
    who: NDArray[np.int64]

    def share(self, demand: Floats, within_s: float) -> float:
        """The part of the demand somebody reaches within so many seconds; 1 without any demand."""
        return share(demand, self.first, within_s)


def share(demand: Floats, first_s: Floats, within_s: float) -> float:
    """The part of the demand whose cells somebody reaches within so many seconds; 1 without any demand."""
    total = float(demand.sum())
    return float(demand[first_s <= within_s].sum()) / total if total > 0 else 1.0


def cover(times: Floats, free_in_s: Floats) -> Cover:
    """Who could be first where: drives [surveyors, cells] in seconds, after so many seconds until each is free."""
    cells = times.shape[1]
    if not len(times):
        return Cover(np.full(cells, np.inf), np.full(cells, np.inf), np.full(cells, -1, dtype=np.int64))
    there = times + free_in_s[:, None]
    who = there.argmin(axis=0)
    first = there[who, np.arange(cells)]
    there[who, np.arange(cells)] = np.inf
    second = there.min(axis=0)
    return Cover(first, second, np.where(np.isfinite(first), who, -1))


def targets(grid: Grid, demand: Floats, covered: Cover, within_s: float, speed_mps: float) -> list[int]:
    """The hexagons from which most uncovered demand is in reach on a straight line, best first, at most TARGETS."""
    open_demand = np.where(covered.first > within_s, demand, 0.0)
    if open_demand.sum() <= 0:
        return []
    reach = (grid.apart(grid.centres, grid.centres) <= within_s * speed_mps).astype(float)
    gain = reach @ open_demand
    return [int(i) for i in np.argsort(-gain, kind="stable")[:TARGETS] if gain[i] > 0]


@dataclass(frozen=True)
class Move:
    """The one move that helps most: which surveyor (row), to which target (index into the targets), what it changes.

    `gain` is reports an hour that come into reach, net of those that fall out of it; shares are of all demand.
    `sooner_s`: what an average report waits less, when it is for that and not for reach (`posts`).
    """

    surveyor: int
    target: int
    gain: float
    before: float
    after: float
    drive_s: float
    sooner_s: float = 0.0


def best_move(
    demand: Floats,
    covered: Cover,
    within_s: float,
    movers: Sequence[int],
    reach: Floats,
    drives: Floats,
    most_drive_s: float,
) -> Move | None:
    """The move of one free surveyor that brings most demand into reach, the shorter drive of equals; None if none helps.

    `reach` [targets, cells]: seconds from each target to each hexagon. `drives` [movers, targets]: seconds for each of
    `movers` (rows of the cover's surveyors) to get there, no more than `most_drive_s`. What only he covers now is lost
    unless the target covers it too.
    """
    total = float(demand.sum())
    if not len(movers) or not len(reach) or total <= 0:
        return None
    within = (reach <= within_s).astype(float)
    won = within @ np.where(covered.first > within_s, demand, 0.0)
    alone = np.where((covered.first <= within_s) & (covered.second > within_s), covered.who, -1)
    mine = np.where(alone[None, :] == np.asarray(movers)[:, None], demand[None, :], 0.0)
    gain = won[None, :] - mine.sum(axis=1)[:, None] + mine @ within.T
    gain[drives > most_drive_s] = -np.inf
    # Of moves worth the same to a thousandth, the shorter drive.
    order = np.lexsort((drives.ravel(), -np.round(gain.ravel() / total, 3)))
    i, j = divmod(int(order[0]), gain.shape[1])
    if not gain[i, j] > LEAST_SHARE * total:
        return None
    before = covered.share(demand, within_s)
    return Move(
        int(movers[i]), j, float(gain[i, j]), before, before + float(gain[i, j]) / total, float(drives[i, j])
    )
