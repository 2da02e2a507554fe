"""The tus 1.0 door, header by header."""

import base64
import hashlib
from datetime import timedelta
from email.utils import parsedate_to_datetime

import pytest
from sqlalchemy import func, select, text

from core.models import Outbox
from dispatch import assignments
from media import service
from media.models import Photo, Upload
from tests import factories, pictures, uploading
from tests.uploading import BYTES, TUS, Tus, creation, metadata

PHOTO = pictures.jpeg(seed=7)


@pytest.fixture
def job(session):
    """A job in a surveyor's hands."""
    return factories.assignment(session)


@pytest.fixture
def phone(session, job, as_device):
    """The phone of the surveyor who has the job."""
    from staff.models import Surveyor

    surveyor = session.get_one(Surveyor, job.surveyor_id)
    session.commit()
    return as_device(surveyor)


@pytest.fixture
def tus(phone):
    return Tus(phone)


def count(session, model):
    return session.scalar(select(func.count()).select_from(model))


def test_options_say_what_the_server_speaks_to_anybody(stranger):
    answer = stranger.options("/uploads")
    assert answer.status_code == 204
    assert answer.headers["Tus-Version"] == "1.0.0"
    said = set(answer.headers["Tus-Extension"].split(","))
    assert said == {
        "creation",
        "creation-with-upload",
        "creation-defer-length",
        "expiration",
        "checksum",
        "termination",
    }
    assert answer.headers["Tus-Max-Size"] == str(20 * 1024 * 1024)
    assert set(answer.headers["Tus-Checksum-Algorithm"].split(",")) == {"sha1", "sha256"}
    assert stranger.options("/uploads/whatever").status_code == 204


def test_a_photo_comes_in_and_is_what_was_sent(tus, session, job, storage):
    answer = tus.client.post(
        "/uploads", headers=creation(PHOTO, job.task_id, shot="vin", seq=3, lon=116.4, lat=39.91, accuracy=8)
    )
    assert answer.status_code == 201
    assert answer.headers["Location"].startswith("/api/v1/uploads/")
    assert answer.headers["Upload-Offset"] == "0"
    assert parsedate_to_datetime(answer.headers["Upload-Expires"]).tzinfo is not None
    done = tus.patch(answer.headers["Location"], 0, PHOTO)
    assert done.status_code == 204 and done.headers["Upload-Offset"] == str(len(PHOTO))
    assert done.headers["Tus-Resumable"] == "1.0.0" and done.headers["Photo-Sha256"] == pictures.sha256(PHOTO)
    photo = session.get_one(Photo, int(done.headers["Photo-Id"]))
    assert (photo.shot, photo.seq, photo.lon, photo.lat, photo.accuracy_m) == ("vin", 3, 116.4, 39.91, 8)
    assert (photo.content_type, photo.width, photo.height, photo.size_bytes) == (
        "image/jpeg",
        640,
        480,
        len(PHOTO),
    )
    assert (photo.person_id, photo.device_id) == (job.surveyor_id, tus.client.device.id)
    with storage.open(photo.object_key) as file:
        assert file.read() == PHOTO
    event = session.scalars(select(Outbox).where(Outbox.event == "photo.stored")).one()
    assert event.payload == {"claim_id": photo.claim_id, "task_id": photo.task_id, "photo_id": photo.id}


def test_nothing_of_an_upload_stays_on_disk_once_it_is_a_photo(tus, job, settings):
    tus.send(PHOTO, job.task_id, piece=10_000)
    assert list(settings.uploads.iterdir()) == []


def test_an_upload_goes_on_where_head_says(tus, job):
    where = tus.create(PHOTO, job.task_id)
    assert tus.patch(where, 0, PHOTO[:1000]).headers["Upload-Offset"] == "1000"
    head = tus.head(where)
    assert head.status_code == 200 and head.headers["Upload-Offset"] == "1000"
    assert head.headers["Upload-Length"] == str(len(PHOTO)) and head.headers["Cache-Control"] == "no-store"
    assert "Photo-Id" not in head.headers
    done = tus.patch(where, 1000, PHOTO[1000:])
    assert done.headers["Photo-Id"] == tus.head(where).headers["Photo-Id"]


