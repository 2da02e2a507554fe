"""Group commit: many requests, one transaction; each answered after it, none failing for another's sake."""

import json
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from core import clock
from core.errors import Busy, Missing, TooMany, Unsigned
from geo import group as grouping
from geo import ledger, store
from geo.fix import Fix
from geo.group import Group, chosen
from geo.models import LastPosition
from geo.taking import Batch, Taken
from geo.waiting import Ticket
from geo.writer import Remembered
from staff import devices, rules, shifts
from staff.models import Device, Surveyor, Token
from tests import factories

LON, LAT = factories.LON, factories.LAT


@pytest.fixture
def now(session: Session) -> datetime:
    return clock.read(session)


@pytest.fixture
def group(engine: Engine) -> Iterator[Group]:
    made = Group(engine, writers=1, oldest_s=60.0)
    yield made
    made.stop()


@pytest.fixture
def people(session: Session) -> list[tuple[Surveyor, Device]]:
    found = []
    for _ in range(8):
        who = factories.surveyor(session, lon=None, lat=None)
        found.append((who, factories.device(session, who)[0]))
    session.commit()
    return found


def unheard(outcome: Any, offers: list[int]) -> None:
    raise AssertionError(f"nobody waits for this: {outcome} {offers}")


def fix(now: datetime, ago_s: float, **given: Any) -> Fix:
    return Fix(now - timedelta(seconds=ago_s), None, LON, LAT, **({"accuracy_m": 10} | given))


def batch(one: tuple[Surveyor, Device], *fixes: Fix, token_id: int = 0) -> Batch:
    return Batch(one[0].id, one[1].id, fixes, {}, token_id)


def at_once(work: list[Callable[[], Any]]) -> list[Any]:
    """What each call returned or raised, all begun together."""
    found: list[Any] = [None] * len(work)

    def go(number: int) -> None:
        try:
            found[number] = work[number]()
        except Exception as error:  # noqa: BLE001 - the error is the outcome
            found[number] = error

    threads = [threading.Thread(target=go, args=(n,)) for n in range(len(work))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return found


def stored(session: Session, who: Surveyor) -> list[Fix]:
    session.rollback()
    return store.track(session, who.id, datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


def together(group: Group, batches: list[Batch]) -> list[Any]:
    """Submits batches so that they wait together, and lets them be written as one group."""
    begun = threading.Event()

    def all_of_them(queue: deque[Ticket]) -> list[Ticket]:
        # Called with the lock of the group held; waiting lets the others come in.
        until = time.monotonic() + 10
        while len(queue) < len(batches) and time.monotonic() < until and not begun.is_set():
            group.changed.wait(0.002)
        begun.set()
        while not queue and not group.stopping:
            group.changed.wait(0.01)
        return chosen(queue)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grouping, "chosen", all_of_them)
        return at_once([lambda b=b: group.submit(b)[0] for b in batches])  # type: ignore[misc]


def transactions(session: Session, who: list[Surveyor]) -> set[int]:
    session.rollback()
    rows = session.execute(
        text("SELECT DISTINCT xmin::text::bigint FROM position WHERE surveyor_id = ANY(:ids)"),
        {"ids": [w.id for w in who]},
    )
    return {row[0] for row in rows}


def test_many_waiting_requests_share_one_transaction(
    session: Session, group: Group, people: Any, now: datetime
) -> None:
    taken = together(group, [batch(one, fix(now, 20), fix(now, 10)) for one in people])
    assert [t.kept for t in taken] == [2] * len(people)
    assert len(transactions(session, [who for who, _ in people])) == 1
    assert all(session.get_one(LastPosition, who.id).newest_at == fix(now, 10).fixed_at for who, _ in people)


def test_a_member_nobody_may_send_costs_the_others_nothing(
    session: Session, group: Group, people: Any, now: datetime
) -> None:
    revoked, ended, role, good = people[:4]
    tokens = {d.id: t for t, d in session.query(Token, Device).filter(Token.device_id == Device.id)}
    numbers = [tokens[one[1].id].id for one in (revoked, ended, role, good)]
    devices.revoke(session, revoked[1].id, by=good[0].id, now=now)
    session.execute(text("UPDATE person SET disabled_at = now() WHERE id = :id"), {"id": ended[0].id})
    session.execute(text("UPDATE person SET roles = '{seat}' WHERE id = :id"), {"id": role[0].id})
    session.commit()
    asked = [
        batch(one, fix(now, 5), token_id=number)
        for one, number in zip((revoked, ended, role, good), numbers, strict=True)
    ]
    taken = together(group, [*asked, Batch(4, 5, [fix(now, 5)], {})])
    assert [type(t) for t in taken] == [Unsigned, Unsigned, Unsigned, Taken, Missing]
    assert taken[3].kept == 1
    assert [len(stored(session, one[0])) for one in (revoked, ended, role, good)] == [0, 0, 0, 1]


def test_a_member_no_column_can_hold_fails_alone(
    session: Session, group: Group, people: Any, now: datetime
) -> None:
    bad = batch(people[0], fix(now, 5, seq=2**70))
    worse = batch(people[1], fix(now, 5, source="no\0text"))
    taken = together(group, [bad, worse, *(batch(one, fix(now, 5)) for one in people[2:])])
    assert [isinstance(t, Taken) for t in taken] == [False, False] + [True] * (len(people) - 2)
    assert [len(stored(session, who)) for who, _ in people] == [0, 0] + [1] * (len(people) - 2)
    assert str(LON) not in str(taken[1]), "an error's words may hold somebody's place"


def test_batches_of_one_surveyor_are_written_one_after_the_other(
    session: Session, group: Group, people: Any, now: datetime
) -> None:
    who, device = people[0]
    other, _ = factories.device(session, who)
    session.commit()
    taken = together(group, [batch((who, d), fix(now, 10)) for d in (device, other, device)])
    assert sorted(t.kept for t in taken) == [0, 1, 1]
    assert [t.refused for t in taken if not t.kept] == [{"duplicate": 1}]
    assert len(transactions(session, [who])) == 2


def test_the_oldest_go_first_and_a_second_batch_waits_for_the_next_group() -> None:
    tickets = [Ticket(Batch(who, 1, [None] * size, {}), False, 0.0, unheard) for who, size in ((7, 1), (8, 1), (7, 1), (9, 1))]  # type: ignore[list-item] # fmt: skip
    queue = deque(tickets)
    assert chosen(queue) == [tickets[0], tickets[1], tickets[3]]
    assert chosen(queue) == [tickets[2]]


def test_a_group_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grouping, "MOST_FIXES", 1000)
    queue = deque(Ticket(Batch(n, 1, [None] * 500, {}), False, 0.0, unheard) for n in range(5))  # type: ignore[list-item]
    assert [len(chosen(queue)) for _ in range(3)] == [2, 2, 1]


