"""The dispatcher's screen: what moves by itself, and what he moves."""

import pytest

from tests import factories
from tests.screens import deskside as kit
from tests.screens.deskside import sit_down, until


@pytest.fixture
def dispatcher(browser, sessions):
    return sit_down(browser, sessions, "dispatcher").open("live")


def test_a_new_report_appears_and_moves_along_the_board_by_itself(dispatcher, sessions):
    dispatcher.sees(".empty")
    asked = kit.surveyor(sessions, name="赵查勘")
    with sessions() as session:
        claim = factories.claim(session)
    dispatcher.sees(".group.asking .job", claim.report_no)
    dispatcher.sees(".job-who", "赵查勘")
    until(lambda: kit.asked(sessions, claim.id) == [asked.id])
    with sessions() as session:
        from dispatch import offers
        from dispatch.models import Offer

        offer = session.query(Offer).one()
        who = factories.actor(session, session.get_one(kit.Claim, claim.id) and person_of(session, asked.id))
        session.commit()
        offers.accept(sessions, offer.id, asked.id, who, None)
    dispatcher.sees(".group.accepted .job", claim.report_no)
    assert not dispatcher.errors


def person_of(session, surveyor_id):
    from staff.models import Person

    return session.get_one(Person, surveyor_id)


def test_the_map_shows_surveyors_and_jobs(dispatcher, sessions):
    kit.surveyor(sessions, name="地图人")
    with sessions() as session:
        factories.claim(session)
    dispatcher.sees(".live-map canvas")
    dispatcher.sees(".group.asking .job")
    dispatcher.press(".side [data-tab=people]")
    dispatcher.sees(".person", "地图人")


def test_a_job_is_assigned_by_picking_and_the_undo_takes_it_back(dispatcher, sessions):
    kit.surveyor(sessions, name="近的")
    far = kit.surveyor(sessions, name="远的", lon=factories.LON + 0.03)
    with sessions() as session:
        claim = factories.claim(session)
    dispatcher.press(".job", claim.report_no)
    dispatcher.press("[data-action=assign]")
    dispatcher.sees(".near", "近的")
    dispatcher.press(".near input", "")
    dispatcher.page.locator(".near", has_text="远的").locator("input").check(force=True)
    dispatcher.press("button[form=assign]")
    until(lambda: kit.holder(sessions, claim.id) == far.id)
    dispatcher.press(".toast button", "撤销")
    until(lambda: kit.holder(sessions, claim.id) is None)


def test_a_job_dragged_onto_a_surveyor_asks_for_the_reason_and_is_his(dispatcher, sessions):
    taker = kit.surveyor(sessions, name="拖给他")
    with sessions() as session:
        claim = factories.claim(session)
    job = dispatcher.sees(".job", claim.report_no)
    data = dispatcher.page.evaluate_handle("() => new DataTransfer()")
    job.dispatch_event("dragstart", {"dataTransfer": data})
    target = dispatcher.sees(".drop-tray li", "拖给他")
    target.dispatch_event("dragover", {"dataTransfer": data})
    target.dispatch_event("drop", {"dataTransfer": data})
    dispatcher.sees(".near.on", "拖给他")
    dispatcher.press("button[form=assign]")
    until(lambda: kit.holder(sessions, claim.id) == taker.id)


def test_a_claim_without_a_place_waits_for_the_dispatcher_and_goes_out_once_pinned(dispatcher, sessions):
    kit.surveyor(sessions)
    with sessions() as session:
        claim = factories.claim(session, lon=None, lat=None)
    dispatcher.press(".group.unassigned .job", claim.report_no)
    dispatcher.sees(".side .banner.error")
    dispatcher.press(".claim-actions button", "补充定位")
    dispatcher.page.fill(".pin-fields input[placeholder*=',']", f"{factories.LON},{factories.LAT}")
    dispatcher.press(".dialog footer .primary")
    until(lambda: kit.asked(sessions, claim.id))
    dispatcher.sees(".group.asking .job", claim.report_no)


def test_the_decision_names_everybody_who_was_passed_over(dispatcher, sessions):
    kit.surveyor(sessions, name="被选的")
    kit.surveyor(sessions, name="位置旧的", age_s=900)
    with sessions() as session:
        claim = factories.claim(session)
    dispatcher.press(".group.asking .job", claim.report_no)
    dispatcher.press(".drawer [data-tab=decision]")
    dispatcher.sees(".decision", "被选的")
    assert "位置过期" in (dispatcher.sees(".decision", "位置旧的").text_content() or "")


def test_a_broken_promise_is_an_alarm_until_somebody_acknowledges_it(dispatcher, sessions):
    from datetime import UTC, datetime, timedelta

    late = datetime.now(UTC) - timedelta(minutes=12)
    with sessions() as session:
        claim = factories.claim(session, reported_at=late, call_ended_at=late)
    dispatcher.sees(".job.late", claim.report_no)
    dispatcher.press(".side [data-tab=alarms]")
    before = until(lambda: dispatcher.page.locator(".alarm", has_text=claim.report_no).count())
    dispatcher.press(".alarm button", "知道了")
    until(lambda: dispatcher.page.locator(".alarm", has_text=claim.report_no).count() < before)


def test_a_lost_stream_is_said_aloud_and_the_board_goes_on_by_itself(dispatcher, sessions, site):
    dispatcher.sees(".live-sign.on")
    site.kill("live")
    try:
        dispatcher.sees(".stale-bar")
        with sessions() as session:
            claim = factories.claim(session, lon=None, lat=None)
        dispatcher.sees(".job", claim.report_no)
    finally:
        site.start("live")
    dispatcher.loses(".stale-bar")


def test_the_board_is_walked_and_left_by_keyboard(dispatcher, sessions):
    with sessions() as session:
        claims = [factories.claim(session, lon=None, lat=None) for _ in range(2)]
    for claim in claims:
        dispatcher.sees(".job", claim.report_no)
    dispatcher.page.keyboard.press("j")
    dispatcher.sees(".job.cursor:focus")
    dispatcher.page.keyboard.press("j")
    dispatcher.sees(".job.cursor:focus ~ .job, .job + .job.cursor:focus")
    dispatcher.page.keyboard.press("Enter")
    dispatcher.sees(".drawer .claim-head")
    dispatcher.page.keyboard.press("Escape")
    dispatcher.loses(".drawer")
    dispatcher.page.keyboard.press("?")
    dispatcher.sees("dialog .keys")


def test_a_seat_sees_neither_the_live_page_nor_the_settings(browser, sessions):
    seat = sit_down(browser, sessions, "seat").open("report")
    assert seat.page.locator(".top nav a").count() == 2
    seat.page.goto("/desk#/settings")
    seat.sees(".empty", "没有这个页面")
