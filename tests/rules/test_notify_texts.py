"""Texts: carriers' rules, both languages, masking. No database."""

import pytest

from notify import message
from notify.templates import LANGS, TEMPLATES

LONGEST = {
    "report_no": "CK2611229999",
    "slug": "A" * 22,
    "surveyor": "欧阳师傅",
    "minutes": 120,
    "seconds": 600,
    "km": "79.9",
    "place": "京沪高速公路出京方向一百二十八公里加三百米处应急车道",
    "clock": "customer contact",
    "reason": "offers went unanswered",
    "event": "台风“海葵”及其残余环流引发的特大暴雨",
}
BASE = "https://chakan.example.com"
CUSTOMER = ("report_taken", "surveyor_assigned", "surveyor_assigned_soon", "on_the_way", "on_the_way_no_eta")


@pytest.mark.parametrize("code", TEMPLATES)
@pytest.mark.parametrize("lang", LANGS)
def test_a_text_fits_what_a_carrier_takes(code, lang):
    template = TEMPLATES[code]
    text = message.sms(code, LONGEST, lang, base=BASE, signature="查勘")
    assert "{" not in text and len(text) <= message.MAX_SMS
    assert "}{" not in template.text(lang), "consecutive variables are refused"
    assert not message.REFUSED.search(template.text(lang))
    assert len(template.variables(lang)) <= 20


@pytest.mark.parametrize("code", TEMPLATES)
def test_both_languages_say_the_same_things(code):
    template = TEMPLATES[code]
    assert template.variables("zh-CN") == template.variables("en")
    assert bool(template.title("zh-CN")) == bool(template.title("en"))


@pytest.mark.parametrize("code", TEMPLATES)
def test_a_chinese_text_is_at_most_three_pieces_long(code):
    assert message.pieces(message.sms(code, LONGEST, "zh-CN", base=BASE, signature="查勘")) <= 3


def test_pieces_are_counted_as_carriers_charge_them():
    assert [message.pieces("字" * n) for n in (1, 70, 71, 134, 135)] == [1, 1, 2, 2, 3]


def test_the_signature_stands_in_front_and_the_link_is_part_of_the_fixed_text():
    text = message.sms("report_taken", LONGEST, "zh-CN", base=BASE + "/", signature="平安查勘")
    assert text.startswith("【平安查勘】您的报案CK2611229999已受理")
    assert text.endswith(f"{BASE}/t/{'A' * 22}")


@pytest.mark.parametrize(
    "typed",
    [
        "http://evil.example/x",
        "请加 13800138000",
        "evil.com/abc",
        "【银行】验证码",
        "a\r\nb",
        "\u202egnp",
        "+86 138 0013 8000",
    ],
)
def test_a_place_cannot_smuggle_a_link_a_number_or_a_signature_into_a_text(typed):
    text = message.render("offer_made", LONGEST | {"place": f"建设路{typed}"}, "zh-CN", base=BASE)
    for forbidden in ("evil", "1380013", "138 0013", "【", "\n", "\u202e"):
        assert forbidden not in text
    assert "建设路" in text


def test_a_place_that_is_only_a_link_leaves_a_mark_because_no_variable_may_be_empty():
    assert message.clean("https://a.cn/x") == "-"


def test_a_long_place_is_cut():
    assert message.clean("路" * 60) == "路" * 23 + "…"


def test_report_numbers_are_not_mistaken_for_phone_numbers():
    assert "26112299991234" in message.render(
        "task_cancelled", {"report_no": "26112299991234"}, "zh-CN", base=BASE
    )


def test_a_missing_value_is_an_error_not_a_hole():
    with pytest.raises(KeyError):
        message.render(
            "on_the_way", {"report_no": "1", "slug": "s", "surveyor": "张师傅"}, "zh-CN", base=BASE
        )


@pytest.mark.parametrize(
    ("name", "zh", "en"),
    [("张三", "张师傅", "张"), ("欧阳修文", "欧阳师傅", "欧阳"), ("欧阳", "欧师傅", "欧"), ("", "查勘员", "surveyor"),
     ("Smith John", "Smith师傅", "Smith")],
)  # fmt: skip
def test_a_customer_learns_the_surname_only(name, zh, en):
    assert message.courtesy_name(name) == zh
    assert message.courtesy_name(name, "en") == en


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("+8613800138000", "138****8000"), ("13800138000", "138****8000"), ("010-62345678", "010****5678"),
        ("liming@example.com", "li***@example.com"), ("room-0a1b2c3d", "room-0a1b2c3d"), ("desk", "desk"),
        ("https://core.example.com/hook?key=secret", "https://core.example.com/…"),
    ],
)  # fmt: skip
def test_addresses_are_masked(address, shown):
    assert message.masked(address) == shown
