"""Reads from an OpenStreetMap file what a car needs: ways, what stands on them, and turn restrictions."""

from array import array
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import osmium
from numpy.typing import NDArray

from geo.errors import BadExtract
from geo.roads import car_tags, turn_rules
from geo.roads.car_tags import Drive, Stop
from geo.roads.turn_rules import Restriction

# With one of these keys a thing may matter to a car; everything else is never handed to Python.
KEYS = (
    "highway",
    "barrier",
    "route",
    "restriction",
    "restriction:motorcar",
    "restriction:motor_vehicle",
    "restriction:conditional",
)
TELL_EVERY = 4_096
Tell = Callable[[str], None]


@dataclass
class Extract:
    """The drivable part of a file. Way i owns the places first[i] … first[i+1]-1 of `refs`, `lon` and `lat`."""

    ways: list[int] = field(default_factory=list)
    drives: list[Drive] = field(default_factory=list)
    first: NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, dtype=np.int64))
    refs: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    lon: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    lat: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    stops: dict[int, Stop] = field(default_factory=dict)  # by OpenStreetMap node id
    restrictions: list[Restriction] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


def read(path: Path, tell: Tell = lambda text: None) -> Extract:
    """Reads a .osm.pbf or .osm file; `tell` hears how far it is. Raises BadExtract."""
    found = Extract()
    first, refs, lon, lat = array("q", [0]), array("q"), array("d"), array("d")
    try:
        things = osmium.FileProcessor(str(path)).with_locations().with_filter(osmium.filter.KeyFilter(*KEYS))
        for count, thing in enumerate(things):
            if count % TELL_EVERY == 0:
                tell(f"{len(found.ways):,} ways, {len(found.restrictions):,} turn restrictions")
            if isinstance(thing, osmium.osm.Way):
                drive = car_tags.drive(dict(thing.tags))
                if drive is None:
                    continue
                for node in thing.nodes:
                    if node.location.valid():
                        refs.append(node.ref)
                        lon.append(node.lon)
                        lat.append(node.lat)
                if len(refs) - first[-1] < 2:  # the rest of the way lies outside the extract
                    del refs[first[-1] :], lon[first[-1] :], lat[first[-1] :]
                    continue
                found.ways.append(thing.id)
                found.drives.append(drive)
                first.append(len(refs))
            elif isinstance(thing, osmium.osm.Node):
                stop = car_tags.stop(dict(thing.tags))
                if stop is not None:
                    found.stops[thing.id] = stop
            elif isinstance(thing, osmium.osm.Relation):
                _take(thing, found)
    except (RuntimeError, OSError) as error:  # what libosmium raises for a file that is none
        raise BadExtract(f"{path.name} cannot be read as OpenStreetMap data: {error}") from error
    if not found.ways:
        raise BadExtract(f"{path.name} has no roads a car may use")
    found.first, found.refs = np.frombuffer(first, dtype=np.int64), np.frombuffer(refs, dtype=np.int64)
    found.lon, found.lat = np.frombuffer(lon), np.frombuffer(lat)
    return found


def _take(relation: "osmium.osm.Relation", found: Extract) -> None:
    tags = dict(relation.tags)
    if not tags.get("type", "").startswith("restriction"):
        return
    rule = turn_rules.read(tags, [(m.role, m.type, m.ref) for m in relation.members])
    if isinstance(rule, Restriction):
        found.restrictions.append(rule)
    else:
        found.counts[rule] += 1