def test_a_receipt_can_be_read_as_json(tus, job):
    where = tus.create(PHOTO, job.task_id)
    assert tus.client.get(where).json["photo_id"] is None
    photo_id = tus.patch(where, 0, PHOTO).headers["Photo-Id"]
    receipt = tus.client.get(where).json
    assert (receipt["photo_id"], receipt["sha256"], receipt["offset"]) == (
        photo_id,
        pictures.sha256(PHOTO),
        len(PHOTO),
    )


def test_a_wrong_offset_is_refused_and_changes_nothing(tus, job):
    where = tus.create(PHOTO, job.task_id)
    tus.patch(where, 0, PHOTO[:1000])
    for offset in (0, 999, 1001, len(PHOTO)):
        answer = tus.patch(where, offset, PHOTO[offset:] or b"x")
        assert answer.status_code in (400, 409) and answer.headers["Tus-Resumable"] == "1.0.0"
    assert tus.patch(where, 0, b"x").json["facts"] == {"offset": 1000}
    assert tus.head(where).headers["Upload-Offset"] == "1000"


def test_other_versions_of_tus_are_refused(tus, job):
    headers = creation(PHOTO, job.task_id) | {"Tus-Resumable": "0.2.2"}
    answer = tus.client.post("/uploads", headers=headers)
    assert answer.status_code == 412 and answer.headers["Tus-Version"] == "1.0.0"
    where = tus.create(PHOTO, job.task_id)
    assert tus.client.head(where).status_code == 412


def test_bytes_of_another_type_are_refused(tus, job):
    where = tus.create(PHOTO, job.task_id)
    answer = tus.patch(where, 0, PHOTO, Content_Type="application/octet-stream")
    assert answer.status_code == 415
    assert tus.head(where).headers["Upload-Offset"] == "0"


def test_too_large_is_refused_at_once(tus, job, settings):
    headers = creation(PHOTO, job.task_id) | {"Upload-Length": str(settings.max_upload_bytes + 1)}
    assert tus.client.post("/uploads", headers=headers).status_code == 413


@pytest.mark.parametrize("length", ["-1", "x", "", "1.5"])
def test_a_length_that_is_none_is_a_bad_request(tus, job, length):
    assert (
        tus.client.post(
            "/uploads", headers=creation(PHOTO, job.task_id) | {"Upload-Length": length}
        ).status_code
        == 400
    )


def test_an_empty_file_is_no_photo(tus, job):
    answer = tus.client.post("/uploads", headers=creation(b"", job.task_id))
    assert answer.status_code == 422


def test_more_bytes_than_announced_are_never_taken(tus, job):
    where = tus.create(PHOTO, job.task_id)
    assert tus.patch(where, 0, PHOTO + b"!").status_code == 400
    assert tus.head(where).headers["Upload-Offset"] == "0"


def test_fewer_bytes_than_announced_are_no_photo(tus, job, session):
    where = tus.create(PHOTO, job.task_id)
    answer = tus.patch(where, 0, PHOTO[:-1])
    assert answer.status_code == 204 and "Photo-Id" not in answer.headers
    assert "Photo-Id" not in tus.head(where).headers
    assert count(session, Photo) == 0


def test_the_length_may_come_later(tus, job):
    headers = creation(PHOTO, job.task_id)
    headers["Upload-Defer-Length"] = "1"
    assert tus.client.post("/uploads", headers=headers).status_code == 400
    del headers["Upload-Length"]
    where = tus.client.post("/uploads", headers=headers).headers["Location"]
    first = tus.patch(where, 0, PHOTO[:100])
    assert first.headers["Upload-Defer-Length"] == "1"
    assert tus.head(where).headers["Upload-Defer-Length"] == "1"
    second = tus.patch(where, 100, PHOTO[100:200], Upload_Length=str(len(PHOTO)))
    assert second.headers["Upload-Length"] == str(len(PHOTO))
    assert tus.patch(where, 200, b"x", Upload_Length="999").status_code == 400
    assert "Photo-Id" in tus.patch(where, 200, PHOTO[200:]).headers


def test_a_deferred_length_cannot_pass_the_limit(tus, job, settings):
    headers = creation(PHOTO, job.task_id) | {"Upload-Defer-Length": "1"}
    del headers["Upload-Length"]
    where = tus.client.post("/uploads", headers=headers).headers["Location"]
    assert tus.patch(where, 0, b"x", Upload_Length=str(settings.max_upload_bytes + 1)).status_code == 413
    assert tus.patch(where, 0, bytes(settings.max_upload_bytes + 1)).status_code == 413
    assert tus.head(where).headers["Upload-Offset"] == "0"


