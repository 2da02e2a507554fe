"""Our own roads as a provider: opened when built, at the speeds learned for the hour."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from geo.eta import Engine
from geo.fix import LonLat
from geo.roads import building, own, plain_network, speeds
from geo.roads.car_tags import CLASS_NO
from geo.roads.network import Made
from geo.roads.own import OwnRoads
from geo.roads.speeds import Factors, Speeds

STREET_M = 1_000.0


def street(kmh: float) -> Made:
    """A straight two-way street of ten kilometres along a meridian, driven at `kmh`."""
    lat = 31.0 + np.arange(11) * STREET_M / 111_195.0797
    start = np.concatenate([np.arange(10), np.arange(1, 11)]).astype(np.int32)
    end = np.concatenate([np.arange(1, 11), np.arange(10)]).astype(np.int32)
    length = np.full(20, STREET_M)
    made = plain_network.network(
        np.full(11, 121.0), lat, start, end, length, length / (kmh / 3.6),
        np.full(20, CLASS_NO["primary"], dtype=np.int8),
    )  # fmt: skip
    return Made(made, {})


def at(km: float, east_m: float = 0.0) -> LonLat:
    lat = 31.0 + km * 1000 / 111_195.0797
    return LonLat(121.0 + east_m / (111_195.0797 * np.cos(np.radians(lat))), lat)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(own, "LOOK_EVERY_S", 0.0)
    building.store(street(36), tmp_path / "roads", {})
    return tmp_path


def drive(engine: Engine, a: LonLat, b: LonLat) -> tuple[int, str]:
    (found,) = engine.to(b, [a])
    return found.seconds, found.provider


def test_without_a_graph_the_next_one_speaks_and_a_graph_built_later_is_taken_up(tmp_path, monkeypatch):
    monkeypatch.setattr(own, "LOOK_EVERY_S", 0.0)
    engine = Engine([OwnRoads(tmp_path)])
    assert drive(engine, at(1), at(5))[1] == "straight_line"
    building.store(street(36), tmp_path / "roads", {})
    assert drive(engine, at(1), at(5)) == (400, "roads")


def test_a_new_graph_takes_the_place_of_the_old_one_without_a_pause(data):
    engine = Engine([OwnRoads(data)])
    assert drive(engine, at(1), at(5)) == (400, "roads")
    building.store(street(72), data / "roads", {})
    deadline = time.monotonic() + 10
    while drive(engine, at(1), at(5)) != (200, "roads"):
        assert time.monotonic() < deadline, "the newer graph was never opened"
        time.sleep(0.01)


def test_many_to_many_agrees_with_many_to_one(data):
    engine = Engine([OwnRoads(data)])
    whole = engine.matrix([at(5), at(9)], [at(1), at(2.5)])
    assert whole == pytest.approx(np.array([[400, 800], [250, 650]]), abs=1)


def test_a_place_far_off_every_road_is_left_to_the_next_provider(data):
    engine = Engine([OwnRoads(data)])
    drives = engine.table([at(5)], [at(1), at(1, east_m=50_000)])
    assert [drives.names[drives.by[i, 0]] for i in (0, 1)] == ["roads", "straight_line"]


def test_the_way_to_the_road_costs_time(data):
    engine = Engine([OwnRoads(data)])
    assert drive(engine, at(1, east_m=350), at(5))[0] == pytest.approx(500, abs=3)


def learned(**levels: dict[int, float]) -> Speeds:
    made = {
        name: Factors(np.array(sorted(of), dtype=np.int64), np.array([of[k] for k in sorted(of)], np.float32))
        for name, of in levels.items()
    }
    return Speeds(1.0, 0.0, made, {"version": "v1"})


def test_learned_speeds_are_taken_up_and_change_with_the_hour(data):
    hour = [8]
    engine = Engine([OwnRoads(data, hour=lambda: hour[0])])
    assert drive(engine, at(1), at(5))[0] == 400
    learned(hour={8: 2.0, 3: 0.5}, **{"class": {CLASS_NO["primary"]: 1.5}}).save(data / "speeds")
    assert drive(engine, at(1), at(5))[0] == 1200
    hour[0] = 3
    assert drive(engine, at(1), at(5))[0] == 300
    hour[0] = 27  # Tuesday, three in the morning
    assert drive(engine, at(1), at(5))[0] == 300
    hour[0] = 12  # never seen
    assert drive(engine, at(1), at(5))[0] == 600


def test_setting_off_and_parking_are_part_of_every_drive(data):
    replace(learned(), start_stop_s=30.0).save(data / "speeds")
    assert drive(Engine([OwnRoads(data)]), at(1), at(5))[0] == 430


def test_the_seconds_of_every_kilometre_are_in_times_ways_and_rings_alike(data):
    replace(learned(), overall=0.5, per_km_s=20.0).save(data / "speeds")
    roads = OwnRoads(data)
    assert drive(Engine([roads]), at(1), at(5))[0] == 4 * (50 + 20)
    site = roads.site()
    assert site is not None
    start, end = site.roads.snap([at(1), at(5)])
    way = site.roads.path(start, end)
    assert way is not None and way.seconds == 280
    ring = roads.reach(at(5), 281)
    assert ring is not None
    reached = np.flatnonzero(ring.start_s <= 280.5)
    assert site.roads.network.lat[site.roads.network.start[reached]].min() == pytest.approx(at(1).lat)


def test_what_an_earlier_version_learned_stays_in_force(data):
    cells = speeds.EARLIER["block"].of_edge(street(36).network)
    learned(block={int(cell): 2.0 for cell in set(cells.tolist())}).save(data / "speeds")
    assert drive(Engine([OwnRoads(data)]), at(1), at(5))[0] == 800


def test_taking_the_speeds_away_gives_free_flow_again(data):
    learned(**{"class": {CLASS_NO["primary"]: 2.0}}).save(data / "speeds")
    engine = Engine([OwnRoads(data)])
    assert drive(engine, at(1), at(5))[0] == 800
    (data / "speeds" / speeds.FILE).unlink()
    assert drive(engine, at(1), at(5))[0] == 400


@pytest.mark.parametrize("junk", [b"", b"not a zip", b"PK\x03\x04 broken"])
def test_a_damaged_file_of_speeds_is_free_flow_not_an_outage(data, junk):
    (data / "speeds").mkdir()
    (data / "speeds" / speeds.FILE).write_bytes(junk)
    assert drive(Engine([OwnRoads(data)]), at(1), at(5)) == (400, "roads")


def test_factors_survive_a_rebuild_of_the_graph(data):
    network = street(36).network
    key = speeds.LEVELS["road"].of_edge(network)
    assert len(set(key.tolist())) == 20, "each direction of each road is its own"
    found = learned(road={int(key[0]): 3.0})
    seconds = found.on(street(36).network).edge_seconds(0)
    assert seconds == pytest.approx([300.0] + [100.0] * 19)
