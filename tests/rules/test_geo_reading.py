"""From what an app says to a Fix: units, unknowns, nonsense."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo import eta, gpx, reading, staleness
from geo.errors import BadGpx
from geo.fix import Fix, LonLat
from geo.reading import KMH_MPS, KNOT_MPS, Malformed

AT = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize("unknown", [None, -1, float("nan"), float("inf"), "", "?", True, [], {}, 10**400])
def test_what_is_no_number_becomes_none(unknown: object) -> None:
    fix = reading.fix(
        AT, 1, 2, source="phone", accuracy_m=unknown, speed_mps=unknown, heading_deg=unknown, battery=unknown
    )
    assert (fix.accuracy_m, fix.speed_mps, fix.heading_deg, fix.battery) == (None, None, None, None)


def test_an_accuracy_of_zero_means_the_phone_does_not_know() -> None:
    assert reading.fix(AT, 1, 2, source="phone", accuracy_m=0).accuracy_m is None


@pytest.mark.parametrize(
    ("field", "given_", "kept"),
    [
        ("heading_deg", 360, 0),
        ("heading_deg", 359.5, 359.5),
        ("heading_deg", 361, None),
        ("battery", 100, 100),
        ("battery", 79.6, 80),
        ("battery", 101, None),
        ("speed_mps", 0, 0),
        ("speed_mps", 351, None),
        ("altitude_m", -100, -100),
        ("altitude_m", 1e39, None),
        ("accuracy_m", 1e39, 1e9),
        ("seq", -1, None),
        ("seq", 2**63, None),
        ("seq", 2**63 - 1, 2**63 - 1),
    ],
)
def test_readings_are_sane_or_none(field: str, given_: float, kept: float | None) -> None:
    assert getattr(reading.fix(AT, 1, 2, source="phone", **{field: given_}), field) == kept  # type: ignore[arg-type]


def test_units() -> None:
    assert reading.scaled(10, KNOT_MPS) == pytest.approx(5.1444, abs=1e-4)
    assert reading.scaled("36", KMH_MPS) == pytest.approx(10)


@pytest.mark.parametrize(
    ("value", "at"),
    [
        (1700000000, datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        ("1700000000", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        (1700000000123, datetime(2023, 11, 14, 22, 13, 20, 123000, tzinfo=UTC)),
        (2**31 - 1, datetime(2038, 1, 19, 3, 14, 7, tzinfo=UTC)),
        (2**31, datetime(1970, 1, 25, 20, 31, 23, 648000, tzinfo=UTC)),
    ],
)
def test_epoch_seconds_and_milliseconds(value: object, at: datetime) -> None:
    assert reading.epoch(value) == at


@pytest.mark.parametrize(
    "text",
    ["2015-10-01T15:00:00Z", "2015-10-01T08:00:00-0700", "2015-10-01T23:00:00+08:00", "2015-10-01 15:00:00"],
)
def test_one_moment_in_four_spellings(text: str) -> None:
    assert reading.instant(text) == datetime(2015, 10, 1, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2015-13-01T00:00:00Z", None, 5, "0001-01-01T00:00:00+08:00"]
)
def test_what_is_no_time_is_malformed(text: object) -> None:
    with pytest.raises(Malformed) as refused:
        reading.instant(text, path="timestamp")
    assert refused.value.path == "timestamp"


@given(
    st.one_of(
        st.floats(), st.integers(), st.text(), st.none(), st.booleans(), st.binary(), st.lists(st.none())
    )
)
def test_nothing_an_app_sends_raises_anything_but_malformed(value: object) -> None:
    reading.number(value)
    reading.fix(AT, 1, 2, source="x", accuracy_m=value, speed_mps=value, altitude_m=value, battery=value)
    for read in (reading.epoch, reading.instant, lambda v: reading.place(v, v)):
        try:
            read(value)
        except Malformed:
            continue


@pytest.mark.parametrize(
    ("lon", "lat", "path", "reason"),
    [
        (39.9, 116.4, "lat", "out_of_range"),  # swapped
        (181, 0, "lon", "out_of_range"),
        ("x", 0, "lon", "malformed"),
        (0, float("nan"), "lat", "malformed"),
        (None, 0, "lon", "malformed"),
    ],
)
def test_a_wrong_place_names_its_field(lon: object, lat: object, path: str, reason: str) -> None:
    with pytest.raises(Malformed) as refused:
        reading.place(lon, lat)
    assert (refused.value.path, refused.value.reason) == (path, reason)


class TestStaleness:
    def test_the_older_clock_decides_and_no_age_is_negative(self) -> None:
        old, new = AT - timedelta(seconds=90), AT - timedelta(seconds=5)
        assert staleness.age_s(AT, old, new) == 90
        assert staleness.age_s(AT, new, old) == 90
        assert staleness.age_s(AT, AT + timedelta(seconds=30), AT + timedelta(seconds=1)) == 0

    @pytest.mark.parametrize(
        ("age", "state"),
        [(None, "never"), (0, "fresh"), (120, "fresh"), (121, "amber"), (300, "amber"), (301, "stale")],
    )
    def test_the_states_of_age(self, age: float | None, state: str) -> None:
        assert staleness.state(age) == state

    def test_a_ghost_is_not_asked(self) -> None:
        assert staleness.usable_for_offer(120)
        assert not staleness.usable_for_offer(120.1)
        assert not staleness.usable_for_offer(None)


class TestEta:
    def test_the_straight_line_winds_and_has_a_speed(self) -> None:
        # One degree of latitude is 111.2 km; 25 km/h is 6.94 m/s.
        found = eta.straight_line(LonLat(116, 39), LonLat(116, 39.1))
        assert found.provider == "straight_line"
        assert found.distance_m == pytest.approx(11_119 * 1.35, abs=2)
        assert found.seconds == pytest.approx(found.distance_m / 25 * 3.6, abs=1)

    def test_the_provider_answers_in_the_order_of_the_starts(self) -> None:
        starts = [LonLat(116, 39.2), LonLat(116, 39.05), LonLat(116, 39)]
        found = eta.StraightLine(speed_kmh=50).to(LonLat(116, 39), starts)
        assert [e.seconds for e in found] == sorted((e.seconds for e in found), reverse=True)
        assert found[2].seconds == 0
        assert found[0].seconds * 2 == pytest.approx(
            eta.straight_line(starts[0], LonLat(116, 39)).seconds, abs=1
        )


class TestGpx:
    FIXES = (
        Fix(AT, None, 116.4, 39.9, altitude_m=44.5, source="gpx"),
        Fix(AT + timedelta(seconds=15), None, 116.4001234, 39.9001234, source="gpx"),
        Fix(AT + timedelta(minutes=20), None, -0.5, -89.5, source="gpx"),
    )

    def test_a_track_comes_back(self) -> None:
        fixes, unread, _ = gpx.read(gpx.write("a < b & c", self.FIXES).encode())
        assert fixes == list(self.FIXES)
        assert not unread

    def test_a_silence_begins_a_new_segment(self) -> None:
        assert gpx.write("t", self.FIXES).count("<trkseg>") == 2

    def test_a_file_of_another_program_is_read(self) -> None:
        body = b"""<?xml version="1.0"?><g:gpx xmlns:g="http://www.topografix.com/GPX/1/1" version="1.1">
          <g:wpt lat="1" lon="1"><g:time>2026-01-01T00:00:00Z</g:time></g:wpt>
          <g:trk><g:trkseg><g:trkpt lat="39.9" lon="116.4"><g:ele> 50 </g:ele>
            <g:time>2026-11-22T16:00:00+08:00</g:time><g:extensions><x>1</x></g:extensions></g:trkpt>
            <g:trkpt lat="39.9" lon="116.4"/><g:trkpt lat="116.4" lon="39.9"><g:time>2026-11-22T08:00:00Z</g:time></g:trkpt>
          </g:trkseg></g:trk></g:gpx>"""
        fixes, unread, wrong = gpx.read(body)
        assert fixes == [Fix(AT, None, 116.4, 39.9, altitude_m=50, source="gpx")]
        assert unread == {"malformed": 1, "out_of_range": 1}
        assert [error["path"] for error in wrong] == ["trkpt[1].time", "trkpt[2].lat"]

    def test_a_sensors_own_height_and_time_are_not_the_points(self) -> None:
        """As Garmin and OsmAnd write them."""
        body = b"""<gpx xmlns="http://www.topografix.com/GPX/1/1" xmlns:ns3="x" xmlns:osmand="y"><trk><trkseg>
          <trkpt lat="39.9" lon="116.4"><extensions><ns3:TrackPointExtension><ns3:ele>9</ns3:ele><ns3:time>never</ns3:time>
            </ns3:TrackPointExtension><osmand:speed>7.2</osmand:speed></extensions><ele>50</ele>
            <hdop>3.8</hdop><time>2026-11-22T08:00:00.000Z</time></trkpt></trkseg></trk></gpx>"""
        assert gpx.read(body).fixes == [Fix(AT, None, 116.4, 39.9, altitude_m=50, source="gpx")]

    @pytest.mark.parametrize(
        "body", [b"<gpx/>", b'<gpx><wpt lat="1" lon="2"/><rte><rtept lat="1" lon="2"/></rte></gpx>']
    )
    def test_a_file_without_a_track_says_what_is_missing(self, body: bytes) -> None:
        with pytest.raises(BadGpx) as refused:
            gpx.read(body)
        assert refused.value.errors == [{"path": "trkpt", "message": "missing"}]

    def test_a_broken_file_says_at_which_line(self) -> None:
        with pytest.raises(BadGpx) as refused:
            gpx.read(b"<gpx>\n<trk>\n</gpx>")
        assert refused.value.facts == {"line": 3}

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"not xml",
            b"<kml/>",
            b"<gpx><trk>",
            b'<!DOCTYPE gpx [<!ENTITY a "b">]><gpx/>',
            b'<?xml version="1.0" encoding="klingon"?><gpx/>',
            b"\xff\xfe\x00",
        ],
    )
    def test_what_is_no_gpx_is_refused(self, body: bytes) -> None:
        with pytest.raises(BadGpx):
            gpx.read(body)

    def test_times_of_any_zone_are_written_in_utc(self) -> None:
        local = Fix(AT.astimezone(timezone(timedelta(hours=8))), None, 1, 2, source="gpx")
        assert "2026-11-22T08:00:00.000Z" in gpx.write("t", [local])


def test_readings_too_small_for_the_database_are_rounded_away():
    read = reading.fix(
        datetime(2026, 11, 22, tzinfo=UTC), 116.4, 39.9, source="phone", accuracy_m=1e-60, speed_mps=1e-300,
        heading_deg=1e-99, altitude_m=-1e-200,
    )  # fmt: skip
    assert (read.accuracy_m, read.speed_mps, read.heading_deg, read.altitude_m) == (None, 0, 0, 0)


def test_a_zone_no_database_knows_is_read_and_a_moment_outside_the_calendar_is_malformed():
    far = timezone(timedelta(hours=17, minutes=34))
    read = reading.fix(datetime(2026, 11, 22, 17, 34, tzinfo=far), 116.4, 39.9, source="phone")
    assert read.fixed_at.utcoffset() == timedelta(0) and read.fixed_at == datetime(2026, 11, 22, tzinfo=UTC)
    with pytest.raises(Malformed):
        reading.fix(datetime(1, 1, 1, tzinfo=far), 116.4, 39.9, source="phone")
