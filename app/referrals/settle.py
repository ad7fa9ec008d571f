"""The heart: bring a customer's commissions in line with its facts, under the customer's lock.

Every use case that records a fact ends here. Which orders are looked at again is the only thing that differs: the one
that the fact is about, or all orders of a binding when what they hang on (whom they belong to, which was first)
changed. Each order's commissions are then computed anew from its facts, and the differences are posted.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from sqlalchemy import bindparam, select

from app.kernel.clock import local_day
from app.referrals import holds, locks
from app.referrals.domain.commission import Earned, Line, OrderTerms, Outcome, earn
from app.referrals.domain.refunded import GivenBack, Refunded, refunded
from app.referrals.models import (
    GONE,
    Binding,
    Commission,
    HoldRule,
    Order,
    OrderLine,
    Refund,
)
from app.referrals.postings import Movement, move_to_held, post_movements, retarget, unreserved
from app.referrals.story import retell, span_of
from app.referrals.terms import hold_days

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.referrals.domain.attribution import Span
    from app.referrals.domain.rates import Rate
    from app.referrals.intake import ReferralDeps
    from app.referrals.models import Customer, Program, Referrer
    from app.referrals.rulebook import Rulebook


_BINDINGS: Final = (
    select(Binding).where(Binding.customer_id == bindparam("customer")).order_by(Binding.from_at)
)


@dataclass(frozen=True)
class Touched:
    """What a fact is about: ``orders``, or (``everything``) all of the customer's, because its e-mail became known.

    ``new_lines`` are the lines of the one order that the fact made: it has nothing yet that would have to be read.
    """

    orders: Sequence[Order] = ()
    everything: bool = False
    new_lines: Sequence[OrderLine] | None = None


def settle(
    deps: ReferralDeps,
    session: Session,
    program: Program,
    customer: Customer,
    touched: Touched,
    now: datetime,
    *,
    rebind: bool = False,
) -> None:
    """Settle what was touched, and all other orders of the customer that the change reaches.

    ``rebind`` says that the fact may change whom the customer belongs to.
    """
    everything = touched.everything
    # What was added is written once, with its outcome, when everything is decided.
    with session.no_autoflush:
        book = deps.rulebooks.of(session, program)
        if rebind:
            everything = retell(deps, session, program, customer, book.terms, now) or everything
        bindings = list(session.scalars(_BINDINGS, {"customer": customer.id}))
        orders = _all_orders(session, customer) if everything else list(touched.orders)
        if _note_first_paid(bindings, orders) and not everything:
            orders, everything = _all_orders(session, customer), True
            _note_first_paid(bindings, orders)
        if orders:
            settlement = _Settlement(deps, session, program, customer, book, bindings, now)
            settlement.run(orders, None if everything else touched.new_lines)


def _all_orders(session: Session, customer: Customer) -> list[Order]:
    session.flush()
    return list(session.scalars(select(Order).where(Order.customer_id == customer.id).order_by(Order.id)))


def _note_first_paid(bindings: Sequence[Binding], orders: Iterable[Order]) -> bool:
    """Keep each binding's first paid order by (``paid_at``, ``order_id``); whether one that had a first got another."""
    displaced = False
    for order in orders:
        binding = next((each for each in bindings if span_of(each).covers(order.placed_at)), None)
        if binding is None or order.paid_at is None:
            continue
        before = _first_paid(binding)
        if before is None or (order.paid_at, order.order_id) < before:
            displaced = displaced or before is not None
            binding.first_paid_at, binding.first_paid_order = order.paid_at, order.order_id
    return displaced


def _first_paid(binding: Binding) -> tuple[datetime, str] | None:
    if binding.first_paid_at is None or binding.first_paid_order is None:
        return None
    return binding.first_paid_at, binding.first_paid_order


_Existing: TypeAlias = dict[tuple[int, int], Commission]
"""Commissions by (order line, referrer)."""


class _Wanted(NamedTuple):
    """What a commission must come to, in minor units."""

    commission: Commission
    order: Order
    earned: int
    target: int


