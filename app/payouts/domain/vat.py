"""Which VAT a self-billing document shows, from who sells and who buys: EU rules for services between businesses.

The referrer is the seller, the merchant the buyer who writes the document (Directive 2006/112/EC, article 224).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from app.kernel.errors import InvalidInput
from app.kernel.money import divide_half_up

_PPM: Final = 1_000_000
_EX_NUMBER: Final = re.compile(r"[A-Z]{2}[A-Z0-9]{4,20}-?EX", re.ASCII)


class TaxStatus(StrEnum):
    """What a referrer is to the tax office."""

    PRIVATE = "private"
    """A private person: gets statements, never an invoice."""
    BUSINESS = "business"
    """A business that charges VAT."""
    SMALL_BUSINESS = "small_business"
    """A business that is exempt as a small one (KOR, section 19 UStG, article 284 of the directive)."""


class VatCategory(StrEnum):
    """UNCL 5305, as EN 16931 uses it."""

    STANDARD = "S"
    """Seller and buyer in one country: the country's standard rate."""
    REVERSE_CHARGE = "AE"
    """Seller in another country of the EU: the buyer owes the VAT."""
    EXEMPT = "E"
    """Small business: no VAT."""


class VatAnswer(StrEnum):
    """What VIES said about a VAT id."""

    VALID = "valid"
    """It is a business's in another country or our own."""
    INVALID = "invalid"
    """VIES does not know it."""
    UNAVAILABLE = "unavailable"
    """VIES, or the country's register behind it, did not answer; it is asked again."""


class TaxWait(StrEnum):
    """Why a document and its VAT wait; the net is paid all the same."""

    NO_MERCHANT = "no_merchant"
    """The programme has no name, address and VAT id to write documents with."""
    NO_AGREEMENT = "no_agreement"
    """The referrer has not agreed to self-billing (in its present wording)."""
    VAT_ID_UNCHECKED = "vat_id_unchecked"
    """VIES has not confirmed the VAT id yet."""
    VAT_ID_INVALID = "vat_id_invalid"
    """VIES does not know the VAT id."""
    VAT_ID_MISSING = "vat_id_missing"
    """A small business that is paid from another country needs a VAT id for the reverse charge, or its EU number."""


class OutsideTheUnion(InvalidInput):
    """A business whose country has no place in the table of VAT rates."""

    title = "Not a country of the European Union"

    def __init__(self, country: str) -> None:
        super().__init__(f"{country!r} is not a country of the European Union", pointer="/country")


class BadSmallBusinessNumber(InvalidInput):
    """Text that is no number of the EU scheme for small businesses."""

    title = "Not an EU small-business number"

    def __init__(self) -> None:
        super().__init__(
            "an EU small-business number is a country code, digits or letters, and EX at its end",
            pointer="/small_business_id",
        )


_RATES: Final[dict[str, tuple[tuple[date, int], ...]]] = {
    "AT": ((date(1984, 1, 1), 200_000),),
    "BE": ((date(1996, 1, 1), 210_000),),
    "BG": ((date(1999, 1, 1), 200_000),),
    "CY": ((date(2014, 1, 13), 190_000),),
    "CZ": ((date(2013, 1, 1), 210_000),),
    "DE": ((date(2007, 1, 1), 190_000), (date(2020, 7, 1), 160_000), (date(2021, 1, 1), 190_000)),
    "DK": ((date(1992, 1, 1), 250_000),),
    "EE": ((date(2009, 7, 1), 200_000), (date(2024, 1, 1), 220_000), (date(2025, 7, 1), 240_000)),
    "ES": ((date(2012, 9, 1), 210_000),),
    "FI": ((date(2013, 1, 1), 240_000), (date(2024, 9, 1), 255_000)),
    "FR": ((date(2014, 1, 1), 200_000),),
    "GR": ((date(2016, 6, 1), 240_000),),
    "HR": ((date(2012, 3, 1), 250_000),),
    "HU": ((date(2012, 1, 1), 270_000),),
    "IE": ((date(2012, 1, 1), 230_000), (date(2020, 9, 1), 210_000), (date(2021, 3, 1), 230_000)),
    "IT": ((date(2013, 10, 1), 220_000),),
    "LT": ((date(2009, 9, 1), 210_000),),
    "LU": ((date(2015, 1, 1), 170_000), (date(2023, 1, 1), 160_000), (date(2024, 1, 1), 170_000)),
    "LV": ((date(2012, 7, 1), 210_000),),
    "MT": ((date(2004, 1, 1), 180_000),),
    "NL": ((date(2012, 10, 1), 210_000),),
    "PL": ((date(2011, 1, 1), 230_000),),
    "PT": ((date(2011, 1, 1), 230_000),),
    "RO": ((date(2017, 1, 1), 190_000), (date(2025, 8, 1), 210_000)),
    "SE": ((date(1990, 7, 1), 250_000),),
    "SI": ((date(2013, 7, 1), 220_000),),
    "SK": ((date(2011, 1, 1), 200_000), (date(2025, 1, 1), 230_000)),
}
"""Standard rates in parts per million, each from its first day on (European Commission, Taxes in Europe Database)."""

