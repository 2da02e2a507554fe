"""Every page of the desk, light and dark, against the WCAG 2.2 AA rules of axe; and nothing cut off at 1366×768."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests import factories
from tests.screens import deskside as kit
from tests.screens.deskside import sit_down

pytestmark = pytest.mark.screens
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
PAGES = ["live", "playback", "report", "claims", "messages", "reports", "settings"]


@pytest.fixture
def desk(browser, sessions):
    kit.surveyor(sessions, name="赵查勘")
    with sessions() as session:
        factories.claim(session, place_text="东门大街 1 号", cause="collision")
        factories.claim(session, lon=None, lat=None, place_text="不明")
        session.commit()
    return sit_down(browser, sessions, "dispatcher", "supervisor", "admin", "seat")


def offences(page):
    """What axe finds, in words one can act on."""
    found = Axe().run(page, options=RULES).response["violations"]
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in found
        for node in one["nodes"][:3]
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_of_the_desk_passes_axe(desk, theme):
    desk.page.set_viewport_size({"width": 1366, "height": 768})
    desk.page.add_init_script(f"localStorage.setItem('chakan.theme', '{theme}')")
    found = {}
    for name in PAGES:
        desk.open(name)
        desk.page.wait_for_function("() => !document.querySelector('.spinner')")
        desk.page.wait_for_timeout(300)
        if wrong := offences(desk.page):
            found[name] = wrong
        if name == "playback":  # what was looked at was the question why; now the page behind it
            kit.say_why(desk.page)
            desk.page.wait_for_function("() => !document.querySelector('.spinner')")
            if wrong := offences(desk.page):
                found["playback, open"] = wrong
        wide = desk.page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{name} is {wide} px too wide for 1366"
    desk.open("live")
    desk.page.keyboard.press("w")
    desk.sees(".wall-jobs li")
    if wrong := offences(desk.page):
        found["wall"] = wrong
    assert found == {}
