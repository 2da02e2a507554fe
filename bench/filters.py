"""What the position filter lets through and holds back, on a labelled set: real trips where the recording is, else made-up ones.

Trips are read from CHAKAN_PORTO, else from ../shared/data/porto/trips_train.csv (ECML/PKDD 2015, CC BY 4.0). The peer is the
textbook filter: a limit of speed and of accuracy. The two goals are over all rounds together; a round is another seed.
"""

import os
import time
from pathlib import Path
from typing import Any

from geo.filters import Limits
from geo.fix import metres_between
from lab import misreadings
from lab.judging import FINDS, MEANT, MOVED, Score, judge
from lab.misreadings import Drive

ROOT = Path(__file__).resolve().parent.parent
TRIPS = ROOT.parent / "shared" / "data" / "porto" / "trips_train.csv"
GOAL_SURVIVED_PCT, GOAL_DROPPED_PCT = 1.0, 0.5


def main(quick: bool) -> dict[str, Any]:
    """Judges several sets; `quick` ends within 50 s."""
    path = Path(os.environ.get("CHAKAN_PORTO", TRIPS))
    real = path.exists()
    trips = misreadings.recorded(path) if real else misreadings.made_up(1, 600, 60)
    ours, plain, taken_s, fixes = Score(), Score(), 0.0, 0
    for seed in range(1, 4 if quick else 11):
        drives = misreadings.drives(trips, seed, misreadings.moment())
        began = time.perf_counter()
        judged = judge(drives)
        taken_s += time.perf_counter() - began
        fixes += sum(len(drive.told) for drive in drives)
        ours.add(judged)
        for drive in drives:
            textbook(drive, plain)
    source = f"{len(trips)} recorded trips" if real else f"{len(trips)} made-up drives"
    print(f"{source}; {ours.good:,} good fixes, {ours.faults.total():,} faults, {ours.jumps:,} of them jumps")
    return {"source": source, "figures": [*goals(ours, plain, taken_s / fixes), *reasons(ours)]}


def goals(ours: Score, plain: Score, each_s: float) -> list[dict[str, Any]]:
    """The two goals beside the textbook's figures, and what a fix costs."""
    shown = []
    for metric, mine, peer, goal in (
        ("jumps that move the dot", ours.survived_pct(), plain.survived_pct(), GOAL_SURVIVED_PCT),
        ("good fixes that do not", ours.dropped_pct(), plain.dropped_pct(), GOAL_DROPPED_PCT),
    ):
        ratio = round(mine / peer, 3) if peer else None
        shown.append({"metric": metric, "unit": "%", "ours": round(mine, 2), "peer": round(peer, 2), "ratio": ratio,
                      "goal": goal, "holds": mine <= goal})  # fmt: skip
    small = 100 * ours.small_survived / max(1, ours.small)
    shown.append(figure("misplaced by 150 to 300 m, moves the dot", "%", small))
    shown.append(figure("judging a fix", "µs", 1e6 * each_s))
    return shown


def reasons(score: Score) -> list[dict[str, Any]]:
    """How right each reason is, and how many of each fault get a reason meant for it."""
    right = [figure(f"right: {name}", "%", score.precision(name)) for name in MEANT if score.given[name]]
    found = [figure(f"found: {name}", "%", score.recall(name)) for name in FINDS if score.faults[name]]
    return right + found


def figure(metric: str, unit: str, value: float) -> dict[str, Any]:
    """A figure without a goal."""
    return {"metric": metric, "unit": unit, "ours": round(value, 1), "peer": None, "ratio": None, "goal": None,
            "holds": None}  # fmt: skip


def textbook(drive: Drive, score: Score) -> None:
    """What many a tracking server does: refuse zero, future, imprecise, and more than 50 m/s from the last good one."""
    limits, last = Limits(), None
    for told in drive.told:
        fix, now = told.fix, told.fix.received_at or told.fix.fixed_at
        verdict = MOVED
        if (fix.lon, fix.lat) == (0, 0):
            verdict = "zero"
        elif fix.fixed_at - now > limits.ahead:
            verdict = "from_the_future"
        elif fix.accuracy_m is not None and fix.accuracy_m > limits.max_accuracy_m:
            verdict = "imprecise"
        elif now > drive.ended:
            verdict = "off_duty"
        elif last is not None and fix.fixed_at <= last.fixed_at:
            verdict = "late"
        elif last is not None:
            seconds = (fix.fixed_at - last.fixed_at).total_seconds()
            if metres_between(fix.position(), last.position()) > limits.max_speed_mps * seconds:
                verdict = "impossible_speed"
        if verdict == MOVED:
            last = fix
        score.count(told, verdict)
