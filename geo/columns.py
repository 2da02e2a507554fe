"""A usual batch as columns: what every fix of it is asked, all of them are asked at once.

`Columns` reads as a sequence of `Fix`, made when somebody asks for one. Each question here says of all fixes together what
its twin says of one (named beside it), or answers «not surely»; then the batch goes the way fix by fix, which alone knows
the reasons. So nothing is decided here that could be decided otherwise there: tests/rules/test_geo_columns.py holds both
ways equal. Asking costs some 40 µs whether there are two fixes or a hundred, so a few fixes never become columns.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, overload

import numpy as np
from numpy.typing import NDArray

from geo import reading
from geo.fix import Fix
from geo.motion import LEAST_SLACK_M, METRES_A_DEGREE, MOVING_MPS

if TYPE_CHECKING:
    from geo.filters import Limits

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

# Fewer are quicker one by one.
LEAST_FIXES = 8
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
# Far beyond these a moment may leave the calendar once its zone is taken off.
EARLIEST_US, LATEST_US = -100 * 366 * 86_400_000_000, 200 * 366 * 86_400_000_000

# The rows of a table of readings: name, least, most. What lies outside, `reading.fix` looks at.
BOUNDS = (
    ("lon", -180.0, 180.0),
    ("lat", -90.0, 90.0),
    ("accuracy_m", 0.001, 100_000.0),
    ("speed_mps", 0.0, reading.MOST_SPEED_MPS),
    ("heading_deg", 0.0, 359.999),
    ("altitude_m", reading.LEAST_ALTITUDE_M, reading.MOST_ALTITUDE_M),
    ("battery", 0.0, 100.0),
)
LEAST = np.array([[least] for _, least, _ in BOUNDS])
MOST = np.array([[most] for _, _, most in BOUNDS])
ROUNDED, BATTERY = slice(2, 6), 6
# `round` and this way differ only where the fourth digit is a five and no more follows; there `round` must say.
TIE = 1e-6


def microseconds(at: datetime) -> int:
    """An aware time as PostgreSQL stores it: whole microseconds since 2000-01-01 UTC."""
    return (at - EPOCH) // MICROSECOND


def moment(us: int) -> datetime:
    """The time in UTC that `microseconds` made a number of."""
    return EPOCH + timedelta(microseconds=us)


class Columns(Sequence[Fix]):
    """Fixes of one phone of ours (`source` phone), true by the phone's clock, in the order they came.

    `us` is `fixed_at` in microseconds since 2000 UTC; `table` holds the readings in the order of BOUNDS, NaN where the phone
    did not say; `seq` is below zero where there is none.
    """

    __slots__ = ("seq", "table", "us")

    def __init__(self, us: Whole, table: Floats, seq: Whole) -> None:
        self.us, self.table, self.seq = us, table, seq

    @classmethod
    def usual(cls, us: Whole, table: Floats, seq: Whole) -> "Columns | None":
        """The columns `reading.fix` would make fix by fix, or None when one of the fixes needs it to say.

        The table becomes the columns' own and is rounded.
        """
        if ((table < LEAST) | (table > MOST)).any():
            return None
        thousandths = table[ROUNDED] * 1000
        whole = np.rint(thousandths)
        if (np.abs(np.abs(thousandths - whole) - 0.5) < TIE).any():
            return None
        table[ROUNDED] = whole / 1000
        np.rint(table[BATTERY], out=table[BATTERY])
        if us.min() < EARLIEST_US or us.max() > LATEST_US:
            return None
        return cls(us, table, seq)

    @classmethod
    def listed(
        cls, ats: Sequence[datetime], readings: Sequence[Sequence[float | None]], seqs: Sequence[int | None]
    ) -> "Columns | None":
        """As `usual`, from lists."""
        table = np.array(readings, dtype=np.float64)  # None becomes NaN
        us = np.array([(at - EPOCH) // MICROSECOND for at in ats], dtype=np.int64)
        try:
            seq = np.array([-1 if n is None else n for n in seqs], dtype=np.int64)
        except OverflowError:
            return None
        return cls.usual(us, table, seq)

    def __len__(self) -> int:
        return len(self.us)

    @overload
    def __getitem__(self, at: int) -> Fix: ...
    @overload
    def __getitem__(self, at: slice) -> "Columns": ...
    def __getitem__(self, at: int | slice) -> "Fix | Columns":
        if isinstance(at, slice):
            return Columns(self.us[at], self.table[:, at], self.seq[at])
        return _fix(int(self.us[at]), int(self.seq[at]), *self.table[:, at].tolist())

    def __iter__(self) -> Iterator[Fix]:
        return map(_fix, self.us.tolist(), self.seq.tolist(), *self.table.tolist())

    def at(self, number: int) -> datetime:
        """The `fixed_at` of one of them."""
        return moment(int(self.us[number]))

    def all_plain(self, since: datetime, until: datetime, null_deg: float, useless_m: float) -> bool:
        """As `Plain.lets_all`, which tells the bounds."""
        us, (lon, lat, accuracy_m) = self.us, self.table[:3]
        if us[0] < microseconds(since) or us[-1] > microseconds(until) or not (us[1:] > us[:-1]).all():
            return False
        return not ((np.abs(lon) < null_deg) | (lat == 0) | (accuracy_m > useless_m)).any()

    def all_led(self, dot: Fix, since: datetime, limits: "Limits", near_m: float, digit_m: float) -> bool:
        """As `dot.led` reaching the end."""
        at = np.empty(len(self) + 1, dtype=np.int64)
        at[0], at[1:] = microseconds(dot.fixed_at), self.us
        before = (dot.lon, dot.lat, np.nan if dot.speed_mps is None else dot.speed_mps)
        steps = np.empty((3, len(self) + 1))
        steps[:, 0], steps[:, 1:] = before, self.table[[0, 1, 3]]
        for_us = at[1:] - at[:-1]
        if at[1] < microseconds(since) or for_us.min() <= 0:
            return False
        for_s = for_us / 1_000_000
        off_deg = np.abs(steps[:2, 1:] - steps[:2, :-1])
        metres = (off_deg[0] + off_deg[1]) * METRES_A_DEGREE
        slower, faster = steps[2, :-1], steps[2, 1:]  # NaN, a speed not told, compares false
        stuck = (metres < digit_m) & (slower > MOVING_MPS) & (faster > MOVING_MPS)
        astray = metres + (slower + faster) / 2 * for_s > LEAST_SLACK_M
        imprecise = self.table[2] > limits.max_accuracy_m
        too_far = (metres > near_m) | (metres > limits.max_speed_mps * for_s)
        return not (too_far | stuck | astray | imprecise).any()


def _fix(
    us: int, seq: int, lon: float, lat: float, accuracy: float, speed: float, heading: float, altitude: float,
    battery: float,
) -> Fix:  # fmt: skip
    # NaN is the one number that is not itself.
    return Fix(
        moment(us), None, lon, lat,
        accuracy if accuracy == accuracy else None,
        speed if speed == speed else None,
        heading if heading == heading else None,
        altitude if altitude == altitude else None,
        int(battery) if battery == battery else None,
        "phone", None if seq < 0 else seq,
    )  # fmt: skip


def time_of(fixes: Sequence[Fix], number: int) -> datetime:
    """The `fixed_at` of one of some fixes."""
    return fixes.at(number) if type(fixes) is Columns else fixes[number].fixed_at


def oldest(fixes: Sequence[Fix]) -> datetime:
    """The earliest `fixed_at` of some fixes."""
    return moment(int(fixes.us.min())) if type(fixes) is Columns else min([fix.fixed_at for fix in fixes])


def newest(fixes: Sequence[Fix]) -> datetime:
    """The latest `fixed_at` of some fixes."""
    return moment(int(fixes.us.max())) if type(fixes) is Columns else max([fix.fixed_at for fix in fixes])
