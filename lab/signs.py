"""Fonts and lettered things: number plates, VIN and type plates, door numbers, the DEMO stamp."""

from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from lab.raster import Array

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
# Where Debian, Ubuntu, Fedora, Arch and macOS keep a font with Chinese glyphs, and its number inside the file.
CHINESE = (
    ("/usr/share/fonts/opentype/noto/NotoSansCJK-{weight}.ttc", 2), ("/usr/share/fonts/noto-cjk/NotoSansCJK-{weight}.ttc", 2),
    ("/usr/share/fonts/google-noto-cjk/NotoSansCJK-{weight}.ttc", 2), ("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc", 0),
    ("/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc", 0), ("/System/Library/Fonts/PingFang.ttc", 2),
)  # fmt: skip
LATIN = ("/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf", "/usr/share/fonts/TTF/DejaVuSans-Bold.ttf")
STAMP_ZH, STAMP_EN = "演示照片 DEMO", "DEMO PHOTO"


@lru_cache(maxsize=2)
def chinese_font_file(weight: str = "Bold") -> tuple[str, int] | None:
    """The first font file with Chinese glyphs on this machine, and the face's number in it."""
    for pattern, number in CHINESE:
        path = Path(pattern.format(weight=weight))
        if path.exists():
            return str(path), number
    return None


@lru_cache(maxsize=64)
def font(size: int, weight: str = "Bold") -> Font:
    """A font of this pixel height: Chinese when there is one, else Latin only."""
    found = chinese_font_file(weight)
    if found:
        return ImageFont.truetype(found[0], size, index=found[1])
    for path in LATIN:
        if Path(path).exists():
            return ImageFont.truetype(path, size)
    return ImageFont.load_default(size)


def words(zh: str, en: str) -> str:
    """The Chinese text when it can be drawn, else the English one: never empty boxes."""
    return zh if chinese_font_file() else en


def drawable(text: str) -> str:
    """The text with what cannot be drawn left out."""
    return text if chinese_font_file() else text.encode("ascii", "ignore").decode()


@lru_cache(maxsize=256)
def plate_picture(plate: str) -> Image.Image:
    """A Chinese number plate: white on blue, or black on green for an electric car. 440 : 140, new ones 480 : 140."""
    electric = len(plate) == 8
    high = 140
    wide = 480 if electric else 440
    image = _green_ground(wide, high) if electric else Image.new("RGB", (wide, high), (18, 62, 158))
    draw = ImageDraw.Draw(image)
    ink = (14, 16, 15) if electric else (246, 248, 250)
    draw.rounded_rectangle([3, 3, wide - 4, high - 4], radius=10, outline=ink, width=3)
    text = drawable(plate) or plate[1:]
    slots = len(plate)
    step = (wide - 52) / (slots + 0.35)
    at = 24.0
    for place, letter in enumerate(plate):
        if letter in text:
            _plate_letter(image, letter, at, step * 0.94, 90, ink)
        at += step
        if place == 1:
            draw.ellipse([at - 1, 64, at + 10, 75], fill=ink)
            at += step * 0.35
    for x in (wide * 0.25, wide * 0.75):
        for y in (12, high - 12):
            draw.ellipse([x - 7, y - 5, x + 7, y + 5], fill=(150, 152, 155), outline=(90, 92, 95))
    return image


def _green_ground(wide: int, high: int) -> Image.Image:
    ramp = np.linspace(0, 1, high)[:, None, None] ** 0.9
    rows = np.array([238, 246, 240]) * (1 - ramp) + np.array([92, 190, 120]) * ramp
    return Image.fromarray(np.broadcast_to(rows, (high, wide, 3)).astype(np.uint8))


