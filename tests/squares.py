"""A small square city whose true speeds are known, and drives through it as a phone would record them."""

from itertools import pairwise

import numpy as np

from geo.roads import plain_network
from geo.roads.car_tags import CLASS_NO
from geo.roads.graph import Roads
from geo.roads.network import METRES_PER_DEGREE

SIDE, BLOCK_M = 12, 200.0
MONDAY = 4 * 86_400.0  # 5 January 1970, 00:00 UTC
FREE_MPS = 10.0


def city(bans: tuple[tuple[int, ...], ...] = ()) -> Roads:
    """SIDE × SIDE junctions, BLOCK_M apart; every sixth street is a main road."""
    number = np.arange(SIDE * SIDE)
    x, y = number % SIDE, number // SIDE
    lat = 31.0 + y * BLOCK_M / METRES_PER_DEGREE
    lon = 121.0 + x * BLOCK_M / METRES_PER_DEGREE / np.cos(np.radians(31.0))
    east = number[x < SIDE - 1]
    north = number[y < SIDE - 1]
    start = np.concatenate([east, east + 1, north, north + SIDE]).astype(np.int32)
    end = np.concatenate([east + 1, east, north + SIDE, north]).astype(np.int32)
    main = np.concatenate([y[east] % 6 == 0, y[east] % 6 == 0, x[north] % 6 == 0, x[north] % 6 == 0])
    road_class = np.where(main, CLASS_NO["primary"], CLASS_NO["residential"]).astype(np.int8)
    length = np.full(len(start), BLOCK_M)
    return Roads.of(
        plain_network.network(lon, lat, start, end, length, length / FREE_MPS, road_class, bans=bans)
    )


ROADS = city()
EDGE = {
    (int(a), int(b)): i for i, (a, b) in enumerate(zip(ROADS.network.start, ROADS.network.end, strict=True))
}


def driven(
    junctions: list[int],
    every_s: float,
    seconds_of,
    seed: int = 0,
    noise_m: float = 8.0,
    began_s: float = MONDAY,
):
    """The fixes of a drive along junctions: times, lon, lat, with Gaussian noise."""
    edges = [EDGE[a, b] for a, b in pairwise(junctions)]
    reached = np.concatenate([[0.0], np.cumsum([seconds_of(edge) for edge in edges])])
    at = np.arange(0.0, reached[-1], every_s)
    lon = np.interp(at, reached, ROADS.network.lon[junctions])
    lat = np.interp(at, reached, ROADS.network.lat[junctions])
    random = np.random.default_rng(seed)
    shake = random.normal(0, noise_m / METRES_PER_DEGREE, (2, len(at)))
    return at + began_s, lon + shake[0] / np.cos(np.radians(31)), lat + shake[1], edges


def staircase(steps: int, begin: int = 0) -> list[int]:
    """East and north by turns."""
    way = [begin]
    for i in range(steps):
        way.append(way[-1] + (1 if i % 2 == 0 else SIDE))
    return way


def free(edge: int) -> float:
    return float(ROADS.network.seconds[edge])
