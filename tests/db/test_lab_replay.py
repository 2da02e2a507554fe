"""A recorded day played again: the same rules ask the same people, other rules show their difference, nothing is invented."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from claims.service import Notice, open_claim
from core import clock
from core.errors import Missing
from dispatch import answers, field, offers, tries
from dispatch.models import RuleTry
from geo import store
from geo.fix import LonLat
from lab import jobs, recorded, replay
from lab.citymap import Plane
from lab.net import StraightNet
from lab.ours import Ours
from lab.simulate import play
from tests import factories

DAY = date(2026, 11, 3)
CENTRE = LonLat(factories.LON, factories.LAT)
NOWHERE = Path("/nowhere/roads")
S = timedelta(seconds=1)


def stand(session, who, at, place):
    """A fix in the history, and the newest position."""
    session.execute(
        text(
            "INSERT INTO position (surveyor_id, fixed_at, device_id, received_at, lon, lat, accuracy_m, source)"
            " VALUES (:id, :at, 0, :at, :lon, :lat, 8, 'phone') ON CONFLICT DO NOTHING"
        ),
        {"id": who.id, "at": at, "lon": place.lon, "lat": place.lat},
    )
    factories.put_at(session, who, place.lon, place.lat, at)


@pytest.fixture
def day(session, sessions):
    """A morning through the real use cases: eight surveyors, fourteen reports, each asked, rung for, reached, handed in."""
    start = replay.midnight(DAY) + timedelta(hours=9)
    store.ensure_partitions(session, start.date())
    crew = [factories.surveyor(session, lon=None, name=f"查勘{n}") for n in range(8)]
    session.execute(text("UPDATE shift SET started_at = :at"), {"at": start - timedelta(hours=1)})
    session.execute(text("UPDATE surveyor SET on_duty_since = :at"), {"at": start - timedelta(hours=1)})
    at = {
        who.id: LonLat(CENTRE.lon + 0.018 * (n % 4), CENTRE.lat + 0.02 * (n // 4))
        for n, who in enumerate(crew)
    }
    actors = {who.id: factories.actor(session, session.get_one(factories.Person, who.id)) for who in crew}
    seat = factories.actor(session, factories.person(session, roles=("seat",)))
    for who in crew:  # standing since a while
        for second in range(-300, 0, 20):
            stand(session, who, start + second * S, at[who.id])
    session.commit()
    now = start
    for n in range(14):
        now += 430 * S
        for who in crew:
            stand(session, who, now - 5 * S, at[who.id])
        session.commit()
        place = LonLat(CENTRE.lon + 0.0131 * ((n * 5) % 7), CENTRE.lat + 0.0087 * ((n * 3) % 5))
        notice = Notice(
            reporter_phone=f"1380000{n:04d}", place=place, place_text="路口", cause="collision", reported_at=now,
            call_ended_at=now, line="motor",
        )  # fmt: skip
        task_id = open_claim(sessions, seat, notice, now=now).task_id
        offer_id = offers.offer_next(sessions, task_id, now + S)
        asked = session.execute(
            text("SELECT surveyor_id FROM offer WHERE id = :id"), {"id": offer_id}
        ).scalar_one()
        actor = actors[asked]
        answers.accept(sessions, offer_id, asked, actor, None, now + 20 * S)
        field.contacted(sessions, task_id, asked, "phone", "answered", actor, now=now + 60 * S)
        field.depart(sessions, task_id, asked, actor, now=now + 90 * S)
        field.arrive(sessions, task_id, asked, actor, reason="量测", now=now + 270 * S)
        field.submit(sessions, task_id, asked, {"summary": "完成"}, actor, now=now + 400 * S)
        at[asked] = place
    session.commit()
    return start


def read(session):
    org = replay.organisation(session, None)
    return recorded.read(session, StraightNet(Plane(CENTRE)), org.path, replay.midnight(DAY), 24.0)


def first(sim):
    return {case.loss.no: case.asked[0].person for case in sim.cases if case.asked}


def test_a_recorded_day_under_the_same_rules_asks_the_same_people(session, day):
    real = read(session)
    assert len(real.tasks) == 14 and len(real.surveyors) == 8
    sim = play(real.day, Ours())
    assert recorded.reproduced(real, first(sim)) >= 0.9
    minutes = [(case.arrived_s - case.loss.at_s) / 60 for case in sim.cases]
    assert sum(minutes) / 14 == pytest.approx(sum(real.arrive_min) / 14, rel=0.1)
    assert sum(real.contact_min) / 14 == pytest.approx(1.0)


def test_who_is_given_something_else_leaves_his_recorded_track(session, day):
    real = read(session)
    sim = play(real.day, Ours({"stale_offer_s": 15, "match_window_ms": 5000}))
    assert all(case.done_s for case in sim.cases)
    strayed = [
        mate for mate in sim.mates if mate.had - {loss for loss, _ in real.day.taken.get(mate.person.no, ())}
    ]
    assert all(mate.astray for mate in strayed)


def test_a_day_without_reports_cannot_be_replayed(session, day):
    org = replay.organisation(session, None)
    with pytest.raises(Missing, match="nothing was reported"):
        replay.load(session, org, DAY - timedelta(days=3), NOWHERE, replay.rules_of(session, org.id))


def test_a_try_goes_from_the_order_to_the_figures(session, sessions, day):
    org = replay.organisation(session, None)
    admin = factories.person(session, roles=("admin",))
    days = (replay.clock_day(session) - DAY).days
    row = tries.ask(session, org.id, {"contact_limit_min": 8, "offer_ttl_s": 30}, days, admin.id)
    session.commit()
    jobs.attempt(sessions, row.id, NOWHERE)
    session.expire_all()
    done = session.get_one(RuleTry, row.id)
    assert (done.state, done.error, done.progress) == ("done", None, 1.0)
    result = done.result
    assert (result["simulated"], result["claims"], result["few"], result["days"]) == (
        True,
        14,
        True,
        [str(DAY)],
    )
    arrive = result["figures"]["arrive_mean"]
    assert arrive["low"] <= arrive["after"] - arrive["before"] <= arrive["high"]
    jobs.attempt(sessions, row.id, NOWHERE)  # said twice
    assert session.get_one(RuleTry, row.id).attempts == 1


class Interrupted:
    """Sessions during whose `at`-th transaction somebody else does something."""

    def __init__(self, sessions, at, act):
        self.sessions, self.at, self.act, self.begun = sessions, at, act, 0

    def begin(self):
        self.begun += 1
        if self.begun == self.at:
            self.act()
        return self.sessions.begin()


def test_a_try_cancelled_while_it_is_played_stops_at_the_next_beat_and_keeps_no_figures(
    session, sessions, day
):
    org = replay.organisation(session, None)
    admin = factories.person(session, roles=("admin",))
    row = tries.ask(session, org.id, {"offer_ttl_s": 30}, (replay.clock_day(session) - DAY).days, admin.id)
    session.commit()

    def cancel():
        with sessions.begin() as other:
            tries.cancel(other, other.get_one(RuleTry, row.id), admin.id, clock.read(other))

    meddled = Interrupted(sessions, 2, cancel)  # the first takes the try, the second reads its first day
    jobs.attempt(meddled, row.id, NOWHERE)
    session.expire_all()
    found = session.get_one(RuleTry, row.id)
    assert (found.state, found.result, found.error) == ("cancelled", None, None)
    assert meddled.begun == 3, "nothing was read or played after the beat that said so"


def test_how_far_a_try_is_may_be_a_number_of_the_labs_own_kind(session, sessions):
    admin = factories.person(session, roles=("admin",))
    row = tries.ask(session, admin.org_id, {"offer_ttl_s": 30}, 3, admin.id)
    tries.take(session, row.id, clock.read(session))
    session.commit()
    with sessions.begin() as s:  # a clock fed by drive times is numpy's, and the database knows no numpy
        tries.beat(s, row.id, np.float64(0.25))
    session.expire_all()
    assert session.get_one(RuleTry, row.id).progress == 0.25


def test_a_try_without_anything_recorded_says_so(session, sessions):
    admin = factories.person(session, roles=("admin",))
    row = tries.ask(session, admin.org_id, {"offer_ttl_s": 30}, 3, admin.id)
    session.commit()
    jobs.attempt(sessions, row.id, NOWHERE)
    session.expire_all()
    assert session.get_one(RuleTry, row.id).error == "nothing_recorded"


def test_a_job_that_died_is_taken_over_and_given_up_after_three(session, sessions):
    admin = factories.person(session, roles=("admin",))
    row = tries.ask(session, admin.org_id, {"offer_ttl_s": 30}, 3, admin.id)
    session.commit()
    now = factories.utc(2100, 1, 1)
    assert tries.due(session, now) == [row.id]
    for n in range(3):
        later = now + n * 2 * tries.BEAT
        assert tries.take(session, row.id, later) is not None
        assert tries.take(session, row.id, later + S) is None
        assert tries.due(session, later + S) == []
    assert tries.take(session, row.id, now + 9 * tries.BEAT) is None
    assert (row.state, row.error) == ("failed", "gave_up")
