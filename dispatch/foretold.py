"""What was foretold when somebody was asked, beside what came of it: whether a said chance comes true as often as said.

Four forecasts stand in each decision (dispatch/explain.py): that he speaks to the customer in time, that he is on scene
in time, the span of the drive, and the span of the arrival. A forecast is honest when what was said to happen in eight of
ten cases happened in eight of ten.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from geo.staleness import Arrival

# Shares of fewer cases are luck: below LEAST nothing is judged, a part below FEW is shown as uncertain.
LEAST, FEW = 30, 10
# Of longer periods so many questions, drawn by a fixed lot, say the same.
MOST = 5_000
AGES_S = (0, 15, 30, 60, 120, 300)
SPAN = 0.8
TENTHS = tuple(n / 10 for n in range(1, 10))
WILSON_Z = 1.96


@dataclass(frozen=True)
class Foretold:
    """One question to one surveyor. `low_s` and `high_s`: the span of the drive that holds eight of ten, `mid_s` its middle.

    `age_s` of his position; `hour` of the day in China. `wait_s`: what he was to do before setting out. `drive_s`,
    `arrival_s`: what it really took, from setting out and from the question. None: not said, or it did not come to that.
    """

    hour: int
    age_s: float | None = None
    contact_p: float | None = None
    contact_kept: bool | None = None
    arrive_p: float | None = None
    arrive_kept: bool | None = None
    low_s: float | None = None
    mid_s: float | None = None
    high_s: float | None = None
    wait_s: float = 0.0
    drive_s: float | None = None
    arrival_s: float | None = None


@dataclass(frozen=True)
class Part:
    """Some of the forecasts: `said` their mean, `came_true` the share, `low` … `high` its 95 % interval (Wilson).

    `since`: the least age in seconds, or the hour, that the part begins with.
    """

    count: int
    said: float
    came_true: float
    low: float
    high: float
    few: bool
    since: int | None = None


@dataclass(frozen=True)
class Judged:
    """One kind of forecast. `verdict`: honest | too_sure | too_careful | too_few.

    Of a span also the shares that came before and after it, and by how much (seconds, median) things came later than its
    middle said.
    """

    measure: str
    count: int
    verdict: str
    whole: Part | None
    curve: list[Part]
    by_age: list[Part]
    by_hour: list[Part]
    earlier: float | None = None
    later: float | None = None
    off_s: float | None = None


@dataclass(frozen=True)
class _Case:
    said: float
    true: bool
    age_s: float | None
    hour: int


def judge(rows: Sequence[Foretold]) -> list[Judged]:
    """All four, the promises to the customer first."""
    return [
        _chance("contact", rows, lambda r: (r.contact_p, r.contact_kept)),
        _chance("arrive", rows, lambda r: (r.arrive_p, r.arrive_kept)),
        _span("arrival", rows, lambda r: (r.wait_s, r.arrival_s)),
        _span("drive", rows, lambda r: (0.0, r.drive_s)),
    ]


def wilson(hits: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927): it stays within 0 and 1, and is wide where cases are few."""
    if count == 0:
        return 0.0, 1.0
    z, share = WILSON_Z, hits / count
    middle = share + z * z / (2 * count)
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    whole = 1 + z * z / count
    return max(0.0, (middle - half) / whole), min(1.0, (middle + half) / whole)


def _chance(
    measure: str,
    rows: Sequence[Foretold],
    pick: Callable[[Foretold], tuple[float | None, bool | None]],
) -> Judged:
    cases = [
        _Case(said, true, row.age_s, row.hour)
        for row in rows
        for said, true in [pick(row)]
        if said is not None and true is not None
    ]
    if len(cases) < LEAST:
        return _nothing(measure, len(cases))
    tenths: dict[int, list[_Case]] = {}
    for case in cases:
        tenths.setdefault(min(9, int(case.said * 10)), []).append(case)
    whole = _part(cases)
    return Judged(
        measure,
        len(cases),
        _verdict(whole),
        whole,
        [_part(tenths[k]) for k in sorted(tenths)],
        *_split(cases),
    )


def _span(
    measure: str,
    rows: Sequence[Foretold],
    pick: Callable[[Foretold], tuple[float, float | None]],
) -> Judged:
    found = [
        (row, row.low_s + wait, row.high_s + wait, took)
        for row in rows
        for wait, took in [pick(row)]
        if row.low_s is not None and row.high_s is not None and took is not None
    ]
    if len(found) < LEAST:
        return _nothing(measure, len(found))
    cases = [_Case(SPAN, low <= took <= high, row.age_s, row.hour) for row, low, high, took in found]
    spread = [
        (low, None if row.mid_s is None else row.mid_s + pick(row)[0], high, took)
        for row, low, high, took in found
    ]
    offs = [took - mid for _, mid, _, took in spread if mid is not None]
    whole = _part(cases)
    return Judged(
        measure,
        len(cases),
        _verdict(whole),
        whole,
        [part for tenth in TENTHS if (part := _by_then(tenth, spread)) is not None],
        *_split(cases),
        earlier=sum(took < low for _, low, _, took in found) / len(found),
        later=sum(took > high for _, _, high, took in found) / len(found),
        off_s=median(offs) if offs else None,
    )


def _by_then(tenth: float, spread: Iterable[tuple[float, float | None, float, float]]) -> Part | None:
    """Said to be over by then in a tenth of all cases, and how many were. The ends of a span need no middle."""
    true = []
    for low, mid, high, took in spread:
        if tenth in (TENTHS[0], TENTHS[-1]):
            true.append(took <= (low if tenth == TENTHS[0] else high))
        elif mid is not None:
            true.append(Arrival(mid, low, high).within(took) <= tenth)
    return _part([_Case(tenth, one, None, 0) for one in true]) if true else None


def _split(cases: Sequence[_Case]) -> tuple[list[Part], list[Part]]:
    """By age of the position and by hour of the day; parts nobody is in are left out."""
    ages: dict[int, list[_Case]] = {}
    hours: dict[int, list[_Case]] = {}
    for case in cases:
        if case.age_s is not None:
            ages.setdefault(max(a for a in AGES_S if a <= max(0.0, case.age_s)), []).append(case)
        hours.setdefault(case.hour, []).append(case)
    return (
        [_part(ages[a], since=a) for a in sorted(ages)],
        [_part(hours[h], since=h) for h in sorted(hours)],
    )


def _part(cases: Sequence[_Case], since: int | None = None) -> Part:
    hits = sum(case.true for case in cases)
    low, high = wilson(hits, len(cases))
    return Part(
        len(cases), fmean(c.said for c in cases), hits / len(cases), low, high, len(cases) < FEW, since
    )


def _verdict(whole: Part) -> str:
    """Honest while chance alone could make the difference."""
    if whole.low <= whole.said <= whole.high:
        return "honest"
    return "too_sure" if whole.came_true < whole.said else "too_careful"


def _nothing(measure: str, count: int) -> Judged:
    return Judged(measure, count, "too_few", None, [], [], [])
