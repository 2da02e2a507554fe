"""What the usual batches of one transaction are asked, asked of all of them at once.

The twin of `Columns.all_plain` and `Columns.all_led`: the same sums over the same numbers, with the bounds of each batch
spread over its rows. An array call costs nearly as much for a hundred fixes as for sixteen hundred.
"""

from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from geo.columns import Columns, Floats, microseconds
from geo.fix import Fix
from geo.motion import LEAST_SLACK_M, METRES_A_DEGREE, MOVING_MPS

if TYPE_CHECKING:
    from datetime import datetime

    from geo.filters import Limits, Plain

Number = TypeVar("Number", bound=np.generic)
# So many of the readings are asked for: place, accuracy and speed.
ASKED = 4


class Crowd:
    """Batches side by side, one after the other in their order; none is empty."""

    def __init__(self, batches: Sequence[Columns]) -> None:
        self.sizes = [len(one) for one in batches]
        self.starts = np.array([0, *accumulate(self.sizes)][:-1])
        self.ends = self.starts + self.sizes - 1
        self.us = np.concatenate([one.us for one in batches])
        self.table = np.concatenate([one.table[:ASKED] for one in batches], axis=1)

    def spans(self) -> tuple[list[int], list[int]]:
        """The earliest and the latest time of each batch, in microseconds since 2000 UTC."""
        earliest = np.minimum.reduceat(self.us, self.starts)
        return earliest.tolist(), np.maximum.reduceat(self.us, self.starts).tolist()

    def plain(self, bounds: Sequence["Plain"], null_deg: float) -> list[bool]:
        """Of each batch what `Plain.lets_all` says."""
        us, (lon, lat, accuracy_m) = self.us, self.table[:3]
        odd = (np.abs(lon) < null_deg) | (lat == 0)
        odd |= accuracy_m > self._spread([one.useless_accuracy_m for one in bounds])
        falls = us[1:] <= us[:-1]
        falls[self.ends[:-1]] = False  # from one batch to the next
        odd[1:] |= falls
        inside = us[self.starts] >= [microseconds(one.since) for one in bounds]
        inside &= us[self.ends] <= [microseconds(one.until) for one in bounds]
        return self._none(odd, inside)

    def led(
        self,
        dots: Sequence[Fix],
        since: Sequence["datetime"],
        limits: Sequence["Limits"],
        near_m: float,
        digit_m: float,
    ) -> list[bool]:
        """Of each batch whether `dot.led` reaches its end from its dot."""
        us, (lon, lat, accuracy_m, faster) = self.us, self.table
        for_us = us - self._before(us, [microseconds(dot.fixed_at) for dot in dots])
        slower = self._before(faster, [np.nan if d.speed_mps is None else d.speed_mps for d in dots])
        off_lon = np.abs(lon - self._before(lon, [dot.lon for dot in dots]))
        metres = (off_lon + np.abs(lat - self._before(lat, [dot.lat for dot in dots]))) * METRES_A_DEGREE
        for_s = for_us / 1_000_000
        odd = (for_us <= 0) | (metres > near_m)
        odd |= metres > self._spread([one.max_speed_mps for one in limits]) * for_s
        odd |= accuracy_m > self._spread([one.max_accuracy_m for one in limits])
        # NaN, a speed not told, compares false.
        odd |= (metres < digit_m) & (slower > MOVING_MPS) & (faster > MOVING_MPS)
        odd |= metres + (slower + faster) / 2 * for_s > LEAST_SLACK_M
        return self._none(odd, us[self.starts] >= [microseconds(at) for at in since])

    def _spread(self, values: Sequence[float]) -> Floats | float:
        """The value of each batch for each of its rows."""
        first = values[0]
        if all(value == first for value in values):
            return first
        return np.repeat(np.array(values, dtype=np.float64), self.sizes)

    def _before(self, values: NDArray[Number], firsts: Sequence[float]) -> NDArray[Number]:
        """What stands before each row: the row before it, or for the first of a batch what is given."""
        found = np.empty_like(values)
        found[1:] = values[:-1]
        found[self.starts] = firsts
        return found

    def _none(self, odd: NDArray[np.bool_], also: NDArray[np.bool_]) -> list[bool]:
        """Of each batch whether no row of it is odd, and what else must hold."""
        told: list[bool] = (also & ~np.logical_or.reduceat(odd, self.starts)).tolist()
        return told
