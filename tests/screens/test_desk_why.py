"""Why him, why not the nearer one: the record of a decision as a dispatcher reads it."""

import os

from sqlalchemy import select, text

from dispatch import offers
from dispatch.models import Offer
from tests import factories
from tests.screens import deskside as kit
from tests.screens.deskside import sit_down, until

LON, LAT = factories.LON, factories.LAT


def crowd(sessions):
    """A busy one next door, the best a little off, and others for whom something else speaks against."""
    with sessions() as session:
        busy = factories.surveyor(session, name="孙在手", lon=LON + 0.004)
        other = factories.claim(session, lon=LON + 0.03)
        # The site's own sweeper asks him, the only one there is.
        until(lambda: kit.asked(sessions, other.id) == [busy.id])
        offer = session.scalars(select(Offer)).one()
        actor = factories.actor(session, session.get_one(factories.Person, busy.id))
        session.commit()
        offers.accept(sessions, offer.id, busy.id, actor)
        best = factories.surveyor(session, name="赵合适", lon=LON + 0.012)
        factories.surveyor(session, name="钱多单", lon=LON + 0.011, lat=LAT + 0.002)
        session.execute(
            text("UPDATE surveyor SET silences = 3, silent_at = clock_timestamp() FROM person"
                 " WHERE person.id = surveyor.id AND person.name = '钱多单'")
        )  # fmt: skip
        factories.surveyor(session, name="李远处", lon=LON + 0.05)
        factories.surveyor(session, name="周失联", lon=LON + 0.002, age_s=900)
        factories.surveyor(session, name="吴缺证", lon=LON + 0.003, skills=("agri",))
        session.commit()
        return best.id


def test_the_dispatcher_reads_why_this_one_and_why_not_the_nearer(browser, sessions):
    best = crowd(sessions)
    desk = sit_down(browser, sessions, "dispatcher").open("live")
    with sessions() as session:
        claim = factories.claim(session)
    until(lambda: kit.asked(sessions, claim.id) == [best])
    desk.press(".job", claim.report_no)
    desk.press("[data-tab=decision]")
    desk.sees(".why-list li.on", "赵合适")
    desk.sees(".why-list li", "孙在手")
    desk.sees(".why-not", "周失联")
    desk.sees(".why-not", "位置过期")
    assert desk.page.locator(".why-list li.on .why-bar i").count() >= 1
    look(desk, "why-zh")
    desk.press(".why-others summary")
    desk.page.locator(".why-others").evaluate("e => { e.open = true }")
    desk.sees(".why-others td", "缺少资质")
    look(desk, "why-zh-others")
    desk.page.set_viewport_size({"width": 1366, "height": 768})
    desk.page.evaluate("localStorage.setItem('chakan.lang', 'en')")
    desk.page.reload()
    desk.press(".job", claim.report_no)
    desk.press("[data-tab=decision]")
    desk.sees(".why-not", "Why not the nearer one?")
    look(desk, "why-en")
    assert not desk.errors


def look(desk, name):
    """A picture for whoever wants to see (CHAKAN_PICTURES names a folder)."""
    folder = os.environ.get("CHAKAN_PICTURES")
    if folder:
        desk.page.screenshot(path=f"{folder}/{name}.png")
