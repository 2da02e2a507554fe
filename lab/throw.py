"""Throws a day: where and when losses happen, who works, whose phone falls silent. The same seed throws the same day."""

import csv
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import numpy as np

from geo.fix import LonLat
from lab import causes, dice
from lab.citymap import City
from lab.day import PHASE, SERVICE, Day, Human, Loss, Person, mute_spells, shifts_for
from lab.demand import Demand
from lab.net import Net
from lab.roads import SLOWER

# How long a survey takes, beside the usual one.
SCENE = {
    "scratch": 0.7, "parked_hit": 0.75, "glass": 0.6, "vandalism": 0.7, "collision": 1.1, "rear_end": 1.0, "flood": 1.4,
    "fire": 1.6, "rollover": 1.5, "theft": 1.1, "water": 1.3, "storm": 1.4, "hail": 1.2, "falling_object": 0.9,
}  # fmt: skip
FEWEST_ON_DUTY = 0.3  # of the whole crew, in the quietest hour
SKILLS = (("motor", 1.0), ("property", 0.45), ("agri", 0.35))
FREE_SHARE, SAMPLE = 0.2, 200
HISTORY = 240  # reports of the past that are known of the town
USUAL = Human()


class Sites(Protocol):
    """Where losses happen: places with what happened there, and how busy each hour of the local day is."""

    hours: tuple[float, ...]

    def throw(self, rng: np.random.Generator, count: int) -> list[tuple[LonLat, str, str]]: ...


@dataclass
class CitySites:
    """The lab city's own accidents: main roads, side streets, fields; motor, property and crops."""

    city: City
    hours: tuple[float, ...] = causes.HOURS

    def throw(self, rng: np.random.Generator, count: int) -> list[tuple[LonLat, str, str]]:
        """Place, line, cause."""
        demand = Demand(self.city, int(rng.integers(2**31)))
        noon = datetime(2026, 6, 1, 4, tzinfo=UTC)
        reports = [demand.report_at(noon) for _ in range(count)]
        return [(report.position, report.line, report.cause) for report in reports]


