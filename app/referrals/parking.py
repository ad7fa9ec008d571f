"""Facts that came before the fact they belong to: kept, visible, and applied as soon as that comes.

What contradicts the order once it is there is not applied in part: it is marked ``refused`` with the reason, which
staff see.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, select

from app.kernel.errors import RefledgerError
from app.referrals import changes, facts, intake
from app.referrals.models import Fact, FactKind, FactState
from app.referrals.outcome import REPEATED, Outcome, parked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from app.referrals.intake import Taken
    from app.referrals.models import Order, Program

_RANK: Final = {
    FactKind.CORRECTION: 0,
    FactKind.PAYMENT: 1,
    FactKind.CANCELLATION: 2,
    FactKind.REFUND: 3,
}


_WAITING: Final = select(Fact).where(
    Fact.program_id == bindparam("program"),
    Fact.order_id == bindparam("order"),
    Fact.state == FactState.PARKED,
)


def park_or_repeat(session: Session, taken: Taken, waits_for: str) -> Outcome:
    """Park a fact that was just taken; the same answer again where it is parked already."""
    if taken.fresh is not None:
        intake.park(session, taken.fresh, waits_for)
        return parked(waits_for)
    return parked(taken.reason or waits_for) if taken.state is FactState.PARKED else REPEATED


def apply_parked(session: Session, program: Program, order: Order, products: Mapping[str, int]) -> None:
    """Apply what waits for this order, in an order of its own: not that of arrival.

    Corrections first, then payment, cancellation, and refunds by their own time. Goes round again as long as one
    could be applied, since a reversal waits for its chargeback. The caller holds the customer's lock and settles.
    """
    waiting = sorted(session.scalars(_WAITING, {"program": program.id, "order": order.order_id}), key=_turn)
    session.flush()
    progress = True
    while waiting and progress:
        still = [fact for fact in waiting if not _applied(session, program, order, fact, products)]
        progress = len(still) < len(waiting)
        waiting = still


def _turn(fact: Fact) -> tuple[int, str, str]:
    return _RANK.get(fact.kind, len(_RANK)), str(fact.body.get("refunded_at", "")), fact.key


def _applied(
    session: Session, program: Program, order: Order, fact: Fact, products: Mapping[str, int]
) -> bool:
    """Apply one; ``False`` where it still waits for something else."""
    try:
        waits_for = _apply(session, program, order, fact, products)
    except RefledgerError as refusal:
        fact.state, fact.reason = FactState.REFUSED, refusal.detail
        return True
    if waits_for:
        fact.reason = waits_for
        return False
    fact.state, fact.reason = FactState.RECORDED, None
    session.flush()
    return True


def _apply(
    session: Session, program: Program, order: Order, fact: Fact, products: Mapping[str, int]
) -> str | None:
    match fact.kind:
        case FactKind.CORRECTION:
            changes.apply_correction(
                session, order, facts.correction_from(fact.body), fact.received_at, products
            )
        case FactKind.PAYMENT:
            changes.apply_payment(order, facts.payment_from(fact.body))
        case FactKind.CANCELLATION:
            changes.apply_cancellation(order, facts.cancellation_from(fact.body))
        case FactKind.REFUND:
            return changes.apply_refund(session, program, order, facts.refund_from(fact.body))
        case FactKind.SIGNUP | FactKind.ORDER | FactKind.PARTNER_CHOICE:
            raise AssertionError(f"a {fact.kind} never parks")
    return None
