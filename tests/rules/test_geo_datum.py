"""Datums: there and back again, and nowhere else."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Invalid
from geo import datum
from geo.errors import BadPlace
from geo.fix import LonLat, metres_between

ROOT = Path(__file__).parents[2]
# Well inside the box of the formula: within half a degree of its rim a place can leave it on the way there.
MAINLAND = {"lon": st.floats(73, 135), "lat": st.floats(18, 53.5)}
EARTH = {"lon": st.floats(-180, 180), "lat": st.floats(-90, 90)}


@given(**MAINLAND, name=st.sampled_from(["gcj02", "bd09"]))
def test_a_place_comes_back_within_ten_micrometres(lon: float, lat: float, name: str) -> None:
    place = LonLat(lon, lat)
    there = datum.from_wgs84(place, name)
    assert metres_between(datum.to_wgs84(*there, name), place) < 1e-5


@given(**MAINLAND)
def test_gcj02_shifts_by_some_hundred_metres_and_bd09_by_more(lon: float, lat: float) -> None:
    place = LonLat(lon, lat)
    gcj02 = metres_between(place, datum.from_wgs84(place, "gcj02"))
    bd09 = metres_between(place, datum.from_wgs84(place, "bd09"))
    assert 10 < gcj02 < 800
    assert 600 < bd09 < 1800


# domain.md §6: Beijing 555 m, Shanghai 481, Guangzhou 621, Chengdu 363, Urumqi 265.
@pytest.mark.parametrize(
    ("place", "metres"),
    [
        (LonLat(116.4074, 39.9042), 555),
        (LonLat(121.4737, 31.2304), 481),
        (LonLat(113.2644, 23.1291), 621),
        (LonLat(104.0665, 30.5723), 363),
        (LonLat(87.6168, 43.8256), 265),
    ],
)
def test_the_shift_of_known_cities(place: LonLat, metres: int) -> None:
    assert metres_between(place, datum.from_wgs84(place, "gcj02")) == pytest.approx(metres, abs=5)


# Computed with gcoord 1.0.7, which the pages use: both sides must hand a navigation app the same place.
@pytest.mark.parametrize(
    ("place", "gcj02", "bd09"),
    [
        (
            (116.403988, 39.914266),
            (116.41023240747266, 39.915670251113426),
            (116.41661560068297, 39.92196580126834),
        ),
        (
            (121.4737, 31.2304),
            (121.47822305927693, 31.22845773757727),
            (121.484781468503, 31.234310593689997),
        ),
        ((87.6168, 43.8256), (87.61964994946926, 43.82680539311119), (87.62609977081571, 43.83294979479329)),
        (
            (113.2644, 23.1291),
            (113.26972959210308, 23.126423339922844),
            (113.27615075157122, 23.13271125723948),
        ),
        ((-0.1278, 51.5074), (-0.1278, 51.5074), (-0.12144186268255894, 51.513419462833326)),
    ],
)
def test_server_and_browser_agree(
    place: tuple[float, float], gcj02: tuple[float, float], bd09: tuple[float, float]
) -> None:
    assert datum.from_wgs84(LonLat(*place), "gcj02") == pytest.approx(gcj02, abs=1e-9)
    assert datum.from_wgs84(LonLat(*place), "bd09") == pytest.approx(bd09, abs=1e-9)


@given(lon=st.floats(-179.9, 71.9), lat=st.floats(-89, 89))
def test_outside_the_box_gcj02_is_wgs84_and_bd09_still_comes_back(lon: float, lat: float) -> None:
    place = LonLat(lon, lat)
    assert datum.from_wgs84(place, "gcj02") == place == datum.to_wgs84(lon, lat, "gcj02")
    assert metres_between(datum.to_wgs84(*datum.from_wgs84(place, "bd09"), "bd09"), place) < 1e-5


@pytest.mark.parametrize(
    ("inside", "outside"),
    [
        (LonLat(72.0041, 30), LonLat(72.0039, 30)),
        (LonLat(137.8346, 30), LonLat(137.8348, 30)),
        (LonLat(100, 0.8294), LonLat(100, 0.8292)),
        (LonLat(100, 55.8270), LonLat(100, 55.8272)),
    ],
)
def test_the_box_is_where_the_documentation_says(inside: LonLat, outside: LonLat) -> None:
    assert datum.shifted_here(inside)
    assert not datum.shifted_here(outside)


@given(**EARTH, name=st.sampled_from(datum.DATUMS))
def test_every_place_on_earth_converts_or_is_refused_by_name(lon: float, lat: float, name: str) -> None:
    there = datum.from_wgs84(LonLat(lon, lat), name)
    assert -181 <= there.lon <= 181
    assert -91 <= there.lat <= 91
    try:
        found = datum.to_wgs84(lon, lat, name)
    except BadPlace:
        # Only BD-09 beyond the date line or a pole.
        assert name == "bd09"
        assert abs(lon) > 179.9 or abs(lat) > 89.9
    else:
        assert datum.checked(*found) == found


def test_bd09_from_beyond_the_date_line_is_refused_by_name() -> None:
    with pytest.raises(BadPlace):
        datum.to_wgs84(-180, 0, "bd09")


@pytest.mark.parametrize(
    ("lon", "lat"), [(39.9, 116.4), (181, 0), (float("nan"), 1), (1, float("inf")), (0, -90.1)]
)
def test_a_place_that_is_nowhere_is_refused(lon: float, lat: float) -> None:
    with pytest.raises(BadPlace):
        datum.to_wgs84(lon, lat, "gcj02")


def test_an_unknown_datum_is_refused_by_name() -> None:
    with pytest.raises(Invalid) as refused:
        datum.to_wgs84(116, 39, "mars")
    assert refused.value.errors[0]["path"] == "datum"


def test_only_one_file_of_the_server_knows_the_formula() -> None:
    code = [
        p
        for p in ROOT.glob("*/**/*.py")
        if p.relative_to(ROOT).parts[0] not in ("tests", ".venv") and "node_modules" not in p.parts
    ]
    users = {p.relative_to(ROOT).as_posix() for p in code if re.search(r"geocoordinates_ffi", p.read_text())}
    assert users == {"geo/datum.py"}
