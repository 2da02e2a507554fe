"""What a file is, by its content, without decoding it."""

import struct
import zlib
from io import BytesIO

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image, features

from core.errors import ChakanError
from media import header
from media.errors import NotAPhoto, UnreadablePhoto
from tests import pictures


def read(tmp_path, data: bytes):
    path = tmp_path / "file"
    path.write_bytes(data)
    return header.read(path)


def png(width, height, *chunks: tuple[bytes, bytes], bits=1, colour=0) -> bytes:
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
        + b"".join(chunk(kind, body) for kind, body in chunks)
        + chunk(b"IDAT", zlib.compress(b"\0" * 10))
        + chunk(b"IEND", b"")
    )


@given(st.integers(32, 900), st.integers(32, 900), st.sampled_from(["JPEG", "PNG", "WEBP"]), st.booleans())
@settings(max_examples=60, deadline=None)
def test_the_size_is_what_the_decoder_finds(tmp_path_factory, width, height, kind, other):
    if max(width, height) > 20 * min(width, height):
        return
    how = {
        "JPEG": {"progressive": other},
        "PNG": {"optimize": other},
        "WEBP": {"lossless": other, "method": 0},
    }[kind]
    data = pictures.encoded(pictures.pixels(width, height), kind, **how)
    path = tmp_path_factory.mktemp("header") / "file"
    path.write_bytes(data)
    found = header.read(path)
    with Image.open(BytesIO(data)) as photo:
        assert (found.width, found.height) == photo.size == (width, height)
        assert found.content_type == Image.MIME[photo.format]


@pytest.mark.parametrize(
    "start",
    [b"", b"GIF89a" + b"\0" * 50, b"%PDF-1.7\n" + b"x" * 100, b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"II*\0" + b"\0" * 60,
     b"8BPS\0\1" + b"\0" * 60, b"SIMPLE  =                    T", b"\0\0\1\0\1\0" + b"\0" * 60, b"\xd7\xcd\xc6\x9a" + b"\0" * 60,
     b"%!PS-Adobe-3.0 EPSF-3.0", b"BM" + b"\0" * 60, b"<?php echo 1;", b"PK\x03\x04" + b"\0" * 60, b"MZ" + b"\0" * 60,
     b"\0\0\0\x20ftypavif" + b"\0" * 60, b"RIFF\0\0\0\0WAVE" + b"\0" * 60, b"\xff\xd8", b"\x89PNG\r\n"],
)  # fmt: skip
def test_what_is_no_photo_is_refused_by_content(tmp_path, start):
    with pytest.raises(NotAPhoto):
        read(tmp_path, start)


@pytest.mark.parametrize(
    "data",
    [
        png(13_000, 13_000), png(65_500, 1), png(1, 1), png(31, 500), png(0, 0), png(2**31 - 1, 2**31 - 1),
        png(100, 100, (b"acTL", struct.pack(">II", 10_000, 0))),
        png(100, 100, (b"zTXt", b"Comment\0\0" + zlib.compress(b"a" * 50_000_000))),
        png(100, 100, *[(b"zTXt", b"C\0\0" + zlib.compress(b"a" * 900_000))] * 8),
        png(100, 100, *[(b"tEXt", b"k\0v")] * 5000),
        png(100, 100, (b"tEXt", b"k\0" + b"v" * 6_000_000)),
    ],
    ids=["169 MP 1 bit", "65500x1", "1x1", "too narrow", "empty", "absurd", "animation", "bomb", "bombs", "many chunks", "huge chunk"],  # noqa: E501
)  # fmt: skip
def test_a_png_that_costs_much_or_shows_nothing_is_refused(tmp_path, data):
    with pytest.raises(UnreadablePhoto):
        read(tmp_path, data)


def test_the_famous_small_file_with_the_large_picture_is_refused(tmp_path):
    out = BytesIO()
    Image.new("1", (13_000, 13_000)).save(out, "PNG", optimize=True)
    assert len(out.getvalue()) < 25_000
    with pytest.raises(UnreadablePhoto, match="50 million pixels"):
        read(tmp_path, out.getvalue())


def test_a_jpeg_that_claims_a_huge_frame_is_refused(tmp_path):
    data = bytearray(pictures.jpeg(100, 100))
    at = data.find(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", 65_500, 65_500)
    with pytest.raises(UnreadablePhoto):
        read(tmp_path, bytes(data))


@pytest.mark.parametrize("cut", [3, 4, 10, 100, 300])
def test_a_jpeg_cut_off_before_its_frame_is_refused(tmp_path, cut):
    with pytest.raises(UnreadablePhoto):
        read(
            tmp_path,
            pictures.jpeg(100, 100)[:cut] if cut < 100 else b"\xff\xd8\xff\xe0" + b"\0\x10" + b"\0" * cut,
        )


def test_fill_bytes_between_segments_are_allowed(tmp_path):
    data = pictures.jpeg(100, 80)
    assert read(tmp_path, data[:2] + b"\xff\xff\xff" + data[2:]).width == 100


def test_an_animated_webp_is_refused(tmp_path):
    frames = [pictures.pixels(100, 100, seed) for seed in (1, 2)]
    data = pictures.encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:])
    with pytest.raises(UnreadablePhoto, match="animation"):
        read(tmp_path, data)


def test_heic_without_its_decoder_is_answered_with_what_to_send(tmp_path, monkeypatch):
    monkeypatch.setattr(header, "heif_is_readable", lambda: False)
    with pytest.raises(NotAPhoto, match="JPEG"):
        read(tmp_path, b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 60)


def test_heic_with_its_decoder_is_measured_by_its_largest_picture(tmp_path, monkeypatch):
    monkeypatch.setattr(header, "heif_is_readable", lambda: True)
    box = lambda w, h: b"\0\0\0\x14ispe\0\0\0\0" + struct.pack(">II", w, h)  # noqa: E731
    found = read(
        tmp_path, b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + box(512, 512) + box(4032, 3024) + box(320, 240)
    )
    assert (found.content_type, found.width, found.height) == ("image/heic", 4032, 3024)


GOOD = [
    pictures.jpeg(60, 50),
    pictures.encoded(pictures.pixels(60, 50), "PNG"),
    pictures.encoded(pictures.pixels(60, 50), "WEBP"),
]


@given(
    st.sampled_from(GOOD),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=12),
    st.integers(0, 3000),
)
@example(GOOD[0], [], 0)
@settings(max_examples=400, deadline=500)
def test_any_damage_to_a_header_is_measured_or_refused(tmp_path_factory, good, damage, cut):
    data = bytearray(good[: cut or len(good)])
    for at, value in damage:
        if at < len(data):
            data[at] = value
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(bytes(data))
    try:
        found = header.read(path)
    except ChakanError as refused:
        assert refused.kind in ("invalid", "wrong_type")
    else:
        assert found.width * found.height <= header.MAX_PIXELS


@given(st.binary(max_size=500))
@settings(max_examples=300)
def test_any_bytes_at_all_are_measured_or_refused(tmp_path_factory, tail):
    path = tmp_path_factory.getbasetemp() / "random"
    for magic in (b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBP"):
        path.write_bytes(magic + tail)
        try:
            header.read(path)
        except ChakanError as refused:
            assert refused.kind in ("invalid", "wrong_type")


def test_webp_is_supported_by_this_build():
    assert features.check("webp")
