"""Uploaded pictures: what is taken, and what of the file is left behind."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from app.kernel.errors import InvalidInput
from app.promo.images import (
    MAX_BYTES,
    BrokenPicture,
    NotAPicture,
    PictureTooLarge,
    PictureTooWide,
    read_picture,
)
from tests.support.examples import examples

SCRIPT = b"<script>alert(1)</script>"
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def picture(form: str, size: tuple[int, int] = (60, 40), mode: str = "RGB", **options: Any) -> bytes:
    out = BytesIO()
    drawn = Image.new(mode, size, "#0a5c3b")
    drawn.paste("#ffffff", (0, 0, size[0] // 2, size[1] // 2))
    drawn.save(out, form, **options)
    return out.getvalue()


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_of(width: int, height: int) -> bytes:
    """A PNG of few bytes that says it unfolds to this size."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(10_000)))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("form", "kept"), [("PNG", "png"), ("JPEG", "jpeg"), ("WEBP", "webp"), ("GIF", "png")]
)
def test_the_four_kinds_are_taken_by_their_content(form: str, kept: str) -> None:
    read = read_picture(picture(form))
    assert read.media_type == f"image/{kept}"
    assert (read.width, read.height) == (60, 40)
    drawn = Image.open(BytesIO(read.body)).convert("RGB")
    assert f"image/{(drawn.format or kept).lower()}" == read.media_type
    red, green, blue = drawn.getpixel((50, 35))  # type: ignore[misc]
    assert abs(red - 0x0A) + abs(green - 0x5C) + abs(blue - 0x3B) < 20


@pytest.mark.parametrize(
    "raw",
    [b"", b"GIF", SVG, SVG.replace(b"?>", b"?>\n<!-- \x89PNG -->"), b"%PDF-1.7", b"BM" + bytes(200), SCRIPT],
)
def test_svg_and_everything_else_is_refused_and_told_what_is_allowed(raw: bytes) -> None:
    with pytest.raises(NotAPicture) as refused:
        read_picture(raw)
    assert "PNG, JPEG, WebP and GIF" in refused.value.detail


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF"])
def test_what_hides_in_or_behind_a_picture_is_not_kept(form: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = "where-we-live"
    options: dict[str, Any] = {} if form == "GIF" else {"exif": exif, "icc_profile": b"profile" + SCRIPT}
    if form in {"GIF", "JPEG"}:
        options["comment"] = SCRIPT
    raw = picture(form, **options) + SCRIPT + b"PK\x03\x04"
    assert (b"where-we-live" in raw) == (form != "GIF")
    read = read_picture(raw)
    for hidden in (b"script", b"where-we-live", b"profile", b"PK\x03\x04"):
        assert hidden not in read.body
    assert not Image.open(BytesIO(read.body)).getexif()


def test_a_moving_picture_stands_still_and_keeps_its_transparency() -> None:
    frames = [Image.new("RGBA", (20, 20), (0, 92, 59, alpha)) for alpha in (0, 255)]
    for form in ("GIF", "WEBP", "PNG"):
        out = BytesIO()
        frames[0].save(out, form, save_all=True, append_images=frames[1:], duration=50)
        drawn = Image.open(BytesIO(read_picture(out.getvalue()).body))
        assert getattr(drawn, "n_frames", 1) == 1
        assert drawn.convert("RGBA").getpixel((5, 5))[3] == 0  # type: ignore[index]


def test_a_photograph_is_turned_the_way_its_camera_was_held() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    read = read_picture(picture("JPEG", exif=exif))
    assert (read.width, read.height) == (40, 60)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16", "CMYK"])
def test_every_way_of_writing_colours_is_read(mode: str) -> None:
    out = BytesIO()
    Image.new(mode, (8, 8)).save(out, "JPEG" if mode == "CMYK" else "PNG")
    assert read_picture(out.getvalue()).width == 8


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_picture_cut_off_in_the_middle_is_refused(form: str) -> None:
    noise = Image.effect_noise((80, 80), 90).convert("RGB")
    out = BytesIO()
    noise.save(out, form)
    with pytest.raises((BrokenPicture, NotAPicture)):
        read_picture(out.getvalue()[: out.tell() // 2])


@pytest.mark.parametrize("size", [(4097, 10), (10, 4097), (4000, 4000), (10_000, 10_000), (60_000, 60_000)])
def test_a_small_file_that_would_unfold_into_a_huge_picture_is_refused_unread(size: tuple[int, int]) -> None:
    raw = png_of(*size)
    assert len(raw) < 300
    with pytest.raises(PictureTooWide):
        read_picture(raw)


def test_ten_megabytes_are_refused_whatever_they_hold() -> None:
    with pytest.raises(PictureTooLarge):
        read_picture(picture("PNG") + bytes(10 * 1024 * 1024))
    assert read_picture(picture("PNG") + bytes(MAX_BYTES - 10_000)).width == 60


def test_a_picture_that_grows_beyond_the_limit_when_drawn_anew_is_refused() -> None:
    noise = Image.effect_noise((300, 300), 90).convert("RGB")
    out = BytesIO()
    noise.save(out, "JPEG", quality=10)
    with pytest.raises(PictureTooLarge):
        read_picture(out.getvalue(), max_bytes=out.tell() + 10)


@settings(max_examples=examples(150), deadline=None)
@given(
    st.sampled_from(["PNG", "JPEG", "WEBP", "GIF"]),
    st.lists(st.tuples(st.integers(0, 500), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_a_damaged_picture_is_drawn_or_refused_and_nothing_else(
    form: str, damages: list[tuple[int, int]]
) -> None:
    raw = bytearray(picture(form))
    for at, byte in damages:
        raw[at % len(raw)] = byte
    try:
        read = read_picture(bytes(raw))
    except InvalidInput:
        return
    assert Image.open(BytesIO(read.body)).size == (read.width, read.height)
