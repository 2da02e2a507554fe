"""Copies of a photo to look at: upright, small, without metadata. Runs only inside the decoder's child process."""

import warnings
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image, ImageCms, ImageFile

from media import exif
from media.header import MAX_PIXELS, heif_is_readable
from media.storage import PREVIEW_PX, THUMB_PX

QUALITY = 80
READABLE = ("JPEG", "PNG", "WEBP")
MAX_PROFILE_BYTES = 64 * 1024
TURNS = {
    2: (Image.Transpose.FLIP_LEFT_RIGHT,),
    3: (Image.Transpose.ROTATE_180,),
    4: (Image.Transpose.FLIP_TOP_BOTTOM,),
    5: (Image.Transpose.TRANSPOSE,),
    6: (Image.Transpose.ROTATE_270,),
    7: (Image.Transpose.TRANSVERSE,),
    8: (Image.Transpose.ROTATE_90,),
}


class CannotRead(Exception):
    """The decoder gave up on the file; asking again will not help."""


def make(source: Path, out: Path) -> dict[str, Any]:
    """Writes `preview.jpg` and `thumb.jpg` into `out`; returns size (upright), EXIF, perceptual hash and marks.

    A damaged file is shown as far as it goes, with the mark `truncated`.
    """
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    warnings.simplefilter(
        "ignore", UserWarning
    )  # Pillow tells of every broken EXIF field; here they are simply missing
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    try:
        return _make(source, out, [])
    except MemoryError:
        raise
    except exif.BROKEN:
        ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        return _make(source, out, ["truncated"])
    except (*exif.BROKEN, Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise CannotRead(type(error).__name__) from error


def _make(source: Path, out: Path, marks: list[str]) -> dict[str, Any]:
    with Image.open(source, formats=_formats()) as photo:
        width, height = photo.size
        if width * height > MAX_PIXELS:
            raise CannotRead("too many pixels")
        fields = _fields(photo)
        turned = fields.get("orientation", 1)
        preview = upright(shrink(photo, PREVIEW_PX), turned)
        preview = plain(in_srgb(preview, photo.info.get("icc_profile"), marks))
        thumb = shrink(preview, THUMB_PX)
        preview.save(out / "preview.jpg", "JPEG", quality=QUALITY)
        thumb.save(out / "thumb.jpg", "JPEG", quality=QUALITY)
    if turned >= 5:
        width, height = height, width
    return {"width": width, "height": height, "exif": fields, "phash": perceptual_hash(thumb), "marks": marks}


def _formats() -> tuple[str, ...]:
    if not heif_is_readable():
        return READABLE
    import pillow_heif  # type: ignore[import-not-found]

    pillow_heif.register_heif_opener()
    return (*READABLE, "HEIF")


def _fields(photo: Image.Image) -> dict[str, Any]:
    try:
        return exif.read(photo.getexif())
    except exif.BROKEN:
        return {}


def fit(width: int, height: int, edge_px: int) -> tuple[int, int]:
    """The size with the longer side at `edge_px`, never larger than the original."""
    scale = min(1.0, edge_px / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def shrink(photo: Image.Image, edge_px: int) -> Image.Image:
    """A smaller image in RGB. The JPEG decoder is asked for the aspect-true size: a square one makes it do nothing."""
    size = fit(*photo.size, edge_px)
    photo.draft(None, size)
    small = _resizable(photo)
    if small.size != size:
        small = small.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)
    return _flat(small)


def _resizable(photo: Image.Image) -> Image.Image:
    """A mode that can be averaged: palettes and bits cannot, 16-bit grey would be cut off at white."""
    if photo.mode in ("P", "PA"):
        return photo.convert("RGBA" if "transparency" in photo.info or photo.mode == "PA" else "RGB")
    if photo.mode == "1":
        return photo.convert("L")
    if photo.mode.startswith("I"):
        return photo.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    return photo


def _flat(photo: Image.Image) -> Image.Image:
    """RGB; what is transparent becomes white."""
    if photo.mode in ("RGBA", "LA", "RGBa", "La"):
        coloured = photo.convert("RGBA")
        paper = Image.new("RGB", photo.size, "white")
        paper.paste(coloured, mask=coloured.getchannel("A"))
        return paper
    return photo.convert("RGB")


def upright(photo: Image.Image, orientation: int) -> Image.Image:
    """The image as the photographer saw it. Turned when small: turning the original costs more than shrinking it."""
    for turn in TURNS.get(orientation, ()):
        photo = photo.transpose(turn)
    return photo


def in_srgb(photo: Image.Image, profile: Any, marks: list[str]) -> Image.Image:
    """The colours as a browser without the profile would have to show them; an unreadable profile is marked."""
    if not isinstance(profile, bytes) or not profile:
        return photo
    try:
        if len(profile) > MAX_PROFILE_BYTES:
            raise ValueError("the colour profile is too large")
        given = ImageCms.ImageCmsProfile(BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(given) or given.profile.xcolor_space.strip() != "RGB":
            return photo
        shown = ImageCms.profileToProfile(photo, given, ImageCms.createProfile("sRGB"), outputMode="RGB")
        return shown or photo
    except (ImageCms.PyCMSError, *exif.BROKEN):
        marks.append("profile_ignored")
        return photo


def plain(photo: Image.Image) -> Image.Image:
    """The same pixels with nothing attached: no EXIF position, comment or thumbnail may leave with a copy."""
    photo.info = {}
    photo.getexif().clear()
    return photo


def perceptual_hash(photo: Image.Image) -> int:
    """64 bits that stay almost the same when the picture does; signed, as the database keeps them."""
    import imagehash

    bits = int(str(imagehash.phash(photo)), 16)
    return bits - 2**64 if bits >= 2**63 else bits
