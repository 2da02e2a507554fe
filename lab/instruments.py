"""The numbers a surveyor reads off a car: punched VIN, type plate, odometer."""

from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from lab.papers import INK, lamp, rows
from lab.signs import emboss, font, lay_on, words
from lab.texture import noise


def vin_stamp(seed: int, vin: str, paint: tuple[int, int, int], size: tuple[int, int]) -> Image.Image:
    """The VIN punched into painted metal, close up, with dust and scuffs."""
    rng = np.random.default_rng((seed, 103))
    wide, high = size[0] // 2, size[1] // 2
    y, x = np.mgrid[0:high, 0:wide]
    glow = 0.62 + 0.30 * np.exp(-(((y - high * 0.36 + 0.08 * (x - wide / 2)) / (high * 0.22)) ** 2))
    dust = (
        np.tile(noise(1.9, 35), (3, 3))[:high, :wide] * 0.035
        + np.tile(noise(0.3, 36), (3, 3))[:high, :wide] * 0.022
    )
    base = np.clip((np.maximum(np.array(paint), 42) * (glow + dust)[..., None]), 0, 255)
    rail = (np.abs(y - high * 0.80) < 5)[..., None]
    image = Image.fromarray(np.where(rail, base * 0.45, base).astype(np.uint8))
    mask = Image.new("L", image.size, 0)
    face, draw = font(int(high * 0.098)), ImageDraw.Draw(mask)
    at = wide * 0.075
    for letter in "*" + (vin or "LDXDEM00000000000") + "*":
        draw.text((at, high * 0.46 + float(rng.normal(0, 1.5))), letter, font=face, fill=255, anchor="mm")
        at += wide * 0.0475
    image = emboss(image, mask, -150.0)
    shadow = mask.filter(ImageFilter.GaussianBlur(1.0)).point(lambda level: int(level * 0.42))
    image.paste((18, 18, 18), (0, 0), shadow)
    draw = ImageDraw.Draw(image)
    for _ in range(14):
        px, py, turn, reach = (
            rng.uniform(0, wide),
            rng.uniform(0, high),
            rng.normal(0, 0.5),
            rng.uniform(20, 120),
        )
        tone = int(rng.uniform(120, 200))
        draw.line(
            [(px, py), (px + reach * np.cos(turn), py + reach * np.sin(turn))],
            fill=(tone, tone, tone),
            width=1,
        )
    inner = (
        wide * 0.035,
        high * 0.035,
        wide * 0.965,
        high * 0.965,
    )  # without the corners that turning leaves empty
    turned = image.rotate(float(np.clip(rng.normal(0, 1.0), -1.8, 1.8)), Image.Resampling.BILINEAR)
    return turned.resize(size, Image.Resampling.BICUBIC, box=inner)


def type_plate(seed: int, vin: str, size: tuple[int, int]) -> Image.Image:
    """The maker's plate in the door frame."""
    rng = np.random.default_rng((seed, 107))
    page = Image.fromarray(
        np.clip(
            186 + 9 * np.tile(noise(1.2, 37, 10.0), (2, 2))[:560, :900, None] * np.ones(3), 0, 255
        ).astype(np.uint8)
    )
    draw = ImageDraw.Draw(page)
    draw.rounded_rectangle([6, 6, 893, 553], radius=18, outline=(60, 62, 66), width=4)
    draw.text(
        (450, 52), words("演示汽车有限公司 制造", "DEMO MOTOR CO."), font=font(34), fill=INK, anchor="mm"
    )
    lines = (
        (words("品牌", "Make"), words("演示", "DEMO")), (words("整车型号", "Model"), f"YS{int(rng.integers(1000, 9999))}D"),
        ("VIN", vin or "LDXDEM00000000000"), (words("发动机型号", "Engine"), f"DM{int(rng.integers(10, 99))}T"),
        (words("最大允许总质量", "Max mass"), f"{int(rng.integers(1500, 2400))} kg"),
        (words("制造年月", "Made"), f"20{int(rng.integers(15, 26))}.{int(rng.integers(1, 13)):02d}"),
    )  # fmt: skip
    rows(draw, lines, (40, 96), 72, 270, 860)
    ground = Image.new("RGB", size, (46, 48, 52))
    wide, tall = size[0] * 0.74, size[0] * 0.74 * 560 / 900
    corners = (
        np.array([(-0.5, -0.5), (0.5, -0.46), (0.49, 0.5), (-0.5, 0.47)]) * (wide, tall) + np.array(size) / 2
    )
    lay_on(ground, page, (corners + rng.normal(0, 8, (4, 2))).astype(np.float32))
    return lamp(ground, rng)


