"""What customers buy, how they pay, and what goes wrong afterwards."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

from app.demo.events import Report
from app.referrals.facts import (
    CancellationFact,
    LineFact,
    OrderFact,
    PaymentFact,
    RefundFact,
    RefundLine,
)
from app.referrals.words import LineKind, OrderStatus, RefundKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.demo.scenes.dice import Dice

CURRENCY = "EUR"
MONTH = timedelta(days=30)
METHODS = {"ideal": 45, "card": 25, "transfer": 15, "direct_debit": 15}
AT_ONCE = {"ideal", "card"}
"""Methods with which an order is paid when it is placed; the others come in days later."""


@dataclass(frozen=True, slots=True)
class Goods:
    """A product's net price in cents, and whether it is paid again every month."""

    sku: str
    price_minor: int
    monthly: bool = False


class Till:
    """Makes orders, payments and refunds with ids of their own; ``prefix`` keeps two programmes' ids apart."""

    def __init__(self, dice: Dice, program: str, prefix: str) -> None:
        self._dice, self._program, self._prefix = dice, program, prefix
        self._numbers = count(10_001)

    def sell(
        self, customer_id: str, at: datetime, goods: list[Goods], kind: LineKind = LineKind.NEW
    ) -> Iterator[Report]:
        """An order of ``goods`` placed at ``at``, and what becomes of it: paid, cancelled, refunded, charged back."""
        method = self._dice.some(METHODS)
        if method in AT_ONCE:
            order = replace(
                self._order(customer_id, at, goods, kind), status=OrderStatus.PAID, paid_at=at, method=method
            )
            yield Report(at, self._program, order)
            yield from self._aftermath(order, at, method)
            return
        order = self._order(customer_id, at, goods, kind)
        yield Report(at, self._program, order)
        if self._dice.chance(0.1):
            closed = self._dice.within(at, timedelta(days=10))
            yield Report(closed, self._program, CancellationFact(order.order_id, closed))
            return
        paid_at = self._dice.within(at + timedelta(hours=4), timedelta(days=7))
        yield Report(paid_at, self._program, PaymentFact(order.order_id, paid_at, method))
        yield from self._aftermath(order, paid_at, method)

    def renew(
        self, customer_id: str, first_at: datetime, until: datetime, goods: list[Goods]
    ) -> Iterator[Report]:
        """The monthly products of ``goods``, again every thirty days until the customer leaves or ``until``."""
        monthly = [item for item in goods if item.monthly]
        at = first_at + MONTH
        while monthly and at < until and not self._dice.chance(0.08):
            yield from self.sell(customer_id, at, monthly, LineKind.RENEWAL)
            at += MONTH

    def _order(self, customer_id: str, at: datetime, goods: list[Goods], kind: LineKind) -> OrderFact:
        lines = tuple(
            LineFact(str(number), item.sku, pieces, item.price_minor * pieces, kind)
            for number, item in enumerate(goods, start=1)
            for pieces in [2 if self._dice.chance(0.1) else 1]
        )
        order_id = f"{self._prefix}-{next(self._numbers)}"
        return OrderFact(order_id, customer_id, CURRENCY, OrderStatus.PENDING, at, lines)

    def _aftermath(self, order: OrderFact, paid_at: datetime, method: str) -> Iterator[Report]:
        if method == "direct_debit" and self._dice.chance(0.12):
            yield from self._charge_back(order, self._dice.within(paid_at, timedelta(days=50)))
        elif self._dice.chance(0.06):
            line = order.lines[0]
            share = self._dice.pick((100, 100, 50, 30))
            back = (RefundLine(line.line_id, line.net_minor * share // 100),)
            at = self._dice.within(paid_at + timedelta(hours=1), timedelta(days=25))
            yield self._refund(order, "R1", RefundKind.REFUND, at, back)

    def _charge_back(self, order: OrderFact, at: datetime) -> Iterator[Report]:
        yield self._refund(order, "B1", RefundKind.CHARGEBACK, at, full=True)
        if self._dice.chance(0.3):
            won = self._dice.within(at + timedelta(days=2), timedelta(days=20))
            yield self._refund(order, "B2", RefundKind.CHARGEBACK_REVERSAL, won, full=True, reverses="B1")

    def _refund(
        self,
        order: OrderFact,
        suffix: str,
        kind: RefundKind,
        at: datetime,
        lines: tuple[RefundLine, ...] = (),
        *,
        full: bool = False,
        reverses: str | None = None,
    ) -> Report:
        fact = RefundFact(
            order_id=order.order_id,
            refund_id=f"{order.order_id}-{suffix}",
            kind=kind,
            refunded_at=at,
            lines=lines,
            full=full,
            reverses=reverses and f"{order.order_id}-{reverses}",
        )
        return Report(at, self._program, fact)
