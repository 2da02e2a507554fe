"""Why is he grey, a reason for every look, each tracker's own code, and his own track: in a real browser."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core import clock
from geo import store
from geo.fix import Fix
from geo.models import FixRefusal
from tests import factories
from tests.screens import deskside, phone

SHOTS = os.environ.get("CHAKAN_SHOTS")


def shoot(page: Any, name: str) -> None:
    """Keeps a picture where somebody asked for pictures."""
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=False)


@pytest.fixture
def lost(sessions: Any) -> Any:
    """A surveyor on duty whose phone fell silent twenty minutes ago, after a morning of driving."""
    with sessions() as session:
        who = factories.surveyor(session, name="王查勘", age_s=1200)
        device, _ = factories.device(session, who)
        device.app = "Traccar/9.7 Android"
        now = clock.read(session)
        rows = []
        for n in range(120):
            at = now - timedelta(seconds=1200 + 15 * (120 - n))
            north = max(0, n - 40) * 1e-3
            late = timedelta(seconds=2 if n % 9 else 90)
            place = (factories.LON + north / 2, factories.LAT + north)
            rows.append(store.Row(who.id, device.id, Fix(at, at + late, *place, 8, 12.0, 40.0, battery=43)))
        store.insert_history(session, rows)
        for reason, count in (("imprecise", 4), ("zero", 2)):
            session.add(FixRefusal(device_id=device.id, day=now.date(), reason=reason, count=count))
        session.commit()
        session.refresh(who)
        session.expunge(who)
        return who


def test_the_desk_says_why_he_is_grey_and_asks_why_one_looks(browser: Any, sessions: Any, lost: Any) -> None:
    desk = deskside.sit_down(
        browser, sessions, "dispatcher", "admin", viewport={"width": 1366, "height": 768}
    ).open("live")
    desk.page.evaluate(f"location.hash = '#/live/surveyor/{lost.id}'")
    why = desk.sees("[data-testid=why]")
    assert "手机不再上报位置" in why.inner_text()
    assert "Traccar/9.7" in why.inner_text()
    shoot(desk.page, "desk-why")
    desk.press(".drawer button", "轨迹…")
    show = desk.sees("dialog button", "在地图上显示")
    assert show.is_disabled()
    desk.page.locator("dialog select").first.select_option("complaint")
    shoot(desk.page, "desk-look")
    desk.press("dialog button", "在地图上显示")
    desk.loses("dialog")
    desk.sees(".drawer", "轨迹")
    desk.page.evaluate("location.hash = '#/settings/people'")
    assert desk.errors == []

    own = phone.open_phone(browser, sessions, surveyor=lost).pair()
    own.page.goto("/phone#/mytrack")
    own.page.wait_for_selector(".day-parts li.drive", timeout=deskside.PATIENCE_MS)
    looks = own.page.locator("[data-testid=looks]")
    looks.get_by_text("客户投诉").wait_for(timeout=deskside.PATIENCE_MS)
    own.page.wait_for_selector(".track-line", timeout=deskside.PATIENCE_MS)
    shoot(own.page, "phone-mytrack")
    own.page.goto("/phone#/trackers")
    card = own.page.locator("[data-testid=tracker-owntracks]")
    card.get_by_role("button", name="怎么设置").click()
    card.get_by_role("button", name="显示二维码").click()
    card.locator(".qr").wait_for()
    card.locator(".app-sketch").wait_for()
    shoot(own.page, "phone-trackers")
    link = card.locator("a.button").get_attribute("href")
    assert link is not None and link.startswith("owntracks:///config?inline=")


def test_the_answer_comes_by_itself_also_when_another_card_was_open_before(
    browser: Any, sessions: Any, lost: Any
) -> None:
    fresh = deskside.surveyor(sessions, name="在线人")
    desk = deskside.sit_down(browser, sessions, "dispatcher").open(f"live/surveyor/{fresh.id}")
    desk.sees(".drawer h2", "在线人")
    desk.loses("[data-testid=why]")
    desk.page.evaluate(f"location.hash = '#/live/surveyor/{lost.id}'")
    assert "手机不再上报位置" in desk.sees("[data-testid=why]").inner_text()


def test_the_desk_pairs_an_app_by_its_own_code(browser: Any, sessions: Any, lost: Any) -> None:
    desk = deskside.sit_down(
        browser, sessions, "admin", "dispatcher", viewport={"width": 1440, "height": 900}
    )
    desk.open("settings/people")
    desk.press("button", "设备")
    desk.press("dialog [role=tab]", "Overland")
    desk.press("dialog button", "生成 Overland 的二维码")
    desk.sees("dialog .app-qr .qr")
    shoot(desk.page, "desk-pair")
    assert desk.errors == []
