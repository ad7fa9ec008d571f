"""Exchange between two currencies through the euro, pure and exact."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from app.kernel.clock import local_day
from app.kernel.money import exponent
from app.kernel.target_days import is_target_day

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

EURO: Final = "EUR"


def exchange_day(paid_at: datetime, timezone: str) -> date:
    """Whose rate converts an order: the last TARGET day strictly before the day it was paid on.

    The paid day is the calendar's in the programme's time zone.
    """
    day = local_day(paid_at, timezone) - timedelta(days=1)
    while not is_target_day(day):
        day -= timedelta(days=1)
    return day


def exchange_factor(currency: str, into: str, per_euro: Mapping[str, str]) -> Fraction | None:
    """What one minor unit of ``currency`` is worth in minor units of ``into``; ``None`` where a rate is missing.

    ``per_euro`` gives the units of each currency that one euro buys, as the European Central Bank writes them.
    """
    known = {**per_euro, EURO: "1"}
    if currency not in known or into not in known:
        return None
    units = Fraction(known[into]) / Fraction(known[currency])
    return units * Fraction(10 ** exponent(into), 10 ** exponent(currency))
