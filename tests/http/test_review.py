"""Review: the queue, verdicts that reach the phone, money within an authority."""

import threading

import pytest
from sqlalchemy import select, text

from claims.models import Claim, ClaimEvent, Clock, Task
from core.models import AuditEntry, Outbox
from dispatch import assignments
from dispatch.models import Assignment
from media import queries, shots
from media.models import Photo, PhotoReview
from staff.models import Surveyor
from tests import factories, pictures
from tests.uploading import Tus

LINES = [
    {
        "item": "own_vehicle",
        "part": "前保险杠",
        "action": "replace",
        "qty": 1,
        "unit_fen": 120_000,
        "note": "",
    },
    {
        "item": "own_vehicle",
        "part": "左前翼子板",
        "action": "paint",
        "qty": 2,
        "unit_fen": 40_000,
        "note": "",
    },
]


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
    claim_id = session.get_one(Task, job.task_id).claim_id
    session.commit()
    return claim_id


@pytest.fixture
def snap(phone, job):
    """Takes a photo of a shot; returns its id."""
    seeds = iter(range(1, 1000))

    def take(shot="scene", **meta):
        return Tus(phone).send(pictures.jpeg(64, 64, seed=next(seeds)), job.task_id, shot=shot, **meta)

    return take


@pytest.fixture
def hand_in(session, sessions, job):
    """Lets the surveyor arrive and hand the report in."""

    def submit():
        with sessions.begin() as s:
            who = factories.actor(s, s.get_one(factories.Person, job.surveyor_id))
        task = session.get_one(Task, job.task_id, populate_existing=True)
        if task.state == "accepted":
            session.execute(text("UPDATE task SET state = 'on_scene' WHERE id = :id"), {"id": job.task_id})
        session.commit()
        assignments.submit(sessions, job.task_id, job.surveyor_id, {"summary": "追尾"}, who)

    return submit


@pytest.fixture
def adjuster(as_):
    return as_("adjuster", authority_fen=500_000)


def task_now(session, job):
    session.expire_all()
    return session.get_one(Task, job.task_id)


def events(session, name):
    return [
        e.payload for e in session.scalars(select(Outbox).where(Outbox.event == name).order_by(Outbox.id))
    ]


# --- the queue


def test_the_queue_shows_what_was_handed_in(adjuster, snap, hand_in, job, claim_id, session):
    photo_id = snap()
    snap("vin")
    hand_in()
    adjuster.post(f"/photos/{photo_id}/approve")
    row = adjuster.get("/review/queue").json["items"][0]
    assert row["task"] == {"id": str(job.task_id), "state": "submitted"} and row["claim_id"] == str(claim_id)
    assert row["photos"] | {"last_at": None} == {
        "total": 2,
        "waiting": 1,
        "approved": 1,
        "sent_back": 0,
        "last_at": None,
    }
    assert row["surveyor"]["id"] == str(job.surveyor_id) and row["submitted_at"] is not None
    assert row["reviewer"]["id"] == str(adjuster.person.id) and row["total_fen"] is None
    assert "assessment" in {c["kind"] for c in row["clocks"]}


def test_the_queue_shows_photos_while_the_surveyor_is_still_on_scene(adjuster, snap, job):
    assert adjuster.get("/review/queue").json["items"] == []
    snap()
    row = adjuster.get("/review/queue").json["items"][0]
    assert row["task"]["state"] == "accepted" and row["submitted_at"] is None


def test_the_queue_ends_at_the_border_of_ones_branch(as_, session, snap):
    snap()
    elsewhere = factories.organisation(session)
    session.commit()
    assert as_("adjuster", org=elsewhere).get("/review/queue").json["items"] == []
    assert len(as_("supervisor").get("/review/queue").json["items"]) == 1


def test_the_clock_that_ends_first_comes_first(adjuster, session):
    jobs = [factories.assignment(session, of=factories.claim(session)) for _ in range(3)]
    session.execute(text("UPDATE task SET state = 'submitted'"))
    for n, job in enumerate(jobs):
        session.execute(
            text("UPDATE clock SET due_at = clock_timestamp() + make_interval(hours => :h) FROM task AS t"
                 " WHERE t.claim_id = clock.claim_id AND t.id = :id"),
            {"h": (2, 3, 1)[n], "id": job.task_id},
        )  # fmt: skip
    session.commit()
    shown = [row["task"]["id"] for row in adjuster.get("/review/queue").json["items"]]
    assert shown == [str(jobs[n].task_id) for n in (2, 0, 1)]


# --- who reviews


