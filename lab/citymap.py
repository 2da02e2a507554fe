"""What a city is made of: nodes, directed edges, districts, water, parks. Longitude first, WGS-84."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from math import cos, radians
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from geo.fix import LonLat

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

CLASSES = ("motorway", "motorway_link", "trunk", "primary", "secondary", "tertiary", "street")
CLASS_NO = {name: number for number, name in enumerate(CLASSES)}
# Free-flow speed with an ordinary share of red lights, km/h; the limit of the road is LIMIT_KMH.
SPEED_KMH = {
    "motorway": 95, "motorway_link": 45, "trunk": 58, "primary": 44, "secondary": 38, "tertiary": 32, "street": 22,
}  # fmt: skip
LIMIT_KMH = {
    "motorway": 100, "motorway_link": 50, "trunk": 80, "primary": 60, "secondary": 50, "tertiary": 40, "street": 30,
}  # fmt: skip


class Name(NamedTuple):
    """A name in Chinese (or whatever the map is written in) and in English."""

    zh: str
    en: str


class Box(NamedTuple):
    """WGS-84 degrees."""

    west: float
    south: float
    east: float
    north: float


@dataclass(frozen=True)
class Plane:
    """Flat metres around an origin: east is x, north is y. Good to 0.2 % over 30 km."""

    origin: LonLat

    @property
    def metres_per_degree(self) -> tuple[float, float]:
        """Metres in a degree of longitude and of latitude at the origin (WGS-84 ellipsoid series)."""
        lat = radians(self.origin.lat)
        per_lon = 111_412.84 * cos(lat) - 93.5 * cos(3 * lat) + 0.118 * cos(5 * lat)
        per_lat = 111_132.92 - 559.82 * cos(2 * lat) + 1.175 * cos(4 * lat)
        return per_lon, per_lat

    def to_m(self, lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
        """Turns degrees into metres east and north of the origin."""
        per_lon, per_lat = self.metres_per_degree
        return (np.asarray(lon) - self.origin.lon) * per_lon, (np.asarray(lat) - self.origin.lat) * per_lat

    def to_degrees(self, x_m: Floats, y_m: Floats) -> tuple[Floats, Floats]:
        """Turns metres east and north of the origin into degrees."""
        per_lon, per_lat = self.metres_per_degree
        return self.origin.lon + np.asarray(x_m) / per_lon, self.origin.lat + np.asarray(y_m) / per_lat

    def lonlat(self, x_m: float, y_m: float) -> LonLat:
        """Turns one point in metres into degrees."""
        per_lon, per_lat = self.metres_per_degree
        return LonLat(self.origin.lon + x_m / per_lon, self.origin.lat + y_m / per_lat)


@dataclass(frozen=True, eq=False)  # two are the same only if they are one: arrays have no plain equality
class District:
    """A named part of the city: closed outer rings of (lon, lat) rows; kind is urban, suburb or remote."""

    name: str
    name_en: str
    kind: str
    rings: tuple[Floats, ...]

    def wkt(self) -> str:
        """The district as a WKT MULTIPOLYGON."""
        return multipolygon_wkt(self.rings)


@dataclass(frozen=True, eq=False)
class Patch:
    """A lake, a river bed or a park: one closed ring of (lon, lat) rows."""

    ring: Floats
    name: str = ""
    name_en: str = ""
    area_m2: float = 0.0


@dataclass(frozen=True, eq=False)
class City:
    """A road network with its districts. Edge i runs straight from node `start[i]` to node `end[i]`, one way only;
    a street open both ways is two edges. `one_way[i]` says that the other direction does not exist."""

    name: str
    name_en: str
    label: str
    lon: Floats
    lat: Floats
    start: Ints
    end: Ints
    length_m: Floats
    speed_mps: Floats
    limit_mps: Floats
    road_class: NDArray[np.int8]
    one_way: NDArray[np.bool_]
    street: Ints  # index into `names`
    names: tuple[Name, ...]  # names[0] is the empty name
    districts: tuple[District, ...]
    water: tuple[Patch, ...]
    parks: tuple[Patch, ...]
    utc_offset: timedelta = timedelta(hours=8)
    attribution: str = ""
    generated: bool = True
    seed: int | None = None
    _cache: dict[str, object] = field(default_factory=dict, repr=False, compare=False)

    @property
    def bbox(self) -> Box:
        """The box around every node."""
        return Box(float(self.lon.min()), float(self.lat.min()), float(self.lon.max()), float(self.lat.max()))

    @property
    def centre(self) -> LonLat:
        """The middle of the box."""
        box = self.bbox
        return LonLat((box.west + box.east) / 2, (box.south + box.north) / 2)

    @property
    def plane(self) -> Plane:
        """Flat metres around the centre."""
        plane = self._cache.get("plane")
        if not isinstance(plane, Plane):
            plane = self._cache["plane"] = Plane(self.centre)
        return plane

    def at(self, node: int) -> LonLat:
        """Where a node is."""
        return LonLat(float(self.lon[node]), float(self.lat[node]))

    def edge_name(self, edge: int) -> Name:
        """The name of the road an edge belongs to."""
        return self.names[int(self.street[edge])]

    def district_at(self, place: LonLat) -> District | None:
        """The district that holds a point, if one does."""
        return next((d for d in self.districts if any(inside(ring, place) for ring in d.rings)), None)


def kmh(road_class: NDArray[np.int8], table: dict[str, int]) -> Floats:
    """Metres a second for each edge, from a table of kilometres an hour by class."""
    return np.array([table[name] / 3.6 for name in CLASSES])[road_class]


def ring_m2(ring: Floats) -> float:
    """The area of a ring given in metres."""
    x, y = ring[:, 0], ring[:, 1]
    return 0.5 * abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))))


def strongest(city: City) -> City:
    """The city cut down to its largest part in which every node can reach every other."""
    size = len(city.lon)
    links = coo_array((np.ones(len(city.start), dtype=np.int8), (city.start, city.end)), shape=(size, size))
    _, label = connected_components(links.tocsr(), directed=True, connection="strong")
    keep = label == np.argmax(np.bincount(label))
    edges = keep[city.start] & keep[city.end] & (city.start != city.end)
    renumbered = (np.cumsum(keep) - 1).astype(np.int32)
    return replace(
        city, lon=city.lon[keep], lat=city.lat[keep], start=renumbered[city.start[edges]],
        end=renumbered[city.end[edges]], length_m=city.length_m[edges], speed_mps=city.speed_mps[edges],
        limit_mps=city.limit_mps[edges], road_class=city.road_class[edges], one_way=city.one_way[edges],
        street=city.street[edges], _cache={},
    )  # fmt: skip


def inside(ring: Floats, place: LonLat) -> bool:
    """Whether a point lies inside a closed ring (even-odd rule)."""
    x, y = ring[:-1, 0], ring[:-1, 1]
    x2, y2 = ring[1:, 0], ring[1:, 1]
    rows = (y > place.lat) != (y2 > place.lat)
    cut = x[rows] + (place.lat - y[rows]) * (x2[rows] - x[rows]) / (y2[rows] - y[rows])
    return bool(np.count_nonzero(cut > place.lon) % 2)


def ring_text(ring: Floats) -> str:
    """The coordinates of a line or ring for WKT: 6 decimals are 11 cm."""
    return "(" + ", ".join(f"{lon:.6f} {lat:.6f}" for lon, lat in ring) + ")"


def multipolygon_wkt(rings: tuple[Floats, ...]) -> str:
    """Outer rings as a WKT MULTIPOLYGON."""
    return "MULTIPOLYGON (" + ", ".join(f"({ring_text(ring)})" for ring in rings) + ")"
