"""What the merchant's people read: referrers, orders, the review list, figures of a programme. All by indexes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from sqlalchemy import func, select

from app.referrals.models import (
    Commission,
    Customer,
    Decision,
    Hold,
    HoldState,
    Order,
    OrderLine,
    Product,
    RateVersion,
    Referrer,
    Refund,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from sqlalchemy import Select
    from sqlalchemy.orm import InstrumentedAttribute, Session

PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """An open hold with the commission it concerns."""

    hold: Hold
    commission: Commission
    line: OrderLine
    order: Order
    referrer: Referrer
    product: Product | None


@dataclass(frozen=True, slots=True)
class StaffOrder:
    """An order with its customer and the referrer it belongs to."""

    order: Order
    customer: Customer
    referrer: Referrer | None
    net_minor: int
    commission_minor: int


def names_by_code(session: Session, program_id: int, codes: Collection[str]) -> dict[str, str]:
    """The names of the referrers of these codes."""
    wanted = select(Referrer.code, Referrer.name).where(
        Referrer.program_id == program_id, Referrer.code.in_(codes)
    )
    return dict(session.execute(wanted).all())


def product_names(session: Session, program_id: int) -> list[tuple[str, str]]:
    """SKU and name of every product of a programme, by name."""
    wanted = select(Product.sku, Product.name).where(Product.program_id == program_id)
    return [(sku, name) for sku, name in session.execute(wanted.order_by(Product.name, Product.id))]


def products(session: Session, program_id: int) -> list[tuple[int, str]]:
    """Number and name of every product of a programme, by name."""
    wanted = select(Product.id, Product.name).where(Product.program_id == program_id)
    return [(key, name) for key, name in session.execute(wanted.order_by(Product.name, Product.id))]


def referrer_by_code(session: Session, program_id: int, code: str) -> Referrer | None:
    """The referrer of that code in this programme."""
    return session.scalar(select(Referrer).where(Referrer.code == code, Referrer.program_id == program_id))


def orders(
    session: Session,
    program_id: int,
    *,
    referrer_id: int | None = None,
    limit: int = PAGE,
) -> list[StaffOrder]:
    """The newest orders, or one referrer's."""
    wanted = (
        select(Order, Customer, Referrer)
        .join(Customer, Customer.id == Order.customer_id)
        .outerjoin(Referrer, Referrer.id == Order.referrer_id)
        .where(Order.program_id == program_id)
        .order_by(Order.placed_at.desc(), Order.id.desc())
        .limit(limit)
    )
    if referrer_id is not None:
        wanted = wanted.where(Order.referrer_id == referrer_id)
    return staff_orders(session, wanted)


def staff_orders(session: Session, wanted: Select[Order, Customer, Referrer]) -> list[StaffOrder]:
    """The orders of a statement with what they came to. Two more queries."""
    rows = session.execute(wanted).all()
    keys = [order.id for order, *_ in rows]
    net = _sums(session, OrderLine.order_id, OrderLine.net_minor, keys)
    earned = _sums(session, Commission.order_id, Commission.target_minor, keys)
    return [
        StaffOrder(order, customer, referrer, net.get(order.id, 0), earned.get(order.id, 0))
        for order, customer, referrer in rows
    ]


def _sums(
    session: Session,
    key: InstrumentedAttribute[int],
    amount: InstrumentedAttribute[int],
    orders: Sequence[int],
) -> dict[int, int]:
    rows = session.execute(select(key, func.sum(amount)).where(key.in_(orders)).group_by(key))
    return {order: int(total) for order, total in rows}


def waiting_counts(session: Session, program_id: int) -> dict[HoldState, int]:
    """How many commissions are held and how many are noted."""
    states = (HoldState.OPEN, HoldState.NOTED)
    rows = session.execute(
        select(Hold.state, func.count())
        .where(Hold.program_id == program_id, Hold.state.in_(states))
        .group_by(Hold.state)
    )
    return dict.fromkeys(states, 0) | {state: int(count) for state, count in rows}


