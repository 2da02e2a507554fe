"""How true drive times are: learned speeds beside free flow, OSRM and the straight line; and how honest about old positions.

Real trips (bench/trips.py) in five folds of taxis: each fold is judged by speeds learned from the other four, and by an
age model fitted on the other four. A page with the reliability plot is written beside the figures. Needs Porto from
CHAKAN_SHARED, else ../shared; without it there is nothing real to judge by and the bench says so."""

import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench import drift, eta_page, left
from bench.osrm import Osrm, serving
from bench.trips import EXTRACT, FOLDS, ROOT, TRIPS, Driven, match, read
from geo import eta
from geo.roads import building, learning
from geo.roads.graph import Roads
from geo.roads.learning import Errors, Journey
from geo.roads.mapmatch import Matcher, Steps
from geo.roads.network import Floats

GOAL_MEDIAN, GOAL_BIAS, GOAL_COVER, GOAL_BUCKET = 0.15, 0.03, 0.03, 0.05
QUICK_EVERY = 2
DIRECT = 1.5  # a trip longer than one and a half times its route is not a drive from A to B
SEED = 20260301


def main(quick: bool) -> dict[str, Any]:
    """Judges everything; `quick` ends within 50 s on half of the trips, and asks OSRM only when it was prepared before."""
    if not (EXTRACT.exists() and TRIPS.exists()):
        print("no real trips here (set CHAKAN_SHARED): nothing was judged")
        return {"figures": []}
    with tempfile.TemporaryDirectory(prefix="chakan-eta-") as folder:
        building.from_osm(EXTRACT, Path(folder))
        roads = Roads.open(Path(folder))
        trips = read()[:: QUICK_EVERY if quick else 1]
        began = time.monotonic()
        driven = match(Matcher(roads.network, roads.grid), trips)
        matched_s = time.monotonic() - began
        journeys = [j for one in by_fold(driven) for j in one.journeys]
        folds = [one.trip.fold for one in by_fold(driven) for _ in one.journeys]
        with serving(EXTRACT, prepare=not quick) as osrm:
            said, known = predictions(roads, driven, journeys, osrm)
        ages, cases = aged(roads, driven, journeys, np.array(folds), said["learned"])
    took = np.array([j.took_s for j in journeys])
    errors = {name: Errors.of(times, took) for name, times in said.items()}
    direct = is_direct(roads, journeys)
    errors |= {f"{name}, direct": Errors.of(times[direct], took[direct]) for name, times in said.items()}
    remains = left.left(journeys, said["learned"], known)
    file = Path(os.environ.get("CHAKAN_BENCH_OUT") or ROOT / ".chakan-bench") / "eta.html"
    eta_page.write(file, errors, ages, remains, len(trips), quick=quick)
    print(
        f"{len(trips)} trips, {len(journeys)} journeys, {int(direct.sum())} of them direct; {len(cases)} aged positions"
    )
    print(f"page: {file.name}")
    eta_page.say(errors, ages, remains)
    rate = round(len(trips) / matched_s * 60)
    # Thousands of trips in minutes.
    speed = {
        "metric": "matching, trips a minute",
        "unit": "/min",
        "ours": rate,
        "goal": 500,
        "holds": rate >= 500,
    }
    return {
        "figures": [*error_figures(errors), *left_figures(remains), *age_figures(ages, quick=quick), speed]
    }


def by_fold(driven: list[Driven]) -> list[Driven]:
    """The trips, fold by fold."""
    return [one for f in range(FOLDS) for one in driven if one.trip.fold == f]


def by_taxi(driven: list[Driven]) -> list[learning.Person]:
    """What each taxi drove."""
    found: dict[str, list[Driven]] = {}
    for one in driven:
        found.setdefault(one.trip.taxi, []).append(one)
    return [
        (Steps.together([one.steps for one in trips]), [j for one in trips for j in one.journeys])
        for trips in found.values()
    ]


def predictions(
    roads: Roads, driven: list[Driven], journeys: list[Journey], osrm: Osrm | None
) -> tuple[dict[str, Floats], Floats]:
    """What each way of telling says of each journey, in seconds, and what learned speeds say of the roads it was really
    driven on. Leaves the speeds of the last fold in force."""
    straight = eta.StraightLine()
    said = {
        "straight line": np.array(
            [straight.to(j.end, [j.start])[0].seconds for j in journeys], dtype=np.float64
        ),
        "free flow": learning.predict(None, roads, journeys),
    }
    if osrm is not None:
        said["OSRM"] = np.array([osrm.table([j.start], [j.end])[0, 0] for j in journeys])
    learned, known = [], []
    for f in range(FOLDS):
        others = by_taxi([one for one in driven if one.trip.fold != f])
        found = learning.taught(others, roads, {"version": f"fold {f}"})
        judged = [one for one in driven if one.trip.fold == f]
        learned.append(learning.predict(found, roads, [j for one in judged for j in one.journeys]))
        known.append(left.along(found, roads, judged))
    return said | {"learned": np.concatenate(learned)}, np.concatenate(known)


