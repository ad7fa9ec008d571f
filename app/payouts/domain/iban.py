"""Bank account numbers: checked, compared and shown without giving them away."""

from __future__ import annotations

from typing import Final

from stdnum import bic as stdnum_bic
from stdnum import iban as stdnum_iban
from stdnum.exceptions import ValidationError

from app.kernel.errors import InvalidInput

EEA: Final = frozenset(
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK".split()
)
"""Countries whose creditors need no address in a SEPA credit transfer."""

SEPA: Final = EEA | frozenset("AD AL CH GB GI MC MD ME MK RS SM VA".split())
"""Countries that a SEPA credit transfer reaches (EPC409-09), by the country code of the IBAN."""

_LONGEST: Final = 50
"""An IBAN has at most 34 characters; the rest are the blanks that people type."""


class BadIban(InvalidInput):
    """Not an IBAN: unknown country, wrong length or form, or wrong check digits. Never repeats what was
    typed.
    """

    title = "Not a valid IBAN"

    def __init__(self) -> None:
        super().__init__("this is not a valid IBAN: please check every digit", pointer="/iban")


class BadBic(InvalidInput):
    """Not a BIC of 8 or 11 characters."""

    title = "Not a valid BIC"

    def __init__(self) -> None:
        super().__init__("this is not a valid BIC (8 or 11 characters); it may be left out", pointer="/bic")


def normalise_iban(typed: str) -> str:
    """The IBAN without blanks, in capitals. Raises :class:`BadIban`.

    Check digits 00, 01 and 99 pass modulo 97 as aliases of 97, 98 and 02 but are never issued (ISO 13616).
    """
    if len(typed) > _LONGEST:
        raise BadIban
    try:
        # Not by the country's own list of banks (Belgium): it ages with the library and would refuse new banks.
        number: str = stdnum_iban.validate(typed, check_country=False)
        digits: str = stdnum_iban.calc_check_digits(number)
    except ValidationError as error:
        raise BadIban from error
    if not number.isascii() or number[2:4] != digits:
        raise BadIban
    return number


def normalise_bic(typed: str | None) -> str | None:
    """The BIC in capitals, or ``None`` for nothing. Raises :class:`BadBic`."""
    if typed is None or not typed.strip():
        return None
    try:
        code: str = stdnum_bic.validate(typed)
    except ValidationError as error:
        raise BadBic from error
    return code


def country_of(iban: str) -> str:
    """The country of an IBAN: its first two letters."""
    return iban[:2]


def last4(iban: str) -> str:
    """What may be shown of an IBAN."""
    return iban[-4:]


def mask(country: str, last_four: str) -> str:
    """How an account on file is shown: "NL** **** 4300"."""
    return f"{country}** **** {last_four}"
