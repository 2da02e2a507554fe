"""Uploads on a bad line, against the real server: cut, half open, slow, killed, raced; with other people's clients."""

import http.client
import json
import os
import random
import shutil
import socket
import subprocess
import threading
import time
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import func, select

from media.models import Photo
from media.storage import LocalStorage
from staff.models import Surveyor
from tests import factories, pictures, site
from tests.faults.proxy import Plan, Proxy
from tests.uploading import BYTES, TUS, creation, metadata

pytestmark = pytest.mark.timeout(180)
MANY = int(os.environ.get("CHAKAN_FAULT_PHOTOS", "24"))
WEB = Path(__file__).parent.parent.parent / "web"
TUS_JS = Path(os.environ.get("CHAKAN_WEB_MODULES") or WEB / "node_modules") / "tus-js-client"


@pytest.fixture(scope="module")
def process(tmp_path_factory, database_url, redis_url):
    """Started once: a start takes as long as most of these tests."""
    running = site.build(tmp_path_factory.mktemp("site"), database_url, redis_url)
    yield running
    running.stop()


@pytest.fixture
def server(process, redis):
    """The API as launched, over the test's database, with an empty store; started again if a test killed it."""
    running = process
    for folder in ("uploads", "photos"):
        shutil.rmtree(running.data / folder, ignore_errors=True)
        (running.data / folder).mkdir()
    if "api" not in running.running:
        running.start("api")
    running.wait_alive()
    return running


@pytest.fixture
def job(session):
    return factories.assignment(session)


@pytest.fixture
def token(session, job):
    _, token = factories.device(session, session.get_one(Surveyor, job.surveyor_id))
    session.commit()
    return token


@pytest.fixture
def line(server, token):
    """A client of the server itself, signed as the phone."""
    with httpx.Client(
        base_url=server.url, headers=TUS | {"Authorization": f"Bearer {token}"}, timeout=40
    ) as client:
        yield client


def begin(line: httpx.Client, data: bytes, job) -> str:
    answer = line.post("/api/v1/uploads", headers=creation(data, job.task_id))
    assert answer.status_code == 201, answer.text
    return answer.headers["Location"]


def patch(line, where: str, offset: int, body: bytes) -> httpx.Response:
    return line.patch(where, content=body, headers={"Upload-Offset": str(offset), "Content-Type": BYTES})


def offset_of(line, where: str) -> int:
    answer = line.head(where)
    assert answer.status_code == 200, answer
    return int(answer.headers["Upload-Offset"])


def settled_offset(line, where: str, least: int = 1, seconds: float = 5) -> int:
    """The offset once the server has noticed that a connection broke."""
    deadline = time.monotonic() + seconds
    while (offset := offset_of(line, where)) < least and time.monotonic() < deadline:
        time.sleep(0.05)
    return offset


def raw(server_url: str, where: str, token: str, offset: int, length: int) -> socket.socket:
    """A PATCH whose body is still to come."""
    to = urlsplit(server_url)
    line = socket.create_connection((to.hostname, to.port), timeout=30)
    head = (
        f"PATCH {where} HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: {BYTES}\r\nUpload-Offset: {offset}\r\nContent-Length: {length}\r\n\r\n"
    )
    line.sendall(head.encode())
    return line


def stored(session, photo_id: str, data_folder: Path) -> bytes:
    session.rollback()
    photo = session.get_one(Photo, int(photo_id), populate_existing=True)
    with LocalStorage(data_folder / "photos").open(photo.object_key) as file:
        return file.read()


def test_a_line_cut_anywhere_goes_on_from_what_arrived(server, line, token, job, session):
    photo = pictures.encoded(pictures.pixels(1600, 1200, 3).effect_spread(20), quality=92)
    assert len(photo) > 5 * 65536
    edges = [n * 65536 + d for n in range(1, 5) for d in (-1, 0, 1)]
    where = begin(line, photo, job)
    for cut in edges:
        offset = offset_of(line, where)
        end = min(cut, len(photo))
        broken = raw(server.url, where, token, offset, len(photo) - offset)
        broken.sendall(photo[offset:end])
        broken.close()
        # Everything that reached the server before the line broke is kept: nothing is sent twice.
        assert settled_offset(line, where, end) == end
    done = patch(line, where, edges[-1], photo[edges[-1] :])
    assert done.status_code == 204, done.text
    assert stored(session, done.headers["Photo-Id"], server.data) == photo


