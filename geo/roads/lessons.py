"""The nightly lesson: surveyors' own tracks become road speeds, judged on tracks they were not learned from.

A lesson is a row: asked for by the sweeper at night or by a person, taken by one worker, closed with its figures. What was
learned is put in force only when, for surveyors it was not learned from, it is no worse than what is in force.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from core import audit, clock
from core.database import Sessions
from geo import queries, store
from geo.fix import Fix
from geo.roads import learning, speeds
from geo.roads.graph import Roads
from geo.roads.learning import Errors, Journey
from geo.roads.mapmatch import Matcher, Steps
from geo.roads.speeds import Speeds

log = logging.getLogger(__name__)

# Three in the morning in China, in UTC: nobody waits then. Four weeks hold each hour of the week four times.
AT_UTC = time(19, 0)
SPAN = timedelta(days=28)
LONGEST_S = 3_600
# About 2,000 fixes are matched a second; a large insurer's month is sampled down to a few minutes' work.
MOST_FIXES = 400_000
MAX_ACCURACY_M = 50.0
# Fewer journeys than this teach nothing that could be judged.
LEAST_JOURNEYS = 40
HELD_BACK = 5  # every fifth surveyor is judged, not learned from
SYSTEM = 0

Tell = Callable[[int, int], None]


@dataclass(frozen=True)
class Driven:
    """What one surveyor drove."""

    surveyor_id: int
    fixes: int
    steps: Steps
    journeys: list[Journey]


def nightly(sessions: Sessions, data: Path, now: datetime | None = None) -> int | None:
    """The lesson that a worker should take now: last night's, asked for when it was not yet; None when there is none.

    Nothing is asked for while there is no road graph.
    """
    with sessions.begin() as session:
        at = clock.read(session, now)
        waiting = queries.open_lesson(session, at - timedelta(seconds=LONGEST_S))
        if waiting is not None:
            return waiting
        night = datetime.combine(at.date(), AT_UTC, at.tzinfo)
        night -= timedelta(days=1) if night > at else timedelta()
        last = queries.last_lesson_at(session)
        if not Roads.current(data / "roads") or (last is not None and last >= night):
            return None
        return queries.ask_lesson(session, at, at - SPAN, at)


def run(
    sessions: Sessions, data: Path, lesson_id: int, tell: Tell = lambda done, of: None
) -> dict[str, Any] | None:
    """Does a lesson; its figures, or None when another worker has it. Raises NoRoads."""
    with sessions.begin() as session:
        at = clock.read(session)
        span = queries.start_lesson(session, lesson_id, at, at - timedelta(seconds=LONGEST_S))
    if span is None:
        return None
    try:
        state, version, figures = _lesson(sessions, data, *span, tell)
    except Exception as error:
        with sessions.begin() as session:
            queries.end_lesson(session, lesson_id, "failed", None, {"error": type(error).__name__})
        raise
    with sessions.begin() as session:
        queries.end_lesson(session, lesson_id, state, version, figures)
        audit.append(
            session, SYSTEM, "roads.learned", "road_lesson", lesson_id, actor_kind="system",
            now=clock.read(session), state=state, fixes=figures["fixes"],
        )  # fmt: skip
    log.info(
        "road speeds learned", extra={"lesson_id": lesson_id, "state": state, "drives": figures["drives"]}
    )
    return {"state": state, "version": version, **figures}


def _lesson(
    sessions: Sessions, data: Path, since: datetime, until: datetime, tell: Tell
) -> tuple[str, str | None, dict[str, Any]]:
    roads = Roads.open(data / "roads")
    driven = list(read(sessions, roads, since, until, tell))
    figures = counts(driven)
    if figures["journeys"] < LEAST_JOURNEYS:
        return "kept", None, figures | {"why": "too_little_driven"}
    version = f"{until:%Y%m%dT%H%M%S}"
    in_force = speeds.load(data / "speeds")
    learned, judged = learn_and_judge(
        roads, driven, in_force, {"version": version, "since": since.isoformat(), "until": until.isoformat()}
    )
    figures |= judged
    if judged["after"]["median"] > judged["before"]["median"]:
        return "kept", None, figures | {"why": "no_better"}
    replace(learned, about={**learned.about, **figures}).save(data / "speeds")
    return "done", version, figures


def read(sessions: Sessions, roads: Roads, since: datetime, until: datetime, tell: Tell) -> Iterator[Driven]:
    """What each surveyor drove, matched to the roads; so many surveyors as fit the time there is."""
    matcher = Matcher(roads.network, roads.grid)
    with sessions.begin() as session:
        heard = queries.heard(session, since, until)
    whole = min(MOST_FIXES, sum(heard.values()))
    done = 0
    for surveyor_id in heard:
        if done >= MOST_FIXES:
            return
        with (
            sessions.begin() as session
        ):  # one surveyor at a time: no transaction stays open over the matching
            fixes = store.track(session, surveyor_id, since, until)
        done += len(fixes)
        yield matched(matcher, surveyor_id, fixes)
        tell(min(done, whole), whole)


def matched(matcher: Matcher, surveyor_id: int, fixes: list[Fix]) -> Driven:
    """The roads under a track, and its journeys."""
    good = [fix for fix in fixes if fix.accuracy_m is None or fix.accuracy_m <= MAX_ACCURACY_M]
    at_s = np.array([fix.fixed_at.timestamp() for fix in good])
    lon, lat = np.array([fix.lon for fix in good]), np.array([fix.lat for fix in good])
    steps = matcher.match(at_s, lon, lat)
    return Driven(surveyor_id, len(fixes), steps, learning.journeys(at_s, lon, lat))


def counts(driven: list[Driven]) -> dict[str, Any]:
    """How much was driven."""
    return {
        "surveyors": len(driven),
        "fixes": sum(one.fixes for one in driven),
        "drives": sum(len(np.unique(one.steps.drive)) for one in driven),
        "journeys": sum(len(one.journeys) for one in driven),
        "km": round(sum(float(one.steps.metres.sum()) for one in driven) / 1000),
    }


def learn_and_judge(
    roads: Roads, driven: list[Driven], in_force: Speeds | None, about: dict[str, Any]
) -> tuple[Speeds, dict[str, Any]]:
    """Learns from most, judges on the rest beside what is in force, then learns from all. Changes the weights of `roads`."""
    held = [one for i, one in enumerate(driven) if i % HELD_BACK == 0] if len(driven) > 1 else driven
    others = [one for i, one in enumerate(driven) if i % HELD_BACK] or driven
    judged = [j for one in held for j in one.journeys] or [j for one in others for j in one.journeys]
    took = np.array([j.took_s for j in judged])
    trial = from_driven(roads, others, about)
    before, after = (Errors.of(learning.predict(found, roads, judged), took) for found in (in_force, trial))
    figures = {"before": before._asdict(), "after": after._asdict()}
    return from_driven(roads, driven, about), figures


def from_driven(roads: Roads, driven: list[Driven], about: dict[str, Any]) -> Speeds:
    """Speeds learned and calibrated from what some people drove."""
    return learning.taught([(one.steps, one.journeys) for one in driven], roads, about)
