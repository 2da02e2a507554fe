"""A wrong clock learned while fixes come in, and arrivals and leavings told by the track."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from claims.models import ClaimEvent
from core import clock
from core.database import Sessions
from core.models import Outbox
from dispatch import field, scene
from dispatch.models import Assignment
from geo import queries, service, store
from geo.fix import Fix
from tests import factories

LON, LAT = factories.LON, factories.LAT


@pytest.fixture
def now(session: Session) -> datetime:
    found = clock.read(session)
    session.rollback()
    return found


class TestClock:
    @pytest.fixture
    def phone(self, session: Session) -> Any:
        who = factories.surveyor(session, lon=None, lat=None)
        device, _ = factories.device(session, who)
        session.execute(text("UPDATE surveyor SET on_duty_since = on_duty_since - interval '2 hours'"))
        session.commit()
        return who, device

    def send(
        self, sessions: Sessions, phone: Any, now: datetime, wrong: timedelta, step: int
    ) -> service.Taken:
        who, device = phone
        at = now + timedelta(seconds=30 * step)
        fix = Fix(at + wrong - timedelta(seconds=2), None, LON, LAT, 10)
        return service.take(sessions, who.id, device.id, [fix], at)

    def test_eight_hours_ahead_is_corrected_and_the_phones_time_kept(
        self, session: Session, sessions: Sessions, phone: Any, now: datetime
    ) -> None:
        wrong = timedelta(hours=8)
        first = [self.send(sessions, phone, now, wrong, n) for n in range(2)]
        assert [t.refused for t in first] == [{"from_the_future": 1}] * 2
        later = [self.send(sessions, phone, now, wrong, n) for n in range(2, 6)]
        assert [t.kept for t in later] == [1] * 4
        track = store.track(session, phone[0].id, now - timedelta(hours=1), now + timedelta(hours=1))
        assert [f.phone_at - f.fixed_at for f in track if f.phone_at] == [wrong] * 4
        dot = queries.last(session, phone[0].id)
        assert dot is not None and abs((dot.fixed_at - now).total_seconds() - 148) < 5

    def test_eight_hours_behind_too(
        self, session: Session, sessions: Sessions, phone: Any, now: datetime
    ) -> None:
        taken = [self.send(sessions, phone, now, timedelta(hours=-8), n) for n in range(7)]
        assert [t.kept for t in taken] == [0] * 4 + [1] * 3  # before it is known they lie outside his shift
        assert taken[-1].last is not None

    def test_once_set_right_the_time_is_the_phones_own_again(
        self, session: Session, sessions: Sessions, phone: Any, now: datetime
    ) -> None:
        for n in range(4):
            self.send(sessions, phone, now, timedelta(hours=8), n)
        taken = self.send(sessions, phone, now, timedelta(0), 5)
        assert taken.last is not None and taken.last.phone_at is None

    def test_a_late_backlog_changes_nothing(
        self, session: Session, sessions: Sessions, phone: Any, now: datetime
    ) -> None:
        who, device = phone
        for n in range(10):
            fixes = [Fix(now - timedelta(minutes=100 - 10 * n - m), None, LON, LAT, 10) for m in range(8)]
            taken = service.take(sessions, who.id, device.id, fixes, now + timedelta(seconds=n))
            assert taken.kept == 8
        assert (
            session.execute(text("SELECT count(*) FROM position WHERE phone_at IS NOT NULL")).scalar_one()
            == 0
        )


class TestScene:
    @pytest.fixture
    def job(self, session: Session) -> Any:
        of = factories.claim(session)
        held = factories.assignment(session, of=of, to=factories.surveyor(session, lon=LON + 0.1))
        task = factories.task_of(session, of)
        task.state = "en_route"
        session.execute(text("UPDATE assignment SET accepted_at = accepted_at - interval '3 hours'"))
        session.commit()
        return held, task

    def walk(self, session: Session, who: int, now: datetime, *steps: tuple[float, float]) -> None:
        """Fixes (minutes ago, metres from the scene)."""
        rows = [
            store.Row(who, 7, Fix(now - timedelta(minutes=ago), now, LON, LAT + m / 111_195, 10))
            for ago, m in steps
        ]
        store.insert_history(session, rows)
        session.commit()

    def told(self, session: Session, kind: str) -> int:
        session.expire_all()
        events = session.query(ClaimEvent).filter_by(kind=kind).count()
        assert session.query(Outbox).filter_by(event=kind).count() == events
        return events

    def test_an_arrival_is_suggested_once(
        self, session: Session, sessions: Sessions, job: Any, now: datetime
    ) -> None:
        self.walk(session, job[0].surveyor_id, now, (6, 3000), (4, 100), (3.5, 50), (3, 20), (2, 10))
        assert scene.watch(sessions, now) == 1
        assert scene.watch(sessions, now + timedelta(seconds=150)) == 0
        assert self.told(session, "task.near") == 1
        seen = scene.seen(session, [job[1].id])[job[1].id]
        assert seen.came_at is not None and seen.left_at is None

    def test_a_track_that_comes_late_proves_the_arrival(
        self, session: Session, sessions: Sessions, job: Any, now: datetime
    ) -> None:
        """The dot is elsewhere by now and the last half hour shows nothing: the stay was two hours ago, told just now."""
        assert scene.watch(sessions, now) == 0
        self.walk(session, job[0].surveyor_id, now, (125, 3000), (122, 50), (121, 50), (120, 50), (110, 50))
        scene.watch(sessions, now + timedelta(minutes=3))
        who = factories.actor(session, session.get_one(factories.Person, job[0].surveyor_id))
        field.arrive(sessions, job[1].id, job[0].surveyor_id, who)
        session.expire_all()
        proof = session.get_one(Assignment, job[0].id).arrival_proof
        assert proof is not None and proof["kind"] == "dwell"

    def test_leaving_before_the_report_is_told_once(
        self, session: Session, sessions: Sessions, job: Any, now: datetime
    ) -> None:
        held, task = job
        task.state, held.arrived_at = "on_scene", now - timedelta(minutes=20)
        session.merge(held), session.merge(task)
        session.execute(text("UPDATE assignment SET arrived_at = :at"), {"at": now - timedelta(minutes=20)})
        session.execute(text("UPDATE task SET state = 'on_scene' WHERE id = :id"), {"id": task.id})
        session.commit()
        self.walk(
            session,
            held.surveyor_id,
            now,
            (22, 50),
            (21, 40),
            (20, 30),
            (15, 20),
            (4, 2000),
            (3, 4000),
            (2, 6000),
        )
        scene.watch(sessions, now)
        scene.watch(sessions, now + timedelta(minutes=5))
        assert self.told(session, "task.left") == 1
        assert self.told(session, "task.near") == 0

    def test_driving_by_is_neither(
        self, session: Session, sessions: Sessions, job: Any, now: datetime
    ) -> None:
        self.walk(session, job[0].surveyor_id, now, (6, 3000), (4, 100), (3.5, 500), (2, 4000))
        assert scene.watch(sessions, now) == 0
        assert self.told(session, "task.near") + self.told(session, "task.left") == 0

    def test_the_sweeper_looks_again_only_when_there_is_something_new(
        self, session: Session, sessions: Sessions, job: Any, now: datetime
    ) -> None:
        scene.watch(sessions, now)
        with sessions.begin() as other:
            due = other.execute(text("SELECT checked_at FROM scene_watch")).scalar_one()
        scene.watch(sessions, now + timedelta(seconds=30))
        with sessions.begin() as other:
            assert other.execute(text("SELECT checked_at FROM scene_watch")).scalar_one() == due
