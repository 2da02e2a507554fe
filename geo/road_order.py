"""The order of contraction, in a process of its own: the library holds the interpreter for its whole duration, so a
progress bar would stand still and Ctrl-C would not be heard. Run as `python -m geo.road_order FOLDER`."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import routingkit_cch
from numpy.typing import NDArray

from geo.errors import BadExtract
from geo.network import Network

GIVEN, FOUND = "order-input.npz", "order-output.npy"
ROOT = Path(__file__).resolve().parent.parent
TELL_EVERY_S = 0.5


def of(network: Network, place: Path, tell: Callable[[str], None] = lambda text: None) -> NDArray[np.uint32]:
    """Nested dissection by inertial flow; `tell` hears that it is alive. Raises BadExtract when it dies."""
    states = network.states
    np.savez(
        place / GIVEN,
        tail=states.tail, head=states.head, lat=network.lat[states.state_node], lon=network.lon[states.state_node],
    )  # fmt: skip
    began = time.monotonic()
    child = subprocess.Popen([sys.executable, "-m", "geo.road_order", str(place)], cwd=ROOT)
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


def main(place: Path) -> None:
    """Reads the graph, writes the order."""
    with np.load(place / GIVEN) as given:
        order = routingkit_cch.compute_order_inertial(
            len(given["lat"]),
            given["tail"].tolist(),
            given["head"].tolist(),
            given["lat"].tolist(),
            given["lon"].tolist(),
        )
    np.save(place / FOUND, np.array(order, dtype=np.uint32))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
