"""Which number an order's customer is among its referrer's, and what a late order changes about the later ones.

The number counts distinct customers with a paid order of the referrer, in the order of (``paid_at``, ``order_id``), up
to and including the order in question; its own customer counts however many orders it has. An own order of the
referrer counts nobody before staff release it, and a rejected one never does (``counted``): until then it reckons with
the number of the others alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, bindparam, func, insert, or_, select

from app.kernel.db import connection_of, on_sqlite, table_of
from app.kernel.queue import collect
from app.referrals.domain.rates import counted_since
from app.referrals.models import Order, TierRecount

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

    from app.referrals.domain.rates import Rate
    from app.referrals.rows import OrderRow
    from app.referrals.words import TierBasis

RECOUNT: Final = "referrals.recount_tiers"
"""The job that settles a referrer's later orders again; its argument is the referrer's number."""

_ALL: Final = 2**62
"""More customers than anybody has."""

_ORDERS, _RECOUNTS = table_of(Order), table_of(TierRecount)
_LOCK: Final = select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("key"), 0)))


def lock_count(session: Session, referrer_ids: Iterable[int]) -> None:
    """Make orders that count for the same referrer wait for each other, where tiers ask for the count.

    The race: two customers' orders at the same time. The later one counts without the earlier, which is not committed
    yet, and the earlier one, looking for later orders whose number it changes, does not see that one either.
    """
    if not on_sqlite(session):
        for referrer_id in sorted(referrer_ids):
            connection_of(session).execute(_LOCK, {"key": f"tiers:{referrer_id}"})


def customer_numbers(
    session: Session, order: OrderRow, referrer_id: int, rates: Sequence[Rate], timezone: str
) -> Mapping[TierBasis, int]:
    """The customer's number for each basis that one of the rates asks for; counted no further than the highest step."""
    paid_at = order.paid_at
    if paid_at is None:
        return {}
    highest: dict[TierBasis, int] = {}
    for rate in rates:
        if rate.steps and rate.referrer_id in {None, referrer_id}:
            last = rate.steps[-1].from_customers
            highest[rate.tier_basis] = max(highest.get(rate.tier_basis, 0), last)
    connection = connection_of(session)
    count = _statements(connection.dialect.name)[0]
    found: dict[TierBasis, int] = {}
    for basis, last in highest.items():
        values = _values(order, referrer_id) | {
            "since": counted_since(basis, paid_at, timezone),
            "most": last - 1,
        }
        found[basis] = int(order.counted) + connection.execute(count, values).scalar_one()
    return found


@dataclass(frozen=True, slots=True)
class Numbered:
    """How many of the referrer's customers had paid up to and including an order: itself only where ``counted``."""

    number: int
    basis: TierBasis
    counted: bool


def number_of(session: Session, order: Order, referrer_id: int, basis: TierBasis, timezone: str) -> Numbered:
    """The exact number of a paid order's customer, to be told; one query."""
    assert order.paid_at is not None  # only a paid order earns
    connection = connection_of(session)
    count = _statements(connection.dialect.name)[0]
    since = counted_since(basis, order.paid_at, timezone)
    values = _values(order, referrer_id) | {"since": since, "most": _ALL}
    return Numbered(int(order.counted) + connection.execute(count, values).scalar_one(), basis, order.counted)


def note_moved(session: Session, counted: Sequence[int | None], orders: Sequence[OrderRow]) -> None:
    """Have the later orders of other customers settled again where these orders count now and did not, or the reverse.

    ``counted`` says for whom each counted before. Written with the orders, so that it cannot get lost.
    """
    for before, order in zip(counted, orders, strict=True):
        now = order.counts_for()
        if before == now:
            continue
        for referrer_id in {before, now} - {None}:
            if referrer_id is not None and _has_later(session, order, referrer_id):
                values = {"referrer_id": referrer_id, "since": order.paid_at}
                connection_of(session).execute(insert(_RECOUNTS), values)
                collect(session, RECOUNT, referrer_id)


def _has_later(session: Session, order: OrderRow, referrer_id: int) -> bool:
    connection = connection_of(session)
    later = _statements(connection.dialect.name)[1]
    return connection.execute(later, _values(order, referrer_id)).first() is not None


def _values(order: OrderRow | Order, referrer_id: int) -> dict[str, Any]:
    return {
        "referrer": referrer_id,
        "customer": order.customer_id,
        "at": order.paid_at,
        "order": order.order_id,
    }


def by_code_points(text: ColumnElement[str], dialect: str) -> ColumnElement[str]:
    """A column to be compared as Python compares text, whatever the database's language is."""
    return text.collate("BINARY" if dialect == "sqlite" else "C")


@cache
def _statements(dialect: str) -> tuple[Select[Any], Select[Any]]:
    """How many other customers paid before an order, and whether any paid after it."""
    order_id = by_code_points(_ORDERS.c.order_id, dialect)
    paid_at, others = _ORDERS.c.paid_at, _ORDERS.c.customer_id != bindparam("customer")
    mine = and_(_ORDERS.c.referrer_id == bindparam("referrer"), others)
    earlier: ColumnElement[bool] = or_(
        paid_at < bindparam("at"), and_(paid_at == bindparam("at"), order_id < bindparam("order"))
    )
    later: ColumnElement[bool] = or_(
        paid_at > bindparam("at"), and_(paid_at == bindparam("at"), order_id > bindparam("order"))
    )
    bounds = and_(paid_at >= bindparam("since"), paid_at <= bindparam("at"), earlier)
    customers = (
        select(_ORDERS.c.customer_id)
        .where(mine, bounds, _ORDERS.c.counted)
        .distinct()
        .limit(bindparam("most"))
    )
    after = select(_ORDERS.c.id).where(mine, paid_at >= bindparam("at"), later).limit(1)
    return select(func.count()).select_from(customers.subquery()), after
