"""The expressway of the made-up city: two one-way carriageways above the streets, joined by ramps only."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely

from lab.blocks import Net
from lab.citymap import Floats
from lab.names import EXPRESSWAY
from lab.plan import HALF_HEIGHT_M
from lab.strokes import Stretch

GAP_M = 14.0  # from the middle to either carriageway
RAMP_M = 420.0
FOOT_M = 70.0  # a ramp meets the road at least this far from the carriageways, if it can
STEP_M = 260.0
APART_M = 2_400.0  # between interchanges


@dataclass(frozen=True)
class Crossing:
    """Where the expressway passes over a main road: metres along it, and the stretch below."""

    along_m: float
    stretch: int
    at_m: tuple[float, float]


def middle_line(rng: np.random.Generator) -> Floats:
    """The middle of the expressway, south to north, east of the 4th ring."""
    y = np.arange(-HALF_HEIGHT_M, HALF_HEIGHT_M + 1, STEP_M)
    phase = float(rng.uniform(0, 6))
    x = 9_500 + 420 * np.sin(y / 4_300 + phase) + 160 * np.sin(y / 1_900 + phase)
    return np.column_stack([x, y])


def build(net: Net, parts: list[Stretch], rng: np.random.Generator) -> None:
    """Adds the expressway and its interchanges to the net and the stretches."""
    middle = middle_line(rng)
    line = shapely.LineString(middle)
    crossings = _crossings(net, parts, line)
    slope = np.gradient(middle, axis=0)
    normal = np.column_stack([slope[:, 1], -slope[:, 0]]) / np.hypot(slope[:, 0], slope[:, 1])[:, None]
    ways = []
    for side in (1, -1):  # 1: northbound, on the east side; traffic keeps right
        points = middle + side * GAP_M * normal
        ids = [net.node(float(px), float(py)) for px, py in points]
        ways.append(ids if side > 0 else ids[::-1])
    for ids in ways:
        for a, b in pairwise(ids):
            parts.append(Stretch(a, b, "motorway", EXPRESSWAY, one_way=True))
    for end in (0, 1):  # the map ends here: traffic turns, so that the last stretch is not cut off
        leaves, enters = (ways[0][-1], ways[1][0]) if end else (ways[1][-1], ways[0][0])
        parts.append(Stretch(leaves, enters, "motorway_link", EXPRESSWAY, one_way=True))
    for crossing in crossings:
        _interchange(net, parts, crossing, ways)


def _crossings(net: Net, parts: list[Stretch], line: shapely.LineString) -> list[Crossing]:
    """Main roads below, far enough from one another."""
    chosen: list[Crossing] = []
    found = []
    for number, part in enumerate(parts):
        if part.road_class in ("primary", "secondary"):
            below = shapely.LineString([(net.x[part.a], net.y[part.a]), (net.x[part.b], net.y[part.b])])
            if line.intersects(below):
                spot = line.intersection(below)
                if spot.geom_type == "Point":
                    room = min(spot.distance(shapely.Point(end)) for end in below.coords)
                    found.append((room < FOOT_M, part.road_class != "primary", line.project(spot), number))
    for _, _, along, number in sorted(found):
        inside = RAMP_M * 1.5 < along < line.length - RAMP_M * 1.5
        if inside and all(abs(along - other.along_m) > APART_M for other in chosen):
            over = line.interpolate(along)
            chosen.append(Crossing(float(along), number, (over.x, over.y)))
    return chosen


def _interchange(net: Net, parts: list[Stretch], crossing: Crossing, ways: list[list[int]]) -> None:
    """A diamond: off before the road, on after it, on either side."""
    part = parts[crossing.stretch]
    place = crossing.along_m / STEP_M
    reach = max(1, round(RAMP_M / STEP_M))
    last = len(ways[0]) - 1
    north, south = round(place), last - round(place)
    east_first = net.x[part.a] > net.x[part.b]
    east, west = (part.a, part.b) if east_first else (part.b, part.a)
    east, west = _foot(net, parts, crossing, west, east), _foot(net, parts, crossing, east, west)
    for ids, at, foot in ((ways[0], north, east), (ways[1], south, west)):
        before, after = ids[max(0, at - reach)], ids[min(last, at + reach)]
        _ramp(net, parts, before, foot)
        _ramp(net, parts, foot, after)


def _foot(net: Net, parts: list[Stretch], crossing: Crossing, behind: int, node: int) -> int:
    """The end of the stretch below, or the next node along the road when that lies too near the carriageways."""
    x, y = crossing.at_m
    if np.hypot(net.x[node] - x, net.y[node] - y) >= FOOT_M:
        return node
    name = parts[crossing.stretch].name
    onward = [p.a if p.b == node else p.b for p in parts if p.name == name and node in (p.a, p.b)]
    return next((other for other in onward if other != behind), node)


def _ramp(net: Net, parts: list[Stretch], a: int, b: int) -> None:
    """A one-way ramp with a gentle bend."""
    p, q = np.array([net.x[a], net.y[a]]), np.array([net.x[b], net.y[b]])
    previous = a
    bend = 0.16 * np.array([q[1] - p[1], p[0] - q[0]])
    corner = (p + q) / 2 + bend * (1 if bend @ ((p + q) / 2 - np.array([9_500.0, p[1]])) > 0 else -1) * 0.5
    for t in (0.33, 0.67):
        point = (1 - t) ** 2 * p + 2 * t * (1 - t) * corner + t**2 * q
        node = net.node(float(point[0]), float(point[1]))
        parts.append(Stretch(previous, node, "motorway_link", EXPRESSWAY, one_way=True))
        previous = node
    parts.append(Stretch(previous, b, "motorway_link", EXPRESSWAY, one_way=True))
