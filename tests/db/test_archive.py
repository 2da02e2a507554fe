"""What the desk asks all day reads a few pages however many settled claims there are; a search finds the oldest of them."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import event, text

from bench import archive
from claims import duplicates, finding
from claims import queries as claims
from geo.fix import LonLat
from media import queries as media
from tests import factories

MANY, PAGES = 3_000, 200
ALIKE = {"duplicate_window_h": 72, "duplicate_near_m": 20_000, "duplicate_near_min": 120}
PLACE = (factories.LON, factories.LAT, 0.2)


@pytest.fixture
def laid(session, engine, monkeypatch):
    """Settled claims, far more than are looked through before the index of words is asked."""
    monkeypatch.setattr(finding, "LOOKED_THROUGH", 50)
    factories.surveyor(session)
    session.commit()
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        archive.lay(connection, MANY, 3.0, datetime(2026, 11, 22, 8, tzinfo=UTC), PLACE, lambda done: None)
    return session


def pages(session, ask):
    """The pages that all statements of a question read, found or not in memory, and its answer."""
    heard = []
    connection = session.connection()

    def hear(conn, cursor, statement, parameters, context, many):
        heard.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", hear)
    try:
        answer = ask()
    finally:
        event.remove(connection, "before_cursor_execute", hear)
    read = 0
    for statement, parameters in heard:
        with connection.connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", parameters)
            plan = cursor.fetchone()[0][0]["Plan"]
            read += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    return read, answer


def test_an_answer_without_a_line_reads_few_pages(laid):
    # All of them happened that near within the days that are looked at, none about then.
    trait = duplicates.Trait(
        (), "13800000000", LonLat(factories.LON, factories.LAT), datetime(2026, 11, 22, 12, tzinfo=UTC)
    )
    asked = {
        "review queue": lambda: media.review_queue(laid, "/", 100),
        "alarms": lambda: claims.escalations(laid, "/"),
        "broken limits": lambda: finding.claims(laid, finding.Wanted("/", breached=True)),
        "search for what nobody has": lambda: finding.claims(laid, finding.Wanted("/", q="nothinglikeit")),
        "reports of the same accident": lambda: duplicates.find(laid, "/", ALIKE, trait),
    }
    for name, ask in asked.items():
        read, answer = pages(laid, ask)
        assert (list(answer), read < PAGES) == ([], True), (name, read)
    everything, _ = pages(laid, lambda: laid.execute(text("SELECT count(*) FROM photo")).scalar_one())
    assert everything > PAGES  # or the limit would say nothing


def test_the_oldest_claim_is_found_by_any_part_of_what_is_written_in_it(laid):
    who = archive.someone(1)
    first = archive.BASE + 1
    for word in ("OLD1", "pl1", who.phone[2:], who.plate, who.plate[1:].lower(), "CKX1"):
        found = []
        while rows := finding.claims(
            laid, finding.Wanted("/", q=word, after=found[-1] if found else 0, limit=500)
        ):
            found += [row.id for row in rows]
        assert found[-1] == first, word
        assert found == sorted(set(found), reverse=True), word
    # A word of many claims is answered from the newest.
    read, found = pages(laid, lambda: finding.claims(laid, finding.Wanted("/", q="人民路", limit=5)))
    assert [row.id for row in found] == [archive.BASE + MANY - n for n in range(5)]
    assert read < PAGES
