"""Loss reports as they come in over a day: when, where, what, and what the caller says. All of it invented."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from claims.intake import VIN_VALUES, VIN_WEIGHTS
from geo.fix import LonLat
from lab import causes
from lab.citymap import CLASS_NO, CLASSES, City, Name

# A letter after the province that no real city uses, so that no real car is meant.
PLATE_PREFIX = "豫X"
DEMO_POLICY = (
    "DEMO"  # the simulated adjuster settles what begins so, and leaves everything else to the visitor
)
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
LETTERS_OF_VIN = "ABCDEFGHJKLMNPRSTUVWXYZ123456789"
# Collisions happen where the traffic is: relative weight of a metre of road, by class.
WHERE = {
    where: dict(zip(CLASSES, weights, strict=True))
    for where, weights in (
        ("main", (1.5, 1.0, 4.0, 4.0, 2.4, 1.0, 0.25)),
        ("street", (0.0, 0.0, 0.0, 0.3, 0.7, 1.0, 1.6)),
        ("any", (0.4, 0.2, 1.5, 2.0, 1.6, 1.0, 0.7)),
        ("field", (0.0, 0.0, 0.0, 0.0, 0.4, 1.0, 1.0)),
    )
}
BUSY = {"urban": 1.0, "suburb": 0.55, "remote": 0.16}


@dataclass(frozen=True)
class LossReport:
    """A telephone call about a loss, before anybody has typed it in."""

    reported_at: datetime
    call_ended_at: datetime
    loss_at: datetime
    position: LonLat
    node: int
    place: str
    place_en: str
    line: str
    cause: str
    reporter_name: str
    relation: str
    phone: str
    plate: str | None
    vin: str | None
    third_plate: str | None
    injured: int
    movable: bool
    scene_left: bool
    policy_no: str
    note: str

    def body(self) -> dict[str, Any]:
        """The report as `POST /claims` takes it."""
        return {
            "reported_at": _rfc3339(self.reported_at), "call_ended_at": _rfc3339(self.call_ended_at),
            "reporter": {"name": self.reporter_name, "phone": self.phone, "relation": self.relation},
            "loss": {
                "at": _rfc3339(self.loss_at), "place": self.place, "cause": self.cause, "injured": self.injured,
                "position": {"lon": round(self.position.lon, 6), "lat": round(self.position.lat, 6)},
                "movable": self.movable, "scene_left": self.scene_left,
            },
            "line": self.line, "policy_no": self.policy_no, "items": self.items(), "needs": [self.line],
            "note": self.note,
        }  # fmt: skip

    def items(self) -> list[dict[str, Any]]:
        """The things concerned, as `POST /claims` takes them."""
        if self.line != "motor":
            kind = "field" if self.line == "agri" else "property"
            return [{"kind": kind, "description": self.note}]
        own = [{"kind": "own_vehicle", "plate": self.plate, "vin": self.vin}]
        return own + ([{"kind": "third_vehicle", "plate": self.third_plate}] if self.third_plate else [])


class Demand:
    """Where and when losses happen in a city. Draws are in order: the same seed and calls give the same reports."""

    def __init__(self, city: City, seed: int, *, mean_interval_s: float = 20.0, by_hour: bool = True) -> None:
        """`mean_interval_s` is the day's average between reports; `by_hour` follows the hours of the day."""
        self.city = city
        self.mean_interval_s = mean_interval_s
        self.by_hour = by_hour
        self._rng = np.random.default_rng((seed, 17))
        self._hours = np.array(causes.HOURS) / np.mean(causes.HOURS)
        weights = np.array([kind.weight for kind in causes.KINDS])
        self._kinds = weights / weights.sum()
        self._cumulative = {where: self._weights(table) for where, table in WHERE.items()}
        self._out = np.argsort(city.start, kind="stable")
        self._first = np.searchsorted(city.start[self._out], np.arange(len(city.lon) + 1))

    def rate_per_hour(self, now: datetime) -> float:
        """Reports expected in an hour like this one."""
        busy = float(self._hours[(now + self.city.utc_offset).hour]) if self.by_hour else 1.0
        return 3_600 / self.mean_interval_s * busy

    def next_report(self, now: datetime) -> LossReport:
        """The first report after `now`: a Poisson stream thinned by the hour of the day."""
        peak = 3_600 / self.mean_interval_s * (float(self._hours.max()) if self.by_hour else 1.0)
        at = now
        while True:  # the quietest hour keeps one draw in 25, so this ends at once
            at += timedelta(seconds=float(self._rng.exponential(3_600 / peak)))
            if self._rng.random() * peak <= self.rate_per_hour(at):
                return self.report_at(at)

    def between(self, start: datetime, end: datetime) -> Iterator[LossReport]:
        """Every report after `start` and before `end`, in order."""
        report = self.next_report(start)
        while report.reported_at < end:
            yield report
            report = self.next_report(report.reported_at)

    def report_at(self, at: datetime) -> LossReport:
        """A report that comes in at a given time."""
        rng = self._rng
        kind = causes.KINDS[int(rng.choice(len(causes.KINDS), p=self._kinds))]
        edge, share = self._spot(kind.where)
        place, place_en = self._place_text(edge)
        motor = kind.line == "motor"
        low, high = kind.delay_min
        delay = timedelta(minutes=float(low + (high - low) * rng.random() ** 2))
        return LossReport(
            reported_at=at, call_ended_at=at + timedelta(seconds=float(rng.uniform(45, 150))), loss_at=at - delay,
            position=self._point(edge, share), node=int(self.city.start[edge] if share < 0.5 else self.city.end[edge]),
            place=place, place_en=place_en, line=kind.line, cause=kind.cause, reporter_name=self._reporter(),
            relation=str(rng.choice([r for r, _ in causes.RELATIONS], p=[p for _, p in causes.RELATIONS])),
            phone=f"1380013{int(rng.integers(10_000)):04d}", plate=plate(rng) if motor else None,
            vin=vin(rng) if motor else None,
            third_plate=plate(rng) if motor and rng.random() < kind.third_party else None,
            injured=int(1 + (rng.random() < 0.2)) if rng.random() < kind.injured else 0,
            movable=bool(rng.random() < kind.movable), scene_left=bool(rng.random() < kind.scene_left),
            policy_no=f"{DEMO_POLICY}{kind.line[0].upper()}{int(rng.integers(10**9)):09d}", note=str(rng.choice(kind.notes)),
        )  # fmt: skip

    def _weights(self, table: dict[str, float]) -> NDArray[np.float64]:
        """Running total of metres × traffic × how busy the district is, edge by edge."""
        by_class = np.zeros(len(CLASS_NO))
        for name, traffic in table.items():
            by_class[CLASS_NO[name]] = traffic
        length_m, busy = self.city.length_m, self._busy(field=table is WHERE["field"])
        weight: NDArray[np.float64] = length_m * by_class[self.city.road_class] * busy
        return np.cumsum(weight if weight.sum() > 0 else length_m)

    def _busy(self, *, field: bool) -> NDArray[np.float64]:
        """How busy each edge's district is; fields are where nobody is busy."""
        busy = np.full(len(self.city.start), 0.16)
        lon, lat = self.city.lon[self.city.start], self.city.lat[self.city.start]
        for district in self.city.districts:
            for ring in district.rings:
                held = shapely.contains_xy(shapely.Polygon(ring), lon, lat)
                busy[held] = BUSY[district.kind]
        return np.where(busy < 0.3, 1.0, np.where(busy < 0.8, 0.1, 0.0)) if field else busy

    def _spot(self, where: str) -> tuple[int, float]:
        """An edge and how far along it."""
        total = self._cumulative[where]
        edge = int(np.searchsorted(total, self._rng.random() * total[-1], side="right"))
        at_corner = self._rng.random() < 0.6  # most accidents happen near junctions
        share = float(self._rng.uniform(0.0, 0.12) if at_corner else self._rng.random())
        return min(edge, len(total) - 1), share

    def _point(self, edge: int, share: float) -> LonLat:
        a, b = self.city.at(int(self.city.start[edge])), self.city.at(int(self.city.end[edge]))
        return LonLat(a.lon + share * (b.lon - a.lon), a.lat + share * (b.lat - a.lat))

    def _place_text(self, edge: int) -> tuple[str, str]:
        """How the caller describes the place, in Chinese and in English."""
        road = self.city.edge_name(edge)
        if not road.zh:
            district = self.city.district_at(self.city.at(int(self.city.start[edge])))
            where, where_en = (
                (district.name, district.name_en) if district else (self.city.name, self.city.name_en)
            )
            return causes.UNNAMED.format(district=where), causes.UNNAMED_EN.format(district=where_en)
        others = self._crossing_roads(int(self.city.start[edge]), road)
        if others:
            other = others[int(self._rng.integers(len(others)))]
            text = str(self._rng.choice(causes.SPOTS)).format(road=road.zh, other=other.zh)
            return text, f"{road.en or road.zh} near {other.en or other.zh}"
        number = int(self._rng.integers(1, 420))
        return str(self._rng.choice(causes.ALONG)).format(
            road=road.zh, number=number
        ), f"{number} {road.en or road.zh}"

    def _crossing_roads(self, node: int, road: Name) -> list[Name]:
        """Names of the other roads that meet at a node."""
        edges = self._out[self._first[node] : self._first[node + 1]]
        found = {self.city.edge_name(int(edge)) for edge in edges}
        return sorted(name for name in found if name.zh and name.zh != road.zh)

    def _reporter(self) -> str:
        """A family name with Mr or Ms, or simply 报案人."""
        if self._rng.random() < 0.15:
            return "报案人"
        surname = causes.SURNAMES[int(self._rng.integers(len(causes.SURNAMES)))]
        return surname + causes.TITLES[int(self._rng.random() < 0.4)]


def plate(rng: np.random.Generator) -> str:
    """A plate of the demo city: five places, or six with D or F first for an electric car."""
    digits = "".join(str(d) for d in rng.integers(0, 10, 5))
    if rng.random() < 0.22:
        return f"{PLATE_PREFIX}{'D' if rng.random() < 0.8 else 'F'}{digits}"
    if rng.random() < 0.5:
        return f"{PLATE_PREFIX}{digits}"
    place = int(rng.integers(0, 3))
    letter = LETTERS[int(rng.integers(len(LETTERS)))]
    return PLATE_PREFIX + digits[:place] + letter + digits[place + 1 :]


def vin(rng: np.random.Generator) -> str:
    """A well-formed vehicle number with a right check digit, of a maker who does not exist."""
    body = "LDXDEM" + "".join(LETTERS_OF_VIN[int(i)] for i in rng.integers(0, len(LETTERS_OF_VIN), 2)) + "0"
    body += "RSTV"[int(rng.integers(4))] + "X" + "".join(str(d) for d in rng.integers(0, 10, 6))
    rest = sum(VIN_VALUES[c] * weight for c, weight in zip(body, VIN_WEIGHTS, strict=True)) % 11
    return body[:8] + "0123456789X"[rest] + body[9:]


def _rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
