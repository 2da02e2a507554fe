"""The policies played against each other on the Porto roads, at 80, 95 and 120 % load: every figure is simulated.

Ten days by seed, the same days for each policy: reports at the ends of recorded taxi trips, surveyors who follow the
demand, one phone in five mute, a map that is not quite right. Ratios are taken day by day, because a hard day is hard for
everybody; intervals are Student's t over days, 95 %. The graph is built once from ../shared/data/porto (or CHAKAN_SHARED)
and kept; without it the made-up city is played, and the figures say so.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import bound, city, measure
from lab.day import Day
from lab.measure import Estimate, Figures
from lab.net import Net, RoadNet
from lab.runs import MAKERS
from lab.simulate import Sim, play
from lab.throw import CitySites, Plan, Sites, TripSites, throw
from launch.places import ROOT

LOADS = (0.8, 0.95, 1.2)
# `told` is ours when surveyors say on scene how long they still need, as people do: a little too hopefully, not all of them.
WORDS = 0.8
POLICIES = (
    "ours", "told", "ours_moving", "nearest", "top_five", "broadcast", "sees_phones", "sees_ends", "all_seeing", "foreknown",
)  # fmt: skip
# Each step down the ladder knows one thing more; the last one leaves the phones out. What a step saves is what not knowing costs.
LADDER = (
    ("ours", "sees_phones", "which phones are mute"),
    ("sees_phones", "sees_ends", "when surveys will end"),
    ("sees_ends", "all_seeing", "the roads as they are"),
    ("all_seeing", "foreknown", "the future, asking the same phones"),
    ("foreknown", "bound", "mute phones, and what the bound gives away"),
)
# The crew of the size that is asked for: among few free people the straight line is seldom wrong.
FULL, QUICK = Plan(surveyors=300, hours=3.0), Plan(surveyors=200, hours=1.5)
SEEDS, QUICK_SEEDS = 10, 1
CONTACT_GOAL, NEAREST_GOAL, BOUND_GOAL = 0.99, 0.90, 0.02
GRAPH = ROOT / ".chakan-bench" / "roads-porto"


@dataclass(frozen=True)
class Town:
    """Where it is played; opened in each process."""

    roads: Path | None
    trips: Path | None

    def open(self) -> tuple[Net, Sites]:
        """Roads and sites."""
        if self.roads is None or self.trips is None:
            made = city.generate(1)
            return RoadNet.of_city(made), CitySites(made)
        return RoadNet.open(self.roads), TripSites.read(self.trips)


def main(quick: bool) -> dict[str, Any]:
    """Plays everything; `quick` is one short day with a smaller crew."""
    where = town(build=not quick)
    plan, seeds = (QUICK, QUICK_SEEDS) if quick else (FULL, SEEDS)
    jobs = [(where, plan, load, seed) for load in LOADS for seed in range(1, seeds + 1)]
    print(
        f"模拟 simulated · {'Porto' if where.roads else 'the made-up city'} · {seeds} days × {plan.hours:g} h · "
        f"{plan.surveyors} surveyors, a fifth of the phones mute"
    )
    with ProcessPoolExecutor(2) as pool:
        days = list(pool.map(one_day, *zip(*jobs, strict=True)))
    found = []
    for load in LOADS:
        mine = [day for day, job in zip(days, jobs, strict=True) if job[2] == load]
        show(load, mine)
        found += figures(load, mine)
    return {"figures": found}


def town(*, build: bool) -> Town:
    """Porto when its data are there and its graph is built, or may be; else the made-up city."""
    data = Path(os.environ.get("CHAKAN_SHARED") or ROOT.parent / "shared") / "data" / "porto"
    given = os.environ.get("CHAKAN_ROADS")
    folder = Path(given) if given else GRAPH
    if not (data / "trips_train.csv").exists():
        return Town(None, None)
    if not (folder / "current").exists():
        if not build or not (data / "porto.osm.pbf").exists():
            return Town(None, None)
        from geo.roads import building

        folder.mkdir(parents=True, exist_ok=True)
        building.from_osm(data / "porto.osm.pbf", folder)
    return Town(folder, data / "trips_train.csv")


_opened: dict[Town, tuple[Net, Sites]] = {}


def one_day(where: Town, plan: Plan, load: float, seed: int) -> dict[str, Figures]:
    """One day under every policy."""
    if where not in _opened:
        _opened[where] = where.open()
    net, sites = _opened[where]
    sized = Plan(plan.surveyors, plan.hours, load, None, plan.start_hour, plan.rush)
    day = throw(net, sites, sized, seed)
    least = bound.clairvoyant(day)
    return {name: measure.figures(played(day, name), least) for name in POLICIES}


def played(day: Day, name: str) -> Sim:
    """A day under a policy. `told`: ours, with the surveyors' own word of their end."""
    if name == "told":
        return play(day, MAKERS["ours"]({}), words=WORDS)
    return play(day, MAKERS[name]({}))


