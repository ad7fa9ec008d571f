"""Wise batch payments: the template "Send to bank accounts" for recipients with an IBAN.

Columns as Wise names them (wise.com, "How do I fill in my batch template", and the downloaded template for EUR):

========================  ========================================================================
``name``                  the account holder, at most 70 characters
``recipientEmail``        empty: Wise would write to the referrer, who gets our mail already
``paymentReference``      the payout's end-to-end id, so that what Wise books can be matched
``receiverType``          PERSON; Wise asks for INSTITUTION where the holder is a company
``amountCurrency``        ``target``: the payee gets exactly this amount, fees are the merchant's
``amount``                decimal, point ("25.00")
``sourceCurrency``        the programme's currency, which the merchant's balance is charged in
``targetCurrency``        the same
``IBAN``                  without blanks
========================  ========================================================================

A batch holds at most 1,000 transfers. Wise has no pain.002 and no camt.053 of its own; payouts over it are settled by
statements of the account (camt.053 export) or one by one by staff.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.kernel.money import Money
from app.payouts.domain.iban import SEPA
from app.payouts.domain.plan import Reach
from app.payouts.domain.sepa_text import NAME_LENGTH
from app.payouts.domain.tables import Where, cell, verify_table, write_table

if TYPE_CHECKING:
    from app.payouts.domain.pain001 import CreditTransfer
    from app.payouts.rails.base import PaymentOrder, Rail

COLUMNS: Final = (
    "name recipientEmail paymentReference receiverType amountCurrency amount sourceCurrency targetCurrency IBAN"
).split()
_WHERE: Final = Where("paymentReference", "amount", "targetCurrency", "name", "IBAN")
_CURRENCY: Final = "EUR"
"""The template with an IBAN and nothing else is the one for euros."""

_PER_FILE: Final = 1_000
_LARGEST_MINOR: Final = 100_000_000
"""1,000,000.00 a transfer; what is more is agreed with Wise first."""


class WiseRail:
    """Euros to accounts in the SEPA area, over a Wise balance."""

    name = "wise"
    media_type = "text/csv"
    extension = "csv"

    def pays(self, currency: str) -> bool:
        """Euros only."""
        return currency == _CURRENCY

    def reach(self) -> Reach:
        """The SEPA area; Wise asks for no address there."""
        return Reach(largest_minor=_LARGEST_MINOR, countries=SEPA)

    def per_file(self, bank_profile: str) -> int:  # noqa: ARG002 - the same for every bank
        """1,000 lines."""
        return _PER_FILE

    def render(self, order: PaymentOrder) -> bytes:
        """The filled-in template."""
        return write_table(COLUMNS, (_row(order, payment) for payment in order.payments))

    def verify(self, content: bytes, order: PaymentOrder) -> None:
        """Read the lines back and compare reference, amount, account and name with what is owed."""
        verify_table(content, COLUMNS, _WHERE, order.payments, order.currency)


def _row(order: PaymentOrder, payment: CreditTransfer) -> list[str]:
    return [
        cell(payment.name, NAME_LENGTH),
        "",
        payment.end_to_end_id,
        "PERSON",
        "target",
        Money(payment.amount_minor, order.currency).decimal_string(),
        order.currency,
        order.currency,
        payment.iban,
    ]


RAIL: Rail = WiseRail()
