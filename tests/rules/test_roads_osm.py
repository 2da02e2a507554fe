"""What the road graph makes of an OpenStreetMap file: directions, speeds, barriers, turns, ferries, islands."""

import os
from pathlib import Path

import numpy as np
import pytest
import shapely

from geo.errors import BadExtract, NoRoads
from geo.fix import LonLat
from geo.roads import building, car_tags, contraction, files, network, osm, snapping, turn_rules
from geo.roads.graph import Roads, SnapCache, Snaps

# A square of streets 1-2-3-4, sides of about 940 and 1,110 m, with stubs and specials hung on.
NODES = {
    1: (114.00, 32.40), 2: (114.01, 32.40), 3: (114.01, 32.41), 4: (114.00, 32.41), 5: (114.02, 32.40),
    6: (114.005, 32.40), 7: (114.02, 32.41), 8: (114.30, 32.60), 9: (114.31, 32.60), 10: (114.03, 32.41),
}  # fmt: skip


def osm_file(
    folder: Path, ways: dict[int, tuple[str, str]], nodes: dict[int, str] | None = None, relations: str = ""
):
    """Writes an extract: way id → node numbers and tags, node number → tags."""

    def tags(text: str) -> str:
        pairs = (pair.split("=", 1) for pair in text.split(",") if pair)
        return "".join(f'<tag k="{key}" v="{value}"/>' for key, value in pairs)

    rows = [
        f'<node id="{n}" lon="{lon}" lat="{lat}">{tags((nodes or {}).get(n, ""))}</node>'
        for n, (lon, lat) in NODES.items()
    ]
    rows += [
        f'<way id="{way}">' + "".join(f'<nd ref="{n}"/>' for n in refs.split()) + tags(said) + "</way>"
        for way, (refs, said) in ways.items()
    ]
    path = folder / "town.osm"
    path.write_text(f'<osm version="0.6">{"".join(rows)}{relations}</osm>', encoding="utf-8")
    return path


def rule(kind: str, start: int, via: int | str, end: int, extra: str = "") -> str:
    """A turn restriction."""
    middle = (
        f'<member type="way" ref="{via[1:]}" role="via"/>'
        if isinstance(via, str)
        else (f'<member type="node" ref="{via}" role="via"/>')
    )
    return (
        f'<relation id="9{start}{end}"><member type="way" ref="{start}" role="from"/>{middle}'
        f'<member type="way" ref="{end}" role="to"/><tag k="type" v="restriction"/>'
        f'<tag k="restriction" v="{kind}"/>{extra}</relation>'
    )


SQUARE = {
    1: ("1 6 2", "highway=primary"), 2: ("2 3", "highway=primary"), 3: ("3 4", "highway=primary"),
    4: ("4 1", "highway=primary"),
}  # fmt: skip


def made(folder: Path, ways, nodes=None, relations="") -> tuple[Roads, dict[str, int]]:
    done = network.make(osm.read(osm_file(folder, ways, nodes, relations)))
    return Roads.of(done.network), done.counts


def minutes(roads: Roads, start: tuple[float, float], end: tuple[float, float]) -> float | None:
    """Minutes between two places."""
    a, b = roads.snap([LonLat(*start), LonLat(*end)])
    seconds = roads.many_to_one([a], b)[0]
    return None if seconds is None else seconds / 60


NEAR_2, NEAR_3, SOUTH, NORTH = (114.0099, 32.40), (114.01, 32.4099), (114.002, 32.40), (114.002, 32.41)


def test_a_one_way_street_is_driven_round(tmp_path):
    free, _ = made(tmp_path, SQUARE)
    closed, _ = made(tmp_path, SQUARE | {4: ("4 1", "highway=primary,oneway=yes")})
    back, _ = made(tmp_path, SQUARE | {4: ("4 1", "highway=primary,oneway=-1")})
    assert minutes(closed, NORTH, SOUTH) == minutes(free, NORTH, SOUTH)
    assert minutes(closed, SOUTH, NORTH) > 1.7 * minutes(free, SOUTH, NORTH)
    assert minutes(back, SOUTH, NORTH) == minutes(free, SOUTH, NORTH)
    assert minutes(back, NORTH, SOUTH) > 1.7 * minutes(free, NORTH, SOUTH)


