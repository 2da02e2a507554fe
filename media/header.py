"""What a file is, by its content: format and size in pixels, read without decoding a pixel.

Runs in the serving process on hostile bytes, so it only compares, counts and seeks; nothing here allocates by a number
from the file. Decoding happens later in a child process with limits (`media.decoder`).
"""

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from media.errors import NotAPhoto, UnreadablePhoto

MAX_PIXELS = 50_000_000
MIN_EDGE_PX = 32
MAX_RATIO = 20
MAX_SEGMENTS = 4096
MAX_TEXT_BYTES = 1024 * 1024
HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
# Start-of-frame markers of baseline, extended, progressive and lossless JPEG; C4, C8 and CC mean other things.
FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
ALONE = {0x01, *range(0xD0, 0xD9)}  # markers with no length behind them


@dataclass(frozen=True)
class Header:
    """A format we take and its size. `content_type` is ours, whatever the sender called it."""

    content_type: str
    width: int
    height: int


def read(path: Path) -> Header:
    """Reads the header of a file. Raises NotAPhoto (by content) or UnreadablePhoto."""
    with path.open("rb") as file:
        start = file.read(16)
        file.seek(0)
        try:
            header = _by_magic(start)(file)
        except (struct.error, zlib.error, IndexError) as error:
            raise UnreadablePhoto("the header of the photo is broken") from error
    return judge(header)


def _by_magic(start: bytes):  # type: ignore[no-untyped-def]
    if start.startswith(b"\xff\xd8\xff"):
        return _jpeg
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return _png
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return _webp
    if start[4:8] == b"ftyp" and start[8:12] in HEIF_BRANDS:
        return _heif
    raise NotAPhoto("send a JPEG, PNG or WebP photo")


def judge(header: Header) -> Header:
    """Refuses sizes that cost much or show nothing. Raises UnreadablePhoto."""
    width, height = header.width, header.height
    if width * height > MAX_PIXELS:
        raise UnreadablePhoto(
            f"the photo has more than {MAX_PIXELS // 1_000_000} million pixels", width=width, height=height
        )
    if min(width, height) < MIN_EDGE_PX:
        raise UnreadablePhoto(
            f"a photo is at least {MIN_EDGE_PX} pixels wide and high", width=width, height=height
        )
    if max(width, height) > MAX_RATIO * min(width, height):
        raise UnreadablePhoto("the photo is far longer than wide", width=width, height=height)
    return header


def _jpeg(file: BinaryIO) -> Header:
    file.seek(2)
    for _ in range(MAX_SEGMENTS):
        marker = _marker(file)
        if marker in ALONE:
            continue
        (length,) = struct.unpack(">H", file.read(2))
        if length < 2:
            break
        if marker in FRAMES:
            _, height, width = struct.unpack(">BHH", file.read(5))
            return Header("image/jpeg", width, height)
        if marker in (0xD9, 0xDA):
            break
        file.seek(length - 2, 1)
    raise UnreadablePhoto("the JPEG has no frame header")


def _marker(file: BinaryIO) -> int:
    """The next marker byte; fill bytes are skipped. Raises UnreadablePhoto at anything else."""
    byte = file.read(1)
    for _ in range(MAX_SEGMENTS):
        if byte != b"\xff":
            break
        byte = file.read(1)
        if byte not in (b"\xff", b"\x00", b""):
            return byte[0]
    raise UnreadablePhoto("the JPEG is broken before its frame header")


def _png(file: BinaryIO) -> Header:
    file.seek(8)
    length, kind, width, height = struct.unpack(">I4sII", file.read(16))
    if kind != b"IHDR" or length != 13:
        raise UnreadablePhoto("the PNG does not begin with its header")
    header = judge(Header("image/png", width, height))
    file.seek(9, 1)
    text_bytes = 0
    for _ in range(MAX_SEGMENTS):
        length, kind = struct.unpack(">I4s", file.read(8))
        if kind in (b"IDAT", b"IEND"):
            return header
        if kind == b"acTL":
            raise UnreadablePhoto("an animation is no photo")
        if length > MAX_TEXT_BYTES * 4:
            raise UnreadablePhoto("the PNG carries a huge extra chunk")
        if kind in (b"zTXt", b"iTXt", b"iCCP"):
            text_bytes += _inflated(file.read(length))
            if text_bytes > MAX_TEXT_BYTES * 4:
                raise UnreadablePhoto("the PNG carries a compression bomb")
            file.seek(4, 1)
        else:
            file.seek(length + 4, 1)
    raise UnreadablePhoto("the PNG has too many chunks")


def _inflated(chunk: bytes) -> int:
    """How much a compressed text chunk grows to, counted no further than the limit."""
    start = chunk.find(b"\0") + 2
    try:
        return len(zlib.decompressobj().decompress(chunk[start:], MAX_TEXT_BYTES * 4 + 1))
    except zlib.error:
        return len(chunk)  # not compressed after all, or broken: the decoder child will see


def _webp(file: BinaryIO) -> Header:
    file.seek(12)
    kind, _, body = file.read(4), file.read(4), file.read(14)
    if kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        width, height = struct.unpack("<HH", body[6:10])
        return Header("image/webp", width & 0x3FFF, height & 0x3FFF)
    if kind == b"VP8L" and body[0] == 0x2F:
        (bits,) = struct.unpack("<I", body[1:5])
        return Header("image/webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if kind == b"VP8X":
        if body[0] & 0x02:
            raise UnreadablePhoto("an animation is no photo")
        width = int.from_bytes(body[4:7], "little") + 1
        return Header("image/webp", width, int.from_bytes(body[7:10], "little") + 1)
    raise UnreadablePhoto("the WebP header is broken")


def _heif(file: BinaryIO) -> Header:
    """The largest `ispe` box near the start of the file is the picture, smaller ones are its tiles and thumbnail."""
    if not heif_is_readable():
        raise NotAPhoto(
            "this server cannot read HEIC photos: send JPEG (on an iPhone: Settings, Camera, Most Compatible)"
        )
    head = file.read(256 * 1024)
    sizes, at = [(0, 0)], head.find(b"ispe")
    while at >= 0:
        sizes.append(struct.unpack(">II", head[at + 8 : at + 16]))
        at = head.find(b"ispe", at + 4)
    width, height = max(sizes, key=lambda size: size[0] * size[1])
    return Header("image/heic", width, height)


def heif_is_readable() -> bool:
    """Whether the optional decoder for HEIC is installed."""
    from importlib.util import find_spec

    return find_spec("pillow_heif") is not None
