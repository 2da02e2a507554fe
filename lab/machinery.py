"""What hangs below and inside a car: pipes and pans of the underside, a traction battery with its orange cables."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from lab.raster import Array
from lab.signs import font, words
from lab.texture import noise


def _metal(wide: int, high: int, tone: float, seed: int) -> Array:
    """Dull metal with grime."""
    grime = (
        np.tile(noise(1.9, 61), (2, 2))[:high, :wide] * 0.16
        + np.tile(noise(0.5, 62), (2, 2))[:high, :wide] * 0.07
    )
    return np.clip(tone * (1 + np.roll(grime, seed % 512, axis=1)), 0, 255)


def _pipe(canvas: Array, middle: float, half: float, tone: Array, slope: float) -> None:
    """A pipe across the picture, lit from above; the canvas is painted in place."""
    high, wide = canvas.shape[:2]
    y = np.arange(high)[:, None] - middle - slope * (np.arange(wide)[None, :] - wide / 2)
    inside = np.abs(y) < half
    round_ = np.sqrt(np.clip(1 - (y / half) ** 2, 0, 1))
    light = 0.25 + 0.75 * round_ - 0.35 * (y / half) + 0.6 * np.exp(-(((y / half) + 0.35) ** 2) / 0.02)
    shadow = 1 - 0.65 * np.exp(-((np.clip(y - half, 0, None) / (0.5 * half)) ** 2)) * (y > 0)
    canvas *= shadow[..., None]
    canvas[inside] = (light[..., None] * tone)[inside]


def underside(seed: int, size: tuple[int, int]) -> Image.Image:
    """The car from below: pan, exhaust, shields, with a scraped edge."""
    rng = np.random.default_rng((seed, 151))
    wide, high = size[0] // 2, size[1] // 2
    canvas = np.repeat(_metal(wide, high, 40, seed)[..., None], 3, axis=2)
    x, y = np.meshgrid(np.arange(wide), np.arange(high))
    pan = (np.abs(x - wide * 0.36) < wide * 0.22) & (np.abs(y - high * 0.45) < high * 0.26)
    canvas[pan] = np.repeat(_metal(wide, high, 88, seed + 9)[..., None], 3, axis=2)[pan]
    ribs = pan & (np.mod(x, 46) < 9)
    canvas[ribs] *= 0.62
    rust = np.array([118, 86, 62]) * (1 + 0.16 * np.tile(noise(1.4, 63), (2, 2))[:high, :wide, None])
    _pipe(canvas, high * 0.80, high * 0.075, rust, float(rng.normal(0, 0.05)))
    _pipe(canvas, high * 0.12, high * 0.04, np.full((high, wide, 3), 120.0), 0.10)
    image = Image.fromarray(np.clip(canvas, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for px in (0.17, 0.55):
        for py in (0.23, 0.67):
            cx, cy = wide * px, high * py
            draw.ellipse([cx - 12, cy - 12, cx + 12, cy + 12], fill=(64, 64, 66), outline=(20, 20, 20))
            draw.regular_polygon((cx, cy, 8), 6, fill=(112, 112, 114))
    for _ in range(60):
        px, py = wide * 0.36 + rng.normal(0, wide * 0.09), high * 0.60 + rng.normal(0, high * 0.04)
        tone = int(rng.uniform(150, 225))
        draw.line(
            [(px, py), (px + rng.uniform(20, 110), py + rng.normal(0, 6))],
            fill=(tone, tone, tone - 6),
            width=int(rng.integers(1, 4)),
        )
    drip = [(wide * 0.40 + rng.normal(0, 12), high * (0.70 + 0.03 * i)) for i in range(8)]
    for px, py in drip:
        draw.ellipse([px - 9, py - 7, px + 9, py + 7], fill=(14, 12, 10))
    light = np.clip(1.25 - np.hypot(x - wide * 0.45, y - high * 0.5) / (0.62 * wide), 0.12, 1.1)
    shown = np.asarray(image.filter(ImageFilter.GaussianBlur(0.8)), dtype=np.float32) * light[..., None]
    return Image.fromarray(np.clip(shown, 0, 255).astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)


def battery(seed: int, size: tuple[int, int]) -> Image.Image:
    """A traction battery's housing: ribs, warning label, orange cables, a dented edge."""
    rng = np.random.default_rng((seed, 157))
    wide, high = size[0] // 2, size[1] // 2
    canvas = np.repeat(_metal(wide, high, 52, seed)[..., None], 3, axis=2)
    x, y = np.meshgrid(np.arange(wide), np.arange(high))
    case = (np.abs(x - wide * 0.5) < wide * 0.42) & (np.abs(y - high * 0.52) < high * 0.34)
    canvas[case] = np.repeat(_metal(wide, high, 142, seed + 5)[..., None], 3, axis=2)[case]
    rib = np.mod(x + 12, 74)
    canvas[case & (rib < 10)] *= 1.16
    canvas[case & (rib > 64)] *= 0.74
    dent = np.exp(-(((x - wide * 0.74) / 70) ** 2 + ((y - high * 0.78) / 46) ** 2))
    canvas *= (1 - 0.75 * dent * (0.6 + 0.4 * np.sin(x / 7.0 + y / 5.0)))[..., None]
    orange = np.array([232, 112, 22]) * np.ones((high, wide, 1))
    for k in range(2):
        _pipe(canvas, high * (0.10 + 0.065 * k), high * 0.026, orange, float(rng.normal(0, 0.02)))
    image = Image.fromarray(np.clip(canvas, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    left, top = wide * 0.18, high * 0.36
    draw.rectangle(
        [left, top, left + wide * 0.30, top + high * 0.24], fill=(240, 200, 36), outline=(20, 20, 20), width=3
    )
    peak = (left + wide * 0.055, top + high * 0.04)
    draw.polygon([peak, (peak[0] - 26, peak[1] + 48), (peak[0] + 26, peak[1] + 48)], fill=(20, 20, 20))
    draw.text(
        (left + wide * 0.185, top + high * 0.075),
        words("高压危险", "HIGH VOLTAGE"),
        font=font(30),
        fill=(20, 20, 20),
        anchor="mm",
    )
    draw.text(
        (left + wide * 0.15, top + high * 0.17),
        f"DEMO-BAT {int(rng.integers(10**6)):06d}",
        font=font(22),
        fill=(20, 20, 20),
        anchor="mm",
    )
    return image.filter(ImageFilter.GaussianBlur(0.7)).resize(size, Image.Resampling.BICUBIC)
