"""P9: nobody is asked by a position older than the limit, however near he was and however sure the roads are of the drive."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from core import clock
from dispatch.models import Offer
from dispatch.offers import offer_next
from staff import rules
from tests import factories


def asked(sessions: Any, session: Any, claim: Any) -> list[int]:
    """Whom the machine asks for the claim's job."""
    offer_next(sessions, factories.task_of(session, claim).id)
    session.expire_all()
    return [offer.surveyor_id for offer in session.query(Offer)]


@pytest.mark.parametrize("age_s", [0, 60, 110])
def test_a_fresh_position_is_asked(sessions: Any, session: Any, age_s: float) -> None:
    near = factories.surveyor(session, age_s=age_s)
    assert asked(sessions, session, factories.claim(session)) == [near.id]


@pytest.mark.parametrize("age_s", [125, 300, 86_400])
def test_a_stale_one_never_though_he_stands_beside_the_loss_and_nobody_else_is_there(
    sessions: Any, session: Any, age_s: float
) -> None:
    factories.surveyor(session, age_s=age_s)
    assert asked(sessions, session, factories.claim(session)) == []


def test_a_fresh_one_far_away_is_asked_before_a_stale_one_next_door(sessions: Any, session: Any) -> None:
    factories.surveyor(session, age_s=150)
    far = factories.surveyor(session, lon=factories.LON + 0.08, age_s=5)
    assert asked(sessions, session, factories.claim(session)) == [far.id]


def test_a_position_that_came_late_is_as_old_as_it_was_true(sessions: Any, session: Any) -> None:
    late = factories.surveyor(session, age_s=5)
    session.flush()
    old = clock.read(session) - timedelta(seconds=180)
    session.execute(
        text("UPDATE last_position SET fixed_at = :at WHERE surveyor_id = :id"), {"at": old, "id": late.id}
    )
    session.commit()
    assert asked(sessions, session, factories.claim(session)) == []


def test_the_limit_is_the_organisations_own(sessions: Any, session: Any) -> None:
    admin = factories.person(session, roles=("admin",))
    rules.change(session, factories.default_organisation(session).id, "stale_offer_s", 60, by=admin.id)
    factories.surveyor(session, age_s=80)
    assert asked(sessions, session, factories.claim(session)) == []
