"""The map under the hand: marks that can be pressed, a pull that is not broken off, and a picture that is sharp at rest."""

import pytest

from tests import factories
from tests.screens import deskside as kit
from tests.screens.deskside import sit_down

pytestmark = pytest.mark.screens
HOOK = "window.chakanMap = (map) => { window.map = map; };"
AT = "([lon, lat]) => { const at = map.project([lon, lat]); return [at.x, at.y]; }"


def at_the_map(browser, sessions, lon: float, lat: float, zoom: float):
    """A dispatcher before the map of a place, and how to find pixels of the page."""
    desk = sit_down(browser, sessions, "dispatcher")
    desk.page.add_init_script(HOOK)
    desk.open("live")
    desk.page.wait_for_function("() => window.map?.loaded()")
    # Braces: without them the answer is the map itself, and every object it holds comes through to the test.
    desk.page.evaluate(
        "([lon, lat, zoom]) => { map.jumpTo({ center: [lon, lat], zoom }); }", [lon, lat, zoom]
    )
    box = desk.page.locator(".live-map canvas").first.bounding_box()

    def pixel(of_lon: float, of_lat: float) -> tuple[float, float]:
        x, y = desk.page.evaluate(AT, [of_lon, of_lat])
        return box["x"] + x, box["y"] + y

    return desk, pixel


def test_a_pin_is_pressed_where_its_minutes_stand_and_opens_its_claim(browser, sessions):
    with sessions() as session:
        claim = factories.claim(session)
    desk, pixel = at_the_map(browser, sessions, factories.LON, factories.LAT, 14)
    desk.sees(".job", claim.report_no)
    desk.page.wait_for_timeout(1500)
    x, y = pixel(factories.LON, factories.LAT)
    desk.page.mouse.click(x, y - 24)
    desk.sees(".drawer-head", claim.report_no)
    assert not desk.errors


def test_a_circle_of_many_comes_apart_when_it_is_pressed(browser, sessions):
    places = [(factories.LON + 0.002 * n, factories.LAT) for n in range(6)]
    for n, (lon, lat) in enumerate(places):
        kit.surveyor(sessions, name=f"同处{n}", lon=lon, lat=lat)
    middle = factories.LON + 0.005
    desk, pixel = at_the_map(browser, sessions, middle, factories.LAT, 10)
    desk.press(".side [data-tab=people]")
    desk.sees(".person", "同处5")
    desk.page.wait_for_timeout(1500)
    desk.page.mouse.click(*pixel(middle, factories.LAT))
    kit.until(lambda: desk.page.evaluate("() => map.getZoom()") > 11)
    assert not desk.errors


def test_a_pull_moves_the_map_all_the_way_and_leaves_it_sharp(browser, sessions):
    desk, pixel = at_the_map(browser, sessions, factories.LON, factories.LAT, 12)
    page = desk.page
    page.evaluate("() => { window.widths = []; map.on('render', () => widths.push(map.getCanvas().width)); }")
    whole = page.evaluate("() => Math.round(map.getCanvas().clientWidth * devicePixelRatio)")
    x, y = pixel(factories.LON, factories.LAT)
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 21):
        page.mouse.move(x + 8 * step, y)
        page.wait_for_timeout(30)
    page.wait_for_timeout(400)  # he holds it still: whoever stands does not glide on
    page.mouse.up()
    moved, _ = pixel(factories.LON, factories.LAT)
    assert 140 <= moved - x <= 170, "the pull was broken off"
    assert min(page.evaluate("() => widths")) < whole, "a software renderer draws a moving map coarser"
    kit.until(lambda: page.evaluate("() => map.getCanvas().width") == whole)
    assert not desk.errors


def test_what_is_empty_is_not_drawn(browser, sessions):
    desk, _ = at_the_map(browser, sessions, factories.LON, factories.LAT, 12)
    shown = "id => map.getLayoutProperty(id, 'visibility') !== 'none'"
    for layer in ("cover", "cover-edge", "rings", "rings-edge", "link", "track", "day-line"):
        assert not desk.page.evaluate(shown, layer), layer
    with sessions() as session:
        claim = factories.claim(session)
    kit.surveyor(sessions)
    desk.press(".group.asking .job", claim.report_no)
    kit.until(lambda: desk.page.evaluate(shown, "link"))


def test_marks_and_what_can_be_pressed_grow_with_the_chosen_size_and_are_remembered(browser, sessions):
    with sessions() as session:
        claim = factories.claim(session)
    desk, pixel = at_the_map(browser, sessions, factories.LON, factories.LAT, 14)
    desk.sees(".job", claim.report_no)
    size = "() => map.getLayer('surveyor-name') && map.getLayoutProperty('surveyor-name', 'text-size')"
    assert desk.page.evaluate(size) == 11
    desk.press(".layer-box > button")
    desk.page.select_option(".layer-box select", "huge")
    kit.until(lambda: desk.page.evaluate(size) == 22)
    desk.press(".layer-box > button")
    desk.page.wait_for_timeout(1500)
    x, y = pixel(factories.LON, factories.LAT)
    desk.page.mouse.click(x, y - 70)  # above a pin of the usual size
    desk.sees(".drawer-head", claim.report_no)
    kept = "fetch('/api/v1/me/preferences/desk').then((r) => r.json()).then((kept) => kept.value.marks)"
    kit.until(lambda: desk.page.evaluate(kept) == "huge")
    assert not desk.errors


def test_the_drawer_asks_for_the_organisations_once(browser, sessions):
    people = {f"同事{n}": kit.surveyor(sessions, name=f"同事{n}") for n in range(3)}
    desk = sit_down(browser, sessions, "dispatcher")
    asked: list[str] = []
    desk.page.on(
        "request", lambda request: asked.append(request.url) if "/organisations" in request.url else None
    )
    for name, who in people.items():
        desk.open(f"live/surveyor/{who.id}")
        desk.sees(".drawer-head", name)
        desk.sees(".drawer [data-testid=why], .drawer-body h3")
    assert len(asked) == 1
