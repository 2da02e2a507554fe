"""What is left of the error of learned times, and how much of it no model could take away.

Two measures: how far apart two taxis were that drove between the same two places within two hours, and how wrong the same
speeds are when the roads really driven are known. Between them lies what choosing the driver's own way would bring."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from bench.trips import Driven
from geo.roads import speeds
from geo.roads.graph import Roads
from geo.roads.learning import Journey
from geo.roads.network import METRES_PER_DEGREE, Floats
from geo.roads.speeds import Speeds

SAME_M, SAME_S = 300.0, 2 * 3600.0
LENGTHS_M = (500, 1_000, 1_500, 2_000, 3_000, 4_000, 6_000, 30_000)
HOURS = range(24)


class Left(NamedTuple):
    """Shares: `same` of two drives of one way (so many `pairs`), `known` with the roads driven known, and the median error
    and the median of said ÷ took by kind of journey."""

    same: float
    pairs: int
    known: float
    parts: list[tuple[str, int, float, float]]


def along(found: Speeds, roads: Roads, driven: Sequence[Driven]) -> Floats:
    """Seconds of each journey over the roads it was really driven on; of what was not matched, as it was driven."""
    laid, network, said = found.on(roads.network), roads.network, []
    at_hour: dict[int, Floats] = {}
    for one in driven:
        steps = one.steps
        for j in one.journeys:
            hour = speeds.week_hour(j.began_s)
            seconds = at_hour.setdefault(hour, laid.edge_seconds(hour))
            rows = (steps.began_s >= j.began_s) & (steps.began_s < j.began_s + j.took_s)
            edges, step = steps.edge[rows], steps.step[rows]
            on_road = float((seconds[edges] * steps.metres[rows] / network.length_m[edges]).sum())
            matched_s = float(steps.took_s[rows][np.unique(step, return_index=True)[1]].sum())
            said.append(on_road + max(0.0, j.took_s - matched_s) + found.start_stop_s)
    return np.array(said)


def left(journeys: Sequence[Journey], learned: Floats, known: Floats) -> Left:
    """What is left; `known` are the times along the roads driven, judged without their bias."""
    took = np.array([j.took_s for j in journeys])
    off = np.log(learned / took)
    apart = np.maximum(_apart_m([j.start for j in journeys]), _apart_m([j.end for j in journeys]))
    began = np.array([j.began_s for j in journeys])
    same = np.triu((apart < SAME_M) & (np.abs(began[:, None] - began) < SAME_S), 1)
    same &= np.isfinite(off)[:, None] & np.isfinite(off)
    a, b = np.nonzero(same)
    ratio = known / took
    crow = np.array([j.crow_m for j in journeys])
    hour = began // 3600 % 24
    parts = [
        (f"{low / 1000:g}–{high / 1000:g} km", (crow >= low) & (crow < high))
        for low, high in pairwise(LENGTHS_M)
    ] + [(f"{h:02d}:00 UTC", hour == h) for h in HOURS if (hour == h).any()]
    return Left(
        # The difference of two equally noisy drives is √2 as wide as the noise of one.
        float(np.expm1(np.median(np.abs(off[a] - off[b])) / np.sqrt(2))) if len(a) else float("nan"),
        len(a),
        float(np.median(np.abs(ratio / np.median(ratio) - 1.0))),
        [
            (name, int(rows.sum()), float(np.median(np.abs(np.exp(off[rows]) - 1))), float(np.median(np.exp(off[rows]))))
            for name, rows in parts
            if rows.any()
        ],
    )  # fmt: skip


def _apart_m(places: Sequence[tuple[float, float]]) -> Floats:
    """Metres between any two of the places of one city."""
    lon, lat = np.array(places, dtype=np.float64).reshape(-1, 2).T
    shrink = np.cos(np.radians(lat.mean())) if len(lat) else 1.0
    apart = np.hypot((lon[:, None] - lon) * shrink, lat[:, None] - lat)
    return np.asarray(apart * METRES_PER_DEGREE)
