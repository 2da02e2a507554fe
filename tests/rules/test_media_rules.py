"""Shot lists, camera fields, flags: rules without I/O."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL.TiffImagePlugin import IFDRational

from geo.fix import LonLat
from media import exif, flags, shots
from media.flags import Facts

LOSS_AT = datetime(2026, 11, 22, 8, tzinfo=UTC)
LOSS = LonLat(116.40, 39.91)
FACTS = Facts(LOSS_AT + timedelta(minutes=30), LOSS_AT + timedelta(minutes=31), LOSS, 10.0, {}, LOSS, LOSS_AT)


# --- shots


@pytest.mark.parametrize("line", ["motor", "property", "agri", "assist", "unheard_of"])
@pytest.mark.parametrize("cause", [None, "", "collision", "flood", "theft", "livestock", "暴雨水淹"])
def test_every_list_has_labels_in_both_languages_and_no_code_twice(line, cause):
    listed = shots.shots_for(line, cause)
    assert len({shot.code for shot in listed}) == len(listed)
    assert all(shot.zh and shot.en and shots.CODE.match(shot.code) and shot.required >= 0 for shot in listed)
    assert listed[-1].code == shots.OTHER


def test_a_car_needs_what_the_insurers_notice_asks_for():
    required = {shot.code: shot.required for shot in shots.shots_for("motor", "collision") if shot.required}
    assert required == {
        "scene": 2, "people_car": 1, "car_front_left": 1, "car_rear_right": 1, "vin": 1, "licence_vehicle": 2,
        "licence_driver": 2, "damage_far": 1, "damage_mid": 1, "damage_close": 1,
    }  # fmt: skip


def test_a_flooded_car_needs_its_water_line():
    assert any(shot.code == "water_line" and shot.required for shot in shots.shots_for("motor", "flood"))
    assert any(
        shot.code == "water_line" and shot.required for shot in shots.shots_for("property", "暴雨水淹")
    )
    assert not any(
        shot.code == "water_line" and shot.required for shot in shots.shots_for("property", "fire")
    )


def test_a_stolen_car_cannot_be_photographed():
    required = {shot.code for shot in shots.shots_for("motor", "theft") if shot.required}
    assert required == {"scene", "licence_vehicle", "licence_driver"}


def test_animals_and_crops_have_lists_of_their_own():
    assert {"ear_tag", "weighing", "disposal_after"} <= {
        s.code for s in shots.shots_for("agri", "livestock") if s.required
    }
    assert {"plot", "corners", "compare"} <= {s.code for s in shots.shots_for("agri", "hail") if s.required}


def test_too_few_of_a_shot_is_still_missing():
    codes = lambda taken, waived=(): [s.code for s in shots.missing("motor", None, taken, waived)]  # noqa: E731
    everything = {shot.code: shot.required for shot in shots.MOTOR}
    assert codes(everything) == []
    assert codes(everything | {"scene": 1}) == ["scene"]
    assert codes(everything | {"scene": 1, "vin": 0}, ["scene"]) == ["vin"]


def test_an_unknown_code_labels_itself():
    assert shots.labels("my_view") == ("my_view", "my_view")


# --- what the camera wrote


class Tags:
    """A camera's fields, or something that blows up instead."""

    def __init__(self, main=None, ifds=None, blow: Callable[[], None] | None = None):
        self.main, self.ifds, self.blow = main or {}, ifds or {}, blow

    def get(self, tag):
        if self.blow:
            self.blow()
        return self.main.get(tag)

    def get_ifd(self, tag):
        if self.blow:
            self.blow()
        return self.ifds.get(tag, {})


def gps(lat=(39, 54, 36), lat_ref="N", lon=(116, 24, 0), lon_ref="E"):
    return {0x8825: {1: lat_ref, 2: lat, 3: lon_ref, 4: lon}}


def test_time_place_and_make_are_read():
    found = exif.read(
        Tags(
            {0x010F: "Make\0\0", 0x0112: 6},
            {0x8769: {0x9003: "2026:11:22 16:00:00", 0x9011: "+08:00"}} | gps(),
        )
    )
    assert found == {
        "time": "2026-11-22T16:00:00", "offset": "+08:00", "lon": 116.4, "lat": pytest.approx(39.91), "make": "Make", "orientation": 6,  # noqa: E501
    }  # fmt: skip


def test_south_and_west_are_negative():
    found = exif.read(Tags(ifds=gps(lat_ref="S", lon_ref=b"W")))
    assert found["lat"] < 0 and found["lon"] < 0


