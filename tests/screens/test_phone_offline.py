"""Dead zones: what is tapped and photographed without a network arrives later, in order, once, under the right name."""

import re
from datetime import datetime

import pytest
from sqlalchemy import select

from claims.models import ClaimEvent
from dispatch.models import Assignment
from media.models import Upload
from staff import service as staff
from staff.models import Device
from tests import factories
from tests.screens import phone as kit
from tests.screens.phone import open_phone, photo, until

UPLOADS = re.compile(r".*/api/v1/uploads(/.*)?$")
TASK_POSTS = re.compile(r".*/api/v1/tasks/\d+/\w+$")


@pytest.fixture
def phone(browser, sessions):
    return open_phone(browser, sessions)


@pytest.fixture
def tapped(browser, sessions):
    """A phone whose requests a test may spoil one by one: requests that pass a service worker cannot be caught."""
    return open_phone(browser, sessions, service_workers="block")


def ready(phone):
    """Until the service worker holds the whole shell."""
    phone.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    phone.page.wait_for_function(
        "() => caches.keys().then(async (names) => (await Promise.all(names.map(async (name) =>"
        " (await (await caches.open(name)).keys()).length))).reduce((a, b) => a + b, 0) >= 8)"
    )


def test_the_phone_opens_and_works_with_no_network(phone, sessions):
    phone.pair().on_duty()
    kit.claim(sessions)
    phone.accept()
    phone.synced()
    ready(phone)
    phone.offline(True)
    phone.page.goto("/phone")
    phone.page.click("[data-testid^=job-]")
    phone.state("accepted")
    assert phone.page.locator("[data-testid=clock]").count() == 1
    assert phone.page.get_attribute("[data-testid=sync]", "data-offline") == "true"
    phone.ring()
    phone.state("contacted")
    assert phone.errors == []


def test_his_first_position_waits_until_the_server_knows_that_he_is_on_duty(tapped):
    """Sent before, it was refused as off duty, and a phone that stands still has no second one."""
    phone = tapped.pair()
    held = []
    phone.page.route("**/api/v1/me/shift", lambda route: held.append(route))
    phone.page.click("[data-testid=duty][aria-checked=false]")
    phone.page.wait_for_selector("[data-testid=tracking].green")
    phone.page.wait_for_timeout(3_000)  # longer than a round of the phone takes
    assert held and not phone.heard_of()
    held[0].continue_()
    phone.look_until(phone.heard_of, what="his first position at the server")


def test_his_word_given_in_a_basement_counts_from_the_tap_and_is_taken_back(phone, sessions):
    phone.pair().on_duty()
    kit.claim(sessions)
    phone.on_scene()
    phone.offline(True)
    phone.page.click("[data-testid=done-in-20]")
    phone.page.wait_for_selector("[data-testid=done-by].said")
    phone.waiting(1)
    said = phone.page.get_attribute("[data-testid=done-by]", "data-said")
    phone.offline(False)
    phone.synced()
    with sessions.begin() as session:
        held = session.scalars(select(Assignment)).one()
        assert abs((held.done_by_at - datetime.fromisoformat(said)).total_seconds()) < 0.01
        assert (held.done_by_at - held.done_said_at).total_seconds() == 1200
    phone.page.click("[data-testid=done-change]")
    phone.page.click("[data-testid=done-in-40]")
    phone.page.wait_for_selector(f"[data-testid=done-by].said:not([data-said='{said}'])")
    phone.page.click("[data-testid=done-undo]")
    phone.page.wait_for_selector(f"[data-testid=done-by][data-said='{said}']")
    phone.synced()
    with sessions.begin() as session:
        assert session.scalars(select(Assignment.done_by_at)).one() == datetime.fromisoformat(said)
    assert phone.errors == []


def test_it_can_be_installed(phone):
    page = phone.page
    page.goto("/phone")
    manifest = page.evaluate("fetch(document.querySelector('link[rel=manifest]').href).then((a) => a.json())")
    assert manifest["start_url"] == manifest["scope"] == "/phone" and manifest["display"] == "standalone"
    assert {icon["purpose"] for icon in manifest["icons"]} == {"any", "maskable"}
    for icon in manifest["icons"]:
        width = page.evaluate(
            "(src) => new Promise((done) => { const i = new Image(); i.onload = () => done(i.naturalWidth); i.src = src; })",
            icon["src"],
        )
        assert f"{width}x{width}" == icon["sizes"]
    ready(phone)


