"""Whether forecasts come true, as a supervisor sees it: plot and numbers, by keyboard, in English, on a narrow screen."""

import math
import random
from datetime import timedelta

import pytest

from core import clock
from dispatch.models import Decision
from tests import factories, rows
from tests.screens.deskside import sit_down, surveyor
from tests.screens.test_desk_accessible import offences

WIDER = "() => document.querySelector('#main').scrollWidth - document.querySelector('#main').clientWidth"


def many(sessions, n=180):
    """Questions of two days whose forecasts are about right for the roads and too sure of the customers."""
    who, rng = surveyor(sessions), random.Random(3)
    with sessions() as session:
        now = clock.read(session)
        for k in range(n):
            at = now - timedelta(minutes=200 + 15 * k)
            said, chance = rng.choice([0.35, 0.62, 0.75, 0.85, 0.94]), rng.choice([0.4, 0.7, 0.92])
            mid, u = rng.uniform(300, 1_500), rng.random()
            took = mid + (0.36 if u > 0.5 else 0.26) * mid * math.log(u / (1 - u)) / math.log(9)
            line = {
                "surveyor_id": str(who.id), "outcome": "chosen", "rank": 1, "eta_s": round(mid), "soonest_s": round(mid) + 60,
                "eta_low_s": round(mid * 0.74), "eta_mid_s": round(mid), "eta_high_s": round(mid * 1.36),
                "age_s": rng.choice([4, 12, 22, 48, 90, 140]), "contact_p": said, "arrive_p": chance,
            }  # fmt: skip
            claim = rows.claim(session, at)
            task = rows.task(session, claim, state="approved")
            made = Decision(
                task_id=task.id, at=at, kind="auto", provider="roads", chosen_id=who.id, candidates=[line]
            )
            session.add(made)
            session.flush()
            offer = rows.offer(session, task, who.id, at, state="accepted", decision_id=made.id)
            left, spoken = at + timedelta(seconds=60), rng.random() < said - 0.3
            there = left + timedelta(seconds=max(30.0, took))
            rows.assignment(
                session, task, who.id, at + timedelta(seconds=20), offer_id=offer.id, departed_at=left, arrived_at=there,
                contacted_at=at + timedelta(minutes=5 if spoken else 20), ended_at=there + timedelta(hours=1), end_reason="done",
            )  # fmt: skip
            rows.clock_of(session, claim, "contact", 10)
            due = 2 if rng.random() < chance else -2
            rows.clock_of(session, claim, "arrival", 30, due_at=there + timedelta(minutes=due))
        session.commit()


@pytest.fixture
def supervisor(browser, sessions):
    return sit_down(
        browser, sessions, "supervisor", viewport={"width": 1366, "height": 768}, reduced_motion="reduce"
    )


def test_the_supervisor_sees_how_sure_was_said_and_how_often_it_came_true(supervisor, sessions):
    many(sessions)
    supervisor.open("reports")
    supervisor.press(".tabs button", "预测准不准")
    supervisor.sees(".badge", "实际观测")
    contact = supervisor.sees("[data-measure=contact]", "过于乐观")
    assert contact.get_attribute("aria-checked") == "true"
    assert supervisor.page.locator(".honesty.square circle").count() == 5
    assert supervisor.page.locator(".honest-part").first.locator("tbody tr").count() == 5
    assert "%" in supervisor.page.locator(".honesty.square title").first.text_content()
    # By keyboard: arrows choose what is judged, and the whole page follows.
    contact.focus()
    for _ in range(3):
        supervisor.page.keyboard.press("ArrowRight")
    supervisor.sees("[data-measure=drive][aria-checked=true]", "说得准")
    assert supervisor.page.evaluate("document.activeElement.dataset.measure") == "drive"
    assert supervisor.page.locator(".honesty.square circle").count() == 9
    supervisor.sees("main", "晚于区间")
    assert offences(supervisor.page) == []
    assert supervisor.page.evaluate(WIDER) <= 0
    # The address leads here again, and a narrow screen shows all of it.
    supervisor.page.set_viewport_size({"width": 390, "height": 844})
    supervisor.page.reload()
    supervisor.sees(".honesty.square")
    assert supervisor.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert supervisor.page.evaluate(WIDER) <= 0
    assert supervisor.errors == []


def test_too_few_are_not_judged_and_it_says_how_many_are_needed(supervisor, sessions):
    with sessions() as session:
        factories.claim(session)
        session.commit()
    supervisor.open("reports/forecasts")
    supervisor.sees(".empty", "至少要 30 次")
    assert supervisor.page.locator(".honesty").count() == 0
