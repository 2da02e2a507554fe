"""The order of contraction, in a process of its own: the library holds the interpreter for its whole duration, so a
progress bar would stand still and Ctrl-C would not be heard. Run as `python -m geo.roads.contraction FOLDER`."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import routingkit_cch
from numpy.typing import NDArray

from geo.errors import BadExtract
from geo.roads.network import Network

GIVEN, FOUND = "order-input.npz", "order-output.npy"
ROOT = Path(__file__).resolve().parents[2]
TELL_EVERY_S = 0.5
SMALL = 5_000  # states: that many are ordered sooner than a process starts


def of(network: Network, place: Path, tell: Callable[[str], None] = lambda text: None) -> NDArray[np.uint32]:
    """Nested dissection by inertial flow; `tell` hears that it is alive. Raises BadExtract when it dies."""
    states = network.states
    tell(f"{len(states.state_node):,} states")
    if len(states.state_node) <= SMALL:
        return _order(
            states.tail, states.head, network.lat[states.state_node], network.lon[states.state_node]
        )
    np.savez(
        place / GIVEN,
        tail=states.tail, head=states.head, lat=network.lat[states.state_node], lon=network.lon[states.state_node],
    )  # fmt: skip
    began = time.monotonic()
    child = subprocess.Popen([sys.executable, "-m", "geo.roads.contraction", str(place)], cwd=ROOT)
    try:
        while child.poll() is None:
            tell(f"{len(states.state_node):,} states, {time.monotonic() - began:.0f} s")
            try:
                child.wait(TELL_EVERY_S)
            except subprocess.TimeoutExpired:
                continue
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
    if child.returncode != 0:
        raise BadExtract(f"the order of contraction could not be computed (exit code {child.returncode})")
    order = np.load(place / FOUND)
    (place / GIVEN).unlink()
    (place / FOUND).unlink()
    return np.asarray(order, dtype=np.uint32)


def _order(
    tail: NDArray[np.int32], head: NDArray[np.int32], lat: NDArray[np.float64], lon: NDArray[np.float64]
) -> NDArray[np.uint32]:
    order = routingkit_cch.compute_order_inertial(
        len(lat), tail.tolist(), head.tolist(), lat.tolist(), lon.tolist()
    )
    return np.array(order, dtype=np.uint32)


def main(place: Path) -> None:
    """Reads the graph, writes the order."""
    with np.load(place / GIVEN) as given:
        np.save(place / FOUND, _order(given["tail"], given["head"], given["lat"], given["lon"]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
