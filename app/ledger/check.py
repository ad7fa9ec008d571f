"""The invariants of the journal, checked from the entries themselves.

Every higher slice adds those that tie its own rows to the ledger (``referrals/check.py``, ``payouts/check.py``).
A check yields one line for each thing that is wrong, naming it; nothing when all is well. Each is one or two queries
that let the database do the sums.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import String, case, cast, func, literal, select, true, union_all

from app.ledger.journal import figure_of, write_balances
from app.ledger.models import (
    VAT_FIGURES,
    Figure,
    LedgerAccount,
    LedgerBalance,
    LedgerEntry,
    LedgerTransaction,
    TransactionKind,
)

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import InstrumentedAttribute, Session

Check = Callable[["Session", int | None], Iterator[str]]
"""``check(session, program_id)``: what is wrong, for one programme or (``None``) all."""

_SIDES: Final = 2
_A: Final = LedgerAccount
_ACCOUNTS: Final = {
    TransactionKind.COMMISSION: {_A.COMMISSION_EXPENSE, _A.PAYABLE, _A.HELD},
    TransactionKind.CLAWBACK: {_A.COMMISSION_EXPENSE, _A.PAYABLE, _A.HELD},
    TransactionKind.HOLD: {_A.PAYABLE, _A.HELD},
    TransactionKind.RELEASE: {_A.PAYABLE, _A.HELD},
    TransactionKind.REVIEW_REJECTION: {_A.COMMISSION_EXPENSE, _A.PAYABLE, _A.HELD},
    TransactionKind.PAYOUT_RESERVED: {_A.PAYABLE, _A.IN_FLIGHT},
    TransactionKind.PAYOUT_CANCELLED: {_A.PAYABLE, _A.IN_FLIGHT},
    TransactionKind.PAYOUT_BOOKED: {_A.IN_FLIGHT, _A.BANK},
    TransactionKind.PAYOUT_REJECTED: {_A.PAYABLE, _A.IN_FLIGHT},
    TransactionKind.PAYOUT_RETURNED: {_A.PAYABLE, _A.BANK},
    TransactionKind.OPENING_BALANCE: {_A.OPENING, _A.PAYABLE},
    TransactionKind.ADJUSTMENT: {_A.COMMISSION_EXPENSE, _A.PAYABLE},
    TransactionKind.WRITE_OFF: {_A.COMMISSION_EXPENSE, _A.PAYABLE},
    TransactionKind.VAT_DOCUMENTED: {_A.INPUT_VAT, _A.PAYABLE_VAT},
    TransactionKind.VAT_RESERVED: {_A.PAYABLE_VAT, _A.IN_FLIGHT},
    TransactionKind.VAT_CANCELLED: {_A.PAYABLE_VAT, _A.IN_FLIGHT},
    TransactionKind.VAT_BOOKED: {_A.IN_FLIGHT, _A.BANK},
    TransactionKind.VAT_REJECTED: {_A.PAYABLE_VAT, _A.IN_FLIGHT},
    TransactionKind.VAT_RETURNED: {_A.PAYABLE_VAT, _A.BANK},
}
"""Which accounts each kind may touch (DESIGN.md 7)."""


@dataclass(frozen=True, slots=True)
class Broken:
    """An invariant that does not hold: its name and what breaks it."""

    invariant: str
    detail: str

    def __str__(self) -> str:
        """One line."""
        return f"{self.invariant}: {self.detail}"


def first_broken(session: Session, checks: dict[str, Check], program_id: int | None = None) -> Broken | None:
    """Run the checks in order; the first thing that is wrong, or ``None``."""
    write_balances(session)
    for invariant, check in checks.items():
        for detail in check(session, program_id):
            return Broken(invariant, detail)
    return None


def of_program(column: InstrumentedAttribute[int], program_id: int | None) -> ColumnElement[bool]:
    """The condition that narrows a query to one programme, where one is asked for."""
    return true() if program_id is None else column == program_id


def transactions_sum_to_zero(session: Session, program_id: int | None) -> Iterator[str]:
    """Debits equal credits in every transaction, and there are at least two sides."""
    sums = (
        select(
            LedgerTransaction.id,
            func.coalesce(func.sum(LedgerEntry.amount_minor), 0).label("total"),
            func.count(LedgerEntry.id).label("sides"),
        )
        .outerjoin(LedgerEntry, LedgerEntry.transaction_id == LedgerTransaction.id)
        .group_by(LedgerTransaction.id)
        .having(
            (func.coalesce(func.sum(LedgerEntry.amount_minor), 0) != 0)
            | (func.count(LedgerEntry.id) < _SIDES)
        )
    )
    for number, total, sides in session.execute(
        sums.where(of_program(LedgerTransaction.program_id, program_id))
    ):
        yield f"transaction {number} has {sides} entries that sum to {total}"


def entries_agree_with_their_transaction(session: Session, program_id: int | None) -> Iterator[str]:
    """An entry says of programme, currency, kind and time what its transaction says, and uses the kind's accounts."""
    allowed = case(
        *(
            (LedgerTransaction.kind == kind, LedgerEntry.account.in_(sorted(accounts)))
            for kind, accounts in _ACCOUNTS.items()
        ),
        else_=False,
    )
    wanted = (
        select(LedgerEntry.id, LedgerTransaction.id)
        .join(LedgerTransaction, LedgerTransaction.id == LedgerEntry.transaction_id)
        .where(
            (LedgerEntry.program_id != LedgerTransaction.program_id)
            | (LedgerEntry.currency != LedgerTransaction.currency)
            | (LedgerEntry.kind != LedgerTransaction.kind)
            | (LedgerEntry.posted_at != LedgerTransaction.posted_at)
            | ~allowed
        )
    )
    for entry, number in session.execute(wanted.where(of_program(LedgerEntry.program_id, program_id))):
        yield f"entry {entry} differs from its transaction {number} in programme, currency, kind, time or account"


