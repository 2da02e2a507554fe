"""Cuts the faces between main roads into blocks, again and again, so that streets fill the city."""

from bisect import bisect_left, insort
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from lab.citymap import Floats, Name
from lab.plan import Plan, ring_value

SNAP_M = 55.0  # a new street meets an old corner rather than missing it by less than this
TOWNS_M = ((-9_700.0, 6_900.0), (9_900.0, 5_300.0), (-9_600.0, -7_300.0), (7_900.0, -8_600.0))


@dataclass
class Segment:
    """A straight stretch between two nodes, with the nodes later put on it, by their share of the way."""

    first: int
    last: int
    road_class: str | None
    name: Name | None
    length_m: float
    on_it: list[tuple[float, int]] = field(default_factory=list)
    open_first: bool = True  # whether the street really joins the road at its first node
    open_last: bool = True


@dataclass
class Corner:
    """A corner of a face, with the segment that leads on to the next corner and the shares it spans."""

    node: int
    segment: int
    share_from: float
    share_to: float


@dataclass
class Net:
    """Nodes and segments while the city is being cut."""

    x: list[float] = field(default_factory=list)
    y: list[float] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    parks: list[Floats] = field(default_factory=list)
    lakes: list[Floats] = field(default_factory=list)

    def node(self, x: float, y: float) -> int:
        """Adds a node."""
        self.x.append(x)
        self.y.append(y)
        return len(self.x) - 1

    def segment(self, first: int, last: int, road_class: str | None, name: Name | None) -> int:
        """Adds a segment between two nodes."""
        length = float(np.hypot(self.x[last] - self.x[first], self.y[last] - self.y[first]))
        self.segments.append(Segment(first, last, road_class, name, length))
        return len(self.segments) - 1


def lay_out(plan: Plan, rng: np.random.Generator) -> Net:
    """Puts the main pieces into a net and cuts every face into blocks."""
    net = Net()
    nodes: dict[tuple[float, float], int] = {}
    known: dict[tuple[int, int], int] = {}

    def node_at(point: Floats) -> int:
        key = (round(float(point[0]), 3), round(float(point[1]), 3))
        if key not in nodes:
            nodes[key] = net.node(float(point[0]), float(point[1]))
        return nodes[key]

    for piece in plan.pieces:
        ids = [node_at(point) for point in piece.points]
        for a, b in pairwise(ids):
            if a != b and (a, b) not in known and (b, a) not in known:
                known[a, b] = net.segment(a, b, piece.line.road_class, piece.line.name)
    for face in plan.faces:
        ids = [node_at(point) for point in face]
        corners = []
        for a, b in zip(ids, ids[1:] + ids[:1], strict=True):
            if (a, b) in known:
                corners.append(Corner(a, known[a, b], 0.0, 1.0))
            elif (b, a) in known:
                corners.append(Corner(a, known[b, a], 1.0, 0.0))
        cut_face(net, corners, rng)
    return net


def cut_face(net: Net, corners: list[Corner], rng: np.random.Generator) -> None:
    """Cuts one face until its blocks are small enough for where they lie."""
    waiting = [corners]
    while waiting:
        block = waiting.pop()
        x = np.array([net.x[c.node] for c in block])
        y = np.array([net.y[c.node] for c in block])
        area = 0.5 * abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))))
        middle = float(x.min() + x.max()) / 2, float(y.min() + y.max()) / 2
        if area < target_m2(*middle) * float(rng.uniform(1.0, 1.7)):
            continue
        if green(area, *middle, rng):
            ring = np.column_stack([x, y])
            net.parks.append(np.vstack([ring, ring[:1]]))
            if area > 120_000 and rng.random() < 0.45:
                net.lakes.append(lake(ring, area, rng))
            continue
        halves = cut(net, block, x, y, class_of_cut(area, *middle), rng)
        if halves:
            waiting.extend(halves)


