"""A batch taken as columns leaves what the same batch taken fix by fix leaves: rows, refusals, counters, dot, clock."""

import random
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from api import pings
from core import clock
from core.database import Sessions
from geo import service
from geo.columns import Columns
from geo.fix import Fix
from geo.ledger import Ledger
from geo.taking import Batch, take_together
from staff.models import Device, Surveyor
from tests import factories

LEFT = {
    "history": "SELECT fixed_at, received_at, lon, lat, accuracy_m, speed_mps, heading_deg, altitude_m, battery, source, seq,"
    " phone_at FROM position WHERE surveyor_id = :who ORDER BY fixed_at",
    "dot": "SELECT place, lon, lat, fixed_at, received_at, accuracy_m, speed_mps, heading_deg, battery, source, newest_at"
    " FROM last_position WHERE surveyor_id = :who",
    "refusals": "SELECT day, reason, count FROM fix_refusal WHERE device_id = :device ORDER BY day, reason",
    "clock": "SELECT offset_s, learned_at, sends FROM device_clock WHERE device_id = :device",
    "seen": "SELECT seen_at FROM device WHERE id = :device",
}


class Drive:
    """A car that goes on from batch to batch, told by a phone that sometimes tells nonsense."""

    def __init__(self, dice: random.Random, start: datetime) -> None:
        self.dice, self.at, self.lon, self.lat, self.seq = dice, start, 121.4, 31.2, 0
        self.sent: list[dict[str, Any]] = []

    def batch(self) -> list[dict[str, Any]]:
        dice, fixes = self.dice, []
        step_s = dice.choice([0.5, 1.0, 5.0, 30.0])
        speed = dice.choice([0.0, 2.5, 12.0])
        for _ in range(dice.choice([3, 12, 45, 60])):
            self.at += timedelta(seconds=step_s)
            self.lat += speed * step_s / 111_195
            self.seq += 1
            fixes.append(
                {"at": self.at.isoformat(), "lon": self.lon, "lat": self.lat, "accuracy_m": 9.5, "speed_mps": speed,
                 "heading_deg": 1.25, "battery": 80, "seq": self.seq}
            )  # fmt: skip
        for spice in dice.sample(SPICES, dice.choice([0, 0, 0, 1, 2])):
            spice(self, fixes)
        self.sent += fixes
        return fixes


def _changed(**readings: Any) -> Any:
    return lambda drive, fixes: drive.dice.choice(fixes).update(readings)


def _lacking(drive: Drive, fixes: list[dict[str, Any]]) -> None:
    name = drive.dice.choice(["accuracy_m", "speed_mps", "heading_deg", "battery", "seq"])
    for fix in drive.dice.sample(fixes, drive.dice.randint(1, len(fixes))):
        fix[name] = None


def _shuffled(drive: Drive, fixes: list[dict[str, Any]]) -> None:
    drive.dice.shuffle(fixes)


def _again(drive: Drive, fixes: list[dict[str, Any]]) -> None:
    fixes.extend(dict(fix) for fix in drive.dice.sample(drive.sent, min(5, len(drive.sent))))


def _swapped(drive: Drive, fixes: list[dict[str, Any]]) -> None:
    fix = drive.dice.choice(fixes)
    fix["lon"], fix["lat"] = fix["lat"], 89.0


def _silent(drive: Drive, fixes: list[dict[str, Any]]) -> None:
    drive.at += timedelta(minutes=7)


def _ahead(drive: Drive, fixes: list[dict[str, Any]]) -> None:
    fixes[-1]["at"] = (drive.at + timedelta(hours=30)).isoformat()


SPICES = [
    _changed(lat=32.9), _changed(lon=0.0), _changed(accuracy_m=900.0), _changed(accuracy_m=6000.0), _changed(lat=95.0),
    _changed(at="2026-01-02T03:04:05Z"), _changed(speed_mps=12.0005), _changed(altitude_m=31.5), _changed(battery=40.5),
    _lacking, _lacking, _shuffled, _again, _swapped, _silent, _ahead,
]  # fmt: skip


