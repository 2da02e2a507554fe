"""The few roads near each fix of a track, in both directions: what map matching chooses among. Vectorised."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.roads.network import METRES_PER_DEGREE, Floats, Network
from geo.roads.snapping import Grid, pieces_around

Longs = NDArray[np.int64]

# A road farther from a fix is no candidate; of nearer ones the first few are enough, each in both directions.
RADIUS_M = 60.0
MOST = 8


@dataclass(frozen=True)
class Candidates:
    """Rows of roads; those of fix i are first[i] … first[i + 1] - 1. `share` 0..1 along the edge, `off_m` beside it."""

    first: Longs
    edge: Longs
    share: Floats
    off_m: Floats


def near(network: Network, grid: Grid, lon: Floats, lat: Floats) -> Candidates:
    """The candidates of each fix, WGS-84 degrees."""
    fix, edge, share, off_m = _beside(grid, lon, lat)
    # Of the pieces of one road the nearest, then of the roads the nearest few.
    fix, edge, share, off_m = _first_of_each(np.lexsort((off_m, edge, fix)), fix, edge, share, off_m)
    order = np.lexsort((off_m, fix))
    fix, edge, share, off_m = fix[order], edge[order], share[order], off_m[order]
    rank = np.arange(len(fix)) - np.searchsorted(fix, fix)
    few = rank < MOST
    fix, edge, share, off_m = fix[few], edge[few], share[few], off_m[few]
    twin = network.twin[edge].astype(np.int64)
    both = np.flatnonzero(twin >= 0)
    fix = np.concatenate([fix, fix[both]])
    order = np.argsort(fix, kind="stable")
    first = np.searchsorted(fix[order], np.arange(len(lon) + 1))
    return Candidates(
        first.astype(np.int64),
        np.concatenate([edge, twin[both]])[order],
        np.concatenate([share, 1.0 - share[both]])[order],
        np.concatenate([off_m, off_m[both]])[order],
    )


def _beside(grid: Grid, lon: Floats, lat: Floats) -> tuple[Longs, Longs, Floats, Floats]:
    """Every piece of road within RADIUS_M of each fix: fix, edge, share, metres off."""
    fix, piece = pieces_around(grid, lon, lat, 1)
    px, py = lon[fix], lat[fix]
    shrink = np.cos(np.radians(py))
    ends = grid.ends[piece]
    ax, ay = (ends[:, 0] - px) * shrink, ends[:, 1] - py
    dx, dy = (ends[:, 2] - px) * shrink - ax, ends[:, 3] - py - ay
    square = dx * dx + dy * dy
    along = np.clip(-(ax * dx + ay * dy) / np.where(square > 0, square, 1.0), 0.0, 1.0)
    off_m = np.hypot(ax + along * dx, ay + along * dy) * METRES_PER_DEGREE
    close = np.flatnonzero(off_m <= RADIUS_M)
    shares = grid.shares[piece[close]].astype(np.float64)
    share = np.clip(shares[:, 0] + along[close] * (shares[:, 1] - shares[:, 0]), 0.0, 1.0)
    return fix[close], grid.edge[piece[close]].astype(np.int64), share, off_m[close]


def _first_of_each(
    order: Longs, fix: Longs, edge: Longs, share: Floats, off_m: Floats
) -> tuple[Longs, Longs, Floats, Floats]:
    fix, edge = fix[order], edge[order]
    fresh = np.ones(len(order), dtype=np.bool_)
    fresh[1:] = (fix[1:] != fix[:-1]) | (edge[1:] != edge[:-1])
    return fix[fresh], edge[fresh], share[order][fresh], off_m[order][fresh]