def target_m2(x: float, y: float) -> float:
    """The size of a block: small in the old town, larger outward, small again in the towns."""
    inner, middle, outer = (ring_value(x, y, ring) for ring in range(3))
    if inner < 1:
        size = 27_000.0
    elif middle < 1:
        size = 40_000.0
    elif outer < 1:
        size = 85_000.0
    else:
        size = 480_000.0
    for tx, ty in TOWNS_M:
        away = np.hypot(x - tx, y - ty)
        if away < 1_500:
            size = min(size, 45_000 + 90 * away)
    return size


def class_of_cut(area_m2: float, x: float, y: float) -> str:
    """The class of the road that cuts a block of this size."""
    scale = 1.0 if ring_value(x, y, 2) < 1 else 3.2
    if area_m2 > 2_000_000 * scale:
        return "secondary"
    return "tertiary" if area_m2 > 420_000 * scale else "street"


def green(area_m2: float, x: float, y: float, rng: np.random.Generator) -> bool:
    """Whether a block becomes a park instead of being cut further."""
    if ring_value(x, y, 2) > 1:
        return 80_000 < area_m2 < 900_000 and float(rng.random()) < 0.03
    return 60_000 < area_m2 < 420_000 and float(rng.random()) < 0.028


def lake(ring: Floats, area_m2: float, rng: np.random.Generator) -> Floats:
    """A smooth pond inside a park."""
    angle = np.linspace(0, 2 * np.pi, 33)
    radius = (
        0.24 * np.sqrt(area_m2) * (1 + 0.18 * np.sin(2 * angle + rng.uniform(0, 6)) + 0.1 * np.sin(3 * angle))
    )
    radius[-1] = radius[0]
    middle = ring.mean(axis=0)
    return np.column_stack([middle[0] + radius * np.cos(angle), middle[1] + 0.8 * radius * np.sin(angle)])


def cut(
    net: Net, block: list[Corner], x: Floats, y: Floats, road_class: str, rng: np.random.Generator
) -> tuple[list[Corner], list[Corner]] | None:
    """Cuts a block across its longer side with a new street; None when no clean cut is found."""
    dx, dy = np.roll(x, -1) - x, np.roll(y, -1) - y
    length, angle = np.hypot(dx, dy), np.arctan2(dy, dx)
    grid = 0.25 * np.angle(np.sum(length * np.exp(4j * angle))) + float(rng.normal(0, 0.035))
    u, v = x * np.cos(grid) + y * np.sin(grid), y * np.cos(grid) - x * np.sin(grid)
    longer, shorter = (u, v) if np.ptp(u) >= np.ptp(v) else (v, u)
    for attempt in range(12):
        along = longer if attempt % 3 < 2 else shorter
        level = along.min() + np.ptp(along) * float(rng.uniform(0.38, 0.62))
        above = along > level
        crossed = np.flatnonzero(above != np.roll(above, -1))
        if len(crossed) != 2:
            continue
        spots = [meet(net, block, int(edge), along, level, length, road_class) for edge in crossed]
        if joinable(spots, len(block)):
            return divide(net, block, spots, road_class)
    return None


@dataclass
class Spot:
    """Where a cut meets the rim of a block: at a corner, or on the edge after it."""

    edge: int
    corner: bool
    share: float
    node: int | None  # an existing node there
    joins: bool


def meet(
    net: Net, block: list[Corner], edge: int, along: Floats, level: float, length: Floats, road_class: str
) -> Spot:
    """Finds where the cut meets one edge, snapping to what is near."""
    after = (edge + 1) % len(block)
    part = float((level - along[edge]) / (along[after] - along[edge]))
    corner, segment = block[edge], net.segments[block[edge].segment]
    joins = segment.road_class is not None and (segment.road_class != "trunk" or road_class != "street")
    if part * length[edge] < SNAP_M and part <= 0.5:
        return Spot(edge, True, 0.0, corner.node, True)
    if (1 - part) * length[edge] < SNAP_M:
        return Spot(after, True, 0.0, block[after].node, True)
    share = corner.share_from + part * (corner.share_to - corner.share_from)
    if joins:
        low, high = sorted((corner.share_from, corner.share_to))
        reach = SNAP_M / segment.length_m
        place = bisect_left(segment.on_it, (share - reach, -1))
        for other, node in segment.on_it[place : place + 3]:
            if abs(other - share) < reach and low < other < high:
                return Spot(edge, False, other, node, True)
    return Spot(edge, False, share, None, joins)


