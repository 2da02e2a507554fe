"""The dot's walk along new fixes: forward only, not by an impossible jump, not frozen by one false fix."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from geo.filters import Limits, follows, precise, reachable, track_only
from geo.fix import Fix

# How far back a story may begin: an app that saves power speaks every quarter of an hour.
LOOK_BACK = timedelta(hours=2)
# A jump must be told this many times, besides lasting fix_believe_s, before the dot follows it.
BELIEVED_FIXES = 5


@dataclass
class Story:
    """The newest run of fixes that agree with each other.

    Without it one false fix a thousand kilometres off would freeze the dot for hours. By the time a story is
    believed the old dot has long been stale, so nobody was sent by either.
    """

    limits: Limits
    first: Fix | None = None
    newest: Fix | None = None
    count: int = 0

    def tell(self, fix: Fix) -> None:
        """Adds a fix; one that contradicts the run begins a new one."""
        if self.newest is None or not reachable(self.newest, fix, self.limits):
            self.first, self.count = fix, 0
        self.newest, self.count = fix, self.count + 1

    def believed(self) -> bool:
        """Whether it was told often and long enough."""
        if self.first is None or self.newest is None or self.count < BELIEVED_FIXES:
            return False
        return self.newest.fixed_at - self.first.fixed_at >= self.limits.believe


class Witness:
    """Feeds a story from the stored track, asked for once and only if there is something to doubt."""

    def __init__(self, stored: Callable[[datetime], Sequence[Fix]], limits: Limits) -> None:
        self.stored, self.limits = stored, limits
        self.track: list[Fix] | None = None
        self.told = 0
        self.story = Story(limits)

    def forget(self) -> None:
        """Begins anew: the dot moved."""
        if self.story.newest is not None:
            self.story = Story(self.limits)

    def confirms(self, dot: Fix, jump: Fix) -> bool:
        """Whether everything stored after the dot and up to the jump makes it believable."""
        if self.track is None:
            since = max(dot.fixed_at, jump.fixed_at - LOOK_BACK)
            self.track = [fix for fix in self.stored(since) if precise(fix, self.limits)]
        while self.told < len(self.track) and self.track[self.told].fixed_at <= jump.fixed_at:
            fix = self.track[self.told]
            self.told += 1
            if fix.fixed_at > dot.fixed_at:
                self.story.tell(fix)
        return self.story.believed()


def walk(
    dot: Fix | None,
    fresh: Sequence[Fix],
    stored: Callable[[datetime], Sequence[Fix]],
    now: datetime,
    limits: Limits,
) -> tuple[Fix | None, Counter[str]]:
    """Where the dot moves to (None when it stays), and why the other new fixes are in the track only.

    `fresh` is in order of time and already part of `stored(since)`, the track from a time on, in order of
    time.
    """
    held: Counter[str] = Counter()
    moved: Fix | None = None
    witness = Witness(stored, limits)
    since = now - limits.late
    for fix in fresh:
        if dot is not None and follows(dot, fix, since, limits):
            dot = moved = fix
            witness.forget()
            continue
        reasons = track_only(fix, dot, now, limits)
        if reasons == ["impossible_speed"] and dot is not None and witness.confirms(dot, fix):
            reasons = []
        if reasons:
            held[reasons[0]] += 1
        else:
            dot = moved = fix
            witness.forget()
    return moved, held
