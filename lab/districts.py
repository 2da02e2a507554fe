"""Districts: whole faces of the main roads given to the nearest centre, so that their borders follow roads."""

from collections.abc import Callable

import numpy as np
import shapely

from lab.citymap import District, Floats
from lab.plan import HALF_HEIGHT_M, HALF_WIDTH_M, Plan

# Chinese and English name, kind, centre in metres, and how far it reaches compared with the others.
CENTRES = (
    ("鼓楼区", "Gulou", "urban", (0, 300), 0.8),
    ("东城区", "Dongcheng", "urban", (4_300, 600), 1.0),
    ("西城区", "Xicheng", "urban", (-4_300, 500), 1.0),
    ("北湖区", "Beihu", "urban", (-300, 4_700), 1.0),
    ("江南区", "Jiangnan", "urban", (-700, -5_200), 1.0),
    ("高新区", "High-Tech Zone", "suburb", (6_100, 5_000), 1.0),
    ("科教园区", "University Town", "suburb", (-6_100, 5_000), 1.0),
    ("经开区", "Economic Zone", "suburb", (-6_000, -5_300), 1.0),
    ("空港区", "Airport Zone", "suburb", (5_200, -5_600), 1.0),
    ("柳林镇", "Liulin Town", "remote", (-9_700, 6_900), 1.25),
    ("清泉镇", "Qingquan Town", "remote", (9_900, 5_300), 1.25),
    ("石桥镇", "Shiqiao Town", "remote", (-9_600, -7_300), 1.25),
    ("云台乡", "Yuntai Township", "remote", (8_400, -8_600), 1.15),
)
FRAME = shapely.box(-HALF_WIDTH_M, -HALF_HEIGHT_M, HALF_WIDTH_M, HALF_HEIGHT_M)


def divide(plan: Plan, to_degrees: Callable[[Floats], Floats]) -> tuple[District, ...]:
    """Gives each face to a district on its own bank; the river joins the district it touches most."""
    faces = np.array([shapely.Polygon(face) for face in plan.faces])
    owner = np.array(
        [_owner(plan, *point) for point in shapely.get_coordinates(shapely.centroid(faces)).tolist()]
    )
    shapes = [shapely.union_all(faces[owner == number]) for number in range(len(CENTRES))]
    whole: list[shapely.Geometry] = []
    loose = list(shapely.get_parts(FRAME.difference(shapely.union_all(faces))))
    for shape in shapes:
        parts = sorted(shapely.get_parts(shape), key=shapely.area)
        whole.append(parts[-1])
        loose += parts[:-1]
    for part in loose:
        shared = [shapely.length(shapely.intersection(part.buffer(1), shape.boundary)) for shape in whole]
        near = int(np.argmax(shared))
        whole[near] = shapely.union(whole[near], part)
    return tuple(
        District(name, name_en, kind, tuple(to_degrees(ring) for ring in _rings(shape)))
        for (name, name_en, kind, _, _), shape in zip(CENTRES, whole, strict=True)
    )


def _rings(shape: shapely.Geometry) -> list[Floats]:
    """Outer rings, without the crumbs that rounding leaves."""
    parts = [part for part in shapely.get_parts(shape) if shapely.area(part) > 1_000]
    return [shapely.get_coordinates(part.exterior) for part in parts]


def _owner(plan: Plan, x: float, y: float) -> int:
    """The nearest centre on the same bank of the river."""

    def south(px: float, py: float) -> bool:
        return py < float(np.interp(px, plan.river_middle[:, 0], plan.river_middle[:, 1]))

    here = south(x, y)
    away = [
        np.hypot(x - cx, y - cy) / reach + (1e6 if south(cx, cy) != here else 0)
        for _, _, _, (cx, cy), reach in CENTRES
    ]
    return int(np.argmin(away))
