"""What light does to a car: paint, glass, lamps, wheels, gaps, dirt, for every pixel of a rasterised car."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lab.carmesh import Body
from lab.carparts import Colour, Skin, between, fit_out
from lab.dents import Damage, dent, hail, near
from lab.raster import Array, Camera, Fragments, smooth
from lab.texture import noise, sample

# Linear light, not screen values.
PAINTS: dict[str, tuple[Colour, float]] = {
    "white": ((0.78, 0.79, 0.80), 0.10), "black": ((0.012, 0.012, 0.014), 0.05), "silver": ((0.48, 0.50, 0.52), 0.45),
    "grey": ((0.13, 0.135, 0.145), 0.40), "blue": ((0.022, 0.06, 0.20), 0.35), "red": ((0.36, 0.018, 0.02), 0.18),
    "champagne": ((0.46, 0.38, 0.28), 0.45), "green": ((0.05, 0.11, 0.09), 0.30),
}  # fmt: skip


@dataclass(frozen=True)
class Light:
    """Where the light comes from; colours are linear."""

    sun: Colour  # direction towards it
    sun_colour: Colour
    zenith: Colour
    horizon: Colour
    ground: Colour
    skyline: Colour = (0.10, 0.10, 0.10)
    flash: float = 0.0
    tubes: bool = False  # neon tubes under a ceiling
    exposure: float = 1.0


@dataclass(frozen=True)
class Look:
    """One particular car."""

    body: Body
    paint: str
    electric: bool
    seed: int
    damages: tuple[Damage, ...] = field(default=())
    dirt: float = 0.35
    wet_z: float | None = None  # height a flood reached


def shade(frag: Fragments, look: Look, light: Light, camera: Camera) -> Array:
    """Linear colours of the fragments, 3 × p. Values: x, y, z, normal, v, part."""
    values = np.ascontiguousarray(frag.values.T)
    place, normal, v, part = values[:3], unit(values[3:6]), values[6], values[7]
    body = part < 0.5
    _crease(place, normal, look.body, body)
    base, metal = PAINTS[look.paint]
    side = smooth(0.4, 0.65, np.abs(normal[1])) * body
    albedo = np.repeat(np.array(base, dtype=np.float32)[:, None], len(v), axis=1)
    skin = Skin(place[0], place[1], place[2], v, side, albedo, np.ones(len(v), dtype=np.float32))
    fit_out(skin, part, look.body, electric=look.electric, style=look.seed)
    _dirt(skin, look)
    hollow = np.zeros(len(v), dtype=np.float32)
    for damage in look.damages:
        rows = np.flatnonzero(body & (skin.shine < 1.5) & near(place, damage))  # glass does not bend
        if len(rows):
            bend = hail if damage.hail else dent
            mark = bend(place[:, rows], normal[:, rows], damage)
            normal[:, rows] = mark.normal
            hollow[rows] = np.maximum(hollow[rows], mark.hollow)
            held = skin.take(rows)
            held.mix(mark.bare, mark.colour, 0.12)
            skin.put(rows, held)
    return _lighten(skin, place, normal, hollow, metal, light, camera, look.seed)


def _lighten(
    skin: Skin,
    place: Array,
    normal: Array,
    hollow: Array,
    metal: float,
    light: Light,
    camera: Camera,
    seed: int,
) -> Array:
    """The colours of a skin under a light: what it scatters, what it mirrors, the glint of the sun."""
    to_eye = np.array(camera.eye, dtype=np.float32)[:, None] - place
    distance = np.sqrt(dot(to_eye, to_eye))
    to_eye /= distance
    facing = np.clip(dot(normal, to_eye), 0.02, 1)
    mirrored = (2 * facing) * normal - to_eye
    world = surroundings(mirrored, light, seed)
    total = _lit(normal, light, facing, distance) * (1 - 0.55 * hollow)
    dim = 1 - facing
    fresnel = 0.045 + 0.955 * (dim * dim) ** 2 * dim
    spot = np.clip(dot(mirrored, light.sun), 0, 1)
    for _ in range(8):  # to the 256th power
        spot = spot * spot
    low = 0.35 + 0.65 * smooth(0.05, 0.55, skin.z)
    shine = skin.shine * (0.4 + 0.6 * low)
    total *= low
    for k in range(3):
        glint = (fresnel + (metal * 0.30) * skin.albedo[k]) * world[k] + spot * (1.6 * light.sun_colour[k])
        total[k] = skin.albedo[k] * total[k] + glint * shine
    return total


def dot(a: Array, b: Array | Colour) -> Array:
    """The dot products of vectors in columns."""
    product: Array = a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
    return product


def unit(vectors: Array) -> Array:
    """Vectors in columns, made of length 1."""
    return vectors / np.maximum(np.sqrt(dot(vectors, vectors)), 1e-6)


def surroundings(ray: Array, light: Light, seed: int) -> Array:
    """What a mirror would show in a direction (3 × p): sky, skyline, ground, or tubes under a ceiling."""
    up = ray[2]
    azimuth = np.arctan2(ray[1], ray[0])
    height = 0.13 + 0.07 * np.sin(azimuth * 5 + seed) + 0.05 * np.sign(np.sin(azimuth * 13 + seed * 2))
    high, above, open_ = smooth(0.0, 0.65, up), smooth(-0.012, 0.012, up - height), smooth(-0.025, 0.012, up)
    below = 1 - 0.45 * smooth(0, -0.7, up)
    tube: float | Array = 0.0
    if light.tubes:
        across = ray[1] / np.maximum(up, 0.05)
        tube = smooth(0.12, 0.03, np.abs(np.mod(across * 0.9 + 0.3, 1.6) - 0.8)) * smooth(0.15, 0.4, up) * 2.6
    found = np.empty_like(ray)
    for k in range(3):
        sky = light.horizon[k] + (light.zenith[k] - light.horizon[k]) * high + tube
        low = light.skyline[k] + (sky - light.skyline[k]) * above
        floor = light.ground[k] * below
        found[k] = floor + (low - floor) * open_
    return found


def _lit(normal: Array, light: Light, facing: Array, distance: Array) -> Array:
    """Light that falls on a surface (3 × p): sky from above, ground from below, sun, flash."""
    up = 0.5 + 0.5 * normal[2]
    sun = np.clip(dot(normal, light.sun), 0, 1)
    flash = light.flash * facing * np.minimum(4.0, 9.0 / distance**2) if light.flash else 0.0
    total = np.empty_like(normal)
    for k in range(3):
        sky, ground = 0.55 * light.zenith[k] + 0.45 * light.horizon[k], 0.8 * light.ground[k]
        total[k] = ground + (sky - ground) * up + sun * light.sun_colour[k] + flash
    return total


def _crease(place: Array, normal: Array, body: Body, painted: NDArray[np.bool_]) -> None:
    """A character line along the flank, and one along the sill: bends the normals in place."""
    rows = np.flatnonzero(painted & (np.abs(normal[1]) > 0.5))
    x, z = place[0, rows], place[2, rows]
    line = body.deck[4][1] - 0.16 + (0.03 / body.length) * x
    tilt = 0.30 * np.exp(-(((z - line) / 0.03) ** 2)) - 0.22 * np.exp(-(((z - line + 0.055) / 0.035) ** 2))
    tilt += 0.35 * np.exp(-(((z - 0.40) / 0.035) ** 2)) - 0.2 * np.exp(-(((z - 0.47) / 0.04) ** 2))
    bent = normal[:, rows]
    bent[2] += tilt
    normal[:, rows] = unit(bent)


def _dirt(skin: Skin, look: Look) -> None:
    """Road dust low down, a tide mark after a flood."""
    top = max(0.75, (look.wet_z or 0) + 0.05)
    rows = np.flatnonzero(skin.z < top)
    x, y, z = skin.x[rows], skin.y[rows], skin.z[rows]
    blot = sample(noise(1.8, 2), (x + y) * 150 + look.seed * 37, z * 150)
    low = smooth(0.75, 0.20, z) * look.dirt * np.clip(0.55 + 0.35 * blot, 0, 1)
    if look.wet_z is not None:
        line = look.wet_z + 0.012 * sample(noise(2.4, 3), x * 60, y * 60)
        low = np.maximum(low, 0.75 * smooth(0.01, -0.01, z - line) * np.clip(0.65 + 0.3 * blot, 0, 1))
        low = np.maximum(low, 0.8 * between(-0.018, z - line, 0, 0.008))
    held = skin.take(rows)
    mask = np.clip(low, 0, 0.9).astype(np.float32)
    held.mix(mask, (0.16, 0.13, 0.10), 0.2)
    skin.put(rows, held)