def test_a_bollard_cuts_the_road_and_a_gate_only_delays(tmp_path):
    free, _ = made(tmp_path, SQUARE)
    cut, _ = made(tmp_path, SQUARE, {6: "barrier=bollard"})
    gate, _ = made(tmp_path, SQUARE, {6: "barrier=gate"})
    private, _ = made(tmp_path, SQUARE, {6: "barrier=gate,access=no"})
    spare, _ = made(tmp_path, SQUARE, {6: "barrier=bollard,motor_vehicle=yes"})
    straight = minutes(free, SOUTH, NEAR_2)
    assert minutes(cut, SOUTH, NEAR_2) == minutes(private, SOUTH, NEAR_2) > 3 * straight
    far = (
        114.0,
        32.40,
    )  # at the beginning of the street; further on, a share of the edge is a share of its delay
    assert minutes(gate, far, NEAR_2) == pytest.approx(minutes(free, far, NEAR_2) + 12 / 60, abs=1e-3)
    assert minutes(spare, SOUTH, NEAR_2) == straight


CROSS = SQUARE | {5: ("2 5", "highway=primary"), 6: ("3 7", "highway=primary"), 7: ("5 7", "highway=primary")}
EAST, UP = (114.015, 32.40), (114.01, 32.405)


@pytest.mark.parametrize(
    ("relation", "banned"),
    [
        (rule("no_left_turn", 1, 2, 2), True),
        (rule("only_straight_on", 1, 2, 5), True),
        (rule("only_left_turn", 1, 2, 2), False),
        (rule("no_left_turn", 4, 1, 1), False),
        (rule("no_left_turn", 1, 2, 2, '<tag k="except" v="psv;motorcar"/>'), False),
        (rule("no_left_turn", 1, 2, 2, '<tag k="except" v="psv"/>'), True),
        (rule("no_left_turn", 1, 2, 99), False),
    ],
)
def test_turn_restrictions_bind_the_turn_they_name(tmp_path, relation, banned):
    free, _ = made(tmp_path, CROSS)
    roads, counts = made(tmp_path, CROSS, relations=relation)
    longer = minutes(roads, SOUTH, UP) > minutes(free, SOUTH, UP)
    assert longer == banned
    assert minutes(roads, EAST, UP) == minutes(free, EAST, UP)
    assert counts.get("applied", 0) + counts.get("unmatched", 0) + counts.get("excepted", 0) == 1


def test_a_restriction_over_a_way_binds_only_who_came_that_way(tmp_path):
    # From way 1 over way 2 into way 3 (left, left): who comes from the east over way 2 may.
    free, _ = made(tmp_path, CROSS)
    roads, counts = made(tmp_path, CROSS, relations=rule("no_u_turn", 1, "w2", 3))
    assert counts["applied"] == 1
    start, end = (114.008, 32.40), (114.008, 32.41)
    assert minutes(roads, start, end) > minutes(free, start, end)
    assert minutes(roads, EAST, end) == minutes(free, EAST, end)
    assert minutes(roads, start, UP) == minutes(free, start, UP)


def test_conditional_restrictions_are_counted_and_not_applied(tmp_path):
    said = 'k="restriction:conditional" v="no_left_turn @ (07:00-09:00)"'
    conditional = rule("x", 1, 2, 2).replace('k="restriction" v="x"', said)
    roads, counts = made(tmp_path, CROSS, relations=conditional)
    assert counts["conditional"] == 1 and counts["turn_bans"] == 0
    assert minutes(roads, SOUTH, UP) is not None


def test_a_roundabout_turns_one_way(tmp_path):
    roads, _ = made(
        tmp_path,
        {
            1: ("1 2 3 4 1", "highway=primary,junction=roundabout"),
            5: ("2 5", "highway=primary"),
            6: ("4 10", "highway=primary"),
        },
    )
    assert (roads.network.twin[roads.network.way == 1] == -1).all()
    assert minutes(roads, SOUTH, NORTH) > minutes(roads, NORTH, SOUTH) * 1.5


def test_a_car_ferry_connects_and_is_never_snapped_to(tmp_path):
    ways = SQUARE | {
        5: ("5 7", "highway=residential"),
        6: ("2 5", "route=ferry,motor_vehicle=yes,duration=00:10"),
    }
    roads, _ = made(tmp_path, ways)
    there = minutes(roads, NEAR_2, (114.02, 32.4001))
    assert there == pytest.approx(10 + car_tags.BOARDING_S / 60, abs=0.1)
    snap = roads.snap([LonLat(114.015, 32.4001)])[0]
    assert roads.network.road_class[snap.edge] != car_tags.CLASS_NO["ferry"]
    without, _ = made(tmp_path, ways | {6: ("2 5", "route=ferry,foot=yes")})
    assert len(without.network.start) == len(SQUARE) * 2  # its far shore is an island now


