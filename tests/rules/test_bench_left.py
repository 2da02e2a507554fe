"""What `bench eta` says no model could take away: right on drives whose noise is known."""

from datetime import UTC, datetime

import numpy as np
import pytest

from bench import left
from bench.trips import Driven, Trip
from geo.fix import LonLat
from geo.roads import learning
from geo.roads.learning import Journey
from geo.roads.mapmatch import Matcher
from geo.roads.network import METRES_PER_DEGREE
from geo.roads.speeds import Speeds
from tests.squares import ROADS, driven, free, staircase

NOON = datetime(2026, 3, 9, 12, tzinfo=UTC).timestamp()


def journey(east_m: float, began_s: float, took_s: float) -> Journey:
    start = LonLat(121.0 + east_m / METRES_PER_DEGREE / np.cos(np.radians(31.0)), 31.0)
    return Journey(start, LonLat(start.lon, 31.05), began_s, took_s, 5_560.0, 6_000.0)


def test_two_drives_of_one_way_tell_the_noise_of_one():
    random = np.random.default_rng(1)
    # Forty ways a kilometre apart, each driven ten times within two hours, each drive off by its own 20 %.
    noise = random.lognormal(0.0, 0.2, 400)
    found = [journey(1_000.0 * (i % 40), NOON + 60.0 * (i % 10), 600.0 * noise[i]) for i in range(400)]
    said = np.full(400, 600.0)
    seen = left.left(found, said, said)
    assert seen.pairs == 40 * 45
    alone = float(np.median(np.abs(600.0 / (600.0 * noise) - 1.0)))
    assert seen.same == pytest.approx(alone, rel=0.12)
    assert {name: count for name, count, *_ in seen.parts} == {"4–6 km": 400, "12:00 UTC": 400}


def test_drives_hours_or_a_block_apart_are_not_one_way():
    found = [journey(0.0, NOON, 600.0), journey(0.0, NOON + 3 * 3600, 900.0), journey(400.0, NOON, 900.0)]
    assert left.left(found, np.full(3, 600.0), np.full(3, 600.0)).pairs == 0


def test_along_the_roads_driven_the_true_speeds_are_right():
    at, lon, lat, _ = driven(staircase(14), 7.0, lambda edge: 2 * free(edge))
    steps = Matcher(ROADS.network, ROADS.grid).match(at, lon, lat)
    whole = learning.journeys(at, lon, lat)
    trip = Driven(Trip("one", 0, at, lon, lat), steps, whole)
    said = left.along(Speeds(2.0, 30.0, {}, {}), ROADS, [trip])
    assert said == pytest.approx([whole[0].took_s + 30.0], rel=0.04)
