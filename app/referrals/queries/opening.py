"""What a referrer has beside what it earned here: brought along from another tool, or adjusted."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import func, select

from app.ledger.models import LedgerAccount, LedgerEntry

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.ledger.balances import Balance


class BesideEarned(NamedTuple):
    """In minor units: ``earned - clawed_back + opening + adjustments`` is all that a referrer has or was paid."""

    opening: int
    adjustments: int
    """Adjustments and write-offs."""


def beside_earned(
    session: Session, referrer_id: int, money: Balance, as_of: datetime | None = None
) -> BesideEarned:
    """The two parts of a balance's ``other``; ``as_of`` as the balance was read."""
    opening = opening_balance(session, referrer_id, as_of)
    return BesideEarned(opening, money.other - opening)


def opening_balance(session: Session, referrer_id: int, as_of: datetime | None = None) -> int:
    """The sum of the referrer's opening balances in minor units."""
    wanted = select(func.coalesce(func.sum(LedgerEntry.amount_minor), 0)).where(
        LedgerEntry.referrer_id == referrer_id, LedgerEntry.account == LedgerAccount.OPENING
    )
    return session.scalars(wanted if as_of is None else wanted.where(LedgerEntry.posted_at <= as_of)).one()
