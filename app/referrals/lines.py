"""The lines of an order: from facts to rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.referrals.domain.commission import Outcome
from app.referrals.models import GONE, Order, OrderLine
from app.referrals.rows import LineRow, OrderRow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.orm import Session

    from app.referrals.facts import LineFact


def new_line(order: OrderRow, position: int, line: LineFact, products: Mapping[str, int]) -> LineRow:
    """One line of a new order, not settled yet; ``products`` maps SKU to product id."""
    return LineRow(
        order=order,
        line_id=line.line_id,
        position=position,
        sku=line.product,
        product_id=products.get(line.product),
        quantity=line.quantity,
        net_minor=line.net_minor,
        kind=line.kind,
    )


def _added_line(order: Order, position: int, line: LineFact, products: Mapping[str, int]) -> OrderLine:
    """One line that a correction adds."""
    return OrderLine(
        order_id=order.id,
        line_id=line.line_id,
        position=position,
        sku=line.product,
        product_id=products.get(line.product),
        quantity=line.quantity,
        net_minor=line.net_minor,
        refunded_minor=0,
        kind=line.kind,
        outcome=Outcome.UNPAID,
    )


def set_lines(session: Session, order: Order, lines: Sequence[LineFact], products: Mapping[str, int]) -> None:
    """Make the order's lines these. A line that is gone stays, at :data:`GONE`: commissions point at it."""
    wanted = select(OrderLine).where(OrderLine.order_id == order.id)
    stored = {
        line.line_id: line for line in session.scalars(wanted.execution_options(populate_existing=True))
    }
    for line_id in stored.keys() - {line.line_id for line in lines}:
        stored[line_id].net_minor = stored[line_id].refunded_minor = 0
        stored[line_id].position = GONE
    for position, line in enumerate(lines):
        row = stored.get(line.line_id)
        if row is None:
            session.add(_added_line(order, position, line, products))
            continue
        row.position = position
        row.refunded_minor = min(row.refunded_minor, line.net_minor)
        row.sku, row.product_id, row.kind = line.product, products.get(line.product), line.kind
        row.quantity, row.net_minor = line.quantity, line.net_minor
    session.flush()


def line_json(line: LineFact) -> dict[str, Any]:
    """A line as it is stored with a correction."""
    return {
        "line_id": line.line_id,
        "product": line.product,
        "quantity": line.quantity,
        "net_minor": line.net_minor,
        "kind": line.kind.value,
    }
