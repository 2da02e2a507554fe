"""The road graph of the generated city, so that the demonstration dispatches by road like a real region."""

from pathlib import Path
from typing import Any

import numpy as np

from geo.roads import building, plain_network
from geo.roads.car_tags import CLASS_NO as ROAD_CLASS_NO
from geo.roads.network import Made, Network
from lab.citymap import CLASSES, City

# Our seven kinds of street, named as OpenStreetMap would.
OSM_CLASS = {
    "motorway": "motorway", "motorway_link": "motorway_link", "trunk": "trunk", "primary": "primary",
    "secondary": "secondary", "tertiary": "tertiary", "street": "residential",
}  # fmt: skip


def network_of(city: City) -> Network:
    """The directed edges of a city with their free-flow seconds; it has no turn bans."""
    road_class = np.array([ROAD_CLASS_NO[OSM_CLASS[name]] for name in CLASSES], dtype=np.int8)[
        city.road_class
    ]
    return plain_network.network(
        city.lon, city.lat, city.start, city.end, city.length_m, city.length_m / city.speed_mps, road_class,
        one_way=city.one_way,
    )  # fmt: skip


def build(
    city: City, folder: Path, facts: dict[str, Any], tell: building.Tell = building.silent
) -> dict[str, Any]:
    """Builds the graph of a city into `<data>/roads` and puts it in force. Returns its facts."""
    made = Made(network_of(city), {"ways": len(city.start), "islands": 0, "restrictions": 0, "turn_bans": 0})
    return building.store(made, folder, facts, tell)
