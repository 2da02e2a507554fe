"""One claim from the call to the money, with everybody at his own screen and nobody reloading."""

import re

import pytest
from sqlalchemy import select

from claims.models import Claim
from media.models import PhotoReview
from tests import factories
from tests.screens import phone as phones
from tests.screens.reviewing import scene, sit_down
from tests.screens.test_phone_story import REQUIRED

UPLOADS = re.compile(r".*/api/v1/uploads(/.*)?$")
MEBIBYTE = 1024 * 1024


def heavy(jpeg: bytes, size: int) -> bytes:
    """The same photograph, as large as a real camera's: application segments hold the padding."""
    segment = b"\xff\xeb\xff\xff" + bytes(65533)
    return jpeg[:2] + segment * (size // len(segment) + 1) + jpeg[2:]


def report(seat) -> str:
    """The caller's words typed into the form; the report number that comes back."""
    page = seat.page
    page.fill("#report-phone", "13812345678")
    page.fill("[accesskey=c]", "豫A3K57P")
    page.fill("[accesskey=l]", "建设路与人民路路口，加油站对面")
    page.fill("[accesskey=z]", f"{factories.LON},{factories.LAT}")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(".after-steps .mono")
    return str(page.inner_text(".after-steps .mono >> nth=0"))


def photograph(phone) -> None:
    """Every required view; the first upload breaks off in the middle and the network goes away with it."""

    def cut(route, request):
        if request.method == "PATCH" and request.headers.get("upload-offset") != "0":
            return route.abort("connectionreset")
        return route.continue_()

    page = phone.page
    page.add_locator_handler(page.locator("[data-testid=keep-photo]"), lambda button: button.click())
    phone.context.route(UPLOADS, cut)
    with page.expect_event("requestfailed", lambda request: UPLOADS.match(request.url) is not None):
        phone.shoot("damage_close", heavy(scene("damage_close"), 2 * MEBIBYTE))
    phone.offline(True)
    phone.context.unroute(UPLOADS, cut)
    for shot, count in REQUIRED.items():
        if shot != "damage_close":
            phone.shoot(shot, *(scene(shot, str(n)) for n in range(count)))
    phone.waiting(sum(REQUIRED.values()))
    phone.offline(False)
    phone.synced()


def hand_in(phone, words: str) -> None:
    """The surveyor's report, from the shot list."""
    phone.page.click("[data-testid=go-report]")
    phone.page.fill("textarea[name=summary]", words)
    phone.page.click("[data-testid=submit]")
    phone.state("submit")
    phone.synced()


def approve_all(adjuster) -> None:
    """A until nothing waits."""
    page = adjuster.page
    while page.locator(".r-thumb.waiting").count():
        shown = page.get_attribute(".r-thumb.on", "data-verdict")
        adjuster.key("a" if shown == "waiting" else "ArrowRight")
    page.wait_for_function("() => !document.querySelector('.r-thumb.waiting')")


def settle(adjuster) -> None:
    """One damage line, typed; then the claim is approved from the keyboard."""
    page = adjuster.page
    page.click(".r-lines button:has-text('加一行')")
    page.keyboard.type("前保险杠")
    page.fill("[data-at='0-4']", "1280")
    page.wait_for_selector(".r-total:has-text('1,280.00')")
    page.wait_for_selector(".r-lines [role=status]:has-text('第 1 版')")
    page.keyboard.press("Control+Enter")
    page.click("dialog[open] footer button.primary")


@pytest.mark.timeout(400)
def test_a_claim_from_the_call_to_the_approval_on_four_screens_at_once(browser, site, sessions):
    # Maps are drawn by the processor here: small windows leave it time for everybody.
    small = {"viewport": {"width": 1024, "height": 640}, "reduced_motion": "reduce"}
    dispatcher = sit_down(browser, sessions, "/desk", ("dispatcher",), name="赵调度", **small)
    dispatcher.page.wait_for_selector(".live-sign.on")
    seat = sit_down(browser, sessions, "/desk", ("seat",), name="孙坐席", **small)
    seat.page.wait_for_selector("#report-phone")
    # Last, so that his position is young when the call comes.
    phone = phones.open_phone(browser, sessions).pair().on_duty()
    number = report(seat)
    card = f".job:has-text('{number}')"
    dispatcher.page.wait_for_selector(f".group.asking {card}")

    task = phone.accept()
    seat.page.wait_for_selector(".after-step.done:has-text('李查勘 已接单')")
    dispatcher.page.wait_for_selector(f".group.accepted {card}")
    phone.ring()
    phone.state("contacted")
    seat.page.wait_for_selector(".after-step.done:has-text('李查勘 已联系客户')")
    seat.page.context.close()
    phone.depart()
    dispatcher.page.wait_for_selector(f".group.moving {card}")
    phone.arrive()
    dispatcher.page.wait_for_selector(f".group.scene {card}")
    dispatcher.page.click(card)
    dispatcher.page.click(".drawer [role=tab]:has-text('时间线')")

    photograph(phone)
    adjuster = sit_down(browser, sessions)
    adjuster.page.wait_for_selector(f".r-row:has-text('{number}')")
    hand_in(phone, "追尾，前保险杠受损，与报案一致")
    dispatcher.page.wait_for_selector(f".group.submitted {card}")
    assert len(phones.photos_of(sessions, task)) == sum(REQUIRED.values())

    adjuster.page.click(f".r-row:has-text('{number}'):has-text('已提交')")
    adjuster.page.wait_for_selector(".r-strip li")
    adjuster.key("t")
    adjuster.page.wait_for_selector(".r-head button:has-text('放回')")
    adjuster.page.click(".r-thumb[data-shot=vin]")
    adjuster.key("r", "5")
    adjuster.page.fill("dialog textarea", "第 9 位反光")
    adjuster.key("Control+Enter")
    adjuster.page.wait_for_selector(".r-thumb.sent_back[data-shot=vin]")

    phone.page.wait_for_selector("[data-testid=sent-back]:has-text('车架号看不清'):has-text('第 9 位反光')")
    dispatcher.page.wait_for_selector(f".group.scene {card}")
    phone.shoot("vin", scene("vin", "again"))
    phone.page.wait_for_selector("[data-testid=sent-back]", state="detached")
    hand_in(phone, "已补拍车架号")
    adjuster.page.wait_for_selector(".r-thumb.waiting[data-shot=vin]:has-text('补拍')")
    adjuster.page.wait_for_selector(".r-head:has-text('已提交')")

    approve_all(adjuster)
    settle(adjuster)
    adjuster.page.wait_for_selector(".r-head:has-text('审核通过')")
    dispatcher.page.wait_for_selector(".drawer:has-text('核损通过')")
    dispatcher.page.wait_for_selector(card, state="detached")
    with sessions() as session:
        claim = session.scalars(select(Claim)).one()
        assert (claim.report_no, claim.state) == (number, "approved")
        sent_back = session.scalars(select(PhotoReview).where(PhotoReview.verdict == "sent_back")).one()
        assert sent_back.answered_by is not None and sent_back.note == "第 9 位反光"
    assert phone.errors == dispatcher.errors == seat.errors == adjuster.errors == []