def _plate_letter(
    image: Image.Image, letter: str, left: float, wide: float, high: int, ink: tuple[int, int, int]
) -> None:
    """One character stretched to its slot, as plates have them."""
    face = font(120)
    box = face.getbbox(letter)
    glyph = Image.new("L", (max(1, int(box[2] - box[0])), max(1, int(box[3] - box[1]))), 0)
    ImageDraw.Draw(glyph).text((-box[0], -box[1]), letter, font=face, fill=255)
    narrow = letter in "1I"
    size = (max(4, int(wide * (0.42 if narrow else 0.88))), high)
    glyph = glyph.resize(size, Image.Resampling.LANCZOS)
    place = (int(left + (wide - size[0]) / 2), 26)
    image.paste(ink, place, glyph)


def emboss(image: Image.Image, mask: Image.Image, depth: float) -> Image.Image:
    """Raises what the mask shows, lit from above left."""
    soft = np.asarray(mask.filter(ImageFilter.GaussianBlur(1.2)), dtype=np.float32) / 255
    slope = (np.roll(soft, (1, 1), (0, 1)) - np.roll(soft, (-1, -1), (0, 1))) * -depth
    flat = np.asarray(image, dtype=np.float32) + slope[..., None]
    return Image.fromarray(np.clip(flat, 0, 255).astype(np.uint8))


def lay_on(base: Image.Image, sign: Image.Image, corners: Array, light: float = 1.0) -> None:
    """Puts a flat sign into a picture in perspective; corners are top left, top right, bottom right, bottom left."""
    spots = np.asarray(corners, dtype=np.float64)
    x0, y0 = np.floor(spots.min(axis=0)).astype(int) - 1
    x1, y1 = np.ceil(spots.max(axis=0)).astype(int) + 1
    if x1 <= 0 or y1 <= 0 or x0 >= base.width or y0 >= base.height or (x1 - x0) * (y1 - y0) > 6_000_000:
        return
    size = (int(x1 - x0), int(y1 - y0))
    source = [(0, 0), (sign.width, 0), (sign.width, sign.height), (0, sign.height)]
    rows, right = [], []
    for (tx, ty), (sx, sy) in zip((spots - (x0, y0)).tolist(), source, strict=True):
        rows += [[tx, ty, 1, 0, 0, 0, -sx * tx, -sx * ty], [0, 0, 0, tx, ty, 1, -sy * tx, -sy * ty]]
        right += [sx, sy]
    solved = np.linalg.lstsq(np.array(rows), np.array(right), rcond=None)[0]
    shown = sign.convert("RGB")
    shrink = max(1.0, sign.width / max(1.0, float(np.hypot(*(spots[1] - spots[0])))))
    if shrink > 1.6:
        shown = shown.filter(ImageFilter.GaussianBlur(shrink * 0.42))
    if light != 1.0:
        shown = shown.point(lambda level: min(255, int(level * light)))
    warped = shown.transform(size, Image.Transform.PERSPECTIVE, tuple(solved), Image.Resampling.BILINEAR)
    outline = Image.new("L", (size[0] * 2, size[1] * 2), 0)
    ImageDraw.Draw(outline).polygon([(2 * (px - x0), 2 * (py - y0)) for px, py in spots.tolist()], fill=255)
    base.paste(warped, (int(x0), int(y0)), outline.reduce(2))


def stamp(image: Image.Image) -> None:
    """Marks a picture as a demonstration, so that nobody takes it for evidence."""
    size = max(14, image.height // 34)
    text, face = words(STAMP_ZH, STAMP_EN), font(size)
    box = ImageDraw.Draw(image).textbbox((0, 0), text, font=face)
    wide, high = box[2] - box[0] + size, box[3] - box[1] + size * 0.7
    left, top = image.width - wide - size * 0.6, image.height - high - size * 0.6
    label = Image.new("RGB", (int(wide), int(high)), (196, 32, 38))
    ImageDraw.Draw(label).text(
        (size * 0.5 - box[0], size * 0.35 - box[1]), text, font=face, fill=(255, 255, 255)
    )
    image.paste(label, (int(left), int(top)), Image.new("L", label.size, 215))