def test_one_reviewer_wins(adjuster, as_, snap, job, session):
    snap()
    assert adjuster.post(f"/review/{job.task_id}/take").json["reviewer"] == {"id": str(adjuster.person.id)}
    assert adjuster.post(f"/review/{job.task_id}/take").status_code == 200
    late = as_("adjuster").post(f"/review/{job.task_id}/take")
    assert late.status_code == 409 and late.json["code"] == "taken"
    assert late.json["facts"]["reviewer"]["id"] == str(adjuster.person.id)


def test_one_of_many_reviewers_at_once_wins(as_, snap, job):
    snap()
    clients = [as_("adjuster") for _ in range(6)]
    answers = []
    threads = [
        threading.Thread(target=lambda c=c: answers.append(c.post(f"/review/{job.task_id}/take").status_code))
        for c in clients
    ]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert sorted(answers) == [200, 409, 409, 409, 409, 409]


def test_only_the_holder_gives_verdicts_until_he_lets_go(adjuster, as_, snap, job):
    photo_id = snap()
    adjuster.post(f"/review/{job.task_id}/take")
    other = as_("adjuster")
    assert other.post(f"/photos/{photo_id}/approve").json["code"] == "taken"
    assert other.post(f"/review/{job.task_id}/release").status_code == 409
    assert adjuster.post(f"/review/{job.task_id}/release").json["reviewer"] is None
    assert other.post(f"/photos/{photo_id}/approve").status_code == 200


def test_a_supervisor_frees_the_work_of_somebody_who_is_away(adjuster, as_, snap, job):
    snap()
    adjuster.post(f"/review/{job.task_id}/take")
    assert as_("supervisor").post(f"/review/{job.task_id}/release").json["reviewer"] is None


def test_what_nobody_has_begun_is_not_reviewed(adjuster, session):
    claim = factories.claim(session)
    task = factories.task_of(session, claim)
    session.commit()
    answer = adjuster.post(f"/review/{task.id}/take")
    assert answer.status_code == 409 and answer.json["code"] == "task_state"


@pytest.mark.parametrize("role", ["seat", "dispatcher", "supervisor", "admin", "integration"])
def test_only_adjusters_give_verdicts(as_, snap, job, role, claim_id):
    photo_id, client = snap(), as_(role)
    for path in (f"/photos/{photo_id}/approve", f"/review/{job.task_id}/take", f"/claims/{claim_id}/approve"):
        assert client.post(path).status_code == 403
    assert client.post(f"/photos/{photo_id}/send_back", json={"reason": "dark"}).status_code == 403


# --- verdicts


def test_approving_a_photo_is_recorded_once(adjuster, snap, session):
    photo_id = snap()
    for _ in range(2):
        answer = adjuster.post(f"/photos/{photo_id}/approve")
        assert answer.status_code == 200 and answer.json["photo"]["verdict"] == "approved"
    assert [r.verdict for r in session.scalars(select(PhotoReview))] == ["approved"]
    assert len(events(session, "photo.approved")) == 1


def test_a_photo_sent_back_on_scene_reaches_the_same_surveyor(adjuster, snap, session, job):
    photo_id = snap("vin")
    region = {"type": "FragmentSelector", "value": "xywh=percent:10,10,30,20"}
    answer = adjuster.post(
        f"/photos/{photo_id}/send_back", json={"reason": "vin_unreadable", "note": "反光", "region": region}
    )
    assert answer.status_code == 200 and answer.json["task"]["state"] == "accepted"
    told = events(session, "photo.sent_back")[0]
    assert (told["photo_id"], told["surveyor_id"], told["reason"]) == (
        int(photo_id),
        job.surveyor_id,
        "vin_unreadable",
    )
    album = queries.phone_album(session, [(job.task_id, "motor", None)])[job.task_id]
    photo = album["photos"][0]
    assert (photo["verdict"], photo["reason"], photo["note"]) == ("sent_back", "vin_unreadable", "反光")
    vin = next(s for s in album["shots"] if s["code"] == "vin")
    assert (vin["required"], vin["taken"], vin["sent_back"]) == (1, 1, 1)


def test_a_photo_sent_back_after_the_report_gives_the_job_back(adjuster, snap, hand_in, session, job):
    photo_id = snap()
    hand_in()
    answer = adjuster.post(f"/photos/{photo_id}/send_back", json={"reason": "blurred"})
    assert answer.json["task"]["state"] == "returned"
    assert session.get_one(Assignment, job.id, populate_existing=True).ended_at is None
    assert [e["surveyor_id"] for e in events(session, "task.returned")] == [job.surveyor_id]


