"""Cursors of lists: an instant and an id in one short text that nobody needs to understand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def write_cursor(at: datetime, key: int) -> str:
    """The text of a cursor, exact to the microsecond."""
    return f"{(at - _EPOCH) // timedelta(microseconds=1):x}-{key:x}"


def read_cursor(text: str | None) -> tuple[datetime, int] | None:
    """What a cursor says; anything that is not one means the first page."""
    first, _dash, second = (text or "").partition("-")
    try:
        return _EPOCH + timedelta(microseconds=int(first, 16)), int(second, 16)
    except (ValueError, OverflowError):
        return None


def read_key(text: str | None) -> int:
    """A cursor that is only an id; anything else means the first page."""
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 19 else 0  # noqa: PLR2004 - 64 bits
