"""What stands behind a scene, out of focus: sky, houses, trees, lamps."""

from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from lab.raster import Array, Camera
from lab.setting import Setting
from lab.texture import noise, sample


def behind(setting: Setting, camera: Camera) -> Array:
    """Sky, houses, trees and lamps above the horizon, out of focus."""
    rng = np.random.default_rng((setting.seed, 71))
    width, height = camera.width * 2 // 5, camera.height * 2 // 5
    small = Camera(camera.eye, camera.target, camera.fov_deg, width, height, camera.roll_deg)
    light = setting.lamp
    up = small.rays()[2]
    share = np.clip(up / 0.55, 0, 1)[..., None] ** 0.7
    sky = np.array(light.horizon) + (np.array(light.zenith) - np.array(light.horizon)) * share
    cloud = sample(
        noise(2.6, 21), np.arange(width)[None, :] * 1.3 + setting.seed * 40, np.arange(height)[:, None] * 2.6
    )
    sky = sky * (1 + 0.05 * cloud[..., None])
    image = Image.fromarray((np.clip(sky, 0, 1) ** (1 / 2.2) * 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    level = float(np.clip(np.array(light.zenith).mean() * 0.75 + 0.42 * light.sun_colour[0], 0.02, 0.9)) ** (
        1 / 2.2
    )
    things = [
        ("house", float(a), float(d))
        for a, d in zip(rng.uniform(0, 360, 46), rng.uniform(35, 90, 46), strict=True)
    ]
    things += [
        ("tree", float(a), float(d))
        for a, d in zip(rng.uniform(0, 360, 44), rng.uniform(14, 34, 44), strict=True)
    ]
    things += [
        ("lamp", float(a), float(d))
        for a, d in zip(rng.uniform(0, 360, 9), rng.uniform(14, 30, 9), strict=True)
    ]
    _hedge(draw, small, level)
    for kind, angle, away in sorted(things, key=lambda t: -t[2]):
        along_road = min(angle % 180, 180 - angle % 180) < 9
        rural = setting.ground == "field" and kind != "tree"
        if rural or (setting.ground == "street" and along_road and kind != "lamp"):
            continue
        _stand(image, small, kind, angle, away, level, setting.light == "night", rng)
    image = image.filter(ImageFilter.GaussianBlur(0.9))
    shown = np.asarray(image.resize((camera.width, camera.height), Image.Resampling.BILINEAR))
    linear: Array = _LINEAR[shown.transpose(2, 0, 1)]
    return linear


_LINEAR = ((np.arange(256) / 255) ** 2.2).astype(np.float32)


def _hedge(draw: ImageDraw.ImageDraw, camera: Camera, level: float) -> None:
    """A low hedge all along the horizon, where the ground would otherwise end in mist."""
    forward = camera.axes[2]
    x, y = camera.eye[0] + 36 * forward[0], camera.eye[1] + 36 * forward[1]
    spot, _ = camera.project(np.array([(x, y, 0), (x, y, 1.3)], dtype=np.float32))
    fill = tuple(int(c * level) for c in (58, 74, 48))
    draw.rectangle([0, float(spot[1, 1]), camera.width, float(spot[0, 1])], fill=fill)


def _stand(
    image: Image.Image, camera: Camera, kind: str, angle: float, away: float, level: float, night: bool,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """Draws one upright thing at an angle and distance from the car, if the camera sees it."""
    draw = ImageDraw.Draw(image)
    size = float(rng.uniform(0.8, 1.25))
    wide, tall = {
        "house": (22 * size, 17 * size * size),
        "tree": (6.5 * size, 7.6 * size),
        "lamp": (0.3, 8.5),
    }[kind]
    tint = rng.uniform(-18, 18, 3)
    x, y = away * np.cos(np.radians(angle)), away * np.sin(np.radians(angle))
    spot, depth = camera.project(np.array([(x, y, 0), (x, y, tall)], dtype=np.float32))
    if depth[0] < 6:
        return
    half = camera.focal * wide / 2 / float(depth[0])
    centre, foot, top = float(spot[0, 0]), float(spot[0, 1]), float(spot[1, 1])
    if centre + half < 0 or centre - half > camera.width:
        return
    box = (centre - half, top, centre + half, foot)
    if kind == "house":
        _house(draw, box, level, night, tint, rng)
    elif kind == "tree":
        _tree(image, box, level, int(rng.integers(3)))
    else:
        draw.line(
            [(centre, foot), (centre, top)],
            fill=tuple(int(c * level) for c in (150, 152, 155)),
            width=max(1, int(half)),
        )
        if night:
            draw.ellipse([centre - 9, top - 9, centre + 9, top + 9], fill=(255, 225, 160))


def _house(
    draw: ImageDraw.ImageDraw, box: tuple[float, float, float, float], level: float, night: bool, tint: Array,
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """A block of flats with shops on the ground floor."""
    left, top, right, foot = box
    bases = ((205, 195, 180), (190, 180, 172), (176, 150, 132), (200, 202, 205), (160, 170, 180))
    wall = np.clip((np.array(bases[int(rng.integers(len(bases)))]) + tint) * level, 0, 255)
    draw.rectangle(box, fill=tuple(int(c) for c in wall))
    floors = int(np.clip((foot - top) / 9, 3, 9))
    columns = int(np.clip((right - left) / 11, 3, 14))
    for row in range(floors - 1):
        for column in range(columns):
            x0 = left + (column + 0.22) * (right - left) / columns
            y0 = top + (row + 0.25) * (foot - top) / floors
            on = night and rng.random() < 0.3
            pane = (250, 214, 140) if on else tuple(int(c * level) for c in (88, 98, 108))
            draw.rectangle(
                [x0, y0, x0 + 0.56 * (right - left) / columns, y0 + 0.5 * (foot - top) / floors], fill=pane
            )
    shop = foot - (foot - top) / floors
    colours = ((170, 40, 36), (38, 84, 150), (40, 120, 70), (205, 150, 40), (225, 225, 220))
    at = left
    while at < right:
        end = min(right, at + float(rng.uniform(0.2, 0.4)) * (right - left))
        sign = np.array(colours[int(rng.integers(len(colours)))]) * (1.0 if night else min(1.0, level + 0.1))
        draw.rectangle(
            [at, shop, max(at, end - 1), shop + (foot - shop) * 0.34], fill=tuple(int(c) for c in sign)
        )
        draw.rectangle(
            [at, shop + (foot - shop) * 0.34, max(at, end - 1), foot],
            fill=tuple(int(c * level) for c in (92, 96, 98)),
        )
        at = end


def _tree(image: Image.Image, box: tuple[float, float, float, float], level: float, style: int) -> None:
    """Puts a street tree in: one of a few drawn once, at its size and in this light."""
    left, top, right, foot = box
    size = max(2, round(right - left)), max(2, round(foot - top))
    if size[0] > 2 * image.width:
        return
    colour, alpha = tree_sprite(style)
    shown = colour.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0).point(lambda c: int(c * level))
    image.paste(
        shown, (round(left), round(top)), alpha.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    )


@lru_cache(maxsize=4)
def tree_sprite(style: int) -> tuple[Image.Image, Image.Image]:
    """A tree in full daylight and its outline: a trunk and a thousand clumps of leaves, darker below."""
    rng = np.random.default_rng((style, 73))
    colour, alpha = Image.new("RGB", (360, 420), (60, 80, 44)), Image.new("L", (360, 420), 0)
    draws = ImageDraw.Draw(colour), ImageDraw.Draw(alpha)
    draws[0].rectangle([172, 210, 188, 419], fill=(78, 66, 54))
    draws[1].rectangle([172, 210, 188, 419], fill=255)
    crowns = [(180 + rng.normal(0, 62), 150 + rng.normal(0, 52), rng.uniform(42, 82)) for _ in range(9)]
    for number in range(1_500):
        cx, cy, reach = crowns[number % 9]
        turn, out = rng.uniform(0, 2 * np.pi), np.sqrt(rng.uniform(0, 1))
        x, y = cx + reach * out * np.cos(turn), cy + 0.8 * reach * out * np.sin(turn)
        radius = rng.uniform(2.5, 6.5)
        light = np.clip(
            1.02 - (y - cy) / reach * 0.42 - (y - 150) / 520 + rng.normal(0, 0.16), 0.28, 1.45
        ) * min(1, 0.5 + number / 1_200)
        fill = (int(70 * light), int(98 * light), int(48 * light))
        blob = [x - radius, y - radius * 0.8, x + radius, y + radius * 0.8]
        draws[0].ellipse(blob, fill=fill)
        draws[1].ellipse(blob, fill=255)
    return colour, alpha
