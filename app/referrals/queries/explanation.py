"""Answers to "why did I (not) get this?" from what was recorded: one order's story, in a fixed number of
queries.

This is the data; the API writes it as JSON and the pages as sentences. What happened at the bank is added by the
edge, from ``payouts/queries.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.referrals.domain.commission import Outcome
from app.referrals.models import (
    Binding,
    Commission,
    Customer,
    Decision,
    Hold,
    Order,
    OrderLine,
    RateVersion,
    Referrer,
    Refund,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    from app.referrals.words import BindingMethod, HoldRule, HoldState, LineKind, OrderStatus, RefundKind


@dataclass(frozen=True, slots=True)
class ExplainedCandidate:
    """One thing that was presented. ``referrer`` is a code; ``lost`` a member of ``Lost``, null for the winner."""

    kind: str
    value: str
    referrer: str | None
    at: str | None
    lost: str | None


@dataclass(frozen=True, slots=True)
class ExplainedDecision:
    """An attribution decision in force, with every candidate."""

    decision_id: str
    occasion: str
    occasion_ref: str
    at: datetime
    rule: str
    referrer: str | None
    method: BindingMethod | None
    bound_from: datetime | None
    candidates: tuple[ExplainedCandidate, ...]


@dataclass(frozen=True, slots=True)
class ExplainedBinding:
    """[from_at, until_at): orders placed within it earn for the referrer."""

    referrer: str
    method: BindingMethod
    from_at: datetime
    until_at: datetime | None


@dataclass(frozen=True, slots=True)
class ExplainedHold:
    """A review of a commission and how it ended. The evidence is for staff and is not here."""

    rule: HoldRule
    rule_version: int
    state: HoldState
    opened_at: datetime
    closed_at: datetime | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class ExplainedCommission:
    """What one line earns one referrer; amounts in minor units of the programme's currency."""

    id: int
    referrer: str
    rate: RateVersion
    base: int
    earned: int
    target: int
    held: int
    rejected: bool
    available_on: date
    holds: tuple[ExplainedHold, ...]


@dataclass(frozen=True, slots=True)
class ExplainedLine:
    """One order line and why it earns or does not; nets in minor units of the order's currency.

    A line has more than one commission only where a late fact moved it from one referrer to another; the earlier
    one's target is zero.
    """

    line_id: str
    product: str
    quantity: int
    kind: LineKind
    net: int
    refunded: int
    outcome: Outcome
    commissions: tuple[ExplainedCommission, ...]


@dataclass(frozen=True, slots=True)
class ExplainedRefund:
    """Money that went back, or came again."""

    refund_id: str
    kind: RefundKind
    refunded_at: datetime
    full: bool
    lines: Mapping[str, int]
    reverses: str | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """The story of one order, from the click to the hold's end. ``customer_id`` is the merchant's own id."""

    order_id: str
    customer_id: str
    status: OrderStatus
    currency: str
    placed_at: datetime
    paid_at: datetime | None
    cancelled_at: datetime | None
    method: str | None
    referrer: str | None
    decisions: tuple[ExplainedDecision, ...]
    bindings: tuple[ExplainedBinding, ...]
    lines: tuple[ExplainedLine, ...]
    refunds: tuple[ExplainedRefund, ...]


