"""Words, amounts and days of documents in one language, without a page around them: jobs write them too."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Final

from babel import Locale
from babel.dates import format_date, format_skeleton
from babel.numbers import format_currency, format_percent
from babel.support import NullTranslations, Translations

from app.kernel.money import exponent
from config import ROOT

if TYPE_CHECKING:
    from datetime import date

_KNOWN: Final = ("nl", "de", "en")


class Language:
    """One of the three languages; any other is English."""

    def __init__(self, code: str) -> None:
        self.code = code if code in _KNOWN else "en"
        self.locale = Locale.parse(self.code)
        self._words = _translations(self.code)

    def __call__(self, text: str, /, **values: object) -> str:
        """The sentence in this language, with ``%(name)s`` filled in."""
        words = str(self._words.gettext(text))
        return words % values if values else words

    def amount(self, minor: int, currency: str) -> str:
        """An amount with its currency and exactly that currency's decimals."""
        value = Decimal(minor).scaleb(-exponent(currency))
        return str(format_currency(value, currency, locale=self.locale))

    def percent(self, rate_ppm: int) -> str:
        """A rate in parts per million as a percentage."""
        value = Decimal(rate_ppm).scaleb(-6)
        return str(format_percent(value, format=None, locale=self.locale, decimal_quantization=False))

    def day(self, on: date) -> str:
        """A day in full: "2 December 2026"."""
        return str(format_date(on, format="long", locale=self.locale))

    def short_day(self, on: date) -> str:
        """A day for tables: "2 Dec 2026"."""
        return str(format_date(on, format="medium", locale=self.locale))

    def month(self, on: date) -> str:
        """A month: "December 2026"."""
        return str(format_skeleton("yMMMM", on, locale=self.locale))


@cache
def _translations(code: str) -> NullTranslations:
    return Translations.load(str(ROOT / "translations"), [code])
