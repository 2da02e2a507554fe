"""Every page of the desk, light and dark, against the WCAG 2.2 AA rules of axe; and nothing cut off at 1366×768."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests import factories
from tests.screens import deskside as kit
from tests.screens.deskside import sit_down

# Under a loaded machine every step may take seconds; what matters is that it ends.
pytestmark = [pytest.mark.screens, pytest.mark.timeout(300)]
# Every rule is tried; only nobody is told of each element that has passed.
TOLD = {"resultTypes": ["violations"]}
RULES = TOLD | {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
}
# What dark colours can break; everything else is the same page.
OF_COLOUR = TOLD | {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
PAGES = ["live", "playback", "report", "claims", "messages", "reports", "reports/forecasts", "settings"]


@pytest.fixture
def desk(browser, sessions):
    kit.surveyor(sessions, name="赵查勘")
    with sessions() as session:
        factories.claim(session, place_text="东门大街 1 号", cause="collision")
        factories.claim(session, lon=None, lat=None, place_text="不明")
        session.commit()
    # Colours change at once: axe would read those of the middle of a transition.
    return sit_down(
        browser, sessions, "dispatcher", "supervisor", "admin", "seat",
        viewport={"width": 1366, "height": 768}, reduced_motion="reduce",
    )  # fmt: skip


def offences(page):
    """What axe finds in light and in dark, in words one can act on."""
    told = []
    for theme, rules in (("light", RULES), ("dark", OF_COLOUR)):
        page.emulate_media(color_scheme=theme)
        page.wait_for_selector(f"html[data-theme={theme}]")
        found = Axe().run(page, options=rules).response["violations"]
        told += [
            f"{theme}: {one['id']}: {node['target']} {node['failureSummary']}"
            for one in found
            for node in one["nodes"][:3]
        ]
    page.emulate_media(color_scheme="light")
    return told


def test_every_page_of_the_desk_passes_axe_light_and_dark(desk):
    found = {}
    for name in PAGES:
        desk.open(name)
        desk.page.wait_for_function("() => !document.querySelector('.spinner, .skeleton')")
        if wrong := offences(desk.page):
            found[name] = wrong
        if name == "playback":  # what was looked at was the question why; now the page behind it
            kit.say_why(desk.page)
            desk.page.wait_for_function("() => !document.querySelector('.spinner, .skeleton')")
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
