"""Simulated surveyors: they drive on roads, wait, patrol near home, and their phones send imperfect fixes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp, log, sqrt

import numpy as np
import shapely

from geo.fix import Fix, LonLat
from lab.citymap import City, Floats
from lab.roads import Moment, Roads, Track, Unreachable

__all__ = ["Habits", "Moment", "Mover", "Roads", "Track", "Unreachable", "movers"]

ERROR_MEMORY_S = 45.0  # a GPS error drifts, it does not jump: how long it remembers itself
CANYON_GAP_S, CANYON_S = 1_500.0, 70.0  # between tall buildings, on average this often and this long


@dataclass(frozen=True)
class Habits:
    """What one surveyor and his phone are like."""

    patrol_radius_m: float = 2_500.0
    wait_s: tuple[float, float] = (180.0, 900.0)
    hurry: float = 1.0
    accuracy_m: float = 9.0  # typical error radius of his phone under open sky
    silence_gap_s: float | None = None  # mean time between losses of signal; None: never silent
    silence_s: tuple[float, float] = (150.0, 600.0)


class Mover:
    """One surveyor on the road. Time only moves forward: call `advance` or `fix_at` with a growing `now`."""

    def __init__(
        self, roads: Roads, home: LonLat, *, seed: int, start: datetime, habits: Habits | None = None
    ) -> None:
        self.roads = roads
        self.home = home
        self.habits = habits or Habits()
        self.seed = seed
        self.seq = 0
        self._rng = np.random.default_rng((seed, 41))
        near = roads.nodes_near(home, self.habits.patrol_radius_m) or [roads.nearest_node(home)]
        self._near = near
        self._node = int(near[int(self._rng.integers(len(near)))])
        self._track: Track | None = None
        self._errand = False
        self._now = start
        self._wait_until = start + timedelta(seconds=float(self._rng.uniform(0, self.habits.wait_s[1])))
        self._error = (0.0, 0.0)
        self._error_at = start
        self._canyon = (start, start)
        self._silence = self._next_silence(start)
        self._battery = float(self._rng.uniform(55, 100))
        self._charging = False
        self._altitude_m = float(self._rng.uniform(62, 88))

    @property
    def state(self) -> str:
        """driving (to a given place), patrolling or waiting."""
        if self._track is None:
            return "waiting"
        return "driving" if self._errand else "patrolling"

    @property
    def arrives_at(self) -> datetime | None:
        """When the present drive ends; None when standing."""
        return self._track.arrive if self._track else None

    @property
    def silent(self) -> bool:
        """Whether the phone has no signal at the moment last advanced to."""
        return self._silence[0] <= self._now < self._silence[1]

    def place(self) -> LonLat:
        """Where the surveyor really is, without GPS error."""
        here = self._moment()
        return self.roads.plane.lonlat(here.x_m, here.y_m)

    def go_to(self, place: LonLat, now: datetime) -> datetime:
        """Sets out for a place at once, from wherever he is, and returns when he will be there."""
        self.advance(now)
        goal = self.roads.nearest_node(place)
        here = self._moment()
        setting_out = self._track.node_ahead(now) if self._track else self._node
        self._track = self._drive(setting_out, goal, here if self._track else None)
        self._errand = True
        return self._track.arrive

    def stay(self, now: datetime, until: datetime) -> None:
        """Stays where he is (at a loss, at lunch) until then; a drive in progress ends at the next corner."""
        self.advance(now)
        if self._track is not None:
            self._node = self._track.node_ahead(now)
        self._track, self._errand, self._wait_until = None, False, until

    def silence(self, now: datetime, until: datetime) -> None:
        """Takes the phone's signal away, as in a basement car park."""
        self.advance(now)
        self._silence = now, until

    def advance(self, now: datetime) -> None:
        """Moves on to `now`: ends drives, begins patrols, drains the battery. An earlier `now` changes nothing."""
        if now <= self._now:
            return
        for _ in range(500):  # a bound, for a first call after a long gap
            due = self._track.arrive if self._track else self._wait_until
            if due > now:
                break
            self._now = due
            if self._track is not None:
                self._node = self._track.nodes[-1]
                self._wait_until = due + self._pause(self._errand)
                self._track, self._errand = None, False
            else:
                self._begin_patrol(due)
        self._drain((now - self._now).total_seconds())
        self._now = now
        if self._silence[1] <= now:
            self._silence = self._next_silence(now)

    def fix_at(self, now: datetime) -> Fix | None:
        """What the phone reports now; None while it has no signal."""
        self.advance(now)
        if self.silent:
            return None
        here = self._moment()
        accuracy = self._accuracy(now)
        east, north = self._drift(now, accuracy)
        place = self.roads.plane.lonlat(here.x_m + east, here.y_m + north)
        wobble = float(self._rng.standard_normal())
        moving = here.heading_deg is not None
        self.seq += 1
        return Fix(
            fixed_at=now, received_at=None, lon=place.lon, lat=place.lat, accuracy_m=round(accuracy, 1),
            speed_mps=round(max(0.0, here.speed_mps * (1 + 0.03 * wobble)), 2) if moving else 0.0,
            heading_deg=round((here.heading_deg + 4 * wobble) % 360, 1) if here.heading_deg is not None else None,
            altitude_m=round(self._altitude_m + wobble, 1), battery=round(self._battery), source="phone", seq=self.seq,
        )  # fmt: skip

    def _moment(self) -> Moment:
        if self._track is not None:
            return self._track.moment(self._now)
        return Moment(float(self.roads.x_m[self._node]), float(self.roads.y_m[self._node]), 0.0, None)

    def _drive(self, a: int, b: int, start: Moment | None) -> Track:
        return self.roads.drive(a, b, self._now, hurry=self.habits.hurry, seed=self.seed, start=start)

    def _begin_patrol(self, now: datetime) -> None:
        goal = int(self._near[int(self._rng.integers(len(self._near)))])
        if goal == self._node:
            self._wait_until = now + self._pause(False)
            return
        self._track, self._errand = self._drive(self._node, goal, None), False

    def _pause(self, after_errand: bool) -> timedelta:
        """How long he stays: after an errand he waits for orders, on patrol he stops now and then."""
        low, high = self.habits.wait_s
        return timedelta(seconds=float(self._rng.uniform(low, high)) + (600.0 if after_errand else 0.0))

    def _accuracy(self, now: datetime) -> float:
        """The error radius the phone claims: 5 to 30 m, sometimes 60 to 200 between tall buildings."""
        if now >= self._canyon[1]:
            begin = now + timedelta(seconds=float(self._rng.exponential(CANYON_GAP_S)))
            self._canyon = begin, begin + timedelta(seconds=float(self._rng.exponential(CANYON_S)) + 10)
        if self._canyon[0] <= now:
            return float(self._rng.uniform(60, 200))
        typical = self.habits.accuracy_m * exp(0.35 * float(self._rng.standard_normal()))
        return min(30.0, max(5.0, typical))

    def _drift(self, now: datetime, accuracy_m: float) -> tuple[float, float]:
        """The error of this fix in metres east and north: 68 % lie within the claimed radius, and it drifts."""
        keep = exp(-max(0.0, (now - self._error_at).total_seconds()) / ERROR_MEMORY_S)
        fresh = sqrt(1 - keep * keep)
        east, north = self._rng.standard_normal(2).tolist()
        self._error = keep * self._error[0] + fresh * east, keep * self._error[1] + fresh * north
        self._error_at = now
        sigma = accuracy_m / 1.515
        return self._error[0] * sigma, self._error[1] * sigma

    def _next_silence(self, now: datetime) -> tuple[datetime, datetime]:
        if self.habits.silence_gap_s is None:
            return datetime.max.replace(tzinfo=now.tzinfo), datetime.max.replace(tzinfo=now.tzinfo)
        begin = now + timedelta(seconds=float(self._rng.exponential(self.habits.silence_gap_s)))
        return begin, begin + timedelta(seconds=float(self._rng.uniform(*self.habits.silence_s)))

    def _drain(self, seconds: float) -> None:
        """About 9 % an hour on the road; plugged in at 20 %, unplugged at 95 %."""
        if self._battery < 20:
            self._charging = True
        elif self._battery > 95:
            self._charging = False
        self._battery += seconds / 3600 * (28.0 if self._charging else -9.0)
        self._battery = min(100.0, max(3.0, self._battery))


