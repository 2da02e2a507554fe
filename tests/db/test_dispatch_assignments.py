"""The accepted duty: by hand, on the way, on scene, handed in, given back, reopened."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from claims.errors import TaskState
from claims.models import Claim, ClaimEvent, Clock, Task
from core.errors import Invalid, Missing
from core.models import AuditEntry, Outbox
from dispatch import assignments, board, offers, sweep
from dispatch.errors import AlreadyAssigned, ArrivalUnproven, AtCap, NotASurveyor, NotYours
from dispatch.models import Assignment, Contact, Decision, Offer
from geo.fix import LonLat
from staff import rules
from staff.models import Person
from tests import factories

LON, LAT = factories.LON, factories.LAT
HERE = LonLat(LON, LAT)
M = timedelta(minutes=1)


@pytest.fixture
def who(session):
    def who(surveyor_id):
        actor = factories.actor(session, session.get_one(Person, surveyor_id))
        session.commit()
        return actor

    return who


@pytest.fixture
def desk(session):
    actor = factories.actor(session, factories.person(session, roles=("dispatcher",)))
    session.commit()
    return actor


@pytest.fixture
def job(session, who):
    """A job in somebody's hands: `job.task`, `job.me`, `job.id`."""

    class Job:
        def __init__(self, **given):
            self.surveyor = factories.surveyor(session, **given)
            self.assignment = factories.assignment(session, to=self.surveyor)
            self.id, self.task_id = self.surveyor.id, self.assignment.task_id
            self.me = who(self.id)
            self.claim_id = session.get_one(Task, self.task_id).claim_id

        def task(self):
            session.expire_all()
            return session.get_one(Task, self.task_id)

        def held(self):
            session.expire_all()
            return session.get_one(Assignment, self.assignment.id)

        def clock(self, kind):
            session.expire_all()
            return session.scalars(
                select(Clock).where(Clock.claim_id == self.claim_id, Clock.kind == kind)
            ).one()

        def events(self):
            rows = session.scalars(
                select(ClaimEvent.kind).where(ClaimEvent.claim_id == self.claim_id).order_by(ClaimEvent.id)
            )
            return list(rows)

    return Job


def test_the_whole_way_from_acceptance_to_the_report(session, sessions, job):
    j = job()
    assignments.contacted(sessions, j.task_id, j.id, "phone", "answered", j.me, seq=1)
    assert (j.task().state, j.clock("contact").state) == ("contacted", "met")
    assignments.depart(sessions, j.task_id, j.id, j.me)
    assert j.task().state == "en_route"
    assignments.arrive(sessions, j.task_id, j.id, j.me, position=HERE)
    assert (j.task().state, j.clock("arrival").state) == ("on_scene", "met")
    assignments.submit(sessions, j.task_id, j.id, {"summary": "左前门受损"}, j.me)
    held = j.held()
    assert (j.task().state, held.end_reason, held.report) == ("submitted", "done", {"summary": "左前门受损"})
    assert held.completed_at == held.ended_at is not None
    assert session.get_one(Claim, j.claim_id).state == "assessing"
    assert j.clock("assessment").state == "running"
    assert [k for k in j.events() if k.startswith("task.")] == [
        "task.contact_tried", "task.contacted", "task.departed", "task.arrived", "task.submitted"
    ]  # fmt: skip


@pytest.mark.parametrize("result", ["no_answer", "refused", "wrong_number"])
def test_only_an_answer_stops_the_contact_clock(sessions, job, result):
    j = job()
    assignments.contacted(sessions, j.task_id, j.id, "phone", result, j.me, seq=1)
    assert (j.task().state, j.clock("contact").state) == ("accepted", "running")


def test_the_same_contact_told_again_is_one_contact(session, sessions, job):
    j = job()
    device, _ = factories.device(session, j.surveyor)
    session.commit()
    import dataclasses

    me = dataclasses.replace(j.me, kind="device", device_id=device.id)
    for _ in range(3):
        assignments.contacted(sessions, j.task_id, j.id, "phone", "no_answer", me, seq=7)
    assignments.contacted(sessions, j.task_id, j.id, "phone", "no_answer", me, seq=8)
    assert session.scalars(select(Contact.seq).order_by(Contact.seq)).all() == [7, 8]


