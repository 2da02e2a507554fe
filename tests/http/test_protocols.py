"""The tracker apps' own payloads through their own doors, with the exact replies they wait for."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from core import clock
from geo import store
from geo.fix import Fix
from geo.models import FixRefusal
from staff import devices
from staff.models import Device, Surveyor
from tests import doors, factories
from tests.payloads import payload

FORM = "application/x-www-form-urlencoded"


class Tracker:
    """A paired device as its apps know it."""

    def __init__(self, device_id: int, token: str, tracker_id: str, surveyor_id: int) -> None:
        self.device_id, self.token, self.tracker_id, self.surveyor_id = (
            device_id,
            token,
            tracker_id,
            surveyor_id,
        )

    @property
    def basic(self) -> dict[str, str]:
        return basic(str(self.device_id), self.token)

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


@pytest.fixture(params=doors.DOORS)
def app(app: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """Every test of this file is held at both doors."""
    with doors.opened(app, request.param) as both:
        yield both


@pytest.fixture
def pair(session: Session) -> Callable[[], Tracker]:
    def make() -> Tracker:
        who = factories.surveyor(session, lon=None, lat=None)
        paired = devices.add(session, who.id, label="测试机", now=clock.read(session))
        session.commit()
        return Tracker(paired.device.id, paired.token, paired.tracker_id, who.id)

    return make


@pytest.fixture
def tracker(pair: Callable[[], Tracker]) -> Tracker:
    return pair()


@pytest.fixture
def now(session: Session) -> datetime:
    found = clock.read(session).replace(microsecond=0) - timedelta(seconds=5)
    session.rollback()
    return found


def track(session: Session, tracker: Tracker) -> list[Fix]:
    session.rollback()
    return store.track(
        session, tracker.surveyor_id, datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
    )


def refused(session: Session, tracker: Tracker) -> dict[str, int]:
    session.rollback()
    rows = session.query(FixRefusal).filter_by(device_id=tracker.device_id).populate_existing()
    return {row.reason: row.count for row in rows}


class TestOwnTracks:
    URL = "/ingest/owntracks"

    def send(self, stranger: Any, tracker: Tracker, body: bytes, **given: Any) -> Any:
        headers = (
            tracker.basic
            | {"X-Limit-U": str(tracker.device_id), "X-Limit-D": "phone"}
            | given.pop("headers", {})
        )
        return stranger.post(self.URL, data=body, content_type="application/json", headers=headers, **given)

    def test_a_location_is_stored_and_answered_with_a_list(
        self, session: Session, stranger: Any, tracker: Tracker, now: datetime
    ) -> None:
        answer = self.send(stranger, tracker, payload("owntracks_location.json", now))
        assert (answer.status_code, answer.json, answer.mimetype) == (200, [], "application/json")
        (fix,) = track(session, tracker)
        assert (fix.fixed_at, fix.lon, fix.lat, fix.speed_mps, fix.heading_deg) == (
            now,
            121.47,
            31.23,
            10,
            90,
        )
        assert (fix.accuracy_m, fix.altitude_m, fix.battery, fix.source) == (12, 4, 81, "owntracks")

    def test_a_zero_length_body_is_legal(self, session: Session, stranger: Any, tracker: Tracker) -> None:
        answer = self.send(stranger, tracker, b"")
        assert (answer.status_code, answer.json) == (200, [])
        assert track(session, tracker) == []

    def test_every_other_message_is_accepted_and_ignored(
        self, session: Session, stranger: Any, tracker: Tracker, now: datetime
    ) -> None:
        for message in json.loads(payload("owntracks_others.json", now)):
            answer = self.send(stranger, tracker, json.dumps(message).encode())
            assert (answer.status_code, answer.json) == (200, [])
        assert track(session, tracker) == []
        assert refused(session, tracker) == {"encrypted": 1}

    def test_what_it_sends_again_is_stored_once(
        self, session: Session, stranger: Any, tracker: Tracker, now: datetime
    ) -> None:
        for _ in range(3):
            assert self.send(stranger, tracker, payload("owntracks_still.json", now)).status_code == 200
        assert len(track(session, tracker)) == 1
        assert refused(session, tracker) == {"duplicate": 2}

    def test_an_unreadable_location_is_counted_not_sent_for_ever(
        self, session: Session, stranger: Any, tracker: Tracker
    ) -> None:
        answer = self.send(stranger, tracker, b'{"_type":"location","lat":NaN,"lon":121,"tst":1700000000}')
        assert (answer.status_code, answer.json) == (200, [])
        assert refused(session, tracker) == {"malformed": 1}

    def test_a_body_that_is_no_json_is_400(self, stranger: Any, tracker: Tracker) -> None:
        assert self.send(stranger, tracker, b"hello").status_code == 400
        assert self.send(stranger, tracker, b"[" * 100_000).status_code == 400

    def test_wrong_credentials_are_asked_for_again(
        self, stranger: Any, tracker: Tracker, pair: Any, now: datetime
    ) -> None:
        body, other = payload("owntracks_location.json", now), pair()
        wrong = [
            {},
            basic(str(tracker.device_id), "ck_wrong"),
            basic(str(other.device_id), tracker.token),
            basic(str(tracker.device_id), tracker.tracker_id),
            basic("", tracker.token),
            {"Authorization": "Basic %%%"},
            {"Authorization": "Basic " + "A" * 5000},
            tracker.bearer,
        ]
        for headers in wrong:
            answer = stranger.post(self.URL, data=body, headers=headers)
            assert answer.status_code == 401
            assert answer.headers["WWW-Authenticate"].startswith("Basic ")

    def test_another_devices_name_is_refused(
        self, session: Session, stranger: Any, tracker: Tracker, pair: Any, now: datetime
    ) -> None:
        other = pair()
        body = payload("owntracks_location.json", now)
        assert (
            self.send(stranger, tracker, body, headers={"X-Limit-D": str(other.device_id)}).status_code == 403
        )
        assert self.send(stranger, tracker, body, headers={"X-Limit-D": "7"}).status_code == 200
        assert self.send(stranger, tracker, body, headers={"X-Limit-D": "9" * 30}).status_code == 200
        assert (
            self.send(stranger, tracker, body, headers={"X-Limit-D": str(tracker.device_id)}).status_code
            == 200
        )
        assert track(session, other) == []


class TestTraccar:
    URL = "/ingest/traccar"

    @pytest.mark.parametrize("name", ["traccar_8.query", "traccar_osmand.query"])
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_a_query_by_either_method(
        self, session: Session, stranger: Any, tracker: Tracker, now: datetime, name: str, method: str
    ) -> None:
        query = payload(name, now, tracker.tracker_id).decode()
        answer = stranger.open(f"{self.URL}?{query}", method=method)
        assert (answer.status_code, answer.data) == (200, b"")
        (fix,) = track(session, tracker)
        assert (fix.fixed_at, fix.lon, fix.lat, fix.heading_deg, fix.source) == (
            now,
            121.47,
            31.23,
            63.5,
            "traccar",
        )

    def test_the_form_of_client_10(
        self, session: Session, stranger: Any, tracker: Tracker, now: datetime
    ) -> None:
        body = payload("traccar_10.form", now, tracker.tracker_id)
        answer = stranger.post(self.URL, data=body, content_type=FORM)
        assert (answer.status_code, answer.data) == (200, b"")
        (fix,) = track(session, tracker)
        assert (fix.speed_mps, fix.battery) == (pytest.approx(10, abs=0.01), 79)

    @pytest.mark.parametrize(
        ("name", "count"),
        [
            ("traccar_9.json", 1),
            ("traccar_9_unknown.json", 1),
            ("traccar_9_heartbeat.json", 0),
            ("traccar_10_batch.json", 1),
        ],
    )
    def test_the_json_of_client_9_and_the_array(
        self, session: Session, stranger: Any, tracker: Tracker, now: datetime, name: str, count: int
    ) -> None:
        body = payload(name, now, tracker.tracker_id)
        answer = stranger.post(self.URL, data=body, content_type="application/json")
        assert (answer.status_code, answer.data) == (200, b"")
        assert len(track(session, tracker)) == count
        assert refused(session, tracker) == {}

    def test_a_heartbeat_says_the_phone_lives(
        self, session: Session, stranger: Any, tracker: Tracker, now: datetime
    ) -> None:
        body = payload("traccar_10_heartbeat.form", now, tracker.tracker_id)
        assert stranger.post(self.URL, data=body, content_type=FORM).status_code == 200
        session.rollback()
        assert session.get_one(Device, tracker.device_id).seen_at is not None
        assert track(session, tracker) == []

    def test_at_least_once_is_once(
        self, session: Session, stranger: Any, tracker: Tracker, now: datetime
    ) -> None:
        for _ in range(3):
            body = payload("traccar_10.form", now, tracker.tracker_id)
            assert stranger.post(self.URL, data=body, content_type=FORM).status_code == 200
        assert len(track(session, tracker)) == 1

    def test_an_unknown_device_is_400_and_in_json_404(
        self, stranger: Any, tracker: Tracker, now: datetime
    ) -> None:
        for tracker_id in ("nobody", "", str(tracker.device_id), tracker.token, "x" * 5000):
            query = payload("traccar_8.query", now, tracker_id).decode()
            assert stranger.get(f"{self.URL}?{query}").status_code == 400
            form = payload("traccar_10.form", now, tracker_id)
            assert stranger.post(self.URL, data=form, content_type=FORM).status_code == 400
            body = payload("traccar_9.json", now, tracker_id)
            assert stranger.post(self.URL, data=body, content_type="application/json").status_code == 404
        assert stranger.get(self.URL).status_code == 400
        assert stranger.post(self.URL).status_code == 400
        assert stranger.post(self.URL, data=b"[]", content_type="application/json").status_code == 404

    def test_a_revoked_device_is_unknown(
        self, session: Session, stranger: Any, tracker: Tracker, now: datetime, as_: Any
    ) -> None:
        assert as_("dispatcher").delete(f"/devices/{tracker.device_id}").status_code == 204
        query = payload("traccar_8.query", now, tracker.tracker_id).decode()
        assert stranger.get(f"{self.URL}?{query}").status_code == 400

    def test_unreadable_values_are_counted_and_answered(
        self, session: Session, stranger: Any, tracker: Tracker, now: datetime
    ) -> None:
        for change in ("lat=91", "lat=x", "timestamp=never", "valid=false"):
            fields = f"id={tracker.tracker_id}&lat=31&lon=121&timestamp={int(now.timestamp())}"
            key = change.partition("=")[0]
            query = "&".join([f for f in fields.split("&") if not f.startswith(key + "=")] + [change])
            assert stranger.get(f"{self.URL}?{query}").status_code == 200
        assert refused(session, tracker) == {"malformed": 3, "out_of_range": 1}
        assert track(session, tracker) == []


class TestOverland:
    URL = "/ingest/overland"

    def test_a_batch_is_stored_and_answered_ok(
        self, session: Session, stranger: Any, tracker: Tracker, now: datetime
    ) -> None:
        answer = stranger.post(
            self.URL,
            data=payload("overland.json", now),
            content_type="application/json",
            headers=tracker.bearer,
        )
        assert (answer.status_code, answer.json) == (200, {"result": "ok"})
        first, second = track(session, tracker)
        assert (first.fixed_at, second.fixed_at) == (now, now + timedelta(seconds=2))
        assert (first.speed_mps, first.heading_deg, first.accuracy_m, first.battery) == (4, 90, 30, 80)
        assert (second.speed_mps, second.heading_deg, second.accuracy_m, second.battery) == (
            None,
            None,
            12,
            None,
        )

    def test_a_day_without_signal_comes_in_chunks(
        self, session: Session, stranger: Any, tracker: Tracker, now: datetime
    ) -> None:
        locations = [
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [121.47, 31.23]},
                "properties": {
                    "timestamp": (now - timedelta(seconds=n)).isoformat(),
                    "horizontal_accuracy": 10,
                },
            }
            for n in range(1250)
        ]
        answer = stranger.post(
            self.URL, json={"locations": [*locations, {"type": "Feature"}]}, headers=tracker.bearer
        )
        assert answer.json == {"result": "ok"}
        assert len(track(session, tracker)) == 1250
        assert refused(session, tracker) == {"malformed": 1}

    def test_an_empty_batch_is_ok(self, stranger: Any, tracker: Tracker) -> None:
        assert stranger.post(self.URL, json={"locations": []}, headers=tracker.bearer).json == {
            "result": "ok"
        }

    def test_what_is_no_batch_is_400(self, stranger: Any, tracker: Tracker) -> None:
        for body in (b"", b"x", b"[]", b"{}", b'{"locations":1}'):
            answer = stranger.post(
                self.URL, data=body, content_type="application/json", headers=tracker.bearer
            )
            assert answer.status_code == 400

    def test_without_a_device_token_it_is_401(
        self, stranger: Any, tracker: Tracker, as_: Any, now: datetime
    ) -> None:
        body = payload("overland.json", now)
        for headers in (
            {},
            {"Authorization": "Bearer ck_wrong"},
            {"Authorization": f"Bearer {as_('admin').token}"},
            tracker.basic,
        ):
            assert stranger.post(self.URL, data=body, headers=headers).status_code == 401

    def test_another_devices_id_in_the_body_is_refused(
        self, session: Session, stranger: Any, tracker: Tracker, pair: Any, now: datetime
    ) -> None:
        other = pair()
        body = payload("overland.json", now).replace(b'"my phone"', f'"{other.device_id}"'.encode())
        assert stranger.post(self.URL, data=body, headers=tracker.bearer).status_code == 403
        assert track(session, tracker) == track(session, other) == []

    def test_what_the_app_notes_of_itself_is_no_place_of_now(
        self, session: Session, stranger: Any, tracker: Tracker, now: datetime
    ) -> None:
        """Its notes carry the time of writing beside the last place it knew: believed, they make an old dot look new."""
        answer = stranger.post(
            self.URL,
            data=payload("overland_notes.json", now),
            content_type="application/json",
            headers=tracker.bearer,
        )
        assert (answer.status_code, answer.json) == (200, {"result": "ok"})
        assert [fix.fixed_at for fix in track(session, tracker)] == [now]
        assert refused(session, tracker) == {}

    def test_of_a_long_queue_the_newest_place_counts_at_once(
        self, session: Session, stranger: Any, tracker: Tracker, now: datetime
    ) -> None:
        """The oldest are sent first, so many a batch; `current` is where he is while the others are on their way."""
        body = json.loads(payload("overland_queue.json", now))
        for share in (body, {"locations": [body["current"]]}):
            answer = stranger.post(self.URL, json=share, headers=tracker.bearer)
            assert answer.json == {"result": "ok"}
        assert track(session, tracker)[-1].fixed_at == now
        assert refused(session, tracker) == {"duplicate": 1}


def test_off_duty_the_apps_are_answered_and_nothing_is_stored(
    session: Session, stranger: Any, tracker: Tracker, now: datetime
) -> None:
    from staff import shifts

    shifts.set_duty(session, tracker.surveyor_id, False, now=clock.read(session))
    session.commit()
    own = stranger.post(
        "/ingest/owntracks", data=payload("owntracks_location.json", now), headers=tracker.basic
    )
    over = stranger.post("/ingest/overland", data=payload("overland.json", now), headers=tracker.bearer)
    query = payload("traccar_8.query", now, tracker.tracker_id).decode()
    assert (own.status_code, over.json, stranger.get(f"/ingest/traccar?{query}").status_code) == (
        200,
        {"result": "ok"},
        200,
    )
    assert track(session, tracker) == []
    assert refused(session, tracker) == {"off_duty": 5}


def test_a_tracker_which_can_show_no_offer_delivers_none(
    session: Session, stranger: Any, tracker: Tracker, now: datetime
) -> None:
    who = session.get_one(Surveyor, tracker.surveyor_id)
    factories.put_at(session, who, factories.LON, factories.LAT, now)
    offer = factories.offer(session, to=who, delivered=False)
    stranger.post("/ingest/owntracks", data=payload("owntracks_location.json", now), headers=tracker.basic)
    stranger.post("/ingest/overland", data=payload("overland.json", now), headers=tracker.bearer)
    stranger.get(f"/ingest/traccar?{payload('traccar_8.query', now, tracker.tracker_id).decode()}")
    session.refresh(offer)
    assert (offer.state, offer.delivered_at) == ("open", None)


def test_two_apps_on_one_phone_make_one_track(
    session: Session, stranger: Any, tracker: Tracker, now: datetime
) -> None:
    stranger.post("/ingest/owntracks", data=payload("owntracks_location.json", now), headers=tracker.basic)
    later = payload("traccar_10.form", now + timedelta(seconds=3), tracker.tracker_id)
    stranger.post("/ingest/traccar", data=later, content_type=FORM)
    assert [f.source for f in track(session, tracker)] == ["owntracks", "traccar"]


def test_a_disabled_surveyor_is_a_stranger(
    session: Session, stranger: Any, tracker: Tracker, now: datetime
) -> None:
    from staff.models import Person

    session.get_one(Person, session.get_one(Surveyor, tracker.surveyor_id).id).disabled_at = now
    session.commit()
    query = payload("traccar_8.query", now, tracker.tracker_id).decode()
    assert stranger.get(f"/ingest/traccar?{query}").status_code == 400
    assert stranger.post("/ingest/owntracks", data=b"", headers=tracker.basic).status_code == 401


bodies = st.one_of(
    st.binary(max_size=300),
    st.sampled_from(["owntracks_location.json", "overland.json", "traccar_9.json", "traccar_10_batch.json"])
    .map(lambda name: payload(name, datetime(2026, 11, 22, tzinfo=UTC), "x"))
    .flatmap(lambda body: st.tuples(st.integers(0, len(body)), st.binary(max_size=4)).map(
        lambda cut: body[: cut[0]] + cut[1] + body[cut[0] + len(cut[1]) :]
    )),
)  # fmt: skip


@pytest.mark.parametrize(
    ("url", "name", "status"),
    [
        # OwnTracks on an iPhone throws away what is answered 4xx and shows an alarm; it keeps what is answered 5xx.
        ("/ingest/owntracks", "owntracks_location.json", 503),
        ("/ingest/overland", "overland.json", 429),
        ("/ingest/traccar", "traccar_9.json", 429),
        ("/ingest/traccar", "traccar_10.form", 429),
    ],
)
def test_a_fix_that_is_sent_away_is_sent_again_and_kept(
    app: Any,
    session: Session,
    stranger: Any,
    tracker: Tracker,
    now: datetime,
    url: str,
    name: str,
    status: int,
) -> None:
    """P12 may cost a moment, never a position: each app hears the answer after which it keeps what it has."""
    door = app.extensions.get("short door")
    if door is None:
        pytest.skip("only the short door sends positions away")
    headers = {"/ingest/owntracks": tracker.basic, "/ingest/overland": tracker.bearer}.get(url, {})
    sent = {
        "data": payload(name, now, tracker.tracker_id),
        "content_type": FORM if name.endswith(".form") else "application/json",
        "headers": headers,
    }
    with ExitStack() as others:
        for _ in range(door.group.most_outside):
            others.enter_context(door.group.alone())
        answer = stranger.post(url, **sent)
        assert answer.status_code == status
        assert int(answer.headers["Retry-After"]) >= 1
    assert track(session, tracker) == []
    assert stranger.post(url, **sent).status_code == 200
    assert track(session, tracker)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=bodies,
    kind=st.sampled_from(["application/json", FORM, "text/plain", ""]),
    query=st.text(max_size=30),
)
def test_no_bytes_whatever_break_a_door(
    stranger: Any, tracker: Tracker, body: bytes, kind: str, query: str
) -> None:
    """P15: never a 5xx, whatever an app, a scanner or a broken network sends."""
    for url, headers in (
        ("/ingest/owntracks", tracker.basic),
        ("/ingest/overland", tracker.bearer),
        ("/positions", tracker.bearer),
        ("/positions.gpx", tracker.bearer),
        ("/ingest/traccar", {}),
    ):
        found = {"id": tracker.tracker_id, "lat": query, "timestamp": query, "lon": "1", "speed": query}
        answer = stranger.post(url, data=body, content_type=kind, headers=headers, query_string=found)
        assert answer.status_code < 500, (url, answer.data)
