"""Photos of two megabytes by tus from sixteen senders at once: ours against @tus/server on Node, in interleaved rounds.

Ours answers only after SHA-256 of the whole file, fsync of file and folder, and a commit; @tus/server with its file
store syncs and checks nothing. Both ends run on this machine and share its processors with the sender. The peer is
installed by npm into a folder of its own (CHAKAN_BENCH_PEERS); without Node or a registry it is left out, and said so.
"""

import http.client
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from PIL import Image

from bench.place import durable, fresh_database
from claims.service import Notice, open_claim
from core import clock, database, parent
from staff import organisations, service, tokens
from staff.accounts import actor_of
from staff.models import Person, Token

ROOT = Path(__file__).parent.parent
SENDERS = 16
SIZE = 2 * 1024 * 1024
GOAL_RATIO = 1.5
PEER = ("@tus/server@2.4.5", "@tus/file-store@2.1.1")
PEER_PROGRAM = """
import { Server } from '@tus/server';
import { FileStore } from '@tus/file-store';
import { createServer } from 'node:http';
const [, , port, directory] = process.argv;
const tus = new Server({ path: '/files', datastore: new FileStore({ directory }), relativeLocation: true });
createServer((request, response) => tus.handle(request, response)).listen(Number(port), '127.0.0.1');
"""


@dataclass
class Target:
    """A running tus server: where, and what a sender of a given number adds to its requests."""

    name: str
    port: int
    path: str
    says: Callable[[int, bytes], dict[str, str]]


def main(quick: bool) -> dict[str, Any]:
    """Measures both; `quick` ends within 50 s."""
    rounds, each = (3, 2) if quick else (7, 6)
    photo = picture()
    with (
        tempfile.TemporaryDirectory(
            prefix="chakan-uploads-", dir=os.environ.get("CHAKAN_BENCH_DIR")
        ) as folder,
        ours(Path(folder)) as us,
        peer(Path(folder)) as them,
    ):
        for warm in filter(None, (us, them)):
            load(warm, photo, 1)  # warm up: connections, plans, caches
        speeds: dict[str, list[float]] = {"ours": [], "peer": []}
        for _ in range(rounds):
            for name, target in (("ours", us), ("peer", them)):
                if target is not None:
                    speeds[name].append(load(target, photo, each))
        single = [load(us, photo, each, senders=1) for _ in range(2)]
    ratios = [a / b for a, b in zip(speeds["ours"], speeds["peer"], strict=False)]
    return {"figures": figures(speeds, ratios, single)}


def figures(speeds: dict[str, list[float]], ratios: list[float], single: list[float]) -> list[dict[str, Any]]:
    """Megabytes a second, and the median of the rounds' ratios."""
    theirs = round(statistics.median(speeds["peer"]), 1) if speeds["peer"] else None
    ratio = round(statistics.median(ratios), 2) if ratios else None
    peer_name = "@tus/server, no fsync, no hash" if theirs else "@tus/server could not be installed here"
    return [
        {
            "metric": f"2 MB × {SENDERS} senders, durable and hashed", "unit": "MB/s", "goal": None, "holds": None,
            "ours": round(statistics.median(speeds["ours"]), 1), "peer": theirs, "peer_name": peer_name, "ratio": ratio,
        },
        {
            "metric": "… beside the peer, median of the rounds", "unit": "×", "ours": ratio, "peer": 1.0 if ratio else None,
            "peer_name": peer_name, "ratio": ratio, "goal": GOAL_RATIO, "holds": ratio >= GOAL_RATIO if ratio else None,
        },
        {
            "metric": "2 MB, one sender", "unit": "MB/s", "ours": round(max(single), 1), "peer": None,
            "peer_name": peer_name, "ratio": None, "goal": None, "holds": None,
        },
    ]  # fmt: skip


def picture() -> bytes:
    """A JPEG of exactly `SIZE` bytes but for the sixteen that make each upload a photo of its own."""
    folder = Path(tempfile.gettempdir()) / f"chakan-{os.getpid()}.jpg"
    Image.effect_noise((1600, 1200), 80).save(folder, "JPEG", quality=80)
    data = folder.read_bytes()
    folder.unlink()
    return data + b"\0" * (SIZE - 16 - len(data))


def load(target: Target, photo: bytes, each: int, *, senders: int = SENDERS) -> float:
    """Megabytes a second of `senders` connections that each send `each` photos: creation, then one PATCH."""
    failed: list[str] = []
    ready = threading.Barrier(senders + 1)

    def send(number: int) -> None:
        try:
            line = http.client.HTTPConnection("127.0.0.1", target.port, timeout=60)
            line.connect()
            line.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            ready.wait()
            for _ in range(each):
                transfer(line, target, number, photo + os.urandom(16))
            line.close()
        except (OSError, http.client.HTTPException, AssertionError) as error:
            failed.append(repr(error))

    threads = [threading.Thread(target=send, args=(n,)) for n in range(senders)]
    for thread in threads:
        thread.start()
    ready.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    assert not failed, failed[:3]
    return senders * each * SIZE / 1e6 / took


