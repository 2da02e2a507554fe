"""Puts cars into their surroundings and turns the light into a picture."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lab import backdrop, signs
from lab.carmesh import Body, body_mesh, mirror_mesh, wheel_mesh
from lab.carpaint import Light, Look, shade
from lab.raster import Array, Camera, Fragments, Mesh, merge, rasterise
from lab.setting import Setting

INNER_OTHERWISE = 0.47
BRIGHT = {
    "night": 1.0,
    "basement": 0.82,
    "dusk": 0.75,
    "cloudy": 0.92,
    "sunny": 1.0,
}  # of flat things laid on
Placed = tuple[float, float, float]  # x, y in metres, heading in degrees from the first car's


@dataclass(frozen=True)
class Car:
    """A car standing in a scene."""

    look: Look
    plate: str
    at: Placed = (0.0, 0.0, 0.0)


def render(
    cars: list[Car], setting: Setting, camera: Camera, inner: float = INNER_OTHERWISE
) -> tuple[Image.Image, NDArray[np.uint8]]:
    """A scene at the camera's size, number plates included, and which car each inner pixel shows (0: none)."""
    width, height = round(camera.width * inner), round(camera.height * inner)
    small = replace(camera, width=width, height=height)
    far_first = sorted(cars, key=lambda car: -np.hypot(car.at[0] - camera.eye[0], car.at[1] - camera.eye[1]))
    drawn = [(car, _seen_from(small, car.at)) for car in far_first]
    pieces = [(car, view, _above(_fragments(car.look.body, view), setting.water_z)) for car, view in drawn]
    covered = (
        np.concatenate([frag.pixels for _, _, frag in pieces]) if pieces else np.array([], dtype=np.intp)
    )
    picture = backdrop.paint(setting, small, [_footprint(car) for car in cars], covered)
    flat = picture.reshape(3, -1)
    if setting.water_z > 0:
        _mirror(flat, covered, drawn, setting)
    owner = np.zeros(width * height, dtype=np.uint8)
    for number, (car, view, frag) in enumerate(pieces, 1):
        flat[:, frag.pixels] = shade(frag, car.look, _turned(setting.lamp, car.at[2]), view)
        owner[frag.pixels] = number
    image = develop(picture, setting.lamp.exposure).resize(
        (camera.width, camera.height), Image.Resampling.BICUBIC
    )
    shown = owner.reshape(height, width)
    for number, car in enumerate(far_first, 1):
        _plates(image, car, _seen_from(camera, car.at), setting, shown == number)
    return image, shown


