"""What a phone told since its dot stood still: enough to believe it after all, or not."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from geo import motion
from geo.fix import Fix
from geo.motion import digits, reachable, strain

if TYPE_CHECKING:
    from geo.filters import Limits

# An impossible jump must be told this many times, besides lasting fix_believe_s, before the dot follows it.
BELIEVED_FIXES = 5
# A jump a car could make, only not as this phone tells its speed: reflections off houses end within a minute or so.
SOON_FIXES, SOON = 6, timedelta(seconds=75)
# A move a little beyond the likely was a bend or a hard braking, if the next fix agrees.
LITTLE = 1.3
# Once something was doubted, the way back to the dot must be plain.
WARY = 0.5
# A phone that hung, or lost its speed for a moment, is believed when the next fix agrees.
AGAIN_FIXES = 2
# After so many fixes that could come from the dot as well as from the run it no longer matters which.
ALIKE_FIXES = 4
# Nearer than this a wrong fix changes nothing, and the track need not be asked.
NEAR_M = 150.0


def blind(dot: Fix, fix: Fix) -> bool:
    """Whether a phone that told its speed is farther than it led all at once and tells none: by cell or Wi-Fi, not by GPS."""
    if dot.speed_mps is None or fix.speed_mps is not None:
        return False
    return motion.apart_m(dot, fix) > NEAR_M / 2 + dot.speed_mps * motion.seconds(dot, fix)


@dataclass
class Story:
    """The newest run of fixes, none of them followed by the dot, that agree with each other.

    Without it one false fix a thousand kilometres off would freeze the dot for hours. By the time an impossible story is
    believed the old dot has long been stale, so nobody was sent by either.
    """

    limits: "Limits"
    dot: Fix
    before_mps: float | None
    base: Fix  # the first fix at the dot's very place: a phone that tells no speed may have hung since then
    first: Fix | None = None
    newest: Fix | None = None
    count: int = 0
    fresh: int = 0  # those that say something new
    alike: int = 0  # those that are as likely from the dot
    easy: bool = False
    pace_mps: float | None = None

    def from_dot(self, fix: Fix) -> float:
        """How hard it is to come to the fix from the dot; up to 1 is likely."""
        return strain(self.dot, fix, self.limits, self.before_mps)

    def onward(self, fix: Fix) -> float:
        """How hard it is to go on from the run to the fix; above 1 it contradicts the run."""
        if self.newest is None:
            return float("inf")
        return strain(self.newest, fix, self.limits, self.pace_mps)

    def tell(self, fix: Fix) -> None:
        """Adds a fix; one that contradicts the run begins a new one."""
        agrees = self.newest is not None and self.onward(fix) <= 1
        again = agrees and self.newest is not None and digits(self.newest) == digits(fix)
        if agrees and self.newest is not None:
            self.pace_mps = motion.pace_mps(self.newest, fix) or self.pace_mps
        else:
            self.first, self.count, self.fresh, self.alike, self.pace_mps = fix, 0, 0, 0, self.before_mps
            self.easy = self._easy(fix)
        # The same reading once more is no second witness.
        self.count, self.fresh = self.count + 1, self.fresh + (not again)
        self.alike += not again and self.from_dot(fix) <= 1
        self.newest = fix

    def _easy(self, fix: Fix) -> bool:
        if self.base is not self.dot:
            return reachable(self.base, fix, self.limits)
        leap = self.from_dot(fix)
        told = motion.told_way(self.dot, fix) is not None
        return leap <= LITTLE if told else leap <= 1 and blind(self.dot, fix)

    def follows_dot(self, fix: Fix) -> bool:
        """Whether the fix is likely from the dot, and does not rather go on with the run."""
        if self.from_dot(fix) > (1 if self.newest is None else WARY) or blind(self.dot, fix):
            return False
        if self.newest is None or self.onward(fix) > 1:
            return True
        if digits(self.newest) == digits(fix):
            return False
        nearer = motion.apart_m(self.dot, fix) <= motion.apart_m(self.newest, fix)
        return nearer or self.alike >= ALIKE_FIXES

    @property
    def reason(self) -> str:
        """Why the dot did not follow the run."""
        if self.first is None or reachable(self.base, self.first, self.limits):
            return "unlikely_move"
        return "impossible_speed"

    def believed(self) -> bool:
        """Whether it was told often and long enough."""
        if self.first is None or self.newest is None:
            return False
        lasted = self.newest.fixed_at - self.first.fixed_at
        if self.reason == "unlikely_move":
            soon = self.fresh >= SOON_FIXES and lasted >= SOON
            return soon or (self.easy and self.fresh >= AGAIN_FIXES)
        return self.count >= BELIEVED_FIXES and lasted >= self.limits.believe
