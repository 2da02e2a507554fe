"""The figures against cases whose times are known: legs, promises, what is excused, people."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from bench import reports as bench
from dispatch import reports
from media.models import Photo, PhotoReview
from notify.models import Rating
from tests import factories, rows

AT = factories.utc(2026, 11, 22, 8, 0)
START, END = AT - timedelta(days=1), AT + timedelta(days=1)


def minutes(n):
    return timedelta(minutes=n)


def story(session, *, at=AT, contact=6, arrival=25, submit=60, approve=180, surveyor=None, **given):
    """A claim that ran its whole course: offered after 1 s, accepted after 2 min, then as given (minutes; None: never)."""
    done = approve is not None
    claim = rows.claim(session, at, state="approved" if done else "surveying", **given)
    if done:
        claim.closed_at = at + minutes(approve)
    surveyor = surveyor or factories.surveyor(session)
    task = rows.task(session, claim, state="approved" if done else "accepted")
    rows.offer(
        session, task, surveyor.id, at + timedelta(seconds=1), state="accepted", settled_at=at + minutes(2)
    )
    rows.assignment(
        session,
        task,
        surveyor.id,
        at + minutes(2),
        contacted_at=None if contact is None else at + minutes(contact),
        arrived_at=None if arrival is None else at + minutes(arrival),
        completed_at=None if submit is None else at + minutes(submit),
        ended_at=at + minutes(approve) if done else None,
        end_reason="done" if done else None,
    )
    judged(session, claim, "dispatch", 5, 2)
    judged(session, claim, "contact", 10, contact)
    judged(session, claim, "arrival", 30, arrival)
    return claim


def judged(session, claim, kind, limit, stopped):
    """A clock as the sweeper leaves it: met, breached and stopped, or breached and still open."""
    late = stopped is None or stopped > limit
    clock = rows.clock_of(session, claim, kind, limit, state="breached" if late else "met")
    clock.stopped_at = None if stopped is None else claim.reported_at + minutes(stopped)
    clock.breached_at = clock.due_at if late else None
    session.flush()
    return clock


def legs(session, by="", scope="/", start=START, end=END):
    session.commit()
    found = reports.legs(session, scope, start, end, by)
    return {leg.leg: leg for leg in found.totals}, {(leg.group, leg.leg): leg for leg in found.groups}


def test_every_leg_of_a_claim_is_measured(session):
    story(session)
    totals, _ = legs(session)
    assert {name: leg.p50_s for name, leg in totals.items()} == {
        "report_offer": 1,
        "report_accept": 120,
        "report_contact": 360,
        "contact_arrival": 19 * 60,
        "report_arrival": 25 * 60,
        "arrival_submit": 35 * 60,
        "submit_approve": 7200,
        "report_approve": 10800,
    }
    assert (totals["report_contact"].judged, totals["report_contact"].kept_pct) == (1, 100.0)
    assert totals["contact_arrival"].kept is None, "no clock judges this leg"


def test_no_claims_give_every_leg_with_nothing_in_it(session):
    totals, _ = legs(session)
    assert len(totals) == 8
    assert {(leg.count, leg.p50_s, leg.kept_pct) for leg in totals.values()} == {(0, None, None)}


def test_percentiles_are_those_of_the_cases(session):
    for contact in range(1, 101):
        story(
            session,
            at=AT + timedelta(seconds=contact),
            contact=contact / 10,
            surveyor=None if contact == 1 else anybody(session),
        )
    totals, _ = legs(session)
    leg = totals["report_contact"]
    assert leg.count == 100
    assert leg.p50_s == pytest.approx(303, abs=0.1)
    assert leg.p90_s == pytest.approx(540.6, abs=0.1)
    assert leg.p99_s == pytest.approx(594.1, abs=0.1)


def anybody(session):
    return session.query(factories.Surveyor).first()


def test_a_broken_promise_counts_whether_or_not_it_was_done_later(session):
    story(session)
    story(session, contact=12)
    story(session, contact=None, arrival=None, submit=None, approve=None)
    totals, _ = legs(session)
    leg = totals["report_contact"]
    assert (leg.count, leg.judged, leg.kept, leg.kept_pct) == (2, 3, 1, 33.3)


def test_a_clock_that_still_runs_is_not_judged_yet(session):
    claim = rows.claim(session, AT)
    rows.clock_of(session, claim, "contact", 10)
    totals, _ = legs(session)
    assert (totals["report_contact"].judged, totals["report_contact"].kept_pct) == (0, None)


def arrival_of(session, claim):
    return session.query(rows.Clock).filter_by(claim_id=claim.id, kind="arrival").one()


def test_an_agreed_later_time_is_held_apart_and_not_lost(session):
    story(session)
    agreed = story(session, arrival=26 * 60, submit=27 * 60, approve=28 * 60)
    clock = arrival_of(session, agreed)
    clock.state, clock.breached_at, clock.due_at = "met", None, AT + timedelta(hours=27)
    clock.pauses = [{"reason": "appointment"}]
    totals, _ = legs(session)
    leg = totals["report_arrival"]
    assert (leg.count, leg.p99_s, leg.judged, leg.kept, leg.excused) == (1, 1500, 1, 1, 1)
    assert (totals["report_contact"].count, totals["report_contact"].excused) == (2, 0)


def test_an_agreed_time_that_was_missed_is_a_broken_promise(session):
    agreed = story(session, arrival=26 * 60, submit=27 * 60, approve=28 * 60)
    arrival_of(session, agreed).pauses = [{"reason": "appointment"}]
    totals, _ = legs(session)
    assert (
        totals["report_arrival"].judged,
        totals["report_arrival"].kept,
        totals["report_arrival"].excused,
    ) == (1, 0, 0)


def test_a_withdrawn_claim_is_excused_but_a_breach_before_it_stays(session):
    for breached in (False, True):
        claim = rows.claim(session, AT, state="withdrawn", closed_at=AT + minutes(15))
        clock = rows.clock_of(
            session, claim, "contact", 10, stopped_at=AT + minutes(15), stop_event="withdrawn"
        )
        clock.state = "breached" if breached else "void"
        clock.breached_at = clock.due_at if breached else None
    totals, _ = legs(session)
    leg = totals["report_contact"]
    assert (leg.judged, leg.kept, leg.excused) == (1, 0, 1)


def test_a_report_keyed_in_late_is_measured_from_when_we_had_it(session):
    claim = story(session)
    for clock in session.query(rows.Clock).filter_by(claim_id=claim.id):
        clock.start_event = "received"
    claim.reported_at = AT - timedelta(hours=5)
    totals, _ = legs(session)
    assert totals["report_contact"].p50_s == 360


def test_the_first_contact_counts_when_the_job_changed_hands(session):
    claim = rows.claim(session, AT)
    task = rows.task(session, claim, state="accepted")
    first, second = factories.surveyor(session), factories.surveyor(session)
    rows.assignment(
        session,
        task,
        first.id,
        AT + minutes(1),
        contacted_at=AT + minutes(5),
        ended_at=AT + minutes(9),
        end_reason="reassigned",
    )
    rows.assignment(session, task, second.id, AT + minutes(9), contacted_at=AT + minutes(12))
    totals, _ = legs(session)
    assert totals["report_contact"].p50_s == 300 and totals["report_contact"].count == 1


def test_groups_are_areas_lines_days_and_hours_of_china(session):
    area = factories.area(session, name="滨湖区")
    story(session, area_id=area.id)
    story(session, line="property", at=AT + timedelta(hours=9))  # 17:00 UTC is the next day in China
    _, by_area = legs(session, "area")
    assert {group for group, _ in by_area} == {"滨湖区", None}
    _, by_line = legs(session, "line")
    assert by_line[("property", "report_contact")].count == 1
    _, by_day = legs(session, "day")
    assert {group for group, _ in by_day} == {"2026-11-22", "2026-11-23"}
    _, by_hour = legs(session, "hour")
    assert {group for group, _ in by_hour} == {"16", "01"}
    totals, by_org = legs(session, "organisation")
    assert by_org[("总公司", "report_contact")].count == totals["report_contact"].count == 2


def test_only_ones_own_part_of_the_tree_and_the_period_count(session):
    head = factories.default_organisation(session)
    branch = factories.organisation(session, parent=head)
    story(session, org_id=branch.id)
    story(session)
    story(session, at=START - minutes(1))
    story(session, at=END)
    assert legs(session)[0]["report_contact"].count == 2
    assert legs(session, scope=branch.path)[0]["report_contact"].count == 1
    assert legs(session, scope="/999/")[0]["report_contact"].count == 0


# People


def people(session, scope="/"):
    session.commit()
    return {row["id"]: row for row in reports.people(session, scope, START, END)}


def test_a_surveyors_work_is_counted(session):
    surveyor = factories.surveyor(session, name="李勘")
    first = story(session, surveyor=surveyor)
    story(session, surveyor=surveyor, contact=12)
    other = rows.task(session, rows.claim(session, AT))
    rows.offer(session, other, surveyor.id, AT, state="declined", settled_at=AT + timedelta(seconds=10))
    rows.offer(session, other, surveyor.id, AT, state="expired", settled_at=AT + timedelta(seconds=90))
    session.add(Rating(claim_id=first.id, stars=4, at=AT + minutes(200)))
    task = session.query(rows.Task).filter_by(claim_id=first.id).one()
    for n in range(4):
        photo = Photo(
            claim_id=first.id, task_id=task.id, shot="vin", sha256=bytes([n]) * 32, object_key="k", filename="a",
            content_type="image/jpeg", size_bytes=1, width=1, height=1, person_id=surveyor.id, received_at=AT,
        )  # fmt: skip
        session.add(photo)
        session.flush()
        if n == 0:
            review = {"photo_id": photo.id, "by_id": surveyor.id, "at": AT}
            session.add(PhotoReview(verdict="sent_back", **review))
            session.add(PhotoReview(verdict="approved", **review))
    row = people(session)[str(surveyor.id)]
    assert {key: row[key] for key in ("offers", "accepted", "declined", "expired", "accepted_pct")} == {
        "offers": 4, "accepted": 2, "declined": 1, "expired": 1, "accepted_pct": 50.0,
    }  # fmt: skip
    assert row["answer_p50_s"] == 119
    assert (row["jobs"], row["completed"], row["contact_kept_pct"], row["arrival_kept_pct"]) == (
        2,
        2,
        50.0,
        100.0,
    )
    assert (row["photos"], row["photos_returned"], row["photos_returned_pct"]) == (4, 1, 25.0)
    assert (row["ratings"], row["rating_avg"]) == (1, 4.0)


def test_nobody_is_blamed_for_a_limit_broken_before_the_job_was_his_or_after_it_was_taken(session):
    claim = rows.claim(session, AT)
    task = rows.task(session, claim, state="accepted")
    early, late = factories.surveyor(session), factories.surveyor(session)
    rows.assignment(
        session, task, early.id, AT + minutes(1), ended_at=AT + minutes(4), end_reason="reassigned"
    )
    rows.assignment(session, task, late.id, AT + minutes(11), contacted_at=AT + minutes(13))
    judged(session, claim, "contact", 10, 13)
    board = people(session)
    assert board[str(early.id)]["contact_judged"] == 0 and board[str(late.id)]["contact_judged"] == 0


def test_who_held_the_job_when_the_limit_broke_is_judged(session):
    surveyor = factories.surveyor(session)
    story(session, surveyor=surveyor, contact=None, arrival=None, submit=None, approve=None)
    row = people(session)[str(surveyor.id)]
    assert (row["contact_judged"], row["contact_kept_pct"]) == (1, 0.0)


def test_a_surveyor_without_work_is_on_the_board_with_nothing(session):
    surveyor = factories.surveyor(session)
    row = people(session)[str(surveyor.id)]
    assert (row["offers"], row["accepted_pct"], row["rating_avg"]) == (0, None, None)


def test_a_board_shows_ones_own_people_only(session):
    branch = factories.organisation(session, parent=factories.default_organisation(session))
    mine, other = factories.surveyor(session, org=branch), factories.surveyor(session)
    assert set(people(session, branch.path)) == {str(mine.id)}
    assert set(people(session)) == {str(mine.id), str(other.id)}


# The plan


def touched(node):
    """How many rows a plan's nodes gave out or threw away, all told."""
    rows = (
        node["Actual Rows"]
        + node.get("Rows Removed by Filter", 0)
        + node.get("Rows Removed by Join Filter", 0)
    )
    return node["Actual Loops"] * rows + sum(touched(child) for child in node.get("Plans", ()))


@pytest.mark.parametrize("sql", [reports.legs_sql("day"), reports.PEOPLE], ids=["legs", "people"])
@pytest.mark.parametrize("counted", [False, True])
def test_the_work_grows_with_the_claims_even_where_the_planner_believes_the_tables_empty(
    session, sql, counted
):
    bench.unbelieved(session.connection(), 1_000)
    if counted:
        bench.count(session.connection())
    session.execute(reports.BY_INDEX)
    told = {"scope": "/1/%", "start": bench.START, "end": bench.END}
    plan = session.execute(text("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) " + sql), told).scalar_one()
    assert 1_000 < touched(plan[0]["Plan"]) < 150 * 1_000
    session.rollback()
