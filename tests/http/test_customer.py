"""The customer's page: open to whoever has the slug, showing nothing personal but what he needs."""

import base64
import hashlib
import io
from datetime import timedelta

import pytest
from PIL import Image
from redis import Redis

from claims.models import ClaimEvent
from core import clock
from media.models import Photo
from notify import links
from notify.models import CustomerLink, Rating
from tests import factories, rows
from tests.site import free_port

# About 5.6 km west of the loss.
FAR, NEAR = (116.334, 39.91), (116.40, 39.91)
BACK_THEN = timedelta(minutes=20)


@pytest.fixture
def now(session):
    return clock.read(session)


@pytest.fixture
def claim(session, now):
    made = rows.claim(session, now - BACK_THEN, place=f"SRID=4326;POINT({NEAR[0]} {NEAR[1]})")
    rows.item(session, made, "京A12345")
    rows.task(session, made)
    links.keep(session, made.id, now)
    session.commit()
    return made


@pytest.fixture
def slug(session, claim):
    return links.slug_of(session, claim.id)


def on_the_job(session, claim, now, state, *, age_s=10, position=FAR, **times):
    """The claim's task in `state`, held by 欧阳修文 whose newest position is `age_s` old."""
    surveyor = factories.surveyor(
        session, name="欧阳修文", lon=position and position[0], lat=position and position[1], age_s=age_s
    )
    task = session.query(rows.Task).filter_by(claim_id=claim.id).one()
    task.state = state
    made = rows.assignment(session, task, surveyor.id, now - timedelta(minutes=15), eta_s=900, **times)
    session.commit()
    return made


def page(stranger, slug, query=""):
    answer = stranger.get(f"/api/v1/t/{slug}{query}")
    assert answer.status_code == 200, answer.text
    return answer


def test_the_page_tells_what_happens_and_nothing_personal(stranger, claim, slug):
    answer = page(stranger, slug)
    assert answer.json["report_no"] == claim.report_no and answer.json["state"] == "reported"
    assert (
        answer.json["place"] == "建设路与人民路路口"
        and answer.json["surveyor"] is None
        and not answer.json["rated"]
    )
    assert [step["key"] for step in answer.json["steps"]] == [
        "reported", "assigned", "contacted", "en_route", "on_scene", "surveyed", "settled",
    ]  # fmt: skip
    assert [step["at"] is not None for step in answer.json["steps"]] == [True] + [False] * 6
    assert answer.json["loss"] == {"lon": NEAR[0], "lat": NEAR[1]}, "his own place, for the map"
    for secret in ("13800138000", "138 0013 8000", "王报案", "京A12345", str(claim.id)):
        assert secret not in answer.text
    assert answer.headers["Cache-Control"] == "no-store" and answer.headers["X-Robots-Tag"] == "noindex"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_before_he_leaves_the_customer_sees_the_surname_and_how_far_but_not_where(
    session, stranger, claim, slug, now
):
    on_the_job(session, claim, now, "contacted", contacted_at=now - timedelta(minutes=12))
    shown = page(stranger, slug).json
    assert shown["state"] == "contacted"
    assert shown["surveyor"]["name"] == "欧阳师傅" and shown["surveyor"]["position"] is None
    # 5.63 km straight × 1.35 ÷ 25 km/h
    assert shown["surveyor"]["eta_s"] == pytest.approx(1095, abs=15)
    assert shown["surveyor"]["eta_kind"] == "if_leaves_now"


def test_on_his_way_the_customer_sees_where_he_is_and_how_old_that_is(session, stranger, claim, slug, now):
    on_the_job(session, claim, now, "en_route", departed_at=now - timedelta(minutes=5))
    shown = page(stranger, slug).json["surveyor"]
    assert shown["position"] == {"lon": FAR[0], "lat": FAR[1]}
    assert shown["eta_kind"] == "under_way" and shown["eta_s"] == pytest.approx(1095, abs=15)
    assert 10 <= shown["updated_age_s"] <= 15


def test_an_old_position_is_not_shown_and_the_first_estimate_counts_down(session, stranger, claim, slug, now):
    on_the_job(session, claim, now, "en_route", age_s=400, departed_at=now - timedelta(minutes=5))
    shown = page(stranger, slug).json["surveyor"]
    assert shown["position"] is None and shown["updated_age_s"] >= 400
    assert shown["eta_s"] == pytest.approx(600, abs=5)