def balances_equal_entries(session: Session, program_id: int | None) -> Iterator[str]:
    """The running balances are the sums of the entries, by referrer, figure and date."""
    figure = case(*((entry, literal(name.value)) for entry, name, _ in _figures()))
    signed = case(*((entry, LedgerEntry.amount_minor * sign) for entry, _, sign in _figures()))
    from_entries = select(
        LedgerEntry.referrer_id.label("referrer_id"),
        figure.label("figure"),
        LedgerEntry.available_on.label("available_on"),
        signed.label("amount"),
    ).where(LedgerEntry.referrer_id.is_not(None))
    from_balances = select(
        LedgerBalance.referrer_id,
        cast(LedgerBalance.figure, String),
        LedgerBalance.available_on,
        -LedgerBalance.amount_minor,
    )
    both = union_all(
        from_entries.where(of_program(LedgerEntry.program_id, program_id)),
        from_balances.where(of_program(LedgerBalance.program_id, program_id)),
    ).subquery()
    wanted = (
        select(both.c.referrer_id, both.c.figure, both.c.available_on, func.sum(both.c.amount))
        .group_by(both.c.referrer_id, both.c.figure, both.c.available_on)
        .having(func.sum(both.c.amount) != 0)
    )
    for referrer_id, name, on, difference in session.execute(wanted):
        yield f"referrer {referrer_id}: the entries of {name} on {on} differ from the balance by {difference}"


def _figures() -> Iterator[tuple[ColumnElement[bool], Figure, int]]:
    """Which entries belong to which figure, with which sign: few conditions, since most accounts have one figure."""
    for account in LedgerAccount:
        kinds: dict[tuple[Figure, int], list[TransactionKind]] = {}
        for kind in TransactionKind:
            kinds.setdefault(figure_of(account, kind), []).append(kind)
        for (figure, sign), some in kinds.items():
            entry = LedgerEntry.account == account
            yield (entry if len(kinds) == 1 else entry & LedgerEntry.kind.in_(some)), figure, sign


def nothing_held_or_in_flight_is_negative(session: Session, program_id: int | None) -> Iterator[str]:
    """Per referrer and date, ``held`` and ``in_flight`` are never below zero; per commission and payout neither."""
    for account, key in (
        (LedgerAccount.HELD, LedgerEntry.commission_id),
        (LedgerAccount.IN_FLIGHT, LedgerEntry.payout_id),
    ):
        wanted = (
            select(key, func.sum(LedgerEntry.amount_minor))
            .where(LedgerEntry.account == account)
            .group_by(key)
            .having(func.sum(LedgerEntry.amount_minor) > 0)
        )
        for number, total in session.execute(wanted.where(of_program(LedgerEntry.program_id, program_id))):
            yield f"{account.value} of {key.key.removesuffix('_id')} {number} is {-total}"


def every_referrer_adds_up(session: Session, program_id: int | None) -> Iterator[str]:
    """Per referrer, net of VAT: earned - clawed back + other = pending + available + held + in flight + paid."""
    plus = LedgerBalance.figure.in_([Figure.EARNED, Figure.OTHER])
    net = LedgerBalance.figure.not_in(sorted(VAT_FIGURES))
    for referrer_id, difference in session.execute(_sides(plus, net, program_id)):
        yield f"referrer {referrer_id}: what was earned and what became of it differ by {difference}"


def the_vat_of_every_referrer_adds_up(session: Session, program_id: int | None) -> Iterator[str]:
    """Per referrer: VAT documented = VAT payable + VAT in flight + VAT paid."""
    plus = LedgerBalance.figure == Figure.VAT_DOCUMENTED
    vat = LedgerBalance.figure.in_(sorted(VAT_FIGURES))
    for referrer_id, difference in session.execute(_sides(plus, vat, program_id)):
        yield f"referrer {referrer_id}: the VAT of documents and what became of it differ by {difference}"


def _sides(plus: ColumnElement[bool], which: ColumnElement[bool], program_id: int | None) -> Select[int, int]:
    """The referrers of whom the figures ``plus`` are not the sum of the others among ``which``, with the difference."""
    side = case((plus, LedgerBalance.amount_minor), else_=-LedgerBalance.amount_minor)
    return (
        select(LedgerBalance.referrer_id, func.sum(side))
        .where(which, of_program(LedgerBalance.program_id, program_id))
        .group_by(LedgerBalance.referrer_id)
        .having(func.sum(side) != 0)
    )


LEDGER_CHECKS: Final[dict[str, Check]] = {
    "every transaction sums to zero": transactions_sum_to_zero,
    "entries agree with their transaction": entries_agree_with_their_transaction,
    "balances equal the entries": balances_equal_entries,
    "held and in flight are never negative": nothing_held_or_in_flight_is_negative,
    "every referrer adds up": every_referrer_adds_up,
    "the VAT of every referrer adds up": the_vat_of_every_referrer_adds_up,
}
