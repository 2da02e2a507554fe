"""Road engines behind HTTP: OSRM, Valhalla, AMap. One call answers a small table or raises RouterFailed.

None of them is believed blindly: a count that does not match, a time below zero or faster than any car, a body
too long or not JSON is a failure, and a failure is never an answer.
"""

import json
import math
import time
from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import Any

import httpx
import numpy as np

from geo import datum
from geo.fix import LonLat
from geo.table import RouterFailed, Seconds, Table, crow_m

LONGEST_BODY = 4 * 1024 * 1024
# Nobody drives faster than this as the crow flies, and who needs longer than a day is not coming.
FASTEST_MPS = 70.0
LONGEST_S = 86_400.0
# Snapping to the nearest road may shorten a drive by this much.
SNAPPING_M = 1_000.0


class Remote:
    """What the adapters share: one HTTP client, an overall deadline for a call, a limit to what is read."""

    name = "remote"
    remote = True
    batch_starts = 100
    batch_places = 1
    # Farther ones are left to the next provider: with a few hundred asked the soonest is among them.
    most_starts = 400

    def __init__(self, url: str, *, deadline_s: float) -> None:
        self.url = url.rstrip("/")
        self.deadline_s = deadline_s
        self.client = httpx.Client(timeout=deadline_s, follow_redirects=False)

    def table(self, places: Sequence[LonLat], starts: Sequence[LonLat]) -> Table:
        """One call for at most `batch_starts` × `batch_places` drives."""
        found = self.ask(places, starts)
        believable(found, places, starts)
        return found

    def ask(self, places: Sequence[LonLat], starts: Sequence[LonLat]) -> Table:
        """Makes the call and reads the answer. Raises RouterFailed."""
        raise NotImplementedError

    def fetch(self, method: str, path: str, **given: Any) -> Any:
        """The JSON a call answers, whatever its status. Raises RouterFailed."""
        until = time.monotonic() + self.deadline_s
        try:
            with self.client.stream(method, self.url + path, **given) as answer:
                body = bytearray()
                for chunk in answer.iter_bytes():
                    body += chunk
                    # httpx counts its time-out anew at every byte: a server that drips would hold us for ever.
                    if len(body) > LONGEST_BODY or time.monotonic() > until:
                        raise RouterFailed("slow or endless answer")
                if answer.status_code >= 500 or answer.status_code in (401, 403, 404, 429):
                    raise RouterFailed(f"status {answer.status_code}")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # The kind alone: a driver's text holds the address, and that the places and the key.
            raise RouterFailed(type(error).__name__) from None
        try:
            return json.loads(bytes(body))
        except (ValueError, RecursionError):
            raise RouterFailed("not JSON") from None


def believable(found: Table, places: Sequence[LonLat], starts: Sequence[LonLat]) -> None:
    """Raises RouterFailed for a table that no road could have made."""
    if found.seconds.shape != (len(starts), len(places)):
        raise RouterFailed("a table of another size")
    finite = np.isfinite(found.seconds)
    if (found.seconds[finite] < 0).any() or np.isneginf(found.seconds).any():
        raise RouterFailed("a time below zero")
    least_s = (crow_m(starts, places) - SNAPPING_M) / FASTEST_MPS
    if (found.seconds[finite] < least_s[finite]).any():
        raise RouterFailed("a time no car can make")
    found.seconds[finite & (found.seconds > LONGEST_S)] = math.inf


def numbers(rows: Any, starts: int, places: int) -> Seconds:
    """A matrix of numbers, null as inf. Raises RouterFailed for anything else."""
    if not isinstance(rows, list) or len(rows) != starts:
        raise RouterFailed("a table of another size")
    read = np.full((starts, places), math.inf)
    for i, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != places:
            raise RouterFailed("a table of another size")
        for j, cell in enumerate(row):
            if cell is not None:
                read[i, j] = number(cell)
    return read


def number(value: Any) -> float:
    """A finite number, from a number or its text. Raises RouterFailed."""
    try:
        if isinstance(value, bool):
            raise TypeError
        read = float(value)
    except (TypeError, ValueError):
        raise RouterFailed("not a number") from None
    if not math.isfinite(read):
        raise RouterFailed("not a number")
    return read


class Osrm(Remote):
    """OSRM's `/table` service; its own limit is 100 places a call unless it was started with another."""

    name = "osrm"
    batch_starts, batch_places = 90, 10

    def ask(self, places: Sequence[LonLat], starts: Sequence[LonLat]) -> Table:
        """From the starts to the places."""
        where = ";".join(f"{p.lon:.6f},{p.lat:.6f}" for p in (*starts, *places))
        sources = ";".join(map(str, range(len(starts))))
        targets = ";".join(map(str, range(len(starts), len(starts) + len(places))))
        said = self.fetch(
            "GET",
            f"/table/v1/driving/{where}",
            params={"sources": sources, "destinations": targets, "annotations": "duration,distance"},
        )
        if not isinstance(said, dict) or said.get("code") != "Ok":
            code = said.get("code") if isinstance(said, dict) else None
            # A place off its map is no illness.
            raise RouterFailed("refused", sick=code not in ("NoSegment", "NoTable", "InvalidValue"))
        seconds = numbers(said.get("durations"), len(starts), len(places))
        metres = said.get("distances")
        return Table(
            seconds,
            np.full_like(seconds, np.nan) if metres is None else numbers(metres, len(starts), len(places)),
        )


