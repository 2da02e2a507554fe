"""The nightly lesson: tracks become road speeds, judged on people they were not learned from."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text

from core import clock
from geo import queries, service, store
from geo.fix import Fix
from geo.roads import building, lessons, speeds
from geo.roads.network import Made
from geo.roads.speeds import Factors, Speeds
from geo.store import Row
from tests import factories
from tests.squares import MONDAY, ROADS, SIDE, driven, free, staircase


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("site")
    building.store(Made(ROADS.network, {}), found / "roads", {})
    return found


@pytest.fixture(autouse=True)
def nothing_learned(data: Path) -> None:
    (data / "speeds" / speeds.FILE).unlink(missing_ok=True)


@pytest.fixture
def now(session: Any) -> datetime:
    return clock.read(session)


@pytest.fixture
def tracks(sessions: Any, session: Any, now: datetime) -> list[int]:
    """Ten surveyors, six drives each yesterday, in a city twice as slow as its free flow."""
    service.keep_days(sessions, now)
    people = [factories.surveyor(session) for _ in range(10)]
    session.commit()
    began = (now - timedelta(hours=30)).timestamp()
    random = np.random.default_rng(5)
    with sessions.begin() as writing:
        for who in people:
            for drive in range(6):
                begin = int(random.integers(0, 4)) + SIDE * int(random.integers(0, 4))
                at, lon, lat, _ = driven(staircase(14, begin), 10.0, lambda e: 2 * free(e), drive, began_s=0)
                rows = [
                    Row(
                        who.id,
                        1,
                        Fix(
                            datetime.fromtimestamp(began + 3600 * drive + t, UTC),
                            now,
                            float(x),
                            float(y),
                            8.0,
                        ),
                    )
                    for t, x, y in zip(at, lon, lat, strict=True)
                ]
                store.insert_history(writing, rows)
    return [who.id for who in people]


def ask(sessions: Any, now: datetime, days: float = 3) -> int:
    with sessions.begin() as session:
        found = queries.ask_lesson(session, now, now - timedelta(days=days), now)
    assert found is not None
    return found


@pytest.mark.usefixtures("tracks")
def test_a_lesson_puts_better_speeds_in_force_and_says_how_good_they_are(
    sessions: Any, session: Any, data: Path, now: datetime
) -> None:
    found = lessons.run(sessions, data, ask(sessions, now))
    assert found is not None and found["state"] == "done"
    assert (found["surveyors"], found["drives"], found["journeys"]) == (10, 60, 60)
    assert found["before"]["bias"] == pytest.approx(0.5, abs=0.05), "free flow is twice too quick"
    assert found["after"]["bias"] == pytest.approx(1.0, abs=0.05)
    assert found["after"]["median"] < 0.08 < found["before"]["median"]
    in_force = speeds.load(data / "speeds")
    assert in_force is not None and in_force.version == found["version"]
    (row,) = queries.lessons(session)
    assert (row.state, row.version) == ("done", found["version"])
    assert row.figures is not None and row.figures["after"]["median"] == found["after"]["median"]
    assert (
        session.execute(text("SELECT count(*) FROM audit_entry WHERE action = 'roads.learned'")).scalar_one()
        == 1
    )


@pytest.mark.usefixtures("tracks")
def test_what_is_worse_than_what_is_in_force_is_not_put_in_force(
    sessions: Any, data: Path, now: datetime
) -> None:
    lessons.run(sessions, data, ask(sessions, now))
    good = speeds.load(data / "speeds")
    assert good is not None
    # Truth itself is in force: nothing learned from noise beats it.
    Speeds(2.0, 0.0, {}, {"version": "truth"}).save(data / "speeds")
    found = lessons.run(sessions, data, ask(sessions, now))
    assert found is not None
    kept = speeds.load(data / "speeds")
    assert kept is not None
    better = found["after"]["median"] <= found["before"]["median"]
    assert (found["state"], kept.version) == (("done", found["version"]) if better else ("kept", "truth"))
    # And a lesson that a wrong table fell into is thrown out by the next one.
    wrong = {"class": Factors(np.arange(16, dtype=np.int64), np.full(16, 9.0, np.float32))}
    replace(good, levels=wrong, about={"version": "wrong"}).save(data / "speeds")
    assert lessons.run(sessions, data, ask(sessions, now))["state"] == "done"  # type: ignore[index]


def test_too_little_driving_teaches_nothing(sessions: Any, data: Path, now: datetime) -> None:
    found = lessons.run(sessions, data, ask(sessions, now))
    assert found is not None
    assert (found["state"], found["why"]) == ("kept", "too_little_driven")
    assert speeds.load(data / "speeds") is None


def test_a_lesson_is_taken_by_one_worker(sessions: Any, data: Path, now: datetime) -> None:
    lesson_id = ask(sessions, now)
    with sessions.begin() as session:
        assert queries.ask_lesson(session, now, now, now) is None, "one at a time"
        assert queries.start_lesson(session, lesson_id, now, now - timedelta(hours=1)) is not None
    assert lessons.run(sessions, data, lesson_id) is None


def test_a_lesson_whose_worker_died_is_taken_up_again(sessions: Any, data: Path, now: datetime) -> None:
    lesson_id = ask(sessions, now - timedelta(hours=3))
    with sessions.begin() as session:
        queries.start_lesson(session, lesson_id, now - timedelta(hours=2), now - timedelta(hours=9))
    assert lessons.nightly(sessions, data, now) == lesson_id


def test_a_lesson_that_fails_says_so_and_does_not_block_the_next(
    sessions: Any, session: Any, tmp_path: Path, now: datetime
) -> None:
    with pytest.raises(Exception, match="no road graph"):
        lessons.run(sessions, tmp_path, ask(sessions, now))
    (row,) = queries.lessons(session)
    assert (row.state, row.figures) == ("failed", {"error": "NoRoads"})
    assert ask(sessions, now)


class TestNightly:
    # 03:00 in China is 19:00 UTC the day before.
    EVENING, NIGHT = (datetime(2026, 3, 9, hour, 30, tzinfo=UTC) for hour in (18, 19))

    def test_one_lesson_a_night_and_none_without_roads(
        self, sessions: Any, data: Path, tmp_path: Path
    ) -> None:
        assert lessons.nightly(sessions, tmp_path, self.NIGHT) is None
        first = lessons.nightly(sessions, data, self.NIGHT)
        assert first is not None
        assert lessons.nightly(sessions, data, self.NIGHT) == first, "still waiting: it is named again"
        with sessions.begin() as session:
            queries.end_lesson(session, first, "kept", None, {})
        assert lessons.nightly(sessions, data, self.NIGHT + timedelta(minutes=10)) is None
        assert lessons.nightly(sessions, data, self.EVENING + timedelta(days=1)) is None
        second = lessons.nightly(sessions, data, self.NIGHT + timedelta(days=1))
        assert second not in (None, first)


def test_the_week_of_the_test_city_begins_on_a_monday() -> None:
    assert datetime.fromtimestamp(MONDAY, UTC).weekday() == 0
