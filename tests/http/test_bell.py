"""The bell: whose phone is rung for what, who may listen, what is resumed, and what a line may hold."""

import json
import time

import pytest
from sqlalchemy import text

from api import bell as door
from api.belfry import ALL, MOST_EACH, MOST_WAITING, Belfry, Bell, spread_of
from api.hub import Hub
from core import bell, live, outbox
from core.bell import Ring
from core.models import Outbox
from dispatch import ringing
from launch import processes
from tests import factories


@pytest.fixture
def hub(feed):
    live.refresh(feed, "task", [])
    live.refresh(feed, "surveyor", [])
    hub = Hub(feed)
    hub.load()
    return hub


def listen(hub: Hub, who: int) -> Bell:
    line = Bell(str(who), ask_at=time.monotonic() + 1e6)
    hub.belfry.hang(line)
    return line


def events(told: bytes):
    found = []
    for block in told.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        if "event" in fields:
            found.append((fields["event"], json.loads(fields["data"]), fields.get("id", "")))
    return found


def heard(line: Bell):
    return [(data["what"], data["id"]) for _, data, _ in events(line.take())]


# -- whom and for what ---------------------------------------------------------------------------------------------------


def told_by(session, name, **facts):
    session.execute(text("DELETE FROM outbox"))  # what arranging the rows told
    outbox.append(session, name, **facts)
    session.flush()
    return ringing.rings(session, list(session.query(Outbox)))


def test_an_offer_rings_him_who_is_asked_and_nobody_else(session):
    asked = factories.surveyor(session)
    factories.surveyor(session)
    of = factories.claim(session)
    assert told_by(
        session, "offer.made", claim_id=of.id, task_id=of.id, offer_id=5, surveyor_id=asked.id
    ) == [Ring(asked.id, "offer", "5")]


@pytest.mark.parametrize(
    ("event", "facts", "what", "ident"),
    [
        ("offer.expired", {"offer_id": 7}, "offer", "7"),
        ("offer.withdrawn", {"offer_id": 7}, "offer", "7"),
        ("photo.sent_back", {"photo_id": 8}, "photo", "8"),
        ("task.returned", {"task_id": 9}, "job", "9"),
        ("task.appointed", {"task_id": 9}, "job", "9"),
        ("assignment.ended", {"task_id": 9}, "job", "9"),
        ("surveyor.shift", {}, "shift", None),
        ("move_up.asked", {"move_id": 3}, "move", "3"),
    ],
)
def test_what_is_his_rings_by_its_kind(session, event, facts, what, ident):
    his = factories.surveyor(session)
    assert told_by(session, event, surveyor_id=his.id, **facts) == [Ring(his.id, what, ident or str(his.id))]


def test_a_changed_claim_rings_whoever_has_it_in_hand(session):
    holder, asked = factories.surveyor(session), factories.surveyor(session)
    held, offered = factories.claim(session), factories.claim(session)
    factories.assignment(session, of=held, to=holder)
    factories.offer(session, of=offered, to=asked)
    assert told_by(session, "claim.amended", claim_id=held.id) == [Ring(holder.id, "job", str(held.id))]
    assert told_by(session, "claim.withdrawn", claim_id=offered.id) == [
        Ring(asked.id, "job", str(offered.id))
    ]


def test_a_catastrophe_rings_all_on_duty_below_it(session):
    root = factories.default_organisation(session)
    here, there = (factories.organisation(session, parent=root) for _ in range(2))
    ours = factories.surveyor(session, org=here)
    factories.surveyor(session, org=there)
    factories.surveyor(session, org=here, on_duty=False)
    found = told_by(session, "catastrophe.confirmed", catastrophe_id=4, org_id=here.id, state="on")
    assert found == [Ring(ours.id, "catastrophe", "4")]


def test_his_own_upload_and_the_desks_affairs_ring_nobody(session):
    of = factories.claim(session)
    assert told_by(session, "photo.stored", claim_id=of.id, photo_id=1) == []
    assert told_by(session, "clock.warned", claim_id=of.id, clock_id=1, stage="x") == []
    assert told_by(session, "rating.given", claim_id=of.id) == []


# -- the line ------------------------------------------------------------------------------------------------------------


def test_only_he_who_is_meant_hears_it_and_the_same_twice_once(hub, feed):
    his, others = listen(hub, 5), listen(hub, 6)
    bell.ring(feed, [Ring(5, "offer", "71"), Ring(5, "offer", "71"), Ring(5, "photo", "8")])
    hub.read()
    assert his.woken.is_set() and not others.woken.is_set()
    assert heard(his) == [("offer", "71"), ("photo", "8")] and heard(others) == []


def test_a_ring_says_what_kind_and_which_and_nothing_else(hub, feed):
    his = listen(hub, 5)
    bell.ring(feed, [Ring(5, "offer", "71")])
    hub.read()
    [(name, data, ident)] = events(his.take())
    assert name == "ring" and data == {"what": "offer", "id": "71", "spread_ms": 0} and "-" in ident


def test_who_comes_back_hears_what_he_missed_also_from_a_new_process(hub, feed):
    bell.ring(feed, [Ring(5, "offer", "71")])
    hub.read()
    first = listen(hub, 5)
    [(_, _, since)] = events(hub.belfry.greet(first, ""))
    bell.ring(feed, [Ring(5, "job", "9"), Ring(6, "job", "10")])
    reborn = Hub(feed)
    reborn.load()
    hub.read()
    for process in (hub, reborn):
        back = listen(process, 5)
        told = events(process.belfry.greet(back, since))
        assert [name for name, _, _ in told] == ["resumed", "ring"]
        assert (told[1][1]["what"], told[1][1]["id"]) == ("job", "9")
        again = events(process.belfry.greet(listen(process, 5), told[1][2]))
        # Behind the last of his there may be others', which are not his to hear.
        assert [name for name, _, _ in again] == ["resumed"]


