"""The periods of the overview, and the days that each is held against."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from app.kernel.clock import add_months, day_start, local_day


class Span(StrEnum):
    """What may be chosen."""

    MONTH = "month"
    """This month so far; beside it the same days of the month before."""
    LAST_MONTH = "last-month"
    """The last whole month; beside it the one before."""
    YEAR = "year"
    """This month and the eleven before; beside it the same days a year earlier."""


@dataclass(frozen=True, slots=True)
class Days:
    """Two days, both included."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Compared:
    """A period beginning with a month's first day, and what it is compared with."""

    now: Days
    before: Days


def compared(span: Span, today: date) -> Compared:
    """The days of a span as seen from ``today``."""
    month = today.replace(day=1)
    match span:
        case Span.MONTH:
            return Compared(Days(month, today), Days(months_later(month, -1), months_later(today, -1)))
        case Span.LAST_MONTH:
            last, before = months_later(month, -1), months_later(month, -2)
            return Compared(Days(last, month - timedelta(days=1)), Days(before, last - timedelta(days=1)))
        case Span.YEAR:
            first = months_later(month, -11)
            return Compared(Days(first, today), Days(months_later(first, -12), months_later(today, -12)))


def months_later(day: date, months: int) -> date:
    """The same day so many months later, or the month's last where it has none."""
    return local_day(add_months(day_start(day, "UTC"), months, "UTC"), "UTC")
