"""Fields and farms: crops laid flat or drowned, sample points, tags, seen from the edge, close by or from above."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from lab.carscene import develop
from lab.raster import Array, Camera, smooth
from lab.setting import Setting
from lab.signs import font, lay_on, words
from lab.skyline import behind
from lab.texture import noise, sample

INNER = 0.5
RIPE, GREEN, SOIL = (0.34, 0.25, 0.07), (0.075, 0.15, 0.028), (0.12, 0.085, 0.055)


def photograph(
    seed: int, cause: str, kind: str, rng: np.random.Generator, size: tuple[int, int]
) -> Image.Image:
    """A field after hail or flood."""
    if kind in ("sample_close", "compare", "damage_close"):
        return _close(seed, cause, rng, size, half=kind == "compare")
    if kind in ("ear_tag", "head"):
        return _tag(seed, rng, size)
    if kind in ("carcass", "weighing", "disposal_before", "disposal_after"):
        return _tarpaulin(seed, kind, rng, size)
    high, down = (42.0, 30.0) if kind == "drone" else (1.65, 6.0) if kind != "sample_wide" else (1.6, 2.6)
    shake = rng.normal(0, 0.05, 3)
    target = (down, 0.02, 0.0) if kind == "drone" else (down * 3, float(3 * shake[0]), 0.55)
    camera = Camera(
        (0.0, 0.0, high), target, 66, round(size[0] * INNER), round(size[1] * INNER), float(20 * shake[1])
    )
    picture = behind(Setting("field", "cloudy" if seed % 2 else "sunny", seed), camera)
    _ground(picture, camera, seed, cause)
    image = develop(picture, 1.0).resize(size, Image.Resampling.BICUBIC)
    if kind in ("corners", "sample_wide"):
        _stake(image, seed, rng, corner=kind == "corners")
    return image


def _ground(picture: Array, camera: Camera, seed: int, cause: str) -> None:
    """Rows of crops with flattened or flooded patches."""
    ray = camera.rays().reshape(3, -1)
    below = np.flatnonzero(ray[2] < -0.004)
    ray = ray[:, below]
    far = -camera.eye[2] / ray[2]
    x, y = camera.eye[0] + far * ray[0], camera.eye[1] + far * ray[1]
    base = np.array(RIPE if seed % 2 else GREEN)
    fine = sample(noise(0.6, 53), x * 130, y * 130)
    tuft = sample(noise(1.4, 54), x * 38 + seed, y * 38)
    row = 0.5 + 0.5 * np.cos(y * (2 * np.pi / 0.62) + 0.8 * tuft)
    clear = smooth(26.0, 8.0, far / max(1.0, camera.eye[2] / 1.65))
    patch = sample(noise(2.6, 55), x * 9 + seed * 31, y * 9) + 0.25
    hurt = smooth(0.35, 0.75, patch)
    path = smooth(0.55, 0.35, np.abs(y + 0.9)) * (camera.eye[2] < 5)
    tall = (0.62 + 0.22 * tuft + 0.22 * fine) * (1 - clear * 0.45 * (1 - row))
    flat = sample(noise(1.2, 56, 9.0), x * 70 + y * 24, y * 70 - x * 24)
    level = 0.50 + 0.45 * behind_light(seed)
    for k in range(3):
        crop = base[k] * tall * 1.5
        laid = (0.55 * base[k] + 0.06) * (1.0 + 0.30 * flat)
        if cause == "flood":
            glance = (1 - np.clip(-ray[2], 0, 1)) ** 3
            laid = (0.055, 0.05, 0.038)[k] + glance * (0.55, 0.58, 0.60)[k]
        colour = crop + (laid - crop) * hurt
        colour = colour + (SOIL[k] * (1 + 0.18 * fine + 0.1 * tuft) - colour) * path
        haze = smooth(60, 320, far) * 0.5
        picture.reshape(3, -1)[k, below] = np.clip(colour * level * (1 - haze) + haze * 0.45, 0.003, None)


def behind_light(seed: int) -> float:
    """How bright the day is."""
    return 1.0 if seed % 2 == 0 else 0.8


def _close(
    seed: int, cause: str, rng: np.random.Generator, size: tuple[int, int], *, half: bool
) -> Image.Image:
    """Leaves near by, torn by hail or brown from water; for comparison, healthy ones on the left."""
    wide, high = size[0] // 2, size[1] // 2
    soil = 1 + 0.22 * np.tile(noise(1.5, 57), (2, 2))[:high, :wide]
    ground = np.clip(soil[..., None] * np.array([74, 60, 46]), 0, 255).astype(np.uint8)
    image = Image.fromarray(ground)
    draw = ImageDraw.Draw(image)
    for number in range(80):
        root = (float(rng.uniform(-40, wide + 40)), float(rng.uniform(high * 0.2, high + 60)))
        hurt = not half or root[0] > wide / 2
        turn = float(rng.normal(-1.57, 0.5)) if not hurt else float(rng.normal(-0.5, 0.9))
        _leaf(draw, root, turn, float(rng.uniform(110, 250)), 0.45 + 0.55 * number / 80, hurt, cause, rng)
    image = image.filter(ImageFilter.GaussianBlur(0.8)).resize(size, Image.Resampling.BICUBIC)
    if half:
        face = font(44)
        for x, text in ((0.25, words("正常", "healthy")), (0.75, words("受损", "damaged"))):
            ImageDraw.Draw(image).text(
                (size[0] * x, size[1] * 0.06),
                text,
                font=face,
                fill=(255, 255, 255),
                anchor="mm",
                stroke_width=3,
                stroke_fill=(0, 0, 0),
            )
    return image


def _leaf(
    draw: ImageDraw.ImageDraw, root: tuple[float, float], turn: float, reach: float, light: float, hurt: bool,
    cause: str, rng: np.random.Generator,
) -> None:  # fmt: skip
    """One long leaf, bending over; a damaged one is torn, holed and yellow at the edge."""
    t = np.linspace(0, 1, 16)
    bend = turn + float(rng.normal(0, 0.5)) * t
    x = root[0] + np.cumsum(np.cos(bend)) * reach / 16
    y = root[1] + np.cumsum(np.sin(bend)) * reach / 16 + 26 * t**2
    half = reach * 0.055 * np.sin(np.pi * np.clip(t * 0.94 + 0.05, 0, 1)) ** 0.7
    if hurt and cause != "flood":
        half = half * np.where(rng.random(16) < 0.3, rng.uniform(0.1, 0.6, 16), 1)
    nx, ny = -np.sin(bend), np.cos(bend)
    green = np.array([70, 116, 42]) if not hurt or rng.random() < 0.5 else np.array([134, 126, 56])
    if hurt and cause == "flood":
        green = np.array([104, 92, 58])
    fill = tuple(int(c) for c in np.clip(green * light * rng.uniform(0.85, 1.15), 0, 255))
    left, right = (
        list(zip(x + nx * half, y + ny * half, strict=True)),
        list(zip(x - nx * half, y - ny * half, strict=True)),
    )
    draw.polygon([(float(px), float(py)) for px, py in left + right[::-1]], fill=fill)
    rib = tuple(min(255, int(c * 1.35)) for c in fill)
    draw.line([(float(px), float(py)) for px, py in zip(x, y, strict=True)], fill=rib, width=2)
    if hurt and cause != "flood":
        for _ in range(3):
            i = int(rng.integers(3, 13))
            draw.ellipse([x[i] - 4, y[i] - 3, x[i] + 4, y[i] + 3], fill=(52, 44, 34))


def _stake(image: Image.Image, seed: int, rng: np.random.Generator, *, corner: bool) -> None:
    """A painted stake at a corner, or a wire frame round the sample point."""
    draw = ImageDraw.Draw(image)
    wide, high = image.size
    if not corner:
        x, y = wide * float(rng.uniform(0.42, 0.58)), high * 0.70
        frame = [(x - 260, y + 110), (x + 240, y + 120), (x + 180, y - 90), (x - 190, y - 95)]
        draw.line([*frame, frame[0]], fill=(214, 44, 36), width=11, joint="curve")
        return
    x, foot = wide * float(rng.uniform(0.44, 0.56)), high * 0.86
    for i in range(6):
        colour = (224, 44, 36) if i % 2 else (240, 240, 236)
        draw.rectangle([x - 13, foot - 84 * (i + 1), x + 13, foot - 84 * i], fill=colour)
    text = words(f"界桩 {seed % 4 + 1}", f"CORNER {seed % 4 + 1}")
    draw.rectangle(
        [x - 120, foot - 610, x + 120, foot - 505], fill=(238, 236, 226), outline=(40, 40, 40), width=3
    )
    draw.text((x, foot - 557), text, font=font(48), fill=(30, 30, 34), anchor="mm")


def _tag(seed: int, rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    """A yellow ear tag on short hair."""
    wide, high = size[0] // 2, size[1] // 2
    hair = np.tile(noise(0.9, 59, 7.0), (2, 2))[:high, :wide]
    tone = np.clip((1 + 0.20 * hair)[..., None] * np.array([176, 132, 112]), 0, 255).astype(np.uint8)
    image = Image.fromarray(tone).resize(size, Image.Resampling.BICUBIC)
    tag = Image.new("RGB", (520, 640), (232, 190, 40))
    draw = ImageDraw.Draw(tag)
    draw.ellipse([230, 40, 290, 100], fill=(120, 96, 20), outline=(90, 70, 16), width=6)
    draw.text((260, 270), "DEMO", font=font(88), fill=(34, 30, 20), anchor="mm")
    draw.text(
        (260, 430),
        f"{int(np.random.default_rng(seed).integers(10**8)):08d}",
        font=font(84),
        fill=(34, 30, 20),
        anchor="mm",
    )
    corners = np.array([(-0.30, -0.42), (0.30, -0.40), (0.33, 0.40), (-0.31, 0.42)]) * size[1] * 0.72
    lay_on(image, tag, (corners + np.array(size) / 2 + rng.normal(0, 12, (4, 2))).astype(np.float32), 0.95)
    return image


def _tarpaulin(seed: int, kind: str, rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    """What is decently covered: a tarpaulin in a yard, with a board that says what the picture is."""
    wide, high = size[0] // 2, size[1] // 2
    yard = np.clip(
        (1 + 0.12 * np.tile(noise(1.7, 60), (2, 2))[:high, :wide])[..., None] * np.array([138, 132, 122]),
        0,
        255,
    )
    image = Image.fromarray(yard.astype(np.uint8))
    draw = ImageDraw.Draw(image)
    sheet = [
        (wide * 0.16, high * 0.80),
        (wide * 0.22, high * 0.46),
        (wide * 0.40, high * 0.34),
        (wide * 0.66, high * 0.36),
        (wide * 0.82, high * 0.52),
        (wide * 0.86, high * 0.82),
    ]
    draw.polygon(sheet, fill=(34, 84, 156))
    for _ in range(26):
        x = float(rng.uniform(0.22, 0.80)) * wide
        y = float(rng.uniform(0.46, 0.78)) * high
        tone = int(rng.uniform(-16, 22))
        draw.line(
            [(x, y), (x + rng.uniform(-60, 60), y + rng.uniform(10, 60))],
            fill=(34 + tone, 84 + tone, 156 + tone),
            width=int(rng.integers(4, 14)),
        )
    image = image.filter(ImageFilter.GaussianBlur(2.2)).resize(size, Image.Resampling.BICUBIC)
    board = Image.new("RGB", (620, 360), (246, 244, 236))
    labels = {
        "weighing": ("称重 86.5 kg", "86.5 kg"),
        "disposal_before": ("无害化处理前", "BEFORE DISPOSAL"),
        "disposal_after": ("无害化处理后", "AFTER DISPOSAL"),
    }
    text = words(*labels.get(kind, ("标的全景", "WHOLE VIEW")))
    ImageDraw.Draw(board).text((310, 130), text, font=font(76), fill=(30, 30, 34), anchor="mm")
    ImageDraw.Draw(board).text(
        (310, 260), f"DEMO {seed % 10_000:04d}", font=font(60), fill=(160, 30, 30), anchor="mm"
    )
    corners = np.array([(0.60, 0.60), (0.92, 0.61), (0.93, 0.86), (0.60, 0.84)]) * np.array(size)
    lay_on(image, board, corners.astype(np.float32))
    return image
