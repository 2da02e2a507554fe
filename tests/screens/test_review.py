"""The adjuster's desk in a real browser: by keyboard, with real photographs, money exact, nothing typed lost."""

import pytest
from sqlalchemy import select

from claims.models import Claim
from media.models import Assessment, Photo, PhotoReview, ShotWaiver
from staff.models import Person
from tests.screens import phone as phones
from tests.screens.phone import until
from tests.screens.reviewing import case, sit_down

SHOTS = ("scene", "car_front_left", "vin", "damage_close")


@pytest.fixture
def of(site, sessions):
    made = case(site, sessions, *SHOTS)
    made.hand_in()
    return made


@pytest.fixture
def desk(browser, sessions, of):
    return sit_down(browser, sessions)


def verdict_of(sessions, shot):
    with sessions() as session:
        return session.scalars(select(Photo.verdict).where(Photo.shot == shot).order_by(Photo.id)).all()


def versions(sessions):
    with sessions() as session:
        return list(session.scalars(select(Assessment).order_by(Assessment.version)))


def type_line(desk, n, part, yuan):
    desk.page.click(".r-lines button:has-text('加一行')")
    desk.page.wait_for_selector(f"[data-at='{n}-1']:focus")
    desk.page.keyboard.type(part)
    desk.page.fill(f"[data-at='{n}-4']", yuan)


def saved(desk, version):
    desk.page.wait_for_selector(f".r-lines [role=status]:has-text('第 {version} 版')")


# Under a loaded machine every step may take seconds; what matters is that it ends.
pytestmark = pytest.mark.timeout(300)


def test_the_album_is_judged_by_keys_and_a_photo_goes_back_with_a_reason_and_a_box(desk, of, sessions):
    page = desk.page
    page.wait_for_selector(".r-empty, .r-main > .empty")
    page.keyboard.press("Enter")  # the most urgent
    page.wait_for_selector(".r-head button:has-text('放回')")
    page.wait_for_selector(".r-thumb:nth-child(1) img, .r-thumb img")
    desk.key("a", "a")
    page.wait_for_function("() => document.querySelectorAll('.r-thumb.approved').length === 2")
    assert page.get_attribute(".r-thumb.on", "data-shot") == "vin"
    desk.key("1", "ArrowRight", "ArrowRight")
    desk.key("r")
    page.wait_for_selector("dialog .r-fit img")
    page.wait_for_function("() => document.querySelector('dialog .r-fit img').naturalWidth > 0")
    box = page.locator("dialog .r-fit").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.5)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.75, steps=3)
    page.mouse.up()
    page.wait_for_selector("dialog .r-region")
    assert page.locator("dialog .r-fit").bounding_box() == box  # drawing moves nothing
    desk.key("5", "Enter")
    page.wait_for_selector("dialog[open]", state="detached")
    page.wait_for_selector(".r-thumb.sent_back[data-shot=vin]")
    page.wait_for_selector(".r-head:has-text('待补拍 1'):has-text('查勘员仍在现场')")
    page.wait_for_selector(".r-stage .r-region")
    with sessions() as session:
        sent_back = session.scalars(select(PhotoReview).where(PhotoReview.verdict == "sent_back")).one()
    assert sent_back.reason == "vin_unreadable"
    x, y, w, h = (float(n) for n in sent_back.region["value"].removeprefix("xywh=percent:").split(","))
    assert (x, y, w, h) == pytest.approx((40, 50, 20, 25), abs=1)

    of.snap("vin", "again")
    page.wait_for_selector(".r-thumb.waiting[data-shot=vin]:has-text('补拍')")
    page.wait_for_selector(".r-head:has-text('待补拍')", state="detached")
    assert desk.errors == []


def test_zoom_drag_compare_and_help_answer_their_keys(desk, of):
    page = desk.take(of).page
    page.wait_for_function("() => document.querySelector('.r-fit img')?.naturalWidth > 0")
    fit = page.locator(".r-fit").bounding_box()
    stage = page.locator(".r-viewer").bounding_box()
    assert fit["width"] <= stage["width"] + 1 and fit["height"] <= stage["height"] + 1
    assert fit["width"] / fit["height"] == pytest.approx(4 / 3, rel=0.02)
    desk.key("z")
    page.wait_for_function(
        f"() => document.querySelector('.r-fit').getBoundingClientRect().width > {fit['width'] * 2}"
    )
    desk.key("z")
    page.wait_for_function(
        f"() => document.querySelector('.r-fit').getBoundingClientRect().width < {fit['width'] * 1.1}"
    )
    desk.key("2", "c")
    page.wait_for_function("() => document.querySelectorAll('.r-views .r-viewer').length === 2")
    desk.key("Escape")
    page.wait_for_function("() => document.querySelectorAll('.r-views .r-viewer').length === 1")
    desk.key("?")
    page.wait_for_selector("dialog[open] kbd:has-text('←')")
    desk.key("Escape")
    page.wait_for_selector("dialog[open]", state="detached")
    assert desk.errors == []


def test_a_photo_the_network_withheld_is_not_called_damaged_and_comes_when_asked_again(desk, of):
    page = desk.page
    page.route("**/preview", lambda route: route.abort())
    desk.take(of)
    page.wait_for_selector(".r-viewer:has-text('照片没有加载出来')")
    page.unroute("**/preview")
    page.click(".r-viewer button:has-text('重试')")
    page.wait_for_function("() => document.querySelector('.r-fit img')?.naturalWidth > 0")