@dataclass
class TripSites:
    """Ends of recorded trips, moved a little, at the hours they ended: real places and a real morning."""

    ends: tuple[LonLat, ...]
    hours: tuple[float, ...]
    move_m: float = 250.0

    @classmethod
    def read(cls, path: Path, utc_offset_h: int = 1) -> "TripSites":
        """From a recording (TIMESTAMP, POLYLINE). Hours the recording does not hold are taken from the lab's own day."""
        with path.open(encoding="utf-8", newline="") as file:
            rows = [(int(row["TIMESTAMP"]), json.loads(row["POLYLINE"])) for row in csv.DictReader(file)]
        rows = [(at, places) for at, places in rows if len(places) >= 2]
        counts = np.bincount([(at // 3_600 + utc_offset_h) % 24 for at, _ in rows], minlength=24)
        level = counts.sum() / max(1.0, sum(h for h, n in zip(causes.HOURS, counts, strict=True) if n))
        hours = [n / level if n else usual for usual, n in zip(causes.HOURS, counts, strict=True)]
        return cls(tuple(LonLat(*places[-1]) for _, places in rows), tuple(float(h) for h in hours))

    def throw(self, rng: np.random.Generator, count: int) -> list[tuple[LonLat, str, str]]:
        """Place, line, cause; all of them motor."""
        motor = [kind for kind in causes.KINDS if kind.line == "motor"]
        share = np.array([kind.weight for kind in motor])
        kinds = rng.choice(len(motor), count, p=share / share.sum())
        picks = rng.integers(0, len(self.ends), count)
        east, north = rng.normal(0, self.move_m, (2, count))
        found = []
        for i in range(count):
            end = self.ends[int(picks[i])]
            per_lon = 111_320.0 * float(np.cos(np.radians(end.lat)))
            place = LonLat(end.lon + float(east[i]) / per_lon, end.lat + float(north[i]) / 110_574.0)
            found.append((place, "motor", motor[int(kinds[i])].cause))
        return found


@dataclass(frozen=True)
class Plan:
    """How big a day: `load` is work ÷ people who can be reached, hour by hour; or a plain number of claims."""

    surveyors: int = 100
    hours: float = 10.0
    load: float | None = 0.8
    claims: int | None = None
    start_hour: float = 7.0
    rush: bool = True


def throw(net: Net, sites: Sites, plan: Plan, seed: int, human: Human = USUAL) -> Day:
    """A day by its seed."""
    rng = np.random.default_rng((seed, 97))
    crew = crew_by_hour(sites.hours, plan.surveyors)
    probes = sites.throw(rng, SAMPLE)
    counts = claims_by_hour(net, plan, crew, sites.hours, [place for place, _, _ in probes], human, rng)
    at_s = np.sort(
        np.concatenate([3_600.0 * (i + rng.random(count)) for i, count in enumerate(counts)] or [np.zeros(0)])
    )
    at_s = at_s[at_s < plan.hours * 3_600.0]
    things = sites.throw(rng, len(at_s))
    homes = [place for place, _, _ in sites.throw(rng, plan.surveyors)]
    lines = {line for _, line, _ in things}
    losses = tuple(
        _loss(no, float(at_s[no]), plan.surveyors + no, line, cause, human, seed, lines)
        for no, (_, line, cause) in enumerate(things)
    )
    # Thrown by a generator of its own: the day itself is what it was without a past.
    history = tuple(place for place, _, _ in sites.throw(np.random.default_rng((seed, 98)), HISTORY))
    end_s = plan.hours * 3_600.0
    shifts = shifts_for(plan.surveyors, crew, plan.start_hour, plan.hours)
    people = tuple(
        _person(no, shifts[no], human, seed, end_s, len(lines) > 1) for no in range(plan.surveyors)
    )
    return Day(
        net, human, seed, (*homes, *(place for place, _, _ in things)), losses, people, end_s,
        SLOWER if plan.rush else (1.0,) * 24, plan.start_hour, history=history,
    )  # fmt: skip


def crew_by_hour(hours: tuple[float, ...], surveyors: int) -> list[int]:
    """How many are on duty in each hour of the local day: staffing follows demand, smoothed, never below a floor."""
    busy = np.array(hours)
    smooth = (np.roll(busy, 1) + busy + np.roll(busy, -1)) / 3
    share = np.maximum(FEWEST_ON_DUTY, smooth / smooth.max())
    return [max(1, round(float(one) * surveyors)) for one in share]


def claims_by_hour(
    net: Net, plan: Plan, crew: list[int], hours: tuple[float, ...], probes: list[LonLat], human: Human,
    rng: np.random.Generator,
) -> list[int]:  # fmt: skip
    """How many reports come in each hour of the plan."""
    whole = int(np.ceil(plan.hours))
    clock = [int(plan.start_hour + step) % 24 for step in range(whole)]
    if plan.claims is not None or plan.load is None:
        share = np.array([hours[hour] for hour in clock])
        return [int(n) for n in rng.multinomial(plan.claims or 0, share / share.sum())]
    job_s = usual_job_s(net, probes, plan.surveyors, human, rng)
    reachable = 1.0 - human.silent
    return [int(rng.poisson(plan.load * crew[hour] * reachable * 3_600.0 / job_s)) for hour in clock]


def usual_job_s(
    net: Net, probes: list[LonLat], surveyors: int, human: Human, rng: np.random.Generator
) -> float:
    """What a claim takes of a surveyor: settling, the drive from the nearest of a fifth of the crew, the scene."""
    spots = net.spots(probes)
    drive = net.matrix(spots, spots, true=True)
    np.fill_diagonal(drive, np.inf)
    free = max(1, min(len(probes) - 1, round(FREE_SHARE * surveyors)))
    nearest = [
        float(np.min(drive[rng.choice(len(probes), free, replace=False), column]))
        for column in range(len(probes))
    ]
    reached = [seconds for seconds in nearest if np.isfinite(seconds)]
    scene_s = human.service_min * 60.0 * float(np.exp(human.service_spread**2 / 2))
    return human.settle_s + float(np.mean(reached or [600.0])) + scene_s


def _loss(
    no: int, at_s: float, place: int, line: str, cause: str, human: Human, seed: int, lines: set[str]
) -> Loss:
    usual = human.service_min * 60.0 * SCENE.get(cause, 1.0) / LEVEL
    scene = dice.lognormal(usual, human.service_spread, seed, SERVICE, no)
    needs = (line,) if len(lines) > 1 else ()
    return Loss(no, at_s, place, scene, usual * float(np.exp(human.service_spread**2 / 2)), needs, cause)


def _level() -> float:
    """The mean of SCENE over what happens."""
    total = sum(kind.weight for kind in causes.KINDS)
    return sum(kind.weight * SCENE.get(kind.cause, 1.0) for kind in causes.KINDS) / total


LEVEL = _level()


def _person(
    no: int, shifts: tuple[tuple[float, float], ...], human: Human, seed: int, end_s: float, skilled: bool
) -> Person:
    skills = frozenset(
        skill for n, (skill, share) in enumerate(SKILLS) if dice.chance(seed, SERVICE, -no - 1, n) < share
    )
    return Person(
        no, no, shifts, skills if skilled else frozenset(), 5, mute_spells(human, seed, no, end_s + 4 * 3_600.0),
        human.ping_s, dice.chance(seed, PHASE, no) * human.ping_s,
    )  # fmt: skip
