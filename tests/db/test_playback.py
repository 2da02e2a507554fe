"""Playback: the desk of any moment equals what the live desk showed then."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import text

from core import clock
from dispatch import board, past_queries, playback
from geo import store
from geo.fix import Fix
from geo.store import Row
from tests import factories


def seen(session, who, lon, lat, *, age_s=5.0, received_late_s=0.0):
    """A position of the surveyor as a ping leaves it: in the history and as the dot."""
    now = clock.read(session)
    at = now - timedelta(seconds=age_s)
    fix = Fix(at, now - timedelta(seconds=max(0.0, age_s - received_late_s)), lon, lat, accuracy_m=8)
    store.ensure_partitions(session, now.date())
    store.insert_history(session, [Row(who.id, 1, fix)])
    store.move_last(session, [Row(who.id, 1, fix)])


def desk(session, at):
    """What the live desk shows, as of a moment."""
    tasks = [change.card for change in board.open_task_changes(session)]
    people = board.surveyors_board(session, "/", now=at)
    return by_id(tasks), by_id(people)


def then(session, at, scope="/"):
    """What playback shows of that moment."""
    tasks = playback.tasks_then(session, scope, at)
    people = playback.surveyors_then(session, scope, at, max_accuracy_m=200)
    return by_id(tasks), by_id(people)


def by_id(cards):
    return {card["id"]: json.loads(json.dumps(card)) for card in cards}


def test_every_moment_of_a_job_is_shown_again_as_the_desk_saw_it(session):
    moments = []

    def remember():
        session.flush()
        at = clock.read(session)
        moments.append((at, desk(session, at)))

    who = factories.surveyor(session, name="甲", lon=None)
    seen(session, who, 116.40, 39.91, age_s=40)
    remember()
    claim = factories.claim(session, place_text="东门", cause="collision")
    task = factories.task_of(session, claim)
    remember()
    offer = factories.offer(session, of=claim, to=who)
    remember()
    session.execute(
        text("UPDATE offer SET state = 'accepted', settled_at = clock_timestamp() WHERE id = :id"),
        {"id": offer.id},
    )
    session.execute(
        text(
            "INSERT INTO assignment (task_id, surveyor_id, accepted_at, eta_s, drive_s, eta_by)"
            " VALUES (:t, :s, clock_timestamp(), 900, 600, 'roads')"
        ),
        {"t": task.id, "s": who.id},
    )
    session.execute(
        text("UPDATE task SET state = 'accepted', state_since = clock_timestamp() WHERE id = :id"),
        {"id": task.id},
    )
    remember()
    session.execute(text("UPDATE assignment SET done_by_at = clock_timestamp() + interval '20 minutes'"))
    remember()
    seen(session, who, 116.41, 39.92, age_s=1, received_late_s=1)
    session.execute(text("UPDATE clock SET predicted = 'late' WHERE claim_id = :id"), {"id": claim.id})
    session.execute(
        text(
            "UPDATE claim SET place = ST_SetSRID(ST_MakePoint(116.5, 39.8), 4326)::geography WHERE id = :id"
        ),
        {"id": claim.id},
    )
    remember()
    session.execute(text("UPDATE surveyor SET on_duty = false WHERE id = :id"), {"id": who.id})
    remember()
    session.execute(
        text("UPDATE task SET state = 'approved', state_since = clock_timestamp() WHERE id = :id"),
        {"id": task.id},
    )
    remember()
    assert len({json.dumps(shown, sort_keys=True) for _, shown in moments}) == len(moments)
    for at, shown in moments:
        assert then(session, at) == shown


def test_what_came_late_was_not_known_earlier(session):
    who = factories.surveyor(session, lon=None)
    seen(session, who, 116.40, 39.91, age_s=600)
    before = clock.read(session)
    seen(session, who, 116.60, 39.99, age_s=300, received_late_s=300)
    people = then(session, before)[1]
    assert people[str(who.id)]["position"]["lon"] == 116.40
    people = then(session, clock.read(session))[1]
    assert people[str(who.id)]["position"]["lon"] == 116.60


def test_the_turns_of_a_span_lead_from_its_first_picture_to_its_last(session):
    who = factories.surveyor(session)
    claim = factories.claim(session)
    session.flush()
    start = clock.read(session)
    offer = factories.offer(session, of=claim, to=who, delivered=False)
    session.flush()
    session.execute(text("UPDATE offer SET state = 'expired' WHERE id = :id"), {"id": offer.id})
    session.execute(text("UPDATE surveyor SET on_duty = false WHERE id = :id"), {"id": who.id})
    end = clock.read(session)
    shown, _ = then(session, start)
    told = playback.turns(session, "/", start, end)
    assert [turn.at for turn in told] == sorted(turn.at for turn in told)
    for turn in told:
        if turn.kind == "task":
            shown[str(turn.ident)] = json.loads(json.dumps(turn.card))
    assert shown == then(session, end)[0]
    duties = [turn.card for turn in told if turn.kind == "surveyor"]
    assert [d["state"] for d in duties] == ["offered", "idle", "off"]


def test_another_branch_has_a_past_of_its_own(session):
    branch = factories.organisation(session, parent=factories.default_organisation(session))
    factories.surveyor(session)
    claim = factories.claim(session)
    session.flush()
    at = clock.read(session)
    assert then(session, at, branch.path) == ({}, {})
    assert playback.turns(session, branch.path, claim.reported_at - timedelta(hours=1), at) == []
    assert len(then(session, at)[0]) == 1


def test_the_present_is_one_version_and_the_past_can_be_forgotten(session):
    claim = factories.claim(session)
    session.flush()
    session.execute(text("UPDATE task SET priority = 3 WHERE claim_id = :id"), {"id": claim.id})
    session.execute(text("UPDATE task SET priority = 3 WHERE claim_id = :id"), {"id": claim.id})
    rows = session.execute(
        text("SELECT upper_inf(span) FROM desk_past WHERE kind = 'task' ORDER BY id")
    ).scalars()
    assert list(rows) == [False, True]
    assert past_queries.forget(session, clock.read(session)) >= 1
    assert session.execute(text("SELECT count(*) FROM desk_past WHERE NOT upper_inf(span)")).scalar() == 0


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/playback?reason=complaint&at=2026-11-20T08:00:00Z",
        "/api/v1/playback/moves?reason=complaint&from=2026-11-20T08:00:00Z&to=2026-11-20T08:10:00Z",
        "/api/v1/playback/day?from=2026-11-20T00:00:00Z&to=2026-11-21T00:00:00Z",
    ],
)
def test_the_door_lets_watchers_in_and_nobody_else(as_, path):
    assert as_("dispatcher").get(path).status_code == 200
    assert as_("seat").get(path).status_code == 403
    assert as_("adjuster").get(path).status_code == 403


def test_a_look_is_written_down_and_a_span_too_long_is_refused(as_, session):
    client = as_("supervisor")
    why = "reason=complaint"
    answer = client.get(f"/api/v1/playback/moves?{why}&from=2026-11-20T08:00:00Z&to=2026-11-20T08:10:00Z")
    assert answer.json["moves"] == [] and answer.json["turns"] == []
    assert client.get(f"/api/v1/playback?{why}&at=2026-11-20T08:00:00Z").json["tasks"] == []
    looks = (
        session.execute(text("SELECT facts FROM audit_entry WHERE action = 'playback.seen'")).scalars().all()
    )
    assert len(looks) == 2 and looks[0]["start"].startswith("2026-11-20T08:00")
    assert {look["reason"] for look in looks} == {"complaint"}
    for query in (
        "from=2026-11-20T08:00:00Z&to=2026-11-20T10:10:00Z",
        "from=2026-11-20T08:00:00Z&to=2026-11-20T07:00:00Z",
    ):
        assert client.get(f"/api/v1/playback/moves?{why}&{query}").status_code == 422
    assert client.get(f"/api/v1/playback?{why}&at=2099-01-01T00:00:00Z").status_code == 422


@pytest.mark.parametrize(
    "path",
    ["playback?at=2026-11-20T08:00:00Z", "playback/moves?from=2026-11-20T08:00:00Z&to=2026-11-20T08:10:00Z"],
)
def test_nobody_looks_without_saying_why(as_, session, path):
    refused = as_("supervisor").get(f"/api/v1/{path}")
    assert refused.status_code == 422 and refused.json["errors"][0]["path"] == "reason"
    assert (
        session.execute(text("SELECT count(*) FROM audit_entry WHERE action = 'playback.seen'")).scalar() == 0
    )