def develop(picture: Array, exposure: float) -> Image.Image:
    """Linear light as screen values: exposed half by the place, half by what is seen; bright parts rolled off."""
    middle = picture[:, picture.shape[1] // 4 :: 6, ::6]
    grey = np.clip(middle.mean(axis=0), 0.01, 1.5)
    seen = max(float(np.exp(np.log(grey).mean())), 0.28 * float(np.quantile(grey, 0.9)))
    gain = float(np.clip((0.17 / seen) ** 0.72, 0.3, 1.7))  # a night must stay a night
    light = np.clip(picture * (1.25 * exposure**0.25 * gain), 0, None)
    light = light * (1 + light / 7) / (1 + light * 0.9)
    shown = np.clip(light * 1.22, 0, 1)
    level = (_GAMMA[(shown * 4095).astype(np.int32)]).transpose(1, 2, 0)
    return Image.fromarray(np.ascontiguousarray(level))


_GAMMA = (np.linspace(0, 1, 4096) ** (1 / 2.2) * 255).astype(np.uint8)


def _fragments(body: Body, camera: Camera) -> Fragments:
    return rasterise(merge([body_mesh(body.name), wheel_mesh(body.name), mirror_mesh(body.name)]), camera)


def _above(frag: Fragments, water_z: float) -> Fragments:
    """What shows above the water."""
    if water_z <= 0:
        return frag
    rows = np.flatnonzero(frag.values[:, 2] > water_z)
    return Fragments(frag.pixels[rows], frag.values[rows])


def _mirror(
    flat: Array, covered: NDArray[np.intp], drawn: list[tuple[Car, Camera]], setting: Setting
) -> None:
    """Adds the cars' dim reflections to the water."""
    dry = np.ones(flat.shape[1], dtype=np.bool_)
    dry[covered] = False
    for car, view in drawn:
        eye, target = view.eye, view.target
        up = 2 * setting.water_z
        mesh = merge([body_mesh(car.look.body.name), wheel_mesh(car.look.body.name)])
        points = mesh.points * np.array([1, 1, -1], dtype=np.float32) + np.array([0, 0, up], dtype=np.float32)
        frag = _above(
            rasterise(replace(mesh, points=points, triangles=mesh.triangles[:, ::-1]), view), setting.water_z
        )
        below = replace(
            view, eye=(eye[0], eye[1], up - eye[2]), target=(target[0], target[1], up - target[2])
        )
        rows = np.flatnonzero(dry[frag.pixels])
        seen = Fragments(frag.pixels[rows], frag.values[rows])
        shown = shade(seen, car.look, _turned(setting.lamp, car.at[2]), below)
        flat[:, seen.pixels] = 0.5 * flat[:, seen.pixels] + 0.40 * shown


def bumper(body: Body) -> Mesh:
    """The front bumper taken off: the lower nose of the body."""
    mesh = body_mesh(body.name)
    corner = mesh.points[mesh.triangles]
    kept = (corner[:, :, 0].min(1) > body.length / 2 - 0.42) & (corner[:, :, 2].max(1) < body.lamp_z - 0.05)
    down = np.array([0, 0, body.clearance], dtype=np.float32)
    return Mesh(mesh.points - down, mesh.values, mesh.triangles[kept], mesh.layer[kept])


def _seen_from(camera: Camera, at: Placed) -> Camera:
    """The camera in the frame of a car that stands elsewhere."""
    x, y, heading = at
    cos, sin = float(np.cos(np.radians(heading))), float(np.sin(np.radians(heading)))

    def into(point: tuple[float, float, float]) -> tuple[float, float, float]:
        dx, dy = point[0] - x, point[1] - y
        return cos * dx + sin * dy, cos * dy - sin * dx, point[2]

    return replace(camera, eye=into(camera.eye), target=into(camera.target))


def _turned(light: Light, heading: float) -> Light:
    """The light in the frame of a car with this heading."""
    cos, sin = float(np.cos(np.radians(heading))), float(np.sin(np.radians(heading)))
    x, y, z = light.sun
    return replace(light, sun=(cos * x + sin * y, cos * y - sin * x, z))


def _footprint(car: Car) -> tuple[float, float, float, float]:
    """The car's shadow box; a car across the street has its sides swapped."""
    across = abs(np.sin(np.radians(car.at[2]))) > 0.7
    half, w = car.look.body.length / 2, car.look.body.width / 2
    return (car.at[0], car.at[1], w, half) if across else (car.at[0], car.at[1], half, w)


def _plates(image: Image.Image, car: Car, camera: Camera, setting: Setting, own: NDArray[np.bool_]) -> None:
    """Lays the number plates on, front and rear, where the camera sees them and no other car hides them."""
    sign = signs.plate_picture(car.plate)
    points = body_mesh(car.look.body.name).points
    wide = 0.24 if len(car.plate) == 8 else 0.22
    bright = BRIGHT[setting.light]
    for front in (True, False):
        z = car.look.body.plate_z[1 if front else 0]
        middle = points[(np.abs(points[:, 2] - z) < 0.09) & (np.abs(points[:, 1]) < 0.26)]
        x = float(middle[:, 0].max()) + 0.018 if front else float(middle[:, 0].min()) - 0.018
        toward = (camera.eye[0] - x) * (1 if front else -1)
        if toward < 0.18 * abs(camera.eye[1]):
            continue
        side = 1 if front else -1  # seen from outside, left and right change places at the back
        corners = np.array(
            [
                (x, -side * wide, z + 0.07),
                (x, side * wide, z + 0.07),
                (x, side * wide, z - 0.07),
                (x, -side * wide, z - 0.07),
            ]
        )
        spots, _ = camera.project(corners.astype(np.float32))
        column, row = (spots.mean(axis=0) * (own.shape[1] / camera.width)).astype(int).tolist()
        if not (0 <= row < own.shape[0] and 0 <= column < own.shape[1] and own[row, column]):
            continue
        signs.lay_on(image, sign, spots, bright)
