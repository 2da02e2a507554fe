"""Windows: many jobs solved together, by road; firms, shifts and lines as the rules say; what is learned of time on scene."""

import numpy as np
import pytest
from sqlalchemy import func, select, text

from claims.models import Clock, Task
from claims.states import TaskState
from dispatch import assignments, board, learning, sweep
from dispatch.models import Assignment, Decision, Offer, ServiceTime
from dispatch.sweep import CROWD, REST_S, Pace, Rest
from geo.eta import Engine, Table
from staff import rules
from tests import factories

LON, LAT = factories.LON, factories.LAT


class Bridge:
    """A road engine of a town with a river at the meridian of the losses' west bank: who is west of it drives an hour."""

    name, remote = "bridge", False

    def table(self, places, starts):
        west = (
            np.array([s.lon < LON for s in starts])[:, None]
            != np.array([p.lon < LON for p in places])[None, :]
        )
        seconds = np.where(west, 3600.0, 600.0)
        return Table(seconds, np.full(seconds.shape, np.nan))


def asked(session):
    session.expire_all()
    return {o.task_id: o.surveyor_id for o in session.scalars(select(Offer).where(Offer.state == "open"))}


def test_the_soonest_by_road_is_asked_not_the_nearest_across_the_river(session, sessions):
    across = factories.surveyor(session, lon=LON - 0.001)
    near = factories.surveyor(session, lon=LON + 0.03)
    claim = factories.claim(session, lon=LON + 0.001)
    sweep.tick(sessions, Engine([Bridge()]))
    task = factories.task_of(session, claim)
    assert asked(session) == {task.id: near.id}
    decision = session.scalars(select(Decision)).one()
    lines = {int(c["surveyor_id"]): c for c in decision.candidates}
    assert decision.provider == "bridge"
    assert (lines[across.id]["reason"], lines[across.id]["eta_s"], lines[near.id]["eta_s"]) == (
        "farther",
        3600,
        600,
    )
    assert lines[near.id]["terms"]["drive"] == 600
    assert lines[across.id]["cost_s"] > lines[near.id]["cost_s"]


def test_by_hand_the_drive_is_the_roads_and_the_record_says_who_told_it(session, sessions):
    across = factories.surveyor(session, lon=LON - 0.001)
    factories.surveyor(session, lon=LON + 0.03)
    claim = factories.claim(session, lon=LON + 0.001)
    by = factories.actor(session, factories.person(session, roles=("dispatcher",)))
    session.commit()
    task = factories.task_of(session, claim)
    ident = assignments.assign_by_hand(sessions, task.id, across.id, "熟悉", by, engine=Engine([Bridge()]))
    held = session.get_one(Assignment, ident)
    assert (held.eta_s, held.drive_s, held.eta_by) == (3600, 3600, "bridge")
    record = session.scalars(select(Decision).where(Decision.kind == "manual")).one()
    lines = {int(c["surveyor_id"]): c for c in record.candidates}
    assert (record.provider, lines[across.id]["eta_s"], lines[across.id]["eta_by"]) == (
        "bridge",
        3600,
        "bridge",
    )
    card = board.task_card(session, task.id)["arrives"]
    assert (card["by"], card["under_way"]) == ("bridge", False)


def test_what_a_position_says_of_its_owner_widens_or_narrows_his_arrival(session, sessions):
    coming, going, blurred = (factories.surveyor(session, lon=LON - 0.03) for _ in range(3))
    moves = text(
        "UPDATE last_position SET speed_mps = :v, heading_deg = :h, accuracy_m = :a, fixed_at = fixed_at - interval '90 s'"
        " WHERE surveyor_id = :id"
    )
    for who, v, h, a in ((coming, 12, 90, 5), (going, 12, 270, 5), (blurred, 0, None, 2_000)):
        session.execute(moves, {"id": who.id, "v": v, "h": h, "a": a})
    factories.claim(session)
    session.commit()
    sweep.tick(sessions)
    lines = {int(c["surveyor_id"]): c for c in session.scalars(select(Decision)).one().candidates}
    assert lines[coming.id]["eta_s"] == lines[going.id]["eta_s"] == lines[blurred.id]["eta_s"]
    assert lines[coming.id]["eta_high_s"] < lines[going.id]["eta_high_s"]
    width = {who: lines[who]["eta_high_s"] - lines[who]["eta_low_s"] for who in (coming.id, blurred.id)}
    assert width[blurred.id] > width[coming.id]


