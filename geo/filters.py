"""Which fixes are kept, which may move the dot, what a track proves: rules only, every reason by name."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

from geo.columns import Columns
from geo.fence import Fence
from geo.fix import Fix, LonLat
from geo.motion import MOVING_MPS, digits, reachable, swapped
from staff.rules import Known

# key, default, least, most, unit, title
SETTINGS = (
    ("fix_ahead_s", 60, 0, 3600, "s", "定位时间允许超前", "A fix may lie ahead of our clock"),
    ("fix_behind_days", 7, 1, 7, "d", "定位时间最多滞后", "A fix may be late"),
    ("fix_late_h", 24, 1, 168, "h", "滞后多久只记轨迹", "Later than this: track only"),
    ("fix_accuracy_m", 200, 10, 5000, "m", "精度差于此只记轨迹", "Less accurate: track only"),
    ("fix_useless_m", 5000, 200, 100_000, "m", "精度差于此拒收", "Less accurate: refused"),
    ("fix_speed_mps", 50, 10, 350, "m/s", "两点间最大合理速度", "Fastest believable move"),
    ("fix_believe_s", 300, 60, 7200, "s", "跳点持续多久后采信", "A jump is believed after"),
    ("fix_before_shift_min", 30, 0, 120, "min", "上班前容许时长", "Kept from before the shift"),
    ("track_keep_days", 90, 1, 3650, "d", "轨迹保存天数", "Tracks are kept"),
)
KNOWN = {
    key: Known(key, default, "int", zh, en, least, most, unit=unit)
    for key, default, least, most, unit, zh, en in SETTINGS
}
DEFAULTS: dict[str, Any] = {key: known.default for key, known in KNOWN.items()}

NULL_ISLAND_DEG = 0.001
STEADY_FOR = timedelta(hours=1)


@dataclass(frozen=True)
class Limits:
    """The settings of one organisation, as numbers to compare with."""

    ahead: timedelta = timedelta(seconds=60)
    behind: timedelta = timedelta(days=7)
    late: timedelta = timedelta(hours=24)
    max_accuracy_m: float = 200
    useless_accuracy_m: float = 5000
    max_speed_mps: float = 50
    believe: timedelta = timedelta(seconds=300)
    before_shift: timedelta = timedelta(minutes=30)

    @classmethod
    def of(cls, rules: Mapping[str, Any]) -> "Limits":
        """From rules by key; a missing key means the default."""
        value = DEFAULTS | dict(rules)
        return cls(
            ahead=timedelta(seconds=value["fix_ahead_s"]),
            behind=timedelta(days=value["fix_behind_days"]),
            late=timedelta(hours=value["fix_late_h"]),
            max_accuracy_m=value["fix_accuracy_m"],
            useless_accuracy_m=value["fix_useless_m"],
            max_speed_mps=value["fix_speed_mps"],
            believe=timedelta(seconds=value["fix_believe_s"]),
            before_shift=timedelta(minutes=value["fix_before_shift_min"]),
        )


@dataclass(frozen=True)
class Duty:
    """When somebody worked. Off duty now means nothing is taken, whatever the phone's clock says (P19)."""

    on: bool
    periods: tuple[tuple[datetime, datetime | None], ...]

    def covers(self, at: datetime, before_shift: timedelta) -> bool:
        """Whether a fix of that time belongs to a shift.

        `before_shift` is grace at a start only: a phone without signal tells us late that its owner began to
        work.
        """
        if not self.on:
            return False
        return any(start - before_shift <= at and (end is None or at <= end) for start, end in self.periods)


