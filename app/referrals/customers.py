"""Erasure of a customer's personal data: the amounts stay, the person goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, update

from app.referrals import locks
from app.referrals.errors import CustomerNotFound
from app.referrals.models import Customer, Fact, FactKind, Order

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.referrals.models import Program


def erase_personal_data(session: Session, program: Program, customer_id: str, now: datetime) -> None:
    """Remove every fingerprint of the customer's e-mail and bank account; attribution and amounts stay as they are.

    The merchant's own customer id stays, as a pseudonym that only the merchant can read. Erasing again changes
    nothing. Raises :class:`CustomerNotFound`.
    """
    wanted = select(Customer.id).where(Customer.program_id == program.id, Customer.customer_id == customer_id)
    known = session.scalar(wanted)
    if known is None:
        raise CustomerNotFound(customer_id)
    locks.lock_known_customer(session, known)
    customer = session.get_one(Customer, known, populate_existing=True)
    customer.email_key = None
    customer.erased_at = customer.erased_at or now
    order_ids = list(session.scalars(select(Order.order_id).where(Order.customer_id == customer.id)))
    session.execute(update(Order).where(Order.customer_id == customer.id).values(payer_iban_key=None))
    signups = select(Fact).where(
        Fact.program_id == program.id,
        Fact.kind == FactKind.SIGNUP,
        (Fact.key == customer_id) | Fact.key.startswith(f"{customer_id}\n", autoescape=True),
    )
    for fact in session.scalars(signups):
        fact.body = {name: value for name, value in fact.body.items() if name != "email"}
    for start in range(0, len(order_ids), 500):
        chunk = order_ids[start : start + 500]
        paid = select(Fact).where(
            Fact.program_id == program.id, Fact.kind == FactKind.ORDER, Fact.key.in_(chunk)
        )
        for fact in session.scalars(paid):
            fact.body = {name: value for name, value in fact.body.items() if name != "payer_iban"}
