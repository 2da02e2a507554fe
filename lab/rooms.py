"""Rooms and warehouses after a leak, a flood or a fire."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lab.carscene import develop
from lab.figures import ruler
from lab.raster import Array, Camera, Mesh, merge, rasterise, smooth
from lab.texture import noise, sample

CARTON, SOFA, SHELF = 1.0, 2.0, 3.0
INNER = 0.45


@dataclass(frozen=True)
class Room:
    """A room to photograph, metres: x 0 to long, y 0 to wide, z 0 to high. Damage is leak, flood or fire."""

    damage: str
    warehouse: bool
    seed: int
    long: float
    wide: float
    high: float
    water_z: float  # height of the tide mark
    spot: tuple[float, float]  # where the ceiling leaks or the fire began

    @classmethod
    def of(cls, seed: int, cause: str) -> "Room":
        """The room that goes with a cause; the same seed gives the same room."""
        rng = np.random.default_rng((seed, 113))
        damage = "fire" if cause in ("fire", "explosion") else "flood" if cause == "flood" else "leak"
        warehouse = bool(rng.random() < 0.5)
        long, wide = (14.0, 10.0) if warehouse else (float(rng.uniform(5.5, 7)), float(rng.uniform(4.2, 5.2)))
        spot = (float(rng.uniform(0.4, 0.7)) * long, float(rng.uniform(0.55, 0.85)) * wide)
        return cls(
            damage,
            warehouse,
            seed,
            long,
            wide,
            5.2 if warehouse else 2.75,
            float(rng.uniform(0.25, 0.7)),
            spot,
        )


def photograph(room: Room, kind: str, rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    """The room from the door, or the damage from nearer by."""
    camera = _stand(room, kind, rng, size)
    small = Camera(
        camera.eye,
        camera.target,
        camera.fov_deg,
        round(size[0] * INNER),
        round(size[1] * INNER),
        camera.roll_deg,
    )
    picture = _walls(room, small)
    frag = rasterise(_furniture(room), small)
    picture.reshape(3, -1)[:, frag.pixels] = _goods(room, frag.values, small)
    image = develop(picture, 1.0).resize(size, Image.Resampling.BICUBIC)
    if kind == "water_line" or (kind == "damage_close" and room.damage != "leak"):
        ruler(image, rng)
    return image


def _stand(room: Room, kind: str, rng: np.random.Generator, size: tuple[int, int]) -> Camera:
    """Where the surveyor stands."""
    shake = rng.normal(0, 0.08, 4)
    x = room.spot[0]
    low = {"leak": room.high - 0.2, "flood": room.water_z, "fire": 1.2}[room.damage]
    eye = np.array([0.7 + shake[0], 0.8 + shake[1], 1.6])
    if kind in ("damage_mid", "damage_close", "water_line", "fire_origin", "inventory"):
        share = {"damage_mid": 0.45, "inventory": 0.45}.get(kind, 0.72)
        goal = np.array([x, room.wide - 0.2, low])
        eye = eye + (goal - eye) * share
        eye[2] = 1.5
        return Camera(
            tuple(eye.tolist()),
            (float(goal[0]), float(goal[1]), float(goal[2])),
            62,
            *size,
            float(8 * shake[2]),
        )
    return Camera(
        tuple(eye.tolist()),
        (room.long * 0.75, room.wide * 0.70, room.high * 0.42),
        74,
        *size,
        float(6 * shake[2]),
    )


def _walls(room: Room, camera: Camera) -> Array:
    """Floor, walls and ceiling with their damage, linear."""
    ray = camera.rays().reshape(3, -1)
    ray = np.where(np.abs(ray) < 1e-4, np.float32(1e-4), ray)
    box = (room.long, room.wide, room.high)
    hits = [
        (np.where(ray[k] > 0, np.float32(box[k]), np.float32(0)) - camera.eye[k]) / ray[k] for k in range(3)
    ]
    far = np.minimum(np.minimum(hits[0], hits[1]), hits[2])
    x, y, z = (np.float32(camera.eye[k]) + far * ray[k] for k in range(3))
    floor, ceiling = (hits[2] <= far) & (ray[2] < 0), (hits[2] <= far) & (ray[2] > 0)
    on_x = (hits[0] <= far) & ~floor & ~ceiling
    grain = sample(noise(1.6, 41), (x + z) * 90, (y + z * 0.7) * 90)
    colour = np.empty((3, len(x)), dtype=np.float32)
    wall = ((0.62, 0.60, 0.54), (0.55, 0.58, 0.56), (0.60, 0.55, 0.48))[room.seed % 3]
    boards = _boards(room, x, y)
    for k in range(3):
        base = wall[k] * (1 + 0.025 * grain)
        colour[k] = np.where(floor, boards[k], np.where(ceiling, 0.72 * (1 + 0.02 * grain), base))
    skirting = (z < 0.09) & ~floor
    colour[:, skirting] = np.array([[0.30], [0.24], [0.18]]) if not room.warehouse else 0.25
    _window(room, colour, x, y, z, on_x)
    light = _daylight(room, x, y, z)
    stain = _stain(room, x, y, z, ceiling, floor, grain)
    for k, (clean, dirty) in enumerate(((1.0, 0.30), (1.0, 0.20), (1.0, 0.11))):
        tint = np.where(stain < 0, 0.012, dirty)
        mix = np.abs(stain)
        colour[k] = (colour[k] * clean * (1 - mix) + tint * mix) * light
    if room.damage != "fire":
        _puddle(room, colour, x, y, floor, ray, light)
    return colour.reshape(3, camera.height, camera.width)


def _boards(room: Room, x: Array, y: Array) -> tuple[Array, Array, Array]:
    """Wooden boards at home, a concrete floor in a warehouse."""
    if room.warehouse:
        tone = 0.22 * (1 + 0.10 * sample(noise(2.0, 42), x * 40, y * 40))
        return tone, tone, tone * 0.97
    row = np.floor(y / 0.13)
    along = np.floor((x + row * 0.37) / 1.1)
    shade = (
        1 + 0.16 * np.sin(row * 12.9 + along * 78.2) + 0.10 * sample(noise(1.4, 43, 12.0), x * 120, y * 200)
    )
    shade *= 1 - 0.5 * (np.mod(y, 0.13) < 0.006)
    return 0.33 * shade, 0.21 * shade, 0.12 * shade


def _window(room: Room, colour: Array, x: Array, y: Array, z: Array, on_x: NDArray[np.bool_]) -> None:
    """A window in the far wall."""
    middle, half = room.wide * 0.45, min(1.1, room.wide * 0.22)
    low, high = (0.9, 2.25) if not room.warehouse else (3.0, 4.4)
    frame = on_x & (x > 1) & (np.abs(y - middle) < half + 0.07) & (z > low - 0.07) & (z < high + 0.07)
    pane = frame & (np.abs(y - middle) < half) & (z > low) & (z < high) & (np.abs(y - middle) > 0.03)
    colour[:, frame] = 0.70
    for k, bright in enumerate((2.3, 2.6, 2.9)):
        colour[k, pane] = bright * (0.65 + 0.35 * smooth(low, high, z[pane]))


def _daylight(room: Room, x: Array, y: Array, z: Array) -> Array:
    """Light falling off from the window, darker in corners."""
    to = np.sqrt((x - room.long) ** 2 + (y - room.wide * 0.45) ** 2 + (z - room.high * 0.6) ** 2)
    light = 0.30 + 0.75 * np.exp(-to / (0.75 * room.long))
    edge = np.minimum(np.minimum(x, room.long - x), np.minimum(y, room.wide - y))
    corner = np.minimum(np.maximum(edge, np.minimum(z, room.high - z)), 0.5)
    dim: Array = light * (0.72 + 0.56 * corner)
    return dim * (0.55 if room.damage == "fire" else 1.0)


def _stain(
    room: Room,
    x: Array,
    y: Array,
    z: Array,
    ceiling: NDArray[np.bool_],
    floor: NDArray[np.bool_],
    grain: Array,
) -> Array:
    """How stained each point is: above 0 brown water, below 0 soot."""
    sx, sy = room.spot
    soft = sample(noise(2.6, 44), (x + 0.6 * z) * 45 + room.seed, (y + z) * 45)
    if room.damage == "fire":
        away = np.sqrt((x - sx) ** 2 + (y - room.wide) ** 2 * 0.7 + (np.maximum(0, 0.9 - z)) ** 2)
        soot = smooth(3.2, 0.3, away - 0.65 * z + 0.35 * soft) * np.where(floor, 0.55, 1.0)
        soot = np.maximum(
            soot, np.where(ceiling, smooth(5.2, 0.8, np.hypot(x - sx, y - room.wide) + 0.4 * soft), 0)
        )
        stain: Array = -np.clip(soot, 0, 0.97)
        return stain
    if room.damage == "flood":
        line = room.water_z + 0.015 * soft
        tide = smooth(0.02, -0.02, z - line) * (0.42 + 0.10 * grain) + 0.5 * np.exp(
            -(((z - line) / 0.018) ** 2)
        )
        return np.clip(np.where(floor | ceiling, np.where(floor, 0.25, 0.0), tide), 0, 0.9)
    radius = np.hypot(x - sx, y - sy) + 0.22 * soft
    ring = np.exp(-(((radius - 1.0) / 0.07) ** 2)) + 0.7 * np.exp(-(((radius - 0.62) / 0.06) ** 2))
    above = smooth(1.05, 0.9, radius) * 0.30 + 0.42 * ring
    run = sample(noise(1.6, 45), x * 130, x * 3 + 9) + 0.4 * soft
    down = (
        smooth(0.5, 1.2, run)
        * np.exp(-np.abs(x - sx) / 0.7)
        * smooth(room.high - 2.4, room.high - 0.1, z)
        * 0.55
    )
    return np.clip(
        np.where(ceiling, above, np.where(floor, 0.10, np.where(y > room.wide - 0.02, down, 0))), 0, 0.85
    )


def _puddle(
    room: Room, colour: Array, x: Array, y: Array, floor: NDArray[np.bool_], ray: Array, light: Array
) -> None:
    """Standing water that mirrors the room's light."""
    shape = np.hypot(x - room.spot[0], (y - room.spot[1]) * 1.2) + 0.45 * sample(
        noise(3.0, 46), x * 30, y * 30
    )
    reach = 9.0 if room.damage == "flood" else 1.5
    wet = np.where(floor, smooth(reach + 0.12, reach - 0.05, shape), 0)
    glance = (1 - np.clip(-ray[2], 0, 1)) ** 3
    ripple = 1 + 0.10 * sample(noise(2.0, 47), x * 70, y * 70)
    for k, tint in enumerate((0.52, 0.52, 0.50)):
        colour[k] = colour[k] * (1 - 0.42 * wet) + wet * glance * tint * ripple * (0.3 + light)


