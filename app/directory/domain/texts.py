"""Texts that people write about themselves and others: plain, bounded, and without characters that nobody sees."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from app.kernel.errors import InvalidInput

_HIDDEN: Final = re.compile(
    r"[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]"
)
"""Characters that turn or hide the text after them: a name could be made to read as another's. The joiners of Persian
and of emojis (U+200C, U+200D) stay; pages tell the direction of each text by its first letter.
"""

_WORD: Final = re.compile(r"[^\W_]{2,}")
_WORD_LENGTH: Final = 30


class UnfitText(InvalidInput):
    """A text is missing or too long."""

    title = "Unfit text"

    def __init__(self, pointer: str, least: int, most: int) -> None:
        super().__init__(f"expected {least} to {most} characters", pointer=pointer)


def clean_line(raw: str, pointer: str, *, most: int, least: int = 1) -> str:
    """One line of at most ``most`` characters. Raises :class:`UnfitText` naming ``pointer``."""
    return _bounded(" ".join(_visible(raw).split()), pointer, least, most)


def clean_text(raw: str, pointer: str, *, most: int, least: int = 1) -> str:
    """Paragraphs: at most one empty line between two lines, no blanks at their ends. Raises :class:`UnfitText`."""
    # A browser sends CRLF, and counts it as one character.
    lines = (" ".join(line.split()) for line in raw.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    tidy = re.sub(r"\n{3,}", "\n\n", "\n".join(_visible(line) for line in lines)).strip()
    return _bounded(tidy, pointer, least, most)


def words_of(text: str) -> list[str]:
    """The words that a search finds, in their order: small letters without accents, at least two characters."""
    bare = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    return list(dict.fromkeys(word[:_WORD_LENGTH] for word in _WORD.findall(bare.casefold())))


def sort_key(name: str) -> str:
    """What a name is sorted by: its words, or the name itself where it has none (an emoji)."""
    return (" ".join(words_of(name)) or name)[:200]


def _visible(text: str) -> str:
    shown = _HIDDEN.sub("", unicodedata.normalize("NFC", text))
    return "".join(" " if unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} else char for char in shown)


def _bounded(text: str, pointer: str, least: int, most: int) -> str:
    if not least <= len(text) <= most or (least and not any(map(_shows, text))):
        raise UnfitText(pointer, least, most)
    return text


def _shows(char: str) -> bool:
    """Whether something is seen of it by itself: no blank, no joiner, no accent without its letter."""
    return unicodedata.category(char)[0] not in "CMZ"
