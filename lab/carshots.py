"""Photographs of a damaged car: whole, plate, damage from far to close, the scene with the other car."""

from dataclasses import replace

import numpy as np
from PIL import Image

from lab import backdrop, dents
from lab.carpaint import shade
from lab.carscene import BRIGHT, INNER_OTHERWISE, Car, Placed, bumper, develop, render
from lab.figures import HEIGHT_M, bollard, debris, person, stand, triangle
from lab.raster import Array, Camera, rasterise
from lab.setting import Setting
from lab.story import Story

# The share of the final size at which surfaces are shaded; plates are laid on at full size. Where the car fills
# the picture there is more to shade, and its surface is smooth.
INNER = {"damage_close": 0.36, "damage_mid": 0.40, "plate": 0.36}
CORNERS = {
    "car_front_left": (1, 1), "car_rear_right": (-1, -1), "car_front_right": (1, -1), "car_rear_left": (-1, 1),
}  # fmt: skip
DISTANCES = {"damage_far": 3.4, "damage_mid": 1.9, "damage_close": 0.95, "object": 2.3, "water_line": 2.2}


def view_of(kind: str, story: Story, rng: np.random.Generator, size: tuple[int, int]) -> Camera:
    """Where the surveyor stands for a kind of photograph of the car."""
    body = story.look.body
    length = body.length / 2
    shake = rng.normal(0, 1, 6)
    roll = float(1.1 * shake[5])
    if kind in CORNERS:
        fx, fy = CORNERS[kind]
        eye = (fx * (4.2 + 0.25 * shake[0]), fy * (3.7 + 0.3 * shake[1]), 1.55 + 0.07 * shake[2])
        return Camera(eye, (0.12 * fx, 0.0, 0.62), 53 + float(shake[3]), *size, roll)
    if kind == "plate":
        front = story.zone.startswith("rear") or bool(rng.random() < 0.5)
        z = body.plate_z[1 if front else 0]
        side = 1 if front else -1
        eye = (side * (length + 0.95 + 0.08 * shake[0]), 0.10 * shake[1], 0.95 + 0.06 * shake[2])
        return Camera(eye, (side * length, 0.02 * float(shake[3]), z + 0.03), 50, *size, roll)
    if kind == "people_car":
        eye = (length + 3.6 + 0.2 * shake[0], 2.9 + 0.2 * shake[1], 1.5)
        return Camera(eye, (length - 1.2, 0.75, 0.80), 56, *size, roll)
    if kind in DISTANCES:
        return _towards_damage(kind, story, shake, size, roll)
    eye = (7.6 + 0.6 * float(shake[0]), 5.8 + 0.5 * float(shake[1]), 1.62)
    return Camera(eye, (-1.2, -0.6, 0.55), 58, *size, roll)


def _towards_damage(kind: str, story: Story, shake: Array, size: tuple[int, int], roll: float) -> Camera:
    """Looks at the damaged spot from outside, a little from above."""
    body = story.look.body
    damage = story.look.damages[0] if story.look.damages else dents.make(story.zone, body, 1, severe=0.1)
    away = DISTANCES[kind] * float(1 + 0.05 * shake[0])
    middle, out = np.array(damage.middle), np.array(damage.outward)
    if out[2] > 0.5:
        out = np.array([0.75, 0.30, 0.58])
    sideways = np.cross((0, 0, 1.0), out)
    eye = middle + out * away + sideways * (0.25 * away + 0.05 * shake[1])
    eye[2] = max(0.35, middle[2] + (0.62 if kind == "damage_far" else 0.30) * min(away, 1.6))
    target = middle + np.array([0, 0, 0.02 * float(shake[2])])
    return Camera(
        (float(eye[0]), float(eye[1]), float(eye[2])),
        (float(target[0]), float(target[1]), float(target[2])),
        55,
        *size,
        roll,
    )


