"""A track as people tell it: stops and the trips between them. Pure; fixes in order of time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from geo.filters import Limits
from geo.fix import Fix, LonLat, metres_between
from geo.motion import reachable

STOP_RADIUS_M = 80.0
STOP_FOR = timedelta(minutes=3)
# A silence longer than this is a gap of its own: nobody knows what was in it.
GAP = timedelta(minutes=5)


@dataclass(frozen=True)
class Stop:
    """Somebody stayed within `STOP_RADIUS_M` for three minutes or more."""

    start: datetime
    end: datetime
    place: LonLat
    fixes: int


@dataclass(frozen=True)
class Drive:
    """The way between two stops; `metres` is along the fixes."""

    start: datetime
    end: datetime
    metres: int
    fixes: int


@dataclass(frozen=True)
class Gap:
    """A silence in the track."""

    start: datetime
    end: datetime


def gaps(fixes: Sequence[Fix], start: datetime, end: datetime, longer: timedelta = GAP) -> list[Gap]:
    """The silences of a period, its beginning and end included."""
    moments = [start, *(fix.fixed_at for fix in fixes if start <= fix.fixed_at <= end), end]
    return [Gap(a, b) for a, b in pairwise(moments) if b - a > longer]


def plausible(fixes: Iterable[Fix], limits: Limits) -> list[Fix]:
    """The precise fixes without single impossible jumps: what a day is told by."""
    kept: list[Fix] = []
    for fix in fixes:
        if fix.accuracy_m is not None and fix.accuracy_m > limits.max_accuracy_m:
            continue
        if not kept or reachable(kept[-1], fix, limits):
            kept.append(fix)
    return kept


def told(fixes: Sequence[Fix], limits: Limits | None = None) -> list[Stop | Drive | Gap]:
    """Stops, drives and gaps of a track, in order of time."""
    parts: list[Stop | Drive | Gap] = []
    for run in _runs(plausible(fixes, limits or Limits())):
        if parts:
            parts.append(Gap(parts[-1].end, run[0].fixed_at))
        parts.extend(_run(run))
    return parts


def _runs(fixes: Sequence[Fix]) -> list[list[Fix]]:
    """The track cut at its silences. Parked with a silent phone is no cut: the same place says he stayed."""
    runs: list[list[Fix]] = []
    for fix in fixes:
        near = bool(runs) and metres_between(runs[-1][-1].position(), fix.position()) <= STOP_RADIUS_M
        if runs and (near or fix.fixed_at - runs[-1][-1].fixed_at <= GAP):
            runs[-1].append(fix)
        else:
            runs.append([fix])
    return runs


def _run(fixes: Sequence[Fix]) -> list[Stop | Drive]:
    parts: list[Stop | Drive] = []
    driven = 0  # where the drive that is being walked begins
    at = 0
    while at < len(fixes):
        end = _stays(fixes, at)
        if fixes[end].fixed_at - fixes[at].fixed_at < STOP_FOR:
            at += 1
            continue
        if at > driven:
            parts.append(_drive(fixes[driven : at + 1]))
        stayed = fixes[at : end + 1]
        place = LonLat(median(f.lon for f in stayed), median(f.lat for f in stayed))
        parts.append(Stop(stayed[0].fixed_at, stayed[-1].fixed_at, place, len(stayed)))
        driven, at = end, end + 1
    if driven < len(fixes) - 1:
        parts.append(_drive(fixes[driven:]))
    return parts


def _stays(fixes: Sequence[Fix], at: int) -> int:
    """The last fix of the stay that begins at `at`: one fix astray does not end it, two do."""
    last, astray = at, 0
    for n in range(at + 1, len(fixes)):
        if metres_between(fixes[at].position(), fixes[n].position()) <= STOP_RADIUS_M:
            last, astray = n, 0
        else:
            astray += 1
            if astray == 2:
                break
    return last


def _drive(fixes: Sequence[Fix]) -> Drive:
    metres = sum(metres_between(a.position(), b.position()) for a, b in pairwise(fixes))
    return Drive(fixes[0].fixed_at, fixes[-1].fixed_at, round(metres), len(fixes))
