"""Made-up claim photographs that look like a surveyor's, each stamped as a demonstration: 演示照片 DEMO."""

import io
import zlib
from datetime import datetime, timedelta
from functools import lru_cache

import numpy as np
from PIL import Image, ImageChops
from PIL.TiffImagePlugin import IFDRational

from lab import carshots, fields, figures, instruments, machinery, papers, rooms, shops, signs
from lab.carpaint import PAINTS
from lab.story import tell
from lab.texture import grain

SIZE = (1600, 1200)
SIZE_12_MP = (4000, 3000)
DRAWN_WIDE = 1600  # larger pictures are drawn at this width and enlarged, then get their own grain
PAPERS = ("licence_vehicle", "licence_driver", "police_paper", "documents", "books", "vet_paper")
OF_CARS = (
    "scene", "traces", "people_car", "car_front_left", "car_rear_right", "car_front_right", "car_rear_left", "plate", "vin",
    "nameplate", "odometer", "damage_far", "damage_mid", "damage_close", "object", "third_car", "dismantled", "chassis",
    "battery", "water_line", "done", "other",
)  # fmt: skip
OF_PROPERTY = (
    "whole", "door_plate", "damage_far", "damage_mid", "damage_close", "inventory", "nameplate", "people", "water_line",
    "fire_origin", "salvage", "other",
)  # fmt: skip
OF_FIELDS = (
    "plot", "corners", "sample_wide", "sample_close", "compare", "people", "drone", "ear_tag", "carcass", "head", "weighing",
    "disposal_before", "disposal_after", "other",
)  # fmt: skip
KINDS = tuple(dict.fromkeys((*OF_CARS, *OF_PROPERTY, *OF_FIELDS, *PAPERS)))
ORIENTATION, MAKE, MODEL, SOFTWARE, TAKEN, EXIF_IFD, GPS_IFD = (
    0x0112,
    0x010F,
    0x0110,
    0x0131,
    0x0132,
    0x8769,
    0x8825,
)
TURNS = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}


def picture(
    kind: str, seed: int, *, plate: str = "", vin: str = "", taken_at: datetime | None = None, lon: float | None = None,
    lat: float | None = None, size: tuple[int, int] = SIZE, cause: str = "collision", line: str = "motor",
    orientation: int = 1, utc_offset: timedelta = timedelta(hours=8), quality: int = 82,
) -> bytes:  # fmt: skip
    """A JPEG of one required view (`KINDS`), always the same for the same arguments.

    All pictures of one plate show the same car with the same damage in the same place. `taken_at` decides day or
    night and goes into the EXIF as local time; `lon` and `lat` go into it as GPS. `orientation` is the EXIF value
    a phone would have written (1, 3, 6 or 8): the pixels are turned so that a viewer shows them upright."""
    if kind not in KINDS:
        raise ValueError(f"no picture of kind {kind!r}; there are {', '.join(KINDS)}")
    rng = np.random.default_rng((seed, zlib.crc32(kind.encode()), 89))
    local = taken_at + utc_offset if taken_at else None
    drawn = (DRAWN_WIDE, round(DRAWN_WIDE * size[1] / size[0])) if size[0] > DRAWN_WIDE else size
    image = _draw(kind, seed, plate, vin, local.hour if local else None, cause, line, rng, drawn)
    if image.size != size:
        image = image.resize(size, Image.Resampling.BICUBIC)
    image = _sensor(image, rng)
    signs.stamp(image)
    if orientation in TURNS:
        image = image.transpose(TURNS[orientation])
    out = io.BytesIO()
    exif = _exif(taken_at, utc_offset, lon, lat, orientation)
    image.save(out, "JPEG", quality=quality, exif=exif)
    return out.getvalue()


def taken(jpeg: bytes, at: datetime, lon: float, lat: float) -> bytes:
    """The same pixels as a camera would have kept them at another moment (UTC; written in Shanghai's time) and place."""
    exif = _exif(at, timedelta(hours=8), lon, lat, 1).tobytes()
    start, kept = 2, []
    while jpeg[start] == 0xFF and 0xE0 <= jpeg[start + 1] <= 0xEF:
        end = start + 2 + int.from_bytes(jpeg[start + 2 : start + 4])
        if jpeg[start + 4 : start + 8] != b"Exif":
            kept.append(jpeg[start:end])
        start = end
    marks = b"\xff\xe1" + (len(exif) + 2).to_bytes(2) + exif
    return jpeg[:2] + b"".join([*kept, marks]) + jpeg[start:]