def test_sending_back_is_one_commit_with_giving_the_job_back(
    adjuster, snap, hand_in, session, job, monkeypatch
):
    photo_id = snap()
    hand_in()

    def dies(*_, **__):
        raise RuntimeError("killed here")

    monkeypatch.setattr(assignments, "reopen_in", dies)
    assert adjuster.post(f"/photos/{photo_id}/send_back", json={"reason": "blurred"}).status_code == 500
    assert task_now(session, job).state == "submitted"
    assert (
        session.get_one(Photo, int(photo_id)).verdict == "waiting"
        and events(session, "photo.sent_back") == []
    )


def test_the_same_send_back_twice_with_one_key_is_one(adjuster, snap, hand_in, session):
    photo_id = snap()
    hand_in()
    answers = [
        adjuster.post(f"/photos/{photo_id}/send_back", json={"reason": "dark"}, key="k-1") for _ in range(2)
    ]
    assert [a.status_code for a in answers] == [200, 200] and answers[0].json == answers[1].json
    assert len(events(session, "photo.sent_back")) == 1


def test_a_retake_answers_the_send_back(adjuster, snap, hand_in, session, job, claim_id):
    photo_id = snap("vin")
    hand_in()
    adjuster.post(f"/photos/{photo_id}/send_back", json={"reason": "vin_unreadable"})
    other_shot, retake = snap("scene"), snap("vin")
    review = session.scalars(select(PhotoReview)).one()
    assert review.answered_by == int(retake) != int(other_shot)
    event = session.scalars(
        select(ClaimEvent).where(ClaimEvent.kind == "photo.stored").order_by(ClaimEvent.id.desc())
    ).first()
    assert event.facts["retake_of"] == photo_id
    vin = next(
        s
        for s in queries.phone_album(session, [(job.task_id, "motor", None)])[job.task_id]["shots"]
        if s["code"] == "vin"
    )
    assert vin["sent_back"] == 0 and vin["taken"] == 2
    shown = {p["id"]: p for p in adjuster.get(f"/claims/{claim_id}/photos").json["items"]}
    assert shown[photo_id]["reviews"][0]["answered_by"] == retake
    assert shown[photo_id]["reviews"][0]["by"]["id"] == str(adjuster.person.id)


def test_two_send_backs_of_a_shot_want_two_retakes(adjuster, snap, session):
    first, second = snap("damage_close"), snap("damage_close")
    for photo_id in (first, second):
        adjuster.post(f"/photos/{photo_id}/send_back", json={"reason": "too_far"})
    one, two = snap("damage_close"), snap("damage_close")
    answered = {r.photo_id: r.answered_by for r in session.scalars(select(PhotoReview))}
    assert answered == {int(first): int(one), int(second): int(two)}


@pytest.mark.parametrize("bad", [{}, {"reason": "ugly"}, {"reason": "dark", "note": "a\0"}, {"reason": "dark", "region": "x"},
                                 {"reason": "dark", "region": {"v": "a\0"}}, {"reason": "dark", "extra": 1}])  # fmt: skip
def test_a_send_back_needs_a_reason_from_the_list(adjuster, snap, bad):
    assert adjuster.post(f"/photos/{snap()}/send_back", json=bad).status_code == 422


def test_missing_shots_can_be_asked_for(adjuster, snap, hand_in, session, job):
    snap()
    hand_in()
    answer = adjuster.post(f"/review/{job.task_id}/ask", json={"shots": ["vin"], "note": "请补拍"})
    assert answer.json["task"]["state"] == "returned"
    assert session.get_one(Assignment, job.id, populate_existing=True).ended_at is None


def test_a_waived_shot_is_missing_no_more_and_says_why(adjuster, snap, session, job, claim_id):
    snap()
    before = {m["code"] for m in adjuster.get(f"/claims/{claim_id}/photos").json["missing"]}
    answer = adjuster.post(
        f"/review/{job.task_id}/waive", json={"shots": ["licence_driver"], "reason": "车辆停放中被撞"}
    )
    assert before - {m["code"] for m in answer.json["missing"]} == {"licence_driver"}
    assert (
        adjuster.post(
            f"/review/{job.task_id}/waive", json={"shots": ["licence_driver"], "reason": "again"}
        ).status_code
        == 200
    )
    assert [
        e.facts["shot"] for e in session.scalars(select(AuditEntry).where(AuditEntry.action == "shot.waived"))
    ] == ["licence_driver"]
    assert (
        adjuster.post(f"/review/{job.task_id}/waive", json={"shots": ["vin"], "reason": " "}).status_code
        == 422
    )


# --- money


