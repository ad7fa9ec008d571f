"""In which month a transaction counts, and that a closed month stays as it was.

A transaction counts in the month of its ``effective_on``. What was not known yet when that month was closed counts in
the first month that was open then, and keeps its ``effective_on``. Which month that is follows from the number of the
transaction and the closings alone: each closing keeps the highest number that there was, so nothing has to be looked
up or locked where money is posted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import and_, case, func, not_, select, true

from app.ledger.models import LedgerClosing, LedgerEntry, LedgerTransaction

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Closing:
    """A month that is closed, by the day after its end: everything effective before ``end`` and numbered up to
    ``last_transaction_id`` is in it or in an earlier one.
    """

    period: str
    end: date
    last_transaction_id: int


def closings(session: Session, program_id: int) -> list[Closing]:
    """The closed months of a programme, oldest first."""
    rows = session.execute(
        select(LedgerClosing.period, LedgerClosing.end_on, LedgerClosing.last_transaction_id)
        .where(LedgerClosing.program_id == program_id)
        .order_by(LedgerClosing.period)
    )
    return [Closing(*row) for row in rows]


def is_closed(session: Session, program_id: int, period: str) -> bool:
    """Whether a month ("2026-10") of a programme is closed."""
    wanted = select(func.max(LedgerClosing.period)).where(LedgerClosing.program_id == program_id)
    return period <= (session.scalar(wanted) or "")


def booked_before(end: date, closed: Sequence[Closing]) -> ColumnElement[bool]:
    """The condition on :class:`LedgerTransaction`: it counts in a month before ``end``, the first day of a month."""
    after = next((each for each in closed if each.end >= end), None)
    known = true() if after is None else LedgerTransaction.id <= after.last_transaction_id
    return and_(LedgerTransaction.effective_on < end, known)


def booked_in(start: date, end: date, closed: Sequence[Closing]) -> ColumnElement[bool]:
    """The condition on :class:`LedgerTransaction`: it counts in a month from ``start`` up to ``end`` (both firsts of a
    month, half-open).
    """
    return and_(booked_before(end, closed), not_(booked_before(start, closed)))


def newly_closed(before: Sequence[Closing], this: Closing) -> ColumnElement[bool]:
    """The condition on :class:`LedgerTransaction`: ``this`` closes it, and none of those before did."""
    everything = [*before, this]
    if not before:
        return booked_before(this.end, everything)
    return booked_in(before[-1].end, this.end, everything)


@dataclass(frozen=True, slots=True)
class Totals:
    """How many transactions there are, and the sum of their debits in minor units."""

    transactions: int
    debits_minor: int


def totals(session: Session, program_id: int, which: ColumnElement[bool]) -> Totals:
    """Count and sum of a programme's transactions that ``which`` chooses."""
    debit = case((LedgerEntry.amount_minor > 0, LedgerEntry.amount_minor), else_=0)
    count, debits = session.execute(
        select(func.count(LedgerTransaction.id.distinct()), func.coalesce(func.sum(debit), 0))
        .outerjoin(LedgerEntry, LedgerEntry.transaction_id == LedgerTransaction.id)
        .where(LedgerTransaction.program_id == program_id, which)
    ).one()
    return Totals(int(count), int(debits))


def closed_months_are_as_they_were(session: Session, program_id: int | None) -> Iterator[str]:
    """Each closing counts and sums what it closed; all months of a programme in one pass over its entries."""
    wanted = select(LedgerClosing.program_id).distinct().order_by(LedgerClosing.program_id)
    if program_id is not None:
        wanted = wanted.where(LedgerClosing.program_id == program_id)
    for each in session.scalars(wanted).all():
        yield from _differences(session, each)


def _differences(session: Session, program_id: int) -> Iterator[str]:
    closed = closings(session, program_id)
    period = case(*((booked_before(each.end, closed), each.period) for each in closed))
    debit = case((LedgerEntry.amount_minor > 0, LedgerEntry.amount_minor), else_=0)
    rows = session.execute(
        select(period, func.count(LedgerTransaction.id.distinct()), func.coalesce(func.sum(debit), 0))
        .outerjoin(LedgerEntry, LedgerEntry.transaction_id == LedgerTransaction.id)
        .where(LedgerTransaction.program_id == program_id)
        .group_by(period)
    )
    there = {name: (int(count), int(debits)) for name, count, debits in rows}
    stored = session.execute(
        select(LedgerClosing.period, LedgerClosing.transaction_count, LedgerClosing.debits_minor)
        .where(LedgerClosing.program_id == program_id)
        .order_by(LedgerClosing.period)
    )
    for name, count, debits in stored:
        found = there.get(name, (0, 0))
        if found != (count, debits):
            yield f"{name} was closed with {count} transactions of {debits} and now has {found[0]} of {found[1]}"
