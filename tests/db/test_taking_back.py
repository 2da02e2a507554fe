"""A tap on "answered" by mistake: taken back within a minute, and the contact clock goes on from where it was."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from claims import clocks
from claims.errors import TaskState
from claims.models import ClaimEvent, Clock, Escalation, Task
from core.models import Outbox
from dispatch import assignments
from dispatch.errors import NotYours, TooLateToTakeBack
from dispatch.models import Contact
from dispatch.taking_back import in_time
from staff.models import Person
from tests import factories

NOW = factories.utc(2026, 11, 22, 8)
M, S = timedelta(minutes=1), timedelta(seconds=1)


@pytest.fixture
def job(session):
    class Job:
        def __init__(self):
            factories.area(session)
            claim = factories.claim(session, now=NOW, reported_at=NOW, lon=factories.LON, lat=factories.LAT)
            self.claim_id = claim.id
            self.surveyor = factories.surveyor(session)
            self.assignment = factories.assignment(session, of=claim, to=self.surveyor)
            self.assignment.accepted_at = NOW + M
            self.task_id, self.id = self.assignment.task_id, self.surveyor.id
            self.me = factories.actor(session, session.get_one(Person, self.id))
            session.commit()

        def clock(self):
            session.expire_all()
            return session.scalars(
                select(Clock).where(Clock.claim_id == self.claim_id, Clock.kind == "contact")
            ).one()

        def rungs(self):
            rows = session.execute(
                select(Escalation.stage, Escalation.state).where(Escalation.clock_id == self.clock().id)
            )
            return {row[0]: row[1] for row in rows}

        def state(self):
            session.expire_all()
            return session.get_one(Task, self.task_id).state

    return Job()


def rings(sessions, job, at, **given):
    assignments.contacted(sessions, job.task_id, job.id, "phone", "answered", job.me, now=NOW + at, **given)


def takes_back(sessions, job, at, **given):
    assignments.take_back_answer(sessions, job.task_id, job.id, job.me, now=NOW + at, **given)


def test_the_clock_goes_on_from_where_it_was_with_the_rest_of_its_ladder(session, sessions, job):
    before = job.clock().due_at
    with sessions.begin() as s:
        clocks.fire_due(s, NOW + 6 * M)
    rings(sessions, job, 7 * M)
    assert (job.state(), job.clock().state, job.rungs()["breach"]) == ("contacted", "met", "void")
    takes_back(sessions, job, 7 * M + 40 * S)
    clock = job.clock()
    assert (job.state(), clock.state, clock.stopped_at, clock.stop_event, clock.due_at) == (
        "accepted", "running", None, None, before
    )  # fmt: skip
    assert job.rungs() == {
        "warn_1": "fired",
        "warn_2": "waiting",
        "breach": "waiting",
        "branch_head": "waiting",
    }
    with sessions.begin() as s:
        clocks.fire_due(s, NOW + 10 * M)
    assert (job.clock().state, job.clock().breached_at) == ("breached", before)


def test_the_call_stays_on_record_marked_and_the_next_one_counts(session, sessions, job):
    rings(sessions, job, 2 * M, seq=1)
    takes_back(sessions, job, 2 * M + 10 * S)
    call = session.scalars(select(Contact)).one()
    assert (call.result, call.marks) == ("answered", ["unverified", "taken_back"])
    kinds = list(session.scalars(select(ClaimEvent.kind).order_by(ClaimEvent.id)))
    assert kinds[-1] == "task.contact_taken_back"
    assert "task.contact_taken_back" in list(session.scalars(select(Outbox.event)))
    rings(sessions, job, 4 * M, seq=2)
    assert (job.state(), job.clock().state, job.clock().stopped_at) == ("contacted", "met", NOW + 4 * M)
    takes_back(sessions, job, 4 * M + 5 * S)
    assert (job.state(), job.clock().state) == ("accepted", "running")


def test_a_breach_stands_however_the_answer_ends(session, sessions, job):
    rings(sessions, job, 11 * M)
    assert job.clock().state == "breached"
    takes_back(sessions, job, 11 * M + 20 * S)
    assert (job.clock().state, job.clock().stopped_at) == ("breached", None)
    assert job.rungs()["branch_head"] == "waiting"


def test_after_the_minute_an_answer_stands(session, sessions, job):
    rings(sessions, job, 2 * M)
    with pytest.raises(TooLateToTakeBack):
        takes_back(sessions, job, 4 * M)
    assert (job.state(), job.clock().state) == ("contacted", "met")


def test_in_a_dead_zone_the_phones_own_clock_says_how_soon_it_was(session, sessions, job):
    rings(sessions, job, 3 * M, device_at=NOW + 2 * M)
    takes_back(sessions, job, 9 * M, device_at=NOW + 2 * M + 30 * S)
    assert (job.state(), job.clock().state) == ("accepted", "running")


def test_on_his_way_it_is_too_late_and_said_twice_is_said_once(session, sessions, job):
    rings(sessions, job, 2 * M)
    takes_back(sessions, job, 2 * M + S)
    takes_back(sessions, job, 2 * M + 2 * S)
    assert list(session.scalars(select(ClaimEvent.kind))).count("task.contact_taken_back") == 1
    rings(sessions, job, 3 * M, seq=2)
    assignments.depart(sessions, job.task_id, job.id, job.me, now=NOW + 3 * M + S)
    with pytest.raises(TaskState):
        takes_back(sessions, job, 3 * M + 2 * S)


def test_a_clock_that_another_stopped_before_stays_stopped(session, sessions, job):
    with sessions.begin() as s:
        clocks.stop_clock(s, job.claim_id, "contact", "answered", NOW + 90 * S)
    rings(sessions, job, 2 * M)
    takes_back(sessions, job, 2 * M + S)
    assert (job.state(), job.clock().state, job.clock().stopped_at) == ("accepted", "met", NOW + 90 * S)


def test_who_no_longer_holds_the_job_takes_nothing_back(session, sessions, job):
    rings(sessions, job, 2 * M)
    assignments.hand_over(sessions, job.task_id, job.id, "车坏了", job.me, now=NOW + 2 * M + S)
    with pytest.raises(NotYours):
        takes_back(sessions, job, 2 * M + 2 * S)
    assert job.clock().state == "met"


@pytest.mark.parametrize(
    ("after", "tapped", "device", "may"),
    [
        (60, None, None, True),
        (90, None, None, True),
        (91, None, None, False),
        (600, 0, 60, True),
        (600, 0, 61, False),
        (600, 10, 5, False),
        (901, 0, 10, False),
        (600, 0, None, False),
    ],
)
def test_how_long_an_answer_may_be_taken_back(after, tapped, device, may):
    moment = lambda s: None if s is None else NOW + s * S  # noqa: E731
    assert in_time(NOW, NOW + after * S, moment(tapped), moment(device)) is may
