"""The only place of map datums on the server: WGS-84 inside, GCJ-02 and BD-09 at the edges.

GCJ-02 (火星坐标) shifts a place by 26–677 m, BD-09 by another 0.9 km; mixing them up is the largest silent
error a Chinese map can have. GCJ-02 exists only inside a box of longitude 72.004–137.8347, latitude
0.8293–55.8271. That box is the one of the public formula and is rough: it takes in Hong Kong, Macau,
Taiwan and strips of the neighbours, as the other implementations do. Outside it GCJ-02 is WGS-84. BD-09
is a further shift on top of GCJ-02 everywhere, as in gcoord, which the pages use. A place within a few
hundred metres of the box's rim can land outside it on the way there and is then not shifted back.

The forward formula is exact by definition; the way back is found by iteration. Truth against the
surveyors' official plug-in is not known to the metre, so a place typed in WGS-84 is always better than
one typed in GCJ-02.
"""

import math
from typing import Literal, get_args

import geocoordinates_ffi as ffi  # type: ignore[import-untyped]

from core.errors import Invalid
from geo.errors import BadPlace
from geo.fix import LonLat

Datum = Literal["wgs84", "gcj02", "bd09"]
DATUMS: tuple[str, ...] = get_args(Datum)


def checked(lon: float, lat: float) -> LonLat:
    """The place, or BadPlace when it is nowhere on earth."""
    if not (math.isfinite(lon) and math.isfinite(lat) and -180 <= lon <= 180 and -90 <= lat <= 90):
        raise BadPlace(
            "longitude is -180 to 180, latitude -90 to 90",
            errors=[{"path": "lon,lat", "message": "not a place on earth; longitude comes first"}],
        )
    return LonLat(lon, lat)


def known(datum: str) -> Datum:
    """The datum, or Invalid naming the field."""
    if datum not in DATUMS:
        raise Invalid.field("datum", "one of " + ", ".join(DATUMS))
    return datum  # type: ignore[return-value]


def shifted_here(place: LonLat) -> bool:
    """Whether GCJ-02 differs from WGS-84 at this place: whether it lies inside the box."""
    return not ffi.out_of_china(lat=place.lat, lon=place.lon)


def to_wgs84(lon: float, lat: float, datum: str = "wgs84") -> LonLat:
    """Turns a place as somebody gave it into WGS-84. Raises BadPlace or Invalid."""
    place = checked(lon, lat)
    if known(datum) == "wgs84":
        return place
    try:
        if datum == "gcj02":
            found = ffi.gcj02_to_wgs84_refined(ffi.Gcj02(lat=lat, lon=lon))
        else:
            found = ffi.bd09_to_wgs84_refined(ffi.Bd09(lat=lat, lon=lon))
    except ffi.GeoError as error:
        # BD-09 within 700 m of the date line or a pole comes from beyond it.
        raise BadPlace(f"no place on earth has these {datum} coordinates") from error
    return checked(found.lon, found.lat)


def from_wgs84(place: LonLat, datum: str = "wgs84") -> LonLat:
    """Turns a stored place into the datum a map speaks."""
    if known(datum) == "wgs84":
        return place
    given = ffi.Wgs84(lat=place.lat, lon=place.lon)
    found = ffi.wgs84_to_gcj02(given) if datum == "gcj02" else ffi.wgs84_to_bd09(given)
    return LonLat(found.lon, found.lat)
