"""Drive times: ours inside the process beside OSRM's `/table` (contraction hierarchies) on the same extract, in one run.

Ours is asked as the dispatcher asks: surveyors were snapped when their positions came, the loss is snapped in the timed
call. OSRM snaps per request unless it is given hints from an earlier one; it is asked both ways. Turn restrictions are
respected by both. Rounds are interleaved; what counts is the median of the rounds' ratios.

The city is Porto from CHAKAN_SHARED, else from ../shared; without it the generated city, and then without a peer.
`--quick` cannot wait a minute for OSRM to contract Porto: unless an earlier run did, it measures a small part of Shenzhen."""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bench.osrm import Osrm, prepared, serving
from geo.fix import LonLat, metres_between
from geo.roads import building
from geo.roads.graph import Roads, SnapCache, Snaps

ROOT = Path(__file__).parent.parent
SHARED = Path(os.environ.get("CHAKAN_SHARED") or ROOT.parent / "shared")
CITY = SHARED / "data" / "porto" / "porto.osm.pbf"
SMALL_CITY = SHARED / "data" / "china" / "shenzhen_longgang.osm"
GOAL_ONE, GOAL_MANY, GOAL_ALL_MS, GOAL_METRIC_MS, GOAL_OPEN_MS, GOAL_QUALITY = (
    20.0,
    4.0,
    3.0,
    100.0,
    1000.0,
    1.01,
)
PEER = "OSRM CH /table over loopback"
SPREAD_M = 150.0  # people stand beside roads, not on them


@dataclass
class Watch:
    """Milliseconds of each round's median, by what was asked."""

    rounds: dict[str, list[float]] = field(default_factory=dict)

    def take(self, name: str, call: Callable[[LonLat], object], losses: Sequence[LonLat]) -> None:
        """Times the call for each loss and keeps the median as this round's."""
        spent = []
        for loss in losses:
            began = time.perf_counter()
            call(loss)
            spent.append((time.perf_counter() - began) * 1000)
        self.rounds.setdefault(name, []).append(statistics.median(spent))

    def ms(self, name: str) -> float | None:
        """The median of the rounds."""
        return statistics.median(self.rounds[name]) if name in self.rounds else None

    def ratio(self, ours: str, peer: str) -> float | None:
        """The median of the rounds' ratios, peer ÷ ours."""
        if peer not in self.rounds:
            return None
        return statistics.median(b / a for a, b in zip(self.rounds[ours], self.rounds[peer], strict=True))


def main(quick: bool) -> dict[str, Any]:
    """Measures both; `quick` ends within 50 s."""
    extract = chosen_city(quick)
    with tempfile.TemporaryDirectory(prefix="chakan-roads-") as folder:
        facts = built(extract, Path(folder))
        watch = Watch()
        for _ in range(3 if quick else 7):
            watch.take("open", lambda _: Roads.open(Path(folder)), [LonLat(0, 0)])
        roads = Roads.open(Path(folder))
        with no_peer() if extract is None else serving(extract, prepare=True) as osrm:
            crowd = Crowd(roads)
            for number in range(5 if quick else 15):
                crowd.round(watch, osrm, number, each=10 if quick else 20)
            quality = {n: chosen(roads, osrm, crowd, n, jobs=60 if quick else 300) for n in (20, 200)}
    return {"city": facts["source"], "facts": facts, "figures": figures(facts, watch, quality)}


def chosen_city(quick: bool) -> Path | None:
    """The extract to measure; None, with a word why, when there is none."""
    if CITY.exists() and (not quick or prepared(CITY)):
        return CITY
    if CITY.exists() and SMALL_CITY.exists():
        print(f"quick, and OSRM is not prepared for {CITY.name}: {SMALL_CITY.name} instead", file=sys.stderr)
        return SMALL_CITY
    print(f"{CITY.name} is not here: the generated city, without a peer", file=sys.stderr)
    return None


