"""What a referrer brought along from another tool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from app.ledger.models import LedgerAccount, LedgerEntry

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.ledger.balances import Balance


def opening_balance(session: Session, referrer_id: int, money: Balance) -> int:
    """The sum of the referrer's opening balances in minor units; asks only where there is anything."""
    if not money.other:
        return 0
    wanted = select(func.coalesce(func.sum(LedgerEntry.amount_minor), 0)).where(
        LedgerEntry.referrer_id == referrer_id, LedgerEntry.account == LedgerAccount.OPENING
    )
    return session.scalars(wanted).one()
