"""What the phone looks like and says: sizes for a thumb, both languages, and the datum of every map."""

import re
from urllib.parse import unquote

import pytest

from geo import datum
from geo.fix import LonLat, metres_between
from tests import factories
from tests.screens import phone as kit
from tests.screens.phone import open_phone, photo

SMALL = {"width": 360, "height": 640}
HAN = re.compile(r"[\u4e00-\u9fff]")

# Text below 16 px, things to touch below 48 px, and a page wider than the phone.
FAULTS = """() => {
  const faults = [];
  if (document.documentElement.scrollWidth > innerWidth) faults.push(`wide: ${document.documentElement.scrollWidth}`);
  const seen = (e) => { const b = e.getBoundingClientRect(); return b.width > 0 && b.height > 0 && getComputedStyle(e).visibility !== 'hidden'; };
  for (const e of document.querySelectorAll('body *')) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (own && seen(e) && !e.closest('svg, .unseen') && parseFloat(getComputedStyle(e).fontSize) < 15.9) faults.push(`small: ${e.textContent.slice(0, 20)}`);
  }
  for (const e of document.querySelectorAll('button, a[href], select, textarea, label.check, .choose-row label, input:not([type=file]):not([type=checkbox]):not([type=radio])')) {
    const b = e.getBoundingClientRect();
    if (seen(e) && Math.min(b.width, b.height) < 47.5) faults.push(`narrow: ${e.className} ${e.textContent.slice(0, 20)} ${b.width}x${b.height}`);
  }
  return faults;
}"""  # noqa: E501


@pytest.fixture
def phone(browser, sessions):
    return open_phone(browser, sessions)


def walk(phone, sessions, look):
    """Calls `look(name)` on every page a surveyor sees in a day."""
    page = phone.page
    page.goto("/phone")
    page.wait_for_selector(".pair form")
    look("pair")
    phone.pair()
    look("off duty")
    phone.on_duty()
    look("on duty")
    kit.claim(sessions, injured=1, movable=False, reporter_name="Zhao", note="-", place_text="Jianshe Rd")
    page.wait_for_selector("[data-testid=offer]")
    look("offer")
    page.click("[data-testid=decline]")
    page.wait_for_selector(".sheet")  # an Escape before it opened would close nothing
    look("decline")
    page.keyboard.press("Escape")
    page.wait_for_selector(".sheet", state="detached")
    task = phone.accept()
    look("accepted")
    page.click("[data-testid=call]")
    look("outcome")
    page.click("[data-testid=outcome-answered]")
    phone.state("contacted")
    look("contacted")
    page.click("[data-testid=more]")
    page.click(".sheet-item >> nth=0")
    page.wait_for_selector(".sheet")
    look("appointment")
    page.keyboard.press("Escape")
    page.click("[data-testid=more]")
    page.click("[data-testid=done-in]")
    page.wait_for_selector("[data-testid=done-in-60]")
    look("done in, the drive included")
    page.keyboard.press("Escape")
    page.click("[data-testid=depart]")
    page.wait_for_selector(".sheet")
    look("navigation")
    page.keyboard.press("Escape")
    phone.arrive()
    phone.shoot("scene", photo(3, kib=20))
    page.wait_for_selector("[data-testid=thumb]")
    phone.synced()
    look("shots")
    page.click("[data-testid=done-in-20]")
    page.wait_for_selector("[data-testid=done-by].said")
    look("done by")
    page.click("[data-testid=thumb]")
    page.wait_for_selector(".viewer-facts")
    look("viewer")
    page.keyboard.press("Escape")
    for where in (f"report/{task}", "sync", "trackers", "menu", ""):
        page.goto(f"/phone#/{where}")
        page.wait_for_selector(".topbar")
        look(where or "home")


def test_on_a_small_phone_every_text_is_readable_and_every_button_fits_a_thumb(browser, sessions):
    phone = open_phone(browser, sessions)
    phone.page.set_viewport_size(SMALL)
    faults = {}
    walk(
        phone,
        sessions,
        lambda name: faults.update({name: found} if (found := phone.page.evaluate(FAULTS)) else {}),
    )
    assert faults == {}
    assert phone.errors == []


def test_in_english_no_chinese_word_of_ours_is_left(browser, sessions):
    with sessions.begin() as session:
        surveyor = factories.surveyor(session, on_duty=False, lon=None, name="Li Ming")
        factories.default_organisation(session).name = "Head office"
    phone = open_phone(browser, sessions, surveyor=surveyor, locale="en-GB")
    left = {}

    def look(name):
        text = phone.page.evaluate(
            "[document.body.innerText, ...[...document.querySelectorAll('[aria-label]')].map((e) => e.ariaLabel)].join('\\n')"
        )
        # The name of the product and the way back to Chinese are Chinese on purpose.
        found = sorted(
            {line for line in text.split("\n") if HAN.search(line)} - {"查勘", "查勘 Chakan", "中文", "中"}
        )
        if found:
            left[name] = found

    walk(phone, sessions, look)
    assert left == {}


