"""Other currencies: which day's rate, exact factors, and one rounding."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.target_days import is_target_day
from app.referrals.domain.commission import amounts, converted, earn
from app.referrals.domain.exchange import exchange_day, exchange_factor
from tests.domain.test_commission import ORDER, SPAN, flat, line, outcome, percent

PER_EURO = {"USD": "1.0850", "JPY": "163.27", "KWD": "0.33190", "GBP": "0.86013"}


@pytest.mark.parametrize(
    ("paid", "day"),
    [
        ("2026-09-10 12:00", date(2026, 9, 9)),  # a Thursday: Wednesday's
        ("2026-09-09 21:59", date(2026, 9, 8)),  # a minute before midnight in Amsterdam
        ("2026-09-09 22:00", date(2026, 9, 9)),  # midnight: Thursday begins
        ("2026-09-12 12:00", date(2026, 9, 11)),  # a Saturday, a Sunday and the Monday after: Friday's
        ("2026-09-13 12:00", date(2026, 9, 11)),
        ("2026-09-14 12:00", date(2026, 9, 11)),
        ("2026-04-07 12:00", date(2026, 4, 2)),  # the Tuesday after Easter: Thursday's before Good Friday
        ("2026-12-28 12:00", date(2026, 12, 24)),
        ("2027-01-04 12:00", date(2026, 12, 31)),
    ],
)
def test_the_rate_is_that_of_the_last_settlement_day_strictly_before_the_paid_day(
    paid: str, day: date
) -> None:
    at = datetime.fromisoformat(paid).replace(tzinfo=UTC)
    assert exchange_day(at, "Europe/Amsterdam") == day
    assert is_target_day(day)


def factor(currency: str, into: str) -> Fraction:
    found = exchange_factor(currency, into, PER_EURO)
    assert found is not None
    return found


def test_factors_are_exact_and_count_minor_units() -> None:
    assert factor("USD", "EUR") == 1 / Fraction("1.0850")
    assert factor("EUR", "JPY") == Fraction("163.27") / 100
    assert factor("KWD", "EUR") == 1 / Fraction("0.33190") / 10
    assert factor("JPY", "KWD") == Fraction("0.33190") / Fraction("163.27") * 1000
    assert factor("USD", "GBP") * factor("GBP", "USD") == 1


@pytest.mark.parametrize(("currency", "into"), [("CHF", "EUR"), ("EUR", "CHF"), ("CHF", "USD")])
def test_a_missing_rate_is_no_factor(currency: str, into: str) -> None:
    assert exchange_factor(currency, into, PER_EURO) is None


def test_an_amount_is_rounded_once_after_the_rate_was_applied() -> None:
    # 10.00 USD are 9.2166 EUR; 5 % of that is 0.46083. Rounded twice, 0.05 % of 10.00 USD would differ:
    third = Fraction(1, 3)
    assert amounts(percent(500_000), line(500), third) == (83, 83)  # 83.33; of 167 it would be 84
    assert converted(500, third) == 167
    assert amounts(percent(50_000), line(1_000), factor("USD", "EUR")) == (46, 46)
    assert amounts(percent(), line(1_580), factor("JPY", "EUR")) == (97, 97)  # 9.6772 EUR
    assert amounts(percent(), line(1_234), factor("KWD", "EUR")) == (37, 37)  # 3.7180 EUR
    assert amounts(percent(), line(10_000), factor("EUR", "JPY")) == (1_633, 1_633)


def test_a_flat_rate_is_the_programmes_money_and_capped_by_the_converted_net() -> None:
    usd = factor("USD", "EUR")
    assert amounts(flat(1_000), line(10_000), usd) == (1_000, 1_000)
    assert amounts(flat(1_000), line(300), usd) == (276, 276)
    assert amounts(flat(1_000), line(300, 150), usd) == (276, 138)
    assert amounts(flat(1_000, may_exceed_net=True), line(300), usd) == (1_000, 1_000)


def test_an_order_of_another_currency_earns_once_its_rate_is_known_and_tells_its_base() -> None:
    order = replace(ORDER, currency="USD", exchange=factor("USD", "EUR"))
    found = earn(line(), order, SPAN, (SPAN,), (percent(),))
    assert (found.earned, found.target, found.base) == (922, 922, 9_217)
    assert outcome(currency="USD").value == "waiting_rate"


@given(st.integers(0, 10**9), st.integers(0, 10**6), st.fractions(Fraction(1, 10**6), 10**6))
def test_what_is_left_never_exceeds_what_was_earned(net: int, ppm: int, fx: Fraction) -> None:
    earned, target = amounts(percent(ppm), line(net, net // 3), fx)
    assert 0 <= target <= earned
    assert abs(earned - Fraction(net * ppm, 10**6) * fx) <= Fraction(1, 2)