def figures(load: float, days: Sequence[dict[str, Figures]]) -> list[dict[str, Any]]:
    """The goals at one load."""
    at = f"{load:.0%} load"
    contact = over(days, "ours", "contact_kept")
    rows = [
        line(
            f"first contact within 10 min, {at}",
            contact,
            "%",
            100,
            CONTACT_GOAL,
            contact.mean >= CONTACT_GOAL,
        ),
        line(f"mean time to arrive, {at}", over(days, "ours", "arrive_mean"), "min", 1, None, None),
    ]
    for peer in ("nearest", "top_five", "broadcast"):
        ratio = measure.estimate([d["ours"].arrive_mean / d[peer].arrive_mean for d in days])
        goal = NEAREST_GOAL if peer == "nearest" else 1.0
        rows.append(line(f"arrive ÷ {peer}, {at}", ratio, "×", 1, goal, ratio.mean <= goal, peer))
    gap = measure.estimate([d["ours"].arrive_mean / (d["ours"].bound_mean or 1.0) - 1 for d in days])
    goal_of = BOUND_GOAL if load == LOADS[0] else None
    rows.append(
        line(
            f"above the bound, {at}", gap, "%", 100, goal_of, None if goal_of is None else gap.mean <= goal_of
        )
    )
    told = measure.estimate([d["told"].arrive_mean / d["ours"].arrive_mean for d in days])
    rows.append(
        line(f"arrive, own word known ÷ not, {at}", told, "×", 1, 1.0, told.mean <= 1.0, "ours without it")
    )
    for peer, words in (
        ("all_seeing", "all-seeing of the present"),
        ("foreknown", "a plan of the whole day"),
    ):
        above = measure.estimate([d["ours"].arrive_mean / d[peer].arrive_mean - 1 for d in days])
        rows.append(line(f"above {words}, {at}", above, "%", 100, None, None))
    rows += moving(at, days)
    for more, less, words in LADDER:
        part = measure.estimate([(mean_of(d, more) - mean_of(d, less)) / mean_of(d, "bound") for d in days])
        rows.append(line(f"of the gap to the bound, not knowing {words}, {at}", part, "%", 100, None, None))
    return rows


def moving(at: str, days: Sequence[dict[str, Figures]]) -> list[dict[str, Any]]:
    """What moving the free up brings and costs. The bound holds for people who stand, so it is no bound for these."""

    def ratio(peer: str) -> Estimate:
        return measure.estimate([mean_of(d, "ours_moving") / mean_of(d, peer) for d in days])

    nearest = ratio("nearest")
    goal = NEAREST_GOAL
    km = measure.estimate([d["ours_moving"].moved_km_per_claim for d in days])
    return [
        line(f"moving up ÷ nearest, {at}", nearest, "×", 1, goal, nearest.mean <= goal, "nearest"),
        line(f"moving up ÷ ours standing, {at}", ratio("ours"), "×", 1, None, None, "ours"),
        line(
            f"moving up ÷ a plan of the whole day that stands, {at}", ratio("foreknown"), "×", 1, None, None
        ),
        line(f"moving up ÷ the bound of who stands, {at}", ratio("bound"), "×", 1, None, None),
        line(f"driven to wait elsewhere, a claim, {at}", km, "km", 1, None, None),
    ]


def mean_of(day: dict[str, Figures], name: str) -> float:
    """Mean minutes to arrive under a policy, or of the bound."""
    return (day["ours"].bound_mean or 1.0) if name == "bound" else day[name].arrive_mean


def over(days: Sequence[dict[str, Figures]], policy: str, key: str) -> Estimate:
    """A figure of a policy over the days."""
    return measure.estimate([float(getattr(day[policy], key)) for day in days])


def line(
    metric: str,
    found: Estimate,
    unit: str,
    scale: float,
    goal: float | None,
    holds: bool | None,
    peer: str = "",
) -> dict[str, Any]:
    """One figure with its interval."""
    return {
        "metric": f"{metric} (simulated)",
        "unit": unit,
        "ours": round(found.mean * scale, 3),
        "low": round(found.low * scale, 3),
        "high": round(found.high * scale, 3),
        "peer": None,
        "peer_name": peer or "none known",
        "ratio": None,
        "goal": None if goal is None else goal * scale,
        "holds": holds,
    }


def show(load: float, days: Sequence[dict[str, Figures]]) -> None:
    """A table of every policy at one load."""
    claims = sum(day["ours"].claims for day in days)
    least = measure.estimate([day["ours"].bound_mean or 0.0 for day in days])
    print(f"\n{load:.0%} load, {claims} claims; bound {least.mean:.2f} min")
    for name in POLICIES:
        arrive, contact = over(days, name, "arrive_mean"), over(days, name, "contact_kept")
        print(
            f"  {name:<11} arrive {arrive.mean:6.2f} min [{arrive.low:.2f}, {arrive.high:.2f}]"
            f"  contact ≤ 10 min {contact.mean:7.2%}"
            f"  P90 {over(days, name, 'arrive_p90').mean:5.1f}  drive {over(days, name, 'drive_mean').mean:5.2f} min"
            f"  {over(days, name, 'km_per_claim').mean:4.1f}"
            f" + {over(days, name, 'moved_km_per_claim').mean:.1f} km  Gini {over(days, name, 'gini').mean:.2f}"
            f"  unserved {sum(day[name].claims - day[name].served for day in days)}"
        )
    steps = [
        f"{60 * measure.estimate([mean_of(d, more) - mean_of(d, less) for d in days]).mean:.1f} s {words}"
        for more, less, words in LADDER
    ]
    print("  above the bound for not knowing: " + " · ".join(steps))
