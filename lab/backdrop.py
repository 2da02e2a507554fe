"""Everything around a car: the ground under it, its shadow, and what stands behind."""

import numpy as np
from numpy.typing import NDArray

from lab import basement, ground
from lab.raster import Array, Camera, smooth
from lab.setting import Setting
from lab.skyline import behind


def paint(
    setting: Setting,
    camera: Camera,
    footprints: list[tuple[float, float, float, float]],
    covered: NDArray[np.intp],
) -> Array:
    """Linear colours of the surroundings, 3 × height × width. A footprint is x, y, half length, half width;
    `covered` are flat numbers of pixels that something else will fill."""
    if setting.ground == "basement":
        return basement.paint(setting, camera, footprints)
    rays = camera.rays().reshape(3, -1)
    free = np.ones(rays.shape[1], dtype=np.bool_)
    free[covered] = False
    below = np.flatnonzero(free & (rays[2] < -0.004))
    # Close to a car nothing shows of the houses behind it, and the far ground that fades into them neither.
    seen = bool((free & (rays[2] > -0.06)).any())
    picture = (
        behind(setting, camera) if seen else np.zeros((3, camera.height, camera.width), dtype=np.float32)
    )
    ray = rays[:, below]
    far = (setting.water_z - camera.eye[2]) / ray[2]
    x, y = camera.eye[0] + far * ray[0], camera.eye[1] + far * ray[1]
    if setting.water_z > 0:
        floor = ground.water(x, y, ray, setting)
    else:
        floor = ground.street(x, y, setting) if setting.ground == "street" else ground.carpark(x, y, setting)
    lit = _ground_light(x, y, far, setting, footprints)
    flat = picture.reshape(3, -1)
    haze = smooth(30.0, 90.0, far) * 0.5
    for k in range(3):
        flat[k, below] = floor[k] * lit[k] * (1 - haze) + flat[k, below] * haze
    return picture


def _ground_light(
    x: Array, y: Array, far: Array, setting: Setting, footprints: list[tuple[float, float, float, float]]
) -> Array:
    """Light on the ground, with the shadows of the cars."""
    light = setting.lamp
    sky, sun = np.ones_like(x), np.ones_like(x)
    for fx, fy, half_length, half_width in footprints:
        near = np.hypot(
            np.maximum(np.abs(x - fx) - half_length + 0.25, 0),
            np.maximum(np.abs(y - fy) - half_width + 0.25, 0),
        )
        sky *= 1 - 0.88 * np.exp(-((near / 0.42) ** 2)) - 0.10 * np.exp(-near / 1.2)
        lean = 0.75 / max(light.sun[2], 0.3)
        dx, dy = x - fx + lean * light.sun[0], y - fy + lean * light.sun[1]
        cast = np.hypot(
            np.maximum(np.abs(dx) - half_length + 0.5, 0), np.maximum(np.abs(dy) - half_width + 0.2, 0)
        )
        sun *= smooth(0.20, 0.55, cast)
    flash = light.flash * np.minimum(4.0, 9.0 / far**2) * 0.55 if light.flash else 0.0
    found = np.empty((3, len(x)), dtype=np.float32)
    for k in range(3):
        found[k] = (
            (0.6 * light.zenith[k] + 0.4 * light.horizon[k]) * sky
            + 0.8 * light.sun_colour[k] * sun * sky**0.5
            + flash
        )
    return found
