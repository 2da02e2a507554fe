"""Taking fixes: stored once, the dot forward only, nothing off duty, by the database's clock."""

import re
import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core import clock
from core.database import Sessions
from core.errors import Missing
from geo import ledger, queries, service, store
from geo.fix import Fix
from geo.models import FixRefusal, LastPosition
from geo.taking import Taken
from staff import rules
from staff.models import Device, Shift, Surveyor
from tests import factories

LON, LAT = factories.LON, factories.LAT
At = Callable[..., Fix]


@pytest.fixture
def now(session: Session) -> datetime:
    return clock.read(session)


@pytest.fixture
def fix(now: datetime) -> At:
    """`fix(15)` is a fix fifteen seconds ago."""

    def make(ago_s: float = 0, north_m: float = 0, accuracy_m: float | None = 10, **given: Any) -> Fix:
        at = now - timedelta(seconds=ago_s)
        place = {"lon": LON, "lat": LAT + north_m / 111_195} | given
        return Fix(at, None, accuracy_m=accuracy_m, **place)

    return make


@pytest.fixture
def who(session: Session) -> Surveyor:
    row = factories.surveyor(session, lon=None, lat=None)
    session.commit()
    return row


@pytest.fixture
def device(session: Session, who: Surveyor) -> Device:
    row, _ = factories.device(session, who)
    session.commit()
    return row  # type: ignore[no-any-return]


@pytest.fixture
def take(sessions: Sessions, who: Surveyor, device: Device) -> Callable[..., Taken]:
    def send(*fixes: Fix, **given: Any) -> Taken:
        return service.take(sessions, who.id, given.pop("device_id", device.id), fixes, **given)

    return send


def stored(session: Session, who: Surveyor) -> list[Fix]:
    session.rollback()
    far = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
    return store.track(session, who.id, *far)


def dot(session: Session, who: Surveyor) -> LastPosition | None:
    session.rollback()
    return session.get(LastPosition, who.id, populate_existing=True)


def test_a_batch_is_stored_and_the_dot_stands_at_its_newest(
    session: Session, who: Surveyor, take: Any, fix: At
) -> None:
    taken = take(fix(10), fix(30, speed_mps=3.5, battery=80, seq=4), fix(20))
    assert (taken.kept, taken.refused, taken.track_only) == (3, {}, {})
    assert taken.last is not None and taken.last.fixed_at == fix(10).fixed_at
    assert [f.fixed_at for f in stored(session, who)] == [
        fix(30).fixed_at,
        fix(20).fixed_at,
        fix(10).fixed_at,
    ]
    assert (stored(session, who)[0].speed_mps, stored(session, who)[0].battery, stored(session, who)[0].seq) == (
        3.5, 80, 4,
    )  # fmt: skip
    row = dot(session, who)
    assert row is not None
    assert (row.fixed_at, row.lon, row.lat) == (fix(10).fixed_at, LON, LAT)


def test_the_same_batch_again_stores_nothing(session: Session, who: Surveyor, take: Any, fix: At) -> None:
    batch = [fix(30), fix(20), fix(10)]
    take(*batch)
    taken = take(*batch, fix(5), fix(5))
    assert (taken.kept, taken.refused) == (1, {"duplicate": 4})
    assert len(stored(session, who)) == 4


def test_the_same_moment_of_two_devices_is_two_positions(
    session: Session, sessions: Sessions, who: Surveyor, take: Any, fix: At
) -> None:
    other, _ = factories.device(session, who)
    session.commit()
    assert take(fix(10)).kept == 1
    assert take(fix(10), device_id=other.id).kept == 1
    assert len(stored(session, who)) == 2


def test_a_late_batch_is_track_only(session: Session, who: Surveyor, take: Any, fix: At) -> None:
    take(fix(10))
    taken = take(fix(3000, north_m=5000), fix(2000))
    assert (taken.kept, taken.track_only, taken.last) == (2, {"late": 2}, None)
    assert dot(session, who).fixed_at == fix(10).fixed_at  # type: ignore[union-attr]
    assert len(stored(session, who)) == 3


