"""The shape of a car: sections lofted along its length, in three body styles."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from lab.raster import Array, Mesh, merge, normals_of

STATIONS, AROUND = 78, 30
SILL_V, SHOULDER_V, WINDOW_V, ROOF_V = 0.0, 0.42, 0.50, 0.74  # share of the section where each part begins


@dataclass(frozen=True)
class Body:
    """A body style, metres. Heights run from the tail to the nose as (share of length, height)."""

    name: str
    length: float
    width: float
    wheel: float  # radius of the tyre
    axles: tuple[float, float]  # x of the rear and the front axle
    deck: tuple[tuple[float, float], ...]  # boot, belt line, bonnet
    roof: tuple[tuple[float, float], ...]  # height of the glass house above everything
    screen: tuple[float, float]  # x where the windscreen begins (roof) and ends (bonnet)
    back: tuple[float, float]  # x where the rear window ends (roof) and begins (boot)
    pillars: tuple[
        float, float, float
    ]  # x of the B pillar, of the C pillar and of the front door's front edge
    clearance: float
    lamp_z: float  # middle of the headlamps
    tail_z: float  # middle of the rear lamps
    plate_z: tuple[float, float]  # middle of the rear and the front plate


SEDAN = Body(
    "sedan", 4.72, 1.83, 0.335, (-1.38, 1.40),
    ((0, 0.80), (0.015, 0.98), (0.05, 1.08), (0.16, 1.09), (0.30, 1.00), (0.62, 0.955),
     (0.70, 0.98), (0.84, 0.90), (0.94, 0.80), (0.985, 0.70), (1, 0.56)),
    ((0, 0.80), (0.015, 0.98), (0.05, 1.08), (0.15, 1.10), (0.21, 1.22), (0.32, 1.415),
     (0.42, 1.465), (0.53, 1.45),
     (0.60, 1.36), (0.705, 1.01), (0.73, 0.985), (0.84, 0.915), (0.94, 0.81), (0.985, 0.71), (1, 0.56)),
    (0.30, 0.98), (-0.85, -1.62), (-0.12, -1.05, 0.80), 0.20, 0.655, 0.90, (0.80, 0.44),
)  # fmt: skip
SUV = Body(
    "suv", 4.62, 1.88, 0.365, (-1.33, 1.37),
    ((0, 0.86), (0.012, 1.02), (0.04, 1.10), (0.30, 1.09), (0.62, 1.06), (0.70, 1.09),
     (0.84, 1.03), (0.94, 0.94), (0.985, 0.84), (1, 0.66)),
    ((0, 0.86), (0.012, 1.04), (0.03, 1.14), (0.075, 1.42), (0.12, 1.60), (0.30, 1.68), (0.50, 1.67),
     (0.58, 1.58), (0.695, 1.13), (0.725, 1.10), (0.84, 1.04), (0.94, 0.95), (0.985, 0.85), (1, 0.66)),
    (0.22, 0.92), (-1.75, -2.12), (-0.10, -1.42, 0.76), 0.27, 0.78, 0.99, (0.86, 0.52),
)  # fmt: skip
HATCH = Body(
    "hatch", 4.20, 1.78, 0.32, (-1.26, 1.30),
    ((0, 0.82), (0.014, 0.97), (0.05, 1.04), (0.30, 1.02), (0.62, 0.98), (0.70, 1.00),
     (0.84, 0.93), (0.94, 0.84), (0.985, 0.74), (1, 0.58)),
    ((0, 0.82), (0.014, 0.99), (0.04, 1.10), (0.13, 1.36), (0.20, 1.46), (0.38, 1.51), (0.52, 1.49),
     (0.60, 1.38), (0.705, 1.04), (0.73, 1.01), (0.84, 0.94), (0.94, 0.85), (0.985, 0.75), (1, 0.58)),
    (0.20, 0.88), (-1.42, -1.92), (-0.12, -1.10, 0.72), 0.20, 0.69, 0.94, (0.80, 0.44),
)  # fmt: skip
BODIES = {body.name: body for body in (SEDAN, SUV, HATCH)}


def _stations(body: Body) -> tuple[Array, Array]:
    """x and half width along the body: a rounded rectangle seen from above, dense at the ends."""
    angle = np.linspace(0, np.pi, STATIONS)
    c, s = np.cos(angle), np.sin(angle)
    x = -body.length / 2 * np.sign(c) * np.abs(c) ** 0.42
    half = body.width / 2 * np.abs(s) ** 0.30
    nose = np.clip((np.abs(x) - 0.30 * body.length) / (0.20 * body.length), 0, 1)
    half *= 1 - np.where(x > 0, 0.10, 0.07) * nose**2
    return x, half


def _section(body: Body, x: float, half: float, deck: float, roof: float) -> Array:
    """One half section from the sill up to the middle of the top: AROUND rows of (x, y, z)."""
    floor = body.clearance + 0.02
    end = np.clip((abs(x) - 0.42 * body.length) / (0.08 * body.length), 0, 1)
    floor += 0.05 * end
    house = max(0.0, roof - deck)
    shoulder = half * 0.965
    base = shoulder - 0.035 * half
    tumble = 0.30 * house
    edge = max(0.12 * half, (base - tumble) if house > 0.02 else base * 0.62)
    blend = np.clip(house / 0.12, 0, 1)
    edge = blend * (base - tumble) + (1 - blend) * base * 0.80
    crown = 0.028 * half
    marks = np.array([0.0, 0.06, 0.20, 0.31, SHOULDER_V, 0.455, WINDOW_V, 0.62, ROOF_V, 0.80, 0.90, 1.0])
    drop = 0.03 * (1 - end)
    lip = 0.012 * (1 - end)  # none at the very ends, or the two halves would not meet there
    y = [half * 0.93, half * 0.965, half * 1.0, half * 0.992, shoulder, base + lip, base, (base + edge) / 2 + 0.02 * house,
         edge, edge * 0.80, edge * 0.42, 0.0]  # fmt: skip
    high = deck - drop
    z = [floor, floor + 0.06, floor + 0.45 * (high - floor), floor + 0.74 * (high - floor), high - lip, high + lip, deck,
         deck + 0.52 * house, roof - 0.012 * blend, roof + crown * 0.55, roof + crown * 0.92, roof + crown]  # fmt: skip
    v = np.linspace(0, 1, AROUND)
    return np.column_stack(
        [np.full(AROUND, x), PchipInterpolator(marks, y)(v), PchipInterpolator(marks, z)(v)]
    )


@lru_cache(maxsize=8)
def body_mesh(name: str) -> Mesh:
    """The painted body with its glass: values are position, normal, v (share of the section) and part 0."""
    body = BODIES[name]
    xs, half = _stations(body)
    share = xs / body.length + 0.5
    deck = PchipInterpolator(*np.array(body.deck).T)(np.clip(share, 0, 1))
    roof = np.maximum(deck, PchipInterpolator(*np.array(body.roof).T)(np.clip(share, 0, 1)))
    rows = np.array([_section(body, *row) for row in np.column_stack([xs, half, deck, roof])])
    rows = _bulge(body, rows)
    left = rows.reshape(-1, 3)
    right = left * (1, -1, 1)
    i, j = np.meshgrid(np.arange(STATIONS - 1), np.arange(AROUND - 1), indexing="ij")
    a, b = (i * AROUND + j).ravel(), ((i + 1) * AROUND + j).ravel()
    quads = np.concatenate([np.stack([b, a, a + 1], 1), np.stack([b, a + 1, b + 1], 1)]).astype(np.int32)
    points = np.concatenate([left, right]).astype(np.float32)
    triangles = np.concatenate([quads, quads[:, ::-1] + len(left)]).astype(np.int32)
    normal = normals_of(points, triangles)
    normal = _join_middle(normal, len(left))
    v = np.tile(np.linspace(0, 1, AROUND, dtype=np.float32), 2 * STATIONS)
    values = np.column_stack([points, normal, v, np.zeros(len(points))]).astype(np.float32)
    return Mesh(points, values, triangles, _layer(triangles, 1))


def _layer(triangles: NDArray[Any], number: int) -> NDArray[np.int8]:
    return np.full(len(triangles), number, dtype=np.int8)


def _bulge(body: Body, rows: Array) -> Array:
    """Pushes the bumpers out at half height and pulls the ends in above, so that nose and tail are not flat."""
    x, z = rows[..., 0], rows[..., 2]
    end = np.clip((np.abs(x) - 0.40 * body.length) / (0.10 * body.length), 0, 1) ** 2
    lean = np.where(x > 0, 0.30, 0.20) * np.clip(z - 0.58, 0, None) + 0.25 * np.clip(0.42 - z, 0, None)
    rows[..., 0] = x - np.sign(x) * end * lean
    return rows


def _join_middle(normal: Array, count: int) -> Array:
    """Makes the two halves share the normals of the seam, so that no line runs down the bonnet."""
    seam = np.arange(AROUND - 1, count, AROUND)
    normal[seam, 1] = 0
    normal[seam + count, 1] = 0
    for rows in (seam, seam + count):
        normal[rows] /= np.maximum(np.linalg.norm(normal[rows], axis=1, keepdims=True), 1e-9)
    return normal


@lru_cache(maxsize=8)
def wheel_mesh(name: str) -> Mesh:
    """Four wheels: discs facing outward (part 1) and treads (part 2)."""
    body = BODIES[name]
    angle = np.linspace(0, 2 * np.pi, 37)[:-1]
    meshes = []
    for side in (1, -1):
        for axle in body.axles:
            y_out, y_in = side * (body.width / 2 - 0.035), side * (body.width / 2 - 0.24)
            rim = np.column_stack(
                [axle + body.wheel * np.cos(angle), np.full(36, y_out), body.wheel * (1 + np.sin(angle))]
            )
            hub = np.array([[axle, y_out, body.wheel]])
            points = np.concatenate([hub, rim]).astype(np.float32)
            nxt = np.roll(np.arange(1, 37), -1)
            fan = np.column_stack([np.zeros(36), np.arange(1, 37), nxt])
            fan = fan[:, ::-1] if side > 0 else fan
            normal = np.tile([0.0, side, 0.0], (37, 1))
            extra = np.column_stack([np.zeros(37), np.full(37, 1.0)])
            meshes.append(
                Mesh(
                    points,
                    np.column_stack([points, normal, extra]).astype(np.float32),
                    fan.astype(np.int32),
                    _layer(fan, 2),
                )
            )
            inner = rim * (1, 0, 1) + (0, y_in, 0)
            tread = np.concatenate([rim, inner]).astype(np.float32)
            k = np.arange(36)
            n = (k + 1) % 36
            strip = np.concatenate([np.column_stack([k, n, k + 36]), np.column_stack([n, n + 36, k + 36])])
            strip = strip if side > 0 else strip[:, ::-1]
            out = np.column_stack([np.cos(angle), np.zeros(36), np.sin(angle)])
            extra = np.column_stack([np.zeros(72), np.full(72, 2.0)])
            values = np.column_stack([tread, np.tile(out, (2, 1)), extra]).astype(np.float32)
            meshes.append(Mesh(tread, values, strip.astype(np.int32), _layer(strip, 0)))
    return merge(meshes)


@lru_cache(maxsize=8)
def mirror_mesh(name: str) -> Mesh:
    """Two door mirrors, part 3."""
    body = BODIES[name]
    lat, lon = np.meshgrid(np.linspace(0, np.pi, 9), np.linspace(0, 2 * np.pi, 15), indexing="ij")
    ball = np.stack([np.sin(lat) * np.cos(lon), np.sin(lat) * np.sin(lon), np.cos(lat)], -1).reshape(-1, 3)
    i, j = np.meshgrid(np.arange(8), np.arange(14), indexing="ij")
    a, b = (i * 15 + j).ravel(), ((i + 1) * 15 + j).ravel()
    faces = np.concatenate([np.stack([a, b, a + 1], 1), np.stack([a + 1, b, b + 1], 1)]).astype(np.int32)
    deck = float(PchipInterpolator(*np.array(body.deck).T)(0.5 + 0.62 / body.length))
    meshes = []
    for side in (1, -1):
        points = (ball * (0.085, 0.105, 0.075) + (0.64, side * (body.width / 2 + 0.045), deck + 0.06)).astype(
            np.float32
        )
        extra = np.column_stack([np.zeros(len(ball)), np.full(len(ball), 3.0)])
        meshes.append(
            Mesh(points, np.column_stack([points, ball, extra]).astype(np.float32), faces, _layer(faces, 1))
        )
    return merge(meshes)