@pytest.mark.parametrize("few", [0, 100], ids=["copied", "inserted"])
def test_a_wrong_shortcut_costs_a_second_try_and_no_fix(
    session: Session, group: Group, people: Any, now: datetime, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody wrote history without telling `newest_at`: the key refuses the copy, the careful way stores it."""
    monkeypatch.setattr(ledger, "FEW", few)
    (who, device), other = people[0], people[1]
    assert group.submit(batch((who, device), fix(now, 30)))[0].kept == 1
    store.insert_history(
        session, [store.Row(who.id, device.id, Fix(now - timedelta(seconds=10), now, LON, LAT))]
    )
    session.commit()
    taken = together(group, [batch((who, device), fix(now, 10), fix(now, 5)), batch(other, fix(now, 5))])
    assert [(t.kept, t.refused) for t in taken] == [(1, {"duplicate": 1}), (1, {})]
    assert len(stored(session, who)) == 3


def test_a_killed_connection_between_two_batches_costs_nothing(
    session: Session, group: Group, people: Any, now: datetime
) -> None:
    for ago in (40, 30, 20):
        assert group.submit(batch(people[0], fix(now, ago)))[0].kept == 1
        session.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%COMMIT' AND pid <> pg_backend_pid() AND datname = current_database()")  # noqa: E501
        )  # fmt: skip
    assert len(stored(session, people[0][0])) == 3


def test_a_missing_day_is_made_for_the_whole_group(
    session: Session, group: Group, people: Any, now: datetime
) -> None:
    assert group.submit(batch(people[0], fix(now, 30)))[0].kept == 1
    session.execute(text(f"DROP TABLE position_{now:%Y%m%d}"))
    session.commit()
    taken = together(group, [batch(one, fix(now, 5)) for one in people])
    assert [t.kept for t in taken] == [1] * len(people)


def test_a_shift_that_ended_counts_at_once_and_a_limit_within_five_seconds(
    session: Session, engine: Engine, people: Any, now: datetime
) -> None:
    ticking = [0.0]
    group = Group(engine, writers=1, oldest_s=60.0)
    group.settings = Remembered(lambda: ticking[0])
    (who, device), (other, phone) = people[:2]
    try:
        assert group.submit(batch((who, device), fix(now, 30, accuracy_m=60)))[0].track_only == {}
        rules.change(session, who.org_id, "fix_accuracy_m", 50, by=who.id)
        shifts.set_duty(session, other.id, False, now=now)
        session.commit()
        assert group.submit(batch((other, phone), fix(now, 20)))[0].refused == {"off_duty": 1}
        assert group.submit(batch((who, device), fix(now, 20, accuracy_m=60)))[0].track_only == {}
        ticking[0] = 5.0
        assert group.submit(batch((who, device), fix(now, 10, accuracy_m=60)))[0].track_only == {
            "imprecise": 1
        }
    finally:
        group.stop()


def test_whoever_comes_when_it_is_full_is_sent_away_and_those_inside_are_served(
    session: Session, engine: Engine, people: Any, now: datetime
) -> None:
    group = Group(engine, writers=1, most=4, oldest_s=60.0)
    try:
        session.execute(text("LOCK TABLE last_position IN ACCESS EXCLUSIVE MODE"))
        waiting = threading.Thread(
            target=at_once, args=([lambda one=one: group.submit(batch(one, fix(now, 5))) for one in people[:4]],)
        )  # fmt: skip
        waiting.start()
        until = time.monotonic() + 10
        while len(group.held) < 4 and time.monotonic() < until:
            time.sleep(0.005)
        with pytest.raises(TooMany) as refused:
            group.submit(batch(people[5], fix(now, 5)))
        assert refused.value.facts["retry_after_s"] >= 1
        session.rollback()
        waiting.join(20)
        assert group.submit(batch(people[5], fix(now, 5)))[0].kept == 1
        assert [len(stored(session, who)) for who, _ in people[:6]] == [1, 1, 1, 1, 0, 1]
    finally:
        group.stop()


def test_when_the_oldest_has_waited_too_long_newcomers_are_sent_away(engine: Engine) -> None:
    group = Group(engine, oldest_s=0.5)
    old = Ticket(Batch(1, 1, [], {}), False, time.monotonic() - 0.6, unheard)
    group.held[id(old)] = old
    assert group.crowded()
    old.came_s = time.monotonic()
    assert not group.crowded()


def test_a_second_group_begins_beside_one_that_is_written_only_when_many_wait(
    people: Any, engine: Engine, now: datetime
) -> None:
    group = Group(engine, oldest_s=60.0, least_beside=3, beside_after_s=60.0)
    done: list[int] = []
    with engine.connect() as other:
        # Somebody holds the first one's turn, so the first group stays open.
        other.execute(
            text(f"SELECT pg_advisory_xact_lock({ledger.TURN}, hashint8(:id))"), {"id": people[0][0].id}
        )
        for number in range(4):
            group.submit_later(batch(people[number], fix(now, 5)), lambda _, __, n=number: done.append(n))  # type: ignore[misc]
            if number < 3:
                time.sleep(0.2)
                assert done == []
        until = time.monotonic() + 10
        while len(done) < 3 and time.monotonic() < until:
            time.sleep(0.01)
        assert sorted(done) == [1, 2, 3]
    until = time.monotonic() + 10
    while len(done) < 4 and time.monotonic() < until:
        time.sleep(0.01)
    group.stop()
    assert sorted(done) == [0, 1, 2, 3]


def test_few_who_come_steadily_share_a_group_and_one_after_a_pause_waits_for_nobody(
    people: Any, engine: Engine, now: datetime
) -> None:
    groups: list[Sequence[int]] = []
    group = Group(engine, moved=groups.append, gather_s=1.0, least_beside=4)

    def send(*numbers: int, ago_s: int) -> float:
        """Returns when the group they came into began, once all are told."""
        told: list[Any] = []
        for number in numbers:
            group.submit_later(
                batch(people[number], fix(now, ago_s)), lambda outcome, _: told.append(outcome)
            )
        until = time.monotonic() + 10
        while len(told) < len(numbers) and time.monotonic() < until:
            time.sleep(0.005)
        assert [outcome.kept for outcome in told] == [1] * len(numbers)
        return group.began_s

    began = time.monotonic()
    first = send(0, ago_s=30)
    assert first - began < 1.0
    second = send(1, 2, ago_s=30)
    assert second - first >= 1.0
    assert send(0, 1, 2, 3, ago_s=20) - second < 1.0  # enough to begin at once
    group.stop()
    assert [len(some) for some in groups] == [1, 2, 4]


def test_nobody_waits_long_beside_a_group_that_hangs(people: Any, engine: Engine, now: datetime) -> None:
    group = Group(engine, oldest_s=60.0)
    done: list[int] = []
    with engine.connect() as other:
        other.execute(
            text(f"SELECT pg_advisory_xact_lock({ledger.TURN}, hashint8(:id))"), {"id": people[0][0].id}
        )
        group.submit_later(batch(people[0], fix(now, 5)), lambda _, __: done.append(0))
        time.sleep(0.1)
        assert group.submit(batch(people[1], fix(now, 5)))[0].kept == 1
        assert done == []  # the first one still hangs
    until = time.monotonic() + 10
    while not done and time.monotonic() < until:
        time.sleep(0.01)
    group.stop()
    assert done == [0]


def test_whoever_no_writer_takes_care_of_is_told_so_and_makes_room(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grouping, "GIVE_UP_S", 0.1)
    monkeypatch.setattr(grouping, "LOOK_S", 0.05)
    monkeypatch.setattr(Group, "_write_on", lambda self: None)
    group, told = Group(engine), []
    group.submit_later(Batch(1, 1, [], {}), lambda outcome, offers: told.append(outcome))
    until = time.monotonic() + 10
    while not told and time.monotonic() < until:
        time.sleep(0.01)
    group.stop()
    assert [type(outcome) for outcome in told] == [Busy] and not group.held


@pytest.mark.parametrize(
    "size", [3_000, pytest.param(100_000, marks=[pytest.mark.slow, pytest.mark.timeout(900)])]
)
def test_a_storm_through_the_group(session: Session, engine: Engine, people: Any, size: int) -> None:
    """P8 with everybody at once: 10 % repeats, 10 % out of order, 2 % impossible; from eight phones in eight threads."""
    session.execute(text("UPDATE surveyor SET on_duty_since = on_duty_since - interval '3 days'"))
    session.commit()
    now = clock.read(session)
    whose = [(who.id, device.id) for who, device in people]
    session.rollback()
    each, group, backward = size // len(people), Group(engine, oldest_s=60.0), []
    step = timedelta(hours=20) / each

    def drive(number: int) -> datetime:
        dice = random.Random(number)
        clean = [fix(now, (step * n).total_seconds()) for n in range(each, 0, -1)]
        wild = {n for n in range(1, each - 1) if dice.random() < 0.02}
        sent = [msgspec.structs.replace(f, lat=LAT + 9) if n in wild else f for n, f in enumerate(clean)]
        for n in range(each):
            if dice.random() < 0.10:
                m = min(each - 1, n + dice.randrange(1, 20))
                sent[n], sent[m] = sent[m], sent[n]
        sent += dice.sample(sent, each // 10)
        before, start = None, 0
        while start < len(sent):
            count = dice.choice([1, 5, 60, 200])
            last = group.submit(Batch(*whose[number], sent[start : start + count], {}))[0].last
            start += count
            if last is not None:
                if (before is not None and last.fixed_at < before) or abs(last.lat - LAT) > 1:
                    backward.append(number)
                before = last.fixed_at
        return clean[max(n for n in range(each) if n not in wild)].fixed_at

    try:
        newest = at_once([lambda n=n: drive(n) for n in range(len(people))])  # type: ignore[misc]
    finally:
        group.stop()
    assert backward == [] and not [n for n in newest if isinstance(n, Exception)]
    session.rollback()
    rows = session.execute(text("SELECT surveyor_id, count(*) FROM position GROUP BY 1")).all()
    assert {row[0]: row[1] for row in rows} == {who: each for who, _ in whose}
    assert [session.get_one(LastPosition, who).fixed_at for who, _ in whose] == newest


def test_a_wrong_clock_is_learned_in_groups_and_both_times_are_copied(
    session: Session, group: Group, people: list[tuple[Surveyor, Device]], now: datetime
) -> None:
    one, wrong = people[0], timedelta(hours=8)
    sends = [[(now - timedelta(seconds=60 - 25 * n)).isoformat(), 28_799.0] for n in range(2)]
    session.execute(
        text("INSERT INTO device_clock (device_id, sends) VALUES (:id, CAST(:sends AS jsonb))"),
        {"id": one[1].id, "sends": json.dumps(sends)},
    )
    session.commit()
    # The first of a device goes the careful way, the crowd after it by COPY.
    for tenths in (range(80, 69, -10), range(60, -1, -1)):
        fixes = [fix(now + wrong, ago / 10) for ago in tenths]
        taken, _ = group.submit(batch(one, *fixes))
        assert taken.kept == len(fixes)
    track = store.track(session, one[0].id, now - timedelta(hours=1), now + timedelta(hours=1))
    assert len(track) == 63
    assert {f.phone_at - f.fixed_at for f in track if f.phone_at} == {wrong}
    assert all(f.phone_at for f in track)
    known = session.execute(text("SELECT offset_s, sends FROM device_clock")).one()
    assert tuple(known) == (28_800, [])


def test_the_speed_the_dot_told_counts_in_the_next_group(
    group: Group, people: list[tuple[Surveyor, Device]], now: datetime
) -> None:
    one = people[0]
    drives = [fix(now, 60, speed_mps=12.0, heading_deg=0.0), fix(now, 45, speed_mps=12.0, heading_deg=0.0)]
    assert group.submit(batch(one, drives[0]))[0].last is not None
    assert group.submit(batch(one, drives[1]))[0].track_only == {"too_steady": 1}
    east = LON + 600 / 85_000
    jump = Fix(now - timedelta(seconds=30), None, east, LAT, 10, 3.0, 0.0)
    assert group.submit(batch(one, jump))[0].track_only == {"unlikely_move": 1}