def test_creation_may_carry_the_whole_photo(tus, job):
    answer = tus.client.post(
        "/uploads", data=PHOTO, headers=creation(PHOTO, job.task_id) | {"Content-Type": BYTES}
    )
    assert answer.status_code == 201 and answer.headers["Upload-Offset"] == str(len(PHOTO))
    assert answer.headers["Photo-Id"] == tus.head(answer.headers["Location"]).headers["Photo-Id"]


def test_creation_may_carry_the_first_bytes(tus, job):
    answer = tus.client.post(
        "/uploads", data=PHOTO[:500], headers=creation(PHOTO, job.task_id) | {"Content-Type": BYTES}
    )
    assert answer.headers["Upload-Offset"] == "500"
    assert "Photo-Id" in tus.patch(answer.headers["Location"], 500, PHOTO[500:]).headers


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_a_chunk_with_a_wrong_checksum_is_thrown_away(tus, job, algorithm):
    where = tus.create(PHOTO, job.task_id)
    good = base64.b64encode(hashlib.new(algorithm, PHOTO[:700]).digest()).decode()
    answer = tus.patch(where, 0, PHOTO[:699] + b"?", Upload_Checksum=f"{algorithm} {good}")
    assert answer.status_code == 460 and answer.json["code"] == "checksum_mismatch"
    assert tus.head(where).headers["Upload-Offset"] == "0"
    assert (
        tus.patch(where, 0, PHOTO[:700], Upload_Checksum=f"{algorithm} {good}").headers["Upload-Offset"]
        == "700"
    )


def test_an_unknown_checksum_algorithm_is_a_bad_request(tus, job):
    where = tus.create(PHOTO, job.task_id)
    assert tus.patch(where, 0, PHOTO, Upload_Checksum="crc32 AAAA").status_code == 400
    assert tus.head(where).headers["Upload-Offset"] == "0"


def test_a_terminated_upload_is_gone(tus, job, settings):
    where = tus.create(PHOTO, job.task_id)
    tus.patch(where, 0, PHOTO[:500])
    assert tus.client.delete(where, headers=TUS).status_code == 204
    for answer in (
        tus.head(where),
        tus.patch(where, 500, PHOTO[500:]),
        tus.client.delete(where, headers=TUS),
    ):
        assert answer.status_code == 410 and "Upload-Offset" not in answer.headers
    assert list(settings.uploads.iterdir()) == []


def test_terminating_a_finished_upload_leaves_the_evidence(tus, job, session):
    where = tus.create(PHOTO, job.task_id)
    tus.patch(where, 0, PHOTO)
    assert tus.client.delete(where, headers=TUS).status_code == 204
    assert count(session, Photo) == 1


def test_an_expired_upload_is_gone(tus, job, session):
    where = tus.create(PHOTO, job.task_id)
    session.execute(text("UPDATE upload SET expires_at = clock_timestamp() - interval '1 second'"))
    session.commit()
    assert tus.head(where).status_code == 410
    assert tus.patch(where, 0, PHOTO).status_code == 410


def test_every_byte_received_moves_the_expiry(tus, job, session):
    where = tus.create(PHOTO, job.task_id)
    fresh = parsedate_to_datetime(tus.head(where).headers["Upload-Expires"])
    session.execute(text("UPDATE upload SET expires_at = clock_timestamp() + interval '1 hour'"))
    session.commit()
    moved = parsedate_to_datetime(tus.patch(where, 0, PHOTO[:10]).headers["Upload-Expires"])
    assert abs(moved - fresh) < timedelta(minutes=5)


def test_networks_that_know_only_post_can_upload(tus, job):
    where = tus.create(PHOTO, job.task_id)
    over = lambda method, **h: TUS | {"X-HTTP-Method-Override": method} | h  # noqa: E731
    head = tus.client.post(where, headers=over("HEAD"))
    assert head.status_code == 200 and head.headers["Upload-Offset"] == "0"
    done = tus.client.post(
        where, data=PHOTO, headers=over("PATCH", **{"Upload-Offset": "0", "Content-Type": BYTES})
    )
    assert done.status_code == 204 and "Photo-Id" in done.headers
    assert tus.client.post(where, headers=over("DELETE")).status_code == 204
    assert tus.client.post(where, headers=TUS).status_code == 405


