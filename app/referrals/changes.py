"""What a fact changes in the rows of a known order. The caller holds the customer's lock and settles afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.referrals.domain.refunded import GivenBack, refunded
from app.referrals.errors import (
    AlreadyPaid,
    NotAChargeback,
    OrderCancelled,
    PaidBeforePlaced,
    RefundAbovePaid,
    UnknownLine,
)
from app.referrals.facts import lines_from
from app.referrals.lines import line_json, set_lines
from app.referrals.models import Correction, OrderLine, OrderStatus, Refund, RefundKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.referrals.facts import CancellationFact, CorrectionFact, PaymentFact, RefundFact
    from app.referrals.models import Order, Program


def apply_payment(order: Order, fact: PaymentFact) -> None:
    """Mark the order row as paid."""
    if order.status is OrderStatus.CANCELLED:
        raise OrderCancelled(order.order_id)
    if order.status is OrderStatus.PAID:
        raise AlreadyPaid(order.order_id, "cannot be paid again")
    not_paid_before_placed(order.placed_at, fact.paid_at)
    order.status, order.paid_at = OrderStatus.PAID, fact.paid_at
    order.method = fact.method or order.method


def apply_correction(
    session: Session, order: Order, fact: CorrectionFact, received_at: datetime, products: Mapping[str, int]
) -> None:
    """Store the correction and bring the order's lines to what the latest one says."""
    if order.status is OrderStatus.CANCELLED:
        raise OrderCancelled(order.order_id)
    session.add(
        Correction(
            program_id=order.program_id,
            order_id=order.id,
            correction_id=fact.correction_id,
            corrected_at=fact.corrected_at or received_at,
            lines=[line_json(line) for line in fact.lines],
        )
    )
    session.flush()
    latest = session.scalars(
        select(Correction)
        .where(Correction.order_id == order.id)
        .order_by(Correction.corrected_at.desc(), Correction.correction_id.desc())
        .limit(1)
    ).one()
    set_lines(session, order, lines_from(latest.lines), products)


def apply_cancellation(order: Order, fact: CancellationFact) -> None:
    """Mark the order row as cancelled."""
    if order.status is OrderStatus.PAID:
        raise AlreadyPaid(order.order_id, "cannot be cancelled; refund it")
    if order.status is OrderStatus.CANCELLED:
        raise OrderCancelled(order.order_id)
    order.status, order.cancelled_at = OrderStatus.CANCELLED, fact.cancelled_at


def apply_refund(session: Session, program: Program, order: Order, fact: RefundFact) -> str | None:
    """Check a refund against its order and store it; what it still waits for, if anything.

    Whether it is within the paid net does not depend on the order in which refunds came: a full one beside partial
    ones is accepted, partial ones are summed.
    """
    if order.status is OrderStatus.CANCELLED:
        raise OrderCancelled(order.order_id)
    if order.status is OrderStatus.PENDING:
        return f"payment of order {order.order_id}"
    session.flush()
    before = [
        GivenBack(row.refund_id, row.kind, row.full, row.lines, row.reverses)
        for row in session.scalars(select(Refund).where(Refund.order_id == order.id))
    ]
    if fact.kind is RefundKind.CHARGEBACK_REVERSAL:
        waits_for = _chargeback_missing(before, fact)
        if waits_for:
            return waits_for
    lines = {line.line_id: line.net_minor for line in fact.lines}
    _check_lines(session, order, fact, lines, before)
    session.add(
        Refund(
            program_id=program.id,
            order_id=order.id,
            refund_id=fact.refund_id,
            kind=fact.kind,
            reverses=fact.reverses,
            refunded_at=fact.refunded_at,
            full=fact.full,
            lines=lines,
        )
    )
    session.flush()
    return None


def _chargeback_missing(before: Sequence[GivenBack], fact: RefundFact) -> str | None:
    reversed_one = next((entry for entry in before if entry.refund_id == fact.reverses), None)
    if reversed_one is None:
        return f"chargeback {fact.reverses}"
    if reversed_one.kind is not RefundKind.CHARGEBACK or (reversed_one.full and fact.lines):
        raise NotAChargeback(fact.reverses or "")
    return None


def _check_lines(
    session: Session, order: Order, fact: RefundFact, lines: Mapping[str, int], before: Sequence[GivenBack]
) -> None:
    nets = dict(
        session.execute(
            select(OrderLine.line_id, OrderLine.net_minor).where(OrderLine.order_id == order.id)
        ).all()
    )
    for position, line in enumerate(fact.lines):
        if line.line_id not in nets:
            raise UnknownLine(line.line_id, f"/lines/{position}/line_id")
    now_back = refunded([*before, GivenBack(fact.refund_id, fact.kind, fact.full, lines, fact.reverses)])
    for position, line in enumerate(fact.lines):
        if now_back.lines.get(line.line_id, 0) > nets[line.line_id]:
            raise RefundAbovePaid(line.line_id, nets[line.line_id], f"/lines/{position}/net")


def not_paid_before_placed(placed_at: datetime, paid_at: datetime | None) -> None:
    """Raise :class:`PaidBeforePlaced` for a payment earlier than its order."""
    # In whole seconds: shops often cut the fraction off one of the two.
    if paid_at is not None and paid_at.replace(microsecond=0) < placed_at.replace(microsecond=0):
        raise PaidBeforePlaced
