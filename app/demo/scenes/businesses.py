"""Partners who are businesses: their tax details, and that the programme may write their invoices."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from app.demo.cast import DIRECTORY
from app.demo.events import TradeAs
from app.payouts.documents.profiles import GivenParty, GivenProfile
from app.payouts.domain.vat import TaxStatus

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from app.demo.cast import Person

MERCHANT: Final = GivenParty(
    "Korenhof Software B.V.", "Korenmarkt 4", "9711 JA", "Groningen", "NL", "NL101112233B01"
)
"""Who writes the directory programme's invoices. Every VAT id of the demo is well formed and nobody's."""

BUSINESSES: Final = {
    "studio-noord": GivenProfile(
        TaxStatus.BUSINESS,
        GivenParty("Studio Noord B.V.", "Noorderhaven 12", "9712 VH", "Groningen", "NL", "NL111456782B01"),
    ),
    "briefwerk": GivenProfile(
        TaxStatus.BUSINESS,
        GivenParty("Briefwerk GmbH", "Lindenstraße 7", "50674", "Köln", "DE", "DE273645502"),
    ),
    "mailmeisters": GivenProfile(
        TaxStatus.SMALL_BUSINESS,
        GivenParty("Mailmeisters", "Oudegracht 88", "3511 AV", "Utrecht", "NL"),
        tax_number="1234.56.782",
    ),
}
"""By code: one with domestic VAT, one with reverse charge, one exempt; the other partners are private people."""


def business_events(start: datetime, people: list[Person]) -> Iterator[TradeAs]:
    """On its second day in the programme each business says what it is and agrees to self-billing."""
    for position, person in enumerate(people):
        if person.code in BUSINESSES:
            at = start + timedelta(days=1, minutes=position)
            yield TradeAs(at, DIRECTORY, person.code, BUSINESSES[person.code])
