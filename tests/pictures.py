"""Photographs for tests: small, unlike each other, with what a camera writes into them."""

import hashlib
from datetime import datetime
from io import BytesIO

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import IFDRational


def pixels(width: int = 640, height: int = 480, seed: int = 1) -> Image.Image:
    """Coarse coloured noise: compresses like a photo, different for every seed."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 255, (max(2, height // 40), max(2, width // 40), 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def exif(
    *,
    taken: datetime | None = None,
    offset: str | None = None,
    lon: float | None = None,
    lat: float | None = None,
    orientation: int | None = None,
) -> Image.Exif:
    """The EXIF of a phone's camera."""
    tags = Image.Exif()
    tags[0x010F], tags[0x0110] = "TestCam", "One"
    if orientation is not None:
        tags[0x0112] = orientation
    if taken is not None:
        tags.get_ifd(0x8769)[0x9003] = taken.strftime("%Y:%m:%d %H:%M:%S")
    if offset is not None:
        tags.get_ifd(0x8769)[0x9011] = offset
    if lon is not None and lat is not None:
        gps = tags.get_ifd(0x8825)
        gps[1], gps[2] = "N" if lat >= 0 else "S", sixtieths(abs(lat))
        gps[3], gps[4] = "E" if lon >= 0 else "W", sixtieths(abs(lon))
    return tags


def sixtieths(degrees: float) -> tuple[IFDRational, IFDRational, IFDRational]:
    """Degrees as degrees, minutes, seconds."""
    whole = int(degrees)
    minutes = (degrees - whole) * 60
    return (
        IFDRational(whole),
        IFDRational(int(minutes)),
        IFDRational(round((minutes - int(minutes)) * 60 * 1000), 1000),
    )


def encoded(image: Image.Image, kind: str = "JPEG", **how: object) -> bytes:
    """An image as a file's bytes."""
    out = BytesIO()
    image.save(out, kind, **how)
    return out.getvalue()


def jpeg(width: int = 640, height: int = 480, seed: int = 1, **camera: object) -> bytes:
    """A JPEG; `camera` is what `exif` takes."""
    how: dict[str, object] = {"quality": 85}
    if camera:
        how["exif"] = exif(**camera)  # type: ignore[arg-type]
    return encoded(pixels(width, height, seed), **how)


def sha256(data: bytes) -> str:
    """The digest the phone takes at the shutter."""
    return hashlib.sha256(data).hexdigest()
