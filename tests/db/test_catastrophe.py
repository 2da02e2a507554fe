"""Catastrophe mode: two people switch it, new claims alone get its limits, borrowed people help, and the way back has steps."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from claims.models import Catastrophe, CatastropheStep, Claim, ClaimEvent, Clock
from core import audit, clock
from core.errors import Invalid, Missing
from core.models import AuditEntry, Outbox
from dispatch import (
    able,
    assignments,
    board,
    bundles,
    catastrophe,
    catastrophe_queries,
    crowd,
    offers,
    surge,
    sweep,
)
from dispatch.catastrophe import Wanted
from dispatch.errors import AtCap, CatastropheStands, FourEyes, NoStep, OutOfTurn, StepPending
from dispatch.models import Assignment, Bundle, BundleTask, Offer
from geo.fix import LonLat
from tests import factories

LON, LAT = factories.LON, factories.LAT
MIN = timedelta(minutes=1)


@pytest.fixture
def storm(session):
    """Two branches under one head office, and two dispatchers of the first."""
    root = factories.default_organisation(session)
    home = factories.organisation(session, parent=root)
    near = factories.organisation(session, parent=root)
    people = [factories.person(session, roles=("dispatcher",), org=home, name=n) for n in ("甲", "乙")]
    actors = [factories.actor(session, person) for person in people]
    session.commit()
    return SimpleNamespace(home=home, near=near, one=actors[0], two=actors[1])


def wanted(org, **given):
    return Wanted(**{"org_id": org.id, "name": "台风", "reason": "暴雨内涝"} | given)


def switch_on(sessions, storm, **given):
    ident = catastrophe.request(sessions, storm.one, wanted(storm.home, **given))
    assert catastrophe.confirm(sessions, storm.two, ident) == "on"
    return ident


def test_an_outside_firm_has_no_mode_of_its_own(session, sessions, storm):
    firm = factories.organisation(session, parent=storm.home, kind="firm")
    session.commit()
    with pytest.raises(Invalid) as refused:
        catastrophe.request(sessions, storm.one, wanted(firm))
    assert refused.value.errors[0]["path"] == "org_id"


def clocks(session, claim):
    session.expire_all()
    rows = session.scalars(select(Clock).where(Clock.claim_id == claim.id))
    return {c.kind: c.limit_s // 60 for c in rows}


def claim_of(session, storm, **given):
    seat = factories.actor(session, factories.person(session, org=storm.home))
    return factories.claim(session, by=seat, **given)


def test_only_a_second_person_switches_it_on(session, sessions, storm):
    ident = catastrophe.request(sessions, storm.one, wanted(storm.home))
    with pytest.raises(FourEyes):
        catastrophe.confirm(sessions, storm.one, ident)
    assert session.get_one(Catastrophe, ident).state == "requested"
    assert catastrophe.confirm(sessions, storm.two, ident) == "on"
    assert catastrophe.confirm(sessions, storm.two, ident) == "on"  # said twice
    actions = session.scalars(select(AuditEntry.action).order_by(AuditEntry.seq)).all()
    assert [a for a in actions if a.startswith("catastrophe")] == [
        "catastrophe.requested", "catastrophe.confirmed"]  # fmt: skip
    assert audit.first_break(session) is None
    assert "catastrophe.confirmed" in session.scalars(select(Outbox.event)).all()


def test_the_database_itself_refuses_the_same_two_eyes(session, sessions, storm):
    ident = catastrophe.request(sessions, storm.one, wanted(storm.home))
    step = session.scalars(select(CatastropheStep).where(CatastropheStep.catastrophe_id == ident)).one()
    step.state, step.settled_by = "confirmed", step.requested_by
    with pytest.raises(IntegrityError, match="four_eyes"):
        session.flush()


def test_a_request_nobody_confirms_lapses_after_ten_minutes(session, sessions, storm):
    ident = catastrophe.request(sessions, storm.one, wanted(storm.home))
    later = clock.read(session) + 10 * MIN
    with pytest.raises(NoStep):
        catastrophe.confirm(sessions, storm.two, ident, now=later)
    session.expire_all()
    assert session.get_one(Catastrophe, ident).state == "dropped"
    again = catastrophe.request(sessions, storm.one, wanted(storm.home))
    assert catastrophe.expire(sessions, now=later + MIN) == 1
    session.expire_all()
    assert session.get_one(Catastrophe, again).state == "dropped"


def test_there_is_one_over_a_place_and_a_refused_one_is_none(session, sessions, storm):
    ident = catastrophe.request(sessions, storm.one, wanted(storm.home))
    with pytest.raises(CatastropheStands):
        catastrophe.request(sessions, storm.two, wanted(storm.home))
    assert catastrophe.refuse(sessions, storm.two, ident, "误报") == "dropped"
    assert catastrophe.refuse(sessions, storm.two, ident, "误报") == "dropped"
    with pytest.raises(NoStep):
        catastrophe.confirm(sessions, storm.two, ident)
    catastrophe.request(sessions, storm.two, wanted(storm.home))


def test_strangers_and_odd_wishes_are_refused(session, sessions, storm):
    other = factories.actor(session, factories.person(session, roles=("dispatcher",), org=storm.near))
    session.commit()
    ident = catastrophe.request(sessions, storm.one, wanted(storm.home))
    for attempt in (lambda: catastrophe.confirm(sessions, other, ident),
                    lambda: catastrophe.request(sessions, other, wanted(storm.home))):  # fmt: skip
        with pytest.raises(Missing):
            attempt()
    catastrophe.refuse(sessions, storm.one, ident, "重来")
    for bad in ({"name": " "}, {"reason": ""}, {"borrow": (storm.home.id,)}, {"borrow": (1,)}, {"max_open": 0},
                {"contact_limit_min": 10_000}, {"area_id": 1}):  # fmt: skip
        with pytest.raises(Invalid):
            catastrophe.request(sessions, storm.one, wanted(storm.home, **bad))


def test_s18_new_limits_reach_new_claims_only_and_stay_with_them(session, sessions, storm):
    before = claim_of(session, storm)
    ident = switch_on(sessions, storm)
    during = claim_of(session, storm)
    catastrophe.ask_step(sessions, storm.one, ident, "restore", "水退了")
    assert catastrophe.confirm(sessions, storm.two, ident) == "over"
    after = claim_of(session, storm)
    normal = {"dispatch": 5, "contact": 10, "arrival": 30}
    assert clocks(session, before) == normal and clocks(session, after) == normal
    assert clocks(session, during) == {"dispatch": 15, "contact": 30}  # arrival as agreed
    session.expire_all()
    stamped = session.get_one(Claim, during.id)
    assert (stamped.catastrophe_id, "catastrophe" in stamped.marks) == (ident, True)
    opened = session.scalars(select(ClaimEvent.facts).where(ClaimEvent.claim_id == during.id)).first()
    assert opened["catastrophe_id"] == str(ident)
    assert session.get_one(Claim, before.id).catastrophe_id is None
    assert session.get_one(Claim, after.id).catastrophe_id is None


def test_a_clock_that_starts_later_keeps_the_limit_of_its_claim(session, sessions, storm):
    from staff import rules

    rules.change(session, storm.home.id, "contact_start", "accepted", by=storm.one.person_id)
    factories.surveyor(session, org=storm.home)
    session.commit()
    before = claim_of(session, storm)
    sweep.tick(sessions)
    switch_on(sessions, storm)
    offer = session.scalars(select(Offer)).one()
    who = factories.actor(session, session.get_one(factories.Person, offer.surveyor_id))
    session.commit()
    offers.accept(sessions, offer.id, offer.surveyor_id, who)
    assert clocks(session, before)["contact"] == 10


def test_an_area_s_catastrophe_leaves_the_rest_alone(session, sessions, storm):
    area = factories.area(session, org=storm.home)
    session.commit()
    switch_on(sessions, storm, area_id=area.id)
    inside, outside = claim_of(session, storm), claim_of(session, storm, lon=LON + 1)
    assert clocks(session, inside)["contact"] == 30 and clocks(session, outside)["contact"] == 10


def test_borrowed_people_are_asked_until_they_are_released(session, sessions, storm):
    helper = factories.surveyor(session, org=storm.near)
    session.commit()
    # A head office's catastrophe would see both; these two branches see each other only by borrowing (radius of one's own).
    ident = switch_on(sessions, storm, borrow=(storm.near.id,))
    first = claim_of(session, storm)
    sweep.tick(sessions)
    asked = session.scalars(select(Offer).where(Offer.task_id == factories.task_of(session, first).id)).one()
    decision = session.execute(text("SELECT radius_m FROM decision")).scalar_one()
    assert (asked.surveyor_id, decision) == (helper.id, 10_000)
    with pytest.raises(OutOfTurn):
        catastrophe.ask_step(sessions, storm.one, ident, "restore", "先撤人")
    catastrophe.ask_step(sessions, storm.one, ident, "release", "人手够了")
    with pytest.raises(StepPending):
        catastrophe.ask_step(sessions, storm.two, ident, "release", "人手够了")
    assert catastrophe.confirm(sessions, storm.two, ident) == "released"
    catastrophe.ask_step(sessions, storm.two, ident, "restore", "恢复")
    assert catastrophe.confirm(sessions, storm.one, ident) == "over"


def test_the_borrowing_desk_sees_the_people_it_was_lent_and_nobody_elses_jobs(session, sessions, storm):
    helper = factories.surveyor(session, org=storm.near)
    session.commit()

    def seen():
        with sessions.begin() as s:
            lent = catastrophe_queries.lent_to(s, storm.home.path)
            now = clock.read(s)
            cards = board.surveyors_board(s, storm.home.path, also=lent)
            place = LonLat(LON, LAT)
            found = crowd.near(s, place, org_path=storm.home.path, org_id=storm.home.id, also=lent, now=now)
        return lent, [c["id"] for c in cards], [c.surveyor_id for c in found]

    assert seen() == ((), [], [])
    ident = switch_on(sessions, storm, borrow=(storm.near.id,))
    assert seen() == ((storm.near.path,), [str(helper.id)], [helper.id])
    with sessions.begin() as s:
        assert catastrophe_queries.lent_to(s, storm.near.path) == ()
    catastrophe.ask_step(sessions, storm.one, ident, "release", "人手够了")
    catastrophe.confirm(sessions, storm.two, ident)
    assert seen() == ((), [], [])


def test_a_borrowed_man_may_be_sent_by_hand(session, sessions, storm):
    helper = factories.surveyor(session, org=storm.near)
    claim = claim_of(session, storm)
    task = factories.task_of(session, claim)
    with pytest.raises(Invalid):
        assignments.assign_by_hand(sessions, task.id, helper.id, "借调", storm.one)
    switch_on(sessions, storm, borrow=(storm.near.id,))
    assert assignments.assign_by_hand(sessions, task.id, helper.id, "借调", storm.one)


def may_be_asked(session, storm):
    now = clock.read(session)
    told = {"org_path": storm.home.path, "heard_since": now - timedelta(minutes=10), "now": now}
    found = able.nearest(session, LonLat(LON, LAT), **told)
    return [(one.surveyor_id, one.open_jobs, one.max_open) for one in found]


def test_the_cap_is_higher_while_it_lasts_and_zero_stays_zero(session, sessions, storm):
    man = factories.surveyor(session, org=storm.home, max_open=1)
    none = factories.surveyor(session, org=storm.home, max_open=0)
    tasks = [factories.task_of(session, claim_of(session, storm)).id for _ in range(4)]
    assignments.assign_by_hand(sessions, tasks[0], man.id, "近", storm.one)
    with pytest.raises(AtCap):
        assignments.assign_by_hand(sessions, tasks[1], man.id, "近", storm.one)
    assert may_be_asked(session, storm) == []
    ident = switch_on(sessions, storm, max_open=2)
    assert may_be_asked(session, storm) == [(man.id, 1, 2)]
    assignments.assign_by_hand(sessions, tasks[1], man.id, "近", storm.one)
    with pytest.raises(AtCap):
        assignments.assign_by_hand(sessions, tasks[2], man.id, "近", storm.one)
    with pytest.raises(AtCap):
        assignments.assign_by_hand(sessions, tasks[2], none.id, "近", storm.one)
    catastrophe.ask_step(sessions, storm.one, ident, "restore", "恢复")
    catastrophe.confirm(sessions, storm.two, ident)
    held = session.scalars(select(Assignment).where(Assignment.ended_at.is_(None))).all()
    assert len(held) == 2  # nobody loses a job by the way back


def many(session, storm, n, step_m=100.0):
    return [claim_of(session, storm, lon=LON + i * step_m / 85_000) for i in range(n)]


def test_one_yes_takes_the_whole_bundle(session, sessions, storm):
    man = factories.surveyor(session, org=storm.home)
    session.commit()
    switch_on(sessions, storm)
    claims = many(session, storm, 4)
    sweep.tick(sessions)
    offer = session.scalars(select(Offer)).one()  # one question for four losses
    who = factories.actor(session, session.get_one(factories.Person, man.id))
    session.commit()
    with sessions.begin() as looking:
        assert len(bundles.companions(looking, [offer.task_id])[offer.task_id]) == 3
    assert offers.accept(sessions, offer.id, man.id, who) == offers.accept(sessions, offer.id, man.id, who)
    held = session.scalars(select(Assignment).where(Assignment.surveyor_id == man.id)).all()
    assert len(held) == 4 and {factories.task_of(session, c).state for c in claims} == {"accepted"}
    assert session.scalars(select(Bundle.state)).one() == "taken"
    kinds = session.scalars(select(ClaimEvent.kind).where(ClaimEvent.claim_id == claims[3].id)).all()
    assert {"task.bundled", "offer.accepted"} <= set(kinds)
    events = session.scalars(select(Outbox.event)).all()
    assert events.count("offer.accepted") == 4


def test_a_bundle_reaches_no_further_than_the_cap_and_the_rest_goes_out(session, sessions, storm):
    man = factories.surveyor(session, org=storm.home, max_open=1)
    session.commit()
    switch_on(sessions, storm, max_open=3)
    many(session, storm, 5)
    sweep.tick(sessions)
    offer = session.scalars(select(Offer)).one()
    who = factories.actor(session, session.get_one(factories.Person, man.id))
    session.commit()
    offers.accept(sessions, offer.id, man.id, who)
    assert session.scalar(text("SELECT count(*) FROM assignment")) == 3
    first = session.scalars(select(Bundle.id)).one()
    sweep.tick(sessions)
    session.expire_all()
    outcomes = session.scalars(select(BundleTask.outcome).where(BundleTask.bundle_id == first)).all()
    assert sorted(outcomes) == ["left", "left", "taken", "taken"]
    waiting = session.scalars(text("SELECT state FROM task WHERE state IN ('pending', 'unassigned')")).all()
    assert len(waiting) == 2


def test_a_backlog_is_bundled_for_whoever_comes_free(session, sessions, storm):
    claims = many(session, storm, 4)
    sweep.tick(sessions)
    assert {factories.task_of(session, c).state for c in claims} == {"unassigned"}
    switch_on(sessions, storm)
    sweep.tick(sessions)
    factories.surveyor(session, org=storm.home)
    session.execute(
        text(
            "UPDATE task SET next_try_at = clock_timestamp() WHERE next_try_at < clock_timestamp() + '1 min'"
        )
    )
    session.commit()
    sweep.tick(sessions)
    offer = session.scalars(select(Offer)).one()
    with sessions.begin() as looking:
        assert len(bundles.companions(looking, [offer.task_id])[offer.task_id]) == 3


def test_companions_go_out_by_themselves_when_the_lead_goes_another_way(session, sessions, storm):
    man = factories.surveyor(session, org=storm.home)
    other = factories.surveyor(session, org=storm.home, on_duty=False)
    session.commit()
    switch_on(sessions, storm)
    claims = many(session, storm, 3)
    sweep.tick(sessions)
    offer = session.scalars(select(Offer)).one()
    assignments.assign_by_hand(sessions, offer.task_id, other.id, "熟悉现场", storm.one)
    sweep.tick(sessions)
    session.expire_all()
    assert session.scalars(select(Bundle.state).order_by(Bundle.id)).first() == "dissolved"
    asked = session.scalars(select(Offer).where(Offer.state == "open")).one()
    assert asked.surveyor_id == man.id and asked.task_id != offer.task_id
    assert {c.id for c in claims} == set(session.scalars(select(Claim.id)))


def test_with_somebody_for_everybody_nothing_is_bundled_and_without_a_storm_neither(session, sessions, storm):
    people = [factories.surveyor(session, org=storm.home) for _ in range(3)]
    many(session, storm, 2)
    session.commit()
    assert bundles.form(sessions) == 0
    switch_on(sessions, storm)
    assert bundles.form(sessions) == 0 and len(people) == 3


def test_an_injured_person_is_nobody_s_companion(session, sessions, storm):
    switch_on(sessions, storm)
    claim_of(session, storm, injured=1)
    many(session, storm, 1)
    assert bundles.form(sessions) == 0


def test_a_surge_is_proposed_once_and_a_wave_of_the_hand_silences_it(session, sessions, storm):
    now = clock.read(session)
    insert = text(
        "INSERT INTO claim (org_id, report_no, line, reported_at, reporter_phone, reporter_phone_typed, needs)"
        " SELECT :org, 'S' || n, 'motor', CAST(:at AS timestamptz) - n * interval '1 minute', '1', '1', '{}'"
        " FROM generate_series(1, :n) AS n"
    )
    session.execute(insert, {"org": storm.home.id, "at": now, "n": 19})
    session.commit()
    assert surge.propose(sessions, now=now) == []
    session.execute(
        text("UPDATE claim SET report_no = report_no || 'x', reported_at = reported_at - interval '1 s'")
    )
    session.execute(insert, {"org": storm.home.id, "at": now, "n": 1})
    session.commit()
    (ident,) = surge.propose(sessions, now=now)
    assert surge.propose(sessions, now=now) == []
    row = session.get_one(Catastrophe, ident)
    assert (row.state, row.seen, row.normal) == ("proposed", 20, 4)
    assert catastrophe.request(sessions, storm.one, wanted(storm.home)) == ident  # taken up, not made anew
    assert catastrophe.refuse(sessions, storm.two, ident, "不必") == "dropped"
    assert surge.propose(sessions, now=now) == []
    assert len(surge.propose(sessions, now=now + timedelta(minutes=1))) == 0
