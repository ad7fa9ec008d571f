"""What finance refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.kernel.errors import Conflict, InvalidInput

if TYPE_CHECKING:
    from datetime import date


class MonthNotOver(InvalidInput):
    """A month that is still running cannot be closed: its days are not all known."""

    title = "The month is not over"

    def __init__(self, period: str) -> None:
        super().__init__(f"{period} is not over yet", pointer="/period")


class NotForDatev(InvalidInput):
    """What DATEV cannot take in, or what it needs and nobody has said."""

    title = "Not for DATEV"


class MonthClosed(Conflict):
    """The month is closed already, for good."""

    title = "The month is closed"

    def __init__(self, period: str) -> None:
        super().__init__(f"{period} is closed already, and a closed month stays closed", pointer="/period")


class PaidFirst(Conflict):
    """The month's payout run is still to come, and a closed month is paid no more."""

    title = "The month is paid first"

    def __init__(self, period: str, payout_day: date) -> None:
        super().__init__(
            f"{period} is paid on {payout_day}; close it when that run is drafted", pointer="/period"
        )


class NotTheNextMonth(Conflict):
    """Months are closed one after the other, so that every one has a report of its own."""

    title = "Not the next month"

    def __init__(self, period: str, expected: str) -> None:
        super().__init__(f"{expected} is the next month to close, not {period}", pointer="/period")