def test_every_save_is_a_version_and_the_newest_counts(adjuster, claim_id):
    assert adjuster.get(f"/claims/{claim_id}/assessment").json["version"] == 0
    first = adjuster.put(f"/claims/{claim_id}/assessment", json={"lines": LINES})
    assert (first.status_code, first.json["version"], first.json["total_fen"]) == (200, 1, 200_000)
    second = adjuster.put(f"/claims/{claim_id}/assessment", json={"lines": LINES[:1], "note": "不喷漆"})
    assert (second.json["version"], second.json["total_fen"]) == (2, 120_000)
    shown = adjuster.get(f"/claims/{claim_id}/assessment").json
    assert (shown["version"], shown["total_fen"], len(shown["versions"])) == (2, 120_000, 2)
    assert shown["lines"][0]["part"] == "前保险杠" and shown["lines"][0]["total_fen"] == 120_000


def test_a_version_based_on_an_older_one_is_refused(adjuster, claim_id):
    url = f"/claims/{claim_id}/assessment"
    assert adjuster.put(url, json={"lines": LINES}, headers={"If-Match": '"0"'}).json["version"] == 1
    assert adjuster.put(url, json={"lines": LINES}, headers={"If-Match": "1"}).json["version"] == 2
    late = adjuster.put(url, json={"lines": LINES}, headers={"If-Match": "1"})
    assert (
        late.status_code == 409
        and late.json["code"] == "version_conflict"
        and late.json["facts"] == {"version": 2}
    )
    assert adjuster.put(url, json={"lines": LINES}, headers={"If-Match": "abc"}).status_code == 422


def test_two_saves_at_once_are_two_versions_or_one_conflict(as_, claim_id):
    clients = [as_("adjuster") for _ in range(5)]
    answers = []
    url = f"/claims/{claim_id}/assessment"
    threads = [
        threading.Thread(target=lambda c=c: answers.append(c.put(url, json={"lines": LINES})))
        for c in clients
    ]
    [t.start() for t in threads]
    [t.join() for t in threads]
    saved = [a.json["version"] for a in answers if a.status_code == 200]
    assert len(saved) == len(set(saved)) and {a.status_code for a in answers} <= {200, 409}
    assert clients[0].get(url).json["version"] == max(saved) == len(saved)


@pytest.mark.parametrize(
    "line",
    [
        {"qty": 0},
        {"qty": 1.5},
        {"unit_fen": -1},
        {"unit_fen": 1.5},
        {"action": "burn"},
        {"part": ""},
        {"qty": 10_000},
        {"unit_fen": 10**11},
    ],
)
def test_a_line_that_makes_no_sense_is_refused(adjuster, claim_id, line):
    answer = adjuster.put(f"/claims/{claim_id}/assessment", json={"lines": [LINES[0] | line]})
    assert answer.status_code == 422 and answer.json["errors"][0]["path"].startswith("lines.0.")


def test_a_seat_reads_the_lines_but_does_not_write_them(as_, claim_id):
    assert as_("seat").get(f"/claims/{claim_id}/assessment").status_code == 200
    assert as_("seat").put(f"/claims/{claim_id}/assessment", json={"lines": []}).status_code == 403


def ready(adjuster, snap, hand_in, claim_id, lines=LINES):
    photo_id = snap()
    hand_in()
    adjuster.post(f"/photos/{photo_id}/approve")
    adjuster.put(f"/claims/{claim_id}/assessment", json={"lines": lines})
    return photo_id


def test_approval_settles_claim_task_clocks_and_tells_everybody(
    adjuster, snap, hand_in, session, job, claim_id
):
    ready(adjuster, snap, hand_in, claim_id)
    answer = adjuster.post(f"/claims/{claim_id}/approve")
    assert answer.status_code == 200
    assert (answer.json["state"], answer.json["version"], answer.json["total_fen"]) == (
        "approved",
        1,
        200_000,
    )
    assert task_now(session, job).state == "approved"
    assert session.get_one(Claim, claim_id).state == "approved"
    clocks = session.scalars(select(Clock).where(Clock.claim_id == claim_id)).all()
    assert clocks and all(c.stopped_at is not None for c in clocks)
    assert next(c for c in clocks if c.kind == "assessment").stop_event == "approved"
    assert [e["claim_id"] for e in events(session, "claim.approved")] == [claim_id]
    assert [e["task_id"] for e in events(session, "task.approved")] == [job.task_id]
    facts = session.scalars(select(AuditEntry).where(AuditEntry.action == "claim.approved")).one().facts
    assert facts["total_fen"] == 200_000 and "vin" in facts["missing_shots"]
    assert adjuster.get(f"/claims/{claim_id}/assessment").json["approved_at"] is not None
    assert adjuster.post(f"/claims/{claim_id}/approve").status_code == 409
    assert adjuster.put(f"/claims/{claim_id}/assessment", json={"lines": LINES}).status_code == 409


