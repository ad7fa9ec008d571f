"""Answers to "why did I (not) get this?" from what was recorded: one order's story, in a fixed number of
queries.

This is the data; the API writes it as JSON and the pages as sentences. What happened at the bank is added by the
edge, from ``payouts/queries.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import and_, select

from app.referrals.domain.commission import Outcome
from app.referrals.domain.rates import choose_rate
from app.referrals.models import (
    Binding,
    Commission,
    Customer,
    Decision,
    Hold,
    Order,
    OrderLine,
    Product,
    RateVersion,
    Refund,
)
from app.referrals.queries.dashboard import first_posted
from app.referrals.queries.decided import (
    bindings_of,
    codes_of,
    decisions_on,
    explained_binding,
    explained_decision,
    labels_of,
)
from app.referrals.story import span_of
from app.referrals.tiers import Numbered, number_of
from app.referrals.words import CommissionKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    from app.referrals.domain.rates import Rate
    from app.referrals.models import Referrer
    from app.referrals.queries.decided import ExplainedBinding, ExplainedDecision
    from app.referrals.rulebook import Rulebook
    from app.referrals.words import HoldRule, HoldState, LineKind, OrderStatus, RefundKind, TierBasis

_BY_ITS_RATE: Final = frozenset({Outcome.EXCLUDED, Outcome.KIND_NOT_PAID, Outcome.DURATION_SPENT})
"""Outcomes of lines that a rate version was found for, and that do not earn by it."""


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
    kind: CommissionKind = CommissionKind.KICKBACK
    tier_from: int | None = None
    """The performance tier that applied: its number of customers."""
    uncapped: int | None = None
    """What it would have earned where a cap cut it."""
    tier: Numbered | None = None
    """Which number the customer is, where the rate has performance tiers."""
    posted_at: datetime | None = None
    """When the ledger first knew of it."""


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
    name: str | None = None
    deciding: Rate | None = None
    """The rate version that says "nothing", "not this kind" or "no longer", where it is one that does."""


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
    exchange: Mapping[str, Any] | None = None
    """The reference rates that convert it: the day ``on``, and ``per_euro`` what a euro bought of each currency."""


def explain_order(
    session: Session, order: Order, book: Rulebook | None = None, *, reader: Referrer | None = None
) -> Explanation:
    """Tell the story of one order. Decisions are those that concern it: its customer's signup and choices, its own.

    With the programme's ``book``, lines that do not earn name the rate version that says so. To a ``reader`` it names
    no other referrer, and no label of a click.
    """
    customer = session.get_one(Customer, order.customer_id)
    decisions = _decisions(session, order)
    bindings = [each for each in bindings_of(session, customer.id) if _is_told(each.referrer_id, reader)]
    rows = [row for row in _earned(session, order) if _is_told(row.commission.referrer_id, reader)]
    named = [*(each.referrer_id for each in bindings), *(row.commission.referrer_id for row in rows)]
    codes = {reader.id: reader.code} if reader else codes_of(session, decisions, named)
    labels = {} if reader else labels_of(session, decisions)
    by_line: dict[int, list[ExplainedCommission]] = {}
    current = [row.rate for row in rows if _is_current(row.commission, order)]
    tiers = _tiers(session, order, current, book)
    for commission, rate, posted_at, holds in rows:
        shown = _commission(commission, rate, codes[commission.referrer_id], holds, posted_at)
        if _is_current(commission, order) and rate.tiers and rate.tier_basis:
            shown = replace(shown, tier=tiers.get(rate.tier_basis))
        by_line.setdefault(commission.order_line_id, []).append(shown)
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
        referrer=codes.get(order.referrer_id) if order.referrer_id else None,
        decisions=tuple(explained_decision(decision, codes, labels) for decision in decisions),
        bindings=tuple(explained_binding(each, codes) for each in bindings),
        lines=tuple(_lines(session, order, bindings, by_line, book)),
        refunds=tuple(
            ExplainedRefund(each.refund_id, each.kind, each.refunded_at, each.full, each.lines, each.reverses)
            for each in refunds
        ),
        exchange=order.exchange,
    )


def _decisions(session: Session, order: Order) -> list[Decision]:
    """The decisions in force that concern the order, oldest first."""
    return [
        decision
        for decision in decisions_on(session, order.customer_id)
        if decision.occasion != "order" or decision.occasion_ref == order.order_id or decision.referrer_id
    ]


class _Earned(NamedTuple):
    commission: Commission
    rate: RateVersion
    posted_at: datetime | None
    holds: tuple[ExplainedHold, ...]


def _earned(session: Session, order: Order) -> list[_Earned]:
    """What the order earned, each with its rate, its first posting and its reviews; in one query."""
    found: dict[int, _Earned] = {}
    rows = session.execute(
        select(Commission, RateVersion, first_posted(), Hold)
        .join(RateVersion, RateVersion.id == Commission.rate_version_id)
        .outerjoin(Hold, and_(Hold.commission_id == Commission.id, Hold.told()))
        .where(Commission.order_id == order.id)
        .order_by(Commission.id, Hold.id)
    )
    for commission, rate, posted_at, hold in rows:
        holds = found[commission.id].holds if commission.id in found else ()
        found[commission.id] = _Earned(commission, rate, posted_at, (*holds, *_hold(hold)))
    return list(found.values())


def _hold(hold: Hold | None) -> Iterator[ExplainedHold]:
    if hold is not None:
        yield ExplainedHold(
            hold.rule, hold.rule_version, hold.state, hold.opened_at, hold.closed_at, hold.reason
        )


def _is_told(referrer_id: int, reader: Referrer | None) -> bool:
    return reader is None or reader.id == referrer_id


def _is_current(commission: Commission, order: Order) -> bool:
    return commission.referrer_id == order.referrer_id


def _tiers(
    session: Session, order: Order, rates: Iterable[RateVersion], book: Rulebook | None
) -> dict[TierBasis, Numbered]:
    """The customer's number on each basis that one of these rates has tiers by: at most one query for each."""
    asked = {rate.tier_basis for rate in rates if rate.tiers and rate.tier_basis}
    if book is None or order.referrer_id is None or order.paid_at is None:
        return {}
    zone = book.program.timezone
    return {basis: number_of(session, order, order.referrer_id, basis, zone) for basis in sorted(asked)}