def transfer(line: http.client.HTTPConnection, target: Target, number: int, data: bytes) -> None:
    """One photo as a phone sends it."""
    said = {"Tus-Resumable": "1.0.0", **target.says(number, data)}
    line.request(
        "POST", target.path, headers={**said, "Upload-Length": str(len(data)), "Content-Length": "0"}
    )
    answer = line.getresponse()
    answer.read()
    assert answer.status == 201, answer.status
    where = str(answer.getheader("Location"))
    headers = {**said, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    line.request("PATCH", where, body=data, headers=headers)
    answer = line.getresponse()
    answer.read()
    assert answer.status == 204, answer.status


@contextmanager
def ours(folder: Path) -> Iterator[Target]:
    """Our API as launched, over a fresh database, with sixteen people who may add photos to sixteen claims."""
    with fresh_database() as url:
        print(durable(url), file=sys.stderr)
        people = populate(url)
        port = free_port()
        env = os.environ | {
            "CHAKAN_DATABASE_URL": url, "CHAKAN_REDIS_URL": os.environ.get("CHAKAN_TEST_REDIS_URL", "redis://127.0.0.1:1/0"),
            "CHAKAN_SECRET_KEY": "bench", "CHAKAN_DATA": str(folder / "ours"), "PYTHONPATH": str(ROOT),
        }  # fmt: skip
        command = [
            sys.executable,
            "-m",
            "granian",
            "--interface",
            "wsgi",
            "--factory",
            "--no-ws",
            "--blocking-threads",
            "64",
        ]
        command += ["--host", "127.0.0.1", "--port", str(port), "--log-level", "error", "wsgi:api"]
        used = dict.fromkeys(range(SENDERS), 0)

        def says(number: int, data: bytes) -> dict[str, str]:
            token, tasks = people[number]
            used[number] += 1
            # A creation and its PATCH say the same twice; a claim takes two hundred photos.
            task = tasks[used[number] // 300]
            meta = f"task {encoded(task)},sha256 {encoded(sha256(data).hexdigest())},shot {encoded('scene')}"
            return {"Authorization": f"Bearer {token}", "Upload-Metadata": meta}

        with running(command, env, port):
            yield Target("chakan", port, "/api/v1/uploads", says)


def populate(url: str) -> list[tuple[str, list[str]]]:
    """The senders: a token each, and the tasks of claims that are theirs alone."""
    engine = database.connect(url, pool_size=2, name="chakan-bench")
    sessions = database.sessions(engine)
    people = []
    with sessions.begin() as session:
        now = clock.read(session)
        root = organisations.add(session, None, "head", "HQ", "总公司")
        ids = [
            service.add_person(
                session,
                root,
                service.NewPerson(username=f"u{n}", name="定损员", roles=("adjuster", "seat")),
                by=None,
                now=now,
            ).id
            for n in range(SENDERS)
        ]
        secrets = {i: tokens.issue(session, "api", i, now=now, life=None)[1] for i in ids}
    for i in ids:
        with sessions.begin() as session:
            token = session.query(Token).filter_by(person_id=i).one()
            actor = actor_of(session, token, session.get_one(Person, i))
        opened = [
            open_claim(sessions, actor, Notice(reporter_phone="13800001234", place_text="x", place=None))
            for _ in range(4)
        ]
        people.append((secrets[i], [str(o.task_id) for o in opened]))
    engine.dispose()
    return people


@contextmanager
def peer(folder: Path) -> Iterator[Target | None]:
    """@tus/server with its file store, or None with a word why."""
    node, home = (
        shutil.which("node"),
        Path(os.environ.get("CHAKAN_BENCH_PEERS") or ROOT / ".chakan" / "peers"),
    )
    if node is None or not installed(home):
        print("no peer: Node is missing or npm could not install @tus/server", file=sys.stderr)
        yield None
        return
    port = free_port()
    (folder / "theirs").mkdir()
    program = home / "tus-peer.mjs"
    program.write_text(PEER_PROGRAM, encoding="utf-8")
    with running([node, str(program), str(port), str(folder / "theirs")], dict(os.environ), port):
        yield Target("@tus/server", port, "/files", lambda _n, _d: {})


def installed(home: Path) -> bool:
    """Installs the peer once."""
    if (home / "node_modules" / "@tus" / "file-store").is_dir():
        return True
    npm = shutil.which("npm")
    if npm is None:
        return False
    home.mkdir(parents=True, exist_ok=True)
    command = [npm, "install", "--prefix", str(home), "--no-audit", "--no-fund", "--no-save", *PEER]
    try:
        return subprocess.run(command, capture_output=True, timeout=180, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


@contextmanager
def running(command: list[str], env: dict[str, str], port: int) -> Iterator[None]:
    """A server process from its first answer to its end."""
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(
        parent.tied(command), cwd=ROOT, env=env, stdout=quiet, stderr=quiet, start_new_session=True
    )
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if time.monotonic() > deadline or process.poll() is not None:
                    raise TimeoutError(f"{command[0]} did not start") from None
                time.sleep(0.1)
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=20)


def encoded(value: str) -> str:
    """A metadata value."""
    return b64encode(value.encode()).decode()


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