def test_approval_beyond_ones_authority_is_denied_with_both_sums(
    as_, adjuster, snap, hand_in, session, job, claim_id
):
    ready(adjuster, snap, hand_in, claim_id)
    junior = as_("adjuster", authority_fen=199_999)
    answer = junior.post(f"/claims/{claim_id}/approve")
    assert (answer.status_code, answer.json["code"]) == (403, "beyond_authority")
    assert answer.json["facts"] == {"total_fen": 200_000, "authority_fen": 199_999}
    assert task_now(session, job).state == "submitted"
    assert as_("adjuster", authority_fen=200_000).post(f"/claims/{claim_id}/approve").status_code == 200


def test_a_photo_that_waits_holds_the_approval(adjuster, snap, hand_in, claim_id):
    ready(adjuster, snap, hand_in, claim_id)
    snap("vin")  # arrived late
    answer = adjuster.post(f"/claims/{claim_id}/approve")
    assert (answer.status_code, answer.json["code"], answer.json["facts"]["waiting"]) == (
        409,
        "photos_waiting",
        1,
    )


def test_a_send_back_without_its_retake_holds_the_approval(adjuster, snap, hand_in, claim_id):
    photo_id = ready(adjuster, snap, hand_in, claim_id)
    adjuster.post(f"/photos/{photo_id}/send_back", json={"reason": "dark"})
    assert adjuster.post(f"/claims/{claim_id}/approve").json["code"] == "task_state"
    hand_in()  # handed in again without the retake
    assert adjuster.post(f"/claims/{claim_id}/approve").json["code"] == "photos_waiting"
    adjuster.post(f"/photos/{snap('scene')}/approve")
    assert adjuster.post(f"/claims/{claim_id}/approve").status_code == 200


def test_no_price_no_approval(adjuster, snap, hand_in, claim_id):
    photo_id = snap()
    hand_in()
    adjuster.post(f"/photos/{photo_id}/approve")
    assert adjuster.post(f"/claims/{claim_id}/approve").json["code"] == "no_assessment"


def test_a_survey_that_goes_on_is_not_approved(adjuster, snap, claim_id):
    adjuster.post(f"/photos/{snap()}/approve")
    adjuster.put(f"/claims/{claim_id}/assessment", json={"lines": LINES})
    assert adjuster.post(f"/claims/{claim_id}/approve").json["code"] == "task_state"


def test_a_strict_branch_wants_every_required_shot_or_a_waiver(
    adjuster, snap, hand_in, session, job, claim_id
):
    from staff import rules

    rules.change(
        session, session.get_one(Claim, claim_id).org_id, "require_shots", True, by=adjuster.person.id
    )
    session.commit()
    ready(adjuster, snap, hand_in, claim_id)
    answer = adjuster.post(f"/claims/{claim_id}/approve")
    assert (answer.status_code, answer.json["code"]) == (409, "shots_missing")
    wanted = [s.code for s in shots.shots_for("motor", None) if s.required]
    assert answer.json["facts"]["shots"] == wanted  # of the scene there is one, two are needed
    adjuster.post(f"/review/{job.task_id}/waive", json={"shots": wanted, "reason": "快处"})
    assert adjuster.post(f"/claims/{claim_id}/approve").status_code == 200


def test_two_adjusters_approve_once(as_, adjuster, snap, hand_in, session, claim_id):
    ready(adjuster, snap, hand_in, claim_id)
    clients = [as_("adjuster") for _ in range(4)]
    answers = []
    threads = [
        threading.Thread(target=lambda c=c: answers.append(c.post(f"/claims/{claim_id}/approve").status_code))
        for c in clients
    ]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert sorted(answers) == [200, 409, 409, 409] and len(events(session, "claim.approved")) == 1


def test_a_foreign_claim_is_missing(as_, session, claim_id, snap, job):
    photo_id = snap()
    elsewhere = factories.organisation(session)
    session.commit()
    client = as_("adjuster", org=elsewhere)
    for method, path in (("post", f"/claims/{claim_id}/approve"), ("get", f"/claims/{claim_id}/assessment"),
                         ("post", f"/photos/{photo_id}/approve"), ("post", f"/review/{job.task_id}/take")):  # fmt: skip
        assert getattr(client, method)(path).status_code == 404
