"""«Done in N minutes»: kept as a moment, counted with by whoever chooses next, learned from, shown to the desk."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from claims.models import ClaimEvent, Task
from core import clock
from core.errors import Invalid
from core.models import Outbox
from dispatch import assignments, board, learning, learning_queries, sweep
from dispatch.errors import NotYours
from dispatch.finishing import CAREFUL
from dispatch.models import Assignment, Decision, OwnWord
from geo.fix import LonLat
from staff.models import Person
from tests import factories

LON, LAT = factories.LON, factories.LAT
M = timedelta(minutes=1)


@pytest.fixture
def held(session, sessions):
    """A job on scene: `held.task_id`, `held.id` its surveyor, `held.me` himself, `held.row()` his duty."""

    class Held:
        def __init__(self):
            taken = factories.assignment(session, to=factories.surveyor(session))
            self.assignment_id, self.task_id, self.id = taken.id, taken.task_id, taken.surveyor_id
            self.me = factories.actor(session, session.get_one(Person, self.id))
            session.commit()
            assignments.arrive(sessions, self.task_id, self.id, self.me, position=LonLat(LON, LAT))

        def row(self):
            session.expire_all()
            return session.get_one(Assignment, self.assignment_id)

        def says(self, at, **more):
            assignments.done_by(sessions, self.task_id, self.id, at, self.me, **more)

        def told(self):
            events = select(Outbox.event).where(Outbox.event == "task.done_by")
            return len(session.scalars(events).all())

    return Held()


def test_his_word_is_kept_changed_and_taken_back_and_told_each_time(session, held):
    now = clock.read(session)
    held.says(now + 20 * M)
    row = held.row()
    assert row.done_by_at == now + 20 * M
    assert abs(row.done_said_at - now) < M
    held.says(now + 20 * M)
    assert held.told() == 1
    held.says(now + 40 * M)
    held.says(None)
    assert (held.row().done_by_at, held.row().done_said_at, held.told()) == (None, None, 3)
    facts = session.scalars(
        select(ClaimEvent.facts).where(ClaimEvent.kind == "task.done_by").order_by(ClaimEvent.id)
    ).all()
    assert [one["done_by_at"] is None for one in facts] == [False, False, True]
    card = board.task_card(session, held.task_id)
    assert card["done_by_at"] is None


def test_a_word_that_waited_for_a_network_counts_from_the_tap(session, held):
    session.execute(text("UPDATE assignment SET accepted_at = accepted_at - interval '1 hour'"))
    session.commit()
    now = clock.read(session)
    held.says(now + 5 * M, for_s=1_200)
    assert held.row().done_said_at == now - 15 * M
    held.says(now + 6 * M, device_at=now - 10 * M)
    assert held.row().done_said_at == now - 10 * M
    # A phone whose clock lies a day ahead or a year back says nothing about when that was.
    held.says(now + 7 * M, device_at=now + timedelta(days=1))
    assert abs(held.row().done_said_at - now) < M
    held.says(now + 8 * M, device_at=now - timedelta(days=365))
    assert held.row().done_said_at == held.row().accepted_at
    # It arrives when the time is over: he is late by his own word, and that is kept.
    held.says(now - M, for_s=1_200)
    assert held.row().done_by_at == now - M


def test_no_word_reaches_beyond_today_and_none_before_the_job(session, held):
    now = clock.read(session)
    for wrong in (now + timedelta(hours=13), now - timedelta(days=1)):
        with pytest.raises(Invalid):
            held.says(wrong)


def test_a_finished_or_lost_job_takes_no_word(session, sessions, held):
    now = clock.read(session)
    assignments.submit(sessions, held.task_id, held.id, {"summary": "x"}, held.me)
    held.says(now + 20 * M)
    assert (held.row().done_by_at, held.told()) == (None, 0)
    other = factories.assignment(session, to=factories.surveyor(session))
    me = factories.actor(session, session.get_one(Person, other.surveyor_id))
    session.commit()
    assignments.hand_over(sessions, other.task_id, other.surveyor_id, "车坏了", me)
    with pytest.raises(NotYours):
        assignments.done_by(sessions, other.task_id, other.surveyor_id, now + 20 * M, me)


def test_the_next_choice_counts_with_his_word_and_says_so(session, sessions, held):
    now = clock.read(session)
    held.says(now + 4 * M)
    claim = factories.claim(session, lon=LON + 0.03)
    sweep.tick(sessions)
    line = session.scalars(select(Decision.candidates).order_by(Decision.id.desc())).first()[0]
    assert (line["surveyor_id"], line["free_by"]) == (str(held.id), "own")
    assert line["terms"]["in_hand"] == pytest.approx(240 * CAREFUL.mean, abs=5)
    task = session.get_one(Task, factories.task_of(session, claim).id)
    arrives = board.task_card(session, task.id)["arrives"]
    assert arrives["low_at"] < arrives["at"] < arrives["high_at"]
    assert (arrives["by"], arrives["under_way"]) == ("straight_line", False)


def test_how_far_words_come_true_is_learned_from_enough_of_them(session, sessions, held):
    now = clock.read(session)
    add = text(
        "INSERT INTO assignment (task_id, surveyor_id, accepted_at, arrived_at, done_said_at, done_by_at, completed_at,"
        " ended_at, end_reason)"
        " SELECT :task, :who, :now - interval '1 day', :now - interval '40 minutes', :now - interval '30 minutes',"
        "        :now - interval '20 minutes', :now - interval '30 minutes' + make_interval(secs => 780 + 24 * (n - 13)), :now,"
        "        'done' FROM generate_series(1, :n) AS n"
    )
    facts = {"task": held.task_id, "who": held.id, "now": now}
    session.execute(add, facts | {"n": 19})
    session.commit()
    learning.learn_service_times(sessions)
    assert session.scalars(select(OwnWord)).all() == []
    session.execute(add, facts | {"n": 25})
    session.execute(text("DELETE FROM service_time"))
    session.commit()
    learning.learn_service_times(sessions)
    learned = session.scalars(select(OwnWord)).one()
    assert learned.jobs == 44
    assert learned.takes == pytest.approx(1.25, abs=0.08)
    assert 0.1 <= learned.spread < 0.4
    trust = learning_queries.trust(session, learned.root_id)
    assert (trust.takes, trust.spread) == (learned.takes, learned.spread)
    assert learning_queries.trust(session, -1) is CAREFUL
