"""Which order is the first: of a binding, where durations start, and of all, which alone brings a sign-up bonus.

Both go by (``paid_at``, ``order_id``), whatever arrived first.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import bindparam, exists, select

from app.kernel.db import connection_of, table_of
from app.referrals.models import Binding, Customer, Order
from app.referrals.tiers import by_code_points

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

    from app.referrals.binding_rows import BindingRow
    from app.referrals.rows import CustomerRow, OrderRow

Payment: TypeAlias = tuple[datetime, str]
"""(``paid_at``, ``order_id``)."""

_ORDERS = table_of(Order)


def covering(bindings: Iterable[BindingRow], order: OrderRow) -> BindingRow | None:
    """The binding that an order belongs to."""
    return next((binding for binding in bindings if binding.span.covers(order.placed_at)), None)


def note_first_paid(bindings: Sequence[BindingRow], orders: Iterable[OrderRow]) -> bool:
    """Keep each binding's first paid order; whether one that had a first got another."""
    displaced = False
    for order in orders:
        binding = covering(bindings, order)
        if binding is None or order.paid_at is None:
            continue
        before = binding.first_paid
        if before is None or (order.paid_at, order.order_id) < before:
            displaced = displaced or before is not None
            binding.first_paid = order.paid_at, order.order_id
    return displaced


def first_ever(
    session: Session, customer: CustomerRow, orders: Iterable[OrderRow]
) -> tuple[Payment | None, bool]:
    """The customer's first payment, under whatever binding or none; and whether it is one of ``orders``, in memory and
    perhaps not stored yet, while others were paid: one of those may have been the first until now.

    Not asked for where none of ``orders`` is paid.
    """
    mine = payments(orders)
    if not mine:
        return None, False
    connection = connection_of(session)
    stored = connection.execute(_earliest(connection.dialect.name), {"customer": customer.id})
    others = {(paid_at, order_id) for paid_at, order_id in stored} | forgotten(customer)
    first = min(mine | others)
    return first, first in mine and bool(others - {first})


def payments(orders: Iterable[OrderRow]) -> set[Payment]:
    """Those of the orders that are paid."""
    return {(order.paid_at, order.order_id) for order in orders if order.paid_at is not None}


def forgotten(customer: CustomerRow) -> set[Payment]:
    """The first payment of a customer whose first orders became totals."""
    return {(customer.forgotten_paid_at, "")} if customer.forgotten_paid_at else set()


def bought_before() -> ColumnElement[bool]:
    """Whether the customer of a binding had paid before the binding's first order, which then brings no bonus.

    Of payments at the very same instant it says no: a change is then refused rather than made unseen.
    """
    earlier = exists().where(Order.customer_id == Binding.customer_id, Order.paid_at < Binding.first_paid_at)
    old = exists().where(
        Customer.id == Binding.customer_id, Customer.forgotten_paid_at < Binding.first_paid_at
    )
    return earlier | old


@cache
def _earliest(dialect: str) -> Select[Any]:
    """The two first payments that are stored: one of them is no order in memory, where there is any such."""
    order_id = by_code_points(_ORDERS.c.order_id, dialect)
    mine = _ORDERS.c.customer_id == bindparam("customer"), _ORDERS.c.paid_at.is_not(None)
    return (
        select(_ORDERS.c.paid_at, _ORDERS.c.order_id)
        .where(*mine)
        .order_by(_ORDERS.c.paid_at, order_id)
        .limit(2)
    )
