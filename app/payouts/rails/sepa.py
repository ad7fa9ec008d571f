"""SEPA credit transfers: a pain.001.001.09 for the merchant's bank."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from app.payouts.domain.banks import BANKS
from app.payouts.domain.iban import EEA, SEPA
from app.payouts.domain.pain001 import CURRENCY, MAX_MINOR, FileHead, render_pain001
from app.payouts.domain.plan import Reach
from app.payouts.domain.verify import ExpectedFile, ExpectedPayment, verify_pain001

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.payouts.rails.base import PaymentOrder, Rail


class SepaRail:
    """Euros to every account in the SEPA area."""

    name = "sepa"
    media_type = "application/xml"
    extension = "xml"

    def pays(self, currency: str) -> bool:
        """Euros only."""
        return currency == CURRENCY

    def reach(self) -> Reach:
        """The SEPA area; outside the EEA with a structured address."""
        return Reach(largest_minor=MAX_MINOR, countries=SEPA, without_address=EEA)

    def per_file(self, bank_profile: str) -> int:
        """What the bank takes."""
        return BANKS[bank_profile].per_file

    def render(self, order: PaymentOrder) -> bytes:
        """A pain.001.001.09 as the bank wants it."""
        sink = BytesIO()
        bank = BANKS[order.bank_profile]
        head = FileHead(
            message_id=order.message_id,
            created_at=order.created_at,
            execution_on=order.execution_on,
            debtor=order.debtor,
            count=len(order.payments),
            control_sum_minor=sum(payment.amount_minor for payment in order.payments),
            remittance=order.remittance,
            batch_booking=bank.batch_booking,
            instant=order.instant and bank.asks_instant,
        )
        render_pain001(sink, head, order.payments)
        return sink.getvalue()

    def verify(self, content: bytes, order: PaymentOrder) -> None:
        """By the XSD and by the independent verifier."""
        bank = BANKS[order.bank_profile]
        head = ExpectedFile(
            message_id=order.message_id,
            created_at=order.created_at,
            execution_on=order.execution_on,
            debtor_name=order.debtor.name,
            debtor_iban=order.debtor.iban,
            debtor_bic=order.debtor.bic,
            remittance=order.remittance,
            batch_booking=bank.batch_booking,
            instant=order.instant and bank.asks_instant,
        )
        verify_pain001(content, head, _expected(order))


def _expected(order: PaymentOrder) -> Iterator[ExpectedPayment]:
    for payment in order.payments:
        home = payment.address
        yield ExpectedPayment(
            payment.end_to_end_id,
            payment.iban,
            payment.name,
            payment.amount_minor,
            payment.bic,
            (home.street, home.building, home.postcode, home.town, home.country) if home else None,
        )


RAIL: Rail = SepaRail()
