"""Transfers without a door: what is kept when things break, races to the finish, and the janitor."""

import os
import threading
import time
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text

from claims.models import ClaimEvent
from core import clock
from core.errors import Missing
from media import janitor, service
from media.errors import ChecksumMismatch, OffsetConflict, StorageFull, TooSlow, UploadGone, UploadLocked
from media.models import Photo, Upload
from media.sender import Sender
from media.upload import Checksum, Declared
from tests import factories, pictures

PHOTO = pictures.jpeg(seed=3)
MOST = 10**8


@pytest.fixture
def job(session):
    return factories.assignment(session)


@pytest.fixture
def sender(session, job):
    who = factories.actor(session, session.get_one(factories.Person, job.surveyor_id))
    session.commit()
    return Sender(who)


@pytest.fixture
def begin(sessions, sender, job):
    def begin(data=PHOTO, length=-1, by=sender, **said):
        declared = Declared(
            pictures.sha256(data), said.pop("shot", "scene"), "x.jpg", task_id=job.task_id, **said
        )
        wanted = len(data) if length == -1 else length
        return service.begin_upload(sessions, by, declared, wanted, max_bytes=MOST, customer=by.customer).key

    return begin


@pytest.fixture
def receive(sessions, settings, storage, sender):
    def receive(key, offset, pieces, by=sender, **given):
        return service.receive(
            sessions,
            settings.uploads,
            storage,
            by,
            key,
            offset,
            service.each(pieces),
            max_bytes=MOST,
            **given,
        )

    return receive


@pytest.fixture
def stand(sessions, settings, storage, sender):
    return lambda key, by=sender: service.stand(sessions, settings.uploads, storage, by, key)


def breaking(error, *pieces):
    yield from pieces
    raise error


def test_what_arrived_before_the_silence_is_kept(begin, receive, stand):
    key = begin()
    with pytest.raises(TooSlow):
        receive(key, 0, breaking(TooSlow("silent"), PHOTO[:700], PHOTO[700:900]))
    assert stand(key).offset == 900


def test_bytes_that_wait_for_their_checksum_are_not_kept(begin, receive, stand):
    key = begin()
    checksum = Checksum("sha1 AAAA")
    with pytest.raises(TooSlow):
        receive(key, 0, breaking(TooSlow("silent"), PHOTO[:700]), checksum=checksum)
    assert stand(key).offset == 0
    with pytest.raises(ChecksumMismatch):
        receive(key, 0, [PHOTO[:700]], checksum=Checksum("sha1 AAAA"))
    assert stand(key).offset == 0
    assert receive(key, 0, [PHOTO]).photo_id


def test_a_long_body_is_recorded_on_the_way(begin, receive, stand, session, monkeypatch):
    monkeypatch.setattr(service, "CHECKPOINT_BYTES", 1000)
    key, seen = begin(), []

    def pieces():
        for start in range(0, 5000, 500):
            session.rollback()
            seen.append(session.scalar(select(Upload.received).where(Upload.key == key)))
            yield PHOTO[start : start + 500]

    receive(key, 0, pieces())
    assert seen == [0, 0, 1000, 1000, 2000, 2000, 3000, 3000, 4000, 4000] and stand(key).offset == 5000


def test_a_slow_body_is_recorded_every_two_seconds(begin, receive, session, monkeypatch):
    monkeypatch.setattr(service, "CHECKPOINT_S", 0.05)
    key = begin()

    def pieces():
        yield PHOTO[:100]
        time.sleep(0.1)
        yield PHOTO[100:200]
        session.rollback()
        assert session.scalar(select(Upload.received).where(Upload.key == key)) == 200

    receive(key, 0, pieces())


def test_a_length_may_come_with_the_last_bytes(begin, receive, session):
    key = begin(length=None)
    receive(key, 0, [PHOTO[:100]])
    done = receive(key, 100, [PHOTO[100:]], length=len(PHOTO))
    assert session.get_one(Photo, done.photo_id).size_bytes == len(PHOTO)
    assert session.scalar(select(Upload.length)) == len(PHOTO)


def test_a_store_that_is_full_at_the_end_keeps_every_byte(begin, receive, stand, storage, monkeypatch):
    key = begin()

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(storage, "put", full)
        with pytest.raises(StorageFull):
            receive(key, 0, [PHOTO])
        with pytest.raises(StorageFull):
            stand(key)
    assert stand(key).photo_id


def test_a_store_that_keeps_other_bytes_makes_no_photo(begin, receive, storage, session, monkeypatch):
    monkeypatch.setattr(storage, "put", lambda *_: "0" * 64)
    with pytest.raises(OSError, match="other bytes"):
        receive(begin(), 0, [PHOTO])
    assert session.scalar(select(func.count()).select_from(Photo)) == 0


