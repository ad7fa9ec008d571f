"""Periods of payout runs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from app.kernel.errors import InvalidInput

_PERIOD: Final = re.compile(r"(\d{4})-(\d{2})", re.ASCII)


class UnknownPeriod(InvalidInput):
    """Text that does not name a calendar month."""

    title = "Unknown period"

    def __init__(self, text: str) -> None:
        super().__init__(f"{text!r} is not a month of the form YYYY-MM", pointer="/period")
        self.text = text


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """One calendar month, in whatever time zone its programme lives."""

    year: int
    month: int

    @classmethod
    def parse(cls, text: str) -> Period:
        """Read "2026-10". Raises :class:`UnknownPeriod`."""
        match = _PERIOD.fullmatch(text)
        if match is None or not (1 <= int(match[2]) <= 12 and 2000 <= int(match[1]) <= 9998):  # noqa: PLR2004
            raise UnknownPeriod(text)
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of(cls, day: date) -> Period:
        """The month that ``day`` lies in."""
        return cls(day.year, day.month)

    @property
    def first_day(self) -> date:
        """The month's first day (inclusive)."""
        return date(self.year, self.month, 1)

    @property
    def last_day(self) -> date:
        """The month's last day (inclusive)."""
        return self.next().first_day - timedelta(days=1)

    def next(self) -> Period:
        """The month after."""
        return Period(self.year + self.month // 12, self.month % 12 + 1)

    def previous(self) -> Period:
        """The month before."""
        return Period.of(self.first_day - timedelta(days=1))

    def payout_day(self, day: int) -> date:
        """The ``day``-th of this month, or its last day where the month is shorter."""
        return min(self.first_day + timedelta(days=day - 1), self.last_day)

    def __str__(self) -> str:
        """The form that runs are named by: "2026-10"."""
        return f"{self.year:04d}-{self.month:02d}"
