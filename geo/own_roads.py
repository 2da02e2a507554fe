"""Our own road graph as a provider: opened when it is there, opened anew when another was built."""

import importlib
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from geo.fix import LonLat
from geo.table import RouterFailed, Table

# How often the folder is looked at, and how many places are remembered with their road.
LOOK_EVERY_S = 2.0
REMEMBERED = 200_000


class OwnRoads:
    """Drive times of `geo.roads`, in this process. Knows nothing, and says so, while no graph is built."""

    name = "roads"
    remote = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._roads: Any = None
        self._version: object = None
        self._looked = -LOOK_EVERY_S
        self._snaps: dict[LonLat, Any] = {}

    def table(self, places: Sequence[LonLat], starts: Sequence[LonLat]) -> Table:
        """From the starts to the places; NaN for a place with no road near. Raises RouterFailed without a graph."""
        with self._lock:
            roads = self._open()
            if roads is None:
                raise RouterFailed("no road graph")
            targets, sources = self._snapped(roads, places), self._snapped(roads, starts)
            found = Table.blank(len(starts), len(places))
            rows = [i for i, snap in enumerate(sources) if snap is not None]
            columns = [j for j, snap in enumerate(targets) if snap is not None]
            if not rows or not columns:
                return found
            if len(columns) == 1:
                times = roads.many_to_one([sources[i] for i in rows], targets[columns[0]])
                found.seconds[rows, columns[0]] = [np.inf if t is None else t for t in times]
            else:
                found.seconds[np.ix_(rows, columns)] = roads.matrix(
                    [sources[i] for i in rows], [targets[j] for j in columns]
                )
            return found

    def roads(self) -> Any:
        """The graph as it is now, or None."""
        with self._lock:
            return self._open()

    def _snapped(self, roads: Any, places: Sequence[LonLat]) -> list[Any]:
        new = [place for place in dict.fromkeys(places) if place not in self._snaps]
        if new:
            if len(self._snaps) + len(new) > REMEMBERED:
                self._snaps.clear()
                new = list(dict.fromkeys(places))
            self._snaps.update(zip(new, roads.snap(new), strict=True))
        return [self._snaps[place] for place in places]

    def _open(self) -> Any:
        now = time.monotonic()
        if now - self._looked < LOOK_EVERY_S:
            return self._roads
        self._looked = now
        version = stamp(self.folder)
        if version != self._version:
            self._version = version
            self._snaps.clear()
            self._roads = None if version is None else _opened(self.folder)
        return self._roads


def stamp(folder: Path) -> object:
    """Something that differs when another graph was put in the folder's place; None when there is none."""
    try:
        seen = folder.stat()
    except OSError:
        return None
    return seen.st_dev, seen.st_ino, seen.st_mtime_ns


def _opened(folder: Path) -> Any:
    roads = importlib.import_module("geo.roads")
    try:
        return roads.Roads.open(folder)
    except roads.NoRoads:
        return None
