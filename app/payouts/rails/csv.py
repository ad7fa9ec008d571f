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

import csv
from io import StringIO
from typing import TYPE_CHECKING, Final

from app.kernel.money import CURRENCIES, MAX_MINOR, Money
from app.payouts.domain.pain001 import Address
from app.payouts.domain.plan import Reach
from app.payouts.domain.sepa_text import sepa_name, sepa_text
from app.payouts.domain.verify import FileNotVerified

if TYPE_CHECKING:
    from app.payouts.domain.pain001 import CreditTransfer
    from app.payouts.rails.base import PaymentOrder

COLUMNS: Final = (
    "end_to_end_id amount currency name iban bic street building postcode town country execution_date reference"
).split()
_PER_FILE: Final = 10_000
_FORMULA: Final = ("=", "+", "-", "@")


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
        text = StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(COLUMNS)
        writer.writerows(_row(order, payment) for payment in order.payments)
        return text.getvalue().encode()

    def verify(self, content: bytes, order: PaymentOrder) -> None:
        """Read the lines back and compare id, amount, currency, name and IBAN with what is owed."""
        lines = list(csv.DictReader(StringIO(content.decode(), newline="")))
        if len(lines) != len(order.payments):
            raise FileNotVerified(f"the file has {len(lines)} payments, {len(order.payments)} are owed")
        for line, payment in zip(lines, order.payments, strict=True):
            amount = Money.parse(line["amount"], line["currency"])
            found = (line["end_to_end_id"], amount, line["iban"], line["name"])
            owed = Money(payment.amount_minor, order.currency)
            if found != (payment.end_to_end_id, owed, payment.iban, _cell(sepa_name(payment.name))):
                raise FileNotVerified(f"{payment.end_to_end_id} is not in the file as it is owed")


def _row(order: PaymentOrder, payment: CreditTransfer) -> list[str]:
    address = payment.address or Address(town="", country="")
    texts = (address.street, address.building, address.postcode, address.town, address.country)
    return [
        payment.end_to_end_id,
        Money(payment.amount_minor, order.currency).decimal_string(),
        order.currency,
        _cell(sepa_name(payment.name)),
        payment.iban,
        payment.bic or "",
        *(_cell(sepa_text(text or "", 70)) for text in texts),
        order.execution_on.isoformat(),
        _cell(sepa_text(order.remittance, 140)),
    ]


def _cell(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return text.lstrip("".join(_FORMULA) + " ") if text.startswith(_FORMULA) else text
