"""Real drives to judge drive times by: the Porto taxi trips (ECML/PKDD 2015, CC BY 4.0), one fix every 15 s.

Taxis are dealt into folds by their number, so that nobody is ever judged by what was learned from himself."""

import csv
import json
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from geo.roads import learning
from geo.roads.learning import Journey
from geo.roads.mapmatch import Matcher, Steps
from geo.roads.network import Floats

ROOT = Path(__file__).parent.parent
SHARED = Path(os.environ.get("CHAKAN_SHARED") or ROOT.parent / "shared")
EXTRACT = SHARED / "data" / "porto" / "porto.osm.pbf"
TRIPS = SHARED / "data" / "porto" / "trips_train.csv"
EVERY_S = 15.0
FOLDS = 5


@dataclass(frozen=True)
class Trip:
    """One recorded trip, WGS-84, Unix seconds."""

    taxi: str
    fold: int
    at_s: Floats
    lon: Floats
    lat: Floats


@dataclass(frozen=True)
class Driven:
    """A trip with the roads it was matched to and the journeys in it."""

    trip: Trip
    steps: Steps
    journeys: list[Journey]


def read(file: Path = TRIPS) -> list[Trip]:
    """The trips of a file in their order; those of fewer than four fixes are left out."""
    found = []
    with file.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            points = np.array(json.loads(row["POLYLINE"]), dtype=np.float64).reshape(-1, 2)
            if len(points) >= 4:
                at_s = np.asarray(
                    float(row["TIMESTAMP"]) + EVERY_S * np.arange(len(points)), dtype=np.float64
                )
                taxi = row["TAXI_ID"]
                fold = zlib.crc32(taxi.encode()) % FOLDS
                found.append(Trip(taxi, fold, at_s, points[:, 0].copy(), points[:, 1].copy()))
    return found


def match(matcher: Matcher, trips: list[Trip]) -> list[Driven]:
    """Each trip on the roads."""
    return [
        Driven(t, matcher.match(t.at_s, t.lon, t.lat), learning.journeys(t.at_s, t.lon, t.lat)) for t in trips
    ]
