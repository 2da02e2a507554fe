"""Albums, copies, originals as evidence, annotations."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select, text

from core.models import AuditEntry
from media.copies import make_copies
from media.models import Photo
from media.sandbox import Decoder
from staff.models import Surveyor
from tests import factories, pictures
from tests.uploading import Tus


@pytest.fixture(scope="module")
def decoder():
    decoder = Decoder()
    yield decoder
    decoder.close()


@pytest.fixture
def job(session):
    return factories.assignment(session)


@pytest.fixture
def phone(session, job, as_device):
    surveyor = session.get_one(Surveyor, job.surveyor_id)
    session.commit()
    return as_device(surveyor)


@pytest.fixture
def claim_id(session, job):
    claim_id = session.execute(
        text("SELECT claim_id FROM task WHERE id = :id"), {"id": job.task_id}
    ).scalar_one()
    session.commit()
    return claim_id


@pytest.fixture
def processed(phone, job, sessions, storage, decoder):
    """Sends a photo and makes its copies; returns its id."""

    def send(data=None, **meta):
        photo_id = int(Tus(phone).send(data or pictures.jpeg(), job.task_id, **meta))
        make_copies(sessions, storage, decoder, photo_id)
        return photo_id

    return send


def test_the_album_is_in_capture_order_with_everything_an_adjuster_needs(as_, phone, job, claim_id):
    tus = Tus(phone)
    late = tus.send(pictures.jpeg(seed=1), job.task_id, shot="vin", taken_at="2026-11-22T08:10:00Z", seq=2)
    early = tus.send(pictures.jpeg(seed=2), job.task_id, shot="scene", taken_at="2026-11-22T08:05:00Z", seq=1,
                     lon=factories.LON, lat=factories.LAT + 0.001, accuracy=6)  # fmt: skip
    album = as_("adjuster").get(f"/claims/{claim_id}/photos").json
    assert [p["id"] for p in album["items"]] == [early, late] and album["next"] is None
    first = album["items"][0]
    assert (first["shot"], first["shot_zh"], first["shot_en"]) == ("scene", "现场环境", "Scene")
    assert first["position"] == {
        "lon": factories.LON,
        "lat": factories.LAT + 0.001,
        "accuracy_m": 6.0,
        "source": "phone",
    }
    assert 100 < first["distance_m"] < 125
    assert (first["state"], first["verdict"], first["reviews"], first["flags"]) == (
        "received",
        "waiting",
        [],
        [],
    )
    assert (
        first["sha256"] == pictures.sha256(pictures.jpeg(seed=2))
        and first["taken_at"] == "2026-11-22T08:05:00.000Z"
    )
    assert first["urls"]["thumb"] == f"/api/v1/photos/{early}/thumb"
    codes = {m["code"] for m in album["missing"]}
    assert "vin" not in codes and {"scene", "damage_close"} <= codes


def test_the_album_has_pages(as_, phone, job, claim_id):
    ids = [Tus(phone).send(pictures.jpeg(64, 64, seed=n), job.task_id, seq=n) for n in range(3)]
    client = as_("supervisor")
    page = client.get(f"/claims/{claim_id}/photos?limit=2").json
    assert [p["id"] for p in page["items"]] == ids[:2] and page["next"] == ids[1]
    rest = client.get(f"/claims/{claim_id}/photos?limit=2&after={page['next']}").json
    assert [p["id"] for p in rest["items"]] == ids[2:] and rest["next"] is None


def test_the_album_of_a_foreign_claim_is_missing(as_, session, claim_id):
    elsewhere = factories.organisation(session)
    session.commit()
    assert as_("adjuster", org=elsewhere).get(f"/claims/{claim_id}/photos").status_code == 404


def test_one_photo_shows_camera_fields_to_evidence_roles_only(as_, processed):
    photo_id = processed(pictures.jpeg(taken=datetime(2026, 11, 22, 8, tzinfo=UTC)))
    assert as_("adjuster").get(f"/photos/{photo_id}").json["exif"]["make"] == "TestCam"
    assert "exif" not in as_("seat").get(f"/photos/{photo_id}").json


def test_copies_are_served_so_that_nothing_in_them_can_run(as_, processed):
    photo_id = processed(pictures.jpeg(2000, 1500) + b"<script>alert(1)</script>")
    client = as_("adjuster")
    for name in ("preview", "thumb"):
        answer = client.get(f"/photos/{photo_id}/{name}?lang=en")
        assert answer.status_code == 200 and answer.content_type == "image/jpeg"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"] == "private, max-age=31536000, immutable"
        assert b"<script" not in answer.data
        again = client.get(f"/photos/{photo_id}/{name}", headers={"If-None-Match": answer.headers["ETag"]})
        assert again.status_code == 304 and not again.data


def test_a_copy_that_is_not_made_yet_is_missing_by_name(as_, phone, job):
    photo_id = Tus(phone).send(pictures.jpeg(), job.task_id)
    answer = as_("adjuster").get(f"/photos/{photo_id}/thumb")
    assert answer.status_code == 404 and answer.json["code"] == "copy_not_ready"


def test_the_surveyor_sees_his_own_photo_and_no_other_does(as_device, session, phone, processed):
    photo_id = processed()
    assert phone.get(f"/photos/{photo_id}/thumb").status_code == 200
    other = factories.surveyor(session, name="王查勘")
    session.commit()
    assert as_device(other).get(f"/photos/{photo_id}/thumb").status_code == 404


def test_the_original_is_handed_out_whole_to_evidence_roles_and_recorded(as_, session, processed):
    data = pictures.jpeg(seed=5)
    photo_id = processed(data, filename="../<b>x.jpg")
    for role in ("adjuster", "supervisor", "admin"):
        answer = as_(role).get(f"/photos/{photo_id}/original")
        assert answer.data == data and answer.content_type == "image/jpeg"
        assert answer.headers["Content-Disposition"] == f"attachment; filename=photo-{photo_id}.jpg"
        assert (
            answer.headers["Cache-Control"] == "private, no-store"
            and "sandbox" in answer.headers["Content-Security-Policy"]
        )
    entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "photo.original_seen")).all()
    assert len(entries) == 3 and {e.subject_id for e in entries} == {photo_id}


@pytest.mark.parametrize("role", ["seat", "dispatcher", "integration"])
def test_others_do_not_get_originals(as_, processed, role):
    assert as_(role).get(f"/photos/{processed()}/original").status_code == 403


def test_the_phone_does_not_get_originals(phone, processed):
    assert phone.get(f"/photos/{processed()}/original").status_code == 403


@pytest.mark.parametrize("harm", ["changed", "lost"])
def test_a_damaged_original_is_refused_and_recorded(as_, session, storage, processed, harm):
    photo_id = processed()
    path = next(storage.originals())
    if harm == "changed":
        path.chmod(0o640)
        path.write_bytes(b"\xff" + path.read_bytes()[1:-1] + b"!")
    else:
        path.unlink()
    answer = as_("adjuster").get(f"/photos/{photo_id}/original")
    assert answer.status_code == 409 and answer.json["code"] == "evidence_damaged"
    assert session.scalars(select(AuditEntry.action)).all().count("photo.damage_found") == 1


def test_an_annotation_is_kept_as_w3c_has_it(as_, phone, processed):
    photo_id = processed()
    note = {
        "@context": "http://www.w3.org/ns/anno.jsonld",
        "type": "Annotation",
        "body": [{"type": "TextualBody", "value": "<b>前保险杠开裂</b>", "purpose": "commenting"}],
        "target": {"selector": {"type": "FragmentSelector", "value": "xywh=pixel:1,2,3,4"}},
    }
    adjuster = as_("adjuster")
    made = adjuster.post(f"/photos/{photo_id}/annotations", json=note)
    assert made.status_code == 201 and {k: made.json[k] for k in note} == note
    assert made.json["creator"] == {"id": str(adjuster.person.id)}
    assert phone.get(f"/photos/{photo_id}/annotations").json["items"] == [made.json]


@pytest.mark.parametrize(
    "bad",
    [
        {}, {"type": "Annotation"}, {"type": "Image", "target": "x"}, {"type": "Annotation", "target": "a\0b"},
        {"type": "Annotation", "target": ["x"] * 1000},
        {"type": "Annotation", "target": {"a\0": 1}}, [],
    ],
)  # fmt: skip
def test_an_annotation_that_is_none_is_refused(as_, processed, bad):
    assert as_("adjuster").post(f"/photos/{processed()}/annotations", json=bad).status_code == 422


def test_seats_do_not_annotate(as_, processed):
    assert (
        as_("seat")
        .post(f"/photos/{processed()}/annotations", json={"type": "Annotation", "target": "x"})
        .status_code
        == 403
    )


def test_no_list_shows_where_the_file_lies(as_, processed, claim_id, session):
    photo_id = processed()
    shown = as_("admin").get(f"/claims/{claim_id}/photos").text + as_("admin").get(f"/photos/{photo_id}").text
    assert "object_key" not in shown and "original/" not in shown.replace(f"/photos/{photo_id}/original", "")
    assert session.get_one(Photo, photo_id).object_key.startswith("original/")
