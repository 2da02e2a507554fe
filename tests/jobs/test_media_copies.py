"""The photo job: previews, camera fields, flags; repeated, interrupted, and on broken originals."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, text

from core import clock, wiring
from core.models import Outbox
from media import copies, jobs, sandbox, service
from media.copies import make_copies
from media.models import Photo
from media.sandbox import Decoder, DecoderDied
from media.sender import Sender
from media.storage import PREVIEW_PX, THUMB_PX, copy_key
from media.upload import Declared
from tests import factories, pictures


@pytest.fixture(scope="module")
def decoder():
    decoder = Decoder()
    yield decoder
    decoder.close()


@pytest.fixture
def arrived(session, sessions, storage, settings):
    """Puts a photo in the way a phone does; returns its id."""
    job = factories.assignment(session)
    who = factories.actor(session, session.get_one(factories.Person, job.surveyor_id))
    session.commit()

    def arrive(data: bytes, **said) -> int:
        declared = Declared(
            pictures.sha256(data), said.pop("shot", "scene"), "x.jpg", task_id=job.task_id, **said
        )
        standing = service.begin_upload(sessions, Sender(who), declared, len(data), max_bytes=10**8)
        standing = service.receive(
            sessions,
            settings.uploads,
            storage,
            Sender(who),
            standing.key,
            0,
            service.each([data]),
            max_bytes=10**8,
            announced=len(data),
        )
        assert standing.photo_id is not None
        return standing.photo_id

    return arrive


def photo_now(session, photo_id) -> Photo:
    session.expire_all()
    return session.get_one(Photo, photo_id)


def test_a_photo_gets_its_copies_fields_and_hash(arrived, session, sessions, storage, decoder):
    taken = clock.read(session)
    data = pictures.jpeg(
        2000, 1500, taken=taken, offset="+00:00", lon=factories.LON, lat=factories.LAT, orientation=6
    )
    photo_id = arrived(data, taken_at=taken, lon=factories.LON, lat=factories.LAT)
    assert make_copies(sessions, storage, decoder, photo_id) == "processed"
    photo = photo_now(session, photo_id)
    assert (photo.width, photo.height) == (1500, 2000) and photo.phash is not None
    assert photo.exif["make"] == "TestCam" and photo.exif["lon"] == pytest.approx(factories.LON, abs=1e-4)
    assert photo.flags == []
    for edge in (PREVIEW_PX, THUMB_PX):
        with storage.open(copy_key(photo.sha256, edge)) as file:
            assert file.read(3) == b"\xff\xd8\xff"
    event = session.scalars(select(Outbox).where(Outbox.event == "photo.processed")).one()
    assert event.payload["photo_id"] == photo_id


def test_the_original_is_never_touched(arrived, session, sessions, storage, decoder):
    data = pictures.jpeg(800, 600, orientation=3)
    photo_id = arrived(data)
    make_copies(sessions, storage, decoder, photo_id)
    with storage.open(photo_now(session, photo_id).object_key) as file:
        assert file.read() == data


def test_what_does_not_fit_the_loss_is_flagged_for_the_adjuster(arrived, session, sessions, storage, decoder):
    session.execute(text("UPDATE claim SET loss_at = clock_timestamp() - interval '1 hour'"))
    session.commit()
    old = datetime.now(UTC) - timedelta(days=3)
    photo_id = arrived(pictures.jpeg(taken=old, lon=116.87, lat=39.91), taken_at=old)
    assert make_copies(sessions, storage, decoder, photo_id) == "processed"
    assert set(photo_now(session, photo_id).flags) == {"far_from_loss", "before_loss"}


def test_the_job_may_run_twice(arrived, session, sessions, storage, decoder):
    photo_id = arrived(pictures.jpeg())
    assert make_copies(sessions, storage, decoder, photo_id) == "processed"
    assert make_copies(sessions, storage, decoder, photo_id) is None
    assert (
        session.scalar(select(func.count()).select_from(Outbox).where(Outbox.event == "photo.processed")) == 1
    )


def test_a_photo_that_does_not_exist_is_no_work(sessions, storage, decoder):
    assert make_copies(sessions, storage, decoder, 123) is None


def test_a_truncated_photo_is_shown_as_far_as_it_goes(arrived, session, sessions, storage, decoder):
    photo_id = arrived(pictures.jpeg(1200, 900)[:20_000])
    assert make_copies(sessions, storage, decoder, photo_id) == "damaged"
    photo = photo_now(session, photo_id)
    assert photo.flags == ["truncated"]
    storage.open(copy_key(photo.sha256, THUMB_PX)).close()


def test_an_unreadable_photo_stays_as_evidence_without_a_preview(
    arrived, session, sessions, storage, decoder
):
    good = pictures.encoded(pictures.pixels(), "WEBP")
    photo_id = arrived(good[: len(good) // 2])
    assert make_copies(sessions, storage, decoder, photo_id) == "damaged"
    photo = photo_now(session, photo_id)
    assert photo.flags == ["no_preview", "unreadable"] and photo.verdict == "waiting"
    storage.open(photo.object_key).close()


class Dying(Decoder):
    """A decoder whose process always dies, or whose child always runs out of time."""

    def __init__(self, answer=None):
        super().__init__()
        self.answer, self.asked = answer, 0

    def make(self, source, out):
        self.asked += 1
        if self.answer is None:
            raise DecoderDied("killed")
        return self.answer


def test_a_photo_that_kills_its_child_is_given_up_after_three_tries(arrived, session, sessions, storage):
    photo_id = arrived(pictures.jpeg())
    killer = Dying({"failed": "cpu", "final": False})
    states = [make_copies(sessions, storage, killer, photo_id) for _ in range(4)]
    assert states == ["received", "received", "damaged", None] and killer.asked == 3
    assert photo_now(session, photo_id).flags == ["no_preview", "cpu"]


def test_a_decoder_that_dies_is_not_the_photos_fault(arrived, session, sessions, storage, decoder):
    photo_id = arrived(pictures.jpeg())
    for _ in range(5):
        assert make_copies(sessions, storage, Dying(), photo_id) == "received"
    assert make_copies(sessions, storage, decoder, photo_id) == "processed"


def test_not_even_for_ever(arrived, session, sessions, storage):
    photo_id = arrived(pictures.jpeg())
    session.execute(text("UPDATE photo SET attempts = :n"), {"n": copies.GIVE_UP_AFTER})
    session.commit()
    assert make_copies(sessions, storage, Dying(), photo_id) == "damaged"


def test_a_lost_original_is_said_and_comes_back_with_the_next_upload(
    arrived, session, sessions, storage, decoder
):
    data = pictures.jpeg(seed=4)
    photo_id = arrived(data)
    next(storage.originals()).unlink()
    assert make_copies(sessions, storage, decoder, photo_id) == "damaged"
    assert "original_missing" in photo_now(session, photo_id).flags
    assert arrived(data) == photo_id
    assert photo_now(session, photo_id).state == "received"
    assert make_copies(sessions, storage, decoder, photo_id) == "processed"
    assert photo_now(session, photo_id).flags == []


def test_a_lost_wake_up_is_found_by_the_sweeper_once(arrived, session, sessions):
    photo_id = arrived(pictures.jpeg())
    with sessions.begin() as s:
        now = clock.read(s)
        assert service.due_photos(s, now, 10) == []
        assert service.due_photos(s, now + timedelta(minutes=1), 10) == [photo_id]
        assert service.due_photos(s, now + timedelta(minutes=1), 10) == []
        assert service.due_photos(s, now + timedelta(minutes=2), 10) == [photo_id]


def test_two_sweepers_share_the_photos(arrived, sessions):
    ids = {arrived(pictures.jpeg(64, 64, seed=n)) for n in range(4)}
    with sessions() as one, sessions() as two:
        late = clock.read(one) + timedelta(minutes=1)
        first = service.due_photos(one, late, 2)
        second = service.due_photos(two, late, 10)
        one.commit()
        two.commit()
    assert len(first) == len(second) == 2 and set(first) | set(second) == ids


def test_the_worker_calls_it_by_name(arrived, session, sessions, storage, settings, redis, monkeypatch):
    for name, value in {
        "settings": settings,
        "sessions": sessions,
        "redis": redis,
        "storage": storage,
    }.items():
        monkeypatch.setattr(wiring, name, value, raising=False)
    by_event, by_sweep = arrived(pictures.jpeg(seed=1)), arrived(pictures.jpeg(seed=2))
    jobs.on_stored({"claim_id": 1, "task_id": 1, "photo_id": by_event})
    jobs.process(by_sweep)
    assert {photo_now(session, i).state for i in (by_event, by_sweep)} == {"processed"}
    sandbox.shared().close()


def test_a_store_that_is_elsewhere_is_copied_for_the_decoder(arrived, session, sessions, storage, decoder):
    from io import BytesIO

    class Elsewhere:
        put = storage.put

        def open(self, key):
            with storage.open(key) as file:
                return BytesIO(file.read())

    assert make_copies(sessions, Elsewhere(), decoder, arrived(pictures.jpeg())) == "processed"