def test_the_language_switches_at_once_and_is_remembered(phone):
    phone.pair()
    phone.page.goto("/phone#/menu")
    assert phone.page.inner_text(".topbar h1") == "设置"
    phone.page.click("[data-testid=language]")
    assert phone.page.inner_text(".topbar h1") == "Settings"
    assert phone.page.get_attribute("html", "lang") == "en"
    phone.page.reload()
    phone.page.wait_for_selector("text=Background tracking")


@pytest.mark.parametrize(
    ("agent", "schemes"),
    [
        ("Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/126 Mobile Safari/537.36", ("amapuri:", "google.navigation:")),  # noqa: E501
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile/15E148 Safari/604.1", ("iosamap:", "comgooglemaps:")),  # noqa: E501
    ],
)  # fmt: skip
def test_every_navigation_app_gets_the_place_in_its_own_datum(browser, site, sessions, agent, schemes):
    phone = open_phone(browser, sessions, user_agent=agent)
    if "iPhone" in agent:
        # On iOS duty needs the installed app.
        phone.context.add_init_script("Object.defineProperty(navigator, 'standalone', { value: true })")
    phone.pair().on_duty()
    kit.claim(sessions, lon=factories.LON, lat=factories.LAT, place_text="建设路&人民路口?#1")
    phone.accept()
    phone.ring()
    phone.state("contacted")
    phone.page.click("[data-testid=depart]")
    phone.page.wait_for_selector(".nav-list")
    links = {
        a.get_attribute("data-testid"): a.get_attribute("href")
        for a in phone.page.locator(".nav-list a").all()
    }
    assert links["nav-amap"].startswith(schemes[0]) and links["nav-google"].startswith(schemes[1])
    loss = LonLat(factories.LON, factories.LAT)
    for name, href in links.items():
        wanted = datum.from_wgs84(loss, "bd09" if "baidu" in name else "gcj02")
        found = place_in(href)
        assert metres_between(found, wanted) < 1, (name, href)
        assert metres_between(found, loss) > 100, (name, href)
        assert "建设路&" not in href and ("google" in name or "建设路&人民路口?#1" in unquote(href))


def place_in(href):
    """The place a navigation link names: AMap's web page wants longitude first, everybody else latitude first."""
    number = r"(-?\d+\.\d+)"
    if found := re.search(rf"dlat={number}&dlon={number}", href):
        return LonLat(float(found[2]), float(found[1]))
    found = re.search(rf"{number},{number}", href)
    a, b = float(found[1]), float(found[2])
    return LonLat(a, b) if "uri.amap.com" in href else LonLat(b, a)


def test_the_background_trackers_get_settings_their_server_accepts(phone, site, sessions):
    import httpx

    phone.pair().on_duty()
    phone.page.goto("/phone#/trackers")
    shown = phone.page.locator("[data-testid=tracker-owntracks]")
    phone.page.wait_for_selector("[data-testid=tracker-owntracks]")
    shown.locator("button[aria-pressed=false]").click()
    url, username, password = (code.inner_text() for code in shown.locator("code").all())
    fix = {
        "_type": "location",
        "lat": 39.91,
        "lon": 116.41,
        "tst": int(phone.page.evaluate("Date.now() / 1000")),
        "acc": 9,
    }
    answer = httpx.post(url, json=fix, auth=(username, password), timeout=20)
    assert answer.status_code == 200 and isinstance(answer.json(), list)
    assert httpx.post(url, json=fix, auth=(username, "wrong"), timeout=20).status_code == 401
    shown.locator("text=显示二维码").click()
    phone.page.wait_for_selector("svg.qr path")
    link = shown.locator("a.button").get_attribute("href")
    assert link.startswith("owntracks:///config?inline=") and password not in link
    traccar = phone.page.locator("[data-testid=tracker-traccar] a.button").get_attribute("href")
    assert traccar.startswith("org.traccar.client://") and "id=" in traccar
    assert (
        phone.page.locator("[data-testid=tracker-overland] a.button")
        .get_attribute("href")
        .startswith("overland://setup?")
    )


def test_an_iphone_that_is_not_installed_is_not_let_into_the_field(browser, sessions):
    agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile/15E148 Safari/604.1"
    phone = open_phone(browser, sessions, user_agent=agent)
    phone.pair()
    phone.page.click("[data-testid=duty][aria-checked=false]")
    phone.page.wait_for_selector("text=添加到主屏幕")
    phone.page.goto("/phone#/")
    assert phone.page.get_attribute("[data-testid=duty]", "aria-checked") == "false"


def test_good_news_never_lies_over_the_duty_switch(browser, sessions):
    phone = open_phone(browser, sessions, viewport=SMALL)
    phone.pair()
    page = phone.page
    page.wait_for_selector(".toast.ok")
    over = """() => {
      const toast = document.querySelector('.toast.ok').getBoundingClientRect();
      return toast.bottom > document.querySelector('[role=switch]').getBoundingClientRect().top;
    }"""
    assert not page.evaluate(over)
