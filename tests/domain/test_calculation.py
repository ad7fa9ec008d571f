"""The sum as it is shown is the sum as it is posted."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import floor

from hypothesis import given
from hypothesis import strategies as st

from app.kernel.money import Money, percent_of
from app.referrals.domain.calculation import HoldPeriod, Rounding, hold_period, rounding


def test_a_sum_is_shown_exactly_and_rounded_half_up() -> None:
    assert rounding(11_000, 3_500) == Rounding(11_000, Decimal("38.5"), 39)
    assert rounding(11_000, 100_000) == Rounding(11_000, Decimal(1100), 1_100)
    assert rounding(0, 100_000) == Rounding(0, Decimal(0), 0)


@given(st.integers(0, 10**12), st.integers(0, 1_000_000))
def test_what_is_shown_is_what_is_posted_and_never_more_than_half_a_unit_off(net: int, ppm: int) -> None:
    shown = rounding(net, ppm)
    assert shown.rounded == percent_of(Money(net, "EUR"), ppm).minor
    assert shown.exact * 1_000_000 == net * ppm
    assert abs(shown.exact - shown.rounded) <= Decimal("0.5")


@given(st.integers(0, 10**9), st.integers(0, 1_000_000), st.fractions("0.001", 1_000, max_denominator=10**6))
def test_a_net_of_another_currency_goes_through_the_exchange_unrounded(
    net: int, ppm: int, exchange: Fraction
) -> None:
    shown = rounding(net, ppm, exchange)
    product = net * exchange * ppm / 1_000_000
    assert shown.rounded == floor(product + Fraction(1, 2))
    assert shown.base == floor(net * exchange + Fraction(1, 2))
    assert abs(Fraction(shown.exact) - product) <= Fraction(1, 2_000_000)


def test_a_hold_period_counts_calendar_days() -> None:
    assert hold_period(date(2026, 2, 20), date(2026, 3, 22)) == HoldPeriod(
        date(2026, 2, 20), 30, date(2026, 3, 22)
    )
