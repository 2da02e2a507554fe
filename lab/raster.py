"""A very small 3-D renderer: a pinhole camera, and triangles drawn as numbers so that numpy can shade every pixel."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Array = NDArray[Any]  # numbers; single precision wherever a whole picture is meant


@dataclass(frozen=True)
class Camera:
    """A pinhole camera. Metres: x forward along the car, y to its left, z up. `fov_deg` is across the width."""

    eye: tuple[float, float, float]
    target: tuple[float, float, float]
    fov_deg: float
    width: int
    height: int
    roll_deg: float = 0.0

    @cached_property
    def axes(self) -> Array:
        """Rows: right, up, forward."""
        eye, target = np.array(self.eye), np.array(self.target)
        forward = (target - eye) / np.linalg.norm(target - eye)
        right = np.cross(forward, (0.0, 0.0, 1.0))
        right /= np.linalg.norm(right)
        up = np.cross(right, forward)
        turn = np.radians(self.roll_deg)
        rolled = np.cos(turn) * right + np.sin(turn) * up
        return np.array([rolled, np.cross(rolled, forward), forward], dtype=np.float32)

    @property
    def focal(self) -> float:
        """Pixels per unit of tangent."""
        return self.width / 2 / float(np.tan(np.radians(self.fov_deg) / 2))

    def project(self, points: Array) -> tuple[Array, Array]:
        """Pixels (x right, y down) and depth in metres of points in space."""
        seen = (np.asarray(points, dtype=np.float32) - np.array(self.eye, dtype=np.float32)) @ self.axes.T
        depth = np.maximum(seen[..., 2], 0.05)
        x = self.width / 2 + self.focal * seen[..., 0] / depth
        y = self.height / 2 - self.focal * seen[..., 1] / depth
        return np.stack([x, y], axis=-1), depth

    def rays(self) -> Array:
        """The direction of the ray through every pixel, 3 × height × width, unit length."""
        x = (np.arange(self.width, dtype=np.float32) + 0.5 - self.width / 2) / np.float32(self.focal)
        y = -(np.arange(self.height, dtype=np.float32) + 0.5 - self.height / 2) / np.float32(self.focal)
        right, up, forward = self.axes
        size = 1 / np.sqrt(1 + x[None, :] ** 2 + y[:, None] ** 2)
        ray = np.empty((3, self.height, self.width), dtype=np.float32)
        for k in range(3):
            ray[k] = (x[None, :] * right[k] + (y * up[k] + forward[k])[:, None]) * size
        return ray


@dataclass(frozen=True)
class Mesh:
    """Triangles over vertices; `values` are per-vertex numbers to interpolate (position and normal come first)."""

    points: Array  # n × 3
    values: Array  # n × k
    triangles: NDArray[np.int32]  # m × 3, anticlockwise seen from outside
    layer: NDArray[np.int8]  # of each triangle; a higher layer is drawn over a lower one


@dataclass(frozen=True)
class Fragments:
    """What a mesh covers in an image: flat pixel numbers, and the interpolated values there."""

    pixels: NDArray[np.intp]
    values: Array  # p × k


def merge(meshes: list[Mesh]) -> Mesh:
    """Several meshes as one."""
    offset = np.cumsum([0] + [len(mesh.points) for mesh in meshes[:-1]])
    return Mesh(
        np.concatenate([mesh.points for mesh in meshes]),
        np.concatenate([mesh.values for mesh in meshes]),
        np.concatenate([mesh.triangles + int(o) for mesh, o in zip(meshes, offset, strict=True)]),
        np.concatenate([mesh.layer for mesh in meshes]),
    )


def rasterise(mesh: Mesh, camera: Camera) -> Fragments:
    """Draws the triangles that face the camera, far ones first, and interpolates their values in perspective."""
    spots, depth = camera.project(mesh.points)
    corner, deep = spots[mesh.triangles], depth[mesh.triangles]
    a, b, c = corner[:, 0], corner[:, 1], corner[:, 2]
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    on_screen = (
        (corner[:, :, 0].max(1) > 0) & (corner[:, :, 0].min(1) < camera.width)
        & (corner[:, :, 1].max(1) > 0) & (corner[:, :, 1].min(1) < camera.height)
    )  # fmt: skip
    facing = np.flatnonzero((area < -1e-3) & (deep.min(1) > 0.06) & on_screen)
    order = facing[np.lexsort((-deep[facing].mean(1), mesh.layer[facing]))]
    image = Image.new("I", (camera.width, camera.height), 0)
    draw = ImageDraw.Draw(image)
    for number, points in enumerate(corner[order].reshape(-1, 6).tolist(), 1):
        draw.polygon(points, fill=number)
    ids = np.asarray(image).ravel()
    pixels = np.flatnonzero(ids)
    face = ids[pixels] - 1
    planes = _planes(corner[order], 1 / deep[order], mesh.values[mesh.triangles[order]])
    x = (pixels % camera.width + 0.5).astype(np.float32)
    y = (pixels // camera.width + 0.5).astype(np.float32)
    over = planes[face, :, 0] * x[:, None] + planes[face, :, 1] * y[:, None] + planes[face, :, 2]
    # A pixel on the rim of a triangle may lie just outside it, where the plane runs away: keep to what the mesh has.
    values = over[:, :-1] / np.maximum(over[:, -1:], 1e-5)
    np.clip(values, mesh.values.min(axis=0), mesh.values.max(axis=0), out=values)
    return Fragments(pixels, values)


def _planes(corner: Array, inverse: Array, values: Array) -> Array:
    """For each triangle and value, the plane (a, b, c) with value ÷ depth = a·x + b·y + c; last: 1 ÷ depth."""
    top = np.concatenate([values * inverse[..., None], inverse[..., None]], axis=2)  # m × 3 × (k+1)
    origin = corner[:, 0]
    u, v = corner[:, 1] - origin, corner[:, 2] - origin
    det = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
    du, dv = top[:, 1] - top[:, 0], top[:, 2] - top[:, 0]
    slope_x = (du * v[:, 1:2] - dv * u[:, 1:2]) / det[:, None]
    slope_y = (dv * u[:, 0:1] - du * v[:, 0:1]) / det[:, None]
    base = top[:, 0] - slope_x * origin[:, :1] - slope_y * origin[:, 1:]
    return np.stack([slope_x, slope_y, base], axis=-1).astype(np.float32)


def normals_of(points: Array, triangles: NDArray[np.int32]) -> Array:
    """Smooth unit normals at the vertices."""
    a, b, c = points[triangles[:, 0]], points[triangles[:, 1]], points[triangles[:, 2]]
    face = np.cross(b - a, c - a)
    total = np.zeros_like(points)
    for k in range(3):
        np.add.at(total, triangles[:, k], face)
    normals: Array = total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-9)
    return normals


def smooth(edge0: float | Array, edge1: float | Array, x: Array) -> Array:
    """0 below edge0, 1 above edge1, gently in between (edge0 may be the larger)."""
    t = np.clip((x - edge0) / (edge1 - edge0), 0, 1)
    return t * t * (3 - 2 * t)
