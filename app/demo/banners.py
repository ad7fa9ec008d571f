"""The demo's banners, drawn when the demo is told: twice as large, then made small, so that edges are smooth."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageDraw, ImageFont

from app.promo.images import Picture, read_picture
from config import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

_FONT: Final = ROOT / "static/vendor/inter-5.3.0/inter-latin-wght-normal.woff2"
_TIMES: Final = 2

WIDE: Final = (970, 250)
BOX: Final = (300, 250)
"""Sizes that advertising spaces have: billboard and medium rectangle."""


@dataclass(frozen=True, slots=True)
class Brand:
    """The colours of a merchant: ground, words, what to press, the drawing's two tones, and the drawing."""

    ground: str
    name: str
    ink: str
    soft: str
    button: str
    on_button: str
    shape: str
    light: str
    draw: Callable[[_Sheet, Brand, float, float, float], None]


@dataclass(frozen=True, slots=True)
class Words:
    """What a banner says: in one line, in two, beneath, and on the button."""

    head: str
    lines: tuple[str, str]
    sub: str
    press: str


class _Sheet:
    """A drawing in the units of the finished banner."""

    def __init__(self, size: tuple[int, int], ground: str) -> None:
        self.width, self.height = size
        self._image = Image.new("RGB", (size[0] * _TIMES, size[1] * _TIMES), ground)
        self._pen = ImageDraw.Draw(self._image)

    def box(self, at: tuple[float, float], size: tuple[float, float], fill: str, radius: float = 0) -> None:
        """A rectangle, its corners rounded."""
        corners = (
            *(each * _TIMES for each in at),
            *((a + b) * _TIMES for a, b in zip(at, size, strict=True)),
        )
        self._pen.rounded_rectangle(corners, radius * _TIMES, fill=fill)

    def disc(self, middle: tuple[float, float], radius: float, fill: str) -> None:
        """A filled circle."""
        self._pen.circle((middle[0] * _TIMES, middle[1] * _TIMES), radius * _TIMES, fill=fill)

    def line(self, points: tuple[tuple[float, float], ...], fill: str, width: float) -> None:
        """A line through the points."""
        scaled = [(x * _TIMES, y * _TIMES) for x, y in points]
        self._pen.line(scaled, fill=fill, width=round(width * _TIMES), joint="curve")

    def words(self, at: tuple[float, float], text: str, size: float, weight: int, fill: str) -> float:
        """Words from their upper left corner; how wide they are."""
        font = _font(round(size * _TIMES), weight)
        self._pen.text((at[0] * _TIMES, at[1] * _TIMES), text, font=font, fill=fill, anchor="la")
        return font.getlength(text) / _TIMES

    def button(self, at: tuple[float, float], text: str, size: float, brand: Brand) -> None:
        """Something that looks as if it could be pressed."""
        wide = _font(round(size * _TIMES), 650).getlength(text) / _TIMES
        self.box(at, (wide + size * 1.8, size * 2.3), brand.button, size * 0.45)
        self.words((at[0] + size * 0.9, at[1] + size * 0.56), text, size, 650, brand.on_button)

    def finished(self) -> Picture:
        """The banner, as if staff had uploaded it."""
        out = BytesIO()
        self._image.resize((self.width, self.height), Image.Resampling.LANCZOS).save(
            out, "PNG", compress_level=1
        )
        return read_picture(out.getvalue())


@cache
def _font(size: int, weight: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.truetype(_FONT, size)
    font.set_variation_by_axes([weight])
    return font


def _servers(sheet: _Sheet, brand: Brand, left: float, top: float, wide: float) -> None:
    """A rack in which one machine is busy."""
    high = wide * 0.22
    for row in range(4):
        y = top + row * high * 1.22
        sheet.box((left, y), (wide, high), brand.shape, high * 0.2)
        lit = brand.light if row == 1 else brand.soft
        sheet.disc((left + high * 0.55, y + high / 2), high * 0.14, lit)
        for slot in range(3):
            x = left + wide - high * (0.75 + slot * 0.42)
            sheet.box(
                (x, y + high * 0.3), (high * 0.2, high * 0.4), lit if slot <= row else brand.soft, high * 0.08
            )


def _letter(sheet: _Sheet, brand: Brand, left: float, top: float, wide: float) -> None:
    """A newsletter that looks out of its envelope."""
    high = wide * 0.62
    sheet.box((left + wide * 0.12, top), (wide * 0.76, high), "#ffffff", wide * 0.03)
    sheet.box((left + wide * 0.2, top + high * 0.14), (wide * 0.6, high * 0.2), brand.light, wide * 0.02)
    for row in range(3):
        sheet.box(
            (left + wide * 0.2, top + high * (0.44 + row * 0.13)),
            (wide * (0.6, 0.6, 0.42)[row], high * 0.05),
            brand.shape,
            wide * 0.01,
        )
    body = top + high * 0.55
    sheet.box((left, body), (wide, high * 0.85), brand.button, wide * 0.04)
    flap = (
        (left + wide * 0.03, body + high * 0.06),
        (left + wide / 2, body + high * 0.48),
        (left + wide * 0.97, body + high * 0.06),
    )
    sheet.line(flap, brand.shape, wide * 0.014)


@cache
def wide(brand: Brand, name: str, words: Words) -> Picture:
    """A billboard."""
    sheet = _Sheet(WIDE, brand.ground)
    sheet.words((48, 40), name, 17, 650, brand.name)
    sheet.words((48, 74), words.head, 42, 700, brand.ink)
    sheet.words((48, 130), words.sub, 19, 450, brand.soft)
    sheet.button((48, 176), words.press, 17, brand)
    brand.draw(sheet, brand, 716, 28, 180)
    return sheet.finished()


@cache
def box(brand: Brand, name: str, words: Words) -> Picture:
    """A medium rectangle."""
    sheet = _Sheet(BOX, brand.ground)
    brand.draw(sheet, brand, 184, 26, 92)
    sheet.words((24, 26), name, 13, 650, brand.name)
    sheet.words((24, 122), words.lines[0], 25, 700, brand.ink)
    sheet.words((24, 152), words.lines[1], 25, 700, brand.ink)
    sheet.button((24, 196), words.press, 13, brand)
    return sheet.finished()


KORENHOF: Final = Brand(
    "#3b1c09", "#f2b84b", "#ffffff", "#e9d3c0", "#f2b84b", "#2a1400", "#5f3215", "#f2b84b", _servers
)
STUDIO: Final = Brand(
    "#eef3fa", "#1f4e8c", "#14243d", "#4a5b75", "#1f4e8c", "#ffffff", "#c9dbf2", "#f08a4b", _letter
)
