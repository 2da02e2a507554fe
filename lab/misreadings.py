"""A labelled set of fixes: real or made-up drives as phones tell them, with every fault phones are known for put in.

The drives are trips of a recording (a place every 15 s, WGS-84; Porto taxis of ECML/PKDD 2015) or drawn by `made_up`.
Every fix knows where the phone truly was, so what a filter does with it can be judged. The same seed gives the same set.
"""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import cos, hypot, pi, radians, sin
from pathlib import Path

import msgspec
import numpy as np

from geo.fix import Fix, LonLat, metres_between

STEP_S = 15
BEIJING = LonLat(116.40, 39.91)
METRES_A_DEGREE = 111_195.0
# Nearer than this a wrong fix changes no decision: it is what `arrive_within_m` takes for being there.
JUMP_M = 300.0
# A recorded trip with a leg or a bend beyond these holds a fault of its own and cannot serve as truth.
LONGEST_LEG_M, SHARPEST_M = 600.0, 500.0
ERROR_MEMORY_S = 45.0
# Background trackers and most phones tell a speed; some phones' pages do not.
TELLS_SPEED = 0.85
# A phone that says it drives and does not move can be seen through; one that says nothing cannot.
FROZEN_MPS = 3.0
BRAKING_MPSS = 1.5  # how a driver brakes for a light
# One fault about every so many fixes.
EVERY = 45
KINDS = (
    "multipath", "teleport", "cell", "boastful_cell", "frozen", "clock", "swapped", "null_island", "repeat",
)  # fmt: skip
# Those that put the phone somewhere else: the jumps of the goal.
DISPLACED = frozenset({"multipath", "teleport", "cell", "boastful_cell", "swapped", "null_island"})
DAY_S = 86_400
WEEKS_1024_S = 1024 * 7 * DAY_S  # a GPS week counter that rolled over


@dataclass(frozen=True)
class Told:
    """A fix as the server gets it, `received_at` included, and what is true of it. `fault` None: a good fix."""

    fix: Fix
    true: LonLat
    fault: str | None = None

    def off_m(self) -> float:
        """Metres between what was said and what is true."""
        return metres_between(self.fix.position(), self.true)

    def jump(self) -> bool:
        """Whether it would put somebody where he is not: far off, and without owning up to it."""
        return self.fault in DISPLACED and self.off_m() > JUMP_M


@dataclass(frozen=True)
class Drive:
    """One phone's day as it arrives, in order of arrival; on duty from `began` to `ended`."""

    phone: int
    began: datetime
    ended: datetime
    told: tuple[Told, ...]
    speed_told: bool


@dataclass(frozen=True)
class Trip:
    """A drive: a place every 15 s and, where it is known, the velocity there (east, north in m/s)."""

    places: tuple[LonLat, ...]
    velocities: tuple[tuple[float, float], ...] | None = None


@dataclass(frozen=True)
class _True:
    at: datetime
    place: LonLat
    speed_mps: float
    heading_deg: float


