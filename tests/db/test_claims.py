"""A report taken in: one commit holds the case, its job, its clocks, its marks and the event."""

import dataclasses
import threading
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from claims import finding, queries, service
from claims.errors import ExternalNoTaken, FromTheFuture, VersionMoved
from claims.models import Claim, ClaimDuplicate, ClaimEvent, ClaimItem, Clock, Escalation, Task
from claims.service import Item, Notice
from core.errors import Invalid, Missing
from core.models import AuditEntry, Outbox
from dispatch import assignments
from geo.fix import LonLat
from staff import rules
from tests import factories

HERE = LonLat(factories.LON, factories.LAT)
NOW = factories.utc(2026, 11, 22, 8)
M = timedelta(minutes=1)


@pytest.fixture
def seat(session):
    actor = factories.actor(session, factories.person(session, roles=("seat",)))
    session.commit()
    return actor


@pytest.fixture
def take(sessions, seat):
    """Takes a report in with good defaults."""

    def take(now=NOW, actor=None, **given):
        notice = Notice(**({"reporter_phone": "13800001234", "place": HERE, "reported_at": now} | given))
        return service.open_claim(sessions, actor or seat, notice, now=now)

    return take


def clocks_of(session, claim_id):
    return {clock.kind: clock for clock in session.scalars(select(Clock).where(Clock.claim_id == claim_id))}


def test_a_report_becomes_a_claim_a_job_three_clocks_and_an_event_in_one_commit(session, take):
    opened = take(
        call_ended_at=NOW, items=(Item(plate="京a 12345"), Item(kind="third_vehicle", plate="???")), injured=1
    )
    claim = session.get_one(Claim, opened.claim_id)
    assert (claim.state, claim.reporter_phone, claim.reporter_phone_typed) == (
        "open",
        "+8613800001234",
        "13800001234",
    )
    assert claim.marks == ["odd_plate"]
    task = session.scalars(select(Task)).one()
    assert (task.id, task.state, task.next_try_at, task.priority, task.needs) == (
        opened.task_id,
        "pending",
        NOW,
        10,
        ["motor"],
    )
    assert set(clocks_of(session, claim.id)) == {"dispatch", "contact", "arrival"}
    assert [item.plate for item in session.scalars(select(ClaimItem).order_by(ClaimItem.id))] == [
        "京A12345",
        "???",
    ]
    assert [(e.event, e.payload) for e in session.scalars(select(Outbox))] == [
        ("claim.opened", {"claim_id": claim.id, "task_id": task.id})
    ]
    assert session.scalars(select(ClaimEvent.kind)).all() == ["claim.opened"]


def test_the_report_number_carries_the_date_in_china(session, take):
    late_evening = factories.utc(2026, 11, 22, 16, 30)
    assert take(now=late_evening).report_no.startswith("CK261123")
    assert take(now=NOW).report_no.startswith("CK261122")


def test_numbers_never_repeat(take):
    assert len({take().report_no for _ in range(5)}) == 5


def test_the_contact_ladder_stands_at_six_eight_ten_and_twenty_minutes(session, take):
    opened = take(reported_at=NOW - 2 * M, call_ended_at=NOW - M)
    contact = clocks_of(session, opened.claim_id)["contact"]
    assert (contact.start_event, contact.start_at, contact.due_at, contact.limit_s) == (
        "report_end",
        NOW - M,
        NOW + 9 * M,
        600,
    )
    rungs = session.scalars(
        select(Escalation).where(Escalation.clock_id == contact.id).order_by(Escalation.due_at)
    )
    assert [(r.stage, r.due_at, r.state) for r in rungs] == [
        ("warn_1", NOW + 5 * M, "waiting"),
        ("warn_2", NOW + 7 * M, "waiting"),
        ("breach", NOW + 9 * M, "waiting"),
        ("branch_head", NOW + 19 * M, "waiting"),
    ]