def is_direct(roads: Roads, journeys: list[Journey]) -> Any:
    """Which journeys went about the way a route would: the others made detours or a stop nobody can foresee.

    Routes at free flow, put in force here: so the same journeys are judged whatever was learned."""
    roads.customise(roads.network.seconds)
    starts, ends = roads.snap([j.start for j in journeys]), roads.snap([j.end for j in journeys])
    routes = [roads.path(a, b) for a, b in zip(starts, ends, strict=True)]
    longest = [DIRECT * r.length_m if r is not None else 0.0 for r in routes]
    return np.array([j.driven_m for j in journeys]) <= np.array(longest)


def aged(
    roads: Roads, driven: list[Driven], journeys: list[Journey], folds: Any, learned: Floats
) -> tuple[eta_page.Ages, drift.Cases]:
    """How honest arrivals are when positions are old."""
    random = np.random.default_rng(SEED)
    took = np.array([j.took_s for j in journeys])
    fits = np.isfinite(learned)
    errors = [np.column_stack([learned, took / learned])[fits & (folds == f)] for f in range(FOLDS)]
    cases = drift.cases_of(roads, driven, errors, random)
    band = drift.held_out(cases, random)
    buckets = [
        (age, int((cases.age_s == age).sum()), drift.covered(cases, band, cases.age_s == age))
        for age in drift.AGES_S
    ]
    shipped = drift.covered(cases, drift.arrivals(cases, drift.Numbers()))
    return eta_page.Ages(
        drift.covered(cases, band), shipped, buckets, drift.reliability(cases, band, random)
    ), cases


def error_figures(errors: dict[str, Errors]) -> list[dict[str, Any]]:
    """The errors of learned speeds beside their peers."""
    peer = "OSRM" if "OSRM" in errors else "free flow"
    found = []
    for which in ("", ", direct"):
        ours, theirs = errors["learned" + which], errors[peer + which]
        named = f" ({which[2:]} drives)" if which else ""
        found += [
            {
                "metric": f"median error{named}", "unit": "%", "ours": round(100 * ours.median, 1),
                "peer": round(100 * theirs.median, 1), "peer_name": peer, "ratio": round(theirs.median / ours.median, 2),
                "goal": 100 * GOAL_MEDIAN, "holds": round(ours.median, 3) <= GOAL_MEDIAN,
            },
            {
                "metric": f"90th percentile error{named}", "unit": "%", "ours": round(100 * ours.p90, 1),
                "peer": round(100 * theirs.p90, 1), "peer_name": peer, "ratio": round(theirs.p90 / ours.p90, 2),
                "goal": None, "holds": None,
            },
            {
                "metric": f"bias of the median{named}", "unit": "%", "ours": round(100 * (ours.bias - 1), 1),
                "peer": round(100 * (theirs.bias - 1), 1), "peer_name": peer, "ratio": None,
                "goal": 100 * GOAL_BIAS, "holds": abs(ours.bias - 1) <= GOAL_BIAS,
            },
        ]  # fmt: skip
    return found


def left_figures(remains: left.Left) -> list[dict[str, Any]]:
    """How low the error could be at all."""
    same = f"two taxis on one way, {remains.pairs} pairs: error of who knew the mean of all"
    return [
        {"metric": name, "unit": "%", "ours": round(100 * share, 1), "goal": None, "holds": None}
        for name, share in (
            ("median error had the roads driven been known", remains.known),
            (same, remains.same),
        )
    ]


def age_figures(ages: eta_page.Ages, *, quick: bool) -> list[dict[str, Any]]:
    """How often the 80 % interval held the truth. Half of the trips are too few to judge single ages by."""
    worst = max(ages.buckets, key=lambda b: abs(b[2] - 0.8))
    return [
        {
            "metric": "80 % interval covers", "unit": "%", "ours": round(100 * ages.covered, 1),
            "goal": 80.0, "holds": abs(ages.covered - 0.8) <= GOAL_COVER,
        },
        {
            "metric": f"80 % interval, worst age ({worst[0]} s)", "unit": "%", "ours": round(100 * worst[2], 1),
            "goal": None if quick else 80.0, "holds": None if quick else abs(worst[2] - 0.8) <= GOAL_BUCKET,
        },
        {
            "metric": "80 % interval with the numbers in force", "unit": "%", "ours": round(100 * ages.shipped, 1),
            "goal": 80.0, "holds": abs(ages.shipped - 0.8) <= GOAL_COVER,
        },
    ]  # fmt: skip
