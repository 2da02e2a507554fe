"""A corpus of hostile and broken images made in code: nothing dangerous is kept in the repository."""

import io
import struct
import zlib
from collections.abc import Iterator
from random import Random

from PIL import Image

from tests import pictures


def chunk(kind: bytes, body: bytes) -> bytes:
    """A PNG chunk."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(
    width: int, height: int, *chunks: bytes, bits: int = 8, colour: int = 2, data: bytes = b"\0" * 64
) -> bytes:
    """A PNG with a header, any chunks, and little data."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    body = b"".join(chunks) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body


def segment(marker: int, body: bytes) -> bytes:
    """A JPEG segment."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def with_app1(exif: bytes) -> bytes:
    """A good JPEG with these bytes as its EXIF."""
    good = pictures.jpeg(200, 150)
    return good[:2] + segment(0xE1, b"Exif\0\0" + exif) + good[2:]


def tiff(*entries: tuple[int, int, int, int], order: str = "<", following: int = 0) -> bytes:
    """An EXIF directory of raw entries (tag, type, count, value)."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    body = struct.pack(order + "H", len(entries)) + b"".join(struct.pack(order + "HHII", *e) for e in entries)
    return mark + struct.pack(order + "I", 8) + body + struct.pack(order + "I", following) + b"\0" * 64


def bombs() -> Iterator[tuple[str, bytes]]:
    """Small files that want to become large."""
    one_bit = io.BytesIO()
    Image.new("1", (13_000, 13_000)).save(one_bit, "PNG", optimize=True)
    yield "169 MP in 20 kB", one_bit.getvalue()
    for edge in (8_000, 20_000, 65_535, 2**31 - 1):
        yield f"png {edge} square", png(edge, edge)
    for width, height in ((65_500, 1), (1, 65_500), (1, 1), (0, 0), (50_000_000, 1)):
        yield f"png {width}x{height}", png(width, height)
    good = pictures.jpeg(100, 100)
    frame = good.find(b"\xff\xc0") + 5
    for height, width in ((65_500, 65_500), (0, 100), (100, 0), (1, 65_535), (7_000, 7_000)):
        yield (
            f"jpeg frame {width}x{height}",
            good[:frame] + struct.pack(">HH", height, width) + good[frame + 4 :],
        )
    for size in (2_000_000, 50_000_000):
        text = zlib.compress(b"a" * size)
        yield f"zTXt {size}", png(100, 100, chunk(b"zTXt", b"c\0\0" + text))
        yield f"iTXt {size}", png(100, 100, chunk(b"iTXt", b"c\0\1\0\0\0" + text))
        yield f"iCCP {size}", png(100, 100, chunk(b"iCCP", b"p\0\0" + text))
    yield "50 MB of pixels", png(7_000, 7_000, data=b"\0" * (7_000 * 3 + 1) * 7_000)
    yield "animation", png(100, 100, chunk(b"acTL", struct.pack(">II", 10_000, 0)))
    yield "5000 chunks", png(100, 100, *[chunk(b"tEXt", b"k\0v")] * 5_000)
    icc = (
        good[:2]
        + b"".join(
            segment(0xE2, b"ICC_PROFILE\0" + bytes([n + 1, 200]) + b"\xff" * 60_000) for n in range(200)
        )
        + good[2:]
    )
    yield "12 MB profile", icc
    frames = [pictures.pixels(64, 64, n) for n in range(30)]
    yield "webp animation", pictures.encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:])
    yield "webp canvas", b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\x10\0\0\0" + b"\xff\xff\xff" * 2 + b"VP8L\0\0\0\0"


def slow_scans() -> Iterator[tuple[str, bytes]]:
    """Progressive JPEGs whose last scan comes again and again: each scan walks the whole picture."""
    good = pictures.encoded(pictures.pixels(3000, 2000), progressive=True, quality=60)
    starts = [at for at in range(len(good) - 1) if good[at : at + 2] == b"\xff\xda"]
    last = good[starts[-1] : -2]
    for times in (50, 500):
        yield f"{times} scans", good[:-2] + last * times + b"\xff\xd9"


