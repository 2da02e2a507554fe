"""Catastrophe mode, coverage and a day plan in a real browser: two people switch, the day has its order, the map colours."""

import pytest

from claims.models import Catastrophe
from dispatch import offers
from dispatch.models import Offer
from staff.models import Person
from tests import factories
from tests.screens import deskside as kit
from tests.screens.deskside import sit_down, until

pytestmark = pytest.mark.screens


def taken_job(sessions, man):
    """A job he was asked for by the running sweeper and accepted; the claim's id."""
    with sessions() as session:
        claim = factories.claim(session)
    until(lambda: kit.asked(sessions, claim.id) == [man.id])
    with sessions() as session:
        offer = session.query(Offer).filter_by(state="open").one()
        who = factories.actor(session, session.get_one(Person, man.id))
        session.commit()
        offers.accept(sessions, offer.id, man.id, who)
    return claim.id


def test_two_people_switch_it_on_and_the_day_and_the_coverage_are_drawn(browser, sessions):
    man = kit.surveyor(sessions, name="赵查勘")
    first = sit_down(browser, sessions, "dispatcher").open("live")
    first.press("[data-testid=catastrophe-switch]")
    first.sees("#cat-ask")
    first.page.fill("#cat-ask input[maxlength='24']", "台风")
    first.page.fill("#cat-ask input[maxlength='200']", "暴雨内涝")
    first.press("#cat-ask button[type=submit]")
    first.sees("[data-testid=catastrophe][data-state=requested]", "等待另一人复核")
    assert first.page.locator(".cat-actions button.primary").count() == 0  # who asked cannot confirm

    second = sit_down(browser, sessions, "supervisor").open("live")
    second.press(".cat-actions button.primary")
    second.press("[data-testid=confirm-catastrophe]")
    second.sees("[data-testid=catastrophe][data-state=on]", "台风")
    with sessions() as session:
        assert session.query(Catastrophe).one().state == "on"

    taken_job(sessions, man)
    second.open(f"live/surveyor/{man.id}")
    second.sees("[data-testid=day-visit]")
    second.press("[data-testid=coverage-switch]")
    second.sees("[data-testid=coverage-panel] .cover-share")
    assert first.errors == [] and second.errors == []
