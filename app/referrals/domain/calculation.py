"""The sum of a percent commission as it is shown: what it came to exactly, and after rounding. Pure.

What is posted is computed in ``commission.py``; this says how, and a test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from app.kernel.money import PPM, divide_half_up

if TYPE_CHECKING:
    from datetime import date


@dataclass(frozen=True, slots=True)
class Rounding:
    """``base`` x rate is ``exact`` minor units, rounded half up once to ``rounded``."""

    base: int
    exact: Decimal
    rounded: int


def rounding(base_minor: int, rate_ppm: int) -> Rounding:
    """How a percentage of a net came to whole minor units."""
    exact = Decimal(base_minor * rate_ppm) / PPM
    return Rounding(base_minor, exact, divide_half_up(base_minor * rate_ppm, PPM))


@dataclass(frozen=True, slots=True)
class HoldPeriod:
    """From the day of payment on for ``days``; payable on ``until`` (the programme's calendar)."""

    paid_on: date
    days: int
    until: date


def hold_period(paid_on: date, available_on: date) -> HoldPeriod:
    """The days between payment and the day from which a commission is payable."""
    return HoldPeriod(paid_on, (available_on - paid_on).days, available_on)
