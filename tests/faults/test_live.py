"""The live stream over real processes: snapshot, change, resume, Redis emptied, access withdrawn."""

import contextlib
import json
import queue
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from redis import Redis

from core import live
from staff import service
from staff.models import Person
from tests import factories, site

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]
PATIENCE_S = 40  # a shared machine may be slow; what is asserted is that it comes, the bench says how fast


@pytest.fixture(scope="module")
def processes(tmp_path_factory, database_url, redis_url) -> Iterator[site.Site]:
    """Started once for all tests of this file: a start takes longer than any of them."""
    running = site.build(tmp_path_factory.mktemp("site"), database_url, redis_url, workers=())
    try:
        yield site.start_all(running)
    finally:
        running.stop()


@pytest.fixture
def running(processes, engine, redis_url) -> site.Site:
    """The processes over empty tables, once the picture of the test before is gone."""
    redis = Redis.from_url(redis_url)
    redis.flushdb()
    deadline = time.monotonic() + PATIENCE_S
    while redis.get(live.EPOCH) is None:
        assert time.monotonic() < deadline, "the sweeper laid no picture"
        time.sleep(0.1)
    time.sleep(1.5)  # the stream looks once a second
    return processes


class Reader(threading.Thread):
    """Reads events of the stream into a queue until the stream ends."""

    def __init__(self, url: str, token: str, last: str = "") -> None:
        super().__init__(daemon=True)
        self.url, self.seen, self.last = url, queue.Queue(), last  # type: ignore[var-annotated]
        self.headers = {"Authorization": f"Bearer {token}"} | ({"Last-Event-ID": last} if last else {})
        self.start()

    def run(self) -> None:
        with contextlib.suppress(
            httpx.HTTPError
        ):  # the site stops at the end of a test, and its streams with it
            self._read()
        self.seen.put(("ended", None))

    def _read(self) -> None:
        name = ""
        with httpx.stream("GET", f"{self.url}/api/v1/live", headers=self.headers, timeout=60) as answer:
            for line in answer.iter_lines():
                if line.startswith("id: "):
                    self.last = line[4:]
                elif line.startswith("event: "):
                    name = line[7:]
                elif line.startswith("data: "):
                    self.seen.put((name, json.loads(line[6:])))

    def wait_for(self, name: str, fits=lambda data: True) -> Any:
        deadline = time.monotonic() + PATIENCE_S
        while (left := deadline - time.monotonic()) > 0:
            try:
                kind, data = self.seen.get(timeout=left)
            except queue.Empty:
                break
            if kind == name and fits(data):
                return data
        raise AssertionError(f"no {name} within {PATIENCE_S} s")


def report(running: site.Site, token: str, key: str) -> str:
    body = {"reporter": {"phone": "13800001234"}, "loss": {"position": {"lon": 116.4, "lat": 39.91}}}
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
    answer = httpx.post(f"{running.url}/api/v1/claims", json=body, headers=headers, timeout=20)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


@pytest.fixture
def desk(sessions) -> tuple[Person, str]:
    with sessions.begin() as session:
        factories.surveyor(session)
        person = factories.person(session, roles=("dispatcher", "seat"))
        return person, factories.api_token(session, person)


def test_a_viewer_gets_the_picture_then_the_change_and_resumes_where_he_was(running, desk):
    _, token = desk
    reader = Reader(running.url, token)
    reader.wait_for("snapshot")
    first = report(running, token, "one")
    card = reader.wait_for("task", lambda card: card["claim_id"] == first and card["state"] == "offered")
    assert card["offer"]["surveyor"]["name"]
    second = report(running, token, "two")
    again = Reader(running.url, token, last=reader.last)
    assert again.wait_for("task", lambda card: card["claim_id"] == second)


def test_another_branch_sees_nothing_of_it(running, desk, sessions):
    _, token = desk
    with sessions.begin() as session:
        branch = factories.organisation(session, parent=factories.default_organisation(session))
        other = factories.api_token(session, factories.person(session, roles=("dispatcher",), org=branch))
    outsider = Reader(running.url, other)
    assert outsider.wait_for("snapshot") | {"server_time": ""} == {
        "surveyors": [],
        "tasks": [],
        "server_time": "",
    }
    insider = Reader(running.url, token)
    claim = report(running, token, "one")
    insider.wait_for("task", lambda card: card["claim_id"] == claim)
    assert [kind for kind, _ in list(outsider.seen.queue)] == []


def test_redis_emptied_in_the_middle_costs_a_redraw_and_no_fact(running, desk, redis_url):
    _, token = desk
    reader = Reader(running.url, token)
    reader.wait_for("snapshot")
    first = report(running, token, "one")
    reader.wait_for("task", lambda card: card["claim_id"] == first)
    Redis.from_url(redis_url).flushdb()
    second = report(running, token, "two")
    picture = reader.wait_for("snapshot", lambda data: data["surveyors"])
    drawn = {card["claim_id"] for card in picture["tasks"]}
    assert first in drawn and len(picture["surveyors"]) == 1
    # Told after the picture was laid, or in it: the one or the other.
    assert second in drawn or reader.wait_for("task", lambda card: card["claim_id"] == second)


def test_a_disabled_person_loses_the_stream(running, desk, sessions):
    person, token = desk
    reader = Reader(running.url, token)
    reader.wait_for("snapshot")
    with sessions.begin() as session:
        service.disable(
            session, session.get_one(Person, person.id), by=None, now=factories.clock.read(session)
        )
    # No other process told the stream: it asks again by itself within the minute, at once when the API says so.
    Redis.from_url(running.env["CHAKAN_REDIS_URL"]).incr("chakan:auth:epoch")
    reader.wait_for("ended")


def test_a_stranger_gets_no_stream(running):
    assert httpx.get(f"{running.url}/api/v1/live", timeout=10).status_code == 401
