"""`chakan simulate`: throws days, plays policies on them, shows how far it is, and writes the report."""

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.errors import Invalid
from geo.errors import NoRoads
from lab import bound, city, policies, report
from lab.bound import Bound
from lab.day import Human
from lab.foreknown import Foreknown
from lab.moving import OursMoving
from lab.net import Net, RoadNet
from lab.ours import DEFAULTS, KNOWN, AllSeeing, Ours
from lab.report import Played
from lab.simulate import Policy, play
from lab.throw import CitySites, Plan, Sites, TripSites, throw
from staff import rules

MAKERS: Mapping[str, Callable[[Mapping[str, Any]], Policy]] = {
    "ours": lambda settings: Ours(settings),
    "ours_moving": lambda settings: OursMoving(settings),
    "sees_phones": lambda settings: AllSeeing(settings, "sees_phones", sees=frozenset({"phones"})),
    "sees_ends": lambda settings: AllSeeing(settings, "sees_ends", sees=frozenset({"phones", "ends"})),
    "all_seeing": lambda settings: AllSeeing(settings),
    "foreknown": lambda settings: Foreknown(),
    "nearest": lambda settings: policies.Nearest(),
    "top_five": lambda settings: policies.TopFive(),
    "broadcast": lambda settings: policies.Broadcast(),
}


SAID = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}
# A day of a whole country's largest insurer; beyond it the lab would need more memory than a desk has.
MOST_SURVEYORS, MOST_CLAIMS, MOST_LOAD, MOST_SEEDS = 10_000, 200_000, 5.0, 100
USUAL = ("ours", "nearest", "top_five", "broadcast")


@dataclass(frozen=True)
class Asked:
    """What the command line asked for. `osm`: a city; `trips`: where losses happen; without both a made-up city."""

    policies: tuple[str, ...] = USUAL
    plan: Plan = field(default_factory=Plan)
    seeds: int = 1
    roads: Path | None = None
    trips: Path | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    human: Human = field(default_factory=Human)

    def __post_init__(self) -> None:
        for name in self.policies:
            if name not in MAKERS:
                raise Invalid.field("policy", f"{name}: one of " + ", ".join(MAKERS))
        plan, human = self.plan, self.human
        # NaN is in no range.
        for name, value, sound, says in (
            (
                "surveyors",
                plan.surveyors,
                1 <= plan.surveyors <= MOST_SURVEYORS,
                f"from 1 to {MOST_SURVEYORS:,}",
            ),
            ("hours", plan.hours, 0 < plan.hours <= 24 * 14, "more than 0, at most 336"),
            ("from-hour", plan.start_hour, 0 <= plan.start_hour < 24, "from 0 to below 24"),
            (
                "load",
                plan.load,
                plan.load is None or 0 < plan.load <= MOST_LOAD,
                f"more than 0, at most {MOST_LOAD:g}",
            ),
            (
                "claims",
                plan.claims,
                plan.claims is None or 1 <= plan.claims <= MOST_CLAIMS,
                f"from 1 to {MOST_CLAIMS:,}",
            ),
            ("seeds", self.seeds, 1 <= self.seeds <= MOST_SEEDS, f"from 1 to {MOST_SEEDS}"),
            ("silent", human.silent, 0 <= human.silent < 1, "from 0 to below 1"),
            ("words", human.words, 0 <= human.words <= 1, "from 0 to 1"),
        ):
            if not sound:
                raise Invalid.field(name, f"{value}: {says}")
        if self.trips is not None and self.roads is None:
            raise Invalid.field("trips", "trips lie on real roads: name their graph with --roads")


def town(asked: Asked) -> tuple[Net, Sites]:
    """The roads, and where losses happen on them. Raises Invalid."""
    if asked.roads is None:
        made = city.generate(1)
        return RoadNet.of_city(made), CitySites(made)
    try:
        net = RoadNet.open(asked.roads)
    except NoRoads as error:
        raise Invalid.field(
            "roads", f"no road graph in {asked.roads}: build one with `chakan roads build`"
        ) from error
    if asked.trips is None:
        raise Invalid.field(
            "trips", "with real roads, say where losses happen: a CSV of trips (TIMESTAMP, POLYLINE)"
        )
    return net, TripSites.read(asked.trips)


