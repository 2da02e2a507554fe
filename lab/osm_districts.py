"""Districts of a real city: its administrative borders when the file has them whole, else a simple partition."""

from collections import defaultdict

import numpy as np
import osmium
import shapely

from lab.citymap import CLASS_NO, City, District, Floats

LEVELS = ("6", "7", "8", "9", "10")
FEWEST, MOST = 3, 40
COVER = 0.6  # a set of districts must hold this share of the roads to be used
PARTS = 12


def read(path: str, city: City) -> tuple[District, ...]:
    """The administrative districts of the file, if one level of them covers most of the roads."""
    keys = osmium.filter.KeyFilter("boundary")
    by_level: dict[str, list[tuple[str, str, tuple[Floats, ...]]]] = defaultdict(list)
    for thing in osmium.FileProcessor(path).with_areas(keys).with_filter(keys):
        if (
            isinstance(thing, osmium.osm.Area)
            and thing.tags["boundary"] == "administrative"
            and thing.tags.get("name")
        ):
            rings = tuple(np.array([(node.lon, node.lat) for node in ring]) for ring in thing.outer_rings())
            level = thing.tags.get("admin_level") or ""
            by_level[level].append((thing.tags["name"], thing.tags.get("name:en") or "", rings))
    for level in LEVELS:
        found = by_level.get(level, [])
        if FEWEST <= len(found) <= MOST and _share(found, city) >= COVER:
            return _with_kinds(found, city)
    return ()


def _share(found: list[tuple[str, str, tuple[Floats, ...]]], city: City) -> float:
    shape = shapely.union_all([shapely.Polygon(ring) for _, _, rings in found for ring in rings])
    return float(shapely.contains_xy(shape, city.lon, city.lat).mean())


def _with_kinds(found: list[tuple[str, str, tuple[Floats, ...]]], city: City) -> tuple[District, ...]:
    """Says of each district whether it is urban, suburban or remote, by its roads per square kilometre."""
    per_lon, per_lat = city.plane.metres_per_degree
    dense = []
    for _, _, rings in found:
        shape = shapely.MultiPolygon([shapely.Polygon(ring) for ring in rings])
        nodes = int(shapely.contains_xy(shape, city.lon, city.lat).sum())
        dense.append(nodes / max(0.01, shape.area * per_lon * per_lat / 1e6))
    high, low = np.quantile(dense, 0.5), 0.12 * max(dense)
    kinds = ["urban" if d >= high else "suburb" if d >= low else "remote" for d in dense]
    return tuple(
        District(name, name_en, kind, rings)
        for (name, name_en, rings), kind in zip(found, kinds, strict=True)
    )


def partition(city: City) -> tuple[District, ...]:
    """Halves the city again and again where half of the roads lie on either side; names come from main roads."""
    box = city.bbox
    boxes = [(box.west - 1e-3, box.south - 1e-3, box.east + 1e-3, box.north + 1e-3)]
    per_lon, per_lat = city.plane.metres_per_degree
    wanted = PARTS if len(city.lon) > 3_000 else 6
    while len(boxes) < wanted:
        sizes = [int(_within(city, part).sum()) for part in boxes]
        part = boxes.pop(int(np.argmax(sizes)))
        west, south, east, north = part
        held = _within(city, part)
        if (east - west) * per_lon > (north - south) * per_lat:
            middle = float(np.median(city.lon[held]))
            boxes += [(west, south, middle, north), (middle, south, east, north)]
        else:
            middle = float(np.median(city.lat[held]))
            boxes += [(west, south, east, middle), (west, middle, east, north)]
    found: list[tuple[str, str, tuple[Floats, ...]]] = []
    taken: set[str] = set()
    for number, part in enumerate(sorted(boxes, key=lambda b: (-b[3], b[0])), 1):
        zh, en = _main_road(city, part, taken) or (f"第{number}", f"No. {number}")
        taken.add(zh)
        west, south, east, north = part
        ring = np.array([(west, south), (east, south), (east, north), (west, north), (west, south)])
        found.append((f"{zh}片区", f"{en or zh} area", (ring,)))
    return _with_kinds(found, city)


def _within(city: City, part: tuple[float, float, float, float]) -> np.ndarray:
    west, south, east, north = part
    return (city.lon >= west) & (city.lon < east) & (city.lat >= south) & (city.lat < north)


def _main_road(
    city: City, part: tuple[float, float, float, float], taken: set[str]
) -> tuple[str, str] | None:
    """The named surface road with most metres inside a box that no other district is called by."""
    held = _within(city, part)[city.start] & (city.street > 0) & (city.road_class >= CLASS_NO["primary"])
    metres = np.bincount(city.street[held], weights=city.length_m[held], minlength=len(city.names))
    for street in np.argsort(metres)[::-1]:
        if metres[street] <= 0:
            return None
        if city.names[street].zh not in taken:
            return city.names[int(street)]
    return None
