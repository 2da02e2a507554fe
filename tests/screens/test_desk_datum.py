"""Maps of two datums under the same marks: a picture in GCJ-02 is moved back by the right offset, one in WGS-84 stays."""

import io
import math
import re
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from geo import datum
from geo.fix import LonLat
from tests import factories
from tests.screens import deskside as kit
from tests.screens.deskside import sit_down

pytestmark = pytest.mark.screens
SIDE, SPOT = 256, 14
RED = (255, 0, 0)
FIND = "ident => { window.chakanProbe = (find) => { const at = find(ident); if (at) window.dot = [at.x, at.y]; }; }"


def on_plane(place: LonLat, z: int) -> tuple[float, float]:
    """A place on the plane of tiles of a zoom, in pixels."""
    turn = math.radians(place.lat)
    across = (place.lon + 180) / 360
    down = (1 - math.asinh(math.tan(turn)) / math.pi) / 2
    return across * 2**z * SIDE, down * 2**z * SIDE


def tile(z: int, x: int, y: int, spot: LonLat) -> bytes:
    """A white tile with a red disc around a place, as its maker's datum has it."""
    image = Image.new("RGB", (SIDE, SIDE), "white")
    px, py = on_plane(spot, z)
    px, py = px - x * SIDE, py - y * SIDE
    ImageDraw.Draw(image).ellipse((px - SPOT * 2, py - SPOT * 2, px + SPOT * 2, py + SPOT * 2), fill=RED)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def red_centre(picture: bytes) -> tuple[float, float]:
    """The middle of everything red in a screenshot."""
    r, g, b = np.moveaxis(np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")), 2, 0)
    down, across = np.nonzero((r > 200) & (g < 60) & (b < 60))
    assert len(across) > 200, "the disc is nowhere on the map"
    # The median: a red sign of the legend is not the disc.
    return float(np.median(across)), float(np.median(down))


def off_by(browser: Any, sessions: Any, name: str) -> tuple[float, float]:
    """How many pixels lie between the mark of a surveyor and his place as the map of that datum draws it."""
    who = kit.surveyor(sessions, name="丈量")
    place = LonLat(factories.LON, factories.LAT)
    spot = datum.from_wgs84(place, name)
    desk = sit_down(browser, sessions, "dispatcher")
    page = desk.page

    def picture(route: Any) -> None:
        z, x, y = map(int, re.findall(r"/tiles-of-them/(\d+)/(\d+)/(\d+)", route.request.url)[0])
        route.fulfill(
            body=tile(z, x, y, spot), content_type="image/png", headers={"Access-Control-Allow-Origin": "*"}
        )

    def info(route: Any) -> None:
        told = route.fetch().json()
        url = f"{desk.page.url.split('/desk')[0]}/tiles-of-them/{{z}}/{{x}}/{{y}}"
        told["raster"] = [{"name": name, "url": url, "datum": name, "attribution": name}]
        told["centre"] = {"lon": place.lon, "lat": place.lat}
        told["bbox"] = [place.lon - 0.01, place.lat - 0.01, place.lon + 0.01, place.lat + 0.01]
        route.fulfill(json=told)

    page.route("**/tiles-of-them/**", picture)
    page.route("**/api/v1/map/info", info)
    page.add_init_script(f"({FIND})('{who.id}')")
    desk.open("live")
    page.wait_for_function("() => window.dot", timeout=kit.PATIENCE_MS)
    canvas = page.locator(".live-map canvas").first
    kit.until(lambda: canvas.screenshot() != b"" and _has_red(canvas))
    page.wait_for_timeout(800)
    x, y = red_centre(canvas.screenshot())
    dot = page.evaluate("() => window.dot")
    height = page.evaluate("() => document.querySelector('.live-map canvas').height")
    return x - dot[0], y - (height - dot[1])


def _has_red(canvas: Any) -> bool:
    try:
        red_centre(canvas.screenshot())
    except AssertionError:
        return False
    return True


@pytest.mark.parametrize("name", ["wgs84", "gcj02"])
def test_the_map_of_either_datum_lies_right_under_the_mark(browser, sessions, name):
    right, down = off_by(browser, sessions, name)
    # Unshifted, GCJ-02 would be some hundred metres off: far more than that.
    assert abs(right) < 8 and abs(down) < 8
