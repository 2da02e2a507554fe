"""From where a place can be reached in time: areas by road, or circles when no road speaks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from geo.eta import Engine, StraightLine
from geo.fix import EARTH_RADIUS_M, LonLat
from geo.roads.own import OwnRoads

CORNERS = 72


@dataclass(frozen=True)
class Rings:
    """GeoJSON MultiPolygons, one for each number of seconds asked for, and who drew them."""

    by: str
    shapes: list[dict[str, Any]]


def around(
    engine: Engine, place: LonLat, seconds: Sequence[float], *, last: StraightLine | None = None
) -> Rings:
    """The areas from which the place is reached within each time, WGS-84, smallest first as asked."""
    for line in engine.lines:
        if isinstance(line.provider, OwnRoads):
            found = line.provider.reach(place, max(seconds))
            if found is not None:
                less = [max(seconds) - s for s in seconds]
                shapes = [replace(found, within_s=max(0.0, found.within_s - by)).ring() for by in less]
                return Rings(line.provider.name, shapes)
    straight = last or engine.last
    mps = straight.speed_kmh / 3.6 / straight.winding
    return Rings(straight.name, [_circle(place, s * mps) for s in seconds])


def _circle(place: LonLat, radius_m: float) -> dict[str, Any]:
    """A circle as a MultiPolygon, counter-clockwise as RFC 7946 wants it; not for the poles."""
    lat_deg = math.degrees(radius_m / EARTH_RADIUS_M)
    lon_deg = lat_deg / max(0.01, math.cos(math.radians(place.lat)))
    turns = [2 * math.pi * i / CORNERS for i in range(CORNERS)]
    ring = [
        [round(place.lon + lon_deg * math.cos(t), 6), round(place.lat + lat_deg * math.sin(t), 6)]
        for t in turns
    ]
    return {"type": "MultiPolygon", "coordinates": [[[*ring, ring[0]]]]}
