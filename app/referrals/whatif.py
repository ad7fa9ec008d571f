"""What if: past orders under a changed rate, window, hold period or attribution model. Posts nothing, locks nothing.

The same plan that settles an order (``settle.py``) is made again over rows that are thrown away, with the supposed
rulebook and, where the window or the model is supposed, with the bindings that would have come of it. Performance tiers
count customers as they really were.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select

from app.kernel.clock import BEGINNING, local_day
from app.kernel.db import connection_of, table_of
from app.referrals.binding_rows import BindingRow, look_at_bindings
from app.referrals.first_orders import forgotten, note_first_paid, payments
from app.referrals.models import Customer, Order, Referrer
from app.referrals.rows import CustomerRow, OrderRow, SharedReferrer, read_orders_of
from app.referrals.settle import Settlement
from app.referrals.story import spans_under
from app.referrals.terms import Terms, TermsHistory, hold_days
from app.referrals.words import RateScope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    from app.referrals.domain.attribution import Span
    from app.referrals.domain.rates import Rate
    from app.referrals.intake import ReferralDeps
    from app.referrals.models import Program
    from app.referrals.rulebook import Rulebook
    from app.referrals.words import AttributionModel

_TOGETHER: Final = 300
"""Customers that are read together."""

_CUSTOMER_PARTS: Final = ("id", "customer_id", "email_key", "first_seen_at", "marks", "forgotten_paid_at")
_CUSTOMERS, _ORDERS, _REFERRERS = table_of(Customer), table_of(Order), table_of(Referrer)


@dataclass(frozen=True, slots=True)
class Supposed:
    """What is supposed to have held all along; ``None`` leaves it as it was.

    ``rate`` takes the place of every version at its own level (product or all, referrer or all), ``bonus`` that of
    every sign-up bonus at its own (referrer or all).
    """

    rate: Rate | None = None
    bonus: Rate | None = None
    window_days: int | None = None
    attribution: AttributionModel | None = None
    hold_days: int | None = None

    @property
    def moves_customers(self) -> bool:
        """Whether customers may belong to somebody else under it."""
        return self.window_days is not None or self.attribution is not None


@dataclass(slots=True)
class Shift:
    """One referrer's commissions on orders paid within the range, in minor units: as they are, and as supposed.

    ``payable_was`` and ``payable_would_be`` count what is payable by the range's end.
    """

    was: int = 0
    would_be: int = 0
    payable_was: int = 0
    payable_would_be: int = 0

    @property
    def difference(self) -> int:
        """Supposed less real."""
        return self.would_be - self.was


def total_of(shifts: Iterable[Shift]) -> Shift:
    """All of them together."""
    total = Shift()
    for shift in shifts:
        total.was += shift.was
        total.would_be += shift.would_be
        total.payable_was += shift.payable_was
        total.payable_would_be += shift.payable_would_be
    return total


def count_customers(session: Session, program: Program, start: datetime, end: datetime) -> int:
    """How many customers paid an order within [start, end)."""
    paid = _paid_within(program, start, end)
    return session.scalars(select(func.count(func.distinct(_ORDERS.c.customer_id))).where(*paid)).one()


def simulate(  # each argument is one part of the question
    deps: ReferralDeps,
    session: Session,
    program: Program,
    supposed: Supposed,
    start: datetime,
    end: datetime,
    progress: Callable[[int], None] = lambda _customers: None,
) -> dict[str, Shift]:
    """The shift of each referrer concerned, by code, over orders paid within [start, end).

    ``session`` reads one snapshot. ``progress`` is told how many customers were reckoned each time. Memory is bounded
    by the number of referrers.
    """
    study = Study(deps, session, program, supposed, start, end)
    for customers in study.steps():
        progress(customers)
    return study.by_code()


def _paid_within(program: Program, start: datetime, end: datetime) -> tuple[Any, ...]:
    return _ORDERS.c.program_id == program.id, _ORDERS.c.paid_at >= start, _ORDERS.c.paid_at < end


def _customers(
    session: Session, program: Program, start: datetime, end: datetime
) -> Iterator[Sequence[CustomerRow]]:
    wanted = (
        select(*(_CUSTOMERS.c[name] for name in _CUSTOMER_PARTS))
        .where(_CUSTOMERS.c.id.in_(select(_ORDERS.c.customer_id).where(*_paid_within(program, start, end))))
        .order_by(_CUSTOMERS.c.id)
    )
    found = connection_of(session).execute(wanted, execution_options={"yield_per": _TOGETHER})
    for rows in found.partitions():
        yield [CustomerRow(*row) for row in rows]


class Study:
    """The same as :func:`simulate` at the caller's own pace."""

    def __init__(
        self,
        deps: ReferralDeps,
        session: Session,
        program: Program,
        supposed: Supposed,
        start: datetime,
        end: datetime,
    ) -> None:
        self._deps, self._session, self._program, self._supposed = deps, session, program, supposed
        self._range = start, end
        self._last_day = local_day(end - timedelta(microseconds=1), program.timezone)
        self._book = _supposed_book(deps.rulebooks.of(session, program), supposed)
        self._shifts: defaultdict[int, Shift] = defaultdict(Shift)
        self._referrers = _referrers(session, program)

    def steps(self) -> Iterator[int]:
        """Reckon some customers at a time; how many, each time."""
        for customers in _customers(self._session, self._program, *self._range):
            self._reckon_all(customers)
            yield len(customers)

    def by_code(self) -> dict[str, Shift]:
        """The shift of each referrer concerned so far."""
        codes = {number: referrer.code for number, referrer in self._referrers.items()}
        return {
            codes[number]: shift for number, shift in sorted(self._shifts.items(), key=lambda i: codes[i[0]])
        }

    def _reckon_all(self, customers: Sequence[CustomerRow]) -> None:
        numbers = [customer.id for customer in customers]
        bindings = look_at_bindings(self._session, numbers)
        orders = sorted(read_orders_of(self._session, *numbers), key=lambda order: order.customer_id)
        by_customer = {
            number: list(each) for number, each in groupby(orders, lambda order: order.customer_id)
        }
        for customer in customers:
            self._reckon(customer, bindings[customer.id], by_customer[customer.id])

    def _reckon(self, customer: CustomerRow, bindings: list[BindingRow], orders: list[OrderRow]) -> None:
        for order in orders:
            if self._is_within(order):
                self._add_real(order)
        if self._supposed.moves_customers:
            bindings = self._bindings_supposed(customer, orders)
        first = min(payments(orders) | forgotten(customer), default=None)
        settlement = Settlement(
            self._deps, self._session, self._program, customer, self._book, bindings, BEGINNING, first
        )
        concerned = {binding.referrer.id for binding in bindings}
        for wanted in settlement.plan(orders, concerned):
            order = wanted.commission.line.order
            if wanted.target and self._is_within(order):
                shift = self._shifts[wanted.commission.referrer_id]
                shift.would_be += wanted.target
                shift.payable_would_be += wanted.target * (self._payable_on(order) <= self._last_day)

    def _bindings_supposed(self, customer: CustomerRow, orders: Sequence[OrderRow]) -> list[BindingRow]:
        spans = spans_under(self._deps, self._session, self._program, customer, self._book.terms)
        bindings = [_supposed_binding(span, self._referrers[span.referrer_id]) for span in spans]
        note_first_paid(bindings, orders)
        return bindings

    def _add_real(self, order: OrderRow) -> None:
        for line in order.lines:
            for commission in line.commissions:
                if commission.target_minor:
                    shift = self._shifts[commission.referrer_id]
                    shift.was += commission.target_minor
                    payable = commission.available_on <= self._last_day
                    shift.payable_was += commission.target_minor * payable

    def _is_within(self, order: OrderRow) -> bool:
        return order.paid_at is not None and self._range[0] <= order.paid_at < self._range[1]

    def _payable_on(self, order: OrderRow) -> date:
        assert order.paid_at is not None  # only a paid order earns
        days = hold_days(self._book.terms.at(order.paid_at), order.method)
        return local_day(order.paid_at, self._program.timezone) + timedelta(days=days)