def test_a_contact_dated_before_the_job_is_kept_and_marked_and_the_servers_clock_counts(
    session, sessions, job
):
    j = job()
    early = j.held().accepted_at - timedelta(hours=8)
    now = j.held().accepted_at + 11 * M
    assignments.contacted(sessions, j.task_id, j.id, "phone", "answered", j.me, device_at=early, now=now)
    contact = session.scalars(select(Contact)).one()
    assert contact.marks == ["before_dispatch", "unverified"]
    assert (contact.at, contact.device_at) == (now, early)
    assert j.clock("contact").state == "breached"


@pytest.mark.parametrize(("counts", "state"), [(False, "running"), (True, "met")])
def test_a_former_assignees_call_is_kept_with_its_author_and_counts_only_by_setting(
    session, sessions, job, desk, counts, state
):
    j = job()
    other = factories.surveyor(session, lon=LON + 0.1)
    if counts:
        rules.change(session, desk.org_id, "former_contact_counts", True, by=desk.person_id)
    session.commit()
    assignments.assign_by_hand(sessions, j.task_id, other.id, "就近", desk)
    assignments.contacted(sessions, j.task_id, j.id, "phone", "answered", j.me)
    contact = session.scalars(select(Contact)).one()
    assert (contact.surveyor_id, contact.marks) == (j.id, ["not_assigned", "unverified"])
    assert (j.task().state, j.clock("contact").state) == ("accepted", state)


def test_somebody_who_never_had_the_job_does_not_know_it(session, sessions, job, who):
    j = job()
    stranger = factories.surveyor(session)
    me = who(stranger.id)
    for step in (assignments.depart, assignments.arrive):
        with pytest.raises(Missing):
            step(sessions, j.task_id, stranger.id, me)
    with pytest.raises(Missing):
        assignments.contacted(sessions, j.task_id, stranger.id, "phone", "answered", me)
    with pytest.raises(Missing):
        assignments.hand_over(sessions, j.task_id, stranger.id, "x", me)


def test_steps_of_a_job_taken_away_are_refused_with_what_happened(session, sessions, job, desk):
    j = job()
    other = factories.surveyor(session, lon=LON + 0.1)
    session.commit()
    assignments.assign_by_hand(sessions, j.task_id, other.id, "就近", desk)
    with pytest.raises(NotYours) as refused:
        assignments.depart(sessions, j.task_id, j.id, j.me)
    assert refused.value.facts == {"state": "accepted", "end_reason": "reassigned"}


def test_a_report_before_arrival_is_refused(sessions, job):
    j = job()
    with pytest.raises(TaskState) as refused:
        assignments.submit(sessions, j.task_id, j.id, {"summary": "x"}, j.me)
    assert refused.value.facts == {"state": "accepted", "wanted": "submitted"}


def test_every_step_may_be_said_twice(session, sessions, job):
    j = job()
    for _ in range(2):
        assignments.depart(sessions, j.task_id, j.id, j.me)
    for _ in range(2):
        assignments.arrive(sessions, j.task_id, j.id, j.me, position=HERE)
    for _ in range(2):
        assignments.submit(sessions, j.task_id, j.id, {"summary": "x"}, j.me)
    events = j.events()
    assert [events.count(k) for k in ("task.departed", "task.arrived", "task.submitted")] == [1, 1, 1]


def test_arriving_implies_the_departure(sessions, job):
    j = job()
    assignments.arrive(sessions, j.task_id, j.id, j.me, position=HERE)
    held = j.held()
    assert held.departed_at == held.arrived_at is not None
    assert "task.departed" not in j.events()


def test_arrival_is_proven_by_the_position_given_or_tracked(session, sessions, job):
    a = job()
    assignments.arrive(sessions, a.task_id, a.id, a.me, position=LonLat(LON + 0.003, LAT))
    assert a.held().arrival_proof == {
        "kind": "position",
        "distance_m": pytest.approx(256, abs=3),
        "source": "given",
    }
    b = job()
    assignments.arrive(sessions, b.task_id, b.id, b.me)
    assert b.held().arrival_proof["source"] == "tracked"


def test_arrival_far_away_needs_a_reason(session, sessions, job):
    j = job(lon=LON + 0.05)
    with pytest.raises(ArrivalUnproven) as refused:
        assignments.arrive(sessions, j.task_id, j.id, j.me)
    assert refused.value.facts["distance_m"] == pytest.approx(4265, abs=30)
    assert j.task().state == "accepted"
    assignments.arrive(sessions, j.task_id, j.id, j.me, reason="车辆已移至修理厂")
    assert j.held().arrival_proof["kind"] == "reason"


