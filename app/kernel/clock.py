"""The one place that reads the clock.

Use cases take ``now`` as an argument; only edges call :func:`now`. That is what lets the demo and the replay tell
six months of history through the same code that serves today.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

_frozen: ContextVar[datetime | None] = ContextVar("frozen", default=None)

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
"""Earlier than any fact: the ``valid_from`` of a version that holds from the start."""

END = datetime(9999, 12, 31, tzinfo=UTC)
"""Later than any fact: the open end of a half-open range."""


def now() -> datetime:
    """This instant, aware, in UTC."""
    return _frozen.get() or datetime.now(UTC)


@contextmanager
def frozen(at: datetime) -> Iterator[None]:
    """Within the block, :func:`now` answers ``at`` (aware). For tests and the demo's history."""
    token = _frozen.set(as_utc(at))
    try:
        yield
    finally:
        _frozen.reset(token)


def as_utc(at: datetime) -> datetime:
    """The same instant in UTC. A naive datetime names no instant and raises ``ValueError``."""
    if at.tzinfo is None:
        raise ValueError("a naive datetime names no instant")
    return at.astimezone(UTC)


def local_day(at: datetime, timezone: str) -> date:
    """The calendar day of an instant, in an IANA time zone."""
    return at.astimezone(ZoneInfo(timezone)).date()


def day_start(on: date, timezone: str) -> datetime:
    """The first instant of a calendar day in an IANA time zone, in UTC (``fold=0`` on an ambiguous midnight)."""
    return datetime.combine(on, time.min, ZoneInfo(timezone)).astimezone(UTC)


def add_months(at: datetime, months: int, timezone: str) -> datetime:
    """``months`` calendar months later at the same wall-clock time, clipped to the month's end (``fold=0``).

    31 January plus one month is 28 or 29 February. A wall-clock time that the change to summer time skips is read
    with the offset before the change (PEP 495, ``fold=0``), so the result always names one instant.
    """
    local = at.astimezone(ZoneInfo(timezone))
    index = local.year * 12 + local.month - 1 + months
    year, month = divmod(index, 12)
    wall = local.replace(
        year=year, month=month + 1, day=min(local.day, _days_in_month(year, month + 1)), fold=0
    )
    return wall.astimezone(UTC)


def _days_in_month(year: int, month: int) -> int:
    first_of_next = date(year + month // 12, month % 12 + 1, 1)
    return (first_of_next - timedelta(days=1)).day
