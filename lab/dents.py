"""Damage on a car: dents bend the light, scratches bare the primer, cracks open the plastic."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.carmesh import Body
from lab.raster import Array, smooth
from lab.texture import noise, sample


@dataclass(frozen=True)
class Damage:
    """One damaged spot: middle, outward direction and the direction of the blow (both in the car's frame), size."""

    zone: str
    middle: tuple[float, float, float]
    outward: tuple[float, float, float]
    along: tuple[float, float, float]
    size_m: float
    depth: float  # how strongly the sheet is bent, 0 to 1
    scratches: int
    crack: bool
    seed: int
    smear: tuple[float, float, float] | None = None  # paint left by the other car, linear
    hail: bool = False  # many small dimples on all that faces up, instead of one spot


@dataclass(frozen=True)
class Mark:
    """What a damage does to each fragment."""

    normal: Array  # 3 × n
    bare: Array  # 0 paint, 1 bare
    hollow: Array  # 0 open to the light, 1 deep inside
    colour: Array  # 3 × n


ZONES = (
    "front_left",
    "front_right",
    "front",
    "rear",
    "rear_right",
    "rear_left",
    "left_doors",
    "right_doors",
    "bonnet",
)


def make(zone: str, body: Body, seed: int, *, severe: float) -> Damage:
    """A damage of a zone that fits the body; `severe` from 0 (scratch) to 1 (crushed)."""
    rng = np.random.default_rng((seed, 61))
    half, w = body.length / 2, body.width / 2
    places = {
        "front_left": ((half - 0.36, w * 0.86, body.lamp_z - 0.04), (0.62, 0.78, 0.0)),
        "front_right": ((half - 0.36, -w * 0.86, body.lamp_z - 0.04), (0.62, -0.78, 0.0)),
        "front": ((half - 0.08, 0.25, body.lamp_z - 0.12), (1.0, 0.0, 0.0)),
        "rear": ((-half + 0.08, -0.25, 0.56), (-1.0, 0.0, 0.0)),
        "rear_right": ((-half + 0.34, -w * 0.88, 0.58), (-0.6, -0.8, 0.0)),
        "rear_left": ((-half + 0.34, w * 0.88, 0.58), (-0.6, 0.8, 0.0)),
        "left_doors": ((float(rng.uniform(-0.7, 0.4)), w, 0.66), (0.0, 1.0, 0.0)),
        "right_doors": ((float(rng.uniform(-0.7, 0.4)), -w, 0.66), (0.0, -1.0, 0.0)),
        "bonnet": ((half - 0.70, 0.1, 0.92), (0.15, 0.0, 0.99)),
    }  # fmt: skip
    middle, outward = places[zone]
    side = np.cross((0.0, 0.0, 1.0), outward) if abs(outward[2]) < 0.5 else np.array([1.0, 0.0, 0.0])
    side = side / np.linalg.norm(side)
    smear = (0.55, 0.55, 0.56) if rng.random() < 0.5 else (0.02, 0.02, 0.03)
    return Damage(
        zone, middle, outward, (float(side[0]), float(side[1]), float(side[2])),
        size_m=0.20 + 0.26 * severe + float(rng.uniform(0, 0.06)), depth=0.25 + 0.75 * severe,
        scratches=int(8 + 20 * rng.random()), crack=severe > 0.45 and not zone.endswith("doors") and zone != "bonnet",
        seed=seed % 9_973, smear=smear if rng.random() < 0.6 else None,
    )  # fmt: skip


def hail(place: Array, normal: Array, damage: Damage) -> Mark:
    """Dimples as hailstones leave them, one to a cell of a jittered grid, on surfaces that face up."""
    bent, hollow = normal.copy(), np.zeros(place.shape[1], dtype=np.float32)
    facing_up = np.clip((normal[2] - 0.35) * 2.5, 0, 1)
    for layer, cell in ((0, 0.115), (1, 0.19)):
        column, row = np.floor(place[0] / cell), np.floor(place[1] / cell)
        luck = [_hash(column, row, damage.seed + 31 * layer + k) for k in range(3)]
        du = place[0] / cell - column - (0.25 + 0.5 * luck[0])
        dv = place[1] / cell - row - (0.25 + 0.5 * luck[1])
        radius = np.where(luck[2] > 0.45, 0.08 + 0.10 * luck[2], 1e-3)
        bell = np.exp(-((du**2 + dv**2) / radius**2)) * facing_up * (radius > 0.01)
        bent[0] += bell * du / np.maximum(radius, 0.05) * 0.6
        bent[1] += bell * dv / np.maximum(radius, 0.05) * 0.6
        hollow += 0.18 * bell
    bent /= np.maximum(np.sqrt((bent * bent).sum(axis=0)), 1e-6)
    return Mark(bent, np.zeros_like(hollow), hollow, np.zeros_like(place))


def _hash(column: Array, row: Array, salt: int) -> Array:
    """A number from 0 to 1 for each cell of a grid."""
    return np.mod(np.sin(column * 127.1 + row * 311.7 + salt * 74.7) * 43_758.547, 1.0)


def near(place: Array, damage: Damage) -> NDArray[np.bool_]:
    """Which points a damage may touch."""
    if damage.hail:
        found: NDArray[np.bool_] = place[2] > 0.6
        return found
    u, w, deep = _local(place, damage)
    found = (u * u + 1.5625 * w * w < 2.56) & (np.abs(deep) < 0.55)
    return found


def _local(place: Array, damage: Damage) -> tuple[Array, Array, Array]:
    """Points in the frame of a damage: along and up in damage sizes, outward in metres."""
    out, along = np.array(damage.outward, dtype=np.float32), np.array(damage.along, dtype=np.float32)
    frame = np.stack([along / damage.size_m, np.cross(out, along) / damage.size_m, out]).astype(np.float32)
    u, w, deep = frame @ place - (frame @ np.array(damage.middle, dtype=np.float32))[:, None]
    return u, w, deep


def dent(place: Array, normal: Array, damage: Damage) -> Mark:
    """The effect of a damage on fragments with these places and normals."""
    rng = np.random.default_rng((damage.seed, 67))
    out, along = np.array(damage.outward, dtype=np.float32), np.array(damage.along, dtype=np.float32)
    up = np.cross(out, along)
    u, w, deep = _local(place, damage)
    near = smooth(0.55, 0.30, np.abs(deep)) * smooth(1.6, 0.9, np.hypot(u, w * 1.25))
    push_u, push_w, hollow = np.zeros_like(u), np.zeros_like(u), np.zeros_like(u)
    for _ in range(5):
        cu, cw, radius = rng.normal(0, 0.38), rng.normal(0, 0.26), float(rng.uniform(0.22, 0.60))
        du, dw = (u - cu) / radius, (w - cw) / radius
        bell = np.exp(-(du**2 + dw**2))
        push_u += bell * du * 0.9
        push_w += bell * dw * 0.9
        hollow += 0.22 * bell
    for _ in range(3):
        turn, offset = float(rng.uniform(-0.5, 0.5)), float(rng.normal(0, 0.3))
        across = -np.sin(turn) * u + np.cos(turn) * w - offset + 0.06 * np.sin(5 * u)
        fold = np.exp(-((across / 0.05) ** 2)) * smooth(1.1, 0.4, np.abs(u))
        push_w += fold * np.sign(across) * 1.1 * np.cos(turn)
        push_u -= fold * np.sign(across) * 1.1 * np.sin(turn)
        hollow += 0.25 * np.exp(-((across / 0.03) ** 2)) * smooth(1.1, 0.4, np.abs(u))
    rough = sample(noise(2.6, 4), u * 90 + damage.seed * 13, w * 90)
    strength = damage.depth * near * 0.85
    bent = normal + strength * (push_u + 0.10 * rough) * along[:, None]
    bent += strength * (push_w + 0.08 * rough) * up[:, None].astype(np.float32)
    bent /= np.maximum(np.sqrt((bent * bent).sum(axis=0)), 1e-6)
    bare, colour = _scratches(u, w, near, damage, rng)
    hollow = np.clip(hollow * damage.depth * near, 0, 0.8)
    if damage.crack:
        _crack(u, w, near, bare, colour, hollow, rng)
    return Mark(bent, bare, hollow, colour)


def _scratches(
    u: Array, w: Array, near: Array, damage: Damage, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Nearly parallel scores with broken edges, chipped patches, and the other car's paint."""
    bare = np.zeros_like(u)
    primer = np.array([0.42, 0.42, 0.41], dtype=np.float32)
    colour = np.repeat(primer[:, None], len(u), axis=1)
    slope = float(rng.normal(0, 0.12))
    if damage.smear is not None:
        streak = sample(noise(2.0, 8, 12.0), u * 150 + damage.seed * 5, w * 150)
        band = np.exp(-(((w - 0.05 - slope * u) / 0.28) ** 2)) * smooth(1.15, 0.5, np.abs(u))
        bare = np.clip(band * near * (0.35 + 0.55 * streak), 0, 0.75)
        colour[:] = np.array(damage.smear, dtype=np.float32)[:, None]
    skip = sample(noise(1.2, 9), u * 110 + damage.seed * 7, w * 110)
    wave = np.sin(3 * u), np.cos(3 * u)
    for _ in range(damage.scratches):
        middle, offset = float(rng.normal(0, 0.35)), float(rng.normal(0, 0.24))
        reach, thick = float(rng.uniform(0.15, 0.75)), float(rng.uniform(0.003, 0.011))
        bow = 0.04 * float(np.cos(9 * offset)), 0.04 * float(np.sin(9 * offset))
        across = np.abs(w - offset - slope * u - bow[0] * wave[0] - bow[1] * wave[1])
        rows = np.flatnonzero((across < thick * 1.6) & (np.abs(u - middle) < reach))
        line = smooth(thick * 1.6, thick * 0.5, across[rows]) * smooth(
            reach, reach * 0.7, np.abs(u[rows] - middle)
        )
        line = line * near[rows] * np.clip(0.65 + 0.6 * skip[rows], 0, 1)
        bare[rows] = np.maximum(bare[rows], line)
        colour[:, rows[line > 0.3]] = primer[:, None] * float(rng.uniform(0.5, 1.5))
    chips = smooth(
        1.5, 1.8, sample(noise(1.7, 10), u * 70 + damage.seed * 3, w * 70) - 2.4 * np.hypot(u, w) + 0.25
    )
    chips = chips * near * min(1.0, 0.3 + damage.depth)
    colour[:, chips > 0.4] = 0.10
    return np.maximum(bare, chips), colour


def _crack(
    u: Array, w: Array, near: Array, bare: Array, colour: Array, hollow: Array, rng: np.random.Generator
) -> None:
    """A torn bumper: jagged openings with dark behind them."""
    for _ in range(1):
        turn, offset = float(rng.uniform(0.5, 1.4)), float(rng.normal(0, 0.25))
        along = np.cos(turn) * u + np.sin(turn) * w
        across = -np.sin(turn) * u + np.cos(turn) * w - offset
        jag = 0.05 * np.abs(np.mod(along * 3.1, 1) - 0.5) + 0.03 * np.abs(np.mod(along * 7.3, 1) - 0.5)
        wide = 0.022 * smooth(0.60, 0.0, np.abs(along))
        torn = smooth(wide + 0.012, wide, np.abs(across - jag)) * near * (wide > 0.004)
        lip = smooth(wide + 0.05, wide + 0.012, np.abs(across - jag)) * near * (wide > 0.004)
        colour[:, lip > 0.5] = 0.30
        np.maximum(bare, lip * 0.7, out=bare)
        colour[:, torn > 0.4] = 0.006
        np.maximum(bare, torn, out=bare)
        np.maximum(hollow, torn * 0.8, out=hollow)