EU: Final = frozenset(_RATES)
"""Countries by their ISO code; VAT ids of Greece begin with EL all the same."""


def standard_rate(country: str, on: date) -> int:
    """The standard rate in parts per million that holds in ``country`` on that day.

    Raises :class:`OutsideTheUnion` for another country, and ``ValueError`` for a day before the table begins.
    """
    if country not in _RATES:
        raise OutsideTheUnion(country)
    known = [rate for since, rate in _RATES[country] if since <= on]
    if not known:
        raise ValueError(f"the VAT rate of {country} on {on} is not known")
    return known[-1]


def vat_of(net_minor: int, rate_ppm: int) -> int:
    """VAT on a net amount, rounded once, a half away from zero; of a negative amount the same with its sign."""
    return divide_half_up(net_minor * rate_ppm, _PPM)


def require_small_business_number(text: str) -> str:
    """The number in its written form. Raises :class:`BadSmallBusinessNumber`."""
    number = "".join(text.split()).upper()
    if _EX_NUMBER.fullmatch(number) is None:
        raise BadSmallBusinessNumber
    return number


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides the VAT of one referrer: the tax profile, the agreement, and what VIES said of the VAT id."""

    status: TaxStatus
    country: str
    """ISO 3166 code of the seller."""
    has_vat_id: bool
    has_small_business_id: bool
    """An EU small-business number is on file, which exempts across borders."""
    agreed: bool
    vat_id_valid: bool | None
    """``None`` until VIES answered."""


@dataclass(frozen=True, slots=True)
class Treatment:
    """How documents of a referrer are taxed."""

    category: VatCategory
    rate_ppm: int


def treat(standing: Standing, buyer_country: str | None, on: date) -> Treatment | TaxWait | None:
    """The treatment of a document dated ``on``, why it has to wait, or ``None``: a private person gets none.

    ``buyer_country`` is the merchant's, ``None`` where the merchant has not said who it is.
    """
    if standing.status is TaxStatus.PRIVATE:
        return None
    if buyer_country is None:
        return TaxWait.NO_MERCHANT
    if not standing.agreed:
        return TaxWait.NO_AGREEMENT
    domestic = standing.country == buyer_country
    if standing.status is TaxStatus.SMALL_BUSINESS and (domestic or standing.has_small_business_id):
        return Treatment(VatCategory.EXEMPT, 0)
    if not standing.has_vat_id:
        return TaxWait.VAT_ID_MISSING
    if standing.vat_id_valid is None:
        return TaxWait.VAT_ID_UNCHECKED
    if not standing.vat_id_valid:
        return TaxWait.VAT_ID_INVALID
    if domestic:
        return Treatment(VatCategory.STANDARD, standard_rate(buyer_country, on))
    return Treatment(VatCategory.REVERSE_CHARGE, 0)