def test_an_imprecise_fix_is_kept_but_nobody_is_sent_by_it(
    session: Session, who: Surveyor, take: Any, fix: At
) -> None:
    taken = take(fix(20), fix(10, accuracy_m=900), fix(5, accuracy_m=50_000))
    assert (taken.kept, taken.refused, taken.track_only) == (2, {"imprecise": 1}, {"imprecise": 1})
    assert dot(session, who).fixed_at == fix(20).fixed_at  # type: ignore[union-attr]


def test_two_hundred_kilometres_in_a_minute_do_not_move_the_dot(
    session: Session, who: Surveyor, take: Any, fix: At
) -> None:
    take(fix(90))
    taken = take(fix(30, north_m=200_000))
    assert (taken.kept, taken.track_only, taken.last) == (1, {"impossible_speed": 1}, None)
    assert take(fix(10)).last is not None
    assert dot(session, who).lat == LAT  # type: ignore[union-attr]


def test_a_false_first_fix_does_not_freeze_the_dot(
    session: Session, who: Surveyor, take: Any, fix: At
) -> None:
    take(fix(900, north_m=900_000))
    for ago in range(600, 0, -60):
        take(fix(ago))
    assert dot(session, who).lat == LAT  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"lon": 0.0, "lat": 0.0}, "zero"),
        ({"lat": 91.0}, "out_of_range"),
        ({"ago_s": -61}, "from_the_future"),
        ({"ago_s": 7 * 86400 + 60}, "too_old"),
        ({"ago_s": 3 * 86400}, "off_duty"),
    ],
)
def test_a_refused_fix_is_counted_by_name_and_not_stored(
    session: Session,
    who: Surveyor,
    device: Device,
    take: Any,
    fix: At,
    now: datetime,
    given: Any,
    reason: str,
) -> None:
    taken = take(fix(**given), fix(**given), fix(1))
    assert (taken.kept, taken.refused) == (1, {reason: 2})
    assert len(stored(session, who)) == 1
    row = session.get_one(FixRefusal, (device.id, now.date(), reason))
    assert row.count == 2
    take(fix(**given))
    session.rollback()
    assert session.get_one(FixRefusal, (device.id, now.date(), reason), populate_existing=True).count == 3


def test_a_jump_is_kept_and_counted_by_name_beside_what_was_refused(
    session: Session, device: Device, take: Any, fix: At, now: datetime
) -> None:
    take(fix(60))
    taken = take(fix(30, lat=45.0), fix(20, lat=45.0))
    assert (taken.kept, taken.refused, taken.track_only) == (2, {}, {"impossible_speed": 2})
    row = session.get_one(FixRefusal, (device.id, now.date(), "impossible_speed"))
    assert (row.count, row.held) == (0, 2)
    take(fix(600))
    session.rollback()
    assert session.get(FixRefusal, (device.id, now.date(), "late")) is None


def test_what_could_not_be_read_is_counted_with_the_refused(take: Any, fix: At) -> None:
    taken = take(fix(1), unread={"malformed": 2})
    assert (taken.kept, taken.refused) == (1, {"malformed": 2})


def test_off_duty_nothing_is_stored(
    session: Session, sessions: Sessions, who: Surveyor, take: Any, fix: At
) -> None:
    from staff.service import set_shift

    set_shift(sessions, who.id, False, by=who.id)
    taken = take(fix(0), fix(600), fix(lat=99.0))
    assert (taken.kept, taken.refused, taken.last) == (0, {"off_duty": 3}, None)
    assert stored(session, who) == []
    assert dot(session, who) is None