class Plain(NamedTuple):
    """The bounds a usual fix lies within, worked out once for a batch: whoever is inside them has no reason against him."""

    since: datetime
    until: datetime
    useless_accuracy_m: float

    @classmethod
    def of(cls, now: datetime, duty: Duty, limits: Limits) -> "Plain":
        """From what the reasons are judged by. Only the open shift counts here; older ones are looked at one by one."""
        open_since = [start for start, end in duty.periods if end is None]
        if not duty.on or not open_since:
            return cls(now, now - timedelta(seconds=1), 0)
        since = max(now - limits.behind, open_since[-1] - limits.before_shift)
        return cls(since, now + limits.ahead, limits.useless_accuracy_m)

    def lets(self, fix: Fix) -> bool:
        """Whether the fix is surely kept. False says nothing: ask `rejections`."""
        lon, lat = fix.lon, fix.lat
        return (
            self.since <= fix.fixed_at <= self.until
            and (-180 <= lon <= -NULL_ISLAND_DEG or NULL_ISLAND_DEG <= lon <= 180)
            and -90 <= lat <= 90
            and lat != 0
            and (fix.accuracy_m is None or fix.accuracy_m <= self.useless_accuracy_m)
        )

    def lets_all(self, fixes: Sequence[Fix]) -> bool:
        """Whether all are surely kept: each inside the bounds and later than the one before it."""
        before, until, useless_m = self.since, self.until, self.useless_accuracy_m
        if type(fixes) is Columns:
            return fixes.all_plain(before, until, NULL_ISLAND_DEG, useless_m)
        for number, fix in enumerate(fixes):
            at, lon, lat, accuracy_m = fix.fixed_at, fix.lon, fix.lat, fix.accuracy_m
            # As `lets` asks, without a call for every fix.
            if not (
                (before < at or (number == 0 and before == at))
                and (-180 <= lon <= -NULL_ISLAND_DEG or NULL_ISLAND_DEG <= lon <= 180)
                and -90 <= lat <= 90
                and lat != 0
                and (accuracy_m is None or accuracy_m <= useless_m)
            ):
                return False
            before = at
        return before <= until or not fixes


def rejections(fix: Fix, now: datetime, duty: Duty, limits: Limits) -> list[str]:
    """Every reason to refuse the fix; an empty list means it is kept. The first one is counted."""
    if not duty.on:
        return ["off_duty"]
    reasons = []
    if not (-180 <= fix.lon <= 180 and -90 <= fix.lat <= 90):  # also refuses NaN
        reasons.append("out_of_range")
    # One exact zero is enough: no GPS reads zero to the last digit, but half a place lost on the way does.
    if 0 in (fix.lon, fix.lat) or (abs(fix.lon) < NULL_ISLAND_DEG and abs(fix.lat) < NULL_ISLAND_DEG):
        reasons.append("zero")
    if fix.fixed_at - now > limits.ahead:
        reasons.append("from_the_future")
    if now - fix.fixed_at > limits.behind:
        reasons.append("too_old")
    if not duty.covers(fix.fixed_at, limits.before_shift):
        reasons.append("off_duty")
    if fix.accuracy_m is not None and fix.accuracy_m > limits.useless_accuracy_m:
        reasons.append("imprecise")
    return reasons


def track_only(fix: Fix, last: Fix | None, now: datetime, limits: Limits) -> list[str]:
    """Every reason why a kept fix may not move the dot; it stays in the track all the same."""
    reasons = []
    if now - fix.fixed_at > limits.late or (last is not None and fix.fixed_at <= last.fixed_at):
        reasons.append("late")
    if not precise(fix, limits):
        reasons.append("imprecise")
    if last is not None and not reasons and not reachable(last, fix, limits):
        if swapped(last, fix, limits):
            reasons.append("swapped")
        else:
            reasons.append("impossible_speed")
    return reasons


def precise(fix: Fix, limits: Limits) -> bool:
    """Whether the fix is good enough to send somebody by."""
    return fix.accuracy_m is None or fix.accuracy_m <= limits.max_accuracy_m


def at_place(
    fixes: Iterable[Fix],
    place: LonLat,
    *,
    radius_m: float = 200,
    for_s: float = 60,
    max_accuracy_m: float = 200,
) -> datetime | None:
    """When somebody came to a place and then stayed for `for_s` seconds, by his own fixes; else None.

    Fixes must be in order of time. A reading of nothing better than `max_accuracy_m` proves nothing either
    way, and a silence of more than five minutes breaks the stay.
    """
    stays = Fence(place, radius_m, for_s, max_accuracy_m).visits(fixes)
    return stays[0].came if stays else None


def oddities(fixes: Sequence[Fix], limits: Limits) -> list[str]:
    """What a person should look at in a track. Hints, never a verdict.

    impossible_jumps: two impossible moves in a row. too_steady: the same place to seven digits for an hour
    while the phone says it moves, as a simulated position does.
    """
    found = []
    jumps = [not reachable(a, b, limits) for a, b in pairwise(fixes)]
    if any(a and b for a, b in pairwise(jumps)):
        found.append("impossible_jumps")
    since: Fix | None = None
    for fix in fixes:
        moving = fix.speed_mps is not None and fix.speed_mps > MOVING_MPS
        same = since is not None and digits(fix) == digits(since)
        if not (moving and same):
            since = fix if moving else None
        elif since is not None and fix.fixed_at - since.fixed_at >= STEADY_FOR:
            found.append("too_steady")
            break
    return found
