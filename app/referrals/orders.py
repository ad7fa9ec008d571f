"""Orders, their payment, their correction and their cancellation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.kernel.money import exponent
from app.referrals import intake, locks
from app.referrals.changes import (
    apply_cancellation,
    apply_correction,
    apply_payment,
    not_paid_before_placed,
)
from app.referrals.facts import fingerprint
from app.referrals.lines import new_line
from app.referrals.models import Order, OrderStatus
from app.referrals.outcome import CREATED, REPEATED, Outcome, OutcomeStatus
from app.referrals.parking import apply_parked, park_or_repeat
from app.referrals.rows import OrderRow, write_customer, write_orders
from app.referrals.settle import Touched, settle

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.referrals.facts import CancellationFact, CorrectionFact, OrderFact, PaymentFact
    from app.referrals.intake import ReferralDeps
    from app.referrals.models import Program
    from app.referrals.rows import CustomerRow


def record_order(
    deps: ReferralDeps, session: Session, program: Program, fact: OrderFact, now: datetime
) -> Outcome:
    """Record an order, apply what was parked for it, and settle its commissions.

    Raises :class:`OtherBody`, :class:`InTheFuture`, :class:`PaidBeforePlaced`, and ``UnknownCurrency``.
    """
    exponent(fact.currency)
    intake.not_in_future(fact.placed_at, now, "/placed_at")
    intake.not_in_future(fact.paid_at, now, "/paid_at")
    not_paid_before_placed(fact.placed_at, fact.paid_at)
    locks.lock_order_key(session, program, fact.order_id)
    taken = intake.take(deps, session, program, fact, key=fact.order_id, order_id=fact.order_id, now=now)
    if taken.fresh is None:
        return REPEATED
    customer, is_new = locks.lock_customer(session, program, fact.customer_id, now, order_id=fact.order_id)
    products = deps.rulebooks.of(session, program).products
    order = _new_order(deps, program, customer, fact, now)
    order.lines = [new_line(order, position, line, products) for position, line in enumerate(fact.lines)]
    seen_earlier = customer.first_seen_at is None or order.placed_at < customer.first_seen_at
    if seen_earlier:
        customer.first_seen_at = order.placed_at
        write_customer(session, customer)
    # Only an order that presents something, or that makes the customer older than a click, can move a binding.
    rebind = bool(fact.click_id or fact.coupon) or (seen_earlier and not is_new)
    touched = Touched(new=order)
    if customer.awaited:
        write_orders(session, [order])
        apply_parked(session, program, session.get_one(Order, order.id), products)
        touched = Touched(number=order.id)
    settled = settle(deps, session, program, customer, touched, now, rebind=rebind)
    return Outcome(
        OutcomeStatus.CREATED, settled=next(each for each in settled if each.order_id == fact.order_id)
    )


def record_payment(
    deps: ReferralDeps, session: Session, program: Program, fact: PaymentFact, now: datetime
) -> Outcome:
    """Mark an order as paid; parked while the order is not known.

    Raises :class:`AlreadyPaid` where it was paid otherwise, :class:`OrderCancelled`, :class:`PaidBeforePlaced`.
    """
    intake.not_in_future(fact.paid_at, now, "/paid_at")
    order, customer = locks.lock_order(session, program, fact.order_id)
    if (
        order
        and order.status is OrderStatus.PAID
        and (order.paid_at, order.method) == (fact.paid_at, fact.method)
    ):
        return REPEATED
    taken = intake.take(deps, session, program, fact, key=fact.order_id, order_id=fact.order_id, now=now)
    if order is None or customer is None:
        return park_or_repeat(session, taken, f"order {fact.order_id}")
    if taken.fresh is None:
        return REPEATED
    apply_payment(order, fact)
    apply_parked(session, program, order, deps.rulebooks.of(session, program).products)
    settle(deps, session, program, customer, Touched(number=order.id), now)
    return CREATED


def record_correction(
    deps: ReferralDeps, session: Session, program: Program, fact: CorrectionFact, now: datetime
) -> Outcome:
    """Replace an order's lines by what they are now; parked while the order is not known.

    Of several corrections the one with the latest ``corrected_at`` (then ``correction_id``) counts.
    """
    intake.not_in_future(fact.corrected_at, now, "/corrected_at")
    order, customer = locks.lock_order(session, program, fact.order_id)
    taken = intake.take(deps, session, program, fact, key=fact.correction_id, order_id=fact.order_id, now=now)
    if order is None or customer is None:
        return park_or_repeat(session, taken, f"order {fact.order_id}")
    if taken.fresh is None:
        return REPEATED
    apply_correction(session, order, fact, now, deps.rulebooks.of(session, program).products)
    settle(deps, session, program, customer, Touched(number=order.id), now)
    return CREATED


def record_cancellation(
    deps: ReferralDeps, session: Session, program: Program, fact: CancellationFact, now: datetime
) -> Outcome:
    """Close an unpaid order; parked while it is not known. Raises :class:`AlreadyPaid`."""
    intake.not_in_future(fact.cancelled_at, now, "/cancelled_at")
    order, customer = locks.lock_order(session, program, fact.order_id)
    taken = intake.take(deps, session, program, fact, key=fact.order_id, order_id=fact.order_id, now=now)
    if order is None or customer is None:
        return park_or_repeat(session, taken, f"order {fact.order_id}")
    if taken.fresh is None:
        return REPEATED
    apply_cancellation(order, fact)
    # A refund that waited for the payment will never count: it is refused, visibly.
    apply_parked(session, program, order, deps.rulebooks.of(session, program).products)
    settle(deps, session, program, customer, Touched(number=order.id), now)
    return CREATED


def _new_order(
    deps: ReferralDeps, program: Program, customer: CustomerRow, fact: OrderFact, now: datetime
) -> OrderRow:
    return OrderRow(
        program_id=program.id,
        customer_id=customer.id,
        order_id=fact.order_id,
        currency=fact.currency,
        status=fact.status,
        placed_at=fact.placed_at,
        paid_at=fact.paid_at,
        method=fact.method,
        payer_iban_key=fingerprint(deps.keyring, "iban", fact.payer_iban) if fact.payer_iban else None,
        more={"click_id": fact.click_id, "coupon": fact.coupon, "created_at": now},
    )