def recorded(path: Path, most: int = 10_000) -> list[Trip]:
    """Trips of a recording that are whole and free of faults of their own, in order of start."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: (int(row["TIMESTAMP"]), row["TRIP_ID"]))
    trips = [tuple(LonLat(*place) for place in json.loads(row["POLYLINE"])) for row in rows]
    return [Trip(trip) for trip in trips if len(trip) >= 12 and _sound(trip)][:most]


def _sound(trip: Sequence[LonLat]) -> bool:
    east = METRES_A_DEGREE * cos(radians(trip[0].lat))
    xy = np.array([(p.lon * east, p.lat * METRES_A_DEGREE) for p in trip])
    legs = np.diff(xy, axis=0)
    bends = np.diff(legs, axis=0)
    return bool(np.hypot(*legs.T).max() <= LONGEST_LEG_M and np.hypot(*bends.T).max() <= SHARPEST_M)


def made_up(seed: int, drives: int, length: int, start: LonLat = BEIJING) -> list[Trip]:
    """Drives on a rectangular town: streets, turns, red lights, a motorway now and then. For where no recording is."""
    rng = np.random.default_rng((seed, 7))
    return [_drive(rng, length, start) for _ in range(drives)]


def _drive(rng: np.random.Generator, length: int, start: LonLat) -> Trip:
    east = METRES_A_DEGREE * cos(radians(start.lat))
    x, y = rng.uniform(-4000, 4000, 2)
    heading = float(rng.integers(4)) * pi / 2
    cruise, speed, wait = float(rng.uniform(8, 15)), 0.0, 0
    places, velocities = [], []
    for second in range(length * STEP_S):
        if second % STEP_S == 0:
            places.append(LonLat(start.lon + x / east, start.lat + y / METRES_A_DEGREE))
            velocities.append((speed * sin(heading), speed * cos(heading)))
        if wait == 0 and rng.random() < 1 / 70:
            wait = int(rng.uniform(5, 60))  # a red light
        if wait and speed == 0:
            wait -= 1
            if wait == 0:
                heading += float(rng.choice([0, 0, pi / 2, -pi / 2]))
                cruise = float(rng.uniform(20, 33) if rng.random() < 0.03 else rng.uniform(7, 16))
        wanted = 0.0 if wait else cruise
        speed = min(speed + 1.8, wanted) if speed < wanted else max(speed - 2.2, wanted)
        x, y = x + speed * sin(heading), y + speed * cos(heading)
    return Trip(tuple(places), tuple(velocities))


def drives(trips: Sequence[Trip], seed: int, now: datetime) -> list[Drive]:
    """Each trip as one phone tells it, with stops before and after it, gaps, and faults; newest fix just before `now`."""
    return [_told(n, trip, np.random.default_rng((seed, n)), now) for n, trip in enumerate(trips)]


def _told(phone: int, trip: Trip, rng: np.random.Generator, now: datetime) -> Drive:
    before, after = int(rng.integers(8, 24)), int(rng.integers(8, 24))
    path = [*[trip.places[0]] * before, *trip.places, *[trip.places[-1]] * after]
    moves = _velocities(path, rng)
    if trip.velocities is not None:
        still = (0.0, 0.0)
        moves = [*[still] * before, *trip.velocities[:-1], *[still] * (after + 1)]
    began = now - timedelta(seconds=STEP_S * len(path) + 60)
    start = began + timedelta(seconds=30)
    truth = [
        _True(
            start + timedelta(seconds=STEP_S * n),
            place,
            hypot(*move),
            float(np.degrees(np.arctan2(*move))) % 360,
        )
        for n, (place, move) in enumerate(zip(path, moves, strict=True))
    ]
    speaks = bool(rng.random() < TELLS_SPEED)
    good = [Told(fix, at.place) for fix, at in zip(_fixes(truth, rng, speaks), truth, strict=True)]
    ended = good[-1].fix.received_at or good[-1].fix.fixed_at
    told = [*_with_faults(_with_tunnels(good, rng), rng), *_after(good[-1], int(rng.integers(0, 4)))]
    return Drive(phone, began, ended, tuple(told), speaks)


def _velocities(path: Sequence[LonLat], rng: np.random.Generator) -> list[tuple[float, float]]:
    """East and north in m/s at each place of a recording, which does not tell them: the mean of the legs around it."""
    legs = [metres_between(a, b) / STEP_S for a, b in pairwise(path)]
    found = []
    for n, place in enumerate(path):
        before, after = legs[max(0, n - 1)], legs[min(n, len(legs) - 1)]
        speed = (before + after) / 2
        if rng.random() < 0.15:
            # The moment of the fix is not the mean of the leg: a bend, a red light. But nobody brakes from 25 m/s to a stop
            # and is as fast again within two legs.
            speed = max(speed * float(rng.random()), max(before, after) - BRAKING_MPSS * STEP_S / 2)
        behind, ahead = path[max(0, n - 1)], path[min(n + 1, len(path) - 1)]
        angle = np.arctan2((ahead.lon - behind.lon) * cos(radians(place.lat)), ahead.lat - behind.lat)
        found.append((speed * float(sin(angle)), speed * float(cos(angle))))
    return found


def _fixes(truth: Sequence[_True], rng: np.random.Generator, speaks: bool) -> Iterator[Fix]:
    """Good readings: the error drifts and is of the size the phone says, also while it is parked."""
    x = y = 0.0
    blur = float(rng.uniform(4, 12))
    memory = float(np.exp(-STEP_S / ERROR_MEMORY_S))
    for n, at in enumerate(truth):
        if rng.random() < 0.04:
            # Into, or out of, a street of tall buildings; now and then indoors, by Wi-Fi, and honest about it.
            blur = float(rng.uniform(40, 140) if rng.random() < 0.15 else rng.uniform(4, 30))
        kick = blur * 0.7 * (1 - memory**2) ** 0.5
        x, y = memory * x + float(rng.normal(0, kick)), memory * y + float(rng.normal(0, kick))
        place = shifted(at.place, x, y)
        moving = at.speed_mps > 1
        says = speaks and rng.random() >= (
            0.003 if moving else 0.3
        )  # standing still, many phones say nothing
        yield Fix(
            fixed_at=at.at,
            received_at=at.at + timedelta(seconds=float(rng.uniform(0.3, 3))),
            lon=place.lon,
            lat=place.lat,
            accuracy_m=round(blur, 1),
            speed_mps=round(max(0.0, at.speed_mps + float(rng.normal(0, 0.4))), 2) if says else None,
            heading_deg=round(at.heading_deg, 1) if says and moving else None,
            source="traccar" if speaks else "phone",
            seq=n,
        )


def shifted(place: LonLat, east_m: float, north_m: float) -> LonLat:
    """A place so many metres away."""
    return LonLat(
        place.lon + east_m / (METRES_A_DEGREE * max(0.01, cos(radians(place.lat)))),
        place.lat + north_m / METRES_A_DEGREE,
    )


def _with_tunnels(good: list[Told], rng: np.random.Generator) -> list[Told]:
    """Silences of half a minute to four minutes; the fix after one is far away and good."""
    kept, quiet = [], 0
    for one in good:
        if quiet == 0 and rng.random() < 1 / 200:
            quiet = int(rng.integers(2, 17))
        if quiet:
            quiet -= 1
        else:
            kept.append(one)
    return kept


def _after(last: Told, count: int) -> Iterator[Told]:
    """The tracker goes on after the shift: nobody asked it to stop."""
    for n in range(1, count + 1):
        later = timedelta(seconds=STEP_S * n)
        at, received = last.fix.fixed_at + later, (last.fix.received_at or last.fix.fixed_at) + later
        yield Told(
            msgspec.structs.replace(last.fix, fixed_at=at, received_at=received), last.true, "off_duty"
        )


def _with_faults(good: list[Told], rng: np.random.Generator) -> Iterator[Told]:
    n, sound = 0, True
    while n < len(good):
        # The first fixes of a shift stay good: the set judges a filter that knows somebody, the start has its own tests.
        if n < 4 or rng.random() >= 1 / EVERY:
            yield good[n]
            n, sound = n + 1, True
            continue
        kind = str(rng.choice(KINDS))
        if kind == "frozen" and (good[n - 1].fix.speed_mps or 0) < FROZEN_MPS:
            kind = "frozen_mute"
        struck = list(_fault(kind, good, n, rng))
        if kind == "repeat" and not sound:
            struck = []
        yield from struck
        sound = not struck
        n += 0 if kind == "repeat" else len(struck)


def _fault(kind: str, good: list[Told], n: int, rng: np.random.Generator) -> Iterator[Told]:
    run = {
        "multipath": (1, 5),
        "cell": (2, 13),
        "boastful_cell": (1, 7),
        "frozen": (3, 20),
        "frozen_mute": (3, 20),
        "swapped": (1, 6),
    }
    length = min(int(rng.integers(*run.get(kind, (1, 2)))), len(good) - n)
    angle = float(rng.uniform(0, 2 * pi))
    far = _distance(kind, rng)
    east, north = far * sin(angle), far * cos(angle)
    tower = shifted(good[n].true, east, north)
    for one in good[n : n + length]:
        yield Told(_spoilt(kind, one, good[n - 1].fix, tower, (east, north), rng), one.true, kind)


def _distance(kind: str, rng: np.random.Generator) -> float:
    if kind == "multipath":
        return float(np.clip(rng.lognormal(np.log(350), 0.6), 120, 2000))
    if kind == "teleport":
        return float(np.exp(rng.uniform(np.log(5_000), np.log(3_000_000))))
    return float(rng.uniform(400, 3000))


def _spoilt(
    kind: str,
    one: Told,
    before: Fix,
    tower: LonLat,
    off: tuple[float, float],
    rng: np.random.Generator,
) -> Fix:
    fix, change = one.fix, msgspec.structs.replace
    match kind:
        case "multipath":
            lon, lat = shifted(one.true, off[0] + float(rng.normal(0, 20)), off[1] + float(rng.normal(0, 20)))
            return change(fix, lon=lon, lat=lat, accuracy_m=round(float(rng.uniform(8, 50)), 1))
        case "teleport":
            lon, lat = shifted(one.true, off[0], float(np.clip(off[1], -2e6, 2e6)))
            return change(fix, lon=(lon + 180) % 360 - 180, lat=float(np.clip(lat, -89, 89)))
        case "cell":
            size = round(max(250.0, hypot(*off) * float(rng.uniform(0.8, 1.6))), 1)
            return change(
                fix, lon=tower.lon, lat=tower.lat, accuracy_m=size, speed_mps=None, heading_deg=None
            )
        case "boastful_cell":
            size = round(float(rng.uniform(20, 120)), 1)
            return change(
                fix, lon=tower.lon, lat=tower.lat, accuracy_m=size, speed_mps=None, heading_deg=None
            )
        case "frozen" | "frozen_mute":  # the last reading once more, with a new time
            return change(before, fixed_at=fix.fixed_at, received_at=fix.received_at, seq=fix.seq)
        case "clock":
            wrong_s = float(rng.choice([8 * 3600, -8 * 3600, DAY_S, -WEEKS_1024_S, 90]))
            return change(fix, fixed_at=fix.fixed_at + timedelta(seconds=wrong_s))
        case "swapped":
            return change(fix, lon=fix.lat, lat=fix.lon)
        case "null_island":
            return change(fix, lon=0.0, lat=float(rng.choice([0.0, fix.lat])))
        case _:  # a repeat
            return change(before, received_at=fix.received_at)


def moment() -> datetime:
    """The moment the set ends at: fixed, so that the set is the same on every day."""
    return datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
