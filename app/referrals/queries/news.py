"""What moved a referrer's money since an instant, as the journal knew it, summed by the hour. One query."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from app.ledger.models import LedgerAccount, LedgerEntry, TransactionKind
from app.referrals.queries.activity import hour_of

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

LATE_DAYS: Final = 100
"""Money whose date lies further back than this before the instant is no news that is looked for."""

_EARNED: Final = (TransactionKind.COMMISSION, TransactionKind.CLAWBACK)
_REVIEWED: Final = (TransactionKind.HOLD, TransactionKind.RELEASE, TransactionKind.REVIEW_REJECTION)


@dataclass(frozen=True, slots=True)
class Moved:
    """Money of one kind within one hour; ``at`` is the last of it.

    ``amount_minor`` is what the referrer has more by it, or less; of a review, what it moved into it, or out.
    """

    kind: TransactionKind
    at: datetime
    amount_minor: int
    commissions: int
    """How many commissions it belongs to."""


def moved_since(session: Session, referrer_id: int, since: datetime) -> list[Moved]:
    """Commissions earned, taken back, taken under review, released and rejected, posted from ``since`` on.

    The index leads along the dates of the money, so that only the last months of a large journal are read.
    """
    hour = hour_of(LedgerEntry.posted_at)
    wanted = (
        select(
            LedgerEntry.kind,
            func.max(LedgerEntry.posted_at),
            -func.sum(LedgerEntry.amount_minor),
            func.count(LedgerEntry.commission_id.distinct()),
        )
        .where(
            LedgerEntry.referrer_id == referrer_id,
            LedgerEntry.account.in_((LedgerAccount.PAYABLE, LedgerAccount.HELD)),
            LedgerEntry.available_on >= (since - timedelta(days=LATE_DAYS)).date(),
            LedgerEntry.posted_at >= since,
            LedgerEntry.kind.in_(_EARNED)
            | (LedgerEntry.kind.in_(_REVIEWED) & (LedgerEntry.account == LedgerAccount.HELD)),
        )
        .group_by(LedgerEntry.kind, hour)
    )
    return [
        Moved(kind, when, int(amount), int(count)) for kind, when, amount, count in session.execute(wanted)
    ]