def test_islands_are_left_out_and_counted(tmp_path):
    roads, counts = made(
        tmp_path, SQUARE | {5: ("8 9", "highway=residential"), 6: ("2 5", "highway=primary,oneway=yes")}
    )
    assert counts["islands"] == 1 and counts["island_edges"] == 3
    assert roads.snap([LonLat(114.305, 32.60)])[0] is None


def test_a_file_that_is_no_map_is_refused(tmp_path):
    path = tmp_path / "broken.osm.pbf"
    path.write_bytes(b"\x00\x00\x00\x0dnot a map at all" * 20)
    with pytest.raises(BadExtract):
        osm.read(path)
    with pytest.raises(BadExtract, match="no roads"):
        osm.read(osm_file(tmp_path, {1: ("1 2", "highway=footway")}))


@pytest.mark.parametrize(
    ("text", "kmh"),
    [("50", 50), ("30 mph", 48.28032), ("CN:urban", 50), ("walk", 7), ("50;40", 40), ("de:zone30", 30), ("none", 140),
     ("signals", 80), ("fast", None), ("", None), ("0", None)],
)  # fmt: skip
def test_speed_limits_are_read_with_their_units(text, kmh):
    assert car_tags.limit_kmh(text) == (None if kmh is None else pytest.approx(kmh))


@pytest.mark.parametrize(
    ("tags", "kmh"),
    [
        ("highway=primary", 65), ("highway=primary,maxspeed=50", 40), ("highway=primary,surface=cobblestone", 30),
        ("highway=track,tracktype=grade1", 12), ("highway=service,service=parking_aisle", 8),
        ("highway=residential,access=destination", 10), ("highway=motorway,maxspeed=120", 96),
    ],
)  # fmt: skip
def test_speeds_follow_class_limit_and_surface(tags, kmh):
    found = car_tags.drive(dict(pair.split("=") for pair in tags.split(",")))
    assert found is not None and found.forward_mps * 3.6 == pytest.approx(kmh)


@pytest.mark.parametrize(
    "tags",
    ["highway=footway", "highway=primary,motor_vehicle=no", "highway=primary,access=no", "highway=track",
     "highway=primary,oneway=reversible,access=no", "highway=pedestrian", "highway=construction", "highway=primary,area=yes",
     "route=ferry", "highway=primary,smoothness=impassable"],
)  # fmt: skip
def test_ways_without_cars_are_left_out(tags):
    assert car_tags.drive(dict(pair.split("=") for pair in tags.split(","))) is None


def test_the_narrowest_word_about_access_wins():
    assert car_tags.allowed({"access": "no", "motor_vehicle": "yes"}) is True
    assert car_tags.allowed({"access": "yes", "motorcar": "no"}) is False
    assert car_tags.allowed({"motor_vehicle": "yes", "motor_vehicle:backward": "no"}, "backward") is False


def test_a_relation_without_its_members_is_called_broken():
    assert (
        turn_rules.read({"type": "restriction", "restriction": "no_left_turn"}, [("from", "w", 1)])
        == "broken"
    )


def test_snapping_finds_the_nearest_road_and_how_far_along(tmp_path):
    roads, _ = made(tmp_path, CROSS)
    net = roads.network
    rng = np.random.default_rng(3)
    places = [
        LonLat(*xy)
        for xy in zip(rng.uniform(113.99, 114.03, 300), rng.uniform(32.39, 32.42, 300), strict=True)
    ]
    shrink = np.cos(np.radians(32.405))
    lines = [
        shapely.LineString(net.shape[a:b] * [shrink, 1.0])
        for a, b in zip(net.first[:-1], net.first[1:], strict=True)
    ]
    for place, snap in zip(places, roads.snap(places), strict=True):
        point = shapely.Point(place.lon * shrink, place.lat)
        best = min(point.distance(line) for line in lines) * network.METRES_PER_DEGREE
        assert snap is not None and snap.off_m == pytest.approx(best, abs=0.3)
        along = lines[snap.edge].interpolate(snap.share, normalized=True)
        assert along.distance(point) * network.METRES_PER_DEGREE == pytest.approx(best, abs=1.0)