def test_a_file_that_is_not_what_was_hashed_is_refused_and_may_start_again(tus, job, session, settings):
    where = tus.create(PHOTO, job.task_id, sha256="0" * 64)
    answer = tus.patch(where, 0, PHOTO)
    assert answer.status_code == 422 and answer.json["code"] == "hash_mismatch"
    assert tus.head(where).status_code == 410
    assert count(session, Photo) == 0 and list(settings.uploads.iterdir()) == []
    assert tus.send(PHOTO, job.task_id)


@pytest.mark.parametrize(
    "data,status,code",
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>" + b" " * 100, 415, "not_a_photo"),
        (b"%PDF-1.7" + b"x" * 500, 415, "not_a_photo"),
        (b"GIF89a" + b"\0" * 500, 415, "not_a_photo"),
        (pictures.encoded(pictures.pixels(20, 20)), 422, "unreadable_photo"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 500, 422, "unreadable_photo"),
    ],
)
def test_content_decides_not_the_name(tus, job, session, data, status, code):
    where = tus.create(data, job.task_id, filename="photo.jpg", filetype="image/jpeg")
    answer = tus.patch(where, 0, data)
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert count(session, Photo) == 0


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_the_other_formats_are_taken_whatever_they_are_called(tus, job, session, kind):
    data = pictures.encoded(pictures.pixels(64, 48), kind)
    photo = session.get_one(Photo, int(tus.send(data, job.task_id, filename="x.jpg", filetype="image/jpeg")))
    assert photo.content_type == f"image/{kind.lower()}"


def test_the_same_photo_twice_is_one_photo(tus, job, session, storage):
    assert tus.send(PHOTO, job.task_id) == tus.send(PHOTO, job.task_id, shot="vin")
    assert count(session, Photo) == 1
    assert session.scalar(select(func.count()).select_from(Outbox).where(Outbox.event == "photo.stored")) == 1
    assert len(list(storage.originals())) == 1


def test_the_same_bytes_in_another_claim_are_stored_and_marked(tus, job, session, as_device):
    first = session.get_one(Photo, int(tus.send(PHOTO, job.task_id)))
    other = factories.assignment(session, of=factories.claim(session), to=None)
    from staff.models import Surveyor

    client = as_device(session.get_one(Surveyor, other.surveyor_id))
    second = session.get_one(Photo, int(Tus(client).send(PHOTO, other.task_id)))
    assert second.id != first.id and second.object_key == first.object_key
    assert second.flags == ["duplicate_elsewhere"] and first.flags == []


def test_a_photo_whose_file_was_lost_comes_back_by_sending_it_again(tus, job, session, storage):
    photo = session.get_one(Photo, int(tus.send(PHOTO, job.task_id)))
    next(storage.originals()).unlink()
    assert tus.send(PHOTO, job.task_id) == str(photo.id)
    with storage.open(photo.object_key) as file:
        assert file.read() == PHOTO


def test_metadata_is_never_a_path(tus, job, session, tmp_path):
    before = sorted(p.name for p in tmp_path.iterdir())
    for n, name in enumerate(
        ["../../evil.jpg", "%2e%2e%2fevil", "a\0b", "x" * 300, "😀", "CON", "C:\\boot.ini"]
    ):
        tus.send(pictures.jpeg(64, 64, seed=n), job.task_id, filename=name, shot=name[:50])
    assert {p.shot for p in session.scalars(select(Photo))} == {"other"}
    assert all("/" not in p.filename and "\\" not in p.filename for p in session.scalars(select(Photo)))
    assert sorted(p.name for p in tmp_path.iterdir() if p.name not in ("photos", "uploads")) == before


@pytest.mark.parametrize("given", [{"task": "abc"}, {"taken_at": "soon"}, {"seq": "x"}, {"sha256": "short"}])
def test_a_wrong_field_is_named(tus, job, given):
    answer = tus.client.post("/uploads", headers=creation(PHOTO, job.task_id, **given))
    assert answer.status_code == 422 and answer.json["errors"][0]["path"] == next(iter(given))


def test_metadata_that_cannot_be_read_is_a_bad_request(tus):
    for bad in ("sha256 !!!", "a" * 9000):
        assert (
            tus.client.post(
                "/uploads", headers=TUS | {"Upload-Length": "5", "Upload-Metadata": bad}
            ).status_code
            == 400
        )
    answer = tus.client.post("/uploads", headers=TUS | {"Upload-Length": "5"})
    assert answer.status_code == 422


