"""What callers say: oddities are marked, nothing is turned away."""

from datetime import timedelta

import pytest

from claims import intake
from tests.factories import utc

NOW = utc(2026, 11, 22, 8)


@pytest.mark.parametrize(
    "typed",
    ["京A12345", "京a·12345", "京Ａ １２３４５", "川AF12345", "川A12345D", "京AD12345", "粤BA12345", "京A1234警", "粤Z1234港",
     "使014578", "沪A1234领", "WJ京12345", "VA12345", "临京A12345", "京A·X1234应急"],
)  # fmt: skip
def test_a_plate_in_use_is_known(typed):
    assert intake.plate(typed).marks == ()


@pytest.mark.parametrize(
    "typed", ["川A123456", "川AD123456", "川A2222I", "苏M783889", "京O12345", "hello", "京A1234", "A12345"]
)
def test_an_odd_plate_is_kept_and_marked(typed):
    read = intake.plate(typed)
    assert read.marks == ("odd_plate",)
    assert read.shown


def test_a_plate_compares_without_its_dots_and_widths():
    assert intake.plate("京Ａ·１２３-45").key == intake.plate("京a 12345").key == "京A12345"


@pytest.mark.parametrize("vin", ["1M8GDM9AXKP042788", "LSVAA4182E2184847", "lsvaa4182e2184847"])
def test_a_true_vin_is_known(vin):
    assert intake.vin(vin).marks == ()


@pytest.mark.parametrize(
    ("vin", "mark"),
    [
        ("1M8GDM9AXKP042789", "vin_check"),
        ("LSVAA4182E218484", "odd_vin"),
        ("LSVOA4182E2184847", "odd_vin"),
        ("?", "odd_vin"),
    ],
)
def test_a_wrong_vin_is_kept_and_marked(vin, mark):
    assert intake.vin(vin).marks == (mark,)


@pytest.mark.parametrize(
    "typed",
    [
        "13800001234",
        "+86 138 0000 1234",
        "86-138-0000-1234",
        "008613800001234",
        "１３８００００１２３４",
        "(138) 0000-1234",
    ],
)
def test_a_mobile_number_is_the_same_however_it_is_typed(typed):
    read = intake.phone(typed)
    assert (read.key, read.marks) == ("+8613800001234", ())
    assert read.shown


@pytest.mark.parametrize(
    ("typed", "key"), [("010-88886666", "+861088886666"), ("+1 202 555 0143", "+12025550143")]
)
def test_a_landline_and_a_foreign_number_are_kept_in_e164(typed, key):
    assert intake.phone(typed).key == key


@pytest.mark.parametrize(
    ("typed", "key"), [("123", "123"), ("1380000123", "+861380000123"), ("家里电话 7", "7")]
)
def test_an_odd_number_is_kept_and_marked(typed, key):
    read = intake.phone(typed)
    assert (read.key, read.marks) == (key, ("odd_phone",))


def test_a_number_without_digits_has_no_key():
    assert intake.phone("no phone").key == ""


def test_text_loses_what_forges_a_screen_and_keeps_its_lines():
    assert intake.clean("  a\x00b\u202ec\u200b\nd\x07 ") == "abc\nd"


def test_a_report_two_days_after_the_loss_is_late():
    late = timedelta(hours=48)
    assert intake.time_marks(NOW, None, NOW - timedelta(hours=48), late) == []
    assert intake.time_marks(NOW, None, NOW - timedelta(hours=48, seconds=1), late) == ["late_report"]


def test_a_call_that_ends_before_it_was_reported_is_odd():
    assert intake.time_marks(NOW, NOW - timedelta(seconds=1), None, timedelta(hours=48)) == ["call_times_odd"]


def test_clocks_may_differ_by_a_minute():
    assert not intake.ahead(NOW + timedelta(seconds=60), NOW)
    assert intake.ahead(NOW + timedelta(seconds=61), NOW)
    assert not intake.ahead(None, NOW)


def test_a_masked_plate_shows_province_and_tail():
    assert intake.masked_plate("京A12345") == "京A·**345"
    assert intake.masked_plate("川A12345D") == "川A·***45D"
    assert intake.masked_plate("A1") == "***"
    assert intake.masked_plate(None) is None
