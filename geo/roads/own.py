"""Our own road graph as a provider: opened when it is there, opened anew when another was built, at the speeds learned.

Watching costs a look at two small files every few seconds. A newer graph is opened beside the one in use and takes its
place when it is ready; speeds are put in force when they were learned anew and when the hour changes (≤ 0.1 s).
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from geo.fix import LonLat
from geo.roads import speeds
from geo.roads.graph import NoRoads, Roads, SnapCache
from geo.roads.reach import Reach
from geo.roads.speeds import Laid, Speeds
from geo.table import RouterFailed, Table

log = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0
# From a place that lies off every road somebody drives to the road at a walking man's pace, doubled.
OFF_ROAD_M, OFF_ROAD_MPS = 50.0, 3.0


@dataclass(eq=False)
class Site:
    """A graph in use: with its snaps, the speeds laid on it, and the hour they are in force for (None: free flow)."""

    roads: Roads
    cache: SnapCache
    learned: Speeds | None = None
    laid: Laid | None = None
    hour: int | None = None
    stamp: object = None

    @property
    def start_stop_s(self) -> float:
        """What setting off and parking cost."""
        return 0.0 if self.learned is None else self.learned.start_stop_s


class OwnRoads:
    """Drive times of the graph in `<data>/roads` at the speeds in `<data>/speeds`. Safe between threads."""

    name = "roads"
    remote = False

    def __init__(
        self, data: Path, *, hour: Callable[[], int] = lambda: speeds.week_hour(time.time())
    ) -> None:
        self._folder, self._speeds, self._hour = data / "roads", data / "speeds", hour
        self._lock = threading.Lock()
        self._site: Site | None = None
        self._looked = -LOOK_EVERY_S
        self._opening = False

    def table(self, places: Sequence[LonLat], starts: Sequence[LonLat]) -> Table:
        """From the starts to the places; NaN for a place with no road near. Raises RouterFailed without a graph."""
        site = self.site()
        if site is None:
            raise RouterFailed("no road graph", sick=False)
        targets, sources = site.cache.snaps(places), site.cache.snaps(starts)
        if len(places) == 1:  # without the copying of a matrix
            seconds = site.roads.seconds_to(sources, targets[0]).reshape(-1, 1)
        else:
            seconds = site.roads.matrix(sources, targets)
        off_m = (
            np.maximum(sources.off_m, OFF_ROAD_M)[:, None] + np.maximum(targets.off_m, OFF_ROAD_M)[None, :]
        )
        seconds = seconds + site.start_stop_s + (off_m - 2 * OFF_ROAD_M) / OFF_ROAD_MPS
        unknown = (sources.edge < 0)[:, None] | (targets.edge < 0)[None, :]
        return Table(np.where(unknown, np.nan, seconds), np.full(seconds.shape, np.nan))

    def reach(self, place: LonLat, within_s: float) -> Reach | None:
        """From where the place can be reached in time, setting off and parking included; None where no road is near."""
        site = self.site()
        return None if site is None else site.roads.reach(place, max(0.0, within_s - site.start_stop_s))

    def site(self) -> Site | None:
        """The graph as it is now, at the speeds of this hour; None when none is built."""
        with self._lock:
            now = time.monotonic()
            if now - self._looked >= LOOK_EVERY_S:
                self._looked = now
                self._look()
            return self._site

    def _look(self) -> None:
        build = Roads.current(self._folder)
        if not build:
            self._site = None
        elif self._site is None:
            self._site = _opened(self._folder)
        elif build != self._site.roads.version and not self._opening:
            self._opening = True
            threading.Thread(target=self._replace, daemon=True, name="roads-open").start()
        if self._site is not None:
            self._speed(self._site)

    def _replace(self) -> None:
        """Opens the newer graph while the old one goes on answering."""
        try:
            site = _opened(self._folder)
            with self._lock:
                if site is not None:
                    self._speed(site)
                    self._site = site
        finally:
            self._opening = False

    def _speed(self, site: Site) -> None:
        """Puts the newest learned speeds in force, for this hour."""
        stamp, hour = _stamp(self._speeds / speeds.FILE), self._hour()
        if stamp != site.stamp:
            site.stamp = stamp
            site.learned = speeds.load(self._speeds)
            site.laid = None if site.learned is None else site.learned.on(site.roads.network)
            if site.laid is None and site.hour is not None:
                site.roads.customise(site.roads.network.seconds)
            site.hour = None
        if site.laid is not None and hour != site.hour:
            site.roads.customise(site.laid.edge_seconds(hour))
            site.hour = hour


def _opened(folder: Path) -> Site | None:
    try:
        roads = Roads.open(folder)
    except NoRoads as error:
        log.warning("road graph not usable", extra={"error": str(error)})
        return None
    return Site(roads, SnapCache(roads))


def _stamp(file: Path) -> object:
    try:
        seen = file.stat()
    except OSError:
        return None
    return seen.st_dev, seen.st_ino, seen.st_mtime_ns