def hold_of_program(session: Session, program_id: int, hold_id: int) -> Hold | None:
    """One hold, if it belongs to the programme."""
    return session.scalar(select(Hold).where(Hold.id == hold_id, Hold.program_id == program_id))


@dataclass(frozen=True, slots=True)
class StoryLine:
    """An order line with its product, its commissions and the rate version of each."""

    line: OrderLine
    product: Product | None
    commissions: tuple[tuple[Commission, RateVersion, Referrer], ...]


@dataclass(frozen=True, slots=True)
class OrderStory:
    """Everything that explains one order: who it belongs to, what each line earned, what was given back."""

    order: Order
    customer: Customer
    referrer: Referrer | None
    lines: tuple[StoryLine, ...]
    decisions: tuple[Decision, ...]
    names: dict[int, Referrer]
    """The referrers that the decisions and commissions name."""
    refunds: tuple[Refund, ...]
    holds: tuple[Hold, ...]


def order_story(session: Session, program_id: int, order_id: int) -> OrderStory | None:
    """One order of the programme with its whole story. At most six queries."""
    found = session.execute(
        select(Order, Customer, Referrer)
        .join(Customer, Customer.id == Order.customer_id)
        .outerjoin(Referrer, Referrer.id == Order.referrer_id)
        .where(Order.id == order_id, Order.program_id == program_id)
    ).first()
    if found is None:
        return None
    order, customer, referrer = found
    lines, holds = _lines_of(session, order.id), _holds_of(session, order.id)
    decisions = tuple(
        session.scalars(
            select(Decision)
            .where(Decision.customer_id == customer.id, Decision.superseded_at.is_(None))
            .order_by(Decision.occasion_at, Decision.id)
            .limit(50)
        )
    )
    named = {
        each["referrer_id"]
        for decision in decisions
        for each in decision.candidates
        if each.get("referrer_id")
    }
    named |= {each["referrer_id"] for decision in decisions for each in decision.unpresented}
    named |= {decision.referrer_id for decision in decisions if decision.referrer_id}
    names = {each.id: each for each in session.scalars(select(Referrer).where(Referrer.id.in_(named)))}
    refunds = tuple(
        session.scalars(
            select(Refund).where(Refund.order_id == order.id).order_by(Refund.refunded_at, Refund.id)
        )
    )
    return OrderStory(order, customer, referrer, lines, decisions, names, refunds, holds)


def _lines_of(session: Session, order_id: int) -> tuple[StoryLine, ...]:
    found = session.execute(
        select(OrderLine, Product, Commission, RateVersion, Referrer)
        .outerjoin(Product, Product.id == OrderLine.product_id)
        .outerjoin(Commission, Commission.order_line_id == OrderLine.id)
        .outerjoin(RateVersion, RateVersion.id == Commission.rate_version_id)
        .outerjoin(Referrer, Referrer.id == Commission.referrer_id)
        .where(OrderLine.order_id == order_id)
        .order_by(OrderLine.position, OrderLine.id, Commission.id)
    )
    # The outer joins give None where a line has earned nothing, which their types do not say.
    rows = cast("Iterable[tuple[OrderLine, Product | None, Commission | None, RateVersion, Referrer]]", found)
    lines: dict[int, StoryLine] = {}
    for line, product, commission, rate, referrer in rows:
        known = lines.get(line.id) or StoryLine(line, product, ())
        more = ((commission, rate, referrer),) if commission is not None else ()
        lines[line.id] = StoryLine(line, product, known.commissions + more)
    return tuple(lines.values())


def _holds_of(session: Session, order_id: int) -> tuple[Hold, ...]:
    wanted = select(Hold).join(Commission, Commission.id == Hold.commission_id)
    return tuple(session.scalars(wanted.where(Commission.order_id == order_id).order_by(Hold.id)))