@lru_cache(maxsize=2)
def _dial(top: int, unit: str) -> Image.Image:
    """A round gauge without its needle."""
    dial = Image.new("RGB", (520, 520), (10, 11, 13))
    draw = ImageDraw.Draw(dial)
    draw.ellipse([8, 8, 512, 512], outline=(150, 154, 160), width=5)
    for step in range(61):
        turn = np.radians(135 + 270 * step / 60)
        inner = 206 if step % 5 else 188
        ends = [(260 + r * np.cos(turn), 260 + r * np.sin(turn)) for r in (inner, 228)]
        draw.line([(float(x), float(y)) for x, y in ends], fill=(226, 230, 236), width=3 if step % 5 else 6)
        if step % 10 == 0:
            spot = (260 + 152 * np.cos(turn), 260 + 152 * np.sin(turn))
            draw.text(spot, str(round(top * step / 60)), font=font(36), fill=(236, 238, 242), anchor="mm")
    draw.text((260, 400), unit, font=font(22, "Regular"), fill=(150, 154, 160), anchor="mm")
    return dial


def odometer(seed: int, size: tuple[int, int]) -> Image.Image:
    """The instrument cluster with the engine off and the distance shown."""
    rng = np.random.default_rng((seed, 109))
    image = Image.new("RGB", (1600, 1200), (22, 23, 25))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle([60, 190, 1540, 960], radius=240, fill=(9, 10, 12), outline=(52, 54, 58), width=10)
    image.paste(_dial(240, "km/h"), (150, 300))
    image.paste(_dial(6, "×1000 r/min"), (930, 300))
    for x in (410, 1190):
        draw.line([(x, 560), (x - 150, 700)], fill=(224, 60, 44), width=9)
        draw.ellipse([x - 30, 530, x + 30, 590], fill=(44, 46, 50))
    draw.rounded_rectangle([662, 480, 938, 690], radius=14, fill=(16, 34, 48), outline=(60, 90, 110), width=3)
    draw.text(
        (800, 540),
        f"{int(rng.integers(8_000, 190_000)):,} km",
        font=font(46),
        fill=(200, 234, 246),
        anchor="mm",
    )
    draw.text(
        (800, 630),
        f"{int(rng.integers(-4, 34))} °C   P",
        font=font(34, "Regular"),
        fill=(140, 180, 196),
        anchor="mm",
    )
    for i, colour in enumerate(((230, 170, 40), (220, 60, 40), (70, 200, 110))):
        draw.ellipse([720 + 70 * i, 380, 750 + 70 * i, 410], fill=colour)
    glare = Image.new("L", (160, 120), 0)
    ImageDraw.Draw(glare).polygon([(10, 16), (70, 16), (30, 100), (0, 100)], fill=54)
    image.paste(
        (200, 214, 226),
        (0, 0),
        glare.filter(ImageFilter.GaussianBlur(6)).resize(image.size, Image.Resampling.BILINEAR),
    )
    turned = image.rotate(float(rng.normal(0, 2.0)), Image.Resampling.BILINEAR, fillcolor=(22, 23, 25))
    return turned.resize(size, Image.Resampling.BICUBIC)
