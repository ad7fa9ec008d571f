"""``GET /orders/{order_id}/explanation``: the order's story as JSON, each line with a sentence that answers "why?"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from app.api.render import duration_text, optional_rfc3339, rfc3339
from app.kernel.clock import local_day
from app.payouts.explained import payouts_of_commissions
from app.referrals.domain.calculation import hold_period, rounding
from app.referrals.domain.commission import Outcome
from app.referrals.domain.exchange import exchange_factor
from app.referrals.errors import CustomerNotFound, OrderNotFound
from app.referrals.models import Order
from app.referrals.queries.decided import explain_signup
from app.referrals.queries.explanation import explain_order
from app.referrals.rate_parts import amount_at
from app.referrals.rates import rate_text
from app.referrals.words import CommissionKind, RateKind

if TYPE_CHECKING:
    from fractions import Fraction

    from sqlalchemy.orm import Session

    from app.payouts.explained import TakenBy
    from app.referrals.domain.rates import Rate
    from app.referrals.models import Program, RateVersion
    from app.referrals.queries.decided import ExplainedBinding, ExplainedDecision
    from app.referrals.queries.explanation import ExplainedCommission, ExplainedLine, Explanation
    from app.referrals.rulebook import Rulebook
    from app.referrals.tiers import Numbered

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


def explanation(session: Session, program: Program, book: Rulebook, order_id: str) -> dict[str, Any]:
    """The whole story. Raises :class:`OrderNotFound`."""
    order = session.scalar(select(Order).where(Order.program_id == program.id, Order.order_id == order_id))
    if order is None:
        raise OrderNotFound(order_id)
    told = explain_order(session, order, book)
    taken = payouts_of_commissions(session, [earned.id for line in told.lines for earned in line.commissions])
    payouts = {commission_id: list(map(_payout, found)) for commission_id, found in taken.items()}
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
        "exchange": _exchange(told),
        "decision": _deciding(told),
        "decisions": [_decision(each) for each in told.decisions],
        "bindings": [_binding(each) for each in told.bindings],
        "lines": [_line(line, told, program, payouts) for line in told.lines],
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


def signup_explanation(session: Session, program: Program, customer_id: str) -> dict[str, Any]:
    """Whom a customer belongs to and why. Raises :class:`CustomerNotFound` where no signup was recorded."""
    told = explain_signup(session, program, customer_id)
    if told is None:
        raise CustomerNotFound(customer_id)
    return {
        "customer_id": told.customer_id,
        "signed_up_at": rfc3339(told.signed_up_at),
        "decisions": [_decision(each) for each in told.decisions],
        "bindings": [_binding(each) for each in told.bindings],
    }


def _binding(binding: ExplainedBinding) -> dict[str, Any]:
    return {
        "referrer": binding.referrer,
        "method": binding.method.value,
        "from": rfc3339(binding.from_at),
        "until": optional_rfc3339(binding.until_at),
    }


def _payout(taken: TakenBy) -> dict[str, Any]:
    return {
        "run": taken.run,
        "end_to_end_id": taken.end_to_end_id,
        "state": taken.state.value,
        "paid_on": taken.paid_on.isoformat() if taken.paid_on else None,
        "returned_on": taken.returned_on.isoformat() if taken.returned_on else None,
        "bank_reason": taken.reason_code,
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
        "rule_version": _version(decision.rule),
        "referrer": decision.referrer,
        "method": decision.method.value if decision.method else None,
        "bound_from": optional_rfc3339(decision.bound_from),
        "candidates": [
            {
                "kind": each.kind,
                "value": each.value,
                "referrer": each.referrer,
                "at": each.at.replace("+00:00", "Z") if each.at else None,
                "label": each.label,
                "won": each.lost is None,
                "reason": each.lost,
            }
            for each in decision.candidates
        ],
        "not_presented": [
            {"click_id": each.value, "referrer": each.referrer, "at": each.at.replace("+00:00", "Z")}
            for each in decision.unpresented
        ],
        "reason": decision.reason,
    }


def _version(rule: str) -> int:
    """The number in "last_click/1 window 30d"."""
    return int(rule.partition("/")[2].partition(" ")[0])


def _line(
    line: ExplainedLine, told: Explanation, program: Program, payouts: dict[int, list[dict[str, Any]]]
) -> dict[str, Any]:
    shown = [
        _commission(earned, line, told, program) | {"payouts": payouts.get(earned.id, [])}
        for earned in line.commissions
    ]
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
        "rate_version": _rate_version(line.deciding, program.currency) if line.deciding else None,
        "commission": _of_kind(shown, told, CommissionKind.KICKBACK),
        "signup_bonus": _of_kind(shown, told, CommissionKind.BONUS),
        "former": [each for each in shown if each["referrer"] != told.referrer],
    }


def _of_kind(shown: list[dict[str, Any]], told: Explanation, kind: CommissionKind) -> dict[str, Any] | None:
    theirs = (each for each in shown if each["referrer"] == told.referrer and each["kind"] == kind.value)
    return next(theirs, None)


def _exchange(told: Explanation) -> dict[str, Any] | None:
    """The European Central Bank's rates that convert the order, as decimals; null where none is needed or known."""
    if told.exchange is None:
        return None
    return {"on": told.exchange["on"], "per_euro": dict(told.exchange["per_euro"])}


