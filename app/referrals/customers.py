"""Erasure of a customer's personal data: the amounts stay, the person goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import or_, select, update

from app.identity.audit import Actor, record_event
from app.kernel.db import table_of
from app.referrals import locks
from app.referrals.contests import clear_words
from app.referrals.errors import CustomerNotFound
from app.referrals.leads import forget_prospects
from app.referrals.models import Commission, Contest, Customer, Fact, FactKind, Hold, Order

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from app.referrals.models import Program

_NAMES_ONLY_OUR_ROWS: Final = frozenset({"customer", "order", "click", "ring", "by"})
"""Names in a review's evidence under which ids of the merchant's or of ours stand, or who on the staff acted."""

_CHUNK: Final = 500


def erase_personal_data(
    session: Session, program: Program, customer_id: str, now: datetime, *, actor: Actor | None = None
) -> None:
    """Remove every fingerprint of the customer's e-mail and bank account; attribution and amounts stay as they are.

    The merchant's own customer id stays, as a pseudonym that only the merchant can read. Erasing again changes
    nothing. Raises :class:`CustomerNotFound`.
    """
    prospect = session.scalar(
        select(Customer.email_key).where(
            Customer.program_id == program.id, Customer.customer_id == customer_id
        )
    )
    if prospect is not None:
        # Before the customer, as everybody locks them: a lead of this moment would name an address that we forget.
        locks.lock_prospect(session, program, prospect)
    customer = locked_customer(session, program, customer_id)
    if prospect is not None:
        forget_prospects(session, now, email_key=prospect)
    is_new = customer.erased_at is None
    customer.email_key = None
    customer.erased_at = customer.erased_at or now
    order_ids = list(session.scalars(select(Order.order_id).where(Order.customer_id == customer.id)))
    forget_payers(session, [(program.id, order_id) for order_id in order_ids])
    _without(session, "email", Fact.program_id == program.id, signups_of(customer_id))
    _strip_evidence(session, customer)
    clear_words(session, Contest.order_id.in_(select(Order.id).where(Order.customer_id == customer.id)))
    session.flush()
    if is_new:
        by = actor or Actor.system("erasure")
        # The trail is sealed: it names the row, not the customer.
        subject = f"customer:{customer.id}"
        record_event(session, by, "customer.erased", subject, now=now, program_id=program.id)


def locked_customer(session: Session, program: Program, customer_id: str) -> Customer:
    """The customer's row, locked as its facts lock it. Raises :class:`CustomerNotFound`."""
    wanted = select(Customer.id).where(Customer.program_id == program.id, Customer.customer_id == customer_id)
    known = session.scalar(wanted)
    if known is None:
        raise CustomerNotFound(customer_id)
    locks.lock_known_customer(session, known)
    return session.get_one(Customer, known, populate_existing=True)


def signups_of(customer_id: str) -> ColumnElement[bool]:
    """The signup facts of a customer: the first under its id, further postings under the id and a hash."""
    again = Fact.key.startswith(f"{customer_id}\n", autoescape=True)
    return (Fact.kind == FactKind.SIGNUP) & or_(Fact.key == customer_id, again)


def forget_payers(session: Session, orders: Sequence[tuple[int, str]]) -> None:
    """Take the payer's fingerprint out of orders, by (programme, order id), and out of their facts."""
    for program_id in {program_id for program_id, _ in orders}:
        order_ids = [order_id for each, order_id in orders if each == program_id]
        for start in range(0, len(order_ids), _CHUNK):
            chunk = order_ids[start : start + _CHUNK]
            paid = (table_of(Order).c.program_id == program_id) & table_of(Order).c.order_id.in_(chunk)
            session.execute(update(table_of(Order)).where(paid).values(payer_iban_key=None))
            mine = Fact.program_id == program_id, Fact.kind == FactKind.ORDER, Fact.key.in_(chunk)
            _without(session, "payer_iban", *mine)


def _without(session: Session, name: str, *which: ColumnElement[bool]) -> None:
    """Take one field out of the bodies of these facts. Their hashes stay, so that a repetition is still known."""
    for fact in session.scalars(select(Fact).where(*which)):
        fact.body = {field: value for field, value in fact.body.items() if field != name}
    session.flush()


def _strip_evidence(session: Session, customer: Customer) -> None:
    """Leave of each review of the customer's orders what its decision needs: ids of the merchant's, and figures."""
    holds = (
        select(Hold)
        .join(Commission, Commission.id == Hold.commission_id)
        .join(Order, Order.id == Commission.order_id)
        .where(Order.customer_id == customer.id)
    )
    for hold in session.scalars(holds):
        hold.evidence = impersonal(hold.evidence)
    customer.marks = [
        {**mark, "evidence": impersonal(mark["evidence"])} for mark in customer.marks or ()
    ] or None


def impersonal(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """A review's evidence without what describes a person: ids of the merchant's and figures stay."""
    return {
        name: value
        for name, value in evidence.items()
        if name in _NAMES_ONLY_OUR_ROWS or isinstance(value, bool | int | float)
    }