def test_a_missing_task_is_named(tus):
    headers = TUS | {"Upload-Length": "5", "Upload-Metadata": metadata(sha256="0" * 64)}
    answer = tus.client.post("/uploads", headers=headers)
    assert answer.status_code == 422 and answer.json["errors"][0]["path"] == "task"


# --- who may


def test_strangers_are_turned_away(stranger, tus, job):
    where = tus.create(PHOTO, job.task_id)
    assert stranger.post("/uploads", headers=creation(PHOTO, job.task_id)).status_code == 401
    assert stranger.head(where, headers=TUS).status_code == 401
    assert Tus(stranger).patch(where, 0, PHOTO).status_code == 401


def test_a_surveyor_without_the_job_sees_no_such_task(session, job, as_device):
    other = factories.surveyor(session, name="王查勘")
    session.commit()
    answer = as_device(other).post("/uploads", headers=creation(PHOTO, job.task_id))
    assert answer.status_code == 404


def test_an_upload_belongs_to_whoever_began_it(tus, job, session, as_, as_device):
    where = tus.create(PHOTO, job.task_id)
    other = factories.surveyor(session, name="王查勘")
    session.commit()
    for client in (as_device(other), as_("adjuster"), as_("seat")):
        assert client.head(where, headers=TUS).status_code == 404
        assert Tus(client).patch(where, 0, PHOTO).status_code == 404
        assert client.delete(where, headers=TUS).status_code == 404
    assert tus.head(where).headers["Upload-Offset"] == "0"


@pytest.mark.parametrize("role", ["seat", "dispatcher", "adjuster"])
def test_the_desk_may_add_photos_to_a_claim_it_sees(as_, session, job, role):
    photo = session.get_one(Photo, int(Tus(as_(role)).send(PHOTO, job.task_id)))
    assert photo.device_id is None and not photo.customer


def test_the_desk_of_another_branch_sees_no_such_task(as_, session, job):
    elsewhere = factories.organisation(session)
    session.commit()
    assert (
        as_("adjuster", org=elsewhere).post("/uploads", headers=creation(PHOTO, job.task_id)).status_code
        == 404
    )


@pytest.mark.parametrize("role", ["supervisor", "admin", "integration"])
def test_others_do_not_add_photos(as_, job, role):
    assert as_(role).post("/uploads", headers=creation(PHOTO, job.task_id)).status_code == 403


@pytest.mark.parametrize("key", ["x", "a" * 32, "..%2f..%2fetc", "%00", "a" * 200])
def test_an_unknown_upload_is_missing(tus, key):
    assert tus.head(f"/uploads/{key}").status_code in (404, 422)


def test_photos_taken_before_the_job_went_to_another_still_come_home(tus, job, session, sessions, phone):
    with sessions.begin() as s:
        who = factories.actor(s, s.get_one(factories.Person, job.surveyor_id))
    assignments.hand_over(sessions, job.task_id, job.surveyor_id, "车坏了", who)
    photo = session.get_one(Photo, int(tus.send(PHOTO, job.task_id)))
    assert photo.flags == ["after_reassign"]


def test_a_claim_has_so_many_photos_and_no_more(tus, job, session, monkeypatch):
    monkeypatch.setattr(service, "MAX_PHOTOS", 2)
    monkeypatch.setattr("media.finishing.MAX_PHOTOS", 2)
    late = tus.create(pictures.jpeg(64, 64, seed=9), job.task_id)
    for seed in (1, 2):
        tus.send(pictures.jpeg(64, 64, seed=seed), job.task_id)
    assert tus.client.post("/uploads", headers=creation(PHOTO, job.task_id)).json["code"] == "too_many_photos"
    assert tus.patch(late, 0, pictures.jpeg(64, 64, seed=9)).status_code == 409
    assert count(session, Photo) == 2


def test_open_uploads_are_bounded(tus, job, monkeypatch):
    monkeypatch.setattr(service, "MAX_OPEN_UPLOADS", 2)
    tus.create(PHOTO, job.task_id)
    tus.create(PHOTO, job.task_id)
    assert tus.client.post("/uploads", headers=creation(PHOTO, job.task_id)).status_code == 409


def test_an_idempotency_key_does_not_swallow_the_stream(tus, job):
    headers = creation(PHOTO, job.task_id) | {"Content-Type": BYTES, "Idempotency-Key": "k1"}
    answer = tus.client.post("/uploads", data=PHOTO, headers=headers)
    assert answer.status_code == 201 and "Photo-Id" in answer.headers


