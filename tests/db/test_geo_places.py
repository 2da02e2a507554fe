"""Areas, the base map's tiles, and the small helpers others build their place queries with."""

from dataclasses import dataclass

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from core.database import Sessions
from core.errors import Invalid, Missing
from core.models import AuditEntry
from geo import areas, datum, queries, service, store, tiles
from geo.areas import NewArea
from geo.errors import AreaInUse, BadPlace, BadShape, BadTile
from geo.fix import LonLat, metres_between
from geo.models import Area, BaseLine, LastPosition
from staff.accounts import Actor
from staff.models import Organisation
from tests import factories

LON, LAT = factories.LON, factories.LAT
HERE = LonLat(LON, LAT)


def square(half: float = 0.1, lon: float = LON, lat: float = LAT) -> dict[str, object]:
    w, s, e, n = lon - half, lat - half, lon + half, lat + half
    return {"type": "Polygon", "coordinates": [[[w, s], [e, s], [e, n], [w, n], [w, s]]]}


@pytest.fixture
def admin(session: Session) -> Actor:
    who = factories.actor(session, factories.person(session, roles=("admin",)))
    session.commit()
    return who


class TestAreas:
    def test_the_smallest_area_that_covers_a_place_is_its_area(self, session: Session) -> None:
        factories.area(session, half_deg=0.5, name="大")
        factories.area(session, half_deg=0.1, name="小")
        factories.area(session, lon=LON + 5, name="别处")
        found = areas.area_at(session, "/", HERE)
        assert found is not None and found.name == "小"
        assert areas.area_at(session, "/", LonLat(LON + 0.3, LAT)).name == "大"  # type: ignore[union-attr]
        assert areas.area_at(session, "/", LonLat(0, 0)) is None

    def test_an_area_of_another_tree_is_not_seen(self, session: Session) -> None:
        mine = factories.organisation(session)
        other = factories.organisation(session, kind="branch", parent=mine)
        stranger = factories.organisation(session, kind="branch", parent=mine)
        factories.area(session, org=other)
        assert areas.area_at(session, other.path, HERE) is not None
        assert areas.area_at(session, stranger.path, HERE) is None
        assert areas.area_at(session, mine.path, HERE) is not None

    def test_an_area_drawn_on_a_chinese_map_is_stored_in_wgs84(
        self, session: Session, sessions: Sessions, admin: Actor
    ) -> None:
        corner = datum.from_wgs84(LonLat(LON - 0.1, LAT - 0.1), "gcj02")
        shape = square()
        shape["coordinates"] = [
            [list(datum.from_wgs84(LonLat(*p), "gcj02")) for p in shape["coordinates"][0]]
        ]  # type: ignore[index]
        assert shape["coordinates"][0][0] == list(corner)  # type: ignore[index]
        area_id = areas.create(sessions, admin, NewArea(admin.org_id, "区", "urban", shape, datum="gcj02"))
        row = store.areas(session, "/", area_id=area_id)[0]
        west, south = __import__("json").loads(row.shape)["coordinates"][0][0][0]
        assert metres_between(LonLat(west, south), LonLat(LON - 0.1, LAT - 0.1)) < 0.05
        assert session.query(AuditEntry).filter_by(action="area.created", subject_id=area_id).count() == 1

    def test_a_drawn_area_can_be_drawn_anew_and_removed(
        self, session: Session, sessions: Sessions, admin: Actor
    ) -> None:
        area_id = areas.create(sessions, admin, NewArea(admin.org_id, "一", "urban", square()))
        areas.change(
            sessions, admin, area_id, NewArea(admin.org_id, "二", "remote", square(0.3), name_en="Two")
        )
        row = session.get_one(Area, area_id)
        assert (row.name, row.name_en, row.kind) == ("二", "Two", "remote")
        assert areas.area_at(session, "/", LonLat(LON + 0.25, LAT)) is not None
        session.rollback()
        areas.remove(sessions, admin, area_id)
        assert session.get(Area, area_id) is None

    def test_an_area_with_claims_stays(self, session: Session, sessions: Sessions, admin: Actor) -> None:
        area_id = areas.create(sessions, admin, NewArea(admin.org_id, "一", "urban", square()))
        claim = factories.claim(session, lon=LON, lat=LAT)  # type: ignore[attr-defined]
        session.execute(text("UPDATE claim SET area_id = :area"), {"area": area_id})
        session.commit()
        assert claim is not None
        with pytest.raises(AreaInUse):
            areas.remove(sessions, admin, area_id)

    def test_another_branch_cannot_touch_it(self, session: Session, sessions: Sessions, admin: Actor) -> None:
        branch = factories.organisation(session, kind="branch")
        if branch.id == admin.org_id:
            branch = factories.organisation(session, kind="branch")
        stranger = factories.actor(session, factories.person(session, roles=("admin",), org=branch))
        session.commit()
        area_id = areas.create(sessions, admin, NewArea(admin.org_id, "一", "urban", square()))
        new = NewArea(branch.id, "二", "urban", square())
        for refused in (
            lambda: areas.change(sessions, stranger, area_id, new),
            lambda: areas.remove(sessions, stranger, area_id),
            lambda: areas.create(sessions, stranger, NewArea(admin.org_id, "三", "urban", square())),
        ):
            with pytest.raises(Missing):
                refused()

    @pytest.mark.parametrize(
        "shape",
        [
            {},
            {"type": "Point", "coordinates": [1, 2]},
            {"type": "Polygon"},
            {"type": "Polygon", "coordinates": []},
            {"type": "Polygon", "coordinates": [[[1, 2], [3, 4]]]},
            {"type": "Polygon", "coordinates": [[["x", 2], [3, 4], [5, 6], [1, 2]]]},
            {"type": "Polygon", "coordinates": [[1, 2, 3]]},
            {"type": "Polygon", "coordinates": "abc"},
            {"type": "Polygon", "coordinates": {"0": 1}},
            {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]},  # a bow tie
            {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]], [[5, 5], [6, 5], [6, 6], [5, 5]]]},
            {"type": "MultiPolygon", "coordinates": [[[[0, 0], [2, 0], [2, 2], [0, 0]]], [[[0, 0], [2, 0], [2, 2], [0, 0]]]]},
            {"type": "Polygon", "coordinates": [[[0.0, 0.0]] * 20_001]},
        ],
        ids=str,
    )  # fmt: skip
    def test_what_is_no_clean_polygon_is_refused(self, shape: dict[str, object]) -> None:
        with pytest.raises(BadShape):
            areas.polygons(shape)

    def test_a_polygon_off_the_earth_is_refused(self) -> None:
        with pytest.raises(BadPlace):
            areas.polygons({"type": "Polygon", "coordinates": [[[39, 116], [40, 116], [40, 117], [39, 116]]]})

    def test_an_unknown_kind_is_refused(self, sessions: Sessions, admin: Actor) -> None:
        with pytest.raises(Invalid):
            areas.create(sessions, admin, NewArea(admin.org_id, "一", "moon", square()))


