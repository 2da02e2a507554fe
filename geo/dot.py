"""The dot's walk along new fixes: forward only, not by a jump, not frozen by one false fix."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from geo.columns import Columns
from geo.filters import Limits, precise, track_only
from geo.fix import Fix
from geo.motion import (
    LEAST_SLACK_M,
    METRES_A_DEGREE,
    MOVING_MPS,
    apart_m,
    reachable,
    seconds,
    since_stuck,
    speed_before,
    strain,
    stuck,
    velocity,
)
from geo.story import NEAR_M, Story

# How far back a story may begin: an app that saves power speaks every quarter of an hour.
LOOK_BACK = timedelta(hours=2)
# How much of the track before the dot is looked at.
BEFORE = timedelta(minutes=10)
# A phone that tells its speed and spoke this lately is judged by its two fixes alone.
LATELY_S = 20.0

Stored = Callable[[datetime], Sequence[Fix]]


class Witness:
    """The stored track around the dot, asked for once and only if there is something to doubt."""

    def __init__(self, stored: Stored, limits: Limits) -> None:
        self.stored, self.limits = stored, limits
        self.track: list[Fix] | None = None
        self.told = 0
        self.story: Story | None = None

    def forget(self) -> None:
        """Begins anew: the dot moved."""
        self.story = None

    def hear(self, dot: Fix, upto: Fix) -> Story:
        """What was told after the dot and before a fix."""
        if self.track is None:
            since = max(dot.fixed_at - BEFORE, upto.fixed_at - LOOK_BACK)
            self.track = [fix for fix in self.stored(since) if precise(fix, self.limits)]
        if self.story is None:
            base = since_stuck(self.track, dot) if dot.speed_mps is None else dot
            self.story = Story(self.limits, dot, speed_before(self.track, dot, self.limits), base)
        while self.told < len(self.track) and self.track[self.told].fixed_at < upto.fixed_at:
            fix = self.track[self.told]
            self.told += 1
            if fix.fixed_at > dot.fixed_at:
                self.story.tell(fix)
        return self.story

    def tell(self, fix: Fix) -> None:
        """The fix is held and becomes part of the story; the track does not tell it again."""
        if self.story is not None and self.track is not None:
            while self.told < len(self.track) and self.track[self.told].fixed_at <= fix.fixed_at:
                self.told += 1
            self.story.tell(fix)

    def thawed(self, dot: Fix, fix: Fix) -> bool:
        """Whether the dot hung at one place to the last digit and the phone now moves on from where it last knew."""
        first = since_stuck(self.track or (), dot)
        moving = fix.speed_mps is not None and fix.speed_mps > MOVING_MPS
        return first is not dot and moving and reachable(first, fix, self.limits)


def doubt(dot: Fix, fix: Fix, witness: Witness, limits: Limits) -> str | None:
    """Why a later, precise fix may not move the dot all the same; None when it may."""
    if stuck(dot, fix):
        return "too_steady"
    if unsuspicious(dot, fix, limits):
        return None
    story = witness.hear(dot, fix)
    if story.follows_dot(fix) or witness.thawed(dot, fix):
        return None
    witness.tell(fix)
    return None if story.believed() else story.reason


def unsuspicious(dot: Fix, fix: Fix, limits: Limits) -> bool:
    """Whether the two fixes alone say that all is well, so that the track need not be asked."""
    near = apart_m(dot, fix) <= NEAR_M
    if velocity(dot) is None or velocity(fix) is None:
        return near
    lately = seconds(dot, fix) <= LATELY_S
    return (near or lately) and strain(dot, fix, limits) <= 1


# Two places this far apart differ in their last digit.
DIGIT_M = 0.1


def follows(dot: Fix, fix: Fix, since: datetime, limits: Limits) -> bool:
    """Whether the fix surely moves the dot. False says nothing: ask `track_only` and `doubt`."""
    return led(dot, (fix,), 0, since, limits) == 1


def led(dot: Fix, fixes: Sequence[Fix], start: int, since: datetime, limits: Limits) -> int:
    """Up to which of the fixes, from `start` on, the dot surely moves step by step; worked out without a sine.

    `since` is the oldest that is not late. Whatever is let through here has no reason against it in `track_only` or
    `doubt`, and the track is not needed to say so: it is near, reachable, not stuck, and as near to where the told speeds
    lead as any car may be. One loop without calls: it runs once for every fix the server hears.
    """
    most_m, most_mps = limits.max_accuracy_m, limits.max_speed_mps
    at, lon, lat, before = dot.fixed_at, dot.lon, dot.lat, dot.speed_mps
    for number in range(start, len(fixes)):
        fix = fixes[number]
        then, accuracy_m, after = fix.fixed_at, fix.accuracy_m, fix.speed_mps
        if then <= at or then < since or (accuracy_m is not None and accuracy_m > most_m):
            return number
        metres = (abs(fix.lon - lon) + abs(fix.lat - lat)) * METRES_A_DEGREE
        for_s = (then - at).total_seconds()
        # `not … <=`: a place that is no number leads nowhere.
        if not metres <= NEAR_M or metres > most_mps * for_s:
            return number
        if before is not None and after is not None:
            if metres < DIGIT_M and before > MOVING_MPS and after > MOVING_MPS:
                return number
            if metres + (before + after) / 2 * for_s > LEAST_SLACK_M:
                return number
        at, lon, lat, before = then, fix.lon, fix.lat, after
    return len(fixes)


def walk(
    dot: Fix | None, fresh: Sequence[Fix], stored: Stored, now: datetime, limits: Limits
) -> tuple[Fix | None, Counter[str]]:
    """Where the dot moves to (None when it stays), and why the other new fixes are in the track only.

    `fresh` is in order of time and already part of `stored(since)`, the track from a time on, in order of
    time.
    """
    since = now - limits.late
    if type(fresh) is Columns:
        if dot is not None and fresh.all_led(dot, since, limits, NEAR_M, DIGIT_M):
            return fresh[-1], Counter()
        fresh = list(fresh)
    number = 0 if dot is None else led(dot, fresh, 0, since, limits)
    if fresh and number == len(fresh):
        return fresh[-1], Counter()
    held: Counter[str] = Counter()
    moved = fresh[number - 1] if number else None
    dot = moved or dot
    witness = Witness(stored, limits)
    while number < len(fresh):
        if dot is not None:
            upto = led(dot, fresh, number, since, limits)
            if upto > number:
                dot = moved = fresh[upto - 1]
                witness.forget()
                number = upto
                continue
        fix = fresh[number]
        number += 1
        reasons: list[str] = track_only(fix, dot, now, limits)
        if dot is not None and reasons in ([], ["impossible_speed"]):
            found = doubt(dot, fix, witness, limits)
            reasons = [] if found is None else [found]
        if reasons:
            held[reasons[0]] += 1
        else:
            dot = moved = fix
            witness.forget()
    return moved, held
