"""The journal of one month as rows: every ledger entry with its transaction, and the settings it is written with."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import select

from app.finance.settings import Bookkeeping, settings_of
from app.kernel import sheet
from app.kernel.money import Money
from app.ledger.books import booked_in, closings
from app.ledger.models import LedgerAccount, LedgerClosing, LedgerEntry, LedgerTransaction, TransactionKind
from app.payouts.domain.calendar import Period
from app.payouts.models import Payout
from app.referrals.models import Referrer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    from app.referrals.models import Program

_CHUNK: Final = 1_000


@dataclass(frozen=True, slots=True)
class Month:
    """One month of a programme's books. Of a closed one (``closed_at``) everything is as it was when it was closed."""

    program_id: int
    slug: str
    currency: str
    timezone: str
    period: Period
    bookkeeping: Bookkeeping
    closed_at: datetime | None


class JournalRow(NamedTuple):
    """One entry; ``amount_minor`` above zero is a debit. Of people only the code, which erasure leaves."""

    transaction: int
    effective_on: date
    posted_at: datetime
    kind: TransactionKind
    memo: str | None
    entry: int
    account: LedgerAccount
    amount_minor: int
    available_on: date
    referrer: str | None
    commission: int | None
    payout: str | None


def month_of(session: Session, program: Program, period: str) -> Month:
    """A programme's month, with the settings of its closing or those of now. Raises ``UnknownPeriod``."""
    month = Period.parse(period)
    closing = session.scalar(
        select(LedgerClosing).where(
            LedgerClosing.program_id == program.id, LedgerClosing.period == str(month)
        )
    )
    kept = settings_of(session, program.id) if closing is None else Bookkeeping.from_stored(closing.settings)
    return Month(
        program.id,
        program.slug,
        program.currency,
        program.timezone,
        month,
        kept,
        None if closing is None else closing.closed_at,
    )


def journal(session: Session, month: Month) -> Iterator[JournalRow]:
    """The entries that count in the month, by transaction and entry; streamed."""
    closed = closings(session, month.program_id)
    rows = session.execute(
        select(
            LedgerTransaction.id,
            LedgerTransaction.effective_on,
            LedgerTransaction.posted_at,
            LedgerTransaction.kind,
            LedgerTransaction.memo,
            LedgerEntry.id,
            LedgerEntry.account,
            LedgerEntry.amount_minor,
            LedgerEntry.available_on,
            Referrer.code,
            LedgerEntry.commission_id,
            Payout.end_to_end_id,
        )
        .join(LedgerEntry, LedgerEntry.transaction_id == LedgerTransaction.id)
        .outerjoin(Referrer, Referrer.id == LedgerEntry.referrer_id)
        .outerjoin(Payout, Payout.id == LedgerEntry.payout_id)
        .where(
            LedgerTransaction.program_id == month.program_id,
            booked_in(month.period.first_day, month.period.next().first_day, closed),
        )
        .order_by(LedgerTransaction.id, LedgerEntry.id)
        .execution_options(yield_per=_CHUNK)
    )
    for row in rows:
        yield JournalRow._make(row)


def by_transaction(rows: Iterable[JournalRow]) -> Iterator[list[JournalRow]]:
    """The entries of one transaction at a time."""
    for _number, group in groupby(rows, key=lambda row: row.transaction):
        yield list(group)


_COLUMNS: Final = (
    "transaction",
    "period",
    "effective_on",
    "posted_at",
    "kind",
    "ledger_account",
    "account",
    "debit",
    "credit",
    "currency",
    "available_on",
    "referrer",
    "commission",
    "payout",
    "memo",
)


def journal_lines(session: Session, month: Month) -> Iterator[str]:
    """The journal as lines of a CSV file, the first of which names the columns; amounts as 12.50."""
    yield sheet.line(_COLUMNS)
    numbers = month.bookkeeping.accounts
    for row in journal(session, month):
        amount = Money(abs(row.amount_minor), month.currency).decimal_string()
        yield sheet.line(
            (
                str(row.transaction),
                str(month.period),
                row.effective_on.isoformat(),
                row.posted_at.isoformat(timespec="microseconds"),
                row.kind.value,
                row.account.value,
                numbers[row.account.value],
                amount if row.amount_minor > 0 else "",
                amount if row.amount_minor < 0 else "",
                month.currency,
                row.available_on.isoformat(),
                sheet.text(row.referrer),
                str(row.commission or ""),
                row.payout or "",
                sheet.text(row.memo),
            )
        )