@pytest.mark.parametrize(
    "ifds",
    [
        gps(lat=(IFDRational(0, 0),) * 3), gps(lat=(1, 2)), gps(lat=None), gps(lat="39"), gps(lat=(91, 0, 0)), gps(lon=(181, 0, 0)),  # noqa: E501
        gps((0, 0, 0), "N", (0, 0, 0), "E"), gps(lat=(float("nan"),) * 3), gps(lon=(-5, 0, 0)), gps(lat=({}, [], ())),
    ],
)  # fmt: skip
def test_a_nonsense_position_is_missing(ifds):
    found = exif.read(Tags(ifds=ifds))
    assert "lon" not in found and "lat" not in found


@pytest.mark.parametrize(
    "value", ["0000:00:00 00:00:00", "2026:13:40 99:00:00", "x", b"\xff\xfe", 7, None, "2026-11-22"]
)
def test_a_nonsense_time_is_missing(value):
    assert "time" not in exif.read(Tags(ifds={0x8769: {0x9003: value}}))


@pytest.mark.parametrize("value", [9, 0, -1, "6", None, 1.5, (6,)])
def test_an_orientation_that_does_not_exist_is_missing(value):
    assert "orientation" not in exif.read(Tags({0x0112: value}))


@pytest.mark.parametrize(
    "error", [ValueError, SyntaxError, KeyError, OSError, ZeroDivisionError, AttributeError, RecursionError]
)
def test_a_parser_that_blows_up_leaves_fields_missing(error):
    def blow():
        raise error

    assert exif.read(Tags(blow=blow)) == {}


@given(st.one_of(st.text(), st.binary(), st.integers(), st.floats(), st.none(), st.lists(st.integers())))
def test_any_value_in_any_field_is_survived(value):
    found = exif.read(
        Tags(
            dict.fromkeys([0x0132, 0x010F, 0x0110, 0x0112, 0x0131], value),
            {0x8769: {0x9003: value, 0x9011: value}, 0x8825: dict.fromkeys([1, 2, 3, 4], value)},
        )
    )
    assert all(len(str(v)) <= 100 for v in found.values())


# --- flags


def test_a_photo_at_the_scene_after_the_loss_has_no_flag():
    assert flags.flags(FACTS) == []
    inside = {"lon": 116.401, "lat": 39.911, "time": "2026-11-22T16:29:40"}
    assert flags.flags(replace(FACTS, exif=inside)) == []


@pytest.mark.parametrize(
    "change,flag",
    [
        ({"position": LonLat(116.42, 39.91)}, "far_from_loss"),
        ({"exif": {"lon": 116.87, "lat": 39.91}}, "far_from_loss"),
        ({"exif": {"lon": 116.42, "lat": 39.91}}, "position_differs"),
        ({"taken_at": LOSS_AT - timedelta(days=3)}, "before_loss"),
        ({"exif": {"time": "2026-11-19T16:00:00"}}, "before_loss"),
        ({"exif": {"time": "2026-11-19T16:00:00", "offset": "+08:00"}}, "before_loss"),
        ({"taken_at": LOSS_AT + timedelta(hours=9)}, "clock_skew"),
        ({"exif": {"time": "2026-11-22T17:30:00", "offset": "+08:00"}}, "clock_skew"),
        ({"exif": {"time": "2026-11-22T16:14:00"}}, "clock_skew"),
    ],
)
def test_what_does_not_fit_is_named(change, flag):
    assert flag in flags.flags(replace(FACTS, **change))


def test_a_doubtful_position_is_given_the_benefit_of_its_doubt():
    near = LonLat(116.414, 39.91)  # about 1.2 km east
    assert "far_from_loss" in flags.flags(replace(FACTS, position=near, accuracy_m=10))
    assert "far_from_loss" not in flags.flags(replace(FACTS, position=near, accuracy_m=500))


@pytest.mark.parametrize("hours", [-11, -3.5, 0, 5.5, 8, 9, 14])
def test_a_camera_clock_in_any_time_zone_is_no_skew(hours):
    local = (FACTS.taken_at + timedelta(hours=hours)).replace(tzinfo=None)
    assert "clock_skew" not in flags.flags(replace(FACTS, exif={"time": local.isoformat()}))


def test_nothing_known_is_nothing_flagged():
    assert flags.flags(Facts(None, LOSS_AT, None, None, {}, None, None)) == []
