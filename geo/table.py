"""Drive times from many starts to many places, and what stands in a cell nobody could answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from geo.fix import EARTH_RADIUS_M, LonLat

Seconds = NDArray[np.float64]


@dataclass(frozen=True)
class Table:
    """Seconds and road metres, float64 [starts, places]: inf is unreachable, NaN is "I do not know this one"."""

    seconds: Seconds
    metres: Seconds

    @classmethod
    def blank(cls, starts: int, places: int) -> "Table":
        """A table in which nothing is answered."""
        return cls(np.full((starts, places), np.nan), np.full((starts, places), np.nan))


class Provider(Protocol):
    """A source of drive times. `remote` ones are asked under the deadline and behind a breaker."""

    name: str
    remote: bool

    def table(self, places: Sequence[LonLat], starts: Sequence[LonLat]) -> Table:
        """Drives from every start to every place. May raise RouterFailed."""
        ...


class RouterFailed(Exception):
    """A provider gave no usable answer. `sick`: it should be left alone for a while."""

    def __init__(self, why: str, *, sick: bool = True) -> None:
        super().__init__(why)
        self.sick = sick


def crow_m(starts: Sequence[LonLat], places: Sequence[LonLat]) -> Seconds:
    """Great-circle metres (haversine) [starts, places]: within 0.6 % of the ellipsoid."""
    a = np.radians(np.asarray(starts, dtype=np.float64).reshape(-1, 2))
    b = np.radians(np.asarray(places, dtype=np.float64).reshape(-1, 2))
    half_lon = np.sin((a[:, None, 0] - b[None, :, 0]) / 2)
    half_lat = np.sin((a[:, None, 1] - b[None, :, 1]) / 2)
    chord = half_lat**2 + np.cos(a[:, None, 1]) * np.cos(b[None, :, 1]) * half_lon**2
    found: Seconds = 2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.minimum(1.0, chord)))
    return found
