"""Reads a real city from an OpenStreetMap file: drivable ways, one-ways, names, speeds, water, parks, districts."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import osmium
import shapely

from geo.fix import LonLat
from lab import osm_districts
from lab.citymap import (
    CLASS_NO,
    LIMIT_KMH,
    SPEED_KMH,
    City,
    Floats,
    Name,
    Patch,
    Plane,
    kmh,
    ring_m2,
    strongest,
)  # fmt: skip

ATTRIBUTION = "© OpenStreetMap contributors, ODbL 1.0"
# highway=… → our class. Tracks, footways and private drives are no way to a loss.
DRIVABLE = {
    "motorway": "motorway", "motorway_link": "motorway_link", "trunk": "trunk", "trunk_link": "motorway_link",
    "primary": "primary", "primary_link": "primary", "secondary": "secondary", "secondary_link": "secondary",
    "tertiary": "tertiary", "tertiary_link": "tertiary", "unclassified": "street", "residential": "street",
    "living_street": "street", "service": "street", "road": "street",
}  # fmt: skip
CLOSED_TO_US = {"no", "private", "forestry", "agricultural"}
SIDE_SERVICE = {"parking_aisle", "driveway", "drive-through", "emergency_access"}
BENDS_M = 3.0  # bends smaller than this are straightened
GREEN = {
    "leisure": {"park", "garden", "golf_course", "nature_reserve"},
    "landuse": {"forest", "grass", "meadow"},
}
SMALLEST_PATCH_M2 = 2_000.0
CHINA = (73.0, 18.0, 135.5, 54.0)


class UnusableMap(ValueError):
    """The file holds no connected drivable roads."""


@dataclass(frozen=True)
class Way:
    """A drivable way as read; direction is 1, -1 or 0 for both."""

    refs: tuple[int, ...]
    points: Floats
    road_class: str
    direction: int
    limit_kmh: float | None
    name: Name


def from_osm(path: str | Path) -> City:
    """Reads a city from an .osm.pbf or .osm file.

    Raises UnusableMap when fewer than two nodes reach each other by road."""
    ways = list(_ways(str(path)))
    if not ways:
        raise UnusableMap(f"{Path(path).name} has no drivable roads")
    everything = np.vstack([way.points for way in ways])
    plane = Plane(LonLat(float(everything[:, 0].mean()), float(everything[:, 1].mean())))
    name = _place_name(str(path))
    city = strongest(_network(ways, plane, name))
    if len(city.lon) < 2:
        raise UnusableMap(f"{Path(path).name} has no two places that reach each other by road")
    patches = list(_patches(str(path), plane))
    return replace(
        city,
        districts=osm_districts.read(str(path), city) or osm_districts.partition(city),
        water=tuple(patch for kind, patch in patches if kind == "water"),
        parks=tuple(patch for kind, patch in patches if kind == "park"),
    )


def _ways(path: str) -> Iterator[Way]:
    """Every way a car may use."""
    only_ways = osmium.filter.EntityFilter(osmium.osm.WAY)
    processor = osmium.FileProcessor(path).with_locations().with_filter(only_ways)
    for way in processor.with_filter(osmium.filter.KeyFilter("highway")):
        tags = way.tags
        road_class = DRIVABLE.get(tags["highway"])
        if not isinstance(way, osmium.osm.Way):
            continue
        if road_class is None or tags.get("area") == "yes" or tags.get("service") in SIDE_SERVICE:
            continue
        if any(tags.get(key) in CLOSED_TO_US for key in ("access", "vehicle", "motor_vehicle", "motorcar")):
            continue
        nodes = [(node.ref, node.lon, node.lat) for node in way.nodes if node.location.valid()]
        if len(nodes) < 2:
            continue
        yield Way(
            tuple(node[0] for node in nodes), np.array([node[1:] for node in nodes]), road_class,
            _direction(tags, road_class), speed_limit(tags.get("maxspeed") or ""), _name(tags),
        )  # fmt: skip


def _direction(tags: Any, road_class: str) -> int:
    one_way = tags.get("oneway", "")
    if one_way in ("-1", "reverse"):
        return -1
    if one_way in ("yes", "true", "1"):
        return 1
    circle = tags.get("junction") in ("roundabout", "circular")
    return 1 if one_way != "no" and (circle or road_class == "motorway") else 0


def _name(tags: Any) -> Name:
    zh = tags.get("name:zh") or tags.get("name") or tags.get("ref") or ""
    return Name(zh, tags.get("name:en") or (tags.get("ref") if not tags.get("name") else "") or "")


def speed_limit(text: str) -> float | None:
    """Kilometres an hour from a `maxspeed` tag; None when it is no plain number."""
    number, _, unit = text.strip().partition(" ")
    if not number.isdigit() or not 5 <= int(number) <= 150:
        return None
    return int(number) * (1.609344 if unit.strip() == "mph" else 1.0)


def _place_name(path: str) -> Name:
    """The largest place named in the file, or what the file is called."""
    rank = {"city": 0, "municipality": 1, "town": 2}
    found = []
    processor = osmium.FileProcessor(path).with_filter(osmium.filter.EntityFilter(osmium.osm.NODE))
    for node in processor.with_filter(osmium.filter.KeyFilter("place")):
        if node.tags["place"] in rank and node.tags.get("name"):
            found.append((rank[node.tags["place"]], _name(node.tags)))
    if found:
        return min(found)[1]
    stem = (
        Path(path)
        .name.removesuffix(".pbf")
        .removesuffix(".osm")
        .replace("_", " ")
        .replace("-", " ")
        .strip()
        .title()
    )
    return Name(stem, stem)


def _network(ways: list[Way], plane: Plane, name: Name) -> City:
    """Nodes and directed edges; small bends go, junctions stay."""
    uses = Counter(ref for way in ways for ref in way.refs)
    ids: dict[int, int] = {}
    points: list[tuple[float, float]] = []
    known: dict[Name, int] = {Name("", ""): 0}
    rows: list[tuple[int, int, float, int, float, bool, int]] = []
    for way in ways:
        x, y = plane.to_m(way.points[:, 0], way.points[:, 1])
        along = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
        kept = _kept(way.refs, x, y, uses)
        for i in kept:
            if way.refs[i] not in ids:
                ids[way.refs[i]] = len(points)
                points.append((float(way.points[i, 0]), float(way.points[i, 1])))
        street = known.setdefault(way.name, len(known))
        number = CLASS_NO[way.road_class]
        limit = way.limit_kmh or float(LIMIT_KMH[way.road_class])
        for i, j in pairwise(kept):
            a, b, length = ids[way.refs[i]], ids[way.refs[j]], max(1.0, float(along[j] - along[i]))
            if way.direction >= 0:
                rows.append((a, b, length, number, limit, way.direction != 0, street))
            if way.direction <= 0:
                rows.append((b, a, length, number, limit, way.direction != 0, street))
    start, end, length_m, road_class, limit_kmh, one_way, streets = (
        np.array(column) for column in zip(*rows, strict=True)
    )
    lon, lat = np.array(points).T
    limit_mps = limit_kmh / 3.6
    return City(
        name=name.zh, name_en=name.en or name.zh, label=f"{name.zh} © OpenStreetMap contributors", lon=lon, lat=lat,
        start=start.astype(np.int32), end=end.astype(np.int32), length_m=length_m,
        speed_mps=np.minimum(kmh(road_class.astype(np.int8), SPEED_KMH), 0.95 * limit_mps), limit_mps=limit_mps,
        road_class=road_class.astype(np.int8), one_way=one_way, street=streets.astype(np.int32), names=tuple(known),
        districts=(), water=(), parks=(), utc_offset=_utc_offset(plane.origin), attribution=ATTRIBUTION,
        generated=False,
    )  # fmt: skip


def _kept(refs: tuple[int, ...], x: Floats, y: Floats, uses: Counter[int]) -> list[int]:
    """Indexes of the points to keep: ends, junctions, and real bends between them."""
    anchors = [i for i, ref in enumerate(refs) if i in (0, len(refs) - 1) or uses[ref] > 1]
    kept = [anchors[0]]
    for i, j in pairwise(anchors):
        if j - i > 1:
            line = shapely.simplify(
                shapely.LineString(np.column_stack([x[i : j + 1], y[i : j + 1]])), BENDS_M
            )
            wanted = {(float(px), float(py)) for px, py in shapely.get_coordinates(line)[1:-1]}
            kept += [k for k in range(i + 1, j) if (float(x[k]), float(y[k])) in wanted]
        kept.append(j)
    return kept


def _utc_offset(place: LonLat) -> timedelta:
    """The clock people live by: all China keeps one; elsewhere the sun decides, to the hour."""
    west, south, east, north = CHINA
    in_china = west < place.lon < east and south < place.lat < north
    return timedelta(hours=8 if in_china else round(place.lon / 15))


def _patches(path: str, plane: Plane) -> Iterator[tuple[str, Patch]]:
    """Water and parks large enough to see."""
    keys = osmium.filter.KeyFilter("natural", "waterway", "leisure", "landuse")
    for thing in osmium.FileProcessor(path).with_areas(keys).with_filter(keys):
        if not isinstance(thing, osmium.osm.Area):
            continue
        kind = _patch_kind(thing.tags)
        if kind is None:
            continue
        name = _name(thing.tags)
        for outer in thing.outer_rings():
            ring = np.array([(node.lon, node.lat) for node in outer])
            area = ring_m2(np.column_stack(plane.to_m(ring[:, 0], ring[:, 1])))
            if area >= SMALLEST_PATCH_M2:
                yield kind, Patch(ring, name.zh, name.en, area)


def _patch_kind(tags: Any) -> str | None:
    if tags.get("natural") == "water" or tags.get("waterway") == "riverbank":
        return "water"
    green = any(tags.get(key) in values for key, values in GREEN.items()) or tags.get("natural") == "wood"
    return "park" if green else None