def slowly(fixes: list[dict[str, Any]]) -> pings.intake.Read:
    """The body read fix by fix."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pings, "LEAST_FIXES", 10**6)
        return pings.read_batch(msgspec.json.encode({"fixes": fixes}))[0]


def on_duty(session: Session) -> tuple[Surveyor, Device]:
    who = factories.surveyor(session, lon=None, lat=None)
    device, _ = factories.device(session, who)
    session.flush()
    session.execute(
        text("UPDATE surveyor SET on_duty_since = now() - interval '2 days' WHERE id = :id"), {"id": who.id}
    )
    session.commit()
    return who, device


def left(session: Session, one: tuple[Surveyor, Device]) -> dict[str, Any]:
    session.rollback()
    given = {"who": one[0].id, "device": one[1].id}
    return {name: session.execute(text(sql), given).all() for name, sql in LEFT.items()}


@pytest.mark.parametrize("seed", [1, 2, 3, pytest.param(range(4, 40), marks=pytest.mark.slow)])
def test_columns_and_single_fixes_leave_the_same(session: Session, sessions: Sessions, seed: Any) -> None:
    now = clock.read(session)
    ways = {Columns: 0, list: 0}
    for number in seed if isinstance(seed, range) else [seed]:
        one, other = on_duty(session), on_duty(session)
        drive = Drive(random.Random(number), now - timedelta(hours=10))
        for _ in range(25):
            fixes = drive.batch()
            quick, slow = pings.read_batch(msgspec.json.encode({"fixes": fixes}))[0], slowly(fixes)
            ways[type(quick.fixes)] += 1  # type: ignore[index]
            assert type(slow.fixes) is list
            at = max(now, drive.at + timedelta(seconds=1))
            taken = [
                service.take(sessions, who.id, device.id, read.fixes, at, unread=read.unread)
                for (who, device), read in ((one, quick), (other, slow))
            ]
            assert taken[0] == taken[1]
            assert taken[0].last is None or isinstance(taken[0].last, Fix)
        assert left(session, one) == left(session, other)
    assert ways[Columns] > ways[list] / 2 > 0


@pytest.mark.parametrize("seed", [7, pytest.param(range(50, 60), marks=pytest.mark.slow)])
def test_batches_of_one_transaction_leave_what_single_fixes_leave(
    session: Session, sessions: Sessions, seed: Any
) -> None:
    now = clock.read(session)
    surely = 0
    for number in seed if isinstance(seed, range) else [seed]:
        pairs = [(on_duty(session), on_duty(session)) for _ in range(4)]
        drives = [Drive(random.Random(100 * number + n), now - timedelta(hours=10)) for n in range(4)]
        for _ in range(12):
            sent = [drive.batch() for drive in drives]
            at = max(now, *(drive.at + timedelta(seconds=1) for drive in drives))
            reads = [pings.read_batch(msgspec.json.encode({"fixes": fixes}))[0] for fixes in sent]
            together = [
                Batch(who.id, device.id, read.fixes, read.unread)
                for ((who, device), _), read in zip(pairs, reads, strict=True)
            ]
            with sessions.begin() as one:
                driver: Any = one.connection().connection.driver_connection
                with driver.cursor() as cursor:
                    told = take_together(Ledger(cursor), together, at)
            slow = [slowly(fixes) for fixes in sent]
            alone = [
                service.take(sessions, who.id, device.id, read.fixes, at, unread=read.unread)
                for (_, (who, device)), read in zip(pairs, slow, strict=True)
            ]
            assert told == alone
            surely += sum(type(read.fixes) is Columns for read in reads) >= 2
        for one_way, other in pairs:
            assert left(session, one_way) == left(session, other)
    assert surely > 6
