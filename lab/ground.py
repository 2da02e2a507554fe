"""What the ground is made of: asphalt with its paint and kerbs, car park bays, standing water."""

import numpy as np

from lab.raster import Array, smooth
from lab.setting import Setting
from lab.texture import noise, sample

WHITE, YELLOW = (0.62, 0.62, 0.60), (0.60, 0.40, 0.06)


def line(low: float, across: Array, high: float, soft: Array) -> Array:
    """A painted line on the ground, softer with distance."""
    return np.clip((across - low) / soft + 0.5, 0, 1) * np.clip((high - across) / soft + 0.5, 0, 1)


def _asphalt(x: Array, y: Array, seed: int) -> tuple[Array, Array]:
    """Grey of old asphalt, and how worn the paint on it is."""
    fine = sample(noise(0.4, 11), x * 170 + seed * 31, y * 170)
    broad = sample(noise(2.2, 12), x * 14 + seed * 17, y * 14)
    patch = sample(noise(3.0, 13), x * 3 + seed, y * 3)
    tone = 0.115 * (1 + 0.10 * fine + 0.07 * broad + 0.10 * patch)
    return tone, np.clip(0.80 + 0.16 * broad + 0.10 * fine, 0.2, 1)


def street(x: Array, y: Array, setting: Setting) -> Array:
    """A city street: lanes, kerb, pavement, greenery. The car stands in the right lane."""
    tone, wear = _asphalt(x, y, setting.seed)
    found = np.stack([tone, tone, tone * 1.03])
    soft = 0.03 + 0.004 * np.hypot(x, y)
    dashed = np.mod(x + setting.seed, 10.0) < 4.5
    paints = (
        (line(1.78, y, 1.93, soft) * dashed, WHITE), (line(-1.98, y, -1.83, soft), WHITE),
        (line(5.25, y, 5.37, soft), YELLOW), (line(5.52, y, 5.64, soft), YELLOW), (line(12.6, y, 12.75, soft), WHITE),
    )  # fmt: skip
    for mask, colour in paints:
        for k in range(3):
            found[k] += (colour[k] - found[k]) * mask * wear
    if setting.skid:
        _skid(found, x, y, setting.seed)
    beyond = np.flatnonzero(y < -2.2)
    if len(beyond):
        held = found[:, beyond]
        _pavement(held, x[beyond], y[beyond], soft[beyond], setting.seed)
        found[:, beyond] = held
    return found


def _pavement(found: Array, x: Array, y: Array, soft: Array, seed: int) -> None:
    """Kerb, pavers and a strip of grass, painted over what is there."""
    kerb = line(-2.50, y, -2.30, soft * 0.6)
    joint = np.minimum(np.mod(x, 1.0), 1 - np.mod(x, 1.0))
    stone = 0.36 * (1 - 0.5 * smooth(0.02, 0.005, joint))
    paver = np.minimum(np.mod(x, 0.4), np.mod(y, 0.4))
    walk = (y < -2.5).astype(np.float32)
    tint = (0.27, 0.20, 0.17) if seed % 2 else (0.24, 0.24, 0.23)
    tile = 1 + 0.08 * sample(noise(0.2, 15), np.floor(x / 0.4) * 7, np.floor(y / 0.4) * 13)
    tile *= 1 - 0.35 * smooth(0.025, 0.008, paver)
    grass = smooth(-5.6, -6.2, y)
    blades = 1 + 0.35 * sample(noise(0.8, 16), x * 90, y * 90)
    for k, green in enumerate((0.05, 0.09, 0.025)):
        found[k] += (tint[k] * tile - found[k]) * walk
        found[k] += (stone - found[k]) * kerb
        found[k] += (green * blades - found[k]) * grass


def _skid(found: Array, x: Array, y: Array, seed: int) -> None:
    """Two dark tyre marks that lead up to the car."""
    sway = 0.12 * np.sin(x / 2.3 + seed)
    for track in (-0.76, 0.76):
        mark = smooth(0.13, 0.07, np.abs(y - track - sway)) * smooth(-1.2, -1.6, x) * smooth(-9.0, -5.0, x)
        found *= 1 - 0.55 * mark * np.clip(0.75 + 0.3 * sample(noise(1.6, 20, 8.0), x * 60, y * 260), 0, 1)


def carpark(x: Array, y: Array, setting: Setting) -> Array:
    """An open car park: bays across the car's axis."""
    tone, wear = _asphalt(x, y, setting.seed)
    tone = tone * 1.25
    found = np.stack([tone, tone, tone * 1.01])
    soft = 0.03 + 0.004 * np.hypot(x, y)
    bay = np.abs(np.mod(y + 1.30, 2.6) - 1.3)
    lines = line(1.25, bay, 1.35, soft) * (np.abs(x) < 2.75)
    lines = np.maximum(lines, line(-2.85, x, -2.73, soft))
    for k in range(3):
        found[k] += (WHITE[k] - found[k]) * lines * wear
    return found


def water(x: Array, y: Array, ray: Array, setting: Setting) -> Array:
    """Muddy water with small waves that mirrors the sky; divided by the ground light it will be multiplied with."""
    light = setting.lamp
    wave = sample(noise(2.4, 18, 3.0), (x + y) * 22 + setting.seed * 7, (y - x) * 22)
    wave += 0.5 * sample(noise(1.4, 19, 3.0), (x + y) * 70, (y - x) * 70)
    glance = np.clip((1 - np.clip(-ray[2], 0, 1)) ** 3 * (1 + 0.13 * wave), 0, 1)
    found = np.empty((3, len(x)), dtype=np.float32)
    for k, mud in enumerate((0.105, 0.083, 0.055)):
        sky = 0.6 * light.zenith[k] + 0.4 * light.horizon[k]
        found[k] = mud * (1 + 0.04 * wave) + glance * (0.8 * light.horizon[k] + 0.1) / max(sky, 0.05) * 0.85
    return found
