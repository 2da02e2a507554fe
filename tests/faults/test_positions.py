"""The server is killed in the middle of group commits: what was answered is stored, what is sent again is stored once."""

import base64
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from core import clock
from tests import factories
from tests import site as sites

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

PHONES, STEP_S, BATCH = 10, 2.0, 20
TRACKS = "SELECT device_id, fixed_at FROM position"
DOTS = "SELECT device_id, fixed_at FROM last_position"


@dataclass
class Phone:
    """One that sends its fixes in order and repeats a request until it is answered; odd ones send batches."""

    device_id: int
    secret: str
    url: str
    first: datetime
    batch: int
    given: threading.Event
    sent: int = 0
    repeats: int = 0
    answered: set[datetime] = field(default_factory=set)
    told: Counter[str] = field(default_factory=Counter)
    strange: list[int] = field(default_factory=list)

    def drive(self) -> None:
        """Sends until the time is over and the last request was answered."""
        with httpx.Client(base_url=self.url, timeout=20) as client:
            while not self.given.is_set():
                moments = [
                    self.first + timedelta(seconds=STEP_S * (self.sent + n)) for n in range(self.batch)
                ]
                self.sent += self.batch
                while not self._send(client, moments):
                    self.repeats += 1
                    time.sleep(0.05)
                self.answered |= set(moments)

    def _send(self, client: httpx.Client, moments: list[datetime]) -> bool:
        try:
            answer = client.post(**self._request(moments))
        except httpx.TransportError:
            return False
        if answer.status_code == 200 and self.batch > 1:
            said = answer.json()
            self.told += Counter({"kept": said["kept"]} | said["refused"])
        if answer.status_code not in (200, 429, 503):
            self.strange.append(answer.status_code)
        return answer.status_code == 200

    def _request(self, moments: list[datetime]) -> dict[str, Any]:
        lon, lat = factories.LON, factories.LAT
        if self.batch > 1:
            fixes = [{"at": at.isoformat(), "lon": lon, "lat": lat, "accuracy_m": 9.5} for at in moments]
            signed = {"Authorization": f"Bearer {self.secret}"}
            return {"url": "/api/v1/positions", "json": {"fixes": fixes}, "headers": signed}
        basic = base64.b64encode(f"{self.device_id}:{self.secret}".encode()).decode()
        message = {"_type": "location", "lon": lon, "lat": lat, "acc": 9, "tst": moments[0].timestamp()}
        return {
            "url": "/api/v1/ingest/owntracks", "json": message, "headers": {"Authorization": f"Basic {basic}"},
        }  # fmt: skip


@pytest.fixture
def site(engine, redis, database_url, redis_url, tmp_path):
    """Only the server: nothing else writes positions."""
    made = sites.build(tmp_path, database_url, redis_url)
    made.start("api")
    made.wait_alive()
    yield made
    made.stop()


def rows(engine: Any, sql: str) -> Counter[tuple[int, datetime]]:
    with engine.connect() as connection:
        return Counter((row[0], row[1]) for row in connection.execute(text(sql)))


@pytest.mark.parametrize("kills", [1, pytest.param(20, marks=pytest.mark.slow)])
def test_a_server_killed_in_the_middle_of_group_commits_loses_nothing_it_answered_for(
    session, engine, site, kills
):
    begun = clock.read(session).replace(microsecond=0) - timedelta(hours=20)
    over, phones = threading.Event(), []
    for number in range(PHONES):
        who = factories.surveyor(session, lon=None, lat=None)
        device, secret = factories.device(session, who)
        phones.append(Phone(device.id, secret, site.url, begun, BATCH if number % 2 else 1, over))
    session.execute(text("UPDATE surveyor SET on_duty_since = on_duty_since - interval '3 days'"))
    session.commit()
    threads = [threading.Thread(target=phone.drive) for phone in phones]
    for thread in threads:
        thread.start()
    lost = []
    for number in range(kills):
        goal = sum(len(p.answered) for p in phones) + 200
        until = time.monotonic() + 30
        while sum(len(p.answered) for p in phones) < goal and time.monotonic() < until:
            time.sleep(0.013 * (1 + number % 3))
        site.kill("api")
        # Read before anything is sent again: only what was answered counts here.
        there = rows(engine, TRACKS)
        lost += [
            (p.device_id, at) for p in phones for at in set(p.answered) if (p.device_id, at) not in there
        ]
        site.start("api")
        site.wait_alive()
    time.sleep(0.3)
    over.set()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert lost == []
    # The requests that lay there when the server died were sent again, or nothing was shown.
    assert sum(phone.repeats for phone in phones) >= kills
    assert [p.strange for p in phones if p.strange] == []
    sent = {(p.device_id, p.first + timedelta(seconds=STEP_S * n)) for p in phones for n in range(p.sent)}
    there = rows(engine, TRACKS)
    assert set(there) == sent and set(there.values()) == {1}
    assert rows(engine, DOTS) == Counter((p.device_id, max(p.answered).astimezone(UTC)) for p in phones)
    for phone in phones:
        # A commit whose answer was lost is a duplicate the second time; nothing else is refused.
        assert set(phone.told) <= {"kept", "duplicate"}
        assert phone.batch == 1 or phone.told.total() == phone.sent
