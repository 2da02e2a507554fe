"""History on the map: heat of losses and positions, driven lines, another datum's tiles; and what a person chose to see."""

import math
from dataclasses import replace
from datetime import timedelta

import pytest

from core import clock
from geo import store
from geo.fix import Fix
from geo.store import Row
from tests import factories

SPAN = "from=2026-11-01T00:00:00Z&to=2026-11-02T00:00:00Z"


def tile_of(lon, lat, z):
    x = int((lon + 180) / 360 * 2**z)
    y = int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2**z)
    return f"{z}/{x}/{y}.mvt"


def span(session, hours=2):
    now = clock.read(session)
    shown = [(now + timedelta(hours=h)).strftime("%Y-%m-%dT%H:%M:%SZ") for h in (-hours, 1)]
    return f"from={shown[0]}&to={shown[1]}"


def drive(session, who, minutes):
    now = clock.read(session)
    store.ensure_partitions(session, now.date())
    at = [now - timedelta(minutes=m) for m in minutes]
    fixes = [Fix(t, t, 116.40 + 0.002 * n, 39.91, accuracy_m=8) for n, t in enumerate(at)]
    store.insert_history(session, [Row(who.id, 1, fix) for fix in fixes])


def test_losses_are_counted_in_squares_of_ones_own_part_only(as_, session):
    for _ in range(3):
        factories.claim(session)
    query = span(session)
    branch = factories.organisation(session, parent=factories.default_organisation(session))
    session.commit()
    where = f"/api/v1/map/heat/loss/{tile_of(factories.LON, factories.LAT, 12)}?{query}"
    answer = as_("dispatcher").get(where)
    assert (
        answer.status_code == 200 and b"loss" in answer.data and answer.mimetype.startswith("application/vnd")
    )
    assert as_("dispatcher", org=branch).get(where).status_code == 204
    assert (
        as_("dispatcher")
        .get(where.replace(tile_of(factories.LON, factories.LAT, 12), tile_of(0, 0, 12)))
        .status_code
        == 204
    )
    assert as_("seat").get(where).status_code == 403


def test_positions_are_counted_for_a_day_at_most(as_, sessions):
    with sessions.begin() as session:
        who = factories.surveyor(session)
        drive(session, who, range(40, 0, -1))
        query = span(session)
    path = f"/api/v1/map/heat/position/{tile_of(116.44, 39.91, 12)}"
    answer = as_("supervisor").get(f"{path}?{query}")
    assert (
        answer.status_code == 200 and b"position" in answer.data and str(who.id).encode() not in answer.data
    )
    assert (
        as_("supervisor").get(f"{path}?from=2026-11-01T00:00:00Z&to=2026-11-03T00:00:00Z").status_code == 422
    )


def test_a_track_is_drawn_in_pieces_and_each_tile_is_a_look(as_, sessions, session):
    with sessions.begin() as given:
        who = factories.surveyor(given)
        drive(given, who, [60, 59, 58, 20, 19, 18])
        query = span(given)
        branch = factories.organisation(given, parent=factories.default_organisation(given))
    path = f"/api/v1/map/tracks/{who.id}/{tile_of(116.404, 39.91, 11)}?{query}"
    assert as_("dispatcher").get(path).status_code == 422  # why does he look?
    path += "&reason=complaint"
    answer = as_("dispatcher").get(path)
    assert answer.status_code == 200 and b"track" in answer.data
    assert as_("dispatcher", org=branch).get(path).status_code == 404
    looks = session.execute(
        store.text("SELECT facts ->> 'form' FROM audit_entry WHERE action = 'track.seen'")
    ).scalars()
    assert list(looks) == ["tile"]


def test_tiles_of_another_datum_say_so_and_tianditu_comes_first(app, as_):
    built = app.extensions["chakan"]
    url = "https://tiles.example.com/{z}/{x}/{y}.png"
    app.extensions["chakan"] = replace(built, settings=replace(built.settings, amap_tiles=url))
    [sheet] = as_("seat").get("/api/v1/map/info").json["raster"]
    assert (sheet["datum"], sheet["url"]) == ("gcj02", url)
    both = replace(built.settings, amap_tiles=url, tianditu_key="K")
    app.extensions["chakan"] = replace(built, settings=both)
    assert {s["datum"] for s in as_("seat").get("/api/v1/map/info").json["raster"]} == {"wgs84"}


@pytest.mark.parametrize("role", ["dispatcher", "seat"])
def test_what_a_person_chose_to_see_is_his_alone_and_follows_him(as_, role):
    mine, other = as_(role), as_(role)
    assert mine.get("/api/v1/me/preferences/desk").json == {"value": {}}
    chosen = {"area": "东城", "riskOnly": True, "layers": ["loss"]}
    assert mine.put("/api/v1/me/preferences/desk", json=chosen).status_code == 200
    assert mine.get("/api/v1/me/preferences/desk").json == {"value": chosen}
    assert other.get("/api/v1/me/preferences/desk").json == {"value": {}}
    assert mine.put("/api/v1/me/preferences/desk", json={"sound": True}).status_code == 200
    assert mine.get("/api/v1/me/preferences/desk").json == {"value": {"sound": True}}
    assert mine.put("/api/v1/me/preferences/desk", json={}).status_code == 200
    assert mine.get("/api/v1/me/preferences/desk").json == {"value": {}}
    assert mine.put("/api/v1/me/preferences/other", json={}).status_code == 422
    assert mine.put("/api/v1/me/preferences/desk", json={"nonsense": 1}).status_code == 422