def test_a_half_open_line_does_not_hold_the_upload(server, line, token, job, session):
    photo = pictures.jpeg(1600, 1200, 4)
    where = begin(line, photo, job)
    silent = raw(server.url, where, token, 0, len(photo))
    silent.sendall(photo[:30_000])
    time.sleep(0.3)
    # The phone comes back on a new connection while the old one still hangs.
    began = time.monotonic()
    while True:
        offset = offset_of(line, where)
        answer = patch(line, where, offset, photo[offset:])
        if answer.status_code == 204:
            break
        assert answer.status_code in (409, 423), answer.text
        time.sleep(0.2)
    assert time.monotonic() - began < 5
    # … and what the old connection still sends changes nothing any more.
    silent.sendall(b"\0" * (len(photo) - 30_000))
    assert silent.recv(100).startswith(b"HTTP/1.1 4")
    silent.close()
    assert stored(session, answer.headers["Photo-Id"], server.data) == photo


def test_of_two_patches_at_once_one_wins_and_no_bytes_mix(server, line, token, job, session):
    photo = pictures.jpeg(1600, 1200, 5)
    where = begin(line, photo, job)
    answers = []

    def send(body: bytes):
        with httpx.Client(base_url=server.url, headers=line.headers, timeout=30) as other:
            answers.append(patch(other, where, 0, body))

    threads = [threading.Thread(target=send, args=(photo,)) for _ in range(8)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    codes = sorted(a.status_code for a in answers)
    assert codes[0] == 204 and set(codes[1:]) <= {204, 409, 423}, codes
    assert {
        a.headers["Photo-Id"]
        for a in answers
        if a.status_code == 204 and a.headers["Upload-Offset"] == str(len(photo))
    }
    photo_id = line.head(where).headers["Photo-Id"]
    assert stored(session, photo_id, server.data) == photo
    assert session.scalar(select(func.count()).select_from(Photo)) == 1


def ten_silent_ones(server, line, token, job, request):
    """Ten senders who say ten bytes and fall silent: their lines, and what each heard at once (nothing: he may send)."""
    photo = pictures.jpeg(1600, 1200, 6)
    lines, answers = [], []
    request.addfinalizer(lambda: [silent.close() for silent in lines])
    for _ in range(10):
        lines.append(raw(server.url, begin(line, photo, job), token, 0, len(photo)))
        lines[-1].sendall(photo[:10])
    for silent in lines:
        silent.settimeout(1.5)  # a loaded machine may take a second to say no
        try:
            answers.append(silent.recv(200)[:12])
        except TimeoutError:
            answers.append(b"")
    return photo, lines, answers


def test_a_sender_has_six_places_and_others_are_served_meanwhile(server, line, token, job, request):
    _, _, answers = ten_silent_ones(server, line, token, job, request)
    assert answers.count(b"") == 6 and answers.count(b"HTTP/1.1 503") == 4
    for _ in range(20):
        began = time.monotonic()
        assert line.get("/api/v1/me").status_code == 200
        assert time.monotonic() - began < 10


@pytest.mark.slow
def test_slow_senders_are_cut_and_their_places_are_free_again(server, line, token, job, request):
    photo, lines, answers = ten_silent_ones(server, line, token, job, request)
    lines[answers.index(b"")].settimeout(90)
    assert b" 503 " in lines[answers.index(b"")].recv(200)
    [silent.close() for silent in lines]
    where = begin(line, photo, job)
    assert patch(line, where, 0, photo).status_code == 204


def test_a_connection_to_the_server_is_probed_for_dead_peers(server, line, token, job):
    photo = pictures.jpeg(64, 64)
    assert patch(line, begin(line, photo, job), 0, photo).status_code == 204
    port = urlsplit(server.url).port
    with socket.create_connection(("127.0.0.1", port)) as mine:
        mine.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        mine.recv(100)
        own = mine.getsockname()[1]
        rows = [row.split() for row in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
        timers = [r[5] for r in rows if r[1].endswith(f":{port:04X}") and r[2].endswith(f":{own:04X}")]
    assert [t[:2] for t in timers] == ["02"]  # 02 is the keep-alive timer


def test_killing_the_server_loses_no_acknowledged_byte(server, line, token, job, session):
    photo = pictures.encoded(pictures.pixels(2400, 1800, 8).effect_spread(30), quality=92)
    where, acknowledged, kills = begin(line, photo, job), 0, 0
    chance = random.Random(1)
    piece = 100_000
    while acknowledged < len(photo):
        if kills < 4:
            kills += 1
            open_line = raw(server.url, where, token, acknowledged, len(photo) - acknowledged)
            open_line.sendall(photo[acknowledged : acknowledged + chance.randrange(1, piece)])
            time.sleep(chance.random() * 0.2)
            server.kill("api")
            open_line.close()
            server.start("api")
            server.wait_alive()
        with httpx.Client(base_url=server.url, headers=line.headers, timeout=30) as fresh:
            offset = offset_of(fresh, where)
            assert offset >= acknowledged
            answer = patch(fresh, where, offset, photo[offset : offset + piece])
            if answer.status_code == 423:
                time.sleep(0.5)
                continue
            assert answer.status_code == 204, answer.text
            acknowledged = int(answer.headers["Upload-Offset"])
    assert stored(session, answer.headers["Photo-Id"], server.data) == photo


def test_many_photos_over_a_line_that_breaks_every_fifth_time_all_arrive_unchanged(
    server, line, token, job, session
):
    """P5 in short form (CHAKAN_FAULT_PHOTOS=1000 is the long one)."""
    chance, cuts = random.Random(5), []

    def plan(_):
        if chance.random() >= 0.2:
            return Plan()
        cuts.append(chance.randrange(1, 150_000))
        return Plan(cut_after=cuts[-1])

    photos = {n: pictures.jpeg(chance.choice((640, 1600)), 1200, n) for n in range(MANY)}
    sizes = sum(map(len, photos.values()))
    piece, ids = 64 * 1024, {}
    with Proxy(server.url, plan) as proxy:
        for n, photo in photos.items():
            ids[n] = send_stubbornly(proxy.url, token, job, photo, piece)
        overhead = 2_000 * (proxy.connections + 1) + sizes * 0.02
        assert proxy.sent <= sizes + len(cuts) * piece + overhead
    assert len(cuts) >= MANY // 8
    for n, photo in photos.items():
        assert stored(session, ids[n], server.data) == photo
    # A creation whose answer was lost is begun anew; the photo is one all the same.
    assert session.scalar(select(func.count()).select_from(Photo)) == MANY


def send_stubbornly(url: str, token: str, job, photo: bytes, piece: int) -> str:
    """What a phone does: creates, sends pieces, asks where it stands after every break."""
    headers = TUS | {"Authorization": f"Bearer {token}", "Connection": "close"}
    where, offset, asked = "", 0, False
    for _ in range(200):
        try:
            # No TLS here: a client that might need it reads the machine's certificates, every time.
            with httpx.Client(base_url=url, headers=headers, timeout=10, verify=False) as line:
                if not where:
                    where = begin(line, photo, job)
                if asked:
                    answer = line.head(where)
                    if "Photo-Id" in answer.headers:
                        return answer.headers["Photo-Id"]
                    offset, asked = int(answer.headers["Upload-Offset"]), False
                answer = patch(line, where, offset, photo[offset : offset + piece])
                if answer.status_code in (409, 423):
                    asked = True
                    time.sleep(0.2)
                    continue
                assert answer.status_code == 204, answer.text
                offset = int(answer.headers["Upload-Offset"])
                if "Photo-Id" in answer.headers:
                    return answer.headers["Photo-Id"]
        except (httpx.HTTPError, OSError):
            asked = bool(where)
    raise AssertionError("the photo never arrived")


def test_an_answer_that_is_lost_is_asked_for_again(server, line, token, job, session):
    photo = pictures.jpeg(seed=12)
    where = begin(line, photo, job)
    with (
        Proxy(server.url, lambda _: Plan(mute_answer=True)) as proxy,
        httpx.Client(base_url=proxy.url, headers=line.headers, timeout=1.5) as mute,
        pytest.raises(httpx.HTTPError),
    ):
        patch(mute, where, 0, photo)
    head = line.head(where)
    assert head.headers["Upload-Offset"] == str(len(photo))
    assert stored(session, head.headers["Photo-Id"], server.data) == photo


# --- other people's clients


def test_tuspy_uploads_and_resumes(server, token, job, session):
    from tusclient.client import TusClient

    photo = pictures.jpeg(1600, 1200, 9)
    client = TusClient(f"{server.url}/api/v1/uploads", headers={"Authorization": f"Bearer {token}"})
    said = {"task": str(job.task_id), "sha256": pictures.sha256(photo), "shot": "vin", "filename": "照片.jpg"}
    first = client.uploader(
        file_stream=BytesIO(photo), chunk_size=50_000, metadata=said, upload_checksum=True
    )
    first.upload_chunk()
    assert first.offset == 50_000
    again = client.uploader(
        file_stream=BytesIO(photo), chunk_size=50_000, url=first.url, upload_checksum=True
    )
    assert again.offset == 50_000
    again.upload()
    receipt = httpx.get(first.url, headers={"Authorization": f"Bearer {token}"}).json()
    assert stored(session, receipt["photo_id"], server.data) == photo
    assert session.get_one(Photo, int(receipt["photo_id"])).filename == "照片.jpg"


SCRIPT = """
import * as tus from %(module)s;
import { readFileSync } from 'node:fs';
const { endpoint, token, file, metadata, chunk } = JSON.parse(process.argv[2]);
let photo = null;
const upload = new tus.Upload(readFileSync(file), {
  endpoint, chunkSize: chunk, metadata, retryDelays: [0, 50, 100, 200, 400, 800, 1600, 1600, 1600],
  headers: { Authorization: `Bearer ${token}` }, uploadDataDuringCreation: %(early)s,
  onAfterResponse: (_, answer) => { photo = answer.getHeader('Photo-Id') ?? photo; },
  onError: (error) => { console.error(String(error)); process.exit(1); },
  onSuccess: () => { console.log(JSON.stringify({ photo, url: upload.url })); },
});
upload.start();
"""


@pytest.mark.parametrize("early", ["true", "false"])
def test_tus_js_client_uploads_through_a_line_that_breaks(server, token, job, session, tmp_path, early):
    node = shutil.which("node")
    if node is None or not TUS_JS.is_dir():
        pytest.skip("node or web/node_modules/tus-js-client is not installed")
    photo = pictures.jpeg(1600, 1200, 10)
    (tmp_path / "photo.jpg").write_bytes(photo)
    module = json.dumps(str(TUS_JS / "lib.esm" / "node" / "index.js"))
    (tmp_path / "send.mjs").write_text(SCRIPT % {"module": module, "early": early})
    said = {"task": str(job.task_id), "sha256": pictures.sha256(photo), "shot": "scene", "filename": "a.jpg"}
    with Proxy(server.url, lambda n: Plan(cut_after=15_000) if n < 2 else Plan()) as proxy:
        told = {
            "endpoint": f"{proxy.url}/api/v1/uploads", "token": token, "file": str(tmp_path / "photo.jpg"),
            "metadata": said, "chunk": 32_768,
        }  # fmt: skip
        run = subprocess.run(
            [node, str(tmp_path / "send.mjs"), json.dumps(told)],
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        assert proxy.connections > 2
    assert stored(session, json.loads(run.stdout)["photo"], server.data) == photo


# --- power cut, full disk


def test_bytes_and_names_are_on_disk_before_the_answer(
    database_url, redis_url, redis, tmp_path, session, job, token
):
    """P6: fsync of the file, its link into the store, fsync of the folder, commit, answer: in this order."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    traced = site.build(tmp_path, database_url, redis_url)
    calls = tmp_path / "calls"
    traced.commands["api"] = [
        strace, "-f", "-y", "-s", "80", "-o", str(calls),
        "-e", "trace=fsync,fdatasync,link,linkat,rename,pwrite64,sendto,writev,write",
        *traced.commands["api"],
    ]  # fmt: skip
    traced.start("api")
    try:
        traced.wait_alive()
        photo = pictures.jpeg(seed=20)
        with httpx.Client(
            base_url=traced.url, headers=TUS | {"Authorization": f"Bearer {token}"}, timeout=40
        ) as line:
            where = begin(line, photo, job)
            started = len(calls.read_text(errors="replace").splitlines())
            assert "Photo-Id" in patch(line, where, 0, photo).headers
    finally:
        traced.stop()
    lines = calls.read_text(errors="replace").splitlines()[started:]

    def first(*words: str, after: int = 0) -> int:
        return next(n for n in range(after, len(lines)) if all(w in lines[n] for w in words))

    written = first("pwrite64", ".part")
    synced = first("fsync", ".part", after=written)
    linked = first("link", "/photos/original/", after=synced)
    folder = first("fsync", "/photos/original/", after=linked)
    photo_row = first("sendto", "INSERT INTO photo", after=folder)
    commit = first("sendto", "COMMIT", after=photo_row)
    first("HTTP/1.1 204", after=commit)
    assert not any("HTTP/1.1 204" in text for text in lines[written:commit])


@pytest.fixture
def small_volume(tmp_path):
    """A folder on a volume of three megabytes."""
    folder = tmp_path / "small"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("a small volume cannot be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_volume_answers_507_and_keeps_what_arrived(
    small_volume, app, session, job, token, settings, monkeypatch
):
    from dataclasses import replace

    from tests.conftest import Client
    from tests.uploading import Tus

    parts = app.extensions["chakan"]
    crowded = replace(settings, data=small_volume)
    app.extensions["chakan"] = replace(parts, settings=crowded, storage=LocalStorage(crowded.photos))
    tus = Tus(Client(app, token))
    photo = pictures.encoded(pictures.pixels(3000, 2000, 3).effect_spread(60), quality=90)
    assert 3_200_000 < len(photo) < 20_000_000
    where = tus.create(photo, job.task_id)
    first = tus.patch(where, 0, photo[:1_000_000])
    assert first.status_code == 204
    full = tus.patch(where, 1_000_000, photo[1_000_000:])
    assert full.status_code == 507 and full.json["code"] == "storage_full"
    kept = int(tus.head(where).headers["Upload-Offset"])
    assert kept >= 1_000_000
    # Reports are taken as ever, and after space came back the upload goes on without repair.
    assert tus.client.get("/me").status_code == 200
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_volume)], check=True)
    assert "Photo-Id" in tus.patch(where, kept, photo[kept:]).headers


def test_the_server_answers_a_refusal_before_the_body_is_there(server, line, token, job):
    """A phone that sends megabytes to a finished upload still gets to read why not."""
    photo = pictures.jpeg(seed=30)
    where = begin(line, photo, job)
    patch(line, where, 0, photo)
    to = urlsplit(server.url)
    connection = http.client.HTTPConnection(to.hostname, to.port, timeout=20)
    connection.putrequest("PATCH", where)
    for name, value in (
        TUS | {"Authorization": f"Bearer {token}", "Upload-Offset": "0", "Content-Type": BYTES}
    ).items():
        connection.putheader(name, value)
    connection.putheader("Content-Length", "5000000")
    connection.endheaders()
    with suppress(OSError):  # the server may hang up after its answer
        connection.send(b"x" * 5_000_000)
    assert connection.getresponse().status == 409
    connection.close()


def test_metadata_helper_speaks_what_the_server_reads():
    assert metadata(a="b") == "a Yg=="