def built(extract: Path | None, folder: Path) -> dict[str, Any]:
    """Builds the graph that is measured."""
    if extract is not None:
        return building.from_osm(extract, folder)
    from lab import casework, roadgraph

    return roadgraph.build(casework.city_of(""), folder, {"source": "generated city"})


class no_peer:
    """Nobody to compare with."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


class Crowd:
    """Ten thousand surveyors beside the roads of the city, and losses."""

    def __init__(self, roads: Roads) -> None:
        self.roads = roads
        self.rng = np.random.default_rng(20130701)
        self.people = self.places(10_000)
        self.cache = SnapCache(roads)
        self.all = self.cache.snaps(self.people)
        self.hints: list[str] = []

    def places(self, count: int) -> list[LonLat]:
        """Places drawn by kilometres of road, a little off it."""
        net = self.roads.network
        edges = self.rng.choice(len(net.start), count, p=net.length_m / net.length_m.sum())
        at = net.shape[net.first[edges]]
        off = self.rng.normal(0, SPREAD_M / 111_195, (count, 2)) / [np.cos(np.radians(at[0, 1])), 1]
        return [LonLat(float(lon), float(lat)) for lon, lat in at + off]

    def round(self, watch: Watch, osrm: Osrm | None, number: int, *, each: int) -> None:
        """One round: every question to us, then to OSRM, about the same places."""
        roads, losses = self.roads, self.places(each)
        self.all = self.cache.snaps(self.people)  # some have moved in the round before
        near, snaps = self.people[:200], self.all[:200]
        fifty = self.places(50)
        self.hints = [] if osrm is None else osrm.hints(near)
        if number == 0:
            roads.seconds_to(self.all, self.all[0])  # both sides have answered before the clock runs
        jobs = roads.snap(fifty)
        watch.take("1", lambda loss: roads.many_to_one(snaps, roads.snap([loss])[0]), losses)
        watch.take("all", lambda loss: roads.seconds_to(self.all, roads.snap([loss])[0]), losses)
        watch.take("moved", lambda loss: self.moved(loss), losses)
        watch.take("50", lambda _: roads.matrix(jobs, snaps), losses[:3])
        watch.take("50 snapped", lambda _: roads.matrix(roads.snap(fifty), snaps), losses[:3])
        watch.take(
            "metric", lambda _: roads.customise(roads.network.seconds * (1 + number / 100)), losses[:1]
        )
        roads.customise(roads.network.seconds)
        if osrm is not None:
            few = losses[: max(3, each // 3)]
            watch.take("1 osrm", lambda loss: osrm.table(near, [loss]), few)
            watch.take("1 osrm hints", lambda loss: osrm.table(near, [loss], self.hints), few)
            watch.take("50 osrm", lambda _: osrm.table(fifty, near), losses[:3])

    def moved(self, loss: LonLat) -> None:
        """Somebody has pinged since the last loss: his place is snapped, and everybody's ends are pinned anew."""
        self.people[int(self.rng.integers(len(self.people)))] = loss
        self.roads.seconds_to(self.cache.snaps(self.people), self.roads.snap([loss])[0])


@dataclass(frozen=True)
class Quality:
    """Mean arrival of the chosen ÷ mean arrival of the best, over the jobs."""

    by_road: float
    straight: float
    straight_wrong: float
    by_road_osrm: float | None
    straight_osrm: float | None


