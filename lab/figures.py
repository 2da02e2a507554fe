"""Small things put into a finished scene: a person with a blurred face, debris, a bollard, a warning triangle."""

from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from lab.raster import Camera
from lab.signs import font, lay_on

HEIGHT_M = 1.74
CLOTHES = ((58, 60, 66), (74, 84, 70), (120, 106, 84), (96, 40, 42), (40, 52, 84))


@lru_cache(maxsize=4)
def person(vest: bool, style: int) -> Image.Image:
    """A standing person, RGBA; the face is a mosaic, as privacy asks, so it is nobody."""
    rng = np.random.default_rng((style, 137))
    image = Image.new("RGBA", (640, 1680), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    skin = (196, 158, 132)
    jacket = (34, 46, 78) if vest else CLOTHES[style % len(CLOTHES)]
    trousers = (38, 40, 46)
    for side in (-1, 1):
        x = 320 + side * 62
        draw.polygon(
            [(x - 60, 880), (x + 60, 880), (x + 46 + side * 10, 1590), (x - 40 + side * 10, 1590)],
            fill=trousers,
        )
        draw.rounded_rectangle(
            [x - 52 + side * 14, 1570, x + 56 + side * 14, 1640], radius=26, fill=(24, 24, 26)
        )
        arm = [
            (320 + side * 150, 380),
            (320 + side * 196, 410),
            (320 + side * 222, 860),
            (320 + side * 168, 868),
        ]
        draw.polygon(arm, fill=tuple(int(c * 0.86) for c in jacket))
        draw.ellipse([320 + side * 196 - 34, 850, 320 + side * 196 + 34, 930], fill=skin)
    draw.polygon([(180, 390), (250, 345), (390, 345), (460, 390), (446, 910), (194, 910)], fill=jacket)
    if vest:
        draw.polygon([(204, 384), (270, 350), (302, 640), (302, 850), (204, 850)], fill=(206, 226, 40))
        draw.polygon([(436, 384), (370, 350), (338, 640), (338, 850), (436, 850)], fill=(206, 226, 40))
        for y in (600, 740):
            draw.rectangle([204, y, 302, y + 44], fill=(206, 210, 212))
            draw.rectangle([338, y, 436, y + 44], fill=(206, 210, 212))
    draw.rectangle([288, 290, 352, 362], fill=tuple(int(c * 0.88) for c in skin))
    draw.ellipse([236, 110, 404, 322], fill=skin)
    draw.pieslice([226, 92, 414, 300], 180, 360, fill=(26, 44, 92) if vest else (30, 26, 24))
    if vest:
        draw.rounded_rectangle([220, 186, 420, 214], radius=12, fill=(22, 36, 78))
    image = _round_off(image)
    head = image.crop((216, 190, 424, 330))
    mosaic = head.resize((7, 5), Image.Resampling.BOX)
    noisy = np.asarray(mosaic, dtype=np.int16).copy()
    noisy[..., :3] += rng.integers(-16, 17, noisy[..., :3].shape, dtype=np.int16)
    mosaic = Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8), "RGBA").resize(
        head.size, Image.Resampling.NEAREST
    )
    image.paste(mosaic, (216, 190), head.getchannel("A"))
    return image


def _round_off(image: Image.Image) -> Image.Image:
    """Gives a flat figure some roundness: darker towards its right edge and in folds."""
    alpha = image.getchannel("A")
    soft = np.asarray(alpha.filter(ImageFilter.GaussianBlur(22)), dtype=np.float32) / 255
    lean = np.roll(soft, 26, axis=1) - np.roll(soft, -26, axis=1)
    rng = np.random.default_rng(139)
    folds = np.asarray(
        Image.fromarray((rng.random((42, 16)) * 255).astype(np.uint8)).resize(
            image.size, Image.Resampling.BICUBIC
        ),
        dtype=np.float32,
    )
    light = (0.80 + 0.30 * soft - 0.35 * lean) * (0.90 + 0.20 * folds / 255)
    colour = np.clip(np.asarray(image.convert("RGB"), dtype=np.float32) * light[..., None], 0, 255).astype(
        np.uint8
    )
    rounded = Image.fromarray(colour)
    rounded.putalpha(alpha.filter(ImageFilter.GaussianBlur(1.5)))
    return rounded


