"""P8: the live dot never goes back or jumps, and what is stored is exactly what was valid, once."""

import random
from collections import Counter
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from core import clock
from core.database import Sessions
from geo import queries, service, store
from geo.fix import Fix, LonLat, metres_between
from tests import factories

LON, LAT = factories.LON, factories.LAT
FAR_M = 300_000


class Reference:
    """The promise in its plainest words: a set of valid fixes and one dot, told by hand."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.stored: dict[datetime, Fix] = {}
        self.dot: Fix | None = None

    def take(self, batch: list[Fix]) -> None:
        valid = {f.fixed_at: f for f in reversed(batch) if self.valid(f)}
        for at in sorted(valid):
            if at not in self.stored:
                self.stored[at] = valid[at]
        for at in sorted(valid):
            if self.stored[at] is valid[at]:
                self.move(valid[at])

    def valid(self, fix: Fix) -> bool:
        age = (self.now - fix.fixed_at).total_seconds()
        return -60 <= age <= 3600 + 1800 and abs(fix.lat) <= 90 and not (fix.lon == fix.lat == 0)

    def move(self, fix: Fix) -> None:
        if self.dot is None:
            self.dot = fix
        elif fix.fixed_at > self.dot.fixed_at:
            seconds = (fix.fixed_at - self.dot.fixed_at).total_seconds()
            if metres_between(fix.position(), self.dot.position()) < 1000 + 50 * seconds:
                self.dot = fix


def place(kind: str, minute: float) -> tuple[float, float]:
    """A slow drive north; or far away. Four far fixes are too few to be a story that could be believed."""
    if kind == "drive":
        return LON, LAT + minute * 0.002
    if kind == "null":
        return 0.0, 0.0
    if kind == "pole":
        return LON, 91.0
    turn = int(kind[-1])
    return LON + (3.0 if turn % 2 else -3.0), LAT + (3.0 if turn > 1 else -3.0)


kinds = st.sampled_from(["drive"] * 12 + ["null", "pole"])
seconds = st.integers(-8, 380).map(lambda n: n * 10)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sent=st.lists(st.lists(st.tuples(seconds, kinds), max_size=25), min_size=1, max_size=8),
    jumps=st.lists(st.tuples(seconds, st.sampled_from(["far0", "far1", "far2", "far3"])), max_size=4),
    repeats=st.lists(st.integers(0, 7), max_size=4),
)
def test_stored_is_what_was_valid_and_the_dot_goes_forward(
    session: Session,
    sessions: Sessions,
    sent: list[list[tuple[int, str]]],
    jumps: list[tuple[int, str]],
    repeats: list[int],
) -> None:
    who = factories.surveyor(session, lon=None, lat=None)
    device, _ = factories.device(session, who)
    session.commit()
    now = clock.read(session)
    session.rollback()

    def fix(ago_s: int, kind: str) -> Fix:
        at = now - timedelta(seconds=ago_s)
        lon, lat = place(kind, (3900 - ago_s) / 60)
        return Fix(at, None, lon, lat, accuracy_m=10)

    batches = [[fix(3900, "drive")], *([fix(*one) for one in batch] for batch in sent)]
    for number, one in enumerate(jumps):
        batches[1 + number % len(sent)].append(fix(*one))
    batches += [batches[n] for n in repeats if n < len(batches)]

    reference, before = Reference(now), None
    for batch in batches:
        taken = service.take(sessions, who.id, device.id, batch, now)
        reference.take(batch)
        assert taken.kept + sum(taken.refused.values()) == len(batch)
        dot = queries.last(session, who.id)
        session.rollback()
        assert before is None or (dot is not None and dot.fixed_at >= before.fixed_at)
        before = dot
        assert (dot is None) == (reference.dot is None)
        assert dot is None or reference.dot is None or dot.fixed_at == reference.dot.fixed_at
    track = store.track(session, who.id, now - timedelta(days=1), now + timedelta(days=1))
    session.rollback()
    assert {f.fixed_at: f.position() for f in track} == {
        at: f.position() for at, f in reference.stored.items()
    }


@pytest.mark.parametrize(
    "size", [5_000, pytest.param(100_000, marks=[pytest.mark.slow, pytest.mark.timeout(600)])]
)
def test_a_storm_of_pings(session: Session, sessions: Sessions, size: int) -> None:
    """10 % repeats, 10 % out of order, 2 % impossible, from 20 phones; batches of up to 500."""
    rng = random.Random(size)
    people = [factories.surveyor(session, lon=None, lat=None) for _ in range(20)]
    devices = {p.id: factories.device(session, p)[0].id for p in people}
    session.execute(text("UPDATE surveyor SET on_duty_since = on_duty_since - interval '3 days'"))
    session.commit()
    now = clock.read(session)
    session.rollback()
    each = size // len(people)
    step = timedelta(days=1) / each  # stays within 24 hours: older is track only
    expected: Counter[int] = Counter()
    for person in people:
        clean = [
            Fix(now - n * step, None, LON + 0.001 * rng.random(), LAT + 0.001 * rng.random(), accuracy_m=10)
            for n in range(each, 0, -1)
        ]
        wild = {n for n in range(1, each - 1) if rng.random() < 0.02}
        sent = [
            Fix(
                f.fixed_at,
                None,
                f.lon + rng.choice([-5, 5]) + rng.random(),
                f.lat + rng.choice([-9, 9]),
                accuracy_m=10,
            )
            if n in wild
            else f
            for n, f in enumerate(clean)
        ]
        last_good = max(n for n in range(each) if n not in wild)
        expected[person.id] = each
        for n in range(each):  # out of order: swapped with a neighbour up to fifty places away
            if rng.random() < 0.10:
                m = min(each - 1, n + rng.randrange(1, 50))
                sent[n], sent[m] = sent[m], sent[n]
        sent += rng.sample(sent, each // 10)
        seen: datetime | None = None
        for start in range(0, len(sent), 500):
            service.take(sessions, person.id, devices[person.id], sent[start : start + 500], now)
            dot = queries.last(session, person.id)
            session.rollback()
            assert dot is not None
            assert seen is None or dot.fixed_at >= seen, "the dot went back"
            assert metres_between(dot.position(), LonLat(LON, LAT)) < 1000, "the dot jumped"
            seen = dot.fixed_at
        assert seen == clean[last_good].fixed_at
    rows = session.execute(text("SELECT surveyor_id, count(*) FROM position GROUP BY 1")).all()
    assert {row[0]: row[1] for row in rows} == dict(expected)