def test_two_reports_together_are_given_so_that_both_are_served_soonest(session, sessions):
    # First come, first served gives the middle one to the first report and sends the other right across the town.
    middle, outer = factories.surveyor(session), factories.surveyor(session, lon=LON + 0.06)
    first = factories.claim(session, lon=LON + 0.029)
    second = factories.claim(session, lon=LON - 0.03)
    sweep.tick(sessions)
    assert asked(session) == {
        factories.task_of(session, first).id: outer.id, factories.task_of(session, second).id: middle.id
    }  # fmt: skip
    lines = session.scalars(select(Decision.candidates).where(Decision.chosen_id == outer.id)).one()
    assert {c["surveyor_id"]: c["reason"] for c in lines}[str(middle.id)] == "needed_elsewhere"


def test_a_large_window_serves_everybody_once(session, sessions):
    for k in range(25):
        factories.surveyor(session, lon=LON + 0.01 * (k % 5), lat=LAT + 0.01 * (k // 5))
    by = factories.actor(session, factories.person(session))
    session.commit()
    for k in range(20):
        factories.claim(session, by=by, lon=LON + 0.011 * (k % 5), lat=LAT + 0.011 * (k // 5))
    swept = sweep.tick(sessions)
    assert (swept.offered, swept.unassigned) == (20, 0)
    assert len(set(asked(session).values())) == 20


def test_a_firms_people_are_asked_after_ones_own_or_never_as_the_rule_says(session, sessions):
    root = factories.default_organisation(session)
    firm = factories.organisation(session, kind="firm")
    outside = factories.surveyor(session, org=firm)
    own = factories.surveyor(session, lon=LON + 0.05)
    claim = factories.claim(session)
    sweep.tick(sessions)
    assert list(asked(session).values()) == [own.id]
    lines = session.scalars(select(Decision.candidates)).one()
    assert {c["surveyor_id"]: c["reason"] for c in lines}[str(outside.id)] == "firm_last"
    second = factories.claim(session)
    sweep.tick(sessions)
    assert asked(session)[factories.task_of(session, second).id] == outside.id
    rules.change(session, root.id, "firms_use", "never", by=own.id)
    session.execute(text("UPDATE offer SET state = 'withdrawn' WHERE surveyor_id = :id"), {"id": outside.id})
    session.commit()
    third = factories.claim(session)
    sweep.tick(sessions)
    task = factories.task_of(session, third)
    assert task.state == "unassigned"
    said = session.scalars(select(Decision.candidates).where(Decision.task_id == task.id)).one()
    assert {c["surveyor_id"]: c["reason"] for c in said}[str(outside.id)] == "firm_not_allowed"
    assert claim.id


def test_nobody_is_sent_beyond_the_end_of_his_shift(session, sessions):
    tired = factories.surveyor(session)
    rested = factories.surveyor(session, lon=LON + 0.03)
    session.execute(
        text("UPDATE surveyor SET shift_until = clock_timestamp() - interval '1 minute' WHERE id = :id"),
        {"id": tired.id},
    )
    factories.claim(session)
    sweep.tick(sessions)
    assert list(asked(session).values()) == [rested.id]
    lines = session.scalars(select(Decision.candidates)).one()
    assert {c["surveyor_id"]: c["reason"] for c in lines}[str(tired.id)] == "shift_ends"


def test_roadside_assistance_runs_on_its_own_limits_and_assesses_nothing(session, sessions):
    claim = factories.claim(session, line="assist", needs=("motor",))
    clocks = {c.kind: c.limit_s for c in session.scalars(select(Clock).where(Clock.claim_id == claim.id))}
    assert clocks == {"dispatch": 300, "contact": 300, "arrival": 2400}
    motor = factories.claim(session)
    clocks = {c.kind: c.limit_s for c in session.scalars(select(Clock).where(Clock.claim_id == motor.id))}
    assert (clocks["contact"], clocks["arrival"]) == (600, 1800)


def test_time_on_scene_is_learned_by_line_from_enough_of_what_was(session, sessions):
    who = factories.surveyor(session, max_open=1000)
    taken = factories.assignment(session, to=who)
    now = session.execute(text("SELECT clock_timestamp()")).scalar_one()
    assert learning.learn_service_times(sessions) == 0
    session.execute(
        text(
            "INSERT INTO assignment (task_id, surveyor_id, accepted_at, arrived_at, completed_at, ended_at, end_reason)"
            " SELECT :task, :who, :now - interval '1 day', :now - make_interval(mins => 35 + n % 3),"
            "        :now - interval '5 minutes', :now, 'done' FROM generate_series(1, 30) AS n"
        ),
        {"task": taken.task_id, "who": who.id, "now": now},
    )
    session.commit()
    assert learning.learn_service_times(sessions) == 1
    learned = session.scalars(select(ServiceTime)).one()
    assert (learned.line, learned.jobs) == ("motor", 30)
    assert learned.median_s == pytest.approx(31 * 60, abs=61)
    # The one with a job in hand is now expected to need half an hour, not the twenty minutes of the setting.
    factories.claim(session)
    sweep.tick(sessions)
    lines = session.scalars(select(Decision.candidates).order_by(Decision.id.desc())).first()
    assert lines[0]["soonest_s"] > 1700


def test_a_window_gathers_only_when_reports_come_in_crowds():
    at = [100.0]
    pace = Pace(lambda: at[0])
    assert pace.wait_s(1, 1.0) == 0
    pace.solved(1)
    assert pace.wait_s(1, 1.0) == 0
    pace.solved(CROWD)
    at[0] += 0.25
    assert pace.wait_s(1, 1.0) == pytest.approx(0.75)
    assert pace.wait_s(1, 0.0) == 0
    at[0] += 0.76
    assert pace.wait_s(40, 1.0) == 0


def test_an_idle_night_costs_a_look_and_a_whole_round_now_and_then():
    at = [100.0]
    rest = Rest(lambda: at[0])
    assert not rest.may_skip(in_motion=False)
    for _ in range(2):
        at[0] += 0.5
        assert rest.may_skip(in_motion=False)
    assert not rest.may_skip(in_motion=True)
    at[0] += REST_S - 0.1
    assert rest.may_skip(in_motion=False)
    at[0] += 0.2
    assert not rest.may_skip(in_motion=False)


def test_every_job_before_its_report_is_in_motion_and_every_rung_that_is_due(session, sessions):
    assert not sweep.in_motion(sessions)
    claim = factories.claim(session)
    session.execute(text("UPDATE escalation SET due_at = clock_timestamp() + interval '1 hour'"))
    told = {}
    for state in TaskState:
        session.execute(text("UPDATE task SET state = :state"), {"state": state.value})
        session.commit()
        told[state] = sweep.in_motion(sessions)
    resting = {TaskState.SUBMITTED, TaskState.RETURNED, TaskState.APPROVED, TaskState.CANCELLED}
    assert {state for state, moves in told.items() if not moves} == resting
    session.execute(text("UPDATE task SET state = 'submitted'"))
    session.execute(
        text("UPDATE escalation SET due_at = clock_timestamp() WHERE clock_id IN"
             " (SELECT id FROM clock WHERE claim_id = :id)"), {"id": claim.id}
    )  # fmt: skip
    session.commit()
    assert sweep.in_motion(sessions)


def test_who_comes_free_is_shown_every_waiting_job(session, sessions):
    waiting = [factories.claim(session) for _ in range(3)]
    sweep.tick(sessions)
    assert {factories.task_of(session, c).state for c in waiting} == {"unassigned"}
    # None of them is due for its next vain try; somebody begins his shift.
    session.execute(text("UPDATE task SET next_try_at = clock_timestamp() + interval '1 minute'"))
    who = factories.surveyor(session)
    session.execute(
        text("UPDATE surveyor SET on_duty_since = clock_timestamp() WHERE id = :id"), {"id": who.id}
    )
    session.commit()
    assert sweep.tick(sessions).offered == 1
    assert session.scalar(select(func.count()).select_from(Task).where(Task.state == "offered")) == 1