def test_the_claim_is_approved_with_an_exact_total_and_every_obstacle_named_before(desk, of, sessions):
    page = desk.take(of).page
    page.wait_for_selector(".r-lines .banner:has-text('还有 4 张照片没有结论')")
    page.click("button:has-text('其余全部通过')")
    page.wait_for_selector(".r-lines .banner:has-text('先填写定损项目')")
    type_line(desk, 0, "前保险杠", "1,280.10")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-at='1-1']:focus")
    page.keyboard.type("左前大灯")
    page.wait_for_selector(".r-lines .banner:has-text('没填完整')")
    page.fill("[data-at='1-3']", "3")
    page.fill("[data-at='1-4']", "0.1")
    page.wait_for_selector(".r-total:has-text('1,280.40')")
    saved(
        desk,
        len(until(lambda: [v for v in versions(sessions) if v.total_fen == 128_040] and versions(sessions))),
    )
    page.fill("[data-at='1-4']", "9000")
    page.wait_for_selector(".r-lines .banner:has-text('超出您的权限')")
    assert page.locator(".r-lines button:has-text('核损通过')").is_disabled()
    page.fill("[data-at='1-4']", "0.1")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("dialog[open] .banner:has-text('缺少必拍项')")
    page.click("dialog[open] footer button.primary")
    page.wait_for_selector(".r-lines button:has-text('核损通过'):disabled")
    page.wait_for_selector(f".r-row:has-text('{of.claim.report_no}')", state="detached")
    with sessions() as session:
        assert session.get_one(Claim, of.claim.id).state == "approved"
    assert versions(sessions)[-1].total_fen == 128_040 and versions(sessions)[-1].approved_at is not None
    assert desk.errors == []


def test_lines_another_adjuster_saved_meanwhile_are_never_overwritten_in_silence(desk, of, site, sessions):
    page = desk.take(of).page
    type_line(desk, 0, "前保险杠", "100")
    saved(desk, 1)
    body = {
        "lines": [
            {"item": "", "part": "后保险杠", "action": "repair", "qty": 1, "unit_fen": 5000, "note": ""}
        ],
        "note": "",
    }
    other = phones.desk(site, sessions, "adjuster")
    other("PUT", f"/claims/{of.claim.id}/assessment", body)
    page.fill("[data-at='0-4']", "200")
    page.wait_for_selector(".r-lines .banner:has-text('请选择用哪一份')")
    assert page.input_value("[data-at='0-1']") == "前保险杠"
    page.click("button:has-text('保存我的')")
    saved(desk, 3)
    assert [v.total_fen for v in versions(sessions)] == [10_000, 5_000, 20_000]
    page.click(".r-lines button:has-text('版本')")
    page.wait_for_selector("dialog[open]:has-text('第 2 版'):has-text('后保险杠')")


def test_what_is_typed_is_saved_although_he_goes_on_to_the_next_claim_at_once(desk, of, site, sessions):
    second = case(site, sessions, "scene", place_text="人民路 8 号")
    page = desk.take(of).page
    page.wait_for_selector(f".r-row:has-text('{second.claim.report_no}')")
    type_line(desk, 0, "前保险杠", "300")
    page.click(f".r-row:has-text('{second.claim.report_no}')")
    until(
        lambda: [v.total_fen for v in versions(sessions)] == [30_000], what="the lines of the claim he left"
    )


def test_a_missing_shot_is_waived_with_a_reason(desk, of, sessions):
    page = desk.take(of).page
    page.click(".r-missing summary")
    row = page.locator(".r-missing-list li:has-text('驾驶证')")
    row.get_by_text("免拍").click()
    page.keyboard.type("停放中被撞")
    page.keyboard.press("Enter")
    page.wait_for_selector(".r-missing-list li:has-text('驾驶证')", state="detached")
    with sessions() as session:
        waived = session.scalars(select(ShotWaiver)).one()
    assert (waived.shot, waived.reason) == ("licence_driver", "停放中被撞")
    page.keyboard.press("Escape")
    page.wait_for_selector("details.r-missing[open]", state="detached")
    assert page.locator(".r-head").count() == 1


def test_a_job_a_colleague_holds_shows_his_name_and_no_verdicts(desk, browser, of, sessions):
    desk.take(of)
    other = sit_down(browser, sessions, name="钱核损").open(of)
    with sessions() as session:
        name = session.get_one(Person, desk.who.id).name
    other.page.wait_for_selector(f".r-head .badge:has-text('{name} 正在审')")
    assert other.page.locator("button:has-text('退回补拍')").is_disabled()
    other.key("a", "r")
    assert other.page.locator("dialog[open]").count() == 0
    assert verdict_of(sessions, "scene") == ["waiting"]


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1366, 768), (1024, 768)])
def test_it_fits_the_screen_in_english_and_dark(browser, of, sessions, width, height):
    desk = sit_down(
        browser, sessions, locale="en-GB", color_scheme="dark", viewport={"width": width, "height": height}
    )
    page = desk.page
    page.click(f".r-row:has-text('{of.claim.report_no}')")
    page.wait_for_selector(".r-strip li")
    wide, high = page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    )
    assert wide <= width and high <= height
    assert not any(
        "\u4e00" <= sign <= "\u9fff" for sign in page.inner_text(".r-bar") + page.inner_text(".r-lines")
    )
    for button in page.query_selector_all(".r-bar button, .r-lines header button"):
        box = button.bounding_box()
        assert (
            box and box["x"] >= 0 and box["x"] + box["width"] <= width and box["y"] + box["height"] <= height
        )
