"""Money: whole minor units of one currency, rounded once."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.errors import InvalidInput
from app.kernel.money import (
    CURRENCIES,
    MAX_MINOR,
    PPM,
    CurrencyMismatch,
    Money,
    UnknownCurrency,
    divide_half_up,
    exponent,
    percent_of,
)

amounts = st.integers(min_value=-MAX_MINOR, max_value=MAX_MINOR)
rates = st.integers(min_value=0, max_value=PPM)


def test_a_rate_that_binary_floats_get_wrong_is_right_to_the_cent() -> None:
    assert percent_of(Money(11_000, "EUR"), 3_500) == Money(39, "EUR")
    assert round(11_000 * 0.35 / 100) == 38  # what floats make of it


@pytest.mark.parametrize(
    ("amount", "rate_ppm", "expected"),
    [
        (Money.parse("1580", "JPY"), 100_000, "158"),
        (Money.parse("1585", "JPY"), 100_000, "159"),
        (Money.parse("1.234", "KWD"), 100_000, "0.123"),
        (Money.parse("1.235", "KWD"), 100_000, "0.124"),
        (Money.parse("0.0005", "CLF"), 100_000, "0.0001"),
    ],
)
def test_yen_and_dinar_keep_their_minor_units(amount: Money, rate_ppm: int, expected: str) -> None:
    assert percent_of(amount, rate_ppm).decimal_string() == expected


@given(amounts, rates)
def test_a_percentage_is_what_decimal_arithmetic_rounds_half_up(minor: int, rate_ppm: int) -> None:
    exact = Decimal(minor) * Decimal(rate_ppm) / Decimal(PPM)
    assert percent_of(Money(minor, "EUR"), rate_ppm).minor == int(exact.quantize(Decimal(1), ROUND_HALF_UP))


@given(amounts, st.integers(min_value=1, max_value=10**18))
def test_a_quotient_is_off_by_at_most_half(numerator: int, denominator: int) -> None:
    quotient = divide_half_up(numerator, denominator)
    assert abs(2 * (numerator - quotient * denominator)) <= denominator
    assert divide_half_up(-numerator, denominator) == -quotient


def test_nothing_is_divided_by_less_than_one() -> None:
    for denominator in (0, -1):
        with pytest.raises(ValueError, match="positive"):
            divide_half_up(1, denominator)


@given(amounts, st.sampled_from(sorted(CURRENCIES)))
def test_an_amount_reads_back_as_it_was_written(minor: int, currency: str) -> None:
    money = Money(minor, currency)
    if abs(minor) < 10**15:
        assert Money.parse(money.decimal_string(), currency) == money


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("25.00", "EUR", 2_500),
        ("25.5", "EUR", 2_550),
        ("25", "EUR", 2_500),
        ("-3", "EUR", -300),
        ("-0.01", "EUR", -1),
        ("0", "JPY", 0),
        ("1.2", "KWD", 1_200),
    ],
)
def test_a_plain_decimal_is_read(text: str, currency: str, minor: int) -> None:
    assert Money.parse(text, currency).minor == minor


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("25.001", "EUR"),
        ("1.0", "JPY"),
        ("1,00", "EUR"),
        ("1e3", "EUR"),
        ("", "EUR"),
        (".5", "EUR"),
        ("5.", "EUR"),
        ("+5", "EUR"),
        ("--5", "EUR"),
        (" 5", "EUR"),
        ("5\n", "EUR"),
        ("\u0665", "EUR"),
        ("NaN", "EUR"),
        ("9999999999999999", "EUR"),
        ("99999999999999.99", "EUR"),
    ],
)
def test_anything_else_is_refused(text: str, currency: str) -> None:
    with pytest.raises(InvalidInput):
        Money.parse(text, currency)


def test_the_largest_amount_is_read_and_one_cent_more_is_not() -> None:
    assert Money.parse("10000000000000.00", "EUR").minor == MAX_MINOR
    with pytest.raises(InvalidInput, match="larger"):
        Money.parse("10000000000000.01", "EUR")


def test_a_currency_has_the_decimals_of_iso_4217() -> None:
    assert [exponent(code) for code in ("EUR", "JPY", "KWD", "CLF", "ISK", "TND")] == [2, 0, 3, 4, 0, 3]
    for code in ("eur", "XXX", "", "EURO"):
        with pytest.raises(UnknownCurrency):
            exponent(code)
    with pytest.raises(UnknownCurrency):
        Money(1, "BTC")


def test_amounts_of_one_currency_add_subtract_and_compare() -> None:
    five, three = Money(500, "EUR"), Money(300, "EUR")
    assert (five + three, five - three, -five) == (Money(800, "EUR"), Money(200, "EUR"), Money(-500, "EUR"))
    assert three < five
    assert three <= Money(300, "EUR")
    assert not five < three
    assert not five <= three
    assert Money.zero("EUR") + five == five


def test_another_currency_or_a_bare_number_does_not_add_or_compare() -> None:
    euro, dollar = Money(1, "EUR"), Money(1, "USD")
    for operation in (Money.__add__, Money.__sub__, Money.__lt__, Money.__le__):
        with pytest.raises(CurrencyMismatch):
            operation(euro, dollar)
        with pytest.raises(TypeError, match="int"):
            operation(euro, 1)  # type: ignore[operator]
    assert euro != dollar


@pytest.mark.parametrize("minor", [1.0, True, "1", Decimal(1)])
def test_only_whole_numbers_are_money(minor: object) -> None:
    with pytest.raises(TypeError):
        Money(minor, "EUR")  # type: ignore[arg-type]
