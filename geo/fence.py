"""Coming to a place and leaving it again, by somebody's own fixes: with dwell, so that driving by is neither."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from geo.fix import Fix, LonLat, metres_between

# Two fixes farther apart in time than this do not prove that somebody stayed in between.
DWELL_GAP = timedelta(minutes=5)
# He has left when he is this much farther off than the dwell radius, and stays out of it as long as it took to be there.
LEFT_BEYOND_M = 150.0


@dataclass(frozen=True)
class Visit:
    """A stay at a place: from the first fix of the dwell to the first fix away; `left` None while it lasts."""

    came: datetime
    left: datetime | None = None


@dataclass
class Fence:
    """A place with what counts as being there: `for_s` seconds within `radius_m`, by fixes of at most `max_accuracy_m`."""

    place: LonLat
    radius_m: float = 200
    for_s: float = 60
    max_accuracy_m: float = 200

    def visits(self, fixes: Iterable[Fix]) -> list[Visit]:
        """Every stay, in order. Fixes must be in order of time; an imprecise one proves nothing either way.

        A silence of more than five minutes breaks an arrival that is not proven yet; it does not end a stay.
        """
        found: list[Visit] = []
        came = seen = away = None
        inside = False
        for fix in fixes:
            if fix.accuracy_m is not None and fix.accuracy_m > self.max_accuracy_m:
                continue
            metres = metres_between(fix.position(), self.place)
            if inside:
                away = self._away(away, fix, metres)
                if away is not None and (fix.fixed_at - away).total_seconds() >= self.for_s:
                    found[-1] = Visit(found[-1].came, away)
                    inside, came, away = False, None, None
            elif metres > self.radius_m:
                came = None
            else:
                if came is None or seen is None or fix.fixed_at - seen > DWELL_GAP:
                    came = fix.fixed_at
                seen = fix.fixed_at
                if (seen - came).total_seconds() >= self.for_s:
                    found.append(Visit(came))
                    inside = True
        return found

    def _away(self, since: datetime | None, fix: Fix, metres: float) -> datetime | None:
        if metres <= self.radius_m:
            return None
        if metres > self.radius_m + LEFT_BEYOND_M:
            return since or fix.fixed_at
        return since
