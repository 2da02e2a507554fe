"""A network from edges that are already straight lines between nodes: a generated city, or a graph in a test."""

from collections import defaultdict
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from geo.roads import turns
from geo.roads.network import Floats, Network
from geo.roads.turns import Ban, Ints


def network(
    lon: Floats, lat: Floats, start: Ints, end: Ints, length_m: Floats, seconds: Floats,
    road_class: NDArray[np.int8], *, bans: Iterable[Ban] = (), one_way: NDArray[np.bool_] | None = None,
) -> Network:  # fmt: skip
    """The network of directed edges start → end. An edge and its reverse of the same length are one two-way road,
    unless `one_way` says otherwise. Node ids and way ids are the numbers given here."""
    count = len(start)
    first = 2 * np.arange(count + 1, dtype=np.int64)
    shape = np.empty((2 * count, 2))
    shape[::2] = np.column_stack([lon[start], lat[start]])
    shape[1::2] = np.column_stack([lon[end], lat[end]])
    return Network(
        lon=np.asarray(lon, dtype=np.float64), lat=np.asarray(lat, dtype=np.float64),
        node_id=np.arange(len(lon), dtype=np.int64), start=np.asarray(start, dtype=np.int32),
        end=np.asarray(end, dtype=np.int32), twin=_twins(start, end, length_m, one_way),
        length_m=np.asarray(length_m, dtype=np.float64), seconds=np.asarray(seconds, dtype=np.float64),
        road_class=np.asarray(road_class, dtype=np.int8), way=np.arange(count, dtype=np.int64), first=first, shape=shape,
        states=turns.expand(len(lon), start, end, bans),
    )  # fmt: skip


def _twins(start: Ints, end: Ints, length_m: Floats, one_way: NDArray[np.bool_] | None) -> Ints:
    found = np.full(len(start), -1, dtype=np.int32)
    waiting: dict[tuple[int, int, float], list[int]] = defaultdict(list)
    rows = zip(start.tolist(), end.tolist(), np.round(length_m, 3).tolist(), strict=True)
    for edge, (a, b, metres) in enumerate(rows):
        if one_way is not None and one_way[edge]:
            continue
        others = waiting[b, a, metres]
        if others:
            found[edge] = other = others.pop()
            found[other] = edge
        else:
            waiting[a, b, metres].append(edge)
    return found
