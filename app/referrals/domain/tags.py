"""Tags: the ten characters at the end of a referral URL that prove we made the link.

A tag is the first 50 bits of an HMAC over the link, written in Crockford's base32 in lower case. People read
tags off paper, so letters that look like digits are read as those digits; apart from that exactly one
spelling verifies. The keys are held by :class:`app.referrals.links.LinkSigner`; here is only how a link
becomes bytes and bits become text.
"""

from __future__ import annotations

from typing import Final

TAG_CHARS: Final = 10
"""Length of a tag: 50 bits."""

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_READ_AS: Final = {char: char for char in _ALPHABET} | {"i": "1", "l": "1", "o": "0"}
_READ: Final = str.maketrans(_READ_AS | {char.upper(): digit for char, digit in _READ_AS.items()})
_READABLE: Final = frozenset(_READ_AS) | {char.upper() for char in _READ_AS}


def tag_message(program: str, code: str, campaign: str) -> bytes:
    """The bytes that a tag signs: each part after its length, so that no two links make the same bytes.

    ``campaign`` is empty where the link has none. Parts are shorter than 256 bytes.
    """
    parts = [part.encode() for part in (program, code, campaign)]
    return b"".join(bytes((len(part),)) + part for part in parts)


def tag_text(digest: bytes) -> str:
    """The first 50 bits of a digest as a tag."""
    bits = int.from_bytes(digest[:7]) >> 6
    return "".join(_ALPHABET[(bits >> shift) & 31] for shift in range(45, -1, -5))


def canonical_tag(text: str) -> str | None:
    """The tag meant by ``text``: lower case, i and l read as 1, o as 0; ``None`` if it is no tag."""
    if len(text) != TAG_CHARS or not _READABLE.issuperset(text):
        return None
    return text.translate(_READ)
