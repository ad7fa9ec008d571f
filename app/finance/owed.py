"""What the merchant owes its referrers: the accrued liability, and how old it is. From the entries themselves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, case, func, or_, select

from app.kernel import sheet
from app.kernel.money import Money
from app.ledger.models import VAT_KINDS, LedgerAccount, LedgerEntry, LedgerTransaction
from app.referrals.models import Referrer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

    from app.finance.basis import Basis

_CHUNK: Final = 1_000
_VAT: Final = or_(
    LedgerEntry.account == LedgerAccount.PAYABLE_VAT,
    and_(LedgerEntry.account == LedgerAccount.IN_FLIGHT, LedgerEntry.kind.in_(sorted(VAT_KINDS))),
)
_IN_FLIGHT: Final = and_(
    LedgerEntry.account == LedgerAccount.IN_FLIGHT, LedgerEntry.kind.not_in(sorted(VAT_KINDS))
)
_PAYABLE: Final = LedgerEntry.account == LedgerAccount.PAYABLE
_HELD: Final = LedgerEntry.account == LedgerAccount.HELD


@dataclass(frozen=True, slots=True)
class Owed:
    """What is owed, in minor units: commissions net of VAT, and VAT of self-billing documents beside them."""

    pending: int = 0
    available: int = 0
    held: int = 0
    in_flight: int = 0
    vat: int = 0

    @property
    def total(self) -> int:
        """All of it, VAT included."""
        return self.pending + self.available + self.held + self.in_flight + self.vat


def liability_by_referrer(session: Session, basis: Basis) -> Iterator[tuple[str, Owed]]:
    """(code, what is owed) of every referrer with whom something is open, by code; streamed."""
    sums = _sums(basis)
    wanted = (
        _entries(select(Referrer.code, *sums), basis)
        .join(Referrer, Referrer.id == LedgerEntry.referrer_id)
        .group_by(Referrer.code)
        .having(or_(*(each != 0 for each in sums)))
        .order_by(Referrer.code)
        .execution_options(yield_per=_CHUNK)
    )
    for code, *amounts in session.execute(wanted):
        yield code, Owed(*(int(each) for each in amounts))


def liability(session: Session, basis: Basis) -> Owed:
    """What is owed to all of them."""
    row = session.execute(_entries(select(*_sums(basis)), basis)).one()
    return Owed(*(int(each) for each in row))


def _sums(basis: Basis) -> list[ColumnElement[int]]:
    matured = LedgerEntry.available_on <= basis.day
    return [
        _sum(and_(_PAYABLE, ~matured)),
        _sum(and_(_PAYABLE, matured)),
        _sum(_HELD),
        _sum(_IN_FLIGHT),
        _sum(_VAT),
    ]


def _sum(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, -LedgerEntry.amount_minor), else_=0)), 0)


def _entries(wanted: Select[*tuple[Any, ...]], basis: Basis) -> Select[*tuple[Any, ...]]:
    return wanted.join_from(
        LedgerEntry, LedgerTransaction, LedgerTransaction.id == LedgerEntry.transaction_id
    ).where(LedgerEntry.program_id == basis.program_id, LedgerEntry.referrer_id.is_not(None), basis.which)


_BUCKETS: Final = ((30, "0-30"), (60, "31-60"), (90, "61-90"))
NOT_DUE: Final = "not_due"
OLDEST: Final = "over_90"
BUCKETS: Final = (NOT_DUE, *(name for _, name in _BUCKETS), OLDEST)
"""How long ago money became payable, in days; ``not_due`` will only be."""


@dataclass(frozen=True, slots=True)
class Aged:
    """What of the liability became payable so long ago, in minor units."""

    bucket: str
    payable: int
    held: int
    in_flight: int
    vat: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.payable + self.held + self.in_flight + self.vat


def ageing(session: Session, basis: Basis) -> list[Aged]:
    """The liability by the day on which it became payable; the buckets add up to :func:`liability`."""
    on = LedgerEntry.available_on
    bucket = case(
        (on > basis.day, NOT_DUE),
        *((on >= basis.day - timedelta(days=days), name) for days, name in _BUCKETS),
        else_=OLDEST,
    )
    sums = [_sum(each) for each in (_PAYABLE, _HELD, _IN_FLIGHT, _VAT)]
    rows = session.execute(_entries(select(bucket, *sums), basis).group_by(bucket))
    found = {name: [int(each) for each in amounts] for name, *amounts in rows}
    return [Aged(name, *found.get(name, [0, 0, 0, 0])) for name in BUCKETS]


_COLUMNS: Final = ("referrer", "currency", "day", "pending", "available", "held", "in_flight", "vat", "total")


def liability_lines(session: Session, basis: Basis) -> Iterator[str]:
    """What is owed to each as lines of a CSV file, the first of which names the columns; amounts as 12.50."""
    yield sheet.line(_COLUMNS)
    for code, owed in liability_by_referrer(session, basis):
        amounts = (owed.pending, owed.available, owed.held, owed.in_flight, owed.vat, owed.total)
        shown = (Money(minor, basis.currency).decimal_string() for minor in amounts)
        yield sheet.line((sheet.text(code), basis.currency, basis.day.isoformat(), *shown))