def simulate(asked: Asked, tell: Callable[[str, float], None]) -> tuple[list[str], list[Played]]:
    """Plays every policy on every day; returns the facts of the days and what each policy came to."""
    net, sites = town(asked)
    days = [throw(net, sites, asked.plan, seed, asked.human) for seed in range(1, asked.seeds + 1)]
    bounds: list[Bound] = []
    for day in days:
        tell("先知下界 bound", len(bounds) / len(days))
        bounds.append(bound.clairvoyant(day))
    played = []
    for name in asked.policies:
        sims = []
        for n, day in enumerate(days):
            policy = MAKERS[name](asked.settings)
            sims.append(play(day, policy, lambda share, n=n, name=name: tell(name, (n + share) / len(days))))  # type: ignore[misc]
        played.append(Played.of(name, sims, bounds))
    claims = sum(len(day.losses) for day in days)
    plan = asked.plan
    load = "" if plan.load is None or plan.claims is not None else f" · 负荷 load {plan.load:.0%}"
    facts = [
        f"{net.label} · {len(days)} 天 day(s) × {plan.hours:g} h · {plan.surveyors} 名查勘员 surveyors"
        f" · {claims} 件报案 claims{load}",
        "所有数字均为模拟结果，不是实际表现。 Every figure here is simulated; none was observed.",
    ]
    return facts, played


def parsed(pairs: Sequence[str]) -> dict[str, Any]:
    """`key=value` settings as the rules take them. Raises Invalid naming the key."""
    found: dict[str, Any] = {}
    for pair in pairs:
        key, given, text = pair.partition("=")
        if not given or key not in DEFAULTS:
            raise Invalid.field("set", f"{key}: no such rule")
        usual = DEFAULTS[key]
        try:
            found[key] = rules.fit(KNOWN[key], _read(text, usual))
        except ValueError as error:
            raise Invalid.field("set", f"{key}: not like {usual!r}") from error
        except Invalid as error:
            raise Invalid.field("set", f"{key}: {error.errors[0]['message']}") from error
    return found


def _read(text: str, usual: Any) -> Any:
    if not isinstance(usual, bool):
        return type(usual)(text)
    if text.lower() not in SAID:
        raise ValueError(text)
    return SAID[text.lower()]


class Bar:
    """How far it is, on one line; on a pipe only each part's name once."""

    def __init__(self) -> None:
        self.alive, self.last = sys.stderr.isatty(), ""

    def __call__(self, part: str, share: float) -> None:
        """Shows it."""
        if self.alive:
            full = round(30 * share)
            print(
                f"\r{part:<24} [{'█' * full}{'·' * (30 - full)}] {share:4.0%}  模拟 simulated ",
                end="",
                file=sys.stderr,
                flush=True,
            )
        elif part != self.last:
            print(part, file=sys.stderr, flush=True)
        self.last = part

    def end(self) -> None:
        """Leaves the line."""
        if self.alive:
            print(file=sys.stderr)


def show(played: Sequence[Played]) -> str:
    """The main figures as a table for a terminal."""
    heads = ("contact ≤10", "arrive ≤30", "mean min", "P90", "drive", "km", "asked", "gap")
    wide = (12, 12, 10, 8, 8, 7, 8, 8)
    lines = ["模拟 simulated".ljust(12) + "".join(h.rjust(w) for h, w in zip(heads, wide, strict=True))]
    for one in played:
        mean = one.estimate("arrive_mean").mean
        limit = [f.bound_mean for f in one.figures if f.bound_mean]
        gap = f"{mean / (sum(limit) / len(limit)) - 1:+.0%}" if limit else ""
        lines.append(
            f"{one.name:<14}{one.estimate('contact_kept').mean:>12.2%}{one.estimate('arrive_kept').mean:>12.2%}{mean:>10.2f}"
            f"{one.estimate('arrive_p90').mean:>8.1f}{one.estimate('drive_mean').mean:>8.2f}"
            f"{one.estimate('km_per_claim').mean:>7.2f}{one.estimate('asked_per_claim').mean:>8.2f}{gap:>8}"
        )
    return "\n".join(lines)


def write(path: Path, title: str, facts: Sequence[str], played: Sequence[Played]) -> None:
    """The report appears whole or not at all. Raises Invalid when it cannot be written."""
    draft = path.with_name(path.name + ".part")
    try:
        draft.write_text(report.html(title, facts, played), encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise Invalid.field("out", f"{path} cannot be written: {error.strerror}") from error


def writable(path: Path | None) -> None:
    """Asked before the play, not after it: a report nobody can write is minutes lost. Raises Invalid."""
    if path is not None and (path.is_dir() or not os.access(path.parent, os.W_OK)):
        raise Invalid.field("out", f"{path} cannot be written")


def as_json(facts: Sequence[str], played: Sequence[Played]) -> str:
    """The figures for a program. Infinity, which JSON does not know, becomes null."""
    rows = {"simulated": True, "facts": list(facts), "policies": [one.row() for one in played]}
    return json.dumps(finite(rows), ensure_ascii=False)


def finite(value: Any) -> Any:
    """The same with null for what has no number."""
    if isinstance(value, dict):
        return {key: finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in value]
    return None if isinstance(value, float) and not -1e300 < value < 1e300 else value
