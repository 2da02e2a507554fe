"""What each tracker app says, read word by word."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api import pings
from api.protocols import intake, overland, owntracks, traccar
from geo.fix import Fix
from geo.reading import Malformed
from tests.payloads import payload

AT = datetime(2026, 11, 22, 8, 0, 5, tzinfo=UTC)


def query(name: str) -> dict[str, str]:
    return dict(parse_qsl(payload(name, AT, "x").decode()))


def loaded(name: str) -> Any:
    return json.loads(payload(name, AT, "x"))


class TestOwnTracks:
    def test_kilometres_an_hour_become_metres_a_second(self) -> None:
        assert owntracks.fix_of(loaded("owntracks_location.json")) == Fix(
            AT, None, 121.47, 31.23, 12, 10, 90, 4, 81, "owntracks"
        )

    def test_what_is_left_out_is_unknown(self) -> None:
        fix = owntracks.fix_of(loaded("owntracks_still.json"))
        assert fix == Fix(AT, None, 121.47, 31.23, source="owntracks")

    def test_the_other_messages_are_ignored(self) -> None:
        messages = loaded("owntracks_others.json")
        assert len(messages) == 11
        assert messages[-1]["_type"] == "encrypted"
        assert [owntracks.fix_of(m) for m in messages[:-1]] == [None] * 10

    def test_what_only_its_app_can_read_has_its_own_reason(self) -> None:
        with pytest.raises(Malformed) as told:
            owntracks.fix_of({"_type": "encrypted", "data": "q0Y2"})
        assert told.value.reason == "encrypted"

    @pytest.mark.parametrize("message", [[], 1, None, {}, {"_type": 1}, {"_type": "location"}])
    def test_a_message_without_its_must_haves_is_malformed(self, message: Any) -> None:
        with pytest.raises(Malformed):
            owntracks.fix_of(message)


class TestTraccar:
    WANTED = Fix(AT, None, 121.47, 31.23, 5, 10, 63.5, 35.7, 79, "traccar")

    def test_client_8_query_speaks_knots(self) -> None:
        fix = traccar.flat_fix(query("traccar_8.query"), AT)
        assert fix is not None
        assert fix.speed_mps == pytest.approx(10, abs=1e-6)
        assert (fix.lon, fix.lat, fix.fixed_at, fix.heading_deg, fix.accuracy_m, fix.battery) == (
            121.47, 31.23, AT, 63.5, 5, 79,
        )  # fmt: skip

    def test_osmand_query_has_other_names_milliseconds_and_strangers(self) -> None:
        fields = query("traccar_osmand.query")
        assert traccar.id_of(fields) == "x"
        assert traccar.flat_fix(fields, AT) == Fix(
            AT, None, 121.47, 31.23, speed_mps=0, heading_deg=63.5, source="traccar"
        )

    def test_client_9_json_speaks_metres_a_second_and_fractions(self) -> None:
        given_ = loaded("traccar_9.json")
        assert traccar.id_of(given_) == "x"
        assert traccar.json_fix(given_, AT) == Fix(
            AT + timedelta(milliseconds=862), None, 121.47, 31.23, 5, 18.67, 63, 35.7, 79, "traccar"
        )

    def test_minus_one_means_unknown(self) -> None:
        fix = traccar.json_fix(loaded("traccar_9_unknown.json"), AT)
        assert fix is not None
        assert (fix.speed_mps, fix.heading_deg, fix.battery) == (None, None, None)

    def test_client_10_form(self) -> None:
        fix = traccar.flat_fix(query("traccar_10.form"), AT)
        assert fix is not None
        assert fix.speed_mps == pytest.approx(10.0, abs=0.01)
        assert fix.battery == 79

    @pytest.mark.parametrize("name", ["traccar_9_heartbeat.json", "traccar_10_heartbeat.form"])
    def test_a_heartbeat_carries_no_place(self, name: str) -> None:
        given_ = loaded(name) if name.endswith("json") else query(name)
        assert traccar.json_fix(given_, AT) is None

    def test_an_array_of_flat_objects(self) -> None:
        read = intake.read_each(loaded("traccar_10_batch.json"), lambda item: traccar.json_fix(item, AT))
        assert [f.fixed_at for f in read.fixes] == [AT]
        assert not read.unread

    @pytest.mark.parametrize(
        ("spelling", "at"),
        [
            ("1700000000", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
            ("1700000000000", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
            ("2023-11-14T22:13:20Z", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
            ("2023-11-14 22:13:20", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
            (None, AT),
        ],
    )
    def test_every_spelling_of_a_time(self, spelling: str | None, at: datetime) -> None:
        assert traccar.moment(spelling, AT) == at

    def test_a_fix_its_own_receiver_calls_invalid_is_not_taken(self) -> None:
        with pytest.raises(Malformed):
            traccar.flat_fix({"lat": "31", "lon": "121", "valid": "false"}, AT)

    def test_an_array_may_not_mix_devices(self) -> None:
        assert traccar.json_id([{"id": "a"}, {"id": "a"}]) == "a"
        assert traccar.json_id([{"id": "a"}, {"id": "b"}]) == ""


class TestOverland:
    def test_a_batch_with_both_spellings_of_a_zone(self) -> None:
        read = intake.read_each(loaded("overland.json")["locations"], overland.fix_of)
        assert read.fixes == [
            Fix(AT, None, 121.47, 31.23, 30, 4, 90, 0, 80, "overland"),
            Fix(AT + timedelta(seconds=2), None, 121.4702, 31.23, 12, None, None, 3, None, "overland"),
        ]

    def test_the_named_device_is_the_first_that_is_named(self) -> None:
        assert overland.named_device(loaded("overland.json")["locations"]) == "my phone"
        assert overland.named_device([{}, 1, {"properties": None}]) is None

    def test_a_line_is_no_place(self) -> None:
        feature = {"geometry": {"type": "LineString", "coordinates": [[1, 2], [3, 4]]}, "properties": {}}
        with pytest.raises(Malformed):
            overland.fix_of(feature)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(
            ["_type", "lat", "lon", "tst", "location", "coords", "geometry", "properties", "coordinates", "timestamp",
             "battery", "id", "type", "fixes", "at", "valid", "level", "longitude", "latitude"]
        ),
        inner | st.sampled_from(["location", "Point", "2026-11-22T08:00:00Z", "-1"]),
        max_size=8,
    ),
    max_leaves=15,
)  # fmt: skip


@settings(max_examples=60)
@given(json_values)
def test_no_json_whatever_raises_anything_but_malformed(value: Any) -> None:
    for read in (owntracks.fix_of, overland.fix_of, lambda v: traccar.json_fix(v, AT)):
        intake.read_each([value], read)
    overland.named_device([value])
    if isinstance(value, list):
        traccar.json_id(value)


class TestBatch:
    """Our own format: one bad fix must not cost the others."""

    GOOD = {"at": "2026-11-22T08:00:05Z", "lon": 116.4, "lat": 39.9}

    def read(self, *fixes: Any) -> tuple[intake.Read, list[dict[str, str]]]:
        return pings.read_batch(json.dumps({"fixes": fixes}).encode())

    def test_a_full_fix(self) -> None:
        more = {
            "accuracy_m": 8,
            "speed_mps": 3.5,
            "heading_deg": 270,
            "altitude_m": 44,
            "battery": 64,
            "seq": 17,
        }
        read, errors = self.read(self.GOOD | more)
        assert read.fixes == [Fix(AT, None, 116.4, 39.9, 8, 3.5, 270, 44, 64, "phone", 17)]
        assert errors == []

    @pytest.mark.parametrize(
        ("change", "path", "reason"),
        [
            ({"lon": 39.9, "lat": 116.4}, "fixes[1].lat", "out_of_range"),
            ({"lat": 91}, "fixes[1].lat", "out_of_range"),
            ({"lat": float("nan")}, "fixes[1].lat", "malformed"),
            ({"lon": float("inf")}, "fixes[1].lon", "malformed"),
            ({"lat": "39.9"}, "fixes[1].lat", "malformed"),
            ({"lat": None}, "fixes[1].lat", "malformed"),
            ({"at": "2026-11-22T08:00:05"}, "fixes[1].at", "malformed"),
            ({"at": 1700000000}, "fixes[1].at", "malformed"),
            ({"colour": 1}, "fixes[1]", "malformed"),
            ({"datum": "mars"}, "fixes[1].datum", "malformed"),
            ({"seq": 1.5}, "fixes[1].seq", "malformed"),
        ],
    )
    def test_a_bad_fix_is_named_and_the_others_are_kept(
        self, change: dict[str, Any], path: str, reason: str
    ) -> None:
        read, errors = self.read(self.GOOD, self.GOOD | change, self.GOOD)
        assert len(read.fixes) == 2
        assert [e["path"] for e in errors] == [path]
        assert read.unread == {reason: 1}

    def test_1e400_costs_one_fix_only(self) -> None:
        body = b'{"fixes":[{"at":"2026-11-22T08:00:05Z","lon":1e400,"lat":39.9},{"at":"2026-11-22T08:00:05Z","lon":1,"lat":2}]}'
        read, errors = pings.read_batch(body)
        assert len(read.fixes) == 1
        assert errors[0]["path"].startswith("fixes[0]")

    def test_a_phone_of_another_datum_is_moved_to_wgs84(self) -> None:
        read, _ = self.read(
            self.GOOD | {"lon": 116.41023240747266, "lat": 39.915670251113426, "datum": "gcj02"}
        )
        assert read.fixes[0].position() == pytest.approx((116.403988, 39.914266), abs=1e-8)

    @pytest.mark.parametrize(
        "body", [b"", b"{", b"\xff\xfe", b'{"fixes":' + b"[" * 100_000, b'{"fixes":[' + b"9" * 5000]
    )
    def test_what_is_no_json_is_said_so(self, body: bytes) -> None:
        with pytest.raises(pings.NotJson):
            pings.read_batch(body)

    def test_a_nest_of_a_hundred_thousand_lists_costs_one_fix(self) -> None:
        deep = b"[" * 100_000 + b"]" * 100_000
        with pytest.raises((pings.NotJson, pings.BadBatch)):
            pings.read_batch(b'{"fixes":' + deep + b"}")
        with pytest.raises(pings.NotJson):
            pings.read_batch(b'{"fixes":[' + deep + b"]}")

    @pytest.mark.parametrize("body", [b"[]", b"1", b"null", b"{}", b'{"fixes":{}}', b'{"fixes":NaN}'])
    def test_what_is_no_batch_is_said_so(self, body: bytes) -> None:
        with pytest.raises(pings.BadBatch):
            pings.read_batch(body)

    def test_a_thousand_and_one_are_too_many(self) -> None:
        with pytest.raises(pings.TooManyFixes):
            self.read(*[self.GOOD] * 1001)

    @settings(max_examples=60)
    @given(st.lists(json_values, max_size=4))
    def test_any_items_are_read_or_named(self, items: list[Any]) -> None:
        body = json.dumps({"fixes": items}).encode()
        read, errors = pings.read_batch(body)
        assert len(read.fixes) + len(errors) == len(items)
        assert read.unread.total() == len(errors)

    @given(st.binary(max_size=200))
    def test_any_bytes_are_answered(self, body: bytes) -> None:
        try:
            pings.read_batch(body)
        except (pings.NotJson, pings.BadBatch):
            return
