"""Which payouts took a commission's money, and what the bank said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from app.ledger.models import LedgerAccount, LedgerEntry, TransactionKind
from app.payouts.models import Payout, PayoutRun
from app.referrals.models import Commission

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from sqlalchemy.orm import Session

    from app.payouts.domain.state import PayoutState


@dataclass(frozen=True, slots=True)
class TakenBy:
    """A payout that took the money of a commission's day along; ``reason_code`` is the bank's, for what failed."""

    run: str
    end_to_end_id: str
    state: PayoutState
    paid_on: date | None
    returned_on: date | None
    reason_code: str | None


def payouts_of_commissions(session: Session, commission_ids: Sequence[int]) -> dict[int, list[TakenBy]]:
    """By commission, the payouts that took the money of its day after it was earned, oldest first. One query.

    A payout takes all of a referrer's money of a day, so it cannot be told apart by commission any further.
    """
    if not commission_ids:
        return {}
    first_posted = (
        select(func.min(LedgerEntry.posted_at))
        .where(LedgerEntry.commission_id == Commission.id)
        .correlate(Commission)
        .scalar_subquery()
    )
    reserved = LedgerEntry.__table__.alias("reserved")
    rows = session.execute(
        select(
            Commission.id,
            PayoutRun.name,
            Payout.end_to_end_id,
            Payout.state,
            Payout.paid_on,
            Payout.returned_on,
            Payout.reason_code,
        )
        .join(
            reserved,
            (reserved.c.referrer_id == Commission.referrer_id)
            & (reserved.c.account == LedgerAccount.IN_FLIGHT)
            & (reserved.c.available_on == Commission.available_on)
            & (reserved.c.kind == TransactionKind.PAYOUT_RESERVED),
        )
        .join(Payout, Payout.id == reserved.c.payout_id)
        .join(PayoutRun, PayoutRun.id == Payout.run_id)
        .where(Commission.id.in_(commission_ids), reserved.c.posted_at >= first_posted)
        .order_by(Payout.id)
    )
    found: dict[int, list[TakenBy]] = {}
    for commission_id, run, end_to_end_id, state, paid_on, returned_on, reason in rows:
        taken = TakenBy(run, end_to_end_id, state, paid_on, returned_on, reason)
        found.setdefault(commission_id, []).append(taken)
    return found
