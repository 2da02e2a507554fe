"""The main lines of the made-up city, in flat metres: rings, arterials, radials, a river with few bridges."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import shapely
from shapely.geometry import LineString, Polygon
from shapely.strtree import STRtree

from lab import names
from lab.citymap import Floats, Name

HALF_WIDTH_M, HALF_HEIGHT_M = 12_000.0, 10_000.0
RIVER_HALF_WIDTH_M = 115.0
RINGS_M = (
    (2_700.0, 2_250.0),
    (5_250.0, 4_550.0),
    (8_500.0, 7_350.0),
)  # half axes of the 2nd, 3rd and 4th ring


@dataclass(frozen=True)
class MainLine:
    """A main road or, without a class, a mere boundary such as a river bank or the edge of the map."""

    path: LineString
    road_class: str | None
    name: Name
    keep: Callable[[float, float], bool] = lambda x, y: True
    bridge: bool = False


@dataclass(frozen=True)
class Piece:
    """A stretch of a main line between two crossings."""

    points: Floats
    line: MainLine


@dataclass(frozen=True)
class Plan:
    """Main pieces, the faces between them, and the river bed, all in metres."""

    pieces: tuple[Piece, ...]
    faces: tuple[Floats, ...]
    river: Floats  # the bed, a closed ring
    river_middle: Floats


def ring_value(x: float, y: float, ring: int) -> float:
    """Below 1 inside a ring road, above 1 outside; rings are rounded rectangles."""
    a, b = RINGS_M[ring]
    return (abs(x) / a) ** 4 + (abs(y) / b) ** 4


def ring_line(ring: int, points: int) -> LineString:
    """A ring road as a closed line."""
    a, b = RINGS_M[ring]
    angle = np.linspace(0, 2 * np.pi, points + 1)
    x = a * np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** 0.5
    y = b * np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** 0.5
    path = shapely.segmentize(LineString(np.column_stack([x, y])), 450.0)
    return LineString(shapely.get_coordinates(path))


def river_line(rng: np.random.Generator) -> LineString:
    """The middle of the river: from the west, south of the old town, out to the south-east."""
    x = np.arange(-13_000.0, 13_001.0, 260.0)
    phase = rng.uniform(-0.5, 0.5, 2)
    y = -3_950 + 400 * np.sin(x / 2_350 + phase[0]) + 170 * np.sin(x / 1_150 + 1.3 + phase[1])
    y += 540 * np.tanh(-(x - 6_500) / 3_000)
    return LineString(np.column_stack([x, y]))


def wavy(rng: np.random.Generator, along: Floats, across: float, sway_m: float) -> Floats:
    """Offsets of a nearly straight road."""
    first, second = rng.uniform(0, 2 * np.pi, 2)
    offset: Floats = across + sway_m * (np.sin(along / 2_600 + first) + 0.5 * np.sin(along / 1_100 + second))
    return offset


def grid_steps(rng: np.random.Generator, reach_m: float, avoid: tuple[float, ...]) -> list[float]:
    """Offsets of arterials from the axis, 850 to 1,200 m apart and not along a ring road's straight side."""
    steps: list[float] = []
    for side in (1.0, -1.0):
        at = 0.0
        while at < reach_m:
            at += float(rng.uniform(850, 1_200))
            near = next((a for a in avoid if abs(at - a) < 480), None)
            if near is not None:
                at = near + 520
            if at < reach_m:
                steps.append(side * at)
    return steps


def arterials(rng: np.random.Generator) -> list[MainLine]:
    """The main grid: two axes that run to the edge of the map, and parallels inside the 3rd or the 4th ring."""
    lines = []
    x = np.arange(-13_000.0, 13_001.0, 300.0)
    axis_ew = np.column_stack([x, wavy(rng, x, 120, 45)])
    axis_ns = np.column_stack([wavy(rng, x, 60, 45), x])
    lines.append(MainLine(LineString(axis_ew), "primary", names.AXIS_EW))
    lines.append(MainLine(LineString(axis_ns), "primary", names.AXIS_NS, bridge=True))
    stems = iter(names.arterial_stems(40))
    for east_west in (True, False):
        avoid = tuple(half[1 if east_west else 0] for half in RINGS_M)
        for offset in grid_steps(rng, avoid[2] - 450, avoid):
            stem = next(stems)
            ring = 2 if rng.random() < 0.55 else 1
            path = np.column_stack([x, wavy(rng, x, offset, 40)])
            wide = "primary" if ring == 2 and rng.random() < 0.4 else "secondary"

            def keep(px: float, py: float, ring: int = ring) -> bool:
                return ring_value(px, py, ring) < 1

            lines.append(MainLine(LineString(path if east_west else path[:, ::-1]), wide, stem, keep))
    return lines


