"""The main job in short form: real trips as phones of three kinds against a whole running site, and nothing lost."""

import os
from itertools import pairwise
from pathlib import Path

import pytest

from bench import mainjob
from lab.recording import Script, read_trips, rosters
from tests import site as sites

TRIPS = Path(os.environ.get("CHAKAN_PORTO") or mainjob.TRIPS)
SHORT = Script(phones=14, trips=14, claims=10, factor=15, longest=12, patience_s=150)

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not TRIPS.exists(), reason=f"the recorded trips are not there: {TRIPS.name}"),
]


@pytest.fixture
def running(engine, redis, database_url, redis_url, tmp_path):
    """A whole site over the test's empty database."""
    site = sites.build(tmp_path, database_url, redis_url)
    try:
        for name in site.commands:
            site.start(name)
        site.wait(120)
        yield site
    finally:
        site.stop()


def test_no_fix_and_no_claim_is_lost_or_doubled(running, engine, capsys):
    outcome = mainjob.replay(running.url, engine, SHORT, TRIPS)
    mainjob.tell(outcome)
    fixes, claims = outcome.fixes, outcome.claims
    said = capsys.readouterr().out
    assert (fixes["lost"], fixes["doubled"], fixes["misplaced"]) == (0, 0, 0), said
    assert fixes["kept"] == fixes["true"] > 100, said
    assert min(fixes["repeats"], fixes["shuffled"], fixes["late"]) > 0, said
    # Every repeat of the network is refused as a double, and nothing else is; a retry may or may not have arrived.
    assert set(outcome.refused) <= {"duplicate"}, said
    assert fixes["repeats"] <= fixes["refused"] <= fixes["repeats"] + fixes["retried"], said
    assert (claims["reported"], claims["stored"], claims["lost"], claims["doubled"]) == (10, 10, 0, 0), said
    assert claims["two winners"] == 0, said
    assert claims["offered"] == claims["accepted"] == claims["contacted"] == 10, said
    assert len(outcome.waits_s) == 10, said


def test_phones_never_drive_two_trips_at_once():
    script = Script(phones=40, trips=200, claims=80, factor=10)
    trips = read_trips(TRIPS, script)
    assert sum(trip.reported for trip in trips) == 80
    for roster in rosters(trips, script):
        for (start, trip), (following, _) in pairwise(roster):
            assert following >= start + (len(trip.places) - 1) * 1.5 + 1


def test_time_is_not_pressed_harder_than_the_wire_formats_can_say():
    with pytest.raises(ValueError, match="factor"):
        Script(phones=1, trips=1, claims=1, factor=30)
