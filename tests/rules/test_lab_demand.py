"""Loss reports of a day: as many as asked for, at believable hours and places, about nobody real."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from claims import intake
from geo.fix import metres_between
from lab import causes
from lab.citymap import CLASS_NO, City
from lab.demand import Demand, LossReport

MIDNIGHT = datetime(2026, 11, 21, 16, 0, tzinfo=UTC)  # midnight in the city
WORDS_OF_THE_SCREENS = {
    "collision", "scratch", "parked_hit", "rear_end", "rollover", "fire", "flood", "hail", "storm", "theft", "glass",
    "falling_object", "vandalism", "water",
}  # fmt: skip


@pytest.fixture(scope="module")
def day(city: City) -> list[LossReport]:
    """One day with a report every 30 s on average."""
    return list(Demand(city, 3, mean_interval_s=30).between(MIDNIGHT, MIDNIGHT + timedelta(days=1)))


def test_the_mean_rate_is_the_one_asked_for(day):
    assert len(day) == pytest.approx(2_880, rel=0.06)
    times = [r.reported_at for r in day]
    assert times == sorted(times)
    assert times[0] > MIDNIGHT and times[-1] < MIDNIGHT + timedelta(days=1)


def test_rush_hours_are_busy_and_the_night_is_quiet(day):
    hours = Counter((r.reported_at + timedelta(hours=8)).hour for r in day)
    assert min(hours[8], hours[18]) > 5 * max(hours[h] for h in (2, 3, 4))
    assert hours[8] > hours[12] and hours[18] > hours[14]


def test_the_curve_can_be_switched_off(city):
    flat = Demand(city, 3, mean_interval_s=20, by_hour=False)
    night = list(flat.between(MIDNIGHT + timedelta(hours=3), MIDNIGHT + timedelta(hours=4)))
    assert len(night) == pytest.approx(180, rel=0.25)


def test_the_same_seed_tells_the_same_day(city):
    first, again, other = (Demand(city, seed).next_report(MIDNIGHT) for seed in (5, 5, 6))
    assert first == again != other


def test_losses_lie_on_roads_inside_the_city(city, day):
    for report in day[:300]:
        near = city.at(report.node)
        assert metres_between(report.position, near) < 1_600
        assert city.bbox.west <= report.position.lon <= city.bbox.east
        assert report.loss_at < report.reported_at < report.call_ended_at


def test_collisions_happen_on_main_roads_and_parked_cars_stand_in_streets(city):
    demand = Demand(city, 9)
    main = [demand._spot("main")[0] for _ in range(400)]
    street = [demand._spot("street")[0] for _ in range(400)]
    big = CLASS_NO["secondary"]
    assert np.mean(city.road_class[main] <= big) > 0.6 > 0.4 > np.mean(city.road_class[street] <= big)


def test_places_are_told_as_callers_tell_them(day):
    junctions = [r for r in day if "路口" in r.place or "交叉口" in r.place]
    assert len(junctions) > 0.4 * len(day)
    assert all(r.place and r.place_en and r.place_en.isascii() for r in day)


def test_mostly_motor_some_property_some_crops(day):
    lines = Counter(r.line for r in day)
    assert lines["motor"] > 0.88 * len(day)
    assert lines["property"] > 0.02 * len(day) and lines["agri"] > 0.005 * len(day)
    assert {r.cause for r in day} <= WORDS_OF_THE_SCREENS
    assert {kind.cause for kind in causes.KINDS} <= WORDS_OF_THE_SCREENS


def test_nobody_in_it_is_real(day):
    for report in day:
        assert report.phone.startswith("1380013") and len(report.phone) == 11
        assert report.reporter_name == "报案人" or report.reporter_name[1:] in ("先生", "女士")
        for plate in filter(None, (report.plate, report.third_plate)):
            assert plate.startswith("豫X")
        assert report.policy_no.startswith("DEMO")


def test_plates_numbers_and_phones_pass_our_own_intake_without_a_mark(day):
    for report in day:
        if report.line == "motor":
            assert report.plate is not None and report.vin is not None
            assert intake.plate(report.plate).marks == ()
            assert intake.vin(report.vin).marks == ()
        assert intake.phone(report.phone).marks == ()


def test_some_are_hurt_and_some_cars_cannot_move(day):
    motor = [r for r in day if r.line == "motor"]
    assert 0.01 < np.mean([r.injured > 0 for r in motor]) < 0.12
    assert 0.7 < np.mean([r.movable for r in motor]) < 0.97


def test_a_report_becomes_the_body_of_post_claims(day):
    body = day[0].body()
    assert set(body) == {
        "reported_at",
        "call_ended_at",
        "reporter",
        "loss",
        "line",
        "policy_no",
        "items",
        "needs",
        "note",
    }
    assert body["reported_at"].endswith("Z")
    assert datetime.fromisoformat(body["reported_at"]) == pytest.approx(
        day[0].reported_at, abs=timedelta(milliseconds=1)
    )
    assert set(body["loss"]["position"]) == {"lon", "lat"}
    assert all(
        item["kind"] in ("own_vehicle", "third_vehicle", "property", "field")
        for r in day
        for item in r.items()
    )