def test_back_on_duty_the_pause_stays_unknown(
    session: Session, who: Surveyor, take: Any, fix: At, now: datetime
) -> None:
    row = session.get_one(Surveyor, who.id)
    shift = session.query(Shift).filter_by(surveyor_id=who.id).one()
    shift.started_at, shift.ended_at = now - timedelta(hours=4), now - timedelta(hours=2)
    session.add(Shift(surveyor_id=who.id, started_at=now - timedelta(minutes=10)))
    row.on_duty_since = now - timedelta(minutes=10)
    session.commit()
    taken = take(fix(60), fix(20 * 60), fix(70 * 60), fix(130 * 60), fix(200 * 60), fix(400 * 60))
    # The grace of half an hour is for a phone that could not tell in time that its owner began.
    assert (taken.kept, taken.refused) == (4, {"off_duty": 2})
    assert [f.fixed_at for f in stored(session, who)] == [fix(m * 60).fixed_at for m in (200, 130, 20, 1)]


def test_the_database_says_what_time_it_is_not_the_host_nor_the_phone(
    session: Session, who: Surveyor, take: Any, fix: At, now: datetime
) -> None:
    from msgspec.structs import replace

    take(replace(fix(5), received_at=now - timedelta(hours=8)))
    received = stored(session, who)[0].received_at
    assert received is not None
    assert timedelta(0) <= received - now < timedelta(minutes=1)


def test_a_simulated_clock_is_believed(
    session: Session, who: Surveyor, device: Device, take: Any, fix: At
) -> None:
    then = datetime(2013, 7, 1, 12, tzinfo=UTC)
    row = session.get_one(Surveyor, who.id)
    row.on_duty_since = then - timedelta(hours=1)
    session.commit()
    taken = take(Fix(then, None, -8.61, 41.15, 10), now=then)
    assert taken.kept == 1
    assert stored(session, who)[0].received_at == then


def test_a_missing_day_is_made_on_the_way(
    session: Session, who: Surveyor, take: Any, fix: At, now: datetime
) -> None:
    """The sweeper was away for more than a week; positions are taken all the same."""
    session.execute(text(f"DROP TABLE position_{now:%Y%m%d}"))
    session.commit()
    assert take(fix(10)).kept == 1
    assert len(stored(session, who)) == 1


def test_rules_of_the_organisation_are_obeyed(session: Session, who: Surveyor, take: Any, fix: At) -> None:
    rules.change(session, who.org_id, "fix_accuracy_m", 50, by=who.id)
    session.commit()
    assert take(fix(10, accuracy_m=60)).track_only == {"imprecise": 1}


def test_the_nearer_organisation_rules(session: Session, fix: At, sessions: Sessions) -> None:
    root = factories.organisation(session)
    branch = factories.organisation(session, parent=root, kind="branch")
    who = factories.surveyor(session, org=branch, lon=None, lat=None)
    device, _ = factories.device(session, who)
    rules.change(session, branch.id, "fix_accuracy_m", 500, by=who.id)
    rules.change(session, root.id, "fix_accuracy_m", 50, by=who.id)
    session.commit()
    assert service.take(sessions, who.id, device.id, [fix(10, accuracy_m=400)]).track_only == {}


def test_the_device_was_seen(session: Session, device: Device, take: Any, now: datetime) -> None:
    take()
    session.rollback()
    seen = session.get_one(Device, device.id, populate_existing=True).seen_at
    assert seen is not None and seen >= now


def test_nobody_takes_for_somebody_unknown(sessions: Sessions, engine: Any, fix: At) -> None:
    with pytest.raises(Missing):
        service.take(sessions, 5, 6, [fix()])


def test_jitter_of_a_parked_car_never_touches_the_index(
    session: Session, who: Surveyor, take: Any, fix: At
) -> None:
    """`place` carries the GiST index and may trail the exact place by 100 m; lon and lat never do."""

    def placed() -> tuple[float, float]:
        row = dot(session, who)
        assert row is not None
        place = store.read_point(row.place)
        assert place is not None
        return round((place.lat - LAT) * 111_195, 1), round((row.lat - LAT) * 111_195, 1)

    take(fix(60))
    take(fix(50, north_m=90))
    assert placed() == (0, 90)
    take(fix(40, north_m=120))
    assert placed() == (120, 120)


