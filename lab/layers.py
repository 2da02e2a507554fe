"""The lines and polygons of the offline base map: whole roads, simplified, with the zoom they appear at."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import shapely

from lab.citymap import CLASSES, City, Floats, multipolygon_wkt, ring_text

MIN_ZOOM = {
    "motorway": 8, "motorway_link": 12, "trunk": 8, "primary": 9, "secondary": 11, "tertiary": 12, "street": 13,
}  # fmt: skip
SIMPLIFY_M = 2.5


@dataclass(frozen=True)
class BaseLine:
    """A feature of the base map; kind is motorway, trunk, primary, secondary, tertiary, street, water, park or area."""

    kind: str
    name: str
    name_en: str
    min_zoom: int
    wkt: str  # WGS-84


def base_layers(city: City) -> list[BaseLine]:
    """Everything the base map draws, areas and water first."""
    found = [BaseLine("area", d.name, d.name_en, 8, d.wkt()) for d in city.districts]
    for kind, patches in (("water", city.water), ("park", city.parks)):
        for patch in patches:
            found.append(
                BaseLine(kind, patch.name, patch.name_en, patch_zoom(patch.area_m2), _ring(patch.ring))
            )
    return found + _roads(city)


def patch_zoom(area_m2: float) -> int:
    """The zoom from which a lake or park is worth drawing."""
    return 8 if area_m2 > 2e6 else 11 if area_m2 > 2e5 else 12 if area_m2 > 3e4 else 14


def _ring(ring: Floats) -> str:
    return multipolygon_wkt((ring,))


def _roads(city: City) -> list[BaseLine]:
    """Chains the edges of each road into lines as long as they go."""
    plane = city.plane
    x, y = plane.to_m(city.lon, city.lat)
    once = city.one_way | (city.start < city.end)
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for edge in np.flatnonzero(once):
        groups[int(city.road_class[edge]), int(city.street[edge])].append(int(edge))
    found = []
    for (number, street), edges in sorted(groups.items()):
        kind, name = CLASSES[number], city.names[street]
        for path in chains(city.start[edges].tolist(), city.end[edges].tolist()):
            line = shapely.simplify(shapely.LineString(np.column_stack([x[path], y[path]])), SIMPLIFY_M)
            points = shapely.get_coordinates(line)
            lon, lat = plane.to_degrees(points[:, 0], points[:, 1])
            text = "LINESTRING " + ring_text(np.column_stack([lon, lat]))
            shown = "trunk" if kind == "motorway_link" else kind
            zh, en = ("", "") if kind == "motorway_link" else name
            found.append(BaseLine(shown, zh, en, MIN_ZOOM[kind], text))
    return found


def chains(starts: list[int], ends: list[int]) -> list[list[int]]:
    """Joins links end to end into paths; each link is used once, in either direction."""
    at: dict[int, list[int]] = defaultdict(list)
    for number, (a, b) in enumerate(zip(starts, ends, strict=True)):
        at[a].append(number)
        at[b].append(number)
    used = [False] * len(starts)
    paths = []
    ends_first = [n for n in at if len(at[n]) != 2] + list(at)
    for node in ends_first:
        for first in at[node]:
            if used[first]:
                continue
            path, link, here = [node], first, node
            while True:
                used[link] = True
                here = ends[link] if starts[link] == here else starts[link]
                path.append(here)
                following = [n for n in at[here] if not used[n]] if len(at[here]) == 2 else []
                if not following:
                    break
                link = following[0]
            paths.append(path)
    return paths
