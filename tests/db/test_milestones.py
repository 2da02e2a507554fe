"""What is kept of settled claims tells reports the same as their rows do, and is believed only while it does."""

import random
from datetime import timedelta

import pytest
from sqlalchemy import text

from dispatch import milestones, reports
from dispatch.models import Milestone
from tests import rows
from tests.db.test_reports import AT, anybody, arrival_of, legs, minutes, story

LATER = AT + timedelta(days=2)


def keep(session, sessions, now=LATER):
    session.commit()
    return milestones.keep(sessions, 4, now)


def a_day(session):
    """Cases of every kind: kept, late, agreed for later, withdrawn, still being surveyed."""
    story(session)
    story(session, contact=12, arrival=45)
    agreed = story(session, arrival=26 * 60, submit=27 * 60, approve=28 * 60)
    arrival_of(session, agreed).pauses = [{"reason": "appointment"}]
    gone = story(session, surveyor=anybody(session))
    gone.state, gone.line = "withdrawn", "agri"
    story(session, at=AT + minutes(90), approve=None)


def test_reports_say_the_same_with_what_is_kept(session, sessions):
    a_day(session)
    before = [legs(session, by) for by in reports.GROUPS]
    assert keep(session, sessions) == 4, "the one still being surveyed is not settled"
    assert [legs(session, by) for by in reports.GROUPS] == before
    assert keep(session, sessions) == 0, "once is enough"


def test_what_is_kept_is_read_and_no_more_once_the_claim_is_open_again(session, sessions):
    claim = story(session)
    keep(session, sessions)
    session.get_one(Milestone, claim.id).contacted_at = AT + minutes(9)
    assert legs(session)[0]["report_contact"].p50_s == 540, "as kept"
    claim.state = "reopened"
    assert legs(session)[0]["report_contact"].p50_s == 360, "as its rows have it"


def test_a_claim_settled_once_more_is_counted_and_kept_anew(session, sessions):
    claim = story(session)
    keep(session, sessions)
    claim.closed_at = AT + minutes(300)
    assert legs(session)[0]["report_approve"].p50_s == 300 * 60
    assert keep(session, sessions) == 1
    session.expire_all()
    assert session.get_one(Milestone, claim.id).approved_at == AT + minutes(300)


@pytest.mark.parametrize("why", ["settled just now", "a clock runs", "somebody is at work", "not settled"])
def test_what_may_still_change_is_not_kept(session, sessions, why):
    """An adjuster may settle while the surveyor is on scene: his report comes later."""
    claim = story(session, submit=None if why == "somebody is at work" else 60)
    now = AT + minutes(200) if why == "settled just now" else LATER
    if why == "a clock runs":
        rows.clock_of(session, claim, "assessment", 60)
    if why == "somebody is at work":
        session.execute(text("UPDATE assignment SET ended_at = NULL, end_reason = NULL"))
    if why == "not settled":
        claim.state = "assessing"
    assert keep(session, sessions, now) == 0
    assert legs(session)[0]["report_contact"].count == 1


def test_percentiles_of_any_cases_are_those_of_their_list(session):
    dice = random.Random(3)
    for _ in range(25):
        cases = [dice.choice((dice.randrange(9), dice.randrange(10**5))) for _ in range(dice.randint(1, 40))]
        listed = ", ".join(f"(NULL::text, 1, {c / 10}::float8 * 10, true, false, 1)" for c in cases)
        known = "WITH leg_rows (grp, place, tenths, kept, excused, n) AS (VALUES " + listed + ")"
        row = session.execute(text(known + reports.FIGURES)).first()
        plain = session.scalar(
            text(
                "SELECT percentile_cont(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (ORDER BY c / 10.0)"
                " FROM unnest(CAST(:cases AS float8[])) AS c"
            ),
            {"cases": cases},
        )
        assert row.count == len(cases)
        assert row.percentiles == pytest.approx(plain)
