"""What an order line earns, pure: a function of the line's current net paid amount."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from app.kernel.money import PPM, divide_half_up
from app.referrals.domain.rates import Rate, Step, choose_bonus, choose_rate, duration_spent
from app.referrals.words import LineKind, OrderStatus, RateKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from fractions import Fraction

    from app.referrals.domain.attribution import Span
    from app.referrals.words import TierBasis


class Outcome(StrEnum):
    """Whether a line earns, and if not, why; the first reason in this order."""

    CANCELLED = "cancelled"
    """The order was closed before it was paid."""
    UNPAID = "unpaid"
    """The order has not been paid yet."""
    UNATTRIBUTED = "unattributed"
    """The customer belongs to no referrer."""
    BEFORE_BINDING = "before_binding"
    """The order was placed before the customer belonged to anyone."""
    AFTER_BINDING = "after_binding"
    """The order was placed after the customer had ended its partner."""
    WAITING_RATE = "waiting_rate"
    """The order's currency is not the programme's, and the exchange rate is not known yet."""
    UNKNOWN_PRODUCT = "unknown_product"
    """The merchant has not entered this product, so it does not participate."""
    NOT_PARTICIPATING = "not_participating"
    """No rate reaches this product."""
    EXCLUDED = "excluded"
    """The rate that decides is ``none``."""
    KIND_NOT_PAID = "kind_not_paid"
    """The rate does not pay for this kind of line, such as renewals."""
    DURATION_SPENT = "duration_spent"
    """The rate paid for the first order, or for a number of months, and those are over."""
    EARNS = "earns"
    """It earns a commission."""


@dataclass(frozen=True, slots=True)
class Line:
    """An order line as it is now. ``net_minor`` is paid for the whole line, ``refunded_minor`` of it given back.

    ``voided`` says that the whole order was refunded in full: nothing is left to earn, whatever the rate.
    """

    net_minor: int
    quantity: int
    kind: LineKind
    product_id: int | None
    refunded_minor: int = 0
    voided: bool = False


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """What the lines of one order have in common.

    ``first_paid`` is (``paid_at``, ``order_id``) of the binding's first paid order, this one included; ``first_ever``
    that of all its customer's orders, under whatever binding or none, for the sign-up bonus alone. ``exchange`` is what
    one minor unit of the order's currency is worth in minor units of the programme's, where they differ and it is
    known. ``customers`` says, for each basis that a performance tier may ask for, which number this order's customer is
    among the referrer's customers with a paid order.
    """

    order_id: str
    status: OrderStatus
    currency: str
    placed_at: datetime
    paid_at: datetime | None
    first_paid: tuple[datetime, str] | None
    program_currency: str
    timezone: str
    exchange: Fraction | None = None
    customers: Mapping[TierBasis, int] = field(default_factory=dict)
    first_ever: tuple[datetime, str] | None = None


@dataclass(frozen=True, slots=True)
class Earned:
    """What one line came to, in minor units of the programme's currency; all 0 unless it earns.

    ``earned`` before refunds and ``target`` now; ``base`` the line's net before refunds, for people: what is earned is
    reckoned from the exact value. ``tier_from`` is the step that applied (:class:`app.referrals.domain.rates.Step`),
    ``uncapped`` what would have been earned where a cap cut it.
    """

    outcome: Outcome
    rate: Rate | None = None
    earned: int = 0
    target: int = 0
    base: int = 0
    tier_from: int | None = None
    uncapped: int | None = None


def earn(
    line: Line, order: OrderTerms, span: Span | None, spans: Sequence[Span], rates: Sequence[Rate]
) -> Earned:
    """What ``line`` earns under the binding ``span`` that covers its order, and why.

    ``spans`` are all bindings the customer ever had, to say why none covers the order.
    """
    blocked = _blocked(order, span, spans)
    if blocked or span is None or order.paid_at is None or order.first_paid is None:
        return Earned(blocked or Outcome.UNATTRIBUTED)
    if line.product_id is None:
        return Earned(Outcome.UNKNOWN_PRODUCT)
    rate = choose_rate(
        rates,
        product_id=line.product_id,
        referrer_id=span.referrer_id,
        paid_at=order.paid_at,
        bound_from=span.from_at,
    )
    if rate is None:
        return Earned(Outcome.NOT_PARTICIPATING)
    if rate.kind is RateKind.NONE:
        return Earned(Outcome.EXCLUDED, rate)
    if line.kind not in rate.line_kinds:
        return Earned(Outcome.KIND_NOT_PAID, rate)
    if duration_spent(
        rate,
        paid_at=order.paid_at,
        order_id=order.order_id,
        first_paid=order.first_paid,
        timezone=order.timezone,
    ):
        return Earned(Outcome.DURATION_SPENT, rate)
    step = rate.step(order.customers[rate.tier_basis]) if rate.steps else None
    earned, target = amounts(rate, line, order.exchange, step)
    base = converted(line.net_minor, order.exchange)
    return Earned(Outcome.EARNS, rate, earned, target, base, step.from_customers if step else None)


def bonus(
    order: OrderTerms, lines: Iterable[Line], span: Span | None, bonuses: Sequence[Rate]
) -> Earned | None:
    """The sign-up bonus of this order: that of the first order its customer ever paid, and nothing for any other.

    So a customer who goes over to another referrer, or who had bought before, brings none. A flat amount in the
    programme's currency, whatever the order came to; it shrinks with the refunded share of the whole order. A line
    that a correction took out has no net and no part in it.
    """
    if span is None or order.paid_at is None or (order.paid_at, order.order_id) != order.first_ever:
        return None
    rate = choose_bonus(bonuses, referrer_id=span.referrer_id, paid_at=order.paid_at, bound_from=span.from_at)
    if rate is None:
        return None
    net = left = 0
    voided = False
    for line in lines:
        net += line.net_minor
        left += line.net_minor - line.refunded_minor
        voided = voided or line.voided
    target = 0 if voided else divide_half_up(rate.amount * left, net) if net else rate.amount
    return Earned(Outcome.EARNS, rate, rate.amount, target, rate.amount)


def _blocked(order: OrderTerms, span: Span | None, spans: Sequence[Span]) -> Outcome | None:
    if order.status is OrderStatus.CANCELLED:
        return Outcome.CANCELLED
    if span is None:
        if not spans:
            return Outcome.UNATTRIBUTED
        return Outcome.BEFORE_BINDING if order.placed_at < spans[0].from_at else Outcome.AFTER_BINDING
    if order.status is not OrderStatus.PAID:
        return Outcome.UNPAID
    if order.currency != order.program_currency and order.exchange is None:
        return Outcome.WAITING_RATE
    return None


def converted(minor: int, exchange: Fraction | None) -> int:
    """An amount of the order's currency in minor units of the programme's, rounded half up."""
    return divide_half_up(minor * exchange.numerator, exchange.denominator) if exchange else minor


def amounts(
    rate: Rate, line: Line, exchange: Fraction | None = None, step: Step | None = None
) -> tuple[int, int]:
    """(earned, target) in minor units of the programme's currency, each rounded once, half up.

    Percent: of the net, and of the net less refunds. Flat: for each piece, never above the line's net unless the
    version says so; it shrinks in proportion to the refunded share. Both see the net through ``exchange``, exactly: a
    foreign amount is not rounded before the rate is applied.
    """
    amount = step.amount if step else rate.amount
    left = 0 if line.voided else line.net_minor - line.refunded_minor
    if rate.kind is RateKind.PERCENT:
        share, whole = amount, PPM
        if exchange:
            share, whole = share * exchange.numerator, whole * exchange.denominator
        return divide_half_up(line.net_minor * share, whole), divide_half_up(left * share, whole)
    full = amount * line.quantity
    earned = full if rate.may_exceed_net else min(full, converted(line.net_minor, exchange))
    if line.net_minor == 0:
        return earned, 0 if line.voided else earned
    return earned, divide_half_up(earned * left, line.net_minor)
