"""Click ids: a click that carries its own record.

The id holds everything attribution needs, signed, so a signup is attributed even when Redis, the database or
the RQ worker lost the click. Characters ``[A-Za-z0-9_-]``, at most 80 (Stripe's ``client_reference_id`` takes
200).

Layout before base64url (without padding):

    6 bytes   time, milliseconds since 1970, big-endian
    9 bytes   random; with the time they are the event id: the id's first 20 characters
    varint    programme
    varint    referrer
    0-15      campaign, packed (see :func:`_pack_campaign`)
    16 bytes  signature over all of the above

Base64 without padding has spare bits in its last character, and readers ignore them: several strings would
name one click. :func:`from_text` therefore writes the bytes back and compares, so that exactly one string is
the id.
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

MAX_CHARS: Final = 80
"""No click id is longer."""

EVENT_CHARS: Final = 20
"""How many of the id's first characters are the event id."""

NONCE_BYTES: Final = 9
SIGNATURE_BYTES: Final = 16

_HEAD: Final = 6 + NONCE_BYTES
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_CAMPAIGN_CHARS: Final = "abcdefghijklmnopqrstuvwxyz0123456789-"
_CAMPAIGN_DIGIT: Final = {char: digit for digit, char in enumerate(_CAMPAIGN_CHARS, 1)}
_BASE: Final = len(_CAMPAIGN_CHARS) + 1
_SEVEN_BITS: Final = 0x7F
_MORE: Final = 0x80
_LAST_INSTANT_MS: Final = 253_402_300_799_999


class NoClickId(ValueError):
    """Text or bytes that are not a click id. Carries no reason: to a stranger all wrong ids are alike."""


@dataclass(frozen=True, slots=True)
class ClickId:
    """What a click id says.

    ``at`` is aware UTC with milliseconds; ``campaign`` is empty or ``[a-z0-9-]{1,20}``; ``nonce`` is 9 random
    bytes.
    """

    at: datetime
    program_id: int
    referrer_id: int
    campaign: str
    nonce: bytes

    @property
    def event_id(self) -> str:
        """The name of the request that made this id; unique, and roughly ordered by time."""
        return event_id(milliseconds(self.at), self.nonce)


def milliseconds(at: datetime) -> int:
    """Whole milliseconds since 1970, cut off below."""
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000 + since.microseconds // 1_000


def event_id(at_ms: int, nonce: bytes) -> str:
    """The 20 characters that name one request: its time and its random bytes."""
    return to_text(at_ms.to_bytes(6) + nonce)


def link_tail(program_id: int, referrer_id: int, campaign: str) -> bytes:
    """What the click ids of one link have in common. Keys are not negative; both together fit 15 bytes."""
    return _varint(program_id) + _varint(referrer_id) + _pack_campaign(campaign)


def payload(at_ms: int, nonce: bytes, tail: bytes) -> bytes:
    """The bytes of a click id before its signature; ``tail`` as :func:`link_tail` makes it."""
    return at_ms.to_bytes(6) + nonce + tail


def read_payload(data: bytes) -> ClickId:
    """The click that verified bytes describe. Raises :class:`NoClickId`."""
    try:
        at_ms = int.from_bytes(data[:6])
        program_id, rest = _read_varint(data, _HEAD)
        referrer_id, rest = _read_varint(data, rest)
    except IndexError:
        raise NoClickId from None
    if at_ms > _LAST_INSTANT_MS:
        raise NoClickId
    campaign = _unpack_campaign(data[rest:])
    return ClickId(_EPOCH + timedelta(milliseconds=at_ms), program_id, referrer_id, campaign, data[6:_HEAD])


def to_text(data: bytes) -> str:
    """Bytes as base64url without padding."""
    return binascii.b2a_base64(data, newline=False).translate(_TO_URL, b"=").decode()


def from_text(text: str) -> tuple[bytes, bytes]:
    """Payload and signature of a text. Raises :class:`NoClickId`, also for a second spelling of an id."""
    if len(text) > MAX_CHARS or not text.isascii():
        raise NoClickId
    try:
        data = binascii.a2b_base64(text.encode().translate(_FROM_URL) + b"=" * (-len(text) % 4))
    except binascii.Error:
        raise NoClickId from None
    if to_text(data) != text or len(data) <= _HEAD + SIGNATURE_BYTES:
        raise NoClickId
    return data[:-SIGNATURE_BYTES], data[-SIGNATURE_BYTES:]


_TO_URL: Final = bytes.maketrans(b"+/", b"-_")
_FROM_URL: Final = bytes.maketrans(b"-_", b"+/")


def _varint(number: int) -> bytes:
    """Seven bits a byte, lowest first, the top bit set on all but the last (as protocol buffers do)."""
    if number < 0:
        raise ValueError("a key is not negative")
    encoded = bytearray()
    while number > _SEVEN_BITS:
        encoded.append(number & _SEVEN_BITS | _MORE)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def _read_varint(data: bytes, start: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[start]
        start += 1
        number |= (byte & _SEVEN_BITS) << shift
        if not byte & _MORE:
            return number, start
        shift += 7


def _pack_campaign(campaign: str) -> bytes:
    """A campaign as one number in base 38: 20 characters take 14 bytes, so that large keys fit beside it."""
    if not campaign:
        return b""
    number = 0
    for char in campaign:
        number = number * _BASE + _CAMPAIGN_DIGIT[char]
    return number.to_bytes((number.bit_length() + 7) // 8)


def _unpack_campaign(data: bytes) -> str:
    number = int.from_bytes(data)
    chars: list[str] = []
    while number:
        number, digit = divmod(number, _BASE)
        if digit == 0:
            raise NoClickId
        chars.append(_CAMPAIGN_CHARS[digit - 1])
    return "".join(reversed(chars))