def test_a_photo_cut_off_mid_upload_survives_a_reload_and_arrives_exactly_once(phone, sessions):
    phone.pair().on_duty()
    kit.claim(sessions)
    task = phone.on_scene()
    ready(phone)
    slow = {"offline": False, "latency": 100, "downloadThroughput": 2_000_000, "uploadThroughput": 150_000}
    line = phone.context.new_cdp_session(phone.page)
    line.send("Network.enable")
    line.send("Network.emulateNetworkConditions", slow)
    large = photo(31, kib=3 * 1024)
    phone.shoot("scene", large)

    def under_way():
        with sessions() as session:
            return session.scalars(select(Upload)).first()

    begun = until(under_way, what="the upload")
    phone.page.wait_for_selector(".thumb-progress")
    # In the middle of a PATCH the lift door closes; then the page is thrown away.
    phone.page.wait_for_timeout(3_000)
    phone.offline(True)
    phone.page.reload()
    phone.page.wait_for_selector("[data-testid=thumb][data-state=waiting]")
    assert kit.photos_of(sessions, task) == []
    line.detach()
    phone.offline(False)
    phone.synced()
    stored = kit.photos_of(sessions, task)
    assert [p.sha256.hex() for p in stored] == [kit.sha256(large)]
    assert stored[0].size_bytes == len(large) and stored[0].lon is not None
    with sessions() as session:
        # It went on in the transfer begun before the reload.
        assert [u.id for u in session.scalars(select(Upload))] == [begun.id]
    assert phone.page.evaluate(BLOBS) == 0


BLOBS = """() => new Promise((done) => {
  const open = indexedDB.open('chakan-phone');
  open.onsuccess = () => {
    const count = open.result.transaction('blobs').objectStore('blobs').count();
    count.onsuccess = () => { open.result.close(); done(count.result); };
  };
})"""


def test_the_original_stays_on_the_phone_until_the_server_has_it(tapped, sessions):
    tapped.pair().on_duty()
    kit.claim(sessions)
    tapped.on_scene()
    tapped.context.route(UPLOADS, lambda route: route.abort("connectionreset"))
    tapped.shoot("scene", photo(5), photo(6))
    tapped.waiting(2)
    assert tapped.page.evaluate(BLOBS) == 2
    tapped.context.unroute_all()
    tapped.synced()
    assert tapped.page.evaluate(BLOBS) == 0


def test_taps_made_offline_arrive_in_order_with_the_time_of_the_tap(phone, sessions):
    phone.pair().on_duty()
    of = kit.claim(sessions)
    task = phone.accept()
    phone.synced()
    ready(phone)
    phone.offline(True)
    phone.ring("no_answer")
    phone.waiting(1)
    phone.ring()
    phone.state("contacted")
    phone.depart()
    phone.arrive()
    phone.waiting(4)
    phone.page.reload()
    phone.state("on_scene")
    phone.waiting(4)
    phone.page.click("[data-testid=sync]")
    assert phone.page.locator("[data-testid=queue] li").count() == 4
    assert kit.contacts_of(sessions, task) == []
    phone.offline(False)
    phone.synced()
    assert [(c.result, c.seq) for c in kit.contacts_of(sessions, task)] == [("no_answer", 3), ("answered", 4)]
    with sessions() as session:
        events = session.scalars(
            select(ClaimEvent)
            .where(ClaimEvent.claim_id == of.id, ClaimEvent.device_at.is_not(None))
            .order_by(ClaimEvent.id)
        ).all()
    told = [e for e in events if e.kind.startswith("task.")]
    assert [e.kind for e in told][-2:] == ["task.departed", "task.arrived"]
    assert [e.device_at for e in told] == sorted(e.device_at for e in told)
    # The phone's time is kept beside the server's, which is the later one.
    assert all(e.device_at < e.at for e in told)


def test_a_lost_answer_is_repeated_without_a_second_effect(tapped, sessions):
    tapped.pair().on_duty()
    kit.claim(sessions)
    task = tapped.accept()
    lost = []

    def lose(route, request):
        if lost:
            return route.continue_()
        lost.append(request.headers["idempotency-key"])
        route.fetch()
        return route.abort("connectionreset")

    tapped.context.route(TASK_POSTS, lose)
    keys = []
    tapped.page.on(
        "request", lambda r: keys.append(r.headers["idempotency-key"]) if TASK_POSTS.match(r.url) else None
    )
    tapped.ring()
    # «Nothing waits» is also true in the moment before the tap is written down: ask for the effect first.
    # The browser is only heard while one of its own calls waits, hence no plain sleep.
    until(lambda: tapped.page.wait_for_timeout(200) or len(keys) >= 2, what="the repeated call")
    tapped.synced()
    assert set(keys) == set(lost)
    assert len(kit.contacts_of(sessions, task)) == 1


def test_a_captive_portal_is_no_receipt(tapped, sessions):
    tapped.pair().on_duty()
    kit.claim(sessions)
    task = tapped.accept()
    portal = "<html><body>欢迎使用免费 Wi-Fi，请登录</body></html>"
    everything = re.compile(r".*/api/v1/.*")
    tapped.context.route(
        everything, lambda route: route.fulfill(status=200, content_type="text/html", body=portal)
    )
    tapped.ring()
    tapped.waiting(1)
    tapped.page.wait_for_selector("[data-testid=sync][data-offline=true]")
    tapped.page.click("[data-testid=sync]")
    tapped.page.wait_for_selector("text=当前网络需要先登录认证")
    assert kit.contacts_of(sessions, task) == []
    tapped.context.unroute_all()
    tapped.synced()
    assert [c.result for c in kit.contacts_of(sessions, task)] == ["answered"]


