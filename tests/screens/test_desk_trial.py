"""Two people try rules of one organisation: the second sees who is at it and what, may stop it, and nothing is left behind."""

from core import clock
from dispatch.models import RuleTry
from tests import factories
from tests.screens.deskside import sit_down, until

RULE = "tr:has(.mono:text-is('offer_ttl_s'))"


def test_a_try_that_somebody_else_runs_is_named_and_can_be_stopped(browser, sessions):
    with sessions() as session:
        other = factories.person(session, roles=("admin",), name="李试算")
        running = RuleTry(
            org_id=other.org_id, asked_by=other.id, changes={"offer_ttl_s": 120}, days=7, state="running",
            attempts=1, progress=0.4, beat_at=clock.read(session),
        )  # fmt: skip
        session.add(running)
        session.commit()
        ident = running.id
    desk = sit_down(browser, sessions, "admin", "supervisor")
    desk.open("settings/rules")
    desk.sees(f"{RULE} input").fill("45")
    desk.press(f"{RULE} button", "用上周试算")
    desk.sees("dialog .banner, .dialog .banner", "李试算")
    assert desk.page.locator("button", has_text="开始试算").is_disabled()
    desk.press("button", "停止试算")
    desk.loses(".dialog .banner", "李试算")
    until(lambda: desk.page.locator("button", has_text="开始试算").is_enabled())
    with sessions() as session:
        assert session.get_one(RuleTry, ident).state == "cancelled"
    assert desk.errors == []
