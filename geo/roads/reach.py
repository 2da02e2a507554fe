"""What lies within a drive of so many seconds: seconds for every edge, and a ring for the map."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.roads.network import METRES_PER_DEGREE, Floats, Network
from geo.roads.snaps import Snap
from geo.roads.turns import Ints

CELLS = 180  # cells along the longer side of the ring's grid: finer than a person sees on a map
SMALLEST_CELL_M, STEP_SHARE = 60.0, 0.75
HOLE_CELLS = 30  # a hole smaller than so many cells is a park or a block, not a place out of reach


@dataclass(frozen=True, eq=False)
class Reach:
    """Seconds between a place and the two ends of every edge, shape [edges], infinite where there is no way.

    Towards: from the edge's start, or end, to the place. Otherwise from the place to the edge's start, or end."""

    network: Network
    place: Snap
    within_s: float
    towards: bool
    start_s: Floats
    end_s: Floats

    @property
    def edges(self) -> Ints:
        """The edges reached at least in part."""
        return np.flatnonzero(np.minimum(self.start_s, self.end_s) <= self.within_s).astype(np.int32)

    def ring(self) -> dict[str, Any]:
        """The area reached as a GeoJSON MultiPolygon, smoothed; road by road it is `edges`."""
        points = self._points()
        if not len(points):
            return {"type": "MultiPolygon", "coordinates": []}
        shape = _smooth(_raster(points))
        found: dict[str, Any] = shapely.geometry.mapping(shape)
        return {"type": "MultiPolygon", "coordinates": _plain(found["coordinates"])}

    def _points(self) -> Floats:
        """Places along the parts of edges that are reached, closer together than the cells of the ring."""
        edges = self.edges
        box = self.network.shape[self.network.first[edges]] if len(edges) else np.zeros((0, 2))
        if not len(edges):
            return box
        step_m = STEP_SHARE * _cell_m(box)
        near, far = np.minimum(self.start_s, self.end_s)[edges], np.maximum(self.start_s, self.end_s)[edges]
        part = np.clip((self.within_s - near) / np.maximum(far - near, 1e-9), 0.0, 1.0)
        first, last = self.network.first[edges], self.network.first[edges + 1] - 1
        size = last - first
        piece = np.repeat(first, size) + np.arange(int(size.sum())) - np.repeat(np.cumsum(size) - size, size)
        a, b = self.network.shape[piece], self.network.shape[piece + 1]
        shrink = np.cos(np.radians(a[:, 1]))
        long_m = np.hypot((b[:, 0] - a[:, 0]) * shrink, b[:, 1] - a[:, 1]) * METRES_PER_DEGREE
        whole = np.repeat(np.add.reduceat(long_m, np.cumsum(size) - size), size)
        before = np.cumsum(long_m) - long_m
        before -= np.repeat(before[np.cumsum(size) - size], size)
        count = np.maximum(1, np.ceil(long_m / step_m)).astype(np.int64) + 1
        row = np.repeat(np.arange(len(piece)), count)
        inside = (np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)) / (count - 1)[row]
        share = (before[row] + inside * long_m[row]) / np.maximum(whole[row], 1e-9)
        owner = np.repeat(np.arange(len(edges)), size)[row]
        # Towards the place it is the end of an edge that is near, away from it the start.
        reached = share >= 1.0 - part[owner] - 1e-9 if self.towards else share <= part[owner] + 1e-9
        return np.asarray((a[row] + inside[:, None] * (b[row] - a[row]))[reached])


def _cell_m(points: Floats) -> float:
    span = np.ptp(points, axis=0) * METRES_PER_DEGREE
    span[0] *= np.cos(np.radians(float(points[:, 1].mean())))
    return max(SMALLEST_CELL_M, float(span.max()) / CELLS)


@dataclass(frozen=True)
class _Mask:
    west: float
    south: float
    cell_lon: float
    cell_lat: float
    filled: NDArray[np.bool_]


def _raster(points: Floats) -> _Mask:
    """The cells that hold a reached place, and their neighbours: the blocks between reached streets are reached."""
    cell_m = _cell_m(points)
    cell_lat = cell_m / METRES_PER_DEGREE
    cell_lon = cell_lat / np.cos(np.radians(float(points[:, 1].mean())))
    west, south = points[:, 0].min() - 3 * cell_lon, points[:, 1].min() - 3 * cell_lat
    column = ((points[:, 0] - west) / cell_lon).astype(np.int64)
    line = ((points[:, 1] - south) / cell_lat).astype(np.int64)
    filled = np.zeros((int(line.max()) + 4, int(column.max()) + 4), dtype=np.bool_)
    filled[line, column] = True
    wide = filled.copy()
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            wide |= np.roll(np.roll(filled, down, axis=0), right, axis=1)
    return _Mask(float(west), float(south), float(cell_lon), float(cell_lat), wide)


def _smooth(mask: _Mask) -> shapely.MultiPolygon:
    """The outline of the cells with its corners rounded and its small holes filled."""
    steps = np.diff(np.pad(mask.filled, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    lines, begins = np.nonzero(steps == 1)
    ends = np.nonzero(steps == -1)[1]
    west = mask.west + begins * mask.cell_lon
    east = mask.west + ends * mask.cell_lon
    south = mask.south + lines * mask.cell_lat
    whole = shapely.unary_union(shapely.box(west, south, east, south + mask.cell_lat))
    # In cells instead of degrees, so that rounding is as wide as it is high.
    flat = shapely.transform(whole, lambda p: (p - [mask.west, mask.south]) / [mask.cell_lon, mask.cell_lat])
    flat = flat.buffer(1.6, quad_segs=6).buffer(-3.0, quad_segs=6).buffer(1.0, quad_segs=6).simplify(0.12)
    parts = [_filled(part) for part in getattr(flat, "geoms", [flat]) if not part.is_empty]
    round_ = shapely.MultiPolygon([part for part in parts if part.area > 4])
    return shapely.transform(round_, lambda p: p * [mask.cell_lon, mask.cell_lat] + [mask.west, mask.south])


def _filled(part: shapely.Polygon) -> shapely.Polygon:
    return shapely.Polygon(
        part.exterior, [hole for hole in part.interiors if shapely.Polygon(hole).area > HOLE_CELLS]
    )


def _plain(rings: Any) -> Any:
    """Lists of rounded numbers: 6 decimals are 11 cm."""
    if isinstance(rings, (tuple, list)) and rings and not isinstance(rings[0], (tuple, list)):
        return [round(float(value), 6) for value in rings]
    return [_plain(part) for part in rings]