def test_a_minute_at_the_place_proves_an_arrival_told_later(session, sessions, job):
    j = job(lon=LON + 0.05)
    now = j.held().accepted_at + 20 * M
    session.execute(text("SELECT chakan_position_days(current_date - 1, current_date + 1)"))
    for i in range(5):
        session.execute(
            text(
                "INSERT INTO position (surveyor_id, fixed_at, device_id, received_at, lon, lat, accuracy_m, source)"
                " VALUES (:id, :at, 1, :at, :lon, :lat, 10, 'phone')"
            ),
            {"id": j.id, "at": now - timedelta(seconds=600 - 20 * i), "lon": LON, "lat": LAT},
        )
    session.commit()
    assignments.arrive(sessions, j.task_id, j.id, j.me, position=LonLat(LON + 0.05, LAT), now=now)
    assert j.held().arrival_proof["kind"] == "dwell"


def test_an_appointment_moves_the_arrival_clock_only(sessions, job):
    j = job()
    before = j.clock("contact").due_at
    at = j.held().accepted_at + 240 * M
    assignments.appoint(sessions, j.task_id, j.id, at, j.me)
    assert (j.clock("arrival").due_at, j.clock("contact").due_at, j.held().appointment_at) == (at, before, at)


def test_an_appointment_lies_ahead_and_within_a_month(sessions, job):
    j = job()
    now = j.held().accepted_at
    for at in (now - M, now, now + timedelta(days=31)):
        with pytest.raises(Invalid):
            assignments.appoint(sessions, j.task_id, j.id, at, j.me, now=now)


def test_handing_over_asks_somebody_else_and_keeps_the_first_contact(session, sessions, job):
    j = job()
    other = factories.surveyor(session, lon=LON + 0.1)
    session.commit()
    assignments.contacted(sessions, j.task_id, j.id, "phone", "answered", j.me)
    assignments.hand_over(sessions, j.task_id, j.id, "车坏了", j.me)
    assignments.hand_over(sessions, j.task_id, j.id, "车坏了", j.me)
    assert (j.task().state, j.held().end_reason, j.clock("contact").state) == (
        "pending",
        "handed_over",
        "met",
    )
    sweep.tick(sessions)
    asked = session.scalars(
        select(Offer).where(Offer.task_id == j.task_id).order_by(Offer.id.desc()).limit(1)
    ).one()
    assert (asked.surveyor_id, asked.state) == (other.id, "open")
    assert j.events().count("task.handed_over") == 1


def test_a_dispatcher_gives_the_job_to_a_person_with_a_reason(session, sessions, desk):
    near = factories.surveyor(session)
    far = factories.surveyor(session, lon=LON + 0.1)
    claim = factories.claim(session)
    sweep.tick(sessions)
    task = factories.task_of(session, claim)
    assignment_id = assignments.assign_by_hand(sessions, task.id, far.id, "客户指定", desk)
    session.expire_all()
    held = session.get_one(Assignment, assignment_id)
    assert (held.surveyor_id, held.assigned_by, held.reason, held.offer_id) == (
        far.id,
        desk.person_id,
        "客户指定",
        None,
    )
    assert session.scalars(select(Offer.state)).one() == "withdrawn"
    assert factories.task_of(session, claim).state == "accepted"
    record = session.scalars(select(Decision).where(Decision.kind == "manual")).one()
    said = {int(c["surveyor_id"]): (c["outcome"], c["reason"]) for c in record.candidates}
    assert said[far.id] == ("chosen", "by_hand")
    assert said[near.id][0] == "passed_over"
    assert (record.made_by, record.reason) == (desk.person_id, "客户指定")
    assert session.scalars(select(AuditEntry.action)).all().count("task.assigned") == 1
    assert "task.assigned" in session.scalars(select(Outbox.event)).all()


def test_a_manual_assignment_needs_a_reason_a_surveyor_and_a_free_place(session, sessions, desk):
    full = factories.surveyor(session, max_open=0)
    claim = factories.claim(session)
    rival = factories.person(session, roles=("seat",))
    session.commit()
    task = factories.task_of(session, claim)
    with pytest.raises(Invalid):
        assignments.assign_by_hand(sessions, task.id, full.id, "  ", desk)
    with pytest.raises(NotASurveyor):
        assignments.assign_by_hand(sessions, task.id, rival.id, "x", desk)
    with pytest.raises(AtCap):
        assignments.assign_by_hand(sessions, task.id, full.id, "x", desk)
    assert factories.task_of(session, claim).state == "pending"