def _supposed_binding(span: Span, referrer: SharedReferrer) -> BindingRow:
    return BindingRow(0, span, referrer, None, None)


def _referrers(session: Session, program: Program) -> Mapping[int, SharedReferrer]:
    columns = _REFERRERS.c.id, _REFERRERS.c.code, _REFERRERS.c.status, _REFERRERS.c.email_key
    wanted = select(*columns).where(_REFERRERS.c.program_id == program.id)
    return {row.id: SharedReferrer(*row) for row in connection_of(session).execute(wanted)}


def _supposed_book(book: Rulebook, supposed: Supposed) -> Rulebook:
    rates = dict(book.rates)
    if supposed.rate is not None:
        new = replace(supposed.rate, valid_from=BEGINNING, scope=RateScope.ALL)
        others = [rate for rate in rates.get(new.referrer_id, ()) if rate.product_id != new.product_id]
        rates[new.referrer_id] = (*others, new)
    bonuses = book.bonuses
    if supposed.bonus is not None:
        others = [bonus for bonus in bonuses if bonus.referrer_id != supposed.bonus.referrer_id]
        # Two supposed rates need two numbers.
        number = supposed.bonus.id + 1
        bonuses = (*others, replace(supposed.bonus, id=number, valid_from=BEGINNING, scope=RateScope.ALL))
    terms = TermsHistory(tuple(_supposed_terms(version, supposed) for version in book.terms.versions))
    return replace(book, rates=rates, bonuses=bonuses, terms=terms)


def _supposed_terms(terms: Terms, supposed: Supposed) -> Terms:
    return replace(
        terms,
        window_days=terms.window_days if supposed.window_days is None else supposed.window_days,
        attribution=supposed.attribution or terms.attribution,
        hold_days=terms.hold_days if supposed.hold_days is None else supposed.hold_days,
    )
