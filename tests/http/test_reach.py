"""From where a claim's place is reached in time, and who is inside; drive times say how sure they are."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from geo.eta import Engine
from geo.roads import building, own, plain_network
from geo.roads.car_tags import CLASS_NO
from geo.roads.network import METRES_PER_DEGREE, Made
from geo.roads.own import OwnRoads
from tests import factories

LON, LAT = 116.40, 39.90
SIDE, BLOCK_M, MPS = 41, 500.0, 10.0


@pytest.fixture(scope="module")
def roads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A square city around the loss: streets 500 m apart, 36 km/h, except that nothing leads west of it."""
    number = np.arange(SIDE * SIDE)
    x, y = number % SIDE, number // SIDE
    lat = LAT + (y - SIDE // 2) * BLOCK_M / METRES_PER_DEGREE
    lon = LON + x * BLOCK_M / METRES_PER_DEGREE / np.cos(np.radians(LAT))
    east, north = number[x < SIDE - 1], number[y < SIDE - 1]
    start = np.concatenate([east, east + 1, north, north + SIDE]).astype(np.int32)
    end = np.concatenate([east + 1, east, north + SIDE, north]).astype(np.int32)
    length = np.full(len(start), BLOCK_M)
    kind = np.full(len(start), CLASS_NO["residential"], dtype=np.int8)
    made = Made(plain_network.network(lon, lat, start, end, length, length / MPS, kind), {})
    data = tmp_path_factory.mktemp("data")
    building.store(made, data / "roads", {})
    return data


@pytest.fixture
def with_roads(app: Any, roads: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    monkeypatch.setattr(own, "LOOK_EVERY_S", 0.0)
    app.extensions["chakan"] = replace(app.extensions["chakan"], drive_times=Engine([OwnRoads(roads)]))


def east_of(metres: float) -> float:
    return LON + float(metres / METRES_PER_DEGREE / np.cos(np.radians(LAT)))


@pytest.fixture
def claim(session: Any) -> Any:
    found = factories.claim(session, lon=LON, lat=LAT)
    session.commit()
    return found


class TestReach:
    def test_without_roads_it_is_circles_and_says_so(self, as_: Any, claim: Any) -> None:
        found = as_("dispatcher").get(f"/reach?claim={claim.id}&minutes=10,30").json
        assert (found["type"], found["by"]) == ("FeatureCollection", "straight_line")
        ten, thirty = (shapely.geometry.shape(f["geometry"]) for f in found["features"])
        assert [f["properties"]["minutes"] for f in found["features"]] == [10, 30]
        assert thirty.covers(ten) and ten.is_valid
        west, _, east, _ = ten.bounds
        assert (east - west) / 2 == pytest.approx(east_of(600 * 25 / 3.6 / 1.35) - LON, rel=0.01)

    @pytest.mark.usefixtures("with_roads")
    def test_by_road_it_is_where_roads_lead(self, as_: Any, claim: Any) -> None:
        found = as_("dispatcher").get(f"/reach?claim={claim.id}&minutes=5").json
        assert found["by"] == "roads"
        (ring,) = (shapely.geometry.shape(f["geometry"]) for f in found["features"])
        assert ring.contains(shapely.Point(east_of(2000), LAT))
        assert not ring.contains(shapely.Point(east_of(3600), LAT))
        assert not ring.contains(shapely.Point(east_of(-1500), LAT)), "no road leads there"

    @pytest.mark.usefixtures("with_roads")
    def test_who_is_inside_soonest_first_with_how_sure_and_how_likely(
        self, session: Any, as_: Any, claim: Any
    ) -> None:
        near = factories.surveyor(session, lon=east_of(2000), lat=LAT, age_s=5)
        far = factories.surveyor(session, lon=east_of(9000), lat=LAT, age_s=5)
        factories.surveyor(session, lon=east_of(19_500), lat=LAT, age_s=5)  # half an hour and more
        factories.surveyor(session, lon=east_of(1000), lat=LAT, on_duty=False)
        session.commit()
        people = as_("dispatcher").get(f"/reach?claim={claim.id}&minutes=10,30").json["people"]
        assert [p["surveyor"]["id"] for p in people] == [str(near.id), str(far.id)]
        first, second = people
        assert (first["eta_s"], first["eta_by"]) == (200, "roads")
        assert first["eta_low_s"] < 200 < first["eta_high_s"]
        assert first["chances"][0] > 0.95 > second["chances"][0]
        assert second["chances"][1] > 0.95

    @pytest.mark.parametrize("minutes", ["", "0", "121", "ten", "1,2,3,4,5", "-5", "10;30", "٣"])
    def test_odd_minutes_are_422_and_name_the_field(self, as_: Any, claim: Any, minutes: str) -> None:
        answer = as_("dispatcher").get("/reach", query_string={"claim": str(claim.id), "minutes": minutes})
        assert answer.status_code == 422

    def test_a_claim_without_a_place_is_422(self, session: Any, as_: Any) -> None:
        lost = factories.claim(session, lon=None, lat=None)
        session.commit()
        assert as_("dispatcher").get(f"/reach?claim={lost.id}").status_code == 422

    @pytest.mark.parametrize("role", ["seat", "surveyor", "adjuster", "admin", "integration"])
    def test_only_who_dispatches_may_ask(self, as_: Any, claim: Any, role: str) -> None:
        assert as_(role).get(f"/reach?claim={claim.id}").status_code == 403

    def test_a_claim_outside_ones_own_part_of_the_tree_is_not_there(
        self, session: Any, as_: Any, claim: Any
    ) -> None:
        branch = factories.organisation(session, parent=factories.default_organisation(session))
        session.commit()
        assert as_("dispatcher", org=branch).get(f"/reach?claim={claim.id}").status_code == 404


@pytest.mark.usefixtures("with_roads")
def test_the_nearest_by_road_comes_first_not_the_nearest_as_the_crow_flies(session: Any, as_: Any) -> None:
    from geo.roads.network import METRES_PER_DEGREE as per_degree

    # On the same side 3 km along the street, or across the corner: 2.2 km straight, 3.1 km to drive.
    straight = factories.surveyor(session, lon=east_of(2900), lat=LAT)
    across = factories.surveyor(session, lon=east_of(1550), lat=LAT + 1550 / per_degree)
    session.commit()
    items = as_("dispatcher").get(f"/nearest?lon={LON}&lat={LAT}&limit=1").json["items"]
    (found,) = items
    assert (found["surveyor"]["id"], found["eta_by"]) == (str(straight.id), "roads")
    assert str(across.id) != found["surveyor"]["id"]
    assert found["eta_low_s"] < found["eta_s"] < found["eta_high_s"]


class TestWhatDriveTimesStandOn:
    def test_without_roads_it_says_so(self, as_: Any) -> None:
        found = as_("supervisor").get("/roads").json
        assert (found["graph"], found["speeds"], found["lessons"]) == (None, None, [])
        assert found["providers"] == [{"name": "straight_line", "state": "closed"}]

    @pytest.mark.usefixtures("with_roads")
    def test_graph_speeds_providers_and_lessons(
        self, app: Any, as_: Any, sessions: Any, roads: Path, session: Any
    ) -> None:
        from dataclasses import replace

        from core import clock
        from geo import queries
        from geo.roads.speeds import Speeds

        built = app.extensions["chakan"]
        app.extensions["chakan"] = replace(built, settings=replace(built.settings, data=roads))
        Speeds(1.25, 20.0, {}, {"version": "v1"}, per_km_s=7.5).save(roads / "speeds")
        now = clock.read(session)
        with sessions.begin() as writing:
            lesson = queries.ask_lesson(writing, now, now, now)
            queries.end_lesson(writing, lesson, "done", "v1", {"km": 12})
        found = as_("admin").get("/roads").json
        (roads / "speeds" / "speeds.npz").unlink()
        assert found["graph"]["edges"] == 2 * 2 * SIDE * (SIDE - 1)
        assert found["speeds"] == {
            "overall": 1.25,
            "per_km_s": 7.5,
            "start_stop_s": 20.0,
            "version": "v1",
        }
        assert [p["name"] for p in found["providers"]] == ["roads", "straight_line"]
        assert [(one["state"], one["figures"]) for one in found["lessons"]] == [("done", {"km": 12})]

    @pytest.mark.parametrize("role", ["seat", "surveyor", "adjuster", "integration"])
    def test_it_is_not_everybodys(self, as_: Any, role: str) -> None:
        assert as_(role).get("/roads").status_code == 403