def test_a_dispatcher_can_take_back_what_he_just_did(session, sessions, job, desk):
    j = job()
    other = factories.surveyor(session, lon=LON + 0.1)
    session.commit()
    assignments.assign_by_hand(sessions, j.task_id, other.id, "就近", desk)
    assignments.assign_by_hand(sessions, j.task_id, j.id, "撤销", desk)
    rows = session.execute(
        select(Assignment.surveyor_id, Assignment.end_reason).order_by(Assignment.accepted_at)
    ).all()
    assert [tuple(r) for r in rows] == [(j.id, "reassigned"), (other.id, "reassigned"), (j.id, None)]


def test_a_second_hand_in_the_same_moment_is_told_and_not_obeyed(session, sessions, job, desk):
    j = job()
    one, two = factories.surveyor(session), factories.surveyor(session)
    colleague = factories.actor(session, factories.person(session, roles=("dispatcher",)))
    session.commit()
    assignments.assign_by_hand(sessions, j.task_id, one.id, "甲", desk)
    with pytest.raises(AlreadyAssigned) as refused:
        assignments.assign_by_hand(sessions, j.task_id, two.id, "乙", colleague)
    assert refused.value.facts == {"surveyor_id": str(one.id)}
    assignments.assign_by_hand(sessions, j.task_id, two.id, "乙", colleague, replaces=one.id)
    with pytest.raises(AlreadyAssigned):
        assignments.assign_by_hand(sessions, j.task_id, two.id, "乙", colleague)


@pytest.mark.timeout(60)
def test_two_dispatchers_in_the_same_millisecond_make_one_assignment_each_time(session, sessions, desk):
    colleague = factories.actor(session, factories.person(session, roles=("dispatcher",)))
    one, two = factories.surveyor(session, max_open=50), factories.surveyor(session, max_open=50)
    tasks = [factories.task_of(session, factories.claim(session)).id for _ in range(12)]
    session.commit()
    for task_id in tasks:
        outcomes, gate = [], threading.Barrier(2)

        def hand(to, actor, task_id=task_id, gate=gate, outcomes=outcomes):
            gate.wait()
            try:
                assignments.assign_by_hand(sessions, task_id, to, "抢", actor)
                outcomes.append(200)
            except AlreadyAssigned:
                outcomes.append(409)

        threads = [
            threading.Thread(target=hand, args=(one.id, desk)),
            threading.Thread(target=hand, args=(two.id, colleague)),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=20)
        assert sorted(outcomes) == [200, 409]
    active = session.execute(
        select(Assignment.task_id, func.count())
        .where(Assignment.ended_at.is_(None))
        .group_by(Assignment.task_id)
    ).all()
    assert {row[1] for row in active} == {1}
    assert len(active) == 12


def test_redispatch_takes_the_job_from_its_holder_and_asks_somebody_else(session, sessions, job, desk):
    j = job()
    other = factories.surveyor(session, lon=LON + 0.1)
    session.commit()
    assignments.redispatch(sessions, j.task_id, "未联系客户", desk)
    assert (j.task().state, j.held().end_reason) == ("pending", "reassigned")
    sweep.tick(sessions)
    assert session.scalars(select(Offer.surveyor_id).where(Offer.state == "open")).one() == other.id


def test_redispatch_forgets_who_said_no(session, sessions, who, desk):
    only = factories.surveyor(session)
    offer = factories.offer(session, to=only)
    offers.decline(sessions, offer.id, only.id, "busy", who(only.id))
    sweep.tick(sessions)
    task = session.get_one(Task, offer.task_id)
    session.refresh(task)
    assert task.state == "unassigned"
    assignments.redispatch(sessions, task.id, "再问一次", desk)
    assert sweep.tick(sessions).offered == 1


def test_a_handed_in_job_cannot_be_assigned_or_sent_out_again(session, sessions, job, desk):
    j = job()
    other = factories.surveyor(session)
    session.commit()
    assignments.arrive(sessions, j.task_id, j.id, j.me, position=HERE)
    assignments.submit(sessions, j.task_id, j.id, {"summary": "x"}, j.me)
    with pytest.raises(TaskState):
        assignments.assign_by_hand(sessions, j.task_id, other.id, "x", desk)
    with pytest.raises(TaskState):
        assignments.redispatch(sessions, j.task_id, "x", desk)


def hand_in(sessions, j):
    assignments.arrive(sessions, j.task_id, j.id, j.me, position=HERE)
    assignments.submit(sessions, j.task_id, j.id, {"summary": "x"}, j.me)