def explain_order(session: Session, order: Order) -> Explanation:
    """Tell the story of one order. Decisions are those that concern it: its customer's signup and choices, its own."""
    customer = session.get_one(Customer, order.customer_id)
    decisions = _decisions(session, order)
    bindings = session.scalars(
        select(Binding).where(Binding.customer_id == customer.id).order_by(Binding.from_at)
    ).all()
    rows = session.execute(
        select(Commission, RateVersion)
        .join(RateVersion, RateVersion.id == Commission.rate_version_id)
        .where(Commission.order_id == order.id)
        .order_by(Commission.id)
    ).all()
    codes = _codes(
        session,
        [*_named(decisions), *(each.referrer_id for each in bindings), *(c.referrer_id for c, _ in rows)],
    )
    holds = _holds(session, [commission.id for commission, _ in rows])
    by_line: dict[int, list[ExplainedCommission]] = {}
    for commission, rate in rows:
        shown = _commission(commission, rate, codes[commission.referrer_id], holds.get(commission.id, ()))
        by_line.setdefault(commission.order_line_id, []).append(shown)
    lines = session.scalars(
        select(OrderLine).where(OrderLine.order_id == order.id).order_by(OrderLine.position)
    )
    refunds = session.scalars(
        select(Refund).where(Refund.order_id == order.id).order_by(Refund.refunded_at, Refund.id)
    )
    return Explanation(
        order_id=order.order_id,
        customer_id=customer.customer_id,
        status=order.status,
        currency=order.currency,
        placed_at=order.placed_at,
        paid_at=order.paid_at,
        cancelled_at=order.cancelled_at,
        method=order.method,
        referrer=codes[order.referrer_id] if order.referrer_id else None,
        decisions=tuple(_decision(decision, codes) for decision in decisions),
        bindings=tuple(
            ExplainedBinding(codes[each.referrer_id], each.method, each.from_at, each.until_at)
            for each in bindings
        ),
        lines=tuple(_line(line, by_line.get(line.id, ())) for line in lines),
        refunds=tuple(
            ExplainedRefund(each.refund_id, each.kind, each.refunded_at, each.full, each.lines, each.reverses)
            for each in refunds
        ),
    )


def _decisions(session: Session, order: Order) -> list[Decision]:
    """The decisions in force that concern the order, oldest first."""
    in_force = session.scalars(
        select(Decision)
        .where(Decision.customer_id == order.customer_id, Decision.superseded_at.is_(None))
        .order_by(Decision.occasion_at, Decision.id)
    )
    return [
        decision
        for decision in in_force
        if decision.occasion != "order" or decision.occasion_ref == order.order_id or decision.referrer_id
    ]


def _named(decisions: Iterable[Decision]) -> Iterable[int]:
    for decision in decisions:
        if decision.referrer_id is not None:
            yield decision.referrer_id
        for candidate in decision.candidates:
            if candidate["referrer_id"] is not None:
                yield int(candidate["referrer_id"])


def _codes(session: Session, referrer_ids: Iterable[int]) -> dict[int, str]:
    wanted = select(Referrer.id, Referrer.code).where(Referrer.id.in_(set(referrer_ids)))
    return dict(session.execute(wanted).all())


def _holds(session: Session, commission_ids: Sequence[int]) -> dict[int, tuple[ExplainedHold, ...]]:
    found: dict[int, tuple[ExplainedHold, ...]] = {}
    wanted = select(Hold).where(Hold.commission_id.in_(commission_ids)).order_by(Hold.id)
    for hold in session.scalars(wanted):
        shown = ExplainedHold(
            hold.rule, hold.rule_version, hold.state, hold.opened_at, hold.closed_at, hold.reason
        )
        found[hold.commission_id] = (*found.get(hold.commission_id, ()), shown)
    return found


def _decision(decision: Decision, codes: Mapping[int, str]) -> ExplainedDecision:
    return ExplainedDecision(
        decision_id=decision.decision_id,
        occasion=decision.occasion,
        occasion_ref=decision.occasion_ref,
        at=decision.occasion_at,
        rule=decision.rule,
        referrer=codes.get(decision.referrer_id) if decision.referrer_id else None,
        method=decision.method,
        bound_from=decision.bound_from,
        candidates=tuple(
            ExplainedCandidate(
                kind=candidate["kind"],
                value=candidate["value"],
                referrer=codes.get(candidate["referrer_id"]),
                at=candidate["at"],
                lost=candidate["lost"],
            )
            for candidate in decision.candidates
        ),
    )


def _commission(
    commission: Commission, rate: RateVersion, referrer: str, holds: tuple[ExplainedHold, ...]
) -> ExplainedCommission:
    return ExplainedCommission(
        id=commission.id,
        referrer=referrer,
        rate=rate,
        base=commission.base_minor,
        earned=commission.earned_minor,
        target=commission.target_minor,
        held=commission.held_minor,
        rejected=commission.rejected,
        available_on=commission.available_on,
        holds=holds,
    )


def _line(line: OrderLine, commissions: Iterable[ExplainedCommission]) -> ExplainedLine:
    return ExplainedLine(
        line_id=line.line_id,
        product=line.sku,
        quantity=line.quantity,
        kind=line.kind,
        net=line.net_minor,
        refunded=line.refunded_minor,
        outcome=Outcome(line.outcome),
        commissions=tuple(commissions),
    )
