"""Amounts, dates and rates as the reader's language writes them. The only place that turns numbers into words."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, cast
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_interval, format_skeleton
from babel.numbers import format_currency, format_decimal, format_percent
from flask_babel import get_locale

from app.dashboard.i18n import _, ngettext
from app.kernel.money import exponent

if TYPE_CHECKING:
    from datetime import date, datetime

    from babel import Locale

DASH = "\u2013"
"""Stands where there is no value."""


def language() -> Locale:
    """The language of this page, as Babel knows it."""
    return cast("Locale", get_locale())


def amount(minor: int, currency: str) -> str:
    """An amount with its currency and exactly that currency's decimals: "84,20 EUR" as the language writes it."""
    digits = exponent(currency)
    value = Decimal(minor).scaleb(-digits)
    # The sign of an amount is a minus, as wide as a plus; Babel writes a hyphen.
    return str(format_currency(value, currency, locale=language())).replace("-", "\u2212")


def exact_amount(minor: Decimal, currency: str) -> str:
    """An amount that is no whole number of minor units, with every decimal it has: "0.385 EUR"."""
    value = minor.scaleb(-exponent(currency)).normalize()
    return str(
        format_currency(value, currency, locale=language(), currency_digits=False, decimal_quantization=False)
    )


def signed(minor: int, currency: str) -> str:
    """An amount that changes a balance: with a plus or a minus in front."""
    text = amount(abs(minor), currency)
    if minor == 0:
        return text
    return f"+{text}" if minor > 0 else f"\u2212{text}"


def percent(rate_ppm: int) -> str:
    """A rate in parts per million as a percentage: 100_000 is "10 %", 3_500 is "0,35 %"."""
    value = Decimal(rate_ppm).scaleb(-6)
    return str(format_percent(value, format=None, locale=language(), decimal_quantization=False))


def share(part: int, whole: int) -> str:
    """How much of it, to a tenth of a per cent: "4.2%"; nothing where there is no whole, or more than all of it."""
    if not whole > 0 or part > whole:
        return ""
    return percent((part * 2_000 + whole) // (2 * whole) * 1_000)


def number(value: int) -> str:
    """A count with the language's separators."""
    return str(format_decimal(value, locale=language()))


def day(on: date) -> str:
    """A day in full: "2 December 2026"."""
    return str(format_date(on, format="long", locale=language()))


def short_day(on: date) -> str:
    """A day for tables: "2 Dec 2026"."""
    return _unbroken(format_date(on, format="medium", locale=language()))


def day_and_month(on: date) -> str:
    """A day of the current year: "2 December"."""
    return str(format_skeleton("MMMMd", on, locale=language()))


def day_of_month(on: date) -> str:
    """A day for the axis of a chart: "2 Dec"."""
    return str(format_skeleton("MMMd", on, locale=language()))


def short_month(on: date) -> str:
    """A month for the axis of a chart: "Dec 2026"."""
    return str(format_skeleton("yMMM", on, locale=language()))


def span(first: date, last: date) -> str:
    """Days from the first to the last, both inclusive: "30 Nov - 6 Dec 2026"; one day is that day."""
    if first == last:
        return short_day(first)
    return str(format_interval(first, last, skeleton="yMMMd", locale=language()))


def month(on: date) -> str:
    """A month: "December 2026"."""
    return str(format_skeleton("yMMMM", on, locale=language()))


def instant(at: datetime, timezone: str) -> str:
    """Day and time of an instant in an IANA time zone: "2 Dec 2026, 14:05"."""
    return _unbroken(
        format_datetime(at.astimezone(ZoneInfo(timezone)), format="d MMM y, HH:mm", locale=language())
    )


def _unbroken(text: str) -> str:
    """The same on one line: a date that breaks is hard to compare with the one above it."""
    return text.replace(" ", "\u00a0")


def local(at: datetime, timezone: str) -> date:
    """The calendar day of an instant in an IANA time zone."""
    return at.astimezone(ZoneInfo(timezone)).date()


def days(count: int) -> str:
    """A number of days in words: "1 day", "30 days"."""
    return ngettext("%(num)s day", "%(num)s days", count)


def yes_no(value: bool) -> str:  # noqa: FBT001 - it is the value that is shown
    """A switch in words."""
    return _("yes") if value else _("no")
