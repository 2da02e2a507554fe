"""The free moved up by the machine: only where the rule says so, nobody twice, nobody who has work."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from core import clock
from dispatch import moving, moving_up, sweep
from dispatch.coverage_map import Atlas
from dispatch.models import MoveUp
from geo.eta import Engine
from staff import rules
from tests import factories
from tests.http.test_planning import HISTORY, LAT, LON


@pytest.fixture
def town(session):
    """Reports of a month in two quarters; three people stand in the first, none in the second."""
    org = factories.default_organisation(session)
    boss = factories.person(session, name="管理员", roles=["admin"])
    for name, lon, n in (("a", LON, 300), ("b", LON + 0.03, 300)):
        session.execute(text(HISTORY), {"org": org.id, "name": name, "lon": lon, "lat": LAT, "n": n})
    people = [factories.surveyor(session, lon=LON + 0.005, name=f"张{n}") for n in "一二三"]
    session.commit()
    return org, boss, people


def ask(sessions, now=None):
    return moving_up.ask_free(sessions, Engine(), Atlas(), now)


def put_in_force(session, org, boss, **values):
    for key, value in values.items():
        rules.change(session, org.id, key, value, by=boss.id)
    session.commit()


def test_nobody_is_asked_by_the_machine_unless_a_rule_says_so(sessions, session, town):
    assert ask(sessions) == 0
    org, boss, _ = town
    put_in_force(session, org, boss, move_up="propose")
    assert ask(sessions) == 0


def test_the_free_are_asked_to_the_side_where_nobody_waits_in_the_name_of_who_saved_the_rule(
    sessions, session, town
):
    org, boss, people = town
    put_in_force(session, org, boss, move_up="ask", move_up_most=1)
    assert ask(sessions) == 1
    (move,) = session.scalars(select(MoveUp)).all()
    assert move.surveyor_id in {one.id for one in people} and move.made_by == boss.id
    assert move.lon > LON + 0.015 and move.state == "open" and move.covered_after >= move.covered_before
    entry = session.execute(text("SELECT facts FROM audit_entry WHERE action = 'move_up.asked'")).scalar_one()
    assert entry["by_rule"] is True
    # Within the same minute another sweeper asks nobody more.
    assert ask(sessions) == 0


def test_who_said_yes_counts_where_he_will_wait_and_is_not_asked_again(sessions, session, town):
    org, boss, _ = town
    put_in_force(session, org, boss, move_up="ask", move_up_most=1)
    assert ask(sessions) == 1
    (move,) = session.scalars(select(MoveUp)).all()
    moving.answer(sessions, move.id, move.surveyor_id, yes=True)
    later = clock.read(session, None) + timedelta(seconds=70)
    session.execute(text("UPDATE last_position SET fixed_at = :at, received_at = :at"), {"at": later})
    session.commit()
    ask(sessions, later)
    session.expire_all()
    asked = [one.surveyor_id for one in session.scalars(select(MoveUp)).all()]
    assert asked.count(move.surveyor_id) == 1
    far = [one for one in session.scalars(select(MoveUp)).all() if one.lon > LON + 0.02]
    assert len(far) == 1


def test_nobody_with_a_question_or_work_is_asked(sessions, session, town):
    org, boss, people = town
    factories.claim(session, lon=LON + 0.005, lat=LAT)
    session.commit()
    sweep.tick(sessions)
    put_in_force(session, org, boss, move_up="ask", move_up_most=4)
    ask(sessions)
    offered = set(session.scalars(text("SELECT surveyor_id FROM offer WHERE state = 'open'")).all())
    asked = {one.surveyor_id for one in session.scalars(select(MoveUp)).all()}
    assert len(offered) == 1 and asked and not offered & asked and asked <= {one.id for one in people}


def test_a_nearer_organisations_rule_goes_before_a_farther_ones(sessions, session, town):
    org, boss, _ = town
    below = factories.organisation(session, parent=org)
    put_in_force(session, org, boss, move_up="ask")
    put_in_force(session, below, boss, move_up="propose")
    (one,) = moving_up.where(session)
    assert one.org_id == org.id and one.holds(org.path) and not one.holds(below.path)