def chosen(roads: Roads, osrm: Osrm | None, crowd: Crowd, people: int, *, jobs: int) -> Quality:
    """Who would be sent, by road and in a straight line, judged by our own times and by OSRM's."""
    spent = {name: [0.0, 0.0] for name in ("road", "line", "road osrm", "line osrm")}
    wrong = 0
    for job in crowd.places(jobs):
        rows = crowd.rng.choice(len(crowd.people), people, replace=False)
        seconds = roads.seconds_to(Snaps.take(crowd.all, rows.tolist()), roads.snap([job])[0])
        if not np.isfinite(seconds).all():
            continue
        line = int(np.argmin([metres_between(job, crowd.people[row]) for row in rows]))
        ours = int(np.argmin(seconds))
        wrong += line != ours
        judges = [("", seconds)]
        if osrm is not None:
            theirs = osrm.table([crowd.people[row] for row in rows], [job])[:, 0]
            judges += [(" osrm", theirs)] if np.isfinite(theirs).all() else []
        for name, judge in judges:
            for who, pick in (("road", ours), ("line", line)):
                spent[who + name][0] += float(judge[pick])
                spent[who + name][1] += float(judge.min())
    found = {name: a / b if b else None for name, (a, b) in spent.items()}
    return Quality(
        found["road"] or 0.0, found["line"] or 0.0, wrong / jobs, found["road osrm"], found["line osrm"]
    )


def figures(facts: dict[str, Any], watch: Watch, quality: dict[int, Quality]) -> list[dict[str, Any]]:
    """Every figure, with what it is measured against."""
    bans = f"{facts.get('turn_bans', 0)} turn bans"
    found = [
        figure(f"build {facts['source']}: {facts['edges']:,} edges, {bans}", facts["build_s"], "s"),
        figure("open the graph in a process", watch.ms("open"), "ms", goal=GOAL_OPEN_MS),
        figure("new speeds for the whole city", watch.ms("metric"), "ms", goal=GOAL_METRIC_MS),
        figure("200 surveyors to 1 loss, loss snapped", watch.ms("1"), "ms", peer=watch.ms("1 osrm")),
        beside("… beside OSRM CH /table", watch.ratio("1", "1 osrm"), GOAL_ONE),
        beside("… beside OSRM with hints (no snapping of people)", watch.ratio("1", "1 osrm hints"), None),
        figure("all of 10,000 to 1 loss, loss snapped", watch.ms("all"), "ms", goal=GOAL_ALL_MS),
        figure("… when one of them has just moved", watch.ms("moved"), "ms"),
        figure("50 losses × 200 surveyors", watch.ms("50"), "ms", peer=watch.ms("50 osrm")),
        beside("… beside OSRM CH /table", watch.ratio("50", "50 osrm"), GOAL_MANY),
        beside("… with the 50 losses snapped too", watch.ratio("50 snapped", "50 osrm"), None),
    ]
    for people, seen in quality.items():
        found += [
            figure(
                f"arrival of the chosen ÷ best of {people}, by road", seen.by_road, "×", goal=GOAL_QUALITY
            ),
            figure(
                f"… nearest in a straight line ({seen.straight_wrong:.0%} chosen wrong)", seen.straight, "×"
            ),
        ]
        if seen.by_road_osrm is not None:
            found += [
                figure("… ours, judged by OSRM's own times", seen.by_road_osrm, "×"),
                figure("… straight line, judged by OSRM's own times", seen.straight_osrm, "×"),
            ]
    return found


def figure(
    metric: str, ours: float | None, unit: str, *, goal: float | None = None, peer: float | None = None
) -> dict[str, Any]:
    """One line of the result; smaller is better."""
    shown = None if ours is None else round(ours, 3)
    return {
        "metric": metric, "unit": unit, "ours": shown, "peer": None if peer is None else round(peer, 3),
        "peer_name": PEER, "ratio": round(peer / shown, 2) if peer and shown else None, "goal": goal,
        "holds": None if goal is None or shown is None else shown <= goal,
    }  # fmt: skip


def beside(metric: str, ratio: float | None, goal: float | None) -> dict[str, Any]:
    """How many times as fast as the peer; None when there was none."""
    shown = None if ratio is None else round(ratio, 1)
    return {
        "metric": metric, "unit": "×", "ours": shown if shown is not None else "no peer", "peer": 1.0 if shown else None,
        "peer_name": PEER, "ratio": shown, "goal": goal,
        "holds": None if shown is None or goal is None else shown >= goal,
    }  # fmt: skip
