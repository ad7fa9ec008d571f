"""Everything that ``flask ledger check`` holds against the books."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.finance.sealing import AUDIT_BOOK
from app.ledger.books import closed_months_are_as_they_were
from app.ledger.seal_check import seals_hold
from app.ledger.seals import LEDGER_BOOK
from app.payouts.check import ALL_CHECKS

if TYPE_CHECKING:
    from app.ledger.check import Check

EVERY_CHECK: Final[dict[str, Check]] = {
    **ALL_CHECKS,
    "closed months are as they were": closed_months_are_as_they_were,
    "the sealed ledger is as it was": seals_hold(LEDGER_BOOK),
    "the sealed audit trail is as it was": seals_hold(AUDIT_BOOK),
}
"""What a payout run checks, and what nobody can have changed: closed months and sealed days. A run leaves those to the
command and the nightly job: they read every row that ever was.
"""