def joinable(spots: list[Spot], corners: int) -> bool:
    """Whether two spots are far enough apart on the rim to make two real blocks."""
    first, second = spots
    if first.node is not None and first.node == second.node:
        return False
    if first.corner and second.corner:
        return (first.edge - second.edge) % corners not in (0, 1, corners - 1)
    for a, b in ((first, second), (second, first)):
        if a.corner and not b.corner and (b.edge == a.edge or (b.edge + 1) % corners == a.edge):
            return False
    return first.corner or second.corner or first.edge != second.edge


def divide(
    net: Net, block: list[Corner], spots: list[Spot], road_class: str
) -> tuple[list[Corner], list[Corner]]:
    """Puts the new street in and returns the two blocks beside it."""
    rim: list[Corner] = []
    ends: dict[int, int] = {}  # place on the new rim → which spot
    at_corner = {spot.edge: number for number, spot in enumerate(spots) if spot.corner}
    on_edge = {spot.edge: number for number, spot in enumerate(spots) if not spot.corner}
    nodes = [place_node(net, block, spot) for spot in spots]
    for index, corner in enumerate(block):
        if index in at_corner:
            ends[at_corner[index]] = len(rim)
        if index in on_edge:
            number = on_edge[index]
            rim.append(Corner(corner.node, corner.segment, corner.share_from, spots[number].share))
            ends[number] = len(rim)
            rim.append(Corner(nodes[number], corner.segment, spots[number].share, corner.share_to))
        else:
            rim.append(corner)
    street = net.segment(nodes[0], nodes[1], road_class, None)
    net.segments[street].open_first, net.segments[street].open_last = spots[0].joins, spots[1].joins
    a, b = ends[0], ends[1]
    one = [*walk(rim, a, b), Corner(nodes[1], street, 1.0, 0.0)]
    two = [*walk(rim, b, a), Corner(nodes[0], street, 0.0, 1.0)]
    return one, two


def place_node(net: Net, block: list[Corner], spot: Spot) -> int:
    """The node of a spot, made and put on its segment when it is new."""
    if spot.node is not None:
        return spot.node
    segment = net.segments[block[spot.edge].segment]
    x = net.x[segment.first] + spot.share * (net.x[segment.last] - net.x[segment.first])
    y = net.y[segment.first] + spot.share * (net.y[segment.last] - net.y[segment.first])
    node = net.node(x, y)
    if spot.joins:
        insort(segment.on_it, (spot.share, node))
    return node


def walk(rim: list[Corner], start: int, stop: int) -> list[Corner]:
    """The corners from one place on the rim up to, but without, another."""
    return rim[start:stop] if start < stop else rim[start:] + rim[:stop]


def warp(x: Floats, y: Floats, seed: int) -> tuple[Floats, Floats]:
    """Bends the plane a little, the same everywhere for one seed, so that nothing is quite straight."""
    rng = np.random.default_rng((seed, 7))
    bent_x, bent_y = np.array(x, dtype=float), np.array(y, dtype=float)
    for wavelength, amplitude in ((9_000, 95.0), (5_200, 55.0), (1_500, 9.0), (700, 4.0)):
        for bent in (bent_x, bent_y):
            turn, phase = rng.uniform(0, 2 * np.pi, 2)
            wave = (x * np.cos(turn) + y * np.sin(turn)) * 2 * np.pi / wavelength
            bent += amplitude * np.sin(wave + phase)
    return bent_x, bent_y
