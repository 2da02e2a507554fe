"""Builds a road graph: read, connect, order, store. What it says at the end lets a person judge whether it is right."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from geo.roads import contraction, files, osm, snapping, turns
from geo.roads import network as networks
from geo.roads.car_tags import CLASS_NO, CLASSES
from geo.roads.files import Arrays
from geo.roads.network import Made, Network
from geo.roads.turns import StateGraph

# Which part, what it says of itself, and from where to where (0..1) it takes the whole: the shares are of a city.
Tell = Callable[[str, str, float, float], None]
PARTS = {"reading": (0.0, 0.35), "connecting": (0.35, 0.45), "ordering": (0.45, 0.95), "storing": (0.95, 1.0)}
NETWORK = (
    "lon",
    "lat",
    "node_id",
    "start",
    "end",
    "twin",
    "length_m",
    "seconds",
    "road_class",
    "way",
    "first",
    "shape",
)
STATES = ("state_node", "tail", "head", "arc_edge", "after")
GRID = ("frame", "cell_first", "piece", "ends", "shares", "edge")


def silent(part: str, text: str, share: float, until: float) -> None:
    """Tells nobody."""


def from_osm(
    file: Path, folder: Path, tell: Tell = silent, facts: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Builds the graph of an extract into `folder` and puts it in force. Returns its facts. Raises BadExtract."""
    began = time.monotonic()
    tell("reading", file.name, *PARTS["reading"])
    extract = osm.read(file, lambda text: tell("reading", text, *PARTS["reading"]))
    read_s = round(time.monotonic() - began, 1)
    tell("connecting", f"{len(extract.ways):,} ways", *PARTS["connecting"])
    made = networks.make(extract)
    return store(made, folder, {"source": file.name, **(facts or {}), "read_s": read_s}, tell, began=began)


def store(
    made: Made, folder: Path, facts: Mapping[str, Any], tell: Tell = silent, *, began: float | None = None
) -> dict[str, Any]:
    """Orders a network and stores it as the graph in force; `facts` are kept with it."""
    began = time.monotonic() if began is None else began
    network = made.network
    with files.draft(folder) as place:
        ordered = time.monotonic()
        order = contraction.of(network, place, lambda text: tell("ordering", text, *PARTS["ordering"]))
        order_s = time.monotonic() - ordered
        tell("storing", f"{len(network.start):,} edges", *PARTS["storing"])
        grid = snapping.index(network, network.road_class != CLASS_NO["ferry"])
        said = {
            **facts, **summary(made), "order_s": round(order_s, 1), "build_s": round(time.monotonic() - began, 1),
            "built_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }  # fmt: skip
        network = replace(network, states=turns.in_order(network.states, order))
        return files.publish(folder, place, {**_arrays(network), **_grid(grid)}, said)


def summary(made: Made) -> dict[str, Any]:
    """Counts of a network, kilometres by class, and the box it lies in."""
    network = made.network
    once = (network.twin < 0) | (np.arange(len(network.twin)) < network.twin)
    km = np.bincount(network.road_class[once], weights=network.length_m[once], minlength=len(CLASSES)) / 1000
    return {
        "nodes": len(network.lon), "edges": len(network.start), "states": len(network.states.state_node),
        "arcs": len(network.states.tail), "road_km": round(float(km.sum()), 1),
        "km_by_class": {name: round(float(km[no]), 1) for name, no in CLASS_NO.items() if km[no] > 0},
        "one_way_edges": int(np.count_nonzero(network.twin < 0)),
        "box": [round(float(v), 6) for v in (*network.shape.min(axis=0), *network.shape.max(axis=0))],
        **{name: int(count) for name, count in sorted(made.counts.items())},
    }  # fmt: skip


def _arrays(network: Network) -> Arrays:
    found: Arrays = {name: getattr(network, name) for name in NETWORK}
    return found | {f"state_{name}": getattr(network.states, name) for name in STATES}


def _grid(grid: snapping.Grid) -> Arrays:
    return {f"grid_{name}": getattr(grid, name) for name in GRID}


def network_of(arrays: Arrays) -> Network:
    """The network back from its stored arrays."""
    states = StateGraph(**{name: arrays[f"state_{name}"] for name in STATES})
    return Network(**{name: arrays[name] for name in NETWORK}, states=states)


def grid_of(arrays: Arrays) -> snapping.Grid:
    """The grid back from its stored arrays."""
    return snapping.Grid(**{name: arrays[f"grid_{name}"] for name in GRID})
