"""The customer's page behind the link in the SMS."""

import re

import pytest
from sqlalchemy import select, text

from media.models import Photo
from notify.models import CustomerLink, Rating
from tests import factories
from tests.screens import phone as kit
from tests.screens.phone import LOSS, open_phone, photo, until
from tests.screens.test_phone_look import FAULTS, HAN


@pytest.fixture
def link(site, sessions):
    """A claim and the path of its customer's page."""

    def made(**given):
        of = kit.claim(sessions, **given)

        def found():
            with sessions() as session:
                return session.scalar(select(CustomerLink.slug).where(CustomerLink.claim_id == of.id))

        return of, f"/t/{until(found, what='the link')}"

    return made


@pytest.fixture
def customer(browser):
    """A page of somebody who has no account and no position to give."""

    def opened(path, **given):
        context = browser(phone=True, **given)
        context.clear_permissions()
        context.set_default_timeout(kit.PATIENCE_MS)
        page = context.new_page()
        page.goto(path)
        return page

    return opened


def step(page, wanted):
    """Looks again until the page shows that state; it asks by itself, only not as often as a test likes."""
    until(lambda: reloaded(page).get_attribute("data-state") == wanted, what=wanted)


def reloaded(page):
    page.reload()
    page.wait_for_selector("[data-testid=state]")
    return page.locator("[data-testid=state]")


def test_the_customer_sees_who_comes_and_his_place_only_while_he_is_on_his_way(
    browser, sessions, link, customer
):
    with sessions.begin() as session:
        surveyor = factories.surveyor(session, on_duty=False, lon=None, name="张建国")
    phone = open_phone(browser, sessions, surveyor=surveyor)
    phone.pair().on_duty()
    _, path = link()
    page = customer(path)
    phone.accept()
    step(page, "assigned")
    assert "张师傅" in page.inner_text("[data-testid=who]")
    assert "建国" not in page.content()
    assert page.locator("[data-testid=map]").count() == 0
    phone.ring()
    phone.state("contacted")
    phone.depart()
    phone.synced()
    step(page, "en_route")
    page.wait_for_selector("[data-testid=map] svg")
    told = page.inner_text("[data-testid=who]")
    assert re.search(r"预计 \d+ 分钟后到达", told) and "位置更新于" in told
    phone.context.set_geolocation(LOSS)
    phone.arrive()
    phone.synced()
    step(page, "on_scene")
    assert page.locator("[data-testid=map]").count() == 0
    assert "116." not in page.content() and "138" not in page.inner_text("main").replace(" ", "")


def test_own_photos_go_up_through_a_broken_line_and_are_marked_as_the_customers(
    site, sessions, link, customer
):
    of, path = link()
    page = customer(path)
    tries = []

    def cut(route, request):
        tries.append(request.method)
        if request.method == "PATCH" and tries.count("PATCH") == 2:
            return route.abort("connectionreset")
        return route.continue_()

    page.context.route(re.compile(r".*/api/v1/t/.*/uploads.*"), cut)
    mine = [photo(71, kib=1500), photo(72, kib=60)]
    files = [{"name": f"{n}.jpg", "mimeType": "image/jpeg", "buffer": one} for n, one in enumerate(mine)]
    page.set_input_files("[data-testid=pick]", files)
    page.wait_for_selector("text=已收到 2 张")
    with sessions() as session:
        stored = session.scalars(select(Photo).where(Photo.claim_id == of.id)).all()
    assert {p.sha256.hex() for p in stored} == {kit.sha256(one) for one in mine}
    assert all(p.customer for p in stored)
    assert "HEAD" in tries
    page.set_input_files(
        "[data-testid=pick]", {"name": "a.txt", "mimeType": "text/plain", "buffer": b"no photo"}
    )
    page.wait_for_selector("text=请选择照片文件")


def test_the_service_is_rated_once_when_the_survey_is_done(browser, sessions, link, customer):
    phone = open_phone(browser, sessions).pair().on_duty()
    of, path = link()
    page = customer(path)
    page.wait_for_selector("[data-testid=state]")
    assert page.locator("[data-testid=rating]").count() == 0
    phone.on_scene()
    phone.page.click("[aria-label=填写查勘报告]")
    phone.page.fill("textarea[name=summary]", "已查勘")
    phone.page.fill("textarea[name=no_photo_reason]", "客户已自行拍摄")
    phone.page.click("[data-testid=submit]")
    phone.synced()
    step(page, "surveyed")
    page.click(".stars button >> nth=3")
    page.fill("[data-testid=rating] textarea", "很耐心，谢谢")
    page.click("[data-testid=rating] button[type=submit]")
    page.wait_for_selector("[data-testid=rated]")
    reloaded(page)
    page.wait_for_selector("[data-testid=rated]")
    with sessions() as session:
        rating = session.scalars(select(Rating).where(Rating.claim_id == of.id)).one()
    assert (rating.stars, rating.comment) == (4, "很耐心，谢谢")


def test_an_expired_or_mistyped_link_says_so_kindly(site, sessions, link, customer):
    of, path = link()
    with sessions.begin() as session:
        session.execute(
            text("UPDATE customer_link SET expires_at = now() - interval '1 day' WHERE claim_id = :id"),
            {"id": of.id},
        )
    page = customer(path)
    page.wait_for_selector("[data-testid=gone]")
    assert "这个链接打不开了" in page.inner_text("main")
    page.goto("/t/nosuchlinkatall")
    page.wait_for_selector("[data-testid=gone]")


def test_what_was_seen_stays_with_its_time_when_the_network_goes(site, link, customer):
    _, path = link()
    page = customer(path)
    page.wait_for_selector("[data-testid=state]")
    page.context.set_offline(True)
    page.evaluate("window.dispatchEvent(new Event('online'))")
    page.wait_for_selector("text=网络断开")
    assert page.locator("[data-testid=state]").count() == 1


def test_it_is_complete_in_english_large_and_narrow_enough(site, sessions, link, customer):
    _, path = link(place_text="Jianshe Rd")
    page = customer(path, locale="en-GB")
    page.set_viewport_size({"width": 360, "height": 640})
    page.wait_for_selector("[data-testid=state]")
    text_ = page.inner_text("body")
    assert [line for line in text_.split("\n") if HAN.search(line) and line != "中文"] == []
    assert page.evaluate(FAULTS) == []
    page.click("[data-testid=language]")
    page.wait_for_selector("text=正在为您安排查勘员")
    assert page.evaluate(FAULTS) == []