def test_a_place_beyond_every_road_or_nowhere_has_no_snap(tmp_path):
    roads, _ = made(tmp_path, CROSS)
    snaps = roads.snap([LonLat(114.1, 32.4), LonLat(float("nan"), 32.4), LonLat(114.0, 32.4)])
    assert [snap is None for snap in snaps] == [True, True, False]
    assert roads.many_to_one(snaps, snaps[2]) == [None, None, 0.0]
    assert roads.one_to_many(None, snaps) == [None, None, None]
    assert np.isinf(roads.matrix(snaps, snaps)[:2]).all()
    assert snapping.FARTHEST_M == 2_000.0


def test_the_cache_gives_the_same_snaps_for_the_same_places_and_forgets_the_oldest(tmp_path):
    roads, _ = made(tmp_path, CROSS)
    places = [LonLat(114.0 + i / 1000, 32.4) for i in range(10)]
    cache = SnapCache(roads, size=6)
    first = cache.snaps(places[:5])
    assert cache.snaps(list(places[:5])) is first
    assert list(cache.snaps(places)) == list(roads.snap(places))
    assert list(cache.snaps(places[::-1])) == list(roads.snap(places[::-1]))
    assert cache.snap(places[0]) == roads.snap(places[:1])[0]
    assert len(cache._slot) <= 6
    assert list(cache.snaps(places[:3] * 5)) == list(roads.snap(places[:3])) * 5
    assert cache.snaps([]) == Snaps.of([]) or len(cache.snaps([])) == 0


def test_a_stored_graph_answers_as_it_did_in_memory_and_is_replaced_as_a_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(contraction, "SMALL", 0)  # as a city is ordered: by a process of its own
    folder = tmp_path / "roads"
    with pytest.raises(NoRoads):
        Roads.open(folder)
    assert Roads.current(folder) == ""
    extract = osm_file(tmp_path, CROSS, relations=rule("no_left_turn", 1, 2, 2))
    parts = []
    facts = building.from_osm(
        extract, folder, lambda part, text, share, until: parts.append((part, share, until))
    )
    assert list(dict.fromkeys(part for part, _, _ in parts)) == [
        "reading",
        "connecting",
        "ordering",
        "storing",
    ]
    first = Roads.open(folder)
    assert facts["turn_bans"] == 1 and facts["source"] == "town.osm" and first.version == facts["build"]
    fresh, _ = made(tmp_path, CROSS, relations=rule("no_left_turn", 1, 2, 2))
    assert minutes(first, SOUTH, UP) == minutes(fresh, SOUTH, UP)
    building.from_osm(osm_file(tmp_path, SQUARE), folder)
    second = Roads.open(folder)
    assert second.version != first.version and Roads.current(folder) == second.version
    assert minutes(first, SOUTH, UP) == minutes(fresh, SOUTH, UP)  # still mapped, still right
    stale = first.snap([LonLat(*SOUTH), LonLat(*UP)])
    for old in (stale, stale[:1], stale.take([1])):
        with pytest.raises(ValueError, match="another road graph"):
            second.many_to_one(old, second.snap([LonLat(*SOUTH)])[0])
    assert sorted(p.name for p in folder.iterdir()) == sorted([second.version, "current"])


def test_a_build_that_fails_leaves_the_old_graph_in_force(tmp_path):
    folder = tmp_path / "roads"
    building.from_osm(osm_file(tmp_path, CROSS), folder)
    before = Roads.current(folder)
    (folder / "cut off").mkdir()
    os.utime(folder / "cut off", (0, 0))
    with pytest.raises(BadExtract):
        building.from_osm(osm_file(tmp_path, {1: ("1 2", "highway=footway")}), folder)
    with pytest.raises(RuntimeError, match="disk"), files.draft(folder) as place:
        assert place.is_dir()
        raise RuntimeError("disk full")
    assert Roads.current(folder) == before
    assert sorted(p.name for p in folder.iterdir()) == sorted([before, "current", "cut off"])
    after = building.from_osm(osm_file(tmp_path, SQUARE), folder)["build"]
    assert sorted(p.name for p in folder.iterdir()) == sorted([after, "current"])


def test_a_graph_of_another_format_is_refused_not_misread(tmp_path):
    folder = tmp_path / "roads"
    facts = building.from_osm(osm_file(tmp_path, CROSS), folder)
    about = folder / facts["build"] / "about.json"
    about.write_text(about.read_text().replace(f'"format": {facts["format"]}', '"format": 1'))
    with pytest.raises(NoRoads, match="another version"):
        Roads.open(folder)
