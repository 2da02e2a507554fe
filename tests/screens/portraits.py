"""Takes the pictures under docs/screens from a running demonstration: `python -m tests.screens.portraits DATA OUT [PART …]`.

DATA is the data folder of `./chakan up --demo` (it holds demo.json); OUT is docs/screens. Give it a minute of life first.
"""

import json
import os
import random
import shutil
import sys
import time
import uuid
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright
from shapely import Point
from shapely.geometry import shape

from geo.fix import LonLat
from lab import casework
from lab.scenes import Scenes
from tests.screens.conftest import DESK, FLAGS, PHONE
from tests.screens.deskside import say_why

SETTLE_MS = 6000  # tiles, dots and pictures


def signed(browser: Browser, given: dict[str, Any], role: str, **more: Any) -> Page:
    """A page of somebody signed in, Chinese, in Shanghai."""
    context = browser.new_context(
        base_url=given["url"], locale="zh-CN", timezone_id="Asia/Shanghai", **({"viewport": DESK} | more)
    )
    user = given["users"][role]
    context.request.post("/api/v1/session", data={"username": user["username"], "password": user["password"]})
    return context.new_page()


def shoot(page: Page, path: str, out: Path, name: str) -> None:
    """Opens a page, lets it settle, keeps the picture."""
    page.goto(path)
    page.wait_for_timeout(SETTLE_MS)
    page.screenshot(path=out / f"{name}.png")
    print(name)


def desk(browser: Browser, given: dict[str, Any], out: Path) -> None:
    """Every page of the desk, by its own navigation."""
    page = signed(browser, given, "dispatcher")
    shoot(page, "/desk", out, "desk-live")
    page.get_by_text("CK2", exact=False).first.click()
    page.wait_for_timeout(2500)
    page.screenshot(path=out / "desk-claim.png")
    for label, name in (
        ("报案", "desk-report"),
        ("案件", "desk-claims"),
        ("消息", "desk-messages"),
        ("报表", "desk-reports"),
    ):
        page.goto("/desk")
        page.get_by_role("navigation").get_by_role("link", name=label, exact=False).first.click()
        page.wait_for_timeout(3000)
        page.screenshot(path=out / f"{name}.png")
        print(name)
    admin = signed(browser, given, "admin")
    admin.goto("/desk")
    admin.get_by_role("navigation").get_by_role("link", name="设置", exact=False).first.click()
    admin.wait_for_timeout(3000)
    admin.screenshot(path=out / "desk-settings.png")
    extras(page, out)


def extras(page: Page, out: Path) -> None:
    """Coverage on the map, and the past played back."""
    page.goto("/desk")
    page.wait_for_timeout(SETTLE_MS)
    page.get_by_role("button", name="覆盖").first.click()
    page.wait_for_timeout(SETTLE_MS)
    page.screenshot(path=out / "desk-coverage.png")
    print("desk-coverage")
    page.goto("/desk/playback")
    say_why(page)
    page.wait_for_timeout(SETTLE_MS)
    page.screenshot(path=out / "desk-playback.png")
    print("desk-playback")


def review(browser: Browser, given: dict[str, Any], out: Path) -> None:
    """The review desk with a job that has photographs."""
    page = signed(browser, given, "adjuster")
    page.goto("/review")
    page.locator(".r-row").first.wait_for()
    whole = page.locator(".r-row:has-text('/13')")  # a whole car, not a quick one
    (whole if whole.count() else page.locator(".r-row")).first.click()
    page.locator(".r-thumb").first.wait_for()
    car = page.locator(".r-thumb[data-shot=damage_mid], .r-thumb[data-shot=car_front_left]")
    (car if car.count() else page.locator(".r-thumb")).first.click()
    page.wait_for_timeout(SETTLE_MS)
    page.screenshot(path=out / "review.png")
    print("review")


def call(page: Page, token: str, method: str, path: str, body: Any = None) -> Any:
    """One API call with a token."""
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid.uuid4().hex}
    answer = page.context.request.fetch(f"/api/v1{path}", method=method, data=body, headers=headers)
    return answer.json() if answer.ok else None


def stands(page: Page, token: str, surveyor_id: str) -> Point:
    """The middle of the smallest district of the surveyor's own branch: people of other branches are asked after him."""
    people = call(page, token, "GET", "/surveyors?limit=100")["items"]
    org_id = next(p["org_id"] for p in people if p["id"] == surveyor_id)
    areas = [a for a in call(page, token, "GET", "/areas")["items"] if a["org"]["id"] == org_id]
    return shape(min(areas, key=lambda area: area["area_m2"])["shape"]).representative_point()