def _place_in(city: City, ring: Floats, rng: np.random.Generator) -> LonLat:
    """A corner inside a district; the district's middle when it has no road."""
    nodes = np.flatnonzero(shapely.contains_xy(shapely.Polygon(ring), city.lon, city.lat))
    if len(nodes) == 0:
        return LonLat(float(ring[:, 0].mean()), float(ring[:, 1].mean()))
    return city.at(int(rng.choice(nodes)))


def movers(city: City, roads: Roads, count: int, *, seed: int, start: datetime) -> list[Mover]:
    """A crew spread over the districts, most of them in the urban ones; one in eight loses its signal at times."""
    rng = np.random.default_rng((seed, 43))
    weight = {"urban": 3.0, "suburb": 1.6, "remote": 0.7}
    share = np.array([weight[d.kind] for d in city.districts])
    owner = np.sort(rng.choice(len(city.districts), count, p=share / share.sum()))
    crew = []
    for number, place in enumerate(owner.tolist()):
        ring = max(city.districts[place].rings, key=len)
        home = _place_in(city, ring, rng)
        habits = Habits(
            patrol_radius_m=float(rng.uniform(1_200, 3_200)), hurry=float(rng.uniform(0.9, 1.1)),
            accuracy_m=float(5 + 8 * -log(1 - 0.8 * rng.random())),
            silence_gap_s=3_600.0 if number % 8 == 5 else None,
        )  # fmt: skip
        crew.append(Mover(roads, home, seed=seed * 1_000 + number, start=start, habits=habits))
    return crew
