"""What referrers brought between two days, from the facts themselves: cheap for a day, dear for a year."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from datetime import timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, cast

import sqlalchemy as sa
from sqlalchemy import func, literal, null, select, union_all

from app.kernel.clock import day_start
from app.kernel.db import connection_of
from app.referrals.domain.click_label import ClickLabel
from app.referrals.domain.exchange import exchange_factor
from app.referrals.models import GONE, Binding, ClickTotal, Commission, Order, OrderLine, Signup

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import InstrumentedAttribute, Session

    from app.referrals.models import Program

_HALF: Final = Fraction(1, 2)


@dataclass(slots=True)
class Brought:
    """What came by referral links; the fields are the columns of the totals. Amounts in the programme's currency."""

    clicks: int = 0
    signups: int = 0
    customers: int = 0
    orders: int = 0
    revenue_minor: int = 0
    commission_minor: int = 0

    def add(self, other: Brought) -> None:
        """Count the other's, too."""
        for name in NUMBERS:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def as_row(self) -> dict[str, int]:
        """By column."""
        return {name: getattr(self, name) for name in NUMBERS}


NUMBERS: Final = tuple(field.name for field in fields(Brought))


def sum_of(each: Iterable[Brought]) -> Brought:
    """All of them together."""
    total = Brought()
    for one in each:
        total.add(one)
    return total


def brought_between(session: Session, program: Program, first: date, last: date) -> dict[int, Brought]:
    """By referrer, what came from ``first`` to ``last`` (both included). One query, by indexes on programme and time.

    Orders in another currency count at the exchange rate that they keep; those that wait for one do not yet count.
    """
    start = day_start(first, program.timezone)
    end = day_start(last + timedelta(days=1), program.timezone)
    wanted = union_all(
        _clicks(program, first, last),
        _signups(program, start, end),
        _customers(program, start, end),
        _orders(program, start, end),
        _commissions(program, start, end),
    )
    found: dict[int, Brought] = {}
    for kind, referrer_id, count, minor, currency, exchange in connection_of(session).execute(wanted):
        brought = found.setdefault(referrer_id, Brought())
        match kind:
            case "clicks" | "signups" | "customers":
                setattr(brought, kind, int(count))
            case "commission":
                brought.commission_minor = int(minor)
            case _:
                brought.orders += int(count)
                brought.revenue_minor += _converted(int(minor), currency, exchange, program.currency)
    return found


def _converted(minor: int, currency: str, exchange: str | None, into: str) -> int:
    """Minor units of the programme's currency, rounded half up once; nothing while a rate is missing."""
    if currency == into:
        return minor
    rates = _rates(exchange)
    factor = exchange_factor(currency, into, rates) if rates is not None else None
    return int(minor * factor + _HALF) if factor is not None else 0


def _rates(exchange: str | None) -> dict[str, str] | None:
    kept = json.loads(exchange) if exchange else None
    return cast("dict[str, str]", kept["per_euro"]) if kept else None


def _row(
    kind: str,
    referrer_id: ColumnElement[Any] | InstrumentedAttribute[Any],
    *,
    count: ColumnElement[int] | None = None,
    minor: ColumnElement[int] | None = None,
    currency: ColumnElement[str] | None = None,
    exchange: ColumnElement[str] | None = None,
) -> Select[Any]:
    return select(
        literal(kind).label("kind"),
        referrer_id,
        sa.cast(null() if count is None else count, sa.BigInteger).label("count"),
        sa.cast(null() if minor is None else minor, sa.BigInteger).label("minor"),
        sa.cast(null() if currency is None else currency, sa.Text).label("currency"),
        sa.cast(null() if exchange is None else exchange, sa.Text).label("exchange"),
    ).group_by(referrer_id)


def _clicks(program: Program, first: date, last: date) -> Select[Any]:
    return _row("clicks", ClickTotal.referrer_id, count=func.sum(ClickTotal.count)).where(
        ClickTotal.program_id == program.id,
        ClickTotal.day.between(first, last),
        ClickTotal.label == ClickLabel.COUNTED.value,
    )


def _signups(program: Program, start: datetime, end: datetime) -> Select[Any]:
    """Customers who belonged to the referrer when they signed up."""
    at = Signup.signed_up_at
    return (
        _row("signups", Binding.referrer_id, count=func.count())
        .join_from(Signup, Binding, Binding.customer_id == Signup.customer_id)
        .where(
            Signup.program_id == program.id,
            *_within(at, start, end),
            Binding.from_at <= at,
            Binding.until_at.is_(None) | (Binding.until_at > at),
        )
    )


def _customers(program: Program, start: datetime, end: datetime) -> Select[Any]:
    first = (Binding.customer_id == Order.customer_id) & (Binding.first_paid_order == Order.order_id)
    return (
        _row("customers", Binding.referrer_id, count=func.count())
        .join_from(Order, Binding, first)
        .where(Order.program_id == program.id, *_within(Order.paid_at, start, end))
    )


def _orders(program: Program, start: datetime, end: datetime) -> Select[Any]:
    exchange = sa.cast(Order.exchange, sa.Text)
    return (
        _row(
            "orders",
            Order.referrer_id,
            count=func.count(func.distinct(Order.id)),
            minor=func.sum(OrderLine.net_minor - OrderLine.refunded_minor),
            currency=Order.currency.expression,
            exchange=exchange,
        )
        .join_from(Order, OrderLine, (OrderLine.order_id == Order.id) & (OrderLine.position != GONE))
        .where(
            Order.program_id == program.id,
            *_within(Order.paid_at, start, end),
            Order.referrer_id.is_not(None),
        )
        .group_by(Order.currency, exchange)
    )


def _commissions(program: Program, start: datetime, end: datetime) -> Select[Any]:
    return _row("commission", Commission.referrer_id, minor=func.sum(Commission.target_minor)).where(
        Commission.program_id == program.id, *_within(Commission.paid_at, start, end)
    )


def _within(
    at: InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None],
    start: datetime,
    end: datetime,
) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return at >= start, at < end
