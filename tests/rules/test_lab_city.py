"""The made-up city: whole, believable, the same for the same seed, and divided by a river."""

import time

import numpy as np
import pytest
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from geo.fix import metres_between
from lab import city as lab_city
from lab.citymap import CLASS_NO, CLASSES, City
from lab.roads import Roads

KINDS = {"motorway", "trunk", "primary", "secondary", "tertiary", "street", "water", "park", "area"}


@pytest.fixture(scope="module")
def roads(city: City) -> Roads:
    return Roads(city)


def strong_parts(city: City) -> int:
    """How many parts there are that cannot all reach one another."""
    size = len(city.lon)
    links = coo_array((np.ones(len(city.start)), (city.start, city.end)), shape=(size, size)).tocsr()
    return int(connected_components(links, directed=True, connection="strong")[0])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_corner_of_the_city_reaches_every_other(seed, city_of):
    made = city_of(seed)
    assert strong_parts(made) == 1
    assert 6_000 <= len(made.lon) <= 10_000


def test_the_same_seed_gives_the_same_city_and_another_seed_another(city, city_of):
    again, other = lab_city.generate(1), city_of(2)
    for column in ("lon", "lat", "start", "end", "length_m", "speed_mps", "road_class", "street"):
        assert np.array_equal(getattr(city, column), getattr(again, column)), column
    assert city.names == again.names
    assert [d.wkt() for d in city.districts] == [d.wkt() for d in again.districts]
    assert not np.array_equal(city.lon, other.lon)


def test_the_city_is_as_large_as_promised_and_lies_where_it_says(city):
    west, south, east, north = city.bbox
    x, y = city.plane.to_m(np.array([west, east]), np.array([south, north]))
    assert 22_000 < x[1] - x[0] < 26_000
    assert 18_000 < y[1] - y[0] < 22_000
    assert abs(city.centre.lon - 114.0) < 0.02 and abs(city.centre.lat - 32.4) < 0.02
    assert "演示城市" in city.label and "Demo City" in city.label


def test_edge_lengths_are_those_of_the_map(city):
    rng = np.random.default_rng(5)
    for edge in rng.integers(0, len(city.start), 200):
        a, b = city.at(int(city.start[edge])), city.at(int(city.end[edge]))
        assert city.length_m[edge] == pytest.approx(metres_between(a, b), rel=0.01, abs=1.5)


def test_it_has_every_class_of_road_and_some_one_ways(city):
    assert {CLASSES[number] for number in np.unique(city.road_class)} == set(CLASSES)
    both = set(zip(city.start.tolist(), city.end.tolist(), strict=True))
    streets = np.flatnonzero(city.road_class == CLASS_NO["street"])
    single = [e for e in streets if city.one_way[e]]
    assert len(single) > 50
    assert all((int(city.end[e]), int(city.start[e])) not in both for e in single)
    two_way = [e for e in streets if not city.one_way[e]]
    assert all((int(city.end[e]), int(city.start[e])) in both for e in two_way)


def test_the_expressway_is_entered_by_ramps_only(city):
    fast, ramp = CLASS_NO["motorway"], CLASS_NO["motorway_link"]
    on_it = set(city.start[city.road_class == fast].tolist())
    others = ~np.isin(city.road_class, (fast, ramp))
    assert not on_it & set(city.start[others].tolist())
    assert not on_it & set(city.end[others].tolist())


def test_one_crosses_the_river_only_by_a_few_bridges(city):
    river = shapely.Polygon(city.water[0].ring)
    lines = shapely.linestrings(
        np.stack(
            [
                np.column_stack([city.lon[city.start], city.lat[city.start]]),
                np.column_stack([city.lon[city.end], city.lat[city.end]]),
            ],
            1,
        )
    )
    x = city.plane.to_m(city.lon, city.lat)[0]
    bridges: set[str] = set()
    for edge in np.flatnonzero(shapely.crosses(lines, shapely.buffer(river, -0.0003))):
        bridges.add(
            f"{city.edge_name(int(edge)).zh} {round((x[city.start[edge]] + x[city.end[edge]]) / 6_000)}"
        )
    assert 3 <= len(bridges) <= 12, bridges


