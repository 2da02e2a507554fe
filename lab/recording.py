"""What the main job replays: recorded trips dealt out to phones, and the organisation whose people carry them."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zlib import crc32

from sqlalchemy.orm import Session

from core import clock
from core.database import Sessions
from geo.fix import LonLat, metres_between
from lab import seed
from lab.phones import rfc3339
from staff import organisations, rules, service, shifts, tokens
from staff.models import Organisation, Surveyor

STEP_S = 15  # between two fixes of the recording
# OwnTracks and two forms of Traccar speak in whole seconds: pressed harder than this, two fixes would fall into one.
MOST_FACTOR = 15
DRIVE_MPS = 15.0  # from the end of a trip to the start of the next, which nobody recorded


@dataclass(frozen=True)
class Script:
    """How much is replayed; `longest` leaves out trips with more fixes than that."""

    phones: int
    trips: int
    claims: int
    factor: float
    longest: int = 10_000
    patience_s: float = 900.0

    def __post_init__(self) -> None:
        if not 1 <= self.factor <= MOST_FACTOR:
            raise ValueError(f"the factor must lie between 1 and {MOST_FACTOR}")


@dataclass(frozen=True)
class Trip:
    """A recorded trip: a place every fifteen seconds. `reported`: a loss is reported at its end."""

    number: str
    places: tuple[LonLat, ...]
    reported: bool = False


@dataclass(frozen=True)
class Cast:
    """The secrets of those who act."""

    seat: str
    dispatcher: str
    devices: tuple[dict[str, Any], ...]


def read_trips(path: Path, script: Script) -> list[Trip]:
    """The first trips of the recording that fit, by start; losses spread evenly over those long enough to end somewhere."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: (int(row["TIMESTAMP"]), row["TRIP_ID"]))
    found = [(row["TRIP_ID"], tuple(LonLat(*place) for place in json.loads(row["POLYLINE"]))) for row in rows]
    chosen = [(number, places) for number, places in found if 2 <= len(places) <= script.longest][
        : script.trips
    ]
    if len(chosen) < max(script.phones, script.claims):
        raise ValueError(f"{path.name} holds {len(chosen)} trips that fit: too few for {script}")
    n, of = script.claims, len(chosen)
    return [
        Trip(number, places, i * n // of != (i + 1) * n // of) for i, (number, places) in enumerate(chosen)
    ]


def rosters(trips: Sequence[Trip], script: Script) -> list[list[tuple[float, Trip]]]:
    """Each phone's trips with the second of the replay each one starts at.

    A trip goes to the phone that ends nearest to its start among the ten that are free soonest; whole seconds keep the
    clocks of the trackers apart.
    """
    step_s = STEP_S / script.factor
    chains: list[list[tuple[float, Trip]]] = [
        [(float(n % 4), trip)] for n, trip in enumerate(trips[: script.phones])
    ]

    def free_at(chain: list[tuple[float, Trip]]) -> float:
        return chain[-1][0] + len(chain[-1][1].places) * step_s

    for trip in trips[script.phones :]:
        soonest = sorted(chains, key=free_at)[:10]
        chain = min(soonest, key=lambda c: metres_between(c[-1][1].places[-1], trip.places[0]))
        away_m = metres_between(chain[-1][1].places[-1], trip.places[0])
        chain.append((float(int(free_at(chain) + away_m / DRIVE_MPS / script.factor) + 3), trip))
    return chains


def cast(sessions: Sessions, script: Script) -> Cast:
    """An organisation whose clocks run as fast as the replay, a seat, a dispatcher, and a paired phone for each surveyor."""
    with sessions.begin() as session:
        now = clock.read(session)
        head = organisations.add(session, None, "head", "REPLAY", "回放总公司")
        for key, value in pressed(script.factor).items():
            rules.change(session, head.id, key, value, by=0)
        devices = []
        for number in range(script.phones):
            new = service.NewPerson(
                username=f"phone{number:03d}",
                name=f"查勘{number:03d}",
                roles=("surveyor",),
                skills=("motor",),
            )
            person = service.add_person(session, head, new, by=None, now=now)
            shifts.set_duty(session, person.id, True, now=now - timedelta(hours=1))
            devices.append(seed.phone(session, session.get_one(Surveyor, person.id), now, simulated=True))
        return Cast(
            signed(session, head, "seat", now), signed(session, head, "dispatcher", now), tuple(devices)
        )


def pressed(factor: float) -> dict[str, int]:
    """The organisation's rules by key: windows shortened as time is, within the bounds each rule allows."""
    return {
        "fix_speed_mps": min(350, round(50 * factor)),
        "offer_ttl_s": max(10, round(90 / factor)),
        "dispatch_limit_min": max(1, round(5 / factor)),
        "contact_limit_min": max(1, round(10 / factor)),
        "contact_warn_1_min": max(1, round(6 / factor)),
        "contact_warn_2_min": max(1, round(8 / factor)),
    }


def signed(session: Session, head: Organisation, role: str, now: datetime) -> str:
    """An API token of a new person with that role."""
    new = service.NewPerson(username=f"replay-{role}", name="回放", roles=(role,))
    person = service.add_person(session, head, new, by=None, now=now)
    return tokens.issue(session, "api", person.id, now=now, life=timedelta(days=1), label="replay")[1]


def report_of(trip: Trip) -> dict[str, Any]:
    """The report of a loss where the trip ended; the caller is invented, the place is real."""
    now, place = datetime.now(UTC), trip.places[-1]
    return {
        "reported_at": rfc3339(now - timedelta(seconds=1)),
        "call_ended_at": rfc3339(now),
        "reporter": {"name": "回放报案人", "phone": f"138{crc32(trip.number.encode()) % 10**8:08d}"},
        "loss": {"position": {"lon": place.lon, "lat": place.lat}, "place": "行程终点", "cause": "collision"},
        "line": "motor",
        "external_no": trip.number,
    }