def _box(x: float, y: float, z: float, dx: float, dy: float, dz: float, part: float) -> Mesh:
    """A box; values are position, normal, height share and part."""
    faces = (((1, 0, 0), 0), ((-1, 0, 0), 0), ((0, 1, 0), 1), ((0, -1, 0), 1), ((0, 0, 1), 2))
    points: list[tuple[float, ...]] = []
    values: list[tuple[float, ...]] = []
    triangles: list[list[int]] = []
    for normal, axis in faces:
        u, v = [k for k in range(3) if k != axis]
        corners = []
        for a, b in ((0, 0), (1, 0), (1, 1), (0, 1)):
            spot = [0.0, 0.0, 0.0]
            spot[axis], spot[u], spot[v] = float(normal[axis] > 0), float(a), float(b)
            corners.append((x + spot[0] * dx, y + spot[1] * dy, z + spot[2] * dz))
        start = len(points)
        flip = (normal[axis] > 0) == (axis == 1)
        points += corners
        values += [(*corner, *normal, (corner[2] - z) / dz, part) for corner in corners]
        order = ((0, 2, 1), (0, 3, 2)) if flip else ((0, 1, 2), (0, 2, 3))
        triangles += [[start + i for i in face] for face in order]
    return Mesh(
        np.array(points, dtype=np.float32), np.array(values, dtype=np.float32),
        np.array(triangles, dtype=np.int32), np.zeros(len(triangles), dtype=np.int8),
    )  # fmt: skip