def phone(browser: Browser, given: dict[str, Any], out: Path) -> None:
    """A visitor's own phone: paired, on duty, asked, accepted; and the customer's page of the same claim."""
    me = next(device for device in given["devices"] if not device["simulated"])
    dispatcher, seat = (given["users"][role]["token"] for role in ("dispatcher", "seat"))
    signed_in = signed(browser, given, "dispatcher")
    home = stands(signed_in, dispatcher, me["surveyor_id"])
    spot = {"longitude": home.x, "latitude": home.y, "accuracy": 8}
    context = browser.new_context(
        base_url=given["url"], locale="zh-CN", timezone_id="Asia/Shanghai", viewport=PHONE, device_scale_factor=2,
        is_mobile=True, has_touch=True, permissions=["geolocation"], geolocation=spot,
    )  # fmt: skip
    page = context.new_page()
    shoot(page, "/phone", out, "phone-pair")
    code = call(page, dispatcher, "POST", f"/surveyors/{me['surveyor_id']}/pairing")["code"]
    call(page, dispatcher, "POST", f"/surveyors/{me['surveyor_id']}/shift", {"on": True})
    page.goto("about:blank")  # the same page with another fragment would not load anew
    shoot(page, f"/phone#pair={code.replace('-', '')}", out, "phone-pair")
    page.get_by_role("button", name="配对这台手机").click()
    # He was elsewhere a moment ago: one fix so far away is doubted, a few that agree are believed.
    for n in range(6):
        context.set_geolocation(spot | {"longitude": spot["longitude"] + n * 1e-5})
        page.wait_for_timeout(SETTLE_MS)
    page.screenshot(path=out / "phone-home.png")
    loss = {
        "position": {"lon": home.x + 5e-4, "lat": home.y + 5e-4},
        "place": "人民路与建设路路口",
        "cause": "collision",
    }
    report = {
        "reporter": {"name": "报案人", "phone": "13800130000"},
        "loss": loss,
        "line": "motor",
        "needs": ["motor"],
    }
    claim = call(page, seat, "POST", "/claims", report)
    offer = page.get_by_role("button", name="接单", exact=False).first
    deadline = time.monotonic() + 60
    while not offer.is_visible() and time.monotonic() < deadline:
        page.wait_for_timeout(500)
    page.wait_for_timeout(3000)
    page.screenshot(path=out / "phone-offer.png")
    if offer.is_visible():
        offer.click()
        page.wait_for_timeout(8000)
        visit(page, out, given, me)
    detail = call(page, dispatcher, "GET", f"/claims/{claim['id']}")
    if detail and detail.get("customer_link"):
        shoot(page, detail["customer_link"], out, "track")


def visit(page: Page, out: Path, given: dict[str, Any], me: dict[str, Any]) -> None:
    """From the first call to the shot list, one picture a step."""
    page.screenshot(path=out / "phone-contact.png")
    page.add_init_script(
        "addEventListener('click', (e) => e.target.closest('a[href^=tel]') && e.preventDefault(), true)"
    )
    page.evaluate(
        "addEventListener('click', (e) => { if (e.target.closest('a[href^=\"tel:\"]')) e.preventDefault(); }, true)"
    )
    page.click("[data-testid=call]")
    page.wait_for_timeout(1000)
    page.screenshot(path=out / "phone-outcome.png")
    page.click("[data-testid=outcome-answered]")
    page.click("[data-testid=depart]")
    page.wait_for_selector(".sheet")
    page.wait_for_timeout(1000)
    page.screenshot(path=out / "phone-navigate.png")
    page.keyboard.press("Escape")
    jobs = call(page, me["token"], "GET", "/me/jobs") or {}
    place = next((task["position"] for task in jobs.get("tasks", []) if task.get("position")), None)
    if place:
        page.context.set_geolocation({"longitude": place["lon"], "latitude": place["lat"], "accuracy": 8})
    page.wait_for_timeout(SETTLE_MS)
    page.click("[data-testid=arrive]")
    page.wait_for_selector("[data-testid=job][data-state=on_scene]")
    dice = random.Random(5)
    scenes = Scenes(5)
    task = next(task for task in jobs["tasks"] if task.get("position"))
    for shot in list(dict.fromkeys(casework.shots_to_take(task, dice)))[:5]:
        photo = scenes.photo(task, shot, LonLat(place["lon"], place["lat"]), dice)
        files = [{"name": f"{shot}.jpg", "mimeType": "image/jpeg", "buffer": photo}]
        page.set_input_files(f"[data-testid=camera-{shot}]", files)
        page.wait_for_timeout(2500)
        if page.locator("[data-testid=keep-photo]").is_visible():
            page.click("[data-testid=keep-photo]")
    page.wait_for_timeout(SETTLE_MS)
    page.screenshot(path=out / "phone-shots.png")
    print("phone-shots")


def main() -> None:
    """Takes them all."""
    data, out = Path(sys.argv[1]), Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    given = json.loads((data / "demo.json").read_text(encoding="utf-8"))
    path = os.environ.get("CHAKAN_CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        stranger = browser.new_context(base_url=given["url"], locale="zh-CN", viewport=DESK).new_page()
        shoot(stranger, "/", out, "sign-in")
        for part in [p for p in (desk, review, phone) if not sys.argv[3:] or p.__name__ in sys.argv[3:]]:
            try:
                part(browser, given, out)
            except Exception as error:  # noqa: BLE001 - the other pictures are still wanted
                print(f"{part.__name__}: {type(error).__name__}: {error}"[:400], file=sys.stderr)
        browser.close()


if __name__ == "__main__":
    main()
