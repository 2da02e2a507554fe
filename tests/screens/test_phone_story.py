"""The surveyor's day on his phone, from the pairing code to the report."""

import pytest
from sqlalchemy import select

from claims.models import Clock
from geo.models import LastPosition
from staff.models import Device, Surveyor
from tests import factories
from tests.screens import phone as kit
from tests.screens.phone import open_phone, photo, until

REQUIRED = {
    "scene": 2, "people_car": 1, "car_front_left": 1, "car_rear_right": 1, "vin": 1, "licence_vehicle": 2,
    "licence_driver": 2, "damage_far": 1, "damage_mid": 1, "damage_close": 1,
}  # fmt: skip


@pytest.fixture
def phone(browser, sessions):
    return open_phone(browser, sessions)


def test_a_surveyor_pairs_accepts_rings_drives_and_arrives(phone, sessions):
    phone.pair().on_duty()
    of = kit.claim(sessions)
    task = phone.accept()
    phone.ring("no_answer")
    phone.page.wait_for_selector(".tried")
    phone.ring()
    phone.state("contacted")
    phone.depart()
    phone.arrive()
    phone.synced()
    assert [c.result for c in kit.contacts_of(sessions, task)] == ["no_answer", "answered"]
    done = kit.assignment_of(sessions, task)
    assert done.accepted_at < done.contacted_at < done.departed_at < done.arrived_at
    assert done.arrival_proof["kind"] == "position" and done.arrival_proof["distance_m"] <= 300
    with sessions() as session:
        clocks = {c.kind: c.state for c in session.scalars(select(Clock).where(Clock.claim_id == of.id))}
        assert clocks["contact"] == clocks["arrival"] == "met"
        assert (
            session.scalars(select(Device).where(Device.surveyor_id == phone.surveyor.id)).one().revoked_at
            is None
        )
    assert phone.errors == []


def test_the_code_of_a_scanned_link_is_filled_in_and_leaves_the_address(phone, sessions):
    phone.page.goto(f"/phone#pair={kit.code_for(sessions, phone.surveyor)}")
    phone.page.click("form button[type=submit]")
    phone.page.wait_for_selector("[data-testid=duty]")
    assert "pair" not in phone.page.url
    secrets = phone.page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie])")
    assert "token" not in secrets.lower()


def test_a_surveyor_may_also_sign_in_by_password(browser, site, sessions):
    with sessions.begin() as session:
        who = factories.person(session, roles=("surveyor",), password=factories.PASSWORD, username="lichakan")
        surveyor = session.get_one(Surveyor, who.id)
    phone = open_phone(browser, sessions, surveyor=surveyor)
    phone.page.goto("/phone")
    phone.page.click(".pair > button:last-of-type")
    phone.page.fill("input[name=username]", "lichakan")
    phone.page.fill("input[name=password]", "wrong")
    phone.page.click("form button[type=submit]")
    phone.page.wait_for_selector(".banner.error")
    phone.page.fill("input[name=password]", factories.PASSWORD)
    phone.page.click("form button[type=submit]")
    phone.page.wait_for_selector("[data-testid=duty]")
    phone.page.click("[data-testid=duty][aria-checked=false]")
    # Positions come from paired devices only; the page says so instead of looking fine.
    phone.page.wait_for_selector("[data-testid=tracking].amber")
    dispatcher = kit.desk(site, sessions, "dispatcher")
    of = kit.claim(sessions)
    dispatcher("POST", f"/claims/{of.id}/assign", {"surveyor_id": str(surveyor.id), "reason": "就近"})
    phone.page.click("[data-testid^=job-]")
    phone.ring()
    phone.state("contacted")
    phone.synced()


def test_a_declined_offer_names_its_reason_and_leaves_the_screen(phone, sessions):
    from dispatch.models import Offer

    phone.pair().on_duty()
    kit.claim(sessions)
    phone.page.wait_for_selector("[data-testid=offer]")
    phone.page.click("[data-testid=decline]")
    phone.page.click(".sheet-item >> nth=1")
    phone.page.wait_for_selector("[data-testid=offer]", state="detached")
    phone.synced()
    with sessions() as session:
        offer = session.scalars(select(Offer).order_by(Offer.id).limit(1)).one()
        assert (offer.state, offer.decline_reason) == ("declined", "too_far")


def test_positions_go_out_on_duty_and_stop_off_duty(phone, sessions):
    phone.pair().on_duty()

    def heard():
        with sessions() as session:
            return session.scalars(
                select(LastPosition).where(LastPosition.surveyor_id == phone.surveyor.id)
            ).first()

    first = until(heard, 15, "the position at the server")
    assert (round(first.lon, 4), round(first.lat, 4)) == (116.42, 39.922)
    phone.page.click("[data-testid=duty]")
    phone.page.click(".sheet .button:has-text('下岗')")
    phone.page.wait_for_selector("[data-testid=duty][aria-checked=false]")
    phone.synced()
    phone.context.set_geolocation(kit.LOSS)
    phone.page.wait_for_timeout(6_000)
    assert phone.page.locator("[data-testid=tracking]").count() == 0
    assert heard().fixed_at == first.fixed_at