@dataclass(frozen=True)
class Line:
    kind: str
    name: str
    name_en: str
    min_zoom: int
    wkt: str


LINES = [
    Line("primary", "长安街", "Chang'an Avenue", 9, f"LINESTRING ({LON - 0.05} {LAT}, {LON + 0.05} {LAT})"),
    Line("street", '胡同"二', "Lane", 13, f"LINESTRING ({LON} {LAT}, {LON} {LAT + 0.002})"),
    Line("water", "北海", "Lake", 8, f"POLYGON (({LON} {LAT}, {LON + 0.02} {LAT}, {LON + 0.02} {LAT + 0.02}, {LON} {LAT}))"),
    Line("park", "公园", "Park", 11, f"POLYGON (({LON} {LAT}, {LON + 0.01} {LAT}, {LON + 0.01} {LAT + 0.01}, {LON} {LAT}))"),
    Line("area", "东城", "Dongcheng", 8, f"POLYGON (({LON} {LAT}, {LON + 0.1} {LAT}, {LON + 0.1} {LAT + 0.1}, {LON} {LAT}))"),
]  # fmt: skip


def tile_of(place: LonLat, z: int) -> tuple[int, int, int]:
    from math import asinh, pi, radians, tan

    n = 2**z
    return z, int((place.lon + 180) / 360 * n), int((1 - asinh(tan(radians(place.lat))) / pi) / 2 * n)


