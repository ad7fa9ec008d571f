"""A CSV file, for banks and payment services that take a list instead of a pain.001.

Column map (UTF-8, comma, CRLF, header line, RFC 4180):

======================  ==========================================================================
``end_to_end_id``       the payout's id, to be carried along so that feedback can be matched
``amount``              decimal, point, the currency's decimals ("25.00")
``currency``            ISO 4217
``name``                the account holder, in the SEPA character set, at most 70 characters
``iban``                without blanks
``bic``                 empty where it is not known
``street`` ... ``country``  the holder's address, as far as it is known
``execution_date``      YYYY-MM-DD
``reference``           what the payee reads on the statement
======================  ==========================================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.kernel.money import CURRENCIES, MAX_MINOR, Money
from app.payouts.domain.pain001 import Address
from app.payouts.domain.plan import Reach
from app.payouts.domain.sepa_text import NAME_LENGTH
from app.payouts.domain.tables import Where, cell, verify_table, write_table

if TYPE_CHECKING:
    from app.payouts.domain.pain001 import CreditTransfer
    from app.payouts.rails.base import PaymentOrder, Rail

COLUMNS: Final = (
    "end_to_end_id amount currency name iban bic street building postcode town country execution_date reference"
).split()
_WHERE: Final = Where("end_to_end_id", "amount", "currency", "name", "iban")
_PER_FILE: Final = 10_000


class CsvRail:
    """Any currency to any IBAN; whoever takes the list checks what it can reach."""

    name = "csv"
    media_type = "text/csv"
    extension = "csv"

    def pays(self, currency: str) -> bool:
        """Every currency."""
        return currency in CURRENCIES

    def reach(self) -> Reach:
        """Everybody."""
        return Reach(largest_minor=MAX_MINOR)

    def per_file(self, bank_profile: str) -> int:  # noqa: ARG002 - the same for every bank
        """10,000 lines."""
        return _PER_FILE

    def render(self, order: PaymentOrder) -> bytes:
        """The list, one payment a line."""
        return write_table(COLUMNS, (_row(order, payment) for payment in order.payments))

    def verify(self, content: bytes, order: PaymentOrder) -> None:
        """Read the lines back and compare id, amount, account and name with what is owed."""
        verify_table(content, COLUMNS, _WHERE, order.payments, order.currency)


def _row(order: PaymentOrder, payment: CreditTransfer) -> list[str]:
    address = payment.address or Address(town="", country="")
    return [
        payment.end_to_end_id,
        Money(payment.amount_minor, order.currency).decimal_string(),
        order.currency,
        cell(payment.name, NAME_LENGTH),
        payment.iban,
        payment.bic or "",
        cell(address.street, 70),
        cell(address.building, 16),
        cell(address.postcode, 16),
        cell(address.town, 35),
        address.country,
        order.execution_on.isoformat(),
        cell(order.remittance, 140),
    ]


RAIL: Rail = CsvRail()
