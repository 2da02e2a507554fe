"""Watching: the wall, playback by link and by keys, choices that follow a person, the sign that says muted."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from core import clock
from geo import store
from geo.fix import Fix
from geo.store import Row
from tests import factories
from tests.screens import deskside as kit
from tests.screens.deskside import sit_down, until

pytestmark = pytest.mark.screens


def test_the_wall_shows_what_is_urgent_and_no_plate_or_whole_name(browser, sessions):
    kit.surveyor(sessions, name="欧阳查勘")
    with sessions() as session:
        claim = factories.claim(session, place_text="东门")
        session.execute(
            text(
                "INSERT INTO claim_item (claim_id, kind, plate, plate_key) VALUES (:c, 'own_vehicle', '京A12345', '京A12345')"
            ),
            {"c": claim.id},
        )
        session.commit()
    desk = sit_down(browser, sessions, "dispatcher").open("live")
    desk.sees(".job", claim.report_no)
    desk.page.locator("main").press("w")
    desk.sees(".wall-jobs li", claim.report_no[-5:])
    desk.loses(".top")
    shown = desk.page.locator(".wall").inner_text()
    assert "345" not in re.sub(r"\d\d:\d\d:\d\d", "", shown).replace(claim.report_no[-5:], "")
    assert "欧阳查勘" not in shown and claim.report_no not in shown
    desk.page.keyboard.press("Escape")
    desk.sees(".top")
    assert not desk.errors


def test_what_one_chooses_before_the_last_choice_is_told_is_not_undone_by_it(browser, sessions):
    desk = sit_down(browser, sessions, "dispatcher")
    asked = []
    desk.page.route("**/me/preferences/desk", lambda route: asked.append(route))
    desk.open("live").press(".sound")
    desk.sees(".sound[aria-pressed=true]")
    until(lambda: desk.page.wait_for_timeout(50) or asked)
    asked[0].continue_()
    desk.page.unroute("**/me/preferences/desk")

    def kept():
        with sessions() as session:
            return session.execute(text("SELECT value FROM preference")).scalar()

    assert until(lambda: desk.page.wait_for_timeout(50) or kept())["sound"] is True
    desk.sees(".sound[aria-pressed=true]")


def test_what_one_chose_to_see_is_there_at_the_next_desk(browser, sessions):
    desk = sit_down(browser, sessions, "dispatcher").open("live")
    desk.sees(".sound[aria-pressed=false]")
    desk.press(".sound")
    desk.sees(".sound[aria-pressed=true]")
    desk.page.locator("main").press("m")
    desk.sees(".columns-page")

    def kept():
        with sessions() as session:
            return session.execute(text("SELECT value FROM preference")).scalar()

    assert until(lambda: (kept() or {}).get("layout") == "columns" and kept()) == {
        "sound": True,
        "layout": "columns",
    }
    other = desk.context.browser.new_context(
        base_url=desk.page.url.split("/desk")[0],
        storage_state={"cookies": desk.context.cookies(), "origins": []},
    )
    page = other.new_page()
    page.goto("/desk#/live")
    page.wait_for_selector(".columns-page", timeout=kit.PATIENCE_MS)
    page.wait_for_selector(".sound[aria-pressed=true]")
    other.close()


def test_a_link_opens_the_desk_as_it_was_and_it_plays_on(browser, sessions):
    who = kit.surveyor(sessions, name="昨日人", lon=None)
    with sessions() as session:
        now = clock.read(session)
        store.ensure_partitions(session, now.date())
        fixes = [
            Fix(
                now - timedelta(seconds=s),
                now - timedelta(seconds=s),
                116.40 + (300 - s) * 1e-4,
                39.91,
                accuracy_m=8,
            )
            for s in range(300, 0, -10)
        ]
        store.insert_history(session, [Row(who.id, 1, fix) for fix in fixes])
        claim = factories.claim(session, place_text="昨日地点")
        session.commit()
        then = clock.read(session)
    until(lambda: datetime.now(UTC) - then > timedelta(seconds=3))
    with sessions() as session:
        session.execute(text("UPDATE task SET state = 'cancelled', state_since = clock_timestamp()"))
        session.commit()
    desk = sit_down(browser, sessions, "supervisor")
    desk.page.goto(
        f"/desk/playback?at={(then + timedelta(seconds=1)).strftime('%Y-%m-%dT%H:%M:%SZ')}&speed=1"
    )
    assert desk.page.get_by_role("button", name="开始回放").is_disabled()
    kit.say_why(desk.page)
    desk.sees(".playback .job", claim.report_no)
    assert "#/playback?at=" in desk.page.url and "speed=1" in desk.page.url
    before = desk.page.locator(".play-time").get_attribute("datetime")
    desk.page.locator("#main").press("Space")
    desk.loses(".playback .job", claim.report_no)
    assert desk.page.locator(".play-time").get_attribute("datetime") > before
    desk.page.locator("#main").press(".")
    desk.page.locator("#main").press("ArrowLeft")
    until(lambda: "speed=2" in desk.page.url)
    with sessions() as session:
        looks = session.execute(
            text("SELECT facts ->> 'reason' FROM audit_entry WHERE action = 'playback.seen'")
        ).scalars()
        reasons = list(looks)
    assert len(reasons) >= 3 and set(reasons) == {"evidence"}
    assert not desk.errors


def shown_at(desk):
    return datetime.fromisoformat(desk.page.locator(".play-time").get_attribute("datetime"))


def test_a_slider_drawn_along_asks_for_the_moment_where_it_rests_and_keys_play_on_from_there(
    browser, sessions
):
    desk = sit_down(browser, sessions, "supervisor")
    # A page that did not come over HTTPS has no clipboard.
    desk.page.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    desk.page.goto("/desk/playback?at=2026-01-05T04:00:00Z&speed=1")
    kit.say_why(desk.page)
    until(lambda: desk.page.wait_for_timeout(50) or "speed=1" in desk.page.url)
    asked = []
    desk.page.on(
        "request", lambda request: asked.append(request.url) if "/playback?at=" in request.url else None
    )
    slider = desk.page.locator(".play-day input")
    slider.evaluate(
        "async (slider) => { for (let s = 0; s < 40; s += 1) { slider.value = String(3600 * 8 + s * 60);"
        " slider.dispatchEvent(new Event('input', { bubbles: true }));"
        " slider.dispatchEvent(new Event('change', { bubbles: true })); await new Promise((r) => setTimeout(r, 20)); } }"
    )
    until(lambda: desk.page.wait_for_timeout(50) or "at=2026-01-05T00%3A39" in desk.page.url)
    assert len(asked) <= 2
    slider.press("ArrowLeft")
    until(lambda: desk.page.wait_for_timeout(50) or "at=2026-01-05T00%3A38%3A00Z" in desk.page.url)
    slider.press("Space")
    desk.sees(".play-tools button", "暂停")
    before = shown_at(desk)
    until(lambda: desk.page.wait_for_timeout(50) or shown_at(desk) > before)

    # Sought farther ahead than is known, while it plays: the clock never names a moment that is not shown.
    held = []
    desk.page.route("**/playback?at=*", lambda route: held.append(route))
    for _ in range(3):
        desk.page.locator("#main").press("Shift+ArrowRight")
    wanted = shown_at(desk)
    until(lambda: desk.page.wait_for_timeout(50) or held)
    desk.page.wait_for_timeout(600)
    assert shown_at(desk) == wanted
    held[-1].continue_()
    desk.page.unroute("**/playback?at=*")
    until(lambda: desk.page.wait_for_timeout(50) or shown_at(desk) > wanted)
    desk.press(".play-tools button", "复制链接")
    desk.sees(".toasts", "链接已复制")
    assert not desk.errors


# As a browser that lets no page sound before somebody has touched it; headless ones let everybody.
HOLDS_BACK = """
  let touched = false;
  Object.defineProperty(navigator, 'userActivation', { get: () => ({ hasBeenActive: touched }) });
  for (const kind of ['pointerdown', 'keydown']) addEventListener(kind, () => { touched = true; }, true);
  const Real = AudioContext;
  window.AudioContext = class extends Real {
    get state() { return touched ? super.state : 'suspended'; }
  };
"""


def test_a_sound_the_browser_holds_back_is_told(browser, sessions):
    desk = sit_down(browser, sessions, "dispatcher").open("live")
    desk.press(".sound")
    desk.sees(".sound[aria-pressed=true]:not(.warn)")

    def kept():
        with sessions() as session:
            return session.execute(text("SELECT value ->> 'sound' FROM preference")).scalar()

    # What was chosen is kept a moment later: the page that comes again asks for it.
    until(lambda: desk.page.wait_for_timeout(50) or kept() == "true")
    desk.page.add_init_script(HOLDS_BACK)
    desk.page.reload()
    desk.sees(".sound.warn[aria-pressed=true]")
    assert not desk.errors