@dataclass(frozen=True)
class _Settlement:
    deps: ReferralDeps
    session: Session
    program: Program
    customer: Customer
    book: Rulebook
    bindings: Sequence[Binding]
    now: datetime

    def run(self, orders: Sequence[Order], new_lines: Sequence[OrderLine] | None) -> None:
        if new_lines is None:
            self.session.flush()
            order_ids = [order.id for order in orders]
            lines, given_back = self._lines(order_ids), self._given_back(order_ids)
            existing = self._commissions(order_ids)
        else:
            lines, given_back, existing = {orders[0].id: list(new_lines)}, defaultdict(list), {}
        concerned = {binding.referrer_id for binding in self.bindings} | {key[1] for key in existing}
        referrers = locks.share_referrers(self.session, concerned)
        rates = self.book.rates_for(concerned)
        spans = [span_of(binding) for binding in self.bindings]
        wanted: list[_Wanted] = []
        for order in orders:
            binding = next((each for each in self.bindings if span_of(each).covers(order.placed_at)), None)
            order.referrer_id = binding.referrer_id if binding else None
            back = refunded(given_back[order.id])
            for line in lines.get(order.id, ()):
                result = self._earn(order, line, back, binding, spans, rates)
                line.outcome = result.outcome
                wanted += self._wanted(order, line, result, existing)
        held = holds.open_rules(self.session, [commission.id for commission in existing.values()])
        movements = [movement for each in wanted for movement in self._move(each, held, referrers)]
        self.session.flush()
        post_movements(self.session, movements, currency=self.program.currency, posted_at=self.now)

    def _lines(self, order_ids: Sequence[int]) -> Mapping[int, list[OrderLine]]:
        lines: defaultdict[int, list[OrderLine]] = defaultdict(list)
        wanted = (
            select(OrderLine)
            .where(OrderLine.order_id.in_(order_ids))
            .order_by(OrderLine.order_id, OrderLine.position)
        )
        for line in self.session.scalars(wanted):
            lines[line.order_id].append(line)
        return lines

    def _given_back(self, order_ids: Sequence[int]) -> Mapping[int, list[GivenBack]]:
        found: defaultdict[int, list[GivenBack]] = defaultdict(list)
        for refund in self.session.scalars(select(Refund).where(Refund.order_id.in_(order_ids))):
            found[refund.order_id].append(given_back_of(refund))
        return found

    def _commissions(self, order_ids: Sequence[int]) -> _Existing:
        wanted = select(Commission).where(Commission.order_id.in_(order_ids))
        return {(each.order_line_id, each.referrer_id): each for each in self.session.scalars(wanted)}

    def _earn(
        self,
        order: Order,
        line: OrderLine,
        back: Refunded,
        binding: Binding | None,
        spans: Sequence[Span],
        rates: Sequence[Rate],
    ) -> Earned:
        line.refunded_minor = (
            line.net_minor if back.all_of_it else min(line.net_minor, back.lines.get(line.line_id, 0))
        )
        # Of a line that is no longer part of the order, no piece is left: a flat rate may exceed the net.
        quantity = 0 if line.position == GONE else line.quantity
        return earn(
            Line(line.net_minor, quantity, line.kind, line.product_id, line.refunded_minor, back.all_of_it),
            OrderTerms(
                order_id=order.order_id,
                status=order.status,
                currency=order.currency,
                placed_at=order.placed_at,
                paid_at=order.paid_at,
                first_paid=_first_paid(binding) if binding else None,
                program_currency=self.program.currency,
                timezone=self.program.timezone,
            ),
            span_of(binding) if binding else None,
            spans,
            rates,
        )

    def _wanted(
        self, order: Order, line: OrderLine, result: Earned, existing: _Existing
    ) -> Iterator[_Wanted]:
        """The commissions of one line with what each must come to: the current referrer's, and zero for any other."""
        current: Commission | None = None
        if result.outcome is Outcome.EARNS and result.rate and order.referrer_id is not None:
            current = existing.get((line.id, order.referrer_id))
            if current is None and result.earned:
                current = self._new_commission(order, line, result.rate)
            if current is not None:
                current.base_minor, current.rate_version_id = line.net_minor, result.rate.id
                yield _Wanted(current, order, result.earned, 0 if current.rejected else result.target)
        for (line_id, _), commission in existing.items():
            if line_id == line.id and commission is not current:
                yield _Wanted(commission, order, 0, 0)

    def _new_commission(self, order: Order, line: OrderLine, rate: Rate) -> Commission:
        assert order.paid_at is not None
        days = hold_days(self.book.terms.at(order.paid_at), order.method)
        commission = Commission(
            program_id=self.program.id,
            referrer_id=order.referrer_id,
            order=order,
            order_line=line,
            rate_version_id=rate.id,
            base_minor=line.net_minor,
            earned_minor=0,
            target_minor=0,
            held_minor=0,
            rejected=False,
            paid_at=order.paid_at,
            available_on=local_day(order.paid_at, self.program.timezone) + timedelta(days=days),
            postings=0,
        )
        self.session.add(commission)
        return commission

    def _move(
        self, wanted: _Wanted, held: Mapping[int, set[HoldRule]], referrers: Mapping[int, Referrer]
    ) -> list[Movement]:
        commission = wanted.commission
        hold = bool(held.get(commission.id))
        movements: list[Movement] = []
        if wanted.earned and self._open_holds(wanted, referrers[commission.referrer_id]) and not hold:
            # What it had before this rule spoke is taken aside too, as far as no payout has it.
            amount = unreserved(self.session, commission) if commission.postings else 0
            movements += [move_to_held(commission, amount)] if amount else []
            hold = True
        return movements + retarget(commission, earned=wanted.earned, target=wanted.target, hold=hold)

    def _open_holds(self, wanted: _Wanted, referrer: Referrer) -> bool:
        rules = holds.rules_against(self.deps, self.session, wanted.order, self.customer, referrer)
        if wanted.target <= wanted.commission.target_minor:
            # A suspension took aside what there was when it began; here it only catches what is earned under it.
            rules.pop(HoldRule.REFERRER_SUSPENDED, None)
        if not rules or wanted.commission.rejected:
            return False
        self.session.flush()
        return bool(holds.open_holds(self.session, wanted.commission, rules, self.now))


def given_back_of(refund: Refund) -> GivenBack:
    """A stored refund as the rules see it."""
    return GivenBack(refund.refund_id, refund.kind, refund.full, refund.lines, refund.reverses)
