"""`chakan roads`: builds the road graph of a data folder, and says which one is in force.

As a process of its own (`python -m launch.roads SOURCE FOLDER`) it builds while the site already serves: until the graph
is there every drive time is a straight line, and says so."""

import hashlib
import math
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from launch.board import Board, Step
from launch.errors import CannotStart
from launch.places import Places, read_json

DEMO_CITY = "demo-city"
ENDS_BYTES = (
    1 << 20
)  # of a file's two ends: enough to tell one extract from another without reading a country
BAR_CELLS = 20
SECONDS_PER_MIB = {"reading": 0.8, "connecting": 0.25, "ordering": 1.0}  # of a city; it only steers the bar
ABOUT = "about.json"


def folder_of(data: Path) -> Path:
    """Where the road graph of a data folder lies."""
    return data.resolve() / "roads"


def mark_of(source: str) -> str:
    """What tells this source from another: the generated city by name, a file by its size and its two ends."""
    if source == DEMO_CITY:
        return DEMO_CITY
    path = Path(source)
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        digest.update(file.read(ENDS_BYTES))
        file.seek(max(0, size - ENDS_BYTES))
        digest.update(file.read(ENDS_BYTES))
    return digest.hexdigest()[:16]


def in_force(data: Path) -> dict[str, Any]:
    """The facts of the graph in force, empty when there is none. Needs nothing but the standard library."""
    folder = folder_of(data)
    try:
        build = (folder / "current").read_text(encoding="ascii").strip()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    return read_json(folder / build / ABOUT)


def due(data: Path, source: str) -> bool:
    """Whether the graph in force is not of this source, or of another version of the program."""
    from geo.roads.version import FORMAT

    facts = in_force(data)
    return facts.get("mark") != mark_of(source) or facts.get("format") != FORMAT


def said(facts: dict[str, Any]) -> str:
    """The graph in force in a few words."""
    if not facts:
        return "none: drive times are straight lines (chakan roads build CITY.osm.pbf)"
    bans = f", {facts['turn_bans']:,} turn bans" if facts.get("turn_bans") else ""
    return f"{facts['source']}: {facts['road_km']:,.0f} km, {facts['edges']:,} edges{bans}, built {facts['built_at']}"


def build(file: Path, data: Path) -> dict[str, Any]:
    """Builds the graph of an extract with progress on the terminal. Returns its facts."""
    if not file.is_file():
        raise CannotStart(f"There is no file {file}")
    places = Places(data.resolve())
    places.make()
    with Board() as board:
        return _build(str(file), folder_of(data), board)


def _build(source: str, folder: Path, board: Board) -> dict[str, Any]:
    from core.errors import ChakanError

    progress = Progress(board, source)
    try:
        facts = _made(source, folder, progress.tell)
    except ChakanError as error:
        raise CannotStart(str(error)) from error
    except OSError as error:
        # numpy says only how many bytes it could not write. Nothing of a build that fails is left behind.
        free = shutil.disk_usage(folder if folder.exists() else folder.parent).free
        raise CannotStart(
            f"{folder} could not be written ({error.strerror or error}); {free / 2**20:,.0f} MiB are free there."
            " The graph in force stays."
        ) from error
    finally:
        progress.end()
    return facts


def _made(source: str, folder: Path, tell: Any) -> dict[str, Any]:
    mark = {"mark": mark_of(source)}
    if source == DEMO_CITY:
        from lab import casework, roadgraph

        city = casework.city_of("")
        return roadgraph.build(city, folder, mark | {"source": city.label}, tell)
    from geo.roads import building

    return building.from_osm(Path(source), folder, tell, mark)


class Progress:
    """One step of the board for each part of the build, with a bar of the whole."""

    def __init__(self, board: Board, source: str) -> None:
        self._board = board
        self._mib = 1.0 if source == DEMO_CITY else Path(source).stat().st_size / 2**20
        self._part, self._began = "", 0.0
        self._step: Step | None = None
        self._open: Any = None

    def tell(self, part: str, text: str, share: float, until: float) -> None:
        """Hears that a part is under way: it takes the whole from `share` to `until`."""
        if part != self._part:
            self.end()
            self._part, self._began = part, time.monotonic()
            self._open = self._board.step(f"roads: {part}")
            self._step = self._open.__enter__()
        expected_s = max(0.5, SECONDS_PER_MIB.get(part, 0.05) * self._mib)
        # The library does not say how far it is: the bar follows what such a file usually takes and never arrives early.
        done = share + (until - share) * (1 - math.exp(-1.5 * (time.monotonic() - self._began) / expected_s))
        assert self._step is not None  # noqa: S101  made above
        self._step.note(f"{_bar(done)} {text}")

    def end(self) -> None:
        """Closes the part under way."""
        if self._open is not None:
            self._open.__exit__(*sys.exc_info())
            self._open, self._step, self._part = None, None, ""


def _bar(share: float) -> str:
    full = round(share * BAR_CELLS)
    return "▕" + "█" * full + "·" * (BAR_CELLS - full) + f"▏{share:4.0%}"


def summary(facts: dict[str, Any]) -> dict[str, Any]:
    """What a person needs to judge a build, in the order he would ask."""
    west, south, east, north = facts["box"]
    rules = f"{facts.get('restrictions', 0):,} restrictions read, {facts.get('applied', 0):,} applied"
    other = {
        key: facts[key]
        for key in ("unmatched", "conditional", "excepted", "other", "broken")
        if facts.get(key)
    }
    return {
        "source": facts["source"],
        "roads": f"{facts['road_km']:,.0f} km in {facts['edges']:,} directed edges between {facts['nodes']:,} nodes",
        "by class": ", ".join(f"{name} {km:,.0f}" for name, km in facts["km_by_class"].items()) + " km",
        "turns": f"{rules} as {facts.get('turn_bans', 0):,} bans and {facts.get('u_turn_bans', 0):,} U-turns behind them"
        + (
            "; not applied: " + ", ".join(f"{count} {name}" for name, count in other.items()) if other else ""
        ),
        "islands": f"{facts.get('islands', 0):,} left out ({facts.get('island_edges', 0):,} edges nobody could leave or reach)",
        "box": f"{west:.4f},{south:.4f} … {east:.4f},{north:.4f}",
        "seconds": f"{facts['build_s']} (order {facts['order_s']})",
        "size": f"{facts['size_bytes'] / 2**20:.1f} MiB",
        "build": f"{facts['build']}, {facts['built_at']}",
    }


def main() -> int:
    """Builds in the background of `chakan up`; what it prints goes to its log and, when it matters, to the terminal."""
    source, folder = sys.argv[1], Path(sys.argv[2])
    try:
        with Board() as board:
            facts = _build(source, folder, board)
    except CannotStart as error:
        print(f"ERROR roads: {error}; drive times stay straight lines", flush=True)
        return 1
    print(f"roads in force: {said(facts)} ({facts['build_s']} s)", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
