"""Positions in, through the door: kept, refused, and the news in the answer."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import text
from sqlalchemy.orm import Session

from core import clock, live
from geo import gpx, store
from geo.fix import Fix
from geo.models import LastPosition
from tests import doors, factories

LON, LAT = factories.LON, factories.LAT
Phone = Any


@pytest.fixture(params=doors.DOORS)
def app(app: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """Every test of this file is held at both doors."""
    with doors.opened(app, request.param) as both:
        yield both


@pytest.fixture
def who(session: Session) -> Any:
    row = factories.surveyor(session, lon=None, lat=None)
    session.commit()
    return row


@pytest.fixture
def phone(as_device: Callable[[Any], Phone], who: Any) -> Phone:
    return as_device(who)


@pytest.fixture
def now(session: Session) -> datetime:
    found = clock.read(session)
    session.rollback()
    return found


def fix(now: datetime, ago_s: float = 0, **given: Any) -> dict[str, Any]:
    at = (now - timedelta(seconds=ago_s)).isoformat()
    return {"at": at, "lon": LON, "lat": LAT, "accuracy_m": 8} | given


def track(session: Session, who: Any) -> list[Fix]:
    session.rollback()
    return store.track(session, who.id, datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


def test_what_the_app_calls_itself_is_kept(session: Session, phone: Phone, who: Any, now: datetime) -> None:
    for name in ("Chakan/1", "Chakan/1", "Chakan/2"):
        assert (
            phone.post("/positions", json={"fixes": [fix(now)]}, headers={"User-Agent": name}).status_code
            == 200
        )
        session.rollback()
        app = text("SELECT app FROM device WHERE surveyor_id = :who")
        assert session.execute(app, {"who": who.id}).scalar_one() == name


def test_a_batch_is_kept_and_answered(session: Session, phone: Phone, who: Any, now: datetime) -> None:
    answer = phone.post("/positions", json={"fixes": [fix(now, 30, seq=1), fix(now, 15, seq=2)]})
    assert answer.status_code == 200
    assert answer.json["kept"] == 2
    assert answer.json["refused"] == {}
    assert answer.json["offers"] == []
    assert answer.json["errors"] == []
    assert datetime.fromisoformat(answer.json["server_time"]) >= now - timedelta(seconds=1)
    assert [f.seq for f in track(session, who)] == [1, 2]


def test_one_bad_fix_does_not_cost_the_others(
    session: Session, phone: Phone, who: Any, now: datetime
) -> None:
    bad = [fix(now, 20, lat=116.4, lon=39.9), fix(now, 19, lat="39"), {"lon": 1}]
    answer = phone.post("/positions", json={"fixes": [fix(now, 30), *bad, fix(now, 10)]})
    assert answer.status_code == 200
    assert answer.json["kept"] == 2
    assert answer.json["refused"] == {"malformed": 2, "out_of_range": 1}
    assert [e["path"] for e in answer.json["errors"]] == ["fixes[1].lat", "fixes[2].lat", "fixes[3]"]
    assert len(track(session, who)) == 2


def test_when_none_is_readable_it_is_422_by_name(phone: Phone, now: datetime) -> None:
    answer = phone.post("/positions", json={"fixes": [fix(now, lat=91)]})
    assert answer.status_code == 422
    assert answer.json["code"] == "invalid"
    assert answer.json["errors"][0]["path"] == "fixes[0].lat"


def test_nan_from_a_phone_costs_one_fix(phone: Phone, now: datetime) -> None:
    body = json.dumps({"fixes": [fix(now, 5, lat=float("nan")), fix(now, 4, speed_mps=float("nan"))]})
    answer = phone.post("/positions", data=body, content_type="application/json")
    assert (answer.status_code, answer.json["kept"], answer.json["refused"]) == (200, 1, {"malformed": 1})


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "malformed"),
        (b"{", 400, "malformed"),
        (b"[]", 422, "invalid"),
        (b"{}", 422, "invalid"),
        (b'{"fixes":' + b"[" * 50_000, 400, "malformed"),
        (json.dumps({"fixes": [{}] * 1001}).encode(), 413, "too_many_fixes"),
        (b" " * (4 * 1024 * 1024 + 1), 413, "too_large"),
    ],
    ids=["empty", "cut", "list", "object", "deep", "many", "large"],
)
def test_what_is_no_batch_is_refused_politely(phone: Phone, body: bytes, status: int, code: str) -> None:
    answer = phone.post("/positions", data=body, content_type="application/json")
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert answer.content_type == "application/problem+json"


def test_an_empty_batch_asks_for_news(phone: Phone) -> None:
    answer = phone.post("/positions", json={"fixes": []})
    assert (answer.status_code, answer.json["kept"]) == (200, 0)


def test_a_thousand_fixes_are_one_batch(session: Session, phone: Phone, who: Any, now: datetime) -> None:
    answer = phone.post("/positions", json={"fixes": [fix(now, n) for n in range(1000)]})
    assert (answer.status_code, answer.json["kept"]) == (200, 1000)
    assert len(track(session, who)) == 1000


def test_off_duty_nothing_is_stored(session: Session, phone: Phone, who: Any, now: datetime) -> None:
    assert phone.post("/me/shift", json={"on": False}, idem=True).status_code == 200
    answer = phone.post("/positions", json={"fixes": [fix(now, 1), fix(now, 600)]})
    assert (answer.status_code, answer.json["kept"], answer.json["refused"]) == (200, 0, {"off_duty": 2})
    assert track(session, who) == []
    assert session.get(LastPosition, who.id) is None


def test_the_answer_carries_the_open_offers(session: Session, phone: Phone, who: Any, now: datetime) -> None:
    phone.post("/positions", json={"fixes": [fix(now, 5)]})
    offer = factories.offer(session, to=who, delivered=False)
    assert phone.post("/positions", json={"fixes": [fix(now)]}).json["offers"] == [str(offer.id)]
    session.refresh(offer)
    first = offer.delivered_at
    assert first is not None  # what an answer names has reached the phone, …
    phone.post("/positions", json={"fixes": [fix(now, 1)]})
    session.refresh(offer)
    assert offer.delivered_at == first
    session.execute(text("UPDATE offer SET delivered_at = NULL, reach_by = now() - interval '1 second'"))
    session.commit()
    # … and what came too late is not named any more.
    assert phone.post("/positions", json={"fixes": [fix(now, 2)]}).json["offers"] == []


def test_the_live_map_is_told_after_the_commit(
    session: Session, phone: Phone, who: Any, now: datetime, redis: Redis
) -> None:
    phone.post("/positions", json={"fixes": [fix(now, 5)]})
    until = time.monotonic() + 5
    while (told := redis.hget(live.shelf("surveyor"), str(who.id))) is None and time.monotonic() < until:
        time.sleep(0.01)  # the short door tells of many at once, a moment after the answer
    card = json.loads(told)["card"]
    assert (card["position"]["lon"], card["position"]["lat"]) == (LON, LAT)
    assert card["freshness"] == "fresh"
    before = redis.xlen(live.STREAM)
    phone.post("/positions", json={"fixes": [fix(now, 50)]})  # late: the dot stays
    time.sleep(0.4)
    assert redis.xlen(live.STREAM) == before


def test_a_dead_redis_costs_nothing_but_the_news(
    app: Any, session: Session, phone: Phone, who: Any, now: datetime
) -> None:
    from dataclasses import replace

    from core import queues

    app.extensions["chakan"] = replace(
        app.extensions["chakan"], redis=queues.connect("redis://127.0.0.1:1/0")
    )
    assert phone.post("/positions", json={"fixes": [fix(now)]}).json["kept"] == 1
    assert len(track(session, who)) == 1


def test_a_batch_in_gcj02_is_stored_in_wgs84(session: Session, phone: Phone, who: Any, now: datetime) -> None:
    given = fix(now, lon=116.41023240747266, lat=39.915670251113426, datum="gcj02")
    assert phone.post("/positions", json={"fixes": [given]}).json["kept"] == 1
    assert track(session, who)[0].position() == pytest.approx((116.403988, 39.914266), abs=1e-8)


def test_a_repeat_under_one_key_has_one_effect_and_one_answer(phone: Phone, now: datetime) -> None:
    body = {"fixes": [fix(now, 3)]}
    first = phone.post("/positions", json=body, key="batch-1")
    again = phone.post("/positions", json=body, key="batch-1")
    assert (first.json["kept"], again.json["kept"]) == (1, 1)
    assert again.headers["Idempotent-Replay"] == "true"
    assert phone.post("/positions", json=body).json["refused"] == {"duplicate": 1}


def test_only_a_paired_device_sends_positions(as_: Any, stranger: Any, now: datetime) -> None:
    body = {"fixes": [fix(now)]}
    assert stranger.post("/positions", json=body).status_code == 401
    assert as_("dispatcher").post("/positions", json=body).status_code == 403
    assert as_("surveyor").post("/positions", json=body).status_code == 403


def test_a_revoked_phone_is_refused_at_once(session: Session, phone: Phone, as_: Any, now: datetime) -> None:
    assert as_("dispatcher").delete(f"/devices/{phone.device.id}").status_code == 204
    assert phone.post("/positions", json={"fixes": [fix(now)]}).status_code == 401


def test_the_refusals_show_on_the_desk(phone: Phone, as_: Any, who: Any, now: datetime) -> None:
    phone.post("/positions", json={"fixes": [fix(now, lon=0, lat=0), fix(now, -900), fix(now)]})
    phone.post("/positions", json={"fixes": [{"lat": 1}]})
    shown = as_("dispatcher").get(f"/surveyors/{who.id}/devices").json["items"][0]
    assert shown["refused_today"] == {"zero": 1, "from_the_future": 1, "malformed": 1}
    assert shown["seen_at"] is not None


def test_a_gpx_file_is_a_batch_too(session: Session, phone: Phone, who: Any, now: datetime) -> None:
    fixes = [
        Fix((now - timedelta(seconds=5 * n)).replace(microsecond=0), None, LON, LAT, altitude_m=50)
        for n in range(700)
    ]
    body = gpx.write("tour", fixes)
    answer = phone.post("/positions.gpx", data=body, content_type="application/gpx+xml")
    assert (answer.status_code, answer.json["kept"]) == (200, 700)
    assert {f.source for f in track(session, who)} == {"gpx"}
    assert phone.post("/positions.gpx", data="<gpx", content_type="application/gpx+xml").status_code == 422


def test_no_personal_data_in_the_log(phone: Phone, now: datetime, caplog: Any) -> None:
    with caplog.at_level("DEBUG"):
        phone.post("/positions", json={"fixes": [fix(now), fix(now, 4, lat=1e9)]})
    assert str(LON) not in caplog.text
    assert "1e9" not in caplog.text and "1000000000" not in caplog.text


def test_a_missing_day_does_not_cost_a_batch(session: Session, phone: Phone, now: datetime) -> None:
    session.execute(text(f"DROP TABLE position_{now:%Y%m%d}"))
    session.commit()
    assert phone.post("/positions", json={"fixes": [fix(now)]}).json["kept"] == 1


def test_positions_with_a_key_are_shed_like_the_others(app: Any, phone: Phone, now: datetime) -> None:
    """P12: what takes the long way holds connections that reports need, so it is counted too."""
    door = app.extensions.get("short door")
    if door is None:
        pytest.skip("only the short door counts who waits")
    keyed = {"Idempotency-Key": "k-1"}
    with ExitStack() as others:
        for _ in range(door.group.most_outside):
            others.enter_context(door.group.alone())
        for path in ("/api/v1/positions", "/api/v1/positions.gpx"):
            answer = phone.post(path, json={"fixes": [fix(now)]}, headers=keyed)
            assert (answer.status_code, answer.json["code"]) == (429, "too_many")
            assert int(answer.headers["Retry-After"]) >= 1
        assert phone.post("/api/v1/positions", json={"fixes": [fix(now)]}).status_code == 429
    answer = phone.post("/api/v1/positions", json={"fixes": [fix(now)]}, headers=keyed)
    assert (answer.status_code, answer.json["kept"]) == (200, 1)
    assert door.group.outside == 0