def _rate_version(rate: Rate | RateVersion, currency: str) -> dict[str, Any]:
    return {
        "id": rate.id,
        "rate": rate_text(rate, currency),
        "level": _level(rate),
        "duration": duration_text(rate),
        "scope": rate.scope.value,
        "valid_from": rfc3339(rate.valid_from),
    }


def _commission(
    earned: ExplainedCommission, line: ExplainedLine, told: Explanation, program: Program
) -> dict[str, Any]:
    currency = program.currency
    factor = exchange_factor(told.currency, currency, told.exchange["per_euro"]) if told.exchange else None
    return {
        "referrer": earned.referrer,
        "kind": earned.kind.value,
        "rate": rate_text(earned.rate, currency, earned.tier_from),
        "tier_from": earned.tier_from,
        "tier": _tier(earned.tier),
        "uncapped": earned.uncapped,
        "rate_version": _rate_version(earned.rate, currency),
        "base": earned.base,
        "rounding": _rounding(earned, line.net if factor else earned.base, earned.earned, factor),
        "after_refunds": _rounding(
            earned, (line.net if factor else earned.base) - line.refunded, earned.target, factor
        )
        if line.refunded
        else None,
        "earned": earned.earned,
        "clawed_back": earned.earned - earned.target,
        "amount": earned.target,
        "held": earned.held,
        "rejected": earned.rejected,
        "currency": currency,
        "available_on": earned.available_on.isoformat(),
        "hold": _hold(told, program, earned),
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
    }


def _tier(tier: Numbered | None) -> dict[str, Any] | None:
    """How many customers had paid up to and including this order, and whether it counts itself."""
    if tier is None:
        return None
    return {"basis": tier.basis.value, "customers": tier.number, "counts": tier.counted}


def _hold(told: Explanation, program: Program, earned: ExplainedCommission) -> dict[str, Any] | None:
    if told.paid_at is None:
        return None
    period = hold_period(local_day(told.paid_at, program.timezone), earned.available_on)
    return {"paid_on": period.paid_on.isoformat(), "days": period.days, "ends_on": period.until.isoformat()}


def _level(rate: Rate | RateVersion) -> str:
    match rate.referrer_id is not None, rate.product_id is not None:
        case True, True:
            return "referrer and product"
        case True, False:
            return "referrer"
        case False, True:
            return "product"
        case _:
            return "programme"


def _rounding(
    earned: ExplainedCommission, net: int, came_to: int, exchange: Fraction | None
) -> dict[str, Any] | None:
    """The exact product of base and rate, and how it became whole minor units; null where it is no percentage.

    ``net`` is of the order's currency where there is an ``exchange``.
    """
    if earned.rate.kind is not RateKind.PERCENT:
        return None
    sum_ = rounding(net, amount_at(earned.rate, earned.tier_from), exchange)
    if sum_.rounded != came_to:
        return None
    return {
        "base": sum_.base,
        "exact": f"{sum_.exact:f}",
        "rounded": sum_.rounded,
        "rule": "half up, once per line",
    }