def test_sixteen_threads_with_two_phones_of_one_surveyor(
    session: Session, real_sessions: Sessions, who: Surveyor, device: Device, fix: At
) -> None:
    other, _ = factories.device(session, who)
    session.commit()
    everything = [fix(3000 - 5 * n, north_m=10 * n) for n in range(400)]
    seen: list[datetime] = []
    failures: list[BaseException] = []

    def watch(stop: threading.Event) -> None:
        while not stop.is_set():
            with real_sessions() as looking:
                row = queries.last(looking, who.id)
            if row is not None:
                seen.append(row.fixed_at)

    def send(number: int) -> None:
        try:
            for start in range(number * 25, number * 25 + 25, 5):
                batch = everything[start : start + 5]
                for device_id in (device.id, other.id, device.id):
                    service.take(real_sessions, who.id, device_id, batch)
        except BaseException as error:  # noqa: BLE001 - a thread's failure must fail the test
            failures.append(error)

    stop = threading.Event()
    watcher = threading.Thread(target=watch, args=(stop,))
    senders = [threading.Thread(target=send, args=(n,)) for n in range(16)]
    for thread in (watcher, *senders):
        thread.start()
    for thread in senders:
        thread.join(60)
    stop.set()
    watcher.join(10)
    assert failures == []
    assert len(stored(session, who)) == 800
    assert seen == sorted(seen)
    assert dot(session, who).fixed_at == everything[-1].fixed_at  # type: ignore[union-attr]


