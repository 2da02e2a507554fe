"""How much longer than at free flow roads take: factors by class, area and hour of the week, and single roads.

Factors multiply: the seconds of an edge are its free-flow seconds times the factor of each level it falls under, 1 where a
level was never seen; then the same seconds for each kilometre of any road are added. Their keys (class, cell of the earth,
hour, way, junction ids) outlive a rebuild of the road graph.
Hours are of the week in UTC, 0 is Monday 00:00.
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from geo.roads.car_tags import CLASSES
from geo.roads.network import METRES_PER_DEGREE, Floats, Network

Longs = NDArray[np.int64]
HOURS = 168
FORMAT = 2
READABLE = (1, 2)  # 1 knew no seconds a kilometre, and blocks instead of patches and ways
FILE = "speeds.npz"
# Motorways, main roads, streets: what a rush hour treats alike.
KIND_OF = {
    "motorway": 0,
    "trunk": 0,
    "motorway_link": 0,
    "trunk_link": 0,
    "primary": 1,
    "secondary": 1,
    "primary_link": 1,
    "secondary_link": 1,
}
KINDS = np.array([KIND_OF.get(name, 2) for name in CLASSES], dtype=np.int64)
MIX = np.int64(-7046029254386353131)  # 2^64 over the golden ratio: spreads junction ids over all bits


class Level(NamedTuple):
    """One set of factors: which edges share one, and which hours."""

    of_edge: Callable[[Network], Longs]
    hours: int  # 1: at all hours alike; 24: by hour of the day; 168: of the week

    def keys(self, edge_key: Longs, week_hour: Longs | int) -> Longs:
        """The key of each edge at an hour."""
        return edge_key * self.hours + np.int64(week_hour) % self.hours


def _everything(network: Network) -> Longs:
    return np.zeros(len(network.start), dtype=np.int64)


def _class(network: Network) -> Longs:
    return network.road_class.astype(np.int64)


def _kind(network: Network) -> Longs:
    return np.asarray(KINDS[network.road_class])


def _cell(network: Network, size_m: float) -> Longs:
    """The square of the earth the middle of an edge lies in."""
    middle = network.shape[(network.first[:-1] + network.first[1:] - 1) // 2]
    degrees = size_m / METRES_PER_DEGREE
    line = np.floor(middle[:, 1] / degrees)
    column = np.floor(middle[:, 0] * np.cos(np.radians(line * degrees)) / degrees)
    return np.asarray((line + 100_000).astype(np.int64) * 1_000_000 + column.astype(np.int64) + 500_000)


def _kinds_of(network: Network, size_m: float) -> Longs:
    """The roads of one kind within a square of the earth."""
    return _cell(network, size_m) * 3 + _kind(network)


def _way(network: Network) -> Longs:
    """The way of OpenStreetMap, both directions: a street, or a good part of one."""
    return network.way.astype(np.int64)


def _road(network: Network) -> Longs:
    """The stretch between two junctions, in its direction; the same in every build of the graph."""
    start, end = network.node_id[network.start], network.node_id[network.end]
    with np.errstate(over="ignore"):
        return np.asarray((start * MIX) ^ end)


# From the broad to the narrow: each is learned on what the ones before it leave unexplained.
LEVELS: dict[str, Level] = {
    "class": Level(_class, 1),
    "hour": Level(_everything, 24),
    "week_hour": Level(_everything, HOURS),
    "kind_hour": Level(_kind, 24),
    "area": Level(lambda network: _cell(network, 4_000), 1),
    "area_hour": Level(lambda network: _cell(network, 4_000), 24),
    "patch": Level(lambda network: _kinds_of(network, 250), 1),
    "way": Level(_way, 1),
    "road": Level(_road, 1),
}
# No longer learned, but what was learned before an upgrade stays in force until the next night.
EARLIER: dict[str, Level] = {
    "block": Level(lambda network: _cell(network, 1_000), 1),
    "block_kind": Level(lambda network: _kinds_of(network, 1_000), 1),
}


class Factors(NamedTuple):
    """Factors by key, in order of the keys."""

    key: Longs
    factor: NDArray[np.float32]

    def of(self, wanted: Longs) -> Floats:
        """The factor of each key, 1 for one never seen."""
        if not len(self.key):
            return np.ones(len(wanted))
        at = np.minimum(np.searchsorted(self.key, wanted), len(self.key) - 1)
        return np.where(self.key[at] == wanted, self.factor[at], 1.0).astype(np.float64)


@dataclass(frozen=True, eq=False)
class Speeds:
    """Learned factors. `overall` multiplies every edge, `per_km_s` is added for each kilometre of it; `start_stop_s` is
    added to a journey for setting off and parking."""

    overall: float
    start_stop_s: float
    levels: Mapping[str, Factors]
    about: Mapping[str, Any]
    per_km_s: float = 0.0

    @property
    def version(self) -> str:
        """Names what was learned; empty for nothing."""
        return str(self.about.get("version", ""))

    def on(self, network: Network) -> "Laid":
        """These factors on a network."""
        base = network.seconds * self.overall
        hourly = []
        for name, level in (LEVELS | EARLIER).items():
            factors = self.levels.get(name)
            if factors is None:
                continue
            edge_key = level.of_edge(network)
            if level.hours == 1:
                base = base * factors.of(edge_key)
            else:
                hourly.append((level, factors, *np.unique(edge_key, return_inverse=True)))
        return Laid(base, hourly, network.length_m * (self.per_km_s / 1000))

    def save(self, folder: Path) -> None:
        """Puts these in force for every process that watches the folder: whole or not at all."""
        folder.mkdir(parents=True, exist_ok=True)
        arrays: dict[str, Any] = {f"{name}_key": f.key for name, f in self.levels.items()}
        arrays |= {f"{name}_factor": f.factor for name, f in self.levels.items()}
        head = {
            "format": FORMAT,
            "overall": self.overall,
            "start_stop_s": self.start_stop_s,
            "per_km_s": self.per_km_s,
            "about": dict(self.about),
        }
        part = folder / f".{FILE}.{os.getpid()}"
        with part.open("wb") as out:
            np.savez(out, head=np.frombuffer(json.dumps(head).encode(), dtype=np.uint8), **arrays)
            out.flush()
            os.fsync(out.fileno())
        part.replace(folder / FILE)


@dataclass(frozen=True, eq=False)
class Laid:
    """Factors laid on one network: seconds of each edge, what changes them by the hour (the keys there are, and which
    of them each edge has), seconds added to each edge at all hours."""

    base: Floats
    hourly: list[tuple[Level, Factors, Longs, Longs]]
    added: Floats

    def edge_seconds(self, week_hour: int) -> Floats:
        """The seconds of each edge at an hour of the week, for `Roads.customise`."""
        found = self.base
        for level, factors, keys, of_edge in self.hourly:
            found = found * factors.of(level.keys(keys, week_hour))[of_edge]
        return np.asarray(found + self.added)


def load(folder: Path) -> Speeds | None:
    """What is in force in a folder; None when nothing was learned, or what is there belongs to another version."""
    try:
        with (folder / FILE).open("rb") as file, np.load(file, allow_pickle=False) as stored:
            head = json.loads(stored["head"].tobytes())
            if head.get("format") not in READABLE:
                return None
            levels = {
                name: Factors(stored[f"{name}_key"], stored[f"{name}_factor"])
                for name in LEVELS | EARLIER
                if f"{name}_key" in stored
            }
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
    per_km_s = float(head.get("per_km_s", 0.0))
    return Speeds(float(head["overall"]), float(head["start_stop_s"]), levels, head["about"], per_km_s)


def week_hour(unix_s: float) -> int:
    """The hour of the week of a moment, UTC, 0 is Monday 00:00. 1 January 1970 was a Thursday."""
    return int(unix_s // 3600 + 72) % HOURS


def week_hours(unix_s: Floats) -> Longs:
    """The same for many."""
    return np.asarray((np.floor(unix_s / 3600).astype(np.int64) + 72) % HOURS)
