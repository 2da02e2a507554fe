"""Who may be asked now, through the door."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests import factories

LON, LAT = factories.LON, factories.LAT


def ids(answer: Any) -> list[int]:
    assert answer.status_code == 200
    return [int(item["surveyor"]["id"]) for item in answer.json["items"]]


def test_the_able_come_nearest_first_and_nobody_else(session: Session, as_: Any) -> None:
    far = factories.surveyor(session, lat=LAT + 0.02)
    near = factories.surveyor(session, lat=LAT + 0.01)
    factories.surveyor(session, on_duty=False)
    factories.surveyor(session, age_s=900)
    factories.surveyor(session, skills=("agri",))
    factories.surveyor(session, max_open=0)
    asked = factories.surveyor(session)
    gone = factories.surveyor(session)
    session.execute(text("UPDATE person SET disabled_at = now() WHERE id = :id"), {"id": gone.id})
    session.commit()
    factories.offer(session, to=asked)
    answer = as_("dispatcher").get(f"/nearest/able?lon={LON}&lat={LAT}&needs=motor")
    assert ids(answer) == [near.id, far.id]
    assert answer.json["items"][0]["distance_m"] == pytest.approx(1112, abs=8)
    assert ids(as_("seat").get(f"/nearest/able?lon={LON}&lat={LAT}&needs=motor&limit=1")) == [near.id]


def test_a_branch_sees_its_own(session: Session, as_: Any) -> None:
    root = factories.default_organisation(session)
    mine, theirs = (factories.organisation(session, parent=root, kind="branch") for _ in range(2))
    own = factories.surveyor(session, org=mine)
    factories.surveyor(session, org=theirs)
    session.commit()
    assert ids(as_("dispatcher", org=mine).get(f"/nearest/able?lon={LON}&lat={LAT}")) == [own.id]


def test_the_walk_goes_on_until_enough_are_found(session: Session, as_: Any) -> None:
    for _ in range(4):
        factories.surveyor(session, on_duty=False)
    found = factories.surveyor(session, lat=LAT + 0.05)
    session.commit()
    assert ids(as_("dispatcher").get(f"/nearest/able?lon={LON}&lat={LAT}&limit=1")) == [found.id]


def test_a_surveyor_and_a_stranger_may_not_ask(session: Session, as_: Any, stranger: Any) -> None:
    assert as_("surveyor").get(f"/nearest/able?lon={LON}&lat={LAT}").status_code == 403
    assert stranger.get(f"/nearest/able?lon={LON}&lat={LAT}").status_code == 401