def _commission(
    commission: Commission,
    rate: RateVersion,
    referrer: str,
    holds: tuple[ExplainedHold, ...],
    posted_at: datetime | None,
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
        kind=commission.kind,
        tier_from=commission.tier_from,
        uncapped=commission.uncapped_minor,
        posted_at=posted_at,
    )


def _lines(
    session: Session,
    order: Order,
    bindings: Sequence[Binding],
    by_line: Mapping[int, Sequence[ExplainedCommission]],
    book: Rulebook | None,
) -> Iterator[ExplainedLine]:
    rows = session.execute(
        select(OrderLine, Product.name)
        .outerjoin(Product, Product.id == OrderLine.product_id)
        .where(OrderLine.order_id == order.id)
        .order_by(OrderLine.position)
    )
    for line, name in rows:
        deciding = _deciding(line, order, bindings, book) if book else None
        yield _line(line, name, by_line.get(line.id, ()), deciding)


def _deciding(line: OrderLine, order: Order, bindings: Sequence[Binding], book: Rulebook) -> Rate | None:
    """The rate version by which a line that was looked at for one does not earn."""
    if line.outcome not in _BY_ITS_RATE or line.product_id is None or order.paid_at is None:
        return None
    span = next((each for each in map(span_of, bindings) if each.covers(order.placed_at)), None)
    if span is None:
        return None
    return choose_rate(
        book.rates_for([span.referrer_id]),
        product_id=line.product_id,
        referrer_id=span.referrer_id,
        paid_at=order.paid_at,
        bound_from=span.from_at,
    )


def _line(
    line: OrderLine, name: str | None, commissions: Iterable[ExplainedCommission], deciding: Rate | None
) -> ExplainedLine:
    return ExplainedLine(
        line_id=line.line_id,
        product=line.sku,
        quantity=line.quantity,
        kind=line.kind,
        net=line.net_minor,
        refunded=line.refunded_minor,
        outcome=Outcome(line.outcome),
        commissions=tuple(commissions),
        name=name,
        deciding=deciding,
    )
