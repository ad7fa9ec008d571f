"""The lists that the merchant's people search, sort and take home as files: referrers, customers, orders, commissions.

Each is one statement for the rows of one part and a few for what stands beside them, however long the list is.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, or_, select

from app.kernel.keyset import ALWAYS, Between, Way
from app.referrals.models import (
    Binding,
    Commission,
    Customer,
    Order,
    OrderLine,
    OrderStatus,
    Product,
    Referrer,
    ReferrerStatus,
)
from app.referrals.queries.staff import StaffOrder, staff_orders

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from app.kernel.keyset import Part

_LAST: Final = "\U0010ffff"


REFERRER_WAYS: Final = {
    "joined": Way(Referrer.joined_at, Referrer.id, descending=True),
    "name": Way(Referrer.name, Referrer.id),
    "code": Way(Referrer.code, Referrer.id),
}


@dataclass(frozen=True, slots=True)
class ReferrerFilter:
    """``text`` is the beginning of a code or a part of a name; ``email_key`` the fingerprint of an address."""

    text: str = ""
    email_key: str = ""
    status: ReferrerStatus | None = None
    joined: Between = ALWAYS


def referrers(session: Session, program_id: int, wanted: ReferrerFilter, part: Part) -> list[Referrer]:
    """Referrers of a programme."""
    found = select(Referrer).where(
        Referrer.program_id == program_id, *wanted.joined.holds(Referrer.joined_at)
    )
    if wanted.email_key:
        found = found.where(Referrer.email_key == wanted.email_key)
    elif wanted.text:
        begins = Referrer.code.between(wanted.text.lower(), wanted.text.lower() + _LAST)
        found = found.where(or_(begins, Referrer.name.icontains(wanted.text, autoescape=True)))
    if wanted.status is not None:
        found = found.where(Referrer.status == wanted.status)
    return list(session.scalars(part.of(found)))


CUSTOMER_WAYS: Final = {
    "seen": Way(Customer.id, Customer.id, descending=True),
    "customer": Way(Customer.customer_id, Customer.id),
}


@dataclass(frozen=True, slots=True)
class CustomerFilter:
    """``text`` is the beginning of the merchant's id; ``referrer_id`` whom the customer belongs to now."""

    text: str = ""
    email_key: str = ""
    referrer_id: int | None = None
    seen: Between = ALWAYS


@dataclass(frozen=True, slots=True)
class ListedCustomer:
    """A customer, how many orders it has, and whom it belongs to now."""

    customer: Customer
    orders: int
    binding: Binding | None = None
    referrer: Referrer | None = None


def customers(session: Session, program_id: int, wanted: CustomerFilter, part: Part) -> list[ListedCustomer]:
    """Customers of a programme, the newest to us first unless asked otherwise."""
    found = select(Customer).where(
        Customer.program_id == program_id, *wanted.seen.holds(Customer.first_seen_at)
    )
    if wanted.email_key:
        found = found.where(Customer.email_key == wanted.email_key)
    elif wanted.text:
        found = found.where(Customer.customer_id.between(wanted.text, wanted.text + _LAST))
    if wanted.referrer_id is not None:
        bound = select(Binding.customer_id).where(
            Binding.referrer_id == wanted.referrer_id, Binding.until_at.is_(None)
        )
        found = found.where(Customer.id.in_(bound))
    rows = session.scalars(part.of(found)).all()
    keys = [row.id for row in rows]
    current = _current_bindings(session, keys)
    counts = select(Order.customer_id, func.count()).where(Order.customer_id.in_(keys))
    orders = dict(session.execute(counts.group_by(Order.customer_id)).all())
    return [ListedCustomer(row, orders.get(row.id, 0), *current.get(row.id, ())) for row in rows]


def _current_bindings(session: Session, keys: Sequence[int]) -> dict[int, tuple[Binding, Referrer]]:
    rows = session.execute(
        select(Binding, Referrer)
        .join(Referrer, Referrer.id == Binding.referrer_id)
        .where(Binding.customer_id.in_(keys), Binding.until_at.is_(None))
    )
    return {binding.customer_id: (binding, referrer) for binding, referrer in rows}


ORDER_WAYS: Final = {
    "placed": Way(Order.placed_at, Order.id, descending=True),
    "order": Way(Order.order_id, Order.id),
}


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """``order_id`` is the shop's whole order number; ``product_id`` what a line of the order sells."""

    order_id: str = ""
    status: OrderStatus | None = None
    referrer_id: int | None = None
    product_id: int | None = None
    placed: Between = ALWAYS