def at_once(count, act):
    answers, start = [], threading.Barrier(count)

    def run():
        start.wait()
        try:
            answers.append(act())
        except (OffsetConflict, UploadLocked, UploadGone) as refused:
            answers.append(refused)

    threads = [threading.Thread(target=run) for _ in range(count)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    return answers


def test_the_same_photo_by_many_uploads_at_once_is_one_photo(begin, receive, session, storage):
    keys = iter([begin() for _ in range(8)])
    answers = at_once(8, lambda: receive(next(keys), 0, [PHOTO]))
    assert len({a.photo_id for a in answers}) == 1
    assert session.scalar(select(func.count()).select_from(Photo)) == 1
    assert (
        session.scalar(select(func.count()).select_from(ClaimEvent).where(ClaimEvent.kind == "photo.stored"))
        == 1
    )
    assert len(list(storage.originals())) == 1


def test_many_who_finish_the_same_upload_get_the_same_photo(begin, receive, stand, session, monkeypatch):
    key = begin()
    with monkeypatch.context() as patched:
        patched.setattr(
            "media.finishing._store_photo", lambda *_: (_ for _ in ()).throw(RuntimeError("killed"))
        )
        with pytest.raises(RuntimeError):
            receive(key, 0, [PHOTO])
    answers = at_once(6, lambda: stand(key))
    assert len({a.photo_id for a in answers}) == 1 and answers[0].photo_id
    assert session.scalar(select(func.count()).select_from(Photo)) == 1


def test_a_look_that_began_before_another_request_finished_sees_the_photo(begin, receive, stand, monkeypatch):
    from media import service

    key = begin()
    receive(key, 0, [PHOTO[:100]])
    find = service.find

    def find_and_dawdle(*given, **more):
        row = find(*given, **more)
        monkeypatch.setattr("media.service.find", find)
        receive(key, 100, [PHOTO[100:]])
        return row

    monkeypatch.setattr("media.service.find", find_and_dawdle)
    seen = stand(key)
    assert seen.photo_id and seen.offset == len(PHOTO)


def test_a_customer_sends_to_the_newest_task_of_his_claim_and_no_other(begin, receive, session, job):
    claim_id = session.execute(
        text("SELECT claim_id FROM task WHERE id = :id"), {"id": job.task_id}
    ).scalar_one()
    session.commit()
    customer, stranger = Sender(None, claim_id=claim_id), Sender(None, claim_id=claim_id + 1)
    key = begin(by=customer)
    with pytest.raises(Missing):
        receive(key, 0, [PHOTO], by=stranger)
    with pytest.raises(Missing):
        receive(key, 0, [PHOTO])  # not even the surveyor goes on with what the customer began
    photo = session.get_one(Photo, receive(key, 0, [PHOTO], by=customer).photo_id)
    assert photo.customer and photo.person_id is None and photo.task_id == job.task_id
    event = session.scalars(select(ClaimEvent).where(ClaimEvent.kind == "photo.stored")).one()
    assert (event.actor_kind, event.actor_id) == ("customer", None)


def test_a_photo_for_a_settled_job_is_kept_and_marked(begin, receive, session, job):
    session.execute(text("UPDATE task SET state = 'approved' WHERE id = :id"), {"id": job.task_id})
    session.commit()
    assert session.get_one(Photo, receive(begin(), 0, [PHOTO]).photo_id).flags == ["after_settlement"]


# --- the janitor


def test_the_janitor_ends_what_expired_and_leaves_the_rest(
    begin, receive, stand, sessions, storage, settings, session
):
    old, young = begin(), begin()
    for key in (old, young):
        receive(key, 0, [PHOTO[:100]])
    session.execute(
        text("UPDATE upload SET expires_at = clock_timestamp() - interval '1 s' WHERE key = :key"),
        {"key": old},
    )
    session.commit()
    assert janitor.tidy(sessions, storage, settings.uploads) == 1
    assert {p.stem for p in settings.uploads.iterdir()} == {young}
    with pytest.raises(UploadGone):
        stand(old)
    assert stand(young).offset == 100


def test_the_janitor_removes_part_files_nobody_knows_after_a_week(
    sessions, storage, settings, session, begin, receive
):
    known = begin()
    receive(known, 0, [PHOTO[:100]])
    strays = [settings.uploads / f"{'a' * 32}.part", settings.uploads / f"{'b' * 32}.lock"]
    for path in [*strays, settings.uploads / "notes.txt"]:
        path.write_bytes(b"x")
    assert janitor.tidy(sessions, storage, settings.uploads) == 0  # young: somebody may just be writing
    for path in settings.uploads.iterdir():
        os.utime(path, (0, 0))
    assert janitor.tidy(sessions, storage, settings.uploads) == 2
    assert {p.name for p in settings.uploads.iterdir()} == {f"{known}.part", f"{known}.lock", "notes.txt"}


def test_the_janitor_removes_originals_without_a_photo_after_a_week(
    begin, receive, sessions, storage, settings, session
):
    kept = session.get_one(Photo, receive(begin(), 0, [PHOTO]).photo_id)
    orphan = pictures.jpeg(seed=77)
    storage.put(f"original/{pictures.sha256(orphan)[:2]}/{pictures.sha256(orphan)}", [orphan])
    now = clock.read(session)
    assert janitor.tidy(sessions, storage, settings.uploads) == 0
    assert janitor.tidy(sessions, storage, settings.uploads, now=now + timedelta(days=8)) == 1
    assert [p.name for p in storage.originals()] == [kept.sha256.hex()]


def test_an_orphan_of_a_crash_is_adopted_by_the_next_upload(
    begin, receive, storage, session, sessions, settings
):
    storage.put(f"original/{pictures.sha256(PHOTO)[:2]}/{pictures.sha256(PHOTO)}", [PHOTO])
    path = next(storage.originals())
    os.utime(path, (0, 0))
    photo = session.get_one(Photo, receive(begin(), 0, [PHOTO]).photo_id)
    assert janitor.tidy(sessions, storage, settings.uploads) == 0
    with storage.open(photo.object_key) as file:
        assert file.read() == PHOTO


def test_a_store_elsewhere_has_its_own_janitor(sessions, settings):
    class Elsewhere:
        def put(self, key, chunks): ...

        def open(self, key): ...

    assert janitor.tidy(sessions, Elsewhere(), settings.uploads) == 0