@pytest.mark.parametrize(("kind", "limit_min"), [("urban", 30), ("suburb", 60), ("remote", None)])
def test_the_area_sets_the_arrival_limit_and_the_branch(session, take, kind, limit_min):
    branch = factories.organisation(session)
    area = factories.area(session, kind=kind, org=branch)
    session.commit()
    opened = take()
    claim = session.get_one(Claim, opened.claim_id)
    assert (claim.area_id, claim.org_id) == (area.id, branch.id)
    arrival = clocks_of(session, claim.id).get("arrival")
    assert (arrival.limit_s if arrival else None) == (limit_min * 60 if limit_min else None)


def test_an_area_beyond_the_reporters_own_tree_takes_his_claim_only_as_a_nationwide_one(session, take):
    mine, other = factories.organisation(session), factories.organisation(session)
    factories.area(session, org=other)
    actor = factories.actor(session, factories.person(session, roles=("seat",), org=mine))
    session.commit()
    claim = session.get_one(Claim, take(actor=actor).claim_id)
    assert (claim.org_id, claim.insurer_id) == (other.id, mine.id)
    rules.change(session, mine.id, "nationwide_claims", False, by=actor.person_id)
    session.commit()
    claim = session.get_one(Claim, take(actor=actor).claim_id)
    assert (claim.org_id, claim.insurer_id) == (mine.id, None)


@pytest.mark.parametrize(
    ("start", "kinds"), [("assigned", {"dispatch", "arrival"}), ("accepted", {"dispatch", "arrival"})]
)
def test_the_start_of_the_ten_minutes_is_a_setting(session, seat, take, start, kinds):
    rules.change(session, seat.org_id, "contact_start", start, by=seat.person_id)
    session.commit()
    assert set(clocks_of(session, take().claim_id)) == kinds


def test_running_clocks_keep_their_limit_when_the_setting_changes(session, seat, take):
    before = take()
    rules.change(session, seat.org_id, "contact_limit_min", 15, by=seat.person_id)
    session.commit()
    after = take()
    assert clocks_of(session, before.claim_id)["contact"].limit_s == 600
    assert clocks_of(session, after.claim_id)["contact"].limit_s == 900


def test_a_report_keyed_in_hours_late_is_marked_and_not_born_breached(session, take):
    opened = take(reported_at=NOW - timedelta(hours=5), call_ended_at=NOW - timedelta(hours=5))
    assert opened.marks == ("backdated",)
    contact = clocks_of(session, opened.claim_id)["contact"]
    assert (contact.start_event, contact.start_at) == ("received", NOW)
    assert session.get_one(Claim, opened.claim_id).reported_at == NOW - timedelta(hours=5)


def test_a_report_twelve_minutes_late_speaks_with_one_alarm_not_three(session, take):
    opened = take(reported_at=NOW - 12 * M)
    contact = clocks_of(session, opened.claim_id)["contact"]
    states = dict(
        session.execute(
            select(Escalation.stage, Escalation.state).where(Escalation.clock_id == contact.id)
        ).all()
    )
    assert states == {"warn_1": "void", "warn_2": "void", "breach": "waiting", "branch_head": "waiting"}


def test_a_report_from_the_near_future_starts_its_clocks_now(session, take):
    opened = take(reported_at=NOW + timedelta(seconds=59))
    assert clocks_of(session, opened.claim_id)["contact"].start_at == NOW


@pytest.mark.parametrize("field", ["reported_at", "call_ended_at", "loss_at"])
def test_a_time_that_has_not_come_is_refused_by_name(take, field):
    with pytest.raises(FromTheFuture) as refused:
        take(**{field: NOW + timedelta(seconds=61)})
    assert refused.value.errors[0]["path"] == field.replace("loss_at", "loss.at")


def test_a_loss_three_days_ago_is_a_late_report(take):
    assert take(loss_at=NOW - timedelta(days=3)).marks == ("late_report",)


def test_a_claim_without_a_position_goes_to_the_dispatcher_never_to_zero_zero(session, take):
    opened = take(place=None, place_text="城东加油站附近")
    task = session.get_one(Task, opened.task_id)
    assert (task.state, task.unassigned_reason, task.next_try_at) == ("unassigned", "no_position", None)
    assert session.get_one(Claim, opened.claim_id).place is None
    assert opened.marks == ("no_position",)
    events = session.scalars(select(Outbox.event).order_by(Outbox.id)).all()
    assert events == ["claim.opened", "task.unassigned"]


