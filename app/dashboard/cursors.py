"""Cursors of lists: where a row stands, in one short text that nobody needs to understand."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final, Never, TypeGuard

if TYPE_CHECKING:
    from app.kernel.keyset import Place

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST: Final = 2**63
_LONGEST: Final = 1_000


def write_cursor(at: datetime, key: int) -> str:
    """The text of a cursor, exact to the microsecond."""
    return f"{(at - _EPOCH) // timedelta(microseconds=1):x}-{key:x}"


def read_cursor(text: str | None) -> tuple[datetime, int] | None:
    """What a cursor says; anything that is not one means the first page."""
    first, _dash, second = (text or "").partition("-")
    try:
        at, key = _EPOCH + timedelta(microseconds=int(first, 16)), int(second, 16)
    except (ValueError, OverflowError):
        return None
    return (at, key) if _is_number(key) else None


def read_key(text: str | None) -> int:
    """A cursor that is only an id; anything else means the first page."""
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 19 else 0  # noqa: PLR2004 - 64 bits


def write_place(place: Place) -> str:
    """The cursor behind a row of a list that can be sorted in several ways."""
    value, key = place
    plain = value.isoformat() if isinstance(value, date) else value
    return urlsafe_b64encode(json.dumps([plain, key]).encode()).rstrip(b"=").decode()


def read_place(text: str | None, kind: type) -> Place | None:
    """What it says, for a list that is sorted by values of this type; anything else means the first page."""
    if not text or len(text) > _LONGEST or not text.isascii():
        return None
    try:
        plain, key = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if not _is_number(key):
            return None
        return _value(plain, kind), key
    except (ValueError, TypeError, RecursionError):
        return None


def _value(plain: object, kind: type) -> int | str | datetime | date:
    if kind is int and _is_number(plain):
        return plain
    if isinstance(plain, str) and kind is str and "\0" not in plain:
        # A lone surrogate is no text of any database.
        plain.encode()
        return plain
    if isinstance(plain, str) and kind is datetime:
        at = datetime.fromisoformat(plain)
        return at.astimezone(UTC) if at.tzinfo else _refuse(plain)
    if isinstance(plain, str) and kind is date:
        return date.fromisoformat(plain)
    return _refuse(plain)


def _is_number(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and -_MOST <= value < _MOST


def _refuse(value: object) -> Never:
    raise ValueError(f"{value!r} is no place in this list")
