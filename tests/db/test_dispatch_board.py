"""Cards: what the desk sees of jobs and people, in a few queries however many there are."""

from datetime import timedelta

import pytest
from sqlalchemy import event, text

from core import clock
from dispatch import assignments, board, sweep
from dispatch.board_queries import Board
from geo.fix import LonLat
from tests import factories


@pytest.fixture
def counted(engine):
    """How many statements ran."""
    seen = []

    def count(*args):
        seen.append(args[2])

    event.listen(engine, "before_cursor_execute", count)
    yield seen
    event.remove(engine, "before_cursor_execute", count)


def test_a_card_tells_of_the_job_its_question_and_its_clocks(session, sessions):
    asked = factories.surveyor(session)
    claim = factories.claim(session, place_text="东门", cause="collision")
    sweep.tick(sessions)
    card = board.task_card(session, factories.task_of(session, claim).id)
    assert card["report_no"] == claim.report_no
    assert (card["state"], card["place"], card["cause"], card["surveyor"]) == (
        "offered",
        "东门",
        "collision",
        None,
    )
    assert card["offer"]["surveyor"] == {"id": str(asked.id), "name": "李查勘"}
    assert card["offer"]["expires_at"].endswith("Z")
    assert (card["lon"], card["lat"]) == (factories.LON, factories.LAT)
    contact = card["clocks"][1]
    assert {
        "id",
        "kind",
        "start_at",
        "due_at",
        "stopped_at",
        "state",
        "predicted",
        "limit_s",
        "breached_at",
    } <= contact.keys()


def test_a_job_in_hand_names_its_holder_and_whether_he_is_at_work(session, sessions):
    held = factories.assignment(session)
    card = board.task_card(session, held.task_id)
    assert card["surveyor"] == {"id": str(held.surveyor_id), "name": "李查勘", "on_duty": True}
    session.execute(text("UPDATE surveyor SET on_duty = false"))
    assert board.task_card(session, held.task_id)["surveyor"]["on_duty"] is False


def test_a_hundred_cards_cost_as_many_queries_as_one(session, sessions, counted):
    factories.surveyor(session)
    for _ in range(12):
        factories.claim(session)
    counted.clear()
    assert len(board.board_cards(session, Board(scope="/"))) == 12
    many = len(counted)
    counted.clear()
    board.board_cards(session, Board(scope="/", limit=1))
    assert many == len(counted) <= 5


def test_two_hundred_surveyor_cards_are_two_queries(session, counted):
    for _ in range(5):
        factories.surveyor(session)
    session.commit()
    counted.clear()
    assert len(board.surveyors_board(session, "/")) == 5
    assert len(counted) == 2  # the time, the rows


@pytest.mark.parametrize(
    ("given", "state", "freshness"),
    [({}, "idle", "fresh"), ({"age_s": 200}, "idle", "amber"), ({"age_s": 400}, "stale", "stale"),
     ({"lon": None}, "stale", "never"), ({"on_duty": False}, "off", "fresh")],
)  # fmt: skip
def test_a_surveyors_state_is_honest_about_his_position(session, given, state, freshness):
    who = factories.surveyor(session, **given)
    card = board.surveyor_card(session, who.id)
    assert (card["state"], card["freshness"]) == (state, freshness)
    assert (card["position"] is None) == (state == "off" or freshness == "never")


def test_asked_and_busy_are_shown(session, sessions):
    offer = factories.offer(session)
    assert board.surveyor_card(session, offer.surveyor_id)["state"] == "offered"
    held = factories.assignment(session)
    card = board.surveyor_card(session, held.surveyor_id)
    assert (card["state"], card["open_jobs"], card["max_open"]) == ("busy", 1, 5)


def test_a_position_ages_by_the_databases_clock(session):
    who = factories.surveyor(session, age_s=0)
    now = clock.read(session)
    card = board.surveyor_card(session, who.id, now + timedelta(seconds=90))
    assert card["age_s"] == pytest.approx(90, abs=2)


def test_the_live_feed_loses_a_job_when_it_is_settled(session, sessions):
    seat = factories.actor(session, factories.person(session))
    claim = factories.claim(session, by=seat)
    task_id = factories.task_of(session, claim).id
    change = board.task_changes(session, [task_id])[0]
    assert (change.kind, change.key, change.org_path) == ("task", str(task_id), seat.org_path)
    assert change.card["id"] == str(task_id)
    assert [c.key for c in board.open_task_changes(session)] == [str(task_id)]
    assignments.withdraw(sessions, claim.id, "x", seat)
    session.expire_all()
    assert board.task_changes(session, [task_id])[0].card is None
    assert board.open_task_changes(session) == []


def test_the_board_is_narrowed_by_scope_state_and_text(session, sessions):
    factories.default_organisation(session)
    branch = factories.organisation(session)
    seat = factories.actor(session, factories.person(session, org=branch))
    here = factories.claim(session, by=seat, place_text="西门")
    there = factories.claim(session, place_text="东门")

    def ids(**given):
        return {card["claim_id"] for card in board.board_cards(session, Board(**({"scope": "/"} | given)))}

    assert ids() == {str(here.id), str(there.id)}
    assert ids(scope=branch.path) == {str(here.id)}
    assert ids(q="东门") == {str(there.id)}
    assert ids(states=("offered",)) == set()
    assert ids(line="agri") == set()


def test_people_are_found_by_box(session):
    inside = factories.surveyor(session)
    factories.surveyor(session, lon=factories.LON + 1)
    found = board.surveyors_board(session, "/", box=(116.0, 39.5, 117.0, 40.5))
    assert [card["id"] for card in found] == [str(inside.id)]
    assert found[0]["position"]["lon"] == LonLat(factories.LON, factories.LAT).lon