def test_when_nothing_is_known_no_time_is_made_up(session, stranger, claim, slug, now):
    on_the_job(session, claim, now, "en_route", position=None, departed_at=now - timedelta(minutes=30))
    shown = page(stranger, slug).json["surveyor"]
    assert (shown["position"], shown["eta_s"], shown["eta_kind"], shown["updated_age_s"]) == (
        None,
        None,
        None,
        None,
    )


@pytest.mark.parametrize("state", ["on_scene", "submitted"])
def test_once_he_has_arrived_his_whereabouts_are_his_own(session, stranger, claim, slug, now, state):
    times = {"departed_at": now - timedelta(minutes=12), "arrived_at": now - timedelta(minutes=3)}
    if state == "submitted":
        times["completed_at"] = now - timedelta(minutes=1)
    on_the_job(session, claim, now, state, **times)
    shown = page(stranger, slug).json
    assert shown["state"] == ("surveyed" if state == "submitted" else "on_scene")
    assert shown["surveyor"]["position"] is None and shown["surveyor"]["eta_s"] is None
    assert str(FAR[0]) not in page(stranger, slug).text


def test_a_job_taken_back_before_arrival_hides_the_former_surveyor(session, stranger, claim, slug, now):
    duty = on_the_job(session, claim, now, "en_route", departed_at=now - timedelta(minutes=5))
    duty.ended_at, duty.end_reason = now, "reassigned"
    session.query(rows.Task).filter_by(claim_id=claim.id).one().state = "pending"
    session.commit()
    shown = page(stranger, slug).json
    assert shown["state"] == "reported" and shown["surveyor"] is None


def test_a_settled_and_a_withdrawn_claim_say_so(session, stranger, claim, slug, now):
    on_the_job(
        session,
        claim,
        now,
        "approved",
        completed_at=now - timedelta(minutes=1),
        ended_at=now,
        end_reason="done",
    )
    row = session.get_one(rows.Claim, claim.id)
    row.state, row.closed_at = "approved", now
    session.commit()
    assert page(stranger, slug).json["state"] == "settled" and page(stranger, slug).json["surveyor"] is None
    row.state = "withdrawn"
    session.commit()
    assert page(stranger, slug).json["state"] == "withdrawn"


def test_the_page_speaks_english_when_asked(stranger, slug):
    assert page(stranger, slug, "?lang=en").json["messages"].startswith("We are finding a surveyor")
    assert page(stranger, slug).json["messages"].startswith("正在为您安排查勘员")


@pytest.mark.parametrize("wrong", ["x", "A" * 22, "%00", "..%2f..", "A" * 64, "'--"])
def test_a_wrong_slug_opens_nothing(stranger, slug, wrong):
    for answer in (
        stranger.get(f"/api/v1/t/{wrong}"),
        stranger.post(f"/api/v1/t/{wrong}/rating", json={"stars": 5}),
    ):
        assert answer.status_code in (404, 422)
        assert "claim" not in answer.text


def test_the_link_ends_thirty_days_after_the_claim(session, stranger, claim, slug, now):
    link = session.get_one(CustomerLink, slug)
    link.expires_at = now
    session.commit()
    for answer in (
        stranger.get(f"/api/v1/t/{slug}"),
        stranger.post(f"/api/v1/t/{slug}/rating", json={"stars": 5}),
        stranger.post(f"/api/v1/t/{slug}/uploads", headers={"Tus-Resumable": "1.0.0", "Upload-Length": "1"}),
    ):
        assert (answer.status_code, answer.json["code"]) == (410, "link_expired")


def test_a_rating_counts_once_and_is_on_the_timeline(session, stranger, claim, slug):
    first = stranger.post(f"/api/v1/t/{slug}/rating", json={"stars": 4, "comment": "很快"}, key="a")
    assert first.status_code == 201
    assert (
        stranger.post(f"/api/v1/t/{slug}/rating", json={"stars": 4, "comment": "很快"}, key="a").status_code
        == 201
    )
    second = stranger.post(f"/api/v1/t/{slug}/rating", json={"stars": 1})
    assert (second.status_code, second.json["code"]) == (409, "already_rated")
    rating = session.query(Rating).one()
    assert (rating.stars, rating.comment) == (4, "很快")
    event = session.query(ClaimEvent).filter_by(kind="rating.given").one()
    assert (event.actor_kind, event.facts) == ("customer", {"stars": 4})
    assert page(stranger, slug).json["rated"]