def _draw(
    kind: str, seed: int, plate: str, vin: str, hour: int | None, cause: str, line: str, rng: np.random.Generator,
    size: tuple[int, int],
) -> Image.Image:  # fmt: skip
    """The scene of a kind, before the camera's own touches."""
    if kind in PAPERS or kind == "inventory":
        return papers.desk(kind, seed, plate, vin, size)
    if line == "agri" or (kind in OF_FIELDS and kind not in OF_CARS and kind not in OF_PROPERTY):
        shot = "plot" if kind in ("people", "other") else kind
        return _with_people(fields.photograph(seed, cause, shot, rng, size), kind, rng)
    if kind == "nameplate":
        return instruments.type_plate(seed, vin, size)
    if line == "property" or (kind in OF_PROPERTY and kind not in OF_CARS):
        return _with_people(_property(kind, seed, cause, rng, size), kind, rng)
    story = tell(plate, vin, seed, cause, hour)
    if kind == "vin":
        paint = np.clip(np.array(PAINTS[story.look.paint][0]), 0.02, 0.55) ** (1 / 2.2) * 235
        return instruments.vin_stamp(seed, vin, (int(paint[0]), int(paint[1]), int(paint[2])), size)
    flat = {"odometer": instruments.odometer, "chassis": machinery.underside, "battery": machinery.battery}
    if kind in flat:
        return flat[kind](story.look.seed + seed, size)
    image = carshots.photograph("car_rear_left" if kind == "done" else kind, story, rng, size)
    if kind == "water_line":
        figures.ruler(image, rng)
    return image


def _property(
    kind: str, seed: int, cause: str, rng: np.random.Generator, size: tuple[int, int]
) -> Image.Image:
    """A shop front from outside, or a room inside."""
    outside = kind in ("whole", "door_plate", "people") or cause in ("storm", "typhoon", "explosion")
    if outside and kind not in ("water_line", "fire_origin", "salvage"):
        return shops.storefront(seed, cause, kind, rng, size)
    return rooms.photograph(rooms.Room.of(seed, cause), kind, rng, size)


def _with_people(image: Image.Image, kind: str, rng: np.random.Generator) -> Image.Image:
    """The insured and the surveyor in front of the thing, when the view asks for people."""
    if kind == "people":
        for number, share in enumerate((0.38, 0.60)):
            figure = figures.person(number == 1, int(rng.integers(4)) if number == 0 else 1)
            tall = round(image.height * 0.74)
            small = figure.resize(
                (round(tall * figure.width / figure.height), tall), Image.Resampling.BILINEAR
            )
            image.paste(
                small,
                (round(image.width * share - small.width / 2), round(image.height * 0.97 - tall)),
                small,
            )
    return image


def _sensor(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """What a phone adds: slightly darker corners, and noise that shows more in the dark."""
    dark = float(np.asarray(image.resize((16, 12))).mean()) < 70
    tile = _grain(6 if dark else 10)
    down, across = rng.integers(0, tile.width, 2).tolist()
    sheet = Image.new("RGB", image.size)
    for x in range(-across, image.width, tile.width):
        for y in range(-down, image.height, tile.height):
            sheet.paste(tile, (x, y))
    noisy = ImageChops.add(image, sheet, 1, -128)
    noisy.paste((0, 0, 0), (0, 0), _corners(image.size))
    return noisy


@lru_cache(maxsize=2)
def _grain(strength: int) -> Image.Image:
    """The noise as a picture around middle grey; a higher strength number is weaker."""
    level = (grain().astype(np.int16) // strength + 128).astype(np.uint8)
    return Image.fromarray(level).convert("RGB")


@lru_cache(maxsize=4)
def _corners(size: tuple[int, int]) -> Image.Image:
    """How much darker the corners are."""
    y, x = np.mgrid[-1:1:24j, -1:1:32j]
    dark = (np.clip((x**2 + y**2) - 0.7, 0, None) * 34).astype(np.uint8)
    return Image.fromarray(dark).resize(size, Image.Resampling.BILINEAR)


def _exif(
    taken_at: datetime | None, utc_offset: timedelta, lon: float | None, lat: float | None, orientation: int
) -> Image.Exif:
    """What the phone wrote beside the pixels."""
    exif = Image.Exif()
    exif[ORIENTATION], exif[MAKE], exif[MODEL], exif[SOFTWARE] = (
        orientation,
        "DEMO",
        "Demo Phone",
        "Chakan demo",
    )
    if taken_at is not None:
        text = (taken_at + utc_offset).strftime("%Y:%m:%d %H:%M:%S")
        minutes = round(utc_offset.total_seconds() / 60)
        offset = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
        exif[TAKEN] = text
        exif.get_ifd(EXIF_IFD).update({0x9003: text, 0x9004: text, 0x9011: offset, 0x9012: offset})
    if lon is not None and lat is not None:
        gps = {
            0: b"\x02\x03\x00\x00",
            1: "N" if lat >= 0 else "S",
            2: _degrees(lat),
            3: "E" if lon >= 0 else "W",
            4: _degrees(lon),
        }
        if taken_at is not None:
            gps[7] = (IFDRational(taken_at.hour), IFDRational(taken_at.minute), IFDRational(taken_at.second))
            gps[29] = taken_at.strftime("%Y:%m:%d")
        exif.get_ifd(GPS_IFD).update(gps)
    return exif


def _degrees(value: float) -> tuple[IFDRational, IFDRational, IFDRational]:
    """Degrees, minutes and seconds, to a ten-thousandth of a second (3 mm)."""
    seconds = round(abs(value) * 36_000_000)
    return (
        IFDRational(seconds // 36_000_000), IFDRational(seconds // 600_000 % 60), IFDRational(seconds % 600_000, 10_000),
    )  # fmt: skip
