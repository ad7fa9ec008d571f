"""``GET /orders/{order_id}/explanation``: the order's story as JSON, each line with a sentence that answers "why?"."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select

from app.api.render import duration_text, optional_rfc3339, rfc3339
from app.kernel.money import PPM
from app.ledger.models import LedgerAccount, LedgerEntry, TransactionKind
from app.payouts.models import Payout, PayoutRun
from app.referrals.domain.commission import Outcome
from app.referrals.errors import OrderNotFound
from app.referrals.models import Commission, Order, Program
from app.referrals.queries.explanation import explain_order
from app.referrals.rates import rate_text
from app.referrals.words import RateKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from app.referrals.queries.explanation import (
        ExplainedCommission,
        ExplainedDecision,
        ExplainedLine,
        Explanation,
    )

_WHY: Final = {
    Outcome.CANCELLED: "the order was closed before it was paid",
    Outcome.UNPAID: "the order has not been paid yet",
    Outcome.UNATTRIBUTED: "the customer belongs to no referrer",
    Outcome.BEFORE_BINDING: "the order was placed before the customer belonged to anyone",
    Outcome.AFTER_BINDING: "the order was placed after the customer had ended its partner",
    Outcome.WAITING_RATE: "the exchange rate of the order's currency is not known yet",
    Outcome.UNKNOWN_PRODUCT: "this product is not entered, so it does not participate",
    Outcome.NOT_PARTICIPATING: "no rate reaches this product, so it does not participate",
    Outcome.EXCLUDED: "the rate that decides is none",
    Outcome.KIND_NOT_PAID: "the rate does not pay for this kind of line",
    Outcome.DURATION_SPENT: "the rate paid for a limited time or number of orders, and that is over",
    Outcome.EARNS: "it earns a commission",
}


def explanation(session: Session, program: Program, order_id: str) -> dict[str, Any]:
    """The whole story. Raises :class:`OrderNotFound`."""
    order = session.scalar(select(Order).where(Order.program_id == program.id, Order.order_id == order_id))
    if order is None:
        raise OrderNotFound(order_id)
    told = explain_order(session, order)
    payouts = _payouts(session, [earned.id for line in told.lines for earned in line.commissions])
    return {
        "order_id": told.order_id,
        "customer_id": told.customer_id,
        "status": told.status.value,
        "currency": told.currency,
        "placed_at": rfc3339(told.placed_at),
        "paid_at": optional_rfc3339(told.paid_at),
        "cancelled_at": optional_rfc3339(told.cancelled_at),
        "method": told.method,
        "referrer": told.referrer,
        "decision": _deciding(told),
        "decisions": [_decision(each) for each in told.decisions],
        "bindings": [
            {
                "referrer": each.referrer,
                "method": each.method.value,
                "from": rfc3339(each.from_at),
                "until": optional_rfc3339(each.until_at),
            }
            for each in told.bindings
        ],
        "lines": [_line(line, told.referrer, program.currency, payouts) for line in told.lines],
        "refunds": [
            {
                "refund_id": each.refund_id,
                "kind": each.kind.value,
                "refunded_at": rfc3339(each.refunded_at),
                "full": each.full,
                "reverses": each.reverses,
                "lines": [{"line_id": line_id, "net": net} for line_id, net in each.lines.items()],
            }
            for each in told.refunds
        ],
    }


def _deciding(told: Explanation) -> dict[str, Any] | None:
    """The decision that gave the order its referrer; where it has none, the one that was taken on the customer."""
    won = [
        each
        for each in told.decisions
        if told.referrer
        and each.referrer == told.referrer
        and each.bound_from
        and each.bound_from <= told.placed_at
    ]
    chosen = won or told.decisions
    return _decision(chosen[-1]) if chosen else None


def _decision(decision: ExplainedDecision) -> dict[str, Any]:
    return {
        "decision_id": decision.decision_id,
        "occasion": decision.occasion,
        "occasion_ref": decision.occasion_ref,
        "at": rfc3339(decision.at),
        "rule": decision.rule,
        "referrer": decision.referrer,
        "method": decision.method.value if decision.method else None,
        "bound_from": optional_rfc3339(decision.bound_from),
        "candidates": [
            {
                "kind": each.kind,
                "value": each.value,
                "referrer": each.referrer,
                "at": each.at.replace("+00:00", "Z") if each.at else None,
                "won": each.lost is None,
                "reason": each.lost,
            }
            for each in decision.candidates
        ],
    }


def _line(
    line: ExplainedLine, referrer: str | None, currency: str, payouts: dict[int, list[dict[str, Any]]]
) -> dict[str, Any]:
    return {
        "line_id": line.line_id,
        "product": line.product,
        "quantity": line.quantity,
        "kind": line.kind.value,
        "net": line.net,
        "refunded": line.refunded,
        "participates": line.outcome is Outcome.EARNS,
        "outcome": line.outcome.value,
        "why": _WHY[line.outcome],
        "commission": next(
            (
                _commission(earned, currency, payouts.get(earned.id, []))
                for earned in line.commissions
                if earned.referrer == referrer
            ),
            None,
        ),
        "former": [
            _commission(earned, currency, payouts.get(earned.id, []))
            for earned in line.commissions
            if earned.referrer != referrer
        ],
    }


def _commission(earned: ExplainedCommission, currency: str, payouts: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "referrer": earned.referrer,
        "rate": rate_text(earned.rate, currency),
        "rate_version": {
            "id": earned.rate.id,
            "level": _level(earned),
            "duration": duration_text(earned.rate),
            "scope": earned.rate.scope.value,
            "valid_from": rfc3339(earned.rate.valid_from),
        },
        "base": earned.base,
        "rounding": _rounding(earned),
        "earned": earned.earned,
        "clawed_back": earned.earned - earned.target,
        "amount": earned.target,
        "held": earned.held,
        "rejected": earned.rejected,
        "currency": currency,
        "available_on": earned.available_on.isoformat(),
        "holds": [
            {
                "rule": each.rule.value,
                "state": each.state.value,
                "opened_at": rfc3339(each.opened_at),
                "closed_at": optional_rfc3339(each.closed_at),
                "reason": each.reason,
            }
            for each in earned.holds
        ],
        "payouts": payouts,
    }


def _level(earned: ExplainedCommission) -> str:
    match earned.rate.referrer_id is not None, earned.rate.product_id is not None:
        case True, True:
            return "referrer and product"
        case True, False:
            return "referrer"
        case False, True:
            return "product"
        case _:
            return "programme"


def _rounding(earned: ExplainedCommission) -> dict[str, str] | None:
    """The exact product of base and rate, and how it became whole minor units; null for a flat rate."""
    if earned.rate.kind is not RateKind.PERCENT:
        return None
    exact = Decimal(earned.base) * (earned.rate.rate_ppm or 0) / PPM
    return {"exact": f"{exact:f}", "rule": "half up, once per line"}


def _payouts(session: Session, commission_ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """The payouts that took the money of each commission's day after it was earned.

    A payout takes all of a referrer's money of a day, so it cannot be told apart by commission any further.
    """
    if not commission_ids:
        return {}
    first_posted = (
        select(func.min(LedgerEntry.posted_at))
        .where(LedgerEntry.commission_id == Commission.id)
        .correlate(Commission)
        .scalar_subquery()
    )
    reserved = LedgerEntry.__table__.alias("reserved")
    rows = session.execute(
        select(Commission.id, Payout.end_to_end_id, Payout.state, Payout.paid_on, PayoutRun.name)
        .join(
            reserved,
            (reserved.c.referrer_id == Commission.referrer_id)
            & (reserved.c.account == LedgerAccount.IN_FLIGHT)
            & (reserved.c.available_on == Commission.available_on)
            & (reserved.c.kind == TransactionKind.PAYOUT_RESERVED),
        )
        .join(Payout, Payout.id == reserved.c.payout_id)
        .join(PayoutRun, PayoutRun.id == Payout.run_id)
        .where(Commission.id.in_(commission_ids), reserved.c.posted_at >= first_posted)
        .order_by(Payout.id)
    )
    found: dict[int, list[dict[str, Any]]] = {}
    for commission_id, end_to_end_id, state, paid_on, run in rows:
        found.setdefault(commission_id, []).append(
            {
                "run": run,
                "end_to_end_id": end_to_end_id,
                "state": state.value,
                "paid_on": paid_on.isoformat() if paid_on else None,
            }
        )
    return found
