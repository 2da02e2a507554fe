"""The phone's bell: an offer is there within a second or two; without the bell asking brings it all the same."""

import re
import time

import pytest
from redis import Redis
from sqlalchemy import select

from core import live
from staff import service
from staff.models import Device
from tests.faults.proxy import Plan, Proxy
from tests.screens import phone as kit
from tests.screens.phone import open_phone

BELL = re.compile(r".*/api/v1/me/bell$")
JOBS = re.compile(r".*/api/v1/me/jobs$")
# What is proved is that no poll was waited for: with the bell the next would come after twenty seconds.
SOON_S = 8.0


@pytest.fixture
def phone(browser, sessions):
    """A phone whose requests a test may count and spoil."""
    return open_phone(browser, sessions, service_workers="block")


def hearing(phone):
    phone.page.wait_for_selector("[data-testid=sync][data-bell=true]")


def asked(phone):
    """The moments at which the phone asks for its jobs from now on."""
    times = []
    phone.page.on("request", lambda r: times.append(time.monotonic()) if JOBS.match(r.url) else None)
    return times


def test_an_offer_rings_and_is_there_and_one_withdrawn_is_gone(phone, sessions, site):
    phone.pair().on_duty()
    hearing(phone)
    phone.page.wait_for_timeout(1_000)  # a line that begins makes it look once
    times = asked(phone)
    phone.page.wait_for_timeout(6_500)
    # Nothing happens: without the bell it would have asked by now.
    assert times == []
    of = kit.claim(sessions)
    began = time.monotonic()
    phone.page.wait_for_selector("[data-testid=offer]")
    assert time.monotonic() - began < SOON_S
    dispatcher = kit.desk(site, sessions, "dispatcher", "supervisor")
    dispatcher("POST", f"/claims/{of.id}/withdraw", {"reason": "客户销案"})
    began = time.monotonic()
    phone.page.wait_for_selector("[data-testid=offer]", state="detached")
    assert time.monotonic() - began < SOON_S
    assert phone.errors == []


def test_a_bell_cut_off_by_the_network_costs_a_few_seconds_and_no_offer(phone, sessions):
    phone.page.route(BELL, lambda route: route.abort("connectionreset"))
    phone.pair().on_duty()
    phone.page.wait_for_selector("[data-testid=sync][data-bell=false]")
    kit.claim(sessions)
    phone.page.wait_for_selector("[data-testid=offer]", timeout=20_000)
    phone.page.unroute(BELL)
    phone.page.evaluate("dispatchEvent(new Event('online'))")  # what a browser says when the network is back
    hearing(phone)
    assert phone.errors == []


def test_a_line_that_broke_is_opened_again_and_what_rang_meanwhile_is_seen(browser, sessions, site):
    """The connection of the bell is torn off behind a proxy, as a mast does it on the move."""
    with Proxy(site.url, lambda n: Plan()) as proxy:
        phone = open_phone(browser, sessions, base_url=proxy.url, service_workers="block")
        phone.pair().on_duty()
        hearing(phone)
        opened = []
        phone.page.on("request", lambda r: opened.append(r.headers) if BELL.match(r.url) else None)
        proxy.cut_all()
        phone.page.wait_for_selector("[data-testid=sync][data-bell=false]")
        kit.claim(sessions)
        phone.page.wait_for_selector("[data-testid=offer]", timeout=20_000)
        hearing(phone)
        assert phone.look_until(lambda: opened) and opened[0]["last-event-id"]


def test_a_phone_taken_from_him_hears_nothing_more(phone, sessions, redis_url):
    """What the door does when the desk ends a device; the line is gone before the phone's own next question."""
    phone.pair().on_duty()
    hearing(phone)
    with sessions() as session:
        device = session.scalars(select(Device.id).where(Device.surveyor_id == phone.surveyor.id)).one()
    service.revoke_device(sessions, device, by=phone.surveyor.id)
    live.doubt_access(Redis.from_url(redis_url), phone.surveyor.id)
    phone.page.wait_for_selector("[data-testid=sync][data-bell=false]", timeout=SOON_S * 1000)
