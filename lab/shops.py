"""Shop fronts seen from the street, after a storm or a fire."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from lab.signs import font, lay_on, words
from lab.texture import noise


def storefront(
    seed: int, cause: str, kind: str, rng: np.random.Generator, size: tuple[int, int]
) -> Image.Image:
    """A small shop seen from the street; after a storm a pane is broken, after a fire the wall is black."""
    made = np.random.default_rng((seed, 131))
    front = Image.new("RGB", (1200, 800), tuple(int(c) for c in made.integers(150, 205, 3)))
    draw = ImageDraw.Draw(front)
    for y in range(0, 800, 25):
        draw.line([(0, y), (1200, y)], fill=(140, 134, 128), width=1)
    draw.rectangle(
        [60, 60, 1140, 210], fill=((176, 36, 34), (30, 84, 150), (32, 110, 66))[int(made.integers(3))]
    )
    draw.text((600, 135), words("演示便利店", "DEMO STORE"), font=font(96), fill=(250, 246, 236), anchor="mm")
    broken = int(made.integers(4)) if cause in ("storm", "typhoon", "explosion") else -1
    for i, left in enumerate((50, 295, 540, 785)):
        draw.rectangle([left, 250, left + 220, 770], fill=(52, 62, 68), outline=(196, 200, 204), width=8)
        draw.polygon(
            [(left + 20, 270), (left + 120, 270), (left + 40, 750), (left + 20, 750)], fill=(82, 96, 104)
        )
        if i == broken:
            turn = np.sort(made.uniform(0, 2 * np.pi, 11))
            hole = [
                (left + 110 + made.uniform(40, 95) * np.cos(t), 500 + made.uniform(70, 190) * np.sin(t))
                for t in turn
            ]
            draw.polygon(hole, fill=(8, 9, 10), outline=(220, 232, 236), width=4)
    draw.rectangle([1050, 330, 1160, 382], fill=(24, 66, 150))
    draw.text((1105, 356), str(int(made.integers(2, 400))), font=font(38), fill=(255, 255, 255), anchor="mm")
    if cause == "fire":
        soot = Image.new("L", (300, 200), 0)
        ImageDraw.Draw(soot).ellipse([80, -60, 230, 120], fill=225)
        front.paste((10, 9, 8), (0, 0), soot.filter(ImageFilter.GaussianBlur(22)).resize(front.size))
    near = kind in ("door_plate", "damage_mid", "damage_close")
    return _on_street(front, near, kind == "door_plate", rng, size)


def _on_street(
    front: Image.Image, near: bool, number: bool, rng: np.random.Generator, size: tuple[int, int]
) -> Image.Image:
    """Puts the front at the back of a pavement, or goes close to it."""
    if near:
        left, top, wide = (1012, 290, 180) if number else (float(rng.uniform(250, 400)), 230.0, 560.0)
        close = front.resize(
            size, Image.Resampling.BICUBIC, box=(left, top, left + wide, top + wide * size[1] / size[0])
        )
        return close.filter(ImageFilter.GaussianBlur(1.5))
    wide, high = size
    rows = np.linspace(0, 1, high // 4)[:, None]
    sky = np.array([196, 212, 228]) * (1 - 0.2 * rows[..., None]) * np.ones((1, wide // 4, 1))
    y, x = np.mgrid[0 : high // 4, 0 : wide // 4]
    depth = 1 / np.maximum(y / (high / 4) - 0.52, 0.01)
    slab = (np.mod((x - wide / 8) * depth * 0.012, 1) < 0.03) | (np.mod(depth * 2.2, 1) < 0.04)
    tone = 150 + 9 * np.tile(noise(1.0, 51), (2, 2))[: high // 4, : wide // 4] - 30 * slab
    sky = np.where((y > high / 4 * 0.70)[..., None], tone[..., None] * np.array([1.0, 0.98, 0.95]), sky)
    image = Image.fromarray(np.clip(sky, 0, 255).astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)
    slant = float(rng.uniform(0.03, 0.12)) * high * (1 if rng.random() < 0.5 else -1)
    a, b = max(0, slant), max(0, -slant)
    corners = [
        (wide * 0.02, high * 0.10 + a),
        (wide * 0.98, high * 0.10 + b),
        (wide * 0.98, high * 0.76 - b * 0.4),
        (wide * 0.02, high * 0.76 - a * 0.4),
    ]
    lay_on(image, front, np.array(corners, dtype=np.float32))
    return image