def radials(rng: np.random.Generator) -> list[MainLine]:
    """National roads from the 4th ring outward, and a loop of county roads."""
    lines = []
    for name, out_deg in zip(names.NATIONAL, (38, 68, 112, 143, 218, 322), strict=True):
        turn = np.radians(out_deg + float(rng.uniform(-5, 5)))
        out = np.arange(5_500.0, 16_000.0, 350.0)
        bend = turn + 0.10 * np.sin(out / 2_100 + float(rng.uniform(0, 6)))
        path = LineString(np.column_stack([out * np.cos(bend) * 1.12, out * np.sin(bend)]))
        lines.append(MainLine(path, "primary", name, lambda x, y: ring_value(x, y, 2) > 1))
    angle = np.linspace(0, 2 * np.pi, 73)
    swell = 1 + 0.03 * np.sin(3 * angle + float(rng.uniform(0, 6))) + 0.02 * np.sin(5 * angle)
    round_x, round_y = (np.sign(f) * np.abs(f) ** 0.62 for f in (np.cos(angle), np.sin(angle)))
    loop = np.column_stack([10_500 * swell * round_x, 8_900 * swell * round_y])
    loop[-1] = loop[0]
    lines.append(
        MainLine(LineString(loop), "secondary", names.OUTER_LOOP, lambda x, y: ring_value(x, y, 2) > 1)
    )
    return lines


def main_lines(rng: np.random.Generator, middle: LineString) -> tuple[list[MainLine], Polygon]:
    """Every main line, and the river bed."""
    bed = middle.buffer(RIVER_HALF_WIDTH_M, cap_style="flat")
    lines = [
        MainLine(ring_line(0, 40), "primary", names.RING_2),
        MainLine(ring_line(1, 48), "trunk", names.RING_3, bridge=True),
        MainLine(ring_line(2, 64), "trunk", names.RING_4, bridge=True),
        *arterials(rng),
        *radials(rng),
    ]
    for side, name in ((1, names.BANK_N), (-1, names.BANK_S)):
        bank = middle.parallel_offset(RIVER_HALF_WIDTH_M, "left" if side > 0 else "right")
        bank = LineString(shapely.get_coordinates(bank.simplify(4)))
        lines.append(MainLine(bank, "secondary", name, lambda x, y: ring_value(x, y, 2) < 1))
    frame = shapely.box(-HALF_WIDTH_M, -HALF_HEIGHT_M, HALF_WIDTH_M, HALF_HEIGHT_M).exterior
    lines.append(MainLine(LineString(frame.coords), None, Name("", "")))
    return lines, bed


def draw(rng: np.random.Generator) -> Plan:
    """Crosses all main lines, drops what must not be there, and finds the faces in between."""
    middle = river_line(rng)
    lines, bed = main_lines(rng, middle)
    pieces, walls = _pieces(lines, bed)
    faces = []
    wide = shapely.buffer(bed, 10)
    for face in shapely.polygonize(walls).geoms:
        if not shapely.contains(wide, face.representative_point()):
            faces.append(shapely.get_coordinates(shapely.remove_repeated_points(face.exterior))[:-1])
    bed_in = bed.intersection(shapely.box(-HALF_WIDTH_M, -HALF_HEIGHT_M, HALF_WIDTH_M, HALF_HEIGHT_M))
    river = shapely.get_coordinates(bed_in.exterior)
    return Plan(tuple(pieces), tuple(faces), river, shapely.get_coordinates(middle))


def _pieces(lines: list[MainLine], bed: Polygon) -> tuple[list[Piece], list[shapely.Geometry]]:
    """The stretches between crossings that stay, and the walls they make between faces."""
    tree = STRtree([line.path for line in lines])
    narrow = shapely.buffer(bed, -20)
    shapely.prepare(narrow)
    pieces, walls = [], []
    for part in shapely.node(shapely.MultiLineString([line.path for line in lines])).geoms:
        points = shapely.get_coordinates(part)
        x, y = points[:2].mean(axis=0).tolist()
        if abs(x) > HALF_WIDTH_M + 1 or abs(y) > HALF_HEIGHT_M + 1:
            continue
        line = lines[int(tree.query_nearest(shapely.Point(x, y))[0])]
        kept = line.keep(x, y)
        if shapely.contains_xy(narrow, x, y) and not line.bridge:
            continue
        if not kept and line.name not in (names.BANK_N, names.BANK_S):
            continue
        if not kept:  # beyond the 4th ring a bank is no road, but streets still end at it
            line = replace(line, road_class=None, name=Name("", ""))
        walls.append(part)
        pieces.append(Piece(points, line))
    return pieces, walls
