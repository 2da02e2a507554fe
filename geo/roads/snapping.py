"""The nearest road to a place: pieces of road in the cells of a grid, searched in growing squares. Vectorised."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geo.roads.network import METRES_PER_DEGREE, Floats, Network

CELL_M = 80.0  # in a city; where roads are far apart cells are larger, at most about four to a piece of road
CELLS_PER_PIECE = 4
FARTHEST_M = 2_000.0
RINGS = (
    1,
    2,
    4,
    8,
    16,
    32,
)  # cells around the place that are searched, until the nearest found cannot be beaten
BATCH = 4_096  # places searched at a time: bounds the memory of a search


class Found(NamedTuple):
    """The nearest road of each place: edge (-1 when none is near), share 0..1 along it, metres off it."""

    edge: NDArray[np.int32]
    share: Floats
    off_m: Floats


class Grid(NamedTuple):
    """Pieces of road by cell. Piece p runs from (x0, y0) to (x1, y1) in degrees and covers the shares s0..s1 of an edge.

    The pieces of cell c are `piece[cell_first[c] : cell_first[c + 1]]`; cells are row by row from `west`, `south`."""

    frame: (
        Floats  # west, south, degrees of longitude and of latitude in a cell, columns, rows, metres of a cell
    )
    cell_first: NDArray[np.int64]
    piece: NDArray[np.int32]
    ends: Floats  # [pieces, 4]
    shares: NDArray[np.float32]  # [pieces, 2]
    edge: NDArray[np.int32]


def index(network: Network, snappable: NDArray[np.bool_]) -> Grid:
    """Lays the pieces of road into cells; of a two-way road only one direction is kept."""
    one = snappable & ((network.twin < 0) | (np.arange(len(network.twin)) < network.twin))
    owner = np.repeat(np.arange(len(network.start), dtype=np.int32), np.diff(network.first))
    inner = np.flatnonzero((owner[:-1] == owner[1:]) & one[owner[:-1]])
    ends = np.hstack([network.shape[inner], network.shape[inner + 1]])
    edge = owner[inner]
    metres = _length_m(ends)
    total = np.bincount(edge, weights=metres, minlength=len(network.start))
    before = np.cumsum(metres) - metres
    fresh = np.concatenate([[True], edge[1:] != edge[:-1]])
    before -= np.maximum.accumulate(np.where(fresh, before, -np.inf))
    whole = np.maximum(total[edge], 1e-9)
    shares = np.column_stack([before / whole, (before + metres) / whole]).astype(np.float32)
    frame = _frame(ends)
    cell_of, piece_of = _cells(ends, frame)
    order = np.argsort(cell_of, kind="stable")
    first = np.searchsorted(cell_of[order], np.arange(int(frame[4] * frame[5]) + 1))
    return Grid(frame, first.astype(np.int64), piece_of[order].astype(np.int32), ends, shares, edge)


def nearest(grid: Grid, lon: Floats, lat: Floats) -> Found:
    """The nearest road of each place, at most FARTHEST_M away."""
    found = Found(np.full(len(lon), -1, dtype=np.int32), np.zeros(len(lon)), np.full(len(lon), np.inf))
    waiting = np.flatnonzero(np.isfinite(lon) & np.isfinite(lat))
    for ring in RINGS:
        if not len(waiting):
            break
        for at in range(0, len(waiting), BATCH):
            _search(grid, lon, lat, waiting[at : at + BATCH], ring, found)
        # A square of `ring` cells holds everything nearer than the distance from the place to its border.
        sure_m = ring * float(grid.frame[6])
        waiting = waiting[found.off_m[waiting] > sure_m]
        if sure_m > FARTHEST_M:
            break
    far = found.off_m > FARTHEST_M
    found.edge[far] = -1
    return found


def _search(grid: Grid, lon: Floats, lat: Floats, rows: NDArray[np.int64], ring: int, found: Found) -> None:
    owner, piece = pieces_around(grid, lon[rows], lat[rows], ring)
    if not len(piece):
        return
    px, py = lon[rows][owner], lat[rows][owner]
    shrink = np.cos(np.radians(py))
    ends = grid.ends[piece]
    ax, ay = (ends[:, 0] - px) * shrink, ends[:, 1] - py
    bx, by = (ends[:, 2] - px) * shrink, ends[:, 3] - py
    dx, dy = bx - ax, by - ay
    square = dx * dx + dy * dy
    along = np.clip(-(ax * dx + ay * dy) / np.where(square > 0, square, 1.0), 0.0, 1.0)
    ax += along * dx
    ay += along * dy
    square = ax * ax + ay * ay
    # The pieces of one place lie together: the least of each run, and the first piece that has it.
    run = np.flatnonzero(np.concatenate([[True], owner[1:] != owner[:-1]]))
    least = np.minimum.reduceat(square, run)
    hits = np.flatnonzero(square == np.repeat(least, np.diff(np.append(run, len(owner)))))
    first = hits[np.concatenate([[True], owner[hits[1:]] != owner[hits[:-1]]])]
    best, who = piece[first], rows[owner[first]]
    found.edge[who] = grid.edge[best]
    found.off_m[who] = np.sqrt(square[first]) * METRES_PER_DEGREE
    s0, s1 = grid.shares[best, 0].astype(np.float64), grid.shares[best, 1].astype(np.float64)
    found.share[who] = np.clip(s0 + along[first] * (s1 - s0), 0.0, 1.0)


def pieces_around(
    grid: Grid, lon: Floats, lat: Floats, ring: int
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """The pieces in the square of cells around each place: whose they are, and which."""
    west, south, cell_lon, cell_lat = grid.frame[:4]
    columns, lines = int(grid.frame[4]), int(grid.frame[5])
    column = np.floor((lon - west) / cell_lon).astype(np.int64)
    line = np.floor((lat - south) / cell_lat).astype(np.int64)
    left, right = np.clip(column - ring, 0, columns), np.clip(column + ring + 1, 0, columns)
    steps = np.arange(-ring, ring + 1)
    lines_of = line[:, None] + steps[None, :]
    inside = (lines_of >= 0) & (lines_of < lines) & (left < right)[:, None]
    rows, steps_at = np.nonzero(inside)
    base = lines_of[rows, steps_at] * columns
    # The cells of one line lie side by side, so a whole row of the square is one run of pieces.
    start, stop = grid.cell_first[base + left[rows]], grid.cell_first[base + right[rows]]
    size = stop - start
    total = int(size.sum())
    at = np.repeat(start - (np.cumsum(size) - size), size) + np.arange(total)
    return np.repeat(rows, size), grid.piece[at]


def _length_m(ends: Floats) -> Floats:
    shrink = np.cos(np.radians((ends[:, 1] + ends[:, 3]) / 2))
    return np.asarray(
        np.hypot((ends[:, 2] - ends[:, 0]) * shrink, ends[:, 3] - ends[:, 1]) * METRES_PER_DEGREE
    )


def _frame(ends: Floats) -> Floats:
    """The grid around all pieces; a cell is at least so many metres wide everywhere in it."""
    west, east = min(ends[:, 0].min(), ends[:, 2].min()), max(ends[:, 0].max(), ends[:, 2].max())
    south, north = min(ends[:, 1].min(), ends[:, 3].min()), max(ends[:, 1].max(), ends[:, 3].max())
    shrink = float(np.cos(np.radians(max(abs(south), abs(north)))))
    area_m2 = (east - west) * shrink * (north - south) * METRES_PER_DEGREE**2
    cell_m = max(CELL_M, float(np.sqrt(area_m2 / (CELLS_PER_PIECE * len(ends)))))
    cell_lat = cell_m / METRES_PER_DEGREE
    cell_lon = cell_lat / shrink
    columns, lines = np.floor((east - west) / cell_lon) + 1, np.floor((north - south) / cell_lat) + 1
    return np.array([west, south, cell_lon, cell_lat, columns, lines, cell_m])


def _cells(ends: Floats, frame: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The cells whose square touches the box around each piece; long slanting pieces are in some cells too many."""
    west, south, cell_lon, cell_lat, columns = frame[:5]
    x = np.floor((ends[:, [0, 2]] - west) / cell_lon).astype(np.int64)
    y = np.floor((ends[:, [1, 3]] - south) / cell_lat).astype(np.int64)
    left, low = x.min(axis=1), y.min(axis=1)
    wide, high = x.max(axis=1) - left + 1, y.max(axis=1) - low + 1
    count = wide * high
    piece = np.repeat(np.arange(len(ends)), count)
    step = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
    column = left[piece] + step % wide[piece]
    line = low[piece] + step // wide[piece]
    return line * int(columns) + column, piece