def stand(
    image: Image.Image,
    sprite: Image.Image,
    camera: Camera,
    at: tuple[float, float],
    tall_m: float,
    light: float,
) -> None:
    """Puts an upright sprite on the ground of a scene, with its shadow."""
    spots, depth = camera.project(np.array([(*at, 0.0), (*at, tall_m)], dtype=np.float32))
    if depth[0] < 0.8:
        return
    high = float(spots[0, 1] - spots[1, 1])
    size = max(4, round(high * sprite.width / sprite.height)), max(4, round(high))
    if size[1] > 3 * image.height:
        return
    small = sprite.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    red, green, blue, alpha = small.split()
    lit = Image.merge("RGB", [band.point(lambda c: min(255, int(c * light))) for band in (red, green, blue)])
    foot = float(spots[0, 0]), float(spots[0, 1])
    shade = Image.new("L", (round(size[0] * 1.5), max(6, round(size[0] * 0.40))), 0)
    ImageDraw.Draw(shade).ellipse([shade.width * 0.15, 2, shade.width * 0.85, shade.height - 2], fill=150)
    shade = shade.filter(ImageFilter.GaussianBlur(size[0] * 0.06))
    image.paste((8, 8, 9), (round(foot[0] - shade.width / 2), round(foot[1] - shade.height * 0.62)), shade)
    image.paste(lit, (round(foot[0] - size[0] / 2), round(foot[1] - size[1])), alpha)


@lru_cache(maxsize=1)
def bollard() -> Image.Image:
    """A concrete-filled post, yellow and black, scuffed."""
    image = Image.new("RGBA", (150, 900), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle([20, 6, 130, 899], radius=26, fill=(226, 178, 34))
    for y in range(60, 900, 230):
        draw.polygon([(20, y + 70), (130, y), (130, y + 105), (20, y + 175)], fill=(26, 26, 26))
    rng = np.random.default_rng(149)
    for _ in range(26):
        px, py = rng.uniform(24, 110), rng.uniform(350, 620)
        tone = int(rng.uniform(120, 220))
        draw.line(
            [(px, py), (px + rng.uniform(6, 40), py + rng.uniform(-6, 10))], fill=(tone, tone, tone), width=3
        )
    return _round_off(image)


@lru_cache(maxsize=1)
def triangle() -> Image.Image:
    """A warning triangle."""
    image = Image.new("RGBA", (300, 270), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    draw.polygon([(150, 4), (296, 250), (4, 250)], fill=(214, 40, 32))
    draw.polygon([(150, 74), (232, 214), (68, 214)], fill=(0, 0, 0, 0))
    draw.rectangle([40, 250, 260, 266], fill=(40, 40, 42))
    return image


def debris(
    image: Image.Image,
    camera: Camera,
    at: tuple[float, float],
    count: int,
    rng: np.random.Generator,
    light: float,
) -> None:
    """Glass and bits of plastic on the ground round a place."""
    draw = ImageDraw.Draw(image)
    spread = np.column_stack(
        [at[0] + rng.normal(0, 0.55, count), at[1] + rng.normal(0, 0.45, count), np.zeros(count)]
    )
    spots, depth = camera.project(spread.astype(np.float32))
    for (x, y), far in zip(spots.tolist(), depth.tolist(), strict=True):
        radius = camera.focal * float(rng.uniform(0.004, 0.045)) / far
        if radius < 0.6 or radius > 90:
            continue
        turn = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 6))))
        shape = [(x + radius * np.cos(t), y + 0.45 * radius * np.sin(t)) for t in turn]
        base = ((196, 208, 214), (24, 24, 26), (150, 150, 152), (150, 24, 22))[
            int(rng.choice(4, p=[0.45, 0.35, 0.12, 0.08]))
        ]
        draw.polygon([(px, py + radius * 0.18) for px, py in shape], fill=(14, 14, 15))
        draw.polygon(shape, fill=tuple(int(c * light) for c in base))


def ruler(image: Image.Image, rng: np.random.Generator) -> None:
    """A surveyor's ruler held upright in the picture as a scale."""
    strip = Image.new("RGB", (70, 900), (238, 200, 52))
    draw = ImageDraw.Draw(strip)
    for mark in range(61):
        y = 880 - mark * 14
        draw.line(
            [(0, y), (34 if mark % 10 == 0 else 20 if mark % 5 == 0 else 12, y)], fill=(24, 24, 24), width=2
        )
        if mark % 10 == 0:
            draw.text((50, y), str(mark), font=font(20), fill=(150, 20, 20), anchor="mm")
    x = image.width * float(rng.uniform(0.56, 0.70))
    wide, top, foot = image.width * 0.030, image.height * 0.22, image.height * 0.99
    lean = float(rng.normal(0, 16))
    corners = np.array([(x + lean, top), (x + lean + wide, top), (x + wide * 1.15, foot), (x, foot)])
    lay_on(image, strip, corners.astype(np.float32), 0.86)
