"""Monthly statements, read from the ledger alone: a month that is over reads the same for ever."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import case, func, select

from app.kernel.clock import day_start, local_day
from app.kernel.errors import Conflict
from app.ledger.journal import write_balances
from app.ledger.models import VAT_KINDS, LedgerAccount, LedgerEntry, LedgerTransaction, TransactionKind
from app.payouts.domain.calendar import Period
from app.payouts.domain.statement import Movement, Origin, Owed, Statement, StatementLine
from app.payouts.models import Payout
from app.referrals.models import Commission, Order, OrderLine, Product, RateVersion, Referrer
from app.referrals.rate_parts import amount_at
from app.referrals.words import CommissionKind, RateKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ColumnElement, Row, Select
    from sqlalchemy.orm import Session

    from app.referrals.models import Program

_OWED: Final = (LedgerAccount.PAYABLE, LedgerAccount.HELD, LedgerAccount.IN_FLIGHT)
_NET: Final = LedgerEntry.kind.not_in(sorted(VAT_KINDS))
_MOVEMENTS: Final = {
    TransactionKind.COMMISSION: Movement.COMMISSION,
    TransactionKind.CLAWBACK: Movement.CLAWBACK,
    TransactionKind.REVIEW_REJECTION: Movement.REJECTED,
    TransactionKind.HOLD: Movement.HELD,
    TransactionKind.RELEASE: Movement.RELEASED,
    TransactionKind.PAYOUT_RESERVED: Movement.RESERVED,
    TransactionKind.PAYOUT_CANCELLED: Movement.UNDONE,
    TransactionKind.PAYOUT_REJECTED: Movement.UNDONE,
    TransactionKind.PAYOUT_BOOKED: Movement.PAID,
    TransactionKind.PAYOUT_RETURNED: Movement.RETURNED,
    TransactionKind.OPENING_BALANCE: Movement.OPENING,
    TransactionKind.ADJUSTMENT: Movement.ADJUSTMENT,
    TransactionKind.WRITE_OFF: Movement.WRITE_OFF,
}
_VAT_OF: Final = {
    TransactionKind.VAT_RESERVED: Movement.RESERVED,
    TransactionKind.VAT_CANCELLED: Movement.UNDONE,
    TransactionKind.VAT_REJECTED: Movement.UNDONE,
    TransactionKind.VAT_BOOKED: Movement.PAID,
    TransactionKind.VAT_RETURNED: Movement.RETURNED,
}
_WHERE: Final = {
    Movement.HELD: LedgerAccount.HELD,
    Movement.RELEASED: LedgerAccount.PAYABLE,
    Movement.RESERVED: LedgerAccount.IN_FLIGHT,
    Movement.UNDONE: LedgerAccount.PAYABLE,
}
"""Of what moves nothing: the account that it went to, whose entries say how much."""


def pseudonym(customer_id: int) -> str:
    """What a referrer calls a customer, as their pages write it."""
    return f"C-{customer_id:05d}"


class MonthNotOver(Conflict):
    """A statement of a month that still runs: it would say something else tomorrow."""

    title = "The month is not over"

    def __init__(self, period: Period) -> None:
        super().__init__(f"{period} is not over; its statement comes when it is")
        self.period = period


def statement_of(
    session: Session, program: Program, referrer: Referrer, period: Period, *, now: datetime
) -> Statement:
    """A finished month, by when things were posted (programme's time zone). Raises :class:`MonthNotOver`, and
    ``StatementDoesNotAddUp`` where the lines do not lead from the one balance to the other.
    """
    start, end = _bounds(program, period)
    if now < end:
        raise MonthNotOver(period)
    write_balances(session)
    return Statement(
        program=program.name,
        referrer=referrer.name,
        code=referrer.code,
        currency=program.currency,
        from_on=period.first_day,
        until_on=period.last_day,
        opening=_owed(session, referrer.id, start),
        closing=_owed(session, referrer.id, end),
        lines=tuple(_lines(session, program, referrer.id, start, end)),
    )


def made_at(program: Program, period: Period) -> datetime:
    """The instant that the file of a statement is dated by: its month's end."""
    return _bounds(program, period)[1].astimezone(UTC)


def months_of(session: Session, program: Program, referrer_id: int, *, now: datetime) -> list[Period]:
    """The finished months since the first movement, newest first."""
    first = session.scalar(
        select(func.min(LedgerEntry.posted_at)).where(LedgerEntry.referrer_id == referrer_id)
    )
    if first is None:
        return []
    oldest, months = Period.of(local_day(first, program.timezone)), []
    period = Period.of(local_day(now, program.timezone)).previous()
    while period >= oldest:
        months.append(period)
        period = period.previous()
    return months


def referrers_with_a_statement(session: Session, program: Program, period: Period) -> list[int]:
    """Referrers with a movement in the month or something owed at its end, by id."""
    start, end = _bounds(program, period)
    moved = LedgerEntry.posted_at >= start
    owed = func.sum(case((LedgerEntry.account.in_(_OWED) & _NET, LedgerEntry.amount_minor), else_=0))
    wanted = (
        select(LedgerEntry.referrer_id)
        .where(
            LedgerEntry.program_id == program.id,
            LedgerEntry.referrer_id.is_not(None),
            LedgerEntry.posted_at < end,
        )
        .group_by(LedgerEntry.referrer_id)
        .having((owed != 0) | (func.sum(case((moved, 1), else_=0)) > 0))
        .order_by(LedgerEntry.referrer_id)
    )
    return [referrer_id for referrer_id in session.scalars(wanted) if referrer_id is not None]


def _bounds(program: Program, period: Period) -> tuple[datetime, datetime]:
    """The month's first instant and the first one after it."""
    return (
        day_start(period.first_day, program.timezone),
        day_start(period.last_day + timedelta(days=1), program.timezone),
    )


def _owed(session: Session, referrer_id: int, before: datetime) -> Owed:
    """What the entries posted before an instant come to."""
    rows = session.execute(
        select(LedgerEntry.account, func.sum(LedgerEntry.amount_minor))
        .where(
            LedgerEntry.referrer_id == referrer_id,
            LedgerEntry.account.in_(_OWED),
            LedgerEntry.posted_at < before,
            _NET,
        )
        .group_by(LedgerEntry.account)
    )
    sums = {account: -int(total) for account, total in rows}
    return Owed(*(sums.get(account, 0) for account in _OWED))


def _lines(
    session: Session, program: Program, referrer_id: int, start: datetime, end: datetime
) -> Iterator[StatementLine]:
    """One line a transaction, in the order of the journal; the VAT of a payout goes with its line."""
    rows = session.execute(_transactions(referrer_id, start, end)).all()
    vat = {
        (row.payout_id, _VAT_OF[row.kind]): _vat(row)
        for row in rows
        if row.kind in _VAT_OF and row.payout_id is not None
    }
    for row in rows:
        movement = _MOVEMENTS.get(row.kind)
        if movement is None:
            continue
        yield StatementLine(
            on=local_day(row.posted_at, program.timezone),
            movement=movement,
            amount_minor=_amount(row, movement),
            origin=_origin(row),
            reference=row.end_to_end_id or "",
            vat_minor=vat.pop((row.payout_id, movement), 0),
        )
    for (_, movement), amount in vat.items():
        # A payout that carried VAT alone: nothing net moved, and its line says only that.
        yield StatementLine(
            local_day(end, program.timezone) - timedelta(days=1), movement, 0, vat_minor=amount
        )


def _amount(row: Row[*tuple[Any, ...]], movement: Movement) -> int:
    if movement in _WHERE:
        sums = {
            LedgerAccount.HELD: row.held,
            LedgerAccount.PAYABLE: row.payable,
            LedgerAccount.IN_FLIGHT: row.in_flight,
        }
        return -int(sums[_WHERE[movement]])
    return -int(row.payable + row.held + row.in_flight)


def _vat(row: Row[*tuple[Any, ...]]) -> int:
    """What of the VAT moved, with the sign of the payout's own line."""
    if row.kind is TransactionKind.VAT_BOOKED:
        return -int(row.in_flight)
    return -int(row.in_flight if row.kind is TransactionKind.VAT_RESERVED else row.payable_vat)


def _sum(account: LedgerAccount) -> ColumnElement[int]:
    return func.sum(case((LedgerEntry.account == account, LedgerEntry.amount_minor), else_=0))


def _transactions(referrer_id: int, start: datetime, end: datetime) -> Select[*tuple[Any, ...]]:
    """Every transaction of the month with what it did to the referrer's accounts, and what it comes from."""
    sums = (
        select(
            LedgerEntry.transaction_id,
            func.max(LedgerEntry.commission_id).label("commission_id"),
            func.max(LedgerEntry.payout_id).label("payout_id"),
            _sum(LedgerAccount.PAYABLE).label("payable"),
            _sum(LedgerAccount.HELD).label("held"),
            _sum(LedgerAccount.IN_FLIGHT).label("in_flight"),
            _sum(LedgerAccount.PAYABLE_VAT).label("payable_vat"),
        )
        .where(
            LedgerEntry.referrer_id == referrer_id,
            LedgerEntry.posted_at >= start,
            LedgerEntry.posted_at < end,
        )
        .group_by(LedgerEntry.transaction_id)
        .subquery()
    )
    return (
        select(
            LedgerTransaction.kind,
            LedgerTransaction.posted_at,
            sums.c.payout_id,
            sums.c.payable,
            sums.c.held,
            sums.c.in_flight,
            sums.c.payable_vat,
            Payout.end_to_end_id,
            Commission.kind.label("pays"),
            Commission.base_minor,
            Order.customer_id,
            OrderLine.sku,
            Product.name.label("product"),
            RateVersion,
            Commission.tier_from,
        )
        .join(LedgerTransaction, LedgerTransaction.id == sums.c.transaction_id)
        .outerjoin(Payout, Payout.id == sums.c.payout_id)
        .outerjoin(Commission, Commission.id == sums.c.commission_id)
        .outerjoin(Order, Order.id == Commission.order_id)
        .outerjoin(OrderLine, OrderLine.id == Commission.order_line_id)
        .outerjoin(Product, Product.id == OrderLine.product_id)
        .outerjoin(RateVersion, RateVersion.id == Commission.rate_version_id)
        .order_by(LedgerTransaction.id)
    )


def _origin(row: Row[*tuple[Any, ...]]) -> Origin | None:
    if row.pays is None:
        return None
    rate = amount_at(row.RateVersion, row.tier_from)
    return Origin(
        product=row.product or row.sku or "",
        customer=pseudonym(row.customer_id),
        base_minor=row.base_minor,
        rate_ppm=rate if row.RateVersion.kind is RateKind.PERCENT else None,
        flat_minor=rate if row.RateVersion.kind is RateKind.FLAT else None,
        is_bonus=row.pays is CommissionKind.BONUS,
    )
