"""Text that every SEPA bank accepts (EPC217-08, best practices on the SEPA character set)."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

NAME_LENGTH: Final = 70
"""The longest name in a SEPA credit transfer."""

_BLANKS: Final = re.compile(" +")
_SLASHES: Final = re.compile("/{2,}")
_ALLOWED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/-?:().,'+ ")

_LATIN: Final = dict(
    pair.split("=", 1)
    for pair in (
        "ä=ae ö=oe ü=ue ß=ss Ä=Ae Ö=Oe Ü=Ue ẞ=SS æ=ae Æ=AE œ=oe Œ=OE ø=o Ø=O đ=d Đ=D ð=d Ð=D ł=l Ł=L "
        "þ=th Þ=TH ħ=h Ħ=H \u0131=i ŋ=n Ŋ=N ŧ=t Ŧ=T &=+ _=- @=(at) [=( ]=) {=( }=) <=( >=) \\=/ |=/ "
        "!=. *=. ;=, \"=' `=' \u00b4=' \u2019=' \u2018=' \u201c=' \u201d=' \u201e=' "
        "\u2013=- \u2014=- \u2010=- \u2011=- ~=- €=EUR \u2116=No"
    ).split()
)
_GREEK: Final = dict(
    zip(
        "αβγδεζηθικλμνξοπρσςτυφχψω",
        "a v g d e z i th i k l m n x o p r s s t y f ch ps o".split(),
        strict=True,
    )
)
_CYRILLIC: Final = dict(
    zip(
        "абвгдежзийклмнопрстуфхцчшщъыьэюяіїєґ",
        "a b v g d e zh z i y k l m n o p r s t u f h ts ch sh sht a y y e yu ya i i e g".split(),
        strict=True,
    )
)
_SMALL: Final = {**_GREEK, **_CYRILLIC}
_TABLE: Final = {
    **_LATIN,
    **_SMALL,
    **{script.upper(): latin.capitalize() for script, latin in _SMALL.items()},
}


def _convert(character: str) -> str:
    """One character in the SEPA set: itself, its transliteration, its base letter, or a dot."""
    if character in _ALLOWED:
        return character
    if character in _TABLE:
        return _TABLE[character]
    if character.isspace():
        return " "
    plain = [part for part in unicodedata.normalize("NFKD", character) if not unicodedata.combining(part)]
    if not plain:
        return ""
    return "".join(part if part in _ALLOWED else _TABLE.get(part, ".") for part in plain)


class _Conversions(dict[int, str]):
    """By code point; what is met for the first time is converted and remembered."""

    def __missing__(self, point: int) -> str:
        converted = self[point] = _convert(chr(point))
        return converted


_CONVERSIONS: Final = _Conversions()


def sepa_text(text: str, length: int) -> str:
    """``text`` in the SEPA character set, at most ``length`` characters, without blanks or slashes at its
    ends.
    """
    converted = unicodedata.normalize("NFC", text).translate(_CONVERSIONS)
    single = _SLASHES.sub("/", _BLANKS.sub(" ", converted))
    return single.strip(" /")[:length].strip(" /")


@lru_cache(maxsize=16_384)
def sepa_name(name: str) -> str:
    """A party's name as the bank file carries it: "Jörg & Söhne_" becomes "Joerg + Soehne-".

    Remembered for as many as one file holds: whoever checks a file asks for the same names as whoever wrote it.
    """
    return sepa_text(name, NAME_LENGTH)


def has_sepa_name(name: str) -> bool:
    """Whether anything readable is left of ``name`` in the SEPA character set (at least one letter)."""
    return any(character.isalpha() for character in sepa_name(name))