def _furniture(room: Room) -> Mesh:
    """Stacks of cartons in a warehouse; a sofa, a table and a cupboard at home."""
    rng = np.random.default_rng((room.seed, 127))
    boxes = []
    if room.warehouse:
        for row in range(5):
            for column in range(3):
                x, y = 4.2 + row * 1.5, room.wide - 1.2 - column * 1.5
                for level in range(int(rng.integers(1, 5))):
                    slip = rng.normal(0, 0.05, 2)
                    boxes.append(_box(x + slip[0], y + slip[1], 0.12 + level * 0.52, 0.95, 0.8, 0.51, CARTON))
        return merge(boxes)
    sofa = (room.long - 3.0, room.wide - 1.0)
    boxes += [
        _box(*sofa, 0.1, 2.1, 0.9, 0.32, SOFA),
        _box(sofa[0], sofa[1] + 0.68, 0.4, 2.1, 0.22, 0.5, SOFA),
    ]
    boxes += [
        _box(sofa[0] - 0.2, sofa[1], 0.1, 0.2, 0.9, 0.55, SOFA),
        _box(sofa[0] + 2.1, sofa[1], 0.1, 0.2, 0.9, 0.55, SOFA),
    ]
    boxes += [
        _box(room.long - 2.5, room.wide - 2.4, 0.36, 1.2, 0.6, 0.05, SHELF),
        _box(room.long - 2.3, room.wide - 2.2, 0, 0.8, 0.2, 0.36, SHELF),
    ]
    boxes.append(_box(0.8, room.wide - 0.5, 0, 1.0, 0.45, 1.9, SHELF))
    return merge(boxes)


