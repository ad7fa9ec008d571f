"""Orders and signups that nobody was rewarded for, once they are old: the figures stay, the people go."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import String, bindparam, cast, delete, func, or_, select, update

from app.kernel.clock import local_day
from app.kernel.db import insert_or_ignore, table_of
from app.referrals.models import (
    GONE,
    Binding,
    ClickUse,
    Commission,
    Correction,
    Customer,
    Decision,
    Fact,
    FactKind,
    FactState,
    Order,
    OrderLine,
    OrderTotal,
    PartnerChoice,
    Program,
    Refund,
    Signup,
)
from app.referrals.reduced import BARE_SIGNUP, reduced_body

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

TOTALLED: Final = "its order is older than we keep and became a total"
"""Why a fact that still waited for its order is refused."""

_CHUNK: Final = 500
_NO_CANDIDATES: Final[dict[str, Any]] = {"click_ids": [], "coupons": [], "referrer_codes": [], "lead_ids": []}


def free_customers(session: Session, customer_pks: Collection[int]) -> set[int]:
    """Those of the customers whom nobody else works on, locked.

    The race: a late signup attributes an order that is about to become a total. Facts lock their customer, so we do
    too; but a batch of theirs locks customers in the order of its lines, so we wait for none and leave a busy one to
    the next night. On SQLite we are alone anyway.
    """
    wanted = select(Customer.id).where(Customer.id.in_(customer_pks)).order_by(Customer.id)
    return set(session.scalars(wanted.with_for_update(key_share=True, skip_locked=True)))


class _Old(NamedTuple):
    id: int
    program_id: int
    customer_id: int
    order_id: str


def total_orders(session: Session, before: datetime, limit: int) -> int:
    """Turn at most ``limit`` unattributed orders from before an instant into totals; how many.

    An order that ever earned anything has entries in the ledger and stays, whoever it belongs to now.
    """
    earned = select(Commission.id).where(Commission.order_id == Order.id).exists()
    old = (
        select(Order.id, Order.program_id, Order.customer_id, Order.order_id)
        .where(
            Order.referrer_id.is_(None),
            Order.placed_at < before,
            func.coalesce(Order.paid_at, Order.cancelled_at, Order.placed_at) < before,
            ~earned,
        )
        .order_by(Order.placed_at, Order.id)
        .limit(limit)
    )
    found = session.execute(old).all()
    free = free_customers(session, {row.customer_id for row in found})
    # Read again under the locks: whoever held a customer before us may have attributed the order.
    again = old.where(Order.id.in_([row.id for row in found]), Order.customer_id.in_(free))
    orders = [_Old(*row) for row in session.execute(again)]
    if orders:
        _add_to_totals(session, [order.id for order in orders])
        _forget_orders(session, orders)
    return len(orders)


def _add_to_totals(session: Session, order_pks: Sequence[int]) -> None:
    zones = dict(session.execute(select(Program.id, Program.timezone)).all())
    sums: defaultdict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    lines = select(Order, OrderLine).join(OrderLine, OrderLine.order_id == Order.id)
    for order, line in session.execute(lines.where(Order.id.in_(order_pks), OrderLine.position != GONE)):
        month = f"{local_day(order.placed_at, zones[order.program_id]):%Y-%m}"
        into = sums[order.program_id, month, line.sku, order.currency, order.status]
        for place, more in enumerate((1, line.quantity, line.net_minor, line.refunded_minor)):
            into[place] += more
    key = ("program_id", "month", "sku", "currency", "status")
    figures = ("line_count", "quantity", "net_minor", "refunded_minor")
    rows = [dict(zip(key, values, strict=True)) for values in sorted(sums)]
    insert_or_ignore(session, OrderTotal, [row | dict.fromkeys(figures, 0) for row in rows], key=key)
    totals = table_of(OrderTotal)
    for row in rows:
        added = dict(zip(figures, sums[tuple(row.values())], strict=True))
        session.execute(
            update(totals)
            .where(*(totals.c[name] == value for name, value in row.items()))
            .values({name: totals.c[name] + more for name, more in added.items()})
        )


def _forget_orders(session: Session, orders: Sequence[_Old]) -> None:
    by_program: defaultdict[int, list[str]] = defaultdict(list)
    customers = {order.customer_id for order in orders}
    for order in orders:
        by_program[order.program_id].append(order.order_id)
    for program_id, order_ids in by_program.items():
        reduce_facts(session, Fact.program_id == program_id, Fact.order_id.in_(order_ids))
        session.execute(
            delete(Decision).where(
                Decision.program_id == program_id,
                Decision.customer_id.in_(customers),
                Decision.occasion == "order",
                Decision.occasion_ref.in_(order_ids),
            )
        )
    pks = [order.id for order in orders]
    _remember_payments(session, pks)
    presented = select(Order.click_id).where(Order.id.in_(pks), Order.click_id.is_not(None))
    uses = table_of(ClickUse)
    session.execute(delete(uses).where(uses.c.customer_id.in_(customers), uses.c.click_id.in_(presented)))
    for model in (Refund, Correction, OrderLine):
        session.execute(delete(table_of(model)).where(table_of(model).c.order_id.in_(pks)))
    session.execute(delete(table_of(Order)).where(table_of(Order).c.id.in_(pks)))


def _remember_payments(session: Session, order_pks: Sequence[int]) -> None:
    """Keep with each customer when it had paid first: a sign-up bonus is for the first order of all."""
    customers, orders = table_of(Customer), table_of(Order)
    first = select(orders.c.customer_id, func.min(orders.c.paid_at)).where(
        orders.c.id.in_(order_pks), orders.c.paid_at.is_not(None)
    )
    known = customers.c.forgotten_paid_at
    for customer, paid_at in session.execute(first.group_by(orders.c.customer_id)):
        earlier = customers.c.id == customer, or_(known.is_(None), known > paid_at)
        session.execute(update(customers).where(*earlier).values(forgotten_paid_at=paid_at))


def reduce_facts(session: Session, *which: ColumnElement[bool]) -> None:
    """Take the bodies of these facts away; what waits for one of them will wait no longer."""
    facts = table_of(Fact)
    changed = [
        {"which": key, "left": reduced_body(kind, body), "now": state, "why": reason}
        for key, kind, body, state, reason in session.execute(
            select(Fact.id, Fact.kind, Fact.body, Fact.state, Fact.reason).where(*which)
        )
    ]
    for each in changed:
        if each["now"] is FactState.PARKED:
            each["now"], each["why"] = FactState.REFUSED, TOTALLED
    if changed:
        session.connection().execute(
            update(facts)
            .where(facts.c.id == bindparam("which"))
            .values(body=bindparam("left"), state=bindparam("now"), reason=bindparam("why")),
            changed,
        )


def clear_signups(session: Session, before: datetime, limit: int) -> int:
    """Forget what at most ``limit`` customers brought whom nobody referred and who were last seen before an instant.

    The customer stays as the merchant's own id with the day it was first seen: a later click must not take it for a
    new one.
    """
    bound = select(Binding.id).where(Binding.customer_id == Signup.customer_id).exists()
    chose = select(PartnerChoice.id).where(PartnerChoice.customer_id == Signup.customer_id).exists()
    seen = select(Order.id).where(Order.customer_id == Signup.customer_id, Order.placed_at >= before).exists()
    brought = or_(
        Customer.email_key.is_not(None),
        *(cast(table_of(Signup).c[name], String) != "[]" for name in _NO_CANDIDATES),
    )
    old = (
        select(Customer.id, Customer.program_id, Customer.customer_id)
        .join(Signup, Signup.customer_id == Customer.id)
        .where(Signup.signed_up_at < before, brought, ~bound, ~chose, ~seen)
        .order_by(Customer.id)
        .limit(limit)
    )
    found = session.execute(old).all()
    free = free_customers(session, {row.id for row in found})
    again = session.execute(old.where(Customer.id.in_(free))).all()
    if again:
        _clear_customers(session, [row.id for row in again])
    for program_id in {row.program_id for row in again}:
        _bare_signups(session, program_id, {row.customer_id for row in again if row.program_id == program_id})
    return len(again)


def _bare_signups(session: Session, program_id: int, customer_ids: Collection[str]) -> None:
    """Leave of these customers' signup facts that they signed up.

    The first one stands under the customer's id. Further postings, which are few, stand under the id, a line break and
    a hash: they are looked through once for all.
    """
    mine = Fact.program_id == program_id, Fact.kind == FactKind.SIGNUP
    keys = list(customer_ids)
    again = session.scalars(select(Fact.key).where(*mine, Fact.key.contains("\n")))
    keys += [key for key in again if key.partition("\n")[0] in customer_ids]
    for start in range(0, len(keys), _CHUNK):
        for fact in session.scalars(select(Fact).where(*mine, Fact.key.in_(keys[start : start + _CHUNK]))):
            fact.body = {name: fact.body[name] for name in BARE_SIGNUP if name in fact.body}
    session.flush()


def _clear_customers(session: Session, customer_pks: Iterable[int]) -> None:
    pks = list(customer_pks)
    customers, signups, decisions = table_of(Customer), table_of(Signup), table_of(Decision)
    session.execute(update(customers).where(customers.c.id.in_(pks)).values(email_key=None, marks=None))
    session.execute(update(signups).where(signups.c.customer_id.in_(pks)).values(**_NO_CANDIDATES))
    session.execute(
        update(decisions)
        .where(decisions.c.customer_id.in_(pks), decisions.c.occasion == "signup")
        .values(candidates=[], unpresented=[])
    )
    session.execute(delete(table_of(ClickUse)).where(table_of(ClickUse).c.customer_id.in_(pks)))
