"""Noise that asphalt, dirt, walls and film grain are made of."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lab.raster import Array

SIZE = 512


@lru_cache(maxsize=16)
def noise(power: float, seed: int = 0, stretch: float = 1.0) -> Array:
    """A tile of noise that repeats without seams, mean 0 and deviation 1; a higher power is softer, and a
    stretch above 1 draws it out into streaks along u."""
    rng = np.random.default_rng((seed, 97))
    spectrum = np.fft.rfft2(rng.standard_normal((SIZE, SIZE)))
    fy, fx = np.fft.fftfreq(SIZE)[:, None], np.fft.rfftfreq(SIZE)[None, :]
    radius = np.hypot(fx * stretch, fy)
    radius[0, 0] = 1
    spectrum *= radius ** (-power / 2)
    spectrum[0, 0] = 0
    tile = np.fft.irfft2(spectrum, s=(SIZE, SIZE))
    even: Array = (tile / tile.std()).astype(np.float32)
    return even


def sample(tile: Array, u: Array, v: Array) -> Array:
    """The tile at (u, v) in tile pixels, wrapped round."""
    rows = v.astype(np.int32) & (SIZE - 1)
    columns = u.astype(np.int32) & (SIZE - 1)
    found: Array = tile[rows, columns]
    return found


@lru_cache(maxsize=1)
def grain() -> NDArray[np.int8]:
    """Sensor noise, a little larger than a pixel, as small signed numbers."""
    tile = 0.75 * noise(0.0, 5) + 0.25 * noise(1.2, 6)
    return np.clip(tile * 40, -120, 120).astype(np.int8)