def broken_exif() -> Iterator[tuple[str, bytes]]:
    """Camera fields that lie."""
    yield "directory loop", with_app1(tiff((0x8769, 4, 1, 8), following=8))
    yield "exif loop", with_app1(tiff((0x8769, 4, 1, 8)))
    yield "gps loop", with_app1(tiff((0x8825, 4, 1, 8)))
    yield "offset outside", with_app1(tiff((0x8769, 4, 1, 0xFFFFFFF0)))
    yield "huge count", with_app1(tiff((0x9003, 2, 0xFFFFFFFF, 10)))
    yield "maker note 64 kB", with_app1(tiff((0x927C, 7, 60_000, 30)) + b"\xa5" * 60_000)
    for n in (0, 9, 65_535):
        yield f"orientation {n}", with_app1(tiff((0x0112, 3, 1, n)))
    yield "wrong byte order", with_app1(b"MM*\0" + tiff((0x0112, 3, 1, 6))[4:])
    yield "empty exif", with_app1(b"")
    yield "2000 entries", with_app1(tiff(*[(0x9003 + n % 9, 2, 19, 26) for n in range(2_000)]))
    for kind in (0, 13, 255):
        yield f"type {kind}", with_app1(tiff((0x010F, kind, 4, 4)))


def damaged(seed: int, each: int) -> Iterator[tuple[str, bytes]]:
    """Good pictures cut off, scratched and shuffled."""
    random = Random(seed)
    photo = pictures.pixels(400, 300, seed)
    files = {
        "jpeg": pictures.encoded(photo, quality=80),
        "progressive": pictures.encoded(photo, progressive=True),
        "cmyk": pictures.encoded(photo.convert("CMYK")),
        "png": pictures.encoded(photo, "PNG"),
        "palette": pictures.encoded(photo.convert("P"), "PNG", transparency=0),
        "grey16": pictures.encoded(Image.new("I;16", (200, 150), 40_000), "PNG"),
        "webp": pictures.encoded(photo, "WEBP"),
        "lossless": pictures.encoded(photo, "WEBP", lossless=True),
    }
    for kind, good in files.items():
        for n in range(each):
            cut = random.randrange(100, len(good))
            yield f"{kind} cut {n}", good[:cut]
            bad = bytearray(good)
            for _ in range(random.choice((1, 5, 50))):
                bad[random.randrange(12, len(bad))] = random.randrange(256)
            yield f"{kind} scratched {n}", bytes(bad)
        yield f"{kind} twice", good + good
        yield f"{kind} no end", good[:-2]


def disguises() -> Iterator[tuple[str, bytes]]:
    """One file that is two things, and things that are no photo at all."""
    good = pictures.jpeg(100, 100)
    html = b"<html><script>alert(document.domain)</script></html>"
    yield "jpeg with html after it", good + html
    yield "jpeg with html in a comment", good[:2] + segment(0xFE, html) + good[2:]
    yield "jpeg with php", good + b"<?php system($_GET['c']); ?>"
    yield "jpeg with zip", good + b"PK\x03\x04" + b"\0" * 200 + b"PK\x05\x06" + b"\0" * 18
    yield "png with html", pictures.encoded(pictures.pixels(60, 60), "PNG") + html
    yield (
        "eicar in a comment",
        good[:2]
        + segment(0xFE, b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*")
        + good[2:],
    )
    for name, start in {
        "gif": b"GIF89a", "pdf": b"%PDF-1.7\n", "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>", "tiff": b"II*\0", "psd": b"8BPS\0\1",  # noqa: E501
        "fits": b"SIMPLE  =                    T", "ico": b"\0\0\1\0", "wmf": b"\xd7\xcd\xc6\x9a", "eps": b"%!PS-Adobe", "bmp": b"BM",  # noqa: E501
        "exe": b"MZ", "zip": b"PK\x03\x04", "html": html, "nothing": b"", "zeros": b"\0" * 40, "gd": b"\xff\xff\0\x10", "jp2": b"\0\0\0\x0cjP  ",  # noqa: E501
    }.items():  # fmt: skip
        yield name, start + b"\0" * 100


def corpus(each: int = 6) -> list[tuple[str, bytes]]:
    """All of them, at least two hundred; `each` makes more damaged ones."""
    return [*bombs(), *slow_scans(), *broken_exif(), *disguises(), *damaged(1, each), *damaged(2, each)]