class Valhalla(Remote):
    """Valhalla's `/sources_to_targets` with the costing `auto`; its own limit is 2,500 pairs a call."""

    name = "valhalla"
    batch_starts, batch_places = 100, 20

    def ask(self, places: Sequence[LonLat], starts: Sequence[LonLat]) -> Table:
        """From the starts to the places."""
        said = self.fetch(
            "POST",
            "/sources_to_targets",
            json={
                "sources": [p._asdict() for p in starts],
                "targets": [p._asdict() for p in places],
                "costing": "auto",
                "units": "kilometers",
            },
        )
        rows = said.get("sources_to_targets") if isinstance(said, dict) else None
        if not isinstance(rows, list):
            code = said.get("error_code") if isinstance(said, dict) else None
            # 171: no suitable edges near a place; 154: too far apart; 442: no path.
            raise RouterFailed("refused", sick=code not in (154, 170, 171, 442))
        times = [[_field(cell, "time") for cell in row] if isinstance(row, list) else None for row in rows]
        roads = [
            [_field(cell, "distance") for cell in row] if isinstance(row, list) else None for row in rows
        ]
        return Table(
            numbers(times, len(starts), len(places)), numbers(roads, len(starts), len(places)) * 1000.0
        )


def _field(cell: Any, name: str) -> Any:
    if not isinstance(cell, dict):
        raise RouterFailed("a table of another form")
    return cell.get(name)


class Amap(Remote):
    """AMap's `v3/distance`, type 1: driving with traffic, 100 origins and one destination a call, GCJ-02.

    Its numbers are texts, its status is "1" when all is well. What it said of a pair is remembered for two minutes: the
    clocks are re-predicted every second, and its daily quota is 5,000 calls for a person and 300,000 for a firm.
    """

    name = "amap"
    batch_starts, batch_places = 100, 1
    REMEMBERED_S = 120.0
    REMEMBERED = 20_000

    def __init__(self, url: str, key: str, *, deadline_s: float) -> None:
        super().__init__(url, deadline_s=deadline_s)
        self.key = key
        self._known: OrderedDict[tuple[str, str], tuple[float, float, float]] = OrderedDict()
        self._lock = Lock()

    def ask(self, places: Sequence[LonLat], starts: Sequence[LonLat]) -> Table:
        """From the starts to the one place."""
        (place,) = places
        target = _gcj02(place)
        origins = [_gcj02(start) for start in starts]
        known = self._recall(origins, target)
        asked = [origin for origin in dict.fromkeys(origins) if origin not in known]
        if asked:
            known |= self._measure(asked, target)
        found = Table.blank(len(starts), 1)
        for i, origin in enumerate(origins):
            found.seconds[i, 0], found.metres[i, 0] = known[origin]
        return found

    def _measure(self, origins: list[str], target: str) -> dict[str, tuple[float, float]]:
        asked = {"origins": "|".join(origins), "destination": target, "type": "1", "key": self.key}
        said = self.fetch("GET", "/v3/distance", params=asked)
        if not isinstance(said, dict) or said.get("status") != "1":
            raise RouterFailed("refused")
        results = said.get("results")
        if not isinstance(results, list) or len(results) != len(origins):
            raise RouterFailed("a table of another size")
        found: dict[str, tuple[float, float]] = {}
        for result in results:
            at = number(_field(result, "origin_id"))
            if at != int(at) or not 1 <= at <= len(origins):
                raise RouterFailed("a table of another form")
            found[origins[int(at) - 1]] = _amap_cell(result)
        if len(found) != len(origins):
            raise RouterFailed("a table of another form")
        self._remember(found, target)
        return found

    def _recall(self, origins: list[str], target: str) -> dict[str, tuple[float, float]]:
        now = time.monotonic()
        with self._lock:
            known = {origin: self._known.get((origin, target)) for origin in origins}
        return {
            origin: (cell[1], cell[2])
            for origin, cell in known.items()
            if cell is not None and now - cell[0] < self.REMEMBERED_S
        }

    def _remember(self, found: dict[str, tuple[float, float]], target: str) -> None:
        now = time.monotonic()
        with self._lock:
            for origin, (seconds, metres) in found.items():
                self._known[origin, target] = (now, seconds, metres)
                self._known.move_to_end((origin, target))
            while len(self._known) > self.REMEMBERED:
                self._known.popitem(last=False)


def _gcj02(place: LonLat) -> str:
    # Four decimals are 11 m: the same parked car is the same question.
    moved = datum.from_wgs84(place, "gcj02")
    return f"{moved.lon:.4f},{moved.lat:.4f}"


def _amap_cell(result: Any) -> tuple[float, float]:
    # A pair that failed carries a code: 1 no road between them, 2 off every road, 3 outside China.
    code = str(result.get("code") or "")
    if code == "1":
        return math.inf, math.nan
    if code in ("2", "3"):
        return math.nan, math.nan
    return number(result.get("duration")), number(result.get("distance"))
