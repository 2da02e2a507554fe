"""What decisions foretold, read beside the rows of what came of it."""

from datetime import timedelta

import pytest

from dispatch import foretold_queries
from dispatch.models import Decision
from tests import factories, rows

AT = factories.utc(2026, 11, 22, 8, 0)
START, END, NOW = AT - timedelta(days=1), AT + timedelta(days=1), AT + timedelta(days=1)
LINE = {
    "outcome": "chosen", "eta_s": 300, "soonest_s": 420, "eta_low_s": 240, "eta_mid_s": 310, "eta_high_s": 400,
    "age_s": 20, "contact_p": 0.9, "arrive_p": 0.8,
}  # fmt: skip


def minutes(n):
    return timedelta(minutes=n)


def asked(
    session, *, state="accepted", contact=6, depart=8, arrive=13, org=None, line=LINE, ended=None, **given
):
    """Asked at `AT`; minutes from then on. The contact is due after ten, the arrival after thirty."""
    surveyor = factories.surveyor(session)
    claim = rows.claim(session, AT)
    task = rows.task(session, claim, state="accepted", **({"org_id": org.id} if org else {}))
    decision = Decision(
        task_id=task.id, at=AT, kind="auto", provider="roads", chosen_id=surveyor.id,
        candidates=[{**line, "surveyor_id": str(surveyor.id)}, {"outcome": "passed_over", "surveyor_id": "1"}],
    )  # fmt: skip
    session.add(decision)
    session.flush()
    offer = rows.offer(session, task, surveyor.id, AT, state=state, decision_id=decision.id)
    if state == "accepted":
        rows.assignment(
            session, task, surveyor.id, AT + minutes(1), offer_id=offer.id,
            contacted_at=None if contact is None else AT + minutes(contact),
            departed_at=None if depart is None else AT + minutes(depart),
            arrived_at=None if arrive is None else AT + minutes(arrive),
            ended_at=None if ended is None else AT + minutes(ended), **given,
        )  # fmt: skip
    clocks = [rows.clock_of(session, claim, "contact", 10), rows.clock_of(session, claim, "arrival", 30)]
    session.flush()
    return clocks


def read(session, scope="/", now=NOW, most=100):
    return foretold_queries.read(session, scope, START, END, now, most)


def only(session, **given):
    (row,) = read(session, **given).rows
    return row


def test_a_question_that_ran_its_course_has_every_forecast_beside_its_fact(session):
    asked(session)
    row = only(session)
    assert (row.contact_p, row.contact_kept, row.arrive_p, row.arrive_kept) == (0.9, True, 0.8, True)
    assert (row.low_s, row.mid_s, row.high_s, row.wait_s) == (240, 310, 400, 120)
    assert (row.drive_s, row.arrival_s, row.age_s, row.hour) == (300, 780, 20, 16)


@pytest.mark.parametrize("state", ["declined", "expired", "unreached"])
def test_who_did_not_come_spoke_to_nobody_and_says_nothing_of_roads(session, state):
    asked(session, state=state)
    row = only(session)
    assert (row.contact_kept, row.arrive_kept, row.drive_s) == (False, None, None)


@pytest.mark.parametrize("state", ["open", "withdrawn"])
def test_a_question_taken_back_or_still_open_foretold_nothing(session, state):
    asked(session, state=state)
    assert read(session) == foretold_queries.Asked(0, 0, [])


def test_late_is_not_kept_and_not_yet_is_not_known(session):
    asked(session, contact=None, depart=None, arrive=None)
    assert only(session, now=AT + minutes(9)).contact_kept is None
    assert only(session, now=AT + minutes(11)).contact_kept is False
    assert only(session, now=AT + minutes(11)).arrive_kept is None
    assert only(session, now=AT + minutes(31)).arrive_kept is False


def test_a_job_taken_from_him_before_the_limit_is_not_held_against_the_forecast(session):
    asked(session, contact=None, depart=None, arrive=None, ended=4, end_reason="reassigned")
    row = only(session)
    assert (row.contact_kept, row.arrive_kept) == (None, None)


def test_a_visit_at_an_agreed_hour_says_nothing_of_the_drive(session):
    asked(session, appointment_at=AT + minutes(13))
    row = only(session)
    assert (row.contact_kept, row.arrive_kept, row.drive_s, row.arrival_s) == (True, None, None, None)


@pytest.mark.parametrize(
    "of", [{"pauses": [{"reason": "x"}]}, {"state": "void"}, {"stop_event": "withdrawn"}]
)
def test_a_clock_that_stood_still_judges_nothing(session, of):
    for clock in asked(session):
        for name, value in of.items():
            setattr(clock, name, value)
    session.flush()
    row = only(session)
    assert (row.contact_kept, row.arrive_kept, row.drive_s) == (None, None, 300)


def test_a_line_without_a_forecast_is_counted_and_left_out(session):
    asked(session, line={"outcome": "chosen", "eta_s": 300})
    assert (read(session).asked, read(session).rows) == (1, [])


def test_who_served_it_answers_for_the_forecast(session):
    head = factories.default_organisation(session)
    here, there = factories.organisation(session, parent=head), factories.organisation(session, parent=head)
    asked(session, org=here)
    assert read(session, scope=here.path).asked == 1
    assert read(session, scope=there.path).asked == 0


def test_of_too_many_the_same_lot_is_drawn_every_time_and_all_are_counted(session):
    for k in range(12):
        asked(session, line=LINE | {"age_s": k})
    first, again = read(session, most=5), read(session, most=5)
    assert (first.asked, first.looked_at) == (12, 5) and first == again
