"""Money: exact, and never alone.

An amount is an integer number of the currency's minor units (cents, or yen, or thousandths of a dinar) together with
its ISO 4217 code. There is no float in this module and none may come near it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from app.kernel.errors import InvalidInput

PPM: Final = 1_000_000
"""A rate of 1 in parts per million; 10 % is 100_000 ppm."""

MAX_MINOR: Final = 10**15
"""Bound of one amount's magnitude in minor units: sums of thousands of them still fit a signed 64-bit column."""

_EXPONENT_OTHER_THAN_2: Final = {
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
    **dict.fromkeys("CLF UYW".split(), 4),
}
_EXPONENT_2: Final = frozenset(
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP "
    "CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR "
    "JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN "
    "NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP "
    "SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG".split()
)
CURRENCIES: Final = _EXPONENT_2 | frozenset(_EXPONENT_OTHER_THAN_2)
"""The ISO 4217 codes that money may have."""

_DECIMAL = re.compile(r"-?\d{1,15}(?:\.(\d{1,4}))?", re.ASCII)


class UnknownCurrency(InvalidInput):
    """A code that ISO 4217 does not list."""

    title = "Unknown currency"

    def __init__(self, code: str, *, pointer: str | None = None) -> None:
        super().__init__(f"{code!r} is not an ISO 4217 currency code", pointer=pointer)
        self.code = code


class CurrencyMismatch(TypeError):
    """Two currencies met in one sum. Always a defect of the caller, never of the input."""


def exponent(currency: str) -> int:
    """How many decimals the currency's minor unit has (ISO 4217): EUR 2, JPY 0, KWD 3.

    Raises :class:`UnknownCurrency`.
    """
    if currency in _EXPONENT_2:
        return 2
    if currency in _EXPONENT_OTHER_THAN_2:
        return _EXPONENT_OTHER_THAN_2[currency]
    raise UnknownCurrency(currency)


@dataclass(frozen=True, slots=True)
class Money:
    """``minor`` minor units of ``currency``. Adding a bare number or another currency raises."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        """Refuse what is not a whole number of minor units of a known currency."""
        if type(self.minor) is not int:
            raise TypeError(f"minor units are whole numbers, not {type(self.minor).__name__}")
        exponent(self.currency)

    @classmethod
    def zero(cls, currency: str) -> Money:
        """Nothing, of that currency."""
        return cls(0, currency)

    @classmethod
    def parse(cls, text: str, currency: str) -> Money:
        """Read a plain decimal ("25.00", "-3", "1580" for JPY), with at most the currency's decimals.

        Raises :class:`InvalidInput` for anything else: thousands separators, exponents, too many decimals.
        """
        digits = exponent(currency)
        match = _DECIMAL.fullmatch(text)
        fraction = (match and match[1]) or ""
        if match is None or len(fraction) > digits:
            raise InvalidInput(
                f"{text!r} is not an amount in {currency} (at most {digits} decimals, with a point)"
            )
        whole = text.partition(".")[0]
        minor = int(whole.lstrip("-")) * 10**digits + int(fraction.ljust(digits, "0") or "0")
        if minor > MAX_MINOR:
            raise InvalidInput(f"{text!r} is larger than any amount that can be recorded")
        return cls(-minor if text.startswith("-") else minor, currency)

    def decimal_string(self) -> str:
        """The amount with the currency's decimals and a point: "25.00", "1580", "1.234"; for files and the CLI."""
        digits = exponent(self.currency)
        sign = "-" if self.minor < 0 else ""
        whole, fraction = divmod(abs(self.minor), 10**digits)
        return f"{sign}{whole}.{fraction:0{digits}d}" if digits else f"{sign}{whole}"

    def _same(self, other: object) -> int:
        if not isinstance(other, Money):
            raise TypeError(f"money and {type(other).__name__} do not add or compare")
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} in one sum")
        return other.minor

    def __add__(self, other: Money) -> Money:
        """Sum of two amounts of one currency."""
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        """Difference of two amounts of one currency."""
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> Money:
        """The same amount owed the other way."""
        return Money(-self.minor, self.currency)

    def __lt__(self, other: Money) -> bool:
        """Order within one currency."""
        return self.minor < self._same(other)

    def __le__(self, other: Money) -> bool:
        """Order within one currency."""
        return self.minor <= self._same(other)


def divide_half_up(numerator: int, denominator: int) -> int:
    """``numerator / denominator`` rounded to the nearest whole number, a half away from zero; in integers only."""
    if denominator <= 0:
        raise ValueError("the denominator must be positive")
    quotient = (2 * abs(numerator) + denominator) // (2 * denominator)
    return quotient if numerator >= 0 else -quotient


def percent_of(amount: Money, rate_ppm: int) -> Money:
    """``rate_ppm`` parts per million of ``amount``, rounded once, half up: 110.00 at 0.35 % (3_500 ppm) is 0.39."""
    return Money(divide_half_up(amount.minor * rate_ppm, PPM), amount.currency)