def _goods(room: Room, values: Array, camera: Camera) -> Array:
    """Colours of cartons and furniture, wet or black below."""
    x, y, z, nx, ny, nz, share, part = np.ascontiguousarray(values.T)
    soft = sample(noise(2.2, 48), (x + y) * 70 + room.seed, (z + y) * 70)
    base = np.empty((3, len(x)), dtype=np.float32)
    for k, (card, cloth, wood) in enumerate(((0.36, 0.20, 0.30), (0.25, 0.23, 0.19), (0.14, 0.27, 0.11))):
        base[k] = np.where(part == CARTON, card, np.where(part == SOFA, cloth, wood)) * (1 + 0.06 * soft)
    tape = (
        (part == CARTON)
        & (np.abs(np.mod(np.where(np.abs(nx) > 0.5, y, x) + 0.02, 0.5) - 0.25) < 0.02)
        & (nz > 0.5)
    )
    base[:, tape] *= 1.35
    edge = (part == CARTON) & ((share < 0.03) | (share > 0.97))
    base[:, edge] *= 0.6
    light = _daylight(room, x, y, z) * (0.70 + 0.35 * nz + 0.25 * np.clip(nx, -1, 1) + 0.10 * ny)
    if room.damage == "fire":
        away = np.hypot(x - room.spot[0], y - room.wide)
        black = smooth(4.5, 0.8, away + 0.3 * soft)
        shown: Array = base * light * (1 - 0.93 * black)
        return shown
    line = room.water_z if room.damage == "flood" else 0.14
    wet = smooth(line + 0.03, line - 0.02, z + 0.03 * soft)
    shown = base * light * (1 - 0.55 * wet)
    return shown
