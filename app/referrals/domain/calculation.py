"""The sum of a percent commission as it is shown: what it came to exactly, and after rounding. Pure.

What is posted is computed in ``commission.py``; this says how, and a test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from app.kernel.money import PPM, divide_half_up

if TYPE_CHECKING:
    from datetime import date
    from fractions import Fraction

_SHOWN: Final = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Rounding:
    """``base`` x rate is ``exact`` minor units, rounded half up once to ``rounded``."""

    base: int
    exact: Decimal
    rounded: int


def rounding(net_minor: int, rate_ppm: int, exchange: Fraction | None = None) -> Rounding:
    """How a percentage of a net came to whole minor units.

    A net of another currency goes through ``exchange`` unrounded: the base is then shown to the minor unit and the
    exact product to six decimals, while only what it is rounded to counts.
    """
    if exchange is None:
        exact = Decimal(net_minor * rate_ppm) / PPM
        return Rounding(net_minor, exact, divide_half_up(net_minor * rate_ppm, PPM))
    worth = net_minor * exchange
    product = worth * rate_ppm / PPM
    exact = (Decimal(product.numerator) / product.denominator).quantize(_SHOWN)
    base = divide_half_up(worth.numerator, worth.denominator)
    return Rounding(base, exact, divide_half_up(product.numerator, product.denominator))


@dataclass(frozen=True, slots=True)
class HoldPeriod:
    """From the day of payment on for ``days``; payable on ``until`` (the programme's calendar)."""

    paid_on: date
    days: int
    until: date


def hold_period(paid_on: date, available_on: date) -> HoldPeriod:
    """The days between payment and the day from which a commission is payable."""
    return HoldPeriod(paid_on, (available_on - paid_on).days, available_on)
