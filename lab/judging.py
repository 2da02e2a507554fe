"""What the filter makes of a labelled set: jumps that survive, good fixes dropped, and how right each reason is."""

from bisect import insort
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from geo.dot import walk
from geo.filters import Duty, Limits, rejections
from geo.fix import Fix
from lab.misreadings import DISPLACED, Drive, Told

SMALL_M = 150.0
MOVED = "moved"
# Which faults a reason is meant for. A reason given to any other fix was wrong.
MEANT = {
    "zero": {"null_island"},
    "from_the_future": {"clock"},
    "too_old": {"clock"},
    "late": {"clock"},
    "duplicate": {"repeat"},
    "off_duty": {"off_duty", "clock"},
    "imprecise": {"cell"},
    "swapped": {"swapped"},
    "out_of_range": {"swapped"},
    "impossible_speed": {"teleport", "boastful_cell", "multipath", "swapped"},
    "unlikely_move": {"multipath", "boastful_cell"},
    "too_steady": {"frozen", "frozen_mute"},
}
# The faults each reason exists for: of these it should find all, alone or with a sister reason.
FINDS: dict[str, set[str]] = {
    "null_island": {"zero"},
    "clock": {"from_the_future", "too_old", "late", "off_duty"},
    "repeat": {"duplicate"},
    "off_duty": {"off_duty"},
    "cell": {"imprecise"},
    "swapped": {"swapped", "out_of_range", "impossible_speed"},
    "teleport": {"impossible_speed", "swapped", "out_of_range"},
    "boastful_cell": {"impossible_speed", "unlikely_move"},
    "multipath": {"impossible_speed", "unlikely_move"},
    "frozen": {"too_steady"},
    "frozen_mute": set(),  # nothing gives it away
}


@dataclass
class Score:
    """Counts over a set. Shares are percent."""

    good: int = 0
    dropped: Counter[str] = field(default_factory=Counter)  # good fixes held back or refused, by reason
    jumps: int = 0
    survived: Counter[str] = field(default_factory=Counter)  # jumps that moved the dot, by fault
    small: int = 0  # misplacements from 150 m up to a jump
    small_survived: int = 0
    given: Counter[str] = field(default_factory=Counter)  # reasons given to anything
    right: Counter[str] = field(default_factory=Counter)  # reasons given to the faults they are meant for
    faults: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)  # faults that got a reason meant for them

    def add(self, other: "Score") -> None:
        """Adds another set's counts."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)

    def survived_pct(self) -> float:
        """Of the jumps, how many moved the dot."""
        return 100 * self.survived.total() / max(1, self.jumps)

    def dropped_pct(self) -> float:
        """Of the good fixes, how many did not move the dot."""
        return 100 * self.dropped.total() / max(1, self.good)

    def precision(self, reason: str) -> float:
        """Of the fixes given the reason, the share it was meant for."""
        return 100 * self.right[reason] / max(1, self.given[reason])

    def recall(self, fault: str) -> float:
        """Of the fixes with the fault, the share that got a reason meant for it."""
        return 100 * self.found[fault] / max(1, self.faults[fault])

    def count(self, told: Told, verdict: str) -> None:
        """Adds one fix and what became of it."""
        if told.fault is None:
            self.good += 1
            if verdict != MOVED:
                self.dropped[verdict] += 1
        else:
            self.faults[told.fault] += 1
            self.found[told.fault] += verdict in FINDS[told.fault]
        if told.jump():
            self.jumps += 1
            if verdict == MOVED:
                self.survived[told.fault or ""] += 1
        elif told.fault in DISPLACED and told.off_m() > SMALL_M:
            self.small += 1
            self.small_survived += verdict == MOVED
        if verdict != MOVED:
            self.given[verdict] += 1
            self.right[verdict] += told.fault in MEANT.get(verdict, set())


def judge(drives: Iterable[Drive], limits: Limits | None = None) -> Score:
    """Every fix of every drive through the very rules of `geo`, one at a time as they arrive."""
    score = Score()
    for drive in drives:
        for told, verdict in verdicts(drive, limits or Limits()):
            score.count(told, verdict)
    return score


def verdicts(drive: Drive, limits: Limits) -> list[tuple[Told, str]]:
    """Each fix of a drive with the first reason against it, or `moved`."""
    found = []
    dot: Fix | None = None
    track: list[tuple[datetime, Fix]] = []
    for told in drive.told:
        now = told.fix.received_at or told.fix.fixed_at
        reasons = rejections(told.fix, now, duty(drive, now), limits)
        if not reasons and any(at == told.fix.fixed_at for at, _ in track):
            reasons = ["duplicate"]
        if reasons:
            found.append((told, reasons[0]))
            continue
        insort(track, (told.fix.fixed_at, told.fix), key=lambda one: one[0])
        moved, held = walk(dot, [told.fix], lambda since: _since(track, since), now, limits)
        dot = moved or dot
        found.append((told, next(iter(held), MOVED)))
    return found


def duty(drive: Drive, now: datetime) -> Duty:
    """On duty for the length of the drive."""
    if now > drive.ended:
        return Duty(False, ())
    return Duty(True, ((drive.began, None),))


def _since(track: Sequence[tuple[datetime, Fix]], since: datetime) -> list[Fix]:
    return [fix for at, fix in track if at >= since]
