"""Deadlines as rows: fired once, with their true time, whoever comes first; stopped by the server's time."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from claims import clocks
from claims.models import Claim, ClaimEvent, Clock, Escalation
from core.models import Outbox
from tests import factories

NOW = factories.utc(2026, 11, 22, 8)
M = timedelta(minutes=1)


@pytest.fixture
def claim(session):
    factories.area(session)
    return factories.claim(session, now=NOW, reported_at=NOW, lon=factories.LON, lat=factories.LAT)


def fire(sessions, now, limit=200):
    with sessions.begin() as session:
        return clocks.fire_due(session, now, limit)


def stop(sessions, claim, kind, at):
    with sessions.begin() as session:
        clocks.stop_clock(session, claim.id, kind, "answered", at)


def clock_of(session, claim, kind="contact"):
    session.expire_all()
    return session.scalars(select(Clock).where(Clock.claim_id == claim.id, Clock.kind == kind)).one()


def rungs_of(session, clock):
    rows = session.execute(select(Escalation.stage, Escalation.state).where(Escalation.clock_id == clock.id))
    return {row[0]: row[1] for row in rows}


def told(session, event="clock.breached"):
    return session.scalar(select(func.count()).select_from(Outbox).where(Outbox.event == event))


@pytest.mark.parametrize(
    ("after_min", "fired"), [(4.9, 0), (5, 1), (6, 2), (8, 3), (10, 4), (20, 5), (29.9, 5), (30, 6)]
)
def test_each_rung_fires_at_its_minute_and_not_before(sessions, claim, after_min, fired):
    assert fire(sessions, NOW + after_min * M) == fired


def test_a_rung_fires_once(session, sessions, claim):
    assert fire(sessions, NOW + 10 * M) == 4
    assert fire(sessions, NOW + 10 * M) == 0
    assert told(session, "clock.warned") == 2
    assert told(session) == 2  # dispatch and contact


def test_a_breach_keeps_its_true_time_however_late_it_is_noticed(session, sessions, claim):
    fire(sessions, NOW + 70 * M)
    contact = clock_of(session, claim)
    assert (contact.state, contact.breached_at, contact.predicted) == ("breached", NOW + 10 * M, "late")
    breach = session.scalars(
        select(Escalation).where(Escalation.clock_id == contact.id, Escalation.stage == "breach")
    ).one()
    assert (breach.due_at, breach.fired_at) == (NOW + 10 * M, NOW + 70 * M)


def test_a_clock_stopped_in_time_is_met_and_its_ladder_falls_silent(session, sessions, claim):
    stop(sessions, claim, "contact", NOW + 10 * M)
    contact = clock_of(session, claim)
    assert (contact.state, contact.stopped_at, contact.stop_event) == ("met", NOW + 10 * M, "answered")
    assert set(rungs_of(session, contact).values()) == {"void"}
    fire(sessions, NOW + 60 * M)
    assert clock_of(session, claim).state == "met"


def test_a_stop_a_second_late_is_a_breach_even_if_no_sweeper_saw_it(session, sessions, claim):
    stop(sessions, claim, "contact", NOW + 10 * M + timedelta(seconds=1))
    contact = clock_of(session, claim)
    assert (contact.state, contact.breached_at) == ("breached", NOW + 10 * M)
    assert rungs_of(session, contact) == {
        "warn_1": "void", "warn_2": "void", "breach": "fired", "branch_head": "void"
    }  # fmt: skip
    assert told(session) == 1


def test_a_breached_clock_stays_breached_when_it_is_stopped(session, sessions, claim):
    fire(sessions, NOW + 10 * M)
    stop(sessions, claim, "contact", NOW + 12 * M)
    contact = clock_of(session, claim)
    assert (contact.state, contact.stopped_at) == ("breached", NOW + 12 * M)
    assert rungs_of(session, contact)["branch_head"] == "void"


def test_a_second_stop_changes_nothing(session, sessions, claim):
    stop(sessions, claim, "contact", NOW + 2 * M)
    stop(sessions, claim, "contact", NOW + 30 * M)
    assert clock_of(session, claim).stopped_at == NOW + 2 * M


def test_the_breach_of_one_clock_still_rises_to_the_branch_head(session, sessions, claim):
    fire(sessions, NOW + 10 * M)
    fire(sessions, NOW + 20 * M)
    assert rungs_of(session, clock_of(session, claim))["branch_head"] == "fired"


def test_an_agreed_time_moves_the_arrival_clock_and_not_the_contact_clock(session, sessions, claim):
    with sessions.begin() as s:
        clocks.agree(s, s.get_one(Claim, claim.id), NOW + 180 * M, NOW + 5 * M)
    arrival, contact = clock_of(session, claim, "arrival"), clock_of(session, claim)
    assert (arrival.due_at, arrival.limit_s, arrival.state) == (NOW + 180 * M, 1800, "running")
    assert arrival.pauses[0]["reason"] == "appointment"
    assert contact.due_at == NOW + 10 * M
    fire(sessions, NOW + 179 * M)
    assert clock_of(session, claim, "arrival").state == "running"
    fire(sessions, NOW + 180 * M)
    assert clock_of(session, claim, "arrival").state == "breached"


def test_an_agreement_after_the_breach_explains_it_and_does_not_undo_it(session, sessions, claim):
    with sessions.begin() as s:
        clocks.agree(s, s.get_one(Claim, claim.id), NOW + 180 * M, NOW + 31 * M)
    arrival = clock_of(session, claim, "arrival")
    assert (arrival.state, arrival.breached_at, arrival.due_at) == ("breached", NOW + 30 * M, NOW + 30 * M)


def test_a_remote_arrival_clock_starts_with_the_agreement(session, sessions):
    factories.area(session, kind="remote")
    claim = factories.claim(session, now=NOW, reported_at=NOW)
    with sessions.begin() as s:
        clocks.agree(s, s.get_one(Claim, claim.id), NOW + 180 * M, NOW)
    arrival = clock_of(session, claim, "arrival")
    assert (arrival.start_event, arrival.due_at, arrival.limit_s) == ("appointed", NOW + 180 * M, 10_800)


def test_a_clock_is_foreseen_at_risk_once(session, sessions, claim):
    def foresee(now):
        with sessions.begin() as s:
            return clocks.foresee(s, now)

    assert foresee(NOW + 2.9 * M) == 0
    assert foresee(NOW + 3 * M) == 1  # dispatch
    assert foresee(NOW + 6 * M) == 1  # contact
    assert foresee(NOW + 6 * M) == 0
    assert clock_of(session, claim).predicted == "at_risk"
    assert told(session, "clock.foreseen") == 2


def test_a_withdrawn_claim_fires_nothing(session, sessions, claim):
    with sessions.begin() as s:
        clocks.void_clocks(s, claim.id, NOW + M)
    assert fire(sessions, NOW + 60 * M) == 0


@pytest.mark.timeout(60)
def test_many_sweepers_at_once_fire_every_rung_exactly_once(session, sessions):
    for _ in range(30):
        factories.claim(session, now=NOW, reported_at=NOW)
    fired, lock = [], threading.Lock()

    def sweep():
        while (n := fire(sessions, NOW + 60 * M, 7)) or fire_left(sessions):
            with lock:
                fired.append(n)

    def fire_left(sessions):
        with sessions.begin() as s:
            return s.scalar(
                select(func.count())
                .select_from(Escalation)
                .join(Clock, Clock.id == Escalation.clock_id)
                .where(Escalation.state == "waiting", Escalation.due_at <= NOW + 60 * M)
            )

    threads = [threading.Thread(target=sweep) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=50)
    assert not any(thread.is_alive() for thread in threads)
    # dispatch 1 + contact 4 + arrival 1 for each claim
    assert sum(fired) == 30 * 6
    assert told(session, "clock.warned") + told(session) == 30 * 6
    twice = session.execute(
        select(ClaimEvent.claim_id, ClaimEvent.facts["clock"].astext, ClaimEvent.facts["stage"].astext)
        .where(ClaimEvent.kind.in_(("clock.warned", "clock.breached")))
        .group_by(ClaimEvent.claim_id, ClaimEvent.facts["clock"].astext, ClaimEvent.facts["stage"].astext)
        .having(func.count() > 1)
    ).all()
    assert twice == []


@pytest.mark.timeout(60)
def test_a_stop_and_a_sweep_at_once_never_deadlock_and_agree(session, sessions):
    claims = [factories.claim(session, now=NOW, reported_at=NOW) for _ in range(25)]
    errors = []

    def run(work):
        try:
            work()
        except (SQLAlchemyError, AssertionError) as error:
            errors.append(error)

    threads = [
        threading.Thread(
            target=run, args=(lambda: [stop(sessions, c, "contact", NOW + 11 * M) for c in claims],)
        ),
        threading.Thread(target=run, args=(lambda: [fire(sessions, NOW + 11 * M, 5) for _ in range(40)],)),
        threading.Thread(target=run, args=(lambda: [fire(sessions, NOW + 11 * M, 3) for _ in range(40)],)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=50)
    assert errors == []
    for claim in claims:
        contact = clock_of(session, claim)
        assert (contact.state, contact.stopped_at, contact.breached_at) == (
            "breached",
            NOW + 11 * M,
            NOW + 10 * M,
        )
        assert rungs_of(session, contact)["breach"] == "fired"
    breaches = session.scalar(
        select(func.count()).select_from(ClaimEvent).where(
            ClaimEvent.kind == "clock.breached",
            ClaimEvent.facts["clock"].astext == "contact",
            ClaimEvent.facts["stage"].astext == "breach",
        )
    )  # fmt: skip
    assert breaches == 25