@pytest.mark.parametrize("since", ["", "nonsense", "1-1", "²-0", "99999999999999-0", "9" * 80])
def test_who_was_away_too_long_or_says_nonsense_looks_at_everything(hub, feed, since):
    bell.ring(feed, [Ring(5, "offer", "71")])
    hub.read()
    [(name, data, _)] = events(hub.belfry.greet(listen(hub, 5), since))
    assert (name, data["what"]) == ("ring", "all")


def test_after_redis_was_emptied_everybody_looks_at_everything(hub, feed):
    his = listen(hub, 5)
    feed.flushdb()
    live.refresh(feed, "task", [])
    live.refresh(feed, "surveyor", [])
    hub.load()
    assert heard(his) == [ALL]
    bell.ring(feed, [Ring(5, "job", "9")])
    hub.read()
    assert heard(his) == [("job", "9")]


def test_what_waits_for_a_phone_that_does_not_read_is_bounded(hub, feed):
    his = listen(hub, 5)
    bell.ring(feed, [Ring(5, "photo", str(n)) for n in range(MOST_WAITING * 3 + 5)])
    hub.read()
    assert len(his.waiting) <= MOST_WAITING and ALL in his.waiting
    assert len(his.take()) < MOST_WAITING * 150


def test_the_oldest_of_too_many_lines_of_one_person_makes_way(hub):
    lines = [listen(hub, 5) for _ in range(MOST_EACH + 1)]
    assert [line.ended for line in lines] == ["replaced"] + [""] * MOST_EACH
    other = listen(hub, 6)
    assert other.ended == ""
    for line in lines:
        hub.belfry.take_down(line)
        hub.belfry.take_down(line)
    hub.belfry.take_down(other)
    assert list(hub.belfry.everybody()) == [] and not hub.belfry.bells


def test_many_who_are_rung_together_are_asked_to_spread(hub, feed):
    lines = [listen(hub, n) for n in range(100)]
    bell.ring(feed, [Ring(n, "catastrophe", "4") for n in range(100)])
    hub.read()
    [(_, data, _)] = events(lines[0].take())
    assert data["spread_ms"] == spread_of(100) > 0
    bell.ring(feed, [Ring(1, "offer", "9")])
    hub.read()
    assert events(lines[1].take())[-1][1]["spread_ms"] in (0, spread_of(100))
    bell.ring(feed, [Ring(1, "offer", "10")])
    hub.read()
    assert events(lines[1].take())[0][1]["spread_ms"] == 0


def test_a_withdrawn_right_makes_his_line_ask_soon_and_nobody_elses(hub, feed):
    his, others = listen(hub, 5), listen(hub, 6)
    live.doubt_access(feed, 5)
    hub.read()
    assert his.ask_at <= time.monotonic() + 5 and his.woken.is_set()
    assert others.ask_at > time.monotonic() + 1000
    assert heard(his) == []
    live.doubt_access(feed)
    hub.read()
    assert others.ask_at <= time.monotonic() + 5


def test_without_redis_no_line_stays_open_in_the_belief_that_it_hears(hub):
    his = listen(hub, 5)
    hub.belfry.silence()
    assert his.ended == "away" and his.woken.is_set()
    assert Belfry().greet(Bell("5", 0.0), "1-1").startswith(b"id: 0-0\nevent: ring")


# -- the door ------------------------------------------------------------------------------------------------------------


def test_a_bell_is_its_surveyors_alone(as_, as_device, sessions, stranger):
    with sessions.begin() as session:
        his = factories.surveyor(session)
    assert as_device(his).get("/me/bell/scope").json == {"surveyor_id": str(his.id)}
    for path in ("/me/bell", "/me/bell/scope"):
        assert stranger.get(path).status_code == 401
        for role in ("dispatcher", "admin", "seat", "adjuster", "supervisor", "integration"):
            assert as_(role).get(path).status_code == 403


def test_without_a_stream_process_the_phone_is_told_to_come_later(as_device, sessions):
    with sessions.begin() as session:
        his = factories.surveyor(session)
    answer = as_device(his).get("/me/bell")
    assert answer.status_code == 503 and answer.headers["Retry-After"]


def test_a_revoked_phone_and_changed_roles_put_the_bell_in_doubt(as_, as_device, sessions, redis):
    with sessions.begin() as session:
        his = factories.surveyor(session)
    phone = as_device(his)
    admin = as_("admin")
    said = []

    def doubts():
        said.extend(fields[b"who"].decode() for _, fields in redis.xrange(bell.STREAM))
        redis.delete(bell.STREAM)
        return said

    assert admin.delete(f"/devices/{phone.device.id}").status_code == 204
    assert admin.patch(f"/people/{his.id}", json={"roles": ["surveyor", "seat"]}).status_code == 204
    assert as_device(his).delete("/session").status_code == 204
    assert doubts() == [str(his.id)] * 3


def test_the_api_has_a_thread_for_every_bell_it_relays():
    assert processes.RELAYED_BELLS == door.MOST_RELAYED
