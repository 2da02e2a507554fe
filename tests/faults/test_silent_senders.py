"""Senders who announce a body and fall silent, against the real server: they cost themselves, and nobody else."""

import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx
import pytest

from api import body, patience
from launch.processes import API_THREADS
from tests import factories, pictures, site
from tests.faults.test_uploads import begin, patch, raw
from tests.uploading import TUS

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
# How late an answer may be on a machine that does much else; a frozen server never answers.
SOON_S = 10.0
SENDERS = 8


@pytest.fixture
def patient(tmp_path, database_url, redis_url, redis) -> Iterator[site.Site]:
    """The API as launched."""
    yield from serving(site.build(tmp_path, database_url, redis_url))


@pytest.fixture(scope="module")
def hasty(tmp_path_factory, database_url, redis_url) -> Iterator[site.Site]:
    """The same with a tenth of its patience."""
    built = site.build(tmp_path_factory.mktemp("hasty"), database_url, redis_url)
    built.commands["api"] = ["tests.impatient:api" if c == "wsgi:api" else c for c in built.commands["api"]]
    yield from serving(built)


def serving(built: site.Site) -> Iterator[site.Site]:
    built.start("api")
    try:
        built.wait_alive()
        yield built
    finally:
        built.stop()


@pytest.fixture
def phones(session) -> list[tuple[str, int]]:
    """The token and the task of some surveyors."""
    found = []
    for _ in range(SENDERS):
        who = factories.surveyor(session)
        task_id = factories.assignment(session, to=who).task_id
        found.append((factories.device(session, who)[1], task_id))
    session.commit()
    return found


class Task:
    """What `tests.uploading` asks of a job."""

    def __init__(self, task_id: int) -> None:
        self.task_id = task_id


@contextmanager
def somebody_looks(running: site.Site) -> Iterator[list[float]]:
    """Another client who asks the whole time; the list holds how long each of his answers took."""
    waits: list[float] = []
    over = threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=running.url, timeout=120) as client:
            while not over.is_set():
                began = time.monotonic()
                assert client.get("/livez").status_code == 200
                waits.append(time.monotonic() - began)
                time.sleep(0.05)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield waits
    finally:
        over.set()
        asking.join()


def signed(running: site.Site, token: str) -> httpx.Client:
    return httpx.Client(base_url=running.url, headers=TUS | {"Authorization": f"Bearer {token}"}, timeout=60)


def plain(running: site.Site, path: str, extra: str = "") -> socket.socket:
    """A request of which ten bytes of a thousand come."""
    to = urlsplit(running.url)
    line = socket.create_connection((to.hostname, to.port), timeout=30)
    line.sendall(
        f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{extra}"
        "Content-Length: 1000\r\n\r\n{12345678,".encode()
    )
    return line


def answers(lines: list[socket.socket], seconds: float) -> Counter[str]:
    """The status each line hears within so many seconds of now: "" for never."""
    deadline, heard = time.monotonic() + seconds, Counter[str]()
    for line in lines:
        line.settimeout(max(0.1, deadline - time.monotonic()))
        try:
            heard[line.recv(200).decode("latin-1")[9:12]] += 1
        except OSError:
            heard[""] += 1
    return heard


def silent_uploads(running: site.Site, phones: list[tuple[str, int]], each: int) -> list[socket.socket]:
    """So many uploads of each phone that say ten bytes and no more."""
    photo, lines = pictures.jpeg(1600, 1200, 6), []
    for token, task_id in phones:
        with signed(running, token) as line:
            for _ in range(each):
                lines.append(raw(running.url, begin(line, photo, Task(task_id)), token, 0, len(photo)))
                lines[-1].sendall(photo[:10])
    return lines


def uploads_a_photo(running: site.Site, phone: tuple[str, int]) -> bool:
    photo = pictures.jpeg(320, 240, 9)
    with signed(running, phone[0]) as line:
        return patch(line, begin(line, photo, Task(phone[1])), 0, photo).status_code == 204


def all_are_cut(running: site.Site, phones: list[tuple[str, int]], limit_s: float) -> None:
    """More silent uploads than places: each hears 503 in time, others are served meanwhile, then all places are free."""
    lines: list[socket.socket] = []
    try:
        with somebody_looks(running) as waits:
            lines += silent_uploads(running, phones, body.MAX_RECEIVING_EACH + 1)
            heard = answers(lines, limit_s)
            assert heard == {"503": len(lines)}
            assert all(uploads_a_photo(running, phone) for phone in phones)
        assert max(waits) < SOON_S
    finally:
        for line in lines:
            line.close()


def test_silent_uploads_are_cut_and_nobody_else_notices(hasty, phones):
    all_are_cut(hasty, phones[:2], 20)


@pytest.mark.slow
def test_more_silent_uploads_than_places_with_the_patience_of_every_day(patient, phones):
    all_are_cut(patient, phones, 120)


def crowd_is_sent_away(running: site.Site, paths: Callable[[int], str], count: int, limit_s: float) -> None:
    """So many bodies that do not come: each line is answered in time, and what has no body is served meanwhile."""
    lines: list[socket.socket] = []
    try:
        with somebody_looks(running) as waits:
            lines += [plain(running, paths(n)) for n in range(count)]
            heard = answers(lines, limit_s)
            assert "" not in heard and set(heard) <= {"400", "401", "422", "503"}, heard
        assert max(waits) < SOON_S
    finally:
        for line in lines:
            line.close()


def either(n: int) -> str:
    """The way in by password and that of positions: both read a body before they know who asks."""
    return ("/api/v1/session", "/api/v1/positions")[n % 2]


def test_silent_bodies_of_any_request_are_cut_too(hasty):
    crowd_is_sent_away(hasty, either, patience.MOST_READING_EACH + 6, 20)


@pytest.mark.slow
def test_more_silent_bodies_than_threads_with_the_patience_of_every_day(patient):
    crowd_is_sent_away(patient, either, API_THREADS + 80, 120)


def test_who_trickles_is_cut_and_who_works_on_is_not(hasty, phones):
    """A byte now and then is no upload; beside it a slow but honest one of the same address comes through."""
    photo = pictures.jpeg(640, 480, 3)
    (token, task_id), (other, other_task) = phones[:2]
    with signed(hasty, token) as line, signed(hasty, other) as honest:
        trickle = raw(hasty.url, begin(line, photo, Task(task_id)), token, 0, len(photo))
        steady_at = begin(honest, photo, Task(other_task))
        steady = raw(hasty.url, steady_at, other, 0, len(photo))
        over = threading.Event()

        def drip() -> None:
            for byte in photo:
                if over.wait(0.1):
                    return
                try:
                    trickle.sendall(bytes([byte]))
                except OSError:
                    return

        dripping = threading.Thread(target=drip)
        dripping.start()
        step = len(photo) // 60 + 1
        for start in range(0, len(photo), step):
            steady.sendall(photo[start : start + step])
            time.sleep(0.1)
        assert steady.recv(200).startswith(b"HTTP/1.1 204")
        trickle.settimeout(20)
        assert b" 503 " in trickle.recv(200)
        over.set()
        dripping.join()
        trickle.close()
        steady.close()
