"""The heart: bring a customer's commissions in line with its facts, under the customer's lock.

Every use case that records a fact ends here. Which orders are looked at again is the only thing that differs: the one
that the fact is about, or all orders of a binding when what they hang on (whom they belong to, which was first, what
is left of a cap) changed. Each order's commissions are then computed anew from its facts, and the differences are
posted. Where a performance tier counts customers, other customers' later orders follow in jobs (``tiers.py``).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from app.kernel.clock import END, local_day
from app.referrals import holds, locks, tiers
from app.referrals.binding_rows import BindingRow, read_bindings, write_bindings
from app.referrals.domain.caps import Caps
from app.referrals.domain.commission import Earned, Line, OrderTerms, Outcome, bonus, earn
from app.referrals.domain.refunded import Refunded, refunded
from app.referrals.exchange import find_exchange
from app.referrals.first_orders import Payment, covering, first_ever, note_first_paid
from app.referrals.judged import Reviews, counts_now, reviews_of
from app.referrals.models import GONE, CommissionKind, Customer, HoldRule, HoldState, Program
from app.referrals.postings import Movement, move_to_held, post_movements, retarget, unreserved
from app.referrals.rows import (
    CommissionRow,
    LineRow,
    OrderRow,
    read_orders,
    read_orders_of,
    write_orders,
)
from app.referrals.story import retell
from app.referrals.terms import hold_days

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.referrals.domain.rates import Rate
    from app.referrals.intake import ReferralDeps
    from app.referrals.rows import CustomerRow
    from app.referrals.rulebook import Rulebook


@dataclass(frozen=True)
class Touched:
    """What a fact is about: the order that it made (``new``, perhaps not written yet) or the order ``number``, or
    (``everything``) all of the customer's, because its e-mail became known.
    """

    new: OrderRow | None = None
    number: int | None = None
    everything: bool = False


def settle(
    deps: ReferralDeps,
    session: Session,
    program: Program,
    customer: CustomerRow,
    touched: Touched,
    now: datetime,
    *,
    rebind: bool = False,
) -> list[OrderRow]:
    """Settle what was touched, and all other orders of the customer that the change reaches; the orders as they stand.

    ``rebind`` says that the fact may change whom the customer belongs to.
    """
    book = deps.rulebooks.of(session, program)
    # What is left of a customer's cap hangs on all that was earned before.
    everything = touched.everything or book.has_customer_caps
    if rebind:
        if touched.new:
            write_orders(session, [touched.new])
        everything = retell(deps, session, program, customer, book.terms, now) or everything
    bindings = read_bindings(session, customer.id)
    orders = _orders(session, customer, touched, everything=everything)
    displaced = note_first_paid(bindings, orders)
    first: Payment | None = None
    if book.bonuses:
        first, takes_over = first_ever(session, customer, orders)
        displaced = displaced or takes_over
    if displaced and not everything:
        orders = _orders(session, customer, touched, everything=True)
        note_first_paid(bindings, orders)
    if orders:
        Settlement(deps, session, program, customer, book, bindings, now, first).run(orders)
    return orders


def settle_again(deps: ReferralDeps, session: Session, customer_pk: int, now: datetime) -> None:
    """Settle all orders of a customer because something outside its facts changed: exchange rates, other customers."""
    customer = locks.lock_known_customer(session, customer_pk)
    program = session.get_one(Program, session.get_one(Customer, customer_pk).program_id)
    settle(deps, session, program, customer, Touched(everything=True), now)


def _orders(session: Session, customer: CustomerRow, touched: Touched, *, everything: bool) -> list[OrderRow]:
    if everything:
        if touched.new:
            write_orders(session, [touched.new])
        return read_orders_of(session, customer.id)
    if touched.new:
        return [touched.new]
    return read_orders(session, [touched.number]) if touched.number else []


class Wanted(NamedTuple):
    """What a commission must come to, in minor units."""

    commission: CommissionRow
    earned: int
    target: int


@dataclass(frozen=True)
class Settlement:
    """One customer's orders under one rulebook; the caller holds the customer's lock, or only plans."""

    deps: ReferralDeps
    session: Session
    program: Program
    customer: CustomerRow
    book: Rulebook
    bindings: Sequence[BindingRow]
    now: datetime
    first_ever: Payment | None = None
    """The customer's first payment of all; asked for in programmes with a sign-up bonus."""
    _speaking: dict[str, dict[HoldRule, dict[str, Any]]] = field(default_factory=dict)
    """The rules that speak against each order, by its id."""

    def run(self, orders: Sequence[OrderRow]) -> None:
        """Bring what the orders earn in line, and post the differences."""
        existing = [each for order in orders for line in order.lines for each in line.commissions]
        referrers = {binding.referrer.id: binding.referrer for binding in self.bindings}
        # Seldom: who earned on these orders before a late fact gave the customer to somebody else. Locked after the
        # others, so out of order; PostgreSQL ends the deadlock that may come of it, and the call runs again.
        others = {commission.referrer_id for commission in existing} - referrers.keys()
        referrers |= locks.share_referrers(self.session, others)
        counted: list[int | None] = []
        if self.book.has_tiers:
            tiers.lock_count(self.session, referrers)
            counted = [order.counted_for() for order in orders]
        reviews = reviews_of(self.session, [commission.id for commission in existing])
        for order in orders:
            order.counted = self._counts(order, reviews)
        wanted = self.plan(orders, referrers)
        held = {number for number, rules in reviews.items() if HoldState.OPEN in rules.values()}
        movements = [movement for each in wanted for movement in self._move(each, held)]
        write_bindings(self.session, self.bindings)
        write_orders(self.session, orders)
        post_movements(
            self.session,
            movements,
            currency=self.program.currency,
            timezone=self.program.timezone,
            posted_at=self.now,
        )
        if counted:
            tiers.note_moved(self.session, counted, orders)

    def plan(self, orders: Sequence[OrderRow], referrer_ids: Iterable[int]) -> list[Wanted]:
        """What each commission of these orders must come to. Changes the rows in memory and writes nothing."""
        rates = self.book.rates_for(referrer_ids)
        caps = Caps() if self.book.has_caps else None
        turn = sorted(orders, key=_turn) if caps else orders
        return [each for order in turn for each in self._settle_order(order, rates, caps)]

    def _counts(self, order: OrderRow, reviews: Reviews) -> bool:
        binding = covering(self.bindings, order)
        if binding is None or order.paid_at is None:
            return True
        return counts_now(order, binding.referrer.id, self._rules_against(order, binding), reviews)

    def _rules_against(self, order: OrderRow, binding: BindingRow) -> dict[HoldRule, dict[str, Any]]:
        """The rules that speak against the order's commissions of its referrer, asked for once."""
        if order.order_id not in self._speaking:
            limits = self.book.review.limits
            self._speaking[order.order_id] = holds.rules_against(
                self.deps, self.session, order, self.customer, binding.referrer, limits, binding.span
            )
        return self._speaking[order.order_id]

    def _settle_order(self, order: OrderRow, rates: Sequence[Rate], caps: Caps | None) -> Iterator[Wanted]:
        """Whom it belongs to, what each line comes to, and what each commission must be."""
        binding = covering(self.bindings, order)
        order.referrer_id = binding.span.referrer_id if binding else None
        order.referrer = binding.referrer.code if binding else None
        terms = self._terms(order, binding, rates)
        span = binding.span if binding else None
        spans = [each.span for each in self.bindings]
        back = refunded(order.given_back)
        given = [_given(line, back) for line in order.lines]
        extra = bonus(terms, given, span, self.book.bonuses) if self.book.bonuses else None
        bears_it = _first_line(order) if extra else None
        for line, what in zip(order.lines, given, strict=True):
            result = earn(what, terms, span, spans, rates)
            line.outcome = result.outcome
            if caps and span:
                result = caps.apply(result, order.order_id, span.from_at)
            yield from self._wanted(line, result, extra if line is bears_it else None)

    def _terms(self, order: OrderRow, binding: BindingRow | None, rates: Sequence[Rate]) -> OrderTerms:
        """What the lines of the order have in common; an order of another currency keeps what converts it."""
        terms = OrderTerms(
            order_id=order.order_id,
            status=order.status,
            currency=order.currency,
            placed_at=order.placed_at,
            paid_at=order.paid_at,
            first_paid=binding.first_paid if binding else None,
            first_ever=self.first_ever,
            program_currency=self.program.currency,
            timezone=self.program.timezone,
        )
        if binding is None or order.paid_at is None:
            order.exchange = None
            return terms
        if self.book.has_tiers:
            numbers = tiers.customer_numbers(
                self.session, order, binding.span.referrer_id, rates, self.program.timezone
            )
            terms = replace(terms, customers=numbers)
        if order.currency == self.program.currency:
            return terms
        found = find_exchange(
            self.session,
            currency=order.currency,
            into=self.program.currency,
            paid_at=order.paid_at,
            timezone=self.program.timezone,
        )
        order.exchange = found.told if found else None
        return replace(terms, exchange=found.factor if found else None)

    def _wanted(self, line: LineRow, result: Earned, extra: Earned | None) -> Iterator[Wanted]:
        """The commissions of one line with what each must come to: the current referrer's, and zero for any other.

        ``extra`` is the sign-up bonus where this line bears it.
        """
        kickback = self._commission(line, CommissionKind.KICKBACK, result)
        bonus_of_it = self._commission(line, CommissionKind.BONUS, extra) if extra else None
        for commission in line.commissions:
            earned = result if commission is kickback else extra if commission is bonus_of_it else None
            if earned is None or earned.rate is None:
                # Which step or cap it had when it was taken away depends on arrival.
                commission.tier_from = commission.uncapped_minor = None
                yield Wanted(commission, 0, 0)
                continue
            commission.base_minor, commission.rate_version_id = earned.base, earned.rate.id
            commission.tier_from, commission.uncapped_minor = earned.tier_from, earned.uncapped
            yield Wanted(commission, earned.earned, 0 if commission.rejected else earned.target)

    def _commission(self, line: LineRow, kind: CommissionKind, result: Earned) -> CommissionRow | None:
        """The line's commission of its referrer, made where it comes to anything or a cap took all of it."""
        referrer_id = line.order.referrer_id
        if referrer_id is None or result.outcome is not Outcome.EARNS:
            return None
        found = None
        for each in line.commissions:
            if each.referrer_id == referrer_id and each.kind is kind:
                found = each
        if found or not (result.earned or result.uncapped) or not result.rate:
            return found
        paid_at = line.order.paid_at
        assert paid_at is not None  # only a paid order earns
        days = hold_days(self.book.terms.at(paid_at), line.order.method)
        made = CommissionRow(
            line=line,
            program_id=self.program.id,
            referrer_id=referrer_id,
            rate_version_id=result.rate.id,
            base_minor=result.base,
            paid_at=paid_at,
            kind=kind,
            available_on=local_day(paid_at, self.program.timezone) + timedelta(days=days),
        )
        line.commissions.append(made)
        return made

    def _move(self, wanted: Wanted, held: Collection[int]) -> list[Movement]:
        commission = wanted.commission
        hold = commission.id in held
        movements: list[Movement] = []
        if wanted.earned and self._open_holds(wanted) and not hold:
            # What it had before this rule spoke is taken aside too, as far as no payout has it.
            amount = unreserved(self.session, commission) if commission.postings else 0
            movements += [move_to_held(commission, amount)] if amount else []
            hold = True
        back_at = commission.line.order.given_back_at()
        return movements + retarget(
            commission, earned=wanted.earned, target=wanted.target, hold=hold, given_back_at=back_at
        )

    def _open_holds(self, wanted: Wanted) -> bool:
        commission = wanted.commission
        order = commission.line.order
        binding = covering(self.bindings, order)
        assert binding is not None  # it earns
        rules = dict(self._rules_against(order, binding))
        if wanted.target <= commission.target_minor:
            # A suspension took aside what there was when it began; here it only catches what is earned under it.
            rules.pop(HoldRule.REFERRER_SUSPENDED, None)
        if not rules or commission.rejected:
            return False
        # A hold names its commission.
        write_orders(self.session, [order])
        return bool(holds.open_holds(self.session, self.program, commission, rules, self.now))


def _turn(order: OrderRow) -> tuple[datetime, str]:
    """The order in which caps are consumed."""
    return order.paid_at or END, order.order_id


def _first_line(order: OrderRow) -> LineRow | None:
    """The line that a sign-up bonus hangs on."""
    return min(
        (line for line in order.lines if line.position != GONE), key=lambda line: line.position, default=None
    )


def _given(line: LineRow, back: Refunded) -> Line:
    """The line as the rules see it, with what was given back of it."""
    line.refunded_minor = (
        line.net_minor if back.all_of_it else min(line.net_minor, back.lines.get(line.line_id, 0))
    )
    # Of a line that is no longer part of the order, no piece is left: a flat rate may exceed the net.
    quantity = 0 if line.position == GONE else line.quantity
    return Line(
        line.net_minor, quantity, line.kind, line.product_id, line.refunded_minor, voided=back.all_of_it
    )