def test_a_job_given_to_somebody_else_meanwhile_is_said_plainly_and_its_photos_still_come_home(
    phone, site, sessions
):
    phone.pair().on_duty()
    of = kit.claim(sessions)
    task = phone.on_scene()
    ready(phone)
    phone.offline(True)
    phone.shoot("scene", photo(41))
    phone.page.click("[aria-label=填写查勘报告]")
    phone.page.fill("textarea[name=summary]", "现场已查勘")
    phone.page.fill("textarea[name=no_photo_reason]", "没有信号")
    phone.page.click("[data-testid=submit]")
    phone.waiting(2)
    with sessions.begin() as session:
        other = factories.surveyor(session, name="王接替")
    dispatcher = kit.desk(site, sessions, "dispatcher")
    dispatcher("POST", f"/claims/{of.id}/assign", {"surveyor_id": str(other.id), "reason": "原查勘员失联"})
    phone.offline(False)
    phone.page.wait_for_selector("[data-testid=refused]")
    told = phone.page.inner_text("[data-testid=refused]")
    assert "提交查勘" in told and "任务现在的状态：已接单" in told
    phone.synced()
    stored = kit.photos_of(sessions, task)
    assert len(stored) == 1 and "after_reassign" in stored[0].flags
    assert kit.task_state(sessions, task) == "accepted"
    phone.page.click("[data-testid=refused] .button")
    phone.page.wait_for_selector("[data-testid=refused]", state="detached")
    phone.page.click("[data-testid=sync]")
    phone.page.wait_for_selector("[data-testid=log] .bad")


def test_somebody_else_on_the_phone_neither_sees_nor_sends_the_first_ones_queue(tapped, sessions):
    tapped.pair().on_duty()
    kit.claim(sessions)
    task = tapped.accept()
    tapped.synced()
    tapped.context.route(TASK_POSTS, lambda route: route.abort("connectionreset"))
    tapped.ring()
    tapped.waiting(1)
    with sessions.begin() as session:
        second = factories.surveyor(session, on_duty=False, lon=None, name="赵第二")
    tapped.page.goto(f"/phone#pair={kit.code_for(sessions, second)}")
    tapped.page.wait_for_selector(".pair form")
    tapped.page.click("form button[type=submit]")
    tapped.page.wait_for_selector("text=已封存")
    tapped.context.unroute_all()
    tapped.synced()
    tapped.page.wait_for_timeout(3_000)
    assert kit.contacts_of(sessions, task) == []
    assert tapped.page.locator("[data-testid^=job-]").count() == 0
    tapped.page.goto(f"/phone#pair={kit.code_for(sessions, tapped.surveyor)}")
    tapped.page.wait_for_selector(".pair form")
    tapped.page.click("form button[type=submit]")
    tapped.synced()
    made = until(lambda: kit.contacts_of(sessions, task), what="the first one's call")
    assert [c.surveyor_id for c in made] == [tapped.surveyor.id]


def test_an_ended_sign_in_keeps_the_queue_until_the_same_person_signs_in_again(phone, sessions):
    phone.pair().on_duty()
    kit.claim(sessions)
    task = phone.accept()
    phone.synced()
    with sessions() as session:
        device = session.scalars(select(Device).where(Device.surveyor_id == phone.surveyor.id)).one()
    staff.revoke_device(sessions, device.id, by=phone.surveyor.id)
    phone.ring()
    phone.page.wait_for_selector("text=登录已失效")
    phone.waiting(1)
    assert kit.contacts_of(sessions, task) == []
    phone.page.click("text=重新登录")
    phone.page.fill("input[name=code]", kit.code_for(sessions, phone.surveyor))
    phone.page.click("form button[type=submit]")
    phone.synced()
    assert len(until(lambda: kit.contacts_of(sessions, task), what="the queued call")) == 1


def test_a_full_phone_refuses_new_photos_and_drops_none(tapped, sessions):
    # What the browser says about its disk cannot be arranged from outside.
    tapped.context.add_init_script(
        "navigator.storage.estimate = async () => ({ usage: window.used ?? 0, quota: 100 })"
    )
    tapped.pair().on_duty()
    kit.claim(sessions)
    task = tapped.on_scene()
    tapped.context.route(UPLOADS, lambda route: route.abort("connectionreset"))
    tapped.shoot("scene", photo(61))
    tapped.waiting(1)
    tapped.page.evaluate("window.used = 85")
    tapped.shoot("vin", photo(62))
    tapped.page.wait_for_selector("text=手机存储不足")
    assert tapped.page.evaluate(BLOBS) == 1
    tapped.context.unroute_all()
    tapped.synced()
    assert [p.shot for p in kit.photos_of(sessions, task)] == ["scene"]


def test_a_phone_that_woke_up_in_1970_still_delivers(phone, sessions):
    phone.pair().on_duty()
    kit.claim(sessions)
    task = phone.accept()
    phone.synced()
    phone.page.clock.install(time=0)
    phone.page.reload()
    phone.page.clock.resume()
    phone.ring()
    made = until(lambda: kit.contacts_of(sessions, task), what="the call")
    phone.synced()
    assert [(c.result, c.device_at) for c in made] == [("answered", None)]