def test_a_photo_sent_back_gives_the_job_back_whatever_his_load(session, sessions, job, desk):
    j = job(max_open=1)
    hand_in(sessions, j)
    busy = factories.claim(session)
    assignments.assign_by_hand(sessions, factories.task_of(session, busy).id, j.id, "x", desk)
    first = j.held().completed_at
    again = assignments.reopen_for_retake(sessions, j.task_id, desk)
    assert again == j.assignment.id == assignments.reopen_for_retake(sessions, j.task_id, desk)
    held = j.held()
    assert (j.task().state, held.ended_at, held.end_reason, held.completed_at) == (
        "returned",
        None,
        None,
        first,
    )
    assert board.surveyor_card(session, j.id)["open_jobs"] == 1
    assert j.events().count("task.returned") == 1
    assignments.submit(sessions, j.task_id, j.id, {"summary": "补拍"}, j.me)
    assert (j.task().state, j.held().end_reason, j.held().completed_at) == ("submitted", "done", first)
    assert j.held().report == {"summary": "补拍"}


def test_a_photo_sent_back_while_he_is_on_scene_changes_nothing_about_the_job(sessions, job, desk):
    j = job()
    assignments.arrive(sessions, j.task_id, j.id, j.me, position=HERE)
    assert assignments.reopen_for_retake(sessions, j.task_id, desk) == j.assignment.id
    assert j.task().state == "on_scene"


def test_handing_in_frees_a_place_and_the_oldest_waiting_job_takes_it(session, sessions, job):
    j = job(max_open=1)
    waiting = factories.claim(session)
    sweep.tick(sessions)
    assert factories.task_of(session, waiting).state == "unassigned"
    session.execute(text("UPDATE task SET next_try_at = now() WHERE state = 'unassigned'"))
    session.commit()
    hand_in(sessions, j)
    sweep.tick(sessions)
    assert factories.task_of(session, waiting).state == "offered"


def test_a_job_settled_elsewhere_leaves_nobodys_hands_full(session, sessions, job):
    j = job()
    session.execute(text("UPDATE task SET state = 'approved' WHERE id = :id"), {"id": j.task_id})
    session.commit()
    assert sweep.tick(sessions).closed == 1
    assert (j.held().end_reason, j.held().ended_at is None) == ("done", False)


def test_withdrawing_a_claim_frees_its_surveyor(session, sessions, job, desk):
    j = job()
    assignments.withdraw(sessions, j.claim_id, "客户销案", desk)
    assert (j.task().state, j.held().end_reason) == ("cancelled", "cancelled")
    assert board.surveyor_card(session, j.id)["open_jobs"] == 0


@pytest.mark.parametrize(
    "attack",
    ["INSERT INTO assignment (task_id, surveyor_id, accepted_at) VALUES (:task, :one, now())",
     "UPDATE assignment SET ended_at = NULL, completed_at = NULL WHERE task_id = :task"],
)  # fmt: skip
def test_direct_sql_cannot_make_a_second_active_assignment(session, sessions, job, desk, attack):
    j = job()
    other = factories.surveyor(session)
    session.commit()
    assignments.assign_by_hand(sessions, j.task_id, other.id, "x", desk)
    with pytest.raises(IntegrityError) as refused:
        session.execute(text(attack), {"task": j.task_id, "one": j.id})
    assert refused.value.orig.diag.constraint_name == "uq_assignment_active_task"


@pytest.mark.parametrize("attack", ["insert", "steal", "revive"])
def test_direct_sql_cannot_go_over_a_surveyors_cap(session, sessions, desk, attack):
    full, other = factories.surveyor(session, max_open=1), factories.surveyor(session)
    tasks = [factories.task_of(session, factories.claim(session)).id for _ in range(3)]
    taken_away = assignments.assign_by_hand(sessions, tasks[0], full.id, "x", desk)
    assignments.redispatch(sessions, tasks[0], "x", desk)
    assignments.assign_by_hand(sessions, tasks[1], full.id, "x", desk)
    others = assignments.assign_by_hand(sessions, tasks[2], other.id, "x", desk)
    sql = {
        "insert": "INSERT INTO assignment (task_id, surveyor_id, accepted_at) VALUES (:free, :full, now())",
        "steal": "UPDATE assignment SET surveyor_id = :full WHERE id = :other",
        "revive": "UPDATE assignment SET ended_at = NULL WHERE id = :ended",
    }[attack]
    with pytest.raises(IntegrityError) as refused:
        session.execute(text(sql), {"free": tasks[0], "full": full.id, "other": others, "ended": taken_away})
    assert refused.value.orig.diag.constraint_name == "ck_assignment_cap"
