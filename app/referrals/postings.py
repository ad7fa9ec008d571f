"""How a commission's money moves: each change of its target becomes entries that point at it, never an edit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import func, select

from app.kernel.clock import local_day
from app.ledger.journal import Entry, Posting, post_later, write_balances
from app.ledger.models import LedgerAccount, LedgerEntry, TransactionKind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from sqlalchemy.orm import Session


class Movable(Protocol):
    """A commission whose money moves: its stored row or its plain values (``rows.py``)."""

    program_id: int
    referrer_id: int
    paid_at: datetime
    available_on: date
    id: int
    earned_minor: int
    target_minor: int
    held_minor: int
    rejected: bool
    postings: int


_EXPENSE, _PAYABLE, _HELD = LedgerAccount.COMMISSION_EXPENSE, LedgerAccount.PAYABLE, LedgerAccount.HELD


@dataclass(frozen=True, slots=True)
class Movement:
    """A change of one commission that is decided and not yet posted: a new commission has no id until it is written.

    ``effective_at`` is when what it books happened; ``None`` where that is the posting itself.
    """

    commission: Movable
    number: int
    kind: TransactionKind
    amounts: tuple[tuple[LedgerAccount, int], ...]
    effective_at: datetime | None

    def posting(self, currency: str, effective_on: date) -> Posting:
        """What goes into the journal."""
        commission = self.commission
        return Posting(
            program_id=commission.program_id,
            currency=currency,
            kind=self.kind,
            # Numbered under the customer's lock, so that a crash and a retry arrive at the same key.
            key=f"commission:{commission.id}:{self.number}",
            entries=tuple(
                Entry(
                    account=account,
                    amount_minor=amount,
                    available_on=commission.available_on,
                    referrer_id=commission.referrer_id,
                    commission_id=commission.id,
                )
                for account, amount in self.amounts
                if amount
            ),
            effective_on=effective_on,
        )


def retarget(
    commission: Movable, *, earned: int, target: int, hold: bool, given_back_at: datetime | None
) -> list[Movement]:
    """Change what a commission earned and what is left of it; the movements of the difference, none if none.

    What is earned is effective when the order was paid, what is clawed back when it was given back.
    Money that leaves is taken from ``held`` as far as this commission is held, then from ``payable``. Money that
    comes while the commission is under review (``hold``) moves on to ``held`` at once.
    """
    more_earned = earned - commission.earned_minor
    more_back = (earned - target) - (commission.earned_minor - commission.target_minor)
    commission.earned_minor, commission.target_minor = earned, target
    payable = 0
    movements: list[Movement] = []
    for kind, amount, at in (
        (TransactionKind.COMMISSION, more_earned, commission.paid_at),
        (TransactionKind.CLAWBACK, -more_back, given_back_at),
    ):
        if not amount:
            continue
        from_held = min(commission.held_minor, -amount) if amount < 0 else 0
        commission.held_minor -= from_held
        to_payable = amount + from_held
        payable += to_payable
        amounts = ((_EXPENSE, amount), (_PAYABLE, -to_payable), (_HELD, from_held))
        movements.append(_movement(commission, kind, *amounts, effective_at=at))
    if hold and payable > 0:
        movements.append(move_to_held(commission, payable))
    return movements


def move_to_held(commission: Movable, amount: int) -> Movement:
    """Take ``amount`` (> 0) of it aside."""
    commission.held_minor += amount
    return _movement(commission, TransactionKind.HOLD, (_PAYABLE, amount), (_HELD, -amount))


def release_held(commission: Movable) -> list[Movement]:
    """Give back what is held of it, if anything is."""
    amount, commission.held_minor = commission.held_minor, 0
    if not amount:
        return []
    return [_movement(commission, TransactionKind.RELEASE, (_HELD, amount), (_PAYABLE, -amount))]


def reject_for_good(commission: Movable) -> list[Movement]:
    """Take all that is left of it back, held first; its target stays zero from now on."""
    target, held = commission.target_minor, min(commission.held_minor, commission.target_minor)
    commission.target_minor, commission.rejected = 0, True
    commission.held_minor -= held
    if not target:
        return []
    amounts = ((_HELD, held), (_PAYABLE, target - held), (_EXPENSE, -target))
    return [_movement(commission, TransactionKind.REVIEW_REJECTION, *amounts)]


def post_movements(
    session: Session, movements: Sequence[Movement], *, currency: str, timezone: str, posted_at: datetime
) -> None:
    """Post what was decided, once the commissions are written; days are those of the programme's ``timezone``."""
    if movements:
        session.flush()
        postings = [
            movement.posting(currency, local_day(movement.effective_at or posted_at, timezone))
            for movement in movements
        ]
        post_later(session, postings, posted_at=posted_at)


def _movement(
    commission: Movable,
    kind: TransactionKind,
    *amounts: tuple[LedgerAccount, int],
    effective_at: datetime | None = None,
) -> Movement:
    commission.postings += 1
    return Movement(commission, commission.postings, kind, amounts, effective_at)


def unreserved(session: Session, commission: Movable) -> int:
    """What of it no payout holds now, in minor units.

    A reservation takes a whole day's money without naming commissions, so whether it took this one is a question of
    order: each payable entry went into the first reservation after it; where that payout gave its money back, into the
    first one after that; and so on. The caller holds the referrer's lock, so no reservation can come in between.
    """
    write_balances(session)
    taken = _reservations(session, commission)
    entries = session.execute(
        select(LedgerEntry.transaction_id, -LedgerEntry.amount_minor).where(
            LedgerEntry.commission_id == commission.id, LedgerEntry.account == LedgerAccount.PAYABLE
        )
    )
    return max(0, sum(amount for at, amount in entries if _is_free(at, taken)))


def _reservations(session: Session, commission: Movable) -> list[tuple[int, int | None]]:
    """(reserved at, given back at) of each payout of that referrer and date, as transaction numbers, in order."""
    rows = session.execute(
        select(
            func.min(LedgerEntry.transaction_id),
            func.max(LedgerEntry.transaction_id),
            func.sum(LedgerEntry.amount_minor),
        )
        .where(
            LedgerEntry.referrer_id == commission.referrer_id,
            LedgerEntry.account == LedgerAccount.PAYABLE,
            LedgerEntry.available_on == commission.available_on,
            LedgerEntry.payout_id.is_not(None),
        )
        .group_by(LedgerEntry.payout_id)
        .order_by(func.min(LedgerEntry.transaction_id))
    )
    return [(reserved, None if left else last) for reserved, last, left in rows]


def _is_free(at: int, reservations: Sequence[tuple[int, int | None]]) -> bool:
    for reserved, given_back in reservations:
        if reserved > at:
            if given_back is None:
                return False
            at = given_back
    return True
