"""A time agreed with the customer by the desk: what was chosen outlives a moment without network."""

import pytest
from sqlalchemy import select

from dispatch.models import Assignment
from tests import factories
from tests.screens import deskside as kit
from tests.screens.deskside import sit_down, until

pytestmark = pytest.mark.screens


def agreed(sessions):
    with sessions() as session:
        return session.scalars(select(Assignment.appointment_at)).one()


def test_the_desk_agrees_a_time_and_calls_it_off(browser, sessions):
    with sessions() as session:
        claim = factories.claim(session)
        kit.surveyor(sessions, name="赵守约")
        factories.assignment(session, of=claim)
    desk = sit_down(browser, sessions, "dispatcher")
    desk.open(f"live/claim/{claim.id}")
    desk.press("[data-action=appoint]")
    desk.sees("dialog", "赵守约")
    desk.press("dialog .row button", "2")
    chosen = desk.page.input_value("#appoint input")
    desk.context.set_offline(True)
    desk.press("dialog .primary")
    desk.sees(".toast")
    assert desk.page.input_value("#appoint input") == chosen
    assert agreed(sessions) is None
    desk.context.set_offline(False)
    # From here the claim's own reload never comes: what the desk sees next is the answer to its own deed.
    desk.page.route(f"**/api/v1/claims/{claim.id}*", lambda route: None)
    desk.press("dialog .primary")
    desk.loses("dialog")
    assert agreed(sessions) is not None
    desk.press("[data-action=appoint]", "改")
    desk.press("[data-action=appoint-off]")
    desk.loses("dialog")
    assert until(lambda: agreed(sessions) is None)
