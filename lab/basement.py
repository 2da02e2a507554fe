"""A basement car park: tubes under the ceiling, an epoxy floor, pillars."""

import numpy as np
from PIL import Image, ImageDraw

from lab.ground import line
from lab.raster import Array, Camera, smooth
from lab.setting import Setting
from lab.texture import noise, sample


def paint(setting: Setting, camera: Camera, footprints: list[tuple[float, float, float, float]]) -> Array:
    """A basement car park: epoxy floor that mirrors the tubes, ceiling, walls with a painted band."""
    small = Camera(
        camera.eye, camera.target, camera.fov_deg, camera.width // 2, camera.height // 2, camera.roll_deg
    )
    ray = small.rays().reshape(3, -1)
    ray = np.where(np.abs(ray) < 1e-4, 1e-4, ray)
    eye = camera.eye
    walls = [
        (np.where(ray[k] > 0, high, low) - eye[k]) / ray[k]
        for k, (low, high) in enumerate(((-13, 15), (-8, 9), (0, 2.7)))
    ]
    far = np.minimum(np.minimum(walls[0], walls[1]), walls[2])
    x, y, z = (eye[k] + far * ray[k] for k in range(3))
    ceiling, floor = _ceiling(x, y), (walls[2] <= far) & (ray[2] < 0)
    mirror_y = y - ray[1] / ray[2] * 2.7
    row = np.abs(np.mod(mirror_y + 1.6, 3.2) - 1.6)
    glow = (0.10 + 0.9 * np.exp(-row * 2.0)) * (0.008 + 0.40 * (1 - np.clip(-ray[2], 0, 1)) ** 4)
    grit = 1 + 0.06 * sample(noise(1.4, 12), (x + 0.3 * z) * 60, (y + z) * 60)
    band = np.where(z < 1.0, 0.10, 0.42) * grit
    tone = np.where(floor, 0.16 * grit, np.where(walls[2] <= far, ceiling, band))
    lines = (
        line(2.48, np.abs(np.mod(y + 1.30, 2.6) - 1.3) * 2, 2.6, np.full_like(y, 0.05))
        * (np.abs(x) < 2.7)
        * floor
    )
    shade = np.ones_like(x)
    for fx, fy, half_length, half_width in footprints:
        near = np.hypot(
            np.maximum(np.abs(x - fx) - half_length + 0.25, 0),
            np.maximum(np.abs(y - fy) - half_width + 0.25, 0),
        )
        shade = np.where(floor, shade * (1 - 0.85 * np.exp(-((near / 0.45) ** 2))), shade)
    dim = np.exp(-far / 26)
    found = np.empty((3, len(x)), dtype=np.float32)
    for k, (paint_k, floor_k, low_k) in enumerate(((0.62, 0.95, 0.7), (0.60, 1.02, 1.0), (0.55, 0.98, 1.6))):
        base = tone * np.where(floor, floor_k, np.where((z < 1.0) & ~floor, low_k, 1.0))
        base = base + (paint_k - base) * lines
        found[k] = base * shade * dim * 0.75 + np.where(floor, glow * shade, 0)
    return _enlarge(_pillars(found.reshape(3, small.height, small.width), small), camera)


def _ceiling(x: Array, y: Array) -> Array:
    """Light seen on the ceiling: tubes in rows, dull concrete between."""
    row = np.abs(np.mod(y + 1.6, 3.2) - 1.6)
    gap = np.mod(x, 2.4) < 1.5
    tube = smooth(0.10, 0.04, row) * gap
    pipe = smooth(0.10, 0.06, np.abs(np.mod(y + 0.4, 5.0) - 2.5))
    return 0.11 + 2.4 * tube + 0.5 * np.exp(-row * 2.2) * 0.25 + 0.10 * pipe


def _pillars(picture: Array, camera: Camera) -> Array:
    """Concrete pillars with yellow and black guards."""
    image = Image.fromarray((np.clip(picture.transpose(1, 2, 0), 0, 1) ** (1 / 2.2) * 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    spots = [(px, py) for px in (-6.5, 5.2, 10.5) for py in (-4.3, 4.4)]
    for px, py in sorted(spots, key=lambda s: -np.hypot(s[0] - camera.eye[0], s[1] - camera.eye[1])):
        corners = np.array([(px, py, 0), (px, py, 2.7), (px, py, 1.1), (px, py, 0.05)], dtype=np.float32)
        spot, depth = camera.project(corners)
        if depth[0] < 1.2:
            continue
        half = camera.focal * 0.35 / float(depth[0])
        shade = int(120 * np.exp(-float(depth[0]) / 30))
        left, right = float(spot[0, 0]) - half, float(spot[0, 0]) + half
        draw.rectangle(
            [left, float(spot[1, 1]), right, float(spot[0, 1])], fill=(shade + 30, shade + 30, shade + 28)
        )
        draw.rectangle([left, float(spot[2, 1]), right, float(spot[3, 1])], fill=(shade + 70, shade + 48, 10))
        step = max(3.0, (float(spot[3, 1]) - float(spot[2, 1])) / 5)
        for i in range(0, 5, 2):
            top = float(spot[2, 1]) + i * step
            draw.polygon(
                [(left, top + step), (right, top), (right, top + step), (left, top + 2 * step)],
                fill=(22, 22, 22),
            )
    return (np.asarray(image, dtype=np.float32).transpose(2, 0, 1) / 255) ** 2.2


def _enlarge(picture: Array, camera: Camera) -> Array:
    """A small linear picture at the camera's size."""
    planes = [
        np.asarray(
            Image.fromarray(plane.astype(np.float32)).resize(
                (camera.width, camera.height), Image.Resampling.BILINEAR
            )
        )
        for plane in picture
    ]
    enlarged: Array = np.clip(np.stack(planes), 0, None)
    return enlarged
