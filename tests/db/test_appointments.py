"""Times agreed with the customer: moved, called off, kept when the job changes hands, never overruled unseen."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from claims import clocks
from claims.errors import TaskState
from claims.models import ClaimEvent, Clock, Escalation, Task
from core.errors import Invalid
from dispatch import assignments, day
from dispatch.errors import AppointmentMoved, NobodyHolds
from dispatch.models import Assignment
from geo.eta import Engine
from staff.models import Person
from tests import factories

M = timedelta(minutes=1)


@pytest.fixture
def desk(session):
    actor = factories.actor(session, factories.person(session, roles=("dispatcher",)))
    session.commit()
    return actor


@pytest.fixture
def job(session):
    class Job:
        def __init__(self):
            self.surveyor = factories.surveyor(session)
            self.assignment = factories.assignment(session, to=self.surveyor)
            self.task_id, self.id = self.assignment.task_id, self.surveyor.id
            self.claim_id = session.get_one(Task, self.task_id).claim_id
            self.now = self.assignment.accepted_at
            self.me = factories.actor(session, session.get_one(Person, self.id))
            session.commit()

        def held(self):
            session.expire_all()
            return session.scalars(
                select(Assignment).where(Assignment.task_id == self.task_id, Assignment.ended_at.is_(None))
            ).one()

        def arrival(self):
            session.expire_all()
            return session.scalars(
                select(Clock).where(Clock.claim_id == self.claim_id, Clock.kind == "arrival")
            ).one()

        def breach_due(self):
            return session.scalars(
                select(Escalation.due_at).where(
                    Escalation.clock_id == self.arrival().id, Escalation.stage == "breach"
                )
            ).one()

    return Job()


def test_who_takes_a_job_over_keeps_what_was_agreed_with_the_customer(session, sessions, job, desk):
    at = job.now + 240 * M
    assignments.appoint(sessions, job.task_id, job.id, at, job.me)
    other = factories.surveyor(session)
    session.commit()
    assignments.assign_by_hand(sessions, job.task_id, other.id, "换人", desk, replaces=job.id)
    assert (job.held().surveyor_id, job.held().appointment_at, job.arrival().due_at) == (other.id, at, at)
    planned = day.of(sessions, Engine(), other.id)
    assert [(visit.pinned, visit.begin_at) for visit in planned.plan.visits] == [(True, at)]


def test_a_time_that_has_passed_binds_nobody_new(session, sessions, job, desk):
    assignments.appoint(sessions, job.task_id, job.id, job.now + 5 * M, job.me)
    other = factories.surveyor(session)
    session.commit()
    assignments.assign_by_hand(sessions, job.task_id, other.id, "换人", desk, job.now + 6 * M)
    assert job.held().appointment_at is None


def test_the_desk_agrees_moves_and_calls_off(session, sessions, job, desk):
    limit = job.arrival().due_at
    first, second = job.now + 240 * M, job.now + 300 * M
    assignments.arrange(sessions, job.task_id, first, None, desk)
    assert (job.held().appointment_at, job.arrival().due_at, job.breach_due()) == (first, first, first)
    assignments.arrange(sessions, job.task_id, second, first, desk)
    assert (job.held().appointment_at, job.arrival().due_at) == (second, second)
    assignments.arrange(sessions, job.task_id, None, second, desk)
    assert (job.held().appointment_at, job.arrival().due_at, job.breach_due()) == (None, limit, limit)
    kinds = list(session.scalars(select(ClaimEvent.kind).order_by(ClaimEvent.id)))
    assert kinds[-3:] == ["task.appointed", "task.appointed", "task.appointment_off"]
    assert [p["reason"] for p in job.arrival().pauses] == ["appointment", "appointment", "appointment_off"]


def test_called_off_after_the_first_limit_has_passed_the_limit_runs_anew(sessions, job, desk):
    at = job.now + 240 * M
    assignments.arrange(sessions, job.task_id, at, None, desk)
    later = job.now + 120 * M
    assignments.arrange(sessions, job.task_id, None, at, desk, now=later)
    arrival = job.arrival()
    assert (arrival.state, arrival.due_at) == ("running", later + timedelta(seconds=arrival.limit_s))


def test_two_people_at_once_do_not_overrule_each_other_unseen(sessions, job, desk):
    first = job.now + 240 * M
    assignments.arrange(sessions, job.task_id, first, None, desk)
    assignments.arrange(sessions, job.task_id, first, None, desk)  # a second press
    with pytest.raises(AppointmentMoved):
        assignments.arrange(sessions, job.task_id, job.now + 300 * M, None, desk)
    with pytest.raises(AppointmentMoved):
        assignments.arrange(sessions, job.task_id, None, job.now + 300 * M, desk)
    assert job.held().appointment_at == first


def test_an_appointment_needs_somebody_to_keep_it_and_a_time_to_come(session, sessions, job, desk):
    with pytest.raises(Invalid):
        assignments.arrange(sessions, job.task_id, job.now - M, None, desk)
    assignments.hand_over(sessions, job.task_id, job.id, "车坏了", job.me)
    with pytest.raises(NobodyHolds):
        assignments.arrange(sessions, job.task_id, job.now + 60 * M, None, desk)


def test_on_scene_nothing_is_agreed_any_more(sessions, job, desk):
    assignments.arrive(sessions, job.task_id, job.id, job.me, reason="到了")
    with pytest.raises(TaskState):
        assignments.arrange(sessions, job.task_id, job.now + 60 * M, None, desk)


def test_where_only_the_agreement_is_the_limit_calling_off_lets_the_clock_rest(session, sessions, job):
    session.execute(
        text("DELETE FROM escalation WHERE clock_id IN (SELECT id FROM clock WHERE kind = 'arrival')")
    )
    session.execute(text("DELETE FROM clock WHERE kind = 'arrival'"))
    session.commit()
    at = job.now + 240 * M
    assignments.appoint(sessions, job.task_id, job.id, at, job.me)
    assignments.appoint(sessions, job.task_id, job.id, None, job.me, now=job.now + M)
    assert (job.arrival().state, job.arrival().stop_event) == ("void", "appointment_off")
    with sessions.begin() as s:
        assert clocks.fire_due(s, at + M) == 0 or job.arrival().breached_at is None
    assignments.appoint(sessions, job.task_id, job.id, at + 60 * M, job.me, now=job.now + 2 * M)
    assert (job.arrival().state, job.arrival().due_at, job.breach_due()) == (
        "running", at + 60 * M, at + 60 * M
    )  # fmt: skip
