"""The invariants that tie commissions to the ledger, for ``flask ledger check``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import case, func, select

from app.ledger.check import Check, of_program
from app.ledger.models import LedgerAccount, LedgerEntry, TransactionKind
from app.referrals.models import Commission, Hold, HoldState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

_OWED: Final = (LedgerAccount.PAYABLE, LedgerAccount.HELD)


def commissions_equal_their_entries(session: Session, program_id: int | None) -> Iterator[str]:
    """Per commission, its entries come to the stored earned amount, target and held amount."""
    earned = _sum(LedgerEntry.kind == TransactionKind.COMMISSION, LedgerAccount.COMMISSION_EXPENSE)
    owed = -func.coalesce(
        func.sum(case((LedgerEntry.account.in_(_OWED), LedgerEntry.amount_minor), else_=0)), 0
    )
    held = -_sum(LedgerEntry.account == LedgerAccount.HELD, LedgerAccount.HELD)
    wanted = (
        select(Commission.id, Commission.target_minor, owed)
        .outerjoin(LedgerEntry, LedgerEntry.commission_id == Commission.id)
        .group_by(Commission.id)
        .having(
            (owed != Commission.target_minor)
            | (earned != Commission.earned_minor)
            | (held != Commission.held_minor)
        )
    )
    for number, target, posted in session.execute(
        wanted.where(of_program(Commission.program_id, program_id))
    ):
        yield f"commission {number} has a target of {target} and entries of {posted} (or earned or held differ)"


def entries_carry_their_commissions_date(session: Session, program_id: int | None) -> Iterator[str]:
    """Every movement of a commission's money carries its referrer and its ``available_on``."""
    wanted = (
        select(LedgerEntry.id, Commission.id)
        .join(Commission, Commission.id == LedgerEntry.commission_id)
        .where(
            (LedgerEntry.available_on != Commission.available_on)
            | (LedgerEntry.referrer_id != Commission.referrer_id)
            | (LedgerEntry.program_id != Commission.program_id)
        )
    )
    for entry, number in session.execute(wanted.where(of_program(LedgerEntry.program_id, program_id))):
        yield f"entry {entry} differs from its commission {number} in date, referrer or programme"


def only_what_is_under_review_is_held(session: Session, program_id: int | None) -> Iterator[str]:
    """A commission has money on ``held`` only while a hold is open."""
    open_hold = (
        select(Hold.id).where(Hold.commission_id == Commission.id, Hold.state == HoldState.OPEN).exists()
    )
    wanted = select(Commission.id, Commission.held_minor).where(Commission.held_minor > 0, ~open_hold)
    for number, held in session.execute(wanted.where(of_program(Commission.program_id, program_id))):
        yield f"commission {number} has {held} held and no open review"


def _sum(condition: ColumnElement[bool], account: LedgerAccount) -> ColumnElement[int]:
    return func.coalesce(
        func.sum(case((condition & (LedgerEntry.account == account), LedgerEntry.amount_minor), else_=0)), 0
    )


REFERRAL_CHECKS: Final[dict[str, Check]] = {
    "commissions equal their entries": commissions_equal_their_entries,
    "entries carry their commission's date": entries_carry_their_commissions_date,
    "only what is under review is held": only_what_is_under_review_is_held,
}