def photograph(kind: str, story: Story, rng: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    """A photograph of the insured car, alone, with the other one, or of the place without it."""
    camera = view_of(kind, story, rng, size)
    own = Car(story.look, story.plate)
    if kind == "third_car":
        camera = replace(camera, eye=(-4.2, 3.8, 1.55), target=(0.0, 0.0, 0.6), fov_deg=53)
        return render([Car(story.other, story.other_plate)], story.setting, camera)[0]
    if kind == "dismantled":
        return _dismantled(story, size, rng)
    if kind in ("scene", "traces", "other"):
        return _scene(kind, story, camera, rng)
    image, _ = render([own], story.setting, camera, INNER.get(kind, INNER_OTHERWISE))
    light = BRIGHT[story.setting.light]
    if kind == "people_car":
        half = story.look.body.length / 2
        stand(image, person(False, story.look.seed % 4), camera, (half + 0.15, 1.75), HEIGHT_M, light)
        stand(image, person(True, 1), camera, (half - 0.75, 2.15), HEIGHT_M + 0.03, light)
    if kind == "object" and story.look.damages:
        middle, out = story.look.damages[0].middle, story.look.damages[0].outward
        stand(
            image,
            bollard(),
            camera,
            (middle[0] + 0.55 * out[0] + 0.4, middle[1] + 0.55 * out[1]),
            0.95,
            light,
        )
    return image


def _scene(kind: str, story: Story, camera: Camera, rng: np.random.Generator) -> Image.Image:
    """The whole place: both cars as they stopped, debris and tyre marks, or an empty bay after a theft."""
    setting, cars = story.setting, [Car(story.look, story.plate)]
    crash = story.cause in ("collision", "rear_end", "rollover")
    if story.cause == "theft":
        cars = []
    elif crash or story.cause == "scratch":
        cars.append(Car(story.other, story.other_plate, _other_place(story)))
    if story.cause == "flood":
        setting = replace(setting, water_z=0.30)
    if crash and setting.ground == "street":
        setting = replace(setting, skid=True)
    if kind == "traces":
        camera = replace(camera, eye=(-6.4, 2.0, 1.6), target=(-3.6, 0.3, 0.0), fov_deg=58)
    if kind == "traces":
        cars = cars[:1]
    elif len(cars) > 1:  # both in the picture
        x, y = cars[1].at[0] / 2, cars[1].at[1] / 2
        camera = replace(
            camera, eye=(camera.eye[0] + x, camera.eye[1] + y, camera.eye[2]), target=(x - 0.3, y, 0.5)
        )
    image, owner = render(cars, setting, camera)
    light = BRIGHT[setting.light]
    if crash:
        spot = story.look.damages[0].middle if story.look.damages else (2.3, 0.0, 0.0)
        at = (-3.9, 0.4) if kind == "traces" else (spot[0] * 1.12, spot[1] * 1.15)
        strewn = image.copy()
        debris(strewn, camera, at, 130, rng, light)
        bare = Image.fromarray(((owner == 0) * 255).astype(np.uint8)).resize(
            image.size, Image.Resampling.BILINEAR
        )
        image.paste(strewn, (0, 0), bare)
        if kind == "scene":
            stand(image, triangle(), camera, (-7.5, 0.9), 0.42, light)
    return image


def _other_place(story: Story) -> Placed:
    """Where the other car came to stand."""
    gap = (story.look.body.length + story.other.body.length) / 2 + 0.12
    if story.zone in ("left_doors", "front_left", "rear_left") and story.cause != "rear_end":
        return 0.9, 2.35, 12.0
    return (-gap if story.zone.startswith("rear") else gap), 0.15, 2.0


def _dismantled(story: Story, size: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    """The bumper lying on the workshop floor."""
    camera = Camera((4.5 + 0.1 * float(rng.normal()), 1.3, 1.35), (2.1, 0.0, 0.25), 50, *size)
    small = replace(camera, width=size[0] // 2, height=size[1] // 2)
    frag = rasterise(bumper(story.look.body), small)
    setting = Setting("basement", "basement", story.setting.seed)
    picture = backdrop.paint(setting, small, [(2.15, 0.0, 0.35, 0.9)], frag.pixels)
    picture.reshape(3, -1)[:, frag.pixels] = shade(frag, story.look, setting.lamp, small)
    return develop(picture, setting.lamp.exposure).resize(size, Image.Resampling.BICUBIC)
