"""Whether a colour can be read. Pure.

Contrast as WCAG 2.2 defines it (relative luminance, 1.4.3): at least 4.5 to 1 for text of normal size.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from app.kernel.errors import InvalidInput

ENOUGH: Final = 4.5
COLOUR: Final = re.compile(r"#[0-9a-f]{6}", re.ASCII)

GROUNDS: Final = {
    "light": ("#f8f8f5", "#ffffff", "#f1f1ec"),
    "dark": ("#111413", "#181c1a", "#202523"),
}
"""Paper, sheet and sunken of ``static/css/tokens.css``, on which the accent stands as text."""

_ON: Final = {"light": "#ffffff", "dark": "#0d100f"}
_INK: Final = {"light": "#000000", "dark": "#ffffff"}
_WASH: Final = {"light": 0.08, "dark": 0.16}
_STRONG: Final = 0.25


class BadColour(InvalidInput):
    """It is not written as ``#0e5a3e``."""

    def __init__(self, text: str, pointer: str) -> None:
        super().__init__(
            f"{text!r} is not a colour: expected # and six digits 0-9 a-f, like #0e5a3e", pointer=pointer
        )


class TooLittleContrast(InvalidInput):
    """The accent could not be read as text on the ground, or the words on a button of its colour could not.

    ``ratio`` is the least of them.
    """

    title = "Too little contrast"

    def __init__(self, colour: str, ground: str, ratio: float, pointer: str) -> None:
        self.ratio, self.ground = ratio, ground
        super().__init__(
            f"{colour} on {ground} has a contrast of {ratio:.2f} : 1; at least {ENOUGH} : 1 can be read",
            pointer=pointer,
        )


@dataclass(frozen=True, slots=True)
class Accent:
    """An accent with the colours that go with it."""

    colour: str
    strong: str
    """Under the pointer."""
    on: str
    """Words on a button of the accent."""
    wash: str
    """A ground with a breath of it."""


def accent(text: str, mode: str, pointer: str) -> Accent:
    """The accent for ``light`` or ``dark``. Raises :class:`BadColour` and :class:`TooLittleContrast`."""
    colour = text.strip().lower()
    if not COLOUR.fullmatch(colour):
        raise BadColour(text, pointer)
    found = accent_of(colour, mode)
    pairs = [(contrast(colour, ground), ground) for ground in (*GROUNDS[mode], found.wash, found.on)]
    ratio, ground = min(pairs)
    if ratio < ENOUGH:
        # Cut, not rounded: 4.499 must not read as enough.
        raise TooLittleContrast(colour, ground, int(ratio * 100) / 100, pointer)
    return found


def accent_of(colour: str, mode: str) -> Accent:
    """The colours that go with one that was checked."""
    return Accent(
        colour,
        mixed(colour, _INK[mode], _STRONG),
        _ON[mode],
        mixed(GROUNDS[mode][1], colour, _WASH[mode]),
    )


def contrast(one: str, other: str) -> float:
    """From 1 (the same) to 21 (black and white)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def mixed(base: str, into: str, share: float) -> str:
    """``base`` with a ``share`` (0 to 1) of ``into``."""
    pairs = zip(_channels(base), _channels(into), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(channel / 255) for channel in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 - the sRGB curve


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
