"""How a commission's money moves: each change of its target becomes entries that point at it, never an edit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from app.ledger.journal import Entry, Posting
from app.ledger.models import LedgerAccount, LedgerEntry, TransactionKind

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.referrals.models import Commission

_EXPENSE, _PAYABLE, _HELD = LedgerAccount.COMMISSION_EXPENSE, LedgerAccount.PAYABLE, LedgerAccount.HELD


def retarget(commission: Commission, *, earned: int, target: int, currency: str, hold: bool) -> list[Posting]:
    """Change what a commission earned and what is left of it; the postings for the difference, none if none.

    Money that leaves is taken from ``held`` as far as this commission is held, then from ``payable``. Money that
    comes while the commission is under review (``hold``) moves on to ``held`` at once.
    """
    more_earned = earned - commission.earned_minor
    more_back = (earned - target) - (commission.earned_minor - commission.target_minor)
    commission.earned_minor, commission.target_minor = earned, target
    payable = 0
    postings: list[Posting] = []
    for kind, amount in ((TransactionKind.COMMISSION, more_earned), (TransactionKind.CLAWBACK, -more_back)):
        if not amount:
            continue
        from_held = min(commission.held_minor, -amount) if amount < 0 else 0
        commission.held_minor -= from_held
        to_payable = amount + from_held
        payable += to_payable
        entries = [(_EXPENSE, amount), (_PAYABLE, -to_payable), (_HELD, from_held)]
        postings.append(_posting(commission, kind, entries, currency))
    if hold and payable > 0:
        postings.append(move_to_held(commission, payable, currency))
    return postings


def move_to_held(commission: Commission, amount: int, currency: str) -> Posting:
    """Take ``amount`` (> 0) of it aside."""
    commission.held_minor += amount
    return _posting(commission, TransactionKind.HOLD, [(_PAYABLE, amount), (_HELD, -amount)], currency)


def release_held(commission: Commission, currency: str) -> Posting | None:
    """Give back what is held of it; ``None`` where nothing is."""
    amount, commission.held_minor = commission.held_minor, 0
    if not amount:
        return None
    return _posting(commission, TransactionKind.RELEASE, [(_HELD, amount), (_PAYABLE, -amount)], currency)


def reject_for_good(commission: Commission, currency: str) -> list[Posting]:
    """Take all that is left of it back, held first; its target stays zero from now on."""
    target, held = commission.target_minor, min(commission.held_minor, commission.target_minor)
    commission.target_minor, commission.rejected = 0, True
    commission.held_minor -= held
    if not target:
        return []
    entries = [(_HELD, held), (_PAYABLE, target - held), (_EXPENSE, -target)]
    return [_posting(commission, TransactionKind.REVIEW_REJECTION, entries, currency)]


def _posting(
    commission: Commission, kind: TransactionKind, amounts: list[tuple[LedgerAccount, int]], currency: str
) -> Posting:
    commission.postings += 1
    return Posting(
        program_id=commission.program_id,
        currency=currency,
        kind=kind,
        # Numbered under the customer's lock, so that a crash and a retry arrive at the same key.
        key=f"commission:{commission.id}:{commission.postings}",
        entries=tuple(
            Entry(
                account=account,
                amount_minor=amount,
                available_on=commission.available_on,
                referrer_id=commission.referrer_id,
                commission_id=commission.id,
            )
            for account, amount in amounts
            if amount
        ),
    )


def unreserved(session: Session, commission: Commission) -> int:
    """What of it no payout has taken yet, in minor units: its payable entries since the last live reservation.

    A reservation takes a whole day's money without naming commissions, so "taken" is a question of order: what was
    posted before it is in it. The caller holds the referrer's lock, so no reservation can come in between.
    """
    reserved = (
        select(LedgerEntry.payout_id, func.max(LedgerEntry.transaction_id).label("at"))
        .where(
            LedgerEntry.referrer_id == commission.referrer_id,
            LedgerEntry.account == LedgerAccount.PAYABLE,
            LedgerEntry.available_on == commission.available_on,
            LedgerEntry.payout_id.is_not(None),
        )
        .group_by(LedgerEntry.payout_id)
        .having(func.sum(LedgerEntry.amount_minor) != 0)
        .subquery()
    )
    last = session.scalar(select(func.max(reserved.c.at))) or 0
    amount = session.scalar(
        select(func.coalesce(func.sum(-LedgerEntry.amount_minor), 0)).where(
            LedgerEntry.commission_id == commission.id,
            LedgerEntry.account == LedgerAccount.PAYABLE,
            LedgerEntry.transaction_id > last,
        )
    )
    return max(0, int(amount or 0))