def test_a_phone_that_may_not_know_its_position_says_so_and_how_to_put_it_right(phone):
    phone.context.clear_permissions()
    phone.pair()
    phone.page.click("[data-testid=duty][aria-checked=false]")
    phone.page.wait_for_selector("[data-testid=tracking].red")
    assert "定位已关闭" in phone.page.inner_text("[data-testid=tracking]")
    phone.page.click("text=怎么打开")
    assert "位置" in phone.page.inner_text(".sheet")


def test_an_arrival_far_from_the_scene_needs_a_reason(phone, sessions):
    phone.pair().on_duty()
    kit.claim(sessions)
    task = phone.accept()
    phone.ring()
    phone.state("contacted")
    phone.depart()
    phone.page.click("[data-testid=arrive]")
    phone.page.wait_for_selector(".sheet")
    phone.synced()
    assert kit.task_state(sessions, task) == "en_route"
    phone.page.click(".sheet-item >> nth=1")
    phone.state("on_scene")
    phone.synced()
    proof = kit.assignment_of(sessions, task).arrival_proof
    assert proof["kind"] == "reason" and "转移" in proof["reason"]


def test_the_shot_list_leads_to_the_report_and_a_photo_sent_back_returns_with_its_reason(
    phone, site, sessions
):
    phone.pair().on_duty()
    of = kit.claim(sessions)
    task = phone.on_scene()
    seed = 0
    for shot, count in REQUIRED.items():
        phone.shoot(shot, *(photo(seed := seed + 1, kib=40) for _ in range(count)))
        phone.page.wait_for_function(
            "([shot, n]) => document.querySelectorAll(`[data-testid=shot-${shot}] [data-testid=thumb]`).length === n",
            arg=[shot, count],
        )
    phone.page.click("[data-testid=go-report]")
    phone.page.fill("textarea[name=summary]", "追尾，前保险杠受损，与报案一致")
    phone.page.click("[data-testid=submit]")
    phone.state("submit")
    phone.synced()
    until(lambda: len(kit.photos_of(sessions, task)) == 13, what="all photographs")
    assert kit.task_state(sessions, task) == "submitted"
    assert kit.assignment_of(sessions, task).report["summary"].startswith("追尾")

    vin = next(p for p in kit.photos_of(sessions, task) if p.shot == "vin")
    adjuster = kit.desk(site, sessions, "adjuster")
    adjuster("POST", f"/review/{task}/take")
    adjuster("POST", f"/photos/{vin.id}/send_back", {"reason": "vin_unreadable", "note": "第 9 位反光"})
    phone.page.wait_for_selector("[data-testid=sent-back]")
    told = phone.page.inner_text("[data-testid=sent-back]")
    assert "车架号看不清" in told and "第 9 位反光" in told
    phone.shoot("vin", photo(900, kib=40))
    phone.page.wait_for_selector("[data-testid=sent-back]", state="detached")
    phone.page.click("[data-testid=go-report]")
    phone.page.fill("textarea[name=summary]", "已补拍车架号")
    phone.page.click("[data-testid=submit]")
    phone.synced()
    until(lambda: kit.task_state(sessions, task) == "submitted", what="submitted again")
    retake = until(
        lambda: [p for p in kit.photos_of(sessions, task) if p.shot == "vin"][1:], what="the retake"
    )[0]
    assert retake.sha256 != vin.sha256 and of.id == retake.claim_id
    # The reports left no step behind: Back on the job leads home at once.
    phone.page.go_back()
    phone.page.wait_for_selector("[data-testid=duty]")
    assert phone.errors == []


def test_a_blurred_photo_is_doubted_but_kept_when_the_surveyor_says_so(phone, sessions):
    phone.pair().on_duty()
    kit.claim(sessions)
    task = phone.on_scene()
    phone.shoot("scene", photo(7, blurred=True, kib=20))
    phone.page.wait_for_selector(".sheet .hint-photo")
    assert "模糊" in phone.page.inner_text(".sheet h2")
    phone.page.click("[data-testid=keep-photo]")
    phone.synced()
    assert len(kit.photos_of(sessions, task)) == 1


def test_shots_still_missing_need_a_reason_in_the_report(phone, sessions):
    phone.pair().on_duty()
    kit.claim(sessions)
    task = phone.on_scene()
    phone.page.click("[aria-label=填写查勘报告]")
    phone.page.fill("textarea[name=summary]", "车辆已被拖走")
    phone.page.click("[data-testid=submit]")
    phone.page.wait_for_selector(".field-error")
    assert kit.task_state(sessions, task) == "on_scene"
    phone.page.reload()
    phone.page.wait_for_function(
        "() => document.querySelector('textarea[name=summary]')?.value === '车辆已被拖走'"
    )
    phone.page.fill("textarea[name=no_photo_reason]", "车辆已被交警拖走")
    phone.page.click("[data-testid=submit]")
    phone.state("submit")
    phone.synced()
    assert kit.assignment_of(sessions, task).report["no_photo_reason"] == "车辆已被交警拖走"
