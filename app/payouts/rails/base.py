"""What a rail is: it says whom it reaches, renders a file, and checks the finished bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from app.payouts.domain.pain001 import CreditTransfer, Debtor
    from app.payouts.domain.plan import Reach


@dataclass(frozen=True, slots=True)
class PaymentOrder:
    """Everything that goes into one file; the same order gives the same bytes."""

    message_id: str
    created_at: datetime
    execution_on: date
    debtor: Debtor
    currency: str
    remittance: str
    bank_profile: str
    """Of the debtor's bank; how it wants its files is in ``domain/banks.py``."""
    instant: bool
    """Whether the programme wants instant payments."""
    payments: Sequence[CreditTransfer]
    """In the order in which they stand in the file."""


class Rail(Protocol):
    """A way of paying. Rails keep no state and know no database."""

    name: str
    """As a programme's setting names it."""
    media_type: str
    extension: str

    def pays(self, currency: str) -> bool:
        """Whether this rail carries the currency."""
        ...

    def reach(self) -> Reach:
        """Whom it reaches, and how much one payment may carry."""
        ...

    def per_file(self, bank_profile: str) -> int:
        """The most payments that go into one file."""
        ...

    def render(self, order: PaymentOrder) -> bytes:
        """The bytes of the file."""
        ...

    def verify(self, content: bytes, order: PaymentOrder) -> None:
        """Read the bytes back and compare them with the order. Raises ``FileNotVerified`` on any
        difference.
        """
        ...