def orders(session: Session, program_id: int, wanted: OrderFilter, part: Part) -> list[StaffOrder]:
    """Orders of a programme with customer, referrer and amounts."""
    found = (
        select(Order, Customer, Referrer)
        .join(Customer, Customer.id == Order.customer_id)
        .outerjoin(Referrer, Referrer.id == Order.referrer_id)
        .where(Order.program_id == program_id, *wanted.placed.holds(Order.placed_at))
    )
    if wanted.order_id:
        found = found.where(Order.order_id == wanted.order_id)
    if wanted.status is not None:
        found = found.where(Order.status == wanted.status)
    if wanted.referrer_id is not None:
        found = found.where(Order.referrer_id == wanted.referrer_id)
    if wanted.product_id is not None:
        sells = select(OrderLine.id).where(
            OrderLine.order_id == Order.id, OrderLine.product_id == wanted.product_id
        )
        found = found.where(sells.exists())
    return staff_orders(session, part.of(found))


class CommissionState(StrEnum):
    """Where a commission's money stands, as far as the commission itself tells."""

    PENDING = "pending"
    """Earned, and not payable yet."""
    PAYABLE = "payable"
    """Its day has come; a payout may have taken it since."""
    HELD = "held"
    """Under review."""
    TAKEN_BACK = "taken_back"
    """Refunds took all of it."""
    REJECTED = "rejected"
    """Rejected by review."""


COMMISSION_WAYS: Final = {
    "paid": Way(Commission.paid_at, Commission.id, descending=True),
    "amount": Way(Commission.target_minor, Commission.id, descending=True),
}


@dataclass(frozen=True, slots=True)
class CommissionFilter:
    """``today`` is the programme's calendar day: what is pending is a question of date."""

    today: date
    state: CommissionState | None = None
    referrer_id: int | None = None
    product_id: int | None = None
    paid: Between = ALWAYS


@dataclass(frozen=True, slots=True)
class ListedCommission:
    """A commission with its order, customer and referrer."""

    commission: Commission
    line: OrderLine
    product: Product | None
    order: Order
    customer: Customer
    referrer: Referrer


def commissions(
    session: Session, program_id: int, wanted: CommissionFilter, part: Part
) -> list[ListedCommission]:
    """Commissions of a programme."""
    found = (
        select(Commission, OrderLine, Product, Order, Customer, Referrer)
        .join(OrderLine, OrderLine.id == Commission.order_line_id)
        .join(Order, Order.id == Commission.order_id)
        .join(Customer, Customer.id == Order.customer_id)
        .join(Referrer, Referrer.id == Commission.referrer_id)
        .outerjoin(Product, Product.id == OrderLine.product_id)
        .where(Commission.program_id == program_id, *wanted.paid.holds(Commission.paid_at))
    )
    if wanted.state is not None:
        found = found.where(*_in_state(wanted.today)[wanted.state])
    if wanted.referrer_id is not None:
        found = found.where(Commission.referrer_id == wanted.referrer_id)
    if wanted.product_id is not None:
        found = found.where(OrderLine.product_id == wanted.product_id)
    return [ListedCommission(*row) for row in session.execute(part.of(found))]


def _in_state(today: date) -> Mapping[CommissionState, Sequence[ColumnElement[bool]]]:
    rejected, held = Commission.rejected.is_(True), Commission.held_minor > 0
    free = (Commission.rejected.is_(False), Commission.held_minor == 0)
    return {
        CommissionState.REJECTED: (rejected,),
        CommissionState.HELD: (Commission.rejected.is_(False), held),
        CommissionState.TAKEN_BACK: (*free, Commission.target_minor == 0),
        CommissionState.PENDING: (*free, Commission.target_minor > 0, Commission.available_on > today),
        CommissionState.PAYABLE: (*free, Commission.target_minor > 0, Commission.available_on <= today),
    }


def state_of(commission: Commission, today: date) -> CommissionState:
    """The same of one commission."""
    if commission.rejected:
        return CommissionState.REJECTED
    if commission.held_minor:
        return CommissionState.HELD
    if commission.target_minor == 0:
        return CommissionState.TAKEN_BACK
    return CommissionState.PENDING if commission.available_on > today else CommissionState.PAYABLE