@pytest.mark.parametrize(
    ("given", "path"),
    [({"place": None}, "loss.place"), ({"place": None, "place_text": "  "}, "loss.place"),
     ({"place": LonLat(0, 0)}, "loss.position"), ({"place": LonLat(39.9, 116.4)}, "loss.position"),
     ({"reporter_phone": "none"}, "reporter.phone"), ({"line": "ship"}, "line")],
)  # fmt: skip
def test_what_nobody_can_act_on_is_refused_by_field(take, session, given, path):
    with pytest.raises(Invalid) as refused:
        take(**given)
    assert refused.value.errors[0]["path"] == path
    assert session.scalar(select(Claim.id)) is None


def test_the_same_plate_phone_and_place_are_marked_and_never_merged(session, take):
    first = take(items=(Item(plate="京A12345"),), now=NOW - 30 * M, reported_at=NOW - 30 * M)
    again = take(items=(Item(plate="京a·12345"),), place=LonLat(HERE.lon + 0.002, HERE.lat))
    assert [(d.claim_id, d.reasons) for d in again.duplicates] == [
        (first.claim_id, ("near", "phone", "plate"))
    ]
    assert session.scalars(select(ClaimDuplicate.reasons)).one() == ["near", "phone", "plate"]
    assert len(session.scalars(select(Claim.id)).all()) == 2


def test_two_phones_about_one_crash_are_marked_by_place(take):
    first = take(now=NOW - 10 * M, reported_at=NOW - 10 * M)
    again = take(reporter_phone="13900005678", place=LonLat(HERE.lon + 0.001, HERE.lat))
    assert [(d.claim_id, d.reasons) for d in again.duplicates] == [(first.claim_id, ("near",))]


@pytest.mark.parametrize(
    "given",
    [{"reporter_phone": "13900005678", "place": LonLat(HERE.lon + 0.01, HERE.lat)},
     {"reporter_phone": "13900005678", "now": NOW + timedelta(hours=3)},
     {"place": LonLat(HERE.lon + 0.01, HERE.lat), "now": NOW + timedelta(hours=73)}],
)  # fmt: skip
def test_another_place_or_another_day_is_another_loss(take, given):
    take()
    assert take(**given).duplicates == ()


def test_a_withdrawn_report_and_another_branchs_report_are_no_duplicates(session, sessions, seat, take):
    gone = take()
    assignments.withdraw(sessions, gone.claim_id, "误报", seat, now=NOW)
    other = factories.organisation(session)
    stranger = factories.actor(session, factories.person(session, roles=("seat",), org=other))
    session.commit()
    assert take().duplicates == ()
    assert take(actor=stranger).duplicates == ()


def test_another_systems_number_opens_one_claim_only(session, take):
    first = take(external_no="X1")
    with pytest.raises(ExternalNoTaken) as refused:
        take(external_no="X1")
    assert refused.value.facts == {"claim_id": str(first.claim_id), "report_no": first.report_no}
    assert len(session.scalars(select(Claim.id)).all()) == 1


def test_two_systems_sending_one_number_at_once_make_one_claim(session, sessions, seat):
    outcomes, gate = [], threading.Barrier(4)

    def send():
        gate.wait()
        try:
            service.open_claim(
                sessions, seat, Notice(reporter_phone="13800001234", place=HERE, external_no="X9")
            )
            outcomes.append("opened")
        except ExternalNoTaken:
            outcomes.append("taken")

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert sorted(outcomes) == ["opened", "taken", "taken", "taken"]
    assert len(session.scalars(select(Claim.id)).all()) == 1