def test_across_the_river_the_straight_line_lies(city, roads):
    ring = city.water[0].ring
    river = shapely.Polygon(ring)
    x, y = roads.x_m, roads.y_m
    detours = []
    for east_m in np.arange(-6_500, 6_501, 250.0):
        band = np.abs(x - east_m) < 180
        line = shapely.LineString([(city.plane.lonlat(east_m, -9e3)), (city.plane.lonlat(east_m, 9e3))])
        cut = shapely.get_coordinates(shapely.intersection(line, river))
        if len(cut) < 2 or not band.any():
            continue
        _, bank = city.plane.to_m(cut[:, 0], cut[:, 1])
        north = np.flatnonzero(band & (y > bank.max()) & (y < bank.max() + 350))
        south = np.flatnonzero(band & (y < bank.min()) & (y > bank.min() - 350))
        if len(north) and len(south):
            a, b = int(north[0]), int(south[0])
            detours.append(roads.length_m(roads.path(a, b)) / metres_between(city.at(a), city.at(b)))
    assert len(detours) > 20
    assert np.median(detours) > 2.0 and max(detours) > 4.0
    print(f"\nacross the river: median detour factor {np.median(detours):.1f}, worst {max(detours):.1f}")


def test_away_from_the_river_detours_are_those_of_a_street_grid(city, roads):
    rng = np.random.default_rng(8)
    north = np.flatnonzero((roads.y_m > -1_500) & (roads.y_m < 6_500) & (np.abs(roads.x_m) < 7_500))
    factors = []
    for a, b in rng.choice(north, (60, 2)).tolist():
        straight = metres_between(city.at(a), city.at(b))
        if straight > 800:
            factors.append(roads.length_m(roads.path(a, b)) / straight)
    assert 1.1 < float(np.median(factors)) < 1.6


def test_twelve_or_more_named_districts_cover_the_city_without_overlap(city):
    shapes = [shapely.MultiPolygon([shapely.Polygon(ring) for ring in d.rings]) for d in city.districts]
    assert len(shapes) >= 12
    assert all(shape.is_valid for shape in shapes)
    assert all(d.name and d.name_en for d in city.districts)
    assert len({d.name for d in city.districts}) == len(shapes)
    assert {d.kind for d in city.districts} == {"urban", "suburb", "remote"}
    whole = shapely.union_all(shapes)
    assert sum(shape.area for shape in shapes) == pytest.approx(whole.area, rel=0.002)
    assert float(shapely.contains_xy(whole, city.lon, city.lat).mean()) > 0.99


def test_a_point_finds_its_district(city):
    for district in city.districts:
        inside = shapely.point_on_surface(shapely.Polygon(max(district.rings, key=len)))
        assert city.district_at(type(city.centre)(inside.x, inside.y)) is district


def test_every_road_but_dirt_has_a_name_in_both_languages(city):
    named = city.street > 0
    assert named.all()
    assert all(name.zh and name.en for name in city.names[1:])


def test_the_base_map_holds_all_roads_in_long_lines(city):
    layers = lab_city.base_layers(city)
    assert {line.kind for line in layers} == KINDS
    shapes = [shapely.from_wkt(line.wkt) for line in layers]
    assert all(shape.is_valid for shape in shapes)
    lines = [shape for shape, line in zip(shapes, layers, strict=True) if shape.geom_type == "LineString"]
    per_lon, per_lat = city.plane.metres_per_degree
    drawn = sum(shapely.transform(line, lambda p: p * (per_lon, per_lat)).length for line in lines)
    once = city.length_m[city.one_way | (city.start < city.end)].sum()
    assert drawn == pytest.approx(once, rel=0.01)
    assert len(lines) < len(city.start) / 5
    assert all(8 <= line.min_zoom <= 14 for line in layers)


def test_how_long_a_city_takes_is_printed():
    began = time.perf_counter()
    made = lab_city.generate(4)
    generated = time.perf_counter() - began
    print(f"\ngenerate: {generated:.2f} s for {len(made.lon)} nodes (goal 2 s)")