class TestBaseMap:
    def test_a_laid_map_answers_with_layers_by_zoom(self, session: Session, sessions: Sessions) -> None:
        assert service.lay_base_map(sessions, "演示城市", "Demo City", LINES) == 5
        near = tiles.base_tile(session, *tile_of(HERE, 14))
        far = tiles.base_tile(session, *tile_of(HERE, 9))
        for layer in (b"road", b"water", b"park", b"area"):
            assert layer in near
        for name in ("长安街", "Chang'an Avenue", '胡同"二', "北海"):
            assert name.encode() in near
        assert "长安街".encode() in far and "胡同".encode() not in far and b"park" not in far

    def test_where_nothing_is_a_tile_is_empty(self, session: Session, sessions: Sessions) -> None:
        service.lay_base_map(sessions, "演示城市", "Demo City", LINES)
        assert tiles.base_tile(session, 9, 0, 0) == b""

    def test_no_tile_draws_the_extent(self, session: Session, sessions: Sessions) -> None:
        service.lay_base_map(sessions, "演示城市", "Demo City", LINES)
        assert "演示城市".encode() not in tiles.base_tile(session, *tile_of(HERE, 22))

    def test_a_map_is_laid_anew_not_on_top(self, session: Session, sessions: Sessions) -> None:
        service.lay_base_map(sessions, "一", "One", LINES)
        service.lay_base_map(sessions, "二", "Two", LINES[:1])
        assert session.query(BaseLine).count() == 2
        assert tiles.map_info(session, "/").label == "二"

    @pytest.mark.parametrize("address", [(0, 0, 1), (23, 0, 0), (-1, 0, 0), (3, 8, 0), (3, 0, -1)])
    def test_there_are_no_tiles_outside_the_world(
        self, session: Session, address: tuple[int, int, int]
    ) -> None:
        with pytest.raises(BadTile):
            tiles.base_tile(session, *address)

    def test_a_huge_zoom_costs_nothing(self, session: Session) -> None:
        with pytest.raises(BadTile):
            tiles.base_tile(session, 10**18, 1, 1)

    def test_the_map_knows_where_it_lies(self, session: Session, sessions: Sessions) -> None:
        service.lay_base_map(sessions, "演示城市", "Demo City", LINES)
        found = tiles.map_info(session, "/")
        assert (found.label, found.label_en) == ("演示城市", "Demo City")
        assert found.bbox == pytest.approx((LON - 0.05, LAT, LON + 0.1, LAT + 0.1), abs=1e-6)
        assert found.bbox[0] < found.centre.lon < found.bbox[2]

    def test_without_a_base_map_the_areas_say_where(self, session: Session) -> None:
        factories.area(session, half_deg=0.2)
        assert tiles.map_info(session, "/").bbox == pytest.approx(
            (LON - 0.2, LAT - 0.2, LON + 0.2, LAT + 0.2)
        )

    def test_without_anything_it_is_the_country(self, session: Session, sessions: Sessions) -> None:
        assert service.lay_base_map(sessions, "", "", []) == 0
        assert tiles.map_info(session, "/").bbox == tiles.CHINA


class TestHelpers:
    def test_a_point_goes_in_and_comes_out(self, session: Session) -> None:
        area = factories.area(session)
        who = factories.surveyor(session, lon=LON, lat=LAT)
        session.expire_all()
        lon, lat = store.lonlat_of(LastPosition.place)
        assert session.execute(select(lon, lat)).one() == (LON, LAT)
        row = session.get_one(LastPosition, who.id)
        assert store.read_point(row.place) == HERE
        assert store.read_point(store.point(HERE)) == HERE
        assert store.read_point(HERE.ewkt()) == HERE
        assert store.read_point(None) is None
        assert area.id

    @pytest.mark.parametrize("form", [HERE, store.point(HERE)], ids=["LonLat", "point"])
    def test_near_and_how_far(self, session: Session, form: object) -> None:
        factories.surveyor(session, lon=LON, lat=LAT + 0.01)
        metres = session.execute(select(store.distance_m(LastPosition.place, form))).scalar_one()  # type: ignore[arg-type]
        assert metres == pytest.approx(metres_between(HERE, LonLat(LON, LAT + 0.01)), rel=0.006)
        for reach, found in ((metres - 1, 0), (metres + 1, 1)):
            query = select(LastPosition.surveyor_id).where(store.within_m(LastPosition.place, form, reach))  # type: ignore[arg-type]
            assert len(session.execute(query).all()) == found

    def test_a_point_is_written_by_the_orm(self, session: Session) -> None:
        who = factories.surveyor(session)
        session.get_one(LastPosition, who.id).place = store.point(LonLat(1e-7, -2.5))
        session.flush()
        session.expire_all()
        assert store.read_point(session.get_one(LastPosition, who.id).place) == (1e-7, -2.5)

    def test_near_walks_the_index(self, session: Session) -> None:
        session.execute(text("SET LOCAL enable_seqscan = off"))
        query = select(LastPosition.surveyor_id).where(store.within_m(LastPosition.place, HERE, 1000))
        compiled = str(query.compile(session.get_bind(), compile_kwargs={"literal_binds": True}))
        plan = "\n".join(session.execute(text("EXPLAIN " + compiled.replace(":", r"\:"))).scalars())
        assert "ix_last_position_place" in plan

    def test_tracking_says_state_age_and_source(self, session: Session) -> None:
        ages = {"fresh": 5.0, "amber": 200.0, "stale": 4000.0}
        for state, age_s in ages.items():
            who = factories.surveyor(session, age_s=age_s)
            found = queries.tracking(session, who.id)
            assert found["state"] == state
            assert found["age_s"] == pytest.approx(age_s, abs=5)
            assert found["source"] == "phone"
        nobody = factories.surveyor(session, lon=None, lat=None)
        assert queries.tracking(session, nobody.id) == {"state": "never", "age_s": None, "source": None}


def test_the_organisation_of_the_default_actor_is_the_root(session: Session, admin: Actor) -> None:
    assert session.get_one(Organisation, admin.org_id).parent_id is None