class TestDays:
    def test_days_are_made_once_and_around_today(self, session: Session) -> None:
        day = date(2031, 5, 17)
        assert store.ensure_partitions(session, day, ahead_days=2, behind_days=1) == 4
        assert store.ensure_partitions(session, day, ahead_days=2, behind_days=1) == 0
        made = [p.day for p in store.partitions(session) if p.day.year == 2031]
        assert made == [date(2031, 5, d) for d in (16, 17, 18, 19)]

    def test_many_make_the_same_days_at_once(self, real_sessions: Sessions) -> None:
        then = datetime(2032, 5, 17, tzinfo=UTC)
        made: list[int] = []
        threads = [
            threading.Thread(target=lambda: made.append(service.keep_days(real_sessions, then)))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        with real_sessions.begin() as session:
            store.drop_partitions(session, date(2033, 1, 1))
            store.ensure_partitions(session, clock.read(session).date())
        assert sorted(made) == [0] * 7 + [17]

    def test_a_long_look_at_old_tracks_holds_up_no_ping(
        self, session: Session, real_sessions: Sessions, who: Surveyor, take: Any, fix: At, now: datetime
    ) -> None:
        then = datetime(2034, 5, 17, tzinfo=UTC)
        with real_sessions() as reader:
            reader.execute(text("SELECT count(*) FROM position")).one()  # its transaction stays open
            begun = time.monotonic()
            assert service.keep_days(real_sessions, then) == 17
            assert service.forget_old_tracks(real_sessions, now + timedelta(days=93)) == 0
            assert take(fix(5)).kept == 1
            assert time.monotonic() - begun < 3
        assert service.forget_old_tracks(real_sessions, datetime(2034, 12, 1, tzinfo=UTC)) >= 17
        assert service.keep_days(real_sessions) == 17

    def test_a_day_query_reads_one_day(self, session: Session, now: datetime) -> None:
        plan = "\n".join(
            session.execute(
                text("EXPLAIN " + store.TRACK),
                {"surveyor_id": 1, "start": now - timedelta(hours=1), "end": now, "limit": 10},
            ).scalars()
        )
        days = {f"position_{d:%Y%m%d}" for d in (now, now - timedelta(hours=1))}
        assert {word for word in plan.replace("(", " ").split() if word.startswith("position_20")} <= {
            *days,
            *(f"{d}_pkey" for d in days),
        }
        assert days & set(plan.split())

    @pytest.mark.parametrize("days", [0, 1, 3, 6])
    def test_a_period_reads_only_its_days(self, session: Session, now: datetime, days: int) -> None:
        """Any period: pruned by the planner, not looked at and found empty."""
        store.ensure_partitions(session, now.date(), behind_days=60)
        start = now - timedelta(days=days, minutes=1)
        span = {"surveyor_id": 1, "start": start, "end": now, "limit": 10}
        plan = "\n".join(session.execute(text("EXPLAIN " + store.TRACK), span).scalars())
        read = set(re.findall(r"position_(\d{8})", plan))
        assert read == {
            f"{start + timedelta(days=n):%Y%m%d}" for n in range((now.date() - start.date()).days + 1)
        }

    def test_a_witness_reads_only_its_days(self, session: Session, now: datetime) -> None:
        span = {"surveyor_id": 1, "start": now - timedelta(hours=2), "end": now}
        plan = "\n".join(session.execute(text("EXPLAIN " + ledger.TRACK), span).scalars())
        read = set(re.findall(r"position_(\d{8})", plan))
        assert read == {f"{d:%Y%m%d}" for d in (now, now - timedelta(hours=2))}

    def test_every_day_has_its_key_and_its_brin(self, session: Session, now: datetime) -> None:
        found = session.execute(
            text("SELECT indexdef FROM pg_indexes WHERE tablename = :table"),
            {"table": f"position_{now:%Y%m%d}"},
        ).scalars()
        kinds = sorted(line.partition(" USING ")[2].partition(" ")[0] for line in found)
        assert kinds == ["brin", "btree"]

    def test_old_tracks_are_gone_a_day_after_their_time(
        self, session: Session, sessions: Sessions, who: Surveyor, device: Device
    ) -> None:
        now = clock.read(session)
        longest = now.date() - timedelta(days=91)
        store.ensure_partitions(session, now.date(), behind_days=95)
        rows = [
            store.Row(who.id, device.id, Fix(now - timedelta(days=d), now, LON, LAT))
            for d in (95, 92, 91, 89, 1)
        ]
        store.insert_history(session, rows)
        session.commit()
        assert service.forget_old_tracks(sessions, now) >= 4
        kept = [f.fixed_at for f in stored(session, who)]
        assert min(kept).date() > longest
        assert len(kept) in (2, 3)  # the last hour of a day is forgotten with the next one

    def test_an_organisation_may_forget_sooner(
        self, session: Session, sessions: Sessions, who: Surveyor, device: Device
    ) -> None:
        now = clock.read(session)
        branch = factories.organisation(session, kind="branch")
        if branch.id == who.org_id:
            branch = factories.organisation(session, kind="branch")
        hasty = factories.surveyor(session, org=branch, lon=None, lat=None)
        rules.change(session, branch.id, "track_keep_days", 3, by=who.id)
        rows = [
            store.Row(s.id, device.id, Fix(now - timedelta(days=d), now, LON, LAT))
            for s in (who, hasty)
            for d in (6, 1)
        ]
        store.insert_history(session, rows)
        session.commit()
        factories.put_at(session, who, LON, LAT, now - timedelta(days=6))
        factories.put_at(session, hasty, LON, LAT, now - timedelta(days=6))
        session.commit()
        service.forget_old_tracks(sessions, now)
        assert len(stored(session, who)) == 2
        assert len(stored(session, hasty)) == 1
        assert dot(session, who) is not None
        assert dot(session, hasty) is None

    def test_who_left_long_ago_has_no_dot(self, session: Session, sessions: Sessions, who: Surveyor) -> None:
        now = clock.read(session)
        factories.put_at(session, who, LON, LAT, now - timedelta(days=92))
        session.commit()
        service.forget_old_tracks(sessions, now)
        assert dot(session, who) is None

    def test_the_chores_do_both(self, sessions: Sessions, engine: Any) -> None:
        assert service.chores(sessions)["made"] == 0

    def test_what_the_chores_did_is_there_to_see(
        self, session: Session, sessions: Sessions, now: datetime
    ) -> None:
        service.chores(sessions)
        facts = session.execute(text("SELECT facts FROM heartbeat WHERE part = 'position-days'")).scalar_one()
        assert facts["last"] >= str(now.date() + timedelta(days=7))
        assert (facts["made"], facts["forgotten"]) == (0, 0)


@pytest.mark.parametrize("few", [0, 100], ids=["copied", "inserted"])
@pytest.mark.parametrize("missing", range(0, 64, 9))
def test_a_new_fix_is_read_back_as_it_was(
    session: Session, who: Surveyor, take: Any, fix: At, missing: int, few: int, monkeypatch: Any
) -> None:
    monkeypatch.setattr(ledger, "FEW", few)
    readings = {
        "accuracy_m": 12.25, "speed_mps": 3.5, "heading_deg": 90.125, "altitude_m": -4.5, "battery": 81, "seq": 2**60,
    }  # fmt: skip
    given = {n: None if missing >> i & 1 else v for i, (n, v) in enumerate(readings.items())}
    take(fix(30))  # from now on the newest is known, and what is newer is appended
    assert session.get_one(LastPosition, who.id).newest_at == fix(30).fixed_at
    take(fix(20, **(given | {"accuracy_m": given["accuracy_m"] or 9.0})), fix(10, source="owntracks"))
    found = stored(session, who)
    assert [f.source for f in found] == ["phone", "phone", "owntracks"]
    assert found[1] == Fix(
        fix(20).fixed_at,
        found[1].received_at,
        LON,
        LAT,
        **(given | {"accuracy_m": given["accuracy_m"] or 9.0}),
    )


def test_what_stays_in_the_track_is_known_to_be_newest(
    session: Session, who: Surveyor, take: Any, fix: At
) -> None:
    take(fix(30))
    assert take(fix(20, accuracy_m=900)).track_only == {"imprecise": 1}
    row = dot(session, who)
    assert row is not None
    assert (row.fixed_at, row.newest_at) == (fix(30).fixed_at, fix(20).fixed_at)
    assert take(fix(20, accuracy_m=900), fix(25)).refused == {"duplicate": 1}


def test_a_creeping_car_is_a_hot_update(session: Session, who: Surveyor, take: Any, fix: At) -> None:
    """lon and lat are exact; only beyond a hundred metres is the indexed place written anew."""

    def updates() -> tuple[int, int]:
        session.execute(text("SELECT pg_stat_force_next_flush()"))
        session.commit()
        row = session.execute(
            text("SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'last_position'")
        ).one()
        session.commit()
        return row.n_tup_upd, row.n_tup_hot_upd

    take(fix(200))
    all_before, hot_before = updates()
    for n in range(40):
        take(fix(100 - n, north_m=n))
    until = time.monotonic() + 10
    while (now := updates())[0] - all_before < 40 and time.monotonic() < until:
        time.sleep(0.2)  # each connection hands its counts over after a while
    assert (now[1] - hot_before) / (now[0] - all_before) > 0.9


def test_bulk_history_comes_in_once(session: Session, who: Surveyor, now: datetime) -> None:
    rows = [
        store.Row(who.id, 7, Fix(now - timedelta(seconds=n), now, LON, LAT, source="phone"))
        for n in range(2500)
    ]
    assert len(store.insert_history(session, rows)) == 2500
    assert store.insert_history(session, rows[:10]) == set()
    assert store.insert_history(session, []) == set()


def test_dots_move_in_bulk_forward_only(session: Session, now: datetime) -> None:
    people = [factories.surveyor(session, lon=None, lat=None) for _ in range(3)]
    newer = [store.Row(p.id, 7, Fix(now, now, LON, LAT)) for p in people]
    older = [store.Row(p.id, 7, Fix(now - timedelta(seconds=5), now, LON, LAT + 1)) for p in people]
    assert store.move_last(session, [*older, *newer, *older]) == {p.id for p in people}
    assert store.move_last(session, older) == set()
    assert store.move_last(session, []) == set()
    assert {session.get_one(LastPosition, p.id).lat for p in people} == {LAT}
