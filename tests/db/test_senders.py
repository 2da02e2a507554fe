"""Whose a secret is, of many strangers at once: one question for all who come together, and nobody let in who may not send."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.orm import Session

from api.senders import Senders, Signed, key_of
from api.short_ways import TOKEN, TRACKER, Elsewhere
from core.database import Sessions
from tests import factories


@pytest.fixture
def senders(sessions: Sessions) -> Iterator[Senders]:
    senders = Senders(sessions)
    yield senders
    senders.stop()


@pytest.fixture
def asked(engine: Engine) -> Iterator[list[str]]:
    """The questions asked of the tokens, as they come."""
    questions: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if "FROM token" in statement:
            questions.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield questions
    event.remove(engine, "before_cursor_execute", note)


def phone(session: Session) -> tuple[Any, Any, str]:
    """A surveyor, his device, its token."""
    who = factories.surveyor(session)
    device, secret = factories.device(session, who)[:2]
    session.commit()
    return who, device, secret


def test_strangers_who_come_together_share_one_question(
    session: Session, senders: Senders, asked: list[str]
) -> None:
    phones = [phone(session) for _ in range(5)]
    holding, done, found = threading.Event(), threading.Event(), list[Signed | None]()

    def hold(signed: Signed | None) -> None:
        found.append(signed)
        assert holding.wait(10)

    def tell(signed: Signed | None) -> None:
        found.append(signed)
        if len(found) == 5:
            done.set()

    for number, (_, _, secret) in enumerate(phones):
        senders.find_later(key_of(TOKEN, secret), hold if number == 0 else tell)
        if number == 0:
            while senders.strangers:
                pass
    holding.set()
    assert done.wait(10)
    assert [(one.surveyor_id, one.device_id) for one in found if one] == [
        (who.id, device.id) for who, device, _ in phones
    ]
    assert len(asked) == 2
    assert senders.find(key_of(TOKEN, phones[3][2])) == found[3]
    assert len(asked) == 2  # known now


@pytest.mark.parametrize(
    "ended",
    [
        "UPDATE device SET revoked_at = now()",
        "UPDATE token SET revoked_at = now()",
        "UPDATE token SET expires_at = now() - interval '1 s'",
        "UPDATE token SET kind = 'api'",
        "UPDATE person SET disabled_at = now()",
        "UPDATE person SET roles = '{seat}'",
    ],
)
def test_who_may_not_send_is_nobody_here(session: Session, senders: Senders, ended: str) -> None:
    _, _, secret = phone(session)
    session.execute(text(ended))
    session.commit()
    with pytest.raises(Elsewhere):
        senders.find(key_of(TOKEN, secret))


def test_a_tracker_is_known_by_its_id_and_not_by_a_token_of_the_same_words(
    session: Session, senders: Senders
) -> None:
    who, device, secret = phone(session)
    session.execute(text("UPDATE device SET tracker_sha256 = sha256('van-7')"))
    session.commit()
    assert senders.find(key_of(TRACKER, "van-7"))[:2] == (who.id, device.id)
    for kind, word in ((TOKEN, "van-7"), (TRACKER, secret), (TRACKER, "van-8")):
        with pytest.raises(Elsewhere):
            senders.find(key_of(kind, word))


def test_a_stranger_while_the_database_is_away_is_left_to_flask(senders: Senders, engine: Engine) -> None:
    told, done = [], threading.Event()

    def away(*given: Any) -> None:
        raise ConnectionError

    event.listen(engine, "before_cursor_execute", away)
    try:
        senders.find_later(key_of(TOKEN, "x"), lambda signed: (told.append(signed), done.set()))  # type: ignore[func-returns-value, arg-type]
        assert done.wait(10)
    finally:
        event.remove(engine, "before_cursor_execute", away)
    assert told == [None]


def test_who_spoke_or_was_paired_lately_is_no_stranger_and_the_latest_go_first(
    session: Session, sessions: Sessions, asked: list[str]
) -> None:
    spoke, paired, old, revoked = (phone(session) for _ in range(4))
    session.execute(
        text("UPDATE device SET paired_at = now() - interval '30 d' WHERE id = ANY(:ids)"),
        {"ids": [device.id for _, device, _ in (spoke, old)]},
    )
    session.execute(
        text("UPDATE device SET seen_at = now() + interval '1 min' WHERE id = :id"), {"id": spoke[1].id}
    )
    session.execute(text("UPDATE device SET revoked_at = now() WHERE id = :id"), {"id": revoked[1].id})
    session.execute(
        text("UPDATE device SET tracker_sha256 = sha256('van-9') WHERE id = :id"), {"id": spoke[1].id}
    )
    session.commit()
    senders = Senders(sessions)
    senders.look_ahead().join(10)
    met = [senders.known.get(key_of(TOKEN, secret)) for _, _, secret in (spoke, paired, old, revoked)]
    assert [one and one[:2] for one in met] == [
        (spoke[0].id, spoke[1].id), (paired[0].id, paired[1].id), None, None,
    ]  # fmt: skip
    assert senders.known[key_of(TRACKER, "van-9")] == met[0]
    asked.clear()
    assert senders.find(key_of(TOKEN, spoke[2])) == met[0] and not asked

    few = Senders(sessions, most=4)  # room for four secrets: one device ahead, with its two
    few.look_ahead().join(10)
    assert len(few.known) == 2 and few.known[key_of(TOKEN, spoke[2])] == met[0]


def test_looking_ahead_without_a_database_hurts_nobody(senders: Senders, engine: Engine) -> None:
    def away(*given: Any) -> None:
        raise ConnectionError

    event.listen(engine, "before_cursor_execute", away)
    try:
        senders.look_ahead().join(10)
    finally:
        event.remove(engine, "before_cursor_execute", away)
    assert not senders.known