def test_an_amendment_changes_what_is_given_and_nothing_else(session, sessions, seat, take):
    opened = take(note="first", items=(Item(plate="bad"),))
    version = service.amend(
        sessions, seat, opened.claim_id,
        {"external_no": "R-1", "reporter_phone": "010-88886666", "items": (Item(plate="京A12345"),), "reporter_name": None},
        version=1, now=NOW,
    )  # fmt: skip
    claim = session.get_one(Claim, opened.claim_id)
    assert (version, claim.version, claim.external_no, claim.note) == (2, 2, "R-1", "first")
    assert (claim.reporter_phone, claim.marks) == ("+861088886666", [])
    assert session.scalars(select(ClaimItem.plate)).all() == ["京A12345"]
    assert "claim.amended" in session.scalars(select(Outbox.event)).all()
    assert session.scalars(select(AuditEntry.facts).where(AuditEntry.action == "claim.amended")).one() == {
        "fields": ["external_no", "items", "reporter_name", "reporter_phone"]
    }


def test_an_amendment_of_an_old_version_is_refused(sessions, seat, take):
    opened = take()
    service.amend(sessions, seat, opened.claim_id, {"note": "a"}, version=1)
    with pytest.raises(VersionMoved):
        service.amend(sessions, seat, opened.claim_id, {"note": "b"}, version=1)


def test_an_amendment_to_a_taken_number_is_refused(sessions, seat, take):
    take(external_no="X1")
    with pytest.raises(ExternalNoTaken):
        service.amend(sessions, seat, take().claim_id, {"external_no": "X1"})


def test_pinning_the_place_sends_the_job_out(session, sessions, seat, take):
    opened = take(place=None, place_text="不详")
    branch = factories.organisation(session)
    factories.area(session, org=branch)
    session.commit()
    service.amend(sessions, seat, opened.claim_id, {"place": HERE, "place_source": "gcj02"}, now=NOW + M)
    task = session.get_one(Task, opened.task_id)
    claim = session.get_one(Claim, opened.claim_id)
    assert (task.state, task.next_try_at, task.org_id) == ("pending", NOW + M, branch.id)
    assert (claim.marks, claim.place_source, claim.org_id) == ([], "gcj02", branch.id)
    place = queries.place_of(session, claim.id)
    assert place == pytest.approx(HERE)


def test_a_withdrawn_claim_ends_its_job_and_its_clocks(session, sessions, seat, take):
    opened = take()
    assignments.withdraw(sessions, opened.claim_id, "客户销案", seat, now=NOW + M)
    assignments.withdraw(sessions, opened.claim_id, "客户销案", seat, now=NOW + 2 * M)
    claim = session.get_one(Claim, opened.claim_id)
    assert (claim.state, claim.close_reason, claim.closed_at) == ("withdrawn", "客户销案", NOW + M)
    assert session.get_one(Task, opened.task_id).state == "cancelled"
    assert {c.state for c in session.scalars(select(Clock))} == {"void"}
    assert {r.state for r in session.scalars(select(Escalation))} == {"void"}
    assert session.scalars(select(Outbox.event)).all().count("claim.withdrawn") == 1


def test_a_claim_that_does_not_exist_cannot_be_amended(sessions, seat):
    with pytest.raises(Missing):
        service.amend(sessions, seat, 1, {"note": "x"})


def test_the_list_filters_by_state_text_and_broken_promise(session, take):
    a = take(items=(Item(plate="京A12345"),), place_text="长安街")
    b = take(reporter_phone="13900005678", place_text="100%_路")
    session.execute(text("UPDATE clock SET breached_at = due_at WHERE claim_id = :id"), {"id": b.claim_id})
    session.commit()

    def found(**given):
        return [row.id for row in finding.claims(session, finding.Wanted(scope="/", **given))]

    assert found() == [b.claim_id, a.claim_id]
    assert found(q="a12345") == [a.claim_id]
    assert found(q="5678") == [b.claim_id]
    assert found(q="%_") == [b.claim_id]
    assert found(breached=True) == [b.claim_id]
    assert found(breached=False) == [a.claim_id]
    assert found(state="approved") == []
    assert found(after=b.claim_id) == [a.claim_id]
    assert found(limit=1) == [b.claim_id]
    assert [row.id for row in finding.claims(session, finding.Wanted(scope="/1/"))] == []


def test_a_notice_cannot_be_changed_after_it_is_made():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Notice(reporter_phone="1").line = "agri"
