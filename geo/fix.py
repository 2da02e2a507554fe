"""A place and a reading of a place: the two values that cross every border of this room."""

import math
from datetime import datetime
from typing import NamedTuple

import msgspec

EARTH_RADIUS_M = 6_371_008.8  # mean radius, IUGG


class LonLat(NamedTuple):
    """WGS-84 degrees, longitude first: the order of GeoJSON and PostGIS."""

    lon: float
    lat: float

    def ewkt(self) -> str:
        """The point as PostGIS reads it."""
        return f"SRID=4326;POINT({self.lon} {self.lat})"


class Fix(msgspec.Struct, frozen=True, gc=False):
    """One reading by a phone, WGS-84. A frozen struct, not a dataclass: a batch makes a thousand of them.

    `fixed_at` is the phone's clock; `received_at` is the database's and stays None until the fix is taken. Where the phone's
    clock is known to be wrong `fixed_at` is corrected, and `phone_at` keeps what the phone said (`geo/clock_offset.py`).
    A larger `accuracy_m` is worse. `battery` is percent. None means the phone did not say.
    """

    fixed_at: datetime
    received_at: datetime | None
    lon: float
    lat: float
    accuracy_m: float | None = None
    speed_mps: float | None = None
    heading_deg: float | None = None
    altitude_m: float | None = None
    battery: int | None = None
    source: str = "phone"
    seq: int | None = None
    phone_at: datetime | None = None

    def position(self) -> LonLat:
        """Where it was."""
        return LonLat(self.lon, self.lat)


def metres_between(a: LonLat, b: LonLat) -> float:
    """Great-circle metres (haversine): within 0.6 % of the ellipsoid, and total for every input on earth."""
    lat_a, lat_b = math.radians(a.lat), math.radians(b.lat)
    half_lat = math.sin((lat_b - lat_a) / 2)
    half_lon = math.sin(math.radians(b.lon - a.lon) / 2)
    chord = half_lat * half_lat + math.cos(lat_a) * math.cos(lat_b) * half_lon * half_lon
    return 2 * EARTH_RADIUS_M * math.asin(math.sqrt(min(1.0, chord)))
