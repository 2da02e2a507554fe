"""The demo city: `generate` makes one up, `from_osm` reads a real one, `base_layers` draws either."""

import numpy as np

from geo.fix import LonLat
from lab import blocks, districts, expressway, names, plan, strokes
from lab.citymap import (
    CLASS_NO,
    CLASSES,
    LIMIT_KMH,
    SPEED_KMH,
    Box,
    City,
    District,
    Floats,
    Name,
    Patch,
    Plane,
    kmh,
    ring_m2,
    strongest,
)  # fmt: skip
from lab.layers import BaseLine, base_layers
from lab.osm import from_osm

__all__ = [
    "CLASSES", "LABEL", "BaseLine", "Box", "City", "District", "Name", "Patch", "Plane",
    "base_layers", "from_osm", "generate",
]  # fmt: skip

LABEL = "演示城市 Demo City"
# A quiet spot between real towns; nothing real is drawn, and every page carries the label.
ORIGIN = LonLat(114.0, 32.4)


def generate(seed: int = 1) -> City:
    """Makes up a city of about 24 by 20 km; the same seed always gives the same city."""
    rng = np.random.default_rng((seed, 1))
    drawing = plan.draw(rng)
    net = blocks.lay_out(drawing, rng)
    parts = strokes.stretches(net)
    strokes.name_streets(parts, net, rng)
    strokes.name_halves(parts, net)
    expressway.build(net, parts, rng)
    return _assemble(seed, drawing, net, parts)


def _assemble(seed: int, drawing: plan.Plan, net: blocks.Net, parts: list[strokes.Stretch]) -> City:
    """Bends the plane, turns stretches into directed edges, and keeps what can reach everything."""
    plane = Plane(ORIGIN)
    x_m, y_m = blocks.warp(np.array(net.x), np.array(net.y), seed)
    both = np.array([not part.one_way for part in parts])
    a = np.array([part.a for part in parts], dtype=np.int32)
    b = np.array([part.b for part in parts], dtype=np.int32)
    known: dict[Name, int] = {Name("", ""): 0}
    street = np.array(
        [known.setdefault(part.name or Name("", ""), len(known)) for part in parts], dtype=np.int32
    )
    number = np.array([CLASS_NO[part.road_class] for part in parts], dtype=np.int8)

    def to_degrees(ring: Floats) -> Floats:
        return np.column_stack(plane.to_degrees(*blocks.warp(ring[:, 0], ring[:, 1], seed)))

    start, end = np.concatenate([a, b[both]]), np.concatenate([b, a[both]])
    road_class = np.concatenate([number, number[both]])
    lon, lat = plane.to_degrees(x_m, y_m)
    city = City(
        name="演示城市", name_en="Demo City", label=LABEL, lon=lon, lat=lat, start=start, end=end,
        length_m=np.maximum(1.0, np.hypot(x_m[start] - x_m[end], y_m[start] - y_m[end])),
        speed_mps=kmh(road_class, SPEED_KMH), limit_mps=kmh(road_class, LIMIT_KMH), road_class=road_class,
        one_way=np.concatenate([~both, np.zeros(int(both.sum()), dtype=np.bool_)]),
        street=np.concatenate([street, street[both]]), names=tuple(known),
        districts=districts.divide(drawing, to_degrees),
        water=(
            Patch(to_degrees(drawing.river), *names.RIVER, 6e6),
            *(Patch(to_degrees(ring), area_m2=ring_m2(ring)) for ring in net.lakes),
        ),
        parks=tuple(Patch(to_degrees(ring), area_m2=ring_m2(ring)) for ring in net.parks), seed=seed,
    )  # fmt: skip
    return strongest(city)
