"""Where everyone is, through the door: cards, tracks and their audit, who is nearest, areas, the map."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from core import clock
from core.models import AuditEntry
from geo import gpx, service, store
from geo.fix import Fix, LonLat, metres_between
from staff import shifts
from tests import factories
from tests.db.test_geo_places import LINES, square, tile_of

LON, LAT = factories.LON, factories.LAT


@pytest.fixture
def now(session: Session) -> datetime:
    found = clock.read(session)
    session.rollback()
    return found


@pytest.fixture
def drive(session: Session, now: datetime) -> Any:
    """A surveyor and ten minutes of his track, a fix every 15 s."""
    who = factories.surveyor(session, age_s=0)
    rows = [
        store.Row(who.id, 7, Fix(now - timedelta(seconds=15 * n), now, LON, LAT + n * 1e-4, 10, battery=70))
        for n in range(40)
    ]
    store.insert_history(session, rows)
    session.commit()
    return who


class TestCards:
    def test_everybody_of_ones_own_tree_with_state_and_position(self, session: Session, as_: Any) -> None:
        idle = factories.surveyor(session)
        stale = factories.surveyor(session, age_s=1000)
        off = factories.surveyor(session, on_duty=False)
        never = factories.surveyor(session, lon=None, lat=None)
        session.commit()
        answer = as_("dispatcher").get("/surveyors")
        cards = {card["id"]: card for card in answer.json["items"]}
        assert {str(p.id): cards[str(p.id)]["state"] for p in (idle, stale, off, never)} == {
            str(idle.id): "idle", str(stale.id): "stale", str(off.id): "off", str(never.id): "stale",
        }  # fmt: skip
        assert cards[str(idle.id)]["position"]["lon"] == LON
        assert cards[str(off.id)]["position"] is None
        assert answer.json["server_time"]

    def test_narrowed_by_box_state_and_page(self, session: Session, as_: Any) -> None:
        here = factories.surveyor(session)
        there = factories.surveyor(session, lon=LON + 1)
        session.commit()
        client = as_("dispatcher")
        box = f"{LON - 0.1},{LAT - 0.1},{LON + 0.1},{LAT + 0.1}"

        def found(query: str) -> list[str]:
            return [card["id"] for card in client.get(f"/surveyors?{query}").json["items"]]

        assert found(f"bbox={box}") == [str(here.id)]
        assert found("state=idle,busy") == [str(here.id), str(there.id)]
        assert found("state=off") == []
        first = client.get("/surveyors?limit=1").json
        assert [c["id"] for c in first["items"]] == [str(here.id)]
        assert found(f"limit=1&after={first['next']}") == [str(there.id)]

    def test_who_is_off_duty_cannot_be_found_by_a_box(self, session: Session, as_: Any) -> None:
        who = factories.surveyor(session)
        shifts.set_duty(session, who.id, False, now=clock.read(session))
        session.commit()
        box = f"{LON - 1},{LAT - 1},{LON + 1},{LAT + 1}"
        assert as_("dispatcher").get(f"/surveyors?bbox={box}").json["items"] == []

    @pytest.mark.parametrize(
        "query", ["bbox=1,2,3", "bbox=a,b,c,d", "bbox=nan,1,2,3", "bbox=1,99,2,3", "state=lost", "x=1"]
    )
    def test_a_wrong_question_is_422(self, as_: Any, query: str) -> None:
        assert as_("dispatcher").get(f"/surveyors?{query}").status_code == 422

    def test_another_branch_sees_nobody(self, session: Session, as_: Any) -> None:
        root = factories.default_organisation(session)
        branch = factories.organisation(session, parent=root)
        factories.surveyor(session, org=root)
        session.commit()
        assert as_("dispatcher", org=branch).get("/surveyors").json["items"] == []

    def test_in_another_datum(self, session: Session, as_: Any) -> None:
        factories.surveyor(session)
        session.commit()
        shown = as_("dispatcher").get("/surveyors?datum=gcj02").json["items"][0]["position"]
        assert shown["datum"] == "gcj02"
        assert 400 < metres_between(LonLat(shown["lon"], shown["lat"]), LonLat(LON, LAT)) < 700


class TestTracks:
    def span(self, now: datetime, minutes: float = 60) -> str:
        span = f"reason=complaint&from={(now - timedelta(minutes=minutes)).isoformat()}&to={now.isoformat()}"
        return span.replace("+", "%2B")

    def test_a_track_comes_in_order_and_the_look_is_written_down(
        self, session: Session, as_: Any, drive: Any, now: datetime
    ) -> None:
        client = as_("dispatcher")
        answer = client.get(f"/surveyors/{drive.id}/track?{self.span(now)}")
        assert answer.status_code == 200
        items = answer.json["items"]
        assert len(items) == 39  # `to` itself is outside
        assert [i["at"] for i in items] == sorted(i["at"] for i in items)
        assert items[-1]["lat"] == pytest.approx(LAT + 1e-4)
        assert items[0]["battery"] == 70
        assert answer.json["next"] is None
        assert answer.json["flags"] == []
        entry = session.query(AuditEntry).filter_by(action="track.seen").one()
        assert (entry.actor_id, entry.subject_kind, entry.subject_id) == (
            client.person.id,
            "surveyor",
            drive.id,
        )

    def test_pages_hold_every_fix_once(self, session: Session, as_: Any, drive: Any, now: datetime) -> None:
        twin = [
            store.Row(drive.id, 8, Fix(now - timedelta(seconds=15 * n), now, LON, LAT, 10))
            for n in (10, 11, 12)
        ]
        store.insert_history(session, twin)
        session.commit()
        client, seen, after = as_("dispatcher"), [], ""
        for _ in range(40):
            page = client.get(f"/surveyors/{drive.id}/track?{self.span(now)}&limit=5{after}").json
            seen += page["items"]
            if page["next"] is None:
                break
            after = f"&after={page['next']}"
        assert len(seen) == 42

    def test_the_default_is_the_last_day(self, as_: Any, drive: Any) -> None:
        assert len(as_("supervisor").get(f"/surveyors/{drive.id}/track?reason=coaching").json["items"]) >= 39

    def test_a_surveyor_reads_his_own_and_nobody_elses(
        self, session: Session, as_device: Any, drive: Any
    ) -> None:
        other = factories.surveyor(session)
        session.commit()
        assert as_device(drive).get(f"/surveyors/{drive.id}/track").status_code == 200
        assert as_device(other).get(f"/surveyors/{drive.id}/track").status_code == 404

    def test_others_do_not_look(self, session: Session, as_: Any, drive: Any) -> None:
        branch = factories.organisation(session, parent=factories.default_organisation(session))
        session.commit()
        assert as_("dispatcher", org=branch).get(f"/surveyors/{drive.id}/track").status_code == 404
        for role in ("seat", "adjuster", "integration"):
            assert as_(role).get(f"/surveyors/{drive.id}/track").status_code == 403
        assert as_("dispatcher").get("/surveyors/5/track").status_code == 404
        assert session.query(AuditEntry).filter_by(action="track.seen").count() == 0

    @pytest.mark.parametrize(
        "query",
        [
            "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
            "from=2026-01-01T00:00:00Z&to=2026-03-01T00:00:00Z",
            "from=yesterday",
            "from=2026-01-01T00:00:00",
            "to=0001-01-01T00:00:00Z",
            "to=9999-12-31T23:59:59Z",
            "limit=0",
            "after=-1",
        ],
    )
    def test_a_wrong_span_is_422(self, as_: Any, drive: Any, query: str) -> None:
        assert as_("dispatcher").get(f"/surveyors/{drive.id}/track?{query}").status_code == 422

    def test_a_far_cursor_is_only_an_empty_page(self, as_: Any, drive: Any) -> None:
        answer = as_("dispatcher").get(f"/surveyors/{drive.id}/track?reason=x1&after={'9' * 19}")
        assert (answer.status_code, answer.json["items"]) == (200, [])

    def test_as_gpx(self, session: Session, as_: Any, drive: Any, now: datetime) -> None:
        answer = as_("dispatcher").get(f"/surveyors/{drive.id}/track.gpx?{self.span(now)}")
        assert answer.mimetype == "application/gpx+xml"
        fixes, unread, _ = gpx.read(answer.data)
        assert (len(fixes), unread.total()) == (39, 0)
        assert session.query(AuditEntry).filter_by(action="track.seen").one().facts["form"] == "gpx"

    def test_a_file_is_whole_or_refused(
        self, monkeypatch: pytest.MonkeyPatch, as_: Any, drive: Any, now: datetime
    ) -> None:
        client, url = as_("dispatcher"), f"/surveyors/{drive.id}/track.gpx?{self.span(now)}"
        monkeypatch.setattr("api.surveyors.MOST_IN_FILE", 39)
        assert client.get(url).status_code == 200
        monkeypatch.setattr("api.surveyors.MOST_IN_FILE", 38)
        assert client.get(url).status_code == 422

    def test_what_a_person_should_look_at_is_flagged(
        self, session: Session, as_: Any, drive: Any, now: datetime
    ) -> None:
        wild = [
            store.Row(drive.id, 7, Fix(now - timedelta(seconds=s), now, LON + 3, LAT, 10)) for s in (22, 52)
        ]
        store.insert_history(session, wild)
        session.commit()
        assert as_("dispatcher").get(f"/surveyors/{drive.id}/track?{self.span(now)}").json["flags"] == [
            "impossible_jumps"
        ]


class TestNearest:
    def test_soonest_first_with_time_age_and_reasons(self, session: Session, as_: Any) -> None:
        near = factories.surveyor(session, lon=LON + 0.01, age_s=7)
        far = factories.surveyor(session, lon=LON + 0.05)
        old = factories.surveyor(session, lon=LON + 0.02, age_s=500)
        off = factories.surveyor(session, lon=LON + 0.03, on_duty=False)
        busy = factories.surveyor(session, lon=LON + 0.04, max_open=0)
        session.commit()
        answer = as_("dispatcher").get(f"/nearest?lon={LON}&lat={LAT}&needs=motor")
        items = {i["surveyor"]["id"]: i for i in answer.json["items"]}
        able = [i["surveyor"]["id"] for i in answer.json["items"] if i["outcome"] == "able"]
        assert able == [str(near.id), str(far.id)]
        assert items[str(old.id)]["reason"] == "stale"
        assert items[str(busy.id)]["reason"] == "at_cap"
        assert str(off.id) not in items  # off duty nobody's distance is told
        assert items[str(near.id)]["age_s"] == pytest.approx(7, abs=5)
        assert 0 < items[str(near.id)]["eta_s"] < items[str(far.id)]["eta_s"]
        assert items[str(near.id)]["distance_m"] == pytest.approx(855, abs=10)

    def test_somebody_named_is_told_of_however_far_he_is_but_never_off_duty(
        self, session: Session, as_: Any
    ) -> None:
        factories.surveyor(session)
        far = factories.surveyor(session, lon=LON + 1)
        home = factories.surveyor(session, lon=LON + 1, on_duty=False)
        session.commit()
        asked = f"/nearest?lon={LON}&lat={LAT}&limit=1&surveyor="
        items = as_("dispatcher").get(f"{asked}{far.id}").json["items"]
        assert [i["surveyor"]["id"] for i in items][1:] == [str(far.id)]
        assert (items[1]["eta_by"], items[1]["borrowed"]) == ("straight_line", False)
        assert len(as_("dispatcher").get(f"{asked}{home.id}").json["items"]) == 1

    def test_the_long_silent_come_last_and_take_no_place_of_one_who_was_heard(
        self, session: Session, as_: Any
    ) -> None:
        silent = [factories.surveyor(session, age_s=900) for _ in range(4)]
        heard = factories.surveyor(session, lon=LON + 0.05)
        session.commit()
        asked = f"/nearest?lon={LON}&lat={LAT}&limit="
        items = as_("dispatcher").get(f"{asked}10").json["items"]
        assert items[0]["surveyor"]["id"] == str(heard.id)
        assert all("stale" in i["reasons"] for i in items[1:]) and len(items) == 1 + len(silent)
        first = as_("dispatcher").get(f"{asked}1").json["items"]
        assert [i["surveyor"]["id"] for i in first] == [str(heard.id)]

    def test_a_skill_nobody_has_is_a_reason(self, session: Session, as_: Any) -> None:
        factories.surveyor(session)
        session.commit()
        (found,) = as_("seat").get(f"/nearest?lon={LON}&lat={LAT}&needs=agri").json["items"]
        assert found["reason"] == "lacks_skill"

    @pytest.mark.parametrize(
        "query", ["lon=1", "lon=x&lat=1", "lon=116&lat=91", "lon=nan&lat=1", "lon=1&lat=1&limit=0"]
    )
    def test_a_wrong_place_is_422(self, as_: Any, query: str) -> None:
        assert as_("dispatcher").get(f"/nearest?{query}").status_code == 422


class TestAreas:
    def test_an_administrator_draws_changes_and_removes(self, session: Session, as_: Any) -> None:
        admin = as_("admin")
        org_id = str(admin.person.org_id)
        body = {"org_id": org_id, "name": "东城", "name_en": "Dongcheng", "kind": "urban", "shape": square()}
        made = admin.post("/areas", json=body)
        assert made.status_code == 201
        url = f"/areas/{made.json['id']}"
        shown = as_("dispatcher").get(url).json
        assert (shown["name"], shown["kind"], shown["org"]["id"]) == ("东城", "urban", org_id)
        assert shown["shape"]["type"] == "MultiPolygon"
        assert shown["area_m2"] == pytest.approx(380e6, rel=0.05)
        assert admin.put(url, json=body | {"name": "西城"}).status_code == 200
        assert [a["name"] for a in as_("seat").get("/areas").json["items"]] == ["西城"]
        assert admin.delete(url).status_code == 204
        assert admin.get(url).status_code == 404
        actions = [
            e.action
            for e in session.query(AuditEntry).filter_by(subject_kind="area").order_by(AuditEntry.seq)
        ]
        assert actions == ["area.created", "area.changed", "area.removed"]

    def test_only_an_administrator_draws(self, as_: Any) -> None:
        client = as_("dispatcher")
        body = {"org_id": str(client.person.org_id), "name": "x", "shape": square()}
        assert client.post("/areas", json=body).status_code == 403

    def test_a_bow_tie_is_422_and_an_unknown_area_404(self, as_: Any) -> None:
        admin = as_("admin")
        tie = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}
        body = {"org_id": str(admin.person.org_id), "name": "x", "shape": tie}
        answer = admin.post("/areas", json=body)
        assert (answer.status_code, answer.json["code"]) == (422, "bad_shape")
        assert admin.put("/areas/5", json=body | {"shape": square()}).status_code == 404
        assert admin.delete("/areas/5").status_code == 404


class TestMap:
    def test_tiles_come_with_a_tag_and_are_asked_for_once(self, sessions: Any, as_: Any) -> None:
        service.lay_base_map(sessions, "演示城市", "Demo City", LINES)
        z, x, y = tile_of(LonLat(LON, LAT), 12)
        client = as_("seat")
        answer = client.get(f"/map/tiles/{z}/{x}/{y}.mvt")
        assert (answer.status_code, answer.mimetype) == (200, "application/vnd.mapbox-vector-tile")
        assert b"road" in answer.data
        assert "private" in answer.headers["Cache-Control"]
        again = client.get(f"/map/tiles/{z}/{x}/{y}.mvt", headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")

    def test_an_empty_tile_is_204_and_a_wrong_one_no_tile(self, as_: Any, stranger: Any) -> None:
        client = as_("surveyor")
        assert client.get("/map/tiles/5/1/1.mvt").status_code == 204
        assert client.get("/map/tiles/5/32/1.mvt").status_code == 404
        assert client.get("/map/tiles/99/1/1.mvt").status_code in (404, 422)
        assert client.get(f"/map/tiles/{10**30}/1/1.mvt").status_code in (404, 422)
        assert client.get("/map/tiles/x/1/1.mvt").status_code == 404
        assert stranger.get("/map/tiles/5/1/1.mvt").status_code == 401

    def test_the_map_says_what_it_shows(self, sessions: Any, as_: Any) -> None:
        service.lay_base_map(sessions, "演示城市", "Demo City", LINES)
        found = as_("seat").get("/map/info").json
        assert found["label"] == "演示城市"
        assert found["bbox"][0] < found["centre"]["lon"] < found["bbox"][2]
        assert found["raster"] == []

    def test_a_tianditu_key_brings_its_sheets(self, app: Any, as_: Any) -> None:
        from dataclasses import replace

        built = app.extensions["chakan"]
        app.extensions["chakan"] = replace(built, settings=replace(built.settings, tianditu_key="K"))
        sheets = as_("seat").get("/map/info").json["raster"]
        assert [s["name"] for s in sheets] == ["tianditu_vec", "tianditu_cva"]
        assert all("tk=K" in s["url"] and "{z}" in s["url"] and s["datum"] == "wgs84" for s in sheets)


def test_the_document_shows_what_the_doors_take(stranger: Any) -> None:
    paths = stranger.get("/openapi.json").json["paths"]
    fix = paths["/api/v1/positions"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert "fixes" in fix["properties"]
    form = paths["/api/v1/ingest/traccar"]["post"]["requestBody"]["content"][
        "application/x-www-form-urlencoded"
    ]
    assert "timestamp" in form["schema"]["properties"]
    assert {p["name"] for p in paths["/api/v1/surveyors/{surveyor_id}/track"]["get"]["parameters"]} >= {
        "from",
        "to",
    }