def test_a_body_beyond_the_json_limit_streams_through(tus, job, session, settings):
    noise = pictures.encoded(pictures.pixels(3000, 2000, seed=3).effect_spread(60), quality=98)
    assert 4 * 1024 * 1024 < len(noise) <= settings.max_upload_bytes
    assert tus.send(noise, job.task_id)


# --- after a crash


def test_an_offset_row_behind_the_file_wins_after_a_kill(tus, job, settings, session):
    where = tus.create(PHOTO, job.task_id)
    tus.patch(where, 0, PHOTO[:1000])
    part = next(settings.uploads.glob("*.part"))
    with part.open("ab") as file:  # written, but the process died before fsync and row
        file.write(PHOTO[1000:1500])
    assert tus.head(where).headers["Upload-Offset"] == "1000"
    assert "Photo-Id" in tus.patch(where, 1000, PHOTO[1000:]).headers


def test_a_file_shorter_than_its_row_wins_after_a_power_cut(tus, job, settings):
    where = tus.create(PHOTO, job.task_id)
    tus.patch(where, 0, PHOTO[:1000])
    part = next(settings.uploads.glob("*.part"))
    part.write_bytes(PHOTO[:400])
    assert tus.head(where).headers["Upload-Offset"] == "400"
    assert tus.patch(where, 1000, PHOTO[1000:]).status_code == 409
    assert "Photo-Id" in tus.patch(where, 400, PHOTO[400:]).headers


def test_head_finishes_what_died_before_the_photo_row(tus, job, session, monkeypatch):
    where = tus.create(PHOTO, job.task_id)

    def dies(*_, **__):
        raise RuntimeError("killed here")

    with monkeypatch.context() as patched:
        patched.setattr("media.finishing._store_photo", dies)
        assert tus.patch(where, 0, PHOTO).status_code == 500
    assert count(session, Photo) == 0
    head = tus.head(where)
    assert head.status_code == 200 and head.headers["Upload-Offset"] == str(len(PHOTO))
    session.expire_all()
    assert session.get_one(Photo, int(head.headers["Photo-Id"])).size_bytes == len(PHOTO)


def test_a_repeated_last_chunk_answers_with_the_photo(tus, job):
    where = tus.create(PHOTO, job.task_id)
    done = tus.patch(where, 0, PHOTO)
    again = tus.patch(where, len(PHOTO), b"")
    assert again.status_code == 204 and again.headers["Photo-Id"] == done.headers["Photo-Id"]
    assert tus.patch(where, 0, PHOTO).status_code == 409


def test_a_row_without_a_file_starts_again_from_nothing(tus, job, settings):
    where = tus.create(PHOTO, job.task_id)
    tus.patch(where, 0, PHOTO[:1000])
    next(settings.uploads.glob("*.part")).unlink()
    assert tus.head(where).headers["Upload-Offset"] == "0"
    assert "Photo-Id" in tus.patch(where, 0, PHOTO).headers


def test_the_digest_at_the_shutter_and_here_are_both_on_the_timeline(tus, job, session):
    from claims.models import ClaimEvent

    photo_id = tus.send(PHOTO, job.task_id, taken_at="2026-11-22T08:00:00Z")
    event = session.scalars(select(ClaimEvent).where(ClaimEvent.kind == "photo.stored")).one()
    assert event.facts["photo_id"] == photo_id and event.facts["sha256"] == pictures.sha256(PHOTO)
    assert event.device_at is not None and event.actor_kind == "device"


def test_uploads_are_described_in_the_openapi_document(as_):
    document = as_("admin").get("/openapi.json").json
    paths = document["paths"]
    assert {"post"} <= set(paths["/api/v1/uploads"]) and {"get", "patch", "delete"} <= set(
        paths["/api/v1/uploads/{key}"]
    )
    names = {p["name"] for p in paths["/api/v1/uploads"]["post"]["parameters"]}
    assert {"Tus-Resumable", "Upload-Length", "Upload-Metadata"} <= names
    assert uploading.BYTES in paths["/api/v1/uploads/{key}"]["patch"]["requestBody"]["content"]


def test_many_uploads_of_one_row_each(tus, job, session):
    for seed in range(5):
        tus.send(pictures.jpeg(64, 64, seed=seed), job.task_id, piece=700)
    assert count(session, Upload) == 5
    assert {u.state for u in session.scalars(select(Upload))} == {"done"}
