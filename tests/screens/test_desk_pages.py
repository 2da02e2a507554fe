"""Signing in, and the desk's quieter pages: claims, messages, figures, settings; both languages."""

import re

import pytest

from tests import factories
from tests.screens import deskside as kit
from tests.screens.deskside import PASSWORD, sit_down, until

# What the interface itself says: the text of a message is data, written in the customer's language.
INTERFACE = """() => { const main = document.querySelector('#main').cloneNode(true);
  main.querySelectorAll('.message-text').forEach(text => text.remove()); return main.innerText; }"""


@pytest.fixture
def admin(browser, sessions):
    return sit_down(browser, sessions, "admin", "dispatcher", "supervisor")


def test_signing_in_leads_to_the_page_one_wanted(browser, sessions):
    who = kit.somebody(sessions, "dispatcher")
    page = browser().new_page()
    page.goto("/desk#/messages")
    page.wait_for_url("**/?next=*")
    page.fill("input[name=username]", who.username)
    page.fill("input[name=password]", "wrong")
    page.keyboard.press("Enter")
    page.wait_for_selector(".banner.error")
    page.fill("input[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/desk#/messages")
    page.wait_for_selector(".account")


def test_a_link_to_another_site_is_never_followed_after_signing_in(browser, sessions):
    who = kit.somebody(sessions, "dispatcher")
    page = browser().new_page()
    page.goto("/?next=//evil.example/desk")
    page.fill("input[name=username]", who.username)
    page.fill("input[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/desk**")


def test_signing_out_locks_the_desk(admin):
    admin.open("claims")
    admin.press(".account > button")
    admin.press(".account-menu button", "退出登录")
    admin.page.wait_for_selector("input[name=password]")
    assert admin.context.request.get("/api/v1/me").status == 401


def test_english_is_complete_and_remembered(admin, sessions):
    with sessions() as session:
        factories.claim(session, lon=None, lat=None, reporter_name="Reporter", place_text="Somewhere")
    admin.open("live")
    admin.press(".top button[lang=en]")
    # Names of people and places are data; the interface itself must not show a single Chinese word.
    chinese = re.compile(r"[\u4e00-\u9fff]")
    for address in (
        "live",
        "report",
        "claims",
        "messages",
        "reports",
        "reports/forecasts",
        "settings/people",
        "settings/rules",
        "settings/tokens",
    ):
        admin.open(address)
        admin.page.wait_for_timeout(700)
        shown = admin.page.evaluate(INTERFACE).replace("张三", "").replace("总公司", "").replace("查勘", "")
        assert not chinese.search(shown), (address, chinese.findall(shown)[:20])
    assert admin.page.evaluate("document.documentElement.lang") == "en"


def test_claims_are_found_and_opened_with_their_history(admin, sessions):
    with sessions() as session:
        claim = factories.claim(session, place_text="独一无二的桥")
        factories.claim(session, place_text="别处")
    admin.open("claims")
    admin.page.fill("#search", "独一无二")
    until(lambda: admin.page.locator("tr.opens").count() == 1)
    admin.press("tr.opens", claim.report_no)
    admin.press(".detail [data-tab=timeline]")
    admin.sees(".timeline li", "报案受理")


def test_the_outbox_shows_what_the_customer_was_told(admin, sessions):
    with sessions() as session:
        claim = factories.claim(session)
    admin.open("messages")
    # 您的报案…已受理: the customer's own text; his number is masked.
    admin.sees("tr:has(.message-text:text('已受理'))", claim.report_no)
    assert "138****" in admin.page.inner_text("tr:has(.message-text:text('已受理'))")


def test_figures_have_tiles_a_plot_and_a_csv(admin, sessions):
    with sessions() as session:
        factories.assignment(session)
    admin.open("reports")
    admin.sees(".tile")
    admin.press(".choose-row label", "报案 → 首次派单")
    admin.sees(".plot canvas")
    link = admin.page.get_attribute("a.csv", "href")
    csv = admin.context.request.get(link)
    assert csv.status == 200 and "text/csv" in csv.headers["content-type"]


def test_a_phone_is_paired_by_the_code_the_desk_shows(admin, sessions):
    who = kit.surveyor(sessions, name="要配对的")
    admin.open("settings/people")
    admin.page.locator("tr", has_text="要配对的").locator("button", has_text="台设备").dispatch_event("click")
    admin.press(".dialog button", "配对手机")
    code = admin.sees(".pairing-code").inner_text()
    assert admin.page.locator(".pairing img").evaluate("image => image.naturalWidth") > 0
    answer = admin.context.request.post("/api/v1/devices/pair", data={"code": code})
    assert answer.json()["surveyor"]["id"] == str(who.id)


def test_a_rule_is_changed_and_given_back(admin):
    admin.open("settings/rules")
    row = admin.page.locator("tr", has_text="offer_ttl_s")
    row.locator("input").fill("45")
    row.locator("button", has_text="保存").dispatch_event("click")
    row.locator(".badge", has_text="本机构设置").wait_for()
    assert row.locator("input").input_value() == "45"
    row.locator("button", has_text="恢复默认").dispatch_event("click")
    until(lambda: row.locator("input").input_value() == "90")


def test_a_new_person_can_sign_in(admin):
    admin.open("settings/people")
    admin.press(".tools button", "新增人员")
    dialog = admin.page.locator("dialog")
    dialog.get_by_label("姓名").fill("新来的")
    dialog.get_by_label("用户名").fill("newcomer")
    dialog.get_by_label("初始密码").fill(PASSWORD)
    admin.press("button[form=person]")
    admin.sees("tr", "newcomer")
    answer = admin.context.request.post(
        "/api/v1/session", data={"username": "newcomer", "password": PASSWORD}
    )
    assert answer.status == 200


@pytest.mark.parametrize("address", ["live", "report", "claims", "messages", "reports", "settings/people"])
def test_every_control_has_a_name(admin, sessions, address):
    with sessions() as session:
        factories.claim(session)
    admin.open(address)
    admin.page.wait_for_timeout(500)
    nameless = admin.page.evaluate("""() => [...document.querySelectorAll('button, a[href], input, select, textarea')]
      .filter(one => one.offsetParent !== null && !one.closest('.maplibregl-map'))
      .filter(one => !(one.innerText || '').trim() && !one.getAttribute('aria-label') && !one.title && !(one.labels && one.labels.length))
      .map(one => one.outerHTML.slice(0, 120))""")  # noqa: E501
    assert nameless == []
    assert not admin.errors
