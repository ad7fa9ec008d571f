"""Refunds, chargebacks and their reversals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.referrals import intake
from app.referrals.changes import apply_refund
from app.referrals.locks import lock_order
from app.referrals.outcome import CREATED, Outcome, parked
from app.referrals.parking import apply_parked, park_or_repeat
from app.referrals.settle import Touched, settle

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.referrals.facts import RefundFact
    from app.referrals.intake import ReferralDeps
    from app.referrals.models import Program


def record_refund(
    deps: ReferralDeps, session: Session, program: Program, fact: RefundFact, now: datetime
) -> Outcome:
    """Record that money went back, and lower the commissions to what is left.

    Parked while the order is not known, not paid yet, or (a reversal) its chargeback is not known. Raises
    :class:`RefundAbovePaid`, :class:`UnknownLine`, :class:`NotAChargeback`, :class:`OrderCancelled`,
    :class:`OtherBody`, :class:`InTheFuture`; nothing is recorded then.
    """
    intake.not_in_future(fact.refunded_at, now, "/refunded_at")
    order, customer = lock_order(session, program, fact.order_id)
    taken = intake.take(deps, session, program, fact, key=fact.refund_id, order_id=fact.order_id, now=now)
    if order is None or customer is None:
        return park_or_repeat(session, taken, f"order {fact.order_id}")
    if taken.fresh is None:
        return park_or_repeat(session, taken, "")
    waits_for = apply_refund(session, program, order, fact)
    if waits_for:
        intake.park(session, taken.fresh, waits_for)
        return parked(waits_for)
    session.flush()
    apply_parked(session, program, order, deps.rulebooks.of(session, program).products)
    settle(deps, session, program, customer, Touched(number=order.id), now)
    return CREATED
