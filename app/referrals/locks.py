"""Who waits for whom. One order everywhere: order or prospect key, then customer, then referrers by id, then balances
by key.

On SQLite every writing transaction is alone from its BEGIN IMMEDIATE on, so these statements only read there. On
PostgreSQL an exclusive lock is FOR NO KEY UPDATE: it keeps out whoever locks the row, but not the foreign keys of rows
that merely name it, such as clicks being written while a payout run reserves their referrer's money.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import ARRAY, String, bindparam, exists, func, select

from app.kernel.db import connection_of, insert_or_ignore, on_sqlite, table_of
from app.referrals.models import Customer, Fact, FactState, Order, Referrer
from app.referrals.rows import CustomerRow, SharedReferrer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.referrals.models import Program


_CUSTOMERS, _REFERRERS, _FACTS = table_of(Customer), table_of(Referrer), table_of(Fact)

# Every order needs these, so they are made once.
_ORDER_KEY: Final = select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("key"), 0)))
_NUMBERS: Final = select(
    func.hashtextextended(func.unnest(bindparam("keys", type_=ARRAY(String))), 0).label("number")
).subquery()
_SORTED: Final = select(_NUMBERS.c.number).order_by(_NUMBERS.c.number).subquery()
_ORDER_KEYS: Final = select(func.count(func.pg_advisory_xact_lock(_SORTED.c.number)))
_LOCKED_KEYS: Final = "locked_order_keys"
_LOCKED: Final = select(
    _CUSTOMERS.c.id,
    _CUSTOMERS.c.customer_id,
    _CUSTOMERS.c.email_key,
    _CUSTOMERS.c.first_seen_at,
    _CUSTOMERS.c.marks,
    _CUSTOMERS.c.forgotten_paid_at,
).with_for_update(key_share=True)
_AWAITED: Final = exists().where(
    _FACTS.c.program_id == bindparam("program"),
    _FACTS.c.order_id == bindparam("order"),
    _FACTS.c.state == FactState.PARKED,
)
_CUSTOMER: Final = _LOCKED.add_columns(_AWAITED.label("awaited")).where(
    _CUSTOMERS.c.program_id == bindparam("program"), _CUSTOMERS.c.customer_id == bindparam("customer")
)
_KNOWN_CUSTOMER: Final = _LOCKED.where(_CUSTOMERS.c.id == bindparam("row"))
_SHARED_REFERRERS: Final = (
    select(_REFERRERS.c.id, _REFERRERS.c.code, _REFERRERS.c.status, _REFERRERS.c.email_key)
    .where(_REFERRERS.c.id.in_(bindparam("wanted", expanding=True)))
    .order_by(_REFERRERS.c.id)
    .with_for_update(read=True)
)


def lock_order_key(session: Session, program: Program, order_id: str) -> None:
    """Make facts about one order id wait for each other, whether or not the order is known yet.

    The race: a payment finds no order and parks, while the order, not yet committed, finds no parked payment. Each
    would miss the other and the commission would never be posted.
    """
    key = f"order:{program.id}:{order_id}"
    if not on_sqlite(session) and key not in session.info.get(_LOCKED_KEYS, ()):
        connection_of(session).execute(_ORDER_KEY, {"key": key})


def lock_order_keys(session: Session, program: Program, order_ids: Iterable[str]) -> None:
    """The same for all orders that a transaction is going to record, in one statement.

    In the order of their numbers, so that two batches with the same orders cannot wait for each other.
    """
    if on_sqlite(session):
        return
    keys = {f"order:{program.id}:{order_id}" for order_id in order_ids}
    if keys:
        connection_of(session).execute(_ORDER_KEYS, {"keys": sorted(keys)})
        session.info[_LOCKED_KEYS] = keys


def lock_prospect(session: Session, program: Program, email_key: str) -> None:
    """Make a lead and a signup of one e-mail address wait for each other; before the customer's row.

    The race: a lead finds no customer of that address, while the signup, not yet committed, finds no lead. Each would
    miss the other, and the referrer who spoke to the customer would go without.
    """
    if not on_sqlite(session):
        session.execute(_ORDER_KEY, {"key": f"prospect:{program.id}:{email_key}"})


def lock_customer(
    session: Session, program: Program, customer_id: str, now: datetime, *, order_id: str = ""
) -> tuple[CustomerRow, bool]:
    """The customer's row, locked, created on first sight; and whether it is new. It knows whether facts wait for the
    order ``order_id``, whose key is locked already.

    The race: an order and its signup, or two refunds, at the same instant. Each would compute from facts without the
    other, and the second to commit would overwrite targets that it never saw.
    """
    who = {"program": program.id, "customer": customer_id, "order": order_id}
    row = connection_of(session).execute(_CUSTOMER, who).first()
    if row:
        return CustomerRow(*row), False
    new = {"program_id": program.id, "customer_id": customer_id, "created_at": now}
    created = insert_or_ignore(session, Customer, [new], key=("program_id", "customer_id"))
    return CustomerRow(*connection_of(session).execute(_CUSTOMER, who).one()), bool(created)


def lock_known_customer(session: Session, customer_pk: int) -> CustomerRow:
    """The row of a customer that an order names, locked, for the same reason."""
    return CustomerRow(*connection_of(session).execute(_KNOWN_CUSTOMER, {"row": customer_pk}).one())


def lock_order(session: Session, program: Program, order_id: str) -> tuple[Order | None, CustomerRow | None]:
    """The order and its customer, both locked; nothing where the order is not known (its id is locked then)."""
    lock_order_key(session, program, order_id)
    order = session.scalar(select(Order).where(Order.program_id == program.id, Order.order_id == order_id))
    if order is None:
        return None, None
    customer = lock_known_customer(session, order.customer_id)
    # Read again: whoever held the customer before us may have changed the order.
    session.refresh(order)
    return order, customer


def share_referrers(session: Session, referrer_ids: Iterable[int]) -> Mapping[int, SharedReferrer]:
    """The referrers' rows, locked against a payout run, suspension or reinstatement, not against other orders.

    The race: an order sees an active referrer while a suspension takes all pending money aside; the order's
    commission, committed a moment later, would stay payable. Or a run reserves the day's money while a commission of
    that day is being posted, and its later reading of "what came after the reservation" counts it as paid.
    """
    wanted = sorted(set(referrer_ids))
    if not wanted:
        return {}
    rows = connection_of(session).execute(_SHARED_REFERRERS, {"wanted": wanted})
    return {row.id: SharedReferrer(*row) for row in rows}


def own_referrer(session: Session, referrer_id: int) -> Referrer:
    """The referrer's row, locked against everyone: for runs, suspension, reinstatement and review."""
    statement = select(Referrer).where(Referrer.id == referrer_id).with_for_update(key_share=True)
    return session.scalars(statement.execution_options(populate_existing=True)).one()
