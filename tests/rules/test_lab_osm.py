"""Real cities read from OpenStreetMap files; skipped, saying so, where the data folder is absent."""

import time
from pathlib import Path

import numpy as np
import pytest
import shapely

from lab import osm
from lab.city import base_layers, from_osm
from lab.citymap import CLASS_NO, City
from lab.roads import Roads
from tests.rules.test_lab_city import strong_parts

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
SMALL = """<?xml version="1.0" encoding="UTF-8"?>
<osm version="0.6">
 <node id="1" lon="114.000" lat="32.400"/><node id="2" lon="114.001" lat="32.400"/>
 <node id="3" lon="114.001" lat="32.401"/><node id="4" lon="114.000" lat="32.401"/>
 <node id="5" lon="114.002" lat="32.401"/><node id="6" lon="114.0005" lat="32.40001"/>
 <node id="7" lon="114.0" lat="32.4"><tag k="place" v="town"/><tag k="name" v="演示镇"/><tag k="name:en" v="Demo Town"/></node>
 <way id="10"><nd ref="1"/><nd ref="6"/><nd ref="2"/><nd ref="3"/>
  <tag k="highway" v="primary"/><tag k="name" v="建设路"/><tag k="name:en" v="Jianshe Road"/><tag k="maxspeed" v="60"/></way>
 <way id="11"><nd ref="4"/><nd ref="3"/><tag k="highway" v="residential"/><tag k="oneway" v="-1"/></way>
 <way id="12"><nd ref="4"/><nd ref="1"/><tag k="highway" v="tertiary"/><tag k="oneway" v="yes"/></way>
 <way id="13"><nd ref="3"/><nd ref="5"/><tag k="highway" v="residential"/><tag k="oneway" v="yes"/></way>
 <way id="14"><nd ref="1"/><nd ref="3"/><tag k="highway" v="footway"/></way>
 <way id="15"><nd ref="2"/><nd ref="4"/><tag k="highway" v="service"/><tag k="access" v="private"/></way>
</osm>
"""


def data(name: str) -> Path:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{name} is not here: the shared data folder is absent")
    return path


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> City:
    path = tmp_path_factory.mktemp("osm") / "demo_town.osm"
    path.write_text(SMALL, encoding="utf-8")
    return from_osm(path)


def test_only_drivable_connected_roads_remain(small):
    assert len(small.lon) == 4  # node 5 is a one-way dead end, node 6 an invisible bend
    assert strong_parts(small) == 1
    assert small.name == "演示镇" and small.name_en == "Demo Town"


def test_one_ways_point_the_way_the_map_says(small):
    corner = {
        (round(float(lon), 3), round(float(lat), 3)): i
        for i, (lon, lat) in enumerate(zip(small.lon, small.lat, strict=True))
    }
    sw, ne, nw = corner[114.0, 32.4], corner[114.001, 32.401], corner[114.0, 32.401]
    edges = set(zip(small.start.tolist(), small.end.tolist(), strict=True))
    assert (ne, nw) in edges and (nw, ne) not in edges  # oneway=-1
    assert (nw, sw) in edges and (sw, nw) not in edges


def test_names_limits_and_classes_come_from_the_tags(small):
    main = np.flatnonzero(small.road_class == CLASS_NO["primary"])
    assert len(main) and all(small.edge_name(int(e)).zh == "建设路" for e in main)
    assert all(small.edge_name(int(e)).en == "Jianshe Road" for e in main)
    assert small.limit_mps[main] == pytest.approx(60 / 3.6)
    assert (small.speed_mps <= small.limit_mps).all()


def test_a_real_city_says_where_it_comes_from(small):
    assert "OpenStreetMap" in small.label and "OpenStreetMap" in small.attribution
    assert not small.generated


@pytest.mark.parametrize(
    ("text", "kmh"),
    [
        ("50", 50.0),
        ("30 mph", 48.28),
        ("walk", None),
        ("", None),
        ("none", None),
        ("999", None),
        ("50;60", None),
    ],
)
def test_speed_limits_are_read_or_left_alone(text, kmh):
    assert osm.speed_limit(text) == (pytest.approx(kmh, rel=1e-3) if kmh else None)


def test_a_file_without_roads_is_refused_by_name(tmp_path):
    path = tmp_path / "empty.osm"
    path.write_text('<osm version="0.6"><node id="1" lon="1" lat="1"/></osm>', encoding="utf-8")
    with pytest.raises(osm.UnusableMap, match=r"empty\.osm"):
        from_osm(path)


def test_haidian_becomes_a_city_with_chinese_names():
    city = from_osm(data("china/beijing_haidian.osm"))
    assert strong_parts(city) == 1 and len(city.lon) > 500
    assert any(name.zh == "成府路" for name in city.names)
    assert len(city.districts) >= 3
    held = sum(city.district_at(city.at(int(n))) is not None for n in range(0, len(city.lon), 20))
    assert held == len(range(0, len(city.lon), 20))
    assert city.utc_offset.total_seconds() == 8 * 3600
    assert city.water and city.parks
    kinds = {line.kind for line in base_layers(city)}
    assert {"primary", "street", "water", "park", "area"} <= kinds


def test_porto_becomes_a_city_one_can_drive_through():
    path = data("porto/porto.osm.pbf")
    began = time.perf_counter()
    city = from_osm(path)
    read = time.perf_counter() - began
    print(f"\nfrom_osm(porto): {read:.1f} s, {len(city.lon)} nodes, {len(city.start)} edges (goal 20 s)")
    assert strong_parts(city) == 1 and len(city.lon) > 50_000
    assert len(city.districts) == 12
    roads = Roads(city)
    a, b = (
        roads.nearest_node(type(city.centre)(-8.6110, 41.1496)),
        roads.nearest_node(type(city.centre)(-8.6780, 41.2370)),
    )
    minutes, km = roads.seconds(a, b) / 60, roads.length_m(roads.path(a, b)) / 1000
    print(f"city hall to airport: {minutes:.0f} min free flow, {km:.1f} km")
    assert 11 < km < 22 and 8 < minutes < 40


def test_bends_are_kept_to_three_metres():
    city = from_osm(data("china/shenzhen_longgang.osm"))
    straight = np.hypot(
        *(
            np.diff(v[np.stack([city.start, city.end])], axis=0)[0]
            for v in city.plane.to_m(city.lon, city.lat)
        )
    )
    # A curve drawn straight loses length; what is lost to bends under 3 m is little.
    assert float(city.length_m.sum() / straight.sum()) < 1.01
    shapes = [shapely.from_wkt(line.wkt) for line in base_layers(city)]
    assert shapes
