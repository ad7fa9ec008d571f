"""Closing a month of a programme's books: for good."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from app.finance.errors import MonthClosed, MonthNotOver, NotTheNextMonth, PaidFirst
from app.finance.settings import settings_of
from app.identity.audit import record_event
from app.kernel.clock import local_day
from app.kernel.db import table_of
from app.ledger.books import Closing, Totals, closings, newly_closed, totals
from app.ledger.models import LedgerClosing, LedgerTransaction
from app.ledger.watermark import highest_settled
from app.payouts.check import require_sound_books
from app.payouts.domain.calendar import Period
from app.payouts.runs import run_to_come
from app.referrals.models import Program

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.identity.audit import Actor
    from app.kernel.db import Database


@dataclass(frozen=True, slots=True)
class Closed:
    """A closed month: what it closed, which is everything since the month closed before it."""

    period: str
    totals: Totals


def close_period(db: Database, program_id: int, period: str, *, by: Actor, now: datetime) -> Closed:
    """Close a finished month; what becomes known of it later counts in the first open month.

    Payout runs must be drafted but need not be closed: what is in flight at the month's end is owed, and its report
    says so. Raises ``UnknownPeriod``, :class:`MonthNotOver`, :class:`MonthClosed`, :class:`NotTheNextMonth`,
    :class:`PaidFirst`, ``BooksDoNotAddUp``, ``BooksBusy``.
    """
    month = Period.parse(period)
    require_sound_books(db, program_id)
    with db.reading() as session:
        require_next(session, session.get_one(Program, program_id), month, now)
    # A transaction of its own: nobody waits for the counting that follows. What is posted meanwhile has higher numbers.
    with db.transaction() as session:
        last = highest_settled(session, table_of(LedgerTransaction))
    try:
        with db.transaction() as session:
            return _close(session, session.get_one(Program, program_id), month, last, by, now)
    except IntegrityError as error:
        # The race: two people close the same month. The numbers of the first one stand.
        raise MonthClosed(period) from error


def require_next(session: Session, program: Program, month: Period, now: datetime) -> None:
    """Raise unless ``month`` is over, its payout run is drafted where the scheduler drafts it, and it is the one to
    close next; the first to be closed may be any.
    """
    closed = closings(session, program.id)
    if closed and str(month) <= closed[-1].period:
        raise MonthClosed(str(month))
    if month.last_day >= local_day(now, program.timezone):
        raise MonthNotOver(str(month))
    if closed and month != (expected := Period.parse(closed[-1].period).next()):
        raise NotTheNextMonth(str(month), str(expected))
    if run_to_come(session, program, month, now):
        raise PaidFirst(str(month), month.next().payout_day(program.payout_day))


def _close(session: Session, program: Program, month: Period, last: int, by: Actor, now: datetime) -> Closed:
    require_next(session, program, month, now)
    before = closings(session, program.id)
    this = Closing(str(month), month.next().first_day, last)
    closed = totals(session, program.id, newly_closed(before, this))
    session.add(
        LedgerClosing(
            program_id=program.id,
            period=this.period,
            end_on=this.end,
            last_transaction_id=last,
            transaction_count=closed.transactions,
            debits_minor=closed.debits_minor,
            settings=settings_of(session, program.id).as_stored(),
            closed_at=now,
            closed_by=by.label,
        )
    )
    facts = {
        "period": this.period,
        "transactions": closed.transactions,
        "debits_minor": closed.debits_minor,
        "last_transaction": last,
    }
    subject = f"program:{program.slug}"
    record_event(session, by, "books.closed", subject, facts, now=now, program_id=program.id)
    session.flush()
    return Closed(this.period, closed)


def next_to_close(session: Session, program: Program, now: datetime) -> Period | None:
    """The month that may be closed now: the one after the last closed, at first the earliest with anything in it."""
    closed = closings(session, program.id)
    if closed:
        month = Period.parse(closed[-1].period).next()
    else:
        first = first_month(session, program.id)
        if first is None:
            return None
        month = first
    return month if month.last_day < local_day(now, program.timezone) else None


def first_month(session: Session, program_id: int) -> Period | None:
    """The earliest month with anything in it."""
    wanted = select(func.min(LedgerTransaction.effective_on)).where(
        LedgerTransaction.program_id == program_id
    )
    first = session.scalar(wanted)
    return None if first is None else Period.of(first)


def months_closed(session: Session, program_id: int) -> Sequence[LedgerClosing]:
    """The closings of a programme, newest first."""
    wanted = select(LedgerClosing).where(LedgerClosing.program_id == program_id)
    return session.scalars(wanted.order_by(LedgerClosing.period.desc())).all()