@pytest.mark.parametrize(
    "body",
    [{"stars": 0}, {"stars": 6}, {"stars": 4.5}, {}, {"stars": 5, "comment": "长" * 501}, {"stars": 5, "x": 1},
     {"stars": 5, "comment": "a\u0000"}],
)  # fmt: skip
def test_a_rating_that_makes_no_sense_is_refused(session, stranger, slug, body):
    assert stranger.post(f"/api/v1/t/{slug}/rating", json=body).status_code == 422
    assert session.query(Rating).count() == 0


def test_rating_again_and_again_is_held_back(stranger, slug):
    answers = [stranger.post(f"/api/v1/t/{slug}/rating", json={"stars": 5}).status_code for _ in range(7)]
    assert answers[:2] == [201, 409] and answers[-1] == 429


def test_trying_slugs_is_held_back_with_a_time_to_come_back(stranger, slug):
    answers = [stranger.get(f"/api/v1/t/guess{n}") for n in range(35)]
    assert answers[0].status_code == 404 and answers[-1].status_code == 429
    assert int(answers[-1].headers["Retry-After"]) == 60
    assert page(stranger, slug), "who has the right slug is not shut out by somebody who guesses"


def test_limits_hold_while_redis_is_away(app, stranger, slug):
    from dataclasses import replace

    parts = app.extensions["chakan"]
    away = Redis(port=free_port(), socket_timeout=0.1, socket_connect_timeout=0.1, retry=None)
    app.extensions["chakan"] = replace(parts, redis=away)
    assert page(stranger, slug)
    answers = [stranger.post(f"/api/v1/t/{slug}/rating", json={"stars": 5}).status_code for _ in range(7)]
    assert answers[0] == 201 and answers[-1] == 429


def picture():
    """A photo as a phone takes it, small."""
    out = io.BytesIO()
    Image.effect_noise((640, 480), 60).convert("RGB").save(out, "JPEG", quality=85)
    return out.getvalue()


def metadata(**given):
    return ",".join(
        f"{name} {base64.b64encode(str(value).encode()).decode()}" for name, value in given.items()
    )


def test_the_customers_own_photo_comes_in_under_his_slug(session, stranger, claim, slug):
    photo = picture()
    meta = metadata(
        shot="scene", filename="a.jpg", filetype="image/jpeg", sha256=hashlib.sha256(photo).hexdigest()
    )
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": str(len(photo)), "Upload-Metadata": meta}
    opened = stranger.post(f"/api/v1/t/{slug}/uploads", headers=headers)
    assert opened.status_code == 201, opened.text
    where = opened.headers["Location"]
    assert f"/api/v1/t/{slug}/uploads/" in where
    step = {"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    stored = stranger.patch(where, headers=step, data=photo)
    assert stored.status_code == 204 and stored.headers["Photo-Id"]
    row = session.get_one(Photo, int(stored.headers["Photo-Id"]))
    assert row.claim_id == claim.id and row.customer and row.person_id is None
    assert stranger.head(where, headers={"Tus-Resumable": "1.0.0"}).headers["Upload-Offset"] == str(
        len(photo)
    )


def test_a_transfer_cannot_be_touched_under_another_claims_slug(session, stranger, claim, slug, now):
    other = rows.claim(session)
    rows.task(session, other)
    links.keep(session, other.id, now)
    session.commit()
    photo = picture()
    meta = metadata(
        shot="scene", filename="a.jpg", filetype="image/jpeg", sha256=hashlib.sha256(photo).hexdigest()
    )
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": str(len(photo)), "Upload-Metadata": meta}
    where = stranger.post(f"/api/v1/t/{slug}/uploads", headers=headers).headers["Location"]
    elsewhere = where.replace(slug, links.slug_of(session, other.id))
    tus = {"Tus-Resumable": "1.0.0"}
    assert stranger.head(where, headers=tus).status_code == 200
    assert stranger.head(elsewhere, headers=tus).status_code == 404
    assert stranger.delete(elsewhere, headers=tus).status_code == 404
    assert stranger.delete(where, headers=tus).status_code == 204


def test_the_upload_server_says_what_it_speaks(stranger, slug):
    answer = stranger.options(f"/api/v1/t/{slug}/uploads")
    assert answer.status_code == 204 and answer.headers["Tus-Version"] == "1.0.0"
